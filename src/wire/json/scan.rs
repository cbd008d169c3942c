//! Where a JSON value ends, and whether it is one. RFC 8259, sections 2 to 7.
//!
//! ```text
//!     {"type":"publish", "data": [1, {"a": null}] , "id":7}
//!                                └────────────── this slice is the value of "data"
//! ```
//!
//! Nothing is built: a value is the part of the text that it is written in, of which then everything is known but what it
//! means. Numbers of any size are passed on as they are written. Objects may name a member twice: what to make of it is
//! the affair of whoever reads it.

use super::super::search;

/// How deep arrays and objects may stand in each other. Section 9 lets every parser have such a limit, and many stop at
/// a hundred or so; what is said here has to pass theirs too, in a page of history three levels further down.
pub const DEPTH_MAX: usize = 64;

/// Why a text is not taken for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// It is none.
    Syntax,
    /// A string escapes one half of a surrogate pair: that is no character. Section 8.2 leaves to us what becomes of it.
    LoneSurrogate,
    /// It is deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// Reads a text from its beginning. After an error it is not used again.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `text`.
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// Reads an object, and tells of each of its members: the name as it stands between its quotes, and the value.
    pub fn object(&mut self, on_member: impl FnMut(&'a str, &'a str)) -> Result<(), Unsound> {
        self.object_within(DEPTH_MAX, on_member)
    }

    /// Nothing but white space may be left.
    pub fn end(&mut self) -> Result<(), Unsound> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Unsound::Syntax),
        }
    }

    /// Section 3. `depth` is how many levels there may be.
    fn value(&mut self, depth: usize) -> Result<&'a str, Unsound> {
        let first = self.peek().ok_or(Unsound::Syntax)?;
        let start = self.at;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' => self.object_within(depth, |_, _| {})?,
            b'[' => self.array(depth)?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.literal("true")?,
            b'f' => self.literal("false")?,
            b'n' => self.literal("null")?,
            _ => return Err(Unsound::Syntax),
        }
        Ok(&self.text[start..self.at])
    }

    /// Section 4.
    fn object_within(
        &mut self,
        depth: usize,
        mut on_member: impl FnMut(&'a str, &'a str),
    ) -> Result<(), Unsound> {
        let depth = depth.checked_sub(1).ok_or(Unsound::TooDeep)?;
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.peek();
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.value(depth)?;
            let is_last = self.take(b'}');
            if !is_last {
                self.expect(b',')?;
            }
            // Not before: in a text that is cut, a number may have had more digits.
            on_member(name, value);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Section 5.
    fn array(&mut self, depth: usize) -> Result<(), Unsound> {
        let depth = depth.checked_sub(1).ok_or(Unsound::TooDeep)?;
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Section 6: `-` or not, no needless zero in front, and digits on both sides of whatever parts them.
    fn number(&mut self) -> Result<(), Unsound> {
        self.next_if(|byte| byte == b'-');
        if !self.next_if(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.next_if(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.next_if(|byte| matches!(byte, b'e' | b'E')) {
            self.next_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Unsound> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(Unsound::Syntax) }
    }

    fn literal(&mut self, word: &str) -> Result<(), Unsound> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Unsound::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Section 7. What stands between the quotes.
    fn string(&mut self) -> Result<&'a str, Unsound> {
        if !self.next_if(|byte| byte == b'"') {
            return Err(Unsound::Syntax);
        }
        let start = self.at;
        loop {
            let is_special = |byte| (byte == b'"') | (byte == b'\\') | (byte < 0x20);
            self.at += search::position(self.rest(), is_special).ok_or(Unsound::Syntax)?;
            match self.next() {
                Some(b'"') => return Ok(&self.text[start..self.at - 1]),
                Some(b'\\') => self.escape()?,
                // Control characters MUST be escaped.
                _ => return Err(Unsound::Syntax),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), Unsound> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex4()? {
                0xd800..=0xdbff => self.low_surrogate(),
                0xdc00..=0xdfff => Err(Unsound::LoneSurrogate),
                _ => Ok(()),
            },
            _ => Err(Unsound::Syntax),
        }
    }

    /// The second half of a pair has to follow the first at once.
    fn low_surrogate(&mut self) -> Result<(), Unsound> {
        if !self.rest().starts_with(br"\u") {
            return Err(Unsound::LoneSurrogate);
        }
        self.at += r"\u".len();
        match self.hex4()? {
            0xdc00..=0xdfff => Ok(()),
            _ => Err(Unsound::LoneSurrogate),
        }
    }

    fn hex4(&mut self) -> Result<u32, Unsound> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|byte| char::from(byte).to_digit(16));
            value = value << 4 | digit.ok_or(Unsound::Syntax)?;
        }
        Ok(value)
    }

    /// The next byte that is not white space, which is where the cursor then stands.
    fn peek(&mut self) -> Option<u8> {
        while self.next_if(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {}
        self.rest().first().copied()
    }

    /// Steps over white space and `byte`, if that is what comes.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unsound> {
        if self.take(byte) { Ok(()) } else { Err(Unsound::Syntax) }
    }

    fn next_if(&mut self, is_wanted: impl Fn(u8) -> bool) -> bool {
        let is_next = self.rest().first().is_some_and(|&byte| is_wanted(byte));
        self.at += usize::from(is_next);
        is_next
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.rest().first().copied()?;
        self.at += 1;
        Some(byte)
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::any_json;
    use proptest::prelude::*;
    use serde_json::Value;

    fn judge(text: &str) -> Result<(), Unsound> {
        let mut cursor = Cursor::new(text);
        let value = cursor.value(DEPTH_MAX)?;
        cursor.end()?;
        assert_eq!(value, text.trim_ascii());
        Ok(())
    }

    #[test]
    fn what_is_json() {
        for json in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "10",
            "-1.5",
            "0.25",
            "1e5",
            "1E-5",
            "1.0e+05",
            "1e999999",
            "123456789012345678901234567890",
            "\"\"",
            "\"hi\"",
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\u0000\uFFFF\ud7ff\ue000""#,
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00 and \uDBFF\uDFFF""#,
            "\"\u{7f}\u{85}\u{2028}😀\"",
            "[]",
            "{}",
            "[[],{},[[]]]",
            "[1,\"a\",null]",
            r#"{"":1,"":2}"#,
            r#"{"a":{"b":[{}]}}"#,
            " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n{ \"a\" \t\r\n: \t\r\n2 } \t\r\n] \t\r\n",
        ] {
            assert_eq!(judge(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "True",
            "NaN",
            "Infinity",
            "-",
            "+1",
            "01",
            "-01",
            "00",
            ".5",
            "5.",
            "1.e5",
            "1e",
            "1e+",
            "1.5.5",
            "0x10",
            "1_000",
            "1 2",
            "\"",
            "\"a",
            "'a'",
            "a",
            "\"\\",
            "\"\\\"",
            r#""\a""#,
            r#""\'""#,
            r#""\u""#,
            r#""\u12""#,
            r#""\u12g4""#,
            r#""\u+123""#,
            r#""\U0041""#,
            r#""\ud83d\u""#,
            r#""\ud83d\ude0""#,
            "\"a\nb\"",
            "\"\t\"",
            "\"\0\"",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[,]",
            "[1 2]",
            "[1}",
            "{",
            "}",
            "{1:2}",
            "{a:1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{,}",
            "{\"a\":1]",
            "{} {}",
            "[] //",
            "/**/ 1",
            "\u{feff}1",
            "1\u{a0}",
            "\u{c}1",
            "1\0",
        ] {
            assert_eq!(judge(text), Err(Unsound::Syntax), "{text:?}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_character() {
        for text in [
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83d \ude00""#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d\ude00""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\u0041""#,
            r#""\ud800\ue000""#,
            r#"["\udfff"]"#,
            r#"{"\udbff":1}"#,
        ] {
            assert_eq!(judge(text), Err(Unsound::LoneSurrogate), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let arrays = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth| format!("{}null{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for json in [arrays(DEPTH_MAX), objects(DEPTH_MAX)] {
            assert_eq!(judge(&json), Ok(()));
            assert_eq!(judge(&format!("[{json}]")), Err(Unsound::TooDeep));
        }
        let many = format!("[{}]", vec!["[]"; 10_000].join(","));
        assert_eq!(judge(&many), Ok(()), "many beside each other are not deep");
        for bomb in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 18), arrays(1 << 20)] {
            assert_eq!(judge(&bomb), Err(Unsound::TooDeep));
        }
    }

    #[test]
    fn the_members_of_an_object_are_told_in_order() {
        let mut members = Vec::new();
        let mut cursor = Cursor::new(r#" { "a" : [ 1 , 2 ] , "\u0062":"x\"y","a":{"c":1} } "#);
        assert_eq!(cursor.object(|name, value| members.push((name, value))), Ok(()));
        assert_eq!(cursor.end(), Ok(()));
        assert_eq!(members, [("a", "[ 1 , 2 ]"), (r"\u0062", r#""x\"y""#), ("a", r#"{"c":1}"#)]);
    }

    /// Whether the library takes a text too, but for numbers beyond its own.
    fn agrees(text: &str) -> bool {
        let plainly = serde_json::from_str::<Value>(text);
        match judge(text) {
            Ok(()) => {
                plainly.map_or_else(|error| error.to_string().starts_with("number out of range"), |_| true)
            }
            Err(_) => plainly.is_err(),
        }
    }

    proptest! {
        #[test]
        fn any_json_is_taken(json in any_json()) {
            prop_assert_eq!(judge(&json), Ok(()));
        }

        #[test]
        fn nearly_json_is_judged_as_the_library_does(
            json in any_json(),
            at: prop::sample::Index,
            len in 0..3_usize,
            new in "[\\[\\]{}:,\"\\\\u0-9eE+.\\- \n\u{0}a-fdDé-]{0,3}",
        ) {
            let chars: Vec<char> = json.chars().collect();
            let at = at.index(chars.len() + 1);
            let end = (at + len).min(chars.len());
            let text: String = chars[..at].iter().copied().chain(new.chars()).chain(chars[end..].iter().copied()).collect();
            prop_assert!(agrees(&text), "{text}");
        }

        #[test]
        fn anything_is_judged_as_the_library_does(text in "[\\[\\]{}:,\"\\\\u0-9eE+.\\- \ntrufalsn]{0,12}") {
            prop_assert!(agrees(&text), "{text}");
        }
    }
}
