//! The event API (`paho_oxide.h`, here by its Rust names), whose records are what the program is told.

use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use paho_oxide::events::{Connect, Create, EventClient, Kind, Queue, Record, Wait};
use paho_oxide::protocol::Version as WireVersion;
use paho_oxide::protocol::property::{Context, Properties, PropertiesRef};

use crate::broker::{Broker, PATIENCE, Peer};
use crate::packet::Value;
use crate::server;

/// A client whose events go into a queue of its own.
pub struct QueuedClient {
    queue: Arc<Queue>,
    pub client: EventClient,
}

/// Properties as a program of this API has them: the bytes of a packet.
pub fn encoded(properties: &[(u8, Value)], context: Context) -> Properties {
    let bytes = server::property_bytes(properties);
    Properties::from(PropertiesRef::parse(&bytes, context).expect("properties"))
}

impl QueuedClient {
    pub fn new(create: Create) -> Self {
        let queue = Queue::new();
        let client = EventClient::new(&queue, create).expect("a client");
        Self { queue, client }
    }

    /// Attaches a connection to the broker, whose end of it is returned.
    pub fn attach(&self, broker: &Broker, connect: Connect) -> Peer {
        let uri = broker.uri();
        let address = uri.strip_prefix("tcp://").expect("TCP");
        let stream = TcpStream::connect(address).expect("the broker listens");
        self.client
            .attach_fd(OwnedFd::from(stream), connect)
            .expect("attached");
        broker.accept()
    }

    /// The next record, but for notes to whoever drives.
    pub fn next(&self) -> Record {
        let mut found = None;
        let taken = self.queue.take_batch(Wait::For(PATIENCE), |_, record| {
            if record.head.kind == Kind::Wants {
                return true;
            }
            let first = found.is_none();
            if first {
                found = Some(record.clone());
            }
            first
        });
        assert!(
            taken.is_ok_and(|taken| taken > 0),
            "the library told nothing"
        );
        found.expect("a record")
    }

    /// The next record, which must be of that kind.
    pub fn expect(&self, kind: Kind) -> Record {
        let record = self.next();
        assert_eq!(record.head.kind, kind, "{record:?}");
        record
    }

    /// AUTH with these properties.
    pub fn auth(
        &self,
        reason: u8,
        properties: &[(u8, Value)],
    ) -> Result<(), paho_oxide::events::Error> {
        let properties = encoded(properties, Context::Auth);
        self.client.auth(reason, properties.as_ref())
    }
}

/// A CONNECT of MQTT 5 with these properties.
pub fn connect(properties: &[(u8, Value)]) -> Connect {
    Connect {
        version: WireVersion::V5,
        properties: encoded(properties, Context::Connect),
        ..Connect::default()
    }
}
