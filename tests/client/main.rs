//! The client's side of the chat against the server's, both without sockets and on invented time: sessions of the library
//! at the real chat, over wires that carry as few bytes at a time as they like and are cut at any of them.
//!
//! ```text
//!     session ── unwritten ──▶ wire ──▶ core, with the chat ──▶ wire ──▶ session
//!                               ╳  cut after any byte, in either direction
//! ```
//!
//! `world.rs` has the wires; `cuts.rs` the property that everything published is there once and in order; `rules.rs` what a
//! session does in which case; `talk.rs` what it says to a server that says what the test wants; `dialling.rs` where it
//! dials. A failure prints its seed; `CHINWAG_SIM_SEED=n` replays it, `CHINWAG_SIM_SEEDS=n` runs more of them.

#![cfg(feature = "cli")]

mod cuts;
mod dialling;
#[path = "../support/network.rs"]
mod network;
mod rules;
#[path = "../support/seeds.rs"]
mod seeds;
mod talk;
mod world;
