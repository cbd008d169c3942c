//! The timer wheel: one deadline per connection, set and taken back in constant time.
//!
//! Time is counted in ticks of [`TICK_MS`]. A tick, written in base 64, is a row of digits, and each digit has a ring
//! of 64 slots (a *level*). A deadline lives on the level of the highest digit in which it differs from the present:
//!
//! ```text
//!     present  ...  0  2 17      level 2: 64 slots of 64² ticks      a deadline 9 9 9 hangs here, in slot 9
//!     deadline ...  0  2 40      level 1: 64 slots of 64 ticks
//!                        └──────▶ level 0: 64 slots of 1 tick         this one hangs here, in slot 40
//! ```
//!
//! When the present reaches a slot of level 0, what hangs there is due. When it reaches a slot of a higher level, what
//! hangs there moves down: its highest digit now agrees. So an entry moves at most once a level, and nobody walks over
//! entries that are not due. A bit per slot tells which are occupied; the next one is found with `trailing_zeros`, and a
//! quiet loop sleeps until then rather than ticking.
//!
//! The links are indexes into one vector, addressed by the connection's own slot: arming allocates nothing. An entry's
//! level and slot are not stored, since they follow from the present and its deadline for as long as it hangs there.

use crate::time::Millis;

/// The wheel's resolution: a deadline fires at most this much late, and never early.
pub const TICK_MS: u64 = 8;
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
/// 64⁷ ticks of 8 ms are a thousand years, so no deadline has to wrap round.
const LEVELS: usize = 7;
const HORIZON_TICKS: u64 = (1 << (LEVEL_BITS * LEVELS as u32)) - 1;

const NONE: u32 = u32::MAX;
const DISARMED: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    previous: u32,
    next: u32,
    /// In ticks; [`DISARMED`] when it hangs nowhere.
    due: u64,
}

/// Deadlines by key, a small dense number.
#[derive(Debug)]
pub struct Wheel {
    /// The tick up to which everything has been taken out.
    present: u64,
    nodes: Vec<Node>,
    heads: [[u32; SLOTS]; LEVELS],
    /// Bit `s` of `occupied[l]` is set when something hangs in slot `s` of level `l`.
    occupied: [u64; LEVELS],
}

impl Default for Wheel {
    fn default() -> Self {
        Wheel { present: 0, nodes: Vec::new(), heads: [[NONE; SLOTS]; LEVELS], occupied: [0; LEVELS] }
    }
}

impl Wheel {
    /// Sets the deadline of `key`, replacing the one it had. [`Millis::NEVER`] takes it back.
    pub fn arm(&mut self, key: u32, at: Millis) {
        self.disarm(key);
        if at == Millis::NEVER {
            return;
        }
        let index = key as usize;
        if index >= self.nodes.len() {
            if index >= self.nodes.capacity() {
                // By an eighth, as the table of connections grows.
                self.nodes.reserve_exact(index + 1 + index / 8 - self.nodes.len());
            }
            self.nodes.resize(index + 1, Node { previous: NONE, next: NONE, due: DISARMED });
        }
        // Rounded up, so that nothing fires early; a moment that has passed is due at once.
        let due = at.0.div_ceil(TICK_MS).clamp(self.present, HORIZON_TICKS);
        self.nodes[index].due = due;
        self.hang(key);
    }

    /// Takes the deadline of `key` back, if it has one.
    pub fn disarm(&mut self, key: u32) {
        let Some(&Node { previous, next, due }) = self.nodes.get(key as usize) else { return };
        if due == DISARMED {
            return;
        }
        let (level, slot) = place(self.present, due);
        match previous {
            NONE => self.heads[level][slot] = next,
            previous => self.nodes[previous as usize].next = next,
        }
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if self.heads[level][slot] == NONE {
            self.occupied[level] &= !(1 << slot);
        }
        self.nodes[key as usize].due = DISARMED;
    }

    /// When `key` fires: its deadline, rounded up to a tick.
    pub fn armed(&self, key: u32) -> Option<Millis> {
        self.nodes
            .get(key as usize)
            .filter(|node| node.due != DISARMED)
            .map(|node| Millis(node.due * TICK_MS))
    }

    /// Takes out one key whose deadline is not after `now`, until there is none.
    pub fn poll_expired(&mut self, now: Millis) -> Option<u32> {
        let now_ticks = now.0 / TICK_MS;
        loop {
            let Some((level, slot, start)) = self.next_occupied().filter(|&(_, _, start)| start <= now_ticks)
            else {
                self.present = self.present.max(now_ticks);
                return None;
            };
            self.present = self.present.max(start);
            let key = self.heads[level][slot];
            if level == 0 {
                self.disarm(key);
                return Some(key);
            }
            // The present has reached this slot: all that hangs in it belongs on a lower level now.
            self.heads[level][slot] = NONE;
            self.occupied[level] &= !(1 << slot);
            let mut key = key;
            while key != NONE {
                let next = self.nodes[key as usize].next;
                self.hang(key);
                key = next;
            }
        }
    }

