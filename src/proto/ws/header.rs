//! The frame header: two to fourteen bytes before every payload. RFC 6455, section 5.2.
//!
//! ```text
//!    byte 0            byte 1            bytes 2..          then
//!   +-+-+-+-+-------+ +-+-------------+ +----------------+ +-------------+
//!   |F|R|R|R| opcode| |M| payload len | | extended       | | masking key |
//!   |I|S|S|S|  (4)  | |A|     (7)     | | payload length | | (if MASK is |
//!   |N|V|V|V|       | |S|             | | (0, 2 or 8     | |  set:       |
//!   | |1|2|3|       | |K|             | |  bytes)        | |  4 bytes)   |
//!   +-+-+-+-+-------+ +-+-------------+ +----------------+ +-------------+
//!
//!   payload len   0..=125   is the length; no extended length follows
//!                 126       the next 2 bytes are it, big-endian, 126 or more
//!                 127       the next 8 bytes are it, big-endian, 65,536 or more, below 2^63
//! ```
//!
//! [`Header::parse`] judges each byte as soon as it is there: a peer that breaks a rule with its first byte
//! is told so without waiting for the thirteen others. The rules are thus met in the order of the bytes, and
//! where a header is cut makes no difference to which of them is found broken.
//!
//! RSV1 says that a message is deflated, where both ends have agreed to that (RFC 7692, 6); it stands in the first frame
//! of the message and nowhere else. [`Header::parse_with`] lets it pass; to all others it is reserved.
//!
//! A short length could be spelt in three ways, but "the minimal number of bytes MUST be used". Many let a
//! longer one pass; we do not, for where a frame has one spelling, no two parsers can disagree about it.

use std::ops::Deref;

use super::{CONTROL_PAYLOAD_MAX, Error, Opcode, Role};

/// The length of the longest header.
pub const HEADER_LEN_MAX: usize = 14; // 2 + 8 (64-bit length) + 4 (masking key)

// Byte 0.
const FIN: u8 = 0b1000_0000;
const RSV: u8 = 0b0111_0000;
const RSV1: u8 = 0b0100_0000;
// Byte 1.
const MASK: u8 = 0b1000_0000;
const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

/// What a frame says of itself before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// Whether this frame begins a message that is deflated (RFC 7692, 6).
    pub rsv1: bool,
    /// What the frame is for.
    pub opcode: Opcode,
    /// What the payload is XORed with, where it is (5.3).
    pub masking_key: Option<[u8; 4]>,
    /// How many bytes of payload follow the header. Below 2^63.
    pub payload_len: u64,
}

impl Header {
    /// Parses the header at the front of `bytes`, which a peer sent to us in our `role`.
    ///
    /// Gives the header and its own length, or `None` while it is not all there and nothing is wrong with
    /// what is.
    pub fn parse(bytes: &[u8], role: Role) -> Result<Option<(Self, usize)>, Error> {
        Self::parse_with(bytes, role, false)
    }

