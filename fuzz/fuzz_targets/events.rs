#![no_main]
use libfuzzer_sys::fuzz_target;
use paho_fuzz::events::{Setup, Step, run};

fuzz_target!(|input: (Setup, Vec<Step>)| run(input.0, &input.1));
