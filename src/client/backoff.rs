//! When to try again.
//!
//! The wait doubles from try to try up to a bound, and a share of it is drawn by lot, so that those who were cut off
//! together do not come back together. Who was told when to come back comes then, and not before.

use crate::time::Millis;

/// The wait before the first try; the longest.
const FIRST: Millis = Millis(500);
const LONGEST: Millis = Millis(30_000);

/// The waits between tries.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long to wait now. `lot` is a random number; `told` is what the server asked for, if it did.
    pub fn wait(&mut self, lot: u64, told: Option<Millis>) -> Millis {
        let most = LONGEST.0.min(FIRST.0.saturating_mul(1 << self.tries.min(16)));
        self.tries = self.tries.saturating_add(1);
        // Between half of it and all of it.
        told.unwrap_or(Millis(most / 2 + lot % (most / 2 + 1)))
    }

    /// It worked: the next wait is a short one again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_spread() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.wait(u64::MAX / 2, None).0).collect();
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1] || pair[1] >= LONGEST.0 / 2), "{waits:?}");
        let spread = |lot| Backoff::default().wait(lot, None).0;
        assert_eq!((spread(0), spread(250), spread(251)), (250, 500, 250));
        let waits: Vec<u64> = (0..100).map(|lot| backoff.wait(lot * 7919, None).0).collect();
        assert!(waits.iter().all(|wait| (LONGEST.0 / 2..=LONGEST.0).contains(wait)), "{waits:?}");
        backoff.reset();
        assert!(backoff.wait(0, None) <= FIRST);
    }

    #[test]
    fn who_was_told_when_comes_then() {
        assert_eq!(Backoff::default().wait(99, Some(Millis(7312))), Millis(7312));
    }
}
