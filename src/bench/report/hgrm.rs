//! `--hgrm`: the percentile format of HdrHistogram, which its plotter at <https://hdrhistogram.github.io> draws.
//!
//! ```text
//!            Value     Percentile TotalCount 1/(1-Percentile)
//!
//!            0.120 0.000000000000      60000           1.00
//!            0.300 0.650000000000      90000           2.86
//!              ...                                            half of the way to 100 % in five steps, and again
//!            8.102 1.000000000000     100000
//!     #[Mean    =        0.248, StdDeviation   =        0.303]
//!     #[Max     =        8.102, Total count    =       100000]
//!     #[Buckets =           14, SubBuckets     =         2048]
//! ```
//!
//! As Java's `outputPercentileDistribution` writes it, digit by digit; the last row has no fourth column, since that would
//! be infinite. Values are milliseconds, which the plotter expects if not told otherwise.

use crate::bench::outcome::{Outcome, Times, times};
use std::fmt::Write;

const NS_PER_MS: f64 = 1e6;
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// The latencies of all these runs together.
pub fn render(runs: &[&Outcome]) -> String {
    let mut all = times();
    for run in runs {
        all.add(&run.latency).expect("it grows");
    }
    let text = distribution(&all);
    text.expect("a string takes everything")
}

fn distribution(times: &Times) -> Result<String, std::fmt::Error> {
    let ms = |ns: f64| ns / NS_PER_MS;
    let digits = usize::from(times.sigfig());
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut total = 0;
    for step in times.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (ms(step.value_iterated_to() as f64), step.quantile_iterated_to());
        write!(text, "{value:12.digits$} {quantile:2.12} {total:10}")?;
        match quantile < 1.0 {
            true => writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile))?,
            false => writeln!(text)?,
        }
    }
    let (mean, deviation) = (ms(times.mean()), ms(times.stdev()));
    writeln!(text, "#[Mean    = {mean:12.digits$}, StdDeviation   = {deviation:12.digits$}]")?;
    let max = ms(times.max() as f64);
    writeln!(text, "#[Max     = {max:12.digits$}, Total count    = {:12}]", times.len())?;
    // All buckets but the first have only their upper half.
    let sub_buckets = 2 * times.distinct_values() / (usize::from(times.buckets()) + 1);
    writeln!(text, "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]", times.buckets())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, times_of};
    use super::*;

    #[test]
    fn a_small_one_is_as_java_writes_it() {
        let times = times_of(&[(1_000_000, 5), (2_000_000, 3), (4_000_000, 3)]);
        let expected = "       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          5           1.00
       1.000 0.100000000000          5           1.11
       1.000 0.200000000000          5           1.25
       1.000 0.300000000000          5           1.43
       1.000 0.400000000000          5           1.67
       2.001 0.500000000000          8           2.00
       2.001 0.550000000000          8           2.22
       2.001 0.600000000000          8           2.50
       2.001 0.650000000000          8           2.86
       2.001 0.700000000000          8           3.33
       4.002 0.750000000000         11           4.00
       4.002 1.000000000000         11
#[Mean    =        2.091, StdDeviation   =        1.240]
#[Max     =        4.002, Total count    =           11]
#[Buckets =           12, SubBuckets     =         2048]
";
        assert_eq!(distribution(&times).expect("a string"), expected);
    }

    /// A row as the plotter reads it: split at blanks, the value first and 1/(1-p) fourth.
    fn rows(text: &str) -> Vec<Vec<f64>> {
        let rows = text.lines().skip(2).filter(|line| !line.starts_with('#'));
        rows.map(|row| row.split_whitespace().map(|cell| cell.parse().expect("a number")).collect()).collect()
    }

    #[test]
    fn every_row_is_right_by_arithmetic() {
        let run = sample::fanout();
        let text = render(&[&run]);
        let rows = rows(&text);
        let (last, others) = rows.split_last().expect("rows");
        assert_eq!(last.len(), 3, "nothing to draw at infinity");
        assert_eq!((last[1], last[2]), (1.0, run.latency.len() as f64));
        let mut before = 0.0;
        for row in others {
            let [value, quantile, total, inverse] = row[..] else { panic!("four columns: {row:?}") };
            assert!((inverse - 1.0 / (1.0 - quantile)).abs() <= 0.005 * inverse.max(1.0), "{row:?}");
            assert!(total >= quantile * run.latency.len() as f64, "{row:?}");
            let at_most = run.latency.count_between(0, (value * NS_PER_MS) as u64 + 500);
            assert_eq!(total, at_most as f64, "so many are not greater: {row:?}");
            assert!(value >= before, "{row:?}");
            before = value;
        }
    }

    #[test]
    fn runs_are_added_up() {
        let run = sample::fanout();
        let total = |runs: &[&Outcome]| rows(&render(runs)).pop().expect("a row")[2];
        assert_eq!(total(&[&run, &run]), 2.0 * total(&[&run]));
    }

    #[test]
    fn nothing_is_a_head_and_a_foot() {
        let text = render(&[]);
        assert!(rows(&text).is_empty(), "{text}");
        assert!(text.contains("#[Max     =        0.000, Total count    =            0]"), "{text}");
    }
}
