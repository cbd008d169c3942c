//! What looks random to everybody outside, and follows from one secret seed: epochs, secrets, jitter, and the keys of
//! the hash tables.
//!
//! Everything is the SHA-1 of the seed, what it is for, and a number. Whoever sees an epoch learns nothing about a secret,
//! and a secret need not be kept: it is made again when somebody comes with one.

use sha1::{Digest, Sha1};

/// 32 bytes that nobody outside knows.
#[derive(Clone)]
pub struct Seed([u8; 32]);

/// How many characters a secret has: 20 of 6 bits each are 120 bits.
const SECRET_LEN: usize = 20;
const EPOCH_LEN: usize = 6;

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Seed {
    /// From the system's randomness, or from a test's own number.
    pub fn new(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    fn digest(&self, purpose: &str, number: u64) -> [u8; 20] {
        let mut sha1 = Sha1::new();
        sha1.update(self.0);
        sha1.update(number.to_be_bytes());
        sha1.update(purpose);
        sha1.finalize().into()
    }

    /// A number for each number.
    pub fn number(&self, purpose: &str, number: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.digest(purpose, number);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The name of a life of a room's numbering.
    pub fn epoch(&self, number: u64) -> Box<str> {
        let digest = self.digest("epoch", number);
        digest.iter().take(EPOCH_LEN).map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect()
    }

    /// What takes the name of a connection back.
    pub fn secret(&self, connection: u64) -> String {
        let digest = self.digest("secret", connection);
        digest.iter().take(SECRET_LEN).map(|byte| char::from(BASE64_URL[usize::from(byte % 64)])).collect()
    }

    /// Whether this is that secret. Takes as long whichever byte is wrong.
    pub fn is_secret(&self, connection: u64, secret: &str) -> bool {
        let right = self.secret(connection);
        let differing = right.bytes().zip(secret.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
        secret.len() == right.len() && differing == 0
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_connections_and_one_servers() {
        let (seed, other) = (Seed::new([1; 32]), Seed::new([2; 32]));
        let secret = seed.secret(7);
        assert_eq!(secret.len(), SECRET_LEN);
        assert!(seed.is_secret(7, &secret));
        assert!(!seed.is_secret(8, &secret) && !other.is_secret(7, &secret));
        assert!(!seed.is_secret(7, "") && !seed.is_secret(7, &secret[1..]));
        assert!(!seed.is_secret(7, &(secret + "A")));
        assert_ne!(seed.epoch(1), seed.epoch(2));
        assert_eq!(format!("{seed:?}"), "Seed(..)", "it is not for the log");
    }
}
