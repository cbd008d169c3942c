//! What comes in, and what follows from it. This is the path that every delivery takes.

use super::flight::Flights;
use super::hop::Answer;
use super::ledger::Arrival;
use super::login::saved;
use super::outcome::{ChinwagAudit, Connecting, Errors, HopAudit, ServerCounts, record};
use super::plan::{Dialect, Load, Plan, Scenario};
use super::seat::{Person, REFUSED, Role, Stage, UNANSWERED};
use super::seating::Seating;
use super::shared::{Shared, Times};
use super::speech::{ELSEWHERE, Heard, Return, Speech};
use super::stamp::{Found, Stamp, Stamps};
use super::{outcome, stamp};
use crate::client::{End, Event, Outgoing, Scheme, Spoken};
use std::sync::Arc;

/// What is counted while it runs.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    /// Deliveries, each counted once.
    pub delivered: u64,
    /// See [`outcome::Audit`].
    pub doubled: u64,
    /// The same.
    pub reordered: u64,
    /// The same.
    pub corrupted: u64,
    /// The same.
    pub foreign: u64,
    /// The same.
    pub gaps: u64,
    /// The same.
    pub refused: u64,
    /// What only a server with positions can be held to.
    pub chinwag: ChinwagAudit,
    /// What those were answered who go from room to room.
    pub hops: HopAudit,
    /// Deliveries in the measured phase, or joins.
    pub measured_deliveries: u64,
    /// Messages sent in it, or changes of rooms asked for.
    pub measured_sends: u64,
    /// Bytes received in it.
    pub measured_bytes_received: u64,
    /// Bytes sent in it.
    pub measured_bytes_sent: u64,
    /// Reads in it.
    pub reads: u64,
    /// Those of them that left the socket unemptied.
    pub full_reads: u64,
}

impl Tallies {
    /// Those of another thread too.
    pub fn merge(&mut self, other: &Tallies) {
        self.hops.merge(other.hops);
        let chinwag = &mut self.chinwag;
        for (sum, more) in [
            (&mut self.delivered, other.delivered),
            (&mut self.doubled, other.doubled),
            (&mut self.reordered, other.reordered),
            (&mut self.corrupted, other.corrupted),
            (&mut self.foreign, other.foreign),
            (&mut self.gaps, other.gaps),
            (&mut self.refused, other.refused),
            (&mut chinwag.acked, other.chinwag.acked),
            (&mut chinwag.position_breaks, other.chinwag.position_breaks),
            (&mut chinwag.resumes, other.chinwag.resumes),
            (&mut chinwag.resumed, other.chinwag.resumed),
            (&mut chinwag.resumed_untrue, other.chinwag.resumed_untrue),
            (&mut self.measured_deliveries, other.measured_deliveries),
            (&mut self.measured_sends, other.measured_sends),
            (&mut self.measured_bytes_received, other.measured_bytes_received),
            (&mut self.measured_bytes_sent, other.measured_bytes_sent),
            (&mut self.reads, other.reads),
            (&mut self.full_reads, other.full_reads),
        ] {
            *sum += more;
        }
    }
}

/// What is counted for each second.
#[derive(Clone, Debug)]
pub struct Lately {
    /// Messages, or changes of rooms, of an open loop that became due.
    pub intended: u64,
    /// Messages sent, or changes of rooms asked for.
    pub sends: u64,
    /// Deliveries, or joins.
    pub deliveries: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Latencies of messages that are measured.
    pub measured: outcome::Times,
    /// Those of the others.
    pub others: outcome::Times,
    /// How late messages that are measured were sent.
    pub lateness: outcome::Times,
}

impl Default for Lately {
    fn default() -> Self {
        let [measured, others, lateness] = [(); 3].map(|()| outcome::times());
        Lately { intended: 0, sends: 0, deliveries: 0, bytes_received: 0, measured, others, lateness }
    }
}

/// Adds a message to what is written: binary, or text.
pub fn send(out: &mut Outgoing, message: &[u8], is_binary: bool) {
    match is_binary {
        true => out.binary(message),
        false => out.text(str::from_utf8(message).expect("stamps and templates are text")),
    }
}

