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
fn a_client_without_a_name_is_not_sent_where_no_server_would_accept_it() {
    let mut setup = setup();
    setup.client_id = "".into();
    let client = Carried::new(setup, None);
    let attempt = |version, clean, extras: bool, keep_session| {
        let options = ConnectOptions {
            clean,
            server_uris: vec!["nonsense://".into()],
            extras: extras.then(|| Box::new(extras_with(Policy::Keep))),
            ..options_of(version)
        };
        let result = run(client.try_candidates(&options, 0, keep_session));
        let failure = result.err().expect("no server");
        (failure.refused, failure.stage.is_some())
    };
    assert_eq!(attempt(V3, false, false, false), (Some(2), false));
    // A reconnect asks for no clean session.
    assert_eq!(attempt(V3, true, false, true), (Some(2), false));
    for (version, clean, extras) in [
        (V3, true, false),
        (V3, false, true),
        (V5, false, false),
        (Version::V31, false, false),
    ] {
        let tried = attempt(version, clean, extras, false);
        assert_eq!(tried, (None, true), "{version:?} {clean} {extras}");
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
