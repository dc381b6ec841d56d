//! Whom TLS trusts, and how a client proves who it is.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
mod transport_common;

use std::net::TcpListener;
use std::sync::Arc;

use certs::Identity;
use openssl::ssl::{SslContext, SslVerifyMode, SslVersion};
use openssl::symm::Cipher;
use paho_oxide::options::{Secret, TlsOptions};
use paho_oxide::transport::{ConnectError, Connector};
use tls::*;
use transport_common::*;

#[test]
fn verified_by_name_and_by_address() {
    let site = Site::new();
    attempt(&site.server, "localhost", site.tls()).unwrap();
    attempt(&site.server, "127.0.0.1", site.tls()).unwrap();
}

/// The name of the URI counts, not the one that its address has; a final dot is no part of it.
#[test]
fn fully_qualified_names() {
    let site = Site::new();
    let server = Identity::named("broker.example", None, Some(&site.ca), 10);
    let (port, server) = serve(server_context(&server).build(), 2, echo);
    let connector = Connector::with_resolver(Arc::new(Fixed(vec![([127, 0, 0, 1], port).into()])));
    connect_with(&connector, "ssl://broker.example.:1", &with(site.tls())).unwrap();
    connect_with(&connector, "ssl://other.example:1", &with(site.tls())).unwrap_err();
    server.join().unwrap();
}

#[test]
fn a_wildcard_is_for_names_alone() {
    let site = Site::new();
    let of_addresses = Identity::named("*.0.0.1", None, Some(&site.ca), 10);
    refused(
        attempt(&of_addresses, "127.0.0.1", site.tls()),
        "IP address mismatch",
    );
    let of_names = Identity::named("*.example.org", None, Some(&site.ca), 10);
    let (port, server) = serve(server_context(&of_names).build(), 1, echo);
    let connector = Connector::with_resolver(Arc::new(Fixed(vec![([127, 0, 0, 1], port).into()])));
    connect_with(&connector, "ssl://broker.example.org:1", &with(site.tls())).unwrap();
    server.join().unwrap();
}

#[test]
fn verification_is_what_the_options_ask_for() {
    let site = Site::new();
    let other = Identity::named("other.example", None, Some(&site.ca), 10);
    let lone = Identity::localhost(None);
    let lone_other = Identity::named("other.example", None, None, 10);
    let expired = Identity::named("localhost", None, Some(&site.ca), -1);
    for host in ["localhost", "127.0.0.1"] {
        let reason = if host == "localhost" {
            "hostname mismatch"
        } else {
            "IP address mismatch"
        };
        refused(attempt(&other, host, site.tls()), reason);
        let no_auth = TlsOptions {
            enable_server_cert_auth: false,
            ..site.tls()
        };
        refused(attempt(&other, host, no_auth.clone()), reason);
        refused(attempt(&lone_other, host, no_auth.clone()), reason);
        attempt(&lone, host, no_auth).unwrap();
        attempt(
            &other,
            host,
            TlsOptions {
                verify: false,
                ..site.tls()
            },
        )
        .unwrap();
    }
    refused(
        attempt(&lone, "localhost", site.tls()),
        "self-signed certificate",
    );
    refused(
        attempt(&lone, "localhost", TlsOptions::default()),
        "self-signed certificate",
    );
    refused(
        attempt(&expired, "localhost", site.tls()),
        "certificate has expired",
    );
    let unchecked = TlsOptions {
        enable_server_cert_auth: false,
        ..TlsOptions::default()
    };
    attempt(&expired, "localhost", unchecked.clone()).unwrap();
    attempt(&lone_other, "localhost", unchecked).unwrap();
    refused(
        attempt(&site.server, "localhost", TlsOptions::default()),
        "unable to get local issuer certificate",
    );
}

#[test]
fn trust_comes_from_a_directory_too() {
    let site = Site::new();
    let by_directory = TlsOptions {
        trust_store: None,
        ca_path: Some(site.path("certs")),
        ..site.tls()
    };
    std::fs::create_dir(site.path("certs")).unwrap();
    refused(
        attempt(&site.server, "localhost", by_directory.clone()),
        "unable to get local issuer certificate",
    );
    let hash = site.ca.certificate.subject_name_hash();
    site.write(&format!("certs/{hash:08x}.0"), &site.ca.certificate_pem());
    attempt(&site.server, "localhost", by_directory).unwrap();
}

/// The default store is where the environment says, so this runs by itself.
#[test]
fn the_default_trust_store_can_be_disabled() {
    const MARK: &str = "PAHO_OXIDE_DEFAULT_STORE";
    let site = Site::new();
    let own_ca = std::env::var(MARK);
    let Ok(dir) = own_ca else {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_default_trust_store_can_be_disabled"])
            .env("SSL_CERT_FILE", site.path("ca.pem"))
            .env(
                MARK,
                site.write(
                    "server.pem",
                    &[site.server.certificate_pem(), site.server.key_pem()].concat(),
                ),
            )
            .status();
        assert!(status.unwrap().success());
        return;
    };
    let pem = std::fs::read(dir).unwrap();
    let server = Identity {
        certificate: openssl::x509::X509::from_pem(&pem).unwrap(),
        key: openssl::pkey::PKey::private_key_from_pem(&pem).unwrap(),
    };
    attempt(&server, "localhost", TlsOptions::default()).unwrap();
    let disabled = TlsOptions {
        disable_default_trust_store: true,
        ..TlsOptions::default()
    };
    refused(
        attempt(&server, "localhost", disabled),
        "unable to get local issuer certificate",
    );
}

