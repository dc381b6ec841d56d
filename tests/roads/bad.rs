//! Peers that do not behave: each connect ends with its code in time, and says at which stage and why; nothing is lost.

use std::fmt::Write as _;
use std::time::Duration;

use openssl::ssl::SslVersion;

use crate::broker::{Broker, Road as Listener};
use crate::certs::Identity;
use crate::peers::{Answer, Dead, Then, answering, cut, serve, silent, tls, websocket};
use crate::transport_common::{TempDir, temp_dir};
use crate::travel::{Api, EVERY, How, Outcome, Road, V5, V311, side_by_side, travel};

/// `connectTimeout` of what is meant to run into it, in seconds.
const TIMEOUT: u64 = 4;
/// Of the others: only a hang gets there, also under valgrind on a busy machine.
const LONG: u64 = 240;
/// Nothing here takes as long unless it hangs, however busy the machine is.
const HANGS: Duration = Duration::from_secs(LONG / 2);
/// `connectTimeout` where another client goes round and round meanwhile.
const MEANWHILE: u64 = 8;
/// Its round trips are shorter unless they wait for the bad peer, which lasts [`MEANWHILE`] or longer.
const HELD_UP: Duration = Duration::from_secs(MEANWHILE);

enum Expected {
    Connects,
    /// -1, at once, with these words in the message.
    Fails(&'static [&'static str]),
    /// -1 after so many seconds, with these words.
    TimesOut(u64, &'static [&'static str]),
}

use Expected::{Connects, Fails, TimesOut};

/// Keeps what the roads need while they are travelled.
struct Site {
    broker: Broker,
    _dead: Dead,
    dir: TempDir,
}

impl Site {
    fn start() -> Self {
        let broker = Broker::start();
        let dead = Dead::at(broker.port(Listener::Plain));
        Self {
            broker,
            _dead: dead,
            dir: temp_dir(),
        }
    }

    fn roads(&self) -> Vec<(Road, Expected)> {
        let ca = Identity::authority();
        let trust = self.dir.path().join("ca.pem");
        std::fs::write(&trust, ca.certificate_pem()).unwrap();
        let trust = trust.to_str().unwrap();
        let good = Identity::localhost(Some(&ca));
        let own = Identity::localhost(None);
        let late = Identity::named("localhost", Some("127.0.0.1"), Some(&ca), -1);
        let elsewhere = Identity::named("elsewhere.example", Some("10.0.0.1"), Some(&ca), 10);

        let mut all = Vec::new();
        let mut add = |road: Road, expected: Expected| {
            let timeout = match expected {
                TimesOut(seconds, _) => seconds,
                Connects | Fails(_) => LONG,
            };
            all.push((
                road.with("timeout", timeout).with("connect_only", 1),
                expected,
            ));
        };
        let at = |name: &str, scheme: &str, host: &str, port: u16| {
            let road = Road::new(name, &format!("{scheme}://{host}:{port}"));
            if matches!(scheme, "ssl" | "wss") {
                road.tls(trust)
            } else {
                road
            }
        };

        for (number, version) in [("1.2", SslVersion::TLS1_2), ("1.3", SslVersion::TLS1_3)] {
            let name = |what: &str| format!("{what}-{number}");
            let other = tls(&elsewhere, version);
            add(
                at(&name("host-name"), "ssl", "localhost", other),
                Fails(&[
                    "TLS: handshake: certificate verify failed",
                    "hostname mismatch",
                ]),
            );
            add(
                at(&name("address"), "ssl", "127.0.0.1", other),
                Fails(&[
                    "TLS: handshake: certificate verify failed",
                    "IP address mismatch",
                ]),
            );
            add(
                at(&name("self-signed"), "ssl", "localhost", tls(&own, version)),
                Fails(&[
                    "TLS: handshake: certificate verify failed",
                    "self-signed certificate",
                ]),
            );
            add(
                at(&name("expired"), "wss", "localhost", tls(&late, version)),
                Fails(&[
                    "TLS: handshake: certificate verify failed",
                    "certificate has expired",
                ]),
            );
            // After the first byte, inside the first record, and near the handshake's end.
            let server = tls(&good, version);
            for count in [0, 1, 60, 400] {
                add(
                    at(
                        &name(&format!("cut-at-{count}")),
                        "ssl",
                        "localhost",
                        cut(server, count, Then::Closes),
                    ),
                    Fails(&["TLS: handshake: "]),
                );
            }
            add(
                at(
                    &name("stalls"),
                    "ssl",
                    "localhost",
                    cut(server, 100, Then::Stalls),
                ),
                TimesOut(TIMEOUT, &["timed out during TLS"]),
            );
            add(
                at(&name("tls-on-plain-port"), "tcp", "localhost", server),
                Fails(&["waiting for CONNACK"]),
            );
        }
        add(
            at(
                "no-connack",
                "ssl",
                "localhost",
                tls(&good, SslVersion::TLS1_3),
            ),
            TimesOut(TIMEOUT, &["timed out waiting for CONNACK"]),
        );
        add(
            at(
                "broker-on-tls-port",
                "ssl",
                "localhost",
                self.broker.port(Listener::Plain),
            ),
            Fails(&["TLS: handshake: "]),
        );
        add(
            at(
                "tls-broker-on-plain-port",
                "tcp",
                "localhost",
                self.broker.port(Listener::Tls),
            ),
            Fails(&["waiting for CONNACK"]),
        );
        add(
            at(
                "http-on-tls-port",
                "ssl",
                "localhost",
                answering("HTTP/1.1 400 Bad Request\r\n\r\n"),
            ),
            Fails(&["TLS: handshake: wrong version number"]),
        );
        add(
            at("silent-on-tls-port", "ssl", "localhost", silent()),
            TimesOut(TIMEOUT, &["timed out during TLS"]),
        );
        add(
            at("silent-on-plain-port", "tcp", "localhost", silent()),
            TimesOut(TIMEOUT, &["timed out waiting for CONNACK"]),
        );

        add(
            at(
                "ws-404",
                "ws",
                "localhost",
                answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            ),
            Fails(&["WebSocket upgrade: HTTP status 404 Not Found"]),
        );
        add(
            at(
                "ws-503",
                "ws",
                "localhost",
                answering("HTTP/1.0 503 Busy\r\n\r\n<html>"),
            ),
            Fails(&["WebSocket upgrade: HTTP status 503 Busy"]),
        );
        add(
            at(
                "ws-not-http",
                "ws",
                "localhost",
                answering("\x15\x03\x01\0\x02\x02\x46"),
            ),
            Fails(&["WebSocket upgrade: not an HTTP answer"]),
        );
        add(
            at(
                "ws-on-broker",
                "ws",
                "localhost",
                self.broker.port(Listener::Plain),
            ),
            Fails(&["WebSocket upgrade: "]),
        );
        add(
            at("ws-silent", "ws", "localhost", silent()),
            TimesOut(TIMEOUT, &["timed out during WebSocket upgrade"]),
        );
        add(
            at(
                "ws-bytewise",
                "ws",
                "localhost",
                websocket(Answer::Bytewise),
            ),
            Connects,
        );
        add(
            at(
                "ws-long-answer",
                "ws",
                "localhost",
                websocket(Answer::Padded(100 << 10)),
            ),
            Connects,
        );

        let unused = "tcp://unused.example:1";
        for (name, proxy, expected) in [
            (
                "proxy-407",
                answering("HTTP/1.1 407 Who Are You\r\n\r\n"),
                Fails(&["HTTP proxy: HTTP status 407 Who Are You"]),
            ),
            (
                "proxy-not-http",
                answering("SSH-2.0-x\r\n"),
                Fails(&["HTTP proxy: not an HTTP answer"]),
            ),
            ("proxy-closes", serve(drop), Fails(&["HTTP proxy: "])),
            (
                "proxy-silent",
                silent(),
                TimesOut(TIMEOUT, &["timed out during HTTP proxy"]),
            ),
        ] {
            add(
                Road::new(name, unused).with("http_proxy", format!("localhost:{proxy}")),
                expected,
            );
        }

        let port = self.broker.port(Listener::Plain);
        add(at("two-addresses", "tcp", "two.test", port), Connects);
        add(
            at("no-such-name", "tcp", "none.test", port),
            Fails(&["name resolution: none.test"]),
        );
        // The name server takes 20 s, which other clients must not notice.
        add(
            at("slow-name", "tcp", "slow.test", port)
                .with("meanwhile", format!("tcp://127.0.0.1:{port}")),
            TimesOut(MEANWHILE, &["timed out during name resolution"]),
        );
        all
    }
}

