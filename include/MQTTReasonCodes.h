/**
 * @file MQTTReasonCodes.h
 *
 * MQTT 5 reason codes, and their names.
 */

#if !defined(MQTTREASONCODES_H)
#define MQTTREASONCODES_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#include "MQTTExportDeclarations.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * MQTT 5 reason codes: results of what was asked for, and reasons of a disconnection. From 0x80 on they are
 * failures. The packets named are those which the code can come in; where none is, it can come in many.
 */
enum MQTTReasonCodes {
  /** The operation succeeded. CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK, AUTH. */
  MQTTREASONCODE_SUCCESS = 0,
  /** The connection is closed as intended: the will message is not sent. DISCONNECT. */
  MQTTREASONCODE_NORMAL_DISCONNECTION = 0,
  /** Subscribed; messages come at QoS 0. SUBACK. */
  MQTTREASONCODE_GRANTED_QOS_0 = 0,
  /** Subscribed; messages come at QoS 0 or 1. SUBACK. */
  MQTTREASONCODE_GRANTED_QOS_1 = 1,
  /** Subscribed; messages come at up to QoS 2. SUBACK. */
  MQTTREASONCODE_GRANTED_QOS_2 = 2,
  /** The client goes, and wants its will message to be published. DISCONNECT. */
  MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE = 4,
  /** Accepted, but nobody has subscribed to it. PUBACK, PUBREC. */
  MQTTREASONCODE_NO_MATCHING_SUBSCRIBERS = 16,
  /** There was no such subscription. UNSUBACK. */
  MQTTREASONCODE_NO_SUBSCRIPTION_FOUND = 17,
  /** The authentication has a further step. AUTH. */
  MQTTREASONCODE_CONTINUE_AUTHENTICATION = 24,
  /** A new authentication begins. AUTH. */
  MQTTREASONCODE_RE_AUTHENTICATE = 25,
  /** An error for which the sender gives no reason. */
  MQTTREASONCODE_UNSPECIFIED_ERROR = 128,
  /** A packet was received that cannot be parsed. CONNACK, DISCONNECT. */
  MQTTREASONCODE_MALFORMED_PACKET = 129,
  /** A packet was received that was unexpected or against the rules. CONNACK, DISCONNECT. */
  MQTTREASONCODE_PROTOCOL_ERROR = 130,
  /** Valid, but this receiver does not accept it. */
  MQTTREASONCODE_IMPLEMENTATION_SPECIFIC_ERROR = 131,
  /** The server does not speak this MQTT version. CONNACK. */
  MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION = 132,
  /** The server does not allow this client identifier. CONNACK. */
  MQTTREASONCODE_CLIENT_IDENTIFIER_NOT_VALID = 133,
  /** The server does not accept this user name or password. CONNACK. */
  MQTTREASONCODE_BAD_USER_NAME_OR_PASSWORD = 134,
  /** The client is not allowed to do this. */
  MQTTREASONCODE_NOT_AUTHORIZED = 135,
  /** The MQTT server cannot be used at present. CONNACK. */
  MQTTREASONCODE_SERVER_UNAVAILABLE = 136,
  /** The server is busy: try again later. CONNACK, DISCONNECT. */
  MQTTREASONCODE_SERVER_BUSY = 137,
  /** This client has been banned by the administrator. CONNACK. */
  MQTTREASONCODE_BANNED = 138,
  /** The server is shutting down. DISCONNECT. */
  MQTTREASONCODE_SERVER_SHUTTING_DOWN = 139,
  /** The authentication method is not supported, or not the current one. CONNACK, DISCONNECT. */
  MQTTREASONCODE_BAD_AUTHENTICATION_METHOD = 140,
  /** Nothing was received for one and a half keep alive intervals. DISCONNECT. */
  MQTTREASONCODE_KEEP_ALIVE_TIMEOUT = 141,
  /** Another connection uses the same client identifier. DISCONNECT. */
  MQTTREASONCODE_SESSION_TAKEN_OVER = 142,
  /** The topic filter is well formed but not accepted here. SUBACK, UNSUBACK, DISCONNECT. */
  MQTTREASONCODE_TOPIC_FILTER_INVALID = 143,
  /** The topic name is well formed but not accepted here. CONNACK, PUBACK, PUBREC, DISCONNECT. */
  MQTTREASONCODE_TOPIC_NAME_INVALID = 144,
  /**
   * The packet identifier is already in use: the two sides disagree about the session. PUBACK, PUBREC, SUBACK,
   * UNSUBACK.
   */
  MQTTREASONCODE_PACKET_IDENTIFIER_IN_USE = 145,
  /** The packet identifier is unknown: the two sides disagree about the session. PUBREL, PUBCOMP. */
  MQTTREASONCODE_PACKET_IDENTIFIER_NOT_FOUND = 146,
  /** More messages were sent than Receive Maximum allows. DISCONNECT. */
  MQTTREASONCODE_RECEIVE_MAXIMUM_EXCEEDED = 147,
  /** A topic alias was 0 or higher than Topic Alias Maximum. DISCONNECT. */
  MQTTREASONCODE_TOPIC_ALIAS_INVALID = 148,
  /** A packet was larger than Maximum Packet Size. CONNACK, DISCONNECT. */
  MQTTREASONCODE_PACKET_TOO_LARGE = 149,
  /** Messages come too fast. DISCONNECT. */
  MQTTREASONCODE_MESSAGE_RATE_TOO_HIGH = 150,
  /**
   * A limit that the server or its administrator has set was reached. CONNACK, PUBACK, PUBREC, SUBACK, DISCONNECT.
   */
  MQTTREASONCODE_QUOTA_EXCEEDED = 151,
  /** The administrator closed the connection. DISCONNECT. */
  MQTTREASONCODE_ADMINISTRATIVE_ACTION = 152,
  /** The payload is not what its payload format indicator says. CONNACK, PUBACK, PUBREC, DISCONNECT. */
  MQTTREASONCODE_PAYLOAD_FORMAT_INVALID = 153,
  /** The server does not support retained messages. CONNACK, DISCONNECT. */
  MQTTREASONCODE_RETAIN_NOT_SUPPORTED = 154,
  /** The quality of service is higher than the server's Maximum QoS. CONNACK, DISCONNECT. */
  MQTTREASONCODE_QOS_NOT_SUPPORTED = 155,
  /** Use another server for the time being. CONNACK, DISCONNECT. */
  MQTTREASONCODE_USE_ANOTHER_SERVER = 156,
  /** Use another server from now on. CONNACK, DISCONNECT. */
  MQTTREASONCODE_SERVER_MOVED = 157,
  /** The server does not support shared subscriptions. SUBACK, DISCONNECT. */
  MQTTREASONCODE_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 158,
  /** Too many connections in too short a time. CONNACK, DISCONNECT. */
  MQTTREASONCODE_CONNECTION_RATE_EXCEEDED = 159,
  /** The connection has lasted as long as it was allowed to. DISCONNECT. */
  MQTTREASONCODE_MAXIMUM_CONNECT_TIME = 160,
  /** The server does not support subscription identifiers. SUBACK, DISCONNECT. */
  MQTTREASONCODE_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 161,
  /** The server does not support wildcards in subscriptions. SUBACK, DISCONNECT. */
  MQTTREASONCODE_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 162
};

/**
 * The name of a reason code, for messages to people.
 *
 * @param value the reason code.
 * @return the name, which belongs to the library, or NULL for a code that MQTT 5 does not define.
 */
LIBMQTT_API const char *MQTTReasonCode_toString(enum MQTTReasonCodes value);

#if defined(__cplusplus)
}
#endif

#endif
