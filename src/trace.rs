//! Trace: what the library does, line by line, to standard output, a file or the program's callback.
//!
//! Environment variables, levels, line formats and file rotation are the original's, since scripts read them:
//!
//! | variable | value |
//! |---|---|
//! | `MQTT_C_CLIENT_TRACE` | `ON` for standard output, or a file name; read when the first client is created |
//! | `MQTT_C_CLIENT_TRACE_LEVEL` | `MAXIMUM`, `MEDIUM`, `MINIMUM` (default), `PROTOCOL` or `ERROR` |
//! | `MQTT_C_CLIENT_TRACE_MAX_LINES` | lines after which a file is renamed to `name.0` and begun anew (default 1000) |
//!
//! While nobody listens a trace point costs one relaxed load. Unlike the original's, the callback may call the API: what
//! is traced while this thread holds a client's lock is written once it has let go ([`Held`]), and what the callback
//! itself provokes on its thread is not traced again.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::os::lock::Mutex;

use crate::os::{self, PerProcess};

/// How much a line matters; a line is written when its level is at least the one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Everything.
    Maximum = 1,
    /// As `Minimum`.
    Medium = 2,
    /// Calls of API functions and what the engine decides. The default.
    Minimum = 3,
    /// Each packet sent and received.
    Protocol = 4,
    /// What failed.
    Error = 5,
    /// What must not happen.
    Severe = 6,
    /// What ends the program.
    Fatal = 7,
}

/// A program's trace callback.
pub type Callback = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// Nothing is written: higher than any level.
const OFF: u8 = u8::MAX;
/// The lowest level that somebody listens to.
static THRESHOLD: AtomicU8 = AtomicU8::new(OFF);
static STARTED: AtomicBool = AtomicBool::new(false);
/// A child of a fork goes on with its parent's level, callback and output, unless another of the parent's threads was
/// using them just then.
static SINKS: PerProcess<Mutex<Sinks>> = PerProcess::new(|previous| {
    let inherited = previous
        .and_then(Mutex::try_lock)
        .map(|sinks| sinks.inherit());
    Mutex::new(inherited.unwrap_or_default())
});

