//! The program's TLS functions, `ssl_error_cb` and `ssl_psk_cb`: on which threads, in which order, and until when they run.
//!
//! The C API is called as a C program calls it; the servers are made here, each for one case.
#![cfg(feature = "tls")]
#![allow(unsafe_code, reason = "the API under test is a C API")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "tls_callbacks/program.rs"]
mod program;
#[path = "tls_callbacks/server.rs"]
mod server;
#[path = "transport_common/tls.rs"]
mod tls;
#[path = "transport_common/mod.rs"]
mod transport_common;
#[path = "tls_callbacks/versions.rs"]
mod versions;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use paho_oxide::options::TlsOptions;
use paho_oxide::transport::Connector;

use program::{AsyncClient, Event, Hook, Kind, Program, SyncClient};
use server::{GARBAGE, KEY, Server};
use tls::{Site, with};
use transport_common::{PATIENCE, connect_with};

/// More than there are threads that connect, and more than there are of the reactor's at first.
const MANY: usize = 5;

/// Time in which a call that does not wait would have returned.
const MOMENT: Duration = Duration::from_millis(200);

/// Connects with TLS and exchanges a few messages.
fn connects_and_talks(server: &Server) {
    let other = Program::new();
    let client = AsyncClient::new(&server.uri(), &other);
    client.connect_expecting_success();
    for _ in 0..20 {
        client.round_trip();
    }
    drop(client);
}

#[test]
fn an_error_callback_that_blocks_delays_nobody_else() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let witness = Program::new();
    let established = AsyncClient::new(&server.uri(), &witness);
    established.connect_expecting_success();
    // During the handshake, and on connections that were well.
    for broken_later in [false, true] {
        let program = Program::new();
        program.hook_errors(Hook::Block);
        let clients: Vec<_> = (0..MANY)
            .map(|_| {
                let mut client = AsyncClient::new(&server.uri(), &program);
                if broken_later {
                    client.connect_expecting_success();
                    client.publish(GARBAGE);
                } else {
                    client.verify = true;
                    client.connect();
                }
                client
            })
            .collect();
        program.wait_inside(MANY);
        connects_and_talks(&server);
        established.round_trip();
        program.release();
        drop(clients);
    }
}

#[test]
fn a_key_callback_that_blocks_delays_nobody_else() {
    let site = Site::new();
    let (plain, psk) = (Server::with_certificate(&site.server), Server::with_key());
    let witness = Program::new();
    let established = AsyncClient::new(&plain.uri(), &witness);
    established.connect_expecting_success();
    let program = Program::new();
    program.hook_psk(Hook::Block);
    let clients: Vec<_> = (0..MANY)
        .map(|_| {
            let mut client = AsyncClient::new(&psk.uri(), &program);
            client.psk = true;
            client.connect();
            client
        })
        .collect();
    program.wait_inside(MANY);
    connects_and_talks(&plain);
    established.round_trip();
    program.release();
    for _ in 0..MANY {
        program.until(&Event::Connected);
    }
    for client in &clients {
        client.round_trip();
    }
}

/// What OpenSSL has to say, from the transport itself.
fn expected_lines(uri: &str, tls: TlsOptions) -> Vec<String> {
    let error = connect_with(&Connector::default(), uri, &with(tls)).unwrap_err();
    assert!(!error.details.is_empty(), "{error}");
    error.details
}

/// Writes a trust store that OpenSSL has several lines to say about.
fn damaged_trust(site: &Site) -> String {
    let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    site.write("damaged.pem", damaged)
}

fn lines(lines: &[String]) -> Vec<Event> {
    lines.iter().cloned().map(Event::Line).collect()
}

