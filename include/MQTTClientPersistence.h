/**
 * @file MQTTClientPersistence.h
 *
 * Where messages in flight are stored, so that they survive a lost connection and a crash of the program, and how a
 * program brings its own store along.
 *
 * A store keeps records, byte strings that are found by a key. For the library's own store that is one file a record, in a
 * directory named after the client identifier and the server.
 */

#if !defined(MQTTCLIENTPERSISTENCE_H)
#define MQTTCLIENTPERSISTENCE_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * Persistence type: the library's own store, one file a record in a sub-directory named after client identifier and
 * server. The persistence context is the directory's name (`const char*`), or NULL for the current directory. One client
 * of one process at a time can have a store open.
 */
#define MQTTCLIENT_PERSISTENCE_DEFAULT 0

/**
 * Persistence type: memory only. Messages in flight are lost when the client is destroyed or the program ends.
 * The persistence context is not used.
 */
#define MQTTCLIENT_PERSISTENCE_NONE 1

/**
 * Persistence type: the program's own store. The persistence context is a pointer to ::MQTTClient_persistence.
 */
#define MQTTCLIENT_PERSISTENCE_USER 2

/**
 * What a function of a store returns when it cannot do its work: what was asked for cannot be stored, or is not
 * there. Calls of the library that need the store then return this code too.
 */
#define MQTTCLIENT_PERSISTENCE_ERROR (-2)

/**
 * Opens the store of one client; called when the client is created.
 *
 * @param handle receives whatever the store wants to be passed to its other functions.
 * @param clientID the client's identifier; with \p serverURI it names the store.
 * @param serverURI the server that the client was created for.
 * @param context the `context` member of ::MQTTClient_persistence.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
 */
typedef int (*Persistence_open)(void **handle, const char *clientID, const char *serverURI, void *context);

/**
 * Closes the store; called when the client is destroyed. No call with this handle follows.
 *
 * @param handle what ::Persistence_open gave.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
 */
typedef int (*Persistence_close)(void *handle);

/**
 * Writes one record, replacing the one with the same key if there is one.
 *
 * The record is the concatenation of all buffers. When this returns 0 the record must survive a crash of the
 * program, because a message is sent only after its record was put.
 *
 * @param handle what ::Persistence_open gave.
 * @param key the record's name, a short string of printable ASCII characters.
 * @param bufcount how many buffers there are.
 * @param buffers the buffers; they belong to the library.
 * @param buflens the length of each buffer in bytes.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
 */
typedef int (*Persistence_put)(void *handle, char *key, int bufcount, char **buffers, int *buflens);

/**
 * Reads one record.
 *
 * @param handle what ::Persistence_open gave.
 * @param key the record's name.
 * @param buffer receives the record, in memory got from MQTTClient_malloc() or MQTTAsync_malloc() (or malloc());
 *        the library frees it.
 * @param buflen receives the record's length in bytes.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR when there is no such record.
 */
typedef int (*Persistence_get)(void *handle, char *key, char **buffer, int *buflen);

/**
 * Deletes one record.
 *
 * @param handle what ::Persistence_open gave.
 * @param key the record's name.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR when there is no such record.
 */
typedef int (*Persistence_remove)(void *handle, char *key);

/**
 * Lists the keys of all records, in any order.
 *
 * @param handle what ::Persistence_open gave.
 * @param keys receives an array of strings. The array and each string come from MQTTClient_malloc() or
 *        MQTTAsync_malloc() (or malloc()); the library frees them all. NULL when there is no record.
 * @param nkeys receives the number of keys.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
 */
typedef int (*Persistence_keys)(void *handle, char ***keys, int *nkeys);

/**
 * Deletes every record of the client.
 *
 * @param handle what ::Persistence_open gave.
 * @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
 */
typedef int (*Persistence_clear)(void *handle);

/**
 * Says whether there is a record with a key.
 *
 * @param handle what ::Persistence_open gave.
 * @param key the record's name.
 * @return 0 when there is one, any other value when there is none.
 */
typedef int (*Persistence_containskey)(void *handle, char *key);

/**
 * A message store that the program implements: pass a pointer to one as the persistence context of
 * #MQTTCLIENT_PERSISTENCE_USER.
 *
 * The structure is read when the client is created and may be gone afterwards; `context` must live as long as the
 * client. All functions must be there. The calls for one client never overlap, but they come from the program's
 * threads and from the library's. They must not call the library for the same client, and hold the client up while they
 * run.
 */
typedef struct MQTTClient_persistence {
  /** Passed to `popen`; the library does not look at it. */
  void *context;
  /** Opens the store. */
  Persistence_open popen;
  /** Closes the store. */
  Persistence_close pclose;
  /** Writes a record. */
  Persistence_put pput;
  /** Reads a record. */
  Persistence_get pget;
  /** Deletes a record. */
  Persistence_remove premove;
  /** Lists the keys. */
  Persistence_keys pkeys;
  /**
   * Deletes all records. Has to be there, and is not called: what a session leaves when it ends is removed record by record.
   */
  Persistence_clear pclear;
  /** Looks for a key. */
  Persistence_containskey pcontainskey;
} MQTTClient_persistence;

/**
 * Called before a record goes to the store: to encrypt it, for example. See MQTTAsync_setBeforePersistenceWrite().
 *
 * The buffers may be changed in place, or replaced by others of the program's, with the entry of \p buflens set
 * accordingly. The library frees neither: a buffer that was replaced must not be freed, and one put in its place stays
 * the program's, which may free or use it again once the next call begins.
 *
 * @param context what was given when the callback was set.
 * @param bufcount how many buffers make up the record.
 * @param buffers the buffers.
 * @param buflens the length of each buffer in bytes.
 * @return 0 for success; any other value makes the write fail.
 */
typedef int MQTTPersistence_beforeWrite(void *context, int bufcount, char **buffers, int *buflens);

/**
 * Called after a record was read from the store: to undo what ::MQTTPersistence_beforeWrite did.
 * See MQTTAsync_setAfterPersistenceRead().
 *
 * @param context what was given when the callback was set.
 * @param buffer the record; may be changed in place, or replaced by memory from MQTTAsync_malloc() after the one
 *        that was there has been given to MQTTAsync_free().
 * @param buflen the record's length in bytes; set it when it changes.
 * @return 0 for success; any other value makes the read fail.
 */
typedef int MQTTPersistence_afterRead(void *context, char **buffer, int *buflen);

#if defined(__cplusplus)
}
#endif

#endif
