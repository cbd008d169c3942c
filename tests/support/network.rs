//! A network without a kernel: the sockets of one handler as vectors, and the loop's turn around it. Each test moves the
//! peers as it likes, and owns the time.
//!
//! ```text
//!     peer ── send, end ──▶ unread ──── a bite a turn ───▶ handler, by `handle_bytes` and `handle_eof`
//!     peer ◀───── take ──── in_flight ◀── up to capacity ── handler, by `flush`
//! ```
//!
//! A wire that is full takes nothing until half of what it keeps has been taken; then the handler hears that there is room,
//! as from a kernel. One that is broken says so when it is next written to, and not before.
//!
//! What no handler may do, none may do in any of the tests: write behind its FIN, or into a wire that is full, or nothing
//! at all; close twice; or want bytes again that it let lie, and not say so.

#![allow(dead_code, reason = "each test crate uses its part")]

use chinwag::net::{Handler, Sockets, UdpId};
use chinwag::time::Millis;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// The kernel's side of one connection.
#[derive(Default)]
pub struct Wire {
    /// What the peer has sent and the server has not read.
    pub unread: Vec<u8>,
    /// The peer has sent FIN behind that.
    pub ends: bool,
    /// The server has been told so.
    has_ended: bool,
    /// Bytes wait that the server did not want.
    is_parked: bool,
    /// What the server wrote and the peer has not taken.
    pub in_flight: Vec<u8>,
    /// How long each write was that is in flight, or was.
    pub writes: Vec<usize>,
    /// How many bytes fit into `in_flight`.
    pub capacity: usize,
    /// A write came up short: the server is to hear when there is room again.
    pub is_full: bool,
    /// Since when it has been, and nothing was taken.
    full_at: Millis,
    /// The server has been told that there is room, rightly or not.
    pub is_told_of_room: bool,
    pub has_fin: bool,
    /// The peer is gone without a word; what it had said still comes.
    pub is_broken: bool,
    /// How many bytes the peer has taken.
    taken: usize,
}

impl Wire {
    /// The peer takes at most so many bytes.
    pub fn take(&mut self, len_max: usize) -> Vec<u8> {
        let len = self.in_flight.len().min(len_max);
        self.taken += len;
        self.in_flight.drain(..len).collect()
    }

    /// The peer says these bytes, if it can still say anything.
    pub fn send(&mut self, bytes: &[u8]) {
        if !self.ends && !self.is_broken {
            self.unread.extend_from_slice(bytes);
        }
    }

    /// Nothing more comes from the peer, and no FIN either.
    pub fn cut(&mut self) {
        self.unread.clear();
        (self.ends, self.has_ended) = (true, true);
    }

    /// Memory that stands for what kernels keep.
    pub fn heap_bytes(&self) -> usize {
        self.unread.capacity() + self.in_flight.capacity() + self.writes.capacity() * size_of::<usize>()
    }

    /// Whether there is something that the server has not been given.
    fn has_news(&self) -> bool {
        !self.unread.is_empty() || self.ends && !self.has_ended && !self.is_broken
    }

    /// Whether the kernel says that a full wire takes bytes again: not before half of what it keeps is gone.
    fn has_room_again(&self) -> bool {
        let len = self.in_flight.len();
        self.is_full && (self.is_broken || len < self.capacity && len <= self.capacity / 2)
    }
}

#[derive(Default)]
pub struct Network {
    pub wires: BTreeMap<usize, Wire>,
    now: Millis,
    pub writes: u64,
    /// What the server has closed in this turn, in order, and how it stood then.
    closed: Vec<(usize, Wire)>,
    trace: u64,
}

impl Network {
    /// The server has accepted a connection, whose kernel keeps so many bytes for a peer that does not take them.
    pub fn connect(&mut self, key: usize, capacity: usize) {
        let former = self.wires.insert(key, Wire { capacity, ..Wire::default() });
        assert!(former.is_none(), "a key is given out twice");
    }

    /// The wire of a connection that is not closed.
    #[track_caller]
    pub fn wire(&mut self, key: usize) -> &mut Wire {
        self.wires.get_mut(&key).expect("the connection is not closed")
    }

