//! The pages, in Chromium, and the module that they speak through, in Node.

use crate::certificate::Certificate;
use crate::foreign::node;
use crate::harness::Daemon;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// Runs a script against a daemon with these flags, and does with the daemon what the script asks for.
fn run(script: &str, args: &[&str], flags: &[&str]) {
    // An address of its own, since whoever asks for any port at 127.0.0.1 might be given this one while the daemon is
    // gone.
    let mut daemon = Daemon::start(&[&["--listen", "127.0.0.44:0"], flags].concat());
    let address = daemon.http().to_string();
    let tls = daemon.listens_tls(false).next().map(ToString::to_string);
    let mut command = node(script, args, &daemon);
    if let Some(tls) = tls {
        command.args(["--tls", &tls]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "{:?}: {error}: run ./scripts/test, which installs what these tests need",
            command.get_program()
        )
    });
    let mut answers = child.stdin.take().expect("it is piped");
    let mut said = String::new();
    // It has a deadline of its own, and its end is the end of its output.
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.expect("it prints text");
        if let Some(wish) = line.strip_prefix("READY ") {
            let mut words = wish.split(' ');
            match words.next() {
                Some("kill") => daemon.kill(),
                Some("start") => {
                    let more: Vec<&str> = words.collect();
                    daemon = Daemon::start(&[&["--listen", &address], flags, &more].concat());
                }
                _ => panic!("{line}"),
            }
            answers.write_all(b"done\n").expect("it waits for this");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().expect("it is our child");
    assert!(status.success(), "{status}\n{said}");
    print!("{said}");
}

fn browse(scenario: &str, flags: &[&str]) {
    run("browser.mjs", &[scenario], flags);
}

#[test]
fn two_compressed_pages_and_a_netcat_talk() {
    browse("chat", &["--deflate"]);
}

#[test]
fn two_pages_and_a_netcat_talk() {
    browse("chat", &[]);
}

#[test]
fn the_echo_page_shows_what_comes_back() {
    browse("echo", &[]);
}

#[test]
fn the_chat_page_alone() {
    browse("page", &[]);
}

#[test]
fn what_is_typed_stays_in_its_room_and_within_its_bounds() {
    browse("writing", &[]);
}

#[test]
fn a_duplicated_tab_is_somebody_else_and_a_reopened_one_the_same() {
    browse("tab", &[]);
}

#[test]
fn pages_come_back_when_the_server_does() {
    browse("restart", &[]);
}

#[test]
fn a_page_whose_cable_was_cut_has_missed_nothing() {
    browse("cut", &["--publish-per-second", "0"]);
}

#[test]
fn ten_thousand_messages_are_scrolled_and_many_come_at_once() {
    browse("scroll", &["--publish-per-second", "0", "--history", "20000", "--history-bytes", "16m"]);
}

#[test]
fn the_chat_page_is_for_everybody() {
    browse("access", &["--publish-per-second", "0"]);
}

#[test]
fn a_page_of_another_origin_uses_the_module() {
    browse("elsewhere", &[]);
}

#[test]
fn a_page_that_came_by_https_talks_by_wss() {
    let certificate = Certificate::new();
    let flags = certificate.flags(&["--listen", "tls://127.0.0.44:0"]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    browse("tls", &flags);
}

#[test]
fn the_module_in_node() {
    run("module.mjs", &[], &["--history", "5", "--rooms-per-connection", "1000"]);
}
