//! The course of a run: its phases and seconds, who comes and goes when, and how it ends.

use super::{Cost, Crew, SECOND, TICK};
use crate::bench::cost;
use crate::bench::ear::Ear;
use crate::bench::ledger::Missing;
use crate::bench::live::{Part, Totals};
use crate::bench::outcome::Phase;
use crate::bench::plan::{Load, Scenario};
use crate::bench::seat::{Role, Seat, Stage, UNANSWERED};
use crate::client::Scheme;
use std::cmp::Reverse;
use std::time::Duration;

/// How long a connection may take to become ready, or to be closed.
const PATIENCE: u64 = 10_000_000_000;
/// How often the timeouts and the heartbeats of a script are looked at.
const SCRIPT_TICK: u64 = SECOND / 20;
/// An attempt to connect that is older than this may still succeed, at a server that is slow.
const UNDECIDED: u64 = 1_000_000_000;
/// How long a connection may take to answer a Ping, before it is closed.
pub const PING_PATIENCE: Duration = Duration::from_secs(2);
/// How long the closing may take, all in all.
const CLOSING: u64 = 3_000_000_000;

impl Crew {
    /// Everything that is due, and that nobody waits for to the microsecond.
    pub(super) fn tick(&mut self, now: u64) {
        self.ear.times = self.ear.shared.times();
        let phase = self.ear.times.phase(now);
        if !self.has_settled && self.has_connected() {
            self.has_settled = true;
            // Who is to connect while it is measured, is as good as there.
            let is_connect = self.plan().scenario == Scenario::Connect;
            self.ear.shared.settle(now, if is_connect { 1 } else { self.ear.connecting.ready });
        }
        if phase != self.phase {
            self.enter(phase, now);
        }
        if !self.has_begun && self.phase > Phase::Connecting && now >= self.ear.times.starts_at {
            self.has_begun = true;
            self.answered_at = now;
            for index in 0..self.actors.len() {
                self.fill_window(self.actors[index], now);
            }
            self.begin_to_connect();
        }
        self.note_answers(now);
        if now / SECOND > self.second {
            self.tell_second(now);
        }
        match self.plan().scenario {
            Scenario::Churn => self.let_visitors_go(now),
            Scenario::Storm => self.storm(now),
            Scenario::Slow => self.allow_slow_reads(now),
            _ => {}
        }
        while let Some(&Reverse((due, key))) = self.returns.peek()
            && due <= now
        {
            self.returns.pop();
            self.to_dial.push_back(key);
        }
        if now.saturating_sub(self.looked_after_at) >= SECOND / 2 {
            self.looked_after_at = now;
            self.look_after(now);
        }
        let has_times = self.plan().templates.script.as_ref().is_some_and(|script| script.has_times());
        if has_times && now.saturating_sub(self.timed_at) >= SCRIPT_TICK {
            self.timed_at = now;
            self.keep_script_time(now);
        }
        if self.is_alive(now) {
            self.ear.shared.note_alive(now);
        }
        if self.closes_until.is_none() {
            self.ear.shared.end_if_deserted(now);
        }
        if self.phase == Phase::Draining {
            self.wind_up(now);
        }
    }

    /// In a closed loop that the number of messages ends: whether the last of them was sent and all are answered, or none
    /// will be any more.
    fn note_answers(&mut self, now: u64) {
        let is_open = matches!(self.plan().load, Load::Open { .. });
        if is_open || self.has_answers || !self.has_begun || !self.ear.shared.has_sent_all() {
            return;
        }
        let drain = u64::try_from(self.plan().drain.as_nanos()).unwrap_or(u64::MAX);
        let is_silent = now.saturating_sub(self.answered_at) >= drain;
        if is_silent || self.actors.iter().all(|key| self.under_way(*key) == 0) {
            self.has_answers = true;
            self.ear.shared.note_answered(self.answered_at);
        }
    }

    /// Scenario connect: all connect while it is measured, from as many different moments as the ramp is long.
    fn begin_to_connect(&mut self) {
        if self.plan().scenario != Scenario::Connect {
            return;
        }
        let ramp = self.plan().ramp.as_nanos() as f64 / self.plan().connections as f64;
        for (key, Seat { person, .. }) in self.seats.iter().enumerate() {
            let due = self.ear.times.starts_at + (ramp * f64::from(person.id)) as u64;
            self.returns.push(Reverse((due, key)));
        }
    }

