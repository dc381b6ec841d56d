//! A URI becomes a stack of non-blocking layers: tcp, unix, proxy, tls, websocket.
//!
//! Establishing a connection is asynchronous and runs on the connect runtime, under one deadline. What comes out is a
//! [`Link`]: a non-blocking byte stream that any thread may read, write and poll.

pub mod apart;
mod dial;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod http;
mod layer;
mod link;
mod plan;
mod proxy;
mod race;
mod readiness;
pub mod resolve;
mod socket;
mod socks;
pub mod stream;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
pub mod uri;
mod websocket;

use std::sync::Arc;

use crate::os::lock::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::options::{ConnectOptions, NetworkOptions};
pub use error::{ConnectError, Stage};
pub use http::{Resemblance, resembles};
pub use layer::{Input, Layer, Want, Wants};
pub use link::Link;
pub use plan::Plan;
pub use readiness::Readiness;
use readiness::at;
pub use resolve::MAX_LOOK_UPS;
use resolve::{Resolver, SystemResolver};
use socket::Socket;
use upgrade::upgrade;
use uri::{Scheme, ServerUri};

/// This build has TLS; without it create refuses the TLS schemes.
pub const TLS_SUPPORTED: bool = cfg!(feature = "tls");

/// Makes the connections of one client, and remembers what helps the next one.
#[derive(Clone, Default)]
pub struct Connector {
    /// None: the system's, which thousands of clients share.
    resolver: Option<Arc<dyn Resolver>>,
    #[cfg(feature = "tls")]
    tls: tls::Tls,
}

impl Connector {
    /// Looks names up with `resolver`.
    pub fn with_resolver(resolver: Arc<dyn Resolver>) -> Self {
        Self {
            resolver: Some(resolver),
            #[cfg(feature = "tls")]
            tls: tls::Tls::default(),
        }
    }

    /// Lets go of what the next connection would have had of the last: keys, and sessions to resume.
    pub fn forget(&self) {
        #[cfg(feature = "tls")]
        self.tls.forget();
    }

    fn resolver(&self) -> &dyn Resolver {
        self.resolver.as_deref().unwrap_or(&SystemResolver)
    }

    /// Connects to `uri` before `deadline`, up to where MQTT starts.
    ///
    /// Runs inside a tokio runtime. Dropping the future closes whatever was open.
    pub async fn connect(
        &self,
        uri: &ServerUri,
        options: &ConnectOptions,
        deadline: Instant,
    ) -> Result<Link, ConnectError> {
        let plan = Plan::new(uri, options)?;
        let progress = Progress(Mutex::new(Stage::Tcp));
        match timeout_at(deadline, self.establish(uri, &plan, options, &progress)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::new(
                Stage::Deadline,
                format_args!("timed out during {}", *progress.0.lock()),
            )),
        }
    }

    /// Puts on `link`, which the program has connected itself ([`Link::adopt`], [`Link::stream`]), what `uri` says: the
    /// WebSocket layer for `ws` and `wss`, with the host and the path of `uri` and the headers of `options` in its
    /// request, and nothing for all other schemes. TLS, where the scheme names it, is the program's: it is under `link`.
    ///
    /// Runs inside a tokio runtime. Dropping the future closes the link.
    pub async fn connect_over(
        &self,
        link: Link,
        uri: &ServerUri,
        options: &ConnectOptions,
        deadline: Instant,
    ) -> Result<Link, ConnectError> {
        if !uri.is_websocket() {
            return Ok(link);
        }
        let bottom = link.into_bottom().map_err(|_| {
            ConnectError::new(
                Stage::WebSocket,
                "the connection has a layer of its own already",
            )
        })?;
        let layered = async {
            let readiness = bottom.readiness().map_err(at(Stage::WebSocket))?;
            let websocket = upgrade(bottom, &readiness, uri, &options.http_headers).await?;
            Link::of_layers(websocket, readiness)
        };
        timeout_at(deadline, layered).await.unwrap_or_else(|_| {
            let during = format!("timed out during {}", Stage::WebSocket);
            Err(ConnectError::new(Stage::Deadline, during))
        })
    }

    async fn establish(
        &self,
        uri: &ServerUri,
        plan: &Plan,
        options: &ConnectOptions,
        progress: &Progress,
    ) -> Result<Link, ConnectError> {
        if uri.scheme == Scheme::Unix {
            return dial::unix(&uri.path, progress).await;
        }
        let socket = self.reach(uri, plan, options, progress).await?;
        match (&options.tls, uri.is_tls(), uri.is_websocket()) {
            (_, false, false) => Ok(Link::of_socket(socket)),
            (_, false, true) => {
                let readiness = Readiness::of(&socket).map_err(at(Stage::WebSocket))?;
                progress.enter(Stage::WebSocket);
                let websocket = upgrade(socket, &readiness, uri, &options.http_headers).await?;
                Link::of_layers(websocket, readiness)
            }
            #[cfg(feature = "tls")]
            (Some(tls), true, websocket) => {
                let readiness = Readiness::of(&socket).map_err(at(Stage::Tls))?;
                progress.enter(Stage::Tls);
                let secured = self.tls.handshake(socket, &readiness, uri, tls).await?;
                if !websocket {
                    return Link::of_layers(secured, readiness);
                }
                progress.enter(Stage::WebSocket);
                let websocket = upgrade(secured, &readiness, uri, &options.http_headers).await?;
                Link::of_layers(websocket, readiness)
            }
            // The plan has seen to both.
            (_, true, _) => unreachable!("TLS without support or options"),
        }
    }

    /// Connects a socket to the server, or to a tunnel that leads there.
    async fn reach(
        &self,
        uri: &ServerUri,
        plan: &Plan,
        options: &ConnectOptions,
        progress: &Progress,
    ) -> Result<Socket, ConnectError> {
        let unset = NetworkOptions::default();
        let network = options.network.as_deref().unwrap_or(&unset);
        let Some(proxy) = &plan.proxy else {
            return dial::tcp(&uri.host, uri.port, self.resolver(), network, progress).await;
        };
        let socket = dial::tcp(&proxy.host, proxy.port, self.resolver(), network, progress)
            .await
            .map_err(|error| proxy.unreachable(&error))?;
        progress.enter(proxy.stage());
        // Boxed, as it makes every attempt's future large and most need none.
        Box::pin(proxy.open_tunnel(&socket, uri, self.resolver()))
            .await
            .map_err(|error| proxy.named(error))?;
        Ok(socket)
    }
}

/// Connects once, with the system's resolver.
pub async fn connect(
    uri: &ServerUri,
    options: &ConnectOptions,
    deadline: Instant,
) -> Result<Link, ConnectError> {
    Connector::default().connect(uri, options, deadline).await
}

/// The step a connect has come to, for the message when time runs out.
struct Progress(Mutex<Stage>);

impl Progress {
    fn enter(&self, stage: Stage) {
        *self.0.lock() = stage;
    }
}
