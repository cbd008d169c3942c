//! Going from room to room: what a connection has asked for, and what was answered.
//!
//! ```text
//!     at home in room 2 of 4       change 0       change 1       change 2
//!
//!     asked for, in this order     leave 2        leave 3        leave 0
//!                                  join 3         join 0         join 1
//!     request                      0, 1           2, 3           4, 5
//! ```
//!
//! A change is two requests that are said together. Several changes may be under way, since a server takes requests in
//! their order; their answers come in the streams of their rooms, and so in any order. An answer bears the number of its
//! request, and has to name its room. One that is refused ends the journey: nobody knows any more which room comes next.

use std::collections::VecDeque;

/// One who goes from room to room.
#[derive(Debug)]
pub struct Hopper {
    home: u32,
    rooms: u32,
    /// From a room to the next one.
    step: u32,
    /// How many changes were asked for: the next one's number.
    pub asked: u64,
    /// Those that are not answered in full, from the first of them to the last that was asked for.
    pending: VecDeque<Pending>,
    /// Whether a request was refused.
    pub is_stuck: bool,
}

/// A change that was asked for.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// When it was meant to be.
    intended: u64,
    /// Whether its two requests were answered.
    is_answered: [bool; 2],
}

/// A change, as it is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The number of the request to leave; that to join is the next.
    pub request: u64,
    /// The room that is left.
    pub from: u32,
    /// The room that is joined.
    pub to: u32,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That the room was left.
    Left,
    /// That the room was joined.
    Joined,
    /// That it was not.
    Refused,
}

impl Hopper {
    /// One who is at home there, and goes round every `step`-th room.
    pub fn new(home: u32, rooms: u32, step: u32) -> Hopper {
        Hopper { home, rooms, step, asked: 0, pending: VecDeque::new(), is_stuck: false }
    }

    /// The next change, which was meant to be asked for at that moment.
    pub fn ask(&mut self, intended: u64) -> Change {
        let number = self.asked;
        self.asked += 1;
        self.pending.push_back(Pending { intended, is_answered: [false; 2] });
        self.change(number)
    }

    fn change(&self, number: u64) -> Change {
        let room = |steps: u64| {
            let room = (u64::from(self.home) + steps * u64::from(self.step)) % u64::from(self.rooms);
            u32::try_from(room).expect("it is less than the number of rooms")
        };
        Change { request: 2 * number, from: room(number), to: room(number + 1) }
    }

    /// Takes an answer in, and returns when the change was meant to be. `None`: that was not asked for.
    pub fn answer(&mut self, request: u64, answer: Answer, room: Option<u32>) -> Option<u64> {
        let first = self.asked - self.pending.len() as u64;
        let index = usize::try_from((request / 2).checked_sub(first)?).ok()?;
        let Change { from, to, .. } = self.change(request / 2);
        let pending = self.pending.get_mut(index)?;
        let is_join = request % 2 == 1;
        let is_meant = match answer {
            Answer::Left => !is_join && room == Some(from),
            Answer::Joined => is_join && room == Some(to),
            Answer::Refused => true,
        };
        let is_answered = &mut pending.is_answered[usize::from(is_join)];
        if !is_meant || std::mem::replace(is_answered, true) {
            return None;
        }
        let intended = pending.intended;
        self.is_stuck |= answer == Answer::Refused;
        while self.pending.front().is_some_and(|pending| pending.is_answered == [true; 2]) {
            self.pending.pop_front();
        }
        Some(intended)
    }

    /// How many changes are under way.
    pub fn under_way(&self) -> u32 {
        u32::try_from(self.pending.len()).unwrap_or(u32::MAX)
    }

    /// How many requests have no answer.
    pub fn unanswered(&self) -> u64 {
        let requests = self.pending.iter().flat_map(|pending| pending.is_answered);
        requests.filter(|is_answered| !is_answered).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_round_the_rooms() {
        let mut hopper = Hopper::new(2, 4, 1);
        let changes: Vec<_> =
            (0..3).map(|at| hopper.ask(at)).map(|change| (change.request, change.from, change.to)).collect();
        assert_eq!(changes, [(0, 2, 3), (2, 3, 0), (4, 0, 1)]);
        assert_eq!((hopper.under_way(), hopper.unanswered()), (3, 6));
    }

    #[test]
    fn answers_may_come_in_any_order() {
        let mut hopper = Hopper::new(0, 3, 1);
        for at in 100..103 {
            hopper.ask(at);
        }
        assert_eq!(hopper.answer(3, Answer::Joined, Some(2)), Some(101));
        assert_eq!(hopper.answer(2, Answer::Left, Some(1)), Some(101));
        assert_eq!((hopper.under_way(), hopper.unanswered()), (3, 4), "the first is still under way");
        assert_eq!(hopper.answer(0, Answer::Left, Some(0)), Some(100));
        assert_eq!(hopper.answer(1, Answer::Joined, Some(1)), Some(100));
        assert_eq!((hopper.under_way(), hopper.unanswered()), (1, 2));
        assert!(!hopper.is_stuck);
    }

    #[test]
    fn what_was_not_asked_for_is_told_apart() {
        let mut hopper = Hopper::new(0, 3, 1);
        hopper.ask(100);
        for (request, answer, room) in [
            (0, Answer::Left, Some(1)),
            (0, Answer::Left, None),
            (0, Answer::Joined, Some(0)),
            (1, Answer::Left, Some(1)),
            (1, Answer::Joined, Some(2)),
            (2, Answer::Left, Some(1)),
            (u64::MAX, Answer::Refused, None),
        ] {
            assert_eq!(hopper.answer(request, answer, room), None, "{request} {answer:?} {room:?}");
        }
        assert_eq!(hopper.answer(0, Answer::Left, Some(0)), Some(100));
        assert_eq!(hopper.answer(0, Answer::Left, Some(0)), None, "twice");
        assert_eq!(hopper.unanswered(), 1);
    }

    #[test]
    fn a_refusal_is_an_answer_and_the_end_of_the_journey() {
        let mut hopper = Hopper::new(0, 3, 1);
        hopper.ask(100);
        assert_eq!(hopper.answer(1, Answer::Refused, None), Some(100));
        assert_eq!(hopper.answer(0, Answer::Left, Some(0)), Some(100));
        assert!(hopper.is_stuck && hopper.under_way() == 0);
    }
}
