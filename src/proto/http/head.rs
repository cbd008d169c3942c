//! Heads of requests and responses, over `httparse`, with limits. RFC 9112, sections 2 to 5.
//!
//! ```text
//!   CRLF CRLF            empty lines before a request are skipped, a few of them (2.2)
//!   GET /x HTTP/1.1 CRLF |
//!   Host: a CRLF         |  the head
//!   CRLF                 |
//!   ^                    '-- head_end() says where this is
//! ```
//!
//! A head is parsed when it is all there, and once. Until then [`head_end`] looks for the empty line only in
//! what is new: a head that comes byte by byte costs no more than one that comes whole. The limits are judged
//! meanwhile, on what has arrived, so that nobody has to keep more than [`HEAD_BYTES_MAX`].

use std::borrow::Cow;
use std::mem::MaybeUninit;

use super::{Error, Fields, query};

/// The longest request line that is taken, without its end. RFC 9112 (3) asks for 8000 bytes at least.
pub const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;
/// The longest head that is taken, with the empty line at its end. Browsers send the cookies of every program on `localhost`
/// to each of them, whatever its port.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// The most header fields that are taken.
pub const HEADERS_MAX: usize = 100;

const EMPTY_LINES_MAX: usize = 4; // Before a request; 2.2 asks for one at least.

/// Where the fields of a head are noted while it is looked at: three kilobytes on the caller's stack.
#[derive(Debug)]
pub struct HeaderSlots<'b> {
    slots: [MaybeUninit<httparse::Header<'b>>; HEADERS_MAX],
}

impl HeaderSlots<'_> {
    /// Empty slots.
    pub fn new() -> Self {
        Self { slots: [const { MaybeUninit::uninit() }; HEADERS_MAX] }
    }
}

impl Default for HeaderSlots<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the head of a request at the front of `bytes` ends, after its empty line; `None` while it does not.
///
/// `searched` is how many of `bytes` were there when this was asked before: nothing in them is searched
/// again.
pub fn head_end(bytes: &[u8], searched: usize) -> Result<Option<usize>, Error> {
    let start = empty_lines(bytes);
    if searched <= start + REQUEST_LINE_BYTES_MAX + 2 && is_line_too_long(&bytes[start..]) {
        return Err(Error::RequestLineTooLong);
    }
    end_after(bytes, start, searched)
}

/// Where the head that begins at `start` ends.
fn end_after(bytes: &[u8], start: usize, searched: usize) -> Result<Option<usize>, Error> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    // Of CR LF CR LF, or of LF LF, which 2.2 lets us take, all but the last byte may have been seen before.
    // The LF that ends the last line is then one of two bytes.
    let mut line_start = searched.saturating_sub(2).max(start);
    while let Some(lf) = head.get(line_start..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
        line_start += lf + 1;
        match &head[line_start..] {
            [b'\n', ..] => return Ok(Some(line_start + 1)),
            [b'\r', b'\n', ..] => return Ok(Some(line_start + 2)),
            _ => {}
        }
    }
    if bytes.len() < HEAD_BYTES_MAX { Ok(None) } else { Err(Error::HeadTooLong) }
}

/// How long the empty lines are that stand before a request (2.2).
fn empty_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    for _ in 0..EMPTY_LINES_MAX {
        rest = match rest {
            [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
            _ => break,
        };
    }
    bytes.len() - rest.len()
}

/// Whether the line that begins `bytes` is longer than a request line may be, as far as it can be told.
fn is_line_too_long(bytes: &[u8]) -> bool {
    if bytes.len() <= REQUEST_LINE_BYTES_MAX {
        return false;
    }
    let window = &bytes[..bytes.len().min(REQUEST_LINE_BYTES_MAX + 2)]; // CR LF
    match window.iter().position(|byte| *byte == b'\n') {
        Some(lf) => {
            let line = &window[..lf];
            line.strip_suffix(b"\r").unwrap_or(line).len() > REQUEST_LINE_BYTES_MAX
        }
        None => window.len() == REQUEST_LINE_BYTES_MAX + 2,
    }
}

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub struct Head<'h> {
    method: &'h str,
    target: &'h str,
    minor_version: u8,
    fields: Fields<'h>,
}

