//! A process with a library in it that does what a test tells it: `tests/c/reliability/{async,client}.c`.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::common::cc::{cc, scratch};
use crate::common::output::{Flavour, include_dir, original_dir, output_dir};

/// Long enough that only a failure reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Async,
    Client,
}

impl Api {
    /// The program and the library that it is linked with.
    fn program(self) -> (&'static str, Flavour) {
        match self {
            Self::Async => ("async", Flavour::A),
            Self::Client => ("client", Flavour::C),
        }
    }
}

/// Whose library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Ours,
    Original,
}

impl Whose {
    /// The directory of its library.
    pub fn libraries(self, flavour: Flavour) -> PathBuf {
        match self {
            Self::Ours => output_dir(),
            Self::Original => original_dir(flavour),
        }
    }
}

/// Compiles a program of `tests/c/reliability` for a library, once in a test run.
pub fn program(name: &str, flavour: Flavour, whose: Whose) -> PathBuf {
    static DONE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    // A test that failed here has failed; the list is still right.
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let executable = scratch("reliability").join(format!("{name}-{whose:?}"));
    if !done.contains(&executable) {
        cc(
            &format!("tests/c/reliability/{name}.c"),
            flavour,
            &include_dir(),
            &whose.libraries(flavour),
            &executable,
        );
        done.push(executable.clone());
    }
    executable
}

/// A process under a test's control; killed when it is dropped.
pub struct Puppet {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    events: VecDeque<String>,
    log: Vec<String>,
}

/// Whether one process may trace another here: containers can forbid it, and then there is nothing to test with.
pub fn may_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let allowed = traced.is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("NOT TESTED: strace may not trace here");
    }
    allowed
}

impl Puppet {
    pub fn start(api: Api, whose: Whose) -> Self {
        Self::start_with(api, whose, |_| {})
    }

    /// The same, with the command prepared further.
    pub fn start_with(api: Api, whose: Whose, prepare: impl FnOnce(&mut Command)) -> Self {
        let (name, flavour) = api.program();
        let mut command = Command::new(program(name, flavour, whose));
        prepare(&mut command);
        Self::spawn(command, flavour, whose)
    }

