//! `paho_c_pub`, `paho_c_sub`, `paho_cs_pub` and `paho_cs_sub` on every road to a broker: TLS, client certificates, pre-shared keys,
//! WebSocket, Unix sockets, proxies. The same command runs on the original too; where that cannot do it, [`CASES`] says why.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::broker::{Broker, PASS_PHRASE, PSK, Road};
use crate::common::output::Flavour;
use crate::common::process::run;
use crate::programs::{Library, Running, finish, on, program};
use crate::tinyproxy::Tinyproxy;

/// The pairs of programs that a case is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tools {
    All,
    /// The others take the options but do not use them: their subscriber goes over TCP.
    AsyncPublisher,
}

/// What becomes of the same command on the original.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Original {
    Works,
    /// It does not get there.
    Fails,
}

struct Case {
    name: &'static str,
    scheme: &'static str,
    road: Road,
    /// `@` stands for the broker's directory, `<open>` and `<closed>` for the proxies.
    arguments: &'static str,
    /// What the broker's line about the new client has to say.
    seen: &'static str,
    tools: Tools,
    original: Original,
}

const CASE: Case = Case {
    name: "",
    scheme: "ssl",
    road: Road::Plain,
    arguments: "",
    seen: "127.0.0.1:",
    tools: Tools::All,
    original: Original::Works,
};

/// The proxies speak to the broker from here, so that its log tells whether one was used.
const PROXIED: &str = "127.0.0.5:";
/// What goes for the client's certificate or key when the broker takes it for the user's name.
const AS_CLIENT: &str = "u'client'";
const AS_DEVICE: &str = "u'device'";

const CASES: [Case; 22] = [
    Case {
        name: "tcp",
        scheme: "tcp",
        ..CASE
    },
    Case {
        name: "tls",
        road: Road::Tls,
        arguments: "--cafile @/ca.pem",
        ..CASE
    },
    Case {
        name: "tls-1.2",
        road: Road::Tls12,
        arguments: "--cafile @/ca.pem",
        ..CASE
    },
    Case {
        name: "tls-1.3",
        road: Road::Tls13,
        arguments: "--cafile @/ca.pem",
        ..CASE
    },
    Case {
        name: "ciphers",
        road: Road::Tls12,
        arguments: "--cafile @/ca.pem --ciphers ECDHE-ECDSA-AES128-GCM-SHA256",
        ..CASE
    },
    Case {
        name: "insecure",
        road: Road::OtherHost,
        arguments: "--cafile @/ca.pem --insecure",
        ..CASE
    },
    Case {
        name: "certificate-1.2",
        road: Road::Certificate12,
        arguments: "--cafile @/ca.pem --cert @/client.pem --key @/client.key",
        seen: AS_CLIENT,
        ..CASE
    },
    Case {
        name: "certificate-1.3",
        road: Road::Certificate13,
        arguments: "--cafile @/ca.pem --cert @/client.pem --key @/client.key",
        seen: AS_CLIENT,
        ..CASE
    },
    Case {
        name: "encrypted-key",
        road: Road::Certificate13,
        arguments: "--cafile @/ca.pem --cert @/client.pem --key @/client.enc.key --keypass <pass>",
        seen: AS_CLIENT,
        ..CASE
    },
    Case {
        name: "psk-1.2",
        road: Road::Psk12,
        arguments: "--insecure --psk <psk> --psk-identity device",
        seen: AS_DEVICE,
        tools: Tools::AsyncPublisher,
        ..CASE
    },
    Case {
        name: "psk-1.2-ciphers",
        road: Road::Psk12,
        arguments: "--insecure --psk <psk> --psk-identity device --ciphers PSK-AES128-CBC-SHA",
        seen: AS_DEVICE,
        tools: Tools::AsyncPublisher,
        ..CASE
    },
    Case {
        name: "psk-1.3",
        road: Road::Psk13,
        arguments: "--insecure --psk <psk> --psk-identity device",
        seen: AS_DEVICE,
        tools: Tools::AsyncPublisher,
        ..CASE
    },
    Case {
        name: "ws",
        scheme: "ws",
        road: Road::Ws,
        ..CASE
    },
    Case {
        name: "wss-1.2",
        scheme: "wss",
        road: Road::Wss12,
        arguments: "--cafile @/ca.pem",
        ..CASE
    },
    Case {
        name: "wss-1.3",
        scheme: "wss",
        road: Road::Wss13,
        arguments: "--cafile @/ca.pem",
        ..CASE
    },
    // The release that the distribution has does not know the scheme; later ones do.
    Case {
        name: "unix",
        scheme: "unix",
        seen: "from ",
        original: Original::Fails,
        ..CASE
    },
    Case {
        name: "proxy-tcp",
        scheme: "tcp",
        arguments: "--http-proxy http://<open>",
        seen: PROXIED,
        ..CASE
    },
    Case {
        name: "proxy-tcp-credentials",
        scheme: "tcp",
        arguments: "--http-proxy http://us%65r:pass@<closed>",
        seen: PROXIED,
        ..CASE
    },
    Case {
        name: "proxy-tls",
        road: Road::Tls13,
        arguments: "--cafile @/ca.pem --https-proxy <open>",
        seen: PROXIED,
        ..CASE
    },
    // The original takes `http:` for the proxy's name where the proxy is one for TLS.
    Case {
        name: "proxy-tls-url",
        road: Road::Tls13,
        arguments: "--cafile @/ca.pem --https-proxy http://<open>",
        seen: PROXIED,
        original: Original::Fails,
        ..CASE
    },
    Case {
        name: "proxy-ws",
        scheme: "ws",
        road: Road::Ws,
        arguments: "--http-proxy http://us%65r:pass@<closed>",
        seen: PROXIED,
        ..CASE
    },
    Case {
        name: "proxy-wss-credentials",
        scheme: "wss",
        road: Road::Wss13,
        arguments: "--cafile @/ca.pem --https-proxy us%65r:pass@<closed>",
        seen: PROXIED,
        ..CASE
    },
];

