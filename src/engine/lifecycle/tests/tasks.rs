//! Connects as the tasks of the connect runtime carry them out, against servers by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::attempts::{nobody, serve};
use super::*;
use crate::engine::Client;
use crate::engine::tests::program::Program;
use crate::transport::uri::ServerUri;

const CLEAN: u8 = 2;
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of a connect to that server.
fn to(uri: &str, options: ConnectOptions) -> ConnectOptions {
    ConnectOptions {
        server_uris: vec![uri.to_owned()],
        connect_timeout: FAR,
        ..options
    }
}

/// The same, with an automatic reconnect that wastes no time.
fn back_to(uri: &str, options: ConnectOptions) -> ConnectOptions {
    let soon = Duration::from_millis(1);
    ConnectOptions {
        reconnect: Some(ReconnectOptions {
            min: soon,
            max: soon,
        }),
        ..to(uri, options)
    }
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("tcp://{}", listener.local_addr().expect("an address"));
    (listener, uri)
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (connection, _) = listener.accept().expect("a client");
    connection
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out");
    connection
}

/// Reads one short packet.
fn packet(connection: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 2];
    connection.read_exact(&mut packet).expect("a packet");
    packet.resize(2 + usize::from(packet[1]), 0);
    connection.read_exact(&mut packet[2..]).expect("its rest");
    packet
}

/// The flags of a CONNECT of MQTT 3.1.1 or 5.
fn flags(connect: &[u8]) -> u8 {
    connect[9]
}

#[test]
fn a_connect_is_carried_out_and_its_end_told() {
    let refused = "connect failed: the server refused the connection: not authorized (5)";
    for (answer, ends) in [
        (connack(V3), &["connect up", "connected"][..]),
        (&[0x20, 2, 0, 5], &[refused]),
    ] {
        let (uri, server) = serve(&[answer]);
        let client = Carried::new(setup(), None);
        let begun = client.connect(to(&uri, options_of(V3)), "connect");
        assert!(begun.is_ok());
        assert_eq!(client.host().wait_for(ends.len()), ends);
        let connects = server.join().expect("a server");
        assert_eq!(flags(&connects[0]) & CLEAN, CLEAN);
    }
}

/// Returns a client whose connection is lost, with a publish in flight in a session that goes on.
fn lost_with_a_publish_in_flight() -> Carried {
    let (client, stream) = connected(
        setup(),
        ConnectOptions {
            clean: false,
            ..options_of(V3)
        },
    );
    let message = publish(QoS::AtLeastOnce, b"x");
    client.send(&message, "publish").expect("accepted");
    stream.feed_end();
    client.work();
    client.heard();
    client
}

/// A clean connect of the program's ends what an earlier session held.
#[test]
fn a_clean_connect_ends_what_was_in_flight() {
    let client = lost_with_a_publish_in_flight();
    let (uri, server) = serve(&[connack(V3)]);
    let begun = client.connect(to(&uri, options_of(V3)), "again");
    assert!(begun.is_ok());
    let heard = ["publish failed", "again up", "connected"];
    assert_eq!(client.host().wait_for(heard.len()), heard);
    server.join().expect("a server");
}

#[test]
fn what_cannot_succeed_is_refused_in_the_call() {
    type Begin =
        fn(&Arc<Client<Program<false>>>, ConnectOptions, &'static str) -> Result<(), Error>;
    for begin in [Client::connect as Begin, Client::connect_to_authenticate] {
        let client = Carried::new(setup(), None);
        // No CONNECT can be made of such a name.
        let named = ConnectOptions {
            username: Some("\0".into()),
            ..to("tcp://h", options_of(V5))
        };
        let refused = begin(&client, named, "connect");
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let refused = begin(&client, to("nonsense://h", options_of(V5)), "connect");
        assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
        assert!(!client.lock().lifecycle.is_connecting() && client.heard().is_empty());
    }
    let client = Carried::new(setup(), None);
    let (link, _stream) = Link::stream(64, Arc::new(|_| {}));
    let uri = ServerUri::parse("ws://h").expect("a URI");
    let headed = ConnectOptions {
        http_headers: vec![("X".into(), "x\r\nY: y".into())],
        ..options_of(V5)
    };
    let refused = client.attach_over(link, uri, headed, "connect");
    assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
}

/// What a task has begun ends with what it was for: the server sees the end, and nothing is left that waits for its answer.
#[test]
fn an_attempt_ends_with_what_it_was_for() {
    type Begin = fn(&Carried, &str);
    type End = fn(&Carried);
    let connects: Begin = |client, uri| {
        let begun = client.connect(to(uri, options_of(V3)), "connect");
        assert!(begun.is_ok());
    };
    // The answer to the upgrade does not come.
    let authenticates: Begin = |client, uri| {
        let uri = uri.replace("tcp:", "ws:");
        let begun = client.connect_to_authenticate(to(&uri, options_of(V5)), "connect");
        assert!(begun.is_ok());
    };
    let reconnects: Begin = |client, uri| {
        let options = Arc::new(back_to(uri, options_of(V3)));
        let begun = client.lock().lifecycle.connect(options, "connect");
        let failure = ConnectFailure::new(None, "no".into());
        client.not_established(failure, begun.expect("idle"));
    };
    let destroys: End = |client| client.destroy();
    let disconnects: End = |client| {
        let answer = client.disconnect(FAR, 0, Properties::new(), None);
        assert!(matches!(answer, Err(Error::Disconnected)));
    };
    for (begin, end) in [
        (connects, destroys),
        (authenticates, destroys),
        (reconnects, destroys),
        (reconnects, disconnects),
    ] {
        let (listener, uri) = listen();
        let client = Carried::new(setup(), None);
        begin(&client, &uri);
        let mut connection = accept(&listener);
        connection.read_exact(&mut [0]).expect("the first byte");
        end(&client);
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).expect("the end");
    }
}

