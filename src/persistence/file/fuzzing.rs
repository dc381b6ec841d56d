//! What the fuzzer, and a short test of the same, try on a store and its journal: operations in any order, an end at any
//! moment, a journal cut at any byte or overwritten with anything, and what the next opening makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::super::{RecordKey, RecordKind};
use super::directory::Directory;
use super::state::State;

/// A directory for one thread's stores, in memory where the system has such a place. Making it anew for each input took longer
/// than most inputs: what an input leaves in it goes, and the directory stays.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = base.join(format!("paho-fuzz-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    /// Lends the thread's directory, empty but for what an input that found something has left.
    fn with<T>(test: impl FnOnce(&Self) -> T) -> T {
        thread_local! {
            static OWN: Scratch = Scratch::new();
        }
        OWN.with(|scratch| {
            let result = test(scratch);
            // A store that was closed has removed its folder, unless something was set aside.
            match fs::remove_dir_all(scratch.0.join("s")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
                _ => result,
            }
        })
    }

    fn journal(&self, number: u64) -> PathBuf {
        self.0.join(format!("s/.paho-oxide/journal-{number}"))
    }

    /// Numbers and lengths of the journal's files.
    fn journals(&self) -> BTreeMap<u64, u64> {
        let Ok(entries) = fs::read_dir(self.0.join("s/.paho-oxide")) else {
            return BTreeMap::new();
        };
        entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let number = entry
                    .file_name()
                    .to_str()?
                    .strip_prefix("journal-")?
                    .parse();
                Some((number.ok()?, entry.metadata().ok()?.len()))
            })
            .collect()
    }

    fn open(&self) -> State {
        let found = Directory::open(&self.0, "s").expect("opens");
        State::new(found).expect("reads")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the store has to hold.
#[derive(Default)]
struct Model {
    /// Records by key.
    live: BTreeMap<RecordKey, Vec<u8>>,
    /// Every content that a key has ever had.
    history: BTreeMap<RecordKey, BTreeSet<Vec<u8>>>,
    /// What was there at the last sync and has not been touched since.
    durable: BTreeMap<RecordKey, Vec<u8>>,
    /// The journal's files at the last sync.
    synced: BTreeMap<u64, u64>,
    /// Counts puts, so that no two contents are the same.
    puts: u32,
}

impl Model {
    fn content(&mut self, key: RecordKey, size: u8) -> Vec<u8> {
        self.puts += 1;
        let length = match size {
            // Beyond what the journal takes.
            255 => (256 << 10) + 1,
            _ => usize::from(size % 64),
        };
        let mut content = self.puts.to_le_bytes().to_vec();
        content.resize(4 + length, size);
        self.history.entry(key).or_default().insert(content.clone());
        content
    }

    fn put(&mut self, key: RecordKey, content: Vec<u8>) {
        self.live.insert(key, content);
        self.durable.remove(&key);
    }

    fn remove(&mut self, key: RecordKey) {
        self.live.remove(&key);
        self.durable.remove(&key);
    }
}

fn key(byte: u8) -> RecordKey {
    let kind = match byte % 5 {
        0 => RecordKind::PublishSent,
        1 => RecordKind::PubrelSent,
        2 => RecordKind::PublishReceived,
        3 => RecordKind::Command,
        _ => RecordKind::Message,
    };
    RecordKey::new(kind, byte & 0x80 != 0, u32::from(byte / 5 % 4) + 1)
}

/// How a store's life ends.
enum End {
    /// It is closed.
    Closed,
    /// The process is killed.
    Killed,
    /// The journal is cut at or after what was synced.
    Cut(u8, u8),
    /// Something is written over the journal.
    Scribbled(u8, u8),
}

/// Runs the operations that the bytes stand for, three bytes each.
pub fn journal(bytes: &[u8]) {
    Scratch::with(|scratch| operations(scratch, bytes));
}

fn operations(scratch: &Scratch, bytes: &[u8]) {
    let mut model = Model::default();
    let mut state = scratch.open();
    for step in bytes.chunks_exact(3).take(60) {
        let (one, two) = (key(step[1]), key(step[2]));
        let end = match step[0] % 16 {
            0..=4 => {
                let content = model.content(one, step[2]);
                state.put(one, &[&content]).expect("puts");
                model.put(one, content);
                None
            }
            5 | 6 => {
                assert_eq!(state.remove(one).is_ok(), model.live.contains_key(&one));
                model.remove(one);
                None
            }
            7 | 8 => {
                let content = model.content(two, step[0]);
                state.replace(one, two, &[&content]).expect("replaces");
                model.remove(one);
                model.put(two, content);
                None
            }
            9 if one != two => {
                let (first, second) = (model.content(one, step[0]), model.content(two, step[2]));
                let pair = ((one, &[&*first][..]), (two, &[&*second][..]));
                state.put_both(pair.0, pair.1).expect("puts both");
                model.put(one, first);
                model.put(two, second);
                None
            }
            10 => {
                if let Some((waiting, _)) = state.longest_waiting() {
                    state.give_file(waiting).expect("gives");
                }
                state.write_removals();
                None
            }
            11 => {
                state.write_removals();
                let sync = state.take_unsynced(true);
                let (journal, files) = (sync.sync_journal(), sync.sync_files());
                assert!(journal.is_ok() && files.is_ok());
                state.was_synced(sync, true, true);
                model.durable = model.live.clone();
                model.synced = scratch.journals();
                None
            }
            12 => {
                let _ = state.rest();
                None
            }
            13 => Some(End::Killed),
            14 => Some(if step[1] & 1 == 0 {
                End::Cut(step[1], step[2])
            } else {
                End::Scribbled(step[1], step[2])
            }),
            15 => Some(End::Closed),
            _ => None,
        };
        state.check_invariants();
        for key in [one, two] {
            // To read all of them after each step took most of the time.
            let content = model.live.get(&key);
            assert_eq!(state.get(key).ok().as_ref(), content, "{key}");
        }
        if let Some(end) = end {
            check_all(&mut state, &model);
            state = reopen(scratch, state, &mut model, &end);
        }
    }
    check_all(&mut state, &model);
    state.close();
}

/// Holds each record that has to be there against what was put.
fn check_all(state: &mut State, model: &Model) {
    for (key, content) in &model.live {
        assert_eq!(&state.get(*key).expect("there"), content, "{key}");
    }
}

/// Ends a store's life, begins the next, and holds what is there against what has to be.
fn reopen(scratch: &Scratch, state: State, model: &mut Model, end: &End) -> State {
    if let End::Closed = end {
        state.close();
        assert!(
            scratch.journals().is_empty(),
            "a closed store has no journal"
        );
    } else {
        drop(state);
    }
    let mut exact = true;
    match end {
        End::Closed | End::Killed => {}
        End::Cut(high, low) => {
            exact = false;
            let newest = scratch.journals().pop_last();
            if let Some((number, length)) = newest {
                let from = model.synced.get(&number).copied().unwrap_or(0);
                let room = length.saturating_sub(from);
                let at = from + (u64::from(*high) << 8 | u64::from(*low)) % (room + 1);
                let file = fs::File::options()
                    .write(true)
                    .open(scratch.journal(number));
                file.and_then(|file| file.set_len(at)).expect("cuts");
            }
        }
        End::Scribbled(high, low) => {
            exact = false;
            model.durable.clear();
            let newest = scratch.journals().pop_last();
            if let Some((number, _)) = newest {
                let path = scratch.journal(number);
                let mut bytes = fs::read(&path).expect("reads");
                // Without its magic number it would be somebody else's, and stay.
                if bytes.len() > 8 {
                    let at = 8 + usize::from(*high) * 7 % (bytes.len() - 8);
                    bytes[at] ^= low | 1;
                    fs::write(&path, bytes).expect("writes");
                }
            }
        }
    }
    let mut state = scratch.open();
    state.check_invariants();
    let expected = if exact { &model.live } else { &model.durable };
    for (key, content) in expected {
        assert_eq!(&state.get(*key).expect("is not lost"), content, "{key}");
    }
    let mut found = BTreeMap::new();
    for key in state.keys() {
        let content = state.get(key).expect("what is listed can be read");
        // A power failure may leave a file without what was in it.
        let known = model
            .history
            .get(&key)
            .is_some_and(|all| all.contains(&content));
        assert!(known, "{key} was never put like that");
        if exact && !model.live.contains_key(&key) {
            let sent = matches!(key.kind, RecordKind::PublishSent | RecordKind::PubrelSent);
            let killed = matches!(end, End::Killed);
            assert!(
                sent && killed,
                "{key} came back, which would be handed over twice"
            );
        }
        found.insert(key, content);
    }
    model.live = found;
    model.durable.clear();
    model.synced.clear();
    state.last_change = Instant::now();
    state
}

/// Opens a store whose journal is these bytes.
pub fn journal_file(bytes: &[u8]) {
    Scratch::with(|scratch| opened_on(scratch, bytes));
}

fn opened_on(scratch: &Scratch, bytes: &[u8]) {
    fs::create_dir_all(scratch.0.join("s/.paho-oxide")).expect("makes");
    fs::write(scratch.journal(1), bytes).expect("writes");
    let mut state = scratch.open();
    for key in state.keys() {
        let _ = state.get(key);
    }
    state.check_invariants();
    let content = b"after";
    let put = RecordKey::new(RecordKind::PublishReceived, false, 9);
    state.put(put, &[content]).expect("puts");
    assert_eq!(state.get(put).expect("there"), content);
    state.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        // The same input in each run: new input is the fuzzer's to find.
        #![proptest_config(ProptestConfig {
            cases: 500,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn no_end_loses_what_a_store_promised(bytes in proptest::collection::vec(any::<u8>(), 0..180)) {
            journal(&bytes);
        }

        #[test]
        fn any_file_may_be_a_journal(bytes in proptest::collection::vec(any::<u8>(), 0..400), first: bool) {
            let mut bytes = bytes;
            if bytes.len() > 8 {
                bytes[..8].copy_from_slice(if first { b"PahoOxJ1" } else { b"PahoOxJ2" });
            }
            journal_file(&bytes);
        }
    }

    /// Inputs with which the fuzzer has found something.
    #[test]
    fn what_was_found_stays_mended() {
        // A pair with a record that had moved from the journal before. Its end was scribbled over; later the other one was
        // removed, as it should be, and the next opening took the first for a half of the pair.
        journal(
            b"\x00\xfd\x00\xfa\xfa\xfa\xfd\x00\x1e\x09\xfd\x00\x1e\x09\x1e\x06\x00\x09\xcd\x00\x13",
        );
    }
}
