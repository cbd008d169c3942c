//! What a topic says, who hears it, and in which order.

use crate::server::{Peer, Server, closed, text, told};
use crate::support::{Heard, client_hears};

fn join(server: &mut Server, peers: &[Peer]) {
    for &peer in peers {
        server.hears(peer, &text("join 1"));
    }
}

#[test]
fn a_room_hears_what_one_says_but_not_the_one() {
    let mut server = Server::new();
    let (ann, bob, eve) = (server.upgrade(), server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob]);
    server.hears(ann, &[text("say 1 to others"), text("all 1 to all")].concat());
    assert_eq!(server.tells(ann), [told("to all")]);
    assert_eq!(server.tells(bob), [told("to others"), told("to all")]);
    assert_eq!(server.tells(eve), [], "who is not in it");
}

#[test]
fn what_was_said_before_one_came_and_after_one_left_is_not_heard() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[ann]);
    // In one turn.
    server.sends(ann, &text("say 1 before"));
    server.sends(bob, &text("join 1"));
    server.settle();
    server.hears(ann, &text("say 1 during"));
    server.sends(ann, &text("say 1 until"));
    server.sends(bob, &text("leave 1"));
    server.settle();
    server.hears(ann, &text("say 1 after"));
    assert_eq!(server.tells(bob), [told("during"), told("until")]);
}

#[test]
fn who_leaves_while_behind_still_hears_what_was_said_until_then() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob]);
    server.set_capacity(bob, 4);
    server.hears(ann, &[text("say 1 one"), text("say 1 two")].concat());
    server.hears(bob, &[text("leave 1"), text("echo")].concat());
    server.hears(ann, &text("say 1 three"));
    assert_eq!(server.tells(bob), [told("one"), told("two"), told("echo")]);
}

#[test]
fn an_answer_stands_where_it_was_given() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob]);
    server.set_capacity(bob, 0);
    server.hears(ann, &text("say 1 one"));
    server.hears(bob, &[text("say 1 mine"), text("after 1 mine is said")].concat());
    server.hears(ann, &text("say 1 two"));
    assert_eq!(server.tells(bob), [told("one"), told("mine is said"), told("two")]);
}

#[test]
fn a_member_of_several_rooms_hears_each_in_its_order() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    for topic in 1..=9 {
        server.hears(bob, &text(&format!("join {topic}")));
    }
    server.set_capacity(bob, 0);
    for n in 0..20 {
        for topic in 1..=9 {
            server.hears(ann, &text(&format!("say {topic} {topic}.{n}")));
        }
    }
    let heard = server.tells(bob);
    assert_eq!(heard.len(), 180);
    for topic in 1..=9 {
        let is_of_it =
            |heard: &&Heard| matches!(heard, Heard::Text(text) if text.starts_with(&format!("{topic}.")));
        let expected: Vec<Heard> = (0..20).map(|n| told(&format!("{topic}.{n}"))).collect();
        assert_eq!(heard.iter().filter(is_of_it).cloned().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_member_that_a_room_has_moved_past_is_told_so_and_goes_on() {
    let mut server = Server::new();
    let (ann, bob, eve) = (server.upgrade(), server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob, eve]);
    server.set_capacity(bob, 500);
    // Four times what a room remembers.
    let words = "x".repeat(1024);
    for _ in 0..1024 {
        server.hears(ann, &text(&format!("say 1 {words}")));
        assert_eq!(server.tells(eve), [told(&words)], "nobody waits for bob");
    }
    let heard = server.tells(bob);
    assert_eq!(heard[0], told(&words), "what had begun");
    let missed: usize = heard.iter().filter_map(missed).sum();
    let received = heard.iter().filter(|heard| **heard == told(&words)).count();
    assert_eq!(missed + received, 1024, "each is heard, or told to be missed");
    assert_eq!(server.notes(bob).iter().filter(|note| *note == "Lagged").count(), 1);
    server.hears(ann, &text("say 1 the next"));
    assert_eq!(server.tells(bob), [told("the next")]);
}

fn missed(heard: &Heard) -> Option<usize> {
    match heard {
        Heard::Text(text) => text.strip_prefix("missed ")?.parse().ok(),
        _ => None,
    }
}

#[test]
fn earlier_entries_that_are_asked_for_stand_where_they_were_asked_for() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob]);
    let ask = [text("before"), text("replay 1 5-8"), text("behind")].concat();
    server.set_capacity(bob, 3);
    server.sends(bob, &ask);
    server.settle();
    server.hears(ann, &text("say 1 news"));
    let said = server.says_in_sips(bob, 3);
    let entries = ["before", "entry 5", "entry 6", "entry 7", "behind", "news"];
    assert_eq!(client_hears(&said), entries.map(told));
    assert_eq!(server.notes(bob).iter().filter(|note| *note == "Requested").count(), 3, "a slice at a time");
}