    /// When [`Wheel::poll_expired`] next has something to do: an entry that is due, or some that move down a level.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.next_occupied().map(|(_, _, start)| Millis(start * TICK_MS))
    }

    /// The first occupied slot in time: its level, its number, and the tick at which it begins. What hangs on a lower
    /// level is always due before what hangs on a higher one.
    fn next_occupied(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS).find(|&level| self.occupied[level] != 0).map(|level| {
            let shift = LEVEL_BITS * level as u32;
            let slot = self.occupied[level].trailing_zeros() as usize;
            let above = self.present >> (shift + LEVEL_BITS) << LEVEL_BITS;
            (level, slot, (above | slot as u64) << shift)
        })
    }

    fn hang(&mut self, key: u32) {
        let (level, slot) = place(self.present, self.nodes[key as usize].due);
        let next = std::mem::replace(&mut self.heads[level][slot], key);
        if next != NONE {
            self.nodes[next as usize].previous = key;
        }
        let node = &mut self.nodes[key as usize];
        (node.previous, node.next) = (NONE, next);
        self.occupied[level] |= 1 << slot;
    }

    /// Walks over everything and panics where the wheel contradicts itself. For tests.
    pub fn validate(&self) {
        let mut hanging = 0;
        for (level, heads) in self.heads.iter().enumerate() {
            for (slot, &head) in heads.iter().enumerate() {
                assert_eq!(
                    self.occupied[level] >> slot & 1 == 1,
                    head != NONE,
                    "bit of level {level} slot {slot}"
                );
                let (mut previous, mut key) = (NONE, head);
                while key != NONE {
                    let node = &self.nodes[key as usize];
                    assert_eq!(node.previous, previous, "back link of {key}");
                    assert!(node.due >= self.present, "{key} is overdue");
                    assert_eq!(place(self.present, node.due), (level, slot), "place of {key}");
                    hanging += 1;
                    assert!(hanging <= self.nodes.len(), "a ring in level {level} slot {slot}");
                    (previous, key) = (key, node.next);
                }
            }
        }
        let armed = self.nodes.iter().filter(|node| node.due != DISARMED).count();
        assert_eq!(hanging, armed, "armed, but hanging nowhere");
    }
}

/// The level and slot of a deadline as seen from the present: the highest base-64 digit in which they differ.
fn place(present: u64, due: u64) -> (usize, usize) {
    let differing = (present ^ due) | (SLOTS as u64 - 1);
    let level = differing.ilog2() / LEVEL_BITS;
    let slot = due >> (LEVEL_BITS * level) & (SLOTS as u64 - 1);
    (level as usize, slot as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn expired(wheel: &mut Wheel, now: u64) -> Vec<u32> {
        let mut keys: Vec<u32> = std::iter::from_fn(|| wheel.poll_expired(Millis(now))).collect();
        wheel.validate();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn fires_at_its_tick_and_not_before() {
        for at in [1, 8, 9, 511, 512, 513, 4096, 32_767, 32_768, 35_000, 300_000, 3_000_000_000] {
            let mut wheel = Wheel::default();
            wheel.arm(3, Millis(at));
            wheel.validate();
            assert!(expired(&mut wheel, at - 1).is_empty(), "early for {at}");
            assert_eq!(expired(&mut wheel, at.next_multiple_of(TICK_MS)), [3], "late for {at}");
            assert_eq!(wheel.next_deadline(), None);
        }
    }

    #[test]
    fn a_deadline_in_the_past_fires_at_once() {
        let mut wheel = Wheel::default();
        assert!(expired(&mut wheel, 100_000).is_empty());
        wheel.arm(0, Millis(5));
        assert_eq!(expired(&mut wheel, 100_000), [0]);
    }

    #[test]
    fn never_is_not_armed_and_rearming_replaces() {
        let mut wheel = Wheel::default();
        wheel.arm(1, Millis(80));
        wheel.arm(1, Millis(160));
        assert_eq!(wheel.armed(1), Some(Millis(160)));
        wheel.arm(1, Millis::NEVER);
        assert_eq!((wheel.armed(1), wheel.next_deadline()), (None, None));
        wheel.disarm(77);
    }

    #[test]
    fn a_sleep_until_the_next_deadline_is_never_endless_and_rarely_in_vain() {
        let mut wheel = Wheel::default();
        wheel.arm(0, Millis(25_000));
        let mut wakes = 0;
        while let Some(at) = wheel.next_deadline() {
            wakes += 1;
            expired(&mut wheel, at.0);
        }
        assert!(wakes <= 3, "{wakes} wake-ups for one deadline");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arm(u32, u64),
        Disarm(u32),
        Advance(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let distance = prop_oneof![0..20u64, 0..2_000u64, 0..100_000u64, 0..40_000_000_000u64];
        prop_oneof![
            (0..24u32, distance.clone()).prop_map(|(key, distance)| Step::Arm(key, distance)),
            (0..24u32).prop_map(Step::Disarm),
            distance.prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_sorted_map(steps in prop::collection::vec(step(), 1..200)) {
            let (mut wheel, mut plain, mut now) = (Wheel::default(), BTreeMap::new(), 0u64);
            for step in steps {
                match step {
                    Step::Arm(key, distance) => {
                        wheel.arm(key, Millis(now + distance));
                        plain.insert(key, (now + distance).div_ceil(TICK_MS).max(now / TICK_MS));
                    }
                    Step::Disarm(key) => {
                        wheel.disarm(key);
                        plain.remove(&key);
                    }
                    Step::Advance(by) => {
                        now += by;
                        let due: Vec<u32> =
                            plain.iter().filter(|&(_, &at)| at <= now / TICK_MS).map(|(&key, _)| key).collect();
                        prop_assert_eq!(expired(&mut wheel, now), due.clone());
                        plain.retain(|key, _| !due.contains(key));
                    }
                }
                wheel.validate();
                prop_assert_eq!(wheel.next_deadline().is_none(), plain.is_empty());
            }
        }
    }
}
