//! Where a client connects to. RFC 6455, section 3, and `tcp:` beside it for lines; `wss:` and `tls:` are the same under TLS.
//!
//! ```text
//!   ws://chat.example.org:8080/ws?room=lobby        tcp://chat.example.org:2020
//!   ^    ^                ^   ^                     lines, as netcat speaks them
//!   scheme  host       port   target               wss://chat.example.org/ws, tls://chat.example.org:2020
//! ```
//!
//! A user and a password before the host become an `Authorization` field (RFC 7617), and are never shown.

use crate::proto::http::{percent_decode, take_params};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

const WS_PORT: u16 = 80;
const WSS_PORT: u16 = 443;
const LINE_PORT: u16 = 2020;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// WebSocket.
    Ws,
    /// Lines over TCP.
    Tcp,
}

/// Where to connect to, and what to speak there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    is_tls: bool,
    /// A name or an address; one of IPv6 without its brackets.
    host: String,
    port: u16,
    /// The path and the query as they are written; empty where the URL has neither.
    target: String,
    /// The value of the `Authorization` field, where the URL has a user.
    authorization: Option<String>,
}

/// Why a text is no URL that we could connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UrlError {}

impl Url {
    /// Reads a URL, also one that a browser's address bar shows: `http:` and `https:` stand for `ws:` and `wss:`, and a path
    /// of `/` alone for none.
    pub fn from_page(text: &str) -> Result<Url, UrlError> {
        let Some((scheme, rest)) = text.split_once("://") else { return text.parse() };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => "ws",
            "https" => "wss",
            _ => return text.parse(),
        };
        let host = rest.strip_suffix('/').filter(|host| !host.contains(['/', '?']));
        format!("{scheme}://{}", host.unwrap_or(rest)).parse()
    }

    /// What is spoken there.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether under TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The name or the address of the host; one of IPv6 without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What stands in the `Host` field: the host, and the port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let is_own_port = self.scheme == Scheme::Ws && self.port == default_port(Scheme::Ws, self.is_tls);
        if is_own_port { host } else { format!("{host}:{}", self.port) }
    }

    /// The path and the query, as they are asked for: an empty path is `/` (RFC 9112, section 3.2.1).
    pub fn target(&self) -> Cow<'_, str> {
        match self.target.starts_with('/') {
            true => Cow::Borrowed(&self.target),
            false => Cow::Owned(format!("/{}", self.target)),
        }
    }

    /// The value of the `Authorization` field, where the URL has a user and a password: `Basic`, as RFC 7617 has it.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The same URL with `path` where its own is empty. An explicit `/` is a path.
    pub fn or_path(mut self, path: &str) -> Url {
        if self.scheme == Scheme::Ws && !self.target.starts_with('/') {
            self.target.insert_str(0, path);
        }
        self
    }

    /// The same host and port, for something else that may be spoken there.
    pub fn spoken_as(&self, scheme: Scheme, is_tls: bool) -> Url {
        let target = if scheme == self.scheme { self.target.clone() } else { String::new() };
        Url { scheme, is_tls, target, authorization: None, ..self.clone() }
    }

    /// Takes every parameter of this name out of the query, for what is said in another way.
    pub fn take_params(&mut self, name: &str) -> Vec<String> {
        let Some((path, query)) = self.target.split_once('?') else { return Vec::new() };
        let (values, rest) = take_params(query, name);
        self.target = if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") };
        values
    }

    /// Asks for the addresses, in the order in which to try them. Blocks while the system looks the name up.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        (self.host.as_str(), self.port).to_socket_addrs().map(Iterator::collect)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.scheme, self.is_tls) {
            (Scheme::Ws, false) => "ws",
            (Scheme::Ws, true) => "wss",
            (Scheme::Tcp, false) => "tcp",
            (Scheme::Tcp, true) => "tls",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

