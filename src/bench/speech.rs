//! What is said in each dialect, and what the answers mean.
//!
//! Of what a room says, nearly all is messages, and they are told by their first bytes: no JSON is parsed for them. All the
//! rest is rare, and goes through a parser.

use super::hop::Change;
use super::plan::{Dialect, Plan};
use super::request::{Handshake, percent_encode};
use super::seating::Seating;
use super::template::{Template, Values};
use crate::client::{Outgoing, Scheme};
use serde::Deserialize;
use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;

/// The ids of requests, in the chat's JSON. Those of the course of a run, which are messages or changes of rooms, have
/// their number behind these.
const HELLO: u64 = 1;
const JOIN: u64 = 2;
const COURSE: u64 = 10;

/// What a server has said. Its rooms have the numbers that they have on that server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// Something that may hold a payload, and its place in the room, where it has one.
    Message {
        /// The room that it was said in, where that is told; [`ELSEWHERE`] for none of ours.
        room: Option<u32>,
        /// The room's number for it.
        position: Option<u64>,
        /// All of it.
        text: &'m [u8],
    },
    /// Who we are now.
    Welcome {
        /// The name.
        name: Cow<'m, str>,
        /// What takes the name back.
        secret: Cow<'m, str>,
    },
    /// We are in a room.
    Joined {
        /// Which, where that is told.
        room: Option<u32>,
        /// The number of the request that this answers, if that was a change of rooms.
        request: Option<u64>,
        /// The life of the numbering; empty where it has none.
        epoch: Cow<'m, str>,
        /// The newest message that there is.
        position: u64,
        /// Whether what we have missed will follow, where that was asked for.
        resumed: Option<bool>,
    },
    /// We are in a room no more.
    Left {
        /// Which, where that is told.
        room: Option<u32>,
        /// The number of the request that this answers.
        request: u64,
    },
    /// A message of ours was taken.
    Acked {
        /// Which.
        sequence: u64,
        /// Its place.
        position: u64,
        /// Whether it had been taken before.
        is_duplicate: bool,
    },
    /// A request of ours was refused: a message or a change of rooms, if it bears a sequence.
    Refused {
        /// Which.
        sequence: Option<u64>,
        /// Why, in a word.
        code: Cow<'m, str>,
    },
    /// These will not come.
    Gap {
        /// The room whose numbers these are, where that is told.
        room: Option<u32>,
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Anything else.
    Notice,
}

/// A room that is none of the run's.
pub const ELSEWHERE: u32 = u32::MAX;

/// Who comes back, and where it was.
#[derive(Clone, Debug, Default)]
pub struct Return<'a> {
    /// The name, and what takes it back.
    pub identity: Option<(&'a str, &'a str)>,
    /// The epoch of its home, and the last position there.
    pub since: Option<(&'a str, u64)>,
}

/// How a run talks.
#[derive(Clone, Debug)]
pub struct Speech {
    dialect: Dialect,
    is_websocket: bool,
    seating: Seating,
    /// The room, or what the names of several begin with.
    room: String,
    join_template: Template,
    send_template: Template,
    handshake: Handshake,
    /// What connections call themselves, if anything.
    name: Option<Template>,
    random: RandomState,
    self_echo: bool,
    /// Whether messages bear keys, so that they can be sent again.
    has_keys: bool,
    /// Whether a name is wanted that can be taken back.
    has_identity: bool,
    /// What a message begins with in the chat's JSON, up to the room's number or, if there is but one, through its name.
    message_start: Vec<u8>,
}

/// What follows the room's name in a message.
const ROOM_END: &[u8] = br#"","seq":"#;

/// A server's object, as far as it matters here.
#[derive(Deserialize)]
struct Object<'m> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'m, str>,
    id: Option<u64>,
    #[serde(borrow)]
    room: Option<Cow<'m, str>>,
    seq: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
    #[serde(borrow)]
    epoch: Option<Cow<'m, str>>,
    resumed: Option<bool>,
    duplicate: Option<bool>,
    #[serde(borrow)]
    name: Option<Cow<'m, str>>,
    #[serde(borrow)]
    secret: Option<Cow<'m, str>>,
    #[serde(borrow)]
    code: Option<Cow<'m, str>>,
}

