//! The end of the server: everybody is told, whatever they are doing, and it costs little.

use crate::server::{Peer, Server, UPGRADE, close, closed, text, told};
use crate::support::{Heard, client_hears};
use chinwag::net::Handler;
use chinwag::server::Shutdown;
use chinwag::time::Millis;

/// Members of one room, none of whom takes anything, and what the room has said.
fn blocked_members(server: &mut Server, count: usize) -> (Vec<Peer>, Vec<Heard>) {
    let members = server.upgrade_many(count);
    for &member in &members {
        server.hears(member, &text("join 1"));
        server.set_capacity(member, 0);
    }
    let ann = server.upgrade();
    let words = "x".repeat(1000);
    for _ in 0..200 {
        server.hears(ann, &text(&format!("say 1 {words}")));
    }
    server.hears(ann, &close(b""));
    server.hears_fin(ann);
    (members, vec![told(&words); 200])
}

#[test]
fn what_a_room_has_said_is_not_copied_for_each_of_its_members() {
    let mut server = Server::new();
    let (members, said) = blocked_members(&mut server, 200);
    let before = server.heap_bytes();
    server.hears_of_its_end(Shutdown::Stop);
    let each = (server.heap_bytes() - before) / members.len();
    assert!(each <= 1024, "{each} bytes for each member, of a room that has said {} in all", 200 * 1000);
    // And those who read after all hear it.
    for &member in &members[..3] {
        let heard = server.tells(member);
        assert_eq!(heard[..200], said);
        assert_eq!(heard[200..], [closed(1001, "the server stops")]);
    }
}

#[test]
fn what_a_room_has_said_is_not_copied_for_each_who_leaves() {
    type Leaves = fn(&mut Server, Peer);
    let ways: [Leaves; 3] = [
        |server, peer| server.hears(peer, &text("leave 1")),
        |server, peer| server.hears(peer, &close(b"")),
        |server, peer| server.hears_fin(peer),
    ];
    for leaves in ways {
        let mut server = Server::new();
        let (members, _) = blocked_members(&mut server, 100);
        let before = server.heap_bytes();
        members.iter().for_each(|&member| leaves(&mut server, member));
        let each = server.heap_bytes().saturating_sub(before) / members.len();
        assert!(each <= 1024, "{each} bytes for each member");
    }
}

#[test]
fn a_member_that_is_in_the_middle_of_a_frame_gets_the_rest_before_its_close() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    server.set_capacity(bob, 4);
    server.hears(ann, &[text("say 1 one"), text("say 1 two")].concat());
    server.hears_of_its_end(Shutdown::Restart);
    let said = server.says_in_sips(bob, 4);
    assert_eq!(client_hears(&said), [told("one"), told("two"), closed(1012, "the server restarts")]);
}

#[test]
fn nothing_is_served_after_it() {
    let mut server = Server::new();
    let (ann, bob, eve) = (server.upgrade(), server.accept(), server.accept_line());
    server.hears_of_its_end(Shutdown::Stop);
    assert!(!server.core.is_accepting());
    server.hears(ann, &text("late"));
    server.hears(bob, UPGRADE.as_bytes());
    server.hears(eve, b"late\n");
    assert_eq!(server.tells(ann), [closed(1001, "the server stops")]);
    assert_eq!((server.says(bob), server.says(eve)), (vec![], vec![]));
    assert!(server.has_fin(bob) && server.has_fin(eve));
    assert_eq!(server.notes(ann), ["open", "closed 1001 stopping"]);
}

#[test]
fn services_hear_of_it_before_anybody_is_closed() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.hears_of_its_end(Shutdown::Restart);
    server.hears_of_its_end(Shutdown::Stop);
    assert_eq!(server.notes_of_nobody(), ["Restart", "Restart"], "each service, once");
    assert_eq!(server.notes(ann), ["open", "closed 1012 restarting"]);
}

#[test]
fn who_is_closing_already_keeps_its_reason() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(ann, &text("close 4000"));
    server.hears(bob, &close(b"\x03\xE8"));
    server.hears_of_its_end(Shutdown::Stop);
    assert_eq!(server.tells(ann), [closed(4000, "bye")]);
    assert_eq!(server.tells(bob), [closed(1000, "")]);
}

#[test]
fn a_peer_whose_reading_was_paused_can_still_answer() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    let echoes = text(&"x".repeat(1000)).repeat(300);
    server.hears(ann, &echoes);
    assert!(server.unread(ann) > 0);
    server.hears_of_its_end(Shutdown::Stop);
    // She reads all, and answers behind what she had sent before.
    let heard = server.tells(ann);
    assert_eq!(heard.last(), Some(&closed(1001, "the server stops")));
    server.hears(ann, &close(&1001u16.to_be_bytes()));
    assert!(server.has_fin(ann), "her answer has been read");
    server.hears_fin(ann);
    assert!(server.core.is_done());
}

#[test]
fn a_peer_that_takes_nothing_can_still_answer() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &text(&"x".repeat(1000)).repeat(300));
    server.hears_of_its_end(Shutdown::Stop);
    assert_eq!(server.unread(ann), 0, "what she had sent before is read, and dropped");
    server.hears(ann, &close(&1001u16.to_be_bytes()));
    server.hears_fin(ann);
    assert_eq!(server.tells(ann).last(), Some(&closed(1001, "the server stops")));
    assert!(server.core.is_done(), "nothing more is awaited");
}

#[test]
fn when_its_time_is_over_nothing_is_left() {
    let mut server = Server::new();
    let (_members, _) = blocked_members(&mut server, 20);
    let silent = server.upgrade();
    server.hears_of_its_end(Shutdown::Stop);
    let done_at = server.now + Millis::from_secs(5);
    server.happens_at(done_at, |server| server.core.is_done());
    assert!(server.is_closed(silent) && server.core.is_empty());
    assert_eq!(server.notes(silent), ["open", "closed 1001 stopping"]);
}
