//! What a room costs, by how many are in it, and by how many rooms there are: joining, leaving and saying something.
//!
//! Twice: the hub alone, which is all that knows of rooms and names, and the whole server without sockets, from a
//! client's masked frame to the cursors of those who read. A member is drawn at random, leaves its room, joins it again
//! and says something. A second passes before the next one does, so each time the room is told of it.
//!
//! The lines of the server are what its handling of the bytes takes: reading them, the hub, the room's log, the answer.
//! What comes of it for the others is in the last line, for each of them.
//!
//! What grows, beside the depth of a tree, is the way to memory: between two messages to 19,000 members, all of theirs has
//! gone through the caches, and of 100,000 rooms the next to be drawn is in none. The last table shows that it is this:
//! as many rooms, and always the same member.

mod harness;
#[path = "../tests/support/offline.rs"]
#[allow(dead_code, reason = "shared with others, who have a service of their own")]
mod offline;

use chinwag::chat::{Chat, Effects, Hub, MemberId, Mode, Rate, Record, RoomId, Seed, Settings};
use chinwag::net::Handler;
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::server::Limits;
use chinwag::time::Millis;
use chinwag::wire::{Command, Data, Event, Goodbye, Message, RequestId, RoomName};
use harness::Harness;
use offline::Server;
use std::ops::Range;
use std::time::Instant;

const SAID: &str = "as much as people say in one line, more or less, of sixty-four b";
/// The median of so many is shown, of each the median visit.
const ROUNDS: usize = 9;
/// Long enough that nobody is asked whether it is still there.
const NEVER: Millis = Millis::from_secs(1_000_000_000);

/// Rooms of one size with members, each in one of them.
#[derive(Clone, Copy)]
struct Town {
    rooms: usize,
    members_each: usize,
}

impl Town {
    fn members(self) -> usize {
        self.rooms * self.members_each
    }

    fn room_of(self, member: usize) -> String {
        format!("room-{}", member % self.rooms)
    }
}

/// What one member does, and the others hear of. Each returns the nanoseconds that are to be counted.
trait World {
    fn leave(&mut self, member: usize) -> f64;
    fn join(&mut self, member: usize) -> f64;
    fn publish(&mut self, member: usize) -> f64;
    /// Delivers what was published; for each delivery. `None`: nothing is delivered here.
    fn deliver(&mut self) -> Option<f64>;
    fn pass_a_second(&mut self);
}

fn settings() -> Settings {
    let unlimited = Rate { per_second: 0, burst: 1 };
    // Also the large room is told each time: what that saves is no part of the price.
    Settings { publish: unlimited, command: unlimited, presence_per_second: 0, ..Settings::default() }
}

fn timed(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_nanos() as f64
}

/// The hub, whose effects nobody sees.
struct Alone {
    hub: Hub,
    effects: Unseen,
    now: Millis,
    town: Town,
}

#[derive(Default)]
struct Unseen {
    entries: u64,
}

impl Effects for Unseen {
    fn unix_ms(&self) -> u64 {
        0
    }

