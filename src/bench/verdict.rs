//! The verdict: from what a run counted to what to think of it. Report, JSON and exit code all follow from here.
//!
//! ```text
//!     Outcome ──▶ Counts ──▶ judge ──▶ Verdict       Sound                                   exit code 0
//!                              │                     ClientsLimit  sound, and the figures are ours    0, or 4 with --strict
//!                              │                     NothingDelivered                                  1
//!                              │                     FellShort     the load was not made               3
//!                              │                     Unaccounted   messages have no explanation        3
//!                              │                     NoConnection                                      1
//!                              └─────▶ Shortfall, Shortfall, ...   in what the load fell short
//! ```
//!
//! A run has two halves. The load must be made: the connections that the plan asks for, and the messages that its schedule
//! intends. And every message of that load must be accounted for. A lost connection comes first, because missing messages
//! follow from it.

use super::outcome::Outcome;
use std::time::Duration;

/// The load was made if all but this share of its messages were sent, and if all but this share of its attempts to connect
/// succeeded: one in a hundred.
const ONE_IN: u64 = 100;

/// What a run counted, as far as the verdict depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that the plan asks for.
    pub connections: u64,
    /// Connections that became ready. Those that came back after a cut are in `back`.
    pub ready: u64,
    /// Attempts to connect that failed.
    pub failed: u64,
    /// Ready connections that ended, although neither the plan nor the user had ended them.
    pub lost: u64,
    /// Connections that did not answer a Ping in the end.
    pub silent: u64,
    /// Slow readers that the server has thrown out, as the scenario provokes it.
    pub evicted: u64,
    /// When the first of the lost ones ended, from the beginning of the run.
    pub first_lost_after: Duration,
    /// How long the run lasted, if it was ended because no connection was left.
    pub deserted_after: Option<Duration>,
    /// Messages, or changes of rooms, that the schedule intended. In a closed loop: those that were tried.
    pub intended: u64,
    /// Those that were sent and that the server did not refuse.
    pub sent: u64,
    /// Those that the server refused.
    pub refused: u64,
    /// Connections that could not go on, because a change of rooms was refused.
    pub stuck: u64,
    /// Connections that the plan cut.
    pub cut: u64,
    /// Those of them that came back.
    pub back: u64,
    /// Messages that left the client, refused ones too. Zero where the plan sends none.
    pub written: u64,
    /// Deliveries of these.
    pub delivered: u64,
    /// What nothing accounts for: see [`super::outcome::Audit::unaccounted`].
    pub unaccounted: u64,
    /// Whether the client was the limit: then it is not the server's fault that messages were not sent.
    pub is_clients: bool,
}

/// What to think of a run. What is worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The load was made, and all of it is accounted for.
    Sound,
    /// The same, but the client was the limit: its figures are at best the server's.
    ClientsLimit,
    /// Messages were sent, and none arrived anywhere.
    NothingDelivered,
    /// The load was not what was asked for.
    FellShort,
    /// Something happened to messages that must not happen.
    Unaccounted,
    /// No connection became ready.
    NoConnection,
}

/// In what a load was not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Connections ended.
    Lost {
        /// How many.
        lost: u64,
        /// Of so many.
        ready: u64,
        /// When the first of them ended.
        after: Duration,
    },
    /// The run was ended, because no connection was left.
    Deserted {
        /// After so long.
        after: Duration,
    },
    /// Connections did not answer a Ping in the end.
    Silent {
        /// How many.
        silent: u64,
        /// Of so many.
        connections: u64,
    },
    /// Attempts to connect failed.
    NotReady {
        /// How many.
        failed: u64,
        /// Of so many.
        attempts: u64,
    },
    /// Connections that the plan had cut did not come back.
    NotBack {
        /// How many came back.
        back: u64,
        /// Of so many.
        cut: u64,
    },
    /// Connections were refused a change of rooms, and stopped.
    Stuck {
        /// How many.
        stuck: u64,
        /// Of so many.
        connections: u64,
    },
    /// Messages were not sent, or refused.
    NotSent {
        /// How many were sent, and not refused.
        sent: u64,
        /// Of so many.
        intended: u64,
        /// How many were refused.
        refused: u64,
    },
}

