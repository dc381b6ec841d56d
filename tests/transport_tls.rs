//! TLS against servers on the same OpenSSL, each made for one case.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use certs::Identity;
use openssl::ssl::{
    AlpnError, NameType, ShutdownState, Ssl, SslContext, SslContextBuilder, SslMethod, SslStream,
    SslVerifyMode, SslVersion,
};
use openssl::symm::Cipher;
use paho_oxide::client::options::{ConnectOptions, Secret, TlsOptions, TlsVersion};
use paho_oxide::transport::{ConnectError, Connector, Link, Stage};
use tokio::time::Instant;
use transport_common::{
    Fixed, TempDir, connect_with, in_child, options, parse, pattern, pump, receive, receive_end,
    runtime, temp_dir,
};

/// A CA, a server certificate for localhost signed by it, and their files.
struct Site {
    dir: TempDir,
    ca: Identity,
    server: Identity,
}

impl Site {
    fn new() -> Self {
        let ca = Identity::authority();
        let server = Identity::localhost(Some(&ca));
        let site = Self {
            dir: temp_dir(),
            ca,
            server,
        };
        site.write("ca.pem", &site.ca.certificate_pem());
        site
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Options that trust this site's CA and verify everything.
    fn tls(&self) -> TlsOptions {
        TlsOptions {
            trust_store: Some(self.path("ca.pem")),
            verify: true,
            ..plain_tls()
        }
    }
}

fn plain_tls() -> TlsOptions {
    TlsOptions {
        trust_store: None,
        key_store: None,
        private_key: None,
        private_key_password: None,
        enabled_cipher_suites: None,
        enable_server_cert_auth: true,
        version: TlsVersion::Default,
        verify: false,
        ca_path: None,
        error_reporter: None,
        psk_source: None,
        disable_default_trust_store: false,
        protos: Vec::new(),
    }
}

fn with(tls: TlsOptions) -> ConnectOptions {
    ConnectOptions {
        tls: Some(tls),
        ..options()
    }
}

fn server_context(identity: &Identity) -> SslContextBuilder {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&identity.certificate).unwrap();
    builder.set_private_key(&identity.key).unwrap();
    builder.set_session_id_context(b"test").unwrap();
    builder
}

type Accepted = Result<SslStream<TcpStream>, String>;

/// Serves every client of a port, one after the other, and returns what `handle` made of each of `count`.
fn serve<T: Send + 'static>(
    context: SslContext,
    count: usize,
    mut handle: impl FnMut(Accepted) -> T + Send + 'static,
) -> (u16, JoinHandle<Vec<T>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut results = Vec::new();
        for _ in 0..count {
            let (socket, _) = listener.accept().unwrap();
            let mut stream = SslStream::new(Ssl::new(&context).unwrap(), socket).unwrap();
            let accepted = stream.accept().map(|()| stream).map_err(|e| e.to_string());
            results.push(handle(accepted));
        }
        results
    });
    (port, thread)
}

/// Sends back what comes until the client is done.
fn echo(accepted: Accepted) -> Result<(), String> {
    let mut stream = accepted?;
    let mut buf = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buf).map_err(|e| e.to_string())? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n]).map_err(|e| e.to_string())?,
        }
    }
}

fn connect(uri: &str, tls: TlsOptions) -> Result<Link, ConnectError> {
    connect_with(&Connector::default(), uri, &with(tls))
}

fn ping(link: &Link) {
    pump(link, b"ping", 0, |_| ());
    assert_eq!(receive(link, 4), b"ping");
}

/// Connects to a new echo server with `identity`.
fn attempt(identity: &Identity, host: &str, tls: TlsOptions) -> Result<(), ConnectError> {
    let (port, server) = serve(server_context(identity).build(), 1, echo);
    let result = connect(&format!("ssl://{host}:{port}"), tls).map(|link| {
        ping(&link);
        link.shutdown();
    });
    let _ = server.join().unwrap();
    result
}

fn refused(result: Result<(), ConnectError>, reason: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.stage, Stage::Tls, "{error}");
    assert!(error.message.contains(reason), "{error}");
}

#[test]
fn verified_by_name_and_by_address() {
    let site = Site::new();
    attempt(&site.server, "localhost", site.tls()).unwrap();
    attempt(&site.server, "127.0.0.1", site.tls()).unwrap();
}

