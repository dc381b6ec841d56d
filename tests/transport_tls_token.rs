//! `pkcs11:` URIs: certificate, key and trust on a token, which a provider of OpenSSL's opens; the configuration file names it, as a
//! user's does.
//!
//! One provider is the test's own (`tests/token/provider.c`), with a directory for a token. The other is `pkcs11-provider` on
//! `SoftHSM`, where both are installed: Debian 12 has the provider in its backports.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
mod transport_common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use certs::Identity;
use openssl::ssl::SslVerifyMode;
use paho_oxide::options::{Secret, TlsOptions};
use tls::*;
use transport_common::temp_dir;

/// In the environment of the child that has the provider: the directory of what was prepared for it.
const PREPARED: &str = "PAHO_OXIDE_TOKEN";

/// The PIN of both tokens.
const PIN: &str = "271828";

/// A CA and a client, whose files both processes know.
fn prepare(dir: &Path) -> (Identity, Identity) {
    let site = Site::new();
    let client = Identity::named("client", None, Some(&site.ca), 10);
    let write = |name: &str, content: Vec<u8>| fs::write(dir.join(name), content).unwrap();
    write("ca.crt", site.ca.certificate.to_der().unwrap());
    write("client.crt", client.certificate.to_der().unwrap());
    write("client.key", client.key.private_key_to_der().unwrap());
    write("client.p8", client.key.private_key_to_pem_pkcs8().unwrap());
    write("server.pem", site.server.certificate_pem());
    write("server.key.pem", site.server.key_pem());
    write("PIN", PIN.as_bytes().to_vec());
    (site.ca, client)
}

/// A configuration file that has OpenSSL load this provider beside its own.
fn configuration(dir: &Path, name: &str, module: &Path, settings: &str) -> PathBuf {
    let text = format!(
        "openssl_conf = init\n[init]\nproviders = providers\n[providers]\ndefault = builtin\n{name} = token\n\
         [builtin]\nactivate = 1\n[token]\nmodule = {}\nactivate = 1\n{settings}",
        module.display()
    );
    let path = dir.join("openssl.cnf");
    fs::write(&path, text).unwrap();
    path
}

/// Runs a test of this file in a process that has the provider.
fn with_provider(test: &str, dir: &Path, configuration: &Path, environment: &[(&str, &Path)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(PREPARED, dir)
        .env("OPENSSL_CONF", configuration)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The child: connects to a server that wants a certificate of the CA's, with what the URIs lead to.
#[test]
fn on_the_token() {
    let Some(dir) = std::env::var_os(PREPARED).map(PathBuf::from) else {
        // Only the tests below start it.
        return;
    };
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    let server = Identity {
        certificate: openssl::x509::X509::from_pem(&read("server.pem")).unwrap(),
        key: openssl::pkey::PKey::private_key_from_pem(&read("server.key.pem")).unwrap(),
    };
    let ca = openssl::x509::X509::from_der(&read("ca.crt")).unwrap();
    let try_with = |tls: &TlsOptions| {
        let mut context = server_context(&server);
        context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        context.cert_store_mut().add_cert(ca.clone()).unwrap();
        let (port, thread) = serve(context.build(), 1, |accepted: Accepted| {
            let name = accepted.as_ref().ok().and_then(|stream| {
                let certificate = stream.ssl().peer_certificate()?;
                let name = certificate.subject_name().entries().next()?.data();
                Some(String::from_utf8_lossy(name.as_slice()).into_owned())
            });
            echo(accepted).map(|()| name)
        });
        let result = connect(&format!("ssl://localhost:{port}"), tls.clone()).map(|link| {
            ping(&link);
            link.shutdown();
        });
        if result.is_err() {
            // A setting that is wrong is found before the connection: the server still waits for one.
            drop(std::net::TcpStream::connect(("127.0.0.1", port)));
        }
        let seen = thread.join().unwrap().pop().unwrap();
        result.map(|()| seen.unwrap())
    };
    let of_token = |pin: &str| TlsOptions {
        trust_store: Some("pkcs11:object=ca;type=cert".into()),
        key_store: Some("pkcs11:object=client;type=cert".to_owned().into()),
        private_key: Some(format!("pkcs11:object=client;type=private{pin}").into()),
        verify: true,
        ..TlsOptions::default()
    };
    let in_uri = of_token(&format!("?pin-value={PIN}"));
    let asked = TlsOptions {
        private_key_password: Some(Secret(PIN.as_bytes().to_vec())),
        ..of_token("")
    };
    // Wrong PINs, of which nothing is told, and objects that are not there. They come first: a provider may stay logged in.
    let wrong_pin = of_token("?pin-value=314159");
    let wrong_word = TlsOptions {
        private_key_password: Some(Secret(b"314159".to_vec())),
        ..of_token("")
    };
    let no_key = TlsOptions {
        private_key: Some(format!("pkcs11:object=ca;type=private?pin-value={PIN}").into()),
        ..in_uri.clone()
    };
    let no_certificate = TlsOptions {
        key_store: Some("pkcs11:object=none;type=cert".to_owned().into()),
        ..in_uri.clone()
    };
    let no_trust = TlsOptions {
        trust_store: Some("pkcs11:object=none;type=cert".into()),
        ..in_uri.clone()
    };
    for (tls, name) in [
        (wrong_pin, "privateKey: "),
        (wrong_word, "privateKey: "),
        (no_key, "privateKey: "),
        (no_certificate, "keyStore: "),
        (no_trust, "trustStore: "),
    ] {
        let error = try_with(&tls).unwrap_err();
        assert!(error.message.starts_with(name), "{error}");
        let told = format!("{error:?}");
        assert!(!told.contains("314159") && !told.contains(PIN), "{told}");
    }
    for tls in [&in_uri, &asked] {
        let seen = try_with(tls).unwrap();
        assert_eq!(seen.as_deref(), Some("client"));
    }
}

#[test]
fn certificate_key_and_trust_come_from_a_token() {
    let dir = temp_dir();
    prepare(dir.path());
    let module = dir.path().join("token.so");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&module)
        .arg("tests/token/provider.c")
        .status()
        .unwrap();
    assert!(compiled.success(), "the provider");
    let configuration = configuration(dir.path(), "token", &module, "");
    with_provider(
        "on_the_token",
        dir.path(),
        &configuration,
        &[("TOKEN_DIRECTORY", dir.path())],
    );
}

/// Where a file is, of the places where distributions put it.
fn installed(variable: &str, places: &[&str]) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let places = places.iter().map(PathBuf::from);
    named.into_iter().chain(places).find(|path| path.exists())
}

