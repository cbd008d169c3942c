//! The server without its sockets: connections, bytes and moments in; bytes, FINs and frees out.
//!
//! [`Core`] is a [`Handler`], so the loop drives it, and nothing in it knows that the loop is made of mio: a simulation
//! that calls the same methods with invented bytes and an invented time runs all of the server in one thread, and replays
//! it from a seed. This file keeps the turn; `session` makes bytes into events, `flush` makes what was noted into writes.

use super::calendar::Calendar;
use super::close_reason::CloseReason;
use super::connection::{Codec, Intake, Phase, Wire};
use super::context::ServerContext;
use super::door::TurnedAway;
use super::host::AllowedHosts;
use super::limits::Limits;
use super::lines::Lines;
use super::origin::AllowedOrigins;
use super::router::{Route, Router, ServiceId};
use super::state::State;
use super::warnings::Warnings;
use crate::metrics::Metrics;
use crate::net::outbox::{Item, Question};
use crate::net::{Handler, ListenerId, Peer, Sockets};
use crate::proto::ws::Opcode;
use crate::service::{Cause, ConnId, Context, Missing, Opening, Replay, Service, Shutdown, Topic};
use crate::time::Millis;
use std::collections::HashMap;
use std::io;

/// A service and what is its own.
pub(super) struct Mount {
    pub service: Box<dyn Service>,
    pub wake_at: Millis,
    /// The largest message that a WebSocket connection may send it.
    pub message_bytes_max: usize,
    /// Whether its WebSocket connections may deflate their messages.
    pub deflates: bool,
}

/// The server without its sockets.
#[derive(Default)]
pub struct Core {
    pub(super) state: State,
    pub(super) mounts: Vec<Mount>,
    pub(super) router: Router,
    pub(super) origins: AllowedOrigins,
    pub(super) hosts: AllowedHosts,
    pub(super) warnings: Warnings,
    /// The listeners whose connections speak lines, and to whom. The others speak HTTP.
    line_listeners: HashMap<ListenerId, ServiceId>,
    tls_listeners: Vec<ListenerId>,
    /// The listeners that answer for the local host, and for those that are allowed besides.
    local_listeners: Vec<ListenerId>,
    /// What a service replays; kept for its memory.
    replay: Replay,
    /// Connections whose moment has come; kept for its memory.
    expired: Vec<u32>,
    calendar: Calendar,
    /// Set once the server shuts down: when it stops being patient.
    ends_at: Option<Millis>,
}

impl Core {
    /// A server with nothing on it.
    pub fn new(limits: Limits) -> Core {
        Core { state: State::new(limits), ..Core::default() }
    }

    /// Has the calendar be read so, in milliseconds since 1970: when something is stamped, and at most once in a turn.
    pub fn set_calendar(&mut self, read: impl Fn() -> u64 + 'static) {
        self.calendar = Calendar::new(read);
    }

    /// Adds a service that takes WebSocket messages of up to `message_bytes_max`.
    pub fn mount(&mut self, service: impl Service + 'static, message_bytes_max: usize) -> ServiceId {
        let id = u16::try_from(self.mounts.len()).expect("fewer services than that");
        let service = Box::new(service);
        self.mounts.push(Mount { service, wake_at: Millis::NEVER, message_bytes_max, deflates: false });
        ServiceId(id)
    }

    /// Lets the WebSocket connections of a service deflate their messages, if their peers offer to.
    pub fn deflate(&mut self, ServiceId(service): ServiceId) {
        let mount = self.mounts.get_mut(usize::from(service));
        mount.expect("services are added and never removed").deflates = true;
    }

    /// Leads a path to a page or a service.
    pub fn route(&mut self, path: &str, route: Route) {
        self.router.add(path, route);
    }

    /// The connections of this listener speak lines, with this service.
    pub fn speak_lines(&mut self, listener: ListenerId, service: ServiceId) {
        self.line_listeners.insert(listener, service);
    }

    /// The connections of this listener come to speak when a TLS handshake is through.
    pub fn await_handshakes(&mut self, listener: ListenerId) {
        self.tls_listeners.push(listener);
    }

    /// Requests to this listener must name the local host, unless their host is allowed besides.
    pub fn answer_for_the_local_host(&mut self, listener: ListenerId) {
        self.local_listeners.push(listener);
    }

    /// Which hosts the server answers for, besides the local one.
    pub fn allow_hosts(&mut self, hosts: AllowedHosts) {
        self.hosts = hosts;
    }

    /// Which pages may connect, besides those that come from here.
    pub fn allow_origins(&mut self, origins: AllowedOrigins) {
        self.origins = origins;
    }

