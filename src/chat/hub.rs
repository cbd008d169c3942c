//! The hub: who is there under which name, in which room, and what follows from what they ask.
//!
//! It is told what members do and answers by calling [`Effects`]. It knows no bytes and no connections, takes the time as
//! an argument and draws what looks random from its seed, so the same calls lead to the same effects.
//!
//! ```text
//!     enter ─▶ handle(Command) ─▶ … ─▶ leave           and wake, when next_wake has come
//! ```
//!
//! What an idle member in a room costs, in bytes of heap:
//!
//! ```text
//!     its entry in `members`          80     up to 90 just after that table has grown; a name of up to 23 bytes is in it
//!     its slot in `names`              9     up to 18
//!     its place in the room           12
//!     what the service keeps of it     8     up to 16
//!                                    ───
//!                                    109     up to 136
//! ```
//!
//! ```
//! use chinwag::chat::{Effects, Hub, MemberId, Mode, Record, RoomId, Seed, Settings};
//! use chinwag::time::Millis;
//! use chinwag::wire::{Command, Event, Goodbye, Message, RequestId, text};
//! use std::ops::Range;
//!
//! /// Prints what it is told.
//! #[derive(Default)]
//! struct Paper {
//!     entries: u64,
//! }
//!
//! impl Effects for Paper {
//!     fn unix_ms(&self) -> u64 {
//!         0
//!     }
//!     fn tell(&mut self, member: MemberId, _id: Option<RequestId>, event: &Event<'_>) {
//!         println!("to {member:?}: {event:?}");
//!     }
//!     fn answer(&mut self, member: MemberId, _room: RoomId, id: Option<RequestId>, event: &Event<'_>) {
//!         self.tell(member, id, event);
//!     }
//!     fn say(&mut self, room: RoomId, message: &Message<'_>, _json: &[u8], _except: &[MemberId]) -> u64 {
//!         println!("to {room:?}: {message:?}");
//!         self.entries += 1;
//!         self.entries
//!     }
//!     fn notify(&mut self, room: RoomId, event: &Event<'_>, _except: &[MemberId]) {
//!         println!("to {room:?}: {event:?}");
//!         self.entries += 1;
//!     }
//!     fn follow(&mut self, _member: MemberId, _room: RoomId) {}
//!     fn unfollow(&mut self, _member: MemberId, _room: RoomId) {}
//!     fn recall(&mut self, _member: MemberId, _room: RoomId, _record: &Record) {}
//!     fn replay(&mut self, _member: MemberId, _room: RoomId, _entries: Range<u64>) {}
//!     fn show_seq(&mut self, _member: MemberId, _shows: bool) {}
//!     fn close(&mut self, _member: MemberId, _goodbye: Goodbye) {}
//! }
//!
//! let mut hub = Hub::new(Settings::default(), Seed::new([42; 32]));
//! let (ann, now, mut paper) = (MemberId(0), Millis(0), Paper::default());
//! hub.enter(ann, Mode::Text);
//! for line in ["/join dev", "is this thing on?"] {
//!     hub.handle(now, ann, None, text::parse(line).unwrap(), &mut paper);
//! }
//! hub.leave(now, ann, &mut paper);
//! ```

use super::membership::room_meant;
use super::names::Names;
use super::presence::Change;
use super::rate::Bucket;
use super::room::Room;
use super::rooms::Rooms;
use super::seed::Seed;
use super::{Effects, MemberId, Mode, RoomId, Settings};
use crate::time::Millis;
use crate::wire::name::GUEST;
use crate::wire::{Command, Event, Goodbye, LimitsTold, Name, Refusal, RequestId, text};
use smol_str::{SmolStr, format_smolstr};

/// All members and all rooms.
#[derive(Debug)]
pub struct Hub {
    pub(super) settings: Settings,
    pub(super) members: Members,
    pub(super) names: Names,
    pub(super) rooms: Rooms,
    /// How many connections there ever were.
    connections: u64,
    /// How many messages were published.
    pub(super) messages: u64,
    pub(super) seed: Seed,
    /// Keys the names.
    pub(super) name_seed: u64,
    /// What is being rendered; kept for its memory.
    pub(super) json: Vec<u8>,
}

/// By [`MemberId`].
#[derive(Debug, Default)]
pub(super) struct Members(Vec<Option<Member>>);

