//! The dialect for programs: one JSON object in, one out. RFC 8259.
//!
//! ```text
//!     in    {"type":"publish","id":7,"room":"lobby","data":"hi"}
//!     out   {"type":"ok","id":7,"room":"lobby","seq":42,"at":1795000000123}
//! ```
//!
//! serde_json reads the requests. What it does not do is hold the rules that the chat owes to everybody else who reads what
//! one client has sent. `data` goes through us as it came, so it is judged as it comes: no half of a surrogate pair, which
//! is a string in one language and an error in the next; nothing so deep that a reader's own parser gives up
//! ([`DEPTH_MAX`]). And a request that is broken is answered under its number, if that stood before the break.
//!
//! ```text
//!     parse     a request: which fields it has, and what they ask
//!     sound     what is judged besides
//!     string    what stands between two quotes, escaped and not
//!     render    an event
//!     object    how what is rendered is written
//!     kept      a message as its room keeps it, and back
//! ```
//!
//! What is rendered is written by hand, as that is done once for each message and reader: a fourth of what building a tree
//! costs, or less. The library is what it is tested against.

mod kept;
mod object;
mod parse;
mod render;
mod sound;
pub(super) mod string;

pub use kept::parse_message;
pub use parse::parse;
pub use render::{render, render_message};
pub use sound::DEPTH_MAX;
