//! A stage for tests: the hub, people and programs at it, and a transcript to play.
//!
//! A transcript reads like the protocol, each line a step:
//!
//! ```text
//!     + ann                  ann connects, and types
//!     +j bot                 a program connects, and speaks JSON
//!     ann> /join dev         ann types
//!     ann< * dev: 1 here     ann reads the next thing that she was told
//!     bot< {"type":"pong"    bot reads something that begins so, if what is written is not whole
//!     ann< ...               ann reads whatever she has been told; all< ... if everybody does
//!     @ 1500                 1500 ms have passed
//!     - ann                  ann's connection is gone
//!     here ann bob           both have been here for long, under these names, and know of each other
//!     ann sleeps             she reads nothing, and what her rooms say is forgotten before she does
//!     ann wakes              and is sent what there is in its place
//! ```
//!
//! Whatever somebody is told must be read before the next step: what a transcript does not show has not been said. What
//! cannot be known beforehand, a secret or an epoch, is written by its name: `{epoch}` and `{secret}` stand for what was
//! last told; `{epoch:dev}` and `{secret:ann}` for what was last told of that room and to that connection.

use super::{Effects, Hub, LOBBY, MemberId, Mode, Record, Replayed, RoomId, Seed, Settings};
use crate::time::Millis;
use crate::wire::{self, Changes, Command, Event, GapReason, Goodbye, RequestId, RoomName, json, text};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Plays a transcript with the default settings.
pub fn play(transcript: &str) {
    play_with(Settings::default(), transcript);
}

/// Plays a transcript.
pub fn play_with(settings: Settings, transcript: &str) {
    Stage::new(settings).play(transcript);
}

/// The hub and those who are at it.
pub struct Stage {
    /// What is played on.
    pub hub: Hub,
    /// What they are told.
    pub house: House,
    began: Millis,
    now: Millis,
    people: Vec<Option<String>>,
}

/// Rooms' streams, and what has reached whom.
#[derive(Default)]
pub struct House {
    unix_ms: u64,
    followers: BTreeMap<RoomId, Vec<MemberId>>,
    /// The number of each room's next entry.
    heads: BTreeMap<RoomId, u64>,
    told: BTreeMap<MemberId, VecDeque<String>>,
    asleep: BTreeMap<MemberId, Asleep>,
    /// Who is to be told nothing more.
    closed: Vec<MemberId>,
    programs: Vec<MemberId>,
    with_seq: Vec<MemberId>,
    questions: Vec<(MemberId, Waiting)>,
    /// What was told that cannot be known beforehand, by the name under which it is written.
    names: BTreeMap<String, String>,
    /// Who is called what here, to tell secrets apart.
    labels: BTreeMap<MemberId, String>,
}

/// What waits for somebody who sleeps. What is told to it alone, and not about a room, overtakes what its rooms say.
#[derive(Default)]
struct Asleep {
    ahead: Vec<String>,
    waiting: Vec<Waiting>,
}

/// Something that a member is still to be sent.
enum Waiting {
    Told(String),
    Entries { room: RoomId, entries: Range<u64>, has_lagged: bool },
}

impl Stage {
    /// Nobody is there yet.
    pub fn new(settings: Settings) -> Stage {
        let (began, now) = (Millis(0), Millis(0));
        let hub = Hub::new(settings, Seed::new([7; 32]));
        Stage { hub, house: House::default(), began, now, people: Vec::new() }
    }

