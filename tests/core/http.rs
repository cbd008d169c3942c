//! Requests, and the one that becomes a WebSocket. RFC 9112; RFC 6455, 4.2.

use crate::server::{
    MESSAGE_BYTES_MAX, Peer, SMALL_MESSAGE_BYTES_MAX, Server, UPGRADE, UPGRADED, closed, masked_binary, ping,
    text, told,
};
use crate::support::{Heard, binary, client_hears, masked};
use chinwag::proto::ws::Opcode;
use chinwag::server::{AllowedOrigins, Limits};

/// A request with these header fields in place of the `Host`.
fn request(line: &str, fields: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: chat.example\r\n{fields}\r\n").into_bytes()
}

/// A handshake with one more header field.
fn handshake(path: &str, field: &str) -> String {
    UPGRADE.replacen('/', path, 1).replacen("\r\n", &format!("\r\n{field}"), 1)
}

fn answer(server: &mut Server, peer: Peer) -> String {
    String::from_utf8(server.says(peer)).expect("an answer is text")
}

/// The answer to bytes that a new connection sends.
fn answer_to(server: &mut Server, bytes: &[u8]) -> (Peer, String) {
    let peer = server.accept();
    server.hears(peer, bytes);
    let answer = answer(server, peer);
    (peer, answer)
}

fn status(answer: &str) -> &str {
    answer.strip_prefix("HTTP/1.1 ").map_or("", |rest| &rest[..3])
}

#[test]
fn frames_in_the_segment_of_the_handshake_are_served() {
    let mut server = Server::new();
    let ann = server.accept();
    server.hears(ann, &[UPGRADE.as_bytes(), &text("hi"), &ping(b"!")].concat());
    let said = server.says(ann);
    let frames = said.strip_prefix(UPGRADED).expect("the response comes first");
    assert_eq!(client_hears(frames).len(), 2);
    assert_eq!(server.notes(ann), ["open", "hi"]);
}

#[test]
fn a_handshake_and_what_follows_may_be_cut_anywhere() {
    let bytes = [UPGRADE.as_bytes(), &text("one"), &text("two")].concat();
    let expected = [UPGRADED, b"\x81\x03one\x81\x03two"].concat();
    for cut in 1..bytes.len() {
        let mut server = Server::new();
        let ann = server.accept();
        server.hears(ann, &bytes[..cut]);
        server.hears(ann, &bytes[cut..]);
        assert_eq!(server.says(ann), expected, "cut at {cut}");
    }
    let mut server = Server::new();
    let ann = server.accept();
    bytes.iter().for_each(|&byte| server.hears(ann, &[byte]));
    assert_eq!(server.says(ann), expected);
}

