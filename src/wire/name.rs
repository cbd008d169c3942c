//! Names of members and of rooms: what may be one, and when two are the same.
//!
//! A name stands in the middle of lines that others read, such as `[bob] hi` and `* bob joined`. So it holds nothing that
//! ends a line or turns it around, nothing that cannot be seen, and nothing that a reader takes for the server's part of
//! the line. All other characters are allowed: `José`, `ねこ`, `:-)` and `👩‍🚀` are names.
//!
//! Two names are compared in two ways:
//!
//! ```text
//!     name        folded      look
//!     Ann Lee     ann lee     ann lee
//!     ＡＮＮ       ann         ann             wide letters            one nickname with Ann
//!     René        rené        rené            e + U+0301, or U+00E9    one nickname
//!     pаypаl      pаypаl      paypal          Cyrillic а              looks like paypal
//!     torn, tom   torn, tom   torn, torn      ASCII alone             two names
//! ```
//!
//! [`folded`] is the nickname of RFC 8266. Compatibility forms and cases are one, and so are spaces of all kinds. A member
//! is found by it. [`look`] is the skeleton of Unicode Technical Standard 39, and serves only to refuse a name. Names of
//! ASCII alone are never refused for their look: `tom` and `torn` are two names.
//!
//! The types here hold what has been judged, so nobody behind them has to judge again.

use super::marks::{ACCENTS_MAX, MARKS_MAX, Marks, is_mark};
use super::visible;
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

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
    /// It has a control character, a bidirectional one, one that separates lines, one that is never seen or is blank; or
    /// none that is seen.
    Hidden,
    /// It begins or ends with a space.
    SpaceAtEnd,
    /// It begins with a combining mark, or with what joins letters.
    NoLetterFirst,
    /// It begins with a character that begins a line of the server's, a command or a mention.
    ReservedFirst,
    /// It has a bracket of the kind that stands around names, or an arrow of ASCII; or what looks like one of these.
    Reserved,
    /// It has more combining marks on a letter than [`Marks`] admits.
    Marks,
}

impl<'a> Name<'a> {
    /// Judges `text`.
    pub fn new(text: &'a str) -> Result<Name<'a>, BadName> {
        // One more than the limit is enough to know, however long the text is.
        if !(1..=NAME_CHARS_MAX).contains(&text.chars().take(NAME_CHARS_MAX + 1).count()) {
            return Err(BadName::Length);
        }
        let is_unseen = |c: char| c.is_control() || visible::is_hidden(c) || is_blank(c);
        let seen = text.trim_matches(is_joiner);
        if seen.is_empty() || text.chars().any(|c| is_unseen(c) || is_invisible(c) && !is_joiner(c)) {
            return Err(BadName::Hidden);
        }
        if seen.trim() != seen {
            return Err(BadName::SpaceAtEnd);
        }
        if text.starts_with(|c| is_mark(c) || is_joiner(c)) {
            return Err(BadName::NoLetterFirst);
        }
        let mut marks = Marks::default();
        if !text.chars().all(|c| marks.admits(c)) {
            return Err(BadName::Marks);
        }
        judge_reserved(text)?;
        if !text.is_ascii() {
            let skeleton: String = skeleton(text).collect();
            judge_reserved(&folded(text).collect::<String>())?;
            // What only looks like a slash may be a letter, as the first of `ノブ` is.
            judge_reserved(skeleton.trim_start_matches('/'))?;
        }
        Ok(Name(text))
    }

    /// The name as it was chosen.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether this is one of the names that the server gives, `guest-` and a number, or looks like one. Such a name tells
    /// that nobody has chosen it, and a number is given once, so nobody can choose it.
    pub fn is_guest(self) -> bool {
        let is_number =
            |number: &str, is_digit: fn(char) -> bool| !number.is_empty() && number.chars().all(is_digit);
        let is_given = self.guest_digits().is_some();
        is_given
            || !self.0.is_ascii() && {
                // The skeletons of 0 and 1 are letters.
                let is_digit = |c: char| matches!(c, 'o' | 'l' | '2'..='9');
                look(self.0).strip_prefix(GUEST).is_some_and(|number| is_number(number, is_digit))
            }
    }

    /// What stands behind `guest-`, if these are digits.
    fn guest_digits(self) -> Option<String> {
        let folded: String = folded(self.0).collect();
        let digits = folded.strip_prefix(GUEST)?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
    }

    /// The number of a guest's name, if it is written as the server writes it.
    pub fn guest_number(self) -> Option<u64> {
        self.guest_digits().filter(|digits| !digits.starts_with('0'))?.parse().ok()
    }
}

/// What the names begin with that the server gives. Its own folded form, and its own look.
pub const GUEST: &str = "guest-";

fn judge_reserved(text: &str) -> Result<(), BadName> {
    if text.starts_with(['*', '#', '@', '/']) {
        return Err(BadName::ReservedFirst);
    }
    match text.contains(['[', ']']) || text.contains("->") {
        true => Err(BadName::Reserved),
        false => Ok(()),
    }
}

/// The characters by which names are compared as nicknames: RFC 8266, section 2. Spaces of all kinds and any number are
/// one space, compatibility forms (NFKC) are one, and so are cases. Joiners are left out.
///
/// The result is decomposed, which tells as much apart as the composed form. Cases are folded by way of the capitals,
/// since these alone show `ς` and `σ`, or `ß` and `ss`, to be the same letters.
pub fn folded(name: &str) -> impl Iterator<Item = char> {
    match name.is_ascii() {
        true => Folded::Ascii(single_spaced(name.chars().map(|c| c.to_ascii_lowercase()))),
        // Folding can bring back what is to be decomposed, and the other way round: Unicode, definition D146.
        false => Folded::Other(single_spaced(fold_case(fold_case(name.nfd()).nfkd()).nfkd())),
    }
}

enum Folded<A, O> {
    Ascii(A),
    Other(O),
}

impl<A: Iterator<Item = char>, O: Iterator<Item = char>> Iterator for Folded<A, O> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Folded::Ascii(chars) => chars.next(),
            Folded::Other(chars) => chars.next(),
        }
    }
}

