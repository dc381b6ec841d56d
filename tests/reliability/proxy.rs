//! A TCP proxy between a client and its server that sees everything and may cut, delay or swallow it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

impl Way {
    pub fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// What becomes of bytes that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// One byte after the other, each in a segment of its own.
    Trickle,
    /// So many are passed on, then both connections end: in order, or by a reset.
    Cut {
        after: usize,
        reset: bool,
    },
    /// So many are passed on; from then on nothing is, either way, and the connections stay.
    Swallow {
        after: usize,
    },
}

/// Decides. `connection` counts from 0, `offset` is how many bytes went that way before.
pub trait Observer: Send + Sync + 'static {
    fn see(&self, connection: usize, way: Way, offset: usize, bytes: &[u8]) -> Fate;
}

/// The proxy; ends with its connections when it is dropped.
pub struct Proxy {
    port: u16,
    server: Arc<Mutex<u16>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    ended: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start(server: u16, observer: Arc<dyn Observer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let proxy = Self {
            port: listener.local_addr().expect("bound").port(),
            server: Arc::new(Mutex::new(server)),
            open: Arc::default(),
            ended: Arc::default(),
        };
        let (server, open, ended) = (
            Arc::clone(&proxy.server),
            Arc::clone(&proxy.open),
            Arc::clone(&proxy.ended),
        );
        let count = AtomicUsize::new(0);
        thread::spawn(move || {
            for client in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let to = SocketAddr::from((Ipv4Addr::LOCALHOST, *server.lock().unwrap()));
                let Ok(server) = TcpStream::connect(to) else {
                    continue;
                };
                let connection = count.fetch_add(1, Ordering::Relaxed);
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                open.lock()
                    .unwrap()
                    .extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let hole = Arc::new(AtomicBool::new(false));
                for (from, to, way) in [(&client, &server, Way::Up), (&server, &client, Way::Down)]
                {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (observer, hole) = (Arc::clone(&observer), Arc::clone(&hole));
                    thread::spawn(move || carry(from, to, connection, way, &*observer, &hole));
                }
            }
        });
        proxy
    }

    pub fn uri(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// The server is at another port from now on.
    pub fn redirect(&self, server: u16) {
        *self.server.lock().unwrap() = server;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    connection: usize,
    way: Way,
    observer: &dyn Observer,
    hole: &AtomicBool,
) {
    let mut offset = 0;
    let mut buffer = [0; 16384];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..n];
        if hole.load(Ordering::Relaxed) {
            continue;
        }
        let fate = observer.see(connection, way, offset, bytes);
        offset += n;
        match fate {
            Fate::Pass => {
                if to.write_all(bytes).is_err() {
                    break;
                }
            }
            Fate::Trickle => {
                for byte in bytes {
                    let _ = to.write_all(&[*byte]);
                    thread::sleep(Duration::from_micros(200));
                }
            }
            Fate::Cut { after, reset } => {
                let _ = to.write_all(&bytes[..after]);
                if reset {
                    for stream in [&from, &to] {
                        let _ =
                            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
                    }
                }
                break;
            }
            Fate::Swallow { after } => {
                let _ = to.write_all(&bytes[..after]);
                hole.store(true, Ordering::Relaxed);
            }
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