struct Site {
    broker: Broker,
    open: Tinyproxy,
    closed: Tinyproxy,
}

impl Site {
    fn start() -> Self {
        Self {
            broker: Broker::start(),
            open: Tinyproxy::start("Bind 127.0.0.5"),
            closed: Tinyproxy::start("Bind 127.0.0.5\nBasicAuth user pass"),
        }
    }

    /// The options that lead there.
    fn address(&self, case: &Case, version: &str) -> Vec<String> {
        let uri = match case.scheme {
            "unix" => format!("unix://{}", self.broker.path("mosquitto.sock")),
            scheme => format!("{scheme}://127.0.0.1:{}", self.broker.port(case.road)),
        };
        let arguments = case
            .arguments
            .replace("@/", &self.broker.path(""))
            .replace("<psk>", PSK.1)
            .replace("<pass>", PASS_PHRASE)
            .replace("<open>", &format!("127.0.0.1:{}", self.open.port))
            .replace("<closed>", &format!("127.0.0.1:{}", self.closed.port));
        let mut all = vec!["-c".to_owned(), uri, "-V".to_owned(), version.to_owned()];
        all.extend(arguments.split_whitespace().map(str::to_owned));
        all
    }

    /// A message there and back.
    fn works(&self, case: &Case, version: &str, api: &str, flavour: Flavour, library: Library) {
        let topic = format!("{}-{version}-{api}-{library:?}", case.name);
        let both = case.tools == Tools::All;
        let tcp = Case {
            scheme: "tcp",
            road: if case.road == Road::Psk12 {
                Road::Plain12
            } else {
                Road::Plain13
            },
            ..CASE
        };
        let command = |tool: &str| {
            let road = if both || tool == "pub" { case } else { &tcp };
            let mut command = on(library, &program(&format!("paho_{api}_{tool}")));
            command
                .args(self.address(road, version))
                .args(["-t", &topic, "-q", "1", "-i", &format!("{tool}-{topic}")])
                // A proxy of the machine's own is none of the test's.
                .env_remove("PAHO_C_CLIENT_USE_HTTP_PROXY");
            command
        };
        let mut subscriber = Running::start(command("sub"));
        self.broker
            .await_log(|line| line.ends_with(&format!(": sub-{topic} 1 {topic}")));
        subscriber.assert_mapped(library, flavour);
        let mut publish = command("pub");
        publish.args(["-m", &topic]);
        finish(publish);
        subscriber.await_line(&topic);
        subscriber.signal(Signal::TERM);
        subscriber.end();
        for tool in ["pub", "sub"].iter().take(if both { 2 } else { 1 }) {
            let client = format!(" as {tool}-{topic} (");
            self.broker.await_log(|line| {
                line.contains("New client connected ")
                    && line.contains(&client)
                    && line.contains(case.seen)
            });
        }
    }

    /// No message gets through. `paho_c_pub` may then never end by itself, and `paho_cs_pub` calls that a success.
    fn fails(&self, case: &Case, version: &str, api: &str, library: Library) {
        let id = format!("fails-{}-{version}-{api}-{library:?}", case.name);
        let mut command = on(library, "timeout".as_ref());
        command
            .arg("2")
            .arg(program(&format!("paho_{api}_pub")))
            .args(self.address(case, version))
            .args(["-t", "never", "-m", "x", "-q", "1", "-i", &id]);
        let finished = run(command, Duration::from_secs(180));
        let published = format!("Received PUBLISH from {id} ");
        assert!(
            !self.broker.log().contains(&published),
            "{id} works:\n{}",
            finished.stderr
        );
        let failed = finished.stderr + &finished.stdout;
        assert!(
            failed.contains("onnect failed")
                || failed.contains("Failed to create client")
                || !finished.status.success(),
            "{id}: {failed}"
        );
    }
}

