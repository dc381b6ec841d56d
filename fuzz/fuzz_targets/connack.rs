#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, [u8; 3], &[u8])| paho_oxide::testing::fuzz_connack(input.0, &input.1, input.2));