#[test]
fn a_room_that_nobody_is_behind_in_keeps_nothing() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[ann, bob]);
    let bytes = |server: &Server| {
        let mut held = 0;
        server.core.stats(&mut |name, value| held += if name == "topic_bytes" { value } else { 0 });
        held
    };
    server.set_capacity(bob, 0);
    server.hears(ann, &text("say 1 hello"));
    assert!(bytes(&server) > 0);
    server.says(bob);
    assert_eq!(bytes(&server), 0);
}

#[test]
fn many_that_speak_in_one_turn_are_heard_in_one_write() {
    let mut server = Server::new();
    let bob = server.upgrade();
    let others = server.upgrade_many(50);
    join(&mut server, &[bob]);
    let writes = server.network.writes;
    for (n, &other) in others.iter().enumerate() {
        server.sends(other, &text(&format!("say 1 {n}")));
    }
    server.settle();
    assert_eq!(server.network.writes - writes, 1);
    let expected: Vec<Heard> = (0..50).map(|n| told(&n.to_string())).collect();
    assert_eq!(client_hears(&server.says(bob)), expected);
}

#[test]
fn what_many_say_in_one_turn_is_lost_to_nobody_who_reads() {
    let mut server = Server::new();
    let bob = server.upgrade();
    let others = server.upgrade_many(40);
    join(&mut server, &[bob]);
    // Each in one read, and together ten times what a room remembers.
    let words = "x".repeat(1000);
    for &other in &others {
        server.sends(other, &text(&format!("say 1 {words}")).repeat(60));
    }
    assert!(server.tells(bob) == vec![told(&words); 40 * 60]);
    assert!(!server.notes(bob).contains(&"Lagged".to_owned()));
}

#[test]
fn who_says_more_than_a_room_remembers_is_not_read_until_it_has_been_heard() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    join(&mut server, &[bob]);
    let words = "x".repeat(60_000);
    let said = text(&format!("say 1 {words}")).repeat(200);
    let (mut heard, mut most) = (Vec::with_capacity(said.len()), 0);
    let before = server.heap_bytes();
    server.sends(ann, &said);
    while server.unread(ann) > 0 || server.waits_for(bob) > 0 {
        server.turn();
        most = most.max(server.heap_bytes() - before);
        heard.extend(server.takes(bob, usize::MAX));
    }
    assert!(client_hears(&heard) == vec![told(&words); 200], "bob is a fast reader");
    assert!(most < 1 << 20, "{most} bytes of heap for 12 MB that were said");
}

#[test]
fn who_is_sent_far_more_by_others_than_it_takes_is_too_slow() {
    let mut server = Server::new();
    let (bob, ann) = (server.upgrade(), server.upgrade());
    server.set_capacity(bob, 0);
    // To bob alone, whose own reading is not at fault: he has said nothing.
    for _ in 0..40 {
        server.hears(ann, &text("first give 50000"));
    }
    assert_eq!(server.notes(bob).last().map(String::as_str), Some("closed 4108 too-slow"));
    assert_eq!(server.tells(bob), [closed(4108, "too slow")]);
}

#[test]
fn a_member_that_is_closed_while_behind_is_sent_no_hole() {
    let mut server = Server::new();
    let (bob, ann, eve) = (server.upgrade(), server.upgrade(), server.upgrade());
    join(&mut server, &[bob, eve]);
    server.set_capacity(bob, 4);
    server.hears(ann, &[text("say 1 one"), text("say 1 two"), text("first close 4000")].concat());
    // The room moves on, beyond what bob was still to hear.
    let words = text(&format!("say 1 {}", "x".repeat(1000)));
    for _ in 0..1000 {
        server.hears(ann, &words);
        server.says(eve);
    }
    let heard = server.tells(bob);
    assert_eq!(heard[0], told("one"), "what had begun is finished");
    assert!(matches!(heard[1..], [Heard::Close(Some((4000, _)))]), "and what follows a hole is not sent");
}