/// What hears, for all connections of a thread.
#[derive(Debug)]
pub struct Ear {
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// Who sits where.
    pub seating: Seating,
    /// What the threads share.
    pub shared: Arc<Shared>,
    /// Which of them this is.
    pub thread: usize,
    /// How it is talked.
    pub speech: Speech,
    /// How payloads are marked.
    pub stamps: Stamps,
    /// Messages that some have and others have not, where that matters.
    pub flights: Option<Flights>,
    /// By loud room: receivers of this thread that are measured and ready.
    pub audiences: Vec<u32>,
    /// When what happens, as of the last tick.
    pub times: Times,
    /// Whether this moment is measured.
    pub is_measuring: bool,
    /// Whether it is over, and who goes now misses nothing.
    pub is_closing: bool,
    /// What is counted.
    pub tallies: Tallies,
    /// What is counted for each second.
    pub lately: Lately,
    /// What went wrong.
    pub errors: Errors,
    /// What became of each of several servers; empty where there is but one.
    pub servers: Vec<ServerCounts>,
    /// How connections came about.
    pub connecting: Connecting,
    /// How long those took to come back that were cut off.
    pub back_after: outcome::Times,
    /// When the first connection was dialled.
    pub first_dial_at: u64,
    /// When the last one became ready, or failed, before the start.
    pub settled_at: u64,
    /// Between dialling and being ready.
    pub under_way: usize,
    /// Ready.
    pub open: u64,
    /// By home: the life of its numbering.
    pub epochs: Vec<String>,
    /// Senders that may send another, in a closed loop; by key.
    pub credits: Vec<usize>,
    /// Other threads, a bit for each, whose senders may.
    pub to_wake: u64,
    /// Senders that can send what they owe; by key.
    pub awake: Vec<usize>,
    /// Connections that have ended; by key.
    pub ended: Vec<usize>,
}

impl Ear {
    /// The key of a participant of this thread.
    fn key(&self, id: u32) -> usize {
        id as usize / self.plan.threads
    }

    fn is_local(&self, id: u32) -> bool {
        id as usize % self.plan.threads == self.thread
    }

    /// What is counted for the server of a connection, where there are several.
    pub fn server_of(&mut self, connection: u32) -> Option<&mut ServerCounts> {
        // No division on the path of each delivery.
        if self.servers.is_empty() {
            return None;
        }
        let number = self.plan.servers.number_of(connection);
        self.servers.get_mut(number)
    }

    /// Counts an attempt to connect that failed.
    pub fn note_failed(&mut self, connection: u32) {
        self.connecting.failed += 1;
        if let Some(server) = self.server_of(connection) {
            server.failed += 1;
        }
    }

    /// Counts an error of a connection.
    pub fn note_error(
        &mut self,
        connection: u32,
        kind: &str,
        example: impl FnOnce() -> String,
        hint: &'static str,
    ) {
        let Ear { plan, servers, errors, .. } = self;
        match servers.get_mut(plan.servers.number_of(connection)) {
            None => errors.add(kind, example, hint),
            Some(server) => {
                server.errors += 1;
                errors.add(kind, || format!("{}: {}", server.url, example()), hint);
            }
        }
    }

    /// The room that has that number on the server of a connection.
    fn numbered(&self, connection: u32, room: Option<u32>) -> Option<u32> {
        room.map(|number| self.seating.at_server_of(connection, number).unwrap_or(ELSEWHERE))
    }

    /// Takes in what the peer of `person` says.
    #[inline]
    pub fn hear(&mut self, person: &mut Person, out: &mut Outgoing, event: Event<'_>, at: u64) {
        match event {
            Event::Text(text) if self.speech.is_foreign() => {
                let is_ours = self.take_all(person, text.as_bytes(), at);
                if !is_ours || person.stage == Stage::Joining {
                    self.hear_script(person, out, text, at);
                }
            }
            Event::Text(text) => match self.speech.hear(text) {
                Heard::Message { room, position, text } => self.take(person, room, position, text, at),
                heard => self.hear_of_it(person, out, heard, at),
            },
            Event::Binary(bytes) if self.speech.is_foreign() => {
                let is_ours = self.take_all(person, bytes, at);
                if let (false, Ok(text)) = (is_ours, str::from_utf8(bytes)) {
                    self.hear_script(person, out, text, at);
                }
            }
            Event::Binary(bytes) => self.take(person, None, None, bytes, at),
            Event::Pong(_) => {}
            Event::Open { is_deflated, .. } => {
                if self.plan.deflate && !is_deflated {
                    self.note_error(
                        person.id,
                        "not deflated",
                        || "the server does not deflate messages".to_owned(),
                        "our own does with chinwag serve --deflate",
                    );
                }
                self.opened(person, out, at);
            }
            Event::Ended(end) => self.end(person, end),
        }
    }

