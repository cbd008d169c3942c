//! What members know from what they are told, held against the truth: a property test of names and notices together.
//!
//! Random people come, go, move and change their names. Each asks once who is there, when it comes into a room, and from
//! then on only reads.

use super::{Effects, Hub, MemberId, Mode, Rate, Record, RoomId, Seed, Settings};
use crate::time::Millis;
use crate::wire::{Changes, Command, Event, Goodbye, Message, Name, RequestId, RoomName};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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

/// The names in a room after changes, as one follows them who knows what `renamed` means.
fn after<'a>(before: &BTreeSet<&'a str>, changes: Changes<'a>) -> BTreeSet<&'a str> {
    let Changes::Named { joined, left, renamed } = changes else { unreachable!("names are followed") };
    let mut names = before.clone();
    left.iter().copied().chain(renamed.iter().map(|it| it.from)).for_each(|name| {
        names.remove(name);
    });
    names.extend(joined.iter().copied().chain(renamed.iter().map(|it| it.to)));
    names
}

/// Follows everything that is told, and compares it with the plain truth.
#[derive(Default)]
struct Readers {
    follows: BTreeSet<(MemberId, RoomId)>,
    readers: BTreeMap<MemberId, Reader>,
    names: BTreeMap<MemberId, String>,
}

impl Effects for Readers {
    fn unix_ms(&self) -> u64 {
        0
    }

    fn tell(&mut self, member: MemberId, id: Option<RequestId>, event: &Event<'_>) {
        assert_eq!(id, None, "nobody asked under a number");
        let own = self.names.entry(member).or_default();
        let reader = self.readers.entry(member).or_default();
        match *event {
            Event::Welcome { name, .. } => name.clone_into(own),
            Event::Renamed { name } => {
                let old = std::mem::replace(own, name.to_owned());
                // Only one: somebody else of that name may have left without our having been told.
                reader.names.iter_mut().find(|it| **it == old).into_iter().for_each(|it| name.clone_into(it));
            }
            Event::Joined { members, .. } => *reader = Reader { members, ..Reader::default() },
            Event::Members { names, .. } => {
                reader.names = names.iter().map(|&name| name.to_owned()).collect()
            }
            Event::Presence {
                changes: changes @ Changes::Named { joined, left, renamed }, members, ..
            } => {
                assert!(!joined.contains(&&**own), "{own} is told of its own coming");
                assert!(!renamed.iter().any(|it| it.to == *own || it.from == it.to), "{own}: {renamed:?}");
                let before: BTreeSet<&str> = reader.names.iter().map(String::as_str).collect();
                let after = after(&before, changes);
                let added: BTreeSet<&str> = changes.names_added().collect();
                let removed: BTreeSet<&str> = changes.names_removed().collect();
                if !reader.is_vague {
                    assert_eq!(&(&before - &removed) | &added, after, "both ways to follow {changes:?}");
                    assert!(added.is_disjoint(&before) && removed.is_subset(&before), "{changes:?}");
                }
                for gone in left.iter().copied().chain(renamed.iter().map(|it| it.from)) {
                    let at = reader.names.iter().position(|it| *it == gone);
                    if !reader.is_vague {
                        reader.names.remove(at.unwrap_or_else(|| panic!("{own} did not know of {gone}")));
                    }
                }
                for name in joined.iter().copied().chain(renamed.iter().map(|it| it.to)) {
                    assert!(
                        reader.is_vague || !reader.names.iter().any(|it| it == name),
                        "{own} knew of {name}"
                    );
                    reader.names.push(name.to_owned());
                }
                assert_eq!(reader.members + joined.len() - left.len(), members, "as {own} counts");
                reader.members = members;
            }
            Event::Presence { changes: Changes::Counted { joined, left, renamed: _ }, members, .. } => {
                if (joined, left) != (0, 0) {
                    assert_eq!(reader.members + joined - left, members, "as {own} counts");
                }
                (reader.is_vague, reader.members) = (true, members);
            }
            _ => {}
        }
    }

    fn answer(&mut self, member: MemberId, room: RoomId, id: Option<RequestId>, event: &Event<'_>) {
        assert!(self.follows.contains(&(member, room)), "{member:?} does not follow {room:?}");
        self.tell(member, id, event);
    }

    fn say(&mut self, _: RoomId, _: &Message<'_>, _: &[u8], _: &[MemberId]) -> u64 {
        unreachable!("nobody says anything")
    }

    fn notify(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        let followers = self.follows.iter().filter(|(it, its)| *its == room && !except.contains(it));
        let followers: Vec<MemberId> = followers.map(|&(it, _)| it).collect();
        followers.into_iter().for_each(|it| self.tell(it, None, event));
    }

    fn follow(&mut self, member: MemberId, room: RoomId) {
        assert!(self.follows.insert((member, room)), "{member:?} follows {room:?} already");
    }

    fn unfollow(&mut self, member: MemberId, room: RoomId) {
        // Whoever moves sits in the new room before it has left the old one.
        assert!(self.follows.remove(&(member, room)), "{member:?} does not follow {room:?}");
    }

    fn recall(&mut self, _: MemberId, _: RoomId, _: &Record) {
        unreachable!("nobody has said anything")
    }

    fn replay(&mut self, _: MemberId, _: RoomId, _: Range<u64>) {
        unreachable!("nothing has been said")
    }

    fn show_seq(&mut self, _: MemberId, _: bool) {}

    fn close(&mut self, _member: MemberId, _goodbye: Goodbye) {}
}

proptest! {
    /// Whoever asks once who is there, and then only reads the notices, knows who is there: by name for as long as
    /// names are told, and by number always.
    #[test]
    fn notices_add_up(steps in prop::collection::vec(step(), 1..120), few in any::<bool>()) {
        let changes_max = if few { 4 } else { 256 };
        let unlimited = Rate { per_second: 0, burst: 1 };
        let settings = Settings { presence_changes_max: changes_max, command: unlimited, ..Settings::default() };
        let (mut hub, mut readers) = (Hub::new(settings, Seed::new([1; 32])), Readers::default());
        let at = |ms| ms;
        let mut now = at(Millis(0));
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
                    hub.enter(MemberId(who), Mode::Text);
                    hub.greet(MemberId(who), &mut readers);
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
                    let rename = Command::Rename(Name::new(name).unwrap());
                    hub.handle(now, MemberId(who), None, rename, &mut readers);
                }
                Step::Pass(millis) => {
                    let to = now + Millis(millis);
                    while let Some(due) = hub.next_wake().filter(|&due| due <= to) {
                        hub.wake(at(due), &mut readers);
                    }
                    now = at(to);
                }
            }
            if let Some((who, room)) = joined {
                let room_name = RoomName::new(room_names[usize::from(room)]).unwrap();
                let join = Command::Join { room: room_name, since: None, history: 0 };
                let ask = Command::Members { room: None, after: None, limit: None };
                hub.handle(now, MemberId(who), None, join, &mut readers);
                hub.handle(now, MemberId(who), None, ask, &mut readers);
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
