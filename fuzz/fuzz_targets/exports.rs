#![no_main]
use libfuzzer_sys::fuzz_target;
use paho_fuzz::exports::{Step, run};

// Calls of the functions for queues and clients.
fuzz_target!(|steps: Vec<Step>| run(&steps));
