//! Load, destruction at every moment, and callbacks that call everything: the C programs of `tests/c/stress`, natively and under valgrind's
//! memcheck.
//!
//! memcheck has to see no invalid access, no use of uninitialised memory and nothing lost, possibly lost included; what the suppressions
//! in `tests/c/stress/valgrind.supp` name are objects of the process and not of a client. What is still reachable at the end is bounded, in
//! blocks too, so that a thousand clients that leave one block each behind in some list would show.
//!
//! Helgrind and DRD are of no use here: they know pthread's locks only, and report each lock, condition and atomic of Rust as a race.

mod common;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::cc::{cc_with, scratch};
use common::mosquitto::Mosquitto;
use common::output::{Flavour, include_dir, output_dir};
use common::process::{Finished, run};
use common::root;

/// No program takes as long as this. They have deadlines of their own, which say more.
const LIMIT: Duration = Duration::from_secs(900);
/// But for those that are told to do more than `make test` has them do.
const LONG_LIMIT: Duration = Duration::from_secs(7200);

fn limit() -> Duration {
    let told = |name| std::env::var_os(name).is_some();
    if told("PAHO_OXIDE_CHURN") || told("PAHO_OXIDE_ENDS") {
        LONG_LIMIT
    } else {
        LIMIT
    }
}

/// Clients of each churn: `PAHO_OXIDE_CHURN`, else a thousand.
fn churn() -> String {
    std::env::var("PAHO_OXIDE_CHURN").unwrap_or_else(|_| "1000".to_owned())
}

/// `MQTTAsync_destroy`s and `disconnect`s from every state and callback: `PAHO_OXIDE_ENDS`, else some forty of each.
fn ends() -> String {
    std::env::var("PAHO_OXIDE_ENDS").unwrap_or_else(|_| "2000".to_owned())
}

/// Limits of the broker that are not the point, and acknowledgements at once: Nagle's algorithm there and delayed acknowledgement here would
/// make each exchange of small packets take 40 ms.
const BROKER: [&str; 3] = [
    "set_tcp_nodelay true",
    "max_inflight_messages 0",
    "max_queued_messages 0",
];

fn compile(program: &str, flavours: &[Flavour]) -> PathBuf {
    cc_with(
        &format!("tests/c/stress/{program}.c"),
        flavours,
        &include_dir(),
        &output_dir(),
        // Of its own for each test: several compile the same program at the same time.
        &scratch("stress").join(format!(
            "{program}-{:?}",
            std::thread::current()
                .name()
                .unwrap_or("main")
                .replace("::", "-")
        )),
    )
}

