//! One room: its name and who is in it.
//!
//! The list is in the order of the members' numbers. That order is nobody's, but it stays: whoever comes or goes, nobody
//! else stands before or behind another than before. So a list can be read page by page, each beginning with the number at
//! which the last one ended, and everybody who is there all the while stands in one of them.
//!
//! ```text
//!     members      0  2  3  5  7  8 │ 12 13 21 40 ...          a page ends before 12; somebody leaves, somebody comes:
//!     members      0  2     5  7  8 │ 12 13 21 33 40 ...       the next page begins with 12, or whoever is next
//!
//!     newcomers       2                     21                  the others have not been told of these
//!     departed     1                                            these were told of, and have left since
//! ```
//!
//! Which of them are newcomers, and how many have departed, is all the book-keeping that presence takes. A newcomer who
//! leaves leaves no trace: nobody has heard of the joining, so nobody has to hear of the leaving.

use super::history::History;
use super::keys::Keys;
use super::presence::Presence;
use super::{MemberId, RoomId};
use crate::time::Millis;
use std::collections::BTreeSet;

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
    /// When to look whether keys may be forgotten; as long as there are any.
    pub keys_due: Option<Millis>,
    /// When somebody last said something here.
    pub warm_at: Millis,
    /// The same by the calendar, as it was said, in milliseconds since 1970. It does not go back within this life of the
    /// room's numbering.
    pub newest_at: u64,
    /// It is on the list of rooms that may have to forget.
    pub is_on_cold_list: bool,
    /// When its last member left; it may have others since.
    pub emptied_at: Millis,
}

/// Who is in a room.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeSet<MemberId>,
    /// Those of them of whom the others have not been told.
    newcomers: BTreeSet<MemberId>,
    /// How many have left that the others still believe to be here.
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
            keys_due: None,
            warm_at: Millis(0),
            newest_at: 0,
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

    #[cfg(test)]
    pub fn contains(&self, member: MemberId) -> bool {
        self.members.contains(&member)
    }

    /// Everybody from this number on.
    pub fn from(&self, first: MemberId) -> impl Iterator<Item = MemberId> {
        self.members.range(first..).copied()
    }

    /// Those of whom the others have not been told.
    pub fn newcomers(&self) -> impl ExactSizeIterator<Item = MemberId> {
        self.newcomers.iter().copied()
    }

    /// The others.
    pub fn known_members(&self) -> impl Iterator<Item = MemberId> {
        self.members.difference(&self.newcomers).copied()
    }

    /// How many they are.
    pub fn known(&self) -> usize {
        self.members.len() - self.newcomers.len()
    }

    /// How many have left that the others still believe to be here.
    pub fn departed(&self) -> usize {
        self.departed
    }

    /// How many the others believe to be here: notices add up to this, and go on from it.
    pub fn told_of(&self) -> usize {
        self.known() + self.departed
    }

    /// The others have now been told of everybody.
    pub fn learn(&mut self) {
        self.newcomers.clear();
        self.departed = 0;
    }

    /// Lets a newcomer in.
    pub fn admit(&mut self, member: MemberId) {
        self.members.insert(member);
        self.newcomers.insert(member);
    }

    /// Takes out somebody who is here.
    pub fn remove(&mut self, member: MemberId) {
        self.members.remove(&member);
        if !self.newcomers.remove(&member) {
            self.departed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_who_leaves_leaves_no_trace() {
        let mut roster = Roster::default();
        let counts =
            |roster: &Roster| (roster.len(), roster.known(), roster.newcomers().len(), roster.departed());
        [3, 1, 2].into_iter().map(MemberId).for_each(|member| roster.admit(member));
        assert_eq!(counts(&roster), (3, 0, 3, 0));
        roster.remove(MemberId(1));
        assert_eq!(counts(&roster), (2, 0, 2, 0));
        roster.learn();
        assert_eq!(counts(&roster), (2, 2, 0, 0));
        roster.remove(MemberId(3));
        roster.admit(MemberId(3));
        assert_eq!(counts(&roster), (2, 1, 1, 1));
        roster.learn();
        assert_eq!(counts(&roster), (2, 2, 0, 0));
    }
}