#[test]
fn every_line_comes_before_the_failure() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let damaged = damaged_trust(&site);
    let settings = expected_lines(
        &server.uri(),
        TlsOptions {
            trust_store: Some(damaged.clone()),
            ..TlsOptions::default()
        },
    );
    assert!(settings.len() > 1, "{settings:?}");
    let program = Program::new();
    let mut client = AsyncClient::new(&server.uri(), &program);
    client.trust = Some(damaged.clone());
    client.connect();
    assert_eq!(
        program.until(&Event::ConnectFailed),
        [lines(&settings), vec![Event::ConnectFailed]].concat()
    );

    // Two servers that are not trusted: each one's lines, in their order, and of a third that is no TLS server.
    let second = Server::with_certificate(&site.server);
    let third = server::talking(b"\x20\x02\x00\x00".repeat(10));
    let program = Program::new();
    let mut client = AsyncClient::new(&server.uri(), &program);
    client.verify = true;
    client.servers = vec![server.uri(), third.clone(), second.uri()];
    client.connect();
    let told: Vec<_> = client
        .servers
        .iter()
        .flat_map(|uri| expected_lines(uri, TlsOptions::default()))
        .collect();
    assert!(told.len() >= 3, "{told:?}");
    assert_eq!(
        program.until(&Event::ConnectFailed),
        [lines(&told), vec![Event::ConnectFailed]].concat()
    );

    // One that fails before one that does not.
    let program = Program::new();
    let mut client = AsyncClient::new(&server.uri(), &program);
    client.servers = vec![third.clone(), server.uri()];
    client.connect();
    assert_eq!(
        program.until(&Event::Connected),
        [
            lines(&expected_lines(&third, TlsOptions::default())),
            vec![Event::Connected]
        ]
        .concat()
    );
}

#[test]
fn a_program_that_has_heard_enough_hears_no_more_of_that_error() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let damaged = damaged_trust(&site);
    let settings = TlsOptions {
        trust_store: Some(damaged.clone()),
        ..TlsOptions::default()
    };
    let account = expected_lines(&server.uri(), settings);
    assert!(account.len() > 1, "{account:?}");
    let program = Program::new();
    program.has_enough();
    let mut client = AsyncClient::new(&server.uri(), &program);
    client.trust = Some(damaged.clone());
    client.servers = vec![server.uri(), server.uri()];
    client.connect();
    // The next error is another matter.
    let told = [account[0].clone(), account[0].clone()];
    assert_eq!(
        program.until(&Event::ConnectFailed),
        [lines(&told), vec![Event::ConnectFailed]].concat()
    );
}

#[test]
fn lines_come_before_the_loss_of_the_connection() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let program = Program::new();
    let client = AsyncClient::new(&server.uri(), &program);
    client.connect_expecting_success();
    client.publish(GARBAGE);
    let events = program.until(&Event::Lost);
    let Some((Event::Lost, lines)) = events.split_last() else {
        panic!("{events:?}");
    };
    assert!(!lines.is_empty());
    assert!(
        lines
            .iter()
            .all(|event| matches!(event, Event::Line(line) if line.starts_with("error:"))),
        "{lines:?}"
    );
}

#[test]
fn an_error_callback_may_use_and_destroy_its_client() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    for broken_later in [false, true] {
        for hook in [Hook::IsConnected, Hook::Destroy] {
            let program = Program::new();
            let mut client = AsyncClient::new(&server.uri(), &program);
            program.hook_errors(hook);
            if broken_later {
                client.connect_expecting_success();
                client.publish(GARBAGE);
            } else {
                // More than one line: none may follow when the first has destroyed the client.
                client.trust = Some(damaged_trust(&site));
                client.connect();
            }
            let last = if broken_later {
                Event::Lost
            } else {
                Event::ConnectFailed
            };
            if hook == Hook::IsConnected {
                program.until(&last);
                client.destroy();
            } else {
                program.until(&Event::Destroyed);
                program.wait_idle();
                let after = program.rest();
                assert_eq!(after, [], "after destroy");
            }
        }
    }
}

/// What the server sent last was garbage, which the library finds while it ends the connection under its lock.
#[test]
fn an_error_callback_may_use_its_client_whatever_call_finds_the_error() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    for kind in [Kind::Sync, Kind::SyncWithCallbacks] {
        for disconnect in [true, false] {
            let program = Program::new();
            program.hook_errors(Hook::IsConnected);
            let client = SyncClient::new(&server.uri(), &program, kind);
            assert_eq!(client.connect(), 0);
            client.publish(GARBAGE);
            server.wait_broken();
            if disconnect {
                client.disconnect();
            }
            client.destroy();
        }
    }
}