/// Kept small: there is one for each connection.
#[derive(Debug)]
pub(super) struct Member {
    /// Empty until it has been welcomed.
    pub name: SmolStr,
    pub rooms: RoomsOfOne,
    /// What its secret is made from: which of all connections it is; or, if it has taken a name back, which it was that had
    /// the name first. So the secret stays the same for as long as somebody has the name, also for who has not read a welcome.
    number: u64,
    publishes: Bucket,
    commands: Bucket,
    /// Of what was refused because of these.
    refusals: Bucket,
    pub mode: Mode,
    /// Its own messages come back to it.
    pub echoes: bool,
}

/// The rooms that a member is in, by their places in the table, in any order. Most are in one, and spend no memory on a
/// list.
#[derive(Debug, Default)]
pub(super) enum RoomsOfOne {
    #[default]
    None,
    One(u32),
    /// None, and it reads this one unseen.
    Observed(RoomId),
    #[allow(clippy::box_collection, reason = "a word less in every member who is in one or none")]
    Many(Box<Vec<u32>>),
}

/// How many times the allowed rate may be refused. Who is at ten times of what is allowed is there.
const REFUSALS_FACTOR: u32 = 9;

impl Hub {
    /// An empty one.
    pub fn new(settings: Settings, seed: Seed) -> Hub {
        let name_seed = seed.number("names", 0);
        Hub {
            rooms: Rooms::new(&settings, seed.number("rooms", 0)),
            settings,
            members: Members::default(),
            names: Names::new(name_seed),
            connections: 0,
            messages: 0,
            seed,
            name_seed,
            json: Vec::new(),
        }
    }

    /// Somebody is here. `id` is nobody else's until [`Hub::leave`]. It is welcomed when it says hello, when it asks for
    /// anything else, or by [`Hub::greet`].
    pub fn enter(&mut self, id: MemberId, mode: Mode) {
        self.connections += 1;
        self.members.insert(
            id,
            Member {
                name: SmolStr::default(),
                rooms: RoomsOfOne::None,
                number: self.connections,
                publishes: Bucket::default(),
                commands: Bucket::default(),
                refusals: Bucket::default(),
                mode,
                echoes: false,
            },
        );
    }

    /// Welcomes somebody who has said nothing yet, as people expect who type.
    pub fn greet(&mut self, id: MemberId, effects: &mut dyn Effects) {
        if self.members.get(id).is_some_and(|member| member.name.is_empty()) {
            self.welcome_guest(id, None, effects);
        }
    }

    /// Somebody asks for something. `request` comes back in the answer.
    pub fn handle(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        command: Command<'_>,
        effects: &mut dyn Effects,
    ) {
        let says_something = matches!(command, Command::Publish { .. } | Command::Direct { .. });
        let Some(allowed) = self.admit(now, id, says_something, effects) else { return };
        let done = match allowed {
            Ok(()) => self.obey(now, id, request, command, effects),
            Err(retry_ms) => Err(Refusal::RateLimited { retry_ms }),
        };
        let Err(refusal) = done else { return };
        // Answers about a room come in its stream, and this is one.
        match self.room_asked_about(id, &command) {
            Some(room) => effects.answer(id, room, request, &Event::Refused(refusal)),
            None => self.refuse(id, request, refusal, effects),
        }
    }

    /// Somebody asks for something that makes no sense.
    pub fn handle_nonsense(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        refusal: Refusal<'_>,
        effects: &mut dyn Effects,
    ) {
        if let Some(allowed) = self.admit(now, id, false, effects) {
            let refusal = allowed.map_or_else(|retry_ms| Refusal::RateLimited { retry_ms }, |()| refusal);
            self.refuse(id, request, refusal, effects);
        }
    }

    /// Whether somebody may ask now, or in how many milliseconds. `None`: nobody is there, or not any more.
    fn admit(
        &mut self,
        now: Millis,
        id: MemberId,
        says_something: bool,
        effects: &mut dyn Effects,
    ) -> Option<Result<(), u64>> {
        let Settings { publish, command, .. } = self.settings;
        let member = self.members.get_mut(id)?;
        let (bucket, rate) = match says_something {
            true => (&mut member.publishes, publish),
            false => (&mut member.commands, command),
        };
        let allowed = bucket.take(now, rate);
        // What is allowed is never held against anybody, whichever of the two rates it is.
        if allowed.is_err() && member.refusals.take(now, rate.times(REFUSALS_FACTOR)).is_err() {
            effects.close(id, Goodbye::RateAbuse);
            return None;
        }
        Some(allowed)
    }

