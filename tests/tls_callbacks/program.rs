//! The program: clients of both APIs, and the callbacks with all that was called.

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::ThreadId;

use paho_oxide::ffi::exports::mqtt_async::*;
use paho_oxide::ffi::exports::mqtt_client::*;
use paho_oxide::ffi::exports::mqtt_client_messages::*;
use paho_oxide::ffi::types::async_types::*;
use paho_oxide::ffi::types::client_types::*;
use paho_oxide::ffi::types::shared_types::SslOptions;

use crate::server::KEY;
use crate::transport_common::PATIENCE;

/// What the program was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Line(String),
    Connected,
    ConnectFailed,
    Lost,
    /// A callback has destroyed its client.
    Destroyed,
}

/// What a callback does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hook {
    #[default]
    Nothing,
    /// Waits until it is let go.
    Block,
    /// Asks whether its client is connected.
    IsConnected,
    /// Destroys its client.
    Destroy,
}

#[derive(Default)]
struct State {
    errors: Hook,
    psk: Hook,
    key: [u8; 4],
    /// Callbacks that run.
    inside: usize,
    released: bool,
    forbidden: bool,
    has_enough: bool,
    events: Vec<Event>,
    /// Those which `rest` and `until` have given.
    given: usize,
    threads: Vec<ThreadId>,
}

/// Shared by all clients that are given it; the context of their callbacks.
#[derive(Default)]
pub struct Program {
    state: Mutex<State>,
    changed: Condvar,
    /// The last client's handle, of one of the two APIs.
    asynchronous: AtomicPtr<c_void>,
    synchronous: AtomicPtr<c_void>,
}

impl Program {
    /// Never freed: a callback that comes too late must find it.
    pub fn new() -> Arc<Self> {
        let program = Arc::new(Self::default());
        program.set_key(*KEY);
        std::mem::forget(Arc::clone(&program));
        program
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let (state, result) = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, |state| !until(state))
            .unwrap();
        let events = &state.events;
        assert!(
            !result.timed_out(),
            "waited in vain; told so far: {events:?}"
        );
        state
    }

    /// Each line is to be the last of its account.
    pub fn has_enough(&self) {
        self.state().has_enough = true;
    }

    pub fn hook_errors(&self, hook: Hook) {
        self.state().errors = hook;
    }

    pub fn hook_psk(&self, hook: Hook) {
        self.state().psk = hook;
    }

    pub fn set_key(&self, key: [u8; 4]) {
        self.state().key = key;
    }

    /// Lets those go that block, and those that come.
    pub fn release(&self) {
        self.state().released = true;
        self.changed.notify_all();
    }

    pub fn wait_inside(&self, count: usize) {
        drop(self.wait(|state| state.inside == count));
    }

    pub fn wait_idle(&self) {
        self.wait_inside(0);
    }

    /// From now on a callback ends the test.
    pub fn forbid(&self) {
        let mut state = self.state();
        assert_eq!(state.inside, 0, "a callback is running");
        state.forbidden = true;
    }

    /// Waits for an event, and takes all up to it.
    pub fn until(&self, last: &Event) -> Vec<Event> {
        let at = |state: &State| {
            let new = &state.events[state.given..];
            new.iter().position(|event| event == last)
        };
        let mut state = self.wait(|state| at(state).is_some());
        let end = state.given + at(&state).unwrap() + 1;
        let events = state.events[state.given..end].to_vec();
        state.given = end;
        events
    }

    /// Waits for an event of which `is_it` is true, takes all up to it, and returns it.
    pub fn until_one(&self, is_it: impl Fn(&Event) -> bool) -> Event {
        let at = |state: &State| state.events[state.given..].iter().position(&is_it);
        let mut state = self.wait(|state| at(state).is_some());
        let end = state.given + at(&state).unwrap() + 1;
        state.given = end;
        state.events[end - 1].clone()
    }

    /// Takes what has come.
    pub fn rest(&self) -> Vec<Event> {
        let mut state = self.state();
        let events = state.events[state.given..].to_vec();
        state.given = state.events.len();
        events
    }

    /// On which threads the lines came.
    pub fn threads(&self) -> Vec<ThreadId> {
        self.state().threads.clone()
    }

    fn tell(&self, event: Event) {
        self.state().events.push(event);
        self.changed.notify_all();
    }

    fn enter(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.forbidden {
            // A panic must not leave a C callback.
            eprintln!("a callback after destroy");
            std::process::abort();
        }
        state.inside += 1;
        self.changed.notify_all();
        state
    }

    fn act(&self, hook: Hook) {
        match hook {
            Hook::Nothing => {}
            Hook::Block => drop(self.wait(|state| state.released)),
            // SAFETY: handles, or NULL.
            Hook::IsConnected => unsafe {
                MQTTAsync_isConnected(self.asynchronous.load(Ordering::SeqCst));
                MQTTClient_isConnected(self.synchronous.load(Ordering::SeqCst));
            },
            Hook::Destroy => {
                let mut handle = self.asynchronous.swap(ptr::null_mut(), Ordering::SeqCst);
                if !handle.is_null() {
                    // SAFETY: the client's handle.
                    unsafe { MQTTAsync_destroy(&raw mut handle) };
                    // What destroying tells belongs before it.
                    self.rest();
                    self.tell(Event::Destroyed);
                }
            }
        }
    }

    fn leave(&self) {
        self.state().inside -= 1;
        self.changed.notify_all();
    }

    fn context(self: &Arc<Self>) -> *mut c_void {
        Arc::as_ptr(self).cast_mut().cast()
    }
}

