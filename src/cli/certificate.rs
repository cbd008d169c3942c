//! The certificate of the TLS listeners, and the thread that reads it again: when its files change, and at a SIGHUP.
//!
//! The files are looked at, rather than watched: a look a second is two calls, and sees what a watch does not, such as a
//! link in a folder above that leads elsewhere. What has changed is read when it has stayed the same for one look, since a
//! certificate and its key are two files, and written one after the other.

use crate::net::tls::{Identity, IdentityError, Stamp};
use jiff::Timestamp;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The certificate, read.
#[derive(Debug)]
pub struct Certificate {
    identity: Identity,
    stamp: Stamp,
}

/// The same, with a thread that sees to it.
#[derive(Clone, Debug)]
pub struct Kept {
    identity: Arc<Identity>,
    reload: SyncSender<()>,
}

impl Certificate {
    /// Reads the certificate and its key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Certificate, IdentityError> {
        // Before the files are read: what changes in between is read twice rather than never.
        let stamp = Stamp::of(certificate, key);
        let identity = Identity::load(certificate, key)?;
        tell_validity(&identity);
        Ok(Certificate { identity, stamp })
    }

    /// What listeners need.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Reads it again from now on, when there is reason to.
    pub fn keep(self) -> io::Result<Kept> {
        let (reload, asked) = sync_channel(1);
        let Certificate { identity, stamp } = self;
        let identity = Arc::new(identity);
        let kept = Kept { identity: Arc::clone(&identity), reload };
        std::thread::Builder::new()
            .name("certificate".into())
            .spawn(move || watch(&identity, stamp, &asked))?;
        Ok(kept)
    }
}

impl Kept {
    /// Has it read again. One that is asked for while another waits is the same.
    pub fn reload(&self) {
        let _ = self.reload.try_send(());
    }

    /// Until when it is valid.
    pub fn not_after_unix_s(&self) -> u64 {
        self.identity.not_after_unix_s()
    }
}

fn watch(identity: &Identity, mut known: Stamp, asked: &Receiver<()>) {
    let mut seen = known.clone();
    loop {
        let is_asked = match asked.recv_timeout(LOOK_EVERY) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let stamp = identity.stamp();
        let has_settled = std::mem::replace(&mut seen, stamp.clone()) == stamp;
        if is_asked || (has_settled && stamp != known) {
            // Also if it is of no use: it is read again when it has changed again.
            known = stamp;
            match identity.reload() {
                Ok(()) => tell_validity(identity),
                Err(error) => log::error!(
                    "the certificate stays the one in use, which is valid until {}: {error}",
                    show(identity.not_after_unix_s())
                ),
            }
        }
    }
}

fn tell_validity(identity: &Identity) {
    let not_after = identity.not_after_unix_s();
    let level = if i64::try_from(not_after).is_ok_and(|not_after| not_after < Timestamp::now().as_second()) {
        log::Level::Warn
    } else {
        log::Level::Info
    };
    log::log!(level, "the certificate in use is valid until {}", show(not_after));
}

/// A moment, as people write it.
fn show(unix_s: u64) -> String {
    let timestamp = i64::try_from(unix_s).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| "the end of time".into(), |timestamp| timestamp.to_string())
}
