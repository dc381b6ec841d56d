//! Mistakes that no server need be asked about: the call itself fails, says which field is wrong, and nothing is sent.

use std::ffi::c_int;

use crate::broker::Broker;
use crate::driver::{AsyncClient, ConnectOptions, SyncClient, Will};
use crate::packet::Version;

const FAILURE: c_int = -1;

/// Both APIs refuse to connect, and their texts name the field.
fn refused(version: Version, client_id: &str, options: &ConnectOptions, why: &str) {
    let broker = Broker::start();
    let client = AsyncClient::new(version, &broker.uri(), client_id);
    assert_eq!(client.connect(options), FAILURE, "MQTTAsync: {why}");
    let said = AsyncClient::text(FAILURE);
    assert!(said.contains(why), "{said}");

    let client = SyncClient::new(version, &broker.uri(), client_id);
    assert_eq!(client.connect(options), FAILURE, "MQTTClient: {why}");
    let said = SyncClient::text(FAILURE);
    assert!(said.contains(why), "{said}");
    assert!(!broker.has_caller());
}

#[test]
fn a_password_without_a_user_name_is_refused_in_the_call() {
    let options = ConnectOptions {
        password: Some(b"pw".into()),
        ..ConnectOptions::default()
    };
    refused(
        Version::V311,
        "wire",
        &options,
        "password without a user name",
    );
}

#[test]
fn a_field_that_is_too_long_is_refused_in_the_call() {
    let long = vec![b'x'; 65_536];
    let will = |topic: &[u8], payload: &[u8]| {
        Some(Will {
            topic: topic.into(),
            payload: payload.into(),
            qos: 0,
            retained: false,
            properties: Vec::new(),
        })
    };
    let default = ConnectOptions::default;
    for version in [Version::V311, Version::V5] {
        let id = String::from_utf8(long.clone()).unwrap();
        refused(
            version,
            &id,
            &default(),
            "client identifier: longer than 65,535 bytes",
        );
        let user_name = Some(long.clone());
        let options = ConnectOptions {
            user_name,
            ..default()
        };
        refused(
            version,
            "wire",
            &options,
            "user name: longer than 65,535 bytes",
        );
        let options = ConnectOptions {
            user_name: Some(b"me".into()),
            password: Some(long.clone()),
            ..default()
        };
        refused(
            version,
            "wire",
            &options,
            "password: longer than 65,535 bytes",
        );
        let options = ConnectOptions {
            will: will(&long, b""),
            ..default()
        };
        refused(
            version,
            "wire",
            &options,
            "will topic: longer than 65,535 bytes",
        );
        let options = ConnectOptions {
            will: will(b"a", &long),
            ..default()
        };
        refused(
            version,
            "wire",
            &options,
            "will message: longer than 65,535 bytes",
        );
    }
}
