//! The load client: it drives a WebSocket server, accounts for every message, and says what it found out, also about
//! itself.
//!
//! ```text
//!   Plan ──▶ run ──▶ a crew for each thread, a handler of the loop                          run.rs, crew/
//!                      seats that are dialled, send, are cut off and come back             seat.rs
//!                        where: who hears whom in which room, or goes round    seating.rs, hop.rs
//!                        when: a schedule that is fixed beforehand, or a window            schedule.rs, flight.rs
//!                        what: a stamp and its padding, as the dialect wraps it            stamp.rs, speech.rs
//!                        with which request, and values of its own in it                   request.rs, template.rs
//!                        the protocol of another server, as its script has it        script.rs, login.rs
//!                      an ear that takes in what comes, against each receiver's ledger     ear.rs, ledger.rs
//!        Moment ◀── log: the threads' parts of each second, for those who watch              live.rs
//!        Outcome ◀── settle: what became of each delivery that did not come                settle.rs
//!           └─────▶ judge: whether the load was made, and all of it is accounted for      verdict.rs
//! ```
//!
//! A [`Plan`] is what is asked for; an [`Outcome`] is what one run of it found out, and `report` shows it. One delivery
//! costs 0.06 to 0.09 µs of processor time in a saturated room of 1,000, messages of 64 bytes, and nothing stands out in it:
//! the kernel's copy and the comparisons take a tenth each, the judgement of UTF-8 less. A server that writes each message
//! by itself makes it a read for each, and that costs 1 to 2 µs, nearly all of them the kernel's.

pub mod clock;
pub mod cost;
pub mod crew;
pub mod ear;
pub mod flight;
pub mod hop;
pub mod ledger;
pub mod live;
pub mod login;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod request;
pub mod run;
pub mod schedule;
pub mod script;
pub mod search;
pub mod seat;
pub mod seating;
pub mod settle;
pub mod shared;
pub mod speech;
pub mod stamp;
pub mod template;
pub mod threshold;
pub mod verdict;

pub use outcome::Outcome;
pub use plan::Plan;