    /// Whether everybody has a connection, or will have none.
    fn has_connected(&self) -> bool {
        let is_connect = self.plan().scenario == Scenario::Connect;
        is_connect || (self.to_dial.is_empty() && self.ear.under_way == 0 && self.returns.is_empty())
    }

    fn enter(&mut self, phase: Phase, now: u64) {
        let cpu = cost::thread_cpu();
        if self.phase <= Phase::Warmup && phase == Phase::Measured {
            self.started = Some((cpu, now));
        }
        if phase == Phase::Draining {
            if let Some((cpu_before, before)) = self.started {
                self.cost = Cost {
                    cpu: cpu.saturating_sub(cpu_before),
                    wall: Duration::from_nanos(now.saturating_sub(before)),
                };
            }
            self.quiet_since = now;
        }
        self.phase = phase;
    }

    fn tell_second(&mut self, now: u64) {
        let lately = std::mem::take(&mut self.ear.lately);
        self.latency.add(&lately.measured).expect("it grows as it has to");
        self.lateness.add(&lately.lateness).expect("it grows as it has to");
        let Ear { tallies, connecting, errors, .. } = &self.ear;
        let is_open = matches!(self.ear.plan.load, Load::Open { .. });
        self.told = Totals {
            intended: self.told.intended + if is_open { lately.intended } else { lately.sends },
            sends: self.told.sends + lately.sends,
            deliveries: self.told.deliveries + lately.deliveries,
            bytes_received: self.told.bytes_received + lately.bytes_received,
            refused: tallies.refused + tallies.hops.refused,
            errors: errors.total(),
            ready: connecting.ready,
            failed: connecting.failed,
            lost: self.lost,
            reads: tallies.reads,
            full_reads: tallies.full_reads,
        };
        let (cpu, wall) = (cost::thread_cpu(), now.saturating_sub(self.told_at));
        let busy = cpu.saturating_sub(self.cpu_told).as_nanos() as f64;
        let part = Part {
            thread: self.ear.thread,
            at: self.second,
            ended_at: now,
            phase: self.phase,
            open: self.ear.open,
            share: if wall > 0 { busy / wall as f64 } else { 0.0 },
            lately,
            totals: self.told,
            errors: errors.clone(),
        };
        (self.told_at, self.cpu_told) = (now, cpu);
        self.second = now / SECOND;
        // Nobody listens any more when the run is being given up.
        let _ = self.parts.send(part);
    }

    /// Scenario churn: one after another goes, and comes back as somebody new.
    fn let_visitors_go(&mut self, now: u64) {
        if !matches!(self.phase, Phase::Warmup | Phase::Measured) || now < self.ear.times.starts_at {
            return;
        }
        let interval = SECOND as f64 * self.plan().threads as f64 / self.plan().churn_rate;
        let elapsed = (now - self.ear.times.starts_at) as f64;
        while self.next_visit <= elapsed {
            self.next_visit += interval;
            let len = self.seats.len();
            let is_there = |key: &usize| {
                let person = &self.seats[*key].person;
                person.role == Role::Visitor && person.stage == Stage::Ready
            };
            let Some(key) = (self.next_visitor..self.next_visitor + len).map(|key| key % len).find(is_there)
            else {
                continue;
            };
            self.next_visitor = (key + 1) % len;
            self.leave(key, now);
        }
    }

    /// Scenario storm: a quarter into the measured phase, all are cut at once.
    fn storm(&mut self, now: u64) {
        let measured_from = self.ear.times.measured_from;
        if self.has_stormed || now < measured_from.saturating_add(self.ear.times.measured() / 4) {
            return;
        }
        self.has_stormed = true;
        for Seat { person, .. } in &mut self.seats {
            if person.stage == Stage::Ready {
                person.kept().cut_at = Some(now);
                self.cut += 1;
                self.ear.note_end(person);
            }
        }
    }

