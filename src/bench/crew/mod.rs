//! The participants of one thread, as a handler of the loop: they are dialled, they send, they are cut off and come back,
//! and in the end they go.
//!
//! ```text
//!   connect (ramp) --> join --> warm-up --> measured --> drain --> close
//!                          ^
//!                          all threads wait for one another here
//! ```

mod course;

use super::clock::Alarm;
use super::ear::{Ear, send};
use super::live::{Part, Totals};
use super::login::saved;
use super::outcome::{self, Phase, record};
use super::plan::{Load, Plan, Scenario};
use super::request::Requests;
use super::schedule::Schedule;
use super::seat::{Eviction, Person, Role, Seat, Stage, UNANSWERED};
use super::stamp::Stamp;
use crate::client::{Compression, Link, Masks, Scheme, Upgrade};
use crate::net::{Address, Dial, Handler, KeepAlive, ListenerId, Peer, Post, READ_BUFFER_LEN, Sockets};
use crate::proto::ws::close;
use crate::time::Millis;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How often what nobody waits for is looked at: the phases, the seconds, who is to come and go.
const TICK: Millis = Millis(10);
/// A sender with so much unwritten waits until the server takes it.
const UNWRITTEN_BYTES_MAX: usize = 64 * 1024;
/// The longest message that is understood.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// How many connections are dialled from one address of the loopback. The kernel looks for a free port among those of one
/// parity first, some 14,000: once they are taken it looks through all of them, each time.
const DIALS_PER_LOOPBACK_ADDRESS: u64 = 10_000;
/// The loopback's addresses that are dialled from in turn.
const LOOPBACK_ADDRESSES: u64 = 250;
/// When a connection is tried again that did not come about, in a scenario whose point it is to connect.
const RETRY: u64 = 100_000_000;
const SECOND: u64 = 1_000_000_000;

/// What a thread took while it was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Its processor time.
    pub cpu: Duration,
    /// The time that passed.
    pub wall: Duration,
}

/// The participants of one thread.
#[derive(Debug)]
pub struct Crew {
    /// Them, by key.
    pub seats: Vec<Seat>,
    /// What they hear.
    pub ear: Ear,
    /// What the thread took.
    pub cost: Cost,
    /// Latencies of all seconds that have passed.
    pub latency: outcome::Times,
    /// How late messages were sent, in all seconds that have passed.
    pub lateness: outcome::Times,
    /// How many connections were cut off.
    pub cut: u64,
    /// How many ended that were not meant to.
    pub lost: u64,
    /// How many did not answer a Ping in the end.
    pub silent: u64,
    /// When all connections were pinged.
    pinged_at: Option<u64>,
    /// Where to, by server.
    to: Arc<[SocketAddr]>,
    scheme: Scheme,
    requests: Requests,
    /// What all of them deflate and inflate with, where that is offered.
    compression: Option<Compression>,
    /// Keys of those who send, or go from room to room.
    actors: Vec<usize>,
    next_actor: usize,
    schedule: Option<Schedule>,
    alarm: Alarm,
    parts: Sender<Part>,
    /// The ways to wake the threads.
    posts: Arc<[Post<()>]>,
    /// Keys that are to be dialled, and when the first of them was.
    to_dial: VecDeque<usize>,
    in_flight: usize,
    ramped: u64,
    /// Keys with something to write.
    dirty: Vec<usize>,
    /// Keys that come back, and when.
    returns: BinaryHeap<Reverse<(u64, usize)>>,
    next_tick: Millis,
    second: u64,
    /// What was told with the last second, and what the thread had taken by then.
    told: Totals,
    told_at: u64,
    cpu_told: Duration,
    phase: Phase,
    has_settled: bool,
    has_stormed: bool,
    next_visit: f64,
    next_visitor: usize,
    slow: Vec<usize>,
    allowed_at: u64,
    looked_after_at: u64,
    timed_at: u64,
    quiet_since: u64,
    come_before: u64,
    closes_until: Option<u64>,
    has_begun: bool,
    /// When the latest answer came, in a closed loop.
    answered_at: u64,
    has_answers: bool,
    started: Option<(Duration, u64)>,
    is_finished: bool,
    /// A message that is being written.
    text: Vec<u8>,
}

