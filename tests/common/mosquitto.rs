//! A mosquitto of the test's own, on a free loopback port.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cc::scratch;

/// How long the broker may take to accept. Only a failing run gets there.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running broker; ended, by its own process id, when dropped.
pub struct Mosquitto {
    child: Child,
    port: u16,
    dir: PathBuf,
}

impl Mosquitto {
    /// Starts a broker that takes anonymous clients on a free port of 127.0.0.1, with further lines of configuration.
    ///
    /// # Panics
    /// When mosquitto is not installed or does not accept connections in time.
    pub fn start(config_lines: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "mosquitto-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = scratch(&name);
        // Between finding a free port and the broker taking it, somebody else may: then the broker ends at once, and another port is tried.
        for _ in 0..5 {
            let port = free_port();
            let config = dir.join("mosquitto.conf");
            // Started by root it would become another user, who may not read root's directories.
            let mut text = format!("user root\nlistener {port} 127.0.0.1\n");
            if !config_lines
                .iter()
                .any(|line| line.starts_with("allow_anonymous"))
            {
                text.push_str("allow_anonymous true\n");
            }
            for line in config_lines {
                text.push_str(line);
                text.push('\n');
            }
            fs::write(&config, text).expect("the broker's configuration can be written");
            let mut child = spawn(&dir);
            if accepts(&dir, port, &mut child) {
                return Self { child, port, dir };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = fs::read_to_string(dir.join("mosquitto.log")).unwrap_or_default();
        panic!("mosquitto did not start:\n{log}");
    }

    /// Kills the broker and starts it again on its port.
    ///
    /// # Panics
    /// When it does not accept connections in time.
    pub fn restart(&mut self) {
        let start = Instant::now();
        loop {
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.child = spawn(&self.dir);
            if accepts(&self.dir, self.port, &mut self.child) {
                return;
            }
            // Nobody listens at the port, so for a moment it may be the one from which somebody else connects.
            assert!(
                start.elapsed() < START_LIMIT,
                "mosquitto did not start again"
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `tcp://127.0.0.1:<port>`
    pub fn uri(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// A directory of this broker's own, removed with it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // After a failure the log stays, to be read.
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Starts the broker that is configured in the directory.
fn spawn(dir: &Path) -> Child {
    let log = fs::File::create(dir.join("mosquitto.log")).expect("the broker's log can be created");
    Command::new(executable())
        .arg("-c")
        .arg(dir.join("mosquitto.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log's handle can be copied"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot start mosquitto: {error} (apt-get install mosquitto)")
        })
}

/// mosquitto is a server: on Debian it is in `/usr/sbin`, which is not on every user's path.
fn executable() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|dir| dir.join("mosquitto"))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("mosquitto is not installed (apt-get install mosquitto)"))
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a loopback port is free")
        .port()
}

/// Whether the broker accepts connections before it ends or the time is over. Its log has to say so, too: where it did not get
/// the port, whoever has it may accept connections.
fn accepts(dir: &Path, port: u16, child: &mut Child) -> bool {
    let says_so = || {
        let log = fs::read(dir.join("mosquitto.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).contains(" running\n")
    };
    let start = Instant::now();
    while start.elapsed() < START_LIMIT {
        if child.try_wait().ok().flatten().is_some() {
            return false;
        }
        if says_so() && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        // Nothing tells from outside when a process begins to listen.
        thread::sleep(Duration::from_millis(10));
    }
    false
}
