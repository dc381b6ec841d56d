#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    paho_fuzz::uri::run(text);
    paho_oxide::transport::fuzzing::proxy_url(text);
});
