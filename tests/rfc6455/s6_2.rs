//! 6.2: receiving.

use chinwag::proto::ws::Opcode;

use crate::support::{Heard, MESSAGE_BYTES_MAX, binary, masked, server_hears, text};

#[test]
fn incoming_data_is_parsed_as_frames() {
    let frames: Vec<u8> =
        (0..100).flat_map(|at: i32| masked(true, Opcode::Text, at.to_string().as_bytes())).collect();
    let expected: Vec<Heard> = (0..100).map(|at: i32| text(&at.to_string())).collect();
    assert_eq!(server_hears(&frames), expected);
}

#[test]
fn the_type_of_a_message_is_that_of_its_first_frame() {
    let bytes = [
        masked(false, Opcode::Text, b"a"),
        masked(true, Opcode::Continuation, b"b"),
        masked(false, Opcode::Binary, b"c"),
        masked(true, Opcode::Continuation, b"d"),
    ]
    .concat();
    assert_eq!(server_hears(&bytes), [text("ab"), binary(b"cd")]);
}

#[test]
fn what_follows_the_last_fragment_belongs_to_a_new_message() {
    let bytes = [
        masked(false, Opcode::Text, b"a"),
        masked(true, Opcode::Continuation, b"b"),
        masked(true, Opcode::Binary, b"c"),
    ]
    .concat();
    assert_eq!(server_hears(&bytes), [text("ab"), binary(b"c")]);
}

#[test]
fn a_server_removes_the_mask() {
    assert_eq!(server_hears(&masked(true, Opcode::Binary, b"plain")), [binary(b"plain")]);
}

#[test]
fn a_message_of_exactly_the_limit_is_received() {
    // 10.4 allows a limit; the vectors have both sides of it.
    let longest = vec![7; MESSAGE_BYTES_MAX];
    assert_eq!(server_hears(&masked(true, Opcode::Binary, &longest)), [binary(&longest)]);
}
