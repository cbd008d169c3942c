//! What a person reads when a run is over: the verdict, then what was measured, each row named at its left.
//!
//! ```text
//!     all accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole
//!
//!     fanout, chinwag dialect, ws://127.0.0.1:2021/ws               what was played
//!
//!     sent           400/s      52.3 KiB/s                          how much
//!     delivered      400k/s     54.1 MiB/s
//!
//!     latency          p50      p90      p99  ...                   how late
//!       message     120 µs   300 µs   800 µs
//!
//!     audit          ...                                            what became of it, and what it took
//! ```
//!
//! Styles are in the text, and taken out where it goes to no terminal: see [`super::Report::print`].

use super::figures::{self, Figure};
use super::units::{bytes, count, duration, rate, share, things};
use super::verdict::{Summary, Weight};
use super::work::Work;
use super::{Found, Report, best_load};
use crate::bench::outcome::{Outcome, Search, ServerCounts, Times};
use crate::bench::plan::{Arrival, Load, Plan, Scenario};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

const LABEL: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Where the values begin.
const LABEL_WIDTH: usize = 15;
/// The width of a column of latencies.
const COLUMN_WIDTH: usize = 10;

/// The columns of the latencies, with the quantile of each; the last two are none.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut table = Table { text: String::new(), mark: "" };
    let runs = report.runs();
    match &report.found {
        Found::Runs(_) => table.verdict(&Summary::of(&runs)),
        Found::Search(search) => table.search(search, &runs),
    }
    table.played(report.played(), &runs);
    if !runs.is_empty() {
        table.throughput(&runs);
        table.latencies(&runs);
        table.servers(&runs);
        table.accounts(&runs);
        table.costs(&runs);
    }
    table.text
}

/// A row of latencies: its name, and where they are.
type Row<'a> = (&'a str, fn(&Outcome) -> Option<&Times>);

struct Table {
    text: String,
    /// Before every figure that may be the client's.
    mark: &'static str,
}

impl Table {
    fn line(&mut self, text: impl AsRef<str>) {
        self.text += text.as_ref();
        self.text.push('\n');
    }

    /// A row: what it is about, and what there is to say.
    fn row(&mut self, label: &str, text: &str) {
        let padding = " ".repeat(LABEL_WIDTH.saturating_sub(label.chars().count()).max(1));
        self.line(format!("{LABEL}{label}{LABEL:#}{padding}{text}"));
    }

    fn verdict(&mut self, summary: &Summary) {
        for finding in &summary.findings {
            let style = style(finding.weight);
            self.line(format!("{style}{}{style:#}", finding.text));
        }
        self.mark = if summary.is_clients() { "~" } else { "" };
    }

    fn search(&mut self, search: &Search, runs: &[&Outcome]) {
        let (style, text) = match best_load(search) {
            Some(load) => (GOOD, format!("{} holds up to {} {}", search.condition, whole(load), search.unit)),
            None => (BAD, format!("{} does not hold at any load that was tried", search.condition)),
        };
        self.line(format!("{style}{text}{style:#}"));
        if !runs.is_empty() {
            self.verdict(&Summary::of(runs));
        }
        self.line("");
        self.row("tried", &format!("{:>12}   {:<22}{}", "load", "seen", search.condition));
        for tried in &search.tries {
            let (style, word) = if tried.holds { (GOOD, "holds") } else { (BAD, "does not") };
            self.row("", &format!("{:>12}   {:<22}{style}{word}{style:#}", whole(tried.load), tried.seen));
        }
    }

