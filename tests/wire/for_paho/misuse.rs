//! Careless use: names and values that are none, handles that are none, calls from everywhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{code, kind};
use crate::broker::Broker;
use crate::driver::for_paho::{
    ALL, Api, Client, Shared, ask_error, error_for, get, last_error, remove_route, set, statistics,
    with_null,
};
use crate::driver::{ConnectOptions, SyncClient};
use crate::packet::Version;
use crate::server::message;

/// Each option with a value that it keeps, and values that it cannot have.
const OPTIONS: &[(&str, &[&str], &[&str])] = &[
    (
        "manual-acks",
        &["on", "unordered"],
        &["maybe", "ON", "2", " on"],
    ),
    ("resubscribe", &["on"], &["x", "unordered"]),
    ("automatic-reconnect", &["on", "off"], &["x"]),
    (
        "automatic-reconnect-min",
        &["10", "86400000"],
        &["9", "86400001", "-1", "1s"],
    ),
    ("automatic-reconnect-max", &["10", "500"], &["", "9", "x"]),
    (
        "outbound-topic-aliases",
        &["1", "65535"],
        &["65536", "-1", "+1", "0x1"],
    ),
    ("resolve-topic-aliases", &["on"], &["x"]),
    ("tcp-keepalive", &["0", "32767"], &["32768", "-1", "1.5"]),
    (
        "tcp-user-timeout",
        &["0", "2147483647"],
        &["2147483648", "x"],
    ),
    (
        "bind-address",
        &["127.0.0.1", "::1"],
        &["localhost", "127.0.0.1:80", "1.2.3", "[::1]"],
    ),
    #[cfg(feature = "tls")]
    ("tls-min-version", &["1.2", "1.3"], &["1.4", "TLSv1.2", "1"]),
    #[cfg(feature = "tls")]
    ("tls-max-version", &["1.3"], &["1.2", "x"]),
];

/// The one of clients that buffer messages.
const OF_BUFFERS: (&str, &[&str], &[&str]) = (
    "max-buffered-bytes",
    &["1", "18446744073709551615"],
    &["0", "-1", "18446744073709551616", "1k", "0x10"],
);

fn options_of(
    api: Api,
) -> Vec<(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
)> {
    let buffers = (api == Api::Async).then_some(OF_BUFFERS);
    OPTIONS.iter().copied().chain(buffers).collect()
}

