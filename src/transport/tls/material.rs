//! Certificates and keys: from files, from memory, from tokens.

use std::fs::File;
use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::{Failure, store};
use crate::options::{Secret, TlsOptions};

/// Where one of the options' texts leads.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    File(&'a str),
    /// The text is the PEM.
    Pem(&'a str),
    /// A URI for OpenSSL's store.
    Store(&'a str),
}

/// How the first line of a PEM begins.
const PEM: &str = "-----BEGIN ";
/// How a URI for OpenSSL's store begins, in whichever case (RFC 3986, section 3.1).
const STORE: &str = "pkcs11:";
/// A file's name that is longer is not shown.
const MAX_SHOWN: usize = 255;

impl<'a> Source<'a> {
    /// Finds out what a text is. No file's name has the beginning of a PEM in it, but a PEM may have words before that, as
    /// `openssl pkcs12` and `openssl x509 -text` write them. OpenSSL passes them over.
    pub(super) fn of(text: &'a str) -> Self {
        if text.contains(PEM) {
            Source::Pem(text)
        } else if text
            .get(..STORE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(STORE))
        {
            Source::Store(text)
        } else {
            Source::File(text)
        }
    }

    /// Returns the option's name and, where that is neither long nor secret, what it says.
    fn describe(self, option: &str) -> String {
        match self {
            Source::File(file) if is_shown(file) => format!("{option} {file}"),
            // A URI may have a PIN in it. What is no file's name may be the rest of a key.
            Source::File(_) | Source::Pem(_) | Source::Store(_) => option.to_owned(),
        }
    }
}

/// Returns true if a text may well be a file's name, and no part of a key.
fn is_shown(file: &str) -> bool {
    file.len() <= MAX_SHOWN && !file.chars().any(char::is_control)
}

/// Names the setting that OpenSSL did not like.
fn setting(name: &str) -> impl Fn(ErrorStack) -> Failure + '_ {
    move |errors| Failure::from_stack(name, &errors)
}

/// Fails as the system does when a file cannot be read. OpenSSL would say so too, but not only that, and not of all files.
fn need(name: &str, file: &str) -> Result<(), Failure> {
    File::open(file)
        .map(drop)
        .map_err(|e| Failure::new(format!("{name}: {e}")))
}

fn certificates(pem: &str, name: &str) -> Result<Vec<X509>, Failure> {
    // What says beside a certificate for what it is trusted. The function below passes it over; of files OpenSSL reads it.
    if pem.contains("-----BEGIN TRUSTED CERTIFICATE-----") {
        let why = "a TRUSTED CERTIFICATE can be read from a file alone";
        return Err(Failure::new(format!("{name}: {why}")));
    }
    let certificates = X509::stack_from_pem(pem.as_bytes()).map_err(setting(name))?;
    if certificates.is_empty() {
        return Err(Failure::new(format!("{name}: no certificate in it")));
    }
    Ok(certificates)
}

/// Loads the client's certificate chain and its key, which is in the same place unless the options name another.
pub(super) fn load_key_pair(
    builder: &mut SslContextBuilder,
    options: &TlsOptions,
) -> Result<(), Failure> {
    // As in the original a key without a certificate is not looked at.
    let Some(key_store) = &options.key_store else {
        return Ok(());
    };
    let password = options.private_key_password.as_ref();
    let source = Source::of(key_store);
    let name = source.describe("keyStore");
    match source {
        Source::File(file) => {
            need(&name, file)?;
            builder
                .set_certificate_chain_file(file)
                .map_err(setting(&name))?;
        }
        Source::Pem(pem) => use_chain(builder, &certificates(pem, &name)?, &name)?,
        Source::Store(uri) => {
            let objects = store::load(&name, uri, password.map(|secret| &secret.0[..]))?;
            if objects.certificates.is_empty() {
                return Err(Failure::new(format!("{name}: no certificate is there")));
            }
            use_chain(builder, &objects.certificates, &name)?;
        }
    }
    let source = Source::of(options.private_key.as_ref().unwrap_or(key_store));
    let name = source.describe("privateKey");
    let key = match source {
        Source::File(file) => {
            let pem = std::fs::read(file).map_err(|e| Failure::new(format!("{name}: {e}")))?;
            read_key(&Zeroizing::new(pem), password).map_err(setting(&name))?
        }
        Source::Pem(pem) => read_key(pem.as_bytes(), password).map_err(setting(&name))?,
        Source::Store(uri) => {
            let objects = store::load(&name, uri, password.map(|secret| &secret.0[..]))?;
            let key = objects.keys.into_iter().next();
            key.ok_or_else(|| Failure::new(format!("{name}: no private key is there")))?
        }
    };
    builder.set_private_key(&key).map_err(setting(&name))?;
    builder.check_private_key().map_err(setting(&name))
}

