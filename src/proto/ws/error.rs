//! The rules that a peer can break, and what we tell it. RFC 6455, section 7.1.7 and 7.4.
//!
//! One variant per rule, with its section. The log gets the variant; the peer gets the close code and nothing
//! else, for a peer that breaks the protocol has no use for prose.

use std::fmt;

use super::close;

/// A rule that the peer broke. The connection is failed with [`Error::close_code`] and nothing after it is
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// 5.2: RSV1, RSV2 and RSV3 MUST be 0 unless an extension defines them.
    ReservedBits,
    /// 5.2: an unknown opcode MUST fail the connection.
    ReservedOpcode(u8),
    /// 5.5: control frames MUST NOT be fragmented.
    FragmentedControl,
    /// 5.5: a control frame MUST have a payload of 125 bytes or less.
    ControlTooLong,
    /// 5.1: a server MUST close the connection upon receiving a frame that is not masked.
    Unmasked,
    /// 5.1: a client MUST close the connection if it detects a masked frame.
    Masked,
    /// 5.2: the minimal number of bytes MUST be used to encode the length.
    LengthNotMinimal,
    /// 5.2: the most significant bit of a 64-bit length MUST be 0.
    LengthHighBit,
    /// 5.4: a continuation frame continues a message, and none is open.
    ContinuationWithoutStart,
    /// 5.4: the fragments of one message MUST NOT be interleaved with those of another.
    MessageInsideMessage,
    /// 10.4: a message is longer than the limit we set.
    MessageTooBig,
    /// 8.1: a text message holds bytes that are not UTF-8.
    TextNotUtf8,
    /// 5.5.1: the body of a Close frame, if there is one, begins with a code of two bytes.
    CloseTooShort,
    /// 7.4: a Close frame holds a code that must not be sent.
    CloseCode(u16),
    /// 5.5.1, 8.1: the reason in a Close frame is not UTF-8.
    CloseReasonNotUtf8,
    /// RFC 7692, 6.1: RSV1 MUST NOT be set in a control frame or in one that continues a message.
    Rsv1OutOfPlace,
    /// RFC 7692, 7.2.2: what is to be inflated was not deflated.
    NotDeflate,
    /// RFC 7692, 7.2.2: a compressed message MUST end where a block ends.
    DeflateTruncated,
}

impl Error {
    /// The code of the Close frame that tells the peer (7.4.1).
    pub fn close_code(self) -> u16 {
        // No `_`: a new rule does not compile until someone has chosen its code.
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::Unmasked
            | Self::Masked
            | Self::LengthNotMinimal
            | Self::LengthHighBit
            | Self::ContinuationWithoutStart
            | Self::MessageInsideMessage
            | Self::CloseTooShort
            | Self::CloseCode(_)
            | Self::Rsv1OutOfPlace => close::PROTOCOL_ERROR,
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 | Self::NotDeflate | Self::DeflateTruncated => {
                close::INVALID_PAYLOAD
            }
            Self::MessageTooBig => close::MESSAGE_TOO_BIG,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits => f.write_str("a reserved bit is set (RFC 6455, 5.2)"),
            Self::ReservedOpcode(opcode) => write!(f, "opcode {opcode:#x} is reserved (RFC 6455, 5.2)"),
            Self::FragmentedControl => f.write_str("a control frame is fragmented (RFC 6455, 5.5)"),
            Self::ControlTooLong => f.write_str("a control frame is longer than 125 bytes (RFC 6455, 5.5)"),
            Self::Unmasked => f.write_str("a frame from a client is not masked (RFC 6455, 5.1)"),
            Self::Masked => f.write_str("a frame from a server is masked (RFC 6455, 5.1)"),
            Self::LengthNotMinimal => f.write_str("a length is not in its shortest form (RFC 6455, 5.2)"),
            Self::LengthHighBit => f.write_str("a length has its highest bit set (RFC 6455, 5.2)"),
            Self::ContinuationWithoutStart => {
                f.write_str("a continuation frame continues nothing (RFC 6455, 5.4)")
            }
            Self::MessageInsideMessage => {
                f.write_str("a message begins inside a fragmented one (RFC 6455, 5.4)")
            }
            Self::MessageTooBig => f.write_str("a message is over the limit (RFC 6455, 10.4)"),
            Self::TextNotUtf8 => f.write_str("a text message is not UTF-8 (RFC 6455, 8.1)"),
            Self::CloseTooShort => f.write_str("a close frame holds half a code (RFC 6455, 5.5.1)"),
            Self::CloseCode(code) => write!(f, "close code {code} must not be sent (RFC 6455, 7.4)"),
            Self::CloseReasonNotUtf8 => f.write_str("a close reason is not UTF-8 (RFC 6455, 8.1)"),
            Self::Rsv1OutOfPlace => f.write_str("RSV1 is set where no message begins (RFC 7692, 6.1)"),
            Self::NotDeflate => f.write_str("what is to be inflated was not deflated (RFC 7692, 7.2.2)"),
            Self::DeflateTruncated => {
                f.write_str("a compressed message ends in the middle of a block (RFC 7692, 7.2.2)")
            }
        }
    }
}

impl std::error::Error for Error {}
