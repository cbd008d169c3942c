//! The sockets of a loop, by key: which of them may have something to read, and what an event means for one.
//!
//! A socket that was left before it was empty stands on the ready-again list, once. So does one whose bytes nobody wanted,
//! as soon as somebody does.

use super::handshakes::Handshakes;
use super::reactor::UdpId;
use super::tls::Scratch;
use super::transport::{Received, Transport};
use super::{Dial, Handler, Sockets};
use crate::metrics::TlsMetrics;
use crate::time::Millis;
use mio::Registry;
use mio::event::Event;
use mio::net::UdpSocket;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

/// RFC 8446, section 6: a fatal `unexpected_message`, as a record.
const UNEXPECTED_MESSAGE: [u8; 7] = [21, 3, 3, 0, 2, 2, 10];
/// How many datagrams one socket may bring in a turn.
const DATAGRAMS_PER_TURN_MAX: usize = 64;

/// The sockets, by key, and which of them may have something to read.
#[derive(Debug)]
pub struct SocketTable {
    registry: Registry,
    sockets: Vec<Option<Socket>>,
    /// The ready-again list. A key is on it at most once.
    pub ready: VecDeque<usize>,
    pub handshakes: Handshakes,
    pub tls_metrics: TlsMetrics,
    scratch: Scratch,
    pub udp: Vec<UdpSocket>,
}

#[derive(Debug)]
struct Socket {
    transport: Transport,
    /// It was dialled, and has not said yet whether it is through.
    is_dialling: bool,
    /// On the ready-again list.
    is_listed: bool,
    /// Bytes may wait in the kernel that nobody has been told of: the handler did not want them.
    is_parked: bool,
    /// The peer has said FIN, so a short read does not mean that the end has been seen.
    is_read_closed: bool,
    /// There are urgent bytes: a read stops before them, short, whatever comes behind.
    has_urgent: bool,
    /// The end has been seen, or the connection is broken: it is not read again.
    is_read_done: bool,
}

impl SocketTable {
    pub fn new(registry: Registry) -> SocketTable {
        SocketTable {
            registry,
            sockets: Vec::new(),
            ready: VecDeque::new(),
            handshakes: Handshakes::default(),
            tls_metrics: TlsMetrics::default(),
            scratch: Scratch::default(),
            udp: Vec::new(),
        }
    }

    pub fn insert(&mut self, key: usize, transport: Transport, is_dialling: bool) {
        if key >= self.sockets.len() {
            self.sockets.resize_with(key + 1, || None);
        }
        let socket = Socket {
            transport,
            is_dialling,
            is_listed: false,
            is_parked: false,
            is_read_closed: false,
            has_urgent: false,
            is_read_done: false,
        };
        let former = self.sockets[key].replace(socket);
        assert!(former.is_none(), "the handler gave out key {key} twice");
    }

    fn get(&mut self, key: usize) -> Option<&mut Socket> {
        self.sockets.get_mut(key)?.as_mut()
    }

    /// Puts a socket on the ready-again list, or on that of the handshakes, unless it is there or has nothing more to say.
    fn list(&mut self, key: usize) {
        let Some(socket) = self.get(key) else { return };
        if !socket.is_listed && !socket.is_read_done {
            socket.is_listed = true;
            match socket.transport.is_shaking() {
                false => self.ready.push_back(key),
                true => {
                    let has_begun = socket.transport.has_begun_to_shake();
                    self.handshakes.list(key, has_begun);
                }
            }
        }
    }

    /// The time that a handshake has counts from now, if there is one to come.
    pub fn start_clock(&mut self, now: Millis, key: usize) {
        if let Some(Some(socket)) = self.sockets.get_mut(key)
            && let Some(until) = socket.transport.shakes_until()
        {
            *until = self.handshakes.start_clock(now, key);
        }
    }

    /// Whose handshake is given up next, and when.
    fn next_timeout(&mut self) -> Option<(Millis, usize)> {
        let sockets = &mut self.sockets;
        self.handshakes.next_deadline(|until, key| {
            let transport = sockets.get_mut(key).and_then(Option::as_mut).map(|socket| &mut socket.transport);
            transport.and_then(Transport::shakes_until).is_some_and(|shakes_until| *shakes_until == until)
        })
    }

