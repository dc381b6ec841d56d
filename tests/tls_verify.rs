//! The verify callback of `libpaho-oxide-tls`: what it is shown, what becomes of its answer, and what it may do.
//!
//! The C API is called as a C program calls it.
#![cfg(feature = "tls")]
#![allow(unsafe_code, reason = "the API under test is a C API")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "tls_callbacks/server.rs"]
mod server;
#[path = "transport_common/tls.rs"]
mod tls;
#[path = "transport_common/mod.rs"]
mod transport_common;

use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::exports::paho_oxide::*;
#[allow(clippy::wildcard_imports, reason = "it uses most of what is there")]
use paho_oxide::ffi::types::oxide_types::*;

use server::Server;
use tls::Site;
use transport_common::PATIENCE;

/// More than there are threads that connect.
const MANY: usize = 5;

/// What the callback was shown.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    host: String,
    chain: Vec<Vec<u8>>,
}

/// What the callback does before it answers.
enum Before {
    Nothing,
    /// Waits until something can be received.
    Wait(Mutex<Receiver<()>>),
    /// Destroys the client of this handle.
    Destroy(Arc<AtomicU64>),
}

/// The callback's context.
struct Program {
    shown: Mutex<Sender<Shown>>,
    before: Before,
    /// The reason of a refusal; nothing to accept.
    refusal: Option<&'static str>,
}

unsafe extern "C" fn verify(
    context: *mut c_void,
    host: *const c_char,
    host_len: u32,
    chain: *const MQTTOxide_certificate,
    count: u32,
    reason: *mut c_char,
    capacity: u32,
) -> i32 {
    // SAFETY: called by the library: the context is a program, which outlives its clients, and all else has the length that
    // is given.
    unsafe {
        let program = &*context.cast::<Program>();
        let bytes = |start: *const c_void, len: u32| {
            std::slice::from_raw_parts(start.cast::<u8>(), len as usize).to_vec()
        };
        let shown = Shown {
            host: String::from_utf8(bytes(host.cast(), host_len)).unwrap(),
            chain: (0..count as usize)
                .map(|n| bytes((*chain.add(n)).der, (*chain.add(n)).len))
                .collect(),
        };
        let _ = program.shown.lock().unwrap().send(shown);
        match &program.before {
            Before::Nothing => {}
            Before::Wait(gate) => gate.lock().unwrap().recv_timeout(PATIENCE).unwrap(),
            Before::Destroy(client) => {
                assert_eq!(MQTTOxide_destroy(client.load(Ordering::Acquire)), 0);
            }
        }
        match program.refusal {
            None => 0,
            Some("") => -1,
            Some(why) => {
                assert!(why.len() <= capacity as usize);
                reason.copy_from_nonoverlapping(why.as_ptr().cast(), why.len());
                i32::try_from(why.len()).unwrap()
            }
        }
    }
}

fn program(before: Before, refusal: Option<&'static str>) -> (Box<Program>, Receiver<Shown>) {
    let (shown, is_shown) = channel();
    let program = Program {
        shown: Mutex::new(shown),
        before,
        refusal,
    };
    (Box::new(program), is_shown)
}

/// A queue with a client, both destroyed at the end.
struct Client {
    queue: u64,
    client: Arc<AtomicU64>,
}

impl Client {
    fn new() -> Self {
        let (mut queue, mut client) = (0, 0);
        // SAFETY: numbers to be written to, and a structure of numbers and NULL pointers.
        unsafe {
            let mut options: MQTTOxide_createOptions = std::mem::zeroed();
            options.size = u32::try_from(size_of::<MQTTOxide_createOptions>()).unwrap();
            assert_eq!(MQTTOxide_createQueue(&raw mut queue), 0);
            assert_eq!(
                MQTTOxide_create(&raw mut client, queue, &raw const options),
                0
            );
        }
        Self {
            queue,
            client: Arc::new(AtomicU64::new(client)),
        }
    }

    fn handle(&self) -> u64 {
        self.client.load(Ordering::Acquire)
    }

