//! One participant: its connection, which may end and come again, and what it has sent and received.

use super::hop::Hopper;
use super::ledger::Ledger;
use super::login::Login;
use super::plan::{Plan, Scenario};
use super::seating::{NO_VOICE, Seating};
use crate::client::{Backoff, Link};
use std::collections::VecDeque;
use std::ops::Range;

/// How far a seat has come.
///
/// ```text
///   Out --dial--> Dialling --> Upgrading --> Joining --> Ready --close--> Leaving
///    ^                |            |            |          |                 |
///    '--- comes back --------------+------------+----------+-----------------+---> Gone
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Without a connection, and it will have one.
    Out,
    /// The kernel connects.
    Dialling,
    /// The handshake was sent.
    Upgrading,
    /// It is not in all of its rooms yet.
    Joining,
    /// It can send, and receives.
    Ready,
    /// We have said that we go.
    Leaving,
    /// Without a connection for good.
    Gone,
}

/// What a seat is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is measured.
    Measured,
    /// It comes and goes.
    Visitor,
    /// It reads slowly.
    Slow,
}

/// A participant.
#[derive(Debug)]
pub struct Seat {
    /// Its connection.
    pub link: Option<Link>,
    /// All else.
    pub person: Person,
}

/// All of a participant but its connection.
#[derive(Debug)]
pub struct Person {
    /// Its number in the whole run: senders come first.
    pub id: u32,
    /// The room where it speaks and hears.
    pub home: u32,
    /// Its number among the senders, or [`NO_VOICE`].
    pub voice: u32,
    /// How many of its rooms it has not heard of being in.
    pub rooms_awaited: u32,
    /// How far it has come.
    pub stage: Stage,
    /// What it is there for.
    pub role: Role,
    /// What it has received.
    pub ledger: Ledger,
    /// Where it sends, what it sends.
    pub sender: Option<Box<Sender>>,
    /// Where it goes from room to room, how far it has come.
    pub hopper: Option<Box<Hopper>>,
    /// Intended moments of what is due and cannot be said yet.
    pub backlog: VecDeque<u64>,
    /// Its home's number that must come next; zero where that is not known.
    pub next_position: u64,
    /// What few have to keep.
    pub kept: Option<Box<Kept>>,
    /// When it was dialled.
    pub dialled_at: u64,
    /// When the connection stood or, once it is leaving, when that began.
    pub connected_at: u64,
    /// Whether its connection has brought a message of ours.
    pub has_heard: bool,
    /// Whether it was there when the run was over.
    pub has_stayed: bool,
    /// Whether it is on the list of those with something to write.
    pub is_dirty: bool,
    /// Whether it was pinged, and nothing has come since.
    pub is_pinged: bool,
    /// Whether it is on the list of those to be closed, and comes back afterwards.
    pub is_ending: bool,
}

/// What few have to keep.
#[derive(Debug, Default)]
pub struct Kept {
    /// Positions that were announced not to come, from and to.
    pub gaps: Vec<(u64, u64)>,
    /// How many deliveries had a stamp that could not be read.
    pub unreadable: u64,
    /// Its name, and what takes it back.
    pub identity: Option<(String, String)>,
    /// It was told that all up to this position would follow.
    pub resumes_until: Option<u64>,
    /// Of a slow reader: the code with which the server has closed its connection, and how it was thrown out.
    pub close_code: Option<u16>,
    /// The same.
    pub eviction: Option<Eviction>,
    /// When it was cut off.
    pub cut_at: Option<u64>,
    /// When to try again.
    pub backoff: Backoff,
    /// How many bytes it may read: a debt where it is negative.
    pub allowance: i64,
    /// How far it has come in the script, where there is one.
    pub login: Option<Box<Login>>,
}

/// How a slow reader was thrown out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// By a Close frame, though the server goes on.
    Closed,
    /// The connection ended. That may as well be the end of the server.
    Dropped,
}

/// What a sender has sent.
#[derive(Debug, Default)]
pub struct Sender {
    /// How many messages it has sent: the next one's sequence.
    pub sent: u32,
    /// The position of each message that was acknowledged; see [`UNANSWERED`] and [`REFUSED`].
    pub answers: Vec<u64>,
    /// Messages that were sent and not answered, with their intended moments, where they can be sent again.
    pub pending: VecDeque<(u32, u64)>,
    /// How many were refused by a notice that does not say which.
    pub refused: u32,
    /// How many were refused, however that was told.
    pub refused_in_all: u32,
}

/// No answer has come.
pub const UNANSWERED: u64 = 0;
/// It was not taken.
pub const REFUSED: u64 = u64::MAX;

