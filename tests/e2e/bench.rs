//! `chinwag bench` against the daemon: every scenario, every dialect, and how it ends.

use crate::harness::Daemon;
use crate::harness::daemon::chinwag;
use chinwag::net::Address;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Output;

/// Short, and enough for all of it to happen.
const SHORT: [&str; 6] = ["--duration", "400ms", "--warmup", "100ms", "--connections", "12"];

fn daemon() -> Daemon {
    Daemon::start(&["--publish-per-second", "0"])
}

#[track_caller]
pub fn ws(daemon: &Daemon, path: &str) -> String {
    let Address::Tcp(address) = daemon.http() else { panic!("it listens on TCP") };
    format!("ws://{address}{path}")
}

#[track_caller]
pub fn tcp(daemon: &Daemon) -> String {
    let Address::Tcp(address) = daemon.line() else { panic!("it listens on TCP") };
    format!("tcp://{address}")
}

#[track_caller]
pub fn run(args: &[&str]) -> Output {
    chinwag().arg("bench").args(args).output().expect("it starts")
}

/// Runs it with a report in JSON, and expects that all is accounted for.
#[track_caller]
fn sound(args: &[&str]) -> Value {
    let output = run(&[args, &["--json", "-"]].concat());
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(number(&report, "/audit/lost"), 0, "{report}");
    report
}

#[track_caller]
fn number(report: &Value, pointer: &str) -> u64 {
    let found = report.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not in {report}"));
    // What is a median over several runs is no integer.
    found.as_f64().unwrap_or_else(|| panic!("{pointer} is {found}")) as u64
}

#[test]
fn every_dialect_delivers_each_message_once() {
    let daemon = daemon();
    let chat = ws(&daemon, "/ws");
    let lines = tcp(&daemon);
    for (url, dialect) in [(&chat, "chinwag"), (&chat, "chinwag-text"), (&lines, "lines")] {
        let args = ["fanout", url, "--dialect", dialect, "--senders", "3", "--rate", "200"];
        let report = sound(&[&args[..], &SHORT].concat());
        // Half a second at 200 a second, to eleven others.
        assert_eq!(number(&report, "/audit/delivered"), 1100, "{dialect}");
    }
    let args = ["fanout", &chat, "--dialect", "template", "--send-template", "{i} says {payload} in {room}"];
    let report = sound(&[&args[..], &SHORT].concat());
    assert_eq!(number(&report, "/audit/delivered"), 550, "text that is wrapped, in the lobby");
    let args = ["fanout", &chat, "--self-echo", "--threads", "2", "--window", "2"];
    let report = sound(&[&args[..], &SHORT].concat());
    assert_eq!(number(&report, "/audit/delivered"), 12 * number(&report, "/audit/sent"));
    assert_eq!(number(&report, "/audit/acked"), number(&report, "/audit/sent"));
}

#[test]
fn messages_are_deflated_where_the_server_agrees_and_otherwise_that_is_told() {
    let fanout = |daemon: &Daemon, more: &[&str]| {
        let chat = ws(daemon, "/ws");
        let args = ["fanout", &chat, "--size", "1000", "--rate", "200", "--deflate"];
        sound(&[&args[..], &SHORT, more].concat())
    };
    let daemon = daemon();
    let plain = fanout(&daemon, &[]);
    assert!(plain.to_string().contains("the server does not deflate messages"), "{plain}");
    drop(daemon);
    let daemon = Daemon::start(&["--publish-per-second", "0", "--deflate"]);
    let deflated = fanout(&daemon, &["--threads", "2"]);
    assert!(!deflated.to_string().contains("the server does not deflate messages"), "{deflated}");
    assert_eq!(number(&deflated, "/audit/delivered"), number(&plain, "/audit/delivered"));
    let [plain, deflated] = [plain, deflated].map(|report| number(&report, "/bytes_per_second"));
    assert!(deflated < plain - plain / 10, "{deflated} bytes a second, {plain} before");
}

#[test]
fn a_message_reaches_its_own_room_and_no_other() {
    let daemon = daemon();
    let chat = ws(&daemon, "/ws");
    let lines = tcp(&daemon);
    // Twelve in three rooms of four: each message has three receivers.
    for (url, dialect) in [(&chat, "chinwag"), (&chat, "chinwag-text"), (&lines, "lines")] {
        let args = ["fanout", url, "--dialect", dialect, "--rooms", "3", "--senders", "2", "--rate", "200"];
        let report = sound(&[&args[..], &SHORT].concat());
        assert_eq!(number(&report, "/audit/delivered"), 300, "{dialect}");
        assert_eq!(number(&report, "/options/rooms"), 3);
    }
    // As many rooms as connections, and more: everybody is alone at home, and hears itself.
    for rooms in ["12", "40"] {
        let args = ["fanout", &chat, "--rooms", rooms, "--senders", "5", "--self-echo", "--window", "2"];
        let report = sound(&[&args[..], &SHORT].concat());
        assert!(number(&report, "/audit/sent") > 100, "{report}");
        assert_eq!(number(&report, "/audit/delivered"), number(&report, "/audit/sent"));
    }
    let args = ["fanout", &chat, "--rooms", "4", "--senders", "6", "--window", "2", "--threads", "2"];
    let report = sound(&[&args[..], &SHORT].concat());
    assert_eq!(number(&report, "/audit/delivered"), 2 * number(&report, "/audit/sent"));
}

