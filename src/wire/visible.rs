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
//! ```
//!
//! A backslash is not escaped in its turn: this is for people, who read it once, and not for programs, which have a
//! dialect that loses nothing.
//!
//! Nearly every message holds nothing of the kind. So the text is searched for bytes with which such a character can
//! begin, and what lies between two finds is copied in one go.

use super::search;
use std::io::Write;

/// Whether a character must not reach a screen: it controls it, ends a line, or changes the direction of what follows.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || is_line_separator(c) || is_bidirectional(c)
}

fn is_line_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// The property Bidi_Control of Unicode.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Appends `text` to `out`, what is hidden in it made visible.
pub fn append(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some((at, c)) = find_hidden(rest) {
        let (clean, from_c) = rest.split_at(at);
        out.extend_from_slice(clean.as_bytes());
        append_escaped(out, c);
        rest = &from_c[c.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
}

fn append_escaped(out: &mut Vec<u8>, c: char) {
    match c {
        '\n' => out.extend_from_slice(br"\n"),
        '\r' => out.extend_from_slice(br"\r"),
        c => write!(out, "{}", c.escape_unicode()).expect("a Vec takes all"),
    }
}

/// The first hidden character, and where it begins.
fn find_hidden(text: &str) -> Option<(usize, char)> {
    let mut from = 0;
    while let Some(at) = search::position(&text.as_bytes()[from..], is_suspicious).map(|at| from + at) {
        // Only ASCII and first bytes are suspicious, so this is where a character begins.
        let c = text[at..].chars().next()?;
        if is_hidden(c) {
            return Some((at, c));
        }
        from = at + c.len_utf8();
    }
    None
}

/// Whether a hidden character may begin with this byte. `|` rather than `||`: all is compared at once, not in turn.
fn is_suspicious(byte: u8) -> bool {
    let control = (byte < 0x20) | (byte == 0x7f);
    let leads = (byte == 0xc2) // U+0080 to U+00BF: the controls up to U+009F
        | (byte == 0xd8)       // U+0600 to U+063F: the Arabic letter mark
        | (byte == 0xe2); //      U+2000 to U+2FFF: marks, overrides, isolates, separators
    control | leads
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        append(&mut out, text);
        String::from_utf8(out).expect("text stays text")
    }

    /// The plain way: character by character.
    fn shown_plainly(text: &str) -> String {
        let show = |c: char| match c {
            '\n' => r"\n".to_owned(),
            '\r' => r"\r".to_owned(),
            c if is_hidden(c) => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        };
        text.chars().map(show).collect()
    }

    #[test]
    fn what_would_act_on_a_screen_is_shown() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("two\nlines", r"two\nlines"),
            ("two\r\nlines\r\n", r"two\r\nlines\r\n"),
            ("tab\there", r"tab\u{9}here"),
            ("nul\0", r"nul\u{0}"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{7f}\u{80}\u{85}\u{9f}", r"\u{7f}\u{80}\u{85}\u{9f}"),
            ("a\u{2028}b\u{2029}c", r"a\u{2028}b\u{2029}c"),
            ("\u{61c}\u{200e}\u{200f}", r"\u{61c}\u{200e}\u{200f}"),
            ("\u{202a}\u{202e}\u{2066}\u{2069}", r"\u{202a}\u{202e}\u{2066}\u{2069}"),
        ];
        for (said, expected) in cases {
            assert_eq!(shown(said), expected, "{said:?}");
        }
    }

    #[test]
    fn what_only_looks_suspicious_stays_as_it_is() {
        for fine in [
            "¿qué? © ½",
            "سلام",
            "“quoted” – 5 € … ⅓",
            "👩\u{200d}🚀",
            "a\u{a0}b",
            "a\u{202f}b",
            r"back\slash\n",
        ] {
            assert_eq!(shown(fine), fine);
        }
    }

    #[test]
    fn every_hidden_character_is_found_at_every_place() {
        for c in (0..=0x3000).filter_map(char::from_u32).filter(|&c| is_hidden(c)) {
            for before in 0..40 {
                let text = format!("{}{c}{}", "x".repeat(before), "y".repeat(20));
                assert_eq!(shown(&text), shown_plainly(&text));
            }
        }
        // And there is none further up.
        assert!(!(0x3000..=0x10ffff).filter_map(char::from_u32).any(is_hidden));
    }

    proptest! {
        #[test]
        fn the_fast_way_equals_the_plain_way(text in "([ -~]|[\u{0}-\u{a0}]|[\u{600}-\u{640}]|[\u{2000}-\u{2070}]|\\PC){0,80}") {
            prop_assert_eq!(shown(&text), shown_plainly(&text));
            prop_assert!(!shown(&text).chars().any(is_hidden));
        }
    }
}
