/**
 * @file MQTTClient.h
 *
 * The blocking API: calls wait for the server's answer. Link with `-lpaho-mqtt3c`, or with `-lpaho-mqtt3cs` for TLS.
 *
 * @code
 * MQTTClient client;
 * MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
 *
 * MQTTClient_create(&client, "tcp://localhost:1883", "me", MQTTCLIENT_PERSISTENCE_NONE, NULL);
 * if (MQTTClient_connect(client, &options) == MQTTCLIENT_SUCCESS) {
 *   MQTTClient_publish(client, "greetings", 5, "hello", 1, 0, NULL);
 *   MQTTClient_disconnect(client, 1000);
 * }
 * MQTTClient_destroy(&client);
 * @endcode
 *
 * Without callbacks a client is in synchronous mode: the program asks for messages with MQTTClient_receive(), and
 * acknowledgements are processed inside calls of the API. After MQTTClient_setCallbacks() it is in asynchronous mode: the
 * callbacks are called, on a thread of the library's, as messages and acknowledgements come in.
 *
 * Threads: every function may be called from any thread at any time, from callbacks too. The callbacks of one client are
 * called one after another; those of different clients do not wait for each other.
 *
 * Memory: what the program passes in is copied. What the library hands over says which function gives it back.
 *
 * Errors: functions return #MQTTCLIENT_SUCCESS or a negative code, for which MQTTClient_strerror() has a text. Where a
 * server's answer is returned, it is positive. A handle that is NULL, or of a client destroyed, is an error and nothing
 * worse.
 */

#if !defined(MQTTCLIENT_H)
#define MQTTCLIENT_H

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

/**
 * Return code: done. From MQTTClient_receive() it can also mean that the time was up and no message had come.
 */
#define MQTTCLIENT_SUCCESS 0

/** Return code: failed for a reason that no other code names, such as an unreachable server or a timeout. */
#define MQTTCLIENT_FAILURE (-1)

/** Return code: the client is not connected. */
#define MQTTCLIENT_DISCONNECTED (-3)

/**
 * Return code: all 65,535 packet identifiers are in use. While fewer messages are in flight publishing waits instead.
 */
#define MQTTCLIENT_MAX_MESSAGES_INFLIGHT (-4)

/** Return code: a string is not valid UTF-8, or has a character that MQTT does not allow. */
#define MQTTCLIENT_BAD_UTF8_STRING (-5)

/** Return code: a parameter is NULL that must not be. */
#define MQTTCLIENT_NULL_PARAMETER (-6)

/**
 * Code for a topic that contains a NUL. Not returned: MQTT forbids such topics, and a server that sends one is
 * disconnected.
 */
#define MQTTCLIENT_TOPICNAME_TRUNCATED (-7)

/** Return code: a structure does not have the eye catcher and version that it should. Use its initializer. */
#define MQTTCLIENT_BAD_STRUCTURE (-8)

/** Return code: a quality of service is not 0, 1 or 2. */
#define MQTTCLIENT_BAD_QOS (-9)

/**
 * Return code of connecting: an entry of `serverURIs` asks for TLS, and this is a library without TLS. For a client's own
 * URI creating it fails with #MQTTCLIENT_BAD_PROTOCOL.
 */
#define MQTTCLIENT_SSL_NOT_SUPPORTED (-10)

/** Return code: not an MQTT version that the library knows. */
#define MQTTCLIENT_BAD_MQTT_VERSION (-11)

/**
 * Return code: the server URI begins with a protocol that the library does not know; one without TLS does not know those
 * with.
 */
#define MQTTCLIENT_BAD_PROTOCOL (-14)

/** Return code: an option was used that belongs to another MQTT version. */
#define MQTTCLIENT_BAD_MQTT_OPTION (-15)

/**
 * Return code: a function was called that belongs to another MQTT version than the client was created for.
 */
#define MQTTCLIENT_WRONG_MQTT_VERSION (-16)

/** Return code: the will's topic is empty. */
#define MQTTCLIENT_0_LEN_WILL_TOPIC (-17)

/** Options of the process-wide initialisation. */
typedef struct MQTTClient_init_options {
  /** Eye catcher: the characters `MQTG`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /** Has no effect: OpenSSL initialises itself when it is first used, by whomever. */
  int do_openssl_init;
} MQTTClient_init_options;

/** The program takes care of OpenSSL. */
#define MQTTClient_init_options_initializer { {'M', 'Q', 'T', 'G'}, 0, 0 }

/**
 * A client, as made by MQTTClient_create(). An opaque handle: after MQTTClient_destroy() every function refuses it.
 */
typedef void *MQTTClient;

