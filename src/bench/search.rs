//! The highest load under which a condition holds.
//!
//! ```text
//!   p99<50ms      100  200  400  800  1600  3200  6400!            doubled until it fails
//!                                           4800  5600!  5200      and then halved between
//! ```
//!
//! A run whose load was not made, or in which something is unaccounted for, does not hold, however fast the rest was.

use super::outcome::{Outcome, Search, Try};
use super::plan::{Dialect, Load, Plan, Scenario};
use super::run::Failure;
use super::seat::least_connections;
use super::verdict::{Counts, Verdict, judge};
use std::fmt;
use std::str::FromStr;

/// How near the highest load is to be found: within one in so many.
const WITHIN: f64 = 20.0;
/// However wide the range, it is not halved more often than that.
const HALVINGS_MAX: u32 = 8;
/// A run that sends less than this share of its rate does not hold.
const SENT_MIN: f64 = 0.95;

/// What a latency must stay below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    text: String,
    /// In parts of a hundred thousand, so that it can be compared; 100,000 is the greatest.
    quantile: u32,
    /// In nanoseconds.
    below: u64,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Condition, String> {
        let wrong = || format!("'{text}' is no condition: write p99<50ms, p99.9<1s or max<250us");
        let (what, bound) = text.split_once('<').ok_or_else(wrong)?;
        let quantile = match what.trim() {
            "max" => 100_000,
            what => {
                let percent: f64 =
                    what.strip_prefix('p').and_then(|percent| percent.parse().ok()).ok_or_else(wrong)?;
                if !(percent > 0.0 && percent <= 100.0) {
                    return Err(wrong());
                }
                (percent * 1000.0).round() as u32
            }
        };
        let bound = bound.trim();
        let unit = bound.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let factor = match &bound[unit..] {
            "us" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            _ => return Err(wrong()),
        };
        let number: f64 = bound[..unit].trim().parse().map_err(|_| wrong())?;
        if !(number > 0.0 && number < 1e9) {
            return Err(wrong());
        }
        Ok(Condition { text: text.to_owned(), quantile, below: (number * factor) as u64 })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    /// What it looks at, and whether it holds.
    fn judge(&self, outcome: &Outcome) -> (String, bool) {
        let quantile = f64::from(self.quantile) / 100_000.0;
        let seen = outcome.latency.value_at_quantile(quantile);
        let name = self.text.split('<').next().unwrap_or_default().trim();
        let mut words = format!("{name} {:.3} ms", seen as f64 / 1e6);
        let unaccounted = outcome.audit.unaccounted();
        let is_kept_up = match outcome.plan.load {
            Load::Open { rate, .. } => {
                outcome.sends as f64 >= SENT_MIN * rate * outcome.measured.as_secs_f64()
            }
            Load::Closed { .. } => outcome.sends > 0,
        };
        let is_whole = outcome.connecting.ready as usize >= outcome.plan.connections;
        let counts = Counts::of(outcome);
        let is_sound = judge(&counts) <= Verdict::ClientsLimit;
        if unaccounted > 0 {
            words += &format!(", {unaccounted} unaccounted for");
        }
        if !is_kept_up {
            words += ", not all was sent";
        }
        if !is_whole {
            words += ", not all were connected";
        }
        if counts.lost > 0 {
            words += &format!(", lost connections: {}", counts.lost);
        }
        if counts.refused > 0 {
            words += &format!(", refused messages: {}", counts.refused);
        }
        (words, seen < self.below && is_sound && is_kept_up && is_whole && !outcome.latency.is_empty())
    }
}

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vary {
    /// Messages a second.
    Rate,
    /// How many connections.
    Connections,
}

