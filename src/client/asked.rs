//! What a client asks in JSON, written.
//!
//! ```text
//!     Asked::Join { room: "dev", since: None, history: Some(20) }     {"type":"join","id":2,"room":"dev","history":20}
//! ```

use serde::Serialize;
use serde_json::value::RawValue;

/// A request.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Asked<'a> {
    /// To be known.
    Hello {
        /// Under this name.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        /// Which takes the name from the connection that had it.
        #[serde(skip_serializing_if = "Option::is_none")]
        secret: Option<&'a str>,
        /// Whatever proves who one is.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
    },
    /// To be called something else.
    Rename {
        /// Namely this.
        name: &'a str,
    },
    /// To go into a room.
    Join {
        /// Which.
        room: &'a str,
        /// And be sent what came after this.
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<Since<'a>>,
        /// Or else so many of the newest messages.
        #[serde(skip_serializing_if = "Option::is_none")]
        history: Option<u64>,
    },
    /// To go out of it.
    Leave {
        /// Which.
        room: &'a str,
    },
    /// To say something to a room.
    Publish {
        /// Which.
        room: &'a str,
        /// By this a repeat is known for one.
        key: &'a str,
        /// What.
        data: &'a RawValue,
    },
    /// To be shown earlier messages.
    History {
        /// Of this room.
        room: &'a str,
        /// The newest of those before this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// At most so many.
        limit: u64,
    },
    /// To be told who is in a room.
    Members {
        /// Which.
        room: &'a str,
    },
    /// To be told which rooms there are.
    Rooms,
    /// To say something to one person.
    Direct {
        /// Whom.
        to: &'a str,
        /// What.
        data: &'a str,
    },
    /// To be answered.
    Ping,
}

/// A position.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Since<'a> {
    /// The life of the room's numbering.
    pub epoch: &'a str,
    /// The last message that one has.
    pub seq: u64,
}

#[derive(Serialize)]
struct Numbered<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    id: u64,
}

impl Asked<'_> {
    /// As one line of JSON, under this number.
    pub fn render(self, id: u64) -> String {
        serde_json::to_string(&Numbered { asked: self, id }).expect("strings and numbers can be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Command, Data, RequestId, json};

    #[test]
    fn our_own_server_understands_each_of_them() {
        let data: Box<RawValue> = RawValue::from_string(r#"["a\"b"]"#.into()).expect("it is JSON");
        let since = Since { epoch: "k3", seq: 7 };
        let cases = [
            Asked::Hello { name: Some("Zoë \"z\""), secret: Some("s"), token: Some("t") },
            Asked::Hello { name: None, secret: None, token: None },
            Asked::Rename { name: "ann" },
            Asked::Join { room: "dev", since: Some(since), history: Some(3) },
            Asked::Join { room: "dev", since: None, history: None },
            Asked::Leave { room: "dev" },
            Asked::Publish { room: "dev", key: "k", data: &data },
            Asked::History { room: "dev", before: Some(9), limit: 10 },
            Asked::Members { room: "dev" },
            Asked::Rooms,
            Asked::Direct { to: "bob", data: "hi\n" },
            Asked::Ping,
        ];
        for asked in cases {
            let line = asked.render(5);
            assert!(line.starts_with('{') && !line.contains('\n'), "{line}");
            let mut memory = Vec::new();
            let (id, command) = json::parse(&line, &mut memory).unwrap_or_else(|no| panic!("{line}: {no:?}"));
            assert_eq!(id, Some(RequestId::Unsigned(5)), "{line}");
            match (asked, command) {
                (Asked::Publish { .. }, Command::Publish { data, key, .. }) => {
                    assert_eq!((data, key), (Data::Json(r#"["a\"b"]"#), Some("k")));
                }
                (Asked::Join { since: Some(_), .. }, Command::Join { since, history, .. }) => {
                    assert_eq!((since.map(|since| (since.epoch, since.seq)), history), (Some(("k3", 7)), 3));
                }
                (Asked::Hello { name: Some(wanted), .. }, Command::Hello { name, secret, token, .. }) => {
                    assert_eq!(name.map(|name| name.as_str()), Some(wanted));
                    assert_eq!((secret, token), (Some("s"), Some("t")));
                }
                _ => {}
            }
        }
        assert_eq!(
            Asked::Join { room: "dev", since: None, history: Some(20) }.render(2),
            r#"{"type":"join","room":"dev","history":20,"id":2}"#
        );
    }
}
