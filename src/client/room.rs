//! One room as a member has it: how far it has read, and what it has said that has no place yet.
//!
//! ```text
//!     Out ──join──▶ Joining ──joined──▶ Replaying ──seq reached──▶ In
//!      ▲                                                            │
//!      └──────────────── the connection is lost ────────────────────┘
//! ```
//!
//! What was published and not answered when a connection was lost may have arrived or not. The replay tells: a message
//! that bears the key is ours. So nothing is sent again before the room is `In`, and then only what has not come back; and
//! it bears the same key, in case the replay could not show all.

use super::said::{Joined, Message};
use std::collections::VecDeque;

/// The number of something that was published here.
pub type PublishId = u64;

/// A room that we are in, or want to be in.
#[derive(Debug)]
pub struct Room {
    pub name: String,
    pub stage: Stage,
    /// The life of the numbering, once it is known, and the last number that was told.
    epoch: Option<String>,
    seq: u64,
    /// How many messages are wanted on coming in for the first time.
    pub history: u64,
    /// What has no place yet, in order.
    pub pending: VecDeque<Pending>,
    /// How many of these wait for an answer; they are the first ones.
    pub in_flight: usize,
}

/// How far it has come on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Out,
    Joining,
    Replaying { until: u64 },
    In,
}

/// Something to be said.
#[derive(Debug)]
pub struct Pending {
    pub id: PublishId,
    pub key: String,
    /// As JSON.
    pub data: Box<serde_json::value::RawValue>,
}

/// What a `joined` means for what was read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// There was nothing before.
    First,
    /// What was missed follows, all of it.
    Resumed,
    /// What was missed is gone, in part.
    Trimmed {
        /// The first that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The numbering has begun anew, and what was said at the end of the old one is not known.
    Anew,
}

/// Where a message stands in relation to what was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Next,
    /// It has been told already.
    Seen,
    /// It comes too early: these should have come, or a notice of their absence.
    Hole {
        from: u64,
        to: u64,
    },
}

impl Room {
    pub fn new(name: &str, history: u64) -> Room {
        Room {
            name: name.to_owned(),
            stage: Stage::Out,
            epoch: None,
            seq: 0,
            history,
            pending: VecDeque::new(),
            in_flight: 0,
        }
    }

    /// Where it has been read to.
    pub fn position(&self) -> Option<(&str, u64)> {
        self.epoch.as_deref().map(|epoch| (epoch, self.seq))
    }

    /// The connection is gone, and whatever waited for an answer will not get it.
    pub fn lose(&mut self) {
        self.stage = Stage::Out;
        self.in_flight = 0;
    }

    pub fn handle_joined(&mut self, joined: &Joined<'_>) -> Resumption {
        let first = joined.from.saturating_sub(1);
        let resumption = match (&self.epoch, joined.resumed) {
            (None, _) => Resumption::First,
            (Some(epoch), _) if *epoch != joined.epoch => Resumption::Anew,
            (Some(_), Some(false)) if joined.reason.as_deref() == Some("ahead") => Resumption::Anew,
            (Some(_), _) if first > self.seq => Resumption::Trimmed { from: self.seq + 1, to: first },
            (Some(_), _) => Resumption::Resumed,
        };
        self.epoch = Some(joined.epoch.clone().into_owned());
        if resumption != Resumption::Resumed {
            self.seq = first;
        }
        self.stage = Stage::Replaying { until: joined.seq };
        resumption
    }

    /// Whether all is there that was said before we came. Told once.
    pub fn has_caught_up(&mut self) -> bool {
        let has = matches!(self.stage, Stage::Replaying { until } if self.seq >= until);
        if has {
            self.stage = Stage::In;
        }
        has
    }

    /// A message with this number, or what stands for it, is there.
    pub fn reach(&mut self, seq: u64) -> Order {
        let expected = self.seq + 1;
        match seq {
            seq if seq < expected => return Order::Seen,
            _ => self.seq = seq,
        }
        if seq == expected { Order::Next } else { Order::Hole { from: expected, to: seq - 1 } }
    }

    /// These messages will not come.
    pub fn skip(&mut self, to: u64) {
        self.seq = self.seq.max(to);
    }

    /// Takes out what was said under the key of this message, if that is ours.
    pub fn settle(&mut self, message: &Message<'_>) -> Option<PublishId> {
        let key = message.key.as_deref()?;
        let id = self.pending.iter().find(|it| it.key == key)?.id;
        // An answer to it may still be under way: it will find nobody.
        self.take(id).map(|it| it.id)
    }

    /// Takes out what was published under this number.
    pub fn take(&mut self, id: PublishId) -> Option<Pending> {
        let at = self.pending.iter().position(|it| it.id == id)?;
        self.in_flight -= usize::from(at < self.in_flight);
        self.pending.remove(at)
    }