/// Uses a chain, of which the first is the client's own.
fn use_chain(builder: &mut SslContextBuilder, chain: &[X509], name: &str) -> Result<(), Failure> {
    let Some((own, others)) = chain.split_first() else {
        return Ok(());
    };
    builder.set_certificate(own).map_err(setting(name))?;
    for other in others {
        builder
            .add_extra_chain_cert(other.clone())
            .map_err(setting(name))?;
    }
    Ok(())
}

/// Overwrites memory that this thread has freed. OpenSSL 3 frees the buffers through which it decodes a private key as they
/// are, and lets nobody at them; the allocator gives what was freed last to who asks for that size next.
fn overwrite_freed() {
    const SIZES: [usize; 6] = [2048, 1024, 512, 256, 128, 64];
    const BLOCKS: usize = 64;
    // All at the same time: each is another piece.
    let blocks: Vec<_> = SIZES
        .iter()
        .flat_map(|&size| (0..BLOCKS).map(move |_| vec![0_u8; size]))
        .collect();
    std::hint::black_box(blocks);
}

/// Reads a PEM key. OpenSSL never gets to ask on the terminal: there is always a callback.
fn read_key(pem: &[u8], password: Option<&Secret>) -> Result<PKey<Private>, ErrorStack> {
    let key = PKey::private_key_from_pem_callback(pem, |buffer| {
        let password = password.map_or(&[][..], |secret| &secret.0);
        // A longer one cannot be right; cut short it could be.
        let fits = buffer.get_mut(..password.len());
        Ok(fits.map_or(0, |buffer| {
            buffer.copy_from_slice(password);
            password.len()
        }))
    });
    overwrite_freed();
    key
}

pub(super) fn load_trust(
    builder: &mut SslContextBuilder,
    options: &TlsOptions,
) -> Result<(), Failure> {
    if let Some(trust_store) = &options.trust_store {
        let source = Source::of(trust_store);
        let name = source.describe("trustStore");
        match source {
            Source::File(file) => {
                need(&name, file)?;
                builder
                    .load_verify_locations(Some(Path::new(file)), None)
                    .map_err(setting(&name))?;
            }
            Source::Pem(pem) => trust(builder, certificates(pem, &name)?, &name)?,
            Source::Store(uri) => {
                let objects = store::load(&name, uri, None)?;
                trust(builder, objects.certificates, &name)?;
            }
        }
    }
    if let Some(directory) = &options.ca_path {
        let name = format!("CApath {directory}");
        need(&name, directory)?;
        builder
            .load_verify_locations(None, Some(Path::new(directory)))
            .map_err(setting(&name))?;
    }
    let named = options.trust_store.is_some() || options.ca_path.is_some();
    if !named && !options.disable_default_trust_store {
        builder
            .set_default_verify_paths()
            .map_err(setting("default trust store"))?;
    }
    Ok(())
}

fn trust(
    builder: &mut SslContextBuilder,
    certificates: Vec<X509>,
    name: &str,
) -> Result<(), Failure> {
    if certificates.is_empty() {
        return Err(Failure::new(format!("{name}: no certificate is there")));
    }
    for certificate in certificates {
        builder
            .cert_store_mut()
            .add_cert(certificate)
            .map_err(setting(name))?;
    }
    Ok(())
}
