//! Certificates and keys from memory, versions of TLS, and a program that looks at the server's certificates itself.
#![cfg(feature = "tls")]

#[path = "transport_common/certs.rs"]
mod certs;
#[path = "transport_common/tls.rs"]
mod tls;
mod transport_common;

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use certs::Identity;
use openssl::ssl::{SslVerifyMode, SslVersion};
use openssl::symm::Cipher;
use paho_oxide::options::{Secret, TlsOptions, TlsVersion};
use paho_oxide::transport::ConnectError;
use tls::*;

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).unwrap()
}

#[test]
fn the_options_may_be_the_pem_itself() {
    let site = Site::new();
    let client = Identity::named("client", None, Some(&site.ca), 10);
    let (certificate, key) = (text(client.certificate_pem()), text(client.key_pem()));
    let encrypted = client
        .key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"pass phrase")
        .unwrap();
    let other = text(Identity::named("other", None, None, 10).certificate_pem());
    let trusting = TlsOptions {
        // Several certificates, as in a file.
        trust_store: Some(other.clone() + &text(site.ca.certificate_pem())),
        verify: true,
        ..TlsOptions::default()
    };
    let in_one = TlsOptions {
        key_store: Some((certificate.clone() + &text(site.ca.certificate_pem()) + &key).into()),
        ..trusting.clone()
    };
    let in_two = TlsOptions {
        key_store: Some(certificate.clone().into()),
        private_key: Some(key.into()),
        ..trusting.clone()
    };
    let with_phrase = TlsOptions {
        private_key: Some(text(encrypted).into()),
        private_key_password: Some(Secret(b"pass phrase".to_vec())),
        ..in_two.clone()
    };
    // What OpenSSL's tools write before it.
    let bag = "Bag Attributes\n    friendlyName: client\n";
    let behind_words = TlsOptions {
        trust_store: Some(format!("\n{}", text(site.ca.certificate_pem()))),
        key_store: Some(format!("{bag}{certificate}").into()),
        private_key: Some(format!("{bag}{}", text(client.key_pem())).into()),
        ..trusting.clone()
    };
    for tls in [&in_one, &in_two, &with_phrase, &behind_words] {
        let mut context = server_context(&site.server);
        context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        context
            .cert_store_mut()
            .add_cert(site.ca.certificate.clone())
            .unwrap();
        let (port, server) = serve(context.build(), 1, echo);
        let link = connect(&format!("ssl://localhost:{port}"), tls.clone()).unwrap();
        ping(&link);
        link.shutdown();
        server.join().unwrap().pop().unwrap().unwrap();
    }
    refused(
        attempt(
            &site.server,
            "localhost",
            TlsOptions {
                trust_store: Some(other),
                ..trusting.clone()
            },
        ),
        "certificate verify failed",
    );

    // What is wrong is named, and nothing of a key is shown.
    let broken = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    for (tls, name) in [
        (
            TlsOptions {
                trust_store: Some(broken.to_owned()),
                ..TlsOptions::default()
            },
            "trustStore: ",
        ),
        (
            TlsOptions {
                key_store: Some(broken.into()),
                ..TlsOptions::default()
            },
            "keyStore: ",
        ),
        (
            TlsOptions {
                private_key: Some(broken.into()),
                ..in_two.clone()
            },
            "privateKey: ",
        ),
    ] {
        let error = settings(tls).unwrap_err();
        assert!(error.message.starts_with(name), "{error}");
        assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
    }

    // What is only read of a file is no certificate that is not there.
    let trusted = text(site.ca.certificate_pem()).replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
    for tls in [
        TlsOptions {
            trust_store: Some(trusted.clone() + &certificate),
            ..TlsOptions::default()
        },
        TlsOptions {
            key_store: Some((trusted + &certificate).into()),
            ..in_two.clone()
        },
    ] {
        let error = settings(tls).unwrap_err();
        assert!(
            error.message.contains("Store: a TRUSTED CERTIFICATE"),
            "{error}"
        );
    }

    // Nor where it has lost its first line.
    for rest in ["\nc2VjcmV0\n", &"c2VjcmV0".repeat(200)] {
        for key_only in [false, true] {
            let tls = TlsOptions {
                key_store: Some(if key_only { certificate.as_str() } else { rest }.into()),
                private_key: key_only.then(|| rest.into()),
                ..TlsOptions::default()
            };
            let error = settings(tls).unwrap_err();
            assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
            let name = if key_only {
                "privateKey: "
            } else {
                "keyStore: "
            };
            assert!(error.message.starts_with(name), "{error}");
        }
    }
}

/// Connects to a server that will not hear anything.
fn settings(tls: TlsOptions) -> Result<(), ConnectError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    connect(&format!("ssl://{}", listener.local_addr().unwrap()), tls).map(drop)
}