/// # Safety
/// A program's context.
unsafe fn program<'a>(context: *mut c_void) -> &'a Program {
    // SAFETY: the caller's promise; programs are never freed.
    unsafe { &*context.cast::<Program>() }
}

unsafe extern "C" fn on_error(line: *const c_char, len: usize, context: *mut c_void) -> c_int {
    // SAFETY: called as documented.
    let (program, line) = unsafe { (program(context), CStr::from_ptr(line)) };
    let text = line.to_str().unwrap();
    let line = text.trim_end_matches('\n').to_owned();
    let hook = {
        let mut state = program.enter();
        // One line feed, which is counted, as in the original's lines.
        if text.len() != len || line.len() + 1 != len {
            std::process::abort();
        }
        state.events.push(Event::Line(line));
        state.threads.push(std::thread::current().id());
        state.errors
    };
    program.act(hook);
    program.leave();
    c_int::from(!program.state().has_enough)
}

unsafe extern "C" fn on_psk(
    _: *const c_char,
    identity: *mut c_char,
    _: c_uint,
    key: *mut c_uchar,
    _: c_uint,
    context: *mut c_void,
) -> c_uint {
    // SAFETY: called as documented.
    let program = unsafe { program(context) };
    let (hook, bytes) = {
        let state = program.enter();
        (state.psk, state.key)
    };
    program.act(hook);
    // SAFETY: both buffers are larger.
    unsafe {
        ptr::copy_nonoverlapping(c"me".as_ptr(), identity, 3);
        ptr::copy_nonoverlapping(bytes.as_ptr(), key, bytes.len());
    }
    program.leave();
    4
}

unsafe extern "C" fn on_success(context: *mut c_void, _: *mut MQTTAsync_successData) {
    // SAFETY: called as documented.
    unsafe { program(context) }.tell(Event::Connected);
}

unsafe extern "C" fn on_failure(context: *mut c_void, _: *mut MQTTAsync_failureData) {
    // SAFETY: called as documented.
    unsafe { program(context) }.tell(Event::ConnectFailed);
}

unsafe extern "C" fn on_lost(context: *mut c_void, _: *mut c_char) {
    // SAFETY: called as documented.
    unsafe { program(context) }.tell(Event::Lost);
}

unsafe extern "C" fn on_message_async(
    _: *mut c_void,
    _: *mut c_char,
    _: c_int,
    _: *mut MQTTAsync_message,
) -> c_int {
    0
}

unsafe extern "C" fn on_message(
    _: *mut c_void,
    _: *mut c_char,
    _: c_int,
    _: *mut MQTTClient_message,
) -> c_int {
    0
}

fn id(text: [u8; 4]) -> [c_char; 4] {
    text.map(|byte| c_char::from_ne_bytes([byte]))
}

