#![no_main]
use libfuzzer_sys::fuzz_target;
use paho_fuzz::for_paho::{Step, run};

// Calls of the functions for Paho handles.
fuzz_target!(|input: (bool, Vec<Step>)| run(input.0, &input.1));
