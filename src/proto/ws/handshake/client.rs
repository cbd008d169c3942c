//! The client's side: the request, and whether the response is an answer to it. RFC 6455, section 4.1.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{KEY_LEN, VERSION, accept_key, extensions};
use crate::proto::http::{self, Fields, ResponseHead};
use crate::proto::ws::deflate::{self, Parameters, Said};

const KEY_TEXT_LEN: usize = 24; // 16 bytes in base64

/// A handshake to be sent.
///
/// ```
/// use chinwag::proto::ws::handshake::Request;
///
/// let request = Request {
///     host: "server.example.com",
///     target: "/chat",
///     key: *b"the sample nonce", // 4.1: "selected randomly for each connection"
///     subprotocols: &["chat"],
///     deflate: None,
///     headers: &[("Origin", "http://example.com")],
/// };
/// let mut out = Vec::new();
/// request.encode(&mut out);
/// assert!(out.starts_with(b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The server's host, and its port where that is not the scheme's own.
    pub host: &'a str,
    /// The path, and the query where there is one.
    pub target: &'a str,
    /// Sixteen bytes, drawn at random for each connection.
    pub key: [u8; KEY_LEN],
    /// The subprotocols that we speak, those we prefer first.
    pub subprotocols: &'a [&'a str],
    /// How messages might be deflated, if the server wants to.
    pub deflate: Option<Parameters>,
    /// Further header fields, such as `Origin`.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Request<'_> {
    /// Appends the request.
    pub fn encode(&self, out: &mut Vec<u8>) {
        debug_assert!(
            self.subprotocols.iter().all(|name| http::is_token(name.as_bytes())),
            "4.1: the names of subprotocols are tokens"
        );
        let key = key_text(self.key);
        let key = str::from_utf8(&key).expect("base64 is ASCII");
        http::push_line(out, &["GET ", self.target, " HTTP/1.1"]);
        http::push_line(out, &["Host: ", self.host]);
        http::push_line(out, &["Upgrade: websocket"]);
        http::push_line(out, &["Connection: Upgrade"]);
        http::push_line(out, &["Sec-WebSocket-Key: ", key]);
        http::push_line(out, &["Sec-WebSocket-Version: ", VERSION]);
        if !self.subprotocols.is_empty() {
            http::push_line(out, &["Sec-WebSocket-Protocol: ", &self.subprotocols.join(", ")]);
        }
        if let Some(offer) = self.deflate {
            http::push_line(out, &["Sec-WebSocket-Extensions: ", &offer.encode(Said::Offered)]);
        }
        for (name, value) in self.headers {
            http::push_line(out, &[name, ": ", value]);
        }
        http::push_line(out, &[]);
    }
}

/// The key as it is on the wire.
fn key_text(key: [u8; KEY_LEN]) -> [u8; KEY_TEXT_LEN] {
    let mut text = [0; KEY_TEXT_LEN];
    let len = STANDARD.encode_slice(key, &mut text).expect("16 bytes are 24 in base64");
    debug_assert_eq!(len, KEY_TEXT_LEN);
    text
}

/// What the server has chosen of what we offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer<'h> {
    /// The subprotocol, if it chose one.
    pub subprotocol: Option<&'h str>,
    /// How messages may be deflated, if they may.
    pub deflate: Option<Parameters>,
}