    fn tell(&mut self, _: MemberId, _: Option<RequestId>, _: &Event<'_>) {}
    fn answer(&mut self, _: MemberId, _: RoomId, _: Option<RequestId>, _: &Event<'_>) {}
    fn say(&mut self, _: RoomId, _: &Message<'_>, _: &[u8], _: &[MemberId]) -> u64 {
        self.entries += 1;
        self.entries
    }
    fn notify(&mut self, _: RoomId, _: &Event<'_>, _: &[MemberId]) {
        self.entries += 1;
    }
    fn follow(&mut self, _: MemberId, _: RoomId) {}
    fn unfollow(&mut self, _: MemberId, _: RoomId) {}
    fn recall(&mut self, _: MemberId, _: RoomId, _: &Record) {}
    fn replay(&mut self, _: MemberId, _: RoomId, _: Range<u64>) {}
    fn show_seq(&mut self, _: MemberId, _: bool) {}
    fn close(&mut self, _: MemberId, _: Goodbye) {
        unreachable!("nobody breaks a rule")
    }
}

impl Alone {
    fn new(town: Town) -> Alone {
        let now = Millis(0);
        let hub = Hub::new(settings(), Seed::new([1; 32]));
        let mut alone = Alone { hub, effects: Unseen::default(), now, town };
        for member in 0..town.members() {
            alone.hub.enter(MemberId(member as u32), Mode::Json);
            alone.join(member);
        }
        alone
    }

    fn handle(&mut self, member: usize, command: fn(RoomName<'_>) -> Command<'_>) -> f64 {
        let room = self.town.room_of(member);
        let command = command(RoomName::new(&room).expect("a sound name"));
        let (now, id) = (self.now, MemberId(member as u32));
        timed(|| self.hub.handle(now, id, None, command, &mut self.effects))
    }
}

impl World for Alone {
    fn leave(&mut self, member: usize) -> f64 {
        self.handle(member, |room| Command::Leave { room })
    }

    fn join(&mut self, member: usize) -> f64 {
        self.handle(member, |room| Command::Join { room, since: None, history: 0 })
    }

    fn publish(&mut self, member: usize) -> f64 {
        self.handle(member, |room| Command::Publish { room: Some(room), data: Data::Text(SAID), key: None })
    }

    fn deliver(&mut self) -> Option<f64> {
        None
    }

    fn pass_a_second(&mut self) {
        self.now = self.now + Millis(1000);
        self.hub.wake(self.now, &mut self.effects);
    }
}

/// The server with the chat in it, and everybody connected.
struct Whole {
    server: Server,
    /// By member.
    keys: Vec<usize>,
    town: Town,
    frame: Vec<u8>,
}

impl Whole {
    fn new(town: Town) -> Whole {
        let limits = Limits { ping_interval: NEVER, ..Limits::default() };
        let chat = Chat::new(settings(), Seed::new([1; 32]));
        let mut server = Server::with(limits, chat);
        let connect = |member| {
            let target = format!("/ws?room={}", town.room_of(member));
            server.connect_with(&target, "Sec-WebSocket-Protocol: chinwag.v1.json\r\n")
        };
        let keys = (0..town.members()).map(connect).collect();
        Whole { server, keys, town, frame: Vec::new() }
    }

    fn handle(&mut self, member: usize, kind: &str, more: &str) -> f64 {
        let room = self.town.room_of(member);
        let said = format!(r#"{{"type":"{kind}","id":1,"room":"{room}"{more}}}"#);
        self.frame.clear();
        encoder::frame(&mut self.frame, Opcode::Text, said.as_bytes(), Some([1, 2, 3, 4]));
        let Server { core, now, .. } = &mut self.server;
        timed(|| core.handle_bytes(*now, self.keys[member], &mut self.frame))
    }
}

impl World for Whole {
    fn leave(&mut self, member: usize) -> f64 {
        let ns = self.handle(member, "leave", "");
        self.server.settle();
        ns
    }

    fn join(&mut self, member: usize) -> f64 {
        let ns = self.handle(member, "join", "");
        self.server.settle();
        ns
    }

    fn publish(&mut self, member: usize) -> f64 {
        self.handle(member, "publish", &format!(r#","data":"{SAID}""#))
    }

    fn deliver(&mut self) -> Option<f64> {
        let before = self.server.sockets.writes;
        let ns = timed(|| self.server.settle());
        let writes = self.server.sockets.writes - before;
        assert_eq!(writes, self.town.members_each, "everybody is told, and the one who said it is answered");
        Some(ns / writes as f64)
    }

    fn pass_a_second(&mut self) {
        self.server.now = self.server.now + Millis(1000);
        self.server.settle();
    }
}

/// What is done, as the table calls it.
const DONE: [&str; 4] = ["leave", "join", "publish", "a delivery"];

/// Measures a world. What is not a number was not done.
fn measure(
    world: &mut impl World,
    draw: &mut dyn FnMut() -> usize,
    visits: usize,
    clock_ns: f64,
) -> [f64; DONE.len()] {
    // What came of everybody's coming is over.
    (0..3).for_each(|_| world.pass_a_second());
    let mut rounds: [Vec<f64>; DONE.len()] = Default::default();
    for _ in 0..ROUNDS {
        let mut round: [Vec<f64>; DONE.len()] = Default::default();
        for _ in 0..visits {
            let member = draw();
            let [leave, join, publish] = [world.leave(member), world.join(member), world.publish(member)];
            let delivery = world.deliver().unwrap_or(f64::NAN);
            // In a delivery, the clock's own share is nothing.
            let each = [leave - clock_ns, join - clock_ns, publish - clock_ns, delivery];
            round.iter_mut().zip(each).for_each(|(visits, ns)| visits.push(ns));
            world.pass_a_second();
        }
        // Not the mean: another program that has the core for a while is no part of it.
        rounds.iter_mut().zip(round).for_each(|(rounds, visits)| rounds.push(median(visits)));
    }
    rounds.map(median)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Members as if by chance: all are as likely.
fn by_chance(town: Town) -> impl FnMut() -> usize {
    let mut random = 1_u64;
    move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % town.members()
    }
}

/// Always the same.
fn the_first(_: Town) -> impl FnMut() -> usize {
    || 0
}

fn table<D: FnMut() -> usize>(
    harness: &Harness,
    heading: &str,
    columns: &[(usize, Town)],
    who: impl Fn(Town) -> D,
) {
    // What it takes to look at the clock, twice.
    let clock_ns = median((0..1001).map(|_| timed(|| ())).collect());
    let mut rows: [[Vec<f64>; DONE.len()]; 2] = Default::default();
    for &(_, town) in columns {
        // The large rooms cost many deliveries for each visit, and the many rooms want many visits.
        let visits = if harness.measures() { (20_000 / town.members_each).clamp(20, 2000) } else { 2 };
        let alone = measure(&mut Alone::new(town), &mut who(town), visits, clock_ns);
        let whole = measure(&mut Whole::new(town), &mut who(town), visits, clock_ns);
        for (rows, measured) in rows.iter_mut().zip([alone, whole]) {
            rows.iter_mut().zip(measured).for_each(|(row, ns)| row.push(ns));
        }
    }
    if !harness.measures() {
        return;
    }
    print!("{heading:22}");
    columns.iter().for_each(|(count, _)| print!("{count:>16}"));
    println!();
    for (who, rows) in ["hub", "server"].into_iter().zip(rows) {
        for (done, row) in DONE.into_iter().zip(rows).filter(|(_, row)| row[0].is_finite()) {
            print!("{:22}", format!("{who}: {done}"));
            row.iter().for_each(|ns| print!("{ns:7.0} ns {:4.1} x", ns / row[0]));
            println!();
        }
    }
    println!();
}

fn main() {
    let harness = Harness::from_args();
    let (sizes, counts): (&[usize], &[usize]) = match harness.measures() {
        true => (&[10, 100, 1000, 10_000, 19_000], &[1, 10, 1000, 100_000]),
        false => (&[2, 10], &[1, 10]),
    };
    let sized = |&size: &usize| (size, Town { rooms: 1, members_each: size });
    let counted = |&count: &usize| (count, Town { rooms: count, members_each: 2 });
    let sizes: Vec<_> = sizes.iter().map(sized).collect();
    let counts: Vec<_> = counts.iter().map(counted).collect();
    table(&harness, "members in the room", &sizes, by_chance);
    table(&harness, "rooms, of two each", &counts, by_chance);
    table(&harness, "rooms, and one in use", &counts, the_first);
}