    /// Begins to connect, trusting `site`, unless `flags` say that nobody need be trusted.
    fn connect(
        &self,
        server: &Server,
        site: &Site,
        flags: u32,
        deadline_ms: u32,
        program: &Program,
    ) {
        let (uri, trust) = (server.uri(), site.path("ca.pem"));
        let len = |text: &str| u32::try_from(text.len()).unwrap();
        // SAFETY: structures of numbers and pointers, which point at what outlives the call.
        unsafe {
            let mut connect: MQTTOxide_connectOptions = std::mem::zeroed();
            connect.size = u32::try_from(size_of::<MQTTOxide_connectOptions>()).unwrap();
            connect.version = 4;
            connect.clean = 1;
            connect.deadline_ms = deadline_ms;
            let mut tls: MQTTOxide_tlsOptions = std::mem::zeroed();
            tls.size = u32::try_from(size_of::<MQTTOxide_tlsOptions>()).unwrap();
            tls.flags = flags;
            if flags == 0 {
                tls.trust = trust.as_ptr().cast();
                tls.trust_len = len(&trust);
            }
            tls.verify = Some(verify);
            tls.verify_context = (&raw const *program).cast_mut().cast();
            let code = MQTTOxide_connect(
                self.handle(),
                uri.as_ptr().cast(),
                len(&uri),
                &raw const connect,
                &raw const tls,
            );
            assert_eq!(code, 0, "connect");
        }
    }

    /// The next event, which must come: its kind, its flags and its text.
    fn next(&self) -> (u32, u8, String) {
        let mut buffer = [0_u64; 256];
        let mut count = 0;
        // SAFETY: an aligned buffer of that size; the event is whole, and so is its text.
        unsafe {
            let filled = MQTTOxide_nextEvents(
                self.queue,
                buffer.as_mut_ptr().cast(),
                u32::try_from(size_of_val(&buffer)).unwrap(),
                i32::try_from(PATIENCE.as_millis()).unwrap(),
                &raw mut count,
            );
            assert!(filled > 0 && count == 1, "{filled} bytes, {count} events");
            let event = &*buffer.as_ptr().cast::<MQTTOxide_event>();
            let text = buffer
                .as_ptr()
                .cast::<u8>()
                .add(size_of::<MQTTOxide_event>());
            let text = std::slice::from_raw_parts(text, event.topic_len as usize);
            (
                event.kind.into(),
                event.flags,
                String::from_utf8(text.to_vec()).unwrap(),
            )
        }
    }

    fn expect_connected(&self) {
        let (kind, _, text) = self.next();
        assert_eq!(kind, MQTTOxide_CONNECTED, "{text}");
    }

    /// The next event, which must be that no connection was made: the stage and the text.
    fn expect_failure(&self) -> (u8, String) {
        let (kind, stage, text) = self.next();
        assert_eq!(kind, MQTTOxide_CONNECT_FAILED, "{text}");
        (stage, text)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: handles are numbers. The client may be destroyed already.
        unsafe {
            let _ = MQTTOxide_destroy(self.handle());
            let code = MQTTOxide_destroyQueue(self.queue);
            assert!(code == 0 || std::thread::panicking(), "{code}");
        }
    }
}

const DEADLINE: u8 = 6;
const TLS: u8 = 8;

#[test]
fn a_certificate_that_the_program_accepts_is_good() {
    let site = Site::new();
    let server = Server::with_chain(&site.server, &site.ca);
    let (program, shown) = program(Before::Nothing, None);
    let client = Client::new();
    client.connect(&server, &site, 0, 0, &program);
    client.expect_connected();
    let der = |of: &certs::Identity| of.certificate.to_der().unwrap();
    let expected = Shown {
        host: "127.0.0.1".into(),
        chain: vec![der(&site.server), der(&site.ca)],
    };
    assert_eq!(
        shown.try_recv(),
        Ok(expected),
        "the server's own comes first"
    );
    assert!(shown.try_recv().is_err(), "asked once");
}

#[test]
fn a_certificate_that_the_program_refuses_is_not() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    for (refusal, expected) in [
        ("not the pinned one", "not the pinned one"),
        ("", "no reason"),
    ] {
        let (program, shown) = program(Before::Nothing, Some(refusal));
        let client = Client::new();
        client.connect(&server, &site, 0, 0, &program);
        let (stage, text) = client.expect_failure();
        assert_eq!(stage, TLS);
        assert!(text.contains(expected), "{text}");
        assert_eq!(shown.try_recv().map(|shown| shown.chain.len()), Ok(1));
    }
}

