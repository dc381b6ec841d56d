//! Messages and the ends of publishes as Python objects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyStopIteration, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

use crate::connection::rc;
use crate::done::Done;
use crate::ending::released;
use paho_oxide::protocol::session::AckToken;

use crate::session::{Dropped, Received};

/// How long a wait goes without a look at signals.
const SLICE: Duration = Duration::from_millis(100);

/// The code of nearly all publishes, made once.
static SUCCESS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn error_code(py: Python<'_>, rc: i32) -> PyResult<Bound<'_, PyAny>> {
    let code = || {
        py.import(intern!(py, "paho_oxide.enums"))?
            .getattr(intern!(py, "MQTTErrorCode"))?
            .call1((rc,))
    };
    if rc != rc::SUCCESS {
        return code();
    }
    let success = SUCCESS.get_or_try_init(py, || code().map(Bound::unbind))?;
    Ok(success.bind(py).clone())
}

/// The end of a publish: what `Client.publish` returns.
///
/// `rc` says how it was taken, `mid` is the number that `on_publish` gets. It can be read as a tuple of the two.
#[pyclass(module = "paho_oxide.client", weakref)]
pub struct MQTTMessageInfo {
    #[pyo3(get, set)]
    mid: Py<PyAny>,
    rc: i32,
    done: Arc<Done>,
    position: usize,
}

impl MQTTMessageInfo {
    pub fn of(py: Python<'_>, mid: u32, rc: i32, done: Arc<Done>) -> PyResult<Self> {
        let mid = mid.into_pyobject(py)?.into_any().unbind();
        Ok(Self {
            mid,
            rc,
            done,
            position: 0,
        })
    }

    /// Raises what says that the publish will never end well, if it is known.
    fn check(&self, ended: Option<bool>) -> PyResult<()> {
        let rc = match ended {
            // Also one that was queued without a connection, and has been delivered since.
            Some(true) => return Ok(()),
            Some(false) => rc::CONN_LOST,
            None => self.rc,
        };
        match rc {
            rc::SUCCESS => Ok(()),
            rc::QUEUE_SIZE => Err(PyValueError::new_err(
                "Message is not queued due to ERR_QUEUE_SIZE",
            )),
            rc => Python::attach(|py| {
                let text = py
                    .import(intern!(py, "paho_oxide.client"))?
                    .getattr(intern!(py, "error_string"))?
                    .call1((rc,))?;
                Err(PyRuntimeError::new_err(format!(
                    "Message publish failed: {text}"
                )))
            }),
        }
    }
}

// These comments are Python's docstrings.
#[allow(clippy::doc_markdown)]
#[pymethods]
impl MQTTMessageInfo {
    #[new]
    #[pyo3(text_signature = "(mid)")]
    fn new(mid: Py<PyAny>) -> Self {
        Self {
            mid,
            rc: rc::SUCCESS,
            done: Arc::default(),
            position: 0,
        }
    }

    #[getter]
    fn rc<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        error_code(py, self.rc)
    }

    #[setter]
    fn set_rc(&mut self, rc: i32) {
        self.rc = rc;
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let rc = error_code(py, self.rc)?.repr()?;
        Ok(format!("({rc}, {})", self.mid.bind(py).repr()?))
    }

    fn __iter__(mut slf: PyRefMut<'_, Self>) -> PyRefMut<'_, Self> {
        slf.position = 0;
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.next(py)
    }

    /// Returns rc, then mid.
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let item = self.__getitem__(py, self.position);
        if item.is_err() {
            return Err(PyStopIteration::new_err(()));
        }
        self.position += 1;
        item
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        match index {
            0 => self.rc(py),
            1 => Ok(self.mid.bind(py).clone()),
            _ => Err(PyIndexError::new_err("index out of range")),
        }
    }

    /// Waits until the publish has ended: written at QoS 0, acknowledged at QoS 1 and 2.
    ///
    /// Other threads run meanwhile. It must not be called in a callback, which is what it would wait for.
    ///
    /// :param timeout: seconds; None waits for ever. Whether the publish has ended then, `is_published` tells.
    /// :raises ValueError: the publish was not taken, because the queue was full.
    /// :raises RuntimeError: it was not taken for another reason, or it was lost with its connection.
    #[pyo3(signature = (timeout=None))]
    fn wait_for_publish(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<()> {
        let py = slf.py();
        let done = {
            let this = slf.borrow();
            this.check(this.done.get())?;
            Arc::clone(&this.done)
        };
        if done.get().is_none() {
            let greenlets = py.import(intern!(py, "paho_oxide._cooperative"))?;
            if greenlets
                .call_method0(intern!(py, "is_patched"))?
                .is_truthy()?
            {
                greenlets.call_method1(intern!(py, "wait_for_publish"), (slf, timeout))?;
                return Ok(());
            }
        }
        let end = timeout.map(|seconds| {
            Instant::now()
                + Duration::try_from_secs_f64(seconds.max(0.0))
                    .unwrap_or(Duration::from_secs(1 << 32))
        });
        let ended = loop {
            let left = end.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()));
            let ended = released(py, || done.wait(left.min(SLICE)));
            if ended.is_some() || left.is_zero() {
                break ended;
            }
            py.check_signals()?;
        };
        slf.borrow().check(ended)
    }

    /// Returns true once the publish has ended.
    ///
    /// :raises ValueError: as `wait_for_publish`.
    /// :raises RuntimeError: as `wait_for_publish`.
    fn is_published(&self) -> PyResult<bool> {
        let ended = self.done.get();
        self.check(ended)?;
        Ok(ended == Some(true))
    }

    fn _set_as_published(&self) {
        self.done.set(true);
    }

    fn _set_as_failed(&self) {
        self.done.set(false);
    }
}

