//! What a room says, held back for a moment so that several messages share a write.

use crate::server::{Peer, Server, text, told};
use chinwag::server::Limits;
use chinwag::time::Millis;

const COALESCE: Millis = Millis(10);

fn server() -> Server {
    Server::with(Limits { coalesce: COALESCE, write_queue_bytes_max: 4096, ..Limits::default() })
}

/// A server with a speaker and so many listeners in room 1.
fn room(listeners: usize) -> (Server, Peer, Vec<Peer>) {
    let mut server = server();
    let ann = server.upgrade();
    let others = server.upgrade_many(listeners);
    for &peer in [ann].iter().chain(&others) {
        server.hears(peer, &text("join 1"));
    }
    (server, ann, others)
}

#[test]
fn what_is_said_within_the_time_is_one_write_to_each() {
    let (mut server, ann, others) = room(2);
    let began = server.now;
    let writes = server.network.writes;
    for (after, said) in [(0, "say 1 one"), (4, "say 1 two"), (9, "say 1 three")] {
        server.at(began + Millis(after));
        server.hears(ann, &text(said));
    }
    assert_eq!(server.network.writes, writes, "nobody is written to before it is time");
    server.at(began + COALESCE);
    for &peer in &others {
        assert_eq!(server.tells(peer), [told("one"), told("two"), told("three")]);
    }
    assert_eq!(server.network.writes, writes + 2);
    // The next one waits anew.
    server.hears(ann, &text("say 1 four"));
    assert_eq!(server.tells(others[0]), []);
    server.at(began + COALESCE + COALESCE);
    assert_eq!(server.tells(others[0]), [told("four")]);
}

#[test]
fn an_answer_waits_for_nothing_and_takes_along_what_was_held_back() {
    let (mut server, ann, others) = room(2);
    server.hears(ann, &text("say 1 one"));
    server.hears(others[0], &text("echo"));
    assert_eq!(server.tells(others[0]), [told("echo"), told("one")]);
    assert_eq!(server.tells(others[1]), []);
}

#[test]
fn no_more_is_held_back_than_a_topic_may_hold() {
    let (mut server, ann, others) = room(1);
    let long = "x".repeat(3000);
    server.hears(ann, &text(&format!("say 1 {long}")));
    assert_eq!(server.tells(others[0]), []);
    server.hears(ann, &text(&format!("say 1 {long}")));
    assert_eq!(server.tells(others[0]).len(), 2);
}

#[test]
fn who_goes_is_sent_what_was_held_back() {
    let (mut server, ann, others) = room(1);
    server.hears(ann, &text("say 1 one"));
    server.hears(others[0], &text("leave 1"));
    assert_eq!(server.tells(others[0]), [told("one")]);
}

#[test]
fn what_is_said_while_the_members_are_visited_waits_for_the_next_time() {
    // More than one turn visits.
    let (mut server, ann, others) = room(1000);
    let began = server.now;
    server.hears(ann, &text("say 1 one"));
    server.now = began + COALESCE;
    server.turn();
    let visited: Vec<Peer> = others.iter().copied().filter(|&peer| server.waits_for(peer) > 0).collect();
    assert!(!visited.is_empty() && visited.len() < others.len(), "{} were visited", visited.len());
    server.hears(ann, &text("say 1 two"));
    for &peer in &visited {
        assert_eq!(server.tells(peer), [told("one")]);
    }
    server.at(server.now + COALESCE);
    for &peer in &others {
        assert_eq!(server.tells(peer).last(), Some(&told("two")));
    }
}