    fn played(&mut self, plan: &Plan, runs: &[&Outcome]) {
        self.line("");
        let of = if runs.len() > 1 { format!(", medians of {} runs", runs.len()) } else { String::new() };
        self.line(format!(
            "{STRONG}{}{STRONG:#}, {} dialect, {}{of}",
            plan.scenario, plan.dialect, plan.servers
        ));
        let mut connections = things(plan.connections as u64, "connection", "connections");
        if plan.rooms > 1 {
            let _ = write!(connections, " in {}", things(plan.rooms as u64, "room", "rooms"));
        }
        let deflated = if plan.deflate { ", deflating offered" } else { "" };
        let senders = match plan.senders as u64 {
            _ if plan.scenario == Scenario::Hop => ", all hop".into(),
            0 => ", none sends".into(),
            senders if senders == plan.connections as u64 => ", all send".into(),
            senders => format!(", {}", things(senders, "sender", "senders")),
        };
        let load = match plan.load {
            _ if plan.actors() == 0 => String::new(),
            Load::Open { rate: wanted, arrival } => {
                let arrival = if arrival == Arrival::Poisson { ", Poisson" } else { "" };
                format!(", open loop of {}{arrival}", rate(wanted))
            }
            Load::Closed { window } => format!(", closed loop, {window} under way"),
        };
        let size = match plan.size {
            _ if plan.senders == 0 => String::new(),
            (least, most) if least == most => format!(", {least} bytes each{deflated}"),
            (least, most) => format!(", {least} to {most} bytes each{deflated}"),
        };
        let measured = Figure::of(runs, |run| run.measured.as_secs_f64());
        let time = if measured.median > 0.0 {
            format!(", measured for {}", duration(measured.median * 1e6))
        } else {
            String::new()
        };
        self.line(format!("{connections}{senders}{load}{size}{time}"));
    }

    fn throughput(&mut self, runs: &[&Outcome]) {
        self.line("");
        if runs.iter().any(|run| run.sends > 0) {
            let work = Work::of_all(runs);
            self.rates(work.asked, runs, figures::sends_per_second, figures::bytes_sent_per_second);
            self.rates(work.done, runs, figures::deliveries_per_second, figures::bytes_per_second);
        }
        let figure = |what: fn(&Outcome) -> f64| Figure::of(runs, what);
        let ready = figure(|run| run.connecting.at_start as f64).median;
        let took = figure(|run| run.connecting.took.as_secs_f64() * 1e6).median;
        let open = figure(|run| run.connecting.open_max as f64).median;
        let speed = figure(figures::handshakes_per_second);
        let text = format!(
            "{}   {} ready after {}, {} at the most{}",
            self.cell(rate(speed.median), 10),
            whole(ready),
            duration(took),
            whole(open),
            ends(runs, &speed, rate),
        );
        self.row("connected", &text);
    }

    /// Things a second and bytes a second.
    fn rates(
        &mut self,
        label: &str,
        runs: &[&Outcome],
        what: fn(&Outcome) -> f64,
        size: fn(&Outcome) -> f64,
    ) {
        let figure = Figure::of(runs, what);
        let size = bytes(Figure::of(runs, size).median) + "/s";
        let (speed, size) = (self.cell(rate(figure.median), 10), self.cell(size, 14));
        let text = format!("{STRONG}{speed}{STRONG:#}{size}{}", ends(runs, &figure, rate));
        self.row(label, text.trim_end());
    }

    fn latencies(&mut self, runs: &[&Outcome]) {
        let one = Work::of_all(runs).one;
        let rows: [Row<'_>; 7] = [
            (one, |run| Some(&run.latency)),
            ("spread", |run| run.spread.as_ref().map(|spread| &spread.times)),
            ("sent late by", |run| Some(&run.client.lateness)),
            ("TCP connect", |run| Some(&run.connecting.connect)),
            ("handshake", |run| Some(&run.connecting.handshake)),
            ("ready", |run| Some(&run.connecting.ready_after)),
            ("back", |run| run.storm.as_ref().map(|storm| &storm.back_after)),
        ];
        let columns = QUANTILES.iter().map(|(name, _)| *name).chain(["max", "mean"]);
        let head: String = columns.map(|name| format!("{name:>COLUMN_WIDTH$}")).collect();
        self.line("");
        self.row("latency", &format!("{LABEL}{head}{LABEL:#}"));
        for (label, times) in rows {
            if runs.iter().any(|run| times(run).is_some_and(|times| !times.is_empty())) {
                let is_first = label == one;
                self.times(label, runs, times, is_first, |figure| figure.median);
                if is_first && runs.len() > 1 {
                    self.times("  lowest", runs, times, false, |figure| figure.low);
                    self.times("  highest", runs, times, false, |figure| figure.high);
                }
                let never_sent: u64 = runs.iter().map(|run| run.never_sent).sum();
                if is_first && never_sent > 0 {
                    let all: u64 = runs.iter().map(|run| run.latency.len()).sum();
                    let text = format!(
                        "{} of these {} are of messages that were never sent, and had waited to the end",
                        count(never_sent),
                        things(all, "latency", "latencies"),
                    );
                    self.row("", &text);
                }
            }
        }
        if runs.iter().any(|run| run.spread.as_ref().is_some_and(|spread| spread.is_by_thread)) {
            self.row("", "each thread sees the spread among its own receivers only: at least that");
        }
    }

