//! Structs of a program that begin with an eyecatcher and a version, and the macro that reads their members.

use libc::c_int;

use super::Code;
use crate::ffi::types::async_types::{MQTTASYNC_BAD_STRUCTURE, MQTTASYNC_NULL_PARAMETER};

/// A struct of the program whose eyecatcher and version have been checked. [`field!`] reads its members, each only in a
/// version that has it: a program compiled against an older header passes a shorter object.
pub struct Versioned<T> {
    object: *const T,
    version: c_int,
}

impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Versioned<T> {}

impl<T> Versioned<T> {
    /// Checks that a struct has the eyecatcher and a version from 0 to `newest`.
    ///
    /// # Safety
    /// NULL, or an object that begins with an eyecatcher and a version, has all members of the version it states, and
    /// stays as it is while the result is used; strings and structs that it points at are as the API documents them.
    pub unsafe fn check(
        object: *const T,
        eyecatcher: &[u8; 4],
        newest: c_int,
    ) -> Result<Self, Code> {
        if object.is_null() {
            return Err(MQTTASYNC_NULL_PARAMETER);
        }
        // SAFETY: not NULL; every struct of the API begins like this.
        let (id, version) = unsafe {
            (
                object.cast::<[u8; 4]>().read(),
                object.cast::<c_int>().add(1).read(),
            )
        };
        if id == *eyecatcher && (0..=newest).contains(&version) {
            Ok(Self { object, version })
        } else {
            Err(MQTTASYNC_BAD_STRUCTURE)
        }
    }

    /// Returns the version that the struct states.
    pub fn version(self) -> c_int {
        self.version
    }

    /// Returns the program's pointer, for [`field!`].
    pub fn pointer(self) -> *const T {
        self.object
    }
}

/// Reads a member of a [`Versioned`] struct:
/// - `field!(options.timeout)`: one that every version has;
/// - `field!(options.ssl since 1 else ptr::null_mut())`: one that came with version 1, and what stands in for it before;
/// - `field!(&options.properties since 1)`: its address, NULL before;
/// - `field!(text(options.httpProxy) since 8)`: what a reader makes of it, the reader's default before.
macro_rules! field {
    ($object:ident.$member:ident) => {
        // SAFETY: `Versioned::check` was promised a valid object, and every version of it has this member.
        unsafe { (*$object.pointer()).$member }
    };
    ($object:ident.$member:ident since $version:literal else $absent:expr) => {
        if $object.version() >= $version {
            $crate::ffi::read::versioned::field!($object.$member)
        } else {
            $absent
        }
    };
    (&$object:ident.$member:ident since $version:literal) => {
        if $object.version() >= $version {
            // SAFETY: as above; this version has the member, of which only the address is taken.
            unsafe { &raw const (*$object.pointer()).$member }
        } else {
            ::std::ptr::null()
        }
    };
    ($reader:ident($object:ident.$member:ident)) => {
        // SAFETY: as above; what the member points at is as documented, by the same promise.
        unsafe { $crate::ffi::read::$reader((*$object.pointer()).$member) }
    };
    ($reader:ident($object:ident.$member:ident) since $version:literal) => {
        if $object.version() >= $version {
            $crate::ffi::read::versioned::field!($reader($object.$member))
        } else {
            Ok(::std::default::Default::default())
        }
    };
}
pub(crate) use field;