impl Vary {
    fn unit(self, plan: &Plan) -> &'static str {
        match (self, plan.scenario) {
            (Vary::Rate, Scenario::Hop) => "changes a second",
            (Vary::Rate, _) => "messages a second",
            (Vary::Connections, _) => "connections",
        }
    }

    /// The least that makes sense: with fewer connections some sender has no seat, or nobody who hears it.
    fn least(self, plan: &Plan) -> f64 {
        let Plan { scenario, dialect, rooms, senders, threads, .. } = *plan;
        let speaks_to_others = scenario != Scenario::Echo && senders > 0 && !plan.self_echo;
        let connections = match dialect {
            _ if scenario == Scenario::Echo => 1,
            _ if speaks_to_others => least_connections(plan).unwrap_or(plan.connections),
            Dialect::Chinwag => senders,
            _ => senders.max(rooms),
        };
        match self {
            Vary::Rate => 1.0,
            Vary::Connections => connections.max(threads).max(1) as f64,
        }
    }

    fn of(self, plan: &Plan) -> f64 {
        match (self, plan.load) {
            (Vary::Rate, Load::Open { rate, .. }) => rate,
            (Vary::Rate, Load::Closed { .. }) => 0.0,
            (Vary::Connections, _) => plan.connections as f64,
        }
    }

    fn with(self, plan: &Plan, amount: f64) -> Plan {
        let mut plan = plan.clone();
        match (self, &mut plan.load) {
            (Vary::Rate, Load::Open { rate, .. }) => *rate = amount,
            (Vary::Rate, Load::Closed { .. }) => {}
            (Vary::Connections, _) => {
                plan.connections = amount as usize;
                if plan.scenario == Scenario::Echo {
                    plan.senders = plan.connections;
                }
            }
        }
        plan
    }
}

