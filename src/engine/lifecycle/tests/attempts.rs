//! Attempts to connect: which servers and versions are tried, and what an answer comes to.

use super::*;
use crate::engine::lifecycle::connack::refusal;
use rustix::io::Errno;

/// Runs an attempt's task to its end, on this thread.
fn run<T>(task: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    runtime.expect("a runtime").block_on(task)
}

#[test]
fn servers_are_tried_in_order_until_the_program_asks_for_the_end() {
    // No URI of these leads anywhere, and none has a name to look up.
    let uris = ["nonsense://1", "nonsense://2", "nonsense://3"];
    let options = Arc::new(ConnectOptions {
        server_uris: uris.map(str::to_owned).into(),
        ..options()
    });
    let tried = |client: &Carried, epoch| {
        let result = run(client.try_candidates(&options, epoch, false));
        assert!(result.is_err());
        client.last_error().map_or(0, |(count, _)| count)
    };
    let (client, epoch) = attempting("connect", &options);
    assert_eq!(
        tried(&client, epoch),
        3,
        "each once: no server refused a version"
    );
    let (client, epoch) = attempting("connect", &options);
    assert!(client.disconnect(FAR, 0, Properties::new(), None).is_err());
    assert_eq!(tried(&client, epoch), 1, "the one under way is the last");
}

#[test]
fn a_client_without_a_name_is_refused_in_the_call_where_no_server_may_accept_it() {
    let mut setup = setup();
    setup.client_id = "".into();
    setup.server_uri = "tcp://server".into();
    let client = Carried::new(setup, None);
    let refused = |version, clean, extras: Option<Option<&str>>| {
        let options = ConnectOptions {
            clean,
            version,
            extras: extras.map(|client_id| {
                Box::new(Extras {
                    client_id: client_id.map(Into::into),
                    ..extras_with(Policy::Keep)
                })
            }),
            ..options()
        };
        match client.check_connect(&options) {
            Ok(()) => None,
            Err(Error::Invalid(malformed)) => Some(malformed.what),
            Err(other) => panic!("{other}"),
        }
    };
    let (v31, v311, v5) = (
        VersionChoice::Only(Version::V31),
        VersionChoice::Only(V3),
        VersionChoice::Only(V5),
    );
    let only_clean = "client identifier: empty, which MQTT 3.1.1 allows only with a clean session";
    let never = "client identifier: empty, which MQTT 3.1 does not allow";
    for (version, clean, extras, words) in [
        (v311, false, None, Some(only_clean)),
        (VersionChoice::Default, false, None, Some(only_clean)),
        (v31, false, None, Some(never)),
        (v31, true, None, Some(never)),
        (v311, false, Some(None), Some(only_clean)),
        (v311, false, Some(Some("name")), None),
        (v311, true, None, None),
        (VersionChoice::Default, true, None, None),
        (v5, false, None, None),
    ] {
        let answer = refused(version, clean, extras);
        assert_eq!(answer, words, "{version:?} {clean} {extras:?}");
    }
}

#[test]
fn a_client_without_a_name_is_not_offered_to_a_server_of_3_1() {
    const UNACCEPTABLE: &[u8] = &[0x20, 2, 0, 1];
    for (name, tried) in [("", vec![4]), ("name", vec![4, 3])] {
        let answers: Vec<_> = tried.iter().map(|_| UNACCEPTABLE).collect();
        let (uri, server) = serve(&answers);
        let mut setup = setup();
        setup.client_id = name.into();
        setup.server_uri = uri;
        let client = Carried::new(setup, None);
        let options = ConnectOptions {
            connect_timeout: FAR,
            ..options()
        };
        let begun = client
            .lock()
            .lifecycle
            .connect(Arc::new(options.clone()), "connect");
        let failure = run(client.try_candidates(&options, begun.expect("idle"), false))
            .err()
            .expect("refused");
        assert_eq!(failure.refused, Some(1), "the server's answer");
        let packets = server.join().expect("served");
        let levels: Vec<_> = packets
            .iter()
            .map(|packet| {
                let name = 4 + usize::from(packet[3]);
                packet[name]
            })
            .collect();
        assert_eq!(levels, tried, "{name:?}");
    }
}

