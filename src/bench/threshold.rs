//! `--fail-if`: bounds for the figures of a report, for CI.
//!
//! ```text
//!   p99>50ms     audit.lost>0     sends_per_second<1000     latency_us.mean>=1ms
//!   ^  ^  ^
//!   figure  bound: a latency has a unit
//! ```
//!
//! A figure is a quantile, `max` or `mean` of the latency, or the path of a number in the JSON report.

use super::outcome::Outcome;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// Under which condition a run fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    text: String,
    figure: Figure,
    comparison: Comparison,
    /// In microseconds where the figure is a time.
    bound: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Figure {
    /// Of the latency, in microseconds: from 0 to 1.
    Quantile(f64),
    /// The keys that lead to a number of the JSON report.
    Path(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// Those of two letters first: they begin with the others.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let wrong = || {
            format!(
                "'{text}' is no bound for a figure: write p99>50ms, audit.lost>0 or sends_per_second<1000"
            )
        };
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        let (comparison, bound) = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?.trim())))
            .ok_or_else(wrong)?;
        let (figure, is_latency) = match name {
            "max" | "mean" => (Figure::Path(vec!["latency_us".into(), name.into()]), true),
            _ => match name.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok()) {
                Some(percent) if percent > 0.0 && percent <= 100.0 => {
                    (Figure::Quantile(percent / 100.0), true)
                }
                Some(_) => return Err(wrong()),
                None => (Figure::Path(name.split('.').map(str::to_owned).collect()), false),
            },
        };
        let is_key = |key: &str| !key.is_empty() && !key.contains(char::is_whitespace);
        if !name.split('.').all(is_key) {
            return Err(wrong());
        }
        let digits = bound.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(bound.len());
        let number: f64 = bound[..digits].trim().parse().map_err(|_| wrong())?;
        let factor = match &bound[digits..] {
            "" if is_latency => return Err(format!("'{text}' wants a unit: us, ms or s")),
            "" => 1.0,
            unit if !is_latency && !name.contains("_us") => {
                return Err(format!("'{text}' has the unit {unit}, and {name} is no time"));
            }
            "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            _ => return Err(wrong()),
        };
        Ok(Threshold { text: text.to_owned(), figure, comparison, bound: number * factor })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Threshold {
    /// What to say of a report that this makes a failure. A figure that is not there cannot be relied on, so it fails too.
    pub fn failure(&self, report: &Value, runs: &[&Outcome]) -> Option<String> {
        let Some(figure) = self.figure(report, runs) else {
            return Some(format!("--fail-if '{self}': the report has no such figure"));
        };
        let has_failed = match self.comparison {
            Comparison::AtLeast => figure >= self.bound,
            Comparison::AtMost => figure <= self.bound,
            Comparison::Above => figure > self.bound,
            Comparison::Below => figure < self.bound,
        };
        let unit = match &self.figure {
            Figure::Path(keys) if !keys.iter().any(|key| key.ends_with("_us")) => "",
            _ => " us",
        };
        has_failed.then(|| format!("--fail-if '{self}': it is {figure}{unit}"))
    }

    /// Of several runs the median, as the report has it.
    fn figure(&self, report: &Value, runs: &[&Outcome]) -> Option<f64> {
        match &self.figure {
            Figure::Path(keys) => {
                keys.iter().try_fold(report, |value, key| value.get(key)).and_then(Value::as_f64)
            }
            Figure::Quantile(quantile) => {
                let with_latencies = runs.iter().filter(|run| !run.latency.is_empty());
                let mut of_runs: Vec<f64> =
                    with_latencies.map(|run| run.latency.value_at_quantile(*quantile) as f64 / 1e3).collect();
                of_runs.sort_by(f64::total_cmp);
                let middle = of_runs.len() / 2;
                match of_runs.len() % 2 {
                    1 => of_runs.get(middle).copied(),
                    _ => Some((of_runs.get(middle.checked_sub(1)?)? + of_runs.get(middle)?) / 2.0),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::outcome::record;
    use crate::bench::plan::tests::plan;
    use crate::bench::run::tests::outcome;
    use serde_json::json;

    fn fails(text: &str) -> bool {
        let mut one = outcome(&plan());
        (1..=100).for_each(|ms| record(&mut one.latency, ms * 1_000_000));
        let report = json!({"latency_us": {"max": 100_000.0}, "audit": {"lost": 3}, "nothing": null});
        let threshold: Threshold = text.parse().unwrap_or_else(|why| panic!("{why}"));
        threshold.failure(&report, &[&one]).is_some()
    }

    #[test]
    fn bounds_hold_or_fail_on_both_sides() {
        for (text, has_failed) in [
            ("p50>40ms", true),
            ("p50>60ms", false),
            ("p95 > 0.09s", true),
            ("p99.9<1us", false),
            ("max>=100000us", true),
            ("max>100ms", false),
            ("latency_us.max<=100ms", true),
            ("latency_us.max<100000", false),
            ("audit.lost>2", true),
            ("audit.lost>3", false),
            ("audit.lost<4", true),
            ("nothing>1", true),
            ("audit.found>1", true),
        ] {
            assert_eq!(fails(text), has_failed, "{text}");
        }
        let empty: Threshold = "p99>1s".parse().expect("a bound");
        assert!(empty.failure(&json!({}), &[&outcome(&plan())]).is_some(), "nothing was measured");
    }

    #[test]
    fn what_is_no_bound_is_refused() {
        for (text, words) in [
            ("p99", "no bound"),
            ("p101>1ms", "no bound"),
            ("p99>50", "unit"),
            ("p99>fast", "no bound"),
            (">1", "no bound"),
            ("a b>1", "no bound"),
            ("audit.lost>1ms", "no time"),
            ("max>1h", "no bound"),
        ] {
            let error = text.parse::<Threshold>().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
