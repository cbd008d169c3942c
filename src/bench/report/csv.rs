//! `--csv`: a row for each second, for spreadsheets.
//!
//! All fields are numbers or words without commas, so nothing is quoted. Where nothing was delivered in a second, its
//! latencies are empty, not zero.

use super::figures::us;
use crate::bench::outcome::{Outcome, Phase, Second};
use std::fmt::Write;

const HEAD: &str = "run,second,phase,connections,sends,deliveries,bytes_received,errors,p50_us,p99_us,max_us";

/// The seconds of these runs, the runs numbered from 1.
pub fn render(runs: &[&Outcome]) -> String {
    let mut text = HEAD.to_owned() + "\n";
    for (number, run) in (1..).zip(runs) {
        for second in &run.seconds {
            row(&mut text, number, second);
        }
    }
    text
}

fn row(text: &mut String, run: usize, second: &Second) {
    let Second { at, phase, open, sends, deliveries, bytes_received, errors, p50, p99, max } = *second;
    let latency = |ns: u64| if deliveries == 0 { String::new() } else { us(ns).to_string() };
    let (phase, p50, p99, max) = (word(phase), latency(p50), latency(p99), latency(max));
    writeln!(
        text,
        "{run},{at},{phase},{open},{sends},{deliveries},{bytes_received},{errors},{p50},{p99},{max}"
    )
    .expect("a string takes everything");
}

/// What a phase is called, here and on the terminal.
pub fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Warmup => "warm-up",
        Phase::Measured => "measured",
        Phase::Draining => "draining",
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn there_is_a_row_a_second_below_a_head() {
        let run = sample::fanout();
        let text = render(&[&run]);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(
            rows[..4],
            [
                "run,second,phase,connections,sends,deliveries,bytes_received,errors,p50_us,p99_us,max_us",
                "1,0,connecting,1000,0,0,150000,0,,,",
                "1,1,warm-up,1000,400,399500,56743200,0,121,1200,2100",
                "1,2,measured,1000,400,399400,56743200,0,122,1200,2200",
            ]
        );
        assert_eq!(rows.len(), 1 + run.seconds.len());
        let columns = rows[0].split(',').count();
        assert!(rows.iter().all(|row| row.split(',').count() == columns), "{text}");
    }

    #[test]
    fn several_runs_follow_one_another() {
        let run = sample::fanout();
        let text = render(&[&run, &run]);
        assert_eq!(text.lines().filter(|row| row.starts_with("2,")).count(), run.seconds.len());
    }
}
