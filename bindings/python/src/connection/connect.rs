//! What a CONNECT says, and its bytes.

use bytes::BytesMut;
use paho_oxide::protocol::error::Malformed;
use paho_oxide::protocol::packet::{Connect, Will};
use paho_oxide::protocol::property::Properties;
use paho_oxide::protocol::{QoS, Version};

/// What a CONNECT says.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub version: Version,
    pub bridge: bool,
    pub clean: bool,
    pub keep_alive: u16,
    pub max_inflight: u32,
    pub client_id: Vec<u8>,
    pub username: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub properties: Properties,
    pub will: Option<WillOptions>,
    pub websocket: bool,
}

/// The will in a CONNECT.
#[derive(Debug, Clone)]
pub struct WillOptions {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties,
}

impl ConnectOptions {
    /// Returns the packet.
    pub fn encode(&self) -> Result<BytesMut, Malformed> {
        let connect = Connect {
            version: self.version,
            clean_start: self.clean,
            keep_alive: self.keep_alive,
            client_id: &self.client_id,
            will: self.will.as_ref().map(|will| Will {
                topic: &will.topic,
                payload: &will.payload,
                qos: will.qos,
                retain: will.retain,
                properties: will.properties.as_ref(),
            }),
            username: self.username.as_deref(),
            password: self.password.as_deref(),
            properties: self.properties.as_ref(),
        };
        let mut packet = BytesMut::new();
        connect.encode(&mut packet)?;
        if self.bridge {
            // The level's highest bit says that the client is a bridge. It follows the protocol's name.
            let header = packet
                .iter()
                .skip(1)
                .position(|byte| byte & 0x80 == 0)
                .unwrap_or(0)
                + 2;
            let name = usize::from(u16::from_be_bytes([packet[header], packet[header + 1]]));
            packet[header + 2 + name] |= 0x80;
        }
        Ok(packet)
    }
}
