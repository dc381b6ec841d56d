//! Stands in for the API modules until they are merged.
#![allow(
    missing_docs,
    clippy::missing_safety_doc,
    clippy::too_many_arguments,
    clippy::wildcard_imports
)]

macro_rules! placeholders {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $result:ty = $value:expr)?;)*) => {$(
        pub unsafe fn $name($($arg: $type),*) $(-> $result)? { $(let _ = $arg;)* $($value)? }
    )*};
}

pub const FAILED: super::types::MQTTResponse = super::types::MQTTResponse {
    version: 1,
    reasonCode: -1,
    reasonCodeCount: 0,
    reasonCodes: std::ptr::null_mut(),
    properties: std::ptr::null_mut(),
};
pub mod client_api {
    use crate::ffi::types::*;
    use libc::*;
    placeholders! {
        global_init(inits: *mut MQTTClient_init_options);
        set_callbacks(handle: MQTTClient, context: *mut c_void, cl: MQTTClient_connectionLost, ma: MQTTClient_messageArrived, dc: MQTTClient_deliveryComplete) -> c_int = -1;
        set_disconnected(handle: MQTTClient, context: *mut c_void, co: MQTTClient_disconnected) -> c_int = -1;
        set_published(handle: MQTTClient, context: *mut c_void, co: MQTTClient_published) -> c_int = -1;
        create(handle: *mut MQTTClient, server_uri: *const c_char, client_id: *const c_char, persistence_type: c_int, persistence_context: *mut c_void) -> c_int = -1;
        create_with_options(handle: *mut MQTTClient, server_uri: *const c_char, client_id: *const c_char, persistence_type: c_int, persistence_context: *mut c_void, options: *mut MQTTClient_createOptions) -> c_int = -1;
        connect(handle: MQTTClient, options: *mut MQTTClient_connectOptions) -> c_int = -1;
        connect5(handle: MQTTClient, options: *mut MQTTClient_connectOptions, connect_properties: *mut MQTTProperties, will_properties: *mut MQTTProperties) -> MQTTResponse = super::FAILED;
        disconnect(handle: MQTTClient, timeout: c_int) -> c_int = -1;
        disconnect5(handle: MQTTClient, timeout: c_int, reason: MQTTReasonCodes, props: *mut MQTTProperties) -> c_int = -1;
        is_connected(handle: MQTTClient) -> c_int = 0;
        subscribe(handle: MQTTClient, topic: *const c_char, qos: c_int) -> c_int = -1;
        subscribe5(handle: MQTTClient, topic: *const c_char, qos: c_int, opts: *mut MQTTSubscribe_options, props: *mut MQTTProperties) -> MQTTResponse = super::FAILED;
        subscribe_many(handle: MQTTClient, count: c_int, topic: *const *mut c_char, qos: *mut c_int) -> c_int = -1;
        subscribe_many5(handle: MQTTClient, count: c_int, topic: *const *mut c_char, qos: *mut c_int, opts: *mut MQTTSubscribe_options, props: *mut MQTTProperties) -> MQTTResponse = super::FAILED;
        unsubscribe(handle: MQTTClient, topic: *const c_char) -> c_int = -1;
        unsubscribe5(handle: MQTTClient, topic: *const c_char, props: *mut MQTTProperties) -> MQTTResponse = super::FAILED;
        unsubscribe_many(handle: MQTTClient, count: c_int, topic: *const *mut c_char) -> c_int = -1;
        unsubscribe_many5(handle: MQTTClient, count: c_int, topic: *const *mut c_char, props: *mut MQTTProperties) -> MQTTResponse = super::FAILED;
        publish(handle: MQTTClient, topic_name: *const c_char, payloadlen: c_int, payload: *const c_void, qos: c_int, retained: c_int, dt: *mut MQTTClient_deliveryToken) -> c_int = -1;
        publish5(handle: MQTTClient, topic_name: *const c_char, payloadlen: c_int, payload: *const c_void, qos: c_int, retained: c_int, properties: *mut MQTTProperties, dt: *mut MQTTClient_deliveryToken) -> MQTTResponse = super::FAILED;
        publish_message(handle: MQTTClient, topic_name: *const c_char, msg: *mut MQTTClient_message, dt: *mut MQTTClient_deliveryToken) -> c_int = -1;
        publish_message5(handle: MQTTClient, topic_name: *const c_char, msg: *mut MQTTClient_message, dt: *mut MQTTClient_deliveryToken) -> MQTTResponse = super::FAILED;
        wait_for_completion(handle: MQTTClient, dt: MQTTClient_deliveryToken, timeout: c_ulong) -> c_int = -1;
        get_pending_delivery_tokens(handle: MQTTClient, tokens: *mut *mut MQTTClient_deliveryToken) -> c_int = -1;
        r#yield();
        receive(handle: MQTTClient, topic_name: *mut *mut c_char, topic_len: *mut c_int, message: *mut *mut MQTTClient_message, timeout: c_ulong) -> c_int = -1;
        destroy(handle: *mut MQTTClient);
        set_trace_level(level: MQTTCLIENT_TRACE_LEVELS);
        set_trace_callback(callback: MQTTClient_traceCallback);
        set_command_timeout(handle: MQTTClient, milli_seconds: c_ulong) -> c_int = -1;
    }
}

