//! Bytes to frames, however the reads have cut them. RFC 6455, sections 5.1 to 5.3 and 6.2.
//!
//! ```text
//!                 +----- header incomplete ----+
//!                 v                            |
//!   .-> Header (what has come of it) ----------+
//!   |       |
//!   |       | header whole: a chunk, perhaps of no bytes yet
//!   |       v
//!   |   Payload (key in phase, bytes to come) ---+
//!   |       |             ^                      | more came: a chunk
//!   |       |             +----------------------+
//!   '-------+ none to come
//! ```
//!
//! What comes out are chunks: the part of a frame's payload that lies in this input, unmasked in place. Most
//! frames are one chunk. A chunk is also given for a header whose payload has not come yet, so that it can be
//! refused then.

use super::{Error, HEADER_LEN_MAX, Header, Role, mask};
use crate::proto::Input;

/// A part of a frame.
#[derive(Debug)]
pub(super) struct Chunk<'b> {
    /// The header of the frame, its key in phase with this part.
    pub header: Header,
    /// The payload bytes of this part, unmasked.
    pub payload: &'b [u8],
    /// Whether the payload begins here.
    pub first: bool,
    /// How many bytes of the payload are to come after this part.
    pub remaining: u64,
}

/// What of a frame is known between two reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoder {
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The header is not whole; mostly, nothing of it has come.
    Header(BegunHeader),
    /// `remaining` bytes of the payload are to come, more than 0, in phase with the header's key.
    Payload { header: Header, remaining: u64 },
}

impl Decoder {
    /// Between two frames.
    pub fn new() -> Self {
        Self { state: State::Header(BegunHeader::default()) }
    }

    /// Whether it is between two frames, so that a new decoder would do as well.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Header(BegunHeader { len: 0, .. }))
    }

    /// Takes the next chunk off `input`. `None` when `input` is used up.
    pub fn poll_chunk<'b>(
        &mut self,
        role: Role,
        deflates: bool,
        input: &mut Input<'b>,
    ) -> Result<Option<Chunk<'b>>, Error> {
        let (mut header, remaining, first) = match &mut self.state {
            State::Header(begun) => match begun.take_header(role, deflates, input)? {
                Some(header) => (header, header.payload_len, true),
                None => return Ok(None),
            },
            State::Payload { .. } if input.is_empty() => return Ok(None),
            State::Payload { header, remaining } => (*header, *remaining, false),
        };
        // Where the rest is longer than our address space, it is surely longer than the input.
        let payload = input.take(usize::try_from(remaining).unwrap_or(usize::MAX));
        let remaining = remaining - payload.len() as u64;
        let part = header;
        if let Some(key) = &mut header.masking_key {
            mask::apply(payload, *key);
            *key = mask::rotate(*key, payload.len());
        }
        self.state = match remaining {
            0 => State::Header(BegunHeader::default()),
            _ => State::Payload { header, remaining },
        };
        Ok(Some(Chunk { header: part, payload, first, remaining }))
    }
}

/// The bytes of a header that a read has cut. Invariant: they break no rule, and they are no whole header.
#[derive(Debug, Clone, Copy, Default)]
struct BegunHeader {
    bytes: [u8; HEADER_LEN_MAX],
    len: u8,
}

impl BegunHeader {
    fn take_header(
        &mut self,
        role: Role,
        deflates: bool,
        input: &mut Input<'_>,
    ) -> Result<Option<Header>, Error> {
        if self.len == 0
            && let Some((header, len)) = Header::parse_with(input.remaining(), role, deflates)?
        {
            input.take(len);
            return Ok(Some(header));
        }
        // Cut. A read does that to one header at most, so that simple is fast enough: byte by byte.
        while let Some(byte) = input.take_byte() {
            self.bytes[usize::from(self.len)] = byte;
            self.len += 1;
            let begun = &self.bytes[..usize::from(self.len)];
            if let Some((header, _)) = Header::parse_with(begun, role, deflates)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ws::Opcode;

    /// Every chunk of `bytes` shown in pieces of `size`: payload, first, last.
    fn chunks(bytes: &[u8], size: usize) -> Vec<(Vec<u8>, bool, bool)> {
        let mut decoder = Decoder::new();
        let mut chunks = Vec::new();
        for piece in bytes.chunks(size) {
            let mut piece = piece.to_vec();
            let mut input = Input::new(&mut piece);
            while let Some(chunk) =
                decoder.poll_chunk(Role::Server, false, &mut input).expect("no rule is broken")
            {
                chunks.push((chunk.payload.to_vec(), chunk.first, chunk.remaining == 0));
            }
            assert!(input.is_empty());
        }
        assert!(decoder.is_idle());
        chunks
    }

    /// Section 5.7: "Hello", masked.
    const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

    #[test]
    fn a_frame_in_one_piece_is_one_chunk() {
        let two = [HELLO, HELLO].concat();
        let hello = (b"Hello".to_vec(), true, true);
        assert_eq!(chunks(&two, two.len()), [hello.clone(), hello]);
    }

    #[test]
    fn a_header_is_given_before_its_payload_comes() {
        let expected = [(b"".to_vec(), true, false), (b"Hello".to_vec(), false, true)];
        assert_eq!(chunks(&HELLO, 6), expected);
    }

    #[test]
    fn the_key_keeps_its_phase_wherever_a_payload_is_cut() {
        for size in 1..=HELLO.len() {
            let payload: Vec<u8> =
                chunks(&HELLO, size).into_iter().flat_map(|(payload, ..)| payload).collect();
            assert_eq!(payload, b"Hello", "pieces of {size}");
        }
    }

    #[test]
    fn a_payload_of_nothing_is_a_chunk_too() {
        assert_eq!(chunks(&[0x89, 0x80, 1, 2, 3, 4], 1), [(b"".to_vec(), true, true)]);
    }

    #[test]
    fn the_longest_payload_there_can_be_begins_like_any_other() {
        let mut bytes = [0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, b'x'];
        let mut decoder = Decoder::new();
        let mut input = Input::new(&mut bytes);
        let chunk = decoder.poll_chunk(Role::Client, false, &mut input).unwrap().unwrap();
        assert_eq!((chunk.header.opcode, chunk.payload), (Opcode::Binary, &b"x"[..]));
        assert_eq!(chunk.remaining, (1 << 63) - 2);
        assert!(!decoder.is_idle());
    }
}
