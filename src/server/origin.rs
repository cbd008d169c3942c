//! Which web pages may connect: the check of RFC 6455, 4.2.2 and 10.2.
//!
//! A browser lets any page open a WebSocket to any host and tells the server, in `Origin`, which page it is. A server that
//! does not look lets every page on the web speak for its users. By default the page must come from where it connects to:
//! the Origin's host and port are compared with `Host`. The scheme is not, since a proxy may have taken the TLS off before
//! us. Clients that are not browsers send no Origin, and lie as they please; for them it is no check, and none is made.

use super::host::{AllowedHosts, without_port};

/// Origins that are allowed besides the same one.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    any: bool,
    origins: Vec<String>,
    /// The hosts of those origins. A page of theirs may well have been served by us.
    hosts: AllowedHosts,
}

impl AllowedOrigins {
    /// Allows one more: `https://example.org`, with its port if that is not the scheme's own, or `*` for all.
    pub fn allow(&mut self, origin: &str) -> Result<(), String> {
        if origin == "*" {
            self.any = true;
            return self.hosts.allow("*");
        }
        let Some((_, authority)) = split(origin) else {
            return Err(format!("'{origin}' is no origin: write https://example.org, or * for all"));
        };
        // A host that no browser would send can be named by none either.
        let _ = self.hosts.allow(without_port(authority).unwrap_or_default());
        self.origins.push(canonical(origin));
        Ok(())
    }

    /// Whether an allowed origin has the host of this `Host`.
    pub fn names_host(&self, host: &str) -> bool {
        !self.hosts.is_empty() && self.hosts.permits(host)
    }

    /// Whether a request with this `Origin` and `Host` may become a connection.
    pub fn permits(&self, origin: Option<&str>, host: &str) -> bool {
        let Some(origin) = origin else { return true };
        if self.any || self.origins.contains(&canonical(origin)) {
            return true;
        }
        match split(origin) {
            Some((scheme, host_port)) => {
                let default = default_port(scheme);
                with_port(host_port, default).eq_ignore_ascii_case(&with_port(host, default))
            }
            // `null`, which is what a sandboxed or `file:` page sends, is nobody in particular.
            None => false,
        }
    }
}

/// Scheme and authority of a serialized origin (RFC 6454, 6.2).
fn split(origin: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = origin.split_once("://")?;
    let is_sound =
        !scheme.is_empty() && !authority.is_empty() && !authority.contains(['/', '?', '#', '@', ' ']);
    is_sound.then_some((scheme, authority))
}

fn canonical(origin: &str) -> String {
    match split(origin) {
        Some((scheme, authority)) => {
            format!("{scheme}://{}", with_port(authority, default_port(scheme))).to_ascii_lowercase()
        }
        None => origin.to_owned(),
    }
}

fn default_port(scheme: &str) -> &'static str {
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") { "443" } else { "80" }
}

/// The authority with its port spelt out. The colons inside an IPv6 address, which stands in brackets, are none.
fn with_port(authority: &str, default: &str) -> String {
    let has_port =
        authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']') && !port.is_empty());
    match has_port {
        true => authority.to_owned(),
        false => format!("{}:{default}", authority.trim_end_matches(':')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_origin_is_allowed_whatever_the_spelling() {
        let allowed = AllowedOrigins::default();
        for (origin, host) in [
            ("http://example.org", "example.org"),
            ("http://example.org", "example.org:80"),
            ("https://example.org", "example.org"),
            ("https://example.org", "example.org:443"),
            ("https://Example.org:8443", "example.ORG:8443"),
            ("http://[::1]:2021", "[::1]:2021"),
            ("http://[::1]", "[::1]"),
        ] {
            assert!(allowed.permits(Some(origin), host), "{origin} at {host}");
        }
        assert!(allowed.permits(None, "example.org"), "not a browser");
    }

    #[test]
    fn others_are_not() {
        let allowed = AllowedOrigins::default();
        for (origin, host) in [
            ("http://evil.example", "example.org"),
            ("http://example.org:8080", "example.org"),
            ("https://example.org", "example.org:80"),
            ("http://example.org.evil.example", "example.org"),
            ("http://localhost:2021", "127.0.0.1:2021"),
            ("null", "null"),
            ("file://", "example.org"),
            ("", ""),
        ] {
            assert!(!allowed.permits(Some(origin), host), "{origin} at {host}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_anywhere() {
        let mut allowed = AllowedOrigins::default();
        allowed.allow("https://app.example").expect("an origin");
        assert!(allowed.permits(Some("https://APP.example:443"), "chat.example"));
        assert!(
            !allowed.permits(Some("http://app.example"), "chat.example"),
            "the scheme is part of a listed origin"
        );
        assert!(!allowed.permits(Some("null"), "chat.example"));
        assert!(allowed.allow("app.example").is_err());
        assert!(allowed.allow("https://app.example/path").is_err());
        allowed.allow("*").expect("all");
        assert!(allowed.permits(Some("null"), "chat.example"));
    }
}
