//! Who we are: a certificate with its key, which can be replaced while connections go on.
//!
//! A handshake asks for the pair in use when it needs one, so a new pair is the next handshake's, and nobody's connection
//! ends for it. Sessions are resumed by tickets that the client keeps, sealed under keys that change every few hours
//! (RFC 8446, section 4.6.1; RFC 5077): they cost the server nothing, and outlive the change of a certificate.

use super::session::Encrypted;
use crate::net::transport::Transport;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, UnbufferedServerConnection};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};
use x509_cert::der::Decode;

/// RFC 7301: what HTTP/1.1 is called in a handshake.
pub(super) const ALPN_HTTP: &[u8] = b"http/1.1";

/// What is spoken above TLS. For HTTP the two agree on it in the handshake; for lines there is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, and WebSocket, which begins as that.
    Http,
    /// Lines.
    Lines,
}

/// A certificate with its key, from two PEM files.
#[derive(Debug)]
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    http: Arc<ServerConfig>,
    lines: Arc<ServerConfig>,
}

/// The pair in use.
#[derive(Debug)]
struct Current(RwLock<Pair>);

#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    not_after_unix_s: u64,
}

/// Why a pair is not used.
#[derive(Debug)]
pub enum IdentityError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file is not PEM, or has not in it what it is to have.
    NotPem(PathBuf, &'static str),
    /// It is PEM, but no certificate that can be understood.
    NotACertificate(PathBuf),
    /// It is PEM, but no key that can be used.
    NotAKey(PathBuf),
    /// The key belongs to another certificate.
    NotAPair(PathBuf, PathBuf),
    /// The certificate that is to replace the one in use has expired.
    Expired(PathBuf),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            IdentityError::NotPem(path, what) => write!(f, "{} holds no {what} in PEM", path.display()),
            IdentityError::NotACertificate(path) => {
                write!(f, "the certificate in {} makes no sense", path.display())
            }
            IdentityError::NotAKey(path) => write!(f, "the private key in {} cannot be used", path.display()),
            IdentityError::NotAPair(certificate, key) => {
                let (certificate, key) = (certificate.display(), key.display());
                write!(f, "the private key in {key} does not belong to the certificate in {certificate}")
            }
            IdentityError::Expired(path) => write!(f, "the certificate in {} has expired", path.display()),
        }
    }
}

impl std::error::Error for IdentityError {}

/// What tells whether files have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp([Option<(u64, u64, i64, i64)>; 2]);

impl Stamp {
    /// What two files look like now. It is another when they have changed.
    pub fn of(certificate: &Path, key: &Path) -> Stamp {
        Stamp([certificate, key].map(|path| {
            // Of the file that a link leads to: certbot renews by leading it elsewhere.
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
        }))
    }
}

impl Identity {
    /// Reads a pair: a certificate with those that lead from it to an authority, and its key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Identity, IdentityError> {
        let current = Arc::new(Current(RwLock::new(Pair::load(certificate, key)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks what rustls does")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = aws_lc_rs::Ticketer::new().expect("the system has randomness");
        // Each is used once, and a chat is one connection.
        config.send_tls13_tickets = 1;
        let lines = Arc::new(config.clone());
        config.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Identity { certificate, key, current, http: Arc::new(config), lines })
    }

    /// Reads the files again. What cannot be used is not: the pair in use stays.
    pub fn reload(&self) -> Result<(), IdentityError> {
        let pair = Pair::load(&self.certificate, &self.key)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if pair.not_after_unix_s < now {
            return Err(IdentityError::Expired(self.certificate.clone()));
        }
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// Until when the certificate in use is valid, in seconds since 1970.
    pub fn not_after_unix_s(&self) -> u64 {
        self.current.0.read().unwrap_or_else(PoisonError::into_inner).not_after_unix_s
    }

    /// What the files look like now.
    pub fn stamp(&self) -> Stamp {
        Stamp::of(&self.certificate, &self.key)
    }

    /// What a listener needs.
    pub(in crate::net) fn end(&self, protocol: Protocol) -> ServerEnd {
        ServerEnd(match protocol {
            Protocol::Http => Arc::clone(&self.http),
            Protocol::Lines => Arc::clone(&self.lines),
        })
    }
}

impl Pair {
    fn load(certificate: &Path, key: &Path) -> Result<Pair, IdentityError> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(|error| pem_error(certificate, error, "certificate"))?;
        let Some(end_entity) = chain.first() else {
            return Err(IdentityError::NotPem(certificate.to_owned(), "certificate"));
        };
        let parsed = x509_cert::Certificate::from_der(end_entity)
            .map_err(|_| IdentityError::NotACertificate(certificate.to_owned()))?;
        let not_after = parsed.tbs_certificate().validity().not_after.to_unix_duration();
        let private =
            PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, error, "private key"))?;
        let pair = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider());
        let pair = pair.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                IdentityError::NotAPair(certificate.to_owned(), key.to_owned())
            }
            rustls::Error::InvalidCertificate(_) => IdentityError::NotACertificate(certificate.to_owned()),
            _ => IdentityError::NotAKey(key.to_owned()),
        })?;
        Ok(Pair { key: Arc::new(pair), not_after_unix_s: not_after.as_secs() })
    }
}

fn pem_error(path: &Path, error: pem::Error, what: &'static str) -> IdentityError {
    match error {
        pem::Error::Io(error) => IdentityError::Read(path.to_owned(), error),
        _ => IdentityError::NotPem(path.to_owned(), what),
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Written to for the length of an assignment: nobody waits.
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

/// What a listener accepts with.
#[derive(Clone, Debug)]
pub struct ServerEnd(Arc<ServerConfig>);

impl ServerEnd {
    /// A peer who has connected comes under TLS.
    pub fn accept(&self, under: Transport) -> Transport {
        Transport::Tls(Box::new(Encrypted::accepted(under, self.clone())))
    }

    pub(super) fn begin(&self) -> Result<UnbufferedServerConnection, rustls::Error> {
        UnbufferedServerConnection::new(Arc::clone(&self.0))
    }
}
