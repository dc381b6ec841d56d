//! The trace's environment variables, files, levels and callback: each scenario run on the original and on ours.
//!
//! What is compared is what a reader of the trace can count on: the header, the API's functions called and left, packets.
//! The original also traces calls inside itself, which mean nothing here.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::cc::{cc, scratch};
use common::mosquitto::Mosquitto;
use common::output::{Flavour, include_dir, original_dir, output_dir};
use common::process::run;

const LIMIT: Duration = Duration::from_secs(300);

/// The program, linked with either library.
fn programs() -> [(PathBuf, PathBuf); 2] {
    static BUILT: std::sync::LazyLock<[(PathBuf, PathBuf); 2]> = std::sync::LazyLock::new(|| {
        let dir = scratch("trace");
        [
            (original_dir(Flavour::C), "original"),
            (output_dir(), "ours"),
        ]
        .map(|(libraries, whose)| {
            let program = cc(
                "tests/c/trace.c",
                Flavour::C,
                &include_dir(),
                &libraries,
                &dir.join(whose),
            );
            (program, libraries)
        })
    });
    BUILT.clone()
}

/// What one run left: standard output, and the files `trace*` of its directory by name.
#[derive(Debug, PartialEq)]
struct Left {
    stdout: String,
    files: Vec<(String, String)>,
}

fn execute(
    (program, libraries): &(PathBuf, PathBuf),
    environment: &[(&str, &str)],
    actions: &str,
) -> Left {
    let broker = Mosquitto::start(&[]);
    let dir = broker.dir();
    fs::write(dir.join("trace-old"), "what was there before\n").expect("a file can be written");
    let mut command = Command::new(program);
    command
        .arg(broker.uri())
        .args(actions.split_whitespace())
        .env("LD_LIBRARY_PATH", libraries)
        .env_remove("MQTT_C_CLIENT_TRACE")
        // The original takes a proxy from there for each connection.
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("MQTT_C_CLIENT_TRACE_LEVEL")
        .env_remove("MQTT_C_CLIENT_TRACE_MAX_LINES")
        .envs(environment.iter().copied())
        .current_dir(dir);
    let finished = run(command, LIMIT);
    assert!(
        finished.status.success(),
        "{environment:?} {actions}: {}\n{}",
        finished.stdout,
        finished.stderr
    );
    Left {
        stdout: finished.stdout,
        files: trace_files(dir),
    }
}

fn trace_files(dir: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("the directory can be read")
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.starts_with("trace").then(|| {
                let text = fs::read(dir.join(&name)).expect("a trace file can be read");
                (name, String::from_utf8_lossy(&text).into_owned())
            })
        })
        .collect();
    files.sort();
    files
}

/// The time stamp of a line taken off; none where there is none.
fn without_timestamp(line: &str) -> Option<&str> {
    let form = b"dddddddd dddddd.ddd ";
    let stamp = line.as_bytes().get(..form.len())?;
    let fits = stamp.iter().zip(form).all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    });
    fits.then(|| &line[form.len()..])
}

/// A line of the trace as it is compared; none for one that says nothing of the API or of packets.
fn comparable(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("callback ") {
        let (level, line) = rest.split_once(' ')?;
        return comparable(line).map(|line| format!("callback {level} {line}"));
    }
    if line.is_empty() {
        return None;
    }
    let Some(text) = without_timestamp(line) else {
        // The header, without what differs between the libraries; and what the program itself prints.
        let name = ["Product name", "Version", "Build level"]
            .into_iter()
            .find(|name| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(": "))
            });
        return Some(name.unwrap_or(line).to_owned());
    };
    if let Some(call) = text
        .strip_prefix('(')
        .and_then(|text| text.split_once(") "))
    {
        let (thread, call) = call;
        assert!(
            thread.bytes().all(|byte| byte.is_ascii_digit()),
            "no thread: {line}"
        );
        let call = call
            .strip_prefix("(0)")
            .filter(|call| call.starts_with(['<', '>']))?;
        let (function, rest) = call.split_once(':')?;
        let code = rest.split_once(' ').map_or("", |(_, code)| code);
        // Inside itself the original calls some of them by another name.
        let function = function
            .replace("connectAll", "connect")
            .replace("disconnect1", "disconnect");
        // With its last client the original has stopped tracing before it leaves this function.
        let left_out = !function.contains("MQTTClient_") || function == "< MQTTClient_destroy";
        return (!left_out).then(|| format!("{function} {code}"));
    }
    let packet = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    packet
        .starts_with(" traced ")
        .then(|| format!("SOCKET{packet}"))
}

fn comparable_text(text: &str) -> Vec<String> {
    text.lines().filter_map(comparable).collect()
}

/// Runs the actions on both libraries, compares, and gives back what ours left.
fn compare(environment: &[(&str, &str)], actions: &str) -> Left {
    let [original, ours] = programs();
    let expected = execute(&original, environment, actions);
    let got = execute(&ours, environment, actions);
    assert_eq!(
        comparable_text(&got.stdout),
        comparable_text(&expected.stdout),
        "{environment:?} {actions}: standard output, ours left, the original's right"
    );
    let lines = |left: &Left| -> Vec<(String, Vec<String>)> {
        left.files
            .iter()
            .map(|(name, text)| (name.clone(), comparable_text(text)))
            .collect()
    };
    assert_eq!(
        lines(&got),
        lines(&expected),
        "{environment:?} {actions}: files, ours left, the original's right"
    );
    got
}

const FLOW: &str = "create connect publish disconnect destroy";

fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.contains(what)).count()
}

