//! chinwag: a chat daemon, and a WebSocket server to learn from.
//!
//! As a program it is `chinwag serve`, and `chinwag join` to talk there. As a library it is a [`server::Server`], which
//! joins a readiness loop ([`net`]) and the protocols ([`proto`]) to whatever [`service::Service`]s are mounted on it; the
//! `chat` is one of them, and comes with the feature `json`. An echo server, whole:
//!
//! ```
//! use chinwag::server::{Server, Shutdown};
//! use chinwag::service::{ConnId, Context, Message, Service};
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
//!         cx.send(conn, message);
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let mut server = Server::new(Default::default())?;
//! let echo = server.mount(Echo, 64 * 1024);
//! server.serve("/echo", echo);
//! let address = server.listen(&"127.0.0.1:0".parse().expect("an address"))?;
//! println!("listening on {address}");
//! # server.stopper().send(Shutdown::Stop).expect("the server is there");
//! server.run()
//! # }
//! ```

#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "json")]
pub mod chat;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod client;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "cli")]
pub mod join;
pub mod metrics;
pub mod net;
pub mod proto;
pub mod server;
pub mod service;
pub mod time;
#[cfg(feature = "json")]
pub mod wire;
