//! Connections that this side has ended, until the server ends its own.
//!
//! A socket that is closed with bytes unread, or that gets some afterwards, answers with a reset; upon which servers fail to
//! send their acknowledgement, and read no further: the last messages would be lost with it. So only this side is ended, and
//! what comes is thrown away until the server ends the other, for [`GRACE`] at most.
//!
//! The same messages would be lost if the client connected to the same server again: it lets the new connection take over
//! before it has read the rest of the old one. So a connect waits before its CONNECT, within its deadline, while an earlier
//! connection of the client to that server is [at risk](Retired): messages were written that the server has not acknowledged.
//! The end of the process waits for those too, and for bytes that the server's kernel has not acknowledged. Neither waits for
//! a server that was not told: one that has gone silent will say nothing more.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::os::lock::{Condvar, Mutex};
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::sync::Notify;

use super::write::write;
use crate::engine::runtime::runtime;
use crate::protocol::outbound::Batch;
use crate::transport::{Link, Readiness};

/// A server that does not care to close is none to wait for.
const GRACE: Duration = Duration::from_secs(1);
/// A server that goes on sending is none either.
const MAX_DISCARDED: usize = 16 << 20;
/// Bytes thrown away at a time.
const SCRATCH: usize = 4096;
/// Bytes thrown away before others come first.
const DISCARD_TURN: usize = 64 * 1024;
/// How often a socket is looked at of which no event tells.
const LOOK_FOR_END: Duration = Duration::from_millis(10);
/// At the end of the process: how often the kernel is asked what the server's has acknowledged, for it does not tell.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A connection that has ended and is to be closed. Nothing of that happens under a client's mutex.
pub struct Retired {
    epoch: u64,
    link: Arc<Link>,
    /// What is left to be said: the end of the outbound stream, up to DISCONNECT.
    words: Batch,
    /// The socket takes no words, or they would follow half a packet.
    speechless: bool,
    /// Where the server was told of the end: what waits for it.
    closing: Option<Closing>,
}

impl Retired {
    /// Makes the record of a connection of that epoch. `told` names its client, where DISCONNECT is in the outbound stream;
    /// `at_risk` says that messages were written which the server has not acknowledged.
    pub fn new(epoch: u64, link: Arc<Link>, told: Option<Arc<str>>, at_risk: bool) -> Self {
        let speechless = told.is_none();
        // Now and not when it is closed: whoever learns that the connection has ended may connect at once.
        let closing = match (told, link.fd()) {
            (Some(client), Some(_)) => Some(Closing::new(client, &link, at_risk)),
            _ => None,
        };
        Self {
            epoch,
            link,
            words: Batch::default(),
            speechless,
            closing,
        }
    }

    /// Sets what is left to be said.
    pub fn say(&mut self, words: Batch) {
        self.words = words;
    }

    /// Notes that the socket takes no more.
    pub fn silence(&mut self) {
        self.speechless = true;
    }

    /// The thread that wrote to the connection has come back; `all`: it has written what it had.
    fn writer_left(&mut self, all: bool) {
        self.speechless |= !all;
    }

    /// Closes the connection so that what was written still arrives. Returns how many bytes its last words were.
    pub fn close(self) -> u64 {
        let Self {
            link,
            mut words,
            speechless,
            closing,
            ..
        } = self;
        let before = words.written();
        if !speechless {
            // As far as the socket takes them at once. Whatever comes of it, the connection ends now.
            let _ = write(&link, &mut words, usize::MAX);
        }
        let said = words.written() - before;
        if link.fd().is_none() {
            // The owner of a byte stream takes what waits, and sees the end.
            link.end_writing();
        } else if let Discarded::End = discard(&link, DISCARD_TURN) {
            link.shutdown();
        } else {
            link.end_writing();
            match runtime() {
                Ok(runtime) => drop(runtime.spawn(linger(link, closing))),
                Err(_) => link.shutdown(),
            }
        }
        said
    }
}

