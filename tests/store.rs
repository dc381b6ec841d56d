//! The default store from outside: what is on the disk, who may open it, what survives.

#[path = "store/processes.rs"]
mod processes;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use paho_oxide::persistence::file::FileStore;
use paho_oxide::persistence::{Notice, RecordKey, RecordKind, Store, StoreError};
use processes::{spawn, wait_for_line};

const URI: &str = "tcp://localhost:1883";
const STORE: &str = "id-localhost-1883";

/// A directory of this test's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paho-store-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    fn store(&self) -> PathBuf {
        self.0.join(STORE)
    }

    fn open(&self) -> FileStore {
        self.try_open().expect("opens")
    }

    fn try_open(&self) -> Result<FileStore, StoreError> {
        FileStore::open(Some(self.text()), "id", URI)
    }

    /// A closed store with these files in it.
    fn with_files(files: &[(&str, &[u8])]) -> Self {
        let scratch = Self::new();
        fs::create_dir(scratch.store()).expect("a fresh directory");
        for (name, content) in files {
            fs::write(scratch.store().join(name), content).expect("writes");
        }
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(name: &str) -> RecordKey {
    RecordKey::parse(name).expect("a key")
}

fn sent(number: u32) -> RecordKey {
    RecordKey::new(RecordKind::PublishSent, false, number)
}

/// Removes all records.
fn empty(store: &mut FileStore) {
    for key in store.keys().expect("lists") {
        store.remove(key).expect("removes");
    }
}

fn sorted_keys(store: &mut FileStore) -> Vec<String> {
    let mut keys: Vec<String> = store
        .keys()
        .expect("lists")
        .iter()
        .map(ToString::to_string)
        .collect();
    keys.sort();
    keys
}

fn files_in(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .expect("lists")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// Waits for something that the background thread does, which spares a busy disk: only a failure takes as long as this.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(900);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Something recognisable of a length that differs.
fn content(round: u32) -> Vec<u8> {
    let mut content = round.to_le_bytes().to_vec();
    content.resize(4 + (round as usize * 37) % 3000, (round % 251) as u8);
    content
}

#[test]
fn a_record_can_be_put_read_replaced_and_removed() {
    let scratch = Scratch::new();
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), [""; 0]);
    store.put(key("s-1"), &[b"ab", b"", b"c"]).expect("puts");
    store.put(key("c5-7"), &[]).expect("puts");
    assert_eq!(store.get(key("s-1")).expect("there"), b"abc");
    assert_eq!(store.get(key("c5-7")).expect("there"), b"");
    store.put(key("s-1"), &[b"other"]).expect("puts");
    assert_eq!(store.get(key("s-1")).expect("there"), b"other");
    assert!(store.contains(key("s-1")) && !store.contains(key("s5-1")));
    store
        .replace(key("s-1"), key("q-1"), &[b"moved"])
        .expect("replaces");
    assert_eq!(sorted_keys(&mut store), ["c5-7", "q-1"]);
    assert_eq!(store.get(key("q-1")).expect("there"), b"moved");
    store.remove(key("q-1")).expect("removes");
    assert!(matches!(
        store.remove(key("q-1")),
        Err(StoreError::NoRecord(_))
    ));
    assert!(matches!(
        store.get(key("q-1")),
        Err(StoreError::NoRecord(_))
    ));
    empty(&mut store);
    assert_eq!(sorted_keys(&mut store), [""; 0]);
    assert_eq!(store.notices(), []);
}

#[test]
fn a_closed_store_is_as_the_original_leaves_one() {
    let scratch = Scratch::new();
    let mut store = scratch.open();
    for number in 1..=100 {
        store.put(sent(number), &[&content(number)]).expect("puts");
    }
    for number in 1..=98 {
        store.remove(sent(number)).expect("removes");
    }
    store
        .put(key("sc-100"), &[b"\x62\x02\x00\x64"])
        .expect("puts");
    drop(store);
    assert_eq!(
        files_in(&scratch.store()),
        ["s-100.msg", "s-99.msg", "sc-100.msg"]
    );
    assert_eq!(
        fs::read(scratch.store().join("s-99.msg")).expect("reads"),
        content(99)
    );
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["s-100", "s-99", "sc-100"]);
    assert_eq!(store.get(sent(100)).expect("there"), content(100));
    empty(&mut store);
    drop(store);
    assert!(!scratch.store().exists(), "an empty store's directory goes");
}

