//! How fast somebody may ask: so many a second in the long run, and so many at once.
//!
//! The picture is a bucket of tokens that fills at a steady rate, and each request takes one. What is kept is not the
//! number of tokens but one moment: when the bucket will be full again. Taking a token puts it off by one interval, and a
//! bucket is empty when it is a whole bucket's filling away. That is eight bytes, and nothing has to fill it.

use crate::time::Millis;

/// A rate that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; 0 allows any.
    pub per_second: u32,
    /// At once; at least 1.
    pub burst: u32,
}

/// How much of a [`Rate`] somebody has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// In microseconds, as the clock of the rest counts milliseconds.
    full_at: u64,
}

impl Rate {
    /// So many times this rate.
    pub fn times(self, factor: u32) -> Rate {
        Rate { per_second: self.per_second.saturating_mul(factor), burst: self.burst.saturating_mul(factor) }
    }
}

impl Bucket {
    /// Takes a token, or says in how many milliseconds there will be one.
    pub fn take(&mut self, now: Millis, rate: Rate) -> Result<(), u64> {
        if rate.per_second == 0 {
            return Ok(());
        }
        let now = now.0.saturating_mul(1000);
        let interval = 1_000_000 / u64::from(rate.per_second).min(1_000_000);
        let capacity = interval * u64::from(rate.burst.max(1));
        let full_at = self.full_at.max(now) + interval;
        match full_at.checked_sub(now + capacity) {
            None | Some(0) => {
                self.full_at = full_at;
                Ok(())
            }
            Some(early) => Err(early.div_ceil(1000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Rate = Rate { per_second: 10, burst: 20 };

    fn taken(bucket: &mut Bucket, now: u64, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(Millis(now), TEN).is_ok()).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, 5000, 100), 20);
        assert_eq!(bucket.take(Millis(5000), TEN), Err(100));
        assert_eq!(bucket.take(Millis(5060), TEN), Err(40));
        assert_eq!(taken(&mut bucket, 5100, 100), 1);
        assert_eq!(taken(&mut bucket, 6100, 100), 10);
        assert_eq!(taken(&mut bucket, 60_000, 100), 20, "no more than a burst is saved up");
    }

    #[test]
    fn no_rate_is_no_limit_and_a_high_one_works() {
        let mut bucket = Bucket::default();
        let unlimited = Rate { per_second: 0, burst: 1 };
        assert!((0..1000).all(|_| bucket.take(Millis(0), unlimited).is_ok()));
        let fast = Rate { per_second: 100_000, burst: 5 };
        assert_eq!((0..100).filter(|_| bucket.take(Millis(1), fast).is_ok()).count(), 5);
        assert_eq!((0..1000).filter(|_| bucket.take(Millis(2), fast).is_ok()).count(), 5);
        assert_eq!(TEN.times(10), Rate { per_second: 100, burst: 200 });
    }
}
