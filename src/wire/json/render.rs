//! An event, as one object.
//!
//! ```text
//!     {"type":"ok","id":7,"room":"lobby","seq":42,"at":1795000000123}
//! ```
//!
//! Fields stand in the order in which the protocol's own examples have them: no client may depend on that, but people who
//! compare what they see with what they have read are spared a search. There is no white space.
//!
//! What only the other dialect asks for is not told in this one; see [`render`].

use super::super::{Changes, Event, GapReason, Goodbye, LimitsTold, Message, Refusal, RequestId, Resumed};
use super::object::Object;

/// The version of the protocol.
const VERSION: u64 = 1;
/// What an acknowledgement promises: that the message is in the history, which is in memory.
const ACK: &str = "memory";

/// When to ask again for a place where there is none.
const FULL_RETRY_MS: u64 = 5000;
/// When to come back at the earliest: whoever was idle, too slow, or far too fast. More each time, if it happens again.
const IDLE_RETRY_MS: u64 = 1000;
const SLOW_RETRY_MS: u64 = 5000;
const RATE_ABUSE_RETRY_MS: u64 = 10_000;

/// Appends the object that tells of `event`, which answers request `id` if there is one. Appends nothing for events that
/// only commands of the other dialect lead to.
pub fn render(id: Option<RequestId>, event: &Event<'_>, out: &mut Vec<u8>) {
    match *event {
        Event::Message(message) => render_message(&message, out),
        Event::Published { room, seq, at, is_duplicate } => {
            let mut object = Object::begin("ok", id, out);
            object.text("room", room).number("seq", seq).number("at", at);
            if is_duplicate {
                object.flag("duplicate", true);
            }
            object.end();
        }
        Event::Presence { room, changes, members } => {
            let mut object = Object::begin("presence", id, out);
            object.text("room", room);
            match changes {
                Changes::Named { renamed, .. } => {
                    // A client that does not know `renamed` follows the names: an old one left, and a new one joined.
                    object.texts("joined", changes.names_added()).texts("left", changes.names_removed());
                    if !renamed.is_empty() {
                        object.array("renamed", renamed, |it, out| {
                            Object::new(out).text("from", it.from).text("to", it.to).end();
                        });
                    }
                }
                // A count of both would tell nothing that `members` does not.
                Changes::Counted { .. } => {}
            }
            object.count("members", members).end();
        }
        Event::Welcome { connection, name, secret, ping_ms, limits } => {
            let LimitsTold { message_bytes, publish_per_second, burst, rooms, history } = limits;
            Object::begin("welcome", id, out)
                .number("version", VERSION)
                .text("connection", connection)
                .text("name", name)
                .text("secret", secret)
                .text("ack", ACK)
                .number("ping_ms", ping_ms)
                .object("limits", |limits| {
                    limits
                        .count("message_bytes", message_bytes)
                        .number("publish_per_second", u64::from(publish_per_second))
                        .number("burst", u64::from(burst))
                        .count("rooms", rooms)
                        .count("history", history);
                })
                .end();
        }
        Event::Joined { room, epoch, seq, from, count, resumed, members } => {
            let mut object = Object::begin("joined", id, out);
            object.text("room", room).text("epoch", epoch).number("seq", seq);
            let mut not_resumed = |reason, oldest| {
                object.flag("resumed", false).text("reason", reason).number("oldest", oldest);
            };
            match resumed {
                Resumed::NotAsked => {}
                Resumed::Yes => {
                    object.flag("resumed", true);
                }
                Resumed::Epoch { oldest } => not_resumed("epoch", oldest),
                Resumed::Ahead { oldest } => not_resumed("ahead", oldest),
                Resumed::Trimmed { oldest } => not_resumed("trimmed", oldest),
            }
            object.number("from", from).number("count", count).count("members", members).end();
        }
        Event::Renamed { .. } => Object::begin("ok", id, out).end(),
        Event::Done { room } => Object::begin("ok", id, out).text_if("room", room).end(),
        Event::History { room, epoch, messages, has_more } => Object::begin("history", id, out)
            .text("room", room)
            .text("epoch", epoch)
            .array("messages", messages, |message, out| out.extend_from_slice(message))
            .flag("more", has_more)
            .end(),
        Event::Gap { room, epoch, from, to, reason } => Object::begin("gap", id, out)
            .text("room", room)
            .text("epoch", epoch)
            .number("from", from)
            .number("to", to)
            .text("reason", gap_reason(reason))
            .end(),
        Event::Members { room, members, names, next } => Object::begin("members", id, out)
            .text("room", room)
            .count("count", members)
            .texts("names", names.iter().copied())
            .text_if("next", next)
            .end(),
        Event::Rooms { rooms, next } => Object::begin("rooms", id, out)
            .array("rooms", rooms, |&(room, members), out| {
                Object::new(out).text("room", room).count("members", members).end();
            })
            .text_if("next", next)
            .end(),
        Event::Direct { from, to: _, at, data } => {
            Object::begin("direct", id, out).text("name", from).number("at", at).data("data", data).end();
        }
        Event::Pong { at } => Object::begin("pong", id, out).number("at", at).end(),
        Event::Refused(refusal) => render_refusal(id, refusal, out),
        Event::Goodbye(goodbye) => render_goodbye(goodbye, out),
        Event::EchoIs(_) | Event::ShowSeqIs { .. } | Event::Help { .. } => {}
    }
}

