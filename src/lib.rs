//! chinwag: a chat daemon, and a WebSocket server to learn from.

pub mod proto;
