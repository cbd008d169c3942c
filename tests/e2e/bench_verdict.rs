//! What `chinwag bench` says, and ends with, when the daemon is killed, started again, stopped for a while, or refuses what
//! it is sent.

use crate::bench::{run, tcp, ws};
use crate::harness::Daemon;
use crate::harness::daemon::{Log, chinwag};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A run that is under way, with a report in a file.
struct Bench {
    child: Child,
    log: Arc<Log>,
    folder: TempDir,
}

struct Ended {
    code: Option<i32>,
    first: String,
    text: String,
    json: Value,
}

impl Bench {
    fn start(args: &[&str]) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = chinwag();
        command.arg("bench").args(args).arg("--json").arg(report(&folder)).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let log = Log::of(child.stderr.take().expect("it is piped"));
        Bench { child, log, folder }
    }

    /// Waits for a second that was measured.
    #[track_caller]
    fn measures(&self) {
        self.log.wait("a measured second", |lines| {
            lines.iter().any(|line| line.contains("measured")).then_some(())
        });
    }

    #[track_caller]
    fn end(self) -> Ended {
        let output = self.child.wait_with_output().expect("it ends");
        ended(&output, &self.folder)
    }
}

fn report(folder: &TempDir) -> PathBuf {
    folder.path().join("report.json")
}

#[track_caller]
fn ended(output: &Output, folder: &TempDir) -> Ended {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let json = std::fs::read(report(folder)).expect("a report");
    let json = serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error}: {text}"));
    let first = text.lines().next().unwrap_or_default().to_owned();
    Ended { code: output.status.code(), first, text, json }
}

impl Ended {
    #[track_caller]
    fn fell_short(&self) {
        let begins = self.first.starts_with("the load was not what was asked for: ");
        assert!(begins && self.code == Some(3), "{:?}: {}", self.code, self.text);
        assert_eq!(self.json["verdict"]["kind"], "load_fell_short");
        assert_eq!(self.json["verdict"]["sound"], false);
        assert_eq!(self.json["verdict"]["text"][0], self.first.as_str());
        assert!(!self.text.contains("\nall accounted for"), "{}", self.text);
    }

    #[track_caller]
    fn number(&self, key: &str) -> u64 {
        self.json[key].as_u64().unwrap_or_else(|| panic!("{key} of {}", self.json))
    }
}

/// Kills the daemon in the middle of a run that would last for an hour. All connections are lost, and the run ends.
#[track_caller]
fn killed(path: &str, args: &[&str]) -> Ended {
    let mut daemon = Daemon::start(&["--publish-per-second", "0", "--requests-per-second", "0"]);
    let url = if path.is_empty() { tcp(&daemon) } else { ws(&daemon, path) };
    let (scenario, more) = args.split_first().expect("a scenario");
    // What a scenario does not look at is refused.
    let fixed: &[&str] = match *scenario {
        "connect" => &["--in-flight", "10"],
        "idle" => &["--connections", "10"],
        _ => &["--connections", "10", "--drain", "1h", "--warmup", "0s"],
    };
    let bench = Bench::start(&[&[*scenario, &*url, "--duration", "1h"], more, fixed].concat());
    bench.measures();
    daemon.kill();
    let killed_at = Instant::now();
    let ended = bench.end();
    // Two seconds, and what a busy machine adds.
    assert!(killed_at.elapsed() < Duration::from_secs(10), "{:?}: {}", killed_at.elapsed(), ended.text);
    ended.fell_short();
    ended
}

#[track_caller]
fn all_lost(path: &str, args: &[&str]) {
    let ended = killed(path, args);
    assert_eq!(ended.number("connections_lost"), 10, "{args:?}: {}", ended.text);
    assert!(ended.first.contains(" connections were lost"), "{args:?}: {}", ended.first);
    let (intended, sent) = (ended.number("intended"), ended.number("sent"));
    let is_closed = args.contains(&"--window") || args.contains(&"echo") || args.contains(&"hop");
    match args.first() {
        Some(&"idle") => assert_eq!((intended, sent), (0, 0)),
        _ if is_closed => assert_eq!(intended, sent),
        // An hour at 100 a second.
        _ => assert!(intended == 360_000 && sent > 0 && sent < 100_000, "{args:?}: {}", ended.json),
    }
}

