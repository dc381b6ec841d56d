//! The same C program, run on the original library and on ours, prints the same.
//!
//! The programs are in `tests/c/diff`. Each is compiled against our headers, once for each library it is to be run on, and gets a broker of
//! its own for each run, so that nothing one run leaves behind (a session, a retained message) can show in the other.

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::cc::{cc, scratch};
use common::mosquitto::Mosquitto;
use common::output::{Flavour, include_dir, original_dir, output_dir};
use common::process::{Finished, run};
use common::root;

/// No program takes as long as this, not even under valgrind's eyes.
const LIMIT: Duration = Duration::from_secs(600);

/// How many lines that are the same to show before a difference.
const CONTEXT: usize = 6;

fn execute(
    program: &str,
    executable: &Path,
    libraries: &Path,
    config: &[String],
    mode: Option<&str>,
) -> Finished {
    let lines: Vec<&str> = config.iter().map(String::as_str).collect();
    let broker = Mosquitto::start(&lines);
    let mut command = Command::new(executable);
    command
        .arg(broker.uri())
        .env("LD_LIBRARY_PATH", libraries)
        .env_remove("MQTT_C_CLIENT_TRACE")
        // The original takes a proxy from there for each connection.
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .env_remove("MQTT_C_CLIENT_TRACE_LEVEL")
        .env_remove("DIFF_MODE")
        .current_dir(broker.dir());
    if let Some(mode) = mode {
        command.env("DIFF_MODE", mode);
    }
    if libraries == output_dir() {
        command.env_remove("DIFF_ORIGINAL");
    } else {
        command.env("DIFF_ORIGINAL", "1");
    }
    let finished = run(command, LIMIT);
    assert!(
        finished.status.success(),
        "{program} on {} ended with {}:\n{}\n{}",
        libraries.display(),
        finished.status,
        finished.stdout,
        finished.stderr
    );
    finished
}

/// What differs, `-` for the original and `+` for ours, each difference with a few lines before it; `None` when nothing does.
fn difference(original: &str, ours: &str) -> Option<String> {
    if original == ours {
        return None;
    }
    let (left, right): (Vec<&str>, Vec<&str>) =
        (original.lines().collect(), ours.lines().collect());
    // common[i][j]: the length of the longest common subsequence of left[i..] and right[j..].
    let mut common = vec![vec![0_u32; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut same = Vec::new();
    let mut text = String::new();
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            same.push(left[i]);
            (i, j) = (i + 1, j + 1);
            continue;
        }
        if !same.is_empty() {
            let _ = writeln!(text, "@@ line {}", i + 1);
            for line in &same[same.len().saturating_sub(CONTEXT)..] {
                let _ = writeln!(text, "  {line}");
            }
            same.clear();
        }
        if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(text, "- {}", left[i]);
            i += 1;
        } else {
            let _ = writeln!(text, "+ {}", right[j]);
            j += 1;
        }
    }
    Some(text)
}

fn compare_with(program: &str, flavour: Flavour, config: &[String]) {
    let source = format!("tests/c/diff/{program}.c");
    let (theirs, ours, include) = (original_dir(flavour), output_dir(), include_dir());
    let dir = scratch("differential");
    let name = |whose: &str| dir.join(format!("{program}-{}-{whose}", flavour.link_name()));
    let on_theirs = cc(&source, flavour, &include, &theirs, &name("original"));
    let on_ours = cc(&source, flavour, &include, &ours, &name("ours"));

    let expected = execute(program, &on_theirs, &theirs, config, None).stdout;
    // A program that prints nothing, or gave up waiting, would compare equal and prove nothing.
    assert!(
        expected.lines().count() > 3,
        "{program} printed next to nothing on the original:\n{expected}"
    );
    assert!(
        !expected.contains("waited for"),
        "{program} waited in vain on the original:\n{expected}"
    );
    assert!(
        !expected.contains("KILLED"),
        "{program} crashes the original: see ORIGINAL_CRASHES.md\n{expected}"
    );

    let printed = execute(program, &on_ours, &ours, config, None).stdout;
    if let Some(text) = difference(&expected, &printed) {
        panic!(
            "{program} ({}) prints something else on ours (+) than on the original (-):\n{text}",
            flavour.link_name()
        );
    }
}

fn compare(program: &str, flavour: Flavour) {
    compare_with(program, flavour, &[]);
}

