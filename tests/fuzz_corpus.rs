//! What the fuzzer checks, over its named seeds: the two cannot drift apart, and no seed can rot.

use std::path::Path;
use std::{env, fs};

#[cfg(feature = "deflate")]
#[path = "../fuzz/checks/deflate.rs"]
mod deflate;
#[path = "../fuzz/checks/frame_decoder.rs"]
mod frame_decoder;
#[path = "../fuzz/checks/handshake.rs"]
mod handshake;
#[path = "../fuzz/checks/json_request.rs"]
mod json_request;
#[path = "../fuzz/checks/line_decoder.rs"]
mod line_decoder;

/// Checks every seed of a target, also what is left of it when its end or its beginning is cut off.
fn run(target: &str, check: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(directory).expect("the corpus is there") {
        let seed = fs::read(entry.expect("readable").path()).expect("readable");
        check(&seed);
        for cut in 0..seed.len().min(100) {
            check(&seed[..cut]);
            check(&seed[cut..]);
        }
        count += 1;
    }
    assert!(count >= 8, "{target} has {count} seeds");
}

#[cfg(feature = "deflate")]
#[test]
fn deflate_holds_over_its_corpus() {
    run("deflate", deflate::check);
}

#[test]
fn frame_decoder_holds_over_its_corpus() {
    run("frame_decoder", frame_decoder::check);
}

#[test]
fn handshake_holds_over_its_corpus() {
    run("handshake", handshake::check);
}

#[test]
fn json_request_holds_over_its_corpus() {
    run("json_request", json_request::check);
}

#[test]
fn line_decoder_holds_over_its_corpus() {
    run("line_decoder", line_decoder::check);
}
