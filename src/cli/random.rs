//! The system's randomness.

use crate::chat::Seed;
use std::fs::File;
use std::io::{self, Read};

/// What secrets are made of must not be guessed, so nothing less than the system's own randomness will do.
pub fn seed() -> io::Result<Seed> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(Seed::new(bytes))
}
