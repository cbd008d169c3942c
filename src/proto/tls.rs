//! As much of TLS as it takes to turn a client away that speaks it on a port where nobody else does. RFC 8446.
//!
//! ```text
//!   16 03 01 02 00 ...      a record that holds part of a handshake: how a ClientHello begins (5.1)
//!   15 03 01 00 02 02 46    a record that holds an alert: fatal, protocol_version (6)
//! ```

/// The alert that answers a ClientHello: of the versions that the client knows, none is spoken here.
///
/// As plain HTTP the answer would be reported as a broken record. This one ends the handshake at once, as what it is.
pub const REFUSAL: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// How a line begins that answers text on a port for lines under TLS.
pub const NOTICE: &str = "* this port speaks TLS";

/// Whether these are the first bytes of a ClientHello, as far as they have come.
pub fn is_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [22] | [22, 3, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_known_by_its_first_bytes() {
        let hello = [22, 3, 1, 2, 0, 1, 0];
        assert!((1..hello.len()).all(|len| is_hello(&hello[..len])));
        for other in [&b""[..], b"GET / HTTP/1.1", b"\r\n", &[21, 3, 3, 0], &[22, b'x'], &[0x80, 0x2E, 1]] {
            assert!(!is_hello(other), "{other:?}");
        }
    }
}
