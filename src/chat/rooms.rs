//! All rooms: found by name, made when somebody comes, kept for a while when the last one goes, and woken when there is
//! something to tell.
//!
//! An empty room keeps its history and its numbering for `room_keep`, so that people who come back find what they left.
//! Then it goes, and its epoch with it: a room of the same name that is made later numbers anew and says so.
//!
//! What all rooms remember together is bounded too. When it is too much, the room in which nothing has been said for the
//! longest time forgets first. Of keys, which outlive their messages for some minutes, the oldest go first.

use super::history::{Bounds, Record};
use super::index::{Index, hash};
use super::keys::{KeyHash, Published};
use super::pace::{Pacer, Told};
use super::presence::{Bounds as PresenceBounds, Change};
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

/// How long a room is left alone after it was looked at for keys that are over.
const KEYS_REST: Millis = Millis::from_secs(10);

/// How many places of the table are looked at for one page of rooms.
const VISITED_MAX: usize = 4096;

/// How many more rooms than there are may stand on the list of cold ones before those that have gone are struck off.
const COLD_SLACK: usize = 64;

/// The table of rooms.
#[derive(Debug)]
pub(super) struct Rooms {
    rooms: Slab<Room>,
    names: Index,
    /// How many were ever made.
    made: u32,
    /// When to tell which room what it has gathered.
    pacer: Pacer<RoomId>,
    /// Rooms in which nobody is, by when the last one left.
    emptied: BTreeSet<(Millis, RoomId)>,
    /// Rooms with a history, each once, with when it was warm; perhaps it has been since, or has forgotten all.
    cold: BinaryHeap<Reverse<(Millis, RoomId)>>,
    /// Bytes of all histories.
    history_bytes: usize,
    bounds: Bounds,
    history_bytes_total_max: usize,
    /// Rooms that remember keys, each once, by when to look whether some are over: that is when their oldest is, or later.
    keyed: BTreeSet<(Millis, RoomId)>,
    /// Keys of all rooms.
    keys: usize,
    key_window: Millis,
    keys_max: usize,
    keys_total_max: usize,
    rooms_max: usize,
    keep: Millis,
    presence_bounds: PresenceBounds,
    /// Members that were told who came and went, and notices that came later because of the budget.
    presence_told: u64,
    presence_put_off: u64,
    /// Keys the names.
    seed: u64,
}

