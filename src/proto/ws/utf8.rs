//! UTF-8 judged as it arrives. RFC 6455, section 8.1; RFC 3629, section 4.
//!
//! ```text
//!   char. number range   | UTF-8 octets                       What the first octet forbids the second to be:
//!   ---------------------+------------------------------      E0 80..9F  would fit in two
//!   0000 0000-0000 007F  | 0xxxxxxx                           ED A0..BF  is a surrogate
//!   0000 0080-0000 07FF  | 110xxxxx 10xxxxxx                  F0 80..8F  would fit in three
//!   0000 0800-0000 FFFF  | 1110xxxx 10xxxxxx 10xxxxxx         F4 90..BF  is above U+10FFFF
//!   0001 0000-0010 FFFF  | 11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
//! ```
//!
//! A text message may be cut anywhere, by a frame's end or by a read's, also inside a character.
//! [`Validator`] keeps the one to three bytes of a character begun and judges the rest with the standard
//! library, which takes ASCII many bytes at a time. It says no at the first byte after which no continuation
//! can be valid: the peer is told when that byte arrives, not when its message ends.
//!
//! [`PlainValidator`] is the same as a table of states, one byte at a time: the explanation, and the oracle.

use std::str;

/// The bytes so far cannot be the beginning of any UTF-8 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

/// The longest beginning of a character that is not yet one.
const CARRY_MAX: usize = 3;

/// Judges a text that arrives in pieces.
///
/// Once it has said no, it has nothing further to say: drop it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validator {
    /// The bytes of a character that the last piece began, `len` of them.
    carry: [u8; CARRY_MAX],
    len: u8,
}

impl Validator {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges the next piece of the text.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        self.take_text(bytes).map(|_| ())
    }

    /// Whether the text may end here: not inside a character.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.len == 0 { Ok(()) } else { Err(InvalidUtf8) }
    }

    /// How many bytes of a character are waiting for its others.
    pub fn carried(&self) -> usize {
        usize::from(self.len)
    }

    /// Judges the next piece, and gives what has become text with it: the character that it completed, then
    /// the characters that lie in it whole. So that whoever gathers a text need not judge it twice.
    pub(super) fn take_text<'a>(&mut self, bytes: &'a [u8]) -> Result<(Option<char>, &'a str), InvalidUtf8> {
        let (completed, bytes) = if self.len == 0 { (None, bytes) } else { self.complete(bytes)? };
        let (whole, begun) = bytes.split_at(bytes.len() - begun_len(bytes));
        let text = str::from_utf8(whole).map_err(|_| InvalidUtf8)?;
        self.complete(begun)?;
        Ok((completed, text))
    }

    /// Adds `bytes` to the character begun, one by one, until it is whole or they are used up. Gives it, and
    /// what is left of them.
    fn complete<'a>(&mut self, mut bytes: &'a [u8]) -> Result<(Option<char>, &'a [u8]), InvalidUtf8> {
        let mut character = [0; CARRY_MAX + 1];
        character[..CARRY_MAX].copy_from_slice(&self.carry);
        let mut len = self.carried();
        while let [byte, rest @ ..] = bytes {
            character[len] = *byte;
            len += 1;
            bytes = rest;
            match str::from_utf8(&character[..len]) {
                Ok(text) => {
                    *self = Self::new();
                    return Ok((text.chars().next(), bytes));
                }
                Err(error) if error.error_len().is_some() => return Err(InvalidUtf8),
                // Some continuation makes it valid.
                Err(_) => {}
            }
        }
        // Three bytes at most: a fourth completes the character or breaks it.
        self.carry.copy_from_slice(&character[..CARRY_MAX]);
        self.len = len as u8;
        Ok((None, bytes))
    }
}

/// How many bytes at the end are of a character that goes on, by its first byte; right or wrong.
fn begun_len(bytes: &[u8]) -> usize {
    match bytes {
        [.., 0xC0..=0xFF] => 1,
        [.., 0xE0..=0xFF, 0x80..=0xBF] => 2,
        [.., 0xF0..=0xFF, 0x80..=0xBF, 0x80..=0xBF] => 3,
        _ => 0,
    }
}

/// The same judgement, byte by byte, from the table of RFC 3629.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlainValidator {
    state: State,
}

/// What the next byte must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// The first byte of a character.
    #[default]
    First,
    /// The last byte of one, 80..BF.
    Last,
    /// One more before the last, 80..BF.
    LastButOne,
    /// Two more before the last, 80..BF.
    LastButTwo,
    /// The second byte after E0, ED, F0, F4, for which not all of 80..BF will do.
    AfterE0,
    AfterEd,
    AfterF0,
    AfterF4,
}

