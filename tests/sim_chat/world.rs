//! The schedule: who does what next, and the turn of the loop that follows from it.

use super::counts::Counts;
use super::expected::Dialect;
use super::model::Model;
use super::network::Network;
use super::peer::{Peer, Way};
use super::person::{Person, ROOMS};
use super::seeds::Random;
use super::witness::Witness;
use chinwag::chat::{Chat, Rate, Seed, Settings, Slow};
use chinwag::net::{Handler, ListenerId, Peer as Address};
use chinwag::server::{Core, Limits, Route, Shutdown};
use chinwag::time::Millis;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);
const READ_BUFFER_LEN: usize = 8192;
const OUTBOX_HIGH_BYTES: usize = 3000;
const WRITE_QUEUE_BYTES: usize = 1200;
/// What one event may add to an outbox that is just below its high mark: a page of history, which is longer than a slice of
/// a replay, and the backlog of each room that is left.
const QUEUED_BYTES_MAX: usize = OUTBOX_HIGH_BYTES + 66 * 1024 + 4 * WRITE_QUEUE_BYTES;
const UNIX_MS: u64 = 1_795_000_000_000;
const PEOPLE: usize = 8;

pub struct World {
    pub random: Random,
    now: Millis,
    /// What the calendar says, in milliseconds since 1970.
    calendar: Rc<Cell<u64>>,
    core: Core,
    network: Network,
    people: Vec<Person>,
    /// How seldom one of them does something.
    calm: usize,
    /// Every socket that the server has: those of people, and those that they have given up.
    peers: Vec<Peer>,
    model: Rc<RefCell<Model>>,
}

fn one_of<T: Copy, const N: usize>(random: &mut Random, all: [T; N]) -> T {
    all[random.below(N)]
}

fn settings(random: &mut Random, is_exact: bool) -> Settings {
    let plenty = 1 << 20;
    Settings {
        message_bytes_max: 1000,
        publish: one_of(random, [Rate { per_second: 0, burst: 1 }, Rate { per_second: 10, burst: 5 }]),
        command: one_of(random, [Rate { per_second: 0, burst: 1 }, Rate { per_second: 20, burst: 40 }]),
        rooms_per_member_max: 3,
        rooms_max: one_of(random, [3, 100, 100]),
        members_max: one_of(random, [4, 100, 100]),
        keys_max: if is_exact { one_of(random, [3, 100_000]) } else { 100_000 },
        history_messages_max: one_of(random, [0, 1, 4, 10, 40, 400, 400]),
        history_bytes_max: if is_exact { plenty } else { one_of(random, [300, 1000, 3000]) },
        history_bytes_total_max: if is_exact { plenty } else { one_of(random, [500, 2000, 4000]) },
        room_keep: one_of(random, [Millis(300), Millis::from_secs(3)]),
        // Where it is not foreseen what is remembered, keys outlive everything.
        key_window: if is_exact { Millis::from_secs(2) } else { Millis::from_secs(1_000_000) },
        slow: one_of(random, [Slow::CatchUp, Slow::CatchUp, Slow::CatchUp, Slow::Latest, Slow::Disconnect]),
        presence_names_max: one_of(random, [3, 200]),
        presence_per_second: one_of(random, [0, 5000, 5000, 20, 3]),
        presence_changes_max: one_of(random, [4, 256]),
        line_idle_timeout: one_of(random, [None, Some(Millis::from_secs(300))]),
        ..Settings::default()
    }
}

impl World {
    pub fn new(mut random: Random, is_traced: bool) -> World {
        let limits = Limits {
            outbox_high_bytes: OUTBOX_HIGH_BYTES,
            outbox_low_bytes: 1000,
            write_queue_bytes_max: WRITE_QUEUE_BYTES,
            line_bytes_max: 4096,
            ..Limits::default()
        };
        let is_exact = random.below(4) > 0;
        let settings = settings(&mut random, is_exact);
        let mut core = Core::new(limits);
        let calendar = Rc::new(Cell::new(UNIX_MS));
        let read = Rc::clone(&calendar);
        core.set_calendar(move || read.get());
        let model = Rc::new(RefCell::new(Model::new(settings.clone(), is_exact, is_traced)));
        let chat = Chat::new(settings, Seed::new([random.below(256) as u8; 32]));
        let chat = core.mount(Witness { chat, model: Rc::clone(&model) }, 8192);
        core.route("/ws", Route::Service(chat));
        core.speak_lines(LINES, chat);
        let person = |number| {
            // Programs can be followed also where it is not foreseen what is remembered.
            let is_program = !is_exact || number % 3 > 0;
            Person::new(number, if is_program { Dialect::Json } else { Dialect::Text })
        };
        World {
            now: Millis(0),
            calendar,
            core,
            network: Network::default(),
            calm: one_of(&mut random, [2, 2, 10]),
            people: (0..PEOPLE).map(person).collect(),
            peers: Vec::new(),
            model,
            random,
        }
    }