/**
 * Called once when the connection is lost without MQTTClient_disconnect() having been called. Not called when a MQTT 5
 * server has ended it with a DISCONNECT packet: for that there is MQTTClient_setDisconnected(). The client stays usable: it
 * can connect again, from within this function too.
 *
 * Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
 *
 * @param context what was given to MQTTClient_setCallbacks().
 * @param cause why the connection was lost; belongs to the library.
 */
typedef void MQTTClient_connectionLost(void *context, char *cause);

/**
 * A message: what is published, and what arrives.
 *
 * In a message that the program passes in, everything belongs to the program and is copied before the call
 * returns. A message that the library hands over, with payload and properties, belongs to the program from then on:
 * give it back with MQTTClient_freeMessage() or MQTTAsync_freeMessage().
 */
typedef struct MQTTClient_message {
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
} MQTTClient_message;

/** An empty message of QoS 0, not retained. */
#define MQTTClient_message_initializer \
  { {'M', 'Q', 'T', 'M'}, 1, 0, NULL, 0, 0, 0, 0, MQTTProperties_initializer }

/**
 * Called for each message that arrives.
 *
 * Runs on a thread of the library's, one call at a time for each client, in the order of arrival. It may take its
 * time, and it may call any function of the library, for this client too.
 *
 * @param context what was given to MQTTClient_setCallbacks().
 * @param topicName the topic. Yours when 1 is returned: give it to MQTTClient_free().
 * @param topicLen 0, as the topic is a C string; the length in bytes of a topic that holds NUL characters.
 * @param message the message. Yours when 1 is returned: give it to MQTTClient_freeMessage().
 * @return 1: taken. 0: not taken; then free nothing, and the same message is offered again a little later.
 */
typedef int MQTTClient_messageArrived(
    void *context, char *topicName, int topicLen, MQTTClient_message *message);

/**
 * Identifies a message on its way to the server: see MQTTClient_waitForCompletion(),
 * MQTTClient_getPendingDeliveryTokens() and ::MQTTClient_deliveryComplete. Unique among the messages which the client
 * has in flight.
 */
typedef int MQTTClient_deliveryToken;

/**
 * Called when a message of QoS 1 or 2 has been delivered, or refused by a MQTT 5 server: the last acknowledgement is there.
 * There is no call for QoS 0.
 *
 * Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
 *
 * @param context what was given to MQTTClient_setCallbacks().
 * @param dt the token that publishing gave.
 */
typedef void MQTTClient_deliveryComplete(void *context, MQTTClient_deliveryToken dt);

/**
 * Called when a MQTT 5 server ends the connection with a DISCONNECT packet, which says why.
 *
 * Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
 *
 * @param context what was given to MQTTClient_setDisconnected().
 * @param properties the packet's properties; they belong to the library.
 * @param reasonCode the packet's reason code.
 */
typedef void MQTTClient_disconnected(
    void *context, MQTTProperties *properties, enum MQTTReasonCodes reasonCode);

/**
 * Called for the acknowledgement that ends the delivery of a message published with MQTT 5, error or not, with what it
 * says.
 *
 * Runs on a thread of the library's, as ::MQTTClient_messageArrived does.
 *
 * @param context what was given to MQTTClient_setPublished().
 * @param dt the token that publishing gave.
 * @param packet_type type of the packet: 4 PUBACK, 7 PUBCOMP, or 5 PUBREC where that refuses the message.
 * @param properties the packet's properties; they belong to the library.
 * @param reasonCode the packet's reason code.
 */
typedef void MQTTClient_published(
    void *context, int dt, int packet_type, MQTTProperties *properties, enum MQTTReasonCodes reasonCode);

/** Options of MQTTClient_createWithOptions(). */
typedef struct MQTTClient_createOptions {
  /** Eye catcher: the characters `MQCO`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /**
   * The MQTT version the client is for: one of the `MQTTVERSION_` constants. With #MQTTVERSION_5 it can be used with
   * MQTTClient_connect5() and the other functions whose names end in 5, else with those whose names do not.
   */
  int MQTTVersion;
} MQTTClient_createOptions;

/** A client for MQTT 3.1.1 and 3.1. */
#define MQTTClient_createOptions_initializer { {'M', 'Q', 'C', 'O'}, 0, MQTTVERSION_DEFAULT }

/** A name and a value; in a list of them, an entry whose name is NULL is the end. */
typedef struct MQTTClient_nameValue {
  /** The name, or NULL at the end of a list. */
  const char *name;
  /** The value. */
  const char *value;
} MQTTClient_nameValue;

/**
 * The will: a message that the server publishes for the client when its connection is lost without having been
 * closed by a disconnect. Copied by the connect call.
 */
typedef struct MQTTClient_willOptions {
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
} MQTTClient_willOptions;

