//! What a run found out, as plain numbers. Whoever shows them needs nothing else.
//!
//! Latency and spread are those of messages that were *meant* to be sent in the measured phase, whenever they arrived.
//! Throughput is what went out and came in while that phase lasted. The audit is about all messages of the run, those of the
//! warm-up too.

use super::plan::{Plan, Server};
use crate::client::Url;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Of nanoseconds, to three digits.
pub type Times = Histogram<u64>;

/// The digits to which [`Times`] are kept.
const DIGITS: u8 = 3;

/// An empty histogram of nanoseconds, which grows as it has to.
pub fn times() -> Times {
    Times::new(DIGITS).expect("so many digits are allowed")
}

/// Adds one time.
#[inline]
pub fn record(times: &mut Times, nanos: u64) {
    times.record(nanos).expect("it grows as it has to");
}

/// One run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was asked for.
    pub plan: Plan,
    /// Whether somebody ended it early.
    pub is_interrupted: bool,
    /// How long it was measured.
    pub measured: Duration,
    /// How many messages, or changes of rooms, an open loop's schedule intended, warm-up included; `None` for a closed loop.
    pub intended: Option<u64>,
    /// How many messages were sent, or changes of rooms asked for.
    pub sends: u64,
    /// How many times a message arrived, or a room was joined.
    pub deliveries: u64,
    /// What went over the sockets while it was measured.
    pub bytes_sent: u64,
    /// The same, the other way.
    pub bytes_received: u64,
    /// From the intended moment of sending to the delivery, or from that of asking to having joined.
    pub latency: Times,
    /// How many of these are of messages that were never sent: they waited until the run was over.
    pub never_sent: u64,
    /// From the first to the last receiver of a message, where there are several.
    pub spread: Option<Spread>,
    /// How the connections came about.
    pub connecting: Connecting,
    /// How they ended.
    pub ending: Ending,
    /// What became of every message.
    pub audit: Audit,
    /// What went wrong, by kind.
    pub errors: Errors,
    /// What became of each of several servers; empty where there is but one.
    pub servers: Vec<ServerCounts>,
    /// Second by second, from the first connection to the last message.
    pub seconds: Vec<Second>,
    /// What the load client itself took, and whether it kept up.
    pub client: ClientCost,
    /// The server's process, where it was named and could be read.
    pub server: Option<ServerCost>,
    /// How those came back that were cut off, where any were.
    pub storm: Option<Storm>,
}

/// From the first to the last receiver of a message.
#[derive(Clone, Debug)]
pub struct Spread {
    /// For each message that reached everybody.
    pub times: Times,
    /// Whether each thread could only see its own receivers: the true spread is this or greater.
    pub is_by_thread: bool,
}

/// How the connections came about.
#[derive(Clone, Debug)]
pub struct Connecting {
    /// How many were dialled, also again.
    pub dialled: u64,
    /// How many were ready to send: connected, upgraded and joined.
    pub ready: u64,
    /// How many of these were ready when it started: those that [`Connecting::took`] is about.
    pub at_start: u64,
    /// How many attempts failed. Not among them: attempts to come back after the plan had cut all connections.
    pub failed: u64,
    /// How many were there at the most.
    pub open_max: u64,
    /// From the first dial until the last connection had become ready, or had failed.
    pub took: Duration,
    /// Of each, from dialling to the TCP connection.
    pub connect: Times,
    /// Of each, from there to the answer to its handshake.
    pub handshake: Times,
    /// Of each, from dialling to being ready.
    pub ready_after: Times,
}

/// How connections ended that were not meant to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// How many ready connections ended, although neither the plan nor the user had ended them.
    pub lost: u64,
    /// How many did not answer a Ping in the end.
    pub silent: u64,
    /// Slow readers of [`Scenario::Slow`](super::plan::Scenario::Slow) that the server has closed.
    pub evicted: u64,
    /// When the first of the lost ones ended, from the beginning of the run; zero if none did.
    pub first_lost_after: Duration,
    /// How long the run lasted, if it was ended because no connection was left.
    pub deserted_after: Option<Duration>,
}

