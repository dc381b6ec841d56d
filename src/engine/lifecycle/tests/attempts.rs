//! Attempts to connect: which servers and versions are tried, and what an answer comes to.

use super::*;

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
fn serve(answers: &[&'static [u8]]) -> (String, std::thread::JoinHandle<Vec<Vec<u8>>>) {
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
    let rows: [(&ConnectOptions, &[&'static [u8]], Comes); 9] = [
        (&default, &[ACCEPTED], Ok((V3, false))),
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
