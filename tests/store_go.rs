//! Stores of paho.mqtt.golang: what its `FileStore` wrote is taken over, and what is given back it reads.
//!
//! `tests/store/go-written` was written by `tests/store/go`, with version 1.5.1. Where Go is installed the program is built and
//! run here as well; elsewhere these tests say so, and fail if the variable `CI` is set.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use paho_oxide::persistence::file::{FileStore, NamedStore, Naming};
use paho_oxide::persistence::record::command::QueuedCommand;
use paho_oxide::persistence::{Notice, RecordKey, Refusal, Store};
use paho_oxide::protocol::session::HAD;

/// A directory of this test's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("paho-go-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    fn open(&self) -> NamedStore {
        self.open_with(true)
    }

    fn open_with(&self, handed_over: bool) -> NamedStore {
        let naming = Naming {
            handed_over,
            ..Naming::default()
        };
        FileStore::open_named(self.text(), naming, false).expect("opens")
    }

    /// Names and contents of the files in it.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(&self.0).expect("lists");
        entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy();
                let content = fs::read(&path).unwrap_or_default();
                (name.into_owned(), content)
            })
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The Go program; nothing where there is no Go, or its module cannot be had.
fn program() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("paho-storefiles-{}", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/go");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&path)
            .arg(".")
            .current_dir(source)
            .status();
        if built.is_ok_and(|status| status.success()) {
            return Some(path);
        }
        eprintln!("NOT TESTED with Go: it is not installed, or its module cannot be had");
        assert!(std::env::var_os("CI").is_none(), "no Go");
        None
    });
    built.as_deref()
}

/// Runs the Go program and returns what it says.
fn go(act: &str, scratch: &Scratch) -> Option<String> {
    let output = Command::new(program()?)
        .args([act, scratch.text()])
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

/// Stores that the Go client wrote: the golden one, and a fresh one where there is Go.
fn written() -> Vec<Scratch> {
    let golden = Scratch::new();
    for entry in fs::read_dir("tests/store/go-written").expect("lists") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, golden.0.join(path.file_name().expect("a name"))).expect("copies");
    }
    let fresh = Scratch::new();
    let mut written = vec![golden];
    if go("write", &fresh).is_some() {
        written.push(fresh);
    }
    written
}

fn key(name: &str) -> RecordKey {
    RecordKey::parse(name).expect("a key")
}

fn sorted_keys(store: &mut NamedStore) -> Vec<String> {
    let keys = store.keys().expect("lists");
    let mut keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.sort();
    keys
}

#[test]
fn what_the_go_client_wrote_is_taken_over_and_given_back() {
    for scratch in written() {
        let before = scratch.files();
        let mut store = scratch.open();
        assert_eq!(sorted_keys(&mut store), ["s-1", "s-2", "sc-3"]);
        assert_eq!(store.get(key("s-1")).expect("there"), before["o.1.msg"]);
        assert_eq!(store.get(key("sc-3")).expect("there"), before["o.3.msg"]);
        assert_eq!(store.notices(), [Notice::Foreign("o.5.msg".into())]);
        // A Go client that is started now finds nothing that it would send once more.
        let names: Vec<String> = scratch.files().into_keys().collect();
        assert_eq!(names, [".paho-oxide", "o.5.msg"]);
        drop(store);
        let mut expected = before.clone();
        expected.remove("i.4.msg");
        assert_eq!(scratch.files(), expected);
    }
}

#[test]
fn what_is_given_back_the_go_client_reads() {
    for scratch in written() {
        let mut store = scratch.open();
        store.remove(key("s-1")).expect("removes");
        // PUBREC has come for 2: its PUBREL takes its place.
        store
            .put(key("sc-2"), &[b"\x62\x02\x00\x02"])
            .expect("puts");
        // The program has had the one, and waits for the PUBREL of the other.
        store.put(key("r-9"), &[HAD]).expect("puts");
        let publish = b"\x34\x09\x00\x01t\x00\x0amine";
        store.put(key("r-10"), &[publish]).expect("puts");
        for (number, qos) in [(1, 1), (2, 0), (3, 2)] {
            let waiting = QueuedCommand::Publish {
                token: 1,
                topic: b"go/waiting",
                payload: b"waits",
                qos,
                retained: false,
                properties: b"",
            };
            let key = key(&format!("c-{number}"));
            let put = waiting.write(false, |parts| store.put(key, parts));
            put.expect("can be written").expect("puts");
        }
        drop(store);
        let names: Vec<String> = scratch.files().into_keys().collect();
        let expected = [
            ".paho-oxide",
            "i.9.msg",
            "o.2.msg",
            "o.3.msg",
            "o.5.msg",
            "o.6.msg",
            "o.7.msg",
        ];
        assert_eq!(names, expected);
        if let Some(said) = go("read", &scratch) {
            let lines: Vec<&str> = said.lines().collect();
            let expected = [
                "i.9 PUBREC 9",
                "o.2 PUBREL 2",
                "o.3 PUBREL 3",
                "o.5 SUBSCRIBE 5 [go/#]",
                "o.6 PUBLISH 6 qos 1 go/waiting \"waits\"",
                "o.7 PUBLISH 7 qos 2 go/waiting \"waits\"",
            ];
            assert_eq!(lines, expected);
        }
        // What has no name there waits here for the next time.
        let mut store = scratch.open();
        assert_eq!(
            sorted_keys(&mut store),
            ["c-2", "r-10", "r-9", "s-6", "s-7", "sc-2", "sc-3"]
        );
        assert_eq!(store.get(key("r-9")).expect("there"), HAD);
    }
}

