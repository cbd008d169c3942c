//! A request: which fields it has, and what they ask.
//!
//! ```text
//!     {"type":"join","id":2,"room":"lobby","since":{"epoch":"k3f9","seq":42}}
//!        │              │           │                └─ Position
//!        │              │           └─ RoomName, or bad_room
//!        │              └─ RequestId: what the answer will bear, also one that refuses
//!        └─ which command, or unknown_type
//! ```
//!
//! The library finds the fields, each as it is written: nothing is built of what nobody may ask for, and `data` is passed
//! on as it came. Then those are judged that the command has. So their order makes no difference, and what a command does
//! not have may be anything.
//!
//! Three choices that a client may want to know:
//!
//! * `null` is the same as no field, but for `data`, where it is a value like others. Many libraries write what is not
//!   there as `null`.
//! * A field that is given twice is refused: whoever looked at the request before us, a proxy perhaps, may have believed
//!   the other one.
//! * Whole numbers beyond 64 bits are taken for the largest that there is: a limit is clipped anyway, and a `seq` so high
//!   has not been reached. But `7.0` is not a whole number as it is written.

use super::super::{Command, Data, Name, Page, Position, Refusal, RequestId, RoomName};
use super::sound;
use super::string::Scratch;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What a request asks, and under which number it wants the answer.
///
/// Strings that are written with escapes are unescaped into `memory`, which is the caller's to keep for the next request;
/// it grows to the length of the longest.
pub fn parse<'a>(
    message: &'a str,
    memory: &'a mut Vec<u8>,
) -> Result<(Option<RequestId>, Command<'a>), (Option<RequestId>, Refusal<'a>)> {
    let mut fields = Fields::default();
    let is_sound = fields.read(message).and_then(|()| sound::judge(message).map_err(Refusal::BadRequest));
    // Whatever else is wrong with it, it is answered under its number.
    let (id, is_sound) = match fields.id() {
        Ok(id) => (id, is_sound),
        Err(refusal) => (None, is_sound.and(Err(refusal))),
    };
    let scratch = Scratch::new(memory, message.len());
    match is_sound.and_then(|()| Request { fields, scratch }.command()) {
        Ok(command) => Ok((id, command)),
        Err(refusal) => Err((id, refusal)),
    }
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Missing,
    GivenTwice,
    NotText,
    NotNumber,
    NotWhole,
    NotFlag,
    NotObject,
}

/// The fields that there are. A macro, as what is wrong with one is told by a constant.
macro_rules! fields {
    ($($field:ident $name:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Field { $($field,)* }

        impl Field {
            const ALL: &[(Field, &str)] = &[$((Field::$field, $name),)*];

            fn refusal(self, flaw: Flaw) -> Refusal<'static> {
                Refusal::BadRequest(match self {
                    $(Field::$field => match flaw {
                        Flaw::Missing => concat!("`", $name, "` is missing"),
                        Flaw::GivenTwice => concat!("`", $name, "` is given twice"),
                        Flaw::NotText => concat!("`", $name, "` is not a string"),
                        Flaw::NotNumber => concat!("`", $name, "` is not a number"),
                        Flaw::NotWhole => concat!("`", $name, "` is not a whole number from 0"),
                        Flaw::NotFlag => concat!("`", $name, "` is not true or false"),
                        Flaw::NotObject => concat!("`", $name, "` is not an object"),
                    },)*
                })
            }
        }
    };
}

fields! {
    Type "type",
    Id "id",
    Room "room",
    Data "data",
    Key "key",
    Name "name",
    Secret "secret",
    Token "token",
    Echo "echo",
    Since "since",
    Epoch "epoch",
    Seq "seq",
    History "history",
    Before "before",
    After "after",
    Limit "limit",
    To "to",
}

/// The values of an object's fields, as they are written.
#[derive(Debug, Default)]
struct Fields<'a> {
    values: [Option<&'a str>; Field::ALL.len()],
    given_twice: Option<Field>,
}

