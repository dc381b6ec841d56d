//! Real servers: TLS 1.2 and 1.3, certificates and keys of the client right and wrong, WebSocket, a Unix socket, a proxy; both APIs, MQTT 3.1.1
//! and 5. The same on the original, which differs only where [`Expected::original`] says so.

use std::fmt::Write as _;
use std::net::TcpStream;

use openssl::ssl::{Ssl, SslContextBuilder, SslFiletype, SslMethod, SslStream, SslVersion};

use crate::broker::{Broker, PASS_PHRASE, PSK, Road as Listener};
use crate::tinyproxy::Tinyproxy;
use crate::travel::{Api, EVERY, How, Road, V5, V311, side_by_side, travel, travel_in};

struct Site {
    broker: Broker,
    open: Tinyproxy,
    closed: Tinyproxy,
}

/// What is to become of a road.
struct Expected {
    road: Road,
    /// Words of the message, when it leads nowhere.
    fails: Option<&'static [&'static str]>,
    /// Whether the original gets there.
    original: bool,
}

fn leads(road: Road) -> Expected {
    Expected {
        road,
        fails: None,
        original: true,
    }
}

fn fails(road: Road, words: &'static [&'static str]) -> Expected {
    Expected {
        road,
        fails: Some(words),
        original: false,
    }
}

/// The original does the opposite, for the reason that the caller's comment gives.
fn unlike_the_original(expected: Expected) -> Expected {
    Expected {
        original: !expected.original,
        ..expected
    }
}

impl Site {
    fn start() -> Self {
        Self {
            broker: Broker::start(),
            open: Tinyproxy::start(""),
            closed: Tinyproxy::start("BasicAuth user pass"),
        }
    }

    fn road(&self, name: &str, scheme: &str, listener: Listener) -> Road {
        let uri = format!("{scheme}://localhost:{}", self.broker.port(listener));
        Road::new(name, &uri)
    }

    /// TLS with the CA that signed the server's certificate.
    fn tls(&self, name: &str, scheme: &str, listener: Listener) -> Road {
        self.road(name, scheme, listener)
            .tls(&self.broker.path("ca.pem"))
    }

    fn everything(&self) -> Vec<Expected> {
        let file = |name: &str| self.broker.path(name);
        let mut all = vec![
            leads(self.road("tcp", "tcp", Listener::Plain)),
            leads(self.road("ws", "ws", Listener::Ws)),
            // The release that the distribution has does not know the scheme.
            unlike_the_original(leads(Road::new(
                "unix",
                &format!("unix://{}", file("mosquitto.sock")),
            ))),
        ];
        for (version, tls, certificate, psk, wss) in [
            (
                "1.2",
                Listener::Tls12,
                Listener::Certificate12,
                Listener::Psk12,
                Listener::Wss12,
            ),
            (
                "1.3",
                Listener::Tls13,
                Listener::Certificate13,
                Listener::Psk13,
                Listener::Wss13,
            ),
        ] {
            let name = |what: &str| format!("{what}-{version}");
            let client = |what: &str, pem: &str, key: &str| {
                self.tls(&name(what), "ssl", certificate)
                    .with("cert", file(pem))
                    .with("key", file(key))
            };
            let shared = |what: &str, key: &str| {
                self.road(&name(what), "ssl", psk)
                    .with("tls", 1)
                    .with("psk", format!("{}:{key}", PSK.0))
            };
            all.extend([
                leads(self.tls(&name("tls"), "ssl", tls)),
                leads(self.tls(&name("mqtts"), "mqtts", tls)),
                leads(self.tls(&name("wss"), "wss", wss)),
                leads(client("right", "client.pem", "client.key")),
                leads(
                    client("encrypted", "client.pem", "client.enc.key").with("pass", PASS_PHRASE),
                ),
                fails(
                    client("pass-phrase", "client.pem", "client.enc.key").with("pass", "wrong"),
                    &["TLS", "privateKey"],
                ),
                fails(client("wrong", "wrong.pem", "wrong.key"), &["alert"]),
                fails(
                    client("expired", "expired.pem", "expired.key"),
                    &["alert", "expired"],
                ),
                fails(
                    client("other-key", "client.pem", "wrong.key"),
                    &["TLS", "privateKey", "mismatch"],
                ),
                fails(self.tls(&name("missing"), "ssl", certificate), &["alert"]),
                leads(shared("psk", PSK.1)),
                fails(shared("psk-wrong", "00ff"), &["TLS"]),
                fails(
                    self.tls(&name("other-ca"), "ssl", tls)
                        .with("trust", file("other-ca.pem")),
                    &["TLS", "certificate verify failed"],
                ),
            ]);
        }
        all.push(fails(
            self.tls("other-host", "ssl", Listener::OtherHost),
            &["TLS", "certificate verify failed", "hostname mismatch"],
        ));
        all.push(leads(
            self.tls("other-host-unverified", "ssl", Listener::OtherHost)
                .with("verify", 0),
        ));
        all.push(leads(
            self.road("anybody", "ssl", Listener::OtherHost)
                .with("tls", 1)
                .with("no_auth", 1),
        ));
        let open = format!("localhost:{}", self.open.port);
        let closed = format!("us%65r:pass@localhost:{}", self.closed.port);
        let wrong = format!("user:wrong@localhost:{}", self.closed.port);
        for (scheme, option, listener) in [
            ("tcp", "http_proxy", Listener::Plain),
            ("ws", "http_proxy", Listener::Ws),
            ("ssl", "https_proxy", Listener::Tls13),
            ("wss", "https_proxy", Listener::Wss12),
        ] {
            let road = |what: &str, proxy: &str| {
                let name = format!("proxy-{what}-{scheme}");
                let road = if option == "http_proxy" {
                    self.road(&name, scheme, listener)
                } else {
                    self.tls(&name, scheme, listener)
                };
                road.with(option, proxy)
            };
            all.extend([
                leads(road("open", &open)),
                leads(road("credentials", &closed)),
                fails(road("wrong", &wrong), &["HTTP proxy", "HTTP status 401"]),
                fails(
                    road("none", &format!("localhost:{}", self.closed.port)),
                    &["HTTP proxy", "HTTP status 407"],
                ),
            ]);
        }
        // The version the options name; see tests/c/diff/DIFFERENCES.md.
        for (version, listener, works) in [
            (3, Listener::Tls12, true),
            (2, Listener::Tls12, true),
            (1, Listener::Tls13, true),
            (3, Listener::Tls13, false),
        ] {
            let name = format!("version-{version}-{listener:?}");
            let road = self
                .tls(&name, "ssl", listener)
                .with("ssl_version", version);
            all.push(if works {
                leads(road)
            } else {
                unlike_the_original(fails(road, &["TLS", "protocol version"]))
            });
        }
        all
    }
}

