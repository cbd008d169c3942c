//! The readiness loop over mio. [`super`] tells what a turn is; this file is that list of nine, one function for each.

use super::inbox::{Inbox, Post};
use super::listener::{Address, KeepAlive, Listener, ListenerId, is_exhaustion, is_of_one_peer, say_no};
use super::transport::Transport;
use super::{Dial, Handler, Sockets};
use crate::time::Millis;
use mio::event::Event;
use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// The loop's one read buffer: what a connection may hand over in a turn, and the largest datagram.
pub const READ_BUFFER_LEN: usize = 64 * 1024;
/// How many events one poll fetches; the rest wait for the next, so nobody is lost.
const EVENTS_LEN: usize = 1024;
/// How many sockets are read in a turn; the others keep their places on the list.
const READS_PER_TURN_MAX: usize = 1024;
/// How many turns in a row may put off the timers, because there was more to hear than one turn can.
const FULL_TURNS_MAX: u32 = 32;
/// How many connections one listener may bring in a turn.
const ACCEPTS_PER_TURN_MAX: usize = 64;
/// How many datagrams one socket may bring in a turn.
const DATAGRAMS_PER_TURN_MAX: usize = 64;

// Keys of connections count up from 0; everything else that is registered counts down from the top.
const WAKER: Token = Token(usize::MAX);
const LISTENERS_TOP: usize = usize::MAX - 1;
const UDP_TOP: usize = usize::MAX - 1 - TOKENS_PER_KIND;
const CONNECTIONS_END: usize = UDP_TOP - TOKENS_PER_KIND;
const TOKENS_PER_KIND: usize = 1024;

/// The number of a UDP socket, in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpId(pub usize);

/// The loop: a poll, the sockets, and the time.
#[derive(Debug)]
pub struct Reactor<M> {
    poll: Poll,
    events: Events,
    started: Instant,
    inbox: Inbox<M>,
    post: Post<M>,
    listeners: Vec<Listener>,
    /// Listeners that may have connections waiting.
    listeners_ready: Vec<bool>,
    table: SocketTable,
    udp_ready: Vec<bool>,
    read_buffer: Box<[u8]>,
    /// How many turns in a row have not heard everybody.
    full_turns: u32,
}

/// The sockets, by key, and which of them may have something to read.
#[derive(Debug)]
struct SocketTable {
    registry: Registry,
    sockets: Vec<Option<Socket>>,
    /// The ready-again list. A key is on it at most once.
    ready: VecDeque<usize>,
    udp: Vec<UdpSocket>,
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

impl<M: Send + 'static> Reactor<M> {
    /// A loop with nothing to do yet.
    pub fn new() -> io::Result<Reactor<M>> {
        let poll = Poll::new()?;
        let (inbox, post) = Inbox::new(Waker::new(poll.registry(), WAKER)?);
        let table = SocketTable::new(poll.registry().try_clone()?);
        Ok(Reactor {
            poll,
            events: Events::with_capacity(EVENTS_LEN),
            started: Instant::now(),
            inbox,
            post,
            listeners: Vec::new(),
            listeners_ready: Vec::new(),
            table,
            udp_ready: Vec::new(),
            read_buffer: vec![0; READ_BUFFER_LEN].into_boxed_slice(),
            full_turns: 0,
        })
    }

    /// Listens on `address`. Returns the listener's number and where it really listens.
    pub fn listen(&mut self, address: &Address, keep_alive: KeepAlive) -> io::Result<(ListenerId, Address)> {
        let id = ListenerId(self.listeners.len());
        assert!(id.0 < TOKENS_PER_KIND, "more listeners than tokens for them");
        let mut listener = Listener::bind(address, keep_alive)?;
        listener.register(self.poll.registry(), Token(LISTENERS_TOP - id.0))?;
        let local = listener.local_address()?;
        self.listeners.push(listener);
        self.listeners_ready.push(true);
        Ok((id, local))
    }

    /// Opens a UDP socket on `address`. Returns its number and where it really is.
    pub fn bind_udp(&mut self, address: SocketAddr) -> io::Result<(UdpId, SocketAddr)> {
        let id = UdpId(self.table.udp.len());
        assert!(id.0 < TOKENS_PER_KIND, "more UDP sockets than tokens for them");
        let mut socket = UdpSocket::bind(address)?;
        self.poll.registry().register(&mut socket, Token(UDP_TOP - id.0), Interest::READABLE)?;
        let local = socket.local_addr()?;
        self.table.udp.push(socket);
        self.udp_ready.push(true);
        Ok((id, local))
    }

