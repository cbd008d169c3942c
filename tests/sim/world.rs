//! The schedule: which peer does what next, and the turn of the loop that follows from it.

use super::follower::Follower;
use super::network::Network;
use super::peer::Way;
use super::seeds::Random;
use super::service::{Books, Numbers};
use chinwag::net::{Handler, ListenerId, Peer as Address};
use chinwag::proto::http::Response;
use chinwag::server::{AllowedHosts, Core, Limits, Route, Shutdown};
use chinwag::time::Millis;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);
const HTTP_OVER_TLS: ListenerId = ListenerId(2);
const LINES_OVER_TLS: ListenerId = ListenerId(3);
const READ_BUFFER_LEN: usize = 8192;
const OUTBOX_HIGH_BYTES: usize = 4096;
const WRITE_QUEUE_BYTES: usize = 2000;
/// What one event may add to an outbox that is just below its high mark: its answer, and the backlog of a topic left.
const QUEUED_BYTES_MAX: usize = OUTBOX_HIGH_BYTES + READ_BUFFER_LEN + 2 * WRITE_QUEUE_BYTES;

pub struct World {
    pub random: Random,
    now: Millis,
    core: Core,
    network: Network,
    followers: Vec<Follower>,
    books: Rc<RefCell<Books>>,
    calendar_reads: Rc<Cell<u64>>,
}

impl World {
    pub fn new(mut random: Random) -> World {
        let limits = Limits {
            outbox_high_bytes: OUTBOX_HIGH_BYTES,
            outbox_low_bytes: 1024,
            write_queue_bytes_max: WRITE_QUEUE_BYTES,
            line_bytes_max: 8192,
            connections_max: Some(11),
            connections_per_address_max: Some(6),
            coalesce: Millis([0, 0, 7][random.below(3)]),
            ..Limits::default()
        };
        let mut core = Core::new(limits);
        let books = Rc::new(RefCell::new(Books::default()));
        let numbers = core.mount(Numbers { books: Rc::clone(&books) }, 1 << 20);
        core.deflate(numbers);
        core.route("/numbers", Route::Service(numbers));
        core.route("/page", Route::Page(Response::text(200, "a page\n").into()));
        for listener in [LINES, LINES_OVER_TLS] {
            core.speak_lines(listener, numbers);
        }
        for listener in [HTTP_OVER_TLS, LINES_OVER_TLS] {
            core.await_handshakes(listener);
        }
        let mut hosts = AllowedHosts::default();
        hosts.allow("x").expect("a name");
        core.allow_hosts(hosts);
        // A calendar that is set all the time, forward and back: nothing is to depend on it.
        let calendar_reads = Rc::new(Cell::new(0_u64));
        let reads = Rc::clone(&calendar_reads);
        core.set_calendar(move || {
            reads.set(reads.get() + 1);
            reads.get().wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        let (now, network, followers) = (Millis(0), Network::default(), Vec::new());
        World { random, now, core, network, followers, books, calendar_reads }
    }

    /// What happened so far, as a number.
    pub fn trace(&self) -> u64 {
        self.network.trace()
    }

    /// What the server and its service have counted.
    pub fn stats(&self) -> BTreeMap<&'static str, u64> {
        let mut stats = BTreeMap::new();
        self.core.stats(&mut |name, value| {
            stats.insert(name, value);
        });
        stats
    }

    /// Something happens, and the loop turns.
    pub fn step(&mut self) {
        self.pass_time();
        if self.followers.len() < 12 && self.random.one_in(4) {
            self.connect();
        }
        for at in 0..self.followers.len() {
            if self.random.one_in(2) {
                self.followers[at].think(&mut self.random);
            }
            if self.random.one_in(100) {
                self.followers[at].peer.appetite = [usize::MAX, 3000, 100, 0][self.random.below(4)];
            }
            if self.random.one_in(300) {
                self.cut(at);
            }
        }
        self.turn();
    }

    fn pass_time(&mut self) {
        let ms = match self.random.below(60) {
            0 => self.random.below(60_000),
            1 => {
                // As a quiet loop does, unless there is work.
                let next = self.core.next_deadline();
                if next == Millis::NEVER { 0 } else { (next - self.now).0 as usize }
            }
            _ => self.random.below(20),
        };
        self.now = self.now + Millis(ms as u64);
    }

    fn connect(&mut self) {
        let way = [Way::WebSocket, Way::WebSocket, Way::Line, Way::Http][self.random.below(4)];
        let has_tls = self.random.one_in(4);
        let listener = match (way, has_tls) {
            (Way::Line, false) => LINES,
            (Way::Line, true) => LINES_OVER_TLS,
            (Way::WebSocket | Way::Http, false) => HTTP,
            (Way::WebSocket | Way::Http, true) => HTTP_OVER_TLS,
        };
        let address = Address::V4(Ipv4Addr::new(10, 0, 0, self.random.below(3) as u8), 1);
        if !self.core.is_accepting() {
            return;
        }
        let Ok(key) = self.core.handle_accepted(self.now, listener, address) else { return };
        self.network.connect(key, [1 << 20, 5000, 300, 40][self.random.below(4)]);
        // A client that reads no responses, so that it need not understand the refusal.
        let is_plain = has_tls && way != Way::WebSocket && self.random.one_in(4);
        let follower = match is_plain {
            true => Follower::without_tls(way, key, &mut self.random),
            false => Follower::new(way, key, &mut self.random),
        };
        self.followers.push(follower);
        match is_plain {
            true => assert!(self.core.handle_plain(self.now, key), "it is open"),
            false if has_tls => self.core.handle_connected(self.now, key),
            false => {}
        }
    }

    /// The cable of one peer is cut.
    fn cut(&mut self, at: usize) {
        let key = self.followers[at].peer.key;
        if self.random.one_in(2) {
            // It shows in the next write only.
            self.network.wire(key).is_broken = true;
        } else {
            self.core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into());
        }
        self.followers[at].peer.ends = true;
        self.followers[at].peer.to_send.clear();
        self.network.wire(key).cut();
    }

