//! What happens when nothing happens: every deadline to the millisecond, and to the tick of the wheel at the latest.

use crate::server::{BEGIN, Peer, Server, TICK, UPGRADE, close, closed, ping, text, told};
use crate::support::{Heard, client_hears, masked};
use chinwag::net::Handler;
use chinwag::proto::ws::Opcode;
use chinwag::server::{Limits, Shutdown};
use chinwag::time::Millis;

const PING: &[u8] = &[0x89, 0x00];
const AN_HOUR: Millis = Millis::from_secs(3600);

fn secs(secs: u64) -> Millis {
    Millis::from_secs(secs)
}

/// Something waits to be read by the peer.
fn has_said(peer: Peer) -> impl Fn(&Server) -> bool {
    move |server| server.waits_for(peer) > 0
}

fn has_fin(peer: Peer) -> impl Fn(&Server) -> bool {
    move |server| server.has_fin(peer)
}

fn is_closed(peer: Peer) -> impl Fn(&Server) -> bool {
    move |server| server.is_closed(peer)
}

/// The service has been told of its end.
fn is_given_up(peer: Peer) -> impl Fn(&Server) -> bool {
    move |server| server.notes(peer).last().is_some_and(|note| note.starts_with("closed "))
}

/// Half a request.
const HALF: &[u8] = b"GET /page HTTP/1.1\r\nHost: chat";

#[test]
fn the_first_byte_is_awaited_for_10_s() {
    let mut server = Server::new();
    let ann = server.accept();
    server.happens_at(BEGIN + secs(10), has_fin(ann));
    assert_eq!(server.says(ann), b"", "there is nothing to answer");
}

#[test]
fn the_first_byte_may_come_in_the_last_moment() {
    let mut server = Server::new();
    let ann = server.accept();
    server.at(BEGIN + Millis(9_999));
    server.hears(ann, UPGRADE.as_bytes());
    server.at(BEGIN + secs(20));
    assert!(!server.has_fin(ann));
}

#[test]
fn a_line_may_be_awaited_for_ever() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.at(AN_HOUR);
    assert!(!server.has_fin(ann) && server.waits_for(ann) == 0);
    server.hears(ann, b"still there?\n");
    assert_eq!(server.says(ann), b"still there?\n");
}