    /// The connection can be spoken over.
    pub fn opened(&mut self, person: &mut Person, out: &mut Outgoing, at: u64) {
        if self.plan.servers.scheme() == Scheme::Ws {
            record(&mut self.connecting.handshake, at.saturating_sub(person.connected_at));
        }
        person.stage = Stage::Joining;
        if !self.log_in(person, out, at) {
            self.join_rooms(person, out, at);
        }
    }

    /// Joins its rooms, once it has logged in.
    pub(super) fn join_rooms(&mut self, person: &mut Person, out: &mut Outgoing, at: u64) {
        let kept = person.kept.as_deref();
        let identity = kept.and_then(|kept| kept.identity.as_ref());
        let back = Return {
            identity: identity.map(|(name, secret)| (name.as_str(), secret.as_str())),
            since: (person.next_position > 0)
                .then(|| (self.epochs[person.home as usize].as_str(), person.next_position - 1)),
        };
        let rooms = self.speech.open(person.id, &back, saved(person.kept.as_deref()), |text| out.text(text));
        person.rooms_awaited = rooms;
        if person.rooms_awaited == 0 {
            self.ready(person, out, at);
        }
    }

    /// Those among whom a person is waited for, if it is.
    fn audience(&mut self, person: &Person) -> Option<&mut u32> {
        self.audiences.get_mut(person.home as usize).filter(|_| person.role == Role::Measured)
    }

    /// A connection has become ready, or has failed. Returns whether that was before the start.
    pub fn note_settled(&mut self, at: u64) -> bool {
        let is_before_start = at < self.times.starts_at;
        if is_before_start {
            self.settled_at = at;
        }
        is_before_start
    }

    fn ready(&mut self, person: &mut Person, out: &mut Outgoing, at: u64) {
        person.stage = Stage::Ready;
        self.under_way -= 1;
        self.open += 1;
        self.connecting.ready += 1;
        if let Some(server) = self.server_of(person.id) {
            server.ready += 1;
        }
        self.connecting.at_start += u64::from(self.note_settled(at));
        self.connecting.open_max = self.connecting.open_max.max(self.open);
        record(&mut self.connecting.ready_after, at.saturating_sub(person.dialled_at));
        if let Some(audience) = self.audience(person) {
            *audience += 1;
        }
        self.speech.settle(|text| out.text(text));
        if let Some(kept) = &mut person.kept {
            kept.backoff.reset();
            if let Some(cut_at) = kept.cut_at.take() {
                record(&mut self.back_after, at.saturating_sub(cut_at));
            }
        }
        if self.plan.scenario == Scenario::Connect {
            // That was it: the server closes first then, and bears the socket's afterlife.
            person.stage = Stage::Leaving;
            out.close(1000, "");
            return;
        }
        if let Some(sender) = &mut person.sender {
            // Sent before, never answered: the key tells the server which of them it has.
            let mut text = Vec::new();
            for &(sequence, intended) in &sender.pending {
                text.clear();
                let stamp = Stamp { sender: person.voice, sequence: u64::from(sequence), intended };
                let write = |out: &mut Vec<u8>| self.stamps.write(stamp, out);
                self.speech.say(person.id, stamp.sequence, &[], &mut text, write);
                send(out, &text, self.plan.is_binary);
            }
            self.awake.push(self.key(person.id));
        }
    }