/// The name of the URI counts, not the one that its address has; a final dot is no part of it.
#[test]
fn fully_qualified_names() {
    let site = Site::new();
    let server = Identity::named("broker.example", None, Some(&site.ca), 10);
    let (port, server) = serve(server_context(&server).build(), 2, echo);
    let connector = Connector::with_resolver(Arc::new(Fixed(vec![([127, 0, 0, 1], port).into()])));
    connect_with(&connector, "ssl://broker.example.:1", &with(site.tls())).unwrap();
    connect_with(&connector, "ssl://other.example:1", &with(site.tls())).unwrap_err();
    server.join().unwrap();
}

#[test]
fn verification_is_what_the_options_ask_for() {
    let site = Site::new();
    let other = Identity::named("other.example", None, Some(&site.ca), 10);
    let lone = Identity::localhost(None);
    let lone_other = Identity::named("other.example", None, None, 10);
    let expired = Identity::named("localhost", None, Some(&site.ca), -1);
    for host in ["localhost", "127.0.0.1"] {
        let reason = if host == "localhost" {
            "hostname mismatch"
        } else {
            "IP address mismatch"
        };
        refused(attempt(&other, host, site.tls()), reason);
        let no_auth = TlsOptions {
            enable_server_cert_auth: false,
            ..site.tls()
        };
        refused(attempt(&other, host, no_auth.clone()), reason);
        refused(attempt(&lone_other, host, no_auth.clone()), reason);
        attempt(&lone, host, no_auth).unwrap();
        attempt(
            &other,
            host,
            TlsOptions {
                verify: false,
                ..site.tls()
            },
        )
        .unwrap();
    }
    refused(
        attempt(&lone, "localhost", site.tls()),
        "self-signed certificate",
    );
    refused(
        attempt(&lone, "localhost", plain_tls()),
        "self-signed certificate",
    );
    refused(
        attempt(&expired, "localhost", site.tls()),
        "certificate has expired",
    );
    let unchecked = TlsOptions {
        enable_server_cert_auth: false,
        ..plain_tls()
    };
    attempt(&expired, "localhost", unchecked.clone()).unwrap();
    attempt(&lone_other, "localhost", unchecked).unwrap();
    refused(
        attempt(&site.server, "localhost", plain_tls()),
        "unable to get local issuer certificate",
    );
}

#[test]
fn trust_comes_from_a_directory_too() {
    let site = Site::new();
    let by_directory = TlsOptions {
        trust_store: None,
        ca_path: Some(site.path("certs")),
        ..site.tls()
    };
    std::fs::create_dir(site.path("certs")).unwrap();
    refused(
        attempt(&site.server, "localhost", by_directory.clone()),
        "unable to get local issuer certificate",
    );
    let hash = site.ca.certificate.subject_name_hash();
    site.write(&format!("certs/{hash:08x}.0"), &site.ca.certificate_pem());
    attempt(&site.server, "localhost", by_directory).unwrap();
}

/// The default store is where the environment says, so this runs by itself.
#[test]
fn the_default_trust_store_can_be_disabled() {
    const MARK: &str = "PAHO_OXIDE_DEFAULT_STORE";
    let site = Site::new();
    let own_ca = std::env::var(MARK);
    let Ok(dir) = own_ca else {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_default_trust_store_can_be_disabled"])
            .env("SSL_CERT_FILE", site.path("ca.pem"))
            .env(
                MARK,
                site.write(
                    "server.pem",
                    &[site.server.certificate_pem(), site.server.key_pem()].concat(),
                ),
            )
            .status();
        assert!(status.unwrap().success());
        return;
    };
    let pem = std::fs::read(dir).unwrap();
    let server = Identity {
        certificate: openssl::x509::X509::from_pem(&pem).unwrap(),
        key: openssl::pkey::PKey::private_key_from_pem(&pem).unwrap(),
    };
    attempt(&server, "localhost", plain_tls()).unwrap();
    let disabled = TlsOptions {
        disable_default_trust_store: true,
        ..plain_tls()
    };
    refused(
        attempt(&server, "localhost", disabled),
        "unable to get local issuer certificate",
    );
}

