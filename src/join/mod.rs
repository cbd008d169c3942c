//! The client for people and for pipes: `chinwag join`.
//!
//! ```text
//!                                       ┌── Terminal: keys ─▶ App ─▶ Face ─▶ Screen
//!   server ── Dialler ── Session ───────┼── Plain: lines ─▶ App ─▶ lines
//!                                       └── Pipe: lines in, lines out
//! ```
//!
//! All are users of a [`Session`](crate::client::Session), which comes back by itself, so none knows more of connections
//! than what it shows of them. Only a standard input that is no terminal is a pipe. What is typed at a terminal may be a
//! command, so a terminal without a screen (`TERM=dumb`, or an output that goes elsewhere) gets `Plain`.

mod app;
mod commands;
mod editor;
mod face;
mod log;
mod overprint;
mod paint;
mod pipe;
mod plain;
mod screen;
mod terminal;
mod words;

pub use commands::{COMMANDS, KEYS};
pub use pipe::{Input, Pipe, read_lines};
pub use plain::Plain;
pub use screen::{Stream, Tty, give_back};
pub use terminal::{Here, Terminal, TerminalInput, read_events};
