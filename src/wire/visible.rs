//! Text that can be shown to a person without doing anything to their screen.
//!
//! A message goes into the middle of lines that others read. A line end in it would begin a second line that looks as if
//! the server had said it; an escape sequence repaints a terminal; a bidirectional override shows the rest of the line
//! backwards. So these characters are shown rather than sent:
//!
//! ```text
//!     said                      shown
//!     hi⏎* eve left             hi\n* eve left
//!     ⎋[31mred                  \u{1b}[31mred
//!     U+202E evil               \u{202e}evil          an override
//!     U+2067 abc                \u{2067}abc           an isolate that nothing ends
//!     U+2067 abc U+2069         U+2067 abc U+2069     an isolate that ends
//!     e + 31 × U+0301           e + 2 × U+0301        the other marks are left out
//! ```
//!
//! A tab stays a tab, since source code is full of them. The marks U+200E, U+200F and U+061C stay, since phones put them
//! around numbers: each of them acts on its neighbours alone. An isolate (Unicode Standard Annex 9) changes the direction
//! of all that follows, up to its end. It stays if its end stands in the same line of the same message. Marks above two on
//! a letter are left out, as [`marks`](super::marks) counts them.
//!
//! A backslash is not escaped in its turn: this is for people, who read it once, and not for programs, which have a
//! dialect that loses nothing.
//!
//! Nearly every message holds nothing of the kind. So the text is searched for bytes with which such a character can
//! begin, and what lies between two finds is copied in one go.

use super::marks::Marks;
use super::search;
use std::io::Write;

/// Whether a character must not reach a screen: it controls it, ends a line, or overrides the direction of what follows.
pub fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\t' || is_line_separator(c) || is_override(c)
}

/// Whether a character begins an isolate or ends one. On its own it must not reach a screen either.
pub fn is_isolate(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2069}')
}

const POP_ISOLATE: char = '\u{2069}';

/// The embeddings and overrides of Unicode Standard Annex 9, and what ends them.
fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}')
}

fn is_line_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Where a line may end for a reader that draws the lines of a message. No isolate goes on behind it.
fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}') || is_line_separator(c)
}

/// Appends `text` to `out`, what is hidden in it made visible.
pub fn append(out: &mut Vec<u8>, text: &str) {
    if find_suspicious(text.as_bytes()).is_none() {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut screen = Screen::new(out);
    screen.append(text);
    screen.finish();
}

/// Text that comes in several pieces, such as a JSON string with escapes.
#[derive(Debug)]
pub struct Screen<'o> {
    out: &'o mut Vec<u8>,
    marks: Marks,
    /// The isolates that have not ended yet: where in `out` they stand.
    open: Vec<(usize, char)>,
    /// Those that will not end, since their line has ended before. All of them stand before those that are `open`.
    endless: Vec<(usize, char)>,
}