/** A will of QoS 0, not retained, that still lacks its topic. */
#define MQTTClient_willOptions_initializer { {'M', 'Q', 'T', 'W'}, 1, NULL, NULL, 0, 0, {0, NULL} }

/**
 * TLS options, for server URIs that begin with `ssl://`, `tls://`, `mqtts://` or `wss://`. Files are in PEM format.
 * Everything is copied by the connect call, except what the two contexts point at.
 */
typedef struct MQTTClient_SSLOptions {
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
} MQTTClient_SSLOptions;

/** The server's certificate is checked against the authorities that the system trusts. */
#define MQTTClient_SSLOptions_initializer \
  { {'M', 'Q', 'T', 'S'}, 5, NULL, NULL, NULL, NULL, NULL, 1, MQTT_SSL_VERSION_DEFAULT, 0, NULL, NULL, \
  NULL, NULL, NULL, 0, NULL, 0 }

/**
 * Options of MQTTClient_connect() and MQTTClient_connect5().
 *
 * Start from one of the initializers: #MQTTClient_connectOptions_initializer,
 * #MQTTClient_connectOptions_initializer5 for MQTT 5, and their `_ws` forms for WebSockets. Everything is copied before
 * the call returns.
 */
typedef struct MQTTClient_connectOptions {
  /** Eye catcher: the characters `MQTC`. */
  char struct_id[4];
  /**
   * Version of this structure. 0: up to `retryInterval`; 1: up to `ssl`; 2: up to `serverURIs`; 3: up to
   * `MQTTVersion`; 4: up to `returned`; 5: up to `binarypwd`; 6: up to `cleanstart`; 7: up to `httpHeaders`; 8: the
   * whole.
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
  /**
   * 1: at most one message is in flight, so publishing waits until the one before it is delivered. 0: up to 10 are.
   * Without effect where `maxInflightMessages` is above 0.
   */
  int reliable;
  /** The will, or NULL for none. */
  MQTTClient_willOptions *will;
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
  MQTTClient_SSLOptions *ssl;
  /** Number of entries in `serverURIs`, 0 for none. */
  int serverURIcount;
  /**
   * Servers to try one after another until one accepts the connection, instead of the one that the client was
   * created with.
   */
  char *const *serverURIs;
  /** MQTT version: one of the `MQTTVERSION_` constants. */
  int MQTTVersion;
  /** Filled in by MQTTClient_connect() when it succeeds: about the connection. */
  struct {
    /**
     * The server that the client is connected to, without `tcp://` or `mqtt://`. Belongs to the library; valid until the
     * client connects again or is destroyed.
     */
    const char *serverURI;
    /** The MQTT version in use. */
    int MQTTVersion;
    /** 1: the server has resumed an earlier session. */
    int sessionPresent;
  } returned;
  /** A password that is not text; looked at when `password` is NULL. */
  struct {
    /** Length in bytes. */
    int len;
    /** The bytes. */
    const void *data;
  } binarypwd;
  /** How many messages of QoS 1 and 2 may be in flight; 0 or less: what `reliable` says. */
  int maxInflightMessages;
  /**
   * MQTT 5. 1: the session begins empty. 0: an earlier session with this client identifier lives on. When the
   * session ends is up to #MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL.
   */
  int cleanstart;
  /** Headers to send with a WebSocket handshake; an entry with a NULL name is the end. NULL for none. */
  const MQTTClient_nameValue *httpHeaders;
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
} MQTTClient_connectOptions;

/** MQTT 3.1.1 (or 3.1), a clean session, a keep alive interval of 60 seconds. */
#define MQTTClient_connectOptions_initializer \
  { {'M', 'Q', 'T', 'C'}, 8, 60, 1, 1, NULL, NULL, NULL, 30, 0, NULL, 0, NULL, \
  MQTTVERSION_DEFAULT, {NULL, 0, 0}, {0, NULL}, -1, 0, NULL, NULL, NULL }

/** MQTT 5, a clean start, a keep alive interval of 60 seconds. */
#define MQTTClient_connectOptions_initializer5 \
  { {'M', 'Q', 'T', 'C'}, 8, 60, 0, 1, NULL, NULL, NULL, 30, 0, NULL, 0, NULL, \
  MQTTVERSION_5, {NULL, 0, 0}, {0, NULL}, -1, 1, NULL, NULL, NULL }

/**
 * For WebSockets, with a keep alive interval below the minute after which proxies like to close a
 * connection: 45 seconds. MQTT 3.1.1 (or 3.1), a clean session.
 */
#define MQTTClient_connectOptions_initializer_ws \
  { {'M', 'Q', 'T', 'C'}, 8, 45, 1, 1, NULL, NULL, NULL, 30, 0, NULL, 0, NULL, \
  MQTTVERSION_DEFAULT, {NULL, 0, 0}, {0, NULL}, -1, 0, NULL, NULL, NULL }

