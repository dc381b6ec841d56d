//! Memory that changes hands between the library and a C program.
//!
//! All of it is C's `malloc` and `free`: programs free with `MQTTClient_free`, but some use plain `free`, and libraries
//! of other languages do the same. What goes through here is counted, for `Heap_get_info`.

use std::mem::MaybeUninit;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use libc::{c_char, c_void, size_t};
use zeroize::Zeroize as _;

use crate::ffi::entry::entry;
use crate::ffi::types::client_types::MQTTResponse;
use crate::ffi::types::shared_types::Message;

/// Bytes allocated and not yet freed. Signed, since a program may have us free memory which it did not get from us (the
/// buffers of its own message store); that must not look like an immense heap.
static CURRENT: AtomicIsize = AtomicIsize::new(0);
/// The most that [`CURRENT`] has been.
static MAX: AtomicIsize = AtomicIsize::new(0);

/// Returns the usable size of a block, by which it is counted. Asking the allocator spares us a header of our own before each
/// block, which plain `free` would choke on.
fn usable_size(block: *mut c_void) -> isize {
    // Not every allocator knows that NULL has none: LeakSanitizer's of GCC 12 crashes on it.
    if block.is_null() {
        return 0;
    }
    // SAFETY: a block of malloc's that has not been freed.
    let size = unsafe { libc::malloc_usable_size(block) };
    isize::try_from(size).unwrap_or(isize::MAX)
}

/// Allocates `size` bytes for the program; NULL when there is no memory. Never NULL for size 0.
pub fn allocate(size: usize) -> *mut c_void {
    // SAFETY: malloc has no requirements.
    let block = unsafe { libc::malloc(size.max(1)) };
    count_new(block);
    block
}

/// Allocates `count` zeroed objects; NULL when there is no memory.
pub fn allocate_array<T>(count: usize) -> *mut T {
    // SAFETY: calloc has no requirements, and checks the product for overflow.
    let block = unsafe { libc::calloc(count.max(1), size_of::<T>().max(1)) };
    count_new(block);
    block.cast()
}

/// Counts a block just allocated.
fn count_new(block: *mut c_void) {
    let size = usable_size(block);
    let now = CURRENT.fetch_add(size, Ordering::Relaxed) + size;
    // The maximum rises rarely: mostly this is a read of a shared cache line.
    if now > MAX.load(Ordering::Relaxed) {
        MAX.fetch_max(now, Ordering::Relaxed);
    }
}

/// Gives a block back.
///
/// # Safety
/// `block` is NULL, or came from C's allocator and has not been freed; nobody uses it any more.
pub unsafe fn free(block: *mut c_void) {
    CURRENT.fetch_sub(usable_size(block), Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe { libc::free(block) }
}

/// Frees a block that holds a password, wiped.
///
/// # Safety
/// As [`free`].
pub unsafe fn free_secret(block: *mut c_void) {
    let size = usize::try_from(usable_size(block)).unwrap_or(0);
    if size > 0 {
        // SAFETY: the allocator says that so many bytes are the block's, and it is freed with nobody reading it. Zeroing is
        // volatile, so that it is not left out as useless.
        unsafe { std::slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), size) }.zeroize();
    }
    // SAFETY: the caller's promise.
    unsafe { free(block) };
}

/// Returns a copy of `bytes` for the program, with a NUL after them that their length does not count; NULL when there is no
/// memory.
pub fn copy_bytes(bytes: &[u8]) -> *mut c_char {
    let copy = allocate(bytes.len() + 1).cast::<u8>();
    if !copy.is_null() {
        // SAFETY: the new block has room for the bytes and the NUL, and does not overlap them.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
            copy.add(bytes.len()).write(0);
        }
    }
    copy.cast()
}

/// Returns the bytes that C describes by a pointer and a length; none for NULL or a length that is not positive.
///
/// # Safety
/// `data` is NULL or points at `len` bytes that stay as they are for `'a`.
pub unsafe fn bytes<'a>(data: *const c_void, len: libc::c_int) -> &'a [u8] {
    match usize::try_from(len) {
        // SAFETY: not NULL, and the caller's promise.
        Ok(len) if !data.is_null() => unsafe { slice::from_raw_parts(data.cast(), len) },
        _ => &[],
    }
}

/// Frees a message with payload and properties, and sets the program's pointer to NULL.
///
/// # Safety
/// `message` is NULL, or points at NULL or at a message that the library handed over.
pub unsafe fn free_message(message: *mut *mut Message) {
    // The original crashes on NULL; there is nothing to free, so nothing is done.
    if message.is_null() {
        return;
    }
    // SAFETY: not NULL, and the caller's promise; the message's parts came from this allocator.
    unsafe {
        let Some(contents) = (*message).as_mut() else {
            return;
        };
        crate::ffi::exports::properties::free(&raw mut contents.properties);
        free(contents.payload);
        free((*message).cast());
        *message = ptr::null_mut();
    }
}

/// Frees what the response of a MQTT 5 function holds.
///
/// # Safety
/// The response is one that the library returned, and its members are not used any more.
pub unsafe fn free_response(response: MQTTResponse) {
    // SAFETY: the caller's promise; both parts came from this allocator, and freeing NULL does nothing.
    unsafe {
        free(response.reasonCodes.cast());
        crate::ffi::exports::properties::free(response.properties);
        free(response.properties.cast());
    }
}

/// What `Heap_get_info` points at.
#[repr(C)]
pub struct HeapInfo {
    current_size: AtomicUsize,
    max_size: AtomicUsize,
}

static HEAP_INFO: HeapInfo = HeapInfo {
    current_size: AtomicUsize::new(0),
    max_size: AtomicUsize::new(0),
};

/// Tells how much memory is in the program's hands, for programs that test for leaks: `{ size_t current_size, max_size; }`,
/// both in bytes. The structure is filled in by the call, and belongs to the library.
#[unsafe(no_mangle)]
pub extern "C" fn Heap_get_info() -> *const HeapInfo {
    entry!(untraced: &raw const HEAP_INFO, heap_info())
}

fn heap_info() -> *const HeapInfo {
    let read = |counter: &AtomicIsize| {
        size_t::try_from(counter.load(Ordering::Relaxed)).unwrap_or_default()
    };
    HEAP_INFO
        .current_size
        .store(read(&CURRENT), Ordering::Relaxed);
    HEAP_INFO.max_size.store(read(&MAX), Ordering::Relaxed);
    &raw const HEAP_INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_end_in_nul_and_keep_embedded_ones() {
        let copy = copy_bytes(b"a\0b");
        // SAFETY: four bytes were just written.
        assert_eq!(unsafe { bytes(copy.cast(), 4) }, b"a\0b\0");
        // SAFETY: ours, freed once.
        unsafe { free(copy.cast()) };
    }

    #[test]
    fn impossible_lengths_are_no_bytes() {
        // SAFETY: nothing is read.
        unsafe {
            assert!(bytes(ptr::null(), 5).is_empty());
            assert!(bytes(c"x".as_ptr().cast(), -1).is_empty());
        }
    }

    #[test]
    fn nothing_is_freed_for_null() {
        let mut none = ptr::null_mut();
        // SAFETY: NULL in both places it may be.
        unsafe {
            free_message(ptr::null_mut());
            free_message(&raw mut none);
            free(ptr::null_mut());
        }
    }
}
