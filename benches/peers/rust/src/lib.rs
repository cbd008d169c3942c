//! What the servers in `bin` have in common: where they listen, and what they say when they do.
//!
//! Each serves `/echo`, which sends every message back, and a room at any other path, where a message goes to everybody but
//! its sender. The first argument is the address; port 0 lets the system choose.

use std::net::SocketAddr;

/// The address to listen on.
pub fn address() -> SocketAddr {
    let text = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    text.parse().expect("the first argument is an address, as in 127.0.0.1:9001")
}

/// Says where the server listens, for whoever started it.
pub fn announce(address: SocketAddr) {
    println!("listening on {address}");
}