#[test]
fn a_missing_file_is_named_with_the_systems_reason() {
    let site = Site::new();
    let none = site.path("none.pem");
    let junk = site.write("client.pem", &site.server.certificate_pem());
    let cases = [
        TlsOptions {
            trust_store: Some(none.clone()),
            ..TlsOptions::default()
        },
        TlsOptions {
            ca_path: Some(none.clone()),
            ..TlsOptions::default()
        },
        TlsOptions {
            key_store: Some(none.clone().into()),
            ..TlsOptions::default()
        },
        TlsOptions {
            key_store: Some(junk.into()),
            private_key: Some(none.clone().into()),
            ..TlsOptions::default()
        },
    ];
    for tls in cases {
        let error = settings(tls).unwrap_err().to_string();
        assert_eq!(error.matches(&none).count(), 1, "{error}");
        assert_eq!(
            error.matches("No such file or directory").count(),
            1,
            "{error}"
        );
    }
}

#[test]
fn a_token_needs_its_provider() {
    for scheme in ["pkcs11", "PKCS11"] {
        let tls = TlsOptions {
            trust_store: Some(format!("{scheme}:token=t;object=o?pin-value=1234")),
            ..TlsOptions::default()
        };
        let error = settings(tls).unwrap_err();
        assert!(error.message.starts_with("trustStore: "), "{error}");
        assert!(error.message.contains("provider"), "{error}");
        assert!(!format!("{error:?}").contains("1234"), "{error:?}");
    }
}

#[test]
fn oldest_and_newest_version() {
    let site = Site::new();
    let run = |server: (SslVersion, SslVersion), tls: TlsOptions| {
        let mut context = server_context(&site.server);
        context.set_security_level(0);
        context.set_min_proto_version(Some(server.0)).unwrap();
        context.set_max_proto_version(Some(server.1)).unwrap();
        let (port, server) = serve(context.build(), 1, |accepted| {
            accepted.map(|stream| stream.ssl().version_str())
        });
        let link = connect(&format!("mqtts://localhost:{port}"), tls);
        let seen = server.join().unwrap().pop().unwrap();
        link.map(|_| seen.unwrap())
    };
    let (v1, v1_2, v1_3) = (SslVersion::TLS1, SslVersion::TLS1_2, SslVersion::TLS1_3);
    let tls = |version, min_version, max_version| TlsOptions {
        version,
        min_version,
        max_version,
        ..site.tls()
    };
    let only_1_3 = tls(TlsVersion::V1_3, None, None);
    assert_eq!(run((v1_2, v1_3), only_1_3.clone()).unwrap(), "TLSv1.3");
    let error = run((v1_2, v1_2), only_1_3).unwrap_err();
    assert!(error.message.contains("protocol version"), "{error}");
    let default = TlsVersion::Default;
    let at_least = tls(default, Some(TlsVersion::V1_3), None);
    run((v1_2, v1_2), at_least).unwrap_err();
    let at_most = tls(default, None, Some(TlsVersion::V1_2));
    assert_eq!(run((v1_2, v1_3), at_most).unwrap(), "TLSv1.2");
    let old = tls(default, Some(TlsVersion::V1_0), Some(TlsVersion::V1_0));
    assert_eq!(run((v1, v1_3), old).unwrap(), "TLSv1");
    // They go before the version that an older option names.
    let wider = tls(TlsVersion::V1_3, Some(TlsVersion::V1_2), None);
    assert_eq!(run((v1_2, v1_2), wider).unwrap(), "TLSv1.2");
}

#[test]
fn the_program_has_the_last_word() {
    let site = Site::new();
    let leaf = site.server.certificate.to_der().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let with_verdict = |verdict: Result<(), String>| {
        let (asked, leaf) = (Arc::clone(&asked), leaf.clone());
        TlsOptions {
            verifier: Some(Arc::new(move |host: &str, chain: &[Vec<u8>]| {
                assert_eq!(chain.first(), Some(&leaf));
                asked.lock().unwrap().push(host.to_owned());
                verdict.clone()
            })),
            ..site.tls()
        }
    };
    attempt(&site.server, "localhost", with_verdict(Ok(()))).unwrap();
    refused(
        attempt(
            &site.server,
            "127.0.0.1",
            with_verdict(Err("not pinned".into())),
        ),
        "not pinned",
    );
    assert_eq!(*asked.lock().unwrap(), ["localhost", "127.0.0.1"]);
    // It is not asked about what OpenSSL has refused, unless the options have that not checked.
    let strangers = Identity::localhost(None);
    refused(
        attempt(&strangers, "localhost", with_verdict(Ok(()))),
        "certificate verify failed",
    );
    assert_eq!(asked.lock().unwrap().len(), 2);
    let own_check = TlsOptions {
        enable_server_cert_auth: false,
        verify: false,
        verifier: Some(Arc::new(|_: &str, chain: &[Vec<u8>]| {
            Err(format!("{} certificates", chain.len()))
        })),
        ..TlsOptions::default()
    };
    refused(
        attempt(&strangers, "localhost", own_check),
        "1 certificates",
    );
}