/** For WebSockets, with a keep alive interval of 45 seconds. MQTT 5, a clean start. */
#define MQTTClient_connectOptions_initializer5_ws \
  { {'M', 'Q', 'T', 'C'}, 8, 45, 0, 1, NULL, NULL, NULL, 30, 0, NULL, 0, NULL, \
  MQTTVERSION_5, {NULL, 0, 0}, {0, NULL}, -1, 1, NULL, NULL, NULL }

/** Result of the MQTT 5 functions: give it to MQTTResponse_free() when done with it. */
typedef struct MQTTResponse {
  /** Version of this structure: 1. */
  int version;
  /** The result: a reason code from the server, or one of the negative `MQTTCLIENT_` return codes. */
  enum MQTTReasonCodes reasonCode;
  /** Number of reason codes in the server's answer to a subscribe or unsubscribe, else 0. */
  int reasonCodeCount;
  /**
   * One reason code for each topic of MQTTClient_subscribeMany5() or MQTTClient_unsubscribeMany5(). NULL if there is only
   * one: it is in `reasonCode`.
   */
  enum MQTTReasonCodes *reasonCodes;
  /** Properties of the server's answer, or NULL. */
  MQTTProperties *properties;
} MQTTResponse;

/** A success with nothing to say. */
#define MQTTResponse_initializer { 1, MQTTREASONCODE_SUCCESS, 0, NULL, NULL }

/** Levels of detail of the trace, for MQTTClient_setTraceLevel(). Each includes those after it. */
enum MQTTCLIENT_TRACE_LEVELS {
  /** As #MQTTCLIENT_TRACE_MINIMUM. */
  MQTTCLIENT_TRACE_MAXIMUM = 1,
  /** As #MQTTCLIENT_TRACE_MINIMUM. */
  MQTTCLIENT_TRACE_MEDIUM = 2,
  /** Calls of the API's functions with their return codes, and what matters most of what the library does. */
  MQTTCLIENT_TRACE_MINIMUM = 3,
  /** Each packet sent and received. */
  MQTTCLIENT_TRACE_PROTOCOL = 4,
  /** Errors. */
  MQTTCLIENT_TRACE_ERROR = 5,
  /** Errors inside the library. */
  MQTTCLIENT_TRACE_SEVERE = 6,
  /** Errors after which the library cannot work. */
  MQTTCLIENT_TRACE_FATAL = 7
};

/**
 * Called with each line of the trace. Runs on whichever thread has something to trace. It may call the library; what that
 * does on the same thread is not traced.
 *
 * @param level the line's level.
 * @param message the line, without an end of line; belongs to the library.
 */
typedef void MQTTClient_traceCallback(enum MQTTCLIENT_TRACE_LEVELS level, char *message);

/** Another name of ::MQTTClient_deliveryToken. */
typedef int MQTTClient_token;

/**
 * Does nothing: the library and OpenSSL initialise themselves when they are first used. For programs that call it.
 *
 * @param inits the options: start from #MQTTClient_init_options_initializer.
 */
LIBMQTT_API void MQTTClient_global_init(MQTTClient_init_options *inits);

/**
 * Sets the callbacks of a client, and so makes it an asynchronous one: messages are then received by a thread of the
 * library's and handed to the callbacks, MQTTClient_receive() fails, and MQTTClient_yield() does nothing for it. There is no
 * way back. May be called at any time.
 *
 * @param handle the client.
 * @param context passed to the callbacks; the library does not look at it.
 * @param cl called when the connection is lost, or NULL.
 * @param ma called for each message that arrives. Must not be NULL.
 * @param dc called for each message delivered, or NULL.
 * @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or \p ma is NULL.
 */
LIBMQTT_API int MQTTClient_setCallbacks(
    MQTTClient handle, void *context, MQTTClient_connectionLost *cl, MQTTClient_messageArrived *ma,
    MQTTClient_deliveryComplete *dc);

/**
 * Sets the callback for a DISCONNECT packet from a MQTT 5 server, for a client that has callbacks (MQTTClient_setCallbacks()).
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client.
 */
LIBMQTT_API int MQTTClient_setDisconnected(MQTTClient handle, void *context, MQTTClient_disconnected *co);

/**
 * Sets the callback for acknowledgements of messages published with MQTT 5, for a client that has callbacks
 * (MQTTClient_setCallbacks()).
 *
 * @param handle the client.
 * @param context passed to the callback; the library does not look at it.
 * @param co the callback, or NULL for none.
 * @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client.
 */
LIBMQTT_API int MQTTClient_setPublished(MQTTClient handle, void *context, MQTTClient_published *co);