#[test]
fn files_that_are_not_there_are_named() {
    let site = Site::new();
    let junk = site.write("junk.pem", b"junk");
    let none = site.path("none.pem");
    for file in [&junk, &none] {
        let file = Some(file.clone());
        for tls in [
            TlsOptions {
                trust_store: file.clone(),
                ..site.tls()
            },
            TlsOptions {
                key_store: file.clone(),
                ..site.tls()
            },
            TlsOptions {
                key_store: Some(site.path("ca.pem")),
                private_key: file.clone(),
                ..site.tls()
            },
        ] {
            refused(attempt_settings(tls), file.as_deref().unwrap());
        }
    }
    refused(
        attempt_settings(TlsOptions {
            enabled_cipher_suites: Some("NO-SUCH".into()),
            ..site.tls()
        }),
        "NO-SUCH",
    );
    refused(
        attempt_settings(TlsOptions {
            protos: b"\x09short".to_vec(),
            ..site.tls()
        }),
        "protos",
    );
}

/// Connects to a server that will not hear anything.
fn attempt_settings(tls: TlsOptions) -> Result<(), ConnectError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    connect(&format!("ssl://{}", listener.local_addr().unwrap()), tls).map(drop)
}

#[test]
fn versions_are_pinned() {
    let site = Site::new();
    let run = |min: SslVersion, max: SslVersion, pinned: TlsVersion| {
        let mut context = server_context(&site.server);
        context.set_security_level(0);
        context.set_min_proto_version(Some(min)).unwrap();
        context.set_max_proto_version(Some(max)).unwrap();
        let (port, server) = serve(context.build(), 1, |accepted| {
            accepted.map(|stream| stream.ssl().version_str())
        });
        let link = connect(
            &format!("mqtts://localhost:{port}"),
            TlsOptions {
                version: pinned,
                ..site.tls()
            },
        );
        let seen = server.join().unwrap().pop().unwrap();
        link.map(|_| seen.unwrap())
    };
    let (v1, v1_1, v1_2, v1_3) = (
        SslVersion::TLS1,
        SslVersion::TLS1_1,
        SslVersion::TLS1_2,
        SslVersion::TLS1_3,
    );
    assert_eq!(run(v1_2, v1_3, TlsVersion::Default).unwrap(), "TLSv1.3");
    assert_eq!(run(v1_2, v1_3, TlsVersion::V1_2).unwrap(), "TLSv1.2");
    assert_eq!(run(v1, v1_3, TlsVersion::V1_1).unwrap(), "TLSv1.1");
    assert_eq!(run(v1, v1_3, TlsVersion::V1_0).unwrap(), "TLSv1");
    let error = run(v1_3, v1_3, TlsVersion::V1_2).unwrap_err();
    assert!(error.message.contains("protocol version"), "{error}");
    run(v1_1, v1_1, TlsVersion::V1_2).unwrap_err();
}

#[test]
fn cipher_suites_of_both_worlds() {
    let site = Site::new();
    let run = |suites: &str| {
        let (port, server) = serve(server_context(&site.server).build(), 1, |accepted| {
            accepted.map(|stream| stream.ssl().current_cipher().unwrap().name().to_owned())
        });
        let tls = TlsOptions {
            enabled_cipher_suites: Some(suites.to_owned()),
            ..site.tls()
        };
        connect(&format!("tls://localhost:{port}"), tls).unwrap();
        server.join().unwrap().pop().unwrap().unwrap()
    };
    assert_eq!(
        run("TLS_CHACHA20_POLY1305_SHA256"),
        "TLS_CHACHA20_POLY1305_SHA256"
    );
    assert_eq!(
        run("TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"),
        "TLS_AES_128_GCM_SHA256"
    );
    assert!(run("ALL:!aNULL@STRENGTH").starts_with("TLS_"));

    let mut context = server_context(&site.server);
    context
        .set_max_proto_version(Some(SslVersion::TLS1_2))
        .unwrap();
    let (port, server) = serve(context.build(), 2, |accepted| {
        accepted.map(|stream| stream.ssl().current_cipher().unwrap().name().to_owned())
    });
    let uri = format!("ssl://localhost:{port}");
    let tls = |suites: &str| TlsOptions {
        enabled_cipher_suites: Some(suites.to_owned()),
        ..site.tls()
    };
    connect(
        &uri,
        tls("TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"),
    )
    .unwrap();
    connect(&uri, tls("TLS_AES_128_GCM_SHA256")).unwrap_err();
    assert_eq!(
        server.join().unwrap()[0].as_deref(),
        Ok("ECDHE-ECDSA-CHACHA20-POLY1305")
    );
}

