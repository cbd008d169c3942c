//! Schedules that follow from a seed: numbers that look random and do not differ from run to run (SplitMix64), and many
//! seeds tried one after the other, on all cores. A failure prints its seed.
//!
//! ```text
//!     CHINWAG_SIM_SEEDS=10000     tries so many
//!     CHINWAG_SIM_SEED=118        tries this one alone, and prints what happened
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} wants a number")))
}

/// The seed that is to be tried alone.
pub fn chosen() -> Option<u64> {
    number_from_env("CHINWAG_SIM_SEED")
}

/// Tries so many seeds, unless another number is asked for. Returns what came of each, in any order.
pub fn each<T: Send>(seeds: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let (seeds, next) = (number_from_env("CHINWAG_SIM_SEEDS").unwrap_or(seeds), AtomicU64::new(0));
    let work = || {
        let mut results = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return results;
            }
            match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                Ok(result) => results.push(result),
                Err(panic) => {
                    eprintln!("CHINWAG_SIM_SEED={seed} replays this failure");
                    next.store(seeds, Ordering::Relaxed);
                    resume_unwind(panic);
                }
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        results.flatten().collect()
    })
}

/// Numbers that follow from a seed.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
