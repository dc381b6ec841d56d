//! Types of `MQTTClientPersistence.h`: a message store that the program brings along.
#![allow(non_camel_case_types, non_snake_case)] // the names are the C API's
#![allow(clippy::doc_markdown)] // the comments are the headers' Doxygen manual, with its markup

use libc::{c_char, c_int, c_void};

/// Persistence type: the library's own store, one file a record in a sub-directory named after client identifier and
/// server. The persistence context is the directory's name (`const char*`), or NULL for the current directory. One client
/// of one process at a time can have a store open.
pub const MQTTCLIENT_PERSISTENCE_DEFAULT: c_int = 0;
/// Persistence type: memory only. Messages in flight are lost when the client is destroyed or the program ends.
/// The persistence context is not used.
pub const MQTTCLIENT_PERSISTENCE_NONE: c_int = 1;
/// Persistence type: the program's own store. The persistence context is a pointer to ::MQTTClient_persistence.
pub const MQTTCLIENT_PERSISTENCE_USER: c_int = 2;
/// What a function of a store returns when it cannot do its work: what was asked for cannot be stored, or is not
/// there. Calls of the library that need the store then return this code too.
pub const MQTTCLIENT_PERSISTENCE_ERROR: c_int = -2;

/// Opens the store of one client; called when the client is created.
///
/// @param handle receives whatever the store wants to be passed to its other functions.
/// @param clientID the client's identifier; with \p serverURI it names the store.
/// @param serverURI the server that the client was created for.
/// @param context the `context` member of ::MQTTClient_persistence.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
pub type Persistence_open = Option<
    unsafe extern "C" fn(
        handle: *mut *mut c_void,
        clientID: *const c_char,
        serverURI: *const c_char,
        context: *mut c_void,
    ) -> c_int,
>;

/// Closes the store; called when the client is destroyed. No call with this handle follows.
///
/// @param handle what ::Persistence_open gave.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
pub type Persistence_close = Option<unsafe extern "C" fn(handle: *mut c_void) -> c_int>;

/// Writes one record, replacing the one with the same key if there is one.
///
/// The record is the concatenation of all buffers. When this returns 0 the record must survive a crash of the
/// program, because a message is sent only after its record was put.
///
/// @param handle what ::Persistence_open gave.
/// @param key the record's name, a short string of printable ASCII characters.
/// @param bufcount how many buffers there are.
/// @param buffers the buffers; they belong to the library.
/// @param buflens the length of each buffer in bytes.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
pub type Persistence_put = Option<
    unsafe extern "C" fn(
        handle: *mut c_void,
        key: *mut c_char,
        bufcount: c_int,
        buffers: *mut *mut c_char,
        buflens: *mut c_int,
    ) -> c_int,
>;

/// Reads one record.
///
/// @param handle what ::Persistence_open gave.
/// @param key the record's name.
/// @param buffer receives the record, in memory got from MQTTClient_malloc() or MQTTAsync_malloc() (or malloc());
///        the library frees it.
/// @param buflen receives the record's length in bytes.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR when there is no such record.
pub type Persistence_get = Option<
    unsafe extern "C" fn(
        handle: *mut c_void,
        key: *mut c_char,
        buffer: *mut *mut c_char,
        buflen: *mut c_int,
    ) -> c_int,
>;

/// Deletes one record.
///
/// @param handle what ::Persistence_open gave.
/// @param key the record's name.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR when there is no such record.
pub type Persistence_remove =
    Option<unsafe extern "C" fn(handle: *mut c_void, key: *mut c_char) -> c_int>;

/// Lists the keys of all records, in any order.
///
/// @param handle what ::Persistence_open gave.
/// @param keys receives an array of strings. The array and each string come from MQTTClient_malloc() or
///        MQTTAsync_malloc() (or malloc()); the library frees them all. NULL when there is no record.
/// @param nkeys receives the number of keys.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
pub type Persistence_keys = Option<
    unsafe extern "C" fn(
        handle: *mut c_void,
        keys: *mut *mut *mut c_char,
        nkeys: *mut c_int,
    ) -> c_int,
>;

/// Deletes every record of the client.
///
/// @param handle what ::Persistence_open gave.
/// @return 0, or #MQTTCLIENT_PERSISTENCE_ERROR.
pub type Persistence_clear = Option<unsafe extern "C" fn(handle: *mut c_void) -> c_int>;

/// Says whether there is a record with a key.
///
/// @param handle what ::Persistence_open gave.
/// @param key the record's name.
/// @return 0 when there is one, any other value when there is none.
pub type Persistence_containskey =
    Option<unsafe extern "C" fn(handle: *mut c_void, key: *mut c_char) -> c_int>;

/// A message store that the program implements: pass a pointer to one as the persistence context of
/// #MQTTCLIENT_PERSISTENCE_USER.
///
/// The structure is read when the client is created and may be gone afterwards; `context` must live as long as the
/// client. All functions must be there. The calls for one client never overlap, but they come from the program's
/// threads and from the library's. They must not call the library for the same client, and hold the client up while they
/// run.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MQTTClient_persistence {
    /// Passed to `popen`; the library does not look at it.
    pub context: *mut c_void,
    /// Opens the store.
    pub popen: Persistence_open,
    /// Closes the store.
    pub pclose: Persistence_close,
    /// Writes a record.
    pub pput: Persistence_put,
    /// Reads a record.
    pub pget: Persistence_get,
    /// Deletes a record.
    pub premove: Persistence_remove,
    /// Lists the keys.
    pub pkeys: Persistence_keys,
    /// Deletes all records. Has to be there, and is not called: what a session leaves when it ends is removed record by record.
    pub pclear: Persistence_clear,
    /// Looks for a key.
    pub pcontainskey: Persistence_containskey,
}

/// Called before a record goes to the store: to encrypt it, for example. See MQTTAsync_setBeforePersistenceWrite().
///
/// The buffers may be changed in place, or replaced by others of the program's, with the entry of \p buflens set
/// accordingly. The library frees neither: a buffer that was replaced must not be freed, and one put in its place stays
/// the program's, which may free or use it again once the next call begins.
///
/// @param context what was given when the callback was set.
/// @param bufcount how many buffers make up the record.
/// @param buffers the buffers.
/// @param buflens the length of each buffer in bytes.
/// @return 0 for success; any other value makes the write fail.
pub type MQTTPersistence_beforeWrite = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        bufcount: c_int,
        buffers: *mut *mut c_char,
        buflens: *mut c_int,
    ) -> c_int,
>;

/// Called after a record was read from the store: to undo what ::MQTTPersistence_beforeWrite did.
/// See MQTTAsync_setAfterPersistenceRead().
///
/// @param context what was given when the callback was set.
/// @param buffer the record; may be changed in place, or replaced by memory from MQTTAsync_malloc() after the one
///        that was there has been given to MQTTAsync_free().
/// @param buflen the record's length in bytes; set it when it changes.
/// @return 0 for success; any other value makes the read fail.
pub type MQTTPersistence_afterRead = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        buffer: *mut *mut c_char,
        buflen: *mut c_int,
    ) -> c_int,
>;
