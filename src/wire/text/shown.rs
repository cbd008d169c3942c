//! What others chose, shown so that it cannot be taken for what we say.
//!
//! ```text
//!     called            in brackets              in a notice
//!     ann               [ann]                    * ann joined
//!     bob] yes [x       [bob\u{5d} yes [x]       * bob] yes [x joined
//!     bob -> you        [bob -\u{3e} you]        * bob -> you joined
//!     eve left, ann     [eve left, ann]          * eve left\u{2c} ann joined
//!     eve left          [eve left]               * eve\u{20}left joined
//!     eve is now ann    [eve is now ann]         * eve\u{20}is now ann joined
//! ```
//!
//! Each line can thus be read in one way only. In brackets a name ends at the first `]`, and `->` is ours. A notice that
//! ends in `joined` or `left` tells of presence; what stands in it between two commas is one name, and the last of those
//! who came or went has that word behind it, as the last in a list may have `more`. The first ` is now ` between two commas
//! stands between an old name and a new one. And as `\u{` in a name is shown as
//! `\u{5c}u{`, no two names are shown alike.

use super::super::json::string::{self, Piece};
use super::super::{Data, Rename, visible};

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In brackets, in front of what was said.
    Brackets,
    /// In a notice, maybe with others, commas in between, and a word of ours behind.
    Notice,
}

/// The words of ours that stand behind names.
const CLOSING: [&str; 3] = [" joined", " left", " more"];

/// Appends a name.
pub fn append_name(out: &mut Vec<u8>, name: &str, place: Place) {
    let (name, closing) = match CLOSING.iter().find(|word| place == Place::Notice && name.ends_with(**word)) {
        Some(word) => name.split_at(name.len() - word.len()),
        None => (name, ""),
    };
    let mut rest = name;
    while let Some((at, shown)) = find_marked(rest, place) {
        visible::append(out, &rest[..at]);
        out.extend_from_slice(shown.as_bytes());
        rest = &rest[at + 1..];
    }
    visible::append(out, rest);
    if let Some(word) = closing.strip_prefix(' ') {
        out.extend_from_slice(br"\u{20}");
        out.extend_from_slice(word.as_bytes());
    }
}

/// Appends some names, with commas between them.
pub fn append_names<S: AsRef<str>>(out: &mut Vec<u8>, names: &[S]) {
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        append_name(out, name.as_ref(), Place::Notice);
    }
}

/// Appends `ann, bob joined, cyn left`, or `cyn left, bob is now robert, ann joined`. A name that a member gave up may have
/// been taken by another one, so with a rename the parts stand in an order in which they can have happened.
pub fn append_changes<S: AsRef<str>>(out: &mut Vec<u8>, joined: &[S], left: &[S], renamed: &[Rename<'_>]) {
    let start = out.len();
    let part = |out: &mut Vec<u8>, names: &[S], word: &[u8]| {
        if !names.is_empty() {
            append_comma(out, start);
            append_names(out, names);
            out.extend_from_slice(word);
        }
    };
    if renamed.is_empty() {
        part(out, joined, b" joined");
        return part(out, left, b" left");
    }
    part(out, left, b" left");
    for rename in renamed {
        append_comma(out, start);
        append_name(out, rename.from, Place::Notice);
        out.extend_from_slice(b" is now ");
        append_name(out, rename.to, Place::Notice);
    }
    part(out, joined, b" joined");
}

/// Unless nothing stands before it.
fn append_comma(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.extend_from_slice(b", ");
    }
}

/// The first character in a name, of one byte, that could be taken for one of ours; and how it is shown.
fn find_marked(name: &str, place: Place) -> Option<(usize, &'static str)> {
    let bytes = name.as_bytes();
    bytes.iter().enumerate().find_map(|(at, byte)| match (place, byte) {
        (Place::Brackets, b']') => Some((at, r"\u{5d}")),
        (Place::Brackets, b'>') if at > 0 && bytes[at - 1] == b'-' => Some((at, r"\u{3e}")),
        (Place::Notice, b',') => Some((at, r"\u{2c}")),
        (Place::Notice, b' ') if is_renaming(&bytes[at..]) => Some((at, r"\u{20}")),
        (_, b'\\') if bytes[at..].starts_with(br"\u{") => Some((at, r"\u{5c}")),
        // It may stand in a text, but a name that has one has no width.
        (_, b'\t') => Some((at, r"\u{9}")),
        _ => None,
    })
}

/// Whether this begins with the words between two names of a renamed member, which a name can also end with.
fn is_renaming(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b" is now").is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "))
}

/// Appends what was said: a string as its text, anything else as compact JSON.
pub fn append_data(out: &mut Vec<u8>, data: Data<'_>) {
    match data {
        Data::Text(text) => visible::append(out, text),
        Data::Json(json) => match json.strip_prefix('"') {
            Some(rest) => append_unescaped(out, rest.strip_suffix('"').unwrap_or(rest)),
            None => append_compact(out, json),
        },
    }
}

