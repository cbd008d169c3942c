//! The hub: who is there under which name, in which room, and what follows from what they ask.
//!
//! It is told what members do and answers by calling [`Effects`]. It knows no bytes and no connections, takes the time as
//! an argument and makes no random choices, so the same calls lead to the same effects.
//!
//! ```text
//!     enter ─▶ handle(Command) ─▶ … ─▶ leave           and wake, when next_wake has come
//! ```
//!
//! What an idle member in a room costs, in bytes of heap:
//!
//! ```text
//!     its entry in `members`          24     up to 48 just after that table has doubled
//!     its name                        11     for `guest-12345`; as many as it is long
//!     its slot in `names`              9     up to 18
//!     its place in the room            4     up to 8
//!     what the service keeps of it     8     up to 16
//!                                     ──
//!                                     56     up to 101
//! ```
//!
//! ```
//! use chinwag::chat::{Effects, Hub, MemberId, RoomId, Settings};
//! use chinwag::time::Millis;
//! use chinwag::wire::{Command, Event, Goodbye, RoomName};
//!
//! /// Prints what it is told.
//! struct Paper;
//!
//! impl Effects for Paper {
//!     fn tell(&mut self, member: MemberId, event: &Event<'_>) {
//!         println!("to {member:?}: {event:?}");
//!     }
//!     fn answer(&mut self, member: MemberId, _room: RoomId, event: &Event<'_>) {
//!         self.tell(member, event);
//!     }
//!     fn publish(&mut self, room: RoomId, event: &Event<'_>, _except: &[MemberId]) {
//!         println!("to {room:?}: {event:?}");
//!     }
//!     fn follow(&mut self, _member: MemberId, _room: RoomId) {}
//!     fn unfollow(&mut self, _member: MemberId, _room: RoomId) {}
//!     fn close(&mut self, _member: MemberId, _goodbye: Goodbye) {}
//! }
//!
//! let mut hub = Hub::new(Settings::default(), 42);
//! let (ann, now) = (MemberId(0), Millis(0));
//! hub.enter(ann, &mut Paper);
//! hub.handle(now, ann, Command::Join(RoomName::new("dev").unwrap()), &mut Paper);
//! hub.handle(now, ann, Command::Say("is this thing on?"), &mut Paper);
//! hub.leave(now, ann, &mut Paper);
//! ```

use super::index::{Index, hash};
use super::presence::{Change, Pace};
use super::room::Room;
use super::rooms::Rooms;
use super::{Effects, MemberId, Settings};
use crate::time::Millis;
use crate::wire::name::{GUEST, folded};
use crate::wire::{Command, Event, Goodbye, Name, Refusal, RoomName, text};

/// All members and all rooms.
#[derive(Debug)]
pub struct Hub {
    settings: Settings,
    members: Members,
    names: Index,
    rooms: Rooms,
    /// How many guest names were ever given.
    guests: u64,
    /// How many messages were published.
    messages: u64,
    seed: u64,
}

/// By [`MemberId`].
#[derive(Debug, Default)]
struct Members(Vec<Option<Member>>);

/// Kept small: there is one for each connection.
#[derive(Debug)]
struct Member {
    name: Box<str>,
    seat: Seat,
}

/// Where a member sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    /// Which room, or [`NOWHERE`].
    room: u32,
    /// Which place in its roster.
    place: u32,
}

const NOWHERE: u32 = u32::MAX;
const UNSEATED: Seat = Seat { room: NOWHERE, place: 0 };

impl Hub {
    /// An empty one. Who knows `seed` can choose names that are slow to look up.
    pub fn new(settings: Settings, seed: u64) -> Hub {
        let pace = Pace { interval: settings.presence_interval, changes_max: settings.presence_changes_max };
        Hub {
            settings,
            members: Members::default(),
            names: Index::default(),
            rooms: Rooms::new(pace, seed),
            guests: 0,
            messages: 0,
            seed,
        }
    }

    /// Somebody is here, and is given a name. `id` is nobody else's until [`Hub::leave`].
    pub fn enter(&mut self, id: MemberId, effects: &mut dyn Effects) {
        // Numbers are never given twice, so whoever remembers guest-7 remembers only one.
        self.guests += 1;
        let name = format!("{GUEST}{}", self.guests).into_boxed_str();
        effects.tell(id, &Event::Welcome { name: &name });
        self.names.insert(self.hash_name(&name), id.0);
        self.members.insert(id, Member { name, seat: UNSEATED });
    }

