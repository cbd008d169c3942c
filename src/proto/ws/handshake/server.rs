//! The server's side: is this request an offer, and what answers it? RFC 6455, section 4.2.
//!
//! The rules are judged in the order in which a person would look for the fault: is it the right kind of
//! request, did a proxy take something away, is it a WebSocket client at all, is it one of this version. Each
//! has its own error, whose line of text goes to the peer.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::{ACCEPT_LEN, KEY_LEN, VERSION, accept_key, extensions};
use crate::proto::http::{self, Head, Response};
use crate::proto::ws::deflate::{self, Parameters, Said};

/// RFC 4648, 3.5: the bits that a key of 16 bytes leaves over may be looked at or not. We only need the
/// length.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Whether a request wants to become a WebSocket, be it rightly made or not; if not, it is a plain request of
/// HTTP.
///
/// A key alone is enough: where a proxy has taken `Upgrade` away, the client shall be told that, and not be
/// shown a page.
pub fn is_upgrade(head: &Head<'_>) -> bool {
    head.has_token("upgrade", "websocket") || head.header("sec-websocket-key").is_some()
}

/// A client's handshake that follows the rules.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'h> {
    head: Head<'h>,
    key: &'h str,
}

impl<'h> Offer<'h> {
    /// Judges the request of a client (4.2.1).
    pub fn parse(head: &Head<'h>) -> Result<Self, Error> {
        if head.method() != "GET" {
            return Err(Error::Method);
        }
        if head.minor_version() < 1 {
            return Err(Error::HttpVersion);
        }
        // That there is one at most, and none only in HTTP/1.0, is a rule of HTTP.
        if head.host().is_none_or(str::is_empty) {
            return Err(Error::Host);
        }
        if !head.has_token("upgrade", "websocket") {
            return Err(Error::Upgrade);
        }
        if !head.has_token("connection", "upgrade") {
            return Err(Error::Connection);
        }
        let mut keys = head.headers("sec-websocket-key");
        let key = match (keys.next(), keys.next()) {
            (None, _) => return Err(Error::KeyMissing),
            (Some(_), Some(_)) => return Err(Error::KeyRepeated),
            (Some(key), None) if !is_key(key) => return Err(Error::Key),
            (Some(key), None) => key,
        };
        let mut versions = head.headers("sec-websocket-version");
        match (versions.next(), versions.next()) {
            (Some(VERSION), None) => {}
            _ => return Err(Error::Version),
        }
        if !head.headers("sec-websocket-protocol").all(is_token_list) {
            return Err(Error::Subprotocol);
        }
        // 9.1: to be refused if it is malformed, even by those who will not use what it offers.
        if !head.headers("sec-websocket-extensions").all(extensions::is_list) {
            return Err(Error::Extensions);
        }
        Ok(Self { head: *head, key })
    }

    /// The client's `Sec-WebSocket-Key`.
    pub fn key(&self) -> &'h str {
        self.key
    }

    /// The `Sec-WebSocket-Accept` that answers it.
    pub fn accept(&self) -> [u8; ACCEPT_LEN] {
        accept_key(self.key)
    }

    /// The subprotocols that the client offers, those it prefers first (4.1).
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> + use<'h> {
        self.head.fields().list("sec-websocket-protocol")
    }

    /// What is agreed on where messages may be deflated: the answer to the first offer of the client's that we can take
    /// (RFC 7692, 7.1). With `keeps_context` there is memory for what this client has said before, if it wants that.
    pub fn deflate(&self, keeps_context: bool) -> Option<Parameters> {
        let offers = self.head.headers("sec-websocket-extensions").flat_map(extensions::list);
        offers
            .filter(|extension| deflate::IS_SUPPORTED && extension.name == deflate::NAME)
            .filter_map(|offer| Parameters::parse(Said::Offered, offer.parameters()))
            .find_map(|offer| offer.answer(keeps_context))
    }
}