    /// One turn of the loop, as `net` has it; each read brings as many bytes as `bite` says, at most. Returns what the
    /// server has closed.
    pub fn turn(
        &mut self,
        now: Millis,
        server: &mut impl Handler,
        mut bite: impl FnMut() -> usize,
    ) -> Vec<(usize, Wire)> {
        self.now = now;
        for (&key, wire) in &mut self.wires {
            if wire.has_room_again() {
                wire.is_full = false;
                server.handle_writable(now, key);
            }
        }
        for (&key, wire) in self.wires.iter_mut().filter(|(_, wire)| wire.has_news() && !wire.is_parked) {
            if !server.wants_bytes(key) {
                wire.is_parked = true;
            } else if wire.unread.is_empty() {
                wire.has_ended = true;
                server.handle_eof(now, key);
            } else {
                let len = wire.unread.len().min(bite());
                let mut bytes: Vec<u8> = wire.unread.drain(..len).collect();
                server.handle_bytes(now, key, &mut bytes);
            }
        }
        server.handle_timers(now);
        server.handle_wake(now);
        server.flush(now, self);
        server.reap(now, self);
        let is_forgotten = |(key, wire): (&usize, &Wire)| wire.is_parked && server.wants_bytes(*key);
        let is_any_forgotten = self.wires.iter().any(is_forgotten) && !server.has_work();
        assert!(!is_any_forgotten, "wanted again, and nobody says so");
        for (key, wire) in &self.closed {
            self.trace = self.trace.wrapping_mul(31).wrapping_add((key ^ wire.taken << 8) as u64);
        }
        self.trace = self.trace.wrapping_mul(31).wrapping_add(self.writes);
        std::mem::take(&mut self.closed)
    }

    /// Whether the next turn would not sleep.
    pub fn is_busy(&self, server: &impl Handler) -> bool {
        let is_ready = |wire: &Wire| wire.has_news() && !wire.is_parked || wire.has_room_again();
        server.has_work() || self.wires.values().any(is_ready)
    }

    /// Whether anything is still on its way to anybody.
    pub fn is_owing(&self, server: &impl Handler) -> bool {
        let is_owed = |wire: &Wire| {
            let is_heard = !wire.is_broken && !wire.has_fin;
            !wire.unread.is_empty() && is_heard || wire.is_full || !wire.in_flight.is_empty()
        };
        server.has_work() || self.wires.values().any(is_owed)
    }

    /// What that is, in words.
    pub fn debts(&self, server: &impl Handler) -> String {
        let mut debts = format!("has_work={}\n", server.has_work());
        for (&key, wire) in &self.wires {
            let Wire { unread, in_flight, is_full, is_parked, is_broken, has_fin, .. } = wire;
            let (unread, in_flight, is_wanted) = (unread.len(), in_flight.len(), server.wants_bytes(key));
            writeln!(
                debts,
                "{key}: unread={unread} in_flight={in_flight} is_full={is_full} is_parked={is_parked} is_broken={is_broken} has_fin={has_fin} wanted={is_wanted}"
            )
            .expect("a string takes everything");
        }
        debts
    }

    /// What happened so far, as a number.
    pub fn trace(&self) -> u64 {
        self.trace
    }
}

impl Sockets for Network {
    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let wire = self.wires.get_mut(&key).expect("the server writes to a socket that it has");
        assert!(!wire.has_fin, "nothing is written behind a FIN");
        let is_told = std::mem::take(&mut wire.is_told_of_room);
        let is_probe = self.now.0 - wire.full_at.0 >= 35_000;
        assert!(!wire.is_full || is_told || is_probe, "a full socket is not written to before it has room");
        assert!(slices.iter().any(|slice| !slice.is_empty()), "an empty write is a wasted system call");
        self.writes += 1;
        if wire.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let room = wire.capacity - wire.in_flight.len().min(wire.capacity);
        let taken = offered.min(room);
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
        wire.in_flight.extend(bytes.take(taken));
        if taken > 0 || !wire.is_full {
            wire.full_at = self.now;
        }
        wire.is_full = taken < offered;
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        wire.writes.push(taken);
        Ok(taken)
    }

    fn shutdown_write(&mut self, key: usize) {
        self.wires.get_mut(&key).expect("the server has this socket").has_fin = true;
    }

    fn resume(&mut self, key: usize) {
        self.wires.get_mut(&key).expect("the server resumes a socket that it has").is_parked = false;
    }

    fn close(&mut self, key: usize) {
        let wire = self.wires.remove(&key).expect("a socket is closed once");
        self.closed.push((key, wire));
    }

    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        unreachable!("the server has no datagrams")
    }
}