impl<'o> Screen<'o> {
    /// Appends to `out`.
    pub fn new(out: &'o mut Vec<u8>) -> Screen<'o> {
        Screen { out, marks: Marks::default(), open: Vec::new(), endless: Vec::new() }
    }

    /// Appends the next piece.
    pub fn append(&mut self, text: &str) {
        let (mut copied, mut from) = (0, 0);
        while let Some(clean_len) = find_suspicious(&text.as_bytes()[from..]) {
            if clean_len > 0 {
                self.marks = Marks::default();
            }
            let at = from + clean_len;
            // Only ASCII and first bytes are suspicious, so this is where a character begins.
            let Some(c) = text[at..].chars().next() else { break };
            from = at + c.len_utf8();
            let is_shown = self.marks.admits(c);
            let is_plain = !is_hidden(c) && !is_isolate(c);
            if is_shown && is_plain {
                continue;
            }
            self.out.extend_from_slice(&text.as_bytes()[copied..at]);
            copied = from;
            if is_hidden(c) {
                self.marks = Marks::default();
            }
            if !is_plain {
                self.append_special(c);
            }
        }
        if from < text.len() {
            self.marks = Marks::default();
        }
        self.out.extend_from_slice(&text.as_bytes()[copied..]);
    }

    fn append_special(&mut self, c: char) {
        if ends_line(c) {
            self.endless.append(&mut self.open);
        }
        let is_sent = match c {
            POP_ISOLATE => self.open.pop().is_some(),
            c if is_isolate(c) => {
                self.open.push((self.out.len(), c));
                true
            }
            _ => false,
        };
        match is_sent {
            true => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            false => append_escaped(self.out, c),
        }
    }

    /// The text is over: isolates that have not ended are shown as what they are.
    pub fn finish(self) {
        let Screen { out, open, mut endless, .. } = self;
        endless.extend(open);
        let Some(&(first, _)) = endless.first() else { return };
        let tail = out.split_off(first);
        let mut copied = first;
        for (at, c) in endless {
            out.extend_from_slice(&tail[copied - first..at - first]);
            append_escaped(out, c);
            copied = at + c.len_utf8();
        }
        out.extend_from_slice(&tail[copied - first..]);
    }
}

fn append_escaped(out: &mut Vec<u8>, c: char) {
    match c {
        '\n' => out.extend_from_slice(br"\n"),
        '\r' => out.extend_from_slice(br"\r"),
        c => write!(out, "{}", c.escape_unicode()).expect("a Vec takes all"),
    }
}

/// Where the first suspicious byte is. Most texts are of ASCII letters, for which a shorter comparison is enough.
fn find_suspicious(bytes: &[u8]) -> Option<usize> {
    let ascii_len = search::position(bytes, |byte| (byte >= 0x7f) | ((byte < 0x20) & (byte != b'\t')))?;
    search::position(&bytes[ascii_len..], is_suspicious).map(|at| ascii_len + at)
}

/// Whether a hidden character, an isolate or a mark may begin with this byte. `|` rather than `||`: all is compared at
/// once, not in turn.
fn is_suspicious(byte: u8) -> bool {
    let control = ((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f);
    let leads = (byte == 0xc2) // U+0080 to U+00BF: the controls up to U+009F
        | within(byte, 0xcc, 0xcd) // U+0300 to U+037F: accents
        | (byte == 0xd2)           // U+0480 to U+04BF: marks of Cyrillic
        | within(byte, 0xd6, 0xe3) // U+0580 to U+3FFF: marks from Hebrew to kana, overrides, isolates, separators
        | (byte == 0xea)           // U+A000 to U+AFFF: marks of many scripts
        | within(byte, 0xef, 0xf0) // U+F000 to U+3FFFF: half marks, variation selectors, marks of rare scripts
        | (byte == 0xf3); //          U+C0000 up: variation selectors
    control | leads
}

fn within(byte: u8, first: u8, last: u8) -> bool {
    (byte >= first) & (byte <= last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::marks::is_mark;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let mut out = b"[ann] ".to_vec();
        append(&mut out, text);
        String::from_utf8(out).expect("text stays text").split_off(6)
    }

    /// The plain way: character by character, and a look ahead for the end of an isolate.
    fn shown_plainly(text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut marks = Marks::default();
        let mut shown = String::new();
        let mut ends = Vec::new();
        for (at, &c) in chars.iter().enumerate() {
            let is_sent = match c {
                POP_ISOLATE => ends.contains(&at),
                c if is_isolate(c) => end_of_isolate(&chars, at).inspect(|end| ends.push(*end)).is_some(),
                c => !is_hidden(c),
            };
            match c {
                '\n' => shown.push_str(r"\n"),
                '\r' => shown.push_str(r"\r"),
                c if !is_sent => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                c if !is_mark(c) || marks.admits(c) => shown.push(c),
                _ => {}
            }
            match is_hidden(c) {
                true => marks = Marks::default(),
                false if is_mark(c) => {}
                false => drop(marks.admits(c)),
            }
        }
        shown
    }

    fn end_of_isolate(chars: &[char], at: usize) -> Option<usize> {
        let mut depth = 0;
        for (end, &c) in chars.iter().enumerate().skip(at) {
            match c {
                POP_ISOLATE => depth -= 1,
                c if is_isolate(c) => depth += 1,
                c if ends_line(c) => return None,
                _ => {}
            }
            if depth == 0 {
                return Some(end);
            }
        }
        None
    }

    #[test]
    fn what_would_act_on_a_screen_is_shown() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("two\nlines", r"two\nlines"),
            ("two\r\nlines\r\n", r"two\r\nlines\r\n"),
            ("nul\0", r"nul\u{0}"),
            ("\u{b}\u{c}\u{8}", r"\u{b}\u{c}\u{8}"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{7f}\u{80}\u{85}\u{9f}", r"\u{7f}\u{80}\u{85}\u{9f}"),
            ("a\u{2028}b\u{2029}c", r"a\u{2028}b\u{2029}c"),
            ("\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}", r"\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}"),
        ];
        for (said, expected) in cases {
            assert_eq!(shown(said), expected, "{said:?}");
        }
    }

    #[test]
    fn an_isolate_stays_if_it_ends_in_its_line() {
        let cases = [
            ("a \u{2067}b\u{2069} c", "a \u{2067}b\u{2069} c"),
            ("\u{2066}\u{2069}\u{2068}\u{2069}", "\u{2066}\u{2069}\u{2068}\u{2069}"),
            ("\u{2067}a\u{2066}b\u{2069}c\u{2069}", "\u{2067}a\u{2066}b\u{2069}c\u{2069}"),
            ("\u{2067}evil", r"\u{2067}evil"),
            ("evil\u{2069}", r"evil\u{2069}"),
            ("\u{2069}\u{2067}", r"\u{2069}\u{2067}"),
            // The inner one ends; the end that is missing is the outer one's.
            ("\u{2067}a\u{2066}b\u{2069}c", "\\u{2067}a\u{2066}b\u{2069}c"),
            ("a\u{2066}b\u{2069}c\u{2069}", "a\u{2066}b\u{2069}c\\u{2069}"),
            // Not across the end of a line, whoever draws it.
            ("\u{2067}a\nb\u{2069}", r"\u{2067}a\nb\u{2069}"),
            ("\u{2067}a\u{2028}\u{2066}\u{2069}", "\\u{2067}a\\u{2028}\u{2066}\u{2069}"),
            ("\u{2067}a\tb\u{2069}", "\u{2067}a\tb\u{2069}"),
            ("\u{2067}a\u{202e}b\u{2069}", "\u{2067}a\\u{202e}b\u{2069}"),
        ];
        for (said, expected) in cases {
            assert_eq!(shown(said), expected, "{said:?}");
        }
        let deep = "\u{2067}".repeat(2000);
        assert_eq!(shown(&deep), r"\u{2067}".repeat(2000));
        let ended = format!("{deep}{}", "\u{2069}".repeat(2000));
        assert_eq!(shown(&ended), ended);
    }

    #[test]
    fn a_letter_is_shown_with_two_accents() {
        let tower = format!("Z{}algo", "\u{301}".repeat(31));
        assert_eq!(shown(&tower), "Z\u{301}\u{301}algo");
        assert_eq!(shown("\u{301}\u{302}\u{303}x"), "\u{301}\u{302}x", "where no letter is, too");
        assert_eq!(shown("a\u{301}\u{301}\u{200d}\u{301}"), "a\u{301}\u{301}\u{200d}");
        assert_eq!(shown("a\u{301}\u{301}b\u{301}"), "a\u{301}\u{301}b\u{301}");
        let apart = "a\u{301}\u{301}\u{2066}\u{2069}";
        assert_eq!(shown(&format!("{apart}\u{301}")), apart, "an isolate is no letter");
        // Pieces are one text.
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out);
        ["a\u{301}", "\u{301}", "\u{301}b", "\u{301}"].into_iter().for_each(|piece| screen.append(piece));
        screen.finish();
        assert_eq!(String::from_utf8(out).unwrap(), "a\u{301}\u{301}b\u{301}");
    }