fn execute(mut command: Command) -> Finished {
    command
        .env("LD_LIBRARY_PATH", output_dir())
        .env_remove("MQTT_C_CLIENT_TRACE")
        .env_remove("MQTT_C_CLIENT_TRACE_LEVEL");
    let finished = run(command, limit());
    assert!(
        finished.status.success(),
        "ended with {}:\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
    finished
}

/// Runs a program with a broker's URI and further arguments.
fn native(program: &str, flavours: &[Flavour], arguments: &[&str]) -> String {
    let broker = Mosquitto::start(&BROKER);
    let mut command = Command::new(compile(program, flavours));
    command.arg(broker.uri()).args(arguments);
    execute(command).stdout
}

/// What is still reachable after any program: the reactor's and the runtime's threads with their buffers, the registries' chunks, what the
/// C library keeps. Of the programs here, those with slow callbacks have the most threads.
const REACHABLE_BYTES: u64 = 3 << 20;
const REACHABLE_BLOCKS: u64 = 400;

/// What OpenSSL keeps, once it was used, above that: fewer blocks than `make hardening` has clients.
const REACHABLE_BLOCKS_OF_OPENSSL: u64 = 8000;

/// The same under memcheck.
fn memcheck(program: &str, flavours: &[Flavour], arguments: &[&str]) {
    memcheck_within(REACHABLE_BLOCKS, program, flavours, arguments);
}

fn memcheck_within(most: u64, program: &str, flavours: &[Flavour], arguments: &[&str]) {
    let broker = Mosquitto::start(&BROKER);
    let mut command = Command::new("valgrind");
    command
        .args([
            "--error-exitcode=99",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible",
            "--num-callers=30",
            // Otherwise the thread that runs keeps the others from running for long.
            "--fair-sched=yes",
        ])
        .arg(format!(
            "--suppressions={}",
            root().join("tests/c/stress/valgrind.supp").display()
        ))
        .arg(compile(program, flavours))
        .arg(broker.uri())
        .args(arguments);
    let finished = execute(command);
    println!("{}", finished.stdout);
    let report = finished.stderr;
    assert!(
        report.contains("ERROR SUMMARY: 0 errors"),
        "valgrind did not get to its end:\n{report}"
    );
    let (bytes, blocks) = still_reachable(&report);
    assert!(
        bytes <= REACHABLE_BYTES && blocks <= most,
        "{bytes} bytes in {blocks} blocks are still reachable:\n{report}"
    );
}

/// `still reachable: 1,226,446 bytes in 176 blocks`
fn still_reachable(report: &str) -> (u64, u64) {
    let (_, rest) = report
        .split_once("still reachable: ")
        .unwrap_or_else(|| panic!("no leak summary:\n{report}"));
    let mut words = rest.split_whitespace().map(|word| word.replace(',', ""));
    let bytes = words.next().and_then(|word| word.parse().ok());
    let blocks = words.nth(2).and_then(|word| word.parse().ok());
    (
        bytes.expect("bytes are a number"),
        blocks.expect("blocks are a number"),
    )
}

macro_rules! memcheck {
    ($($test:ident: $program:literal on $($flavour:ident)+, $arguments:expr;)*) => {
        $(#[test]
        fn $test() {
            memcheck($program, &[$(Flavour::$flavour),+], &$arguments);
        })*
    };
}

memcheck! {
    churn_async_31: "churn_async" on A, [&*churn(), "3"];
    churn_async_311: "churn_async" on A, [&*churn(), "4"];
    churn_async_5: "churn_async" on As, [&*churn(), "5"];
    churn_client_31_sync: "churn_client" on C, [&*churn(), "3", "sync"];
    churn_client_311_sync: "churn_client" on C, [&*churn(), "4", "sync"];
    churn_client_5_sync: "churn_client" on Cs, [&*churn(), "5", "sync"];
    churn_client_31_callbacks: "churn_client" on C, [&*churn(), "3", "callbacks"];
    churn_client_311_callbacks: "churn_client" on Cs, [&*churn(), "4", "callbacks"];
    churn_client_5_callbacks: "churn_client" on C, [&*churn(), "5", "callbacks"];
    destroy_async_memory: "destroy_async" on A, ["5"];
    destroy_client_memory: "destroy_client" on C, ["2"];
    reentrant_memory: "reentrant" on A C, ["5"];
    threads_memory: "threads" on A C, ["5"];
    slow_server_memory: "slow_server" on A C, [""; 0];
    for_paho_memory: "for_paho" on A C, ["5"];
}

#[test]
fn destroyed_at_every_moment() {
    native("destroy_async", &[Flavour::A], &["30"]);
    native("destroy_client", &[Flavour::C], &["5"]);
}

#[test]
fn ends_memory() {
    let most = REACHABLE_BLOCKS + REACHABLE_BLOCKS_OF_OPENSSL;
    memcheck_within(most, "ends", &[Flavour::As], &[&*ends()]);
}

/// Twenty of each, and more where the machine runs the threads at their own speed than under memcheck.
#[test]
fn every_end_in_every_state() {
    let report = native("ends", &[Flavour::As], &["1920"]);
    println!("{report}");
    assert!(report.ends_with("1920 ends\n"), "{report}");
}

#[test]
fn everything_from_every_callback() {
    for version in ["4", "5"] {
        native("reentrant", &[Flavour::A, Flavour::C], &[version]);
    }
}

#[test]
fn many_threads_on_one_client() {
    for version in ["4", "5"] {
        native("threads", &[Flavour::A, Flavour::C], &[version]);
    }
}

#[test]
fn options_routes_and_acknowledgements_from_many_threads() {
    native("for_paho", &[Flavour::A, Flavour::C], &["500"]);
}

#[test]
fn slow_callbacks_delay_nobody_else() {
    native("slow", &[Flavour::A, Flavour::C], &[]);
}

#[test]
fn a_fast_server_is_slowed_down() {
    native("flood", &[Flavour::A], &[]);
}

#[test]
fn a_slow_server_gets_every_byte() {
    native("slow_server", &[Flavour::A, Flavour::C], &[]);
}

/// The samples too: they are what people run under valgrind first.
#[test]
fn samples_lose_nothing() {
    let suppressions = root().join("tests/c/stress/valgrind.supp");
    let suppressions = format!("--suppressions={}", suppressions.display());
    samples_under_valgrind("definite,indirect,possible", Some(&suppressions));
}

/// Without this project's suppressions memcheck has nothing to say either, but for what the threads own that live as long as the process:
/// to that it sees pointers into the middle only.
#[test]
fn samples_need_no_suppressions() {
    samples_under_valgrind("definite,indirect", None);
}

fn samples_under_valgrind(leaks: &str, suppressions: Option<&str>) {
    let broker = Mosquitto::start(&BROKER);
    let (uri, port) = (broker.uri(), broker.port().to_string());
    let tool = [
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-t",
        "topic",
        "-m",
        "text",
        "-q",
        "2",
        "-V",
        "5",
    ];
    for (sample, arguments) in [
        ("MQTTClient_publish", &[&*uri][..]),
        ("MQTTClient_publish_async", &[&*uri]),
        ("MQTTAsync_publish", &[&*uri]),
        ("paho_c_pub", &tool),
        ("paho_cs_pub", &tool),
    ] {
        let mut command = Command::new("valgrind");
        command
            .args([
                "-q",
                "--error-exitcode=99",
                "--leak-check=full",
                "--fair-sched=yes",
            ])
            .arg(format!("--show-leak-kinds={leaks}"))
            .arg(format!("--errors-for-leak-kinds={leaks}"))
            .args(suppressions)
            .arg(output_dir().join(sample))
            .args(arguments);
        execute(command);
    }
}

/// The judge itself: what it must not let pass.
#[test]
fn leaks_and_stale_reads_are_seen() {
    let source = "tests/c/stress/faulty.c";
    for fault in ["lost", "stale", "uninitialised"] {
        let executable = scratch("stress").join(format!("faulty-{fault}"));
        cc_with(
            source,
            &[Flavour::C],
            &include_dir(),
            &output_dir(),
            &executable,
        );
        let mut command = Command::new("valgrind");
        command
            .args([
                "-q",
                "--error-exitcode=99",
                "--leak-check=full",
                "--errors-for-leak-kinds=definite,indirect,possible",
            ])
            .arg(format!(
                "--suppressions={}",
                root().join("tests/c/stress/valgrind.supp").display()
            ))
            .arg(&executable)
            .arg(fault)
            .env("LD_LIBRARY_PATH", output_dir());
        let finished = run(command, LIMIT);
        assert_eq!(
            finished.status.code(),
            Some(99),
            "{fault}: {}",
            finished.stderr
        );
    }
}

#[test]
fn the_summary_is_read() {
    let report = "==1==    still reachable: 1,226,446 bytes in 1,176 blocks\n";
    assert_eq!(still_reachable(report), (1_226_446, 1_176));
}
