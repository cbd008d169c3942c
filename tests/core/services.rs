//! What the server promises a service: `chinwag::service`.

use crate::server::{Peer, Server, close, closed, ping, text, told};

/// Somebody comes, goes, and somebody else has the slot.
fn slot_used_again(server: &mut Server) -> (Peer, Peer) {
    let ann = server.upgrade();
    server.hears(ann, &close(b""));
    server.hears_fin(ann);
    assert!(server.is_closed(ann));
    let bob = server.upgrade();
    assert_eq!(server.notes(bob), ["open"], "bob has ann's slot, and none of her notes");
    assert!(server.has_same_slot(ann, bob));
    (ann, bob)
}

#[test]
fn an_id_whose_connection_has_ended_names_nobody() {
    for command in ["hello", "close 4000", "ring 1000", "join 1", "leave 1", "after 1 hello", "give 10"] {
        let mut server = Server::new();
        let (_, bob) = slot_used_again(&mut server);
        let eve = server.upgrade();
        server.hears(eve, &text("first join 1"));
        server.hears(eve, &text(&format!("first {command}")));
        server.hears(eve, &text("say 1 to whoever is in the room"));
        server.at(server.now + chinwag::time::Millis(2000));
        assert_eq!((server.tells(bob), server.has_fin(bob)), (vec![], false), "{command}");
    }
}

#[test]
fn an_id_whose_connection_is_closing_names_nobody_either() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(ann, &text("close 4000"));
    server.hears(bob, &[text("first hello"), text("first close 4001"), text("first join 1")].concat());
    server.hears(bob, &text("say 1 words"));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
}

#[test]
fn who_is_excepted_by_an_old_id_is_not_who_has_its_slot() {
    let mut server = Server::new();
    let (_, bob) = slot_used_again(&mut server);
    let eve = server.upgrade();
    server.hears(bob, &text("join 1"));
    // Published as if ann had: to all but her.
    server.hears(eve, &text("first say 1 words"));
    assert_eq!(server.tells(bob), [told("words")]);
}

#[test]
fn services_do_not_meet() {
    let mut server = Server::new();
    let ann = server.upgrade();
    let other = server.upgrade_at("/other");
    server.hears(ann, &text("join 1"));
    server.hears(other, &text("join 1"));
    // Neither in a room of the same number,
    server.hears(ann, &text("say 1 words"));
    assert_eq!(server.tells(other), []);
    server.hears(other, &text("all 1 words"));
    assert_eq!((server.tells(ann), server.tells(other)), (vec![], vec![told("words")]));
    // nor by an id of the other's connection.
    for command in ["hello", "close 4000", "ring 1000", "after 1 hello"] {
        server.hears(other, &text(&format!("first {command}")));
        server.at(server.now + chinwag::time::Millis(2000));
        assert_eq!((server.tells(ann), server.has_fin(ann)), (vec![], false), "{command}");
    }
}

#[test]
fn a_greeting_follows_the_response() {
    let mut server = Server::new();
    let ann = server.accept();
    server.hears(ann, crate::server::UPGRADE.replacen('/', "/greeted", 1).as_bytes());
    let said = server.says(ann);
    assert_eq!(said.strip_prefix(crate::server::UPGRADED), Some(&b"\x81\x05hello"[..]));
}

#[test]
fn what_is_done_in_one_turn_leaves_in_one_write() {
    let mut server = Server::new();
    let ann = server.upgrade();
    let writes = server.network.writes;
    server.hears(ann, &[text("one"), text("two"), ping(b""), text("three")].concat());
    assert_eq!(server.network.writes - writes, 1);
}

#[test]
fn nothing_comes_from_a_connection_after_its_end() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &[text("join 1"), text("ring 1000"), text("close 4000")].concat());
    let bob = server.upgrade();
    server.hears(bob, &text("say 1 words"));
    server.at(server.now + chinwag::time::Millis(2000));
    server.hears(ann, &text("late"));
    assert_eq!(server.notes(ann), ["open", "join 1", "ring 1000", "close 4000", "closed 4000 service"]);
    assert_eq!(server.tells(ann), [closed(4000, "bye")], "and what is sent to it in on_close goes nowhere");
}

#[test]
fn the_first_end_counts() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears(ann, &text("close 4000"));
    let bob = server.upgrade();
    server.hears(bob, &text("first close 4001"));
    server.hears(ann, &close(&1000u16.to_be_bytes()));
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    assert_eq!(server.notes(ann), ["open", "close 4000", "closed 4000 service"]);
}

#[test]
fn a_connection_that_breaks_while_it_is_written_to_has_an_end_too() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.sends(ann, &text("hi"));
    server.breaks(ann);
    server.settle();
    assert!(server.is_closed(ann));
    assert_eq!(server.notes(ann), ["open", "hi", "closed 1006 reset"]);
}
