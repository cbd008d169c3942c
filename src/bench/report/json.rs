//! `--json`: a run as one object, for programs.
//!
//! ```text
//!     { "version", "started_at", "url", "scenario", "dialect", ...      what was asked for, where and when
//!       "sends_per_second", "latency_us": { "p50", ... }, ...           what was found; of several runs the medians
//!       "audit": { "expected", "lost", ... }, "errors": { ... },        of several runs the sums
//!       "search": { ... }, "runs": [ ... ] }                            the steps of a search; several runs, each by itself
//! ```
//!
//! What could not be measured is `null`. All latencies are in microseconds.

use super::about::VERSION;
use super::figures::{self, Figure};
use super::options::{Options, is_alone};
use super::verdict::{self, Summary};
use super::{Found, Report};
use crate::bench::outcome::{Outcome, Search, ServerCounts, Times};
use crate::bench::plan::Scenario;
use crate::bench::verdict::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;

/// The report, with an end of line.
pub fn render(report: &Report) -> String {
    let runs = report.runs();
    let plan = report.played();
    let several = if runs.len() > 1 { runs.iter().map(|run| Run::of(&[run])).collect() } else { Vec::new() };
    let document = Document {
        version: VERSION,
        started_at: report.about.started_at(),
        url: plan.servers.of(0).url.to_string(),
        urls: plan.servers.iter().map(|server| server.url.to_string()).collect(),
        scenario: plan.scenario.to_string(),
        dialect: plan.dialect.to_string(),
        connections: plan.connections,
        senders: plan.senders,
        seed: plan.seed,
        options: Options::of(plan),
        machine: Machine {
            cores: report.about.machine.cores,
            kernel: &report.about.machine.kernel,
            cpu: &report.about.machine.cpu,
        },
        search: match &report.found {
            Found::Search(search) => Some(Steps::of(search)),
            Found::Runs(_) => None,
        },
        run: (!runs.is_empty()).then(|| Run::of(&runs)),
        runs: several,
    };
    serde_json::to_string_pretty(&document).expect("all keys are strings") + "\n"
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    started_at: String,
    url: String,
    #[serde(skip_serializing_if = "is_alone")]
    urls: Vec<String>,
    scenario: String,
    dialect: String,
    connections: usize,
    senders: usize,
    seed: u64,
    options: Options<'a>,
    machine: Machine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Steps<'a>>,
    #[serde(flatten)]
    run: Option<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Machine<'a> {
    cores: usize,
    kernel: &'a str,
    cpu: &'a str,
}

#[derive(Serialize)]
struct Steps<'a> {
    condition: &'a str,
    unit: &'static str,
    best: Option<f64>,
    tries: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    load: f64,
    seen: &'a str,
    holds: bool,
}

impl Steps<'_> {
    fn of(search: &Search) -> Steps<'_> {
        let tries = search.tries.iter();
        Steps {
            condition: &search.condition,
            unit: search.unit,
            best: super::best_load(search),
            tries: tries
                .map(|tried| Step { load: tried.load, seen: &tried.seen, holds: tried.holds })
                .collect(),
        }
    }
}

/// What was found: of several runs, the medians of what varies and the sums of what must not happen.
#[derive(Serialize)]
struct Run {
    verdict: Said,
    /// Messages, or changes of rooms, that the plan intended, warm-up included.
    intended: u64,
    /// Those that were sent, and that the server did not refuse.
    sent: u64,
    refused: u64,
    connections_lost: u64,
    connections_silent: u64,
    connections_evicted: u64,
    connections_failed: u64,
    /// How long was measured, in seconds.
    duration: f64,
    interrupted: bool,
    sends_per_second: f64,
    deliveries_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    joins_per_second: Option<f64>,
    bytes_per_second: f64,
    bytes_sent_per_second: f64,
    latency_us: Latency,
    #[serde(skip_serializing_if = "Option::is_none")]
    spread_us: Option<Latency>,
    handshakes_per_second: f64,
    connecting: Connecting,
    #[serde(skip_serializing_if = "Option::is_none")]
    storm: Option<Storm>,
    audit: Audit,
    errors: BTreeMap<String, Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<AtServer>,
    client: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
}

#[derive(Serialize)]
struct Said {
    sound: bool,
    /// One of `sound`, `client_was_the_limit`, `nothing_delivered`, `load_fell_short`, `unaccounted` and `no_connection`.
    kind: &'static str,
    text: Vec<String>,
}

