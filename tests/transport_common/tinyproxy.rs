//! Servers that are other people's programs, and one of them: a proxy.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::transport_common::{TempDir, temp_dir};

/// A server of the test's own, ended when dropped.
pub struct Server(Child);

impl Server {
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports that were free a moment ago, all different. Should one be taken before its server has it, the server says so
/// and ends, and the caller tries others.
pub fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}

/// A server program, which on Debian may be outside a user's path.
pub fn server_program(name: &str) -> Command {
    let dirs = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
    let path = dirs
        .iter()
        .map(|dir| PathBuf::from(dir).join(name))
        .find(|path| path.is_file());
    Command::new(path.unwrap_or_else(|| PathBuf::from(name)))
}

/// A running tinyproxy.
pub struct Tinyproxy {
    _server: Server,
    pub port: u16,
    _dir: TempDir,
}

impl Tinyproxy {
    /// With further lines of configuration.
    pub fn start(extra: &str) -> Self {
        let dir = temp_dir();
        let path = dir.path().join("tinyproxy.conf");
        for _ in 0..10 {
            let port = free_ports(1)[0];
            let config =
                format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\n{extra}\n");
            fs::write(&path, config).unwrap();
            let child = server_program("tinyproxy")
                .args(["-d", "-c"])
                .arg(&path)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("tinyproxy is installed (apt-get install tinyproxy)");
            let mut server = Server::new(child);
            // It buffers its log, so all there is to see is that it listens.
            while !server.has_ended() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self {
                        _server: server,
                        port,
                        _dir: dir,
                    };
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        panic!("tinyproxy does not start");
    }
}