impl<'h> Head<'h> {
    /// Parses the head at the front of `bytes`, and gives it with its length; `None` while it is not all
    /// there.
    ///
    /// ```
    /// use chinwag::proto::http::{Head, HeaderSlots};
    ///
    /// let bytes = b"GET /ws?room=tea HTTP/1.1\r\nHost: chat.example\r\n\r\n...";
    /// let mut slots = HeaderSlots::new();
    /// let (head, len) = Head::parse(bytes, &mut slots)?.expect("it is all there");
    /// assert_eq!((head.method(), head.path(), head.header("host")), ("GET", "/ws", Some("chat.example")));
    /// assert_eq!(head.query_param("room").as_deref(), Some("tea"));
    /// assert_eq!(&bytes[len..], b"...");
    /// # Ok::<(), chinwag::proto::http::Error>(())
    /// ```
    pub fn parse<'b: 'h>(
        bytes: &'b [u8],
        slots: &'h mut HeaderSlots<'b>,
    ) -> Result<Option<(Self, usize)>, Error> {
        let Some(end) = head_end(bytes, 0)? else { return Ok(None) };
        let bytes = &bytes[empty_lines(bytes)..end];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut slots.slots);
        match parsed {
            Ok(httparse::Status::Complete(_)) => {}
            // The empty line is there, and something before it is not.
            Ok(httparse::Status::Partial) => return Err(Error::RequestLine),
            Err(httparse::Error::Version) if !is_of_another_version(bytes) => return Err(Error::RequestLine),
            Err(error) => return Err(of_httparse(error, Error::RequestLine)),
        }
        let (Some(method), Some(target), Some(minor_version)) =
            (request.method, request.path, request.version)
        else {
            return Err(Error::RequestLine);
        };
        let head = Self { method, target, minor_version, fields: Fields::new(request.headers) };
        head.judge()?;
        Ok(Some((head, end)))
    }

    /// What the grammar leaves open.
    fn judge(&self) -> Result<(), Error> {
        let is_target = match self.method {
            "CONNECT" => true,
            "OPTIONS" if self.target == "*" => true,
            _ => self.target.starts_with('/') || self.target.contains("://"),
        };
        // RFC 9110, 4.2.4: a user's name before the host is how one host is passed off as another.
        let has_host = self.whole_uri().is_none_or(|(authority, _)| is_host(authority));
        if !is_target || !has_host || self.target.contains('#') {
            return Err(Error::Target);
        }
        let mut hosts = self.headers("host");
        match (hosts.next(), hosts.next(), self.minor_version) {
            (Some(host), None, _) if !is_host(host) => Err(Error::Host),
            (Some(_), None, _) | (None, None, 0) => Ok(()),
            (None, None, _) => Err(Error::HostMissing),
            _ => Err(Error::HostRepeated),
        }
    }

    /// The method, as it was written: methods have case.
    pub fn method(&self) -> &'h str {
        self.method
    }

    /// The request target, as it was written.
    pub fn target(&self) -> &'h str {
        self.target
    }

    /// The host that is asked, and its port where one is named: of the target where it is a whole URI, else
    /// of the Host field (RFC 9112, 3.2.2).
    pub fn host(&self) -> Option<&'h str> {
        match self.whole_uri() {
            Some((authority, _)) => Some(authority),
            None => self.header("host"),
        }
    }

    /// The path of the target: what is before the `?`. Of a whole URI (RFC 9112, 3.2.2), its path.
    pub fn path(&self) -> &'h str {
        let target = self.path_and_query();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if path.is_empty() { "/" } else { path }
    }

    /// The query of the target: what is after the first `?`.
    pub fn query(&self) -> Option<&'h str> {
        self.path_and_query().split_once('?').map(|(_, query)| query)
    }

    /// The value of the first query parameter of this name, decoded.
    pub fn query_param(&self, name: &str) -> Option<Cow<'h, str>> {
        query::param(self.query()?, name)
    }

    fn path_and_query(&self) -> &'h str {
        self.whole_uri().map_or(self.target, |(_, path_and_query)| path_and_query)
    }

    /// The authority, and what follows it, where the target is a whole URI.
    fn whole_uri(&self) -> Option<(&'h str, &'h str)> {
        if self.target.starts_with('/') {
            return None;
        }
        let (_, rest) = self.target.split_once("://")?;
        rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))
    }

    /// The minor version: 0 of HTTP/1.0, 1 of HTTP/1.1.
    pub fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// All header fields.
    pub fn fields(&self) -> Fields<'h> {
        self.fields
    }

    /// The value of the first header field of this name.
    pub fn header(&self, name: &str) -> Option<&'h str> {
        self.fields.get(name)
    }

    /// The values of all header fields of this name.
    pub fn headers<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h str> + use<'h, 'n> {
        self.fields.all(name)
    }

    /// Whether the list in the header fields of this name has this member.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.fields.has_token(name, token)
    }

    /// Whether another request may follow on this connection (RFC 9112, 9.3).
    pub fn keep_alive(&self) -> bool {
        !self.has_token("connection", "close")
            && (self.minor_version >= 1 || self.has_token("connection", "keep-alive"))
    }

    /// Whether the client waits for [`CONTINUE`](super::CONTINUE) before it sends the body (RFC 9110,
    /// 10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.minor_version >= 1 && self.has_token("expect", "100-continue")
    }
}