impl Crew {
    /// Those of the plan's participants that are this thread's.
    pub fn new(
        ear: Ear,
        to: Arc<[SocketAddr]>,
        alarm: Alarm,
        parts: Sender<Part>,
        posts: Arc<[Post<()>]>,
    ) -> Crew {
        let plan = &ear.plan;
        let ids = (0..plan.connections as u32).filter(|id| *id as usize % plan.threads == ear.thread);
        let seats: Vec<Seat> = ids.map(|id| Seat::new(id, plan)).collect();
        let keys_of = |wanted: fn(&Person) -> bool| -> Vec<usize> {
            seats.iter().enumerate().filter(|(_, seat)| wanted(&seat.person)).map(|(key, _)| key).collect()
        };
        let actors = keys_of(|person| person.sender.is_some() || person.hopper.is_some());
        let slow = keys_of(|person| person.role == Role::Slow);
        // Threads on which nobody does anything have no part in the schedule.
        let acting_threads = plan.threads.min(plan.actors());
        let schedule = match plan.load {
            Load::Open { rate, arrival } if !actors.is_empty() => {
                Some(Schedule::new(arrival, rate, ear.thread, acting_threads, plan.seed))
            }
            _ => None,
        };
        let scheme = plan.servers.scheme();
        let requests = Requests::new(plan);
        let in_flight = plan.in_flight.div_ceil(plan.threads);
        let compression = plan.deflate.then(Compression::default);
        Crew {
            // Where connecting is measured, it begins when that does.
            to_dial: (0..seats.len()).filter(|_| plan.scenario != Scenario::Connect).collect(),
            seats,
            cost: Cost::default(),
            latency: outcome::times(),
            lateness: outcome::times(),
            cut: 0,
            lost: 0,
            silent: 0,
            pinged_at: None,
            to,
            scheme,
            requests,
            compression,
            actors,
            next_actor: 0,
            schedule,
            alarm,
            parts,
            posts,
            in_flight,
            ramped: 0,
            dirty: Vec::new(),
            returns: BinaryHeap::new(),
            next_tick: Millis(0),
            second: 0,
            told: Totals::default(),
            told_at: 0,
            cpu_told: Duration::ZERO,
            phase: Phase::Connecting,
            has_settled: false,
            has_stormed: false,
            next_visit: 0.0,
            next_visitor: 0,
            slow,
            allowed_at: 0,
            looked_after_at: 0,
            timed_at: 0,
            quiet_since: 0,
            come_before: 0,
            closes_until: None,
            has_begun: false,
            answered_at: 0,
            has_answers: false,
            started: None,
            is_finished: false,
            text: Vec::new(),
            ear,
        }
    }

    fn plan(&self) -> &Plan {
        &self.ear.plan
    }

    /// How many messages, or changes of rooms, the schedule of this thread has for the whole run; `None` in a closed loop.
    pub fn intended(&self) -> Option<u64> {
        match self.plan().load {
            Load::Open { .. } => {
                let nanos = self.ear.shared.intended();
                Some(self.schedule.as_ref().map_or(0, |schedule| schedule.count_within(nanos)))
            }
            Load::Closed { .. } => None,
        }
    }

    fn now(&self) -> u64 {
        self.ear.shared.clock.now()
    }

    fn note_dirty(&mut self, key: usize) {
        let seat = &mut self.seats[key];
        let has_words = seat.link.as_mut().is_some_and(|link| !link.out().unwritten().is_empty());
        if has_words && !std::mem::replace(&mut seat.person.is_dirty, true) {
            self.dirty.push(key);
        }
    }

    // Sending.

    /// Sends the messages that are due.
    fn send_due(&mut self, now: u64) {
        if self.phase == Phase::Connecting || self.closes_until.is_some() {
            self.ear.awake.clear();
            self.ear.credits.clear();
            return;
        }
        let times = self.ear.times;
        while let Some(schedule) = &mut self.schedule {
            let intended = times.starts_at.saturating_add(schedule.due());
            if intended > now || intended >= times.ends_at {
                break;
            }
            if !self.ear.shared.take_message() {
                self.ear.shared.end_by_count(intended.max(now));
                self.ear.times = self.ear.shared.times();
                break;
            }
            schedule.advance();
            self.ear.lately.intended += 1;
            let key = self.actors[self.next_actor];
            self.next_actor = (self.next_actor + 1) % self.actors.len();
            if times.is_measured(intended) {
                record(&mut self.ear.lately.lateness, now - intended);
            }
            self.seats[key].person.backlog.push_back(intended);
            self.send_backlog(key);
        }
        for key in std::mem::take(&mut self.ear.awake) {
            self.send_backlog(key);
            self.fill_window(key, now);
        }
        if !self.ear.credits.is_empty() {
            self.answered_at = now;
        }
        for key in std::mem::take(&mut self.ear.credits) {
            self.fill_window(key, now);
        }
    }