    /// One turn of the loop.
    fn turn(&mut self) {
        let (reads, stamps) = (self.calendar_reads.get(), self.books.borrow().stamps);
        for follower in &mut self.followers {
            let wire = self.network.wire(follower.peer.key);
            follower.peer.post(wire);
            // The kernel speaks of room for other reasons too.
            if self.random.one_in(50) && !wire.is_full {
                self.core.handle_writable(self.now, follower.peer.key);
            }
        }
        let random = &mut self.random;
        let bite = || [1, 5, 100, READ_BUFFER_LEN][random.below(4)];
        for (key, _) in self.network.turn(self.now, &mut self.core, bite) {
            let at = self.followers.iter().position(|follower| follower.peer.key == key);
            self.followers.swap_remove(at.expect("who is closed was there"));
        }
        self.core.validate(QUEUED_BYTES_MAX);
        let has_stamped = self.books.borrow().stamps > stamps;
        assert_eq!(
            self.calendar_reads.get() - reads,
            u64::from(has_stamped),
            "once a turn, and for a reason"
        );
        for follower in &mut self.followers {
            let mut bytes = self.network.wire(follower.peer.key).take(follower.peer.appetite);
            follower.read(&mut bytes);
            follower.answer_close();
        }
    }

    /// Everybody reads, nobody says anything new: all that is owed arrives. Then the server shuts down.
    pub fn settle(&mut self) {
        for follower in &mut self.followers {
            follower.peer.appetite = usize::MAX;
        }
        for wire in self.network.wires.values_mut() {
            wire.capacity = 1 << 20;
        }
        let mut turns = 0;
        let mut waits = 0;
        while self.is_owing() || waits < 2 {
            // What is held back comes a moment later; that may be twice, as a round takes its time.
            if !self.is_owing() {
                self.now = self.now + Millis(7);
                waits += 1;
            }
            self.turn();
            turns += 1;
            assert!(
                turns < 10_000,
                "the server owes something and does not give it: {}",
                self.network.debts(&self.core)
            );
        }
        self.check_told();
        self.core
            .handle_mail(self.now, if self.random.one_in(2) { Shutdown::Stop } else { Shutdown::Restart });
        let mut turns = 0;
        while !self.core.is_done() {
            self.turn();
            self.now = self.now + Millis(100);
            turns += 1;
            assert!(turns < 100, "the server does not stop");
        }
        let books = self.books.borrow();
        assert_eq!((books.opened, books.open.len()), (books.closed, 0), "one on_close per on_open");
        assert!(self.followers.is_empty() && self.network.wires.is_empty());
        assert!(self.core.is_empty(), "nothing is left behind");
    }

    fn is_owing(&self) -> bool {
        self.network.is_owing(&self.core)
            || self.followers.iter().any(|follower| !follower.peer.to_send.is_empty())
    }

    /// Every member has been told everything.
    fn check_told(&self) {
        let books = self.books.borrow();
        for follower in &self.followers {
            let is_whole = !follower.is_doomed() && !follower.peer.ends && !follower.peer.has_read_close;
            if is_whole && !self.network.wires[&follower.peer.key].has_fin {
                for (topic, last) in follower.following() {
                    assert_eq!(
                        last,
                        books.heads[topic],
                        "topic {topic} of {:?} {}\n{}",
                        follower.peer.way,
                        follower.peer.key,
                        self.network.debts(&self.core)
                    );
                }
            }
        }
    }
}
