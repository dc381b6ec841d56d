//! Stores that fail: full disks, directories that refuse, files that are no records, another process's lock. Each time the
//! documented code, nothing lost, and a trace that says what happened.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Peer};
use crate::packet::{AckKind, Packet};
use crate::puppet::{Api, PATIENCE, Puppet, StoreDir, Whose};

/// `MQTTASYNC_PERSISTENCE_ERROR`, as both APIs have it.
const PERSISTENCE_ERROR: &str = "-2";

fn start(trace: &Path) -> Puppet {
    Puppet::start_with(Api::Async, Whose::Ours, |command| {
        command
            .env("MQTT_C_CLIENT_TRACE", trace)
            .env("MQTT_C_CLIENT_TRACE_LEVEL", "ERROR");
    })
}

fn create(uri: &str, dir: &str) -> String {
    format!("create {uri} faults {dir} offline=1 any=1")
}

fn connect(broker: &Broker, puppet: &mut Puppet, present: bool) -> Peer {
    puppet.ok("connect clean=0 version=4");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(present, &[]);
    puppet.expect("onconnect");
    peer
}

fn assert_traced(trace: &Path, what: &[&str]) {
    let text = fs::read_to_string(trace).unwrap_or_default();
    for what in what {
        assert!(
            text.contains(what),
            "the trace does not say {what:?}:\n{text}"
        );
    }
}

/// A store of three messages in flight, `QoS` 1, packet identifiers 1 to 3, in its own files; its directory.
fn three_in_flight(broker: &Broker, dir: &StoreDir) -> PathBuf {
    let mut puppet = start(&dir.0.with_extension("trace0"));
    puppet.ok(&create(&broker.uri(), dir.path()));
    let mut peer = connect(broker, &mut puppet, false);
    for i in 1..4 {
        puppet.token(&format!("send a/b m{i} 1"));
        assert_eq!(peer.expect_publish().id, i);
    }
    puppet.call("destroy");
    drop(puppet);
    assert_eq!(dir.records(), ["s-1.msg", "s-2.msg", "s-3.msg"]);
    dir.store()
}

