//! 7.4: status codes.

use std::panic;

use chinwag::proto::ws::{Error, Opcode, close, encoder};

use crate::support::{Heard, client_hears, unmasked};

fn heard(code: u16) -> Heard {
    let mut heard = client_hears(&unmasked(true, Opcode::Close, &code.to_be_bytes()));
    heard.pop().expect("a Close, or a fault")
}

#[test]
fn the_defined_codes_are_taken() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011] {
        assert_eq!(heard(code), Heard::Close(Some((code, String::new()))));
    }
}

#[test]
fn the_codes_registered_since_are_taken() {
    for code in [close::SERVICE_RESTART, close::TRY_AGAIN_LATER, close::BAD_GATEWAY] {
        assert_eq!(heard(code), Heard::Close(Some((code, String::new()))));
    }
}

#[test]
fn the_codes_1005_1006_and_1015_are_not_in_a_close_frame() {
    for code in [close::NO_STATUS_RECEIVED, close::ABNORMAL, close::TLS_HANDSHAKE] {
        assert_eq!(heard(code), Heard::Error(Error::CloseCode(code)));
    }
    assert_eq!(Error::CloseCode(1005).close_code(), close::PROTOCOL_ERROR);
}

#[test]
fn we_do_not_send_them_either() {
    for code in [close::NO_STATUS_RECEIVED, close::ABNORMAL, close::TLS_HANDSHAKE, 999, 1004, 5000] {
        let sent = panic::catch_unwind(|| encoder::close_payload(code, ""));
        assert!(sent.is_err(), "{code}");
    }
}

#[test]
fn codes_of_libraries_and_applications_are_taken() {
    for code in [3000, 3999, 4000, 4999] {
        assert_eq!(heard(code), Heard::Close(Some((code, String::new()))));
    }
}

#[test]
fn all_65536() {
    for code in 0..=u16::MAX {
        let expected = if close::is_valid_on_wire(code) {
            Heard::Close(Some((code, String::new())))
        } else {
            Heard::Error(Error::CloseCode(code))
        };
        assert_eq!(heard(code), expected);
    }
}
