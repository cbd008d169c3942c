//! The loop: it moves bytes and keeps time, and knows no protocol.
//!
//! One thread, one `epoll`, and turns. Each turn of [`Reactor::turn`] does nine things, always in this order:
//!
//! ```text
//!  1 poll     sleep until a socket is ready, mail comes, or the next deadline; not at all while work is left over
//!  2 clock    read once; this is `now` for the rest of the turn
//!  3 inbox    what other threads have to say                            Handler::handle_mail
//!  4 accept   new connections, a bounded number for each listener       Handler::handle_accepted
//!  5 read     one buffer full from each socket that may have bytes      Handler::handle_bytes, handle_eof, handle_reset
//!             and TLS handshakes, for a millisecond                     Handler::handle_connected, handle_plain
//!  6 timers   what is due                                               Handler::handle_timers
//!  7 wake     what the handler put off until all input was seen         Handler::handle_wake
//!  8 flush    write what has gathered, a bounded number of sockets      Handler::flush
//!  9 reap     free what has ended                                       Handler::reap
//! ```
//!
//! Behind the second, what the poll brought is noted: who may be read stands on a list for step 5, and a handler hears at
//! once of a socket that can be written to again or is broken, and of one it dialled that is through.
//!
//! Steps 3 to 7 only take in: the handler notes what must happen. It writes in step 8 and frees in step 9, through the
//! [`Sockets`] that it is handed there and nowhere else. So no callback can pull a connection from under another, and
//! all that one turn brought for a peer leaves in one system call.
//!
//! **Edge-triggered, with a memory.** mio reports a socket once when it becomes ready, not for as long as it is. A loop
//! that reads everything until `WouldBlock` may stop listening to the others while one client sends 100 MB; a loop
//! that stops earlier is never told again. So a socket that was left before it was empty stands on the *ready-again*
//! list, and while that list is not empty the next poll does not sleep. A read shorter than the buffer has emptied the
//! socket, which saves the second `recv` whose only news is `WouldBlock`.
//!
//! Sockets are registered once, for both directions, and never again: a handler that gets no bytes is no trouble to
//! `epoll`, since an edge costs one event, and one that cannot write hears of it when it can.

mod handshakes;
mod inbox;
mod listener;
pub mod outbox;
mod peer;
mod reactor;
mod sockets;
pub mod tls;
mod transport;
pub mod wheel;

use crate::time::Millis;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};

pub use handshakes::Limits as HandshakeLimits;
pub use inbox::{Inbox, Post};
pub use listener::{Address, KeepAlive, ListenerId, is_family_absent};
pub use peer::Peer;
pub use reactor::{READ_BUFFER_LEN, Reactor, UdpId};

/// What a loop drives: it owns the connections' state, and chooses their keys.
///
/// A key is a small dense number, the connection's slot in the handler's slab. The loop files the socket under it and
/// uses the same key in every later call, until [`Handler::reap`] closes it.
pub trait Handler {
    /// What other threads can send in; see [`Reactor::post`].
    type Mail: Send + 'static;

    /// A message from another thread.
    fn handle_mail(&mut self, _now: Millis, _mail: Self::Mail) {}

    /// `peer` has connected. The key it is to have, or what is written to it before it is turned away.
    fn handle_accepted(&mut self, now: Millis, listener: ListenerId, peer: Peer) -> Result<usize, &[u8]>;

    /// What is written to a peer for which there is no descriptor.
    fn refusal(&self, _listener: ListenerId) -> &[u8] {
        b""
    }

    /// The connection that was dialled under `key` stands, or the TLS handshake of one that was accepted is through. If that
    /// does not come about, [`Handler::handle_reset`] says why.
    fn handle_connected(&mut self, _now: Millis, _key: usize) {}

    /// The peer has begun with text where TLS was awaited. Returns whether it is to be answered in plain text; its bytes then
    /// come like those of any other connection. Otherwise it gets an alert, and [`Handler::handle_reset`] follows.
    fn handle_plain(&mut self, _now: Millis, _key: usize) -> bool {
        false
    }

