//! What `chinwag bench` gives away while it runs.

use crate::bench::{run, ws};
use crate::harness::daemon::chinwag;
use crate::harness::http::Http;
use crate::harness::{Daemon, Socket};
use chinwag::net::Address;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

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

/// A long run that is scraped, where, and what it says on standard error after that.
struct Scraped {
    child: Child,
    address: Address,
    err: BufReader<ChildStderr>,
}

impl Scraped {
    #[track_caller]
    fn start(daemon: &Daemon, args: &[&str]) -> Scraped {
        let mut command = chinwag();
        let url = ws(daemon, "/ws");
        command.args(["bench", "fanout", &url, "--prometheus", "127.0.0.1:0"]).args(LOAD).args(args);
        let mut child = command.spawn().expect("it starts");
        let mut err = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut first = String::new();
        err.read_line(&mut first).expect("a line");
        let address = first
            .strip_prefix("listening on ")
            .and_then(|rest| rest.split_once(" for Prometheus (http://"))
            .and_then(|(address, url)| {
                url.strip_prefix(address)?.strip_suffix("/metrics)\n").map(|_| address)
            })
            .unwrap_or_else(|| panic!("it says where it listens: {first}"));
        let address = address.parse().expect("an address");
        Scraped { child, address, err }
    }

    /// The value of a sample, once it is there and not zero.
    #[track_caller]
    fn grows(&self, sample: &str) -> f64 {
        loop {
            let answer = Http::get(&self.address, "/metrics");
            if answer.status == 503 {
                continue; // Connections that have ended may still be counted.
            }
            assert_eq!(answer.status, 200);
            let value = answer.body.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
            let value = value.map(|value| value.parse::<f64>().expect("a number"));
            if let Some(value @ 0.000_001..) = value {
                return value;
            }
        }
    }

    /// Ends it, and returns its exit code and what it printed.
    fn stop(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = std::process::Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success());
        let mut text = String::new();
        self.child.stdout.take().expect("stdout is piped").read_to_string(&mut text).expect("text");
        self.err.read_to_string(&mut text).expect("text");
        (self.child.wait().expect("it ends").code(), text)
    }
}

#[test]
fn a_run_is_scraped_while_it_goes_on() {
    let daemon = daemon();
    let pid = daemon.pid().to_string();
    let run = Scraped::start(&daemon, &["--duration", "1h", "--server-pid", &pid]);
    let sent = run.grows("chinwag_bench_messages_sent_total");
    assert!(run.grows("chinwag_bench_deliveries_total") >= 4.0 * sent.min(1.0));
    assert_eq!(run.grows("chinwag_bench_connections_open"), 5.0);
    assert_eq!(run.grows("chinwag_bench_phase{phase=\"measured\"}"), 1.0);
    assert!(run.grows("chinwag_bench_latency_seconds_bucket{le=\"+Inf\"}") > 0.0);
    assert!(run.grows("chinwag_bench_server_resident_memory_bytes") > 0.0);
    let answer = Http::get(&run.address, "/metrics");
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(Http::get(&run.address, "/").status, 404);
    let (code, text) = run.stop();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("all accounted for"), "{text}");
}

#[test]
fn hostile_scrapes_are_refused_and_hurt_neither_the_run_nor_other_scrapes() {
    let daemon = daemon();
    let run = Scraped::start(&daemon, &["--duration", "1h"]);
    for (request, status) in [
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".to_owned(), 413),
        ("DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 405),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), 421),
        (format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(64 << 10)), 431),
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                .to_owned(),
            400,
        ),
    ] {
        let mut http = Http::connect(&run.address);
        // It may be refused before it is whole.
        let _ = http.socket.try_send(&request);
        assert_eq!(http.answer().status, status, "{}", &request[..20]);
    }
    // One that asks without a pause gets a bounded number of answers.
    let mut greedy = Http::connect(&run.address);
    let began = Instant::now();
    for _ in 0..10 {
        greedy.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(greedy.answer().status, 200);
    }
    assert!(began.elapsed() >= Duration::from_millis(9 * 20), "{:?}", began.elapsed());
    drop(greedy);
    // As many as it takes, which say nothing, and one more.
    let silent: Vec<Socket> = (0..16).map(|_| Socket::connect(&run.address)).collect();
    let mut refused = Http::connect(&run.address);
    assert_eq!(refused.answer().status, 503);
    drop(silent);
    assert!(run.grows("chinwag_bench_deliveries_total") > 0.0);
    let (code, text) = run.stop();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("all accounted for"), "{text}");
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told_before_the_load() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let busy = daemon.http().to_string();
    for (address, code, words) in [
        (&*busy, 1, "(--prometheus): another program listens there"),
        ("9100", 2, "invalid address '9100': expected HOST:PORT"),
        ("tls://127.0.0.1:9100", 2, "--prometheus has no TLS"),
    ] {
        let output = run(&["fanout", &url, "--duration", "1h", "--prometheus", address]);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.lines().count()), (Some(code), 1), "{err}");
        assert!(err.contains(words), "{err}");
    }
}
