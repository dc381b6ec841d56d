//! A message as a program passes it, to either API.

use std::ptr;

use libc::{c_char, c_int, c_void};

use super::versioned::{Versioned, field};
use super::{Code, null, properties, qos, topic};
use crate::ffi::last_error;
use crate::ffi::memory;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::shared_types::Message;
use crate::protocol::QoS;
use crate::protocol::packet::Publish;
use crate::protocol::property::{Context as PropertyContext, Properties, PropertiesRef};

/// A message as the program passes it: by members or as a struct.
pub struct Contents {
    pub payload: *const c_void,
    pub payloadlen: c_int,
    pub qos: c_int,
    pub retained: c_int,
    /// NULL where there are none.
    pub properties: *const MQTTProperties,
}

impl Contents {
    /// Reads a message's struct.
    ///
    /// # Safety
    /// NULL or a message as documented.
    #[inline]
    pub unsafe fn of(message: *const Message) -> Result<Self, Code> {
        // SAFETY: the caller's promise.
        let message = unsafe { Versioned::check(message, "msg", b"MQTM", 1)? };
        Ok(Self {
            payload: field!(message.payload),
            payloadlen: field!(message.payloadlen),
            qos: field!(message.qos),
            retained: field!(message.retained),
            properties: field!(&message.properties since 1),
        })
    }

    /// Reads topic and QoS, and checks the payload; a negative length is reported as `negative`, which the APIs differ in.
    ///
    /// # Safety
    /// A topic and contents as documented, which stay as they are for `'a`.
    #[inline]
    pub unsafe fn check<'a>(
        &self,
        destination: *const c_char,
        negative: Code,
    ) -> Result<Checked<'a>, Code> {
        // SAFETY: the caller's promise.
        let topic = unsafe { topic(destination)? };
        let qos = qos(self.qos)?;
        if self.payloadlen < 0 {
            let why = format!("payloadlen is {}", self.payloadlen);
            return Err(last_error::fail(negative, why));
        }
        if self.payloadlen > 0 && self.payload.is_null() {
            return Err(null("payload"));
        }
        Ok(Checked {
            topic,
            qos,
            retain: self.retained != 0,
            // SAFETY: a valid pointer to that many bytes, by the caller's promise.
            payload: unsafe { memory::bytes(self.payload, self.payloadlen) },
        })
    }

    /// Returns true if the message comes with a list of properties, which may be empty.
    #[inline]
    pub const fn has_properties(&self) -> bool {
        !self.properties.is_null()
    }

    /// Reads the message's own properties: none where MQTT 5 is not spoken.
    ///
    /// # Safety
    /// Properties as documented.
    #[inline]
    pub unsafe fn properties(&self, v5: bool) -> Result<Properties, Code> {
        let list = if v5 { self.properties } else { ptr::null() };
        // SAFETY: the caller's promise.
        unsafe { properties(list, PropertyContext::Publish) }
    }
}

/// A message whose topic, QoS and payload are well.
pub struct Checked<'a> {
    topic: &'a [u8],
    pub qos: QoS,
    retain: bool,
    payload: &'a [u8],
}

impl<'a> Checked<'a> {
    /// Returns the packet to send.
    #[inline]
    pub fn publish(&self, properties: PropertiesRef<'a>) -> Publish<'a> {
        Publish {
            dup: false,
            qos: self.qos,
            retain: self.retain,
            topic: self.topic,
            packet_id: 0,
            properties,
            payload: self.payload,
        }
    }
}