fn demanding_client_certificates(site: &Site, version: SslVersion) -> SslContext {
    let mut context = server_context(&site.server);
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    context
        .cert_store_mut()
        .add_cert(site.ca.certificate.clone())
        .unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.build()
}

#[test]
fn client_certificates() {
    let site = Site::new();
    let client = Identity::named("client", None, Some(&site.ca), 10);
    let stranger = Identity::named("stranger", None, None, 10);
    let expired = Identity::named("late", None, Some(&site.ca), -1);
    let bundle = |name: &str, identity: &Identity| {
        site.write(
            name,
            &[identity.certificate_pem(), identity.key_pem()].concat(),
        )
    };
    let both = bundle("client.pem", &client);
    let secret_key = client
        .key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"pass phrase")
        .unwrap();
    let certificate = site.write("certificate.pem", &client.certificate_pem());
    let key = site.write("key.pem", &client.key_pem());
    let secret = site.write("secret.pem", &secret_key);
    let password = |text: &[u8]| Some(Secret(text.to_vec()));

    let one_file = TlsOptions {
        key_store: Some(both),
        ..site.tls()
    };
    let two_files = TlsOptions {
        key_store: Some(certificate),
        private_key: Some(key),
        ..site.tls()
    };
    let encrypted = TlsOptions {
        private_key: Some(secret),
        private_key_password: password(b"pass phrase"),
        ..two_files.clone()
    };
    let bad_stranger = TlsOptions {
        key_store: Some(bundle("stranger.pem", &stranger)),
        ..site.tls()
    };
    let bad_expired = TlsOptions {
        key_store: Some(bundle("expired.pem", &expired)),
        ..site.tls()
    };
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        for tls in [&one_file, &two_files, &encrypted] {
            let (port, server) = serve(demanding_client_certificates(&site, version), 1, echo);
            let link = connect(&format!("ssl://localhost:{port}"), tls.clone()).unwrap();
            ping(&link);
            link.shutdown();
            server.join().unwrap().pop().unwrap().unwrap();
        }
        for tls in [site.tls(), bad_stranger.clone(), bad_expired.clone()] {
            let lines = Arc::new(Mutex::new(Vec::<String>::new()));
            let reported = Arc::clone(&lines);
            let tls = TlsOptions {
                error_reporter: Some(Arc::new(move |line| {
                    reported.lock().unwrap().push(line.to_owned())
                })),
                ..tls
            };
            let (port, server) = serve(demanding_client_certificates(&site, version), 1, echo);
            // The client of TLS 1.3 is done before the server has seen its certificate, and hears when it reads.
            let message = match connect(&format!("ssl://localhost:{port}"), tls) {
                Ok(link) => receive_end(&link).unwrap_err().to_string(),
                Err(error) => error.message,
            };
            assert!(message.contains("alert"), "{message}");
            assert!(
                lines
                    .lock()
                    .unwrap()
                    .iter()
                    .any(|line| line.contains("alert"))
            );
            server.join().unwrap().pop().unwrap().unwrap_err();
        }
    }

    for wrong in [
        None,
        password(b""),
        password(b"wrong"),
        password(&[b'x'; 5000]),
    ] {
        refused(
            attempt_settings(TlsOptions {
                private_key_password: wrong,
                ..encrypted.clone()
            }),
            "privateKey",
        );
    }
    let foreign = site.write("foreign.pem", &stranger.key_pem());
    refused(
        attempt_settings(TlsOptions {
            private_key: Some(foreign),
            ..two_files
        }),
        "mismatch",
    );
}

#[test]
fn sni_and_alpn() {
    let site = Site::new();
    let mut context = server_context(&site.server);
    context.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x04mqtt", offered).ok_or(AlpnError::NOACK)
    });
    let (port, server) = serve(context.build(), 2, |accepted| {
        let stream = accepted.unwrap();
        let ssl = stream.ssl();
        (
            ssl.servername(NameType::HOST_NAME).map(str::to_owned),
            ssl.selected_alpn_protocol().map(<[u8]>::to_vec),
        )
    });
    let tls = TlsOptions {
        protos: b"\x05x-foo\x04mqtt".to_vec(),
        ..site.tls()
    };
    connect(&format!("ssl://localhost:{port}"), tls).unwrap();
    connect(&format!("ssl://127.0.0.1:{port}"), site.tls()).unwrap();
    assert_eq!(
        server.join().unwrap(),
        [
            (Some("localhost".to_owned()), Some(b"mqtt".to_vec())),
            (None, None)
        ]
    );
}

