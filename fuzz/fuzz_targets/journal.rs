#![no_main]
use libfuzzer_sys::fuzz_target;

// Operations on a store, three bytes each.
fuzz_target!(|bytes: &[u8]| paho_oxide::persistence::file::fuzzing::journal(bytes));
