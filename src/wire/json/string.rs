//! What stands between the two quotes of a JSON string. RFC 8259, section 7.
//!
//! ```text
//!     said       she said "hi" ⏎ and left 😀
//!     escaped    she said \"hi\" \n and left 😀          or \ud83d\ude00 at the end, as others like it
//! ```
//!
//! We escape what MUST be: the quote, the backslash and the controls below U+0020. All other characters are written as they
//! are, which every parser has to take.

use super::super::search;
use std::io::Write;

/// Appends `text`, escaped; the quotes are the caller's.
pub fn append_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = search::position(rest, |byte| (byte == b'"') | (byte == b'\\') | (byte < 0x20)) {
        let (clean, special) = rest.split_at(at);
        let [special, after @ ..] = special else { break };
        out.extend_from_slice(clean);
        match special {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *special]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            control => write!(out, "\\u{control:04x}").expect("a Vec takes all"),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Where the quote is that ends a string, given what stands behind the one that begins it.
pub fn find_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = text.as_bytes().get(from..)?;
        let at = search::position(rest, |byte| (byte == b'"') | (byte == b'\\'))?;
        match rest[at] {
            b'"' => return Some(from + at),
            // Whatever is escaped, that character does not end the string.
            _ => from += at + 2,
        }
    }
}

/// A part of a string: as many characters as are written as they are, or one that is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it is written. Not empty.
    Plain(&'a str),
    /// What an escape stands for.
    Escaped(char),
}

/// What a string says, given what stands between its quotes, which the library has found sound.
pub fn unescape(raw: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (piece, after) = match rest.find('\\') {
            Some(0) => {
                let (c, len) = unescape_first(rest.as_bytes());
                (Piece::Escaped(c), rest.get(len..).unwrap_or_default())
            }
            Some(at) => (Piece::Plain(&rest[..at]), &rest[at..]),
            None if rest.is_empty() => return None,
            None => (Piece::Plain(rest), ""),
        };
        rest = after;
        Some(piece)
    })
}

/// The character for which the escape stands that `raw` begins with, and the length of that escape.
fn unescape_first(raw: &[u8]) -> (char, usize) {
    let plain = |byte: u8| (char::from(byte), 2);
    match raw {
        [_, b'u', hex @ ..] => match (hex4(hex), hex.get(4..)) {
            (high @ 0xd800..=0xdbff, Some([b'\\', b'u', low @ ..])) => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (hex4(low) & 0x3ff);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (code, _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        },
        [_, b'b', ..] => plain(0x08),
        [_, b'f', ..] => plain(0x0c),
        [_, b'n', ..] => plain(b'\n'),
        [_, b'r', ..] => plain(b'\r'),
        [_, b't', ..] => plain(b'\t'),
        [_, other, ..] => plain(*other),
        _ => unreachable!("something stands behind each backslash of a sound string"),
    }
}

fn hex4(digits: &[u8]) -> u32 {
    digits.iter().take(4).fold(0, |value, &byte| value << 4 | char::from(byte).to_digit(16).unwrap_or(0))
}

/// Where strings are unescaped that are not written as they are meant. What a string says is never longer than it is
/// written, so as many bytes as a text has are enough for all of its strings.
#[derive(Debug)]
pub struct Scratch<'a>(&'a mut [u8]);

impl<'a> Scratch<'a> {
    /// For the strings of a text of `len` bytes, each to be unescaped once; in memory that the caller keeps.
    pub fn new(memory: &'a mut Vec<u8>, len: usize) -> Scratch<'a> {
        if memory.len() < len {
            memory.resize(len, 0);
        }
        Scratch(memory)
    }

    /// What a string says, given what stands between its quotes. Nearly always that is the same.
    pub fn unescape(&mut self, raw: &'a str) -> &'a str {
        if !raw.contains('\\') {
            return raw;
        }
        let free = std::mem::take(&mut self.0);
        let mut len = 0;
        for piece in unescape(raw) {
            len += match piece {
                Piece::Plain(plain) => {
                    free[len..len + plain.len()].copy_from_slice(plain.as_bytes());
                    plain.len()
                }
                Piece::Escaped(c) => c.encode_utf8(&mut free[len..]).len(),
            };
        }
        let (said, rest) = free.split_at_mut(len);
        self.0 = rest;
        str::from_utf8(said).expect("whole characters were written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::any_json;
    use proptest::prelude::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        append_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn said(raw: &str) -> String {
        let mut memory = Vec::new();
        Scratch::new(&mut memory, raw.len()).unescape(raw).to_owned()
    }

    #[test]
    fn what_must_be_is_escaped_and_nothing_else() {
        for c in (0..0x80).filter_map(char::from_u32) {
            let text = format!("{}{c}{}", "x".repeat(40), "y".repeat(40));
            let json = format!("\"{}\"", escaped(&text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            let must = c < ' ' || matches!(c, '"' | '\\');
            assert_eq!(json.len() > text.len() + 2, must, "{c:?}");
        }
        assert_eq!(escaped("\u{1b}\u{7f}\u{85}\u{2028}é😀/"), "\\u001b\u{7f}\u{85}\u{2028}é😀/");
    }

    #[test]
    fn a_string_ends_at_the_first_quote_that_is_not_escaped() {
        let cases = [
            ("\"", Some(0)),
            (r#"hi","x""#, Some(2)),
            (r#"\"""#, Some(2)),
            (r#"\\""#, Some(2)),
            (r#"\\\"é"x"#, Some(6)),
            ("", None),
            ("hi", None),
            (r#"\""#, None),
            ("\\", None),
        ];
        for (text, end) in cases {
            assert_eq!(find_end(text), end, "{text}");
        }
    }

    #[test]
    fn escapes_and_what_they_stand_for() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"\u0041\u00e9\u20AC\ud83d\uDE00", "Aé€😀"),
            (r"\udbff\udfff\ud800\udc00", "\u{10ffff}\u{10000}"),
            (r"a\nb\\nc", "a\nb\\nc"),
            (r"\u0000", "\0"),
        ];
        for (raw, text) in cases {
            assert_eq!(said(raw), text, "{raw}");
        }
    }

    #[test]
    fn what_is_not_escaped_is_not_copied() {
        let raw = "plain".to_owned();
        let mut memory = vec![0; 8];
        assert!(std::ptr::eq(Scratch::new(&mut memory, 5).unescape(&raw), &*raw));
    }

    #[test]
    fn the_memory_is_kept_and_holds_all_strings_of_a_text() {
        let raws = [r"\n", r"\u0041", r"\ud83d\ude00é", "x", r"\\\\"];
        let mut memory = Vec::new();
        for _ in 0..2 {
            let mut scratch = Scratch::new(&mut memory, raws.concat().len());
            assert_eq!(raws.map(|raw| scratch.unescape(raw)), ["\n", "A", "😀é", "x", "\\\\"]);
        }
        assert_eq!(memory.len(), raws.concat().len());
    }

    proptest! {
        #[test]
        fn what_is_escaped_and_unescaped_is_what_it_was(text: String) {
            prop_assert_eq!(said(&escaped(&text)), &text[..]);
            let json = format!("\"{}\"", escaped(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn a_string_says_what_the_library_says_it_does(json in any_json()) {
            if let Some(raw) = json.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
                let text = serde_json::from_str::<String>(&json).unwrap();
                prop_assert_eq!(said(raw), &text[..]);
            }
        }
    }
}
