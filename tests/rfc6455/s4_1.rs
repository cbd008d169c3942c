//! 4.1: what a client sends, and what it takes for an answer.

use chinwag::proto::http::{Head, HeaderSlots, ResponseHead};
use chinwag::proto::ws::handshake::{Offer, Request, ResponseError, check_response};

const KEY: [u8; 16] = *b"the sample nonce";
const SUBPROTOCOLS: [&str; 2] = ["chat", "superchat"];

fn request() -> String {
    let request = Request {
        host: "server.example.com:2021",
        target: "/chat?room=tea",
        key: KEY,
        subprotocols: &SUBPROTOCOLS,
        deflate: None,
        headers: &[("Origin", "http://example.com")],
    };
    let mut out = Vec::new();
    request.encode(&mut out);
    String::from_utf8(out).expect("text")
}

fn with_request<T>(look: impl FnOnce(Head<'_>) -> T) -> T {
    let request = request();
    let mut slots = HeaderSlots::new();
    let (head, len) = Head::parse(request.as_bytes(), &mut slots).expect("valid").expect("whole");
    assert_eq!(len, request.len());
    look(head)
}

const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    \r\n";

/// What the client says to the response above, one part of it replaced.
fn answer(from: &str, to: &str) -> Result<Option<String>, ResponseError> {
    assert!(RESPONSE.contains(from));
    let response = RESPONSE.replacen(from, to, 1);
    let mut slots = HeaderSlots::new();
    let (head, _) = ResponseHead::parse(response.as_bytes(), &mut slots).expect("valid").expect("whole");
    check_response(&head, KEY, &SUBPROTOCOLS, None).map(|answer| answer.subprotocol.map(str::to_owned))
}

#[test]
fn the_handshake_is_a_valid_http_request() {
    with_request(|head| assert_eq!(head.fields().iter().count(), 7));
}

#[test]
fn the_method_is_get_and_the_version_at_least_1_1() {
    with_request(|head| assert_eq!((head.method(), head.minor_version()), ("GET", 1)));
}

#[test]
fn the_request_uri_is_the_resource_name() {
    with_request(|head| assert_eq!(head.target(), "/chat?room=tea"));
}

#[test]
fn the_host_is_the_host_and_the_port() {
    with_request(|head| assert!(head.headers("host").eq(["server.example.com:2021"])));
}

#[test]
fn the_upgrade_includes_websocket() {
    with_request(|head| assert!(head.headers("upgrade").eq(["websocket"])));
}

#[test]
fn the_connection_includes_upgrade() {
    with_request(|head| assert!(head.headers("connection").eq(["Upgrade"])));
}

#[test]
fn the_key_is_sixteen_bytes_in_base64() {
    with_request(|head| assert!(head.headers("sec-websocket-key").eq(["dGhlIHNhbXBsZSBub25jZQ=="])));
}

#[test]
fn the_version_is_13() {
    with_request(|head| assert!(head.headers("sec-websocket-version").eq(["13"])));
}

#[test]
fn the_subprotocols_are_tokens_in_the_order_of_preference() {
    with_request(|head| {
        let offer = Offer::parse(&head).expect("it is as the rules want it");
        assert!(offer.subprotocols().eq(SUBPROTOCOLS));
    });
}

#[test]
fn a_status_other_than_101_is_not_a_websocket() {
    for status in [100, 200, 301, 401, 403, 503] {
        assert_eq!(answer("101", &status.to_string()), Err(ResponseError::Status(status)));
    }
}

#[test]
fn a_response_without_upgrade_websocket_fails() {
    assert_eq!(answer("Upgrade: websocket\r\n", ""), Err(ResponseError::Upgrade));
    assert_eq!(answer("websocket", "h2c"), Err(ResponseError::Upgrade));
    assert_eq!(answer("websocket", "websocket2"), Err(ResponseError::Upgrade));
    assert_eq!(answer("websocket", "websocket, h2c"), Err(ResponseError::Upgrade));
}

#[test]
fn upgrade_websocket_has_no_case() {
    assert!(answer("Upgrade: websocket", "upgrade: WEBSocket").is_ok());
}

#[test]
fn a_response_without_connection_upgrade_fails() {
    assert_eq!(answer("Connection: Upgrade\r\n", ""), Err(ResponseError::Connection));
    assert_eq!(answer("Connection: Upgrade", "Connection: close"), Err(ResponseError::Connection));
}

#[test]
fn connection_upgrade_is_a_token_among_others_and_has_no_case() {
    assert!(answer("Connection: Upgrade", "CONNECTION: keep-alive, uPGRADE").is_ok());
}

#[test]
fn a_response_without_the_right_accept_fails() {
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert_eq!(answer(accept, ""), Err(ResponseError::Accept));
    assert_eq!(answer("xOo=", "xOo"), Err(ResponseError::Accept));
    assert_eq!(answer("s3pP", "S3PP"), Err(ResponseError::Accept));
    // The key itself is no answer to it.
    assert_eq!(
        answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "dGhlIHNhbXBsZSBub25jZQ=="),
        Err(ResponseError::Accept)
    );
}

#[test]
fn space_around_the_accept_is_ignored() {
    assert!(
        answer("Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t").is_ok()
    );
}

#[test]
fn an_extension_that_was_not_offered_fails() {
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    assert_eq!(answer("\r\n\r\n", &format!("\r\n{extension}")), Err(ResponseError::Extension));
}

#[test]
fn a_subprotocol_that_was_not_offered_fails() {
    assert_eq!(answer("Protocol: chat", "Protocol: other"), Err(ResponseError::Subprotocol));
    // Nor is it enough to have been offered in other letters, or two at once (4.2.2: a token).
    assert_eq!(answer("Protocol: chat", "Protocol: Chat"), Err(ResponseError::Subprotocol));
    assert_eq!(answer("Protocol: chat", "Protocol: chat, superchat"), Err(ResponseError::Subprotocol));
    assert_eq!(answer("Protocol: chat", "Protocol:"), Err(ResponseError::Subprotocol));
}

#[test]
fn a_response_may_choose_a_subprotocol_or_none() {
    assert_eq!(answer("Protocol: chat", "Protocol: superchat"), Ok(Some("superchat".to_owned())));
    assert_eq!(answer("Sec-WebSocket-Protocol: chat\r\n", ""), Ok(None));
}

#[test]
fn a_response_that_is_not_http_fails() {
    for response in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 1O1 x\r\n\r\n",
        "HTTP/1.1 101 x\r\n:\r\n\r\n",
    ] {
        assert!(ResponseHead::parse(response.as_bytes(), &mut HeaderSlots::new()).is_err(), "{response:?}");
    }
}
