//! What one receiver has got, and what it has not.
//!
//! ```text
//!   from sender 3:   0 1 2 . . 5 6      next = 7, missing = 3..5
//!        4 comes:    a late one: reordered, and missing = 3..4
//!        4 again:    doubled
//!   in the end:      sender 3 has sent 9: missing = 3..4, 7..9
//! ```
//!
//! A delivery that is the next of its sender, as nearly all are, costs one comparison and one addition. A receiver keeps
//! four bytes for each sender, and an entry for each range that it has skipped; nothing is kept for each message.

use std::collections::BTreeMap;
use std::ops::Range;

/// Beyond every sequence: nothing has been heard from that sender yet, and where its messages begin for this receiver is
/// not known.
const UNHEARD: u32 = u32::MAX;
/// The receiver was away: what lies between here and the next message went with its connection.
const WAS_AWAY: u32 = 1 << 31;

/// What a delivery is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next of its sender, or one after that.
    New,
    /// One that was missing.
    Late,
    /// One that it has already.
    Doubled,
    /// From a sender that it does not listen to.
    Stray,
}

/// One receiver.
#[derive(Debug)]
pub struct Ledger {
    /// The senders that are listened to: from this one on, one for each number in `next`.
    first: u32,
    next: Box<[u32]>,
    /// By sender and first of a range: the end of it.
    missing: BTreeMap<(u32, u32), u32>,
    /// Deliveries that went with a connection.
    cut_off: u64,
}

impl Ledger {
    /// A receiver who is there before any of these senders sends.
    pub fn from_the_start(senders: Range<u32>) -> Ledger {
        Ledger::with(senders, 0)
    }

    /// A receiver who comes in the middle: it owes nothing from before its first message of each sender.
    pub fn visiting(senders: Range<u32>) -> Ledger {
        Ledger::with(senders, UNHEARD)
    }

    fn with(senders: Range<u32>, next: u32) -> Ledger {
        let next = vec![next; senders.len()].into_boxed_slice();
        Ledger { first: senders.start, next, missing: BTreeMap::new(), cut_off: 0 }
    }

    /// The senders that are listened to.
    pub fn senders(&self) -> Range<u32> {
        self.first..self.first + self.next.len() as u32
    }

    /// Takes a delivery in.
    #[inline]
    pub fn note(&mut self, sender: u32, sequence: u32) -> Arrival {
        let Some(next) = self.next.get_mut(sender.wrapping_sub(self.first) as usize) else {
            return Arrival::Stray;
        };
        if *next == sequence {
            *next += 1;
            return Arrival::New;
        }
        self.note_unexpected(sender, sequence)
    }

    #[cold]
    fn note_unexpected(&mut self, sender: u32, sequence: u32) -> Arrival {
        let next = &mut self.next[(sender - self.first) as usize];
        if *next == UNHEARD {
            *next = sequence + 1;
            return Arrival::New;
        }
        let expected = *next & !WAS_AWAY;
        if sequence >= expected {
            if *next & WAS_AWAY != 0 {
                self.cut_off += u64::from(sequence - expected);
            } else if sequence > expected {
                self.missing.insert((sender, expected), sequence);
            }
            *next = sequence + 1;
            return Arrival::New;
        }
        let before = self.missing.range(..=(sender, sequence)).next_back();
        let Some((&(of, start), &end)) = before.filter(|&(&(of, _), &end)| of == sender && sequence < end)
        else {
            return Arrival::Doubled;
        };
        self.missing.remove(&(of, start));
        if start < sequence {
            self.missing.insert((of, start), sequence);
        }
        if sequence + 1 < end {
            self.missing.insert((of, sequence + 1), end);
        }
        Arrival::Late
    }

    /// The receiver comes back after it was away, and was not told what it has missed.
    pub fn was_away(&mut self) {
        for next in &mut self.next {
            *next |= WAS_AWAY;
        }
    }

    /// The receiver has gone and comes back as somebody else, who owes nothing from before.
    pub fn forget(&mut self) {
        self.next.fill(UNHEARD);
    }

    /// What went with its connections.
    pub fn cut_off(&self) -> u64 {
        self.cut_off
    }

