//! 4.2: what a server takes for a handshake (4.2.1), and what it answers (4.2.2).

use chinwag::proto::http::{self, Head, HeaderSlots};
use chinwag::proto::ws::handshake::{self, Error, Offer};

const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// What the server says to a request: nothing, if it takes it.
fn refusal(request: &str) -> Option<String> {
    let mut slots = HeaderSlots::new();
    let response = match Head::parse(request.as_bytes(), &mut slots) {
        Err(error) => error.response(),
        Ok(head) => Offer::parse(&head.expect("whole").0).err()?.response(),
    };
    let mut out = Vec::new();
    response.encode(&mut out, false, false);
    Some(String::from_utf8(out).expect("text"))
}

/// What it says to the request above, one part of it replaced.
fn refusal_with(from: &str, to: &str) -> Option<String> {
    assert!(REQUEST.contains(from));
    refusal(&REQUEST.replacen(from, to, 1))
}

#[track_caller]
fn refused(from: &str, to: &str, status: u16) {
    let refusal = refusal_with(from, to).unwrap_or_else(|| panic!("{to:?} is taken"));
    assert!(refusal.starts_with(&format!("HTTP/1.1 {status} ")), "{refusal}");
    let (_, body) = refusal.split_once("\r\n\r\n").expect("a head");
    assert!(
        body.len() > 1 && body.ends_with('\n') && body.lines().count() == 1,
        "a line that says why: {body:?}"
    );
}

#[track_caller]
fn taken(from: &str, to: &str) {
    assert_eq!(refusal_with(from, to), None, "{to:?}");
}

/// What it answers to the request above.
fn response(subprotocol: Option<&str>) -> String {
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(REQUEST.as_bytes(), &mut slots).unwrap().unwrap();
    let mut out = Vec::new();
    handshake::response(&mut out, Offer::parse(&head).unwrap().accept(), subprotocol, None);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_request_is_a_get() {
    refused("GET", "POST", 405);
    refused("GET", "get", 405);
    assert!(refusal_with("GET", "POST").unwrap().contains("\r\nAllow: GET\r\n"));
}

#[test]
fn the_version_of_http_is_1_1_or_higher() {
    refused("HTTP/1.1", "HTTP/1.0", 400);
    refused("HTTP/1.1", "HTTP/2.0", 505);
}

#[test]
fn the_request_uri_is_a_resource_name_or_an_absolute_uri_that_holds_one() {
    taken("/chat", "/chat?x=y");
    taken("/chat", "http://server.example.com/chat");
    refused("/chat", "chat", 400);
    refused("/chat", "/chat#fragment", 400);
}

#[test]
fn there_is_a_host() {
    refused("Host: server.example.com\r\n", "", 400);
    refused("Host: server.example.com", "Host:", 400);
    refused("Host: server.example.com", "Host: a\r\nHost: b", 400);
    taken("Host: server.example.com", "hOST:server.example.com:2021");
}

#[test]
fn there_is_an_upgrade_with_websocket_in_any_case() {
    refused("Upgrade: websocket\r\n", "", 426);
    refused("Upgrade: websocket", "Upgrade: h2c", 426);
    taken("Upgrade: websocket", "upgrade: WebSocket");
    taken("Upgrade: websocket", "Upgrade: h2c, websocket");
}

#[test]
fn there_is_a_connection_with_the_token_upgrade_in_any_case() {
    refused("Connection: Upgrade\r\n", "", 400);
    refused("Connection: Upgrade", "Connection: keep-alive", 400);
    refused("Connection: Upgrade", "Connection: Upgraded", 400);
    taken("Connection: Upgrade", "connection: keep-alive,upgrade");
    taken("Connection: Upgrade", "Connection: keep-alive\r\nConnection: UPGRADE");
}

#[test]
fn there_is_a_key_of_sixteen_bytes_in_base64() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    refused("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400);
    refused(key, "", 400);
    refused(key, "dGhlIHNhbXBsZSBub25j", 400); // 15 bytes
    refused(key, "dGhlIHNhbXBsZSBub25jZSE=", 400); // 17 bytes
    refused(key, "dGhlIHNhbXBsZSBub25jZQ", 400); // no padding
    refused(key, "dGhlIHNhbXBsZSBub25jZ!==", 400);
    refused(key, &"A".repeat(1000), 400);
    // The example of 4.1, step 7.
    taken(key, "AQIDBAUGBwgJCgsMDQ4PEC==");
}

#[test]
fn there_is_one_key() {
    refused("Origin:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin:", 400);
}

#[test]
fn there_is_a_version_of_13() {
    refused("Sec-WebSocket-Version: 13\r\n", "", 426);
    for version in ["8", "14", "013", "13.0", "", "13, 14"] {
        refused("Sec-WebSocket-Version: 13", &format!("Sec-WebSocket-Version: {version}"), 426);
    }
}

#[test]
fn the_order_of_the_header_fields_does_not_matter() {
    let (first, fields) = REQUEST.trim_end().split_once("\r\n").unwrap();
    let fields: Vec<&str> = fields.lines().rev().collect();
    assert_eq!(refusal(&format!("{first}\r\n{}\r\n\r\n", fields.join("\r\n"))), None);
}

#[test]
fn unknown_header_fields_are_ignored() {
    taken("Origin:", "Cookie: a=b\r\nSec-WebSocket-Whatever: c\r\nOrigin:");
}

#[test]
fn the_optional_header_fields_may_be_missing() {
    taken("Origin: http://example.com\r\n", "");
    taken("Sec-WebSocket-Protocol: chat, superchat\r\n", "");
}

#[test]
fn what_is_not_http_gets_an_error_of_http() {
    for request in ["hello\r\n\r\n", "GET /\r\n\r\n", "\x16\x03\x01\r\n\r\n"] {
        assert!(refusal(request).is_some_and(|refusal| refusal.starts_with("HTTP/1.1 400 ")), "{request:?}");
    }
    refused("Origin:", "Bad Name: x\r\nOrigin:", 400);
}

#[test]
fn a_version_that_is_not_understood_gets_those_that_are() {
    let refusal = refusal_with("Version: 13", "Version: 25").unwrap();
    assert!(refusal.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{refusal}");
}

#[test]
fn the_response_is_101_with_upgrade_connection_and_accept() {
    assert_eq!(
        response(None),
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         \r\n",
    );
}

#[test]
fn the_accept_is_of_the_key_as_a_string_not_decoded() {
    // The two decode alike, were it not for the spare bits.
    let (one, other) = ("AQIDBAUGBwgJCgsMDQ4PEA==", "AQIDBAUGBwgJCgsMDQ4PEC==");
    assert_ne!(handshake::accept_key(one), handshake::accept_key(other));
}

#[test]
fn no_subprotocol_is_sent_back_unless_one_is_chosen() {
    assert!(!response(None).contains("Protocol:"));
    assert!(response(Some("chat")).contains("\r\nSec-WebSocket-Protocol: chat\r\n"));
}

#[test]
fn no_extension_is_listed_that_the_client_did_not_list() {
    assert!(!response(None).contains("Extensions"));
}

#[test]
fn every_refusal_has_a_status_of_an_error() {
    let handshakes = [
        Error::Method,
        Error::HttpVersion,
        Error::Host,
        Error::Upgrade,
        Error::Connection,
        Error::KeyMissing,
        Error::KeyRepeated,
        Error::Key,
        Error::Version,
        Error::Subprotocol,
        Error::Extensions,
    ];
    for error in handshakes {
        assert!(
            (400..500).contains(&error.status()) && !http::reason(error.status()).is_empty(),
            "{error:?}"
        );
    }
}
