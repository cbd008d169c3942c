//! Whatever a turn leaves over keeps the loop awake. Here it turns only as long as the server says that it has work, or a
//! socket that it wants to read or write is ready.

use crate::server::{BEGIN, Server, text, told};
use chinwag::time::Millis;

/// More than one flush writes to.
const MANY: usize = 700;

#[test]
fn until_every_member_has_been_written_to() {
    let mut server = Server::new();
    let members = server.upgrade_many(MANY);
    members.iter().for_each(|&member| server.hears(member, &text("join 1")));
    server.hears(members[0], &text("all 1 words"));
    assert!(members.iter().all(|&member| server.waits_for(member) == 7));
}

#[test]
fn until_everybody_has_been_answered() {
    let mut server = Server::new();
    let peers = server.upgrade_many(MANY);
    peers.iter().for_each(|&peer| server.sends(peer, &text("hello")));
    server.settle();
    assert!(peers.iter().all(|&peer| server.waits_for(peer) == 7));
}

#[test]
fn until_a_service_has_answered_what_it_was_asked() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("replay 1 5-9"));
    assert_eq!(server.has_told(ann), ["entry 5", "entry 6", "entry 7", "entry 8"].map(told));
}

#[test]
fn until_a_service_has_heard_that_a_slow_peer_has_caught_up() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text("hello"));
    server.set_capacity(ann, 100);
    server.settle();
    assert_eq!(server.notes(ann), ["open", "hello", "drain"]);
}

#[test]
fn until_what_was_read_before_a_pause_is_served_and_the_rest_is_read() {
    let mut server = Server::new();
    let ann = server.upgrade();
    // Three pauses in one read, and something behind it.
    server.sends(ann, &[text("give 70000").repeat(3), vec![], text("x").repeat(20_000)].concat());
    server.settle();
    assert_eq!(server.unread(ann), 0);
    assert_eq!(server.notes(ann).len(), 1 + 3 + 20_000);
}

#[test]
fn until_a_loud_speaker_is_read_again() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    let words = "x".repeat(50_000);
    server.hears(ann, &text(&format!("say 1 {words}")).repeat(50));
    assert_eq!(server.unread(ann), 0);
    assert!(server.has_told(bob) == vec![told(&words); 50]);
}

#[test]
fn until_one_who_is_closed_for_being_slow_is_read() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text(&"x".repeat(1000)).repeat(1000));
    assert!(server.unread(ann) > 0);
    server.happens_at(BEGIN + Millis::from_secs(35), |server| server.unread(ann) == 0);
}

#[test]
fn and_no_longer() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    server.set_capacity(bob, 0);
    // Bob takes nothing: neither what is his alone, nor what the room says, nor an answer from a service is work.
    server.hears(ann, &text("say 1 words"));
    server.hears(bob, &[text("hello"), text("replay 1 5-9"), text("give 70000"), text("hello")].concat());
    let turns = server.turns;
    server.settle();
    assert_eq!(server.turns - turns, 1);
}
