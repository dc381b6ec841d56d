#![no_main]
use libfuzzer_sys::fuzz_target;

// The sizes of the pieces that the frames arrive in, and the frames.
fuzz_target!(
    |input: ([u8; 4], &[u8])| paho_oxide::transport::fuzzing::websocket(&input.0, input.1)
);
