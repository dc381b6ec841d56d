//! The packets, one file a family; 3.x and 5.0 in one type each.
mod ack;
mod connect;
mod disconnect;
mod ping;
mod publish;
mod subscribe;

pub use ack::{Ack, AckKind, encode_ack};
pub use connect::{ConnAck, Connect, Will, mark_bridge};
pub use disconnect::{Auth, Disconnect, encode_auth, encode_disconnect};
pub use ping::encode_pingreq;
pub use publish::{
    Publish, clear_dup, has_dup, message_expiry_offset, packet_id_offset, set_dup, set_packet_id,
};
pub use subscribe::{
    Filter, SubAck, UnsubAck, encode_subscribe, encode_unsubscribe, requested,
    requested_identifier, set_request_id, unsubscribed,
};
