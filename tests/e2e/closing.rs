//! How connections end. RFC 6455, sections 5.5.1 and 7; and what TCP makes of it.
//!
//! A socket that is closed with unread bytes in it is answered with RST, and an RST makes the peer's kernel throw away
//! what the peer has not read yet: our Close frame, the status that says why. So wherever these tests read a Close and
//! then the end of the stream, they have shown that there was no RST; `Socket::receive` does not take one for an end.

use crate::harness::member::page;
use crate::harness::websocket::{frame, request};
use crate::harness::{Daemon, Heard, Line, Member, PATIENCE, Socket, WebSocket};
use chinwag::proto::ws::{Opcode, encoder};
use std::time::{Duration, Instant};

#[test]
fn a_close_is_answered_with_its_own_code_and_then_the_server_ends_the_stream() {
    let daemon = Daemon::start(&[]);
    for code in [1000, 1001, 1003, 1011, 3000, 4999] {
        let mut websocket = WebSocket::connect(&daemon, "/echo");
        websocket.send_close(code);
        // 7.1.1: the server closes the TCP connection first. This side has not.
        websocket.closed_with(code, false);
    }
    let mut websocket = WebSocket::connect(&daemon, "/echo");
    websocket.send(Opcode::Close, b"");
    websocket.closed_with(1005, false);
}

/// 5.5.1 forbids data behind a Close, and a Pong is none.
#[test]
fn a_pong_behind_a_close_does_not_cost_the_answer() {
    let daemon = Daemon::start(&[]);
    for _ in 0..200 {
        let mut websocket = WebSocket::connect(&daemon, "/echo");
        websocket.send_close(1000);
        websocket.send(Opcode::Pong, b"late");
        websocket.closed_with(1000, false);
    }
}

/// Whoever wakes up for the Close finds the end behind it, each time, and not only mostly.
#[test]
fn a_close_and_the_end_come_in_one_segment() {
    let daemon = Daemon::start(&[]);
    for _ in 0..200 {
        let mut websocket = WebSocket::connect(&daemon, "/echo");
        websocket.send_close(1000);
        let mut said = Vec::new();
        websocket.socket.receive(&mut said);
        assert_eq!(said, [0x88, 2, 3, 0xE8]);
        websocket.socket.options().set_nonblocking(true).expect("an option");
        assert_eq!(websocket.socket.receive(&mut said), 0);
    }
}

#[test]
fn nothing_is_served_after_a_close_and_all_before_it_is() {
    let daemon = Daemon::start(&[]);
    let mut websocket = WebSocket::connect(&daemon, "/echo");
    let mut bytes = frame(Opcode::Text, "before");
    bytes.extend(frame(Opcode::Close, &*encoder::close_payload(1000, "")));
    bytes.extend(frame(Opcode::Text, "after"));
    websocket.socket.send(bytes);
    assert_eq!(websocket.text(), "before");
    websocket.closed_with(1000, false);
}

#[test]
fn a_close_of_the_servers_own_waits_for_its_answer() {
    let daemon = Daemon::start(&[]);
    let mut page = page(&daemon, "ann");
    page.say("/quit");
    page.closed_with(1000, true);
    daemon.logged(&["closed", "reason=service", "code=1000"]);
}

#[test]
fn a_peer_that_never_answers_a_close_is_cut_after_five_seconds() {
    let daemon = Daemon::start(&[]);
    let mut page = page(&daemon, "ann");
    let began = Instant::now();
    page.say("/quit");
    assert_eq!(page.next(), Heard::Close(Some(1000)));
    assert_eq!(page.next(), Heard::End);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(4900) && waited < PATIENCE, "{waited:?}");
}