/**
 * Makes a client for MQTT 3.1 and 3.1.1. Nothing is sent yet.
 *
 * @param handle receives the client: destroy it with MQTTClient_destroy().
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
 * @return #MQTTCLIENT_SUCCESS; #MQTTCLIENT_NULL_PARAMETER; #MQTTCLIENT_BAD_UTF8_STRING; #MQTTCLIENT_BAD_PROTOCOL;
 *         #MQTTCLIENT_PERSISTENCE_ERROR, or the code of a store of the program's, if the store cannot be opened or used, or is
 *         open already; #MQTTCLIENT_FAILURE. What is wrong with host or port shows when connecting.
 */
LIBMQTT_API int MQTTClient_create(
    MQTTClient *handle, const char *serverURI, const char *clientId, int persistence_type,
    void *persistence_context);

/**
 * Makes a client, for the MQTT version that the options say. Otherwise like MQTTClient_create().
 *
 * @param handle receives the client: destroy it with MQTTClient_destroy().
 * @param serverURI the server: see MQTTClient_create().
 * @param clientId the client identifier: see MQTTClient_create().
 * @param persistence_type see MQTTClient_create().
 * @param persistence_context see MQTTClient_create().
 * @param options the options: start from #MQTTClient_createOptions_initializer. NULL for the default.
 * @return as MQTTClient_create(); #MQTTCLIENT_BAD_STRUCTURE for the options.
 */
LIBMQTT_API int MQTTClient_createWithOptions(
    MQTTClient *handle, const char *serverURI, const char *clientId, int persistence_type,
    void *persistence_context, MQTTClient_createOptions *options);

/**
 * A list of facts about the library.
 *
 * @return an array of names and values, among them `Product name`, `Version` and `Build level`. The last entry has the
 *         name NULL. It belongs to the library and never changes.
 */
LIBMQTT_API MQTTClient_nameValue *MQTTClient_getVersionInfo(void);

/**
 * Connects to the server, with MQTT 3.1 or 3.1.1. Waits for the outcome, up to `connectTimeout` seconds for each server and
 * version tried. A client that is connected is disconnected first.
 *
 * @param handle the client.
 * @param options the options: start from #MQTTClient_connectOptions_initializer. On success `returned` is filled in.
 * @return #MQTTCLIENT_SUCCESS, or the server's refusal. 1: it does not speak this MQTT version; 2: it does not accept
 *         the client identifier; 3: it is unavailable; 4: user name or password are wrong; 5: not authorised. Or
 *         #MQTTCLIENT_FAILURE if no server could be reached, or its certificate was not accepted, or another thread is
 *         connecting this client, or for options that no server can be connected to with (MQTTClient_strerror() says which;
 *         a client that is connected stays so); #MQTTCLIENT_NULL_PARAMETER, also where \p handle is not a client or `ssl` is missing;
 *         #MQTTCLIENT_BAD_STRUCTURE; #MQTTCLIENT_BAD_UTF8_STRING; #MQTTCLIENT_BAD_QOS and #MQTTCLIENT_0_LEN_WILL_TOPIC for
 *         the will; #MQTTCLIENT_BAD_MQTT_VERSION; #MQTTCLIENT_BAD_MQTT_OPTION; #MQTTCLIENT_SSL_NOT_SUPPORTED;
 *         #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
 */
LIBMQTT_API int MQTTClient_connect(MQTTClient handle, MQTTClient_connectOptions *options);

/**
 * Frees what a response holds.
 *
 * @param response what a MQTT 5 function returned. Its members must not be used any more.
 */
LIBMQTT_API void MQTTResponse_free(MQTTResponse response);

/**
 * Connects to the server, with MQTT 5. Waits for the outcome, up to `connectTimeout` seconds.
 *
 * @param handle the client.
 * @param options the options: start from #MQTTClient_connectOptions_initializer5.
 * @param connectProperties properties of the connection, or NULL.
 * @param willProperties properties of the will, or NULL.
 * @return a response. Its reasonCode is the server's reason code, #MQTTREASONCODE_SUCCESS if the client is connected
 *         now, or a negative code as of MQTTClient_connect(); properties are those of the server's answer.
 */
LIBMQTT_API MQTTResponse MQTTClient_connect5(
    MQTTClient handle, MQTTClient_connectOptions *options, MQTTProperties *connectProperties,
    MQTTProperties *willProperties);

/**
 * Disconnects from the server, after having waited for messages in flight to be delivered. The will is not published.
 *
 * @param handle the client.
 * @param timeout how many milliseconds to wait for messages in flight; 0 for not at all.
 * @return #MQTTCLIENT_SUCCESS, also if it was not connected; #MQTTCLIENT_FAILURE: not a client, or another thread is
 *         connecting or disconnecting it.
 */
