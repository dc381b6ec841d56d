//! The README's programs and commands, taken out of it and run on the built library against a broker.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long mosquitto may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(120);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output() -> PathBuf {
    let directory =
        env::var_os("PAHO_OXIDE_OUTPUT").map_or_else(|| root().join("build/output"), PathBuf::from);
    assert!(
        directory.join("libpaho-mqtt3c.so").exists(),
        "{} holds no libraries: run `make` first, or `make test`",
        directory.display()
    );
    directory
}

/// The one code block of the README in this language which contains `mark`.
fn snippet(language: &str, mark: &str) -> String {
    snippet_of("README.md", language, mark)
}

/// The one code block of that page in this language which contains `mark`.
fn snippet_of(page: &str, language: &str, mark: &str) -> String {
    let readme = fs::read_to_string(root().join(page)).unwrap();
    let opening = format!("```{language}\n");
    let blocks: Vec<_> = readme
        .split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .filter(|block| block.contains(mark))
        .collect();
    assert_eq!(blocks.len(), 1, "{language} blocks with {mark}");
    blocks[0].to_owned()
}

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn run(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{command:?}: {}\n{stdout}\n{stderr}",
        done.status
    );
    stdout
}

/// mosquitto on a free loopback port, ended with this value.
struct Broker(Child, u16);

