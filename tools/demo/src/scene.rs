//! One scene: a subscriber, some publishers, and what each of them said and sent, told line by line as it happens.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long any one step may take before the scene is given up.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// How a subscriber is asked to end.
#[derive(Clone, Copy)]
pub enum End {
    /// By a Q on its standard input.
    Quit,
    /// By SIGINT.
    Interrupt,
}

/// A subscriber and the programs that publish to it, each with its arguments; every publisher sends `message` once.
pub struct Scene {
    pub title: &'static str,
    pub subscriber: Vec<String>,
    pub publishers: Vec<Vec<String>>,
    pub message: &'static str,
    pub end: End,
}

impl Scene {
    /// Plays the scene with the programs in `directory`; an error says what did not happen.
    pub fn play(&self, directory: &Path) -> Result<(), String> {
        let mut stage = Stage::new(directory);
        let subscriber = stage.enter("subscriber", &self.subscriber)?;
        stage.wait(subscriber, "the acknowledgement of its subscription", |p| {
            p.packets
                .iter()
                .any(|packet| packet.starts_with("<- SUBACK"))
        })?;
        for publisher in &self.publishers {
            let publisher = stage.enter("publisher", publisher)?;
            stage.finish(publisher)?;
        }
        let expected = self.publishers.len();
        stage.wait(subscriber, "the published messages", |p| {
            let arrived = |packet: &&String| {
                packet.starts_with("<- PUBLISH") && packet.contains(self.message)
            };
            p.packets.iter().filter(arrived).count() >= expected
        })?;
        stage.ask_to_end(subscriber, self.end)?;
        stage.finish(subscriber)?;

        // The trace shows that the packets came; the program itself must have been handed each message too.
        let printed = stage.programs[subscriber]
            .said
            .matches(self.message)
            .count();
        if printed < expected {
            return Err(format!(
                "{expected} messages sent, but {} printed {printed}",
                self.subscriber[0]
            ));
        }
        println!("   => {expected} sent, {expected} arrived");
        Ok(())
    }
}

/// What the reader threads report.
enum Event {
    Line(usize, String),
    /// One of a program's two output streams has ended.
    EndOfStream(usize),
}

struct Program {
    role: &'static str,
    name: String,
    child: Child,
    open_streams: u32,
    in_trace_header: bool,
    /// Packets of the protocol trace, from the arrow on.
    packets: Vec<String>,
    /// Everything else it printed.
    said: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only a scene that was given up leaves one running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Stage<'a> {
    directory: &'a Path,
    programs: Vec<Program>,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl<'a> Stage<'a> {
    fn new(directory: &'a Path) -> Self {
        let (sender, events) = mpsc::channel();
        Self {
            directory,
            programs: Vec::new(),
            sender,
            events,
        }
    }

    /// Starts a program with its trace on; gives its number on this stage.
    fn enter(&mut self, role: &'static str, command: &[String]) -> Result<usize, String> {
        let number = self.programs.len();
        let (name, arguments) = command.split_first().ok_or("a command without a program")?;
        println!("   {role:<10}  $ {}", as_typed(command));
        let mut child = Command::new(self.directory.join(name))
            .args(arguments)
            .env("MQTT_C_CLIENT_TRACE", "ON")
            .env("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{name}: {e}"))?;
        self.listen(number, child.stdout.take());
        self.listen(number, child.stderr.take());
        self.programs.push(Program {
            role,
            name: name.clone(),
            child,
            open_streams: 2,
            in_trace_header: false,
            packets: Vec::new(),
            said: String::new(),
        });
        Ok(number)
    }

