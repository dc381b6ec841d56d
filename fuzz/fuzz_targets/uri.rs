#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| paho_fuzz::uri::run(text));
