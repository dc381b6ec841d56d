//! `tls-min-version` and `tls-max-version` by what is negotiated, and what `MQTTOxide_lastError` tells of TLS, with the programs and
//! the servers of the callbacks' tests.

use std::ffi::c_void;

use openssl::ssl::SslVersion;
use paho_oxide::ffi::exports::for_paho::{MQTTOxide_lastError, MQTTOxide_setOption};
use paho_oxide::ffi::types::for_paho_types::{MQTTOxide_ERROR_CONNECT, MQTTOxide_error};

use crate::program::{AsyncClient, Event, Kind, Program, SyncClient};
use crate::server::Server;
use crate::tls::Site;

const TLS: u32 = 8;

fn set(handle: *mut c_void, name: &str, value: &str) {
    let len = |text: &str| u32::try_from(text.len()).unwrap();
    // SAFETY: texts with their lengths.
    let code = unsafe {
        MQTTOxide_setOption(
            handle,
            name.as_ptr().cast(),
            len(name),
            value.as_ptr().cast(),
            len(value),
        )
    };
    assert_eq!(code, 0, "{name} {value}");
}

/// The last error, and its text.
fn last_error(handle: *mut c_void) -> (MQTTOxide_error, String) {
    let mut text = vec![0_u8; 1024];
    // SAFETY: a structure of numbers and a pointer, to a buffer of the length it says.
    unsafe {
        let mut error: MQTTOxide_error = std::mem::zeroed();
        error.size = u32::try_from(size_of::<MQTTOxide_error>()).unwrap();
        error.text = text.as_mut_ptr().cast();
        error.text_capacity = 1024;
        assert_eq!(MQTTOxide_lastError(handle, &raw mut error), 0);
        text.truncate(error.text_len as usize);
        (error, String::from_utf8(text).unwrap())
    }
}

/// A client of one of the APIs.
enum Client {
    Async(AsyncClient),
    Sync(SyncClient),
}

impl Client {
    fn both(server: &Server, program: &std::sync::Arc<Program>) -> [Self; 2] {
        [
            Self::Async(AsyncClient::new(&server.uri(), program)),
            Self::Sync(SyncClient::new(&server.uri(), program, Kind::Sync)),
        ]
    }

    fn handle(&self) -> *mut c_void {
        match self {
            Self::Async(client) => client.handle(),
            Self::Sync(client) => client.handle(),
        }
    }

    fn connects(&self, program: &Program) -> bool {
        match self {
            Self::Async(client) => {
                client.connect();
                let ends = |event: &Event| matches!(event, Event::Connected | Event::ConnectFailed);
                program.until_one(ends) == Event::Connected
            }
            Self::Sync(client) => client.connect() == 0,
        }
    }

    /// With the server's certificate verified, which nobody trusts.
    fn verify(&mut self) {
        match self {
            Self::Async(client) => client.verify = true,
            Self::Sync(client) => client.verify = true,
        }
    }
}

#[test]
fn the_versions_are_those_that_the_program_wants() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    for (option, value, negotiated) in [
        ("", "", "TLSv1.3"),
        ("tls-max-version", "1.2", "TLSv1.2"),
        ("tls-min-version", "1.3", "TLSv1.3"),
    ] {
        let program = Program::new();
        for client in Client::both(&server, &program) {
            if !option.is_empty() {
                set(client.handle(), option, value);
            }
            assert!(client.connects(&program));
            assert_eq!(server.version(), negotiated, "{option} {value}");
        }
    }
}

/// A server that is too old is told of with OpenSSL's number, and good again where the program takes it.
#[test]
fn a_server_that_is_too_old_is_refused() {
    let site = Site::new();
    let server = Server::with_newest(&site.server, SslVersion::TLS1_2);
    let program = Program::new();
    for client in Client::both(&server, &program) {
        set(client.handle(), "tls-min-version", "1.3");
        assert!(!client.connects(&program));
        let (error, text) = last_error(client.handle());
        assert_eq!((error.kind, error.stage), (MQTTOxide_ERROR_CONNECT, TLS));
        assert_ne!(error.tls_error, 0, "{text}");
        set(client.handle(), "tls-min-version", "");
        assert!(client.connects(&program));
        assert_eq!(server.version(), "TLSv1.2");
    }
}

#[test]
fn a_certificate_that_nobody_trusts_is_told_of_with_openssls_number() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let program = Program::new();
    for mut client in Client::both(&server, &program) {
        client.verify();
        assert!(!client.connects(&program));
        let (error, text) = last_error(client.handle());
        assert_eq!(error.stage, TLS);
        // The library (0x14, SSL) in the upper bits, the reason (0x86, certificate verify failed) in the lower ones.
        assert_eq!(error.tls_error, 0x14 << 23 | 0x86, "{text}");
        assert!(text.contains("certificate verify failed"), "{text}");
    }
}