/// The verdict on a run. Nothing else decides it.
pub fn judge(counts: &Counts) -> Verdict {
    if counts.ready == 0 && counts.failed > 0 {
        return Verdict::NoConnection;
    }
    let is_nothing_delivered = counts.written > 0 && counts.delivered == 0;
    match (counts.lost, counts.unaccounted, is_nothing_delivered, shortfalls(counts).is_empty()) {
        (1.., _, _, _) => Verdict::FellShort,
        (0, 1.., _, _) => Verdict::Unaccounted,
        (0, 0, true, _) => Verdict::NothingDelivered,
        (0, 0, false, false) => Verdict::FellShort,
        (0, 0, false, true) if counts.is_clients => Verdict::ClientsLimit,
        (0, 0, false, true) => Verdict::Sound,
    }
}

/// In what the load was not what was asked for; empty if it was.
pub fn shortfalls(counts: &Counts) -> Vec<Shortfall> {
    let Counts {
        connections, ready, failed, lost, silent, intended, sent, refused, stuck, cut, back, ..
    } = *counts;
    let attempts = ready + failed;
    let is_more = |part: u64, whole: u64| part.saturating_mul(ONE_IN) > whole;
    // Where the client was too slow, only what the server refused is held against the run.
    let not_sent = if counts.is_clients { refused } else { intended.saturating_sub(sent) };
    let deserted = counts.deserted_after.filter(|_| lost == 0).map(|after| Shortfall::Deserted { after });
    [
        (lost > 0).then_some(Shortfall::Lost { lost, ready, after: counts.first_lost_after }),
        deserted,
        (silent > 0).then_some(Shortfall::Silent { silent, connections }),
        is_more(failed, attempts).then_some(Shortfall::NotReady { failed, attempts }),
        (back < cut).then_some(Shortfall::NotBack { back, cut }),
        is_more(stuck, connections).then_some(Shortfall::Stuck { stuck, connections }),
        is_more(not_sent, intended).then_some(Shortfall::NotSent { sent, intended, refused }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Counts {
    /// Those of a run.
    pub fn of(run: &Outcome) -> Counts {
        let Outcome { plan, audit, connecting, ending, .. } = run;
        // A change of rooms is a message, here: it is asked for, and the server may refuse it.
        let (tried, refused, stuck) = match audit.hops {
            Some(hops) => (hops.asked, hops.refused, hops.stuck),
            None => (audit.sent, audit.refused, 0),
        };
        let back = run.storm.as_ref().map_or(0, |storm| storm.back);
        Counts {
            connections: plan.connections as u64,
            ready: connecting.ready.saturating_sub(back),
            failed: connecting.failed,
            lost: ending.lost,
            silent: ending.silent,
            evicted: ending.evicted,
            first_lost_after: ending.first_lost_after,
            deserted_after: ending.deserted_after,
            intended: run.intended.unwrap_or(tried),
            sent: tried.saturating_sub(refused),
            refused,
            stuck,
            cut: run.storm.as_ref().map_or(0, |storm| storm.cut),
            back,
            written: audit.sent,
            delivered: audit.delivered,
            unaccounted: audit.unaccounted(),
            is_clients: !run.client.limits.is_empty(),
        }
    }

    /// Those of another run too.
    pub fn add(&mut self, other: &Counts) {
        for (sum, more) in [
            (&mut self.connections, other.connections),
            (&mut self.ready, other.ready),
            (&mut self.failed, other.failed),
            (&mut self.lost, other.lost),
            (&mut self.silent, other.silent),
            (&mut self.evicted, other.evicted),
            (&mut self.intended, other.intended),
            (&mut self.sent, other.sent),
            (&mut self.refused, other.refused),
            (&mut self.stuck, other.stuck),
            (&mut self.cut, other.cut),
            (&mut self.back, other.back),
            (&mut self.written, other.written),
            (&mut self.delivered, other.delivered),
            (&mut self.unaccounted, other.unaccounted),
        ] {
            *sum += more;
        }
        self.first_lost_after = match (self.first_lost_after, other.first_lost_after) {
            (Duration::ZERO, after) | (after, Duration::ZERO) => after,
            (one, two) => one.min(two),
        };
        self.deserted_after = self.deserted_after.or(other.deserted_after);
        self.is_clients |= other.is_clients;
    }
}

impl Verdict {
    /// A word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Sound => "sound",
            Verdict::ClientsLimit => "client_was_the_limit",
            Verdict::NothingDelivered => "nothing_delivered",
            Verdict::FellShort => "load_fell_short",
            Verdict::Unaccounted => "unaccounted",
            Verdict::NoConnection => "no_connection",
        }
    }

    /// What the process ends with. With `is_strict`, a client that was the limit is a failure.
    pub fn exit_code(self, is_strict: bool) -> u8 {
        match self {
            Verdict::Sound => 0,
            Verdict::ClientsLimit if is_strict => 4,
            Verdict::ClientsLimit => 0,
            Verdict::NothingDelivered | Verdict::NoConnection => 1,
            Verdict::FellShort | Verdict::Unaccounted => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten connections and a thousand messages, all as they should be.
    fn sound() -> Counts {
        Counts {
            connections: 10,
            ready: 10,
            intended: 1000,
            sent: 1000,
            written: 1000,
            delivered: 9000,
            ..Counts::default()
        }
    }

    #[test]
    fn a_load_that_was_made_and_arrived_is_sound() {
        assert_eq!((judge(&sound()), shortfalls(&sound())), (Verdict::Sound, vec![]));
        let idle = Counts { connections: 10, ready: 10, ..Counts::default() };
        assert_eq!(judge(&idle), Verdict::Sound);
    }

    #[test]
    fn both_sides_of_each_threshold() {
        type Change = fn(&mut Counts);
        let at_the_threshold: [(Change, Change); 8] = [
            (|_| {}, |counts| counts.lost = 1),
            (|counts| counts.evicted = 5, |counts| counts.silent = 1),
            (|_| {}, |counts| counts.deserted_after = Some(Duration::from_secs(1))),
            (
                |counts| (counts.ready, counts.failed) = (99, 1),
                |counts| (counts.ready, counts.failed) = (98, 1),
            ),
            (|counts| (counts.cut, counts.back) = (10, 10), |counts| (counts.cut, counts.back) = (10, 9)),
            (|counts| (counts.connections, counts.stuck) = (100, 1), |counts| counts.stuck = 1),
            (|counts| counts.sent = 990, |counts| counts.sent = 989),
            (
                |counts| (counts.sent, counts.refused) = (990, 10),
                |counts| (counts.sent, counts.refused) = (989, 11),
            ),
        ];
        for (number, (within, beyond)) in at_the_threshold.into_iter().enumerate() {
            let judged = |change: Change| {
                let mut counts = sound();
                change(&mut counts);
                (judge(&counts), shortfalls(&counts).len())
            };
            assert_eq!(judged(within), (Verdict::Sound, 0), "{number}");
            assert_eq!(judged(beyond), (Verdict::FellShort, 1), "{number}");
        }
    }

    #[test]
    fn a_client_that_was_the_limit_is_no_fault_of_the_load_but_refusals_are() {
        let slow = Counts { sent: 500, is_clients: true, ..sound() };
        assert_eq!(judge(&slow), Verdict::ClientsLimit);
        assert_eq!(judge(&Counts { refused: 11, ..slow }), Verdict::FellShort);
    }

    #[test]
    fn no_connection_is_worse_than_all_else() {
        let none = Counts { ready: 0, failed: 10, sent: 0, written: 0, delivered: 0, ..sound() };
        assert_eq!(judge(&none), Verdict::NoConnection);
        assert_eq!(judge(&Counts { ready: 1, ..none }), Verdict::FellShort);
    }

    #[test]
    fn a_lost_connection_explains_the_rest_and_comes_first() {
        let worst = Counts { lost: 1, unaccounted: 5, delivered: 0, sent: 3, ..sound() };
        assert_eq!(judge(&worst), Verdict::FellShort);
        assert_eq!(judge(&Counts { lost: 0, ..worst }), Verdict::Unaccounted);
        assert_eq!(judge(&Counts { lost: 0, unaccounted: 0, ..worst }), Verdict::NothingDelivered);
        assert_eq!(judge(&Counts { lost: 0, unaccounted: 0, delivered: 1, ..worst }), Verdict::FellShort);
    }

    #[test]
    fn a_verdict_has_its_exit_code() {
        use Verdict::{ClientsLimit, FellShort, NoConnection, NothingDelivered, Sound, Unaccounted};
        let all = [Sound, ClientsLimit, NothingDelivered, FellShort, Unaccounted, NoConnection];
        assert_eq!(all.map(|verdict| verdict.exit_code(false)), [0, 0, 1, 3, 3, 1]);
        assert_eq!(all.map(|verdict| verdict.exit_code(true)), [0, 4, 1, 3, 3, 1]);
    }
}
