//! One run of one program: started, timed out, checked.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::scenario::{Kind, Program, Scenario, Server};
use crate::server::{Running, Values, parse};

/// Longer than any run should take.
const PATIENCE: Duration = Duration::from_secs(90);

/// One that takes part.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    pub kind: Kind,
    /// Where its libraries are; none for a bare socket.
    pub libraries: Option<PathBuf>,
}

/// The figures, or what went wrong.
pub type Outcome = Result<Values, String>;

/// Runs a scenario once with a candidate.
pub fn run(scenario: &Scenario, candidate: &Candidate, build: &Path) -> Outcome {
    attempt(scenario, candidate, build).unwrap_or_else(|error| Err(error.to_string()))
}

fn attempt(scenario: &Scenario, candidate: &Candidate, build: &Path) -> io::Result<Outcome> {
    let server = Running::start(scenario.server, build)?;
    let mut command = command(scenario, candidate, build)?;
    if scenario.program == Program::Load {
        let library = library(candidate);
        command.arg(format!("library={}", library.display()));
    } else {
        command.arg(format!("uri={}", server.uri(scenario.server)));
    }
    let finished = output(&mut command);
    let sink = server.stop()?;
    let Some((text, complaint)) = finished? else {
        return Ok(Err(format!("not finished after {} s", PATIENCE.as_secs())));
    };
    if !complaint.is_empty() {
        return Ok(Err(complaint));
    }
    let mut values = parse(&text);
    if scenario.program == Program::Load {
        let size = fs::metadata(library(candidate))?.len();
        #[allow(clippy::cast_precision_loss, reason = "sizes of files are small")]
        values.insert("file_kib".into(), size as f64 / 1024.0);
        return Ok(Ok(values));
    }
    derive(&mut values, sink.as_ref());
    Ok(check(&values, sink.as_ref()).map(|()| values))
}

fn command(scenario: &Scenario, candidate: &Candidate, build: &Path) -> io::Result<Command> {
    let (program, args) = match (candidate.kind, scenario.other_way) {
        (Kind::OtherWay, Some(other)) => other,
        _ => (scenario.program, scenario.args),
    };
    let program = match (program, candidate.kind) {
        (Program::Load, _) => "load",
        (_, Kind::Mosquitto) => "mosq",
        (_, Kind::Raw) => "raw",
        (Program::Events, _) => "oxide",
        (Program::Async, _) => "async",
        (Program::Blocking, _) => "client",
    };
    let mut command = Command::new(build.join(program));
    command
        .args(args.split(' '))
        .arg(format!("n={}", scenario.count(candidate.kind)));
    if let Some(libraries) = &candidate.libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    if scenario.server == Server::Tls {
        command.arg(format!("cafile={}", build.join("ca.pem").display()));
    }
    if scenario.store {
        let store = build.join("store");
        if store.exists() {
            fs::remove_dir_all(&store)?;
        }
        fs::create_dir_all(&store)?;
        command.arg(format!("store={}", store.display()));
    }
    Ok(command)
}

fn library(candidate: &Candidate) -> PathBuf {
    let file = match candidate.kind {
        Kind::Mosquitto => "libmosquitto.so.1",
        _ => "libpaho-mqtt3as.so.1",
    };
    candidate
        .libraries
        .as_deref()
        .unwrap_or(Path::new(""))
        .join(file)
}

/// Runs to the end: what it printed, and what it complained of. None: it did not end.
fn output(command: &mut Command) -> io::Result<Option<(String, String)>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the program has no pipes"));
    };
    // A report fits into the pipe, so both can be read one after the other.
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let mut complaint = String::new();
        let read = out
            .read_to_string(&mut text)
            .and_then(|_| err.read_to_string(&mut complaint));
        // Nobody waits any more after a time-out.
        let _ = sender.send(read.map(|_| (text, complaint)));
    });
    let received = receiver.recv_timeout(PATIENCE);
    if received.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    let _ = reader.join();
    let Ok(read) = received else {
        return Ok(None);
    };
    let (text, mut complaint) = read?;
    if !status.success() && complaint.is_empty() {
        complaint = status.to_string();
    }
    Ok(Some((text, complaint.trim().replace('\n', "; "))))
}

