//! `chinwag join` in a pipe: lines in are published, messages come out, and its exit code says whether all went well.

use crate::harness::cable::Cable;
use crate::harness::daemon::{Log, chinwag};
use crate::harness::member::{netcat, page};
use crate::harness::{Daemon, Member, WebSocket};
use chinwag::net::Address;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;

/// A running `chinwag join`, or another client, with nothing but pipes.
pub struct Joiner {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Arc<Log>,
    notices: Arc<Log>,
}

impl Joiner {
    pub fn start(args: &[&str]) -> Joiner {
        let mut command = chinwag();
        command.arg("join").args(args);
        Joiner::run(command)
    }

    pub fn run(mut command: Command) -> Joiner {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdin = child.stdin.take();
        let out = Log::of(child.stdout.take().expect("stdout is piped"));
        let notices = Log::of(child.stderr.take().expect("stderr is piped"));
        Joiner { child, stdin, out, notices }
    }

    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input has not ended");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    #[track_caller]
    pub fn prints(&self, words: &str) -> String {
        wait(&self.out, words)
    }

    #[track_caller]
    pub fn notes(&self, words: &str) -> String {
        wait(&self.notices, words)
    }

    /// Its input ends, and it does. Returns how, what it printed, and its notices.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        drop(self.stdin.take());
        self.ends()
    }

    /// It ends by itself.
    #[track_caller]
    pub fn ends(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        self.out.wait_for_end("it to end");
        self.notices.wait_for_end("it to end");
        let status = self.child.wait().expect("it is our child");
        (status, self.out.lines().lines.clone(), self.notices.lines().lines.clone())
    }
}

impl Drop for Joiner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn wait(log: &Log, words: &str) -> String {
    log.wait(words, |lines| lines.iter().find(|line| line.contains(words)).cloned())
}

fn ws(daemon: &Daemon) -> String {
    format!("ws://{}", daemon.http())
}

fn tcp(daemon: &Daemon) -> String {
    format!("tcp://{}", daemon.line())
}

fn through(cable: &Cable) -> String {
    ws_at(cable.address)
}

fn ws_at(address: SocketAddr) -> String {
    format!("ws://{address}")
}

#[track_caller]
fn succeeds(joiner: Joiner) -> (Vec<String>, Vec<String>) {
    let (status, out, notices) = joiner.end();
    assert_eq!(status.code(), Some(0), "{out:?} {notices:?}");
    (out, notices)
}

#[test]
fn lines_in_are_said_and_messages_come_out_whoever_says_them() {
    for url in [ws, tcp] {
        let daemon = Daemon::start(&[]);
        let url = url(&daemon);
        let (mut nc, mut web) = (netcat(&daemon, "nc"), page(&daemon, "web"));
        let mut joiner = Joiner::start(&[&url, "--name", "pipe"]);
        joiner.notes("lobby: 3 here");
        nc.say("from netcat");
        web.hear_first("netcat", |line| line == "[nc] from netcat");
        web.say("from a page");
        joiner.prints("[web] from a page");
        joiner.say("from a pipe");
        assert_eq!(nc.hear_first("the pipe", |line| line.starts_with("[pipe]")), "[pipe] from a pipe");
        let (out, notices) = succeeds(joiner);
        assert_eq!(out, ["[nc] from netcat", "[web] from a page"]);
        assert_eq!(notices, ["* lobby: 3 here"]);
    }
}

