//! Programs written for Paho C++, compiled with the distribution's headers, with the distribution's `libpaho-mqttpp3` on either C library.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::cc::scratch;
use crate::common::mosquitto::Mosquitto;
use crate::common::root;
use crate::programs::{Library, finish, on};

fn compile(name: &str) -> PathBuf {
    let executable = scratch("cpp").join(format!(
        "{name}-{}",
        std::thread::current()
            .name()
            .unwrap_or("main")
            .replace("::", "-")
    ));
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let mut command = Command::new(&compiler);
    command
        .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-O1"])
        // The distribution's headers are not ours to correct.
        .arg("-Wno-deprecated-declarations")
        .arg(root().join(format!("tests/cpp/{name}.cpp")))
        .arg("-o")
        .arg(&executable)
        .args(["-lpaho-mqttpp3", "-lpaho-mqtt3as", "-pthread"]);
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "cannot run the C++ compiler {}: {error}",
            compiler.to_string_lossy()
        )
    });
    assert!(
        output.status.success(),
        "{name}.cpp does not compile (apt-get install g++ libpaho-mqttpp-dev libpaho-mqtt-dev):\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    executable
}

fn same_on_both(name: &str, version: &str, at_least: usize) {
    let executable = compile(name);
    let [ours, theirs] = Library::BOTH.map(|library| {
        // Of its own for each: nothing that one run leaves behind can show in the other.
        let broker = Mosquitto::start(&["set_tcp_nodelay true"]);
        let mut command = on(library, &executable);
        command.args([&broker.uri(), version]);
        finish(command).stdout
    });
    assert!(
        theirs.lines().count() >= at_least && !theirs.contains("in vain"),
        "the original itself: {theirs}"
    );
    assert!(ours == theirs, "ours:\n{ours}\nthe original:\n{theirs}");
}

#[test]
fn async_client_with_mqtt_311() {
    same_on_both("async_client", "3", 50);
}

#[test]
fn async_client_with_mqtt_5() {
    same_on_both("async_client", "5", 50);
}

#[test]
fn client_with_mqtt_311() {
    same_on_both("client", "3", 8);
}

#[test]
fn client_with_mqtt_5() {
    same_on_both("client", "5", 8);
}

/// Starts the pattern of the `async_subscribe` sample against a server, has it quit when the server calls `connecting`, and
/// returns what it printed. It may say that there is nothing to disconnect from, but must end by itself.
fn quit_while_connecting(
    executable: &Path,
    library: Library,
    arguments: &[&str],
    connecting: impl FnOnce(),
) -> String {
    let mut command = on(library, executable);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    connecting();
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"q\n").expect("the program reads");
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{library:?}: {}\n{printed}",
        output.status
    );
    printed
}

/// A server that takes the connection and never answers CONNECT; and none at all, so that one connect follows the other.
#[test]
fn a_program_that_quits_while_connecting_ends_by_itself_each_time() {
    let executable = compile("async_subscribe");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    let uri = |listener: &TcpListener| {
        let address = listener.local_addr().expect("bound");
        format!("tcp://{address}")
    };
    for library in [Library::Original, Library::Ours] {
        for _ in 0..25 {
            let mut kept = None;
            let printed =
                quit_while_connecting(&executable, library, &[&uri(&silent), "7"], || {
                    let (mut connection, _) = silent.accept().expect("it connects");
                    // The first byte of CONNECT.
                    connection.read_exact(&mut [0]).expect("it speaks");
                    kept = Some(connection);
                });
            assert_eq!(printed, "connecting\ndisconnect: -3\n", "{library:?}");
        }
    }
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    let nowhere = uri(&nobody);
    drop(nobody);
    for _ in 0..25 {
        let arguments = [&nowhere, "7", "client-first"];
        quit_while_connecting(&executable, Library::Ours, &arguments, || ());
    }
}

/// The C++ library is the distribution's, the C library below it ours.
#[test]
fn the_c_library_is_ours() {
    let executable = compile("client");
    let mut command = on(Library::Ours, &executable);
    command.env("LD_TRACE_LOADED_OBJECTS", "1");
    let listed = finish(command).stdout;
    let line = |name: &str| {
        listed
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("no {name}:\n{listed}"))
    };
    let ours = Library::Ours.dir();
    assert!(
        line("libpaho-mqtt3as.so.1").contains(&*ours.to_string_lossy()),
        "{listed}"
    );
    assert!(
        !line("libpaho-mqttpp3.so.1").contains(&*ours.to_string_lossy()),
        "{listed}"
    );
}