    /// The counts.
    pub fn metrics(&self) -> &Metrics {
        &self.state.metrics
    }

    /// Each number that the server or a service counts, with its name.
    pub fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        report("connections", self.state.conns.len() as u64);
        report("topic_bytes", self.state.topics.len_bytes() as u64);
        report("deflate_context_bytes", self.state.deflation.context_bytes() as u64);
        self.state.metrics.each(report);
        for mount in &self.mounts {
            mount.service.stats(report);
        }
    }

    /// Whether it has no connection, no topic and nothing to do.
    pub fn is_empty(&self) -> bool {
        let state = &self.state;
        state.conns.is_empty() && state.door.is_empty() && state.topics.is_empty() && !self.has_work()
    }

    /// Panics where the server contradicts itself, or keeps more than so many bytes for one connection. For tests;
    /// between turns.
    pub fn validate(&self, queued_bytes_max: usize) {
        self.state.validate(queued_bytes_max);
    }

    /// Calls one service.
    pub(super) fn with_service<T>(
        &mut self,
        now: Millis,
        service: u16,
        call: impl FnOnce(&mut dyn Service, &mut dyn Context) -> T,
    ) -> T {
        let mount = self.mounts.get_mut(usize::from(service)).expect("services are added and never removed");
        let (calendar, wake_at) = (&self.calendar, &mut mount.wake_at);
        let mut cx = ServerContext { now, calendar, service, wake_at, state: &mut self.state };
        call(mount.service.as_mut(), &mut cx)
    }

    /// A peer can speak from now on: its service is told, or its first byte is waited for.
    fn begin(&mut self, now: Millis, index: u32) {
        let first_byte_deadline = now + self.state.limits.first_byte_timeout;
        let conn = self.state.conn(index);
        match (conn.wire, conn.service) {
            (Wire::Line, Some(service)) => self.announce(now, index, service, Opening::Line),
            _ => {
                conn.deadline = first_byte_deadline;
                self.state.touch_timer(index);
            }
        }
    }

    /// Calls the service of a connection that is still being served.
    fn with_service_of(
        &mut self,
        now: Millis,
        id: ConnId,
        call: impl FnOnce(&mut dyn Service, &mut dyn Context),
    ) {
        if let Some(index) = self.state.find(id)
            && let Some(service) = self.state.conn(index).service
        {
            self.with_service(now, service, call);
        }
    }

    /// Tells the service that a connection is its own now.
    pub(super) fn announce(&mut self, now: Millis, index: u32, service: u16, opening: Opening<'_>) {
        let conn = self.state.conn(index);
        conn.service = Some(service);
        conn.is_announced = true;
        let id = conn.id(index);
        self.with_service(now, service, |service, cx| service.on_open(cx, id, opening));
    }

    /// Tells services of ends, until there are none: what a service does about one may bring the next.
    fn tell_endings(&mut self, now: Millis) {
        while let Some((id, service, ending)) = self.state.endings.pop_front() {
            self.with_service(now, service, |service, cx| service.on_close(cx, id, ending));
        }
    }

    /// Asks the service of a connection for what a log has forgotten, and queues the answer in its place.
    fn ask(&mut self, now: Millis, id: ConnId) {
        let Some(index) = self.state.find(id) else { return };
        let conn = self.state.conn(index);
        conn.is_asking = false;
        let Some(Item::Ask(question)) = conn.outbox.as_ref().and_then(|outbox| outbox.front()) else {
            return;
        };
        let Question { topic, missing, has_lagged } = question.clone();
        let cause = if has_lagged { Cause::Lagged } else { Cause::Requested };
        let mut replay = std::mem::take(&mut self.replay);
        replay.clear();
        let mut reached = missing.end;
        self.with_service_of(now, id, |service, cx| {
            let missing = Missing { topic: Topic(topic), entries: missing.clone(), cause };
            reached = service.on_replay(cx, id, missing, &mut replay);
        });
        if reached <= missing.start {
            log::error!("a service replays nothing and does not say that there is nothing");
            reached = missing.end;
        }
        self.state.answer(index, missing.end, reached, &replay);
        self.replay = replay;
    }

    /// A connection's moment has come: whichever of its deadlines that was.
    fn handle_deadline(&mut self, now: Millis, index: u32) {
        let conn = self.state.conn(index);
        let (phase, wire) = (conn.phase, conn.wire);
        match (phase, wire) {
            (Phase::Open, _) => self.handle_open_deadline(now, index, wire),
            (Phase::Closing, _) => self.state.finish(now, index),
            (Phase::Flushing | Phase::Draining, _) => self.state.free_later(index),
            (Phase::Gone, _) => {}
        }
    }

    fn handle_open_deadline(&mut self, now: Millis, index: u32, wire: Wire) {
        let (pong_timeout, stall_timeout) = (self.state.limits.pong_timeout, self.state.limits.stall_timeout);
        let liveness_deadline = self.state.conns[index as usize].liveness_deadline(&self.state.limits);
        let conn = self.state.conn(index);
        let id = conn.id(index);
        if conn.is_blocked && conn.stalled_at + stall_timeout <= now {
            // The kernel tells that it takes bytes again when much of what it has is gone. A peer that reads slowly is
            // not dead for that: whether anything has gone is tried.
            conn.is_blocked = false;
            conn.is_probed = true;
            self.state.arm(index);
        }
        let conn = self.state.conn(index);
        if conn.service_deadline <= now {
            conn.service_deadline = Millis::NEVER;
            self.with_service_of(now, id, |service, cx| service.on_deadline(cx, id));
        }
        match wire {
            Wire::Http if self.state.conn(index).deadline <= now => self.handle_http_timeout(now, index),
            Wire::WebSocket if liveness_deadline <= now && self.state.find(id).is_some() => {
                let conn = self.state.conn(index);
                if conn.is_pinged {
                    self.state.close(now, index, CloseReason::PongTimeout);
                } else {
                    conn.is_pinged = true;
                    conn.deadline = now + pong_timeout;
                    self.state.metrics.pings += 1;
                    self.state.push_control(index, Opcode::Ping, &[]);
                }
            }
            Wire::Http | Wire::WebSocket | Wire::Line => {}
        }
    }

    /// Ends everything, for the given reason; gently until the drain's deadline, then at once.
    fn shut_down(&mut self, now: Millis, shutdown: Shutdown) {
        if self.ends_at.is_some() {
            return;
        }
        self.ends_at = Some(now + self.state.limits.drain_timeout);
        let reason = match shutdown {
            Shutdown::Stop => CloseReason::Stopping,
            Shutdown::Restart => CloseReason::Restarting,
        };
        for service in 0..self.mounts.len() {
            self.with_service(now, service as u16, |service, cx| service.on_shutdown(cx, shutdown));
        }
        for index in self.indexes() {
            self.state.close(now, index, reason);
        }
    }

    fn indexes(&self) -> Vec<u32> {
        self.state.conns.iter().map(|(index, _)| index as u32).collect()
    }
}