LIBMQTT_API int MQTTClient_disconnect(MQTTClient handle, int timeout);

/**
 * Disconnects from the server, MQTT 5, after having waited for messages in flight to be delivered.
 *
 * @param handle the client.
 * @param timeout how many milliseconds to wait for messages in flight; 0 for not at all.
 * @param reason what to tell the server: #MQTTREASONCODE_NORMAL_DISCONNECTION, or
 *        #MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE to have the will published.
 * @param props properties to send, or NULL.
 * @return as MQTTClient_disconnect(); #MQTTCLIENT_BAD_MQTT_OPTION for the reason or the properties.
 */
LIBMQTT_API int MQTTClient_disconnect5(
    MQTTClient handle, int timeout, enum MQTTReasonCodes reason, MQTTProperties *props);

/**
 * Says whether a client is connected.
 *
 * @param handle the client.
 * @return 1 if it is, also while a disconnect waits for messages in flight; 0 if it is not, or if \p handle is not a client.
 */
LIBMQTT_API int MQTTClient_isConnected(MQTTClient handle);

/**
 * Destroys a client: disconnects it, without waiting for messages in flight, and closes its store, which keeps them. Calls
 * of other threads that wait for something return with an error. When it returns, no callback of the client's runs any
 * more, but for the one it was called from.
 *
 * @param handle points at the handle, which is set to NULL. Nothing is done if it is not a client.
 */
LIBMQTT_API void MQTTClient_destroy(MQTTClient *handle);

/**
 * Sets the level of detail of the trace, wherever it goes: trace callback, standard output or file. Overrides the environment
 * when called after the first create.
 *
 * @param level the level.
 */
LIBMQTT_API void MQTTClient_setTraceLevel(enum MQTTCLIENT_TRACE_LEVELS level);

/**
 * Sets the function that is called with each line of the trace. There is one for the process, for both APIs.
 *
 * @param callback the function, or NULL for none.
 */
LIBMQTT_API void MQTTClient_setTraceCallback(MQTTClient_traceCallback *callback);

/**
 * Sets how long subscribing and unsubscribing wait for the server's answer. 10 seconds unless set.
 *
 * @param handle the client.
 * @param milliSeconds the time in milliseconds, at least 5000.
 * @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or less than 5000.
 */
LIBMQTT_API int MQTTClient_setCommandTimeout(MQTTClient handle, unsigned long milliSeconds);

/**
 * A text for a return code.
 *
 * @param code one of the `MQTTCLIENT_` codes; for reason codes there is MQTTReasonCode_toString().
 * @return the text, which belongs to the library. That of an unknown code is valid until the calling thread asks for
 *         another one.
 */
LIBMQTT_API const char *MQTTClient_strerror(int code);

/**
 * Subscribes to a topic. Waits for the server's answer.
 *
 * @param handle the client.
 * @param topic the topic filter, which may have wildcards.
 * @param qos the highest quality of service to receive messages at.
 * @return #MQTTCLIENT_SUCCESS; #MQTT_BAD_SUBSCRIBE if the server refused; #MQTTCLIENT_DISCONNECTED;
 *         #MQTTCLIENT_BAD_UTF8_STRING, also for NULL; #MQTTCLIENT_BAD_QOS; #MQTTCLIENT_FAILURE: not a client, not a topic
 *         filter as MQTT has them, or no answer in time; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
 */
LIBMQTT_API int MQTTClient_subscribe(MQTTClient handle, const char *topic, int qos);

/**
 * Subscribes to a topic, MQTT 5. Waits for the server's answer.
 *
 * @param handle the client.
 * @param topic the topic filter, which may have wildcards.
 * @param qos the highest quality of service to receive messages at.
 * @param opts options of the subscription, or NULL for the default.
 * @param props properties to send, or NULL.
 * @return a response. Its reasonCode is the quality of service granted, the server's reason code for a refusal, or a
 *         negative code as of MQTTClient_subscribe(). If the client is not a MQTT 5 one, it is #MQTTREASONCODE_SUCCESS or
 *         #MQTT_BAD_SUBSCRIBE.
 */
LIBMQTT_API MQTTResponse MQTTClient_subscribe5(
    MQTTClient handle, const char *topic, int qos, MQTTSubscribe_options *opts, MQTTProperties *props);

/**
 * Subscribes to several topics with one packet. Waits for the server's answer.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @param qos for each topic, the highest quality of service to receive messages at. Receives what the server granted,
 *        #MQTT_BAD_SUBSCRIBE for a topic refused.
 * @return as MQTTClient_subscribe(), but #MQTT_BAD_SUBSCRIBE only in \p qos; #MQTTCLIENT_NULL_PARAMETER.
 */