/// Runs a program of the token's. Returns false if there is none.
fn run(program: &str, conf: &Path, arguments: &[&str]) -> bool {
    let output = Command::new(program)
        .args(arguments)
        .env("SOFTHSM2_CONF", conf)
        .output();
    match output {
        Err(_) => false,
        Ok(output) => {
            assert!(
                output.status.success(),
                "{program} {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
    }
}

#[test]
fn so_they_do_from_softhsm_by_pkcs11_provider() {
    let provider = installed(
        "PKCS11_PROVIDER",
        &[
            "/usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so",
            "/usr/lib64/ossl-modules/pkcs11.so",
        ],
    );
    let softhsm = installed(
        "SOFTHSM2_MODULE",
        &[
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib64/softhsm/libsofthsm2.so",
        ],
    );
    let (Some(provider), Some(softhsm)) = (provider, softhsm) else {
        println!("NOT TESTED: no pkcs11-provider, or no SoftHSM");
        return;
    };
    let dir = temp_dir();
    prepare(dir.path());
    let tokens = dir.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\n", tokens.display());
    fs::write(&conf, text).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let module = softhsm.display().to_string();
    let token = ["--init-token", "--free", "--label", "test"];
    let pins = ["--so-pin", PIN, "--pin", PIN];
    let key = path("client.p8");
    let import = ["--import", &key, "--token", "test", "--label", "client"];
    let id = ["--id", "01", "--pin", PIN];
    let made = run("softhsm2-util", &conf, &[&token[..], &pins].concat())
        && run("softhsm2-util", &conf, &[&import[..], &id].concat())
        && ["ca", "client"].iter().zip(["02", "01"]).all(|(name, id)| {
            let file = path(&format!("{name}.crt"));
            let write = ["--module", &module, "--token-label", "test"];
            let object = ["--write-object", &file, "--type", "cert"];
            let name = ["--label", name, "--id", id, "--login", "--pin", PIN];
            run("pkcs11-tool", &conf, &[&write[..], &object, &name].concat())
        });
    if !made {
        println!("NOT TESTED: no softhsm2-util, or no pkcs11-tool");
        return;
    }
    let settings = format!("pkcs11-module-path = {module}\n");
    let configuration = configuration(dir.path(), "pkcs11", &provider, &settings);
    let environment = [("SOFTHSM2_CONF", &*conf)];
    with_provider("on_the_token", dir.path(), &configuration, &environment);
}