/// Judges the server's response to a request with this `key` that offered these `subprotocols`, and this way to
/// `deflate`.
pub fn check_response<'h>(
    head: &ResponseHead<'h>,
    key: [u8; KEY_LEN],
    subprotocols: &[&str],
    deflate: Option<Parameters>,
) -> Result<Answer<'h>, ResponseError> {
    let fields = head.fields();
    if head.status() != 101 {
        return Err(ResponseError::Status(head.status()));
    }
    // This one is not a list with a member that will do: it says websocket and nothing else.
    let mut upgrades = fields.list("upgrade");
    match (upgrades.next(), upgrades.next()) {
        (Some(upgrade), None) if upgrade.eq_ignore_ascii_case("websocket") => {}
        _ => return Err(ResponseError::Upgrade),
    }
    if !fields.has_token("connection", "upgrade") {
        return Err(ResponseError::Connection);
    }
    let key = key_text(key);
    let expected = accept_key(str::from_utf8(&key).expect("base64 is ASCII"));
    let mut accepts = fields.all("sec-websocket-accept");
    match (accepts.next(), accepts.next()) {
        (Some(accept), None) if accept.as_bytes() == expected => {}
        _ => return Err(ResponseError::Accept),
    }
    let deflate = agreed_deflate(&fields, deflate)?;
    let mut chosen = fields.all("sec-websocket-protocol");
    let subprotocol = match (chosen.next(), chosen.next()) {
        (None, _) => None,
        (Some(chosen), None) if subprotocols.contains(&chosen) => Some(chosen),
        _ => return Err(ResponseError::Subprotocol),
    };
    Ok(Answer { subprotocol, deflate })
}

/// What follows from the server's extensions. We offer one at most, so that any other, and a second, is one too many.
fn agreed_deflate(
    fields: &Fields<'_>,
    offer: Option<Parameters>,
) -> Result<Option<Parameters>, ResponseError> {
    if !fields.all("sec-websocket-extensions").all(|value| value.is_empty() || extensions::is_list(value)) {
        return Err(ResponseError::Extension);
    }
    let mut used = fields.all("sec-websocket-extensions").flat_map(extensions::list);
    match (used.next(), used.next(), offer) {
        (None, _, _) => Ok(None),
        (Some(extension), None, Some(offer)) if extension.name == deflate::NAME => {
            let answer = Parameters::parse(Said::Answered, extension.parameters());
            let agreed = answer.and_then(|answer| answer.agree(&offer));
            agreed.map(Some).ok_or(ResponseError::Extension)
        }
        _ => Err(ResponseError::Extension),
    }
}

/// A rule of the handshake that the server broke; or it said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseError {
    /// 4.1, 1: the status is 101. Any other is an answer of HTTP: no, or not here.
    Status(u16),
    /// 4.1, 2: the Upgrade is `websocket`.
    Upgrade,
    /// 4.1, 3: the Connection holds `Upgrade`.
    Connection,
    /// 4.1, 4: the Accept is the one that answers our key.
    Accept,
    /// 4.1, 5: an extension is used that we did not offer, or not as we did (RFC 7692, 7.1).
    Extension,
    /// 4.1, 6: a subprotocol is chosen that we did not offer.
    Subprotocol,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered with status {status}, not 101"),
            Self::Upgrade => f.write_str("the server's Upgrade header does not say websocket"),
            Self::Connection => f.write_str("the server's Connection header does not say Upgrade"),
            Self::Accept => f.write_str("the server's Sec-WebSocket-Accept does not answer our key"),
            Self::Extension => f.write_str("the server uses an extension that was not offered, or not so"),
            Self::Subprotocol => f.write_str("the server chose a subprotocol that was not offered"),
        }
    }
}

