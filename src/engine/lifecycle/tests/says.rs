//! What CONNECT says, what the session is told of both ends, and what the program is told of a failure.

use super::*;
use crate::options::{Secret, WillOptions};

/// Options that say all there is to say.
fn full() -> ConnectOptions {
    let mut delay = Properties::new();
    let property = Property {
        id: PropertyId::WillDelayInterval,
        value: Value::Four(3),
    };
    delay.push(property).expect("a property of a will");
    ConnectOptions {
        // More than CONNECT has room for.
        keep_alive: Duration::from_secs(100_000),
        will: Some(Box::new(WillOptions {
            topic: "w".into(),
            payload: b"p".to_vec(),
            qos: QoS::AtLeastOnce,
            retained: true,
            properties: delay,
        })),
        username: Some("u".into()),
        password: Some(Secret(b"s".to_vec())),
        ..with(&[(PropertyId::SessionExpiryInterval, Value::Four(9))])
    }
}

#[test]
fn connect_says_what_the_options_do() {
    let said = |options| {
        let (client, stream) = (Carried::new(setup(), None), options);
        sent(&client.attach(1 << 16, stream, "connect"))
    };
    let head = b"\x10\x35\0\x04MQTT\x05\xee\xff\xff\x05\x11\0\0\0\x09\0\x07carried";
    let will = b"\x05\x18\0\0\0\x03\0\x01w\0\x01p";
    let who = b"\0\x01u\0\x01s";
    let mut expected = [&head[..], will, who].concat();
    expected[1] = u8::try_from(expected.len() - 2).expect("a short packet");
    assert_eq!(said(full()), expected);
    // Nothing but what there must be, in the version that there is for a link of the program's.
    for (clean, flags) in [(true, 2), (false, 0)] {
        let bare = ConnectOptions { clean, ..options() };
        let mut expected = b"\x10\x13\0\x04MQTT\x04\0\0\0\0\x07carried".to_vec();
        expected[9] = flags;
        assert_eq!(said(bare), expected);
    }
    let named = ConnectOptions {
        extras: Some(Box::new(Extras {
            client_id: Some("else".into()),
            ..extras_with(Policy::Clear)
        })),
        ..options()
    };
    assert!(said(named).ends_with(b"\0\x04else"));
}

#[test]
fn the_session_is_told_what_both_ends_allow() {
    let (client, stream) = attaching(ConnectOptions {
        keep_alive: Duration::from_secs(50),
        max_inflight: 3,
        ..with(&[(PropertyId::TopicAliasMaximum, Value::Two(7))])
    });
    // Server Keep Alive, and Topic Alias Maximum.
    client.feed(&stream, b"\x20\x09\0\0\x06\x13\0\x05\x22\0\x09");
    let core = client.lock();
    let limits = core.session.limits();
    assert_eq!(
        (
            limits.max_inflight,
            limits.topic_alias_maximum,
            limits.server_topic_alias_maximum
        ),
        (3, 7, 9)
    );
    assert_eq!(core.session.keep_alive(), Duration::from_secs(5));
    drop(core);
    let connects = std::mem::take(&mut *client.host().connects.lock());
    let [Ok(connected)] = &connects[..] else {
        panic!("{connects:?}");
    };
    let told = (connected.version, connected.session_present);
    assert_eq!((told, connected.reason), ((V5, false), 0));
    assert!(!connected.listed && connected.server_uri.is_empty());
    let most = connected
        .properties
        .as_ref()
        .number(PropertyId::TopicAliasMaximum);
    assert_eq!(most, Some(9));
}

/// Connects, has three messages in flight, and loses the connection.
fn in_flight(options: ConnectOptions) -> Carried {
    let (client, stream) = connected(setup(), options);
    for _ in 0..3 {
        let message = publish(QoS::AtLeastOnce, b"x");
        client.send(&message, "publish").expect("accepted");
    }
    stream.feed_end();
    client.work();
    client.heard();
    client
}

