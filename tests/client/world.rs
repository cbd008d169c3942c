//! A server, and people who are at it as sessions.

use crate::network::Network;
use crate::seeds::Random;
use chinwag::chat::{self, Chat, Seed};
use chinwag::client::{Masks, News, PublishId, Resumption, Scheme, Session, Settings, Told};
use chinwag::net::{Handler, ListenerId, Peer};
use chinwag::server::{Core, Limits, Route, Shutdown};
use chinwag::time::Millis;
use std::io;
use std::net::Ipv4Addr;

const HTTP: ListenerId = ListenerId(0);
const LINES: ListenerId = ListenerId(1);
/// More turns than anything needs.
const TURNS_MAX: usize = 100_000;

pub struct World {
    pub now: Millis,
    pub random: Random,
    pub people: Vec<Person>,
    core: Option<Core>,
    network: Network,
    settings: chat::Settings,
    lives: u8,
    /// How many bytes a wire carries at a time; any number if `None`.
    pub is_choppy: bool,
}

/// Somebody, and what they have been told.
pub struct Person {
    pub session: Session,
    pub told: Vec<News>,
    /// The connection that stands, and which of the session's it is.
    wire: Option<(usize, u64)>,
    /// Whether a connection can be made.
    pub is_cut_off: bool,
    /// Bytes go nowhere, and nobody says so.
    pub is_black_hole: bool,
    /// The reader is at lunch.
    pub sleeps: bool,
}

pub fn at(url: &str, name: Option<&str>) -> Settings {
    Settings {
        url: url.parse().expect("a URL"),
        name: name.map(str::to_owned),
        token: None,
        is_patient: true,
        keeps_objects: false,
    }
}

impl World {
    pub fn new(seed: u64, settings: chat::Settings) -> World {
        let mut world = World {
            now: Millis(1000),
            random: Random::new(seed),
            people: Vec::new(),
            core: None,
            network: Network::default(),
            settings,
            lives: 0,
            is_choppy: false,
        };
        world.start();
        world
    }

    /// The server begins anew, and knows nothing.
    pub fn start(&mut self) {
        assert!(self.network.wires.is_empty(), "a server that is not there has no wires");
        self.lives += 1;
        let mut core = Core::new(Limits::default());
        let chat = core.mount(Chat::new(self.settings.clone(), Seed::new([self.lives; 32])), 64 * 1024);
        core.route("/ws", Route::Service(chat));
        core.speak_lines(LINES, chat);
        self.core = Some(core);
    }

    /// The server is gone without a word.
    pub fn kill(&mut self) {
        self.core = None;
        self.network.wires.clear();
        let now = self.now;
        for person in self.people.iter_mut().filter(|person| person.wire.is_some()) {
            person.wire = None;
            person.session.handle_lost(now, "reset");
        }
    }

    /// The server says goodbye.
    pub fn stop(&mut self, shutdown: Shutdown) {
        self.core.as_mut().expect("it is there").handle_mail(self.now, shutdown);
        for _ in 0..1000 {
            self.step();
            if self.core.as_ref().expect("it is there").is_done() {
                return self.kill();
            }
        }
        panic!("it does not end");
    }

    pub fn add(&mut self, settings: Settings) -> usize {
        let masks = Masks::from_seed(self.random.next());
        self.people.push(Person {
            session: Session::new(settings, masks),
            told: Vec::new(),
            wire: None,
            is_cut_off: false,
            is_black_hole: false,
            sleeps: false,
        });
        self.people.len() - 1
    }

    /// Somebody in a room, with everything behind them that leads there.
    pub fn member(&mut self, url: &str, name: &str, room: &str) -> usize {
        let who = self.add(at(url, Some(name)));
        let now = self.now;
        self.people[who].session.join(now, room, 0);
        self.settle();
        assert!(self.people[who].session.is_settled(), "{name} is not in: {:?}", self.people[who].told);
        who
    }

