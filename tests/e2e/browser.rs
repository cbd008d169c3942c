//! The pages, in Chromium.

use crate::foreign::node;
use crate::harness::Daemon;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

fn run(scenario: &str) {
    // An address of its own, since whoever asks for any port at 127.0.0.1 might be given this one while the daemon is
    // gone.
    let mut daemon = Daemon::start(&["--listen", "127.0.0.44:0"]);
    let address = daemon.http().to_string();
    let mut command = node("browser.mjs", &[scenario], &daemon);
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
        match line.as_str() {
            "READY kill" => daemon.kill(),
            "READY start" => daemon = Daemon::start(&["--listen", &address]),
            _ => {}
        }
        if line.starts_with("READY ") {
            answers.write_all(b"done\n").expect("it waits for this");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().expect("it is our child");
    assert!(status.success(), "{status}\n{said}");
    print!("{said}");
}

#[test]
fn two_pages_and_a_netcat_talk() {
    run("chat");
}

#[test]
fn the_echo_page_shows_what_comes_back() {
    run("echo");
}

#[test]
fn the_chat_page_alone() {
    run("page");
}

#[test]
fn pages_come_back_when_the_server_does() {
    run("reconnect");
}
