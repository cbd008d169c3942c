//! 5.7: the examples, received and sent. They are vectors as well.

use chinwag::proto::ws::Opcode;

use crate::support::{Heard, binary, client_hears, masked, server_hears, text, unmasked};

const TEXT: [u8; 7] = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
const TEXT_MASKED: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const PING: [u8; 7] = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
const PONG_MASKED: [u8; 11] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

#[test]
fn a_single_frame_unmasked_text_message() {
    assert_eq!(client_hears(&TEXT), [text("Hello")]);
    assert_eq!(unmasked(true, Opcode::Text, b"Hello"), TEXT);
}

#[test]
fn a_single_frame_masked_text_message() {
    assert_eq!(server_hears(&TEXT_MASKED), [text("Hello")]);
    assert_eq!(masked(true, Opcode::Text, b"Hello"), TEXT_MASKED);
}

#[test]
fn a_fragmented_unmasked_text_message() {
    let first = [0x01, 0x03, 0x48, 0x65, 0x6c];
    let second = [0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(client_hears(&[&first[..], &second].concat()), [text("Hello")]);
    assert_eq!(unmasked(false, Opcode::Text, b"Hel"), first);
    assert_eq!(unmasked(true, Opcode::Continuation, b"lo"), second);
}

#[test]
fn an_unmasked_ping_and_its_masked_response() {
    assert_eq!(client_hears(&PING), [Heard::Ping(b"Hello".to_vec())]);
    assert_eq!(server_hears(&PONG_MASKED), [Heard::Pong(b"Hello".to_vec())]);
    assert_eq!(unmasked(true, Opcode::Ping, b"Hello"), PING);
    assert_eq!(masked(true, Opcode::Pong, b"Hello"), PONG_MASKED);
}

#[test]
fn two_hundred_and_fifty_six_bytes_in_a_single_unmasked_frame() {
    let frame = [&[0x82, 0x7E, 0x01, 0x00][..], &[7; 256]].concat();
    assert_eq!(client_hears(&frame), [binary(&[7; 256])]);
    assert_eq!(unmasked(true, Opcode::Binary, &[7; 256]), frame);
}

#[test]
fn sixty_four_kibibytes_in_a_single_unmasked_frame() {
    let frame = [&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0][..], &[7; 65_536]].concat();
    assert_eq!(client_hears(&frame), [binary(&[7; 65_536])]);
    assert_eq!(unmasked(true, Opcode::Binary, &[7; 65_536]), frame);
}
