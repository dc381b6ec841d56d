//! The one way into the crate from C.

use std::any::Any;

/// The body of every exported function: calls what it stands for, and turns a panic into the function's failure value.
///
/// A panic must not unwind into a C program: that would abort it. The lock of the client at hand is a `parking_lot` one,
/// which a panic does not poison, so the client can still be destroyed afterwards.
macro_rules! entry {
    ($failure:expr, $call:expr) => {{
        /// Its path has the name of the exported function before its own.
        fn here() {}
        #[allow(unused_unsafe)] // not every function called here has something to require
        let call = ::std::panic::AssertUnwindSafe(|| {
            // SAFETY: what the called function requires of its pointers is what the exported function's documentation
            // requires of the C program; both have the same parameters.
            unsafe { $call }
        });
        match ::std::panic::catch_unwind(call) {
            Ok(value) => value,
            Err(payload) => {
                $crate::ffi::entry::panicked(::std::any::type_name_of_val(&here), &*payload);
                $failure
            }
        }
    }};
}

/// Reports a panic. `path` is that of a function inside the exported one.
#[cold]
pub(super) fn panicked(path: &str, payload: &(dyn Any + Send)) {
    let function = path.rsplit("::").nth(1).unwrap_or(path);
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