#[derive(Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    p9999: f64,
    max: f64,
    mean: f64,
    count: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_least: bool,
    /// How many of them are of messages that were never sent.
    #[serde(skip_serializing_if = "is_zero")]
    never_sent: u64,
}

#[derive(Serialize)]
struct Connecting {
    dialled: f64,
    ready: f64,
    open_max: f64,
    took_s: f64,
    connect_us: Latency,
    handshake_us: Latency,
    ready_us: Latency,
}

#[derive(Serialize)]
struct Storm {
    cut: f64,
    back: f64,
    back_us: Latency,
}

#[derive(Serialize)]
struct Audit {
    sent: u64,
    expected: u64,
    delivered: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    corrupted: u64,
    foreign: u64,
    announced: u64,
    cut_off: u64,
    refused: u64,
    gaps: u64,
    #[serde(flatten)]
    chinwag: Option<ChinwagAudit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hops: Option<HopAudit>,
    memory_bytes: u64,
}

#[derive(Serialize)]
struct ChinwagAudit {
    acked: u64,
    acked_not_delivered: u64,
    unanswered: u64,
    position_breaks: u64,
    resumes: u64,
    resumed: u64,
    false_resumes: u64,
}

#[derive(Serialize)]
struct HopAudit {
    asked: u64,
    left: u64,
    joined: u64,
    refused: u64,
    unanswered: u64,
    unasked: u64,
    cut_off: u64,
    stuck: u64,
}

#[derive(Serialize)]
struct Error {
    count: u64,
    example: String,
    hint: &'static str,
}

/// What became of one of several servers, in all runs together.
#[derive(Serialize)]
struct AtServer {
    url: String,
    connections: u64,
    ready: u64,
    connections_failed: u64,
    connections_lost: u64,
    connections_silent: u64,
    sent: u64,
    delivered: u64,
    errors: u64,
    latency_us: Latency,
}

impl AtServer {
    fn of(counts: &ServerCounts) -> AtServer {
        let ServerCounts { url, connections, ready, failed, lost, silent, sent, delivered, errors, latency } =
            counts;
        AtServer {
            url: url.to_string(),
            connections: *connections,
            ready: *ready,
            connections_failed: *failed,
            connections_lost: *lost,
            connections_silent: *silent,
            sent: *sent,
            delivered: *delivered,
            errors: *errors,
            latency_us: Latency::of_one(latency),
        }
    }
}

#[derive(Serialize)]
struct Client {
    cpu_us_per_delivery: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us_per_join: Option<f64>,
    /// Of the busiest thread, from 0 to 1.
    cpu_share: f64,
    late_sends: u64,
    lateness_us: Latency,
    full_reads_share: f64,
    rss_bytes_max: f64,
    limited: bool,
    limits: Vec<String>,
}

#[derive(Serialize)]
struct Server {
    cpu_us_per_delivery: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_us_per_join: Option<f64>,
    cpu_share: f64,
    rss_bytes_before: f64,
    rss_bytes_loaded: f64,
    rss_bytes_after: f64,
    rss_bytes_per_connection: f64,
}

