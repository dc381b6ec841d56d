//! What the clients connect to: the sink, or the broker mosquitto.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scenario::Server;

/// Figures by their keys.
pub type Values = BTreeMap<String, f64>;

/// Reads "key=value" lines.
pub fn parse(text: &str) -> Values {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .filter_map(|(key, value)| Some((key.to_owned(), value.parse().ok()?)))
        .collect()
}

pub enum Running {
    Sink {
        child: Child,
        input: ChildStdin,
        output: BufReader<ChildStdout>,
        ports: Values,
    },
    Broker {
        child: Child,
        port: u16,
    },
}

impl Running {
    pub fn start(server: Server, build: &Path) -> io::Result<Self> {
        match server {
            Server::Mosquitto => Self::broker(build),
            _ => Self::sink(build),
        }
    }

    fn sink(build: &Path) -> io::Result<Self> {
        let mut child = Command::new(build.join("sink"))
            .arg(build.join("ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the sink has no pipes"));
        };
        let mut output = BufReader::new(output);
        let mut ports = String::new();
        for _ in 0..4 {
            output.read_line(&mut ports)?;
        }
        Ok(Self::Sink {
            child,
            input,
            output,
            ports: parse(&ports),
        })
    }

    fn broker(build: &Path) -> io::Result<Self> {
        // The port is free now, and will hardly be taken before the broker listens on it.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = build.join("mosquitto.conf");
        fs::write(
            &config,
            // Without its limits: what it drops could not be told from what a library loses.
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\nset_tcp_nodelay true\n\
                 max_queued_messages 0\nmax_inflight_messages 0\n"
            ),
        )?;
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .unwrap_or("mosquitto");
        let mut child = Command::new(program)
            .arg("-c")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until || child.try_wait()?.is_some() {
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::other("mosquitto does not listen"));
            }
            // Starting is not measured, and mosquitto does not say when it listens.
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self::Broker { child, port })
    }

    /// Where a client connects to.
    pub fn uri(&self, server: Server) -> String {
        match self {
            Self::Broker { port, .. } => format!("tcp://127.0.0.1:{port}"),
            Self::Sink { ports, .. } => {
                let (scheme, key) = match server {
                    Server::Tls => ("ssl", "tls"),
                    Server::WebSocket => ("ws", "ws"),
                    _ => ("tcp", "tcp"),
                };
                let port = ports.get(key).copied().unwrap_or_default();
                format!("{scheme}://127.0.0.1:{port}")
            }
        }
    }

    /// Ends it; what the sink counted.
    pub fn stop(self) -> io::Result<Option<Values>> {
        match self {
            Self::Broker { mut child, .. } => {
                child.kill()?;
                child.wait()?;
                Ok(None)
            }
            Self::Sink {
                mut child,
                input,
                mut output,
                ..
            } => {
                drop(input);
                let mut text = String::new();
                output.read_to_string(&mut text)?;
                child.wait()?;
                Ok(Some(parse(&text)))
            }
        }
    }
}
