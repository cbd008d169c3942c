//! Why a connection ended: one enum, and what each way to end means for the log, the peer and the service.

use crate::proto::ws::{self, close};
use crate::service::{Ending, close as service_close};
use std::borrow::Cow;
use std::io;

/// Every way in which a connection can end. A connection has one, the first that happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer sent a Close frame with this code, or none (1005).
    PeerClosed(u16),
    /// The peer ended its stream without a Close frame; on the line port and in HTTP that is the way to do it.
    PeerEof,
    /// The connection broke.
    Reset(io::ErrorKind),
    /// The peer broke a rule of RFC 6455.
    Protocol(ws::Error),
    /// A request was answered with this status, and the connection was not to outlive it.
    Answered(u16),
    /// The peer spoke TLS where it is not spoken, or did not where it is.
    TlsMismatch,
    /// A peer of the line port speaks another protocol.
    WrongProtocol,
    /// The peer connected and then said nothing.
    FirstByteTimeout,
    /// A request did not arrive whole in time.
    HeadTimeout,
    /// No further request came.
    KeepAliveTimeout,
    /// A Ping was not answered by any byte.
    PongTimeout,
    /// The peer took nothing of what waited for it.
    TooSlow,
    /// The service ended it, with this code.
    Service(u16),
    /// The server stops.
    Stopping,
    /// The server stops, and another will take its place.
    Restarting,
}

impl CloseReason {
    /// One word, for logs and labels.
    pub fn word(self) -> &'static str {
        match self {
            CloseReason::PeerClosed(_) => "peer-closed",
            CloseReason::PeerEof => "peer-eof",
            CloseReason::Reset(_) => "reset",
            CloseReason::Protocol(_) => "protocol-error",
            CloseReason::Answered(_) => "answered",
            CloseReason::TlsMismatch => "tls-mismatch",
            CloseReason::WrongProtocol => "wrong-protocol",
            CloseReason::FirstByteTimeout => "first-byte-timeout",
            CloseReason::HeadTimeout => "head-timeout",
            CloseReason::KeepAliveTimeout => "keep-alive-timeout",
            CloseReason::PongTimeout => "pong-timeout",
            CloseReason::TooSlow => "too-slow",
            CloseReason::Service(_) => "service",
            CloseReason::Stopping => "stopping",
            CloseReason::Restarting => "restarting",
        }
    }

    /// The code of the Close frame that we send, if we send one: an answer to the peer's, or our own.
    pub fn close_code(self) -> Option<u16> {
        match self {
            // 5.5.1: the answer echoes the code; 7.4.1: 1005 stands for its absence and is never sent.
            CloseReason::PeerClosed(code) => Some(code),
            CloseReason::Protocol(error) => Some(error.close_code()),
            CloseReason::Service(code) => Some(code),
            CloseReason::PongTimeout => Some(service_close::IDLE),
            CloseReason::TooSlow => Some(service_close::TOO_SLOW),
            CloseReason::Stopping => Some(close::GOING_AWAY),
            CloseReason::Restarting => Some(close::SERVICE_RESTART),
            CloseReason::PeerEof
            | CloseReason::Reset(_)
            | CloseReason::Answered(_)
            | CloseReason::TlsMismatch
            | CloseReason::WrongProtocol
            | CloseReason::FirstByteTimeout
            | CloseReason::HeadTimeout
            | CloseReason::KeepAliveTimeout => None,
        }
    }

    /// What the peer reads in the Close frame next to the code: a constant, never details of ours.
    pub fn text(self) -> Cow<'static, str> {
        match self {
            CloseReason::PongTimeout => "no pong".into(),
            CloseReason::TooSlow => "too slow".into(),
            CloseReason::Stopping => "the server stops".into(),
            CloseReason::Restarting => "the server restarts".into(),
            // Which rule it broke, the peer may know.
            CloseReason::Protocol(error) => error.to_string().into(),
            CloseReason::PeerClosed(_)
            | CloseReason::PeerEof
            | CloseReason::Reset(_)
            | CloseReason::Answered(_)
            | CloseReason::TlsMismatch
            | CloseReason::WrongProtocol
            | CloseReason::FirstByteTimeout
            | CloseReason::HeadTimeout
            | CloseReason::KeepAliveTimeout
            | CloseReason::Service(_) => "".into(),
        }
    }

    /// Whether the log is to speak up.
    pub fn is_our_fault(self) -> bool {
        matches!(self, CloseReason::Service(close::INTERNAL_ERROR))
    }

    /// The same, as a service sees it.
    pub fn ending(self) -> Ending {
        Ending { code: self.close_code().unwrap_or(close::ABNORMAL), word: self.word() }
    }
}
