//! What becomes of a reader that the room has moved past: it catches up, or jumps, or goes.
//!
//! The room's log forgets the oldest of what it says, whether or not everybody has had it. Who lacks something is not
//! left a queue of it, but asked about here when its turn comes: these entries are missing. The answer is taken from the
//! room's history, a slice at a time, so that what waits for one reader is never more than a slice; what history has
//! forgotten too is a gap, and is said to be one before anything newer is.
//!
//! ```text
//!     lacks            58 59 60 ... 912 | 913 914 915 ...              history begins at 913
//!     catch-up         gap 58 to 912,     913 914 | then 915 ... when that has been read
//!     latest           gap 58 to 930,     931                          931 is the newest of what it lacks
//!     disconnect       closed, with 4108
//! ```
//!
//! Among what it lacks there may be notices of who came and went. Nobody remembers those, so it is told how many are in the
//! room instead, as a crowd is.
//!
//! Who asked for the missing messages itself, by joining with some history or by resuming, is always given them, and
//! has been told how many are there.

use super::history::{History, Record};
use std::ops::Range;

/// How many bytes of a long hole are filled before the reader has taken them, but for one message.
pub const SLICE_BYTES: usize = 16 * 1024;

/// What a room does about readers that are too slow for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slow {
    /// They are sent what they lack as fast as they read, from history as far as it reaches.
    #[default]
    CatchUp,
    /// They are sent the newest message and told what they missed before it.
    Latest,
    /// They are closed.
    Disconnect,
}

/// What a reader is sent in the place of what it lacks.
#[derive(Debug)]
pub enum Replayed<'a> {
    /// A message.
    Message(&'a Record),
    /// These will not come, from and to.
    Gap(u64, u64),
    /// So many are in the room, as it has been told. Notices of who came and went are missing too, and are not said again.
    Members(usize),
}

/// Gives a reader what it lacks, and stops when `give` says that this is enough for now. Returns the first entry of the
/// stream that has not been dealt with; `None` when nobody knows any more what it lacks.
pub fn replay(
    history: &History,
    slow: Slow,
    missing: Range<u64>,
    mut give: impl FnMut(Replayed<'_>) -> bool,
) -> Option<u64> {
    let lacks = history.seqs(missing.clone())?;
    let first = match slow {
        Slow::CatchUp => history.oldest().clamp(lacks.start, lacks.end),
        Slow::Latest | Slow::Disconnect => {
            history.oldest().max(lacks.end.saturating_sub(1)).clamp(lacks.start, lacks.end)
        }
    };
    let mut wants_more = true;
    if lacks.start < first {
        wants_more = give(Replayed::Gap(lacks.start, first - 1));
    }
    for record in history.after(first - 1).take_while(|record| record.seq < lacks.end) {
        if !wants_more {
            return Some(record.entry);
        }
        wants_more = give(Replayed::Message(record));
    }
    Some(missing.end)
}

/// Whether some of these entries are notices.
pub fn has_notices(history: &History, entries: Range<u64>) -> bool {
    let is_all_messages = |seqs: Range<u64>| seqs.end - seqs.start == entries.end - entries.start;
    !history.seqs(entries.clone()).is_some_and(is_all_messages)
}

#[cfg(test)]
mod tests {
    use super::super::history::Bounds;
    use super::*;

    /// Messages 1 to `newest`, each at ten times its number, of which the room remembers so many.
    fn history(newest: u64, messages_max: usize) -> History {
        let mut history = History::default();
        for seq in 1..=newest {
            let record = Record { seq, entry: 10 * seq, at: 0, json: Box::default() };
            history.push(record, Bounds { messages_max, bytes_max: usize::MAX });
        }
        history
    }

    /// What is given, at most `slice` of it at once, and where that ends.
    fn given(history: &History, slow: Slow, missing: Range<u64>, slice: usize) -> (Vec<String>, u64) {
        let mut given = Vec::new();
        let reached = replay(history, slow, missing, |replayed| {
            given.push(match replayed {
                Replayed::Message(record) => record.seq.to_string(),
                Replayed::Gap(from, to) => format!("gap {from}-{to}"),
                Replayed::Members(members) => format!("{members} here"),
            });
            given.len() < slice
        });
        (given, reached.expect("it is known what is missing"))
    }

    #[test]
    fn catching_up_is_everything_a_slice_at_a_time() {
        let history = history(20, 20);
        assert_eq!(
            given(&history, Slow::CatchUp, 30..61, 100),
            (vec!["3".into(), "4".into(), "5".into(), "6".into()], 61)
        );
        assert_eq!(given(&history, Slow::CatchUp, 30..61, 2), (vec!["3".into(), "4".into()], 50));
        assert_eq!(given(&history, Slow::CatchUp, 50..61, 2), (vec!["5".into(), "6".into()], 61));
        assert_eq!(given(&history, Slow::CatchUp, 31..40, 2), (vec![], 40), "only notices");
    }

    #[test]
    fn what_history_has_forgotten_is_a_gap_before_anything_newer() {
        let history = history(20, 3);
        assert_eq!(given(&history, Slow::CatchUp, 30..191, 2), (vec!["gap 3-17".into(), "18".into()], 190));
        assert_eq!(given(&history, Slow::CatchUp, 30..61, 2), (vec!["gap 3-6".into()], 61));
        assert_eq!(given(&history, Slow::CatchUp, 180..201, 9).0, ["18", "19", "20"]);
    }

    #[test]
    fn notices_are_what_is_no_message() {
        let history = history(20, 3);
        assert!(!has_notices(&history, 30..31) && !has_notices(&history, 200..201));
        assert!(
            has_notices(&history, 30..32) && has_notices(&history, 29..31) && has_notices(&history, 31..32)
        );
    }

    #[test]
    fn the_latest_is_one_message_and_a_gap() {
        let kept = history(20, 10);
        assert_eq!(given(&kept, Slow::Latest, 30..191, 9), (vec!["gap 3-18".into(), "19".into()], 191));
        assert_eq!(given(&kept, Slow::Latest, 190..191, 9), (vec!["19".into()], 191), "no gap where none is");
        assert_eq!(given(&kept, Slow::Latest, 30..61, 9), (vec!["gap 3-6".into()], 61));
        assert_eq!(given(&history(0, 1), Slow::Latest, 3..9, 9), (vec![], 9));
    }
}
