//! The n-th system call, thread or allocation of OpenSSL's fails, for every n that a client's life has: the programs of
//! `tests/c/faults`, one process for each n, with a leak checker in it.
//!
//! `HOSTILE_ROUNDS` says how much denser OpenSSL's allocations, of which there are some fourteen thousand, are tried than
//! in `make test`.
#![cfg(all(feature = "tls", target_os = "linux", target_arch = "x86_64"))] // see tests/c/faults/inject.h

#[path = "transport_common/certs.rs"]
mod certs;
mod common;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::cc::{cc, scratch};
use common::mosquitto::Mosquitto;
use common::output::{Flavour, include_dir, output_dir};
use common::process::{Finished, run};
use common::root;

/// Longer than the programs' own alarm.
const LIMIT: Duration = Duration::from_secs(300);
/// Of OpenSSL's allocations `make test` tries one in so many.
const STRIDE: usize = 500;

/// OpenSSL 3 does not free all that it had when an allocation fails, and nobody else can: not looked at where it is
/// OpenSSL's allocations that fail.
const OPENSSLS: &str = "leak:libcrypto.so\n";

/// One program and its surroundings.
struct Life {
    executable: PathBuf,
    dir: PathBuf,
    uri: String,
    authority: Option<PathBuf>,
    // Stays until the last run.
    _broker: Mosquitto,
}

impl Life {
    /// `tls`: on a server with a certificate.
    fn new(program: &str, tls: bool) -> Self {
        // Of its own for each test: several use the same program at the same time.
        let test = std::thread::current().name().unwrap_or("").to_owned();
        let dir = scratch(&format!("faults-{test}-{program}-{tls}"));
        let mut config = vec!["set_tcp_nodelay true".to_owned()];
        let file = |name: &str| dir.join(name);
        if tls {
            let authority = certs::Identity::authority();
            let server = certs::Identity::localhost(Some(&authority));
            fs::write(file("ca.pem"), authority.certificate_pem()).unwrap();
            fs::write(file("server.pem"), server.certificate_pem()).unwrap();
            fs::write(file("server.key"), server.key_pem()).unwrap();
            config.push(format!("certfile {}", file("server.pem").display()));
            config.push(format!("keyfile {}", file("server.key").display()));
        }
        fs::write(file("openssl.supp"), OPENSSLS).unwrap();
        let lines: Vec<&str> = config.iter().map(String::as_str).collect();
        let broker = Mosquitto::start(&lines);
        let flavour = match (program, tls) {
            ("client", false) => Flavour::C,
            ("client", true) => Flavour::Cs,
            (_, false) => Flavour::A,
            (_, true) => Flavour::As,
        };
        // By a name, which the program itself finds on a thread of the library's; TLS has calls enough without.
        let uri = if tls {
            format!("ssl://127.0.0.1:{}", broker.port())
        } else {
            format!("tcp://localhost:{}", broker.port())
        };
        Self {
            executable: compile(program, flavour, &dir),
            authority: tls.then(|| file("ca.pem")),
            uri,
            dir,
            _broker: broker,
        }
    }

    fn run(&self, mode: &str, n: usize, descriptors: usize) -> Finished {
        let store = self.dir.join(format!("store-{mode}"));
        let _ = fs::remove_dir_all(&store);
        fs::create_dir(&store).unwrap();
        let mut command = Command::new(&self.executable);
        command
            .args([&self.uri, mode, &n.to_string()])
            .arg(store)
            .arg(descriptors.to_string())
            .args(&self.authority)
            .env("LD_LIBRARY_PATH", output_dir())
            .env_remove("MQTT_C_CLIENT_TRACE")
            .current_dir(&self.dir);
        if mode == "openssl" {
            let suppressions = self.dir.join("openssl.supp");
            let options = format!(
                "print_suppressions=0:suppressions={}",
                suppressions.display()
            );
            command.env("LSAN_OPTIONS", options);
        }
        run(command, LIMIT)
    }

    /// Every `stride`-th call fails in turn, in a process of its own. Calls of the `certain` names are among them.
    fn sweep(&self, mode: &str, stride: usize, certain: &[&str]) {
        // Threads are not always equally far: the largest of a few is the number of calls.
        let (calls, descriptors) = (0..3)
            .map(|_| counts(&self.run(mode, 0, 0)))
            .reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
            .unwrap();
        let numbers = (1..=calls).step_by(stride);
        println!("{mode}: {} of {calls} calls", calls.div_ceil(stride));
        let mut failed = BTreeSet::new();
        for n in numbers {
            let finished = self.run(mode, n, descriptors);
            if is_aborted_by_openssl_crate(&finished) {
                continue;
            }
            assert!(
                finished.status.success(),
                "{} {mode} {n} ended with {}:\n{}\n{}",
                self.executable.display(),
                finished.status,
                finished.stdout,
                finished.stderr
            );
            failed.extend(finished.stdout.split_whitespace().nth(2).map(str::to_owned));
        }
        // How many calls a run makes depends on the order of its threads, and the last numbers may not be reached in each.
        // But each run connects, reads, writes and, where it has a store, makes files.
        println!("{mode} {failed:?}");
        let missing: Vec<_> = certain
            .iter()
            .filter(|name| !failed.contains(**name))
            .collect();
        assert!(
            missing.is_empty(),
            "never failed: {missing:?}, only {failed:?}"
        );
    }
}

