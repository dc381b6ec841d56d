//! The default store in a folder that somebody else has prepared: nothing that lies there makes it hang, write to where it
//! should not, believe what it should not, or ask for memory without end.
//!
//! Some of it takes root, who may give files away. Elsewhere these tests say so on standard error, and fail if the variable
//! `CI` is set: nobody is to believe they ran.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use paho_oxide::persistence::file::FileStore;
use paho_oxide::persistence::{Notice, RecordKey, RecordKind, Refusal, Store, StoreError};

const URI: &str = "tcp://localhost:1883";
const NOBODY: u32 = 65_534;

/// A directory of this test's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    /// With the client's folder and our sub-directory of it.
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("paho-hostile-{}-{number}", std::process::id());
        let scratch = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(scratch.own()).expect("fresh directories");
        scratch
    }

    fn folder(&self) -> PathBuf {
        self.0.join("id-localhost-1883")
    }

    fn own(&self) -> PathBuf {
        self.folder().join(".paho-oxide")
    }

    fn open(&self) -> Result<FileStore, StoreError> {
        FileStore::open(self.0.to_str(), "id", URI)
    }

    /// Opens the store, which must be refused for want of trust. Returns why.
    fn refused(&self) -> String {
        let refused = self.open().err().expect("refused");
        assert_eq!(refused.refusal(), Refusal::Untrusted, "{refused}");
        refused.to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sent(number: u32) -> RecordKey {
    RecordKey::new(RecordKind::PublishSent, false, number)
}

/// Runs a test's work, which must not take longer than anybody would wait.
fn within_a_minute(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a call hangs"),
        // Its panic is this test's.
        _ => worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// Removes all records.
fn empty(store: &mut FileStore) {
    for key in store.keys().expect("lists") {
        store.remove(key).expect("removes");
    }
}

/// Puts records small and large, closes the store, and finds them again.
fn works(scratch: &Scratch) {
    let large = vec![7; 300 << 10];
    let mut store = scratch.open().expect("opens");
    for number in 1..=3 {
        store.put(sent(number), &[b"small"]).expect("puts");
    }
    store.put(sent(4), &[&large]).expect("puts");
    drop(store);
    let mut store = scratch.open().expect("opens");
    assert_eq!(store.get(sent(3)).expect("there"), b"small");
    assert_eq!(store.get(sent(4)).expect("there"), large);
    empty(&mut store);
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("runs");
    assert!(made.success());
}

/// Returns false, and says so, where this process is not root.
fn is_root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    eprintln!("SKIPPED: this test must be root, to give files away");
    assert!(std::env::var_os("CI").is_none(), "not root");
    false
}

#[test]
fn a_fifo_under_any_name_makes_nothing_wait() {
    within_a_minute(|| {
        for name in ["new", "journal-1", "journal-2", "lock", "other"] {
            let scratch = Scratch::new();
            make_fifo(&scratch.own().join(name));
            works(&scratch);
        }
        for name in ["s-1.msg", "s-3.msg", "s-4.msg", "c-1.msg", "x"] {
            let scratch = Scratch::new();
            make_fifo(&scratch.folder().join(name));
            works(&scratch);
        }
    });
}

#[test]
fn nothing_is_read_or_written_through_a_link() {
    let scratch = Scratch::new();
    let (target, record) = (scratch.0.join("target"), scratch.0.join("record"));
    for (name, place) in [
        ("new", scratch.own()),
        ("journal-1", scratch.own()),
        ("lock", scratch.own()),
        ("s-1.msg", scratch.folder()),
        ("s-4.msg", scratch.folder()),
    ] {
        fs::create_dir_all(scratch.own()).expect("makes");
        fs::write(&target, b"theirs").expect("writes");
        symlink(&target, place.join(name)).expect("links");
        works(&scratch);
        assert_eq!(fs::read(&target).expect("reads"), b"theirs", "{name}");
    }
    fs::write(&record, b"a record elsewhere").expect("writes");
    fs::create_dir_all(scratch.folder()).expect("makes");
    symlink(&record, scratch.folder().join("s-9.msg")).expect("links");
    let mut store = scratch.open().expect("opens");
    assert!(store.get(sent(9)).is_err());
    assert!(store.notices().contains(&Notice::Foreign("s-9.msg".into())));
}

#[test]
fn a_folder_that_is_a_link_is_refused() {
    for own in [false, true] {
        let scratch = Scratch::new();
        let elsewhere = scratch.0.join("elsewhere");
        fs::create_dir(&elsewhere).expect("makes");
        let name = if own { scratch.own() } else { scratch.folder() };
        fs::remove_dir_all(&name).expect("removes");
        symlink(&elsewhere, &name).expect("links");
        scratch.refused();
        assert_eq!(fs::read_dir(&elsewhere).expect("lists").count(), 0);
    }
    // So is one on the way to it; what the program itself names may be a link.
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("real")).expect("makes");
    symlink(scratch.0.join("real"), scratch.0.join("a")).expect("links");
    let open = |base: &Path, id| FileStore::open(base.to_str(), id, URI);
    let refused = open(&scratch.0, "a/b").err().expect("refused");
    assert_eq!(refused.refusal(), Refusal::Untrusted, "{refused}");
    open(&scratch.0.join("a"), "b").expect("opens");
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let scratch = Scratch::new();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("sets");
    };
    // The directory that the program names may be everybody's, as /tmp is.
    mode(&scratch.0, 0o1777);
    mode(&scratch.folder(), 0o777);
    let why = scratch.refused();
    assert!(why.contains("mode 777"), "{why}");
    mode(&scratch.folder(), 0o755);
    mode(&scratch.own(), 0o757);
    scratch.refused();
    mode(&scratch.own(), 0o700);
    works(&scratch);
}

