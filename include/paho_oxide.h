/**
 * @file paho_oxide.h
 *
 * Events in batches instead of callbacks: for programs with an event loop, sockets or TLS of their own, for thousands of
 * connections, and for bindings to other languages. Link with `-lpaho-oxide`, or with `-lpaho-oxide-tls` for TLS.
 *
 * @code
 * uint64_t queue, client, buffer[8192];
 * struct MQTTOxide_createOptions create = { sizeof(create) };
 * struct MQTTOxide_connectOptions options = { sizeof(options), 4, 1 };
 *
 * MQTTOxide_createQueue(&queue);
 * MQTTOxide_create(&client, queue, &create);
 * MQTTOxide_connect(client, "tcp://localhost:1883", 20, &options, NULL);
 * for (;;) {
 *   int64_t at, bytes = MQTTOxide_nextEvents(queue, buffer, sizeof(buffer), -1, NULL);
 *   for (at = 0; at < bytes;) {
 *     const struct MQTTOxide_event* event = (const void*)((const char*)buffer + at);
 *     if (event->kind == MQTTOxide_CONNECTED)
 *       MQTTOxide_publish(client, "greetings", 9, "hello", 5, NULL, 0, 1, NULL);
 *     at += event->size;
 *   }
 * }
 * @endcode
 *
 * Handles are numbers, never pointers; 0 is none. Every function may be called from any thread at any time. None blocks, but
 * MQTTOxide_nextEvents() with a time-out, MQTTOxide_destroy(), MQTTOxide_addRoute() and MQTTOxide_removeRoute(). No pointer of the
 * caller's is kept after a call, but that of a callback and its context. Structures begin with their size. Strings and bytes have
 * their length beside them and need no NUL. Functions return 0 or a count, or a negative MQTTOxide_E_... code, after which nothing
 * has changed, but for what MQTTOxide_publishMany() and MQTTOxide_ack() had done before they came upon it. Besides the codes that
 * it lists each function has #MQTTOxide_E_HANDLE for a handle that is none, #MQTTOxide_E_NULL for a pointer that is NULL and must
 * not be, or whose length is not 0, #MQTTOxide_E_SIZE for a struct of another size, and #MQTTOxide_E_PANIC.
 *
 * Programs on MQTTClient.h and MQTTAsync.h need neither library: the functions that take a `void*` handle are in
 * `-lpaho-mqtt3a`, `-lpaho-mqtt3as`, `-lpaho-mqtt3c` and `-lpaho-mqtt3cs`, and work on a MQTTAsync or a MQTTClient:
 * MQTTOxide_setOption(), MQTTOxide_getOption(), MQTTOxide_acknowledge(), MQTTOxide_lastError(), MQTTOxide_statistics(),
 * MQTTOxide_addRoute() and MQTTOxide_removeRoute(). Only this header's other functions need `-lpaho-oxide`.
 *
 * Properties are MQTT 5 properties as they stand in a packet, without the length in front. The manual with the kinds of events
 * and their members is docs/oxide-api.md.
 */

#if !defined(PAHO_OXIDE_H)
#define PAHO_OXIDE_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#include <stddef.h>
#include <stdint.h>
#include "MQTTExportDeclarations.h"