#[test]
fn a_request_that_is_not_whole_after_5_s_is_answered_with_408() {
    let body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    for begun in [&b"G"[..], HALF, body] {
        let mut server = Server::new();
        let ann = server.accept();
        server.at(BEGIN + secs(3));
        server.hears(ann, begun);
        server.happens_at(BEGIN + secs(8), has_fin(ann));
        let answer = server.says(ann);
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn a_request_that_drips_has_no_longer_than_one_that_stops() {
    let mut server = Server::new();
    let ann = server.accept();
    for (n, &byte) in HALF.iter().enumerate() {
        server.at(BEGIN + Millis(n as u64 * 160));
        server.hears(ann, &[byte]);
    }
    server.happens_at(BEGIN + secs(5), has_fin(ann));
}

#[test]
fn the_next_request_is_awaited_for_60_s_from_the_last_answer() {
    let mut server = Server::new();
    let ann = server.accept();
    for n in 0..3 {
        server.at(BEGIN + Millis(n * 59_999));
        server.hears(ann, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(server.says(ann).starts_with(b"HTTP/1.1 200 "));
    }
    server.happens_at(BEGIN + Millis(2 * 59_999) + secs(60), has_fin(ann));
    assert_eq!(server.says(ann), b"");
}

#[test]
fn the_next_request_has_5_s_of_its_own() {
    let mut server = Server::new();
    let ann = server.accept();
    server.hears(ann, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    server.says(ann);
    server.at(BEGIN + secs(30));
    server.hears(ann, HALF);
    server.happens_at(BEGIN + secs(35), has_fin(ann));
    assert!(server.says(ann).starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_request_that_came_in_pieces_and_was_answered_is_over() {
    let mut server = Server::new();
    let ann = server.accept();
    server.hears(ann, HALF);
    server.at(BEGIN + secs(1));
    server.hears(ann, b".example\r\n\r\n");
    assert!(server.says(ann).starts_with(b"HTTP/1.1 200 "));
    // The next one in pieces has 5 s again,
    server.at(BEGIN + secs(30));
    server.hears(ann, HALF);
    server.at(BEGIN + secs(34));
    server.hears(ann, b".example\r\n\r\n");
    assert!(server.says(ann).starts_with(b"HTTP/1.1 200 "));
    // and if none comes, there is nothing to answer.
    server.happens_at(BEGIN + secs(94), has_fin(ann));
    assert_eq!(server.says(ann), b"");
}

#[test]
fn each_deadline_may_be_sooner_than_the_one_before() {
    let limits = Limits {
        keep_alive_timeout: secs(2),
        ping_interval: secs(3),
        pong_timeout: secs(1),
        close_timeout: Millis(900),
        linger_timeout: Millis(200),
        ..Limits::default()
    };
    let mut server = Server::with(limits);
    let ann = server.accept();
    server.hears(ann, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    server.says(ann);
    server.happens_at(BEGIN + secs(2), has_fin(ann));
    server.happens_at(server.now + Millis(200), is_closed(ann));

    let now = server.now;
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.happens_at(now + secs(3), has_said(ann));
    server.says(ann);
    server.happens_at(server.now + secs(1), has_said(ann));
    assert_eq!(server.tells(ann), [closed(4109, "no pong")]);

    let now = server.now;
    let ann = server.upgrade();
    server.hears(ann, &text("close 4000"));
    server.happens_at(now + Millis(900), has_fin(ann));
    server.happens_at(server.now + Millis(200), is_closed(ann));
    assert!(server.is_closed(bob));
}

#[test]
fn a_silent_peer_is_pinged_after_25_s_and_given_up_after_10_more() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.happens_at(BEGIN + secs(25), has_said(ann));
    assert_eq!(server.says(ann), PING);
    server.happens_at(server.now + secs(10), has_fin(ann));
    assert_eq!(server.tells(ann), [closed(4109, "no pong")]);
    assert_eq!(server.notes(ann), ["open", "closed 4109 pong-timeout"]);
}

#[test]
fn every_byte_counts_as_life() {
    let whole = |opcode, payload: &[u8]| masked(true, opcode, payload);
    let ways = [
        (text("hi"), text("hi")),
        (ping(b""), ping(b"")),
        (whole(Opcode::Pong, b""), whole(Opcode::Pong, b"")),
        (masked(false, Opcode::Text, b"hi"), whole(Opcode::Continuation, b"!")),
        // Half a header is life too.
        (vec![0x81], vec![0x80]),
    ];
    for (first, second) in ways {
        let mut server = Server::new();
        let ann = server.upgrade();
        // It puts the Ping off,
        server.at(BEGIN + Millis(24_999));
        server.hears(ann, &first);
        server.says(ann);
        server.happens_at(BEGIN + Millis(49_999), has_said(ann));
        assert_eq!(server.says(ann), PING, "{first:?}");
        // and it answers one.
        let almost = server.now + Millis(9_999);
        server.at(almost);
        server.hears(ann, &second);
        server.says(ann);
        server.happens_at(almost + secs(25), has_said(ann));
        assert_eq!(server.says(ann), PING, "{second:?}");
        assert!(!server.has_fin(ann));
    }
}

#[test]
fn whoever_answers_pings_stays() {
    let mut server = Server::new();
    let ann = server.upgrade();
    for n in 1..=100 {
        server.at(BEGIN + Millis(n * 30_000));
        assert_eq!(server.says(ann), PING);
        server.hears(ann, &masked(true, Opcode::Pong, b""));
    }
    assert!(!server.has_fin(ann));
}

#[test]
fn the_answer_to_our_close_is_awaited_for_5_s_and_the_fin_for_2() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.at(BEGIN + secs(1));
    server.hears(ann, &text("close 4000"));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    // Whatever else she says.
    for n in 1..=4 {
        server.at(BEGIN + secs(1 + n));
        server.hears(ann, &[text("no"), ping(b"no")].concat());
        assert_eq!(server.tells(ann), [Heard::Pong(b"no".to_vec())]);
    }
    server.happens_at(BEGIN + secs(6), has_fin(ann));
    server.hears(ann, &[text("no"), ping(b"no")].concat());
    server.happens_at(server.now + secs(2), is_closed(ann));
    assert_eq!(server.says(ann), b"");
}

#[test]
fn behind_our_fin_the_peers_is_awaited_for_2_s() {
    for bytes in [&close(b"")[..], &[0xFF, 0xFF], b""] {
        let mut server = Server::new();
        let ann = if bytes.is_empty() { server.accept() } else { server.upgrade() };
        server.at(BEGIN + secs(1));
        server.hears(ann, if bytes.is_empty() { b"\x01\r\n\r\n" } else { bytes });
        assert!(server.has_fin(ann));
        server.happens_at(BEGIN + secs(3), is_closed(ann));
    }
}

#[test]
fn the_last_bytes_have_5_s_to_be_taken() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 2);
    server.at(BEGIN + secs(1));
    server.hears(ann, &[text("not taken"), close(b"")].concat());
    server.happens_at(BEGIN + secs(6), is_closed(ann));
}

#[test]
fn the_last_bytes_have_5_s_from_the_answer_to_our_close() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 2);
    server.hears(ann, &text("close 4000"));
    server.at(BEGIN + secs(3));
    server.hears(ann, &close(b""));
    server.happens_at(BEGIN + secs(8), is_closed(ann));
}

#[test]
fn a_kernel_that_speaks_of_room_and_has_none_is_no_proof_of_life() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text("not taken"));
    for n in 1..=3 {
        server.at(BEGIN + secs(10 * n));
        server.hears_of_room(ann);
    }
    server.happens_at(BEGIN + secs(35), is_given_up(ann));
}