/// What became of every message.
///
/// A *delivery* is one message to one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Messages that were sent, warm-up included.
    pub sent: u64,
    /// Deliveries that there had to be.
    pub expected: u64,
    /// Deliveries that came, each counted once.
    pub delivered: u64,
    /// Deliveries that never came, though nothing announced it.
    pub lost: u64,
    /// Deliveries that came once more.
    pub doubled: u64,
    /// Deliveries that came after a later one of the same sender.
    pub reordered: u64,
    /// Deliveries whose bytes are not those that were sent.
    pub corrupted: u64,
    /// Messages without one of our stamps, or with that of another run, where nothing else is spoken.
    pub foreign: u64,
    /// Deliveries that the server has said will not come, by a `gap` or a resume that failed.
    pub announced: u64,
    /// Deliveries that went with a connection that was closed or broke, and that nothing can bring back.
    pub cut_off: u64,
    /// How many such gaps it announced.
    pub gaps: u64,
    /// Messages that the server did not take, and said so.
    pub refused: u64,
    /// What only a server that acknowledges can be held to.
    pub chinwag: Option<ChinwagAudit>,
    /// What became of those who went from room to room, where any did.
    pub hops: Option<HopAudit>,
    /// How much memory it took to know all this, in bytes.
    pub memory_bytes: u64,
}

/// Acknowledgements, positions, resuming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChinwagAudit {
    /// Messages that were acknowledged.
    pub acked: u64,
    /// Acknowledged, and yet some receiver never got it, though nothing announced that.
    pub acked_not_delivered: u64,
    /// Neither acknowledged nor refused.
    pub unanswered: u64,
    /// Positions that did not follow the one before, though nothing announced it.
    pub position_breaks: u64,
    /// Connections that came back with a position.
    pub resumes: u64,
    /// Of these, how many were told `resumed: true`.
    pub resumed: u64,
    /// Of these, how many were not told all that they had missed.
    pub resumed_untrue: u64,
}

/// Changes of rooms: each is a request to leave one and a request to join the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopAudit {
    /// How many were asked for.
    pub asked: u64,
    /// Requests to leave that were followed.
    pub left: u64,
    /// Requests to join that were followed.
    pub joined: u64,
    /// Requests of either kind that were refused.
    pub refused: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Answers to what nobody had asked for, or that name another room.
    pub unasked: u64,
    /// Requests whose answer went with a connection that was closed or broke.
    pub cut_off: u64,
    /// Connections that stopped, because one of their requests was refused.
    pub stuck: u64,
}

impl HopAudit {
    /// Those of others too.
    pub fn merge(&mut self, other: HopAudit) {
        let HopAudit { asked, left, joined, refused, unanswered, unasked, cut_off, stuck } = other;
        self.asked += asked;
        self.left += left;
        self.joined += joined;
        self.refused += refused;
        self.unanswered += unanswered;
        self.unasked += unasked;
        self.cut_off += cut_off;
        self.stuck += stuck;
    }
}

impl Audit {
    /// How many things there are that nothing accounts for. None in a sound run.
    pub fn unaccounted(&self) -> u64 {
        let (chinwag, hops) = (self.chinwag.unwrap_or_default(), self.hops.unwrap_or_default());
        self.lost
            + self.doubled
            + self.reordered
            + self.corrupted
            + self.foreign
            + chinwag.position_breaks
            + chinwag.unanswered
            + chinwag.resumed_untrue
            + hops.unanswered
            + hops.unasked
    }
}

/// How many kinds of errors are told apart, and how long their names are, in bytes. A server chooses its close codes and its
/// reasons for refusing a message, so it chooses how many kinds there are.
pub const ERROR_KINDS_MAX: usize = 100;
/// See [`ERROR_KINDS_MAX`].
pub const ERROR_KIND_BYTES_MAX: usize = 100;
/// The kind of all errors beyond these bounds.
pub const OTHER_ERRORS: &str = "other";

