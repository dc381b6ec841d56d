#![no_main]
use libfuzzer_sys::fuzz_target;
use paho_fuzz::session::{Step, run};

fuzz_target!(|input: (bool, Vec<Step>)| run(input.0, &input.1));
