//! The default store on file systems that refuse: full, read-only, without permission.
//!
//! Root sees through permissions and `/dev/full` is no directory, so these tests mount small file systems of their own. Where
//! that is not allowed they say so on standard error, and fail if the variable `CI` is set: nobody is to believe they ran.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use paho_oxide::persistence::file::{FileStore, Naming};
use paho_oxide::persistence::{Notice, RecordKey, RecordKind, Store, StoreError};

const URI: &str = "tcp://localhost:1883";

/// A file system in memory, unmounted afterwards.
struct Mount(PathBuf);

impl Mount {
    /// `None` if this process may not mount.
    fn new(options: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paho-mount-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a fresh directory");
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

    fn remount(&self, options: &str) {
        assert!(
            self.run(&["-o", &format!("remount,{options}")]),
            "remounts {options}"
        );
    }

    fn open(&self) -> Result<FileStore, StoreError> {
        FileStore::open(Some(self.0.to_str().expect("UTF-8")), "id", URI)
    }

    fn store(&self) -> PathBuf {
        self.0.join("id-localhost-1883")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

fn sent(number: u32) -> RecordKey {
    RecordKey::new(RecordKind::PublishSent, false, number)
}

fn content(number: u32) -> Vec<u8> {
    vec![(number % 251) as u8; 1000]
}

/// Leaves `room` bytes on the file system.
fn fill(mount: &Path, room: u64) -> PathBuf {
    let filler = mount.join("filler");
    let _ = fs::write(&filler, vec![0; 64 << 20]);
    let length = fs::metadata(&filler).expect("there").len();
    fs::File::options()
        .write(true)
        .open(&filler)
        .and_then(|file| file.set_len(length - room))
        .expect("makes room");
    filler
}

fn refused_for(result: &Result<(), StoreError>, kind: std::io::ErrorKind) -> bool {
    matches!(result, Err(StoreError::Io { source, .. }) if source.kind() == kind)
}

#[test]
fn a_full_disk_refuses_new_records_and_keeps_the_old_ones() {
    let Some(mount) = Mount::new("size=4m") else {
        return;
    };
    let mut store = mount.open().expect("opens");
    store.put(sent(1), &[&content(1)]).expect("puts");
    let filler = fill(&mount.0, 256 << 10);
    let mut stored = 1;
    let refusal = loop {
        match store.put(sent(stored + 1), &[&content(stored + 1)]) {
            Ok(()) => stored += 1,
            Err(error) => break Err(error),
        }
        assert!(stored < 10_000, "the disk is full long before");
    };
    assert!(
        refused_for(&refusal, std::io::ErrorKind::StorageFull),
        "{refusal:?}"
    );
    assert!(
        !store.contains(sent(stored + 1)),
        "what was refused is not there"
    );
    println!("{stored} records before the disk was full");
    // Nothing of what was accepted is lost, neither while the disk is full nor over a restart.
    let check = |store: &mut FileStore| {
        for number in 1..=stored {
            assert_eq!(store.get(sent(number)).expect("was put"), content(number));
        }
    };
    check(&mut store);
    drop(store);
    let mut store = mount.open().expect("opens");
    check(&mut store);
    store.remove(sent(1)).expect("removing needs no room");
    // With room again everything goes on, and the records get their files.
    // Emptied first: a child that another test is just starting may hold the file open, and with it its room.
    fs::write(&filler, b"").expect("empties");
    fs::remove_file(filler).expect("removes");
    store.put(sent(1), &[&content(1)]).expect("puts");
    store
        .put(sent(stored + 1), &[&content(stored + 1)])
        .expect("puts");
    drop(store);
    let records = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".msg");
    let files = fs::read_dir(mount.store()).expect("lists").flatten();
    let files = files.filter(records).count();
    assert_eq!(files, stored as usize + 1, "every record has its file");
    check(&mut mount.open().expect("opens"));
}

#[test]
fn records_without_room_for_files_stay_in_the_journal() {
    let Some(mount) = Mount::new("size=8m,nr_inodes=12") else {
        return;
    };
    let mut store = mount.open().expect("opens");
    for number in 1..=50 {
        store
            .put(sent(number), &[&content(number)])
            .expect("the journal needs no file for each");
    }
    // Only a failure takes as long.
    let deadline = Instant::now() + Duration::from_secs(300);
    while !store
        .notices()
        .iter()
        .any(|notice| matches!(notice, Notice::Held(_)))
    {
        assert!(
            Instant::now() < deadline,
            "nobody said that files are lacking"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(store);
    mount.remount("size=8m,nr_inodes=200");
    let mut store = mount.open().expect("opens");
    for number in 1..=50 {
        assert_eq!(store.get(sent(number)).expect("was put"), content(number));
    }
    drop(store);
    assert_eq!(fs::read_dir(mount.store()).expect("lists").count(), 50);
}

/// Names of the files of a Go client's store.
fn go_files(mount: &Path) -> Vec<String> {
    let entries = fs::read_dir(mount).expect("lists");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with("o."))
        .collect();
    names.sort();
    names
}

/// A Go client that went on with the files of a store that could not be taken over would send what a later opening finds inside.
#[test]
fn without_room_nothing_is_both_taken_over_and_left() {
    let Some(mount) = Mount::new("size=1m") else {
        return;
    };
    let open = || {
        let directory = mount.0.to_str().expect("UTF-8");
        FileStore::open_named(directory, Naming::default(), false)
    };
    let names: Vec<String> = (1..=9).map(|id| format!("o.{id}.msg")).collect();
    for id in 1..=9 {
        let packet = [b"\x32\x85\x50\x00\x01t\x00", &[id][..], &[0; 10_240]].concat();
        fs::write(mount.0.join(&names[usize::from(id) - 1]), packet).expect("writes");
    }
    let filler = fill(&mount.0, 60 << 10);
    assert!(open().is_err());
    assert_eq!(go_files(&mount.0), names);
    // The Go client goes on with them, and sends them all.
    fs::remove_file(filler).expect("removes");
    let bytes = fs::read(mount.0.join("o.1.msg")).expect("there");
    for name in &names {
        fs::remove_file(mount.0.join(name)).expect("removes");
    }
    let mut store = open().expect("opens");
    assert_eq!(store.keys().expect("lists"), []);

    // Nor is anything given back, and kept.
    for id in 1..=9 {
        store.put(sent(id), &[&bytes]).expect("puts");
    }
    let filler = fill(&mount.0, 40 << 10);
    drop(store);
    let given = go_files(&mount.0).len();
    assert!((1..9).contains(&given), "{given}");
    for name in go_files(&mount.0) {
        fs::remove_file(mount.0.join(name)).expect("removes");
    }
    fs::remove_file(filler).expect("removes");
    let mut store = open().expect("opens");
    assert_eq!(store.keys().expect("lists").len(), 9 - given);
}

#[test]
fn a_read_only_directory_refuses_records_and_shows_those_it_has() {
    let Some(mount) = Mount::new("size=4m") else {
        return;
    };
    let mut store = mount.open().expect("opens");
    store.put(sent(1), &[&content(1)]).expect("puts");
    drop(store);
    mount.remount("ro");
    let mut store = mount.open().expect("what is there can be read");
    assert_eq!(store.get(sent(1)).expect("there"), content(1));
    let read_only = std::io::ErrorKind::ReadOnlyFilesystem;
    assert!(refused_for(&store.put(sent(2), &[b"x"]), read_only));
    assert!(refused_for(&store.remove(sent(1)), read_only));
    assert!(refused_for(
        &store.set_aside(sent(1)).map(|_| ()),
        read_only
    ));
    assert!(store.contains(sent(1)) && !store.contains(sent(2)));
    drop(store);
    // No store can be made there.
    let refused = FileStore::open(Some(mount.0.to_str().expect("UTF-8")), "other", URI);
    assert!(refused_for(&refused.map(|_| ()), read_only));
}

#[test]
fn wrong_permissions_are_errors_and_harm_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let Some(mount) = Mount::new("size=4m,mode=777") else {
        return;
    };
    let mut store = mount.open().expect("opens");
    store.put(sent(1), &[&content(1)]).expect("puts");
    drop(store);
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
    };
    let mode_of = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let file = mount.store().join("s-1.msg");
    assert_eq!(
        (mode_of(&mount.store()), mode_of(&file)),
        (0o700, 0o600),
        "nobody else may look"
    );
    // Permissions bind everybody but root, so somebody else looks.
    let as_nobody = |what: &str| {
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(fs::read_link("/proc/self/exe").expect("this program"))
            .args(["as_somebody_else", "--exact", "--nocapture"])
            .env("STORE_TEST_DIRECTORY", &mount.0)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains(what),
            "expected {what}, got {said} {output:?}"
        );
    };
    as_nobody("open: permission denied");
    mode(&mount.store(), 0o755);
    as_nobody("get: permission denied, put: permission denied");
    mode(&file, 0o644);
    as_nobody("get: 1000, put: permission denied");
    let mut store = mount.open().expect("opens");
    assert_eq!(store.get(sent(1)).expect("there"), content(1));
}

