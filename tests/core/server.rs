//! The server's core and its peers, without sockets: what a peer sends is handed over as the loop would, a read buffer at
//! a time, and what the server does to its socket can be looked at.
//!
//! ```text
//!     let mut server = Server::new();
//!     let ann = server.upgrade();
//!     server.hears(ann, &text("hi"));          // ann's bytes arrive, and the loop turns until it would sleep
//!     server.says(ann)                         // what she reads; the kernel has room again
//!     server.happens_at(Millis(25_000), |server| server.waits_for(ann) > 0)
//! ```
//!
//! Time passes as it does for the loop: it sleeps until the next deadline that the server asks for, and no longer.

use crate::heap;
use crate::network::{Network, Wire};
use crate::puppet::{Notes, Puppet};
use crate::support::{self, Heard};
use chinwag::chat::{Chat, Seed, Settings};
use chinwag::net::{Handler, ListenerId, Peer as Address};
use chinwag::proto::http::Response;
use chinwag::proto::ws::Opcode;
use chinwag::server::{Core, Limits, Route, Shutdown};
use chinwag::service::ConnId;
use chinwag::time::Millis;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub const HTTP: ListenerId = ListenerId(0);
pub const LINES: ListenerId = ListenerId(1);
/// HTTP on a loopback address.
pub const LOCAL: ListenerId = ListenerId(2);
/// What one read brings at most.
pub const READ_BUFFER_LEN: usize = 64 * 1024;
/// The largest message that the puppet may be sent.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// And the other one, at `/other`.
pub const SMALL_MESSAGE_BYTES_MAX: usize = 100;
/// No deadline is met sooner than it comes, nor later than this.
pub const TICK: Millis = Millis(8);
/// More turns than any test needs: a server that has not come to rest by then never does.
const TURNS_MAX: usize = 50_000;
/// When the tests begin: not on a tick.
pub const BEGIN: Millis = Millis(12_345);

/// Where everybody is who says nothing else.
pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The request that the RFC has as its example.
pub const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// And the answer to it.
pub const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A peer, whether or not it is still connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(usize);

/// The peer's end of a connection.
#[derive(Default)]
struct End {
    key: usize,
    /// The server has closed the socket, which stood so then.
    closed: Option<Wire>,
    /// Where its notes begin, and end.
    notes: (usize, Option<usize>),
}

pub struct Server {
    pub core: Core,
    pub network: Network,
    pub now: Millis,
    ends: Vec<End>,
    notes: Notes,
    /// How often the loop has turned.
    pub turns: usize,
}

impl Server {
    pub fn new() -> Server {
        Server::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Server {
        let mut core = Core::new(limits);
        let notes = Notes::default();
        let puppet = core.mount(Puppet::new(&notes), MESSAGE_BYTES_MAX);
        core.deflate(puppet);
        for path in ["/", "/greeted", "/never", "/stubborn"] {
            core.route(path, Route::Service(puppet));
        }
        let other = core.mount(Puppet::new(&notes), SMALL_MESSAGE_BYTES_MAX);
        core.route("/other", Route::Service(other));
        core.route("/page", Route::Page(Response::text(200, "a page\n").into()));
        core.speak_lines(LINES, puppet);
        core.answer_for_the_local_host(LOCAL);
        Server::of(core, notes)
    }

    /// The chat instead of puppets, at `/` and on the line port. It notes nothing.
    pub fn chat(settings: Settings) -> Server {
        let mut core = Core::new(Limits::default());
        let chat = core.mount(Chat::new(settings, Seed::new([1; 32])), MESSAGE_BYTES_MAX);
        core.deflate(chat);
        core.route("/", Route::Service(chat));
        core.speak_lines(LINES, chat);
        Server::of(core, Notes::default())
    }

    fn of(core: Core, notes: Notes) -> Server {
        let mut server =
            Server { core, network: Network::default(), now: BEGIN, ends: Vec::new(), notes, turns: 0 };
        // The first turn of a loop finds what time it is.
        server.turn();
        server
    }

    /// Somebody connects to the port for HTTP and WebSocket.
    pub fn accept(&mut self) -> Peer {
        self.accept_on(HTTP)
    }

    /// Somebody connects to the line port.
    pub fn accept_line(&mut self) -> Peer {
        self.accept_on(LINES)
    }

    fn accept_on(&mut self, listener: ListenerId) -> Peer {
        self.knock(listener, HOST).expect("nobody is turned away")
    }

    /// Somebody connects from this address. Who is turned away is told why.
    pub fn knock(&mut self, listener: ListenerId, address: IpAddr) -> Result<Peer, String> {
        let notes = (self.notes.borrow().len(), None);
        let address = Address::from(SocketAddr::new(address, 50_000));
        let accepted = self.core.handle_accepted(self.now, listener, address);
        let key = accepted.map_err(|refusal| str::from_utf8(refusal).expect("it is text").to_owned())?;
        self.network.connect(key, usize::MAX);
        self.ends.push(End { key, notes, ..End::default() });
        self.settle();
        Ok(Peer(self.ends.len() - 1))
    }

    /// Somebody is connected over a WebSocket.
    pub fn upgrade(&mut self) -> Peer {
        self.upgrade_at("/")
    }

    /// The same, at this path.
    pub fn upgrade_at(&mut self, path: &str) -> Peer {
        let peer = self.accept();
        self.hears(peer, UPGRADE.replacen('/', path, 1).as_bytes());
        assert_eq!(self.says(peer), UPGRADED);
        peer
    }

    /// Somebody connects there, and offers these extensions. Returns which of them the server uses.
    pub fn upgrade_offering(&mut self, path: &str, extensions: &str) -> (Peer, Option<String>) {
        let peer = self.accept();
        let field = format!("\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n");
        self.hears(peer, UPGRADE.replacen('/', path, 1).replacen("\r\n\r\n", &field, 1).as_bytes());
        let said = self.says(peer);
        let said = String::from_utf8_lossy(&said);
        let (head, _greeting) = said.split_once("\r\n\r\n").expect("a response");
        assert!(head.starts_with("HTTP/1.1 101 "), "{said}");
        let used = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        (peer, used.map(str::to_owned))
    }

    /// So many are.
    pub fn upgrade_many(&mut self, count: usize) -> Vec<Peer> {
        (0..count).map(|_| self.upgrade()).collect()
    }

    /// A peer's bytes arrive, and are dealt with.
    pub fn hears(&mut self, peer: Peer, bytes: &[u8]) {
        self.sends(peer, bytes);
        self.settle();
    }

    /// A peer ends its side, and that is dealt with.
    pub fn hears_fin(&mut self, peer: Peer) {
        self.ends(peer);
        self.settle();
    }

    /// A peer's connection breaks.
    pub fn hears_reset(&mut self, peer: Peer) {
        let key = self.ends[peer.0].key;
        self.core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into());
        self.settle();
    }

