//! Errors of TLS in words, for people.
//!
//! rustls writes the names of its variants for many of them (`Other(OtherError(CaUsedAsEndEntity))`). The errors that
//! people meet have words of their own here; of the others, the name is taken apart into words.

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// What went wrong.
pub(super) fn describe(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(why) => certificate(why),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the peer does not speak TLS on that port".into()
        }
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => {
            "the peer sent a TLS message that is malformed or out of order".into()
        }
        Error::AlertReceived(alert) => {
            format!("the peer has ended the TLS connection: {}", reason(*alert))
        }
        Error::PeerIncompatible(why) => {
            format!("the peer speaks TLS in a way that is not spoken here: {}", name_in_words(why))
        }
        Error::PeerMisbehaved(why) => format!("the peer broke a rule of TLS: {}", name_in_words(why)),
        Error::InvalidCertRevocationList(why) => {
            format!("the list of revoked certificates cannot be used: {}", name_in_words(why))
        }
        Error::InvalidEncryptedClientHello(why) => format!("encrypted hello: {}", name_in_words(why)),
        Error::InconsistentKeys(why) => format!("the key cannot be used: {}", name_in_words(why)),
        Error::Other(why) => format!("TLS: {}", words_of(&why.0.to_string())),
        // These are sentences.
        error => format!("TLS: {error}"),
    }
}

fn certificate(why: &CertificateError) -> String {
    use CertificateError::{
        BadEncoding, Expired, ExpiredContext, InvalidPurposeContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, Other, UnknownIssuer,
    };
    match why {
        Expired | ExpiredContext { .. } => "the server's certificate has expired".into(),
        NotValidYet | NotValidYetContext { .. } => "the server's certificate is not valid yet".into(),
        UnknownIssuer => "the server's certificate is from an issuer that is not trusted here".into(),
        NotValidForNameContext { expected, .. } => {
            format!("the server's certificate is not for {}", expected.to_str())
        }
        NotValidForName => "the server's certificate is for another name".into(),
        BadEncoding => "the certificate is malformed".into(),
        InvalidPurposeContext { .. } => format!("the server's certificate cannot be used: {why}"),
        // The verifier's error, of which rustls has no variant of its own.
        Other(why) => match why.0.to_string().as_str() {
            "CaUsedAsEndEntity" => {
                "the server's certificate is that of an authority, which cannot be a server's \
                                    (RFC 5280, 4.2.1.9): make it anew with basicConstraints=CA:FALSE"
                    .into()
            }
            why => format!("the server's certificate cannot be used: {}", words_of(why)),
        },
        why => format!("the server's certificate cannot be used: {}", name_in_words(why)),
    }
}

/// What an alert says (RFC 8446, 6.2).
fn reason(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::InternalError => "it has no room, or an error of its own".into(),
        AlertDescription::UnexpectedMessage | AlertDescription::DecodeError => {
            "it did not expect what was sent; perhaps that port is without TLS".into()
        }
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => {
            "it speaks no version of TLS that is spoken here, or that port is without TLS".into()
        }
        AlertDescription::NoApplicationProtocol => "another protocol is spoken on that port".into(),
        AlertDescription::UnrecognisedName => "it does not serve that name".into(),
        AlertDescription::UnknownCA | AlertDescription::BadCertificate => {
            "it does not trust the certificate".into()
        }
        AlertDescription::CertificateRequired => "it asks for a certificate of the client's".into(),
        alert => format!("alert {}", u8::from(alert)),
    }
}

/// `TooManyRenegotiationRequests` in words.
fn name_in_words(variant: &impl std::fmt::Debug) -> String {
    words_of(&format!("{variant:?}"))
}

/// The words of a variant's name, without what it holds.
fn words_of(name: &str) -> String {
    let name = name.split(|c: char| !c.is_alphanumeric() && c != ' ').next().unwrap_or_default();
    let mut words = String::new();
    let mut before = ' ';
    for c in name.trim_end().chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{Error, OtherError, PeerIncompatible, PeerMisbehaved};
    use std::sync::Arc;

    #[test]
    fn no_error_shows_the_name_of_a_variant() {
        let other = |name: &'static str| {
            OtherError(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(name)))
        };
        let cases = [
            (
                Error::InvalidCertificate(CertificateError::Other(other("CaUsedAsEndEntity"))),
                "make it anew with basicConstraints=CA:FALSE",
            ),
            (
                Error::InvalidCertificate(CertificateError::Other(other("UnsupportedCriticalExtension"))),
                "cannot be used: unsupported critical extension",
            ),
            (Error::InvalidCertificate(CertificateError::Revoked), "cannot be used: revoked"),
            (
                Error::InvalidCertificate(CertificateError::InvalidPurposeContext {
                    required: rustls::ExtendedKeyPurpose::ServerAuth,
                    presented: vec![],
                }),
                "does not allow extended key usage for server authentication",
            ),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not speak TLS on that port"),
            (Error::InvalidMessage(InvalidMessage::MessageTooLarge), "malformed"),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), "without TLS"),
            (Error::AlertReceived(AlertDescription::Unknown(200)), ": alert 200"),
            (Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon), "no kx groups in common"),
            (Error::PeerMisbehaved(PeerMisbehaved::IncorrectBinder), ": incorrect binder"),
            (Error::Other(other("BrokenThing")), "TLS: broken thing"),
            (Error::DecryptError, "TLS: cannot decrypt peer's message"),
        ];
        for (error, words) in cases {
            let said = describe(&error);
            assert!(said.contains(words), "{said}");
            let rest = said.replace("basicConstraints", "");
            let is_camel = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
            assert!(!rest.as_bytes().windows(2).any(is_camel) && !rest.contains(['{', '[']), "{said}");
        }
    }
}
