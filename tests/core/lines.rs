//! The line port: lines in, lines out.

use crate::server::{BEGIN, Server, text, told};
use chinwag::server::Limits;
use chinwag::time::Millis;

#[test]
fn a_line_is_a_message_and_a_message_a_line() {
    let mut server = Server::new();
    let ann = server.accept_line();
    assert_eq!(server.notes(ann), ["open"], "at once, as she may well listen first");
    server.hears(ann, "grüß\r\ndich\n\n".as_bytes());
    assert_eq!(server.says(ann), "grüß\ndich\n\n".as_bytes());
}

#[test]
fn lines_may_be_cut_anywhere() {
    let bytes = "one\r\nzwölf\nthree\n".as_bytes();
    for cut in 1..bytes.len() {
        let mut server = Server::new();
        let ann = server.accept_line();
        server.hears(ann, &bytes[..cut]);
        server.hears(ann, &bytes[cut..]);
        assert_eq!(server.says(ann), "one\nzwölf\nthree\n".as_bytes(), "cut at {cut}");
    }
}

#[test]
fn a_line_of_the_limit_is_taken_and_a_longer_one_is_skipped_to_its_end() {
    let len_max = Limits::default().line_bytes_max;
    let mut server = Server::new();
    let ann = server.accept_line();
    let line = "x".repeat(len_max);
    server.hears(ann, format!("{line}\n{line}x and more\nok\n").as_bytes());
    assert_eq!(server.says(ann), format!("{line}\nok\n").into_bytes());
    assert_eq!(server.notes(ann), ["open", &line, "TooLong { first: 120 }", "ok"]);
    // Known before its end has come, and told once.
    server.hears(ann, &vec![b'y'; len_max + 1]);
    server.hears(ann, &vec![b'y'; 3 * len_max]);
    assert_eq!(server.notes(ann)[4..], ["TooLong { first: 121 }"]);
}

#[test]
fn a_line_that_is_not_utf8_is_no_message() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"\xFF\nok\n");
    assert_eq!(server.says(ann), b"ok\n");
    assert_eq!(server.notes(ann), ["open", "NotUtf8 { first: 255 }", "ok"]);
}

#[test]
fn the_first_byte_of_a_line_is_known_before_its_end() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"ring 1000\n{\"half\":");
    server.at(BEGIN + Millis(2000));
    assert_eq!(server.notes(ann)[2..], ["ring amid a line that begins with {"]);
    server.hears(ann, b"1}\nring 1000\n");
    server.at(BEGIN + Millis(4000));
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("ring"), "between two lines there is none");
}

#[test]
fn a_room_is_the_same_for_lines_and_frames() {
    let mut server = Server::new();
    let (ann, bob) = (server.accept_line(), server.upgrade());
    server.hears(ann, b"join 1\n");
    server.hears(bob, &text("join 1"));
    server.hears(ann, b"say 1 from ann\n");
    server.hears(bob, &text("say 1 from bob"));
    assert_eq!(server.says(ann), b"from bob\n");
    assert_eq!(server.tells(bob), [told("from ann")]);
}

#[test]
fn a_line_connection_is_not_sent_bytes() {
    let mut server = Server::new();
    let ann = server.accept_line();
    let bob = server.upgrade();
    server.hears(bob, &text("first give 3"));
    assert_eq!(server.says(ann), b"xxx\n");
}

#[test]
fn a_request_for_a_page_is_no_line() {
    for request in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"POST /x HTTP/1.0\nclose 4000\n"] {
        let mut server = Server::new();
        let ann = server.accept_line();
        server.hears(ann, request);
        let said = server.says(ann);
        assert!(said.starts_with(b"* ") && said.ends_with(b"\n"), "{}", String::from_utf8_lossy(&said));
        assert!(server.has_fin(ann));
        assert_eq!(server.notes(ann)[0], "open");
        assert!(server.notes(ann)[1].starts_with("closed "), "its lines are not served");
    }
    // Who has said something else before, speaks of HTTP.
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"look:\nGET / HTTP/1.1\n");
    assert_eq!(server.says(ann), b"look:\nGET / HTTP/1.1\n");
}