#[test]
fn the_automatic_reconnect_goes_on_with_the_session_that_was_lost() {
    let expiry = [(PropertyId::SessionExpiryInterval, Value::Four(9))];
    let (listener, uri) = listen();
    let client = Carried::new(setup(), None);
    let stream = client.attach(1 << 16, back_to(&uri, with(&expiry)), "connect");
    assert_eq!(flags(&sent(&stream)) & CLEAN, CLEAN);
    client.feed(&stream, connack(V5));
    let message = publish(QoS::AtLeastOnce, b"x");
    client.send(&message, "publish").expect("accepted");
    stream.feed_end();
    client.work();
    let mut server = accept(&listener);
    assert_eq!(flags(&packet(&mut server)) & CLEAN, 0);
    // It has the session.
    server.write_all(&[0x20, 3, 1, 0, 0]).expect("read");
    assert_eq!(packet(&mut server)[0], 0x3a, "PUBLISH again, with DUP");
}

/// A task that has panicked does not say whether there was a session: it goes on, for what is in flight may belong to it.
#[test]
fn a_reconnect_that_begins_anew_goes_on_with_the_session() {
    let (listener, uri) = listen();
    let client = Carried::new(setup(), None);
    let options = back_to(&uri, options_of(V3));
    let retry = options.reconnect;
    let mut core = client.lock();
    let begun = core.lifecycle.connect(Arc::new(options), "connect");
    assert!(core.lifecycle.failed(begun.expect("idle")).is_some());
    let plan = core.lifecycle.retry(retry, None).expect("it is wanted");
    drop(core);
    client.reconnect_again(plan.epoch);
    assert_eq!(flags(&packet(&mut accept(&listener))) & CLEAN, 0);
}

/// Where the program's own connect has not succeeded yet, its wish for a clean start still stands.
#[test]
fn the_automatic_reconnect_goes_on_with_the_start_that_was_asked_for() {
    let client = lost_with_a_publish_in_flight();
    // No connection where the server leaves; then one.
    let (uri, server) = serve(&[b"", connack(V3)]);
    let begun = client.connect(back_to(&uri, options_of(V3)), "again");
    assert!(begun.is_ok());
    let heard = client.host().wait_for(3);
    assert!(heard[0].starts_with("again failed"), "{heard:?}");
    assert_eq!(heard[1..], ["publish failed", "connected again"]);
    let connects = server.join().expect("a server");
    let starts = connects.iter().map(|connect| flags(connect) & CLEAN);
    assert_eq!(starts.collect::<Vec<_>>(), [CLEAN; 2]);
}

#[test]
fn a_program_connects_again_with_the_options_it_had() {
    let client = Carried::new(setup(), None);
    let never = client.reconnect("never");
    assert!(matches!(never, Err(Error::Disconnected)), "{never:?}");
    let (uri, server) = serve(&[&[0x20, 2, 0, 5], connack(V3)]);
    let named = ConnectOptions {
        username: Some("u".into()),
        ..to(&uri, options_of(V3))
    };
    assert!(client.connect(named, "connect").is_ok());
    client.host().wait_for(1);
    client.heard();
    assert!(client.reconnect("again").is_ok());
    assert_eq!(client.host().wait_for(2), ["again up", "connected"]);
    let connects = server.join().expect("a server");
    assert_eq!(connects[0], connects[1]);
    assert!(connects[0].ends_with(b"\0\x01u"));
}

#[test]
fn a_connect_that_authenticates_goes_to_the_first_server_that_can_be_reached() {
    let method = [(PropertyId::AuthenticationMethod, Value::Utf8(b"m"))];
    let (_kept, closed) = nobody();
    let (listener, uri) = listen();
    let (other, last) = listen();
    let client = Carried::new(setup(), None);
    let options = ConnectOptions {
        server_uris: vec!["nonsense://h".to_owned(), closed.clone(), uri, last],
        // As long as it takes.
        connect_timeout: Duration::ZERO,
        ..with(&method)
    };
    assert!(client.connect_to_authenticate(options, "connect").is_ok());
    let connect = packet(&mut accept(&listener));
    assert_eq!(flags(&connect) & CLEAN, CLEAN);
    assert_eq!(connect[12..17], *b"\x04\x15\0\x01m");
    other.set_nonblocking(true).expect("a socket");
    assert!(other.accept().is_err(), "the next one is not asked");
    // None that can be reached.
    let client = Carried::new(setup(), None);
    let begun = client.connect_to_authenticate(to(&closed, with(&method)), "connect");
    assert!(begun.is_ok());
    let heard = client.host().wait_for(1);
    assert!(heard[0].len() > "connect failed: ".len(), "{heard:?}");
    let ended = client.host().connects.lock().pop().expect("an end");
    assert_eq!(ended.expect_err("a failure").stage, Some(Stage::Tcp));
}
