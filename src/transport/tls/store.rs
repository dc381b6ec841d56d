//! Certificates and keys behind a URI that OpenSSL's store opens: on a token, through the provider for `pkcs11:`.
#![allow(
    unsafe_code,
    reason = "the openssl crate has nothing for OpenSSL's store"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

use foreign_types::ForeignType;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use openssl_sys::{EVP_PKEY, X509 as RawX509};

use super::Failure;

/// Opaque types of OpenSSL's.
enum StoreContext {}
enum StoreInfo {}
enum UiMethod {}

type PasswordCallback = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;

unsafe extern "C" {
    fn UI_UTIL_wrap_read_pem_callback(callback: PasswordCallback, rwflag: c_int) -> *mut UiMethod;
    fn UI_destroy_method(method: *mut UiMethod);
    fn OSSL_STORE_open(
        uri: *const c_char,
        ui: *const UiMethod,
        ui_data: *mut c_void,
        post_process: *const c_void,
        post_process_data: *mut c_void,
    ) -> *mut StoreContext;
    fn OSSL_STORE_load(context: *mut StoreContext) -> *mut StoreInfo;
    fn OSSL_STORE_eof(context: *mut StoreContext) -> c_int;
    fn OSSL_STORE_close(context: *mut StoreContext) -> c_int;
    fn OSSL_STORE_INFO_get1_PKEY(info: *const StoreInfo) -> *mut EVP_PKEY;
    fn OSSL_STORE_INFO_get1_CERT(info: *const StoreInfo) -> *mut RawX509;
    fn OSSL_STORE_INFO_free(info: *mut StoreInfo);
}

/// Most objects that are looked at behind one URI: a token that lists without end is no key store.
const MAX_OBJECTS: usize = 1024;

/// What a URI leads to.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) certificates: Vec<X509>,
    pub(super) keys: Vec<PKey<Private>>,
}

/// Gives OpenSSL the pass phrase or PIN that `data` points to; none, where it points to none.
///
/// # Safety
/// `buffer` has room for `size` bytes, and `data` is the address of an `Option<&[u8]>` that lives.
unsafe extern "C" fn password(
    buffer: *mut c_char,
    size: c_int,
    _: c_int,
    data: *mut c_void,
) -> c_int {
    // SAFETY: `load` passes the address of such a value, which outlives the store.
    let password = unsafe { *data.cast::<Option<&[u8]>>() }.unwrap_or_default();
    // A longer one cannot be right; cut short it could be.
    match c_int::try_from(password.len()) {
        Ok(length) if length <= size => {
            // SAFETY: the buffer has room for as many bytes, and is none of ours.
            unsafe { ptr::copy_nonoverlapping(password.as_ptr().cast(), buffer, password.len()) };
            length
        }
        _ => 0,
    }
}

/// Loads everything behind `uri`. OpenSSL never gets to ask on the terminal: there is always a callback.
pub(super) fn load(name: &str, uri: &str, secret: Option<&[u8]>) -> Result<Objects, Failure> {
    let failed = |errors: &ErrorStack| {
        let failure = Failure::from_stack(name, errors);
        if failure.message.contains("unregistered scheme") {
            let scheme = uri.split(':').next().unwrap_or_default();
            return Failure::new(format!(
                "{name}: OpenSSL has no provider for {scheme}: URIs loaded (openssl.cnf names them)"
            ));
        }
        // OpenSSL repeats the URI, which may have a PIN in it.
        let clean = |text: String| text.replace(uri, "the URI");
        Failure {
            message: clean(failure.message),
            lines: failure.lines.into_iter().map(clean).collect(),
        }
    };
    let Ok(text) = CString::new(uri) else {
        return Err(Failure::new(format!("{name}: the URI contains a NUL")));
    };
    let mut secret = secret;
    let mut objects = Objects::default();
    // What other calls have left is not about this one.
    drop(ErrorStack::get());
    // SAFETY: the callback is one as it has to be; the method is destroyed below, after the store that uses it.
    let ui = unsafe { UI_UTIL_wrap_read_pem_callback(password, 0) };
    // SAFETY: the URI is NUL-terminated, and `secret` is what the callback expects and outlives the store.
    let store = unsafe {
        OSSL_STORE_open(
            text.as_ptr(),
            ui,
            (&raw mut secret).cast(),
            ptr::null(),
            ptr::null_mut(),
        )
    };
    let mut result = Ok(());
    if store.is_null() {
        result = Err(failed(&ErrorStack::get()));
    }
    let mut seen = 0;
    // SAFETY: the store is open; each object is freed after the references of their own that are taken of its contents.
    while !store.is_null() && seen < MAX_OBJECTS && unsafe { OSSL_STORE_eof(store) } == 0 {
        seen += 1;
        // SAFETY: as above. What an object is not, it gives as NULL.
        unsafe {
            let info = OSSL_STORE_load(store);
            if info.is_null() {
                if OSSL_STORE_eof(store) == 0 {
                    result = Err(failed(&ErrorStack::get()));
                }
                continue;
            }
            let certificate = OSSL_STORE_INFO_get1_CERT(info);
            let key = OSSL_STORE_INFO_get1_PKEY(info);
            OSSL_STORE_INFO_free(info);
            if !certificate.is_null() {
                objects.certificates.push(X509::from_ptr(certificate));
            }
            if !key.is_null() {
                objects.keys.push(PKey::from_ptr(key));
            }
        }
    }
    // SAFETY: both are closed once, the method last.
    unsafe {
        if !store.is_null() {
            OSSL_STORE_close(store);
        }
        UI_destroy_method(ui);
    }
    drop(ErrorStack::get());
    if objects.certificates.is_empty() && objects.keys.is_empty() {
        result?;
        // A token that does not let the program in shows nothing, and pkcs11-provider gives no error for it.
        let why = "nothing is there, or not with this PIN";
        return Err(Failure::new(format!("{name}: {why}")));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::rsa::Rsa;
    use openssl::symm::Cipher;

    /// The same way that a token's objects come, but from a file.
    #[test]
    fn keys_come_through_the_store() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let pem = key
            .private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"open sesame")
            .unwrap();
        let file = std::env::temp_dir().join(format!("paho-store-{}.pem", std::process::id()));
        std::fs::write(&file, pem).unwrap();
        let uri = format!("file:{}", file.display());
        let loaded = load("privateKey", &uri, Some(b"open sesame")).unwrap();
        assert!(loaded.certificates.is_empty());
        assert!(loaded.keys[0].public_eq(&key));
        assert!(load("privateKey", &uri, Some(b"wrong")).is_err());
        assert!(load("privateKey", &uri, None).is_err());
        std::fs::remove_file(&file).unwrap();
        assert!(load("privateKey", &uri, None).is_err());
    }

    #[test]
    fn a_missing_provider_is_named() {
        for uri in ["pkcs11:token=none;object=none", "no-such-scheme:x"] {
            let error = load("privateKey", uri, None).err().unwrap();
            assert!(error.message.starts_with("privateKey: "), "{error:?}");
            assert!(error.message.contains("provider"), "{error:?}");
        }
    }
}