impl Rooms {
    pub fn new(settings: &Settings, seed: u64) -> Rooms {
        Rooms {
            rooms: Slab::new(),
            names: Index::default(),
            made: 0,
            pacer: Pacer::new(settings.presence_interval, settings.presence_per_second),
            emptied: BTreeSet::new(),
            cold: BinaryHeap::new(),
            history_bytes: 0,
            bounds: Bounds {
                messages_max: settings.history_messages_max,
                bytes_max: settings.history_bytes_max,
            },
            history_bytes_total_max: settings.history_bytes_total_max,
            keyed: BTreeSet::new(),
            keys: 0,
            key_window: settings.key_window,
            keys_max: settings.keys_max,
            keys_total_max: settings.keys_total_max,
            rooms_max: settings.rooms_max,
            keep: settings.room_keep,
            presence_told: 0,
            presence_put_off: 0,
            presence_bounds: PresenceBounds {
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

    /// What presence has cost: members told, notices that came later because of the budget, and rooms that wait for it now.
    pub fn presence_counts(&self) -> (u64, u64, usize) {
        (self.presence_told, self.presence_put_off, self.pacer.waiting())
    }

    /// How many keys all rooms remember.
    pub fn keys(&self) -> usize {
        self.keys
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

    /// Rooms in which somebody is, from a place of the table on and so many at most; and the place from which others may
    /// follow. They may be few, or none, where most are empty: nobody is to be kept busy by looking for them.
    pub fn inhabited(&self, first: usize, limit: usize) -> (Vec<&Room>, Option<usize>) {
        let end = self.rooms.capacity();
        let visited_end = first.saturating_add(VISITED_MAX).min(end);
        let mut found = Vec::new();
        for index in first..visited_end {
            if let Some(room) = self.rooms.get(index).filter(|room| !room.roster.is_empty()) {
                if found.len() == limit {
                    return (found, Some(index));
                }
                found.push(room);
            }
        }
        (found, (visited_end < end).then_some(visited_end))
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

    /// The same for somebody who only listens: a room without members is kept as long as if the last had just left.
    pub fn open_to_observe(&mut self, now: Millis, name: RoomName<'_>, seed: &Seed) -> Option<&Room> {
        let room = self.open(name, seed)?;
        let (index, is_empty) = (room.id.index, room.roster.is_empty());
        if is_empty {
            self.note_empty(now, index);
        }
        self.get(index)
    }

    /// The last member of a room has left.
    pub fn note_empty(&mut self, now: Millis, index: u32) {
        if let Some(room) = self.get_mut(index) {
            room.emptied_at = now;
            // Whatever has not been told yet, nobody is there to hear.
            room.presence = Default::default();
            room.roster.learn();
            let id = room.id;
            self.pacer.remove(id);
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
        self.keys -= room.keys.len();
        if let Some(due) = room.keys_due {
            self.keyed.remove(&(due, id));
        }
        if self.cold.len() > 2 * self.rooms.len() + COLD_SLACK {
            let rooms = &self.rooms;
            self.cold.retain(|Reverse((_, id))| rooms.get(id.index as usize).is_some_and(|it| it.id == *id));
        }
        true
    }

    /// Remembers what was said in a room.
    pub fn remember(&mut self, now: Millis, index: u32, record: Record) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        room.newest_at = record.at;
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
            while room.history.forget_some() && room.history.len_bytes() > kept {}
            self.history_bytes -= before - room.history.len_bytes();
        }
        room.is_on_cold_list = room.history.len_bytes() > 0;
        if room.is_on_cold_list {
            self.cold.push(Reverse((room.warm_at, id)));
        }
        true
    }

    /// What was published in a room under a key that is not over.
    pub fn published(&self, now: Millis, room: &Room, key: KeyHash) -> Option<Published> {
        let is_over =
            |it: &Published, at: Millis| at + self.key_window <= now && it.seq < room.history.oldest();
        room.keys.get(key).filter(|(at, it)| !is_over(it, *at)).map(|(_, it)| it)
    }

    /// Remembers under which key something was said in a room.
    pub fn remember_key(&mut self, now: Millis, index: u32, key: KeyHash, published: Published) {
        self.forget_keys(now, index, usize::MAX);
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        room.keys.insert(now, key, published);
        self.keys += 1;
        if room.keys_due.is_none() {
            self.look_for_keys_later(now, index);
        }
        self.forget_keys(now, index, self.keys_max);
        while self.keys > self.keys_total_max
            && let Some(&(_, id)) = self.keyed.first()
        {
            let keys = self.get(id.index).map_or(0, |room| room.keys.len());
            self.forget_keys(now, id.index, keys - keys.div_ceil(FORGOTTEN_SHARE));
            self.look_for_keys_later(now, id.index);
        }
    }

    /// A room forgets the keys that are over, and the oldest beyond so many whatever they are.
    fn forget_keys(&mut self, now: Millis, index: u32, keys_max: usize) {
        if let Some(room) = self.rooms.get_mut(index as usize) {
            self.keys -= room.keys.forget(now, self.key_window, room.history.oldest(), keys_max);
        }
    }

    /// Sees to it that a room is looked at when its oldest key is over, if it has any.
    fn look_for_keys_later(&mut self, now: Millis, index: u32) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        if let Some(due) = room.keys_due.take() {
            self.keyed.remove(&(due, room.id));
        }
        room.keys_due = room.keys.oldest_at().map(|at| {
            let over_at = at + self.key_window;
            // If that was before, its message is still remembered, perhaps for long.
            let due = if over_at > now { over_at } else { now + self.key_window };
            due.max(now + KEYS_REST)
        });
        if let Some(due) = room.keys_due {
            self.keyed.insert((due, room.id));
        }
    }

    /// Tells the others in the room of a change, now or later.
    pub fn tell(&mut self, now: Millis, index: u32, change: Change<'_>, effects: &mut dyn Effects) {
        let Some(room) = self.rooms.get_mut(index as usize) else { return };
        let told = room.tell(now, &mut self.pacer, self.presence_bounds, change, effects);
        self.presence_told += told as u64;
    }

    /// When [`Rooms::wake`] is due.
    pub fn next_wake(&self) -> Option<Millis> {
        let notice = self.pacer.next_wake();
        let emptied = self.emptied.first().map(|(at, _)| *at + self.keep);
        let keys = self.keyed.first().map(|(at, _)| *at);
        notice.into_iter().chain(emptied).chain(keys).min()
    }

    /// Tells what was put off until now, and drops what has been empty for long enough.
    pub fn wake(&mut self, now: Millis, effects: &mut dyn Effects) {
        while let Some((id, paid)) = self.pacer.next(now, |id| asked(&self.rooms, id)) {
            let room = &mut self.rooms[id.index as usize];
            let is_late = self.pacer.is_late(now, room.presence.told);
            let told = room.tell_gathered(now, self.presence_bounds, effects);
            self.pacer.refund(paid - told);
            self.presence_told += told as u64;
            self.presence_put_off += u64::from(is_late && told > 0);
        }
        while let Some(&(at, id)) = self.keyed.first()
            && at <= now
        {
            self.forget_keys(now, id.index, self.keys_max);
            self.look_for_keys_later(now, id.index);
        }
        if now >= self.keep {
            while self.drop_emptied(now - self.keep) {}
        }
    }

    /// How many members all rooms have together.
    #[cfg(test)]
    pub fn seats(&self) -> usize {
        self.rooms.iter().map(|(_, room)| room.roster.len()).sum()
    }

    /// Panics where the table contradicts itself.
    #[cfg(test)]
    pub fn validate(&self) {
        assert_eq!(self.names.len(), self.rooms.len());
        let (mut history_bytes, mut empty, mut keys, mut keyed) = (0, 0, 0, BTreeSet::new());
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
            keys += room.keys.len();
            assert_eq!(
                room.keys_due.is_some(),
                room.keys.len() > 0,
                "{} is looked at for its keys",
                room.name
            );
            keyed.extend(room.keys_due.map(|due| (due, room.id)));
        }
        assert_eq!((self.keys, &self.keyed), (keys, &keyed), "the sum of all keys, and who has any");
        assert!(keys <= self.keys_total_max, "all rooms remember too many keys together");
        assert_eq!(self.emptied.len(), empty, "only rooms that are there are kept");
        assert_eq!(self.history_bytes, history_bytes, "the sum of all histories");
        assert!(history_bytes <= self.history_bytes_total_max, "all rooms remember too much together");
    }
}

/// What a room has been told, and how many members it has.
fn asked(rooms: &Slab<Room>, id: RoomId) -> (Told, usize) {
    let room = &rooms[id.index as usize];
    (room.presence.told, room.roster.len())
}

#[cfg(test)]
mod tests {
    use super::super::MemberId;
    use super::*;

    #[test]
    fn looking_for_rooms_in_which_somebody_is_has_an_end() {
        let (mut rooms, seed) = (Rooms::new(&Settings::default(), 1), Seed::new([1; 32]));
        for number in 0..VISITED_MAX + 2 {
            let name = format!("r{number}");
            let room = rooms.open(RoomName::new(&name).unwrap(), &seed).unwrap();
            if number >= VISITED_MAX {
                room.roster.admit(MemberId(0));
            }
        }
        let names = |(found, next): (Vec<&Room>, Option<usize>)| {
            (found.iter().map(|room| room.name.to_string()).collect::<Vec<_>>(), next)
        };
        assert_eq!(names(rooms.inhabited(0, 10)), (vec![], Some(VISITED_MAX)));
        assert_eq!(names(rooms.inhabited(VISITED_MAX, 1)), (vec!["r4096".to_owned()], Some(VISITED_MAX + 1)));
        assert_eq!(names(rooms.inhabited(VISITED_MAX + 1, 1)).0, ["r4097"]);
        assert_eq!(names(rooms.inhabited(usize::MAX, 1)), (vec![], None));
    }
}
