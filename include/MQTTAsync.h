/**
 * @file MQTTAsync.h
 *
 * The asynchronous API: calls return at once, and callbacks tell how it went. Link with `-lpaho-mqtt3a`, or with
 * `-lpaho-mqtt3as` for TLS.
 *
 * @code
 * void connected(void* context, MQTTAsync_successData* response) {
 *   MQTTAsync client = (MQTTAsync)context;
 *   MQTTAsync_send(client, "greetings", 5, "hello", 1, 0, NULL);
 * }
 *
 * MQTTAsync client;
 * MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
 *
 * MQTTAsync_create(&client, "tcp://localhost:1883", "me", MQTTCLIENT_PERSISTENCE_NONE, NULL);
 * options.onSuccess = connected;
 * options.context = client;
 * MQTTAsync_connect(client, &options);
 * @endcode
 *
 * Requests: connect, disconnect, subscribe, unsubscribe and send take options with two callbacks, of which exactly one is
 * called, once, if the call returned #MQTTASYNC_SUCCESS. If it returned anything else, none is. There is one exception: a
 * connect that MQTTAsync_destroy() breaks off calls neither.
 *
 * Threads: every function may be called from any thread at any time, from callbacks too, waiting ones included. The
 * callbacks of one client are called one after another, on a thread of the library's; those of different clients do not
 * wait for each other.
 *
 * Memory: what the program passes in is copied. What the library hands over says which function gives it back.
 *
 * Errors: functions return #MQTTASYNC_SUCCESS or a negative code, for which MQTTAsync_strerror() has a text. A handle that
 * is NULL, or of a client destroyed, is an error and nothing worse.
 */

#if !defined(MQTTASYNC_H)
#define MQTTASYNC_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#include <stddef.h>
#include <stdio.h>
#include "MQTTExportDeclarations.h"
#include "MQTTProperties.h"
#include "MQTTReasonCodes.h"
#include "MQTTSubscribeOpts.h"
#include "MQTTClientPersistence.h"

