//! The layout that programs are compiled against, stated member by member: a type that drifts does not compile.
//!
//! The numbers are those of `tests/abi/structs.tsv`; a test sees to it that every row of the table is here.
#![cfg(all(target_pointer_width = "64", unix))] // the table was taken from a 64-bit Unix system

use std::mem::{MaybeUninit, offset_of};

#[allow(clippy::wildcard_imports)] // this file uses every structure there is
use crate::ffi::types::*;

/// Returns the size of what a pointer points at.
const fn size_of_pointee<T>(_: *const T) -> usize {
    size_of::<T>()
}

/// `layout!(Type: size; member offset size, ...)`
macro_rules! layout {
    ($type:ty: $size:literal; $($($member:ident).+ $offset:literal $bytes:literal,)*) => {
        const _: () = {
            assert!(size_of::<$type>() == $size);
            $({
                assert!(offset_of!($type, $($member).+) == $offset);
                let object = MaybeUninit::<$type>::uninit();
                // SAFETY: the pointer is to a whole object, and only the member's address is computed: nothing is read.
                let member = unsafe { &raw const (*object.as_ptr()).$($member).+ };
                assert!(size_of_pointee(member) == $bytes);
            })*
        };
    };
}

layout! { MQTTLenString: 16;
    len 0 4,
    data 8 8,
}
layout! { MQTTProperty: 40;
    identifier 0 4,
    value 8 32,
    value.byte 8 1,
    value.integer2 8 2,
    value.integer4 8 4,
    value.strings 8 32,
    value.strings.data 8 16,
    value.strings.value 24 16,
}
layout! { MQTTProperties: 24;
    count 0 4,
    max_count 4 4,
    length 8 4,
    array 16 8,
}
layout! { MQTTSubscribe_options: 12;
    struct_id 0 4,
    struct_version 4 4,
    noLocal 8 1,
    retainAsPublished 9 1,
    retainHandling 10 1,
}
layout! { MQTTClient_persistence: 72;
    context 0 8,
    popen 8 8,
    pclose 16 8,
    pput 24 8,
    pget 32 8,
    premove 40 8,
    pkeys 48 8,
    pclear 56 8,
    pcontainskey 64 8,
}
layout! { MQTTAsync_init_options: 12;
    struct_id 0 4,
    struct_version 4 4,
    do_openssl_init 8 4,
}
layout! { MQTTAsync_message: 64;
    struct_id 0 4,
    struct_version 4 4,
    payloadlen 8 4,
    payload 16 8,
    qos 24 4,
    retained 28 4,
    dup 32 4,
    msgid 36 4,
    properties 40 24,
}
layout! { MQTTAsync_connectData: 32;
    struct_id 0 4,
    struct_version 4 4,
    username 8 8,
    binarypwd 16 16,
    binarypwd.len 16 4,
    binarypwd.data 24 8,
}
layout! { MQTTAsync_failureData: 16;
    token 0 4,
    code 4 4,
    message 8 8,
}
layout! { MQTTAsync_failureData5: 64;
    struct_id 0 4,
    struct_version 4 4,
    token 8 4,
    reasonCode 12 4,
    properties 16 24,
    code 40 4,
    message 48 8,
    packet_type 56 4,
}
layout! { MQTTAsync_successData: 80;
    token 0 4,
    alt 8 72,
    alt.qos 8 4,
    alt.qosList 8 8,
    alt.r#pub 8 72,
    alt.r#pub.message 8 64,
    alt.r#pub.destinationName 72 8,
    alt.connect 8 16,
    alt.connect.serverURI 8 8,
    alt.connect.MQTTVersion 16 4,
    alt.connect.sessionPresent 20 4,
}
layout! { MQTTAsync_successData5: 112;
    struct_id 0 4,
    struct_version 4 4,
    token 8 4,
    reasonCode 12 4,
    properties 16 24,
    alt 40 72,
    alt.sub 40 16,
    alt.sub.reasonCodeCount 40 4,
    alt.sub.reasonCodes 48 8,
    alt.r#pub 40 72,
    alt.r#pub.message 40 64,
    alt.r#pub.destinationName 104 8,
    alt.connect 40 16,
    alt.connect.serverURI 40 8,
    alt.connect.MQTTVersion 48 4,
    alt.connect.sessionPresent 52 4,
    alt.unsub 40 16,
    alt.unsub.reasonCodeCount 40 4,
    alt.unsub.reasonCodes 48 8,
}
layout! { MQTTAsync_responseOptions: 104;
    struct_id 0 4,
    struct_version 4 4,
    onSuccess 8 8,
    onFailure 16 8,
    context 24 8,
    token 32 4,
    onSuccess5 40 8,
    onFailure5 48 8,
    properties 56 24,
    subscribeOptions 80 12,
    subscribeOptionsCount 92 4,
    subscribeOptionsList 96 8,
}
layout! { MQTTAsync_callOptions: 104;
    struct_id 0 4,
    struct_version 4 4,
    onSuccess 8 8,
    onFailure 16 8,
    context 24 8,
    token 32 4,
    onSuccess5 40 8,
    onFailure5 48 8,
    properties 56 24,
    subscribeOptions 80 12,
    subscribeOptionsCount 92 4,
    subscribeOptionsList 96 8,
}
layout! { MQTTAsync_createOptions: 36;
    struct_id 0 4,
    struct_version 4 4,
    sendWhileDisconnected 8 4,
    maxBufferedMessages 12 4,
    MQTTVersion 16 4,
    allowDisconnectedSendAtAnyTime 20 4,
    deleteOldestMessages 24 4,
    restoreMessages 28 4,
    persistQoS0 32 4,
}
layout! { MQTTAsync_willOptions: 48;
    struct_id 0 4,
    struct_version 4 4,
    topicName 8 8,
    message 16 8,
    retained 24 4,
    qos 28 4,
    payload 32 16,
    payload.len 32 4,
    payload.data 40 8,
}
layout! { MQTTAsync_SSLOptions: 128;
    struct_id 0 4,
    struct_version 4 4,
    trustStore 8 8,
    keyStore 16 8,
    privateKey 24 8,
    privateKeyPassword 32 8,
    enabledCipherSuites 40 8,
    enableServerCertAuth 48 4,
    sslVersion 52 4,
    verify 56 4,
    CApath 64 8,
    ssl_error_cb 72 8,
    ssl_error_context 80 8,
    ssl_psk_cb 88 8,
    ssl_psk_context 96 8,
    disableDefaultTrustStore 104 4,
    protos 112 8,
    protos_len 120 4,
}
layout! { MQTTAsync_nameValue: 16;
    name 0 8,
    value 8 8,
}
layout! { MQTTAsync_connectOptions: 200;
    struct_id 0 4,
    struct_version 4 4,
    keepAliveInterval 8 4,
    cleansession 12 4,
    maxInflight 16 4,
    will 24 8,
    username 32 8,
    password 40 8,
    connectTimeout 48 4,
    retryInterval 52 4,
    ssl 56 8,
    onSuccess 64 8,
    onFailure 72 8,
    context 80 8,
    serverURIcount 88 4,
    serverURIs 96 8,
    MQTTVersion 104 4,
    automaticReconnect 108 4,
    minRetryInterval 112 4,
    maxRetryInterval 116 4,
    binarypwd 120 16,
    binarypwd.len 120 4,
    binarypwd.data 128 8,
    cleanstart 136 4,
    connectProperties 144 8,
    willProperties 152 8,
    onSuccess5 160 8,
    onFailure5 168 8,
    httpHeaders 176 8,
    httpProxy 184 8,
    httpsProxy 192 8,
}
layout! { MQTTAsync_disconnectOptions: 88;
    struct_id 0 4,
    struct_version 4 4,
    timeout 8 4,
    onSuccess 16 8,
    onFailure 24 8,
    context 32 8,
    properties 40 24,
    reasonCode 64 4,
    onSuccess5 72 8,
    onFailure5 80 8,
}
layout! { MQTTClient_init_options: 12;
    struct_id 0 4,
    struct_version 4 4,
    do_openssl_init 8 4,
}
layout! { MQTTClient_message: 64;
    struct_id 0 4,
    struct_version 4 4,
    payloadlen 8 4,
    payload 16 8,
    qos 24 4,
    retained 28 4,
    dup 32 4,
    msgid 36 4,
    properties 40 24,
}
layout! { MQTTClient_createOptions: 12;
    struct_id 0 4,
    struct_version 4 4,
    MQTTVersion 8 4,
}
layout! { MQTTClient_willOptions: 48;
    struct_id 0 4,
    struct_version 4 4,
    topicName 8 8,
    message 16 8,
    retained 24 4,
    qos 28 4,
    payload 32 16,
    payload.len 32 4,
    payload.data 40 8,
}
layout! { MQTTClient_SSLOptions: 128;
    struct_id 0 4,
    struct_version 4 4,
    trustStore 8 8,
    keyStore 16 8,
    privateKey 24 8,
    privateKeyPassword 32 8,
    enabledCipherSuites 40 8,
    enableServerCertAuth 48 4,
    sslVersion 52 4,
    verify 56 4,
    CApath 64 8,
    ssl_error_cb 72 8,
    ssl_error_context 80 8,
    ssl_psk_cb 88 8,
    ssl_psk_context 96 8,
    disableDefaultTrustStore 104 4,
    protos 112 8,
    protos_len 120 4,
}
layout! { MQTTClient_nameValue: 16;
    name 0 8,
    value 8 8,
}
layout! { MQTTClient_connectOptions: 152;
    struct_id 0 4,
    struct_version 4 4,
    keepAliveInterval 8 4,
    cleansession 12 4,
    reliable 16 4,
    will 24 8,
    username 32 8,
    password 40 8,
    connectTimeout 48 4,
    retryInterval 52 4,
    ssl 56 8,
    serverURIcount 64 4,
    serverURIs 72 8,
    MQTTVersion 80 4,
    returned 88 16,
    returned.serverURI 88 8,
    returned.MQTTVersion 96 4,
    returned.sessionPresent 100 4,
    binarypwd 104 16,
    binarypwd.len 104 4,
    binarypwd.data 112 8,
    maxInflightMessages 120 4,
    cleanstart 124 4,
    httpHeaders 128 8,
    httpProxy 136 8,
    httpsProxy 144 8,
}
layout! { MQTTResponse: 32;
    version 0 4,
    reasonCode 4 4,
    reasonCodeCount 8 4,
    reasonCodes 16 8,
    properties 24 8,
}
