//! The server's core, rule by rule: one story a file, each test named after the rule that it holds. Bytes, ends and
//! moments go in as the loop would hand them over; what must come out, and when, is known beforehand.
//!
//! `tests/sim` looks for what nobody has thought of. This is what somebody has.

#[path = "../support/heap.rs"]
mod heap;
#[path = "../support/network.rs"]
mod network;
#[path = "../support/mod.rs"]
mod support;

mod puppet;
mod server;

mod backpressure;
mod calendar;
mod closing;
mod coalescing;
mod counts;
mod deadlines;
mod deflate;
mod door;
mod eof;
mod fairness;
mod hosts;
mod http;
mod lines;
mod pings;
mod rooms;
mod services;
mod shutdown;
mod slow;
mod work;