    fn listen(&self, number: usize, stream: Option<impl Read + Send + 'static>) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            if let Some(stream) = stream {
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if sender.send(Event::Line(number, line)).is_err() {
                        return;
                    }
                }
            }
            let _ = sender.send(Event::EndOfStream(number));
        });
    }

    /// Tells what happens until `done` holds for a program; an error when that program ends first, or time is up.
    fn wait(
        &mut self,
        number: usize,
        what: &str,
        done: impl Fn(&Program) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        while !done(&self.programs[number]) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.tell(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let name = &self.programs[number].name;
                    return Err(format!("{name} waited {STEP_TIMEOUT:?} in vain for {what}"));
                }
            }
            let program = &self.programs[number];
            if program.open_streams == 0 && !done(program) {
                return Err(format!("{} ended without {what}", program.name));
            }
        }
        Ok(())
    }

    /// Waits for a program's end, which must be a success.
    fn finish(&mut self, number: usize) -> Result<(), String> {
        self.wait(number, "its end", |p| p.open_streams == 0)?;
        let program = &mut self.programs[number];
        let status: ExitStatus = program
            .child
            .wait()
            .map_err(|e| format!("{}: {e}", program.name))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{}: {status}", program.name))
        }
    }

    fn ask_to_end(&mut self, number: usize, end: End) -> Result<(), String> {
        let program = &mut self.programs[number];
        let asked = match end {
            End::Quit => match &mut program.child.stdin {
                Some(input) => input.write_all(b"Q\n"),
                None => Ok(()),
            },
            End::Interrupt => {
                kill_process(Pid::from_child(&program.child), Signal::INT).map_err(Into::into)
            }
        };
        asked.map_err(|e| format!("{}: {e}", program.name))
    }

    fn tell(&mut self, event: Event) {
        let (number, line) = match event {
            Event::EndOfStream(number) => {
                self.programs[number].open_streams -= 1;
                return;
            }
            Event::Line(number, line) => (number, line),
        };
        let program = &mut self.programs[number];
        let role = program.role;
        // The trace begins with facts about the library, between two rules of equals signs.
        if line.starts_with("=====") {
            program.in_trace_header = !program.in_trace_header;
        } else if program.in_trace_header {
        } else if let Some(entry) = trace_entry(&line) {
            let Some(packet) = packet(entry) else { return };
            let arrow = if packet.starts_with("->") {
                "-->"
            } else {
                "<--"
            };
            println!("   {role:<10} {arrow} {}", &packet[3..]);
            program.packets.push(packet.to_owned());
        } else if !line.trim().is_empty() {
            println!("   {role:<10}  \" {line}");
            program.said.push_str(&line);
            program.said.push('\n');
        }
    }
}

/// A command as one would type it.
fn as_typed(command: &[String]) -> String {
    let quoted = command.iter().map(|word| {
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// What follows the time stamp (`20240131 235959.999 `) of a line of the trace; `None` for other lines.
fn trace_entry(line: &str) -> Option<&str> {
    const STAMP: &[u8] = b"00000000 000000.000 ";
    let stamp = line.as_bytes().get(..STAMP.len())?;
    let fits =
        |(&byte, &shape): (&u8, &u8)| byte == shape || (shape == b'0' && byte.is_ascii_digit());
    stamp
        .iter()
        .zip(STAMP)
        .all(fits)
        .then(|| &line[STAMP.len()..])
}

/// The packet in a line of the trace, from its arrow on: `-> CONNECT ...` of `3 client -> CONNECT ...`.
fn packet(entry: &str) -> Option<&str> {
    let sent = entry.find(" -> ");
    let received = entry.find(" <- ");
    let arrow = match (sent, received) {
        // The first one: a payload may hold the other.
        (Some(a), Some(b)) => a.min(b),
        (one, other) => one.or(other)?,
    };
    Some(&entry[arrow + 1..])
}

#[cfg(test)]
mod tests {
    use super::{packet, trace_entry};

    #[test]
    fn packets_are_told_from_other_output() {
        let entry =
            trace_entry("20240131 235959.999 3 me -> PUBLISH qos: 0 payload len(4): a <- b");
        assert_eq!(
            entry.and_then(packet),
            Some("-> PUBLISH qos: 0 payload len(4): a <- b")
        );
        assert_eq!(trace_entry("20240131 Message -> arrived"), None);
        assert_eq!(trace_entry("Hello"), None);
        assert_eq!(packet("Connecting to serverURI localhost:1883"), None);
    }
}
