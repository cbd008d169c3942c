//! A large room, counted: how many writes, copies and allocations it takes to say something to a thousand people, and how
//! many notices when ten thousand come at once. The server's core with the chat in it, without sockets.

#[path = "support/heap.rs"]
mod heap;
#[path = "support/offline.rs"]
#[allow(dead_code, reason = "shared with others, who have a service of their own")]
mod offline;

use chinwag::chat::{Chat, Rate, Seed, Settings};
use chinwag::net::{Handler, Sockets, UdpId};
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::time::Millis;
use offline::Server;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

fn server() -> Server {
    let unlimited = Rate { per_second: 0, burst: 1 };
    let settings = Settings { publish: unlimited, command: unlimited, ..Settings::default() };
    Server::new(Chat::new(settings, Seed::new([1; 32])))
}

/// The ways into a room: how somebody comes, and how it says something there.
const WAYS: [Way; 4] = [
    Way { connect: |server| server.connect_with("/ws?room=den", JSON), says: frame_of_json },
    Way { connect: |server| server.connect("/ws?room=den"), says: |n| frame(&words(n)) },
    Way {
        connect: |server| server.connect_line("{\"type\":\"join\",\"room\":\"den\"}\n"),
        says: |n| format!("{}\n", json(n)).into_bytes(),
    },
    Way {
        connect: |server| server.connect_line("/join den\n"),
        says: |n| format!("{}\n", words(n)).into_bytes(),
    },
];

struct Way {
    connect: fn(&mut Server) -> usize,
    says: fn(usize) -> Vec<u8>,
}

const JSON: &str = "Sec-WebSocket-Protocol: chinwag.v1.json\r\n";

fn words(n: usize) -> String {
    format!("as much as people say in one line, more or less: {n:04}")
}

fn json(n: usize) -> String {
    format!(r#"{{"type":"publish","id":{n},"room":"den","data":"{}"}}"#, words(n))
}

fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::frame(&mut out, Opcode::Text, text.as_bytes(), Some([1, 2, 3, 4]));
    out
}

fn frame_of_json(n: usize) -> Vec<u8> {
    frame(&json(n))
}

/// Where in memory the bytes lay that somebody was sent: a log's are in two pieces at most.
type Places = [(usize, usize); 2];

/// What one member was sent since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sent {
    writes: usize,
    bytes: usize,
    places: Places,
}

