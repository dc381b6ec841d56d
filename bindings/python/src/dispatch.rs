//! From events to Python objects, and one by one to the callbacks. No lock is held here while Python objects are made or dropped:
//! that may run any code of the program's.
//!
//! The callbacks are called from Python, not from here: a thread that is in a callback when the interpreter ends is ended by
//! it, which native frames below the callback would not survive.
//!
//! A signal's handler runs between two steps of the interpreter on the main thread, and may raise an exception there. An event
//! that only a Python variable held would be lost with it. So an event stays here until its callback has begun, and what begins
//! it is an iterator ([`Messages`], [`Begin`]) that `itertools.starmap` asks for the callback's arguments: between that
//! and the callback is no step at which a handler could run. Who comes back after an exception finds the event here; one whose
//! callback had begun is not told again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::connection::Shared;
use crate::done::Done;
use crate::message::{MQTTMessage, MQTTMessageInfo};
use crate::native::Connection;
use crate::session::Event;
use paho_oxide::os::lock::Mutex;
use paho_oxide::protocol::Version;
use paho_oxide::protocol::session::AckToken;

/// Events that are taken between two looks at the socket, and how long their callbacks should take at most.
const BATCH: usize = 64;
const BATCH_TIME: Duration = Duration::from_millis(2);

/// Returns the time of `time.monotonic`, which is what programs compare a message's timestamp with.
///
/// Python is asked for it once, and the time since then added: rustix reads the kernel's vDSO itself, which ended the process
/// under valgrind.
fn monotonic(py: Python<'_>, now: Instant) -> PyResult<f64> {
    static BEGAN: OnceLock<(f64, Instant)> = OnceLock::new();
    let (began, since) = if let Some(began) = BEGAN.get() {
        *began
    } else {
        let began = py.import("time")?.getattr("monotonic")?.call0()?;
        // In this order: a timestamp is never later than the time at which a program looks at it.
        *BEGAN.get_or_init(|| (began.extract().unwrap_or_default(), Instant::now()))
    };
    Ok(began + now.saturating_duration_since(since).as_secs_f64())
}

/// What ends with an event.
#[derive(Default)]
struct End {
    /// What to acknowledge a message with.
    ack: Option<AckToken>,
    /// Whoever waits for a publish, and whether it ended well.
    publish: Option<(Arc<Done>, bool)>,
}

impl End {
    fn of(event: &Event) -> Self {
        match event {
            Event::Message(_, ack) => Self {
                ack: *ack,
                publish: None,
            },
            Event::Published { done, well, .. } => Self {
                ack: None,
                publish: Some((Arc::clone(done), *well)),
            },
            _ => Self::default(),
        }
    }
}

/// The event that is being told.
struct Current {
    event: Py<PyAny>,
    is_message: bool,
    end: End,
    /// Its callback has been called: it is not told again, whatever comes of that.
    begun: bool,
    /// An exception kept it from its callback once.
    failed: bool,
}

struct Telling {
    events: VecDeque<Event>,
    current: Option<Current>,
    /// Of messages whose callbacks have returned.
    acknowledgements: Vec<AckToken>,
    v5: bool,
    timestamp: f64,
    taken: Instant,
    /// How many events are taken at a time.
    limit: usize,
    /// How long callbacks took since acknowledgements were written last.
    busy: Duration,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            current: None,
            acknowledgements: Vec::new(),
            v5: false,
            timestamp: 0.0,
            taken: Instant::now(),
            limit: BATCH,
            busy: Duration::ZERO,
        }
    }
}

impl Telling {
    fn is_left(&self) -> bool {
        !self.events.is_empty() || self.current.as_ref().is_some_and(|current| !current.begun)
    }

    /// Has the next batch be as large as the time of this one's callbacks allows; returns true if they took so long since the last
    /// time that acknowledgements should be written.
    fn pace(&mut self) -> bool {
        let took = self.taken.elapsed();
        if took > BATCH_TIME {
            self.limit = (self.limit / 4).max(1);
        } else {
            self.limit = (self.limit * 2).min(BATCH);
        }
        self.busy += took;
        let slow = self.busy > BATCH_TIME;
        if slow {
            self.busy = Duration::ZERO;
        }
        slow
    }

    /// Ends the current event; the caller drops what is returned without the lock.
    #[must_use]
    fn end(&mut self, acknowledge: bool) -> Option<Current> {
        let mut ended = self.current.take()?;
        if let (true, Some(ack)) = (acknowledge, ended.end.ack.take()) {
            self.acknowledgements.push(ack);
        }
        if let Some((done, well)) = ended.end.publish.take() {
            done.set(well);
        }
        Some(ended)
    }

