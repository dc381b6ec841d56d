//! Programs as a distribution built them, on either library: where they are, how they are started, and what they say meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::mosquitto::Mosquitto;
use crate::common::output::{Flavour, original_dir, output_dir};
use crate::common::process::{Finished, run};

/// How long to wait for something that is certain to come.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Whose library a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    Ours,
    Original,
}

impl Library {
    pub const BOTH: [Self; 2] = [Self::Ours, Self::Original];

    /// The directory for `LD_LIBRARY_PATH`.
    pub fn dir(self) -> PathBuf {
        match self {
            Self::Ours => output_dir(),
            Self::Original => original_dir(Flavour::A),
        }
    }
}

/// The distribution's program of that name.
pub fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/bin").join(name);
    assert!(
        path.is_file(),
        "{} is not there (apt-get install paho.mqtt.c-examples)",
        path.display()
    );
    path
}

/// A command that runs on that library.
pub fn on(library: Library, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("LD_LIBRARY_PATH", library.dir())
        .env_remove("MQTT_C_CLIENT_TRACE")
        // The original takes a proxy from there for each connection.
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("MQTT_C_CLIENT_TRACE_LEVEL");
    command
}

/// Runs a command to its end, which has to be a good one.
pub fn finish(command: Command) -> Finished {
    let what = format!("{command:?}");
    let finished = run(command, PATIENCE);
    assert!(
        finished.status.success(),
        "{what} ended with {}:\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
    finished
}

/// A program that goes on until it is told to stop.
pub struct Running {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// All that it has printed so far.
    pub printed: Vec<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let what = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // They say "Connected" and the like there.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            what,
            child,
            stdin,
            lines,
            printed: Vec::new(),
        }
    }

    /// Waits until it has printed a line that contains the text.
    pub fn await_line(&mut self, text: &str) {
        eprintln!("awaiting {text:?}");
        self.await_that(|line| line.contains(text));
    }

    /// Waits until it has printed such a line.
    pub fn await_that(&mut self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.printed.iter().any(|line| wanted(line)) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed.push(line),
                Err(error) => panic!(
                    "{}: what was waited for is not among ({error}):\n{}",
                    self.what,
                    self.printed.join("\n")
                ),
            }
        }
    }

    /// Fails unless the process has that library's file mapped, and not the other's.
    pub fn assert_mapped(&self, library: Library, flavour: Flavour) {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.child.id()))
            .expect("the process is still there");
        let file = |library: Library| {
            let link = library.dir().join(flavour.soname());
            fs::canonicalize(&link).unwrap_or_else(|error| panic!("{}: {error}", link.display()))
        };
        for other in Library::BOTH {
            let path = file(other);
            let mapped = maps
                .lines()
                .any(|line| line.ends_with(&*path.to_string_lossy()));
            assert_eq!(
                mapped,
                other == library,
                "{}: {} in its maps:\n{maps}",
                self.what,
                path.display()
            );
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is still there");
    }

    pub fn say(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is piped");
        stdin
            .write_all(text.as_bytes())
            .expect("the program still reads");
    }

    /// Waits for its end, which has to be a good one, and gives all that it has printed.
    pub fn end(mut self) -> Vec<String> {
        drop(self.stdin.take());
        // Its output ends when it does.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("{} does not end: {error}", self.what),
            }
        }
        let status = self.child.wait().expect("it is our child");
        assert!(
            status.success(),
            "{} ended with {status}:\n{}",
            self.what,
            self.printed.join("\n")
        );
        std::mem::take(&mut self.printed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the broker's log says that this client has subscribed to this topic. Nothing that the program prints tells.
pub fn await_subscription(broker: &Mosquitto, client_id: &str, topic: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = fs::read_to_string(broker.dir().join("mosquitto.log")).unwrap_or_default();
        let subscribed = log.lines().any(|line| {
            line.split_once(": ")
                .is_some_and(|(_, text)| text.starts_with(client_id) && text.ends_with(topic))
        });
        if subscribed {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{client_id} did not subscribe to {topic}:\n{log}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