#if defined(__cplusplus)
extern "C" {
#endif

/** MQTT version to connect with: 3.1.1 first and, if the server refuses that, 3.1. */
#define MQTTVERSION_DEFAULT 0

/** MQTT version to connect with: 3.1 only. */
#define MQTTVERSION_3_1 3

/** MQTT version to connect with: 3.1.1 only. */
#define MQTTVERSION_3_1_1 4

/** MQTT version to connect with: 5.0 only. */
#define MQTTVERSION_5 5

/** What a 3.1.1 server answers for a topic filter that it refuses a subscription to. */
#define MQTT_BAD_SUBSCRIBE 128

/** TLS version: whatever client and server agree on, within the limits of the system's OpenSSL. */
#define MQTT_SSL_VERSION_DEFAULT 0

/** TLS version: 1.0 or any later one. */
#define MQTT_SSL_VERSION_TLS_1_0 1

/** TLS version: 1.1 or any later one. */
#define MQTT_SSL_VERSION_TLS_1_1 2

/** TLS version: 1.2 only. */
#define MQTT_SSL_VERSION_TLS_1_2 3

/** TLS version: 1.3 only. The original's headers do not have it. */
#define MQTT_SSL_VERSION_TLS_1_3 4

/** Return code: accepted. For a request with callbacks: one of them will tell how it went. */
#define MQTTASYNC_SUCCESS 0

/** Return code: failed for a reason that no other code names, such as an unreachable server or a timeout. */
#define MQTTASYNC_FAILURE (-1)

/** Return code: the message store could not do its work. */
#define MQTTASYNC_PERSISTENCE_ERROR (-2)

/** Return code: the client is not connected. */
#define MQTTASYNC_DISCONNECTED (-3)

/** Not returned: messages beyond `maxInflight` wait their turn. */
#define MQTTASYNC_MAX_MESSAGES_INFLIGHT (-4)

/** Return code: a string is not valid UTF-8, or has a character that MQTT does not allow. */
#define MQTTASYNC_BAD_UTF8_STRING (-5)

/** Return code: a parameter is NULL that must not be. */
#define MQTTASYNC_NULL_PARAMETER (-6)

/**
 * Code for a topic that contains a NUL. Not returned: MQTT forbids such topics, and a server that sends one is
 * disconnected.
 */
#define MQTTASYNC_TOPICNAME_TRUNCATED (-7)

/** Return code: a structure does not have the eye catcher and version that it should. Use its initializer. */
#define MQTTASYNC_BAD_STRUCTURE (-8)

/** Return code: a quality of service is not 0, 1 or 2. */
#define MQTTASYNC_BAD_QOS (-9)

/** Return code: all 65,535 packet identifiers are in use. */
#define MQTTASYNC_NO_MORE_MSGIDS (-10)

/**
 * Code given to onFailure: the connection or the session ended, or the client was destroyed, before the request was
 * complete; or the message expired while it waited.
 */
#define MQTTASYNC_OPERATION_INCOMPLETE (-11)

/** Return code: the buffer for messages which wait for a connection is full. */
#define MQTTASYNC_MAX_BUFFERED_MESSAGES (-12)

/**
 * Return code of connecting: an entry of `serverURIs` asks for TLS, and this is a library without TLS. For a client's own
 * URI creating it fails with #MQTTASYNC_BAD_PROTOCOL.
 */
#define MQTTASYNC_SSL_NOT_SUPPORTED (-13)

/**
 * Return code: the server URI begins with a protocol that the library does not know; one without TLS does not know those
 * with.
 */
#define MQTTASYNC_BAD_PROTOCOL (-14)

/** Return code: an option was used that belongs to another MQTT version. */
#define MQTTASYNC_BAD_MQTT_OPTION (-15)

/**
 * Return code: a function was called that belongs to another MQTT version than the client was created for.
 */
#define MQTTASYNC_WRONG_MQTT_VERSION (-16)

/** Return code: the will's topic is empty. */
#define MQTTASYNC_0_LEN_WILL_TOPIC (-17)

/**
 * Return code: the client is connected already, or a connect or disconnect is under way, so this one is ignored.
 */
#define MQTTASYNC_COMMAND_IGNORED (-18)

/** Return code: `maxBufferedMessages` is not a number that can be used. */
#define MQTTASYNC_MAX_BUFFERED (-19)

/** What MQTTAsync_isConnected() and MQTTAsync_isComplete() return for yes. */
#define MQTTASYNC_TRUE 1

/** Options of the process-wide initialisation. */
typedef struct MQTTAsync_init_options {
  /** Eye catcher: the characters `MQTG`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /** Has no effect: OpenSSL initialises itself when it is first used, by whomever. */
  int do_openssl_init;
} MQTTAsync_init_options;

/** The program takes care of OpenSSL. */
#define MQTTAsync_init_options_initializer { {'M', 'Q', 'T', 'G'}, 0, 0 }

/**
 * A client, as made by MQTTAsync_create(). An opaque handle: after MQTTAsync_destroy() every function refuses it.
 */
typedef void *MQTTAsync;

/**
 * Called when a MQTT 5 server ends the connection with a DISCONNECT packet, which says why.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
 *
 * @param context what was given to MQTTAsync_setDisconnected().
 * @param properties the packet's properties; they belong to the library.
 * @param reasonCode the packet's reason code.
 */
typedef void MQTTAsync_disconnected(
    void *context, MQTTProperties *properties, enum MQTTReasonCodes reasonCode);

/** What a program may change before an automatic reconnect: see ::MQTTAsync_updateConnectOptions. */
typedef struct MQTTAsync_connectData {
  /** Eye catcher: the characters `MQCD`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /** User name, or NULL for none. */
  const char *username;
  /** Password, as text or not. */
  struct {
    /** Length in bytes. */
    int len;
    /** The bytes. */
    const void *data;
  } binarypwd;
} MQTTAsync_connectData;

/** No user name, no password. */
#define MQTTAsync_connectData_initializer { {'M', 'Q', 'C', 'D'}, 0, NULL, {0, NULL} }

/**
 * Called before each automatic reconnect, so that a program can replace credentials which have expired.
 *
 * User name and password belong to the library. To replace one, first give the old one to MQTTAsync_free() if it is
 * not NULL, then set the member to memory from MQTTAsync_malloc(), which the library will free.
 *
 * Runs on a thread of the library's.
 *
 * @param context what was given to MQTTAsync_setUpdateConnectOptions().
 * @param data the credentials.
 * @return other than 0: the credentials have changed. 0: they have not.
 */
typedef int MQTTAsync_updateConnectOptions(void *context, MQTTAsync_connectData *data);

/**
 * Called once when the connection is lost without MQTTAsync_disconnect() having been called. Not called when a MQTT 5
 * server has ended it with a DISCONNECT packet: for that there is MQTTAsync_setDisconnected(). The client stays usable: it
 * can connect again, from within this function too, and does so by itself where `automaticReconnect` is set.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
 *
 * @param context what was given to MQTTAsync_setCallbacks().
 * @param cause why the connection was lost; belongs to the library.
 */
typedef void MQTTAsync_connectionLost(void *context, char *cause);

/**
 * A message: what is published, and what arrives.
 *
 * In a message that the program passes in, everything belongs to the program and is copied before the call
 * returns. A message that the library hands over, with payload and properties, belongs to the program from then on:
 * give it back with MQTTClient_freeMessage() or MQTTAsync_freeMessage().
 */
typedef struct MQTTAsync_message {
  /** Eye catcher: the characters `MQTM`. */
  char struct_id[4];
  /** Version of this structure. 0: there are no properties; 1: the whole. */
  int struct_version;
  /** Length of the payload in bytes. */
  int payloadlen;
  /**
   * The payload: any bytes, with no terminating NUL expected or added. May be NULL when `payloadlen` is 0.
   */
  void *payload;
  /**
   * Quality of service. 0: at most once, the message may get lost; 1: at least once, it may come twice; 2: exactly
   * once.
   */
  int qos;
  /**
   * When publishing, 1: the server keeps the message as the topic's retained message, and gives it to each new
   * subscriber. On arrival, 1: this is such a retained message; 0: it has just been published.
   */
  int retained;
  /**
   * On arrival, 1: the sender has sent this message before, at QoS 1 or 2, and has seen no acknowledgement. Not used
   * when publishing.
   */
  int dup;
  /** On arrival: the packet identifier, at QoS 1 and 2. Not used when publishing. */
  int msgid;
  /** MQTT 5 properties of the message. */
  MQTTProperties properties;
} MQTTAsync_message;

/** An empty message of QoS 0, not retained. */
#define MQTTAsync_message_initializer \
  { {'M', 'Q', 'T', 'M'}, 1, 0, NULL, 0, 0, 0, 0, MQTTProperties_initializer }

/**
 * Called for each message that arrives.
 *
 * Runs on a thread of the library's, one call at a time for each client, in the order of arrival. It may take its
 * time, and it may call any function of the library, for this client too.
 *
 * @param context what was given to MQTTAsync_setCallbacks().
 * @param topicName the topic. Yours when 1 is returned: give it to MQTTAsync_free().
 * @param topicLen length of the topic in bytes. A NUL follows the topic as well.
 * @param message the message. Yours when 1 is returned: give it to MQTTAsync_freeMessage().
 * @return 1: taken. 0: not taken; then free nothing, and the same message is offered again a little later.
 */
typedef int MQTTAsync_messageArrived(
    void *context, char *topicName, int topicLen, MQTTAsync_message *message);

/**
 * Identifies a request: see MQTTAsync_waitForCompletion(), MQTTAsync_isComplete() and MQTTAsync_getPendingTokens().
 * Unique among the requests which the client has under way.
 */
typedef int MQTTAsync_token;

/**
 * Called when a message of QoS 1 or 2 has been delivered, or refused by a MQTT 5 server: the last acknowledgement is there.
 * Before the callbacks of the request itself, and independent of them.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
 *
 * @param context what was given to MQTTAsync_setCallbacks().
 * @param token the token of the request.
 */
typedef void MQTTAsync_deliveryComplete(void *context, MQTTAsync_token token);

/**
 * Called each time a connection is complete: the first one, and every automatic one. After the onSuccess of the connect.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_messageArrived does.
 *
 * @param context what was given to MQTTAsync_setConnected().
 * @param cause "connect onSuccess called" or "automatic reconnect"; belongs to the library.
 */
typedef void MQTTAsync_connected(void *context, char *cause);

/** Options of MQTTAsync_createWithOptions(). */
typedef struct MQTTAsync_createOptions {
  /** Eye catcher: the characters `MQCO`. */
  char struct_id[4];
  /**
   * Version of this structure. 0: up to `maxBufferedMessages`; 1: up to `allowDisconnectedSendAtAnyTime`; 2 or 3: the
   * whole.
   */
  int struct_version;
  /** 1: messages can be sent while the client is not connected; they wait in a buffer. */
  int sendWhileDisconnected;
  /** How many messages may wait in that buffer. */
  int maxBufferedMessages;
  /** The MQTT version the client is for: one of the `MQTTVERSION_` constants. */
  int MQTTVersion;
  /** 1: sending is possible even before the first connection. 0: only once there has been one. */
  int allowDisconnectedSendAtAnyTime;
  /**
   * When the buffer is full, 1: the oldest message is dropped (its onFailure is called). 0: the new one is refused
   * with #MQTTASYNC_MAX_BUFFERED_MESSAGES.
   */
  int deleteOldestMessages;
  /**
   * 1: messages that the store holds and that were waiting, to be sent or for the program to take them, are taken over.
   * 0: they are removed. What was in flight is taken over in any case.
   */
  int restoreMessages;
  /** 1: messages of QoS 0 that wait for a connection are put into the store as well. 0: they are not. */
  int persistQoS0;
} MQTTAsync_createOptions;

/** A client for MQTT 3.1.1 and 3.1 that does not buffer messages while it is not connected. */
#define MQTTAsync_createOptions_initializer \
  { {'M', 'Q', 'C', 'O'}, 2, 0, 100, MQTTVERSION_DEFAULT, 0, 0, 1, 1 }

/** A client for MQTT 5 that does not buffer messages while it is not connected. */
#define MQTTAsync_createOptions_initializer5 { {'M', 'Q', 'C', 'O'}, 2, 0, 100, MQTTVERSION_5, 0, 0, 1, 1 }

/**
 * The will: a message that the server publishes for the client when its connection is lost without having been
 * closed by a disconnect. Copied by the connect call.
 */
typedef struct MQTTAsync_willOptions {
  /** Eye catcher: the characters `MQTW`. */
  char struct_id[4];
  /**
   * Version of this structure. 0: the payload is the text in `message`, there is no `payload`; 1: the whole.
   */
  int struct_version;
  /** The topic to publish to. Not NULL, not empty. */
  const char *topicName;
  /** The payload as text. NULL to use `payload` instead. */
  const char *message;
  /** 1: the server keeps the will as the topic's retained message. */
  int retained;
  /** Quality of service of the will: 0, 1 or 2. */
  int qos;
  /** The payload as binary data; looked at when `message` is NULL. */
  struct {
    /** Length in bytes. */
    int len;
    /** The bytes. */
    const void *data;
  } payload;
} MQTTAsync_willOptions;

/** A will of QoS 0, not retained, that still lacks its topic. */
#define MQTTAsync_willOptions_initializer { {'M', 'Q', 'T', 'W'}, 1, NULL, NULL, 0, 0, {0, NULL} }

/**
 * TLS options, for server URIs that begin with `ssl://`, `tls://`, `mqtts://` or `wss://`. Files are in PEM format.
 * Everything is copied by the connect call, except what the two contexts point at.
 */
typedef struct MQTTAsync_SSLOptions {
  /** Eye catcher: the characters `MQTS`. */
  char struct_id[4];
  /**
   * Version of this structure. 0: up to `enableServerCertAuth`; 1: up to `sslVersion`; 2: up to `CApath`; 3: up to
   * `ssl_error_context`; 4: up to `disableDefaultTrustStore`; 5: the whole.
   */
  int struct_version;
  /**
   * File with the certificates of the authorities that are trusted, or NULL. Here, in `keyStore` and in `privateKey` a text
   * that has `-----BEGIN ` in it is no file's name but the PEM itself, and a URI that begins with `pkcs11:` is opened
   * through OpenSSL's store: a provider for such URIs has to be loaded, which `openssl.cnf` names.
   */
  const char *trustStore;
  /** File with the client's certificate chain, or NULL. It may hold the private key too. */
  const char *keyStore;
  /** File with the client's private key, or NULL if it is in `keyStore`. */
  const char *privateKey;
  /** Pass phrase of an encrypted private key, or NULL. */
  const char *privateKeyPassword;
  /** Cipher suites to offer, in the form of OpenSSL's `ciphers` command; NULL for OpenSSL's default. */
  const char *enabledCipherSuites;
  /**
   * 1: the server's certificate must be one that the trusted authorities vouch for. 0: it is not looked at, and the
   * server could be anybody.
   */
  int enableServerCertAuth;
  /** TLS version: one of the `MQTT_SSL_VERSION_` constants. */
  int sslVersion;
  /** 1: the certificate must also have been issued to the host name in the server URI. */
  int verify;
  /** Directory of certificates of trusted authorities, prepared by `openssl rehash`, or NULL. */
  const char *CApath;
  /**
   * Called with each line of OpenSSL's account of an error, its length in bytes and `ssl_error_context`. A line ends with
   * a line feed. NULL for none. Return 1 to be told of the next line, 0 to hear no more of this error.
   *
   * Called before the program is told of what the error led to: the failure of a connect, the loss of a connection.
   * With `MQTTAsync`, and for a lost connection of an `MQTTClient` that has callbacks, it runs on a thread of the
   * library's as the other callbacks do. Otherwise it runs on the program's thread, before `MQTTClient_connect` or
   * the function that found the connection lost returns. It may take its time and call any function of the library.
   * It is not called any more once the client has been destroyed.
   */
  int (*ssl_error_cb)(const char *str, size_t len, void *u);
  /** Passed to `ssl_error_cb`. */
  void *ssl_error_context;
  /**
   * Asked for the identity and the key of a pre-shared key connection: writes both into the buffers given and
   * returns the length of the key in bytes, 0 for an error. NULL for none.
   *
   * Runs on a thread of the library's, during each attempt to connect. It may take its time, within the
   * connect's timeout, and call any function of the library that does not wait for this connect. It is not called
   * any more once the client has been destroyed.
   */
  unsigned int (*ssl_psk_cb)(const char *hint,
                             char *identity,
                             unsigned int max_identity_len,
                             unsigned char *psk,
                             unsigned int max_psk_len,
                             void *u);
  /** Passed to `ssl_psk_cb`. */
  void *ssl_psk_context;
  /** 1: the system's own list of authorities is not trusted. 0: it is, besides `trustStore` and `CApath`. */
  int disableDefaultTrustStore;
  /** Protocols to offer by ALPN: each as one byte with its length, then its name. NULL for none. */
  const unsigned char *protos;
  /** Length of `protos` in bytes. */
  unsigned int protos_len;
} MQTTAsync_SSLOptions;

/** The server's certificate is checked against the authorities that the system trusts. */
#define MQTTAsync_SSLOptions_initializer \
  { {'M', 'Q', 'T', 'S'}, 5, NULL, NULL, NULL, NULL, NULL, 1, MQTT_SSL_VERSION_DEFAULT, 0, NULL, NULL, \
  NULL, NULL, NULL, 0, NULL, 0 }

/**
 * About a request that succeeded, MQTT 3.1 and 3.1.1. Belongs to the library and is valid during the callback only.
 */
typedef struct MQTTAsync_successData {
  /** The request. */
  MQTTAsync_token token;
  /**
   * Details, in the member for the kind of request. There are none for MQTTAsync_unsubscribe() and
   * MQTTAsync_disconnect().
   */
  union {
    /** MQTTAsync_subscribe(): the quality of service granted. */
    int qos;
    /**
     * MQTTAsync_subscribeMany(): the quality of service granted for each topic, #MQTT_BAD_SUBSCRIBE for one refused.
     */
    int *qosList;
    /** MQTTAsync_send() and MQTTAsync_sendMessage(): what was published. */
    struct {
      /** The message. */
      MQTTAsync_message message;
      /** The topic it was published to. */
      char *destinationName;
    } pub;
    /** MQTTAsync_connect(): the connection. */
    struct {
      /** The server. */
      char *serverURI;
      /** The MQTT version in use. */
      int MQTTVersion;
      /** 1: the server has resumed an earlier session. */
      int sessionPresent;
    } connect;
  } alt;
} MQTTAsync_successData;

/**
 * Called when a request has succeeded, MQTT 3.1 and 3.1.1. Of a request's callbacks exactly one is called, once.
 *
 * Runs on a thread of the library's, one call at a time for each client. It may take its time, and it may call any
 * function of the library, for this client too.
 *
 * @param context the context given with the request.
 * @param response about the request; may be NULL. Belongs to the library.
 */
typedef void MQTTAsync_onSuccess(void *context, MQTTAsync_successData *response);

/** Why a request failed, MQTT 3.1 and 3.1.1. Belongs to the library and is valid during the callback only. */
typedef struct MQTTAsync_failureData {
  /** The request. */
  MQTTAsync_token token;
  /** A negative `MQTTASYNC_` code, or the positive code of the server's refusal. */
  int code;
  /** A text about the failure, or NULL. */
  const char *message;
} MQTTAsync_failureData;

/**
 * Called when a request has failed, MQTT 3.1 and 3.1.1. Of a request's callbacks exactly one is called, once.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
 *
 * @param context the context given with the request.
 * @param response about the failure; may be NULL. Belongs to the library.
 */
typedef void MQTTAsync_onFailure(void *context, MQTTAsync_failureData *response);

/** About a request that succeeded, MQTT 5. Belongs to the library and is valid during the callback only. */
typedef struct MQTTAsync_successData5 {
  /** Eye catcher: the characters `MQSD`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /** The request. */
  MQTTAsync_token token;
  /** The reason code in the server's answer; 0 for a message published. */
  enum MQTTReasonCodes reasonCode;
  /** Properties of the server's answer; of a message published its own, if the answer has none. */
  MQTTProperties properties;
  /** Details, in the member for the kind of request. There are none for MQTTAsync_disconnect(). */
  union {
    /** MQTTAsync_subscribe() and MQTTAsync_subscribeMany(): the server's answers. */
    struct {
      /** Number of entries in `reasonCodes`. */
      int reasonCodeCount;
      /**
       * One reason code for each topic. The first one is in `reasonCode` of the structure too; the original has it there only
       * if there is one topic.
       */
      enum MQTTReasonCodes *reasonCodes;
    } sub;
    /** MQTTAsync_send() and MQTTAsync_sendMessage(): what was published. */
    struct {
      /** The message. */
      MQTTAsync_message message;
      /** The topic it was published to. */
      char *destinationName;
    } pub;
    /** MQTTAsync_connect(): the connection. */
    struct {
      /** The server. */
      char *serverURI;
      /** The MQTT version in use. */
      int MQTTVersion;
      /** 1: the server has resumed an earlier session. */
      int sessionPresent;
    } connect;
    /** MQTTAsync_unsubscribe() and MQTTAsync_unsubscribeMany(): the server's answers. */
    struct {
      /** Number of entries in `reasonCodes`. */
      int reasonCodeCount;
      /**
       * One reason code for each topic. The first one is in `reasonCode` of the structure too; the original has it there only
       * if there is one topic.
       */
      enum MQTTReasonCodes *reasonCodes;
    } unsub;
  } alt;
} MQTTAsync_successData5;

/** Nothing to say. */
#define MQTTAsync_successData5_initializer \
  { {'M', 'Q', 'S', 'D'}, 0, 0, MQTTREASONCODE_SUCCESS, MQTTProperties_initializer, { {0, NULL} } }

/**
 * Called when a MQTT 5 request has succeeded. Of a request's callbacks exactly one is called, once.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
 *
 * @param context the context given with the request.
 * @param response about the request. Belongs to the library.
 */
typedef void MQTTAsync_onSuccess5(void *context, MQTTAsync_successData5 *response);

/** Why a request failed, MQTT 5. Belongs to the library and is valid during the callback only. */
typedef struct MQTTAsync_failureData5 {
  /** Eye catcher: the characters `MQFD`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /** The request. */
  MQTTAsync_token token;
  /** The reason code in the server's answer, if that is what failed the request. */
  enum MQTTReasonCodes reasonCode;
  /** Properties of the server's answer. */
  MQTTProperties properties;
  /**
   * A negative `MQTTASYNC_` code; 0 where `reasonCode` says it all; of a refused connect the reason code again.
   */
  int code;
  /** A text about the failure, or NULL. */
  const char *message;
  /** Type of the packet that failed the request, as in the MQTT specification (5 for PUBREC); 0 for none. */
  int packet_type;
} MQTTAsync_failureData5;

/** Nothing to say. */
#define MQTTAsync_failureData5_initializer \
  { {'M', 'Q', 'F', 'D'}, 0, 0, MQTTREASONCODE_SUCCESS, MQTTProperties_initializer, 0, NULL, 0 }

/**
 * Called when a MQTT 5 request has failed. Of a request's callbacks exactly one is called, once.
 *
 * Runs on a thread of the library's, as ::MQTTAsync_onSuccess does.
 *
 * @param context the context given with the request.
 * @param response about the failure. Belongs to the library.
 */
typedef void MQTTAsync_onFailure5(void *context, MQTTAsync_failureData5 *response);

/** A name and a value; in a list of them, an entry whose name is NULL is the end. */
typedef struct MQTTAsync_nameValue {
  /** The name, or NULL at the end of a list. */
  const char *name;
  /** The value. */
  const char *value;
} MQTTAsync_nameValue;

/**
 * Options of MQTTAsync_connect().
 *
 * Start from one of the initializers: #MQTTAsync_connectOptions_initializer, #MQTTAsync_connectOptions_initializer5
 * for MQTT 5, and their `_ws` forms for WebSockets. Everything is copied before the call returns.
 */
typedef struct MQTTAsync_connectOptions {
  /** Eye catcher: the characters `MQTC`. */
  char struct_id[4];
  /**
   * Version of this structure. 0: up to `context`, without `ssl`; 1: with `ssl`; 2: up to `serverURIs`; 3: up to
   * `MQTTVersion`; 4: up to `maxRetryInterval`; 5: up to `binarypwd`; 6: up to `onFailure5`; 7: up to `httpHeaders`;
   * 8: the whole. MQTT 5 needs at least 6.
   */
  int struct_version;
  /**
   * Keep alive interval in seconds: when nothing has been sent or nothing received for this long, a ping is sent; a
   * ping that stays unanswered ends the connection. 0: no pings.
   */
  int keepAliveInterval;
  /**
   * MQTT 3.1 and 3.1.1. 1: the session begins empty, and the server forgets it at the end of the connection.
   * 0: subscriptions and messages in flight of an earlier connection with this client identifier live on. With
   * MQTT 5 it must be 0: use `cleanstart`.
   */
  int cleansession;
  /** How many messages of QoS 1 and 2 may be in flight; more of them wait their turn. */
  int maxInflight;
  /** The will, or NULL for none. */
  MQTTAsync_willOptions *will;
  /** User name, or NULL for none. */
  const char *username;
  /** Password, or NULL for none; see also `binarypwd`. */
  const char *password;
  /** How many seconds connecting to one server with one MQTT version may take, all of it; at least 1. */
  int connectTimeout;
  /**
   * Has no effect: an unacknowledged message is sent again on the next connection only, as MQTT prescribes.
   */
  int retryInterval;
  /** TLS options; must not be NULL when the server URI asks for TLS. */
  MQTTAsync_SSLOptions *ssl;
  /** Called when connected, or NULL. MQTT 3.1 and 3.1.1; with MQTT 5 too, instead of `onSuccess5`. */
  MQTTAsync_onSuccess *onSuccess;
  /**
   * Called when no server accepted the connection, or NULL. MQTT 3.1 and 3.1.1; with MQTT 5 too, instead of `onFailure5`.
   */
  MQTTAsync_onFailure *onFailure;
  /** Passed to the callbacks; the library does not look at it. */
  void *context;
  /** Number of entries in `serverURIs`, 0 for none. */
  int serverURIcount;
  /**
   * Servers to try one after another until one accepts the connection, instead of the one that the client was
   * created with.
   */
  char *const *serverURIs;
  /** MQTT version: one of the `MQTTVERSION_` constants. */
  int MQTTVersion;
  /**
   * 1: a connection that was lost, or that could not be made, is made anew by the library, again and again until it
   * succeeds or the program disconnects. onFailure is called for the program's own attempt only.
   */
  int automaticReconnect;
  /** Seconds to wait before the first automatic attempt, at least 1. The time doubles with each failure... */
  int minRetryInterval;
  /**
   * ...up to this many seconds, and stays there. Each wait is up to a fifth longer or shorter, so that clients that lost
   * their server together do not come back together.
   */
  int maxRetryInterval;
  /** A password that is not text; looked at when `password` is NULL. */
  struct {
    /** Length in bytes. */
    int len;
    /** The bytes. */
    const void *data;
  } binarypwd;
  /**
   * MQTT 5. 1: the session begins empty. 0: an earlier session with this client identifier lives on. When the
   * session ends is up to #MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL.
   */
  int cleanstart;
  /** Properties of the connection, or NULL. MQTT 5. */
  MQTTProperties *connectProperties;
  /** Properties of the will, or NULL. MQTT 5. */
  MQTTProperties *willProperties;
  /** Called when connected, or NULL. MQTT 5. */
  MQTTAsync_onSuccess5 *onSuccess5;
  /** Called when no server accepted the connection, or NULL. MQTT 5. */
  MQTTAsync_onFailure5 *onFailure5;
  /** Headers to send with a WebSocket handshake; an entry with a NULL name is the end. NULL for none. */
  const MQTTAsync_nameValue *httpHeaders;
  /**
   * The proxy for connections without TLS, as `http://[user:password@]host:port`, `socks5://`... or, where the proxy is to
   * look names up, `socks5h://`... NULL for the one which the environment variable `http_proxy` or else `all_proxy` names,
   * where `PAHO_C_CLIENT_USE_HTTP_PROXY` is `TRUE` and `no_proxy` does not have the
   * server. Empty for none. A connect with a URL that cannot be used fails at once.
   */
  const char *httpProxy;
  /**
   * The proxy for connections with TLS, in the same form. NULL for the one which `https_proxy` names, likewise.
   */
  const char *httpsProxy;
} MQTTAsync_connectOptions;

/** MQTT 3.1.1 (or 3.1), a clean session, a keep alive interval of 60 seconds. */
#define MQTTAsync_connectOptions_initializer \
  { {'M', 'Q', 'T', 'C'}, 8, 60, 1, 65535, NULL, NULL, NULL, 30, 0, NULL, NULL, \
  NULL, NULL, 0, NULL, MQTTVERSION_DEFAULT, 0, 1, 60, {0, NULL}, 0, NULL, NULL, NULL, NULL, NULL, \
  NULL, NULL }

/** MQTT 5, a clean start, a keep alive interval of 60 seconds. */
#define MQTTAsync_connectOptions_initializer5 \
  { {'M', 'Q', 'T', 'C'}, 8, 60, 0, 65535, NULL, NULL, NULL, 30, 0, NULL, NULL, \
  NULL, NULL, 0, NULL, MQTTVERSION_5, 0, 1, 60, {0, NULL}, 1, NULL, NULL, NULL, NULL, NULL, \
  NULL, NULL }

/**
 * For WebSockets, with a keep alive interval below the minute after which proxies like to close a
 * connection: 45 seconds. MQTT 3.1.1 (or 3.1), a clean session.
 */
#define MQTTAsync_connectOptions_initializer_ws \
  { {'M', 'Q', 'T', 'C'}, 8, 45, 1, 65535, NULL, NULL, NULL, 30, 0, NULL, NULL, \
  NULL, NULL, 0, NULL, MQTTVERSION_DEFAULT, 0, 1, 60, {0, NULL}, 0, NULL, NULL, NULL, NULL, NULL, \
  NULL, NULL }

/** For WebSockets, with a keep alive interval of 45 seconds. MQTT 5, a clean start. */
#define MQTTAsync_connectOptions_initializer5_ws \
  { {'M', 'Q', 'T', 'C'}, 8, 45, 0, 65535, NULL, NULL, NULL, 30, 0, NULL, NULL, \
  NULL, NULL, 0, NULL, MQTTVERSION_5, 0, 1, 60, {0, NULL}, 1, NULL, NULL, NULL, NULL, NULL, \
  NULL, NULL }

/**
 * Options of MQTTAsync_disconnect().
 *
 * Start from #MQTTAsync_disconnectOptions_initializer, or #MQTTAsync_disconnectOptions_initializer5 for MQTT 5.
 */
typedef struct MQTTAsync_disconnectOptions {
  /** Eye catcher: the characters `MQTD`. */
  char struct_id[4];
  /** Version of this structure. 0: up to `context`; 1: the whole. */
  int struct_version;
  /** How many milliseconds to wait for messages in flight to be delivered before the connection is closed. */
  int timeout;
  /** Called when disconnected, or NULL. */
  MQTTAsync_onSuccess *onSuccess;
  /** Called when disconnecting has failed, or NULL. */
  MQTTAsync_onFailure *onFailure;
  /** Passed to the callbacks; the library does not look at it. */
  void *context;
  /** Properties to send. MQTT 5. */
  MQTTProperties properties;
  /** Reason code to send. MQTT 5. */
  enum MQTTReasonCodes reasonCode;
  /** Called when disconnected, or NULL. MQTT 5. */
  MQTTAsync_onSuccess5 *onSuccess5;
  /** Called when disconnecting has failed, or NULL. MQTT 5. */
  MQTTAsync_onFailure5 *onFailure5;
} MQTTAsync_disconnectOptions;

/** MQTT 3.1 and 3.1.1; no waiting for messages in flight. */
#define MQTTAsync_disconnectOptions_initializer \
  { {'M', 'Q', 'T', 'D'}, 0, 0, NULL, NULL, NULL, MQTTProperties_initializer, \
  MQTTREASONCODE_SUCCESS, NULL, NULL }

/** MQTT 5; no waiting for messages in flight. */
#define MQTTAsync_disconnectOptions_initializer5 \
  { {'M', 'Q', 'T', 'D'}, 1, 0, NULL, NULL, NULL, MQTTProperties_initializer, \
  MQTTREASONCODE_SUCCESS, NULL, NULL }

/**
 * Options of a request: whom to tell about its outcome, and the MQTT 5 details.
 *
 * Start from #MQTTAsync_responseOptions_initializer. Everything is copied before the call returns.
 */
typedef struct MQTTAsync_responseOptions {
  /** Eye catcher: the characters `MQTR`. */
  char struct_id[4];
  /** Version of this structure. 0: up to `token`, not with MQTT 5; 1: the whole. */
  int struct_version;
  /** Called on success, or NULL. MQTT 3.1 and 3.1.1: must be NULL with MQTT 5. */
  MQTTAsync_onSuccess *onSuccess;
  /** Called on failure, or NULL. MQTT 3.1 and 3.1.1: must be NULL with MQTT 5. */
  MQTTAsync_onFailure *onFailure;
  /** Passed to the callbacks; the library does not look at it. */
  void *context;
  /** Filled in by the call: identifies the request. */
  MQTTAsync_token token;
  /** Called on success, or NULL. MQTT 5. */
  MQTTAsync_onSuccess5 *onSuccess5;
  /** Called on failure, or NULL. MQTT 5. */
  MQTTAsync_onFailure5 *onFailure5;
  /**
   * Properties to send with the request. MQTT 5. Not for MQTTAsync_sendMessage(): the message has its own.
   */
  MQTTProperties properties;
  /** Options of the subscription, for MQTTAsync_subscribe(). MQTT 5. */
  MQTTSubscribe_options subscribeOptions;
  /** Number of entries in `subscribeOptionsList`: 0, or as many as there are topics. */
  int subscribeOptionsCount;
  /** Options of each subscription, for MQTTAsync_subscribeMany(). MQTT 5. NULL for the default. */
  MQTTSubscribe_options *subscribeOptionsList;
} MQTTAsync_responseOptions;

/** No callbacks, no properties. */
#define MQTTAsync_responseOptions_initializer \
  { {'M', 'Q', 'T', 'R'}, 1, NULL, NULL, NULL, 0, NULL, NULL, MQTTProperties_initializer, \
  MQTTSubscribe_options_initializer, 0, NULL }

/** Levels of detail of the trace, for MQTTAsync_setTraceLevel(). Each includes those after it. */
enum MQTTASYNC_TRACE_LEVELS {
  /** As #MQTTASYNC_TRACE_MINIMUM. */
  MQTTASYNC_TRACE_MAXIMUM = 1,
  /** As #MQTTASYNC_TRACE_MINIMUM. */
  MQTTASYNC_TRACE_MEDIUM = 2,
  /** Calls of the API's functions with their return codes, and what matters most of what the library does. */
  MQTTASYNC_TRACE_MINIMUM = 3,
  /** Each packet sent and received. */
  MQTTASYNC_TRACE_PROTOCOL = 4,
  /** Errors. */
  MQTTASYNC_TRACE_ERROR = 5,
  /** Errors inside the library. */
  MQTTASYNC_TRACE_SEVERE = 6,
  /** Errors after which the library cannot work. */
  MQTTASYNC_TRACE_FATAL = 7
};

/**
 * Called with each line of the trace. Runs on whichever thread has something to trace. It may call the library; what that
 * does on the same thread is not traced.
 *
 * @param level the line's level.
 * @param message the line, without an end of line; belongs to the library.
 */
typedef void MQTTAsync_traceCallback(enum MQTTASYNC_TRACE_LEVELS level, char *message);

/** Another name of ::MQTTAsync_responseOptions. */
typedef struct MQTTAsync_responseOptions MQTTAsync_callOptions;

/** Another name of #MQTTAsync_responseOptions_initializer. */
#define MQTTAsync_callOptions_initializer MQTTAsync_responseOptions_initializer

/**
 * Does nothing: the library and OpenSSL initialise themselves when they are first used. For programs that call it.
 *
 * @param inits the options: start from #MQTTAsync_init_options_initializer.
 */
LIBMQTT_API void MQTTAsync_global_init(MQTTAsync_init_options *inits);

/**
 * Sets the callback for a DISCONNECT packet from a MQTT 5 server.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setDisconnected(MQTTAsync handle, void *context, MQTTAsync_disconnected *co);

/**
 * Sets the callback that may renew user name and password before an automatic reconnect.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setUpdateConnectOptions(
    MQTTAsync handle, void *context, MQTTAsync_updateConnectOptions *co);

/**
 * Sets the callback that sees each record before it goes to the message store.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setBeforePersistenceWrite(
    MQTTAsync handle, void *context, MQTTPersistence_beforeWrite *co);

/**
 * Sets the callback that sees each record read from the message store.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setAfterPersistenceRead(
    MQTTAsync handle, void *context, MQTTPersistence_afterRead *co);

/**
 * Sets the callbacks of a client. May be called at any time; messages that arrive before there is a callback for them are
 * lost.
 *
 * This and the other functions that set a callback wait until the callback that another thread runs at that moment has
 * returned, for 10 seconds at most: what the old ones used may be freed then. Inside a callback they return at once.
 *
 * @param handle the client.
 * @param context passed to the callbacks; the library does not look at it.
 * @param cl called when the connection is lost, or NULL.
 * @param ma called for each message that arrives. Must not be NULL.
 * @param dc called for each message delivered, or NULL.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p ma is NULL.
 */
LIBMQTT_API int MQTTAsync_setCallbacks(
    MQTTAsync handle, void *context, MQTTAsync_connectionLost *cl, MQTTAsync_messageArrived *ma,
    MQTTAsync_deliveryComplete *dc);

/**
 * Sets the callback for a lost connection.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param cl the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setConnectionLostCallback(
    MQTTAsync handle, void *context, MQTTAsync_connectionLost *cl);

/**
 * Sets the callback for messages that arrive.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param ma the callback. Must not be NULL.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p ma is NULL.
 */
LIBMQTT_API int MQTTAsync_setMessageArrivedCallback(
    MQTTAsync handle, void *context, MQTTAsync_messageArrived *ma);

/**
 * Sets the callback for messages delivered.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param dc the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setDeliveryCompleteCallback(
    MQTTAsync handle, void *context, MQTTAsync_deliveryComplete *dc);

/**
 * Sets the callback for each completed connection, automatic ones included.
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_setConnected(MQTTAsync handle, void *context, MQTTAsync_connected *co);

/**
 * Connects anew, with the options of the last MQTTAsync_connect(), without waiting for the next automatic attempt. Of the
 * callbacks only that of MQTTAsync_setConnected() is called.
 *
 * @param handle the client.
 * @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_COMMAND_IGNORED: connected, or a connect or disconnect is under way;
 *         #MQTTASYNC_DISCONNECTED: MQTTAsync_connect() was never called; #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_reconnect(MQTTAsync handle);

/**
 * Makes a client. Nothing is sent yet.
 *
 * @param handle receives the client: destroy it with MQTTAsync_destroy().
 * @param serverURI the server, as `protocol://host:port`. The protocols are `tcp` and `mqtt`; with TLS `ssl`, `tls`
 *        and `mqtts`; `ws` and `wss` for WebSockets; `unix` with the path of a socket instead of host and port. An
 *        IPv6 address stands in brackets. Copied.
 * @param clientId the client identifier: UTF-8, unique on the server. Copied. If empty, the server makes one up; then there
 *        can be no #MQTTCLIENT_PERSISTENCE_DEFAULT, with MQTT 3.1.1 the session must be clean, and 3.1 cannot be used:
 *        the connect says so.
 * @param persistence_type where messages in flight are stored: #MQTTCLIENT_PERSISTENCE_DEFAULT,
 *        #MQTTCLIENT_PERSISTENCE_NONE or #MQTTCLIENT_PERSISTENCE_USER.
 * @param persistence_context what goes with that type: a directory's name or NULL, NULL, or a pointer to
 *        ::MQTTClient_persistence.
 * @return #MQTTASYNC_SUCCESS; #MQTTASYNC_NULL_PARAMETER; #MQTTASYNC_BAD_UTF8_STRING; #MQTTASYNC_BAD_PROTOCOL;
 *         #MQTTASYNC_PERSISTENCE_ERROR, or the code of a store of the program's, if the store cannot be opened or used, or is
 *         open already; #MQTTASYNC_FAILURE. What is wrong with host or port shows when connecting.
 */
LIBMQTT_API int MQTTAsync_create(
    MQTTAsync *handle, const char *serverURI, const char *clientId, int persistence_type,
    void *persistence_context);

/**
 * Makes a client with options: the MQTT version, and sending while there is no connection. Otherwise like
 * MQTTAsync_create().
 *
 * @param handle receives the client: destroy it with MQTTAsync_destroy().
 * @param serverURI the server: see MQTTAsync_create().
 * @param clientId the client identifier: see MQTTAsync_create().
 * @param persistence_type see MQTTAsync_create().
 * @param persistence_context see MQTTAsync_create().
 * @param options the options: start from #MQTTAsync_createOptions_initializer or
 *        #MQTTAsync_createOptions_initializer5. NULL for the default.
 * @return as MQTTAsync_create(); #MQTTASYNC_BAD_STRUCTURE for the options; #MQTTASYNC_MAX_BUFFERED.
 */
LIBMQTT_API int MQTTAsync_createWithOptions(
    MQTTAsync *handle, const char *serverURI, const char *clientId, int persistence_type,
    void *persistence_context, MQTTAsync_createOptions *options);

/**
 * Connects to the server. Returns at once: the outcome comes to one of the callbacks in the options.
 *
 * @param handle the client.
 * @param options the options: start from #MQTTAsync_connectOptions_initializer or
 *        #MQTTAsync_connectOptions_initializer5.
 * @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_COMMAND_IGNORED: connected, or a connect or disconnect is under way;
 *         #MQTTASYNC_NULL_PARAMETER, also where `ssl` is missing; #MQTTASYNC_BAD_STRUCTURE; #MQTTASYNC_BAD_UTF8_STRING;
 *         #MQTTASYNC_BAD_QOS and #MQTTASYNC_0_LEN_WILL_TOPIC for the will; #MQTTASYNC_BAD_MQTT_OPTION, also for an unknown
 *         MQTT version; #MQTTASYNC_WRONG_MQTT_VERSION; #MQTTASYNC_SSL_NOT_SUPPORTED; #MQTTASYNC_FAILURE, also for options that
 *         no server can be connected to with: MQTTAsync_strerror() says which. Unless it is #MQTTASYNC_SUCCESS no callback
 *         is called. What files of the TLS options hold is found in each attempt, as they may come later.
 */
LIBMQTT_API int MQTTAsync_connect(MQTTAsync handle, const MQTTAsync_connectOptions *options);

/**
 * Disconnects from the server, after having waited for messages in flight to be delivered. Returns at once: the
 * outcome comes to one of the callbacks in the options. Ends the automatic reconnect.
 *
 * @param handle the client.
 * @param options the options: start from #MQTTAsync_disconnectOptions_initializer or
 *        #MQTTAsync_disconnectOptions_initializer5. NULL: without waiting, and nobody is told.
 * @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED if it is not connected; #MQTTASYNC_COMMAND_IGNORED: a
 *         connect or disconnect is under way; #MQTTASYNC_BAD_STRUCTURE; #MQTTASYNC_BAD_MQTT_OPTION for the reason code or the
 *         properties; #MQTTASYNC_FAILURE.
 */
LIBMQTT_API int MQTTAsync_disconnect(MQTTAsync handle, const MQTTAsync_disconnectOptions *options);

/**
 * Says whether a client is connected.
 *
 * @param handle the client.
 * @return #MQTTASYNC_TRUE if it is, also while a disconnect waits for messages in flight; 0 if it is not, or if \p handle is
 *         not a client.
 */
LIBMQTT_API int MQTTAsync_isConnected(MQTTAsync handle);

/**
 * Subscribes to a topic. Returns at once: the outcome comes to one of the callbacks in the options.
 *
 * @param handle the client.
 * @param topic the topic filter, which may have wildcards.
 * @param qos the highest quality of service to receive messages at.
 * @param response options of the request, whose `token` is filled in; or NULL.
 * @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED; #MQTTASYNC_BAD_UTF8_STRING, also for NULL;
 *         #MQTTASYNC_BAD_QOS; #MQTTASYNC_BAD_MQTT_OPTION for the options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_FAILURE: not
 *         a client, or not a topic filter as MQTT has them.
 */
LIBMQTT_API int MQTTAsync_subscribe(
    MQTTAsync handle, const char *topic, int qos, MQTTAsync_responseOptions *response);

/**
 * Subscribes to several topics with one packet. Returns at once: the outcome comes to one of the callbacks in the
 * options.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @param qos for each topic, the highest quality of service to receive messages at.
 * @param response options of the request, whose `token` is filled in; or NULL.
 * @return as MQTTAsync_subscribe(); #MQTTASYNC_NULL_PARAMETER.
 */
LIBMQTT_API int MQTTAsync_subscribeMany(
    MQTTAsync handle, int count, char *const *topic, const int *qos, MQTTAsync_responseOptions *response);

/**
 * Ends a subscription. Returns at once: the outcome comes to one of the callbacks in the options.
 *
 * @param handle the client.
 * @param topic the topic filter, exactly as it was subscribed to.
 * @param response options of the request, whose `token` is filled in; or NULL.
 * @return #MQTTASYNC_SUCCESS: under way; #MQTTASYNC_DISCONNECTED; #MQTTASYNC_BAD_UTF8_STRING, also for NULL;
 *         #MQTTASYNC_BAD_MQTT_OPTION for the options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_FAILURE: not a client, or not a
 *         topic filter as MQTT has them.
 */
LIBMQTT_API int MQTTAsync_unsubscribe(
    MQTTAsync handle, const char *topic, MQTTAsync_responseOptions *response);

/**
 * Ends several subscriptions with one packet. Returns at once: the outcome comes to one of the callbacks in the
 * options.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @param response options of the request, whose `token` is filled in; or NULL.
 * @return as MQTTAsync_unsubscribe(); #MQTTASYNC_NULL_PARAMETER.
 */
LIBMQTT_API int MQTTAsync_unsubscribeMany(
    MQTTAsync handle, int count, char *const *topic, MQTTAsync_responseOptions *response);

/**
 * Publishes a message. Returns at once: the outcome comes to one of the callbacks in the options. It is a success once
 * the message has been written (QoS 0) or acknowledged (QoS 1 and 2).
 *
 * @param handle the client.
 * @param destinationName the topic.
 * @param payloadlen length of the payload in bytes.
 * @param payload the payload. Copied.
 * @param qos the quality of service.
 * @param retained 1: the server keeps it as the topic's retained message.
 * @param response options of the request, whose `token` is filled in, with 0 at QoS 0; or NULL. With MQTT 5 their
 *        `properties` are the message's.
 * @return #MQTTASYNC_SUCCESS: under way, or buffered until there is a connection; #MQTTASYNC_DISCONNECTED: no
 *         connection, and the client does not buffer; #MQTTASYNC_MAX_BUFFERED_MESSAGES; #MQTTASYNC_NULL_PARAMETER for the
 *         payload; #MQTTASYNC_BAD_UTF8_STRING, also for a NULL topic; #MQTTASYNC_BAD_QOS; #MQTTASYNC_BAD_MQTT_OPTION for the
 *         options; #MQTTASYNC_NO_MORE_MSGIDS; #MQTTASYNC_PERSISTENCE_ERROR; #MQTTASYNC_FAILURE: not a client, or not a topic
 *         as MQTT has them. With MQTT 5 also the reason code for what the server said it does not take, such as
 *         #MQTTREASONCODE_PACKET_TOO_LARGE: then nothing was sent.
 */
LIBMQTT_API int MQTTAsync_send(
    MQTTAsync handle, const char *destinationName, int payloadlen, const void *payload, int qos, int retained,
    MQTTAsync_responseOptions *response);

/**
 * Publishes a message given as a structure. Otherwise like MQTTAsync_send().
 *
 * @param handle the client.
 * @param destinationName the topic.
 * @param msg the message, with MQTT 5 also its properties: start from #MQTTAsync_message_initializer. Copied.
 * @param response options of the request, whose `token` is filled in; or NULL.
 * @return as MQTTAsync_send(); #MQTTASYNC_BAD_STRUCTURE for the message.
 */
LIBMQTT_API int MQTTAsync_sendMessage(
    MQTTAsync handle, const char *destinationName, const MQTTAsync_message *msg,
    MQTTAsync_responseOptions *response);

/**
 * Lists the requests that are not complete: messages in flight, and those that wait.
 *
 * @param handle the client.
 * @param tokens receives an array with the token of each, -1 at its end; NULL when there are none. Give it to
 *        MQTTAsync_free().
 * @return #MQTTASYNC_SUCCESS, or #MQTTASYNC_FAILURE: not a client, or \p tokens is NULL.
 */
LIBMQTT_API int MQTTAsync_getPendingTokens(MQTTAsync handle, MQTTAsync_token **tokens);

/**
 * Says whether a request is complete.
 *
 * @param handle the client.
 * @param token the token that the request gave.
 * @return #MQTTASYNC_TRUE: complete, or nothing is known of that token; 0: not yet; #MQTTASYNC_FAILURE: not a client.
 */
LIBMQTT_API int MQTTAsync_isComplete(MQTTAsync handle, MQTTAsync_token token);

/**
 * Waits until a request is complete.
 *
 * @param handle the client.
 * @param token the token that the request gave.
 * @param timeout how many milliseconds to wait.
 * @return #MQTTASYNC_SUCCESS: complete, or nothing is known of that token; #MQTTASYNC_FAILURE: not within that time, or not
 *         a client; #MQTTASYNC_DISCONNECTED: not connected, or not any more.
 */
LIBMQTT_API int MQTTAsync_waitForCompletion(MQTTAsync handle, MQTTAsync_token token, unsigned long timeout);

/**
 * Frees a message that the library handed over, with its payload and properties.
 *
 * @param msg points at the pointer to the message, which is set to NULL.
 */
LIBMQTT_API void MQTTAsync_freeMessage(MQTTAsync_message **msg);

/**
 * Frees memory that the library handed over: a topic, an array of tokens.
 *
 * @param ptr the memory; nothing is done if it is NULL.
 */
LIBMQTT_API void MQTTAsync_free(void *ptr);

/**
 * Allocates memory that the library will free: for renewed credentials, for a message store of the program's.
 *
 * @param size how many bytes.
 * @return the memory, or NULL if there is not enough.
 */
LIBMQTT_API void *MQTTAsync_malloc(size_t size);

/**
 * Destroys a client: disconnects it, without waiting for messages in flight, and closes its store, which keeps them. Requests
 * that are not complete fail with #MQTTASYNC_OPERATION_INCOMPLETE; their onFailure is called by this function, on this
 * thread. A connect under way is broken off, and its onFailure is not called. When this returns, no callback of the client's
 * runs any more, but for the one it was called from.
 *
 * @param handle points at the handle, which is set to NULL. Nothing is done if it is not a client.
 */
LIBMQTT_API void MQTTAsync_destroy(MQTTAsync *handle);

/**
 * Sets the level of detail of the trace, wherever it goes: trace callback, standard output or file. Overrides the environment
 * when called after the first create.
 *
 * @param level the level.
 */
LIBMQTT_API void MQTTAsync_setTraceLevel(enum MQTTASYNC_TRACE_LEVELS level);

/**
 * Sets the function that is called with each line of the trace. There is one for the process, for both APIs.
 *
 * @param callback the function, or NULL for none.
 */
LIBMQTT_API void MQTTAsync_setTraceCallback(MQTTAsync_traceCallback *callback);

/**
 * A list of facts about the library.
 *
 * @return an array of names and values, among them `Product name`, `Version` and `Build level`. The last entry has the
 *         name NULL. It belongs to the library and never changes.
 */
LIBMQTT_API MQTTAsync_nameValue *MQTTAsync_getVersionInfo(void);

/**
 * A text for a return code.
 *
 * @param code one of the `MQTTASYNC_` codes; for reason codes there is MQTTReasonCode_toString().
 * @return the text, which belongs to the library. That of an unknown code is valid until the calling thread asks for
 *         another one.
 */
LIBMQTT_API const char *MQTTAsync_strerror(int code);

#if defined(__cplusplus)
}
#endif

#endif
