//! What the transport tests share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use paho_oxide::client::options::{ConnectOptions, VersionChoice};
use paho_oxide::transport::uri::ServerUri;
use paho_oxide::transport::{ConnectError, Connector, Link};
use rustix::event::{PollFd, PollFlags};
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// Long enough that only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub fn paused_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

pub fn parse(uri: &str) -> ServerUri {
    ServerUri::parse(uri).unwrap()
}

pub fn options() -> ConnectOptions {
    ConnectOptions {
        keep_alive: Duration::from_secs(60),
        clean: true,
        max_inflight: 10,
        will: None,
        username: None,
        password: None,
        connect_timeout: PATIENCE,
        tls: None,
        server_uris: Vec::new(),
        version: VersionChoice::Default,
        reconnect: None,
        properties: paho_oxide::protocol::property::Properties::default(),
        http_headers: Vec::new(),
        http_proxy: None,
        https_proxy: None,
    }
}

pub fn connect_with(
    connector: &Connector,
    uri: &str,
    options: &ConnectOptions,
) -> Result<Link, ConnectError> {
    runtime().block_on(connector.connect(&parse(uri), options, Instant::now() + PATIENCE))
}

fn poll(link: &Link, flags: PollFlags) {
    let mut fds = [PollFd::new(link, flags)];
    let timeout = PATIENCE.try_into().unwrap();
    let ready =
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timeout))).unwrap();
    assert!(ready > 0, "nothing happened in {PATIENCE:?}");
}

/// Waits until there is something to read.
pub fn poll_in(link: &Link) {
    if !link.has_buffered() {
        poll(link, PollFlags::IN);
    }
}

/// Waits until there is room to write.
pub fn poll_out(link: &Link) {
    poll(link, PollFlags::OUT);
}

/// A directory that goes with its owner.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn temp_dir() -> TempDir {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "paho-oxide-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir(&path).unwrap();
    TempDir(path)
}

/// Runs the calling test again in a process with SIGPIPE's default action, where this returns true.
#[expect(unsafe_code, reason = "std has no way to set a signal's disposition")]
pub fn in_child(test: &str) -> bool {
    const MARK: &str = "PAHO_OXIDE_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        // Not the disposition that Rust's runtime set at start.
        // SAFETY: restores the default action; no handler is involved.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    false
}
