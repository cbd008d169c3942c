//! `chinwag bench`: the load client, its descriptors and signals, and who is told what it found.
//!
//! Exit codes: 0 when the load was made and all of it is accounted for, 1 when there was nothing to measure, 2 for flags that
//! make no sense, 3 when the load was not what was asked for or something is unaccounted for, with `--strict` 4 when the client
//! was the limit, and with `--fail-if` 5 when a figure is out of bounds.

use super::USAGE;
use super::tui::Tui;
use super::{complain, scrape, signals, trust};
use crate::bench::live::{Begin, Series, Watch, Watches};
use crate::bench::outcome::Outcome;
use crate::bench::plan::{Plan, Scenario};
use crate::bench::report::{About, Exposition, ExpositionPage, Files, Found, Lines, Paths, Progress, Report};
use crate::bench::run::{Failure, run as run_once};
use crate::bench::search::{Vary, search};
use crate::config::Bench;
use crate::join::give_back;
use clap::{ArgMatches, Command};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A figure of a sound run is one that `--fail-if` has for a failure.
const EXCEEDED: u8 = 5;
/// What the process has open beside its connections: the standard streams, polls, timers, files.
const OTHER_DESCRIPTORS: u64 = 64;

/// The command with its help.
pub fn command() -> Command {
    Command::new("bench")
        .about("Put load on a WebSocket server, and account for every message")
        .long_about(
            "Put load on a WebSocket server, any, and account for every message.\n\
             Latency is counted from the moment at which a message was meant to be sent, so that a server that stalls\n\
             cannot hide it. The report says first whether something was lost, and whether the client was the limit.",
        )
        .after_help(
            "Examples:\n  \
             chinwag bench echo ws://127.0.0.1:2021/echo --connections 200\n  \
             chinwag bench fanout --connections 1000 --senders 10 --rate 500 --server-pid $(pidof chinwag)\n  \
             chinwag bench fanout --connections 1000 --window 4              as fast as it goes\n  \
             chinwag bench fanout --find 'p99<50ms' --connections 1000       the highest rate that holds\n  \
             chinwag bench connect --in-flight 50 --duration 5s\n  \
             chinwag bench idle --connections 19000 --duration 30s --server-pid $(pidof chinwag)\n  \
             chinwag bench fanout --connections 1000 --rooms 100 --senders 10 --rate 500\n  \
             chinwag bench idle --connections 1000 --rooms 20000             each is in twenty rooms\n  \
             chinwag bench hop --connections 100 --rooms 1000 --window 4     leaving and joining, as fast as it goes\n  \
             chinwag bench churn --connections 500 --churn-rate 100\n  \
             chinwag bench storm --connections 1000\n  \
             chinwag bench slow --connections 200 --slow-percent 20 --rate 2000\n  \
             chinwag bench fanout tcp://127.0.0.1:2020                       lines, as netcat speaks them\n  \
             chinwag bench fanout ws://example.org/chat --dialect template \\\n      \
             --join-template '{\"join\":\"{room}\"}' --send-template '{\"say\":\"{payload}\"}'\n  \
             chinwag bench fanout ws://example.org --script socketio.toml    a login of several steps\n\n\
             Our own server takes 10 messages a second from each member, and 50 other requests:\n\
             chinwag serve --publish-per-second 0 --requests-per-second 0\n\
             Exit codes: 0 the load was made and all of it is accounted for, 1 nothing to measure, 2 wrong flags,\n\
             3 the load was not what was asked for, or something is unaccounted for, 4 the client was the limit (--strict),\n\
             5 a figure is out of bounds (--fail-if).",
        )
}

