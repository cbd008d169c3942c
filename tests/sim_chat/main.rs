//! The chat on the whole server, on invented time: thousands of seeded schedules of people and programs who
//! come, speak, are cut off at any byte, come back, repeat themselves, read slowly or never, and of clocks that jump. Caps
//! are tiny, so that they are reached.
//!
//! ```text
//!     world.rs     the schedule, and the turn of the loop
//!     person.rs    somebody with a name, a memory, and now and then a connection
//!     witness.rs   stands between the server and the chat, and tells the model what the chat is told
//!     model.rs     the chat as plainly as it can be written: what follows from what is said
//!     room.rs      its rooms, and the keys that they remember
//!     expected.rs  what each connection is to read of that, in which order
//!     reading.rs   what a connection has read, held against that
//!     counts.rs    how often what has happened
//!     ../support   their connections, the network, and the seeds
//! ```
//!
//! The model knows no logs, cursors or rings: it writes down for each connection the whole of what it is to be told. A
//! reader may lack something of that only where it has been told so, and where its room has really forgotten it.
//!
//! A failure prints its seed; `CHINWAG_SIM_SEED=n cargo test --test sim_chat` replays it and prints what was said and read,
//! and `CHINWAG_SIM_SEEDS=n` runs more of them.

mod counts;
mod expected;
mod model;
#[path = "../support/network.rs"]
mod network;
#[path = "../support/peer.rs"]
mod peer;
mod person;
mod reading;
mod room;
#[path = "../support/seeds.rs"]
mod seeds;
mod witness;
mod world;

use counts::{Counts, INTERESTING};
use seeds::Random;
use world::World;

/// Runs one schedule to its end. Returns how often what has happened, and all of it as a number.
fn run(seed: u64, is_traced: bool) -> (Counts, u64) {
    let mut world = World::new(Random::new(seed), is_traced);
    for _ in 0..world.random.below(300) + 30 {
        world.step();
    }
    world.settle()
}

#[test]
fn everybody_is_told_what_the_model_says() {
    if let Some(seed) = seeds::chosen() {
        println!("{:#?}", run(seed, true).0);
        return;
    }
    let mut totals = Counts::default();
    seeds::each(2000, |seed| run(seed, false).0).iter().for_each(|counts| totals.add(counts));
    println!("{totals:#?}");
    let missing: Vec<_> = INTERESTING.iter().filter(|what| totals.get(what) == 0).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn a_seed_replays_its_run() {
    assert_eq!(run(7, false), run(7, false));
    assert_ne!(run(7, false), run(8, false));
}