    /// Plays a transcript, or one more.
    pub fn play(&mut self, transcript: &str) {
        for (number, line) in transcript.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() {
                let step = format!("line {}: {line}", number + 1);
                self.play_line(line, &step);
            }
        }
        self.house.assert_all_read("the end");
    }

    /// Plays what leads to the beginning of a transcript: everybody reads whatever they are told.
    pub fn arrange(&mut self, transcript: &str) {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.play_line(line, line);
            self.house.forget();
        }
    }

    /// The time, by which the calendar is set too.
    fn now(&mut self) -> Millis {
        self.house.unix_ms = UNIX_MS + (self.now - self.began).0;
        self.now
    }

    fn play_line(&mut self, line: &str, step: &str) {
        if let Some((label, expected)) =
            line.split_once("< ").filter(|(label, _)| !label.contains(['>', ' ', '{']))
        {
            if label == "all" {
                return self.house.forget();
            }
            let id = self.find(label);
            let told = self.house.told.entry(id).or_default();
            if expected == "..." {
                assert!(!told.is_empty(), "{step}\n    nothing was told");
                return told.clear();
            }
            let told = told.pop_front().unwrap_or_default();
            let expected = self.house.fill_in(expected);
            let is_whole = !expected.starts_with('{') || expected.ends_with('}');
            let agrees = if is_whole { told == expected } else { told.starts_with(&expected) };
            assert!(agrees, "{step}\n    expected {expected}\n    told     {told}");
            return;
        }
        self.house.assert_all_read(step);
        if let Some(label) = line.strip_prefix("+j ") {
            let id = self.seat(label);
            self.house.programs.push(id);
            self.hub.enter(id, Mode::Json);
        } else if let Some(label) = line.strip_prefix("+ ") {
            self.connect(label);
        } else if let Some(label) = line.strip_prefix("- ") {
            let id = self.find(label);
            self.people[id.0 as usize] = None;
            self.house.programs.retain(|&it| it != id);
            self.house.with_seq.retain(|&it| it != id);
            self.house.asleep.remove(&id);
            self.house.closed.retain(|&it| it != id);
            let now = self.now();
            self.hub.leave(now, id, &mut self.house);
        } else if let Some(labels) = line.strip_prefix("here ") {
            labels.split(' ').for_each(|label| self.settle(label));
        } else if let Some(millis) = line.strip_prefix("@ ") {
            self.advance(self.began + Millis(millis.parse().expect(step)));
        } else if let Some(label) = line.strip_suffix(" sleeps") {
            let id = self.find(label);
            self.house.asleep.insert(id, Asleep::default());
        } else if let Some(label) = line.strip_suffix(" wakes") {
            let id = self.find(label);
            let Asleep { ahead, waiting } = self.house.asleep.remove(&id).expect(step);
            self.house.told.entry(id).or_default().extend(ahead);
            self.house.questions.extend(waiting.into_iter().map(|waiting| (id, waiting)));
        } else if let Some((label, typed)) = line.split_once('>') {
            self.type_line(label, typed.strip_prefix(' ').unwrap_or(typed));
        } else {
            panic!("not a step: {step}");
        }
        self.answer_questions();
        self.hub.validate();
    }

    /// Gives what was asked for, as a server would whose readers are fast.
    fn answer_questions(&mut self) {
        for (id, waiting) in std::mem::take(&mut self.house.questions) {
            let (room, entries, has_lagged) = match waiting {
                Waiting::Told(line) => {
                    self.house.put(id, Waiting::Told(line));
                    continue;
                }
                // Whoever has fallen asleep in the meantime asks when it wakes.
                waiting if self.house.asleep.contains_key(&id) => {
                    self.house.put(id, waiting);
                    continue;
                }
                Waiting::Entries { room, entries, has_lagged } => (room, entries, has_lagged),
            };
            let end = entries.end;
            let mut memory = Vec::new();
            let house = &mut self.house;
            let reached = self.hub.replay(room, entries, has_lagged, |room, epoch, replayed| {
                match replayed {
                    Replayed::Gap(from, to) => {
                        house.tell(id, None, &Event::Gap { room, epoch, from, to, reason: GapReason::Slow });
                    }
                    Replayed::Members(members) => {
                        let changes = Changes::Counted { joined: 0, left: 0, renamed: 0 };
                        house.tell(id, None, &Event::Presence { room, changes, members });
                    }
                    Replayed::Message(record) => {
                        let message =
                            json::parse_message(&record.json, &mut memory).expect("as it was written");
                        house.tell(id, None, &Event::Message(message));
                    }
                }
                true
            });
            match reached {
                Some(reached) => assert_eq!(reached, end),
                None => self.house.close(id, Goodbye::TooSlow),
            }
        }
    }

    fn seat(&mut self, label: &str) -> MemberId {
        let free = self.people.iter().position(Option::is_none).unwrap_or(self.people.len());
        self.people.resize(self.people.len().max(free + 1), None);
        self.people[free] = Some(label.to_owned());
        let id = MemberId(u32::try_from(free).unwrap());
        self.house.labels.insert(id, label.to_owned());
        id
    }

    /// Connects somebody, in the way in which those come who type.
    pub fn connect(&mut self, label: &str) {
        let id = self.seat(label);
        let join = Command::Join { room: RoomName::new(LOBBY).unwrap(), since: None, history: 0 };
        self.hub.enter(id, Mode::Text);
        self.hub.greet(id, &mut self.house);
        let now = self.now();
        self.hub.handle(now, id, None, join, &mut self.house);
    }

    /// Connects somebody who has said nothing for a while.
    pub fn observe(&mut self, label: &str) {
        let id = self.seat(label);
        self.hub.enter(id, Mode::Text);
        self.hub.observe(self.now, id, RoomName::new(LOBBY).unwrap(), &mut self.house);
        self.hub.validate();
    }

    /// And has then stayed.
    pub fn announce(&mut self, label: &str) {
        let id = self.find(label);
        self.hub.announce(self.now, id, RoomName::new(LOBBY).unwrap(), &mut self.house);
        self.hub.validate();
    }

    fn settle(&mut self, label: &str) {
        self.connect(label);
        self.type_line(label, &format!("/name {label}"));
        self.advance(self.now + Millis::from_secs(2));
        self.house.forget();
        self.began = self.now;
    }

    /// Somebody types a line, or a program sends one.
    pub fn type_line(&mut self, label: &str, line: &str) {
        let id = self.find(label);
        let line = self.house.fill_in(line);
        let (now, mut memory) = (self.now(), Vec::new());
        let parsed = match self.house.programs.contains(&id) {
            true => json::parse(&line, &mut memory),
            false => text::parse(&line).map(|command| (None, command)).map_err(|refusal| (None, refusal)),
        };
        match parsed {
            Ok((request, command)) => self.hub.handle(now, id, request, command, &mut self.house),
            Err((request, refusal)) => self.hub.handle_nonsense(now, id, request, refusal, &mut self.house),
        }
    }

    /// What somebody has been told and has not read yet.
    pub fn take(&mut self, label: &str) -> Vec<String> {
        let id = self.find(label);
        self.house.told.remove(&id).unwrap_or_default().into()
    }

    /// Time passes, and the hub is woken whenever it wants to be.
    pub fn advance(&mut self, to: Millis) {
        while let Some(at) = self.hub.next_wake().filter(|&at| at <= to) {
            self.now = at;
            let now = self.now();
            self.hub.wake(now, &mut self.house);
        }
        self.now = to;
    }

    fn find(&self, label: &str) -> MemberId {
        let index = self.people.iter().position(|person| person.as_deref() == Some(label));
        MemberId(u32::try_from(index.unwrap_or_else(|| panic!("nobody is called {label}"))).unwrap())
    }
}

