//! The fuzz targets' checks (`fuzz/src`) with random input, a little of it each time: what a stable compiler can do.
//! `make hardening` runs the real fuzzers.

#[path = "../fuzz/src/decode.rs"]
mod decode;
#[path = "../fuzz/src/events.rs"]
mod events;
#[path = "../fuzz/src/exports.rs"]
mod exports;
#[path = "../fuzz/src/for_paho.rs"]
mod for_paho;
#[path = "../fuzz/src/properties.rs"]
mod properties;
#[path = "../fuzz/src/record.rs"]
mod record;
#[path = "../fuzz/src/session.rs"]
mod session;
#[path = "../fuzz/src/uri.rs"]
mod uri;
#[path = "../fuzz/src/user_store.rs"]
mod user_store;

use arbitrary::{Arbitrary, Unstructured};
use proptest::prelude::*;

/// A setup and steps from bytes, as the fuzzer makes them.
fn run_session(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let setup = session::Setup::arbitrary(&mut input).unwrap_or_default();
    let steps: Vec<session::Step> = std::iter::from_fn(|| {
        (!input.is_empty())
            .then(|| session::Step::arbitrary(&mut input).ok())
            .flatten()
    })
    .collect();
    session::run(setup, &steps);
}

/// The same for the event API.
fn run_events(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let setup = events::Setup::arbitrary(&mut input).unwrap_or_default();
    let steps: Vec<events::Step> = std::iter::from_fn(|| {
        (!input.is_empty())
            .then(|| events::Step::arbitrary(&mut input).ok())
            .flatten()
    })
    .collect();
    events::run(setup, &steps);
}

/// What random input found: a server that uses the packet identifier of a QoS 2 message whose PUBREL is still to come for one of
/// QoS 1, which the program has and has not acknowledged when PUBREL comes.
#[test]
fn a_packet_identifier_is_used_twice_by_the_server() {
    run_session(&[
        0, 153, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 76, 0, 0, 0,
        0, 196, 0, 0, 0, 166, 5, 0, 43, 0, 0, 0, 0, 0, 196, 0, 0, 0, 211, 0, 0, 0, 0, 0, 0, 0, 211,
        0, 0, 0, 0, 0, 0, 0, 46, 137, 205, 0, 0, 0, 0, 16, 0, 0, 0, 0, 16, 0, 0, 0, 0, 136, 0, 0,
        0, 0, 0, 0, 136, 0, 0, 0, 0, 0, 0, 46, 46, 125, 0, 0, 0, 0, 76, 0, 0, 0, 0, 121, 205,
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_session_keeps_its_promises(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
        run_session(&bytes);
    }

    #[test]
    fn the_event_api_keeps_its_promises(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
        run_events(&bytes);
    }

    #[test]
    fn the_decoder_survives_anything(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode::run(&bytes);
    }

    #[test]
    fn records_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        record::run(&bytes);
    }

    #[test]
    fn a_programs_own_store_may_answer_anything(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(answers) = Vec::arbitrary(&mut Unstructured::new(&bytes)) {
            user_store::run(answers);
        }
    }

    #[test]
    fn the_property_functions_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(steps) = Vec::<properties::Step>::arbitrary(&mut Unstructured::new(&bytes)) {
            properties::run(&steps);
        }
    }

    #[test]
    fn the_functions_for_paho_handles_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok((client, steps)) = <(bool, Vec<for_paho::Step>)>::arbitrary(&mut Unstructured::new(&bytes)) {
            for_paho::run(client, &steps);
        }
    }

    #[test]
    fn the_functions_for_queues_and_clients_survive_anything(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
        if let Ok(steps) = Vec::<exports::Step>::arbitrary(&mut Unstructured::new(&bytes)) {
            exports::run(&steps);
        }
    }

    #[test]
    fn uris_survive_anything(text in "(tcp|ssl|ws|unix|mqtt|x)?(://)?\\PC{0,40}") {
        uri::run(&text);
    }
}

/// A function that is added to the header, and that no fuzzer calls, is noticed here.
#[test]
fn the_fuzzers_call_every_function() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect(file);
    let calls = [
        "fuzz/src/exports.rs",
        "fuzz/src/exports_buffers.rs",
        "fuzz/src/for_paho.rs",
        "fuzz/src/properties.rs",
    ]
    .map(read)
    .concat();
    let mut exported: Vec<String> = [
        "tools/exports/libpaho-oxide.map",
        "tests/abi/tables/exports-for-paho.txt",
    ]
    .map(read)
    .concat()
    .split([';', ' ', '\n'])
    .filter(|word| word.starts_with("MQTTOxide_"))
    .map(|name| format!("{name}("))
    .collect();
    assert!(exported.len() > 40, "{exported:?}");
    exported.retain(|call| !calls.contains(call));
    assert_eq!(exported, Vec::<String>::new());
}
