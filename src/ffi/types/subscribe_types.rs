//! Types of `MQTTSubscribeOpts.h`.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_uchar};

/// The MQTT 5 options of one subscription. Ignored by connections of an earlier version.
///
/// Start from #MQTTSubscribe_options_initializer, which gives the options that a 3.1.1 subscription has.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTSubscribe_options {
    /// Eye catcher: the characters `MQSO`.
    pub struct_id: [c_char; 4],
    /// Version of this structure: 0.
    pub struct_version: c_int,
    /// 1: the server does not send this client the messages which it published itself. 0: it does (default).
    /// Not allowed to be 1 on a shared subscription.
    pub noLocal: c_uchar,
    /// 1: messages arrive with the retain flag that the publisher set. 0: the flag says only whether the message
    /// was a retained one when the subscription was made (default).
    pub retainAsPublished: c_uchar,
    /// When retained messages are sent. 0: on each subscribe (default); 1: only if the subscription is a new one;
    /// 2: never.
    pub retainHandling: c_uchar,
}
