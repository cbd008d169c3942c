//! The load client: it drives a WebSocket server, accounts for every message, and says what it found out, also about
//! itself.
//!
//! A [`Plan`] is what is asked for; an [`Outcome`] is what one run of it found out.

pub mod outcome;
pub mod plan;

pub use outcome::Outcome;
pub use plan::Plan;
