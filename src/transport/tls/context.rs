//! From the options to an OpenSSL context.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVersion};

use super::Failure;
use super::session::Sessions;
use crate::options::{Secret, TlsOptions, TlsVersion};

/// As the original: accepts what OpenSSL of all ages accepts by default, whatever stricter level the system sets.
const SECURITY_LEVEL: u32 = 1;

/// TLS 1.0 and 1.1 need MD5 and SHA-1 signatures, which only level 0 has. Who accepts one of them has no choice.
const OLD_VERSION_SECURITY_LEVEL: u32 = 0;

/// `SSL_CTX_clear_mode`, which is a macro.
const SSL_CTRL_CLEAR_MODE: std::ffi::c_int = 78;

/// Names of TLS 1.3's cipher suites, which OpenSSL configures apart from those of older versions.
const TLS_1_3_SUITES: [&str; 5] = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
    "TLS_AES_128_CCM_SHA256",
];

/// A context, what it was made from, and the sessions that belong to it.
pub(super) struct Prepared {
    pub(super) context: SslContext,
    pub(super) sessions: Sessions,
    options: TlsOptions,
    stamps: Stamps,
}

/// When each of the options' files was last changed: a renewed certificate makes a new context.
type Stamps = [Option<SystemTime>; 4];

fn stamps(options: &TlsOptions) -> Stamps {
    let files = [
        &options.trust_store,
        &options.ca_path,
        &options.key_store,
        &options.private_key,
    ];
    files.map(|path| {
        std::fs::metadata(path.as_ref()?)
            .and_then(|data| data.modified())
            .ok()
    })
}

impl Prepared {
    pub(super) fn new(options: &TlsOptions) -> Result<Self, Failure> {
        let stamps = stamps(options);
        let sessions = Sessions::default();
        let context = build(options, &sessions)?;
        Ok(Self {
            context,
            sessions,
            options: options.clone(),
            stamps,
        })
    }

    /// Building from `options` would give the same.
    pub(super) fn is_for(&self, options: &TlsOptions) -> bool {
        same_settings(&self.options, options) && self.stamps == stamps(options)
    }
}

/// Compares all that goes into a context or decides whether a session may be trusted.
fn same_settings(a: &TlsOptions, b: &TlsOptions) -> bool {
    // Taken apart without `..`, so that a new option cannot be forgotten here.
    let TlsOptions {
        trust_store,
        key_store,
        private_key,
        private_key_password,
        enabled_cipher_suites,
        enable_server_cert_auth,
        version,
        verify,
        ca_path,
        error_reporter: _,
        psk_source,
        disable_default_trust_store,
        protos,
    } = a;
    let same_psk = match (psk_source, &b.psk_source) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    same_psk
        && *trust_store == b.trust_store
        && *key_store == b.key_store
        && *private_key == b.private_key
        && *private_key_password == b.private_key_password
        && *enabled_cipher_suites == b.enabled_cipher_suites
        && *enable_server_cert_auth == b.enable_server_cert_auth
        && *version == b.version
        && *verify == b.verify
        && *ca_path == b.ca_path
        && *disable_default_trust_store == b.disable_default_trust_store
        && *protos == b.protos
}

/// Names the setting that OpenSSL did not like.
fn setting<'a>(name: &'a str, value: &'a str) -> impl Fn(ErrorStack) -> Failure + 'a {
    move |errors| Failure::from_stack(format!("{name} {value}").trim_end(), &errors)
}

/// Has a read of OpenSSL's return after each handshake message that comes later, instead of going on until data comes.
fn stop_after_each_message(builder: &mut SslContextBuilder) {
    let mode = SslMode::AUTO_RETRY.bits();
    #[expect(
        unsafe_code,
        reason = "the openssl crate has no way to turn a mode off that is on by default"
    )]
    // SAFETY: the pointer is that of a live context, which `builder` has for itself. The command takes the bits of the
    // modes as its number and no pointer.
    unsafe {
        openssl_sys::SSL_CTX_ctrl(
            builder.as_ptr(),
            SSL_CTRL_CLEAR_MODE,
            mode,
            std::ptr::null_mut(),
        );
    }
}

