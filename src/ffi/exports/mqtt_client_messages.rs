//! The functions of `MQTTClient.h` that subscribe, publish and receive: one line each, what they do is in
//! [`crate::ffi::sync_api`].
#![allow(non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown, clippy::missing_safety_doc)] // the comments are the header's Doxygen manual

use std::ptr;

use libc::{c_char, c_int, c_ulong, c_void, size_t};

use super::mqtt_client::FAILED;
use crate::ffi::entry::entry;
#[allow(clippy::wildcard_imports)] // this file uses nearly every name there
use crate::ffi::types::client_types::*;
use crate::ffi::types::property_types::MQTTProperties;
use crate::ffi::types::subscribe_types::MQTTSubscribe_options;
use crate::ffi::{memory, sync_api};

/// Subscribes to a topic. Waits for the server's answer.
///
/// @param handle the client.
/// @param topic the topic filter, which may have wildcards.
/// @param qos the highest quality of service to receive messages at.
/// @return #MQTTCLIENT_SUCCESS; #MQTT_BAD_SUBSCRIBE if the server refused; #MQTTCLIENT_DISCONNECTED;
///         #MQTTCLIENT_BAD_UTF8_STRING, also for NULL; #MQTTCLIENT_BAD_QOS; #MQTTCLIENT_FAILURE: not a client, not a topic
///         filter as MQTT has them, or no answer in time; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_subscribe(
    handle: MQTTClient,
    topic: *const c_char,
    qos: c_int,
) -> c_int {
    entry!(MQTTCLIENT_FAILURE, sync_api::subscribe(handle, topic, qos))
}

/// Subscribes to a topic, MQTT 5. Waits for the server's answer.
///
/// @param handle the client.
/// @param topic the topic filter, which may have wildcards.
/// @param qos the highest quality of service to receive messages at.
/// @param opts options of the subscription, or NULL for the default.
/// @param props properties to send, or NULL.
/// @return a response. Its reasonCode is the quality of service granted, the server's reason code for a refusal, or a
///         negative code as of MQTTClient_subscribe(). If the client is not a MQTT 5 one, it is #MQTTREASONCODE_SUCCESS or
///         #MQTT_BAD_SUBSCRIBE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_subscribe5(
    handle: MQTTClient,
    topic: *const c_char,
    qos: c_int,
    opts: *mut MQTTSubscribe_options,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    entry!(
        FAILED,
        sync_api::subscribe5(handle, topic, qos, opts, props)
    )
}

/// Subscribes to several topics with one packet. Waits for the server's answer.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @param qos for each topic, the highest quality of service to receive messages at. Receives what the server granted,
///        #MQTT_BAD_SUBSCRIBE for a topic refused.
/// @return as MQTTClient_subscribe(), but #MQTT_BAD_SUBSCRIBE only in \p qos; #MQTTCLIENT_NULL_PARAMETER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_subscribeMany(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    qos: *mut c_int,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::subscribe_many(handle, count, topic, qos)
    )
}

/// Subscribes to several topics with one packet, MQTT 5. Waits for the server's answer.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @param qos for each topic, the highest quality of service to receive messages at.
/// @param opts for each topic, the options of the subscription; NULL for the default for all.
/// @param props properties to send, or NULL.
/// @return a response. reasonCodes has, for each topic, the quality of service granted or the server's reason code for a
///         refusal; the first one, or the only one, is in reasonCode. A negative reasonCode is as of
///         MQTTClient_subscribeMany(). If the client is not a MQTT 5 one, reasonCode is #MQTTREASONCODE_SUCCESS, and \p qos
///         receives what the server granted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_subscribeMany5(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    qos: *mut c_int,
    opts: *mut MQTTSubscribe_options,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    entry!(
        FAILED,
        sync_api::subscribe_many5(handle, count, topic, qos, opts, props)
    )
}

/// Ends a subscription. Waits for the server's answer.
///
/// @param handle the client.
/// @param topic the topic filter, exactly as it was subscribed to.
/// @return #MQTTCLIENT_SUCCESS; of a MQTT 5 client the server's reason code; #MQTTCLIENT_DISCONNECTED;
///         #MQTTCLIENT_BAD_UTF8_STRING, also for NULL; #MQTTCLIENT_FAILURE: not a client, not a topic filter as MQTT has
///         them, or no answer in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_unsubscribe(handle: MQTTClient, topic: *const c_char) -> c_int {
    entry!(MQTTCLIENT_FAILURE, sync_api::unsubscribe(handle, topic))
}

