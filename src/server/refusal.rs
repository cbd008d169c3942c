//! Clients that are refused: for the host that they name, for the page that they come from, and for the protocol that they
//! speak.
//!
//! The response and the log name the host, the page's origin and the flag that allows them. The usual reason for a refusal
//! is a proxy or a page of the operator's own that the server does not know of.

use super::close_reason::CloseReason;
use super::connection::Wire;
use super::core::Core;
use super::host::without_port;
use super::warnings::quoted;
use crate::proto::http::{Head, Response};
use crate::proto::tls;
use crate::time::Millis;

impl Core {
    /// Whether the server answers for the host that a request names. A response to one that it does not answer for says so.
    pub(super) fn check_host(&mut self, now: Millis, index: u32, head: &Head<'_>) -> Result<(), Response> {
        // HTTP/1.0 has no Host; browsers speak HTTP/1.1.
        let Some(host) = head.host() else { return Ok(()) };
        if !self.state.conn(index).is_host_checked
            || self.hosts.permits(host)
            || self.origins.names_host(host)
        {
            return Ok(());
        }
        let origin = head.header("origin");
        self.state.metrics.hosts_refused += 1;
        let page = origin.map_or(String::new(), |origin| format!(" to a page of {}", quoted(origin)));
        let flag = flag("--allow-host", without_port(host), "HOST");
        let host = quoted(host);
        self.warnings.warn(
            now,
            format!("refused a request for the host {host}{page}: start with {flag} to answer for that host, or with \
                 --allow-host '*' to answer for any"),
        );
        let text = format!(
            "this server does not answer for the host {host}{page}: start it with {flag} to allow that host, or with --allow-host '*' to allow any\n"
        );
        Err(Response::text(421, text))
    }

    /// Whether the page that sends a handshake may connect.
    pub(super) fn check_origin(&mut self, now: Millis, head: &Head<'_>) -> Result<(), Response> {
        let (origin, host) = (head.header("origin"), head.host().unwrap_or_default());
        let Some(origin) = origin.filter(|_| !self.origins.permits(origin, host)) else { return Ok(()) };
        self.state.metrics.origins_refused += 1;
        // An opaque origin is named `null`, as every other of its kind is.
        let named = Some(origin).filter(|origin| origin.contains("://"));
        let flag = flag("--allow-origin", named, "ORIGIN");
        let (origin, host) = (quoted(origin), quoted(host));
        self.warnings.warn(
            now,
            format!("refused a page of the origin {origin} at the host {host}: start with {flag} to let it connect"),
        );
        let text = format!(
            "pages of the origin {origin} may not connect to the host {host}: start the server with {flag} to allow them\n"
        );
        Err(Response::text(403, text))
    }

    /// The refusal that a handshake from this page would get. Browsers hide the response to a handshake from scripts, so a
    /// page that cannot connect sends a plain request to the same path, and may read the response to that.
    pub(super) fn explain_refusal(&mut self, now: Millis, head: &Head<'_>) -> Option<Response> {
        let refusal = self.check_origin(now, head).err()?;
        Some(refusal.with_header("Access-Control-Allow-Origin", "*"))
    }
}

impl Core {
    /// Ends a connection that began with TLS on a port without it.
    pub(super) fn refuse_tls(&mut self, now: Millis, index: u32) {
        self.state.metrics.tls_on_plain += 1;
        let advice = "connect with http:// or ws://, or start a listener with TLS: --listen tls://ADDRESS";
        self.warnings.warn(now, format!("a client spoke TLS on a port without it: {advice}"));
        self.state.push_bytes(index, &tls::REFUSAL);
        self.state.close(now, index, CloseReason::TlsMismatch);
    }

    /// Ends a connection that began with text on a port with TLS, in the protocol that its client probably speaks.
    pub(super) fn refuse_plain(&mut self, now: Millis, index: u32) {
        self.state.metrics.plain_on_tls += 1;
        let (advice, answer) = match self.state.conn(index).wire {
            Wire::Line => {
                let advice = "connect with tls://, as in chinwag join tls://HOST:PORT";
                (advice, format!("{}: {advice}\n", tls::NOTICE).into_bytes())
            }
            Wire::Http | Wire::WebSocket => {
                let advice = "connect with https:// or wss://";
                let mut answer = Vec::new();
                Response::text(400, format!("this port speaks TLS: {advice}\n")).encode(
                    &mut answer,
                    false,
                    false,
                );
                (advice, answer)
            }
        };
        self.warnings.warn(now, format!("a client spoke without TLS on a port with TLS: {advice}"));
        self.state.push_bytes(index, &answer);
        self.state.close(now, index, CloseReason::TlsMismatch);
    }
}

/// The flag with a value, as it can be typed into any shell: a value with other characters is only described.
fn flag(name: &str, value: Option<&str>, kind: &str) -> String {
    let is_plain = |value: &&str| {
        value.len() <= 255
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte))
    };
    format!("{name} {}", value.filter(is_plain).unwrap_or(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_can_be_copied_into_a_shell() {
        assert_eq!(flag("--allow-host", Some("chat.example.org"), "HOST"), "--allow-host chat.example.org");
        for hostile in ["$(reboot)", "a;b", "a b", "a'b", "a&b", "[::1]", "*", &"a".repeat(256)] {
            assert_eq!(flag("--allow-host", Some(hostile), "HOST"), "--allow-host HOST", "{hostile}");
        }
        assert_eq!(flag("--allow-host", None, "HOST"), "--allow-host HOST");
    }
}
