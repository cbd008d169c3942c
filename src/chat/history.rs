//! What a room remembers: its newest messages, as they were rendered, and where each stands in the room's stream.
//!
//! A room numbers its messages (`seq`); its stream numbers everything that was published in it, notices of who comes and
//! goes among them (`entry`). History is asked by both: a page or a resume names a `seq`, and a reader whose log has moved
//! on names the entries that it lacks.
//!
//! ```text
//!     seq        41   42   43             44   45                  46
//!     entry      90   91   92   93   94   95   96   97             203
//!                              join  left                left, and the room was empty for a while
//!     runs       └─ 41 is 90 ─┘           └ 44 is 95 ┘             └ 46 is 203
//! ```
//!
//! Between two notices both numbers rise by one, so a *run* is written down as its first pair, and any entry's `seq` is
//! found from it, also that of a message which has been forgotten: whoever lacked it is told exactly what is missing. Runs
//! cost memory too. Where it is short, those of forgotten messages go first, but for so many as a minute's notices make;
//! and who lacks something from before all that is written down cannot be told what it was.
//!
//! The ring is bounded in messages and in bytes. There is one read path out of it, [`History::after`]: joining with some
//! history, resuming, catching up and paging all end there.

use std::collections::VecDeque;
use std::ops::Range;

/// How many runs are kept. Notices come at most once a second, so this reaches back a quarter of an hour and more.
const RUNS_MAX: usize = 1024;
/// How many of them are kept however short memory is, and cost nothing as it is counted.
const RUNS_FREE: usize = 64;
/// What a message costs beside its bytes, as it is counted against the bounds; and one run more.
const RECORD_OVERHEAD: usize = size_of::<Record>();
const RUN_COST: usize = size_of::<(u64, u64)>();

/// A message that is remembered.
#[derive(Debug)]
pub struct Record {
    /// Its number in the room.
    pub seq: u64,
    /// Its number in the room's stream.
    pub entry: u64,
    /// When it was said, in milliseconds since 1970.
    pub at: u64,
    /// The message as JSON programs read it: what is replayed is copied, and other dialects are rendered from it.
    pub json: Box<[u8]>,
}

/// A room's newest messages.
#[derive(Debug, Default)]
pub struct History {
    records: VecDeque<Record>,
    /// Of these.
    bytes: usize,
    /// The number of the newest message, remembered or not; 0 when there has been none.
    newest: u64,
    /// Where `seq` and `entry` begin to rise together: first entry, first seq.
    runs: VecDeque<(u64, u64)>,
}

/// How much a room remembers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages.
    pub messages_max: usize,
    /// Bytes of them, what they cost beside their text included.
    pub bytes_max: usize,
}

impl Record {
    fn cost(&self) -> usize {
        self.json.len() + RECORD_OVERHEAD
    }
}

impl History {
    /// The number of the newest message; 0 when there has been none.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The number of the oldest message that is remembered; one more than the newest when none is.
    pub fn oldest(&self) -> u64 {
        self.records.front().map_or(self.newest + 1, |record| record.seq)
    }

