//! A publisher and a subscriber with stores, each killed again and again while the server is restarted too: at `QoS` 1 nothing is
//! missing, at `QoS` 2 nothing is missing and nothing comes twice.
//!
//! The server is a mosquitto with persistence. It is ended by SIGTERM, upon which it saves its state: killed, it would lose
//! messages that it has acknowledged, and no client can make up for that.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::output::Flavour;
use crate::decode;
use crate::proxy::{Fate, Observer, Proxy, Way};
use crate::puppet::{StoreDir, Whose, program};

/// As in `ledger.h`.
const MAX_MESSAGES: u32 = 1 << 20;
const ACCEPTED: u8 = 2;

/// The other end of a program's memory.
struct Ledger(File, PathBuf);

impl Ledger {
    fn new(path: PathBuf) -> Self {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .expect("a fresh file");
        file.set_len(STATES + 2 * u64::from(MAX_MESSAGES))
            .expect("room");
        Self(file, path)
    }

    fn get(&self, field: u64) -> u32 {
        let mut bytes = [0; 4];
        self.0
            .read_exact_at(&mut bytes, field * 4)
            .expect("it is there");
        u32::from_ne_bytes(bytes)
    }

    fn set(&self, field: u64, value: u32) {
        self.0
            .write_all_at(&value.to_ne_bytes(), field * 4)
            .expect("it is there");
    }

    fn states(&self, count: u32) -> Vec<u8> {
        let mut states = vec![0; count as usize];
        self.0
            .read_exact_at(&mut states, STATES)
            .expect("it is there");
        states
    }
}

const TARGET: u64 = 0;
const DONE: u64 = 1;
const POSITION: u64 = 3;
const INTERRUPTED: u64 = 4;
const LIMIT: u64 = 5;
/// Where the messages' states begin, in bytes.
const STATES: u64 = 24;

/// Long enough that only a failure reaches it, on a disk that others use, too.
const PATIENCE: Duration = Duration::from_secs(300);

/// The two programs, and the names of their clients.
const PUBLISHER: &str = "crash_publisher";
const SUBSCRIBER: &str = "crash_subscriber";

/// The publisher is not further ahead of the subscriber than by so many messages: with more than 65,535 on their way mosquitto
/// gives the same packet identifier to two of them ([`Watch`]).
const AHEAD: u32 = 20_000;

/// A mosquitto that comes back with what it had, behind a proxy.
struct Server {
    child: Option<Child>,
    port: u16,
    dir: PathBuf,
    proxy: Proxy,
}

impl Server {
    fn new(dir: &Path, watch: &Arc<Watch>) -> Self {
        let dir = dir.join("mosquitto");
        fs::create_dir(&dir).expect("a fresh directory");
        let mut server = Self {
            child: None,
            port: 0,
            dir,
            proxy: Proxy::start(0, Arc::clone(watch) as _),
        };
        server.start();
        server
    }

    fn start(&mut self) {
        // Between finding a free port and the broker taking it, somebody else may: then the broker ends, and another port is tried.
        let started = (0..10).any(|_| self.starts_at_a_free_port());
        assert!(started, "mosquitto does not start:\n{}", self.log(0));
        self.proxy.redirect(self.port);
    }

