//! A client whose events go into a queue.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::net::SocketAddrAny;

use crate::engine::{
    Client, Counters, Driver, Error, Loss, LossCause, Many, Published, Setup, Subscription, Terms,
    Work,
};
use crate::options::{CreateOptions, Header, TlsOptions};
use crate::os::lock::Mutex;
use crate::persistence::Store;
use crate::persistence::file::{FileStore, Naming};
use crate::protocol::error::Malformed;
use crate::protocol::packet::{Filter, Publish};
use crate::protocol::property::{Properties, PropertiesRef, PropertyId};
use crate::protocol::session::{self, AckToken, Acknowledge, HandOver};
use crate::protocol::{QoS, Version, reason};
use crate::transport::Link;
use crate::transport::stream::{ByteStream, DEFAULT_CAPACITY, Wake};
use crate::transport::uri::ServerUri;

use super::host::{EventHost, Op, Source, begin_call, end_call};
use super::options::{Acks, Connect, Create, StoreOptions, WebSocket};
use super::queue::{Batch, NotTaken, Producer, Queue, Wait};
use super::record::{Kind, Record};

struct Inner {
    engine: Arc<Client<EventHost>>,
    /// The same number for no two clients.
    number: u64,
    create: Create,
    /// The program's end of a stream that it carries.
    stream: Mutex<Option<Arc<ByteStream>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.engine.destroy();
    }
}

/// A client. Clones are the same one, which is destroyed with the last.
#[derive(Clone)]
pub struct EventClient(Arc<Inner>);

/// How a publish is to be treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// It is refused if it would have to wait for a connection or for quota.
    pub no_wait: bool,
    /// Where the program drives the writing, or carries the bytes, it is left to the next time that it does.
    pub later: bool,
}

impl EventClient {
    /// Makes a client whose events go into that queue.
    pub fn new(queue: &Arc<Queue>, create: Create) -> Result<Self, Error> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let store: Option<Box<dyn Store>> = match &create.store {
            StoreOptions::None => None,
            StoreOptions::File { directory, server } => {
                crate::engine::watch_for_exit();
                let store = FileStore::open(Some(directory), &create.client_id, server)
                    .map_err(|error| Error::Store(Arc::new(error)))?;
                Some(Box::new(store))
            }
            StoreOptions::Go { directory, naming } => {
                crate::engine::watch_for_exit();
                let v5 = create.version == Version::V5;
                let naming = Naming {
                    handed_over: if create.acks.by_program {
                        create.acks.qos2_at_publish
                    } else {
                        v5 // see `Session::on_exactly_once`
                    },
                    ..naming.clone()
                };
                let store = FileStore::open_named(directory, naming, v5)
                    .map_err(|error| Error::Store(Arc::new(error)))?;
                Some(Box::new(store))
            }
        };
        let setup = Setup {
            client_id: create.client_id.as_str().into(),
            server_uri: String::new(),
            create: CreateOptions {
                v5: create.version == Version::V5,
                restore_messages: !create.no_restore,
                ..CreateOptions::default()
            },
            driver: Driver::Reactor,
            acknowledge: acknowledge(create.acks),
            session: session::Options {
                ids_at_acceptance: create.ids_at_accept,
                ..session::Options::default()
            },
            lost_after_disconnect: false,
        };
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let source = Arc::new(Source::new(create.context));
        let producer: Arc<dyn Producer> = Arc::clone(&source) as _;
        let host = EventHost::new(Arc::clone(queue), producer);
        let restored = AtomicU64::new(0);
        let engine = Client::new(setup, host, store, || Op {
            number: restored.fetch_add(1, Ordering::Relaxed) + 1,
            client: number,
            is_unacknowledged: false,
            count: 1,
        })?;
        let _first = source.client.set(Arc::downgrade(&engine));
        engine.begin_numbers_after(restored.into_inner());
        engine.continue_packet_ids();
        engine.set_unread_limits(create.max_unread_messages, create.max_unread_bytes);
        engine.hold_back_for(Arc::clone(&source.untaken));
        engine.set_driver(create.driver);
        Ok(Self(Arc::new(Inner {
            engine,
            number,
            create,
            stream: Mutex::new(None),
        })))
    }

    /// Returns the queue that the events go into.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.0.engine.host().queue
    }

    /// Returns the program's own number, which comes with every event.
    pub fn context(&self) -> u64 {
        self.0.create.context
    }

    /// Ends the client. What is pending fails; these events are in the queue when this returns, and none follows.
    pub fn destroy(&self) {
        *self.0.stream.lock() = None;
        self.0.engine.destroy();
        let host = self.0.engine.host();
        host.queue.end(&*host.source);
    }

    fn op(&self, number: u64, is_unacknowledged: bool) -> Op {
        Op {
            number,
            client: self.0.number,
            is_unacknowledged,
            count: 1,
        }
    }
}

