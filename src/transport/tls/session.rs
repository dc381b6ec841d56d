//! Sessions to resume, which saves a reconnect a round trip and both sides their key operations.

use std::collections::HashMap;
use std::sync::Arc;

use crate::os::lock::Mutex;
use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslRef, SslSession, SslSessionCacheMode};

use super::super::uri::ServerUri;

/// Most servers of one client whose sessions are kept.
const MAX_SERVERS: usize = 16;

/// Host and port.
type Server = (String, u16);

/// The last session with each server, all made in one context.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<HashMap<Server, SslSession>>>);

/// Returns where a connection remembers which server it is for.
fn server_index() -> Result<Index<Ssl, Server>, ErrorStack> {
    static INDEX: OnceCell<Index<Ssl, Server>> = OnceCell::new();
    INDEX.get_or_try_init(Ssl::new_ex_index).copied()
}

fn server(uri: &ServerUri) -> Server {
    (uri.host.clone(), uri.port)
}

impl Sessions {
    /// Keeps the sessions of connections made from `builder`. TLS 1.3 servers send them some time after the handshake.
    pub(super) fn collect_from(&self, builder: &mut SslContextBuilder) {
        builder
            .set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        let sessions = self.clone();
        builder.set_new_session_callback(move |ssl: &mut SslRef, session| {
            let server = server_index()
                .ok()
                .and_then(|index| ssl.ex_data(index).cloned());
            if let Some(server) = server {
                let mut sessions = sessions.0.lock();
                if sessions.len() < MAX_SERVERS || sessions.contains_key(&server) {
                    sessions.insert(server, session);
                }
            }
        });
    }

    /// Offers the server of `uri` to go on with the last session. `context` is the one the sessions belong to.
    pub(super) fn resume(
        &self,
        ssl: &mut SslRef,
        context: &SslContext,
        uri: &ServerUri,
    ) -> Result<(), ErrorStack> {
        debug_assert!(std::ptr::eq(ssl.ssl_context(), &raw const **context));
        let server = server(uri);
        if let Some(session) = self.0.lock().get(&server) {
            #[expect(
                unsafe_code,
                reason = "the openssl crate has no safe way to resume a session"
            )]
            // SAFETY: the caller of `set_session` must see to it that session and connection have the same context.
            // A `Sessions` is filled by the callback of one context only, to which `Prepared` ties it for life, and
            // `ssl` was made from that context. OpenSSL takes a reference of its own to the session.
            unsafe {
                ssl.set_session(session)?;
            }
        }
        ssl.set_ex_data(server_index()?, server);
        Ok(())
    }

    /// Forgets the session with the server of `uri`.
    pub(super) fn forget(&self, uri: &ServerUri) {
        self.0.lock().remove(&server(uri));
    }
}