fn build(options: &TlsOptions, sessions: &Sessions) -> Result<SslContext, Failure> {
    let mut builder =
        SslContextBuilder::new(SslMethod::tls_client()).map_err(setting("context", ""))?;
    builder.set_mode(
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            // Thousands of idle connections keep no buffers.
            | SslMode::RELEASE_BUFFERS,
    );
    stop_after_each_message(&mut builder);
    set_version(&mut builder, options.version).map_err(setting("sslVersion", ""))?;
    load_key_pair(&mut builder, options)?;
    load_trust(&mut builder, options)?;
    if let Some(suites) = &options.enabled_cipher_suites {
        set_ciphers(&mut builder, suites).map_err(setting("enabledCipherSuites", suites))?;
    }
    if let Some(source) = options.psk_source.clone() {
        // The program is asked during the handshake, which has a thread for it. A renegotiation would ask while somebody
        // reads, under the layer's lock.
        builder.set_options(SslOptions::NO_RENEGOTIATION);
        builder.set_psk_client_callback(move |_, hint, identity, key| {
            let hint = hint.map(String::from_utf8_lossy);
            // Longer than the buffer is as wrong as none.
            Ok(Some(source(hint.as_deref(), identity, key))
                .filter(|length| *length <= key.len())
                .unwrap_or(0))
        });
    } else {
        // With a pre-shared key every connection asks for it anew: the program may have changed it.
        sessions.collect_from(&mut builder);
    }
    if !options.protos.is_empty() {
        builder
            .set_alpn_protos(&options.protos)
            .map_err(setting("protos", ""))?;
    }
    Ok(builder.build())
}

/// 1.2 is that version and no other. The older ones, which hardly any server offers any more, are the oldest to accept:
/// who named them when they were new connects on the original too, which with today's OpenSSL looks at neither.
fn set_version(builder: &mut SslContextBuilder, version: TlsVersion) -> Result<(), ErrorStack> {
    let (oldest, newest, level) = match version {
        TlsVersion::Default => {
            builder.set_security_level(SECURITY_LEVEL);
            return Ok(());
        }
        TlsVersion::V1_0 => (SslVersion::TLS1, None, OLD_VERSION_SECURITY_LEVEL),
        TlsVersion::V1_1 => (SslVersion::TLS1_1, None, OLD_VERSION_SECURITY_LEVEL),
        TlsVersion::V1_2 => (SslVersion::TLS1_2, Some(SslVersion::TLS1_2), SECURITY_LEVEL),
    };
    builder.set_security_level(level);
    builder.set_min_proto_version(Some(oldest))?;
    builder.set_max_proto_version(newest)
}

/// Loads the client's certificate chain and its key, which is in the same file unless the options name another.
fn load_key_pair(builder: &mut SslContextBuilder, options: &TlsOptions) -> Result<(), Failure> {
    // As in the original a key without a certificate is not looked at.
    let Some(key_store) = &options.key_store else {
        return Ok(());
    };
    builder
        .set_certificate_chain_file(key_store)
        .map_err(setting("keyStore", key_store))?;
    let file = options.private_key.as_ref().unwrap_or(key_store);
    let pem = std::fs::read(file).map_err(|e| Failure::new(format!("privateKey {file}: {e}")))?;
    let key = read_key(&pem, options.private_key_password.as_ref())
        .map_err(setting("privateKey", file))?;
    builder
        .set_private_key(&key)
        .map_err(setting("privateKey", file))?;
    builder
        .check_private_key()
        .map_err(setting("privateKey", file))
}

/// Reads a PEM key. OpenSSL never gets to ask on the terminal: there is always a callback.
fn read_key(pem: &[u8], password: Option<&Secret>) -> Result<PKey<Private>, ErrorStack> {
    PKey::private_key_from_pem_callback(pem, |buffer| {
        let password = password.map_or(&[][..], |secret| &secret.0);
        // A longer one cannot be right; cut short it could be.
        let fits = buffer.get_mut(..password.len());
        Ok(fits.map_or(0, |buffer| {
            buffer.copy_from_slice(password);
            password.len()
        }))
    })
}

fn load_trust(builder: &mut SslContextBuilder, options: &TlsOptions) -> Result<(), Failure> {
    let (file, directory) = (options.trust_store.as_deref(), options.ca_path.as_deref());
    if file.is_some() || directory.is_some() {
        let named = [file, directory]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" and ");
        return builder
            .load_verify_locations(file.map(Path::new), directory.map(Path::new))
            .map_err(setting("trustStore", &named));
    }
    if !options.disable_default_trust_store {
        builder
            .set_default_verify_paths()
            .map_err(setting("default trust store", ""))?;
    }
    Ok(())
}

/// Sets the cipher suites of both worlds from one list. Without any name from TLS 1.3, that version keeps its own, as
/// in the original; with nothing else, older versions have no suite left and are off.
fn set_ciphers(builder: &mut SslContextBuilder, list: &str) -> Result<(), ErrorStack> {
    let (new, old): (Vec<_>, Vec<_>) = list
        .split([':', ',', ' '])
        .filter(|name| !name.is_empty())
        .partition(|name| TLS_1_3_SUITES.contains(name));
    if !new.is_empty() {
        builder.set_ciphersuites(&new.join(":"))?;
    }
    if old.is_empty() && !new.is_empty() {
        return builder.set_min_proto_version(Some(SslVersion::TLS1_3));
    }
    builder.set_cipher_list(&old.join(":"))
}