#[test]
fn sessions_are_resumed() {
    let site = Site::new();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut context = server_context(&site.server);
        context.set_max_proto_version(Some(version)).unwrap();
        let (port, server) = serve(context.build(), 5, |accepted| {
            let mut stream = accepted.unwrap();
            stream.write_all(b"x").unwrap();
            let clean = stream.read(&mut [0]).unwrap() == 0
                && stream.get_shutdown().contains(ShutdownState::RECEIVED);
            (stream.ssl().session_reused(), clean)
        });
        let (first, second) = (Connector::default(), Connector::default());
        let uri = format!("ssl://localhost:{port}");
        let changed = TlsOptions {
            verify: false,
            ..site.tls()
        };
        for (connector, tls) in [
            (&first, site.tls()),
            (&first, site.tls()),
            (&second, site.tls()),
            (&first, changed),
        ] {
            let link = connect_with(connector, &uri, &with(tls)).unwrap();
            // TLS 1.3 tickets come before the first data.
            receive(&link, 1);
            link.shutdown();
        }
        // A trust store that was replaced: whom it trusts has to be asked again.
        let stamp = std::time::SystemTime::now() + Duration::from_secs(5);
        std::fs::File::open(site.path("ca.pem"))
            .unwrap()
            .set_modified(stamp)
            .unwrap();
        let unchanged = TlsOptions {
            verify: false,
            ..site.tls()
        };
        let link = connect_with(&first, &uri, &with(unchanged)).unwrap();
        receive(&link, 1);
        link.shutdown();
        let reused: Vec<_> = server.join().unwrap();
        // (resumed, saw close_notify)
        assert_eq!(
            reused,
            [
                (false, true),
                (true, true),
                (false, true),
                (false, true),
                (false, true)
            ]
        );
    }
}

#[test]
fn pre_shared_keys() {
    let site = Site::new();
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        for (key, right) in [
            (&b"\x01\x02\x03\x04"[..], true),
            (b"\x05", false),
            (b"", false),
        ] {
            let mut context = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
            context.set_max_proto_version(Some(version)).unwrap();
            context.set_psk_server_callback(|_, identity, key| {
                key[..4].copy_from_slice(b"\x01\x02\x03\x04");
                Ok(if identity == Some(b"me") { 4 } else { 0 })
            });
            let (port, server) = serve(context.build(), 1, echo);
            let tls = TlsOptions {
                disable_default_trust_store: true,
                enabled_cipher_suites: Some("PSK".to_owned()),
                psk_source: Some(Arc::new(
                    move |_: Option<&str>, identity: &mut [u8], buffer: &mut [u8]| {
                        identity[..3].copy_from_slice(b"me\0");
                        buffer[..key.len()].copy_from_slice(key);
                        key.len()
                    },
                )),
                ..plain_tls()
            };
            let result = connect(&format!("ssl://127.0.0.1:{port}"), tls);
            assert_eq!(result.is_ok(), right, "{key:?} {result:?}");
            if let Ok(link) = result {
                ping(&link);
            }
            let _ = server.join().unwrap();
        }
    }
    // A server without the key, but with a certificate that nobody vouches for, is not let in.
    let psk = TlsOptions {
        disable_default_trust_store: true,
        psk_source: Some(Arc::new(|_, _, _| 0)),
        ..plain_tls()
    };
    refused(
        attempt(&site.server, "localhost", psk),
        "certificate verify failed",
    );
}

#[test]
fn the_scheme_needs_options() {
    for uri in ["ssl://127.0.0.1:1", "wss://127.0.0.1:1"] {
        let error = connect_with(&Connector::default(), uri, &options()).unwrap_err();
        assert_eq!(error.stage, Stage::NoTlsOptions);
    }
}

