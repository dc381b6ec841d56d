//! The constants and structs of `paho_oxide.h`.
#![allow(non_camel_case_types, non_upper_case_globals)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the header's Doxygen manual

use libc::{c_char, c_void};

/// No such client or queue (any more).
pub const MQTTOxide_E_HANDLE: i32 = -1;
/// A pointer is NULL that must not be.
pub const MQTTOxide_E_NULL: i32 = -2;
/// A struct's size is none that this library knows.
pub const MQTTOxide_E_SIZE: i32 = -3;
/// A value that no packet can carry, no option can have, or no buffer; an option without effect; text that is not UTF-8.
pub const MQTTOxide_E_ARGUMENT: i32 = -4;
/// Not in this state: connected already, nothing to give up, not the program's turn, queue in use.
pub const MQTTOxide_E_STATE: i32 = -5;
/// There is no connection, or no attached stream, and the operation needs one.
pub const MQTTOxide_E_DISCONNECTED: i32 = -6;
/// Too much is unwritten or waits; an event ROOM follows.
pub const MQTTOxide_E_WOULD_BLOCK: i32 = -7;
/// All 65,535 packet identifiers are in use.
pub const MQTTOxide_E_NO_ID: i32 = -8;
/// The server does not allow it: QoS, retain, size, topic alias.
pub const MQTTOxide_E_NOT_ALLOWED: i32 = -9;
/// The store refused; nothing was sent.
pub const MQTTOxide_E_NOT_STORED: i32 = -10;
/// The buffer is too small; the size needed is given.
pub const MQTTOxide_E_TOO_SMALL: i32 = -11;
/// No memory, threads or descriptors.
pub const MQTTOxide_E_SYSTEM: i32 = -12;
/// No such token: it has ended, or was sent already. Of the functions for Paho handles: no such option or route, or no message
/// that waits for its acknowledgement.
pub const MQTTOxide_E_NOT_FOUND: i32 = -13;
/// Not in this library: TLS in libpaho-oxide.
pub const MQTTOxide_E_NOT_SUPPORTED: i32 = -14;
/// A defect in the library. The trace tells more.
pub const MQTTOxide_E_PANIC: i32 = -15;

/// Kind of event: a message came.
pub const MQTTOxide_MESSAGE: u32 = 1;
/// Kind of event: publishes have ended well.
pub const MQTTOxide_DONE: u32 = 2;
/// Kind of event: a publish, subscribe or unsubscribe has ended without success.
pub const MQTTOxide_FAILED: u32 = 3;
/// Kind of event: SUBACK came.
pub const MQTTOxide_SUBACK: u32 = 4;
/// Kind of event: UNSUBACK came.
pub const MQTTOxide_UNSUBACK: u32 = 5;
/// Kind of event: the server accepted the connection.
pub const MQTTOxide_CONNECTED: u32 = 6;
/// Kind of event: an attempt to connect has failed.
pub const MQTTOxide_CONNECT_FAILED: u32 = 7;
/// Kind of event: the connection is gone.
pub const MQTTOxide_LOST: u32 = 8;
/// Kind of event: the server said DISCONNECT; the connection is gone.
pub const MQTTOxide_SERVER_DISCONNECT: u32 = 9;
/// Kind of event: a disconnect of the program's is done.
pub const MQTTOxide_CLOSED: u32 = 10;
/// Kind of event: the server sent AUTH.
pub const MQTTOxide_AUTH: u32 = 11;
/// Kind of event: there is room again for publishes.
pub const MQTTOxide_ROOM: u32 = 12;
/// Kind of event: an attached stream has bytes to take.
pub const MQTTOxide_OUTPUT: u32 = 13;
/// Kind of event: a line of the engine's log.
pub const MQTTOxide_LOG: u32 = 14;
/// Kind of event: what the driving thread should wait for may have changed.
pub const MQTTOxide_WANTS: u32 = 15;