    /// The same, where it has been agreed whether messages may be deflated.
    #[inline]
    pub fn parse_with(bytes: &[u8], role: Role, deflates: bool) -> Result<Option<(Self, usize)>, Error> {
        let [first, rest @ ..] = bytes else { return Ok(None) };
        let fin = first & FIN != 0;
        // 5.2: the reserved bits MUST be 0 unless an extension gives them a meaning.
        let reserved = if deflates { RSV & !RSV1 } else { RSV };
        if first & reserved != 0 {
            return Err(Error::ReservedBits);
        }
        let rsv1 = first & RSV1 != 0;
        let opcode = Opcode::from_bits(*first).ok_or(Error::ReservedOpcode(first & 0x0F))?;
        // RFC 7692, 6.1: not in a frame that continues a message, nor in a control frame.
        if rsv1 && !matches!(opcode, Opcode::Text | Opcode::Binary) {
            return Err(Error::Rsv1OutOfPlace);
        }
        // 5.5: control frames MUST NOT be fragmented.
        if opcode.is_control() && !fin {
            return Err(Error::FragmentedControl);
        }

        let [second, rest @ ..] = rest else { return Ok(None) };
        let masked = second & MASK != 0;
        // 5.1: a server MUST close upon a frame that is not masked, a client upon one that is.
        match (role, masked) {
            (Role::Server, true) | (Role::Client, false) => {}
            (Role::Server, false) => return Err(Error::Unmasked),
            (Role::Client, true) => return Err(Error::Masked),
        }
        let len_7 = second & !MASK;
        // 5.5: at most 125 bytes, so that a longer form of the length is already wrong.
        if opcode.is_control() && usize::from(len_7) > CONTROL_PAYLOAD_MAX {
            return Err(Error::ControlTooLong);
        }

        let (payload_len, rest) = match (len_7, rest) {
            (LEN_16, [0, 0..126, ..]) => return Err(Error::LengthNotMinimal),
            (LEN_16, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
            (LEN_64, [0x80..=0xFF, ..]) => return Err(Error::LengthHighBit),
            (LEN_64, [0, 0, 0, 0, 0, 0, ..]) => return Err(Error::LengthNotMinimal),
            (LEN_64, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
            }
            (LEN_16 | LEN_64, _) => return Ok(None),
            (len_7, rest) => (u64::from(len_7), rest),
        };

        let (masking_key, rest) = match (masked, rest) {
            (false, rest) => (None, rest),
            (true, [a, b, c, d, rest @ ..]) => (Some([*a, *b, *c, *d]), rest),
            (true, _) => return Ok(None),
        };
        Ok(Some((Self { fin, rsv1, opcode, masking_key, payload_len }, bytes.len() - rest.len())))
    }

    /// The header's bytes, the length in its shortest form.
    ///
    /// The rules that bind us as a sender are asserted where the tests run: what we send is our own doing,
    /// not a peer's.
    pub fn encode(&self) -> EncodedHeader {
        debug_assert!(self.payload_len < 1 << 63, "5.2: the most significant bit of the length MUST be 0");
        debug_assert!(
            !self.opcode.is_control() || self.fin && self.payload_len <= CONTROL_PAYLOAD_MAX as u64,
            "5.5: a control frame is one frame of at most 125 bytes"
        );
        debug_assert!(
            !self.rsv1 || matches!(self.opcode, Opcode::Text | Opcode::Binary),
            "RFC 7692, 6.1: only the first frame of a message says that it is deflated"
        );
        let mut encoded = EncodedHeader { bytes: [0; HEADER_LEN_MAX], len: 0 };
        let mask = if self.masking_key.is_some() { MASK } else { 0 };

        let rsv1 = if self.rsv1 { RSV1 } else { 0 };
        encoded.push(&[if self.fin { FIN } else { 0 } | rsv1 | self.opcode.bits()]);
        match self.payload_len {
            len @ 0..126 => encoded.push(&[mask | len as u8]),
            len @ 126..0x1_0000 => {
                encoded.push(&[mask | LEN_16]);
                encoded.push(&(len as u16).to_be_bytes());
            }
            len => {
                encoded.push(&[mask | LEN_64]);
                encoded.push(&len.to_be_bytes());
            }
        }
        if let Some(key) = self.masking_key {
            encoded.push(&key);
        }
        encoded
    }
}

/// The bytes of a header, as a slice.
#[derive(Debug, Clone, Copy)]
pub struct EncodedHeader {
    bytes: [u8; HEADER_LEN_MAX],
    len: u8,
}

impl EncodedHeader {
    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }
}