#[test]
fn the_client_api_hands_lines_over_before_connect_returns() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let expected = expected_lines(&server.uri(), TlsOptions::default());
    for kind in [Kind::Sync, Kind::SyncWithCallbacks] {
        let program = Program::new();
        let mut client = SyncClient::new(&server.uri(), &program, kind);
        client.verify = true;
        assert_ne!(client.connect(), 0);
        assert_eq!(program.rest(), lines(&expected));
        assert_eq!(
            program.threads(),
            vec![std::thread::current().id(); expected.len()],
            "on the caller's thread"
        );
        client.destroy();
    }
}

#[test]
fn the_client_api_without_callbacks_hands_lines_over_in_the_call_that_notices() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let program = Program::new();
    let client = SyncClient::new(&server.uri(), &program, Kind::Sync);
    assert_eq!(client.connect(), 0);
    client.publish(GARBAGE);
    server.wait_broken();
    assert_eq!(program.rest(), []);
    assert_ne!(client.receive(), 0);
    let events = program.rest();
    assert!(
        matches!(events.first(), Some(Event::Line(line)) if line.starts_with("error:")),
        "{events:?}"
    );
    assert_eq!(
        program.threads(),
        vec![std::thread::current().id(); events.len()]
    );
    client.destroy();
}

/// Destroys on another thread while a callback runs: must not return before the callback has.
fn destroy_waits(program: &Arc<Program>, destroy: impl FnOnce() + Send + 'static) {
    program.wait_inside(1);
    let (sender, returned) = channel();
    let called = Arc::clone(program);
    let thread = std::thread::spawn(move || {
        destroy();
        called.forbid();
        sender.send(()).unwrap();
    });
    assert_eq!(
        returned.recv_timeout(MOMENT),
        Err(RecvTimeoutError::Timeout),
        "destroy returned while a callback was running"
    );
    program.release();
    assert_eq!(returned.recv_timeout(PATIENCE), Ok(()));
    thread.join().unwrap();
}

#[test]
fn destroying_waits_for_the_callback_that_runs() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let psk = Server::with_key();

    let program = Program::new();
    program.hook_errors(Hook::Block);
    let mut client = AsyncClient::new(&server.uri(), &program);
    client.trust = Some("/nonexistent/ca.pem".to_owned());
    client.connect();
    destroy_waits(&program, move || client.destroy());

    let program = Program::new();
    program.hook_psk(Hook::Block);
    let mut client = AsyncClient::new(&psk.uri(), &program);
    client.psk = true;
    client.connect();
    destroy_waits(&program, move || client.destroy());

    for kind in [Kind::Sync, Kind::SyncWithCallbacks] {
        let program = Program::new();
        program.hook_errors(Hook::Block);
        let mut client = SyncClient::new(&server.uri(), &program, kind);
        client.trust = Some("/nonexistent/ca.pem".to_owned());
        let client = Arc::new(client);
        let connecting = Arc::clone(&client);
        let thread = std::thread::spawn(move || connecting.connect());
        destroy_waits(&program, move || client.destroy());
        thread.join().unwrap();
    }
}

#[test]
fn a_key_callback_may_destroy_its_client() {
    let psk = Server::with_key();
    let program = Program::new();
    program.hook_psk(Hook::Destroy);
    let mut client = AsyncClient::new(&psk.uri(), &program);
    client.psk = true;
    client.connect();
    program.until(&Event::Destroyed);
    program.wait_idle();
    assert_eq!(program.rest(), [], "after destroy");
}

/// Destroyed at every moment of a connect: neither function begins, or goes on, afterwards.
#[test]
fn nothing_is_called_once_destroy_has_returned() {
    let psk = Server::with_key();
    for round in 0..300_u32 {
        let program = Program::new();
        let mut client = AsyncClient::new(&psk.uri(), &program);
        client.psk = true;
        // Every other one has the wrong key, and hears of it.
        program.set_key(if round % 2 == 0 {
            *KEY
        } else {
            *b"\x05\x06\x07\x08"
        });
        client.connect();
        let deadline = std::time::Instant::now() + Duration::from_micros(u64::from(round) * 20);
        while std::time::Instant::now() < deadline {
            std::hint::spin_loop();
        }
        client.destroy();
        program.forbid();
    }
}
