//! Every event, of any names, texts and numbers: what the properties of both dialects are tried on.

use super::{
    BadName, BadRoomName, Changes, Data, Event, GapReason, Goodbye, LimitsTold, Message, Name, Position,
    Refusal, Rename, Resumed, json, visible,
};
use proptest::prelude::*;

/// What events are made of.
#[derive(Debug)]
pub struct Material {
    pub room: String,
    pub name: String,
    pub names: Vec<String>,
    pub text: String,
    /// A JSON value.
    pub json: String,
    pub numbers: [u64; 3],
    pub flag: bool,
}

/// Borrowed parts that an event is made of in its turn.
pub struct Parts<'a> {
    names: Vec<&'a str>,
    rooms: Vec<(&'a str, usize)>,
    kept: Vec<Vec<u8>>,
}

/// What may be a name.
pub fn any_name() -> impl Strategy<Value = String> {
    any_label().prop_filter("a name", |text| Name::new(text).is_ok())
}

/// What another server may allow as a name, with a liking for what could be mistaken for our own words.
pub fn any_label() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("]".to_owned()),
        Just("[".to_owned()),
        Just(",".to_owned()),
        Just("->".to_owned()),
        Just("you".to_owned()),
        Just(" joined".to_owned()),
        Just(" left".to_owned()),
        Just(" and 7 more".to_owned()),
        Just(r"\u{5d}".to_owned()),
        Just("\"\\".to_owned()),
        Just(" ".to_owned()),
        "[a-z0-9]{1,4}",
        "\\PC",
    ];
    let text = proptest::collection::vec(word, 1..6).prop_map(|words| words.concat());
    text.prop_filter("shown as it is", |text| {
        let mut shown = Vec::new();
        visible::append(&mut shown, text);
        shown == text.as_bytes() && text.trim() == text && !text.is_empty()
    })
}

