//! Judging text: the standard library and what it leaves over, against a table of states.

mod harness;

use std::hint::black_box;

use chinwag::proto::ws::utf8::{PlainValidator, Validator};
use harness::Harness;

fn main() {
    let harness = Harness::from_args();
    let texts =
        [("ascii", "The quick brown fox. "), ("german", "Zwölf große Boxkämpfer. "), ("emoji", "💒🎉")];
    for (name, text) in texts {
        for len in [16, 64, 1024, 64 * 1024] {
            // Cut anywhere, as a read would.
            let text = &text.repeat(len / text.len() + 1).into_bytes()[..len];
            assert_eq!(plain(text), fast(text));
            let plain = harness.time(len, || plain(black_box(text)));
            let fast = harness.time(len, || fast(black_box(text)));
            harness.compare(&format!("utf8 {name} {len} B"), plain, fast);
        }
    }
}

fn plain(text: &[u8]) -> (bool, bool) {
    let mut validator = PlainValidator::new();
    (validator.push(text).is_ok(), validator.finish().is_ok())
}

fn fast(text: &[u8]) -> (bool, bool) {
    let mut validator = Validator::new();
    (validator.push(text).is_ok(), validator.finish().is_ok())
}
