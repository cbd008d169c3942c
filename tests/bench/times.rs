//! Latencies, of servers that take their time.

use crate::server::{Behaviour, Fate, Manner, Server};
use crate::{outcome, plan};
use chinwag::bench::plan::{Arrival, Load};
use std::time::Duration;

const MS: u64 = 1_000_000;

#[test]
fn an_injected_delay_is_in_the_percentiles() {
    // Nine of ten after 30 ms, one of ten after 120 ms. Nothing overtakes, so some of the others wait behind it.
    let script = |_, number| Fate::After(Duration::from_millis(if number % 10 == 9 { 120 } else { 30 }));
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let mut plan = plan(&server);
    plan.load = Load::Open { rate: 100.0, arrival: Arrival::Even };
    plan.duration = Duration::from_secs(1);
    let outcome = outcome(&plan);
    assert_eq!((outcome.latency.len(), outcome.audit.unaccounted()), (300, 0));
    // Three digits: no value is told more than a thousandth too low.
    let at = |quantile| outcome.latency.value_at_quantile(quantile);
    assert!(outcome.latency.min() >= 29 * MS, "{}", outcome.latency.min());
    assert!(at(0.91) >= 119 * MS, "{}", at(0.91));
    let early = outcome.seconds.iter().filter(|second| second.deliveries > 0 && second.p50 < 29 * MS).count();
    assert_eq!(early, 0);
}

#[test]
fn a_stall_is_not_hidden_by_waiting_for_it() {
    // A second of two: a hundred of the two hundred messages were meant to be sent while nothing went.
    let mut behaviour = Behaviour::sound(Manner::Broadcast);
    behaviour.stall = Some((50, Duration::from_secs(1)));
    let server = Server::start(behaviour);
    let mut plan = plan(&server);
    plan.load = Load::Open { rate: 100.0, arrival: Arrival::Even };
    plan.duration = Duration::from_secs(2);
    let outcome = outcome(&plan);
    assert_eq!((outcome.latency.len(), outcome.audit.unaccounted()), (600, 0));
    let at = |quantile| outcome.latency.value_at_quantile(quantile);
    assert!(at(0.99) >= 970 * MS, "p99 is {} ms", at(0.99) / MS);
    // Of those that were meant to be sent in that second, half waited for more than half of it.
    assert!(at(0.75) >= 490 * MS, "p75 is {} ms", at(0.75) / MS);
}

#[test]
fn what_the_server_does_not_take_is_not_left_out() {
    // It stalls for longer than the run and its drain. The messages are larger than what the kernel holds for it.
    let mut behaviour = Behaviour::sound(Manner::Broadcast);
    behaviour.stall = Some((5, Duration::from_secs(60)));
    let server = Server::start(behaviour);
    let mut plan = plan(&server);
    (plan.size, plan.load) = ((1 << 20, 1 << 20), Load::Open { rate: 40.0, arrival: Arrival::Even });
    plan.drain = Duration::from_millis(500);
    let outcome = outcome(&plan);
    let unsent = outcome.errors.kinds.get("not sent").map_or(0, |kind| kind.count);
    assert_eq!(outcome.sends + unsent, 20, "{:?}", outcome.errors);
    assert!(unsent > 0 && outcome.latency.max() >= 500 * MS, "{unsent}, {}", outcome.latency.max());
}
