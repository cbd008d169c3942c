//! Who goes from room to room, at servers that answer too little, too much, or something else.

use crate::server::{Behaviour, Manner, Reply, Server};
use crate::{outcome, plan};
use chinwag::bench::outcome::{HopAudit, Outcome};
use chinwag::bench::plan::{Arrival, Dialect, Load, Plan, Scenario};
use std::time::Duration;

fn hopping(server: &Server) -> Plan {
    Plan {
        scenario: Scenario::Hop,
        dialect: Dialect::Chinwag,
        senders: 0,
        rooms: 5,
        drain: Duration::from_millis(300),
        ..plan(server)
    }
}

fn played(replies: fn(u64) -> Reply) -> (Outcome, HopAudit, Server) {
    let server = Server::start(Behaviour { replies, ..Behaviour::sound(Manner::Json) });
    let outcome = outcome(&hopping(&server));
    let hops = outcome.audit.hops.expect("somebody hops");
    (outcome, hops, server)
}

#[test]
fn each_change_is_left_and_joined() {
    let (outcome, hops, _) = played(|_| Reply::Sound);
    assert_eq!(hops, HopAudit { asked: 100, left: 100, joined: 100, ..HopAudit::default() });
    assert_eq!((outcome.sends, outcome.latency.len(), outcome.audit.unaccounted()), (100, 100, 0));
    assert_eq!((outcome.errors.total(), outcome.connecting.ready), (0, 4), "{:?}", outcome.errors);
}

#[test]
fn a_window_makes_room_when_both_are_answered() {
    let server = Server::start(Behaviour::sound(Manner::Json));
    for (window, threads) in [(1, 1), (3, 1), (9, 2)] {
        let plan = Plan { load: Load::Closed { window }, threads, ..hopping(&server) };
        let outcome = outcome(&plan);
        let hops = outcome.audit.hops.expect("somebody hops");
        assert!(hops.asked > 100, "{window}: {hops:?}");
        assert_eq!(
            (hops.left, hops.joined, outcome.audit.unaccounted()),
            (hops.asked, hops.asked, 0),
            "{hops:?}"
        );
    }
}

#[test]
fn what_is_not_answered_is_found_and_holds_its_window_up() {
    let (outcome, hops, server) =
        played(|number| if number % 10 == 3 { Reply::Silence } else { Reply::Sound });
    assert_eq!((hops.unanswered, server.did("Silence")), (10, 10), "{hops:?}");
    assert_eq!((hops.left, hops.joined, outcome.audit.unaccounted()), (90, 100, 10));
    let server = Server::start(Behaviour { replies: |_| Reply::Silence, ..Behaviour::sound(Manner::Json) });
    let plan = Plan { load: Load::Closed { window: 2 }, ..hopping(&server) };
    let hops = crate::outcome(&plan).audit.hops.expect("somebody hops");
    assert_eq!((hops.asked, hops.joined, hops.unanswered), (8, 8, 8), "{hops:?}");
}

#[test]
fn what_is_answered_twice_is_found() {
    let (outcome, hops, server) = played(|number| if number % 10 == 3 { Reply::Twice } else { Reply::Sound });
    assert_eq!((hops.unasked, server.did("Twice")), (10, 10), "{hops:?}");
    assert_eq!((hops.left, outcome.audit.unaccounted()), (100, 10));
}

#[test]
fn an_answer_that_names_another_room_is_none() {
    let (_, hops, server) = played(|number| if number % 10 == 3 { Reply::OtherRoom } else { Reply::Sound });
    assert_eq!((hops.unasked, hops.unanswered, server.did("OtherRoom")), (10, 10, 10), "{hops:?}");
}

#[test]
fn who_is_refused_goes_no_further_and_is_told_what_to_do() {
    let (outcome, hops, server) = played(|number| if number == 20 { Reply::Refusal } else { Reply::Sound });
    assert_eq!((hops.refused, server.did("Refusal"), outcome.audit.unaccounted()), (1, 1, 0), "{hops:?}");
    assert_eq!(hops.left + hops.refused, hops.asked);
    let kinds = &outcome.errors.kinds;
    assert!(kinds["rate_limited"].hint.contains("--requests-per-second 0"), "{kinds:?}");
    // The others of the four go on; its own changes are not asked for any more.
    assert_eq!(kinds["not asked"].count, 100 - hops.asked, "{kinds:?}");
}

#[test]
fn latency_is_from_the_moment_at_which_it_was_meant_to_be_asked() {
    let mut behaviour = Behaviour::sound(Manner::Json);
    // The server's lock is held for half a second once it has taken so many requests to leave.
    behaviour.replies = |number| {
        if number == 20 {
            std::thread::sleep(Duration::from_millis(500));
        }
        Reply::Sound
    };
    let server = Server::start(behaviour);
    let mut plan = hopping(&server);
    plan.load = Load::Open { rate: 100.0, arrival: Arrival::Even };
    (plan.duration, plan.drain) = (Duration::from_secs(1), Duration::from_secs(3));
    let outcome = outcome(&plan);
    assert_eq!((outcome.latency.len(), outcome.audit.unaccounted()), (100, 0));
    // Half of what was meant in that half second waited for at least half of it.
    assert!(
        outcome.latency.value_at_quantile(0.8) >= 240_000_000,
        "{}",
        outcome.latency.value_at_quantile(0.8)
    );
}