    pub fn say(&mut self, who: usize, room: &str, text: &str) -> PublishId {
        let now = self.now;
        self.people[who].session.publish(now, room, text).expect("a room that it is in")
    }

    /// The cable is cut after so many more bytes to the server, and to the session, have come through.
    pub fn cut(&mut self, who: usize, to_server: usize, to_session: usize) {
        self.carry_up(who, to_server);
        self.turn();
        self.carry_down(who, to_session);
        let Some((key, _)) = self.people[who].wire.take() else { return };
        if let Some(core) = &mut self.core
            && self.network.wires.contains_key(&key)
        {
            match self.random.one_in(2) {
                true => core.handle_reset(self.now, key, io::ErrorKind::ConnectionReset.into()),
                // Nobody tells the server: it thinks that somebody is there.
                false => self.network.wire(key).is_broken = true,
            }
        }
        let now = self.now;
        self.people[who].session.handle_lost(now, "cut");
        self.turn();
    }

    /// One turn of everybody's loop.
    pub fn step(&mut self) {
        for who in 0..self.people.len() {
            self.connect(who);
            let most = self.most();
            self.carry_up(who, most);
        }
        self.turn();
        for who in 0..self.people.len() {
            let most = self.most();
            if !self.people[who].sleeps {
                self.carry_down(who, most);
            }
            self.note(who);
        }
    }

    fn most(&mut self) -> usize {
        if self.is_choppy { [1, 7, 60, 4096][self.random.below(4)] } else { usize::MAX }
    }

    /// The connection that the session wants, if it does not have it.
    fn connect(&mut self, who: usize) {
        let person = &mut self.people[who];
        let wanted = person.session.connection();
        if person.wire.map(|(_, number)| number) == wanted {
            return;
        }
        let now = self.now;
        if let Some((key, _)) = person.wire.take()
            && let Some(wire) = self.network.wires.get_mut(&key)
        {
            wire.ends = true;
        }
        let Some(number) = wanted else { return };
        let Some(core) = self.core.as_mut().filter(|core| core.is_accepting() && !person.is_cut_off) else {
            return person.session.handle_lost(now, "refused");
        };
        let listener = if person.session.url().scheme() == Scheme::Tcp { LINES } else { HTTP };
        let Ok(key) = core.handle_accepted(now, listener, Peer::V4(Ipv4Addr::LOCALHOST, 1)) else {
            return person.session.handle_lost(now, "turned away");
        };
        self.network.connect(key, 1 << 20);
        person.wire = Some((key, number));
        person.session.handle_connected(now);
    }

    fn carry_up(&mut self, who: usize, most: usize) {
        let person = &mut self.people[who];
        let Some((key, _)) = person.wire else { return };
        let unwritten = person.session.unwritten();
        let len = unwritten.len().min(most);
        if let Some(wire) = self.network.wires.get_mut(&key).filter(|_| !person.is_black_hole) {
            wire.send(&unwritten[..len]);
        }
        person.session.note_written(len);
    }

    fn carry_down(&mut self, who: usize, most: usize) {
        let person = &mut self.people[who];
        let Some((key, _)) = person.wire else { return };
        let Some(wire) = self.network.wires.get_mut(&key) else { return };
        let mut bytes = wire.take(most);
        if person.is_black_hole {
            return;
        }
        if !bytes.is_empty() {
            person.session.handle_bytes(self.now, &mut bytes);
        } else if wire.has_fin {
            person.session.handle_lost(self.now, "the end of the stream");
            person.wire = None;
            wire.ends = true;
        }
    }

    fn turn(&mut self) {
        let now = self.now;
        for person in &mut self.people {
            person.session.handle_timers(now);
        }
        let Some(core) = &mut self.core else { return };
        for (key, wire) in self.network.turn(now, core, || usize::MAX) {
            let holder = self.people.iter_mut().find(|person| person.wire.is_some_and(|(its, _)| its == key));
            let Some(person) = holder else { continue };
            // What the kernel has taken still arrives.
            let mut bytes = wire.in_flight;
            if !person.is_black_hole {
                person.session.handle_bytes(now, &mut bytes);
                person.session.handle_lost(now, "closed");
                person.wire = None;
            }
        }
    }

