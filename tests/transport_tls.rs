//! TLS as a stream: versions, ciphers, sessions, pre-shared keys, bad peers, large messages.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
mod transport_common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use openssl::ssl::{AlpnError, NameType, ShutdownState, SslContextBuilder, SslMethod, SslVersion};
use paho_oxide::options::{Secret, TlsOptions, TlsVersion};
use paho_oxide::transport::{Connector, Stage};
use tls::*;
use tokio::time::Instant;
use transport_common::*;

#[test]
fn versions_are_what_the_options_ask_for() {
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
    assert_eq!(run(v1, v1_3, TlsVersion::V1_1).unwrap(), "TLSv1.3");
    assert_eq!(run(v1, v1_1, TlsVersion::V1_1).unwrap(), "TLSv1.1");
    assert_eq!(run(v1, v1_3, TlsVersion::V1_0).unwrap(), "TLSv1.3");
    assert_eq!(run(v1, v1, TlsVersion::V1_0).unwrap(), "TLSv1");
    run(v1, v1, TlsVersion::V1_1).unwrap_err();
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
                ..TlsOptions::default()
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
        ..TlsOptions::default()
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
    let tls = TlsOptions::default();
    let port = scripted(b"\x20\x02\x00\x00".repeat(10));
    let result = connect(&format!("ssl://127.0.0.1:{port}"), tls.clone()).map(drop);
    let details = result.as_ref().unwrap_err().details.clone();
    assert!(
        details
            .iter()
            .any(|line| line.contains("wrong version number")),
        "{details:?}"
    );
    refused(result, "wrong version number");
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
            .connect(&uri, &with(TlsOptions::default()), deadline)
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

#[test]
fn held_bytes_are_announced() {
    let site = Site::new();
    let (port, server) = serve(server_context(&site.server).build(), 1, |accepted| {
        let mut stream = accepted.unwrap();
        stream.write_all(b"abc").unwrap();
        stream.write_all(b"def").unwrap();
        // Until the client goes.
        let _ = stream.read(&mut [0]);
    });
    let link = connect(&format!("ssl://localhost:{port}"), site.tls()).unwrap();
    assert_eq!(receive_bytewise(&link, 6), b"abcdef");
    link.shutdown();
    server.join().unwrap();
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
        drop(accepted.unwrap());
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
        ..TlsOptions::default()
    };
    assert!(!format!("{tls:?}").contains("hidden"));
}
