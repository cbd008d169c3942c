//! The server as the command wires it, between peers that a transcript moves. No sockets, and no clock but the
//! transcript's.

use crate::network::{Network, Wire};
use chinwag::chat::{self, Chat, Seed};
use chinwag::net::{Handler, ListenerId, Peer as Address};
use chinwag::proto::http::Response;
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::server::{AllowedHosts, Core, Limits, Route, Shutdown};
use chinwag::service::add::Add;
use chinwag::service::echo::Echo;
use chinwag::time::Millis;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

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

/// Who holds the other end of which connection.
struct Peer {
    name: String,
    key: usize,
    has_fin: bool,
    is_closed: bool,
    /// What was done to its socket.
    output: VecDeque<Output>,
}

impl Peer {
    /// Notes what stands on its wire, which keeps nothing.
    fn note(&mut self, wire: &mut Wire) {
        let mut bytes = wire.take(usize::MAX);
        wire.capacity -= bytes.len();
        for len in wire.writes.drain(..) {
            self.output.push_back(Output::Write(bytes.drain(..len).collect()));
        }
        if wire.has_fin && !self.has_fin {
            self.has_fin = true;
            self.output.push_back(Output::Fin);
        }
    }
}

/// The server and its peers.
pub struct Stage {
    core: Core,
    network: Network,
    now: Millis,
    /// The same, for the calendar.
    clock: Rc<Cell<Millis>>,
    began: Millis,
    peers: Vec<Peer>,
    connected: u16,
}

impl Stage {
    /// A server with nobody there.
    pub fn new(limits: Limits, chat: chat::Settings) -> Stage {
        let mut core = Core::new(limits);
        let clock = Rc::new(Cell::new(Millis(0)));
        let read = Rc::clone(&clock);
        core.set_calendar(move || CALENDAR + read.get().0);
        let chat = core.mount(Chat::new(chat, Seed::new([1; 32])), 64 * 1024);
        let echo = core.mount(Echo::new(Response::html("<!doctype html>\n")), 16 * 1024 * 1024);
        let add = core.mount(Add, 64 * 1024);
        // As with --deflate: whoever does not offer it does not notice.
        core.deflate(chat);
        core.deflate(echo);
        for (path, service) in [("/ws", chat), ("/echo", echo), ("/add", add)] {
            core.route(path, Route::Service(service));
        }
        core.route("/healthz", Route::Page(Response::text(200, "ok\n").into()));
        core.speak_lines(LINES, chat);
        let mut hosts = AllowedHosts::default();
        hosts.allow("chat.example").expect("a host");
        core.allow_hosts(hosts);
        Stage {
            core,
            network: Network::default(),
            now: Millis(0),
            clock,
            began: Millis(0),
            peers: Vec::new(),
            connected: 0,
        }
    }

    /// Somebody connects.
    pub fn connect(&mut self, name: &str, way: Way<'_>) {
        let listener = if way == Way::Line { LINES } else { HTTP };
        self.connected += 1;
        let address = Address::V4(Ipv4Addr::LOCALHOST, 50_000 + self.connected);
        let key = self.core.handle_accepted(self.now, listener, address).expect("nobody is turned away");
        self.network.connect(key, usize::MAX);
        // Whoever had the name before is not meant any more.
        self.peers.retain(|peer| peer.name != name);
        let output = VecDeque::new();
        self.peers.push(Peer { name: name.to_owned(), key, has_fin: false, is_closed: false, output });
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
        self.peers.iter_mut().for_each(|peer| peer.output.clear());
        self.began = self.now;
    }

    /// A peer's bytes arrive.
    pub fn send(&mut self, name: &str, bytes: &[u8]) {
        self.wire(name).send(bytes);
        self.turn();
    }

    /// A peer ends its side.
    pub fn end(&mut self, name: &str) {
        self.wire(name).ends = true;
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
        self.wire(name).capacity = room.unwrap_or(usize::MAX);
        self.turn();
    }

    /// The server is told to stop.
    pub fn shut_down(&mut self, shutdown: Shutdown) {
        self.core.handle_mail(self.now, shutdown);
        self.turn();
    }

    fn set_clock(&mut self, now: Millis) {
        self.now = now;
        self.clock.set(now);
    }

    /// It is that much after the beginning.
    pub fn advance(&mut self, to: Millis) {
        let to = self.began + to;
        assert!(to >= self.now, "time goes forward");
        loop {
            let next = self.core.next_deadline();
            self.set_clock(self.now.max(next.min(to)));
            self.turn();
            if next > to {
                self.set_clock(to);
                return;
            }
        }
    }

    /// What the server has done to a peer's socket that has not been taken out yet.
    pub fn poll_output(&mut self, name: &str) -> Option<Output> {
        self.peer(name).output.pop_front()
    }

    /// Who is there, or was.
    pub fn names(&self) -> Vec<String> {
        self.peers.iter().map(|peer| peer.name.clone()).collect()
    }

    fn peer(&mut self, name: &str) -> &mut Peer {
        let peer = self.peers.iter_mut().find(|peer| peer.name == name);
        peer.unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    fn wire(&mut self, name: &str) -> &mut Wire {
        let &mut Peer { key, is_closed, .. } = self.peer(name);
        assert!(!is_closed, "the socket of {name} is closed");
        self.network.wire(key)
    }

    /// Turns of the loop, until nothing is left to do.
    fn turn(&mut self) {
        loop {
            for (key, mut wire) in self.network.turn(self.now, &mut self.core, || READ_BUFFER_LEN) {
                let peer = self.peers.iter_mut().find(|peer| peer.key == key && !peer.is_closed);
                if let Some(peer) = peer {
                    peer.note(&mut wire);
                    peer.is_closed = true;
                    peer.output.push_back(Output::Gone);
                }
            }
            for peer in self.peers.iter_mut().filter(|peer| !peer.is_closed) {
                peer.note(self.network.wire(peer.key));
            }
            if !self.network.is_busy(&self.core) {
                return;
            }
        }
    }
}
