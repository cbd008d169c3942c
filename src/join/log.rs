//! What a room's screen is made of: messages, notices, what one has said and is not taken yet; and the part that is seen.
//!
//! ```text
//!     older ──▶  ... [entries]  ├── view ──┤  ...newer   │ pending
//!               ▲                          ▲
//!               earlier ones are put here  └ the anchor: a row of an entry, which stays where it is
//! ```
//!
//! Somebody who has scrolled back reads on undisturbed: the view hangs on an entry and not on the end.

use super::paint::{BOLD, DIM, PLAIN, Row, Span, Style, WARNING, color_of, span, wrap};
use crate::client::{DirectId, PublishId};
use std::collections::VecDeque;
use unicode_width::UnicodeWidthStr;

/// How many entries are kept.
const ENTRIES_MAX: usize = 5000;
/// How wide the column of names is; on narrow screens.
const NAME_COLUMNS: usize = 12;
const NAME_COLUMNS_NARROW: usize = 8;
const NARROW: usize = 50;
/// Between the names and what they say; and in front of the further lines of a message, so that none of them can pass for
/// a message or a notice.
const RULE: &str = " │ ";
const RULE_OF_FURTHER_LINES: &str = " ┆ ";

/// What stands in a row, or in several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Somebody has said something. All of it is fit to be shown.
    Message {
        /// Its number; none if it has none, being for one person alone.
        seq: Option<u64>,
        /// When, in milliseconds since 1970.
        at: u64,
        name: String,
        text: String,
        is_own: bool,
        /// One's own name is in it.
        is_mention: bool,
    },
    /// Something has happened.
    Notice { at: u64, text: String },
    /// Something that nobody should miss.
    Warning { at: u64, text: String },
}

/// What one has said, before it has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub id: PendingId,
    pub text: String,
}

/// To whom it is said, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingId {
    Room(PublishId),
    Person(DirectId),
}

/// How the time of day and the date are written.
pub trait Clock {
    /// `14:05`
    fn time(&self, unix_ms: u64) -> String;
    /// `Friday, 20 November`
    fn day(&self, unix_ms: u64) -> String;
}

#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// How many entries were ever put in front or dropped there: the number of the first one.
    first: i64,
    pub pending: Vec<Pending>,
    /// How many entries were added at the end and not taken by [`Log::take_new`].
    new: usize,
    /// The last entry that is seen, and how many of its rows are not; `None`: the end is.
    anchor: Option<(i64, usize)>,
}

