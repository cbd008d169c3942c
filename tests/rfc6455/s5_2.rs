//! 5.2: the header of a frame.

use chinwag::proto::ws::{Error, Header, Opcode, close};

use crate::support::{Heard, binary, client_hears, server_hears};

#[test]
fn reserved_bits_are_0_as_no_extension_is_negotiated() {
    for bits in 1..8 {
        assert_eq!(client_hears(&[0x81 | bits << 4, 0]), [Heard::Error(Error::ReservedBits)], "{bits:03b}");
        assert_eq!(client_hears(&[0x89 | bits << 4, 0]), [Heard::Error(Error::ReservedBits)], "{bits:03b}");
    }
    assert_eq!(Error::ReservedBits.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn an_unknown_opcode_fails_the_connection() {
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        assert_eq!(client_hears(&[0x80 | opcode, 0]), [Heard::Error(Error::ReservedOpcode(opcode))]);
        assert_eq!(client_hears(&[opcode, 0]), [Heard::Error(Error::ReservedOpcode(opcode))]);
    }
    assert_eq!(Error::ReservedOpcode(3).close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn the_most_significant_bit_of_a_64_bit_length_is_0() {
    for byte in [0x80, 0xFF] {
        assert_eq!(
            client_hears(&[0x82, 127, byte, 0, 0, 0, 0, 0, 0, 0]),
            [Heard::Error(Error::LengthHighBit)]
        );
    }
    // The longest that there can be is a length; it is only too long for us.
    assert_eq!(
        client_hears(&[0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        [Heard::Error(Error::MessageTooBig)]
    );
    assert_eq!(Error::LengthHighBit.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn the_minimal_number_of_bytes_encodes_the_length() {
    for len in [0, 1, 124, 125] {
        assert_eq!(client_hears(&[0x82, 126, 0, len]), [Heard::Error(Error::LengthNotMinimal)], "{len}");
        assert_eq!(server_hears(&[0x82, 0xFE, 0, len]), [Heard::Error(Error::LengthNotMinimal)], "{len}");
    }
    for len in [0_u64, 125, 126, 65_535] {
        let bytes = [&[0x82, 127], &len.to_be_bytes()[..]].concat();
        assert_eq!(client_hears(&bytes), [Heard::Error(Error::LengthNotMinimal)], "{len}");
    }
    assert_eq!(Error::LengthNotMinimal.close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn we_encode_the_length_in_the_minimal_number_of_bytes() {
    for (payload_len, len) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        let header =
            Header { fin: true, rsv1: false, opcode: Opcode::Binary, masking_key: None, payload_len };
        assert_eq!(header.encode().len(), len, "{payload_len}");
    }
}

#[test]
fn lengths_are_in_network_byte_order() {
    let mut bytes = vec![0x82, 126, 0x01, 0x02];
    bytes.extend([7; 0x0102]);
    assert_eq!(client_hears(&bytes), [binary(&[7; 0x0102])]);
    let mut bytes = vec![0x82, 127, 0, 0, 0, 0, 0, 0x01, 0x00, 0x02];
    bytes.extend([7; 0x010002]);
    assert_eq!(client_hears(&bytes), [binary(&[7; 0x010002])]);
}

#[test]
fn the_length_is_of_the_payload_without_the_key() {
    assert_eq!(server_hears(b"\x82\x81\0\0\0\0a\x82\x80\0\0\0\0"), [binary(b"a"), binary(b"")]);
}
