//! The loop, on real sockets: loopback, and ports that the system chooses. The handler here knows no protocol; what is
//! held is what `chinwag::net` promises whoever does.
//!
//! Nothing sleeps and hopes. A test turns the loop until what it waits for has come, and fails when that takes too long.
#![cfg(target_os = "linux")]

#[cfg(feature = "tls")]
#[path = "../support/certificate.rs"]
mod certificate;
mod recorder;

mod accepting;
mod datagrams;
mod dialling;
mod exhaustion;
mod reading;
#[cfg(feature = "tls")]
mod tls;
mod waking;
mod writing;
