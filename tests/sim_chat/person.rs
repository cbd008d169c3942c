//! Somebody with a name and a memory, who has a connection now and then, and comes back when it is lost: under the same
//! name, from where it was in each room, and with what it does not know to have been taken.

use super::expected::Dialect;
use super::peer::{Peer, Way};
use super::seeds::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const ROOMS: [&str; 4] = ["lobby", "a", "b", "c"];

/// A message that may or may not have been taken.
#[derive(Clone)]
struct Unacked {
    room: String,
    key: String,
    data: Value,
}

pub struct Person {
    /// What it would like to be called.
    wish: String,
    dialect: Dialect,
    /// By its connection's key, if it has one.
    pub peer: Option<usize>,
    /// As it was told last.
    name: Option<String>,
    secret: Option<String>,
    /// Where it is, or was, in each room.
    positions: BTreeMap<String, (String, u64)>,
    unacked: Vec<Unacked>,
    /// What its requests on this connection were about: the key of each publish.
    asked: BTreeMap<u64, String>,
    ids: u64,
    keys: u64,
}

impl Person {
    pub fn new(number: usize, dialect: Dialect) -> Person {
        Person {
            wish: format!("u{number}"),
            dialect,
            peer: None,
            name: None,
            secret: None,
            positions: BTreeMap::new(),
            unacked: Vec::new(),
            asked: BTreeMap::new(),
            ids: 0,
            keys: 0,
        }
    }

    /// Comes, or comes back, over a socket of this key.
    pub fn connect(&mut self, key: usize, way: Way, random: &mut Random) -> Peer {
        self.peer = Some(key);
        self.asked.clear();
        let mut peer = match way {
            Way::Line | Way::Http => Peer::by_line(key),
            Way::WebSocket => {
                let fields = match self.dialect {
                    Dialect::Json => "Sec-WebSocket-Protocol: chinwag.v1.json\r\n",
                    Dialect::Text => "",
                };
                let mut target = "/ws".to_owned();
                let room = ROOMS[random.below(ROOMS.len())];
                match random.below(6) {
                    0 => target += &format!("?room={room}"),
                    1 => target += &format!("?name={}", self.wish),
                    2 => target += &format!("?name={}&room={room}", self.wish),
                    _ => {}
                }
                Peer::by_web_socket(key, &target, fields)
            }
        };
        match self.dialect {
            Dialect::Json => self.come_back(&mut peer, random),
            Dialect::Text if random.one_in(2) => peer.say("/seq on"),
            Dialect::Text => {}
        }
        peer
    }

    /// Says who it is, goes where it was, and repeats what it does not know to have been taken.
    fn come_back(&mut self, peer: &mut Peer, random: &mut Random) {
        let name = self.name.clone().filter(|_| random.below(4) > 0).unwrap_or_else(|| self.wish.clone());
        match random.below(6) {
            0 => {}
            1 => self.ask(peer, json!({"type": "hello"})),
            _ => {
                let mut hello = json!({"type": "hello", "name": name, "echo": random.one_in(4)});
                if let Some(secret) = self.secret.as_ref().filter(|_| random.below(5) > 0) {
                    hello["secret"] = json!(secret);
                }
                self.ask(peer, hello);
            }
        }
        let rooms: Vec<String> = self.positions.keys().cloned().collect();
        for room in rooms {
            if random.below(4) > 0 {
                self.join(peer, &room, random);
            }
        }
        for unacked in self.unacked.clone() {
            if random.below(4) > 0 {
                self.publish(peer, unacked);
            }
        }
    }

    fn ask(&mut self, peer: &mut Peer, mut request: Value) {
        self.ids += 1;
        request["id"] = json!(self.ids);
        peer.say(&request.to_string());
    }

    fn publish(&mut self, peer: &mut Peer, Unacked { room, key, data }: Unacked) {
        self.asked.insert(self.ids + 1, key.clone());
        self.ask(peer, json!({"type": "publish", "room": room, "key": key, "data": data}));
    }

