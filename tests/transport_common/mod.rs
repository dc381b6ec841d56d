//! What the transport tests share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use paho_oxide::options::{ConnectOptions, VersionChoice};
use paho_oxide::transport::resolve::{Resolution, Resolver};
use paho_oxide::transport::uri::ServerUri;
use paho_oxide::transport::{ConnectError, Connector, Input, Link, Want};
use rustix::event::{PollFd, PollFlags};
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// Long enough that only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(100);

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
        extras: None,
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
        network: None,
    }
}

pub fn connect_with(
    connector: &Connector,
    uri: &str,
    options: &ConnectOptions,
) -> Result<Link, ConnectError> {
    runtime().block_on(connector.connect(&parse(uri), options, Instant::now() + PATIENCE))
}

/// Gives each name the same addresses.
pub struct Fixed(pub Vec<SocketAddr>);

impl Resolver for Fixed {
    fn resolve(&self, _host: &str, _port: u16) -> Resolution {
        let addresses = self.0.clone();
        Box::pin(async move { Ok(addresses) })
    }
}

/// Waits until there is something to read.
pub fn poll_in(link: &Link) {
    if !link.has_buffered() {
        let ready = link.poll(false, Some(PATIENCE));
        assert!(ready.readable, "nothing to read in {PATIENCE:?}");
    }
}

/// Waits until there is room to write.
pub fn poll_out(link: &Link) {
    let fd = link.fd().unwrap();
    let mut fds = [PollFd::new(&fd, PollFlags::OUT)];
    let timeout = PATIENCE.try_into().unwrap();
    let ready =
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&timeout))).unwrap();
    assert!(ready > 0, "no room in {PATIENCE:?}");
}

/// Reads once, as a `Read` would: 0 is the end. For peers that are honest: input without payload is no more than one
/// read deals with.
pub fn read(link: &Link, buf: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match link.read(buf)? {
            Input::Bytes(n) => return Ok(n),
            Input::End => return Ok(0),
            Input::Again => assert!(link.has_buffered()),
        }
    }
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

/// Writes all of `bytes` and, meanwhile, hands what arrives to `sink` until `expected` bytes have come.
pub fn pump(link: &Link, mut bytes: &[u8], expected: usize, mut sink: impl FnMut(&[u8])) {
    let mut buf = vec![0; 256 * 1024];
    let mut received = 0;
    while !bytes.is_empty() || link.has_unsent() || received < expected {
        let mut idle = true;
        if !bytes.is_empty() {
            // Uneven pieces, as an engine with many packets would have them.
            let (a, b) = bytes.split_at(bytes.len().min(7));
            match link.write(&[IoSlice::new(a), IoSlice::new(b)]) {
                Ok(n) => {
                    bytes = &bytes[n..];
                    idle &= n == 0;
                }
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock, "{e}"),
            }
        } else if link.has_unsent() {
            match link.flush() {
                Ok(()) => idle = false,
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock, "{e}"),
            }
        }
        if received < expected {
            match read(link, &mut buf) {
                Ok(n) => {
                    assert_ne!(n, 0, "end of stream after {received} of {expected} bytes");
                    sink(&buf[..n]);
                    received += n;
                    idle = false;
                }
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock, "{e}"),
            }
        }
        if idle && !(received < expected && link.has_buffered()) {
            let writes = !bytes.is_empty() || link.has_unsent();
            if received < expected {
                let ready = link.poll(
                    writes && link.wants().write != Want::Readable,
                    Some(PATIENCE),
                );
                assert!(
                    ready.readable || ready.writable,
                    "nothing happened in {PATIENCE:?}"
                );
            } else {
                poll_out(link);
            }
        }
    }
    assert_eq!(received, expected);
}

/// Reads exactly `expected` bytes.
pub fn receive(link: &Link, expected: usize) -> Vec<u8> {
    let mut all = Vec::new();
    pump(link, &[], expected, |bytes| all.extend_from_slice(bytes));
    all
}

/// Reads until the end of the stream or an error.
pub fn receive_end(link: &Link) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buf = [0; 4096];
    loop {
        match read(link, &mut buf) {
            Ok(0) => return Ok(all),
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => poll_in(link),
            Err(e) => return Err(e),
        }
    }
}

/// Bytes whose order shows.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect()
}

/// Speaks just enough MQTT 3.1.1 to see that a real server is at the other end.
pub fn mqtt_connect(link: &Link) {
    pump(
        link,
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t",
        0,
        |_| (),
    );
    assert_eq!(receive(link, 4), b"\x20\x02\x00\x00");
}

/// Reads byte by byte, so that most are never in the socket when asked for: the layer has to say that it holds them.
pub fn receive_bytewise(link: &Link, expected: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < expected {
        let mut byte = [0];
        match read(link, &mut byte) {
            Ok(1) => all.push(byte[0]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            other => panic!("{other:?}"),
        }
        if all.len() < expected {
            poll_in(link);
        }
    }
    // Nor may it claim to hold what it does not: that would make an engine spin.
    let rest = read(link, &mut [0]);
    assert_eq!(rest.unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(!link.has_buffered());
    all
}
