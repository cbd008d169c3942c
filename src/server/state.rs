//! Everything that the server knows but its services: the connections, the topics, and what is to be done.
//!
//! Callbacks and handlers only note things here. One function closes ([`State::close`]), one arms the writer
//! ([`State::arm`]), and one frees ([`State::reap`]).

use super::close_reason::CloseReason;
use super::connection::{Codec, Connection, Intake, Phase, Subscription, Subscriptions, Wire};
use super::deflation::Deflation;
use super::door::{Door, TurnedAway};
use super::limits::Limits;
use super::topic::{Encoding, Framing, TopicKey, Topics};
use crate::metrics::Metrics;
use crate::net::outbox::{Entry, Item, Outbox, Question};
use crate::net::wheel::Wheel;
use crate::net::{Peer, Sockets};
use crate::proto::ws::{Header, Opcode, close, encoder};
use crate::service::{Class, ConnId, Ending, Message, Replay, Topic};
use crate::time::Millis;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// What can lie unread of one connection beside a request's body: a head, and what one read brought behind it.
const UNREAD_BYTES_MAX: usize = 128 * 1024;
/// How many empty outboxes are kept for the next connections that need one, and how large they may have grown.
const SPARE_OUTBOXES_MAX: usize = 256;
const SPARE_OUTBOX_BYTES_MAX: usize = 16 * 1024;

/// The connections, the topics, and what is to be done about them.
#[derive(Debug, Default)]
pub struct State {
    /// Every connection, by slot.
    pub conns: Slab<Connection>,
    /// What they are subscribed to.
    pub topics: Topics,
    /// When each is to be looked at.
    pub wheel: Wheel,
    /// The bounds.
    pub limits: Limits,
    /// The counts.
    pub metrics: Metrics,
    /// Who is let in.
    pub door: Door,
    /// What deflates and inflates.
    pub deflation: Deflation,
    /// Connections to be written to, other than by the rounds of the topics' logs. Slots may be stale; `is_pending` tells.
    pub pending: VecDeque<u32>,
    /// Ends that services have yet to hear of.
    pub endings: VecDeque<(ConnId, u16, Ending)>,
    /// Connections whose service is to be asked for what a log has forgotten.
    pub asking: Vec<ConnId>,
    /// Connections that had been blocked and have now been sent all that waited for them.
    pub drained: Vec<ConnId>,
    /// Connections that were not read, and are to be again.
    pub resumed: Vec<ConnId>,
    /// Those whose sockets have yet to hear of it.
    pub readable: Vec<u32>,
    /// Who is being served, if anybody is.
    pub speaking: Option<u32>,
    /// Who is not read because of what it has said in a room that has yet to hear it.
    pub crowding: Vec<(ConnId, u32)>,
    gone: Vec<u32>,
    /// What connections are to be told last, by slot.
    farewells: HashMap<u32, Box<str>>,
    #[allow(clippy::vec_box, reason = "the boxes wander between here and the connections")]
    pub(super) spare_outboxes: Vec<Box<Outbox>>,
    rendered: Vec<u8>,
    generation: u32,
}

impl State {
    /// Nobody is there.
    pub fn new(limits: Limits) -> State {
        State { topics: Topics::new(limits.coalesce), limits, ..State::default() }
    }

    /// Whether one more may come in, who then does.
    pub fn admit(&mut self, peer: Peer) -> Result<(), TurnedAway> {
        let admitted = self.door.admit(&self.limits, self.conns.len(), peer);
        self.metrics.turned_away += u64::from(admitted.is_err());
        admitted
    }

