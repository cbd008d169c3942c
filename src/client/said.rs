//! What a server says in JSON, read.
//!
//! ```text
//!     {"type":"ok","id":7,"room":"lobby","seq":42,"at":1795000000123}      Said::Ok { id: Some(7), seq: Some(42), .. }
//!     {"type":"weather","sky":"blue"}                                      Said::Unknown("weather")
//!     {"type":"message","room":"lobby"}                                    an error: a message has a seq
//! ```
//!
//! A server may be newer than we are: fields that we do not know are passed over, and a type that we do not know is told
//! as such. What is no object, or lacks what its type must have, is an error, and the connection goes on.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One object, borrowed from its text wherever nothing in it is escaped.
#[derive(Debug)]
pub enum Said<'a> {
    /// We are known now.
    Welcome(Welcome<'a>),
    /// We are in a room.
    Joined(Joined<'a>),
    /// Somebody says something.
    Message(Message<'a>),
    /// A request was met; if it was a publish, with its place.
    Ok {
        /// Of the request.
        id: Option<u64>,
        /// The number of what was published.
        seq: Option<u64>,
        /// When, in milliseconds since 1970.
        at: Option<u64>,
        /// It had been published before.
        is_duplicate: bool,
    },
    /// A request was not met.
    Error {
        /// Of the request.
        id: Option<u64>,
        /// For programs.
        code: Cow<'a, str>,
        /// For humans.
        reason: Cow<'a, str>,
        /// When to try again.
        retry_ms: Option<u64>,
    },
    /// These messages will not come.
    Gap {
        /// Where.
        room: Cow<'a, str>,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Others came and went.
    Presence {
        /// Where.
        room: Cow<'a, str>,
        /// Names that were not there before, those of renamed members included.
        joined: Vec<Cow<'a, str>>,
        /// Names that are not there any more, likewise.
        left: Vec<Cow<'a, str>>,
        /// Members that are called otherwise.
        renamed: Vec<Rename<'a>>,
        /// How many are there now.
        members: u64,
    },
    /// A page of earlier messages.
    History {
        /// Of the request.
        id: Option<u64>,
        /// The life of the room's numbering.
        epoch: Cow<'a, str>,
        /// In order.
        messages: Vec<Message<'a>>,
        /// Whether there are more.
        has_more: bool,
    },
    /// Who is in a room.
    Members {
        /// Of the request.
        id: Option<u64>,
        /// How many.
        count: u64,
        /// Some of them.
        names: Vec<Cow<'a, str>>,
        /// Where the rest begins.
        next: Option<Cow<'a, str>>,
    },
    /// Which rooms there are.
    Rooms {
        /// Of the request.
        id: Option<u64>,
        /// Some of them, and how many are in each.
        rooms: Vec<(Cow<'a, str>, u64)>,
        /// Where the rest begins.
        next: Option<Cow<'a, str>>,
    },
    /// Somebody says something to us alone.
    Direct {
        /// Who.
        name: Cow<'a, str>,
        /// When, in milliseconds since 1970.
        at: u64,
        /// What, as JSON.
        data: &'a str,
    },
    /// The answer to a ping.
    Pong {
        /// Of the request.
        id: Option<u64>,
    },
    /// The connection is about to end.
    Bye {
        /// Why, in a word.
        reason: Cow<'a, str>,
        /// Whether to come back.
        reconnect: bool,
        /// When.
        retry_ms: Option<u64>,
    },
    /// Something that we do not know.
    Unknown(Cow<'a, str>),
}

/// See [`Said::Welcome`].
#[derive(Debug)]
pub struct Welcome<'a> {
    /// What we are called.
    pub name: Cow<'a, str>,
    /// Takes the name back after the connection is lost.
    pub secret: Option<Cow<'a, str>>,
    /// How often a silent connection is sent a Ping.
    pub ping_ms: Option<u64>,
    /// What we may do.
    pub limits: Limits,
}

/// What a client may do. What a server does not say is not limited.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Limits {
    /// Bytes of `data` in one message.
    pub message_bytes: usize,
    /// Messages a second, in the long run; 0 for any number.
    pub publish_per_second: u64,
    /// Messages that a room keeps.
    pub history: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { message_bytes: usize::MAX, publish_per_second: 0, history: u64::MAX }
    }
}

/// See [`Said::Joined`].
#[derive(Debug)]
pub struct Joined<'a> {
    /// Of the request.
    pub id: Option<u64>,
    /// The room.
    pub room: Cow<'a, str>,
    /// The life of its numbering.
    pub epoch: Cow<'a, str>,
    /// The newest message; 0 for none.
    pub seq: u64,
    /// The first of those that follow at once.
    pub from: u64,
    /// How many these are.
    pub count: u64,
    /// Whether they are what was asked for, if anything was.
    pub resumed: Option<bool>,
    /// Why not.
    pub reason: Option<Cow<'a, str>>,
    /// How many are in the room.
    pub members: u64,
}

/// See [`Said::Message`].
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    /// Where.
    #[serde(borrow)]
    pub room: Cow<'a, str>,
    /// Its number.
    pub seq: u64,
    /// Who says it.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The publisher's key.
    #[serde(borrow, default)]
    pub key: Option<Cow<'a, str>>,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What, as JSON.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// Why something is nothing that a server says.
#[derive(Debug)]
pub enum SaidError {
    /// It is not an object of JSON, or a field in it has the wrong type.
    Json(serde_json::Error),
    /// A field is missing that its type must have.
    Missing(&'static str),
}

impl std::fmt::Display for SaidError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SaidError::Json(error) => error.fmt(f),
            SaidError::Missing(field) => write!(f, "`{field}` is missing"),
        }
    }
}