    /// What it has not got, range by range, when sender `k` has sent `sent[k]` messages. `has_stayed` says whether it was
    /// there to the end: if not, or if nothing was heard, it owes no tail.
    pub fn missing(&self, sent: &[u32], has_stayed: bool, mut tell: impl FnMut(Missing, u32, Range<u32>)) {
        for (&(sender, start), &end) in &self.missing {
            tell(Missing::Skipped, sender, start..end);
        }
        for (sender, &next) in (self.first..).zip(&self.next) {
            let sent = sent.get(sender as usize).copied().unwrap_or(0);
            let expected = next & !WAS_AWAY;
            if next == UNHEARD || expected >= sent {
                continue;
            }
            let why = if has_stayed && next & WAS_AWAY == 0 { Missing::Tail } else { Missing::CutOff };
            tell(why, sender, expected..sent);
        }
    }

    /// How much memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let entry = size_of::<(u32, u32)>() + size_of::<u32>();
        size_of::<Ledger>() + size_of_val(&*self.next) + self.missing.len() * entry
    }
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A later one of the same sender has come.
    Skipped,
    /// Nothing later has come.
    Tail,
    /// The connection was gone.
    CutOff,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn missing(ledger: &Ledger, sent: &[u32]) -> Vec<(Missing, u32, Range<u32>)> {
        let mut found = Vec::new();
        ledger.missing(sent, true, |why, sender, range| found.push((why, sender, range)));
        found
    }

    #[test]
    fn what_is_skipped_is_missing_until_it_comes() {
        let mut ledger = Ledger::from_the_start(3..5);
        let arrivals = [0, 1, 2, 5, 6, 4, 4, 5].map(|sequence| ledger.note(3, sequence));
        use Arrival::{Doubled, Late, New};
        assert_eq!(arrivals, [New, New, New, New, New, Late, Doubled, Doubled]);
        assert_eq!(
            missing(&ledger, &[0, 0, 0, 9, 1]),
            [(Missing::Skipped, 3, 3..4), (Missing::Tail, 3, 7..9), (Missing::Tail, 4, 0..1)]
        );
        assert_eq!((ledger.note(2, 0), ledger.note(5, 0)), (Arrival::Stray, Arrival::Stray));
    }

    #[test]
    fn who_comes_in_the_middle_owes_nothing_from_before() {
        let mut ledger = Ledger::visiting(0..2);
        assert_eq!((ledger.note(0, 7), ledger.note(0, 9)), (Arrival::New, Arrival::New));
        assert_eq!(missing(&ledger, &[10, 10]), [(Missing::Skipped, 0, 8..9)]);
        ledger.forget();
        assert_eq!(ledger.note(0, 20), Arrival::New);
        assert_eq!(missing(&ledger, &[21, 10]), [(Missing::Skipped, 0, 8..9)]);
    }

    #[test]
    fn what_went_while_it_was_away_is_not_lost() {
        let mut ledger = Ledger::from_the_start(0..1);
        ledger.note(0, 0);
        ledger.was_away();
        assert_eq!(missing(&ledger, &[3]), [(Missing::CutOff, 0, 1..3)]);
        assert_eq!((ledger.note(0, 0), ledger.note(0, 5)), (Arrival::Doubled, Arrival::New));
        assert_eq!((ledger.cut_off(), missing(&ledger, &[6])), (4, vec![]));
        ledger.was_away();
        assert_eq!((ledger.note(0, 6), ledger.cut_off()), (Arrival::New, 4));
        assert_eq!(missing(&ledger, &[8]), [(Missing::Tail, 0, 7..8)]);
    }

    #[test]
    fn a_sender_costs_four_bytes() {
        let of = |senders| Ledger::from_the_start(0..senders).memory_bytes();
        assert_eq!(of(1000) - of(0), 4000);
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_all_that_came(arrivals in prop::collection::vec((0..3u32, 0..30u32), 0..200)) {
            let (mut ledger, mut seen) = (Ledger::from_the_start(0..3), BTreeSet::new());
            let mut heads = [0; 3];
            for (sender, sequence) in arrivals {
                let head = &mut heads[sender as usize];
                let expected = match (seen.insert((sender, sequence)), sequence >= *head) {
                    (false, _) => Arrival::Doubled,
                    (true, true) => Arrival::New,
                    (true, false) => Arrival::Late,
                };
                *head = (*head).max(sequence + 1);
                prop_assert_eq!(ledger.note(sender, sequence), expected);
            }
            let mut missed = BTreeSet::new();
            ledger.missing(&[30; 3], true, |_, sender, range| missed.extend(range.map(|at| (sender, at))));
            let all: BTreeSet<_> = (0..3).flat_map(|sender| (0..30).map(move |at| (sender, at))).collect();
            prop_assert_eq!(missed, &all - &seen);
        }
    }
}
