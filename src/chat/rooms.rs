//! All rooms: found by name, made when somebody comes, dropped when the last one goes, and woken when there is something
//! to tell.

use super::index::{Index, hash};
use super::presence::{Change, Pace};
use super::room::Room;
use super::{Effects, RoomId};
use crate::time::Millis;
use crate::wire::RoomName;
use slab::Slab;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The table of rooms.
#[derive(Debug)]
pub(super) struct Rooms {
    rooms: Slab<Room>,
    names: Index,
    /// How many were ever made.
    made: u32,
    /// When to tell which room what it has gathered. One that has gone in the meantime still stands here.
    notices: BinaryHeap<Reverse<(Millis, RoomId)>>,
    pace: Pace,
    seed: u64,
}

impl Rooms {
    pub fn new(pace: Pace, seed: u64) -> Rooms {
        Rooms { rooms: Slab::new(), names: Index::default(), made: 0, notices: BinaryHeap::new(), pace, seed }
    }

    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// The room at this place of the table.
    pub fn get(&self, index: u32) -> Option<&Room> {
        self.rooms.get(index as usize)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut Room> {
        self.rooms.get_mut(index as usize)
    }

    /// The room of this name, which is made if there is none. Whoever calls this puts somebody into it.
    pub fn open(&mut self, name: RoomName<'_>) -> &mut Room {
        let name = name.as_str();
        let hash = hash(self.seed, name.chars());
        let found = self.names.find(hash, |index| *self.rooms[index as usize].name == *name);
        let index = found.unwrap_or_else(|| {
            let vacant = self.rooms.vacant_entry();
            let index = u32::try_from(vacant.key()).expect("there are no more rooms than members");
            self.made = self.made.wrapping_add(1);
            vacant.insert(Room::new(RoomId { index, serial: self.made }, name.into()));
            self.names.insert(hash, index);
            index
        });
        &mut self.rooms[index as usize]
    }

    /// Drops a room, whose last member has left.
    pub fn drop(&mut self, index: u32) {
        let room = self.rooms.remove(index as usize);
        self.names.remove(hash(self.seed, room.name.chars()), index);
    }

    /// Tells the others in the room of a change, now or later.
    pub fn tell(&mut self, now: Millis, index: u32, change: Change<'_>, effects: &mut dyn Effects) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        if let Some(at) = room.tell(now, self.pace, change, effects) {
            self.notices.push(Reverse((at, room.id)));
        }
    }

    /// When [`Rooms::wake`] is due.
    pub fn next_wake(&self) -> Option<Millis> {
        self.notices.peek().map(|Reverse((at, _))| *at)
    }

    /// Tells what was put off until now.
    pub fn wake(&mut self, now: Millis, effects: &mut dyn Effects) {
        while let Some(Reverse((at, id))) = self.notices.peek().copied()
            && at <= now
        {
            self.notices.pop();
            let room = self.rooms.get_mut(id.index as usize);
            if let Some(room) = room.filter(|room| room.id == id) {
                room.tell_gathered(now, self.pace, effects);
            }
        }
    }

    /// Panics where the table contradicts itself.
    #[cfg(test)]
    pub fn validate(&self) {
        assert_eq!(self.names.len(), self.rooms.len());
        for (index, room) in &self.rooms {
            assert_eq!(room.id.index as usize, index);
            assert!(!room.roster.is_empty(), "{} is empty", room.name);
            let found = self.names.find(hash(self.seed, room.name.chars()), |it| it == room.id.index);
            assert_eq!(found, Some(room.id.index), "{} is not found", room.name);
        }
    }
}