    /// Ends the poll whenever this descriptor becomes readable, and does nothing else with it: for timers that are finer
    /// than milliseconds. It stays registered until it is closed.
    pub fn wake_on(&self, source: &impl AsRawFd) -> io::Result<()> {
        self.poll.registry().register(&mut SourceFd(&source.as_raw_fd()), WAKER, Interest::READABLE)
    }

    /// The way in for other threads.
    pub fn post(&self) -> Post<M> {
        self.post.clone()
    }

    /// The time of the loop, now.
    pub fn now(&self) -> Millis {
        Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Turns until the handler is done.
    pub fn run<H: Handler<Mail = M>>(&mut self, handler: &mut H) -> io::Result<()> {
        while !handler.is_done() {
            self.turn(handler)?;
        }
        Ok(())
    }

    /// One turn.
    pub fn turn<H: Handler<Mail = M>>(&mut self, handler: &mut H) -> io::Result<()> {
        self.poll(handler)?;
        let now = self.now();
        self.note_events(now, handler);
        while let Some(mail) = self.inbox.poll_mail() {
            handler.handle_mail(now, mail);
        }
        self.accept(now, handler);
        self.read(now, handler);
        if self.has_heard_all() {
            handler.handle_timers(now);
        }
        handler.handle_wake(now);
        handler.flush(now, &mut self.table);
        handler.reap(now, &mut self.table);
        Ok(())
    }

    /// 1: sleeps, unless work is left over.
    fn poll<H: Handler>(&mut self, handler: &H) -> io::Result<()> {
        let now = self.now();
        let listener_due = |(listener, ready): (&Listener, &bool)| {
            if *ready { listener.rests_until() } else { Millis::NEVER }
        };
        let is_work_left =
            handler.has_work() || !self.table.ready.is_empty() || self.udp_ready.contains(&true);
        let wake_at = match is_work_left {
            true => now,
            false => (self.listeners.iter().zip(&self.listeners_ready).map(listener_due))
                .fold(handler.next_deadline(), Millis::min),
        };
        let mut timeout = (wake_at != Millis::NEVER).then(|| Duration::from_millis((wake_at - now).0));
        loop {
            match self.poll.poll(&mut self.events, timeout) {
                // A signal, or the whole process was stopped for a while. What came in the meantime comes before the timers.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => timeout = Some(Duration::ZERO),
                polled => return polled,
            }
        }
    }

    /// Whether everybody who had something to say could say it. A poll that comes back full has left some out, and a read
    /// has its bound too: nobody is to be taken for silent who has not been heard. Not for ever: timers are not put off
    /// more than a few times.
    fn has_heard_all(&mut self) -> bool {
        let is_full = self.events.iter().count() == EVENTS_LEN || self.table.ready.len() > READS_PER_TURN_MAX;
        self.full_turns = if is_full { (self.full_turns + 1) % FULL_TURNS_MAX } else { 0 };
        self.full_turns == 0
    }

    /// Turns events into what they mean for later steps: who may be read, who may be written to again.
    fn note_events<H: Handler>(&mut self, now: Millis, handler: &mut H) {
        for event in &self.events {
            match event.token() {
                WAKER => {}
                Token(key) if key < CONNECTIONS_END => self.table.note_event(now, key, event, handler),
                Token(top) if top > UDP_TOP => {
                    // A listener that was closed in the meantime has no place here any more.
                    if let Some(ready) = self.listeners_ready.get_mut(LISTENERS_TOP - top) {
                        *ready = true;
                    }
                }
                Token(top) => self.udp_ready[UDP_TOP - top] = true,
            }
        }
    }

    /// 4: takes in who waits.
    fn accept<H: Handler>(&mut self, now: Millis, handler: &mut H) {
        if !handler.is_accepting() {
            self.listeners.clear();
            self.listeners_ready.clear();
            return;
        }
        for index in 0..self.listeners.len() {
            if self.listeners_ready[index] && self.listeners[index].rests_until() <= now {
                self.accept_from(now, ListenerId(index), handler);
            }
        }
    }

    fn accept_from<H: Handler>(&mut self, now: Millis, id: ListenerId, handler: &mut H) {
        let listener = &mut self.listeners[id.0];
        if listener.end_rest() {
            listener.reserve.restore();
        }
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match listener.accept() {
                Ok((mut transport, peer)) => match handler.handle_accepted(now, id, peer) {
                    Ok(key) => {
                        if let Err(error) = transport.register(self.poll.registry(), key) {
                            handler.handle_reset(now, key, error);
                        }
                        self.table.insert(key, transport, false);
                    }
                    Err(refusal) => say_no(&mut transport, refusal),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.listeners_ready[id.0] = false;
                    return;
                }
                Err(error) if is_exhaustion(&error) => {
                    listener.refuse(handler.refusal(id));
                    listener.rest(now);
                    return;
                }
                // The peer went away while it waited; the next may be sound.
                Err(error) if is_of_one_peer(&error) => log::debug!("accept: {error}"),
                Err(error) => {
                    log::warn!("accept: {error}");
                    listener.rest(now);
                    return;
                }
            }
        }
    }

