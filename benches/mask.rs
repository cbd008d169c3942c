//! Unmasking: four bytes at a time, as the compiler vectorizes it, against one.

mod harness;

use std::hint::black_box;

use chinwag::proto::ws::mask;
use harness::Harness;

fn main() {
    let harness = Harness::from_args();
    let key = [0x37, 0xfa, 0x21, 0x3d];
    for len in [4, 16, 37, 64, 125, 1024, 16 * 1024, 64 * 1024, 1024 * 1024] {
        let payload: Vec<u8> = (0..=255).cycle().take(len).collect();
        let (mut plain, mut fast) = (payload.clone(), payload);
        mask::apply_plain(&mut plain, key);
        mask::apply(&mut fast, key);
        assert_eq!(plain, fast);

        let plain = harness.time(len, || mask::apply_plain(black_box(&mut plain), black_box(key)));
        let fast = harness.time(len, || mask::apply(black_box(&mut fast), black_box(key)));
        harness.compare(&format!("mask {len} B"), plain, fast);
    }
}
