//! The load client against servers that misbehave on purpose: what they did wrong it must find, all of it and nothing else.
//!
//! Counts are compared exactly. Times are bounded on one side only: a busy machine makes everything later, and nothing
//! earlier.

mod endings;
mod faults;
mod hops;
mod moments;
mod positions;
mod requests;
mod rooms;
mod scripts;
mod server;
mod servers;
mod times;
mod verdicts;

use chinwag::bench::live::Watches;
use chinwag::bench::outcome::Outcome;
use chinwag::bench::plan::{Arrival, Dialect, Load, Plan, Scenario, Templates};
use chinwag::bench::request::Handshake;
use chinwag::bench::run::{Failure, run};
use server::Server;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A fan-out of one sender to three receivers, a message every five milliseconds.
fn plan(server: &Server) -> Plan {
    plan_at(&format!("ws://{}/", server.address))
}

/// The same, at a server of another kind.
fn plan_at(url: &str) -> Plan {
    Plan {
        scenario: Scenario::Fanout,
        servers: url.parse().expect("a URL"),
        is_cluster: false,
        dialect: Dialect::Raw,
        templates: Templates::default(),
        connections: 4,
        senders: 1,
        self_echo: false,
        handshake: Handshake::default(),
        messages: None,
        name: None,
        deflate: false,
        is_binary: false,
        room: "bench".into(),
        rooms: 1,
        load: Load::Open { rate: 200.0, arrival: Arrival::Even },
        size: (64, 64),
        duration: Duration::from_millis(500),
        warmup: Duration::ZERO,
        ramp: Duration::ZERO,
        in_flight: 4,
        drain: Duration::from_secs(3),
        seed: 1,
        bind: Vec::new(),
        threads: 1,
        server_pids: Vec::new(),
        churn_rate: 10.0,
        slow_percent: 0,
        slow_bytes_per_second: 0,
    }
}

fn try_run(plan: &Plan) -> Result<Outcome, Failure> {
    run(plan, &mut Watches::default(), &AtomicBool::new(false))
}

#[track_caller]
fn outcome(plan: &Plan) -> Outcome {
    try_run(plan).unwrap_or_else(|failure| panic!("{failure}"))
}
