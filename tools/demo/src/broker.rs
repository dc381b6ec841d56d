//! The broker of the demonstration: mosquitto where it is installed, else the one in `tools/demo-broker`.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a broker may take until it accepts connections.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// The port is picked free, then given to mosquitto: in between another process may take it. So often we pick again.
const PORT_ATTEMPTS: u32 = 5;

/// Which broker is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// mosquitto where it is installed, else the embedded one.
    Auto,
    Mosquitto,
    Embedded,
}

/// A running broker, ended with this value.
pub struct Broker {
    child: Child,
    name: &'static str,
    port: u16,
    configuration: Option<PathBuf>,
}

impl Broker {
    pub fn start(kind: Kind) -> Result<Self, String> {
        match (kind, find_mosquitto()) {
            (Kind::Auto | Kind::Mosquitto, Some(program)) => start_mosquitto(&program),
            (Kind::Mosquitto, None) => Err("mosquitto is not installed".into()),
            (Kind::Auto | Kind::Embedded, _) => start_embedded(),
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn uri(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(file) = &self.configuration {
            let _ = fs::remove_file(file);
        }
    }
}

/// Debian puts mosquitto where only root's PATH looks.
fn find_mosquitto() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(sbin)
        .map(|directory| directory.join("mosquitto"))
        .find(|file| file.is_file())
}

fn start_mosquitto(program: &Path) -> Result<Broker, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", program.display());
    for _ in 0..PORT_ATTEMPTS {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(failed)?
            .port();
        let (configuration, mut file) = new_file()?;
        // A file, because the command line could name the port but not the address: this one is for loopback alone.
        write!(
            file,
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        )
        .map_err(failed)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut broker = Broker {
            child,
            name: "mosquitto",
            port,
            configuration: Some(configuration),
        };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = broker.child.try_wait().map_err(failed)? {
                let said = broker
                    .child
                    .stderr
                    .take()
                    .map(last_line)
                    .unwrap_or_default();
                if said.contains("in use") {
                    break;
                }
                return Err(format!("mosquitto ended with {status}: {said}"));
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                // From here on its log is only drained, lest it block on a full pipe.
                if let Some(log) = broker.child.stderr.take() {
                    thread::spawn(move || last_line(log));
                }
                return Ok(broker);
            }
            if Instant::now() > deadline {
                return Err("mosquitto does not accept connections".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    Err("found no free port for mosquitto".into())
}

/// A new file in the temporary directory, under a name that nobody else has.
fn new_file() -> Result<(PathBuf, fs::File), String> {
    for number in 0.. {
        let name = format!("paho-demo-{}-{number}.conf", std::process::id());
        let path = env::temp_dir().join(name);
        match fs::File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(format!("{}: {e}", path.display())),
        }
    }
    unreachable!("an unbounded range ended")
}

fn last_line(log: ChildStderr) -> String {
    BufReader::new(log)
        .lines()
        .map_while(Result::ok)
        .last()
        .unwrap_or_default()
}

fn start_embedded() -> Result<Broker, String> {
    println!("Building the embedded broker (the first time takes a minute or two) ...");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args([
            "build",
            "--profile",
            "tools",
            "--locked",
            "-p",
            "paho-demo-broker",
        ])
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("the embedded broker could not be built".into());
    }
    // Both tools are members of one workspace and built with one profile, hence neighbours.
    let program = env::current_exe()
        .map_err(|e| e.to_string())?
        .with_file_name("paho-demo-broker");
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        let _ = BufReader::new(output).read_line(&mut line);
    }
    let port = line
        .trim()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    let broker = Broker {
        child,
        name: "the embedded rumqttd",
        port: port.unwrap_or_default(),
        configuration: None,
    };
    if port.is_none() {
        return Err("the embedded broker did not start".into());
    }
    Ok(broker)
}