#[test]
fn every_scenario_with_a_room_has_several() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let idle = sound(&[&["idle", &url, "--rooms", "300"][..], &SHORT].concat());
    assert_eq!(number(&idle, "/connecting/ready"), 12);
    let args = ["connect", &url, "--dialect", "chinwag", "--rooms", "20", "--in-flight", "5"];
    let connect = sound(&[&args[..], &["--duration", "300ms"]].concat());
    assert!(number(&connect, "/connecting/ready") > 5, "{connect}");
    sound(&[&["churn", &url, "--rooms", "3", "--churn-rate", "100"][..], &SHORT].concat());
    let args = ["slow", &url, "--rooms", "2", "--slow-percent", "50", "--rate", "1000", "--size", "1k"];
    let slow = sound(&[&args[..], &SHORT].concat());
    let told = number(&slow, "/audit/delivered") + number(&slow, "/audit/announced");
    assert_eq!(told, 500 * 5, "{slow}");
    let args = ["storm", &url, "--rooms", "3", "--connections", "12", "--duration", "1500ms", "--rate", "50"];
    let storm = sound(&args);
    assert_eq!((number(&storm, "/audit/resumes"), number(&storm, "/storm/back")), (12, 12), "{storm}");
}

#[test]
fn who_goes_from_room_to_room_is_answered_each_time() {
    let daemon = Daemon::start(&["--requests-per-second", "0"]);
    let (url, pid) = (ws(&daemon, "/ws"), daemon.pid().to_string());
    for load in [["--rate", "400"], ["--window", "1"], ["--window", "7"]] {
        let args = ["hop", &url, "--rooms", "5", "--server-pid", &pid, "--threads", "2"];
        let report = sound(&[&args[..], &load, &SHORT].concat());
        let asked = number(&report, "/audit/hops/asked");
        assert!(asked >= 200, "{report}");
        assert_eq!(
            (number(&report, "/audit/hops/left"), number(&report, "/audit/hops/joined")),
            (asked, asked)
        );
        assert!(number(&report, "/joins_per_second") >= 300, "{report}");
        assert!(report["latency_us"]["p50"].as_f64().is_some_and(|p50| p50 > 0.0), "{report}");
        if cfg!(target_os = "linux") {
            assert!(report["server"]["cpu_us_per_join"].is_number(), "{report}");
        }
    }
}

#[test]
fn who_may_not_go_from_room_to_room_so_fast_is_told_what_to_do() {
    let daemon = Daemon::start(&[]);
    let output = run(&[&["hop", &ws(&daemon, "/ws"), "--window", "4"][..], &SHORT].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("rate_limited") && text.contains("--requests-per-second 0"), "{text}");
}

#[test]
fn more_rooms_than_the_server_allows_are_told_with_what_to_do() {
    let daemon = Daemon::start(&["--rooms-per-connection", "2"]);
    let output = run(&[&["idle", &ws(&daemon, "/ws"), "--rooms", "25"][..], &SHORT].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("too_many_rooms") && text.contains("--rooms-per-connection"), "{text}");
    assert!(text.contains("11 of 12 connections became ready"), "{text}");
}

#[test]
fn the_address_of_a_chat_may_name_the_room_and_the_members() {
    let daemon = daemon();
    let chat = ws(&daemon, "/ws?room=dev&name=bot");
    for dialect in ["chinwag", "chinwag-text"] {
        let args = ["fanout", &chat, "--dialect", dialect, "--rate", "200"];
        let report = sound(&[&args[..], &SHORT].concat());
        assert_eq!(number(&report, "/audit/delivered"), 1100, "{dialect}");
        assert_eq!(
            (&report["options"]["room"], &report["options"]["name"]),
            (&"dev".into(), &"bot-{i}".into())
        );
    }
    let storm = sound(&["storm", &chat, "-c", "12", "-d", "1500ms", "-r", "50"]);
    assert_eq!(number(&storm, "/storm/back"), 12, "{storm}");
    // As a browser shows it, and with values in the path.
    let page = ws(&daemon, "/ws?room=a{i}").replace("ws://", "http://");
    let templates = ["--join-template", "/echo on", "--send-template", "{seq} {random} {payload}"];
    let report = sound(&[&["echo", &page, "--dialect", "template"], &templates[..], &SHORT].concat());
    assert!(number(&report, "/audit/sent") > 12, "each in a room of its own: {report}");
}

