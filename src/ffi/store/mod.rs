//! `MQTTCLIENT_PERSISTENCE_USER`: a store made of a program's own functions, and a program's transformations of records.
//!
//! Who owns what, as observed with the original: buffers given to the program stay the library's; the buffer that `pget` gives,
//! the array and the strings that `pkeys` gives are the library's to free.

mod leftovers;

use std::ffi::{CStr, CString};
use std::ptr;

use libc::{c_char, c_int, c_void};

use crate::ffi::memory;
use crate::ffi::types::persistence_types::{
    MQTTClient_persistence, MQTTPersistence_afterRead, MQTTPersistence_beforeWrite,
};
use crate::persistence::hooks::{AfterRead, BeforeWrite};
use crate::persistence::{Notice, RecordKey, Store, StoreError, file};
use leftovers::{Leftovers, publishes, pubrels};

type Put =
    unsafe extern "C" fn(*mut c_void, *mut c_char, c_int, *mut *mut c_char, *mut c_int) -> c_int;
type Get = unsafe extern "C" fn(*mut c_void, *mut c_char, *mut *mut c_char, *mut c_int) -> c_int;
type Keys = unsafe extern "C" fn(*mut c_void, *mut *mut *mut c_char, *mut c_int) -> c_int;
type OnHandle = unsafe extern "C" fn(*mut c_void) -> c_int;
type OnKey = unsafe extern "C" fn(*mut c_void, *mut c_char) -> c_int;

/// So many records that could not be removed are tried again at a time.
const TIDY_TURN: usize = 64;

/// A program's store, open until it is dropped.
pub struct UserStore {
    handle: *mut c_void,
    close: OnHandle,
    put: Put,
    get: Get,
    remove: OnKey,
    keys: Keys,
    contains: OnKey,
    leftovers: Leftovers,
    notices: Vec<Notice>,
}

// SAFETY: the API's contract is that a store's functions are called from the program's threads and the library's, one call at
// a time (`&mut self` sees to that); the handle is only ever passed back to them.
unsafe impl Send for UserStore {}

/// Reads a program's return code: 0 is success; everything else is the program's own word for what went wrong.
fn check(code: c_int) -> Result<(), StoreError> {
    if code == 0 {
        Ok(())
    } else {
        Err(StoreError::Program(code))
    }
}

/// Returns a key as the program gets it.
fn c_key(key: RecordKey) -> Vec<u8> {
    let mut name = key.to_string().into_bytes();
    name.push(0);
    name
}

impl UserStore {
    /// Opens the store. As in the original every member must be there, `context` included, and `popen`'s code is returned
    /// as it is.
    ///
    /// # Safety
    /// `persistence` is NULL or points at a structure whose functions do what their types document.
    pub unsafe fn open(
        persistence: *const MQTTClient_persistence,
        client_id: &str,
        server_uri: &str,
    ) -> Result<Self, StoreError> {
        // SAFETY: the caller's promise.
        let Some(&given) = (unsafe { persistence.as_ref() }) else {
            return Err(StoreError::BadProgram("there is no structure"));
        };
        let incomplete = || StoreError::BadProgram("a member is NULL");
        if given.context.is_null() {
            return Err(incomplete());
        }
        let text =
            |text: &str| CString::new(text).map_err(|_| StoreError::BadProgram("a NUL in a name"));
        let (id, uri) = (text(client_id)?, text(file::without_scheme(server_uri))?);
        // It has to be there, and is not called: records of a session that ends are removed one by one.
        given.pclear.ok_or_else(incomplete)?;
        let open = given.popen.ok_or_else(incomplete)?;
        let mut store = Self {
            handle: ptr::null_mut(),
            close: given.pclose.ok_or_else(incomplete)?,
            put: given.pput.ok_or_else(incomplete)?,
            get: given.pget.ok_or_else(incomplete)?,
            remove: given.premove.ok_or_else(incomplete)?,
            keys: given.pkeys.ok_or_else(incomplete)?,
            contains: given.pcontainskey.ok_or_else(incomplete)?,
            leftovers: Leftovers::default(),
            notices: Vec::new(),
        };
        // SAFETY: the program's function, with a place for its handle and strings that outlive the call.
        let code = unsafe {
            open(
                &raw mut store.handle,
                id.as_ptr(),
                uri.as_ptr(),
                given.context,
            )
        };
        if let Err(error) = check(code) {
            // What is not open is not closed.
            std::mem::forget(store);
            return Err(error);
        }
        Ok(store)
    }

    /// Calls a function that takes a key.
    fn with_key(&self, function: OnKey, key: RecordKey) -> c_int {
        let mut name = c_key(key);
        // SAFETY: the program's function, with its handle and a string that outlives the call.
        unsafe { function(self.handle, name.as_mut_ptr().cast()) }
    }

