//! 5.6: data frames.

use chinwag::proto::ws::{Error, Opcode};

use crate::support::{Heard, binary, client_hears, text, unmasked};

#[test]
fn a_text_message_is_utf8() {
    let frame = unmasked(true, Opcode::Text, "Zwölf 💒".as_bytes());
    assert_eq!(client_hears(&frame), [text("Zwölf 💒")]);
    assert_eq!(client_hears(&unmasked(true, Opcode::Text, b"\xFF")), [Heard::Error(Error::TextNotUtf8)]);
}

#[test]
fn a_text_frame_may_hold_a_part_of_a_character_as_long_as_the_message_does_not() {
    let church = "💒".as_bytes();
    for cut in 1..church.len() {
        let (begun, rest) = church.split_at(cut);
        let bytes =
            [unmasked(false, Opcode::Text, begun), unmasked(true, Opcode::Continuation, rest)].concat();
        assert_eq!(client_hears(&bytes), [text("💒")]);
        let bytes =
            [unmasked(false, Opcode::Text, begun), unmasked(true, Opcode::Continuation, b"")].concat();
        assert_eq!(client_hears(&bytes), [Heard::Error(Error::TextNotUtf8)]);
    }
}

#[test]
fn binary_is_whatever_it_is() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(client_hears(&unmasked(true, Opcode::Binary, &bytes)), [binary(&bytes)]);
}