    /// In an open loop: what could not be sent when it was due.
    fn send_backlog(&mut self, key: usize) {
        let person = &mut self.seats[key].person;
        if person.is_stuck() {
            for _ in person.backlog.drain(..) {
                let why = || "a change of rooms was refused, and who was refused goes no further".to_owned();
                self.ear.note_error(person.id, "not asked", why, "");
            }
        }
        while self.can_send(key)
            && let Some(intended) = self.seats[key].person.backlog.pop_front()
        {
            self.act(key, intended);
        }
    }

    /// In a closed loop: as many as may be under way.
    fn fill_window(&mut self, key: usize, now: u64) {
        let Load::Closed { window } = self.plan().load else { return };
        let times = self.ear.times;
        let is_time = times.starts_at <= now && now < times.ends_at;
        while is_time && self.under_way(key) < window && self.can_send(key) && self.ear.shared.take_message()
        {
            self.act(key, now);
        }
    }

    /// How many messages of a sender some receiver has not got, or how many changes of rooms are not done.
    fn under_way(&self, key: usize) -> u32 {
        let Person { voice, sender, hopper, .. } = &self.seats[key].person;
        if let Some(hopper) = hopper {
            return hopper.under_way();
        }
        let Some(sender) = sender else { return 0 };
        // An echo is its sender's own affair.
        let through = match self.plan().scenario {
            Scenario::Echo => self.ear.shared.through_at(self.ear.thread, *voice),
            _ => self.ear.shared.through(*voice),
        };
        sender.sent.saturating_sub(through).saturating_sub(sender.refused_in_all)
    }

    fn can_send(&mut self, key: usize) -> bool {
        let Seat { link, person } = &mut self.seats[key];
        person.stage == Stage::Ready
            && !person.is_stuck()
            && link.as_mut().is_some_and(|link| link.out().unwritten().len() < UNWRITTEN_BYTES_MAX)
    }

    /// Says what was meant to be said at that moment.
    fn act(&mut self, key: usize, intended: u64) {
        match self.seats[key].person.hopper {
            Some(_) => self.hop(key, intended),
            None => self.send(key, intended),
        }
        self.ear.lately.sends += 1;
        self.ear.tallies.measured_sends += u64::from(self.ear.times.is_measured(intended));
        self.note_dirty(key);
    }

    /// Asks for the next room.
    fn hop(&mut self, key: usize, intended: u64) {
        let Seat { link: Some(link), person: Person { hopper: Some(hopper), .. } } = &mut self.seats[key]
        else {
            return;
        };
        self.ear.speech.change(&hopper.ask(intended), |text| link.out().text(text));
    }

    fn send(&mut self, key: usize, intended: u64) {
        let Seat { link, person } = &mut self.seats[key];
        let (Some(link), Some(sender)) = (link, &mut person.sender) else { return };
        let stamp = Stamp { sender: person.voice, sequence: u64::from(sender.sent), intended };
        self.text.clear();
        let ear = &mut self.ear;
        let saved = saved(person.kept.as_deref());
        ear.speech.say(person.id, stamp.sequence, saved, &mut self.text, |out| ear.stamps.write(stamp, out));
        send(link.out(), &self.text, ear.plan.is_binary);
        if ear.speech.has_positions() {
            sender.answers.push(UNANSWERED);
            if ear.plan.scenario == Scenario::Storm {
                sender.pending.push_back((sender.sent, intended));
            }
        }
        sender.sent += 1;
        ear.shared.note_sent(person.voice, sender.sent);
    }

    // Connecting.