impl PlainValidator {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges the next piece of the text.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        for byte in bytes {
            self.state = match (self.state, byte) {
                (State::First, 0x00..=0x7F) => State::First,
                (State::First, 0xC2..=0xDF) => State::Last,
                (State::First, 0xE0) => State::AfterE0,
                (State::First, 0xED) => State::AfterEd,
                (State::First, 0xE1..=0xEF) => State::LastButOne,
                (State::First, 0xF0) => State::AfterF0,
                (State::First, 0xF4) => State::AfterF4,
                (State::First, 0xF1..=0xF3) => State::LastButTwo,
                (State::Last, 0x80..=0xBF) => State::First,
                (State::LastButOne, 0x80..=0xBF) => State::Last,
                (State::LastButTwo, 0x80..=0xBF) => State::LastButOne,
                (State::AfterE0, 0xA0..=0xBF) => State::Last,
                (State::AfterEd, 0x80..=0x9F) => State::Last,
                (State::AfterF0, 0x90..=0xBF) => State::LastButOne,
                (State::AfterF4, 0x80..=0x8F) => State::LastButOne,
                _ => return Err(InvalidUtf8),
            };
        }
        Ok(())
    }

    /// Whether the text may end here: not inside a character.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.state == State::First { Ok(()) } else { Err(InvalidUtf8) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// At which byte, fed one by one, each of the two says no.
    fn refused_at(bytes: &[u8]) -> Option<usize> {
        let (mut fast, mut plain) = (Validator::new(), PlainValidator::new());
        for (at, byte) in bytes.iter().enumerate() {
            let verdict = fast.push(&[*byte]);
            assert_eq!(verdict, plain.push(&[*byte]), "{bytes:x?} at {at}");
            if verdict.is_err() {
                return Some(at);
            }
            assert_eq!(fast.finish(), plain.finish(), "{bytes:x?} after {at}");
        }
        None
    }

    #[test]
    fn the_state_is_four_bytes() {
        assert_eq!(size_of::<Validator>(), 4);
    }

    #[test]
    fn says_no_at_the_earliest_byte() {
        let cases: [(&[u8], Option<usize>); 14] = [
            (b"plain", None),
            ("κόσμε".as_bytes(), None),
            (&[0x80], Some(0)),
            (&[0xC0], Some(0)),
            (&[0xC1], Some(0)),
            (&[0xF5], Some(0)),
            (&[0xFF], Some(0)),
            (&[0xE0, 0x80], Some(1)),
            (&[0xED, 0xA0], Some(1)),
            (&[0xF0, 0x80], Some(1)),
            (&[0xF0, 0x8F], Some(1)),
            (&[0xF4, 0x90], Some(1)),
            (&[0xF0, 0x9F, 0x92, b'a'], Some(3)),
            (&[b'a', 0xC3, 0xC3], Some(2)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(refused_at(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_must_not_end_inside_a_character() {
        for bytes in ["é", "€", "💒"].map(str::as_bytes) {
            for cut in 1..bytes.len() {
                let mut validator = Validator::new();
                assert_eq!(validator.push(&bytes[..cut]), Ok(()));
                assert_eq!(validator.carried(), cut);
                assert_eq!(validator.finish(), Err(InvalidUtf8));
                assert_eq!(validator.push(&bytes[cut..]), Ok(()));
                assert_eq!(validator.finish(), Ok(()));
            }
        }
    }

    /// Every pair of bytes, and every third byte after those that may come first.
    #[test]
    fn fast_is_plain_for_all_beginnings() {
        for first in 0..=0xFF {
            for second in 0..=0xFF {
                if refused_at(&[first, second]).is_none() && first >= 0xE0 {
                    for third in (0..=0xFF).step_by(5).chain([0x7F, 0x80, 0xBF, 0xC0]) {
                        refused_at(&[first, second, third, 0x80, 0x80]);
                    }
                }
            }
        }
    }

    #[test]
    fn every_character_is_accepted_cut_in_any_place() {
        // A prime step meets all planes and every low byte.
        for character in ('\0'..=char::MAX).step_by(31) {
            let mut buffer = [0; 4];
            let bytes = character.encode_utf8(&mut buffer).as_bytes();
            for cut in 0..=bytes.len() {
                let mut validator = Validator::new();
                let (begun, rest) = bytes.split_at(cut);
                assert!(
                    validator.push(begun).is_ok() && validator.push(rest).is_ok(),
                    "{character:?} at {cut}"
                );
                assert_eq!(validator.finish(), Ok(()));
            }
        }
    }

    /// Text with now and then a byte that does not belong there, and where to cut it.
    fn nearly_text() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
        let spoil = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
        (".{0,60}", spoil, prop::collection::vec(0..250_usize, 0..5)).prop_map(|(text, spoil, cuts)| {
            let mut bytes = text.into_bytes();
            if let (Some((at, byte)), false) = (spoil, bytes.is_empty()) {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort();
            (bytes, cuts)
        })
    }

    proptest! {
        #[test]
        fn pieces_are_judged_like_the_whole((bytes, cuts) in nearly_text()) {
            let (mut fast, mut plain) = (Validator::new(), PlainValidator::new());
            let (mut text, mut start) = (String::new(), 0);
            for end in cuts {
                let taken = fast.take_text(&bytes[start..end]);
                prop_assert_eq!(taken.is_ok(), plain.push(&bytes[start..end]).is_ok());
                let Ok((completed, rest)) = taken else { return Ok(()) };
                text.extend(completed);
                text.push_str(rest);
                start = end;
            }
            prop_assert_eq!(fast.finish(), plain.finish());
            prop_assert_eq!(fast.finish().is_ok(), str::from_utf8(&bytes).is_ok());
            prop_assert_eq!(&bytes[..bytes.len() - fast.carried()], text.as_bytes());
        }
    }
}