LIBMQTT_API int MQTTClient_subscribeMany(MQTTClient handle, int count, char *const *topic, int *qos);

/**
 * Subscribes to several topics with one packet, MQTT 5. Waits for the server's answer.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @param qos for each topic, the highest quality of service to receive messages at.
 * @param opts for each topic, the options of the subscription; NULL for the default for all.
 * @param props properties to send, or NULL.
 * @return a response. reasonCodes has, for each topic, the quality of service granted or the server's reason code for a
 *         refusal; the first one, or the only one, is in reasonCode. A negative reasonCode is as of
 *         MQTTClient_subscribeMany(). If the client is not a MQTT 5 one, reasonCode is #MQTTREASONCODE_SUCCESS, and \p qos
 *         receives what the server granted.
 */
LIBMQTT_API MQTTResponse MQTTClient_subscribeMany5(
    MQTTClient handle, int count, char *const *topic, int *qos, MQTTSubscribe_options *opts,
    MQTTProperties *props);

/**
 * Ends a subscription. Waits for the server's answer.
 *
 * @param handle the client.
 * @param topic the topic filter, exactly as it was subscribed to.
 * @return #MQTTCLIENT_SUCCESS; of a MQTT 5 client the server's reason code; #MQTTCLIENT_DISCONNECTED;
 *         #MQTTCLIENT_BAD_UTF8_STRING, also for NULL; #MQTTCLIENT_FAILURE: not a client, not a topic filter as MQTT has
 *         them, or no answer in time.
 */
LIBMQTT_API int MQTTClient_unsubscribe(MQTTClient handle, const char *topic);

/**
 * Ends a subscription, MQTT 5. Waits for the server's answer.
 *
 * @param handle the client.
 * @param topic the topic filter, exactly as it was subscribed to.
 * @param props properties to send, or NULL.
 * @return a response. Its reasonCode is the server's, or a negative code as of MQTTClient_unsubscribe().
 */
LIBMQTT_API MQTTResponse MQTTClient_unsubscribe5(MQTTClient handle, const char *topic, MQTTProperties *props);

/**
 * Ends several subscriptions with one packet. Waits for the server's answer.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @return as MQTTClient_unsubscribe(); #MQTTCLIENT_NULL_PARAMETER; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
 */
LIBMQTT_API int MQTTClient_unsubscribeMany(MQTTClient handle, int count, char *const *topic);

/**
 * Ends several subscriptions with one packet, MQTT 5. Waits for the server's answer.
 *
 * @param handle the client.
 * @param count the number of topics.
 * @param topic the topic filters.
 * @param props properties to send, or NULL.
 * @return a response. reasonCodes has the server's reason code for each topic; the first one, or the only one, is in
 *         reasonCode. A negative reasonCode is as of MQTTClient_unsubscribeMany().
 */
LIBMQTT_API MQTTResponse MQTTClient_unsubscribeMany5(
    MQTTClient handle, int count, char *const *topic, MQTTProperties *props);

/**
 * Publishes a message. Waits only where no further message may be in flight (see `reliable` and
 * `maxInflightMessages`) or the socket takes no more, not for the delivery: for that there are
 * MQTTClient_waitForCompletion() and the callback.
 *
 * @param handle the client.
 * @param topicName the topic.
 * @param payloadlen length of the payload in bytes.
 * @param payload the payload. Copied.
 * @param qos the quality of service.
 * @param retained 1: the server keeps it as the topic's retained message.
 * @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
 * @return #MQTTCLIENT_SUCCESS; #MQTTCLIENT_DISCONNECTED, also where the connection is lost while it waits;
 *         #MQTTCLIENT_NULL_PARAMETER for the payload; #MQTTCLIENT_BAD_UTF8_STRING, also for a NULL topic;
 *         #MQTTCLIENT_BAD_QOS; #MQTTCLIENT_MAX_MESSAGES_INFLIGHT; #MQTTCLIENT_PERSISTENCE_ERROR; #MQTTCLIENT_FAILURE: not a
 *         client, or not a topic as MQTT has them; #MQTTCLIENT_WRONG_MQTT_VERSION for a MQTT 5 client.
 */
LIBMQTT_API int MQTTClient_publish(
    MQTTClient handle, const char *topicName, int payloadlen, const void *payload, int qos, int retained,
    MQTTClient_deliveryToken *dt);

/**
 * Publishes a message, MQTT 5. Otherwise like MQTTClient_publish().
 *
 * @param handle the client.
 * @param topicName the topic.
 * @param payloadlen length of the payload in bytes.
 * @param payload the payload. Copied.
 * @param qos the quality of service.
 * @param retained 1: the server keeps it as the topic's retained message.
 * @param properties properties of the message, or NULL.
 * @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
 * @return a response, whose reasonCode is #MQTTREASONCODE_SUCCESS, a negative code as of MQTTClient_publish(), or the reason
 *         code for what the server said it does not take, such as #MQTTREASONCODE_PACKET_TOO_LARGE: then nothing was sent. The
 *         server's own reason codes come to the callback of MQTTClient_setPublished().
 */
