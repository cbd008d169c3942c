//! The loop.
pub mod wheel;
