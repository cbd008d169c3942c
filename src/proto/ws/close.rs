//! Close codes: why a connection ends, in two bytes. RFC 6455, section 7.4; 1012 to 1014 are IANA's.
//!
//! ```text
//!      0 -  999  never used
//!   1000 - 2999  the protocol: 1000-1003 and 1007-1014 are defined to be sent; 1004 is reserved;
//!                1005, 1006 and 1015 are words for APIs, about what was NOT received, never sent
//!   3000 - 3999  libraries and frameworks, registered with IANA
//!   4000 - 4999  applications, by agreement
//! ```

/// The purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// An endpoint goes away: a server goes down, a browser leaves the page.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// The peer sent a kind of message that we cannot take.
pub const UNSUPPORTED_DATA: u16 = 1003;
/// Not sent: the Close frame held no code.
pub const NO_STATUS_RECEIVED: u16 = 1005;
/// Not sent: the connection ended without a Close frame.
pub const ABNORMAL: u16 = 1006;
/// A message is inconsistent with its type: text that is not UTF-8.
pub const INVALID_PAYLOAD: u16 = 1007;
/// A message is against our policy.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message is too big for us.
pub const MESSAGE_TOO_BIG: u16 = 1009;
/// The client needed an extension that the server did not give.
pub const MANDATORY_EXTENSION: u16 = 1010;
/// The server cannot fulfil the request.
pub const INTERNAL_ERROR: u16 = 1011;
/// The server restarts: come back after a while, each client after a while of its own.
pub const SERVICE_RESTART: u16 = 1012;
/// The server is overloaded.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// The server is a gateway, and who is behind it answered badly.
pub const BAD_GATEWAY: u16 = 1014;
/// Not sent: the TLS handshake failed.
pub const TLS_HANDSHAKE: u16 = 1015;

/// Whether a Close frame may hold this code (7.4.1, 7.4.2).
pub fn is_valid_on_wire(code: u16) -> bool {
    matches!(code, NORMAL..=UNSUPPORTED_DATA | INVALID_PAYLOAD..=BAD_GATEWAY | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_every_range() {
        let cases = [
            (0, false),
            (999, false),
            (1000, true),
            (1003, true),
            (1004, false),
            (NO_STATUS_RECEIVED, false),
            (ABNORMAL, false),
            (1007, true),
            (1014, true),
            (TLS_HANDSHAKE, false),
            (1016, false),
            (2999, false),
            (3000, true),
            (3999, true),
            (4000, true),
            (4999, true),
            (5000, false),
            (u16::MAX, false),
        ];
        for (code, valid) in cases {
            assert_eq!(is_valid_on_wire(code), valid, "{code}");
        }
    }
}