/// Create flag: messages of QoS 1 and 2 are acknowledged by MQTTOxide_ack(), else when they are queued.
pub const MQTTOxide_ACK_BY_PROGRAM: u32 = 1;
/// Create flag, with #MQTTOxide_ACK_BY_PROGRAM: acknowledgements leave in the order of the messages.
pub const MQTTOxide_ACK_ORDERED: u32 = 2;
/// Create flag: a QoS 2 message is an event at its PUBLISH, else at its PUBREL.
pub const MQTTOxide_QOS2_AT_PUBLISH: u32 = 4;
/// Create flag: QoS 1 and 2 publishes are accepted without a connection.
pub const MQTTOxide_BUFFER_OFFLINE: u32 = 8;
/// Create flag, with #MQTTOxide_BUFFER_OFFLINE: those of QoS 0 too.
pub const MQTTOxide_BUFFER_QOS0: u32 = 16;
/// Create flag: a publish gets its packet identifier when it is accepted.
pub const MQTTOxide_IDS_AT_ACCEPT: u32 = 32;
/// Create flag: publishes that wait and messages that were not taken, which the store holds, are dropped. What is in flight is
/// resumed; #MQTTOxide_SESSION_CLEAR has that fail.
pub const MQTTOxide_NO_RESTORE: u32 = 64;

/// Store: none.
pub const MQTTOxide_STORE_NONE: u32 = 0;
/// Store: files in the format of Paho C.
pub const MQTTOxide_STORE_FILE: u32 = 1;
/// Store: files named as the Go clients name theirs.
pub const MQTTOxide_STORE_GO: u32 = 2;

/// Session policy: publishes in flight are sent again, as new ones where the server has no session.
pub const MQTTOxide_SESSION_RESEND: u32 = 0;
/// Session policy: they are sent again with DUP, whatever the server says.
pub const MQTTOxide_SESSION_KEEP: u32 = 1;
/// Session policy: they fail where the server has no session.
pub const MQTTOxide_SESSION_FOLLOW_SERVER: u32 = 2;
/// Session policy: they fail before the connection begins.
pub const MQTTOxide_SESSION_CLEAR: u32 = 3;

/// Work for a connection: reading.
pub const MQTTOxide_READ: u32 = 1;
/// Work for a connection: writing what waits.
pub const MQTTOxide_WRITE: u32 = 2;
/// Work for a connection: doing what has become due.
pub const MQTTOxide_TICK: u32 = 4;
/// An answer of MQTTOxide_wants() and MQTTOxide_drive(): there is more to read now, whatever the socket says.
pub const MQTTOxide_MORE: u32 = 8;
/// With #MQTTOxide_READ in MQTTOxide_drive() and MQTTOxide_driveEvents(): the program's poll tells again of what is left (poll,
/// select, epoll without EPOLLET), so that a read which empties the socket need not be followed by another one.
pub const MQTTOxide_LEVEL: u32 = 16;
/// An answer of MQTTOxide_wants() and MQTTOxide_drive(): there are events in the queue, and no call under way that takes them.
/// A call may make events of others: it writes what they have queued.
pub const MQTTOxide_EVENTS: u32 = 32;

/// Publish flag, besides the QoS: to be retained.
pub const MQTTOxide_RETAIN: u32 = 4;
/// Publish flag: marked as a duplicate.
pub const MQTTOxide_DUPLICATE: u32 = 8;
/// Publish flag: #MQTTOxide_E_WOULD_BLOCK rather than wait for quota or a connection.
pub const MQTTOxide_NO_WAIT: u32 = 16;
/// Publish flag: not written by the call but by the next MQTTOxide_drive() with #MQTTOxide_WRITE, or over a byte stream the next
/// MQTTOxide_take(), for which the program must care; many then leave in one write. Without effect where the program neither
/// drives the writing nor carries the bytes.
pub const MQTTOxide_LATER: u32 = 32;

