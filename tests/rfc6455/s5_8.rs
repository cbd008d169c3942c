//! 5.8: extensibility, as long as nothing is negotiated.

use chinwag::proto::ws::{Error, Opcode};

use crate::support::{Heard, client_hears, masked, server_hears, unmasked};

#[test]
fn what_is_kept_for_extensions_is_not_used_unless_one_is_negotiated() {
    // As a compressed message would look (RFC 7692, 7.2.3.1).
    let compressed = b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00";
    assert_eq!(client_hears(compressed), [Heard::Error(Error::ReservedBits)]);
    assert_eq!(server_hears(&[0xC1, 0x80]), [Heard::Error(Error::ReservedBits)]);
}

#[test]
fn we_use_none_of_it() {
    for opcode in [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong] {
        for frame in [masked(true, opcode, b""), unmasked(true, opcode, b"")] {
            assert_eq!(frame[0] & 0x70, 0, "{opcode:?}");
        }
    }
}
