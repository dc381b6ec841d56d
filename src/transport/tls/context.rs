//! From the options to an OpenSSL context.

use std::sync::Arc;
use std::time::SystemTime;

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVersion};

use super::Failure;
use super::material::{Source, load_key_pair, load_trust};
use super::session::Sessions;
use crate::options::{TlsOptions, TlsVersion};

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
        options.trust_store.as_deref(),
        options.ca_path.as_deref(),
        options.key_store.as_deref(),
        options.private_key.as_deref(),
    ];
    files.map(|text| match Source::of(text?) {
        Source::File(path) => std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok(),
        Source::Pem(_) | Source::Store(_) => None,
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

    /// Returns true if building from `options` would give the same.
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
        min_version,
        max_version,
        verify,
        ca_path,
        error_reporter: _,
        verifier,
        psk_source,
        disable_default_trust_store,
        protos,
    } = a;
    let same_psk = match (psk_source, &b.psk_source) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let same_verifier = match (verifier, &b.verifier) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    same_psk
        && same_verifier
        && *min_version == b.min_version
        && *max_version == b.max_version
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
    set_protocol(&mut builder, options)?;
    load_key_pair(&mut builder, options)?;
    load_trust(&mut builder, options)?;
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
    Ok(builder.build())
}

/// Sets what is in the options themselves: versions, cipher suites, application protocols.
fn set_protocol(builder: &mut SslContextBuilder, options: &TlsOptions) -> Result<(), Failure> {
    set_versions(builder, options).map_err(setting("sslVersion", ""))?;
    if let Some(suites) = &options.enabled_cipher_suites {
        // OpenSSL takes it as a C string.
        if suites.contains('\0') {
            return Err(Failure::new("enabledCipherSuites: NUL in it"));
        }
        set_ciphers(builder, suites).map_err(setting("enabledCipherSuites", suites))?;
    }
    if !options.protos.is_empty() {
        builder
            .set_alpn_protos(&options.protos)
            // OpenSSL gives no reason.
            .map_err(|_| Failure::new("protos: not names with their lengths before them"))?;
    }
    Ok(())
}

/// Finds what is wrong with the options themselves, and with PEM that is in them.
pub(super) fn check(options: &TlsOptions) -> Result<(), Failure> {
    let is_pem = |text: &str| matches!(Source::of(text), Source::Pem(_));
    let trust = options.trust_store.as_deref().is_some_and(is_pem) && options.ca_path.is_none();
    let chain = options.key_store.as_deref();
    let key = options.private_key.as_deref().or(chain);
    let pair = chain.is_some_and(is_pem) && key.is_some_and(is_pem);
    // To make a context takes a millisecond, and most options are file names.
    if !trust && !pair && options.enabled_cipher_suites.is_none() && options.protos.is_empty() {
        return Ok(());
    }
    let mut builder =
        SslContextBuilder::new(SslMethod::tls_client()).map_err(setting("context", ""))?;
    set_protocol(&mut builder, options)?;
    if pair {
        load_key_pair(&mut builder, options)?;
    }
    if trust {
        load_trust(&mut builder, options)?;
    }
    Ok(())
}

/// 1.2 and 1.3 are that version and no other. The older ones, which hardly any server offers any more, are the oldest to
/// accept: who named them when they were new connects on the original too, which with today's OpenSSL looks at neither.
/// What the options say of the oldest and newest version goes before that.
fn set_versions(builder: &mut SslContextBuilder, options: &TlsOptions) -> Result<(), ErrorStack> {
    let number = |version| match version {
        TlsVersion::Default => None,
        TlsVersion::V1_0 => Some(SslVersion::TLS1),
        TlsVersion::V1_1 => Some(SslVersion::TLS1_1),
        TlsVersion::V1_2 => Some(SslVersion::TLS1_2),
        TlsVersion::V1_3 => Some(SslVersion::TLS1_3),
    };
    let newest = match options.version {
        TlsVersion::V1_2 | TlsVersion::V1_3 => options.version,
        _ => TlsVersion::Default,
    };
    let oldest = options.min_version.unwrap_or(options.version);
    let newest = options.max_version.unwrap_or(newest);
    let old = |version| matches!(version, TlsVersion::V1_0 | TlsVersion::V1_1);
    builder.set_security_level(if old(oldest) || old(newest) {
        OLD_VERSION_SECURITY_LEVEL
    } else {
        SECURITY_LEVEL
    });
    // With neither given the system's configuration has its say.
    if let Some(oldest) = number(oldest) {
        builder.set_min_proto_version(Some(oldest))?;
    }
    if oldest != TlsVersion::Default || newest != TlsVersion::Default {
        builder.set_max_proto_version(number(newest))?;
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
