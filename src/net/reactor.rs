//! The readiness loop over mio. [`super`] tells what a turn is; this file is that list of nine, one function for each.

use super::Handler;
use super::handshakes::{Limits as HandshakeLimits, STEPS_PER_TURN_MAX, TURN_SHARE};
use super::inbox::{Inbox, Post};
use super::listener::{Address, KeepAlive, Listener, ListenerId, is_exhaustion, is_of_one_peer, say_no};
use super::sockets::SocketTable;
use super::tls::ServerEnd;
#[cfg(feature = "tls")]
use super::tls::{Identity, Protocol};
use crate::metrics::TlsMetrics;
use crate::time::Millis;
use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
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
        self.listen_with(address, keep_alive, None)
    }

    /// The same for peers who speak TLS. Of each the handler hears at once, and its bytes when the handshake is through,
    /// which [`Handler::handle_connected`] says.
    #[cfg(feature = "tls")]
    pub fn listen_tls(
        &mut self,
        address: &Address,
        keep_alive: KeepAlive,
        identity: &Identity,
        protocol: Protocol,
    ) -> io::Result<(ListenerId, Address)> {
        self.listen_with(address, keep_alive, Some(identity.end(protocol)))
    }

    fn listen_with(
        &mut self,
        address: &Address,
        keep_alive: KeepAlive,
        tls: Option<ServerEnd>,
    ) -> io::Result<(ListenerId, Address)> {
        let id = ListenerId(self.listeners.len());
        assert!(id.0 < TOKENS_PER_KIND, "more listeners than tokens for them");
        let mut listener = Listener::bind(address, keep_alive, tls)?;
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

    /// Bounds TLS handshakes. Those of the past have the clock that they began with.
    pub fn limit_handshakes(&mut self, limits: HandshakeLimits) {
        self.table.handshakes.limits = limits;
    }

    /// What has come of TLS handshakes.
    pub fn tls_metrics(&self) -> &TlsMetrics {
        &self.table.tls_metrics
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
        self.shake(now, handler);
        if self.has_heard_all() {
            handler.handle_timers(now);
        }
        self.table.give_up(now, handler);
        handler.handle_wake(now);
        handler.flush(now, &mut self.table);
        handler.reap(now, &mut self.table);
        Ok(())
    }

    /// 1: sleeps, unless work is left over.
    fn poll<H: Handler>(&mut self, handler: &H) -> io::Result<()> {
        let now = self.now();
        let next_deadline = handler.next_deadline().min(self.table.next_deadline());
        let listener_due = |(listener, ready): (&Listener, &bool)| {
            if *ready { listener.rests_until() } else { Millis::NEVER }
        };
        let is_work_left = handler.has_work()
            || !self.table.ready.is_empty()
            || self.table.handshakes.has_work()
            || self.udp_ready.contains(&true);
        let wake_at = match is_work_left {
            true => now,
            false => (self.listeners.iter().zip(&self.listeners_ready).map(listener_due))
                .fold(next_deadline, Millis::min),
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
                        self.table.start_clock(now, key);
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

    /// 5, for those who are not through with TLS: what fits into the turn's share of time, and at least one.
    fn shake<H: Handler>(&mut self, now: Millis, handler: &mut H) {
        if !self.table.handshakes.has_work() {
            return;
        }
        let until = Instant::now() + TURN_SHARE;
        for _ in 0..STEPS_PER_TURN_MAX {
            let Some(key) = self.table.handshakes.pop() else { return };
            self.table.read(now, key, &mut self.read_buffer, handler);
            if Instant::now() >= until {
                return;
            }
        }
    }
}