    /// Removes one record, and notes it if it is still there.
    fn remove_one(&mut self, key: RecordKey) -> Result<(), StoreError> {
        let result = check(self.with_key(self.remove, key));
        if result.is_err() && self.contains(key) {
            self.leftovers.add(key);
        } else {
            self.leftovers.end(key);
        }
        result
    }

    /// Removes leftovers, `budget` at most, until the program refuses one.
    fn remove_leftovers(&mut self, budget: usize) {
        for _ in 0..budget {
            let Some(key) = self.leftovers.first() else {
                return;
            };
            if self.remove_one(key).is_err() && self.leftovers.contains(key) {
                return;
            }
        }
    }

    /// Removes what would make another message of the PUBLISH that is about to be put: the PUBREL of an earlier one.
    fn make_way(&mut self, key: RecordKey) -> Result<(), StoreError> {
        for pubrel in pubrels(key) {
            if self.leftovers.contains(pubrel) {
                let result = self.remove(pubrel);
                if self.leftovers.contains(pubrel) {
                    return result;
                }
            }
        }
        Ok(())
    }
}

impl Drop for UserStore {
    fn drop(&mut self) {
        self.remove_leftovers(usize::MAX);
        // SAFETY: the program's function, with its handle, for the last time. As in the original its code changes nothing.
        unsafe { (self.close)(self.handle) };
    }
}

impl Store for UserStore {
    fn put(&mut self, key: RecordKey, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.make_way(key)?;
        let mut name = c_key(key);
        let mut buffers = Buffers::copy(parts)?;
        // SAFETY: the program's function, with its handle, a string, and as many buffers and lengths as it is told; all outlive
        // the call, and all may be written to, being copies.
        check(unsafe {
            (self.put)(
                self.handle,
                name.as_mut_ptr().cast(),
                buffers.count,
                buffers.pointers.as_mut_ptr(),
                buffers.lengths.as_mut_ptr(),
            )
        })?;
        self.leftovers.end(key);
        Ok(())
    }

    fn get(&mut self, key: RecordKey) -> Result<Vec<u8>, StoreError> {
        let mut name = c_key(key);
        let mut buffer = ptr::null_mut();
        let mut length = 0;
        // SAFETY: the program's function, with its handle, a string, and places for its results.
        check(unsafe {
            (self.get)(
                self.handle,
                name.as_mut_ptr().cast(),
                &raw mut buffer,
                &raw mut length,
            )
        })?;
        // SAFETY: it succeeded, so these are its buffer, handed over, and its length.
        unsafe { take(buffer, length) }
    }

    /// Removes a record. The one of a PUBREL stays as long as that of its PUBLISH does, which without it would be sent as a new
    /// message.
    fn remove(&mut self, key: RecordKey) -> Result<(), StoreError> {
        for publish in publishes(key) {
            if self.leftovers.contains(publish) {
                let result = self.remove_one(publish);
                if self.leftovers.contains(publish) {
                    self.leftovers.add(key);
                    return result;
                }
            }
        }
        self.remove_one(key)
    }

    fn keys(&mut self) -> Result<Vec<RecordKey>, StoreError> {
        let mut array: *mut *mut c_char = ptr::null_mut();
        let mut count = 0;
        // SAFETY: the program's function, with its handle and places for its results.
        check(unsafe { (self.keys)(self.handle, &raw mut array, &raw mut count) })?;
        if array.is_null() {
            return match count {
                ..=0 => Ok(Vec::new()),
                _ => Err(StoreError::BadProgram("it has keys but gives none")),
            };
        }
        let mut keys = Vec::new();
        for at in 0..usize::try_from(count).unwrap_or(0) {
            // SAFETY: it succeeded, so the array has that many entries.
            let name = unsafe { *array.add(at) };
            if name.is_null() {
                continue;
            }
            // SAFETY: each entry is a string, handed over, and freed once, here.
            let text = unsafe {
                let text = CStr::from_ptr(name).to_string_lossy().into_owned();
                memory::free(name.cast());
                text
            };
            match RecordKey::parse(&text) {
                Some(key) => keys.push(key),
                None => self.notices.push(Notice::Foreign(text)),
            }
        }
        // SAFETY: handed over, and not used any more.
        unsafe { memory::free(array.cast()) };
        Ok(keys)
    }

    fn contains(&mut self, key: RecordKey) -> bool {
        self.with_key(self.contains, key) == 0
    }

    fn is_tidy(&self) -> bool {
        self.leftovers.is_empty()
    }