    /// What was published under this number was not taken, and neither is anything behind it to stand before it.
    pub fn put_back(&mut self, id: PublishId) {
        if let Some(at) = self.pending.iter().position(|it| it.id == id) {
            self.in_flight = self.in_flight.min(at);
        }
    }

    /// What can be sent next, if no more than so many may wait for an answer.
    pub fn poll_unsent(&mut self, in_flight_max: usize) -> Option<&Pending> {
        if self.stage != Stage::In || self.in_flight >= in_flight_max {
            return None;
        }
        let unsent = self.pending.get(self.in_flight)?;
        self.in_flight += 1;
        Some(unsent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::said::Said;
    use serde_json::value::RawValue;

    fn joined(room: &mut Room, text: &str) -> Resumption {
        let text = format!(r#"{{"type":"joined","room":"dev","members":1,{text}}}"#);
        match Said::parse(&text).expect("it is sound") {
            Said::Joined(joined) => room.handle_joined(&joined),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_join_means() {
        let mut room = Room::new("dev", 20);
        assert_eq!(joined(&mut room, r#""epoch":"a","seq":41,"from":22,"count":20"#), Resumption::First);
        assert!(!room.has_caught_up());
        (22..=41).for_each(|seq| assert_eq!(room.reach(seq), Order::Next));
        assert!(room.has_caught_up() && !room.has_caught_up());
        assert_eq!(room.position(), Some(("a", 41)));
        let resumed = r#""epoch":"a","seq":43,"from":42,"count":2,"resumed":true"#;
        assert_eq!(joined(&mut room, resumed), Resumption::Resumed);
        assert_eq!((room.reach(42), room.reach(43)), (Order::Next, Order::Next));
        // Cut off in the middle, and back: the same numbers are told again by a server that has lost count.
        assert_eq!(joined(&mut room, resumed), Resumption::Resumed);
        assert_eq!((room.reach(42), room.reach(43)), (Order::Seen, Order::Seen));
        let trimmed = r#""epoch":"a","seq":99,"from":90,"count":10,"resumed":false,"reason":"trimmed""#;
        assert_eq!(joined(&mut room, trimmed), Resumption::Trimmed { from: 44, to: 89 });
        assert_eq!(room.reach(90), Order::Next);
        let anew = r#""epoch":"b","seq":3,"from":1,"count":3,"resumed":false,"reason":"epoch""#;
        assert_eq!(joined(&mut room, anew), Resumption::Anew);
        assert_eq!((room.reach(1), room.reach(4)), (Order::Next, Order::Hole { from: 2, to: 3 }));
        let ahead = r#""epoch":"b","seq":1,"from":2,"count":0,"resumed":false,"reason":"ahead""#;
        assert_eq!(joined(&mut room, ahead), Resumption::Anew);
        assert!(room.has_caught_up());
        room.skip(7);
        assert_eq!((room.reach(7), room.reach(8)), (Order::Seen, Order::Next));
    }

    #[test]
    fn nothing_is_sent_before_the_replay_is_over_and_then_in_order() {
        let mut room = Room::new("dev", 0);
        for id in [1, 2, 3] {
            let data = RawValue::from_string(format!("{id}")).expect("a number");
            room.pending.push_back(Pending { id, key: format!("k{id}"), data });
        }
        assert!(room.poll_unsent(9).is_none());
        joined(&mut room, r#""epoch":"a","seq":2,"from":1,"count":2"#);
        assert!(room.poll_unsent(9).is_none());
        // The second is ours, as the key says.
        let message = |seq, key: Option<&'static str>| Message {
            room: "dev".into(),
            seq,
            name: "ann".into(),
            key: key.map(Into::into),
            at: 1,
            data: serde_json::from_str("2").expect("JSON"),
        };
        assert_eq!((room.reach(1), room.settle(&message(1, None))), (Order::Next, None));
        assert_eq!((room.reach(2), room.settle(&message(2, Some("k2")))), (Order::Next, Some(2)));
        assert!(room.has_caught_up());
        assert_eq!(room.poll_unsent(1).map(|it| it.id), Some(1));
        assert!(room.poll_unsent(1).is_none());
        assert_eq!(room.poll_unsent(2).map(|it| it.id), Some(3));
        // The first is to wait: so is what came behind it.
        room.put_back(1);
        assert_eq!((room.in_flight, room.poll_unsent(1).map(|it| it.id)), (0, Some(1)));
        assert!(room.take(1).is_some() && room.take(1).is_none());
        assert_eq!((room.in_flight, room.poll_unsent(1).map(|it| it.id)), (0, Some(3)));
        room.lose();
        assert_eq!((room.in_flight, room.pending.len(), room.stage), (0, 1, Stage::Out));
    }
}
