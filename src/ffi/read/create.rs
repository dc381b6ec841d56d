//! What the create functions of both APIs have in common.

use libc::{c_char, c_int, c_void};

use crate::ffi::last_error;
use crate::ffi::read::{self, Code};
use crate::ffi::store::UserStore;
use crate::ffi::types::async_types::{
    MQTTASYNC_BAD_PROTOCOL, MQTTASYNC_BAD_UTF8_STRING, MQTTASYNC_PERSISTENCE_ERROR,
};
use crate::ffi::types::persistence_types::{
    MQTTCLIENT_PERSISTENCE_DEFAULT, MQTTCLIENT_PERSISTENCE_NONE, MQTTCLIENT_PERSISTENCE_USER,
};
use crate::persistence::file::FileStore;
use crate::persistence::{Store, StoreError};
use crate::protocol::wire;
use crate::transport::TLS_SUPPORTED;
use crate::transport::uri::{ServerUri, UriError};

/// The strings of a create call.
pub struct Created {
    pub server_uri: String,
    pub client_id: String,
}

/// Reads and checks the strings, in the original's order.
///
/// # Safety
/// NULL, or NUL-terminated strings.
pub unsafe fn check(
    server_uri: *const c_char,
    client_id: *const c_char,
    persistence_type: c_int,
) -> Result<Created, Code> {
    last_error::clear();
    // SAFETY: the caller's promise.
    let (server_uri, client_id) = unsafe { (read::bytes(server_uri), read::bytes(client_id)) };
    let server_uri = server_uri.ok_or_else(|| read::null("serverURI"))?;
    let client_id = client_id.ok_or_else(|| read::null("clientId"))?;
    let text = |bytes: &[u8], name: &str| {
        wire::well_formed_utf8(bytes)
            .then(|| String::from_utf8_lossy(bytes).into_owned())
            .ok_or_else(|| {
                let why = format!("{name} is not UTF-8");
                last_error::fail(MQTTASYNC_BAD_UTF8_STRING, why)
            })
    };
    let client_id = text(client_id, "clientId")?;
    if client_id.is_empty() && persistence_type == MQTTCLIENT_PERSISTENCE_DEFAULT {
        return Err(refused(&StoreError::NoClientId));
    }
    let server_uri = text(server_uri, "serverURI")?;
    match ServerUri::parse(&server_uri) {
        Err(error @ (UriError::BadProtocol | UriError::ControlCharacter)) => {
            return Err(last_error::fail(MQTTASYNC_BAD_PROTOCOL, error));
        }
        // A library without TLS does not know these schemes, and says so as of any other it does not know.
        Ok(uri) if uri.is_tls() && !TLS_SUPPORTED => {
            let why = "the server URI asks for TLS, which this library is without";
            return Err(last_error::fail(MQTTASYNC_BAD_PROTOCOL, why));
        }
        // What is wrong with a host or a port is found when it is connected to, as in the original.
        _ => {}
    }
    Ok(Created {
        server_uri,
        client_id,
    })
}

/// Opens the store that a program asked for.
///
/// # Safety
/// The context is what the persistence type documents.
pub unsafe fn store(
    persistence_type: c_int,
    persistence_context: *mut c_void,
    client_id: &str,
    server_uri: &str,
) -> Result<Option<Box<dyn Store>>, Code> {
    let opened: Result<Box<dyn Store>, StoreError> = match persistence_type {
        MQTTCLIENT_PERSISTENCE_NONE => return Ok(None),
        MQTTCLIENT_PERSISTENCE_DEFAULT => {
            // The store's directory would have the password in its name.
            if let Err(error @ UriError::UserInfo) = ServerUri::parse(server_uri) {
                return Err(last_error::fail(MQTTASYNC_PERSISTENCE_ERROR, error));
            }
            // SAFETY: the context is a path or NULL, as documented.
            let directory = unsafe { read::text(persistence_context.cast()) }
                .map_err(|code| last_error::named(code, "persistence_context"))?;
            crate::engine::watch_for_exit();
            FileStore::open(directory.as_deref(), client_id, server_uri)
                .map(|store| Box::new(store) as _)
        }
        MQTTCLIENT_PERSISTENCE_USER => {
            // SAFETY: the context is a persistence struct or NULL, as documented.
            unsafe { UserStore::open(persistence_context.cast(), client_id, server_uri) }
                .map(|store| Box::new(store) as _)
        }
        other => {
            let why = format!("persistence_type is {other}, and not 0 to 2");
            return Err(last_error::fail(MQTTASYNC_PERSISTENCE_ERROR, why));
        }
    };
    opened.map(Some).map_err(|error| refused(&error))
}

/// Returns the code of a store that cannot be used: the program's own where it has one.
pub fn refused(error: &StoreError) -> Code {
    let code = match error {
        StoreError::Program(code) => *code,
        _ => MQTTASYNC_PERSISTENCE_ERROR,
    };
    last_error::fail(code, error)
}