fn ssl(
    program: &Arc<Program>,
    verify: bool,
    psk: bool,
    trust: Option<&CString>,
    ciphers: &CStr,
) -> SslOptions {
    SslOptions {
        struct_id: id(*b"MQTS"),
        struct_version: 5,
        trustStore: trust.map_or(ptr::null(), |trust| trust.as_ptr()),
        keyStore: ptr::null(),
        privateKey: ptr::null(),
        privateKeyPassword: ptr::null(),
        enabledCipherSuites: if psk { ciphers.as_ptr() } else { ptr::null() },
        enableServerCertAuth: verify.into(),
        sslVersion: 0,
        verify: 0,
        CApath: ptr::null(),
        ssl_error_cb: Some(on_error),
        ssl_error_context: program.context(),
        ssl_psk_cb: psk.then_some(on_psk as _),
        ssl_psk_context: program.context(),
        disableDefaultTrustStore: 0,
        protos: ptr::null(),
        protos_len: 0,
    }
}

/// An `MQTTAsync`, destroyed when it is dropped.
pub struct AsyncClient {
    handle: MQTTAsync,
    program: Arc<Program>,
    /// Verify the server's certificate, which nobody vouches for.
    pub verify: bool,
    pub psk: bool,
    pub trust: Option<String>,
    pub servers: Vec<String>,
}

// SAFETY: the API is thread-safe.
unsafe impl Send for AsyncClient {}

impl AsyncClient {
    pub fn new(uri: &str, program: &Arc<Program>) -> Self {
        let uri = CString::new(uri).unwrap();
        let mut handle = ptr::null_mut();
        // SAFETY: strings as documented, 1 is "no store"; the callbacks have the context that they expect.
        unsafe {
            let created = MQTTAsync_create(
                &raw mut handle,
                uri.as_ptr(),
                c"".as_ptr(),
                1,
                ptr::null_mut(),
            );
            assert_eq!(created, 0);
            let set = MQTTAsync_setCallbacks(
                handle,
                program.context(),
                Some(on_lost),
                Some(on_message_async),
                None,
            );
            assert_eq!(set, 0);
        }
        program.asynchronous.store(handle, Ordering::SeqCst);
        Self {
            handle,
            program: Arc::clone(program),
            verify: false,
            psk: false,
            trust: None,
            servers: Vec::new(),
        }
    }

    pub fn connect(&self) {
        let trust = self
            .trust
            .as_deref()
            .map(|path| CString::new(path).unwrap());
        let mut ssl = ssl(&self.program, self.verify, self.psk, trust.as_ref(), c"PSK");
        let servers: Vec<_> = self
            .servers
            .iter()
            .map(|uri| CString::new(&**uri).unwrap())
            .collect();
        let servers: Vec<_> = servers.iter().map(|uri| uri.as_ptr().cast_mut()).collect();
        // SAFETY: a structure of numbers, pointers and optional functions.
        let mut options: MQTTAsync_connectOptions = unsafe { std::mem::zeroed() };
        options.struct_id = id(*b"MQTC");
        options.struct_version = 8;
        options.keepAliveInterval = 60;
        options.cleansession = 1;
        options.connectTimeout = 30;
        options.maxInflight = 10;
        options.MQTTVersion = 4;
        options.ssl = &raw mut ssl;
        options.serverURIcount = c_int::try_from(servers.len()).unwrap();
        if !servers.is_empty() {
            options.serverURIs = servers.as_ptr();
        }
        options.onSuccess = Some(on_success);
        options.onFailure = Some(on_failure);
        options.context = self.program.context();
        // SAFETY: all that the options point at outlives the call, which copies it.
        let connecting = unsafe { MQTTAsync_connect(self.handle, &raw const options) };
        assert_eq!(connecting, 0);
    }

    pub fn handle(&self) -> *mut c_void {
        self.handle
    }

    pub fn connect_expecting_success(&self) {
        self.connect();
        self.program.until(&Event::Connected);
    }

    /// At `QoS` 0.
    pub fn publish(&self, topic: &str) {
        assert_eq!(self.send(topic, 0).0, 0);
    }

    fn send(&self, topic: &str, qos: c_int) -> (c_int, c_int) {
        let topic = CString::new(topic).unwrap();
        // SAFETY: a structure of numbers, pointers and optional functions; arguments as documented.
        unsafe {
            let mut response: MQTTAsync_responseOptions = std::mem::zeroed();
            response.struct_id = id(*b"MQTR");
            let sent = MQTTAsync_send(
                self.handle,
                topic.as_ptr(),
                0,
                ptr::null(),
                qos,
                0,
                &raw mut response,
            );
            (sent, response.token)
        }
    }