/// Connections of one client that have ended; nothing while there are none.
#[derive(Default)]
pub struct Ends(Option<Box<Lists>>);

#[derive(Default)]
struct Lists {
    /// To be closed once the client's mutex is released.
    to_close: Vec<Retired>,
    /// Those to which a thread still writes, and which it closes.
    in_use: Vec<Retired>,
}

impl Ends {
    /// Returns true if no connection has ended that is not closed. Asked each time that the mutex is released.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a connection that is to be closed.
    pub fn add(&mut self, retired: Retired) {
        self.0.get_or_insert_default().to_close.push(retired);
    }

    /// Adds one to which a thread still writes.
    pub fn add_in_use(&mut self, retired: Retired) {
        self.0.get_or_insert_default().in_use.push(retired);
    }

    /// The thread that wrote to the connection of that epoch has come back, and the connection is to be closed. `all`: it
    /// has written what it had.
    pub fn writer_left(&mut self, epoch: u64, all: bool) {
        let Some(lists) = &mut self.0 else {
            return;
        };
        let mine = |retired: &Retired| retired.epoch == epoch;
        if let Some(at) = lists.in_use.iter().position(mine) {
            let mut retired = lists.in_use.swap_remove(at);
            retired.writer_left(all);
            lists.to_close.push(retired);
        }
    }

    /// Returns true if a thread still writes to one that has ended.
    pub fn is_in_use(&self) -> bool {
        let lists = self.0.as_ref();
        lists.is_some_and(|lists| !lists.in_use.is_empty())
    }

    /// Takes out those that are to be closed.
    pub fn take(&mut self) -> Vec<Retired> {
        let Some(lists) = &mut self.0 else {
            return Vec::new();
        };
        let to_close = std::mem::take(&mut lists.to_close);
        if lists.in_use.is_empty() {
            self.0 = None;
        }
        to_close
    }
}

/// What was found when input was thrown away.
enum Discarded {
    /// The server has ended its side, or the connection is broken.
    End,
    /// Nothing is left for now.
    Nothing,
    /// There may be more.
    Some(usize),
}