/// Whether it is a list of tokens, one at least. It may have empty members, which do not count (RFC 9110,
/// 5.6.1).
fn is_token_list(value: &str) -> bool {
    let mut members = value.split(',').map(str::trim_ascii).filter(|member| !member.is_empty()).peekable();
    members.peek().is_some() && members.all(|member| http::is_token(member.as_bytes()))
}

/// Whether it is the base64 of sixteen bytes.
fn is_key(key: &str) -> bool {
    let mut decoded = [0; KEY_LEN + 2]; // Room for what 24 digits could be.
    matches!(KEY_BASE64.decode_slice(key, &mut decoded), Ok(KEY_LEN))
}

/// Appends the response that turns the connection into a WebSocket (4.2.2). The next byte after it is a
/// frame's.
///
/// A `subprotocol` MUST be one that the client offered, and what is agreed on `deflate` an answer to what it did.
pub fn response(
    out: &mut Vec<u8>,
    accept: [u8; ACCEPT_LEN],
    subprotocol: Option<&str>,
    deflate: Option<Parameters>,
) {
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\n\
          Upgrade: websocket\r\n\
          Connection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    out.extend_from_slice(&accept);
    if let Some(subprotocol) = subprotocol {
        out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        out.extend_from_slice(subprotocol.as_bytes());
    }
    if let Some(agreed) = deflate {
        out.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
        out.extend_from_slice(agreed.encode(Said::Answered).as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
}

/// A rule of the handshake that the client broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// 4.2.1, 1: the method is GET.
    Method,
    /// 4.2.1, 1: the version is HTTP/1.1 or higher.
    HttpVersion,
    /// 4.2.1, 2: the Host holds the server's authority.
    Host,
    /// 4.2.1, 3: the Upgrade holds `websocket`.
    Upgrade,
    /// 4.2.1, 4: the Connection holds `Upgrade`.
    Connection,
    /// 4.2.1, 5: there is a key.
    KeyMissing,
    /// 11.3.1: there MUST NOT be more than one.
    KeyRepeated,
    /// 4.2.1, 5: decoded from base64, the key is 16 bytes long.
    Key,
    /// 4.2.1, 6 and 4.4: the version is 13.
    Version,
    /// 4.1, 10 and 4.3: the subprotocols are a list of tokens.
    Subprotocol,
    /// 4.3 and 9.1: the extensions are a list of tokens with parameters.
    Extensions,
}

impl Error {
    /// The status of the response that tells the client.
    pub fn status(self) -> u16 {
        match self {
            Self::HttpVersion
            | Self::Host
            | Self::Connection
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::Key
            | Self::Subprotocol
            | Self::Extensions => 400,
            Self::Method => 405,
            Self::Upgrade | Self::Version => 426,
        }
    }

    /// The response that tells the client: the status, a line that says what was wrong, and what would have
    /// been right where a header field can say it.
    pub fn response(self) -> Response {
        let status = self.status();
        let response = Response::text(status, format!("{self}\n"));
        match status {
            // RFC 9110, 15.5.6: a 405 MUST have it.
            405 => response.with_header("Allow", "GET"),
            // RFC 9110, 15.5.22: so MUST a 426. RFC 6455, 4.2.2: with the versions we speak.
            426 => response.with_header("Upgrade", "websocket").with_header("Sec-WebSocket-Version", VERSION),
            _ => response,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "a WebSocket handshake is a GET",
            Self::HttpVersion => "a WebSocket handshake needs HTTP/1.1",
            Self::Host => "the Host header is missing or empty",
            Self::Upgrade => "connect with ws:// or wss:// here: no Upgrade header says websocket, or a proxy takes it away",
            Self::Connection => "the Connection header does not say Upgrade: does a proxy take it away?",
            Self::KeyMissing => "the Sec-WebSocket-Key header is missing",
            Self::KeyRepeated => "there is more than one Sec-WebSocket-Key header",
            Self::Key => "the Sec-WebSocket-Key is not 16 bytes in base64",
            Self::Version => "the Sec-WebSocket-Version is not 13",
            Self::Subprotocol => "the Sec-WebSocket-Protocol is malformed",
            Self::Extensions => "the Sec-WebSocket-Extensions is malformed",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::HeaderSlots;

    /// The example of section 1.3.
    const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Version: 13\r\n\
        \r\n";

    fn with_head<T>(request: &str, look: impl FnOnce(&Head<'_>) -> T) -> T {
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(request.as_bytes(), &mut slots).expect("valid HTTP").expect("whole");
        look(&head)
    }

    #[test]
    fn example_of_the_rfc() {
        with_head(REQUEST, |head| {
            assert!(is_upgrade(head));
            let offer = Offer::parse(head).unwrap();
            assert_eq!(offer.key(), "dGhlIHNhbXBsZSBub25jZQ==");
            assert!(offer.subprotocols().eq(["chat", "superchat"]));
            let mut out = Vec::new();
            response(&mut out, offer.accept(), Some("chat"), None);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                "HTTP/1.1 101 Switching Protocols\r\n\
                 Upgrade: websocket\r\n\
                 Connection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                 Sec-WebSocket-Protocol: chat\r\n\
                 \r\n",
            );
        });
    }

    #[test]
    fn every_rule_broken_alone() {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let cases = [
            ("GET", "POST", Error::Method, 405),
            ("HTTP/1.1", "HTTP/1.0", Error::HttpVersion, 400),
            ("Host: server.example.com", "Host:", Error::Host, 400),
            ("Upgrade: websocket\r\n", "", Error::Upgrade, 426),
            ("Upgrade: websocket", "Upgrade: h2c", Error::Upgrade, 426),
            ("Connection: Upgrade\r\n", "", Error::Connection, 400),
            ("Connection: Upgrade", "Connection: keep-alive", Error::Connection, 400),
            (key, "", Error::KeyMissing, 400),
            (key, "Sec-WebSocket-Key:\r\n", Error::Key, 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ", Error::Key, 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", Error::Key, 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZSE=", Error::Key, 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==AAAA", Error::Key, 400),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhl(HNhbXBsZSBub25jZQ==", Error::Key, 400),
            ("Sec-WebSocket-Version: 13\r\n", "", Error::Version, 426),
            ("Version: 13", "Version: 8", Error::Version, 426),
            ("Version: 13", "Version: 13, 8", Error::Version, 426),
            ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", Error::Version, 426),
            ("chat, superchat", "", Error::Subprotocol, 400),
            ("chat, superchat", ",", Error::Subprotocol, 400),
            ("chat, superchat", "chat, super chat", Error::Subprotocol, 400),
            ("chat, superchat", "chat/2", Error::Subprotocol, 400),
            ("chat, superchat", "chat\r\nSec-WebSocket-Protocol: (", Error::Subprotocol, 400),
            ("Origin:", "Sec-WebSocket-Extensions: a; b=(\r\nOrigin:", Error::Extensions, 400),
        ];
        for (from, to, expected, status) in cases {
            assert!(REQUEST.contains(from));
            let request = REQUEST.replacen(from, to, 1);
            let error = with_head(&request, |head| Offer::parse(head).err());
            assert_eq!((error, expected.status()), (Some(expected), status), "{from:?} -> {to:?}");
        }
        let twice = REQUEST.replacen(key, &key.repeat(2), 1);
        assert_eq!(with_head(&twice, |head| Offer::parse(head).err()), Some(Error::KeyRepeated));
    }

    #[test]
    fn tokens_have_no_case_and_may_be_anywhere_in_their_lists() {
        for (from, to) in [
            ("Upgrade: websocket", "UPGRADE:\tWebSocket"),
            ("Upgrade: websocket", "Upgrade: h2c ,websocket"),
            ("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"),
            ("Connection: Upgrade", "connection: keep-alive, upgrade"),
            ("Connection: Upgrade", "Connection: keep-alive\r\nConnection:UPGRADE"),
            // The key that 4.1 shows.
            ("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="),
            // An extension that nobody knows is ignored.
            ("Origin:", "Sec-WebSocket-Extensions: foo; bar=\"2\", mux\r\nOrigin:"),
        ] {
            assert!(with_head(&REQUEST.replacen(from, to, 1), |head| Offer::parse(head).is_ok()), "{to:?}");
        }
    }

    #[test]
    fn subprotocols_may_be_spread_over_fields() {
        let request = REQUEST.replacen(
            "Protocol: chat, superchat",
            "Protocol: a,b ,\r\nX: y\r\nsec-websocket-protocol: c",
            1,
        );
        with_head(&request, |head| {
            assert!(Offer::parse(head).unwrap().subprotocols().eq(["a", "b", "c"]));
        });
    }

    /// The extensions in our response to a request with these fields.
    #[cfg(feature = "deflate")]
    fn deflated(fields: &str) -> Option<String> {
        let request = REQUEST.replacen("Origin:", &format!("{fields}Origin:"), 1);
        with_head(&request, |head| {
            let offer = Offer::parse(head).unwrap();
            let mut out = Vec::new();
            response(&mut out, offer.accept(), None, offer.deflate(false));
            let out = String::from_utf8(out).unwrap();
            assert!(out.ends_with("\r\n\r\n"));
            let mut lines = out.lines();
            lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ")).map(str::to_owned)
        })
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn the_first_offer_that_will_do_is_taken_wherever_it_stands() {
        let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let field = "Sec-WebSocket-Extensions: ";
        let taken = Some(both.to_owned());
        assert_eq!(deflated(""), None, "nobody has offered it");
        assert_eq!(deflated(&format!("{field}permessage-bzip2, x-webkit-deflate-frame\r\n")), None);
        assert_eq!(deflated(&format!("{field}permessage-deflate\r\n")), taken);
        assert_eq!(
            deflated(&format!("{field}foo; bar=1, permessage-deflate; client_max_window_bits\r\n")),
            taken
        );
        let spoilt = "permessage-deflate; mode=fast, permessage-deflate; server_max_window_bits=8";
        assert_eq!(deflated(&format!("{field}{spoilt}\r\n")), None);
        assert_eq!(deflated(&format!("{field}{spoilt}, permessage-deflate\r\n")), taken);
        assert_eq!(deflated(&format!("{field}{spoilt}\r\n{field}permessage-deflate\r\n")), taken);
        let preferred = "permessage-deflate; server_max_window_bits=12, permessage-deflate";
        let answer = Some(format!("{both}; server_max_window_bits=12"));
        assert_eq!(deflated(&format!("{field}{preferred}\r\n")), answer);
    }

    #[test]
    fn a_plain_request_is_no_upgrade_and_a_spoilt_one_is() {
        assert!(!with_head("GET /ws HTTP/1.1\r\nHost: h\r\n\r\n", is_upgrade));
        assert!(!with_head("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n", is_upgrade));
        let behind_a_proxy = REQUEST.replacen("Upgrade: websocket\r\nConnection: Upgrade\r\n", "", 1);
        assert!(with_head(&behind_a_proxy, is_upgrade));
    }

    #[test]
    fn a_426_says_what_would_have_been_right() {
        let mut out = Vec::new();
        Error::Version.response().encode(&mut out, false, false);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{out}");
        assert!(out.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{out}");
        assert!(out.contains("\r\nUpgrade: websocket\r\n"), "{out}");
        assert!(out.contains("\r\nConnection: close, Upgrade\r\n"), "{out}");
        assert_eq!(out.matches("\r\nConnection: ").count(), 1, "{out}");
        assert!(out.ends_with("\r\n\r\nthe Sec-WebSocket-Version is not 13\n"), "{out}");
    }
}
