//! Every number that an event can carry is seen here once, as the page says it: what is promised and never seen is where faults
//! hide. The tables below are held against `include/paho_oxide.h` and `docs/oxide-api.md`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use paho_oxide::events::{Connect, Create, Kind, Level, Manner, Record, StoreOptions, WebSocket};
use paho_oxide::options::TlsOptions;
use paho_oxide::protocol::packet::Filter;
use paho_oxide::protocol::property::{Properties, PropertiesRef, Property, PropertyId, Value};
use paho_oxide::protocol::{QoS, Version};

use crate::server::{PATIENCE, Program, Server, message, publish, v5};
use crate::stores::Scratch;

/// Makes an event happen. Returns it.
type Provoke = fn() -> Record;

/// What a loss says.
const LOST: [(u8, Provoke); 6] = [
    (1, lost_to_a_server_that_closes),
    (2, lost_to_an_error_of_the_socket),
    (3, lost_for_want_of_an_answer),
    (4, lost_to_a_broken_protocol),
    (5, lost_for_want_of_a_record),
    (6, lost_to_an_abort),
];

/// Why an operation fails.
const FAILED: [(u8, Provoke); 6] = [
    (1, failed_at_the_server),
    (2, failed_with_the_connection),
    (3, failed_by_time),
    (5, failed_for_want_of_a_record),
    (6, failed_by_what_the_server_allows),
    (7, failed_by_the_program),
];

/// Where an attempt fails.
const CONNECT_FAILED: [(u8, Provoke); 9] = [
    (0, refused_by_the_server),
    (1, refused_for_its_options),
    (2, refused_for_its_name),
    (3, refused_by_the_socket),
    (4, refused_by_the_proxy),
    (5, refused_as_a_websocket),
    (6, refused_by_the_deadline),
    (7, refused_by_the_program),
    (8, refused_by_tls),
];

fn is_online_with(create: Create) -> (Program, Server) {
    Program::connected(create, Connect::default())
}

/// Returns the record when it comes, whatever else is told before.
fn await_kind(program: &Program, kind: Kind) -> Record {
    loop {
        let record = program.next();
        if record.head.kind == kind {
            return record;
        }
    }
}

fn lost_to_a_server_that_closes() -> Record {
    let (program, server) = is_online_with(Create::default());
    drop(server);
    program.expect(Kind::Lost)
}

/// A peer that closes with bytes unread resets the connection.
fn lost_to_an_error_of_the_socket() -> Record {
    let (program, server) = is_online_with(Create::default());
    let published = program
        .client
        .publish(&message(QoS::AtLeastOnce, b"unread"), Manner::default())
        .expect("accepted");
    assert!(!published.unwritten);
    drop(server);
    let lost = await_kind(&program, Kind::Lost);
    let reset = rustix::io::Errno::CONNRESET.raw_os_error();
    assert_eq!(lost.head.value, u64::from(reset.unsigned_abs()));
    lost
}

fn lost_for_want_of_an_answer() -> Record {
    let program = Program::new(Create::default());
    let server = program.reconnect(
        Connect {
            keep_alive: Duration::from_secs(1),
            ping_timeout: Some(Duration::from_millis(10)),
            ..Connect::default()
        },
        false,
    );
    let lost = program.expect(Kind::Lost);
    drop(server);
    lost
}

fn lost_to_a_broken_protocol() -> Record {
    let (program, mut server) = is_online_with(Create::default());
    server.send(&[0xff, 0]);
    program.expect(Kind::Lost)
}

/// The folder of the store is gone, and with it the place for a message that is too large for the journal. The message is not
/// acknowledged, so that the server has it for the next connection.
fn lost_for_want_of_a_record() -> Record {
    let scratch = Scratch::new();
    let (program, mut server) = is_online_with(stored(&scratch));
    fs::remove_dir_all(&scratch.0).expect("the store's folder");
    server.send(&publish(false, 1, 7, &vec![0; 300 * 1024]));
    let lost = program.expect(Kind::Lost);
    server.expect_end();
    lost
}

fn lost_to_an_abort() -> Record {
    let (program, _server) = is_online_with(Create::default());
    program.client.abort().expect("connected");
    program.expect(Kind::Lost)
}

fn failed_at_the_server() -> Record {
    let (program, mut server) = Program::connected(of_v5(), v5());
    program.publish(b"m");
    let packet = server.packet();
    server.send(&[0x40, 3, packet[5], packet[6], 0x97]);
    let failed = program.expect(Kind::Failed);
    assert_eq!(failed.head.reason, 0x97);
    failed
}