    /// A row for each of several servers.
    fn servers(&mut self, runs: &[&Outcome]) {
        let servers = figures::servers(runs);
        let Some(width) = servers.iter().map(|server| server.url.to_string().chars().count()).max() else {
            return;
        };
        let columns = ["ready", "failed", "lost", "sent", "delivered", "errors", "p50", "p99"];
        let head: String = columns.map(|name| format!("{name:>COLUMN_WIDTH$}")).concat();
        self.line("");
        self.row("servers", &format!("{LABEL}{:width$}{head}{LABEL:#}", ""));
        for server in servers {
            let ServerCounts { url, ready, failed, lost, sent, delivered, errors, latency, .. } = &server;
            let at = |quantile| match latency.is_empty() {
                true => "-".into(),
                false => self.cell(duration(figures::us(latency.value_at_quantile(quantile))), 0),
            };
            let bad = |number: u64| if number > 0 { BAD } else { Style::new() };
            let plain = Style::new();
            let cells = [
                (plain, count(*ready)),
                (bad(*failed), count(*failed)),
                (bad(*lost), count(*lost)),
                (plain, count(*sent)),
                (plain, count(*delivered)),
                (bad(*errors), count(*errors)),
                (plain, at(0.5)),
                (plain, at(0.99)),
            ];
            let cells = cells.map(|(style, text)| format!("{style}{text:>COLUMN_WIDTH$}{style:#}")).concat();
            let url = url.to_string();
            self.row("", &format!("{url:width$}{cells}"));
        }
    }

    fn times(
        &mut self,
        label: &str,
        runs: &[&Outcome],
        times: fn(&Outcome) -> Option<&Times>,
        is_strong: bool,
        pick: fn(Figure) -> f64,
    ) {
        let shown = |what: &dyn Fn(&Times) -> f64| {
            let figure = Figure::of(runs, |run| {
                times(run).filter(|times| !times.is_empty()).map_or(f64::NAN, |times| what(times) / 1e3)
            });
            self.cell(duration(pick(figure)), COLUMN_WIDTH)
        };
        let mut cells: Vec<String> = QUANTILES
            .iter()
            .map(|(_, quantile)| shown(&|times| times.value_at_quantile(*quantile) as f64))
            .collect();
        cells.push(shown(&|times| times.max() as f64));
        cells.push(shown(&Times::mean));
        let cells = cells.concat();
        let text = if is_strong { format!("{STRONG}{cells}{STRONG:#}") } else { cells };
        self.row(&format!("  {label}"), &text);
    }

