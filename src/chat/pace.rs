//! When a room may be told who came and went, so that all rooms together cost no more than a budget.
//!
//! A notice to a room of 18,000 is 18,000 deliveries, so notices are paid for by the delivery. The budget fills at
//! `presence_per_second` and is spent in advance: a notice is sent when all of its deliveries are paid for. No room can
//! therefore run up a debt that another room waits for.
//!
//! ```text
//!     budget ──┬─ 3/4 ─▶ balance ─▶ the smallest room that waits
//!              └─ 1/4 ─▶ saved ───▶ the room that has waited longest       nobody waits: all of it is balance
//! ```
//!
//! The smallest first means that a small room never waits for a large one. The fourth that is saved means that a large
//! room is told in the end, however many small ones there are. A room that is both is paid from both.
//!
//! When a room asks depends on its size. For n members and a budget of N deliveries a second, it asks one second after its
//! last notice, and then as soon as there was no change for a second, or after 3 n / N at the latest:
//!
//! ```text
//!     from notice to notice      n = 100     1,666     5,000      18,000    1,000,000       with N = 5,000
//!     at least, max(1 s, n / N)      1 s       1 s       1 s       3.6 s        200 s       the room is quiet again
//!     at most, max(1 s, 4 n / N)     1 s       1 s       4 s      14.4 s        800 s       changes go on
//! ```
//!
//! The difference of the two, n / N, is what the budget takes to pay for the notice. So a large room in which somebody
//! comes and goes all the time takes a fourth of the budget, and one that has become quiet is told as soon as it can be
//! paid for.
//!
//! Rooms are known by a key. Each call takes O(log rooms), counting only rooms with something to tell; others are unknown
//! here. Without a budget every notice is free, and both intervals are a second.

use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// What is saved for the room that has waited longest: one part in so many.
const SHARE: u64 = 4;
/// How many times the price of its notice a room lets the budget earn while it does not become quiet.
const REST: u64 = 3;
/// The budget is counted in thousandths of a delivery, of which each millisecond brings as many as a second deliveries.
const DELIVERY: u64 = 1000;

/// Decides which room is told next.
#[derive(Debug)]
pub(super) struct Pacer<K> {
    interval: Millis,
    /// Deliveries; 0: any number.
    per_second: u64,
    /// Rooms that ask at a time to come.
    timed: BTreeSet<(Millis, K)>,
    /// Rooms that wait for the budget: by size class, and by age.
    by_size: BTreeSet<(u32, Millis, K)>,
    by_age: BTreeSet<(Millis, K, u32)>,
    /// Where each of them stands.
    places: BTreeMap<K, Place>,
    /// Thousandths of deliveries that are paid for.
    balance: u64,
    saved: u64,
    /// When the budget was last counted.
    counted_at: Millis,
    /// When one of those that wait may be paid for.
    affordable_at: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Timed(Millis),
    Waiting { class: u32, since: Millis },
}

/// When a room was told and what has changed since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// When it was told last.
    pub told_at: Option<Millis>,
    /// When the first change came that it has not been told of.
    pub first_at: Millis,
    /// When the last one came.
    pub last_at: Millis,
}

impl<K: Copy + Ord> Pacer<K> {
    pub fn new(interval: Millis, per_second: u32) -> Pacer<K> {
        let per_second = u64::from(per_second);
        Pacer {
            interval,
            per_second,
            timed: BTreeSet::new(),
            by_size: BTreeSet::new(),
            by_age: BTreeSet::new(),
            places: BTreeMap::new(),
            balance: per_second * DELIVERY,
            saved: 0,
            counted_at: Millis(0),
            affordable_at: None,
        }
    }

    /// How many rooms wait for the budget.
    pub fn waiting(&self) -> usize {
        self.by_size.len()
    }

    /// When a room of so many members asks to be told.
    pub fn ready_at(&self, told: Told, members: usize) -> Millis {
        let Some(told_at) = told.told_at else { return Millis(0) };
        let rest = REST.saturating_mul(self.price(members)).checked_div(self.per_second).unwrap_or(0);
        let quiet_at = told.last_at + self.interval;
        quiet_at.min(told_at + Millis(rest)).max(told_at + self.interval)
    }