/// A JSON value, written with white space and escapes where these can be.
pub fn any_json() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        r#""([a-z\x{7f}-\x{2fff}]|\\[\\"/bfnrt]|\\u00[01][0-9a-fA-F]|\\ud83d\\ude0[0-9]){0,8}""#,
    ];
    let leaf = prop_oneof![
        string.clone(),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
    ];
    let space = "[ \t\r\n]{0,2}";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let item = (space, inner.clone(), space).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member = (space, string.clone(), space, item.clone())
            .prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
        prop_oneof![
            proptest::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

pub fn any_material() -> impl Strategy<Value = Material> {
    let text = prop_oneof![any::<String>(), "[\u{0}-\u{a0}\u{2000}-\u{2070}\\PC]{0,40}"];
    let parts = (
        "[A-Za-z0-9._-]{1,64}",
        any_name(),
        proptest::collection::vec(any_name(), 0..8),
        text,
        any_json(),
        any::<[u64; 3]>(),
        any::<bool>(),
    );
    parts.prop_map(|(room, name, names, text, json, numbers, flag)| Material {
        room,
        name,
        names,
        text,
        json,
        numbers,
        flag,
    })
}

impl Material {
    pub fn parts(&self) -> Parts<'_> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let keep = |&name: &&str| {
            let mut kept = Vec::new();
            json::render_message(&Message { name, ..self.message() }, &mut kept);
            kept
        };
        Parts {
            rooms: names.iter().map(|name| (&self.room[..], name.len())).collect(),
            kept: names.iter().map(keep).collect(),
            names,
        }
    }

    pub fn message(&self) -> Message<'_> {
        Message {
            room: &self.room,
            seq: self.numbers[0],
            name: &self.name,
            key: self.flag.then_some(&self.text[..]),
            at: self.numbers[1],
            data: Data::Json(&self.json),
        }
    }

    /// Hands each event to `see`.
    pub fn each_event(&self, see: &mut dyn FnMut(&Event<'_>)) {
        let parts = self.parts();
        let kept: Vec<&[u8]> = parts.kept.iter().map(Vec::as_slice).collect();
        let Material { room, name, text, json, numbers: [first, second, third], flag, .. } = self;
        let (epoch, next) = ("k3f9", flag.then_some(&text[..]));
        let (first, second, third, flag) = (*first, *second, *third, *flag);
        let joined = Event::Joined {
            room,
            epoch,
            seq: first,
            from: second,
            count: third,
            resumed: Resumed::NotAsked,
            members: 3,
        };
        let resumed = |how| match joined {
            Event::Joined { room, epoch, seq, from, count, members, .. } => {
                Event::Joined { room, epoch, seq, from, count, resumed: how, members }
            }
            other => other,
        };
        let judged = Name::new(name).expect("a strategy of names");
        let limits = LimitsTold {
            message_bytes: 4096,
            publish_per_second: first as u32,
            burst: second as u32,
            rooms: 32,
            history: 100,
        };
        let events = [
            Event::Welcome { connection: "c81f", name, secret: text, ping_ms: first, limits },
            Event::Renamed { name },
            joined,
            resumed(Resumed::Yes),
            resumed(Resumed::Epoch { oldest: second }),
            resumed(Resumed::Ahead { oldest: second }),
            resumed(Resumed::Trimmed { oldest: second }),
            Event::Done { room: flag.then_some(&room[..]) },
            Event::Published { room, seq: first, at: second, is_duplicate: flag },
            Event::Message(self.message()),
            Event::Message(Message { data: Data::Text(text), ..self.message() }),
            Event::History { room, epoch, messages: &kept, has_more: flag },
            Event::Gap { room, epoch, from: first, to: second, reason: GapReason::Slow },
            Event::Presence {
                room,
                changes: Changes::Named { joined: &parts.names, left: &[name], renamed: &[] },
                members: 12,
            },
            Event::Presence {
                room,
                changes: Changes::Named {
                    joined: &parts.names,
                    left: &[],
                    renamed: &[Rename { from: name, to: "ann" }],
                },
                members: 12,
            },
            Event::Presence {
                room,
                changes: Changes::Named { joined: &[], left: &[], renamed: &[] },
                members: 12,
            },
            Event::Presence {
                room,
                changes: Changes::Counted { joined: 312, left: 4, renamed: 0 },
                members: 8123,
            },
            Event::Members { room, members: 9, names: &parts.names, next },
            Event::Rooms { rooms: &parts.rooms, next },
            Event::Direct { from: name, to: "ann", at: first, data: Data::Json(json) },
            Event::Direct { from: name, to: "ann", at: first, data: Data::Text(text) },
            Event::Pong { at: first },
            Event::EchoIs(flag),
            Event::ShowSeqIs { is_on: flag, at: Some(Position { epoch, seq: first }) },
            Event::ShowSeqIs { is_on: flag, at: None },
            Event::Help { usage: "/who", purpose: "tell who is here" },
            Event::Goodbye(Goodbye::Quit),
            Event::Goodbye(Goodbye::Idle { secs: first }),
            Event::Goodbye(Goodbye::Replaced),
            Event::Goodbye(Goodbye::RateAbuse),
            Event::Goodbye(Goodbye::TooSlow),
            Event::Goodbye(Goodbye::Stopping),
            Event::Goodbye(Goodbye::Restarting { retry_ms: first }),
        ];
        let refusals = [
            Refusal::UnknownCommand(text),
            Refusal::BadRequest("`room` is missing"),
            Refusal::BadName(BadName::Hidden),
            Refusal::NameTaken(judged),
            Refusal::NameAlike(judged),
            Refusal::NoSuchName(text),
            Refusal::BadRoomName(BadRoomName),
            Refusal::NotJoined,
            Refusal::AlreadyJoined,
            Refusal::TooManyRooms { rooms_max: 32 },
            Refusal::Full,
            Refusal::MessageTooBig { bytes_max: 4096 },
            Refusal::LineTooLong,
            Refusal::NotUtf8,
            Refusal::Busy { retry_ms: first },
            Refusal::RateLimited { retry_ms: first },
        ];
        events.iter().for_each(&mut *see);
        refusals.into_iter().map(Event::Refused).for_each(|event| see(&event));
    }
}