    /// Scenario slow: what a slow reader may read grows with time.
    fn allow_slow_reads(&mut self, now: u64) {
        let rate = self.plan().slow_bytes_per_second as u64;
        let earned = |at: u64| u128::from(at) * u128::from(rate) / u128::from(SECOND);
        let more = u64::try_from(earned(now) - earned(self.allowed_at)).unwrap_or(u64::MAX);
        self.allowed_at = now;
        for &key in &self.slow {
            let kept = self.seats[key].person.kept();
            kept.allowance = kept.allowance.saturating_add_unsigned(more).min(i64::from(u16::MAX));
        }
    }

    /// Who takes too long is given up, and so are messages that do not arrive.
    fn look_after(&mut self, now: u64) {
        for Seat { link, person } in &mut self.seats {
            if let Some(link) = link {
                link.wait_less(|out, event| self.ear.hear(person, out, event, now));
            }
            let is_late = now.saturating_sub(person.dialled_at) > PATIENCE;
            if is_late
                && !self.ear.is_in_script(person)
                && matches!(person.stage, Stage::Dialling | Stage::Upgrading | Stage::Joining)
            {
                let stage = person.stage;
                self.ear.note_error(
                    person.id,
                    "not ready",
                    || format!("{} within {} s", waited_for(stage), PATIENCE / SECOND),
                    "is it the server, and the --dialect, that you meant?",
                );
                self.ear.note_end(person);
            }
            if person.stage == Stage::Leaving && now.saturating_sub(person.connected_at) > PATIENCE {
                self.ear.note_end(person);
            }
        }
        let mut given_up = Vec::new();
        if let Some(flights) = &mut self.ear.flights {
            flights.give_up(now, |sender| given_up.push(sender));
        }
        if matches!(self.ear.plan.load, Load::Closed { .. }) {
            given_up.into_iter().for_each(|sender| self.ear.note_through(sender));
        }
    }

    /// The timeouts and the heartbeats of a script.
    fn keep_script_time(&mut self, now: u64) {
        for key in 0..self.seats.len() {
            let Seat { link, person } = &mut self.seats[key];
            if let Some(link) = link {
                self.ear.keep_time(person, link.out(), now);
                self.note_dirty(key);
            }
        }
    }

    /// Whether a connection is open, or an attempt at one is still undecided. An attempt that fails takes less than
    /// [`UNDECIDED`]; and a slow reader does not see that its connection has ended. Neither counts.
    fn is_alive(&self, now: u64) -> bool {
        let Crew { ear, seats, slow, .. } = self;
        let slow_open = || slow.iter().filter(|key| seats[**key].person.stage == Stage::Ready).count() as u64;
        let is_undecided = |Seat { person, .. }: &Seat| {
            matches!(person.stage, Stage::Dialling | Stage::Upgrading | Stage::Joining)
                && now.saturating_sub(person.dialled_at) > UNDECIDED
        };
        let is_open = ear.open > 0 && (ear.open > slow.len() as u64 || ear.open > slow_open());
        is_open || ear.under_way > 0 && seats.iter().any(is_undecided)
    }

    /// Waits for what is under way, and then closes everything.
    fn wind_up(&mut self, now: u64) {
        if let Some(until) = self.closes_until {
            let is_empty = self.seats.iter().all(|seat| seat.link.is_none());
            if is_empty || now >= until {
                self.tell_second(now);
                self.is_finished = true;
            }
            return;
        }
        let come = self.ear.tallies.delivered + self.ear.tallies.hops.joined;
        if come != self.come_before {
            self.come_before = come;
            self.quiet_since = now;
        }
        let drain = u64::try_from(self.plan().drain.as_nanos()).unwrap_or(u64::MAX);
        let waited = now.saturating_sub(self.quiet_since);
        // The other threads' last messages are sent within a tick of the end.
        let is_quiet = waited > 3 * TICK.0 * 1_000_000;
        let is_settled = is_quiet && (self.ear.shared.is_deserted() || self.has_everything());
        let is_over = is_settled || waited >= drain || self.ear.shared.is_stopped() && waited >= drain / 4;
        if self.pinged_at.is_none() && is_over {
            self.ping_all(now);
        }
        if let Some(pinged_at) = self.pinged_at {
            let is_silent = |seat: &Seat| seat.person.is_pinged && seat.person.stage == Stage::Ready;
            let is_patient = u128::from(now.saturating_sub(pinged_at)) < PING_PATIENCE.as_nanos();
            if !(is_patient && self.seats.iter().any(is_silent)) {
                self.close_all(now);
            }
        }
    }

