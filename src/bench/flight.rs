//! Messages that some receivers have and others have not yet: how far the last is behind the first, and when a sender may
//! send the next.

use super::outcome::{Times, record, times};
use std::collections::VecDeque;

/// How long a message that misses receivers is waited for: after that it no longer holds its sender's window up.
const PATIENCE: u64 = 5_000_000_000;

/// One message.
#[derive(Clone, Copy, Debug)]
struct Flight {
    first: u64,
    last: u64,
    receivers: u32,
    is_measured: bool,
}

/// The messages of all senders that are under way, by voice.
#[derive(Debug)]
pub struct Flights {
    lanes: Vec<Lane>,
    /// From the first to the last receiver of those that reached everybody.
    pub spread: Times,
}

/// Those of one sender, without a gap.
#[derive(Debug, Default)]
struct Lane {
    /// The sequence of the first of them.
    base: u32,
    flights: VecDeque<Flight>,
}

impl Flights {
    /// For so many senders.
    pub fn new(senders: usize) -> Flights {
        Flights { lanes: (0..senders).map(|_| Lane::default()).collect(), spread: times() }
    }

    /// A receiver has got a message, of `audience` that are to get it. Returns whether that was the last of them.
    #[inline]
    pub fn note(&mut self, sender: u32, sequence: u32, at: u64, audience: u32, is_measured: bool) -> bool {
        let Some(lane) = self.lanes.get_mut(sender as usize) else { return false };
        let Some(index) = sequence.checked_sub(lane.base) else { return false };
        let index = index as usize;
        if index >= lane.flights.len() {
            lane.flights.resize(index + 1, Flight { first: at, last: at, receivers: 0, is_measured });
        }
        let flight = &mut lane.flights[index];
        if flight.receivers == 0 {
            flight.first = at;
        }
        flight.last = at;
        flight.is_measured = is_measured;
        flight.receivers += 1;
        if flight.receivers != audience {
            return false;
        }
        if is_measured && audience > 1 {
            record(&mut self.spread, flight.last - flight.first);
        }
        while lane.flights.front().is_some_and(|flight| flight.receivers >= audience) {
            lane.flights.pop_front();
            lane.base += 1;
        }
        true
    }

    /// Gives up those of whom nothing has been heard for long. Tells for each whose it was.
    pub fn give_up(&mut self, now: u64, mut tell: impl FnMut(u32)) {
        for (sender, lane) in (0..).zip(&mut self.lanes) {
            while lane.flights.front().is_some_and(|flight| now.saturating_sub(flight.last) > PATIENCE) {
                lane.flights.pop_front();
                lane.base += 1;
                tell(sender);
            }
        }
    }

    /// How much memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let flights: usize = self.lanes.iter().map(|lane| lane.flights.capacity()).sum();
        flights * size_of::<Flight>() + self.lanes.len() * size_of::<Lane>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_receiver_is_so_far_behind_the_first() {
        let mut flights = Flights::new(2);
        assert!(!flights.note(1, 0, 1000, 3, true));
        assert!(!flights.note(1, 1, 1100, 3, true));
        assert!(!flights.note(1, 0, 1200, 3, true));
        assert!(flights.note(1, 0, 1700, 3, true));
        assert_eq!((flights.spread.len(), flights.spread.max()), (1, 700));
        assert!(!flights.note(1, 1, 1800, 3, false) && flights.note(1, 1, 1900, 3, false));
        assert_eq!(flights.spread.len(), 1, "what is not measured is not kept");
        assert!(!flights.note(2, 0, 0, 3, true), "nobody's");
    }

    #[test]
    fn messages_may_come_in_any_order() {
        let mut flights = Flights::new(1);
        assert!(!flights.note(0, 2, 10, 2, true));
        assert!(flights.note(0, 2, 15, 2, true));
        assert!(!flights.note(0, 0, 20, 2, true) && flights.note(0, 0, 30, 2, true));
        assert!(!flights.note(0, 1, 40, 2, true) && flights.note(0, 1, 60, 2, true));
        assert_eq!((flights.spread.len(), flights.lanes[0].base), (3, 3));
        assert!(!flights.note(0, 1, 99, 2, true), "it has had all its receivers");
    }

    #[test]
    fn what_never_reaches_everybody_is_given_up() {
        let mut flights = Flights::new(2);
        flights.note(1, 3, 1000, 2, true);
        let mut given_up = Vec::new();
        flights.give_up(1000 + PATIENCE, |sender| given_up.push(sender));
        assert!(given_up.is_empty());
        flights.give_up(1001 + PATIENCE, |sender| given_up.push(sender));
        // The three before it have not come either.
        assert_eq!(given_up, [1; 4]);
    }
}