/// Runs what the flags ask for, and reports.
pub fn main(matches: &ArgMatches) -> ExitCode {
    let with_trust = |mut bench: Bench| {
        // Without TLS there is nobody to trust.
        let is_tls = bench.plan.servers.iter().any(|server| server.url.is_tls());
        for server in bench.plan.servers.iter_mut().filter(|server| server.url.is_tls() || !is_tls) {
            server.tls = trust::end_for(&server.url, bench.ca.as_deref(), bench.is_insecure)?;
        }
        Ok(bench)
    };
    let bench = match Bench::from_matches(matches).and_then(with_trust).and_then(with_one_screen) {
        Ok(bench) => bench,
        Err(error) => {
            complain(format_args!("error: {error}; chinwag bench --help shows what there is"));
            return ExitCode::from(USAGE);
        }
    };
    match measure(&bench) {
        Ok(code) => code,
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Refuses lines on the terminal that is drawn on.
fn with_one_screen(bench: Bench) -> Result<Bench, String> {
    match bench.has_tui && has_lines(&bench) && io::stdout().is_terminal() {
        true => Err("--tui draws on the terminal to which --jsonl - writes: name a file".to_owned()),
        false => Ok(bench),
    }
}

fn measure(bench: &Bench) -> Result<ExitCode, String> {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    check_descriptors(&bench.plan, descriptors)?;
    let paths = Paths {
        json: bench.json.clone(),
        hgrm: bench.hgrm.clone(),
        csv: bench.csv.clone(),
        svg: bench.svg.clone(),
    };
    let files = Files::open(&paths).map_err(|error| error.to_string())?;
    let stop = stop_on_signals().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let about = About::now();
    let mut watches = watches(bench, &files, &stop)?;
    let mut failure = None;
    let found = match &bench.find {
        Some((vary, condition, most)) => {
            let most = match vary {
                Vary::Connections => most.min(descriptors.saturating_sub(OTHER_DESCRIPTORS) as f64),
                Vary::Rate => *most,
            };
            let mut tries = 0;
            let found = search(&bench.plan, *vary, condition, most, |plan| {
                tries += 1;
                run(&Begin { plan, number: tries, series: Series::Search }, &mut watches, &stop)
            });
            found.map(|found| Found::Search(Box::new(found)))
        }
        None => repeat(bench, &mut watches, &stop).map(|(runs, ended_by)| {
            failure = ended_by;
            Found::Runs(runs)
        }),
    };
    // A terminal that was drawn on is as it was before the report is printed.
    drop(watches);
    let found = match found {
        Ok(found) => found,
        Err(failure) => return give_up(bench, about, files, failure),
    };
    let report = Report { plan: bench.plan.clone(), about, found };
    report
        .print(files.take_stdout() || has_lines(bench))
        .map_err(|error| format!("cannot write the report: {error}"))?;
    files.write(&report).map_err(|error| error.to_string())?;
    if let Some(failure) = &failure {
        complain(format_args!("error: not all runs were made: {failure}"));
    }
    let figures = report.to_json();
    let exceeded = bench.fail_if.iter().filter_map(|bound| bound.failure(&figures, &report.runs()));
    let exceeded = exceeded.map(|words| complain(format_args!("failed: {words}"))).count();
    Ok(exit_code(bench, &report, failure.is_some(), exceeded > 0))
}

/// Nothing could be measured: one line says why, and the files have what was counted until then.
fn give_up(bench: &Bench, about: About, files: Files, failure: Failure) -> Result<ExitCode, String> {
    let why = failure.to_string();
    if let Some(outcome) = failure.outcome {
        let report = Report { plan: bench.plan.clone(), about, found: Found::Runs(vec![*outcome]) };
        files.write(&report).map_err(|error| format!("{why}; and then {error}"))?;
    }
    Err(why)
}

/// Whether standard output has a line for each second.
fn has_lines(bench: &Bench) -> bool {
    bench.jsonl.as_deref().is_some_and(|path| path == "-")
}

/// All that watch the runs. What cannot be opened is found before the load.
fn watches(bench: &Bench, files: &Files, stop: &Arc<AtomicBool>) -> Result<Watches, String> {
    let mut watches = Watches::default();
    if let Some(path) = &bench.jsonl {
        files.check_unused(path).map_err(|error| error.to_string())?;
        watches.add(Lines::open(path).map_err(|error| error.to_string())?);
    }
    if let Some(listen) = &bench.prometheus {
        let page = ExpositionPage::default();
        watches.add(Exposition::new(page.clone()));
        watches.add(scrape::open(listen, page)?);
    }
    // Last: from here on nothing else may be written to the terminal.
    let tui = bench.has_tui.then(|| Tui::open(Arc::clone(stop)));
    match tui {
        Some(Ok(tui)) => watches.add(tui),
        Some(Err(why)) => {
            complain(format_args!("warning: --tui is not possible, so progress is plain lines: {why}"));
            watches.add(Progress::on_stderr(&bench.plan, has_lines(bench)));
        }
        None => watches.add(Progress::on_stderr(&bench.plan, has_lines(bench))),
    }
    Ok(watches)
}

/// Makes the runs. One that fails ends them, and what the ones before it have shown is reported beside the failure.
fn repeat(
    bench: &Bench,
    watches: &mut Watches,
    stop: &AtomicBool,
) -> Result<(Vec<Outcome>, Option<Failure>), Failure> {
    let mut runs = Vec::new();
    for number in 1..=bench.repeat {
        let begin = Begin { plan: &bench.plan, number, series: Series::Runs(bench.repeat) };
        let outcome = match run(&begin, watches, stop) {
            Ok(outcome) => outcome,
            Err(failure) if !runs.is_empty() => return Ok((runs, Some(failure))),
            Err(failure) => return Err(failure),
        };
        let is_interrupted = outcome.is_interrupted;
        runs.push(outcome);
        if is_interrupted {
            break;
        }
    }
    Ok((runs, None))
}

/// Makes one run, which is watched from its beginning to its end.
fn run(begin: &Begin<'_>, watches: &mut Watches, stop: &AtomicBool) -> Result<Outcome, Failure> {
    watches.begin(begin);
    let result = run_once(begin.plan, watches, stop);
    // One that ends is out of them, and has been warned of.
    let _ = watches.end(result.as_ref().ok());
    result
}

/// A bad verdict comes first: the figures of such a run are not those of the load that was asked for.
fn exit_code(bench: &Bench, report: &Report, has_failed: bool, has_exceeded: bool) -> ExitCode {
    match report.summary().verdict.exit_code(bench.is_strict) {
        _ if report.runs().is_empty() => ExitCode::FAILURE,
        0 if has_failed => ExitCode::FAILURE,
        0 if has_exceeded => ExitCode::from(EXCEEDED),
        code => ExitCode::from(code),
    }
}

/// A connection is a descriptor.
fn check_descriptors(plan: &Plan, limit: u64) -> Result<(), String> {
    let connections =
        if plan.scenario == Scenario::Connect { plan.in_flight } else { plan.connections } as u64;
    let needed = connections + OTHER_DESCRIPTORS;
    match needed <= limit {
        true => Ok(()),
        false => Err(format!(
            "{connections} connections take {needed} descriptors, and this process may have {limit}: \
             raise the hard limit (ulimit -Hn), or use several processes"
        )),
    }
}

/// The first signal ends the run, and what there is is reported; the second ends the process, and so does the end of its
/// terminal. Then the terminal is given back first.
fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut heeded = vec![SIGINT, SIGTERM];
    if !signals::is_ignored(SIGHUP) {
        heeded.push(SIGHUP);
    }
    let mut arriving = Signals::new(heeded)?;
    let stopped = Arc::clone(&stop);
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in arriving.forever() {
            if stopped.swap(true, Ordering::Relaxed) || signal == SIGHUP {
                give_back();
                // As the shell counts it: 128 and the signal.
                exit(128 + signal);
            }
        }
    })?;
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::Plan;
    use crate::config::{BENCH_SETTINGS, with_bench_url, with_flags};

    fn plan(args: &[&str]) -> Plan {
        let command = with_flags(with_bench_url(command()), BENCH_SETTINGS);
        let matches = command.try_get_matches_from([&["bench"], args].concat()).expect("flags");
        Bench::from_matches(&matches).expect("a plan").plan
    }

    #[test]
    fn a_limit_of_descriptors_is_told_before_anything_is_dialled() {
        let plan = plan(&["idle", "--connections=20000"]);
        assert_eq!(check_descriptors(&plan, 20_064), Ok(()));
        let error = check_descriptors(&plan, 20_063).expect_err("one too few");
        assert!(error.contains("20000 connections") && error.contains("20063"), "{error}");
    }
}