/// The `openssl` crate takes for granted that OpenSSL had memory for one of its own pointers. Like Rust's allocator it
/// ends the process where that was not so.
fn is_aborted_by_openssl_crate(finished: &Finished) -> bool {
    finished.status.signal() == Some(6) && finished.stderr.contains("BUG: session context missing")
}

/// What a run without failures prints.
fn counts(finished: &Finished) -> (usize, usize) {
    assert!(
        finished.status.success(),
        "without a failure: {}\n{}",
        finished.status,
        finished.stderr
    );
    let mut numbers = finished.stdout.split_whitespace();
    let mut number = || numbers.next().and_then(|text| text.parse().ok());
    (number().expect("a count"), number().expect("a count"))
}

/// GCC's leak checker is a library of its own, as the trap in the program expects; where there is none, the programs
/// check all but memory.
fn compile(program: &str, flavour: Flavour, dir: &Path) -> PathBuf {
    let executable = dir.join(program);
    let attempt = |compiler: &str, flags: &[&str]| {
        Command::new(compiler)
            .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-g"])
            .args(flags)
            .arg("-I")
            .arg(include_dir())
            .arg(root().join(format!("tests/c/faults/{program}.c")))
            .arg("-o")
            .arg(&executable)
            .arg(output_dir().join(flavour.soname()))
            .args(["-lpthread", "-ldl", "-Wl,--allow-shlib-undefined"])
            .output()
    };
    if attempt("gcc", &["-fsanitize=leak"]).is_ok_and(|output| output.status.success()) {
        return executable;
    }
    println!("no gcc with -fsanitize=leak: leaks are not looked for");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = attempt(&compiler, &[]).expect("there is a C compiler");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    executable
}

/// Calls that each life makes, in whatever order its threads run.
const FAILURES: [&str; 6] = ["socket", "connect", "epoll_ctl", "recv", "send", "openat"];
/// The same of those that a signal can interrupt.
const WAITS: [&str; 1] = ["epoll_wait"];

#[test]
fn any_call_may_fail_under_the_client_api() {
    Life::new("client", false).sweep("failure", 1, &FAILURES);
}

#[test]
fn any_call_may_fail_under_the_async_api() {
    Life::new("async", false).sweep("failure", 1, &FAILURES);
}

#[test]
fn any_call_may_fail_under_tls() {
    Life::new("client", true).sweep("failure", 1, &FAILURES);
    Life::new("async", true).sweep("failure", 1, &FAILURES);
}

#[test]
fn any_wait_may_be_interrupted() {
    for tls in [false, true] {
        Life::new("client", tls).sweep("interrupt", 1, &WAITS);
        Life::new("async", tls).sweep("interrupt", 1, &WAITS);
    }
}

#[test]
fn openssl_may_be_out_of_memory() {
    let rounds = env::var("HOSTILE_ROUNDS").ok();
    let rounds: usize = rounds.and_then(|text| text.parse().ok()).unwrap_or(1);
    for program in ["client", "async"] {
        Life::new(program, true).sweep("openssl", STRIDE.div_ceil(rounds), &[]);
    }
}

/// What a server can make arbitrarily large is given up with the connection, and not with the process as Rust's
/// allocator does it.
#[test]
fn a_message_without_memory_for_it_comes_again() {
    let dir = scratch("faults-memory");
    let broker = Mosquitto::start(&["set_tcp_nodelay true"]);
    let executable = cc(
        "tests/c/faults/memory.c",
        Flavour::A,
        &include_dir(),
        &output_dir(),
        &dir.join("memory"),
    );
    let mut command = Command::new(executable);
    command
        .arg(broker.uri())
        .env("LD_LIBRARY_PATH", output_dir())
        .env_remove("MQTT_C_CLIENT_TRACE");
    let finished = run(command, Duration::from_secs(240));
    assert!(
        finished.status.success(),
        "{}\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
    assert_eq!(finished.stdout.lines().count(), 14, "{}", finished.stdout);
}
