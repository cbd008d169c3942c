//! People in rooms, some at a browser and some at netcat, who must not be able to tell which.

use crate::harness::member::{Presence, netcat, page};
use crate::harness::websocket::request;
use crate::harness::{Daemon, Heard, Line, Member, PATIENCE, Socket, WebSocket};
use chinwag::proto::ws::Opcode;
use chinwag::wire::text;
use std::time::{Duration, Instant};

#[test]
fn notices_of_who_comes_and_goes_are_told_from_others() {
    let counts = |line| Presence::parse(line).map(|presence| (presence.joined_len, presence.left_len));
    assert_eq!(counts("* ann joined"), Some((1, 0)));
    assert_eq!(counts("* ann, bob joined, cyn left"), Some((2, 1)));
    assert_eq!(counts("* cyn left"), Some((0, 1)));
    assert_eq!(counts("* 312 joined, 4 left, 8123 here"), Some((312, 4)));
    assert_eq!(counts("* 312 joined, 8123 here"), Some((312, 0)));
    assert_eq!(counts("* 4 left, 8123 here"), Some((0, 4)));
    assert_eq!(counts("* eve left, bob is now robert, ann, cyn joined"), Some((2, 1)));
    assert_eq!(counts("* 4 left, 3 renamed, 8123 here"), Some((0, 4)));
    for other in
        ["* lobby: 3 here", "* you are ann", "[ann] * bob joined", "* goodbye", "* missed 3 to 5 (slow)"]
    {
        assert_eq!(counts(other), None, "{other}");
    }
}

#[test]
fn a_page_and_a_netcat_talk_and_neither_hears_itself() {
    let daemon = Daemon::start(&[]);
    let mut ann = WebSocket::connect(&daemon, "/ws");
    assert_eq!(ann.text(), "* welcome to chinwag, guest-1. /help lists the commands");
    assert_eq!(ann.text(), "* lobby: 1 here");
    let mut bob = Line::connect(&daemon);
    assert_eq!(bob.next().as_deref(), Some("* welcome to chinwag, guest-2. /help lists the commands"));
    assert_eq!(bob.next().as_deref(), Some("* lobby: 2 here"));
    assert_eq!(ann.text(), "* guest-2 joined");

    ann.say("hello from the page");
    assert_eq!(bob.next().as_deref(), Some("[guest-1] hello from the page"));
    bob.say("hello from netcat");
    // Were its own line sent back to it, this would not be the next that it hears.
    assert_eq!(ann.text(), "[guest-2] hello from netcat");
    ann.say("/name ann");
    assert_eq!(ann.text(), "* you are ann");
    assert_eq!(bob.next().as_deref(), Some("* guest-1 is now ann"));
    bob.say("łączę się, 世界 🙂");
    assert_eq!(ann.text(), "[guest-2] łączę się, 世界 🙂");
}

#[test]
fn who_comes_and_who_goes_is_told() {
    let daemon = Daemon::start(&[]);
    let mut ann = WebSocket::connect(&daemon, "/ws");
    ann.welcomed();
    let presence = |line: &str| Presence::parse(line).is_some();
    for goodbye in ["/quit", ""] {
        let mut bob = Line::connect(&daemon);
        let name = bob.welcomed();
        let joined = ann.hear_first("who came", presence);
        assert_eq!(Presence::parse(&joined).map(|presence| presence.joined), Some(vec![name.clone()]));
        match goodbye {
            "" => drop(bob),
            quit => {
                bob.say(quit);
                bob.ended_with("* goodbye");
            }
        }
        let left = ann.hear_first("who left", presence);
        assert_eq!(Presence::parse(&left).map(|presence| presence.left), Some(vec![name]));
    }
}

#[test]
fn commands_are_answered_and_not_said() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    for_each_command(&mut ann, "ann");
    for_each_command(&mut bob, "bob");
    assert_eq!(ask(&mut ann, "/name BOB"), "* name taken: BOB");
    assert_eq!(ask(&mut ann, "/name Ann"), "* you are Ann", "one's own name may be written in another case");
    ann.say("//me waves");
    assert_eq!(bob.hear_said(), "[Ann] /me waves");
}

fn ask(member: &mut impl Member, command: &str) -> String {
    member.say(command);
    member.hear_notice()
}

fn for_each_command(member: &mut impl Member, name: &str) {
    assert!(
        ["* lobby: 2 here: ann, bob", "* lobby: 2 here: bob, ann"].contains(&ask(member, "/who").as_str())
    );
    member.say("/help");
    for (usage, purpose) in text::HELP {
        let line = member.hear_notice();
        assert!(line.starts_with(&format!("* {usage} ")) && line.ends_with(purpose), "{line}");
    }
    assert!(ask(member, "/nonsense").starts_with("* unknown command: /nonsense"));
    assert!(ask(member, "/name").starts_with("* bad name: "));
    assert!(ask(member, "/join the moon").starts_with("* bad room: "));
    assert!(ask(member, "/name guest-1000000").starts_with("* name taken: "));
    assert_eq!(ask(member, "/name  two words "), "* you are two words");
    assert_eq!(ask(member, &format!("/name {name}")), format!("* you are {name}"));
}

