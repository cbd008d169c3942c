//! What the threads of a run share: its clock, its phases, and how much each sender has sent.

use super::clock::Clock;
use super::outcome::Phase;
use super::plan::Plan;
use super::seat::{Role, role_of};
use super::seating::Seating;
use super::stamp::SHORT_TICK;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Until the last connection is ready nobody knows when it starts.
const UNKNOWN: u64 = u64::MAX;
/// From the last connection to the first message: every thread has heard of the start by then.
const HEAD_START: u64 = 30_000_000;
/// A run ends when no connection was open or under way for so long. Together with the longest wait before a first return,
/// half a second, that is less than two seconds.
const DESERTED_AFTER: u64 = 1_200_000_000;

/// What the threads share.
#[derive(Debug)]
pub struct Shared {
    /// Everybody's time.
    pub clock: Clock,
    threads: usize,
    settled: AtomicUsize,
    warmup: u64,
    duration: u64,
    starts_at: AtomicU64,
    ends_at: AtomicU64,
    is_stopped: AtomicBool,
    is_hopeless: AtomicBool,
    is_deserted: AtomicBool,
    /// How many messages may still be sent, where their number ends the run.
    messages_left: Option<AtomicU64>,
    /// Threads whose messages are all answered after the last one was sent, and when the last answer came.
    answered: AtomicUsize,
    answered_at: AtomicU64,
    /// Participants that have a connection, or will have one.
    present: AtomicUsize,
    /// The latest moment at which a connection was open, under way, or about to come back for the first time.
    alive_at: AtomicU64,
    /// When the first ready connection was lost.
    first_lost_at: AtomicU64,
    ready: AtomicU64,
    /// How many messages each sender has sent, by voice.
    sent: Box<[AtomicU32]>,
    /// How many messages of each sender the server has refused, by voice: nobody gets them.
    refused: Box<[AtomicU32]>,
    /// By thread and voice: how many messages all receivers of that thread have.
    through: Box<[AtomicU32]>,
    seating: Seating,
    /// By thread and loud room: how many of that room are measured on that thread.
    listeners: Box<[u32]>,
    self_echo: bool,
    /// How many connections were dialled.
    dialled: AtomicU64,
}

/// When what happens, in the clock's nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first message.
    pub starts_at: u64,
    /// The end of the warm-up.
    pub measured_from: u64,
    /// The end of the measured phase.
    pub ends_at: u64,
}

impl Times {
    /// What goes on at a moment.
    pub fn phase(&self, at: u64) -> Phase {
        match at {
            at if at < self.starts_at && self.ends_at == UNKNOWN => Phase::Connecting,
            at if at >= self.ends_at => Phase::Draining,
            at if at >= self.measured_from => Phase::Measured,
            _ => Phase::Warmup,
        }
    }

    /// Whether a moment lies in the measured phase.
    #[inline]
    pub fn is_measured(&self, at: u64) -> bool {
        self.measured_from <= at && at < self.ends_at
    }

    /// How long is measured, in nanoseconds.
    pub fn measured(&self) -> u64 {
        if self.ends_at == UNKNOWN { 0 } else { self.ends_at.saturating_sub(self.measured_from) }
    }
}