#if defined(__cplusplus)
extern "C" {
#endif

/** No such client or queue (any more). */
#define MQTTOxide_E_HANDLE (-1)

/** A pointer is NULL that must not be. */
#define MQTTOxide_E_NULL (-2)

/** A struct's size is none that this library knows. */
#define MQTTOxide_E_SIZE (-3)

/**
 * A value that no packet can carry, no option can have, or no buffer; an option without effect; text that is not UTF-8.
 */
#define MQTTOxide_E_ARGUMENT (-4)

/** Not in this state: connected already, nothing to give up, not the program's turn, queue in use. */
#define MQTTOxide_E_STATE (-5)

/** There is no connection, or no attached stream, and the operation needs one. */
#define MQTTOxide_E_DISCONNECTED (-6)

/** Too much is unwritten or waits; an event ROOM follows. */
#define MQTTOxide_E_WOULD_BLOCK (-7)

/** All 65,535 packet identifiers are in use. */
#define MQTTOxide_E_NO_ID (-8)

/** The server does not allow it: QoS, retain, size, topic alias. */
#define MQTTOxide_E_NOT_ALLOWED (-9)

/** The store refused; nothing was sent. */
#define MQTTOxide_E_NOT_STORED (-10)

/** The buffer is too small; the size needed is given. */
#define MQTTOxide_E_TOO_SMALL (-11)

/** No memory, threads or descriptors. */
#define MQTTOxide_E_SYSTEM (-12)

/**
 * No such token: it has ended, or was sent already. Of the functions for Paho handles: no such option or route, or no message
 * that waits for its acknowledgement.
 */
#define MQTTOxide_E_NOT_FOUND (-13)

/** Not in this library: TLS in libpaho-oxide. */
#define MQTTOxide_E_NOT_SUPPORTED (-14)

/** A defect in the library. The trace tells more. */
#define MQTTOxide_E_PANIC (-15)

/** Kind of event: a message came. */
#define MQTTOxide_MESSAGE 1

/** Kind of event: publishes have ended well. */
#define MQTTOxide_DONE 2

/** Kind of event: a publish, subscribe or unsubscribe has ended without success. */
#define MQTTOxide_FAILED 3

/** Kind of event: SUBACK came. */
#define MQTTOxide_SUBACK 4

/** Kind of event: UNSUBACK came. */
#define MQTTOxide_UNSUBACK 5

/** Kind of event: the server accepted the connection. */
#define MQTTOxide_CONNECTED 6

/** Kind of event: an attempt to connect has failed. */
#define MQTTOxide_CONNECT_FAILED 7

/** Kind of event: the connection is gone. */
#define MQTTOxide_LOST 8

/** Kind of event: the server said DISCONNECT; the connection is gone. */
#define MQTTOxide_SERVER_DISCONNECT 9

/** Kind of event: a disconnect of the program's is done. */
#define MQTTOxide_CLOSED 10

/** Kind of event: the server sent AUTH. */
#define MQTTOxide_AUTH 11

/** Kind of event: there is room again for publishes. */
#define MQTTOxide_ROOM 12

/** Kind of event: an attached stream has bytes to take. */
#define MQTTOxide_OUTPUT 13

/** Kind of event: a line of the engine's log. */
#define MQTTOxide_LOG 14

/** Kind of event: what the driving thread should wait for may have changed. */
#define MQTTOxide_WANTS 15

/** Create flag: messages of QoS 1 and 2 are acknowledged by MQTTOxide_ack(), else when they are queued. */
#define MQTTOxide_ACK_BY_PROGRAM 1

/** Create flag, with #MQTTOxide_ACK_BY_PROGRAM: acknowledgements leave in the order of the messages. */
#define MQTTOxide_ACK_ORDERED 2

/** Create flag: a QoS 2 message is an event at its PUBLISH, else at its PUBREL. */
#define MQTTOxide_QOS2_AT_PUBLISH 4

/** Create flag: QoS 1 and 2 publishes are accepted without a connection. */
#define MQTTOxide_BUFFER_OFFLINE 8

/** Create flag, with #MQTTOxide_BUFFER_OFFLINE: those of QoS 0 too. */
#define MQTTOxide_BUFFER_QOS0 16

/** Create flag: a publish gets its packet identifier when it is accepted. */
#define MQTTOxide_IDS_AT_ACCEPT 32

/**
 * Create flag: publishes that wait and messages that were not taken, which the store holds, are dropped. What is in flight is
 * resumed; #MQTTOxide_SESSION_CLEAR has that fail.
 */
#define MQTTOxide_NO_RESTORE 64

/** Store: none. */
#define MQTTOxide_STORE_NONE 0

/** Store: files in the format of Paho C. */
#define MQTTOxide_STORE_FILE 1

/** Store: files named as the Go clients name theirs. */
#define MQTTOxide_STORE_GO 2

/** Session policy: publishes in flight are sent again, as new ones where the server has no session. */
#define MQTTOxide_SESSION_RESEND 0

/** Session policy: they are sent again with DUP, whatever the server says. */
#define MQTTOxide_SESSION_KEEP 1

/** Session policy: they fail where the server has no session. */
#define MQTTOxide_SESSION_FOLLOW_SERVER 2

/** Session policy: they fail before the connection begins. */
#define MQTTOxide_SESSION_CLEAR 3

/** Work for a connection: reading. */
#define MQTTOxide_READ 1

/** Work for a connection: writing what waits. */
#define MQTTOxide_WRITE 2

/** Work for a connection: doing what has become due. */
#define MQTTOxide_TICK 4

/**
 * An answer of MQTTOxide_wants() and MQTTOxide_drive(): there is more to read now, whatever the socket says.
 */
#define MQTTOxide_MORE 8

/**
 * With #MQTTOxide_READ in MQTTOxide_drive() and MQTTOxide_driveEvents(): the program's poll tells again of what is left (poll,
 * select, epoll without EPOLLET), so that a read which empties the socket need not be followed by another one.
 */
#define MQTTOxide_LEVEL 16

/**
 * An answer of MQTTOxide_wants() and MQTTOxide_drive(): there are events in the queue, and no call under way that takes them.
 * A call may make events of others: it writes what they have queued.
 */
#define MQTTOxide_EVENTS 32

/** Publish flag, besides the QoS: to be retained. */
#define MQTTOxide_RETAIN 4

/** Publish flag: marked as a duplicate. */
#define MQTTOxide_DUPLICATE 8

/** Publish flag: #MQTTOxide_E_WOULD_BLOCK rather than wait for quota or a connection. */
#define MQTTOxide_NO_WAIT 16

/**
 * Publish flag: not written by the call but by the next MQTTOxide_drive() with #MQTTOxide_WRITE, or over a byte stream the next
 * MQTTOxide_take(), for which the program must care; many then leave in one write. Without effect where the program neither
 * drives the writing nor carries the bytes.
 */
#define MQTTOxide_LATER 32

/** Status of a publish: the kernel, or the stream's buffer, has all of it. At QoS 0 no event follows. */
#define MQTTOxide_WRITTEN 1

/** Status of a publish: its packet is on its way. */
#define MQTTOxide_SENT 2

/** Status of a publish: it waits for a connection or for quota. */
#define MQTTOxide_WAITS 4

/** Status of a publish: bytes are left for MQTTOxide_drive() with #MQTTOxide_WRITE. */
#define MQTTOxide_UNWRITTEN 8

/** Status of a publish: there are events in the queue, as #MQTTOxide_EVENTS. */
#define MQTTOxide_EVENTS_WAIT 16

/** Kind of error: none has happened. */
#define MQTTOxide_ERROR_NONE 0

/** Kind of error: an attempt to connect has failed. Automatic attempts count too. */
#define MQTTOxide_ERROR_CONNECT 1

/**
 * Kind of error: the connection was lost. The code says by what: 1 the server closed it, 2 the socket or TLS failed, 3 no
 * answer to PINGREQ, 4 the server broke the protocol, 5 a message could not be stored.
 */
#define MQTTOxide_ERROR_LOST 2

/** Kind of error: the server said DISCONNECT. */
#define MQTTOxide_ERROR_DISCONNECTED 3

/** Kind of error: the server has not granted a subscription that was made again. */
#define MQTTOxide_ERROR_SUBSCRIPTION 4

/**
 * Kind of error: a call was refused, of this header or of MQTTAsync.h or MQTTClient.h. The code is what it returned.
 */
#define MQTTOxide_ERROR_CALL 5

/** What a client is created with. */
struct MQTTOxide_createOptions {
  /** sizeof(struct MQTTOxide_createOptions) */
  uint32_t size;
  /** #MQTTOxide_ACK_BY_PROGRAM and so on. */
  uint32_t flags;
  /** Comes with every event: the program's own number or pointer. */
  uint64_t context;
  /** Client identifier; may be NULL with length 0. */
  const char *client_id;
  /** Its length. */
  uint32_t client_id_len;
  /**
   * 3, 4 or 5: what is assumed until the first connection. 0 is 4. With a store all connections are of MQTT 5, or none, as said
   * here.
   */
  uint32_t version;
  /** Publishes that may wait for a connection or for quota; 0: 65,535. */
  uint32_t max_buffered;
  /** Unread messages from which on the socket is not read; 0: 1,024. */
  uint32_t max_unread_messages;
  /** The same in bytes; 0: 1 MiB. */
  uint64_t max_unread_bytes;
  /** #MQTTOxide_STORE_NONE and so on. */
  uint32_t store;
  /** Length of the directory's name. */
  uint32_t store_name_len;
  /** Directory of the store; NULL where there is none. */
  const char *store_name;
  /**
   * #MQTTOxide_STORE_GO: prefix of the file names, or NULL: at most 64 bytes, no slash or NUL, no digit at its end. Of other
   * stores: NULL.
   */
  const char *store_prefix;
  /** Its length. */
  uint32_t store_prefix_len;
  /** Length of the extension. */
  uint32_t store_extension_len;
  /**
   * #MQTTOxide_STORE_GO: extension of the file names; NULL: ".msg". As the prefix, but not empty, no digit at its beginning, and
   * not ".tmp". Of other stores: NULL.
   */
  const char *store_extension;
  /** #MQTTOxide_STORE_FILE: the server, a part of the directory's name. Of other stores: NULL. */
  const char *server;
  /** Its length. */
  uint32_t server_len;
  /** What the program's threads do: see MQTTOxide_setDriver(). */
  uint32_t driver;
};

/** A CONNECT, and how the connection is kept. */
struct MQTTOxide_connectOptions {
  /** sizeof(struct MQTTOxide_connectOptions) */
  uint32_t size;
  /** The byte on the wire: 3, 4, 5; 0x83, 0x84 for a bridge. */
  uint8_t version;
  /** The bit on the wire: clean session, clean start. */
  uint8_t clean;
  /** #MQTTOxide_SESSION_RESEND and so on. */
  uint8_t session;
  /** 0 */
  uint8_t flags;
  /** 0: no keep-alive. At most 65,535. */
  uint32_t keep_alive_s;
  /**
   * For the answer to PINGREQ; 0: half the keep-alive, one and a half where the line is not known to be fast.
   */
  uint32_t ping_timeout_ms;
  /** Of the whole attempt; 0: none. */
  uint32_t deadline_ms;
  /** QoS 1 and 2 publishes unacknowledged at a time; 0: 65,535. */
  uint32_t max_inflight;
  /** The same of those that are sent again; 0: as max_inflight. */
  uint32_t max_resume_inflight;
  /** Length of the client identifier. */
  uint32_t client_id_len;
  /** Client identifier; NULL: that of the create. */
  const char *client_id;
  /** User name; NULL: none. */
  const char *username;
  /** Its length. */
  uint32_t username_len;
  /** Length of the password. */
  uint32_t password_len;
  /** Password; NULL: none. Without a user name only MQTT 5 has one ([MQTT-3.1.2-22] of 3.1.1). */
  const void *password;
  /** MQTT 5 properties. */
  const void *props;
  /** Their length. */
  uint32_t props_len;
  /** Length of the will's topic. */
  uint32_t will_topic_len;
  /** Topic of the will; NULL: no will, and nothing in its other members. */
  const char *will_topic;
  /** Payload of the will. */
  const void *will_payload;
  /** Its length. */
  uint32_t will_payload_len;
  /** QoS of the will. */
  uint8_t will_qos;
  /** The will is to be retained. */
  uint8_t will_retain;
  /** 0 */
  uint16_t reserved;
  /** MQTT 5 properties of the will. */
  const void *will_props;
  /** Their length. */
  uint32_t will_props_len;
  /** Length of the WebSocket's path. */
  uint32_t ws_path_len;
  /**
   * For MQTTOxide_attachFd() and MQTTOxide_attachStream(): path of a WebSocket, without blanks; NULL: no WebSocket. The URI says
   * it for MQTTOxide_connect().
   */
  const char *ws_path;
  /** Its Host header; NULL: localhost, or no WebSocket. */
  const char *ws_host;
  /** Its length. */
  uint32_t ws_host_len;
  /** Length of the headers. */
  uint32_t headers_len;
  /**
   * Headers that are added to the WebSocket's request: "Name: value" lines that end with CR LF. None without a WebSocket.
   */
  const char *headers;
};

/** A certificate of the server's. */
struct MQTTOxide_certificate {
  /** The certificate in DER; valid during the call. */
  const void *der;
  /** Its length. */
  uint32_t len;
  /** 0 */
  uint32_t reserved;
};

/**
 * Looks at the server's certificates after OpenSSL's own checks have passed (without which flag 1 goes on here), before
 * anything is sent to the server. Has the last word, on each connection.
 *
 * Runs on a thread of the library's that may wait, with no lock held. It may call any function, MQTTOxide_destroy() of its own
 * client included. Where the attempt ends meanwhile, by its deadline or MQTTOxide_abort(), it runs on, and its answer is passed
 * over; MQTTOxide_destroy() on another thread waits for it, and it is not called afterwards.
 *
 * @param context verify_context of the options.
 * @param host the name or address in the URI, without a NUL.
 * @param host_len its length.
 * @param chain the certificates that the server sent, its own first.
 * @param count how many.
 * @param reason a buffer for the reason of a refusal, in UTF-8, which becomes part of the text of CONNECT_FAILED.
 * @param capacity its size.
 * @return 0: the server is good. Else it is refused: a positive number is the length of the reason in the buffer.
 */
typedef int32_t MQTTOxide_verify(
    void *context, const char *host, uint32_t host_len, const struct MQTTOxide_certificate *chain, uint32_t count,
    char *reason, uint32_t capacity);

/**
 * TLS of a connection that the engine makes. A text that has "-----BEGIN " in it is the PEM text itself, else the name of
 * a file.
 */
struct MQTTOxide_tlsOptions {
  /** sizeof(struct MQTTOxide_tlsOptions) */
  uint32_t size;
  /** 1: the server's certificate is not verified. */
  uint32_t flags;
  /** Certificates of the authorities that are trusted; NULL: those of the system. */
  const char *trust;
  /** Their length. */
  uint32_t trust_len;
  /** Length of the certificate. */
  uint32_t certificate_len;
  /** The client's certificate, with its chain; NULL: none. */
  const char *certificate;
  /** Its private key; NULL: it is with the certificate. None without one. */
  const char *key;
  /** Its length. */
  uint32_t key_len;
  /** Length of the password. */
  uint32_t password_len;
  /** Password of an encrypted key; NULL: none. None without a certificate. */
  const void *password;
  /** Has the last word on the server's certificates; NULL: nobody has. */
  MQTTOxide_verify *verify;
  /** Passed to it; the library does not look at it. */
  void *verify_context;
};

/** How a publish was accepted. */
struct MQTTOxide_published {
  /** sizeof(struct MQTTOxide_published) */
  uint32_t size;
  /** Packet identifier; 0 if it has none (yet). */
  uint16_t packet_id;
  /** #MQTTOxide_WRITTEN and so on. */
  uint16_t status;
  /** The publish's token. */
  uint64_t token;
};

/** One of the messages of MQTTOxide_publishMany(). */
struct MQTTOxide_message {
  /** Topic. */
  const char *topic;
  /** Payload. */
  const void *payload;
  /** MQTT 5 properties. */
  const void *props;
  /** Length of the topic. */
  uint32_t topic_len;
  /** Length of the payload. */
  uint32_t payload_len;
  /** Length of the properties. */
  uint32_t props_len;
  /** As those of MQTTOxide_publish(). */
  uint32_t flags;
};

/** An operation in flight. */
struct MQTTOxide_operation {
  /** Its token. */
  uint64_t token;
  /** Its packet identifier, or 0. */
  uint16_t packet_id;
  /** Its QoS; 0 also where it has none, and of a publish of which only the store knows. */
  uint8_t qos;
  /** 0 it waits, 1 PUBLISH is sent, 2 PUBREC came, 3 SUBSCRIBE, 4 UNSUBSCRIBE. */
  uint8_t state;
  /** 0 */
  uint32_t reserved;
};

/** What has happened in a client's life, and what is going on. */
struct MQTTOxide_counters {
  /** sizeof(struct MQTTOxide_counters) */
  uint32_t size;
  /** Connections established. */
  uint32_t connections;
  /** Bytes of MQTT read, CONNACK included; what TLS, a WebSocket or a proxy adds is not counted. */
  uint64_t bytes_in;
  /** Bytes of MQTT written, CONNECT included. */
  uint64_t bytes_out;
  /** Messages received. */
  uint64_t messages_in;
  /** Messages handed to a connection. One that is sent again counts once. */
  uint64_t messages_out;
  /** Publishes that wait for a connection or for quota. */
  uint64_t queued;
  /** Operations in flight. */
  uint64_t in_flight;
  /** Bytes that wait to be written. */
  uint64_t unwritten_bytes;
  /** Messages that the program has not taken. */
  uint64_t unread_messages;
  /** Their bytes. */
  uint64_t unread_bytes;
  /** Messages that the program has not acknowledged. */
  uint64_t unacknowledged;
  /**
   * How long the answer to the last PINGREQ took, or what came first after it, in microseconds, on whichever connection; 0:
   * there was none.
   */
  uint64_t ping_round_trip_us;
};

/** A MQTT 5 property. */
struct MQTTOxide_property {
  /** sizeof(struct MQTTOxide_property) */
  uint32_t size;
  /** Its identifier. */
  uint32_t id;
  /** The value of one that is a number. */
  uint32_t number;
  /** Length of the value. */
  uint32_t value_len;
  /** The value of one that is bytes or text, or of a pair; inside the caller's buffer. */
  const void *value;
  /** The name of a pair; inside the caller's buffer. */
  const void *name;
  /** Its length. */
  uint32_t name_len;
  /** 0 */
  uint32_t reserved;
};

/** What MQTTOxide_lastError() tells. */
struct MQTTOxide_error {
  /** sizeof(struct MQTTOxide_error) */
  uint32_t size;
  /** #MQTTOxide_ERROR_NONE and so on. */
  uint32_t kind;
  /**
   * Which error of this client it is; they count from 1. Of a thread: a number that grows with each. 0: none has happened.
   */
  uint64_t number;
  /** Of #MQTTOxide_ERROR_LOST and #MQTTOxide_ERROR_CALL; else 0. */
  int32_t code;
  /**
   * The step of connecting that failed: 0 talking MQTT, 1 options, 2 name look-up, 3 TCP or Unix socket, 4 proxy,
   * 5 WebSocket, 6 deadline, 7 given up, 8 TLS. Of a call that is refused for options which would fail at that step, too.
   */
  uint32_t stage;
  /** The operating system's error number (errno), or 0. */
  int32_t os_error;
  /** Return code (3.1, 3.1.1) or reason code (5) of the server's, or the one that we told it; or 0. */
  uint32_t reason;
  /** OpenSSL's error number, as of ERR_get_error(), or 0. ERR_error_string_n() has a text for it. */
  uint64_t tls_error;
  /**
   * The caller's buffer for the text, or NULL. The library writes as much as fits, without a NUL, and does not keep it.
   */
  char *text;
  /** Size of the buffer. */
  uint32_t text_capacity;
  /** Receives the length of the whole text, in UTF-8. */
  uint32_t text_len;
};

/**
 * Called for a message whose topic matches the filter of a route, one call at a time for each client, on a thread of the
 * library's, in the order of arrival. It may take its time, and call any function of the library, for this client too.
 *
 * @param context what was given to MQTTOxide_addRoute().
 * @param topic the topic, valid during the call; a NUL follows it.
 * @param topic_len its length in bytes.
 * @param message a MQTTAsync_message or a MQTTClient_message, after the API of the client; lent for the call: copy what has
 * to last, and neither free nor change it. Several routes see the same message.
 */
typedef void MQTTOxide_route(void *context, const char *topic, uint32_t topic_len, void *message);

/** The members of an event, as MQTTOxide_nextEvents() writes them; topic, properties and payload follow. */
struct MQTTOxide_event {
  /** Of the whole record: the next one begins so many bytes after this one. */
  uint32_t size;
  /** MQTTOxide_MESSAGE and so on. Skip kinds that you do not know. */
  uint16_t kind;
  /** Of a message; of a connection, the version of MQTT. */
  uint8_t qos;
  /** By kind. */
  uint8_t flags;
  /** Packet identifier. */
  uint16_t packet_id;
  /** Reason or return code. */
  uint16_t reason;
  /** Bytes of the topic or text behind the members. */
  uint32_t topic_len;
  /** Bytes of the properties behind it. */
  uint32_t props_len;
  /** Bytes of the payload behind them. */
  uint32_t payload_len;
  /** Which operation, or what to acknowledge a message with. */
  uint64_t token;
  /** The client's, from MQTTOxide_createOptions. */
  uint64_t context;
  /** By kind. */
  uint64_t value;
};

/**
 * Makes a queue of events. Clients are created on it, one or many thousand.
 *
 * @param queue receives the handle.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_SYSTEM: too many queues.
 */
LIBMQTT_API int32_t MQTTOxide_createQueue(uint64_t *queue);

/**
 * Destroys a queue that has no clients any more. Calls of MQTTOxide_nextEvents() that wait come back.
 *
 * @param queue the queue.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: it has clients.
 */
LIBMQTT_API int32_t MQTTOxide_destroyQueue(uint64_t queue);

/**
 * Returns a descriptor that is readable while the queue is not empty, for poll(), epoll or an event loop. It stays the
 * library's: do not read or close it. A queue whose descriptor nobody asks for does not pay for it.
 *
 * @param queue the queue.
 * @return the descriptor, or a negative MQTTOxide_E_... code. #MQTTOxide_E_SYSTEM: none is free.
 */
LIBMQTT_API int32_t MQTTOxide_eventFd(uint64_t queue);

/**
 * Fills a buffer with as many events as fit, each a struct MQTTOxide_event with its bytes behind it.
 *
 * @param queue the queue.
 * @param buffer receives the events; aligned to 8 bytes.
 * @param capacity its size.
 * @param timeout_ms how long to wait for the first event: 0 not at all, -1 for ever.
 * @param count receives the number of events, or NULL.
 * @return the bytes that were filled; 0 when there was nothing in time, or after MQTTOxide_interrupt(); or a negative
 * MQTTOxide_E_... code. #MQTTOxide_E_TOO_SMALL: the next event does not fit, and stays; count is the size it needs.
 * #MQTTOxide_E_ARGUMENT: the buffer is not aligned. #MQTTOxide_E_HANDLE: also where the queue is destroyed meanwhile.
 */
LIBMQTT_API int64_t MQTTOxide_nextEvents(
    uint64_t queue, void *buffer, uint32_t capacity, int32_t timeout_ms, uint32_t *count);

/**
 * Has a call of MQTTOxide_nextEvents() come back with 0: one that waits, or the next that finds no event. Each time it is another
 * one (1,024 at most); a call that does not wait takes all for which none waits.
 *
 * @param queue the queue.
 * @return 0, or a negative MQTTOxide_E_... code.
 */
LIBMQTT_API int32_t MQTTOxide_interrupt(uint64_t queue);

/**
 * Has lines of the engine's log queued as #MQTTOxide_LOG events. At most 1,024 lines or 1 MiB wait; value says how many
 * were dropped before a line, or, in an event without text, before the last of those that waited was taken.
 *
 * @param queue the queue.
 * @param level 1 (everything) to 7 (what ends the program); 0: no lines.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: no such level.
 */
LIBMQTT_API int32_t MQTTOxide_setLogLevel(uint64_t queue, int32_t level);

/**
 * Makes a client, which is not connected.
 *
 * @param client receives the handle.
 * @param queue where its events go.
 * @param options the options.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: a flag, version, store or driver that there is not,
 * an option that would be without effect beside the others (#MQTTOxide_ACK_ORDERED without #MQTTOxide_ACK_BY_PROGRAM,
 * #MQTTOxide_BUFFER_QOS0 without #MQTTOxide_BUFFER_OFFLINE, a name that the store does not use), a prefix or extension that
 * cannot be part of a file's name, a server's URI with a user name, or text that is not UTF-8. #MQTTOxide_E_NOT_STORED: the
 * store cannot be opened, as another process has it, or a file of it cannot be read; the log says which
 * (MQTTOxide_setLogLevel()). #MQTTOxide_E_SYSTEM: too many clients, or no threads.
 */
LIBMQTT_API int32_t MQTTOxide_create(
    uint64_t *client, uint64_t queue, const struct MQTTOxide_createOptions *options);

/**
 * Destroys a client, whose handle is none from now on: DISCONNECT is written if the socket takes it, and what is pending
 * fails. These events are in the queue when this returns, and none of the client's follow. Waits for other threads that are
 * inside a call for this client.
 *
 * @param client the client.
 * @return 0, or a negative MQTTOxide_E_... code.
 */
LIBMQTT_API int32_t MQTTOxide_destroy(uint64_t client);

/**
 * Adopts a connected socket (TCP, Unix, one of a socketpair) and begins to talk MQTT over it. The descriptor is duplicated and
 * made non-blocking, which both share; the caller keeps and closes its own. An event CONNECTED or CONNECT_FAILED follows.
 *
 * @param client the client.
 * @param fd the socket.
 * @param options the CONNECT.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: connected, or connecting.
 * #MQTTOxide_E_ARGUMENT: no connected stream socket, options that there are not or that would be without effect (`ws_host` and
 * `headers` without `ws_path`), a password without a user name below MQTT 5, or MQTT 5 where the client's store is of an older
 * version, or the reverse. #MQTTOxide_E_SYSTEM: no threads. The descriptor is as it was, then.
 */
LIBMQTT_API int32_t MQTTOxide_attachFd(uint64_t client, int32_t fd, const struct MQTTOxide_connectOptions *options);

/**
 * Begins to talk MQTT over a byte stream that the program carries, by MQTTOxide_feed(), MQTTOxide_take() and MQTTOxide_eof().
 * An event CONNECTED or CONNECT_FAILED follows.
 *
 * @param client the client.
 * @param options the CONNECT.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: connected, or connecting. #MQTTOxide_E_ARGUMENT: as
 * MQTTOxide_attachFd() says of options. #MQTTOxide_E_SYSTEM: no threads.
 */
LIBMQTT_API int32_t MQTTOxide_attachStream(uint64_t client, const struct MQTTOxide_connectOptions *options);

/**
 * Connects as the Paho libraries do: the engine looks names up, makes the connection, and does TLS and WebSocket. An event
 * CONNECTED or CONNECT_FAILED follows.
 *
 * @param client the client.
 * @param uri the server's URI, or several with spaces between, tried in order; CONNECT_FAILED tells of the last one.
 * @param uri_len its length.
 * @param options the CONNECT.
 * @param tls for the TLS schemes; NULL where no URI has one.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_NOT_SUPPORTED: TLS, in libpaho-oxide.
 * #MQTTOxide_E_STATE: connected, or connecting. #MQTTOxide_E_SYSTEM: no threads. #MQTTOxide_E_ARGUMENT: no URI at all, or options
 * that there are not, that would be without effect (`ws_path`, `ws_host`; `headers` where no URI is a WebSocket's, `tls` where
 * none has a TLS scheme, in it a key or a password without a certificate), or with which no server can be connected to: a URI
 * with a user name in it, a password without a user name below MQTT 5, no client identifier without `clean` with MQTT 3.1.1.
 * The latter is sent as it is over a program's own connection. A version as MQTTOxide_attachFd() says.
 */
LIBMQTT_API int32_t MQTTOxide_connect(
    uint64_t client, const char *uri, uint32_t uri_len, const struct MQTTOxide_connectOptions *options,
    const struct MQTTOxide_tlsOptions *tls);

/**
 * Ends the attempt or the connection now, without DISCONNECT. An event CONNECT_FAILED or LOST follows.
 *
 * @param client the client.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: there is none.
 */
LIBMQTT_API int32_t MQTTOxide_abort(uint64_t client);

/**
 * Waits at most so long for what is in flight, then sends DISCONNECT and closes. An event CLOSED follows. An attempt to connect
 * ends at once, with CONNECT_FAILED.
 *
 * @param client the client.
 * @param timeout_ms milliseconds; 0: DISCONNECT follows what is on its way to the socket now.
 * @param reason reason code, MQTT 5.
 * @param props properties, MQTT 5.
 * @param props_len their length.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt.
 * #MQTTOxide_E_ARGUMENT: reason or properties that no DISCONNECT has, or any below MQTT 5.
 */
LIBMQTT_API int32_t MQTTOxide_disconnect(
    uint64_t client, uint32_t timeout_ms, uint8_t reason, const void *props, uint32_t props_len);

/**
 * Sends AUTH.
 *
 * @param client the client.
 * @param reason 0x18 answers an event AUTH, 0x19 begins to authenticate anew.
 * @param props authentication data and so on; the method of CONNECT is added.
 * @param props_len their length.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_STATE: the server has not asked, or
 * CONNECT named no method, or an authentication is under way. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt.
 * #MQTTOxide_E_ARGUMENT: another reason, another method, or properties that no AUTH has. #MQTTOxide_E_NOT_ALLOWED: larger than
 * the server takes.
 */
LIBMQTT_API int32_t MQTTOxide_auth(uint64_t client, uint8_t reason, const void *props, uint32_t props_len);

/**
 * Writes an address of the connection's socket: "1.2.3.4:1883", `[::1]:1883`, the path of a Unix socket, or "@name" for an
 * abstract one. 128 bytes are enough for any.
 *
 * @param client the client.
 * @param which 0 the server's, 1 our own.
 * @param buffer receives the text, without a NUL.
 * @param capacity its size.
 * @return the length of the text, 0 if there is none; or a negative MQTTOxide_E_... code. #MQTTOxide_E_TOO_SMALL: the text's
 * beginning is in the buffer. #MQTTOxide_E_DISCONNECTED: there is no connection and no attempt over a link of the program's.
 * #MQTTOxide_E_ARGUMENT: neither 0 nor 1.
 */
LIBMQTT_API int64_t MQTTOxide_address(uint64_t client, uint32_t which, char *buffer, uint32_t capacity);

/**
 * Hands over bytes that came from the server on an attached stream. They are processed on this thread; their events are in the
 * queue when this returns.
 *
 * @param client the client.
 * @param bytes the bytes.
 * @param n how many.
 * @return how many were taken; fewer than n, or none, while the program has too many unread messages, and an event WANTS follows
 * when there is room; none where the connection has ended, which an event tells. So the rest is fed after the events were
 * taken, and not in a loop without them. Or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: no stream is attached.
 */
LIBMQTT_API int64_t MQTTOxide_feed(uint64_t client, const void *bytes, uint64_t n);

/**
 * As MQTTOxide_feed(), and then MQTTOxide_nextEvents() without waiting, in one call. The queue's descriptor is left alone for
 * events that this call takes.
 *
 * @param client the client.
 * @param bytes the bytes.
 * @param n how many.
 * @param taken receives how many bytes were taken, unless a code is returned that is not #MQTTOxide_E_TOO_SMALL.
 * @param buffer receives the events; aligned to 8 bytes.
 * @param capacity its size.
 * @param count receives the number of events, or NULL.
 * @return as MQTTOxide_nextEvents(). #MQTTOxide_E_DISCONNECTED: no stream is attached.
 */
LIBMQTT_API int64_t MQTTOxide_feedEvents(
    uint64_t client, const void *bytes, uint64_t n, uint64_t *taken, void *buffer, uint32_t capacity,
    uint32_t *count);

/**
 * Ends an attached stream.
 *
 * @param client the client.
 * @param why the text of the event LOST or CONNECT_FAILED that follows; may be empty.
 * @param why_len its length.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: no stream is attached, or, with a text, the
 * connection has ended already.
 */
LIBMQTT_API int32_t MQTTOxide_eof(uint64_t client, const char *why, uint32_t why_len);

/**
 * Moves bytes for the server on an attached stream into a buffer.
 *
 * @param client the client.
 * @param buffer receives the bytes.
 * @param capacity its size.
 * @return how many; 0: none now, an event OUTPUT follows when there are. Or a negative MQTTOxide_E_... code.
 * #MQTTOxide_E_DISCONNECTED: no stream is attached.
 */
LIBMQTT_API int64_t MQTTOxide_take(uint64_t client, void *buffer, uint32_t capacity);

/**
 * Says what of the work for connections the program's threads do, by MQTTOxide_drive(); the engine's threads do the rest. May
 * change at any time, also while connected.
 *
 * @param client the client.
 * @param caller_does bits of #MQTTOxide_READ, #MQTTOxide_WRITE and #MQTTOxide_TICK; 0: nothing.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: another bit.
 */
LIBMQTT_API int32_t MQTTOxide_setDriver(uint64_t client, uint32_t caller_does);

/**
 * Does that work on this thread: reads what the socket has (1 MiB at most), writes what waits, does what is due.
 *
 * @param client the client.
 * @param what bits as those of MQTTOxide_setDriver(), and #MQTTOxide_LEVEL.
 * @return as MQTTOxide_wants(). #MQTTOxide_E_ARGUMENT: another bit.
 */
LIBMQTT_API int32_t MQTTOxide_drive(uint64_t client, uint32_t what);

/**
 * As MQTTOxide_drive(), and then MQTTOxide_nextEvents() without waiting, in one call. The queue's descriptor is left alone for
 * events that this call takes.
 *
 * @param client the client.
 * @param what bits as those of MQTTOxide_setDriver(), and #MQTTOxide_LEVEL.
 * @param buffer receives the events; aligned to 8 bytes.
 * @param capacity its size.
 * @param count receives the number of events, or NULL.
 * @return as MQTTOxide_nextEvents(). #MQTTOxide_E_ARGUMENT: another bit, or the buffer is not aligned.
 */
LIBMQTT_API int64_t MQTTOxide_driveEvents(
    uint64_t client, uint32_t what, void *buffer, uint32_t capacity, uint32_t *count);

/**
 * Returns what the program's threads should wait for: #MQTTOxide_READ input, #MQTTOxide_WRITE room, #MQTTOxide_TICK a deadline,
 * #MQTTOxide_MORE nothing: there is more to read now; #MQTTOxide_EVENTS nothing: there are events to take.
 *
 * @param client the client.
 * @return the bits, or a negative MQTTOxide_E_... code.
 */
LIBMQTT_API int32_t MQTTOxide_wants(uint64_t client);

/**
 * Returns how long until MQTTOxide_drive() with #MQTTOxide_TICK has something to do.
 *
 * @param client the client.
 * @return milliseconds; -1: never, also of a client that there is not.
 */
LIBMQTT_API int64_t MQTTOxide_deadlineMs(uint64_t client);

/**
 * Publishes a message. Never blocks.
 *
 * @param client the client.
 * @param topic topic.
 * @param topic_len its length.
 * @param payload payload.
 * @param payload_len its length.
 * @param props MQTT 5 properties.
 * @param props_len their length.
 * @param flags the QoS, and #MQTTOxide_RETAIN, #MQTTOxide_DUPLICATE, #MQTTOxide_NO_WAIT, #MQTTOxide_LATER. At QoS 0 no packet
 * is a duplicate ([MQTT-3.3.1-2]).
 * @param result receives token, packet identifier and status; or NULL.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_WOULD_BLOCK: nothing was accepted, and an event ROOM follows.
 * #MQTTOxide_E_DISCONNECTED: there is no connection, and the client or the flags do not let it wait. #MQTTOxide_E_ARGUMENT: a
 * topic, flag or property that no PUBLISH has; properties below MQTT 5. #MQTTOxide_E_NOT_ALLOWED: the server does not take it.
 * #MQTTOxide_E_NO_ID, #MQTTOxide_E_NOT_STORED.
 */
LIBMQTT_API int32_t MQTTOxide_publish(
    uint64_t client, const char *topic, uint32_t topic_len, const void *payload, uint32_t payload_len,
    const void *props, uint32_t props_len, uint32_t flags, struct MQTTOxide_published *result);

/**
 * Publishes messages in order, up to the first that is not accepted. An event tells of the end of each, also of those at QoS 0
 * that the call itself writes.
 *
 * @param client the client.
 * @param messages the messages.
 * @param n how many.
 * @param accepted receives how many were accepted; or NULL.
 * @param first_token receives the token of the first, 0 where none was accepted; or NULL. Those of the others run on from it,
 * whatever other threads publish meanwhile.
 * @return 0, or a negative MQTTOxide_E_... code. That of the first that was not accepted, as of
 * MQTTOxide_publish(); those before it are accepted.
 */
LIBMQTT_API int32_t MQTTOxide_publishMany(
    uint64_t client, const struct MQTTOxide_message *messages, uint32_t n, uint32_t *accepted,
    uint64_t *first_token);

/**
 * Takes a publish back that has not been sent. An event FAILED follows.
 *
 * @param client the client.
 * @param token its token.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_NOT_FOUND: it has been sent, or has ended.
 */
LIBMQTT_API int32_t MQTTOxide_cancel(uint64_t client, uint64_t token);

/**
 * Subscribes. An event SUBACK or FAILED follows.
 *
 * @param client the client.
 * @param filters the topic filters, as in a packet: see MQTTOxide_putFilter().
 * @param filters_len their length.
 * @param props MQTT 5 properties.
 * @param props_len their length.
 * @param token receives the token; or NULL.
 * @return 0, or a negative MQTTOxide_E_... code. #MQTTOxide_E_DISCONNECTED: there is no connection. #MQTTOxide_E_ARGUMENT: no
 * filter, one that no packet has, options that there are not; properties below MQTT 5. #MQTTOxide_E_NOT_ALLOWED: larger than
 * the server takes. #MQTTOxide_E_NO_ID.
 */
LIBMQTT_API int32_t MQTTOxide_subscribe(
    uint64_t client, const void *filters, uint32_t filters_len, const void *props, uint32_t props_len,
    uint64_t *token);

/**
 * Unsubscribes. An event UNSUBACK or FAILED follows.
 *
 * @param client the client.
 * @param filters the topic filters, as in a packet: see MQTTOxide_putFilter().
 * @param filters_len their length.
 * @param props MQTT 5 properties.
 * @param props_len their length.
 * @param token receives the token; or NULL.
 * @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_subscribe().
 */
LIBMQTT_API int32_t MQTTOxide_unsubscribe(
    uint64_t client, const void *filters, uint32_t filters_len, const void *props, uint32_t props_len,
    uint64_t *token);

/**
 * Acknowledges messages, in a client that was created with #MQTTOxide_ACK_BY_PROGRAM.
 *
 * @param client the client.
 * @param tokens of their events.
 * @param n how many.
 * @param reason reason code, MQTT 5; 0: success.
 * @return how many were acknowledged: messages of an older connection, and those acknowledged before, are passed over. Or a
 * negative MQTTOxide_E_... code; those before the token at fault are acknowledged, then. #MQTTOxide_E_ARGUMENT: a reason code
 * that the acknowledgement cannot have. #MQTTOxide_E_NOT_STORED: the store refused a message of QoS 2.
 */
LIBMQTT_API int32_t MQTTOxide_ack(uint64_t client, const uint64_t *tokens, uint32_t n, uint8_t reason);

/**
 * Lists the operations that have not ended: those in flight in the order of the last packet that was sent of each, a PUBREL
 * included, then those that wait, in their order.
 *
 * @param client the client.
 * @param list receives as many as fit.
 * @param capacity for how many there is room.
 * @return how many there are, or a negative MQTTOxide_E_... code.
 */
LIBMQTT_API int64_t MQTTOxide_inFlight(uint64_t client, struct MQTTOxide_operation *list, uint32_t capacity);

/**
 * Fills in what has happened in a client's life, and what is going on.
 *
 * @param client the client.
 * @param counters receives them; its size is set.
 * @return 0, or a negative MQTTOxide_E_... code.
 */
LIBMQTT_API int32_t MQTTOxide_counters(uint64_t client, struct MQTTOxide_counters *counters);

/**
 * Appends a property that is a number.
 *
 * @param buffer where properties are written.
 * @param capacity its size.
 * @param at how much of it is used; moved on.
 * @param id the property's identifier, as in MQTTProperties.h.
 * @param number its value.
 * @return 0, or a negative MQTTOxide_E_... code, after which at is as it was. #MQTTOxide_E_ARGUMENT: no such property, none that
 * is a number, or one that cannot have this value. #MQTTOxide_E_TOO_SMALL: it does not fit.
 */
LIBMQTT_API int32_t MQTTOxide_putNumber(
    void *buffer, uint32_t capacity, uint32_t *at, uint32_t id, uint32_t number);

/**
 * Appends a property that is bytes or text.
 *
 * @param buffer where properties are written.
 * @param capacity its size.
 * @param at how much of it is used; moved on.
 * @param id the property's identifier, as in MQTTProperties.h.
 * @param value its value.
 * @param len the value's length.
 * @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_putNumber(). #MQTTOxide_E_ARGUMENT: also text that is not UTF-8.
 */
LIBMQTT_API int32_t MQTTOxide_putBytes(
    void *buffer, uint32_t capacity, uint32_t *at, uint32_t id, const void *value, uint32_t len);

/**
 * Appends a user property.
 *
 * @param buffer where properties are written.
 * @param capacity its size.
 * @param at how much of it is used; moved on.
 * @param id the property's identifier, as in MQTTProperties.h.
 * @param name its name.
 * @param name_len the name's length.
 * @param value its value.
 * @param value_len the value's length.
 * @return 0, or a negative MQTTOxide_E_... code, as MQTTOxide_putBytes().
 */
LIBMQTT_API int32_t MQTTOxide_putPair(
    void *buffer, uint32_t capacity, uint32_t *at, uint32_t id, const void *name, uint32_t name_len,
    const void *value, uint32_t value_len);

/**
 * Appends a topic filter for MQTTOxide_subscribe() or, without options, MQTTOxide_unsubscribe().
 *
 * @param buffer where filters are written.
 * @param capacity its size.
 * @param at how much of it is used; moved on.
 * @param filter the filter.
 * @param len its length.
 * @param options QoS and, on MQTT 5, No Local 4, Retain As Published 8, Retain Handling 16 or 32; -1: none.
 * @return 0, or a negative MQTTOxide_E_... code, after which at is as it was. #MQTTOxide_E_ARGUMENT: not a topic filter, or
 * options that no byte has. #MQTTOxide_E_TOO_SMALL: it does not fit.
 */
LIBMQTT_API int32_t MQTTOxide_putFilter(
    void *buffer, uint32_t capacity, uint32_t *at, const char *filter, uint32_t len, int32_t options);

/**
 * Reads a property.
 *
 * @param props the properties.
 * @param props_len their length.
 * @param at where to read; moved on. Begin with 0.
 * @param property receives the property; its size is set.
 * @return 1; 0: there are no more; or a negative MQTTOxide_E_... code. #MQTTOxide_E_ARGUMENT: what is there is no property.
 */
LIBMQTT_API int32_t MQTTOxide_nextProperty(
    const void *props, uint32_t props_len, uint32_t *at, struct MQTTOxide_property *property);

/**
 * Returns what an error code means, a static text, also for a number that is none: never NULL.
 *
 * @param error the code.
 * @return the text.
 */
LIBMQTT_API const char *MQTTOxide_errorName(int32_t error);

/**
 * Sets an option of a Paho client by its name. docs/oxide-api.md lists the options, with their values, units, and from when
 * on they count.
 *
 * @param handle a MQTTClient or MQTTAsync.
 * @param name the option's name.
 * @param name_len its length in bytes.
 * @param value the value, as text. Empty: as if it had never been set.
 * @param value_len its length in bytes.
 * @return 0, or a negative code; nothing has changed then, and MQTTOxide_lastError() says why in words.
 * #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: a pointer is NULL whose length is not 0, or there is no name.
 * #MQTTOxide_E_NOT_FOUND: no option has this name. #MQTTOxide_E_ARGUMENT: the option cannot have this value.
 * #MQTTOxide_E_NOT_SUPPORTED: this client or library cannot do it.
 */
LIBMQTT_API int32_t MQTTOxide_setOption(
    void *handle, const char *name, uint32_t name_len, const char *value, uint32_t value_len);

/**
 * Tells an option of a Paho client, as MQTTOxide_setOption() would take it; empty if it has not been set.
 *
 * @param handle a MQTTClient or MQTTAsync.
 * @param name the option's name.
 * @param name_len its length in bytes.
 * @param value the caller's buffer, which receives the value, without a NUL.
 * @param capacity its size; 64 is enough for any option.
 * @param value_len receives the length of the value, or NULL.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the buffer is NULL and its size not 0,
 * or there is no name. #MQTTOxide_E_NOT_FOUND: no option has this name. #MQTTOxide_E_TOO_SMALL: the value does not fit;
 * value_len is its length.
 */
LIBMQTT_API int32_t MQTTOxide_getOption(
    void *handle, const char *name, uint32_t name_len, char *value, uint32_t capacity, uint32_t *value_len);

/**
 * Acknowledges a message of QoS 1 or 2, in a client with the option `manual-acks`. The acknowledgement is written by this
 * call, or follows those of earlier messages. A message that is not acknowledged comes again on the next connection.
 *
 * @param handle a MQTTClient or MQTTAsync.
 * @param message_id the `msgid` of the message. With `manual-acks` it has more than the packet identifier's 16 bits, so that
 * an acknowledgement that comes too late is not taken for that of another message. A packet identifier alone stands for the
 * message that has it now.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_ARGUMENT: no message can have this
 * identifier. #MQTTOxide_E_NOT_FOUND: no such message waits: it is acknowledged already, or came over an older connection, and
 * comes again. #MQTTOxide_E_NOT_STORED: the store refused, and the message stays unacknowledged.
 */
LIBMQTT_API int32_t MQTTOxide_acknowledge(void *handle, int32_t message_id);

/**
 * Tells what went wrong last in a Paho client: for a connect, the step, and the numbers and words of the system, of OpenSSL
 * or of the server; for a call that was refused, its code, and in words which parameter or member was wrong. It is the
 * client's last error, whichever thread met it; number tells whether it is a new one. A call that is well leaves it as it is.
 *
 * Without a client, for a create that was refused above all: NULL as the handle asks for the last call of the calling thread
 * that was refused, for whichever client.
 *
 * @param handle a MQTTClient or MQTTAsync, or NULL.
 * @param error the caller sets size, text and text_capacity; the call fills in the rest.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: error is NULL, or the text is and its
 * capacity is not 0. #MQTTOxide_E_SIZE: a size that this library does not know. #MQTTOxide_E_TOO_SMALL: the text does not fit;
 * its beginning is there, and everything else; not returned for a text that is NULL.
 */
LIBMQTT_API int32_t MQTTOxide_lastError(void *handle, struct MQTTOxide_error *error);

/**
 * Tells what a Paho client has done since it was created, and what is going on.
 *
 * @param handle a MQTTClient or MQTTAsync.
 * @param counters the caller sets size; the call fills in the rest.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: counters is NULL.
 * #MQTTOxide_E_SIZE: a size that this library does not know.
 */
LIBMQTT_API int32_t MQTTOxide_statistics(void *handle, struct MQTTOxide_counters *counters);

/**
 * Adds a route: messages whose topic matches the filter go to this callback. A message goes to all routes that match, in the
 * order in which they were added; only one that none matches goes to messageArrived. A route subscribes to nothing.
 *
 * There is one route a filter: another one with the same filter takes its place, at the end. Then, as
 * MQTTOxide_removeRoute() does, this call waits until no thread is inside the old callback.
 *
 * @param handle a MQTTAsync, or a MQTTClient with callbacks: MQTTClient_setCallbacks() comes first.
 * @param filter the topic filter; `$share/group/` at its beginning is cut off.
 * @param filter_len its length in bytes.
 * @param callback called for each message that matches.
 * @param context passed to the callback; the library does not look at it.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the filter or the callback is NULL.
 * #MQTTOxide_E_ARGUMENT: not a topic filter. #MQTTOxide_E_STATE: a MQTTClient without callbacks, whose messages
 * MQTTClient_receive() gets.
 */
LIBMQTT_API int32_t MQTTOxide_addRoute(
    void *handle, const char *filter, uint32_t filter_len, MQTTOxide_route *callback, void *context);

/**
 * Removes a route. When it returns no thread is inside the callback, nor will be: what the context points to may be freed. For
 * that it waits where another thread is inside; called from the callback itself it does not wait.
 *
 * @param handle a MQTTClient or MQTTAsync.
 * @param filter the filter, as it was added.
 * @param filter_len its length in bytes.
 * @return 0, or a negative code. #MQTTOxide_E_HANDLE: not a client. #MQTTOxide_E_NULL: the filter is NULL.
 * #MQTTOxide_E_NOT_FOUND: there is no route with this filter.
 */
LIBMQTT_API int32_t MQTTOxide_removeRoute(void *handle, const char *filter, uint32_t filter_len);

#if defined(__cplusplus)
}
#endif

#endif
