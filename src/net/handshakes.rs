//! TLS handshakes: how many at once, how many in a turn, and for how long.
//!
//! A handshake takes a signature of ours, which is work for a tenth of a millisecond to some milliseconds, by the kind of
//! the key. A thousand clients that come back together would keep a loop busy for as long as a second, in which nobody's
//! message goes anywhere. So sockets in a handshake stand on lists of their own, from which a turn takes what fits into
//! [`TURN_SHARE`], after everybody else has been heard:
//!
//! ```text
//!   accepted --bytes--> waiting --a place is free--> begun --bytes--> ready --a turn--> through
//! ```
//!
//! Those who wait have their bytes in the kernel and cost a socket. Those who have begun cost memory too, so there are
//! [`Limits::at_once_max`] of them at most. All are given up after the same time, which counts from when they connected.

use crate::time::Millis;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a turn works on handshakes. One step may take longer, since it cannot be divided.
pub const TURN_SHARE: Duration = Duration::from_millis(1);
/// How many steps a turn takes at most.
pub const STEPS_PER_TURN_MAX: usize = 16;

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many may have begun and not be through.
    pub at_once_max: usize,
    /// After which time one is given up.
    pub timeout: Millis,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { at_once_max: 1024, timeout: Millis::from_secs(10) }
    }
}

/// The lists.
#[derive(Debug, Default)]
pub struct Handshakes {
    pub limits: Limits,
    /// They have begun, and more has come.
    ready: VecDeque<usize>,
    /// They have not begun.
    waiting: VecDeque<usize>,
    /// How many have begun and are not through.
    begun: usize,
    /// When which of them is given up: the same time for all, so they are in order.
    deadlines: VecDeque<(Millis, usize)>,
}

impl Handshakes {
    /// There is something to do for one.
    pub fn list(&mut self, key: usize, has_begun: bool) {
        if has_begun { self.ready.push_back(key) } else { self.waiting.push_back(key) }
    }

    /// Whose turn it is: those who have begun are to come to an end first.
    pub fn pop(&mut self) -> Option<usize> {
        self.ready.pop_front().or_else(|| {
            let is_room = self.begun < self.limits.at_once_max;
            self.waiting.pop_front_if(|_| is_room)
        })
    }

    /// Whether it is somebody's turn.
    pub fn has_work(&self) -> bool {
        !self.ready.is_empty() || (!self.waiting.is_empty() && self.begun < self.limits.at_once_max)
    }

    /// One has begun, or is over.
    pub fn note(&mut self, had_begun: bool, has_begun: bool) {
        self.begun = self.begun + usize::from(has_begun) - usize::from(had_begun);
    }

    /// One is there. Returns when it will be given up.
    pub fn start_clock(&mut self, now: Millis, key: usize) -> Millis {
        let until = now + self.limits.timeout;
        self.deadlines.push_back((until, key));
        until
    }

    /// Whose deadline comes first, of those for whom it counts.
    pub fn next_deadline(
        &mut self,
        mut counts: impl FnMut(Millis, usize) -> bool,
    ) -> Option<(Millis, usize)> {
        while let Some(&(until, key)) = self.deadlines.front() {
            if counts(until, key) {
                return Some((until, key));
            }
            self.deadlines.pop_front();
        }
        None
    }

    /// The first deadline has been seen to.
    pub fn pop_deadline(&mut self) {
        self.deadlines.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_have_begun_go_first_and_the_others_as_there_is_room() {
        let limits = Limits { at_once_max: 2, timeout: Millis(10) };
        let mut handshakes = Handshakes { limits, ..Handshakes::default() };
        for key in 0..4 {
            handshakes.list(key, false);
        }
        for key in 0..2 {
            assert_eq!(handshakes.pop(), Some(key));
            handshakes.note(false, true);
        }
        assert!(!handshakes.has_work() && handshakes.pop().is_none(), "two are as many as may be");
        handshakes.list(1, true);
        assert_eq!(handshakes.pop(), Some(1));
        handshakes.note(true, false);
        handshakes.list(0, true);
        assert_eq!((handshakes.pop(), handshakes.pop()), (Some(0), Some(2)));
    }

    #[test]
    fn deadlines_of_those_who_are_through_are_forgotten() {
        let mut handshakes = Handshakes::default();
        let timeout = handshakes.limits.timeout;
        for key in 0..3 {
            assert_eq!(handshakes.start_clock(Millis(key as u64), key), Millis(key as u64) + timeout);
        }
        let first = handshakes.next_deadline(|_, key| key == 1);
        assert_eq!(first, Some((Millis(1) + timeout, 1)));
        handshakes.pop_deadline();
        assert_eq!(handshakes.next_deadline(|_, _| false), None);
        assert!(handshakes.deadlines.is_empty());
    }
}