impl Shared {
    /// For a run of that plan.
    pub fn new(plan: &Plan, clock: Clock) -> Shared {
        let nanos =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4);
        Shared {
            clock,
            threads: plan.threads,
            settled: AtomicUsize::new(0),
            warmup: nanos(plan.warmup),
            duration: nanos(plan.duration),
            starts_at: AtomicU64::new(UNKNOWN),
            ends_at: AtomicU64::new(UNKNOWN),
            is_stopped: AtomicBool::new(false),
            is_hopeless: AtomicBool::new(false),
            is_deserted: AtomicBool::new(false),
            messages_left: plan.messages.map(AtomicU64::new),
            answered: AtomicUsize::new(0),
            answered_at: AtomicU64::new(0),
            present: AtomicUsize::new(plan.connections),
            alive_at: AtomicU64::new(0),
            first_lost_at: AtomicU64::new(UNKNOWN),
            ready: AtomicU64::new(0),
            sent: (0..plan.senders).map(|_| AtomicU32::new(0)).collect(),
            refused: (0..plan.senders).map(|_| AtomicU32::new(0)).collect(),
            through: (0..plan.threads * plan.senders).map(|_| AtomicU32::new(0)).collect(),
            seating: Seating::of(plan),
            listeners: listeners(plan),
            self_echo: plan.self_echo,
            dialled: AtomicU64::new(0),
        }
    }

    /// A thread has its connections, so many of them ready. The last one to say so starts the run, unless nobody is there.
    pub fn settle(&self, at: u64, ready: u64) {
        self.ready.fetch_add(ready, Ordering::AcqRel);
        if self.settled.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            if self.ready.load(Ordering::Acquire) == 0 {
                return self.despair(at);
            }
            // A short stamp has whole microseconds: none is moved across the start or the end.
            let starts_at = (at + HEAD_START).next_multiple_of(SHORT_TICK);
            self.starts_at.store(starts_at, Ordering::Release);
            // The end last: who sees it sees the start too. It may have been set by whoever stopped the run.
            let ends_at = starts_at + self.warmup + self.duration;
            self.ends_at.fetch_min(ends_at, Ordering::AcqRel);
        }
    }

    /// Ends the run now: what was found out so far is reported.
    pub fn stop(&self, at: u64) {
        self.is_stopped.store(true, Ordering::Release);
        self.ends_at.fetch_min(at, Ordering::AcqRel);
    }

    /// Ends the run, since nobody can be reached.
    pub fn despair(&self, at: u64) {
        self.is_hopeless.store(true, Ordering::Release);
        self.stop(at);
    }

    /// Whether another message may be sent: it is counted then.
    #[inline]
    pub fn take_message(&self) -> bool {
        let Some(left) = &self.messages_left else { return true };
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }

    /// Whether all messages of a run that their number ends have been sent.
    pub fn has_sent_all(&self) -> bool {
        self.messages_left.as_ref().is_some_and(|left| left.load(Ordering::Acquire) == 0)
    }

    /// In an open loop that the number of messages ends: the next one would have been due at that moment.
    pub fn end_by_count(&self, at: u64) {
        self.ends_at.fetch_min(at, Ordering::AcqRel);
    }

    /// In a closed loop that the number of messages ends: a thread has its last answer. The last thread's ends the run.
    pub fn note_answered(&self, at: u64) {
        let at = self.answered_at.fetch_max(at, Ordering::AcqRel).max(at);
        if self.answered.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.end_by_count(at);
        }
    }

    /// A participant has no connection any more, and will have none.
    pub fn note_gone(&self) {
        self.present.fetch_sub(1, Ordering::AcqRel);
    }

    /// There is a connection at that moment, or there will be an attempt at one.
    pub fn note_alive(&self, at: u64) {
        self.alive_at.fetch_max(at, Ordering::AcqRel);
    }

    /// A connection was lost.
    pub fn note_lost(&self, at: u64) {
        self.first_lost_at.fetch_min(at, Ordering::AcqRel);
    }

    /// When the first connection was lost, if one was.
    pub fn first_lost_at(&self) -> Option<u64> {
        let at = self.first_lost_at.load(Ordering::Acquire);
        (at != UNKNOWN).then_some(at)
    }

    /// Ends a run that has started and whose connections are all gone.
    pub fn end_if_deserted(&self, at: u64) {
        let is_empty = self.present.load(Ordering::Acquire) == 0;
        let is_silent = at.saturating_sub(self.alive_at.load(Ordering::Acquire)) >= DESERTED_AFTER;
        if self.times().starts_at != UNKNOWN && (is_empty || is_silent) {
            self.is_deserted.store(true, Ordering::Release);
            self.ends_at.fetch_min(at, Ordering::AcqRel);
        }
    }

    /// When all connections were gone, if that was before the end that was planned.
    pub fn deserted_at(&self) -> Option<u64> {
        let Times { starts_at, ends_at, .. } = self.times();
        let is_early = ends_at < starts_at.saturating_add(self.warmup + self.duration);
        (self.is_deserted() && is_early && !self.is_stopped()).then_some(ends_at)
    }

    /// Whether all connections are gone.
    pub fn is_deserted(&self) -> bool {
        self.is_deserted.load(Ordering::Acquire)
    }

    /// How long messages were to be sent, in nanoseconds: as planned, unless the user has ended it.
    pub fn intended(&self) -> u64 {
        let times = self.times();
        match (times.starts_at, self.is_stopped()) {
            (UNKNOWN, _) if self.is_hopeless() => self.warmup + self.duration,
            (UNKNOWN, _) => 0,
            (starts_at, true) => times.ends_at.saturating_sub(starts_at),
            (_, false) => self.warmup + self.duration,
        }
    }

    /// Whether it has ended since nobody could be reached.
    pub fn is_hopeless(&self) -> bool {
        self.is_hopeless.load(Ordering::Acquire)
    }

    /// Whether somebody has ended it.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// When what happens, as far as that is known.
    pub fn times(&self) -> Times {
        let ends_at = self.ends_at.load(Ordering::Acquire);
        let starts_at = self.starts_at.load(Ordering::Acquire);
        Times { starts_at, measured_from: starts_at.saturating_add(self.warmup), ends_at }
    }

    /// A sender has sent so many.
    #[inline]
    pub fn note_sent(&self, voice: u32, sent: u32) {
        self.sent[voice as usize].store(sent, Ordering::Relaxed);
    }

    /// The server has refused a message of that sender.
    pub fn note_refused(&self, voice: u32) {
        if let Some(refused) = self.refused.get(voice as usize) {
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many messages of each sender were refused, by voice.
    pub fn refused(&self) -> Vec<u32> {
        self.refused.iter().map(|refused| refused.load(Ordering::Relaxed)).collect()
    }

    /// All receivers of a thread have another message of that sender, or are not waited for any more.
    #[inline]
    pub fn note_through(&self, thread: usize, voice: u32) {
        self.through[thread * self.sent.len() + voice as usize].fetch_add(1, Ordering::Release);
    }

    /// How many messages of that sender all receivers have.
    pub fn through(&self, voice: u32) -> u32 {
        let waited_for = (0..self.threads).filter(|thread| self.has_listeners(*thread, voice));
        waited_for.map(|thread| self.through_at(thread, voice)).min().unwrap_or(0)
    }

    /// Whether somebody on that thread is to hear that sender, beside itself.
    fn has_listeners(&self, thread: usize, voice: u32) -> bool {
        let speaker = self.seating.speaker(voice);
        let loud_rooms = self.seating.loud_rooms() as usize;
        let listeners = self.listeners[thread * loud_rooms + self.seating.home(speaker) as usize];
        let is_apart = speaker as usize % self.threads == thread && !self.self_echo;
        listeners > u32::from(is_apart)
    }

    /// How many messages of that sender all receivers of one thread have.
    pub fn through_at(&self, thread: usize, voice: u32) -> u32 {
        self.through[thread * self.sent.len() + voice as usize].load(Ordering::Acquire)
    }

    /// How many messages each sender has sent, by voice.
    pub fn sent(&self) -> Vec<u32> {
        self.sent.iter().map(|sent| sent.load(Ordering::Relaxed)).collect()
    }

    /// The number of a connection that is dialled.
    pub fn next_dial(&self) -> u64 {
        self.dialled.fetch_add(1, Ordering::Relaxed)
    }
}

fn listeners(plan: &Plan) -> Box<[u32]> {
    let seating = Seating::of(plan);
    let loud_rooms = seating.loud_rooms() as usize;
    let mut listeners = vec![0; plan.threads * loud_rooms].into_boxed_slice();
    for id in 0..plan.connections as u32 {
        let (thread, home) = (id as usize % plan.threads, seating.home(id) as usize);
        if home < loud_rooms && role_of(id, plan) == Role::Measured {
            listeners[thread * loud_rooms + home] += 1;
        }
    }
    listeners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;
    use std::time::Duration;

    #[test]
    fn it_starts_when_the_last_thread_is_ready_and_can_be_ended_early() {
        let mut plan = plan();
        (plan.threads, plan.warmup, plan.duration) =
            (2, Duration::from_nanos(100), Duration::from_nanos(1000));
        let shared = Shared::new(&plan, Clock::start());
        shared.settle(5, 0);
        assert_eq!(shared.times().phase(9999), Phase::Connecting);
        shared.settle(10_000, 3);
        let (times, start) = (shared.times(), 10_000 + HEAD_START);
        let phases = [start - 1, start, start + 99, start + 100, start + 1099, start + 1100];
        use Phase::{Draining, Measured, Warmup};
        assert_eq!(phases.map(|at| times.phase(at)), [Warmup, Warmup, Warmup, Measured, Measured, Draining]);
        assert_eq!(times.measured(), 1000);
        shared.stop(start + 150);
        assert_eq!((shared.times().measured(), shared.is_stopped()), (50, true));
    }

    #[test]
    fn a_message_is_through_when_the_last_thread_has_it() {
        let mut plan = plan();
        (plan.threads, plan.senders, plan.connections) = (2, 3, 5);
        let shared = Shared::new(&plan, Clock::start());
        for (thread, sender, through) in [(0, 2, 0), (0, 2, 0), (1, 1, 0), (1, 2, 1), (1, 2, 2)] {
            shared.note_through(thread, sender);
            assert_eq!(shared.through(2), through);
        }
        assert_eq!((shared.through(0), shared.through(1)), (0, 0));
    }

    #[test]
    fn a_thread_without_anybody_of_the_room_is_not_waited_for() {
        // Room 0 has the connections 0 and 2, of thread 0, and room 1 has the others.
        let mut plan = plan();
        (plan.threads, plan.rooms, plan.senders, plan.connections) = (2, 2, 2, 4);
        let shared = Shared::new(&plan, Clock::start());
        shared.note_through(0, 0);
        assert_eq!((shared.through(0), shared.through(1)), (1, 0));
        shared.note_through(1, 1);
        assert_eq!((shared.through(0), shared.through(1)), (1, 1));
    }

    #[test]
    fn so_many_messages_are_sent_and_the_last_answer_ends_the_run() {
        let mut plan = plan();
        (plan.threads, plan.messages) = (2, Some(3));
        let shared = Shared::new(&plan, Clock::start());
        shared.settle(0, 1);
        shared.settle(0, 1);
        assert_eq!([(); 4].map(|()| shared.take_message()), [true, true, true, false]);
        assert!(shared.has_sent_all());
        shared.note_answered(HEAD_START + 70);
        assert_eq!(shared.times().measured(), 1_000_000_000, "the other thread has not its answers yet");
        shared.note_answered(HEAD_START + 50);
        assert_eq!(shared.times().measured(), 70);
    }

    #[test]
    fn nobody_to_talk_to_is_no_run() {
        let shared = Shared::new(&plan(), Clock::start());
        shared.settle(5, 0);
        assert!(shared.is_hopeless() && shared.is_stopped());
    }

    #[test]
    fn what_is_ended_before_it_starts_measures_nothing() {
        let shared = Shared::new(&plan(), Clock::start());
        shared.stop(7);
        assert_eq!(shared.times().measured(), 0);
        assert_eq!(shared.times().phase(8), Phase::Draining);
    }
}
