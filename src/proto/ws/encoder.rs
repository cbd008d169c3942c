//! Frames to bytes. RFC 6455, sections 5.2, 5.5.1 and 6.1.
//!
//! ```text
//!   frame(out, Text, "Hello", None)        81 05 | 48 65 6c 6c 6f
//!   frame(out, Text, "Hello", Some(key))   81 85 | 37 fa 21 3d | 7f 9f 4d 51 58
//! ```
//!
//! `out` is whatever takes bytes at its end: a `Vec<u8>`, or the `VecDeque<u8>` of a write buffer. Nothing is
//! sent here, and no key is drawn: where it must be unpredictable (5.3), whoever has randomness passes it in.

use std::ops::Deref;

use super::{CONTROL_PAYLOAD_MAX, Header, Opcode, close, mask};

/// Anything that bytes can be appended to.
pub trait Out: for<'a> Extend<&'a u8> {}

impl<T: for<'a> Extend<&'a u8>> Out for T {}

/// Appends a message in one frame, or a control frame. A client's is masked, with a key that nobody could
/// foresee.
///
/// A control frame holds 125 bytes at most (5.5).
pub fn frame(out: &mut impl Out, opcode: Opcode, payload: &[u8], masking_key: Option<[u8; 4]>) {
    fragment(out, true, opcode, payload, masking_key);
}

/// Appends one frame of a message: the last one has `fin`, all but the first are continuations (5.4).
pub fn fragment(out: &mut impl Out, fin: bool, opcode: Opcode, payload: &[u8], masking_key: Option<[u8; 4]>) {
    let header = Header { fin, rsv1: false, opcode, masking_key, payload_len: payload.len() as u64 };
    framed(out, header, payload);
}

/// Appends the first frame, or the only one, of a message whose payload has been deflated (RFC 7692, 6.1). Further frames
/// of it are [`fragment`]s like any other.
pub fn deflated(out: &mut impl Out, fin: bool, opcode: Opcode, payload: &[u8], masking_key: Option<[u8; 4]>) {
    let header = Header { fin, rsv1: true, opcode, masking_key, payload_len: payload.len() as u64 };
    framed(out, header, payload);
}

fn framed(out: &mut impl Out, header: Header, payload: &[u8]) {
    out.extend(&*header.encode());
    match header.masking_key {
        None => out.extend(payload),
        Some(key) => extend_masked(out, payload, key),
    }
}

/// The payload is the caller's and stays as it is: it is masked in a small copy, a block at a time.
fn extend_masked(out: &mut impl Out, payload: &[u8], key: [u8; 4]) {
    const BLOCK: usize = 512; // A multiple of 4: every block begins in phase with the key.
    let mut copy = [0; BLOCK];
    for block in payload.chunks(BLOCK) {
        let copy = &mut copy[..block.len()];
        copy.copy_from_slice(block);
        mask::apply(copy, key);
        out.extend(&*copy);
    }
}

/// The payload of a Close frame with this `code` and as much of `reason` as fits, cut between two characters
/// (5.5.1).
///
/// # Panics
///
/// If the code must not be sent (7.4.1). What we say is our own doing, and what a peer said has been judged.
pub fn close_payload(code: u16, reason: &str) -> ClosePayload {
    assert!(close::is_valid_on_wire(code), "7.4.1: close code {code} must not be sent");
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(CONTROL_PAYLOAD_MAX - 2)];
    let mut payload = ClosePayload { bytes: [0; CONTROL_PAYLOAD_MAX], len: 2 + reason.len() as u8 };
    payload.bytes[..2].copy_from_slice(&code.to_be_bytes());
    payload.bytes[2..2 + reason.len()].copy_from_slice(reason);
    payload
}

/// The bytes of a Close frame's payload, as a slice.
#[derive(Debug, Clone, Copy)]
pub struct ClosePayload {
    bytes: [u8; CONTROL_PAYLOAD_MAX],
    len: u8,
}

impl Deref for ClosePayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        let mut out = Vec::new();
        frame(&mut out, Opcode::Text, b"Hello", None);
        assert_eq!(out, *b"\x81\x05Hello");

        let mut out = VecDeque::new();
        frame(&mut out, Opcode::Text, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);

        let mut out = Vec::new();
        fragment(&mut out, false, Opcode::Text, b"Hel", None);
        fragment(&mut out, true, Opcode::Continuation, b"lo", None);
        assert_eq!(out, *b"\x01\x03Hel\x80\x02lo");
    }

    #[test]
    fn a_payload_is_masked_in_phase_over_all_its_blocks() {
        for len in [0, 1, 511, 512, 513, 1024, 70_001] {
            let payload: Vec<u8> = (0..=255).cycle().take(len).collect();
            let key = [1, 2, 3, 4];
            let mut out = Vec::new();
            frame(&mut out, Opcode::Binary, &payload, Some(key));
            let start = out.len() - len;
            mask::apply_plain(&mut out[start..], key);
            assert_eq!(out[start..], payload, "{len}");
        }
    }

    #[test]
    fn a_close_reason_is_cut_between_two_characters() {
        assert_eq!(*close_payload(1001, "bye"), *b"\x03\xE9bye");
        assert_eq!(*close_payload(1000, ""), *b"\x03\xE8");
        assert_eq!(close_payload(1000, &"x".repeat(123)).len(), 125);
        assert_eq!(close_payload(1000, &"x".repeat(124)).len(), 125);
        let payload = close_payload(1000, &"\u{20AC}".repeat(100));
        assert_eq!(payload.len(), 2 + 123);
        let payload = close_payload(1000, &("x".to_owned() + &"\u{20AC}".repeat(100)));
        assert_eq!(payload.len(), 2 + 1 + 120);
        assert!(str::from_utf8(&payload[2..]).is_ok());
    }
}
