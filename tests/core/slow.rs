//! A large room with somebody in it who never reads, and somebody who reads a kilobyte a second: who else notices? The
//! same minute is lived twice, once with these two and once with two who read like everybody. Then the others must have
//! been told the same in the same turns.

use crate::server::{Peer, Server, UPGRADE, text};
use crate::support::{Heard, client_hears, masked};
use chinwag::chat::{Rate, Settings};
use chinwag::proto::ws::Opcode;
use chinwag::server::Limits;
use chinwag::time::Millis;

const MEMBERS: usize = 1000;
/// One who listens comes by each of these; JSON by lines is a program's way.
const WAYS: usize = 3;
/// For a minute, five times a second, 2 KB.
const MESSAGES: usize = 300;
const INTERVAL: Millis = Millis(200);
/// More turns than one message may take to be told to a thousand, of whom a flush visits some 600.
const TURNS: usize = 3;
/// What the kernel keeps for the two, and what one of them takes of it in a fifth of a second.
const SLOW_CAPACITY: usize = 16 * 1024;
const SIP: usize = 1024 / 5;

/// What became of a minute in a room.
struct Minute {
    /// In which turn behind its saying each of the others was told, by message and member.
    told_in: Vec<u8>,
    /// The most that the server used of the heap, above what it had used before.
    heap_bytes_most: usize,
    /// All that was sent to who reads little, until it had read everything.
    sipped: Vec<u8>,
    /// Whether who never reads has been closed.
    is_closed: bool,
}

fn said(n: usize) -> String {
    format!("{n} {}", "x".repeat(2000))
}

fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
}

/// Somebody comes over a WebSocket and into the room.
fn page(server: &mut Server) -> Peer {
    let peer = server.accept();
    server.hears(peer, UPGRADE.as_bytes());
    server.hears(peer, &text("/join den"));
    peer
}

fn live(is_slow: bool) -> Minute {
    let unlimited = Rate { per_second: 0, burst: 1 };
    let mut server = Server::chat(Settings { publish: unlimited, command: unlimited, ..Settings::default() });
    let speaker = page(&mut server);
    let [never, sips] = [page(&mut server), page(&mut server)];
    let listeners: Vec<Peer> = (3..MEMBERS)
        .map(|n| match n % WAYS {
            0 => page(&mut server),
            way => {
                let peer = server.accept_line();
                server.hears(peer, [&b"/join den\n"[..], b"{\"type\":\"join\",\"room\":\"den\"}\n"][way - 1]);
                peer
            }
        })
        .collect();
    // All have been told who is there, and have read it.
    server.at(server.now + Millis(5000));
    let everybody = [&[speaker, never, sips][..], &listeners].concat();
    everybody.iter().for_each(|&peer| drop(server.takes(peer, usize::MAX)));
    if is_slow {
        server.set_capacity(never, SLOW_CAPACITY);
        server.set_capacity(sips, SLOW_CAPACITY);
    }

    let mut minute = Minute {
        told_in: vec![0; MESSAGES * listeners.len()],
        heap_bytes_most: 0,
        sipped: Vec::with_capacity(1 << 20),
        is_closed: false,
    };
    let pages: Vec<Peer> = [never, sips].into_iter().chain(listeners.iter().copied().step_by(WAYS)).collect();
    let before = server.heap_bytes();
    for n in 0..MESSAGES {
        if n % 50 == 0 {
            // A sign of life in ten seconds, so that nobody need be asked for one.
            for &page in pages.iter().filter(|&&page| page != never || !is_slow) {
                server.sends(page, &masked(true, Opcode::Pong, b""));
            }
        }
        server.at(server.now + INTERVAL);
        // That one of them is given up is news too, and no message.
        listeners.iter().for_each(|&peer| drop(server.takes(peer, usize::MAX)));
        let told_in = &mut minute.told_in[n * listeners.len()..][..listeners.len()];
        server.sends(speaker, &text(&said(n)));
        let mut first: [Option<Vec<u8>>; WAYS] = Default::default();
        for turn in 1..=TURNS {
            server.turn();
            minute.heap_bytes_most = minute.heap_bytes_most.max(server.heap_bytes().saturating_sub(before));
            for (at, &peer) in listeners.iter().enumerate() {
                let heard = server.takes(peer, usize::MAX);
                if heard.is_empty() {
                    continue;
                }
                // Whole, once, and what the first to come that way was told.
                let first = first[at % WAYS].get_or_insert_with(|| heard.clone());
                assert!(
                    *first == heard,
                    "message {n}, member {at}: {} rather than {}",
                    shown(&heard),
                    shown(first)
                );
                assert_eq!(std::mem::replace(&mut told_in[at], turn as u8), 0, "member {at} is told once");
            }
        }
        for heard in first {
            let heard = String::from_utf8_lossy(&heard.expect("somebody listens that way")).into_owned();
            assert!(heard.contains(&said(n)), "message {n}: {heard}");
        }
        assert!(told_in.iter().all(|turn| *turn > 0), "everybody is told before the next is said");
        if is_slow {
            minute.sipped.extend(server.takes(sips, SIP));
        } else {
            drop(server.takes(never, usize::MAX));
            minute.sipped.extend(server.takes(sips, usize::MAX));
        }
    }
    minute.is_closed = server.is_closed(never);
    minute.sipped.extend(server.says(sips));
    minute
}

/// Reads a stream to its end. Returns how many messages were told, and how many it was told to have missed; there is no
/// other hole in it.
fn account(stream: &[u8]) -> (usize, usize) {
    let (mut told, mut missed) = (0, 0);
    for heard in client_hears(stream) {
        let Heard::Text(line) = heard else { panic!("{heard:?}") };
        if let Some(hole) = line.strip_prefix("* missed ") {
            let hole = hole.strip_suffix(" (slow)").expect("why");
            let (from, to) = hole.split_once(" to ").unwrap_or((hole, hole));
            let [from, to] = [from, to].map(|seq| seq.parse::<usize>().expect("a number"));
            assert_eq!(from, told + missed + 1, "a hole that was not told");
            missed += to + 1 - from;
        } else if line.starts_with('[') {
            let words = line.split_once("] ").map(|(_, words)| words);
            assert!(words == Some(&*said(told + missed)), "message {} is the next: {line}", told + missed);
            told += 1;
        } else {
            assert!(line.ends_with(" here"), "{line}");
        }
    }
    (told, missed)
}

#[test]
fn in_a_room_of_a_thousand_nobody_notices_who_reads_slowly_or_not_at_all() {
    let (slow, fast) = (live(true), live(false));
    assert!(slow.told_in == fast.told_in, "each message in the same turn, with them and without");
    assert!(slow.told_in.iter().all(|turn| *turn <= 2), "the turn in which it is said, or the next");

    assert_eq!(account(&fast.sipped), (MESSAGES, 0));
    let (told, missed) = account(&slow.sipped);
    assert_eq!(told + missed, MESSAGES, "told, or told to be missed");
    assert!(missed > 0 && told > 100, "{told} told, {missed} missed");
    assert!(slow.is_closed && !fast.is_closed, "who takes nothing for 35 s is gone");

    // What waits for the two is in the one log that they read, whose memory grows by doubling; and a slice of what one of
    // them missed, once as it was made and once in its outbox.
    let cap = 2 * Limits::default().write_queue_bytes_max + 2 * 64 * 1024;
    println!("{} bytes of heap at most with them, {} without", slow.heap_bytes_most, fast.heap_bytes_most);
    assert!(slow.heap_bytes_most <= fast.heap_bytes_most + cap, "{} bytes", slow.heap_bytes_most);
}