thread_local! {
    /// This thread is inside the callback.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
    /// How many clients' locks this thread holds, and the lines that wait for the last to be released.
    static HOLDING: Cell<u32> = const { Cell::new(0) };
    static HELD: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Lines are held back while this exists. To be dropped after the lock that it goes with.
pub struct Held(());

/// Holds lines back on this thread.
pub fn hold() -> Held {
    HOLDING.set(HOLDING.get() + 1);
    Held(())
}

impl Drop for Held {
    fn drop(&mut self) {
        HOLDING.set(HOLDING.get() - 1);
        if HOLDING.get() == 0 && THRESHOLD.load(Ordering::Relaxed) != OFF {
            for (level, line) in HELD.take() {
                emit(level, &line);
            }
        }
    }
}

struct Sinks {
    /// Of the output and the callback.
    level: u8,
    level_was_set: bool,
    output: Output,
    callback: Option<Callback>,
    /// Those that have a level of their own.
    listeners: Vec<Listener>,
    next_listener: u64,
}

#[derive(Clone)]
struct Listener {
    number: u64,
    level: Level,
    callback: Callback,
}

impl Default for Sinks {
    fn default() -> Self {
        Self {
            level: Level::Minimum as u8,
            level_was_set: false,
            output: Output::None,
            callback: None,
            listeners: Vec::new(),
            next_listener: 0,
        }
    }
}

enum Output {
    None,
    Stdout,
    File(Rotating),
}

/// A trace file that is renamed to `name.0` when it is full, so that there are two at most.
struct Rotating {
    path: PathBuf,
    file: File,
    lines: usize,
    max_lines: usize,
}

impl Rotating {
    const DEFAULT_MAX_LINES: usize = 1000;

    fn write(&mut self, line: &str) {
        // A trace that cannot be written must not stop the program that is traced.
        let _ = writeln!(self.file, "{line}");
        self.lines += 1;
        if self.lines >= self.max_lines {
            let mut old = self.path.clone().into_os_string();
            old.push(".0");
            let _ = std::fs::rename(&self.path, old);
            if let Ok(file) = open(&self.path) {
                self.file = file;
                self.lines = 0;
            }
        }
    }
}

/// Opens a trace file, empty. Only its owner may read it, since packets go through it, and a symbolic link in its place,
/// which may lead to any file of the user's, is not followed.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

impl Sinks {
    /// Returns what a forked child goes on with.
    fn inherit(&self) -> Self {
        let output = match &self.output {
            Output::None => Output::None,
            Output::Stdout => Output::Stdout,
            Output::File(rotating) => match rotating.file.try_clone() {
                Ok(file) => Output::File(Rotating {
                    path: rotating.path.clone(),
                    file,
                    ..*rotating
                }),
                Err(_) => Output::None,
            },
        };
        Self {
            output,
            callback: self.callback.clone(),
            listeners: self.listeners.clone(),
            ..*self
        }
    }

    fn update_threshold(&self) {
        // What happens before the first client is created is not traced, so that the header comes first.
        let listening = STARTED.load(Ordering::Relaxed)
            && (self.callback.is_some() || !matches!(self.output, Output::None));
        let listeners = self.listeners.iter().map(|listener| listener.level as u8);
        let lowest = listeners.chain(listening.then_some(self.level)).min();
        THRESHOLD.store(lowest.unwrap_or(OFF), Ordering::Relaxed);
    }
}

/// Returns true if a line of that level is written.
#[inline]
pub fn enabled(level: Level) -> bool {
    level as u8 >= THRESHOLD.load(Ordering::Relaxed)
}

/// Sets the level; 0 counts as [`Level::Maximum`], one above [`Level::Error`] lets fewer lines through still.
pub fn set_level(level: i32) {
    let mut sinks = SINKS.get().lock();
    sinks.level = u8::try_from(level.clamp(0, 8)).unwrap_or(0);
    sinks.level_was_set = true;
    sinks.update_threshold();
}

/// Sets or removes the callback.
pub fn set_callback(callback: Option<Callback>) {
    let mut sinks = SINKS.get().lock();
    sinks.callback = callback;
    sinks.update_threshold();
}

/// Somebody who listens beside the program's callback, until this is dropped.
pub struct Subscription(u64);

/// Has `callback` called with the lines of that level and above.
pub fn subscribe(
    level: Level,
    callback: impl Fn(Level, &str) + Send + Sync + 'static,
) -> Subscription {
    let mut sinks = SINKS.get().lock();
    sinks.next_listener += 1;
    let number = sinks.next_listener;
    sinks.listeners.push(Listener {
        number,
        level,
        callback: Arc::new(callback),
    });
    sinks.update_threshold();
    Subscription(number)
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut sinks = SINKS.get().lock();
        sinks.listeners.retain(|listener| listener.number != self.0);
        sinks.update_threshold();
    }
}

