//! What a session does in which case, with a real server at the other end.

use crate::world::{World, at};
use chinwag::chat;
use chinwag::client::{News, Resumption, Status};
use chinwag::server::Shutdown;
use chinwag::time::Millis;

const WS: &str = "ws://chat/ws";
const TCP: &str = "tcp://chat";

fn world() -> World {
    World::new(1, chat::Settings::default())
}

#[test]
fn who_was_cut_off_is_sent_what_was_said_in_the_meantime() {
    for url in [WS, TCP] {
        let mut world = world();
        let (ann, bob) = (world.member(url, "ann", "dev"), world.member(WS, "bob", "dev"));
        world.say(bob, "dev", "one");
        world.settle();
        world.people[ann].is_cut_off = true;
        world.cut(ann, 0, 0);
        for text in ["two", "three"] {
            world.say(bob, "dev", text);
        }
        world.pass(3000);
        assert!(matches!(world.people[ann].session.status(), Status::Waiting { .. } | Status::Connecting));
        world.people[ann].is_cut_off = false;
        world.pass(30_000);
        assert_eq!(world.people[ann].heard("dev"), ["bob: one", "bob: two", "bob: three"]);
        assert_eq!(world.people[ann].session.name(), Some("ann"));
        // And the other way round, under the same name, though the server did not know that the first had gone.
        world.say(ann, "dev", "back");
        world.settle();
        assert_eq!(world.people[bob].heard("dev").last().map(String::as_str), Some("ann: back"));
    }
}

#[test]
fn a_guest_comes_back_as_the_same_guest() {
    let mut world = world();
    let guest = world.add(at(WS, None));
    world.settle();
    let name = world.people[guest].session.name().map(str::to_owned);
    assert!(name.as_ref().is_some_and(|name| name.starts_with("guest-")), "{name:?}");
    world.cut(guest, 0, 0);
    world.pass(3000);
    assert_eq!(world.people[guest].session.name(), name.as_deref());
}

#[test]
fn a_server_that_begins_anew_is_told_as_such_and_what_waited_is_said_to_it() {
    let mut world = world();
    let (ann, bob) = (world.member(WS, "ann", "dev"), world.member(WS, "bob", "dev"));
    world.say(bob, "dev", "old");
    world.settle();
    world.kill();
    world.say(ann, "dev", "while it was away");
    world.start();
    world.people[ann].take();
    world.pass(10_000);
    let told = world.people[ann].take();
    assert!(
        told.iter().any(|event| matches!(event, News::Joined { resumption: Resumption::Anew, .. })),
        "{told:?}"
    );
    assert!(told.iter().any(|event| matches!(event, News::Published { seq: 1, .. })), "{told:?}");
    // Whoever was first there: bob has it once, behind the notice.
    let heard = world.people[bob].heard("dev");
    assert_eq!(heard, ["(own)", "(anew)", "ann: while it was away"]);
}

#[test]
fn what_the_room_has_forgotten_is_told_by_number() {
    let settings = chat::Settings { history_messages_max: 5, ..chat::Settings::default() };
    let mut world = World::new(1, settings);
    let (ann, bob) = (world.member(WS, "ann", "dev"), world.member(WS, "bob", "dev"));
    world.say(bob, "dev", "1");
    world.settle();
    world.people[ann].is_cut_off = true;
    world.cut(ann, 0, 0);
    for text in 2..=12 {
        world.say(bob, "dev", &text.to_string());
    }
    world.pass(3000);
    world.people[ann].is_cut_off = false;
    world.pass(30_000);
    let expected = ["bob: 1", "(2 to 7)", "bob: 8", "bob: 9", "bob: 10", "bob: 11", "bob: 12"];
    assert_eq!(world.people[ann].heard("dev"), expected);
}

#[test]
fn a_dead_server_is_found_out_and_the_silence_bridged() {
    for url in [WS, TCP] {
        let mut world = world();
        let (ann, bob) = (world.member(url, "ann", "dev"), world.member(WS, "bob", "dev"));
        world.people[ann].is_black_hole = true;
        world.say(bob, "dev", "hello?");
        let id = world.say(ann, "dev", "into the void");
        world.pass(41_000);
        let told = &world.people[ann].told;
        assert!(told.iter().any(|event| matches!(event, News::Lost { .. })), "{told:?}");
        world.people[ann].is_black_hole = false;
        world.pass(60_000);
        assert_eq!(world.people[ann].settled(), [id], "{url}");
        assert_eq!(world.people[ann].heard("dev"), ["bob: hello?", "(own)"]);
        assert_eq!(world.people[bob].heard("dev"), ["(own)", "ann: into the void"]);
    }
}

#[test]
fn an_idle_session_stays_and_costs_a_ping_now_and_then() {
    for url in [WS, TCP] {
        let mut world = world();
        let ann = world.member(url, "ann", "dev");
        world.people[ann].take();
        world.pass(3_600_000);
        assert_eq!(world.people[ann].take(), [], "{url}");
    }
}

#[test]
fn a_restart_is_waited_out_and_a_stop_is_the_end() {
    let mut world = world();
    let (ann, bob) = (world.member(WS, "ann", "dev"), world.member(TCP, "bob", "dev"));
    let stopped_at = world.now;
    world.stop(Shutdown::Restart);
    for who in [ann, bob] {
        let Some(News::Lost { why, until }) = world.people[who].told.last() else { panic!("it is lost") };
        assert_eq!(why, "the server restarts");
        assert!(*until > stopped_at + Millis(500), "each has its own time, as the server said");
    }
    world.start();
    world.pass(20_000);
    assert_eq!(world.people[ann].session.status(), Status::Online);
    world.stop(Shutdown::Stop);
    for who in [ann, bob] {
        let why = Some("the server has stopped".to_owned());
        assert_eq!(world.people[who].told.last(), Some(&News::Ended { why }));
    }
}

#[test]
fn a_slow_reader_has_everything_or_is_told_what_it_has_not() {
    let settings = chat::Settings {
        history_messages_max: 5,
        publish: chat::Rate { per_second: 0, burst: 1 },
        ..chat::Settings::default()
    };
    let mut world = World::new(1, settings);
    let (ann, bob) = (world.member(WS, "ann", "dev"), world.member(WS, "bob", "dev"));
    world.people[ann].sleeps = true;
    // More than the kernel and the room's log hold together.
    let long = "x".repeat(4000);
    for _ in 0..700 {
        world.say(bob, "dev", &long);
        world.step();
    }
    world.settle();
    world.people[ann].sleeps = false;
    world.settle();
    let heard = world.people[ann].heard("dev");
    let gaps = heard.iter().filter(|line| line.starts_with('(')).count();
    assert!(gaps >= 1 && heard.len() > 100, "{gaps} gaps in {}", heard.len());
    world.say(bob, "dev", "and on");
    world.settle();
    assert_eq!(world.people[ann].heard("dev").last().map(String::as_str), Some("bob: and on"));
}