/// Status of a publish: the kernel, or the stream's buffer, has all of it. At QoS 0 no event follows.
pub const MQTTOxide_WRITTEN: u32 = 1;
/// Status of a publish: its packet is on its way.
pub const MQTTOxide_SENT: u32 = 2;
/// Status of a publish: it waits for a connection or for quota.
pub const MQTTOxide_WAITS: u32 = 4;
/// Status of a publish: bytes are left for MQTTOxide_drive() with #MQTTOxide_WRITE.
pub const MQTTOxide_UNWRITTEN: u32 = 8;
/// Status of a publish: there are events in the queue, as #MQTTOxide_EVENTS.
pub const MQTTOxide_EVENTS_WAIT: u32 = 16;

/// The members of an event, as MQTTOxide_nextEvents() writes them; topic, properties and payload follow.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_event {
    /// Of the whole record: the next one begins so many bytes after this one.
    pub size: u32,
    /// MQTTOxide_MESSAGE and so on. Skip kinds that you do not know.
    pub kind: u16,
    /// Of a message; of a connection, the version of MQTT.
    pub qos: u8,
    /// By kind.
    pub flags: u8,
    /// Packet identifier.
    pub packet_id: u16,
    /// Reason or return code.
    pub reason: u16,
    /// Bytes of the topic or text behind the members.
    pub topic_len: u32,
    /// Bytes of the properties behind it.
    pub props_len: u32,
    /// Bytes of the payload behind them.
    pub payload_len: u32,
    /// Which operation, or what to acknowledge a message with.
    pub token: u64,
    /// The client's, from MQTTOxide_createOptions.
    pub context: u64,
    /// By kind.
    pub value: u64,
}

/// What a client is created with.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_createOptions {
    /// sizeof(struct MQTTOxide_createOptions)
    pub size: u32,
    /// #MQTTOxide_ACK_BY_PROGRAM and so on.
    pub flags: u32,
    /// Comes with every event: the program's own number or pointer.
    pub context: u64,
    /// Client identifier; may be NULL with length 0.
    pub client_id: *const c_char,
    /// Its length.
    pub client_id_len: u32,
    /// 3, 4 or 5: what is assumed until the first connection. 0 is 4. With a store all connections are of MQTT 5, or none, as said
    /// here.
    pub version: u32,
    /// Publishes that may wait for a connection or for quota; 0: 65,535.
    pub max_buffered: u32,
    /// Unread messages from which on the socket is not read; 0: 1,024.
    pub max_unread_messages: u32,
    /// The same in bytes; 0: 1 MiB.
    pub max_unread_bytes: u64,
    /// #MQTTOxide_STORE_NONE and so on.
    pub store: u32,
    /// Length of the directory's name.
    pub store_name_len: u32,
    /// Directory of the store; NULL where there is none.
    pub store_name: *const c_char,
    /// #MQTTOxide_STORE_GO: prefix of the file names, or NULL: at most 64 bytes, no slash or NUL, no digit at its end. Of other
    /// stores: NULL.
    pub store_prefix: *const c_char,
    /// Its length.
    pub store_prefix_len: u32,
    /// Length of the extension.
    pub store_extension_len: u32,
    /// #MQTTOxide_STORE_GO: extension of the file names; NULL: ".msg". As the prefix, but not empty, no digit at its beginning, and
    /// not ".tmp". Of other stores: NULL.
    pub store_extension: *const c_char,
    /// #MQTTOxide_STORE_FILE: the server, a part of the directory's name. Of other stores: NULL.
    pub server: *const c_char,
    /// Its length.
    pub server_len: u32,
    /// What the program's threads do: see MQTTOxide_setDriver().
    pub driver: u32,
}