    /// When the next handshake is given up.
    pub fn next_deadline(&mut self) -> Millis {
        self.next_timeout().map_or(Millis::NEVER, |(until, _)| until)
    }

    /// Gives up the handshakes that have taken too long.
    pub fn give_up<H: Handler>(&mut self, now: Millis, handler: &mut H) {
        while let Some((until, key)) = self.next_timeout()
            && until <= now
        {
            self.handshakes.pop_deadline();
            self.tls_metrics.timed_out += 1;
            if let Some(socket) = self.get(key) {
                socket.is_read_done = true;
                let error = io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long");
                handler.handle_reset(now, key, error);
            }
        }
    }

    /// A socket in a handshake has been read: perhaps it is through. Returns whether it goes on.
    fn note_handshake<H: Handler>(
        &mut self,
        now: Millis,
        key: usize,
        had_begun: bool,
        handler: &mut H,
    ) -> bool {
        let Some(socket) = self.get(key) else { return false };
        let (is_shaking, has_begun) = (socket.transport.is_shaking(), socket.transport.has_begun_to_shake());
        let (is_plain, has_resumed) =
            (socket.transport.is_plain(), !is_shaking && socket.transport.has_resumed());
        self.handshakes.note(had_begun, has_begun);
        if is_plain {
            self.tls_metrics.failed += 1;
            if !handler.handle_plain(now, key) {
                self.refuse_plain(now, key, handler);
                return false;
            }
        } else if !is_shaking {
            self.tls_metrics.handshakes += 1;
            self.tls_metrics.resumed += u64::from(has_resumed);
            handler.handle_connected(now, key);
        }
        if !is_shaking {
            handler.handle_writable(now, key);
        }
        true
    }

    fn refuse_plain<H: Handler>(&mut self, now: Millis, key: usize, handler: &mut H) {
        if let Some(socket) = self.get(key) {
            socket.is_read_done = true;
            // Best effort: it is closed whether or not it hears.
            let _ = socket.transport.send(&UNEXPECTED_MESSAGE);
        }
        let error = io::Error::new(io::ErrorKind::InvalidData, "the peer does not speak TLS");
        handler.handle_reset(now, key, error);
    }

    pub fn note_event<H: Handler>(&mut self, now: Millis, key: usize, event: &Event, handler: &mut H) {
        // A socket that was closed in this very turn may still have an event in the batch.
        let Some(socket) = self.get(key) else { return };
        socket.is_read_closed |= event.is_read_closed();
        socket.has_urgent |= event.is_priority();
        // What came before a reset is read first; the error follows it. But a connection that is not being read must hear
        // of its end too.
        if event.is_error()
            && (socket.is_dialling || !(event.is_readable() && handler.wants_bytes(key)))
            && let Some(error) = socket.transport.take_error()
        {
            socket.is_read_done = true;
            return handler.handle_reset(now, key, error);
        }
        if socket.is_dialling {
            if !socket.transport.is_connected() {
                return;
            }
            socket.is_dialling = false;
            if socket.transport.is_shaking() {
                // Who dials speaks first.
                self.start_clock(now, key);
                self.list(key);
            } else {
                handler.handle_connected(now, key);
            }
        }
        if event.is_readable() || event.is_read_closed() {
            self.list(key);
        }
        if event.is_writable() {
            self.note_writable(now, key, handler);
        }
    }

    /// A handshake is nobody's business but ours; and what the handler has left to write goes behind what TLS has.
    fn note_writable<H: Handler>(&mut self, now: Millis, key: usize, handler: &mut H) {
        let Some(socket) = self.get(key) else { return };
        match socket.transport.flush() {
            Ok(true) if !socket.transport.is_shaking() => handler.handle_writable(now, key),
            Ok(_) => {}
            Err(error) if socket.is_read_done => log::debug!("cannot write: {error}"),
            Err(error) => {
                socket.is_read_done = true;
                handler.handle_reset(now, key, error);
            }
        }
    }