    fn join(&mut self, peer: &mut Peer, room: &str, random: &mut Random) {
        let mut join = json!({"type": "join", "room": room});
        if let Some((epoch, seq)) = self.positions.get(room) {
            match random.below(10) {
                0 => join["since"] = json!({"epoch": "other", "seq": seq}),
                1 => join["since"] = json!({"epoch": epoch, "seq": seq + 1 + random.below(3) as u64}),
                2 => join["since"] = json!({"epoch": epoch, "seq": seq / 2}),
                3 => {}
                _ => join["since"] = json!({"epoch": epoch, "seq": seq}),
            }
        }
        if random.one_in(3) {
            join["history"] = json!([random.below(15), random.below(15), 1000][random.below(3)]);
        }
        self.ask(peer, join);
    }

    /// Thinks of something to do.
    pub fn think(&mut self, peer: &mut Peer, random: &mut Random) {
        match self.dialect {
            Dialect::Json => self.think_json(peer, random),
            Dialect::Text => self.think_text(peer, random),
        }
    }

    fn think_json(&mut self, peer: &mut Peer, random: &mut Random) {
        let room = ROOMS[random.below(ROOMS.len())];
        match random.below(60) {
            0 => peer.close(),
            1 => peer.ends = true,
            2..8 => self.join(peer, room, random),
            8..10 => self.leave(peer, room),
            10..12 => {
                let mut history = json!({"type": "history", "room": room, "limit": random.below(8)});
                match random.below(4) {
                    0 => history["before"] = json!(random.below(40)),
                    1 => history["after"] = json!(random.below(40)),
                    2 => history["limit"] = Value::Null,
                    _ => {}
                }
                self.ask(peer, history);
            }
            12..14 => self.ask(peer, json!({"type": "members", "room": room})),
            14 => self.ask(peer, json!({"type": "rooms"})),
            15 => self.ask(peer, json!({"type": "rename", "name": self.other_name(random)})),
            16..20 => {
                let data = words(random);
                self.ask(
                    peer,
                    json!({"type": "direct", "to": format!("u{}", random.below(8)), "data": data}),
                );
            }
            20 => self.ask(peer, json!({"type": "ping"})),
            21 => peer.say("{\"type\":\"dance\",\"id\":1}"),
            22 => peer.mumble(),
            23 => self.ask(peer, json!({"type": "hello", "name": self.wish})),
            24 => self.ask(peer, json!({"type": "publish", "room": room, "data": "x".repeat(1200)})),
            25..28 => {
                if let Some(unacked) = self.unacked.last().cloned() {
                    self.publish(peer, unacked);
                }
            }
            28 => {
                if let Some(mut unacked) = self.unacked.last().cloned() {
                    unacked.data = json!("something else");
                    self.publish(peer, unacked);
                }
            }
            29 if random.one_in(4) => self.flood(peer, room),
            30 => self.ask(peer, json!({"type": "publish", "room": room, "data": {"a": [1, null, "x"]}})),
            _ => {
                let room = self.positions.keys().nth(random.below(3)).map_or(room, |room| room).to_owned();
                self.keys += 1;
                let unacked = Unacked { room, key: format!("k{}", self.keys), data: json!(words(random)) };
                self.unacked.push(unacked.clone());
                if self.unacked.len() > 5 {
                    self.unacked.remove(0);
                }
                self.publish(peer, unacked);
            }
        }
    }

    fn think_text(&mut self, peer: &mut Peer, random: &mut Random) {
        let room = ROOMS[random.below(ROOMS.len())];
        match random.below(60) {
            0 => peer.say("/quit"),
            1 => peer.close(),
            2 => peer.ends = true,
            3..7 => peer.say(&format!("/join {room}")),
            7..9 => peer.say(&format!("/join {room} {}", random.below(9))),
            9 => peer.say(&format!("/name {}", self.other_name(random))),
            10..12 => peer.say("/who"),
            12 => peer.say("/rooms"),
            13..15 => peer.say(&format!("/history {}", random.below(8))),
            15 => peer.say("/ping"),
            16 => peer.say(if random.one_in(3) { "/seq off" } else { "/seq on" }),
            17 => peer.say(if random.one_in(3) { "/echo on" } else { "/echo off" }),
            18 => peer.say("/dance"),
            19 => peer.mumble(),
            20..24 => peer.say(&format!("/msg u{} {}", random.below(8), words(random))),
            24..27 => match self.positions.values().nth(random.below(4)) {
                Some((epoch, seq)) => {
                    let seq = [*seq, seq / 2, seq + 2][random.below(3)];
                    peer.say(&format!("/resume {epoch}:{seq}"));
                }
                None => peer.say("/resume k3f9:1"),
            },
            27 => peer.say(&"x".repeat(1200)),
            28 if random.one_in(4) => self.flood(peer, room),
            29 => peer.say("/help"),
            30 => peer.say(" "),
            _ => peer.say(&words(random)),
        }
    }