    /// Returns false if the broker has ended, as it does where it did not get the port.
    fn starts_at_a_free_port(&mut self) -> bool {
        self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
             max_queued_messages 0\nmax_inflight_messages 100\nset_tcp_nodelay true\nuser root\n",
            self.port,
            self.dir.display()
        );
        fs::write(self.dir.join("conf"), text).expect("it can be written");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("a log");
        let before = log.metadata().expect("a size").len();
        let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let mut child = Command::new("mosquitto")
            .env("PATH", path)
            .arg("-c")
            .arg(self.dir.join("conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .spawn()
            .expect("mosquitto starts (apt-get install mosquitto)");
        // Its log has to say so: whoever else has the port may accept connections.
        let start = Instant::now();
        while !self.log(before).contains(" running\n") {
            if child.try_wait().expect("it is ours").is_some() {
                return false;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "mosquitto does not start:\n{}",
                self.log(before)
            );
            thread::sleep(Duration::from_millis(10));
        }
        self.child = Some(child);
        true
    }

    /// Returns what the broker has logged behind the first so many bytes.
    fn log(&self, before: u64) -> String {
        let bytes = fs::read(self.dir.join("log")).unwrap_or_default();
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        String::from_utf8_lossy(bytes.get(before..).unwrap_or_default()).into_owned()
    }

    fn restart(&mut self) {
        self.stop();
        self.start();
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(pid(&child), Signal::TERM);
            child.wait().expect("it is ours");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// What the wire shows of `QoS` 2, to tell whose fault it is when a message is missing or comes twice.
///
/// mosquitto 2.0.11 breaks the protocol in three ways, of which a client can only notice what follows:
/// - restarted, it may send a PUBLISH again whose PUBREL it has sent (the identifier was free, so it is a new message);
/// - restarted, it may forward a message again for whose PUBLISH it has sent PUBREC;
/// - it does not keep to its `max_inflight_messages`, and counts packet identifiers up without a look at those in flight: with
///   more than 65,535 messages on their way two have the same identifier at a time, of which the second is taken for a resend.
///
/// So each packet passes a model of a receiver without fault. It says how often a message may arrive, and whether the sender gave
/// the message's identifier to another one before the handshake was over.
#[derive(Default)]
struct Watch {
    /// Bytes of each connection and way that are no whole packet yet.
    partial: Mutex<HashMap<(usize, Way), Vec<u8>>>,
    seen: Mutex<HashMap<Way, Seen>>,
    clients: Mutex<Clients>,
}

/// Who has which connection. What is on its way on one that its client has given up reaches nobody.
#[derive(Default)]
struct Clients {
    of: HashMap<usize, &'static str>,
    latest: HashMap<&'static str, usize>,
}

impl Clients {
    fn connect(&mut self, connection: usize, packet: &[u8]) {
        let names = |name: &&str| {
            packet
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        };
        let client = [PUBLISHER, SUBSCRIBER].into_iter().find(names);
        let client = client.expect("one of the two");
        self.of.insert(connection, client);
        let latest = self.latest.entry(client).or_default();
        *latest = connection.max(*latest);
    }

    fn has_given_up(&self, connection: usize) -> bool {
        let client = self.of.get(&connection);
        client.is_some_and(|client| self.latest[client] != connection)
    }
}

/// The messages that went one way.
#[derive(Default)]
struct Seen {
    /// By packet identifier: the message whose PUBREL has not been sent, as its receiver knows it.
    open: HashMap<u16, u32>,
    /// By packet identifier: the message whose PUBCOMP has not been seen, as its sender knows it.
    flying: HashMap<u16, u32>,
    /// By packet identifier: the message that had it last.
    latest: HashMap<u16, u32>,
    /// Each message with each identifier that it had.
    sent: HashSet<(u16, u32)>,
    /// How often each message may be handed over.
    copies: HashMap<u32, u32>,
    /// Messages that shared their identifier with another one.
    mixed_up: HashSet<u32>,
}

impl Seen {
    fn publish(&mut self, id: u16, number: u32) {
        let flying = self.flying.insert(id, number);
        let latest = self.latest.insert(id, number);
        let is_resend = !self.sent.insert((id, number));
        // One is on its way, or comes again after another one has come under its identifier.
        for other in [flying, latest.filter(|_| is_resend)] {
            if let Some(other) = other.filter(|other| *other != number) {
                self.mixed_up.extend([other, number]);
            }
        }
        let copies = self.copies.entry(number).or_default();
        if let Entry::Vacant(entry) = self.open.entry(id) {
            entry.insert(number);
            *copies += 1;
        }
    }
}

impl Watch {
    fn packet(&self, connection: usize, way: Way, packet: &[u8]) {
        let mut clients = self.clients.lock().unwrap();
        if packet[0] >> 4 == 1 {
            clients.connect(connection, packet);
        }
        if clients.has_given_up(connection) {
            return;
        }
        let body = 1
            + packet[1..]
                .iter()
                .position(|byte| byte & 0x80 == 0)
                .unwrap()
            + 1;
        let body = &packet[body..];
        let two = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let mut seen = self.seen.lock().unwrap();
        match packet[0] >> 4 {
            3 if (packet[0] >> 1) & 3 == 2 => {
                let topic = usize::from(two(0)) + 2;
                // Behind the identifier come, in MQTT 5, properties: none, or few bytes that are no digits.
                let digits = body[topic + 2..].iter().rev();
                let digits: Vec<u8> = digits.copied().take_while(u8::is_ascii_digit).collect();
                let number = digits
                    .iter()
                    .rev()
                    .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
                seen.entry(way).or_default().publish(two(topic), number);
            }
            6 => {
                seen.entry(way).or_default().open.remove(&two(0));
            }
            7 => {
                seen.entry(way.opposite())
                    .or_default()
                    .flying
                    .remove(&two(0));
            }
            _ => {}
        }
    }

    /// Returns what was seen of the messages that went that way.
    fn take(&self, way: Way) -> Seen {
        self.seen.lock().unwrap().remove(&way).unwrap_or_default()
    }
}

impl Observer for Watch {
    fn see(&self, connection: usize, way: Way, _: usize, bytes: &[u8]) -> Fate {
        let key = (connection, way);
        let mut partial = self
            .partial
            .lock()
            .unwrap()
            .remove(&key)
            .unwrap_or_default();
        partial.extend(bytes);
        let mut rest = &partial[..];
        while let Ok(Some(len)) = decode::packet_len(rest) {
            self.packet(connection, way, &rest[..len]);
            rest = &rest[len..];
        }
        let rest = rest.to_vec();
        self.partial.lock().unwrap().insert(key, rest);
        Fate::Pass
    }
}

/// One of the two programs, started again whenever it was killed.
struct Program {
    command: Box<dyn Fn() -> Command>,
    child: Child,
    kills: u32,
}

impl Program {
    fn new(name: &str, version: u8, server: &Server, dir: &Path, ledger: &Ledger) -> Self {
        let executable = program(name, Flavour::A, Whose::Ours);
        let arguments = [
            server.proxy.uri(),
            name.to_owned(),
            dir.join("stores").display().to_string(),
            ledger.1.display().to_string(),
            "crash/test".to_owned(),
            version.to_string(),
        ];
        let command = move || {
            let mut command = Command::new(&executable);
            command
                .args(&arguments)
                .env("LD_LIBRARY_PATH", Whose::Ours.libraries(Flavour::A))
                .stdin(Stdio::null());
            command
        };
        let child = command().spawn().expect("it starts");
        Self {
            command: Box::new(command),
            child,
            kills: 0,
        }
    }

    fn kill(&mut self) {
        self.assert_alive();
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        self.kills += 1;
        self.child = (self.command)().spawn().expect("it starts");
    }

    fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("it is ours") {
            panic!("a program ended by itself: {status}");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A row of numbers that is the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn number(variable: &str, default: u32) -> u32 {
    env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

fn torture(publisher_version: u8, subscriber_version: u8) {
    let kills = number("PAHO_OXIDE_TORTURE_KILLS", 12);
    let messages = number("PAHO_OXIDE_TORTURE_MESSAGES", 3000);
    let seed = number("PAHO_OXIDE_TORTURE_SEED", std::process::id());
    let mut random = Random(u64::from(seed) * 0x9e37_79b9 + u64::from(publisher_version));
    let dir = StoreDir::new(&format!("crash-{publisher_version}-{subscriber_version}"));
    let watch = Arc::new(Watch::default());
    let mut server = Server::new(&dir.0, &watch);
    let sent = Ledger::new(dir.0.join("sent"));
    let received = Ledger::new(dir.0.join("received"));
    let mut subscriber = Program::new(SUBSCRIBER, subscriber_version, &server, &dir.0, &received);
    wait_until("the subscription", PATIENCE, || received.get(TARGET) == 1);
    sent.set(TARGET, MAX_MESSAGES);
    sent.set(LIMIT, AHEAD);
    let mut publisher = Program::new(PUBLISHER, publisher_version, &server, &dir.0, &sent);

    let mut restarts = 0;
    let limit = Instant::now() + Duration::from_secs(60 + u64::from(kills) * 5);
    while publisher.kills + subscriber.kills < kills || sent.get(POSITION) < messages {
        assert!(
            Instant::now() < limit,
            "no progress: {}",
            sent.get(POSITION)
        );
        thread::sleep(Duration::from_millis(30 + random.below(300)));
        publisher.assert_alive();
        subscriber.assert_alive();
        let arrived = received.states(sent.get(POSITION));
        let furthest = arrived.iter().rposition(|arrived| *arrived > 0);
        let furthest = u32::try_from(furthest.unwrap_or(0)).expect("below MAX_MESSAGES");
        sent.set(LIMIT, furthest + AHEAD);
        if publisher.kills + subscriber.kills >= kills {
            continue;
        }
        match random.below(20) {
            0..=8 => publisher.kill(),
            9..=17 => subscriber.kill(),
            _ => {
                server.restart();
                restarts += 1;
            }
        }
        if sent.get(POSITION) > MAX_MESSAGES - 50_000 {
            break;
        }
    }
    if restarts == 0 {
        server.restart();
        restarts = 1;
    }
    sent.set(TARGET, sent.get(POSITION));
    wait_until("the publisher", PATIENCE, || {
        publisher.child.try_wait().expect("ours").is_some()
    });
    let status = publisher.child.wait().expect("ours");
    assert!(
        status.success() && sent.get(DONE) == 1,
        "publisher: {status}"
    );

    let count = sent.get(POSITION);
    let states = sent.states(count);
    let missing = || {
        let arrived = received.states(count);
        let missing = states
            .iter()
            .zip(&arrived)
            .filter(|(state, arrived)| **state == ACCEPTED && **arrived == 0);
        missing.count()
    };
    let mut last = (missing(), Instant::now());
    while last.0 > 0 && last.1.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(50));
        let now = missing();
        if now < last.0 {
            last = (now, Instant::now());
        }
    }
    received.set(DONE, 1);
    // It may have thousands of records to give files to.
    wait_until("the subscriber", PATIENCE, || {
        subscriber.child.try_wait().expect("ours").is_some()
    });
    let arrived = received.states(count);
    let of = |qos: u32, wrong: &dyn Fn(u8, u8) -> bool| -> Vec<u32> {
        (0..count)
            .filter(|n| 1 + n % 2 == qos)
            .filter(|n| wrong(states[*n as usize], arrived[*n as usize]))
            .collect()
    };
    let missed = |state, arrived| state == ACCEPTED && arrived == 0;
    let (missing1, missing2) = (of(1, &missed), of(2, &missed));
    let twice1 = of(1, &|_, arrived| arrived > 1);
    let twice2 = of(2, &|_, arrived| arrived > 1);
    // What the server did is its own doing.
    let (up, down) = (watch.take(Way::Up), watch.take(Way::Down));
    let copies = |n: &u32| down.copies.get(n).copied().unwrap_or(0);
    let (mixed_up, missing2): (Vec<u32>, Vec<u32>) = missing2
        .into_iter()
        .partition(|n| down.mixed_up.contains(n));
    let (served, twice2): (Vec<u32>, Vec<u32>) = twice2
        .into_iter()
        .partition(|n| down.mixed_up.contains(n) || u32::from(arrived[*n as usize]) <= copies(n));
    let unsure = states.iter().filter(|state| **state != ACCEPTED).count();
    println!(
        "MQTT {publisher_version} to {subscriber_version}, seed {seed}: {count} messages, {} kills of the publisher, {} of the \
         subscriber, {restarts} restarts of the server; QoS 1: {} missing, {} more than once; QoS 2: {} missing, {} more than \
         once, and {} that the server sent twice, {} that it mixed up with others; {unsure} killed in the send call, {} killed in \
         the callback",
        publisher.kills,
        subscriber.kills,
        missing1.len(),
        twice1.len(),
        missing2.len(),
        twice2.len(),
        served.len(),
        mixed_up.len(),
        received.get(INTERRUPTED)
    );
    assert_eq!(missing1, [0; 0], "missing at QoS 1");
    assert_eq!(missing2, [0; 0], "missing at QoS 2");
    assert_eq!(twice2, [0; 0], "more than once at QoS 2");
    let again: Vec<&u32> = up
        .copies
        .iter()
        .filter(|(_, copies)| **copies > 1)
        .map(|(n, _)| n)
        .collect();
    assert!(again.is_empty(), "published again: {again:?}");
    assert!(
        up.mixed_up.is_empty(),
        "identifiers in use given again: {:?}",
        up.mixed_up
    );
    assert!(received.get(INTERRUPTED) <= subscriber.kills);
}

#[test]
fn torture_5_to_4() {
    torture(5, 4);
}

#[test]
fn torture_4_to_5() {
    torture(4, 5);
}
