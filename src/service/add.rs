//! Add: a request, an answer, and every way in which a request can be wrong.
//!
//! ```text
//!     {"a":7,"b":4}                            {"sum":11}
//!     {"a":7}                                  {"error":"a and b must be whole numbers of 64 bits, each given once"}
//!     hello                                    {"error":"this is not a JSON object"}
//!     {"a":9223372036854775807,"b":1}          {"error":"the sum does not fit into 64 bits"}
//! ```
//!
//! A wrong request is answered, and the connection goes on: a peer can make no mistake here that costs it more than the
//! answer. One that says nothing for 20 seconds is closed.
//!
//! Numbers are the signed ones of 64 bits. JSON itself has no bounds and no integers, and what a language makes of
//! `9007199254740993` or `0.1` is its own affair, so here is what this one does: `7.0` and `1e2` are no whole numbers as
//! they are written, a number beyond 64 bits is refused rather than rounded, and a field that is given twice is refused
//! rather than guessed at. Fields that are not known are ignored, so that a later version can have more of them.
//!
//! Keys match in any case, as they do in Go, whose encoder writes `{"A":7,"B":4}`. A key in its exact case wins: in
//! `{"a":1,"A":2,"b":3}` the field `A` is one that is not known. Without an `a`, two `A` are one field given twice. No
//! character beyond ASCII differs from these letters in case alone.

use super::{ConnId, Context, Message, Opening, Service, close};
use crate::time::Millis;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// How long a connection may ask nothing.
const IDLE_TIMEOUT: Millis = Millis::from_secs(20);

/// The service.
#[derive(Debug, Default)]
pub struct Add;

impl Service for Add {
    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, _opening: Opening<'_>) {
        await_request(cx, conn);
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let answer = match message {
            Message::Text(request) => answer(request.as_bytes()),
            Message::Binary(_) => render(Err(Error::Binary)),
        };
        cx.send(conn, Message::Text(&answer));
        await_request(cx, conn);
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        cx.close(conn, close::IDLE, "no request for 20 s");
    }
}

fn await_request(cx: &mut dyn Context, conn: ConnId) {
    let at = cx.now() + IDLE_TIMEOUT;
    cx.deadline(conn, Some(at));
}

/// Why there is no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The request is not JSON, or not an object.
    NotAnObject,
    /// The request is an object without two whole numbers.
    NotNumbers,
    /// The sum is beyond 64 bits.
    Overflow,
    /// The request is not text.
    Binary,
}

struct Request {
    a: i64,
    b: i64,
}

/// One number of a request, while its fields are read.
#[derive(Default)]
struct Field<'a> {
    exact: Option<i64>,
    /// From keys in another case, which count only where no key has the exact one.
    other_case: Vec<&'a RawValue>,
}

