//! One room: its name and who is in it.
//!
//! Joining and leaving cost the same in a room of ten and in one of ten thousand. A member knows its place in the list,
//! so it is found without a search, and the gap that it leaves is filled with one from behind, who is told its new place.
//!
//! The list has two parts, and that is all the book-keeping which counting them takes:
//!
//! ```text
//!        the others know of these           they do not know of these yet
//!     ┌────┬────┬────┬────┬────┬────┬────┐┌────┬────┬────┐
//!     │  8 │  3 │ 12 │  5 │  0 │ 40 │  7 ││ 13 │  2 │ 21 │        departed: 2, who were known and have left
//!     └────┴────┴────┴────┴────┴────┴────┘└────┴────┴────┘
//!                                    known ┘   newcomers
//! ```
//!
//! Who leaves from the second part leaves no trace: nobody has heard of the joining, so nobody has to hear of the
//! leaving.

use super::history::History;
use super::keys::Keys;
use super::presence::Presence;
use super::{MemberId, RoomId};
use crate::time::Millis;

/// A room. It outlives its last member for a while.
#[derive(Debug)]
pub(super) struct Room {
    pub id: RoomId,
    pub name: Box<str>,
    /// Names this life of its numbering.
    pub epoch: Box<str>,
    pub roster: Roster,
    pub presence: Presence,
    pub history: History,
    pub keys: Keys,
    /// When somebody last said something here.
    pub warm_at: Millis,
    /// It is on the list of rooms that may have to forget.
    pub is_on_cold_list: bool,
    /// When its last member left; it may have others since.
    pub emptied_at: Millis,
}

/// Who is in a room.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: Vec<MemberId>,
    /// How many of them, from the front, the others know of.
    known: usize,
    /// How many have left since that the others still believe to be here.
    departed: usize,
}

impl Room {
    pub fn new(id: RoomId, name: Box<str>, epoch: Box<str>) -> Room {
        Room {
            id,
            name,
            epoch,
            roster: Roster::default(),
            presence: Presence::default(),
            history: History::default(),
            keys: Keys::default(),
            warm_at: Millis(0),
            is_on_cold_list: false,
            emptied_at: Millis(0),
        }
    }
}

impl Roster {
    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().copied()
    }

    /// Those of whom the others have not been told.
    pub fn newcomers(&self) -> &[MemberId] {
        &self.members[self.known..]
    }

    /// How many are not newcomers.
    pub fn known(&self) -> usize {
        self.known
    }

    /// How many have left that the others still believe to be here.
    pub fn departed(&self) -> usize {
        self.departed
    }

    /// How many the others believe to be here: notices add up to this, and go on from it.
    pub fn told_of(&self) -> usize {
        self.known + self.departed
    }

    /// The others have now been told of everybody.
    pub fn learn(&mut self) {
        (self.known, self.departed) = (self.members.len(), 0);
    }

    /// Lets a newcomer in. Returns its place.
    pub fn admit(&mut self, member: MemberId) -> u32 {
        let place = u32::try_from(self.members.len()).expect("members are numbered by a u32");
        self.members.push(member);
        place
    }

    /// Takes out who stands at `place`, and calls `moved` for each that stands somewhere else from now on.
    pub fn remove(&mut self, place: u32, mut moved: impl FnMut(MemberId, u32)) {
        let mut gap = place as usize;
        // The last of the same part fills the gap, and then, if that was the first part, the last of all fills that.
        if gap < self.known {
            self.known -= 1;
            self.departed += 1;
            gap = self.fill(gap, self.known, &mut moved);
        }
        self.fill(gap, self.members.len() - 1, &mut moved);
        self.members.pop();
    }

    /// Moves who stands at `from` into the gap. Returns the gap that this leaves.
    fn fill(&mut self, gap: usize, from: usize, moved: &mut impl FnMut(MemberId, u32)) -> usize {
        if gap != from {
            self.members[gap] = self.members[from];
            moved(self.members[gap], u32::try_from(gap).expect("members are numbered by a u32"));
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_two_plain_sets(steps in prop::collection::vec((0..4u8, 0..20u32), 1..200)) {
            let mut roster = Roster::default();
            let mut places = BTreeMap::new();
            let (mut known, mut newcomers, mut departed) = (vec![], vec![], 0);
            for (kind, number) in steps {
                let member = MemberId(number);
                match (kind, places.remove(&member)) {
                    (0, place) => {
                        place.map(|place| places.insert(member, place));
                        roster.learn();
                        known.append(&mut newcomers);
                        departed = 0;
                    }
                    (_, Some(place)) => {
                        roster.remove(place, |moved, place| { places.insert(moved, place); });
                        departed += usize::from(known.contains(&member));
                        known.retain(|&other| other != member);
                        newcomers.retain(|&other| other != member);
                    }
                    (_, None) => {
                        places.insert(member, roster.admit(member));
                        newcomers.push(member);
                    }
                }
                known.sort();
                newcomers.sort();
                let sorted = |members: &[MemberId]| { let mut sorted = members.to_vec(); sorted.sort(); sorted };
                prop_assert_eq!(sorted(&roster.members[..roster.known]), known.clone());
                prop_assert_eq!(sorted(roster.newcomers()), newcomers.clone());
                prop_assert_eq!(roster.departed(), departed);
                for (place, member) in roster.iter().enumerate() {
                    prop_assert_eq!(places[&member] as usize, place);
                }
                prop_assert_eq!(places.len(), roster.len());
            }
        }
    }
}
