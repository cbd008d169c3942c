//! The link between a session and its server: handshakes, frames, lines, and how each ends.

use super::*;
use crate::proto::http::Head;
use crate::proto::ws::handshake::{Offer, response};

const OFFERED: Upgrade<'_> = Upgrade {
    authority: "example.org",
    target: "/ws",
    subprotocols: &["chinwag.v1.json", "chat"],
    headers: &[("Origin", "http://example.org")],
};

fn upgrading() -> Link {
    Link::upgrade(&OFFERED, Masks::default(), 1024)
}

/// What our server's half of the handshake answers to the request that the link has written.
fn answer(link: &mut Link, subprotocol: Option<&str>) -> Vec<u8> {
    let request = link.out().unwritten().to_vec();
    link.out().note_written(request.len());
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(&request, &mut slots).expect("it is a request").expect("and whole");
    assert_eq!(
        (head.path(), head.host(), head.header("origin")),
        ("/ws", Some("example.org"), Some("http://example.org"))
    );
    let offer = Offer::parse(&head).expect("it is an offer");
    let mut out = Vec::new();
    response(&mut out, offer.accept(), subprotocol, offer.deflate(false));
    out
}

/// What is told, in words, when the bytes come in pieces of `step`.
fn told(link: &mut Link, bytes: &[u8], step: usize) -> Vec<String> {
    let mut told = Vec::new();
    for piece in bytes.to_vec().chunks_mut(step) {
        link.receive(piece, |_, event| told.push(format!("{event:?}")));
    }
    told
}

