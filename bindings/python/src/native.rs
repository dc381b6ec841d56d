//! The connection as Python sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use paho_oxide::protocol::property::{Context, Properties, PropertiesRef, Property};
use paho_oxide::protocol::session::Refused;
use paho_oxide::protocol::{QoS, Version};
use pyo3::exceptions::{PyAttributeError, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::connection::{ConnectOptions, Request, Shared, WillOptions, Writer};
use crate::descriptor;
use crate::dispatch::{Begin, Dispatch, Messages};
use crate::ending::released;
use crate::message::{MQTTMessage, MQTTMessageInfo};

/// Counts forks: a connection of the parent's is dead in the child.
static PROCESS: AtomicU64 = AtomicU64::new(0);

/// How long a publish waits for room without a look at signals.
const SLICE: Duration = Duration::from_millis(50);

/// Called in a forked child: connections of the parent's are refused from now on.
#[pyfunction]
pub fn after_fork() {
    PROCESS.fetch_add(1, Ordering::Relaxed);
}

fn version(protocol: u8) -> Version {
    match protocol {
        3 => Version::V31,
        5 => Version::V5,
        _ => Version::V311,
    }
}

fn quality(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

fn properties(bytes: &[u8], context: Context) -> PyResult<Properties> {
    let parsed = PropertiesRef::parse(bytes, context).map_err(|error| invalid(&error))?;
    let mut owned = Properties::new();
    for property in parsed.iter() {
        let Property { .. } = property;
        owned.push(property).map_err(|error| invalid(&error))?;
    }
    Ok(owned)
}

fn invalid(error: &dyn std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::from_secs(1 << 32))
}

/// A payload as bytes: the forms that `publish` takes.
enum Payload<'py> {
    Bytes(Bound<'py, PyBytes>),
    Owned(Vec<u8>),
}

impl<'py> Payload<'py> {
    fn of(payload: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = payload.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        if let Ok(text) = payload.cast::<PyString>() {
            return Ok(Self::Bytes(text.encode_utf8()?));
        }
        if payload.is_none() {
            return Ok(Self::Owned(Vec::new()));
        }
        if let Ok(bytes) = payload.cast::<PyByteArray>() {
            return Ok(Self::Owned(bytes.to_vec()));
        }
        if payload.is_instance_of::<PyInt>() || payload.is_instance_of::<PyFloat>() {
            return Ok(Self::Owned(payload.str()?.to_string().into_bytes()));
        }
        Err(PyTypeError::new_err(
            "payload must be a string, bytearray, int, float or None.",
        ))
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Returns the `QoS`. Whatever compares with numbers is compared, as in the original.
fn service(qos: &Bound<'_, PyAny>) -> PyResult<u8> {
    if let Ok(number) = qos.cast_exact::<PyInt>() {
        if let Ok(number @ 0..=2) = number.extract() {
            return Ok(number);
        }
        return Err(PyValueError::new_err("Invalid QoS level."));
    }
    if qos.lt(0)? || qos.gt(2)? {
        return Err(PyValueError::new_err("Invalid QoS level."));
    }
    qos.extract()
}

/// Returns what `retain` says. Other types than bool and int are refused, as the original refuses them.
fn is_retained(retain: &Bound<'_, PyAny>) -> PyResult<bool> {
    if retain.is_instance_of::<PyInt>() {
        return retain.is_truthy();
    }
    Err(PyTypeError::new_err("retain must be a bool"))
}

/// The session of a client and its connection, without a thread of its own.
#[pyclass(module = "paho_oxide._native", frozen)]
pub struct Connection {
    shared: Arc<Shared>,
    pub dispatch: Dispatch,
    process: u64,
    v5: bool,
}

impl Connection {
    fn shared(&self) -> PyResult<&Shared> {
        if self.process != PROCESS.load(Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err(
                "this client was made before a fork and belongs to the parent process: make one in the child",
            ));
        }
        Ok(&self.shared)
    }
}

#[pymethods]
impl Connection {
    #[new]
    fn new(protocol: u8, client_id: &[u8]) -> PyResult<Self> {
        let version = version(protocol);
        let shared = Shared::new(version, &String::from_utf8_lossy(client_id))
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self {
            shared: Arc::new(shared),
            dispatch: Dispatch::default(),
            process: PROCESS.load(Ordering::Relaxed),
            v5: version == Version::V5,
        })
    }

    /// Begins a connection with a CONNECT: on a descriptor, or with -1 on a stream that the caller carries.
    #[pyo3(signature = (fd, protocol, bridge, clean, keepalive, max_inflight, client_id, username, password, packed, will, websocket))]
    #[allow(clippy::too_many_arguments)] // all of a CONNECT
    #[allow(clippy::type_complexity)]
    fn open(
        &self,
        fd: i32,
        protocol: u8,
        bridge: bool,
        clean: bool,
        keepalive: u16,
        max_inflight: u32,
        client_id: Vec<u8>,
        username: Option<Vec<u8>>,
        password: Option<Vec<u8>>,
        packed: &[u8],
        will: Option<(Vec<u8>, Vec<u8>, u8, bool, Vec<u8>)>,
        websocket: bool,
    ) -> PyResult<()> {
        let shared = self.shared()?;
        let will = will
            .map(|(topic, payload, qos, retain, packed)| {
                Ok::<_, PyErr>(WillOptions {
                    topic,
                    payload,
                    qos: quality(qos),
                    retain,
                    properties: properties(&packed, Context::Will)?,
                })
            })
            .transpose()?;
        let options = ConnectOptions {
            version: version(protocol),
            bridge,
            clean,
            keep_alive: keepalive,
            max_inflight,
            client_id,
            username,
            password,
            properties: properties(packed, Context::Connect)?,
            will,
            websocket,
        };
        let socket = if fd < 0 {
            None
        } else {
            Some(descriptor::adopt(fd).map_err(std::io::Error::from)?)
        };
        shared
            .open(socket, options)
            .map_err(|error| invalid(&error))
    }

    /// Ends the connection without a word.
    fn close(&self) -> PyResult<()> {
        self.shared()?.close();
        Ok(())
    }

    /// Publishes, and returns the `MQTTMessageInfo`. `wait`: wait for room where too much is unwritten.
    #[allow(clippy::too_many_arguments)]
    fn publish(
        &self,
        py: Python<'_>,
        topic: &Bound<'_, PyAny>,
        payload: &Bound<'_, PyAny>,
        qos: &Bound<'_, PyAny>,
        retain: &Bound<'_, PyAny>,
        packed: Option<&[u8]>,
        wait: bool,
    ) -> PyResult<MQTTMessageInfo> {
        let shared = self.shared()?;
        // In the order in which the original checks.
        let encoded;
        let topic: &[u8] = if topic.is_none() {
            &[]
        } else if let Ok(text) = topic.cast::<PyString>() {
            encoded = text.encode_utf8()?;
            encoded.as_bytes()
        } else if topic.is_instance_of::<PyBytes>() {
            return Err(PyAttributeError::new_err(
                "'bytes' object has no attribute 'encode'",
            ));
        } else {
            topic.len()?;
            return Err(PyTypeError::new_err("topic must be a string"));
        };
        if topic.is_empty() && !self.v5 {
            return Err(PyValueError::new_err("Invalid topic."));
        }
        if topic.iter().any(|byte| matches!(byte, b'+' | b'#')) {
            return Err(PyValueError::new_err(
                "Publish topic cannot contain wildcards.",
            ));
        }
        if topic.len() > 65_535 {
            return Err(PyValueError::new_err("Publish topic is too long."));
        }
        let qos = service(qos)?;
        let payload = Payload::of(payload)?;
        let bytes = payload.as_slice();
        if bytes.len() > 268_435_455 {
            return Err(PyValueError::new_err("Payload too large."));
        }
        let published = shared
            .publish(
                topic,
                bytes,
                qos,
                is_retained(retain)?,
                packed.unwrap_or_default(),
            )
            .map_err(|error| invalid(&error))?;
        if published.too_much && wait {
            while !released(py, || shared.wait_for_room(SLICE)) {
                py.check_signals()?;
            }
        }
        MQTTMessageInfo::of(py, published.mid, published.rc, published.done)
    }

    /// Subscribes to filters with their options; returns the number, or None without a connection.
    fn subscribe(&self, filters: Vec<(Vec<u8>, u8)>, packed: &[u8]) -> PyResult<Option<u32>> {
        let packed = properties(packed, Context::Subscribe)?;
        self.request(Request::Subscribe(filters, packed))
    }

    /// Unsubscribes; returns the number, or None without a connection.
    fn unsubscribe(&self, filters: Vec<Vec<u8>>, packed: &[u8]) -> PyResult<Option<u32>> {
        let packed = properties(packed, Context::Unsubscribe)?;
        self.request(Request::Unsubscribe(filters, packed))
    }

    /// Says DISCONNECT; returns false without a connection.
    fn disconnect(&self, reason: u8, packed: &[u8]) -> PyResult<bool> {
        self.shared()?
            .disconnect(reason, packed)
            .map_err(|error| invalid(&error))
    }

    /// Acknowledges the message of that packet identifier.
    fn ack(&self, packet_id: u16) -> PyResult<()> {
        self.shared()?.acknowledge_packet(packet_id);
        Ok(())
    }

    /// Carries the connection until there are events, it has to end, a signal came, or so many seconds have passed. Other
    /// threads run meanwhile. Returns what [`take`](Self::take) would if the caller tells events: what follows a read is the
    /// program's waiting time for an answer.
    fn turn(&self, py: Python<'_>, timeout: f64, once: bool, tell: bool) -> PyResult<bool> {
        let shared = self.shared()?;
        if tell && self.dispatch.is_left() {
            return Ok(true);
        }
        let deadline = Instant::now() + seconds(timeout);
        released(py, || shared.turn(deadline, once));
        if tell {
            self.dispatch.take(py, shared)
        } else {
            Ok(false)
        }
    }

    /// Takes events from the session unless some are left from before; returns true if there are any to tell.
    fn take(&self, py: Python<'_>) -> PyResult<bool> {
        self.dispatch.take(py, self.shared()?)
    }

    /// Returns an iterator over the messages that come next, each as a tuple of these two and the message: a callback's
    /// arguments. A message counts as told when it is given; it is acknowledged when the next one is asked for.
    fn messages(
        slf: Bound<'_, Self>,
        client: Py<PyAny>,
        userdata: Py<PyAny>,
        acknowledge: bool,
    ) -> Messages {
        Messages::new(slf.unbind(), Some((client, userdata)), acknowledge)
    }

    /// Returns an iterator over the messages that come next, for a program that acknowledges them itself.
    fn bare_messages(slf: Bound<'_, Self>) -> Messages {
        Messages::new(slf.unbind(), None, false)
    }

    /// Returns the event to be told next: a message as `MQTTMessage`, any other as a tuple. It stays the next one until it is
    /// begun or ended.
    fn event(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.dispatch.event(py)
    }

    /// Returns an iterator that gives these arguments, once: the event counts as told from then on.
    fn begin(slf: Bound<'_, Self>, arguments: Py<PyTuple>) -> Begin {
        Begin::new(slf.unbind(), arguments)
    }

    /// Ends the event.
    fn end(&self, acknowledge: bool) {
        self.dispatch.end(acknowledge);
    }

    /// Notes an exception that kept the event from being told: the second one ends it.
    fn failed(&self) {
        self.dispatch.failed();
    }

    /// Acknowledges the messages whose callbacks have returned. One whose callback did not is neither told again nor acknowledged.
    /// Returns true if the callbacks took so long that acknowledgements should be written.
    fn finish(&self) -> PyResult<bool> {
        Ok(self.dispatch.finish(self.shared()?))
    }

    /// Acknowledges messages, as far as they want it.
    fn acknowledge(&self, messages: &Bound<'_, PyList>) -> PyResult<()> {
        let tokens: Vec<_> = messages
            .iter()
            .filter_map(|message| {
                message
                    .cast::<MQTTMessage>()
                    .ok()
                    .and_then(|message| message.borrow().ack)
            })
            .collect();
        let shared = self.shared()?;
        if !tokens.is_empty() {
            shared.acknowledge(&tokens);
        }
        Ok(())
    }

    /// Reads what the socket has.
    fn read(&self) -> PyResult<bool> {
        Ok(self.shared()?.read())
    }

    /// Writes what waits.
    fn write(&self) -> PyResult<()> {
        self.shared()?.write();
        Ok(())
    }

    /// Does what is due: keep-alive.
    fn tick(&self) -> PyResult<()> {
        self.shared()?.tick();
        Ok(())
    }

    /// Returns in how many seconds `tick` has something to do; None: never.
    fn deadline(&self) -> PyResult<Option<f64>> {
        Ok(self.shared()?.deadline().map(|left| left.as_secs_f64()))
    }

    /// Takes bytes of the server's; returns false if events must be told before there are more.
    fn feed(&self, bytes: &[u8]) -> PyResult<bool> {
        Ok(self.shared()?.feed(bytes))
    }

    /// Says that the stream has ended, with this code.
    fn eof(&self, rc: i32) -> PyResult<()> {
        self.shared()?.eof(rc);
        Ok(())
    }

    /// Returns bytes for the server, the same ones until `sent` says how many went.
    fn outgoing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.shared()?.outgoing()))
    }

    /// So many bytes of `outgoing` went.
    fn sent(&self, n: usize) -> PyResult<()> {
        self.shared()?.sent(n);
        Ok(())
    }

    /// Returns the code with which the connection has to end, once all that it delivered was told; or None.
    fn ending(&self) -> PyResult<Option<i32>> {
        let ending = self.shared()?.ending();
        Ok(ending.filter(|_| !self.dispatch.is_left()))
    }

    /// Returns true if a publish need not wait: few bytes are unwritten, or there is no connection.
    fn has_room(&self) -> PyResult<bool> {
        Ok(self.shared()?.has_room())
    }

    /// Returns true if the program is to call `write` once the socket has room.
    fn wants_write(&self) -> PyResult<bool> {
        Ok(self.shared()?.wants_write())
    }

    /// Returns how many bytes of packets have not been written.
    fn unwritten(&self) -> PyResult<u64> {
        Ok(self.shared()?.lock().unwritten())
    }

    /// Returns reason and properties of the server's DISCONNECT, once; None for what the packet leaves out.
    #[allow(clippy::type_complexity)] // two things that may be there
    fn server_disconnect<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Option<u8>, Option<Bound<'py, PyBytes>>)>> {
        let told = self.shared()?.lock().server_disconnect.take();
        Ok(told.map(|told| {
            let properties = told
                .properties
                .map(|properties| PyBytes::new(py, &properties));
            (told.reason, properties)
        }))
    }

    /// Says whether a thread of ours runs the loop, so that publishes may leave the writing to it.
    fn set_threaded(&self, threaded: bool) -> PyResult<()> {
        self.shared()?.lock().writer = if threaded {
            Writer::Loop
        } else {
            Writer::Caller
        };
        Ok(())
    }

    /// Has publishes, subscribes and acknowledgements wait until the program calls `write`, and their numbers go on above 65,535:
    /// such a program keeps a record for each.
    fn gather(&self) -> PyResult<()> {
        let mut state = self.shared()?.lock();
        state.writer = Writer::Gathered;
        state.io.numbers.widen();
        Ok(())
    }

    /// Says whether `_handle_published` is to be called: for publishes of QoS 0, which are written then, and for those of
    /// QoS 1 and 2, which are acknowledged.
    fn set_tell_published(&self, written: bool, acknowledged: bool) -> PyResult<()> {
        let mut state = self.shared()?.lock();
        state.io.tell_written = written;
        state.io.tell_acknowledged = acknowledged;
        Ok(())
    }

    /// Says whether `_handle_ping` is to be called, for a log.
    fn set_tell_pings(&self, pings: bool) -> PyResult<()> {
        self.shared()?.lock().io.tell_pings = pings;
        Ok(())
    }

    /// Sets how many publishes of QoS 1 and 2 may be unfinished; 0 for any number.
    fn set_max_queued(&self, messages: usize) -> PyResult<()> {
        self.shared()?.lock().max_queued = messages;
        Ok(())
    }

    /// Has `turn` return once all is sent and acknowledged, or no more.
    fn set_stop(&self, stop: bool) -> PyResult<()> {
        self.shared()?.set_stop(stop);
        Ok(())
    }

    /// Has `turn` return at once from now on: the interpreter ends.
    fn hurry(&self) -> PyResult<()> {
        self.shared()?.hurry();
        Ok(())
    }

    /// Wakes a thread that waits in `turn` or on `alarm_fd`.
    fn wake(&self) -> PyResult<()> {
        self.shared()?.wake();
        Ok(())
    }

    /// Returns a descriptor that is readable when a loop in Python has to look at what there is to send.
    fn alarm_fd(&self) -> PyResult<i32> {
        use std::os::fd::AsRawFd;
        Ok(self.shared()?.alarm().as_fd().as_raw_fd())
    }

    /// Says whether a loop in Python waits for `alarm_fd`.
    fn set_waiting(&self, waiting: bool) -> PyResult<()> {
        self.shared()?.set_waiting(waiting);
        Ok(())
    }

    /// Returns how many publishes of QoS 1 and 2 have not ended.
    fn outstanding(&self) -> PyResult<usize> {
        Ok(self.shared()?.lock().io.numbers.outstanding())
    }

    /// Drops the publishes of QoS 1 and 2 that have not ended, and returns them.
    fn drop_out(&self, py: Python<'_>) -> PyResult<Vec<Py<MQTTMessage>>> {
        let v5 = self.v5;
        self.shared()?
            .drop_out()
            .into_iter()
            .map(|dropped| Py::new(py, MQTTMessage::dropped(py, &dropped, v5)))
            .collect()
    }
}

impl Connection {
    fn request(&self, request: Request) -> PyResult<Option<u32>> {
        match self.shared()?.request(request) {
            Ok(mid) => Ok(mid),
            Err(Refused::Invalid(malformed)) => Err(invalid(&malformed)),
            Err(_) => Err(PyRuntimeError::new_err(
                "all 65,535 packet identifiers are in use",
            )),
        }
    }
}