    /// A message that may hold a payload.
    #[inline]
    fn take(&mut self, person: &mut Person, room: Option<u32>, position: Option<u64>, text: &[u8], at: u64) {
        if room.is_some_and(|room| room != self.seating.on_its_server(person.home)) {
            return self.take_astray(person, text, at);
        }
        if let Some(position) = position {
            self.take_position(person, position);
        }
        match self.stamps.find(text, at) {
            Found::Sound(stamp) => self.deliver(person, stamp, position, at),
            Found::Spoiled(stamp) => {
                self.tallies.corrupted += 1;
                self.deliver(person, stamp, position, at);
            }
            Found::Unreadable => self.take_unreadable(person),
            Found::Nothing => {}
        }
    }

    /// All payloads of a message of another server. Returns whether there was one.
    #[inline]
    fn take_all(&mut self, person: &mut Person, text: &[u8], at: u64) -> bool {
        let mut rest = text;
        let mut before = Found::Nothing;
        loop {
            let found = self.stamps.find_next(&mut rest, at);
            match found {
                // A server may repeat a text in one message, as plain text and as HTML.
                found if found == before && !self.speech.is_bare() && found != Found::Nothing => {}
                Found::Sound(stamp) => self.deliver(person, stamp, None, at),
                Found::Spoiled(stamp) => {
                    self.tallies.corrupted += 1;
                    self.deliver(person, stamp, None, at);
                }
                Found::Unreadable => self.take_unreadable(person),
                Found::Nothing if before != Found::Nothing => return true,
                Found::Nothing => {
                    self.tallies.foreign += u64::from(self.speech.is_bare() && !self.is_greeting(person, at));
                    return false;
                }
            }
            before = found;
            if rest.is_empty() {
                return true;
            }
        }
    }

    #[cold]
    fn take_unreadable(&mut self, person: &mut Person) {
        self.tallies.corrupted += 1;
        self.tallies.delivered += 1;
        person.kept().unreadable += 1;
    }

    /// Whether a server may still be greeting: nobody has sent yet or, of a connection that came later, nothing of ours has
    /// reached it.
    fn is_greeting(&self, person: &Person, at: u64) -> bool {
        let is_newcomer = person.connected_at >= self.times.starts_at;
        at < self.times.starts_at || is_newcomer && !person.has_heard
    }

    /// A message of a room in which nobody of ours speaks, or in which this person does not sit.
    #[cold]
    fn take_astray(&mut self, person: &Person, text: &[u8], at: u64) {
        if self.stamps.find(text, at) != Found::Nothing {
            self.tallies.foreign += 1;
            self.note_error(
                person.id,
                "wrong room",
                || "a message came in a room in which it was not said".to_owned(),
                "",
            );
        }
    }

    #[inline]
    fn deliver(&mut self, person: &mut Person, stamp: Stamp, position: Option<u64>, at: u64) {
        let Stamp { sender, sequence, intended } = stamp;
        let sequence = u32::try_from(sequence).unwrap_or(u32::MAX >> 1);
        person.has_heard = true;
        if sender == person.voice && person.is_own(sender, &self.plan) {
            return self.take_own(person, sequence, position);
        }
        match person.ledger.note(sender, sequence) {
            Arrival::New => {}
            Arrival::Late => self.tallies.reordered += 1,
            Arrival::Doubled => {
                self.tallies.doubled += 1;
                return;
            }
            Arrival::Stray => {
                self.note_stray(person, sender);
                return;
            }
        }
        self.tallies.delivered += 1;
        self.tallies.measured_deliveries += u64::from(self.is_measuring);
        self.lately.deliveries += 1;
        if let Some(server) = self.server_of(person.id) {
            server.delivered += 1;
        }
        let is_measured = self.times.is_measured(intended);
        if person.role != Role::Measured {
            return;
        }
        let latency = at.saturating_sub(intended);
        if let Some(server) = self.server_of(person.id).filter(|_| is_measured) {
            record(&mut server.latency, latency);
        }
        record(if is_measured { &mut self.lately.measured } else { &mut self.lately.others }, latency);
        let is_through = match &mut self.flights {
            None => self.plan.scenario == Scenario::Echo,
            Some(flights) => {
                let is_sender_apart = !self.plan.self_echo
                    && self.seating.speaker(sender) as usize % self.plan.threads == self.thread;
                let audience = self.audiences[person.home as usize];
                let audience = audience.saturating_sub(u32::from(is_sender_apart)).max(1);
                flights.note(sender, sequence, at, audience, is_measured)
            }
        };
        if is_through && matches!(self.plan.load, Load::Closed { .. }) {
            self.note_through(sender);
        }
    }

