//! What is written when: `strace` lists the calls of a process that stores messages and sends them, and the list shows that
//!
//! - a record is written before the packet that it covers goes to the socket: a kill, whenever it comes, finds it;
//! - it is synced to the disk soon afterwards, without waiting for the next one;
//! - the journal goes only when the files that records got meanwhile are on the disk.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::packet::AckKind;
use crate::puppet::{Api, PATIENCE, Puppet, StoreDir, may_trace};

const CALLS: &str =
    "trace=pwrite64,write,writev,sendto,sendmsg,fdatasync,fsync,syncfs,renameat,renameat2,unlinkat";

/// A call that succeeded.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: String,
    /// Seconds, of the clock.
    began: f64,
    ended: f64,
}

/// Reads what `strace -f -ttt -T -y` wrote.
fn calls(path: &Path) -> Vec<Call> {
    let text = fs::read_to_string(path).expect("strace wrote it");
    let mut begun: HashMap<String, (f64, String)> = HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ').filter(|word| !word.is_empty());
        let (Some(thread), Some(rest)) = (words.next(), line.split_once(' ')) else {
            continue;
        };
        let Some((time, rest)) = rest.1.trim_start().split_once(' ') else {
            continue;
        };
        let Ok(time) = time.parse::<f64>() else {
            continue;
        };
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), (time, start.to_owned()));
            continue;
        }
        let (began, whole) = match rest.split_once(" resumed>") {
            Some((_, end)) => match begun.remove(thread) {
                Some((began, start)) => (began, start + end),
                None => continue,
            },
            None => (time, rest.to_owned()),
        };
        // `name(arguments) = result <seconds>`
        let (Some((head, result)), Some((name, _))) =
            (whole.rsplit_once(" = "), whole.split_once('('))
        else {
            continue;
        };
        let mut result = result.split(' ');
        let failed = result.next().is_none_or(|code| code.starts_with('-'));
        let lasted = whole
            .rsplit_once('<')
            .and_then(|(_, seconds)| seconds.trim_end_matches('>').parse::<f64>().ok());
        if let (false, Some(lasted)) = (failed, lasted) {
            calls.push(Call {
                name: name.to_owned(),
                arguments: head[name.len()..].to_owned(),
                began,
                ended: began + lasted,
            });
        }
    }
    calls
}

/// When the first call began, or ended, that is so.
fn first(calls: &[Call], what: &str, is: impl Fn(&Call) -> bool) -> (f64, f64) {
    let mut times = calls.iter().filter(|call| is(call));
    let call = times
        .next()
        .unwrap_or_else(|| panic!("no {what} in\n{calls:#?}"));
    (call.began, call.ended)
}

fn is_sent(call: &Call, bytes: &str) -> bool {
    // A descriptor with a path is a file, the standard output a pipe.
    let descriptor = call.arguments.split(',').next().unwrap_or_default();
    let socket = descriptor.contains("<socket:") || descriptor.contains("<TCP");
    socket && call.arguments.contains(bytes)
}

fn is_sync(call: &Call) -> bool {
    matches!(call.name.as_str(), "fdatasync" | "syncfs")
}

/// Returns the name of the journal that a call's descriptor is open on.
fn journal_of(call: &Call) -> Option<String> {
    let descriptor = call.arguments.split(',').next()?;
    let (_, name) = descriptor.rsplit_once('/')?;
    let name = name.split('>').next()?;
    name.starts_with("journal-").then(|| name.to_owned())
}

/// Returns the name of the journal that a call writes a record of that payload to.
fn journal_of_record(call: &Call, payload: &str) -> Option<String> {
    journal_of(call).filter(|_| call.name == "pwrite64" && call.arguments.contains(payload))
}

fn is_end_of(call: &Call, journal: &str) -> bool {
    call.name == "unlinkat" && call.arguments.contains(&format!("\"{journal}\""))
}