    /// A peer's stream ends, and nothing shows that the peer has meant it, as there is under TLS.
    pub fn hears_truncation(&mut self, peer: Peer) {
        self.core.handle_truncated(self.now, self.ends[peer.0].key);
        self.settle();
    }

    /// A peer's connection breaks, which shows when it is next written to.
    pub fn breaks(&mut self, peer: Peer) {
        self.wire_mut(peer).is_broken = true;
    }

    /// The kernel says that it takes bytes for a peer, whether or not it does.
    pub fn hears_of_room(&mut self, peer: Peer) {
        self.wire_mut(peer).is_told_of_room = true;
        self.core.handle_writable(self.now, self.ends[peer.0].key);
        self.settle();
    }

    /// The server is told to end.
    pub fn hears_of_its_end(&mut self, shutdown: Shutdown) {
        self.core.handle_mail(self.now, shutdown);
        self.settle();
    }

    /// A peer's bytes arrive. The loop has yet to turn.
    pub fn sends(&mut self, peer: Peer, bytes: &[u8]) {
        assert!(!self.is_closed(peer) && !self.wire(peer).ends, "this peer sends nothing more");
        self.wire_mut(peer).send(bytes);
    }

    /// A peer ends its side. The loop has yet to turn.
    pub fn ends(&mut self, peer: Peer) {
        self.wire_mut(peer).ends = true;
    }

    /// How many bytes a peer has sent that the server has not read.
    pub fn unread(&self, peer: Peer) -> usize {
        self.wire(peer).unread.len()
    }

    /// The kernel keeps no more than so many bytes for a peer that does not take them.
    pub fn set_capacity(&mut self, peer: Peer, capacity: usize) {
        self.wire_mut(peer).capacity = capacity;
    }

    /// All that the server has to say to a peer, who reads it as it comes.
    pub fn says(&mut self, peer: Peer) -> Vec<u8> {
        let capacity = std::mem::replace(&mut self.wire_mut(peer).capacity, usize::MAX);
        let mut said = Vec::new();
        loop {
            self.settle();
            let taken = self.takes(peer, usize::MAX);
            if taken.is_empty() {
                break;
            }
            said.extend(taken);
        }
        self.wire_mut(peer).capacity = capacity;
        said
    }

    /// The same, so many bytes at a time, since the kernel keeps no more for a peer that reads no faster.
    pub fn says_in_sips(&mut self, peer: Peer, len: usize) -> Vec<u8> {
        self.set_capacity(peer, len);
        let mut said = Vec::new();
        while self.waits_for(peer) > 0 {
            said.extend(self.takes(peer, len));
            self.settle();
        }
        said
    }

    /// The same, as what it means to a client.
    pub fn tells(&mut self, peer: Peer) -> Vec<Heard> {
        support::client_hears(&self.says(peer))
    }

    /// What the kernel keeps for a peer, as it means to a client; the loop has yet to turn.
    pub fn has_told(&mut self, peer: Peer) -> Vec<Heard> {
        support::client_hears(&self.takes(peer, usize::MAX))
    }

    /// A peer reads at most so many bytes of what the kernel keeps for it. The loop has yet to turn.
    pub fn takes(&mut self, peer: Peer, len_max: usize) -> Vec<u8> {
        self.wire_mut(peer).take(len_max)
    }

