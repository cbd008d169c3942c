//! Who is let in: so many connections altogether, and so many from one address.
//!
//! A connection counts from when it is accepted until it is freed, whatever it is doing: it is a descriptor for as long.
//! Who is turned away is told so before anything is kept of it, and may come back when others have left.
//!
//! Addresses are only counted when there is a bound on them. An IPv6 address counts with its /64: that is what one host
//! gets, to choose addresses in as it likes.

use super::limits::Limits;
use crate::net::Peer;
use crate::proto::http::Response;
use std::collections::HashMap;
use std::net::IpAddr;

/// When to come back, in seconds.
const RETRY_AFTER: &str = "5";

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// There is no descriptor.
    NoDescriptor,
    /// There are as many connections as there may be.
    Full,
    /// There are as many from the same address.
    FullOfThem,
}

/// What is written to those who are turned away, and who is inside by address.
#[derive(Debug)]
pub struct Door {
    by_address: HashMap<IpAddr, usize>,
    responses: [Vec<u8>; 3],
}

impl TurnedAway {
    const ALL: [TurnedAway; 3] = [TurnedAway::NoDescriptor, TurnedAway::Full, TurnedAway::FullOfThem];

    /// One line, as the line port says it.
    fn notice(self) -> &'static str {
        match self {
            TurnedAway::NoDescriptor => "* no descriptor left for another connection; try again later\n",
            TurnedAway::Full => "* there are as many connections as there may be; try again later\n",
            TurnedAway::FullOfThem => "* there are too many connections from your address; try again later\n",
        }
    }

    fn response(self) -> Vec<u8> {
        // A shortage of descriptors passes quickly, or it would not be one: listeners rest a tenth of a second.
        let retry_after = if self == TurnedAway::NoDescriptor { "1" } else { RETRY_AFTER };
        let mut bytes = Vec::new();
        Response::text(503, self.notice().trim_start_matches("* "))
            .with_header("Retry-After", retry_after)
            .encode(&mut bytes, false, false);
        bytes
    }
}

impl Default for Door {
    fn default() -> Door {
        Door { by_address: HashMap::new(), responses: TurnedAway::ALL.map(TurnedAway::response) }
    }
}

impl Door {
    /// Whether one more may come in, where there are so many already. If so it counts.
    pub fn admit(&mut self, limits: &Limits, connections: usize, peer: Peer) -> Result<(), TurnedAway> {
        if limits.connections_max.is_some_and(|most| connections >= most) {
            return Err(TurnedAway::Full);
        }
        if let (Some(most), Some(address)) = (limits.connections_per_address_max, counted_address(peer)) {
            let count = self.by_address.get(&address).copied().unwrap_or(0);
            if count >= most {
                return Err(TurnedAway::FullOfThem);
            }
            self.by_address.insert(address, count + 1);
        }
        Ok(())
    }

    /// One who was let in is gone.
    pub fn leave(&mut self, limits: &Limits, peer: Peer) {
        if let (Some(_), Some(address)) = (limits.connections_per_address_max, counted_address(peer))
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// What is said to somebody who is not let in.
    pub fn refusal(&self, why: TurnedAway, speaks_lines: bool) -> &[u8] {
        match speaks_lines {
            true => why.notice().as_bytes(),
            false => &self.responses[why as usize],
        }
    }

    /// Whether nobody is inside.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }
}

/// What a peer is counted by.
fn counted_address(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::V4(address, _) => Some(address.into()),
        Peer::V6(address, _) => {
            let [a, b, c, d, ..] = address.segments();
            Some([a, b, c, d, 0, 0, 0, 0].into())
        }
        Peer::Unix => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        address.parse::<std::net::SocketAddr>().expect("an address").into()
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let limits = Limits { connections_per_address_max: Some(2), ..Limits::default() };
        let mut door = Door::default();
        let (ann, bob) = (peer("10.0.0.1:1"), peer("10.0.0.2:1"));
        assert_eq!(door.admit(&limits, 0, ann), Ok(()));
        assert_eq!(door.admit(&limits, 1, peer("[::ffff:10.0.0.1]:9")), Ok(()));
        assert_eq!(door.admit(&limits, 2, ann), Err(TurnedAway::FullOfThem));
        assert_eq!(door.admit(&limits, 2, bob), Ok(()));
        door.leave(&limits, ann);
        assert_eq!(door.admit(&limits, 2, ann), Ok(()));
        [ann, ann, bob].into_iter().for_each(|peer| door.leave(&limits, peer));
        assert!(door.is_empty(), "nothing is kept of those who have left");
    }

    #[test]
    fn an_ipv6_host_is_its_64() {
        let limits = Limits { connections_per_address_max: Some(1), ..Limits::default() };
        let mut door = Door::default();
        assert_eq!(door.admit(&limits, 0, peer("[2001:db8:0:1::1]:1")), Ok(()));
        assert_eq!(door.admit(&limits, 1, peer("[2001:db8:0:1:9::2]:1")), Err(TurnedAway::FullOfThem));
        assert_eq!(door.admit(&limits, 1, peer("[2001:db8:0:2::1]:1")), Ok(()));
        // A proxy's clients are for the proxy to count.
        assert_eq!(door.admit(&limits, 2, Peer::Unix), Ok(()));
        assert_eq!(door.admit(&limits, 3, Peer::Unix), Ok(()));
    }

    #[test]
    fn without_a_bound_nothing_is_counted() {
        let mut door = Door::default();
        assert_eq!(door.admit(&Limits::default(), 1_000_000, peer("10.0.0.1:1")), Ok(()));
        assert!(door.is_empty());
        let limits = Limits { connections_max: Some(5), ..Limits::default() };
        assert_eq!(door.admit(&limits, 4, peer("10.0.0.1:1")), Ok(()));
        assert_eq!(door.admit(&limits, 5, peer("10.0.0.1:1")), Err(TurnedAway::Full));
    }

    #[test]
    fn who_is_turned_away_is_told_why_and_when_to_come_back() {
        let door = Door::default();
        for (why, retry_after) in TurnedAway::ALL.into_iter().zip(["1", "5", "5"]) {
            let response = str::from_utf8(door.refusal(why, false)).expect("text");
            assert!(response.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{response}");
            assert!(response.contains(&format!("\r\nRetry-After: {retry_after}\r\n")), "{response}");
            assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
            let line = str::from_utf8(door.refusal(why, true)).expect("text");
            assert!(line.starts_with("* ") && line.ends_with("; try again later\n"), "{line}");
            assert!(response.ends_with(&format!("\r\n\r\n{}", &line[2..])), "{response}");
        }
    }
}