/// Ends a subscription, MQTT 5. Waits for the server's answer.
///
/// @param handle the client.
/// @param topic the topic filter, exactly as it was subscribed to.
/// @param props properties to send, or NULL.
/// @return a response. Its reasonCode is the server's, or a negative code as of MQTTClient_unsubscribe().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_unsubscribe5(
    handle: MQTTClient,
    topic: *const c_char,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    entry!(FAILED, sync_api::unsubscribe5(handle, topic, props))
}

/// Ends several subscriptions with one packet. Waits for the server's answer.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @return as MQTTClient_unsubscribe(); #MQTTCLIENT_NULL_PARAMETER; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_unsubscribeMany(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::unsubscribe_many(handle, count, topic)
    )
}

/// Ends several subscriptions with one packet, MQTT 5. Waits for the server's answer.
///
/// @param handle the client.
/// @param count the number of topics.
/// @param topic the topic filters.
/// @param props properties to send, or NULL.
/// @return a response. reasonCodes has the server's reason code for each topic; the first one, or the only one, is in
///         reasonCode. A negative reasonCode is as of MQTTClient_unsubscribeMany().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_unsubscribeMany5(
    handle: MQTTClient,
    count: c_int,
    topic: *const *mut c_char,
    props: *mut MQTTProperties,
) -> MQTTResponse {
    entry!(
        FAILED,
        sync_api::unsubscribe_many5(handle, count, topic, props)
    )
}

/// Publishes a message. Waits only where no further message may be in flight (see `reliable` and
/// `maxInflightMessages`) or the socket takes no more, not for the delivery: for that there are
/// MQTTClient_waitForCompletion() and the callback.
///
/// @param handle the client.
/// @param topicName the topic.
/// @param payloadlen length of the payload in bytes.
/// @param payload the payload. Copied.
/// @param qos the quality of service.
/// @param retained 1: the server keeps it as the topic's retained message.
/// @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
/// @return #MQTTCLIENT_SUCCESS; #MQTTCLIENT_DISCONNECTED, also where the connection is lost while it waits;
///         #MQTTCLIENT_NULL_PARAMETER for the payload; #MQTTCLIENT_BAD_UTF8_STRING, also for a NULL topic;
///         #MQTTCLIENT_BAD_QOS; #MQTTCLIENT_MAX_MESSAGES_INFLIGHT; #MQTTCLIENT_PERSISTENCE_ERROR; #MQTTCLIENT_FAILURE: not a
///         client, or not a topic as MQTT has them; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_publish(
    handle: MQTTClient,
    topicName: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    dt: *mut MQTTClient_deliveryToken,
) -> c_int {
    entry!(
        hot: MQTTCLIENT_FAILURE,
        sync_api::publish(handle, topicName, payloadlen, payload, qos, retained, dt)
    )
}

/// Publishes a message, MQTT 5. Otherwise like MQTTClient_publish().
///
/// @param handle the client.
/// @param topicName the topic.
/// @param payloadlen length of the payload in bytes.
/// @param payload the payload. Copied.
/// @param qos the quality of service.
/// @param retained 1: the server keeps it as the topic's retained message.
/// @param properties properties of the message, or NULL.
/// @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
/// @return a response, whose reasonCode is #MQTTREASONCODE_SUCCESS, a negative code as of MQTTClient_publish(), or the reason
///         code for what the server said it does not take, such as #MQTTREASONCODE_PACKET_TOO_LARGE: then nothing was sent. The
///         server's own reason codes come to the callback of MQTTClient_setPublished().
#[allow(clippy::too_many_arguments)] // the C API's
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_publish5(
    handle: MQTTClient,
    topicName: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retained: c_int,
    properties: *mut MQTTProperties,
    dt: *mut MQTTClient_deliveryToken,
) -> MQTTResponse {
    entry!(
        hot: FAILED,
        sync_api::publish5(
            handle, topicName, payloadlen, payload, qos, retained, properties, dt
        )
    )
}

