//! Opcodes: what a frame is for. RFC 6455, section 5.2 and 11.8.
//!
//! ```text
//!   0x0 continuation   0x3-0x7 reserved, data       0x9 ping   0xB-0xF reserved, control
//!   0x1 text           0x8     close                0xA pong
//!   0x2 binary
//! ```
//!
//! The top bit of the four tells control from data, for the reserved ones too. We need not know of what kind
//! a reserved opcode would have been: with no extension negotiated, each of them fails the connection.

/// The opcode of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further frame of the message that is open.
    Continuation = 0x0,
    /// The first, or only, frame of a text message.
    Text = 0x1,
    /// The first, or only, frame of a binary message.
    Binary = 0x2,
    /// The sender sends nothing more.
    Close = 0x8,
    /// To be answered with a pong that holds the same payload.
    Ping = 0x9,
    /// An answer to a ping, or a sign of life that nobody asked for.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode in the low four bits of a frame's first byte, `None` where it is reserved.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 0x0F {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The opcode as it stands in the low four bits of a frame's first byte.
    pub fn bits(self) -> u8 {
        self as u8
    }

    /// Whether it belongs to the connection rather than to a message (5.5).
    pub fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sixteen() {
        let known = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA];
        for bits in 0x0..=0xF {
            let opcode = Opcode::from_bits(bits);
            assert_eq!(opcode.map(Opcode::bits), known.contains(&bits).then_some(bits));
            assert_eq!(opcode.is_some_and(Opcode::is_control), [0x8, 0x9, 0xA].contains(&bits));
        }
    }

    #[test]
    fn the_high_four_bits_are_not_the_opcodes() {
        assert_eq!(Opcode::from_bits(0xF1), Some(Opcode::Text));
    }
}