    /// Publishes, and waits for the acknowledgement.
    pub fn round_trip(&self) {
        let (sent, token) = self.send("ping", 1);
        assert_eq!(sent, 0);
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        // SAFETY: the client's handle.
        let waited = unsafe { MQTTAsync_waitForCompletion(self.handle, token, patience) };
        assert_eq!(waited, 0, "no round trip");
    }

    pub fn destroy(mut self) {
        // SAFETY: the client's handle, or one that is none any more.
        unsafe { MQTTAsync_destroy(&raw mut self.handle) };
    }
}

impl Drop for AsyncClient {
    fn drop(&mut self) {
        // SAFETY: as in `destroy`.
        unsafe { MQTTAsync_destroy(&raw mut self.handle) };
    }
}

/// Kinds of `MQTTClient`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sync,
    SyncWithCallbacks,
}

/// An `MQTTClient`.
pub struct SyncClient {
    handle: MQTTClient,
    program: Arc<Program>,
    pub verify: bool,
    pub trust: Option<String>,
}

// SAFETY: the API is thread-safe.
unsafe impl Send for SyncClient {}
// SAFETY: as above.
unsafe impl Sync for SyncClient {}

impl SyncClient {
    pub fn new(uri: &str, program: &Arc<Program>, kind: Kind) -> Self {
        let uri = CString::new(uri).unwrap();
        let mut handle = ptr::null_mut();
        // SAFETY: strings as documented, 1 is "no store"; the callbacks have the context that they expect.
        unsafe {
            let created = MQTTClient_create(
                &raw mut handle,
                uri.as_ptr(),
                c"".as_ptr(),
                1,
                ptr::null_mut(),
            );
            assert_eq!(created, 0);
            if kind == Kind::SyncWithCallbacks {
                let set = MQTTClient_setCallbacks(
                    handle,
                    program.context(),
                    Some(on_lost),
                    Some(on_message),
                    None,
                );
                assert_eq!(set, 0);
            }
        }
        program.synchronous.store(handle, Ordering::SeqCst);
        Self {
            handle,
            program: Arc::clone(program),
            verify: false,
            trust: None,
        }
    }

    pub fn handle(&self) -> *mut c_void {
        self.handle
    }

    pub fn connect(&self) -> c_int {
        let trust = self
            .trust
            .as_deref()
            .map(|path| CString::new(path).unwrap());
        let mut ssl = ssl(&self.program, self.verify, false, trust.as_ref(), c"");
        // SAFETY: a structure of numbers, pointers and optional functions.
        let mut options: MQTTClient_connectOptions = unsafe { std::mem::zeroed() };
        options.struct_id = id(*b"MQTC");
        options.struct_version = 8;
        options.keepAliveInterval = 60;
        options.cleansession = 1;
        options.connectTimeout = 30;
        options.maxInflightMessages = 10;
        options.MQTTVersion = 4;
        options.ssl = &raw mut ssl;
        // SAFETY: all that the options point at outlives the call, which copies it.
        unsafe { MQTTClient_connect(self.handle, &raw mut options) }
    }

    /// At `QoS` 0.
    pub fn publish(&self, topic: &str) {
        let topic = CString::new(topic).unwrap();
        // SAFETY: arguments as documented.
        let sent = unsafe {
            MQTTClient_publish(
                self.handle,
                topic.as_ptr(),
                0,
                ptr::null(),
                0,
                0,
                ptr::null_mut(),
            )
        };
        assert_eq!(sent, 0);
    }

    pub fn receive(&self) -> c_int {
        let (mut topic, mut len, mut message) = (ptr::null_mut(), 0, ptr::null_mut());
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        // SAFETY: arguments as documented.
        unsafe {
            MQTTClient_receive(
                self.handle,
                &raw mut topic,
                &raw mut len,
                &raw mut message,
                patience,
            )
        }
    }

    pub fn disconnect(&self) {
        // SAFETY: the client's handle. Whether there is a connection left is a matter of time.
        unsafe { MQTTClient_disconnect(self.handle, 1000) };
    }

    pub fn destroy(&self) {
        let mut handle = self.handle;
        // SAFETY: the client's handle.
        unsafe { MQTTClient_destroy(&raw mut handle) };
    }
}
