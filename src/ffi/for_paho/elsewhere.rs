//! A process may have `libpaho-mqtt3a` and `libpaho-mqtt3c` in it, each with these functions and clients of its own. The dynamic
//! linker binds a program to the first library's functions, so one that does not know a handle asks the next library.

use std::ffi::CStr;
use std::ptr::NonNull;

use libc::c_void;

/// Returns the function of that name in the next library behind this one, in the order in which the dynamic linker searches.
pub fn next(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: a name that ends in NUL.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) })
}

/// Calls the function of the next library with the same arguments; `MQTTOxide_E_HANDLE` where there is none.
macro_rules! elsewhere {
    ($name:expr, $($argument:ident: $type:ty),+) => {
        match $crate::ffi::for_paho::elsewhere::next($name) {
            None => $crate::ffi::types::oxide_types::MQTTOxide_E_HANDLE,
            Some(function) => {
                type Function = unsafe extern "C" fn($($type),+) -> i32;
                // SAFETY: a function of that name has these parameters: both are from the same header. Its requirements are
                // those of this function, which the caller meets.
                unsafe {
                    let function = std::mem::transmute::<*mut c_void, Function>(function.as_ptr());
                    function($($argument),+)
                }
            }
        }
    };
}

pub(super) use elsewhere;
