//! The time by the calendar: read when something is stamped, and set forward and back by others.

use crate::server::{Peer, Server};
use chinwag::chat::Settings;
use chinwag::time::Millis;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;

/// A calendar that says this, and counts how often it was read.
struct Calendar {
    unix_ms: Rc<Cell<u64>>,
    reads: Rc<Cell<u64>>,
}

fn chat() -> (Server, Calendar) {
    let mut server = Server::chat(Settings::default());
    let calendar = Calendar { unix_ms: Rc::new(Cell::new(0)), reads: Rc::new(Cell::new(0)) };
    let (unix_ms, reads) = (Rc::clone(&calendar.unix_ms), Rc::clone(&calendar.reads));
    server.core.set_calendar(move || {
        reads.set(reads.get() + 1);
        unix_ms.get()
    });
    (server, calendar)
}

/// A program on the line port, in the rooms `one` and `two`.
fn program(server: &mut Server) -> Peer {
    let ann = server.accept_line();
    server.hears(ann, b"{\"type\":\"join\",\"room\":\"one\"}\n{\"type\":\"join\",\"room\":\"two\"}\n");
    server.says(ann);
    ann
}

/// What `at` says in the answer to a request.
fn at(server: &mut Server, ann: Peer, request: &str) -> u64 {
    server.hears(ann, format!("{request}\n").as_bytes());
    let said = server.says(ann);
    let answer: Value = serde_json::from_slice(&said).expect("one answer");
    answer["at"].as_u64().unwrap_or_else(|| panic!("{answer} says when it was"))
}

#[test]
fn a_message_is_stamped_with_what_the_calendar_says_then() {
    let (mut server, calendar) = chat();
    let ann = program(&mut server);
    let publish = r#"{"type":"publish","id":1,"room":"one","data":"hi"}"#;
    calendar.unix_ms.set(1_000);
    assert_eq!(at(&mut server, ann, publish), 1_000);
    // The machine has slept for a day, of which the loop's clock knows nothing.
    calendar.unix_ms.set(86_401_000);
    assert_eq!(at(&mut server, ann, publish), 86_401_000);
    assert_eq!(at(&mut server, ann, r#"{"type":"ping","id":2}"#), 86_401_000);
}

#[test]
fn within_a_room_the_time_never_goes_back() {
    let (mut server, calendar) = chat();
    let ann = program(&mut server);
    let publish = |room| format!(r#"{{"type":"publish","id":1,"room":"{room}","data":"hi"}}"#);
    calendar.unix_ms.set(5_000);
    assert_eq!(at(&mut server, ann, &publish("one")), 5_000);
    calendar.unix_ms.set(2_000);
    assert_eq!(at(&mut server, ann, &publish("one")), 5_000, "as the one before");
    assert_eq!(at(&mut server, ann, &publish("two")), 2_000, "another room has nothing to do with it");
    assert_eq!(at(&mut server, ann, r#"{"type":"ping","id":2}"#), 2_000, "and this is of no room");
    calendar.unix_ms.set(5_001);
    assert_eq!(at(&mut server, ann, &publish("one")), 5_001);
}

#[test]
fn a_turn_that_stamps_nothing_does_not_read_the_calendar_and_one_that_does_reads_it_once() {
    let (mut server, calendar) = chat();
    let (ann, bob) = (program(&mut server), program(&mut server));
    server.hears(ann, b"{\"type\":\"members\",\"room\":\"one\"}\n");
    server.at(server.now + Millis::from_secs(60));
    assert_eq!(calendar.reads.get(), 0);
    let publish = b"{\"type\":\"publish\",\"room\":\"one\",\"key\":\"k\",\"data\":\"hi\"}\n";
    server.sends(ann, &publish.repeat(2));
    server.sends(bob, publish);
    server.settle();
    assert_eq!(calendar.reads.get(), 1);
    // A message that is known has its time already.
    server.hears(ann, publish);
    assert_eq!(calendar.reads.get(), 1);
}

#[test]
fn deadlines_are_kept_whatever_becomes_of_the_calendar() {
    let (mut server, calendar) = chat();
    let ann = program(&mut server);
    calendar.unix_ms.set(u64::MAX);
    at(&mut server, ann, r#"{"type":"ping","id":1}"#);
    calendar.unix_ms.set(0);
    server.happens_at(server.now + Millis::from_secs(300), |server| server.has_fin(ann));
}