impl<'a> Fields<'a> {
    /// Reads an object. Where it breaks off, the fields in front of the break are there.
    fn read(&mut self, text: &'a str) -> Result<(), Refusal<'static>> {
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Refusal::BadRequest("this is not a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let is_json = json.deserialize_map(&mut *self).and_then(|()| json.end());
        if is_json.is_err() {
            // In a text that is cut, a number at its end may have had more digits.
            let end = |text: &str| text.as_bytes().as_ptr_range().end;
            self.values
                .iter_mut()
                .filter(|value| value.map(end) == Some(end(text)))
                .for_each(|it| *it = None);
            return Err(Refusal::BadRequest("this is not valid JSON"));
        }
        self.given_twice.map_or(Ok(()), |field| Err(field.refusal(Flaw::GivenTwice)))
    }

    fn add(&mut self, name: &str, value: &'a str) {
        let Some(&(field, _)) = Field::ALL.iter().find(|(_, known)| name == *known) else { return };
        let slot = &mut self.values[field as usize];
        if slot.is_some() {
            self.given_twice = self.given_twice.or(Some(field));
        }
        *slot = Some(value);
    }

    /// A field's value, if it has one.
    fn get(&self, field: Field) -> Option<&'a str> {
        self.values[field as usize].filter(|&value| value != "null")
    }

    fn id(&self) -> Result<Option<RequestId>, Refusal<'static>> {
        let Some(value) = self.get(Field::Id) else { return Ok(None) };
        if !value.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(Field::Id.refusal(Flaw::NotNumber));
        }
        let unsigned = || value.parse().ok().map(RequestId::Unsigned);
        let signed = || value.parse().ok().map(RequestId::Signed);
        let float = || value.parse().ok().filter(|float: &f64| float.is_finite()).map(RequestId::Float);
        match unsigned().or_else(signed).or_else(float) {
            Some(id) => Ok(Some(id)),
            None => Err(Refusal::BadRequest("`id` is too large a number to be sent back")),
        }
    }

    /// Any value at all, `null` among them.
    fn data(&self) -> Result<Data<'a>, Refusal<'static>> {
        let value = self.values[Field::Data as usize];
        value.map(Data::Json).ok_or(Field::Data.refusal(Flaw::Missing))
    }

    fn whole(&self, field: Field) -> Result<Option<u64>, Refusal<'static>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        match value.bytes().all(|byte| byte.is_ascii_digit()) {
            // Only its size can be wrong with it now.
            true => Ok(Some(value.parse().unwrap_or(u64::MAX))),
            false => Err(field.refusal(Flaw::NotWhole)),
        }
    }

    fn count(&self, field: Field) -> Result<Option<usize>, Refusal<'static>> {
        Ok(self.whole(field)?.map(|count| usize::try_from(count).unwrap_or(usize::MAX)))
    }

    fn flag(&self, field: Field) -> Result<Option<bool>, Refusal<'static>> {
        match self.get(field) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(field.refusal(Flaw::NotFlag)),
        }
    }

    fn text(&self, field: Field, scratch: &mut Scratch<'a>) -> Result<Option<&'a str>, Refusal<'static>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let raw = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        match raw {
            Some(raw) => Ok(Some(scratch.unescape(raw))),
            None => Err(field.refusal(Flaw::NotText)),
        }
    }

    fn needed_text(&self, field: Field, scratch: &mut Scratch<'a>) -> Result<&'a str, Refusal<'static>> {
        self.text(field, scratch)?.ok_or(field.refusal(Flaw::Missing))
    }
}

/// What a field is called. It is copied only where it is written with escapes.
#[derive(Deserialize)]
struct FieldName<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Visitor<'a> for &mut Fields<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(FieldName(name)) = members.next_key()? {
            let value: &RawValue = members.next_value()?;
            self.add(&name, value.get());
        }
        Ok(())
    }
}

/// A request that is a sound object.
struct Request<'a> {
    fields: Fields<'a>,
    scratch: Scratch<'a>,
}