#[test]
fn netcat_and_a_foreign_client_sit_in_the_same_room() {
    let daemon = Daemon::start(&[]);
    let (mut web, _) =
        tungstenite::connect(format!("{}/ws?name=web", ws(&daemon))).expect("a foreign client");
    let Address::Tcp(line) = daemon.line() else { panic!("a port") };
    let program = std::env::var_os("CHINWAG_E2E_NC").unwrap_or_else(|| "nc".into());
    let mut nc = Command::new(program)
        .args([line.ip().to_string(), line.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("netcat, which ./scripts/test installs");
    let heard = Log::of(nc.stdout.take().expect("it is piped"));
    let mut keyboard = nc.stdin.take().expect("it is piped");
    keyboard.write_all(b"/name nc\n").expect("it reads");
    wait(&heard, "you are nc");
    let mut joiner = Joiner::start(&[&ws(&daemon), "--name", "pipe"]);
    joiner.notes("lobby: 3 here");
    web.send(tungstenite::Message::text("from abroad")).expect("it is open");
    joiner.prints("[web] from abroad");
    keyboard.write_all("from netcat, né\n".as_bytes()).expect("it reads");
    joiner.prints("[nc] from netcat, né");
    joiner.say("from a pipe");
    wait(&heard, "[pipe] from a pipe");
    loop {
        let message = web.read().expect("it is open");
        if message.to_text().is_ok_and(|text| text == "[pipe] from a pipe") {
            break;
        }
    }
    succeeds(joiner);
    nc.kill().expect("it is our child");
    nc.wait().expect("it is our child");
}

#[test]
fn each_line_has_been_taken_before_the_end_in_order_however_slowly() {
    // Some six seconds of waiting, at the default rate. Here the waits are many and short.
    let daemon = Daemon::start(&["--publish-per-second", "200", "--burst", "5"]);
    let mut nc = netcat(&daemon, "nc");
    let mut joiner = Joiner::start(&[&ws(&daemon), "--name", "pipe"]);
    for number in 0..300 {
        joiner.say(&format!("line {number}"));
    }
    let (out, notices) = succeeds(joiner);
    assert_eq!((out.len(), &notices[..]), (0, &["* lobby: 2 here".to_owned()][..]));
    for number in 0..300 {
        assert_eq!(nc.hear_said(), format!("[pipe] line {number}"));
    }
}

#[test]
fn the_last_messages_can_be_had_without_saying_anything() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    ["one", "two", "three"].into_iter().for_each(|line| nc.say(line));
    nc.say("/ping");
    nc.hear_notice();
    let (out, _) = succeeds(Joiner::start(&[&ws(&daemon), "--history", "2"]));
    assert_eq!(out, ["[nc] two", "[nc] three"]);
    let (out, _) = succeeds(Joiner::start(&[&ws(&daemon)]));
    assert_eq!(out.len(), 0);
}

#[test]
fn progress_bars_and_colours_are_said_as_a_terminal_shows_them() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut joiner = Joiner::start(&[&ws(&daemon), "--name", "pipe", "--token", "t"]);
    joiner.notes("--token has no effect yet");
    joiner.say("\u{1b}[1;32m  Compiling\u{1b}[0m chinwag\r");
    joiner.say(" 10 %\r 55 %\r\u{1b}[K100 %");
    joiner.say("\u{1b}]0;a title\u{7}done");
    succeeds(joiner);
    for line in ["  Compiling chinwag", "100 %", "done"] {
        assert_eq!(nc.hear_said(), format!("[pipe] {line}"));
    }
}

#[test]
fn several_rooms_are_told_apart_and_lines_go_to_the_first() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut joiner = Joiner::start(&[
        &format!("{}/ws?room=dev&name=pipe", ws(&daemon)),
        "--room",
        "ops",
        "--room",
        "lobby",
    ]);
    joiner.notes("lobby: 2 here");
    nc.say("hello");
    assert_eq!(joiner.prints("hello"), "#lobby [nc] hello");
    joiner.say("to ops");
    nc.say("/join ops 5");
    assert_eq!(nc.hear_said(), "[pipe] to ops");
    succeeds(joiner);
}

#[test]
fn objects_are_printed_one_a_line_without_the_secret() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut joiner = Joiner::start(&[&ws(&daemon), "--json", "--name", "pipe"]);
    joiner.prints("joined");
    nc.say("tab\there");
    joiner.prints("message");
    joiner.say("hi");
    let (out, _) = succeeds(joiner);
    let objects: Vec<serde_json::Value> =
        out.iter().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let kinds: Vec<&str> = objects.iter().map(|object| object["type"].as_str().expect("a type")).collect();
    assert_eq!(kinds, ["welcome", "joined", "message", "ok"]);
    assert_eq!((objects[0]["name"].as_str(), objects[0].get("secret")), (Some("pipe"), None));
    assert_eq!((objects[2]["data"].as_str(), objects[3]["seq"].as_u64()), (Some("tab\there"), Some(2)));
}

