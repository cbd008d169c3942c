//! What `chinwag bench` gives away while it runs.

use crate::bench::{run, ws};
use crate::harness::Daemon;
use crate::harness::daemon::chinwag;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

const LOAD: [&str; 6] = ["--warmup", "0s", "--rate", "50", "--connections", "5"];

fn daemon() -> Daemon {
    Daemon::start(&["--publish-per-second", "0"])
}

#[track_caller]
fn line(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("{key} is not in {line}"))
}

#[test]
fn each_second_of_each_run_is_a_line_of_json() {
    let daemon = daemon();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.jsonl");
    fs::write(&path, "an old line\n").expect("a file");
    let (file, url, pid) = (path.to_str().expect("UTF-8"), ws(&daemon, "/ws"), daemon.pid().to_string());
    let args =
        ["fanout", &url, "--duration", "1200ms", "--repeat", "2", "--jsonl", file, "--server-pid", &pid];
    let output = run(&[&args[..], &LOAD, &["--json", "-"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = line(&String::from_utf8_lossy(&output.stdout));
    let lines: Vec<Value> = fs::read_to_string(&path).expect("a file").lines().map(line).collect();
    for run in [1, 2] {
        let own: Vec<&Value> = lines.iter().filter(|line| line["run"] == run).collect();
        assert!(own.len() >= 2 && own.iter().all(|line| line["runs"] == 2), "{lines:?}");
        let last = own.last().expect("there are two");
        let found = &report["runs"][run - 1];
        for key in ["intended", "sent", "refused", "connections_lost", "connections_failed"] {
            assert_eq!(number(last, key), number(found, key), "{key} of run {run}: {last}");
        }
        assert_eq!(number(last, "delivered"), number(&found["audit"], "delivered"));
        let measured = own.iter().find(|line| line["phase"] == "measured").expect("it was measured");
        assert_eq!((number(measured, "connections_open"), &measured["rate"]), (5, &50.0.into()));
        assert!(measured["latency_us"]["p99"].as_f64() > Some(0.0), "{measured}");
        assert!(number(&measured["server"], "rss_bytes") > 0, "{measured}");
    }
}

#[test]
fn a_line_can_be_read_while_the_run_goes_on_and_a_reader_that_leaves_ends_only_the_lines() {
    let daemon = daemon();
    let mut command = chinwag();
    let url = ws(&daemon, "/ws");
    command.args(["bench", "fanout", &url, "--duration", "3200ms", "--jsonl", "-"]).args(LOAD);
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    assert_eq!((number(&line(&first), "second"), child.try_wait().expect("it is ours")), (0, None));
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let warning = "warning: cannot write standard output: Broken pipe (os error 32); --jsonl ends here";
    assert_eq!(err.lines().filter(|line| *line == warning).count(), 1, "{err}");
    assert!(err.contains("all accounted for"), "the report goes to the standard error: {err}");
}

#[test]
fn a_search_says_in_each_line_which_try_it_is_of() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let args = ["fanout", &url, "--find", "p99<10s", "--find-max", "100", "--duration", "1100ms"];
    let output = run(&[&args[..], &LOAD, &["--jsonl", "-"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout).lines().map(line).collect();
    let tries = lines.iter().map(|line| (number(line, "run"), line["rate"].as_f64()));
    let mut tries: Vec<(u64, Option<f64>)> = tries.collect();
    tries.dedup();
    assert_eq!(tries, [(1, Some(50.0)), (2, Some(100.0))]);
    assert!(lines.iter().all(|line| line["runs"].is_null()), "{lines:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_only_the_lines() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let args = ["fanout", &url, "--duration", "2200ms", "--jsonl", "/dev/full"];
    let output = run(&[&args[..], &LOAD].concat());
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let warning = "warning: cannot write /dev/full: No space left on device (os error 28); --jsonl ends here";
    assert_eq!(err.lines().filter(|line| *line == warning).count(), 1, "{err}");
}

#[test]
fn a_reader_that_never_reads_holds_up_neither_the_run_nor_its_report() {
    let daemon = daemon();
    let mut command = chinwag();
    let url = ws(&daemon, "/ws");
    // A pipe with as little room as there is: a page, which a few lines fill.
    command.args(["bench", "fanout", &url, "--duration", "300ms", "--jsonl", "-"]).args(LOAD);
    command.args(["--repeat", "2"]);
    let (reader, writer) = full_pipe();
    let mut child = command.stdout(writer).spawn().expect("it starts");
    let mut err = String::new();
    child.stderr.take().expect("stderr is piped").read_to_string(&mut err).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{err}");
    let warning = "warning: the reader of standard output has stopped reading; --jsonl ends here";
    assert_eq!(err.lines().filter(|line| *line == warning).count(), 1, "{err}");
    drop(reader);
}

/// A pipe that takes no more, and the end that could be read.
fn full_pipe() -> (UnixStream, Stdio) {
    let (reader, mut writer) = UnixStream::pair().expect("a pair of sockets");
    writer.set_nonblocking(true).expect("it is a socket");
    while writer.write(&[b' '; 4096]).is_ok() {}
    writer.set_nonblocking(false).expect("it is a socket");
    (reader, Stdio::from(OwnedFd::from(writer)))
}

#[test]
fn lines_that_have_no_place_are_refused_before_the_load() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    for (args, words) in [
        (&["--jsonl", "/nowhere/lines"][..], "cannot write /nowhere/lines: No such file"),
        (&["--jsonl", "-", "--json", "-"], "cannot write -: two things cannot be written there"),
    ] {
        let output = run(&[&["fanout", &url][..], args].concat());
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.lines().count()), (Some(1), 1), "{err}");
        assert!(err.contains(words), "{err}");
    }
}
