//! Messages of TLS's own that a server may send at any time.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::c_int;
use std::net::TcpStream;

use foreign_types::ForeignTypeRef;
use openssl::ssl::{SslContextBuilder, SslRef, SslStream, SslVersion};

use super::tls::{Site, server_context};

#[expect(
    unsafe_code,
    reason = "what an honest server does rarely the openssl crate has no functions for"
)]
mod ffi {
    use super::c_int;
    use openssl_sys::SSL;
    unsafe extern "C" {
        pub fn SSL_new_session_ticket(ssl: *mut SSL) -> c_int;
        pub fn SSL_renegotiate(ssl: *mut SSL) -> c_int;
        pub fn SSL_renegotiate_pending(ssl: *const SSL) -> c_int;
        pub fn SSL_key_update(ssl: *mut SSL, kind: c_int) -> c_int;
    }
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// TLS 1.3.
    Ticket,
    /// TLS 1.3: the client has to answer with one of its own.
    KeyUpdate,
    /// TLS 1.2: the client has to begin a handshake.
    HelloRequest,
}

impl Message {
    fn version(self) -> SslVersion {
        match self {
            Message::Ticket | Message::KeyUpdate => SslVersion::TLS1_3,
            Message::HelloRequest => SslVersion::TLS1_2,
        }
    }

    /// Returns what a server of its version is made of.
    pub fn context(self, site: &Site) -> SslContextBuilder {
        let mut context = server_context(&site.server);
        context.set_min_proto_version(Some(self.version())).unwrap();
        context.set_max_proto_version(Some(self.version())).unwrap();
        context
    }

    /// Sends one; an error when the socket takes it no more.
    pub fn send(self, stream: &mut SslStream<TcpStream>) -> Result<(), openssl::ssl::Error> {
        self.ask(stream.ssl());
        stream.do_handshake()
    }

    /// Has OpenSSL send one with the next step of a handshake.
    #[expect(unsafe_code, reason = "as above")]
    pub fn ask(self, ssl: &SslRef) {
        const UPDATE_REQUESTED: c_int = 1;
        // SAFETY: the functions change the state of a live connection that this thread alone uses.
        let asked = unsafe {
            match self {
                Message::Ticket => ffi::SSL_new_session_ticket(ssl.as_ptr()),
                Message::KeyUpdate => ffi::SSL_key_update(ssl.as_ptr(), UPDATE_REQUESTED),
                Message::HelloRequest => ffi::SSL_renegotiate(ssl.as_ptr()),
            }
        };
        assert_eq!(asked, 1, "{self:?}");
    }
}

/// Returns true while a handshake that the server has asked for has not ended.
#[expect(unsafe_code, reason = "as above")]
pub fn renews(ssl: &SslRef) -> bool {
    // SAFETY: the function reads the state of a live connection that this thread alone uses.
    let asked = unsafe { ffi::SSL_renegotiate_pending(ssl.as_ptr()) } != 0;
    asked || !ssl.is_init_finished()
}