/// Reads the environment and writes the header, once a process, when the first client is created.
pub fn start(info: impl FnOnce() -> Vec<(&'static str, String)>) {
    if STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let output = output_from_environment();
    let level = os::environment("MQTT_C_CLIENT_TRACE_LEVEL").and_then(|name| {
        Some(match name.to_str()? {
            "MAXIMUM" => Level::Maximum,
            "MEDIUM" => Level::Medium,
            "MINIMUM" => Level::Minimum,
            "PROTOCOL" => Level::Protocol,
            "ERROR" => Level::Error,
            _ => return None,
        })
    });
    {
        let mut sinks = SINKS.get().lock();
        sinks.output = output;
        // What the program has set wins.
        if let (Some(level), false) = (level, sinks.level_was_set) {
            sinks.level = level as u8;
        }
        sinks.update_threshold();
    }
    if THRESHOLD.load(Ordering::Relaxed) == OFF {
        return;
    }
    let rule = "=".repeat(57);
    header(&rule);
    header(&format!("{:19}Trace Output", ""));
    for (name, value) in info() {
        header(&format!("{name}: {value}"));
    }
    if let Ok(version) = std::fs::read_to_string("/proc/version") {
        header(&format!("/proc/version: {version}"));
    }
    header(&rule);
}

fn output_from_environment() -> Output {
    let Some(name) = os::environment("MQTT_C_CLIENT_TRACE").filter(|name| !name.is_empty()) else {
        return Output::None;
    };
    if name == "ON" {
        return Output::Stdout;
    }
    let path = PathBuf::from(name);
    match open(&path) {
        Ok(file) => Output::File(Rotating {
            path,
            file,
            lines: 0,
            max_lines: os::environment("MQTT_C_CLIENT_TRACE_MAX_LINES")
                .and_then(|n| n.to_str()?.parse().ok())
                .filter(|n| *n > 0)
                .unwrap_or(Rotating::DEFAULT_MAX_LINES),
        }),
        Err(_) => Output::Stdout,
    }
}

/// Writes a line with its time stamp. Callers ask [`enabled`] first; the macros below do.
pub fn write(level: Level, text: fmt::Arguments<'_>) {
    raw(level, &format!("{} {text}", timestamp()));
}

/// Writes the entry or the exit of an API function.
pub fn function(entry: bool, name: &str, line: u32, code: Option<i64>) {
    let arrow = if entry { '>' } else { '<' };
    let thread = crate::os::thread_number();
    match code {
        Some(code) => write(
            Level::Minimum,
            format_args!("({thread}) (0){arrow} {name}:{line} ({code})"),
        ),
        None => write(
            Level::Minimum,
            format_args!("({thread}) (0){arrow} {name}:{line}"),
        ),
    }
}

/// Reports a panic that was stopped at the C boundary.
pub fn panic_caught(function: &str, what: &str) {
    if enabled(Level::Severe) {
        write(
            Level::Severe,
            format_args!("internal error in {function}: {what}"),
        );
    }
}

/// Writes a line of the header.
fn header(line: &str) {
    if !IN_CALLBACK.get() {
        emit_to(Level::Minimum, line, true);
    }
}

fn raw(level: Level, line: &str) {
    if IN_CALLBACK.get() {
        return;
    }
    if HOLDING.get() > 0 {
        HELD.with_borrow_mut(|held| held.push((level, line.to_owned())));
    } else {
        emit(level, line);
    }
}

fn emit(level: Level, line: &str) {
    emit_to(level, line, false);
}

/// Works as [`emit`]; the header's lines are written whatever level the program has set, as in the original.
fn emit_to(level: Level, line: &str, header: bool) {
    let _call = os::Uncancellable::new();
    let (callback, listeners) = {
        let mut sinks = SINKS.get().lock();
        let mine = header || level as u8 >= sinks.level;
        match &mut sinks.output {
            Output::Stdout if mine => {
                let mut stdout = std::io::stdout().lock();
                let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
            }
            Output::File(file) if mine => file.write(line),
            Output::None | Output::Stdout | Output::File(_) => {}
        }
        (
            sinks.callback.clone().filter(|_| mine),
            sinks.listeners.clone(),
        )
    };
    let listeners = listeners
        .into_iter()
        .filter(|listener| level >= listener.level)
        .map(|listener| listener.callback);
    for callback in callback.into_iter().chain(listeners) {
        IN_CALLBACK.set(true);
        callback(level, line);
        IN_CALLBACK.set(false);
    }
}

/// Returns the local time as `YYYYMMDD HHMMSS.mmm`.
fn timestamp() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(0);
    let Some(local) = crate::os::local_time::local_time(seconds) else {
        return "00000000 000000.000".to_owned();
    };
    format!(
        "{:04}{:02}{:02} {:02}{:02}{:02}.{:03}",
        local.year(),
        local.month(),
        local.month_day(),
        local.hour(),
        local.minute(),
        local.second(),
        now.subsec_millis()
    )
}

/// A line of a level, its arguments evaluated only while somebody listens.
#[macro_export]
macro_rules! trace {
    ($level:ident, $($arg:tt)*) => {
        if $crate::trace::enabled($crate::trace::Level::$level) {
            $crate::trace::write($crate::trace::Level::$level, format_args!($($arg)*));
        }
    };
}

/// The first bytes of a payload as the trace shows them.
pub struct Excerpt<'a>(pub &'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(20)];
        // As C's "%.*s": up to the first NUL.
        let end = memchr::memchr(0, shown).unwrap_or(shown.len());
        f.write_str(&String::from_utf8_lossy(&shown[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_trace_file_is_its_owners_and_no_link_leads_elsewhere() {
        let folder = std::env::temp_dir().join(format!("paho-trace-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, link, target) = (
            folder.join("trace"),
            folder.join("link"),
            folder.join("target"),
        );
        open(&file).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(open(&link).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"kept");
        let fifo = folder.join("fifo");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::Mode::RUSR.union(rustix::fs::Mode::WUSR),
        )
        .unwrap();
        assert!(
            open(&fifo).is_err(),
            "a FIFO would make the first line wait"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