#[test]
fn the_handshake_and_what_follows_in_the_same_read_are_told_however_the_bytes_are_cut() {
    for step in 1..200 {
        let mut link = upgrading();
        let mut bytes = answer(&mut link, Some("chat"));
        bytes.extend_from_slice(b"\x81\x02hi\x89\x01p\x88\x02\x03\xE9");
        let told = told(&mut link, &bytes, step);
        let end = r#"Ended(Closed { code: 1001, reason: "" })"#;
        assert_eq!(
            told,
            [r#"Open { subprotocol: Some("chat"), is_deflated: false }"#, r#"Text("hi")"#, end],
            "{step}"
        );
        assert!(link.has_ended());
        // A pong and a close, both masked.
        let out = link.out().unwritten();
        assert_eq!((out[0], out[1], out[7], out[8]), (0x8A, 0x81, 0x88, 0x82));
        assert_eq!(out.len(), 7 + 8);
    }
}

#[test]
fn a_server_that_says_no_is_told_with_its_status() {
    let mut link = upgrading();
    let no = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        told(&mut link, no, 7),
        [r#"Ended(Refused { status: 503, retry_after_secs: Some(3), reason: "", location: None })"#]
    );
    let mut link = upgrading();
    let why = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 9\r\n\r\nnot here\n";
    assert_eq!(
        told(&mut link, why, 999),
        [r#"Ended(Refused { status: 421, retry_after_secs: None, reason: "not here", location: None })"#]
    );
    let page = b"<html>\r\n<head><title>403 Forbidden</title></head>";
    assert_eq!((first_line(page), first_line(b"\r\nno\r\n")), ("403 Forbidden", "no"));
    let unchunked = |bytes: &[u8]| {
        let (text, is_last) = unchunked(bytes);
        (String::from_utf8(text).expect("text"), is_last)
    };
    assert_eq!(unchunked(b"3\r\nno \r\n4;a=b\r\nlong\r\n0\r\n\r\n"), ("no long".into(), true));
    assert_eq!(unchunked(b"ffffffffffffffff\r\nno"), ("no".into(), false));
    assert_eq!((unchunked(b"5"), unchunked(b"x\r\n")), (("".into(), false), ("".into(), true)));
    let mut link = upgrading();
    let moved = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://a.example/ws\r\n\r\n";
    assert_eq!(
        told(&mut link, moved, 999),
        [
            r#"Ended(Refused { status: 301, retry_after_secs: None, reason: "", location: Some("https://a.example/ws") })"#
        ]
    );
    assert_eq!((first_line(b"<html>"), first_line(b"caf\xc3"), first_line(b"\xff")), ("", "caf", ""));
    let mut link = upgrading();
    assert_eq!(told(&mut link, b"SSH-2.0-x\r\n\r\n", 7), ["Ended(NotHttp(Version))"]);
}

#[test]
fn the_reason_of_a_refusal_is_waited_for_however_the_bytes_are_cut() {
    let head = "HTTP/1.1 403 Forbidden\r\n";
    let chunks = "4\r\nnot \r\n5\r\ntoday\r\n0\r\n\r\n";
    // The answer, what it says, and whether that is known before the connection ends.
    let cases = [
        (format!("{head}Content-Length: 9\r\n\r\nnot today"), "not today", true),
        (format!("{head}Content-Length: 2000\r\n\r\n\r\nnot today\r\n"), "not today", true),
        (format!("{head}Content-Length: 0\r\n\r\n"), "", true),
        (format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}"), "not today", true),
        (format!("{head}\r\nnot today"), "not today", false),
        (format!("{head}\r\n<html><!--{}--><title>Not today</title>", "x".repeat(600)), "Not today", true),
        (format!("{head}Content-Length: 9000\r\n\r\n{}", "x".repeat(5000)), &*"x".repeat(300), true),
    ];
    for (bytes, reason, is_known) in &cases {
        let ended = format!(
            "Ended(Refused {{ status: 403, retry_after_secs: None, reason: {reason:?}, location: None }})"
        );
        for step in [1, 2, 7, 99_999] {
            let mut link = upgrading().wait_for_reason();
            let mut events = told(&mut link, bytes.as_bytes(), step);
            assert_eq!(events.len(), usize::from(*is_known), "{bytes}");
            link.receive_end(|_, event| events.push(format!("{event:?}")));
            assert_eq!((&events[..], link.has_ended()), (&[ended.clone()][..], true), "{bytes} by {step}");
        }
    }
    let mut link = upgrading().wait_for_reason();
    let mut events = told(&mut link, format!("{head}\r\nnot").as_bytes(), 9);
    link.wait_less(|_, event| events.push(format!("{event:?}")));
    assert_eq!(events.len(), 0, "there is time");
    link.wait_less(|_, event| events.push(format!("{event:?}")));
    assert!(events[0].contains("reason: \"not\"") && link.has_ended(), "{events:?}");
}

#[test]
fn a_port_that_is_for_something_else_is_known_by_its_first_bytes_however_they_are_cut() {
    let alert = b"\x15\x03\x01\x00\x02\x02\x46";
    for step in 1..20 {
        let (mut lines, mut tls) = (upgrading(), upgrading());
        let notice = b"* this port speaks lines of text, not HTTP\n";
        assert_eq!(told(&mut lines, notice, step), ["Ended(OtherProtocol(Lines))"], "{step}");
        assert_eq!(told(&mut tls, alert, step), ["Ended(OtherProtocol(Tls))"], "{step}");
        let (mut lines, mut page) = (Link::lines(100), upgrading());
        let notice = b"* this port speaks TLS: connect with tls://\n";
        assert_eq!(told(&mut lines, notice, step), ["Ended(OtherProtocol(Tls))"], "{step}");
        assert_eq!(told(&mut page, notice, step), ["Ended(OtherProtocol(Tls))"], "{step}");
        let (mut http, mut tls) = (Link::lines(100), Link::lines(100));
        let bad = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(told(&mut http, bad, step), ["Ended(OtherProtocol(Http))"], "{step}");
        assert_eq!(told(&mut tls, alert, step), ["Ended(OtherProtocol(Tls))"], "{step}");
        // Later it is something that somebody says.
        let mut later = Link::lines(100);
        assert_eq!(told(&mut later, b"hi\nHTTP/1.1\n", step), [r#"Text("hi")"#, r#"Text("HTTP/1.1")"#]);
    }
}

#[test]
fn a_head_without_an_end_is_not_gathered_for_ever() {
    let mut link = upgrading();
    let mut endless = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    endless.extend(b"X: yyyyyyyy\r\n".repeat(10_000));
    assert_eq!(told(&mut link, &endless, 1000).len(), 1);
    assert!(link.has_ended());
}

#[test]
fn a_subprotocol_that_nobody_offered_is_no_answer() {
    let mut link = upgrading();
    let bytes = answer(&mut link, Some("soap"));
    assert_eq!(told(&mut link, &bytes, 999), ["Ended(BadHandshake(Subprotocol))"]);
}

#[test]
fn a_rule_broken_by_the_server_ends_the_link_with_the_code_for_it() {
    let mut link = upgrading();
    let mut bytes = answer(&mut link, None);
    bytes.extend_from_slice(b"\x81\x81keysx");
    assert_eq!(told(&mut link, &bytes, 999)[1..], ["Ended(Broken(Masked))"]);
    assert!(link.has_ended() && !link.is_open());
    assert_eq!(link.out().unwritten()[0], 0x88);
}

#[test]
fn nothing_follows_our_close_and_theirs_is_not_answered_again() {
    let mut link = upgrading();
    let bytes = answer(&mut link, None);
    told(&mut link, &bytes, 999);
    link.out().text("hi");
    link.out().close(1000, "");
    let len = link.out().unwritten().len();
    assert_eq!(len, (2 + 4 + 2) + (2 + 4 + 2));
    link.out().text("too late");
    assert!(!link.is_open());
    assert_eq!(told(&mut link, b"\x81\x02hi\x88\x00", 999)[1], r#"Ended(Closed { code: 1005, reason: "" })"#);
    assert_eq!(link.out().unwritten().len(), len);
}

/// What a server hears of what the link has to say.
fn heard(link: &mut Link) -> Vec<String> {
    let mut said = link.out().unwritten().to_vec();
    link.out().note_written(said.len());
    let (mut server, mut input) = (ws::Connection::new(Role::Server, 1 << 20), Input::new(&mut said));
    let mut heard = Vec::new();
    while let Some(event) = server.poll_event(&mut input).expect("it keeps the rules") {
        heard.push(format!("{event:?}"));
    }
    heard
}

#[test]
fn pings_behind_our_close_are_answered_until_theirs() {
    let mut link = upgrading();
    let bytes = answer(&mut link, None);
    told(&mut link, &bytes, 999);
    link.out().close(1000, "");
    assert_eq!(heard(&mut link), [r#"Close(Some(CloseFrame { code: 1000, reason: "" }))"#]);
    told(&mut link, b"\x81\x02hi\x89\x011", 1);
    link.out().text("no message any more");
    assert_eq!(heard(&mut link), ["Pong([49])"]);
    told(&mut link, b"\x89\x012\x88\x00\x89\x013", 999);
    assert!(link.has_ended());
    assert_eq!(heard(&mut link), ["Pong([50])"], "and no second Close");
}

#[test]
fn pongs_that_are_not_taken_do_not_pile_up() {
    let ping = |n: u16| [&[0x89, 125][..], &n.to_be_bytes(), &[7; 123]].concat();
    let pings: Vec<u8> = (0..10_000).flat_map(ping).collect();
    for is_closing in [false, true] {
        let mut link = upgrading();
        let bytes = answer(&mut link, None);
        told(&mut link, &bytes, 999);
        if is_closing {
            link.out().close(1000, "");
            heard(&mut link);
        }
        told(&mut link, &pings, 4096);
        assert!(link.out().unwritten().len() < PONGS_BYTES_MAX + 131);
        let pongs = heard(&mut link);
        assert!(pongs[0].starts_with("Pong([0, 0, 7"), "{}", pongs[0]);
        assert!(heard(&mut link)[0].starts_with("Pong([39, 15, 7"), "the newest");
        // What has yet to be answered is not, when the end comes.
        told(&mut link, &[&pings[..], b"\x88\x00"].concat(), 4096);
        let last = heard(&mut link).pop().expect("there was something");
        assert!(last.starts_with(if is_closing { "Pong" } else { "Close" }), "{last}");
        assert!(heard(&mut link).is_empty());
    }
}

#[test]
fn what_was_agreed_on_is_deflated_in_both_directions_and_small_messages_are_not() {
    let compression = Some(Compression::default());
    let mut link = Link::upgrade_with(&OFFERED, compression, Masks::default(), 1024);
    let mut bytes = answer(&mut link, None);
    // RFC 7692, 7.2.3.1.
    bytes.extend_from_slice(b"\xC1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_eq!(told(&mut link, &bytes, 5)[1..], [r#"Text("Hello")"#]);

    let (short, long) = ("tea ".repeat(31), "tea ".repeat(200));
    link.out().text(&short);
    let len = link.out().unwritten().len();
    assert_eq!((link.out().unwritten()[0], len), (0x81, 2 + 4 + 124));
    link.out().note_written(len);
    link.out().text(&long);
    link.out().binary(long.as_bytes());
    let mut sent = link.out().unwritten().to_vec();
    assert!(sent[0] == 0xC1 && sent.len() < 100, "{sent:?}");
    let agreed = Parameters::OFFER.answer(false).expect("our server takes it");
    let mut server = ws::Connection::new(Role::Server, 1024).deflated(&agreed);
    let mut input = Input::new(&mut sent);
    assert_eq!(server.poll_event(&mut input), Ok(Some(ws::Event::Text(&long))));
    assert_eq!(server.poll_event(&mut input), Ok(Some(ws::Event::Binary(long.as_bytes()))));
}

#[test]
fn a_server_that_deflates_though_nobody_has_offered_that_is_no_answer() {
    let mut link = upgrading();
    let mut bytes = answer(&mut link, None);
    bytes.truncate(bytes.len() - 2);
    bytes.extend_from_slice(b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    assert_eq!(told(&mut link, &bytes, 999), ["Ended(BadHandshake(Extension))"]);
}

#[test]
fn lines_are_messages_and_need_no_handshake() {
    let mut link = Link::lines(10);
    link.out().text("hello");
    assert_eq!(link.out().unwritten(), b"hello\n");
    assert_eq!(
        told(&mut link, b"* welcome\r\n[bob] hi\n", 3),
        [r#"Text("* welcome")"#, r#"Text("[bob] hi")"#]
    );
    assert_eq!(told(&mut link, b"longer than ten\n", 99), ["Ended(BadLine)"]);
    assert!(link.has_ended());
}

#[test]
fn keys_differ() {
    let mut masks = Masks::default();
    assert_ne!(masks.nonce(), masks.nonce());
    assert_ne!(Masks::default().draw(), masks.draw());
    assert_ne!(masks.branch().draw(), masks.branch().draw());
    let mut seeded = Masks::from_seed(7);
    assert_eq!(seeded.clone().branch().draw(), Masks::from_seed(7).branch().draw());
    assert_ne!(seeded.branch().draw(), seeded.branch().draw());
}
