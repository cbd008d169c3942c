//! What the daemon asks of the kernel, counted by strace: a message that is alone costs one read and one write, and the
//! docs say so.

use crate::harness::member::page;
use crate::harness::{Daemon, Member, WebSocket};
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// Calls that are made once, or now and then: by the start, the end, and the first members.
const OTHERS_MAX: u64 = 60;

/// Whether somebody may be watched here at all.
fn can_count() -> bool {
    let strace =
        Command::new("strace").args(["-c", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let can = strace.is_ok_and(|status| status.success());
    if !can {
        // Not by `eprintln!`, which is shown only where a test fails.
        let _ = writeln!(io::stderr(), "NOT TESTED: system calls. That takes strace, and leave to use it");
    }
    can
}

/// Every call that a daemon made while `work` was done with it.
fn count(work: impl FnOnce(&Daemon)) -> HashMap<String, u64> {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = folder.path().join("summary");
    let mut daemon = Daemon::start_counted(&summary, &["--publish-per-second", "0", "--log", "error"]);
    work(&daemon);
    daemon.signal("INT");
    assert_eq!(daemon.wait().code, Some(0));
    let summary = fs::read_to_string(summary).expect("strace has written it");
    // The share, seconds, microseconds each, calls, errors where there were some, and the call's name.
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some((words.last()?.to_string(), words.get(3)?.parse().ok()?))
    };
    summary.lines().filter_map(row).collect()
}

/// How often these were made, together.
fn of(counts: &HashMap<String, u64>, names: &[&str]) -> u64 {
    names.iter().filter_map(|name| counts.get(*name)).sum()
}

const READS: &[&str] = &["recvfrom", "read", "readv", "recvmsg"];
const WRITES: &[&str] = &["sendto", "write", "writev", "sendmsg"];

#[test]
fn an_echo_is_one_read_and_one_write() {
    const ECHOES: u64 = 500;
    if !can_count() {
        return;
    }
    let counts = count(|daemon| {
        let mut peer = WebSocket::connect(daemon, "/echo");
        for _ in 0..ECHOES {
            peer.send_text("hello");
            assert_eq!(peer.text(), "hello");
        }
    });
    for calls in [READS, WRITES, &["epoll_wait"]] {
        let count = of(&counts, calls);
        assert!((ECHOES..ECHOES + OTHERS_MAX).contains(&count), "{count} of {calls:?}: {counts:?}");
    }
    assert!(of(&counts, &["epoll_ctl"]) < 10, "{counts:?}");
}

#[test]
fn a_delivery_is_one_write() {
    const MESSAGES: u64 = 40;
    const READERS: u64 = 20;
    if !can_count() {
        return;
    }
    let counts = count(|daemon| {
        let mut speaker = page(daemon, "ann");
        speaker.say("/join den");
        speaker.hear_notice();
        let mut readers: Vec<WebSocket> =
            (0..READERS).map(|_| WebSocket::connect(daemon, "/ws?room=den")).collect();
        for n in 0..MESSAGES {
            let said = format!("message {n}");
            speaker.say(&said);
            for reader in &mut readers {
                while !reader.text().ends_with(&said) {}
            }
        }
    });
    let writes = of(&counts, WRITES);
    let deliveries = MESSAGES * READERS;
    // Coming in costs each a few, and being told of each other.
    let others_max = OTHERS_MAX + 10 * READERS;
    assert!((deliveries..deliveries + others_max).contains(&writes), "{writes} writes: {counts:?}");
}

#[test]
fn a_handshake_is_an_accept_a_read_and_a_write_and_its_end_no_more() {
    const HANDSHAKES: u64 = 100;
    if !can_count() {
        return;
    }
    let counts = count(|daemon| {
        for _ in 0..HANDSHAKES {
            WebSocket::connect(daemon, "/echo").close();
        }
    });
    // The second accept says that there is nobody else. Of the reads and writes, one each is for the Close; one read is for
    // the peer's FIN.
    for (calls, each) in [
        (&["accept4"][..], 2),
        (READS, 3),
        (WRITES, 2),
        (&["epoll_ctl"], 1),
        (&["shutdown"], 1),
        (&["close"], 1),
    ] {
        let count = of(&counts, calls);
        assert!(count <= each * HANDSHAKES + OTHERS_MAX, "{count} of {calls:?}: {counts:?}");
    }
}
