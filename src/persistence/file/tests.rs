//! What a store makes of states that a process leaves only when it is killed, or the power fails, at the worst moment.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::persistence::RecordKind;
use journal::{Journal, Operation};

const SENT: RecordKey = RecordKey::new(RecordKind::PublishSent, false, 1);
const QUEUED: RecordKey = RecordKey::new(RecordKind::Command, false, 1);

/// A store's directory with files and a journal in it, gone afterwards.
struct Left(PathBuf);

impl Left {
    fn new(
        name: &str,
        files: &[(&str, &[u8])],
        entries: &[(Operation, RecordKey, Option<RecordKey>, &[u8])],
    ) -> Self {
        let base = std::env::temp_dir().join(format!("paho-left-{name}-{}", std::process::id()));
        let left = Self(base);
        let own = left.store().join(".paho-oxide");
        fs::create_dir_all(&own).expect("fresh directories");
        for (name, content) in files {
            fs::write(left.store().join(name), content).expect("writes");
        }
        let own = fs::File::open(own).expect("opens").into();
        let mut journal = Journal::default();
        for &(operation, key, other, content) in entries {
            let parts: &[&[u8]] = if content.is_empty() { &[] } else { &[content] };
            journal
                .append(&own, operation, key, other, parts)
                .expect("writes");
        }
        left
    }

    fn store(&self) -> PathBuf {
        self.0.join("id-h")
    }

    /// As if the machine had been restarted since.
    fn restart(&self) {
        let path = self.store().join(".paho-oxide/journal-1");
        let mut journal = fs::read(&path).expect("reads");
        journal[16] ^= 1;
        fs::write(path, journal).expect("writes");
    }