    fn obey<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        command: Command<'a>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        if let Command::Hello { name, secret, token: _, echo } = command {
            return self.hello(now, id, request, name, secret, echo, effects);
        }
        self.greet(id, effects);
        match command {
            Command::Hello { .. } => unreachable!("it has been answered"),
            Command::Rename(name) => self.rename(now, id, request, name, effects),
            Command::Join { room, since, history } => {
                self.join(now, id, request, room, since, history, effects)
            }
            Command::Resume(since) => self.resume(now, id, request, since, effects),
            Command::Leave { room } => self.leave_by_name(now, id, request, room, effects),
            Command::Publish { room, data, key } => self.publish(now, id, request, room, data, key, effects),
            Command::History { room, page, limit } => self.history(id, request, room, page, limit, effects),
            Command::Members { room, after, limit } => {
                self.list_members(id, request, room, after, limit, effects)
            }
            Command::Rooms { after, limit } => self.list_rooms(id, request, after, limit, effects),
            Command::Direct { to, data } => self.direct(id, request, to, data, effects),
            Command::Ping => {
                let at = effects.unix_ms();
                effects.tell(id, request, &Event::Pong { at });
                Ok(())
            }
            Command::Echo(echoes) => {
                self.members.get_mut_here(id).echoes = echoes;
                effects.tell(id, request, &Event::EchoIs(echoes));
                Ok(())
            }
            Command::ShowSeq(shows) => self.show_seq(id, request, shows, effects),
            Command::Help => {
                for &(usage, purpose) in &text::HELP {
                    effects.tell(id, request, &Event::Help { usage, purpose });
                }
                Ok(())
            }
            Command::Quit => {
                effects.close(id, Goodbye::Quit);
                Ok(())
            }
        }
    }

    /// The room that a command is about, if the member is in it.
    fn room_asked_about(&self, id: MemberId, command: &Command<'_>) -> Option<RoomId> {
        let room = match *command {
            Command::Publish { room, .. } | Command::History { room, .. } | Command::Members { room, .. } => {
                room_meant(self, id, room).ok()
            }
            Command::Join { room, .. } | Command::Leave { room } => room_meant(self, id, Some(room)).ok(),
            Command::Resume(_) | Command::ShowSeq(_) => self.room_of(id),
            Command::Hello { .. }
            | Command::Rename(_)
            | Command::Rooms { .. }
            | Command::Direct { .. }
            | Command::Ping
            | Command::Echo(_)
            | Command::Help
            | Command::Quit => None,
        };
        room.map(|room| room.id)
    }

    /// Tells a member that something was not done.
    fn refuse(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        refusal: Refusal<'_>,
        effects: &mut dyn Effects,
    ) {
        effects.tell(id, request, &Event::Refused(refusal));
    }

    /// Somebody is gone.
    pub fn leave(&mut self, now: Millis, id: MemberId, effects: &mut dyn Effects) {
        let Some(member) = self.members.get(id) else { return };
        for room in member.rooms.to_vec() {
            self.leave_room(now, id, room, effects);
        }
        let member = self.members.remove(id);
        if let Some(room) = member.rooms.observed() {
            effects.unfollow(id, room);
        } else if !member.name.is_empty() {
            self.names.remove(&member.name, id.0);
        }
    }

    /// When [`Hub::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Millis> {
        self.rooms.next_wake()
    }

    /// Tells what was put off until now, and drops what nobody needs any more.
    pub fn wake(&mut self, now: Millis, effects: &mut dyn Effects) {
        self.rooms.wake(now, effects);
    }

    /// Everybody is about to be disconnected.
    pub fn shut_down(&mut self, goodbye: impl Fn(u64) -> Goodbye, effects: &mut dyn Effects) {
        for (index, member) in self.members.0.iter().enumerate() {
            if let Some(member) = member {
                let random = self.seed.number("come back", member.number);
                let id = MemberId(u32::try_from(index).expect("members are numbered by a u32"));
                effects.tell(id, None, &Event::Goodbye(goodbye(random)));
            }
        }
    }

    /// Plain numbers, each with its name.
    pub fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        report("chat_members", self.names.len() as u64);
        report("chat_rooms", self.rooms.len() as u64);
        report("chat_messages", self.messages);
        report("chat_history_bytes", self.rooms.history_bytes() as u64);
        report("chat_keys", self.rooms.keys() as u64);
        let (told, put_off, waiting) = self.rooms.presence_counts();
        report("chat_presence_told", told);
        report("chat_presence_put_off", put_off);
        report("chat_presence_waiting", waiting as u64);
    }

    /// How a member speaks.
    pub fn mode(&self, id: MemberId) -> Option<Mode> {
        self.members.get(id).map(|member| member.mode)
    }

    fn welcome_guest(&mut self, id: MemberId, request: Option<RequestId>, effects: &mut dyn Effects) {
        // No number is given twice, so whoever remembers guest-7 remembers only one.
        let number = self.members.get_mut_here(id).number;
        self.welcome(id, request, format_smolstr!("{GUEST}{number}"), number, effects);
    }

    /// `number` is what the secret is made from.
    fn welcome(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        name: SmolStr,
        number: u64,
        effects: &mut dyn Effects,
    ) {
        let settings = &self.settings;
        let connection = std::mem::replace(&mut self.members.get_mut_here(id).number, number);
        let welcome = Event::Welcome {
            connection: &format!("c{connection:x}"),
            name: &name,
            secret: &self.seed.secret(number),
            ping_ms: settings.ping_interval.0,
            limits: LimitsTold {
                message_bytes: settings.message_bytes_max,
                publish_per_second: settings.publish.per_second,
                burst: settings.publish.burst,
                rooms: settings.rooms_per_member_max,
                history: settings.history_messages_max,
            },
        };
        effects.tell(id, request, &welcome);
        if !self.is_observing(id) {
            self.names.insert(&name, id.0);
        }
        self.members.get_mut_here(id).name = name;
    }

    #[allow(clippy::too_many_arguments, reason = "a hello has as many fields")]
    fn hello<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        name: Option<Name<'a>>,
        secret: Option<&str>,
        echo: bool,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        if !self.members.name(id).is_empty() {
            return Err(Refusal::BadRequest("you have been welcomed; `rename` changes the name"));
        }
        let Some(name) = name else {
            self.members.get_mut_here(id).echoes = echo;
            self.welcome_guest(id, request, effects);
            return Ok(());
        };
        let own_number = self.members.get_mut_here(id).number;
        let owner = self.find(name.as_str());
        let number = match owner {
            Some(owner) => self.members.get_mut_here(owner).number,
            // A guest's name tells what its secret is made from, also when nobody has it any more.
            None => name.guest_number().unwrap_or(own_number),
        };
        let is_free = owner.is_none() && !name.is_guest();
        if !is_free && !secret.is_some_and(|secret| self.seed.is_secret(number, secret)) {
            return Err(Refusal::NameTaken(name));
        }
        self.check_look(name, owner)?;
        if let Some(owner) = owner {
            // It is lost, and not yet known to be.
            effects.close(owner, Goodbye::Replaced);
            self.leave(now, owner, effects);
        }
        self.members.get_mut_here(id).echoes = echo;
        self.welcome(id, request, name.as_str().into(), number, effects);
        Ok(())
    }

    fn rename<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        name: Name<'a>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        match self.find(name.as_str()) {
            // One's own name may be written in another case.
            Some(owner) if owner == id => {}
            None if !name.is_guest() => {}
            Some(_) | None => return Err(Refusal::NameTaken(name)),
        }
        self.check_look(name, Some(id))?;
        let new = name.as_str();
        let member = self.members.get_mut_here(id);
        let old = std::mem::replace(&mut member.name, new.into());
        let rooms = member.rooms.to_vec();
        self.names.remove(&old, id.0);
        self.names.insert(new, id.0);
        effects.tell(id, request, &Event::Renamed { name: new });
        if *old != *new {
            for room in rooms {
                self.rooms.tell(now, room, Change::Renamed { member: id, old: &old, new }, effects);
            }
        }
        Ok(())
    }

    /// The member with this nickname. A name that only looks like it is not found, so no message goes to an impostor.
    pub(super) fn find(&self, name: &str) -> Option<MemberId> {
        self.names.find(name, |id| self.members.name(MemberId(id))).map(MemberId)
    }

    /// Refuses a name that looks like the name of another member than `own`.
    fn check_look<'a>(&self, name: Name<'a>, own: Option<MemberId>) -> Result<(), Refusal<'a>> {
        let name_of = |id| self.members.name(MemberId(id));
        match self.names.resembles(name.as_str(), own.map(|own| own.0), name_of) {
            true => Err(Refusal::NameAlike(name)),
            false => Ok(()),
        }
    }

    /// The only room that a member is in, as those are who type.
    pub(super) fn room_of(&self, id: MemberId) -> Option<&Room> {
        match self.members.get(id)?.rooms.as_slice() {
            [room] => self.rooms.get(*room),
            _ => None,
        }
    }

    /// Whether a member is in a room.
    pub(super) fn is_in(&self, id: MemberId, room: RoomId) -> bool {
        self.members.get(id).is_some_and(|member| member.rooms.as_slice().contains(&room.index))
    }

    /// Panics where the tables contradict each other.
    #[cfg(test)]
    pub(super) fn validate(&self) {
        self.rooms.validate();
        let (mut named, mut seated) = (0, 0);
        for (index, member) in self.members.0.iter().enumerate() {
            let Some(member) = member else { continue };
            let id = MemberId(index as u32);
            if !member.name.is_empty() && member.rooms.observed().is_none() {
                named += 1;
                assert_eq!(self.find(&member.name), Some(id), "{} is not found", member.name);
            }
            for &room in member.rooms.as_slice() {
                seated += 1;
                let room = self.rooms.get(room).expect("a room is kept as long as somebody is in it");
                assert!(room.roster.contains(id), "{} is not in {}", member.name, room.name);
            }
        }
        assert_eq!(self.names.len(), named);
        assert_eq!(self.rooms.seats(), seated);
    }
}