/// Connecting and ending.
impl EventClient {
    /// Adopts a connected socket and begins to talk MQTT over it.
    pub fn attach_fd(&self, socket: OwnedFd, connect: Connect) -> Result<(), Error> {
        self.check_version(&connect)?;
        let link = Link::adopt(socket).map_err(|_| {
            Malformed::new(
                reason::IMPLEMENTATION_SPECIFIC_ERROR,
                "not a connected socket",
            )
        })?;
        self.attach(link, connect)?;
        self.forget_stream();
        Ok(())
    }

    /// Begins to talk MQTT over a stream that the program carries: see [`feed`](Self::feed) and [`take`](Self::take).
    pub fn attach_stream(&self, connect: Connect) -> Result<(), Error> {
        self.check_version(&connect)?;
        let engine: Weak<Client<EventHost>> = Arc::downgrade(&self.0.engine);
        let waker = move |wake: Wake| {
            let Some(engine) = engine.upgrade() else {
                return;
            };
            if wake.readable {
                engine.host().tell(Record::new(Kind::Output));
            }
            if wake.writable {
                engine.host().tell(Record::new(Kind::Wants));
            }
        };
        let (link, stream) = Link::stream(DEFAULT_CAPACITY, Arc::new(waker));
        let stream = Arc::new(stream);
        // An event of an earlier stream's output may still wait.
        let _waits = self.0.engine.host().source.told(Kind::Output, 0);
        let old = self.0.stream.lock().replace(Arc::clone(&stream));
        let attached = self.attach(link, connect);
        if attached.is_err() {
            let mut current = self.0.stream.lock();
            if current
                .as_ref()
                .is_some_and(|now| Arc::ptr_eq(now, &stream))
            {
                *current = old;
            }
        }
        attached
    }

    fn attach(&self, link: Link, connect: Connect) -> Result<(), Error> {
        let websocket = connect.websocket.clone();
        let mut options = connect.into_options(Vec::new(), None);
        let op = self.op(0, false);
        match websocket {
            None => self.0.engine.attach(link, options, op),
            Some(WebSocket { path, host }) => {
                let uri = websocket_uri(&host, &path)?;
                // As the program says it: only that knows on which port the server is, and over what.
                let is_host = |(name, _): &Header| name.eq_ignore_ascii_case("Host");
                if !options.http_headers.iter().any(is_host) {
                    options
                        .http_headers
                        .insert(0, ("Host".to_owned(), host.into()));
                }
                self.0.engine.attach_over(link, uri, options, op)
            }
        }
    }

    /// Has the engine make the connection: names, sockets, proxies, TLS.
    pub fn connect(
        &self,
        servers: Vec<String>,
        connect: Connect,
        tls: Option<TlsOptions>,
    ) -> Result<(), Error> {
        self.check_version(&connect)?;
        let authenticates = connect
            .properties
            .as_ref()
            .bytes(PropertyId::AuthenticationMethod)
            .is_some();
        let options = connect.into_options(servers, tls);
        let op = self.op(0, false);
        if authenticates {
            self.0.engine.connect_to_authenticate(options, op)?;
        } else {
            self.0.engine.connect(options, op)?;
        }
        self.forget_stream();
        Ok(())
    }

