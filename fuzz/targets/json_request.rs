#![no_main]

#[path = "../checks/json_request.rs"]
mod json_request;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| json_request::check(bytes));