#[test]
fn nothing_gets_into_the_response_to_a_handshake() {
    let mut server = Server::new();
    let ann = server.accept();
    server.set_capacity(ann, 7);
    server.hears(ann, &[handshake("/greeted", "").as_bytes(), &ping(b"!")].concat());
    let said = server.says_in_sips(ann, 7);
    let frames = said.strip_prefix(UPGRADED).expect("the response comes first, and whole");
    assert_eq!(client_hears(frames), [Heard::Pong(b"!".to_vec()), told("hello")]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut server = Server::new();
    let requests = [
        request("GET /page", ""),
        [request("POST /", "Content-Length: 4\r\n"), b"body".to_vec()].concat(),
        request("GET /none", ""),
        request("HEAD /page", ""),
        request("GET /page", "Connection: close\r\n"),
        request("GET /never-served", ""),
    ];
    let (ann, said) = answer_to(&mut server, &requests.concat());
    let answers: Vec<&str> = said.split("HTTP/1.1 ").skip(1).collect();
    let starts: Vec<&str> = answers.iter().map(|answer| &answer[..3]).collect();
    assert_eq!(starts, ["200", "200", "404", "200", "200"], "and nothing behind the last");
    assert!(answers[0].ends_with("\r\n\r\na page\n") && answers[1].ends_with("\r\n\r\nPOST / 4\n"));
    assert!(answers[0].contains("\r\nConnection: keep-alive\r\n"));
    assert!(answers[4].contains("\r\nConnection: close\r\n"));
    assert!(server.has_fin(ann));
}

#[test]
fn requests_may_be_cut_anywhere() {
    let bytes = [
        request("GET /page", ""),
        [request("POST /", "Content-Length: 4\r\n"), b"body".to_vec()].concat(),
        request("GET /page", "Connection: close\r\n"),
    ]
    .concat();
    let (_, expected) = answer_to(&mut Server::new(), &bytes);
    for cut in 1..bytes.len() {
        let mut server = Server::new();
        let ann = server.accept();
        server.hears(ann, &bytes[..cut]);
        server.hears(ann, &bytes[cut..]);
        assert_eq!(answer(&mut server, ann), expected, "cut at {cut}");
    }
}

#[test]
fn an_answer_to_head_has_the_length_of_the_body_and_not_the_body() {
    for (line, fields) in
        [("HEAD /page", ""), ("HEAD /page", "Connection: close\r\n"), ("HEAD /none", ""), ("HEAD /", "")]
    {
        let mut server = Server::new();
        let (_, head) = answer_to(&mut server, &request(line, fields));
        let (_, get) = answer_to(&mut server, &request(&line.replace("HEAD", "GET"), fields));
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        if line != "HEAD /" {
            let get_head = &get[..get.find("\r\n\r\n").expect("a head") + 4];
            assert_eq!(head, get_head);
        }
    }
    // Refused, too.
    let (_, refused) =
        answer_to(&mut Server::new(), &handshake("/none", "").replace("GET", "HEAD").into_bytes());
    assert!(refused.ends_with("\r\n\r\n"), "{refused}");
}

#[test]
fn a_body_of_the_limit_is_taken_and_a_longer_one_refused_before_it_comes() {
    let len_max = Limits::default().body_bytes_max;
    let mut server = Server::new();
    let ann = server.accept();
    let head = request("POST /", &format!("Content-Length: {len_max}\r\n"));
    server.hears(ann, &[head, vec![b'x'; len_max]].concat());
    assert!(answer(&mut server, ann).ends_with(&format!("POST / {len_max}\n")));
    assert!(!server.has_fin(ann));

    let bob = server.accept();
    server.hears(bob, &request("POST /", &format!("Content-Length: {}\r\n", len_max + 1)));
    assert_eq!(status(&answer(&mut server, bob)), "413");
    assert!(server.has_fin(bob));
    // It is read all the same, lest a reset overtake the answer.
    server.hears(bob, &vec![b'x'; len_max + 1]);
    assert_eq!((server.unread(bob), server.says(bob)), (0, vec![]));
}

#[test]
fn a_client_that_waits_for_word_is_told_to_go_on_once() {
    let mut server = Server::new();
    let (ann, said) =
        answer_to(&mut server, &request("POST /", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
    assert_eq!(said, "HTTP/1.1 100 Continue\r\n\r\n");
    server.hears(ann, b"bo");
    assert_eq!(server.says(ann), b"");
    server.hears(ann, b"dy");
    assert!(answer(&mut server, ann).ends_with("POST / 4\n"));
    // The next request is another.
    server.hears(ann, &request("POST /", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
    assert_eq!(answer(&mut server, ann), "HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn what_is_not_to_be_had_is_said_and_why() {
    for (line, expected) in
        [("GET /none", "404"), ("POST /page", "405"), ("DELETE /page", "405"), ("GET page", "400")]
    {
        let fields = if line.starts_with("POST") { "Content-Length: 0\r\n" } else { "" };
        let (_, said) = answer_to(&mut Server::new(), &request(line, fields));
        assert_eq!(status(&said), expected, "{line}");
        assert!(
            said.ends_with('\n') && !said.ends_with("\r\n\r\n"),
            "a line that says what was wrong: {said}"
        );
        assert_eq!(said.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), expected == "405");
    }
}

#[test]
fn options_are_answered_for_pages_for_services_and_for_the_server() {
    for (line, expected) in
        [("OPTIONS /page", "204"), ("OPTIONS /", "204"), ("OPTIONS *", "204"), ("OPTIONS /none", "404")]
    {
        let (_, said) = answer_to(&mut Server::new(), &request(line, ""));
        assert_eq!(status(&said), expected, "{line}");
        assert_eq!(said.contains("\r\nAllow: GET"), expected == "204", "{said}");
    }
    // HAProxy's own check: without a Host, and the connection ends.
    let mut server = Server::new();
    let (ann, said) = answer_to(&mut server, b"OPTIONS / HTTP/1.0\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 204 No Content\r\nAllow: GET, OPTIONS\r\n"), "{said}");
    assert!(server.has_fin(ann));
}

#[test]
fn a_slash_at_the_end_makes_no_difference() {
    for path in ["/other/", "/greeted/"] {
        let (_, said) = answer_to(&mut Server::new(), handshake(path, "").as_bytes());
        assert_eq!(status(&said), "101", "{path}");
    }
}

#[test]
fn tls_is_answered_with_an_alert_however_the_hello_is_cut() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on";
    for cut in 1..hello.len() {
        let mut server = Server::new();
        let ann = server.accept();
        server.hears(ann, &hello[..cut]);
        assert_eq!(server.says(ann), [21, 3, 1, 0, 2, 2, 70], "cut at {cut}");
        assert!(server.has_fin(ann) && !server.is_closed(ann));
        server.hears(ann, &hello[cut..]);
        assert_eq!((server.unread(ann), server.says(ann)), (0, vec![]));
        assert_eq!(server.core.metrics().tls_on_plain, 1);
    }
    // Behind a request it is no hello.
    let mut server = Server::new();
    let (ann, _) = answer_to(&mut server, &request("GET /page", ""));
    server.hears(ann, b"\x16\x03\x01\r\n\r\n");
    assert_eq!(status(&answer(&mut server, ann)), "400");
}

#[test]
fn a_handshake_that_fails_is_told_why_and_what_follows_is_dropped() {
    let sound = handshake("/", "");
    for (broken, expected) in [
        (handshake("/none", ""), "404"),
        (handshake("/page", ""), "404"),
        (handshake("/never", ""), "409"),
        (sound.replace("Version: 13", "Version: 8"), "426"),
        (sound.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), "400"),
        (sound.replace("GET", "PUT"), "405"),
        (handshake("/", "Content-Length: 4\r\n"), "400"),
        (handshake("/", "Origin: http://evil.example\r\n"), "403"),
    ] {
        let mut server = Server::new();
        let (ann, said) = answer_to(&mut server, &[broken.as_bytes(), &text("hi")].concat());
        assert_eq!(status(&said), expected, "{broken}");
        assert_eq!(said.contains("\r\nSec-WebSocket-Version: 13\r\n"), expected == "426");
        assert!(server.has_fin(ann) && !server.is_closed(ann), "{broken}");
        server.hears(ann, &vec![b'x'; 100_000]);
        assert_eq!((server.unread(ann), server.says(ann), server.notes(ann).len()), (0, vec![], 0));
        server.hears_fin(ann);
        assert!(server.is_closed(ann));
    }
}

#[test]
fn a_page_of_another_origin_may_not_connect() {
    let mut allowed = AllowedOrigins::default();
    allowed.allow("https://app.example").expect("an origin");
    for (origin, expected) in [
        (None, "101"),
        (Some("http://chat.example"), "101"),
        (Some("https://chat.example"), "101"),
        (Some("http://chat.example:8080"), "403"),
        (Some("http://other.example"), "403"),
        (Some("null"), "403"),
        (Some("https://app.example"), "101"),
        (Some("http://app.example"), "403"),
    ] {
        let mut server = Server::new();
        server.core.allow_origins(allowed.clone());
        let field = origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        let (_, said) = answer_to(&mut server, handshake("/", &field).as_bytes());
        assert_eq!(status(&said), expected, "{origin:?}");
    }
    let mut server = Server::new();
    let (_, said) = answer_to(&mut server, handshake("/", "Origin: https://app.example\r\n").as_bytes());
    assert_eq!(status(&said), "403", "which nobody has allowed here");
    // A page that is only got is for everybody.
    let (_, said) = answer_to(&mut server, &request("GET /page", "Origin: http://other.example\r\n"));
    assert_eq!(status(&said), "200");
}

#[test]
fn a_subprotocol_is_one_that_was_offered() {
    let chosen = "\r\nSec-WebSocket-Protocol: puppet\r\n";
    for (path, field, is_chosen) in [
        ("/", "", false),
        ("/", "Sec-WebSocket-Protocol: other\r\n", false),
        ("/", "Sec-WebSocket-Protocol: other, puppet\r\n", true),
        ("/stubborn", "Sec-WebSocket-Protocol: other, puppet\r\n", true),
        ("/stubborn", "Sec-WebSocket-Protocol: other\r\n", false),
        ("/stubborn", "", false),
    ] {
        let (_, said) = answer_to(&mut Server::new(), handshake(path, field).as_bytes());
        assert_eq!(status(&said), "101");
        assert_eq!(said.contains(chosen), is_chosen, "{path} {field}");
    }
}

#[test]
fn a_message_of_the_limit_is_taken_and_a_longer_one_is_not() {
    for (path, len_max) in [("/", MESSAGE_BYTES_MAX), ("/other", SMALL_MESSAGE_BYTES_MAX)] {
        let mut server = Server::new();
        let ann = server.upgrade_at(path);
        server.hears(ann, &masked_binary(len_max));
        assert_eq!(server.tells(ann), [binary(&vec![0; len_max])], "{path}");
        // The header is enough to know.
        server.hears(ann, &masked_binary(len_max + 1)[..14]);
        assert_eq!(
            server.tells(ann),
            [closed(1009, "a message is over the limit (RFC 6455, 10.4)")],
            "{path}"
        );
    }
}

#[test]
fn fragments_come_to_the_limit_together() {
    let mut server = Server::new();
    let ann = server.upgrade_at("/other");
    let piece = |fin, opcode, len| masked(fin, opcode, &vec![0; len]);
    server.hears(ann, &[piece(false, Opcode::Binary, 60), piece(true, Opcode::Continuation, 40)].concat());
    assert_eq!(server.tells(ann), [binary(&[0; 100])]);
    server.hears(ann, &[piece(false, Opcode::Binary, 60), piece(true, Opcode::Continuation, 41)].concat());
    assert!(matches!(server.tells(ann)[..], [Heard::Close(Some((1009, _)))]));
}
