//! Combining marks: how many of them a letter may carry.
//!
//! A mark has no place of its own. It is drawn above, below or around the letter before it, so thirty of them on one
//! letter cover the lines of other people. A letter keeps the first [`ACCENTS_MAX`] accents:
//!
//! ```text
//!     ế        e  U+0302  U+0301                      two accents: Vietnamese needs them
//!     ệ̌…       e  U+0323  U+0302  U+030C  ...         the third accent is one too many
//!     မြို့       မ  U+103C  U+102D  U+102F  U+1037     four marks, and one accent
//! ```
//!
//! An accent is a mark with a canonical combining class other than 0, one that encloses its letter, or one that repeats
//! the mark before it. Other marks are vowels and consonants of scripts such as Burmese and Tibetan, which words need
//! more than two of. They count towards [`MARKS_MAX`] alone.

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// How many accents a letter may carry.
pub const ACCENTS_MAX: u8 = 2;
/// How many marks of all kinds a letter may carry.
pub const MARKS_MAX: u8 = 6;

/// Counts the marks of the letter that was read last. It takes the characters of a text one by one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    accents: u8,
    marks: u8,
    last: Option<char>,
}

impl Marks {
    /// Takes the next character. False if it is a mark, and its letter carries enough of them without it.
    pub fn admits(&mut self, c: char) -> bool {
        if !is_mark(c) {
            // What is not seen is no letter that marks could be drawn on.
            if !super::name::is_invisible(c) {
                *self = Marks::default();
            }
            return true;
        }
        let is_accent = canonical_combining_class(c) != 0 || encloses(c) || self.last == Some(c);
        if self.marks == MARKS_MAX || is_accent && self.accents == ACCENTS_MAX {
            return false;
        }
        self.marks += 1;
        self.accents += u8::from(is_accent);
        self.last = Some(c);
        true
    }
}

/// The general category M of Unicode.
pub fn is_mark(c: char) -> bool {
    c >= '\u{300}' && is_combining_mark(c)
}

/// The general category Me of Unicode.
fn encloses(c: char) -> bool {
    matches!(c,
        '\u{488}'..='\u{489}'
        | '\u{1abe}'
        | '\u{20dd}'..='\u{20e0}'
        | '\u{20e2}'..='\u{20e4}'
        | '\u{a670}'..='\u{a672}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(text: &str) -> String {
        let mut marks = Marks::default();
        text.chars().filter(|&c| marks.admits(c)).collect()
    }

    #[test]
    fn a_letter_carries_two_accents() {
        for mark in ['\u{301}', '\u{323}', '\u{489}', '\u{20dd}', '\u{e47}'] {
            let marked = |count| format!("a{}b", String::from(mark).repeat(count));
            assert_eq!(admitted(&marked(2)), marked(2), "{mark:?}");
        }
        assert_eq!(
            admitted("a\u{301}\u{302}\u{303}b\u{304}\u{305}\u{306}"),
            "a\u{301}\u{302}b\u{304}\u{305}"
        );
        assert_eq!(admitted(&format!("Z{}", "\u{33f}".repeat(31))), "Z\u{33f}\u{33f}");
        assert_eq!(admitted("a\u{20dd}\u{20dd}\u{20dd}"), "a\u{20dd}\u{20dd}");
        assert_eq!(admitted("\u{301}\u{301}\u{301}a"), "\u{301}\u{301}a", "also where no letter is");
    }

    #[test]
    fn what_is_not_seen_is_no_letter() {
        assert_eq!(admitted("a\u{301}\u{301}\u{200d}\u{301}"), "a\u{301}\u{301}\u{200d}");
        assert_eq!(admitted("a\u{301}\u{301}\u{34f}\u{301}"), "a\u{301}\u{301}\u{34f}");
    }

    #[test]
    fn marks_that_are_letters_of_their_scripts_are_bounded_too() {
        let stack = "\u{e31}\u{e34}".repeat(10);
        assert_eq!(admitted(&format!("ก{stack}")).chars().count(), 1 + usize::from(MARKS_MAX));
    }

    #[test]
    fn words_of_all_scripts_stay_whole() {
        for word in [
            "Việt Nam",
            "Vie\u{302}\u{323}t",
            "မြို့",
            "ကြွေး",
            "လျှော့",
            "བསྒྲུབས",
            "หน้าที่",
            "เป็น",
            "क्षत्रिय",
            "ड़्",
            "שַׁבָּת",
            "اللّٰه",
            "இந்தியா",
            "សាស្ត្រី",
            "1\u{fe0f}\u{20e3}",
            "👩\u{200d}🚀",
            "パ゚",
        ] {
            assert_eq!(admitted(word), word);
        }
    }
}