    /// Whether what is due comes later than if there were no budget.
    pub fn is_late(&self, now: Millis, told: Told) -> bool {
        now > told.told_at.map_or(Millis(0), |told_at| told_at + self.interval).max(told.first_at)
    }

    /// Pays for a notice to so many members, unless another room of that size or less waits, or it is too much.
    pub fn pay_at_once(&mut self, now: Millis, members: usize) -> bool {
        self.count(now);
        let price = self.price(members);
        let is_behind = self.by_size.first().is_some_and(|(class, ..)| *class <= size_class(members));
        let is_paid = price == 0 || !is_behind && self.balance >= price;
        if is_paid {
            self.balance -= price;
        }
        is_paid
    }

    /// Asks again at this time for a room that has something to tell.
    pub fn put_off(&mut self, at: Millis, room: K) {
        self.remove(room);
        self.timed.insert((at, room));
        self.places.insert(room, Place::Timed(at));
    }

    /// Lets a room that may be told wait for the budget.
    pub fn wait(&mut self, since: Millis, room: K, members: usize) {
        self.remove(room);
        let class = size_class(members);
        self.by_size.insert((class, since, room));
        self.by_age.insert((since, room, class));
        self.places.insert(room, Place::Waiting { class, since });
        self.affordable_at = Some(since);
    }

    /// Forgets a room that has nothing to tell any more.
    pub fn remove(&mut self, room: K) {
        match self.places.remove(&room) {
            None => {}
            Some(Place::Timed(at)) => {
                self.timed.remove(&(at, room));
            }
            Some(Place::Waiting { class, since }) => {
                self.by_size.remove(&(class, since, room));
                self.by_age.remove(&(since, room, class));
            }
        }
    }

    /// When [`Pacer::next`] may have a room.
    pub fn next_wake(&self) -> Option<Millis> {
        let timed = self.timed.first().map(|(at, _)| *at);
        let affordable = self.affordable_at.filter(|_| !self.by_size.is_empty());
        timed.into_iter().chain(affordable).min()
    }

    /// The next room that is to be told now. A notice to all of its members is paid for; [`Pacer::refund`] takes back what
    /// is not used. `ask` tells what a room has been told, and how many members it has.
    pub fn next(&mut self, now: Millis, mut ask: impl FnMut(K) -> (Told, usize)) -> Option<(K, usize)> {
        // In the order of time, however late this call comes: a room waits from when it has asked.
        while let Some(&(at, room)) = self.timed.first()
            && at <= now
        {
            self.count(at);
            let (told, members) = ask(room);
            let ready_at = self.ready_at(told, members);
            match ready_at > at {
                true => self.put_off(ready_at, room),
                false => self.wait(at, room, members),
            }
        }
        self.count(now);
        loop {
            let &(class, since, smallest) = self.by_size.first()?;
            let &(_, oldest, _) = self.by_age.first()?;
            let (_, members) = ask(smallest);
            if size_class(members) != class {
                self.wait(since, smallest, members);
                continue;
            }
            let price = self.price(members);
            if smallest == oldest {
                let Some(missing) = price.checked_sub(self.balance + self.saved).filter(|&it| it > 0) else {
                    let saved = self.saved.min(price);
                    self.saved -= saved;
                    self.balance -= price - saved;
                    self.remove(smallest);
                    return Some((smallest, members));
                };
                self.affordable_at = Some(now + Millis(missing.div_ceil(self.per_second)));
                return None;
            }
            if self.balance >= price {
                self.balance -= price;
                self.remove(smallest);
                return Some((smallest, members));
            }
            let (_, members) = ask(oldest);
            let price_of_oldest = self.price(members);
            if self.saved >= price_of_oldest {
                self.saved -= price_of_oldest;
                self.remove(oldest);
                return Some((oldest, members));
            }
            let for_smallest = ((price - self.balance) * SHARE).div_ceil(self.per_second * (SHARE - 1));
            let for_oldest = ((price_of_oldest - self.saved) * SHARE).div_ceil(self.per_second);
            self.affordable_at = Some(now + Millis(for_smallest.min(for_oldest)));
            return None;
        }
    }

    /// Gives back what was paid for members that were not told.
    pub fn refund(&mut self, members: usize) {
        self.balance += self.price(members);
    }

    fn price(&self, members: usize) -> u64 {
        if self.per_second == 0 { 0 } else { members as u64 * DELIVERY }
    }

