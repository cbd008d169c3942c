//! Names of members and of rooms: what may be one, and when two are the same.
//!
//! A name stands in the middle of lines that others read, so it can hold nothing that ends a line or turns it around,
//! and nothing at its ends that cannot be seen. Nor can it hold what is never seen, by which two names could look alike;
//! except for what joins the parts of an emoji or of a script: that makes no difference between two names. Everything else
//! is a person's own business: `José`, `ねこ`, `:-)` and `👩‍🚀` are names.
//!
//! `Ann` and `ANN` are one name. They are compared as [`folded`] writes them: each character in upper case, and
//! that in lower case; without joiners. Lower case alone would keep apart what only the upper case shows to be the same letter, such as
//! `ς` and `σ` or `ß` and `ss`. Nothing is normalised, so an `é` of one character and an `é` of two are two names: that
//! would take tables of Unicode that the standard library does not bring.
//!
//! The types here hold what has been judged, so nobody behind them has to judge again.

use super::visible;
use std::fmt;

/// How many characters a member's name has at most.
pub const NAME_CHARS_MAX: usize = 32;
/// How many characters the name of a room has at most.
pub const ROOM_NAME_CHARS_MAX: usize = 64;

/// A name that a member may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a str);

/// Why something is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It has no character, or more than [`NAME_CHARS_MAX`].
    Length,
    /// It has a control character, a bidirectional one, one that separates lines, or one that is never seen; or none that
    /// is.
    Hidden,
    /// It begins or ends with a space.
    SpaceAtEnd,
}

impl<'a> Name<'a> {
    /// Judges `text`.
    pub fn new(text: &'a str) -> Result<Name<'a>, BadName> {
        // One more than the limit is enough to know, however long the text is.
        if !(1..=NAME_CHARS_MAX).contains(&text.chars().take(NAME_CHARS_MAX + 1).count()) {
            return Err(BadName::Length);
        }
        let seen = text.trim_matches(is_joiner);
        if seen.is_empty()
            || text
                .chars()
                .any(|c| c.is_control() || visible::is_hidden(c) || is_invisible(c) && !is_joiner(c))
        {
            return Err(BadName::Hidden);
        }
        match seen.trim() == seen {
            true => Ok(Name(text)),
            false => Err(BadName::SpaceAtEnd),
        }
    }

    /// The name as it was chosen.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether this is one of the names that the server gives: `guest-` and a number. Such a name tells that nobody has
    /// chosen it, and a number is given once, so nobody can choose it.
    pub fn is_guest(self) -> bool {
        let mut folded = folded(self.0);
        let begins = GUEST.chars().all(|c| folded.next() == Some(c));
        let mut digits = folded.peekable();
        begins && digits.peek().is_some() && digits.all(|c| c.is_ascii_digit())
    }
}

/// What the names begin with that the server gives. Its own folded form.
pub const GUEST: &str = "guest-";

/// The characters by which names are compared; see the head of this file.
pub fn folded(name: &str) -> impl Iterator<Item = char> {
    let shown = name.chars().filter(|&c| !is_joiner(c));
    shown.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// What is not seen itself but changes how its neighbours are shown: the non-joiner and the joiner of Persian, of India's
/// scripts and of emoji, and the choice between the look of a sign and that of an emoji.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

/// The property Default_Ignorable_Code_Point of Unicode, and the marks of interlinear notes.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' // the soft hyphen
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}' // fillers of Hangul
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' // the space of no width, joiners, marks
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' // the word joiner, invisible operators
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' // variation selectors
        | '\u{feff}' // the byte order mark
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}') // tags
}

/// The name of a room: 1 to 64 of `A-Z a-z 0-9 . _ -`. Upper and lower case are different rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomName<'a>(&'a str);

/// It is no name of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRoomName;

