//! Sections 3.15 and 4.12: enhanced authentication and re-authentication, by the event API, which is the one that has them.
//!
//! What a client of the Paho APIs does with an AUTH that it has not asked for is in [`control`](super::control).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::Duration;

use paho_oxide::events::{Create, Error, Kind, Manner};
use paho_oxide::protocol::packet::Publish;
use paho_oxide::protocol::property::{Context, PropertiesRef, PropertyId};
use paho_oxide::protocol::{QoS, Version as WireVersion};

use crate::broker::{Broker, Peer};
use crate::driver::{QueuedClient, connect, encoded};
use crate::packet::{Packet, Reason, Value, Version, prop, text};
use crate::server::{auth, connack, disconnect};

const V: Version = Version::V5;
const METHOD: &str = "SCRAM-SHA-256";

fn method(name: &str) -> (u8, Value) {
    text(prop::AUTH_METHOD, name)
}

fn data(bytes: &[u8]) -> (u8, Value) {
    (prop::AUTH_DATA, Value::Binary(bytes.into()))
}

/// What a program sends with its AUTH: data go with their method.
fn proof(bytes: &[u8]) -> [(u8, Value); 2] {
    [method(METHOD), data(bytes)]
}

fn create() -> Create {
    Create {
        version: WireVersion::V5,
        buffer_offline: true,
        ..Create::default()
    }
}

/// A client that has said CONNECT with a method and `first` as its data.
fn begun() -> (Broker, Peer, QueuedClient) {
    let broker = Broker::start();
    let client = QueuedClient::new(create());
    let mut peer = client.attach(&broker, connect(&[method(METHOD), data(b"first")]));
    let asked = peer.expect_connect();
    assert_eq!(asked.properties, [method(METHOD), data(b"first")]);
    (broker, peer, client)
}

/// A client that has authenticated in one step.
fn authenticated(properties: &[(u8, Value)]) -> (Broker, Peer, QueuedClient) {
    let (broker, mut peer, client) = begun();
    peer.connack(false, &[&[method(METHOD)], properties].concat());
    client.expect(Kind::Connected);
    (broker, peer, client)
}

/// The URI of a port that is taken, and on which nobody listens.
fn nobody() -> (OwnedFd, String) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let held = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = SocketAddrV4::try_from(getsockname(&held).expect("bound")).expect("IPv4");
    (held, format!("tcp://{address}"))
}

fn expect_auth(peer: &mut Peer) -> Reason {
    match peer.expect() {
        Packet::Auth(auth) => auth,
        other => panic!("expected AUTH, got {other:?}"),
    }
}

fn message() -> Publish<'static> {
    Publish {
        dup: false,
        qos: QoS::AtLeastOnce,
        retain: false,
        topic: b"t",
        packet_id: 0,
        properties: PropertiesRef::EMPTY,
        payload: b"m",
    }
}

/// What a record says of authentication.
fn said(properties: &[u8], id: PropertyId) -> Option<Vec<u8>> {
    let properties = PropertiesRef::parse(properties, Context::Auth).expect("properties");
    properties.bytes(id).map(<[u8]>::to_vec)
}

/// [MQTT-4.12.0-1] A refusal of the method is the end of the attempt, with the server's code.
#[test]
fn mqtt_4_12_0_1_method_not_supported() {
    for code in [0x8C, 0x87] {
        let (_broker, mut peer, client) = begun();
        peer.send(&connack(
            V,
            false,
            code,
            &[text(prop::REASON_STRING, "no such method")],
        ));
        let failed = client.expect(Kind::ConnectFailed);
        assert_eq!(failed.head.reason, u16::from(code));
        assert_eq!(failed.properties()[..1], [prop::REASON_STRING]);
        peer.expect_close();
    }
}