fn failed_well(outcome: &Outcome, words: &[&str]) -> bool {
    !outcome.connected
        && outcome.code == -1
        && words.iter().all(|word| outcome.message.contains(word))
}

fn bad_peers(api: Api, version: u8, how: How) -> String {
    let site = Site::start();
    let all = site.roads();
    let roads: Vec<_> = all.iter().map(|(road, _)| road.clone()).collect();
    let timed = how == How::Native;
    let mut wrong = String::new();
    for (outcome, (_, expected)) in travel(api, version, how, &roads).iter().zip(&all) {
        let (as_expected, in_time) = match expected {
            Connects => (outcome.connected, outcome.took < HANGS),
            Fails(words) => (failed_well(outcome, words), outcome.took < HANGS),
            // Under valgrind the time may be over before the stage is reached at which the peer is silent.
            TimesOut(seconds, words) => (
                failed_well(outcome, if timed { words } else { &["timed out "] }),
                outcome.took >= Duration::from_secs(*seconds) && outcome.took < HANGS,
            ),
        };
        // OpenSSL's account of an error comes through the callback too.
        let told = !outcome.message.contains("TLS: handshake: ") || !outcome.tls_errors.is_empty();
        if !as_expected || !told || (timed && (!in_time || outcome.longest >= HELD_UP)) {
            let _ = writeln!(wrong, "{outcome:?}");
        }
    }
    wrong
}

#[test]
fn codes_reasons_and_times() {
    side_by_side(&EVERY, |api, version| bad_peers(api, version, How::Native));
}

/// The time of nothing counts here; the rest does, and memcheck finds nothing.
#[test]
fn memory() {
    side_by_side(&EVERY, |api, version| {
        bad_peers(api, version, How::Memcheck)
    });
}

/// One connect for each place at which the answer may break.
#[test]
fn upgrade_answers_split_anywhere() {
    // The answer has 129 bytes; a few more do no harm.
    let port = websocket(Answer::SplitAnywhere);
    let roads: Vec<_> = (0..140)
        .map(|_| Road::new("split", &format!("ws://localhost:{port}")).with("connect_only", 1))
        .collect();
    for (api, version) in [(Api::Async, V5), (Api::Client, V311)] {
        for (i, outcome) in travel(api, version, How::Native, &roads).iter().enumerate() {
            assert!(outcome.connected, "{i}: {outcome:?}");
        }
    }
}
