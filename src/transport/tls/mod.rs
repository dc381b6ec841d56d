//! TLS on the system's OpenSSL.

mod context;
mod intake;
mod layer;
mod material;
mod session;
mod store;

use crate::os::fork_guard::between_forks;
use crate::os::lock::Mutex;
use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, Ssl, SslRef, SslStream, SslVerifyMode};
use openssl::x509::X509StoreContextRef;
use openssl::x509::verify::X509CheckFlags;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::Interest;

use super::apart;
use super::error::{ConnectError, Stage};
use super::readiness::{Readiness, at, yield_turn};
use super::socket::Socket;
use super::uri::ServerUri;
use crate::options::{TlsOptions, Verifier};
use context::Prepared;
use intake::{Intake, Stop};
use layer::TlsLayer;

/// Bytes of a handshake that are read before other tasks have their turn.
const HANDSHAKE_TURN: usize = 64 * 1024;

/// Longest handshake. The attack: a server that sends hello requests without end, which OpenSSL passes over. Certificate
/// chains are not longer than OpenSSL's own limit of 100 KiB.
const MAX_HANDSHAKE: u64 = 1 << 20;

/// What one client keeps between its TLS connections: the context made from its options, and the sessions to resume.
#[derive(Clone, Default)]
pub(super) struct Tls(Arc<Mutex<Option<Arc<Prepared>>>>);

impl Tls {
    /// Lets go of the context, with the private key in it, and of the options that it was made from.
    pub(super) fn forget(&self) {
        let prepared = self.0.lock().take();
        drop(prepared);
    }

    /// Secures `socket`.
    pub(super) async fn handshake(
        &self,
        socket: Socket,
        readiness: &Readiness,
        uri: &ServerUri,
        options: &TlsOptions,
    ) -> Result<TlsLayer, ConnectError> {
        let prepared = self.prepare(options)?;
        let mut stream = between_forks(|| prepare_ssl(&prepared, uri, options))
            .and_then(|ssl| SslStream::new(ssl, Intake::new(socket)))
            .map_err(|errors| Failure::from_stack("settings", &errors))?;
        loop {
            stream.get_mut().grant(HANDSHAKE_TURN);
            let result;
            (stream, result) = step(stream, options.psk_source.is_some()).await?;
            let Err(error) = result else {
                break;
            };
            match error.code() {
                ErrorCode::WANT_READ => {
                    if stream.get_ref().given() > MAX_HANDSHAKE {
                        let failure = "handshake: the server sends messages without end";
                        return Err(Failure::new(failure).into());
                    }
                    if stream.get_mut().take_stop() == Some(Stop::Empty) {
                        readiness
                            .wait(Interest::READABLE)
                            .await
                            .map_err(at(Stage::Tls))?;
                    } else {
                        yield_turn().await;
                    }
                }
                ErrorCode::WANT_WRITE => readiness
                    .wait(Interest::WRITABLE)
                    .await
                    .map_err(at(Stage::Tls))?,
                _ => {
                    // Should the session be the reason, the next attempt starts afresh.
                    prepared.sessions.forget(uri);
                    return Err(Failure::from_handshake(&error, stream.ssl()).into());
                }
            }
        }
        if options.verify && stream.ssl().peer_certificate().is_none() {
            let failure =
                Failure::new("the server has no certificate whose name could be verified");
            return Err(failure.into());
        }
        if let Some(verifier) = &options.verifier {
            verify(stream.ssl(), uri, verifier).await?;
        }
        Ok(TlsLayer::new(stream))
    }

