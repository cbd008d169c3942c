//! What the work of a run is called: messages are sent and delivered, changes of rooms are asked for and done.
//!
//! Both are counted and timed alike, as something that is asked for and something that comes of it. Only the words differ.

use crate::bench::outcome::Outcome;
use crate::bench::plan::{Plan, Scenario};

/// The words.
#[derive(Debug, PartialEq, Eq)]
pub struct Work {
    /// Of what is asked for, as in `400/s sent`.
    pub asked: &'static str,
    /// Of what comes of it, as in `400k/s delivered`.
    pub done: &'static str,
    /// What has a latency.
    pub one: &'static str,
    /// The same, as a curve is called.
    pub of_one: &'static str,
    /// One that was done.
    pub outcome: &'static str,
    /// Several of them.
    pub outcomes: &'static str,
}

const MESSAGES: Work = Work {
    asked: "sent",
    done: "delivered",
    one: "message",
    of_one: "of a message",
    outcome: "delivery",
    outcomes: "deliveries",
};

const CHANGES: Work = Work {
    asked: "asked for",
    done: "joined",
    one: "join",
    of_one: "of a join",
    outcome: "join",
    outcomes: "joins",
};

impl Work {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> &'static Work {
        match plan.scenario {
            Scenario::Hop => &CHANGES,
            _ => &MESSAGES,
        }
    }

    /// Those of several runs, which are all of one plan.
    pub fn of_all(runs: &[&Outcome]) -> &'static Work {
        runs.first().map_or(&MESSAGES, |run| Work::of(&run.plan))
    }

    /// `Deliveries`, at the beginning of a title.
    pub fn title(&self) -> String {
        let (first, rest) = self.outcomes.split_at(1);
        first.to_uppercase() + rest
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_plan_has_its_words() {
        let mut plan = sample::plan();
        assert_eq!(Work::of(&plan).title(), "Deliveries");
        plan.scenario = Scenario::Hop;
        assert_eq!((Work::of(&plan).done, &*Work::of(&plan).title()), ("joined", "Joins"));
    }
}