    /// Refuses a version whose packets the store's records are none of: they would be read as what they are not.
    fn check_version(&self, connect: &Connect) -> Result<(), Error> {
        let create = &self.0.create;
        let is_other = (create.version == Version::V5) != (connect.version == Version::V5);
        if is_other && create.store != StoreOptions::None {
            return Err(Malformed::new(
                reason::IMPLEMENTATION_SPECIFIC_ERROR,
                "the store's records are of another version",
            )
            .into());
        }
        Ok(())
    }

    /// Forgets the stream of an earlier connection: what is said of it does not concern the one that began without it.
    fn forget_stream(&self) {
        *self.0.stream.lock() = None;
    }

    /// Ends the attempt or the connection now, without DISCONNECT.
    pub fn abort(&self) -> Result<(), Error> {
        self.0.engine.abort(given_up())
    }

    /// Waits at most so long for what is in flight, then sends DISCONNECT and closes. An attempt to connect ends at once.
    pub fn disconnect(
        &self,
        timeout: Duration,
        reason: u8,
        properties: Properties,
    ) -> Result<(), Error> {
        let engine = &self.0.engine;
        // CONNACK may come between the two: then there is a connection, which gets its DISCONNECT.
        if engine.abandon(&given_up()).is_ok() {
            return Ok(());
        }
        let op = self.op(0, false);
        engine.disconnect(timeout, reason, properties, Some(op))
    }
}

/// Streams that the program carries.
impl EventClient {
    fn stream(&self) -> Result<Arc<ByteStream>, Error> {
        self.0.stream.lock().clone().ok_or(Error::Disconnected)
    }

    /// Hands over bytes of the server's and processes them. Returns how many were taken.
    pub fn feed(&self, bytes: &[u8]) -> Result<usize, Error> {
        let stream = self.stream()?;
        let mut taken = 0;
        loop {
            let fed = stream.feed(&bytes[taken..]);
            taken += fed;
            let wants = self.0.engine.perform_untold(Work {
                read: true,
                ..Work::NONE
            });
            let held_up = fed == 0 || !wants.read;
            if taken == bytes.len() && !wants.more || held_up {
                return Ok(taken);
            }
        }
    }

    /// Notes that the stream has ended.
    pub fn eof(&self, why: &str) -> Result<(), Error> {
        let stream = self.stream()?;
        stream.feed_end();
        if !why.is_empty() {
            return self.0.engine.abort(Loss::new(LossCause::Closed, why));
        }
        self.0.engine.perform_untold(Work {
            read: true,
            ..Work::NONE
        });
        Ok(())
    }

    /// Moves bytes for the server into the buffer. Returns how many.
    pub fn take(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let stream = self.stream()?;
        let engine = &self.0.engine;
        // Publishes that were to be written later: now.
        let mut wrote = stream.pending() == 0 && engine.write_carried();
        let taken = stream.take(buffer);
        if taken > 0 {
            // There is room for what the stream did not take before.
            wrote |= engine.write_carried();
        }
        if wrote {
            // Answers that nobody took may have held the reading up.
            engine.read_carried();
        }
        Ok(taken)
    }
}

/// Driving.
impl EventClient {
    /// Sets what the program's own threads do.
    pub fn set_driver(&self, by_program: Work) {
        self.0.engine.set_driver(by_program);
    }

    /// Does that work on this thread. Returns what to wait for.
    pub fn drive(&self, work: Work) -> Work {
        self.0.engine.perform(work)
    }

    /// Drives, and takes the events into the buffer.
    pub fn drive_events(&self, work: Work, buffer: &mut [u8]) -> Result<Batch, NotTaken> {
        let collecting = self.queue().collect();
        self.drive(work);
        let batch = self.queue().next_events(buffer, Wait::No);
        drop(collecting);
        batch
    }

