//! The client for people and for pipes: `chinwag join`.
//!
//! ```text
//!                                       ┌── Terminal: keys ─▶ App ─▶ Face ─▶ Screen
//!   server ── Dialler ── Session ───────┤
//!                                       └── Pipe: lines in, lines out
//! ```
//!
//! Both are users of a [`Session`](crate::client::Session), which comes back by itself, so neither knows of connections
//! more than what it shows of them. Where standard input or output is no terminal, it is a pipe.

mod app;
mod commands;
mod editor;
mod face;
mod log;
mod overprint;
mod paint;
mod pipe;
mod screen;
mod terminal;
mod words;

pub use commands::{COMMANDS, KEYS};
pub use pipe::{Input, Pipe, read_lines};
pub use screen::give_back;
pub use terminal::{Terminal, TerminalInput, read_events};
