//! Every target is this file: the name of the binary tells which decoder it runs.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| firesteel_fuzz::run(env!("CARGO_BIN_NAME"), data));
