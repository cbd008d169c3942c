//! Ping and Pong. RFC 6455, 5.5.2 and 5.5.3.

use crate::server::{Server, ping, text, told};
use crate::support::{Heard, masked};
use chinwag::proto::ws::Opcode;
use chinwag::server::Limits;

fn pong(payload: &[u8]) -> Heard {
    Heard::Pong(payload.to_vec())
}

#[test]
fn a_pong_has_the_payload_of_its_ping() {
    let mut server = Server::new();
    let ann = server.upgrade();
    for payload in [&b""[..], b"Hello", &[0xFF; 125]] {
        server.hears(ann, &ping(payload));
        assert_eq!(server.tells(ann), [pong(payload)]);
    }
    assert_eq!(server.notes(ann), ["open"], "a service hears nothing of it");
}

#[test]
fn every_ping_has_its_pong_while_little_waits() {
    let mut server = Server::new();
    let ann = server.upgrade();
    let pings: Vec<u8> = (0..100).flat_map(|n| ping(&[n])).collect();
    server.set_capacity(ann, 0);
    server.hears(ann, &pings);
    assert_eq!(server.tells(ann), (0..100).map(|n| pong(&[n])).collect::<Vec<_>>());
}

#[test]
fn a_pong_comes_before_later_data() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[ping(b"first"), text("second")].concat());
    assert_eq!(server.tells(ann), [pong(b"first"), told("second")]);
}

#[test]
fn a_pong_overtakes_what_waits_but_never_inside_a_frame() {
    let mut server = Server::new();
    let ann = server.upgrade();
    // The first echo is cut; the second waits whole.
    server.set_capacity(ann, 4);
    server.hears(ann, &[text("cut in two"), text("waits")].concat());
    server.hears(ann, &ping(b"now"));
    assert_eq!(server.tells(ann), [told("cut in two"), pong(b"now"), told("waits")]);
}

#[test]
fn a_ping_between_the_fragments_of_a_message_is_answered_before_it() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[masked(false, Opcode::Text, b"Hel"), ping(b"now")].concat());
    assert_eq!(server.tells(ann), [pong(b"now")]);
    server.hears(ann, &masked(true, Opcode::Continuation, b"lo"));
    assert_eq!(server.tells(ann), [told("Hello")]);
}

#[test]
fn above_the_low_mark_the_newest_ping_replaces_the_one_before() {
    let low = Limits::default().outbox_low_bytes;
    let pings = [ping(b"1"), ping(b"2"), ping(b"3")].concat();
    // A kilobyte to either side: what else counts, next to the bytes themselves, is the server's own affair.
    for (waiting, expected) in
        [(low - 1024, &[pong(b"1"), pong(b"2"), pong(b"3")][..]), (low + 1024, &[pong(b"3")])]
    {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.set_capacity(ann, 0);
        server.hears(ann, &text(&"x".repeat(waiting)));
        server.hears(ann, &pings);
        let pongs = server.tells(ann).into_iter().filter(|heard| matches!(heard, Heard::Pong(_)));
        assert_eq!(pongs.collect::<Vec<_>>(), expected, "{waiting} bytes wait");
    }
}

#[test]
fn a_pong_that_has_begun_is_not_replaced() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 3);
    server.hears(ann, &ping(b"begun"));
    server.hears(ann, &text(&"x".repeat(20_000)));
    server.hears(ann, &[ping(b"replaced"), ping(b"newest")].concat());
    assert_eq!(server.tells(ann)[..2], [pong(b"begun"), pong(b"newest")]);
}

#[test]
fn a_flood_of_pings_is_held_to_the_low_mark() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    let flood: Vec<u8> = (0..20_000).flat_map(|_| ping(&[7; 125])).collect();
    let before = server.heap_bytes();
    server.hears(ann, &flood);
    assert_eq!(server.unread(ann), 0, "nobody is made to wait who takes no answers");
    let (held, low) = (server.heap_bytes() - before, Limits::default().outbox_low_bytes);
    assert!(held < 3 * low, "{held} bytes are held for 20,000 pings");
}

#[test]
fn a_pong_unasked_for_is_no_trouble() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[masked(true, Opcode::Pong, b"why not"), text("hi")].concat());
    assert_eq!(server.tells(ann), [told("hi")]);
}