impl Log {
    /// Adds something at the end.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        self.new += 1;
        if self.entries.len() > ENTRIES_MAX {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// What was added at the end since this was asked last.
    pub fn take_new(&mut self) -> Vec<Entry> {
        let new = std::mem::take(&mut self.new).min(self.entries.len());
        self.entries.range(self.entries.len() - new..).cloned().collect()
    }

    /// Adds what was said before all that is there.
    pub fn push_older(&mut self, older: Vec<Entry>) {
        for entry in older.into_iter().rev() {
            self.entries.push_front(entry);
            self.first -= 1;
        }
    }

    /// The number of the first message that there is.
    pub fn first_seq(&self) -> Option<u64> {
        self.entries.iter().find_map(|entry| if let Entry::Message { seq, .. } = entry { *seq } else { None })
    }

    /// When its first entry was, in milliseconds since 1970.
    pub fn begins_at(&self) -> u64 {
        self.entries.front().map_or(0, Entry::at)
    }

    /// Whether the end is in view.
    pub fn is_at_end(&self) -> bool {
        self.anchor.is_none()
    }

    /// Shows the end.
    pub fn go_to_end(&mut self) {
        self.anchor = None;
    }

    /// What has got its place is not pending any more.
    pub fn settle(&mut self, id: PendingId) -> Option<Pending> {
        let at = self.pending.iter().position(|it| it.id == id)?;
        Some(self.pending.remove(at))
    }

    /// Goes back by so many rows, of a view of this size. Returns by how many it
    /// went: fewer where there is nothing older.
    pub fn scroll_up(&mut self, rows: usize, columns: usize, height: usize, clock: &dyn Clock) -> usize {
        // Where the last row in view is now, and so many before it; but a screenful stays.
        let (at, hidden) = self.anchor.unwrap_or((self.first + self.entries.len() as i64, 0));
        let mut above: Vec<(i64, usize)> = Vec::new();
        let wanted = rows + height;
        let mut index = at;
        let mut skip = hidden;
        while above.len() < wanted && index >= self.first {
            let len = self.rows_at(index, columns, clock).len();
            (skip..len).for_each(|hidden| above.push((index, hidden)));
            (index, skip) = (index - 1, 0);
        }
        let step = rows.min(above.len().saturating_sub(height));
        if step > 0 {
            self.anchor = above.get(step).copied();
        }
        step
    }

    /// Goes forward by so many rows.
    pub fn scroll_down(&mut self, rows: usize, columns: usize, clock: &dyn Clock) {
        let Some((mut at, mut hidden)) = self.anchor else { return };
        let end = self.first + self.entries.len() as i64;
        let mut left = rows;
        while left > hidden {
            left -= hidden + 1;
            at += 1;
            if at >= end {
                return self.anchor = None;
            }
            hidden = self.rows_at(at, columns, clock).len() - 1;
        }
        hidden -= left;
        let is_end = at + 1 == end && hidden == 0 && self.pending.is_empty();
        self.anchor = (!is_end).then_some((at, hidden));
    }

    /// The rows in view, and how many entries are below it.
    pub fn view(
        &self,
        columns: usize,
        height: usize,
        own_name: &str,
        clock: &dyn Clock,
    ) -> (Vec<Row>, usize) {
        let end = self.first + self.entries.len() as i64;
        let mut rows: Vec<Row> = Vec::new();
        let (mut index, mut skip) = match self.anchor {
            Some((at, hidden)) => (at.clamp(self.first, end), hidden),
            None => {
                for pending in self.pending.iter().rev() {
                    rows.extend(pending_rows(pending, columns, own_name).into_iter().rev());
                }
                (end - 1, 0)
            }
        };
        while rows.len() < height && index >= self.first {
            let of_entry = self.rows_at(index, columns, clock);
            // A screen that has changed its width may have fewer rows than were hidden.
            let skipped = skip.min(of_entry.len().saturating_sub(1));
            rows.extend(of_entry.into_iter().rev().skip(skipped));
            (index, skip) = (index - 1, 0);
        }
        rows.truncate(height);
        rows.reverse();
        let below =
            self.anchor.map_or(0, |(at, _)| usize::try_from(end - 1 - at).unwrap_or(0) + self.pending.len());
        (rows, below)
    }

    /// The rows of an entry, with the date before it if it is the first of its day.
    fn rows_at(&self, number: i64, columns: usize, clock: &dyn Clock) -> Vec<Row> {
        let index = usize::try_from(number - self.first).ok();
        let Some(entry) = index.and_then(|index| self.entries.get(index)) else { return Vec::new() };
        let mut rows = Vec::new();
        let day = clock.day(entry.at());
        let before = index.and_then(|index| self.entries.get(index.checked_sub(1)?));
        if before.is_none_or(|before| clock.day(before.at()) != day) {
            rows.push(vec![span(format!("{:>1$}{day}", "", indent(columns)), DIM)]);
        }
        let time = clock.time(entry.at());
        rows.extend(match entry {
            Entry::Message { name, text, is_own, is_mention, .. } => {
                let name_style = Style { color: Some(color_of(name)), is_bold: *is_own, ..PLAIN };
                rows_of(&time, name, name_style, text, if *is_mention { BOLD } else { PLAIN }, columns)
            }
            Entry::Notice { text, .. } => rows_of(&time, "", DIM, text, DIM, columns),
            Entry::Warning { text, .. } => rows_of(&time, "", DIM, text, WARNING, columns),
        });
        rows
    }
}

impl Entry {
    /// When it was, in milliseconds since 1970.
    pub fn at(&self) -> u64 {
        match self {
            Entry::Message { at, .. } | Entry::Notice { at, .. } | Entry::Warning { at, .. } => *at,
        }
    }
}

/// Where what was said begins.
fn indent(columns: usize) -> usize {
    time_columns(columns) + name_columns(columns) + RULE.width()
}

fn time_columns(columns: usize) -> usize {
    if columns < NARROW { 0 } else { "00:00 ".len() }
}

fn name_columns(columns: usize) -> usize {
    if columns < NARROW { NAME_COLUMNS_NARROW } else { NAME_COLUMNS }
}

/// `12:01          bob │ morning`, and more rows below if one is not enough.
fn rows_of(time: &str, name: &str, name_style: Style, text: &str, style: Style, columns: usize) -> Vec<Row> {
    let indent = indent(columns);
    // A rule in a name is not ours.
    let name = name.replace('│', r"\u{2502}");
    let padding = name_columns(columns).saturating_sub(name.width());
    let time: String = time.chars().take(time_columns(columns).saturating_sub(1)).collect();
    let time = format!("{time:<0$}", time_columns(columns));
    let head: Row =
        vec![span(time, DIM), span(" ".repeat(padding), PLAIN), span(name, name_style), span(RULE, DIM)];
    let room = columns.saturating_sub(indent).max(8);
    let first = columns.saturating_sub(super::paint::width(&head));
    let follow = |rule: &str, line: String| -> Row {
        vec![span(" ".repeat(indent - RULE.width()), PLAIN), span(rule, DIM), span(line, style)]
    };
    let mut texts = text.split('\n');
    let mut lines = wrap(texts.next().unwrap_or_default(), first.min(room), room).into_iter();
    let first: Span = span(lines.next().unwrap_or_default(), style);
    let mut rows = vec![[head, vec![first]].concat()];
    rows.extend(lines.map(|line| follow(RULE, line)));
    let further = texts.flat_map(|text| wrap(text, room, room));
    rows.extend(further.map(|line| follow(RULE_OF_FURTHER_LINES, line)));
    rows
}

/// What one has said is there at once, and pale until it is taken.
fn pending_rows(pending: &Pending, columns: usize, own_name: &str) -> Vec<Row> {
    rows_of("  …", own_name, DIM, &pending.text, DIM, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Clock for Plain {
        fn time(&self, unix_ms: u64) -> String {
            format!("{:02}:{:02}", unix_ms / 60 % 24, unix_ms % 60)
        }
        fn day(&self, unix_ms: u64) -> String {
            format!("day {}", unix_ms / 1440)
        }
    }

    fn message(seq: u64, text: &str) -> Entry {
        let (name, text) = ("bob".to_owned(), text.to_owned());
        Entry::Message { seq: Some(seq), at: seq, name, text, is_own: false, is_mention: false }
    }

    fn log(range: std::ops::RangeInclusive<u64>) -> Log {
        let mut log = Log::default();
        range.for_each(|seq| log.push(message(seq, &format!("m{seq}"))));
        log
    }

    fn seen(log: &Log, height: usize) -> Vec<String> {
        let (rows, _) = log.view(40, height, "ann", &Plain);
        let text = |row: Row| row.into_iter().map(|span| span.text).collect::<String>();
        rows.into_iter()
            .map(|row| text(row).rsplit('│').next().unwrap_or_default().trim().to_owned())
            .collect()
    }

    #[test]
    fn names_stand_in_a_column_and_what_they_say_behind_a_rule() {
        let rows = |columns, name: &str, text: &str| -> Vec<String> {
            let rows = rows_of("12:01", name, PLAIN, text, PLAIN, columns);
            rows.into_iter().map(|row| row.into_iter().map(|span| span.text).collect()).collect()
        };
        assert_eq!(rows(60, "bob", "hi"), ["12:01          bob │ hi"]);
        assert_eq!(rows(60, "ねこ", "hi"), ["12:01         ねこ │ hi"]);
        assert_eq!(
            rows(30, "bob", "one two three four five six"),
            ["     bob │ one two three four ", "         │ five six"]
        );
        assert_eq!(
            rows(60, "bob", "one\n12:01 eve │ two\n\nfour"),
            [
                "12:01          bob │ one",
                "                   ┆ 12:01 eve │ two",
                "                   ┆ ",
                "                   ┆ four"
            ]
        );
        assert_eq!(
            rows(30, "bob", "one two three four five\nbob joined, and somebody else"),
            [
                "     bob │ one two three four ",
                "         │ five",
                "         ┆ bob joined, and ",
                "         ┆ somebody else"
            ]
        );
        // A name is never cut: it could be taken for another.
        assert_eq!(rows(60, "alexander the great", "hi"), ["12:01 alexander the great │ hi"]);
        assert_eq!(rows(60, "a │ b", "")[0], r"12:01 a \u{2502} b │ ");
        for columns in 0..30 {
            rows(columns, "somebody with a long name", "text that is long as well");
        }
    }

    #[test]
    fn who_has_scrolled_back_is_not_disturbed() {
        let mut log = log(1..=20);
        assert_eq!(seen(&log, 3), ["m18", "m19", "m20"]);
        assert_eq!(log.scroll_up(2, 40, 3, &Plain), 2);
        assert_eq!((seen(&log, 3), log.is_at_end()), (vec!["m16".into(), "m17".into(), "m18".into()], false));
        log.push(message(21, "m21"));
        log.push_older(vec![message(0, "m0")]);
        assert_eq!(seen(&log, 3), ["m16", "m17", "m18"]);
        assert_eq!(log.view(40, 3, "ann", &Plain).1, 3);
        log.scroll_down(1, 40, &Plain);
        assert_eq!(seen(&log, 3), ["m17", "m18", "m19"]);
        log.scroll_down(50, 40, &Plain);
        assert_eq!((seen(&log, 3), log.is_at_end()), (vec!["m19".into(), "m20".into(), "m21".into()], true));
    }

    #[test]
    fn the_top_is_the_top_and_says_that_more_is_wanted() {
        let mut log = log(1..=5);
        assert_eq!(log.scroll_up(100, 40, 3, &Plain), 3);
        // The day stands before the first.
        assert_eq!(seen(&log, 3), ["day 0", "m1", "m2"]);
        assert_eq!(log.scroll_up(1, 40, 3, &Plain), 0);
        assert_eq!(
            (seen(&log, 3), log.first_seq()),
            (vec!["day 0".into(), "m1".into(), "m2".into()], Some(1))
        );
        let mut few = self::log(1..=1);
        assert!(few.scroll_up(5, 40, 10, &Plain) == 0 && few.is_at_end());
        assert_eq!(Log::default().scroll_up(5, 40, 10, &Plain), 0);
    }

    #[test]
    fn a_long_message_is_scrolled_row_by_row_and_a_new_width_does_no_harm() {
        let mut log = Log::default();
        log.push(message(1, &"word ".repeat(60)));
        assert_eq!(log.scroll_up(2, 40, 3, &Plain), 2);
        assert_eq!(seen(&log, 3).len(), 3);
        assert_eq!(log.view(200, 3, "ann", &Plain).0.len(), 1);
        log.scroll_down(1, 200, &Plain);
        log.scroll_down(9, 40, &Plain);
        assert!(log.is_at_end());
    }

    #[test]
    fn what_one_has_said_is_at_the_end_until_it_has_its_place() {
        let mut log = log(1..=1);
        let id = PendingId::Room(7);
        log.pending.push(Pending { id, text: "mine".into() });
        log.push(message(2, "m2"));
        assert_eq!(seen(&log, 2), ["m2", "mine"]);
        assert!(log.settle(id).is_some() && log.settle(id).is_none());
        assert_eq!(seen(&log, 2), ["m1", "m2"]);
    }

    #[test]
    fn a_log_has_an_end() {
        let log = log(1..=6000);
        assert_eq!((log.entries.len(), log.first_seq()), (ENTRIES_MAX, Some(1001)));
        assert_eq!(seen(&log, 1), ["m6000"]);
    }
}