/// What went wrong, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// A kind in a few words, such as `refused`, `handshake: HTTP 503` or `closed: 1012`.
    pub kinds: BTreeMap<String, ErrorKind>,
}

/// One kind of error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorKind {
    /// How often.
    pub count: u64,
    /// The first of them, in its own words.
    pub example: String,
    /// What to do about it, where we know.
    pub hint: &'static str,
}

impl Errors {
    /// One more.
    pub fn add(&mut self, kind: &str, example: impl FnOnce() -> String, hint: &'static str) {
        let kind = self.known(kind);
        match self.kinds.get_mut(kind) {
            Some(known) => known.count += 1,
            None => {
                let first = ErrorKind { count: 1, example: example(), hint };
                self.kinds.insert(kind.to_owned(), first);
            }
        }
    }

    /// The kind itself, if it is there or there is room for it, and otherwise [`OTHER_ERRORS`].
    fn known<'k>(&self, kind: &'k str) -> &'k str {
        let is_new = !self.kinds.contains_key(kind);
        let is_full = self.kinds.len() >= ERROR_KINDS_MAX || kind.len() > ERROR_KIND_BYTES_MAX;
        if is_new && is_full { OTHER_ERRORS } else { kind }
    }

    /// Those of another thread too.
    pub fn merge(&mut self, other: Errors) {
        for (kind, more) in other.kinds {
            let kind = self.known(&kind).to_owned();
            let known = self.kinds.entry(kind).or_default();
            if known.count == 0 {
                *known = more;
            } else {
                known.count += more.count;
            }
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.kinds.values().map(|kind| kind.count).sum()
    }
}

/// What is going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connections are made, and join.
    #[default]
    Connecting,
    /// Messages are sent, and not measured yet.
    Warmup,
    /// Messages are sent and measured.
    Measured,
    /// Nothing is sent any more; what is under way is waited for.
    Draining,
}

/// What became of one of several servers.
#[derive(Clone, Debug)]
pub struct ServerCounts {
    /// Its address.
    pub url: Url,
    /// Connections that the plan has for it.
    pub connections: u64,
    /// How many became ready, also again.
    pub ready: u64,
    /// How many attempts failed, as [`Connecting::failed`] counts them.
    pub failed: u64,
    /// How many ready connections ended, as [`Ending::lost`] counts them.
    pub lost: u64,
    /// How many did not answer a Ping in the end.
    pub silent: u64,
    /// Messages that were sent to it, or changes of rooms asked for.
    pub sent: u64,
    /// Deliveries that came from it, or joins.
    pub delivered: u64,
    /// Errors of its connections.
    pub errors: u64,
    /// Latencies of what came from it, of the measured phase.
    pub latency: Times,
}

impl ServerCounts {
    /// Those of each server of a plan before the run; empty where there is but one.
    pub fn before(plan: &Plan) -> Vec<ServerCounts> {
        let count = plan.servers.count();
        let of = |(number, server): (usize, &Server)| ServerCounts {
            url: server.url.clone(),
            connections: plan.connections.saturating_sub(number).div_ceil(count) as u64,
            ready: 0,
            failed: 0,
            lost: 0,
            silent: 0,
            sent: 0,
            delivered: 0,
            errors: 0,
            latency: times(),
        };
        if count > 1 { plan.servers.iter().enumerate().map(of).collect() } else { Vec::new() }
    }

