//! Who waits for whom: nobody for long.

use crate::server::{Peer, Server, text, told};

/// More than one flush writes to.
const MANY: usize = 1200;
/// The same turn, or the next.
const SOON: usize = 2;

/// Turns until a peer is told something, and that is all that it is told.
fn turns_until_told(
    server: &mut Server,
    peer: Peer,
    words: &str,
    mut before_each: impl FnMut(&mut Server),
) -> usize {
    for turns in 1..100 {
        before_each(server);
        server.turn();
        if server.waits_for(peer) > 0 {
            assert_eq!(server.has_told(peer), [told(words)]);
            return turns;
        }
    }
    panic!("it is never told");
}

#[test]
fn those_with_something_of_their_own_do_not_starve_a_room() {
    let mut server = Server::new();
    let busy = server.upgrade_many(MANY);
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    let all_speak = |server: &mut Server| {
        for &peer in &busy {
            server.sends(peer, &text("echo"));
            server.takes(peer, usize::MAX);
        }
    };
    for _ in 0..3 {
        all_speak(&mut server);
        server.turn();
    }
    for n in 0..5 {
        let words = n.to_string();
        server.sends(ann, &text(&format!("say 1 {words}")));
        let turns = turns_until_told(&mut server, bob, &words, all_speak);
        assert!(turns <= SOON, "{turns} turns");
    }
}

#[test]
fn a_large_room_does_not_starve_a_small_one_or_those_with_something_of_their_own() {
    let mut server = Server::new();
    let large = server.upgrade_many(MANY);
    let (ann, bob, eve) = (server.upgrade(), server.upgrade(), server.upgrade());
    for &member in &large {
        server.hears(member, &text("join 1"));
    }
    server.hears(bob, &text("join 2"));
    // Its round is never over.
    let large_speaks = |server: &mut Server| {
        server.sends(eve, &text("say 1 words"));
        large.iter().for_each(|&member| drop(server.takes(member, usize::MAX)));
    };
    for _ in 0..3 {
        large_speaks(&mut server);
        server.turn();
    }
    for n in 0..5 {
        let words = n.to_string();
        server.sends(ann, &text(&format!("say 2 {words}")));
        let turns = turns_until_told(&mut server, bob, &words, large_speaks);
        assert!(turns <= SOON, "{turns} turns for a small room");
        server.sends(ann, &text(&words));
        let turns = turns_until_told(&mut server, ann, &words, large_speaks);
        assert!(turns <= SOON, "{turns} turns for an echo");
    }
}

#[test]
fn several_large_rooms_do_not_starve_a_small_one() {
    let mut server = Server::new();
    let (ann, bob, eve) = (server.upgrade(), server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    let rooms = 2..=6;
    let large = server.upgrade_many(MANY);
    for (member, room) in large.iter().zip(rooms.clone().cycle()) {
        server.hears(*member, &text(&format!("join {room}")));
    }
    let all_speak = |server: &mut Server| {
        rooms.clone().for_each(|room| server.sends(eve, &text(&format!("say {room} words"))));
        large.iter().for_each(|&member| drop(server.takes(member, usize::MAX)));
    };
    for _ in 0..3 {
        all_speak(&mut server);
        server.turn();
    }
    for n in 0..8 {
        let words = n.to_string();
        server.sends(ann, &text(&format!("say 1 {words}")));
        let turns = turns_until_told(&mut server, bob, &words, all_speak);
        assert!(turns <= SOON, "{turns} turns");
    }
}

#[test]
fn a_turn_writes_to_a_bounded_number_and_the_next_goes_on() {
    let mut server = Server::new();
    let members = server.upgrade_many(MANY);
    for &member in &members {
        server.hears(member, &text("join 1"));
    }
    let ann = server.upgrade();
    for in_a_room in [true, false] {
        if in_a_room {
            server.sends(ann, &text("say 1 hello"));
        } else {
            members.iter().for_each(|&member| server.sends(member, &text("hello")));
        }
        let mut turns = 0;
        loop {
            let writes = server.network.writes;
            server.turn();
            let writes = server.network.writes - writes;
            if writes == 0 {
                break;
            }
            assert!(writes <= 640, "{writes} writes in a turn");
            turns += 1;
        }
        assert!((2..=4).contains(&turns), "{turns} turns for {MANY}");
        for &member in &members {
            assert_eq!(server.has_told(member), [told("hello")]);
        }
    }
}

#[test]
fn a_round_goes_on_where_it_stopped() {
    let mut server = Server::new();
    let members = server.upgrade_many(MANY);
    for &member in &members {
        server.hears(member, &text("join 1"));
    }
    let ann = server.upgrade();
    // A room that says something in every turn: each member hears of it at least every third.
    let mut silent_for = vec![0; MANY];
    for _ in 0..12 {
        server.sends(ann, &text("say 1 words"));
        server.turn();
        for (&member, silent_for) in members.iter().zip(&mut silent_for) {
            *silent_for = if server.takes(member, usize::MAX).is_empty() { *silent_for + 1 } else { 0 };
            assert!(*silent_for <= 3, "{silent_for} turns without a word");
        }
    }
}

#[test]
fn a_peer_that_sends_without_end_is_one_of_many() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.sends(ann, &text("x").repeat(1_000_000));
    server.sends(bob, &text("hi"));
    server.turn();
    assert_eq!(server.has_told(bob), [told("hi")], "after one read of ann's");
}
