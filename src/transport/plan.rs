//! What an attempt to connect is going to do. Whoever makes a plan finds every mistake of the program's that needs neither a
//! server nor a file to be found; an attempt cannot be made without one.

use std::os::unix::net::SocketAddr;

use super::error::{ConnectError, Stage};
use super::proxy::Proxy;
use super::uri::{Scheme, ServerUri};
use super::{TLS_SUPPORTED, upgrade};
use crate::options::ConnectOptions;

/// How to get to a server.
pub struct Plan {
    /// The way leads through this one.
    pub(super) proxy: Option<Proxy>,
}

impl Plan {
    /// Finds what of the options is wrong for a way to `uri`. What files and tokens hold is looked at in each attempt: they may
    /// come, or be renewed, at any time.
    pub fn check(uri: &ServerUri, options: &ConnectOptions) -> Result<(), ConnectError> {
        let _plan = Self::new(uri, options)?;
        #[cfg(feature = "tls")]
        if let (Some(tls), true) = (&options.tls, uri.is_tls()) {
            super::tls::check(tls)?;
        }
        Ok(())
    }

    /// Plans the way to `uri`, or says what is wrong. The settings of TLS are not tried: to make its context shows that.
    pub(super) fn new(uri: &ServerUri, options: &ConnectOptions) -> Result<Self, ConnectError> {
        if uri.is_tls() && !TLS_SUPPORTED {
            let why = "this library is built without TLS";
            return Err(ConnectError::new(Stage::NotSupported, why));
        }
        if uri.is_tls() && options.tls.is_none() {
            let why = "the server URI needs them";
            return Err(ConnectError::new(Stage::NoTlsOptions, why));
        }
        if uri.scheme == Scheme::Unix {
            // The system's structure has room for 107 bytes.
            SocketAddr::from_pathname(&uri.path)
                .map_err(|error| ConnectError::new(Stage::Tcp, error))?;
            return Ok(Self { proxy: None });
        }
        Self::over(uri, options)?;
        let environment = |name: &str| crate::os::environment(name)?.into_string().ok();
        Ok(Self {
            proxy: Proxy::choose(uri, options, environment)?,
        })
    }

    /// Finds what is wrong for a connection to `uri` that the program makes.
    pub fn over(uri: &ServerUri, options: &ConnectOptions) -> Result<(), ConnectError> {
        if uri.is_websocket() {
            upgrade::check_request(uri, &options.http_headers)?;
        }
        Ok(())
    }
}