/// What follows from the figures: messages a second, processor time a message.
fn derive(values: &mut Values, sink: Option<&Values>) {
    // Two that took turns: the program has reckoned.
    if values.contains_key("cpu_per_message_ratio") {
        return;
    }
    let get = |values: &Values, key: &str| values.get(key).copied();
    let Some(count) = get(values, "sent").or_else(|| get(values, "received")) else {
        return;
    };
    let (Some(start), Some(mut end)) = (get(values, "start_us"), get(values, "end_us")) else {
        return;
    };
    let mut took = end - start;
    if let Some(publish) = get(values, "publish_us") {
        took = publish;
    } else if let Some(sink) = sink {
        // A message of QoS 0 is through when it has arrived, not when the library has taken it.
        if get(sink, "received_qos0") == Some(count) && get(values, "received").is_none() {
            end = get(sink, "last_us").unwrap_or(end);
            took = end - start;
        }
    }
    let cpu = get(values, "publish_cpu_us").or_else(|| get(values, "cpu_us"));
    values.insert("rate".into(), count * 1e6 / took.max(1.0));
    if let Some(peak) = get(values, "peak_kib") {
        values.insert("bytes_per_message".into(), peak * 1024.0 / count.max(1.0));
    }
    if let Some(cpu) = cpu {
        values.insert("cpu_per_message".into(), cpu / count.max(1.0));
    }
}

/// Every message, once, unchanged, in order.
fn check(values: &Values, sink: Option<&Values>) -> Result<(), String> {
    let mut faults = Vec::new();
    let mut none = |side: &str, values: &Values, keys: &[&str]| {
        for key in keys {
            match values.get(*key) {
                Some(count) if *count != 0.0 => faults.push(format!("{side}{key}: {count}")),
                _ => {}
            }
        }
    };
    none(
        "",
        values,
        &[
            "altered",
            "missing",
            "misordered",
            "completions_missing",
            "leaked_files",
        ],
    );
    if let Some(sink) = sink {
        none(
            "server: ",
            sink,
            &[
                "altered",
                "missing",
                "misordered",
                "duplicates",
                "protocol_errors",
                "ack_errors",
            ],
        );
        if let (Some(sent), Some(arrived)) = (values.get("sent"), sink.get("received")) {
            if (sent - arrived).abs() >= 1.0 {
                faults.push(format!("{sent} sent, {arrived} arrived"));
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Values, check, derive};

    fn values(pairs: &[(&str, f64)]) -> Values {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), *value))
            .collect()
    }

    #[test]
    fn a_lost_message_is_a_fault() {
        let program = values(&[("sent", 10.0)]);
        let whole = values(&[("received", 10.0), ("misordered", 0.0)]);
        assert_eq!(check(&program, Some(&whole)), Ok(()));
        let lost = values(&[("received", 9.0)]);
        assert!(check(&program, Some(&lost)).is_err());
        let disorder = values(&[("received", 10.0), ("misordered", 1.0)]);
        assert!(check(&program, Some(&disorder)).is_err());
        assert!(check(&values(&[("altered", 1.0)]), None).is_err());
    }

    #[test]
    fn qos_0_ends_with_its_arrival() {
        let mut program = values(&[("sent", 10.0), ("start_us", 0.0), ("end_us", 5.0)]);
        let sink = values(&[("received_qos0", 10.0), ("last_us", 100.0)]);
        derive(&mut program, Some(&sink));
        assert_eq!(program.get("rate"), Some(&100_000.0));
        let mut program = values(&[("sent", 10.0), ("start_us", 0.0), ("end_us", 50.0)]);
        derive(&mut program, Some(&values(&[("received_qos0", 0.0)])));
        assert_eq!(program.get("rate"), Some(&200_000.0));
    }
}
