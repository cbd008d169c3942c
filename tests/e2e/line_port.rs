//! The line port as others reach it: web pages, proxies, scanners, telnet and netcat.

use crate::harness::member::page;
use crate::harness::{Daemon, Line, Member, Socket, WebSocket};
use std::process::{Command, Stdio};

/// Says something as the last of these, so that whatever was said before has been read by then.
#[track_caller]
fn assert_reads_next(page: &mut WebSocket, other: &mut WebSocket, what: &str) {
    other.say(what);
    let read = page.hear_first("a message", |line| line.starts_with('['));
    assert!(read.ends_with(&format!("] {what}")), "{read}");
}

#[test]
fn what_a_page_or_another_protocols_client_sends_is_neither_said_nor_obeyed() {
    let daemon = Daemon::start(&[]);
    let (mut ann, mut bob) = (page(&daemon, "ann"), page(&daemon, "bob"));
    let long = format!("POST /{} HTTP/1.1\r\nHost: a\r\n\r\n/name mallory\nhello\n", "a".repeat(70_000));
    let http = "* this port speaks lines of text, not HTTP";
    for (bytes, notice) in [
        (long.as_bytes(), http),
        (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nhello\n", http),
        (b"\x16\x03\x01\x02\0", "* this port speaks lines of text, not TLS"),
        (b"SSH-2.0-x\r\n", "* this port speaks lines of text, not SSH"),
        (b"PASS hunter2\r\nhello\n", "* this port speaks lines of text, not IRC, FTP or POP3"),
    ] {
        let mut socket = Socket::connect(daemon.line());
        socket.send(bytes);
        Line::over(socket).ended_with(notice);
    }
    let mut proxied = Line::connect(&daemon);
    proxied.say("PROXY TCP4 203.0.113.7 192.0.2.1 50000 2020\r");
    assert!(proxied.hear_notice().contains("--proxy-protocol"));
    assert_eq!(proxied.next(), None);
    assert_reads_next(&mut ann, &mut bob, "nobody else has said anything");
    bob.say("/who");
    assert_eq!(bob.hear_notice(), "* lobby: 2 here: ann, bob");
}

#[test]
fn a_program_behind_a_byte_order_mark_is_a_program() {
    let daemon = Daemon::start(&[]);
    for before in ["\u{feff}", "\n", " ", "\u{feff}\r\n\t"] {
        let mut bot = Line::connect(&daemon);
        for byte in format!("{before}{{\"type\":\"hello\"}}\n").into_bytes() {
            bot.socket.send([byte]);
        }
        let told = bot.next().expect("a welcome");
        assert!(told.starts_with(r#"{"type":"welcome","#), "{told}");
    }
}

#[test]
fn a_telnet_client_is_refused_its_options_and_talks() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut socket = Socket::connect(daemon.line());
    socket.send(b"\xff\xfb\x1f\xff\xfb\x20\xff\xfd\x01");
    assert_eq!(socket.receive_exactly(9), b"\xff\xfe\x1f\xff\xfe\x20\xff\xfc\x01");
    socket.send(b"hello\r\n\xff\xf1again\r\0");
    for said in ["hello", "again"] {
        let read = ann.hear_first("a message", |line| line.starts_with('['));
        assert!(read.ends_with(&format!("] {said}")), "{read}");
    }
}

#[test]
fn what_netcat_sends_last_without_a_line_end_is_said_and_what_a_reset_cuts_is_not() {
    let daemon = Daemon::start(&[]);
    let (mut ann, mut bob) = (page(&daemon, "ann"), page(&daemon, "bob"));
    let mut line = Socket::connect(daemon.line());
    line.send("from a shell");
    line.finish();
    let read = ann.hear_first("a message", |line| line.starts_with('['));
    assert!(read.ends_with("] from a shell"), "{read}");
    let mut cut = Line::connect(&daemon);
    cut.say("/ping");
    cut.welcomed();
    cut.socket.send("half of a line th");
    cut.socket.reset();
    assert_reads_next(&mut ann, &mut bob, "nobody else has said anything");
}

#[test]
fn curl_is_told_that_this_is_not_http() {
    let Ok(probe) = Command::new("curl").arg("--version").stdout(Stdio::null()).status() else { return };
    assert!(probe.success());
    let daemon = Daemon::start(&[]);
    let curl = ["--silent", "--http0.9", "--max-time", "10", "--data", "/name mallory\nhello"];
    let told = Command::new("curl").args(curl).arg(format!("http://{}/", daemon.line())).output();
    let told = told.expect("curl runs").stdout;
    assert_eq!(String::from_utf8_lossy(&told), "* this port speaks lines of text, not HTTP\n");
}

#[test]
fn a_health_check_is_told_to_nobody() {
    let daemon = Daemon::start(&[]);
    let (mut ann, mut bob) = (page(&daemon, "ann"), page(&daemon, "bob"));
    ann.hear_first("bob", |line| line.ends_with(" is now bob") || line == "* bob joined");
    for is_patient in [false, true, false] {
        let mut check = Line::connect(&daemon);
        if is_patient {
            check.welcomed();
        }
        check.socket.finish();
        assert_eq!(check.next(), None);
    }
    bob.say("/who");
    assert_eq!(bob.hear_notice(), "* lobby: 2 here: ann, bob");
    bob.say("done");
    assert_eq!(ann.hear().as_deref(), Some("[bob] done"), "no notice comes before it");
}