fn every_road(site: &Site, api: Api, version: u8, how: How) -> String {
    let all = site.everything();
    let roads: Vec<_> = all.iter().map(|expected| expected.road.clone()).collect();
    let mut wrong = String::new();
    for (outcome, expected) in travel(api, version, how, &roads).iter().zip(&all) {
        let right = if how == How::Original {
            outcome.connected == expected.original
        } else {
            match expected.fails {
                None => outcome.connected,
                Some(words) => {
                    outcome.code == -1 && words.iter().all(|word| outcome.message.contains(word))
                }
            }
        };
        if !right {
            let _ = writeln!(wrong, "{outcome:?}");
        }
    }
    wrong
}

#[test]
fn both_apis_and_versions() {
    let site = Site::start();
    side_by_side(&EVERY, |api, version| {
        every_road(&site, api, version, How::Native)
    });
}

#[test]
fn the_original() {
    let site = Site::start();
    side_by_side(&[(Api::Async, V311), (Api::Client, V5)], |api, version| {
        every_road(&site, api, version, How::Original)
    });
}

/// The brokers do have one version of TLS each.
#[test]
fn the_versions_are_what_they_say() {
    let broker = Broker::start();
    for (listener, version) in [
        (Listener::Tls12, "TLSv1.2"),
        (Listener::Certificate12, "TLSv1.2"),
        (Listener::Wss12, "TLSv1.2"),
        (Listener::Tls13, "TLSv1.3"),
        (Listener::Certificate13, "TLSv1.3"),
        (Listener::Wss13, "TLSv1.3"),
    ] {
        for (forced, works) in [
            (SslVersion::TLS1_2, version == "TLSv1.2"),
            (SslVersion::TLS1_3, version == "TLSv1.3"),
        ] {
            let mut context = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
            context.set_min_proto_version(Some(forced)).unwrap();
            context.set_max_proto_version(Some(forced)).unwrap();
            let file = |name| broker.path(name);
            context
                .set_certificate_chain_file(file("client.pem"))
                .unwrap();
            context
                .set_private_key_file(file("client.key"), SslFiletype::PEM)
                .unwrap();
            let socket = TcpStream::connect(("127.0.0.1", broker.port(listener))).unwrap();
            let mut stream = SslStream::new(Ssl::new(&context.build()).unwrap(), socket).unwrap();
            assert_eq!(stream.connect().is_ok(), works, "{listener:?} {forced:?}");
        }
    }
}

/// A proxy in the environment counts where `PAHO_C_CLIENT_USE_HTTP_PROXY` is TRUE. The release that the distribution has looks at
/// neither that nor `no_proxy`; later ones do (tests/c/diff/DIFFERENCES.md).
#[test]
fn the_environment_names_a_proxy_on_request() {
    const ASKED: (&str, &str) = ("PAHO_C_CLIENT_USE_HTTP_PROXY", "TRUE");
    let broker = Broker::start();
    // Nobody is there: who connects did not use it.
    let nowhere = [
        ("http_proxy", "http://127.0.0.1:1"),
        ("https_proxy", "https://127.0.0.1:1"),
    ];
    let roads = [
        Road::new(
            "tcp",
            &format!("tcp://127.0.0.1:{}", broker.port(Listener::Plain)),
        ),
        Road::new(
            "tls",
            &format!("ssl://127.0.0.1:{}", broker.port(Listener::Tls13)),
        )
        .tls(&broker.path("ca.pem")),
        Road::new(
            "ws",
            &format!("ws://127.0.0.1:{}", broker.port(Listener::Ws)),
        ),
        Road::new(
            "wss",
            &format!("wss://127.0.0.1:{}", broker.port(Listener::Wss13)),
        )
        .tls(&broker.path("ca.pem")),
    ];
    for (more, direct) in [
        (vec![], true),
        (vec![("PAHO_C_CLIENT_USE_HTTP_PROXY", "FALSE")], true),
        (vec![ASKED], false),
        (vec![ASKED, ("no_proxy", "example.org,127.0.0.1")], true),
    ] {
        let environment = [&nowhere[..], &more].concat();
        let runs = [
            (Api::Async, How::Native),
            (Api::Client, How::Native),
            (Api::Async, How::Original),
        ];
        std::thread::scope(|scope| {
            for (api, how) in runs {
                let (environment, roads) = (&environment, &roads);
                let direct = direct && how != How::Original;
                scope.spawn(move || {
                    for outcome in travel_in(api, V311, how, environment, roads) {
                        assert_eq!(
                            outcome.connected, direct,
                            "{how:?} {environment:?} {outcome:?}"
                        );
                    }
                });
            }
        });
    }
}