impl<'a> Request<'a> {
    fn command(mut self) -> Result<Command<'a>, Refusal<'a>> {
        Ok(match self.needed_text(Field::Type)? {
            "publish" => Command::Publish {
                room: Some(self.room()?),
                data: self.fields.data()?,
                key: self.text(Field::Key)?,
            },
            "hello" => Command::Hello {
                name: self.text(Field::Name)?.map(Name::new).transpose().map_err(Refusal::BadName)?,
                secret: self.text(Field::Secret)?,
                token: self.text(Field::Token)?,
                echo: self.fields.flag(Field::Echo)?.unwrap_or(false),
            },
            "join" => Command::Join {
                room: self.room()?,
                since: self.since()?,
                history: self.fields.count(Field::History)?.unwrap_or(0),
            },
            "leave" => Command::Leave { room: self.room()? },
            "history" => Command::History {
                room: Some(self.room()?),
                page: self.page()?,
                limit: self.fields.count(Field::Limit)?,
            },
            "members" => Command::Members {
                room: Some(self.room()?),
                after: self.text(Field::After)?,
                limit: self.fields.count(Field::Limit)?,
            },
            "rename" => Command::Rename(Name::new(self.needed_text(Field::Name)?).map_err(Refusal::BadName)?),
            "rooms" => {
                Command::Rooms { after: self.text(Field::After)?, limit: self.fields.count(Field::Limit)? }
            }
            "direct" => Command::Direct { to: self.needed_text(Field::To)?, data: self.fields.data()? },
            "ping" => Command::Ping,
            unknown => return Err(Refusal::UnknownCommand(unknown)),
        })
    }

    fn text(&mut self, field: Field) -> Result<Option<&'a str>, Refusal<'static>> {
        self.fields.text(field, &mut self.scratch)
    }

    fn needed_text(&mut self, field: Field) -> Result<&'a str, Refusal<'static>> {
        self.fields.needed_text(field, &mut self.scratch)
    }

    fn room(&mut self) -> Result<RoomName<'a>, Refusal<'static>> {
        RoomName::new(self.needed_text(Field::Room)?).map_err(Refusal::BadRoomName)
    }

    fn since(&mut self) -> Result<Option<Position<'a>>, Refusal<'static>> {
        let Some(value) = self.fields.get(Field::Since) else { return Ok(None) };
        if !value.starts_with('{') {
            return Err(Field::Since.refusal(Flaw::NotObject));
        }
        let mut fields = Fields::default();
        fields.read(value)?;
        let epoch = fields.needed_text(Field::Epoch, &mut self.scratch)?;
        let seq = fields.whole(Field::Seq)?.ok_or(Field::Seq.refusal(Flaw::Missing))?;
        Ok(Some(Position { epoch, seq }))
    }