/// Files that are no records are passed by; records that cannot be used are set aside, and the others are sent.
#[test]
fn foreign_and_damaged_files() {
    let broker = Broker::start();
    let dir = StoreDir::new("damaged");
    let store = three_in_flight(&broker, &dir);
    let trace = dir.0.with_extension("trace");
    let whole = fs::read(store.join("s-2.msg")).unwrap();
    fs::write(store.join("s-2.msg"), &whole[..whole.len() / 2]).unwrap();
    fs::write(store.join("s-3.msg"), "").unwrap();
    fs::write(store.join("notes.txt"), "mine").unwrap();
    fs::write(store.join("c-7.msg"), "garbage").unwrap();
    fs::write(store.join("q-9.msg"), "garbage").unwrap();

    let mut puppet = start(&trace);
    puppet.ok(&create(&broker.uri(), dir.path()));
    let mut peer = connect(&broker, &mut puppet, true);
    let publish = peer.expect_publish();
    assert_eq!((publish.id, publish.payload), (1, b"m1".to_vec()));
    peer.ack(AckKind::PubAck, 1);
    peer.expect_silence();
    let deadline = Instant::now() + PATIENCE;
    while !puppet.pending().is_empty() || dir.records().len() > 1 {
        assert!(Instant::now() < deadline, "{:?}", dir.records());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(dir.records(), ["notes.txt"]);
    assert_eq!(fs::read(store.join("notes.txt")).unwrap(), b"mine");
    // Nothing is deleted that somebody may want to look at.
    let mut aside: Vec<_> = fs::read_dir(store.join("corrupt"))
        .expect("a directory for them")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    aside.sort();
    for name in ["c-7", "q-9", "s-2", "s-3"] {
        assert!(
            aside.iter().any(|found| found.starts_with(name)),
            "{name} in {aside:?}"
        );
    }
    assert_traced(&trace, &["notes.txt", "s-2", "s-3", "c-7", "q-9"]);
}

/// A second process gets an error and changes nothing; it succeeds when the first has gone.
#[test]
fn another_process() {
    let broker = Broker::start();
    let dir = StoreDir::new("locked");
    let trace = dir.0.with_extension("trace");
    let mut first = start(&dir.0.with_extension("trace1"));
    first.ok(&create(&broker.uri(), dir.path()));
    first.token("send a/b mine 1");
    let mut second = start(&trace);
    let refused = second.call(&create(&broker.uri(), dir.path()));
    assert_eq!(refused, PERSISTENCE_ERROR);
    assert_traced(&trace, &["in use"]);
    first.kill();
    second.ok(&create(&broker.uri(), dir.path()));
    let mut peer = connect(&broker, &mut second, false);
    assert_eq!(peer.expect_publish().payload, b"mine");
}

/// A file system in memory, unmounted afterwards.
struct Mount(PathBuf);

impl Mount {
    fn new(dir: &StoreDir, options: &str) -> Option<Self> {
        let path = dir.0.join("mount");
        fs::create_dir(&path).unwrap();
        let mount = Self(path);
        if mount.run(&["-t", "tmpfs", "-o", options, "none"]) {
            return Some(mount);
        }
        eprintln!("SKIPPED: this test must be allowed to mount a file system, as root is");
        assert!(std::env::var_os("CI").is_none(), "may not mount");
        None
    }

    fn run(&self, arguments: &[&str]) -> bool {
        let status = Command::new("mount").args(arguments).arg(&self.0).status();
        status.is_ok_and(|status| status.success())
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A full disk: a message that cannot be stored is refused with the documented code, before anything of it is sent; what was
/// accepted is delivered, also by the next process; and when there is room again all goes on.
#[test]
fn full_disk() {
    let broker = Broker::start();
    let dir = StoreDir::new("full");
    let Some(mount) = Mount::new(&dir, "size=256k") else {
        return;
    };
    let trace = dir.0.join("trace");
    let mut puppet = start(&trace);
    puppet.ok(&create(&broker.uri(), mount.path()));
    let mut accepted = 0;
    let refused = loop {
        let answer = puppet.call("send a/b @8000 1");
        if !answer.starts_with("0 ") {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "a full disk does not refuse");
    };
    assert_eq!(refused.split(' ').next(), Some(PERSISTENCE_ERROR));
    assert!(accepted > 5, "{accepted}");
    assert_traced(&trace, &["No space left"]);
    assert_eq!(puppet.pending().len(), accepted);
    puppet.kill();

    let mut puppet = start(&dir.0.join("trace2"));
    puppet.ok(&create(&broker.uri(), mount.path()));
    assert_eq!(puppet.pending().len(), accepted);
    let mut peer = connect(&broker, &mut puppet, false);
    // Received messages that cannot be stored are not acknowledged, those that can are.
    let mut ids = Vec::new();
    for _ in 0..accepted {
        let publish = peer.expect_publish();
        assert_eq!(publish.payload.len(), 8000);
        ids.push(publish.id);
    }
    for id in ids {
        peer.ack(AckKind::PubAck, id);
    }
    let deadline = Instant::now() + PATIENCE;
    while !puppet.pending().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    // The room comes back when the store's background thread has tidied up, of which nothing tells.
    let deadline = Instant::now() + PATIENCE;
    let token = loop {
        let answer = puppet.call("send a/b again 1");
        if let Some(token) = answer.strip_prefix("0 ") {
            break token.to_owned();
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_millis(10));
    };
    let publish = peer.expect_publish();
    peer.ack(AckKind::PubAck, publish.id);
    assert_eq!(puppet.expect("success send"), token);
}

/// Fills a file system; gone when it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn new(mount: &Mount) -> Self {
        let ballast = Self(mount.0.join("ballast"));
        let mut file = fs::File::create(&ballast.0).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn wait_for_records(dir: &Path, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    let files = || {
        let entries = fs::read_dir(dir).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().ends_with(".msg"))
            .count()
    };
    while files() != count {
        assert!(Instant::now() < deadline, "{} records", files());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// No PUBREL goes out that the store does not know of, not even with the DISCONNECT that says why the connection ends: the
/// server would forget the message, and take the PUBLISH that the store has for a new one.
#[test]
fn full_disk_when_a_message_is_released() {
    const MESSAGES: usize = 20;
    let broker = Broker::start();
    let dir = StoreDir::new("full-release");
    let Some(mount) = Mount::new(&dir, "size=1m") else {
        return;
    };
    let line = format!("{} v5=1", create(&broker.uri(), mount.path()));
    let mut puppet = start(&dir.0.join("trace"));
    puppet.ok(&line);
    puppet.ok("connect clean=0");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(false, &[]);
    let mut ids = Vec::new();
    for i in 0..MESSAGES {
        puppet.token(&format!("send a/b m{i} 2"));
        ids.push(peer.expect_publish().id);
    }
    let store = fs::read_dir(&mount.0).unwrap().next().unwrap().unwrap();
    wait_for_records(&store.path(), MESSAGES);
    let ballast = Ballast::new(&mount);
    for id in &ids {
        peer.ack(AckKind::PubRec, *id);
    }
    let mut released = HashSet::new();
    loop {
        match peer.expect() {
            Packet::Ack(ack) if ack.kind == AckKind::PubRel => {
                released.insert(ack.id);
            }
            Packet::Disconnect(disconnect) => {
                assert_eq!(disconnect.reason, 0x83);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    puppet.kill();
    drop(ballast);

    let mut puppet = start(&dir.0.join("trace2"));
    puppet.ok(&line);
    puppet.ok("connect clean=0");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(true, &[]);
    let mut completed = 0;
    while completed < MESSAGES {
        match peer.expect() {
            Packet::Ack(ack) if ack.kind == AckKind::PubRel => {
                peer.ack(AckKind::PubComp, ack.id);
                completed += 1;
            }
            Packet::Publish(publish) => {
                assert!(!released.contains(&publish.id), "{publish:?}");
                peer.ack(AckKind::PubRec, publish.id);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// `QoS` 2 messages that wait are not sent while there is no room for the record of their being sent: after a crash they would
/// be sent a second time, as new ones. They go out when there is room again.
#[test]
fn full_disk_of_messages_that_wait() {
    let broker = Broker::start();
    let dir = StoreDir::new("full-waiting");
    let Some(mount) = Mount::new(&dir, "size=1m") else {
        return;
    };
    let mut puppet = start(&dir.0.join("trace"));
    puppet.ok(&create(&broker.uri(), mount.path()));
    for i in 0..3 {
        puppet.token(&format!("send a/b m{i} 2"));
    }
    let store = fs::read_dir(&mount.0).unwrap().next().unwrap().unwrap();
    wait_for_records(&store.path(), 3);
    let ballast = Ballast::new(&mount);
    puppet.ok("connect clean=0 version=4 keep=1");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(false, &[]);
    peer.expect_pingreq();
    drop(ballast);
    peer.send(&crate::server::pingresp());
    for i in 0..3 {
        let publish = peer.expect_publish();
        assert_eq!(publish.payload, format!("m{i}").into_bytes());
        assert!(!publish.dup);
    }
}

/// A directory that cannot be written: refused when the client is created or, where it becomes so later, when a message is
/// sent. (Root is not refused by permissions: the file system is made read-only.)
#[test]
fn read_only_directory() {
    let broker = Broker::start();
    let dir = StoreDir::new("readonly");
    let Some(mount) = Mount::new(&dir, "size=1m") else {
        return;
    };
    let trace = dir.0.join("trace");
    let mut puppet = start(&dir.0.join("trace0"));
    puppet.ok(&create(&broker.uri(), mount.path()));
    puppet.token("send a/b before 1");
    puppet.kill();
    assert!(mount.run(&["-o", "remount,ro"]));
    let mut puppet = start(&trace);
    let answer = puppet.call(&create(&broker.uri(), mount.path()));
    if answer == "0" {
        // Opened for what it holds: it can be read, and nothing may be added.
        let refused = puppet.call("send a/b after 1");
        assert_eq!(refused.split(' ').next(), Some(PERSISTENCE_ERROR));
    } else {
        assert_eq!(answer, PERSISTENCE_ERROR);
    }
    assert_traced(&trace, &["Read-only file system"]);
    drop(puppet);
    assert!(mount.run(&["-o", "remount,rw"]));
    let mut puppet = start(&dir.0.join("trace2"));
    puppet.ok(&create(&broker.uri(), mount.path()));
    let mut peer = connect(&broker, &mut puppet, false);
    assert_eq!(peer.expect_publish().payload, b"before");
}

/// A place where no directory can be made, and one that is a file.
#[test]
fn impossible_directory() {
    let broker = Broker::start();
    let dir = StoreDir::new("impossible");
    let file = dir.0.join("file");
    fs::write(&file, "").unwrap();
    let trace = dir.0.join("trace");
    let mut puppet = start(&trace);
    let answer = puppet.call(&create(&broker.uri(), file.to_str().unwrap()));
    assert_eq!(answer, PERSISTENCE_ERROR);
    assert_traced(&trace, &["Not a directory"]);
    assert_eq!(fs::metadata(&file).unwrap().size(), 0);
}