fn fold_case(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.filter(|&c| !is_joiner(c)).flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// One space for each run of spaces, none at the ends.
fn single_spaced(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    // Whether a character has been seen, and whether a space stands behind it.
    let mut state = (false, false);
    let spaced = move |c: char| {
        if c.is_whitespace() {
            state.1 = state.0;
            return [None, None];
        }
        let (_, is_apart) = std::mem::replace(&mut state, (true, false));
        [is_apart.then_some(' '), Some(c)]
    };
    chars.flat_map(spaced).flatten()
}

/// How a name looks, whatever its letters are: two names of one look cannot be told apart, or hardly. It is the skeleton of
/// UTS 39, section 4, with cases folded: as names are one in all cases, so are looks. `i` and `l` are one here, since
/// they are as capitals and small letters: `IAN` and `ian`, `lAN` and `lan`.
pub fn look(name: &str) -> String {
    if name.is_ascii() {
        return look_of_ascii(name);
    }
    let folded: String = fold_case(skeleton(name)).collect();
    single_spaced(skeleton(&folded)).map(|c| if c == 'i' { 'l' } else { c }).collect()
}

/// The same without a look into tables, since most names are of ASCII.
fn look_of_ascii(name: &str) -> String {
    let mut look = String::with_capacity(2 * name.len());
    for c in single_spaced(name.chars().map(|c| c.to_ascii_lowercase())) {
        match c {
            'm' => look.push_str("rn"),
            'i' | '1' | '|' => look.push('l'),
            '0' => look.push('o'),
            '"' => look.push_str("''"),
            '`' => look.push('\''),
            '%' => look.push_str("°/₀"),
            c => look.push(c),
        }
    }
    look
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

/// What takes place and shows nothing, and is no space by its properties.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}' // the pattern of Braille without a dot
        | '\u{2d7f}' // a joiner of Tifinagh
        | '\u{13430}'
            ..='\u{1343f}' // how hieroglyphs stand
        | '\u{16fe4}' // a filler of Khitan
        | '\u{1d159}'
    ) // a note without a head
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
            BadName::Hidden => f.write_str(
                "a name has no control, bidirectional, line-separator, invisible or blank characters",
            ),
            BadName::SpaceAtEnd => f.write_str("a name does not begin or end with a space"),
            BadName::NoLetterFirst => {
                f.write_str("a name begins with a visible character, not with a combining mark or a joiner")
            }
            BadName::ReservedFirst => f.write_str("a name does not begin with `*`, `#`, `@` or `/`"),
            BadName::Reserved => {
                f.write_str("a name has no `[`, `]` or `->`, and nothing that looks like them")
            }
            BadName::Marks => write!(
                f,
                "a name has at most {ACCENTS_MAX} accents and {MARKS_MAX} combining marks on a letter"
            ),
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
    use proptest::prelude::*;

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
            "\u{2800}",
            "ann\u{2800}",
            "a\tb",
            "\u{2067}a\u{2069}",
        ] {
            assert_eq!(Name::new(hidden), Err(BadName::Hidden), "{hidden:?}");
        }
        for ends in [" a", "a ", " ", "\u{a0}a", "a\u{3000}", "\u{200d} a", "a \u{fe0f}", "a\u{1680}"] {
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
            ("e\u{301}", "é"),
            ("e\u{323}\u{302}", "ệ"),
            ("ｇｕｅｓｔ－７", "guest-7"),
            ("ﬁn", "fin"),
            ("가", "\u{1100}\u{1161}"),
            ("ann lee", "ann \u{a0}\u{3000}lee"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
        for (one, other) in
            [("ann", "anne"), ("anne", "ann"), ("ann", "аnn"), ("rene", "René"), ("tom", "torn")]
        {
            assert!(!same(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn what_joins_makes_no_difference() {
        for (one, other) in [("ann", "an\u{200d}n"), ("❤", "❤\u{fe0f}"), ("an\u{200c}N", "ann")] {
            assert!(same(one, other), "{one} and {other}");
        }
        assert!(!same("👩\u{200d}🚀", "👩"));
        assert!(Name::new("guest\u{200c}-7").unwrap().is_guest(), "nor to what only the server gives");
    }

    #[test]
    fn a_name_is_not_taken_for_the_servers_part_of_a_line() {
        for reserved in
            ["bob] I agree [x", "[", "a]", "a -> you", "->", "a［b", "a］", "x‐>", "-\u{200d}>", "a⦋"]
        {
            assert_eq!(Name::new(reserved), Err(BadName::Reserved), "{reserved}");
        }
        for first in ["* lobby", "*", "#43", "@ann", "/quit", "＊ x", "∗ x", "٭", "＃1", "＠ann", "／who"]
        {
            assert_eq!(Name::new(first), Err(BadName::ReservedFirst), "{first}");
        }
        for fine in
            [":-)", "> - >", "a*", "c#", "ann@home", "and/or", "<3", "ノブ", "½", "(x)", "-", "ann → bob"]
        {
            assert!(Name::new(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn a_name_begins_with_a_letter_and_marks_few_of_them() {
        for bare in ["\u{301}", "\u{301}ann", "\u{200c}ann", "\u{20dd}a", "\u{93f}a"] {
            assert_eq!(Name::new(bare), Err(BadName::NoLetterFirst), "{bare:?}");
        }
        let marked = |count| format!("Z{}", "\u{301}".repeat(count));
        assert!(Name::new(&marked(2)).is_ok());
        assert_eq!(Name::new(&marked(3)), Err(BadName::Marks));
        assert_eq!(Name::new(&marked(31)), Err(BadName::Marks));
        assert_eq!(Name::new("a\u{301}\u{302}\u{200d}\u{303}"), Err(BadName::Marks));
        for fine in ["Vie\u{323}\u{302}t", "မြို့", "क्षत्रिय"] {
            assert!(Name::new(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn only_the_server_gives_guest_names() {
        for given in ["guest-1", "Guest-007", "GUEST-18446744073709551616", "guest\u{200c}-7"] {
            assert!(Name::new(given).unwrap().is_guest(), "{given}");
        }
        for alike in [
            "gսest-7",
            "ｇｕｅｓｔ－７",
            "guest‐7",
            "guest-١",
            "guest-lО",
            "ＧＵＥＳＴ-10",
            "guеst-20",
            "GUЕST-1",
        ] {
            assert!(Name::new(alike).unwrap().is_guest(), "{alike}");
        }
        for chosen in
            ["guest-", "guest-1a", "guest", "my guest-1", "guest-x", "guest 1", "guest-l", "guest-é"]
        {
            assert!(!Name::new(chosen).unwrap().is_guest(), "{chosen}");
        }
        assert_eq!(Name::new("Guest-12").unwrap().guest_number(), Some(12));
        assert_eq!(Name::new("guest-012").unwrap().guest_number(), None);
        assert_eq!(Name::new("gսest-7").unwrap().guest_number(), None);
        assert_eq!(look(GUEST), GUEST);
        assert!(folded(GUEST).eq(GUEST.chars()));
    }

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(name in "(\\PC|[ -~]|[\u{300}-\u{310}]|[Ͱ-Ͽ]){1,12}") {
            let once: String = folded(&name).collect();
            prop_assert!(folded(&once).eq(once.chars()), "{:?}", once);
        }

        #[test]
        fn ascii_is_folded_and_looks_as_all_else(name in "[ -~]{0,12}") {
            let folded_slowly: String = single_spaced(fold_case(fold_case(name.nfd()).nfkd()).nfkd()).collect();
            prop_assert!(folded(&name).eq(folded_slowly.chars()));
            let folded_skeleton: String = fold_case(skeleton(&name)).collect();
            let look_slowly = single_spaced(skeleton(&folded_skeleton)).map(|c| if c == 'i' { 'l' } else { c });
            prop_assert!(look_slowly.eq(look(&name).chars()));
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
