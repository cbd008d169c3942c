//! All rooms: found by name, made when somebody comes, kept for a while when the last one goes, and woken when there is
//! something to tell.
//!
//! An empty room keeps its history and its numbering for `room_keep`, so that people who come back find what they left.
//! Then it goes, and its epoch with it: a room of the same name that is made later numbers anew and says so.
//!
//! What all rooms remember together is bounded too. When it is too much, the room in which nothing has been said for the
//! longest time forgets first.

use super::history::{Bounds, Record};
use super::index::{Index, hash};
use super::presence::{Change, Pace};
use super::room::Room;
use super::seed::Seed;
use super::{Effects, RoomId, Settings};
use crate::time::Millis;
use crate::wire::RoomName;
use slab::Slab;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// How much of a cold room's history goes at once: a fourth, so that the next to be looked for is not the same at once.
const FORGOTTEN_SHARE: usize = 4;

/// How many more rooms than there are may stand on the list of cold ones before those that have gone are struck off.
const COLD_SLACK: usize = 64;

/// The table of rooms.
#[derive(Debug)]
pub(super) struct Rooms {
    rooms: Slab<Room>,
    names: Index,
    /// How many were ever made.
    made: u32,
    /// When to tell which room what it has gathered. One that has gone in the meantime still stands here.
    notices: BinaryHeap<Reverse<(Millis, RoomId)>>,
    /// Rooms in which nobody is, by when the last one left.
    emptied: BTreeSet<(Millis, RoomId)>,
    /// Rooms with a history, each once, with when it was warm; perhaps it has been since, or has forgotten all.
    cold: BinaryHeap<Reverse<(Millis, RoomId)>>,
    /// Bytes of all histories.
    history_bytes: usize,
    bounds: Bounds,
    history_bytes_total_max: usize,
    rooms_max: usize,
    keep: Millis,
    pace: Pace,
    /// Keys the names.
    seed: u64,
}

impl Rooms {
    pub fn new(settings: &Settings, seed: u64) -> Rooms {
        Rooms {
            rooms: Slab::new(),
            names: Index::default(),
            made: 0,
            notices: BinaryHeap::new(),
            emptied: BTreeSet::new(),
            cold: BinaryHeap::new(),
            history_bytes: 0,
            bounds: Bounds {
                messages_max: settings.history_messages_max,
                bytes_max: settings.history_bytes_max,
            },
            history_bytes_total_max: settings.history_bytes_total_max,
            rooms_max: settings.rooms_max,
            keep: settings.room_keep,
            pace: Pace {
                interval: settings.presence_interval,
                changes_max: settings.presence_changes_max,
                names_max: settings.presence_names_max,
            },
            seed,
        }
    }

    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Bytes that all histories cost.
    pub fn history_bytes(&self) -> usize {
        self.history_bytes
    }

    /// The room at this place of the table.
    pub fn get(&self, index: u32) -> Option<&Room> {
        self.rooms.get(index as usize)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut Room> {
        self.rooms.get_mut(index as usize)
    }

    /// A room that may have gone.
    pub fn get_by_id(&self, id: RoomId) -> Option<&Room> {
        self.get(id.index).filter(|room| room.id == id)
    }

    /// The rooms from a place of the table on.
    pub fn from(&self, index: usize) -> impl Iterator<Item = &Room> {
        (index..self.rooms.capacity()).filter_map(|index| self.rooms.get(index))
    }

    /// The room of this name.
    pub fn find(&self, name: RoomName<'_>) -> Option<&Room> {
        self.index_of(name).and_then(|index| self.get(index))
    }

    fn index_of(&self, name: RoomName<'_>) -> Option<u32> {
        let name = name.as_str();
        self.names.find(hash(self.seed, name.chars()), |index| *self.rooms[index as usize].name == *name)
    }

    /// The room of this name, which is made if there is none; `None` if there may be no more. Whoever calls this puts
    /// somebody into it.
    pub fn open(&mut self, name: RoomName<'_>, seed: &Seed) -> Option<&mut Room> {
        let index = match self.index_of(name) {
            Some(index) => {
                let room = &self.rooms[index as usize];
                self.emptied.remove(&(room.emptied_at, room.id));
                index
            }
            None => {
                // The room that has been empty for the longest time makes place.
                while self.rooms.len() >= self.rooms_max && self.drop_emptied(Millis::NEVER) {}
                if self.rooms.len() >= self.rooms_max {
                    return None;
                }
                let vacant = self.rooms.vacant_entry();
                let index = u32::try_from(vacant.key()).expect("there are no more rooms than that");
                self.made = self.made.wrapping_add(1);
                let id = RoomId { index, serial: self.made };
                vacant.insert(Room::new(id, name.as_str().into(), seed.epoch(self.made.into())));
                self.names.insert(hash(self.seed, name.as_str().chars()), index);
                index
            }
        };
        self.get_mut(index)
    }

    /// The last member of a room has left.
    pub fn note_empty(&mut self, now: Millis, index: u32) {
        if let Some(room) = self.get_mut(index) {
            room.emptied_at = now;
            let id = room.id;
            self.emptied.insert((now, id));
        }
    }

    /// Drops the room that has been empty for the longest time, if that is since `before`. Returns whether there was one.
    fn drop_emptied(&mut self, before: Millis) -> bool {
        let Some(&(_, id)) = self.emptied.first().filter(|(at, _)| *at <= before) else { return false };
        self.emptied.pop_first();
        let room = self.rooms.remove(id.index as usize);
        self.names.remove(hash(self.seed, room.name.chars()), id.index);
        self.history_bytes -= room.history.len_bytes();
        if self.cold.len() > 2 * self.rooms.len() + COLD_SLACK {
            let rooms = &self.rooms;
            self.cold.retain(|Reverse((_, id))| rooms.get(id.index as usize).is_some_and(|it| it.id == *id));
        }
        true
    }

    /// Remembers what was said in a room.
    pub fn remember(&mut self, now: Millis, index: u32, record: Record) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        let before = room.history.len_bytes();
        room.history.push(record, self.bounds);
        room.warm_at = now;
        let after = room.history.len_bytes();
        if after > 0 && !std::mem::replace(&mut room.is_on_cold_list, true) {
            self.cold.push(Reverse((now, room.id)));
        }
        self.history_bytes = self.history_bytes - before + after;
        while self.history_bytes > self.history_bytes_total_max && self.forget_coldest() {}
    }