impl std::error::Error for SaidError {}

/// Every field of every type. One pass over the text finds them all; which must be there is judged then.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: Option<u64>,
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    epoch: Option<Cow<'a, str>>,
    seq: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
    count: Option<u64>,
    members: Option<u64>,
    resumed: Option<bool>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    secret: Option<Cow<'a, str>>,
    ping_ms: Option<u64>,
    limits: Option<Limits>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    at: Option<u64>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    duplicate: Option<bool>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    retry_ms: Option<u64>,
    #[serde(borrow)]
    joined: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    left: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    renamed: Option<Vec<Rename<'a>>>,
    #[serde(borrow)]
    messages: Option<Vec<Message<'a>>>,
    more: Option<bool>,
    #[serde(borrow)]
    names: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    next: Option<Cow<'a, str>>,
    #[serde(borrow)]
    rooms: Option<Vec<RoomSize<'a>>>,
    reconnect: Option<bool>,
}

/// `null` is something that can be said.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A `Cow` in a list is borrowed only when it is told to be.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A member that is called otherwise.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Rename<'a> {
    /// Its old name.
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    /// Its new one.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
}

#[derive(Deserialize)]
struct RoomSize<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    members: u64,
}

impl<'a> Said<'a> {
    /// Reads one object.
    pub fn parse(text: &'a str) -> Result<Said<'a>, SaidError> {
        let fields: Fields<'a> = serde_json::from_str(text).map_err(SaidError::Json)?;
        let Fields { id, kind, at, seq, members, .. } = fields;
        let room = must(fields.room, "room");
        let epoch = must(fields.epoch, "epoch");
        let name = must(fields.name, "name");
        let data = must(fields.data, "data");
        let texts =
            |texts: Option<Vec<Text<'a>>>| texts.unwrap_or_default().into_iter().map(|it| it.0).collect();
        Ok(match &*kind {
            "welcome" => Said::Welcome(Welcome {
                name: name?,
                secret: fields.secret,
                ping_ms: fields.ping_ms,
                limits: fields.limits.unwrap_or_default(),
            }),
            "joined" => Said::Joined(Joined {
                id,
                room: room?,
                epoch: epoch?,
                seq: must(seq, "seq")?,
                from: must(fields.from, "from")?,
                count: must(fields.count, "count")?,
                resumed: fields.resumed,
                reason: fields.reason,
                members: must(members, "members")?,
            }),
            "message" => Said::Message(Message {
                room: room?,
                seq: must(seq, "seq")?,
                name: name?,
                key: fields.key,
                at: must(at, "at")?,
                data: data?,
            }),
            "ok" => Said::Ok { id, seq, at, is_duplicate: fields.duplicate.unwrap_or_default() },
            "error" => Said::Error {
                id,
                code: must(fields.code, "code")?,
                reason: fields.reason.unwrap_or_default(),
                retry_ms: fields.retry_ms,
            },
            "gap" => Said::Gap { room: room?, from: must(fields.from, "from")?, to: must(fields.to, "to")? },
            "presence" => Said::Presence {
                room: room?,
                joined: texts(fields.joined),
                left: texts(fields.left),
                renamed: fields.renamed.unwrap_or_default(),
                members: must(members, "members")?,
            },
            "history" => Said::History {
                id,
                epoch: epoch?,
                messages: must(fields.messages, "messages")?,
                has_more: fields.more.unwrap_or_default(),
            },
            "members" => Said::Members {
                id,
                count: must(fields.count, "count")?,
                names: texts(fields.names),
                next: fields.next,
            },
            "rooms" => Said::Rooms {
                id,
                rooms: must(fields.rooms, "rooms")?.into_iter().map(|it| (it.room, it.members)).collect(),
                next: fields.next,
            },
            "direct" => Said::Direct { name: name?, at: must(at, "at")?, data: data?.get() },
            "pong" => Said::Pong { id },
            "bye" => Said::Bye {
                reason: fields.reason.unwrap_or_default(),
                reconnect: fields.reconnect.unwrap_or_default(),
                retry_ms: fields.retry_ms,
            },
            _ => Said::Unknown(kind),
        })
    }
}

fn must<T>(field: Option<T>, name: &'static str) -> Result<T, SaidError> {
    field.ok_or(SaidError::Missing(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::any_material;
    use crate::wire::{Event, json};
    use proptest::prelude::*;

    fn said(text: &str) -> String {
        match Said::parse(text) {
            Ok(said) => format!("{said:?}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn the_examples_of_the_protocol() {
        for (text, expected) in [
            (
                r#"{"type":"ok","id":8,"room":"lobby","seq":57,"at":1795000000456,"duplicate":true}"#,
                "Ok { id: Some(8), seq: Some(57), at: Some(1795000000456), is_duplicate: true }",
            ),
            (
                r#"{"type":"gap","room":"lobby","epoch":"k3f9","from":58,"to":912,"reason":"slow"}"#,
                r#"Gap { room: "lobby", from: 58, to: 912 }"#,
            ),
            (
                r#"{"type":"bye","reason":"restart","reconnect":true,"retry_ms":7312}"#,
                r#"Bye { reason: "restart", reconnect: true, retry_ms: Some(7312) }"#,
            ),
            (
                r#"{"type":"presence","room":"lobby","joined":["c\u0079n"],"left":["eve"],"members":1204}"#,
                r#"Presence { room: "lobby", joined: ["cyn"], left: ["eve"], renamed: [], members: 1204 }"#,
            ),
            (
                r#"{"type":"presence","room":"lobby","joined":["robert"],"left":["bob"],"renamed":[{"from":"bob","to":"robert"}],"members":2}"#,
                r#"Presence { room: "lobby", joined: ["robert"], left: ["bob"], renamed: [Rename { from: "bob", to: "robert" }], members: 2 }"#,
            ),
        ] {
            assert_eq!(said(text), expected);
        }
        let joined = r#"{"type":"joined","id":2,"room":"lobby","epoch":"k","seq":57,"resumed":true,"from":43,"count":15,"members":12}"#;
        assert!(matches!(
            Said::parse(joined),
            Ok(Said::Joined(Joined {
                id: Some(2),
                seq: 57,
                from: 43,
                count: 15,
                resumed: Some(true),
                members: 12,
                ..
            }))
        ));
    }

    #[test]
    fn a_server_may_be_newer_than_we_are() {
        assert_eq!(said(r#"{"type":"weather","sky":"blue"}"#), r#"Unknown("weather")"#);
        assert_eq!(said(r#"{"sky":{"a":[1]},"type":"pong","id":3}"#), "Pong { id: Some(3) }");
        // And older, or another's.
        let Ok(Said::Welcome(welcome)) = Said::parse(r#"{"type":"welcome","name":"ann"}"#) else {
            panic!("it is a welcome")
        };
        assert_eq!((welcome.secret, welcome.limits), (None, Limits::default()));
    }

    #[test]
    fn what_no_server_says_is_an_error_and_no_panic() {
        for text in
            ["", "hi", "7", "[]", "{}", "{\"type\":7}", r#"{"type":"ok","seq":-1}"#, "{\"type\":\"ok\""]
        {
            assert!(said(text).starts_with("error: "), "{text}");
        }
        assert_eq!(said(r#"{"type":"message","room":"lobby"}"#), "error: `seq` is missing");
    }

    proptest! {
        #[test]
        fn whatever_our_server_renders_is_understood(material in any_material()) {
            material.each_event(&mut |event| {
                let mut out = Vec::new();
                json::render(None, event, &mut out);
                let text = std::str::from_utf8(&out).expect("it is text");
                if text.is_empty() {
                    return;
                }
                let said = Said::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert!(!matches!(said, Said::Unknown(_)), "{text}");
                if let (Event::Message(message), Said::Message(read)) = (event, &said) {
                    assert_eq!((message.seq, message.name, message.key), (read.seq, &*read.name, read.key.as_deref()));
                }
            });
        }

        #[test]
        fn no_bytes_make_it_panic(text in "\\PC*|[{}\",:a-z0-9\\\\]{0,60}") {
            let _ = Said::parse(&text);
        }
    }
}