fn failed_with_the_connection() -> Record {
    let (program, mut server) = is_online_with(Create::default());
    let filter = Filter {
        filter: b"a",
        qos: QoS::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: 0,
    };
    program
        .client
        .subscribe(&[filter], PropertiesRef::EMPTY)
        .expect("connected");
    server.packet();
    drop(server);
    await_kind(&program, Kind::Failed)
}

fn failed_by_time() -> Record {
    let program = Program::new(Create {
        buffer_offline: true,
        ..of_v5()
    });
    let mut expiry = Properties::new();
    expiry
        .push(Property {
            id: PropertyId::MessageExpiryInterval,
            value: Value::Four(0),
        })
        .expect("a property");
    let mut expiring = message(QoS::AtLeastOnce, b"late");
    expiring.properties = expiry.as_ref();
    program
        .client
        .publish(&expiring, Manner::default())
        .expect("accepted");
    let _server = program.reconnect(v5(), false);
    program.expect(Kind::Failed)
}

/// What an earlier process had in flight is not a packet any more when its turn comes.
fn failed_for_want_of_a_record() -> Record {
    let scratch = Scratch::new();
    let earlier = Program::new(stored(&scratch));
    let folder = fs::read_dir(&scratch.0)
        .expect("the store's folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.is_dir())
        .expect("a client's folder");
    earlier.client.destroy();
    // An empty store leaves no folder.
    if !folder.is_dir() {
        fs::create_dir(&folder).expect("the client's folder");
    }
    fs::write(folder.join("s-1.msg"), b"\x32\x03abc").expect("a damaged record");
    let program = Program::new(stored(&scratch));
    let connect = Connect {
        clean: false,
        ..Connect::default()
    };
    let mut server = program.attach(connect);
    server.packet();
    server.send(&[0x20, 2, 1, 0]);
    let failed = await_kind(&program, Kind::Failed);
    assert_eq!(failed.head.token, 1, "the oldest operation");
    failed
}

/// A message that waits was accepted before the server said what it takes.
fn failed_by_what_the_server_allows() -> Record {
    let program = Program::new(Create {
        buffer_offline: true,
        ..of_v5()
    });
    program.publish(b"of QoS 1");
    let mut server = program.attach(v5());
    server.packet();
    // Maximum QoS 0.
    server.send(&[0x20, 5, 0, 0, 2, 36, 0]);
    program.expect(Kind::Connected);
    let failed = program.expect(Kind::Failed);
    assert_eq!(failed.head.reason, 0x9b, "QoS not supported");
    failed
}

fn failed_by_the_program() -> Record {
    let program = Program::new(Create {
        buffer_offline: true,
        ..Create::default()
    });
    let token = program.publish(b"m");
    assert!(program.client.cancel(token));
    program.expect(Kind::Failed)
}

fn refused_by_the_server() -> Record {
    let program = Program::new(Create::default());
    let mut server = program.attach(Connect::default());
    server.packet();
    server.send(&[0x20, 2, 0, 5]);
    let failed = program.expect(Kind::ConnectFailed);
    assert_eq!(failed.head.reason, 5);
    failed
}

/// Has the engine connect to an address, which fails.
fn dial(uri: String, tls: Option<TlsOptions>) -> Record {
    dial_all(vec![uri], tls)
}

fn dial_all(uris: Vec<String>, tls: Option<TlsOptions>) -> Record {
    let program = Program::new(Create::default());
    let connect = Connect {
        deadline: Some(PATIENCE),
        ..Connect::default()
    };
    program.client.connect(uris, connect, tls).expect("begun");
    program.expect(Kind::ConnectFailed)
}

/// The last server of a list has a TLS scheme, without options for TLS or in a library without TLS.
fn refused_for_its_options() -> Record {
    let uris = ["tcp://no..such.host:1", "ssl://127.0.0.1:1"];
    dial_all(uris.map(str::to_owned).into(), None)
}

/// Options with which no server can be connected to are refused by the call, and no event follows.
#[test]
fn a_mistake_of_the_programs_is_told_by_the_call() {
    let header = |value: &str| vec![("Name".to_owned(), value.into())];
    let nameless = || Connect {
        client_id: Some(String::new()),
        clean: false,
        ..Connect::default()
    };
    let with_header = || Connect {
        headers: header("one\r\nOther: two"),
        ..Connect::default()
    };
    let rows: [(&[&str], Connect, &str); 6] = [
        (&["tcp://127.0.0.1:1"], nameless(), "client identifier"),
        (&["ssl://127.0.0.1:1"], Connect::default(), "TLS"),
        (
            &["x://127.0.0.1:1", "tcp://127.0.0.1:0"],
            Connect::default(),
            "protocol",
        ),
        (&["tcp://127.0.0.1:99999"], Connect::default(), "port"),
        (
            &["tcp://user:secret@127.0.0.1:1"],
            Connect::default(),
            "user name",
        ),
        (&["ws://127.0.0.1:1"], with_header(), "header"),
    ];
    for (uris, connect, word) in rows {
        let program = Program::new(Create::default());
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        let error = program
            .client
            .connect(uris, connect, None)
            .expect_err("refused")
            .to_string();
        assert!(error.contains(word) && !error.contains("secret"), "{error}");
        // The client can be connected still.
        drop(program.reconnect(Connect::default(), false));
    }
}

/// The C library refuses the name without asking anybody.
fn refused_for_its_name() -> Record {
    dial("tcp://no..such.host:1883".into(), None)
}

fn refused_by_the_socket() -> Record {
    // The socket is bound and does not listen.
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .expect("a socket");
    rustix::net::bind(&socket, &any).expect("a port");
    let address = rustix::net::getsockname(&socket).expect("its address");
    let address = std::net::SocketAddr::try_from(address).expect("of TCP");
    let failed = dial(format!("tcp://{address}"), None);
    let refused = rustix::io::Errno::CONNREFUSED.raw_os_error();
    assert_eq!(failed.head.value, u64::from(refused.unsigned_abs()));
    failed
}

/// A server that answers the first bytes with these, and closes.
fn server_that_says(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let mut request = [0; 4096];
        let _ = socket.read(&mut request);
        let _ = socket.write_all(answer);
    });
    address.to_string()
}

