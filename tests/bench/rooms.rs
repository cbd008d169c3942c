//! Several rooms: a message is for those of its own, and for nobody else.

use crate::server::{Behaviour, Fate, Manner, Server};
use crate::{outcome, plan};
use chinwag::bench::outcome::Outcome;
use chinwag::bench::plan::{Dialect, Load, Plan, Scenario};
use std::time::Duration;

/// Two senders in two of three rooms, each with two receivers; the third room is quiet.
fn in_three_rooms(server: &Server) -> Plan {
    Plan { dialect: Dialect::Chinwag, connections: 9, senders: 2, rooms: 3, ..plan(server) }
}

fn played(script: impl Fn(usize, usize) -> Fate + Send + Sync + 'static) -> (Outcome, Server) {
    let server = Server::start(Behaviour::scripted(Manner::Json, script));
    (outcome(&in_three_rooms(&server)), server)
}

fn error(outcome: &Outcome, kind: &str) -> u64 {
    outcome.errors.kinds.get(kind).map_or(0, |kind| kind.count)
}

#[test]
fn only_those_of_a_room_are_owed_its_messages() {
    let (outcome, _) = played(|_, _| Fate::Sound);
    let audit = outcome.audit;
    assert_eq!((audit.sent, audit.expected, audit.delivered), (100, 200, 200));
    assert_eq!((audit.unaccounted(), outcome.errors.total()), (0, 0), "{audit:?}");
    assert_eq!(outcome.spread.expect("there are several receivers").times.len(), 100);
}

#[test]
fn what_one_of_several_rooms_loses_is_found() {
    let (outcome, server) = played(|_, number| if number % 10 == 3 { Fate::Lost } else { Fate::Sound });
    let audit = outcome.audit;
    assert_eq!((audit.lost, server.did("Lost")), (20, 20), "{audit:?}");
    // Each hole is seen once more, in the room's numbers.
    assert_eq!(audit.unaccounted(), 40, "{audit:?}");
    assert_eq!(audit.expected, 200);
}

#[test]
fn a_message_that_reaches_another_room_is_found() {
    let (outcome, server) = played(|_, number| if number % 10 == 3 { Fate::Astray } else { Fate::Sound });
    let audit = outcome.audit;
    assert_eq!((audit.foreign, server.did("Astray")), (20, 20), "{audit:?}");
    assert_eq!((audit.unaccounted(), audit.delivered), (20, 200), "{audit:?}");
    assert_eq!(error(&outcome, "wrong room"), 20);
}

#[test]
fn a_message_under_another_rooms_name_is_found_and_missing_in_its_own() {
    let (outcome, server) =
        played(|_, number| if number % 10 == 3 { Fate::Mislabelled } else { Fate::Sound });
    let audit = outcome.audit;
    assert_eq!((audit.foreign, audit.lost, server.did("Mislabelled")), (20, 20, 20), "{audit:?}");
    assert_eq!(error(&outcome, "wrong room"), 20);
}

#[test]
fn there_is_a_seat_in_each_room_also_where_they_are_more_than_connections() {
    let server = Server::start(Behaviour::sound(Manner::Json));
    let idle =
        Plan { scenario: Scenario::Idle, senders: 0, connections: 4, rooms: 11, ..in_three_rooms(&server) };
    let outcome = outcome(&idle);
    assert_eq!((outcome.connecting.ready, server.seats_max()), (4, 11));
    assert_eq!((outcome.audit.unaccounted(), outcome.errors.total()), (0, 0), "{:?}", outcome.errors);
}

#[test]
fn each_room_is_resumed_in_its_own_life() {
    let server = Server::start(Behaviour::sound(Manner::Json));
    let storm =
        Plan { scenario: Scenario::Storm, duration: Duration::from_secs(2), ..in_three_rooms(&server) };
    let audit = outcome(&storm).audit;
    let chinwag = audit.chinwag.expect("it has positions");
    assert_eq!((chinwag.resumes, chinwag.resumed), (9, 9), "{audit:?}");
}

#[test]
fn a_window_waits_for_those_of_its_room_on_all_threads() {
    for threads in [1, 2, 3] {
        let server = Server::start(Behaviour::sound(Manner::Json));
        let plan = Plan { load: Load::Closed { window: 2 }, threads, ..in_three_rooms(&server) };
        let audit = outcome(&plan).audit;
        assert!(audit.sent > 20 && audit.expected == 2 * audit.sent, "{threads}: {audit:?}");
        assert_eq!(audit.unaccounted(), 0, "{threads}: {audit:?}");
    }
}