#[test]
fn records_before_packets_and_syncs_soon() {
    if !may_trace() {
        return;
    }
    let broker = Broker::start();
    let dir = StoreDir::new("order");
    let list = dir.0.with_extension("strace");
    let file = list.to_str().expect("UTF-8");
    let strace = [
        "strace", "-D", "-f", "-q", "-y", "-ttt", "-T", "-s", "200", "-e", CALLS, "-o", file,
    ];
    let mut puppet = Puppet::start_under(&strace, Api::Async);
    puppet.ok(&format!("create {} order {}", broker.uri(), dir.path()));
    puppet.ok("connect clean=0 version=4");
    let mut peer = broker.accept();
    peer.expect_connect();
    peer.connack(false, &[]);
    puppet.expect("onconnect");
    let payloads = ["first-payload", "second-payload"];
    for (payload, qos) in payloads.iter().zip([1, 2]) {
        puppet.ok(&format!("send a/b {payload} {qos}"));
        peer.expect_publish();
    }
    wait(&dir, &["s-1.msg", "s-2.msg"]);
    peer.ack(AckKind::PubRec, 2);
    peer.expect_ack(AckKind::PubRel, 2);
    wait(&dir, &["s-1.msg", "s-2.msg", "sc-2.msg"]);
    puppet.call("destroy");
    puppet.quit();
    // The tracer outlives the process for a moment. On a slow machine the second record goes to a journal of its own: the
    // first has been let go by then.
    let deadline = Instant::now() + PATIENCE;
    let calls = loop {
        let calls = calls(&list);
        if payloads.iter().all(|payload| {
            let journal = calls
                .iter()
                .find_map(|call| journal_of_record(call, payload));
            journal.is_some_and(|journal| calls.iter().any(|call| is_end_of(call, &journal)))
        }) {
            break calls;
        }
        assert!(Instant::now() < deadline, "{calls:#?}");
        std::thread::sleep(Duration::from_millis(5));
    };

    for (number, payload) in payloads.iter().enumerate() {
        let journal = calls
            .iter()
            .find_map(|call| journal_of_record(call, payload))
            .expect("found above");
        let (_, stored) = first(&calls, "record", |call| {
            journal_of_record(call, payload).is_some()
        });
        let (sent, _) = first(&calls, "packet", |call| is_sent(call, payload));
        assert!(stored <= sent, "{payload}: {stored} {sent}");
        let (began, synced) = first(&calls, "sync of the journal", |call| {
            is_sync(call) && journal_of(call).as_ref() == Some(&journal) && call.began >= stored
        });
        // Five milliseconds, and what a busy machine makes of them.
        assert!(began - stored < 10.0, "{payload}: {}", began - stored);
        let name = format!("\"s-{}.msg\"", number + 1);
        let (_, moved) = first(&calls, "file", |call| {
            call.name.starts_with("renameat") && call.arguments.contains(&name)
        });
        let (_, kept) = first(&calls, "sync of the file", |call| {
            is_sync(call) && journal_of(call).is_none() && call.began >= moved
        });
        let (gone, _) = first(&calls, "end of the journal", |call| {
            is_end_of(call, &journal)
        });
        assert!(
            synced.max(kept) <= gone,
            "{payload}: {synced} {kept} {gone}"
        );
    }
    // PUBREL, which strace shows as a string of C.
    let pubrel = r"b\2\0\2";
    let (_, stored) = first(&calls, "record of PUBREL", |call| {
        call.name.starts_with("renameat") && call.arguments.contains("\"sc-2.msg\"")
    });
    let (sent, _) = first(&calls, "PUBREL", |call| is_sent(call, pubrel));
    assert!(stored <= sent, "PUBREL: {stored} {sent}");
    let _ = fs::remove_file(list);
}

fn wait(dir: &StoreDir, records: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    while dir.records() != records {
        assert!(Instant::now() < deadline, "{:?}", dir.records());
        std::thread::sleep(Duration::from_millis(2));
    }
}