/// A CONNECT, and how the connection is kept.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_connectOptions {
    /// sizeof(struct MQTTOxide_connectOptions)
    pub size: u32,
    /// The byte on the wire: 3, 4, 5; 0x83, 0x84 for a bridge.
    pub version: u8,
    /// The bit on the wire: clean session, clean start.
    pub clean: u8,
    /// #MQTTOxide_SESSION_RESEND and so on.
    pub session: u8,
    /// 0
    pub flags: u8,
    /// 0: no keep-alive. At most 65,535.
    pub keep_alive_s: u32,
    /// For the answer to PINGREQ; 0: half the keep-alive, one and a half where the line is not known to be fast.
    pub ping_timeout_ms: u32,
    /// Of the whole attempt; 0: none.
    pub deadline_ms: u32,
    /// QoS 1 and 2 publishes unacknowledged at a time; 0: 65,535.
    pub max_inflight: u32,
    /// The same of those that are sent again; 0: as max_inflight.
    pub max_resume_inflight: u32,
    /// Length of the client identifier.
    pub client_id_len: u32,
    /// Client identifier; NULL: that of the create.
    pub client_id: *const c_char,
    /// User name; NULL: none.
    pub username: *const c_char,
    /// Its length.
    pub username_len: u32,
    /// Length of the password.
    pub password_len: u32,
    /// Password; NULL: none. Without a user name only MQTT 5 has one ([MQTT-3.1.2-22] of 3.1.1).
    pub password: *const c_void,
    /// MQTT 5 properties.
    pub props: *const c_void,
    /// Their length.
    pub props_len: u32,
    /// Length of the will's topic.
    pub will_topic_len: u32,
    /// Topic of the will; NULL: no will, and nothing in its other members.
    pub will_topic: *const c_char,
    /// Payload of the will.
    pub will_payload: *const c_void,
    /// Its length.
    pub will_payload_len: u32,
    /// QoS of the will.
    pub will_qos: u8,
    /// The will is to be retained.
    pub will_retain: u8,
    /// 0
    pub reserved: u16,
    /// MQTT 5 properties of the will.
    pub will_props: *const c_void,
    /// Their length.
    pub will_props_len: u32,
    /// Length of the WebSocket's path.
    pub ws_path_len: u32,
    /// For MQTTOxide_attachFd() and MQTTOxide_attachStream(): path of a WebSocket, without blanks; NULL: no WebSocket. The URI says
    /// it for MQTTOxide_connect().
    pub ws_path: *const c_char,
    /// Its Host header; NULL: localhost, or no WebSocket.
    pub ws_host: *const c_char,
    /// Its length.
    pub ws_host_len: u32,
    /// Length of the headers.
    pub headers_len: u32,
    /// Headers that are added to the WebSocket's request: "Name: value" lines that end with CR LF. None without a WebSocket.
    pub headers: *const c_char,
}

/// A certificate of the server's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_certificate {
    /// The certificate in DER; valid during the call.
    pub der: *const c_void,
    /// Its length.
    pub len: u32,
    /// 0
    pub reserved: u32,
}

/// Looks at the server's certificates after OpenSSL's own checks have passed (without which flag 1 goes on here), before
/// anything is sent to the server. Has the last word, on each connection.
///
/// Runs on a thread of the library's that may wait, with no lock held. It may call any function, MQTTOxide_destroy() of its own
/// client included. Where the attempt ends meanwhile, by its deadline or MQTTOxide_abort(), it runs on, and its answer is passed
/// over; MQTTOxide_destroy() on another thread waits for it, and it is not called afterwards.
///
/// @param context verify_context of the options.
/// @param host the name or address in the URI, without a NUL.
/// @param host_len its length.
/// @param chain the certificates that the server sent, its own first.
/// @param count how many.
/// @param reason a buffer for the reason of a refusal, in UTF-8, which becomes part of the text of CONNECT_FAILED.
/// @param capacity its size.
/// @return 0: the server is good. Else it is refused: a positive number is the length of the reason in the buffer.
pub type MQTTOxide_verify = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        host: *const c_char,
        host_len: u32,
        chain: *const MQTTOxide_certificate,
        count: u32,
        reason: *mut c_char,
        capacity: u32,
    ) -> i32,
>;

