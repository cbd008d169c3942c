//! Publishing twice is publishing once: what a room remembers of its publishers' keys.
//!
//! A client that lost its connection before the answer came does not know whether its message was taken, and sends it
//! again under the same key. So a room keeps, for some minutes and at least for as long as it keeps the message, which
//! number the key of that name was given; a repeat is answered with it.
//!
//! Neither the key nor the data is kept, but hashes of them: 128 bits of name and key, and 64 of the data, by which the
//! same key with other data is told from a repeat.
//!
//! A key that is over is not known any more, whether or not its memory has been given back yet. That happens when the room
//! is looked at: when another key comes, and now and then also when nothing comes any more.

use crate::time::Millis;
use crate::wire::Data;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};

/// How many times the memory that is needed a table may have, before it is given back.
const SPARE_MAX: usize = 8;

/// What was published under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// A hash of what was said.
    pub data: u64,
}

/// A name and a key, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(u64, u64);

/// The keys of a room.
#[derive(Debug, Default)]
pub struct Keys {
    published: HashMap<KeyHash, (Millis, Published)>,
    /// The same, oldest first.
    order: VecDeque<KeyHash>,
}

impl KeyHash {
    /// Of the publisher's name, as it is compared, and its key.
    pub fn new<I: Iterator<Item = char>>(seed: u64, name: impl Fn() -> I, key: &str) -> KeyHash {
        let half = |which: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(seed);
            hasher.write_u8(which);
            name().for_each(|c| hasher.write_u32(c.into()));
            // No character: what follows is the key.
            hasher.write_u32(u32::MAX);
            hasher.write(key.as_bytes());
            hasher.finish()
        };
        KeyHash(half(0), half(1))
    }
}

/// The hash of what was said, as it was sent. A repeat is sent as it was the first time.
pub fn hash_data(data: Data<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match data {
        Data::Json(json) => hasher.write(json.as_bytes()),
        Data::Text(text) => [b"\"", text.as_bytes(), b"\""].into_iter().for_each(|part| hasher.write(part)),
    }
    hasher.finish()
}

impl Keys {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// When the oldest was published.
    pub fn oldest_at(&self) -> Option<Millis> {
        self.order.front().and_then(|key| self.published.get(key)).map(|&(at, _)| at)
    }

    /// What was published under a key, also if it is over; and when, by the clock that only goes forward.
    pub fn get(&self, key: KeyHash) -> Option<(Millis, Published)> {
        self.published.get(&key).copied()
    }

    /// Remembers a key, which is not remembered.
    pub fn insert(&mut self, now: Millis, key: KeyHash, published: Published) {
        let former = self.published.insert(key, (now, published));
        debug_assert!(former.is_none(), "a repeat is answered, and what is over was forgotten");
        self.order.push_back(key);
    }

    /// Forgets the keys of messages before `oldest` that were published so long ago, and the oldest beyond `keys_max`
    /// whatever they are. Returns how many.
    pub fn forget(&mut self, now: Millis, window: Millis, oldest: u64, keys_max: usize) -> usize {
        let mut forgotten = 0;
        while let Some(key) = self.order.front() {
            let is_over = self
                .published
                .get(key)
                .is_none_or(|&(at, Published { seq, .. })| at + window <= now && seq < oldest);
            if !is_over && self.order.len() <= keys_max {
                break;
            }
            self.published.remove(key);
            self.order.pop_front();
            forgotten += 1;
        }
        if forgotten > 0 && self.published.len() < self.published.capacity() / SPARE_MAX {
            self.published.shrink_to(2 * self.order.len());
            self.order.shrink_to(2 * self.order.len());
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(name: &str, key: &str) -> KeyHash {
        KeyHash::new(1, || name.chars(), key)
    }

    #[test]
    fn a_key_is_a_name_and_a_key() {
        assert_eq!(hash("ann", "a9-7"), hash("ann", "a9-7"));
        assert_ne!(hash("ann", "a9-7"), hash("bob", "a9-7"));
        assert_ne!(hash("ann", "a9-7"), hash("anna", "9-7"));
        assert_ne!(hash("ann", "a9-7"), KeyHash::new(2, || "ann".chars(), "a9-7"));
    }

    #[test]
    fn a_key_outlives_its_message_and_its_minutes() {
        let mut keys = Keys::default();
        let published = |seq| Published { seq, at: 0, data: 0 };
        for seq in 1..=4 {
            keys.insert(Millis(seq * 100), hash("ann", &seq.to_string()), published(seq));
        }
        let window = Millis(1000);
        assert_eq!(keys.forget(Millis(1099), window, 10, 100), 0, "all are young");
        assert_eq!(keys.forget(Millis(9000), window, 1, 100), 0, "all are in the history");
        assert_eq!(keys.forget(Millis(1200), window, 10, 100), 2);
        assert_eq!(keys.get(hash("ann", "2")), None);
        assert_eq!(keys.get(hash("ann", "3")), Some((Millis(300), published(3))));
        assert_eq!(keys.forget(Millis(400), window, 0, 1), 1, "more than may be");
        assert_eq!((keys.forget(Millis(1400), window, 10, 100), keys.len()), (1, 0));
    }

    #[test]
    fn memory_that_is_not_needed_any_more_is_given_back() {
        let mut keys = Keys::default();
        for seq in 0..10_000 {
            keys.insert(Millis(seq), hash("ann", &seq.to_string()), Published { seq, at: 0, data: 0 });
        }
        assert_eq!(keys.forget(Millis(10_000), Millis(100), 10_000, usize::MAX), 9901);
        assert!(keys.published.capacity() < 1000 && keys.order.capacity() < 1000);
        assert_eq!(keys.len(), 99);
    }
}
