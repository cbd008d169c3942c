//! The dialling side: where to, the handshake, the frames or lines, and when to come back.
//!
//! ```text
//!   Url ---- names ----> addresses        Backoff: how long to wait before the next try
//!                            |
//!   bytes <--- Link ---> text and binary messages, the end
//!                            |
//!   user <-- Session --> what is Said and Asked; rooms and what is still to be said, over many connections
//! ```
//!
//! No sockets here, but in the [`Dialler`], which drives a session on a [`Reactor`](crate::net::Reactor): all else is
//! handed bytes, and says what is to be written.

mod asked;
mod backoff;
mod dialler;
mod link;
mod news;
mod room;
mod said;
mod session;
mod url;

pub use asked::{Asked, Since};
pub use backoff::Backoff;
pub use dialler::{Dialler, Mail, User};
pub use link::{Compression, End, Event, Link, Masks, Outgoing, Spoken, Upgrade};
pub use news::{DirectId, News, Refusal, Status, Told};
pub use room::{PublishId, Resumption};
pub use said::{Joined, Limits, Message, Said, SaidError, Welcome};
pub use session::{SUBPROTOCOL, Session, Settings};
pub use url::{Scheme, Url, UrlError};
