//! Why the calling thread's last call failed, where the code alone does not tell: `strerror` says it behind the code's text, and
//! `MQTTOxide_lastError` tells it of the client, or, where there is none, of the thread.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::fmt::Display;

use libc::c_char;

use super::read::Code;
use crate::engine::Numbers;
use crate::trace;

thread_local! {
    /// The code that has a reason; 0 for none. Apart from the text, as most calls only look whether there is one.
    static CODE: Cell<Code> = const { Cell::new(0) };
    /// The reason is to be traced at the end of the call.
    static UNTRACED: Cell<bool> = const { Cell::new(false) };
    static REASON: RefCell<String> = const { RefCell::new(String::new()) };
    /// What there is to say of it in numbers.
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers::NONE) };
    /// What `strerror` gives for it.
    static TEXT: RefCell<Option<CString>> = const { RefCell::new(None) };
    /// The last call that was refused, whatever came after it.
    static REFUSAL: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When it was, in nanoseconds of the monotonic clock: a later one has a greater number, also where the process has two
    /// of these libraries.
    pub number: u64,
    pub code: Code,
    pub text: String,
    pub numbers: Numbers,
}

/// Notes why the call fails that the calling thread is in, for the trace too. Returns the code.
pub fn fail(code: Code, why: impl Display) -> Code {
    UNTRACED.set(true);
    reason(code, why)
}

/// Works as [`fail`], for a failure that has been traced where it happened, or that says no more than the call's code in the
/// trace does.
pub fn note(code: Code, why: impl Display) -> Code {
    UNTRACED.set(false);
    reason(code, why)
}

fn reason(code: Code, why: impl Display) -> Code {
    CODE.set(code);
    NUMBERS.set(Numbers::NONE);
    // A thread at its very end has no texts any more.
    let _ = REASON.try_with(|reason| {
        let mut reason = reason.borrow_mut();
        reason.clear();
        let _ = std::fmt::Write::write_fmt(&mut *reason, format_args!("{why}"));
    });
    code
}

/// Says in numbers what the reason says in words. Returns the code.
pub fn with_numbers(code: Code, numbers: Numbers) -> Code {
    NUMBERS.set(numbers);
    code
}

/// Puts words in front of the reason: what it is that "is NULL".
fn begin_with(code: Code, words: &str, between: char) -> Code {
    if CODE.get() == code {
        let _ = REASON.try_with(|reason| {
            let mut reason = reason.borrow_mut();
            *reason = format!("{words}{between}{reason}");
        });
    }
    code
}

/// Says which parameter or member the reason is about. Returns the code.
pub fn named(code: Code, name: &str) -> Code {
    begin_with(code, name, ' ')
}

/// Says in which member the member is that the reason names. Returns the code.
pub fn inside(code: Code, name: &str) -> Code {
    begin_with(code, name, '.')
}

/// Forgets the reason of an earlier call. Each call that uses a client begins with this.
pub fn clear() {
    CODE.set(0);
}

/// A call ends with a code that refuses it: keeps it as the thread's last one. Returns why it is refused: the reason, or the
/// code's own text where none was noted; and its numbers.
pub fn refused(code: Code, text: &CStr) -> (String, Numbers) {
    let (why, numbers) = if CODE.get() == code {
        let why = REASON.try_with(|reason| reason.borrow().clone()).ok();
        (why, NUMBERS.get())
    } else {
        (None, Numbers::NONE)
    };
    if why.is_some() && UNTRACED.take() {
        trace!(
            Error,
            "Refused with {code}: {}",
            why.as_deref().unwrap_or_default()
        );
    }
    let why = why.unwrap_or_else(|| text.to_string_lossy().into_owned());
    let _ = REFUSAL.try_with(|last| {
        *last.borrow_mut() = Some(Refusal {
            number: now(),
            code,
            text: why.clone(),
            numbers,
        });
    });
    (why, numbers)
}

/// Returns the last call of this thread that was refused.
pub fn refusal() -> Option<Refusal> {
    REFUSAL.try_with(|last| last.borrow().clone()).ok()?
}

/// Returns the monotonic clock's time, the same in all libraries of the process. By C's function: rustix reads the vDSO itself,
/// which valgrind does not show.
fn now() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a variable to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Returns the text of a code with the reason behind it, if the thread's last call failed with that code and a reason that
/// says more than the text does. It stays as it is until the thread asks again.
pub fn describe(code: Code, text: &CStr) -> Option<*const c_char> {
    if code == 0 || CODE.get() != code {
        return None;
    }
    let text = text.to_string_lossy();
    let whole = REASON.with_borrow(|reason| {
        // A reason that begins with the code's own text says it no second time.
        let more = match reason.split_at_checked(text.len()) {
            Some((start, "")) if start.eq_ignore_ascii_case(&text) => return None,
            Some((start, rest)) if start.eq_ignore_ascii_case(&text) => {
                rest.strip_prefix(": ").unwrap_or(reason)
            }
            _ => reason,
        };
        Some(format!("{text}: {}", more.replace('\0', " ")))
    })?;
    let whole = CString::new(whole).ok()?;
    Some(TEXT.with_borrow_mut(|text| text.insert(whole).as_ptr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_member_from_the_outside_in() {
        clear();
        let code = fail(-6, "is NULL");
        assert_eq!(named(code, "topicName"), -6);
        inside(code, "will");
        inside(-5, "of another fault");
        assert_eq!(refused(-6, c"NULL").0, "will.topicName is NULL");
        let kept = refusal().expect("refused");
        assert_eq!((kept.code, &*kept.text), (-6, "will.topicName is NULL"));
    }

    #[test]
    fn numbers_are_those_of_their_own_reason() {
        clear();
        let numbers = Numbers {
            os_error: Some(5),
            ..Numbers::NONE
        };
        let code = with_numbers(fail(-1, "why"), numbers);
        assert_eq!(refused(code, c"text"), ("why".into(), numbers));
        assert_eq!(refused(-2, c"text"), ("text".into(), Numbers::NONE));
        let code = fail(-1, "another");
        assert_eq!(refused(code, c"text").1, Numbers::NONE);
        assert_eq!(refusal().expect("refused").numbers, Numbers::NONE);
    }

    #[test]
    fn a_refusal_is_kept_though_the_next_call_is_well() {
        clear();
        refused(-9, c"the code's text");
        clear();
        let kept = refusal().expect("refused");
        assert_eq!((kept.code, &*kept.text), (-9, "the code's text"));
        refused(-9, c"again");
        assert!(refusal().expect("refused").number > kept.number);
    }
}