#[test]
fn a_record_that_stays_gets_its_file_while_the_store_is_open() {
    let scratch = Scratch::new();
    let mut store = scratch.open();
    store.put(sent(1), &[b"stays"]).expect("puts");
    let file = scratch.store().join("s-1.msg");
    eventually("the file", || file.exists());
    assert_eq!(fs::read(&file).expect("reads"), b"stays");
    // Nothing of ours is among the original's files, and the journal goes when it is not needed.
    assert_eq!(files_in(&scratch.store()), [".paho-oxide", "s-1.msg"]);
    eventually("the end of the journal", || {
        files_in(&scratch.store().join(".paho-oxide")) == ["lock"]
    });
    assert_eq!(store.get(sent(1)).expect("there"), b"stays");
    // What follows a record that the original can see, it can see at once.
    store
        .put(key("sc-1"), &[b"\x62\x02\x00\x01"])
        .expect("puts");
    assert_eq!(
        files_in(&scratch.store()),
        [".paho-oxide", "s-1.msg", "sc-1.msg"]
    );
    store.put(sent(1), &[b"again"]).expect("puts");
    assert_eq!(fs::read(&file).expect("reads"), b"again");
    store
        .replace(sent(1), sent(2), &[b"moved"])
        .expect("replaces");
    assert_eq!(
        files_in(&scratch.store()),
        [".paho-oxide", "s-2.msg", "sc-1.msg"]
    );
    store.remove(sent(2)).expect("removes");
    assert_eq!(files_in(&scratch.store()), [".paho-oxide", "sc-1.msg"]);
}

#[test]
fn large_records_and_many_records_come_back() {
    let scratch = Scratch::new();
    let mut store = scratch.open();
    let large = vec![0x5a; 5 << 20];
    store.put(key("c-1"), &[b"x", &large]).expect("puts");
    for number in 2..=1_500 {
        store
            .put(
                RecordKey::new(RecordKind::Command, false, number),
                &[&content(number)],
            )
            .expect("puts");
    }
    assert_eq!(store.get(key("c-1")).expect("there").len(), large.len() + 1);
    store.sync().expect("syncs");
    drop(store);
    let mut store = scratch.open();
    assert_eq!(store.keys().expect("lists").len(), 1_500);
    for number in 2..=1_500 {
        let key = RecordKey::new(RecordKind::Command, false, number);
        assert_eq!(store.get(key).expect("there"), content(number));
    }
}

/// Opening takes a store's records from the names of their files: it reads none of them, however many there are.
#[test]
fn two_thousand_records_are_listed_unread() {
    let scratch = Scratch::with_files(&[]);
    for number in 0..2_000 {
        fs::write(scratch.store().join(format!("c-{number}.msg")), b"x").expect("writes");
    }
    let before = reads_of_this_thread();
    let mut store = scratch.open();
    let keys = store.keys().expect("lists");
    let reads = reads_of_this_thread() - before;
    assert_eq!(keys.len(), 2_000);
    assert!(reads < 200, "{reads} reads");
    // Removing them one by one is the test's clean-up only.
    std::mem::forget(store);
}

/// Returns how many times this thread has called `read` and its kin.
fn reads_of_this_thread() -> u64 {
    let counts = fs::read_to_string("/proc/thread-self/io").expect("readable");
    let line = counts.lines().find_map(|line| line.strip_prefix("syscr: "));
    line.and_then(|count| count.parse().ok()).expect("counted")
}

/// The files of records that are forgotten go in the background or when the store is closed; what is put meanwhile stays.
#[test]
fn many_records_are_forgotten_at_once() {
    let names: Vec<String> = (1..=500).map(|number| format!("c-{number}.msg")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b"old"[..])).collect();
    let scratch = Scratch::with_files(&files);
    let mut store = scratch.open();
    let keys = store.keys().expect("lists");
    let files = || {
        let mut names = files_in(&scratch.store());
        names.retain(|name| name.starts_with("c-"));
        names
    };
    store.forget_all(&keys);
    assert_eq!(store.keys().expect("lists"), []);
    // Under the name of one whose file may still be there, of a size for the journal and of one for a file.
    let large = vec![1; 300_000];
    store.put(key("c-499"), &[b"new"]).expect("puts");
    store.put(key("c-500"), &[&large]).expect("puts");
    eventually("files are gone", || files() == ["c-499.msg", "c-500.msg"]);
    assert_eq!(store.get(key("c-499")).expect("there"), b"new");
    assert_eq!(store.get(key("c-500")).expect("there"), large);
    drop(store);
    assert_eq!(files_in(&scratch.store()), ["c-499.msg", "c-500.msg"]);

    let mut store = scratch.open();
    let keys = store.keys().expect("lists");
    store.forget_all(&keys);
    drop(store);
    assert!(!scratch.store().exists(), "closing removes them");
}