    fn dial_due(&mut self, now: u64, sockets: &mut dyn Sockets) {
        let is_over = self.is_over();
        while let Some(&key) = self.to_dial.front()
            && self.ear.under_way < self.in_flight
            && !is_over
            && self.may_dial(now)
        {
            self.to_dial.pop_front();
            self.dial(key, now, sockets);
        }
    }

    /// Whether nobody comes any more. Those who were cut off may come back to the end.
    fn is_over(&self) -> bool {
        let is_draining = self.phase == Phase::Draining && self.plan().scenario != Scenario::Storm;
        let shared = &self.ear.shared;
        is_draining || self.ear.is_closing || shared.is_stopped() || shared.is_deserted()
    }

    /// Counts the end of a connection that was not meant to end, or that never became ready.
    fn note_how_it_ended(&mut self, key: usize, now: u64) {
        let Seat { person, .. } = &mut self.seats[key];
        let was_cut = person.kept.as_deref().is_some_and(|kept| kept.cut_at.is_some());
        let ear = &mut self.ear;
        if ear.is_closing || ear.shared.is_stopped() {
            return;
        }
        match person.stage {
            Stage::Ready if !was_cut && person.role == Role::Slow => {
                let kept = person.kept();
                kept.eviction = match kept.close_code {
                    None | Some(close::GOING_AWAY | close::SERVICE_RESTART) => Some(Eviction::Dropped),
                    Some(_) => Some(Eviction::Closed),
                };
                // It is lost after all where others are.
                ear.shared.note_lost(now);
            }
            Stage::Ready if !was_cut => {
                self.lost += 1;
                if let Some(server) = ear.server_of(person.id) {
                    server.lost += 1;
                }
                ear.shared.note_lost(now);
            }
            Stage::Dialling | Stage::Upgrading | Stage::Joining if !self.has_stormed => {
                ear.note_failed(person.id);
                ear.note_settled(now);
            }
            _ => {}
        }
    }

    /// Whether the ramp has come so far. A connection that comes back is beyond it.
    fn may_dial(&self, now: u64) -> bool {
        let plan = self.plan();
        if plan.scenario == Scenario::Connect || self.ramped >= self.seats.len() as u64 {
            return true;
        }
        let ramp = plan.ramp.as_nanos() as f64;
        ramp * self.ramped as f64 * plan.threads as f64 / plan.connections as f64 <= now as f64
    }

    fn dial(&mut self, key: usize, now: u64, sockets: &mut dyn Sockets) {
        self.ramped += 1;
        let attempt = self.ear.shared.next_dial();
        let id = self.seats[key].person.id;
        let to = self.to[self.plan().servers.number_of(id)];
        let from = self.source(to, attempt);
        let tls = self.plan().servers.of(id).tls.clone();
        let dial = Dial { to: Address::Tcp(to), from, keep_alive: KeepAlive::ByProtocol, tls };
        let ear = &mut self.ear;
        let Seat { link, person } = &mut self.seats[key];
        ear.connecting.dialled += 1;
        ear.first_dial_at = ear.first_dial_at.min(now);
        person.dialled_at = now;
        person.has_heard = false;
        *link = Some(match self.scheme {
            Scheme::Ws => {
                let request = self.requests.make(person.id, attempt, &ear.speech);
                let headers: Vec<(&str, &str)> =
                    request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                let upgrade = Upgrade {
                    authority: &request.authority,
                    target: &request.target,
                    subprotocols: &self.requests.subprotocols(&ear.speech),
                    headers: &headers,
                };
                let compression = self.compression.clone();
                Link::upgrade_with(&upgrade, compression, Masks::default(), MESSAGE_BYTES_MAX)
                    .wait_for_reason()
            }
            Scheme::Tcp => Link::lines(MESSAGE_BYTES_MAX),
        });
        person.stage = Stage::Dialling;
        ear.under_way += 1;
        if let Err(error) = sockets.dial(key, &dial) {
            note_no_connection(ear, person.id, &error);
            ear.note_end(person);
        }
    }

