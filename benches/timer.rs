//! The timer wheel against a sorted map: what putting a deadline off costs, and what it costs that one comes.

mod harness;

use chinwag::net::wheel::Wheel;
use chinwag::time::Millis;
use harness::Harness;
use std::collections::BTreeMap;

/// Deadlines in use: those of a well-filled server.
const KEYS: u32 = 20_000;

/// The plain way: deadlines in order, and each key's place in it.
#[derive(Default)]
struct Sorted {
    by_time: BTreeMap<(u64, u32), ()>,
    by_key: Vec<Option<u64>>,
}

impl Sorted {
    fn arm(&mut self, key: u32, at: Millis) {
        self.by_key.resize(self.by_key.len().max(key as usize + 1), None);
        if let Some(former) = self.by_key[key as usize].replace(at.0) {
            self.by_time.remove(&(former, key));
        }
        self.by_time.insert((at.0, key), ());
    }

    fn poll_expired(&mut self, now: Millis) -> Option<u32> {
        let (&(at, key), ()) = self.by_time.first_key_value()?;
        if at > now.0 {
            return None;
        }
        self.by_time.remove(&(at, key));
        self.by_key[key as usize] = None;
        Some(key)
    }
}

/// Times between 0 and 32 s, as scattered as connections are.
fn scattered(step: u64) -> u64 {
    step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 49
}

fn main() {
    let harness = Harness::from_args();
    let (mut wheel, mut sorted) = (Wheel::default(), Sorted::default());
    for key in 0..KEYS {
        wheel.arm(key, Millis(scattered(u64::from(key))));
        sorted.arm(key, Millis(scattered(u64::from(key))));
    }

    let mut step = 0;
    let mut next = || {
        step += 1;
        (step as u32 % KEYS, Millis(scattered(step)))
    };
    let plain = harness.time(1, || {
        let (key, at) = next();
        sorted.arm(key, at);
    });
    let fast = harness.time(1, || {
        let (key, at) = next();
        wheel.arm(key, at);
    });
    harness.compare("arm again", plain, fast);

    // Time passes, 1 ms at a time; whoever is due is armed again, 25 s later, as one that is sent a Ping.
    let mut now = 0;
    let plain = harness.time(1, || {
        now += 1;
        while let Some(key) = sorted.poll_expired(Millis(now)) {
            sorted.arm(key, Millis(now + 25_000));
        }
    });
    let mut now = 0;
    let fast = harness.time(1, || {
        now += 1;
        while let Some(key) = wheel.poll_expired(Millis(now)) {
            wheel.arm(key, Millis(now + 25_000));
        }
    });
    harness.compare("a millisecond passes", plain, fast);
    wheel.validate();
}