/// A message, received or dropped.
///
/// `timestamp` is of `time.monotonic()`; `properties` are None below MQTT 5.
#[pyclass(module = "paho_oxide.client", weakref)]
pub struct MQTTMessage {
    topic: Py<PyBytes>,
    #[pyo3(get, set)]
    payload: Py<PyAny>,
    #[pyo3(get, set)]
    mid: u32,
    #[pyo3(get, set)]
    qos: u8,
    #[pyo3(get, set)]
    retain: bool,
    #[pyo3(get, set)]
    dup: bool,
    #[pyo3(get, set)]
    timestamp: f64,
    state: Option<Py<PyAny>>,
    info: Option<Py<PyAny>>,
    properties: Option<Py<PyAny>>,
    /// Properties that nobody has asked for yet, of an MQTT 5 message.
    packed: Option<Box<[u8]>>,
    /// What to acknowledge it with.
    pub ack: Option<AckToken>,
}

impl MQTTMessage {
    pub fn of(
        py: Python<'_>,
        received: &Received,
        ack: Option<AckToken>,
        v5: bool,
        timestamp: f64,
    ) -> Self {
        Self {
            topic: PyBytes::new(py, &received.topic).unbind(),
            payload: PyBytes::new(py, &received.payload).into_any().unbind(),
            mid: received.packet_id.into(),
            qos: received.qos,
            retain: received.retain,
            dup: received.dup,
            timestamp,
            state: None,
            info: None,
            properties: None,
            packed: v5.then(|| received.properties.clone()),
            ack,
        }
    }
}

impl MQTTMessage {
    pub fn dropped(py: Python<'_>, dropped: &Dropped, v5: bool) -> Self {
        let message = &dropped.message;
        Self {
            topic: PyBytes::new(py, &message.topic).unbind(),
            payload: PyBytes::new(py, &message.payload).into_any().unbind(),
            mid: dropped.mid,
            qos: dropped.qos,
            retain: message.retain,
            dup: false,
            timestamp: 0.0,
            state: None,
            info: None,
            properties: None,
            packed: v5.then(|| message.properties.clone()),
            ack: None,
        }
    }
}

#[allow(clippy::doc_markdown)] // as above
#[pymethods]
impl MQTTMessage {
    #[new]
    #[pyo3(signature = (mid=0, topic=None))]
    fn new(py: Python<'_>, mid: u32, topic: Option<Py<PyBytes>>) -> Self {
        Self {
            topic: topic.unwrap_or_else(|| PyBytes::new(py, b"").unbind()),
            payload: PyBytes::new(py, b"").into_any().unbind(),
            mid,
            qos: 0,
            retain: false,
            dup: false,
            timestamp: 0.0,
            state: None,
            info: None,
            properties: None,
            packed: None,
            ack: None,
        }
    }

    /// The topic as text.
    ///
    /// :raises UnicodeDecodeError: it is no UTF-8.
    #[getter]
    fn topic<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let topic = self.topic.bind(py);
        match std::str::from_utf8(topic.as_bytes()) {
            Ok(text) => Ok(text.into_pyobject(py)?.into_any()),
            Err(_) => topic.call_method1(intern!(py, "decode"), ("utf-8",)),
        }
    }

    #[setter]
    fn set_topic(&mut self, topic: Py<PyBytes>) {
        self.topic = topic;
    }

    #[getter]
    fn _topic(&self, py: Python<'_>) -> Py<PyBytes> {
        self.topic.clone_ref(py)
    }

    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.state {
            Some(state) => Ok(state.bind(py).clone()),
            None => py
                .import(intern!(py, "paho_oxide.enums"))?
                .getattr(intern!(py, "MessageState"))?
                .call1((0,)),
        }
    }

    #[setter]
    fn set_state(&mut self, state: Py<PyAny>) {
        self.state = Some(state);
    }

    #[getter]
    fn info(&mut self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(info) = &self.info {
            return Ok(info.clone_ref(py));
        }
        let mid = self.mid.into_pyobject(py)?.into_any().unbind();
        let info = Py::new(py, MQTTMessageInfo::new(mid))?.into_any();
        self.info = Some(info.clone_ref(py));
        Ok(info)
    }

    #[setter]
    fn set_info(&mut self, info: Py<PyAny>) {
        self.info = Some(info);
    }

    #[getter]
    fn properties(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if let Some(packed) = self.packed.take() {
            let unpack = py
                .import(intern!(py, "paho_oxide._events"))?
                .getattr(intern!(py, "publish_properties"))?;
            self.properties = Some(unpack.call1((PyBytes::new(py, &packed),))?.unbind());
        }
        Ok(self
            .properties
            .as_ref()
            .map(|properties| properties.clone_ref(py)))
    }

    #[setter]
    fn set_properties(&mut self, properties: Option<Py<PyAny>>) {
        self.packed = None;
        self.properties = properties;
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp, py: Python<'_>) -> Py<PyAny> {
        let equal = other
            .cast::<Self>()
            .is_ok_and(|other| other.borrow().mid == self.mid);
        let answer = match op {
            CompareOp::Eq => equal,
            CompareOp::Ne => !equal,
            _ => return py.NotImplemented(),
        };
        pyo3::types::PyBool::new(py, answer)
            .to_owned()
            .into_any()
            .unbind()
    }
}