/// The calls that the original does not survive (`ORIGINAL_CRASHES.md`): ours has to come back from each.
fn survives(program: &str, flavour: Flavour) {
    let ours = output_dir();
    let executable =
        scratch("differential").join(format!("{program}-{}-crashers", flavour.link_name()));
    cc(
        &format!("tests/c/diff/{program}.c"),
        flavour,
        &include_dir(),
        &ours,
        &executable,
    );
    let printed = execute(program, &executable, &ours, &[], Some("crashers")).stdout;
    assert!(
        printed.contains('['),
        "{program} has no such case:\n{printed}"
    );
    for bad in ["KILLED", "EXITED", "waited for", "could not run"] {
        assert!(!printed.contains(bad), "{program} on ours:\n{printed}");
    }
    for line in printed
        .lines()
        .filter(|line| line.starts_with("MQTT") && line.contains(" = "))
    {
        // Connecting first, in order to make the call while connected, is the helper's and succeeds.
        let helper = line.starts_with("MQTTAsync_connect(client");
        let refused = line.contains(" = -") || line.contains("reasonCode -");
        assert!(
            refused || helper || tolerated(line),
            "{program}: not an error: {line}\nin\n{printed}"
        );
    }
}

/// Property look-ups in NULL have no error code: nothing found is 0, or NULL as 1.
fn tolerated(line: &str) -> bool {
    [
        "MQTTProperties_hasProperty",
        "MQTTProperties_propertyCount",
        "MQTTProperties_getProperty",
        "MQTTClient_isConnected",
        "MQTTAsync_isConnected",
    ]
    .iter()
    .any(|name| line.starts_with(name))
}

macro_rules! differential {
    ($($test:ident: $program:literal on $flavour:ident;)*) => {
        $(#[test]
        fn $test() {
            compare($program, Flavour::$flavour);
        })*
    };
}

differential! {
    properties: "properties" on C;
    client_names: "names" on C;
    async_names: "names_async" on A;
    client_null_arguments: "client_null" on C;
    async_null_arguments: "async_null" on A;
    client_uris: "client_uri" on C;
    client_uris_with_tls: "client_uri" on Cs;
    async_uris: "async_uri" on A;
    async_uris_with_tls: "async_uri" on As;
    client_connect_options: "client_options" on C;
    async_connect_options: "async_options" on A;
    client_sync_mode: "client_sync" on C;
    client_with_callbacks: "client_async" on C;
    client_version_5: "client_v5" on C;
    async_flows: "async_flow" on A;
    async_version_5: "async_v5" on A;
    client_refusals: "client_refusal" on C;
    async_refusals: "async_refusal" on A;
    client_pending: "client_pending" on C;
    async_pending: "async_pending" on A;
    client_packet_trace: "trace_client" on C;
    client_packet_trace_with_tls: "trace_client" on Cs;
    client_rows: "rows_client" on C;
    async_rows: "rows_async" on A;
    async_rows_of_packets: "rows_async_packets" on A;
    client_store_rows: "rows_store_client" on C;
    async_store_rows: "rows_store_async" on A;
    async_packet_trace: "trace_async" on A;
    async_packet_trace_with_tls: "trace_async" on As;
}

/// A broker that knows one user, alice, and lets her use `open/#` only.
fn with_password() -> Vec<String> {
    let dir = root().join("tests/c/diff");
    vec![
        "allow_anonymous false".to_owned(),
        format!("password_file {}", dir.join("passwords.txt").display()),
        format!("acl_file {}", dir.join("acl.txt").display()),
    ]
}

#[test]
fn client_refused_by_the_server() {
    compare_with("client_refused", Flavour::C, &with_password());
}

#[test]
fn async_refused_by_the_server() {
    compare_with("async_refused", Flavour::A, &with_password());
}

#[test]
fn client_calls_that_crash_the_original() {
    survives("client_null", Flavour::C);
    survives("client_options", Flavour::C);
    survives("properties", Flavour::C);
}

#[test]
fn async_calls_that_crash_the_original() {
    survives("async_null", Flavour::A);
    survives("async_options", Flavour::A);
}

#[test]
fn a_difference_is_seen_and_shown() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    let shown = difference("same\ntheirs\n", "same\nours\n").expect("the second lines differ");
    assert!(
        shown.contains("line 2")
            && shown.contains("  same")
            && shown.contains("- theirs")
            && shown.contains("+ ours"),
        "{shown}"
    );
    assert!(difference("a\n", "a\nmore\n").is_some(), "a line too many");
}
