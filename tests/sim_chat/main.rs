//! The chat on the whole server, on invented time, in one thread: thousands of seeded schedules of people and programs who
//! come, speak, are cut off at any byte, come back, repeat themselves, read slowly or never, and of clocks that jump. Caps
//! are tiny, so that they are reached.
//!
//! ```text
//!     world.rs     the schedule, and the turn of the loop
//!     person.rs    somebody with a name, a memory, and now and then a connection
//!     peer.rs      that connection: bytes out, messages in
//!     witness.rs   stands between the server and the chat, and tells the model what the chat is told
//!     model.rs     the chat as plainly as it can be written: what each connection is to read, in which order
//!     reading.rs   what a connection has read, held against that
//! ```
//!
//! The model knows no logs, cursors or rings: it writes down for each connection the whole of what it is to be told. A
//! reader may lack something of that only where it has been told so, and where its room has really forgotten it.
//!
//! A failure prints its seed; `CHINWAG_SIM_SEED=n cargo test --test sim_chat` replays it, and `CHINWAG_SIM_SEEDS=n` runs
//! more of them.

mod model;
#[path = "../support/network.rs"]
mod network;
mod peer;
mod person;
#[path = "../sim/random.rs"]
mod random;
mod reading;
mod witness;
mod world;

use model::Counts;
use random::Random;
use world::World;

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} wants a number")))
}

/// Runs one schedule to its end. Returns how often what has happened.
fn run(seed: u64) -> Counts {
    let mut world = World::new(Random::new(seed));
    for _ in 0..world.random.below(400) + 50 {
        world.step();
    }
    world.settle()
}

/// What must have happened in one schedule or another: of what never happens, nothing is proved.
const INTERESTING: &[&str] = &[
    "welcomed",
    "joined",
    "resumed",
    "not resumed: epoch",
    "not resumed: ahead",
    "not resumed: trimmed",
    "history with a join",
    "published",
    "duplicates",
    "repeats over another connection",
    "same key, other data",
    "gaps",
    "answers behind a gap",
    "lagged",
    "replayed what was asked for",
    "replayed in slices",
    "pages",
    "members listed",
    "rooms listed",
    "presence by name",
    "presence by number",
    "presence made good",
    "direct",
    "busy",
    "renamed",
    "taken over",
    "guests come back",
    "name taken",
    "too big",
    "not joined",
    "too many rooms",
    "rate limited",
    "closed: service",
    "closed: too slow for the room",
    "closed: rate abuse",
    "closed: replaced",
    "closed: too-slow",
    "closed: pong-timeout",
    "closed: peer-eof",
    "closed: reset",
    "rooms that had another life",
    "said goodbye",
];

#[test]
fn everybody_is_told_what_the_model_says() {
    if let Some(seed) = number_from_env("CHINWAG_SIM_SEED") {
        println!("{:#?}", run(seed));
        return;
    }
    let mut totals = Counts::default();
    for seed in 0..number_from_env("CHINWAG_SIM_SEEDS").unwrap_or(3000) {
        match std::panic::catch_unwind(|| run(seed)) {
            Ok(counts) => totals.add(&counts),
            Err(panic) => {
                eprintln!("CHINWAG_SIM_SEED={seed} replays this failure");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{totals:#?}");
    let missing: Vec<_> = INTERESTING.iter().filter(|what| totals.get(what) == 0).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn a_seed_replays_its_run() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
