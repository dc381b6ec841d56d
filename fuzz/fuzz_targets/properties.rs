#![no_main]
use libfuzzer_sys::fuzz_target;

// Calls of the property functions.
fuzz_target!(|steps: Vec<paho_fuzz::properties::Step>| paho_fuzz::properties::run(&steps));
