//! How far a run has come, as far as that is known.

use crate::bench::outcome::{Phase, Second};
use crate::bench::plan::Plan;
use std::time::Duration;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course {
    /// How many connections the plan asks for.
    pub connections: u64,
    warmup: Duration,
    measured: Duration,
    phase: Phase,
    /// The second in which the phase began.
    phase_began: u64,
}

impl Course {
    /// Of a run of that plan, at its beginning.
    pub fn of(plan: &Plan) -> Course {
        Course {
            connections: plan.connections as u64,
            warmup: plan.warmup,
            measured: plan.duration,
            ..Course::default()
        }
    }

    /// A second has passed.
    pub fn note(&mut self, second: &Second) {
        if self.phase != second.phase {
            (self.phase, self.phase_began) = (second.phase, second.at);
        }
    }

    /// The part of the phase that has passed, from 0 to 1.
    pub fn done(&self, second: &Second) -> f64 {
        let passed = (second.at + 1 - self.phase_began) as f64;
        let done = match second.phase {
            Phase::Connecting => second.open as f64 / self.connections as f64,
            Phase::Warmup => passed / self.warmup.as_secs_f64(),
            Phase::Measured => passed / self.measured.as_secs_f64(),
            Phase::Draining => 1.0,
        };
        if done.is_finite() { done.clamp(0.0, 1.0) } else { 1.0 }
    }

    /// How long messages will go on, where that is known.
    pub fn left(&self, second: &Second) -> Option<String> {
        let total = match second.phase {
            Phase::Connecting | Phase::Draining => return None,
            Phase::Warmup => self.warmup + self.measured,
            Phase::Measured => self.measured,
        };
        let left = total.as_secs().saturating_sub(second.at + 1 - self.phase_began);
        Some(match left {
            0..60 => format!("{left} s left"),
            _ => format!("{}:{:02} left", left / 60, left % 60),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_phase_without_a_length_has_passed() {
        let plan =
            Plan { connections: 0, warmup: Duration::ZERO, duration: Duration::ZERO, ..sample::plan() };
        let course = Course::of(&plan);
        for phase in [Phase::Connecting, Phase::Warmup, Phase::Measured, Phase::Draining] {
            assert_eq!(course.done(&Second { phase, ..Second::default() }), 1.0, "{phase:?}");
        }
    }

    #[test]
    fn a_long_time_is_told_in_minutes() {
        let plan = Plan { duration: Duration::from_secs(600), ..sample::plan() };
        let second = Second { phase: Phase::Measured, at: 4, ..Second::default() };
        assert_eq!(Course::of(&plan).left(&second).as_deref(), Some("9:55 left"));
    }
}