/// TLS of a connection that the engine makes. A text that has "-----BEGIN " in it is the PEM text itself, else the name of
/// a file.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_tlsOptions {
    /// sizeof(struct MQTTOxide_tlsOptions)
    pub size: u32,
    /// 1: the server's certificate is not verified.
    pub flags: u32,
    /// Certificates of the authorities that are trusted; NULL: those of the system.
    pub trust: *const c_char,
    /// Their length.
    pub trust_len: u32,
    /// Length of the certificate.
    pub certificate_len: u32,
    /// The client's certificate, with its chain; NULL: none.
    pub certificate: *const c_char,
    /// Its private key; NULL: it is with the certificate. None without one.
    pub key: *const c_char,
    /// Its length.
    pub key_len: u32,
    /// Length of the password.
    pub password_len: u32,
    /// Password of an encrypted key; NULL: none. None without a certificate.
    pub password: *const c_void,
    /// Has the last word on the server's certificates; NULL: nobody has.
    pub verify: MQTTOxide_verify,
    /// Passed to it; the library does not look at it.
    pub verify_context: *mut c_void,
}

/// How a publish was accepted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_published {
    /// sizeof(struct MQTTOxide_published)
    pub size: u32,
    /// Packet identifier; 0 if it has none (yet).
    pub packet_id: u16,
    /// #MQTTOxide_WRITTEN and so on.
    pub status: u16,
    /// The publish's token.
    pub token: u64,
}

/// One of the messages of MQTTOxide_publishMany().
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_message {
    /// Topic.
    pub topic: *const c_char,
    /// Payload.
    pub payload: *const c_void,
    /// MQTT 5 properties.
    pub props: *const c_void,
    /// Length of the topic.
    pub topic_len: u32,
    /// Length of the payload.
    pub payload_len: u32,
    /// Length of the properties.
    pub props_len: u32,
    /// As those of MQTTOxide_publish().
    pub flags: u32,
}

/// An operation in flight.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_operation {
    /// Its token.
    pub token: u64,
    /// Its packet identifier, or 0.
    pub packet_id: u16,
    /// Its QoS; 0 also where it has none, and of a publish of which only the store knows.
    pub qos: u8,
    /// 0 it waits, 1 PUBLISH is sent, 2 PUBREC came, 3 SUBSCRIBE, 4 UNSUBSCRIBE.
    pub state: u8,
    /// 0
    pub reserved: u32,
}

/// What has happened in a client's life, and what is going on.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_counters {
    /// sizeof(struct MQTTOxide_counters)
    pub size: u32,
    /// Connections established.
    pub connections: u32,
    /// Bytes of MQTT read, CONNACK included; what TLS, a WebSocket or a proxy adds is not counted.
    pub bytes_in: u64,
    /// Bytes of MQTT written, CONNECT included.
    pub bytes_out: u64,
    /// Messages received.
    pub messages_in: u64,
    /// Messages handed to a connection. One that is sent again counts once.
    pub messages_out: u64,
    /// Publishes that wait for a connection or for quota.
    pub queued: u64,
    /// Operations in flight.
    pub in_flight: u64,
    /// Bytes that wait to be written.
    pub unwritten_bytes: u64,
    /// Messages that the program has not taken.
    pub unread_messages: u64,
    /// Their bytes.
    pub unread_bytes: u64,
    /// Messages that the program has not acknowledged.
    pub unacknowledged: u64,
    /// How long the answer to the last PINGREQ took, or what came first after it, in microseconds, on whichever connection; 0:
    /// there was none.
    pub ping_round_trip_us: u64,
}

/// A MQTT 5 property.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MQTTOxide_property {
    /// sizeof(struct MQTTOxide_property)
    pub size: u32,
    /// Its identifier.
    pub id: u32,
    /// The value of one that is a number.
    pub number: u32,
    /// Length of the value.
    pub value_len: u32,
    /// The value of one that is bytes or text, or of a pair; inside the caller's buffer.
    pub value: *const c_void,
    /// The name of a pair; inside the caller's buffer.
    pub name: *const c_void,
    /// Its length.
    pub name_len: u32,
    /// 0
    pub reserved: u32,
}
