//! Requests in JSON: what is taken is JSON to the library too, is passed on as one line that any reader can read, and is
//! found again in what a room keeps.
//!
//! All bytes are the message, if they are UTF-8.

use chinwag::wire::{Command, Data, Event, Message, RequestId, json, text};
use serde_json::Value;

pub fn check(bytes: &[u8]) {
    let Ok(request) = str::from_utf8(bytes) else { return };
    let (mut memory, mut again) = (Vec::new(), vec![b'x'; 7]);
    let read = json::parse(request, &mut memory);
    assert_eq!(read, json::parse(request, &mut again), "whatever was in the memory");
    let (id, event) = match read {
        Ok((id, command)) => {
            assert!(is_object(request), "{request}");
            (id, event_of(&command))
        }
        Err((id, refusal)) => (id, Event::Refused(refusal)),
    };
    hear(id, &event);
    assert_answered_under(id, request);
}

/// Whether the library can build it. It has no numbers beyond its own, which we pass on.
fn is_object(text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => value.is_object(),
        Err(error) => error.to_string().starts_with("number out of range"),
    }
}

/// The library rounds numbers that are not whole in a way of its own.
fn assert_answered_under(id: Option<RequestId>, request: &str) {
    if let (Some(RequestId::Unsigned(_) | RequestId::Signed(_)), Ok(sent)) =
        (id, serde_json::from_str::<Value>(request))
    {
        let mut pong = Vec::new();
        json::render(id, &Event::Pong { at: 7 }, &mut pong);
        let pong: Value = serde_json::from_slice(&pong).expect("JSON");
        assert_eq!(pong["id"].as_f64(), sent["id"].as_f64(), "{request}");
    }
}

/// What others are told of it; an answer, if they are not.
fn event_of<'a>(command: &Command<'a>) -> Event<'a> {
    match *command {
        Command::Publish { room: Some(room), data, key } => {
            Event::Message(Message { room: room.as_str(), seq: 42, name: "ann", key, at: 7, data })
        }
        Command::Direct { to, data } => Event::Direct { from: "ann", to, at: 7, data },
        Command::Hello { name: Some(name), .. } | Command::Rename(name) => {
            Event::Renamed { name: name.as_str() }
        }
        _ => Event::Pong { at: 7 },
    }
}

fn hear(id: Option<RequestId>, event: &Event<'_>) {
    let (mut rendered, mut line) = (Vec::new(), Vec::new());
    json::render(id, event, &mut rendered);
    let rendered = str::from_utf8(&rendered).expect("UTF-8");
    assert!(!rendered.contains(['\n', '\r']), "{rendered}");
    assert!(rendered.is_empty() || is_object(rendered), "{rendered}");
    text::render(event, true, &mut line);
    let line = str::from_utf8(&line).expect("UTF-8");
    assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    if let Event::Message(message) = event {
        let (mut kept, mut memory) = (Vec::new(), Vec::new());
        json::render_message(message, &mut kept);
        let found = json::parse_message(&kept, &mut memory).expect("it was rendered");
        assert_eq!((found.room, found.key), (message.room, message.key));
        let (Data::Json(found), Data::Json(sent)) = (found.data, message.data) else { panic!("it is JSON") };
        assert_eq!(found, sent.replace(['\n', '\r'], " "));
    }
}