/// An option that is added, and that nobody tries here, is noticed.
#[test]
fn every_option_is_tried() {
    let source =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi/for_paho/options.rs");
    let source = std::fs::read_to_string(source).expect("the options");
    let names: Vec<_> = source
        .split("        name: \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| cfg!(feature = "tls") || !name.starts_with("tls-"))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let tried = options_of(Api::Async);
    for name in names {
        assert!(tried.iter().any(|(tried, ..)| *tried == name), "{name}");
    }
}

#[test]
fn options_keep_what_they_can_have_and_say_what_they_cannot() {
    for (api, version) in ALL {
        let client = Client::new(api, version, "tcp://127.0.0.1:1");
        let options = options_of(api);
        for (name, good, bad) in &options {
            assert_eq!(client.get(name).as_deref(), Ok(""), "{name}");
            for value in *good {
                assert_eq!(client.set(name, value), 0, "{name} {value}");
                assert_eq!(client.get(name).as_deref(), Ok(*value), "{name}");
            }
            let kept = client.get(name).unwrap();
            for value in bad.iter().filter(|value| !value.is_empty()) {
                let before = client.last_error().number;
                assert_eq!(client.set(name, value), code::ARGUMENT, "{name} {value}");
                let error = client.last_error();
                assert_eq!((error.kind, error.code), (kind::CALL, code::ARGUMENT));
                assert_eq!(error.number, before + 1);
                let says = error.text.contains(name) && error.text.contains(value);
                assert!(says, "{name} {value}: {}", error.text);
                assert_eq!(client.get(name), Ok(kept.clone()), "nothing has changed");
            }
        }
        for (name, ..) in options.iter().rev() {
            assert_eq!(client.set(name, ""), 0, "{name}");
            assert_eq!(client.get(name).as_deref(), Ok(""), "{name}");
        }
    }
}

#[test]
fn names_and_texts_that_are_none_are_refused() {
    for (api, version) in ALL {
        let client = Client::new(api, version, "tcp://127.0.0.1:1");
        let long = "x".repeat(100_000);
        for name in ["", "Manual-Acks", "manual-acks\0", "manual-ack", &long] {
            assert_eq!(client.set(name, "on"), code::NOT_FOUND);
            assert!(client.last_error().text.len() < 200);
            assert_eq!(client.get(name), Err(code::NOT_FOUND));
        }
        let handle = client.handle();
        assert_eq!(set(handle, b"manual-acks", b"\xff"), code::ARGUMENT);
        assert_eq!(set(handle, b"\xff", b"on"), code::NOT_FOUND);
        for id in [0, -1, i32::MIN] {
            assert_eq!(client.acknowledge(id), code::ARGUMENT);
        }
        for id in [1, 65_535, 65_536, i32::MAX] {
            assert_eq!(client.acknowledge(id), code::NOT_FOUND);
        }
    }
}

#[test]
fn null_and_wrong_sizes_are_refused() {
    for (api, version) in ALL {
        let client = Client::new(api, version, "tcp://127.0.0.1:1");
        assert_eq!(with_null(client.handle()), [code::NULL; 12]);
        let mut text = [0; 8];
        for size in [0, 1, 4, 63, 1000, u32::MAX] {
            let mut error = error_for(&mut text);
            error.size = size;
            assert_eq!(ask_error(client.handle(), &mut error), code::SIZE);
            assert_eq!(error.kind, 77, "untouched");
        }
    }
}

#[test]
fn handles_that_are_none_are_refused() {
    let stale = {
        let client = Client::new(Api::Async, Version::V5, "tcp://127.0.0.1:1");
        client.handle()
    };
    let number = |n: usize| std::ptr::without_provenance_mut(n);
    for handle in [std::ptr::null_mut(), stale, number(8), number(usize::MAX)] {
        assert_eq!(set(handle, b"resubscribe", b"on"), code::HANDLE);
        assert_eq!(get(handle, "resubscribe"), Err(code::HANDLE));
        assert_eq!(statistics(handle).map(|_| ()), Err(code::HANDLE));
        assert_eq!(remove_route(handle, "a"), code::HANDLE);
        let mut refused = [code::HANDLE; 12];
        if handle.is_null() {
            // It asks for the thread's own last error.
            refused[5..7].fill(code::NULL);
            assert_eq!(last_error(handle).map(|_| ()), Ok(()));
        } else {
            assert_eq!(last_error(handle), Err(code::HANDLE));
        }
        assert_eq!(with_null(handle), refused);
    }
}

/// A client without callbacks takes its messages itself: a route would never be asked.
#[test]
fn routes_need_callbacks() {
    let client = Client::Sync(SyncClient::new(Version::V311, "tcp://127.0.0.1:1", "wire"));
    assert_eq!(client.route_that("a", || ()).err(), Some(code::STATE));
    assert!(client.last_error().text.contains("MQTTClient_setCallbacks"));
    assert_eq!(client.remove_route("a"), code::NOT_FOUND);
}

#[test]
fn filters_that_are_none_are_refused() {
    for (api, version) in ALL {
        let client = Client::new(api, version, "tcp://127.0.0.1:1");
        for filter in ["", "a/#/b", "a+", "$share/g", "$share//a", "a\0b"] {
            assert_eq!(
                client.route_that(filter, || ()).err(),
                Some(code::ARGUMENT),
                "{filter}"
            );
        }
    }
}

/// Many threads set, read and ask while messages arrive and a route comes and goes.
#[test]
fn every_function_may_be_called_from_any_thread() {
    for (api, version) in ALL {
        let broker = Broker::start();
        let client = Client::new(api, version, &broker.uri());
        let (mut peer, _) = client.connect(&broker, &ConnectOptions::default(), false, &[]);
        let handle = Shared(client.handle());
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let stop = &stop;
            for n in 0..4 {
                scope.spawn(move || {
                    let handle = handle;
                    let mut round = 0;
                    while !stop.load(Ordering::Relaxed) || round < 100 {
                        round += 1;
                        let value = (round % 100 + 1).to_string();
                        assert_eq!(set(handle.0, b"tcp-keepalive", value.as_bytes()), 0);
                        assert!(!get(handle.0, "tcp-keepalive").unwrap().is_empty());
                        assert_eq!(set(handle.0, b"nothing", b""), code::NOT_FOUND);
                        assert!(last_error(handle.0).unwrap().number > 0);
                        assert_eq!(statistics(handle.0).unwrap().connections, 1);
                        let filter = format!("r/{n}");
                        assert_eq!(remove_route(handle.0, &filter), code::NOT_FOUND);
                    }
                });
            }
            for round in 0..50 {
                let route = client.route("m");
                peer.publish(&message("m", b"x"));
                assert_eq!(route.next().0, "m", "{round}");
                assert_eq!(client.remove_route("m"), 0);
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
