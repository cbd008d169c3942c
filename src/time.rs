//! Time as the rest of the house knows it: a number that is passed in.
//!
//! Whoever needs the time takes a `now: Millis`. Only the loop in [`crate::net`] asks the operating system, once a
//! turn, so everything below it can be run on invented time and replayed from a seed.

use std::ops::{Add, Sub};

/// A moment, in milliseconds since the loop began. Also used for the distance between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The later than every other moment: a deadline that never comes.
    pub const NEVER: Millis = Millis(u64::MAX);

    /// A number of whole seconds.
    pub const fn from_secs(secs: u64) -> Millis {
        Millis(secs.saturating_mul(1000))
    }
}

impl Add for Millis {
    type Output = Millis;

    /// Saturates, so that adding anything to [`Millis::NEVER`] stays never.
    fn add(self, later: Millis) -> Millis {
        Millis(self.0.saturating_add(later.0))
    }
}

impl Sub for Millis {
    type Output = Millis;

    /// Saturates at zero: a clock that was read in the wrong order makes nothing negative.
    fn sub(self, earlier: Millis) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_stays_never_and_nothing_goes_below_zero() {
        assert_eq!(Millis::NEVER + Millis(5), Millis::NEVER);
        assert_eq!(Millis(3) - Millis(5), Millis(0));
        assert_eq!(Millis::from_secs(2) + Millis(5), Millis(2005));
    }
}
