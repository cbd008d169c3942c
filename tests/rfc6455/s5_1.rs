//! 5.1: who masks.

use chinwag::proto::ws::{Error, Opcode, close};

use crate::support::{Heard, client_hears, masked, server_hears, text, unmasked};

const ALL: [Opcode; 5] = [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong];

#[test]
fn a_server_closes_upon_a_frame_that_is_not_masked() {
    for opcode in ALL {
        assert_eq!(server_hears(&unmasked(true, opcode, b"")), [Heard::Error(Error::Unmasked)], "{opcode:?}");
    }
    assert_eq!(Error::Unmasked.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn a_client_closes_upon_a_frame_that_is_masked() {
    for opcode in ALL {
        assert_eq!(client_hears(&masked(true, opcode, b"")), [Heard::Error(Error::Masked)], "{opcode:?}");
    }
    assert_eq!(Error::Masked.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn the_rule_holds_for_every_frame_not_only_the_first() {
    let frames = [masked(true, Opcode::Text, b"a"), unmasked(true, Opcode::Text, b"b")].concat();
    assert_eq!(server_hears(&frames), [text("a"), Heard::Error(Error::Unmasked)]);
    let fragments = [masked(false, Opcode::Text, b"a"), unmasked(true, Opcode::Continuation, b"b")].concat();
    assert_eq!(server_hears(&fragments), [Heard::Error(Error::Unmasked)]);
}

#[test]
fn a_key_of_zeros_is_a_mask() {
    assert_eq!(server_hears(b"\x81\x81\0\0\0\0a"), [text("a")]);
}