    /// The address to dial from in attempt number `number` of the run.
    fn source(&self, to: SocketAddr, number: u64) -> Option<IpAddr> {
        let plan = self.plan();
        if !plan.bind.is_empty() {
            return Some(plan.bind[(number % plan.bind.len() as u64) as usize]);
        }
        let block = number / DIALS_PER_LOOPBACK_ADDRESS % LOOPBACK_ADDRESSES;
        let is_loopback = matches!(to.ip(), IpAddr::V4(ip) if ip.is_loopback());
        (is_loopback && block > 0).then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1 + block as u8)))
    }

    /// Nothing more will come: what there is of a refusal is told.
    fn hear_end(&mut self, key: usize) {
        let now = self.now();
        let Seat { link: Some(link), person } = &mut self.seats[key] else { return };
        link.receive_end(|out, event| self.ear.hear(person, out, event, now));
    }

    /// What becomes of a seat whose connection is gone.
    fn vacate(&mut self, key: usize, now: u64) {
        self.note_how_it_ended(key, now);
        let Seat { link, person } = &mut self.seats[key];
        *link = None;
        self.ear.drop_out(person);
        person.is_ending = false;
        let was_well = person.stage == Stage::Leaving;
        let was_ready = person.stage == Stage::Ready;
        let is_over = self.is_over();
        let Seat { person, .. } = &mut self.seats[key];
        let scenario = self.ear.plan.scenario;
        let comes_back = match scenario {
            Scenario::Connect => true,
            Scenario::Churn => person.role == Role::Visitor && person.stage == Stage::Leaving,
            Scenario::Storm => self.has_stormed,
            _ => false,
        };
        person.stage = if comes_back && !is_over { Stage::Out } else { Stage::Gone };
        if person.stage == Stage::Gone {
            self.ear.shared.note_gone();
        }
        if person.stage == Stage::Out && scenario == Scenario::Storm {
            let lot = self.ear.lot(person, now);
            let wait = person.kept().backoff.wait(lot, None);
            let due = now + wait.0 * 1_000_000;
            if was_ready {
                self.ear.shared.note_alive(due);
            }
            self.returns.push(Reverse((due, key)));
        } else if person.stage == Stage::Out && was_well {
            self.to_dial.push_back(key);
        } else if person.stage == Stage::Out {
            self.returns.push(Reverse((now + RETRY, key)));
            let attempts = self.ear.connecting.dialled;
            if self.ear.connecting.ready == 0 && attempts >= 2 * self.in_flight as u64 {
                self.ear.shared.despair(now);
            }
        }
    }
}

impl Handler for Crew {
    type Mail = ();

    /// Another thread's receivers have messages of our senders.
    fn handle_mail(&mut self, _: Millis, (): ()) {
        self.ear.credits.extend_from_slice(&self.actors);
    }

    fn handle_accepted(&mut self, _: Millis, _: ListenerId, _: Peer) -> Result<usize, &[u8]> {
        Err(b"")
    }

    fn handle_connected(&mut self, _: Millis, key: usize) {
        let now = self.now();
        let Seat { link, person } = &mut self.seats[key];
        person.connected_at = now;
        person.stage = Stage::Upgrading;
        record(&mut self.ear.connecting.connect, now.saturating_sub(person.dialled_at));
        if let (Some(link), Scheme::Tcp) = (link, self.scheme) {
            self.ear.opened(person, link.out(), now);
        }
        self.note_dirty(key);
    }

    fn handle_bytes(&mut self, _: Millis, key: usize, bytes: &mut [u8]) {
        let now = self.now();
        let ear = &mut self.ear;
        let Seat { link: Some(link), person } = &mut self.seats[key] else { return };
        person.is_pinged = false;
        ear.is_measuring = ear.times.is_measured(now);
        ear.lately.bytes_received += bytes.len() as u64;
        if ear.is_measuring {
            ear.tallies.measured_bytes_received += bytes.len() as u64;
            ear.tallies.reads += 1;
            ear.tallies.full_reads += u64::from(bytes.len() == READ_BUFFER_LEN);
        }
        if person.role == Role::Slow {
            let kept = person.kept();
            kept.allowance = kept.allowance.saturating_sub_unsigned(bytes.len() as u64);
        }
        link.receive(bytes, |out, event| ear.hear(person, out, event, now));
        self.note_dirty(key);
    }

    fn handle_eof(&mut self, _: Millis, key: usize) {
        self.hear_end(key);
        let person = &mut self.seats[key].person;
        if person.stage != Stage::Leaving && !person.is_ending {
            let how = match self.scheme {
                Scheme::Ws => "the server ended the connection without a Close frame",
                Scheme::Tcp => "the server ended the connection",
            };
            let how = self.ear.waits_for(person).map_or(how.to_owned(), |step| format!("{step}, but {how}"));
            self.ear.note_error(person.id, "closed", || how, "");
        }
        self.ear.note_end(person);
    }

