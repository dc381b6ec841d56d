//! Running a program to its end, within a time.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a program left behind.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the command until it ends, and ends it (by its own process id) when it has not done so within `limit`.
///
/// # Panics
/// When the program cannot be started or does not end in time; what it printed is in the message.
pub fn run(mut command: Command, limit: Duration) -> Finished {
    let what = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
    let stdout = drain(child.stdout.take().expect("stdout is piped"));
    let stderr = drain(child.stderr.take().expect("stderr is piped"));

    // The pipes end when the program does: no polling.
    let Ok(out) = stdout.recv_timeout(limit) else {
        let _ = child.kill();
        let _ = child.wait();
        let printed = stdout
            .recv_timeout(Duration::from_secs(5))
            .unwrap_or_default();
        panic!(
            "{what} did not end within {limit:?}; it had printed:\n{}",
            String::from_utf8_lossy(&printed)
        );
    };
    let err = stderr.recv_timeout(limit).unwrap_or_default();
    let status = child
        .wait()
        .unwrap_or_else(|error| panic!("cannot wait for {what}: {error}"));
    Finished {
        status,
        stdout: String::from_utf8_lossy(&out).into_owned(),
        stderr: String::from_utf8_lossy(&err).into_owned(),
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}