#[test]
fn a_run_ends_after_so_many_messages_in_all() {
    let daemon = daemon();
    let (echo, chat) = (ws(&daemon, "/echo"), ws(&daemon, "/ws"));
    for (args, sent) in [
        (&["echo", &echo, "-n", "1000", "-c", "7"][..], 1000),
        (&["echo", &echo, "-n", "3", "-c", "7", "--threads", "2"], 3),
        (&["echo", &echo, "-n", "300", "-r", "1000", "-c", "2", "--threads", "2"], 300),
        (&["fanout", &chat, "-n", "100", "-c", "4", "--window", "3", "--senders", "2"], 100),
        (&["fanout", &chat, "-n", "100", "-c", "4", "-r", "1000", "--arrival", "poisson"], 100),
    ] {
        let report = sound(args);
        assert_eq!((number(&report, "/audit/sent"), number(&report, "/sent")), (sent, sent), "{args:?}");
        assert_eq!(number(&report, "/intended"), sent, "{args:?}");
        let latencies = number(&report, "/latency_us/count");
        assert_eq!(latencies, number(&report, "/audit/delivered"), "all are measured: {report}");
    }
}

#[test]
fn a_figure_out_of_its_bounds_is_named_and_exit_code_5() {
    let daemon = daemon();
    let echo = ["echo", &ws(&daemon, "/echo"), "-n", "100", "-c", "2"];
    let end = |bounds: &[&str]| {
        let output = run(&[&echo[..], bounds].concat());
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let (code, errors) = end(&["--fail-if", "p95>1us", "--fail-if", "audit.lost>0", "--fail-if", "sent<101"]);
    assert_eq!(code, Some(5), "{errors}");
    assert!(errors.contains("'p95>1us'") && errors.contains("'sent<101': it is 100"), "{errors}");
    assert!(!errors.contains("audit.lost"), "{errors}");
    assert_eq!(end(&["--fail-if", "max>1000s"]).0, Some(0));
    let output = run(&["echo", "ws://127.0.0.1:1/", "--fail-if", "p95>1us"]);
    assert_eq!(output.status.code(), Some(1), "there is no report");
}

#[test]
fn an_echo_comes_back() {
    let daemon = daemon();
    let url = ws(&daemon, "/echo");
    for load in [["--window", "2"], ["--rate", "500"]] {
        let args = [&["echo", &url, "--size", "40-2k"][..], &load, &SHORT].concat();
        let report = sound(&args);
        assert!(number(&report, "/audit/sent") > 12);
        assert_eq!(number(&report, "/audit/delivered"), number(&report, "/audit/sent"));
    }
}

#[test]
fn connections_are_made_and_held() {
    let daemon = daemon();
    let report = sound(&["connect", &ws(&daemon, "/echo"), "--in-flight", "5", "--duration", "300ms"]);
    assert!(report["errors"].as_object().is_some_and(serde_json::Map::is_empty), "{report}");
    let pid = daemon.pid().to_string();
    let args =
        ["idle", &ws(&daemon, ""), "--connections", "300", "--duration", "100ms", "--server-pid", &pid];
    let report = sound(&args);
    assert_eq!(number(&report, "/connecting/ready"), 300);
    if cfg!(target_os = "linux") {
        assert!(number(&report, "/server/rss_bytes_loaded") > 0, "{report}");
    }
}

#[test]
fn who_comes_and_goes_and_who_reads_slowly_change_nothing_for_the_others() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let churn = sound(&[&["churn", &url, "--churn-rate", "100"][..], &SHORT].concat());
    assert!(number(&churn, "/connecting/ready") > 12, "{churn}");
    let args = ["slow", &url, "--slow-percent", "50", "--rate", "1000", "--size", "1k"];
    let slow = sound(&[&args[..], &SHORT].concat());
    let told = number(&slow, "/audit/delivered") + number(&slow, "/audit/announced");
    assert_eq!(told, 500 * 11, "{slow}");
}

#[test]
fn a_storm_is_weathered_by_resuming() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let report = sound(&["storm", &url, "--connections", "12", "--duration", "1500ms", "--rate", "50"]);
    assert_eq!(number(&report, "/audit/resumes"), 12, "{report}");
    assert_eq!(number(&report, "/storm/cut"), 12);
    assert_eq!(number(&report, "/storm/back"), 12);
    assert_eq!(
        number(&report, "/audit/delivered") + number(&report, "/audit/announced"),
        125 * 11,
        "{report}"
    );
}

