//! The dialects: a request to publish, read; a message, written as JSON and as a line; and the line made again from what a
//! room keeps. And what a name costs that somebody chooses.
//!
//! The plain way is what a first attempt looks like: let the library build a tree of what was sent, and of what is to be
//! sent, and pick the parts out.

mod harness;

use std::hint::black_box;

use chinwag::wire::{Command, Data, Event, Message, Name, RequestId, json, name, text};
use harness::Harness;
use serde_json::Value;

fn main() {
    let harness = Harness::from_args();
    let long = format!("\"{}\"", r#"A line of a text that says \"tea\".\n"#.repeat(10));
    for (name, data) in [
        ("a word", r#""hi""#),
        ("a sentence", r#""I will be a few minutes late, do not wait for me; there is tea in the kitchen.""#),
        ("lines, much escaped", &long),
        ("an object", r#"{"kind":"move","from":[12,7],"to":[13,7],"by":"3f2a","takes":null}"#),
    ] {
        let request = format!(r#"{{"type":"publish","id":7,"room":"lobby","key":"a9-7","data":{data}}}"#);
        let mut memory = Vec::new();
        assert_eq!(tree_of_parts(parse(&request, &mut memory)), parse_plainly(&request));
        let plain = harness.time(request.len(), || parse_plainly(black_box(&request)));
        let fast = harness.time(request.len(), || parse(black_box(&request), &mut memory).data.len_bytes());
        harness.compare(&format!("{name}, read"), plain, fast);

        let message = Message {
            room: "lobby",
            seq: 42,
            name: "ann",
            key: Some("a9-7"),
            at: 1795000000123,
            data: Data::Json(data),
        };
        let mut kept = Vec::new();
        json::render_message(&message, &mut kept);
        let value = serde_json::from_str(data).expect("it is JSON");
        assert_eq!(serde_json::from_slice::<Value>(&kept).expect("it is JSON"), tree(&message, &value));
        let mut out = Vec::new();
        let plain = harness.time(kept.len(), || tree(black_box(&message), &value).to_string());
        let fast = harness.time(kept.len(), || {
            out.clear();
            json::render_message(black_box(&message), &mut out);
        });
        harness.compare("    written as JSON", plain, fast);

        let line = harness.time(kept.len(), || {
            out.clear();
            text::render(&Event::Message(*black_box(&message)), false, &mut out);
        });
        harness.report("    written as a line", line);
        let again = harness.time(kept.len(), || {
            out.clear();
            let message = json::parse_message(black_box(&kept), &mut memory).expect("we have rendered it");
            text::render(&Event::Message(message), false, &mut out);
        });
        harness.report("    as a line, from the JSON", again);
    }
    names(&harness);
}

/// What a name costs on its way in: judged, and made comparable in both ways.
fn names(harness: &Harness) {
    for text in ["member-12345", "René Lefèvre", "Наташа Ростова", &"ねこ".repeat(16)] {
        let judged = harness.time(text.len(), || Name::new(black_box(text)).is_ok());
        harness.report(&format!("{text}, judged"), judged);
        let folded = harness.time(text.len(), || name::folded(black_box(text)).count());
        harness.report("    as a nickname", folded);
        let look = harness.time(text.len(), || name::look(black_box(text)).len());
        harness.report("    as it looks", look);
    }
}

/// What a request to publish holds.
struct Parts<'a> {
    id: u64,
    room: &'a str,
    key: &'a str,
    data: Data<'a>,
}

fn parse<'a>(request: &'a str, memory: &'a mut Vec<u8>) -> Parts<'a> {
    match json::parse(request, memory) {
        Ok((Some(RequestId::Unsigned(id)), Command::Publish { room: Some(room), key: Some(key), data })) => {
            Parts { id, room: room.as_str(), key, data }
        }
        other => panic!("{other:?}"),
    }
}

fn parse_plainly(request: &str) -> (u64, String, String, Value) {
    let mut request: Value = serde_json::from_str(request).expect("it is JSON");
    assert_eq!(request["type"], "publish");
    let id = request["id"].as_u64().expect("a number");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    (id, text(&request["room"]), text(&request["key"]), request["data"].take())
}

fn tree_of_parts(Parts { id, room, key, data }: Parts<'_>) -> (u64, String, String, Value) {
    let Data::Json(data) = data else { panic!("{data:?}") };
    (id, room.to_owned(), key.to_owned(), serde_json::from_str(data).expect("it is JSON"))
}

fn tree(message: &Message<'_>, data: &Value) -> Value {
    serde_json::json!({
        "type": "message",
        "room": message.room,
        "seq": message.seq,
        "name": message.name,
        "key": message.key,
        "at": message.at,
        "data": data,
    })
}
