//! From events to Python objects. No lock is held here but the interpreter's own.
//!
//! The callbacks are called from Python, not from here: a thread that is in a callback when the interpreter ends is ended by
//! it, which native frames below the callback would not survive.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;

use crate::connection::Shared;
use crate::message::{MQTTMessage, MQTTMessageInfo};
use crate::session::Event;
use paho_oxide::protocol::Version;

/// Returns the time of `time.monotonic`, which is what programs compare a message's timestamp with.
///
/// Python is asked for it: rustix reads the kernel's vDSO itself, which ended the process under valgrind.
fn monotonic(py: Python<'_>) -> PyResult<f64> {
    static CLOCK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLOCK.import(py, "time", "monotonic")?.call0()?.extract()
}

/// Takes at most `limit` events: messages as `MQTTMessage`, all others as tuples that begin with what happened.
pub fn take(py: Python<'_>, shared: &Shared, limit: usize) -> PyResult<Vec<Py<PyAny>>> {
    let (batch, v5) = {
        let mut state = shared.lock();
        let mut batch = Vec::with_capacity(limit.min(state.io.events.len()));
        while batch.len() < limit {
            match state.io.pop() {
                Some(event) => batch.push(event),
                None => break,
            }
        }
        (batch, state.session.version() == Version::V5)
    };
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let now = monotonic(py)?;
    batch
        .into_iter()
        .map(|event| object(py, event, v5, now))
        .collect()
}

fn object(py: Python<'_>, event: Event, v5: bool, now: f64) -> PyResult<Py<PyAny>> {
    let tuple = match event {
        Event::Message(received, ack) => {
            return Ok(Py::new(py, MQTTMessage::of(py, received, ack, v5, now))?.into_any());
        }
        Event::Published {
            mid,
            done,
            qos,
            reason,
            properties,
            well,
        } => {
            let info = MQTTMessageInfo::of(py, mid, 0, done)?;
            (
                "published",
                mid,
                info,
                qos,
                reason,
                PyBytes::new(py, &properties),
                well,
            )
                .into_pyobject(py)?
        }
        Event::Subscribed {
            mid,
            codes,
            properties,
        } => {
            let (codes, properties) = (PyBytes::new(py, &codes), PyBytes::new(py, &properties));
            return Ok(("subscribed", mid, codes, properties)
                .into_pyobject(py)?
                .into_any()
                .unbind());
        }
        Event::Unsubscribed {
            mid,
            codes,
            properties,
        } => {
            let (codes, properties) = (PyBytes::new(py, &codes), PyBytes::new(py, &properties));
            return Ok(("unsubscribed", mid, codes, properties)
                .into_pyobject(py)?
                .into_any()
                .unbind());
        }
        Event::Ping { answered } => {
            return Ok(("ping", answered).into_pyobject(py)?.into_any().unbind());
        }
        Event::Connected {
            session_present,
            code,
            properties,
        } => {
            let properties = PyBytes::new(py, &properties);
            return Ok(("connected", session_present, code, properties)
                .into_pyobject(py)?
                .into_any()
                .unbind());
        }
    };
    Ok(tuple.into_any().unbind())
}
