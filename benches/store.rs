//! The default store on its own: putting a record and removing it again. `TMPDIR` names the file system that is measured.

use std::path::PathBuf;

use criterion::{Criterion, Throughput};
use paho_oxide::persistence::file::FileStore;
use paho_oxide::persistence::{RecordKey, RecordKind, Store};

/// Numbers of records before they come again; no more than a session has in flight.
const NUMBERS: u32 = 60_000;

/// A directory of this run's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("paho-bench-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sent(round: u32) -> RecordKey {
    RecordKey::new(RecordKind::PublishSent, false, round % NUMBERS + 1)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("store: put and remove a message of 256 B");
    group.throughput(Throughput::Elements(1));
    let payload = [7; 256];
    for in_flight in [1, 100, 5_000] {
        let scratch = Scratch::new();
        let directory = scratch.0.to_str().expect("UTF-8");
        let mut store =
            FileStore::open(Some(directory), "id", "tcp://localhost:1883").expect("opens");
        let mut round = 0;
        group.bench_function(format!("{in_flight} in flight"), |b| {
            b.iter(|| {
                store
                    .put(sent(round), &[b"\x32\x90\x02", &payload])
                    .expect("puts");
                if let Some(oldest) = round.checked_sub(in_flight) {
                    store.remove(sent(oldest)).expect("removes");
                }
                round += 1;
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