/// What the proxy is only the environment says, in this API: a process of its own has such an environment.
const PROXY: &str = "PAHO_C_CLIENT_USE_HTTP_PROXY";

fn refused_by_the_proxy() -> Record {
    if std::env::var_os(PROXY).is_some() {
        return dial("tcp://127.0.0.1:1".into(), None);
    }
    let proxy = server_that_says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let itself = std::env::current_exe().expect("this program");
    let status = Command::new(itself)
        .args(["--exact", "values::a_proxy_of_the_environment_refuses"])
        .env(PROXY, "TRUE")
        .env("http_proxy", format!("http://{proxy}"))
        .env_remove("no_proxy")
        .status()
        .expect("this program again");
    assert!(status.success());
    let mut seen = Record::new(Kind::ConnectFailed);
    seen.head.flags = 4;
    seen
}

/// Runs with that environment alone what [`refused_by_the_proxy`] has it run for.
#[test]
fn a_proxy_of_the_environment_refuses() {
    if std::env::var_os(PROXY).is_some() {
        let failed = refused_by_the_proxy();
        assert_eq!(failed.head.flags, 4);
        let text = String::from_utf8_lossy(failed.topic()).into_owned();
        assert!(text.contains("403"), "{text}");
    }
}

fn refused_as_a_websocket() -> Record {
    let program = Program::new(Create::default());
    let mut server = program.attach(Connect {
        websocket: Some(WebSocket {
            path: "/mqtt".into(),
            host: "localhost".into(),
        }),
        ..Connect::default()
    });
    server.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    program.expect(Kind::ConnectFailed)
}

fn refused_by_the_deadline() -> Record {
    let program = Program::new(Create::default());
    let server = program.attach(Connect {
        deadline: Some(Duration::from_millis(10)),
        ..Connect::default()
    });
    let failed = program.expect(Kind::ConnectFailed);
    drop(server);
    failed
}

fn refused_by_the_program() -> Record {
    let program = Program::new(Create::default());
    let _server = program.attach(Connect::default());
    program.client.abort().expect("connecting");
    program.expect(Kind::ConnectFailed)
}

fn refused_by_tls() -> Record {
    if cfg!(not(feature = "tls")) {
        // There the scheme is refused before.
        let mut seen = Record::new(Kind::ConnectFailed);
        seen.head.flags = 8;
        return seen;
    }
    let server = server_that_says(b"this is no TLS");
    dial(format!("ssl://{server}"), Some(TlsOptions::default()))
}