fn append_unescaped(out: &mut Vec<u8>, raw: &str) {
    if !raw.contains('\\') {
        return visible::append(out, raw);
    }
    let mut screen = visible::Screen::new(out);
    for piece in string::unescape(raw) {
        match piece {
            Piece::Plain(text) => screen.append(text),
            Piece::Escaped(c) => screen.append(c.encode_utf8(&mut [0; 4])),
        }
    }
    screen.finish();
}

/// Without the white space that stands between the parts of a value.
fn append_compact(out: &mut Vec<u8>, json: &str) {
    let mut rest = json;
    while let Some(opening) = rest.find('"') {
        let (between, string) = rest.split_at(opening);
        let closing = string::find_end(&string[1..]).map_or(string.len(), |end| end + 2);
        let (string, after) = string.split_at(closing);
        append_without_space(out, between);
        visible::append(out, string);
        rest = after;
    }
    append_without_space(out, rest);
}

fn append_without_space(out: &mut Vec<u8>, between: &str) {
    out.extend(between.bytes().filter(|byte| !byte.is_ascii_whitespace()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::marks::is_mark;
    use crate::wire::samples::{any_json, any_label as any_name};
    use crate::wire::{Changes, Event, Message, Rename, text};
    use proptest::prelude::*;

    fn shown(name: &str, place: Place) -> String {
        let mut out = Vec::new();
        append_name(&mut out, name, place);
        String::from_utf8(out).unwrap()
    }

    fn said(data: Data<'_>) -> String {
        let mut out = Vec::new();
        append_data(&mut out, data);
        String::from_utf8(out).unwrap()
    }

    /// A name as it was before it was shown.
    fn undone(shown: &str) -> String {
        let mut name = String::new();
        let mut rest = shown;
        while let Some((before, after)) = rest.split_once(r"\u{") {
            let (code, after) = after.split_once('}').unwrap();
            name.push_str(before);
            name.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
            rest = after;
        }
        name + rest
    }

    fn line(event: &Event<'_>) -> String {
        let mut out = Vec::new();
        text::render(event, false, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Who came, who went, and who is called otherwise, as a reader of the notice understands it.
    fn read_presence(notice: &str) -> (Vec<String>, Vec<String>, Vec<(String, String)>) {
        let (mut joined, mut left, mut names, mut renamed) = (vec![], vec![], vec![], vec![]);
        for part in notice.strip_prefix("* ").unwrap().split(", ") {
            if let Some((from, to)) = part.split_once(" is now ") {
                renamed.push((undone(from), undone(to)));
            } else if let Some(name) = part.strip_suffix(" joined") {
                names.push(undone(name));
                joined.append(&mut names);
            } else if let Some(name) = part.strip_suffix(" left") {
                names.push(undone(name));
                left.append(&mut names);
            } else {
                names.push(undone(part));
            }
        }
        assert!(names.is_empty(), "{notice}");
        (joined, left, renamed)
    }

    /// Who is here, and how many more, likewise.
    fn read_members(notice: &str) -> (Vec<String>, usize) {
        let list = notice.split_once(" here: ").unwrap().1;
        let (list, more) = match list.strip_suffix(" more").and_then(|list| list.rsplit_once(" and ")) {
            Some((list, more)) => (list, more.parse().unwrap()),
            None => (list, 0),
        };
        (list.split(", ").map(undone).collect(), more)
    }

    /// Who speaks, whether to one alone, and what.
    fn read_said(line: &str) -> (String, bool, String) {
        let (name, said) = line.strip_prefix('[').unwrap().split_once("] ").unwrap();
        match name.strip_suffix(" -> you") {
            Some(name) => (undone(name), true, said.to_owned()),
            None => (undone(name), false, said.to_owned()),
        }
    }

    #[test]
    fn nobody_speaks_as_somebody_else() {
        let cases = [
            ("ann", "ann"),
            ("bob] yes [x", r"bob\u{5d} yes [x"),
            ("bob -> you", r"bob -\u{3e} you"),
            ("<->-->", r"<-\u{3e}--\u{3e}"),
            ("> - >", "> - >"),
            ("Smith, John", "Smith, John"),
            ("eve left", "eve left"),
            (r"¯\_(ツ)_/¯", r"¯\_(ツ)_/¯"),
            (r"bob\u{5d}", r"bob\u{5c}u{5d}"),
            ("a\tb", r"a\u{9}b"),
        ];
        for (name, expected) in cases {
            assert_eq!(shown(name, Place::Brackets), expected);
        }
    }

    #[test]
    fn nobody_comes_or_goes_under_somebody_elses_name() {
        let cases = [
            ("ann", "ann"),
            ("Smith, John", r"Smith\u{2c} John"),
            ("eve left", r"eve\u{20}left"),
            ("eve joined", r"eve\u{20}joined"),
            ("eve is now ann", r"eve\u{20}is now ann"),
            ("eve is now", r"eve\u{20}is now"),
            ("is now ann", "is now ann"),
            ("that is nowhere", "that is nowhere"),
            ("bob and 7 more", r"bob and 7\u{20}more"),
            ("left", "left"),
            ("he left early", "he left early"),
            ("a -> b]", "a -> b]"),
            (r"\u{2c}, left", r"\u{5c}u{2c}\u{2c}\u{20}left"),
        ];
        for (name, expected) in cases {
            assert_eq!(shown(name, Place::Notice), expected);
        }
    }

    #[test]
    fn a_string_is_shown_as_its_text_and_all_else_as_compact_json() {
        let cases = [
            (r#""hi""#, "hi"),
            (r#""""#, ""),
            (r#""say \"hi\" \\ \/""#, r#"say "hi" \ /"#),
            (r#""a\nb\u001b[2J""#, r"a\nb\u{1b}[2J"),
            (r#""\ud83d\ude00 \u00e9""#, "😀 é"),
            (r#""if a {\tb }\t""#, "if a {\tb }\t"),
            (r#""\u2067a \"b\"\u2069\t\u2067""#, "\u{2067}a \"b\"\u{2069}\t\\u{2067}"),
            (r#""Z\u0301\u0302\u0303x""#, "Z\u{301}\u{302}x"),
            ("\"\u{202e}\\u202e\"", r"\u{202e}\u{202e}"),
            ("null", "null"),
            ("-1.50e+3", "-1.50e+3"),
            ("[ ]", "[]"),
            ("{ \"a b\" : [ 1 ,\r\n\t\"x  y\" ] }", r#"{"a b":[1,"x  y"]}"#),
            (r#"{ "q\" : " : "\\" }"#, r#"{"q\" : ":"\\"}"#),
            ("[\"\u{7f}\u{2028}\"]", r#"["\u{7f}\u{2028}"]"#),
        ];
        for (json, expected) in cases {
            assert_eq!(said(Data::Json(json)), expected, "{json}");
        }
        assert_eq!(said(Data::Text(r#""hi" \n"#)), r#""hi" \n"#);
    }

    proptest! {
        #[test]
        fn no_two_names_are_shown_alike(name in any_name()) {
            for place in [Place::Brackets, Place::Notice] {
                prop_assert_eq!(undone(&shown(&name, place)), &name[..]);
            }
            prop_assert!(!shown(&name, Place::Brackets).contains(']'));
            prop_assert!(!shown(&name, Place::Brackets).contains("->"));
            let notice = shown(&name, Place::Notice);
            prop_assert!(!notice.contains(','));
            prop_assert!(CLOSING.iter().all(|word| !notice.ends_with(word)));
            prop_assert!(!notice.contains(" is now ") && !notice.ends_with(" is now"));
        }

        #[test]
        fn notices_are_read_in_one_way_only(
            joined in proptest::collection::vec(any_name(), 1..3),
            left in proptest::collection::vec(any_name(), 0..3),
            (from, to) in (any_name(), any_name()),
            more in 0..3_usize,
        ) {
            let [some, others] = [&joined, &left].map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
            let members = joined.len() + more;
            let event = Event::Members { room: "lobby", members, names: &some, next: None };
            prop_assert_eq!(read_members(&line(&event)), (joined.clone(), more));
            let rename = [Rename { from: &from, to: &to }];
            for renamed in [&[][..], &rename] {
                let read: Vec<_> = renamed.iter().map(|it| (it.from.to_owned(), it.to.to_owned())).collect();
                for (some, others) in [(&some, &others), (&others, &some)] {
                    if some.len() + others.len() + 2 * renamed.len() > 5 {
                        continue; // They are counted.
                    }
                    let changes = Changes::Named { joined: some, left: others, renamed };
                    let event = Event::Presence { room: "lobby", changes, members };
                    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
                    prop_assert_eq!(read_presence(&line(&event)), (owned(some), owned(others), read.clone()));
                }
            }
        }

        #[test]
        fn who_speaks_and_to_whom_is_read_in_one_way_only(name in any_name(), said in "([a-z\\]>]|-> | you\\]){0,5}") {
            let data = Data::Text(&said);
            let message = Message { room: "lobby", seq: 1, name: &name, key: None, at: 1, data };
            prop_assert_eq!(read_said(&line(&Event::Message(message))), (name.clone(), false, said.clone()));
            let direct = Event::Direct { from: &name, to: "ann", at: 1, data };
            prop_assert_eq!(read_said(&line(&direct)), (name.clone(), true, said.clone()));
        }

        #[test]
        fn what_is_said_in_json_is_shown_like_the_same_in_text(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(said(Data::Json(&json)), said(Data::Text(&text)));
        }

        #[test]
        fn json_stays_what_it_is_when_it_is_made_compact(json in any_json()) {
            let shown = said(Data::Json(&json));
            prop_assert!(!shown.chars().any(visible::is_hidden));
            let is_special = |c| visible::is_hidden(c) || visible::is_isolate(c) || is_mark(c);
            if !json.starts_with('"') && !json.chars().any(|c| is_special(c) && !c.is_ascii_whitespace()) {
                let value = |json| serde_json::from_str::<serde_json::Value>(json).unwrap();
                prop_assert_eq!(value(&shown), value(&json));
            }
        }
    }
}
