#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &[u8], &[u8])| paho_oxide::transport::fuzzing::tls_options(input.0, input.1, input.2, input.3));
