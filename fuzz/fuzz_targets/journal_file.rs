#![no_main]
use libfuzzer_sys::fuzz_target;

// A file that is taken for a journal.
fuzz_target!(|bytes: &[u8]| paho_oxide::persistence::file::fuzzing::journal_file(bytes));