/// Publishes a message given as a structure. Otherwise like MQTTClient_publish().
///
/// @param handle the client.
/// @param topicName the topic.
/// @param msg the message: start from #MQTTClient_message_initializer. Copied.
/// @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
/// @return as MQTTClient_publish(); #MQTTCLIENT_BAD_STRUCTURE for the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_publishMessage(
    handle: MQTTClient,
    topicName: *const c_char,
    msg: *mut MQTTClient_message,
    dt: *mut MQTTClient_deliveryToken,
) -> c_int {
    entry!(
        hot: MQTTCLIENT_FAILURE,
        sync_api::publish_message(handle, topicName, msg, dt)
    )
}

/// Publishes a message given as a structure, MQTT 5. Otherwise like MQTTClient_publish5().
///
/// @param handle the client.
/// @param topicName the topic.
/// @param msg the message with its properties: start from #MQTTClient_message_initializer. Copied.
/// @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
/// @return as MQTTClient_publish5(); #MQTTCLIENT_BAD_STRUCTURE for the message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_publishMessage5(
    handle: MQTTClient,
    topicName: *const c_char,
    msg: *mut MQTTClient_message,
    dt: *mut MQTTClient_deliveryToken,
) -> MQTTResponse {
    entry!(
        hot: FAILED,
        sync_api::publish_message5(handle, topicName, msg, dt)
    )
}

/// Waits until a message of QoS 1 or 2 is delivered: its last acknowledgement is there.
///
/// @param handle the client.
/// @param dt the token that publishing gave.
/// @param timeout how many milliseconds to wait.
/// @return #MQTTCLIENT_SUCCESS: delivered, or nothing is known of that token; #MQTTCLIENT_FAILURE: not within that time, or
///         not a client; #MQTTCLIENT_DISCONNECTED: not connected, or not any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_waitForCompletion(
    handle: MQTTClient,
    dt: MQTTClient_deliveryToken,
    timeout: c_ulong,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::wait_for_completion(handle, dt, timeout)
    )
}

/// Lists the messages in flight, QoS 1 and 2.
///
/// @param handle the client.
/// @param tokens receives an array with the token of each, -1 at its end; NULL when there are none. Give it to
///        MQTTClient_free().
/// @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or \p tokens is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_getPendingDeliveryTokens(
    handle: MQTTClient,
    tokens: *mut *mut MQTTClient_deliveryToken,
) -> c_int {
    entry!(
        MQTTCLIENT_FAILURE,
        sync_api::get_pending_delivery_tokens(handle, tokens)
    )
}

/// Gives the library time to process what has come from the servers: acknowledgements above all. For clients without
/// callbacks, in programs that neither publish nor receive for a while. Returns within a tenth of a second or so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_yield() {
    entry!((), sync_api::r#yield());
}

/// Waits for the next message. For clients without callbacks.
///
/// @param handle the client.
/// @param topicName receives the topic, NULL if there is no message. Give it to MQTTClient_free().
/// @param topicLen receives the length of the topic in bytes; or NULL.
/// @param message receives the message, NULL if there is none. Give it to MQTTClient_freeMessage().
/// @param timeout how many milliseconds to wait.
/// @return #MQTTCLIENT_SUCCESS, with a message or without; #MQTTCLIENT_DISCONNECTED: not connected, and no message is left;
///         #MQTTCLIENT_FAILURE: the connection was lost, the client has callbacks, \p topicName or \p message is NULL, or
///         not a client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_receive(
    handle: MQTTClient,
    topicName: *mut *mut c_char,
    topicLen: *mut c_int,
    message: *mut *mut MQTTClient_message,
    timeout: c_ulong,
) -> c_int {
    entry!(
        hot: MQTTCLIENT_FAILURE,
        sync_api::receive(handle, topicName, topicLen, message, timeout)
    )
}

/// Frees a message that the library handed over, with its payload and properties.
///
/// @param msg points at the pointer to the message, which is set to NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_freeMessage(msg: *mut *mut MQTTClient_message) {
    entry!(hot: (), memory::free_message(msg));
}

/// Frees memory that the library handed over: a topic, an array of tokens.
///
/// @param ptr the memory; nothing is done if it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_free(ptr: *mut c_void) {
    entry!(hot: (), memory::free(ptr));
}

/// Allocates memory that the library will free, for a message store of the program's.
///
/// @param size how many bytes.
/// @return the memory, or NULL if there is not enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MQTTClient_malloc(size: size_t) -> *mut c_void {
    entry!(ptr::null_mut(), memory::allocate(size))
}