pub mod async_api {
    use crate::ffi::types::*;
    use libc::*;
    placeholders! {
        global_init(inits: *mut MQTTAsync_init_options);
        set_disconnected(handle: MQTTAsync, context: *mut c_void, co: MQTTAsync_disconnected) -> c_int = -1;
        set_update_connect_options(handle: MQTTAsync, context: *mut c_void, co: MQTTAsync_updateConnectOptions) -> c_int = -1;
        set_before_persistence_write(handle: MQTTAsync, context: *mut c_void, co: MQTTPersistence_beforeWrite) -> c_int = -1;
        set_after_persistence_read(handle: MQTTAsync, context: *mut c_void, co: MQTTPersistence_afterRead) -> c_int = -1;
        set_callbacks(handle: MQTTAsync, context: *mut c_void, cl: MQTTAsync_connectionLost, ma: MQTTAsync_messageArrived, dc: MQTTAsync_deliveryComplete) -> c_int = -1;
        set_connection_lost_callback(handle: MQTTAsync, context: *mut c_void, cl: MQTTAsync_connectionLost) -> c_int = -1;
        set_message_arrived_callback(handle: MQTTAsync, context: *mut c_void, ma: MQTTAsync_messageArrived) -> c_int = -1;
        set_delivery_complete_callback(handle: MQTTAsync, context: *mut c_void, dc: MQTTAsync_deliveryComplete) -> c_int = -1;
        set_connected(handle: MQTTAsync, context: *mut c_void, co: MQTTAsync_connected) -> c_int = -1;
        reconnect(handle: MQTTAsync) -> c_int = -1;
        create(handle: *mut MQTTAsync, server_uri: *const c_char, client_id: *const c_char, persistence_type: c_int, persistence_context: *mut c_void) -> c_int = -1;
        create_with_options(handle: *mut MQTTAsync, server_uri: *const c_char, client_id: *const c_char, persistence_type: c_int, persistence_context: *mut c_void, options: *mut MQTTAsync_createOptions) -> c_int = -1;
        connect(handle: MQTTAsync, options: *const MQTTAsync_connectOptions) -> c_int = -1;
        disconnect(handle: MQTTAsync, options: *const MQTTAsync_disconnectOptions) -> c_int = -1;
        is_connected(handle: MQTTAsync) -> c_int = 0;
        subscribe(handle: MQTTAsync, topic: *const c_char, qos: c_int, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        subscribe_many(handle: MQTTAsync, count: c_int, topic: *const *mut c_char, qos: *const c_int, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        unsubscribe(handle: MQTTAsync, topic: *const c_char, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        unsubscribe_many(handle: MQTTAsync, count: c_int, topic: *const *mut c_char, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        send(handle: MQTTAsync, destination_name: *const c_char, payloadlen: c_int, payload: *const c_void, qos: c_int, retained: c_int, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        send_message(handle: MQTTAsync, destination_name: *const c_char, msg: *const MQTTAsync_message, response: *mut MQTTAsync_responseOptions) -> c_int = -1;
        get_pending_tokens(handle: MQTTAsync, tokens: *mut *mut MQTTAsync_token) -> c_int = -1;
        is_complete(handle: MQTTAsync, token: MQTTAsync_token) -> c_int = -1;
        wait_for_completion(handle: MQTTAsync, token: MQTTAsync_token, timeout: c_ulong) -> c_int = -1;
        destroy(handle: *mut MQTTAsync);
        set_trace_level(level: MQTTASYNC_TRACE_LEVELS);
        set_trace_callback(callback: MQTTAsync_traceCallback);
    }
}
