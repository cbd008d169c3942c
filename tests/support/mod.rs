//! What the tests of the protocol share: events that outlive their input, and the vectors.

#![allow(dead_code, reason = "each test crate uses its part")]

pub mod vectors;

use std::fmt;

use chinwag::proto::Input;
use chinwag::proto::ws::{Connection, Error, Event, Opcode, Role, encoder};

/// What a connection has heard: its events, and the fault that ended it where one did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Error(Error),
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.to_owned()),
            Event::Ping(payload) => Self::Ping(payload.to_owned()),
            Event::Pong(payload) => Self::Pong(payload.to_owned()),
            Event::Close(close) => Self::Close(close.map(|close| (close.code, close.reason.to_owned()))),
        }
    }
}

/// As the vectors write it.
impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text {text:?}"),
            Self::Binary(bytes) => write!(f, "Binary {}", vectors::to_hex(bytes)),
            Self::Ping(payload) => write!(f, "Ping {}", vectors::to_hex(payload)),
            Self::Pong(payload) => write!(f, "Pong {}", vectors::to_hex(payload)),
            Self::Close(None) => write!(f, "Close"),
            Self::Close(Some((code, reason))) => write!(f, "Close {code} {reason:?}"),
            Self::Error(error) => write!(f, "Error {error:?}"),
        }
    }
}

pub fn text(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

pub fn binary(bytes: &[u8]) -> Heard {
    Heard::Binary(bytes.to_owned())
}

/// Shows `bytes` to `ws`, and gives all that it hears.
pub fn feed(ws: &mut Connection, bytes: &[u8]) -> Vec<Heard> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut heard = Vec::new();
    loop {
        match ws.poll_event(&mut input) {
            Ok(Some(event)) => heard.push(event.into()),
            Ok(None) => break,
            Err(error) => heard.push(Heard::Error(error)),
        }
    }
    assert!(input.is_empty(), "`None` means that the input is used up");
    heard
}

/// What we hear in our `role`, if the bytes come in pieces that end at `cuts` and at their end.
pub fn hear_cut(role: Role, message_bytes_max: usize, bytes: &[u8], cuts: &[usize]) -> Vec<Heard> {
    hear_cut_by(Connection::new(role, message_bytes_max), bytes, cuts)
}

/// What a connection hears, if the bytes come in pieces that end at `cuts` and at their end.
pub fn hear_cut_by(mut ws: Connection, bytes: &[u8], cuts: &[usize]) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([bytes.len()]) {
        heard.extend(feed(&mut ws, &bytes[start..end]));
        start = end;
    }
    heard
}

/// What a server hears.
pub fn server_hears(bytes: &[u8]) -> Vec<Heard> {
    hear_cut(Role::Server, MESSAGE_BYTES_MAX, bytes, &[])
}

/// What a client hears.
pub fn client_hears(bytes: &[u8]) -> Vec<Heard> {
    hear_cut(Role::Client, MESSAGE_BYTES_MAX, bytes, &[])
}

pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as a server sends it.
pub fn unmasked(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::fragment(&mut out, fin, opcode, payload, None);
    out
}

/// A frame as a client sends it.
pub fn masked(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::fragment(&mut out, fin, opcode, payload, Some(KEY));
    out
}

/// One variant of each kind: a new one does not compile until it is here, and its vector is asked for.
pub fn all_errors() -> Vec<Error> {
    let all = vec![
        Error::ReservedBits,
        Error::ReservedOpcode(3),
        Error::FragmentedControl,
        Error::ControlTooLong,
        Error::Unmasked,
        Error::Masked,
        Error::LengthNotMinimal,
        Error::LengthHighBit,
        Error::ContinuationWithoutStart,
        Error::MessageInsideMessage,
        Error::MessageTooBig,
        Error::TextNotUtf8,
        Error::CloseTooShort,
        Error::CloseCode(1005),
        Error::CloseReasonNotUtf8,
        Error::Rsv1OutOfPlace,
        Error::NotDeflate,
        Error::DeflateTruncated,
    ];
    for error in &all {
        match error {
            Error::ReservedBits
            | Error::ReservedOpcode(_)
            | Error::FragmentedControl
            | Error::ControlTooLong
            | Error::Unmasked
            | Error::Masked
            | Error::LengthNotMinimal
            | Error::LengthHighBit
            | Error::ContinuationWithoutStart
            | Error::MessageInsideMessage
            | Error::MessageTooBig
            | Error::TextNotUtf8
            | Error::CloseTooShort
            | Error::CloseCode(_)
            | Error::CloseReasonNotUtf8
            | Error::Rsv1OutOfPlace
            | Error::NotDeflate
            | Error::DeflateTruncated => {}
        }
    }
    all
}
