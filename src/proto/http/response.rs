//! Responses, each whole and each with its length. RFC 9110, section 15; RFC 9112, sections 4 and 6.

use std::borrow::Cow;

use super::fields::push_line;

/// What a client with `Expect: 100-continue` waits for before it sends its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response.
///
/// ```
/// use chinwag::proto::http::Response;
///
/// let mut out = Vec::new();
/// Response::text(405, "GET only\n").with_header("Allow", "GET").encode(&mut out, false, true);
/// assert_eq!(
///     String::from_utf8_lossy(&out),
///     "HTTP/1.1 405 Method Not Allowed\r\n\
///      Content-Type: text/plain; charset=utf-8\r\n\
///      Allow: GET\r\n\
///      Content-Length: 9\r\n\
///      Connection: keep-alive\r\n\
///      \r\n\
///      GET only\n",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`; none is sent where this is empty.
    pub content_type: Cow<'static, str>,
    /// Further header fields. `Content-Type`, `Content-Length` and `Connection` are not to be among them: they are
    /// written by [`Response::encode`].
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The body.
    pub body: Cow<'static, [u8]>,
}

impl Response {
    /// A response with no body.
    pub fn new(status: u16) -> Self {
        Self { status, content_type: "".into(), headers: Vec::new(), body: Cow::Borrowed(&[]) }
    }

    /// A response of plain text.
    pub fn text(status: u16, body: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status).with_body("text/plain; charset=utf-8", into_bytes(body.into()))
    }

    /// A page that is part of the program.
    pub fn html(body: &'static str) -> Self {
        Self::new(200).with_body("text/html; charset=utf-8", body.as_bytes())
    }

    /// The answer to OPTIONS (RFC 9110, 9.3.7) at a resource that has these methods, and OPTIONS.
    pub fn options(methods: &[&str]) -> Self {
        Self::new(204).with_header("Allow", with_options(methods).join(", "))
    }

    /// The answer to another method at such a resource (RFC 9110, 15.5.6).
    pub fn method_not_allowed(methods: &[&str]) -> Self {
        let allowed = with_options(methods);
        let (last, others) = allowed.split_last().expect("OPTIONS is one of them");
        let text = match others {
            [] => format!("only {last} is allowed here\n"),
            others => format!("only {} and {last} are allowed here\n", others.join(", ")),
        };
        Self::text(405, text).with_header("Allow", allowed.join(", "))
    }

    /// The same with this body, of this type.
    pub fn with_body(
        mut self,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        self.content_type = content_type.into();
        self.body = body.into();
        self
    }

    /// The same with one more header field.
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Appends the response to `out`: to a HEAD request, without its body (`head_only`), though with its
    /// length; and with word of whether the connection stays (`keep_alive`).
    pub fn encode(&self, out: &mut Vec<u8>, head_only: bool, keep_alive: bool) {
        let status = self.status.to_string();
        push_line(out, &["HTTP/1.1 ", &status, " ", reason(self.status)]);
        if !self.content_type.is_empty() {
            push_line(out, &["Content-Type: ", &self.content_type]);
        }
        for (name, value) in &self.headers {
            debug_assert!(!is_written_by_encode(name), "{name} would stand there twice");
            push_line(out, &[name, ": ", value]);
        }
        // RFC 9110, 8.6: there MUST be none with a status that has no body.
        let has_body = !matches!(self.status, 100..=199 | 204 | 304);
        if has_body {
            push_line(out, &["Content-Length: ", &self.body.len().to_string()]);
        }
        // RFC 9110, 7.8: who sends an Upgrade MUST name it here, lest a proxy pass it on.
        let has_upgrade = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"));
        let upgrade = if has_upgrade { ", Upgrade" } else { "" };
        push_line(out, &["Connection: ", if keep_alive { "keep-alive" } else { "close" }, upgrade]);
        push_line(out, &[]);
        if has_body && !head_only {
            out.extend_from_slice(&self.body);
        }
    }
}

/// Whether each response has this field of itself.
fn is_written_by_encode(name: &str) -> bool {
    ["content-type", "content-length", "connection"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// The methods of a resource, with the one that the server answers for all of them.
fn with_options<'m>(methods: &[&'m str]) -> Vec<&'m str> {
    methods.iter().copied().chain(["OPTIONS"]).collect()
}

fn into_bytes(text: Cow<'static, str>) -> Cow<'static, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The reason phrase of a status (RFC 9110, 15; RFC 6585).
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        // RFC 9112, 4: the phrase may be empty, the space before it may not be left out.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(response: &Response, head_only: bool, keep_alive: bool) -> String {
        let mut out = Vec::new();
        response.encode(&mut out, head_only, keep_alive);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn head_has_the_length_and_not_the_body() {
        let page = Response::html("<p>hello");
        let (get, head) = (encoded(&page, false, true), encoded(&page, true, true));
        assert_eq!(get, head.clone() + "<p>hello");
        assert!(head.contains("Content-Length: 8\r\n") && head.ends_with("\r\n\r\n"));
    }

    #[test]
    fn every_response_says_whether_the_connection_stays() {
        assert!(encoded(&Response::new(200), false, true).contains("Connection: keep-alive\r\n"));
        assert!(encoded(&Response::new(200), false, false).contains("Connection: close\r\n"));
    }

    #[test]
    fn an_empty_body_has_a_length_and_no_content_has_none() {
        assert!(encoded(&Response::new(200), false, true).contains("Content-Length: 0\r\n"));
        assert!(!encoded(&Response::new(204), false, true).contains("Content-Length"));
        assert!(!encoded(&Response::new(304), false, true).contains("Content-Length"));
    }

    #[test]
    fn methods_are_told_with_options() {
        let options = encoded(&Response::options(&["GET", "HEAD"]), false, true);
        assert_eq!(
            options,
            "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\nConnection: keep-alive\r\n\r\n"
        );
        let not_allowed = encoded(&Response::method_not_allowed(&["GET", "HEAD"]), false, true);
        assert!(not_allowed.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), "{not_allowed}");
        assert!(
            not_allowed.ends_with("\r\n\r\nonly GET, HEAD and OPTIONS are allowed here\n"),
            "{not_allowed}"
        );
    }

    #[test]
    fn a_status_without_a_name_keeps_its_space() {
        assert!(encoded(&Response::new(299), false, true).starts_with("HTTP/1.1 299 \r\n"));
    }
}