    fn page(&self) -> Result<Page, Refusal<'static>> {
        match (self.fields.whole(Field::Before)?, self.fields.whole(Field::After)?) {
            (None, None) => Ok(Page::Newest),
            (Some(before), None) => Ok(Page::Before(before)),
            (None, Some(after)) => Ok(Page::After(after)),
            (Some(_), Some(_)) => Err(Refusal::BadRequest("`before` and `after` are both given")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::DEPTH_MAX;
    use super::*;
    use crate::wire::samples::any_json;
    use crate::wire::{BadName, BadRoomName};
    use proptest::prelude::*;

    const ID: Option<RequestId> = Some(RequestId::Unsigned(7));

    fn assert_asks(message: &str, id: Option<RequestId>, command: Command<'_>) {
        assert_eq!(parse(message, &mut Vec::new()), Ok((id, command)), "{message}");
    }

    fn assert_refused(message: &str, id: Option<RequestId>, refusal: Refusal<'_>) {
        assert_eq!(parse(message, &mut Vec::new()), Err((id, refusal)), "{message}");
    }

    /// `{"type":"…","id":7…}` and more fields.
    fn request(kind: &str, fields: &str) -> String {
        format!(r#"{{"type":"{kind}","id":7{fields}}}"#)
    }

    fn room(name: &str) -> RoomName<'_> {
        RoomName::new(name).unwrap()
    }

    #[test]
    fn the_examples_of_the_protocol() {
        let lobby = room("lobby");
        let publish =
            |data, key| Command::Publish { room: Some(lobby), data: Data::Json(data), key: Some(key) };
        let hello = Command::Hello { name: Name::new("ann").ok(), secret: None, token: None, echo: false };
        let since = Some(Position { epoch: "k3f9", seq: 42 });
        let cases = [
            (r#"{"type":"hello","id":1,"name":"ann"}"#, 1, hello),
            (
                r#"{"type":"join","id":2,"room":"lobby","history":20}"#,
                2,
                Command::Join { room: lobby, since: None, history: 20 },
            ),
            (
                r#"{"type":"publish","id":7,"room":"lobby","key":"a9-7","data":"hi"}"#,
                7,
                publish(r#""hi""#, "a9-7"),
            ),
            (
                r#"{"type":"join","id":2,"room":"lobby","since":{"epoch":"k3f9","seq":42}}"#,
                2,
                Command::Join { room: lobby, since, history: 0 },
            ),
            (
                r#"{"type":"publish","id":8,"room":"lobby","key":"a9-8","data":"still there?"}"#,
                8,
                publish(r#""still there?""#, "a9-8"),
            ),
        ];
        for (message, id, command) in cases {
            assert_asks(message, Some(RequestId::Unsigned(id)), command);
        }
    }

    #[test]
    fn every_request_with_all_its_fields_and_with_the_fewest() {
        let (lobby, name) = (room("lobby"), Name::new("ann").unwrap());
        let join = |since, history| Command::Join { room: lobby, since, history };
        let page = |page, limit| Command::History { room: Some(lobby), page, limit };
        let cases = [
            ("hello", "", Command::Hello { name: None, secret: None, token: None, echo: false }),
            (
                "hello",
                r#","name":"ann","secret":"Xq3","token":"t","echo":true"#,
                Command::Hello { name: Some(name), secret: Some("Xq3"), token: Some("t"), echo: true },
            ),
            ("join", r#","room":"lobby""#, join(None, 0)),
            ("join", r#","room":"lobby","history":20"#, join(None, 20)),
            (
                "join",
                r#","room":"lobby","since":{"epoch":"k3f9","seq":42}"#,
                join(Some(Position { epoch: "k3f9", seq: 42 }), 0),
            ),
            (
                "join",
                r#","since":{"seq":0,"more":[],"epoch":""},"history":1,"room":"lobby""#,
                join(Some(Position { epoch: "", seq: 0 }), 1),
            ),
            ("leave", r#","room":"lobby""#, Command::Leave { room: lobby }),
            (
                "publish",
                r#","room":"lobby","key":"a9-7","data":"hi""#,
                Command::Publish { room: Some(lobby), data: Data::Json("\"hi\""), key: Some("a9-7") },
            ),
            (
                "publish",
                r#","room":"lobby","data":null"#,
                Command::Publish { room: Some(lobby), data: Data::Json("null"), key: None },
            ),
            ("history", r#","room":"lobby""#, page(Page::Newest, None)),
            ("history", r#","room":"lobby","before":22,"limit":20"#, page(Page::Before(22), Some(20))),
            ("history", r#","room":"lobby","after":0"#, page(Page::After(0), None)),
            (
                "members",
                r#","room":"lobby""#,
                Command::Members { room: Some(lobby), after: None, limit: None },
            ),
            (
                "members",
                r#","room":"lobby","after":"ann","limit":100"#,
                Command::Members { room: Some(lobby), after: Some("ann"), limit: Some(100) },
            ),
            ("rename", r#","name":"ann""#, Command::Rename(name)),
            ("rooms", "", Command::Rooms { after: None, limit: None }),
            ("rooms", r#","after":"dev","limit":9"#, Command::Rooms { after: Some("dev"), limit: Some(9) }),
            (
                "direct",
                r#","to":"bob","data":{"a":1}"#,
                Command::Direct { to: "bob", data: Data::Json(r#"{"a":1}"#) },
            ),
            ("ping", "", Command::Ping),
        ];
        for (kind, fields, command) in cases {
            assert_asks(&request(kind, fields), ID, command);
        }
    }

    #[test]
    fn an_id_is_any_number_and_comes_back_as_it_was() {
        let cases = [
            ("0", RequestId::Unsigned(0)),
            ("18446744073709551615", RequestId::Unsigned(u64::MAX)),
            ("-1", RequestId::Signed(-1)),
            ("-9223372036854775808", RequestId::Signed(i64::MIN)),
            ("1.5", RequestId::Float(1.5)),
            ("7.0", RequestId::Float(7.0)),
            ("1e3", RequestId::Float(1000.0)),
            ("18446744073709551616", RequestId::Float(18446744073709551616.0)),
        ];
        for (id, expected) in cases {
            assert_asks(&format!(r#"{{"id":{id},"type":"ping"}}"#), Some(expected), Command::Ping);
        }
        assert_asks(r#"{"type":"ping"}"#, None, Command::Ping);
        assert_asks(r#"{"type":"ping","id":null}"#, None, Command::Ping);
    }

    #[test]
    fn the_order_white_space_escapes_and_unknown_fields_make_no_difference() {
        let publish =
            Command::Publish { room: Some(room("dev")), data: Data::Json("[ 1 ]"), key: Some("k\n\"é😀") };
        for message in [
            r#"{"type":"publish","id":7,"room":"dev","key":"k\n\"é😀","data":[ 1 ]}"#,
            r#"{"data":[ 1 ],"key":"k\u000a\"\u00e9\ud83d\uDE00","room":"\u0064ev","id":7,"type":"p\u0075blish"}"#,
            r#"{"d\u0061ta":[ 1 ],"\u006b\u0065\u0079":"k\n\"é😀","room":"dev","id":7,"type":"publish"}"#,
            " {\t\"type\" :\r\n\"publish\" , \"id\":7 ,\"room\": \"dev\",\"key\":\"k\\n\\\"é😀\",\"data\" :  [ 1 ]  } \r\n",
            r#"{"type":"publish","id":7,"room":"dev","key":"k\n\"é😀","data":[ 1 ],"":{"type":3},"Room":1,"Room":2,"echo":"?"}"#,
        ] {
            assert_asks(message, ID, publish);
        }
    }

    #[test]
    fn data_is_the_slice_that_was_sent() {
        for data in ["0", "\"\"", r#""a\u0041\/""#, "{ \"a\" : [ ] }", "[[1.50e+3]]", "true", "1e999999"] {
            let message = request("publish", &format!(r#","room":"dev","data":  {data}  "#));
            let mut memory = Vec::new();
            let Ok((_, Command::Publish { data: Data::Json(found), .. })) = parse(&message, &mut memory)
            else {
                panic!("{message}");
            };
            assert_eq!(found, data);
            assert!(message.as_bytes().as_ptr_range().contains(&found.as_ptr()), "not copied");
        }
    }

    #[test]
    fn null_is_no_field() {
        let nulls = r#","name":null,"secret":null,"token":null,"echo":null"#;
        let hello = Command::Hello { name: None, secret: None, token: None, echo: false };
        assert_asks(&request("hello", nulls), ID, hello);
        let nulls = r#","room":"dev","since":null,"history":null"#;
        assert_asks(
            &request("join", nulls),
            ID,
            Command::Join { room: room("dev"), since: None, history: 0 },
        );
        assert_refused(&request("leave", r#","room":null"#), ID, Refusal::BadRequest("`room` is missing"));
    }

    #[test]
    fn limits_beyond_all_bounds_are_the_largest() {
        let huge = "9".repeat(400);
        let all = Command::Rooms { after: None, limit: Some(usize::MAX) };
        assert_asks(&request("rooms", &format!(r#","limit":{huge}"#)), ID, all);
        let after = Command::History { room: Some(room("dev")), page: Page::After(u64::MAX), limit: None };
        assert_asks(&request("history", &format!(r#","room":"dev","after":{huge}"#)), ID, after);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_told() {
        let cases = [
            ("hello", r#","name":5"#, "`name` is not a string"),
            ("hello", r#","secret":["x"]"#, "`secret` is not a string"),
            ("hello", r#","token":{}"#, "`token` is not a string"),
            ("hello", r#","echo":1"#, "`echo` is not true or false"),
            ("hello", r#","echo":"true""#, "`echo` is not true or false"),
            ("join", "", "`room` is missing"),
            ("join", r#","room":true"#, "`room` is not a string"),
            ("join", r#","room":"dev","since":"k3f9:42""#, "`since` is not an object"),
            ("join", r#","room":"dev","since":[]"#, "`since` is not an object"),
            ("join", r#","room":"dev","since":{}"#, "`epoch` is missing"),
            ("join", r#","room":"dev","since":{"seq":1}"#, "`epoch` is missing"),
            ("join", r#","room":"dev","since":{"epoch":"k"}"#, "`seq` is missing"),
            ("join", r#","room":"dev","since":{"epoch":3,"seq":1}"#, "`epoch` is not a string"),
            (
                "join",
                r#","room":"dev","since":{"epoch":"k","seq":"1"}"#,
                "`seq` is not a whole number from 0",
            ),
            ("join", r#","room":"dev","since":{"epoch":"k","seq":1,"seq":2}"#, "`seq` is given twice"),
            ("join", r#","room":"dev","history":-1"#, "`history` is not a whole number from 0"),
            ("join", r#","room":"dev","history":2.0"#, "`history` is not a whole number from 0"),
            ("join", r#","room":"dev","history":1e2"#, "`history` is not a whole number from 0"),
            ("join", r#","room":"dev","history":true"#, "`history` is not a whole number from 0"),
            ("join", r#","room":"dev","room":"dev""#, "`room` is given twice"),
            ("join", r#","room":"dev","r\u006fom":null"#, "`room` is given twice"),
            ("leave", "", "`room` is missing"),
            ("publish", r#","data":1"#, "`room` is missing"),
            ("publish", r#","room":"dev""#, "`data` is missing"),
            ("publish", r#","room":"dev","data":1,"key":1"#, "`key` is not a string"),
            ("history", r#","room":"dev","before":"22""#, "`before` is not a whole number from 0"),
            ("history", r#","room":"dev","after":"ann""#, "`after` is not a whole number from 0"),
            ("history", r#","room":"dev","limit":{}"#, "`limit` is not a whole number from 0"),
            ("history", r#","room":"dev","before":22,"after":1"#, "`before` and `after` are both given"),
            ("members", "", "`room` is missing"),
            ("members", r#","room":"dev","after":22"#, "`after` is not a string"),
            ("rename", "", "`name` is missing"),
            ("rename", r#","name":["ann"]"#, "`name` is not a string"),
            ("rooms", r#","after":22"#, "`after` is not a string"),
            ("direct", r#","data":1"#, "`to` is missing"),
            ("direct", r#","to":"bob""#, "`data` is missing"),
            ("ping", r#","x":"\ud83d""#, "a string holds one half of a surrogate pair"),
            ("publish", r#","room":"dev","data":"\ude00""#, "a string holds one half of a surrogate pair"),
            ("publish", r#","room":"dev","data":["\ud83dx"]"#, "a string holds one half of a surrogate pair"),
        ];
        for (kind, fields, why) in cases {
            assert_refused(&request(kind, fields), ID, Refusal::BadRequest(why));
        }
    }

    #[test]
    fn names_are_judged() {
        let bad_name = |why| Refusal::BadName(why);
        assert_refused(&request("rename", r#","name":"""#), ID, bad_name(BadName::Length));
        assert_refused(&request("rename", r#","name":"a\nb""#), ID, bad_name(BadName::Hidden));
        assert_refused(&request("hello", r#","name":" a""#), ID, bad_name(BadName::SpaceAtEnd));
        for kind in ["join", "leave", "publish", "history", "members"] {
            assert_refused(
                &request(kind, r#","room":"a b","data":1"#),
                ID,
                Refusal::BadRoomName(BadRoomName),
            );
        }
    }

    #[test]
    fn an_unknown_type_is_told_from_a_bad_one() {
        for unknown in ["", "Publish", "publish ", "welcome", "ok", "help", "quit"] {
            assert_refused(&request(unknown, ""), ID, Refusal::UnknownCommand(unknown));
        }
        assert_refused(r#"{"id":7,"type":"d\u00e9jà"}"#, ID, Refusal::UnknownCommand("déjà"));
        assert_refused(r#"{"id":7,"type":1}"#, ID, Refusal::BadRequest("`type` is not a string"));
        assert_refused(r#"{"id":7}"#, ID, Refusal::BadRequest("`type` is missing"));
        assert_refused(r#"{"id":7,"type":null}"#, ID, Refusal::BadRequest("`type` is missing"));
        assert_refused("{}", None, Refusal::BadRequest("`type` is missing"));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for message in ["", " ", "hello", "7", "null", "[{\"type\":\"ping\"}]", "\"{}\"", "\u{feff}{}"] {
            assert_refused(message, None, Refusal::BadRequest("this is not a JSON object"));
        }
    }

    #[test]
    fn what_is_broken_is_answered_under_its_number_if_that_came_first() {
        let broken = Refusal::BadRequest("this is not valid JSON");
        for rest in
            [",", ",:", "x", ",\"data\":", ",\"data\":\"", ",\"data\":[1,]}", ",}", "}}", "} x", "}\0"]
        {
            assert_refused(&format!("{{\"id\":7{rest}"), ID, broken);
        }
        for message in ["{", "{\"id\"", "{\"id\":", "{\"id\":7", "{\"id\":07}", "{id:7}", "{'id':7}"] {
            assert_refused(message, None, broken);
        }
        let deep = "[".repeat(1 << 16);
        assert_refused(&format!("{{\"id\":7,\"type\":\"ping\",\"x\":{deep}"), ID, broken);
    }

    #[test]
    fn a_bad_id_is_a_bad_request() {
        let not_a_number = Refusal::BadRequest("`id` is not a number");
        for id in ["\"7\"", "true", "[7]", "{}"] {
            assert_refused(&format!(r#"{{"type":"ping","id":{id}}}"#), None, not_a_number);
        }
        let too_large = Refusal::BadRequest("`id` is too large a number to be sent back");
        for id in ["1e400", "-1e400"] {
            assert_refused(&format!(r#"{{"type":"ping","id":{id}}}"#), None, too_large);
        }
        let twice = Refusal::BadRequest("`id` is given twice");
        assert_refused(r#"{"type":"ping","id":7,"id":7}"#, ID, twice);
    }

    #[test]
    fn data_is_as_deep_as_it_may_be() {
        let data = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let publish = |depth| request("publish", &format!(r#","room":"dev","data":{}"#, data(depth)));
        assert!(parse(&publish(DEPTH_MAX - 1), &mut Vec::new()).is_ok(), "one level is the request's own");
        let too_deep = Refusal::BadRequest("arrays and objects are nested too deeply");
        for depth in [DEPTH_MAX, 1 << 15] {
            assert_refused(&publish(depth), ID, too_deep);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_is_too_strange(
            kind in "hello|join|publish|history|members|rename|rooms|direct|x",
            names in proptest::collection::vec("id|room|data|key|name|secret|echo|since|history|before|after|limit|to", 0..5),
            values in proptest::collection::vec(any_json(), 5),
            cut: prop::sample::Index,
        ) {
            let mut message = format!(r#"{{"type":"{kind}""#);
            names.iter().zip(&values).for_each(|(name, value)| message += &format!(r#","{name}":{value}"#));
            message.push('}');
            let _ = parse(&message, &mut Vec::new());
            let cut = (0..=cut.index(message.len())).rev().find(|&at| message.is_char_boundary(at)).unwrap();
            prop_assert!(parse(&message[..cut], &mut Vec::new()).is_err());
        }

        #[test]
        fn strings_are_what_the_library_finds(key: String, to: String, json in any_json()) {
            let message = serde_json::json!({"type": "publish", "room": "dev", "key": key, "data": 1}).to_string();
            let mut memory = Vec::new();
            let (_, command) = parse(&message, &mut memory).unwrap();
            prop_assert_eq!(
                command,
                Command::Publish { room: Some(room("dev")), data: Data::Json("1"), key: Some(&key) }
            );
            let message = format!(r#"{{"data":{json},"to":{},"type":"direct"}}"#, serde_json::to_string(&to).unwrap());
            let (_, command) = parse(&message, &mut memory).unwrap();
            prop_assert_eq!(command, Command::Direct { to: &to, data: Data::Json(&json) });
        }
    }
}
