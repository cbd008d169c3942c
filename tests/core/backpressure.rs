//! Who sends and does not read: not read itself, from the high mark on until the low one. What that costs has bounds.

use crate::server::{Peer, READ_BUFFER_LEN, Server, masked_binary, text, told};
use crate::support::{Heard, binary, client_hears};
use chinwag::server::Limits;

/// What a peer's frames, and memory that is allocated by doubling, may come to beside what the limits speak of.
const SLACK: usize = 16 * 1024;

fn limits() -> Limits {
    Limits::default()
}

/// How many messages the service has been told.
fn messages(server: &Server, peer: Peer) -> usize {
    server.notes(peer).len() - 1
}

#[test]
fn a_peer_that_reads_nothing_is_not_read_from_the_high_mark_on() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    let message = text(&"x".repeat(1000));
    let before = server.heap_bytes();
    server.hears(ann, &message.repeat(10_000));
    let served = messages(&server, ann) * 1000;
    let high = limits().outbox_high_bytes;
    assert!((high * 9 / 10..high + 1000).contains(&served), "{served} bytes wait");
    assert!(server.unread(ann) >= 10_000_000 - high - 2 * READ_BUFFER_LEN, "the rest is left to the kernel");
    // The outbox may have doubled just then.
    let held = server.heap_bytes() - before;
    assert!(held <= 2 * high + READ_BUFFER_LEN + SLACK, "{held} bytes are held for it");
}

#[test]
fn it_is_read_again_below_the_low_mark_and_not_sooner() {
    let (high, low) = (limits().outbox_high_bytes, limits().outbox_low_bytes);
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &masked_binary(high));
    server.hears(ann, &text("next"));
    assert_eq!(messages(&server, ann), 1);
    // How the server counts what is not payload, is its own affair.
    let mut said = Vec::new();
    for (waiting, is_read) in [(high / 2, false), (low + 1024, false), (low - 1024, true)] {
        server.set_capacity(ann, high - waiting - said.len());
        server.settle();
        said.extend(server.takes(ann, usize::MAX));
        assert_eq!(said.len(), high - waiting);
        assert_eq!(messages(&server, ann) == 2, is_read, "with {waiting} bytes waiting");
    }
    said.extend(server.says(ann));
    assert_eq!(client_hears(&said), [binary(&vec![0; high]), told("next")]);
}

#[test]
fn an_answer_larger_than_the_high_mark_is_given() {
    let len = 3 * limits().outbox_high_bytes;
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[masked_binary(len), text("next"), masked_binary(len)].concat());
    assert_eq!(server.tells(ann), [binary(&vec![0; len]), told("next"), binary(&vec![0; len])]);
}

#[test]
fn what_was_read_before_the_pause_is_served_before_what_comes_after() {
    let texts: Vec<String> = (0..2000).map(|n| format!("{n} {}", "x".repeat(n % 700))).collect();
    let bytes: Vec<u8> = texts.iter().flat_map(|it| text(it)).collect();
    let expected: Vec<Heard> = texts.iter().map(|it| told(it)).collect();
    for (sip, piece) in [(1000, 700), (40_000, 100_000), (usize::MAX, 65_536), (100_000, 65_537)] {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.set_capacity(ann, sip);
        let mut said = Vec::new();
        for piece in bytes.chunks(piece) {
            // While she is let in again, more comes.
            server.sends(ann, piece);
            server.turn();
            said.extend(server.takes(ann, sip));
        }
        said.extend(server.says(ann));
        assert!(client_hears(&said) == expected, "sips of {sip}, pieces of {piece}");
    }
}

#[test]
fn what_is_read_and_not_yet_served_is_never_more_than_a_read() {
    // Short requests, long answers: a read holds more of them than may wait at a time.
    let mut server = Server::new();
    let ann = server.upgrade();
    let request = text("give 5000");
    server.sends(ann, &request.repeat(20_000));
    let before = server.heap_bytes();
    let mut most = 0;
    while server.unread(ann) > 0 && messages(&server, ann) < 6_000 {
        server.turn();
        most = most.max(server.heap_bytes() - before);
        server.takes(ann, usize::MAX);
    }
    let bound = 2 * (limits().outbox_high_bytes + 5000) + READ_BUFFER_LEN + SLACK;
    assert!(most <= bound, "{most} bytes of heap at most");
}

#[test]
fn a_pause_of_one_is_nobody_elses() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.set_capacity(ann, 0);
    server.hears(ann, &text(&"x".repeat(1000)).repeat(1000));
    server.hears(bob, &text("hi"));
    assert_eq!(server.tells(bob), [told("hi")]);
}

#[test]
fn pipelined_requests_of_a_peer_that_reads_nothing_wait() {
    let mut server = Server::new();
    let ann = server.accept();
    server.set_capacity(ann, 0);
    let request = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
    let before = server.heap_bytes();
    server.hears(ann, &request.repeat(100_000));
    assert!(server.unread(ann) > 90_000 * request.len());
    let held = server.heap_bytes() - before;
    assert!(held <= 2 * limits().outbox_high_bytes + READ_BUFFER_LEN + SLACK, "{held} bytes are held for it");
    let said = String::from_utf8(server.says(ann)).expect("answers are text");
    assert_eq!(said.matches("HTTP/1.1 200 OK\r\n").count(), 100_000);
}

#[test]
fn a_server_that_closes_reads_on_lest_a_reset_overtakes_its_close() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &[masked_binary(limits().outbox_high_bytes), text("x").repeat(100_000)].concat());
    assert!(server.unread(ann) > 0);
    // 35 s later it is too slow; then she reads.
    server.at(server.now + chinwag::time::Millis(35_008));
    server.says(ann);
    assert!(server.has_fin(ann));
    assert_eq!(server.unread(ann), 0);
}

#[test]
fn a_service_hears_when_a_peer_that_was_slow_has_caught_up() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("fast"));
    server.says(ann);
    assert_eq!(server.notes(ann), ["open", "fast"]);
    server.set_capacity(ann, 10);
    server.hears(ann, &text("not so fast"));
    assert_eq!(server.notes(ann), ["open", "fast", "not so fast"]);
    server.says(ann);
    assert_eq!(server.notes(ann), ["open", "fast", "not so fast", "drain"]);
}

#[test]
fn writes_that_end_anywhere_make_the_same_stream() {
    let frames =
        [text("one"), masked_binary(300), crate::server::ping(b"two"), text("give 200"), text("three")];
    let mut whole = Server::new();
    let ann = whole.upgrade();
    let mut expected = Vec::new();
    for frame in &frames {
        whole.hears(ann, frame);
        expected.extend(whole.says(ann));
    }
    for sip in (1..50).chain([100, 126, 127, 128, 129, 130, 131, 200, 400]) {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.set_capacity(ann, sip);
        let mut said = Vec::new();
        for frame in &frames {
            server.hears(ann, frame);
            said.extend(server.says_in_sips(ann, sip));
        }
        assert_eq!(said, expected, "sips of {sip}");
    }
}
