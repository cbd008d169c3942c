//! Whom a dialler believes: the system's authorities, those of a file, or anybody.

use super::session::Encrypted;
use super::words::describe;
use crate::net::transport::Transport;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// How many servers' sessions are remembered to be resumed. Who dials one server ten thousand times has one.
const SERVERS_REMEMBERED: usize = 32;

/// Whom a dialler believes.
#[derive(Clone, Debug)]
pub struct Trust {
    http: Arc<ClientConfig>,
    lines: Arc<ClientConfig>,
}

/// Why a set of authorities cannot be used.
#[derive(Debug)]
pub struct TrustError(String);

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TrustError {}

impl Trust {
    /// Certificates that the system trusts.
    pub fn system() -> Result<Trust, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        match (added, found.errors.first()) {
            (0, Some(error)) => Err(TrustError(format!("cannot read the system's certificates: {error}"))),
            (0, None) => Err(TrustError("the system has no certificates that it trusts".into())),
            _ => Ok(Trust::roots(roots)),
        }
    }

    /// The certificates of a PEM file, and no others.
    pub fn file(path: &Path) -> Result<Trust, TrustError> {
        let error = |why: &dyn fmt::Display| TrustError(format!("cannot trust {}: {why}", path.display()));
        let unread = |why: pem::Error| match why {
            pem::Error::Io(why) => error(&why),
            _ => error(&"it is not PEM (-----BEGIN CERTIFICATE-----)"),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            roots.add(certificate.map_err(unread)?).map_err(|why| error(&describe(&why)))?;
        }
        match roots.is_empty() {
            true => Err(error(&"there is no certificate in it")),
            false => Ok(Trust::roots(roots)),
        }
    }

    /// Whoever answers. What is said can be read and changed by anybody on the way.
    pub fn anybody() -> Trust {
        let verifier = Arc::new(Anybody(aws_lc_rs::default_provider()));
        Trust::new(config().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn roots(roots: RootCertStore) -> Trust {
        Trust::new(config().with_root_certificates(roots).with_no_client_auth())
    }

    fn new(mut config: ClientConfig) -> Trust {
        config.resumption = Resumption::in_memory_sessions(SERVERS_REMEMBERED);
        let lines = Arc::new(config.clone());
        config.alpn_protocols = vec![super::identity::ALPN_HTTP.to_vec()];
        Trust { http: Arc::new(config), lines }
    }

    /// What it takes to dial the server of that name, or IP address, and to speak that with it.
    pub fn end(&self, name: &str, protocol: super::Protocol) -> Result<ClientEnd, TrustError> {
        let config = match protocol {
            super::Protocol::Http => Arc::clone(&self.http),
            super::Protocol::Lines => Arc::clone(&self.lines),
        };
        match ServerName::try_from(name.to_owned()) {
            Ok(name) => Ok(ClientEnd { config, name }),
            Err(_) => Err(TrustError(format!("'{name}' is no name that a certificate could be for"))),
        }
    }
}

/// A dialled end of TLS that has not begun.
#[derive(Clone, Debug)]
pub struct ClientEnd {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl ClientEnd {
    /// What has been dialled comes under TLS.
    pub(in crate::net) fn dial(&self, under: Transport) -> Transport {
        Transport::Tls(Box::new(Encrypted::dialled(under, self.clone())))
    }

    pub(super) fn begin(&self) -> Result<UnbufferedClientConnection, rustls::Error> {
        UnbufferedClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}

fn config() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks what rustls does")
}

/// Believes whoever holds the key of the certificate that it shows, whatever that says.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
