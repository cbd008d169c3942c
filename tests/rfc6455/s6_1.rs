//! 6.1: sending. That it is sent, and only while the connection is open, needs a connection.

use chinwag::proto::ws::{Header, Opcode, Role, encoder};

use crate::support::{binary, client_hears, masked, server_hears, text, unmasked};

fn header(frame: &[u8], role: Role) -> Header {
    Header::parse(frame, role).expect("valid").expect("whole").0
}

#[test]
fn data_is_encapsulated_in_a_frame() {
    assert_eq!(client_hears(&unmasked(true, Opcode::Text, b"data")), [text("data")]);
}

#[test]
fn or_in_a_series_of_frames() {
    let mut out = Vec::new();
    encoder::fragment(&mut out, false, Opcode::Binary, b"da", None);
    encoder::fragment(&mut out, true, Opcode::Continuation, b"ta", None);
    assert_eq!(client_hears(&out), [binary(b"data")]);
}

#[test]
fn the_opcode_of_the_first_frame_says_text_or_binary() {
    for opcode in [Opcode::Text, Opcode::Binary] {
        assert_eq!(header(&unmasked(true, opcode, b"data"), Role::Client).opcode, opcode);
    }
}

#[test]
fn the_fin_bit_of_the_last_frame_is_1() {
    let mut out = Vec::new();
    encoder::frame(&mut out, Opcode::Text, b"data", None);
    assert!(header(&out, Role::Client).fin);
    assert!(header(&unmasked(true, Opcode::Continuation, b""), Role::Client).fin);
    assert!(!header(&unmasked(false, Opcode::Text, b""), Role::Client).fin);
}

#[test]
fn the_frames_of_a_client_are_masked() {
    for opcode in [Opcode::Text, Opcode::Continuation, Opcode::Close, Opcode::Ping, Opcode::Pong] {
        assert!(header(&masked(true, opcode, b""), Role::Server).masking_key.is_some());
    }
    assert_eq!(server_hears(&masked(true, Opcode::Text, b"data")), [text("data")]);
}