/// OpenSSL's checks come first, and only where they are wanted: with flag 1 the program alone decides.
#[test]
fn the_program_is_asked_after_the_checks_that_are_wanted() {
    let site = Site::new();
    let stranger = certs::Identity::localhost(None);
    let server = Server::with_certificate(&stranger);
    let (program, shown) = program(Before::Nothing, None);
    let client = Client::new();
    client.connect(&server, &site, 0, 0, &program);
    let (stage, text) = client.expect_failure();
    assert!(
        stage == TLS && text.contains("certificate verify failed"),
        "{text}"
    );
    assert!(shown.try_recv().is_err(), "not asked");
    client.connect(&server, &site, 1, 0, &program);
    client.expect_connected();
    let der = stranger.certificate.to_der().unwrap();
    assert_eq!(shown.try_recv().unwrap().chain, [der]);
}

/// Others connect and are served while callbacks wait, and an attempt ends at its deadline whatever its callback does.
#[test]
fn a_callback_that_blocks_delays_nobody_else() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let (gates, waiting): (Vec<Sender<()>>, Vec<_>) = (0..MANY)
        .map(|_| {
            let (go, gate) = channel();
            let (program, shown) = program(Before::Wait(Mutex::new(gate)), None);
            let client = Client::new();
            client.connect(&server, &site, 0, 0, &program);
            shown.recv_timeout(PATIENCE).unwrap();
            (go, (client, program))
        })
        .unzip();
    let (quick, _shown) = program(Before::Nothing, None);
    let other = Client::new();
    other.connect(&server, &site, 0, 0, &quick);
    other.expect_connected();
    for gate in gates {
        gate.send(()).unwrap();
    }
    for (client, _) in &waiting {
        client.expect_connected();
    }
    let (go, gate) = channel();
    let (late, _shown) = program(Before::Wait(Mutex::new(gate)), None);
    let client = Client::new();
    client.connect(&server, &site, 0, 1000, &late);
    assert_eq!(client.expect_failure().0, DEADLINE);
    // It runs on, and its answer is passed over; destroying waits for it.
    go.send(()).unwrap();
    drop(client);
}

/// On the callback's own thread destroying does not wait for it.
#[test]
fn a_callback_may_destroy_its_client() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let client = Client::new();
    let (program, shown) = program(Before::Destroy(Arc::clone(&client.client)), None);
    client.connect(&server, &site, 0, 0, &program);
    shown.recv_timeout(PATIENCE).unwrap();
    // The queue can be destroyed once its client is gone.
    let deadline = std::time::Instant::now() + PATIENCE;
    // SAFETY: handles are numbers.
    while unsafe { MQTTOxide_destroyQueue(client.queue) } == MQTTOxide_E_STATE {
        assert!(std::time::Instant::now() < deadline, "still there");
        std::thread::yield_now();
    }
    std::mem::forget(client);
    // Its context has to outlive the callback, which is about to return.
    Box::leak(program);
}

/// On any other thread destroying waits until the callback has ended: what its context points to may be freed then.
#[test]
fn destroying_waits_for_the_callback() {
    let site = Site::new();
    let server = Server::with_certificate(&site.server);
    let (go, gate) = channel();
    let client = Client::new();
    let (program, shown) = program(Before::Wait(Mutex::new(gate)), None);
    client.connect(&server, &site, 0, 0, &program);
    shown.recv_timeout(PATIENCE).unwrap();
    let handle = client.handle();
    let (done, is_done) = channel();
    let destroying = std::thread::spawn(move || {
        // SAFETY: handles are numbers.
        let code = unsafe { MQTTOxide_destroy(handle) };
        done.send(()).unwrap();
        code
    });
    let early = is_done.recv_timeout(Duration::from_millis(200));
    assert!(early.is_err(), "the callback is not over");
    go.send(()).unwrap();
    assert_eq!(destroying.join().unwrap(), 0);
}