    /// Opens the store and says what is in it.
    fn records(&self) -> Vec<(RecordKey, Vec<u8>)> {
        let mut store = FileStore::open(self.0.to_str(), "id", "h").expect("opens");
        let mut keys = store.keys().expect("lists");
        keys.sort();
        keys.into_iter()
            .map(|key| (key, store.get(key).expect("there")))
            .collect()
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn file(path: &Path, name: &str) -> Vec<u8> {
    fs::read(path.join(name)).expect("there")
}

#[test]
fn a_step_from_file_to_file_is_finished() {
    let intent = (Operation::Intent, SENT, Some(QUEUED), &[][..]);
    let both: [(&str, &[u8]); 2] = [("c-1.msg", b"command"), ("s-1.msg", b"packet")];
    let left = Left::new("finished", &both, &[intent]);
    assert_eq!(left.records(), [(SENT, b"packet".to_vec())]);
    // Interrupted before the new file: nothing happened yet.
    let left = Left::new("early", &both[..1], &[intent]);
    assert_eq!(left.records(), [(QUEUED, b"command".to_vec())]);
    // Finished before: what has the old name now is another record.
    let ended = (Operation::Remove, QUEUED, None, &[][..]);
    let left = Left::new("ended", &both, &[intent, ended]);
    assert_eq!(left.records().len(), 2);
}

#[test]
fn a_step_from_journal_to_file_is_finished() {
    let entries = [
        (Operation::Put, QUEUED, None, &b"command"[..]),
        (Operation::Intent, SENT, Some(QUEUED), &[][..]),
    ];
    let left = Left::new("large", &[("s-1.msg", b"packet")], &entries);
    assert_eq!(left.records(), [(SENT, b"packet".to_vec())]);
    // Interrupted before the new file: the old record counts.
    let left = Left::new("large-early", &[], &entries);
    assert_eq!(left.records(), [(QUEUED, b"command".to_vec())]);
}

#[test]
fn a_step_from_file_to_journal_and_file_is_finished() {
    let step = (Operation::ReplaceFile, SENT, Some(QUEUED), &b"packet"[..]);
    for files in [
        &[("c-1.msg", &b"command"[..])][..],
        &[("c-1.msg", b"command"), ("s-1.msg", b"packet")],
        &[("s-1.msg", b"packet")],
        &[],
    ] {
        let left = Left::new(&format!("both-{}", files.len()), files, &[step]);
        assert_eq!(left.records(), [(SENT, b"packet".to_vec())], "{files:?}");
    }
    // Refused after all: the old record counts.
    let refused = (Operation::Remove, SENT, None, &[][..]);
    let left = Left::new("refused", &[("c-1.msg", b"command")], &[step, refused]);
    assert_eq!(left.records(), [(QUEUED, b"command".to_vec())]);
}

#[test]
fn half_a_pair_does_not_count() {
    const MESSAGE: RecordKey = RecordKey::new(RecordKind::Message, true, 1);
    const RECEIVED: RecordKey = RecordKey::new(RecordKind::PublishReceived, true, 7);
    let pair = (Operation::Pair, MESSAGE, Some(RECEIVED), &[][..]);
    let both: [(&str, &[u8]); 2] = [("q5-1.msg", b"message"), ("r5-7.msg", b"packet")];
    let left = Left::new("half", &both[..1], &[pair]);
    assert_eq!(left.records(), []);
    let left = Left::new("whole", &both, &[pair]);
    assert_eq!(left.records().len(), 2);
    // Completed, and the second is done with since.
    let ended = (Operation::Remove, MESSAGE, None, &[][..]);
    let left = Left::new("half-ended", &both[..1], &[pair, ended]);
    assert_eq!(left.records(), [(MESSAGE, b"message".to_vec())]);
}

#[test]
fn a_file_that_the_power_failure_took_comes_back() {
    let entries = [
        (Operation::Put, SENT, None, &b"packet"[..]),
        (Operation::Moved, SENT, None, &[][..]),
    ];
    // While the machine runs a missing file was removed by whoever was done with it.
    let left = Left::new("used", &[], &entries);
    assert_eq!(left.records(), []);
    let left = Left::new("lost", &[], &entries);
    left.restart();
    assert_eq!(left.records(), [(SENT, b"packet".to_vec())]);
    assert_eq!(file(&left.store(), "s-1.msg"), b"packet");
    // Once it was synced and removed, it stays away.
    let removed = [
        entries[0],
        entries[1],
        (Operation::Remove, SENT, None, &[][..]),
    ];
    let left = Left::new("done", &[], &removed);
    left.restart();
    assert_eq!(left.records(), []);
}

#[test]
fn a_file_that_the_power_failure_cut_is_whole_again() {
    for (name, cut) in [("empty", &b""[..]), ("short", b"pac")] {
        for moved in [false, true] {
            let put = (Operation::Put, SENT, None, &b"packet"[..]);
            let entries = [put, (Operation::Moved, SENT, None, &[][..])];
            let entries = &entries[..=usize::from(moved)];
            let left = Left::new(&format!("{name}-{moved}"), &[("s-1.msg", cut)], entries);
            left.restart();
            assert_eq!(left.records(), [(SENT, b"packet".to_vec())]);
            assert_eq!(file(&left.store(), "s-1.msg"), b"packet");
        }
    }
}

#[test]
fn another_record_under_the_name_counts_and_ours_is_kept() {
    let put = (Operation::Put, SENT, None, &b"ours"[..]);
    let left = Left::new("foreign", &[("s-1.msg", b"theirs")], &[put]);
    assert_eq!(left.records(), [(SENT, b"theirs".to_vec())]);
    assert_eq!(file(&left.store(), "corrupt/s-1.msg"), b"ours");
    assert_eq!(
        left.records(),
        [(SENT, b"theirs".to_vec())],
        "set aside once"
    );
    assert!(!left.store().join("corrupt/s-1.msg.1").exists());
}

/// A queued command's file has the time when it was put, however late it was made.
#[test]
fn files_tell_when_a_command_was_put() {
    const LATER: Duration = Duration::from_secs(1);
    let left = Left::new("time", &[], &[(Operation::Put, QUEUED, None, b"command")]);
    let journal = left.store().join(".paho-oxide/journal-1");
    let put = fs::metadata(&journal)
        .and_then(|about| about.modified())
        .expect("there");
    std::thread::sleep(LATER);
    let mut store = FileStore::open(left.0.to_str(), "id", "h").expect("opens");
    let age = store.age(QUEUED).expect("the journal tells");
    assert!(age >= LATER, "{age:?}");
    drop(store);
    let made = fs::metadata(left.store().join("c-1.msg"))
        .and_then(|about| about.modified())
        .expect("there");
    let apart = made.duration_since(put).unwrap_or_default();
    assert!(apart < LATER, "{apart:?}");
}

/// A record that got its file while its entries are still in the journal, and a step with it that a kill has interrupted.
#[test]
fn a_step_that_never_happened_is_over_once_the_store_was_opened() {
    let entries = [
        (Operation::Put, QUEUED, None, &b"command"[..]),
        (Operation::Moved, QUEUED, None, &[]),
        (Operation::Intent, SENT, Some(QUEUED), &[]),
    ];
    let left = Left::new("over", &[("c-1.msg", b"command")], &entries);
    let open = || State::new(Directory::open(&left.0, "id-h").expect("opens")).expect("reads");
    let large = vec![b'x'; 300 << 10];
    let mut state = open();
    assert_eq!(state.keys(), [QUEUED]);
    // Another record of that name, which is too large for the journal. Then a kill.
    state.put(SENT, &[&large]).expect("puts");
    drop(state);
    let mut state = open();
    assert_eq!(state.get(QUEUED).expect("is not lost"), b"command");
    assert_eq!(state.get(SENT).expect("there"), large);
}

/// Waits until a thread sleeps, or has ended.
fn wait_until_asleep(thread: i32) {
    let path = format!("/proc/self/task/{thread}/stat");
    while let Ok(stat) = fs::read_to_string(&path) {
        if stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" S"))
        {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_journal_does_not_end_before_the_sync_that_is_under_way() {
    type End = fn(FileStore);
    let ends: [(&str, End); 2] = [
        ("sync-drop", drop),
        ("sync-exit", |store| {
            settle_all();
            drop(store);
        }),
    ];
    for (name, end) in ends {
        let left = Left::new(name, &[], &[]);
        let mut store = FileStore::open(left.0.to_str(), "id", "h").expect("opens");
        let shared = Arc::clone(&store.shared);
        // What `Shared::sync` does, stopped where it waits for the disk.
        let turn = shared.syncing.lock();
        store.put(SENT, &[b"packet"]).expect("puts");
        let sync = {
            let mut state = shared.state.lock();
            let state = state.as_mut().expect("open");
            state.give_file(SENT).expect("a file");
            state.take_unsynced(true)
        };
        let journal = || {
            fs::read_dir(left.store().join(".paho-oxide")).is_ok_and(|mut own| own.next().is_some())
        };
        assert!(journal());
        let (number, numbers) = std::sync::mpsc::channel();
        let ender = std::thread::spawn(move || {
            number.send(rustix::thread::gettid()).expect("received");
            end(store);
        });
        wait_until_asleep(numbers.recv().expect("sent").as_raw_nonzero().get());
        assert!(journal(), "{name}: the file is not on the disk yet");
        sync.sync_files().expect("syncs");
        let state = shared
            .state
            .lock()
            .as_mut()
            .map(|state| state.was_synced(sync, true, true));
        assert!(state.is_some());
        drop(turn);
        ender.join().expect("ends");
        assert!(!journal());
        assert_eq!(file(&left.store(), "s-1.msg"), b"packet");
    }
}

/// A state without the background thread.
#[test]
fn files_of_forgotten_records_wait_until_somebody_removes_them() {
    let files: [(&str, &[u8]); 3] = [("c-1.msg", b"x"), ("c-2.msg", b"x"), ("c-3.msg", b"x")];
    let left = Left::new("forgotten", &files, &[]);
    let found = Directory::open(&left.0, "id-h").expect("opens");
    let mut state = State::new(found).expect("reads");
    let there = || {
        let is_there = |(name, _): &&(&str, &[u8])| left.store().join(name).exists();
        files.iter().filter(is_there).count()
    };
    state.forget_all(&state.keys());
    assert!(state.keys().is_empty());
    assert_eq!(there(), 3);
    for rest in [2, 1, 0] {
        assert!(state.remove_forgotten());
        assert_eq!(there(), rest);
    }
    assert!(!state.remove_forgotten());
}
