//! 5.3: masking. That keys are fresh and unpredictable is for whoever draws them.

use chinwag::proto::ws::{Header, Opcode, Role, encoder, mask};

use crate::support::{KEY, binary, masked, server_hears};

#[test]
fn a_masked_frame_says_so_and_holds_its_key() {
    let frame = masked(true, Opcode::Binary, b"abc");
    let (header, len) = Header::parse(&frame, Role::Server).unwrap().unwrap();
    assert_eq!((header.masking_key, len), (Some(KEY), 6));
    assert_eq!(frame[1] & 0x80, 0x80);
}

#[test]
fn octet_i_is_xored_with_octet_i_mod_4_of_the_key() {
    let original: Vec<u8> = (0..=255).cycle().take(1001).collect();
    let frame = masked(true, Opcode::Binary, &original);
    let transformed = &frame[frame.len() - original.len()..];
    for (i, octet) in original.iter().enumerate() {
        assert_eq!(transformed[i], octet ^ KEY[i % 4], "octet {i}");
    }
}

#[test]
fn the_same_steps_mask_and_unmask() {
    let mut payload = *b"It is the same either way.";
    mask::apply(&mut payload, KEY);
    assert_ne!(&payload, b"It is the same either way.");
    mask::apply(&mut payload, KEY);
    assert_eq!(&payload, b"It is the same either way.");
}

#[test]
fn masking_does_not_change_the_length() {
    for len in [0, 1, 125, 126, 65_535, 65_536] {
        let frame = masked(true, Opcode::Binary, &vec![0; len]);
        let (header, header_len) = Header::parse(&frame, Role::Server).unwrap().unwrap();
        assert_eq!((header.payload_len, frame.len() - header_len), (len as u64, len));
    }
}

#[test]
fn each_frame_is_unmasked_with_its_own_key() {
    let mut bytes = Vec::new();
    encoder::fragment(&mut bytes, false, Opcode::Binary, b"abc", Some([1, 2, 3, 4]));
    encoder::fragment(&mut bytes, false, Opcode::Continuation, b"defgh", Some([9, 8, 7, 6]));
    encoder::fragment(&mut bytes, true, Opcode::Continuation, b"ij", Some([0xFF, 0, 0xFF, 0]));
    assert_eq!(server_hears(&bytes), [binary(b"abcdefghij")]);
}