    /// What it costs, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.bytes + RUN_COST * self.runs.len().saturating_sub(RUNS_FREE)
    }

    /// Remembers a message, whose `seq` is the next, and forgets what is too much.
    pub fn push(&mut self, record: Record, bounds: Bounds) {
        debug_assert_eq!(record.seq, self.newest + 1, "numbers rise by one");
        let follows = self
            .runs
            .back()
            .is_some_and(|&(entry, seq)| record.entry.checked_sub(entry) == Some(record.seq - seq));
        if !follows {
            if self.runs.len() == RUNS_MAX {
                self.runs.pop_front();
            }
            self.runs.push_back((record.entry, record.seq));
        }
        self.newest = record.seq;
        self.bytes += record.cost();
        self.records.push_back(record);
        while self.records.len() > bounds.messages_max {
            self.forget_oldest();
        }
        while self.len_bytes() > bounds.bytes_max && self.forget_some() {}
    }

    /// Forgets the oldest of what it keeps. Returns whether there was anything.
    pub fn forget_some(&mut self) -> bool {
        // Where a message stood that is forgotten is worth less than one that is not.
        let is_idle = self.runs.get(1).is_some_and(|&(_, seq)| seq <= self.oldest());
        if is_idle && self.runs.len() > RUNS_FREE {
            return self.runs.pop_front().is_some();
        }
        self.forget_oldest()
    }

    /// Forgets the oldest message. Returns whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let Some(record) = self.records.pop_front() else { return false };
        self.bytes -= record.cost();
        if self.records.is_empty() {
            // The room may be quiet from now on: no memory for what is not there.
            self.records = VecDeque::new();
        }
        true
    }

    /// The messages after `seq` that are remembered, in order.
    pub fn after(&self, seq: u64) -> impl DoubleEndedIterator<Item = &Record> + ExactSizeIterator + Clone {
        // A peer may ask for what follows the last number that there is.
        let skipped = seq.saturating_add(1).saturating_sub(self.oldest());
        self.records
            .range(usize::try_from(skipped).map_or(self.records.len(), |n| n.min(self.records.len()))..)
    }

    /// The messages that stand in these entries of the stream, remembered or not: the first, and one more than the last.
    /// `None` when they reach back so far that nobody knows any more.
    pub fn seqs(&self, entries: Range<u64>) -> Option<Range<u64>> {
        let is_known = match self.runs.front() {
            None | Some((_, 1)) => true,
            Some(&(entry, _)) => entry <= entries.start,
        };
        is_known.then(|| self.first_at(entries.start)..self.first_at(entries.end))
    }

    /// The number of the first message at or behind an entry.
    fn first_at(&self, entry: u64) -> u64 {
        let next = self.runs.partition_point(|&(first, _)| first <= entry);
        let next_seq = self.runs.get(next).map_or(self.newest + 1, |&(_, seq)| seq);
        // Within a run, or in the notices behind it.
        let in_run = |&(first, seq): &(u64, u64)| next_seq.min(seq + (entry - first));
        next.checked_sub(1).and_then(|at| self.runs.get(at)).map_or(1, in_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLENTY: Bounds = Bounds { messages_max: 1000, bytes_max: 1 << 20 };

    fn record(seq: u64, entry: u64) -> Record {
        Record { seq, entry, at: 1000 + seq, json: format!("{seq}").into_bytes().into() }
    }

    /// The picture at the top of this file, from its first message on.
    fn pictured() -> History {
        let mut history = History::default();
        for seq in 1..=40 {
            history.push(record(seq, 49 + seq), PLENTY);
        }
        for (seq, entry) in [(41, 90), (42, 91), (43, 92), (44, 95), (45, 96), (46, 203)] {
            history.push(record(seq, entry), PLENTY);
        }
        history
    }

    #[test]
    fn entries_are_found_by_runs_whether_remembered_or_not() {
        let mut history = pictured();
        for forgotten in [0, 44, 2] {
            for _ in 0..forgotten {
                history.forget_oldest();
            }
            for (entries, seqs) in [
                (90..93, 41..44),
                (91..92, 42..43),
                (93..95, 44..44),
                (93..96, 44..45),
                (92..204, 43..47),
                (97..203, 46..46),
                (204..300, 47..47),
                (0..51, 1..2),
                (0..10, 1..1),
            ] {
                assert_eq!(history.seqs(entries.clone()), Some(seqs), "{entries:?}");
            }
        }
        assert_eq!((history.newest(), history.oldest(), history.len_bytes()), (46, 47, 0));
    }

    #[test]
    fn nobody_is_told_what_is_not_known() {
        let mut history = History::default();
        for seq in 1..=RUNS_MAX as u64 + 10 {
            history.push(record(seq, seq * 2), PLENTY);
        }
        assert_eq!((history.seqs(4..6), history.seqs(4..40)), (None, None));
        assert_eq!(
            (history.seqs(20..22), history.seqs(21..25)),
            (None, None),
            "22 is the first that is known"
        );
        assert_eq!(history.seqs(22..25), Some(11..13));
    }

    #[test]
    fn where_memory_is_short_places_go_before_messages_but_for_some() {
        let tight = Bounds { messages_max: 10, bytes_max: 10 * (RECORD_OVERHEAD + 4) };
        let mut history = History::default();
        for seq in 1..=200 {
            history.push(record(seq, seq * 2), tight);
        }
        assert_eq!((history.records.len(), history.runs.len()), (10, RUNS_FREE));
        assert_eq!((history.seqs(2..4), history.seqs(380..382)), (None, Some(190..191)));
        while history.forget_some() {}
        assert_eq!((history.len_bytes(), history.runs.len()), (0, RUNS_FREE));
    }

    #[test]
    fn pages_are_exclusive() {
        let mut history = pictured();
        let after = |history: &History, seq| history.after(seq).map(|record| record.seq).collect::<Vec<_>>();
        for _ in 0..42 {
            history.forget_oldest();
        }
        assert_eq!(after(&history, 0), [43, 44, 45, 46]);
        assert_eq!(after(&history, 42), [43, 44, 45, 46]);
        assert_eq!(after(&history, 45), [46]);
        assert!(after(&history, 46).is_empty() && after(&history, u64::MAX - 1).is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_list(
            notices in prop::collection::vec(0..4u64, 1..60),
            messages_max in 1..20usize,
            bytes_max in 50..2000usize,
        ) {
            let (mut history, mut plain, mut entry) = (History::default(), Vec::new(), 7);
            for (index, gap) in notices.into_iter().enumerate() {
                entry += gap;
                let seq = index as u64 + 1;
                history.push(record(seq, entry), Bounds { messages_max, bytes_max });
                plain.push((seq, entry));
                entry += 1;
            }
            let kept: Vec<u64> = history.after(0).map(|record| record.seq).collect();
            prop_assert!(kept.len() <= messages_max && history.len_bytes() <= bytes_max.max(RECORD_OVERHEAD + 8));
            prop_assert!(kept.iter().copied().eq(history.oldest()..=history.newest()));
            for from in 0..entry + 2 {
                for to in from..entry + 2 {
                    let seqs = plain.iter().filter(|(_, at)| (from..to).contains(at)).map(|(seq, _)| *seq);
                    prop_assert!(history.seqs(from..to).expect("few are known").eq(seqs), "{}..{}", from, to);
                }
            }
        }
    }
}
