//! chinwag: a chat daemon, and a WebSocket server to learn from.

pub mod chat;
pub mod metrics;
pub mod net;
pub mod proto;
pub mod server;
pub mod service;
pub mod time;
pub mod wire;