    fn accounts(&mut self, runs: &[&Outcome]) {
        self.line("");
        let audit = figures::audit(runs);
        if audit.sent > 0 {
            let mut columns = vec![
                ("expected", audit.expected, false),
                ("delivered", audit.delivered, false),
                ("lost", audit.lost, true),
                ("duplicated", audit.doubled, true),
                ("reordered", audit.reordered, true),
                ("corrupted", audit.corrupted, true),
            ];
            let rare =
                [("announced", audit.announced), ("cut off", audit.cut_off), ("refused", audit.refused)];
            let rare = rare.iter().filter(|(_, number)| *number > 0);
            columns.extend(rare.map(|(name, number)| (*name, *number, false)));
            self.counts("audit", "  deliveries", &columns);
        }
        if let Some(hops) = audit.hops {
            let mut columns = vec![
                ("changes", hops.asked, false),
                ("left", hops.left, false),
                ("joined", hops.joined, false),
                ("unanswered", hops.unanswered, true),
                ("not asked for", hops.unasked, true),
            ];
            let rare = [("cut off", hops.cut_off), ("refused", hops.refused)];
            columns.extend(
                rare.iter().filter(|(_, number)| *number > 0).map(|(name, number)| (*name, *number, false)),
            );
            self.counts("audit", "  rooms", &columns);
        }
        if let Some(chinwag) = audit.chinwag.filter(|_| audit.sent > 0) {
            self.counts(
                "",
                "  promises",
                &[
                    ("acknowledged", chinwag.acked, false),
                    ("not delivered", chinwag.acked_not_delivered, true),
                    ("gaps", audit.gaps, false),
                    ("resumes", chinwag.resumes, false),
                    ("false ones", chinwag.resumed_untrue, true),
                ],
            );
        }
        let errors = figures::errors(runs);
        if errors.kinds.is_empty() {
            self.row("errors", "none");
        }
        for (at, (kind, error)) in errors.kinds.iter().enumerate() {
            let mut text = format!("{} × {kind}", count(error.count));
            if !error.example.is_empty() {
                let _ = write!(text, ": {}", error.example);
            }
            if !error.hint.is_empty() {
                let _ = write!(text, "; {}", error.hint);
            }
            self.row(if at == 0 { "errors" } else { "" }, &text);
        }
    }

    /// Counts below their names; what should be none, and is not, stands out.
    fn counts(&mut self, label: &str, row: &str, columns: &[(&str, u64, bool)]) {
        let mut head = String::new();
        let mut cells = String::new();
        for (name, number, is_fault) in columns {
            let shown = count(*number);
            let width = name.len().max(shown.len()) + 2;
            let _ = write!(head, "{name:>width$}");
            let style = if *is_fault && *number > 0 { BAD } else { Style::new() };
            let _ = write!(cells, "{style}{shown:>width$}{style:#}");
        }
        self.row(label, &format!("{LABEL}{head}{LABEL:#}"));
        self.row(row, &cells);
    }

    fn costs(&mut self, runs: &[&Outcome]) {
        let figure = |what: fn(&Outcome) -> f64| Figure::of(runs, what).median;
        let work = Work::of_all(runs);
        let late: u64 = runs.iter().map(|run| figures::late_sends(run)).sum();
        let text = format!(
            "{}busiest thread at work {} of the time, {}, {} at the most",
            each(figure(figures::client_us_each), work),
            share(figure(|run| run.client.busiest_thread)),
            things(late, "late send", "late sends"),
            bytes(figure(|run| run.client.memory_max_bytes as f64)),
        );
        self.row("client", &text);
        if runs.iter().any(|run| run.server.is_some()) {
            let text = format!(
                "{}{} of a core",
                each(figure(figures::server_us_each), work),
                share(figure(figures::server_cpu_share)),
            );
            self.row("server", &text);
            let text = format!(
                "{} before, {} loaded, {} after; {} a connection",
                bytes(figure(|run| figures::of_server(run, |server| server.memory_before_bytes))),
                bytes(figure(|run| figures::of_server(run, |server| server.memory_loaded_bytes))),
                bytes(figure(|run| figures::of_server(run, |server| server.memory_after_bytes))),
                bytes(figure(figures::rss_bytes_per_connection)),
            );
            self.row("", &text);
        }
    }

    /// A figure at the right of its column, marked if it may be the client's.
    fn cell(&self, text: String, width: usize) -> String {
        let text = if text == "-" { text } else { format!("{}{text}", self.mark) };
        format!("{text:>width$}")
    }
}

fn style(weight: Weight) -> Style {
    match weight {
        Weight::Good => GOOD,
        Weight::Notable | Weight::Doubtful => DOUBTFUL,
        Weight::Bad => BAD,
    }
}

/// `0.85 µs of CPU a delivery, ` where there are deliveries.
fn each(us: f64, work: &Work) -> String {
    if us.is_nan() { String::new() } else { format!("{} of CPU a {}, ", duration(us), work.outcome) }
}

/// From where to where it was, in several runs.
fn ends(runs: &[&Outcome], figure: &Figure, show: fn(f64) -> String) -> String {
    match runs.len() {
        0 | 1 => String::new(),
        _ => format!("   {} to {}", show(figure.low), show(figure.high)),
    }
}