/// [MQTT-4.12.0-2] The server's request for more reaches the program, as often as it comes; one with another reason code is an
/// error, and so is a second before the first was answered.
#[test]
fn mqtt_4_12_0_2_the_server_asks_for_more() {
    let (_broker, mut peer, client) = begun();
    for round in 0..5_u8 {
        peer.send(&auth(0x18, &[method(METHOD), data(&[round])]));
        let asked = client.expect(Kind::Auth);
        assert_eq!(asked.head.reason, 0x18);
        let challenge = said(asked.properties(), PropertyId::AuthenticationData);
        assert_eq!(challenge, Some(vec![round]));
        client.auth(0x18, &proof(&[round + 100])).expect("asked");
        expect_auth(&mut peer);
    }
    peer.connack(false, &[method(METHOD), data(b"done")]);
    let connected = client.expect(Kind::Connected);
    let last = PropertiesRef::parse(connected.properties(), Context::ConnAck).expect("properties");
    assert_eq!(
        last.bytes(PropertyId::AuthenticationData),
        Some(&b"done"[..])
    );

    let twice = [auth(0x18, &[method(METHOD)]), auth(0x18, &[method(METHOD)])].concat();
    for wrong in [
        auth(0, &[method(METHOD)]),
        auth(0x19, &[method(METHOD)]),
        twice,
    ] {
        let (_broker, mut peer, client) = begun();
        peer.send(&wrong);
        let end = loop {
            let record = client.next();
            if record.head.kind != Kind::Auth {
                break record;
            }
        };
        assert_eq!(end.head.kind, Kind::ConnectFailed);
        peer.expect_close();
    }
}

/// A connection that the engine makes itself is authenticated as one that the program has made; where no server can be reached,
/// the program hears which one of the stages failed.
#[test]
fn connections_of_the_engines_own() {
    let broker = Broker::start();
    let client = QueuedClient::new(create());
    let options = || connect(&[method(METHOD), data(b"first")]);
    let (_held, nobody) = nobody();
    let servers = vec![nobody.clone(), broker.uri()];
    client
        .client
        .connect(servers, options(), None)
        .expect("begun");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.send(&auth(0x18, &[method(METHOD), data(b"challenge")]));
    client.expect(Kind::Auth);
    client.auth(0x18, &proof(b"proof")).expect("asked");
    assert_eq!(expect_auth(&mut peer).properties, proof(b"proof"));
    peer.connack(false, &[method(METHOD)]);
    client.expect(Kind::Connected);
    peer.close();
    client.expect(Kind::Lost);

    let nobody = vec!["tcp://127.0.0.1:1".to_owned()];
    client
        .client
        .connect(nobody, options(), None)
        .expect("begun");
    assert_eq!(client.expect(Kind::ConnectFailed).head.flags, 3, "TCP");
}

/// [MQTT-4.12.0-3] The client's answer has reason code 0x18. It answers once, and only when asked.
#[test]
fn mqtt_4_12_0_3_the_answer_continues() {
    let (_broker, mut peer, client) = begun();
    assert!(matches!(
        client.auth(0x18, &proof(b"early")),
        Err(Error::Ignored)
    ));
    peer.send(&auth(0x18, &[method(METHOD), data(b"challenge")]));
    client.expect(Kind::Auth);
    for wrong in [0, 0x19, 0x87] {
        assert!(client.auth(wrong, &proof(b"x")).is_err(), "{wrong:#x}");
    }
    client.auth(0x18, &proof(b"proof")).expect("asked");
    let answer = expect_auth(&mut peer);
    assert_eq!(answer.reason, 0x18);
    assert_eq!(answer.properties, proof(b"proof"));
    assert!(client.auth(0x18, &proof(b"again")).is_err(), "once");
    peer.connack(false, &[]);
    client.expect(Kind::Connected);
    peer.expect_silence();
}

/// [MQTT-4.12.0-4] The server may refuse at any step, and the program hears its code.
#[test]
fn mqtt_4_12_0_4_refusal_at_any_step() {
    for steps in 0..3 {
        let (_broker, mut peer, client) = begun();
        for _ in 0..steps {
            peer.send(&auth(0x18, &[method(METHOD), data(b"c")]));
            client.expect(Kind::Auth);
            client.auth(0x18, &proof(b"r")).expect("asked");
            expect_auth(&mut peer);
        }
        peer.send(&connack(V, false, 0x87, &[]));
        let failed = client.expect(Kind::ConnectFailed);
        assert_eq!(
            (failed.head.reason, failed.head.flags),
            (0x87, 0),
            "{steps}"
        );
        peer.expect_close();
        assert!(
            client.auth(0x18, &[]).is_err(),
            "there is no attempt any more"
        );
    }
}