#[test]
fn a_list_needs_one_server_that_can_be_used() {
    let client = Carried::new(setup(), None);
    let check = |uris: &[&str], proxy: Option<&str>| {
        let options = ConnectOptions {
            server_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            http_proxy: proxy.map(Into::into),
            ..options()
        };
        match client.check_connect(&options) {
            Ok(()) => Ok(()),
            Err(Error::Unusable(error)) => Err((error.stage, error.to_string())),
            Err(other) => panic!("{other}"),
        }
    };
    for (uris, proxy, wrong) in [
        (&["tcp://h"][..], None, None),
        (&["x://h", "tcp://h"], None, None),
        (&["x://h", "ssl://h", "tcp://h"], Some("p:1"), None),
        (
            &["x://h", "ssl://h"],
            None,
            Some((Stage::Resolve, "protocol")),
        ),
        (&["tcp://h:0"], None, Some((Stage::Resolve, "port"))),
        (&["tcp://h"], Some("p:0"), Some((Stage::Proxy, "httpProxy"))),
        (
            &["tcp://h"],
            Some("socks4://p"),
            Some((Stage::Proxy, "unknown scheme")),
        ),
        (
            &["tcp://h"],
            Some("socks5://p:x"),
            Some((Stage::Socks, "httpProxy")),
        ),
    ] {
        let answer = check(uris, proxy);
        match (&answer, wrong) {
            (Ok(()), None) => {}
            (Err((stage, text)), Some((at, word))) if *stage == at && text.contains(word) => {}
            _ => panic!("{uris:?} {proxy:?}: {answer:?}"),
        }
    }
}