    fn handle_reset(&mut self, _: Millis, key: usize, error: io::Error) {
        self.hear_end(key);
        let person = &mut self.seats[key].person;
        match person.stage {
            _ if person.is_ending => {}
            Stage::Dialling => note_no_connection(&mut self.ear, person.id, &error),
            Stage::Leaving => {}
            _ => self.ear.note_error(person.id, "reset", || format!("the connection broke: {error}"), ""),
        }
        self.ear.note_end(person);
    }

    fn handle_writable(&mut self, _: Millis, key: usize) {
        self.note_dirty(key);
    }

    fn wants_bytes(&self, key: usize) -> bool {
        let person = &self.seats[key].person;
        let is_slow = person.role == Role::Slow
            && person.stage == Stage::Ready
            && matches!(self.phase, Phase::Warmup | Phase::Measured);
        !is_slow || person.kept.as_deref().is_some_and(|kept| kept.allowance > 0)
    }

    fn handle_timers(&mut self, now: Millis) {
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.tick(self.now());
        }
    }

    fn handle_wake(&mut self, _: Millis) {
        let now = self.now();
        self.send_due(now);
        let to_wake = std::mem::take(&mut self.ear.to_wake);
        for (thread, post) in self.posts.iter().enumerate() {
            if to_wake >> thread & 1 == 1 {
                // A queue that is full wakes it too.
                let _ = post.send(());
            }
        }
    }

    fn flush(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        let now = self.now();
        self.dial_due(now, sockets);
        for key in std::mem::take(&mut self.dirty) {
            let Seat { link, person } = &mut self.seats[key];
            person.is_dirty = false;
            let Some(link) = link else { continue };
            if person.stage == Stage::Dialling {
                continue;
            }
            let out = link.out();
            match sockets.write(key, &[IoSlice::new(out.unwritten())]) {
                Ok(len) => {
                    out.note_written(len);
                    if self.ear.times.is_measured(now) {
                        self.ear.tallies.measured_bytes_sent += len as u64;
                    }
                    if !person.backlog.is_empty() {
                        self.ear.awake.push(key);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    if person.stage != Stage::Leaving && !person.is_ending {
                        self.ear.note_error(
                            person.id,
                            "reset",
                            || format!("the connection broke: {error}"),
                            "",
                        );
                    }
                    self.ear.note_end(person);
                }
            }
        }
        let is_trickling = matches!(self.phase, Phase::Warmup | Phase::Measured);
        for &key in &self.slow {
            let kept = self.seats[key].person.kept.as_deref();
            if !is_trickling || kept.is_some_and(|kept| kept.allowance > 0) {
                sockets.resume(key);
            }
        }
        if let Some(schedule) = &self.schedule
            && self.phase < Phase::Draining
            && self.ear.times.starts_at != u64::MAX
        {
            self.alarm.set(now, self.ear.times.starts_at + schedule.due());
        }
    }

    fn reap(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        if self.ear.ended.is_empty() {
            return;
        }
        let now = self.now();
        for key in std::mem::take(&mut self.ear.ended) {
            sockets.close(key);
            self.vacate(key, now);
        }
    }

    fn has_work(&self) -> bool {
        !self.ear.awake.is_empty()
    }

    fn next_deadline(&self) -> Millis {
        self.next_tick
    }

    fn is_done(&self) -> bool {
        self.is_finished
    }
}

/// A connection did not come about.
fn note_no_connection(ear: &mut Ear, connection: u32, error: &io::Error) {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::ConnectionRefused => ("refused", "is the server running there?"),
        io::ErrorKind::TimedOut => ("timed out", ""),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => {
            ("no port left", "--bind takes further source addresses")
        }
        _ if error.raw_os_error() == Some(EMFILE) => ("no descriptor left", "raise it: ulimit -n"),
        _ => ("connect", ""),
    };
    ear.note_error(connection, kind, || error.to_string(), hint);
}

/// The error number of a process that has as many descriptors as it may.
const EMFILE: i32 = 24;
