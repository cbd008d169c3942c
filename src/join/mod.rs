//! The client for people and for pipes: `chinwag join`.
//!
//! ```text
//!                                       ┌── terminal: a screen, keys
//!   server ── Dialler ── Session ───────┤
//!                                       └── pipe: lines in, lines out
//! ```
//!
//! Both are users of a [`Session`](crate::client::Session), which comes back by itself, so neither knows of connections
//! more than what it shows of them. Where standard input or output is no terminal, it is a pipe.

mod pipe;
mod words;

pub use pipe::{Input, Pipe, read_lines};
