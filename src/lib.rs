//! chinwag: a chat daemon, and a WebSocket server to learn from.
//!
//! As a program it is `chinwag serve`. As a library it is a [`server::Server`], which joins a readiness loop ([`net`]) and
//! the protocols ([`proto`]) to whatever [`service::Service`]s are mounted on it; the [`chat`] is one of them.

pub mod chat;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod config;
pub mod metrics;
pub mod net;
pub mod proto;
pub mod server;
pub mod service;
pub mod time;
pub mod wire;
