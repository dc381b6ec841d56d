//! The one way into the crate from C.

use std::any::Any;

use libc::c_int;

/// The body of every exported function: calls what it stands for, and turns a panic into the function's failure value.
/// The call and its return are traced, but for functions that are `untraced` in the original too.
///
/// A panic must not unwind into a C program: that would abort it. The lock of the client at hand is one that a panic
/// does not poison, so the client can still be destroyed afterwards.
///
/// Calls are no cancellation points (`pthread_cancel`). What that costs, some 12 ns, would show in the functions that send a
/// message, receive one or free one: those are `hot`, and rely on what they use. Store, layers, callbacks and the closing of
/// connections have the same guard, and all else that they do are system calls made directly, which are no cancellation points,
/// as C's allocator is none.
macro_rules! entry {
    (untraced: $failure:expr, $call:expr) => {{
        let _call = $crate::os::Uncancellable::new();
        $crate::ffi::entry::entry!(untraced hot: $failure, $call)
    }};
    (untraced hot: $failure:expr, $call:expr) => {{
        /// Has the name of the exported function before its own, in its path.
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
    ($failure:expr, $call:expr) => {{
        let _call = $crate::os::Uncancellable::new();
        $crate::ffi::entry::entry!(hot: $failure, $call)
    }};
    (hot: $failure:expr, $call:expr) => {{
        /// Has the name of the exported function before its own, in its path.
        fn traced() {}
        if $crate::trace::enabled($crate::trace::Level::Minimum) {
            $crate::ffi::entry::called(::std::any::type_name_of_val(&traced), line!());
        }
        let value = $crate::ffi::entry::entry!(untraced hot: $failure, $call);
        if $crate::trace::enabled($crate::trace::Level::Minimum) {
            $crate::ffi::entry::returns(::std::any::type_name_of_val(&traced), line!(), &value);
        }
        value
    }};
}

/// What the trace tells of a return value.
pub(in crate::ffi) trait Answer {
    /// Returns the number at the end of the line; none for what is no code.
    fn code(&self) -> Option<i64> {
        None
    }
}

impl Answer for () {}
impl<T> Answer for *mut T {}

impl Answer for c_int {
    fn code(&self) -> Option<i64> {
        Some((*self).into())
    }
}

/// Returns the name of an exported function, of the path of a function inside it.
fn exported(path: &str) -> &str {
    path.rsplit("::").nth(1).unwrap_or(path)
}

/// Traces a call. `path` is that of a function inside the exported one.
#[cold]
pub(in crate::ffi) fn called(path: &str, line: u32) {
    crate::trace::function(true, exported(path), line, None);
}

/// Traces a return.
#[cold]
pub(in crate::ffi) fn returns(path: &str, line: u32, value: &impl Answer) {
    crate::trace::function(false, exported(path), line, value.code());
}

/// Reports a panic. `path` is that of a function inside the exported one.
#[cold]
pub(in crate::ffi) fn panicked(path: &str, payload: &(dyn Any + Send)) {
    let function = exported(path);
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic");
    crate::trace::panic_caught(function, what);
}

pub(in crate::ffi) use entry;

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
