//! An authority, and a certificate of it, in files. What else a test makes of them stands with the test.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SerialNumber};
use tempfile::TempDir;

/// Whom it is for; and 127.0.0.1.
pub const NAME: &str = "chat.example.org";

/// `ca.pem`, `cert.pem` and `key.pem`.
pub struct Certificate {
    folder: TempDir,
    pub issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Certificate {
    pub fn new() -> Certificate {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are sound");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each is somebody else.
        let key = KeyPair::generate().expect("a key");
        params.distinguished_name.push(DnType::CommonName, format!("{:02x?}", &key.public_key_raw()[..8]));
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let certificate = Certificate { folder: tempfile::tempdir().expect("a folder"), issuer };
        certificate.write("ca.pem", &certificate.issuer.pem());
        certificate.issue(|_| {});
        certificate
    }

    /// Writes a new certificate and its key. It has the number 1, unless that is changed.
    pub fn issue(&self, change: impl FnOnce(&mut CertificateParams)) {
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.serial_number = Some(SerialNumber::from(vec![1]));
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.write("cert.pem", &certificate.pem());
        self.write("key.pem", &key.serialize_pem());
    }

    /// As tools that care do it: the file is there whole, or it is the old one.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("new"), text).expect("the folder can be written to");
        std::fs::rename(self.path("new"), self.path(name)).expect("the folder can be written to");
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }
}
