#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answers: Vec<paho_fuzz::user_store::Answer>| paho_fuzz::user_store::run(answers));
