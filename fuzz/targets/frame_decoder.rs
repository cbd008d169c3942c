#![no_main]

#[path = "../checks/frame_decoder.rs"]
mod frame_decoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frame_decoder::check(bytes));