/// Where everybody may put files, nobody's keep another user's client from being made: neither those that it may not read nor
/// those that it may not remove.
#[test]
fn files_of_others_in_a_shared_directory_are_left_alone() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let Some(mount) = Mount::new("size=4m,mode=1777") else {
        return;
    };
    let packet = b"\x32\x06\x00\x01t\x00\x01x";
    for (name, owner, mode) in [
        ("o.1.msg", 1, 0o600),
        ("i.2.msg", 1, 0o600),
        ("i.3.msg", 1, 0o644),
        ("o.4.msg", 65_534, 0o600),
    ] {
        let path = mount.0.join(name);
        fs::write(&path, packet).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
        chown(&path, Some(owner), Some(owner)).expect("gives away");
    }
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(fs::read_link("/proc/self/exe").expect("this program"))
        .args(["as_somebody_else", "--exact", "--nocapture"])
        .env("STORE_TEST_DIRECTORY", &mount.0)
        .env("STORE_TEST_NAMED", "")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("taken: s-4, left: 3"), "{output:?}");
}

/// A file of the user's own that cannot be read keeps the client from being made, and is named. Those before it in the order are not
/// taken over then: a Go client would send them, too.
#[test]
fn a_file_that_cannot_be_read_leaves_all_of_them_where_they_are() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let Some(mount) = Mount::new("size=4m,mode=700,uid=65534,gid=65534") else {
        return;
    };
    let as_nobody = || {
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(fs::read_link("/proc/self/exe").expect("this program"))
            .args(["as_somebody_else", "--exact", "--nocapture"])
            .env("STORE_TEST_DIRECTORY", &mount.0)
            .env("STORE_TEST_NAMED", "")
            .output()
            .expect("runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let names = ["o.1.msg", "o.2.msg"];
    for (name, mode) in names.into_iter().zip([0o600, 0]) {
        let path = mount.0.join(name);
        fs::write(&path, b"\x32\x06\x00\x01t\x00\x01x").expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
        chown(&path, Some(65_534), Some(65_534)).expect("gives away");
    }
    let said = as_nobody();
    let place = mount.0.display();
    let refused = format!("open: reading o.2.msg in {place}: Permission denied");
    assert!(said.contains(&refused), "{said}");
    assert_eq!(go_files(&mount.0), names);
    // The Go client goes on with them, and sends them all.
    for name in names {
        fs::remove_file(mount.0.join(name)).expect("removes");
    }
    let said = as_nobody();
    assert!(said.contains("taken: , left: 0"), "{said}");
}

/// The other side of the tests above; nothing in an ordinary run.
#[test]
fn as_somebody_else() {
    let Ok(directory) = std::env::var("STORE_TEST_DIRECTORY") else {
        return;
    };
    let said = |error: StoreError| match error {
        StoreError::Io { source, .. } => source.kind().to_string(),
        other => other.to_string(),
    };
    if std::env::var_os("STORE_TEST_NAMED").is_some() {
        match FileStore::open_named(&directory, Naming::default(), false) {
            Err(error) => println!("open: {error}"),
            Ok(mut store) => {
                let keys = store.keys().expect("lists");
                let taken: Vec<String> = keys.iter().map(ToString::to_string).collect();
                println!(
                    "taken: {}, left: {}",
                    taken.join(" "),
                    store.notices().len()
                );
            }
        }
        return;
    }
    match FileStore::open(Some(&directory), "id", URI) {
        Err(error) => println!("open: {}", said(error)),
        Ok(mut store) => {
            let get = store
                .get(sent(1))
                .map_or_else(said, |record| record.len().to_string());
            let put = store
                .put(sent(2), &[b"x"])
                .map_or_else(said, |()| "done".to_owned());
            println!("get: {get}, put: {put}");
        }
    }
}
