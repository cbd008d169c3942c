//! `--prometheus`: the counts of the runs in Prometheus' text format 0.0.4, rendered once a second.
//!
//! ```text
//!     # HELP chinwag_bench_deliveries_total Deliveries, each counted once.
//!     # TYPE chinwag_bench_deliveries_total counter
//!     chinwag_bench_deliveries_total 148500
//! ```
//!
//! A scrape gets the page of the last second, so scrapes cost the threads that make the load nothing, however many there are.
//! Counters go on from run to run, since Prometheus takes a counter that falls for a process that was restarted.
//!
//! The format is written by hand. The library `prometheus-client` fills its histograms one observation at a time, and here
//! they are in a histogram already.

use super::csv::word;
use crate::bench::live::{Begin, Moment, Totals, Watch};
use crate::bench::outcome::{Errors, Phase, Times};
use crate::bench::plan::Plan;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The `Content-Type` of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The upper bounds of the latency histogram's buckets, in seconds.
const BUCKETS: [&str; 16] = [
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5",
    "1", "2.5", "5", "10",
];
const PHASES: [Phase; 4] = [Phase::Connecting, Phase::Warmup, Phase::Measured, Phase::Draining];

/// The page of the last second, which any thread may read.
#[derive(Clone, Debug, Default)]
pub struct Page(Arc<Mutex<String>>);

impl Page {
    /// The page. Empty until the first run begins.
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// Renders a page each second.
#[derive(Debug)]
pub struct Exposition {
    page: Page,
    run: usize,
    /// What the runs before this one came to.
    before: Counted,
    /// The same with this one, which is not over.
    now: Counted,
    latency: Latency,
    limited_seconds: f64,
    server_cpu_seconds: f64,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    totals: Totals,
    errors: Errors,
}

/// The latencies of all runs: how many are within each bound, and their sum.
#[derive(Debug, Default)]
struct Latency {
    within: [u64; BUCKETS.len()],
    count: u64,
    sum_seconds: f64,
}

impl Latency {
    fn add(&mut self, times: &Times) {
        let bounds = BUCKETS.map(|seconds| seconds.parse().unwrap_or(f64::INFINITY) * 1e9);
        for value in times.iter_recorded() {
            let (ns, count) = (value.value_iterated_to() as f64, value.count_since_last_iteration());
            self.count += count;
            self.sum_seconds += ns * count as f64 / 1e9;
            for (within, bound) in self.within.iter_mut().zip(bounds) {
                *within += if ns <= bound { count } else { 0 };
            }
        }
    }
}

impl Exposition {
    /// Renders to that page.
    pub fn new(page: Page) -> Exposition {
        Exposition {
            page,
            run: 0,
            before: Counted::default(),
            now: Counted::default(),
            latency: Latency::default(),
            limited_seconds: 0.0,
            server_cpu_seconds: 0.0,
        }
    }

    /// The page, without what only a second has.
    fn counters(&self, plan: &Plan) -> Text {
        let mut text = Text::default();
        let labels = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("scenario", plan.scenario.to_string()),
            ("dialect", plan.dialect.to_string()),
            ("url", plan.servers.to_string()),
        ];
        text.head("info", "gauge", "The scenario, the dialect and the URL of the run. Always 1.");
        text.sample("info", &labels.each_ref().map(|(name, value)| (*name, &**value)), 1);
        text.gauge("run", "The number of the run, or of the try of a search, from 1.", self.run);
        let planned = "Connections that the plan asks for.";
        text.gauge("connections_planned", planned, plan.connections);
        let Totals { intended, sends, deliveries, bytes_received, refused, ready, failed, lost, .. } =
            self.now.totals;
        for (name, help, value) in [
            (
                "messages_intended",
                "Messages, or changes of rooms, that were due. Those that were sent, in a closed loop.",
                intended,
            ),
            (
                "messages_sent",
                "Messages sent, or changes of rooms asked for, including those that the server refused.",
                sends,
            ),
            ("messages_refused", "Messages, or changes of rooms, that the server refused.", refused),
            ("deliveries", "Deliveries, or rooms joined.", deliveries),
            ("received_bytes", "Bytes received.", bytes_received),
            ("connections_ready", "Connections that became ready.", ready),
            ("connections_failed", "Attempts to connect that failed.", failed),
            (
                "connections_lost",
                "Ready connections that ended, although neither the plan nor the user had ended them.",
                lost,
            ),
        ] {
            text.counter(name, help, value);
        }
        text.counter(
            "client_limited_seconds",
            "Time in which the client was the limit rather than the server.",
            self.limited_seconds,
        );
        text.head("errors_total", "counter", "Errors, by kind.");
        for (kind, error) in &self.now.errors.kinds {
            text.sample("errors_total", &[("kind", kind)], error.count);
        }
        text.head("latency_seconds", "histogram", "From the intended moment of sending to the delivery.");
        for (bound, within) in BUCKETS.iter().zip(self.latency.within) {
            text.sample("latency_seconds_bucket", &[("le", bound)], within);
        }
        text.sample("latency_seconds_bucket", &[("le", "+Inf")], self.latency.count);
        text.sample("latency_seconds_sum", &[], self.latency.sum_seconds);
        text.sample("latency_seconds_count", &[], self.latency.count);
        text
    }

