//! WebSocket, RFC 6455: the handshake, the frames, the messages. Both roles, no I/O.
//!
//! ```text
//!            handshake                 once, over HTTP: Offer -> response | Request -> check_response
//!                |
//!   bytes -> decoder -> message -> connection -> Event
//!              |           |
//!           header       utf8          a frame is a header, a key, a payload;
//!           mask         close         a message is one frame or many
//!
//!   bytes <- encoder <- header, close
//! ```
//!
//! To read it as a course, take [`header`], [`mask`], [`utf8`], then `decoder` (frames cut by reads),
//! `message` (messages cut into frames), [`Connection`] (how it ends), and [`handshake`] last, though it
//! comes first on the wire.
//!
//! One state machine serves both sides; what differs between them is one question, asked in one place: must
//! this frame be masked ([`Role`])?

mod connection;
mod decoder;
mod error;
mod message;
mod opcode;

pub mod close;
pub mod deflate;
pub mod encoder;
pub mod handshake;
pub mod header;
pub mod mask;
pub mod utf8;

pub use connection::Connection;
pub use error::Error;
pub use header::{EncodedHeader, HEADER_LEN_MAX, Header};
pub use message::{CloseFrame, Event};
pub use opcode::Opcode;

/// The longest payload of a control frame (5.5).
pub const CONTROL_PAYLOAD_MAX: usize = 125;

/// Which side of the connection we are.
///
/// 5.1: everything a client sends is masked, nothing a server sends is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We dialled: our frames are masked, the peer's must not be.
    Client,
    /// We accepted: the peer's frames must be masked, ours are not.
    Server,
}

impl Role {
    /// The role of the other side.
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