    /// A message of a sender that the receiver does not listen to.
    #[cold]
    fn note_stray(&mut self, person: &Person, sender: u32) {
        self.tallies.foreign += 1;
        let (kind, example, hint) = match self.plan.scenario {
            Scenario::Echo => (
                "not an echo",
                "a connection received the message of another connection",
                "the server broadcasts: use fanout with --dialect raw instead",
            ),
            _ if self.seating.is_namesake(sender, person.home) => (
                "another server's message",
                "a connection received a message that was sent to another server",
                "use --cluster if these servers share their rooms",
            ),
            _ => ("wrong receiver", "a connection received a message of a room that it had not joined", ""),
        };
        self.note_error(person.id, kind, || example.to_owned(), hint);
    }

    /// All receivers of this thread have a message of that sender, or are not waited for any more.
    pub fn note_through(&mut self, voice: u32) {
        self.shared.note_through(self.thread, voice);
        let speaker = self.seating.speaker(voice);
        match self.is_local(speaker) {
            true => self.credits.push(self.key(speaker)),
            false => self.to_wake |= 1 << (speaker as usize % self.plan.threads),
        }
    }

    /// One's own message: after coming back, it says that the message was taken. Otherwise nobody asked for it.
    #[cold]
    fn take_own(&mut self, person: &mut Person, sequence: u32, position: Option<u64>) {
        let sender = person.sender.as_mut().expect("who is a message's sender, sends");
        let answer = sender.answers.get_mut(sequence as usize);
        match (answer, position) {
            (Some(answer), Some(position)) if *answer == UNANSWERED => {
                *answer = position;
                self.tallies.chinwag.acked += 1;
                sender.pending.retain(|(pending, _)| *pending != sequence);
            }
            _ => {
                self.tallies.foreign += 1;
                self.note_error(
                    person.id,
                    "own message",
                    || "a sender received its own message".to_owned(),
                    "use --self-echo if the server sends messages back to their sender too",
                );
            }
        }
    }

    /// The room's numbers must follow one another.
    #[inline]
    fn take_position(&mut self, person: &mut Person, position: u64) {
        if position != person.next_position && person.next_position != 0 {
            // One's own message follows its acknowledgement, whose position is the same.
            if self.plan.self_echo && person.sender.is_some() && position + 1 == person.next_position {
                return;
            }
            self.note_break(person);
        }
        person.next_position = position + 1;
    }

    #[cold]
    fn note_break(&mut self, person: &mut Person) {
        self.tallies.chinwag.position_breaks += 1;
        let expected = person.next_position;
        if person.kept().resumes_until.take_if(|until| expected <= *until).is_some() {
            self.tallies.chinwag.resumed_untrue += 1;
        }
    }

    /// What is no message.
    #[cold]
    fn hear_of_it(&mut self, person: &mut Person, out: &mut Outgoing, heard: Heard<'_>, at: u64) {
        match heard {
            Heard::Message { .. } | Heard::Notice => {}
            Heard::Welcome { name, secret } => {
                person.kept().identity = Some((name.into_owned(), secret.into_owned()));
            }
            Heard::Left { room, request } => {
                let room = self.numbered(person.id, room);
                self.answered(person, request, Answer::Left, room, at);
            }
            Heard::Joined { room, request: Some(request), .. } => {
                let room = self.numbered(person.id, room);
                self.answered(person, request, Answer::Joined, room, at);
            }
            Heard::Joined { room, epoch, position, resumed, .. } => {
                let room = self.numbered(person.id, room).unwrap_or(person.home);
                if person.stage != Stage::Joining || !self.seating.sits_in(person.id, room) {
                    return;
                }
                if room == person.home {
                    self.join(person, &epoch, position, resumed);
                }
                person.rooms_awaited -= 1;
                if person.rooms_awaited == 0 {
                    self.ready(person, out, at);
                }
            }
            Heard::Acked { sequence, position, is_duplicate } => {
                if !is_duplicate {
                    self.take_position(person, position);
                }
                let Some(sender) = &mut person.sender else { return };
                let sequence = u32::try_from(sequence).unwrap_or(u32::MAX);
                if let Some(answer) = sender.answers.get_mut(sequence as usize)
                    && *answer == UNANSWERED
                {
                    *answer = position;
                    self.tallies.chinwag.acked += 1;
                    sender.pending.retain(|(pending, _)| *pending != sequence);
                }
            }
            Heard::Refused { sequence, code } => self.refused(person, sequence, &code, at),
            Heard::Gap { room, .. }
                if self.numbered(person.id, room).is_some_and(|room| room != person.home) => {}
            Heard::Gap { from, to, .. } => {
                self.tallies.gaps += 1;
                if self.speech.has_positions() {
                    if person.next_position != from {
                        self.note_break(person);
                    }
                    person.next_position = to + 1;
                }
                person.kept().gaps.push((from, to));
            }
        }
    }