    /// Somebody asks for something.
    pub fn handle(&mut self, now: Millis, id: MemberId, command: Command<'_>, effects: &mut dyn Effects) {
        if !self.members.has(id) {
            return;
        }
        match command {
            Command::Say(text) => self.say(id, text, effects),
            Command::Rename(name) => self.rename(now, id, name, effects),
            Command::Join(name) => self.join(now, id, name, effects),
            Command::Who => self.who(id, effects),
            Command::Help => {
                text::HELP
                    .iter()
                    .for_each(|&(usage, purpose)| effects.tell(id, &Event::Help { usage, purpose }));
            }
            Command::Quit => effects.close(id, Goodbye::Quit),
        }
    }

    /// Somebody is gone.
    pub fn leave(&mut self, now: Millis, id: MemberId, effects: &mut dyn Effects) {
        if !self.members.has(id) {
            return;
        }
        self.leave_room(now, id, effects);
        let member = self.members.remove(id);
        self.names.remove(self.hash_name(&member.name), id.0);
    }

    /// When [`Hub::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Millis> {
        self.rooms.next_wake()
    }

    /// Tells what was put off until now.
    pub fn wake(&mut self, now: Millis, effects: &mut dyn Effects) {
        self.rooms.wake(now, effects);
    }

    /// Plain numbers, each with its name.
    pub fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        report("chat_members", self.names.len() as u64);
        report("chat_rooms", self.rooms.len() as u64);
        report("chat_messages", self.messages);
    }

    fn say(&mut self, id: MemberId, text: &str, effects: &mut dyn Effects) {
        let bytes_max = self.settings.message_bytes_max;
        if text.len() > bytes_max {
            return effects.tell(id, &Event::Refused(Refusal::MessageTooBig { bytes_max }));
        }
        let Some(room) = self.room_of(id) else {
            return effects.tell(id, &Event::Refused(Refusal::NotJoined));
        };
        effects.publish(room.id, &Event::Message { name: self.members.name(id), text }, &[id]);
        self.messages += 1;
    }

    fn rename(&mut self, now: Millis, id: MemberId, name: Name<'_>, effects: &mut dyn Effects) {
        let hash = self.hash_name(name.as_str());
        let is_it = |other| folded(self.members.name(MemberId(other))).eq(folded(name.as_str()));
        match self.names.find(hash, is_it) {
            // One's own name may be written in another case.
            Some(owner) if owner == id.0 => {}
            None if !name.is_guest() => {}
            Some(_) | None => return effects.tell(id, &Event::Refused(Refusal::NameTaken(name))),
        }
        let new = name.as_str();
        let member = self.members.get_mut(id);
        let old = std::mem::replace(&mut member.name, new.into());
        let room = member.seat.room;
        self.names.remove(self.hash_name(&old), id.0);
        self.names.insert(hash, id.0);
        effects.tell(id, &Event::Renamed { name: new });
        if *old != *new {
            self.rooms.tell(now, room, Change::Renamed { member: id, old: &old, new }, effects);
        }
    }

    fn join(&mut self, now: Millis, id: MemberId, name: RoomName<'_>, effects: &mut dyn Effects) {
        let is_there = self.room_of(id).is_some_and(|room| *room.name == *name.as_str());
        if !is_there {
            self.leave_room(now, id, effects);
            let room = self.rooms.open(name);
            let (room_id, place) = (room.id, room.roster.admit(id));
            self.members.get_mut(id).seat = Seat { room: room_id.index, place };
            // The others first: then nobody is told of their own coming.
            let change = Change::Joined { member: id, name: self.members.name(id) };
            self.rooms.tell(now, room_id.index, change, effects);
            effects.follow(id, room_id);
        }
        if let Some(room) = self.room_of(id) {
            let joined = Event::Joined { room: &room.name, members: room.roster.len() };
            effects.answer(id, room.id, &joined);
        }
    }

    fn leave_room(&mut self, now: Millis, id: MemberId, effects: &mut dyn Effects) {
        let Seat { room: index, place } = std::mem::replace(&mut self.members.get_mut(id).seat, UNSEATED);
        let Some(room) = self.rooms.get_mut(index) else { return };
        effects.unfollow(id, room.id);
        room.roster.remove(place, |moved, place| self.members.get_mut(moved).seat.place = place);
        match room.roster.is_empty() {
            true => self.rooms.drop(index),
            false => {
                let change = Change::Left { member: id, name: self.members.name(id) };
                self.rooms.tell(now, index, change, effects);
            }
        }
    }

    fn who(&self, id: MemberId, effects: &mut dyn Effects) {
        let Some(room) = self.room_of(id) else {
            return effects.tell(id, &Event::Refused(Refusal::NotJoined));
        };
        let names: Vec<&str> =
            room.roster.iter().take(self.settings.who_names_max).map(|id| self.members.name(id)).collect();
        let members = Event::Members { room: &room.name, members: room.roster.len(), names: &names };
        effects.answer(id, room.id, &members);
    }

    fn room_of(&self, id: MemberId) -> Option<&Room> {
        self.rooms.get(self.members.get(id)?.seat.room)
    }

    fn hash_name(&self, name: &str) -> u32 {
        hash(self.seed, folded(name))
    }

    /// Panics where the tables contradict each other.
    #[cfg(test)]
    pub(super) fn validate(&self) {
        self.rooms.validate();
        let mut here = 0;
        for (index, member) in self.members.0.iter().enumerate() {
            let Some(member) = member else { continue };
            here += 1;
            let id = MemberId(index as u32);
            let found = self.names.find(self.hash_name(&member.name), |other| other == id.0);
            assert_eq!(found, Some(id.0), "{} is not found", member.name);
            if let Some(room) = self.room_of(id) {
                assert_eq!(
                    room.roster.iter().nth(member.seat.place as usize),
                    Some(id),
                    "seat of {}",
                    member.name
                );
            }
        }
        assert_eq!(self.names.len(), here);
    }
}

