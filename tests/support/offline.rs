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

/// The server's core, with nobody at the other end of its sockets.
pub struct Server {
    pub core: Core,
    pub sockets: Drain,
    pub now: Millis,
}

impl Server {
    /// A server of one service, at `/ws`.
    pub fn new(service: impl Service + 'static) -> Server {
        let mut core = Core::new(Limits::default());
        let id = core.mount(service, 64 * 1024);
        core.route("/ws", Route::Service(id));
        Server { core, sockets: Drain::default(), now: Millis(0) }
    }

    /// Steps 6 to 9 of a turn. Time stands still unless `now` is set.
    pub fn turn(&mut self) {
        self.core.handle_timers(self.now);
        self.core.handle_wake(self.now);
        self.core.flush(self.now, &mut self.sockets);
        self.core.reap(self.now, &mut self.sockets);
    }

    /// A client's connection, upgraded. Returns its key.
    pub fn connect(&mut self, target: &str) -> usize {
        let key = self
            .core
            .handle_accepted(self.now, HTTP, Peer::V4(Ipv4Addr::LOCALHOST, 1))
            .expect("there is room");
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        self.core.handle_bytes(self.now, key, &mut request.into_bytes());
        self.turn();
        key
    }

    /// Hands a client's message over in `buffer`, which is scratch, and turns until nothing is left to do.
    #[allow(dead_code, reason = "not everybody speaks one message at a time")]
    pub fn say(&mut self, key: usize, message: &[u8], buffer: &mut Vec<u8>) {
        buffer.clear();
        encoder::frame(buffer, Opcode::Text, message, Some([1, 2, 3, 4]));
        self.core.handle_bytes(self.now, key, buffer);
        self.turn();
        while self.core.has_work() {
            self.turn();
        }
    }
}
