//! TLS beneath the handler: it takes in and gives out plain bytes, and cannot tell. RFC 8446 and RFC 5246.
//!
//! ```text
//!    kernel --recv--> scratch --rustls, in place--> read buffer --> Handler::handle_bytes
//!    kernel <-write-- scratch <--rustls, a record-- the slices that Sockets::write is given
//! ```
//!
//! The protocol is rustls'. It is driven through its unbuffered interface, which keeps nothing of its own: bytes are
//! unsealed where they have been received, in memory that the whole loop shares, and what stays with an idle connection
//! is its keys. A connection keeps ciphertext only where it must: of a record that has not come whole, and of one that the
//! kernel has taken in part.
//!
//! A handshake is work for the processor, a hundred times that of a message. When and how many of them are worked on is up
//! to `net/handshakes.rs`.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod identity;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod trust;
#[cfg(feature = "tls")]
mod words;

#[cfg(not(feature = "tls"))]
pub use absent::ClientEnd;
#[cfg(not(feature = "tls"))]
pub(super) use absent::{Encrypted, Scratch, ServerEnd};
#[cfg(feature = "tls")]
pub use identity::{Identity, IdentityError, Protocol, Stamp};
#[cfg(feature = "tls")]
pub use trust::{ClientEnd, Trust, TrustError};
#[cfg(feature = "tls")]
pub(super) use {
    identity::ServerEnd,
    session::{Encrypted, Scratch},
};