    /// How many bytes the kernel keeps for a peer.
    pub fn waits_for(&self, peer: Peer) -> usize {
        self.wire(peer).in_flight.len()
    }

    /// Whether the server has said FIN, or has closed the socket.
    pub fn has_fin(&self, peer: Peer) -> bool {
        self.wire(peer).has_fin || self.is_closed(peer)
    }

    pub fn is_closed(&self, peer: Peer) -> bool {
        self.ends[peer.0].closed.is_some()
    }

    /// Whether two peers, one after the other, have had the same slot.
    pub fn has_same_slot(&self, one: Peer, other: Peer) -> bool {
        self.ends[one.0].key == self.ends[other.0].key
    }

    /// What the service was told of a peer.
    pub fn notes(&self, peer: Peer) -> Vec<String> {
        let End { key, notes: (from, to), .. } = self.ends[peer.0];
        let notes = self.notes.borrow();
        let is_its_own = |id: Option<ConnId>| id.is_some_and(|id| id.index as usize == key);
        let of_it = notes[from..to.unwrap_or(notes.len())].iter().filter(|(id, _)| is_its_own(*id));
        of_it.map(|(_, note)| note.clone()).collect()
    }

    /// What the services were told of nobody in particular.
    pub fn notes_of_nobody(&self) -> Vec<String> {
        let notes = self.notes.borrow();
        notes.iter().filter(|(id, _)| id.is_none()).map(|(_, note)| note.clone()).collect()
    }

    /// Bytes of heap that are in use, but for those that stand for what the kernels keep, and for the notes.
    pub fn heap_bytes(&self) -> usize {
        let wires = self.network.wires.values().map(Wire::heap_bytes);
        let notes = self.notes.borrow();
        let notes_len = notes.capacity() * size_of::<(Option<ConnId>, String)>();
        let texts = notes.iter().map(|(_, note)| note.capacity());
        let others = notes_len + wires.chain(texts).sum::<usize>();
        usize::try_from(heap::live_bytes()).expect("the server is in use") - others
    }

    /// Turns of the loop until it would sleep.
    pub fn settle(&mut self) {
        self.turn();
        while self.network.is_busy(&self.core) {
            self.turn();
        }
    }

    /// Sleeps until then, but for the deadlines that come before.
    pub fn at(&mut self, then: Millis) {
        while self.wakes_by(then) {}
        self.now = then;
        self.settle();
    }

    /// Sleeps until something happens, and holds that this is at `due`: no sooner, also when the loop wakes for other
    /// reasons, and no later than a tick behind it, also when there is no other reason.
    #[track_caller]
    pub fn happens_at(&mut self, due: Millis, has_happened: impl Fn(&Server) -> bool) {
        self.at(due - Millis(1));
        assert!(!has_happened(self), "it has happened before {}", due.0);
        while !has_happened(self) {
            assert!(self.wakes_by(due + TICK), "it has not happened at {}", due.0);
        }
    }

    /// Sleeps until the next deadline, if that comes by then.
    fn wakes_by(&mut self, then: Millis) -> bool {
        let next = self.core.next_deadline();
        if next > then {
            return false;
        }
        self.now = self.now.max(next);
        self.settle();
        true
    }

    /// One turn of the loop.
    pub fn turn(&mut self) {
        self.turns += 1;
        assert!(self.turns < TURNS_MAX, "the loop turns and turns");
        let closed = self.network.turn(self.now, &mut self.core, || READ_BUFFER_LEN);
        self.core.validate(usize::MAX);
        for (key, wire) in closed {
            let end = self.ends.iter_mut().find(|end| end.key == key && end.closed.is_none());
            let end = end.expect("who is closed was there");
            end.closed = Some(wire);
            end.notes.1 = Some(self.notes.borrow().len());
        }
    }

    fn wire(&self, peer: Peer) -> &Wire {
        let end = &self.ends[peer.0];
        end.closed.as_ref().unwrap_or_else(|| &self.network.wires[&end.key])
    }

    fn wire_mut(&mut self, peer: Peer) -> &mut Wire {
        let end = &mut self.ends[peer.0];
        match &mut end.closed {
            Some(wire) => wire,
            None => self.network.wire(end.key),
        }
    }
}

/// A text message, as a client sends it.
pub fn text(text: &str) -> Vec<u8> {
    support::masked(true, Opcode::Text, text.as_bytes())
}

/// A binary message of so many zeros, as a client sends it.
pub fn masked_binary(len: usize) -> Vec<u8> {
    support::masked(true, Opcode::Binary, &vec![0; len])
}

/// A Ping, as a client sends it.
pub fn ping(payload: &[u8]) -> Vec<u8> {
    support::masked(true, Opcode::Ping, payload)
}

/// A Close with this payload, as a client sends it.
pub fn close(payload: &[u8]) -> Vec<u8> {
    support::masked(true, Opcode::Close, payload)
}

/// A text message, as a client hears it.
pub fn told(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

/// A Close, as a client hears it.
pub fn closed(code: u16, reason: &str) -> Heard {
    Heard::Close(Some((code, reason.to_owned())))
}
