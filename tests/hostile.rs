//! Careless programs, and what happens to a process around the library.
//!
//! The programs are in `tests/c/hostile`. What they check of structs and of memory only shows under valgrind, so that is where they
//! run; the others run as they are. `HOSTILE_ROUNDS` multiplies what is done many times (`make hardening` sets it).
#![cfg(feature = "tls")] // some of the programs use TLS, with certificates made here

#[path = "transport_common/certs.rs"]
mod certs;
mod common;

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::cc::{cc, compiler, scratch};
use common::mosquitto::Mosquitto;
use common::output::{Flavour, include_dir, output_dir};
use common::process::{Finished, run};
use common::root;

/// Far longer than any of them takes, but for those that hang.
const LIMIT: Duration = Duration::from_secs(600);

fn rounds(rounds: u32) -> String {
    let factor = env::var("HOSTILE_ROUNDS")
        .ok()
        .and_then(|text| text.parse::<u32>().ok())
        .unwrap_or(1);
    (rounds * factor).to_string()
}

fn build(program: &str, flavour: Flavour) -> PathBuf {
    let name = format!("{program}-{}", flavour.link_name());
    // By test: two tests that build the same program do so at the same time.
    let test = std::thread::current().name().unwrap_or("").to_owned();
    cc(
        &format!("tests/c/hostile/{program}.c"),
        flavour,
        &include_dir(),
        &output_dir(),
        &scratch(&format!("hostile-{test}")).join(name),
    )
}

fn command(executable: &Path, dir: &Path) -> Command {
    let mut command = Command::new(executable);
    command
        .env("LD_LIBRARY_PATH", output_dir())
        .env_remove("MQTT_C_CLIENT_TRACE")
        .current_dir(dir);
    command
}