impl<'a> Field<'a> {
    fn read<M: MapAccess<'a>>(&mut self, map: &mut M, is_exact: bool) -> Result<(), M::Error> {
        if !is_exact {
            // Two are as wrong as three.
            let value = map.next_value()?;
            if self.other_case.len() < 2 {
                self.other_case.push(value);
            }
        } else if self.exact.replace(map.next_value()?).is_some() {
            return Err(M::Error::custom("a field is given twice"));
        }
        Ok(())
    }

    fn number(&self) -> Option<i64> {
        match (self.exact, &self.other_case[..]) {
            (Some(number), _) => Some(number),
            (None, [value]) => serde_json::from_str(value.get()).ok(),
            (None, _) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Request;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a and b")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Request, M::Error> {
                let (mut a, mut b) = (Field::default(), Field::default());
                while let Some(Key(field)) = map.next_key()? {
                    match field {
                        Some(('a', is_exact)) => a.read(&mut map, is_exact)?,
                        Some((_, is_exact)) => b.read(&mut map, is_exact)?,
                        None => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                match (a.number(), b.number()) {
                    (Some(a), Some(b)) => Ok(Request { a, b }),
                    _ => Err(M::Error::custom("a number is missing")),
                }
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The field that a key means, if it is known, and whether the key has its exact case.
struct Key(Option<(char, bool)>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(Key(match key {
                    "a" => Some(('a', true)),
                    "A" => Some(('a', false)),
                    "b" => Some(('b', true)),
                    "B" => Some(('b', false)),
                    _ => None,
                }))
            }
        }

        deserializer.deserialize_identifier(Word)
    }
}

/// Answers one request with one line of JSON, whatever the request is.
///
/// ```
/// use chinwag::service::add::answer;
///
/// assert_eq!(answer(br#"{"a":7,"b":4}"#), r#"{"sum":11}"#);
/// ```
pub fn answer(request: &[u8]) -> String {
    render(add(request))
}

fn add(request: &[u8]) -> Result<i64, Error> {
    // RFC 8259, 8.1: JSON is UTF-8, also where it is skipped.
    let request = str::from_utf8(request).map_err(|_| Error::NotAnObject)?;
    // serde takes an array for a struct; `[7,4]` does not say which number is which.
    if !request.trim_ascii_start().starts_with('{') {
        return Err(Error::NotAnObject);
    }
    let Request { a, b } = serde_json::from_str(request).map_err(|error| match error.is_data() {
        true => Error::NotNumbers,
        false => Error::NotAnObject,
    })?;
    a.checked_add(b).ok_or(Error::Overflow)
}

fn render(sum: Result<i64, Error>) -> String {
    match sum {
        Ok(sum) => format!(r#"{{"sum":{sum}}}"#),
        Err(error) => format!(r#"{{"error":"{error}"}}"#),
    }
}

impl fmt::Display for Error {
    /// Nothing in these needs escaping in JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::NotAnObject => "this is not a JSON object",
            Error::NotNumbers => "a and b must be whole numbers of 64 bits, each given once",
            Error::Overflow => "the sum does not fit into 64 bits",
            Error::Binary => "requests are text",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fake::{FakeContext, with_request};
    use proptest::prelude::*;

    const PEER: ConnId = ConnId { index: 0, generation: 1 };

    #[test]
    fn sums() {
        for (request, sum) in [
            (r#"{"a":7,"b":4}"#, 11),
            (r#" { "b" : -4 , "a" : 4 } "#, 0),
            ("\t\r\n{\"a\":1,\"b\":2}\n", 3),
            (r#"{"a":-9223372036854775808,"b":9223372036854775807}"#, -1),
            (r#"{"a":9223372036854775806,"b":1}"#, i64::MAX),
            (r#"{"a":1,"b":2,"c":[{"a":3}],"comment":"fields that are not known are ignored"}"#, 3),
        ] {
            assert_eq!(answer(request.as_bytes()), format!("{{\"sum\":{sum}}}"), "{request}");
        }
    }

    #[test]
    fn keys_match_in_any_case_and_the_exact_case_wins() {
        for (request, sum) in [
            (r#"{"A":7,"B":4}"#, 11),
            (r#"{"a":7,"B":4}"#, 11),
            (r#"{"\u0041":7,"\u0062":4}"#, 11),
            (r#"{"a":1,"A":2,"b":3}"#, 4),
            (r#"{"A":2,"a":1,"b":3}"#, 4),
            (r#"{"A":2,"B":"x","A":9,"a":1,"b":3}"#, 4),
            (r#"{"ａ":9,"a":1,"b":3}"#, 4),
        ] {
            assert_eq!(add(request.as_bytes()), Ok(sum), "{request}");
        }
    }

    #[test]
    fn a_sum_beyond_64_bits_is_an_error_and_does_not_wrap() {
        assert_eq!(add(br#"{"a":9223372036854775807,"b":1}"#), Err(Error::Overflow));
        assert_eq!(add(br#"{"a":-9223372036854775808,"b":-1}"#), Err(Error::Overflow));
    }

    #[test]
    fn what_is_not_two_whole_numbers_is_an_error() {
        for request in [
            "{}",
            r#"{"a":7}"#,
            r#"{"A":1,"A":2,"b":3}"#,
            r#"{"A":1,"A":2,"A":3,"b":3}"#,
            r#"{"a":"x","A":1,"b":3}"#,
            r#"{"A":"7","B":"4"}"#,
            r#"{"A":7.0,"B":4}"#,
            r#"{"ａ":7,"b":4}"#,
            r#"{"á":7,"b":4}"#,
            r#"{"aa":7,"b":4}"#,
            r#"{"a":"7","b":4}"#,
            r#"{"a":null,"b":4}"#,
            r#"{"a":true,"b":4}"#,
            r#"{"a":[7],"b":4}"#,
            r#"{"a":0.5,"b":4}"#,
            r#"{"a":7.0,"b":4}"#,
            r#"{"a":1e2,"b":4}"#,
            r#"{"a":9223372036854775808,"b":0}"#,
            r#"{"a":18446744073709551615,"b":0}"#,
            r#"{"a":100000000000000000000,"b":0}"#,
            r#"{"a":1,"a":2,"b":3}"#,
        ] {
            assert_eq!(add(request.as_bytes()), Err(Error::NotNumbers), "{request}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_an_error() {
        for request in [
            "",
            " ",
            "hello",
            "7",
            "[7,4]",
            "null",
            r#""{}""#,
            "{",
            r#"{"a":7,"b":4"#,
            r#"{"a":7,"b":4}x"#,
            r#"{'a':7,'b':4}"#,
        ] {
            assert_eq!(add(request.as_bytes()), Err(Error::NotAnObject), "{request}");
        }
        assert_eq!(add(b"{\"a\":7,\"b\":4,\"c\":\"\xff\"}"), Err(Error::NotAnObject));
        assert_eq!(
            add("{\"a\":".repeat(10_000).as_bytes()),
            Err(Error::NotNumbers),
            "deep, but wrong at the first step"
        );
        assert_eq!(add(format!("{{\"c\":{}", "[".repeat(10_000)).as_bytes()), Err(Error::NotAnObject));
    }

    #[test]
    fn twenty_seconds_without_a_request_end_the_connection() {
        let (mut service, mut cx) = (Add, FakeContext::default());
        with_request("GET /add HTTP/1.1\r\nHost: a\r\n\r\n", |request| {
            service.on_open(&mut cx, PEER, Opening::WebSocket { request: request.head, subprotocol: None });
        });
        cx.now = Millis(19_999);
        assert!(!cx.poll_deadline(PEER));
        service.on_message(&mut cx, PEER, Message::Text("hello"));
        service.on_message(&mut cx, PEER, Message::Binary(b"\x07\x04"));
        assert_eq!(
            cx.take_texts(PEER),
            [r#"{"error":"this is not a JSON object"}"#, r#"{"error":"requests are text"}"#]
        );
        cx.now = Millis(39_998);
        assert!(!cx.poll_deadline(PEER));
        cx.now = Millis(39_999);
        assert!(cx.poll_deadline(PEER));
        service.on_deadline(&mut cx, PEER);
        assert_eq!(cx.closed[&PEER], (4109, "no request for 20 s".to_owned()));
    }

    proptest! {
        #[test]
        fn any_two_numbers_are_added_or_refused(a: i64, b: i64) {
            let request = format!("{{\"a\":{a},\"b\":{b}}}");
            prop_assert_eq!(add(request.as_bytes()).ok(), a.checked_add(b));
        }

        #[test]
        fn any_bytes_are_answered_with_an_object(request: Vec<u8>) {
            prop_assert!(serde_json::from_str::<serde_json::Map<_, _>>(&answer(&request)).is_ok());
        }
    }
}