#[test]
fn no_variable_no_trace() {
    let left = compare(&[], FLOW);
    assert_eq!(left.stdout, "create 0\nconnect 0\n");
    compare(
        &[
            ("MQTT_C_CLIENT_TRACE", ""),
            ("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL"),
        ],
        FLOW,
    );
    // A level alone is nobody to write to.
    compare(&[], "level:1 create others destroy");
}

#[test]
fn on_is_standard_output_and_each_level_lets_its_lines_through() {
    for (level, calls, packets) in [
        ("MAXIMUM", true, true),
        ("MEDIUM", true, true),
        ("MINIMUM", true, true),
        ("PROTOCOL", false, true),
        ("ERROR", false, false),
        // Not a level: as if it were not set.
        ("protocol", true, true),
        ("BOGUS", true, true),
    ] {
        let environment = [
            ("MQTT_C_CLIENT_TRACE", "ON"),
            ("MQTT_C_CLIENT_TRACE_LEVEL", level),
        ];
        let left = compare(&environment, FLOW);
        let text = &left.stdout;
        assert_eq!(count(text, "Trace Output"), 1, "{level}");
        assert_eq!(count(text, "MQTTClient_connect") > 0, calls, "{level}");
        assert_eq!(count(text, "-> CONNECT ") > 0, packets, "{level}");
    }
    let left = compare(&[("MQTT_C_CLIENT_TRACE", "ON")], FLOW);
    assert_eq!(count(&left.stdout, "> MQTTClient_connect"), 1);
}

#[test]
fn functions_and_their_codes() {
    let left = compare(
        &[("MQTT_C_CLIENT_TRACE", "ON")],
        "create others connect others disconnect others destroy",
    );
    assert_eq!(count(&left.stdout, "(0)< MQTTClient_setCommandTimeout:"), 6);
    // These tell nothing in the original either.
    for silent in ["strerror", "getVersionInfo"] {
        assert_eq!(count(&left.stdout, silent), 0);
    }
}

#[test]
fn a_file_is_begun_anew() {
    let left = compare(&[("MQTT_C_CLIENT_TRACE", "trace-old")], FLOW);
    assert_eq!(left.stdout, "create 0\nconnect 0\n");
    let (_, text) = &left.files[0];
    assert!(text.starts_with("====="), "{text}");
    assert!(!text.contains("what was there before"), "{text}");
    assert!(text.contains("traced -> CONNECT "), "{text}");
    // Only ON in capitals is no file name.
    let left = compare(&[("MQTT_C_CLIENT_TRACE", "trace-on")], "create destroy");
    assert_eq!(left.files.len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_gives_way_to_standard_output() {
    let left = compare(&[("MQTT_C_CLIENT_TRACE", "no/such/directory")], FLOW);
    assert_eq!(count(&left.stdout, "-> CONNECT "), 1);
}

#[test]
fn a_full_file_is_set_aside_and_two_are_the_most() {
    let publishes = "publish ".repeat(12);
    let actions = format!("create connect {publishes} disconnect destroy");
    for lines in ["1", "2", "9", "10", "16", "0", "-5", "many"] {
        let left = compare(
            &[
                ("MQTT_C_CLIENT_TRACE", "trace-file"),
                ("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL"),
                ("MQTT_C_CLIENT_TRACE_MAX_LINES", lines),
            ],
            &actions,
        );
        let rotated = left.files.iter().any(|(name, _)| name == "trace-file.0");
        assert_eq!(rotated, lines.parse().is_ok_and(|n: i32| n > 0), "{lines}");
    }
}

#[test]
fn a_callback_gets_the_header_only_if_it_was_there_in_time() {
    let before = compare(&[], &format!("callback {FLOW}"));
    assert_eq!(count(&before.stdout, "Trace Output"), 1);
    let after = compare(&[], "create callback connect publish disconnect destroy");
    assert_eq!(count(&after.stdout, "Trace Output"), 0);
    assert_eq!(
        count(&after.stdout, "callback 4 "),
        5,
        "the packets, with their level"
    );
    assert!(count(&after.stdout, "callback 3 ") > 0);
}

#[test]
fn the_level_can_be_set_before_and_after() {
    for actions in [
        format!("callback level:4 {FLOW}"),
        format!("level:4 callback {FLOW}"),
        format!("level:5 callback {FLOW}"),
        format!("level:0 callback {FLOW}"),
        format!("level:7 callback {FLOW}"),
        "create level:4 callback connect publish disconnect destroy".to_owned(),
        "create callback level:4 connect level:5 publish level:4 disconnect destroy".to_owned(),
        "create callback connect no-callback publish callback disconnect destroy".to_owned(),
    ] {
        compare(&[], &actions);
    }
}

#[test]
fn variable_and_callback_together() {
    let left = compare(
        &[
            ("MQTT_C_CLIENT_TRACE", "trace-file"),
            ("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL"),
        ],
        &format!("callback {FLOW}"),
    );
    assert_eq!(count(&left.stdout, "-> CONNECT "), 1);
    assert_eq!(count(&left.files[0].1, "-> CONNECT "), 1);
    // The program's level replaces the variable's for both.
    let left = compare(
        &[
            ("MQTT_C_CLIENT_TRACE", "trace-file"),
            ("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL"),
        ],
        "callback create level:5 connect publish disconnect destroy",
    );
    assert_eq!(count(&left.stdout, "-> CONNECT "), 0);
    assert_eq!(count(&left.files[0].1, "-> CONNECT "), 0);
    // Before the first client too.
    compare(
        &[
            ("MQTT_C_CLIENT_TRACE", "ON"),
            ("MQTT_C_CLIENT_TRACE_LEVEL", "PROTOCOL"),
        ],
        &format!("level:5 {FLOW}"),
    );
    compare(
        &[("MQTT_C_CLIENT_TRACE", "ON")],
        &format!("level:4 callback {FLOW}"),
    );
}
