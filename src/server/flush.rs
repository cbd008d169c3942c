//! Step 8 of the turn: what has gathered is written, each connection in one system call however much it is.
//!
//! A connection's stream is the head of its outbox, then the outbox's items, then what its topics' logs hold for it.
//! [`gather`] lays that out as slices, in place, and [`State::settle`] walks the same way again with the number of bytes
//! that the kernel took. Who is visited at all comes from two lists: connections that have something of their own, and
//! logs with new entries, round whose members the flush goes in turn, a share of each log at a time, so that a small
//! room next to a large one does not wait until the large one is served.

use super::close_reason::CloseReason;
use super::connection::{Connection, Intake, Phase, Subscription};
use super::state::State;
use super::topic::Topics;
use crate::net::Sockets;
use crate::net::outbox::{Entry, Item};
use crate::time::Millis;
use std::io::{self, IoSlice};

/// How many connections are written to in a turn before the others' input is looked at again.
const WRITES_PER_TURN_MAX: usize = 512;
/// How many connections with something of their own are written to before a log has its share, and how many members of
/// a log are visited before others have theirs.
const CONNECTIONS_PER_SHARE: usize = 64;
const MEMBERS_PER_SHARE: usize = 64;
/// How many slices go into one write. A connection that follows one log needs two.
const SLICES_MAX: usize = 32;
/// How many topics' marks one write can keep apart; the next write goes on.
const LOGS_PER_WRITE_MAX: usize = 4;

/// The slices of one write.
struct Slices<'a> {
    slices: [IoSlice<'a>; SLICES_MAX],
    count: usize,
    bytes: usize,
}

impl<'a> Slices<'a> {
    fn new() -> Slices<'a> {
        Slices { slices: [IoSlice::new(&[]); SLICES_MAX], count: 0, bytes: 0 }
    }

    fn has_room(&self, count: usize) -> bool {
        self.count + count <= SLICES_MAX
    }

    fn push(&mut self, pieces: &[&'a [u8]]) {
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            self.slices[self.count] = IoSlice::new(piece);
            self.count += 1;
            self.bytes += piece.len();
        }
    }

    fn as_slice(&self) -> &[IoSlice<'a>] {
        &self.slices[..self.count]
    }
}

/// Cursors as they will be when what has been gathered is written: those of the logs that the outbox's marks name.
struct Ahead {
    cursors: [(u32, Entry); LOGS_PER_WRITE_MAX],
    count: usize,
}

impl Ahead {
    /// The cursor in `log`, to be moved; `None` when there are too many logs to keep apart.
    fn cursor(&mut self, log: u32, actual: impl FnOnce() -> Option<Entry>) -> Option<&mut Entry> {
        if self.known(log).is_none() {
            *self.cursors.get_mut(self.count)? = (log, actual()?);
            self.count += 1;
        }
        self.known(log)
    }

    /// The cursor in `log`, if it has been moved.
    fn known(&mut self, log: u32) -> Option<&mut Entry> {
        self.cursors[..self.count].iter_mut().find(|(known, _)| *known == log).map(|(_, cursor)| cursor)
    }
}

/// Lays out what a connection is to be sent next.
fn gather<'a>(conn: &'a Connection, topics: &'a Topics) -> Slices<'a> {
    let mut slices = Slices::new();
    let mut ahead = Ahead { cursors: [(0, 0); LOGS_PER_WRITE_MAX], count: 0 };
    let actual =
        |log| conn.subscriptions.slot(log).map(|slot| topics.log(log).members()[slot as usize].cursor);
    if let Some(outbox) = &conn.outbox {
        slices.push(&outbox.head_slices());
        // Frames of one's own that follow each other are one run of bytes.
        let (mut run_start, mut run_end) = (0, 0);
        for item in outbox.items() {
            if let Item::Own(len) = item {
                run_end += len;
                continue;
            }
            // Two for the run before the mark, two for what the mark stands for.
            if !slices.has_room(4) {
                return slices;
            }
            slices.push(&outbox.own_slices(run_start, run_end - run_start));
            run_start = run_end;
            let (&Item::Through(log, to) | &Item::Skip(log, to)) = item else { return slices };
            let Some(cursor) = ahead.cursor(log, || actual(log)) else { return slices };
            if let Item::Through(..) = item
                && *cursor < to
            {
                if *cursor < topics.log(log).first() {
                    return slices;
                }
                slices.push(&topics.log(log).slices(*cursor, to));
            }
            *cursor = to.max(*cursor);
        }
        if !slices.has_room(2) {
            return slices;
        }
        slices.push(&outbox.own_slices(run_start, run_end - run_start));
    }
    // One that is ending is sent what it was left with, and follows nothing.
    if conn.phase != Phase::Open {
        return slices;
    }
    for &Subscription { log, .. } in conn.subscriptions.as_slice() {
        let source = topics.log(log);
        let Some(cursor) = ahead.known(log).map_or_else(|| actual(log), |known| Some(*known)) else { break };
        if !slices.has_room(2) {
            break;
        }
        if cursor >= source.first() {
            slices.push(&source.slices(cursor, source.head()));
        }
    }
    slices
}