/// A message that the program gets at its PUBREL is lost if its record is, for the server has its PUBREC.
#[test]
fn what_waits_for_its_pubrel_stays() {
    let scratch = Scratch::new();
    let publish = b"\x34\x09\x00\x01t\x00\x09mine";
    let mut store = scratch.open_with(false);
    store.put(key("r-9"), &[publish]).expect("puts");
    drop(store);
    let names: Vec<String> = scratch.files().into_keys().collect();
    assert_eq!(names, [".paho-oxide"]);
    let mut store = scratch.open_with(false);
    assert_eq!(store.get(key("r-9")).expect("there"), publish);
}

#[test]
fn other_prefixes_and_extensions() {
    let scratch = Scratch::new();
    let naming = || Naming {
        outgoing: "client-".to_owned(),
        incoming: "server-".to_owned(),
        extension: ".packet".to_owned(),
        handed_over: true,
    };
    fs::write(
        scratch.0.join("client-8.packet"),
        b"\x32\x07\x00\x01t\x00\x08\x00x",
    )
    .expect("writes");
    fs::write(scratch.0.join("o.1.msg"), b"somebody else's").expect("writes");
    let open = || FileStore::open_named(scratch.text(), naming(), true).expect("opens");
    let mut store = open();
    assert_eq!(sorted_keys(&mut store), ["s5-8"]);
    store
        .put(key("s5-9"), &[b"\x32\x07\x00\x01t\x00\x09\x00x"])
        .expect("puts");
    let in_use = FileStore::open_named(scratch.text(), naming(), true).err();
    assert_eq!(in_use.expect("refused").refusal(), Refusal::InUse);
    drop(store);
    let names: Vec<String> = scratch.files().into_keys().collect();
    assert_eq!(names, ["client-8.packet", "client-9.packet", "o.1.msg"]);
    let refused = FileStore::open_named(
        scratch.text(),
        Naming {
            incoming: "client-".to_owned(),
            ..naming()
        },
        true,
    );
    assert!(refused.is_err());
}

/// What a Go client writes for itself goes; what is no packet of the server's is somebody else's, as it is among those sent.
#[test]
fn foreign_files_stay_whatever_they_are() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("i.1.msg")).expect("made");
    fs::create_dir(scratch.0.join("o.1.msg")).expect("made");
    for name in ["i.2.msg", "o.2.msg"] {
        std::os::unix::fs::symlink("i.3.msg", scratch.0.join(name)).expect("links");
    }
    for (name, content) in [
        ("i.3.msg", &b"notes"[..]),
        ("i.4.msg", b""),
        ("i.5.msg", b"\x34\x06\x00\x01t\x00\x05x"),
        ("i.6.msg", b"\x62\x02\x00\x06"),
        ("i.7.msg", b"\x50\x02\x00\x07"),
    ] {
        fs::write(scratch.0.join(name), content).expect("writes");
    }
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["r-7"]);
    let mut foreign: Vec<String> = store.notices().iter().map(ToString::to_string).collect();
    foreign.sort();
    let left = [
        "i.1.msg", "i.2.msg", "i.3.msg", "i.4.msg", "o.1.msg", "o.2.msg",
    ];
    assert_eq!(
        foreign,
        left.map(|name| format!("foreign file {name} left alone"))
    );
    // Records of their identifiers are given back where there is room for them, beside these files and not in their place.
    store.put(key("r-3"), &[HAD]).expect("puts");
    store
        .put(key("s-2"), &[b"\x32\x06\x00\x01t\x00\x02x"])
        .expect("puts");
    drop(store);
    assert_eq!(scratch.files()["i.3.msg"], b"notes");
    assert_eq!(scratch.files()["i.7.msg"], b"\x50\x02\x00\x07");
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["r-3", "r-7", "s-2"]);
}

/// A Go client that ran after a kill knew nothing of the records inside: both messages are kept, and each is sent in its turn.
#[test]
fn a_killed_client_and_a_go_client_may_have_used_the_same_identifier() {
    let scratch = Scratch::new();
    let ours = b"\x32\x09\x00\x01t\x00\x01ours";
    let theirs = b"\x32\x0b\x00\x01t\x00\x01theirs";
    let mut store = scratch.open();
    store.put(key("s-1"), &[ours]).expect("puts");
    store
        .put(key("sc-2"), &[b"\x62\x02\x00\x02"])
        .expect("puts");
    // Written while the store is open: what is given back does not take its place, as what is taken over does not.
    fs::write(scratch.0.join("o.1.msg"), theirs).expect("writes");
    fs::write(scratch.0.join("o.2.msg"), b"\x34\x06\x00\x01t\x00\x02x").expect("writes");
    drop(store);
    assert_eq!(scratch.files()["o.1.msg"], theirs);
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["s-1", "sc-2"]);
    assert_eq!(store.get(key("s-1")).expect("there"), ours);
    store.remove(key("s-1")).expect("removes");
    drop(store);
    let mut store = scratch.open();
    assert_eq!(store.get(key("s-1")).expect("taken over"), theirs);
    assert!(!scratch.files().contains_key("o.1.msg"));
}

/// A take-over that was interrupted between the record and the file's end goes on.
#[test]
fn what_was_taken_over_before_goes() {
    let scratch = Scratch::new();
    let packet = b"\x32\x06\x00\x01t\x00\x01x";
    let mut store = scratch.open();
    store.put(key("s-1"), &[packet]).expect("puts");
    fs::write(scratch.0.join("o.1.msg"), packet).expect("writes");
    drop(store);
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["s-1"]);
    assert_eq!(store.notices(), []);
    assert!(!scratch.files().contains_key("o.1.msg"));
}
