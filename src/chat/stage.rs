//! A stage for tests: the hub, people at it, and a transcript to play.
//!
//! A transcript reads like the protocol, each line a step:
//!
//! ```text
//!     + ann                  ann connects
//!     ann> /join dev         ann types
//!     ann< * dev: 1 here     ann reads the next thing that she was told
//!     @ 1500                 1500 ms have passed
//!     - ann                  ann's connection is gone
//!     here ann bob           both have been here for long, under these names, and know of each other
//! ```
//!
//! Whatever somebody is told must be read before the next step: what a transcript does not show has not been said.

use super::{Effects, Hub, LOBBY, MemberId, RoomId, Settings};
use crate::time::Millis;
use crate::wire::{Command, Event, Goodbye, RoomName, text};
use std::collections::{BTreeMap, VecDeque};

/// Plays a transcript with the default settings.
pub fn play(transcript: &str) {
    play_with(Settings::default(), transcript);
}

/// Plays a transcript.
pub fn play_with(settings: Settings, transcript: &str) {
    let mut stage = Stage::new(settings);
    for (number, line) in transcript.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() {
            let step = format!("line {}: {line}", number + 1);
            stage.play_line(line, &step);
        }
    }
    stage.house.assert_all_read("the end");
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
    followers: BTreeMap<RoomId, Vec<MemberId>>,
    told: BTreeMap<MemberId, VecDeque<String>>,
}

impl Stage {
    /// Nobody is there yet.
    pub fn new(settings: Settings) -> Stage {
        let (began, now) = (Millis(0), Millis(0));
        Stage { hub: Hub::new(settings, 7), house: House::default(), began, now, people: Vec::new() }
    }

    fn play_line(&mut self, line: &str, step: &str) {
        if let Some((label, expected)) =
            line.split_once("< ").filter(|(label, _)| !label.contains(['>', ' ']))
        {
            let id = self.find(label);
            let line = self.house.told.entry(id).or_default().pop_front();
            assert_eq!(line.as_deref(), Some(expected), "{step}");
            return;
        }
        self.house.assert_all_read(step);
        if let Some(label) = line.strip_prefix("+ ") {
            self.connect(label);
        } else if let Some(label) = line.strip_prefix("- ") {
            let id = self.find(label);
            self.people[id.0 as usize] = None;
            self.hub.leave(self.now, id, &mut self.house);
        } else if let Some(labels) = line.strip_prefix("here ") {
            labels.split(' ').for_each(|label| self.settle(label));
        } else if let Some(millis) = line.strip_prefix("@ ") {
            self.advance(self.began + Millis(millis.parse().expect(step)));
        } else if let Some((label, typed)) = line.split_once('>') {
            self.type_line(label, typed.strip_prefix(' ').unwrap_or(typed));
        } else {
            panic!("not a step: {step}");
        }
        self.hub.validate();
    }

    /// Connects somebody, in the way in which those come who type.
    pub fn connect(&mut self, label: &str) {
        let free = self.people.iter().position(Option::is_none).unwrap_or(self.people.len());
        self.people.resize(self.people.len().max(free + 1), None);
        self.people[free] = Some(label.to_owned());
        let id = MemberId(u32::try_from(free).unwrap());
        self.hub.enter(id, &mut self.house);
        self.hub.handle(self.now, id, Command::Join(RoomName::new(LOBBY).unwrap()), &mut self.house);
    }

    fn settle(&mut self, label: &str) {
        self.connect(label);
        self.type_line(label, &format!("/name {label}"));
        self.advance(self.now + Millis::from_secs(2));
        self.house.forget();
        self.began = self.now;
    }

    /// Somebody types a line.
    pub fn type_line(&mut self, label: &str, line: &str) {
        let id = self.find(label);
        match text::parse(line) {
            Ok(command) => self.hub.handle(self.now, id, command, &mut self.house),
            Err(refusal) => self.house.tell(id, &Event::Refused(refusal)),
        }
    }

    /// Time passes, and the hub is woken whenever it wants to be.
    pub fn advance(&mut self, to: Millis) {
        while let Some(at) = self.hub.next_wake().filter(|&at| at <= to) {
            self.hub.wake(at, &mut self.house);
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
            assert!(lines.is_empty(), "before {step}\nnot read by {id:?}: {lines:?}");
        }
    }
}

impl Effects for House {
    fn tell(&mut self, member: MemberId, event: &Event<'_>) {
        let mut line = Vec::new();
        text::render(event, &mut line);
        self.told.entry(member).or_default().push_back(String::from_utf8(line).unwrap());
    }

    fn answer(&mut self, member: MemberId, room: RoomId, event: &Event<'_>) {
        assert!(
            self.followers[&room].contains(&member),
            "an answer in a stream that {member:?} does not follow"
        );
        self.tell(member, event);
    }

    fn publish(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        let followers = self.followers.get(&room).cloned().unwrap_or_default();
        followers.into_iter().filter(|it| !except.contains(it)).for_each(|it| self.tell(it, event));
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
        }
    }

    fn close(&mut self, member: MemberId, goodbye: Goodbye) {
        self.told.entry(member).or_default().push_back(format!("({goodbye:?})"));
    }
}