#[test]
fn a_daemon_that_is_killed_under_a_fan_out_fails_the_run_in_every_dialect() {
    all_lost("/ws", &["fanout"]);
    all_lost("/ws", &["fanout", "--dialect", "chinwag-text"]);
    all_lost("", &["fanout", "--dialect", "lines"]);
    all_lost("/ws", &["fanout", "--dialect", "template", "--send-template", "{payload}"]);
    all_lost("/ws", &["fanout", "--threads", "2", "--window", "2"]);
}

#[test]
fn a_daemon_that_is_killed_under_an_echo_or_idle_connections_fails_the_run() {
    all_lost("/echo", &["echo"]);
    all_lost("/ws", &["idle"]);
    all_lost("/echo", &["idle", "--dialect", "raw"]);
    all_lost("", &["idle", "--dialect", "lines"]);
}

#[test]
fn a_daemon_that_is_killed_under_comers_and_goers_fails_the_run() {
    all_lost("/ws", &["slow", "--slow-percent", "40"]);
    all_lost("/ws", &["hop"]);
    // One of the visitors may be on its way in.
    let churn = killed("/ws", &["churn", "--churn-rate", "20"]);
    assert!(churn.number("connections_lost") >= 8, "{}", churn.text);
}

#[test]
fn a_daemon_that_is_killed_while_connections_are_made_fails_the_run() {
    let connect = killed("/echo", &["connect"]);
    assert!(connect.first.contains("no connection was left after "), "{}", connect.first);
    assert!(connect.number("connections_failed") > 0, "{}", connect.text);
}

#[test]
fn a_storm_whose_daemon_does_not_come_back_fails() {
    let mut daemon = Daemon::start(&["--publish-per-second", "0"]);
    let url = ws(&daemon, "/ws");
    let bench = Bench::start(&[
        "storm",
        &url,
        "--connections",
        "10",
        "--duration",
        "8s",
        "--warmup",
        "0s",
        "--drain",
        "1h",
    ]);
    bench.measures();
    // The cut comes after two seconds: the daemon is gone by then, or soon after.
    daemon.logged_times(&["closed"], 10);
    daemon.kill();
    let ended = bench.end();
    ended.fell_short();
    assert!(ended.first.contains(" of 10 connections came back"), "{}", ended.first);
}

#[test]
fn a_daemon_that_stops_on_purpose_has_lost_its_connections_too() {
    let mut daemon = Daemon::start(&["--publish-per-second", "0"]);
    let bench = Bench::start(&["fanout", &ws(&daemon, "/ws"), "--connections", "10", "--duration", "1h"]);
    bench.measures();
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code, Some(0));
    let ended = bench.end();
    ended.fell_short();
    assert!(ended.first.contains("10 of 10 connections were lost"), "{}", ended.first);
    assert_eq!(ended.json["errors"]["closed: 1012"]["count"], 10, "{}", ended.json);
}

#[test]
fn runs_after_which_the_daemon_is_gone_are_reported_with_the_failure() {
    let mut daemon = Daemon::start(&["--publish-per-second", "0"]);
    let url = ws(&daemon, "/ws");
    let args = ["--connections", "10", "--duration", "1h", "--repeat", "3"];
    let bench = Bench::start(&[&["fanout", &*url], &args[..]].concat());
    bench.measures();
    daemon.kill();
    let log = Arc::clone(&bench.log);
    let ended = bench.end();
    ended.fell_short();
    log.wait("the failure", |lines| {
        let is_failure =
            |line: &String| line.starts_with("error: not all runs were made: cannot connect to ");
        lines.iter().any(is_failure).then_some(())
    });
}