    fn note(&mut self, who: usize) {
        let person = &mut self.people[who];
        while let Some(event) = person.session.poll_event() {
            person.told.push(event);
        }
    }

    /// Time passes, with a step at every moment at which anybody wants one.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now + Millis(ms);
        for _ in 0..TURNS_MAX {
            self.settle();
            let next = self.next_deadline();
            if next >= until {
                self.now = until;
                return self.settle();
            }
            self.now = self.now.max(next).max(self.now + Millis(1));
        }
        panic!("time does not pass");
    }

    fn next_deadline(&self) -> Millis {
        let core = self.core.as_ref().map_or(Millis::NEVER, Core::next_deadline);
        self.people.iter().map(|person| person.session.next_deadline()).fold(core, Millis::min)
    }

    /// Steps until nothing happens that needs no time.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..TURNS_MAX {
            self.step();
            let is_busy = self.core.as_ref().is_some_and(Core::has_work)
                || self.people.iter_mut().any(|person| {
                    let in_flight = person.wire.and_then(|(key, _)| self.network.wires.get(&key));
                    let wants = person.session.connection() != person.wire.map(|(_, number)| number);
                    wants
                        || (person.wire.is_some() && !person.session.unwritten().is_empty())
                        || (!person.sleeps && in_flight.is_some_and(|wire| !wire.in_flight.is_empty()))
                });
            quiet = if is_busy { 0 } else { quiet + 1 };
            if quiet == 3 {
                return;
            }
        }
        panic!("it does not come to rest");
    }
}

impl Person {
    /// The messages of others in a room, and one's own at their places, as `name: text`. What is missing is told in
    /// brackets. Each life of the room is held to be contiguous.
    pub fn heard(&self, room: &str) -> Vec<String> {
        let (mut lines, mut next) = (Vec::new(), None::<u64>);
        let reach = |seq: u64, next: &mut Option<u64>| {
            assert!(next.is_none_or(|next| next == seq), "{seq} comes where {next:?} is expected");
            *next = Some(seq + 1);
        };
        for event in &self.told {
            match event {
                News::Joined { room: its, resumption, replay: (from, _), .. } if its == room => {
                    match resumption {
                        Resumption::Resumed => {}
                        Resumption::First => next = Some(*from),
                        Resumption::Anew => {
                            lines.push("(anew)".to_owned());
                            next = Some(*from);
                        }
                        Resumption::Trimmed { from, to } => {
                            lines.push(format!("({from} to {to})"));
                            next = Some(to + 1);
                        }
                    }
                }
                News::Message(Told { room: its, seq, name, data, .. }) if its == room => {
                    reach(*seq, &mut next);
                    let text: String = serde_json::from_str(data).expect("it was text");
                    lines.push(format!("{name}: {text}"));
                }
                // A repeat's place is behind.
                News::Published { room: its, seq, .. }
                    if its == room && next.is_none_or(|next| *seq >= next) =>
                {
                    reach(*seq, &mut next);
                    lines.push("(own)".to_owned());
                }
                News::Gap { room: its, from, to } if its == room => {
                    lines.push(format!("({from} to {to})"));
                    next = Some(to + 1);
                }
                _ => {}
            }
        }
        lines
    }

    /// How often each of one's own messages has found its place.
    pub fn settled(&self) -> Vec<PublishId> {
        let id = |event: &News| match event {
            News::Published { id, .. } | News::Message(Told { own: Some(id), .. }) => Some(*id),
            _ => None,
        };
        self.told.iter().filter_map(id).collect()
    }

    pub fn take(&mut self) -> Vec<News> {
        std::mem::take(&mut self.told)
    }
}
