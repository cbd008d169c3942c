//! `chinwag bench --tui`: what its user sees, how it is ended, and that the terminal is whole afterwards.

use crate::bench::{run, ws};
use crate::harness::Daemon;
use crate::harness::terminal::Terminal;

const CTRL_C: &str = "\u{3}";

fn daemon() -> Daemon {
    Daemon::start(&["--publish-per-second", "0"])
}

/// A run that somebody has to end, once it has been measured for a second.
fn watched(daemon: &Daemon, args: &[&str], env: &[(&str, &str)]) -> Terminal {
    let url = ws(daemon, "/ws");
    let load = ["fanout", &url, "--tui", "-c", "5", "-r", "50", "--warmup", "0s", "-d", "1h"];
    let terminal = Terminal::bench(&[&load, args].concat(), env, 80, 24);
    terminal.shows("└measured");
    terminal
}

/// The report is on the screen that was there before.
#[track_caller]
fn reported(terminal: &Terminal) {
    terminal.shows("lost  duplicated  reordered  corrupted");
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    let (_, after) = written.split_once("\u{1b}[?1049l").expect("it has left the other screen");
    assert!(after.contains("interrupted") && after.contains("all accounted for"), "{after}");
}

#[test]
fn a_run_is_seen_ended_and_reported() {
    let daemon = daemon();
    let mut terminal = watched(&daemon, &["--server-pid", &daemon.pid().to_string()], &[]);
    for words in ["5 of 5 open", "p99 ", "delivered │", "q or Ctrl-C ends the run"] {
        terminal.shows(words);
    }
    // On a busy machine the client may be late.
    let limit = terminal.shows("limit ");
    assert!(limit.contains("server at ") || limit.contains("the client: "), "{limit}");
    for (columns, rows) in [(60, 12), (100, 30), (20, 3)] {
        terminal.resize(columns, rows);
        terminal.wait("the new size", |seen| {
            let footer = seen.last().is_some_and(|row| row.starts_with("q or Ctrl-C"));
            seen.len() == usize::from(rows) && seen[0].starts_with("chinwag bench") && footer == (rows > 7)
        });
    }
    terminal.resize(80, 24);
    terminal.types("q");
    assert_eq!(terminal.left(), 0);
    reported(&terminal);
}

#[test]
fn the_first_interrupt_ends_the_run_and_the_second_the_process() {
    let daemon = daemon();
    let mut terminal = watched(&daemon, &[], &[]);
    terminal.types(CTRL_C);
    assert_eq!(terminal.left(), 0);
    reported(&terminal);
    // Frozen, the server delivers nothing more, so there is something to wait for.
    let mut terminal = watched(&daemon, &["--drain", "1h"], &[]);
    daemon.signal("STOP");
    terminal.shows("0/s delivered");
    terminal.types("q");
    terminal.shows("ending: ");
    terminal.types(CTRL_C);
    assert_eq!(terminal.left(), 130);
    daemon.signal("CONT");
}

#[test]
fn the_terminal_is_given_back_whatever_ends_the_run() {
    let daemon = daemon();
    let mut terminal = watched(&daemon, &[], &[]);
    terminal.signal("HUP");
    assert_eq!(terminal.left(), 129);
    let mut terminal = watched(&daemon, &[], &[]);
    drop(daemon);
    assert_eq!(terminal.left(), 3);
    terminal.shows("5 × closed: the server ended the connection");
}

#[test]
fn without_colours_there_are_none() {
    let daemon = daemon();
    let has_colours = |env: &[(&str, &str)]| {
        let mut terminal = watched(&daemon, &[], env);
        terminal.types("q");
        assert_eq!(terminal.left(), 0);
        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        let view = written.split("\u{1b}[?1049l").next().expect("split gives at least one part").to_owned();
        view.contains("\u{1b}[36m") || view.contains("\u{1b}[38;5;")
    };
    assert!(has_colours(&[]));
    assert!(!has_colours(&[("NO_COLOR", "1")]));
}

#[test]
fn where_nothing_can_be_drawn_there_are_plain_lines() {
    let daemon = daemon();
    let url = ws(&daemon, "/ws");
    let load = ["fanout", &url, "--tui", "-c", "5", "-r", "50", "--warmup", "0s", "-d", "1200ms"];
    let output = run(&load);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let warning =
        "warning: --tui is not possible, so progress is plain lines: standard error is not a terminal\n";
    assert!(err.starts_with(warning) && err.contains("\n1 s, "), "{err}");
    let mut terminal = Terminal::bench(&load, &[("TERM", "dumb")], 120, 24);
    terminal.shows("the terminal cannot be drawn on, as TERM says");
    terminal.shows("1 s, ");
    assert_eq!(terminal.left(), 0);
    let mut terminal = Terminal::bench(&[&load[..], &["--jsonl", "-"]].concat(), &[], 120, 24);
    terminal.shows("--tui draws on the terminal to which --jsonl - writes: name a file");
    assert_eq!(terminal.left(), 2);
}