#[test]
fn files_that_are_not_there_are_named() {
    let site = Site::new();
    let junk = site.write("junk.pem", b"junk");
    let none = site.path("none.pem");
    for file in [&junk, &none] {
        let file = Some(file.clone());
        for tls in [
            TlsOptions {
                trust_store: file.clone(),
                ..site.tls()
            },
            TlsOptions {
                key_store: file.clone().map(Into::into),
                ..site.tls()
            },
            TlsOptions {
                key_store: Some(site.path("ca.pem").into()),
                private_key: file.clone().map(Into::into),
                ..site.tls()
            },
        ] {
            refused(attempt_settings(tls), file.as_deref().unwrap());
        }
    }
    refused(
        attempt_settings(TlsOptions {
            enabled_cipher_suites: Some("NO-SUCH".into()),
            ..site.tls()
        }),
        "NO-SUCH",
    );
    refused(
        attempt_settings(TlsOptions {
            protos: b"\x09short".to_vec(),
            ..site.tls()
        }),
        "protos",
    );
}

/// Connects to a server that will not hear anything.
fn attempt_settings(tls: TlsOptions) -> Result<(), ConnectError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    connect(&format!("ssl://{}", listener.local_addr().unwrap()), tls).map(drop)
}

fn demanding_client_certificates(site: &Site, version: SslVersion) -> SslContext {
    let mut context = server_context(&site.server);
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    context
        .cert_store_mut()
        .add_cert(site.ca.certificate.clone())
        .unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.build()
}

#[test]
fn client_certificates() {
    let site = Site::new();
    let client = Identity::named("client", None, Some(&site.ca), 10);
    let stranger = Identity::named("stranger", None, None, 10);
    let expired = Identity::named("late", None, Some(&site.ca), -1);
    let bundle = |name: &str, identity: &Identity| {
        site.write(
            name,
            &[identity.certificate_pem(), identity.key_pem()].concat(),
        )
    };
    let both = bundle("client.pem", &client);
    let secret_key = client
        .key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"pass phrase")
        .unwrap();
    let certificate = site.write("certificate.pem", &client.certificate_pem());
    let key = site.write("key.pem", &client.key_pem());
    let secret = site.write("secret.pem", &secret_key);
    let password = |text: &[u8]| Some(Secret(text.to_vec()));

    let one_file = TlsOptions {
        key_store: Some(both.into()),
        ..site.tls()
    };
    let two_files = TlsOptions {
        key_store: Some(certificate.into()),
        private_key: Some(key.into()),
        ..site.tls()
    };
    let encrypted = TlsOptions {
        private_key: Some(secret.into()),
        private_key_password: password(b"pass phrase"),
        ..two_files.clone()
    };
    let bad_stranger = TlsOptions {
        key_store: Some(bundle("stranger.pem", &stranger).into()),
        ..site.tls()
    };
    let bad_expired = TlsOptions {
        key_store: Some(bundle("expired.pem", &expired).into()),
        ..site.tls()
    };
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        for tls in [&one_file, &two_files, &encrypted] {
            let (port, server) = serve(demanding_client_certificates(&site, version), 1, echo);
            let link = connect(&format!("ssl://localhost:{port}"), tls.clone()).unwrap();
            ping(&link);
            link.shutdown();
            server.join().unwrap().pop().unwrap().unwrap();
        }
        for tls in [site.tls(), bad_stranger.clone(), bad_expired.clone()] {
            let (port, server) = serve(demanding_client_certificates(&site, version), 1, echo);
            // The client of TLS 1.3 is done before the server has seen its certificate, and hears when it reads.
            let (message, details) = match connect(&format!("ssl://localhost:{port}"), tls) {
                Ok(link) => {
                    let error = receive_end(&link).unwrap_err();
                    (error.to_string(), link.take_details())
                }
                Err(error) => (error.message, error.details),
            };
            assert!(message.contains("alert"), "{message}");
            assert!(
                details.iter().any(|line| line.contains("alert")),
                "{details:?}"
            );
            server.join().unwrap().pop().unwrap().unwrap_err();
        }
    }

    for wrong in [
        None,
        password(b""),
        password(b"wrong"),
        password(&[b'x'; 5000]),
    ] {
        refused(
            attempt_settings(TlsOptions {
                private_key_password: wrong,
                ..encrypted.clone()
            }),
            "privateKey",
        );
    }
    let foreign = site.write("foreign.pem", &stranger.key_pem());
    refused(
        attempt_settings(TlsOptions {
            private_key: Some(foreign.into()),
            ..two_files
        }),
        "mismatch",
    );
}
