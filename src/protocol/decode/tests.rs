use super::*;
use crate::protocol::golden::received;

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

/// Frames and decodes one whole packet.
fn read(version: Version, bytes: &[u8]) -> Result<Option<Packet<'_>>, Malformed> {
    let Some(frame) = frame(bytes, u32::MAX)? else {
        return Ok(None);
    };
    decode(
        version,
        frame.first,
        &bytes[frame.header_len..frame.total_len],
    )
    .map(Some)
}

fn refuse(version: Version, bytes: &[u8]) -> u8 {
    match read(version, bytes) {
        Err(error) => error.reason,
        Ok(packet) => panic!("{bytes:x?} in {version:?} is {packet:?}"),
    }
}

#[test]
fn golden_packets() {
    for (versions, bytes, packet) in received() {
        for &version in versions {
            assert_eq!(
                read(version, bytes),
                Ok(Some(packet)),
                "{bytes:x?} in {version:?}"
            );
        }
    }
}

/// A stream that ends anywhere needs more bytes, and says how many once it can.
#[test]
fn a_stream_cut_anywhere_needs_more() {
    for (_, bytes, _) in received() {
        for cut in 0..bytes.len() {
            assert_eq!(frame(&bytes[..cut], u32::MAX), Ok(None));
            match header(&bytes[..cut], u32::MAX).unwrap() {
                None => assert!(cut < 2),
                Some(header) => assert_eq!(header.total_len, bytes.len()),
            }
        }
        let mut two = bytes.to_vec();
        two.extend_from_slice(b"\xD0\x00");
        assert_eq!(
            frame(&two, u32::MAX).unwrap().unwrap().total_len,
            bytes.len()
        );
    }
}

/// A body that ends anywhere is an error or, where the short forms end, another packet; it is never a panic and
/// never a field that is longer than the bytes that are left.
#[test]
fn a_body_cut_anywhere_is_refused() {
    for (versions, bytes, _) in received() {
        for &version in versions {
            for cut in 2..bytes.len() {
                let Ok(short) = decode(version, bytes[0], &bytes[2..cut]) else {
                    continue;
                };
                let legal = match short {
                    // The payload, or the codes, are whatever is left.
                    Packet::Publish(_) | Packet::SubAck(_) | Packet::UnsubAck(_) => true,
                    // The end of a short form.
                    Packet::PubAck(ack)
                    | Packet::PubRec(ack)
                    | Packet::PubRel(ack)
                    | Packet::PubComp(ack) => ack.properties.is_empty(),
                    Packet::Disconnect(packet) => packet.properties.is_empty(),
                    Packet::Auth(packet) => packet.properties.is_empty(),
                    Packet::ConnAck(_) | Packet::PingResp => false,
                };
                assert!(legal, "{:x?} in {version:?} is {short:?}", &bytes[..cut]);
            }
        }
    }
}

/// Any first byte on any body: never a panic, and what is read is of that type.
#[test]
fn any_first_byte() {
    for (_, bytes, _) in received() {
        for version in VERSIONS {
            for first in 0..=u8::MAX {
                let mut bytes = bytes.to_vec();
                bytes[0] = first;
                let flags = first & 0x0F;
                match read(version, &bytes) {
                    Ok(Some(Packet::Publish(publish))) => {
                        assert_eq!(first >> 4, 3);
                        assert_eq!(publish.qos as u8, (flags >> 1) & 3);
                        assert_eq!(publish.dup, flags & 8 != 0);
                        assert_eq!(publish.retain, flags & 1 != 0);
                    }
                    Ok(Some(Packet::PubRel(_))) => {
                        assert_eq!(first & 0xF7, 0x62);
                        assert!(first == 0x62 || version == Version::V31);
                    }
                    Ok(Some(_)) => assert_eq!(flags, 0),
                    Ok(None) => panic!("{bytes:x?} is complete"),
                    Err(_) => {}
                }
            }
        }
    }
}

/// Any change of any byte: never a panic.
#[test]
fn any_bit_flipped() {
    for (_, bytes, _) in received() {
        for version in VERSIONS {
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(Some(Packet::Publish(publish))) = read(version, &bytes) {
                    assert_eq!(
                        publish.properties.iter().map(|_| 1).sum::<usize>() > 0,
                        !publish.properties.is_empty()
                    );
                }
            }
        }
    }
}

/// Table 2-1: CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ go to the server; 0 is reserved.
#[test]
fn packets_that_no_server_sends() {
    for first in [0x10, 0x82, 0xA2, 0xC0] {
        assert_eq!(
            frame(&[first], u32::MAX).unwrap_err().reason,
            reason::PROTOCOL_ERROR
        );
        assert!(decode(Version::V5, first, &[]).is_err());
    }
    assert_eq!(
        frame(&[0x00], u32::MAX).unwrap_err().reason,
        reason::MALFORMED_PACKET
    );
    for version in [Version::V31, Version::V311] {
        assert_eq!(refuse(version, b"\xE0\x00"), reason::PROTOCOL_ERROR);
        assert_eq!(refuse(version, b"\xF0\x00"), reason::MALFORMED_PACKET);
    }
}

/// [MQTT-2.2.2-2] of 3.1.1, [MQTT-2.1.3-1] of 5.0
#[test]
fn reserved_flags() {
    for (_, bytes, packet) in received() {
        if matches!(packet, Packet::Publish(_)) {
            continue;
        }
        for version in VERSIONS {
            let valid = if matches!(packet, Packet::PubRel(_)) {
                2
            } else {
                0
            };
            for flags in (0..16).filter(|&flags| flags != valid) {
                let first = bytes[0] & 0xF0 | flags;
                if version == Version::V31 && first == 0x6A {
                    continue;
                }
                let error = decode(version, first, &bytes[2..]).unwrap_err();
                assert_eq!(error.reason, reason::MALFORMED_PACKET);
            }
        }
    }
}

/// [MQTT-3.1.2-24]: larger than the Maximum Packet Size, known before a byte of the body is there.
#[test]
fn a_packet_that_is_too_large_is_refused_by_its_header() {
    let bytes = b"\x30\xFF\xFF\xFF\x7F";
    assert_eq!(
        frame(bytes, 1024).unwrap_err().reason,
        reason::PACKET_TOO_LARGE
    );
    assert_eq!(frame(bytes, 268_435_460), Ok(None));
    assert!(frame(bytes, 268_435_459).is_err());
    let whole = b"\xD0\x00";
    assert!(frame(whole, 2).unwrap().is_some());
    assert_eq!(
        frame(whole, 1).unwrap_err().reason,
        reason::PACKET_TOO_LARGE
    );
}

/// Section 2.2.3 of 3.1.1, [MQTT-1.5.5-1] of 5.0: mqttbytes 0.6 takes the first of these.
#[test]
fn over_long_remaining_lengths() {
    for bytes in [&b"\xD0\x80\x00"[..], b"\x30\x80\x80\x80\x80\x01"] {
        assert_eq!(
            frame(bytes, u32::MAX).unwrap_err().reason,
            reason::MALFORMED_PACKET
        );
    }
}

#[test]
fn a_ping_response_is_empty() {
    assert_eq!(
        refuse(Version::V311, b"\xD0\x01\x00"),
        reason::MALFORMED_PACKET
    );
}