fn of_v5() -> Create {
    Create {
        version: Version::V5,
        ..Create::default()
    }
}

fn stored(scratch: &Scratch) -> Create {
    Create {
        client_id: "stored".into(),
        store: StoreOptions::File {
            directory: scratch.text(),
            server: "tcp://server:1883".into(),
        },
        ..Create::default()
    }
}

fn check(kind: Kind, table: &[(u8, Provoke)]) {
    for (number, provoke) in table {
        let seen = provoke();
        assert_eq!((seen.head.kind, seen.head.flags), (kind, *number));
    }
}

#[test]
fn every_loss_says_by_what() {
    check(Kind::Lost, &LOST);
}

#[test]
fn every_failure_says_why() {
    check(Kind::Failed, &FAILED);
}

#[test]
fn every_failed_attempt_says_where() {
    check(Kind::ConnectFailed, &CONNECT_FAILED);
}

/// Lines come to the queue that asked for them, with their level: `events::queue` has a test of each.
#[test]
fn lines_of_the_log_have_their_level() {
    let program = Program::new(Create::default());
    program.queue.set_log_level(Some(Level::Error));
    // An error, which another client's server makes.
    lost_to_a_broken_protocol();
    let line = await_kind(&program, Kind::Log);
    assert!(line.head.flags >= Level::Error as u8);
    assert!(!line.topic().is_empty());
    program.queue.set_log_level(None);
}

fn read(file: &str) -> String {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the numbers that begin the parts of a text: "1 the server closed, 2 error of the socket" has 1 and 2.
fn numbers(text: &str) -> Vec<u8> {
    text.split([',', ';'])
        .filter_map(|part| part.split_whitespace().next()?.parse().ok())
        .collect()
}

/// Returns what stands between two words of the first line of the page that begins with the third.
fn listed<'a>(page: &'a str, line: &str, from: &str, to: &str) -> &'a str {
    let line = page
        .lines()
        .find(|candidate| candidate.starts_with(line))
        .unwrap_or_else(|| panic!("no line {line}"));
    let (_, rest) = line.split_once(from).expect("where the list begins");
    rest.split_once(to).map_or(rest, |(list, _)| list)
}

/// The tables above have each number that the page lists, and no other.
#[test]
fn the_page_lists_what_is_seen_here() {
    let page = read("docs/oxide-api.md");
    let of = |table: &[(u8, Provoke)]| table.iter().map(|(number, _)| *number).collect::<Vec<_>>();
    let lost = listed(&page, "| 8 | LOST |", "`flags` ", "; first text");
    assert_eq!(numbers(lost), of(&LOST));
    let failed = listed(&page, "| 3 | FAILED |", "`flags` why: ", " |");
    assert_eq!(numbers(failed), of(&FAILED));
    let mut stages: Vec<u8> = page
        .lines()
        .skip_while(|line| !line.starts_with("| stage | number |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').filter_map(|cell| cell.trim().parse().ok()))
        .collect();
    stages.sort_unstable();
    assert_eq!(stages, of(&CONNECT_FAILED));
}

/// Every kind of event of the header is expected by a test in this folder, or beside the sources.
#[test]
fn every_kind_of_the_header_is_seen() {
    let header = read("include/paho_oxide.h");
    let folder = format!("{}/tests/events", env!("CARGO_MANIFEST_DIR"));
    let mut sources: String = fs::read_dir(folder)
        .expect("this folder")
        .map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("a source"))
        .collect();
    sources += &read("src/events/tests.rs");
    let mut kinds = 0;
    let mut is_kind = false;
    for line in header.lines() {
        if let (true, Some(constant)) = (is_kind, line.strip_prefix("#define MQTTOxide_")) {
            let (name, number) = constant.split_once(' ').expect("a number");
            kinds += 1;
            assert_eq!(number, kinds.to_string(), "{name}");
            let letters: String = name.split('_').collect();
            let expected = sources
                .split("Kind::")
                .skip(1)
                .any(|rest| is_name(rest, &letters));
            assert!(expected, "no test names Kind::{name}");
        }
        is_kind = line.contains("Kind of event:") || (is_kind && line.starts_with(' '));
    }
    assert_eq!(kinds, 15);
}

/// Returns true if the text begins with that name, whatever letters are capital.
fn is_name(text: &str, name: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    text[..end].eq_ignore_ascii_case(name)
}