fn expect_success(what: &str, finished: &Finished) {
    assert!(
        finished.status.success(),
        "{what} ended with {}:\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
}

/// Invalid reads and writes, and blocks that nobody can free any more, are failures.
fn under_valgrind(program: &str, flavour: Flavour) {
    let broker = Mosquitto::start(&[]);
    let executable = build(program, flavour);
    let mut valgrind = valgrind(&executable, broker.dir());
    valgrind.arg(broker.uri());
    expect_success(program, &run(valgrind, LIMIT));
}

fn valgrind(executable: &Path, dir: &Path) -> Command {
    let mut valgrind = command(Path::new("valgrind"), dir);
    valgrind
        .args([
            "-q",
            // Threads that look again and again must not keep the others from running.
            "--fair-sched=try",
            "--error-exitcode=99",
            "--leak-check=full",
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
        ])
        .arg(format!(
            "--suppressions={}",
            root().join("tests/c/stress/valgrind.supp").display()
        ))
        .arg(executable);
    valgrind
}

#[test]
fn careless_calls_of_the_client_api() {
    under_valgrind("client", Flavour::C);
}

#[test]
fn careless_calls_of_the_async_api() {
    under_valgrind("async", Flavour::A);
}

#[test]
fn careless_calls_of_the_event_api() {
    let dir = scratch("hostile-event-api");
    let mut valgrind = valgrind(&build("oxide", Flavour::Oxide), &dir);
    valgrind.arg(rounds(20));
    expect_success("oxide", &run(valgrind, LIMIT));
}

/// Several threads inside every function when the client is destroyed, and three that share a stream.
#[test]
fn threads_in_every_call_of_the_event_api() {
    let dir = scratch("hostile-event-threads");
    let mut valgrind = valgrind(&build("oxide_threads", Flavour::Oxide), &dir);
    valgrind.arg(rounds(1));
    expect_success("oxide_threads", &run(valgrind, LIMIT));
}

/// As the samples use it: a queue with many clients, a loop of the program's own, bytes that the program carries.
#[test]
fn the_samples_of_the_event_api_under_valgrind() {
    let broker = Mosquitto::start(&[]);
    let port = broker.port().to_string();
    for (sample, arguments) in [
        ("oxide_gateway", [&broker.uri(), "10", "t"]),
        ("oxide_poll", ["127.0.0.1", &port, "t"]),
        ("oxide_feed", ["127.0.0.1", &port, "t"]),
    ] {
        let mut valgrind = valgrind(&output_dir().join(sample), broker.dir());
        valgrind.args(arguments);
        expect_success(sample, &run(valgrind, LIMIT));
    }
}

#[test]
fn careless_programs_call_every_function_of_the_event_api() {
    let exports = fs::read_to_string(root().join("tools/exports/libpaho-oxide.map")).unwrap();
    let program = fs::read_to_string(root().join("tests/c/hostile/oxide.c")).unwrap();
    let names: Vec<_> = exports
        .split([';', ' ', '\n'])
        .filter(|word| word.starts_with("MQTTOxide_"))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !program.contains(&format!("{name}(")))
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

/// The same of the program with several threads, for each function that takes a client.
#[test]
fn threads_are_in_every_function_that_takes_a_client() {
    let header = fs::read_to_string(root().join("include/paho_oxide.h")).unwrap();
    let program = fs::read_to_string(root().join("tests/c/hostile/oxide_threads.c")).unwrap();
    let names: Vec<_> = header
        .match_indices("(\n    uint64_t client,")
        .chain(header.match_indices("(uint64_t client"))
        .map(|(at, _)| header[..at].rsplit(' ').next().unwrap())
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !program.contains(&format!("{name}(client")))
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn no_struct_is_read_beyond_its_version_by_the_client_api() {
    under_valgrind("versions_client", Flavour::Cs);
}

#[test]
fn no_struct_is_read_beyond_its_version_by_the_async_api() {
    under_valgrind("versions_async", Flavour::As);
}

/// A function that is added to the headers, and that no careless program calls, is noticed here.
#[test]
fn careless_programs_call_every_function() {
    let table = fs::read_to_string(root().join("tests/abi/tables/functions.tsv")).unwrap();
    let for_paho =
        fs::read_to_string(root().join("tests/abi/tables/exports-for-paho.txt")).unwrap();
    let programs: String = ["client.c", "async.c", "for_paho.h"]
        .iter()
        .map(|name| fs::read_to_string(root().join("tests/c/hostile").join(name)).unwrap())
        .collect();
    let missing: Vec<_> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let prototype = line.split('\t').nth(1).unwrap();
            let name = prototype.split(" (").next().unwrap();
            name.rsplit([' ', '*']).next().unwrap()
        })
        .chain(for_paho.lines())
        // Declared, but exported by no library.
        .filter(|name| {
            !["len", "read", "write"].contains(&name.trim_start_matches("MQTTProperties_"))
        })
        .filter(|name| !programs.contains(&format!("{name}(")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn handles_of_one_api_are_none_of_the_other() {
    let dir = scratch("hostile-both");
    let source = root().join("tests/c/hostile/both.c");
    for (name, libraries) in [
        ("static", ["libpaho-mqtt3c.a", "libpaho-mqtt3a.a"]),
        ("shared", ["libpaho-mqtt3c.so.1", "libpaho-mqtt3a.so.1"]),
    ] {
        let executable = dir.join(name);
        let compiled = Command::new(compiler())
            .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-g", "-I"])
            .arg(include_dir())
            .arg(&source)
            .arg("-o")
            .arg(&executable)
            .args(libraries.map(|file| output_dir().join(file)))
            .args(["-lpthread", "-ldl", "-lm", "-Wl,--allow-shlib-undefined"])
            .output()
            .unwrap();
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let mut program = command(&executable, &dir);
        program.arg(name);
        expect_success(name, &run(program, LIMIT));
    }
}

/// A broker, with TLS if wanted; the file of the authority that made its certificate.
struct Server {
    broker: Mosquitto,
    authority: PathBuf,
    tls: bool,
}

impl Server {
    fn start(tls: bool) -> Self {
        let test = std::thread::current().name().unwrap_or("").to_owned();
        let dir = scratch(&format!("hostile-{test}-certificates"));
        let file = |name: &str| dir.join(name);
        let mut config = vec![
            "max_inflight_messages 0".to_owned(),
            "max_queued_messages 0".to_owned(),
        ];
        if tls {
            let authority = certs::Identity::authority();
            let server = certs::Identity::localhost(Some(&authority));
            fs::write(file("ca.pem"), authority.certificate_pem()).unwrap();
            fs::write(file("server.pem"), server.certificate_pem()).unwrap();
            fs::write(file("server.key"), server.key_pem()).unwrap();
            config.push(format!("certfile {}", file("server.pem").display()));
            config.push(format!("keyfile {}", file("server.key").display()));
        }
        let lines: Vec<&str> = config.iter().map(String::as_str).collect();
        Self {
            broker: Mosquitto::start(&lines),
            authority: file("ca.pem"),
            tls,
        }
    }

    fn uri(&self) -> String {
        let scheme = if self.tls { "ssl" } else { "tcp" };
        format!("{scheme}://127.0.0.1:{}", self.broker.port())
    }
}

/// Runs `process` for one event, many times; returns what it ended with.
fn process(tls: bool, event: &str, times: u32) -> Finished {
    let server = Server::start(tls);
    let executable = build("process", Flavour::As);
    let mut command = command(&executable, server.broker.dir());
    command.args([&server.uri(), event, &rounds(times)]);
    if tls {
        command.arg(&server.authority);
    }
    run(command, LIMIT)
}

#[test]
fn a_forked_child_gets_errors_and_the_parent_goes_on() {
    for tls in [false, true] {
        expect_success("fork", &process(tls, "fork", 30));
    }
}

#[test]
fn a_program_may_end_with_clients_alive() {
    for round in 0..rounds(2).parse().unwrap() {
        for tls in [false, true] {
            for how in ["exit", "_exit", "exit-in-callback", "exit-openssl"] {
                let finished = process(tls, how, 1);
                assert_eq!(
                    (finished.status.code(), finished.status.signal()),
                    (Some(7), None),
                    "{how}, tls {tls}, round {round}:\n{}\n{}",
                    finished.stdout,
                    finished.stderr
                );
            }
        }
    }
}

#[test]
fn signals_interrupt_nothing() {
    for tls in [false, true] {
        expect_success("signals", &process(tls, "signals", 3));
    }
}

#[test]
fn a_connection_that_breaks_raises_no_signal() {
    for tls in [false, true] {
        expect_success("sigpipe", &process(tls, "sigpipe", 10));
    }
}

#[test]
fn the_time_of_day_may_jump() {
    let broker = Mosquitto::start(&[]);
    let mut program = command(&build("clock", Flavour::C), broker.dir());
    program.arg(broker.uri());
    expect_success("clock", &run(program, LIMIT));
}

#[test]
fn the_library_may_be_closed_with_clients_alive() {
    let broker = Mosquitto::start(&[]);
    let dir = scratch("hostile-dlclose");
    let executable = dir.join("dlclose");
    let compiled = Command::new(compiler())
        // Optimised: the parts of the shared header that call the library must not stay.
        .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O1", "-I"])
        .arg(include_dir())
        .arg(root().join("tests/c/hostile/dlclose.c"))
        .arg("-o")
        .arg(&executable)
        .args(["-lpthread", "-ldl"])
        .output()
        .unwrap();
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    for flavour in [Flavour::A, Flavour::As] {
        let mut program = command(&executable, broker.dir());
        program
            .arg(broker.uri())
            .arg(output_dir().join(flavour.soname()));
        expect_success("dlclose", &run(program, LIMIT));
    }
}
