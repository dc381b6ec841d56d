//! A broker for machines without mosquitto: `rumqttd` behind one loopback port.
//!
//! `rumqttd` wants one listener for MQTT 3.1.1 and another for MQTT 5, while a client that falls back from one version to
//! another expects both behind the same address. So this program listens itself, looks at the protocol level in each
//! CONNECT packet, and joins the connection to the listener which speaks that version.
//!
//! Usage: `paho-demo-broker [port]`. Without a port (or with 0) the system picks a free one. One line on standard output
//! says `listening on 127.0.0.1:<port>` as soon as connections are accepted. The broker ends when its standard input does,
//! so that it never outlives the script that started it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// A client that does not finish its CONNECT's first bytes in this time is dropped.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the two inner listeners may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Fixed header (at most 5 bytes), protocol name with its length (at most 8) and the protocol level: all we look at.
const CONNECT_PREFIX: usize = 14;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paho-demo-broker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let port = match std::env::args().nth(1) {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("not a port number: {text}"),
            )
        })?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let inner = start_rumqttd()?;

    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;

    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || {
                // A connection that fails is that client's affair: it sees its socket closed.
                let _ = serve(client, &inner);
            });
        }
    });

    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Where the two protocol versions are spoken.
#[derive(Clone, Copy)]
struct Inner {
    v4: SocketAddr,
    v5: SocketAddr,
}

/// Starts the broker on two free loopback ports and waits until both accept.
fn start_rumqttd() -> io::Result<Inner> {
    let inner = {
        // Both held while the second is picked, so that they differ; released for rumqttd, which takes addresses only.
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let v5 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Inner {
            v4: v4.local_addr()?,
            v5: v5.local_addr()?,
        }
    };
    let config = Config {
        router: RouterConfig {
            max_connections: 1024,
            max_outgoing_packet_count: 200,
            max_segment_size: 16 * 1024 * 1024,
            max_segment_count: 8,
            ..RouterConfig::default()
        },
        v4: Some(server("mqtt-3.1.1", inner.v4)),
        v5: Some(server("mqtt-5", inner.v5)),
        ..Config::default()
    };
    thread::spawn(move || {
        if let Err(error) = Broker::new(config).start() {
            eprintln!("paho-demo-broker: {error}");
        }
        // The servers only return when they could not listen or died: without them there is nothing to serve.
        std::process::exit(1);
    });

    let deadline = Instant::now() + START_TIMEOUT;
    for address in [inner.v4, inner.v5] {
        while let Err(error) = TcpStream::connect(address) {
            if Instant::now() > deadline {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
    Ok(inner)
}

fn server(name: &str, listen: SocketAddr) -> HashMap<String, ServerSettings> {
    let settings = ServerSettings {
        name: name.to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: 1024 * 1024,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    HashMap::from([(name.to_owned(), settings)])
}

/// Joins one client to the listener of its protocol version, until either side closes.
fn serve(mut client: TcpStream, inner: &Inner) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(CONNECT_TIMEOUT))?;
    let mut prefix = Vec::with_capacity(CONNECT_PREFIX);
    let level = loop {
        if let Some(level) = protocol_level(&prefix)? {
            break level;
        }
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        prefix.push(byte[0]);
    };
    client.set_read_timeout(None)?;

    let mut server = TcpStream::connect(if level == 5 { inner.v5 } else { inner.v4 })?;
    server.set_nodelay(true)?;
    server.write_all(&prefix)?;

    let (client_back, server_back) = (client.try_clone()?, server.try_clone()?);
    let answers = thread::spawn(move || pipe(server_back, client_back));
    pipe(client, server);
    let _ = answers.join();
    Ok(())
}

/// Copies until the source ends or either side fails, then closes what it can no longer feed.
fn pipe(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// The protocol level of a CONNECT packet of which `bytes` is the beginning; `None` when more bytes are needed.
fn protocol_level(bytes: &[u8]) -> io::Result<Option<u8>> {
    let refused = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if first != 0x10 {
        return refused("the first packet is no CONNECT");
    }
    // Remaining length: up to four bytes, the last one without its top bit [MQTT-1.5.5].
    let Some(length_end) = rest.iter().take(4).position(|byte| byte & 0x80 == 0) else {
        return if rest.len() >= 4 {
            refused("malformed remaining length")
        } else {
            Ok(None)
        };
    };
    let Some((name_length, after)) = rest[length_end + 1..].split_first_chunk::<2>() else {
        return Ok(None);
    };
    // "MQTT" or, at level 3, "MQIsdp".
    let name_length = usize::from(u16::from_be_bytes(*name_length));
    if !matches!(name_length, 4 | 6) {
        return refused("unknown protocol name");
    }
    Ok(after.get(name_length).copied())
}

#[cfg(test)]
mod tests {
    use super::protocol_level;

    #[test]
    fn level_is_found_as_soon_as_its_byte_is_there() {
        for (packet, level) in [
            (&b"\x10\x0c\x00\x04MQTT\x04\x02"[..], 4),
            (&b"\x10\x80\x01\x00\x04MQTT\x05\x02"[..], 5),
            (&b"\x10\x0e\x00\x06MQIsdp\x03\x02"[..], 3),
        ] {
            let needed = packet.len() - 1;
            for cut in 0..needed {
                assert_eq!(protocol_level(&packet[..cut]).unwrap(), None, "{cut}");
            }
            assert_eq!(protocol_level(&packet[..needed]).unwrap(), Some(level));
        }
    }

    #[test]
    fn what_is_no_connect_is_refused() {
        for bytes in [
            &b"GET / HTTP"[..],
            b"\x10\xff\xff\xff\xff",
            b"\x10\x0c\x00\x09M",
        ] {
            assert!(protocol_level(bytes).is_err());
        }
    }
}
