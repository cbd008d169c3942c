//! Nineteen thousand members at once, come and gone ten times over, in the descriptors that a process has by default.
//!
//! It stands alone, as its own program: it wants nearly all descriptors of a process for itself, and what it measures is
//! not to be disturbed by other tests.
#![cfg(target_os = "linux")]

#[path = "e2e/harness/mod.rs"]
#[allow(dead_code, reason = "shared with tests/e2e, which needs other parts of it")]
mod harness;

use harness::{Daemon, Heard, Line, Member, Process, Socket, WebSocket};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

const CONNECTIONS: usize = 19_000;
const ROUNDS: usize = 10;
/// How many stand in the listener's queue at most while they are dialled.
const BATCH: usize = 500;
/// From each of so many addresses of this host, so that none runs out of ports.
const ADDRESSES: usize = 8;
/// The smallest thing that the allocator gives out. Were one of them lost with each connection, memory would grow by 5.5 MB
/// from the first round to the last; less than that is no leak. It does grow by up to 4: once a second those who have
/// just come are told how many are there, each by a buffer of its own, and how many are told at once, and so how far the
/// heap ever reached, is a matter of the clock.
const ALLOCATION_BYTES_MIN: usize = 32;
const GROWTH_BYTES_MAX: usize = ALLOCATION_BYTES_MIN * CONNECTIONS * (ROUNDS - 1);

#[test]
fn nineteen_thousand_members_come_and_go_ten_times_and_leave_nothing_behind() {
    rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be asked for");
    let descriptors_max = Process::own().descriptors_max();
    assert!(descriptors_max > CONNECTIONS + 100, "this test wants 19,100 descriptors: raise `ulimit -Hn`");

    let daemon = Daemon::start(&["--log", "info"]);
    let process = Process(daemon.pid());
    // A program: it is told with each notice how many are there.
    let mut observer = Line::connect(&daemon);
    observer.say(r#"{"type":"join","room":"lobby"}"#);
    observer.hear_first("to be in", |line| line.starts_with(r#"{"type":"joined""#));
    let descriptors = process.descriptors();
    let mut resident_bytes = Vec::new();

    for round in 1..=ROUNDS {
        let began = Instant::now();
        let mut members = come(&daemon);
        assert_eq!(process.descriptors(), descriptors + CONNECTIONS);
        let dialled = began.elapsed();

        // One speaks, all hear it.
        members[0].say(&format!("round {round}"));
        for member in &mut members[1..] {
            assert!(member.hear_said().ends_with(&format!("] round {round}")));
        }
        let heard = began.elapsed();
        let peak_bytes = process.resident_bytes();

        go(members);
        let is_alone =
            |line: &str| line.starts_with(r#"{"type":"presence""#) && line.ends_with(r#","members":1}"#);
        observer.hear_first("all to be gone", is_alone);
        // What is told in a turn is sent before the sockets are closed that have ended in it. Now that turn is over.
        observer.say(r#"{"type":"members","room":"lobby"}"#);
        let members = observer.hear_first("who is there", |line| line.starts_with(r#"{"type":"members""#));
        assert!(members.contains(r#""count":1,"names":["guest-"#), "{members}");
        assert_eq!(process.descriptors(), descriptors, "all descriptors are given back");
        resident_bytes.push(process.resident_bytes());
        println!(
            "round {round}: dialled after {dialled:.1?}, heard after {heard:.1?}, gone after {:.1?}; {} KiB, at most {} KiB",
            began.elapsed(),
            process.resident_bytes() / 1024,
            peak_bytes / 1024,
        );
    }
    let (first, later) = resident_bytes.split_first().expect("there were rounds");
    let most = later.iter().max().expect("there were more than one");
    assert!(*most < first + GROWTH_BYTES_MAX, "it grows: {resident_bytes:?}");
}

/// Everybody comes, is upgraded, and is welcomed to the lobby.
fn come(daemon: &Daemon) -> Vec<WebSocket> {
    let request = harness::websocket::request("/ws", &[]);
    let mut members = Vec::with_capacity(CONNECTIONS);
    while members.len() < CONNECTIONS {
        let len = BATCH.min(CONNECTIONS - members.len());
        let dial = |n| {
            let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + ((members.len() + n) % ADDRESSES) as u8));
            let mut socket = Socket::connect_from(from, daemon.http());
            // Whichever side closes first, no TIME_WAIT is left: half a million of them would be left otherwise.
            socket.reset_when_dropped();
            socket.send(&request);
            socket
        };
        let sockets: Vec<Socket> = (0..len).map(dial).collect();
        members.extend(sockets.into_iter().map(|socket| {
            let mut member = WebSocket::accepted(socket);
            member.welcomed();
            member
        }));
    }
    members
}

/// Half of them close as one should, the others break off.
fn go(mut members: Vec<WebSocket>) {
    let mut closing: Vec<WebSocket> = members.drain(..CONNECTIONS / 2).collect();
    for batch in closing.chunks_mut(BATCH) {
        batch.iter_mut().for_each(|member| member.send_close(1000));
        for member in batch {
            while !matches!(member.next(), Heard::Close(Some(1000))) {}
            assert_eq!(member.next(), Heard::End);
        }
    }
}