impl Broker {
    fn start(directory: &Path) -> Self {
        let sbin = Path::new("/usr/sbin/mosquitto");
        let program = if sbin.exists() {
            sbin
        } else {
            Path::new("mosquitto")
        };
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let file = directory.join("mosquitto.conf");
            fs::write(
                &file,
                format!("listener {port} 127.0.0.1\nallow_anonymous true\n"),
            )
            .unwrap();
            let child = Command::new(program)
                .arg("-c")
                .arg(file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|e| panic!("mosquitto: {e} (`make deps` installs it)"));
            let mut broker = Broker(child, port);
            let deadline = Instant::now() + START_TIMEOUT;
            // When it ends at once, another process took the port in between: the next port then.
            while broker.0.try_wait().unwrap().is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return broker;
                }
                assert!(
                    Instant::now() < deadline,
                    "mosquitto does not accept connections"
                );
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn uri(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.1)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn c_program_publishes() {
    let directory = scratch("readme-c");
    let broker = Broker::start(&directory);
    let program = snippet("c", "int main").replace("tcp://localhost:1883", &broker.uri());
    fs::write(directory.join("greeter.c"), program).unwrap();
    run(
        Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .current_dir(&directory)
            .args([
                "-std=c99",
                "-Wall",
                "-Wextra",
                "-Werror",
                "greeter.c",
                "-o",
                "greeter",
            ])
            .arg(format!("-I{}", root().join("include").display()))
            .arg(format!("-L{}", output().display()))
            .arg("-lpaho-mqtt3c"),
    );
    run(Command::new(directory.join("greeter")).env("LD_LIBRARY_PATH", output()));
}

#[test]
fn python_program_receives_what_it_publishes() {
    let directory = scratch("readme-python");
    let broker = Broker::start(&directory);
    fs::write(
        directory.join("receive.py"),
        snippet_of("docs/python-ctypes.md", "python", "CDLL"),
    )
    .unwrap();
    let printed = run(Command::new("python3")
        .arg(directory.join("receive.py"))
        .arg(broker.uri())
        .env("LD_LIBRARY_PATH", output()));
    assert_eq!(printed, "greeting/python hello\n");
}

#[test]
fn go_program_receives_what_it_publishes() {
    let directory = scratch("readme-go");
    let broker = Broker::start(&directory);
    fs::write(directory.join("receive.go"), snippet("go", "import \"C\"")).unwrap();
    let printed = run(Command::new("go")
        .current_dir(&directory)
        .args(["run", "receive.go"])
        .arg(broker.uri())
        .env("CGO_ENABLED", "1")
        .env(
            "CGO_CFLAGS",
            format!("-I{}", root().join("include").display()),
        )
        .env("CGO_LDFLAGS", format!("-L{}", output().display()))
        .env("GOCACHE", directory.join("cache"))
        .env("LD_LIBRARY_PATH", output()));
    assert_eq!(printed, "greeting/go hello\n");
}

/// The ports that the README's commands name.
const PORTS: [&str; 7] = ["1883", "8883", "8884", "8885", "8083", "8084", "8888"];

/// The text with free ports in place of those. Each stands for itself only where no digit is beside it.
fn with_ports(text: &str, ports: &[u16; PORTS.len()]) -> String {
    let mut words: Vec<String> = text
        .split_inclusive(|c: char| !c.is_ascii_digit())
        .map(str::to_owned)
        .collect();
    for word in &mut words {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        if let Some(which) = PORTS.iter().position(|port| *port == digits) {
            *word = word.replace(digits, &ports[which].to_string());
        }
    }
    words.concat()
}

/// Different free ports; each listener is there until all are found.
fn free_ports() -> [u16; PORTS.len()] {
    let listeners = PORTS.map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A program that runs until this value goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell in that directory which finds the samples and the programs of administrators.
fn shell(directory: &Path, command: &str) -> Command {
    let path = env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .current_dir(directory)
        .args(["-c", command])
        .env("PATH", format!("{}:{path}:/usr/sbin", output().display()))
        .stdin(Stdio::null());
    shell
}

/// Starts what the README has started in terminals of their own, and returns when all of it accepts connections; None
/// where one ended because somebody else took its port meanwhile.
fn start_servers(directory: &Path, ports: &[u16; PORTS.len()]) -> Option<Vec<Running>> {
    let start = |command| {
        let log = fs::File::create(directory.join("servers.log")).unwrap();
        let child = shell(directory, command)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Running(child.unwrap())
    };
    let mut servers = vec![
        start("exec mosquitto -c mosquitto.conf"),
        start("exec tinyproxy -d -c tinyproxy.conf"),
    ];
    let deadline = Instant::now() + START_TIMEOUT;
    for port in ports {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_err() {
            if servers
                .iter_mut()
                .any(|server| server.0.try_wait().unwrap().is_some())
            {
                return None;
            }
            assert!(Instant::now() < deadline, "nobody accepts at port {port}");
            thread::sleep(Duration::from_millis(10));
        }
    }
    Some(servers)
}

#[test]
fn every_road_leads_to_the_broker() {
    let directory = scratch("readme-roads");
    let setup = snippet("sh", "mosquitto.conf");
    let (ports, _servers) = (0..10)
        .find_map(|_| {
            let ports = free_ports();
            run(&mut shell(&directory, &with_ports(&setup, &ports)));
            Some((ports, start_servers(&directory, &ports)?))
        })
        .expect("broker and proxy start");
    let roads = with_ports(&snippet("console", "plain TCP"), &ports);
    let mut lines = roads.lines();

    let subscribe = lines.next().and_then(|line| line.strip_prefix("$ "));
    let subscribe = subscribe
        .and_then(|line| line.strip_suffix(" &"))
        .expect("first a subscriber");
    // Verbose, it says when it has subscribed.
    let mut subscriber = shell(&directory, &format!("exec {subscribe} -v 2>&1"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, printed) = mpsc::channel();
    let stdout = BufReader::new(subscriber.stdout.take().unwrap());
    let _subscriber = Running(subscriber);
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let next = || {
        printed
            .recv_timeout(START_TIMEOUT)
            .expect("the subscriber prints")
    };
    while !next().starts_with("Subscribed") {}

    let mut count = 0;
    while let Some(command) = lines.next() {
        let command = command.strip_prefix("$ ").expect("a command");
        run(&mut shell(&directory, command));
        let line = next();
        let message = line.split_once('\t').map_or(&line[..], |(_, text)| text);
        assert_eq!(Some(message), lines.next(), "{command}");
        count += 1;
    }
    assert!(count >= 10, "{count} roads");

    let failures = with_ports(&snippet("console", "MQTTAsync_connect failed"), &ports);
    let mut lines = failures.lines();
    while let Some(command) = lines.next() {
        let command = command.strip_prefix("$ ").expect("a command");
        let done = shell(&directory, &format!("{{ {command}; }} 2>&1"))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(Some(printed.trim_end()), lines.next(), "{command}");
    }
}
