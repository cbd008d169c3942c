//! Frames to messages. RFC 6455, sections 5.4, 5.5, 5.6 and 8.1.
//!
//! ```text
//!   text, fin=0   "Hel"  -.
//!   ping, fin=1           |   a control frame may come between: it is no part of the message
//!   cont, fin=0   "lo "   +-> Text("Hello world")
//!   cont, fin=1   "world"-'
//! ```
//!
//! A message that is deflated (RFC 7692, 6.2) is inflated when it is whole, and what comes of that is gathered as if it had
//! come so.
//!
//! A message that is one frame, and lies whole in the input, is judged and given out where it lies. What is
//! cut, by its sender or by a read, is [`Gathered`]: text as a `String`, so that each part is judged once,
//! when it arrives, and what is cut inside a character waits in the validator.

use super::deflate::Inflater;
use super::{Error, Header, Opcode, close, utf8};
use crate::proto::growth;

/// What the peer has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'e> {
    /// A text message, whole.
    Text(&'e str),
    /// A binary message, whole.
    Binary(&'e [u8]),
    /// 5.5.2: to be answered with a pong that holds the same payload.
    Ping(&'e [u8]),
    /// 5.5.3: an answer to a ping, or a sign of life that nobody asked for. It is never answered.
    Pong(&'e [u8]),
    /// 5.5.1: the peer sends nothing more. `None` where it gave no code. No event comes after this one.
    Close(Option<CloseFrame<'e>>),
}

/// What a Close frame says, where it says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseFrame<'e> {
    /// Why the peer closes: one of the codes that may be on the wire (see [`close`]).
    pub code: u16,
    /// The same for humans; it may be empty, and is not to be shown to end users (5.5.1).
    pub reason: &'e str,
}

impl<'e> Event<'e> {
    /// A message that is one frame, or a control frame.
    pub(super) fn of_frame(opcode: Opcode, payload: &'e [u8]) -> Result<Self, Error> {
        Ok(match opcode {
            Opcode::Text => Self::Text(str::from_utf8(payload).map_err(|_| Error::TextNotUtf8)?),
            Opcode::Binary => Self::Binary(payload),
            Opcode::Ping => Self::Ping(payload),
            Opcode::Pong => Self::Pong(payload),
            Opcode::Close => Self::Close(CloseFrame::parse(payload)?),
            Opcode::Continuation => return Err(Error::ContinuationWithoutStart),
        })
    }
}

impl<'e> CloseFrame<'e> {
    /// Parses the payload of a Close frame.
    pub(super) fn parse(payload: &'e [u8]) -> Result<Option<Self>, Error> {
        match payload {
            [] => Ok(None),
            [_] => Err(Error::CloseTooShort),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !close::is_valid_on_wire(code) {
                    return Err(Error::CloseCode(code));
                }
                let reason = str::from_utf8(reason).map_err(|_| Error::CloseReasonNotUtf8)?;
                Ok(Some(Self { code, reason }))
            }
        }
    }
}

/// A message, or a control frame, of which a part has arrived.
#[derive(Debug)]
pub(super) enum Gathered {
    Text { text: String, validator: utf8::Validator },
    Bytes { opcode: Opcode, bytes: Vec<u8> },
    Deflated { opcode: Opcode, bytes: Vec<u8> },
}

impl Gathered {
    /// What a frame of this opcode begins, with nothing in it.
    pub fn begin(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Text => Self::Text { text: String::new(), validator: utf8::Validator::new() },
            opcode => Self::Bytes { opcode, bytes: Vec::new() },
        }
    }

    /// What the first frame of a message begins, with nothing in it.
    pub fn begin_with(header: &Header) -> Self {
        if header.rsv1 {
            Self::Deflated { opcode: header.opcode, bytes: Vec::new() }
        } else {
            Self::begin(header.opcode)
        }
    }

    /// Inflates a message that may be `len_max` bytes long, and no further than that.
    pub fn inflate(
        opcode: Opcode,
        deflated: &[u8],
        len_max: usize,
        inflater: &mut Inflater,
        keeps_context: bool,
    ) -> Result<Self, Error> {
        let mut inflated = Self::begin(opcode);
        inflater.inflate(keeps_context, deflated, |chunk| {
            if inflated.len() + chunk.len() > len_max {
                return Err(Error::MessageTooBig);
            }
            inflated.push(chunk, len_max)
        })?;
        inflated.finish()?;
        Ok(inflated)
    }

    /// Whether it has to be inflated when it is whole.
    pub fn is_deflated(&self) -> bool {
        matches!(self, Self::Deflated { .. })
    }

    /// How many bytes have arrived.
    pub fn len(&self) -> usize {
        match self {
            Self::Text { text, validator } => text.len() + validator.carried(),
            Self::Bytes { bytes, .. } | Self::Deflated { bytes, .. } => bytes.len(),
        }
    }

    /// How many bytes of memory it holds.
    pub fn capacity(&self) -> usize {
        match self {
            Self::Text { text, .. } => text.capacity(),
            Self::Bytes { bytes, .. } | Self::Deflated { bytes, .. } => bytes.capacity(),
        }
    }

    /// Adds what has arrived. All of it together will be `len_max` bytes at most.
    pub fn push(&mut self, payload: &[u8], len_max: usize) -> Result<(), Error> {
        match self {
            Self::Text { text, validator } => {
                let (completed, rest) = validator.take_text(payload).map_err(|_| Error::TextNotUtf8)?;
                let additional = completed.map_or(0, char::len_utf8) + rest.len();
                text.reserve_exact(growth(text.len(), text.capacity(), additional, len_max));
                text.extend(completed);
                text.push_str(rest);
            }
            Self::Bytes { bytes, .. } | Self::Deflated { bytes, .. } => {
                bytes.reserve_exact(growth(bytes.len(), bytes.capacity(), payload.len(), len_max));
                bytes.extend_from_slice(payload);
            }
        }
        Ok(())
    }

    /// Whether it may end here.
    pub fn finish(&self) -> Result<(), Error> {
        match self {
            Self::Text { validator, .. } => validator.finish().map_err(|_| Error::TextNotUtf8),
            Self::Bytes { .. } | Self::Deflated { .. } => Ok(()),
        }
    }

    /// What it says, now that it is whole.
    pub fn event(&self) -> Result<Event<'_>, Error> {
        match self {
            Self::Text { text, .. } => Ok(Event::Text(text)),
            Self::Bytes { opcode, bytes } | Self::Deflated { opcode, bytes } => {
                Event::of_frame(*opcode, bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_holds_nothing_or_a_code() {
        assert_eq!(CloseFrame::parse(b""), Ok(None));
        assert_eq!(CloseFrame::parse(&[0x03]), Err(Error::CloseTooShort));
        assert_eq!(CloseFrame::parse(&[0x03, 0xE8]), Ok(Some(CloseFrame { code: 1000, reason: "" })));
        assert_eq!(CloseFrame::parse(b"\x03\xE9bye"), Ok(Some(CloseFrame { code: 1001, reason: "bye" })));
        assert_eq!(CloseFrame::parse(&[0x03, 0xED]), Err(Error::CloseCode(1005)));
        assert_eq!(CloseFrame::parse(b"\x03\xE8\xFF"), Err(Error::CloseReasonNotUtf8));
    }

    #[test]
    fn memory_doubles_up_to_the_longest_the_message_can_be() {
        let mut message = Gathered::begin(Opcode::Binary);
        let mut capacities = Vec::new();
        for _ in 0..1000 {
            message.push(&[0; 10], 9_999_999).unwrap();
            capacities.push(message.capacity());
        }
        capacities.dedup();
        assert_eq!(message.len(), 10_000);
        assert!(capacities.len() < 15, "{capacities:?}");
        assert!(message.capacity() < 2 * message.len());

        let mut message = Gathered::begin(Opcode::Text);
        for _ in 0..100 {
            message.push(b"0123456789", 1000).unwrap();
        }
        assert_eq!((message.len(), message.capacity()), (1000, 1000));
    }

    #[test]
    fn parts_of_nothing_take_no_memory() {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let mut message = Gathered::begin(opcode);
            for _ in 0..1000 {
                message.push(b"", 1000).unwrap();
            }
            assert_eq!((message.len(), message.capacity()), (0, 0));
        }
    }

    #[test]
    fn a_character_cut_in_two_counts_before_it_is_whole() {
        let mut message = Gathered::begin(Opcode::Text);
        message.push("a€".as_bytes().split_last().unwrap().1, 4).unwrap();
        assert_eq!(message.len(), 3);
        assert_eq!(message.finish(), Err(Error::TextNotUtf8));
        message.push("€".as_bytes().last_chunk::<1>().unwrap(), 4).unwrap();
        assert_eq!(message.finish(), Ok(()));
        assert_eq!(message.event().unwrap(), Event::Text("a€"));
    }
}
