//! Who is at the other end.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A peer's address, in 20 bytes rather than the 32 of a `SocketAddr`: every connection keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Over IPv4, also when it came by an IPv6 socket.
    V4(Ipv4Addr, u16),
    /// Over IPv6.
    V6(Ipv6Addr, u16),
    /// Over a Unix socket, whose peers have no address.
    Unix,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Peer::V4(ip, address.port()),
            IpAddr::V6(ip) => Peer::V6(ip, address.port()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::V4(ip, port) => write!(f, "{ip}:{port}"),
            Peer::V6(ip, port) => write!(f, "[{ip}]:{port}"),
            Peer::Unix => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_shown_as_what_it_is() {
        let peer = |text: &str| Peer::from(text.parse::<SocketAddr>().expect("an address"));
        assert_eq!(peer("127.0.0.1:80").to_string(), "127.0.0.1:80");
        assert_eq!(peer("[::ffff:10.0.0.1]:80").to_string(), "10.0.0.1:80");
        assert_eq!(peer("[::1]:80").to_string(), "[::1]:80");
        assert_eq!(size_of::<Peer>(), 20);
    }
}
