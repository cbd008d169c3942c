//! The opening handshake: an HTTP request that turns its connection into a WebSocket. RFC 6455, sections 1.3
//! and 4.
//!
//! ```text
//!   client                                              server
//!   GET /chat HTTP/1.1
//!   Host: server.example.com
//!   Upgrade: websocket
//!   Connection: Upgrade
//!   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==         16 random bytes, in base64
//!   Sec-WebSocket-Version: 13
//!                                                       HTTP/1.1 101 Switching Protocols
//!                                                       Upgrade: websocket
//!                                                       Connection: Upgrade
//!                                                       Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
//!
//!   Accept = base64(SHA-1(Key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
//! ```
//!
//! The key keeps nobody out. It proves to the client that the other side has read this very request and knows
//! the protocol: no web server, and no cache before one, gives that answer by accident.

mod client;
mod extensions;
mod server;

pub use client::{Answer, Request, ResponseError, check_response};
pub use server::{Error, Offer, is_upgrade, response};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What is appended to every key (1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The one version of the protocol (4.1).
const VERSION: &str = "13";
/// The length of a key, decoded (4.1).
const KEY_LEN: usize = 16;
/// The length of an accept: a SHA-1 digest of 20 bytes, in base64.
const ACCEPT_LEN: usize = 28;

/// The `Sec-WebSocket-Accept` that answers this `Sec-WebSocket-Key` (4.2.2, 5.4). All of it is ASCII.
pub fn accept_key(key: &str) -> [u8; ACCEPT_LEN] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; ACCEPT_LEN];
    let len = STANDARD.encode_slice(digest, &mut accept).expect("20 bytes are 28 in base64");
    debug_assert_eq!(len, ACCEPT_LEN);
    accept
}

/// The extensions in a field's value, as far as it is sound.
#[cfg(test)]
pub(super) fn extensions_of(value: &str) -> impl Iterator<Item = extensions::Extension<'_>> {
    extensions::list(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_of_the_rfc() {
        assert_eq!(&accept_key("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