    /// The coldest room forgets some. Returns whether there was anything to look at.
    fn forget_coldest(&mut self) -> bool {
        let Some(Reverse((at, id))) = self.cold.pop() else { return false };
        let Some(room) = self.rooms.get_mut(id.index as usize).filter(|room| room.id == id) else {
            return true;
        };
        if room.warm_at == at {
            let before = room.history.len_bytes();
            let kept = before - before / FORGOTTEN_SHARE;
            while room.history.forget_oldest() && room.history.len_bytes() > kept {}
            self.history_bytes -= before - room.history.len_bytes();
        }
        room.is_on_cold_list = room.history.len_bytes() > 0;
        if room.is_on_cold_list {
            self.cold.push(Reverse((room.warm_at, id)));
        }
        true
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
        let notice = self.notices.peek().map(|Reverse((at, _))| *at);
        let emptied = self.emptied.first().map(|(at, _)| *at + self.keep);
        notice.into_iter().chain(emptied).min()
    }

    /// Tells what was put off until now, and drops what has been empty for long enough.
    pub fn wake(&mut self, now: Millis, effects: &mut dyn Effects) {
        while let Some(Reverse((at, id))) = self.notices.peek().copied()
            && at <= now
        {
            self.notices.pop();
            // What it was meant for may have been forgotten with the room's last member; others may be gathering since.
            let is_due = |room: &&mut Room| room.id == id && room.presence.is_due(now);
            if let Some(room) = self.rooms.get_mut(id.index as usize).filter(is_due) {
                room.tell_gathered(now, self.pace, effects);
            }
        }
        if now >= self.keep {
            while self.drop_emptied(now - self.keep) {}
        }
    }

    /// Panics where the table contradicts itself.
    #[cfg(test)]
    pub fn validate(&self) {
        assert_eq!(self.names.len(), self.rooms.len());
        let (mut history_bytes, mut empty) = (0, 0);
        for (index, room) in &self.rooms {
            assert_eq!(room.id.index as usize, index);
            let found = self.names.find(hash(self.seed, room.name.chars()), |it| it == room.id.index);
            assert_eq!(found, Some(room.id.index), "{} is not found", room.name);
            let is_kept = self.emptied.contains(&(room.emptied_at, room.id));
            assert_eq!(
                room.roster.is_empty(),
                is_kept,
                "{} is empty, and somebody will see to it",
                room.name
            );
            empty += usize::from(is_kept);
            let listed = self.cold.iter().filter(|Reverse((_, id))| *id == room.id).count();
            assert_eq!(listed, usize::from(room.is_on_cold_list), "{} is on the list, once", room.name);
            assert!(room.is_on_cold_list || room.history.len_bytes() == 0, "{} is never cold", room.name);
            history_bytes += room.history.len_bytes();
        }
        assert_eq!(self.emptied.len(), empty, "only rooms that are there are kept");
        assert_eq!(self.history_bytes, history_bytes, "the sum of all histories");
        assert!(history_bytes <= self.history_bytes_total_max, "all rooms remember too much together");
    }
}