    /// 5: one buffer full from each socket that may have bytes, one bounded batch from each UDP socket.
    fn read<H: Handler>(&mut self, now: Millis, handler: &mut H) {
        for _ in 0..self.table.ready.len().min(READS_PER_TURN_MAX) {
            if let Some(key) = self.table.ready.pop_front() {
                self.table.read(now, key, &mut self.read_buffer, handler);
            }
        }
        for index in 0..self.udp_ready.len() {
            if self.udp_ready[index] {
                self.udp_ready[index] = self.table.receive(now, UdpId(index), &mut self.read_buffer, handler);
            }
        }
    }
}

impl SocketTable {
    fn new(registry: Registry) -> SocketTable {
        SocketTable { registry, sockets: Vec::new(), ready: VecDeque::new(), udp: Vec::new() }
    }

    fn insert(&mut self, key: usize, transport: Transport, is_dialling: bool) {
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

    /// Puts a socket on the ready-again list, unless it is there or has nothing more to say.
    fn list(&mut self, key: usize) {
        let Some(socket) = self.get(key) else { return };
        if !socket.is_listed && !socket.is_read_done {
            socket.is_listed = true;
            self.ready.push_back(key);
        }
    }

    fn note_event<H: Handler>(&mut self, now: Millis, key: usize, event: &Event, handler: &mut H) {
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
            handler.handle_connected(now, key);
        }
        if event.is_readable() || event.is_read_closed() {
            self.list(key);
        }
        if event.is_writable() {
            handler.handle_writable(now, key);
        }
    }

    fn read<H: Handler>(&mut self, now: Millis, key: usize, buffer: &mut [u8], handler: &mut H) {
        let Some(socket) = self.get(key) else { return };
        socket.is_listed = false;
        if socket.is_read_done {
            return;
        }
        if !handler.wants_bytes(key) {
            socket.is_parked = true;
            return;
        }
        match socket.transport.read(buffer) {
            Ok(0) => {
                socket.is_read_done = true;
                handler.handle_eof(now, key);
            }
            Ok(len) => {
                // A read shorter than the buffer has emptied the socket, unless the end comes behind it.
                if len == buffer.len() || socket.is_read_closed || socket.has_urgent {
                    self.list(key);
                }
                handler.handle_bytes(now, key, &mut buffer[..len]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.has_urgent = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.list(key),
            Err(error) => {
                socket.is_read_done = true;
                handler.handle_reset(now, key, error);
            }
        }
    }

    /// Returns whether more may wait.
    fn receive<H: Handler>(&mut self, now: Millis, id: UdpId, buffer: &mut [u8], handler: &mut H) -> bool {
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
        let mut transport = Transport::dial(&dial.to, dial.from, dial.keep_alive)?;
        transport.register(&self.registry, key)?;
        self.insert(key, transport, true);
        Ok(())
    }

    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let socket = self.get(key).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            match socket.transport.write(slices) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
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
        if let Some(slot) = self.sockets.get_mut(key) {
            *slot = None;
        }
    }

    fn send_to(&mut self, socket: UdpId, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        self.udp[socket.0].send_to(bytes, to).map(drop)
    }
}
