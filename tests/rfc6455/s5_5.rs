//! 5.5: control frames. That they are answered, and what happens to the connection, needs a server.

use chinwag::proto::ws::{Error, Header, Opcode, Role, close, encoder};

use crate::support::{Heard, client_hears, masked, server_hears, text, unmasked};

const CONTROL: [Opcode; 3] = [Opcode::Close, Opcode::Ping, Opcode::Pong];

#[test]
fn control_frames_have_125_bytes_or_less() {
    let payload = [b'a'; 125];
    assert_eq!(client_hears(&unmasked(true, Opcode::Ping, &payload)), [Heard::Ping(payload.to_vec())]);
    assert_eq!(client_hears(&unmasked(true, Opcode::Pong, &payload)), [Heard::Pong(payload.to_vec())]);
    let close = encoder::close_payload(1000, &"a".repeat(123));
    assert_eq!(
        client_hears(&unmasked(true, Opcode::Close, &close)),
        [Heard::Close(Some((1000, "a".repeat(123))))]
    );
    for opcode in CONTROL {
        for header in [&[126, 0, 126][..], &[126, 0xFF, 0xFF], &[127, 0, 0, 0, 0, 0, 1, 0, 0]] {
            let bytes = [&[0x80 | opcode.bits()], header].concat();
            assert_eq!(client_hears(&bytes), [Heard::Error(Error::ControlTooLong)], "{opcode:?}");
        }
    }
    assert_eq!(Error::ControlTooLong.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn a_close_may_have_no_body() {
    assert_eq!(client_hears(&unmasked(true, Opcode::Close, b"")), [Heard::Close(None)]);
}

#[test]
fn the_body_of_a_close_begins_with_a_code_of_two_bytes_in_network_byte_order() {
    assert_eq!(client_hears(b"\x88\x02\x03\xE9"), [Heard::Close(Some((1001, String::new())))]);
    assert_eq!(client_hears(b"\x88\x01\x03"), [Heard::Error(Error::CloseTooShort)]);
    assert_eq!(Error::CloseTooShort.close_code(), close::PROTOCOL_ERROR);
    assert_eq!(*encoder::close_payload(1001, ""), [0x03, 0xE9]);
}

#[test]
fn the_reason_of_a_close_is_utf8() {
    let reason = "tschüß";
    let frame = unmasked(true, Opcode::Close, &encoder::close_payload(4000, reason));
    assert_eq!(client_hears(&frame), [Heard::Close(Some((4000, reason.to_owned())))]);
    for bad in [&b"\xFF"[..], b"\xC3", b"\xED\xA0\x80"] {
        let frame = unmasked(true, Opcode::Close, &[b"\x0F\xA0", bad].concat());
        assert_eq!(client_hears(&frame), [Heard::Error(Error::CloseReasonNotUtf8)]);
    }
    assert_eq!(Error::CloseReasonNotUtf8.close_code(), close::INVALID_PAYLOAD);
}

#[test]
fn a_reason_too_long_for_us_to_send_is_cut_and_stays_utf8() {
    let payload = encoder::close_payload(1000, &"ä".repeat(100));
    assert_eq!(
        client_hears(&unmasked(true, Opcode::Close, &payload)),
        [Heard::Close(Some((1000, "ä".repeat(61))))]
    );
}

#[test]
fn the_close_of_a_client_is_masked() {
    let frame = masked(true, Opcode::Close, &encoder::close_payload(1000, "bye"));
    assert!(matches!(
        Header::parse(&frame, Role::Server),
        Ok(Some((Header { masking_key: Some(_), .. }, _)))
    ));
    assert_eq!(server_hears(&frame), [Heard::Close(Some((1000, "bye".to_owned())))]);
}

#[test]
fn nothing_is_heard_after_a_close() {
    for after in
        [unmasked(true, Opcode::Text, b"a"), unmasked(true, Opcode::Close, b""), b"\xFF\xFF".to_vec()]
    {
        let bytes = [unmasked(true, Opcode::Close, b""), after].concat();
        assert_eq!(client_hears(&bytes), [Heard::Close(None)]);
    }
}

#[test]
fn a_ping_may_hold_data_which_its_pong_needs() {
    let payload: Vec<u8> = (0..125).collect();
    assert_eq!(server_hears(&masked(true, Opcode::Ping, &payload)), [Heard::Ping(payload.clone())]);
    // What was heard is what a pong holds.
    assert_eq!(client_hears(&unmasked(true, Opcode::Pong, &payload)), [Heard::Pong(payload)]);
}

#[test]
fn a_pong_may_come_unasked() {
    let bytes = [masked(true, Opcode::Pong, b"alive"), masked(true, Opcode::Text, b"a")].concat();
    assert_eq!(server_hears(&bytes), [Heard::Pong(b"alive".to_vec()), text("a")]);
}

#[test]
fn the_payload_of_a_ping_need_not_be_text() {
    assert_eq!(client_hears(b"\x89\x02\xFF\xFE"), [Heard::Ping(vec![0xFF, 0xFE])]);
}
