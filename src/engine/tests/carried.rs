//! Clients without threads, sockets or waiting: the test carries the bytes, drives the client, and hears of everything inside
//! its own call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::options;
use super::program::Program;
use crate::engine::delivery::queue::Driver;
use crate::engine::driving::Work;
use crate::engine::{Client, Setup};
use crate::options::{ConnectOptions, CreateOptions, VersionChoice};
use crate::persistence::Store;
use crate::protocol::Version;
use crate::protocol::session::{self, Acknowledge};
use crate::transport::Link;
use crate::transport::stream::ByteStream;

/// Longer than any test runs.
pub const FAR: Duration = Duration::from_secs(3600);
pub const PUBLISH: &[u8] = b"\x32\x06\x00\x01t\x00\x01x";

/// What a client is created with.
pub fn setup() -> Setup {
    Setup {
        client_id: "carried".into(),
        server_uri: String::new(),
        create: CreateOptions::default(),
        driver: Driver::Reactor,
        acknowledge: Acknowledge::OnArrival,
        session: session::Options::default(),
        lost_after_disconnect: false,
    }
}

/// A client that the test drives.
pub struct Carried(pub Arc<Client<Program<false>>>);

impl std::ops::Deref for Carried {
    type Target = Arc<Client<Program<false>>>;

    fn deref(&self) -> &Arc<Client<Program<false>>> {
        &self.0
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

impl Carried {
    pub fn new(setup: Setup, store: Option<Box<dyn Store>>) -> Self {
        Self::prepared(setup, store, |_| {})
    }

    /// Makes a client that is prepared before the program hears of anything.
    pub fn prepared(
        setup: Setup,
        store: Option<Box<dyn Store>>,
        prepare: impl FnOnce(&Client<Program<false>>),
    ) -> Self {
        let client = Client::new(setup, Program::<false>::default(), store, || "restored");
        let client = client.expect("a client");
        prepare(&client);
        client.set_driver(Work::ALL);
        Self(client)
    }

    /// Begins a connection over a stream that takes so many bytes.
    pub fn attach(&self, capacity: usize, options: ConnectOptions, op: &'static str) -> ByteStream {
        let (link, stream) = Link::stream(capacity, Arc::new(|_| {}));
        self.0.attach(link, options, op).expect("attached");
        stream
    }

    /// Has the client read what it is fed, and write.
    pub fn feed(&self, stream: &ByteStream, bytes: &[u8]) {
        assert_eq!(stream.feed(bytes), bytes.len(), "room for all");
        self.work();
    }

    /// Does all that there is to do.
    pub fn work(&self) {
        let mut left = true;
        while left {
            left = self
                .perform(Work {
                    level: true,
                    ..Work::ALL
                })
                .more;
        }
    }

    /// Returns what the program has heard since it was last asked.
    pub fn heard(&self) -> Vec<String> {
        self.host().heard()
    }

    /// Has a message that was not taken offered again after [`FAR`] only: the machine may be slow.
    pub fn put_off_offers(&self) {
        self.0.lock().roles.offer_again(Instant::now() + FAR);
    }

    /// Does what would be due after so long.
    pub fn tick(&self, after: Duration) {
        let mut core = self.0.lock();
        let now = Instant::now() + after;
        core.roles.expire(now);
        self.0.check_handshake(&mut core, now);
        self.0.tick(&mut core, now);
        drop(self.0.settle(core, crate::engine::core::Thread::Caller));
    }
}

/// Takes what the client has sent.
pub fn sent(stream: &ByteStream) -> Vec<u8> {
    let mut bytes = vec![0; stream.pending()];
    let taken = stream.take(&mut bytes);
    assert_eq!(taken, bytes.len());
    bytes
}

/// Options of a connect of that version.
pub fn options_of(version: Version) -> ConnectOptions {
    ConnectOptions {
        version: VersionChoice::Only(version),
        ..options()
    }
}

/// CONNACK of that version, with success.
pub fn connack(version: Version) -> &'static [u8] {
    if version == Version::V5 {
        &[0x20, 3, 0, 0, 0]
    } else {
        super::CONNACK
    }
}

/// A connected client that has heard nothing yet, and its stream.
pub fn connected(setup: Setup, options: ConnectOptions) -> (Carried, ByteStream) {
    let version = match options.version {
        VersionChoice::Only(version) => version,
        VersionChoice::Default => Version::V311,
    };
    let client = Carried::new(setup, None);
    let stream = client.attach(1 << 20, options, "connect");
    assert_eq!(sent(&stream)[0], 0x10, "CONNECT");
    client.feed(&stream, connack(version));
    assert_eq!(client.heard(), ["connect up", "connected"]);
    (client, stream)
}
