//! 7.1: closing, as far as bytes tell. When TCP is closed, and by whom, needs a server.

use chinwag::proto::ws::{Error, Opcode, Role, encoder};

use crate::support::{Heard, all_errors, client_hears, feed, text, unmasked, vectors};

#[test]
fn a_close_frame_says_the_code_and_the_reason() {
    let mut out = Vec::new();
    encoder::frame(&mut out, Opcode::Close, &encoder::close_payload(1001, "the server goes down"), None);
    assert_eq!(client_hears(&out), [Heard::Close(Some((1001, "the server goes down".to_owned())))]);
}

#[test]
fn the_close_code_is_that_of_the_first_close_frame() {
    let closes: Vec<u8> = [4001, 4002]
        .iter()
        .flat_map(|code| unmasked(true, Opcode::Close, &encoder::close_payload(*code, "")))
        .collect();
    assert_eq!(client_hears(&closes), [Heard::Close(Some((4001, String::new())))]);
}

#[test]
fn no_code_is_not_a_code() {
    assert_eq!(client_hears(&unmasked(true, Opcode::Close, b"")), [Heard::Close(None)]);
}

#[test]
fn no_reason_is_the_empty_one() {
    let close = unmasked(true, Opcode::Close, &encoder::close_payload(1000, ""));
    assert_eq!(client_hears(&close), [Heard::Close(Some((1000, String::new())))]);
}

#[test]
fn once_failed_no_data_is_processed_not_even_a_close() {
    for vector in vectors::all() {
        let Some(fault) = vector.hears.iter().find(|heard| heard.starts_with("Error")) else { continue };
        let mut ws = vector.connection();
        let heard = feed(&mut ws, &vector.bytes);
        assert_eq!(heard.last().map(Heard::to_string).as_ref(), Some(fault), "{}", vector.name);
        // Each as the peer would have sent it.
        let key = (vector.role == Role::Server).then_some([1, 2, 3, 4]);
        for opcode in [Opcode::Text, Opcode::Continuation, Opcode::Ping, Opcode::Close] {
            let mut after = Vec::new();
            encoder::frame(&mut after, opcode, b"", key);
            assert_eq!(feed(&mut ws, &after), [], "{}", vector.name);
        }
        assert_eq!(ws.heap_bytes(), 0, "{}", vector.name);
    }
}

#[test]
fn what_was_whole_before_the_failure_is_processed() {
    let bytes = [unmasked(true, Opcode::Text, b"a"), unmasked(true, Opcode::Ping, b"b"), vec![0xFF]].concat();
    let expected = [text("a"), Heard::Ping(b"b".to_vec()), Heard::Error(Error::ReservedBits)];
    assert_eq!(client_hears(&bytes), expected);
}

#[test]
fn every_failure_has_a_code_to_close_with() {
    for error in all_errors() {
        assert!([1002, 1007, 1009].contains(&error.close_code()), "{error:?}");
        encoder::close_payload(error.close_code(), "");
    }
}