    fn phase(text: &mut Text, now: Phase) {
        text.head("phase", "gauge", "1 for the current phase of the run, and 0 for the others.");
        for phase in PHASES {
            text.sample("phase", &[("phase", word(phase))], u8::from(phase == now));
        }
    }
}

impl Watch for Exposition {
    fn begin(&mut self, run: &Begin<'_>) {
        self.run = run.number;
        self.before = self.now.clone();
        let mut text = self.counters(run.plan);
        Exposition::phase(&mut text, Phase::Connecting);
        self.page.set(text.0);
    }

    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        self.now = self.before.clone();
        self.now.totals.merge(&moment.so_far);
        self.now.errors.merge(moment.errors.clone());
        self.latency.add(moment.latency);
        let span = moment.span.as_secs_f64();
        self.limited_seconds += if moment.limits.is_empty() { 0.0 } else { span };
        let mut text = self.counters(moment.plan);
        Exposition::phase(&mut text, moment.second.phase);
        text.gauge("elapsed_seconds", "The time since the run began.", moment.elapsed.as_secs_f64());
        text.gauge("connections_open", "Connections that are ready.", moment.second.open);
        let help = "The share of the last second that the client's busiest thread was at work, from 0 to 1.";
        text.gauge("client_cpu_ratio", help, moment.client_share);
        if let Some(server) = moment.server {
            self.server_cpu_seconds += server.cpu * span;
            let help = "Processor time of the server's process.";
            text.counter("server_cpu_seconds", help, self.server_cpu_seconds);
            let help = "Resident memory of the server's process.";
            text.gauge("server_resident_memory_bytes", help, server.memory_bytes);
        }
        self.page.set(text.0);
        Ok(())
    }
}

/// Lines of the format.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP chinwag_bench_{name} {help}\n# TYPE chinwag_bench_{name} {kind}\n"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        let name = format!("{name}_total");
        self.head(&name, "counter", help);
        self.sample(&name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.write(format_args!("chinwag_bench_{name}"));
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            self.write(format_args!("{before}{label}=\"{}\"", escaped(text)));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{after} {value}\n"));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a string takes everything");
    }
}