/// Appends the object that tells of a message.
pub fn render_message(message: &Message<'_>, out: &mut Vec<u8>) {
    let Message { room, seq, name, key, at, data } = *message;
    out.reserve(MESSAGE_LEN + room.len() + name.len() + data.len_bytes());
    Object::begin("message", None, out)
        .text("room", room)
        .number("seq", seq)
        .text("name", name)
        .text_if("key", key)
        .number("at", at)
        .data("data", data)
        .end();
}

/// About how long a message is beside what differs most.
const MESSAGE_LEN: usize =
    r#"{"type":"message","room":"","seq":1000000,"name":"","key":"some-key","at":1795000000123,"data":""}"#
        .len();

fn gap_reason(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Slow => "slow",
    }
}

fn render_refusal(id: Option<RequestId>, refusal: Refusal<'_>, out: &mut Vec<u8>) {
    let (code, retry_ms) = match refusal {
        Refusal::UnknownCommand(_) => ("unknown_type", None),
        Refusal::BadRequest(_) | Refusal::NotUtf8 => ("bad_request", None),
        Refusal::BadName(_) => ("bad_name", None),
        Refusal::NameTaken(_) | Refusal::NameAlike(_) => ("name_taken", None),
        Refusal::NoSuchName(_) => ("no_such_name", None),
        Refusal::BadRoomName(_) => ("bad_room", None),
        Refusal::NotJoined => ("not_joined", None),
        Refusal::AlreadyJoined => ("already_joined", None),
        Refusal::TooManyRooms { .. } => ("too_many_rooms", None),
        Refusal::Full => ("denied", Some(FULL_RETRY_MS)),
        Refusal::MessageTooBig { .. } | Refusal::LineTooLong => ("too_big", None),
        Refusal::Busy { retry_ms } => ("busy", Some(retry_ms)),
        Refusal::RateLimited { retry_ms } => ("rate_limited", Some(retry_ms)),
    };
    let mut object = Object::begin("error", id, out);
    object.text("code", code);
    if let Some(retry_ms) = retry_ms {
        object.number("retry_ms", retry_ms);
    }
    // None of these needs to be escaped, and none tells the peer what it has sent: it knows that.
    match refusal {
        Refusal::UnknownCommand(_) => object.text("reason", "there is no such type of request"),
        Refusal::BadRequest(why) => object.text("reason", why),
        Refusal::BadName(why) => object.shown("reason", format_args!("{why}")),
        Refusal::NameTaken(name) if name.is_guest() => {
            object.text("reason", "only the server gives names like guest-1")
        }
        Refusal::NameTaken(_) => object.text("reason", "somebody else has this name"),
        Refusal::NameAlike(_) => object.text("reason", "somebody else has a name that looks like this one"),
        Refusal::NoSuchName(_) => object.text("reason", "nobody here has this name"),
        Refusal::BadRoomName(why) => object.shown("reason", format_args!("{why}")),
        Refusal::NotJoined => object.text("reason", "join the room first"),
        Refusal::AlreadyJoined => object.text("reason", "this connection is in that room"),
        Refusal::TooManyRooms { rooms_max } => {
            object.shown("reason", format_args!("a connection is in at most {rooms_max} rooms"))
        }
        Refusal::Full => object.text("reason", "there is no place left"),
        Refusal::MessageTooBig { bytes_max } => {
            object.shown("reason", format_args!("a message has at most {bytes_max} bytes"))
        }
        Refusal::LineTooLong => object.text("reason", "the line was too long and was skipped"),
        Refusal::NotUtf8 => object.text("reason", "the line was not UTF-8 and was skipped"),
        Refusal::Busy { .. } => object.text("reason", "too much waits for them already"),
        Refusal::RateLimited { .. } => object.text("reason", "too much in too short a time"),
    };
    object.end();
}