#[test]
fn a_rate_that_holds_is_found() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let args = ["fanout", &url, "--find", "p50<60s", "--rate", "50", "--find-max", "100"];
    let report = sound(&[&args[..], &SHORT].concat());
    assert_eq!(number(&report, "/search/best"), 100, "{report}");
}

#[test]
fn a_search_in_which_nothing_holds_fails() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let args = ["fanout", &url, "--find", "p50<1us", "--rate", "50", "--find-max", "100"];
    let output = run(&[&args[..], &SHORT].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[test]
fn what_is_refused_is_told_with_what_to_do() {
    let daemon = Daemon::start(&[]);
    let url = ws(&daemon, "/ws");
    let args = [&["fanout", &url, "--rate", "200"][..], &SHORT].concat();
    let output = run(&args);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("rate_limited") && text.contains("--publish-per-second 0"), "{text}");
}

#[test]
fn a_run_in_which_nothing_was_delivered_is_no_success() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let output = run(&[&["fanout", &url, "--size", "8k"][..], &SHORT].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("nothing was delivered of ") && text.contains("--message-bytes"), "{text}");
}

#[test]
fn the_first_interrupt_ends_the_run_with_what_there_is() {
    let daemon = daemon();
    let mut command = chinwag();
    command.args(["bench", "fanout", &ws(&daemon, "/ws"), "--duration", "1h", "--warmup", "0s"]);
    let mut child = command.spawn().expect("it starts");
    // It tells a line for every second: once one has been measured, there is something to report.
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
    assert!(lines.any(|line| line.expect("text").contains("measured")));
    let pid = child.id().to_string();
    let kill = std::process::Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status();
    assert!(kill.expect("a shell").success());
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("interrupted") && text.contains("all accounted for"), "{text}");
}

#[test]
fn a_run_without_a_connection_is_reported_in_every_file() {
    let daemon = daemon();
    let nowhere = ws(&daemon, "/nowhere");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    for scenario in ["echo", "fanout", "connect", "idle", "churn", "storm", "slow", "hop"] {
        let dialect: &[&str] = if scenario == "echo" { &[] } else { &["--dialect", "chinwag"] };
        let files = ["json", "jsonl", "csv", "svg", "hgrm"].map(|kind| (format!("--{kind}"), at(kind)));
        let flags: Vec<&str> = files.iter().flat_map(|(flag, path)| [&**flag, &**path]).collect();
        let output = run(&[&[scenario, &nowhere], dialect, &flags[..]].concat());
        let err = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), err.lines().count()), (Some(1), 1), "{scenario}: {err}");
        let text = std::fs::read_to_string(at("json")).expect("it is written");
        let report: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(report["verdict"]["kind"], "no_connection", "{report}");
        assert_eq!((&report["verdict"]["sound"], &report["interrupted"]), (&false.into(), &false.into()));
        let first = report["verdict"]["text"][0].as_str().expect("text");
        assert!(first.starts_with("cannot connect to ") && err.contains(first), "{first}: {err}");
        assert_eq!((number(&report, "/connecting/ready"), number(&report, "/sent")), (0, 0), "{report}");
        let is_failed = number(&report, "/connections_failed") > 0;
        assert!(is_failed && report["errors"]["handshake: HTTP 404"]["count"].as_u64() > Some(0), "{report}");
        let lines = std::fs::read_to_string(at("jsonl")).expect("it is written");
        let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("it is JSON");
        assert!(number(&last, "/connections_failed") > 0, "{last}");
        for (_, path) in &files {
            assert!(!std::fs::read(path).expect("it is written").is_empty(), "{path}");
            std::fs::remove_file(path).expect("it is there");
        }
    }
}

#[test]
fn what_cannot_be_measured_is_one_line() {
    let daemon = daemon();
    let nowhere = ws(&daemon, "/nowhere");
    let url = ws(&daemon, "/ws");
    for (args, code, words) in [
        (vec!["fanout", &nowhere, "--dialect", "raw"], 1, "HTTP 404"),
        (vec!["idle", &url, "--connections", "10000000"], 1, "descriptors"),
        (vec!["fanout", &url, "--size", "10"], 2, "--size is at least 40"),
        (vec!["echo", &url, "--dialect", "chinwag"], 2, "no echo"),
        (vec!["fanout", &url, "--json", "/nowhere/report"], 1, "cannot write"),
        (vec!["fanout", &url, "--server-pid", "1000000000"], 1, "server's process"),
    ] {
        let output = run(&args);
        let err = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), err.lines().count()), (Some(code), 1), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}
