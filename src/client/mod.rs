//! The dialling side: where to, the handshake, the frames or lines, and when to come back.
//!
//! ```text
//!   Url ---- names ----> addresses        Backoff: how long to wait before the next try
//!                            |
//!   bytes <--- Link ---> text and binary messages, the end
//! ```
//!
//! No sockets here: whoever drives a [`Reactor`](crate::net::Reactor) hands bytes in and writes out what has gathered.

mod backoff;
mod link;
mod url;

pub use backoff::Backoff;
pub use link::{End, Event, Link, Masks, Outgoing, Upgrade};
pub use url::{Scheme, Url, UrlError};
