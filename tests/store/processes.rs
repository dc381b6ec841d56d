//! Stores whose process ends: killed at any moment, or gone without closing them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use paho_oxide::persistence::file::{FileStore, settle_all};
use paho_oxide::persistence::{Notice, RecordKey, RecordKind, Store};

use super::{STORE, Scratch, URI, content, eventually, files_in, key, sent, sorted_keys};

/// Runs this program again as `act`, in a process of its own that writes its progress to the pipe.
pub fn spawn(act: &str, scratch: &Scratch) -> Child {
    Command::new(std::env::current_exe().expect("the test program"))
        .args([
            "processes::in_a_process_of_its_own",
            "--exact",
            "--nocapture",
        ])
        .env("STORE_TEST_ACT", act)
        .env("STORE_TEST_DIRECTORY", scratch.text())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// The other side of `spawn`; nothing in an ordinary run.
#[test]
fn in_a_process_of_its_own() {
    let (Ok(act), Ok(directory)) = (
        std::env::var("STORE_TEST_ACT"),
        std::env::var("STORE_TEST_DIRECTORY"),
    ) else {
        return;
    };
    let mut store = FileStore::open(Some(&directory), "id", URI).expect("opens");
    match act.as_str() {
        "hold" => {
            println!("ready");
            std::thread::sleep(Duration::from_secs(60));
        }
        // Puts until it is killed, in the pattern of a QoS 2 publisher, saying what is certain.
        "put" => {
            for round in 1..u32::MAX {
                let number = round % 60_000 + 1;
                store.put(sent(number), &[&content(round)]).expect("puts");
                println!("put {round}");
                if round > 50 {
                    store
                        .remove(sent((round - 50) % 60_000 + 1))
                        .expect("removes");
                }
            }
        }
        // A queue of commands turned into packets one by one.
        "replace" => {
            for round in 1..60_000 {
                let (old, new) = (
                    RecordKey::new(RecordKind::Command, false, round),
                    sent(round),
                );
                store.put(old, &[&content(round)]).expect("puts");
                if round % 40 == 0 {
                    std::thread::sleep(Duration::from_millis(15));
                }
                println!("put {round}");
                store
                    .replace(old, new, &[&content(round)])
                    .expect("replaces");
            }
        }
        "stay" => {
            let directory = Path::new(&directory).join(STORE);
            for number in 1..=3 {
                store.put(sent(number), &[&content(number)]).expect("puts");
            }
            eventually("the files", || directory.join("s-3.msg").exists());
            store.put(sent(4), &[&content(4)]).expect("puts");
            println!("ready");
            std::thread::sleep(Duration::from_secs(60));
        }
        "take" => {
            store.put(key("q-1"), &[b"taken"]).expect("puts");
            store.put(key("r-1"), &[b"released"]).expect("puts");
            store.put(key("q-2"), &[b"waits"]).expect("puts");
            store.remove(key("q-1")).expect("removes");
            store.remove(key("r-1")).expect("removes");
            std::process::abort();
        }
        "leave" => {
            store.put(sent(7), &[b"left", b" behind"]).expect("puts");
            settle_all();
            println!("ready");
            std::process::exit(0);
        }
        other => panic!("no act {other}"),
    }
}

pub fn wait_for_line(child: &mut Child, wanted: &str) {
    let lines = BufReader::new(child.stdout.as_mut().expect("piped")).lines();
    for line in lines {
        if line.expect("text").contains(wanted) {
            return;
        }
    }
    panic!("the process ended without saying {wanted}");
}

#[test]
fn a_process_that_exits_without_closing_leaves_files() {
    let scratch = Scratch::new();
    let mut child = spawn("leave", &scratch);
    wait_for_line(&mut child, "ready");
    assert!(child.wait().expect("ends").success());
    assert_eq!(
        fs::read(scratch.store().join("s-7.msg")).expect("reads"),
        b"left behind"
    );
}

#[test]
fn what_the_original_used_up_after_a_kill_does_not_come_back() {
    let scratch = Scratch::new();
    let mut child = spawn("stay", &scratch);
    wait_for_line(&mut child, "ready");
    child.kill().expect("kills");
    child.wait().expect("ends");
    // The original sends what it sees and removes it; it puts a message of its own under one of the names.
    fs::remove_file(scratch.store().join("s-1.msg")).expect("removes");
    fs::remove_file(scratch.store().join("s-2.msg")).expect("removes");
    fs::write(scratch.store().join("s-2.msg"), b"the original's").expect("writes");
    let fourth = scratch.store().join("s-4.msg").exists();
    if !fourth {
        fs::write(scratch.store().join("s-4.msg"), b"the original's").expect("writes");
    }
    let mut store = scratch.open();
    assert_eq!(sorted_keys(&mut store), ["s-2", "s-3", "s-4"]);
    assert_eq!(store.get(sent(2)).expect("there"), b"the original's");
    assert_eq!(store.get(sent(3)).expect("there"), content(3));
    if !fourth {
        // The original never saw our fourth: it is kept.
        assert_eq!(store.get(sent(4)).expect("there"), b"the original's");
        let aside = scratch.store().join("corrupt/s-4.msg");
        assert_eq!(fs::read(aside).expect("kept"), content(4));
        assert_eq!(store.notices().len(), 1);
    }
}

#[test]
fn what_the_program_has_taken_does_not_come_back() {
    // The process ends right after the removals, many times over: only what is written at once can pass.
    for _ in 0..10 {
        let scratch = Scratch::new();
        let mut child = spawn("take", &scratch);
        child.wait().expect("ends");
        assert_eq!(sorted_keys(&mut scratch.open()), ["q-2"]);
    }
}

/// Kills `act` a while after it was certain of so many rounds, and says of how many it was at last.
fn kill_in_the_middle(act: &str, scratch: &Scratch, least: u32, after: Duration) -> u32 {
    let mut child = spawn(act, scratch);
    let output = child.stdout.take().expect("piped");
    let (told, is_far) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut last = 0;
        for line in BufReader::new(output).lines() {
            let line = line.expect("text");
            // The test harness writes the first "put" on a line of its own making.
            if let Some((_, round)) = line.split_once("put ") {
                last = round.parse().unwrap_or(last);
                if last == least {
                    told.send(()).expect("somebody waits");
                }
            }
        }
        last
    });
    is_far
        .recv_timeout(Duration::from_secs(120))
        .expect("it gets that far");
    std::thread::sleep(after);
    child.kill().expect("kills");
    child.wait().expect("ends");
    reader.join().expect("reads")
}