impl Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn server(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        Header::parse(bytes, Role::Server)
    }

    fn client(bytes: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        Header::parse(bytes, Role::Client)
    }

    /// The headers of the examples in section 5.7, without and with a mask.
    #[test]
    fn examples_of_the_rfc() {
        let header = |fin, opcode, masking_key, payload_len| Header {
            fin,
            rsv1: false,
            opcode,
            masking_key,
            payload_len,
        };
        let cases: [(&[u8], Header); 7] = [
            (&[0x81, 0x05], header(true, Opcode::Text, None, 5)),
            (&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], header(true, Opcode::Text, Some(KEY), 5)),
            (&[0x01, 0x03], header(false, Opcode::Text, None, 3)),
            (&[0x80, 0x02], header(true, Opcode::Continuation, None, 2)),
            (&[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d], header(true, Opcode::Pong, Some(KEY), 5)),
            (&[0x82, 0x7E, 0x01, 0x00], header(true, Opcode::Binary, None, 256)),
            (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], header(true, Opcode::Binary, None, 65_536)),
        ];
        for (bytes, header) in cases {
            let role = if header.masking_key.is_some() { Role::Server } else { Role::Client };
            assert_eq!(Header::parse(bytes, role), Ok(Some((header, bytes.len()))));
            assert_eq!(&*header.encode(), bytes);
        }
    }

    #[test]
    fn all_256_first_bytes() {
        for first in 0..=0xFF {
            let expected = match (first & 0xF0, first & 0x0F) {
                (0x10..=0x70 | 0x90..=0xF0, _) => Err(Error::ReservedBits),
                (_, opcode @ (0x3..=0x7 | 0xB..=0xF)) => Err(Error::ReservedOpcode(opcode)),
                (0x00, 0x8..=0xA) => Err(Error::FragmentedControl),
                _ => Ok(None),
            };
            assert_eq!(server(&[first]), expected, "first byte {first:#04x}");
            assert_eq!(client(&[first]), expected, "first byte {first:#04x}");
        }
    }

    #[test]
    fn all_256_first_bytes_where_messages_may_be_deflated() {
        for first in 0..=0xFF_u8 {
            let expected = match (first & 0xF0, first & 0x0F) {
                (0x10..=0x30 | 0x50..=0x70 | 0x90..=0xB0 | 0xD0..=0xF0, _) => Err(Error::ReservedBits),
                (_, opcode @ (0x3..=0x7 | 0xB..=0xF)) => Err(Error::ReservedOpcode(opcode)),
                (0x40 | 0xC0, 0x0 | 0x8..=0xA) => Err(Error::Rsv1OutOfPlace),
                (0x00, 0x8..=0xA) => Err(Error::FragmentedControl),
                _ => Ok(None),
            };
            assert_eq!(Header::parse_with(&[first], Role::Server, true), expected, "first byte {first:#04x}");
        }
    }

    #[test]
    fn all_256_second_bytes() {
        for second in 0..=0xFF_u8 {
            let (masked, len) = (second >= 0x80, second & 0x7F);
            let data = |ok: bool, error| match (ok, len) {
                (false, _) => Err(error),
                (true, 0..=125) if !masked => Ok(Some(u64::from(len))),
                (true, _) => Ok(None),
            };
            let parsed_len = |parsed: Option<(Header, usize)>| parsed.map(|(header, _)| header.payload_len);
            assert_eq!(server(&[0x82, second]).map(parsed_len), data(masked, Error::Unmasked));
            assert_eq!(client(&[0x82, second]).map(parsed_len), data(!masked, Error::Masked));
            // The mask is judged before the length, both before any further byte.
            let control =
                if !masked { data(false, Error::Unmasked) } else { data(len <= 125, Error::ControlTooLong) };
            assert_eq!(server(&[0x89, second]).map(parsed_len), control);
        }
    }

    #[test]
    fn both_sides_of_every_length_boundary() {
        let cases: [(u64, usize); 6] = [
            (125, 2),
            (126, 4),
            (65_535, 4),
            (65_536, 10),
            (u64::from(u32::MAX) + 1, 10),
            ((1 << 63) - 1, 10),
        ];
        for (payload_len, header_len) in cases {
            let header =
                Header { fin: true, rsv1: false, opcode: Opcode::Binary, masking_key: None, payload_len };
            assert_eq!(header.encode().len(), header_len);
            assert_eq!(client(&header.encode()), Ok(Some((header, header_len))));
        }
        assert_eq!(client(&[0x82, 126, 0, 125]), Err(Error::LengthNotMinimal));
        assert_eq!(client(&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), Err(Error::LengthNotMinimal));
        assert_eq!(client(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(Error::LengthHighBit));
    }

    #[test]
    fn a_length_is_judged_before_it_is_whole() {
        assert_eq!(client(&[0x82, 127, 0x80]), Err(Error::LengthHighBit));
        assert_eq!(client(&[0x82, 127, 0, 0, 0, 0, 0]), Ok(None));
        assert_eq!(client(&[0x82, 127, 0, 0, 0, 0, 0, 0]), Err(Error::LengthNotMinimal));
        assert_eq!(client(&[0x82, 126, 0]), Ok(None));
    }

    #[test]
    fn bytes_after_the_header_are_left() {
        assert_eq!(client(&[0x81, 0x01, b'x', 0xFF]).map(|parsed| parsed.map(|(_, len)| len)), Ok(Some(2)));
    }

    fn any_header() -> impl Strategy<Value = Header> {
        let opcode = prop::sample::select(vec![
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ]);
        // Lengths of every magnitude, rather than all of them near 2^63.
        let len = (any::<u64>(), 1..=63_u32).prop_map(|(len, bits)| len >> (64 - bits));
        (any::<[bool; 2]>(), opcode, any::<Option<[u8; 4]>>(), len).prop_map(
            |([fin, rsv1], opcode, masking_key, len)| {
                let control = opcode.is_control();
                Header {
                    fin: fin || control,
                    rsv1: rsv1 && matches!(opcode, Opcode::Text | Opcode::Binary),
                    opcode,
                    masking_key,
                    payload_len: if control { len % 126 } else { len },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn decode_of_encode_is_the_header(header in any_header()) {
            let role = if header.masking_key.is_some() { Role::Server } else { Role::Client };
            let bytes = header.encode();
            prop_assert_eq!(Header::parse_with(&bytes, role, true), Ok(Some((header, bytes.len()))));
            for cut in 0..bytes.len() {
                prop_assert_eq!(Header::parse_with(&bytes[..cut], role, true), Ok(None));
            }
        }

        #[test]
        fn what_a_prefix_breaks_the_whole_breaks(bytes in any::<[u8; HEADER_LEN_MAX]>()) {
            for role in [Role::Server, Role::Client] {
                let whole = Header::parse(&bytes, role);
                for cut in 0..bytes.len() {
                    match Header::parse(&bytes[..cut], role) {
                        Ok(None) => {}
                        early => prop_assert_eq!(early, whole),
                    }
                }
            }
        }
    }
}