    /// Ends the current event if its callback has begun.
    #[must_use]
    fn end_begun(&mut self, acknowledge: bool) -> Option<Current> {
        if self.current.as_ref().is_some_and(|current| current.begun) {
            return self.end(acknowledge);
        }
        None
    }
}

/// Events between the session and their callbacks.
#[derive(Default)]
pub struct Dispatch(Mutex<Telling>);

impl Dispatch {
    /// Takes events from the session unless some are left; returns true if there are any.
    pub fn take(&self, py: Python<'_>, shared: &Shared) -> PyResult<bool> {
        let now = Instant::now();
        let timestamp = monotonic(py, now)?;
        let mut telling = self.0.lock();
        if !telling.is_left() {
            let mut state = shared.lock();
            telling.timestamp = timestamp;
            telling.taken = now;
            telling.v5 = state.session.version() == Version::V5;
            while telling.events.len() < telling.limit {
                match state.io.pop() {
                    Some(event) => telling.events.push_back(event),
                    None => break,
                }
            }
        }
        Ok(telling.is_left())
    }

    /// Returns true if an event waits to be told.
    pub fn is_left(&self) -> bool {
        self.0.lock().is_left()
    }

    /// Returns the event that is to be told next: the same one until it has begun, or ended.
    pub fn event(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let (event, v5, timestamp) = {
            let mut telling = self.0.lock();
            // Its callback did not return.
            let begun = telling.end_begun(false);
            if let Some(current) = &telling.current {
                return Ok(Some(current.event.clone_ref(py)));
            }
            let event = telling.events.pop_front();
            let of = (event, telling.v5, telling.timestamp);
            drop(telling);
            drop(begun);
            of
        };
        event
            .map(|event| self.make(py, event, v5, timestamp, false))
            .transpose()
    }

    /// Ends the current event, whose callback has returned, and begins the next one if it is a message.
    fn next_message(&self, py: Python<'_>, acknowledge: bool) -> PyResult<Option<Py<PyAny>>> {
        let (event, v5, timestamp) = {
            let mut telling = self.0.lock();
            let ended = telling.end_begun(acknowledge);
            if let Some(current) = &mut telling.current {
                if !current.is_message {
                    return Ok(None);
                }
                current.begun = true;
                return Ok(Some(current.event.clone_ref(py)));
            }
            let is_message = matches!(telling.events.front(), Some(Event::Message(..)));
            let event = if is_message {
                telling.events.pop_front()
            } else {
                None
            };
            let of = (event, telling.v5, telling.timestamp);
            drop(telling);
            drop(ended);
            of
        };
        event
            .map(|event| self.make(py, event, v5, timestamp, true))
            .transpose()
    }

    /// Makes an event the current one. If there is no memory for its object, it is the next one still.
    fn make(
        &self,
        py: Python<'_>,
        event: Event,
        v5: bool,
        timestamp: f64,
        begun: bool,
    ) -> PyResult<Py<PyAny>> {
        let made = object(py, &event, v5, timestamp);
        let mut telling = self.0.lock();
        match made {
            Ok(made) => {
                telling.current = Some(Current {
                    event: made.clone_ref(py),
                    is_message: matches!(event, Event::Message(..)),
                    end: End::of(&event),
                    begun,
                    failed: false,
                });
                Ok(made)
            }
            Err(error) => {
                telling.events.push_front(event);
                Err(error)
            }
        }
    }

    /// Notes that the current event's callback is called now.
    fn begin(&self) {
        if let Some(current) = &mut self.0.lock().current {
            current.begun = true;
        }
    }

    /// Ends the current event.
    pub fn end(&self, acknowledge: bool) {
        let ended = self.0.lock().end(acknowledge);
        drop(ended);
    }

    /// Notes an exception that kept the current event from its callback. The second one for the same event ends it: what fails
    /// each time must not hold up what comes behind.
    pub fn failed(&self) {
        let mut telling = self.0.lock();
        let ended = match &mut telling.current {
            Some(current) if !current.begun && !current.failed => {
                current.failed = true;
                None
            }
            Some(current) if !current.begun => telling.end(false),
            _ => None,
        };
        drop(telling);
        drop(ended);
    }