impl Members {
    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.0.get(id.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.0.get_mut(id.0 as usize)?.as_mut()
    }

    /// The name of one who is here, as everybody is that a room or an index knows.
    pub fn name(&self, id: MemberId) -> &str {
        &self.get(id).expect("it is here: it is removed from everywhere at once").name
    }

    /// One who is here.
    pub fn get_mut_here(&mut self, id: MemberId) -> &mut Member {
        self.get_mut(id).expect("it is here: it is removed from everywhere at once")
    }

    fn insert(&mut self, id: MemberId, member: Member) {
        let index = id.0 as usize;
        if index >= self.0.len() {
            if index >= self.0.capacity() {
                // By an eighth: doubled, half of the hub's largest table could stand empty.
                self.0.reserve_exact(index + 1 + index / 8 - self.0.len());
            }
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

impl RoomsOfOne {
    pub fn as_slice(&self) -> &[u32] {
        match self {
            RoomsOfOne::None | RoomsOfOne::Observed(_) => &[],
            RoomsOfOne::One(room) => std::slice::from_ref(room),
            RoomsOfOne::Many(rooms) => rooms,
        }
    }

    pub fn observed(&self) -> Option<RoomId> {
        match self {
            RoomsOfOne::Observed(room) => Some(*room),
            RoomsOfOne::None | RoomsOfOne::One(_) | RoomsOfOne::Many(_) => None,
        }
    }

    pub fn to_vec(&self) -> Vec<u32> {
        self.as_slice().to_vec()
    }

    pub fn push(&mut self, room: u32) {
        *self = match std::mem::take(self) {
            RoomsOfOne::None | RoomsOfOne::Observed(_) => RoomsOfOne::One(room),
            RoomsOfOne::One(one) => RoomsOfOne::Many(Box::new(vec![one, room])),
            RoomsOfOne::Many(mut rooms) => {
                rooms.push(room);
                RoomsOfOne::Many(rooms)
            }
        };
    }

    pub fn remove(&mut self, room: u32) {
        match self {
            RoomsOfOne::One(one) if *one == room => *self = RoomsOfOne::None,
            RoomsOfOne::None | RoomsOfOne::One(_) | RoomsOfOne::Observed(_) => {}
            RoomsOfOne::Many(rooms) => {
                rooms.retain(|it| *it != room);
                if let [one] = rooms[..] {
                    *self = RoomsOfOne::One(one);
                }
            }
        }
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
            1< * guest-2 is now bob
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
            ann< * bob is now BOB
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
            ann< * guest-3 is now GUEST-3
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
        let settings = Settings { list_len: 3, ..Settings::default() };
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
    fn help_lists_every_command() {
        let mut stage = Stage::new(Settings::default());
        stage.connect("ann");
        stage.house.forget();
        stage.type_line("ann", "/help");
        let lines = stage.take("ann");
        assert_eq!(lines.len(), text::HELP.len());
        for (line, (usage, purpose)) in lines.iter().zip(text::HELP) {
            assert!(line.starts_with(&format!("* {usage} ")) && line.ends_with(purpose), "{line}");
        }
    }

    #[test]
    fn what_there_is_no_help_for() {
        play(
            "
            here ann
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
    fn whoever_is_not_there_is_nobody() {
        let mut stage = Stage::new(Settings::default());
        let (nobody, now) = (MemberId(3), Millis(0));
        stage.hub.handle(now, nobody, None, Command::Ping, &mut stage.house);
        stage.hub.leave(now, nobody, &mut stage.house);
        stage.hub.validate();
    }
}