impl Seat {
    /// Seat number `id` of a plan.
    pub fn new(id: u32, plan: &Plan) -> Seat {
        let role = role_of(id, plan);
        let seating = Seating::of(plan);
        let voices = heard_by(id, plan, &seating);
        let ledger = match role {
            Role::Visitor => Ledger::visiting(voices),
            Role::Measured | Role::Slow => Ledger::from_the_start(voices),
        };
        let voice = seating.voice(id);
        let person = Person {
            id,
            home: seating.home(id),
            voice,
            rooms_awaited: 0,
            stage: Stage::Out,
            role,
            ledger,
            sender: (voice != NO_VOICE).then(Box::default),
            hopper: (plan.scenario == Scenario::Hop)
                .then(|| Box::new(Hopper::new(seating.home(id), seating.rooms(), seating.step()))),
            backlog: VecDeque::new(),
            next_position: 0,
            kept: None,
            dialled_at: 0,
            connected_at: 0,
            has_heard: false,
            has_stayed: false,
            is_dirty: false,
            is_pinged: false,
            is_ending: false,
        };
        Seat { link: None, person }
    }
}

impl Person {
    /// Whether it was refused a change of rooms, and goes no further.
    pub fn is_stuck(&self) -> bool {
        self.hopper.as_ref().is_some_and(|hopper| hopper.is_stuck)
    }

    /// Whether the messages of a voice are this person's own, and do not come back to it.
    pub fn is_own(&self, voice: u32, plan: &Plan) -> bool {
        voice == self.voice && !plan.self_echo && plan.scenario != Scenario::Echo
    }

    /// What few have to keep, made when it is needed.
    pub fn kept(&mut self) -> &mut Kept {
        self.kept.get_or_insert_default()
    }
}

/// Whose messages a seat is to receive.
fn heard_by(id: u32, plan: &Plan, seating: &Seating) -> Range<u32> {
    match plan.scenario {
        Scenario::Echo => id..id + 1,
        _ => seating.voices_in(seating.home(id)),
    }
}

/// What seat number `id` is there for.
pub fn role_of(id: u32, plan: &Plan) -> Role {
    let (id, readers) = (id as usize, plan.connections - plan.senders);
    let from_the_end = plan.connections - 1 - id;
    match plan.scenario {
        Scenario::Churn if from_the_end < readers / 2 => Role::Visitor,
        Scenario::Slow if from_the_end < slow_readers(plan) => Role::Slow,
        _ => Role::Measured,
    }
}

/// How many readers are slow.
pub fn slow_readers(plan: &Plan) -> usize {
    (plan.connections - plan.senders) * plan.slow_percent as usize / 100
}

/// How many connections are there all the while and read as fast as they can: senders, and those for whom they wait. They
/// have the lowest numbers.
pub fn measured(plan: &Plan) -> usize {
    let readers = plan.connections.saturating_sub(plan.senders);
    let others = match plan.scenario {
        Scenario::Churn => readers / 2,
        Scenario::Slow => slow_readers(plan),
        _ => 0,
    };
    plan.connections - others
}

/// With how many connections each sender has such a one in its room, if with any number.
pub fn least_connections(plan: &Plan) -> Option<usize> {
    let rooms = Seating::of(plan).rooms() as usize;
    let wanted = rooms + rooms.min(plan.senders);
    let mut plan = plan.clone();
    // Of slow readers up to 99 in a hundred have no part in it.
    (plan.senders.max(rooms)..=plan.senders + 100 * wanted).find(|&connections| {
        plan.connections = connections;
        measured(&plan) >= wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;

    fn roles(scenario: Scenario) -> String {
        let mut plan = plan();
        (plan.scenario, plan.connections, plan.senders, plan.slow_percent) = (scenario, 8, 2, 50);
        let letter = |id| match (Seat::new(id, &plan).person.role, (id as usize) < plan.senders) {
            (Role::Measured, true) => 's',
            (Role::Measured, false) => 'r',
            (Role::Visitor, _) => 'v',
            (Role::Slow, _) => 'w',
        };
        (0..8).map(letter).collect()
    }

    #[test]
    fn senders_come_first_and_the_odd_ones_last() {
        assert_eq!(roles(Scenario::Fanout), "ssrrrrrr");
        assert_eq!(roles(Scenario::Churn), "ssrrrvvv");
        assert_eq!(roles(Scenario::Slow), "ssrrrwww");
    }

    #[test]
    fn an_idle_seat_is_small() {
        assert!(size_of::<Seat>() <= 376, "{}", size_of::<Seat>());
    }
}
