//! Structs of a program that begin with an eyecatcher and a version, and the macro that reads their members.

use libc::c_int;

use super::{Code, null};
use crate::ffi::last_error;
use crate::ffi::types::async_types::MQTTASYNC_BAD_STRUCTURE;

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
    /// Checks that a struct has the eyecatcher and a version from 0 to `newest`. `name` is that of the parameter or member.
    ///
    /// # Safety
    /// NULL, or an object that begins with an eyecatcher and a version, has all members of the version it states, and
    /// stays as it is while the result is used; strings and structs that it points at are as the API documents them.
    pub unsafe fn check(
        object: *const T,
        name: &str,
        eyecatcher: &[u8; 4],
        newest: c_int,
    ) -> Result<Self, Code> {
        if object.is_null() {
            return Err(null(name));
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
            let code = bad_structure(id, *eyecatcher, version, newest);
            Err(last_error::inside(code, name))
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

/// Notes what is wrong with the beginning of a struct.
#[cold]
fn bad_structure(id: [u8; 4], eyecatcher: [u8; 4], version: c_int, newest: c_int) -> Code {
    let code = MQTTASYNC_BAD_STRUCTURE;
    if id == eyecatcher {
        let why = format!("struct_version is {version}, and not 0 to {newest}");
        return last_error::fail(code, why);
    }
    let (id, eyecatcher) = (id.escape_ascii(), eyecatcher.escape_ascii());
    last_error::fail(
        code,
        format_args!("struct_id is \"{id}\", and not \"{eyecatcher}\""),
    )
}

/// Reads a member of a [`Versioned`] struct:
/// - `field!(options.timeout)`: one that every version has;
/// - `field!(options.ssl since 1 else ptr::null_mut())`: one that came with version 1, and what stands in for it before;
/// - `field!(&options.properties since 1)`: its address, NULL before;
/// - `field!(text(options.httpProxy) since 8)`: what a reader makes of it, the reader's default before; what the reader
///   refuses gets the member's name.
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
    (bytes($object:ident.$member:ident)) => {
        // SAFETY: as above; a string as documented, by the same promise.
        unsafe { $crate::ffi::read::bytes((*$object.pointer()).$member) }
    };
    ($reader:ident($object:ident.$member:ident)) => {
        // SAFETY: as above; what the member points at is as documented, by the same promise.
        unsafe { $crate::ffi::read::$reader((*$object.pointer()).$member) }
            .map_err(|code| $crate::ffi::last_error::named(code, stringify!($member)))
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