impl Speech {
    /// How that plan talks. With `comes_back`, names and messages are such that a connection can go on where another ended.
    pub fn new(plan: &Plan, comes_back: bool) -> Speech {
        let is_json = plan.dialect == Dialect::Chinwag;
        let dash = if plan.rooms > 1 { "-" } else { "" };
        let variables = plan.templates.script.as_ref().map_or(&[][..], |script| &script.variables);
        Speech {
            dialect: plan.dialect,
            is_websocket: plan.servers.scheme() == Scheme::Ws,
            seating: Seating::of(plan),
            room: plan.room.clone() + dash,
            join_template: Template::parse_with(&plan.templates.join, variables),
            send_template: Template::parse_with(&plan.templates.send, variables),
            handshake: plan.handshake.clone(),
            name: plan.name.as_deref().map(Template::parse),
            random: RandomState::new(),
            self_echo: plan.self_echo,
            has_keys: is_json && comes_back,
            has_identity: is_json && comes_back,
            message_start: format!(r#"{{"type":"message","room":"{}{dash}"#, plan.room).into_bytes(),
        }
    }

    /// A room's name.
    pub fn room(&self, room: u32) -> Cow<'_, str> {
        self.room_numbered(self.seating.on_its_server(room))
    }

    /// The name of the room that has that number on its server.
    fn room_numbered(&self, number: u32) -> Cow<'_, str> {
        match self.has_rooms() {
            true => format!("{}{number}", self.room).into(),
            false => Cow::Borrowed(&*self.room),
        }
    }

    /// The name of a connection's home.
    pub fn home(&self, i: u32) -> Cow<'_, str> {
        self.room(self.seating.home(i))
    }

    /// The number on its server of the room of that name.
    fn room_called(&self, name: &str) -> u32 {
        let number = match (name.strip_prefix(&*self.room), self.has_rooms()) {
            (Some(""), false) => Some(0),
            (Some(number), true) => number.parse().ok().filter(|number| self.room_numbered(*number) == name),
            _ => None,
        };
        number.filter(|number| *number < self.seating.rooms_each()).unwrap_or(ELSEWHERE)
    }

    fn has_rooms(&self) -> bool {
        self.seating.rooms_each() > 1
    }

    /// The subprotocols that are offered.
    pub fn subprotocols(&self) -> &'static [&'static str] {
        match self.dialect {
            Dialect::Chinwag => &["chinwag.v1.json"],
            Dialect::ChinwagText => &["chat"],
            Dialect::Lines | Dialect::Raw | Dialect::Template => &[],
        }
    }

    /// What connection number `i` asks for at a server that names `target` in its URL.
    pub fn target<'a>(&self, i: u32, target: &'a str) -> Cow<'a, str> {
        match self.dialect {
            Dialect::ChinwagText if !target.contains("room=") => {
                let joint = if target.contains('?') { '&' } else { '?' };
                let room = self.home(i);
                let name = self.name.as_ref().map_or_else(String::new, |name| {
                    format!("&name={}", percent_encode(&name.filled(&self.values(i, 0, &room))))
                });
                format!("{target}{joint}room={room}{name}").into()
            }
            _ => Cow::Borrowed(target),
        }
    }

    /// Whether it can be spoken there.
    pub fn fits(&self, scheme: Scheme) -> bool {
        match self.dialect {
            Dialect::Chinwag | Dialect::ChinwagText => scheme == Scheme::Ws,
            Dialect::Lines => scheme == Scheme::Tcp,
            Dialect::Raw | Dialect::Template => true,
        }
    }

    /// Whether there are acknowledgements and positions.
    pub fn has_positions(&self) -> bool {
        self.dialect == Dialect::Chinwag
    }

    /// Whether a message of the server may hold several payloads, or one more than once: a server may put what waits for a
    /// connection into one frame, and may repeat a text in several forms.
    pub fn is_foreign(&self) -> bool {
        matches!(self.dialect, Dialect::Raw | Dialect::Template)
    }

    /// Whether whatever is said has to be a payload of ours.
    pub fn is_bare(&self) -> bool {
        self.dialect == Dialect::Raw
    }

    /// What connection number `i` says first, message by message; `saved` is what a script has saved on it. Returns in how
    /// many rooms it will hear that it is.
    pub fn open(&self, i: u32, back: &Return<'_>, saved: &[String], mut say: impl FnMut(&str)) -> u32 {
        let home = self.seating.home(i);
        match self.dialect {
            Dialect::Chinwag => {
                if self.has_identity || self.self_echo || self.name.is_some() {
                    say(&self.hello(i, back));
                }
                let mut rooms = 0;
                for room in self.seating.rooms_of(i) {
                    let mut join = format!(r#"{{"type":"join","id":{JOIN},"room":"{}""#, self.room(room));
                    // In the others nobody has said anything that could have been missed.
                    if let (Some((epoch, position)), true) = (back.since, room == home) {
                        join += &format!(r#","since":{{"epoch":"{epoch}","seq":{position}}}"#);
                    }
                    say(&(join + "}"));
                    rooms += 1;
                }
                rooms
            }
            Dialect::ChinwagText => 1,
            Dialect::Lines => {
                say(&format!("/join {}", self.room(home)));
                1
            }
            Dialect::Raw => 0,
            Dialect::Template => {
                if !self.join_template.is_empty() {
                    say(&self.fill(&self.join_template, i, 0, saved));
                }
                0
            }
        }
    }

    /// What stands in the templates of connection number `i`, whose home is `room`.
    fn values<'a>(&'a self, i: u32, sequence: u64, room: &'a str) -> Values<'a> {
        let random = self.random.hash_one((i, sequence));
        Values { connection: i, room, sequence, random, token: self.handshake.token(i), saved: &[] }
    }

    /// A text of a script, for connection number `i`.
    pub fn fill(&self, template: &Template, i: u32, sequence: u64, saved: &[String]) -> String {
        template.filled(&Values { saved, ..self.values(i, sequence, &self.home(i)) })
    }

    fn hello(&self, i: u32, back: &Return<'_>) -> String {
        let mut hello = format!(r#"{{"type":"hello","id":{HELLO}"#);
        if let Some((name, secret)) = back.identity {
            hello += &format!(r#","name":"{name}","secret":"{secret}""#);
        } else if let Some(name) = &self.name {
            let name = name.filled(&self.values(i, 0, &self.home(i)));
            hello += &format!(r#","name":{}"#, serde_json::Value::from(name));
        }
        if self.self_echo {
            hello += r#","echo":true"#;
        }
        hello + "}"
    }

    /// What follows once it is in its rooms.
    pub fn settle(&self, mut say: impl FnMut(&str)) {
        if self.self_echo && matches!(self.dialect, Dialect::ChinwagText | Dialect::Lines) {
            say("/echo on");
        }
    }

    /// Asks whether the server is there. Returns whether that can be asked.
    pub fn ping(&self, out: &mut Outgoing) -> bool {
        match (self.is_websocket, self.dialect) {
            (true, _) => out.ping(b""),
            (false, Dialect::Lines) => out.text("/ping"),
            // What a payload is to be alone for has no other words.
            (false, _) => return false,
        }
        true
    }

    /// One message to the home of connection number `i`: what goes before the payload is appended, then the payload by
    /// `payload`, then what goes behind it. `saved` is what a script has saved on the connection.
    pub fn say(
        &self,
        i: u32,
        sequence: u64,
        saved: &[String],
        out: &mut Vec<u8>,
        mut payload: impl FnMut(&mut Vec<u8>),
    ) {
        match self.dialect {
            Dialect::Chinwag => {
                let id = COURSE + sequence;
                let home = self.room(self.seating.home(i));
                let _ = write!(out, r#"{{"type":"publish","id":{id},"room":"{home}","#);
                if self.has_keys {
                    let _ = write!(out, r#""key":"{sequence}","#);
                }
                out.extend_from_slice(br#""data":""#);
                payload(out);
                out.extend_from_slice(br#""}"#);
            }
            Dialect::ChinwagText | Dialect::Lines | Dialect::Raw => payload(out),
            Dialect::Template => {
                let room = self.home(i);
                let values = Values { saved, ..self.values(i, sequence, &room) };
                self.send_template.fill(&values, out, payload);
            }
        }
    }

    /// A change of rooms, request by request.
    pub fn change(&self, change: &Change, mut say: impl FnMut(&str)) {
        let id = COURSE + change.request;
        let (from, to) = (self.room(change.from), self.room(change.to));
        say(&format!(r#"{{"type":"leave","id":{id},"room":"{from}"}}"#));
        say(&format!(r#"{{"type":"join","id":{},"room":"{to}"}}"#, id + 1));
    }

    /// What a message or a line means.
    #[inline]
    pub fn hear<'m>(&self, text: &'m str) -> Heard<'m> {
        match self.dialect {
            Dialect::Chinwag => match self.place(text.as_bytes()) {
                Some((room, position)) => {
                    Heard::Message { room: Some(room), position: Some(position), text: text.as_bytes() }
                }
                None => self.hear_object(text),
            },
            Dialect::ChinwagText | Dialect::Lines if text.starts_with("* ") => self.hear_notice(text),
            _ => Heard::Message { room: None, position: None, text: text.as_bytes() },
        }
    }

    /// The room and the position of a message of ours, as our own server writes them.
    #[inline]
    fn place(&self, text: &[u8]) -> Option<(u32, u64)> {
        let rest = text.strip_prefix(&*self.message_start)?;
        let (room, rest) = if self.has_rooms() { digits(rest)? } else { (0, rest) };
        let (position, _) = digits(rest.strip_prefix(ROOM_END)?)?;
        Some((u32::try_from(room).unwrap_or(ELSEWHERE), position))
    }

    fn hear_notice<'m>(&self, text: &'m str) -> Heard<'m> {
        let name = text.strip_prefix("* ").and_then(|text| text.split_once(": "));
        if let Some((name, _)) = name
            && let room = self.room_called(name)
            && room != ELSEWHERE
        {
            return Heard::Joined {
                room: Some(room),
                request: None,
                epoch: Cow::Borrowed(""),
                position: 0,
                resumed: None,
            };
        }
        if text.starts_with("* slow down: ") {
            return Heard::Refused { sequence: Some(u64::MAX), code: Cow::Borrowed("rate_limited") };
        }
        if text.starts_with("* too big: ") {
            return Heard::Refused { sequence: Some(u64::MAX), code: Cow::Borrowed("too_big") };
        }
        let missed = || {
            let (range, _) = text.strip_prefix("* missed ")?.split_once(' ')?;
            let rest = text.strip_prefix("* missed ")?.strip_prefix(range)?;
            let from = range.parse().ok()?;
            let to = match rest.strip_prefix(" to ") {
                Some(rest) => rest.split(' ').next()?.parse().ok()?,
                None => from,
            };
            Some(Heard::Gap { room: None, from, to })
        };
        missed().unwrap_or(Heard::Notice)
    }

    /// What an object means that is no message as our own server writes them.
    fn hear_object<'m>(&self, text: &'m str) -> Heard<'m> {
        let Ok(object) = serde_json::from_str::<Object<'_>>(text) else { return Heard::Notice };
        let sequence = object.id.and_then(|id| id.checked_sub(COURSE));
        let room = object.room.as_deref().map(|name| self.room_called(name));
        match (&*object.kind, object.seq) {
            ("message", position) => Heard::Message { room, position, text: text.as_bytes() },
            ("ok", Some(position)) => match sequence {
                Some(sequence) => {
                    Heard::Acked { sequence, position, is_duplicate: object.duplicate == Some(true) }
                }
                None => Heard::Notice,
            },
            ("ok", None) => sequence.map_or(Heard::Notice, |request| Heard::Left { room, request }),
            ("welcome", _) => Heard::Welcome {
                name: object.name.unwrap_or_default(),
                secret: object.secret.unwrap_or_default(),
            },
            ("joined", Some(position)) => Heard::Joined {
                room,
                request: sequence,
                epoch: object.epoch.unwrap_or_default(),
                position,
                resumed: object.resumed,
            },
            ("error", _) => Heard::Refused { sequence, code: object.code.unwrap_or_default() },
            ("gap", _) => match (object.from, object.to) {
                (Some(from), Some(to)) => Heard::Gap { room, from, to },
                _ => Heard::Notice,
            },
            _ => Heard::Notice,
        }
    }
}

/// The number at the beginning, and what follows it.
#[inline]
fn digits(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            _ if at == 0 => return None,
            _ => return Some((number, &bytes[at..])),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;

    fn speech(dialect: Dialect, comes_back: bool) -> Speech {
        let mut plan = plan();
        (plan.dialect, plan.connections) = (dialect, 10);
        plan.room = "dev".into();
        plan.templates.join = r#"{"join":"{room}","as":{i}}"#.into();
        plan.templates.send = r#"{"say":"{payload}","in":"{room}","as":{i}}"#.into();
        Speech::new(&plan, comes_back)
    }

    fn opened(speech: &Speech, back: &Return<'_>) -> (u32, Vec<String>) {
        let mut said = Vec::new();
        let rooms = speech.open(7, back, &[], |text| said.push(text.to_owned()));
        (rooms, said)
    }

    fn said(speech: &Speech) -> String {
        let mut out = Vec::new();
        speech.say(7, 3, &[], &mut out, |out| out.extend_from_slice(b"PAYLOAD"));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_dialect_joins_and_speaks_in_its_own_way() {
        let back = Return { identity: Some(("ann", "s3")), since: Some(("k3f9", 42)) };
        let json = speech(Dialect::Chinwag, false);
        assert_eq!(opened(&json, &Return::default()).1, [r#"{"type":"join","id":2,"room":"dev"}"#]);
        assert_eq!(said(&json), r#"{"type":"publish","id":13,"room":"dev","data":"PAYLOAD"}"#);
        let keyed = speech(Dialect::Chinwag, true);
        assert_eq!(
            opened(&keyed, &back).1,
            [
                r#"{"type":"hello","id":1,"name":"ann","secret":"s3"}"#,
                r#"{"type":"join","id":2,"room":"dev","since":{"epoch":"k3f9","seq":42}}"#,
            ]
        );
        assert_eq!(said(&keyed), r#"{"type":"publish","id":13,"room":"dev","key":"3","data":"PAYLOAD"}"#);
        let lines = speech(Dialect::Lines, false);
        assert_eq!((opened(&lines, &back).1, &*said(&lines)), (vec!["/join dev".to_owned()], "PAYLOAD"));
        let text = speech(Dialect::ChinwagText, false);
        assert_eq!(opened(&text, &back), (1, vec![]));
        assert_eq!(
            (&*text.target(7, "/ws"), &*text.target(7, "/ws?a=b")),
            ("/ws?room=dev", "/ws?a=b&room=dev")
        );
        let raw = speech(Dialect::Raw, false);
        assert_eq!((opened(&raw, &back), &*said(&raw)), ((0, vec![]), "PAYLOAD"));
        let template = speech(Dialect::Template, false);
        assert_eq!(opened(&template, &back), (0, vec![r#"{"join":"dev","as":7}"#.to_owned()]));
        assert_eq!(said(&template), r#"{"say":"PAYLOAD","in":"dev","as":7}"#);
    }

    #[test]
    fn what_the_chat_says_in_json_is_understood() {
        let speech = speech(Dialect::Chinwag, false);
        let message =
            r#"{"type":"message","room":"dev","seq":42,"name":"ann","at":1795000000123,"data":"hi"}"#;
        let heard = Heard::Message { room: Some(0), position: Some(42), text: message.as_bytes() };
        assert_eq!(speech.hear(message), heard);
        let otherwise = r#"{"seq":42, "type":"message", "data":"hi"}"#;
        let heard = Heard::Message { room: None, position: Some(42), text: otherwise.as_bytes() };
        assert_eq!(speech.hear(otherwise), heard);
        let cases = [
            (
                r#"{"type":"ok","id":17,"room":"dev","seq":42,"at":1}"#,
                Heard::Acked { sequence: 7, position: 42, is_duplicate: false },
            ),
            (
                r#"{"type":"ok","id":17,"room":"dev","seq":42,"at":1,"duplicate":true}"#,
                Heard::Acked { sequence: 7, position: 42, is_duplicate: true },
            ),
            (
                r#"{"type":"joined","id":2,"room":"dev","epoch":"k3f9","seq":57,"resumed":true,"from":43,"count":15,"members":12}"#,
                Heard::Joined {
                    room: Some(0),
                    request: None,
                    epoch: "k3f9".into(),
                    position: 57,
                    resumed: Some(true),
                },
            ),
            (
                r#"{"type":"gap","room":"dev","epoch":"k3f9","from":58,"to":912,"reason":"slow"}"#,
                Heard::Gap { room: Some(0), from: 58, to: 912 },
            ),
            (
                r#"{"type":"error","id":19,"code":"rate_limited","retry_ms":1500,"reason":"..."}"#,
                Heard::Refused { sequence: Some(9), code: "rate_limited".into() },
            ),
            (
                r#"{"type":"error","id":2,"code":"bad_room","reason":"..."}"#,
                Heard::Refused { sequence: None, code: "bad_room".into() },
            ),
            (r#"{"type":"presence","room":"dev","joined":["cyn"],"left":[],"members":4}"#, Heard::Notice),
            ("no JSON", Heard::Notice),
        ];
        for (text, heard) in cases {
            assert_eq!(speech.hear(text), heard, "{text}");
        }
    }

    #[test]
    fn what_the_chat_says_in_text_is_understood() {
        let speech = speech(Dialect::ChinwagText, false);
        let refused = |code: &'static str| Heard::Refused { sequence: Some(u64::MAX), code: code.into() };
        let cases = [
            (
                "* dev: 12 here",
                Heard::Joined { room: Some(0), request: None, epoch: "".into(), position: 0, resumed: None },
            ),
            ("* missed 58 to 912 (slow)", Heard::Gap { room: None, from: 58, to: 912 }),
            ("* missed 58 (slow)", Heard::Gap { room: None, from: 58, to: 58 }),
            ("* slow down: 1.5 s", refused("rate_limited")),
            ("* cyn joined", Heard::Notice),
            ("* other: 12 here", Heard::Notice),
            ("[bob] hi", Heard::Message { room: None, position: None, text: b"[bob] hi" }),
        ];
        for (text, heard) in cases {
            assert_eq!(speech.hear(text), heard, "{text}");
        }
    }
    #[test]
    fn a_change_of_rooms_is_two_requests_with_an_answer_each() {
        let plan = Plan { dialect: Dialect::Chinwag, rooms: 4, room: "dev".into(), ..plan() };
        let (speech, mut said) = (Speech::new(&plan, false), Vec::new());
        speech.change(&Change { request: 6, from: 3, to: 0 }, |text| said.push(text.to_owned()));
        assert_eq!(
            said,
            [r#"{"type":"leave","id":16,"room":"dev-3"}"#, r#"{"type":"join","id":17,"room":"dev-0"}"#]
        );
        let left = r#"{"type":"ok","id":16,"room":"dev-3"}"#;
        assert_eq!(speech.hear(left), Heard::Left { room: Some(3), request: 6 });
        let joined = r#"{"type":"joined","id":17,"room":"dev-0","epoch":"k3f9","seq":0,"from":1,"count":0,"members":1}"#;
        let Heard::Joined { room, request, .. } = speech.hear(joined) else { panic!("it is joined") };
        assert_eq!((room, request), (Some(0), Some(7)));
    }

    #[test]
    fn rooms_have_numbers_where_there_are_several() {
        let with = |dialect, rooms, connections| {
            let plan = plan();
            Speech::new(&Plan { dialect, rooms, connections, room: "dev".into(), ..plan }, false)
        };
        let wide = with(Dialect::Chinwag, 30, 10);
        let joins: Vec<String> = ["dev-7", "dev-17", "dev-27"]
            .map(|room| format!(r#"{{"type":"join","id":2,"room":"{room}"}}"#))
            .into();
        assert_eq!(opened(&wide, &Return::default()), (3, joins));
        assert!(said(&wide).contains(r#""room":"dev-7""#));
        let (_, again) = opened(&wide, &Return { identity: None, since: Some(("k3f9", 42)) });
        assert!(again[0].contains("since") && !again[1].contains("since"), "{again:?}");
        let text = with(Dialect::ChinwagText, 4, 10);
        assert_eq!(&*text.target(7, "/ws"), "/ws?room=dev-3");
        let heard = |name: &str| match wide
            .hear(&format!(r#"{{"type":"message","room":"{name}","seq":42,"data":"hi"}}"#))
        {
            Heard::Message { room: Some(room), position: Some(42), .. } => room,
            heard => panic!("{heard:?}"),
        };
        assert_eq!(["dev-0", "dev-29"].map(heard), [0, 29]);
        assert!(["dev", "dev-", "dev-30", "dev-x", "other-7"].map(heard).iter().all(|room| *room >= 30));
    }
}
