//! What a connection costs, counted by the allocator: a budget for the idle, and none at all for what is done most.
//!
//! Everything stands in one test: the counter counts for the whole process.

#![allow(unsafe_code, reason = "an allocator that counts is an allocator, and those are unsafe")]

use chinwag::net::{Handler, ListenerId, Peer, Sockets, UdpId};
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::server::{Core, Limits, Route};
use chinwag::service::{Class, ConnId, Context, Message, Opening, Own, Service, Topic};
use chinwag::time::Millis;
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE_BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is passed on to the system's allocator, with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE_BYTES.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE_BYTES.fetch_add(size as isize - layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are the same as ours.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Sockets that take everything and remember nothing but how often they were called.
#[derive(Default)]
struct Drain {
    writes: usize,
    bytes: usize,
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
struct EchoAndFanOut;

const EVERYBODY: Topic = Topic(1);

impl Service for EchoAndFanOut {
    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, _: Opening<'_>) {
        cx.subscribe(conn, EVERYBODY, Class(0));
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let bytes = message.as_bytes();
        match bytes.first() {
            Some(b'e') => cx.send(conn, message),
            _ => cx.publish(
                EVERYBODY,
                &mut |_, out| out.extend_from_slice(bytes),
                Some(Own { conn, ack: None }),
            ),
        }
    }
}

const HTTP: ListenerId = ListenerId(0);

struct Server {
    core: Core,
    sockets: Drain,
    now: Millis,
}

impl Server {
    fn new(service: impl Service + 'static) -> Server {
        let mut core = Core::new(Limits::default());
        let id = core.mount(service, 64 * 1024);
        core.route("/ws", Route::Service(id));
        Server { core, sockets: Drain::default(), now: Millis(0) }
    }

    fn turn(&mut self) {
        self.now = self.now + Millis(1);
        self.core.handle_timers(self.now);
        self.core.handle_wake(self.now);
        self.core.flush(self.now, &mut self.sockets);
        self.core.reap(self.now, &mut self.sockets);
    }

    fn connect(&mut self, target: &str) -> usize {
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
    fn say(&mut self, key: usize, message: &[u8], buffer: &mut Vec<u8>) {
        buffer.clear();
        encoder::frame(buffer, Opcode::Text, message, Some([1, 2, 3, 4]));
        self.core.handle_bytes(self.now, key, buffer);
        self.turn();
        while self.core.has_work() {
            self.turn();
        }
    }
}

/// Heap bytes that each of 2,000 joined, idle connections costs. Tables are counted as they stand, slack and all, except
/// that their growth by doubling is averaged out by counting between two powers of two.
fn idle_bytes(server: &mut Server, target: impl Fn(usize) -> String) -> isize {
    const COUNT: usize = 2048;
    for i in 0..COUNT {
        server.connect(&target(i));
    }
    let before = LIVE_BYTES.load(Relaxed);
    for i in COUNT..2 * COUNT {
        server.connect(&target(i));
    }
    // Presence notices and the like are over when their time has come.
    server.now = server.now + Millis(5000);
    (0..100).for_each(|_| server.turn());
    (LIVE_BYTES.load(Relaxed) - before) / COUNT as isize
}

#[test]
fn what_is_idle_costs_little_and_what_is_done_most_allocates_nothing() {
    let mut server = Server::new(EchoAndFanOut);
    let bytes = idle_bytes(&mut server, |_| "/ws".to_owned());
    println!("an idle connection, joined to a topic: {bytes} bytes of heap");
    assert!(bytes <= 400, "{bytes} bytes of heap for an idle connection");

    let mut buffer = Vec::with_capacity(1024);
    let mut allocations_of = |server: &mut Server, message: &[u8]| {
        let before = ALLOCATIONS.load(Relaxed);
        (0..100).for_each(|_| server.say(7, message, &mut buffer));
        ALLOCATIONS.load(Relaxed) - before
    };
    allocations_of(&mut server, b"echo: warm up");
    let allocations =
        allocations_of(&mut server, b"echo: 64 bytes, as a chat's messages are, more or less, ........");
    assert_eq!(allocations, 0, "allocations for 100 echoes");

    allocations_of(&mut server, b"publish: warm up");
    let (before, entries) = (server.sockets.writes, 100);
    let allocations = allocations_of(&mut server, b"publish: to 4,095 others");
    let deliveries = server.sockets.writes - before;
    println!("{entries} entries, {deliveries} deliveries: {allocations} allocations");
    assert_eq!(deliveries, entries * 4095, "everybody but the publisher is written to, once");
    // The log's ring is freed when everybody has read it, and made anew for the next entry.
    assert!(
        allocations <= 10 * entries,
        "{allocations} allocations for {entries} entries, however many read them"
    );
}
