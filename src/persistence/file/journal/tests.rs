use std::collections::HashMap;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::*;
use crate::persistence::Notice;

/// A directory of this test's own, gone afterwards.
struct Scratch(PathBuf, OwnedFd);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paho-journal-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a fresh directory");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = sys::open(&path, flags, Mode::empty()).expect("opens");
        Self(path, dir)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.0.join(format!("{PREFIX}{number}"))
    }

    /// What the journal says after a restart, by key.
    fn replay(&self) -> (HashMap<RecordKey, Vec<u8>>, Vec<Notice>) {
        let (journal, replayed) = Journal::replay(&self.1).expect("readable");
        let content = |(&key, &spot)| (key, journal.read(key, spot).expect("was just checked"));
        (
            replayed.live.iter().map(content).collect(),
            replayed.notices,
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sent(number: u32) -> RecordKey {
    RecordKey::new(RecordKind::PublishSent, false, number)
}

fn expected(records: &[(u32, &[u8])]) -> HashMap<RecordKey, Vec<u8>> {
    records
        .iter()
        .map(|&(number, content)| (sent(number), content.to_vec()))
        .collect()
}

/// Four puts, a replacement and a removal, and what is there after each.
fn write(scratch: &Scratch) -> Vec<HashMap<RecordKey, Vec<u8>>> {
    let own = &scratch.1;
    let mut journal = Journal::default();
    let mut put = |operation, key, other, parts: &[&[u8]]| {
        journal
            .append(own, operation, key, other, parts)
            .expect("writes");
    };
    put(Operation::Put, sent(1), None, &[b"one", b"!"]);
    put(Operation::Put, sent(2), None, &[]);
    put(Operation::Put, sent(1), None, &[b"uno"]);
    put(Operation::Replace, sent(3), Some(sent(1)), &[b"three"]);
    put(Operation::Put, sent(4), None, &[&[0x77; 300]]);
    journal.remove_later(sent(2));
    journal.write_removals(own).expect("writes");
    vec![
        expected(&[]),
        expected(&[(1, b"one!")]),
        expected(&[(1, b"one!"), (2, b"")]),
        expected(&[(1, b"uno"), (2, b"")]),
        expected(&[(2, b""), (3, b"three")]),
        expected(&[(2, b""), (3, b"three"), (4, &[0x77; 300])]),
        expected(&[(3, b"three"), (4, &[0x77; 300])]),
    ]
}

#[test]
fn replays_what_was_written() {
    let scratch = Scratch::new("replay");
    let states = write(&scratch);
    assert_eq!(
        scratch.replay(),
        (states.last().expect("some").clone(), Vec::new())
    );
}

#[test]
fn a_journal_cut_anywhere_replays_up_to_there() {
    let scratch = Scratch::new("cut");
    let states = write(&scratch);
    let whole = std::fs::read(scratch.file(1)).expect("reads");
    let mut reached = 0;
    for end in 0..=whole.len() {
        std::fs::write(scratch.file(1), &whole[..end]).expect("writes");
        let (records, notices) = scratch.replay();
        let at = states
            .iter()
            .position(|state| *state == records)
            .expect("a state that there was");
        assert!(
            at == reached || at == reached + 1,
            "cut at {end}: {at} after {reached}"
        );
        reached = at;
        assert!(
            notices
                .iter()
                .all(|notice| matches!(notice, Notice::TornJournal(_)))
        );
        assert_eq!(
            scratch.file(1).exists(),
            end >= FILE_HEADER,
            "a file without a header is none"
        );
    }
    assert_eq!(reached, states.len() - 1);
}

/// The kernel ends a write between two pages when the process is killed.
#[test]
fn two_records_put_together_are_both_there_or_none_wherever_the_write_ended() {
    let scratch = Scratch::new("both");
    let mut journal = Journal::default();
    let before = expected(&[(1, b"before")]);
    journal
        .append(&scratch.1, Operation::Put, sent(1), None, &[b"before"])
        .expect("writes");
    let one = journal.active().2;
    let message = RecordKey::new(RecordKind::Message, true, 1);
    let receipt = RecordKey::new(RecordKind::PublishReceived, true, 7);
    journal
        .append_both(
            &scratch.1,
            (message, &[b"message"]),
            (receipt, &[b"receipt"]),
        )
        .expect("writes");
    let end = journal.active().2;
    journal
        .append(&scratch.1, Operation::Put, sent(2), None, &[b"after"])
        .expect("writes");
    let path = scratch.file(1);
    let whole = std::fs::read(&path).expect("reads");
    for length in one..=whole.len() as u64 {
        std::fs::write(&path, &whole[..usize::try_from(length).unwrap()]).expect("writes");
        let (mut records, _) = scratch.replay();
        let both = [message, receipt].map(|key| records.remove(&key).is_some());
        assert_eq!(both, [length >= end; 2], "cut at {length}");
        records.remove(&sent(2));
        assert_eq!(records, before, "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_ends_the_journal_there() {
    let scratch = Scratch::new("flip");
    let states = write(&scratch);
    let whole = std::fs::read(scratch.file(1)).expect("reads");
    for bit in 0..whole.len() * 8 {
        let mut broken = whole.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(scratch.file(1), &broken).expect("writes");
        let (records, notices) = scratch.replay();
        let at = states
            .iter()
            .position(|state| *state == records)
            .expect("a state that there was");
        let harmless = (16..FILE_HEADER).contains(&(bit / 8));
        assert_eq!(at == states.len() - 1, harmless, "bit {bit}");
        assert_eq!(notices.is_empty(), harmless, "bit {bit}");
    }
}

#[test]
fn a_payload_that_looks_like_an_entry_is_not_one() {
    let scratch = Scratch::new("forged");
    write(&scratch);
    let whole = std::fs::read(scratch.file(1)).expect("reads");
    // A whole journal as a payload, and only its tail left where an entry is looked for: what was written before the last
    // reuse of a block is like that.
    let mut journal = Journal::replay(&scratch.1).expect("readable").0;
    let spot = journal
        .append(
            &scratch.1,
            Operation::Put,
            sent(9),
            None,
            &[&whole[FILE_HEADER..]],
        )
        .expect("writes");
    let second = std::fs::read(scratch.file(2)).expect("reads");
    let mut forged = second[..FILE_HEADER].to_vec();
    forged.extend_from_slice(&second[spot.offset as usize + ENTRY_HEADER..]);
    std::fs::remove_file(scratch.file(1)).expect("removes");
    std::fs::write(scratch.file(2), forged).expect("writes");
    let torn = Notice::TornJournal(format!("{PREFIX}2"));
    assert_eq!(scratch.replay(), (expected(&[]), vec![torn]));
}

#[test]
fn foreign_files_are_no_journal() {
    let scratch = Scratch::new("foreign");
    let states = write(&scratch);
    for name in ["new", "journal-x", "journal-", "other"] {
        std::fs::write(
            scratch.0.join(name),
            b"not a journal, though long enough to be one",
        )
        .expect("writes");
    }
    std::fs::write(
        scratch.file(7),
        b"not a journal, though long enough to be one",
    )
    .expect("writes");
    let foreign = Notice::Foreign(format!("{PREFIX}7"));
    assert_eq!(
        scratch.replay(),
        (states.last().expect("some").clone(), vec![foreign])
    );
    assert!(scratch.file(7).exists());
}

#[test]
fn files_go_oldest_first_when_nothing_needs_them() {
    let scratch = Scratch::new("files");
    let own = &scratch.1;
    let mut journal = Journal::default();
    let large = vec![0; MAX_ENTRY];
    let mut spots = Vec::new();
    for number in 1..=20 {
        let spot = journal
            .append(own, Operation::Put, sent(number), None, &[&large])
            .expect("writes");
        journal.add_live(spot);
        spots.push(spot);
    }
    assert!(journal.files() >= 3);
    let (first, rest) = spots.split_first().expect("twenty");
    let newest = rest.last().expect("nineteen").file;
    for &spot in rest {
        journal.end_live(spot);
    }
    journal.let_go(own, 0, true).expect("deletes");
    assert!(
        journal.keeps(first.file) && scratch.file(newest).exists(),
        "the oldest is needed"
    );
    // Its record got a file of its own, which is not on the disk yet.
    journal.moved(*first, 1);
    journal.let_go(own, 0, true).expect("deletes");
    assert!(journal.keeps(first.file));
    journal.let_go(own, 1, false).expect("deletes");
    assert!(
        !journal.keeps(first.file) && journal.keeps(newest),
        "the newest is written to"
    );
    journal.let_go(own, 1, true).expect("deletes");
    assert_eq!(std::fs::read_dir(&scratch.0).expect("lists").count(), 0);
}

#[test]
fn a_journal_whose_records_stay_grows_to_its_bound() {
    let scratch = Scratch::new("bound");
    let own = &scratch.1;
    let mut journal = Journal::default();
    let mut spots = Vec::new();
    let full = loop {
        let number = u32::try_from(spots.len()).expect("a few") + 1;
        match journal.append(own, Operation::Put, sent(number), None, &[b"stays"]) {
            Ok(spot) => {
                journal.add_live(spot);
                spots.push(spot);
            }
            Err(error) => break error,
        }
        // As if it had been filled.
        journal.segments.back_mut().expect("a file").end = FILE_SIZE;
    };
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!((spots.len(), journal.files()), (MAX_FILES, MAX_FILES));
    // A removal is written all the same, and makes room.
    journal.remove_later(sent(1));
    journal.write_removals(own).expect("writes");
    assert!(journal.removals.is_empty());
    journal.end_live(spots[0]);
    journal.let_go(own, 0, false).expect("deletes");
    journal
        .append(own, Operation::Put, sent(1000), None, &[b"more"])
        .expect("there is room");
    journal.check_invariants();
}

#[test]
fn only_what_is_nowhere_else_needs_the_disk() {
    let scratch = Scratch::new("sync");
    let own = &scratch.1;
    let mut journal = Journal::default();
    let put = |journal: &mut Journal| {
        let spot = journal
            .append(own, Operation::Put, sent(1), None, &[b"one"])
            .expect("writes");
        journal.add_live(spot);
        spot
    };
    let spot = put(&mut journal);
    let unsynced = journal.unsynced(0);
    assert!(unsynced.len() == 1 && unsynced[0].is_new);
    journal.synced(&unsynced[0]);
    assert!(journal.unsynced(0).is_empty());
    // A record that came and went.
    let passing = put(&mut journal);
    journal.end_live(spot);
    journal.end_live(passing);
    assert!(journal.unsynced(0).is_empty());
    // One that moved to a file which is not on the disk, and then is.
    let spot = put(&mut journal);
    let unsynced = journal.unsynced(0);
    assert!(unsynced.len() == 1 && !unsynced[0].is_new);
    journal.moved(spot, 1);
    assert_eq!(journal.unsynced(0).len(), 1);
    assert!(journal.unsynced(1).is_empty());
}

/// A process of this version goes on where one of the first version was killed, and is killed too.
#[test]
fn files_of_both_formats_make_one_journal() {
    let scratch = Scratch::new("formats");
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/journal-v1");
    std::fs::copy(old, scratch.file(1)).expect("copies");
    let (mut journal, replayed) = Journal::replay(&scratch.1).expect("readable");
    assert_eq!((replayed.live.len(), replayed.notices.len()), (5, 0));
    let command = |number| RecordKey::new(RecordKind::Command, false, number);
    journal
        .append(&scratch.1, Operation::Put, sent(1), None, &[b"new"])
        .expect("writes");
    journal.remove_later(command(2));
    journal.write_removals(&scratch.1).expect("writes");
    assert!(scratch.file(2).exists(), "nothing is added to an old file");
    let (records, notices) = scratch.replay();
    assert_eq!(notices, []);
    let mut keys: Vec<_> = records.keys().copied().collect();
    keys.sort();
    let expected = [sent(1), command(1), command(3), command(4), command(5)];
    assert_eq!(keys, expected);
    assert_eq!(records[&sent(1)], b"new");
    assert!(
        records[&command(3)]
            .windows(9)
            .any(|part| part == b"message 2")
    );
}