/// Throws away what has arrived, below all layers: nobody looks at it any more. At most about `budget` bytes.
fn discard(link: &Link, budget: usize) -> Discarded {
    let Some(socket) = link.fd() else {
        return Discarded::End;
    };
    let mut scratch = [0; SCRATCH];
    let mut discarded = 0;
    while discarded < budget {
        match rustix::net::recv(socket, &mut scratch[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Discarded::End,
            Ok((read, _)) => discarded += read,
            Err(rustix::io::Errno::AGAIN) if discarded == 0 => return Discarded::Nothing,
            Err(rustix::io::Errno::AGAIN) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Discarded::End,
        }
    }
    Discarded::Some(discarded)
}

/// Waits for the server's end of a connection, for a while.
async fn linger(link: Arc<Link>, closing: Option<Closing>) {
    let readiness = link.readiness();
    linger_by(readiness, link, closing).await;
}

/// Works as [`linger`]. Where the system gave nothing to wait with, for want of descriptors, the socket is looked at again and again:
/// closed at once it would lose what the server has not read.
async fn linger_by(readiness: io::Result<Readiness>, link: Arc<Link>, closing: Option<Closing>) {
    let wait = async {
        let mut left = MAX_DISCARDED;
        loop {
            let read = || match discard(&link, DISCARD_TURN) {
                Discarded::Nothing => Err(io::ErrorKind::WouldBlock.into()),
                Discarded::Some(bytes) => Ok(bytes),
                Discarded::End => Ok(usize::MAX),
            };
            let bytes = match &readiness {
                Ok(readiness) => readiness.retry(Interest::READABLE, read).await?,
                Err(_) => match read() {
                    Err(_) => {
                        tokio::time::sleep(LOOK_FOR_END).await;
                        continue;
                    }
                    Ok(bytes) => bytes,
                },
            };
            if bytes >= left {
                return Ok(());
            }
            left -= bytes;
            // A server that sends without end must not hold up the clock, nor other tasks.
            tokio::task::yield_now().await;
        }
    };
    let waited: Result<io::Result<()>, _> = tokio::time::timeout(GRACE, wait).await;
    // Whether the server has closed or not, it had its time.
    drop(waited);
    link.shutdown();
    drop(closing);
}

/// A connection whose end was announced.
struct Entry {
    number: u64,
    client: Arc<str>,
    /// None where the system does not say.
    server: Option<SocketAddr>,
    at_risk: bool,
    link: Arc<Link>,
}

static CLOSING: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// For the end of the process.
static CLOSED: Condvar = Condvar::new();
/// For connects.
static CLOSED_TASKS: Notify = Notify::const_new();

/// An entry of the list, which goes when this is dropped.
struct Closing(u64);

impl Closing {
    fn new(client: Arc<str>, link: &Arc<Link>, at_risk: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        CLOSING.lock().push(Entry {
            number,
            client,
            server: peer(link),
            at_risk,
            link: Arc::clone(link),
        });
        Self(number)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut closing = CLOSING.lock();
        closing.retain(|entry| entry.number != self.0);
        if closing.is_empty() {
            *closing = Vec::new();
        }
        CLOSED.notify_all();
        CLOSED_TASKS.notify_waiters();
    }
}

/// Returns the address of the server, or of the proxy that leads to it.
fn peer(link: &Link) -> Option<SocketAddr> {
    SocketAddr::try_from(rustix::net::getpeername(link.fd()?).ok()??).ok()
}

/// Waits, before a CONNECT on that link, while a connection of the client to the same server is at risk, [`GRACE`] at most.
pub async fn wait_for_closing(client: &str, link: &Link) {
    // The server gives each nameless client a name of its own.
    if client.is_empty() {
        return;
    }
    let server = peer(link);
    let at_risk =
        |entry: &Entry| entry.at_risk && *entry.client == *client && entry.server == server;
    let wait = async {
        loop {
            let closed = CLOSED_TASKS.notified();
            if !CLOSING.lock().iter().any(at_risk) {
                return;
            }
            closed.await;
        }
    };
    // An entry goes after that time; a thread that is held up in between must not hold up the connect.
    let _ = tokio::time::timeout(GRACE, wait).await;
}

/// Sees to it that the process ends in order: a program may end right after it has disconnected, when the server has not
/// read everything yet, and without destroying its clients, whose stores then get the files that the original looks for.
/// To be called before there are connections or stores.
pub fn watch_for_exit() {
    crate::os::at_exit(wait_for_all);
    crate::os::at_exit(crate::persistence::file::settle_all);
}

/// Waits, before the end of the process, until nothing can be lost with its connections, for a while.
fn wait_for_all() {
    let deadline = Instant::now() + GRACE;
    let mut closing = CLOSING.lock();
    loop {
        let at_risk = closing.iter().any(|entry| entry.at_risk);
        if !at_risk && closing.iter().all(|entry| has_arrived(&entry.link)) {
            return;
        }
        let now = Instant::now();
        if now >= deadline {
            return;
        }
        let until = if at_risk { deadline } else { now + LOOK_AGAIN };
        CLOSED.wait_until(&mut closing, until);
    }
}

/// Returns true if the server's kernel has all that was written, and nothing has come that nobody has read: that would turn
/// the close into a reset, and the server's program would read no further.
fn has_arrived(link: &Link) -> bool {
    link.fd().is_none_or(|socket| {
        let unread = rustix::io::ioctl_fionread(socket).unwrap_or(0);
        link.unacknowledged() == 0 && unread == 0
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::protocol::outbound::Outbound;

    /// A link of ours, and the server's end.
    fn pair() -> (Arc<Link>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        theirs.set_nonblocking(true).expect("non-blocking");
        let link = Link::adopt(ours.into()).expect("a socket");
        (Arc::new(link), theirs)
    }

    /// Returns what is left to be said.
    fn words() -> Batch {
        let (mut out, mut batch) = (Outbound::default(), Batch::default());
        out.tail().extend_from_slice(b"bye");
        out.take(&mut batch);
        batch
    }

    fn client() -> Arc<str> {
        "closing".into()
    }

    /// Returns what has come, and whether the end has come behind it.
    fn come(server: &mut UnixStream) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let ended = server.read_to_end(&mut bytes).is_ok();
        (bytes, ended)
    }

    #[test]
    fn last_words_are_said_where_nothing_unfinished_is_before_them() {
        type Happens = fn(&mut Retired);
        let nothing: Happens = |_| {};
        // Whether the server was told of the end, what becomes of the connection, and what it says.
        let rows = [
            (Some(client()), nothing, &b"bye"[..]),
            (None, nothing, b""),
            (Some(client()), Retired::silence as Happens, b""),
            (Some(client()), |retired| retired.writer_left(true), b"bye"),
            (Some(client()), |retired| retired.writer_left(false), b""),
        ];
        for (row, (told, happens, said)) in rows.into_iter().enumerate() {
            let (link, mut server) = pair();
            let mut retired = Retired::new(1, link, told, false);
            retired.say(words());
            happens(&mut retired);
            assert_eq!(retired.close(), said.len() as u64, "row {row}");
            assert_eq!(come(&mut server), (said.to_vec(), true), "row {row}");
        }
    }

    #[test]
    fn the_owner_of_a_byte_stream_gets_the_words_and_the_end() {
        let (link, stream) = Link::stream(64, Arc::new(|_| {}));
        let mut retired = Retired::new(1, Arc::new(link), Some(client()), true);
        retired.say(words());
        retired.close();
        let mut bytes = [0; 64];
        assert_eq!(stream.take(&mut bytes), 3);
        assert!(stream.is_ended());
    }

    #[test]
    fn a_connection_is_closed_when_no_thread_writes_to_it_any_longer() {
        let mut ends = Ends::default();
        assert!(ends.is_empty() && ends.take().is_empty());
        ends.writer_left(1, true);
        let ((one, _first), (two, _second)) = (pair(), pair());
        ends.add_in_use(Retired::new(1, one, None, false));
        assert!(!ends.is_empty() && ends.take().is_empty());
        ends.add(Retired::new(2, two, None, false));
        let epochs = |retired: Vec<Retired>| {
            let epochs = retired.iter().map(|retired| retired.epoch);
            epochs.collect::<Vec<_>>()
        };
        assert_eq!(epochs(ends.take()), [2]);
        assert!(!ends.is_empty(), "one is in use");
        ends.writer_left(2, true);
        assert!(ends.take().is_empty(), "another one's");
        ends.writer_left(1, true);
        assert_eq!(epochs(ends.take()), [1]);
        assert!(ends.is_empty());
    }

    #[test]
    fn what_the_server_sends_is_thrown_away_up_to_its_end() {
        let (link, mut server) = pair();
        assert!(matches!(discard(&link, DISCARD_TURN), Discarded::Nothing));
        server.write_all(&[0; 3 * SCRATCH]).expect("room");
        let some = discard(&link, 2 * SCRATCH);
        assert!(matches!(some, Discarded::Some(bytes) if bytes == 2 * SCRATCH));
        let rest = discard(&link, 2 * SCRATCH);
        assert!(matches!(rest, Discarded::Some(SCRATCH)));
        server.write_all(b"last").expect("room");
        drop(server);
        // What came before the end counts first.
        let end = discard(&link, DISCARD_TURN);
        assert!(matches!(end, Discarded::End));
    }

    /// Runs a task to its end, on a clock that stands still but where nothing else is left to do. Returns how long it took.
    fn run(task: impl Future<Output = ()>) -> Duration {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let since = tokio::time::Instant::now();
            task.await;
            since.elapsed()
        })
    }

    #[test]
    fn a_server_that_does_not_close_has_a_moment_and_no_more() {
        let (link, mut server) = pair();
        server.write_all(b"thrown away").expect("room");
        let took = run(linger(Arc::clone(&link), None));
        assert!(took >= GRACE && took < 2 * GRACE, "{took:?}");
        assert!(matches!(discard(&link, 1), Discarded::End), "it has ended");
        assert_eq!(come(&mut server), (Vec::new(), true));
        // One that has closed is not waited for.
        let (link, server) = pair();
        drop(server);
        assert_eq!(run(linger(link, None)), Duration::ZERO);
    }

    #[test]
    fn without_a_descriptor_to_wait_with_a_server_has_its_moment_too() {
        let none = || Err(rustix::io::Errno::MFILE.into());
        let (link, mut server) = pair();
        server.write_all(b"thrown away").expect("room");
        let took = run(linger_by(none(), Arc::clone(&link), None));
        assert!(took >= GRACE && took < 2 * GRACE, "{took:?}");
        assert_eq!(come(&mut server), (Vec::new(), true));
        let (link, server) = pair();
        let reads_for = GRACE / 2;
        let closes = async move {
            tokio::time::sleep(reads_for).await;
            drop(server);
        };
        let took = run(async {
            tokio::join!(linger_by(none(), link, None), closes);
        });
        assert!(took >= reads_for && took < GRACE, "{took:?}");
    }

    /// A server that never reads.
    fn server() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").expect("a port")
    }

    fn link_to(server: &TcpListener) -> (Arc<Link>, TcpStream) {
        let address = server.local_addr().expect("an address");
        let ours = TcpStream::connect(address).expect("connected");
        let (theirs, _) = server.accept().expect("accepted");
        let link = Link::adopt(ours.into()).expect("a socket");
        (Arc::new(link), theirs)
    }

    #[test]
    fn a_connect_waits_for_the_clients_connection_to_the_same_server_while_that_is_at_risk() {
        let (here, elsewhere) = (server(), server());
        let (old, _old_server) = link_to(&here);
        let (new, _new_server) = link_to(&here);
        let (other, _other_server) = link_to(&elsewhere);
        let rows = [
            ("waits", true, "waits", &new, true),
            ("another's", true, "waits", &new, false),
            ("no risk", false, "no risk", &new, false),
            ("another server", true, "another server", &other, false),
            // The server gives each nameless client a name of its own.
            ("", true, "", &new, false),
        ];
        for (closes, at_risk, connects, link, waits) in rows {
            let closing = Closing::new(closes.into(), &old, at_risk);
            let took = run(wait_for_closing(connects, link));
            assert_eq!(took >= GRACE, waits, "{connects} after {closes}");
            // Once that is closed there is nothing to wait for.
            let closed = async move {
                tokio::task::yield_now().await;
                drop(closing);
            };
            let took = run(async {
                tokio::join!(wait_for_closing(connects, link), closed);
            });
            assert_eq!(took, Duration::ZERO, "{connects} after {closes}");
        }
    }

    #[test]
    fn an_entry_goes_with_its_connection_and_no_other() {
        let (link, _server) = pair();
        let there = |name: &str| CLOSING.lock().iter().any(|entry| *entry.client == *name);
        let first = Closing::new("first of two".into(), &link, false);
        let second = Closing::new("second of two".into(), &link, false);
        drop(first);
        assert!(!there("first of two") && there("second of two"));
        drop(second);
        assert!(!there("second of two"));
    }

    #[test]
    fn input_that_nobody_has_read_would_reset_the_connection() {
        let listener = server();
        let (link, mut server) = link_to(&listener);
        server.write_all(b"unread").expect("room");
        while !link.has_unread() {
            std::thread::yield_now();
        }
        assert!(!has_arrived(&link));
        assert!(matches!(discard(&link, 64), Discarded::Some(6)));
        assert!(has_arrived(&link));
        let (stream, _owner) = Link::stream(1, Arc::new(|_| {}));
        assert!(has_arrived(&stream), "nobody tells");
    }
}