    #[test]
    fn what_only_looks_suspicious_stays_as_it_is() {
        for fine in [
            "¿qué? © ½",
            "سلام",
            "“quoted” – 5 € … ⅓",
            "👩\u{200d}🚀 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
            "a\u{a0}b",
            "a\u{202f}b",
            r"back\slash\n",
            "fn main() {\n".trim_end(),
            "\tif a {\tb }",
            "\u{200e}+49 30\u{200f} \u{61c}12",
            "Vie\u{302}\u{323}t မြို့ बहुत ありがとう 감사",
        ] {
            assert_eq!(shown(fine), fine);
        }
    }

    #[test]
    fn every_special_character_is_found_at_every_place() {
        let is_special = |c: char| is_hidden(c) || is_isolate(c);
        for c in (0..=0x3000).filter_map(char::from_u32).filter(|&c| is_special(c)) {
            for before in 0..40 {
                let text = format!("{}{c}{}", "x".repeat(before), "y".repeat(20));
                assert_eq!(shown(&text), shown_plainly(&text));
            }
        }
        // And there is none further up.
        assert!(!(0x3000..=0x10ffff).filter_map(char::from_u32).any(is_special));
        for c in (0..=0x10ffff).filter_map(char::from_u32).filter(|&c| is_mark(c) || is_special(c)) {
            assert!(is_suspicious(c.encode_utf8(&mut [0; 4]).as_bytes()[0]), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_equals_the_plain_way(
            text in "([ -~]|[\u{0}-\u{a0}]|[\u{600}-\u{640}]|[\u{2000}-\u{2070}]|[\u{2066}-\u{2069}]{1,3}|[\u{300}-\u{308}]{1,5}|[\u{e30}-\u{e40}]|\\PC){0,80}",
        ) {
            prop_assert_eq!(shown(&text), shown_plainly(&text));
            prop_assert!(!shown(&text).chars().any(is_hidden));
        }

        #[test]
        fn a_text_in_pieces_is_shown_like_a_whole_one(text in "([ -~\n]|[\u{2066}-\u{2069}]|[\u{300}-\u{303}]|\\PC){0,40}", at: prop::sample::Index) {
            let cut = text.char_indices().map(|(at, _)| at).nth(at.index(text.chars().count().max(1))).unwrap_or(0);
            let mut out = Vec::new();
            let mut screen = Screen::new(&mut out);
            screen.append(&text[..cut]);
            screen.append(&text[cut..]);
            screen.finish();
            prop_assert_eq!(String::from_utf8(out).unwrap(), shown(&text));
        }
    }
}
