#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| paho_oxide::transport::fuzzing::http_answer(bytes));