impl House {
    /// As if everybody had read everything.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    fn assert_all_read(&self, step: &str) {
        for (id, lines) in &self.told {
            assert!(lines.is_empty(), "before {step}\nnot read by {}: {lines:?}", self.labels[id]);
        }
    }

    /// A line with what could not be known when it was written.
    fn fill_in(&self, line: &str) -> String {
        let fill =
            |line: String, (name, value): (&String, &String)| line.replace(&format!("{{{name}}}"), value);
        self.names.iter().fold(line.to_owned(), fill)
    }

    /// What an event is to a member: no line, one, or those of a page of history.
    fn render(&mut self, member: MemberId, id: Option<RequestId>, event: &Event<'_>) -> Vec<String> {
        let mut learn = |name: String, value: &str| drop(self.names.insert(name, value.to_owned()));
        match event {
            Event::Joined { room, epoch, .. } => {
                learn("epoch".to_owned(), epoch);
                learn(format!("epoch:{room}"), epoch);
            }
            Event::Welcome { secret, .. } => {
                learn("secret".to_owned(), secret);
                learn(format!("secret:{}", self.labels[&member]), secret);
            }
            _ => {}
        }
        let mut rendered = Vec::new();
        match self.programs.contains(&member) {
            true => json::render(id, event, &mut rendered),
            false => text::render(event, self.with_seq.contains(&member), &mut rendered),
        }
        let rendered = String::from_utf8(rendered).unwrap();
        rendered.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn put(&mut self, member: MemberId, waiting: Waiting) {
        if self.closed.contains(&member) {
            return;
        }
        match (self.asleep.get_mut(&member), waiting) {
            (Some(asleep), waiting) => asleep.waiting.push(waiting),
            (None, Waiting::Told(line)) => self.told.entry(member).or_default().push_back(line),
            (None, question) => self.questions.push((member, question)),
        }
    }

    fn publish(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) -> u64 {
        let head = self.heads.entry(room).or_insert(FIRST_ENTRY);
        let entry = *head;
        *head += 1;
        let followers = self.followers.get(&room).cloned().unwrap_or_default();
        for member in followers.into_iter().filter(|it| !except.contains(it)) {
            match self.asleep.get_mut(&member) {
                None => self.tell(member, None, event),
                // What follows what is missing already is missing with it.
                Some(Asleep { waiting, .. }) => match waiting.last_mut() {
                    Some(Waiting::Entries { room: its, entries, has_lagged: true })
                        if *its == room && entries.end == entry =>
                    {
                        entries.end += 1;
                    }
                    _ => {
                        let entries = entry..entry + 1;
                        waiting.push(Waiting::Entries { room, entries, has_lagged: true });
                    }
                },
            }
        }
        entry
    }
}