fn render_goodbye(goodbye: Goodbye, out: &mut Vec<u8>) {
    let (reason, reconnect, retry_ms) = match goodbye {
        Goodbye::Quit => ("quit", false, None),
        Goodbye::Idle { .. } => ("idle", true, Some(IDLE_RETRY_MS)),
        // It would take the name back, and be replaced in its turn.
        Goodbye::Replaced => ("replaced", false, None),
        Goodbye::RateAbuse => ("rate_abuse", true, Some(RATE_ABUSE_RETRY_MS)),
        Goodbye::TooSlow => ("slow", true, Some(SLOW_RETRY_MS)),
        Goodbye::Stopping => ("stop", false, None),
        Goodbye::Restarting { retry_ms } => ("restart", true, Some(retry_ms)),
    };
    let mut object = Object::begin("bye", None, out);
    object.text("reason", reason).flag("reconnect", reconnect);
    if let Some(retry_ms) = retry_ms {
        object.number("retry_ms", retry_ms);
    }
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Rename;
    use crate::wire::samples::any_material;
    use crate::wire::{BadName, BadRoomName, Data, Name, Position};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ID: Option<RequestId> = Some(RequestId::Unsigned(7));

    fn rendered(id: Option<RequestId>, event: Event<'_>) -> String {
        let mut out = Vec::new();
        render(id, &event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_examples_of_the_protocol() {
        let limits =
            LimitsTold { message_bytes: 4096, publish_per_second: 10, burst: 20, rooms: 32, history: 100 };
        let joined = Event::Joined {
            room: "lobby",
            epoch: "k3f9",
            seq: 57,
            from: 43,
            count: 15,
            resumed: Resumed::Yes,
            members: 12,
        };
        let message = Message {
            room: "lobby",
            seq: 22,
            name: "bob",
            key: None,
            at: 1795000000001,
            data: Data::Text("morning"),
        };
        let cases = [
            (
                Some(1),
                Event::Welcome { connection: "c81f", name: "ann", secret: "Xq3", ping_ms: 25000, limits },
                concat!(
                    r#"{"type":"welcome","id":1,"version":1,"connection":"c81f","name":"ann","secret":"Xq3","ack":"memory","#,
                    r#""ping_ms":25000,"limits":{"message_bytes":4096,"publish_per_second":10,"burst":20,"rooms":32,"history":100}}"#,
                ),
            ),
            (
                Some(2),
                Event::Joined {
                    room: "lobby",
                    epoch: "k3f9",
                    seq: 41,
                    from: 22,
                    count: 20,
                    resumed: Resumed::NotAsked,
                    members: 12,
                },
                r#"{"type":"joined","id":2,"room":"lobby","epoch":"k3f9","seq":41,"from":22,"count":20,"members":12}"#,
            ),
            (
                Some(2),
                joined,
                r#"{"type":"joined","id":2,"room":"lobby","epoch":"k3f9","seq":57,"resumed":true,"from":43,"count":15,"members":12}"#,
            ),
            (
                None,
                Event::Message(message),
                r#"{"type":"message","room":"lobby","seq":22,"name":"bob","at":1795000000001,"data":"morning"}"#,
            ),
            (
                None,
                Event::Message(Message {
                    seq: 42,
                    name: "ann",
                    key: Some("a9-7"),
                    at: 1795000000123,
                    data: Data::Json(r#""hi""#),
                    ..message
                }),
                r#"{"type":"message","room":"lobby","seq":42,"name":"ann","key":"a9-7","at":1795000000123,"data":"hi"}"#,
            ),
            (
                Some(7),
                Event::Published { room: "lobby", seq: 42, at: 1795000000123, is_duplicate: false },
                r#"{"type":"ok","id":7,"room":"lobby","seq":42,"at":1795000000123}"#,
            ),
            (
                Some(8),
                Event::Published { room: "lobby", seq: 57, at: 1795000000456, is_duplicate: true },
                r#"{"type":"ok","id":8,"room":"lobby","seq":57,"at":1795000000456,"duplicate":true}"#,
            ),
            (
                None,
                Event::Gap { room: "lobby", epoch: "k3f9", from: 58, to: 912, reason: GapReason::Slow },
                r#"{"type":"gap","room":"lobby","epoch":"k3f9","from":58,"to":912,"reason":"slow"}"#,
            ),
            (
                Some(9),
                Event::Refused(Refusal::RateLimited { retry_ms: 1500 }),
                r#"{"type":"error","id":9,"code":"rate_limited","retry_ms":1500,"reason":"too much in too short a time"}"#,
            ),
            (
                None,
                Event::Presence {
                    room: "lobby",
                    changes: Changes::Named { joined: &["cyn"], left: &["eve"], renamed: &[] },
                    members: 1204,
                },
                r#"{"type":"presence","room":"lobby","joined":["cyn"],"left":["eve"],"members":1204}"#,
            ),
            (
                None,
                Event::Presence {
                    room: "lobby",
                    changes: Changes::Named {
                        joined: &["cyn"],
                        left: &[],
                        renamed: &[Rename { from: "bob", to: "robert" }],
                    },
                    members: 3,
                },
                r#"{"type":"presence","room":"lobby","joined":["cyn","robert"],"left":["bob"],"renamed":[{"from":"bob","to":"robert"}],"members":3}"#,
            ),
            (
                None,
                Event::Goodbye(Goodbye::Restarting { retry_ms: 7312 }),
                r#"{"type":"bye","reason":"restart","reconnect":true,"retry_ms":7312}"#,
            ),
        ];
        for (id, event, json) in cases {
            assert_eq!(rendered(id.map(RequestId::Unsigned), event), json);
        }
    }

    #[test]
    fn what_has_no_example() {
        let not_resumed = |resumed| Event::Joined {
            room: "dev",
            epoch: "k3f9",
            seq: 57,
            from: 58,
            count: 0,
            resumed,
            members: 1,
        };
        let kept: [&[u8]; 2] = [b"{\"seq\":1}", b"{\"seq\":2}"];
        let cases = [
            (
                not_resumed(Resumed::Epoch { oldest: 1 }),
                r#"{"type":"joined","id":7,"room":"dev","epoch":"k3f9","seq":57,"resumed":false,"reason":"epoch","oldest":1,"from":58,"count":0,"members":1}"#,
            ),
            (
                not_resumed(Resumed::Ahead { oldest: 1 }),
                r#"{"type":"joined","id":7,"room":"dev","epoch":"k3f9","seq":57,"resumed":false,"reason":"ahead","oldest":1,"from":58,"count":0,"members":1}"#,
            ),
            (
                not_resumed(Resumed::Trimmed { oldest: 9 }),
                r#"{"type":"joined","id":7,"room":"dev","epoch":"k3f9","seq":57,"resumed":false,"reason":"trimmed","oldest":9,"from":58,"count":0,"members":1}"#,
            ),
            (Event::Renamed { name: "ann" }, r#"{"type":"ok","id":7}"#),
            (Event::Done { room: None }, r#"{"type":"ok","id":7}"#),
            (Event::Done { room: Some("dev") }, r#"{"type":"ok","id":7,"room":"dev"}"#),
            (
                Event::History { room: "dev", epoch: "k3f9", messages: &kept, has_more: true },
                r#"{"type":"history","id":7,"room":"dev","epoch":"k3f9","messages":[{"seq":1},{"seq":2}],"more":true}"#,
            ),
            (
                Event::History { room: "dev", epoch: "k3f9", messages: &[], has_more: false },
                r#"{"type":"history","id":7,"room":"dev","epoch":"k3f9","messages":[],"more":false}"#,
            ),
            (
                Event::Members { room: "dev", members: 3, names: &["ann", "b\"b"], next: Some("b\"b") },
                r#"{"type":"members","id":7,"room":"dev","count":3,"names":["ann","b\"b"],"next":"b\"b"}"#,
            ),
            (
                Event::Members { room: "dev", members: 1, names: &["ann"], next: None },
                r#"{"type":"members","id":7,"room":"dev","count":1,"names":["ann"]}"#,
            ),
            (
                Event::Rooms { rooms: &[("dev", 3), ("lobby", 12)], next: Some("lobby") },
                r#"{"type":"rooms","id":7,"rooms":[{"room":"dev","members":3},{"room":"lobby","members":12}],"next":"lobby"}"#,
            ),
            (Event::Rooms { rooms: &[], next: None }, r#"{"type":"rooms","id":7,"rooms":[]}"#),
            (Event::Pong { at: 1795000000000 }, r#"{"type":"pong","id":7,"at":1795000000000}"#),
        ];
        for (event, json) in cases {
            assert_eq!(rendered(ID, event), json);
        }
        let direct = Event::Direct { from: "bob", to: "ann", at: 5, data: Data::Json("[1]") };
        assert_eq!(rendered(None, direct), r#"{"type":"direct","name":"bob","at":5,"data":[1]}"#);
        let counted = Changes::Counted { joined: 312, left: 4, renamed: 1 };
        let presence = Event::Presence { room: "dev", changes: counted, members: 8123 };
        assert_eq!(rendered(None, presence), r#"{"type":"presence","room":"dev","members":8123}"#);
        let named = Changes::Named { joined: &[], left: &["eve"], renamed: &[] };
        let presence = Event::Presence { room: "dev", changes: named, members: 2 };
        assert_eq!(
            rendered(None, presence),
            r#"{"type":"presence","room":"dev","joined":[],"left":["eve"],"members":2}"#
        );
    }

    #[test]
    fn every_refusal_has_its_code() {
        let cases = [
            (Refusal::UnknownCommand("x"), "unknown_type", "there is no such type of request"),
            (Refusal::BadRequest("`room` is missing"), "bad_request", "`room` is missing"),
            (Refusal::BadName(BadName::Length), "bad_name", "a name has 1 to 32 characters"),
            (Refusal::NameTaken(Name::new("ann").unwrap()), "name_taken", "somebody else has this name"),
            (
                Refusal::NameTaken(Name::new("Guest-7").unwrap()),
                "name_taken",
                "only the server gives names like guest-1",
            ),
            (
                Refusal::NameAlike(Name::new("ann").unwrap()),
                "name_taken",
                "somebody else has a name that looks like this one",
            ),
            (Refusal::NoSuchName("bob"), "no_such_name", "nobody here has this name"),
            (Refusal::BadRoomName(BadRoomName), "bad_room", "a room has 1 to 64 of A-Z a-z 0-9 . _ -"),
            (Refusal::NotJoined, "not_joined", "join the room first"),
            (Refusal::AlreadyJoined, "already_joined", "this connection is in that room"),
            (
                Refusal::TooManyRooms { rooms_max: 32 },
                "too_many_rooms",
                "a connection is in at most 32 rooms",
            ),
            (Refusal::MessageTooBig { bytes_max: 4096 }, "too_big", "a message has at most 4096 bytes"),
            (Refusal::LineTooLong, "too_big", "the line was too long and was skipped"),
            (Refusal::NotUtf8, "bad_request", "the line was not UTF-8 and was skipped"),
        ];
        for (refusal, code, reason) in cases {
            let json = format!(r#"{{"type":"error","id":7,"code":"{code}","reason":"{reason}"}}"#);
            assert_eq!(rendered(ID, Event::Refused(refusal)), json);
        }
        let full =
            r#"{"type":"error","id":7,"code":"denied","retry_ms":5000,"reason":"there is no place left"}"#;
        assert_eq!(rendered(ID, Event::Refused(Refusal::Full)), full);
    }

    #[test]
    fn every_goodbye_says_whether_to_come_back_and_when() {
        let cases = [
            (Goodbye::Quit, r#""quit","reconnect":false"#),
            (Goodbye::Idle { secs: 300 }, r#""idle","reconnect":true,"retry_ms":1000"#),
            (Goodbye::Replaced, r#""replaced","reconnect":false"#),
            (Goodbye::RateAbuse, r#""rate_abuse","reconnect":true,"retry_ms":10000"#),
            (Goodbye::TooSlow, r#""slow","reconnect":true,"retry_ms":5000"#),
            (Goodbye::Stopping, r#""stop","reconnect":false"#),
        ];
        for (goodbye, rest) in cases {
            let json = format!(r#"{{"type":"bye","reason":{rest}}}"#);
            assert_eq!(rendered(None, Event::Goodbye(goodbye)), json);
        }
    }

    #[test]
    fn what_only_people_ask_for_is_not_told_to_programs() {
        let at = Some(Position { epoch: "k3f9", seq: 41 });
        for event in [
            Event::EchoIs(true),
            Event::ShowSeqIs { is_on: true, at },
            Event::Help { usage: "/who", purpose: "tell who is here" },
        ] {
            assert_eq!(rendered(ID, event), "");
        }
    }

    #[test]
    fn an_id_is_the_number_that_it_was() {
        let cases = [
            (RequestId::Unsigned(0), "0"),
            (RequestId::Unsigned(u64::MAX), "18446744073709551615"),
            (RequestId::Signed(i64::MIN), "-9223372036854775808"),
            (RequestId::Float(1.5), "1.5"),
            (RequestId::Float(7.0), "7.0"),
            (RequestId::Float(1e300), "1e300"),
            (RequestId::Float(-2.5e-9), "-2.5e-9"),
        ];
        for (id, shown) in cases {
            let json = rendered(Some(id), Event::Done { room: None });
            assert_eq!(json, format!(r#"{{"type":"ok","id":{shown}}}"#));
        }
    }

    /// The object that tells of an event, built by the library; `None` where there is none.
    fn plainly(event: &Event<'_>) -> Option<Value> {
        let parsed = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
        let said = |data| match data {
            Data::Text(text) => json!(text),
            Data::Json(json) => parsed(json.as_bytes()),
        };
        let mut object = match *event {
            Event::Welcome { connection, name, secret, ping_ms, limits } => json!({
                "type": "welcome", "version": 1, "connection": connection, "name": name, "secret": secret,
                "ack": "memory", "ping_ms": ping_ms, "limits": {
                    "message_bytes": limits.message_bytes, "publish_per_second": limits.publish_per_second,
                    "burst": limits.burst, "rooms": limits.rooms, "history": limits.history,
                },
            }),
            Event::Renamed { .. } => json!({"type": "ok"}),
            Event::Joined { room, epoch, seq, from, count, resumed, members } => {
                let (resumed, reason, oldest) = match resumed {
                    Resumed::NotAsked => (None, None, None),
                    Resumed::Yes => (Some(true), None, None),
                    Resumed::Epoch { oldest } => (Some(false), Some("epoch"), Some(oldest)),
                    Resumed::Ahead { oldest } => (Some(false), Some("ahead"), Some(oldest)),
                    Resumed::Trimmed { oldest } => (Some(false), Some("trimmed"), Some(oldest)),
                };
                json!({
                    "type": "joined", "room": room, "epoch": epoch, "seq": seq, "resumed": resumed,
                    "reason": reason, "oldest": oldest, "from": from, "count": count, "members": members,
                })
            }
            Event::Done { room } => json!({"type": "ok", "room": room}),
            Event::Published { room, seq, at, is_duplicate } => json!({
                "type": "ok", "room": room, "seq": seq, "at": at, "duplicate": is_duplicate.then_some(true),
            }),
            Event::Message(Message { room, seq, name, key, at, data }) => {
                let mut object = json!({
                    "type": "message", "room": room, "seq": seq, "name": name, "key": key, "at": at,
                });
                object["data"] = said(data);
                object
            }
            Event::History { room, epoch, messages, has_more } => json!({
                "type": "history", "room": room, "epoch": epoch, "more": has_more,
                "messages": messages.iter().map(|json| parsed(json)).collect::<Vec<_>>(),
            }),
            Event::Gap { room, epoch, from, to, reason: GapReason::Slow } => {
                json!({"type": "gap", "room": room, "epoch": epoch, "from": from, "to": to, "reason": "slow"})
            }
            Event::Presence { room, changes: Changes::Named { joined, left, renamed }, members } => {
                let before: Vec<&str> =
                    left.iter().copied().chain(renamed.iter().map(|it| it.from)).collect();
                let after: Vec<&str> = joined.iter().copied().chain(renamed.iter().map(|it| it.to)).collect();
                let minus = |some: &[&str], others: &[&str]| -> Vec<String> {
                    some.iter().filter(|it| !others.contains(it)).map(|it| (*it).to_owned()).collect()
                };
                // A name can be in both lists by chance only where a rename says so.
                let has_renamed = !renamed.is_empty();
                let joined = if has_renamed { minus(&after, &before) } else { minus(joined, &[]) };
                let left = if has_renamed { minus(&before, &after) } else { minus(left, &[]) };
                let renamed: Vec<Value> =
                    renamed.iter().map(|it| json!({"from": it.from, "to": it.to})).collect();
                json!({
                    "type": "presence", "room": room, "joined": joined, "left": left,
                    "renamed": has_renamed.then_some(renamed), "members": members,
                })
            }
            Event::Presence { room, changes: Changes::Counted { .. }, members } => {
                json!({"type": "presence", "room": room, "members": members})
            }
            Event::Members { room, members, names, next } => {
                json!({"type": "members", "room": room, "count": members, "names": names, "next": next})
            }
            Event::Rooms { rooms, next } => {
                let rooms = rooms.iter().map(|(room, members)| json!({"room": room, "members": members}));
                json!({"type": "rooms", "rooms": rooms.collect::<Vec<_>>(), "next": next})
            }
            Event::Direct { from, at, data, .. } => {
                json!({"type": "direct", "name": from, "at": at, "data": said(data)})
            }
            Event::Pong { at } => json!({"type": "pong", "at": at}),
            Event::Refused(_) | Event::Goodbye(_) => return None,
            Event::EchoIs(_) | Event::ShowSeqIs { .. } | Event::Help { .. } => return None,
        };
        let data = object.get("data").cloned();
        object.as_object_mut()?.retain(|_, value| !value.is_null());
        if let Some(data) = data {
            object["data"] = data;
        }
        object["id"] = json!(7);
        if matches!(event, Event::Message(_)) {
            object.as_object_mut()?.remove("id");
        }
        Some(object)
    }

    proptest! {
        #[test]
        fn every_event_is_the_object_that_the_library_builds(material in any_material()) {
            let mut result = Ok(());
            material.each_event(&mut |event| {
                let shown = rendered(ID, *event);
                let is_fine = match plainly(event) {
                    Some(object) => serde_json::from_str::<Value>(&shown).is_ok_and(|value| value == object),
                    None => shown.is_empty() || serde_json::from_str::<Value>(&shown).is_ok_and(|value| value.is_object()),
                };
                if !is_fine && result.is_ok() {
                    result = Err(TestCaseError::fail(format!("{event:?} is {shown}")));
                }
            });
            result?;
        }
    }
}
