//! The programs of `tests/c/roads`: what they are told, and what they say.

use std::fmt::{Display, Write as _};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::cc::{cc, scratch};
use crate::common::output::{Flavour, include_dir, original_dir, output_dir};
use crate::common::root;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Async,
    Client,
}

/// MQTT 3.1.1 and 5, as the C API numbers them.
pub const V311: u8 = 4;
pub const V5: u8 = 5;

/// Both APIs with both versions.
pub const EVERY: [(Api, u8); 4] = [
    (Api::Async, V311),
    (Api::Async, V5),
    (Api::Client, V311),
    (Api::Client, V5),
];

/// Runs programs that mostly wait at the same time. Each gives a list of what went wrong.
pub fn side_by_side(programs: &[(Api, u8)], run: impl Fn(Api, u8) -> String + Sync) {
    let wrong: String = std::thread::scope(|scope| {
        let running: Vec<_> = programs
            .iter()
            .map(|(api, version)| scope.spawn(|| run(*api, *version)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong}");
}

/// How it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Native,
    /// Under memcheck, which has to find nothing lost and nothing wrong.
    Memcheck,
    /// On the original library.
    Original,
}

/// Programs built so far.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// One connect.
#[derive(Clone, Debug)]
pub struct Road {
    pub name: String,
    line: String,
}

impl Road {
    pub fn new(name: &str, uri: &str) -> Self {
        Self {
            name: name.to_owned(),
            line: format!("uri={uri}"),
        }
    }

    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        let _ = write!(self.line, "\t{key}={value}");
        self
    }

    /// TLS that trusts this authority and verifies the name.
    pub fn tls(self, trust: &str) -> Self {
        self.with("tls", 1).with("verify", 1).with("trust", trust)
    }
}

/// What the program said about one.
#[derive(Clone, Debug)]
pub struct Outcome {
    #[expect(dead_code, reason = "shown when a test fails")]
    pub name: String,
    pub connected: bool,
    pub code: i32,
    pub took: Duration,
    /// Another client's longest round trip meanwhile.
    pub longest: Duration,
    pub message: String,
    pub tls_errors: String,
}

impl Outcome {
    fn parse(line: &str) -> Self {
        let fields: Vec<_> = line.split('\t').collect();
        let [name, connected, code, took, longest, message, tls_errors] = fields[..] else {
            panic!("not an outcome: {line}");
        };
        let milliseconds = |text: &str| Duration::from_millis(text.parse().unwrap());
        Self {
            name: name.to_owned(),
            connected: connected == "ok",
            code: code.parse().unwrap(),
            took: milliseconds(took),
            longest: milliseconds(longest),
            message: message.to_owned(),
            tls_errors: tls_errors.to_owned(),
        }
    }
}

/// Runs the program of that API on all the roads with one version of MQTT; what it said of each, in order.
pub fn travel(api: Api, version: u8, how: How, roads: &[Road]) -> Vec<Outcome> {
    travel_in(api, version, how, &[], roads)
}

/// With more in its environment.
pub fn travel_in(
    api: Api,
    version: u8,
    how: How,
    environment: &[(&str, &str)],
    roads: &[Road],
) -> Vec<Outcome> {
    let (program, flavour) = match api {
        Api::Async => ("async", Flavour::As),
        Api::Client => ("client", Flavour::Cs),
    };
    let libraries = if how == How::Original {
        original_dir(flavour)
    } else {
        output_dir()
    };
    // A file of its own for each run: several build the same program at the same time.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let executable = scratch("roads").join(format!("{program}-{}-{count}", std::process::id()));
    cc(
        &format!("tests/c/roads/{program}.c"),
        flavour,
        &include_dir(),
        &libraries,
        &executable,
    );
    let mut command = if how == How::Memcheck {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args([
                "-q",
                "--error-exitcode=99",
                "--leak-check=full",
                "--show-leak-kinds=definite,indirect,possible",
                "--errors-for-leak-kinds=definite,indirect,possible",
                "--num-callers=30",
                "--fair-sched=yes",
            ])
            .arg(format!(
                "--suppressions={}",
                root().join("tests/c/stress/valgrind.supp").display()
            ))
            .arg(&executable);
        valgrind
    } else {
        Command::new(&executable)
    };
    let mut child = command
        .env("LD_LIBRARY_PATH", libraries)
        .env_remove("MQTT_C_CLIENT_TRACE")
        // The original takes a proxy from there for each connection.
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("MQTT_C_CLIENT_TRACE_LEVEL")
        .env_remove("PAHO_C_CLIENT_USE_HTTP_PROXY")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    // Client identifiers and topics are the names, made unique.
    let mut lines = String::new();
    for road in roads {
        let (name, line) = (&road.name, &road.line);
        let _ = writeln!(
            lines,
            "name={name}/{api:?}{version}{how:?}\tversion={version}\t{line}"
        );
    }
    // Less than a pipe holds, or the program reads while we write.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    // The program's waits are bounded, so it ends.
    let output = child.wait_with_output().unwrap();
    let _ = fs::remove_file(&executable);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{program} with version {version}, {how:?}: {}\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let outcomes: Vec<_> = printed.lines().map(Outcome::parse).collect();
    assert_eq!(outcomes.len(), roads.len(), "{printed}");
    outcomes
}