fn default_port(scheme: Scheme, is_tls: bool) -> u16 {
    match (scheme, is_tls) {
        (Scheme::Ws, false) => WS_PORT,
        (Scheme::Ws, true) => WSS_PORT,
        (Scheme::Tcp, _) => LINE_PORT,
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Url, UrlError> {
        let error = |why: &str| {
            let text = without_password(text);
            UrlError(format!(
                "'{text}' is no address: {why}; write ws://127.0.0.1:2021/ws or tcp://127.0.0.1:2020"
            ))
        };
        if text.contains('#') {
            return Err(error("a fragment has no meaning here (RFC 6455, section 3)"));
        }
        let with_scheme = if text.contains("://") { text } else { &format!("ws://{text}") };
        let uri: Uri = with_scheme.parse().map_err(|why: http::uri::InvalidUri| error(&why.to_string()))?;
        let (scheme, is_tls) = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ws") => (Scheme::Ws, false),
            Some("wss") => (Scheme::Ws, true),
            Some("tcp") => (Scheme::Tcp, false),
            Some("tls") => (Scheme::Tcp, true),
            _ => return Err(error("that scheme is not spoken here")),
        };
        let authority = uri.authority().ok_or_else(|| error("it has no host"))?;
        let (user, host_and_port) = match authority.as_str().rsplit_once('@') {
            Some((user, host_and_port)) => (Some(user), host_and_port),
            None => (None, authority.as_str()),
        };
        if user.is_some() && scheme == Scheme::Tcp {
            return Err(error("lines have no user and no password"));
        }
        let port = match host_and_port[authority.host().len()..].strip_prefix(':') {
            None => default_port(scheme, is_tls),
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(error("the port is a number from 1 to 65535")),
                Ok(port) => port,
            },
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(error("it has no host"));
        }
        // `Uri` makes a `/` of an empty path.
        let behind_scheme = with_scheme.split_once("://").map_or("", |(_, behind)| behind);
        let target = behind_scheme.find(['/', '?']).map_or("", |at| &behind_scheme[at..]);
        if scheme == Scheme::Tcp && !matches!(target, "" | "/") {
            return Err(error("lines have no path"));
        }
        Ok(Url {
            scheme,
            is_tls,
            host: host.to_owned(),
            port,
            target: if scheme == Scheme::Ws { target.to_owned() } else { String::new() },
            authorization: user.map(basic),
        })
    }
}

/// A text that may be a URL, fit to be shown.
fn without_password(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let authority = text[start..].split(['/', '?']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{}...{}", &text[..start], &text[start + at..]),
        None => text.to_owned(),
    }
}

