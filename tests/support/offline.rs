//! The server's core between nothing and nothing: its input is made up, and its output is counted.

use chinwag::net::{Handler, ListenerId, Peer, Sockets, UdpId};
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::server::{Core, Limits, Route};
use chinwag::service::{Class, ConnId, Context, Message, Opening, Service, Topic};
use chinwag::time::Millis;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};

/// Sockets that take everything and remember nothing but how often they were called.
#[derive(Default)]
pub struct Drain {
    pub writes: usize,
    pub bytes: usize,
}

impl Sockets for Drain {
    fn write(&mut self, _: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.writes += 1;
        self.bytes += len;
        Ok(len)
    }

    fn shutdown_write(&mut self, _: usize) {}

    fn resume(&mut self, _: usize) {}

    fn close(&mut self, _: usize) {}

    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Echoes what begins with an `e`, and publishes the rest to a topic that everybody is in.
pub struct EchoAndFanOut;

const EVERYBODY: Topic = Topic(1);

impl Service for EchoAndFanOut {
    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, _: Opening<'_>) {
        cx.subscribe(conn, EVERYBODY, Class(0));
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let bytes = message.as_bytes();
        match bytes.first() {
            Some(b'e') => cx.send(conn, message),
            _ => {
                cx.publish(EVERYBODY, &mut |_, out| out.extend_from_slice(bytes), &[conn]);
            }
        }
    }
}

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);

fn turn(core: &mut Core, now: Millis, sockets: &mut dyn Sockets) {
    core.handle_timers(now);
    core.handle_wake(now);
    core.flush(now, sockets);
    core.reap(now, sockets);
}

/// The server's core, with nobody at the other end of its sockets.
pub struct Server {
    pub core: Core,
    pub sockets: Drain,
    pub now: Millis,
}

impl Server {
    /// A server of one service, at `/ws` and on the line port.
    pub fn new(service: impl Service + 'static) -> Server {
        Server::with(Limits::default(), service)
    }

    /// The same, with these limits.
    pub fn with(limits: Limits, service: impl Service + 'static) -> Server {
        let mut core = Core::new(limits);
        let id = core.mount(service, 64 * 1024);
        core.deflate(id);
        core.route("/ws", Route::Service(id));
        core.speak_lines(LINES, id);
        Server { core, sockets: Drain::default(), now: Millis(0) }
    }

    /// Steps 6 to 9 of a turn. Time stands still unless `now` is set.
    pub fn turn(&mut self) {
        turn(&mut self.core, self.now, &mut self.sockets);
    }

    /// The same with other sockets, which may remember more.
    #[allow(dead_code, reason = "not everybody looks at what is written")]
    pub fn turn_with(&mut self, sockets: &mut dyn Sockets) {
        turn(&mut self.core, self.now, sockets);
    }

    /// The same, until nothing is left to do.
    pub fn settle(&mut self) {
        self.turn();
        while self.core.has_work() {
            self.turn();
        }
    }

    /// A client's connection, upgraded. Returns its key.
    pub fn connect(&mut self, target: &str) -> usize {
        self.connect_with(target, "")
    }

    /// The same, with more header fields, each with its line end.
    pub fn connect_with(&mut self, target: &str, fields: &str) -> usize {
        let key = self.accept(HTTP);
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{fields}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        self.core.handle_bytes(self.now, key, &mut request.into_bytes());
        self.turn();
        key
    }

    /// A line connection, which has said these lines. Returns its key.
    #[allow(dead_code, reason = "not everybody speaks lines")]
    pub fn connect_line(&mut self, lines: &str) -> usize {
        let key = self.accept_line();
        self.core.handle_bytes(self.now, key, &mut lines.as_bytes().to_vec());
        self.turn();
        key
    }

    /// A line connection, which has said nothing yet. Returns its key.
    pub fn accept_line(&mut self) -> usize {
        self.accept(LINES)
    }

    fn accept(&mut self, listener: ListenerId) -> usize {
        let peer = Peer::V4(Ipv4Addr::LOCALHOST, 1);
        self.core.handle_accepted(self.now, listener, peer).expect("there is room")
    }

    /// Hands a client's message over in `buffer`, which is scratch, and turns until nothing is left to do.
    #[allow(dead_code, reason = "not everybody speaks one message at a time")]
    pub fn say(&mut self, key: usize, message: &[u8], buffer: &mut Vec<u8>) {
        buffer.clear();
        encoder::frame(buffer, Opcode::Text, message, Some([1, 2, 3, 4]));
        self.core.handle_bytes(self.now, key, buffer);
        self.settle();
    }
}
