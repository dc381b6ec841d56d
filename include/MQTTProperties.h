/**
 * @file MQTTProperties.h
 *
 * MQTT 5 properties: name and value pairs that go with most packets, kept in lists.
 *
 * @code
 * MQTTProperties props = MQTTProperties_initializer;
 * MQTTProperty property;
 *
 * property.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL;
 * property.value.integer4 = 60;
 * MQTTProperties_add(&props, &property);
 * // ... use the list ...
 * MQTTProperties_free(&props);
 * @endcode
 */

#if !defined(MQTTPROPERTIES_H)
#define MQTTPROPERTIES_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#include <stddef.h>
#include <stdint.h>
#include "MQTTExportDeclarations.h"

#if defined(__cplusplus)
extern "C" {
#endif

/** What MQTTProperties_add() returns for an identifier that MQTT 5 does not know. */
#define MQTT_INVALID_PROPERTY_ID (-2)

/** Identifiers of the MQTT 5 properties. Each one's value has the type that MQTTProperty_getType() tells. */
enum MQTTPropertyCodes {
  /** Byte. 1: the payload is UTF-8 text. PUBLISH, will. */
  MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR = 1,
  /** Four bytes: seconds until the message expires. PUBLISH, will. */
  MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL = 2,
  /** String: what the payload contains, a MIME type for instance. PUBLISH, will. */
  MQTTPROPERTY_CODE_CONTENT_TYPE = 3,
  /** String: the topic to send a response to. PUBLISH, will. */
  MQTTPROPERTY_CODE_RESPONSE_TOPIC = 8,
  /** Binary: tells the requester which request a response belongs to. PUBLISH, will. */
  MQTTPROPERTY_CODE_CORRELATION_DATA = 9,
  /** Variable byte integer: identifier of the subscription(s) that a message matched. SUBSCRIBE, PUBLISH. */
  MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER = 11,
  /** Four bytes: seconds that the session outlives the connection. CONNECT, CONNACK, DISCONNECT. */
  MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL = 17,
  /** String: the client identifier that the server chose. CONNACK. */
  MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFIER = 18,
  /** The same under the name that it had, with its spelling mistake, before it was corrected. */
  MQTTPROPERTY_CODE_ASSIGNED_CLIENT_IDENTIFER = 18,
  /** Two bytes: the keep alive interval in seconds that the server wants used. CONNACK. */
  MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE = 19,
  /** String: name of the extended authentication method. CONNECT, CONNACK, AUTH. */
  MQTTPROPERTY_CODE_AUTHENTICATION_METHOD = 21,
  /** Binary: data of the extended authentication. CONNECT, CONNACK, AUTH. */
  MQTTPROPERTY_CODE_AUTHENTICATION_DATA = 22,
  /** Byte. 0: the server should leave out reason strings and user properties. CONNECT. */
  MQTTPROPERTY_CODE_REQUEST_PROBLEM_INFORMATION = 23,
  /** Four bytes: seconds to wait before the will message is published. Will. */
  MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL = 24,
  /** Byte. 1: the server is asked for response information. CONNECT. */
  MQTTPROPERTY_CODE_REQUEST_RESPONSE_INFORMATION = 25,
  /** String: what to build response topics from. CONNACK. */
  MQTTPROPERTY_CODE_RESPONSE_INFORMATION = 26,
  /** String: another server to use. CONNACK, DISCONNECT. */
  MQTTPROPERTY_CODE_SERVER_REFERENCE = 28,
  /** String: diagnostic text for a reason code. Every acknowledgement, DISCONNECT, AUTH. */
  MQTTPROPERTY_CODE_REASON_STRING = 31,
  /**
   * Two bytes: how many QoS 1 and 2 messages the sender takes without having acknowledged them. CONNECT, CONNACK.
   */
  MQTTPROPERTY_CODE_RECEIVE_MAXIMUM = 33,
  /** Two bytes: the highest topic alias that the sender accepts. CONNECT, CONNACK. */
  MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM = 34,
  /** Two bytes: a number that stands for the topic name. PUBLISH. */
  MQTTPROPERTY_CODE_TOPIC_ALIAS = 35,
  /** Byte: the highest quality of service that the server supports. CONNACK. */
  MQTTPROPERTY_CODE_MAXIMUM_QOS = 36,
  /** Byte. 0: the server does not support retained messages. CONNACK. */
  MQTTPROPERTY_CODE_RETAIN_AVAILABLE = 37,
  /**
   * String pair: a name and a value, whose meaning is up to the programs. Every packet but pings; may be repeated.
   */
  MQTTPROPERTY_CODE_USER_PROPERTY = 38,
  /** Four bytes: size in bytes of the largest packet that the sender accepts. CONNECT, CONNACK. */
  MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE = 39,
  /** Byte. 0: the server does not support wildcards in subscriptions. CONNACK. */
  MQTTPROPERTY_CODE_WILDCARD_SUBSCRIPTION_AVAILABLE = 40,
  /** Byte. 0: the server does not support subscription identifiers. CONNACK. */
  MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIERS_AVAILABLE = 41,
  /** Byte. 0: the server does not support shared subscriptions. CONNACK. */
  MQTTPROPERTY_CODE_SHARED_SUBSCRIPTION_AVAILABLE = 42
};

/**
 * A string or binary data with its length. What the library hands out ends in a NUL that `len` does not count; what
 * the program passes in need not.
 */
typedef struct MQTTLenString {
  /** Number of bytes, at most 65,535. */
  int len;
  /** The bytes. May be NULL when `len` is 0. */
  char *data;
} MQTTLenString;

/** One MQTT 5 property: an identifier and the value. */
typedef struct MQTTProperty {
  /** Which property this is. */
  enum MQTTPropertyCodes identifier;
  /** The value, in the member that the identifier's type (MQTTProperty_getType()) says. */
  union {
    /** A one-byte integer. */
    unsigned char byte;
    /** A two-byte integer. */
    unsigned short integer2;
    /** A four-byte or a variable byte integer. */
    unsigned int integer4;
    /** Strings and binary data. */
    #if defined(__GNUC__)
    __extension__
    #endif
    struct {
      /** Value of a string or binary property; name of a user property. */
      MQTTLenString data;
      /** Value of a user property; not used by others. */
      MQTTLenString value;
    };
  } value;
} MQTTProperty;

/**
 * A list of MQTT 5 properties, in order.
 *
 * Start from #MQTTProperties_initializer, fill it with MQTTProperties_add(), give it back with
 * MQTTProperties_free(). Functions of the library that take a list copy what they need: it stays the program's.
 * A list is not protected against use by several threads at a time.
 */
typedef struct MQTTProperties {
  /** Number of properties in the list. */
  int count;
  /** Number of properties there is room for at present. */
  int max_count;
  /** Bytes that the properties take in an MQTT packet, not counting the length that precedes them. */
  int length;
  /** The properties. Managed by the functions below: do not allocate or free it. */
  MQTTProperty *array;
} MQTTProperties;

/** An empty list. */
#define MQTTProperties_initializer { 0, 0, 0, NULL }

/** Types of property values: they say which member of ::MQTTProperty holds the value. */
enum MQTTPropertyTypes {
  /** `value.byte` */
  MQTTPROPERTY_TYPE_BYTE = 0,
  /** `value.integer2` */
  MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER = 1,
  /** `value.integer4` */
  MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER = 2,
  /** `value.integer4`, at most 268,435,455 */
  MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER = 3,
  /** `value.data` */
  MQTTPROPERTY_TYPE_BINARY_DATA = 4,
  /** `value.data` */
  MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING = 5,
  /** `value.data` (the name) and `value.value` (the value) */
  MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR = 6
};

/**
 * The name of a property identifier, as its constant has it after `MQTTPROPERTY_CODE_`.
 *
 * @param value the identifier.
 * @return the name, which belongs to the library, or NULL for an identifier that MQTT 5 does not define.
 */
LIBMQTT_API const char *MQTTPropertyName(enum MQTTPropertyCodes value);

/**
 * The type of a property's value.
 *
 * @param value the identifier.
 * @return a value of enum MQTTPropertyTypes, or -1 for an identifier that MQTT 5 does not define.
 */
LIBMQTT_API int MQTTProperty_getType(enum MQTTPropertyCodes value);

/**
 * Adds a copy of a property to the end of a list. Strings and binary data are copied as well.
 *
 * @param props the list.
 * @param prop the property: it stays the program's.
 * @return 0; #MQTT_INVALID_PROPERTY_ID if MQTT 5 does not define its identifier; #MQTTCLIENT_NULL_PARAMETER if a
 *         pointer is NULL (that to a string may be if the length is 0); #MQTTCLIENT_FAILURE for a string whose length
 *         is negative or more than 65,535, for a list that these functions cannot have made (a negative count, more
 *         entries than there is room for, no array), and for a list that no packet could hold; -99 if there is no
 *         memory. The list is unchanged unless 0 is returned.
 */
LIBMQTT_API int MQTTProperties_add(MQTTProperties *props, const MQTTProperty *prop);

/**
 * Frees what a list holds and makes it an empty one. The structure itself stays the program's.
 *
 * @param properties the list; nothing is done if it is NULL.
 */
LIBMQTT_API void MQTTProperties_free(MQTTProperties *properties);

/**
 * Copies a list, with all that it holds.
 *
 * @param props the list.
 * @return the copy, to be freed with MQTTProperties_free(). Empty if \p props is NULL.
 */
LIBMQTT_API MQTTProperties MQTTProperties_copy(const MQTTProperties *props);

/**
 * Says whether a list has a property.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @return 1 if it has, 0 if it has not.
 */
LIBMQTT_API int MQTTProperties_hasProperty(const MQTTProperties *props, enum MQTTPropertyCodes propid);

/**
 * Counts how often a list has a property.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @return the number of entries with that identifier.
 */
LIBMQTT_API int MQTTProperties_propertyCount(const MQTTProperties *props, enum MQTTPropertyCodes propid);

/**
 * The value of a property of any of the integer types.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @return the value; -9999999 if the list does not have the property, -999999 if its value is not an integer.
 */
LIBMQTT_API int64_t MQTTProperties_getNumericValue(
    const MQTTProperties *props, enum MQTTPropertyCodes propid);

/**
 * The value of one of several properties with the same identifier, of any of the integer types.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @param index which of them: 0 is the first.
 * @return the value; -9999999 if the list does not have that many, -999999 if its value is not an integer.
 */
LIBMQTT_API int64_t MQTTProperties_getNumericValueAt(
    const MQTTProperties *props, enum MQTTPropertyCodes propid, int index);

/**
 * Finds a property.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @return the first entry with that identifier, in the list itself: valid until the list is changed or freed. NULL if
 *         there is none.
 */
LIBMQTT_API MQTTProperty *MQTTProperties_getProperty(
    const MQTTProperties *props, enum MQTTPropertyCodes propid);

/**
 * Finds one of several properties with the same identifier.
 *
 * @param props the list.
 * @param propid the property's identifier.
 * @param index which of them: 0 is the first.
 * @return the entry, in the list itself: valid until the list is changed or freed. NULL if there are not that many.
 */
LIBMQTT_API MQTTProperty *MQTTProperties_getPropertyAt(
    const MQTTProperties *props, enum MQTTPropertyCodes propid, int index);

/**
 * Bytes that a list takes in a packet, with the length that precedes it.
 *
 * @param props the list.
 * @return the number of bytes; 1, that of an empty list, if \p props is NULL.
 */
int MQTTProperties_len(const MQTTProperties *props);

/**
 * Writes a list as it stands in a packet: its length, then the properties. NULL is written as an empty list.
 *
 * @param pptr points at where to write, where there must be room for MQTTProperties_len() bytes; moved to the byte
 *        after what was written.
 * @param properties the list.
 * @return the number of bytes written, or #MQTTCLIENT_FAILURE if \p pptr is NULL or a value cannot stand in a packet.
 */
int MQTTProperties_write(char **pptr, const MQTTProperties *properties);

/**
 * Reads a list as it stands in a packet: its length, then the properties.
 *
 * @param properties receives the list, to be freed with MQTTProperties_free(). What it held before is not freed.
 * @param pptr points at where to read; moved to the byte after the list.
 * @param enddata the end of the packet: the byte after its last one.
 * @return 1, or 0 if there is no well formed list; it is empty then.
 */
int MQTTProperties_read(MQTTProperties *properties, char **pptr, char *enddata);

#if defined(__cplusplus)
}
#endif

#endif