#[test]
fn kill_leaves_whole_records_and_every_one_that_was_put() {
    for trial in 0..12u64 {
        let scratch = Scratch::new();
        let last = kill_in_the_middle("put", &scratch, 101, Duration::from_millis(trial * 37));
        let mut store = scratch.open();
        let keys = store.keys().expect("lists");
        for round in last - 40..=last {
            let key = sent(round % 60_000 + 1);
            assert_eq!(
                store.get(key).expect("was put"),
                content(round),
                "{key} of round {round}"
            );
        }
        // Removals of what was sent may be late, but nothing is half there.
        for key in keys {
            let record = store.get(key).expect("whole");
            let round = u32::from_le_bytes(record[..4].try_into().expect("four bytes"));
            assert_eq!((record, key), (content(round), sent(round % 60_000 + 1)));
        }
        // A kill can cut a write in two; the put it belonged to had not returned.
        let told = store.notices();
        let torn = |notice: &Notice| matches!(notice, Notice::TornJournal(_));
        assert!(told.iter().all(torn), "{told:?}");
        drop(store);
        assert!(files_in(&scratch.store()).iter().all(|name| {
            std::path::Path::new(name)
                .extension()
                .is_some_and(|e| e == "msg")
        }));
    }
}

#[test]
fn kill_leaves_a_moved_record_under_one_name() {
    for trial in 0..12u64 {
        let scratch = Scratch::new();
        let last = kill_in_the_middle("replace", &scratch, 41, Duration::from_millis(trial * 41));
        let mut store = scratch.open();
        for round in 1..=last {
            let command = RecordKey::new(RecordKind::Command, false, round);
            let there = [store.contains(command), store.contains(sent(round))];
            assert!(
                there == [true, false] || there == [false, true],
                "round {round} of {last}: {there:?}"
            );
        }
    }
}