    /// Returns the context for these options: the last one, if nothing has changed since.
    fn prepare(&self, options: &TlsOptions) -> Result<Arc<Prepared>, Failure> {
        if let Some(prepared) = self
            .0
            .lock()
            .as_ref()
            .filter(|prepared| prepared.is_for(options))
        {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(between_forks(|| Prepared::new(options))?);
        *self.0.lock() = Some(Arc::clone(&prepared));
        Ok(prepared)
    }
}

/// Finds what is wrong with the options themselves, without a look at files and tokens.
pub(super) fn check(options: &TlsOptions) -> Result<(), ConnectError> {
    between_forks(|| context::check(options)).map_err(ConnectError::from)
}

/// Goes on with a handshake. Where that `asks` the program for a key it may take as long as the program likes, on a thread
/// of its own: those that connect are everybody's.
async fn step(
    stream: SslStream<Intake>,
    asks: bool,
) -> Result<(SslStream<Intake>, Result<(), openssl::ssl::Error>), ConnectError> {
    let step = |mut stream: SslStream<Intake>| {
        let result = between_forks(|| stream.connect());
        (stream, result)
    };
    if !asks {
        return Ok(step(stream));
    }
    apart::run(stream, step)
        .await
        .map_err(|error| ConnectError::new(Stage::Tls, error))
}

/// Has the program look at the server's certificates, on a thread that may wait. No data has been sent yet.
async fn verify(ssl: &SslRef, uri: &ServerUri, verifier: &Verifier) -> Result<(), ConnectError> {
    let mut chain = Vec::new();
    for certificate in ssl.peer_cert_chain().into_iter().flatten() {
        let der = certificate.to_der();
        chain.push(der.map_err(|errors| Failure::from_stack("certificate", &errors))?);
    }
    let verifier = Arc::clone(verifier);
    let host = uri.wire_host().to_owned();
    tokio::task::spawn_blocking(move || verifier(&host, &chain))
        .await
        .map_err(|error| ConnectError::new(Stage::Tls, error))?
        .map_err(|why| Failure::new(format!("the program refuses the certificate: {why}")).into())
}

/// Sets up one connection: whom to expect, what to resume.
fn prepare_ssl(
    prepared: &Prepared,
    uri: &ServerUri,
    options: &TlsOptions,
) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(&prepared.context)?;
    // A fully qualified name may end in a dot; the names in certificates do not.
    let host = uri.wire_host().trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    if address.is_none() {
        // Only names may be sent as SNI (RFC 6066, section 3).
        ssl.set_hostname(host)?;
    }
    if options.verify {
        let param = ssl.param_mut();
        param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match address {
            Some(address) => param.set_ip(address)?,
            None => param.set_host(host)?,
        }
    }
    match (options.enable_server_cert_auth, options.verify) {
        (true, _) => ssl.set_verify(SslVerifyMode::PEER),
        // As in the original the two are independent: whoever signed it, it has to be for this host.
        (false, true) => ssl.set_verify_callback(SslVerifyMode::PEER, only_identity_counts),
        (false, false) => ssl.set_verify(SslVerifyMode::NONE),
    }
    prepared.sessions.resume(&mut ssl, &prepared.context, uri)?;
    Ok(ssl)
}

/// Lets every complaint pass but those about the name or the address, as a verification callback.
fn only_identity_counts(passed: bool, store: &mut X509StoreContextRef) -> bool {
    // X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
    const MISMATCHES: [i32; 2] = [62, 64];
    passed || !MISMATCHES.contains(&store.error().as_raw())
}

/// What went wrong, for the connect's error and, line by line, for the program's error callback.
#[derive(Debug)]
struct Failure {
    message: String,
    lines: Vec<String>,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            lines: vec![message.clone()],
            message,
        }
    }

    /// Joins `what` and the reasons that OpenSSL gives for it.
    fn from_stack(what: &str, errors: &ErrorStack) -> Self {
        let mut reasons: Vec<_> = errors.errors().iter().map(reason).collect();
        // OpenSSL's functions pass an error on by adding another one, often with the same words.
        let mut said = std::collections::HashSet::new();
        reasons.retain(|reason| said.insert(reason.clone()));
        Self {
            message: format!("{what}: {}", reasons.join("; ")),
            lines: errors.errors().iter().map(ToString::to_string).collect(),
        }
    }

    fn from_handshake(error: &openssl::ssl::Error, ssl: &SslRef) -> Self {
        if let Some(errors) = error
            .ssl_error()
            .filter(|errors| !errors.errors().is_empty())
        {
            let mut failure = Self::from_stack("handshake", errors);
            let verdict = ssl.verify_result();
            if failure.message.contains("certificate verify failed") {
                let _ = write!(failure.message, " ({})", verdict.error_string());
            }
            return failure;
        }
        match error.io_error() {
            Some(e) => Self::new(format!("handshake: {e}")),
            None => Self::new("handshake: connection closed by the server"),
        }
    }
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        Self::new(Stage::Tls, failure.message).with_details(failure.lines)
    }
}

/// Returns one error's reason, with OpenSSL's detail (a file name, for one).
fn reason(error: &openssl::error::Error) -> String {
    let reason = error
        .reason()
        .map_or_else(|| format!("error {:08X}", error.code()), str::to_owned);
    match error.data() {
        Some(data) if !data.is_empty() => format!("{reason} ({data})"),
        _ => reason,
    }
}

/// Does what [`fuzzing::tls_options`](super::fuzzing::tls_options) documents.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzz(pem: &str, ciphers: &str, protos: &[u8], password: &[u8]) {
    // Files are not to be made up.
    let text = || format!("-----BEGIN {pem}");
    // To make a context takes OpenSSL a millisecond: one setting at a time, and the text's length says which.
    let place = pem.len() % 3;
    let options = TlsOptions {
        trust_store: (place == 0).then(text),
        key_store: (place > 0).then(|| text().into()),
        private_key: (place == 2).then(|| text().into()),
        private_key_password: Some(crate::options::Secret(password.to_vec())),
        enabled_cipher_suites: (!ciphers.is_empty()).then(|| ciphers.to_owned()),
        enable_server_cert_auth: true,
        version: crate::options::TlsVersion::Default,
        min_version: None,
        max_version: None,
        verify: true,
        ca_path: None,
        error_reporter: None,
        psk_source: None,
        verifier: None,
        disable_default_trust_store: true,
        protos: protos.to_vec(),
    };
    if let Err(failure) = Prepared::new(&options) {
        assert!(!failure.message.is_empty());
    }
    assert!(
        ErrorStack::get().errors().is_empty(),
        "left for another call"
    );
}
