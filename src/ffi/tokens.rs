//! Lists of pending tokens in C's memory.

use libc::c_int;

use crate::ffi::memory;

/// Returns the tokens followed by -1, to be freed by the program; NULL where there are none.
pub fn to_c(tokens: &[c_int]) -> *mut c_int {
    if tokens.is_empty() {
        return std::ptr::null_mut();
    }
    let list: *mut c_int = memory::allocate_array(tokens.len() + 1);
    if !list.is_null() {
        // SAFETY: the block has room for the tokens and the end mark.
        unsafe {
            std::ptr::copy_nonoverlapping(tokens.as_ptr(), list, tokens.len());
            list.add(tokens.len()).write(-1);
        }
    }
    list
}
