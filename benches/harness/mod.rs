//! The clock that the benches share: how long one call takes, and what that is in bytes.
//!
//! `cargo bench` measures. `cargo test --benches`, or the argument `--test`, runs everything once and small:
//! the benches assert that the ways they compare agree, so that a bench cannot rot, nor win by being wrong.

#![allow(dead_code, reason = "each bench uses its part")]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Measures, or only tries.
pub struct Harness {
    measures: bool,
}

/// How long one call took, and how many bytes it worked on.
#[derive(Clone, Copy)]
pub struct Timing {
    ns: f64,
    bytes: usize,
}

impl Timing {
    /// What one of `count` parts of equal size took.
    pub fn each(self, count: usize) -> Self {
        Self { ns: self.ns / count as f64, bytes: self.bytes / count }
    }
}

impl Harness {
    /// As the arguments say.
    pub fn from_args() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let given = |name: &str| arguments.iter().any(|argument| argument == name);
        Self { measures: given("--bench") && !given("--test") }
    }

    /// Whether it measures.
    pub fn measures(&self) -> bool {
        self.measures
    }

    /// Times `call`, which works on `bytes` bytes: the best of many rounds, as everything that disturbs makes
    /// it slower.
    pub fn time<T>(&self, bytes: usize, mut call: impl FnMut() -> T) -> Timing {
        const ROUND: Duration = Duration::from_millis(20);
        const ROUNDS: usize = 15;
        if !self.measures {
            black_box(call());
            return Timing { ns: f64::NAN, bytes };
        }
        let mut calls: u32 = 1;
        while round(calls, &mut call) < ROUND {
            calls *= 2;
        }
        let best = (0..ROUNDS).map(|_| round(calls, &mut call)).min().unwrap_or_default();
        Timing { ns: best.as_nanos() as f64 / f64::from(calls), bytes }
    }

    /// Prints a row: what it was, the plain way, the fast way, and how much faster that is.
    pub fn compare(&self, name: &str, plain: Timing, fast: Timing) {
        if self.measures {
            println!("{name:28} plain {plain}   fast {fast}   {:6.1} x", plain.ns / fast.ns);
        }
    }

    /// Prints a row of one way.
    pub fn report(&self, name: &str, timing: Timing) {
        if self.measures {
            println!("{name:28} {timing}");
        }
    }
}

fn round<T>(calls: u32, call: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    start.elapsed()
}

impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A byte a nanosecond is a gigabyte a second.
        write!(f, "{:10.1} ns {:7.2} GB/s", self.ns, self.bytes as f64 / self.ns)
    }
}
