//! What `getVersionInfo` tells, under the keys of the original's.

use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::LazyLock;

use libc::c_char;

use crate::ffi::types::shared_types::NameValue;

/// A table for C, made once and never freed: programs keep pointers into it.
struct Table(&'static [NameValue]);

// SAFETY: the table and its strings are never changed after they were made.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

/// The release of the original whose interface this library has.
const INTERFACE_VERSION: &str = "1.3.15";

impl Table {
    fn new(product: &str) -> Self {
        let rows = vec![
            ("Product name", product.to_owned()),
            ("Version", INTERFACE_VERSION.to_owned()),
            (
                "Build level",
                concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
        ];
        #[cfg(feature = "tls")]
        let rows = rows.into_iter().chain([
            ("OpenSSL version", openssl::version::version().to_owned()),
            ("OpenSSL flags", openssl::version::c_flags().to_owned()),
            (
                "OpenSSL build timestamp",
                openssl::version::built_on().to_owned(),
            ),
            ("OpenSSL platform", openssl::version::platform().to_owned()),
            ("OpenSSL directory", openssl::version::dir().to_owned()),
        ]);
        // No text here has a NUL in it; one that had would be shown empty.
        let text = |s: &str| CString::new(s).unwrap_or_default().into_raw().cast_const();
        let end = NameValue {
            name: ptr::null(),
            value: ptr::null::<c_char>(),
        };
        let table = rows
            .into_iter()
            .map(|(name, value)| NameValue {
                name: text(name),
                value: text(&value),
            })
            .chain([end])
            .collect::<Vec<_>>();
        Self(table.leak())
    }
}

/// Returns the table of the blocking API.
pub fn client() -> *mut NameValue {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::new("paho-oxide synchronous MQTT C client library"));
    TABLE.0.as_ptr().cast_mut()
}

/// Returns the table of the asynchronous API.
pub fn asynchronous() -> *mut NameValue {
    static TABLE: LazyLock<Table> =
        LazyLock::new(|| Table::new("paho-oxide asynchronous MQTT C client library"));
    TABLE.0.as_ptr().cast_mut()
}

/// Starts the trace, whose header tells what the table says.
pub fn start_trace(table: *mut NameValue) {
    crate::trace::start(|| {
        let mut rows = Vec::new();
        let mut row = table.cast_const();
        // SAFETY: the table ends with a NULL name, and it and its strings are never changed or freed.
        unsafe {
            while !(*row).name.is_null() {
                let text = |text| CStr::from_ptr(text).to_str().unwrap_or_default();
                rows.push((text((*row).name), text((*row).value).to_owned()));
                row = row.add(1);
            }
        }
        rows
    });
}