#[test]
fn a_store_has_one_user_at_a_time() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert!(
        matches!(scratch.try_open(), Err(StoreError::InUse(_))),
        "in the same process"
    );
    drop(store);
    let mut holder = spawn("hold", &scratch);
    wait_for_line(&mut holder, "ready");
    assert!(
        matches!(scratch.try_open(), Err(StoreError::InUse(_))),
        "in another process"
    );
    // Another client's store is another matter.
    FileStore::open(Some(scratch.text()), "other", URI).expect("opens");
    holder.kill().expect("kills");
    holder.wait().expect("ends");
    scratch.open();
}

#[test]
fn foreign_files_are_left_alone_and_reported() {
    let files: [(&str, &[u8]); 7] = [
        ("notes.txt", b"mine"),
        (".hidden", b"mine"),
        ("s-1.msg.tmp", b"mine"),
        ("s-0.msg", b"mine"),
        ("x-1.msg", b"mine"),
        ("s-70000.msg", b"mine"),
        ("s-1.msg", b"record"),
    ];
    let scratch = Scratch::with_files(&files);
    fs::create_dir(scratch.store().join("s-2.msg")).expect("makes");
    std::os::unix::fs::symlink("/etc/passwd", scratch.store().join("s-3.msg")).expect("links");
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["s-1"]);
    let mut foreign: Vec<String> = store
        .notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::Foreign(name) => name,
            other => panic!("{other}"),
        })
        .collect();
    foreign.sort();
    let expected = [
        ".hidden",
        "notes.txt",
        "s-0.msg",
        "s-1.msg.tmp",
        "s-3.msg",
        "s-70000.msg",
        "x-1.msg",
    ];
    assert_eq!(foreign, expected);
    empty(&mut store);
    drop(store);
    for name in expected.into_iter().filter(|name| *name != "s-3.msg") {
        assert_eq!(
            fs::read(scratch.store().join(name)).expect("still there"),
            b"mine"
        );
    }
}

#[test]
fn what_nobody_can_read_is_set_aside_and_kept() {
    let scratch = Scratch::with_files(&[("s-1.msg", b""), ("q-2.msg", b"\x01")]);
    let mut store = scratch.open();
    assert_eq!(store.get(sent(1)).expect("reads"), b"");
    store.set_aside(sent(1)).expect("moves");
    store.set_aside(key("q-2")).expect("moves");
    // The name is taken the second time, and this one has no file yet.
    store.put(sent(1), &[b"short"]).expect("puts");
    store.set_aside(sent(1)).expect("moves");
    assert_eq!(sorted_keys(&mut store), [""; 0]);
    assert!(matches!(
        store.set_aside(sent(1)),
        Err(StoreError::NoRecord(_))
    ));
    let said: Vec<String> = store.notices().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "unusable record s-1 set aside as corrupt/s-1.msg");
    drop(store);
    let aside = scratch.store().join("corrupt");
    assert_eq!(files_in(&scratch.store()), ["corrupt"]);
    assert_eq!(files_in(&aside), ["q-2.msg", "s-1.msg", "s-1.msg.1"]);
    assert_eq!(fs::read(aside.join("s-1.msg.1")).expect("reads"), b"short");
    assert_eq!(fs::read(aside.join("q-2.msg")).expect("reads"), b"\x01");
}

#[test]
fn a_store_cannot_be_where_there_can_be_no_directory() {
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::write(&file, b"").expect("writes");
    let below = file.to_str().expect("UTF-8");
    assert!(matches!(
        FileStore::open(Some(below), "id", URI),
        Err(StoreError::Io { .. })
    ));
    assert!(matches!(
        FileStore::open(Some(scratch.text()), "", URI),
        Err(StoreError::NoClientId)
    ));
    assert!(matches!(
        FileStore::open(Some(scratch.text()), &"x".repeat(300), URI),
        Err(StoreError::Io { .. })
    ));
    let nested = FileStore::open(Some(scratch.text()), "a/b", "ws://h:80/path").expect("opens");
    assert!(scratch.0.join("a/b-h-80/path").is_dir());
    drop(nested);
    assert!(scratch.0.join("a/b-h-80").is_dir() && !scratch.0.join("a/b-h-80/path").exists());
}

/// `tests/store/journal-v1` is what a process left that the first version's library was in, when it was killed after five
/// calls of `MQTTAsync_send` without a connection.
#[test]
fn a_journal_of_the_first_format_is_read() {
    let scratch = Scratch::new();
    let own = scratch.store().join(".paho-oxide");
    fs::create_dir_all(&own).expect("makes");
    fs::copy("tests/store/journal-v1", own.join("journal-1")).expect("copies");
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["c-1", "c-2", "c-3", "c-4", "c-5"]);
    drop(store);
    let mut store = scratch.open();
    let record = store.get(key("c-3")).expect("there");
    assert!(record.windows(9).any(|part| part == b"message 2"));
    assert!(!scratch.store().join(".paho-oxide/journal-1").exists());
}
