//! The load client: it drives a WebSocket server, accounts for every message, and says what it found out, also about
//! itself.
//!
//! A [`Plan`] is what is asked for; an [`Outcome`] is what one run of it found out.

pub mod clock;
pub mod cost;
pub mod crew;
pub mod ear;
pub mod flight;
pub mod ledger;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod run;
pub mod schedule;
pub mod search;
pub mod seat;
pub mod settle;
pub mod shared;
pub mod speech;
pub mod stamp;

pub use outcome::Outcome;
pub use plan::Plan;
