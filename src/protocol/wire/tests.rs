use bytes::BytesMut;

use super::*;

fn reason_of<T: std::fmt::Debug>(result: Result<T, Malformed>) -> u8 {
    result.unwrap_err().reason
}

/// Table 1-1 of 5.0: the ends of each length.
#[test]
fn variable_byte_integers_at_the_ends_of_each_length() {
    let ends: [(u32, &[u8]); 8] = [
        (0, &[0x00]),
        (127, &[0x7F]),
        (128, &[0x80, 0x01]),
        (16_383, &[0xFF, 0x7F]),
        (16_384, &[0x80, 0x80, 0x01]),
        (2_097_151, &[0xFF, 0xFF, 0x7F]),
        (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
        (268_435_455, &[0xFF, 0xFF, 0xFF, 0x7F]),
    ];
    for (value, bytes) in ends {
        let mut out = BytesMut::new();
        put_varint(&mut out, value);
        assert_eq!(&out[..], bytes);
        assert_eq!(varint_len(value), bytes.len());
        assert_eq!(varint(bytes), Ok(Some((value, bytes.len()))));
        assert_eq!(Reader::new(bytes).varint(), Ok(value));
        for cut in 0..bytes.len() {
            assert_eq!(varint(&bytes[..cut]), Ok(None));
            assert_eq!(
                reason_of(Reader::new(&bytes[..cut]).varint()),
                reason::MALFORMED_PACKET
            );
        }
    }
}

/// [MQTT-1.5.5-1]: fewest bytes; section 1.5.5: at most four.
#[test]
fn over_long_variable_byte_integers_are_refused() {
    for bytes in [
        &[0x80, 0x00][..],
        &[0x81, 0x80, 0x00],
        &[0xFF, 0xFF, 0xFF, 0x00],
        &[0x80, 0x80, 0x80, 0x80],
        &[0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ] {
        assert_eq!(
            reason_of(varint(bytes)),
            reason::MALFORMED_PACKET,
            "{bytes:x?}"
        );
    }
}

/// [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-1.5.4-1], [MQTT-1.5.4-2]: ill-formed UTF-8, surrogates and U+0000.
#[test]
fn strings_that_are_no_mqtt_strings() {
    for bytes in [
        &b"a\0b"[..],
        b"\0",
        b"\xC0\x80",         // over-long U+0000
        b"\xED\xA0\x80",     // U+D800
        b"\xED\xBF\xBF",     // U+DFFF
        b"\xF4\x90\x80\x80", // above U+10FFFF
        b"\xC3",
        b"\xFF",
        b"abc\x80",
    ] {
        assert!(!valid_utf8(bytes), "{bytes:x?}");
        assert_eq!(reason_of(check_utf8(bytes)), reason::MALFORMED_PACKET);
    }
    assert!(well_formed_utf8(b"a\0b"));
    assert!(!well_formed_utf8(b"\xED\xA0\x80"));
}

/// [MQTT-1.5.4-3]: U+FEFF stays; control and non-characters are only advised against.
#[test]
fn strings_that_are_mqtt_strings() {
    for text in [
        "",
        "a/b",
        "\u{FEFF}a",
        "\u{1}",
        "\u{FFFF}",
        "\u{10FFFF}",
        "Ä𝄞",
    ] {
        assert!(valid_utf8(text.as_bytes()), "{text:?}");
    }
}

/// [MQTT-2.3.1-1], [MQTT-2.2.1-3]
#[test]
fn packet_identifier_zero_is_refused() {
    assert_eq!(
        reason_of(Reader::new(&[0, 0]).packet_id()),
        reason::PROTOCOL_ERROR
    );
    assert_eq!(Reader::new(&[1, 0]).packet_id(), Ok(256));
}

#[test]
fn reading_past_the_end_is_an_error() {
    assert!(Reader::new(&[]).byte().is_err());
    assert!(Reader::new(&[1]).two().is_err());
    assert!(Reader::new(&[1, 2, 3]).four().is_err());
    assert!(Reader::new(&[0, 2, b'a']).binary().is_err());
    assert!(Reader::new(&[1]).take(2).is_err());
    assert!(Reader::new(&[1]).end().is_err());
    let mut reader = Reader::new(&[0, 1, b'a', 9]);
    assert_eq!(reader.utf8(), Ok(&b"a"[..]));
    assert_eq!(reader.rest(), &[9]);
}

/// [MQTT-4.7.3-1], [MQTT-4.7.3-2], [MQTT-4.7.3-3], [MQTT-3.3.2-2]
#[test]
fn topic_names() {
    for topic in ["a", "/", "a/b", "$SYS/x", " ", "ä"] {
        assert!(valid_topic_name(topic.as_bytes()), "{topic}");
    }
    for topic in ["", "+", "#", "a/+", "a#", "a\0"] {
        assert!(!valid_topic_name(topic.as_bytes()), "{topic:?}");
    }
    assert!(valid_topic_name(&vec![b'a'; MAX_STRING]));
    assert!(!valid_topic_name(&vec![b'a'; MAX_STRING + 1]));
}

/// [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.8.2-1], [MQTT-4.8.2-2]
#[test]
fn topic_filters() {
    for filter in [
        "a",
        "/",
        "#",
        "+",
        "+/+",
        "/+",
        "a/#",
        "+/b/#",
        "a/+/c",
        "$SYS/#",
        "$share/g/a",
        "$share/g//",
        "$share/g/#",
        "$share/g/+/a",
        "$shared",
        "a/$share",
    ] {
        assert!(valid_topic_filter(filter.as_bytes()), "{filter}");
    }
    for filter in [
        "",
        "a#",
        "#/a",
        "a/#/b",
        "##",
        "a+",
        "+a/b",
        "++",
        "a/b+/c",
        "a\0b",
        "$share",
        "$share/",
        "$share/g",
        "$share/g/",
        "$share//a",
        "$share/+/a",
        "$share/g#/a",
        "$share/g/a#",
    ] {
        assert!(!valid_topic_filter(filter.as_bytes()), "{filter:?}");
    }
    assert!(!valid_topic_filter(&vec![b'a'; MAX_STRING + 1]));
}

/// Section 2.2.3 of 3.1.1: a packet is at most 268435455 bytes long; what fails leaves no trace.
#[test]
fn a_packet_that_fails_leaves_the_buffer_as_it_was() {
    let mut out = BytesMut::from(&b"before"[..]);
    let too_large = put_packet(&mut out, 0x30, MAX_VARINT as usize + 1, 0, |_| Ok(()));
    assert_eq!(reason_of(too_large), reason::MALFORMED_PACKET);
    let too_long = put_packet(&mut out, 0x30, 10, 10, |out| {
        out.put_slice(b"part");
        put_binary(out, &vec![0; MAX_STRING + 1])
    });
    assert_eq!(reason_of(too_long), reason::MALFORMED_PACKET);
    assert_eq!(&out[..], b"before");
    assert_eq!(binary_len(&vec![0; MAX_STRING]), Ok(MAX_STRING + 2));
    assert!(binary_len(&vec![0; MAX_STRING + 1]).is_err());
}

/// The short way comes to the same as the searches that it spares, wherever in the topic something special is.
#[test]
fn a_plain_topic_has_nothing_that_the_searches_would_find() {
    for length in 0..40 {
        let mut topic = vec![b'a'; length];
        assert!(is_plain(&topic), "{length}");
        for at in 0..length {
            for byte in 0..=u8::MAX {
                topic[at] = byte;
                let special = byte >= 0x80 || matches!(byte, 0 | b'+' | b'#');
                assert_eq!(is_plain(&topic), !special, "{byte} at {at} of {length}");
            }
            topic[at] = b'a';
        }
    }
}