impl State {
    /// Writes, a bounded number of connections.
    pub fn flush(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        while let Some(index) = self.readable.pop() {
            if self.conns.contains(index as usize) {
                sockets.resume(index as usize);
            }
        }
        self.topics.let_go(now);
        let mut budget = WRITES_PER_TURN_MAX;
        // What is armed from now on has its turn in the next.
        let mut pending = self.pending.len();
        while budget > 0 && (pending > 0 || self.topics.is_dirty()) {
            let share = pending.min(CONNECTIONS_PER_SHARE);
            pending -= share;
            budget = budget.saturating_sub(self.flush_pending(now, share, sockets));
            budget = budget.saturating_sub(self.flush_log(now, MEMBERS_PER_SHARE.min(budget), sockets));
        }
    }

    /// Writes to some of those who have something of their own. Returns how many that were.
    fn flush_pending(&mut self, now: Millis, share: usize, sockets: &mut dyn Sockets) -> usize {
        let mut written = 0;
        for _ in 0..share {
            let Some(index) = self.pending.pop_front() else { break };
            let Some(conn) = self.conns.get_mut(index as usize) else { continue };
            if std::mem::take(&mut conn.is_pending) {
                self.flush_conn(now, index, sockets);
                written += 1;
            }
        }
        written
    }

    /// Goes some steps round the members of the next log. Returns how many.
    fn flush_log(&mut self, now: Millis, share: usize, sockets: &mut dyn Sockets) -> usize {
        let Some(log) = self.topics.pop_dirty() else { return 0 };
        let mut visited = 0;
        while visited < share
            && let Some((conn, is_behind)) = self.topics.next_on_round(log)
        {
            if is_behind {
                self.flush_conn(now, conn, sockets);
            }
            visited += 1;
        }
        self.topics.push_dirty(now, log, self.limits.write_queue_bytes_max);
        visited
    }

    fn flush_conn(&mut self, now: Millis, index: u32, sockets: &mut dyn Sockets) {
        let conn = &self.conns[index as usize];
        if conn.is_blocked || matches!(conn.phase, Phase::Draining | Phase::Gone) {
            return;
        }
        self.note_skips(index);
        let conn = &self.conns[index as usize];
        let slices = gather(conn, &self.topics);
        let (offered, written) = match slices.bytes {
            0 => (0, Ok(0)),
            bytes if conn.phase == Phase::Flushing => {
                (bytes, sockets.write_last(index as usize, slices.as_slice()))
            }
            bytes => (bytes, sockets.write(index as usize, slices.as_slice())),
        };
        let written = match written {
            Ok(written) => written.min(offered),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return self.break_off(now, index, error.kind()),
        };
        self.settle(index, written);
        self.metrics.bytes_out += written as u64;
        self.metrics.writes += u64::from(offered > 0);
        let is_short = written < offered;
        let conn = self.conn(index);
        conn.bytes_out += written as u64;
        if written > 0 || !conn.was_blocked {
            conn.stalled_at = now;
        }
        if std::mem::take(&mut conn.is_probed) {
            if written == 0 && is_short {
                conn.is_blocked = true;
                return self.close(now, index, CloseReason::TooSlow);
            }
            conn.heard_at = now;
            conn.is_pinged = false;
            self.touch_timer(index);
        }
        let conn = self.conn(index);
        if is_short {
            conn.is_blocked = true;
            conn.was_blocked = true;
            self.metrics.writes_short += 1;
            self.touch_timer(index);
        }
        self.after_write(now, index, sockets);
    }