#[test]
fn a_broken_rule_is_told_by_its_code_though_its_breaker_goes_on_writing() {
    let daemon = Daemon::start(&[]);
    let masked = |first: u8, payload: &[u8]| {
        let mut bytes = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
        bytes.extend(payload);
        bytes
    };
    let broken = [
        (1002, "not masked", b"\x81\x02hi".to_vec()),
        (1002, "a reserved bit", masked(0xC1, b"hi")),
        (1002, "a reserved opcode", masked(0x83, b"hi")),
        (1002, "a fragmented ping", masked(0x09, b"hi")),
        (1002, "a continuation of nothing", masked(0x80, b"hi")),
        (1002, "half a close code", masked(0x88, b"\x03")),
        (1002, "a close code that is never sent", masked(0x88, b"\x03\xED")),
        (1002, "a length in too many bytes", b"\x81\xFE\x00\x02\0\0\0\0hi".to_vec()),
        (1007, "text that is not UTF-8", masked(0x81, b"\xFF")),
        (1007, "a reason that is not UTF-8", masked(0x88, b"\x03\xE8\xFF")),
        (1009, "64 KiB and a byte, to the chat", b"\x82\xFF\0\0\0\0\0\x01\0\x01\0\0\0\0".to_vec()),
    ];
    for (code, what, bytes) in broken {
        let mut socket = Socket::connect(daemon.http());
        socket.send(request("/ws", &[]));
        let mut websocket = WebSocket::accepted(socket);
        websocket.socket.send(bytes);
        // It reads nothing before it has written all of this.
        for _ in 0..16 {
            websocket.socket.try_send([0x55; 64 * 1024]).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        let close = loop {
            match websocket.next() {
                Heard::Text(_) => {}
                other => break other,
            }
        };
        assert_eq!(close, Heard::Close(Some(code)), "{what}");
        assert_eq!(websocket.next(), Heard::End, "{what}");
    }
}

#[test]
fn messages_before_a_broken_rule_are_served_first() {
    let daemon = Daemon::start(&[]);
    let mut websocket = WebSocket::connect(&daemon, "/echo");
    let mut bytes = Vec::new();
    for n in 0..100 {
        bytes.extend(frame(Opcode::Text, format!("message {n}")));
    }
    bytes.extend(b"\x81\x02hi");
    websocket.socket.send(bytes);
    for n in 0..100 {
        assert_eq!(websocket.text(), format!("message {n}"));
    }
    websocket.closed_with(1002, false);
}

#[test]
fn what_came_before_the_end_of_a_stream_is_served_and_flushed() {
    let daemon = Daemon::start(&[]);
    let mut websocket = WebSocket::connect(&daemon, "/echo");
    let large = vec![0xA5; 1 << 20];
    websocket.send_text("small");
    websocket.send(Opcode::Binary, &large);
    websocket.socket.finish();
    assert_eq!(websocket.text(), "small");
    assert_eq!(websocket.next(), Heard::Binary(large));
    assert_eq!(websocket.next(), Heard::End);

    let mut ann = page(&daemon, "ann");
    let mut line = Line::connect(&daemon);
    let name = line.welcomed();
    line.socket.send("/who\nlast words\n");
    line.socket.finish();
    assert_eq!(ann.hear_said(), format!("[{name}] last words"));
    assert!(line.hear_notice().starts_with("* lobby: 2 here: "));
    assert_eq!(line.next(), None);
}

#[test]
fn a_request_before_the_end_of_a_stream_is_answered() {
    let daemon = Daemon::start(&[]);
    let mut http = crate::harness::Http::connect(daemon.http());
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /half");
    http.socket.finish();
    assert_eq!(http.answer().status, 200);
    http.end();
}

#[test]
fn what_is_not_whole_at_the_end_of_a_stream_is_dropped() {
    let daemon = Daemon::start(&[]);
    let bytes = frame(Opcode::Text, "a message");
    for cut in 1..bytes.len() {
        let mut websocket = WebSocket::connect(&daemon, "/echo");
        websocket.socket.send(&bytes[..cut]);
        websocket.socket.finish();
        assert_eq!(websocket.next(), Heard::End, "cut after {cut} bytes");
    }

    let mut ann = page(&daemon, "ann");
    let mut line = Line::connect(&daemon);
    let name = line.welcomed();
    line.socket.send("a whole line\nhalf a li");
    line.socket.finish();
    assert_eq!(ann.hear_said(), format!("[{name}] a whole line"));
    assert_eq!(line.next(), None);
    ann.say("/who");
    assert_eq!(ann.hear_notice(), "* lobby: 1 here: ann");
}

#[test]
fn a_connection_that_is_reset_takes_nobody_with_it() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = page(&daemon, "bob");
    for round in 0..20 {
        let mut others: Vec<WebSocket> = (0..5).map(|_| WebSocket::connect(&daemon, "/ws")).collect();
        for other in &mut others {
            other.welcomed();
            // Some of them in the middle of a frame.
            other.socket.send(&frame(Opcode::Text, "never whole")[..round % 10]);
        }
        // Before it is reset, it is being written to.
        ann.say("hello");
        others.into_iter().for_each(|other| other.socket.reset());
        assert_eq!(bob.hear_said(), "[ann] hello");
        bob.say("hello");
        assert_eq!(ann.hear_said(), "[bob] hello");
    }
    daemon.logged(&["closed", "reason=reset"]);
    // Each answer is a turn of the server's, so this ends once it has seen the last reset.
    let began = Instant::now();
    loop {
        ann.say("/who");
        match ann.hear_notice().as_str() {
            "* lobby: 2 here: ann, bob" | "* lobby: 2 here: bob, ann" => break,
            others => assert!(began.elapsed() < PATIENCE, "{others}"),
        }
    }
}

#[test]
fn a_goodbye_in_lines_arrives_though_its_reader_goes_on_writing() {
    let daemon = Daemon::start(&[]);
    let mut line = Line::connect(&daemon);
    line.welcomed();
    line.say("/quit");
    for _ in 0..16 {
        line.socket.send([b'x'; 64 * 1024]);
    }
    line.ended_with("* goodbye");
}

#[test]
fn a_close_handshake_under_way_is_not_held_up_by_a_flood() {
    let daemon = Daemon::start(&[]);
    let mut page = page(&daemon, "ann");
    page.say("/quit");
    assert_eq!(page.next(), Heard::Close(Some(1000)));
    // 5.5.1: after a Close no more is sent; this one sends on, and its own Close at last.
    for _ in 0..1000 {
        page.send_text("a message that nobody takes");
    }
    page.send_close(1000);
    assert_eq!(page.next(), Heard::End);
}