    /// Takes in a connection that has been admitted. Returns its slot.
    pub fn open(&mut self, now: Millis, peer: Peer, wire: Wire, codec: Codec, deadline: Millis) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.metrics.accepted += 1;
        if self.conns.len() == self.conns.capacity() {
            // By an eighth: doubled, half of the largest table that there is could stand empty.
            self.conns.reserve_exact(self.conns.len() / 8 + 1);
        }
        let index = self.conns.insert(Connection {
            generation: self.generation,
            service: None,
            phase: Phase::Open,
            wire,
            is_announced: false,
            is_pending: false,
            is_blocked: false,
            intake: Intake::Open,
            is_eof: false,
            is_pinged: false,
            is_mid_request: false,
            is_continued: false,
            head_searched: 0,
            is_host_checked: false,
            is_asking: false,
            was_blocked: false,
            is_probed: false,
            peer,
            deflate: None,
            codec,
            subscriptions: Subscriptions::None,
            outbox: None,
            unread: None,
            opened_at: now,
            heard_at: now,
            stalled_at: now,
            deadline,
            service_deadline: Millis::NEVER,
            reason: None,
            bytes_in: 0,
            bytes_out: 0,
            messages_in: 0,
        });
        let index = u32::try_from(index).expect("there are fewer descriptors than that");
        self.touch_timer(index);
        index
    }

    /// A connection that is known to be there.
    pub fn conn(&mut self, index: u32) -> &mut Connection {
        self.conns.get_mut(index as usize).expect("slot is live: nothing is freed before the end of the turn")
    }

    /// The slot of a connection that is not gone.
    pub fn find_any(&self, id: ConnId) -> Option<u32> {
        let conn = self.conns.get(id.index as usize)?;
        (conn.generation == id.generation && conn.phase != Phase::Gone).then_some(id.index)
    }

    /// The slot of a connection that is still being served.
    pub fn find(&self, id: ConnId) -> Option<u32> {
        let conn = self.conns.get(id.index as usize)?;
        (conn.generation == id.generation && conn.phase == Phase::Open).then_some(id.index)
    }

    /// Moves the wheel's deadline forward if the connection's own is now sooner. A deadline that has become later is left
    /// for the wheel to find out: so a message that puts off the next Ping costs no timer work.
    pub fn touch_timer(&mut self, index: u32) {
        let conn = &self.conns[index as usize];
        let at = conn.next_deadline(&self.limits);
        if self.wheel.armed(index).is_none_or(|armed| at < armed) {
            self.wheel.arm(index, at);
        }
    }

    /// Puts a connection on the list of those to be written to. One that is blocked comes there when it can be.
    pub fn arm(&mut self, index: u32) {
        let conn = self.conn(index);
        if !conn.is_pending && !conn.is_blocked {
            conn.is_pending = true;
            self.pending.push_back(index);
        }
    }

    /// The outbox of a connection, which has one from now on until it is empty again.
    pub fn outbox(&mut self, index: u32) -> &mut Outbox {
        let conn = self
            .conns
            .get_mut(index as usize)
            .expect("slot is live: nothing is freed before the end of the turn");
        if conn.outbox.is_none() {
            let outbox = conn.outbox.insert(self.spare_outboxes.pop().unwrap_or_default());
            for &Subscription { log, slot } in conn.subscriptions.as_slice() {
                if let Some(skipped) = self.topics.log_mut(log).take_skipped(slot) {
                    outbox.push_mark(Item::Through(log, skipped));
                    outbox.push_mark(Item::Skip(log, skipped + 1));
                }
            }
        }
        conn.outbox.as_mut().expect("it has one now")
    }

    /// Has what is to be skipped stand in the outbox of a connection, where its stream is laid out.
    pub fn note_skips(&mut self, index: u32) {
        let conn = &self.conns[index as usize];
        let skips = |subscription: &Subscription| {
            self.topics.log(subscription.log).members()[subscription.slot as usize].skips()
        };
        if conn.outbox.is_none() && conn.subscriptions.as_slice().iter().any(skips) {
            self.outbox(index);
        }
    }

    /// Takes an empty outbox away from a connection and keeps it for another.
    pub fn recycle_outbox(&mut self, index: u32) {
        if let Some(outbox) = self.conn(index).outbox.take()
            && self.spare_outboxes.len() < SPARE_OUTBOXES_MAX
            && outbox.capacity_bytes() <= SPARE_OUTBOX_BYTES_MAX
        {
            debug_assert!(outbox.is_empty(), "what waits for a peer is not thrown away");
            self.spare_outboxes.push(outbox);
        }
    }

    /// Queues finished bytes.
    pub fn push_bytes(&mut self, index: u32, bytes: &[u8]) {
        self.outbox(index).push_frame(&[], bytes);
        self.note_queued(index);
    }

    /// Queues one message, wrapped as the connection reads it. Who takes so little that this would be far too much is
    /// closed instead.
    pub fn push_message(&mut self, now: Millis, index: u32, message: Message<'_>) {
        let queued = self.conn(index).outbox.as_ref().map_or(0, |outbox| outbox.queued_bytes());
        if queued > self.limits.outbox_bytes_max {
            return self.close(now, index, CloseReason::TooSlow);
        }
        match (self.conn(index).wire, message) {
            (Wire::WebSocket, Message::Text(text)) => self.push_data(index, Opcode::Text, text.as_bytes()),
            (Wire::WebSocket, Message::Binary(bytes)) => self.push_data(index, Opcode::Binary, bytes),
            (Wire::Line | Wire::Http, Message::Text(text)) => {
                self.outbox(index).push_frame(text.as_bytes(), b"\n")
            }
            (Wire::Line | Wire::Http, Message::Binary(_)) => {
                log::error!("a line connection cannot be sent bytes")
            }
        }
        self.note_queued(index);
    }

    /// Keeps a message until the connection is closed.
    pub fn keep_farewell(&mut self, index: u32, message: Message<'_>) {
        match message {
            Message::Text(text) => drop(self.farewells.insert(index, text.into())),
            Message::Binary(_) => log::error!("a farewell is a text"),
        }
    }

    /// Something has been queued: it is to be written, and if it is much, the peer is not read until it is less.
    pub fn note_queued(&mut self, index: u32) {
        let high = self.limits.outbox_high_bytes;
        let conn = self.conn(index);
        let queued = conn.outbox.as_ref().map_or(0, |outbox| outbox.queued_bytes());
        if queued >= high && conn.intake == Intake::Open && conn.phase == Phase::Open {
            conn.intake = Intake::Paused;
            self.metrics.paused += 1;
        }
        self.arm(index);
    }

    /// Whether so much waits for a connection that it is not to be read.
    pub fn is_loaded(&self, index: u32) -> bool {
        let outbox = self.conns[index as usize].outbox.as_ref();
        outbox.is_some_and(|outbox| outbox.queued_bytes() > self.limits.outbox_low_bytes)
    }

    /// Answers a Ping: each with its own Pong while little waits, and only the newest while much does (5.5.3).
    pub fn pong(&mut self, index: u32, payload: &[u8]) {
        self.metrics.pings_in += 1;
        let low = self.limits.outbox_low_bytes;
        let outbox = self.outbox(index);
        let is_crowded = outbox.queued_bytes() >= low;
        if is_crowded && outbox.drop_urgent() {
            self.metrics.pongs_replaced += 1;
        }
        self.push_control(index, Opcode::Pong, payload);
    }

    /// Queues a control frame for the next frame boundary.
    pub fn push_control(&mut self, index: u32, opcode: Opcode, payload: &[u8]) {
        let header = frame_header(opcode, payload.len());
        self.outbox(index).push_urgent(&header, payload);
        self.note_queued(index);
    }

    /// Subscribes a connection that is being served.
    pub fn subscribe(&mut self, index: u32, key: TopicKey, class: Class) {
        if self.subscription(index, key).is_none() {
            let framing = self.conn(index).framing();
            let (log, slot) = self.topics.subscribe(key, Encoding { class, framing }, index);
            self.conn(index).subscriptions.push(Subscription { log, slot });
        }
    }

    /// The subscription of a connection to a topic.
    pub fn subscription(&self, index: u32, key: TopicKey) -> Option<Subscription> {
        let subscriptions = self.conns[index as usize].subscriptions.as_slice();
        subscriptions.iter().copied().find(|subscription| self.topics.log(subscription.log).key == key)
    }

    /// Ends a subscription. What the log holds for the member moves to its outbox, so that it still arrives. If that is
    /// much, or the log has forgotten it, it will be asked for: a log is shared, and a copy is not.
    pub fn unsubscribe(&mut self, index: u32, log: u32) {
        let Some(slot) = self.conn(index).subscriptions.slot(log) else { return };
        self.note_skips(index);
        let source = self.topics.log(log);
        let copied_bytes_max = self.limits.outbox_low_bytes;
        let mut cursor = source.members()[slot as usize].cursor;
        let mut resolve = |outbox: &mut Outbox, mark| {
            let to = match mark {
                Item::Through(_, to) | Item::Skip(_, to) => to,
                Item::Own(_) | Item::Ask(..) => return,
            };
            if cursor < to
                && let Item::Through(..) = mark
            {
                if cursor < source.first() {
                    outbox.push_mark(source.question(cursor..to));
                } else {
                    let [first, second] = source.slices(cursor, to);
                    match first.len() + second.len() {
                        // One run: nothing of it need be told apart.
                        len if len <= copied_bytes_max => outbox.push_frame(first, second),
                        _ => outbox.push_mark(source.question(cursor..to)),
                    }
                }
            }
            cursor = cursor.max(to);
        };
        let conn = self.conns.get_mut(index as usize).expect("slot is live: it has just been looked at");
        let outbox = conn.outbox.get_or_insert_with(|| self.spare_outboxes.pop().unwrap_or_default());
        outbox.resolve_marks(log, &mut resolve);
        resolve(outbox, Item::Through(log, source.head()));
        self.forget_subscription(index, log);
        self.note_queued(index);
    }

    /// Ends a subscription at once: what has not been sent is not.
    fn drop_subscription(&mut self, index: u32, log: u32) {
        if let Some(outbox) = &mut self.conn(index).outbox {
            outbox.resolve_marks(log, |_, _| {});
        }
        self.forget_subscription(index, log);
    }

    fn forget_subscription(&mut self, index: u32, log: u32) {
        if let Some(slot) = self.conn(index).subscriptions.remove(log)
            && let Some(moved) = self.topics.unsubscribe(log, slot)
        {
            self.conn(moved).subscriptions.set_slot(log, slot);
        }
    }

    /// Appends one entry to each log of a topic, and takes it out of the streams of those who are not to be sent it.
    /// Returns its number.
    pub fn publish(
        &mut self,
        now: Millis,
        key: TopicKey,
        render: &mut dyn FnMut(Class, &mut Vec<u8>),
        except: &[ConnId],
    ) -> Entry {
        self.metrics.published += 1;
        let entry = self.topics.number(key);
        let bytes_max = self.limits.write_queue_bytes_max;
        let mut rendered_for = None;
        for at in 0..self.topics.logs_of(key).len() {
            let (encoding, log) = self.topics.logs_of(key)[at];
            if rendered_for != Some(encoding.class) {
                rendered_for = Some(encoding.class);
                self.rendered.clear();
                render(encoding.class, &mut self.rendered);
                self.deflation.begin_publishing();
            }
            match encoding.framing {
                Framing::Frame => {
                    let header = frame_header(Opcode::Text, self.rendered.len());
                    self.topics.append(now, log, [&header, &self.rendered, b""], bytes_max);
                }
                Framing::Line => self.topics.append(now, log, [b"", &self.rendered, b"\n"], bytes_max),
                Framing::Deflated(window) => {
                    let members = self.topics.log(log).members().len();
                    let bytes_min = self.limits.deflate_bytes_min;
                    let metrics = &mut self.metrics;
                    let (header, payload) =
                        self.deflation.published(window, bytes_min, metrics, &self.rendered, members);
                    self.topics.append(now, log, [&header, payload, b""], bytes_max);
                }
            }
            if let Some(index) = self.speaking
                && self.topics.is_crowded(log, bytes_max)
            {
                let conn = self.conn(index);
                if conn.intake == Intake::Open {
                    conn.intake = Intake::Paused;
                    let id = conn.id(index);
                    self.crowding.push((id, log));
                }
            }
        }
        for &id in except {
            if let Some(index) = self.find(id) {
                self.skip_newest(index, key);
            }
        }
        entry
    }

    /// Takes the newest entry of a topic out of a member's stream.
    fn skip_newest(&mut self, index: u32, key: TopicKey) {
        let Some(Subscription { log, slot }) = self.subscription(index, key) else { return };
        let head = self.topics.log(log).head();
        if self.conn(index).outbox.is_some() || !self.topics.log_mut(log).skip_newest(slot) {
            let outbox = self.outbox(index);
            outbox.push_mark(Item::Through(log, head - 1));
            outbox.push_mark(Item::Skip(log, head));
            self.note_queued(index);
        }
    }

    /// Queues a question: the service will be asked for these entries when everything before has been sent.
    pub fn push_question(&mut self, index: u32, topic: Topic, missing: Range<Entry>) {
        if !missing.is_empty() {
            let question = Question { topic: topic.0, missing, has_lagged: false };
            self.outbox(index).push_mark(Item::Ask(question));
            self.note_queued(index);
        }
    }

    /// Queues a message behind all that a topic has said.
    pub fn push_message_after(&mut self, now: Millis, index: u32, key: TopicKey, message: Message<'_>) {
        if let Some(Subscription { log, slot }) = self.subscription(index, key) {
            let head = self.topics.log(log).head();
            if self.topics.log(log).members()[slot as usize].cursor < head {
                self.outbox(index).push_mark(Item::Through(log, head));
            }
        }
        self.push_message(now, index, message);
    }

    /// Queues the answer to the question at the front of an outbox, whose last entry is before `end`. What has not been
    /// reached is asked for again.
    pub fn answer(&mut self, index: u32, end: Entry, reached: Entry, replay: &Replay) {
        self.metrics.replays += 1;
        // Whoever was closed while it was asked has no question left.
        if self.conn(index).phase != Phase::Open {
            return;
        }
        match self.conn(index).wire {
            Wire::WebSocket => self.push_replayed(index, replay.texts()),
            Wire::Line | Wire::Http => {
                let outbox = self.outbox(index);
                replay.texts().for_each(|text| outbox.push_replayed(text, b"\n"));
            }
        }
        let outbox = self.outbox(index);
        match outbox.front_mut() {
            Some(Item::Ask(question)) if reached < end => question.missing.start = reached,
            _ => outbox.settle_front(0),
        }
        self.note_queued(index);
    }

    /// Ends a connection that is being served, for the given reason; later reasons change nothing.
    pub fn close(&mut self, now: Millis, index: u32, reason: CloseReason) {
        self.close_with(now, index, reason, &reason.text());
    }

    /// The same, with a text of the service's for the Close frame.
    pub fn close_with(&mut self, now: Millis, index: u32, reason: CloseReason, text: &str) {
        if self.conn(index).phase != Phase::Open {
            return;
        }
        match reason {
            CloseReason::TooSlow | CloseReason::Reset(_) => self.drop_subscriptions(index),
            _ => self.take_leave(index),
        }
        let deadline = now + self.limits.close_timeout;
        let conn = self.conn(index);
        let id = conn.id(index);
        let conn = self.conn(index);
        conn.reason = Some(reason);
        conn.deadline = deadline;
        if std::mem::take(&mut conn.is_announced)
            && let Some(service) = conn.service
        {
            self.endings.push_back((id, service, reason.ending()));
        }
        if let CloseReason::Reset(_) = reason {
            return self.free_later(index);
        }
        let conn = self.conn(index);
        if reason == CloseReason::TooSlow
            && let Some(outbox) = &mut conn.outbox
        {
            // It does not take what waits for it; what it has begun to receive is finished, and then it is told why.
            outbox.drop_unbegun();
        }
        conn.phase = match (conn.wire, reason) {
            // 7.1.2: whoever sends the first Close waits for the other. 7.1.7: not so when it fails the connection.
            (Wire::WebSocket, CloseReason::Service(_) | CloseReason::Stopping | CloseReason::Restarting) => {
                Phase::Closing
            }
            _ => Phase::Flushing,
        };
        match (conn.phase, conn.intake) {
            (Phase::Closing, Intake::Paused) => {
                // The peer's Close comes behind what it has said before.
                conn.intake = Intake::Resuming;
                self.resumed.push(id);
            }
            (Phase::Closing, Intake::Open | Intake::Resuming) => {}
            (_, intake) => {
                conn.intake = Intake::Open;
                conn.unread = None;
                if intake != Intake::Open {
                    // What still comes is dropped, but it is read: a reset would overtake our last bytes.
                    self.readable.push(index);
                }
            }
        }
        self.push_last_words(now, index, reason, text);
        self.arm(index);
        self.touch_timer(index);
    }

    /// Queues the service's farewell, if it has left one, and the Close frame that goes with the reason, if one does.
    fn push_last_words(&mut self, now: Millis, index: u32, reason: CloseReason, text: &str) {
        if let Some(farewell) = self.farewells.get(&index).cloned() {
            self.push_message(now, index, Message::Text(&farewell));
        }
        match (self.conn(index).wire, reason.close_code()) {
            (Wire::WebSocket, Some(close::NO_STATUS_RECEIVED)) => self.push_frame(index, Opcode::Close, &[]),
            (Wire::WebSocket, Some(code)) => {
                self.push_frame(index, Opcode::Close, &encoder::close_payload(code, text));
            }
            _ => {}
        }
    }

    /// Whether a connection follows a log that has moved past it.
    fn is_lagging(&self, index: u32, log: u32) -> bool {
        self.conns[index as usize].subscriptions.slot(log).is_some_and(|slot| {
            let source = self.topics.log(log);
            source.members()[slot as usize].cursor < source.first()
        })
    }

    /// What the topics have said until now is still sent, from where it lies, and nothing later. What they have forgotten
    /// nobody will answer for any more; a stream ends before such a hole, not behind it.
    fn take_leave(&mut self, index: u32) {
        let subscriptions = self.conn(index).subscriptions.as_slice().to_vec();
        let lags = |log: &u32| self.is_lagging(index, *log);
        let lagging: Vec<u32> =
            subscriptions.iter().map(|subscription| subscription.log).filter(lags).collect();
        let is_hole = |item: &Item| match item {
            Item::Ask(..) => true,
            Item::Through(log, _) => lagging.contains(log),
            Item::Own(_) | Item::Skip(..) => false,
        };
        let has_hole = self.conn(index).outbox.as_mut().is_some_and(|outbox| outbox.cut_at(is_hole));
        for Subscription { log, slot } in subscriptions {
            let source = self.topics.log(log);
            let (cursor, head) = (source.members()[slot as usize].cursor, source.head());
            if cursor == head || lagging.contains(&log) {
                self.drop_subscription(index, log);
            } else if !has_hole {
                self.outbox(index).push_mark(Item::Through(log, head));
            }
        }
    }

    /// A connection that has begun to end has come to a hole in its stream, made since: what is left is the Close.
    pub fn end_at_hole(&mut self, now: Millis, index: u32) {
        if let Some(outbox) = &mut self.conn(index).outbox {
            outbox.drop_unbegun();
        }
        self.drop_subscriptions(index);
        if let Some(reason) = self.conn(index).reason {
            self.push_last_words(now, index, reason, &reason.text());
        }
    }

    /// Ends all subscriptions at once.
    pub fn drop_subscriptions(&mut self, index: u32) {
        while let Some(&Subscription { log, .. }) = self.conn(index).subscriptions.as_slice().first() {
            self.drop_subscription(index, log);
        }
    }

    /// The peer has answered our Close, or the wait for that is over: what is queued goes out, then FIN.
    pub fn finish(&mut self, now: Millis, index: u32) {
        let deadline = now + self.limits.close_timeout;
        let conn = self.conn(index);
        if conn.phase == Phase::Closing {
            conn.phase = Phase::Flushing;
            conn.deadline = deadline;
            self.arm(index);
        }
    }

    /// All is out: FIN, unless the peer has been there before us.
    pub fn half_close(&mut self, now: Millis, index: u32, sockets: &mut dyn Sockets) {
        let deadline = now + self.limits.linger_timeout;
        let conn = self.conn(index);
        if conn.is_eof {
            return self.free_later(index);
        }
        sockets.shutdown_write(index as usize);
        conn.phase = Phase::Draining;
        conn.deadline = deadline;
        self.touch_timer(index);
    }

    /// Nothing more is to come of this connection.
    pub fn free_later(&mut self, index: u32) {
        self.drop_subscriptions(index);
        let conn = self.conn(index);
        debug_assert!(!conn.is_announced, "it has been closed before");
        if conn.phase != Phase::Gone {
            conn.phase = Phase::Gone;
            self.gone.push(index);
        }
    }

    /// Frees what is gone.
    pub fn reap(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        while let Some(index) = self.gone.pop() {
            sockets.close(index as usize);
            self.wheel.disarm(index);
            self.farewells.remove(&index);
            let conn = self.conns.remove(index as usize);
            self.door.leave(&self.limits, conn.peer);
            if conn.codec.keeps_context() {
                self.forget_context();
            }
            self.metrics.closed += 1;
            log_end(&conn, now);
        }
    }

    /// Panics where the state contradicts itself, or keeps more than so many bytes for one connection. For tests; at the
    /// end of a turn.
    pub fn validate(&self, queued_bytes_max: usize) {
        self.wheel.validate();
        self.topics.validate(self.limits.write_queue_bytes_max);
        assert!(self.gone.is_empty() && self.endings.is_empty(), "a turn leaves no ends untold");
        let is_here = |index: &u32| self.conns.contains(*index as usize);
        assert!(self.farewells.keys().all(is_here), "a farewell for nobody");
        for (index, conn) in &self.conns {
            let index = index as u32;
            for &Subscription { log, slot } in conn.subscriptions.as_slice() {
                let (member, head) =
                    (self.topics.log(log).members()[slot as usize], self.topics.log(log).head());
                assert_eq!(member.conn, index, "the member's way back");
                let is_seen_to =
                    conn.is_pending || conn.is_blocked || conn.is_asking || conn.phase != Phase::Open;
                assert!(
                    member.cursor == head || is_seen_to || self.topics.is_seen_to(log),
                    "forgotten by the flush"
                );
            }
            if let Some(outbox) = &conn.outbox {
                outbox.validate();
                assert!(outbox.queued_bytes() <= queued_bytes_max, "{} bytes queued", outbox.queued_bytes());
                assert!(
                    conn.is_pending || conn.is_blocked || conn.is_asking,
                    "somebody sees to what is queued"
                );
            }
            let unread = conn.unread.as_ref().map_or(0, |unread| unread.len());
            assert!(unread <= UNREAD_BYTES_MAX + self.limits.body_bytes_max, "{unread} bytes unread");
            assert_eq!(conn.is_pending, self.pending.contains(&index), "pending, and on the list");
            let deadline = conn.next_deadline(&self.limits);
            assert!(
                deadline == Millis::NEVER
                    || self.wheel.armed(index).is_some_and(|armed| armed <= deadline + Millis(8)),
                "its deadline is in the wheel"
            );
        }
    }
}

pub(super) fn frame_header(opcode: Opcode, payload_len: usize) -> crate::proto::ws::EncodedHeader {
    Header { fin: true, rsv1: false, opcode, masking_key: None, payload_len: payload_len as u64 }.encode()
}

fn log_end(conn: &Connection, now: Millis) {
    let reason = conn.reason;
    let level =
        if reason.is_some_and(CloseReason::is_our_fault) { log::Level::Warn } else { log::Level::Debug };
    let detail: &dyn std::fmt::Display = match &reason {
        Some(CloseReason::Protocol(error)) => error,
        Some(CloseReason::Reset(kind)) => kind,
        _ => &"",
    };
    log::log!(
        level,
        "closed peer={} reason={} code={} age_ms={} bytes_in={} bytes_out={} messages_in={} {}",
        conn.peer,
        reason.map_or("unknown", CloseReason::word),
        reason.map_or(0, |reason| reason.ending().code),
        (now - conn.opened_at).0,
        conn.bytes_in,
        conn.bytes_out,
        conn.messages_in,
        detail
    );
}
