//! The server as the command wires it, between peers that a transcript moves. No sockets, and no clock but the
//! transcript's.

use chinwag::chat::{self, Chat, Seed};
use chinwag::net::{Handler, ListenerId, Peer as Address, Sockets, UdpId};
use chinwag::proto::http::Response;
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::server::{Core, Limits, Route, Shutdown};
use chinwag::service::add::Add;
use chinwag::service::echo::Echo;
use chinwag::time::Millis;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);
/// What one read brings at most.
const READ_BUFFER_LEN: usize = 64 * 1024;
/// What the calendar says when the invented time begins.
pub const CALENDAR: u64 = 1_795_000_000_000;

/// How a peer is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// To the port for HTTP and WebSocket; nothing has been said.
    Http,
    /// To the line port.
    Line,
    /// Over a WebSocket to this path.
    WebSocket(&'a str),
    /// The same, offering a subprotocol.
    Offering(&'a str, &'a str),
    /// The same, with this extension agreed on.
    Extended(&'a str, &'a str),
}

/// Something that the server did to a peer's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// One system call's worth of bytes.
    Write(Vec<u8>),
    /// It has said all.
    Fin,
    /// The socket is closed.
    Gone,
}

/// The kernel's side of one connection.
#[derive(Default)]
struct Wire {
    /// Whose it is; keys are used again, numbers are not.
    number: usize,
    /// What the peer has sent and the server has not read.
    unread: Vec<u8>,
    has_eof: bool,
    /// How many bytes the kernel takes before it says that it is full; no bound where it is not said.
    room: Option<usize>,
    is_full: bool,
    output: VecDeque<Output>,
}

#[derive(Default)]
struct Network {
    wires: BTreeMap<usize, Wire>,
    /// What was done to sockets that are closed, by number.
    closed: BTreeMap<usize, VecDeque<Output>>,
}

/// Who holds the other end of which connection.
struct Peer {
    name: String,
    key: usize,
    number: usize,
}

/// The server and its peers.
pub struct Stage {
    core: Core,
    network: Network,
    now: Millis,
    began: Millis,
    peers: Vec<Peer>,
    connected: usize,
}

impl Sockets for Network {
    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let wire = self.wires.get_mut(&key).expect("the server writes to a socket that it has");
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let offered = bytes.len();
        bytes.truncate(wire.room.unwrap_or(usize::MAX));
        let taken = bytes.len();
        wire.room = wire.room.map(|room| room - taken);
        wire.is_full = taken < offered;
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        wire.output.push_back(Output::Write(bytes));
        Ok(taken)
    }

    fn shutdown_write(&mut self, key: usize) {
        self.wires.get_mut(&key).expect("the server has this socket").output.push_back(Output::Fin);
    }

    fn resume(&mut self, _: usize) {}

    fn close(&mut self, key: usize) {
        let mut wire = self.wires.remove(&key).expect("a socket is closed once");
        wire.output.push_back(Output::Gone);
        self.closed.insert(wire.number, wire.output);
    }

    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        unreachable!("the server has no datagrams")
    }
}

impl Stage {
    /// A server with nobody there.
    pub fn new(limits: Limits, chat: chat::Settings) -> Stage {
        let mut core = Core::new(limits);
        core.set_calendar(CALENDAR);
        let chat = core.mount(Chat::new(chat, Seed::new([1; 32])), 64 * 1024);
        let echo = core.mount(Echo::new(Response::html("<!doctype html>\n")), 16 * 1024 * 1024);
        let add = core.mount(Add, 64 * 1024);
        // As with --deflate: whoever does not offer it does not notice.
        core.deflate(chat);
        core.deflate(echo);
        for (path, service) in [("/ws", chat), ("/echo", echo), ("/add", add)] {
            core.route(path, Route::Service(service));
        }
        core.route("/healthz", Route::Page(Response::text(200, "ok\n")));
        core.speak_lines(LINES, chat);
        Stage {
            core,
            network: Network::default(),
            now: Millis(0),
            began: Millis(0),
            peers: Vec::new(),
            connected: 0,
        }
    }

