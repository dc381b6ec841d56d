//! 100 MiB each way over TLS with partial writes, while others keep their connections alive.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::broker::{Broker, Road as Listener};
use crate::common::cc::{cc_with, scratch};
use crate::common::mosquitto::Mosquitto;
use crate::common::output::{Flavour, include_dir, output_dir};
use crate::common::process::run;
use crate::peers::serve;

/// Each direction stops once, here, for longer than the others' keep-alive allows silence.
const STALLS_AT: usize = 30 << 20;
const STALL: Duration = Duration::from_secs(7);

/// And often for a moment: the sender finds its socket full, and has to notice that it no longer is.
const BREATHES_EVERY: usize = 256 << 10;
const BREATH: Duration = Duration::from_millis(1);

/// Passes bytes on in uneven pieces.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 65_536];
    let (mut passed, mut stalled, mut size) = (0, false, 1);
    loop {
        size = size * 5 % 65_521;
        let n = match from.read(&mut buffer[..size]) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
        passed += n;
        if passed / BREATHES_EVERY > (passed - n) / BREATHES_EVERY {
            thread::sleep(BREATH);
        }
        if !stalled && passed >= STALLS_AT {
            stalled = true;
            thread::sleep(STALL);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A relay to that port.
fn slow_road(port: u16) -> u16 {
    serve(move |client| {
        let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let backwards = thread::spawn(move || pass(back.0, back.1));
        pass(client, server);
        backwards.join().unwrap();
    })
}

/// A relay to that port that closes on whoever is silent for one and a half keep-alive intervals of four seconds, as a server may and as
/// mosquitto, which looks every five seconds, does not.
fn strict_road(port: u16) -> u16 {
    serve(move |client| {
        let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        server.set_nodelay(true).unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let backwards = thread::spawn(move || std::io::copy(&mut from, &mut to));
        client
            .set_read_timeout(Some(Duration::from_secs(6)))
            .unwrap();
        // Ends with the timeout's error, too.
        let _ = std::io::copy(&mut &client, &mut &server);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
        let _ = backwards.join().unwrap();
    })
}

fn there_and_back(api: &str, listener: Listener) {
    let broker = Broker::start();
    let others = Mosquitto::start(&["set_tcp_nodelay true"]);
    let road = slow_road(broker.port(listener));
    let executable = cc_with(
        "tests/c/roads/large.c",
        &[Flavour::As, Flavour::Cs],
        &include_dir(),
        &output_dir(),
        &scratch("roads").join(format!("large-{api}")),
    );
    let mut command = Command::new(executable);
    command
        .args([
            api,
            &format!("ssl://localhost:{road}"),
            &broker.path("ca.pem"),
            &format!("tcp://127.0.0.1:{}", strict_road(others.port())),
        ])
        .env("LD_LIBRARY_PATH", output_dir());
    let finished = run(command, Duration::from_secs(300));
    println!("{}", finished.stdout);
    assert!(
        finished.status.success(),
        "{}\n{}\n{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
}

#[test]
fn async_there_and_back() {
    there_and_back("async", Listener::Tls13);
}

#[test]
fn client_there_and_back() {
    there_and_back("client", Listener::Tls13);
}
