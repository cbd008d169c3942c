//! What is said in each dialect, and what the answers mean.
//!
//! Of what a room says, nearly all is messages, and they are told by their first bytes: no JSON is parsed for them. All the
//! rest is rare, and goes through a parser.

use super::plan::{Dialect, Plan};
use crate::client::Scheme;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::Write;

/// The ids of requests, in the chat's JSON: a message's is its sequence behind these.
const HELLO: u64 = 1;
const JOIN: u64 = 2;
const PUBLISH: u64 = 10;

/// What a server has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// Something that may hold a payload, and its place in the room, where it has one.
    Message {
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
    /// We are in the room.
    Joined {
        /// The life of the numbering; empty where it has none.
        epoch: Cow<'m, str>,
        /// The newest message that there is.
        position: u64,
        /// Whether what we have missed will follow, where that was asked for.
        resumed: Option<bool>,
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
    /// A request of ours was refused: a message, if it bears a sequence.
    Refused {
        /// Which.
        sequence: Option<u64>,
        /// Why, in a word.
        code: Cow<'m, str>,
    },
    /// These will not come.
    Gap {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Anything else.
    Notice,
}

/// Who comes back, and where it was.
#[derive(Clone, Debug, Default)]
pub struct Return<'a> {
    /// The name, and what takes it back.
    pub identity: Option<(&'a str, &'a str)>,
    /// The epoch, and the last position.
    pub since: Option<(&'a str, u64)>,
}

/// How a run talks.
#[derive(Clone, Debug)]
pub struct Speech {
    dialect: Dialect,
    room: String,
    join_template: String,
    send_template: String,
    self_echo: bool,
    /// Whether messages bear keys, so that they can be sent again.
    has_keys: bool,
    /// Whether a name is wanted that can be taken back.
    has_identity: bool,
    /// What a message of the room begins with, in the chat's JSON.
    message_start: Vec<u8>,
    /// What tells that we are in the room, in text.
    joined_start: String,
}

/// A server's object, as far as it matters here.
#[derive(Deserialize)]
struct Object<'m> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'m, str>,
    id: Option<u64>,
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
        Speech {
            dialect: plan.dialect,
            room: plan.room.clone(),
            join_template: plan.templates.join.clone(),
            send_template: plan.templates.send.clone(),
            self_echo: plan.self_echo,
            has_keys: is_json && comes_back,
            has_identity: is_json && comes_back,
            message_start: format!(r#"{{"type":"message","room":"{}","seq":"#, plan.room).into_bytes(),
            joined_start: format!("* {}: ", plan.room),
        }
    }

    /// The subprotocols that are offered.
    pub fn subprotocols(&self) -> &'static [&'static str] {
        match self.dialect {
            Dialect::Chinwag => &["chinwag.v1.json"],
            Dialect::ChinwagText => &["chat"],
            Dialect::Lines | Dialect::Raw | Dialect::Template => &[],
        }
    }

    /// What is asked for at a server that names `target` in its URL.
    pub fn target(&self, target: &str) -> String {
        match self.dialect {
            Dialect::ChinwagText if !target.contains("room=") => {
                let joint = if target.contains('?') { '&' } else { '?' };
                format!("{target}{joint}room={}", self.room)
            }
            _ => target.to_owned(),
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

    /// Whether whatever is said has to be a payload of ours.
    pub fn is_bare(&self) -> bool {
        self.dialect == Dialect::Raw
    }

    /// What connection number `i` says first, message by message. Returns whether it is in the room at once: otherwise it
    /// hears of that.
    pub fn open(&self, i: u32, back: &Return<'_>, mut say: impl FnMut(&str)) -> bool {
        match self.dialect {
            Dialect::Chinwag => {
                if self.has_identity || self.self_echo {
                    say(&self.hello(back));
                }
                let mut join = format!(r#"{{"type":"join","id":{JOIN},"room":"{}""#, self.room);
                if let Some((epoch, position)) = back.since {
                    join += &format!(r#","since":{{"epoch":"{epoch}","seq":{position}}}"#);
                }
                say(&(join + "}"));
                false
            }
            Dialect::ChinwagText => false,
            Dialect::Lines => {
                say(&format!("/join {}", self.room));
                false
            }
            Dialect::Raw => true,
            Dialect::Template => {
                if !self.join_template.is_empty() {
                    say(&self.join_template.replace("{room}", &self.room).replace("{i}", &i.to_string()));
                }
                true
            }
        }
    }

    fn hello(&self, back: &Return<'_>) -> String {
        let mut hello = format!(r#"{{"type":"hello","id":{HELLO}"#);
        if let Some((name, secret)) = back.identity {
            hello += &format!(r#","name":"{name}","secret":"{secret}""#);
        }
        if self.self_echo {
            hello += r#","echo":true"#;
        }
        hello + "}"
    }

    /// What follows once it is in the room.
    pub fn settle(&self, mut say: impl FnMut(&str)) {
        if self.self_echo && matches!(self.dialect, Dialect::ChinwagText | Dialect::Lines) {
            say("/echo on");
        }
    }

    /// One message: what goes before the payload is appended, then the payload by `payload`, then what goes behind it.
    pub fn say(&self, i: u32, sequence: u64, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
        match self.dialect {
            Dialect::Chinwag => {
                let id = PUBLISH + sequence;
                let _ = write!(out, r#"{{"type":"publish","id":{id},"room":"{}","#, self.room);
                if self.has_keys {
                    let _ = write!(out, r#""key":"{sequence}","#);
                }
                out.extend_from_slice(br#""data":""#);
                payload(out);
                out.extend_from_slice(br#""}"#);
            }
            Dialect::ChinwagText | Dialect::Lines | Dialect::Raw => payload(out),
            Dialect::Template => {
                let (before, after) = self.send_template.split_once("{payload}").unwrap_or_default();
                let fill = |part: &str| part.replace("{room}", &self.room).replace("{i}", &i.to_string());
                out.extend_from_slice(fill(before).as_bytes());
                payload(out);
                out.extend_from_slice(fill(after).as_bytes());
            }
        }
    }

    /// What a message or a line means.
    #[inline]
    pub fn hear<'m>(&self, text: &'m str) -> Heard<'m> {
        match self.dialect {
            Dialect::Chinwag => match text.as_bytes().strip_prefix(&*self.message_start) {
                Some(rest) => Heard::Message { position: digits(rest), text: text.as_bytes() },
                None => hear_object(text),
            },
            Dialect::ChinwagText | Dialect::Lines if text.starts_with("* ") => self.hear_notice(text),
            _ => Heard::Message { position: None, text: text.as_bytes() },
        }
    }

    fn hear_notice<'m>(&self, text: &'m str) -> Heard<'m> {
        if text.starts_with(&self.joined_start) {
            return Heard::Joined { epoch: Cow::Borrowed(""), position: 0, resumed: None };
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
            Some(Heard::Gap { from, to })
        };
        missed().unwrap_or(Heard::Notice)
    }
}

/// The number at the beginning.
#[inline]
fn digits(bytes: &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for byte in bytes {
        match byte {
            b'0'..=b'9' => number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            _ => return Some(number),
        }
    }
    None
}

/// What an object means that is no message as our own server writes them.
fn hear_object(text: &str) -> Heard<'_> {
    let Ok(object) = serde_json::from_str::<Object<'_>>(text) else { return Heard::Notice };
    let sequence = object.id.and_then(|id| id.checked_sub(PUBLISH));
    match (&*object.kind, object.seq) {
        ("message", position) => Heard::Message { position, text: text.as_bytes() },
        ("ok", Some(position)) => match sequence {
            Some(sequence) => {
                Heard::Acked { sequence, position, is_duplicate: object.duplicate == Some(true) }
            }
            None => Heard::Notice,
        },
        ("welcome", _) => Heard::Welcome {
            name: object.name.unwrap_or_default(),
            secret: object.secret.unwrap_or_default(),
        },
        ("joined", Some(position)) => {
            Heard::Joined { epoch: object.epoch.unwrap_or_default(), position, resumed: object.resumed }
        }
        ("error", _) => Heard::Refused { sequence, code: object.code.unwrap_or_default() },
        ("gap", _) => match (object.from, object.to) {
            (Some(from), Some(to)) => Heard::Gap { from, to },
            _ => Heard::Notice,
        },
        _ => Heard::Notice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;

    fn speech(dialect: Dialect, comes_back: bool) -> Speech {
        let mut plan = plan();
        plan.dialect = dialect;
        plan.room = "dev".into();
        plan.templates.join = r#"{"join":"{room}","as":{i}}"#.into();
        plan.templates.send = r#"{"say":"{payload}","in":"{room}","as":{i}}"#.into();
        Speech::new(&plan, comes_back)
    }

    fn opened(speech: &Speech, back: &Return<'_>) -> (bool, Vec<String>) {
        let mut said = Vec::new();
        let is_ready = speech.open(7, back, |text| said.push(text.to_owned()));
        (is_ready, said)
    }

    fn said(speech: &Speech) -> String {
        let mut out = Vec::new();
        speech.say(7, 3, &mut out, |out| out.extend_from_slice(b"PAYLOAD"));
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
        assert_eq!(opened(&text, &back), (false, vec![]));
        assert_eq!((&*text.target("/ws"), &*text.target("/ws?a=b")), ("/ws?room=dev", "/ws?a=b&room=dev"));
        let raw = speech(Dialect::Raw, false);
        assert_eq!((opened(&raw, &back), &*said(&raw)), ((true, vec![]), "PAYLOAD"));
        let template = speech(Dialect::Template, false);
        assert_eq!(opened(&template, &back), (true, vec![r#"{"join":"dev","as":7}"#.to_owned()]));
        assert_eq!(said(&template), r#"{"say":"PAYLOAD","in":"dev","as":7}"#);
    }

    #[test]
    fn what_the_chat_says_in_json_is_understood() {
        let speech = speech(Dialect::Chinwag, false);
        let message =
            r#"{"type":"message","room":"dev","seq":42,"name":"ann","at":1795000000123,"data":"hi"}"#;
        let heard = Heard::Message { position: Some(42), text: message.as_bytes() };
        assert_eq!(speech.hear(message), heard);
        let otherwise = r#"{"seq":42, "type":"message", "data":"hi"}"#;
        let heard = Heard::Message { position: Some(42), text: otherwise.as_bytes() };
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
                Heard::Joined { epoch: "k3f9".into(), position: 57, resumed: Some(true) },
            ),
            (
                r#"{"type":"gap","room":"dev","epoch":"k3f9","from":58,"to":912,"reason":"slow"}"#,
                Heard::Gap { from: 58, to: 912 },
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
            ("* dev: 12 here", Heard::Joined { epoch: "".into(), position: 0, resumed: None }),
            ("* missed 58 to 912 (slow)", Heard::Gap { from: 58, to: 912 }),
            ("* missed 58 (slow)", Heard::Gap { from: 58, to: 58 }),
            ("* slow down: 1.5 s", refused("rate_limited")),
            ("* cyn joined", Heard::Notice),
            ("[bob] hi", Heard::Message { position: None, text: b"[bob] hi" }),
        ];
        for (text, heard) in cases {
            assert_eq!(speech.hear(text), heard, "{text}");
        }
    }
}
