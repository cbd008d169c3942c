//! The rules of HTTP that a peer can break, and the status that answers each.

use std::fmt;

use super::Response;

/// A rule that the peer broke. It is answered with [`Error::status`], and the connection is closed: after a
/// head that was not understood, nobody knows where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// RFC 9112, 3: the request line is not method, target and version.
    RequestLine,
    /// RFC 9112, 3.2: the target is neither a path, nor a URI, nor `*`; or it has a fragment.
    Target,
    /// RFC 9112, 4: the first line of a response is not version, status and reason.
    StatusLine,
    /// RFC 9112, 5: a header field is not a name, a colon and a value.
    Field,
    /// RFC 9112, 2.3: we speak HTTP/1.0 and HTTP/1.1.
    Version,
    /// RFC 9112, 3: the request line is longer than
    /// [`REQUEST_LINE_BYTES_MAX`](super::REQUEST_LINE_BYTES_MAX).
    RequestLineTooLong,
    /// RFC 6585, 5: the head is longer than [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX).
    HeadTooLong,
    /// RFC 6585, 5: there are more header fields than [`HEADERS_MAX`](super::HEADERS_MAX).
    TooManyHeaders,
    /// RFC 9112, 3.2: an HTTP/1.1 request MUST have a Host.
    HostMissing,
    /// RFC 9112, 3.2: and one only.
    HostRepeated,
    /// RFC 9112, 3.2: and what is in it MUST be valid.
    Host,
    /// RFC 9112, 6.3: the Content-Length is not a number, or is two.
    ContentLength,
    /// RFC 9112, 6.3: Content-Length and Transfer-Encoding together are how requests are smuggled.
    TwoLengths,
    /// RFC 9112, 6.1: we take no transfer coding.
    TransferEncoding,
    /// RFC 9110, 15.5.12: a request of this method has a body, and must say how long.
    LengthRequired,
    /// RFC 9110, 15.5.14: the body is longer than we take.
    BodyTooLong,
}

impl Error {
    /// The status of the response that tells the peer.
    pub fn status(self) -> u16 {
        match self {
            Self::RequestLine
            | Self::Target
            | Self::StatusLine
            | Self::Field
            | Self::HostMissing
            | Self::HostRepeated
            | Self::Host
            | Self::ContentLength
            | Self::TwoLengths => 400,
            Self::LengthRequired => 411,
            Self::BodyTooLong => 413,
            Self::RequestLineTooLong => 414,
            Self::HeadTooLong | Self::TooManyHeaders => 431,
            Self::TransferEncoding => 501,
            Self::Version => 505,
        }
    }

    /// The response that tells the peer: the status, and a line that says what was wrong.
    pub fn response(self) -> Response {
        Response::text(self.status(), format!("{self}\n"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "the request line is malformed",
            Self::Target => "the request target is malformed",
            Self::StatusLine => "the status line is malformed",
            Self::Field => "a header field is malformed",
            Self::Version => "the HTTP version is neither 1.0 nor 1.1",
            Self::RequestLineTooLong => "the request line is too long",
            Self::HeadTooLong => "the request head is too long",
            Self::TooManyHeaders => "there are too many header fields",
            Self::HostMissing => "the Host header is missing",
            Self::HostRepeated => "there is more than one Host header",
            Self::Host => "the Host header is malformed",
            Self::ContentLength => "the Content-Length is malformed",
            Self::TwoLengths => "there are both a Content-Length and a Transfer-Encoding",
            Self::TransferEncoding => "transfer codings are not supported: send a Content-Length",
            Self::LengthRequired => "the Content-Length is missing",
            Self::BodyTooLong => "the body is too long",
        })
    }
}

impl std::error::Error for Error {}