    fn tidy(&mut self) {
        self.remove_leftovers(TIDY_TURN);
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// Copies of a record's parts in the form that C takes them. Copies, since nothing keeps a program from writing to them.
struct Buffers {
    /// One block, which the pointers point into.
    _bytes: Vec<u8>,
    pointers: Vec<*mut c_char>,
    lengths: Vec<c_int>,
    count: c_int,
}

impl Buffers {
    fn copy(parts: &[&[u8]]) -> Result<Self, StoreError> {
        let too_long = |_| StoreError::BadProgram("a record is too long for it");
        let lengths: Vec<c_int> = parts
            .iter()
            .map(|part| c_int::try_from(part.len()))
            .collect::<Result<_, _>>()
            .map_err(too_long)?;
        let count = c_int::try_from(parts.len()).map_err(too_long)?;
        let mut bytes = parts.concat();
        let mut rest = bytes.as_mut_slice();
        let mut pointers = Vec::with_capacity(parts.len());
        for part in parts {
            let (own, after) = rest.split_at_mut(part.len());
            pointers.push(own.as_mut_ptr().cast());
            rest = after;
        }
        Ok(Self {
            _bytes: bytes,
            pointers,
            lengths,
            count,
        })
    }
}

/// Takes over a buffer of C's allocator, whatever its length is.
///
/// # Safety
/// `buffer` is NULL or such a buffer of `length` bytes that nobody else uses.
unsafe fn take(buffer: *mut c_char, length: c_int) -> Result<Vec<u8>, StoreError> {
    let is_possible = length == 0 || (length > 0 && !buffer.is_null());
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = is_possible.then(|| memory::bytes(buffer.cast(), length).to_vec());
        memory::free(buffer.cast());
        bytes.ok_or(StoreError::BadProgram("a buffer has an impossible length"))
    }
}

/// A program's function with its context.
struct Hook<F> {
    function: F,
    context: *mut c_void,
}

// SAFETY: the API's contract is that these functions are called from the program's threads and the library's, one call at a
// time (`&mut self`); the context is only ever passed back to them.
unsafe impl<F> Send for Hook<F> {}

/// Returns what a program wants done before a record is written; `None` for NULL.
///
/// # Safety
/// The function does what its type documents.
pub unsafe fn before_write(
    function: MQTTPersistence_beforeWrite,
    context: *mut c_void,
) -> Option<Box<dyn BeforeWrite>> {
    function.map(|function| Box::new(Hook { function, context }) as Box<dyn BeforeWrite>)
}

/// Returns what a program wants done after a record was read; `None` for NULL.
///
/// # Safety
/// The function does what its type documents.
pub unsafe fn after_read(
    function: MQTTPersistence_afterRead,
    context: *mut c_void,
) -> Option<Box<dyn AfterRead>> {
    function.map(|function| Box::new(Hook { function, context }) as Box<dyn AfterRead>)
}

impl BeforeWrite
    for Hook<unsafe extern "C" fn(*mut c_void, c_int, *mut *mut c_char, *mut c_int) -> c_int>
{
    fn transform(&mut self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut buffers = Buffers::copy(parts)?;
        // SAFETY: the program's function, with its context and as many buffers and lengths as it is told; all outlive the call,
        // and all may be written to, being copies.
        check(unsafe {
            (self.function)(
                self.context,
                buffers.count,
                buffers.pointers.as_mut_ptr(),
                buffers.lengths.as_mut_ptr(),
            )
        })?;
        let all = buffers.pointers.iter().zip(&buffers.lengths);
        all.map(|(&pointer, &length)| {
            if length < 0 || (length > 0 && pointer.is_null()) {
                return Err(StoreError::BadProgram("a buffer has an impossible length"));
            }
            // SAFETY: it succeeded, so each pointer is ours or one of its own, and there are that many bytes. As in the original
            // memory of its own stays its own.
            Ok(unsafe { memory::bytes(pointer.cast(), length) }.to_vec())
        })
        .collect()
    }
}

impl AfterRead for Hook<unsafe extern "C" fn(*mut c_void, *mut *mut c_char, *mut c_int) -> c_int> {
    fn transform(&mut self, record: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let mut length = c_int::try_from(record.len())
            .map_err(|_| StoreError::BadProgram("a record is too long for it"))?;
        let mut buffer = memory::copy_bytes(&record);
        if buffer.is_null() {
            return Err(StoreError::BadProgram("there is no memory for its buffer"));
        }
        // SAFETY: the program's function, with its context, and a buffer of C's allocator that it may change or exchange.
        let code = unsafe { (self.function)(self.context, &raw mut buffer, &raw mut length) };
        // SAFETY: the buffer is ours, or the one it put in its place; either way it is C's and ours to free.
        let result = unsafe { take(buffer, length) };
        check(code)?;
        result
    }
}

#[cfg(test)]
mod tests;
