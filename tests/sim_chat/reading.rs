//! What a connection has read, held against what the model says it is to read.

use super::expected::{ANY_ROOM, Conn, Expected, Joined, Life, LifeId, NO_ROOM};
use super::model::Model;
use chinwag::chat::Slow;
use chinwag::service::ConnId;
use chinwag::wire::{Event, Position, Resumed, json};
use serde_json::Value;
use std::collections::BTreeSet;

impl Model {
    /// A connection has read a message of the server's; `object` is what it holds, if a program has read it.
    pub fn read(&mut self, conn: ConnId, text: &str, object: Option<&Value>) {
        assert!(!self.conns[&conn].has_read_goodbye, "behind the goodbye: {text}");
        let was_behind_a_gap = std::mem::take(&mut self.conn(conn).was_behind_a_gap);
        match object {
            Some(object) => self.read_object(conn, text, object),
            None => self.read_line(conn, text),
        }
        if was_behind_a_gap && text.starts_with(r#"{"type":"ok""#) {
            self.counts.count("answers behind a gap");
        }
    }

    fn read_object(&mut self, conn: ConnId, text: &str, object: &Value) {
        let number =
            |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("a number `{field}`: {text}"));
        let room = object["room"].as_str().map(str::to_owned);
        match object["type"].as_str().expect("a type") {
            "presence" => {
                let room = room.expect("a room");
                let members = number("members") as usize;
                let by_name = object.get("joined").is_some();
                self.counts.count(if by_name { "presence by name" } else { "presence by number" });
                if object.get("renamed").is_some() {
                    self.counts.count("presence by rename");
                }
                let Conn { names_told, names_had, .. } = self.conn(conn);
                if by_name && names_had.len() == 1 {
                    let joined = object["joined"].as_array().expect("names");
                    assert!(
                        !joined.iter().any(|name| names_had.contains(name.as_str().unwrap_or_default())),
                        "{conn:?} is told of its own coming: {text}"
                    );
                }
                if !by_name {
                    names_told.remove(&room);
                } else if let Some(told) = names_told.get_mut(&room) {
                    let names = |field: &str| -> BTreeSet<String> {
                        serde_json::from_value(object[field].clone()).expect("names")
                    };
                    let renamed = |field: &str| -> BTreeSet<String> {
                        let renamed = object["renamed"].as_array().into_iter().flatten();
                        renamed.map(|it| it[field].as_str().expect("a name").to_owned()).collect()
                    };
                    let (left, joined, from, to) =
                        (names("left"), names("joined"), renamed("from"), renamed("to"));
                    let before = told.clone();
                    left.iter().for_each(|name| _ = told.remove(name));
                    told.extend(joined.clone());
                    // Both ways to read it come to the same names: those that changed hands are still there.
                    let stayed: BTreeSet<String> = &before - &from;
                    let reborn = from.iter().filter(|name| !left.contains(*name)).cloned();
                    let after = &(&(&stayed - &left) | &joined) | &to.iter().cloned().chain(reborn).collect();
                    assert_eq!(*told, after, "{conn:?} reads {text}");
                }
                // Exact when it was told, and never older than what was read before.
                let from = self.conn(conn).sizes_read.get(&room).copied().unwrap_or(0);
                let sizes = &self.sizes[&room][from..];
                let Some(at) = sizes.iter().position(|size| *size == members) else {
                    panic!("{conn:?} reads {text}, and the room has had {sizes:?}")
                };
                // What stands in for forgotten notices is of the moment when it was asked for, and notices that are older
                // but not forgotten come behind it.
                if by_name {
                    self.conn(conn).sizes_read.insert(room.clone(), from + at);
                }
                self.conn(conn).counts_told.insert(room, members);
            }
            "gap" => self.read_gap(conn, &room.expect("a room"), number("from"), number("to"), text),
            "bye" => self.read_goodbye(conn),
            _ => {
                let front =
                    |stream: &str| self.conns[&conn].streams.get(stream).and_then(|stream| stream.front());
                // An error does not say which room it is about.
                let is_line =
                    |stream: &&String| matches!(front(stream), Some(Expected::Line(line)) if line == text);
                let by_line = self.conns[&conn].streams.keys().find(is_line).cloned();
                let stream = by_line.or(room).unwrap_or_else(|| NO_ROOM.to_owned());
                self.read_expected(conn, &stream, text, Some(object));
            }
        }
    }

    fn read_line(&mut self, conn: ConnId, line: &str) {
        if line == "* goodbye" || line.ends_with(": goodbye") || line.starts_with("* restarting, ") {
            return self.read_goodbye(conn);
        }
        if let Some(missed) = line.strip_prefix("* missed ").and_then(|rest| rest.strip_suffix(" (slow)")) {
            let (from, to) = missed.split_once(" to ").unwrap_or((missed, missed));
            let [from, to] = [from, to].map(|number| number.parse().expect("a number"));
            return self.read_gap(conn, ANY_ROOM, from, to, line);
        }
        let refusals = &mut self.conn(conn).refusals_typed;
        if let Some(at) = refusals.iter().position(|refusal| refusal == line) {
            refusals.swap_remove(at);
            return;
        }
        for stream in [ANY_ROOM, NO_ROOM] {
            if self.fits(conn, stream, line) {
                return self.read_expected(conn, stream, line, None);
            }
        }
        let room = self.conns[&conn].room_read.clone();
        let Some(presence) = presence(line, &room) else { panic!("{}", self.surprise(conn, ANY_ROOM, line)) };
        self.counts.count(presence);
    }

    fn read_goodbye(&mut self, conn: ConnId) {
        self.counts.count("said goodbye");
        self.conn(conn).has_read_goodbye = true;
    }

    /// Messages that were to come will not: they are told by number, and are really forgotten.
    fn read_gap(&mut self, conn: ConnId, stream: &str, from: u64, to: u64, text: &str) {
        self.counts.count(match self.settings.slow {
            Slow::Latest => "gaps: latest",
            Slow::CatchUp | Slow::Disconnect => "gaps: catch-up",
        });
        assert!(from <= to, "{text}");
        let Some(Expected::Said(life, first)) = self.front(conn, stream).cloned() else {
            panic!("{}", self.surprise(conn, stream, text))
        };
        assert_eq!(from, first, "{}", self.surprise(conn, stream, text));
        for seq in first..=to {
            assert!(
                matches!(self.front(conn, stream), Some(&Expected::Said(its, it)) if (its, it) == (life, seq)),
                "{} is not missing: {}",
                seq,
                self.surprise(conn, stream, text)
            );
            self.pop(conn, stream);
        }
        let oldest = if self.is_exact { self.oldest(life) } else { u64::MAX };
        assert!(
            to < oldest || self.settings.slow == Slow::Latest,
            "{to} is remembered: the oldest is {oldest}"
        );
        self.conn(conn).was_behind_a_gap = true;
    }

    /// Whether a line can be what stands at the front of a stream.
    fn fits(&self, conn: ConnId, stream: &str, line: &str) -> bool {
        match self.front(conn, stream) {
            None => false,
            Some(Expected::Line(expected)) => line == expected,
            Some(&Expected::Said(life, seq)) => {
                self.lives[life].messages[seq as usize - 1].typed.iter().any(|it| it == line)
            }
            Some(Expected::Welcome(..)) => line.starts_with("* welcome to chinwag, "),
            Some(Expected::Joined(joined)) => self.joined_line(joined, line) == line,
            Some(Expected::Page { .. } | Expected::AnyPage(_)) => false,
            Some(Expected::Members { room, .. }) => {
                line.starts_with(&format!("* {room}: ")) && line.contains(" here: ")
            }
            Some(Expected::Rooms { .. }) => line.starts_with("* rooms: ") || line == "* no rooms",
            Some(Expected::ShowSeqIs { is_on, .. }) => {
                line.starts_with(if *is_on { "* seq is on" } else { "* seq is off" })
            }
        }
    }

    /// What whoever types is told when it has come into a room.
    fn joined_line(&self, joined: &Joined, line: &str) -> String {
        let life = &self.lives[joined.life];
        // Its epoch shows where numbers do.
        let shown =
            line.split_once(", at ").and_then(|(_, rest)| rest.split_once(':')).map(|(epoch, _)| epoch);
        let epoch = life.epoch.as_deref().or(shown).unwrap_or("?");
        let (resumed, from) = joined.foreseen.expect("whoever types asks for what is foreseen");
        let count = joined.newest + 1 - from;
        let event = Event::Joined {
            room: &life.room,
            epoch,
            seq: joined.newest,
            from,
            count,
            resumed,
            members: joined.members,
        };
        let mut rendered = Vec::new();
        chinwag::wire::text::render(&event, joined.shows_seq, &mut rendered);
        String::from_utf8(rendered).expect("text")
    }

    /// Takes what stands at the front of a stream, which must be this.
    fn read_expected(&mut self, conn: ConnId, stream: &str, text: &str, object: Option<&Value>) {
        let Some(expected) = self.front(conn, stream).cloned() else {
            panic!("{}", self.surprise(conn, stream, text))
        };
        let field = |name: &str| object.map(|object| &object[name]);
        let is_right = match &expected {
            Expected::Line(line) => line == text,
            &Expected::Said(life, seq) => {
                let said = &self.lives[life].messages[seq as usize - 1];
                said.json == text || said.typed.iter().any(|line| line == text)
            }
            Expected::Welcome(id, name) => self.is_welcome(conn, text, *id, name, object),
            Expected::Joined(joined) => {
                self.pop(conn, stream);
                self.read_joined(conn, stream, joined, text, object);
                return;
            }
            Expected::Page { id, life, seqs, has_more } => {
                let epoch = field("epoch").and_then(Value::as_str).expect("an epoch").to_owned();
                self.learn_epoch(*life, &epoch);
                let said = |seq: &u64| self.lives[*life].messages[*seq as usize - 1].json.as_bytes();
                let messages: Vec<&[u8]> = seqs.iter().map(said).collect();
                let room = &self.lives[*life].room;
                let page = Event::History { room, epoch: &epoch, messages: &messages, has_more: *has_more };
                self.line(conn, *id, &page) == [text]
            }
            Expected::AnyPage(life) => {
                self.is_page(*life, field("messages").expect("only programs page here"))
            }
            Expected::Members { id, room, names } => {
                let told: Vec<String> = match object {
                    Some(object) => serde_json::from_value(object["names"].clone()).expect("names"),
                    None => {
                        let (_, list) = text.split_once(" here: ").expect("it fits");
                        list.split(", ").map(str::to_owned).collect()
                    }
                };
                let sorted: BTreeSet<String> = told.iter().cloned().collect();
                self.conn(conn).names_told.insert(room.clone(), names.clone());
                let told: Vec<&str> = told.iter().map(|name| &**name).collect();
                self.conn(conn).counts_told.insert(room.clone(), names.len());
                let event = Event::Members { room, members: names.len(), names: &told, next: None };
                sorted == *names && self.line(conn, *id, &event) == [text]
            }
            Expected::Rooms { id, rooms } => {
                let told: Vec<(String, usize)> = match object {
                    Some(object) => {
                        let rooms = object["rooms"].as_array().expect("rooms").iter();
                        let room = |it: &Value| {
                            (
                                it["room"].as_str().expect("a name").to_owned(),
                                it["members"].as_u64().expect("a count") as usize,
                            )
                        };
                        rooms.map(room).collect()
                    }
                    // As a person reads them: `lobby (2), dev (1)`.
                    None => text.strip_prefix("* rooms: ").map_or(Vec::new(), |list| {
                        let room = |it: &str| {
                            let (name, count) = it.split_once(" (").expect("a count");
                            (name.to_owned(), count.trim_end_matches(')').parse().expect("a number"))
                        };
                        list.split(", ").map(room).collect()
                    }),
                };
                let sorted: BTreeSet<(String, usize)> = told.iter().cloned().collect();
                let told: Vec<(&str, usize)> =
                    told.iter().map(|(name, members)| (&**name, *members)).collect();
                sorted == *rooms && self.line(conn, *id, &Event::Rooms { rooms: &told, next: None }) == [text]
            }
            &Expected::ShowSeqIs { is_on, at: (life, seq) } => {
                let epoch = match text.split_once(" at ").and_then(|(_, at)| at.split_once(':')) {
                    Some((epoch, _)) => epoch.to_owned(),
                    None => self.lives[life].epoch.clone().unwrap_or_default(),
                };
                if is_on {
                    self.learn_epoch(life, &epoch);
                }
                let at = Some(Position { epoch: &epoch, seq });
                let mut line = Vec::new();
                chinwag::wire::text::render(&Event::ShowSeqIs { is_on, at }, is_on, &mut line);
                line == text.as_bytes()
            }
        };
        assert!(is_right, "{}", self.surprise(conn, stream, text));
        self.pop(conn, stream);
    }

    fn is_welcome(
        &mut self,
        conn: ConnId,
        text: &str,
        id: Option<chinwag::wire::RequestId>,
        name: &str,
        object: Option<&Value>,
    ) -> bool {
        let secret = object.map_or("", |object| object["secret"].as_str().expect("a secret"));
        let connection = object.map_or("", |object| object["connection"].as_str().expect("a name for it"));
        let ping_ms = self.settings.ping_interval.0;
        let event = Event::Welcome { connection, name, secret, ping_ms, limits: self.limits() };
        let mut line = Vec::new();
        // A program that was late has been welcomed as a person before.
        match object {
            Some(_) => json::render(id, &event, &mut line),
            None => chinwag::wire::text::render(&event, false, &mut line),
        }
        let is_right = line == text.as_bytes();
        if object.is_some() {
            self.learn_secret(conn, name, secret);
        }
        is_right
    }

    fn read_joined(
        &mut self,
        conn: ConnId,
        stream: &str,
        joined: &Joined,
        text: &str,
        object: Option<&Value>,
    ) {
        let room = self.lives[joined.life].room.clone();
        self.conn(conn).counts_told.insert(room.clone(), joined.members);
        self.conn(conn).names_told.remove(&room);
        self.conn(conn).room_read = room.clone();
        let Some(object) = object else {
            if let Some((epoch, _)) = text.split_once(", at ").and_then(|(_, at)| at.split_once(':')) {
                self.learn_epoch(joined.life, epoch);
            }
            let (resumed, from) = joined.foreseen.expect("whoever types asks for what is foreseen");
            return self.count_joined(resumed, joined.newest + 1 - from);
        };
        let epoch = object["epoch"].as_str().expect("an epoch").to_owned();
        self.learn_epoch(joined.life, &epoch);
        let (resumed, from) = joined.foreseen.unwrap_or_else(|| {
            // Not foreseen: but what it says must agree with itself, and with what was asked for.
            let number = |field: &str| object[field].as_u64().expect("a number");
            let resumed = match (&joined.since, object.get("resumed").and_then(Value::as_bool)) {
                (None, None) => Resumed::NotAsked,
                (Some((its, seq)), Some(true)) => {
                    assert!(*its == epoch && *seq <= joined.newest && number("from") == seq + 1, "{text}");
                    Resumed::Yes
                }
                (Some((its, seq)), Some(false)) => {
                    let oldest = number("oldest");
                    match object["reason"].as_str() {
                        Some("epoch") if *its != epoch => Resumed::Epoch { oldest },
                        Some("ahead") if *seq > joined.newest => Resumed::Ahead { oldest },
                        Some("trimmed") if *seq + 1 < oldest => Resumed::Trimmed { oldest },
                        _ => panic!("refused without a reason: {text}"),
                    }
                }
                _ => panic!("an answer to another question: {text}"),
            };
            let from = number("from");
            if resumed != Resumed::Yes {
                assert!(joined.newest + 1 - from <= joined.history as u64, "more than was asked for: {text}");
            }
            (resumed, from)
        });
        let event = Event::Joined {
            room: &room,
            epoch: &epoch,
            seq: joined.newest,
            from,
            count: joined.newest + 1 - from,
            resumed,
            members: joined.members,
        };
        assert_eq!(self.line(conn, joined.id, &event), [text]);
        self.count_joined(resumed, joined.newest + 1 - from);
        if joined.foreseen.is_none() {
            let stream = self.conn(conn).streams.get_mut(stream).expect("it has just been read");
            (from..=joined.newest).rev().for_each(|seq| stream.push_front(Expected::Said(joined.life, seq)));
        }
    }

    fn count_joined(&mut self, resumed: Resumed, count: u64) {
        self.counts.count(match resumed {
            Resumed::NotAsked if count > 0 => "history with a join",
            Resumed::NotAsked => "joined without history",
            Resumed::Yes => "resumed",
            Resumed::Epoch { .. } => "not resumed: epoch",
            Resumed::Ahead { .. } => "not resumed: ahead",
            Resumed::Trimmed { .. } => "not resumed: trimmed",
        });
    }

    /// Whether these are messages of a life of a room, one after the other.
    fn is_page(&self, life: LifeId, messages: &Value) -> bool {
        let mut before = None;
        messages.as_array().expect("messages").iter().all(|message| {
            let seq = message["seq"].as_u64().expect("a number");
            let follows = before.is_none_or(|before| before + 1 == seq);
            before = Some(seq);
            let known = self.lives[life].messages.get(seq as usize - 1);
            follows
                && known.is_some_and(|known| {
                    serde_json::from_str::<Value>(&known.json).ok().as_ref() == Some(message)
                })
        })
    }

    /// An epoch names one life of one room.
    fn learn_epoch(&mut self, life: LifeId, epoch: &str) {
        let is_anothers = |(other, it): (usize, &Life)| other != life && it.epoch.as_deref() == Some(epoch);
        assert!(!self.lives.iter().enumerate().any(is_anothers), "two lives are called {epoch}");
        let known = self.lives[life].epoch.get_or_insert_with(|| epoch.to_owned());
        assert_eq!(known, epoch, "a life is called otherwise than before");
    }

    fn front(&self, conn: ConnId, stream: &str) -> Option<&Expected> {
        self.conns[&conn].streams.get(stream)?.front()
    }

    fn pop(&mut self, conn: ConnId, stream: &str) {
        let stream = self.conn(conn).streams.get_mut(stream).expect("it has a front");
        stream.pop_front();
    }

    fn surprise(&self, conn: ConnId, stream: &str, text: &str) -> String {
        let it = &self.conns[&conn];
        let shown = |expected: &Expected| match expected {
            &Expected::Said(life, seq) => self.lives[life].messages[seq as usize - 1].json.clone(),
            other => format!("{other:?}"),
        };
        let streams = it.streams.iter().map(|(name, stream)| {
            let next: Vec<String> = stream.iter().take(5).map(shown).collect();
            format!("    {name:?}: {}\n", next.join("\n        "))
        });
        format!(
            "{:?} {conn:?} reads in {stream:?}\n    {text}\nand was to read\n{}",
            it.dialect,
            streams.collect::<String>()
        )
    }
}

/// Whether a line tells of presence: `* ann, bob joined, cyn left`, `* bob is now robert`, `* 12 joined, 3 left, 40 here`,
/// `* lobby: 40 here`.
fn presence(line: &str, room: &str) -> Option<&'static str> {
    let rest = line.strip_prefix("* ")?;
    let is_count =
        |count: &str| count.strip_suffix(" here").is_some_and(|count| count.parse::<usize>().is_ok());
    let count = rest.strip_prefix(&format!("{room}: ")).or(rest.rsplit_once(", ").map(|(_, count)| count));
    if count.is_some_and(is_count) {
        return Some("presence by number");
    }
    let by_name = rest.ends_with(" joined") || rest.ends_with(" left") || rest.contains(" is now ");
    by_name.then_some("presence by name")
}
