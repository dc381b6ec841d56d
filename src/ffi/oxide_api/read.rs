//! Reading what a C program passes: bytes with their length, structs with their size.

use std::ffi::c_void;

use super::Answer;
use crate::engine::Work;
use crate::ffi::types::oxide_types::{
    MQTTOxide_E_ARGUMENT, MQTTOxide_E_NULL, MQTTOxide_E_SIZE, MQTTOxide_LEVEL, MQTTOxide_READ,
    MQTTOxide_TICK, MQTTOxide_WRITE,
};
use crate::protocol::property::{Context, Properties, PropertiesRef};
use crate::protocol::wire;

/// Reads bytes of a caller's, for as long as its call takes.
///
/// # Safety
/// NULL, or that many bytes that nobody changes meanwhile.
pub unsafe fn bytes<'a>(data: *const c_void, len: u32) -> Answer<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(MQTTOxide_E_NULL);
    }
    // SAFETY: not NULL, and of that length, as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len as usize) })
}

/// Reads a buffer of the caller's.
///
/// # Safety
/// NULL, or that many bytes that nobody else uses meanwhile.
pub unsafe fn buffer<'a>(data: *mut c_void, len: u64) -> Answer<&'a mut [u8]> {
    if len == 0 {
        return Ok(&mut []);
    }
    if data.is_null() {
        return Err(MQTTOxide_E_NULL);
    }
    let len = usize::try_from(len)
        .ok()
        .filter(|len| isize::try_from(*len).is_ok())
        .ok_or(MQTTOxide_E_ARGUMENT)?;
    // SAFETY: not NULL, and of that length, which is one that memory can have, as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts_mut(data.cast(), len) })
}

/// Reads a buffer of the caller's for events, which begin on addresses that a struct of theirs can have.
///
/// # Safety
/// As [`buffer()`].
pub unsafe fn buffer_of_events<'a>(data: *mut c_void, len: u32) -> Answer<&'a mut [u8]> {
    if len > 0 && !data.cast::<u64>().is_aligned() {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    // SAFETY: the caller's promise.
    unsafe { buffer(data, len.into()) }
}

/// Reads a text of the caller's, copied.
///
/// # Safety
/// As [`bytes()`].
pub unsafe fn text(data: *const c_void, len: u32) -> Answer<String> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(data, len) }?;
    if !wire::well_formed_utf8(bytes) {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// Reads the same; none where the pointer is NULL.
///
/// # Safety
/// As [`bytes()`].
pub unsafe fn optional_text(data: *const c_void, len: u32) -> Answer<Option<String>> {
    if data.is_null() && len == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { text(data, len) }.map(Some)
}

/// Reads properties of a packet that this side sends, and checks them.
///
/// # Safety
/// As [`bytes()`].
pub unsafe fn properties<'a>(
    data: *const c_void,
    len: u32,
    context: Context,
) -> Answer<PropertiesRef<'a>> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(data, len) }?;
    PropertiesRef::parse_to_send(bytes, context).map_err(|_| MQTTOxide_E_ARGUMENT)
}

/// Reads the same, copied.
///
/// # Safety
/// As [`bytes()`].
pub unsafe fn owned_properties(
    data: *const c_void,
    len: u32,
    context: Context,
) -> Answer<Properties> {
    // SAFETY: the caller's promise.
    unsafe { properties(data, len, context) }.map(Properties::from)
}

/// Reads a struct of the caller's, copied. `size` is its first member, as this library knows the struct.
///
/// # Safety
/// NULL, or a struct whose first member is its size, and of which so much is readable.
pub unsafe fn structure<T: Copy>(from: *const T) -> Answer<T> {
    if from.is_null() {
        return Err(MQTTOxide_E_NULL);
    }
    // SAFETY: not NULL; the first member is a u32.
    let size = unsafe { from.cast::<u32>().read_unaligned() };
    if size != self::size::<T>() {
        return Err(MQTTOxide_E_SIZE);
    }
    // SAFETY: as large as it says.
    Ok(unsafe { from.read_unaligned() })
}

/// Returns the first member of a struct.
#[allow(clippy::cast_possible_truncation)] // all are small
pub const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

/// Checks a struct that is to be filled.
///
/// # Safety
/// As [`structure`].
pub unsafe fn to_fill<T: Copy>(into: *mut T) -> Answer<()> {
    // SAFETY: the caller's promise.
    unsafe { structure(into.cast_const()) }.map(|_| ())
}

/// Reads which parts of the work the bits name.
pub fn work(bits: u32) -> Answer<Work> {
    if bits & !(MQTTOxide_READ | MQTTOxide_WRITE | MQTTOxide_TICK) != 0 {
        return Err(MQTTOxide_E_ARGUMENT);
    }
    Ok(Work {
        read: bits & MQTTOxide_READ != 0,
        write: bits & MQTTOxide_WRITE != 0,
        tick: bits & MQTTOxide_TICK != 0,
        ..Work::NONE
    })
}

/// The same as an order to do it now.
pub fn order(bits: u32) -> Answer<Work> {
    Ok(Work {
        level: bits & MQTTOxide_LEVEL != 0,
        ..work(bits & !MQTTOxide_LEVEL)?
    })
}