#[test]
fn rooms_are_apart() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    let mut cyn = page(&daemon, "cyn");
    ann.say("/join dev");
    assert_eq!(ann.hear_notice(), "* dev: 1 here");
    bob.say("/join dev");
    assert_eq!(bob.hear_notice(), "* dev: 2 here");
    ann.say("only here");
    assert_eq!(bob.hear_said(), "[ann] only here");
    cyn.say("/who");
    assert_eq!(cyn.hear_notice(), "* lobby: 1 here: cyn");
    cyn.say("nobody hears this");
    cyn.say("/join dev");
    assert_eq!(cyn.hear_notice(), "* dev: 3 here");
    cyn.say("and this all do");
    assert_eq!(ann.hear_said(), "[cyn] and this all do");
    assert_eq!(bob.hear_said(), "[cyn] and this all do");
}

#[test]
fn lines_may_end_in_crlf_and_be_cut_anywhere() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    let lines = "with LF\nwith CRLF\r\na carriage\rreturn\r\r\ngrüß dich\n";
    let heard = ["[bob] with LF", "[bob] with CRLF", r"[bob] a carriage\rreturn\r", "[bob] grüß dich"];
    for len in [lines.len(), 7, 1] {
        for piece in lines.as_bytes().chunks(len) {
            bob.socket.send(piece);
        }
        for line in heard {
            assert_eq!(ann.hear_said(), line);
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_answered_once_and_costs_nothing_else() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    bob.say(&"x".repeat(1 << 20));
    bob.say("short again");
    assert_eq!(bob.hear_notice(), "* too long: that line was skipped");
    assert_eq!(ann.hear_said(), "[bob] short again");
    bob.say("/name bo");
    assert_eq!(bob.hear_notice(), "* you are bo", "it was answered once");

    // The longest message there is, and one byte more.
    let longest = "y".repeat(4096);
    assert_eq!(ask(&mut ann, &format!("{longest}y")), "* too big: a message has at most 4096 bytes");
    assert_eq!(ask(&mut bob, &format!("{longest}y")), "* too big: a message has at most 4096 bytes");
    ann.say(&longest);
    assert!(bob.hear_said().ends_with(&format!("] {longest}")));
    bob.say(&longest);
    assert!(ann.hear_said().ends_with(&format!("] {longest}")));
}

#[test]
fn a_line_that_is_not_utf8_is_answered_once() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    bob.socket.send(b"caf\xE9 \xFF\xFF\xFF\nsound again\n");
    assert_eq!(bob.hear_notice(), "* not UTF-8: that line was skipped");
    assert_eq!(ann.hear_said(), "[bob] sound again");
    bob.say("/name bo");
    assert_eq!(bob.hear_notice(), "* you are bo", "it was answered once");
}

#[test]
fn a_page_that_sends_bytes_is_closed() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    ann.send(Opcode::Binary, [1, 2, 3]);
    ann.closed_with(1003, true);
}

#[test]
fn nobody_can_forge_a_line_or_move_a_cursor() {
    let daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    let mut cyn = page(&daemon, "cyn");
    ann.say("one\n* eve left\r\n[bob] two\u{2028}\u{202e}\u{1b}[2J\u{7f}\u{85}");
    let shown = r"[ann] one\n* eve left\r\n[bob] two\u{2028}\u{202e}\u{1b}[2J\u{7f}\u{85}";
    // `Line` and this look at the raw text: nothing hidden came through, on either way.
    assert_eq!(bob.hear_said(), shown);
    assert_eq!(cyn.hear_said(), shown);
    bob.say("a bell\u{7} and a tab\t.");
    assert_eq!(cyn.hear_said(), "[bob] a bell\\u{7} and a tab\t.");
    ann.say("/name eve\n[bob] hi");
    assert!(ann.hear_notice().starts_with("* bad name: "));
}

#[test]
fn a_crowd_that_comes_at_once_is_told_of_in_a_few_notices() {
    const CROWD: usize = 200;
    let daemon = Daemon::start(&[]);
    let mut ann = WebSocket::connect(&daemon, "/ws");
    let name = ann.welcomed();
    let began = Instant::now();
    let mut crowd: Vec<Line> = (0..CROWD).map(|_| Line::connect(&daemon)).collect();
    for member in &mut crowd {
        member.welcomed();
    }
    let (mut told, mut notices) = (0, 0);
    while told < CROWD {
        let line = ann.hear_first("who came", |line| Presence::parse(line).is_some());
        told += Presence::parse(&line).map_or(0, |presence| presence.joined_len);
        notices += 1;
    }
    assert_eq!(told, CROWD);
    // The first at once, then one a second at most.
    let most = 2 + began.elapsed().as_secs();
    assert!(notices <= most, "{notices} notices in {:?}", began.elapsed());

    // The same when they leave.
    let began = Instant::now();
    drop(crowd);
    let (mut told, mut notices) = (0, 0);
    while told < CROWD {
        let line = ann.hear_first("who left", |line| Presence::parse(line).is_some());
        told += Presence::parse(&line).map_or(0, |presence| presence.left_len);
        notices += 1;
    }
    let most = 2 + began.elapsed().as_secs();
    assert!(notices <= most, "{notices} notices in {:?}", began.elapsed());
    assert_eq!(ask(&mut ann, "/who"), format!("* lobby: 1 here: {name}"));
}

