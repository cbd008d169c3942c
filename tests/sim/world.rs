//! The schedule: which peer does what next, and the turn of the loop that follows from it.

use super::network::{Network, Wire};
use super::peer::{Peer, Speech};
use super::random::Random;
use super::service::{Books, Numbers};
use chinwag::net::{Handler, ListenerId, Peer as Address};
use chinwag::proto::http::Response;
use chinwag::server::{Core, Limits, Route, Shutdown};
use chinwag::time::Millis;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);
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
    peers: Vec<Peer>,
    books: Rc<RefCell<Books>>,
    trace: u64,
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
        core.route("/page", Route::Page(Response::text(200, "a page\n")));
        core.speak_lines(LINES, numbers);
        World {
            random,
            now: Millis(0),
            core,
            network: Network::default(),
            peers: Vec::new(),
            books,
            trace: 0,
        }
    }

    /// What happened so far, as a number.
    pub fn trace(&self) -> u64 {
        self.trace
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
        if self.peers.len() < 12 && self.random.one_in(4) {
            self.connect();
        }
        for at in 0..self.peers.len() {
            if self.random.one_in(2) {
                self.peers[at].think(&mut self.random);
            }
            if self.random.one_in(100) {
                self.peers[at].appetite = [usize::MAX, 3000, 100, 0][self.random.below(4)];
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
        let speech = [Speech::WebSocket, Speech::WebSocket, Speech::Line, Speech::Http][self.random.below(4)];
        let listener = if speech == Speech::Line { LINES } else { HTTP };
        let address = Address::V4(Ipv4Addr::new(10, 0, 0, self.random.below(3) as u8), 1);
        if !self.core.is_accepting() {
            return;
        }
        let Ok(key) = self.core.handle_accepted(self.now, listener, address) else { return };
        let capacity = [1 << 20, 5000, 300, 40][self.random.below(4)];
        let former = self.network.wires.insert(key, Wire { capacity, ..Wire::default() });
        assert!(former.is_none(), "a key is given out twice");
        self.peers.push(Peer::new(speech, key, &mut self.random));
    }

    /// The cable of one peer is cut.
    fn cut(&mut self, at: usize) {
        let key = self.peers[at].key;
        if self.random.one_in(2) {
            // It shows in the next write only.
            self.network.wires.get_mut(&key).expect("a peer has a wire").is_broken = true;
        } else {
            self.core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into());
        }
        self.peers[at].ends = true;
        self.peers[at].to_send.clear();
        self.peers[at].has_ended = true;
    }

    /// One turn of the loop, as `net` has it.
    fn turn(&mut self) {
        self.network.now = self.now;
        self.writable();
        self.read();
        self.core.handle_timers(self.now);
        self.core.handle_wake(self.now);
        self.core.flush(self.now, &mut self.network);
        self.core.reap(self.now, &mut self.network);
        self.core.validate(QUEUED_BYTES_MAX);
        for key in self.network.resumed.drain(..) {
            if let Some(wire) = self.network.wires.get_mut(&key) {
                wire.is_parked = false;
            }
        }
        let is_forgotten = |(&key, wire): (&usize, &Wire)| wire.is_parked && self.core.wants_bytes(key);
        let is_any_forgotten = self.network.wires.iter().any(is_forgotten) && !self.core.has_work();
        assert!(!is_any_forgotten, "wanted again, and nobody says so");
        for (key, _) in std::mem::take(&mut self.network.closed) {
            let at = self.peers.iter().position(|peer| peer.key == key).expect("who is closed was there");
            self.trace = self.trace.wrapping_mul(31).wrapping_add(key as u64 ^ self.peers[at].read << 8);
            self.peers.swap_remove(at);
        }
        self.trace = self.trace.wrapping_mul(31).wrapping_add(self.network.writes);
        for peer in &mut self.peers {
            let wire = self.network.wires.get_mut(&peer.key).expect("a peer has a wire");
            let len = wire.in_flight.len().min(peer.appetite);
            let mut bytes: Vec<u8> = wire.in_flight.drain(..len).collect();
            peer.read(&mut bytes);
            peer.answer_close();
        }
    }

    fn writable(&mut self) {
        for peer in &self.peers {
            let wire = self.network.wires.get_mut(&peer.key).expect("a peer has a wire");
            if wire.is_full && (wire.in_flight.len() < wire.capacity / 2 || wire.is_broken) {
                wire.is_full = false;
                self.core.handle_writable(self.now, peer.key);
            } else if self.random.one_in(50) && !wire.is_full {
                // Edges come for other reasons too.
                self.core.handle_writable(self.now, peer.key);
            }
        }
    }

    fn read(&mut self) {
        for at in 0..self.peers.len() {
            let peer = &mut self.peers[at];
            let wire = self.network.wires.get_mut(&peer.key).expect("a peer has a wire");
            let has_something = !peer.to_send.is_empty() || (peer.ends && !peer.has_ended);
            if !has_something || wire.is_parked || wire.is_broken {
                continue;
            }
            if !self.core.wants_bytes(peer.key) {
                wire.is_parked = true;
                continue;
            }
            if peer.to_send.is_empty() {
                peer.has_ended = true;
                self.core.handle_eof(self.now, peer.key);
                continue;
            }
            let most = [1, 5, 100, READ_BUFFER_LEN][self.random.below(4)];
            let len = peer.to_send.len().min(most);
            let mut bytes: Vec<u8> = peer.to_send.drain(..len).collect();
            self.core.handle_bytes(self.now, peer.key, &mut bytes);
        }
    }

    /// Everybody reads, nobody says anything new: all that is owed arrives. Then the server shuts down.
    pub fn settle(&mut self) {
        for peer in &mut self.peers {
            peer.appetite = usize::MAX;
        }
        for wire in self.network.wires.values_mut() {
            wire.capacity = 1 << 20;
        }
        let is_owing = |world: &World| {
            world.core.has_work()
                || world.peers.iter().any(|peer| {
                    let wire = &world.network.wires[&peer.key];
                    let is_heard = !wire.is_broken && !wire.has_fin;
                    (!peer.to_send.is_empty() && is_heard) || wire.is_full || !wire.in_flight.is_empty()
                })
        };
        let mut turns = 0;
        let mut waits = 0;
        while is_owing(self) || waits < 2 {
            // What is held back comes a moment later; that may be twice, as a round takes its time.
            if !is_owing(self) {
                self.now = self.now + Millis(7);
                waits += 1;
            }
            self.turn();
            turns += 1;
            assert!(turns < 10_000, "the server owes something and does not give it: {}", self.debts());
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
        assert!(self.peers.is_empty() && self.network.wires.is_empty());
        assert!(self.core.is_empty(), "nothing is left behind");
    }

    fn debts(&self) -> String {
        let debt = |peer: &Peer| {
            let wire = &self.network.wires[&peer.key];
            let (to_send, in_flight) = (peer.to_send.len(), wire.in_flight.len());
            format!(
                "{:?} {}: to_send={to_send} in_flight={in_flight} is_full={} is_parked={} has_fin={} wanted={}\n",
                peer.speech,
                peer.key,
                wire.is_full,
                wire.is_parked,
                wire.has_fin,
                self.core.wants_bytes(peer.key)
            )
        };
        format!("has_work={}\n{}", self.core.has_work(), self.peers.iter().map(debt).collect::<String>())
    }

    /// Every member has been told everything.
    fn check_told(&self) {
        let books = self.books.borrow();
        for peer in &self.peers {
            let is_whole = !peer.is_doomed() && !peer.ends && !peer.has_read_close && !peer.has_ended;
            if is_whole && !self.network.wires[&peer.key].has_fin {
                for (topic, last) in peer.following() {
                    assert_eq!(
                        last,
                        books.heads[topic],
                        "topic {topic} of {:?} {}\n{}",
                        peer.speech,
                        peer.key,
                        self.debts()
                    );
                }
            }
        }
    }
}