    /// Says more than one slice of a replay holds.
    pub fn flood(&mut self, peer: &mut Peer, room: &str) {
        for _ in 0..60 {
            match self.dialect {
                Dialect::Json => {
                    let data = "flood ".repeat(60);
                    self.ask(peer, json!({"type": "publish", "room": room, "data": data}));
                }
                Dialect::Text => peer.say("flood"),
            }
        }
    }

    /// Goes, in text into another room.
    pub fn leave(&mut self, peer: &mut Peer, room: &str) {
        match self.dialect {
            Dialect::Json => self.ask(peer, json!({"type": "leave", "room": room})),
            Dialect::Text if room == ROOMS[0] => peer.say(&format!("/join {}", ROOMS[1])),
            Dialect::Text => peer.say(&format!("/join {}", ROOMS[0])),
        }
    }

    fn other_name(&self, random: &mut Random) -> String {
        match random.below(3) {
            0 => self.wish.clone(),
            1 => format!("u{}", random.below(8)),
            _ => format!("v{}", random.below(4)),
        }
    }

    /// Learns from what it reads.
    pub fn read(&mut self, text: &str, object: Option<&Value>) {
        let Some(object) = object else { return self.read_line(text) };
        let room = object["room"].as_str().unwrap_or_default();
        let seq = object["seq"].as_u64();
        match object["type"].as_str().unwrap_or_default() {
            "welcome" => {
                self.name = object["name"].as_str().map(str::to_owned);
                self.secret = object["secret"].as_str().map(str::to_owned);
            }
            "joined" => {
                let epoch = object["epoch"].as_str().unwrap_or_default().to_owned();
                // What follows at once it does not have yet.
                let from = object["from"].as_u64().unwrap_or(1);
                self.positions.insert(room.to_owned(), (epoch, from - 1));
            }
            "message" | "ok" if seq.is_some() && !room.is_empty() => {
                let is_duplicate = object["duplicate"] == json!(true);
                if let (Some((_, at)), Some(seq), false) = (self.positions.get_mut(room), seq, is_duplicate) {
                    *at = seq;
                }
                let key = match object["id"].as_u64() {
                    Some(id) => self.asked.remove(&id),
                    None => object["key"]
                        .as_str()
                        .map(str::to_owned)
                        .filter(|_| object["name"].as_str() == self.name.as_deref()),
                };
                // Now and then it forgets that it knows, and repeats itself.
                self.unacked
                    .retain(|unacked| Some(&unacked.key) != key.as_ref() || self.keys.is_multiple_of(7));
            }
            "gap" => {
                if let (Some((_, at)), Some(to)) = (self.positions.get_mut(room), object["to"].as_u64()) {
                    *at = to;
                }
            }
            _ => {}
        }
    }

    fn read_line(&mut self, line: &str) {
        let at = line.split_once(" at ").map(|(_, at)| at.split(", ").next().unwrap_or(at));
        if let Some((epoch, seq)) = at.filter(|_| line.starts_with("* ")).and_then(|at| at.split_once(':'))
            && let Ok(seq) = seq.parse()
        {
            self.positions.insert(epoch.to_owned(), (epoch.to_owned(), seq));
        }
    }
}

/// Something to say.
fn words(random: &mut Random) -> String {
    match random.below(30) {
        0 => "-".repeat(900),
        n => "-".repeat(1 + random.below(1 << (n % 8))),
    }
}
