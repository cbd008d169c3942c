//! Signals, to the program as it is run: by a terminal, by a shell, under `nohup`.

use crate::harness::{Daemon, PATIENCE, WebSocket};
use chinwag::net::Address;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::Read;
use std::sync::mpsc;

#[test]
fn with_nothing_to_read_again_and_no_terminal_a_hangup_ends_nobody() {
    let daemon = Daemon::start(&[]);
    daemon.signal("HUP");
    daemon.logged(&["SIGHUP", "nothing to read again"]);
    daemon.turn();
}

#[test]
fn a_hangup_that_was_ignored_from_the_start_stays_so() {
    // As nohup(1) has it.
    let daemon = Daemon::start_behind("trap '' HUP", &[]);
    daemon.signal("HUP");
    // Signals are heeded in order: this one would be told of second.
    daemon.signal("USR2");
    daemon.logged(&["SIGUSR2"]);
    daemon.turn();
    assert_eq!(daemon.log_has(&["SIGHUP"]), 0);
}

#[test]
fn a_terminal_that_goes_away_takes_the_daemon_with_it_gently() {
    let pair = native_pty_system().openpty(PtySize::default()).expect("a pty");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chinwag"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--line-listen", "off"]);
    let mut child = pair.slave.spawn_command(command).expect("it starts");
    drop(pair.slave);
    let mut screen = pair.master.try_clone_reader().expect("its screen");
    let mut shown = String::new();
    let address = loop {
        let mut buffer = [0; 1024];
        let len = screen.read(&mut buffer).expect("it shows something");
        shown.push_str(&String::from_utf8_lossy(&buffer[..len]));
        if let Some((_, rest)) = shown.split_once("listening on ")
            && let Some((address, _)) = rest.split_once(" for HTTP")
        {
            break address.parse::<Address>().expect("an address");
        }
    };
    let mut ann = WebSocket::connect_to(&address, "/echo");
    // Whoever closes the window closes these.
    drop((screen, pair.master));
    ann.closed_with(1001, true);
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    let status = end.recv_timeout(PATIENCE).expect("it ends").expect("it is our child");
    assert!(status.success(), "{status:?}");
}

#[test]
fn the_counters_are_logged_at_any_time() {
    let mut daemon = Daemon::start(&[]);
    let mut ann = WebSocket::connect(&daemon, "/echo");
    ann.send_text("hi");
    assert_eq!(ann.text(), "hi");
    for times in 1..=2 {
        daemon.signal("USR1");
        daemon.logged_times(&["counters connections=1 ", " messages_in=1 "], times);
    }
    ann.send_text("still there");
    assert_eq!(ann.text(), "still there");
    ann.close();
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code, Some(0));
    daemon.logged(&["stopped connections=0 ", " messages_in=2 "]);
}

#[test]
fn the_log_says_that_the_server_stops_and_what_clients_are_told() {
    for (signal, code) in [("INT", 1001), ("TERM", 1012)] {
        let mut daemon = Daemon::start(&[]);
        let mut ann = WebSocket::connect(&daemon, "/echo");
        daemon.signal(signal);
        ann.closed_with(code, true);
        daemon.logged(&[&format!("SIG{signal}: stopping"), &format!("({code})")]);
        assert_eq!(daemon.wait().code, Some(0));
        assert_eq!(daemon.log_has(&["SIG", "restarting"]), 0);
    }
}