/// A server that answers one CONNECT on each connection, in order, and ends it where it has no answer. Returns its URI, and the
/// thread, which returns the CONNECTs.
pub fn serve(answers: &[&'static [u8]]) -> (String, std::thread::JoinHandle<Vec<Vec<u8>>>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("tcp://{}", listener.local_addr().expect("an address"));
    let answers = answers.to_vec();
    let server = std::thread::spawn(move || {
        let mut connections = Vec::new();
        let read = |answer: &[u8]| {
            let (mut connection, _) = listener.accept().expect("a client");
            let mut packet = vec![0; 2];
            connection.read_exact(&mut packet).expect("CONNECT");
            packet.resize(2 + usize::from(packet[1]), 0);
            connection.read_exact(&mut packet[2..]).expect("its rest");
            connection.write_all(answer).expect("read");
            if !answer.is_empty() {
                connections.push(connection);
            }
            packet
        };
        answers.into_iter().map(read).collect()
    });
    (uri, server)
}

/// What an attempt comes to: the version and whether there was a session, or the words of its failure.
type Comes = Result<(Version, bool), &'static str>;

#[test]
fn an_attempt_is_decided_by_the_servers_first_packet() {
    const ACCEPTED: &[u8] = &[0x20, 2, 0, 0];
    let unacceptable: &[u8] = &[0x20, 2, 0, 1];
    let default = options();
    let clean5 = options_of(V5);
    let kept5 = ConnectOptions {
        clean: false,
        ..options_of(V5)
    };
    let present: &[u8] = &[0x20, 3, 1, 0, 0];
    let rows: [(&ConnectOptions, &[&'static [u8]], Comes); 10] = [
        (&default, &[ACCEPTED], Ok((V3, false))),
        // 3.1.1 has no such rule for the client.
        (&default, &[&[0x20, 2, 1, 0]], Ok((V3, true))),
        (
            &default,
            &[unacceptable, ACCEPTED],
            Ok((Version::V31, false)),
        ),
        // A server that does not know what it was asked may know the older version.
        (
            &default,
            &[b"\xd0\x00", ACCEPTED],
            Ok((Version::V31, false)),
        ),
        (&default, &[b"", ACCEPTED], Ok((Version::V31, false))),
        (
            &default,
            &[unacceptable, &[0x20, 2, 0, 5]],
            Err("not authorized"),
        ),
        (&clean5, &[connack(V5)], Ok((V5, false))),
        (&clean5, &[present], Err("was to be discarded")),
        (&kept5, &[present], Ok((V5, true))),
        (&clean5, &[b""], Err("waiting for CONNACK")),
    ];
    for (options, answers, comes) in rows {
        for listed in [false, true] {
            let (uri, server) = serve(answers);
            let mut setup = setup();
            let mut options = options.clone();
            options.connect_timeout = FAR;
            if listed {
                options.server_uris = vec![uri];
            } else {
                setup.server_uri = uri;
            }
            let client = Carried::new(setup, None);
            let begun = client
                .lock()
                .lifecycle
                .connect(Arc::new(options.clone()), "connect");
            let attempt = client.try_candidates(&options, begun.expect("idle"), false);
            let result = run(attempt);
            assert_eq!(server.join().expect("a server").len(), answers.len());
            match (result, comes) {
                (Ok(established), Ok((version, session_present))) => {
                    let connected = established.connected;
                    assert_eq!(
                        (connected.version, connected.session_present),
                        (version, session_present)
                    );
                    assert_eq!(connected.listed, listed);
                }
                (Err(failure), Err(words)) => {
                    assert!(failure.message.contains(words), "{}", failure.message);
                }
                (result, _) => panic!("{answers:?}: {}", result.is_ok()),
            }
        }
    }
}

#[test]
fn a_bridge_is_marked_in_each_connect() {
    for bridge in [false, true] {
        let mut extras = extras_with(Policy::KeepAndResend);
        extras.bridge = bridge;
        let mut options = ConnectOptions {
            extras: Some(Box::new(extras)),
            ..options_of(V3)
        };
        let level = if bridge { 0x84 } else { 4 };
        let client = Carried::new(setup(), None);
        let stream = client.attach(1 << 16, options.clone(), "connect");
        assert_eq!(sent(&stream)[8], level);
        let (uri, server) = serve(&[connack(V3)]);
        options.server_uris = vec![uri];
        options.connect_timeout = FAR;
        let connects = run(client.try_candidates(&options, 1, false));
        assert!(connects.is_ok());
        assert_eq!(server.join().expect("a server")[0][8], level);
    }
}

#[test]
fn a_server_that_refuses_both_versions_leaves_the_next_its_turn() {
    const UNACCEPTABLE: &[u8] = &[0x20, 2, 0, 1];
    let (refusing, first) = serve(&[UNACCEPTABLE, UNACCEPTABLE]);
    let (accepting, second) = serve(&[connack(V3)]);
    let options = Arc::new(ConnectOptions {
        server_uris: vec!["nonsense://1".to_owned(), refusing, accepting],
        connect_timeout: FAR,
        ..options()
    });
    let (client, epoch) = attempting("connect", &options);
    let established = run(client.try_candidates(&options, epoch, false));
    assert_eq!(established.expect("accepted").connected.version, V3);
    let levels = |server: std::thread::JoinHandle<Vec<Vec<u8>>>| -> Vec<u8> {
        let packets = server.join().expect("served");
        packets
            .iter()
            .map(|packet| packet[4 + usize::from(packet[3])])
            .collect()
    };
    assert_eq!((levels(first), levels(second)), (vec![4, 3], vec![4]));
    let failures = client.last_error().map(|(count, _)| count);
    assert_eq!(failures, Some(3), "no second version where no server was");
}

#[test]
fn a_session_that_goes_on_is_not_asked_to_start_clean() {
    const CLEAN: u8 = 2;
    for (version, keep) in [(V3, false), (V3, true), (V5, false), (V5, true)] {
        let (uri, server) = serve(&[connack(version)]);
        let options = Arc::new(ConnectOptions {
            server_uris: vec![uri],
            connect_timeout: FAR,
            ..options_of(version)
        });
        let (client, epoch) = attempting("connect", &options);
        let established = run(client.try_candidates(&options, epoch, keep));
        assert!(established.is_ok());
        let flags = server.join().expect("served")[0][9];
        assert_eq!(flags & CLEAN == 0, keep, "{version:?}");
    }
}

/// A port of which nobody hears, for as long as the first is kept.
pub fn nobody() -> (std::os::fd::OwnedFd, String) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    bind(&socket, &any).expect("a port");
    let address = getsockname(&socket).expect("an address");
    let address = std::net::SocketAddr::try_from(address).expect("an address");
    (socket, format!("tcp://{address}"))
}

/// What one attempt at that server comes to, which must fail.
fn failure_of(uri: &str, options: ConnectOptions) -> ConnectFailure {
    let options = Arc::new(ConnectOptions {
        server_uris: vec![uri.to_owned()],
        ..options
    });
    let (client, epoch) = attempting("connect", &options);
    let result = run(client.try_candidates(&options, epoch, false));
    result.err().expect("a failure")
}

#[test]
fn a_failure_says_how_far_the_attempt_came() {
    const TOO_LARGE: &[u8] = &[0x20, 0x80, 0x80, 0x80, 1];
    let patient = |version| ConnectOptions {
        connect_timeout: FAR,
        ..options_of(version)
    };
    let (_kept, closed) = nobody();
    let failure = failure_of(&closed, patient(V3));
    let refused = Errno::CONNREFUSED.raw_os_error();
    assert_eq!(
        (failure.stage, failure.os_error),
        (Some(Stage::Tcp), Some(refused))
    );
    let failure = failure_of("nonsense://h", patient(V3));
    assert_eq!(
        (failure.stage, failure.os_error),
        (Some(Stage::Resolve), None)
    );
    // The server's kernel answers, its program does not.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("tcp://{}", silent.local_addr().expect("an address"));
    let short = ConnectOptions {
        connect_timeout: Duration::from_millis(200),
        ..options_of(V3)
    };
    assert_eq!(failure_of(&uri, short).stage, Some(Stage::Deadline));
    // What is said: the answer, and whether it refuses.
    let sized = |most| ConnectOptions {
        connect_timeout: FAR,
        ..with(&[(PropertyId::MaximumPacketSize, Value::Four(most))])
    };
    for (options, answer, words, code) in [
        (patient(V3), &b""[..], "closed the connection", None),
        (patient(V3), TOO_LARGE, "large", None),
        (sized(4 << 20), TOO_LARGE, "large", None),
        (sized(9), b"\x20\x08\0\0\x05\x11\0\0\0\x09", "large", None),
        (patient(V3), b"\x20\x02\0\x05", "not authorized", Some(5)),
        (
            patient(V5),
            b"\x20\x07\0\x87\x04\x1f\0\x01x",
            "Not authorized",
            Some(0x87),
        ),
    ] {
        let (uri, server) = serve(&[answer]);
        let version = options.version;
        let failure = failure_of(&uri, options);
        server.join().expect("a server");
        assert!(failure.message.contains(words), "{}", failure.message);
        assert!(
            !failure.message.contains("TLS does that"),
            "{}",
            failure.message
        );
        assert_eq!((failure.refused, failure.stage), (code, None), "{words}");
        let why = failure.properties.as_ref().bytes(PropertyId::ReasonString);
        let said = code.is_some() && version == VersionChoice::Only(V5);
        assert_eq!(why, said.then_some(&b"x"[..]));
    }
}

/// A server that leaves without a word has not read CONNECT: it may wait for something else.
#[test]
fn a_reset_instead_of_an_answer_hints_at_a_port_for_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("tcp://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (connection, _) = listener.accept().expect("a client");
        // What is unread when it is closed makes a reset of the end.
        assert_eq!(connection.peek(&mut [0]).expect("CONNECT"), 1);
    });
    let failure = failure_of(
        &uri,
        ConnectOptions {
            connect_timeout: FAR,
            ..options_of(V3)
        },
    );
    server.join().expect("a server");
    assert_eq!(failure.os_error, Some(Errno::CONNRESET.raw_os_error()));
    assert!(
        failure.message.ends_with("; a port for TLS does that"),
        "{}",
        failure.message
    );
}