LIBMQTT_API MQTTResponse MQTTClient_publish5(
    MQTTClient handle, const char *topicName, int payloadlen, const void *payload, int qos, int retained,
    MQTTProperties *properties, MQTTClient_deliveryToken *dt);

/**
 * Publishes a message given as a structure. Otherwise like MQTTClient_publish().
 *
 * @param handle the client.
 * @param topicName the topic.
 * @param msg the message: start from #MQTTClient_message_initializer. Copied.
 * @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
 * @return as MQTTClient_publish(); #MQTTCLIENT_BAD_STRUCTURE for the message.
 */
LIBMQTT_API int MQTTClient_publishMessage(
    MQTTClient handle, const char *topicName, MQTTClient_message *msg, MQTTClient_deliveryToken *dt);

/**
 * Publishes a message given as a structure, MQTT 5. Otherwise like MQTTClient_publish5().
 *
 * @param handle the client.
 * @param topicName the topic.
 * @param msg the message with its properties: start from #MQTTClient_message_initializer. Copied.
 * @param dt receives the token of a message of QoS 1 or 2, or NULL. Left alone at QoS 0.
 * @return as MQTTClient_publish5(); #MQTTCLIENT_BAD_STRUCTURE for the message.
 */
LIBMQTT_API MQTTResponse MQTTClient_publishMessage5(
    MQTTClient handle, const char *topicName, MQTTClient_message *msg, MQTTClient_deliveryToken *dt);

/**
 * Waits until a message of QoS 1 or 2 is delivered: its last acknowledgement is there.
 *
 * @param handle the client.
 * @param dt the token that publishing gave.
 * @param timeout how many milliseconds to wait.
 * @return #MQTTCLIENT_SUCCESS: delivered, or nothing is known of that token; #MQTTCLIENT_FAILURE: not within that time, or
 *         not a client; #MQTTCLIENT_DISCONNECTED: not connected, or not any more.
 */
LIBMQTT_API int MQTTClient_waitForCompletion(
    MQTTClient handle, MQTTClient_deliveryToken dt, unsigned long timeout);

/**
 * Lists the messages in flight, QoS 1 and 2.
 *
 * @param handle the client.
 * @param tokens receives an array with the token of each, -1 at its end; NULL when there are none. Give it to
 *        MQTTClient_free().
 * @return #MQTTCLIENT_SUCCESS, or #MQTTCLIENT_FAILURE: not a client, or \p tokens is NULL.
 */
LIBMQTT_API int MQTTClient_getPendingDeliveryTokens(MQTTClient handle, MQTTClient_deliveryToken **tokens);

/**
 * Gives the library time to process what has come from the servers: acknowledgements above all. For clients without
 * callbacks, in programs that neither publish nor receive for a while. Returns within a tenth of a second or so.
 */
LIBMQTT_API void MQTTClient_yield(void);

/**
 * Waits for the next message. For clients without callbacks.
 *
 * @param handle the client.
 * @param topicName receives the topic, NULL if there is no message. Give it to MQTTClient_free().
 * @param topicLen receives the length of the topic in bytes; or NULL.
 * @param message receives the message, NULL if there is none. Give it to MQTTClient_freeMessage().
 * @param timeout how many milliseconds to wait.
 * @return #MQTTCLIENT_SUCCESS, with a message or without; #MQTTCLIENT_DISCONNECTED: not connected, and no message is left;
 *         #MQTTCLIENT_FAILURE: the connection was lost, the client has callbacks, \p topicName or \p message is NULL, or
 *         not a client.
 */
LIBMQTT_API int MQTTClient_receive(
    MQTTClient handle, char **topicName, int *topicLen, MQTTClient_message **message, unsigned long timeout);

/**
 * Frees a message that the library handed over, with its payload and properties.
 *
 * @param msg points at the pointer to the message, which is set to NULL.
 */
LIBMQTT_API void MQTTClient_freeMessage(MQTTClient_message **msg);

/**
 * Frees memory that the library handed over: a topic, an array of tokens.
 *
 * @param ptr the memory; nothing is done if it is NULL.
 */
LIBMQTT_API void MQTTClient_free(void *ptr);

/**
 * Allocates memory that the library will free, for a message store of the program's.
 *
 * @param size how many bytes.
 * @return the memory, or NULL if there is not enough.
 */
LIBMQTT_API void *MQTTClient_malloc(size_t size);

#if defined(__cplusplus)
}
#endif

#endif