#[test]
fn where_nobody_is_it_says_so_in_one_line_and_fails() {
    let daemon = Daemon::start(&[]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody_there = nobody.local_addr().expect("it has one");
    drop(nobody);
    for (url, reason) in [
        (ws_at(nobody_there), "Connection refused"),
        (format!("{}/nowhere", ws(&daemon)), "404"),
        (format!("{}/echo", ws(&daemon)), "chinwag.v1.json"),
        ("ws://name.invalid".to_owned(), ""),
    ] {
        let (status, out, notices) = Joiner::start(&[&url]).end();
        assert_eq!((status.code(), out.len(), notices.len()), (Some(1), 0, 1), "{notices:?}");
        assert!(
            notices[0].starts_with("error: cannot join ws://") && notices[0].contains(reason),
            "{notices:?}"
        );
    }
}

#[test]
fn what_is_not_taken_is_said_and_fails_and_the_rest_is_taken() {
    let daemon = Daemon::start(&["--message-bytes", "10"]);
    let mut nc = netcat(&daemon, "nc");
    let mut joiner = Joiner::start(&[&tcp(&daemon), "--name", "pipe"]);
    ["short", "much too long", "short again, but no", "end"].into_iter().for_each(|line| joiner.say(line));
    let (status, _, notices) = joiner.end();
    assert_eq!(status.code(), Some(1));
    let errors = notices.iter().filter(|line| line.starts_with("error: a line was not taken")).count();
    assert_eq!(errors, 2, "{notices:?}");
    assert_eq!((nc.hear_said(), nc.hear_said()), ("[pipe] short".into(), "[pipe] end".into()));
}

#[test]
fn a_cut_cable_loses_and_doubles_nothing() {
    let daemon = Daemon::start(&["--publish-per-second", "0", "--history", "1000"]);
    let mut nc = netcat(&daemon, "nc");
    let cable = Cable::to(daemon.http());
    // Over and over, in the middle of whatever is being said.
    let mut joiner = Joiner::start(&[&through(&cable), "--name", "pipe"]);
    joiner.notes("lobby: 2 here");
    cable.cut_after(700);
    let mut from_nc = Vec::new();
    for round in 0..5 {
        for number in 0..20 {
            joiner.say(&format!("{round}-{number}"));
            nc.say(&format!("nc {round}-{number}"));
            from_nc.push(format!("[nc] nc {round}-{number}"));
        }
        joiner.prints(&format!("nc {round}-19"));
        cable.cut_after(100 + 333 * round);
    }
    let (out, notices) = succeeds(joiner);
    assert_eq!(out, from_nc);
    assert!(notices.iter().any(|line| line.contains("back, ")), "{notices:?}");
    for round in 0..5 {
        for number in 0..20 {
            assert_eq!(nc.hear_said(), format!("[pipe] {round}-{number}"));
        }
    }
}

#[test]
fn a_server_that_begins_anew_is_waited_for() {
    let mut daemon = Daemon::start(&[]);
    let cable = Cable::to(daemon.http());
    let mut joiner = Joiner::start(&[&through(&cable), "--name", "pipe"]);
    joiner.say("to the first");
    joiner.notes("lobby: 1 here");
    let mut nc = netcat(&daemon, "nc");
    joiner.notes("nc");
    daemon.kill();
    joiner.notes("trying again in");
    joiner.say("to the second");
    let second = Daemon::start(&[]);
    cable.lead_to(second.http());
    joiner.notes("begun anew");
    let mut other = netcat(&second, "other");
    other.say("/history 5");
    assert_eq!(other.hear_said(), "[pipe] to the second");
    other.say("hello");
    joiner.prints("[other] hello");
    succeeds(joiner);
    while nc.hear().is_some() {}
}

#[test]
fn a_server_that_stops_for_good_is_the_end() {
    let mut daemon = Daemon::start(&[]);
    let joiner = Joiner::start(&[&ws(&daemon)]);
    joiner.notes("lobby: 1 here");
    daemon.signal("INT");
    let (status, _, notices) = joiner.ends();
    assert_eq!(
        (status.code(), notices.last().map(String::as_str)),
        (Some(1), Some("error: the server has stopped"))
    );
    daemon.wait();
}

#[test]
fn nothing_that_others_say_acts_on_a_screen() {
    let daemon = Daemon::start(&[]);
    let mut joiner = Joiner::start(&[&ws(&daemon), "--name", "pipe"]);
    joiner.notes("lobby: 1 here");
    let mut web = WebSocket::connect(&daemon, "/ws?name=eve");
    web.say("\u{1b}[2J\u{9b}31m\u{202e}\r\n* bob left\u{7}");
    web.say("done");
    joiner.prints("done");
    joiner.say("bye");
    let (out, _) = succeeds(joiner);
    assert_eq!(out[0], r"[eve] \u{1b}[2J\u{9b}31m\u{202e}\r\n* bob left\u{7}");
}

#[test]
fn who_reads_no_more_ends_it_without_a_word() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut child = chinwag().args(["join", &ws(&daemon)]).stdin(Stdio::piped()).spawn().expect("it starts");
    let notices = Log::of(child.stderr.take().expect("stderr is piped"));
    wait(&notices, "lobby: 2 here");
    drop(child.stdout.take());
    nc.say("one");
    let status = child.wait().expect("it is our child");
    notices.wait_for_end("it to end");
    assert_eq!((status.code(), notices.lines().lines.len()), (Some(0), 2), "{:?}", notices.lines().lines);
}
