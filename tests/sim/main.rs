//! The whole server on invented time, in one thread: thousands of seeded schedules of peers that connect, speak, are cut
//! off at any byte, read slowly or not at all, and of clocks that jump. After every turn the server's own books are
//! audited, and every peer checks what it has been told against what was said.
//!
//! A failure prints its seed; `CHINWAG_SIM_SEED=n cargo test --test sim` replays it, and
//! `CHINWAG_SIM_SEEDS=n` runs more of them.

mod follower;
#[path = "../support/network.rs"]
mod network;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/seeds.rs"]
mod seeds;
mod service;
mod world;

use seeds::Random;
use std::collections::BTreeMap;
use world::World;

/// Runs one schedule to its end. Returns what the server counted.
fn run(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut world = World::new(Random::new(seed));
    for _ in 0..world.random.below(300) + 20 {
        world.step();
    }
    world.settle();
    world.stats()
}

#[test]
fn every_schedule_keeps_the_books_straight() {
    if let Some(seed) = seeds::chosen() {
        println!("{:?}", run(seed));
        return;
    }
    let mut totals = BTreeMap::new();
    for (name, value) in seeds::each(3000, run).into_iter().flatten() {
        *totals.entry(name).or_insert(0) += value;
    }
    println!("{totals:?}");
    // A schedule in which a thing never happens proves nothing about it.
    let missing: Vec<_> =
        totals.iter().filter(|(name, total)| **total == 0 && !AT_REST.contains(name)).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

/// What must be zero in the end.
const AT_REST: &[&str] = &["connections", "topic_bytes", "deflate_context_bytes"];

#[test]
fn a_seed_replays_its_run() {
    let trace = |seed| {
        let mut world = World::new(Random::new(seed));
        for _ in 0..200 {
            world.step();
        }
        world.trace()
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}