    /// Somebody connects.
    pub fn connect(&mut self, name: &str, way: Way<'_>) {
        let listener = if way == Way::Line { LINES } else { HTTP };
        self.connected += 1;
        let number = self.connected;
        let address = Address::V4(Ipv4Addr::LOCALHOST, 50_000 + number as u16);
        let key = self.core.handle_accepted(self.now, listener, address).expect("nobody is turned away");
        self.network.wires.insert(key, Wire { number, ..Wire::default() });
        // Whoever had the name before is not meant any more.
        self.peers.retain(|peer| peer.name != name);
        self.peers.push(Peer { name: name.to_owned(), key, number });
        let (path, offer) = match way {
            Way::Http | Way::Line => ("", String::new()),
            Way::WebSocket(path) => (path, String::new()),
            Way::Offering(path, subprotocol) => (path, format!("Sec-WebSocket-Protocol: {subprotocol}\r\n")),
            Way::Extended(path, extension) => (path, format!("Sec-WebSocket-Extensions: {extension}\r\n")),
        };
        if !path.is_empty() {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
            );
            self.send(name, request.as_bytes());
        }
        self.turn();
    }

    /// Somebody is in the chat, under this name.
    pub fn seat(&mut self, name: &str, way: Way<'_>) {
        self.connect(name, way);
        let line = format!("/name {name}");
        if way == Way::Line {
            self.send(name, format!("{line}\n").as_bytes());
        } else {
            let mut frame = Vec::new();
            encoder::frame(&mut frame, Opcode::Text, line.as_bytes(), Some([1, 2, 3, 4]));
            self.send(name, &frame);
        }
    }

    /// What has been told of comings is told by then, and the next is told at once.
    pub fn settle(&mut self) {
        self.advance(Millis(2000));
    }

    /// Everybody has read everything; the transcript's clock begins.
    pub fn begin(&mut self) {
        self.network.wires.values_mut().for_each(|wire| wire.output.clear());
        self.began = self.now;
    }

    /// A peer's bytes arrive.
    pub fn send(&mut self, name: &str, bytes: &[u8]) {
        self.wire(name).unread.extend_from_slice(bytes);
        self.turn();
    }

    /// A peer ends its side.
    pub fn end(&mut self, name: &str) {
        self.wire(name).has_eof = true;
        self.turn();
    }

    /// The connection breaks.
    pub fn reset(&mut self, name: &str) {
        let key = self.peer(name).key;
        self.core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into());
        self.turn();
    }

    /// The kernel takes so many more bytes for a peer; without a number, as many as there are.
    pub fn allow(&mut self, name: &str, room: Option<usize>) {
        let key = self.peer(name).key;
        let wire = self.wire(name);
        wire.room = room;
        if std::mem::take(&mut wire.is_full) {
            self.core.handle_writable(self.now, key);
        }
        self.turn();
    }

    /// The server is told to stop.
    pub fn shut_down(&mut self, shutdown: Shutdown) {
        self.core.handle_mail(self.now, shutdown);
        self.turn();
    }

    /// It is that much after the beginning.
    pub fn advance(&mut self, to: Millis) {
        let to = self.began + to;
        assert!(to >= self.now, "time goes forward");
        loop {
            let next = self.core.next_deadline();
            self.now = self.now.max(next.min(to));
            self.turn();
            if next > to {
                self.now = to;
                return;
            }
        }
    }

    /// What the server has done to a peer's socket that has not been taken out yet.
    pub fn poll_output(&mut self, name: &str) -> Option<Output> {
        let &Peer { key, number, .. } = self.peer(name);
        let wire = self.network.wires.get_mut(&key).filter(|wire| wire.number == number);
        match wire {
            Some(wire) => wire.output.pop_front(),
            None => self.network.closed.get_mut(&number)?.pop_front(),
        }
    }

    /// Who is there, or was.
    pub fn names(&self) -> Vec<String> {
        self.peers.iter().map(|peer| peer.name.clone()).collect()
    }

    fn peer(&self, name: &str) -> &Peer {
        let peer = self.peers.iter().find(|peer| peer.name == name);
        peer.unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    fn wire(&mut self, name: &str) -> &mut Wire {
        let &Peer { key, number, .. } = self.peer(name);
        let wire = self.network.wires.get_mut(&key).filter(|wire| wire.number == number);
        wire.unwrap_or_else(|| panic!("the socket of {name} is closed"))
    }

    /// Turns of the loop, until nothing is left to do.
    fn turn(&mut self) {
        loop {
            self.read();
            self.core.handle_timers(self.now);
            self.core.handle_wake(self.now);
            self.core.flush(self.now, &mut self.network);
            self.core.reap(self.now, &mut self.network);
            let can_read = |(key, wire): (&usize, &Wire)| {
                self.core.wants_bytes(*key) && (!wire.unread.is_empty() || wire.has_eof)
            };
            if !self.core.has_work() && !self.network.wires.iter().any(can_read) {
                return;
            }
        }
    }

    fn read(&mut self) {
        for (&key, wire) in &mut self.network.wires {
            if !self.core.wants_bytes(key) {
                continue;
            }
            if !wire.unread.is_empty() {
                let len = wire.unread.len().min(READ_BUFFER_LEN);
                let mut bytes: Vec<u8> = wire.unread.drain(..len).collect();
                self.core.handle_bytes(self.now, key, &mut bytes);
            } else if std::mem::take(&mut wire.has_eof) {
                self.core.handle_eof(self.now, key);
            }
        }
    }
}
