use super::*;

const KINDS: [(AckKind, u8); 4] = [
    (AckKind::PubAck, 0x40),
    (AckKind::PubRec, 0x50),
    (AckKind::PubRel, 0x62),
    (AckKind::PubComp, 0x70),
];

fn encoded(kind: AckKind, version: Version, reason: u8) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_ack(kind, version, 0x1234, reason, &mut out);
    out.to_vec()
}

fn refuse(kind: AckKind, version: Version, body: &[u8]) -> u8 {
    Ack::decode(kind, version, body).unwrap_err().reason
}

/// [MQTT-3.6.1-1] for PUBREL's flags; sections 3.4.2.1 to 3.7.2.1: no reason code for success.
#[test]
fn short_acknowledgements() {
    for (kind, first) in KINDS {
        for version in [Version::V31, Version::V311, Version::V5] {
            let bytes = encoded(kind, version, reason::SUCCESS);
            assert_eq!(bytes, [first, 2, 0x12, 0x34]);
        }
        // 3.x has no reason to give.
        let bytes = encoded(kind, Version::V311, reason::PACKET_IDENTIFIER_NOT_FOUND);
        assert_eq!(bytes, [first, 2, 0x12, 0x34]);
    }
}

#[test]
fn acknowledgements_with_a_reason() {
    for (kind, first) in KINDS {
        let bytes = encoded(kind, Version::V5, reason::PACKET_IDENTIFIER_NOT_FOUND);
        assert_eq!(bytes, [first, 3, 0x12, 0x34, 0x92]);
    }
}

/// What is appended leaves what was there.
#[test]
fn acknowledgements_of_one_read_follow_each_other() {
    let mut out = BytesMut::new();
    encode_ack(AckKind::PubAck, Version::V5, 1, 0, &mut out);
    encode_ack(AckKind::PubComp, Version::V5, 2, 0x92, &mut out);
    assert_eq!(&out[..], b"\x40\x02\x00\x01\x70\x03\x00\x02\x92");
}

/// [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]. What answers a PUBLISH may have any code of success:
/// there are servers that send SUBACK's. A program may send the table's codes only.
#[test]
fn only_the_reason_codes_of_the_packet() {
    let publish: &[u8] = &[0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    let release: &[u8] = &[0, 0x92];
    let successes: Vec<u8> = (0..0x80).collect();
    let answer = [&successes, publish].concat();
    let tables: [(&[u8], &[u8]); 4] = [
        (publish, &answer),
        (publish, &answer),
        (release, release),
        (release, release),
    ];
    for ((kind, _), (sent, table)) in KINDS.into_iter().zip(tables) {
        for code in 0..=u8::MAX {
            assert_eq!(kind.has_reason(code), sent.contains(&code));
            for body in [&[0, 1, code][..], &[0, 1, code, 0]] {
                match Ack::decode(kind, Version::V5, body) {
                    Ok(ack) => {
                        assert_eq!(ack.reason, code);
                        assert!(table.contains(&code), "{kind:?} {code:x}");
                    }
                    Err(error) => {
                        assert_eq!(error.reason, reason::PROTOCOL_ERROR);
                        assert!(!table.contains(&code), "{kind:?} {code:x}");
                    }
                }
            }
        }
    }
}

/// [MQTT-2.3.1-1], [MQTT-2.2.1-3]: mqttbytes 0.6 takes it.
#[test]
fn packet_identifier_zero() {
    for (kind, _) in KINDS {
        for version in [Version::V31, Version::V311, Version::V5] {
            assert_eq!(refuse(kind, version, &[0, 0]), reason::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn bodies_of_the_wrong_length() {
    for (kind, _) in KINDS {
        for body in [&[][..], &[0], &[0, 1, 0], &[0, 1, 0, 0]] {
            assert_eq!(refuse(kind, Version::V311, body), reason::MALFORMED_PACKET);
        }
        for body in [
            &[][..],
            &[0],
            &[0, 1, 0, 0, 0],
            &[0, 1, 0, 1],
            // A property that is not for this packet: Payload Format Indicator.
            &[0, 1, 0, 2, 1, 1],
            // Reason String, cut.
            &[0, 1, 0, 3, 0x1F, 0, 1],
        ] {
            assert_eq!(refuse(kind, Version::V5, body), reason::MALFORMED_PACKET);
        }
        // Reason String twice.
        let twice = [0, 1, 0, 6, 0x1F, 0, 0, 0x1F, 0, 0];
        assert_eq!(refuse(kind, Version::V5, &twice), reason::PROTOCOL_ERROR);
    }
}
