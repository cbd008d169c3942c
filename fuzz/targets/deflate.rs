#![no_main]

#[path = "../checks/deflate.rs"]
mod deflate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deflate::check(bytes));
