//! What members know from what they are told, held against the truth: a property test of names and notices together.
//!
//! Random people come, go, move and change their names. Each asks once who is there, when it comes into a room, and from
//! then on only reads.

use super::{Effects, Hub, MemberId, RoomId, Settings};
use crate::time::Millis;
use crate::wire::{Changes, Command, Event, Goodbye, Name, RoomName};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    ComeOrGo(u32),
    Join(u32, u8),
    Rename(u32, u8),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..9u32).prop_map(Step::ComeOrGo),
        (0..9u32, 0..3u8).prop_map(|(who, room)| Step::Join(who, room)),
        (0..9u32, 0..6u8).prop_map(|(who, name)| Step::Rename(who, name)),
        (0..1500u64).prop_map(Step::Pass),
    ]
}

/// What one member can know from what it has been told.
#[derive(Default)]
struct Reader {
    /// Everybody in its room, itself included.
    names: Vec<String>,
    /// The names were not all told.
    is_vague: bool,
    members: usize,
}

/// Follows everything that is told, and compares it with the plain truth.
#[derive(Default)]
struct Readers {
    follows: BTreeMap<MemberId, RoomId>,
    readers: BTreeMap<MemberId, Reader>,
    names: BTreeMap<MemberId, String>,
}

impl Effects for Readers {
    fn tell(&mut self, member: MemberId, event: &Event<'_>) {
        let own = self.names.entry(member).or_default();
        let reader = self.readers.entry(member).or_default();
        match *event {
            Event::Welcome { name } => name.clone_into(own),
            Event::Renamed { name } => {
                let old = std::mem::replace(own, name.to_owned());
                // Only one: somebody else of that name may have left without our having been told.
                reader.names.iter_mut().find(|it| **it == old).into_iter().for_each(|it| name.clone_into(it));
            }
            Event::Joined { members, .. } => *reader = Reader { members, ..Reader::default() },
            Event::Members { names, .. } => {
                reader.names = names.iter().map(|&name| name.to_owned()).collect()
            }
            Event::Presence { changes: Changes::Named { joined, left }, members, .. } => {
                assert!(!joined.contains(&&**own), "{own} is told of its own coming");
                for gone in left {
                    let at = reader.names.iter().position(|it| it == gone);
                    if !reader.is_vague {
                        reader.names.remove(at.unwrap_or_else(|| panic!("{own} did not know of {gone}")));
                    }
                }
                for name in joined {
                    assert!(
                        reader.is_vague || !reader.names.iter().any(|it| it == name),
                        "{own} knew of {name}"
                    );
                    reader.names.push((*name).to_owned());
                }
                assert_eq!(reader.members + joined.len() - left.len(), members, "as {own} counts");
                reader.members = members;
            }
            Event::Presence { changes: Changes::Counted { joined, left }, members, .. } => {
                if (joined, left) != (0, 0) {
                    assert_eq!(reader.members + joined - left, members, "as {own} counts");
                }
                (reader.is_vague, reader.members) = (true, members);
            }
            _ => {}
        }
    }

    fn answer(&mut self, member: MemberId, room: RoomId, event: &Event<'_>) {
        assert_eq!(self.follows.get(&member), Some(&room));
        self.tell(member, event);
    }

    fn publish(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        let followers = self.follows.iter().filter(|&(&it, &its)| its == room && !except.contains(&it));
        let followers: Vec<MemberId> = followers.map(|(&it, _)| it).collect();
        followers.into_iter().for_each(|it| self.tell(it, event));
    }

    fn follow(&mut self, member: MemberId, room: RoomId) {
        assert_eq!(self.follows.insert(member, room), None);
    }

    fn unfollow(&mut self, member: MemberId, room: RoomId) {
        assert_eq!(self.follows.remove(&member), Some(room));
    }

    fn close(&mut self, _member: MemberId, _goodbye: Goodbye) {}
}

proptest! {
    /// Whoever asks once who is there, and then only reads the notices, knows who is there: by name for as long as
    /// names are told, and by number always.
    #[test]
    fn notices_add_up(steps in prop::collection::vec(step(), 1..120), few in any::<bool>()) {
        let changes_max = if few { 4 } else { 256 };
        let settings = Settings { presence_changes_max: changes_max, ..Settings::default() };
        let (mut hub, mut readers, mut now) = (Hub::new(settings, 1), Readers::default(), Millis(0));
        let mut rooms: BTreeMap<u32, u8> = BTreeMap::new();
        let room_names = ["lobby", "dev", "ops"];
        for step in steps.into_iter().chain([Step::Pass(1000), Step::Pass(1000)]) {
            let mut joined = None;
            match step {
                Step::ComeOrGo(who) if rooms.remove(&who).is_some() => {
                    hub.leave(now, MemberId(who), &mut readers);
                    readers.readers.remove(&MemberId(who));
                }
                Step::ComeOrGo(who) => {
                    hub.enter(MemberId(who), &mut readers);
                    joined = Some((who, 0));
                }
                Step::Join(who, room) => {
                    // Who asks again in between knows some changes before they are told.
                    let is_elsewhere = rooms.get(&who).is_some_and(|&its| its != room);
                    joined = is_elsewhere.then_some((who, room));
                }
                Step::Rename(who, name) => {
                    // One name in two cases is among them.
                    let name = ["ann", "bob", "cyn", "dan", "ANN", "eve"][usize::from(name)];
                    hub.handle(now, MemberId(who), Command::Rename(Name::new(name).unwrap()), &mut readers);
                }
                Step::Pass(millis) => {
                    let to = now + Millis(millis);
                    while let Some(at) = hub.next_wake().filter(|&at| at <= to) {
                        hub.wake(at, &mut readers);
                    }
                    now = to;
                }
            }
            if let Some((who, room)) = joined {
                let name = RoomName::new(room_names[usize::from(room)]).unwrap();
                hub.handle(now, MemberId(who), Command::Join(name), &mut readers);
                hub.handle(now, MemberId(who), Command::Who, &mut readers);
                rooms.insert(who, room);
            }
            hub.validate();
        }
        for (&who, &room) in &rooms {
            let here = rooms.iter().filter(|&(_, &other)| other == room);
            let mut truth: Vec<&str> = here.map(|(&other, _)| &*readers.names[&MemberId(other)]).collect();
            let reader = &readers.readers[&MemberId(who)];
            prop_assert_eq!(reader.members, truth.len());
            let mut known: Vec<&str> = reader.names.iter().map(|name| &**name).collect();
            known.sort_unstable();
            truth.sort_unstable();
            prop_assert!(reader.is_vague || known == truth, "{:?} but told {:?}", truth, known);
        }
    }
}