impl Sent {
    fn note(&mut self, slices: &[IoSlice<'_>]) {
        self.writes += 1;
        for (place, slice) in self.places.iter_mut().zip(slices) {
            *place = (slice.as_ptr().addr(), slice.len());
        }
        self.bytes += slices.iter().map(|slice| slice.len()).sum::<usize>();
    }
}

/// Sockets that take everything, and show each write to somebody. They allocate nothing.
struct Shown<F>(F);

impl<F: FnMut(usize, &[IoSlice<'_>])> Sockets for Shown<F> {
    fn write(&mut self, key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (self.0)(key, slices);
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn shutdown_write(&mut self, _: usize) {}

    fn resume(&mut self, _: usize) {}

    fn close(&mut self, _: usize) {}

    fn send_to(&mut self, _: UdpId, _: SocketAddr, _: &[u8]) -> io::Result<()> {
        unreachable!("the server has no datagrams")
    }
}

/// How many of the members speak in a turn: as many of each way.
const SPEAKERS: usize = 12;

/// A room of so many, as many of each way, in which some speak in each of many turns. Returns how many allocations that
/// took, once all tables had their size.
fn allocations_in_a_room_of(members: usize) -> usize {
    const TURNS: usize = 40;
    let mut server = server();
    let keys: Vec<usize> = (0..members).map(|n| (WAYS[n % WAYS.len()].connect)(&mut server)).collect();
    server.now = server.now + Millis(5000);
    server.settle();
    let mut sent = vec![Sent::default(); members + 1];
    let mut allocations = 0;
    for turn in 0..2 * TURNS {
        let mut said: Vec<Vec<u8>> =
            (0..SPEAKERS).map(|n| (WAYS[n % WAYS.len()].says)(turn * SPEAKERS + n)).collect();
        let mut witness = Shown(|key: usize, slices: &[IoSlice<'_>]| sent[key].note(slices));
        let before = heap::allocations();
        for (&key, said) in keys.iter().zip(&mut said) {
            server.core.handle_bytes(server.now, key, said);
        }
        server.turn_with(&mut witness);
        while server.core.has_work() {
            server.turn_with(&mut witness);
        }
        // The first half was for the tables, and for what a room remembers.
        allocations += if turn < TURNS { 0 } else { heap::allocations() - before };

        // What the first of each way was sent who has said nothing.
        let first: Vec<Sent> = (0..WAYS.len()).map(|way| sent[keys[SPEAKERS + way]]).collect();
        for (n, &key) in keys.iter().enumerate() {
            let sent = std::mem::take(&mut sent[key]);
            assert_eq!(sent.writes, 1, "member {n} of {members}: {SPEAKERS} messages, one write");
            if n >= SPEAKERS {
                assert_eq!(sent, first[n % WAYS.len()], "member {n}: the same bytes, from the same place");
                assert!(sent.bytes > SPEAKERS * words(0).len(), "member {n}: all of them");
            }
        }
    }
    allocations / TURNS
}

#[test]
fn a_thousand_are_told_in_one_write_each_and_nothing_is_copied_or_allocated_for_any_of_them() {
    let [some, all] = [100, 1000].map(allocations_in_a_room_of);
    println!("{SPEAKERS} messages in a turn: {some} allocations in a room of 100, {all} in one of 1,000");
    assert_eq!(some, all, "allocations do not depend on how many are in the room");
    // Each message is remembered, and each of the four logs has its memory and gives it back.
    assert!(all <= 6 * SPEAKERS, "{all} allocations for {SPEAKERS} messages");
}

#[test]
fn ten_thousand_who_enter_within_three_seconds_hear_a_handful_of_notices_each() {
    const MEMBERS: usize = 10_000;
    /// One at once for those who were there first, and one when they have come and the budget has paid for it.
    const NOTICES_MAX: usize = 3;
    let (mut server, mut heard) = (server(), vec![Vec::new(); MEMBERS + 1]);
    let mut ears = Shown(|key: usize, slices: &[IoSlice<'_>]| {
        slices.iter().for_each(|slice| heard[key].extend_from_slice(slice));
    });
    let comes = ["/ping\n", "{\"type\":\"join\",\"room\":\"lobby\"}\n"];
    let mut keys = Vec::new();
    for n in 0..MEMBERS {
        server.now = Millis(n as u64 * 3 / 10);
        keys.push(server.accept_line());
        server.core.handle_bytes(server.now, keys[n], &mut comes[n % 2].as_bytes().to_vec());
        server.turn_with(&mut ears);
    }
    for at in (3000..9000).step_by(10) {
        server.now = Millis(at);
        server.turn_with(&mut ears);
        while server.core.has_work() {
            server.turn_with(&mut ears);
        }
    }
    let mut most = 0;
    for (n, &key) in keys.iter().enumerate() {
        let heard = str::from_utf8(&heard[key]).expect("lines are UTF-8");
        // Welcome, the answer to the join, and whoever typed has the answer to its ping.
        let answers = if n % 2 == 0 { 3 } else { 2 };
        let notices: Vec<&str> = heard.lines().skip(answers).collect();
        let is_notice = |line: &&str| match n % 2 {
            0 => line.starts_with("* ") && line.ends_with(" here"),
            _ => line.starts_with(r#"{"type":"presence","#),
        };
        // The first to come is told of the second by name.
        assert!(notices.iter().skip(usize::from(n < 2)).all(is_notice), "member {n}: {notices:?}");
        let counts_all = notices.last().is_some_and(|line| line.contains(&MEMBERS.to_string()));
        assert!(counts_all, "member {n} knows in the end how many are there: {notices:?}");
        assert!((1..=NOTICES_MAX).contains(&notices.len()), "member {n}: {notices:?}");
        most = most.max(notices.len());
    }
    println!("{most} notices at most for each of {MEMBERS}");
}

/// How many members are told in a minute in which `change` is called every 250 ms, in a room of 18,000.
fn told_in_a_minute(mut change: impl FnMut(&mut Server, usize)) -> usize {
    const MEMBERS: usize = 18_000;
    /// An unsolicited Pong (RFC 6455, 5.5.3): the members stay, and need not be pinged.
    const PONG: [u8; 6] = [0x8a, 0x80, 1, 2, 3, 4];
    let mut server = server();
    let keys: Vec<usize> = (0..MEMBERS).map(|_| server.connect("/ws?room=den")).collect();
    server.now = server.now + Millis::from_secs(60);
    server.settle();
    let start = server.now;
    let told = |server: &Server| {
        let mut told = None;
        server.core.stats(&mut |name, value| told = told.or((name == "chat_presence_told").then_some(value)));
        told.expect("it is counted") as usize
    };
    let (before, mut writes) = (told(&server), 0);
    for n in 0..240 {
        server.now = start + Millis(n as u64 * 250);
        if n % 40 == 0 {
            keys.iter().for_each(|&key| server.core.handle_bytes(server.now, key, &mut PONG.clone()));
        }
        change(&mut server, n);
        let mut witness = Shown(|key: usize, _: &[IoSlice<'_>]| writes += usize::from(key < MEMBERS));
        server.turn_with(&mut witness);
        while server.core.has_work() {
            server.turn_with(&mut witness);
        }
    }
    let told = told(&server) - before;
    println!("{told} members of {MEMBERS} told in a minute, by {writes} writes");
    assert!(writes <= told, "{writes} writes for {told} notices");
    told
}

#[test]
fn a_guest_who_comes_and_goes_twice_a_second_costs_a_large_room_a_fourth_of_the_budget_at_most() {
    let mut key = 0;
    let told = told_in_a_minute(|server, n| match n % 2 {
        0 => key = server.connect("/ws?room=den"),
        _ => server.core.handle_reset(server.now, key, io::ErrorKind::ConnectionReset.into()),
    });
    // Once in 13.4 s at the most, and not where it is gone again when the room may be told.
    assert!((18_000..=5 * 18_001).contains(&told), "{told} members told in a minute");
}

#[test]
fn a_thousand_who_enter_a_large_room_cost_it_no_more_than_one_who_comes_and_goes() {
    let told = told_in_a_minute(|server, n| {
        for _ in 0..if n < 200 { 5 } else { 0 } {
            server.connect("/ws?room=den");
        }
    });
    assert!((2 * 18_000..=5 * 19_000).contains(&told), "{told} members told in a minute");
}
