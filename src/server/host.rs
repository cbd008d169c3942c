//! Which hosts the server answers for: the defence against DNS rebinding.
//!
//! A browser keeps the pages of one origin away from the answers of another, and it tells origins apart by their names.
//! The owner of `evil.example` may change what that name points to after a page of it was loaded:
//!
//! ```text
//!   evil.example   A 203.0.113.7    the page is loaded from there
//!   evil.example   A 127.0.0.1      its next request reaches a server on the visitor's own machine:
//!                                     Host: evil.example:2021
//!                                     Origin: http://evil.example:2021     the same origin, so the browser helps
//! ```
//!
//! Both header fields are the attacker's, so comparing them with each other proves nothing. But the browser always sends
//! the name, and a server that knows its own names can refuse every other (RFC 9110, 15.5.20: 421 Misdirected Request).
//! Names of the local host can never be an attacker's. A request without a Host comes from no browser.

use std::net::{IpAddr, Ipv6Addr};

/// Hosts that the server answers for, besides those that always mean the local host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    any: bool,
    hosts: Vec<String>,
}

impl AllowedHosts {
    /// Allows one more: a name or an IP address, which is allowed with every port; or `*` for all.
    pub fn allow(&mut self, host: &str) -> Result<(), String> {
        if host == "*" {
            self.any = true;
            return Ok(());
        }
        let is_name = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if !is_name && address(host).is_none() {
            return Err(format!(
                "invalid host {host:?}: expected a name or an IP address without a port, such as chat.example.org, \
                 or * for all"
            ));
        }
        self.hosts.push(canonical(host));
        Ok(())
    }

    /// Whether none has been allowed.
    pub fn is_empty(&self) -> bool {
        !self.any && self.hosts.is_empty()
    }

    /// Whether a request with this `Host` is answered.
    pub fn permits(&self, host: &str) -> bool {
        if self.any {
            return true;
        }
        let Some(host) = without_port(host).map(canonical) else { return false };
        is_local(&host) || self.hosts.contains(&host)
    }
}

/// The host without its port: `None` where what follows the host is not one.
pub(super) fn without_port(host: &str) -> Option<&str> {
    let end = match host.starts_with('[') {
        true => host.find(']')? + 1,
        false => host.find(':').unwrap_or(host.len()),
    };
    let (host, port) = host.split_at_checked(end)?;
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (is_port && !host.is_empty()).then_some(host)
}

/// The host in lower case, without the dot that may end a name, and an address as it is usually written.
fn canonical(host: &str) -> String {
    match address(host) {
        Some(address) => address.to_string(),
        None => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

/// The address, where it is one: an IPv6 address may stand in brackets.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    };
    address.map(|address: IpAddr| address.to_canonical())
}

/// Whether it can only mean the host on which the client runs (RFC 6761, 6.3).
fn is_local(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            host == "localhost" || host.strip_suffix(".localhost").is_some_and(|label| !label.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_host_is_always_answered_whatever_the_spelling() {
        for host in [
            "localhost",
            "localhost:2021",
            "localhost:",
            "LocalHost:2021",
            "localhost.",
            "localhost.:2021",
            "chat.localhost",
            "a.b.LOCALHOST.:80",
            "127.0.0.1",
            "127.0.0.1:2021",
            "127.8.9.10:1",
            "[::1]",
            "[::1]:2021",
            "[0:0:0:0:0:0:0:1]:2021",
            "[::ffff:127.0.0.1]:2021",
        ] {
            assert!(AllowedHosts::default().permits(host), "{host}");
        }
    }

    #[test]
    fn others_are_not() {
        for host in [
            "",
            ":2021",
            ".",
            ".localhost",
            "evil.example",
            "evil.example:2021",
            "localhost.evil.example:2021",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:2021",
            "10.0.0.1:2021",
            "2130706433:2021",
            "127.1:2021",
            "%6cocalhost",
            "[::]:2021",
            "[::1",
            "[::1]evil.example",
            "[::1]:2021:evil",
            "::1",
            "localhost:evil.example",
            "localhost:80:80",
            "localhost..",
        ] {
            assert!(!AllowedHosts::default().permits(host), "{host}");
        }
    }

    #[test]
    fn what_is_listed_is_answered_with_every_port() {
        let mut allowed = AllowedHosts::default();
        assert!(allowed.is_empty());
        for host in ["Chat.example.org", "10.0.0.5", "[2001:db8:0::5]"] {
            allowed.allow(host).expect(host);
        }
        for host in [
            "chat.example.org",
            "CHAT.example.org.:8443",
            "10.0.0.5:2021",
            "[2001:db8::5]:2021",
            "localhost:2021",
        ] {
            assert!(allowed.permits(host), "{host}");
        }
        for host in ["example.org", "a.chat.example.org", "10.0.0.6", "chat.example.org.evil.example"] {
            assert!(!allowed.permits(host), "{host}");
        }
        allowed.allow("*").expect("all");
        assert!(allowed.permits("evil.example") && allowed.permits(""));
    }

    #[test]
    fn an_entry_is_a_host_and_nothing_more() {
        for host in
            ["", "https://chat.example.org", "chat.example.org:443", "chat.example.org/", "*.example", "a b"]
        {
            let error = AllowedHosts::default().allow(host).expect_err(host);
            assert!(error.contains("chat.example.org, or *"), "{error}");
        }
    }
}