impl std::error::Error for ResponseError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::{Head, HeaderSlots};
    use crate::proto::ws::handshake::{Offer, response};

    /// The key of the example in section 1.3, decoded.
    const KEY: [u8; KEY_LEN] = *b"the sample nonce";

    const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: chat\r\n\
        \r\n";

    fn check(response: &str) -> Result<Option<String>, ResponseError> {
        let mut slots = HeaderSlots::new();
        let (head, _) =
            ResponseHead::parse(response.as_bytes(), &mut slots).expect("valid HTTP").expect("whole");
        check_response(&head, KEY, &["chat", "superchat"], None)
            .map(|answer| answer.subprotocol.map(str::to_owned))
    }

    /// What is agreed when our offer is answered with these extensions.
    fn agreed(extensions: &str) -> Result<Option<Parameters>, ResponseError> {
        let fields = format!("Sec-WebSocket-Extensions: {extensions}\r\n\r\n");
        let response = RESPONSE.strip_suffix("\r\n").unwrap().to_owned() + &fields;
        let mut slots = HeaderSlots::new();
        let (head, _) =
            ResponseHead::parse(response.as_bytes(), &mut slots).expect("valid HTTP").expect("whole");
        check_response(&head, KEY, &["chat"], Some(Parameters::OFFER)).map(|answer| answer.deflate)
    }

    #[test]
    fn an_extension_is_used_as_it_was_offered_and_once() {
        let sound = "permessage-deflate; server_no_context_takeover; server_max_window_bits=12";
        let deflate = agreed(sound).unwrap().unwrap();
        assert!(deflate.server_no_context_takeover && !deflate.client_no_context_takeover);
        assert_eq!(deflate.server_max_window_bits.map(|bits| bits.get()), Some(12));
        for wrong in [
            "permessage-bzip2",
            "permessage-deflate",
            &format!("{sound}, {sound}"),
            &format!("{sound}\r\nSec-WebSocket-Extensions: {sound}"),
            &format!("{sound}; foo"),
            &format!("{sound}; client_max_window_bits"),
            &format!("{sound}; b=("),
        ] {
            assert_eq!(agreed(wrong), Err(ResponseError::Extension), "{wrong}");
        }
    }

    #[test]
    fn our_own_server_takes_our_request_and_we_its_response() {
        let subprotocols = ["chat", "superchat"];
        let headers = [("Origin", "http://example.com")];
        let request = Request {
            host: "server.example.com",
            target: "/chat",
            key: KEY,
            subprotocols: &subprotocols,
            deflate: Some(Parameters::OFFER),
            headers: &headers,
        };
        let mut out = Vec::new();
        request.encode(&mut out);
        let mut slots = HeaderSlots::new();
        let (head, len) = Head::parse(&out, &mut slots).unwrap().unwrap();
        assert_eq!(len, out.len());
        assert_eq!(head.header("origin"), Some("http://example.com"));
        let offer = Offer::parse(&head).unwrap();
        assert_eq!(offer.key(), "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(offer.subprotocols().eq(subprotocols));

        let mut answer = Vec::new();
        response(&mut answer, offer.accept(), None, None);
        assert_eq!(check(str::from_utf8(&answer).unwrap()), Ok(None));
    }

    #[test]
    fn example_of_the_rfc() {
        assert_eq!(check(RESPONSE), Ok(Some("chat".to_owned())));
    }

    #[test]
    fn every_rule_broken_alone() {
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        let protocol = "Sec-WebSocket-Protocol: chat\r\n";
        let cases = [
            ("101 Switching Protocols", "200 OK", ResponseError::Status(200)),
            ("Upgrade: websocket\r\n", "", ResponseError::Upgrade),
            ("Upgrade: websocket", "Upgrade: h2c", ResponseError::Upgrade),
            ("Upgrade: websocket", "Upgrade: websocket, h2c", ResponseError::Upgrade),
            ("Connection: Upgrade\r\n", "", ResponseError::Connection),
            ("Connection: Upgrade", "Connection: close", ResponseError::Connection),
            (accept, "", ResponseError::Accept),
            ("s3pPLMBiTxaQ", "S3pPLMBiTxaQ", ResponseError::Accept),
            ("xOo=\r\n", "xOo=\r\nSec-WebSocket-Accept: x\r\n", ResponseError::Accept),
            (protocol, "Sec-WebSocket-Extensions: permessage-deflate\r\n", ResponseError::Extension),
            ("Protocol: chat", "Protocol: other", ResponseError::Subprotocol),
            ("Protocol: chat", "Protocol: chat, superchat", ResponseError::Subprotocol),
            (
                protocol,
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
                ResponseError::Subprotocol,
            ),
        ];
        for (from, to, expected) in cases {
            assert!(RESPONSE.contains(from));
            assert_eq!(check(&RESPONSE.replacen(from, to, 1)), Err(expected), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn spaces_and_case_do_not_matter_where_they_must_not() {
        assert!(check(&RESPONSE.replacen("Upgrade: websocket", "upgrade:WebSocket ", 1)).is_ok());
        assert!(check(&RESPONSE.replacen("Connection: Upgrade", "Connection: x, upgrade", 1)).is_ok());
        assert!(check(&RESPONSE.replacen("Accept: s3p", "Accept:   s3p", 1)).is_ok());
    }
}
