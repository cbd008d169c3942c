#![no_main]

#[path = "../checks/line_decoder.rs"]
mod line_decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| line_decoder::check(bytes));
