//! The part of a target after the `?`, read as browsers write it: `application/x-www-form-urlencoded`, WHATWG
//! URL, 5.1.
//!
//! ```text
//!   room=tea+time&name=Zo%C3%AB   ->   room "tea time", name "Zoë"
//! ```

use std::borrow::Cow;

/// The value of the first parameter of this name. Borrowed where there is nothing to decode.
///
/// Nothing is refused: a `%` that begins no code stands for itself, bytes that are not UTF-8 read as U+FFFD.
pub(super) fn param<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    query.split('&').map(split_pair).find(|(key, _)| decode(key) == name).map(|(_, value)| decode(value))
}

/// Takes every parameter of this name out of a query. Returns the values, and what is left of the query.
pub fn take_params(query: &str, name: &str) -> (Vec<String>, String) {
    let (taken, left): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| decode(split_pair(pair).0) == name);
    (taken.into_iter().map(|pair| decode(split_pair(pair).1).into_owned()).collect(), left.join("&"))
}

fn split_pair(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

fn decode(text: &str) -> Cow<'_, str> {
    match text.contains('+') {
        true => Cow::Owned(percent_decode(&text.replace('+', " ")).into_owned()),
        false => percent_decode(text),
    }
}

/// Text with its percent codes decoded (RFC 3986, section 2.1), and nothing else: a `+` is a `+`.
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            (byte, _) => decoded.push(*byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_parameter_of_the_name_counts() {
        let query = "a=1&room=tea+time&b&room=other&=x";
        assert_eq!(param(query, "room").as_deref(), Some("tea time"));
        assert_eq!(param(query, "b").as_deref(), Some(""));
        assert_eq!(param(query, "").as_deref(), Some("x"));
        assert_eq!(param(query, "roo"), None);
        assert_eq!(param("", "room"), None);
    }

    #[test]
    fn parameters_can_be_taken_out_and_the_others_stay_as_they_were_written() {
        let (rooms, rest) = take_params("room=a&x=%41&r%6Fom=b+c&y", "room");
        assert_eq!((rooms, &*rest), (vec!["a".to_owned(), "b c".to_owned()], "x=%41&y"));
        assert_eq!(take_params("", "room"), (vec![], String::new()));
    }

    #[test]
    fn nothing_to_decode_is_nothing_to_copy() {
        assert!(matches!(param("room=lobby", "room"), Some(Cow::Borrowed("lobby"))));
    }

    #[test]
    fn percent_codes_are_bytes_of_utf8() {
        assert_eq!(param("n=Zo%C3%ab", "n").as_deref(), Some("Zo\u{EB}"));
        assert_eq!(param("%6E=a%3Db%26c", "n").as_deref(), Some("a=b&c"));
    }

    #[test]
    fn what_is_no_code_stands_for_itself() {
        assert_eq!(param("n=100%", "n").as_deref(), Some("100%"));
        assert_eq!(param("n=%4", "n").as_deref(), Some("%4"));
        assert_eq!(param("n=%%41%zz", "n").as_deref(), Some("%A%zz"));
        assert_eq!(param("n=%FFx", "n").as_deref(), Some("\u{FFFD}x"));
    }
}