    pub fn read<H: Handler>(&mut self, now: Millis, key: usize, buffer: &mut [u8], handler: &mut H) {
        let Some(Some(socket)) = self.sockets.get_mut(key) else { return };
        socket.is_listed = false;
        if socket.is_read_done {
            return;
        }
        let was_shaking = socket.transport.is_shaking();
        if !was_shaking && !handler.wants_bytes(key) {
            socket.is_parked = true;
            return;
        }
        let had_begun = socket.transport.has_begun_to_shake();
        let received = socket.transport.read(buffer, &mut self.scratch);
        let (is_read_closed, has_urgent) = (socket.is_read_closed, socket.has_urgent);
        if let Ok(Received::End | Received::Cut) | Err(_) = received {
            let kind = received.as_ref().err().map(io::Error::kind);
            let goes_on = matches!(kind, Some(io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted));
            socket.is_read_done = !goes_on;
        }
        if was_shaking && !self.note_handshake(now, key, had_begun, handler) {
            return;
        }
        match received {
            Ok(Received::End) => handler.handle_eof(now, key),
            Ok(Received::Cut) => handler.handle_truncated(now, key),
            Ok(Received::Bytes { len, is_drained }) => {
                // A read that has emptied the socket was the last, unless the end comes behind it.
                if !is_drained || is_read_closed || has_urgent {
                    self.list(key);
                }
                if len > 0 {
                    handler.handle_bytes(now, key, &mut buffer[..len]);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if let Some(socket) = self.get(key) {
                    socket.has_urgent = false;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.list(key),
            Err(error) => {
                if was_shaking {
                    self.tls_metrics.failed += 1;
                    log::debug!("TLS handshake: {error}");
                }
                handler.handle_reset(now, key, error);
            }
        }
    }

    fn write_with(
        &mut self,
        key: usize,
        mut write: impl FnMut(&mut Transport, &mut Scratch) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let socket = self.sockets.get_mut(key).and_then(Option::as_mut).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            match write(&mut socket.transport, &mut self.scratch) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }

    /// Returns whether more may wait.
    pub fn receive<H: Handler>(
        &mut self,
        now: Millis,
        id: UdpId,
        buffer: &mut [u8],
        handler: &mut H,
    ) -> bool {
        for _ in 0..DATAGRAMS_PER_TURN_MAX {
            match self.udp[id.0].recv_from(buffer) {
                Ok((len, from)) => handler.handle_datagram(now, id, from, &mut buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An answer that nobody received comes back as an error on the next call; it is no news of this one.
                Err(error) => log::debug!("recv_from: {error}"),
            }
        }
        true
    }
}

impl Sockets for SocketTable {
    fn dial(&mut self, key: usize, dial: &Dial) -> io::Result<()> {
        let mut transport = Transport::dial(dial)?;
        transport.register(&self.registry, key)?;
        self.insert(key, transport, true);
        Ok(())
    }

    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_with(key, |transport, scratch| transport.write(slices, scratch))
    }

    fn write_last(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_with(key, |transport, scratch| transport.write_last(slices, scratch))
    }

    fn shutdown_write(&mut self, key: usize) {
        if let Some(socket) = self.get(key) {
            // A connection that broke in the meantime says so when it is read.
            let _ = socket.transport.shutdown_write();
        }
    }

    fn resume(&mut self, key: usize) {
        if let Some(socket) = self.get(key)
            && std::mem::take(&mut socket.is_parked)
        {
            self.list(key);
        }
    }

    fn close(&mut self, key: usize) {
        // A key that still stands on the ready list finds nobody there, or the next connection, which loses nothing by
        // being read once in vain.
        if let Some(socket) = self.sockets.get_mut(key).and_then(Option::take) {
            self.handshakes.note(socket.transport.has_begun_to_shake(), false);
        }
    }

    fn send_to(&mut self, socket: UdpId, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        self.udp[socket.0].send_to(bytes, to).map(drop)
    }
}