    /// Adds what has come to the budget since it was last counted.
    fn count(&mut self, now: Millis) {
        let gained = (now - self.counted_at).0.saturating_mul(self.per_second);
        self.counted_at = self.counted_at.max(now);
        let second = self.per_second * DELIVERY;
        let (Some((smallest, ..)), Some((.., oldest))) = (self.by_size.first(), self.by_age.first()) else {
            self.balance = self.balance.saturating_add(self.saved).saturating_add(gained).min(second);
            self.saved = 0;
            return;
        };
        // No more than the next notice needs, or a second's budget.
        let saved = (gained / SHARE).min(most_of(*oldest).saturating_sub(self.saved));
        self.saved += saved;
        let balance_max = most_of(*smallest).max(second).max(self.balance);
        self.balance = self.balance.saturating_add(gained - saved).min(balance_max);
    }
}

/// Rooms of 2^n to 2^(n+1) - 1 members are of one size, so that those which wait take turns.
fn size_class(members: usize) -> u32 {
    members.max(1).ilog2()
}

/// The price of the largest room of a class.
fn most_of(class: u32) -> u64 {
    (2 << class) * DELIVERY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rooms of given sizes in which something changes all the time, or as often as is said.
    struct Rooms {
        pacer: Pacer<u32>,
        rooms: BTreeMap<u32, (usize, Told)>,
        /// When each was told, and how many that were.
        told: Vec<(Millis, u32, usize)>,
    }

    impl Rooms {
        fn new(per_second: u32, sizes: &[usize]) -> Rooms {
            let sizes = sizes.iter().enumerate();
            Rooms {
                pacer: Pacer::new(Millis(1000), per_second),
                rooms: sizes.map(|(room, &size)| (room as u32, (size, Told::default()))).collect(),
                told: Vec::new(),
            }
        }

        fn change(&mut self, now: Millis, room: u32) {
            let (size, told) = self.rooms.get_mut(&room).unwrap();
            let is_queued = self.pacer.places.contains_key(&room);
            if !is_queued {
                told.first_at = now;
            }
            told.last_at = now;
            let ready_at = self.pacer.ready_at(*told, *size);
            if is_queued {
                return;
            }
            if ready_at > now {
                self.pacer.put_off(ready_at, room);
            } else if self.pacer.pay_at_once(now, *size) {
                told.told_at = Some(now);
                self.told.push((now, room, *size));
            } else {
                self.pacer.wait(now, room, *size);
            }
        }

        fn wake(&mut self, now: Millis) {
            let Rooms { pacer, rooms, told } = self;
            while let Some((room, size)) = pacer.next(now, |room| (rooms[&room].1, rooms[&room].0)) {
                rooms.get_mut(&room).unwrap().1.told_at = Some(now);
                told.push((now, room, size));
            }
            assert!(pacer.next_wake().is_none_or(|at| at > now), "it wakes for nothing");
        }

        /// Runs until `end`; room r changes every `every[r]` ms until `last`.
        fn run(&mut self, every: &[u64], last: u64, end: u64) {
            for ms in 1..=end {
                let changing = every.iter().enumerate().filter(|(_, every)| ms <= last && ms % **every == 0);
                changing.for_each(|(room, _)| self.change(Millis(ms), room as u32));
                if self.pacer.next_wake().is_some_and(|at| at <= Millis(ms)) {
                    self.wake(Millis(ms));
                }
            }
        }

        fn times(&self, room: u32) -> Vec<u64> {
            self.told.iter().filter(|told| told.1 == room).map(|told| told.0.0).collect()
        }

        fn deliveries(&self) -> usize {
            self.told.iter().map(|told| told.2).sum()
        }
    }

    #[test]
    fn a_small_room_is_told_every_second() {
        let mut rooms = Rooms::new(5000, &[1666]);
        rooms.run(&[250], 10_000, 12_000);
        let expected: Vec<u64> = (0..=10).map(|n| 250 + n * 1000).collect();
        assert_eq!(rooms.times(0), expected);
        assert_eq!(rooms.pacer.next_wake(), None, "a quiet room wakes nobody");
    }

    #[test]
    fn a_large_room_that_is_never_quiet_takes_a_fourth_of_the_budget() {
        let mut rooms = Rooms::new(5000, &[18_000]);
        rooms.run(&[250], 600_000, 600_000);
        let per_second = rooms.deliveries() / 600;
        assert!((1250..=1350).contains(&per_second), "{per_second} deliveries a second");
        let longest = rooms.times(0).windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest <= 14_400, "it was told after {longest} ms");
    }

    #[test]
    fn a_large_room_that_has_become_quiet_is_told_as_soon_as_it_can_be_paid_for() {
        for last in (10_000..30_000).step_by(997) {
            let mut rooms = Rooms::new(5000, &[18_000]);
            rooms.run(&[250], last, last + 20_000);
            let told = *rooms.times(0).last().unwrap();
            let changed = last / 250 * 250;
            assert!(told > changed && told <= changed + 3600 + 1, "changed at {changed}, told at {told}");
        }
    }

    #[test]
    fn small_rooms_do_not_wait_for_a_large_one() {
        let mut rooms = Rooms::new(5000, &[1_000_000, 100, 7, 200]);
        rooms.run(&[100, 300, 700, 900], 500_000, 500_000);
        for (room, every) in [(1, 300), (2, 700), (3, 900)] {
            let longest = rooms.times(room).windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(longest <= 1000 + every, "room {room} was told after {longest} ms");
        }
        assert!(!rooms.times(0).is_empty(), "the large room is told, too");
    }

    #[test]
    fn all_together_stay_within_the_budget_and_everybody_has_a_turn() {
        // A thousand small rooms want four times of what there is.
        let mut sizes = vec![20; 1000];
        sizes.push(3000);
        let mut rooms = Rooms::new(5000, &sizes);
        rooms.run(&vec![500; sizes.len()], 60_000, 60_000);
        assert!(rooms.deliveries() <= 5000 * 61, "{} in a minute", rooms.deliveries());
        assert!(rooms.deliveries() >= 5000 * 58, "{} in a minute, and nothing is wasted", rooms.deliveries());
        for room in 0..=1000 {
            assert!(rooms.times(room).len() >= 5, "room {room}: {:?}", rooms.times(room));
        }
    }

    #[test]
    fn what_was_not_told_is_given_back_and_a_room_that_is_gone_waits_no_more() {
        let mut pacer = Pacer::new(Millis(1000), 10);
        assert!(pacer.pay_at_once(Millis(0), 10));
        assert!(!pacer.pay_at_once(Millis(0), 1));
        pacer.wait(Millis(0), 'a', 10);
        pacer.wait(Millis(0), 'b', 5);
        let size = |room| (Told::default(), if room == 'a' { 10 } else { 5 });
        assert_eq!(pacer.next(Millis(499), size), None);
        assert_eq!(pacer.waiting(), 2);
        pacer.refund(5);
        assert_eq!(pacer.next(Millis(499), size), Some(('b', 5)));
        pacer.remove('a');
        assert_eq!((pacer.waiting(), pacer.next_wake()), (0, None));
        assert!(pacer.pay_at_once(Millis(5000), 10), "what was saved for it is everybody's again");
        assert!(!pacer.pay_at_once(Millis(5000), 1), "no more than a second's budget is kept");
    }

    #[test]
    fn a_call_that_comes_late_finds_what_was_earned_since_a_room_asked() {
        let mut rooms = Rooms::new(10, &[100]);
        rooms.pacer.pay_at_once(Millis(0), 10);
        rooms.rooms.get_mut(&0).unwrap().1.told_at = Some(Millis(0));
        rooms.change(Millis(1), 0);
        rooms.wake(Millis(20_000));
        assert_eq!(rooms.times(0), [20_000]);
    }

    #[test]
    fn no_budget_is_no_limit() {
        let mut rooms = Rooms::new(0, &[1_000_000; 5]);
        rooms.run(&[250; 5], 5000, 6000);
        assert_eq!(rooms.told.len(), 5 * 6);
        // The largest that can be: nothing overflows.
        let mut pacer = Pacer::new(Millis(1000), u32::MAX);
        assert!(pacer.pay_at_once(Millis(u64::MAX), u32::MAX as usize));
        pacer.wait(Millis(u64::MAX), 1, u32::MAX as usize);
        assert_eq!(pacer.next(Millis(u64::MAX), |_| (Told::default(), u32::MAX as usize)), None);
    }
}