    /// Asks all connections whether the server is still there: where nothing is sent, nothing else would show it.
    fn ping_all(&mut self, now: u64) {
        self.pinged_at = Some(now);
        for key in 0..self.seats.len() {
            let Seat { link: Some(link), person } = &mut self.seats[key] else { continue };
            if person.stage == Stage::Ready {
                person.is_pinged = self.ear.speech.ping(link.out());
                self.note_dirty(key);
            }
        }
    }

    /// A connection over which nothing has come since it was pinged.
    fn note_silent(&mut self, key: usize) {
        let person = &mut self.seats[key].person;
        self.silent += 1;
        if let Some(server) = self.ear.server_of(person.id) {
            server.silent += 1;
        }
        let example = || format!("nothing came within {} s of a Ping", PING_PATIENCE.as_secs());
        self.ear.note_error(person.id, "silent", example, "does the server still run?");
        self.ear.note_end(person);
    }

    /// Whether all that was sent has come, and all that was asked for was answered.
    fn has_everything(&mut self) -> bool {
        let (sent, refused) = (self.ear.shared.sent(), self.ear.shared.refused());
        let is_whole = |seat: &Seat| {
            let Seat { person, .. } = seat;
            // Nothing comes any more for those whose connection is gone for good.
            if person.stage == Stage::Gone {
                return true;
            }
            let mut is_whole = person.stage == Stage::Ready;
            // An unreadable message has arrived, and a refused message never will.
            let mut never_come = person.kept.as_deref().map_or(0, |kept| kept.unreadable);
            let (mut missing, mut has_tail) = (0, false);
            person.ledger.missing(&sent, is_whole, |why, sender, range| {
                if !person.is_own(sender, &self.ear.plan) {
                    missing += range.len() as u64;
                    has_tail |= why == Missing::Tail;
                }
            });
            if has_tail {
                let heard = person.ledger.senders().filter(|sender| !person.is_own(*sender, &self.ear.plan));
                never_come += heard.map(|sender| u64::from(refused[sender as usize])).sum::<u64>();
                is_whole &= missing <= never_come;
            }
            if let Some(sender) = &person.sender {
                is_whole &= !sender.answers.contains(&UNANSWERED);
            }
            is_whole &= person.hopper.as_ref().is_none_or(|hopper| hopper.under_way() == 0);
            is_whole && person.backlog.is_empty()
        };
        self.seats.iter().all(is_whole)
    }

    fn close_all(&mut self, now: u64) {
        self.closes_until = Some(now + CLOSING);
        self.ear.is_closing = true;
        for key in 0..self.seats.len() {
            let person = &mut self.seats[key].person;
            person.has_stayed = person.stage == Stage::Ready;
            match person.stage {
                Stage::Ready if person.is_pinged => self.note_silent(key),
                Stage::Ready => self.leave(key, now),
                Stage::Leaving | Stage::Out | Stage::Gone => {}
                Stage::Dialling | Stage::Upgrading | Stage::Joining => {
                    // It had the whole drain for it.
                    let is_counted = !self.has_stormed && !self.ear.shared.is_stopped();
                    if is_counted {
                        self.ear.note_failed(person.id);
                    }
                    self.ear.note_end(person);
                }
            }
        }
    }

    fn leave(&mut self, key: usize, now: u64) {
        let Seat { link, person } = &mut self.seats[key];
        person.stage = Stage::Leaving;
        person.connected_at = now;
        match link {
            Some(link) if self.scheme == Scheme::Ws => link.out().close(1000, ""),
            // Lines have no word for it.
            _ => self.ear.note_end(person),
        }
        self.note_dirty(key);
    }
}

/// What did not come of a connection in that stage.
fn waited_for(stage: Stage) -> &'static str {
    match stage {
        Stage::Dialling => "no connection came about",
        Stage::Upgrading => "the WebSocket handshake was not answered",
        _ => "the server did not confirm that the connection had joined",
    }
}
