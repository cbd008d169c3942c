//! Who is let in, and what those are told who are not.

use crate::server::{HOST, HTTP, LINES, Server, close};
use chinwag::net::Handler;
use chinwag::server::Limits;

fn is_told_to_come_back(refusal: &str, secs: u32) -> bool {
    refusal.starts_with("HTTP/1.1 503 ")
        && refusal.contains("\r\nConnection: close\r\n")
        && refusal.contains(&format!("\r\nRetry-After: {secs}\r\n"))
        && refusal.ends_with("try again later\n")
}

fn is_a_notice(refusal: &str) -> bool {
    refusal.starts_with("* ") && refusal.ends_with("try again later\n") && refusal.lines().count() == 1
}

#[test]
fn who_finds_no_descriptor_is_told_to_come_back() {
    let server = Server::new();
    let refusal = |listener| str::from_utf8(server.core.refusal(listener)).expect("it is text");
    assert!(is_told_to_come_back(refusal(HTTP), 1));
    assert!(is_a_notice(refusal(LINES)));
}

#[test]
fn who_finds_a_full_house_is_told_to_come_back_and_gets_the_next_free_place() {
    let mut server = Server::with(Limits { connections_max: Some(2), ..Limits::default() });
    let (ann, _bob) = (server.upgrade(), server.accept_line());
    assert!(is_told_to_come_back(&server.knock(HTTP, HOST).expect_err("it is full"), 5));
    assert!(is_a_notice(&server.knock(LINES, HOST).expect_err("it is full")));
    // A place is taken until its socket is closed.
    server.hears(ann, &close(b""));
    assert!(server.has_fin(ann) && server.knock(HTTP, HOST).is_err());
    server.hears_fin(ann);
    assert!(server.knock(HTTP, HOST).is_ok());
    assert!(server.knock(HTTP, HOST).is_err());
}

#[test]
fn an_address_has_so_many_places_and_no_more() {
    let mut server = Server::with(Limits { connections_per_address_max: Some(2), ..Limits::default() });
    let other = "10.0.0.1".parse().expect("an address");
    let ann = server.upgrade();
    assert!(server.knock(LINES, HOST).is_ok());
    assert!(is_told_to_come_back(&server.knock(HTTP, HOST).expect_err("two are there"), 5));
    assert!(is_a_notice(&server.knock(LINES, HOST).expect_err("two are there")));
    assert!(server.knock(HTTP, other).is_ok());
    server.hears_reset(ann);
    assert!(server.knock(HTTP, HOST).is_ok());
}