/// Answers the first bytes of whoever comes with `answer`, then closes.
fn scripted(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut buf = [0; 4096];
        let _ = socket.read(&mut buf);
        let _ = socket.write_all(&answer);
        // Closing with unread bytes would reset the connection and might take the answer with it.
        let _ = socket.shutdown(std::net::Shutdown::Write);
        while !matches!(socket.read(&mut buf), Ok(0) | Err(_)) {}
    });
    port
}

#[test]
fn servers_that_do_not_speak_tls() {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let reported = Arc::clone(&lines);
    let tls = TlsOptions {
        error_reporter: Some(Arc::new(move |line| {
            reported.lock().unwrap().push(line.to_owned())
        })),
        ..plain_tls()
    };
    let port = scripted(b"\x20\x02\x00\x00".repeat(10));
    refused(
        connect(&format!("ssl://127.0.0.1:{port}"), tls.clone()).map(drop),
        "wrong version number",
    );
    assert!(
        lines
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains("wrong version number")),
        "{lines:?}"
    );
    for answer in [Vec::new(), b"\x16\x03\x03\x00\x7a\x02\x00\x00".to_vec()] {
        let port = scripted(answer);
        let error = connect(&format!("ssl://127.0.0.1:{port}"), tls.clone()).unwrap_err();
        assert_eq!(error.stage, Stage::Tls, "{error}");
        assert!(
            error.message.contains("closed") || error.message.contains("eof"),
            "{error}"
        );
    }
}

#[test]
fn a_silent_server_runs_into_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = parse(&format!("ssl://{}", listener.local_addr().unwrap()));
    runtime().block_on(async {
        let deadline = Instant::now() + Duration::from_millis(50);
        let error = Connector::default()
            .connect(&uri, &with(plain_tls()), deadline)
            .await
            .unwrap_err();
        assert_eq!(
            (error.stage, &*error.message),
            (Stage::Deadline, "timed out during TLS")
        );
    });
    // Nothing was left open.
    let (mut socket, _) = listener.accept().unwrap();
    assert!(socket.read_to_end(&mut Vec::new()).is_ok());
}

#[test]
fn large_messages_pass_both_ways_at_once() {
    const SIZE: usize = 100 << 20;
    let site = Site::new();
    let (port, server) = serve(server_context(&site.server).build(), 1, echo);
    let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
    let sent = pattern(SIZE);
    let mut at = 0;
    pump(&link, &sent, SIZE, |bytes| {
        assert!(
            bytes == &sent[at..at + bytes.len()],
            "differs within {} bytes from {at}",
            bytes.len()
        );
        at += bytes.len();
    });
    link.shutdown();
    server.join().unwrap().pop().unwrap().unwrap();
}

/// A server that reads nothing: once the socket is full the layer takes no more, and gives none of what it took twice,
/// even if the caller comes back with other bytes.
#[test]
fn blocked_writes_keep_what_they_took() {
    let site = Site::new();
    let (start, started) = std::sync::mpsc::channel::<usize>();
    let (port, server) = serve(server_context(&site.server).build(), 1, move |accepted| {
        let mut stream = accepted.unwrap();
        let mut all = vec![0; started.recv().unwrap()];
        stream.read_exact(&mut all).unwrap();
        all
    });
    let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
    let mut taken = Vec::new();
    for round in 0_u8.. {
        let block = vec![round; 40_000];
        match link.write(&[IoSlice::new(&block[..10]), IoSlice::new(&block[10..])]) {
            Ok(n) => taken.extend_from_slice(&block[..n]),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(link.has_unsent());
    start.send(taken.len() + 3).unwrap();
    pump(&link, b"end", 0, |_| ());
    taken.extend_from_slice(b"end");
    assert!(server.join().unwrap().pop().unwrap() == taken);
}

#[test]
fn no_sigpipe_through_tls() {
    if !in_child("no_sigpipe_through_tls") {
        return;
    }
    let site = Site::new();
    let (port, server) = serve(server_context(&site.server).build(), 1, |accepted| {
        drop(accepted.unwrap())
    });
    let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
    server.join().unwrap();
    while link.write(&[IoSlice::new(b"x")]).is_ok() {}
    link.shutdown();
}

/// Nothing of a pass phrase may reach a log.
#[test]
fn secrets_do_not_print() {
    let tls = TlsOptions {
        private_key_password: Some(Secret(b"hidden".to_vec())),
        ..plain_tls()
    };
    assert!(!format!("{tls:?}").contains("hidden"));
}
