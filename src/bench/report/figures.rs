//! From what was counted to what is told: rates, costs, and what several runs have in common.
//!
//! A figure of several runs is their median, with the lowest and the highest beside it; one run is its own median. What
//! must not happen at all is not averaged away: audits and errors are added up.

use crate::bench::outcome::{Audit, ChinwagAudit, Errors, Outcome, ServerCost, ServerCounts};
use std::time::Duration;

/// A send is late if it goes out this much after its moment.
const LATE_NS: u64 = 1_000_000;

/// A number of one run or of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The one in the middle, or between the two in the middle.
    pub median: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Figure {
    /// Of the runs that have it; all its numbers are NaN where none has.
    pub fn of(runs: &[&Outcome], what: impl Fn(&Outcome) -> f64) -> Figure {
        let mut values: Vec<f64> = runs.iter().map(|run| what(run)).filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values[..] {
            [] => f64::NAN,
            _ if values.len().is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        Figure { median, low: end(values.first()), high: end(values.last()) }
    }
}

/// In microseconds, as all latencies are told.
pub fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// So many a second.
fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { f64::NAN } else { count as f64 / time.as_secs_f64() }
}

/// Messages sent a second, or changes of rooms asked for.
pub fn sends_per_second(run: &Outcome) -> f64 {
    per_second(run.sends, run.measured)
}

/// Deliveries a second, or joins.
pub fn deliveries_per_second(run: &Outcome) -> f64 {
    per_second(run.deliveries, run.measured)
}

/// Bytes received a second, with the headers of their frames.
pub fn bytes_per_second(run: &Outcome) -> f64 {
    per_second(run.bytes_received, run.measured)
}

/// Bytes sent a second.
pub fn bytes_sent_per_second(run: &Outcome) -> f64 {
    per_second(run.bytes_sent, run.measured)
}

/// Connections that became ready a second, while they were made.
pub fn handshakes_per_second(run: &Outcome) -> f64 {
    per_second(run.connecting.at_start, run.connecting.took)
}

/// Sends that went out late.
pub fn late_sends(run: &Outcome) -> u64 {
    run.client.lateness.count_between(LATE_NS, u64::MAX)
}

/// The processor time of one delivery or join, in microseconds.
fn cpu_us_each(cpu: Duration, run: &Outcome) -> f64 {
    if run.deliveries == 0 { f64::NAN } else { cpu.as_secs_f64() * 1e6 / run.deliveries as f64 }
}

/// What a delivery or a join cost the client.
pub fn client_us_each(run: &Outcome) -> f64 {
    cpu_us_each(run.client.cpu, run)
}

/// What a delivery or a join cost the server.
pub fn server_us_each(run: &Outcome) -> f64 {
    run.server.map_or(f64::NAN, |server| cpu_us_each(server.cpu, run))
}

/// The part of a core that the server was using.
pub fn server_cpu_share(run: &Outcome) -> f64 {
    match (run.server, run.measured.as_secs_f64()) {
        (Some(server), seconds) if seconds > 0.0 => server.cpu.as_secs_f64() / seconds,
        _ => f64::NAN,
    }
}

/// A number of the server's process.
pub fn of_server(run: &Outcome, what: impl Fn(&ServerCost) -> u64) -> f64 {
    run.server.map_or(f64::NAN, |server| what(&server) as f64)
}

/// What a connection adds to the server's memory.
pub fn rss_bytes_per_connection(run: &Outcome) -> f64 {
    match run.server {
        Some(server) if server.connections > 0 => {
            (server.memory_loaded_bytes as f64 - server.memory_before_bytes as f64)
                / server.connections as f64
        }
        _ => f64::NAN,
    }
}

/// What became of the messages of all runs.
pub fn audit(runs: &[&Outcome]) -> Audit {
    runs.iter().map(|run| run.audit).reduce(added).unwrap_or_default()
}

/// What went wrong in all runs.
pub fn errors(runs: &[&Outcome]) -> Errors {
    let mut all = Errors::default();
    for run in runs {
        all.merge(run.errors.clone());
    }
    all
}

/// What became of each of several servers, in all runs; empty where there is but one.
pub fn servers(runs: &[&Outcome]) -> Vec<ServerCounts> {
    let mut servers = runs.first().map(|run| run.servers.clone()).unwrap_or_default();
    for run in runs.iter().skip(1) {
        servers.iter_mut().zip(&run.servers).for_each(|(server, more)| server.merge(more));
    }
    servers
}

fn added(one: Audit, two: Audit) -> Audit {
    let chinwag = match (one.chinwag, two.chinwag) {
        (Some(one), Some(two)) => Some(ChinwagAudit {
            acked: one.acked + two.acked,
            acked_not_delivered: one.acked_not_delivered + two.acked_not_delivered,
            unanswered: one.unanswered + two.unanswered,
            position_breaks: one.position_breaks + two.position_breaks,
            resumes: one.resumes + two.resumes,
            resumed: one.resumed + two.resumed,
            resumed_untrue: one.resumed_untrue + two.resumed_untrue,
        }),
        (one, two) => one.or(two),
    };
    let hops = match (one.hops, two.hops) {
        (Some(mut one), Some(two)) => {
            one.merge(two);
            Some(one)
        }
        (one, two) => one.or(two),
    };
    Audit {
        sent: one.sent + two.sent,
        expected: one.expected + two.expected,
        delivered: one.delivered + two.delivered,
        lost: one.lost + two.lost,
        doubled: one.doubled + two.doubled,
        reordered: one.reordered + two.reordered,
        corrupted: one.corrupted + two.corrupted,
        foreign: one.foreign + two.foreign,
        announced: one.announced + two.announced,
        cut_off: one.cut_off + two.cut_off,
        gaps: one.gaps + two.gaps,
        refused: one.refused + two.refused,
        chinwag,
        hops,
        memory_bytes: one.memory_bytes.max(two.memory_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_figure_is_the_median_with_its_ends() {
        let runs: Vec<Outcome> = [30, 10, 20, 40].map(sample::lasting).into();
        let of = |count: usize| {
            let runs: Vec<&Outcome> = runs[..count].iter().collect();
            Figure::of(&runs, |run| run.measured.as_secs_f64())
        };
        assert_eq!(of(1), Figure { median: 30.0, low: 30.0, high: 30.0 });
        assert_eq!(of(3), Figure { median: 20.0, low: 10.0, high: 30.0 });
        assert_eq!(of(4), Figure { median: 25.0, low: 10.0, high: 40.0 });
        assert!(of(0).median.is_nan() && of(0).low.is_nan());
    }

    #[test]
    fn what_was_not_measured_is_no_number() {
        let mut run = sample::fanout();
        run.deliveries = 0;
        run.server = None;
        let of_none = [client_us_each, server_us_each, server_cpu_share, rss_bytes_per_connection];
        assert!(of_none.iter().all(|figure| figure(&run).is_nan()));
        assert!(Figure::of(&[&run], client_us_each).median.is_nan());
    }

    #[test]
    fn audits_are_added_up() {
        let (good, mut bad) = (sample::fanout(), sample::fanout());
        bad.audit.lost = 1;
        bad.errors.add("reset", || "by peer".into(), "");
        let runs = [&good, &bad, &good];
        let sum = audit(&runs);
        assert_eq!((sum.lost, sum.expected), (1, 3 * good.audit.expected));
        let acked = |audit: Audit| audit.chinwag.map(|chinwag| chinwag.acked);
        assert_eq!(acked(sum), acked(good.audit).map(|acked| 3 * acked));
        assert_eq!(errors(&runs).total(), 1);
    }
}
