//! A hash table of numbers: from a name to the member or room that has it.
//!
//! The names themselves stand where they are used, in the members and the rooms, and a map of its own copies of them
//! would cost more than all the rest of a member. So a slot holds 8 bytes: who it is, and a hash, by which nearly every
//! other slot is passed over without a look at the name behind it.
//!
//! ```text
//!     hash & mask ─▶ │ hash id │ hash id │  free   │ hash id │ ...      on a clash, the next slot that is free
//! ```
//!
//! Removing closes the gap at once: whatever stands behind it and had to give way moves back, so no tombstones gather.
//!
//! Who chooses names can choose them so that they clash. So [`hash`] begins with a seed that nobody outside knows.

use std::hash::{DefaultHasher, Hasher};

/// Numbers by hash. The caller says which of several candidates is meant.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    id: u32,
}

const FREE: Slot = Slot { hash: 0, id: u32::MAX };

impl Slot {
    fn is_free(self) -> bool {
        self.id == FREE.id
    }
}

const SLOTS_MIN: usize = 8;
// At most 7 of 8 slots are taken: the table doubles then, so that 8 bytes become 9 to 18 for each entry.
const LOAD_MAX: (usize, usize) = (7, 8);

impl Index {
    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The entry of this hash for which `is_it` holds.
    pub fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.slot_of(hash, |slot| slot.hash == hash && is_it(slot.id)).map(|at| self.slots[at].id)
    }

    /// Adds an entry. That there is none like it is for the caller to know.
    pub fn insert(&mut self, hash: u32, id: u32) {
        assert_ne!(id, FREE.id, "this number stands for a free slot");
        if (self.len + 1) * LOAD_MAX.1 > self.slots.len() * LOAD_MAX.0 {
            self.grow();
        }
        self.len += 1;
        self.place(Slot { hash, id });
    }

    /// Takes an entry out, if it is there.
    pub fn remove(&mut self, hash: u32, id: u32) {
        let Some(mut gap) = self.slot_of(hash, |slot| slot.hash == hash && slot.id == id) else { return };
        self.len -= 1;
        let mut at = gap;
        loop {
            at = self.after(at);
            let slot = self.slots[at];
            if slot.is_free() {
                break;
            }
            // Its way from home leads over the gap: it may stand there as well.
            let home = self.home(slot.hash);
            if self.distance(home, at) >= self.distance(gap, at) {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = FREE;
    }

    fn slot_of(&self, hash: u32, mut is_it: impl FnMut(Slot) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        while !self.slots[at].is_free() {
            if is_it(self.slots[at]) {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }

    fn place(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while !self.slots[at].is_free() {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let slots_len = (self.slots.len() * 2).max(SLOTS_MIN);
        let slots = std::mem::replace(&mut self.slots, vec![FREE; slots_len]);
        slots.into_iter().filter(|slot| !slot.is_free()).for_each(|slot| self.place(slot));
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// How many steps lead from one slot to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

/// The hash of a name, or of the characters by which it is compared.
pub(super) fn hash(seed: u64, chars: impl Iterator<Item = char>) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    chars.for_each(|c| hasher.write_u32(c.into()));
    let hash = hasher.finish();
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn an_empty_index_finds_nothing() {
        let mut index = Index::default();
        assert_eq!(index.find(7, |_| true), None);
        index.remove(7, 7);
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn entries_of_one_hash_are_told_apart() {
        let mut index = Index::default();
        (0..100).for_each(|id| index.insert(5, id));
        assert_eq!(index.find(5, |id| id == 70), Some(70));
        index.remove(5, 70);
        assert_eq!(index.find(5, |id| id == 70), None);
        assert_eq!(index.find(5, |id| id == 99), Some(99));
    }

    #[test]
    fn at_most_7_of_8_slots_are_taken() {
        let mut index = Index::default();
        for id in 0..7 {
            index.insert(id, id);
        }
        assert_eq!(index.slots.len(), 8);
        index.insert(7, 7);
        assert_eq!(index.slots.len(), 16);
    }

    proptest! {
        /// Few hashes and many clashes, so that gaps are closed in every way that there is.
        #[test]
        fn agrees_with_a_plain_map(steps in prop::collection::vec((any::<bool>(), 0..40u32, 0..6u32), 1..300)) {
            let (mut index, mut plain) = (Index::default(), BTreeMap::new());
            for (insert, id, hash) in steps {
                // Homes at both ends of the table, to go round its end.
                let hash = hash.wrapping_sub(3);
                match plain.get(&id).copied() {
                    Some(hash) => {
                        index.remove(hash, id);
                        plain.remove(&id);
                    }
                    None if insert => {
                        index.insert(hash, id);
                        plain.insert(id, hash);
                    }
                    None => index.remove(hash, id),
                }
                prop_assert_eq!(index.len(), plain.len());
                for id in 0..40 {
                    let found = (0..6).map(|h: u32| h.wrapping_sub(3)).find(|&h| index.find(h, |i| i == id).is_some());
                    prop_assert_eq!(found, plain.get(&id).copied());
                }
            }
        }
    }
}
