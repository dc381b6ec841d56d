//! The records called ORIGINAL were written by Debian's 1.3.12.

use super::*;

const PUBLISH_3: &[u8] = b"\x03\0\0\0\x01\0\0\0to/pic\0\x07\0\0\0PAYLOAD\x01\0\0\0\x01\0\0\0";
const PUBLISH_5: &[u8] = b"\x03\0\0\0\x05\0\0\0to/pic\0\x07\0\0\0PAYLOAD\x01\0\0\0\0\0\0\0\x0f\x26\0\x02kk\0\x03vvv\x02\x11\x22\x33\x44";
const SUBSCRIBE_3: &[u8] = b"\x08\0\0\0\x02\0\0\0\x02\0\0\0a/+\0\x01\0\0\0b/#\0\x02\0\0\0";
const SUBSCRIBE_5: &[u8] =
    b"\x08\0\0\0\x02\0\0\0\x02\0\0\0a/+\0\x01\0\0\0MQSO\0\0\0\0\0\0\0\0b/#\0\x02\0\0\0MQSO\0\0\0\0\0\x01\0\0\x03\x0b\xac\x02";
const SUBSCRIBE_5_ONE: &[u8] =
    b"\x08\0\0\0\x01\0\0\0\x01\0\0\0a/+\0\x02\0\0\0MQSO\0\0\0\0\x01\0\x02\0\x03\x0b\xac\x02";
const UNSUBSCRIBE_3: &[u8] = b"\x0a\0\0\0\x04\0\0\0\x02\0\0\0a/+\0b/#\0";
const UNSUBSCRIBE_5: &[u8] = b"\x0a\0\0\0\x03\0\0\0\x01\0\0\0a/+\0\0";

const ORIGINAL: [(bool, &[u8]); 7] = [
    (false, PUBLISH_3),
    (true, PUBLISH_5),
    (false, SUBSCRIBE_3),
    (true, SUBSCRIBE_5),
    (true, SUBSCRIBE_5_ONE),
    (false, UNSUBSCRIBE_3),
    (true, UNSUBSCRIBE_5),
];

fn bytes(command: &QueuedCommand<'_>, v5: bool) -> Vec<u8> {
    command
        .write(v5, |parts| parts.concat())
        .expect("can be written")
}

fn subscription(
    filter: &[u8],
    qos: u8,
    no_local: bool,
    as_published: bool,
    handling: u8,
) -> Subscription<'_> {
    Subscription {
        filter,
        qos,
        options: SubscribeOptions {
            no_local,
            retain_as_published: as_published,
            retain_handling: handling,
        },
    }
}

#[test]
fn reads_what_the_original_wrote() {
    let expected = [
        QueuedCommand::Publish {
            token: 1,
            topic: b"to/pic",
            payload: b"PAYLOAD",
            qos: 1,
            retained: true,
            properties: b"",
        },
        QueuedCommand::Publish {
            token: 5,
            topic: b"to/pic",
            payload: b"PAYLOAD",
            qos: 1,
            retained: false,
            properties: b"\x26\0\x02kk\0\x03vvv\x02\x11\x22\x33\x44",
        },
        QueuedCommand::Subscribe {
            token: 2,
            topics: vec![
                subscription(b"a/+", 1, false, false, 0),
                subscription(b"b/#", 2, false, false, 0),
            ],
            properties: b"",
        },
        QueuedCommand::Subscribe {
            token: 2,
            topics: vec![
                subscription(b"a/+", 1, false, false, 0),
                subscription(b"b/#", 2, false, true, 0),
            ],
            properties: b"\x0b\xac\x02",
        },
        QueuedCommand::Subscribe {
            token: 1,
            topics: vec![subscription(b"a/+", 2, true, false, 2)],
            properties: b"\x0b\xac\x02",
        },
        QueuedCommand::Unsubscribe {
            token: 4,
            topics: vec![b"a/+", b"b/#"],
            properties: b"",
        },
        QueuedCommand::Unsubscribe {
            token: 3,
            topics: vec![b"a/+"],
            properties: b"",
        },
    ];
    for ((v5, record), expected) in ORIGINAL.into_iter().zip(expected) {
        assert_eq!(QueuedCommand::read(v5, record), Ok(expected));
    }
}

#[test]
fn writes_what_the_original_wrote() {
    // The number of buffers is part of it: a program's store and its hooks are given them.
    for ((v5, record), buffers) in ORIGINAL.into_iter().zip([7, 8, 7, 10, 7, 5, 5]) {
        let command = QueuedCommand::read(v5, record).expect("the original's record");
        assert_eq!(bytes(&command, v5), record);
        assert_eq!(command.write(v5, |parts| parts.len()), Ok(buffers));
    }
}

#[test]
fn version_5_publish_may_lack_its_property_list() {
    assert!(QueuedCommand::read(true, PUBLISH_3).is_ok());
    assert_eq!(
        QueuedCommand::read(false, PUBLISH_5),
        Err(RecordError::Trailing)
    );
}

#[test]
fn every_truncation_is_refused() {
    for (v5, record) in ORIGINAL {
        for end in 0..record.len() {
            // Cut exactly before the property list it is complete.
            let list = match QueuedCommand::read(v5, record).expect("the original's record") {
                QueuedCommand::Publish { properties, .. }
                | QueuedCommand::Subscribe { properties, .. }
                | QueuedCommand::Unsubscribe { properties, .. } => properties.len() + 1,
            };
            if v5 && end == record.len() - list {
                continue;
            }
            assert!(
                QueuedCommand::read(v5, &record[..end]).is_err(),
                "{record:x?} cut at {end}"
            );
        }
    }
}

#[test]
fn no_flipped_bit_does_harm() {
    for (v5, record) in ORIGINAL {
        for bit in 0..record.len() * 8 {
            let mut broken = record.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            for v5 in [v5, !v5] {
                if let Ok(command) = QueuedCommand::read(v5, &broken) {
                    assert_eq!(
                        QueuedCommand::read(v5, &bytes(&command, v5)),
                        Ok(command.clone())
                    );
                }
            }
        }
    }
}

#[test]
fn impossible_fields_are_named() {
    let with = |record: &[u8], at: usize, value: i32| {
        let mut broken = record.to_vec();
        broken[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        QueuedCommand::read(false, &broken)
            .map(|_| ())
            .expect_err("impossible")
    };
    assert_eq!(with(PUBLISH_3, 0, 4), RecordError::UnknownType(4));
    assert_eq!(with(PUBLISH_3, 15, -1), RecordError::Field("length"));
    assert_eq!(with(PUBLISH_3, 15, i32::MAX), RecordError::Truncated);
    assert_eq!(with(PUBLISH_3, 26, 3), RecordError::Field("QoS"));
    assert_eq!(with(SUBSCRIBE_3, 8, 0), RecordError::Field("topic count"));
    assert_eq!(with(SUBSCRIBE_3, 8, i32::MAX), RecordError::Truncated);
    assert_eq!(
        with(UNSUBSCRIBE_3, 8, -5),
        RecordError::Field("topic count")
    );
}