#[test]
fn who_says_nothing_at_netcat_is_asked_to_leave() {
    let daemon = Daemon::start(&["--idle-timeout", "1s"]);
    let began = Instant::now();
    let mut idle = Line::connect(&daemon);
    let mut page = page(&daemon, "ann");
    idle.welcomed();
    idle.ended_with("* nothing said for 1 s: goodbye");
    // The server's clock stands still during a turn, so its second may have begun a little before ours.
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(900) && waited < PATIENCE, "{waited:?}");
    // A page is asked by pings whether it is there. It has been as silent, and stays.
    page.say("/who");
    assert_eq!(page.hear_notice(), "* lobby: 1 here: ann");
}

#[test]
fn a_slow_reader_delays_nobody_and_is_told_what_it_missed() {
    const MESSAGES: usize = 300;
    let daemon = Daemon::start(&["--write-queue-bytes", "64k", "--publish-per-second", "0"]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    // A small window, so that what they do not read soon waits in the server.
    let narrow = |socket: &socket2::Socket| socket.set_recv_buffer_size(16 * 1024).expect("a smaller buffer");
    let mut slow_line = Line::over(Socket::connect_with(daemon.line(), narrow));
    slow_line.welcomed();
    let mut socket = Socket::connect_with(daemon.http(), narrow);
    socket.send(request("/ws", &[]));
    let mut slow_page = WebSocket::accepted(socket);
    slow_page.welcomed();
    assert_eq!(ask(&mut ann, "/join den"), "* den: 1 here");
    assert_eq!(ask(&mut bob, "/join den"), "* den: 2 here");
    assert_eq!(ask(&mut slow_line, "/join den"), "* den: 3 here");
    assert_eq!(ask(&mut slow_page, "/join den"), "* den: 4 here");
    // Once all of that has been told, the room's stream holds nothing but what is said.
    let mut told = 0;
    while told < 3 {
        told += Presence::parse(&ann.hear().expect("a notice")).map_or(0, |presence| presence.joined_len);
    }

    let filler = "z".repeat(4000);
    for n in 0..MESSAGES {
        ann.say(&format!("{n} {filler}"));
        // Each before the next is sent: nobody waits for the slow ones.
        assert_eq!(bob.hear_said(), format!("[ann] {n} {filler}"));
    }

    // Now the slow ones read. Every message is there, or the number of those that are not is told where they would be.
    for missed in [account(&mut slow_line, MESSAGES), account(&mut slow_page, MESSAGES)] {
        assert!(missed > 0, "1.2 MB did not fit into the queues on the way");
    }
    // And they are in the room as before.
    ann.say("the end");
    for heard in [bob.hear_said(), slow_line.hear_said(), slow_page.hear_said()] {
        assert_eq!(heard, "[ann] the end");
    }
}

/// Reads until so many messages are accounted for. Returns how many were missed, and told of.
pub fn account(member: &mut impl Member, messages_len: usize) -> usize {
    let (mut expected, mut missed) = (0, 0);
    while expected < messages_len {
        let line = member.hear().expect("it is told, not dropped");
        if let Some(count) = line.strip_prefix("* missed ") {
            // `58 to 912 (slow)`, or `58 (slow)`: messages by their numbers, which begin at 1.
            let numbers = count.strip_suffix(" (slow)").expect("why");
            let (from, to) = numbers.split_once(" to ").unwrap_or((numbers, numbers));
            let [from, to] = [from, to].map(|number| number.parse::<usize>().expect("a number"));
            assert_eq!(from, expected + 1, "a hole that was not told of");
            expected = to;
            missed += to + 1 - from;
        } else if let Some(said) = line.strip_prefix("[ann] ") {
            let n: usize = said.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            assert_eq!(n, expected, "a hole that was not told of");
            expected += 1;
        } else {
            assert!(Presence::parse(&line).is_some() || line.ends_with(" here"), "{line}");
        }
    }
    assert_eq!(expected, messages_len, "more was missed than was said");
    missed
}

#[test]
fn whatever_is_said_in_one_write_arrives_in_its_order_before_the_goodbye() {
    let daemon = Daemon::start(&["--publish-per-second", "0"]);
    let mut ann = page(&daemon, "ann");
    let mut bob = netcat(&daemon, "bob");
    let lines: String = (0..500).map(|n| format!("line {n}\n")).collect();
    bob.socket.send(format!("{lines}/quit\nnot served any more\n"));
    for n in 0..500 {
        assert_eq!(ann.hear_said(), format!("[bob] line {n}"));
    }
    bob.ended_with("* goodbye");
    ann.say("/who");
    assert_eq!(ann.hear_notice(), "* lobby: 1 here: ann");
    ann.say("/quit");
    assert_eq!(ann.next(), Heard::Close(Some(1000)));
}
