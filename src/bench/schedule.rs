//! When an open loop sends, fixed before it begins.
//!
//! A load that waits for answers sends less while the server stalls, and measures only those who were lucky. This one does
//! not ask: each message has its intended moment, and its latency is counted from there, however late it could be sent.

use super::plan::Arrival;
use super::stamp::mix;

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// The messages that one thread is to send.
#[derive(Debug)]
pub struct Schedule {
    arrival: Arrival,
    /// Between two messages of this thread, in nanoseconds, on average.
    interval: f64,
    /// When the next is due, in nanoseconds after the beginning.
    due: f64,
    sent: u64,
    seed: u64,
}

impl Schedule {
    /// The share of a thread: `rate` messages a second in all, of which every `threads`-th is this thread's. Their phases
    /// interlock: together the threads send as one would.
    pub fn new(arrival: Arrival, rate: f64, thread: usize, threads: usize, seed: u64) -> Schedule {
        let interval = SECOND / rate;
        let mut schedule = Schedule {
            arrival,
            interval: interval * threads as f64,
            due: interval * thread as f64,
            sent: 0,
            seed: mix(seed ^ thread as u64),
        };
        if arrival == Arrival::Poisson {
            schedule.due = schedule.gap();
        }
        schedule
    }

    /// When the next message is due.
    pub fn due(&self) -> u64 {
        self.due as u64
    }

    /// How many messages there are within so many nanoseconds. Of those that chance has not placed yet: how many are to be
    /// expected.
    pub fn count_within(&self, nanos: u64) -> u64 {
        self.sent + ((nanos as f64 - self.due) / self.interval).ceil().max(0.0) as u64
    }

    /// Goes on to the one after it.
    pub fn advance(&mut self) {
        self.sent += 1;
        self.due += match self.arrival {
            Arrival::Even => self.interval,
            Arrival::Poisson => self.gap(),
        };
    }

    /// An exponentially distributed time.
    fn gap(&self) -> f64 {
        // From 2^-53 to 1: there is a logarithm.
        let lot = ((mix(self.seed ^ self.sent) >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -lot.ln() * self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(mut schedule: Schedule, count: usize) -> Vec<u64> {
        std::iter::repeat_with(|| {
            let due = schedule.due();
            schedule.advance();
            due
        })
        .take(count)
        .collect()
    }

    #[test]
    fn even_messages_are_evenly_spaced_and_threads_interlock() {
        let of = |thread, threads| Schedule::new(Arrival::Even, 1000.0, thread, threads, 1);
        assert_eq!(dues(of(0, 1), 4), [0, 1_000_000, 2_000_000, 3_000_000]);
        assert_eq!(dues(of(0, 2), 2), [0, 2_000_000]);
        assert_eq!(dues(of(1, 2), 2), [1_000_000, 3_000_000]);
    }

    #[test]
    fn messages_are_counted_ahead_as_they_will_be_sent() {
        for threads in [1, 3] {
            for nanos in [0, 1, 999_999, 1_000_000, 1_000_001, 50_500_000] {
                let mut schedule = Schedule::new(Arrival::Even, 1000.0, threads - 1, threads, 1);
                let ahead = schedule.count_within(nanos);
                while schedule.due() < nanos {
                    schedule.advance();
                }
                assert_eq!((ahead, schedule.count_within(nanos)), (schedule.sent, schedule.sent), "{nanos}");
            }
        }
    }

    #[test]
    fn a_rate_is_kept_for_long() {
        let due = dues(Schedule::new(Arrival::Even, 30_000.0, 0, 1, 1), 3_000_001)[3_000_000];
        assert!(due.abs_diff(100_000_000_000) < 1000, "{due}");
    }

    #[test]
    fn poisson_messages_come_at_their_rate_and_by_chance() {
        let of = |seed| dues(Schedule::new(Arrival::Poisson, 1000.0, 0, 1, seed), 100_000);
        let last = *of(1).last().expect("there are some") as f64;
        assert!((last / 1e11 - 1.0).abs() < 0.02, "{last}");
        let gaps: Vec<u64> = of(1).windows(2).map(|pair| pair[1] - pair[0]).collect();
        // Of an exponential distribution, 63 % are below the mean.
        let short = gaps.iter().filter(|gap| **gap < 1_000_000).count();
        assert!((62_000..64_500).contains(&short), "{short}");
        assert_ne!(of(1), of(2));
        assert_eq!(of(3), of(3));
    }
}