/// What the calendar says when a transcript's clock is 0.
const UNIX_MS: u64 = 1_795_000_000_000;
/// How many things may wait for somebody who sleeps, before others may not add to them.
const CROWD: usize = 2;
/// Not zero: a room's stream may have had another life before.
const FIRST_ENTRY: u64 = 1000;

impl Effects for House {
    fn unix_ms(&self) -> u64 {
        self.unix_ms
    }

    fn tell(&mut self, member: MemberId, id: Option<RequestId>, event: &Event<'_>) {
        let lines = self.render(member, id, event);
        if self.closed.contains(&member) {
            return;
        }
        match self.asleep.get_mut(&member) {
            Some(asleep) => asleep.ahead.extend(lines),
            None => self.told.entry(member).or_default().extend(lines),
        }
    }

    fn answer(&mut self, member: MemberId, room: RoomId, id: Option<RequestId>, event: &Event<'_>) {
        let followers = self.followers.get(&room);
        let follows = followers.is_some_and(|followers| followers.contains(&member));
        assert!(follows, "an answer in a stream that {member:?} does not follow");
        for line in self.render(member, id, event) {
            self.put(member, Waiting::Told(line));
        }
    }

    fn is_crowded(&self, member: MemberId) -> bool {
        self.asleep.get(&member).is_some_and(|asleep| asleep.ahead.len() + asleep.waiting.len() >= CROWD)
    }

    fn say(&mut self, room: RoomId, message: &wire::Message<'_>, json: &[u8], except: &[MemberId]) -> u64 {
        let mut rendered = Vec::new();
        json::render(None, &Event::Message(*message), &mut rendered);
        assert_eq!(
            String::from_utf8_lossy(json),
            String::from_utf8_lossy(&rendered),
            "one message, one text"
        );
        self.publish(room, &Event::Message(*message), except)
    }

    fn notify(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        self.publish(room, event, except);
    }

    fn follow(&mut self, member: MemberId, room: RoomId) {
        let followers = self.followers.entry(room).or_default();
        assert!(!followers.contains(&member), "{member:?} follows {room:?} already");
        followers.push(member);
    }

    fn unfollow(&mut self, member: MemberId, room: RoomId) {
        let followers = self.followers.get_mut(&room).expect("somebody has followed it");
        assert!(followers.contains(&member), "{member:?} does not follow {room:?}");
        followers.retain(|&it| it != member);
        if followers.is_empty() {
            self.followers.remove(&room);
            // Numbers go on, but not by one.
            *self.heads.entry(room).or_insert(FIRST_ENTRY) += 100;
        }
    }

    fn recall(&mut self, member: MemberId, room: RoomId, record: &Record) {
        let mut memory = Vec::new();
        let message = json::parse_message(&record.json, &mut memory).expect("as it was written");
        self.answer(member, room, None, &Event::Message(message));
    }

    fn replay(&mut self, member: MemberId, room: RoomId, entries: Range<u64>) {
        assert!(!entries.is_empty(), "what is asked for is something");
        self.put(member, Waiting::Entries { room, entries, has_lagged: false });
    }

    fn show_seq(&mut self, member: MemberId, shows: bool) {
        self.with_seq.retain(|&it| it != member);
        if shows {
            self.with_seq.push(member);
        }
    }

    fn close(&mut self, member: MemberId, goodbye: Goodbye) {
        self.put(member, Waiting::Told(format!("({goodbye:?})")));
        self.closed.push(member);
    }
}