#[test]
fn a_daemon_that_is_frozen_has_not_delivered() {
    let daemon = Daemon::start(&["--publish-per-second", "0"]);
    let url = ws(&daemon, "/ws");
    let args = ["--connections", "10", "--duration", "2s", "--warmup", "0s", "--drain", "300ms"];
    let bench = Bench::start(&[&["fanout", &*url], &args[..]].concat());
    bench.measures();
    daemon.signal("STOP");
    let ended = bench.end();
    daemon.signal("CONT");
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.first.starts_with("NOT all accounted for: "), "{}", ended.text);
    assert_eq!(ended.json["verdict"]["kind"], "unaccounted");
}

#[test]
fn a_daemon_that_is_frozen_does_not_hold_idle_connections() {
    let daemon = Daemon::start(&[]);
    for url in [ws(&daemon, "/ws"), ws(&daemon, "/echo"), tcp(&daemon)] {
        let dialect: &[&str] = if url.ends_with("/echo") { &["--dialect", "raw"] } else { &[] };
        let args = ["--connections", "10", "--duration", "1s"];
        let bench = Bench::start(&[&["idle", &*url], &args[..], dialect].concat());
        bench.measures();
        daemon.signal("STOP");
        let ended = bench.end();
        daemon.signal("CONT");
        ended.fell_short();
        assert!(ended.first.contains("10 of 10 connections did not answer a Ping"), "{}", ended.text);
        let sound = run(&[&["idle", &*url], &args[..], dialect].concat());
        assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stdout));
    }
}

#[test]
fn messages_that_a_default_daemon_refuses_were_not_sent() {
    // A member may send 20 at once and 10 a second; one sends 80 a second.
    let daemon = Daemon::start(&[]);
    let url = ws(&daemon, "/ws");
    let folder = tempfile::tempdir().expect("a folder");
    let path = report(&folder);
    let path = path.to_str().expect("text");
    let args = ["fanout", &url, "--connections", "10", "--rate", "80", "--duration", "1s", "--warmup", "1s"];
    let ended = ended(&run(&[&args[..], &["--json", path]].concat()), &folder);
    ended.fell_short();
    let [intended, sent, refused, lost] =
        ["intended", "sent", "refused", "connections_lost"].map(|key| ended.number(key));
    assert_eq!((intended, sent + refused, lost), (160, 160, 0), "{}", ended.json);
    assert!(refused > 80, "{}", ended.json);
    let first = format!("{sent} of 160 messages were sent ({refused} refused)");
    assert!(ended.first.ends_with(&first), "{}", ended.first);
    assert!(ended.text.contains("--publish-per-second 0"), "{}", ended.text);
}

#[test]
fn connections_beyond_the_daemons_limit_fail_the_run() {
    let daemon = Daemon::start(&["--publish-per-second", "0", "--connections", "6"]);
    let url = ws(&daemon, "/ws");
    for scenario in ["fanout", "idle", "slow", "storm"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = report(&folder);
        let path = path.to_str().expect("text");
        let args = [scenario, &url, "--connections", "10", "--duration", "1s", "--json", path];
        let ended = ended(&run(&args), &folder);
        ended.fell_short();
        assert!(ended.first.contains("6 of 10 connections became ready"), "{scenario}: {}", ended.first);
        assert_eq!(ended.number("connections_failed"), 4, "{scenario}: {}", ended.json);
    }
}

#[test]
fn connecting_to_a_daemon_that_greets_is_a_success() {
    let daemon = Daemon::start(&[]);
    for scenario in ["connect", "idle"] {
        let args = [scenario, &*ws(&daemon, "/ws"), "--dialect", "raw", "--duration", "300ms"];
        let output = run(&args);
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(0), "{scenario}: {text}");
    }
}
