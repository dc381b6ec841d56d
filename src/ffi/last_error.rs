//! Why the calling thread's last call failed, where the code alone does not tell: `strerror` says it behind the code's text.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::fmt::Display;

use libc::c_char;

use super::read::Code;
use crate::trace;

thread_local! {
    /// The code that has a reason; 0 for none. Apart from the text, as most calls only look whether there is one.
    static CODE: Cell<Code> = const { Cell::new(0) };
    /// What `strerror` gives for it.
    static TEXT: RefCell<Option<CString>> = const { RefCell::new(None) };
    static REASON: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes why the call fails that the calling thread is in, and traces it. Returns the code.
pub fn fail(code: Code, why: impl Display) -> Code {
    trace!(Error, "Refused with {code}: {why}");
    note(code, why)
}

/// As [`fail`], for a failure that has been traced where it happened.
pub fn note(code: Code, why: impl Display) -> Code {
    CODE.set(code);
    REASON.with_borrow_mut(|reason| *reason = why.to_string());
    code
}

/// Forgets the reason of an earlier call. Each call that uses a client begins with this.
pub fn clear() {
    CODE.set(0);
}

/// Returns the text of a code with the reason behind it, if the thread's last call failed with that code and a reason. It
/// stays as it is until the thread asks again.
pub fn describe(code: Code, text: &CStr) -> Option<*const c_char> {
    if code == 0 || CODE.get() != code {
        return None;
    }
    let whole = REASON
        .with_borrow(|reason| format!("{}: {}", text.to_string_lossy(), reason.replace('\0', " ")));
    let whole = CString::new(whole).ok()?;
    Some(TEXT.with_borrow_mut(|text| text.insert(whole).as_ptr()))
}