impl Run {
    fn of(runs: &[&Outcome]) -> Run {
        let figure = |what: &dyn Fn(&Outcome) -> f64| rounded(Figure::of(runs, what).median);
        let latency = |times: fn(&Outcome) -> Option<&Times>| Latency::of(runs, times);
        let of_all = |what: fn(&Outcome) -> bool| runs.iter().any(|run| what(run));
        let summary = Summary::of(runs);
        let is_hop = of_all(|run| run.plan.scenario == Scenario::Hop);
        // What was done is a delivery or a join, never both.
        let of_deliveries = |what: &dyn Fn(&Outcome) -> f64| if is_hop { f64::NAN } else { figure(what) };
        let of_joins = |what: &dyn Fn(&Outcome) -> f64| is_hop.then(|| figure(what));
        Run {
            duration: figure(&|run| run.measured.as_secs_f64()),
            interrupted: of_all(|run| run.is_interrupted),
            sends_per_second: figure(&figures::sends_per_second),
            deliveries_per_second: of_deliveries(&figures::deliveries_per_second),
            joins_per_second: of_joins(&figures::deliveries_per_second),
            bytes_per_second: figure(&figures::bytes_per_second),
            bytes_sent_per_second: figure(&figures::bytes_sent_per_second),
            latency_us: Latency {
                never_sent: runs.iter().map(|run| run.never_sent).sum(),
                ..latency(|run| Some(&run.latency))
            },
            spread_us: of_all(|run| run.spread.is_some()).then(|| Latency {
                at_least: of_all(|run| run.spread.as_ref().is_some_and(|spread| spread.is_by_thread)),
                ..latency(|run| run.spread.as_ref().map(|spread| &spread.times))
            }),
            handshakes_per_second: figure(&figures::handshakes_per_second),
            connecting: Connecting {
                dialled: figure(&|run| run.connecting.dialled as f64),
                ready: figure(&|run| run.connecting.ready as f64),
                open_max: figure(&|run| run.connecting.open_max as f64),
                took_s: figure(&|run| run.connecting.took.as_secs_f64()),
                connect_us: latency(|run| Some(&run.connecting.connect)),
                handshake_us: latency(|run| Some(&run.connecting.handshake)),
                ready_us: latency(|run| Some(&run.connecting.ready_after)),
            },
            storm: of_all(|run| run.storm.is_some()).then(|| Storm {
                cut: figure(&|run| run.storm.as_ref().map_or(f64::NAN, |storm| storm.cut as f64)),
                back: figure(&|run| run.storm.as_ref().map_or(f64::NAN, |storm| storm.back as f64)),
                back_us: latency(|run| run.storm.as_ref().map(|storm| &storm.back_after)),
            }),
            audit: Audit::of(runs),
            errors: errors(runs),
            servers: figures::servers(runs).iter().map(AtServer::of).collect(),
            client: Client {
                cpu_us_per_delivery: of_deliveries(&figures::client_us_each),
                cpu_us_per_join: of_joins(&figures::client_us_each),
                cpu_share: figure(&|run| run.client.busiest_thread),
                late_sends: runs.iter().map(|run| figures::late_sends(run)).sum(),
                lateness_us: latency(|run| Some(&run.client.lateness)),
                full_reads_share: figure(&|run| run.client.full_reads),
                rss_bytes_max: figure(&|run| run.client.memory_max_bytes as f64),
                limited: summary.is_clients(),
                limits: verdict::reasons(runs),
            },
            server: of_all(|run| run.server.is_some()).then(|| {
                let bytes = |what: fn(&crate::bench::outcome::ServerCost) -> u64| {
                    figure(&|run| figures::of_server(run, what))
                };
                Server {
                    cpu_us_per_delivery: of_deliveries(&figures::server_us_each),
                    cpu_us_per_join: of_joins(&figures::server_us_each),
                    cpu_share: figure(&figures::server_cpu_share),
                    rss_bytes_before: bytes(|server| server.memory_before_bytes),
                    rss_bytes_loaded: bytes(|server| server.memory_loaded_bytes),
                    rss_bytes_after: bytes(|server| server.memory_after_bytes),
                    rss_bytes_per_connection: figure(&figures::rss_bytes_per_connection),
                }
            }),
            intended: summary.counts.intended,
            sent: summary.counts.sent,
            refused: summary.counts.refused,
            connections_lost: summary.counts.lost,
            connections_silent: summary.counts.silent,
            connections_evicted: summary.counts.evicted,
            connections_failed: summary.counts.failed,
            verdict: Said {
                sound: summary.verdict == Verdict::Sound,
                kind: summary.verdict.name(),
                text: summary.findings.into_iter().map(|finding| finding.text).collect(),
            },
        }
    }
}

impl Latency {
    fn of_one(times: &Times) -> Latency {
        let us = |ns: f64| if times.is_empty() { f64::NAN } else { rounded(ns / 1e3) };
        let at = |quantile: f64| us(times.value_at_quantile(quantile) as f64);
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: us(times.max() as f64),
            mean: us(times.mean()),
            count: times.len() as f64,
            at_least: false,
            never_sent: 0,
        }
    }

    fn of(runs: &[&Outcome], times: fn(&Outcome) -> Option<&Times>) -> Latency {
        let median = |what: &dyn Fn(&Times) -> f64| {
            Figure::of(runs, |run| times(run).filter(|times| !times.is_empty()).map_or(f64::NAN, what)).median
        };
        let at = |quantile: f64| rounded(median(&|times| figures::us(times.value_at_quantile(quantile))));
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: rounded(median(&|times| figures::us(times.max()))),
            mean: rounded(median(&|times| times.mean() / 1e3)),
            count: Figure::of(runs, |run| times(run).map_or(f64::NAN, |times| times.len() as f64)).median,
            at_least: false,
            never_sent: 0,
        }
    }
}