impl<'a> RoomName<'a> {
    /// Judges `text`.
    pub fn new(text: &'a str) -> Result<RoomName<'a>, BadRoomName> {
        let fits = (1..=ROOM_NAME_CHARS_MAX).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match fits && text.bytes().all(allowed) {
            true => Ok(RoomName(text)),
            false => Err(BadRoomName),
        }
    }

    /// The name.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadName::Length => write!(f, "a name has 1 to {NAME_CHARS_MAX} characters"),
            BadName::Hidden => {
                f.write_str("a name has no control, bidirectional, line-separator or invisible characters")
            }
            BadName::SpaceAtEnd => f.write_str("a name does not begin or end with a space"),
        }
    }
}

impl fmt::Display for BadRoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a room has 1 to {ROOM_NAME_CHARS_MAX} of A-Z a-z 0-9 . _ -")
    }
}

impl std::error::Error for BadName {}
impl std::error::Error for BadRoomName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        folded(one).eq(folded(other))
    }

    #[test]
    fn a_name_has_1_to_32_characters_however_many_bytes() {
        assert_eq!(Name::new(""), Err(BadName::Length));
        assert!(Name::new("x").is_ok());
        assert!(Name::new(&"ね".repeat(32)).is_ok());
        assert_eq!(Name::new(&"x".repeat(33)), Err(BadName::Length));
        assert_eq!(Name::new(&"ね".repeat(33)), Err(BadName::Length));
    }

    #[test]
    fn a_name_hides_nothing() {
        for hidden in [
            "a\nb",
            "a\rb",
            "\u{1b}[31m",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{202e}a",
            "a\u{2066}",
            "an\u{200b}n",
            "\u{feff}ann",
            "an\u{ad}n",
            "ann\u{2060}",
            "ann\u{3164}",
            "ann\u{e0061}",
            "\u{200d}",
            "\u{200c}\u{fe0f}",
        ] {
            assert_eq!(Name::new(hidden), Err(BadName::Hidden), "{hidden:?}");
        }
        for ends in [" a", "a ", " ", "\u{a0}a", "a\u{3000}", "\u{200d} a", "a \u{fe0f}"] {
            assert_eq!(Name::new(ends), Err(BadName::SpaceAtEnd), "{ends:?}");
        }
        for fine in
            ["ann lee", "José", "ねこ", ":-)", "👩\u{200d}🚀", "a\u{a0}b", "❤\u{fe0f}", "می\u{200c}خواهم"]
        {
            assert_eq!(Name::new(fine).map(Name::as_str), Ok(fine));
        }
    }

    #[test]
    fn the_case_makes_no_difference() {
        for (one, other) in [
            ("Ann", "aNN"),
            ("JOSÉ", "josé"),
            ("ΝΊΚΟΣ", "νίκος"),
            ("STRASSE", "straße"),
            ("ǅ", "ǆ"),
            ("K", "\u{212a}"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
        for (one, other) in [("ann", "anne"), ("anne", "ann"), ("e\u{301}", "é"), ("ann", "аnn")] {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn what_joins_makes_no_difference() {
        for (one, other) in [("ann", "an\u{200d}n"), ("❤", "❤\u{fe0f}"), ("\u{200c}ANN", "ann")] {
            assert!(same(one, other), "{one} and {other}");
        }
        assert!(!same("👩\u{200d}🚀", "👩"));
        assert!(Name::new("guest\u{200c}-7").unwrap().is_guest(), "nor to what only the server gives");
    }

    #[test]
    fn only_the_server_gives_guest_names() {
        for given in ["guest-1", "Guest-007", "GUEST-18446744073709551616"] {
            assert!(Name::new(given).unwrap().is_guest(), "{given}");
        }
        for chosen in ["guest-", "guest-1a", "guest", "my guest-1", "guest-x", "guest 1", "guest-١"] {
            assert!(!Name::new(chosen).unwrap().is_guest(), "{chosen}");
        }
    }

    #[test]
    fn a_room_has_1_to_64_plain_characters() {
        for fine in ["a", "Dev-Ops_2.0", &"r".repeat(64)] {
            assert_eq!(RoomName::new(fine).map(RoomName::as_str), Ok(fine));
        }
        for bad in ["", &"r".repeat(65), "a b", "a/b", "#dev", "café", "a\n"] {
            assert_eq!(RoomName::new(bad), Err(BadRoomName), "{bad:?}");
        }
    }
}