#[test]
fn every_road() {
    let site = Site::start();
    let mut jobs: Vec<(&Case, &str, &str, Flavour, Library)> = Vec::new();
    for case in &CASES {
        for version in ["311", "5"] {
            for (api, flavour) in [("c", Flavour::As), ("cs", Flavour::Cs)] {
                if api == "cs" && case.tools != Tools::All {
                    continue;
                }
                for library in Library::BOTH {
                    jobs.push((case, version, api, flavour, library));
                }
            }
        }
    }
    // The programs mostly sleep, so many of them run at a time.
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((case, version, api, flavour, library)) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let works = *library == Library::Ours || case.original == Original::Works;
                    let ended = std::panic::catch_unwind(|| {
                        if works {
                            site.works(case, version, api, *flavour, *library);
                        } else {
                            site.fails(case, version, api, *library);
                        }
                    });
                    if ended.is_err() {
                        let job = format!("{} {version} {api} {library:?}", case.name);
                        failed.lock().unwrap().push(job);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Certificates, keys and names that are wrong, and a proxy that wants other credentials, keep the programs out, on both libraries alike.
#[test]
fn closed_roads() {
    let site = Site::start();
    let cases = [
        Case {
            name: "other-ca",
            road: Road::Tls13,
            arguments: "--cafile @/other-ca.pem",
            ..CASE
        },
        Case {
            name: "other-host",
            road: Road::OtherHost,
            arguments: "--cafile @/ca.pem",
            ..CASE
        },
        Case {
            name: "no-certificate",
            road: Road::Certificate13,
            arguments: "--cafile @/ca.pem",
            ..CASE
        },
        Case {
            name: "expired",
            road: Road::Certificate12,
            arguments: "--cafile @/ca.pem --cert @/expired.pem --key @/expired.key",
            ..CASE
        },
        Case {
            name: "pass-phrase",
            road: Road::Certificate12,
            arguments: "--cafile @/ca.pem --cert @/client.pem --key @/client.enc.key --keypass wrong",
            ..CASE
        },
        Case {
            name: "psk",
            road: Road::Psk12,
            arguments: "--insecure --psk 00ff --psk-identity device",
            tools: Tools::AsyncPublisher,
            ..CASE
        },
        // Without --insecure there is a name to verify, and no certificate that has one: an error, where the original reads
        // through a null pointer.
        Case {
            name: "psk-verified",
            road: Road::Psk12,
            arguments: "--psk <psk> --psk-identity device",
            tools: Tools::AsyncPublisher,
            ..CASE
        },
        Case {
            name: "proxy",
            scheme: "tcp",
            arguments: "--http-proxy http://user:wrong@<closed>",
            ..CASE
        },
    ];
    thread::scope(|scope| {
        for case in &cases {
            for (api, library) in [
                ("c", Library::Ours),
                ("cs", Library::Ours),
                ("cs", Library::Original),
            ] {
                if api == "c" || case.tools == Tools::All {
                    let site = &site;
                    scope.spawn(move || site.fails(case, "311", api, library));
                }
            }
        }
    });
}

/// The original's `paho_c_pub` can do pre-shared keys with `--insecure` only (`every_road`). The default crashes it, where ours gives an
/// error; should a later release do better, this says so.
#[test]
fn verified_psk_is_an_error_and_crashes_the_original() {
    use std::os::unix::process::ExitStatusExt as _;
    let site = Site::start();
    let case = Case {
        road: Road::Psk12,
        arguments: "--psk <psk> --psk-identity device",
        ..CASE
    };
    let publish = |library| {
        let mut command: Command = on(library, &program("paho_c_pub"));
        command
            .args(site.address(&case, "311"))
            .args(["-t", "never", "-m", "x"]);
        command
    };
    let original = run(publish(Library::Original), Duration::from_secs(180));
    assert_eq!(original.status.signal(), Some(11), "{}", original.stderr);
    let mut ours = Command::new("timeout");
    ours.arg("10").arg(program("paho_c_pub"));
    ours.args(publish(Library::Ours).get_args());
    ours.env("LD_LIBRARY_PATH", Library::Ours.dir());
    let ours = run(ours, Duration::from_secs(180));
    assert!(ours.status.code().is_some_and(|code| code != 0));
    assert!(
        ours.stderr
            .contains("no certificate whose name could be verified"),
        "{}",
        ours.stderr
    );
}