impl Handler for Core {
    type Mail = Shutdown;

    fn handle_mail(&mut self, now: Millis, shutdown: Shutdown) {
        self.shut_down(now, shutdown);
    }

    fn handle_accepted(&mut self, now: Millis, listener: ListenerId, peer: Peer) -> Result<usize, &[u8]> {
        if let Err(why) = self.state.admit(peer) {
            return Err(self.state.door.refusal(why, self.line_listeners.contains_key(&listener)));
        }
        let service = self.line_listeners.get(&listener).copied();
        let (wire, codec) = match service {
            Some(_) => (Wire::Line, Codec::Line(Lines::new(self.state.limits.line_bytes_max))),
            None => (Wire::Http, Codec::Http),
        };
        let index = self.state.open(now, peer, wire, codec, Millis::NEVER);
        let conn = self.state.conn(index);
        conn.service = service.map(|ServiceId(service)| service);
        // No browser reaches a Unix socket.
        let has_names = !self.hosts.is_empty() || self.local_listeners.contains(&listener);
        conn.is_host_checked = has_names && peer != Peer::Unix;
        if !self.tls_listeners.contains(&listener) {
            self.begin(now, index);
        }
        Ok(index as usize)
    }

    fn handle_connected(&mut self, now: Millis, key: usize) {
        if self.state.conns.get(key).is_some_and(|conn| conn.phase == Phase::Open) {
            self.begin(now, key as u32);
        }
    }

    fn handle_plain(&mut self, now: Millis, key: usize) -> bool {
        let is_open = self.state.conns.get(key).is_some_and(|conn| conn.phase == Phase::Open);
        if is_open {
            self.refuse_plain(now, key as u32);
        }
        is_open
    }

    fn refusal(&self, listener: ListenerId) -> &[u8] {
        self.state.door.refusal(TurnedAway::NoDescriptor, self.line_listeners.contains_key(&listener))
    }

    fn handle_bytes(&mut self, now: Millis, key: usize, bytes: &mut [u8]) {
        let Some(conn) = self.state.conns.get_mut(key) else { return };
        conn.heard_at = now;
        conn.is_pinged = false;
        conn.bytes_in += bytes.len() as u64;
        self.state.metrics.bytes_in += bytes.len() as u64;
        match conn.wire {
            Wire::Line => self.process_line_bytes(now, key as u32, bytes),
            Wire::Http | Wire::WebSocket => self.process_bytes(now, key as u32, bytes),
        }
    }