    /// Ends an event whose callback did not return, and acknowledges messages whose callbacks did. Returns true if it is time to
    /// write.
    pub fn finish(&self, shared: &Shared) -> bool {
        let (begun, acknowledgements, slow) = {
            let mut telling = self.0.lock();
            let begun = telling.end_begun(false);
            let acknowledgements = std::mem::take(&mut telling.acknowledgements);
            (begun, acknowledgements, telling.pace())
        };
        drop(begun);
        if !acknowledgements.is_empty() {
            shared.acknowledge(&acknowledgements);
        }
        slow
    }
}

/// The messages that come next, with a callback's arguments: each begins when it is given, and has ended when the next one is
/// asked for.
#[pyclass(module = "paho_oxide._native", frozen)]
pub struct Messages {
    connection: Py<Connection>,
    /// The client and its user data; nothing: the messages are given by themselves.
    first: Option<(Py<PyAny>, Py<PyAny>)>,
    acknowledge: bool,
    exhausted: AtomicBool,
}

impl Messages {
    pub fn new(
        connection: Py<Connection>,
        first: Option<(Py<PyAny>, Py<PyAny>)>,
        acknowledge: bool,
    ) -> Self {
        Self {
            connection,
            first,
            acknowledge,
            exhausted: AtomicBool::new(false),
        }
    }
}

#[allow(clippy::doc_markdown)] // Python's docstrings
#[pymethods]
impl Messages {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// True once it has been asked for more than there is: otherwise `starmap` has ended because a callback raised StopIteration.
    #[getter]
    fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let dispatch = &self.connection.get().dispatch;
        let Some(message) = dispatch.next_message(py, self.acknowledge)? else {
            self.exhausted.store(true, Ordering::Relaxed);
            return Ok(None);
        };
        match &self.first {
            None => Ok(Some(message)),
            Some((client, userdata)) => {
                let arguments = (client.clone_ref(py), userdata.clone_ref(py), message);
                Ok(Some(arguments.into_pyobject(py)?.into_any().unbind()))
            }
        }
    }
}

/// The arguments of a callback, given once; the current event begins with that.
#[pyclass(module = "paho_oxide._native", frozen)]
pub struct Begin {
    connection: Py<Connection>,
    arguments: Py<PyTuple>,
    given: AtomicBool,
    exhausted: AtomicBool,
}

impl Begin {
    pub fn new(connection: Py<Connection>, arguments: Py<PyTuple>) -> Self {
        Self {
            connection,
            arguments,
            given: AtomicBool::new(false),
            exhausted: AtomicBool::new(false),
        }
    }
}

#[pymethods]
impl Begin {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// As that of `Messages`.
    #[getter]
    fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    fn __next__(&self, py: Python<'_>) -> Option<Py<PyTuple>> {
        if self.given.swap(true, Ordering::Relaxed) {
            self.exhausted.store(true, Ordering::Relaxed);
            return None;
        }
        self.connection.get().dispatch.begin();
        Some(self.arguments.clone_ref(py))
    }
}

/// Returns a message as `MQTTMessage`, any other event as a tuple that begins with what happened.
fn object(py: Python<'_>, event: &Event, v5: bool, now: f64) -> PyResult<Py<PyAny>> {
    let tuple = match event {
        Event::Message(received, ack) => {
            return Ok(Py::new(py, MQTTMessage::of(py, received, *ack, v5, now))?.into_any());
        }
        Event::Published {
            mid,
            done,
            qos,
            reason,
            properties,
            well,
        } => {
            let info = MQTTMessageInfo::of(py, *mid, 0, Arc::clone(done))?;
            let properties = PyBytes::new(py, properties);
            ("published", *mid, info, *qos, *reason, properties, *well)
                .into_pyobject(py)?
                .into_any()
        }
        Event::Subscribed {
            mid,
            codes,
            properties,
        } => {
            let (codes, properties) = (PyBytes::new(py, codes), PyBytes::new(py, properties));
            ("subscribed", *mid, codes, properties)
                .into_pyobject(py)?
                .into_any()
        }
        Event::Unsubscribed {
            mid,
            codes,
            properties,
        } => {
            let (codes, properties) = (PyBytes::new(py, codes), PyBytes::new(py, properties));
            ("unsubscribed", *mid, codes, properties)
                .into_pyobject(py)?
                .into_any()
        }
        Event::Ping { answered } => ("ping", *answered).into_pyobject(py)?.into_any(),
        Event::Connected {
            session_present,
            code,
            properties,
        } => {
            let properties = PyBytes::new(py, properties);
            ("connected", *session_present, *code, properties)
                .into_pyobject(py)?
                .into_any()
        }
    };
    Ok(tuple.unbind())
}
