#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str, &[u8])| paho_oxide::transport::fuzzing::socks(input.0, input.1, input.2));
