//! 5.4: fragmentation.

use chinwag::proto::ws::{Error, Opcode, close};

use crate::support::{Heard, binary, client_hears, masked, server_hears, text, unmasked};

#[test]
fn an_unfragmented_message_is_one_final_frame_with_an_opcode() {
    assert_eq!(client_hears(&unmasked(true, Opcode::Text, b"a")), [text("a")]);
    assert_eq!(client_hears(&unmasked(true, Opcode::Binary, b"a")), [binary(b"a")]);
}

#[test]
fn a_fragmented_message_is_the_concatenation_of_its_fragments_in_order() {
    for count in [2, 3, 10, 1000] {
        let mut bytes = Vec::new();
        let mut whole = String::new();
        for at in 0..count {
            let part = format!("{at},");
            let opcode = if at == 0 { Opcode::Text } else { Opcode::Continuation };
            bytes.extend(masked(at + 1 == count, opcode, part.as_bytes()));
            whole.push_str(&part);
        }
        assert_eq!(server_hears(&bytes), [text(&whole)]);
    }
}

#[test]
fn fragments_may_be_of_any_size_also_of_none() {
    let bytes = [
        unmasked(false, Opcode::Binary, b""),
        unmasked(false, Opcode::Continuation, &[7; 70_000]),
        unmasked(false, Opcode::Continuation, b""),
        unmasked(false, Opcode::Continuation, b"a"),
        unmasked(true, Opcode::Continuation, b""),
    ]
    .concat();
    let whole = [&[7; 70_000][..], b"a"].concat();
    assert_eq!(client_hears(&bytes), [binary(&whole)]);
}

#[test]
fn control_frames_may_interleave_a_fragmented_message() {
    let bytes = [
        unmasked(false, Opcode::Text, b"a"),
        unmasked(true, Opcode::Ping, b"1"),
        unmasked(true, Opcode::Pong, b"2"),
        unmasked(false, Opcode::Continuation, b"b"),
        unmasked(true, Opcode::Ping, b""),
        unmasked(true, Opcode::Continuation, b"c"),
    ]
    .concat();
    let expected =
        [Heard::Ping(b"1".to_vec()), Heard::Pong(b"2".to_vec()), Heard::Ping(b"".to_vec()), text("abc")];
    assert_eq!(client_hears(&bytes), expected);
}

#[test]
fn a_close_may_interleave_a_fragmented_message_too() {
    let bytes = [unmasked(false, Opcode::Text, b"a"), unmasked(true, Opcode::Close, b"")].concat();
    assert_eq!(client_hears(&bytes), [Heard::Close(None)]);
}

#[test]
fn control_frames_are_not_fragmented() {
    for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
        assert_eq!(client_hears(&[opcode.bits(), 0]), [Heard::Error(Error::FragmentedControl)], "{opcode:?}");
    }
    assert_eq!(Error::FragmentedControl.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn the_fragments_of_two_messages_are_not_interleaved() {
    for second in [Opcode::Text, Opcode::Binary] {
        for fin in [false, true] {
            let bytes = [unmasked(false, Opcode::Text, b"a"), unmasked(fin, second, b"b")].concat();
            assert_eq!(client_hears(&bytes), [Heard::Error(Error::MessageInsideMessage)]);
        }
    }
    assert_eq!(Error::MessageInsideMessage.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn a_continuation_continues_something() {
    for fin in [false, true] {
        let alone = unmasked(fin, Opcode::Continuation, b"a");
        assert_eq!(client_hears(&alone), [Heard::Error(Error::ContinuationWithoutStart)]);
        let after_a_whole_one = [unmasked(true, Opcode::Text, b"a"), alone].concat();
        let expected = [text("a"), Heard::Error(Error::ContinuationWithoutStart)];
        assert_eq!(client_hears(&after_a_whole_one), expected);
    }
    assert_eq!(Error::ContinuationWithoutStart.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn all_fragments_are_of_the_type_that_the_first_one_set() {
    let bytes =
        [unmasked(false, Opcode::Binary, b"\xFF"), unmasked(true, Opcode::Continuation, b"\xFE")].concat();
    assert_eq!(client_hears(&bytes), [binary(b"\xFF\xFE")]);
    let bytes = [unmasked(false, Opcode::Text, b"a"), unmasked(true, Opcode::Continuation, b"\xFE")].concat();
    assert_eq!(client_hears(&bytes), [Heard::Error(Error::TextNotUtf8)]);
}
