//! The one way into the crate from C.

use std::any::Any;

use libc::c_int;

use super::client_types::MQTTResponse;
use crate::trace::{self, Level};

/// The body of every exported function: calls what it stands for, traces it, and turns a panic into the function's failure
/// value.
///
/// A panic must not unwind into a C program: that would abort it. The lock of the client at hand is a `parking_lot` one,
/// which a panic does not poison, so the client can still be destroyed afterwards.
macro_rules! entry {
    ($failure:expr, $call:expr) => {{
        /// Its path has the name of the exported function before its own.
        fn here() {}
        let path = ::std::any::type_name_of_val(&here);
        $crate::ffi::entry::entered(path, line!());
        #[allow(unused_unsafe)] // not every function called here has something to require
        let call = ::std::panic::AssertUnwindSafe(|| {
            // SAFETY: what the called function requires of its pointers is what the exported function's documentation
            // requires of the C program; both have the same parameters.
            unsafe { $call }
        });
        match ::std::panic::catch_unwind(call) {
            Ok(value) => {
                $crate::ffi::entry::left(path, line!(), &value);
                value
            }
            Err(payload) => {
                $crate::ffi::entry::panicked(path, &*payload);
                $failure
            }
        }
    }};
}

/// The name of the exported function; `path` is that of a function inside it.
fn name(path: &str) -> &str {
    path.rsplit("::").nth(1).unwrap_or(path)
}

/// Whether calls of that function are traced: those that do something with a client. The original is silent about the
/// others too, but for memory, which would bury the rest.
fn is_traced(function: &str) -> bool {
    let untraced = [
        "strerror",
        "getVersionInfo",
        "malloc",
        "free",
        "freeMessage",
    ];
    function
        .strip_prefix("MQTTClient_")
        .or_else(|| function.strip_prefix("MQTTAsync_"))
        .is_some_and(|rest| !untraced.contains(&rest) && !rest.starts_with("setTrace"))
}

/// Traces a call's beginning.
#[inline]
pub(super) fn entered(path: &str, line: u32) {
    if trace::enabled(Level::Minimum) {
        trace_call(true, path, line, None);
    }
}

/// Traces a call's end, with its return code if it has one.
#[inline]
pub(super) fn left<T: Any>(path: &str, line: u32, value: &T) {
    if trace::enabled(Level::Minimum) {
        trace_call(false, path, line, Some(value));
    }
}

#[cold]
fn trace_call(entry: bool, path: &str, line: u32, value: Option<&dyn Any>) {
    let function = name(path);
    if is_traced(function) {
        let code = value.and_then(|value| {
            let code = value.downcast_ref::<c_int>().copied();
            let response = || Some(value.downcast_ref::<MQTTResponse>()?.reasonCode);
            code.or_else(response)
        });
        trace::function(entry, function, line, code.map(i64::from));
    }
}

/// Reports a panic. `path` is that of a function inside the exported one.
#[cold]
pub(super) fn panicked(path: &str, payload: &(dyn Any + Send)) {
    let function = name(path);
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    crate::trace::panic_caught(function, what);
}

pub(super) use entry;

#[cfg(test)]
mod tests {
    unsafe fn divide(a: i32, b: i32) -> i32 {
        a / b
    }

    #[test]
    fn a_panic_becomes_the_failure_value() {
        assert_eq!(entry!(-1, divide(6, 3)), 2);
        assert_eq!(entry!(-1, divide(6, std::hint::black_box(0))), -1);
    }
}