    fn join(&mut self, person: &mut Person, epoch: &str, position: u64, resumed: Option<bool>) {
        if !self.speech.has_positions() {
            return;
        }
        let was_at = person.next_position;
        if let Some(is_resumed) = resumed {
            self.tallies.chinwag.resumes += 1;
            self.tallies.chinwag.resumed += u64::from(is_resumed);
        }
        match resumed {
            Some(true) => person.kept().resumes_until = Some(position),
            // The old numbers mean nothing any more, so it cannot be told which messages are missing.
            Some(false) if self.epochs[person.home as usize] != epoch => {
                person.ledger.was_away();
                person.next_position = position + 1;
            }
            Some(false) => {
                self.tallies.gaps += 1;
                person.kept().gaps.push((was_at, position));
                person.next_position = position + 1;
            }
            None => person.next_position = position + 1,
        }
        epoch.clone_into(&mut self.epochs[person.home as usize]);
    }

    fn refused(&mut self, person: &mut Person, sequence: Option<u64>, code: &str, at: u64) {
        let hint = match code {
            "rate_limited" if person.stage == Stage::Joining || person.hopper.is_some() => {
                "start the server with --requests-per-second 0"
            }
            "rate_limited" => "start the server with --publish-per-second 0",
            "too_big" => "start the server with a greater --message-bytes",
            "too_many_rooms" => "start the server with more --rooms-per-connection",
            "busy" => "start the server with more --rooms-max, or --members-max",
            _ => "",
        };
        self.note_error(person.id, code, || "the server did not take it".to_owned(), hint);
        match (sequence, &mut person.sender) {
            (Some(sequence), Some(sender)) => {
                self.tallies.refused += 1;
                sender.refused_in_all += 1;
                self.shared.note_refused(person.voice);
                match sender.answers.get_mut(usize::try_from(sequence).unwrap_or(usize::MAX)) {
                    Some(answer) => *answer = REFUSED,
                    None => sender.refused += 1,
                }
                sender.pending.retain(|(pending, _)| u64::from(*pending) != sequence);
                if matches!(self.plan.load, Load::Closed { .. }) {
                    self.credits.push(self.key(person.id));
                }
            }
            (Some(request), None) if person.hopper.is_some() => {
                self.answered(person, request, Answer::Refused, None, at);
            }
            _ if person.stage == Stage::Joining => self.note_end(person),
            _ => {}
        }
    }

    /// What somebody asked for who goes from room to room.
    fn answered(&mut self, person: &mut Person, request: u64, answer: Answer, room: Option<u32>, at: u64) {
        let Some(hopper) = &mut person.hopper else { return };
        let Some(intended) = hopper.answer(request, answer, room) else {
            self.tallies.hops.unasked += 1;
            self.note_error(
                person.id,
                "answer",
                || "a change of rooms was answered that nobody had asked for".to_owned(),
                "",
            );
            return;
        };
        let hops = &mut self.tallies.hops;
        match answer {
            Answer::Left => hops.left += 1,
            Answer::Refused => hops.refused += 1,
            Answer::Joined => {
                hops.joined += 1;
                self.tallies.measured_deliveries += u64::from(self.is_measuring);
                self.lately.deliveries += 1;
                let is_measured = self.times.is_measured(intended);
                let times = if is_measured { &mut self.lately.measured } else { &mut self.lately.others };
                record(times, at.saturating_sub(intended));
                if let Some(server) = self.server_of(person.id) {
                    server.delivered += 1;
                    if is_measured {
                        record(&mut server.latency, at.saturating_sub(intended));
                    }
                }
            }
        }
        if matches!(self.plan.load, Load::Closed { .. }) {
            self.credits.push(self.key(person.id));
        }
    }