    /// The same on our library, in the hands of another program: `strace` and its arguments, say.
    pub fn start_under(words: &[&str], api: Api) -> Self {
        let whose = Whose::Ours;
        let (name, flavour) = api.program();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program(name, flavour, whose));
        Self::spawn(command, flavour, whose)
    }

    fn spawn(mut command: Command, flavour: Flavour, whose: Whose) -> Self {
        command
            .env("LD_LIBRARY_PATH", whose.libraries(flavour))
            // The original takes a proxy from there for each connection.
            .env_remove("http_proxy")
            .env_remove("https_proxy")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the puppet starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            input,
            lines,
            events: VecDeque::new(),
            log: Vec::new(),
        }
    }

    fn line(&mut self, limit: Duration) -> Option<String> {
        let line = self.lines.recv_timeout(limit).ok()?;
        self.log.push(format!("  {line}"));
        assert!(!line.starts_with("PUPPET:"), "{line}");
        Some(line)
    }

    /// Has a command carried out, and returns what follows its name in the answer.
    pub fn call(&mut self, command: &str) -> String {
        self.log.push(command.to_owned());
        let input = self.input.as_mut().expect("open until it quits");
        input
            .write_all(format!("{command}\n").as_bytes())
            .unwrap_or_else(|error| panic!("{command}: the puppet is gone: {error}"));
        let name = command.split(' ').next().unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(line) = self.line(left) else {
                panic!("no answer to {command}");
            };
            match line.strip_prefix(name) {
                Some("") => return String::new(),
                Some(rest) if rest.starts_with(' ') => return rest[1..].to_owned(),
                // `receive` answers with the message.
                _ if name == "receive" && line.starts_with("message ") => return line,
                _ => self.events.push_back(line),
            }
        }
    }

    /// As [`call`](Self::call); none where the process has ended.
    pub fn try_call(&mut self, command: &str) -> Option<String> {
        self.begin(command)?;
        self.answer(command)
    }

    /// Gives a command without waiting for the answer. None where the process has ended.
    pub fn begin(&mut self, command: &str) -> Option<()> {
        self.log.push(command.to_owned());
        let line = format!("{command}\n");
        self.input.as_mut()?.write_all(line.as_bytes()).ok()
    }

    /// Waits for the answer to a command that was given; none where the process has ended.
    pub fn answer(&mut self, command: &str) -> Option<String> {
        let name = command.split(' ').next().unwrap_or_default();
        loop {
            let line = self.line(PATIENCE)?;
            match line.strip_prefix(name) {
                Some("") => return Some(String::new()),
                Some(rest) if rest.starts_with(' ') => return Some(rest[1..].to_owned()),
                _ => self.events.push_back(line),
            }
        }
    }

    /// Whether the process has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// A command whose answer is a return code and a token: the code must be 0.
    pub fn token(&mut self, command: &str) -> i32 {
        let answer = self.call(command);
        let mut words = answer.split(' ');
        assert_eq!(words.next(), Some("0"), "{command}");
        words
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a token")
    }

    /// A command that must return 0.
    pub fn ok(&mut self, command: &str) {
        let answer = self.call(command);
        assert_eq!(answer.split(' ').next(), Some("0"), "{command}");
    }

    /// The next event.
    pub fn next(&mut self) -> String {
        self.next_within(PATIENCE)
            .unwrap_or_else(|| panic!("no event in {PATIENCE:?}"))
    }

    /// The next event, if one comes in time.
    pub fn next_within(&mut self, limit: Duration) -> Option<String> {
        match self.events.pop_front() {
            Some(event) => Some(event),
            None => self.line(limit),
        }
    }

    /// The first event that begins like this; others are kept. Returns the rest of it.
    pub fn expect(&mut self, start: &str) -> String {
        let found = |line: &String| line == start || line.starts_with(&format!("{start} "));
        let rest = |line: String| line[start.len()..].trim_start().to_owned();
        if let Some(at) = self.events.iter().position(found) {
            return rest(self.events.remove(at).expect("it is there"));
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.line(left) {
                Some(line) if found(&line) => return rest(line),
                Some(line) => self.events.push_back(line),
                None => panic!("no {start} in {PATIENCE:?}"),
            }
        }
    }

    /// Events that have come and that nobody asked for yet. What was said before the last answer is among them.
    pub fn take_events(&mut self) -> Vec<String> {
        self.events.drain(..).collect()
    }

    /// Tokens of `pending`.
    pub fn pending(&mut self) -> Vec<i32> {
        let answer = self.call("pending");
        answer
            .split(' ')
            .skip(2)
            .map(|word| word.parse().expect("a token"))
            .collect()
    }

    /// `counts`: successes, failures, messages, messages out of order.
    pub fn counts(&mut self) -> [i64; 4] {
        let answer = self.call("counts");
        let mut words = answer.split(' ').map(|word| word.parse().expect("a count"));
        std::array::from_fn(|_| words.next().expect("four counts"))
    }

    /// SIGKILL: nothing is cleaned up.
    pub fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Ends the input, upon which the process leaves by `exit`, without destroying its client.
    pub fn end_input(&mut self) {
        drop(self.input.take());
    }

    /// The same, and waits for it.
    pub fn quit(mut self) {
        self.end_input();
        let status = self.child.wait().expect("it is ours");
        assert!(status.success(), "the puppet ended with {status}");
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            while let Ok(line) = self.lines.try_recv() {
                self.log.push(format!("  {line}"));
            }
            let from = self.log.len().saturating_sub(60);
            eprintln!("the puppet's dialogue was\n{}", self.log[from..].join("\n"));
        }
    }
}

/// A directory for stores, removed when the test has succeeded.
pub struct StoreDir(pub PathBuf);

impl StoreDir {
    pub fn new(name: &str) -> Self {
        let path = scratch("reliability").join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a fresh directory");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    /// The one store in it.
    pub fn store(&self) -> PathBuf {
        let mut entries = fs::read_dir(&self.0).expect("it is there");
        let entry = entries.next().expect("one store").expect("readable");
        entry.path()
    }

    /// Names of the records in the one store, sorted; none if there is no store.
    pub fn records(&self) -> Vec<String> {
        let Some(Ok(store)) = fs::read_dir(&self.0).expect("it is there").next() else {
            return Vec::new();
        };
        names(&store.path())
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("readable")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

impl Drop for StoreDir {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