#[test]
fn a_peer_that_takes_nothing_for_35_s_is_too_slow() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 9);
    server.at(BEGIN + secs(1));
    server.hears(ann, &text("begun, and not taken"));
    server.hears(ann, &text("not even begun"));
    server.happens_at(BEGIN + secs(36), is_given_up(ann));
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 4108 too-slow"));
    // What has begun is finished, and then she is told why.
    assert_eq!(server.tells(ann), [told("begun, and not taken"), closed(4108, "too slow")]);
    assert!(server.has_fin(ann));
}

#[test]
fn a_peer_that_is_too_slow_for_its_close_too_is_freed_5_s_later() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text("not taken"));
    server.happens_at(BEGIN + secs(35), is_given_up(ann));
    server.happens_at(server.now + secs(5), is_closed(ann));
}

#[test]
fn a_peer_that_takes_a_little_in_time_is_not_too_slow() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 10);
    server.hears(ann, &text(&"x".repeat(100)));
    let mut taken = Vec::new();
    for n in 1..=8 {
        server.at(BEGIN + Millis(n * 34_999));
        assert!(!is_given_up(ann)(&server), "after {n} times 34,999 ms");
        taken.extend(server.takes(ann, 10));
        server.settle();
    }
    // The 35 s are counted from the last bytes that she took.
    server.happens_at(server.now + secs(35), is_given_up(ann));
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 4108 too-slow"));
    taken.extend(server.says(ann));
    assert_eq!(client_hears(&taken), [told(&"x".repeat(100)), closed(4108, "too slow")]);
}

#[test]
fn a_peer_that_takes_too_little_for_the_kernel_to_speak_of_is_not_too_slow() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 100);
    server.hears(ann, &text(&"x".repeat(10_000)));
    for n in 1..=30 {
        server.at(BEGIN + Millis(n * 20_000));
        assert_eq!(server.takes(ann, 1).len(), 1);
        server.settle();
        assert!(!is_given_up(ann)(&server), "after {n} times 20 s");
    }
    // That she takes nothing any more is found out when nothing could be written for 35 s, twice at the most.
    let last_taken_at = server.now;
    server.at(last_taken_at + secs(70) + TICK + TICK);
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 4108 too-slow"));
}

#[test]
fn a_peer_that_cannot_be_written_to_is_not_pinged() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text("waits"));
    server.at(BEGIN + secs(34));
    assert_eq!(server.tells(ann), [told("waits")], "and no Ping behind what she does not take");
}

#[test]
fn a_slow_line_is_given_up_like_a_slow_websocket() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.set_capacity(ann, 2);
    server.hears(ann, b"begun\nnot begun\n");
    server.happens_at(BEGIN + secs(35), is_given_up(ann));
    assert_eq!(server.says(ann), b"begun\n", "a whole line, and nothing that follows");
}

#[test]
fn a_slow_reader_of_answers_is_given_up_like_a_slow_websocket() {
    let mut server = Server::new();
    let ann = server.accept();
    server.set_capacity(ann, 20);
    server.hears(ann, &b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000));
    // It has no word for why, so there is nothing to see before it is freed.
    server.at(BEGIN + secs(35));
    assert!(!server.is_closed(ann));
    server.at(BEGIN + secs(40) + TICK + TICK);
    assert!(server.is_closed(ann));
}