    /// Something happens, and the loop turns.
    pub fn step(&mut self) {
        self.pass_time();
        for at in 0..self.people.len() {
            match self.people[at].peer {
                None if self.random.one_in(6) => self.connect(at),
                None => {}
                Some(key) => {
                    let peer =
                        self.peers.iter_mut().find(|peer| peer.key == key).expect("a person's peer is there");
                    if peer.is_open() && self.random.one_in(self.calm) {
                        self.people[at].think(peer, &mut self.random);
                    }
                    if self.random.one_in(60) {
                        peer.appetite = one_of(&mut self.random, [usize::MAX, usize::MAX, 3000, 100, 0]);
                    }
                    if self.random.one_in(100) {
                        self.lose(at, key);
                    }
                }
            }
        }
        if self.random.one_in(200) {
            self.abandon_a_room();
        }
        self.turn();
    }

    /// One floods a room that others do not read, and all leave it. It may be forgotten before it is read.
    fn abandon_a_room(&mut self) {
        let room = ROOMS[self.random.below(ROOMS.len())];
        let loud = self.random.below(PEOPLE);
        for at in 0..PEOPLE {
            let is_slow = at != loud && self.random.one_in(3);
            let Some((person, peer)) = self.person_at(at) else { continue };
            if at == loud {
                person.flood(peer, room);
            } else if is_slow {
                peer.appetite = 0;
                let key = peer.key;
                self.network.wire(key).capacity = 60;
            }
        }
        (0..10).for_each(|_| self.turn());
        for at in 0..PEOPLE {
            if let Some((person, peer)) = self.person_at(at) {
                person.leave(peer, room);
            }
        }
        (0..5).for_each(|_| self.turn());
        self.now = self.now + Millis(self.random.below(5000) as u64);
    }

    /// A person and its connection, if it has one that is open.
    fn person_at(&mut self, at: usize) -> Option<(&mut Person, &mut Peer)> {
        let person = &mut self.people[at];
        let peer = self.peers.iter_mut().find(|peer| person.peer == Some(peer.key))?;
        peer.is_open().then_some((person, peer))
    }

    fn pass_time(&mut self) {
        let ms = match self.random.below(60) {
            0 => self.random.below(60_000),
            1 => self.random.below(4000),
            2 => {
                // As a quiet loop does, unless there is work.
                let next = self.core.next_deadline();
                if next == Millis::NEVER { 0 } else { (next - self.now).0 as usize }
            }
            _ => self.random.below(30),
        };
        let due = self.core.next_deadline();
        self.now = self.now + Millis(ms as u64);
        if due < self.now {
            self.model.borrow_mut().note_late(due, self.now);
        }
        let calendar = self.calendar.get() + ms as u64;
        self.calendar.set(match self.random.below(300) {
            // Somebody sets it, or the machine has slept.
            0 => calendar + self.random.below(100_000_000) as u64,
            1 => calendar.saturating_sub(self.random.below(100_000_000) as u64),
            2 => 0,
            3 => UNIX_MS,
            _ => calendar,
        });
    }

    fn connect(&mut self, at: usize) {
        let way = if self.random.one_in(3) { Way::Line } else { Way::WebSocket };
        let listener = if way == Way::Line { LINES } else { HTTP };
        let address = Address::V4(Ipv4Addr::LOCALHOST, 1);
        let key = self.core.handle_accepted(self.now, listener, address).expect("there is room");
        self.network.connect(key, one_of(&mut self.random, [1 << 20, 1 << 20, 5000, 500, 60]));
        let mut peer = self.people[at].connect(key, way, &mut self.random);
        peer.appetite = one_of(&mut self.random, [usize::MAX, usize::MAX, usize::MAX, 2000, 200, 0]);
        self.peers.push(peer);
    }