    /// Feeds, and takes the events into the buffer. Returns how many bytes were taken, and the events.
    pub fn feed_events(
        &self,
        bytes: &[u8],
        buffer: &mut [u8],
    ) -> Result<(usize, Result<Batch, NotTaken>), Error> {
        let collecting = self.queue().collect();
        let taken = self.feed(bytes)?;
        let batch = self.queue().next_events(buffer, Wait::No);
        drop(collecting);
        Ok((taken, batch))
    }

    /// Returns what the program's threads should wait for.
    pub fn wants(&self) -> Work {
        self.0.engine.wants()
    }

    /// Returns how long until driving has something due; none: never.
    pub fn deadline(&self) -> Option<Duration> {
        self.0.engine.due_in()
    }
}

/// Publishing and subscribing.
impl EventClient {
    /// Accepts a publish, without waiting.
    pub fn publish(&self, publish: &Publish<'_>, manner: Manner) -> Result<Published, Error> {
        let unacknowledged = publish.qos == QoS::AtMostOnce;
        let terms = self.terms(publish, manner);
        let published = self.0.engine.try_publish(publish, terms, |number| {
            let op = self.op(number, unacknowledged);
            // The others end with an acknowledgement, in no publish's call.
            if unacknowledged {
                begin_call(op);
            }
            op
        });
        if !unacknowledged {
            return published;
        }
        let ended = end_call();
        let mut published = published?;
        published.written = ended;
        Ok(published)
    }

    /// Accepts at most `n` publishes in order, without waiting, up to the first that is not accepted. An event tells of the end of
    /// each, also of those that the call itself writes.
    pub fn publish_many<'m, E: From<Error>>(
        &self,
        n: u32,
        mut next: impl FnMut(u32) -> Result<(Publish<'m>, Manner), E>,
    ) -> Many<E> {
        let next = |at| next(at).map(|(publish, manner)| (publish, self.terms(&publish, manner)));
        let op = |number, publish: &Publish<'_>| self.op(number, publish.qos == QoS::AtMostOnce);
        self.0.engine.try_publish_many(n, next, op)
    }

    fn terms(&self, publish: &Publish<'_>, manner: Manner) -> Terms {
        let create = &self.0.create;
        Terms {
            offline: create.buffer_offline
                && (publish.qos != QoS::AtMostOnce || create.buffer_qos0),
            waiting: !manner.no_wait,
            later: manner.later,
            max_waiting: create.max_buffered,
        }
    }

