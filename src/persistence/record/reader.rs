//! A cursor over a record that never reads past its end.

use super::RecordError;

pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(RecordError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn int(&mut self) -> Result<i32, RecordError> {
        let bytes = self.bytes(4)?;
        Ok(i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Reads a 16-bit packet id in a 32-bit field.
    pub(super) fn packet_id(&mut self) -> Result<u16, RecordError> {
        u16::try_from(self.int()?).map_err(|_| RecordError::Field("packet id"))
    }

    pub(super) fn qos(&mut self) -> Result<u8, RecordError> {
        match u8::try_from(self.int()?) {
            Ok(qos @ 0..=2) => Ok(qos),
            _ => Err(RecordError::Field("QoS")),
        }
    }

    /// Reads C's truth: anything but 0.
    pub(super) fn flag(&mut self) -> Result<bool, RecordError> {
        Ok(self.int()? != 0)
    }

    /// Reads a length and as many bytes.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], RecordError> {
        let length = usize::try_from(self.int()?).map_err(|_| RecordError::Field("length"))?;
        self.bytes(length)
    }

    /// Reads a string up to its NUL.
    pub(super) fn terminated(&mut self) -> Result<&'a [u8], RecordError> {
        let end = self
            .0
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(RecordError::Truncated)?;
        let text = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    /// Reads the property list that ends a record of MQTT 5. The original also reads a record without one.
    pub(super) fn properties(&mut self) -> Result<&'a [u8], RecordError> {
        if self.0.is_empty() {
            return Ok(&[]);
        }
        let mut length = 0usize;
        for shift in [0, 7, 14, 21] {
            let byte = self.bytes(1)?[0];
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return self.bytes(length);
            }
        }
        Err(RecordError::Field("property length"))
    }

    pub(super) fn end(self) -> Result<(), RecordError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(RecordError::Trailing)
        }
    }
}