#[test]
fn a_shutdown_takes_no_longer_than_it_may() {
    let mut server = Server::with(Limits { drain_timeout: secs(3), ..Limits::default() });
    let peers = [server.upgrade(), server.accept(), server.accept_line()];
    server.set_capacity(peers[2], 0);
    server.hears(peers[2], b"not taken\n");
    server.at(BEGIN + secs(1));
    server.hears_of_its_end(Shutdown::Stop);
    assert!(!server.core.is_done() && !server.core.is_accepting());
    // A second word to the same effect changes nothing.
    server.at(BEGIN + secs(2));
    server.hears_of_its_end(Shutdown::Restart);
    server.happens_at(BEGIN + secs(4), |server| server.core.is_done());
    assert!(peers.iter().all(|&peer| server.is_closed(peer)));
    assert_eq!(server.tells(peers[0]), [closed(1001, "the server stops")]);
}

#[test]
fn a_shutdown_is_over_when_everybody_is_gone() {
    let mut server = Server::new();
    server.hears_of_its_end(Shutdown::Stop);
    assert!(server.core.is_done(), "nobody was there");

    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.accept_line());
    server.hears_of_its_end(Shutdown::Stop);
    server.hears(ann, &close(b""));
    server.hears_fin(ann);
    assert!(!server.core.is_done());
    server.hears_fin(bob);
    assert!(server.core.is_done() && server.core.is_empty());
}

#[test]
fn a_service_is_told_of_its_deadline_when_it_has_come() {
    for is_line in [false, true] {
        let mut server = Server::new();
        let ann = if is_line { server.accept_line() } else { server.upgrade() };
        server.hears(ann, &if is_line { b"ring 1000\n".to_vec() } else { text("ring 1000") });
        server.happens_at(BEGIN + secs(1), has_said(ann));
        server.at(BEGIN + secs(20));
        let rings = server.notes(ann).iter().filter(|note| *note == "ring").count();
        assert_eq!(rings, 1, "it is not set any more");
    }
}

#[test]
fn a_service_may_put_its_deadline_off_move_it_forward_and_take_it_back() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[text("ring 1000"), text("ring 3000")].concat());
    server.happens_at(BEGIN + secs(3), has_said(ann));
    assert_eq!(server.tells(ann), [told("ring")]);

    let now = server.now;
    server.hears(ann, &[text("ring 9000"), text("ring 2000")].concat());
    server.happens_at(now + secs(2), has_said(ann));
    assert_eq!(server.tells(ann), [told("ring")]);

    server.hears(ann, &[text("ring 1000"), text("ring never")].concat());
    server.at(server.now + secs(24));
    assert_eq!(server.tells(ann), []);
}

#[test]
fn a_service_that_wants_its_deadline_at_once_each_time_does_not_stop_the_loop() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.sends(ann, &text("ring always"));
    let rings = |server: &Server| server.notes(ann).iter().filter(|note| *note == "ring").count();
    for turn in 1..=24 {
        server.turn();
        assert!(rings(&server) <= turn, "{} calls in {turn} turns", rings(&server));
        server.now = server.now + Millis(1);
    }
    assert!(rings(&server) >= 3, "it has what it asks for");
    // And others have their turns.
    server.sends(bob, &text("hi"));
    server.turn();
    assert_eq!(server.has_told(bob), [told("hi")]);
}

#[test]
fn a_service_is_woken_when_it_wants_to_be_once() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("wake 700"));
    server.happens_at(BEGIN + Millis(700), |server| !server.notes_of_nobody().is_empty());
    server.at(BEGIN + secs(20));
    let due = BEGIN.0 + 700;
    assert_eq!(server.notes_of_nobody(), [format!("wake {due}")], "to the millisecond, and once");
}

#[test]
fn a_quiet_server_sleeps() {
    let mut server = Server::new();
    assert_eq!(server.core.next_deadline(), Millis::NEVER, "with nobody there, for ever");
    let ann = server.accept_line();
    server.hears(ann, b"join 1\nsay 1 hello\n");
    assert_eq!(server.core.next_deadline(), Millis::NEVER, "a line connection has no deadline");
    // A Ping in 25 s. Before that, the first byte's deadline is found to be over, and the wheel gets to either in steps.
    let bob = server.upgrade();
    let mut wakes = 0;
    while server.waits_for(bob) == 0 {
        server.now = server.core.next_deadline();
        server.settle();
        wakes += 1;
        assert!(wakes <= 6, "{wakes} wake-ups for one Ping");
    }
    assert_eq!(server.tells(bob), [Heard::Ping(vec![])]);
}