/// Searches from the plan's own load up to `most`; `run` makes one run, and says nothing when it was interrupted.
pub fn search(
    plan: &Plan,
    vary: Vary,
    condition: &Condition,
    most: f64,
    mut run: impl FnMut(&Plan) -> Result<Outcome, Failure>,
) -> Result<Search, Failure> {
    let mut search =
        Search { condition: condition.to_string(), unit: vary.unit(plan), tries: Vec::new(), best: None };
    // Holds at `low`, if it is not zero, and fails at `high`, if that is known.
    let (mut low, mut high) = (0.0f64, None);
    let mut load = vary.of(plan).min(most).max(vary.least(plan));
    let mut halvings = 0;
    loop {
        let outcome = match run(&vary.with(plan, load)) {
            Ok(outcome) => outcome,
            // A server that does not survive a try ends the search with what the tries before have shown.
            Err(failure) if !search.tries.is_empty() => {
                search.tries.push(Try { load, seen: failure.to_string(), holds: false });
                break;
            }
            Err(failure) => return Err(failure),
        };
        let (seen, holds) = condition.judge(&outcome);
        let is_interrupted = outcome.is_interrupted;
        search.tries.push(Try { load, seen, holds });
        match holds {
            true => {
                low = load;
                search.best = Some(outcome);
            }
            false => high = Some(load),
        }
        let next = match high {
            None if load >= most => break,
            None => (load * 2.0).min(most),
            Some(high) => {
                halvings += 1;
                low.midpoint(high).round().max(vary.least(plan))
            }
        };
        let is_near = high.is_some_and(|high: f64| high - low <= (low / WITHIN).max(1.0));
        if is_interrupted || is_near || halvings > HALVINGS_MAX || next == load {
            break;
        }
        load = next;
    }
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::outcome::{Audit, record};
    use crate::bench::plan::Arrival;
    use crate::bench::plan::tests::plan;
    use crate::bench::run::tests::outcome;

    #[test]
    fn conditions_are_read() {
        for (text, quantile, below) in [
            ("p99<50ms", 99_000, 50_000_000),
            ("p99.9 < 1.5s", 99_900, 1_500_000_000),
            ("max<250us", 100_000, 250_000),
            ("p50<1ms", 50_000, 1_000_000),
        ] {
            let condition: Condition = text.parse().expect(text);
            assert_eq!(
                (condition.quantile, condition.below, &*condition.to_string()),
                (quantile, below, text)
            );
        }
        for text in
            ["", "p99", "p99<", "p99<50", "p0<1ms", "p101<1ms", "q9<1ms", "p99<xms", "p99<1h", "p99<-1s"]
        {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    /// A server of which messages take a millisecond up to a rate, and a second above it.
    fn server(breaks_at: f64) -> impl FnMut(&Plan) -> Result<Outcome, Failure> {
        move |plan| {
            let Load::Open { rate, .. } = plan.load else { panic!("an open loop") };
            let mut outcome = outcome(plan);
            record(&mut outcome.latency, if rate <= breaks_at { 1_000_000 } else { 1_000_000_000 });
            outcome.sends = (rate * outcome.measured.as_secs_f64()) as u64;
            Ok(outcome)
        }
    }

    fn found(start: f64, breaks_at: f64, most: f64) -> Search {
        let mut plan = plan();
        plan.load = Load::Open { rate: start, arrival: Arrival::Even };
        let condition = "p99<50ms".parse().expect("a condition");
        search(&plan, Vary::Rate, &condition, most, server(breaks_at)).expect("runs")
    }

    fn best(search: &Search) -> Option<f64> {
        search.tries.iter().filter(|tried| tried.holds).map(|tried| tried.load).reduce(f64::max)
    }

    #[test]
    fn the_highest_rate_is_found_within_a_twentieth() {
        for breaks_at in [100.0, 101.0, 777.0, 5000.0, 123_456.0] {
            let search = found(100.0, breaks_at, 1e7);
            let best = best(&search).expect("it holds at the start");
            assert!(best <= breaks_at && best >= breaks_at * 0.94 - 1.0, "{best} of {breaks_at}");
            assert!(search.tries.len() < 25, "{}", search.tries.len());
            let outcome = search.best.expect("that run is kept");
            assert_eq!(Vary::Rate.of(&outcome.plan), best);
        }
    }

    #[test]
    fn it_goes_down_where_the_start_is_too_much_and_stops_at_the_most() {
        let best_of = |start, breaks_at, most| best(&found(start, breaks_at, most));
        assert!(best_of(1000.0, 90.0, 1e6).is_some_and(|best| (84.0..=90.0).contains(&best)));
        assert_eq!(best_of(100.0, 1e9, 1000.0), Some(1000.0));
        assert_eq!(best_of(100.0, 0.0, 1000.0), None);
    }

    #[test]
    fn a_search_for_connections_leaves_each_sender_a_seat_and_somebody_to_hear_it() {
        let tried = |rooms, senders, threads| {
            let plan = Plan { connections: 40, rooms, senders, threads, ..plan() };
            let condition = "p99<50ms".parse().expect("a condition");
            let nothing_holds = |plan: &Plan| {
                let mut outcome = outcome(plan);
                record(&mut outcome.latency, 1_000_000_000);
                Ok(outcome)
            };
            let search = search(&plan, Vary::Connections, &condition, 1e6, nothing_holds).expect("runs");
            search.tries.iter().map(|tried| tried.load).fold(f64::INFINITY, f64::min)
        };
        assert_eq!(
            [tried(1, 1, 1), tried(1, 10, 1), tried(8, 3, 1), tried(8, 3, 16)],
            [2.0, 10.0, 11.0, 16.0]
        );
    }

    #[test]
    fn a_server_that_does_not_survive_a_try_ends_the_search_with_what_was_found() {
        let condition: Condition = "p99<50ms".parse().expect("a condition");
        let mut plan = plan();
        plan.load = Load::Open { rate: 100.0, arrival: Arrival::Even };
        let search_until = |dies_at: usize| {
            let (mut sound, mut tries) = (server(1e9), 0);
            search(&plan, Vary::Rate, &condition, 1e6, |plan| {
                tries += 1;
                if tries == dies_at { Err(Failure::new("gone")) } else { sound(plan) }
            })
        };
        assert!(search_until(1).is_err());
        let found = search_until(3).expect("two tries");
        assert_eq!(best(&found), Some(200.0));
        let last = found.tries.last().expect("three tries");
        assert_eq!((last.load, &*last.seen, last.holds), (400.0, "gone", false));
    }

    #[test]
    fn what_is_fast_and_loses_messages_does_not_hold() {
        let condition: Condition = "p99<50ms".parse().expect("a condition");
        let mut outcome = server(1e9)(&plan()).expect("a run");
        outcome.connecting.ready = 3;
        assert!(condition.judge(&outcome).1);
        outcome.audit = Audit { lost: 1, ..Audit::default() };
        let (seen, holds) = condition.judge(&outcome);
        assert!(!holds && seen.contains("1 unaccounted for"), "{seen}");
        outcome.audit = Audit::default();
        outcome.ending.lost = 1;
        let (seen, holds) = condition.judge(&outcome);
        assert!(!holds && seen.contains("lost connections: 1"), "{seen}");
        outcome.ending.lost = 0;
        outcome.sends = 90;
        assert!(!condition.judge(&outcome).1);
    }
}