    /// Those of another thread or run too.
    pub fn merge(&mut self, other: &ServerCounts) {
        for (sum, more) in [
            (&mut self.ready, other.ready),
            (&mut self.failed, other.failed),
            (&mut self.lost, other.lost),
            (&mut self.silent, other.silent),
            (&mut self.sent, other.sent),
            (&mut self.delivered, other.delivered),
            (&mut self.errors, other.errors),
        ] {
            *sum += more;
        }
        self.latency.add(&other.latency).expect("it grows as it has to");
    }
}

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Which: the run's first is 0.
    pub at: u64,
    /// What was going on at its end.
    pub phase: Phase,
    /// Connections that were ready at its end.
    pub open: u64,
    /// Messages sent.
    pub sends: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Errors.
    pub errors: u64,
    /// Latency of the deliveries in it, in nanoseconds; zero where there were none.
    pub p50: u64,
    /// The same.
    pub p99: u64,
    /// The same.
    pub max: u64,
}

/// What the load client took, and whether it kept up.
#[derive(Clone, Debug)]
pub struct ClientCost {
    /// Processor time of all its threads while it was measured; waiting in a loop for the next moment to send is not in
    /// it.
    pub cpu: Duration,
    /// The share of its time that the busiest thread was at work, from 0 to 1, while it was measured.
    pub busiest_thread: f64,
    /// How much later than meant the messages went out, in an open loop.
    pub lateness: Times,
    /// The share of reads that left the socket unemptied, from 0 to 1: what they brought had waited for us.
    pub full_reads: f64,
    /// The process's memory at its largest, in bytes; zero where it cannot be read.
    pub memory_max_bytes: u64,
    /// Why the figures are the client's rather than the server's, if they are.
    pub limits: Vec<ClientLimit>,
}

/// In what the client was the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClientLimit {
    /// A thread was at work for this share of the time.
    Cpu(f64),
    /// One in a hundred sends was this much too late, in nanoseconds.
    Late(u64),
    /// This share of the reads found more than a buffer full.
    ReceiveQueues(f64),
}

/// The server's process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerCost {
    /// Its processor time while it was measured.
    pub cpu: Duration,
    /// Its resident memory before the first connection, in bytes.
    pub memory_before_bytes: u64,
    /// The same at the end of the measured phase.
    pub memory_loaded_bytes: u64,
    /// The same once all connections were closed again.
    pub memory_after_bytes: u64,
    /// Connections that were open at the end of the measured phase.
    pub connections: u64,
}

/// How those came back that were cut off.
#[derive(Clone, Debug)]
pub struct Storm {
    /// How many were cut.
    pub cut: u64,
    /// How many were back in the end.
    pub back: u64,
    /// From the cut until each was ready again.
    pub back_after: Times,
}

/// A search for the highest load under which a condition holds.
#[derive(Clone, Debug)]
pub struct Search {
    /// The condition as it was written, such as `p99<50ms`.
    pub condition: String,
    /// What was varied: `messages a second` or `connections`.
    pub unit: &'static str,
    /// The runs, in their order.
    pub tries: Vec<Try>,
    /// The run with the highest load that held.
    pub best: Option<Outcome>,
}

/// One run of a search.
#[derive(Clone, Debug)]
pub struct Try {
    /// The load, in the search's unit.
    pub load: f64,
    /// What the condition looks at, as it was seen: `p99 12.1 ms`.
    pub seen: String,
    /// Whether it held.
    pub holds: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_make_more_kinds_of_errors_than_are_told_apart() {
        let of_codes = |codes: std::ops::Range<u32>| {
            let mut errors = Errors::default();
            for code in codes {
                errors.add(&format!("closed: {code}"), || format!("reason {code}"), "");
                errors.add(&"long".repeat(100), || "a long code".into(), "");
            }
            errors
        };
        let mut errors = of_codes(1000..1500);
        // The long ones came second, so `other` is among the first hundred.
        assert_eq!((errors.kinds.len(), errors.total()), (ERROR_KINDS_MAX, 1000));
        assert_eq!(errors.kinds.get(OTHER_ERRORS).map(|other| other.count), Some(901));
        errors.merge(of_codes(2000..2500));
        assert_eq!((errors.kinds.len(), errors.total()), (ERROR_KINDS_MAX, 2000));
        assert!(errors.kinds.contains_key("closed: 1098") && !errors.kinds.contains_key("closed: 2000"));
    }
}
