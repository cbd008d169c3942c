//! 8.1: text that is not UTF-8.

use chinwag::proto::http::{Head, HeaderSlots};
use chinwag::proto::ws::handshake::{Error as HandshakeError, Offer};
use chinwag::proto::ws::{Connection, Error, Opcode, Role, close};

use crate::support::{Heard, MESSAGE_BYTES_MAX, client_hears, feed, masked, unmasked};

/// Each is wrong at its last byte, and not before.
const BAD: [&[u8]; 12] = [
    b"\x80",
    b"\xC0",
    b"\xC1",
    b"\xF5",
    b"\xFF",
    b"ok \xC3\x28",
    b"ok \xE0\x80",
    b"ok \xED\xA0",
    b"ok \xF0\x80",
    b"ok \xF4\x90",
    b"ok \xE2\x82\x28",
    b"ok \xF0\x9F\x92\x28",
];

#[test]
fn a_text_that_is_not_utf8_fails_the_connection() {
    for bad in BAD {
        let expected = [Heard::Error(Error::TextNotUtf8)];
        assert_eq!(client_hears(&unmasked(true, Opcode::Text, bad)), expected, "{bad:x?}");
        let after = [bad, b" and more"].concat();
        assert_eq!(client_hears(&unmasked(true, Opcode::Text, &after)), expected, "{bad:x?}");
    }
    assert_eq!(Error::TextNotUtf8.close_code(), close::INVALID_PAYLOAD);
}

#[test]
fn it_fails_when_the_byte_comes_not_when_the_message_ends() {
    for bad in BAD {
        let mut ws = Connection::new(Role::Server, MESSAGE_BYTES_MAX);
        let frame = masked(false, Opcode::Text, &[bad, &[b'a'; 1000]].concat());
        // Two bytes, two of length, four of key: then the text.
        let (right, wrong) = frame.split_at(8 + bad.len() - 1);
        assert_eq!(feed(&mut ws, right), [], "{bad:x?}");
        assert_eq!(feed(&mut ws, &wrong[..1]), [Heard::Error(Error::TextNotUtf8)], "{bad:x?}");
    }
}

#[test]
fn it_fails_across_frames_too() {
    for bad in BAD {
        for cut in 0..bad.len() {
            let (first, second) = bad.split_at(cut);
            let mut ws = Connection::new(Role::Client, MESSAGE_BYTES_MAX);
            assert_eq!(feed(&mut ws, &unmasked(false, Opcode::Text, first)), [], "{bad:x?}");
            let second = unmasked(false, Opcode::Continuation, second);
            assert_eq!(feed(&mut ws, &second), [Heard::Error(Error::TextNotUtf8)], "{bad:x?}");
        }
    }
}

#[test]
fn every_character_passes() {
    let all: String = ('\0'..=char::MAX).step_by(7).collect();
    assert_eq!(client_hears(&unmasked(true, Opcode::Text, all.as_bytes())), [Heard::Text(all)]);
}

#[test]
fn a_handshake_that_is_not_utf8_fails() {
    let request = b"GET /chat HTTP/1.1\r\n\
        Host: h\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: \xFF\r\n\
        \r\n";
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(request, &mut slots).unwrap().unwrap();
    assert_eq!(Offer::parse(&head).err(), Some(HandshakeError::Subprotocol));

    let target = b"GET /\xFF HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(Head::parse(target, &mut HeaderSlots::new()).is_err());
}
