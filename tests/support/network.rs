//! Sockets that are vectors: a send buffer of a size that the test chooses, and what has left it for the peer.

use chinwag::net::{Sockets, UdpId};
use chinwag::time::Millis;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// The kernel's side of one connection.
#[derive(Default)]
pub struct Wire {
    /// What the server wrote and the peer has not read.
    pub in_flight: Vec<u8>,
    /// How many bytes fit into `in_flight`.
    pub capacity: usize,
    /// A write came up short: the server is to hear when there is room again.
    pub is_full: bool,
    /// Since when it has been, and nothing was taken.
    pub full_at: Millis,
    /// It has been told that there is room, rightly or not.
    pub is_told_of_room: bool,
    pub has_fin: bool,
    /// The peer is gone without a word.
    pub is_broken: bool,
    /// Bytes wait that the server did not want.
    pub is_parked: bool,
}

#[derive(Default)]
pub struct Network {
    pub wires: HashMap<usize, Wire>,
    /// Sockets that the server lets be read again.
    pub resumed: Vec<usize>,
    /// What the server has closed, in order, and how it stood then.
    pub closed: Vec<(usize, Wire)>,
    pub writes: u64,
    pub now: Millis,
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
        let mut left = taken;
        for slice in slices {
            let len = slice.len().min(left);
            wire.in_flight.extend_from_slice(&slice[..len]);
            left -= len;
        }
        if taken > 0 || !wire.is_full {
            wire.full_at = self.now;
        }
        wire.is_full = taken < offered;
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn shutdown_write(&mut self, key: usize) {
        self.wires.get_mut(&key).expect("the server has this socket").has_fin = true;
    }

    fn resume(&mut self, key: usize) {
        assert!(self.wires.contains_key(&key), "the server resumes a socket that it has");
        self.resumed.push(key);
    }

    fn close(&mut self, key: usize) {
        let wire = self.wires.remove(&key).expect("a socket is closed once");
        self.closed.push((key, wire));
    }

    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        unreachable!("the server has no datagrams")
    }
}
