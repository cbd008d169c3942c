//! How things are said, on a terminal as in a pipe.
//!
//! What others have chosen, names and messages, is shown as people with netcat see it: nothing in it acts on a screen.

use crate::client::{Resumption, Told};
use crate::time::Millis;
use crate::wire::text::shown::{Place, append_changes, append_data, append_name};
use crate::wire::{Data, Rename, visible};

/// How many lines of a message are shown: many more, and it would push away what others have said.
const LINES_MAX: usize = 100;

/// Text that can be shown in the middle of a row: a tab in it is shown as what it is.
pub fn shown(text: &str) -> String {
    lossless(|out| visible::append(out, text)).replace('\t', r"\u{9}")
}

/// What was said, as JSON, as it is shown.
pub fn said(data: &str) -> String {
    lossless(|out| append_data(out, Data::Json(data)))
}

/// What was said, as [`said`] shows it, but with real line ends: each line is one that can be shown. Lines beyond
/// [`LINES_MAX`] are counted.
pub fn said_in_lines(data: &str) -> String {
    let Ok(text) = serde_json::from_str::<String>(data) else { return said(data) };
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let line = |line: &str| lossless(|out| append_data(out, Data::Text(line)));
    let mut shown: Vec<String> = lines.by_ref().take(LINES_MAX).map(line).collect();
    match lines.count() {
        0 => {}
        more => shown.push(format!("({more} more lines)")),
    }
    shown.join("\n")
}

/// A name, as it stands in brackets.
pub fn name(name: &str) -> String {
    lossless(|out| append_name(out, name, Place::Brackets))
}

/// Some names, with commas between them.
pub fn names(names: &[String]) -> String {
    let each = |name: &String| lossless(|out| append_name(out, name, Place::Notice));
    names.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn lossless(append: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    append(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// `[bob] morning`
pub fn message(told: &Told) -> String {
    format!("[{}] {}", name(&told.name), said(&told.data))
}

/// Who came and went and who is called otherwise, if anybody is named.
pub fn presence(joined: &[String], left: &[String], renamed: &[(String, String)]) -> Option<String> {
    let renamed: Vec<_> = renamed.iter().map(|(from, to)| Rename { from, to }).collect();
    let words = lossless(|out| append_changes(out, joined, left, &renamed));
    (!words.is_empty()).then_some(words)
}

/// What coming into a room means for what was read before; nothing, on coming in for the first time.
pub fn resumption(resumption: &Resumption, missed: u64) -> Option<String> {
    match resumption {
        Resumption::First => None,
        Resumption::Resumed if missed == 0 => Some("back, nothing missed".into()),
        Resumption::Resumed => Some(format!("back, {missed} missed")),
        Resumption::Trimmed { from, to } => Some(gap(*from, *to)),
        Resumption::Anew => Some("the room has begun anew; what was said last may be lost".into()),
    }
}

/// Messages that will not come.
pub fn gap(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        0 => "one message is missing".into(),
        more => format!("{} messages are missing", more + 1),
    }
}

/// How many are in a room.
pub fn members(count: u64) -> String {
    format!("{count} here")
}

/// A wait, in seconds with a tenth below ten.
pub fn wait(wait: Millis) -> String {
    match wait.0 {
        ms if ms < 10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{} s", ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_say_acts_on_a_screen() {
        let told = Told {
            room: "dev".into(),
            seq: 1,
            name: "b] [c".into(),
            at: 0,
            data: r#""a\u001b[2J\nb \u202e""#.into(),
            own: None,
        };
        assert_eq!(message(&told), r"[b\u{5d} [c] a\u{1b}[2J\nb \u{202e}");
        assert_eq!(said("{ \"a\": [1, 2] }"), r#"{"a":[1,2]}"#);
        assert_eq!(names(&["a, b".into(), "c".into()]), r"a\u{2c} b, c");
        assert_eq!(shown("x\u{9b}1m\t"), r"x\u{9b}1m\u{9}");
        assert_eq!(said(r#""if a {\tb }""#), "if a {\tb }");
        assert_eq!(said(r#""Z\u0301\u0301\u0301 \u2067a""#), "Z\u{301}\u{301} \\u{2067}a");
    }

    #[test]
    fn the_lines_of_a_message_are_lines_and_nothing_in_them_acts_on_a_screen() {
        assert_eq!(
            said_in_lines(r#""one\ntwo\r\n\nfour\u001b[2J\rx\u2028y""#),
            "one\ntwo\n\nfour\\u{1b}[2J\\rx\\u{2028}y"
        );
        assert_eq!(said_in_lines("[1, \"a\\nb\"]"), r#"[1,"a\nb"]"#);
        assert_eq!(said_in_lines(r#""\ud800""#), said(r#""\ud800""#));
        let long = format!("\"{}\"", r"x\n".repeat(LINES_MAX + 4));
        assert_eq!(said_in_lines(&long).lines().count(), LINES_MAX + 1);
        assert!(said_in_lines(&long).ends_with("\n(5 more lines)"));
    }

    #[test]
    fn what_happened_is_told_in_few_words() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            presence(&names(&["ann", "bob"]), &names(&["cyn"]), &[]).as_deref(),
            Some("ann, bob joined, cyn left")
        );
        let renamed = [("bob".to_owned(), "robert".to_owned())];
        assert_eq!(presence(&[], &[], &renamed).as_deref(), Some("bob is now robert"));
        assert_eq!(
            presence(&names(&["bob"]), &[], &renamed).as_deref(),
            Some("bob is now robert, bob joined")
        );
        assert_eq!(presence(&[], &[], &[]), None);
        assert_eq!(resumption(&Resumption::Resumed, 4).as_deref(), Some("back, 4 missed"));
        assert_eq!(gap(5, 5), "one message is missing");
        assert_eq!(gap(5, 9), "5 messages are missing");
        assert_eq!((wait(Millis(1490)), wait(Millis(12_999))), ("1.4 s".to_owned(), "12 s".to_owned()));
    }
}