    /// Moves outbox and cursors on by what the kernel took.
    fn settle(&mut self, index: u32, written: usize) {
        let conn = self.conns.get_mut(index as usize).expect("slot is live: it has just been written to");
        let mut left = written;
        if let Some(outbox) = &mut conn.outbox {
            left = outbox.settle_head(left);
            while let Some(item) = outbox.front_mut() {
                let (log, to) = match *item {
                    Item::Own(_) if left == 0 => return,
                    Item::Own(len) => {
                        let taken = len.min(left);
                        outbox.settle_front(taken);
                        left -= taken;
                        continue;
                    }
                    Item::Ask(..) => return,
                    Item::Through(log, to) | Item::Skip(log, to) => (log, to),
                };
                let slot = conn.subscriptions.slot(log).expect("marks go when the subscription does");
                let source = self.topics.log_mut(log);
                let cursor = source.members()[slot as usize].cursor;
                if let Item::Through(..) = item
                    && cursor < to
                {
                    if cursor < source.first() {
                        // What the log still holds of it is sent from there.
                        let held_from = source.first().min(to);
                        outbox.push_front_mark(source.question(cursor..held_from));
                        return source.set_cursor(slot, held_from);
                    }
                    let len = source.slices(cursor, to).map(<[u8]>::len).iter().sum();
                    if left < len {
                        if left > 0 {
                            let (entry, rest) = source.advance(cursor, left);
                            outbox.begin_with(rest);
                            source.set_cursor(slot, entry);
                        }
                        return;
                    }
                    left -= len;
                }
                source.set_cursor(slot, to.max(cursor));
                outbox.settle_front(0);
            }
        }
        if conn.phase != Phase::Open {
            return;
        }
        for &Subscription { log, slot } in conn.subscriptions.as_slice() {
            let source = self.topics.log_mut(log);
            let (cursor, head) = (source.members()[slot as usize].cursor, source.head());
            if cursor < source.first() {
                let outbox = conn.outbox.get_or_insert_with(|| self.spare_outboxes.pop().unwrap_or_default());
                outbox.push_mark(source.question(cursor..source.first()));
                source.set_cursor(slot, source.first());
                continue;
            }
            let len: usize = source.slices(cursor, head).map(<[u8]>::len).iter().sum();
            if left < len {
                if left > 0 {
                    let (entry, rest) = source.advance(cursor, left);
                    let outbox =
                        conn.outbox.get_or_insert_with(|| self.spare_outboxes.pop().unwrap_or_default());
                    outbox.begin_with(rest);
                    source.set_cursor(slot, entry);
                }
                return;
            }
            source.set_cursor(slot, head);
            left -= len;
        }
    }

    /// What follows from having written: an empty outbox goes, a reader is read again, a connection that has said all
    /// says FIN, and one that has come to a question is noted for its service.
    fn after_write(&mut self, now: Millis, index: u32, sockets: &mut dyn Sockets) {
        self.note_question(now, index);
        if self.conn(index).outbox.as_ref().is_some_and(|outbox| outbox.is_empty()) {
            self.recycle_outbox(index);
        }
        if self.conn(index).phase != Phase::Open && self.conn(index).outbox.is_none() {
            self.drop_subscriptions(index);
        }
        let low = self.limits.outbox_low_bytes;
        let conn = self.conn(index);
        let id = conn.id(index);
        let queued = conn.outbox.as_ref().map_or(0, |outbox| outbox.queued_bytes());
        if queued <= low && !self.crowding.iter().any(|(crowding, _)| *crowding == id) {
            self.let_in(index);
        }
        let conn = self.conn(index);
        if conn.is_blocked {
            return;
        }
        if self.has_output(index) {
            return self.arm(index);
        }
        let conn = self.conn(index);
        if std::mem::take(&mut conn.was_blocked) && conn.is_announced {
            self.drained.push(id);
        }
        if self.conn(index).phase == Phase::Flushing {
            self.half_close(now, index, sockets);
        }
    }

    /// Whether anything waits for a connection that it can be sent now.
    fn has_output(&self, index: u32) -> bool {
        let conn = &self.conns[index as usize];
        if conn.outbox.is_some() {
            return !conn.is_asking;
        }
        conn.phase == Phase::Open
            && conn.subscriptions.as_slice().iter().any(|&Subscription { log, slot }| {
                let source = self.topics.log(log);
                source.members()[slot as usize].cursor < source.head()
            })
    }

    /// When a connection has been sent everything before a question, the service is to be asked.
    fn note_question(&mut self, now: Millis, index: u32) {
        let conn = self.conn(index);
        let Some(outbox) = &conn.outbox else { return };
        let is_question = outbox.has_no_head() && matches!(outbox.front(), Some(Item::Ask(..)));
        match conn.phase {
            Phase::Open if is_question && !conn.is_asking => {
                conn.is_asking = true;
                let id = conn.id(index);
                self.asking.push(id);
            }
            Phase::Closing | Phase::Flushing if is_question => self.end_at_hole(now, index),
            _ => {}
        }
    }

    /// A connection that was not read is to be again.
    pub fn let_in(&mut self, index: u32) {
        let conn = self.conn(index);
        if conn.intake == Intake::Paused {
            conn.intake = Intake::Resuming;
            let id = conn.id(index);
            self.resumed.push(id);
        }
    }

    /// The connection broke while it was written to.
    pub fn break_off(&mut self, now: Millis, index: u32, error: io::ErrorKind) {
        self.close(now, index, CloseReason::Reset(error));
        self.free_later(index);
    }

    /// The kernel takes bytes again.
    pub fn handle_writable(&mut self, now: Millis, index: u32) {
        let Some(conn) = self.conns.get_mut(index as usize) else { return };
        if std::mem::take(&mut conn.is_blocked) {
            // What the peer has taken is proof of life, and a Ping that is out has stood behind it.
            conn.heard_at = now;
            conn.is_pinged = false;
            // Also with nothing to send: what follows a write that emptied everything has yet to follow.
            self.arm(index);
            self.touch_timer(index);
        }
    }
}