    /// Bytes have come. They lie in the loop's one read buffer, are the handler's to change in place, and are gone
    /// when it returns.
    fn handle_bytes(&mut self, now: Millis, key: usize, bytes: &mut [u8]);

    /// The peer sends nothing more; it may still read.
    fn handle_eof(&mut self, now: Millis, key: usize);

    /// The same under TLS, without the alert that says so (RFC 8446, 6.1): somebody else may have cut off what comes last.
    fn handle_truncated(&mut self, now: Millis, key: usize) {
        self.handle_eof(now, key);
    }

    /// The connection is broken in both directions.
    fn handle_reset(&mut self, now: Millis, key: usize, error: io::Error);

    /// A socket whose last write came up short can be written to again. Also called when nothing was short.
    fn handle_writable(&mut self, now: Millis, key: usize);

    /// A datagram has come, whole: what the read buffer did not hold is lost, so size it for the largest.
    fn handle_datagram(&mut self, _now: Millis, _socket: UdpId, _from: SocketAddr, _bytes: &mut [u8]) {}

    /// Whether bytes of this connection are wanted now. What is not read stays in the kernel, which slows the peer
    /// down. A handler that says no calls [`Sockets::resume`] when it changes its mind.
    fn wants_bytes(&self, _key: usize) -> bool {
        true
    }

    /// Deadlines have come, perhaps.
    fn handle_timers(&mut self, _now: Millis) {}

    /// All input of this turn has been handed over.
    fn handle_wake(&mut self, _now: Millis) {}

    /// Writes what has gathered.
    fn flush(&mut self, now: Millis, sockets: &mut dyn Sockets);

    /// Closes what has ended.
    fn reap(&mut self, _now: Millis, _sockets: &mut dyn Sockets) {}

    /// Whether the turn left something to do that waits for nothing: then the next poll does not sleep.
    fn has_work(&self) -> bool {
        false
    }

    /// When to call again though nothing happens; [`Millis::NEVER`] for not at all.
    fn next_deadline(&self) -> Millis {
        Millis::NEVER
    }

    /// Whether new connections are still wanted. Once not, the listeners are closed.
    fn is_accepting(&self) -> bool {
        true
    }

    /// Whether [`Reactor::run`] is to return.
    fn is_done(&self) -> bool {
        false
    }
}

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub to: Address,
    /// From which of our addresses, where it matters: each has some 28,000 ports to dial from.
    pub from: Option<IpAddr>,
    /// Who finds out that the peer is gone.
    pub keep_alive: KeepAlive,
    /// What it takes to speak TLS with it, if that is spoken.
    pub tls: Option<tls::ClientEnd>,
}

/// The sockets as a [`Handler`] sees them while it flushes and reaps. Simulations bring their own.
pub trait Sockets {
    /// Begins to connect, under a key of the handler's choosing. [`Handler::handle_connected`] follows, or
    /// [`Handler::handle_reset`]; until then there is nothing to write to. An error means that neither will, and that the
    /// key names nothing. Only a loop can dial: what stands in for one in a simulation need not.
    fn dial(&mut self, _key: usize, _dial: &Dial) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Writes the slices in one system call. Returns how many bytes the kernel took; fewer than all of them, or
    /// `WouldBlock`, mean that [`Handler::handle_writable`] will follow; the rest is to be offered again then, as it was.
    /// Any other error is the connection's end.
    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The same with what may be the last: the kernel may keep it until [`Sockets::shutdown_write`] or [`Sockets::close`], one
    /// of which follows when all is taken, so that bytes and FIN share a segment.
    fn write_last(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(key, slices)
    }

    /// Sends FIN behind what has been written: we have said all; we still listen.
    fn shutdown_write(&mut self, key: usize);

    /// [`Handler::wants_bytes`] says yes again: what came in the meantime is to be read.
    fn resume(&mut self, key: usize);

    /// Closes the socket. Its key may name another connection from now on.
    fn close(&mut self, key: usize);

    /// Sends one datagram. `WouldBlock` loses it, as a full link would.
    fn send_to(&mut self, socket: UdpId, to: SocketAddr, bytes: &[u8]) -> io::Result<()>;
}