/// The value of a label: what a server says of its refusals may hold anything.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::bench::live::Series;

    /// The value of a line that begins with these words.
    #[track_caller]
    fn value(text: &str, sample: &str) -> f64 {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        let value = values.next().unwrap_or_else(|| panic!("{sample} is not in {text}"));
        assert_eq!(values.next(), None, "{sample} is there twice");
        value.parse().expect("a number")
    }

    fn after_seconds(runs: usize) -> String {
        let (page, plan) = (Page::default(), sample::plan());
        let mut exposition = Exposition::new(page.clone());
        for number in 1..=runs {
            exposition.begin(&Begin { plan: &plan, number, series: Series::Runs(runs) });
            sample::with_moment(&plan, |moment| exposition.second(moment)).expect("it goes on");
            exposition.end(None).expect("it goes on");
        }
        page.text()
    }

    #[test]
    fn each_metric_has_its_help_its_type_and_a_value() {
        let text = after_seconds(1);
        assert!(text.ends_with('\n'));
        let mut heads = std::collections::BTreeSet::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = line
                .strip_prefix("# HELP chinwag_bench_")
                .and_then(|head| head.split_once(' '))
                .unwrap_or_else(|| panic!("a help is expected: {line}"));
            assert!(help.ends_with('.') && heads.insert(name), "{line}");
            let kind =
                lines.next().and_then(|line| line.strip_prefix(&*format!("# TYPE chinwag_bench_{name} ")));
            let is_counter = name.ends_with("_total");
            let kind = kind.unwrap_or_else(|| panic!("{name} has a type"));
            assert_eq!(kind == "counter", is_counter, "{name} is a {kind}");
            while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
                let (series, value) = sample.rsplit_once(' ').expect("a series and a value");
                assert!(series.starts_with(&*format!("chinwag_bench_{name}")), "{sample} below {name}");
                assert!(value.parse::<f64>().is_ok(), "{sample}");
            }
        }
        assert_eq!(
            heads.into_iter().collect::<Vec<_>>(),
            [
                "client_cpu_ratio",
                "client_limited_seconds_total",
                "connections_failed_total",
                "connections_lost_total",
                "connections_open",
                "connections_planned",
                "connections_ready_total",
                "deliveries_total",
                "elapsed_seconds",
                "errors_total",
                "info",
                "latency_seconds",
                "messages_intended_total",
                "messages_refused_total",
                "messages_sent_total",
                "phase",
                "received_bytes_total",
                "run",
                "server_cpu_seconds_total",
                "server_resident_memory_bytes",
            ]
        );
    }

    #[test]
    fn the_values_are_those_of_the_second() {
        let text = after_seconds(1);
        for (sample, expected) in [
            ("messages_intended_total", 1300.0),
            ("messages_sent_total", 1200.0),
            ("messages_refused_total", 10.0),
            ("deliveries_total", 1_198_800.0),
            ("connections_open", 998.0),
            ("connections_lost_total", 2.0),
            ("errors_total{kind=\"rate_limited\"}", 10.0),
            ("phase{phase=\"measured\"}", 1.0),
            ("phase{phase=\"warm-up\"}", 0.0),
            ("client_limited_seconds_total", 1.0),
            ("server_cpu_seconds_total", 0.44),
            ("elapsed_seconds", 4.0),
        ] {
            assert_eq!(value(&text, &format!("chinwag_bench_{sample}")), expected, "{sample}");
        }
        let info = "chinwag_bench_info{version=\"0.1.0\",scenario=\"fanout\",dialect=\"chinwag\",\
                    url=\"ws://127.0.0.1:2021/ws\"} 1\n";
        assert!(text.contains(info), "{text}");
    }

    #[test]
    fn the_buckets_count_what_is_within_their_bound() {
        let text = after_seconds(1);
        // 60,000 of 120 µs, 30,000 of 300 µs, 9,000 of 800 µs, 900 of 1.2 ms, 90 of 4 ms, 10 of 8.1 ms.
        for (bound, within) in [
            ("0.0001", 0.0),
            ("0.00025", 60_000.0),
            ("0.0005", 90_000.0),
            ("0.001", 99_000.0),
            ("0.0025", 99_900.0),
            ("0.005", 99_990.0),
            ("0.01", 100_000.0),
            ("10", 100_000.0),
            ("+Inf", 100_000.0),
        ] {
            let bucket = format!("chinwag_bench_latency_seconds_bucket{{le=\"{bound}\"}}");
            assert_eq!(value(&text, &bucket), within, "{bound}");
        }
        assert_eq!(value(&text, "chinwag_bench_latency_seconds_count"), 100_000.0);
        let sum = value(&text, "chinwag_bench_latency_seconds_sum");
        assert!((sum - 24.92).abs() < 0.03, "{sum}");
    }

    #[test]
    fn counters_go_on_from_run_to_run() {
        let text = after_seconds(3);
        assert_eq!(value(&text, "chinwag_bench_run"), 3.0);
        assert_eq!(value(&text, "chinwag_bench_messages_sent_total"), 3600.0);
        assert_eq!(value(&text, "chinwag_bench_errors_total{kind=\"closed: 1012\"}"), 6.0);
        assert_eq!(value(&text, "chinwag_bench_latency_seconds_count"), 300_000.0);
        assert_eq!(value(&text, "chinwag_bench_connections_open"), 998.0);
    }

    #[test]
    fn there_is_a_page_before_the_first_second_and_a_label_cannot_end_its_line() {
        let page = Page::default();
        let plan = sample::plan();
        let mut exposition = Exposition::new(page.clone());
        exposition.begin(&Begin { plan: &plan, number: 1, series: Series::Runs(1) });
        assert_eq!(value(&page.text(), "chinwag_bench_phase{phase=\"connecting\"}"), 1.0);
        assert_eq!(escaped("a\"} 1\n\\b\r\u{7f}"), "a\\\"} 1\\n\\\\b\u{fffd}\u{fffd}");
    }
}
