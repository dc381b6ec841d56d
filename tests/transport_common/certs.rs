//! Certificates, made anew by each test run.
#![allow(dead_code, reason = "each test program uses a part of it")]

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A certificate and its key.
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// What a certificate is for.
pub struct Request<'a> {
    pub name: &'a str,
    pub ip: Option<&'a str>,
    /// `None` signs itself.
    pub issuer: Option<&'a Identity>,
    pub ca: bool,
    /// Days from now until it ends.
    pub days: i64,
}

impl Request<'_> {
    pub fn make(&self) -> Identity {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, self.name)
            .unwrap();
        let name = name.build();

        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial
            .rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false)
            .unwrap();
        builder
            .set_serial_number(&serial.to_asn1_integer().unwrap())
            .unwrap();
        builder.set_subject_name(&name).unwrap();
        builder
            .set_issuer_name(
                self.issuer
                    .map_or(&name, |issuer| issuer.certificate.subject_name()),
            )
            .unwrap();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let day = 24 * 3600;
        let now = i64::try_from(now).unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(now - 10 * day).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(now + self.days * day).unwrap())
            .unwrap();
        builder.set_pubkey(&key).unwrap();
        if self.ca {
            builder
                .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
                .unwrap();
        } else {
            let mut names = SubjectAlternativeName::new();
            names.dns(self.name);
            if let Some(ip) = self.ip {
                names.ip(ip);
            }
            let context =
                builder.x509v3_context(self.issuer.map(|issuer| &*issuer.certificate), None);
            let names = names.build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
        builder
            .sign(
                self.issuer.map_or(&key, |issuer| &issuer.key),
                MessageDigest::sha256(),
            )
            .unwrap();
        Identity {
            certificate: builder.build(),
            key,
        }
    }
}

impl Identity {
    pub fn authority() -> Self {
        Request {
            name: "Test CA",
            ip: None,
            issuer: None,
            ca: true,
            days: 10,
        }
        .make()
    }

    /// One for `localhost` and 127.0.0.1.
    pub fn localhost(issuer: Option<&Identity>) -> Self {
        Self::named("localhost", Some("127.0.0.1"), issuer, 10)
    }

    pub fn named(name: &str, ip: Option<&str>, issuer: Option<&Identity>, days: i64) -> Self {
        Request {
            name,
            ip,
            issuer,
            ca: false,
            days,
        }
        .make()
    }

    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }
}
