//! Where the values of a JSON stream end, found byte by byte.
//!
//! ```text
//!     {"a":7,"b":4}{"a":1,"b":2} 7 hello
//!     └───────────┘└───────────┘ │ └───┘
//!      its own end  its own end  └──┴── ends with the space, another value, or the stream
//! ```
//!
//! JSON marks the end of an object, an array and a string: at the bracket or the quote that closes it the value is whole,
//! and nothing needs to follow. A number at the top level has no such mark. After `7` there may still come another `7`, so
//! it ends with the next byte that cannot be part of it, or with the stream. Protocols that send numbers or literals need
//! a separator, such as a line end; one whose messages are objects needs none.
//!
//! This looks at brackets, quotes and spaces alone; whether a value is sound is for its reader to say. A line end within a
//! string is never sound (RFC 8259, section 7), so it ends the value: after a forgotten quote the next line is read anew.

/// Cuts a stream into values. Holds the one whose end has not come.
#[derive(Debug)]
pub struct Values {
    state: State,
    /// What has come of a value: at most `bytes_max`.
    value: Vec<u8>,
    bytes_max: usize,
    /// The value is longer than that, which has been told.
    is_too_long: bool,
}

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A value from its first byte to its last, sound or not.
    Whole(&'a [u8]),
    /// A value has more than `bytes_max` bytes. The rest of it is skipped.
    TooLong,
    /// The stream has ended within a value.
    Unfinished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// In a number, a literal, or anything else that ends with what follows.
    Word,
    /// In so many arrays and objects.
    Nested {
        depth: usize,
    },
    /// In a string, in so many arrays and objects.
    String {
        depth: usize,
        is_escaped: bool,
    },
}

impl Values {
    /// The beginning of a stream of values of at most `bytes_max` bytes each.
    pub fn new(bytes_max: usize) -> Values {
        Values { state: State::Between, value: Vec::new(), bytes_max, is_too_long: false }
    }

    /// Takes in the next bytes, and tells each value as soon as its last byte is known.
    pub fn receive(&mut self, bytes: &[u8], mut tell: impl FnMut(Value<'_>)) {
        for &byte in bytes {
            // A word ends in front of the byte that shows its end.
            if self.state == State::Word && is_end_of_word(byte) {
                self.end(&mut tell);
            }
            let state = after(self.state, byte);
            if (self.state, state) != (State::Between, State::Between) {
                self.gather(byte, &mut tell);
            }
            self.state = state;
            if state == State::Between {
                self.end(&mut tell);
            }
        }
    }

    /// The stream has ended, and with it a value that has no end of its own.
    pub fn finish(&mut self, mut tell: impl FnMut(Value<'_>)) {
        match self.state {
            State::Between | State::Word => self.end(&mut tell),
            State::Nested { .. } | State::String { .. } if self.is_too_long => {}
            State::Nested { .. } | State::String { .. } => tell(Value::Unfinished),
        }
    }

    fn gather(&mut self, byte: u8, tell: &mut impl FnMut(Value<'_>)) {
        if self.value.len() < self.bytes_max {
            self.value.push(byte);
        } else if !std::mem::replace(&mut self.is_too_long, true) {
            tell(Value::TooLong);
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(Value<'_>)) {
        self.state = State::Between;
        if !std::mem::take(&mut self.is_too_long) && !self.value.is_empty() {
            tell(Value::Whole(&self.value));
        }
        self.value.clear();
    }
}

/// The state behind a byte.
fn after(state: State, byte: u8) -> State {
    match (state, byte) {
        // RFC 8259, section 2: these four are white space.
        (State::Between, b' ' | b'\t' | b'\r' | b'\n') => State::Between,
        (State::Between, b'{' | b'[') => State::Nested { depth: 1 },
        (State::Between, b'"') => State::String { depth: 0, is_escaped: false },
        (State::Between | State::Word, _) => State::Word,
        (State::Nested { depth }, b'{' | b'[') => State::Nested { depth: depth + 1 },
        (State::Nested { depth: 1 }, b'}' | b']') => State::Between,
        (State::Nested { depth }, b'}' | b']') => State::Nested { depth: depth - 1 },
        (State::Nested { depth }, b'"') => State::String { depth, is_escaped: false },
        (State::Nested { .. }, _) => state,
        (State::String { .. }, b'\n') => State::Between,
        (State::String { depth, is_escaped: true }, _) => State::String { depth, is_escaped: false },
        (State::String { depth, .. }, b'\\') => State::String { depth, is_escaped: true },
        (State::String { depth: 0, .. }, b'"') => State::Between,
        (State::String { depth, .. }, b'"') => State::Nested { depth },
        (State::String { .. }, _) => state,
    }
}

fn is_end_of_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a stream that comes in pieces of `step` bytes: values, `+` for a long one, `~` for an unfinished one.
    fn told(stream: &[u8], step: usize) -> Vec<String> {
        let mut told = Vec::new();
        let mut tell = |value: Value<'_>| {
            told.push(match value {
                Value::Whole(value) => String::from_utf8_lossy(value).into_owned(),
                Value::TooLong => "+".to_owned(),
                Value::Unfinished => "~".to_owned(),
            });
        };
        let mut values = Values::new(20);
        stream.chunks(step).for_each(|piece| values.receive(piece, &mut tell));
        values.finish(&mut tell);
        told
    }

    #[test]
    fn values_end_where_they_say_and_words_where_something_else_begins() {
        for (stream, values) in [
            ("", &[][..]),
            (" \r\n\t", &[]),
            (r#"{"a":7}{"b":4}"#, &[r#"{"a":7}"#, r#"{"b":4}"#]),
            (" {\n\"a\": 7\n}\n", &["{\n\"a\": 7\n}"]),
            (r#"{"a}":"\"}"}[]"#, &[r#"{"a}":"\"}"}"#, "[]"]),
            (r#"[{"a":[{}]}]"x""#, &[r#"[{"a":[{}]}]"#, r#""x""#]),
            ("7 8\n9", &["7", "8", "9"]),
            (r#"7{}true"x"null[]"#, &["7", "{}", "true", r#""x""#, "null", "[]"]),
            ("hello }, {}", &["hello", "},", "{}"]),
            ("{]{}", &["{]", "{}"]),
            ("{\"a\n{}", &["{\"a\n", "{}"]),
            (r#"{"a":7"#, &["~"]),
            (r#"{} "a\"#, &["{}", "~"]),
        ] {
            for step in 1..=stream.len().max(1) {
                assert_eq!(told(stream.as_bytes(), step), values, "{stream:?} by {step}");
            }
        }
    }

    #[test]
    fn a_long_value_is_told_once_and_skipped_to_its_end() {
        let word = "x".repeat(21);
        for (long, rest) in [
            (format!("{word} 7"), &["+", "7"][..]),
            (word.clone(), &["+"]),
            (format!("{{{word}}}{{}}"), &["+", "{}"]),
            (format!("[\"{word}]\"]7"), &["+", "7"]),
            (format!("\"{word}\n7"), &["+", "7"]),
            ("[".repeat(5000), &["+"]),
            (format!("{}{}{{}}", "[".repeat(500), "]".repeat(500)), &["+", "{}"]),
            (format!("[{}]", &word[..18]), &["[xxxxxxxxxxxxxxxxxx]"]),
            (format!("[{}]", &word[..19]), &["+"]),
        ] {
            for step in [1, 7, long.len()] {
                assert_eq!(told(long.as_bytes(), step), rest, "{long} by {step}");
            }
        }
    }
}
