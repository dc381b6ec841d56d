//! `q-` records: received messages that wait for the program.

use super::reader::Reader;
use super::{RecordError, length_field, property_field, terminated};

/// A received message, borrowed from the record or from whoever writes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct QueuedMessage<'a> {
    /// Topic name; empty with an MQTT 5 topic alias.
    pub topic: &'a [u8],
    /// Payload.
    pub payload: &'a [u8],
    /// 0, 1 or 2.
    pub qos: u8,
    /// The retain flag.
    pub retained: bool,
    /// The duplicate flag as the program is to see it.
    pub dup: bool,
    /// Packet id; 0 at QoS 0.
    pub packet_id: u16,
    /// The property list's wire bytes, without the length before them; empty below MQTT 5.
    pub properties: &'a [u8],
}

impl<'a> QueuedMessage<'a> {
    /// Hands the fields of a record to `put`, one slice each as the original does (a program's store sees them apart).
    /// MQTT 5 records end in the property list.
    pub fn write<R>(&self, v5: bool, put: impl FnOnce(&[&[u8]]) -> R) -> Result<R, RecordError> {
        let properties = if v5 {
            property_field(self.properties)?
        } else {
            Vec::new()
        };
        let fields: [&[u8]; 9] = [
            &length_field(self.payload)?,
            self.payload,
            &i32::from(self.qos).to_ne_bytes(),
            &i32::from(self.retained).to_ne_bytes(),
            &i32::from(self.dup).to_ne_bytes(),
            &i32::from(self.packet_id).to_ne_bytes(),
            &terminated(self.topic)?,
            &length_field(self.topic)?,
            &properties,
        ];
        Ok(put(&fields[..8 + usize::from(v5)]))
    }

    /// Reads a record.
    pub fn read(v5: bool, record: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Reader(record);
        let payload = reader.counted()?;
        let qos = reader.qos()?;
        let retained = reader.flag()?;
        let dup = reader.flag()?;
        let packet_id = reader.packet_id()?;
        let topic = reader.terminated()?;
        let said = reader.int()?;
        if usize::try_from(said) != Ok(topic.len()) {
            return Err(RecordError::Field("topic length"));
        }
        let properties = if v5 { reader.properties()? } else { &[] };
        reader.end()?;
        Ok(Self {
            topic,
            payload,
            qos,
            retained,
            dup,
            packet_id,
            properties,
        })
    }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    /// Written by Debian's 1.3.12 for a retained QoS 2 message.
    const ORIGINAL: &[u8] =
        b"\x06\0\0\0HELLO2\x02\0\0\0\x01\0\0\0\0\0\0\0\x4d\0\0\0in/two\0\x06\0\0\0";

    fn bytes(message: &QueuedMessage<'_>, v5: bool) -> Vec<u8> {
        message
            .write(v5, |parts| parts.concat())
            .expect("can be written")
    }

    #[test]
    fn reads_and_writes_what_the_original_wrote() {
        let message = QueuedMessage::read(false, ORIGINAL).expect("the original's record");
        let expected = QueuedMessage {
            topic: b"in/two",
            payload: b"HELLO2",
            qos: 2,
            retained: true,
            dup: false,
            packet_id: 77,
            properties: b"",
        };
        assert_eq!(message, expected);
        assert_eq!(bytes(&message, false), ORIGINAL);
        assert_eq!(message.write(false, |parts| parts.len()), Ok(8));
        assert_eq!(message.write(true, |parts| parts.len()), Ok(9));
    }

    #[test]
    fn version_5_carries_its_properties() {
        // Restored with both properties by Debian's 1.3.12.
        let record = [ORIGINAL, b"\x09\x26\0\x01k\0\0\x01v\x0b"].concat();
        let message = QueuedMessage::read(true, &record).expect("readable");
        assert_eq!(message.properties, &record[ORIGINAL.len() + 1..]);
        assert_eq!(bytes(&message, true), record);
        // Without a list, as if it were empty; the other way round the list is too much.
        assert_eq!(
            QueuedMessage::read(true, ORIGINAL)
                .expect("readable")
                .properties,
            b""
        );
        assert_eq!(
            QueuedMessage::read(false, &record),
            Err(RecordError::Trailing)
        );
    }

    #[test]
    fn long_property_lists_have_long_lengths() {
        for length in [0, 127, 128, 16_383, 16_384, 70_000] {
            let properties = vec![0x26; length];
            let message = QueuedMessage {
                topic: b"t",
                properties: &properties,
                ..QueuedMessage::default()
            };
            let record = bytes(&message, true);
            assert_eq!(QueuedMessage::read(true, &record), Ok(message));
        }
    }

    #[test]
    fn refuses_what_it_cannot_hold() {
        let message = QueuedMessage {
            topic: b"a\0b",
            ..QueuedMessage::default()
        };
        assert_eq!(message.write(false, |_| ()), Err(RecordError::EmbeddedNul));
    }

    #[test]
    fn every_truncation_is_refused() {
        for end in 0..ORIGINAL.len() {
            assert!(
                QueuedMessage::read(false, &ORIGINAL[..end]).is_err(),
                "cut at {end}"
            );
        }
        let record = [ORIGINAL, b"\x03abc"].concat();
        for end in ORIGINAL.len() + 1..record.len() {
            assert_eq!(
                QueuedMessage::read(true, &record[..end]),
                Err(RecordError::Truncated),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn no_flipped_bit_does_harm() {
        let record = [ORIGINAL, b"\x03abc"].concat();
        for bit in 0..record.len() * 8 {
            let mut broken = record.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            if let Ok(message) = QueuedMessage::read(true, &broken) {
                let again = bytes(&message, true);
                assert_eq!(QueuedMessage::read(true, &again), Ok(message));
            }
        }
        // Lengths that promise what is not there.
        for length in [-1, i32::MIN, i32::MAX, 7] {
            let mut broken = ORIGINAL.to_vec();
            broken[..4].copy_from_slice(&i32::to_ne_bytes(length));
            assert!(QueuedMessage::read(false, &broken).is_err(), "{length}");
        }
    }
}