    /// Subscribes. Returns the token of the SUBACK or FAILED that follows.
    pub fn subscribe(
        &self,
        filters: &[Filter<'_>],
        properties: PropertiesRef<'_>,
    ) -> Result<u64, Error> {
        let request = Subscription::Subscribe(filters);
        self.0
            .engine
            .request(&request, properties, |number| self.op(number, false))
    }

    /// Unsubscribes. Returns the token of the UNSUBACK or FAILED that follows.
    pub fn unsubscribe(
        &self,
        filters: &[&[u8]],
        properties: PropertiesRef<'_>,
    ) -> Result<u64, Error> {
        let request = Subscription::Unsubscribe(filters);
        self.0
            .engine
            .request(&request, properties, |number| self.op(number, false))
    }

    /// Takes a publish back that has not been sent. Returns false if there is none of that token.
    pub fn cancel(&self, token: u64) -> bool {
        self.0.engine.cancel(|op| op.number == token)
    }

    /// Acknowledges messages. Returns how many were of this connection and had not been acknowledged.
    pub fn ack(&self, tokens: impl Iterator<Item = AckToken>, reason: u8) -> Result<usize, Error> {
        let given = self.0.engine.acknowledge(tokens, reason);
        // What the program had not acknowledged may have held the reading up.
        self.0.engine.read_carried();
        given
    }

    /// Sends AUTH: 0x18 answers an event, 0x19 begins to authenticate anew.
    pub fn auth(&self, reason: u8, properties: PropertiesRef<'_>) -> Result<(), Error> {
        self.0.engine.authenticate(reason, properties)
    }

    /// Returns the operations that have not ended, oldest first.
    pub fn in_flight(&self) -> Vec<Operation> {
        self.0.engine.pending(|pending, op| Operation {
            number: op.number,
            packet_id: pending.packet_id,
            qos: pending.qos,
            kind: pending.kind,
        })
    }

    /// Returns the server's address; empty where there is none.
    pub fn peer_address(&self) -> Result<String, Error> {
        self.address(|fd| rustix::net::getpeername(fd).ok().flatten())
    }

    /// Returns our own address; empty where there is none.
    pub fn local_address(&self) -> Result<String, Error> {
        self.address(|fd| rustix::net::getsockname(fd).ok())
    }

    fn address(
        &self,
        ask: impl FnOnce(BorrowedFd<'_>) -> Option<SocketAddrAny>,
    ) -> Result<String, Error> {
        let link = self.0.engine.link().ok_or(Error::Disconnected)?;
        let address = link.fd().and_then(ask);
        Ok(address.map_or_else(String::new, |address| text(&address)))
    }

    /// Returns what has happened so far and what is going on.
    pub fn counters(&self) -> Counters {
        self.0.engine.counters()
    }

    /// Returns true if the version of the connection, or the one assumed, is 5.
    pub fn is_v5(&self) -> bool {
        self.0.engine.is_v5()
    }

    /// Returns true if a connection is established.
    pub fn is_connected(&self) -> bool {
        self.0.engine.is_connected()
    }
}

/// An operation that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its token.
    pub number: u64,
    /// Its packet identifier, or 0.
    pub packet_id: u16,
    /// Its `QoS`; none where it has none, or while only the store knows.
    pub qos: Option<QoS>,
    /// How far it has come.
    pub kind: session::Kind,
}

/// Returns why an attempt or a connection ends that the program gives up.
fn given_up() -> Loss {
    Loss::new(LossCause::Aborted, "given up by the program")
}

fn text(address: &SocketAddrAny) -> String {
    if let Ok(address) = std::net::SocketAddr::try_from(address.clone()) {
        return address.to_string();
    }
    let Ok(address) = rustix::net::SocketAddrUnix::try_from(address.clone()) else {
        return String::new();
    };
    if let Some(path) = address.path() {
        return path.to_string_lossy().into_owned();
    }
    // As ss and netstat write it.
    match address.abstract_name() {
        // A socket without a name.
        None | Some([]) => String::new(),
        Some(name) => format!("@{}", String::from_utf8_lossy(name)),
    }
}

/// Returns the URI of a WebSocket on a link of the program's. The host and the path go into the request as they are.
fn websocket_uri(host: &str, path: &str) -> Result<ServerUri, Error> {
    let wrong = |why| Malformed::new(reason::IMPLEMENTATION_SPECIFIC_ERROR, why);
    let splits = |c: char| c.is_whitespace() || c.is_control();
    if host.contains(|c| splits(c) || matches!(c, '/' | '?' | '#' | '@')) {
        return Err(wrong("WebSocket: not a host").into());
    }
    if path.contains(splits) {
        return Err(wrong("WebSocket: not a path").into());
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    let uri = ServerUri::parse(&format!("ws://{host}{slash}{path}"))
        .map_err(|_| wrong("WebSocket: not a host and port"))?;
    Ok(uri)
}

fn acknowledge(acks: Acks) -> Acknowledge {
    if !acks.by_program {
        return Acknowledge::OnArrival;
    }
    Acknowledge::ByProgram {
        ordered: acks.ordered,
        exactly_once: if acks.qos2_at_publish {
            HandOver::Publish
        } else {
            HandOver::Release
        },
    }
}