    /// The peer has ended the conversation.
    #[cold]
    fn end(&mut self, person: &mut Person, end: End<'_>) {
        let is_leaving = person.stage == Stage::Leaving;
        let (kind, example, hint) = match end {
            End::Closed { .. } if is_leaving => return self.note_end(person),
            End::Closed { code, reason } => {
                if person.role == Role::Slow {
                    person.kept().close_code = Some(code);
                }
                let reason =
                    if reason.is_empty() { String::new() } else { format!(" '{}'", reason.escape_debug()) };
                (format!("closed: {code}"), format!("the server closed with code {code}{reason}"), "")
            }
            End::Refused { status, retry_after_secs, reason, location } => {
                let when =
                    retry_after_secs.map(|secs| format!(", come back in {secs} s")).unwrap_or_default();
                let words = match (location, reason) {
                    (Some(location), _) => format!(", a redirect to {}", location.escape_debug()),
                    (None, "") => String::new(),
                    (None, reason) => format!(": {}", reason.escape_debug()),
                };
                let when = when + &words;
                let hint = match status {
                    300..=399 if location.is_some() => "redirects are not followed: give that address",
                    401 => "a login is wanted: --token, --header, or ws://user:password@host",
                    403 if self.plan.handshake.has_header("origin") => "",
                    403 => "does the server want an --origin, or a --token?",
                    404 => "is there a WebSocket at that path?",
                    429 | 503 => "the server accepts no more connections",
                    _ => "",
                };
                (format!("handshake: HTTP {status}"), format!("the answer was HTTP {status}{when}"), hint)
            }
            End::BadHandshake(error) => {
                ("handshake".to_owned(), format!("the answer to the handshake is invalid: {error}"), "")
            }
            End::NotHttp(error) => {
                ("handshake: no HTTP".to_owned(), format!("the answer is not HTTP: {error}"), "")
            }
            End::OtherProtocol(spoken) => {
                let (spoken, hint) = match spoken {
                    Spoken::Http => ("HTTP", "ws:// is for that port"),
                    Spoken::Lines => ("lines", "tcp:// is for that port"),
                    Spoken::Tls => ("TLS", "wss:// and tls:// are for that port"),
                };
                ("handshake: another protocol".to_owned(), format!("the port speaks {spoken}"), hint)
            }
            End::Broken(error) => {
                ("protocol".to_owned(), format!("the server broke the WebSocket protocol: {error}"), "")
            }
            End::BadLine => ("line".to_owned(), "a line was too long, or not UTF-8".to_owned(), ""),
        };
        let example = self.waits_for(person).map_or(example.clone(), |step| format!("{step}, but {example}"));
        self.note_error(person.id, &kind, || example, hint);
        self.note_end(person);
    }

    /// The connection is to be closed.
    pub fn note_end(&mut self, person: &mut Person) {
        if !std::mem::replace(&mut person.is_ending, true) {
            self.ended.push(self.key(person.id));
        }
    }

    /// The seat's connection is gone: it is counted no more.
    pub fn drop_out(&mut self, person: &mut Person) {
        match person.stage {
            Stage::Dialling | Stage::Upgrading | Stage::Joining => self.under_way -= 1,
            Stage::Ready | Stage::Leaving => {
                self.open -= 1;
                if let Some(audience) = self.audience(person) {
                    *audience -= 1;
                }
            }
            Stage::Out | Stage::Gone => {}
        }
        if self.is_closing {
            return;
        }
        match person.role {
            Role::Visitor => {
                person.ledger.forget();
                person.next_position = 0;
            }
            _ if self.plan.dialect != Dialect::Chinwag => person.ledger.was_away(),
            _ => {}
        }
    }

    /// What a run's connections draw by lot.
    pub fn lot(&self, person: &Person, at: u64) -> u64 {
        stamp::mix(self.plan.seed ^ u64::from(person.id) << 32 ^ at)
    }
}