#[test]
fn a_folder_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    chown(scratch.folder(), Some(NOBODY), None).expect("gives away");
    let why = scratch.refused();
    assert!(why.contains("belongs to user 65534"), "{why}");
    assert_eq!(fs::read_dir(scratch.folder()).expect("lists").count(), 1);
    chown(scratch.folder(), Some(0), None).expect("takes back");
    chown(scratch.own(), Some(NOBODY), None).expect("gives away");
    scratch.refused();
}

#[test]
fn a_file_of_another_user_is_neither_read_nor_written_to() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let theirs = [
        scratch.folder().join("s-9.msg"),
        scratch.own().join("new"),
        scratch.own().join("journal-1"),
    ];
    let mut kept: Vec<File> = Vec::new();
    for path in &theirs {
        fs::write(path, b"theirs").expect("writes");
        fs::set_permissions(path, Permissions::from_mode(0o666)).expect("sets");
        chown(path, Some(NOBODY), None).expect("gives away");
        kept.push(File::open(path).expect("opens"));
    }
    let mut store = scratch.open().expect("opens");
    assert!(matches!(store.get(sent(9)), Err(StoreError::Damaged(..))));
    store.put(sent(1), &[b"secret"]).expect("puts");
    drop(store);
    for file in kept {
        let length = file.metadata().expect("open").len();
        assert_eq!(length, 6, "what they have open has not changed");
    }
    let mut store = scratch.open().expect("opens");
    assert_eq!(store.get(sent(1)).expect("there"), b"secret");
}

/// A sparse file costs nothing to make, and says that it is as large as one likes.
#[test]
fn sparse_files_cost_neither_memory_nor_time() {
    within_a_minute(|| {
        let scratch = Scratch::new();
        let sparse = |path: PathBuf, length| {
            let file = File::create(path).expect("makes");
            file.set_len(length).expect("makes room");
        };
        sparse(scratch.folder().join("s-9.msg"), 700 << 20);
        sparse(scratch.folder().join("s-8.msg"), 1 << 40);
        for number in 1..=200 {
            sparse(scratch.own().join(format!("journal-{number}")), 60 << 20);
        }
        // One that begins as a journal, and goes on as a hole.
        let mut header = b"PahoOxJ2".to_vec();
        header.resize(32, 1);
        let begun = scratch.own().join("journal-201");
        fs::write(&begun, header).expect("writes");
        let grown = File::options().write(true).open(begun).expect("opens");
        grown.set_len(1 << 40).expect("makes room");
        let mut store = scratch.open().expect("opens");
        for number in [8, 9] {
            let read = store.get(sent(number));
            assert!(matches!(read, Err(StoreError::Damaged(..))), "{read:?}");
        }
        assert!(store.notices().len() >= 201);
        drop(store);
        works(&scratch);
        assert!(peak_memory() < 400 << 20, "{} bytes", peak_memory());
    });
}

/// The most memory that this process has ever had.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes
        .and_then(|text| text.parse::<u64>().ok())
        .expect("a number")
        << 10
}

#[test]
fn only_our_own_names_are_journals() {
    let scratch = Scratch::new();
    let names = [
        "journal-01",
        "journal-+1",
        "journal-0",
        "journal-18446744073709551615",
        "journal-18446744073709551616",
        "journal-1.old",
    ];
    for name in names {
        fs::write(scratch.own().join(name), b"").expect("writes");
    }
    works(&scratch);
    for name in names {
        assert!(scratch.own().join(name).exists(), "{name}");
    }
    // More than any journal has: to go on without it would lose what may be in it.
    for number in 1..=2000 {
        fs::write(scratch.own().join(format!("journal-{number}")), b"").expect("writes");
    }
    let refused = scratch.open().err().expect("refused");
    assert_eq!(refused.refusal(), Refusal::Other, "{refused}");
}

/// Issue 11, item 12: whoever asks is told why.
#[test]
fn a_refusal_says_why() {
    let scratch = Scratch::new();
    let refusal = |id: &str| {
        let refused = FileStore::open(scratch.0.to_str(), id, URI).err();
        refused.expect("refused").refusal()
    };
    assert_eq!(refusal(""), Refusal::NoClientId);
    assert_eq!(refusal(&"x".repeat(300)), Refusal::NameTooLong);
    let open = scratch.open().expect("opens");
    assert_eq!(refusal("id"), Refusal::InUse);
    drop(open);
    fs::write(scratch.0.join("file-localhost-1883"), b"").expect("writes");
    assert_eq!(refusal("file"), Refusal::Untrusted);
    let below = scratch.0.join("file-localhost-1883/below");
    let refused = FileStore::open(below.to_str(), "id", URI).err();
    assert_eq!(refused.expect("refused").refusal(), Refusal::NoDirectory);
    for text in [Refusal::InUse, Refusal::NoSpace, Refusal::NotPermitted] {
        assert!(!text.text().is_empty());
    }
}