/// [MQTT-4.12.0-5] Each AUTH of the client's names CONNECT's method, whether the program does or not; another one is refused to
/// the program, and ends the connection where the server says it.
#[test]
fn mqtt_4_12_0_5_one_method() {
    let (_broker, mut peer, client) = begun();
    peer.send(&auth(0x18, &[method(METHOD)]));
    client.expect(Kind::Auth);
    assert!(client.auth(0x18, &[method("other")]).is_err());
    client.auth(0x18, &[method(METHOD)]).expect("the same one");
    assert_eq!(expect_auth(&mut peer).properties, [method(METHOD)]);
    peer.connack(false, &[method(METHOD)]);
    client.expect(Kind::Connected);

    for wrong in [
        auth(0x18, &[method("other")]),
        auth(0x18, &[data(b"no method")]),
        connack(V, false, 0, &[method("other")]),
    ] {
        let (_broker, mut peer, client) = begun();
        peer.send(&wrong);
        client.expect(Kind::ConnectFailed);
        peer.expect_close();
    }
}

/// [MQTT-4.12.0-6] Without a method in CONNECT an AUTH is an error before CONNACK and after it, and so is a method in CONNACK.
#[test]
fn mqtt_4_12_0_6_nothing_without_a_method() {
    for wrong in [
        auth(0x18, &[method(METHOD)]),
        connack(V, false, 0, &[method(METHOD)]),
    ] {
        let broker = Broker::start();
        let client = QueuedClient::new(create());
        let mut peer = client.attach(&broker, connect(&[]));
        peer.expect_connect();
        peer.send(&wrong);
        client.expect(Kind::ConnectFailed);
        peer.expect_close();
    }
    let broker = Broker::start();
    let client = QueuedClient::new(create());
    let mut peer = client.attach(&broker, connect(&[]));
    peer.expect_connect();
    peer.connack(false, &[]);
    client.expect(Kind::Connected);
    peer.send(&auth(0x18, &[method(METHOD)]));
    peer.expect_refusal(0x82);
    assert_eq!(
        client.expect(Kind::Lost).head.flags,
        4,
        "the server broke the protocol"
    );
}

/// [MQTT-4.12.0-7] Without a method in CONNECT the program cannot send AUTH.
#[test]
fn mqtt_4_12_0_7_no_auth_without_a_method() {
    let broker = Broker::start();
    let client = QueuedClient::new(create());
    assert!(client.auth(0x19, &[]).is_err(), "offline");
    let mut peer = client.attach(&broker, connect(&[]));
    peer.expect_connect();
    assert!(client.auth(0x18, &proof(b"x")).is_err());
    peer.connack(false, &[]);
    client.expect(Kind::Connected);
    for reason in [0x18, 0x19] {
        assert!(client.auth(reason, &[method(METHOD), data(b"x")]).is_err());
    }
    peer.expect_silence();
}

/// [MQTT-3.1.2-30] Between a CONNECT with a method and its CONNACK nothing but AUTH leaves, whatever the program asks for; what
/// it published meanwhile leaves behind CONNACK.
#[test]
fn mqtt_3_1_2_30_only_auth_before_connack() {
    let (_broker, mut peer, client) = begun();
    let accepted = client
        .client
        .publish(&message(), Manner::default())
        .expect("buffered");
    assert!(accepted.waits);
    peer.send(&auth(0x18, &[method(METHOD)]));
    client.expect(Kind::Auth);
    assert!(client.client.subscribe(&[], PropertiesRef::EMPTY).is_err());
    client.auth(0x18, &[]).expect("asked");
    expect_auth(&mut peer);
    assert!(!peer.has_sent());
    peer.connack(false, &[]);
    client.expect(Kind::Connected);
    assert_eq!(peer.expect_publish().payload, b"m");
}

/// [MQTT-4.12.1-1] A re-authentication begins with AUTH 0x19 and CONNECT's method, on a connection that stands; another cannot
/// begin before it has ended, and messages pass meanwhile.
#[test]
fn mqtt_4_12_1_1_re_authentication() {
    let (_broker, mut peer, client) = authenticated(&[]);
    for round in 0..3_u8 {
        assert!(client.auth(0x19, &[method("other")]).is_err());
        client.auth(0x19, &proof(&[round])).expect("connected");
        let asked = expect_auth(&mut peer);
        assert_eq!(asked.reason, 0x19);
        assert_eq!(asked.properties, proof(&[round]));
        assert!(client.auth(0x19, &[]).is_err(), "one is under way");
        assert!(client.auth(0x18, &[]).is_err(), "the server has not asked");

        client
            .client
            .publish(&message(), Manner::default())
            .expect("connected");
        let id = peer.expect_publish().id;
        peer.ack(crate::packet::AckKind::PubAck, id);
        client.expect(Kind::Done);

        peer.send(&auth(0x18, &[method(METHOD), data(b"c")]));
        assert_eq!(client.expect(Kind::Auth).head.reason, 0x18);
        client.auth(0x18, &proof(b"r")).expect("asked");
        assert_eq!(expect_auth(&mut peer).reason, 0x18);
        // Success, once with all that may be said and once in the shortest form.
        if round == 0 {
            peer.send(&auth(0, &[method(METHOD), data(b"v")]));
        } else {
            peer.send(b"\xF0\x00");
        }
        assert_eq!(client.expect(Kind::Auth).head.reason, 0);
    }
    peer.expect_silence();
}

