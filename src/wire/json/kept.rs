//! A message as its room keeps it, and back.
//!
//! ```text
//!     {"type":"message","room":"lobby","seq":42,"name":"ann","key":"a9-7","at":1795000000123,"data":"hi"}
//! ```
//!
//! A room keeps its messages as JSON, rendered once. Programs are sent a copy, now and whenever they are replayed. People
//! are sent something else, which is made from the parts: these are found again by the order in which they were written, a
//! fraction of the work of reading any JSON.

use super::super::{Data, Message};
use super::string::{self, Scratch};

/// The parts of a message that [`render_message`](super::render_message) wrote; `None` if it did not. What is escaped in
/// the name or the key is unescaped into `memory`, as requests are; `data` stays as it was sent.
pub fn parse_message<'a>(json: &'a [u8], memory: &'a mut Vec<u8>) -> Option<Message<'a>> {
    let json = str::from_utf8(json).ok()?;
    let mut scratch = Scratch::new(memory, json.len());
    let rest = json.strip_prefix(r#"{"type":"message","room":""#)?;
    let (room, rest) = split_string(rest)?;
    let (seq, rest) = split_number(rest.strip_prefix(r#","seq":"#)?)?;
    let (name, rest) = split_string(rest.strip_prefix(r#","name":""#)?)?;
    let (key, rest) = match rest.strip_prefix(r#","key":""#) {
        Some(rest) => split_string(rest).map(|(key, rest)| (Some(key), rest))?,
        None => (None, rest),
    };
    let (at, rest) = split_number(rest.strip_prefix(r#","at":"#)?)?;
    let data = rest.strip_prefix(r#","data":"#)?.strip_suffix('}')?;
    let key = key.map(|key| scratch.unescape(key));
    Some(Message {
        room: scratch.unescape(room),
        seq,
        name: scratch.unescape(name),
        key,
        at,
        data: Data::Json(data),
    })
}

/// What stands in front of the quote that ends a string, and what behind it.
fn split_string(text: &str) -> Option<(&str, &str)> {
    let end = string::find_end(text)?;
    Some((&text[..end], &text[end + 1..]))
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::super::render_message;
    use super::*;
    use crate::wire::samples::any_material;
    use proptest::prelude::*;

    fn kept(message: &Message<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        render_message(message, &mut out);
        out
    }

    #[test]
    fn the_parts_are_found_again() {
        let plain = Message {
            room: "lobby",
            seq: 42,
            name: "ann",
            key: Some("a9-7"),
            at: 1795000000123,
            data: Data::Json(r#""hi""#),
        };
        let json = kept(&plain);
        assert_eq!(
            str::from_utf8(&json).unwrap(),
            r#"{"type":"message","room":"lobby","seq":42,"name":"ann","key":"a9-7","at":1795000000123,"data":"hi"}"#
        );
        for message in [
            plain,
            Message { key: None, ..plain },
            Message { key: Some(""), ..plain },
            Message { name: r#"","at":7,"data":"\"#, key: Some("\\\"\n"), ..plain },
            Message { seq: 0, at: u64::MAX, ..plain },
            Message { data: Data::Json(r#"{"data":{"a":"}"}}"#), ..plain },
        ] {
            assert_eq!(parse_message(&kept(&message), &mut Vec::new()), Some(message));
        }
        let text = Message { data: Data::Text("say \"hi\""), ..plain };
        let found = Message { data: Data::Json(r#""say \"hi\"""#), ..plain };
        assert_eq!(
            parse_message(&kept(&text), &mut Vec::new()),
            Some(found),
            "text has become a JSON string"
        );
    }

    #[test]
    fn what_we_have_not_rendered_has_no_parts() {
        for other in [
            "",
            "{}",
            r#"{"type":"ok","room":"lobby"}"#,
            r#"{"type":"message","room":"lobby","seq":-1,"name":"ann","at":1,"data":1}"#,
            r#"{"type":"message","room":"lobby","name":"ann","seq":1,"at":1,"data":1}"#,
            r#"{"type":"message","room":"lobby\"#,
        ] {
            assert_eq!(parse_message(other.as_bytes(), &mut Vec::new()), None, "{other}");
        }
        assert_eq!(parse_message(b"\xff", &mut Vec::new()), None);
    }

    proptest! {
        #[test]
        fn all_parts_are_found_again(material in any_material()) {
            let mut message = material.message();
            let (json, mut memory) = (kept(&message), Vec::new());
            prop_assert!(!json.contains(&b'\n') && !json.contains(&b'\r'), "it is one line");
            let one_line = material.json.replace(['\n', '\r'], " ");
            if let Data::Json(json) = &mut message.data {
                *json = &one_line;
            }
            prop_assert_eq!(parse_message(&json, &mut memory), Some(message));
        }

        #[test]
        fn what_was_spoilt_on_the_way_does_no_harm(
            material in any_material(), at: prop::sample::Index, cut: prop::sample::Index, byte: u8,
        ) {
            let mut json = kept(&material.message());
            let at = at.index(json.len());
            json[at] = byte;
            json.truncate(cut.index(json.len() + 1));
            if let Some(message) = parse_message(&json, &mut Vec::new()) {
                crate::wire::text::render(&crate::wire::Event::Message(message), true, &mut Vec::new());
            }
        }
    }
}