    fn handle_eof(&mut self, now: Millis, key: usize) {
        if self.state.conns.get(key).is_some_and(|conn| conn.phase == Phase::Open) {
            self.finish_lines(now, key as u32);
        }
        self.handle_truncated(now, key);
    }

    fn handle_truncated(&mut self, now: Millis, key: usize) {
        let Some(conn) = self.state.conns.get_mut(key) else { return };
        conn.is_eof = true;
        let index = key as u32;
        match conn.phase {
            // What came before has been served, and goes out; a unit that has not come whole is dropped.
            Phase::Open => self.state.close(now, index, CloseReason::PeerEof),
            Phase::Closing => self.state.finish(now, index),
            Phase::Flushing | Phase::Gone => {}
            Phase::Draining => self.state.free_later(index),
        }
    }

    fn handle_reset(&mut self, now: Millis, key: usize, error: io::Error) {
        if self.state.conns.contains(key) {
            self.state.break_off(now, key as u32, error.kind());
        }
    }

    fn handle_writable(&mut self, now: Millis, key: usize) {
        self.state.handle_writable(now, key as u32);
    }

    fn wants_bytes(&self, key: usize) -> bool {
        self.state.conns.get(key).is_some_and(|conn| conn.wants_bytes())
    }

    fn handle_timers(&mut self, now: Millis) {
        let mut expired = std::mem::take(&mut self.expired);
        // All of them first: a service that asks for this very moment again has its next turn.
        expired.extend(std::iter::from_fn(|| self.state.wheel.poll_expired(now)));
        for index in expired.drain(..) {
            // The wheel is told only of deadlines that come sooner; it finds out here about those put off.
            let due = self.state.conns[index as usize].next_deadline(&self.state.limits);
            if due <= now {
                self.handle_deadline(now, index);
            }
            self.state.touch_timer(index);
        }
        self.expired = expired;
        if self.ends_at.is_some_and(|ends_at| ends_at <= now) {
            for index in self.indexes() {
                self.state.free_later(index);
            }
        }
    }

    fn handle_wake(&mut self, now: Millis) {
        for service in 0..self.mounts.len() {
            if self.mounts[service].wake_at <= now {
                self.mounts[service].wake_at = Millis::NEVER;
                self.with_service(now, service as u16, |service, cx| service.on_wake(cx));
            }
        }
        for id in std::mem::take(&mut self.state.asking) {
            self.ask(now, id);
        }
        for id in std::mem::take(&mut self.state.drained) {
            self.with_service_of(now, id, |service, cx| service.on_drain(cx, id));
        }
        for (id, log) in std::mem::take(&mut self.state.crowding) {
            if self.state.topics.is_crowded(log, self.state.limits.write_queue_bytes_max) {
                self.state.crowding.push((id, log));
            } else if let Some(index) = self.state.find_any(id) {
                // Unless so much waits for it too: then it is let in when that has been taken.
                if !self.state.is_loaded(index) {
                    self.state.let_in(index);
                }
            }
        }
        for id in std::mem::take(&mut self.state.resumed) {
            let Some(index) = self.state.find_any(id) else { continue };
            self.state.conn(index).intake = Intake::Open;
            // What has been read goes before what has not.
            if let Some(unread) = self.state.conn(index).unread.take() {
                self.process_unread(now, index, unread);
            }
            self.state.readable.push(index);
        }
        self.tell_endings(now);
    }

    fn flush(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        self.state.flush(now, sockets);
    }

    fn reap(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        // Connections that broke while they were written to have an end to tell of too.
        self.tell_endings(now);
        self.state.reap(now, sockets);
        self.calendar.end_turn();
    }

    fn has_work(&self) -> bool {
        let state = &self.state;
        !state.pending.is_empty()
            || state.topics.is_dirty()
            || !state.asking.is_empty()
            || !state.drained.is_empty()
            || !state.resumed.is_empty()
            || !state.readable.is_empty()
            || !state.crowding.is_empty()
    }

    fn next_deadline(&self) -> Millis {
        let wakes = self.mounts.iter().map(|mount| mount.wake_at);
        let timers = [self.state.wheel.next_deadline(), self.state.topics.next_deadline(), self.ends_at];
        let timers = timers.into_iter().flatten();
        wakes.chain(timers).min().unwrap_or(Millis::NEVER)
    }

    fn is_accepting(&self) -> bool {
        self.ends_at.is_none()
    }

    fn is_done(&self) -> bool {
        self.ends_at.is_some() && self.state.conns.is_empty()
    }
}