    /// A person loses its connection: the server knows at once, or when it writes next, or not for long.
    fn lose(&mut self, at: usize, key: usize) {
        let peer = self.peers.iter_mut().find(|peer| peer.key == key).expect("a person's peer is there");
        match self.random.below(3) {
            0 => self.core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into()),
            1 => self.network.wire(key).is_broken = true,
            _ => peer.appetite = 0,
        }
        // Some of what it sent may have arrived.
        let sent = &mut self.network.wire(key).unread;
        sent.append(&mut peer.to_send);
        sent.truncate(self.random.below(sent.len() + 1));
        self.people[at].peer = None;
    }

    /// One turn of the loop.
    fn turn(&mut self) {
        for peer in &mut self.peers {
            peer.post(self.network.wire(peer.key));
        }
        let random = &mut self.random;
        let bite = || one_of(random, [1, 20, 200, READ_BUFFER_LEN, READ_BUFFER_LEN]);
        for (key, _) in self.network.turn(self.now, &mut self.core, bite) {
            let at = self.peers.iter().position(|peer| peer.key == key).expect("who is closed was there");
            self.peers.swap_remove(at);
            self.people
                .iter_mut()
                .filter(|person| person.peer == Some(key))
                .for_each(|person| person.peer = None);
        }
        self.core.validate(QUEUED_BYTES_MAX);
        self.check_history_bytes();
        self.check_presence_budget();
        for peer in &mut self.peers {
            let wire = self.network.wire(peer.key);
            if wire.is_broken {
                continue;
            }
            let texts = peer.read(&mut wire.take(peer.appetite));
            let mut person = self.people.iter_mut().find(|person| person.peer == Some(peer.key));
            let mut model = self.model.borrow_mut();
            for text in &texts {
                let conn = model.by_slot[&(peer.key as u32)];
                model.trace(self.now, conn, format_args!("< {text}"));
                let object = text.starts_with(r#"{"type":"#).then(|| serde_json::from_str(text));
                let object: Option<Value> = object.map(|object| object.expect("a sound object"));
                model.read(conn, text, object.as_ref());
                if let Some(person) = &mut person {
                    person.read(text, object.as_ref());
                }
            }
            peer.answer_close();
        }
        if !self.core.has_work() {
            self.check_told();
        }
    }

    fn stat(&self, wanted: &str) -> u64 {
        let mut found = None;
        self.core.stats(&mut |name, value| found = found.or((name == wanted).then_some(value)));
        found.unwrap_or_else(|| panic!("nobody counts {wanted}"))
    }

    /// All rooms together have been told no more than the budget allows.
    fn check_presence_budget(&self) {
        let per_second = u64::from(self.model.borrow().settings.presence_per_second);
        // What may be saved: a second's budget, or the price of the two rooms that are next.
        let saved = per_second.max(4 * PEOPLE as u64) + 4 * PEOPLE as u64;
        let told = self.stat("chat_presence_told");
        assert!(per_second == 0 || told <= saved + per_second * self.now.0 / 1000, "{told} members told");
        if self.stat("chat_presence_put_off") > 0 {
            self.model.borrow_mut().counts.note("presence put off");
        }
    }

    fn check_history_bytes(&self) {
        let [bytes, rooms] = ["chat_history_bytes", "chat_rooms"].map(|name| self.stat(name) as usize);
        let Settings { history_bytes_total_max, history_bytes_max, .. } = self.model.borrow().settings;
        let bytes_max = history_bytes_total_max.min(rooms * history_bytes_max);
        assert!(bytes <= bytes_max, "{bytes} bytes of history in {rooms} rooms");
    }

    /// Everybody reads, and nobody does anything new: all that is owed arrives, and what everybody knows is true. Then the
    /// pages of each room are read; then all go, and nothing is left. Returns what has happened, counted, and as a number.
    pub fn settle(mut self) -> (Counts, u64) {
        for at in 0..self.people.len() {
            // Those who do not know that they have been lost do not come into this.
            if let Some(key) = self.people[at].peer
                && self.random.one_in(8)
            {
                self.lose(at, key);
            }
        }
        for peer in &mut self.peers {
            if self.people.iter().all(|person| person.peer != Some(peer.key)) {
                self.core.handle_reset(self.now, peer.key, io::ErrorKind::ConnectionReset.into());
            }
            peer.appetite = usize::MAX;
        }
        self.network.wires.values_mut().for_each(|wire| wire.capacity = 1 << 20);
        self.drain();
        // Presence has been told after a second of quiet, or when the budget has paid for it; before that, the last have been
        // announced who only listened.
        let wait = self.model.borrow().presence_wait();
        for _ in 0..7 + wait.0.div_ceil(1000) {
            self.now = self.now + Millis(1001);
            self.drain();
        }
        self.check_told();
        if self.random.one_in(2) {
            self.read_all_pages();
            self.everybody_leaves();
        }
        self.core
            .handle_mail(self.now, if self.random.one_in(2) { Shutdown::Stop } else { Shutdown::Restart });
        let mut turns = 0;
        while !self.core.is_done() {
            self.turn();
            self.now = self.now + Millis(100);
            turns += 1;
            assert!(turns < 200, "the server does not stop");
        }
        assert!(self.peers.is_empty() && self.network.wires.is_empty());
        assert!(self.core.is_empty(), "nothing is left behind");
        assert_eq!(self.stat("chat_members"), 0);
        (self.model.borrow().counts.clone(), self.network.trace())
    }

    fn is_owing(&self) -> bool {
        self.network.is_owing(&self.core) || self.peers.iter().any(|peer| !peer.to_send.is_empty())
    }

    /// Turns until nothing is owed to anybody.
    fn drain(&mut self) {
        let mut turns = 0;
        while self.is_owing() {
            self.turn();
            turns += 1;
            assert!(
                turns < 20_000,
                "the server owes something and does not give it:\n{}",
                self.network.debts(&self.core)
            );
        }
        self.turn();
    }

    /// The server has nothing to do: so everybody who reads has been told everything, and for a second who is in its rooms.
    fn check_told(&self) {
        let model = self.model.borrow();
        for peer in self.peers.iter().filter(|peer| peer.is_open()) {
            let wire = &self.network.wires[&peer.key];
            let Some(conn) = model.by_slot.get(&(peer.key as u32)) else { continue };
            let it = &model.conns[conn];
            let has_more = wire.is_full || !wire.in_flight.is_empty();
            if it.is_gone || has_more || wire.is_broken || wire.has_fin {
                continue;
            }
            assert!(it.refusals_typed.is_empty(), "{conn:?} was not told {:?}", it.refusals_typed);
            for (stream, rest) in &it.streams {
                assert!(rest.is_empty(), "{conn:?} was not told in {stream:?}: {:?}", rest.front());
            }
            // To people, changes are told by name alone: whoever of them wants to know asks.
            let is_told = |room: &&String| model.is_presence_told(self.now, room);
            for room in it.rooms.iter().filter(is_told).filter(|_| it.dialect == Some(Dialect::Json)) {
                assert_eq!(it.counts_told.get(room), Some(&model.members(room)), "{conn:?} in {room}");
                let others = |names: &BTreeSet<String>| names - &it.names_had;
                if let Some(told) = it.names_told.get(room) {
                    assert_eq!(others(told), others(&model.names(room)), "{conn:?} in {room}");
                }
            }
        }
    }

    /// Somebody who has never been there reads what each room remembers.
    fn read_all_pages(&mut self) {
        let rooms = self.model.borrow().room_names();
        for room in rooms {
            let listener = LINES;
            let address = Address::V4(Ipv4Addr::LOCALHOST, 1);
            let key = self.core.handle_accepted(self.now, listener, address).expect("there is room");
            self.network.connect(key, 1 << 20);
            let mut peer = Peer::by_line(key);
            peer.say(&format!(r#"{{"type":"join","room":"{room}","history":1000}}"#));
            for after in (0..60).step_by(6) {
                peer.say(&format!(r#"{{"type":"history","room":"{room}","after":{after},"limit":6}}"#));
            }
            peer.say(&format!(r#"{{"type":"history","room":"{room}","before":1000000}}"#));
            peer.close();
            self.peers.push(peer);
            self.drain();
        }
    }

    fn everybody_leaves(&mut self) {
        self.peers.iter_mut().filter(|peer| peer.is_open()).for_each(Peer::close);
        for _ in 0..100 {
            self.drain();
            self.now = self.now + Millis(200);
        }
        assert!(self.peers.is_empty(), "somebody does not go");
        assert_eq!(
            (self.stat("chat_members"), self.stat("chat_rooms")),
            (0, 0),
            "rooms are not kept for ever"
        );
        assert_eq!(self.stat("chat_history_bytes"), 0);
    }
}