/// The credentials of a URL as an `Authorization` field has them.
fn basic(user: &str) -> String {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    format!("Basic {}", STANDARD.encode(format!("{}:{}", percent_decode(name), percent_decode(password))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    #[test]
    fn a_url_says_what_to_speak_with_whom_and_about_what() {
        let cases = [
            ("ws://example.org", Scheme::Ws, "example.org", "/", 80),
            ("ws://example.org:80/", Scheme::Ws, "example.org", "/", 80),
            ("WS://example.org/ws?room=a&name=b%20c", Scheme::Ws, "example.org", "/ws?room=a&name=b%20c", 80),
            ("ws://example.org?room=a", Scheme::Ws, "example.org", "/?room=a", 80),
            ("ws://[::1]:2021/ws", Scheme::Ws, "[::1]:2021", "/ws", 2021),
            ("localhost:2021", Scheme::Ws, "localhost:2021", "/", 2021),
            ("127.0.0.1:2021/ws", Scheme::Ws, "127.0.0.1:2021", "/ws", 2021),
            ("tcp://127.0.0.1:7", Scheme::Tcp, "127.0.0.1:7", "/", 7),
            ("tcp://127.0.0.1", Scheme::Tcp, "127.0.0.1:2020", "/", 2020),
            ("wss://example.org/ws", Scheme::Ws, "example.org", "/ws", 443),
            ("wss://example.org:80/ws", Scheme::Ws, "example.org:80", "/ws", 80),
            ("tls://example.org", Scheme::Tcp, "example.org:2020", "/", 2020),
        ];
        for (text, scheme, authority, target, port) in cases {
            let url = url(text);
            assert_eq!(
                (url.scheme(), &*url.authority(), &*url.target(), url.port),
                (scheme, authority, target, port)
            );
            assert_eq!(url.is_tls(), text.starts_with("wss") || text.starts_with("tls"), "{text}");
            assert_eq!(url.to_string().parse(), Ok(url), "{text}");
        }
    }

    #[test]
    fn what_a_browser_shows_is_an_address_too() {
        for (page, socket) in [
            ("http://a", "ws://a"),
            ("https://a/", "wss://a"),
            ("HTTPS://a:8443/chat?x=1", "wss://a:8443/chat?x=1"),
            ("http://a:443/", "ws://a:443"),
            ("http://a/?x=/", "ws://a/?x=/"),
            ("http://a?x=/", "ws://a?x=/"),
            ("ws://a/", "ws://a/"),
            ("a:1", "ws://a:1"),
        ] {
            assert_eq!(Url::from_page(page), Ok(url(socket)), "{page}");
        }
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let url = url("wss://ann:p%40ss%3Aword+1@example.org:80/ws");
        // ann:p@ss:word+1
        assert_eq!(url.authorization(), Some("Basic YW5uOnBAc3M6d29yZCsx"));
        assert_eq!((url.host(), &*url.authority()), ("example.org", "example.org:80"));
        assert_eq!(url.to_string(), "wss://example.org:80/ws");
        assert_eq!("ws://Aladdin@[::1]/".parse::<Url>().map(|url| url.authority()), Ok("[::1]".into()));
        // RFC 7617, section 2.
        let example: Url = "ws://Aladdin:open%20sesame@a".parse().expect("a URL");
        assert_eq!(example.authorization(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        let error = "ws://ann:secret@a:0/".parse::<Url>().expect_err("no port").to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_path_is_added_where_there_is_none() {
        assert_eq!(url("ws://a").or_path("/ws").to_string(), "ws://a/ws");
        assert_eq!(url("ws://a/").or_path("/ws").to_string(), "ws://a/");
        assert_eq!(url("ws://a/?b=c").or_path("/ws").to_string(), "ws://a/?b=c");
        assert_eq!(url("ws://a?b=/c").or_path("/ws").to_string(), "ws://a/ws?b=/c");
        assert_eq!(url("ws://a?b=c").or_path("/ws").to_string(), "ws://a/ws?b=c");
        assert_eq!(url("ws://a/chat").or_path("/ws").to_string(), "ws://a/chat");
        assert_eq!(url("tcp://a").or_path("/ws").to_string(), "tcp://a:2020");
    }

    #[test]
    fn what_the_query_asks_for_can_be_asked_for_otherwise() {
        let mut url = url("ws://a/ws?room=dev&name=Zo%C3%AB&x=1&room=b");
        assert_eq!(url.take_params("room"), ["dev", "b"]);
        assert_eq!(url.take_params("name"), ["Zoë"]);
        assert_eq!((url.take_params("token").len(), &*url.target()), (0, "/ws?x=1"));
        url.take_params("x");
        assert_eq!(url.target(), "/ws");
    }

    #[test]
    fn what_could_not_be_dialled_is_refused_with_a_reason() {
        let cases = [
            ("", "empty string"),
            ("http://a/", "scheme"),
            ("wss://a:0/", "port"),
            ("tls://a/ws", "path"),
            ("ws://", "empty string"),
            ("ws://a b/", "invalid"),
            ("ws://a:/", "port"),
            ("ws://a:0/", "port"),
            ("ws://a:65536/", "port"),
            ("tcp://me@a", "user"),
            ("ws://a/#top", "fragment"),
            ("tcp://a:1/ws", "path"),
            ("/ws", "invalid"),
        ];
        for (text, reason) in cases {
            let error = text.parse::<Url>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_needs_no_looking_up() {
        assert_eq!(
            url("ws://[::1]:9/").resolve().expect("an address"),
            ["[::1]:9".parse().expect("an address")]
        );
    }
}
