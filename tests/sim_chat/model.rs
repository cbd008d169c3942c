//! The chat as plainly as it can be written: lists of messages, and for each connection a list of what it is to read.
//!
//! What a connection reads about a room stands in that room's stream, in order. What it reads about nothing in particular
//! stands in a stream of its own, which may overtake those. Whoever types is in one room at a time, and all its rooms are
//! one stream.
//!
//! Presence is not foreseen here, since it comes when it comes: only that it adds up in the end.

use super::counts::Counts;
use super::expected::{Conn, Dialect, Expected, Life, LifeId, Said};
use super::room::{Bucket, Key, Room};
use chinwag::chat::Settings;
use chinwag::service::ConnId;
use chinwag::time::Millis;
use chinwag::wire::{
    Command, Data, Event, Message, Name, Position, Refusal, RequestId, RoomName, json, text,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The chat.
pub struct Model {
    pub settings: Settings,
    /// Whether it is foreseen what rooms remember: they are bounded in messages, and not in bytes.
    pub is_exact: bool,
    pub conns: BTreeMap<ConnId, Conn>,
    /// Who has, or had, a slot last.
    pub by_slot: BTreeMap<u32, ConnId>,
    pub lives: Vec<Life>,
    rooms: BTreeMap<String, Room>,
    /// How many members each room has had, one after the other, in all its lives.
    pub sizes: BTreeMap<String, Vec<usize>>,
    /// How many members all rooms together have had at most.
    seats_max: usize,
    entered: u64,
    guests_secrets: BTreeMap<u64, String>,
    pub counts: Counts,
    /// What the calendar says, which goes forward and back.
    pub unix_ms: u64,
    /// Whether to print what is said and read.
    pub is_traced: bool,
}

impl Model {
    pub fn new(settings: Settings, is_exact: bool, is_traced: bool) -> Model {
        Model {
            settings,
            is_exact,
            conns: BTreeMap::new(),
            by_slot: BTreeMap::new(),
            lives: Vec::new(),
            rooms: BTreeMap::new(),
            sizes: BTreeMap::new(),
            seats_max: 0,
            entered: 0,
            guests_secrets: BTreeMap::new(),
            counts: Counts::default(),
            unix_ms: 0,
            is_traced,
        }
    }

    /// Prints something about a connection.
    pub fn trace(&self, now: Millis, ConnId { index, generation }: ConnId, what: std::fmt::Arguments<'_>) {
        if self.is_traced {
            println!("{:>9} ms  {index}.{generation} {what}", now.0);
        }
    }

    // What the server tells the chat. ---------------------------------------------------------------------------------

    pub fn open(&mut self, conn: ConnId, is_line: bool) {
        let former = self.conns.insert(
            conn,
            Conn {
                dialect: None,
                name: None,
                secret: None,
                rooms: Vec::new(),
                echoes: false,
                shows_seq: false,
                number: 0,
                publishes: Bucket::default(),
                commands: Bucket::default(),
                refusals: Bucket::default(),
                refusals_typed: Vec::new(),
                streams: BTreeMap::new(),
                counts_told: BTreeMap::new(),
                sizes_read: BTreeMap::new(),
                names_told: BTreeMap::new(),
                names_had: BTreeSet::new(),
                room_read: String::new(),
                has_read_goodbye: false,
                was_behind_a_gap: false,
                is_gone: false,
                left: BTreeSet::new(),
                is_silent: is_line,
                observes: None,
            },
        );
        assert!(former.is_none(), "no connection is opened twice");
        self.by_slot.insert(conn.index, conn);
    }

    /// The connection has shown how it speaks.
    pub fn enter(&mut self, conn: ConnId, dialect: Dialect) {
        self.entered += 1;
        let number = self.entered;
        let it = self.conn(conn);
        (it.dialect, it.number) = (Some(dialect), number);
    }

    /// The first line of a line connection has come or begun, and this is its first byte.
    pub fn hear_first_byte(&mut self, now: Millis, conn: ConnId, first: Option<u8>) {
        self.conn(conn).is_silent = false;
        match (first, self.conn(conn).dialect) {
            (_, Some(Dialect::Json)) => {}
            (Some(b'{'), dialect) => {
                self.counts.count("programs at the line port");
                if dialect.is_some() {
                    self.counts.count("programs that were late");
                    self.leave(now, conn);
                }
                self.enter(conn, Dialect::Json);
            }
            (_, None) => self.enter_by_line(now, conn),
            (_, Some(Dialect::Text)) => self.announce(now, conn),
        }
    }

    /// Somebody at a line connection who has said nothing, and reads.
    pub fn observe(&mut self, now: Millis, conn: ConnId) {
        self.counts.count("observers");
        self.enter(conn, Dialect::Text);
        let opened = self.open_room(now, "lobby");
        self.greet(conn);
        match opened {
            Ok(()) => {
                let room = self.rooms.get_mut("lobby").expect("it has been opened");
                if room.members.is_empty() {
                    room.emptied_at = now;
                }
                self.conn(conn).observes = Some(room.life);
                self.expect_joined(conn, None, "lobby", None, 0);
            }
            Err(refusal) => self.refuse_typed(conn, refusal),
        }
    }

    /// It has stayed, or has said something.
    pub fn announce(&mut self, now: Millis, conn: ConnId) {
        if let Some(life) = self.conn(conn).observes.take() {
            self.conn(conn).left.insert(life);
            self.counts.count("observers announced");
            if let Err(refusal) = self.sit_down(now, conn, "lobby") {
                self.refuse_typed(conn, refusal);
            }
        }
    }

    fn refuse_typed(&mut self, conn: ConnId, refusal: Refusal<'_>) {
        let lines = self.line(conn, None, &Event::Refused(refusal));
        self.conn(conn).refusals_typed.extend(lines);
    }

    /// Somebody at a line connection who types.
    pub fn enter_by_line(&mut self, now: Millis, conn: ConnId) {
        self.enter(conn, Dialect::Text);
        self.greet(conn);
        self.handle(now, conn, None, Ok(join("lobby")), false);
    }

    /// Somebody who has come by a WebSocket, with this in the query.
    pub fn enter_by_query(
        &mut self,
        now: Millis,
        conn: ConnId,
        dialect: Dialect,
        name: Option<&str>,
        room: Option<&str>,
    ) {
        self.enter(conn, dialect);
        if let Some(name) = name {
            let name = Name::new(name).expect("a sound name");
            let hello = Command::Hello { name: Some(name), secret: None, token: None, echo: false };
            self.handle(now, conn, None, Ok(hello), false);
        }
        if let Some(room) = room.or((dialect == Dialect::Text).then_some("lobby")) {
            self.greet(conn);
            self.handle(now, conn, None, Ok(join(room)), false);
        }
    }

    /// The connection has said something. `is_crowded`: for whom too much waits.
    pub fn hear(&mut self, now: Millis, conn: ConnId, said: &str, is_crowded: &dyn Fn(ConnId) -> bool) {
        if self.conn(conn).dialect != Some(Dialect::Json) && said.trim().is_empty() {
            self.counts.count("blank lines");
            return;
        }
        if self.conn(conn).is_silent {
            self.hear_first_byte(now, conn, said.bytes().next());
        }
        let mut memory = Vec::new();
        let (id, command) = match self.conn(conn).dialect {
            Some(Dialect::Json) => match json::parse(said, &mut memory) {
                Ok((id, command)) => (id, Ok(command)),
                Err((id, refusal)) => (id, Err(refusal)),
            },
            _ => (None, text::parse(said)),
        };
        let crowded = match command {
            Ok(Command::Direct { to, .. }) => self.find(to).is_some_and(is_crowded),
            _ => false,
        };
        self.handle(now, conn, id, command, crowded);
    }

    pub fn hear_bad_line(&mut self, now: Millis, conn: ConnId, first: u8, refusal: Refusal<'_>) {
        match (self.conn(conn).is_silent, first) {
            (true, b'{') => self.hear_first_byte(now, conn, Some(first)),
            (true, _) if self.conn(conn).dialect.is_none() => self.observe(now, conn),
            _ => {}
        }
        self.handle(now, conn, None, Err(refusal), false);
    }

    pub fn close(&mut self, now: Millis, conn: ConnId) {
        self.leave(now, conn);
        self.conn(conn).is_gone = true;
    }

    /// Rooms that have been empty for long enough go, and their numbering with them.
    pub fn wake(&mut self, now: Millis) {
        let keep = self.settings.room_keep;
        self.rooms.retain(|_, room| !room.members.is_empty() || room.emptied_at + keep > now);
        for room in self.rooms.values_mut() {
            // The loop may have been late, and so was the notice.
            if room.heard_at.is_some_and(|heard_at| heard_at < room.told_at && room.told_at <= now) {
                (room.heard_at, room.told_at) = (Some(now), now);
            }
        }
    }

    // What follows. ---------------------------------------------------------------------------------------------------

    fn handle(
        &mut self,
        now: Millis,
        conn: ConnId,
        id: Option<RequestId>,
        command: Result<Command<'_>, Refusal<'_>>,
        is_crowded: bool,
    ) {
        let says = matches!(command, Ok(Command::Publish { .. } | Command::Direct { .. }));
        let Settings { publish, command: command_rate, .. } = self.settings;
        let it = self.conn(conn);
        let (bucket, rate) =
            if says { (&mut it.publishes, publish) } else { (&mut it.commands, command_rate) };
        let allowed = bucket.take(now, rate);
        if allowed.is_err() && it.refusals.take(now, rate.times(9)).is_err() {
            self.counts.count("closed: rate abuse");
            return;
        }
        let done = match (allowed, command) {
            (Err(retry_ms), _) => {
                self.counts.count("rate limited");
                Err(Refusal::RateLimited { retry_ms })
            }
            (Ok(()), Err(nonsense)) => Err(nonsense),
            (Ok(()), Ok(command)) => self.obey(now, conn, id, command, is_crowded),
        };
        let Err(refusal) = done else { return };
        self.counts.count(match refusal {
            Refusal::NameTaken(_) | Refusal::NameAlike(_) => "name taken",
            Refusal::MessageTooBig { .. } => "too big",
            Refusal::NotJoined => "not joined",
            Refusal::TooManyRooms { .. } => "too many rooms",
            Refusal::Busy { .. } => "busy",
            Refusal::Full => "full",
            _ => "refused otherwise",
        });
        let about = command.ok().and_then(|command| self.room_asked_about(conn, command));
        let lines = self.line(conn, id, &Event::Refused(refusal));
        match self.conn(conn).dialect {
            Some(Dialect::Json) => self.expect_lines(conn, about.as_deref(), lines),
            _ => self.conn(conn).refusals_typed.extend(lines),
        }
    }

    /// The room whose stream has the answer.
    fn room_asked_about(&mut self, conn: ConnId, command: Command<'_>) -> Option<String> {
        let named = match command {
            Command::Publish { room, .. } | Command::History { room, .. } | Command::Members { room, .. } => {
                room.map(|room| room.as_str().to_owned())
            }
            Command::Join { room, .. } | Command::Leave { room } => Some(room.as_str().to_owned()),
            Command::Resume(_) | Command::ShowSeq(_) => None,
            _ => return None,
        };
        let rooms = &self.conn(conn).rooms;
        let room = named.or(rooms.first().cloned())?;
        rooms.contains(&room).then_some(room)
    }

    fn obey<'a>(
        &mut self,
        now: Millis,
        conn: ConnId,
        id: Option<RequestId>,
        command: Command<'a>,
        is_crowded: bool,
    ) -> Result<(), Refusal<'a>> {
        let at = self.unix_ms;
        if let Command::Hello { name, secret, echo, .. } = command {
            return self.hello(now, conn, id, name, secret, echo);
        }
        self.greet(conn);
        match command {
            Command::Hello { .. } => unreachable!("it has been answered"),
            Command::Rename(name) => {
                let is_own = self.find(name.as_str()) == Some(conn);
                if !is_own && (self.find(name.as_str()).is_some() || name.is_guest()) {
                    return Err(Refusal::NameTaken(name));
                }
                self.counts.count("renamed");
                self.call(conn, name.as_str().to_owned());
                for room in self.conns[&conn].rooms.iter() {
                    let room = self.rooms.get_mut(room).expect("somebody is in it");
                    room.note_change(now, self.settings.presence_interval, room.members.len() - 1);
                }
                self.answer(conn, id, None, &Event::Renamed { name: name.as_str() });
            }
            Command::Join { room, since, history } => return self.join(now, conn, id, room, since, history),
            Command::Resume(since) => {
                let room = self.room_of(conn).ok_or(Refusal::NotJoined)?;
                self.expect_joined(conn, id, &room, Some(since), 0);
            }
            Command::Leave { room } => {
                let room = self.room_meant(conn, Some(room))?;
                self.answer(conn, id, Some(&room), &Event::Done { room: Some(&room) });
                self.leave_room(now, conn, &room);
            }
            Command::Publish { room, data, key } => return self.publish(now, conn, id, room, data, key),
            Command::History { room, page, limit } => {
                let room = self.room_meant(conn, room)?;
                self.counts.count("pages");
                self.expect_page(conn, id, &room, page, limit);
            }
            Command::Members { room, .. } => {
                let room = self.room_meant(conn, room)?;
                self.counts.count("members listed");
                let names = self.names(&room);
                self.expect(conn, Some(&room), Expected::Members { id, room: room.clone(), names });
            }
            Command::Rooms { .. } => {
                self.counts.count("rooms listed");
                let inhabited = self.rooms.iter().filter(|(_, room)| !room.members.is_empty());
                let rooms = inhabited.map(|(name, room)| (name.clone(), room.members.len())).collect();
                self.expect(conn, None, Expected::Rooms { id, rooms });
            }
            Command::Direct { to, data } => {
                let bytes_max = self.settings.message_bytes_max;
                if data.len_bytes() > bytes_max {
                    return Err(Refusal::MessageTooBig { bytes_max });
                }
                let reader = self.find(to).ok_or(Refusal::NoSuchName(to))?;
                if is_crowded {
                    return Err(Refusal::Busy { retry_ms: 1000 });
                }
                self.counts.count("direct");
                let names = [conn, reader]
                    .map(|conn| self.conns[&conn].name.clone().expect("both have been welcomed"));
                let direct = Event::Direct { from: &names[0], to: &names[1], at, data };
                self.answer(reader, None, None, &direct);
                self.answer(conn, id, None, &Event::Done { room: None });
            }
            Command::Ping => self.answer(conn, id, None, &Event::Pong { at }),
            Command::Echo(is_on) => {
                self.conn(conn).echoes = is_on;
                self.answer(conn, id, None, &Event::EchoIs(is_on));
            }
            Command::ShowSeq(is_on) => {
                self.conn(conn).shows_seq = is_on;
                match self.room_of(conn) {
                    Some(room) => {
                        let life = self.rooms[&room].life;
                        let at = (life, self.newest(life));
                        self.expect(conn, Some(&room), Expected::ShowSeqIs { is_on, at });
                    }
                    None => self.answer(conn, id, None, &Event::ShowSeqIs { is_on, at: None }),
                }
            }
            Command::Help => {
                for (usage, purpose) in text::HELP {
                    self.answer(conn, id, None, &Event::Help { usage, purpose });
                }
            }
            Command::Quit => {}
        }
        Ok(())
    }

    fn hello<'a>(
        &mut self,
        now: Millis,
        conn: ConnId,
        id: Option<RequestId>,
        name: Option<Name<'a>>,
        secret: Option<&str>,
        echo: bool,
    ) -> Result<(), Refusal<'a>> {
        if self.conn(conn).name.is_some() {
            return Err(Refusal::BadRequest("you have been welcomed; `rename` changes the name"));
        }
        let Some(name) = name else {
            self.conn(conn).echoes = echo;
            self.welcome_guest(conn, id);
            return Ok(());
        };
        let guest =
            name.is_guest().then(|| name.as_str().rsplit('-').next().and_then(|number| number.parse().ok()));
        let owner = self.find(name.as_str());
        let right = match (owner, guest) {
            (None, None) => None,
            (Some(owner), _) => Some(self.conns[&owner].secret.clone()),
            (None, Some(number)) => {
                Some(number.and_then(|number: u64| self.guests_secrets.get(&number).cloned()))
            }
        };
        // A secret that nobody has read is known to nobody.
        if right.is_some_and(|right| right.is_none() || right.as_deref() != secret) {
            return Err(Refusal::NameTaken(name));
        }
        if let Some(owner) = owner {
            self.counts.count("taken over");
            self.leave(now, owner);
        } else if guest.is_some() {
            self.counts.count("guests come back");
        }
        self.conn(conn).echoes = echo;
        if guest.is_some() || owner.is_some() {
            // It stays the same, and is known also to who has not read it again.
            self.conn(conn).secret = secret.map(str::to_owned);
        }
        self.welcome(conn, id, name.as_str().to_owned());
        Ok(())
    }

    fn greet(&mut self, conn: ConnId) {
        if self.conn(conn).name.is_none() {
            self.welcome_guest(conn, None);
        }
    }

    fn welcome_guest(&mut self, conn: ConnId, id: Option<RequestId>) {
        let name = format!("guest-{}", self.conn(conn).number);
        self.welcome(conn, id, name);
    }

    fn welcome(&mut self, conn: ConnId, id: Option<RequestId>, name: String) {
        self.counts.count("welcomed");
        self.call(conn, name.clone());
        self.expect(conn, None, Expected::Welcome(id, name));
    }

    fn call(&mut self, conn: ConnId, name: String) {
        let it = self.conn(conn);
        it.names_had.insert(name.clone());
        it.name = Some(name);
    }

    /// Somebody has read the secret that came with a name.
    pub fn learn_secret(&mut self, conn: ConnId, name: &str, secret: &str) {
        self.conn(conn).secret = Some(secret.to_owned());
        if let Some(Ok(number)) = name.strip_prefix("guest-").map(str::parse) {
            let known = self.guests_secrets.entry(number).or_insert_with(|| secret.to_owned());
            assert_eq!(known, secret, "a guest's secret is its number's");
        }
    }

    fn join<'a>(
        &mut self,
        now: Millis,
        conn: ConnId,
        id: Option<RequestId>,
        room: RoomName<'_>,
        since: Option<Position<'_>>,
        history: usize,
    ) -> Result<(), Refusal<'a>> {
        let room = room.as_str();
        let rooms_max = self.settings.rooms_per_member_max;
        let before = self.conn(conn).rooms.clone();
        let is_there = before.iter().any(|name| name == room);
        match (self.conn(conn).dialect, is_there) {
            (Some(Dialect::Json), true) => return Err(Refusal::AlreadyJoined),
            (Some(Dialect::Json), false) if before.len() >= rooms_max => {
                return Err(Refusal::TooManyRooms { rooms_max });
            }
            (Some(Dialect::Json), false) => self.sit_down(now, conn, room)?,
            (_, true) => {}
            (_, false) => {
                self.sit_down(now, conn, room)?;
                before.iter().for_each(|name| self.leave_room(now, conn, name));
            }
        }
        self.counts.count("joined");
        self.expect_joined(conn, id, room, since, history);
        Ok(())
    }

    fn sit_down<'a>(&mut self, now: Millis, conn: ConnId, name: &str) -> Result<(), Refusal<'a>> {
        let interval = self.settings.presence_interval;
        self.open_room(now, name)?;
        let room = self.rooms.get_mut(name).expect("it is there now");
        room.note_change(now, interval, room.members.len());
        room.members.insert(conn);
        let size = room.members.len();
        self.note_size(name, size);
        self.conn(conn).rooms.push(name.to_owned());
        Ok(())
    }

    /// Sees to it that a room is there, with place for one more.
    fn open_room<'a>(&mut self, now: Millis, name: &str) -> Result<(), Refusal<'a>> {
        let Settings { rooms_max, members_max, .. } = self.settings;
        if !self.rooms.contains_key(name) {
            if self.rooms.len() >= rooms_max {
                let empty = self.rooms.iter().filter(|(_, room)| room.members.is_empty());
                // Of those that have been empty for equally long, the oldest.
                let given_up = empty.min_by_key(|(_, room)| (room.emptied_at, room.life));
                let given_up = given_up.map(|(name, _)| name.clone()).ok_or(Refusal::Full)?;
                self.counts.count("an empty room makes place");
                self.rooms.remove(&given_up);
            }
            if self.lives.iter().any(|life| life.room == name) {
                self.counts.count("rooms that had another life");
            }
            let life = self.lives.len();
            self.lives.push(Life { room: name.to_owned(), epoch: None, messages: Vec::new(), newest_at: 0 });
            let room = Room {
                life,
                members: BTreeSet::new(),
                emptied_at: now,
                told_at: now,
                heard_at: None,
                keys: VecDeque::new(),
            };
            self.rooms.insert(name.to_owned(), room);
        }
        let room = self.rooms.get_mut(name).expect("it is there now");
        if room.members.len() >= members_max {
            self.counts.count("a room is full");
            return Err(Refusal::Full);
        }
        Ok(())
    }

    fn leave_room(&mut self, now: Millis, conn: ConnId, name: &str) {
        let interval = self.settings.presence_interval;
        let room = self.rooms.get_mut(name).expect("somebody is in it");
        assert!(room.members.remove(&conn), "only who is in it leaves");
        room.note_change(now, interval, room.members.len());
        room.emptied_at = now;
        let life = room.life;
        let size = room.members.len();
        self.note_size(name, size);
        self.conn(conn).left.insert(life);
        self.conn(conn).rooms.retain(|room| room != name);
    }

    fn leave(&mut self, now: Millis, conn: ConnId) {
        for room in self.conn(conn).rooms.clone() {
            self.leave_room(now, conn, &room);
        }
        let it = self.conn(conn);
        (it.name, it.observes) = (None, None);
    }

    /// What a room remembers of a life, where that is foreseen: the oldest of it.
    pub fn oldest(&self, life: LifeId) -> u64 {
        let newest = self.newest(life);
        newest.saturating_sub(self.settings.history_messages_max as u64) + 1
    }

    pub fn newest(&self, life: LifeId) -> u64 {
        self.lives[life].messages.len() as u64
    }

    fn publish<'a>(
        &mut self,
        now: Millis,
        conn: ConnId,
        id: Option<RequestId>,
        room: Option<RoomName<'_>>,
        data: Data<'_>,
        key: Option<&str>,
    ) -> Result<(), Refusal<'a>> {
        let bytes_max = self.settings.message_bytes_max;
        if data.len_bytes() > bytes_max {
            return Err(Refusal::MessageTooBig { bytes_max });
        }
        let name = self.room_meant(conn, room)?;
        let publisher = self.conn(conn).name.clone().expect("it has been welcomed");
        let folded = publisher.to_lowercase();
        let sent = match data {
            Data::Text(text) => format!("\"{text}\""),
            Data::Json(json) => json.to_owned(),
        };
        let life = self.rooms[&name].life;
        let (window, oldest) = (self.settings.key_window, self.oldest(life));
        let is_known = |known: &&Key| {
            let is_over = known.since + window <= now && known.seq < oldest;
            known.name == folded && Some(&*known.key) == key && !is_over
        };
        let known = self.rooms[&name].keys.iter().find(is_known);
        if let Some(&Key { ref data, conn: former, seq, at, .. }) = known {
            if *data != sent {
                self.counts.count("same key, other data");
                return Err(Refusal::BadRequest("this `key` was used for other data"));
            }
            self.counts.count("duplicates");
            if former != conn {
                self.counts.count("repeats over another connection");
            }
            let published = Event::Published { room: &name, seq, at, is_duplicate: true };
            self.answer(conn, id, Some(&name), &published);
            return Ok(());
        }

        self.counts.count("published");
        let (seq, at) = (self.newest(life) + 1, self.unix_ms.max(self.lives[life].newest_at));
        if at > self.unix_ms {
            self.counts.count("stamped while the calendar was behind");
        }
        self.lives[life].newest_at = at;
        let message = Message { room: &name, seq, name: &publisher, key, at, data };
        let mut json = Vec::new();
        json::render_message(&message, &mut json);
        let typed = [false, true].map(|shows_seq| {
            let mut line = Vec::new();
            text::render(&Event::Message(message), shows_seq, &mut line);
            String::from_utf8(line).expect("text")
        });
        let json = String::from_utf8(json).expect("text");
        self.lives[life].messages.push(Said { json, typed });
        if self.oldest(life) > 1 {
            self.counts.count("trimmed");
        }

        let published = Event::Published { room: &name, seq, at, is_duplicate: false };
        self.answer(conn, id, Some(&name), &published);
        let echoes = self.conn(conn).echoes;
        let mut readers = self.rooms[&name].members.clone();
        readers.extend(self.conns.iter().filter(|(_, it)| it.observes == Some(life)).map(|(conn, _)| *conn));
        for reader in readers.into_iter().filter(|&reader| reader != conn || echoes) {
            self.expect(reader, Some(&name), Expected::Said(life, seq));
        }

        let Settings { key_window: window, keys_max, .. } = self.settings;
        let oldest = self.oldest(life);
        let room = self.rooms.get_mut(&name).expect("it is there");
        if let Some(key) = key {
            room.keys.push_back(Key {
                name: folded,
                key: key.to_owned(),
                data: sent,
                conn,
                seq,
                at,
                since: now,
            });
        }
        let is_over = |keys: &VecDeque<Key>| {
            keys.len() > keys_max
                || keys.front().is_some_and(|key| key.since + window <= now && key.seq < oldest)
        };
        while is_over(&room.keys) {
            room.keys.pop_front();
        }
        Ok(())
    }

    // Small help. -----------------------------------------------------------------------------------------------------

    pub fn conn(&mut self, conn: ConnId) -> &mut Conn {
        self.conns.get_mut(&conn).expect("it has been opened")
    }

    fn find(&self, name: &str) -> Option<ConnId> {
        let is_it = |it: &Conn| {
            it.observes.is_none() && it.name.as_deref().is_some_and(|its| its.eq_ignore_ascii_case(name))
        };
        self.conns.iter().find(|(_, it)| is_it(it)).map(|(&conn, _)| conn)
    }

    fn room_of(&self, conn: ConnId) -> Option<String> {
        match &self.conns[&conn].rooms[..] {
            [room] => Some(room.clone()),
            _ => None,
        }
    }

    fn room_meant<'a>(&self, conn: ConnId, room: Option<RoomName<'_>>) -> Result<String, Refusal<'a>> {
        let rooms = &self.conns[&conn].rooms;
        match room {
            Some(room) => rooms.iter().find(|its| *its == room.as_str()).cloned().ok_or(Refusal::NotJoined),
            None => self.room_of(conn).ok_or(Refusal::NotJoined),
        }
    }

    /// The life that a room has now.
    pub fn life(&self, room: &str) -> LifeId {
        self.rooms[room].life
    }

    /// Whether a connection is to read something that a room has said which is not there any more. Notices of who comes and
    /// goes are not foreseen: they may be all that it lacks of a room that it has left, or observes.
    pub fn lacks_forgotten_room(&self, conn: ConnId) -> bool {
        let is_there = |life: &LifeId| self.rooms.values().any(|room| room.life == *life);
        let is_lost = |expected: &Expected| matches!(expected, Expected::Said(life, _) if !is_there(life));
        let it = &self.conns[&conn];
        it.streams.values().flatten().any(is_lost)
            || it.left.iter().chain(&it.observes).any(|life| !is_there(life))
    }

    fn note_size(&mut self, room: &str, size: usize) {
        self.sizes.entry(room.to_owned()).or_default().push(size);
        self.seats_max = self.seats_max.max(self.rooms.values().map(|room| room.members.len()).sum());
    }

    /// Whether everybody in a room is to know who is there.
    pub fn is_presence_told(&self, now: Millis, room: &str) -> bool {
        self.rooms[room].told_at + self.presence_wait() <= now
    }

    /// The loop is to do at `due` what it does only now. The budget has earned no more than a second's worth meanwhile, so
    /// rooms that wait for it wait for so much longer.
    pub fn note_late(&mut self, due: Millis, now: Millis) {
        let wait = self.presence_wait();
        for room in self.rooms.values_mut().filter(|room| wait > Millis(0) && room.told_at + wait > due) {
            room.told_at = room.told_at + (now - due);
        }
    }

    /// How long a room waits for the budget at most: each other one may have waited for longer, and a fourth of the budget
    /// is for whoever has waited longest. Where the budget is more than all rooms can use, nobody waits.
    pub fn presence_wait(&self) -> Millis {
        let per_second = u64::from(self.settings.presence_per_second);
        let is_plenty = per_second as usize > 4 * self.seats_max || per_second == 0;
        // In whole milliseconds for each room.
        let rounding = self.rooms.len() as u64;
        Millis(if is_plenty { 0 } else { 4000 * self.seats_max as u64 / per_second + rounding })
    }

    /// Who is in a room now.
    pub fn names(&self, room: &str) -> BTreeSet<String> {
        let name = |member: &ConnId| self.conns[member].name.clone().expect("members have been welcomed");
        self.rooms.get(room).map_or(BTreeSet::new(), |room| room.members.iter().map(name).collect())
    }

    /// How many that are.
    pub fn members(&self, room: &str) -> usize {
        self.rooms.get(room).map_or(0, |room| room.members.len())
    }

    /// The rooms that are there.
    pub fn room_names(&self) -> Vec<String> {
        self.rooms.keys().cloned().collect()
    }
}

fn join(room: &str) -> Command<'_> {
    let room = RoomName::new(room).expect("a sound name");
    Command::Join { room, since: None, history: 0 }
}