/// A number of things that came about as a float.
fn whole(number: f64) -> String {
    count(number.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use anstream::adapter::strip_str;

    fn plain(report: &Report) -> String {
        strip_str(&render(report)).to_string()
    }

    #[test]
    fn a_sound_run_reads_like_this() {
        let expected = "\
all accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole

fanout, chinwag dialect, ws://127.0.0.1:2021/ws
1,000 connections, 10 senders, open loop of 400/s, 64 bytes each, measured for 30.0 s

sent                400/s    52.3 KiB/s
delivered          400k/s    54.1 MiB/s
connected         12.5k/s   1,000 ready after 80.0 ms, 1,000 at the most

latency               p50       p90       p99     p99.9    p99.99       max      mean
  message          120 µs    300 µs    800 µs   1.20 ms   4.00 ms   8.10 ms    249 µs
  spread           800 µs    800 µs   3.00 ms   3.00 ms   3.00 ms   3.00 ms    983 µs
  sent late by    20.0 µs   20.0 µs   20.0 µs   20.0 µs   1.50 ms   1.50 ms   20.4 µs
  TCP connect     60.0 µs   60.0 µs   60.0 µs   60.0 µs   60.0 µs   60.0 µs   60.0 µs
  handshake        150 µs    150 µs    150 µs    150 µs    150 µs    150 µs    150 µs
  ready            400 µs    400 µs   2.00 ms   2.00 ms   2.00 ms   2.00 ms    560 µs

audit              expected   delivered  lost  duplicated  reordered  corrupted
  deliveries     12,387,600  12,387,600     0           0          0          0
                 acknowledged  not delivered  gaps  resumes  false ones
  promises             12,400              0     0        0           0
errors         none
client         0.85 µs of CPU a delivery, busiest thread at work 43 % of the time, 3 late sends, 34.0 MiB at the most
server         1.10 µs of CPU a delivery, 44.0 % of a core
               12.0 MiB before, 34.0 MiB loaded, 14.0 MiB after; 22.5 KiB a connection
";
        assert_eq!(plain(&sample::report(vec![sample::fanout()])), expected);
    }

    #[test]
    fn who_goes_from_room_to_room_has_other_words() {
        let text = plain(&sample::report(vec![sample::hop()]));
        let lines: Vec<&str> = text.lines().collect();
        for row in [
            "all accounted for: 62,000 changes of rooms, each answered; 1 request refused",
            "1,000 connections in 50 rooms, all hop, closed loop, 2 under way, measured for 30.0 s",
            "asked for         2.00k/s     117 KiB/s",
            "joined            2.00k/s     117 KiB/s",
            "  join             120 µs    300 µs    800 µs   1.20 ms   4.00 ms   8.10 ms    249 µs",
            "audit            changes    left  joined  unanswered  not asked for  refused",
            "  rooms           62,000  62,000  61,999           0              0        1",
            "server         220 µs of CPU a join, 44.0 % of a core",
        ] {
            assert!(lines.contains(&row), "{row}\n{text}");
        }
    }

    #[test]
    fn messages_that_were_never_sent_are_told_below_their_latencies() {
        let run = Outcome { never_sent: 400, ..sample::fanout() };
        let text = plain(&sample::report(vec![run]));
        let row =
            "400 of these 100,000 latencies are of messages that were never sent, and had waited to the end";
        let mut lines = text.lines().skip_while(|line| !line.starts_with("  message"));
        assert_eq!(lines.nth(1).map(str::trim), Some(row), "{text}");
        assert!(!plain(&sample::report(vec![sample::fanout()])).contains("never sent"));
    }

    #[test]
    fn several_rooms_are_told() {
        let mut run = sample::fanout();
        run.plan.rooms = 20;
        let text = plain(&sample::report(vec![run]));
        assert!(text.contains("1,000 connections in 20 rooms, 10 senders, "), "{text}");
    }

    #[test]
    fn what_is_wrong_comes_first_and_the_clients_figures_are_marked() {
        let text = plain(&sample::report(vec![sample::broken()]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "NOT all accounted for: of 12,387,600 deliveries, 3 lost, 1 duplicated, 1 sent and never answered",
                "~ the client was the limit: its busiest thread was at work for 97 % of the time; one in a hundred \
                 sends was 12.0 ms late",
                "13 errors, listed below",
            ]
        );
        for row in [
            "delivered         ~400k/s   ~54.1 MiB/s",
            "  message         ~120 µs   ~300 µs   ~800 µs  ~1.20 ms  ~4.00 ms  ~8.10 ms   ~249 µs",
            "  deliveries     12,387,600  12,387,597     3           1          0          0",
            "errors         1 × closed: 1012: restart",
            "               12 × refused: Connection refused (os error 111); is the server running?",
        ] {
            assert!(lines.contains(&row), "{row}\n{text}");
        }
    }

    #[test]
    fn what_is_rare_has_a_column_when_it_happens() {
        let mut run = sample::fanout();
        (run.audit.announced, run.audit.cut_off, run.audit.refused) = (1000, 20, 3);
        let text = plain(&sample::report(vec![run]));
        for row in [
            "audit              expected   delivered  lost  duplicated  reordered  corrupted  announced  cut off  refused",
            "  deliveries     12,387,600  12,387,600     0           0          0          0      1,000       20        3",
        ] {
            assert!(text.lines().any(|line| line == row), "{row}\n{text}");
        }
    }

    #[test]
    fn several_runs_have_medians_and_ends() {
        let faster = Outcome { latency: sample::times_of(&[(100_000, 10)]), ..sample::lasting(20) };
        let slower = Outcome { latency: sample::times_of(&[(200_000, 10)]), ..sample::lasting(40) };
        let text = plain(&sample::report(vec![slower, sample::fanout(), faster]));
        for row in [
            "fanout, chinwag dialect, ws://127.0.0.1:2021/ws, medians of 3 runs",
            "sent                400/s    52.3 KiB/s   300/s to 600/s",
            "  message          120 µs    200 µs    200 µs    200 µs    200 µs    200 µs    200 µs",
            "    lowest         100 µs    100 µs    100 µs    100 µs    100 µs    100 µs    100 µs",
            "    highest        200 µs    300 µs    800 µs   1.20 ms   4.00 ms   8.10 ms    249 µs",
        ] {
            assert!(text.lines().any(|line| line == row), "{row}\n{text}");
        }
        assert!(text.starts_with("all accounted for: 37,162,800 deliveries of 37,200 messages"), "{text}");
    }

    #[test]
    fn connections_without_messages_have_no_rows_of_messages() {
        let text = plain(&sample::report(vec![sample::idle()]));
        assert!(text.starts_with("all accounted for: 1,000 connections, and no messages\n"), "{text}");
        assert!(text.contains("\n1,000 connections, none sends, measured for 30.0 s\n"), "{text}");
        for absent in ["sent ", "delivered", "message ", "audit", "CPU a delivery"] {
            assert!(!text.contains(absent), "{absent}\n{text}");
        }
    }

    #[test]
    fn a_search_shows_its_steps() {
        let report = Report { found: Found::Search(sample::search().into()), ..sample::report(vec![]) };
        let text = plain(&report);
        assert!(text.starts_with("p99<5ms holds up to 600 messages a second\nall accounted for"), "{text}");
        for row in [
            "tried                  load   seen                  p99<5ms",
            "                        400   p99 2.05 ms           holds",
            "                        800   p99 31.2 ms           does not",
        ] {
            assert!(text.lines().any(|line| line == row), "{row}\n{text}");
        }
        let mut search = sample::search();
        search.tries.retain(|tried| !tried.holds);
        search.best = None;
        let text = plain(&Report { found: Found::Search(search.into()), ..sample::report(vec![]) });
        assert!(text.starts_with("p99<5ms does not hold at any load that was tried\n"), "{text}");
        assert!(!text.contains("latency"), "{text}");
    }

    #[test]
    fn the_verdict_is_in_colour() {
        let first = |run| render(&sample::report(vec![run])).lines().next().expect("a line").to_owned();
        assert!(first(sample::fanout()).starts_with(&format!("{GOOD}all accounted for")));
        assert!(first(sample::broken()).starts_with(&format!("{BAD}NOT all")));
    }
}