impl Members {
    fn has(&self, id: MemberId) -> bool {
        self.get(id).is_some()
    }

    fn get(&self, id: MemberId) -> Option<&Member> {
        self.0.get(id.0 as usize)?.as_ref()
    }

    /// The name of one who is here, as everybody is that a room or an index knows.
    fn name(&self, id: MemberId) -> &str {
        &self.get(id).expect("it is here: it is removed from everywhere at once").name
    }

    fn get_mut(&mut self, id: MemberId) -> &mut Member {
        let member = self.0.get_mut(id.0 as usize).and_then(Option::as_mut);
        member.expect("it is here: it is removed from everywhere at once")
    }

    fn insert(&mut self, id: MemberId, member: Member) {
        let index = id.0 as usize;
        if index >= self.0.len() {
            self.0.resize_with(index + 1, || None);
        }
        assert!(self.0[index].is_none(), "{id:?} has not left yet");
        self.0[index] = Some(member);
    }

    fn remove(&mut self, id: MemberId) -> Member {
        let member = self.0.get_mut(id.0 as usize).and_then(Option::take);
        member.expect("it is here: it is removed from everywhere at once")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::stage::{Stage, play, play_with};

    #[test]
    fn a_conversation() {
        play(
            "
            + 1
            1< * welcome to chinwag, guest-1. /help lists the commands
            1< * lobby: 1 here
            + 2
            1< * guest-2 joined
            2< * welcome to chinwag, guest-2. /help lists the commands
            2< * lobby: 2 here
            @ 2000
            2> /name bob
            2< * you are bob
            1< * bob joined, guest-2 left
            2> hi there
            1< [bob] hi there
            1> //shrug
            2< [guest-1] /shrug
            @ 4000
            - 2
            1< * bob left
            1> still here?
            ",
        );
    }

    #[test]
    fn a_name_is_taken_in_whatever_case() {
        play(
            "
            here ann bob
            bob> /name ANN
            bob< * name taken: ANN
            bob> /name ann
            bob< * name taken: ann
            bob> /name BOB
            bob< * you are BOB
            ann< * BOB joined, bob left
            bob> /name BOB
            bob< * you are BOB
            @ 2000
            - ann
            bob< * ann left
            bob> /name Ann
            bob< * you are Ann
            ",
        );
    }

    #[test]
    fn guest_numbers_are_never_given_twice_and_never_taken() {
        play(
            "
            here ann
            + x
            x< * welcome to chinwag, guest-2. /help lists the commands
            x< * lobby: 2 here
            ann< * guest-2 joined
            - x
            @ 2000
            ann< * guest-2 left
            ann> /name guest-2
            ann< * name taken: guest-2
            ann> /name Guest-77
            ann< * name taken: Guest-77
            + y
            y< * welcome to chinwag, guest-3. /help lists the commands
            y< * lobby: 2 here
            ann< * guest-3 joined
            @ 4000
            y> /name GUEST-3
            y< * you are GUEST-3
            ann< * GUEST-3 joined, guest-3 left
            ",
        );
    }

    #[test]
    fn one_sits_in_one_room_at_a_time() {
        play(
            "
            here ann bob cyn
            ann> /join dev
            ann< * dev: 1 here
            bob< * ann left
            cyn< * ann left
            ann> alone?
            @ 2000
            bob> /join dev
            bob< * dev: 2 here
            ann< * bob joined
            cyn< * bob left
            bob> not any more
            ann< [bob] not any more
            cyn> where is everybody
            cyn> /join dev
            cyn< * dev: 3 here
            @ 4000
            ann< * cyn joined
            bob< * cyn joined
            cyn> /join dev
            cyn< * dev: 3 here
            cyn> /join Dev
            cyn< * Dev: 1 here
            ann< * cyn left
            bob< * cyn left
            ",
        );
    }

    #[test]
    fn who_lists_the_room_up_to_a_bound() {
        let settings = Settings { who_names_max: 3, ..Settings::default() };
        play_with(
            settings,
            "
            here ann bob cyn
            ann> /who
            ann< * lobby: 3 here: ann, bob, cyn
            here dan eve
            bob> /who
            bob< * lobby: 5 here: ann, bob, cyn and 2 more
            bob> /join dev
            bob< * dev: 1 here
            ann< * bob left
            cyn< * bob left
            dan< * bob left
            eve< * bob left
            bob> /who
            bob< * dev: 1 here: bob
            ",
        );
    }

    #[test]
    fn a_message_of_exactly_the_limit_passes() {
        let settings = Settings { message_bytes_max: 4, ..Settings::default() };
        play_with(
            settings,
            "
            here ann bob
            ann> 1234
            bob< [ann] 1234
            ann> 12345
            ann< * too big: a message has at most 4 bytes
            ann> //234
            bob< [ann] /234
            ann> äöü
            ann< * too big: a message has at most 4 bytes
            ",
        );
    }

    #[test]
    fn help_and_what_there_is_no_help_for() {
        play(
            "
            here ann
            ann> /help
            ann< * /name NAME  be called NAME
            ann< * /join ROOM  go to ROOM, and leave this one
            ann< * /who        tell who is here
            ann< * /help       tell this
            ann< * /quit       end the connection
            ann< * //TEXT      say a line that begins with a slash
            ann> /dance
            ann< * unknown command: /dance. /help lists the commands
            ann> /name
            ann< * bad name: a name has 1 to 32 characters
            ann> /join here and there
            ann< * bad room: a room has 1 to 64 of A-Z a-z 0-9 . _ -
            ann> /quit
            ann< (Quit)
            ",
        );
    }

    #[test]
    fn an_empty_room_is_dropped_and_made_anew() {
        let mut stage = Stage::new(Settings::default());
        let rooms = |stage: &Stage| {
            let mut rooms = 0;
            stage.hub.stats(&mut |name, value| rooms += if name == "chat_rooms" { value } else { 0 });
            rooms
        };
        stage.connect("ann");
        let first = stage.hub.room_of(MemberId(0)).map(|room| room.id).unwrap();
        stage.type_line("ann", "/join dev");
        assert_eq!(rooms(&stage), 1);
        stage.type_line("ann", "/join lobby");
        let second = stage.hub.room_of(MemberId(0)).map(|room| room.id).unwrap();
        assert_eq!((rooms(&stage), first.index), (1, second.index));
        assert_ne!(first, second, "a stream that is new has an id that is new");
    }

    #[test]
    fn whoever_is_not_there_is_nobody() {
        let mut stage = Stage::new(Settings::default());
        let nobody = MemberId(3);
        stage.hub.handle(Millis(0), nobody, Command::Say("boo"), &mut stage.house);
        stage.hub.leave(Millis(0), nobody, &mut stage.house);
        stage.hub.validate();
    }
}