impl Audit {
    fn of(runs: &[&Outcome]) -> Audit {
        let audit = figures::audit(runs);
        Audit {
            sent: audit.sent,
            expected: audit.expected,
            delivered: audit.delivered,
            lost: audit.lost,
            duplicated: audit.doubled,
            reordered: audit.reordered,
            corrupted: audit.corrupted,
            foreign: audit.foreign,
            announced: audit.announced,
            cut_off: audit.cut_off,
            refused: audit.refused,
            gaps: audit.gaps,
            chinwag: audit.chinwag.map(|chinwag| ChinwagAudit {
                acked: chinwag.acked,
                acked_not_delivered: chinwag.acked_not_delivered,
                unanswered: chinwag.unanswered,
                position_breaks: chinwag.position_breaks,
                resumes: chinwag.resumes,
                resumed: chinwag.resumed,
                false_resumes: chinwag.resumed_untrue,
            }),
            hops: audit.hops.map(|hops| HopAudit {
                asked: hops.asked,
                left: hops.left,
                joined: hops.joined,
                refused: hops.refused,
                unanswered: hops.unanswered,
                unasked: hops.unasked,
                cut_off: hops.cut_off,
                stuck: hops.stuck,
            }),
            memory_bytes: audit.memory_bytes,
        }
    }
}