#[test]
fn what_the_server_says_when_it_accepts_is_kept() {
    let answer: &[u8] = b"\x20\x05\0\0\x02\x24\x01\x30\x05\0\x01t\0a";
    let (uri, server) = serve(&[answer]);
    let options = Arc::new(ConnectOptions {
        server_uris: vec!["nonsense://h".to_owned(), uri.clone()],
        connect_timeout: FAR,
        ..options_of(V5)
    });
    let (client, epoch) = attempting("connect", &options);
    let established = run(client.try_candidates(&options, epoch, false));
    let Established {
        connected, rest, ..
    } = *established.expect("accepted");
    server.join().expect("a server");
    assert_eq!((connected.server_uri, connected.listed), (uri, true));
    let most = connected.properties.as_ref().number(PropertyId::MaximumQoS);
    assert_eq!((most, connected.reason), (Some(1), 0));
    assert_eq!(rest, answer[7..], "what came behind CONNACK");
}

#[test]
fn a_refusal_is_called_by_its_name() {
    for (version, code, name) in [
        (V3, 1, "unacceptable protocol version"),
        (V3, 2, "client identifier rejected"),
        (V3, 3, "server unavailable"),
        (V3, 4, "bad user name or password"),
        (Version::V31, 5, "not authorized"),
        (V3, 0x87, "unknown reason"),
        (V5, 0x87, "not authorized"),
        (V5, 5, "unknown reason"),
    ] {
        let expected = format!("the server refused the connection: {name} ({code})");
        assert_eq!(refusal(version, code).to_lowercase(), expected);
    }
}