/// The head of a response, for those who dial.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'h> {
    status: u16,
    fields: Fields<'h>,
}

impl<'h> ResponseHead<'h> {
    /// Parses the head at the front of `bytes`, and gives it with its length; `None` while it is not all
    /// there.
    pub fn parse<'b: 'h>(
        bytes: &'b [u8],
        slots: &'h mut HeaderSlots<'b>,
    ) -> Result<Option<(Self, usize)>, Error> {
        let Some(end) = end_after(bytes, 0, 0)? else { return Ok(None) };
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut response, &bytes[..end], &mut slots.slots) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Error::StatusLine),
            Err(error) => return Err(of_httparse(error, Error::StatusLine)),
        }
        let status = response.code.ok_or(Error::StatusLine)?;
        Ok(Some((Self { status, fields: Fields::new(response.headers) }, end)))
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All header fields.
    pub fn fields(&self) -> Fields<'h> {
        self.fields
    }
}

/// Whether a host and a port could be written like this (RFC 3986, 3.2), or nothing: what they mean is not
/// judged.
fn is_host(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&byte))
}

/// The rule that `httparse` found broken, where it may have been one of the first line.
fn of_httparse(error: httparse::Error, first_line: Error) -> Error {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Error::Field,
        httparse::Error::TooManyHeaders => Error::TooManyHeaders,
        httparse::Error::Version => Error::Version,
        httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token => first_line,
    }
}