fn errors(runs: &[&Outcome]) -> BTreeMap<String, Error> {
    let kinds = figures::errors(runs).kinds.into_iter();
    kinds
        .map(|(kind, error)| (kind, Error { count: error.count, example: error.example, hint: error.hint }))
        .collect()
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// To three places: a nanosecond where it is microseconds, and more than was measured anywhere else.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::bench::plan::Load;
    use serde_json::{Value, json};

    fn parsed(report: &Report) -> Value {
        let text = render(report);
        assert!(text.ends_with("}\n"));
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// Each key, as a path, is there and is this.
    fn holds(value: &Value, expected: &[(&str, Value)]) {
        for (path, expected) in expected {
            assert_eq!(value.pointer(path), Some(expected), "{path} of {value:#}");
        }
    }

    #[test]
    fn several_servers_are_told_apart() {
        let value = parsed(&sample::report(vec![sample::three_servers()]));
        holds(
            &value,
            &[
                ("/url", json!("ws://a:2021/ws")),
                ("/urls", json!(["ws://a:2021/ws", "ws://b:2021/ws", "ws://c:2021/ws"])),
                ("/servers/1/url", json!("ws://b:2021/ws")),
                ("/servers/1/connections_failed", json!(333)),
                ("/servers/1/errors", json!(333)),
                ("/servers/1/latency_us/p50", json!(null)),
                ("/servers/2/connections", json!(333)),
                ("/servers/2/delivered", json!(4000)),
            ],
        );
        let alone = parsed(&sample::report(vec![sample::fanout()]));
        assert!(alone.get("servers").is_none() && alone.get("urls").is_none());
    }

    #[test]
    fn a_run_has_what_was_found() {
        let value = parsed(&sample::report(vec![sample::fanout()]));
        holds(
            &value,
            &[
                ("/scenario", json!("fanout")),
                ("/dialect", json!("chinwag")),
                ("/connections", json!(1000)),
                ("/senders", json!(10)),
                ("/sends_per_second", json!(400.0)),
                ("/deliveries_per_second", json!(399_600.0)),
                ("/bytes_per_second", json!(56_743_200.0)),
                ("/bytes_sent_per_second", json!(53_600.0)),
                ("/latency_us/p50", json!(120.063)),
                ("/latency_us/p90", json!(300.031)),
                ("/latency_us/p99", json!(800.255)),
                ("/latency_us/p999", json!(1200.127)),
                ("/latency_us/p9999", json!(4001.791)),
                ("/latency_us/max", json!(8101.887)),
                ("/latency_us/count", json!(100_000.0)),
                ("/spread_us/p50", json!(800.255)),
                ("/spread_us/count", json!(12_000.0)),
                ("/handshakes_per_second", json!(12_500.0)),
                ("/connecting/dialled", json!(1000.0)),
                ("/connecting/took_s", json!(0.08)),
                ("/connecting/connect_us/p99", json!(60.031)),
                ("/connecting/ready_us/count", json!(1000.0)),
                ("/verdict/sound", json!(true)),
                ("/duration", json!(30.0)),
                ("/interrupted", json!(false)),
                ("/errors", json!({})),
            ],
        );
        let mean = value["latency_us"]["mean"].as_f64().expect("a number");
        assert!((mean - 248.9).abs() < 0.5, "{mean}");
        assert!(value.get("runs").is_none() && value.get("search").is_none() && value.get("storm").is_none());
    }

    #[test]
    fn a_run_has_its_audit_and_what_it_cost() {
        holds(
            &parsed(&sample::report(vec![sample::fanout()])),
            &[
                ("/audit/sent", json!(12_400)),
                ("/audit/expected", json!(12_387_600)),
                ("/audit/delivered", json!(12_387_600)),
                ("/audit/lost", json!(0)),
                ("/audit/duplicated", json!(0)),
                ("/audit/reordered", json!(0)),
                ("/audit/corrupted", json!(0)),
                ("/audit/cut_off", json!(0)),
                ("/audit/acked", json!(12_400)),
                ("/audit/acked_not_delivered", json!(0)),
                ("/audit/gaps", json!(0)),
                ("/audit/resumes", json!(0)),
                ("/audit/false_resumes", json!(0)),
                ("/client/cpu_us_per_delivery", json!(0.85)),
                ("/client/cpu_share", json!(0.43)),
                ("/client/late_sends", json!(3)),
                ("/client/limited", json!(false)),
                ("/client/limits", json!([])),
                ("/server/cpu_us_per_delivery", json!(1.1)),
                ("/server/cpu_share", json!(0.44)),
                ("/server/rss_bytes_before", json!(12_582_912.0)),
                ("/server/rss_bytes_loaded", json!(35_651_584.0)),
                ("/server/rss_bytes_after", json!(14_680_064.0)),
                ("/server/rss_bytes_per_connection", json!(23_068.672)),
            ],
        );
    }

    #[test]
    fn a_run_has_the_counts_of_its_verdict() {
        let counts = |run: Outcome| {
            let value = parsed(&sample::report(vec![run]));
            let counts = ["intended", "sent", "refused", "connections_lost", "connections_failed"];
            (value["verdict"]["kind"].clone(), counts.map(|key| value[key].as_u64()))
        };
        let whole = [12_400, 12_400, 0, 0, 0].map(Some);
        assert_eq!(counts(sample::fanout()), (json!("sound"), whole));
        assert_eq!(counts(sample::broken()), (json!("unaccounted"), whole));
        let mut run = sample::fanout();
        (run.audit.sent, run.audit.refused, run.ending.lost, run.connecting.failed) = (9000, 1000, 7, 3);
        assert_eq!(counts(run), (json!("load_fell_short"), [12_400, 8000, 1000, 7, 3].map(Some)));
        assert_eq!(counts(sample::hop()), (json!("sound"), [62_000, 61_999, 1, 0, 0].map(Some)));
        let mut run = Outcome { never_sent: 5, ..sample::fanout() };
        run.client.limits = sample::broken().client.limits;
        let value = parsed(&sample::report(vec![run]));
        holds(
            &value,
            &[
                ("/verdict/kind", json!("client_was_the_limit")),
                ("/verdict/sound", json!(false)),
                ("/latency_us/never_sent", json!(5)),
            ],
        );
    }

    #[test]
    fn joins_stand_where_deliveries_would() {
        holds(
            &parsed(&sample::report(vec![sample::hop()])),
            &[
                ("/joins_per_second", json!(2000.0)),
                ("/deliveries_per_second", Value::Null),
                ("/server/cpu_us_per_join", json!(219.783)),
                ("/server/cpu_us_per_delivery", Value::Null),
                ("/latency_us/p50", json!(120.063)),
                ("/audit/hops/asked", json!(62_000)),
                ("/audit/hops/joined", json!(61_999)),
                ("/audit/hops/refused", json!(1)),
                ("/audit/hops/unanswered", json!(0)),
            ],
        );
        let of_others = parsed(&sample::report(vec![sample::fanout()]));
        assert!(of_others.get("joins_per_second").is_none() && of_others.pointer("/audit/hops").is_none());
    }

    #[test]
    fn a_run_has_all_that_it_takes_to_do_it_again() {
        holds(
            &parsed(&sample::report(vec![sample::fanout()])),
            &[
                ("/version", json!(env!("CARGO_PKG_VERSION"))),
                ("/url", json!("ws://127.0.0.1:2021/ws")),
                ("/seed", json!(7)),
                ("/started_at", json!("2026-11-18T11:06:40Z")),
                ("/machine", json!({ "cores": 2, "kernel": "Linux 6.8.0", "cpu": "A Processor" })),
                ("/options/load", json!("open")),
                ("/options/rate", json!(400.0)),
                ("/options/arrival", json!("even")),
                ("/options/window", Value::Null),
                ("/options/size_min_bytes", json!(64)),
                ("/options/duration_s", json!(30.0)),
                ("/options/warmup_s", json!(1.0)),
                ("/options/room", json!("bench")),
                ("/options/rooms", json!(1)),
                ("/options/server_pid", json!(4711)),
            ],
        );
        let mut closed = sample::fanout();
        closed.plan.load = Load::Closed { window: 8 };
        holds(
            &parsed(&sample::report(vec![closed])),
            &[
                ("/options/load", json!("closed")),
                ("/options/window", json!(8)),
                ("/options/rate", Value::Null),
            ],
        );
    }

    #[test]
    fn what_was_not_measured_is_null_or_absent() {
        let mut run = sample::idle();
        run.server = None;
        run.audit.chinwag = None;
        let value = parsed(&sample::report(vec![run]));
        holds(
            &value,
            &[
                ("/latency_us/p50", Value::Null),
                ("/latency_us/count", json!(0.0)),
                ("/client/cpu_us_per_delivery", Value::Null),
                ("/sends_per_second", json!(0.0)),
            ],
        );
        assert!(value.get("server").is_none() && value.get("spread_us").is_none());
        assert!(value.pointer("/audit/acked").is_none());
    }

    #[test]
    fn what_went_wrong_is_told_in_full() {
        holds(
            &parsed(&sample::report(vec![sample::broken()])),
            &[
                ("/verdict/sound", json!(false)),
                ("/audit/lost", json!(3)),
                ("/audit/unanswered", json!(1)),
                ("/client/limited", json!(true)),
                ("/client/limits/1", json!("one in a hundred sends was 12.0 ms late")),
                (
                    "/errors/refused",
                    json!({
                        "count": 12,
                        "example": "Connection refused (os error 111)",
                        "hint": "is the server running?"
                    }),
                ),
                ("/errors/closed: 1012/count", json!(1)),
            ],
        );
    }

    #[test]
    fn several_runs_have_medians_sums_and_each_by_itself() {
        let value = parsed(&sample::report(vec![sample::lasting(40), sample::broken(), sample::lasting(20)]));
        holds(
            &value,
            &[
                ("/duration", json!(30.0)),
                ("/sends_per_second", json!(400.0)),
                ("/audit/lost", json!(3)),
                ("/audit/sent", json!(3 * 12_400)),
                ("/client/limited", json!(true)),
                ("/runs/0/duration", json!(40.0)),
                ("/runs/0/audit/lost", json!(0)),
                ("/runs/1/audit/lost", json!(3)),
                ("/runs/2/sends_per_second", json!(600.0)),
            ],
        );
        assert_eq!(value["runs"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn a_search_has_its_steps_and_the_best_run() {
        let report =
            |search: Search| Report { found: Found::Search(Box::new(search)), ..sample::report(vec![]) };
        holds(
            &parsed(&report(sample::search())),
            &[
                ("/search/condition", json!("p99<5ms")),
                ("/search/best", json!(600.0)),
                ("/search/tries/1", json!({ "load": 800.0, "seen": "p99 31.2 ms", "holds": false })),
                ("/deliveries_per_second", json!(399_600.0)),
            ],
        );
        let mut none = sample::search();
        none.best = None;
        none.tries.retain(|tried| !tried.holds);
        let value = parsed(&report(none));
        holds(&value, &[("/search/best", Value::Null), ("/scenario", json!("fanout"))]);
        assert!(value.get("latency_us").is_none());
    }
}