/// [MQTT-4.12.1-2] A failed re-authentication is the end of the connection, whoever finds it failed: the server's DISCONNECT
/// reaches the program with its code, and the program's own says the code that it chose.
#[test]
fn mqtt_4_12_1_2_failed_re_authentication() {
    let (_broker, mut peer, client) = authenticated(&[]);
    client.auth(0x19, &[]).expect("connected");
    expect_auth(&mut peer);
    peer.send(&disconnect(0x87, &[text(prop::REASON_STRING, "no")]));
    let ended = client.expect(Kind::ServerDisconnect);
    assert_eq!(ended.head.reason, 0x87);
    peer.expect_close();
    assert!(client.auth(0x19, &[]).is_err(), "there is no connection");

    let (_broker, mut peer, client) = authenticated(&[]);
    client.auth(0x19, &[]).expect("connected");
    expect_auth(&mut peer);
    peer.send(&auth(0x18, &[method(METHOD), data(b"a wrong signature")]));
    client.expect(Kind::Auth);
    client
        .client
        .disconnect(Duration::ZERO, 0x87, encoded(&[], Context::Disconnect))
        .expect("connected");
    assert_eq!(peer.expect_disconnect().reason, 0x87);
    client.expect(Kind::Closed);

    // A server that goes on by itself, or with another method, has broken the protocol.
    for wrong in [
        auth(0x18, &[method("other")]),
        auth(0x19, &[method(METHOD)]),
    ] {
        let (_broker, mut peer, client) = authenticated(&[]);
        client.auth(0x19, &[]).expect("connected");
        expect_auth(&mut peer);
        peer.send(&wrong);
        while peer.next().is_some() {}
        assert_eq!(client.expect(Kind::Lost).head.flags, 4);
    }
}

/// [MQTT-3.15.2-2] An AUTH that is larger than the server takes is refused to the program: nothing is sent.
#[test]
fn mqtt_3_15_2_2_no_larger_than_the_server_takes() {
    let limit = (prop::MAXIMUM_PACKET_SIZE, Value::Four(64));
    let (_broker, mut peer, client) = authenticated(&[limit]);
    let long = text(prop::REASON_STRING, &"x".repeat(100));
    assert!(matches!(client.auth(0x19, &[long]), Err(Error::Invalid(_))));
    peer.expect_silence();
    client.auth(0x19, &[]).expect("small enough");
    expect_auth(&mut peer);
}

/// [MQTT-3.15.2-3] The same of User Properties.
#[test]
fn mqtt_3_15_2_3_user_properties_no_larger_than_the_server_takes() {
    let limit = (prop::MAXIMUM_PACKET_SIZE, Value::Four(64));
    let (_broker, mut peer, client) = authenticated(&[limit]);
    let long = crate::packet::user("name", &"x".repeat(100));
    assert!(matches!(client.auth(0x19, &[long]), Err(Error::Invalid(_))));
    peer.expect_silence();
    let short = crate::packet::user("n", "x");
    client
        .auth(0x19, std::slice::from_ref(&short))
        .expect("small enough");
    assert!(expect_auth(&mut peer).properties.contains(&short));
}

/// [MQTT-3.15.1-1] Other reserved bits in AUTH end the connection.
#[test]
fn mqtt_3_15_1_1_reserved_bits() {
    let (_broker, mut peer, client) = authenticated(&[]);
    client.auth(0x19, &[]).expect("connected");
    expect_auth(&mut peer);
    peer.send(b"\xF1\x00");
    peer.expect_refusal(0x81);
    client.expect(Kind::Lost);
}
