//! What the end-to-end tests stand on: the daemon as a process, and clients that reach it over real sockets.
//!
//! ```text
//!   daemon.rs     the process: its flags, where it listens, what it logs, how it ends
//!   process.rs    what the kernel knows of it: descriptors, memory, CPU time, how often it woke up
//!   socket.rs     one connection, blocking, with a deadline on every wait
//!   http.rs  websocket.rs  line.rs      the three protocols on it
//!   member.rs     somebody in a room, whichever way they came
//!   terminal.rs   a terminal with a program in it, and what is on its screen
//!   cable.rs      what a connection goes through, and can be cut
//! ```
//!
//! **Nothing sleeps to let something happen.** Each wait is for an event and ends with it; [`PATIENCE`] is how long it may
//! take before the test fails, and is long because the machine may be busy. Where a test has to know that the server has
//! seen what was sent, it asks for [`Daemon::turn`].
//!
//! Each test starts a daemon of its own, on ports that the system chooses, so that they run side by side.

pub mod cable;
pub mod daemon;
pub mod http;
mod line;
pub mod member;
#[cfg(target_os = "linux")]
mod process;
mod socket;
pub mod terminal;
pub mod websocket;

use std::time::Duration;

pub use daemon::Daemon;
pub use http::Http;
pub use line::Line;
pub use member::Member;
#[cfg(target_os = "linux")]
pub use process::Process;
pub use socket::Socket;
pub use websocket::{Heard, WebSocket};

/// How long any one event may take to come.
pub const PATIENCE: Duration = Duration::from_secs(20);
