//! Whom a client of ours believes, by its flags `--ca` and `--insecure`.

use crate::client::{Scheme, Url};
use crate::net::tls::{ClientEnd, Protocol, Trust};
use std::path::Path;

/// What it takes to speak TLS at `url`, if that is spoken there.
pub fn end_for(url: &Url, ca: Option<&Path>, is_insecure: bool) -> Result<Option<ClientEnd>, String> {
    if !url.is_tls() {
        return match ca.is_some() || is_insecure {
            true => Err(format!("--ca and --insecure are for wss:// and tls://, and not for {url}")),
            false => Ok(None),
        };
    }
    let trust = match (ca, is_insecure) {
        (_, true) => Ok(Trust::anybody()),
        (Some(path), false) => Trust::file(path),
        (None, false) => Trust::system(),
    };
    let protocol = match url.scheme() {
        Scheme::Ws => Protocol::Http,
        Scheme::Tcp => Protocol::Lines,
    };
    let end = trust.and_then(|trust| trust.end(url.host(), protocol));
    end.map(Some).map_err(|error| error.to_string())
}