/// Returns how many messages were sent again, and how many of the operations have failed.
fn again(client: &Carried, stream: &ByteStream) -> (usize, usize) {
    let sent = sent(stream);
    let failed = client.heard();
    let failed = failed.iter().filter(|what| *what == "publish failed");
    // A PUBLISH of these has 8 bytes, and in MQTT 5 one more.
    (sent.len() / 8, failed.count())
}

#[test]
fn what_was_in_flight_fares_as_the_connect_says() {
    let kept = |version| ConnectOptions {
        clean: false,
        ..options_of(version)
    };
    let most = |max_resume_inflight| Extras {
        max_resume_inflight,
        ..extras_with(Policy::Keep)
    };
    // The version, what the connect says of the session, how many messages are sent again and how many have failed.
    for (row, (version, extras, expected)) in [
        (V3, None, (3, 0)),
        (V3, Some(most(None)), (3, 0)),
        (V3, Some(most(Some(1))), (1, 0)),
        (V3, Some(extras_with(Policy::FollowServer)), (0, 3)),
        (V3, Some(extras_with(Policy::Clear)), (0, 3)),
        // 3.1 does not tell whether there is a session: it goes on.
        (
            Version::V31,
            Some(extras_with(Policy::FollowServer)),
            (3, 0),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let client = in_flight(kept(version));
        let options = ConnectOptions {
            extras: extras.map(Box::new),
            ..kept(version)
        };
        let stream = client.attach(1 << 16, options, "again");
        sent(&stream);
        client.feed(&stream, connack(version));
        assert_eq!(again(&client, &stream), expected, "row {row}");
    }
}

/// A clean start was the beginning of the session, which goes on where it outlives the connection.
#[test]
fn a_connection_that_follows_a_lost_one_goes_on_with_its_session() {
    let options = with(&[(PropertyId::SessionExpiryInterval, Value::Four(9))]);
    assert!(options.clean);
    for (resumes, expected) in [(false, (0, 3)), (true, (3, 0))] {
        let client = in_flight(options.clone());
        let options = Arc::new(options.clone());
        let begun = client
            .lock()
            .lifecycle
            .connect(Arc::clone(&options), "again");
        let epoch = begun.expect("idle");
        let (established, stream) = accepted(V5, &[]);
        client.established(established, options, epoch, resumes);
        assert_eq!(again(&client, &stream), expected);
    }
}

#[test]
fn the_program_is_told_at_which_step_a_connect_failed() {
    let why = || Loss::new(LossCause::Aborted, "given up");
    let failure = |client: &Carried| {
        let mut connects = std::mem::take(&mut *client.host().connects.lock());
        let failure = connects.pop().expect("an end").expect_err("a failure");
        assert!(connects.is_empty());
        (failure.stage, failure.refused, failure.os_error)
    };
    let timeout = Duration::from_secs(60);
    let (client, _stream) = attaching(ConnectOptions {
        connect_timeout: timeout,
        ..options()
    });
    client.tick(timeout * 2);
    assert_eq!(failure(&client), (Some(Stage::Deadline), None, None));
    let (client, _stream) = attaching(options());
    assert!(client.abandon(&why()).is_ok());
    assert_eq!(failure(&client), (Some(Stage::Abandoned), None, None));
    let (client, _) = attempting("connect", &Arc::new(options()));
    assert!(client.abandon(&why()).is_ok());
    assert_eq!(failure(&client), (Some(Stage::Abandoned), None, None));
    let (client, _stream) = attaching(options());
    let mut core = client.lock();
    let torn = Loss {
        os_error: Some(104),
        ..why()
    };
    client.lose(&mut core, torn);
    drop(client.settle(core, Thread::Caller));
    assert_eq!(failure(&client), (None, None, Some(104)));
    for (version, answer, code) in [
        (V3, &[0x20, 2, 0, 5][..], 5),
        (V5, &[0x20, 3, 0, 0x87, 0], 0x87),
    ] {
        let (client, stream) = attaching(options_of(version));
        client.feed(&stream, answer);
        let heard = client.heard().concat().to_lowercase();
        assert!(
            heard.ends_with(&format!("not authorized ({code})")),
            "{heard}"
        );
        assert_eq!(failure(&client), (None, Some(code), None));
    }
}