/// Whether the request line names a version of HTTP, if not one of ours.
fn is_of_another_version(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    matches!(line, [.., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> Option<Error> {
        Head::parse(bytes, &mut HeaderSlots::new()).err()
    }

    fn with_head<T>(bytes: &[u8], look: impl FnOnce(Head<'_>) -> T) -> T {
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(bytes, &mut slots).expect("valid").expect("whole");
        look(head)
    }

    #[test]
    fn a_whole_head() {
        let bytes = b"GET /a/b?x=1&y=2 HTTP/1.1\r\nHost: h\r\nA: 1\r\na:2 \r\n\r\nrest";
        let mut slots = HeaderSlots::new();
        let (head, len) = Head::parse(bytes, &mut slots).unwrap().unwrap();
        assert_eq!(&bytes[len..], b"rest");
        assert_eq!((head.method(), head.target(), head.minor_version()), ("GET", "/a/b?x=1&y=2", 1));
        assert_eq!((head.path(), head.query()), ("/a/b", Some("x=1&y=2")));
        assert_eq!(head.query_param("y").as_deref(), Some("2"));
        assert!(head.headers("a").eq(["1", "2"]));
        assert_eq!(head.fields().iter().count(), 3);
    }

    #[test]
    fn no_prefix_of_a_head_is_a_head() {
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
        for cut in 0..bytes.len() {
            assert!(matches!(Head::parse(&bytes[..cut], &mut HeaderSlots::new()), Ok(None)), "{cut}");
        }
        assert!(
            matches!(Head::parse(bytes, &mut HeaderSlots::new()), Ok(Some((_, len))) if len == bytes.len())
        );
    }

    #[test]
    fn a_target_may_be_a_whole_uri() {
        for (target, host, path, query) in [
            ("http://other:80/a?b", "other:80", "/a", Some("b")),
            ("http://other", "other", "/", None),
            ("http://other?b", "other", "/", Some("b")),
            ("/a://b?c?d", "h", "/a://b", Some("c?d")),
            ("/?", "h", "/", Some("")),
        ] {
            let bytes = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
            with_head(bytes.as_bytes(), |head| {
                assert_eq!((head.host(), head.path(), head.query()), (Some(host), path, query), "{target}");
            });
        }
        with_head(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", |head| assert_eq!(head.path(), "*"));
    }

    #[test]
    fn what_is_malformed_is_400() {
        let cases: [(&[u8], Error); 12] = [
            (b"GET\r\n\r\n", Error::RequestLine),
            (b"GET /\r\n\r\n", Error::RequestLine),
            (b"GET / HTTP\r\n\r\n", Error::RequestLine),
            (b"GET / FTP/1.1\r\n\r\n", Error::RequestLine),
            (b"G\x00T / HTTP/1.1\r\n\r\n", Error::RequestLine),
            (b"\r\n\r\n\r\n\r\n\r\n\r\n", Error::RequestLine),
            (b"GET a HTTP/1.1\r\nHost: h\r\n\r\n", Error::Target),
            (b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", Error::Target),
            (b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", Error::Target),
            (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", Error::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", Error::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\nA: \x00\r\n\r\n", Error::Field),
        ];
        for (bytes, expected) in cases {
            assert_eq!(error(bytes), Some(expected), "{:?}", str::from_utf8(bytes));
            assert_eq!(expected.status(), 400);
        }
    }

    #[test]
    fn other_versions_are_505() {
        for line in ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI * HTTP/2.0"] {
            assert_eq!(error(format!("{line}\r\n\r\n").as_bytes()), Some(Error::Version), "{line}");
        }
    }

    #[test]
    fn http_1_1_needs_one_host() {
        assert_eq!(error(b"GET / HTTP/1.1\r\n\r\n"), Some(Error::HostMissing));
        assert_eq!(error(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), Some(Error::HostRepeated));
        for (host, expected) in [
            ("", None),
            ("chat.example:2021", None),
            ("[2001:db8::1]:80", None),
            ("a b", Some(Error::Host)),
            ("a/b", Some(Error::Host)),
            ("a@b", Some(Error::Host)),
            ("\u{E9}", Some(Error::Host)),
        ] {
            assert_eq!(
                error(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()),
                expected,
                "{host}"
            );
        }
        assert_eq!(error(b"GET / HTTP/1.0\r\n\r\n"), None);
        assert_eq!(error(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Some(Error::HostRepeated));
    }

    /// A head of exactly `line` bytes of request line, and `total` bytes in all.
    fn head_of(line: usize, total: usize) -> Vec<u8> {
        let mut bytes = b"GET /".to_vec();
        bytes.resize(line - b" HTTP/1.1".len(), b'a');
        bytes.extend(b" HTTP/1.1\r\nHost: h\r\nA: ");
        bytes.resize(total - 4, b'b');
        bytes.extend(b"\r\n\r\n");
        bytes
    }

    #[test]
    fn both_sides_of_the_limits_on_length() {
        let (line, head) = (REQUEST_LINE_BYTES_MAX, HEAD_BYTES_MAX);
        assert_eq!(error(&head_of(line, head)), None);
        assert_eq!(error(&head_of(line + 1, head)), Some(Error::RequestLineTooLong));
        assert_eq!(error(&head_of(line, head + 1)), Some(Error::HeadTooLong));
        // What comes after the head does not count.
        assert_eq!(error(&[head_of(line, head), vec![b'x'; 10]].concat()), None);
    }

    #[test]
    fn a_limit_is_judged_before_the_head_ends() {
        let line = [b'G'; REQUEST_LINE_BYTES_MAX + 2];
        assert_eq!(head_end(&line, 0), Err(Error::RequestLineTooLong));
        assert_eq!(head_end(&line[1..], 0), Ok(None));
        let head = &head_of(100, HEAD_BYTES_MAX + 1)[..HEAD_BYTES_MAX];
        assert_eq!(head_end(head, 0), Err(Error::HeadTooLong));
        assert_eq!(head_end(&head[1..], 0), Ok(None));
    }

    #[test]
    fn both_sides_of_the_limit_on_fields() {
        let bytes = |count| ["GET / HTTP/1.1\r\nHost: h\r\n", &"A: 1\r\n".repeat(count - 1), "\r\n"].concat();
        assert_eq!(error(bytes(HEADERS_MAX).as_bytes()), None);
        assert_eq!(error(bytes(HEADERS_MAX + 1).as_bytes()), Some(Error::TooManyHeaders));
    }

    #[test]
    fn the_end_is_found_byte_by_byte_as_at_once() {
        for bytes in [
            head_of(20, 80),
            head_of(REQUEST_LINE_BYTES_MAX + 1, 10_000),
            b"\r\n\nGET / HTTP/1.1\nHost: h\n\nrest".to_vec(),
            b"GET / HTTP/1.1\nHost: h\n\r\nrest".to_vec(),
            b"\n\n\n\n\n\n\n\n".to_vec(),
        ] {
            let at_once = head_end(&bytes, 0);
            let mut searched = 0;
            let by_byte = loop {
                match head_end(&bytes[..searched + 1], searched) {
                    Ok(None) => searched += 1,
                    found => break found,
                }
            };
            assert_eq!(by_byte, at_once);
        }
    }

    #[test]
    fn http_1_1_stays_and_1_0_goes_unless_told() {
        for (version, connection, expected) in [
            ("1.1", "x", true),
            ("1.1", "Close", false),
            ("1.1", "keep-alive, close", false),
            ("1.0", "x", false),
            ("1.0", "Keep-Alive", true),
            ("1.0", "close, keep-alive", false),
        ] {
            let bytes = format!("GET / HTTP/{version}\r\nHost: h\r\nConnection: {connection}\r\n\r\n");
            with_head(bytes.as_bytes(), |head| assert_eq!(head.keep_alive(), expected, "{bytes}"));
        }
    }

    #[test]
    fn the_head_of_a_response() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81";
        let mut slots = HeaderSlots::new();
        let (head, len) = ResponseHead::parse(bytes, &mut slots).unwrap().unwrap();
        assert_eq!(
            (head.status(), head.fields().get("upgrade"), len),
            (101, Some("websocket"), bytes.len() - 1)
        );
        for cut in 0..len {
            assert!(matches!(ResponseHead::parse(&bytes[..cut], &mut HeaderSlots::new()), Ok(None)));
        }
        let status = ResponseHead::parse(b"SSH-2.0-x\r\n\r\n", &mut HeaderSlots::new()).err();
        assert_eq!(status, Some(Error::Version));
    }
}
