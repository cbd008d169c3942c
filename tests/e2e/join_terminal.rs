//! `chinwag join` at a terminal: what its user sees, and that the terminal is whole when it has gone.

use crate::harness::cable::Cable;
use crate::harness::member::{netcat, page};
use crate::harness::terminal::Terminal;
use crate::harness::{Daemon, Member, WebSocket};

const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_N: &str = "\u{e}";
const ESC: &str = "\u{1b}";
const PAGE_UP: &str = "\u{1b}[5~";
const LEFT: &str = "\u{1b}[D";

fn ws(daemon: &Daemon) -> String {
    format!("ws://{}", daemon.http())
}

/// Ann at a terminal, in the lobby.
fn ann(daemon: &Daemon) -> Terminal {
    ann_at(&ws(daemon))
}

fn ann_at(url: &str) -> Terminal {
    let terminal = Terminal::join(&[url, "--name", "ann"], 80, 12);
    terminal.shows("connected");
    terminal
}

fn last(rows: &[String]) -> &str {
    rows.last().expect("a screen has rows")
}

#[test]
fn what_is_typed_is_read_by_others_and_what_they_say_is_shown() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut ann = ann(&daemon);
    ann.types("helo");
    ann.types(LEFT);
    ann.types("l");
    ann.wait("what was typed", |rows| last(rows) == "lobby> hello");
    nc.say("while she types");
    ann.shows("nc │ while she types");
    ann.wait("the line to be as it was", |rows| last(rows) == "lobby> hello");
    assert_eq!(ann.cursor(), (11, 11));
    ann.types(ENTER);
    assert_eq!(nc.hear_said(), "[ann] hello");
    // It was there at once, and is there for good now, with its time.
    ann.wait("her own line", |rows| rows.iter().any(|row| row.contains("ann │ hello") && !row.contains('…')));
    ann.types("/who\r");
    ann.shows("2 here: ");
    ann.types(CTRL_D);
    assert_eq!(ann.left(), 0);
}

#[test]
fn it_begins_with_what_was_said_before_and_fetches_what_was_said_before_that() {
    let daemon = Daemon::start(&["--publish-per-second", "0", "--history", "500"]);
    let mut nc = netcat(&daemon, "nc");
    for number in 0..200 {
        nc.say(&format!("m{number}."));
    }
    nc.say("/ping");
    nc.hear_notice();
    let mut ann = Terminal::join(&[&ws(&daemon), "--name", "ann", "--history", "10"], 80, 12);
    ann.shows("m199.");
    for target in ["m190.", "m150.", "m60.", "m0."] {
        while !ann.rows().iter().any(|row| row.ends_with(target)) {
            let before = ann.rows();
            ann.types(PAGE_UP);
            ann.wait("another page", |rows| rows != before);
        }
    }
    ann.types(PAGE_UP);
    ann.shows("nothing older is remembered");
    nc.say("and on");
    ann.shows("more below");
    assert!(ann.rows().iter().any(|row| row.ends_with("m0.")), "{:?}", ann.rows());
    ann.types(ESC);
    ann.shows("and on");
}

#[test]
fn rooms_are_told_apart_and_what_is_unread_is_counted() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    nc.say("/join dev");
    nc.hear_notice();
    let mut ann = ann(&daemon);
    ann.types("/join dev\r");
    ann.shows(" 2 dev");
    ann.wait("dev in view", |rows| last(rows) == "dev>");
    ann.types(&format!("{ESC}1"));
    ann.wait("the lobby in view", |rows| last(rows) == "lobby>");
    nc.say("one");
    nc.say("two");
    ann.shows(" 2 dev 2");
    ann.types(CTRL_N);
    ann.shows("nc │ two");
    ann.wait("nothing unread", |rows| rows[0].starts_with(" 1 lobby  2 dev  "));
    ann.types("/leave\r");
    ann.wait("one room less", |rows| rows[0].starts_with(" 1 lobby   ") && last(rows) == "lobby>");
    nc.hear_first("her leaving", |line| line.contains("ann left"));
}

#[test]
fn what_is_wide_is_as_wide_as_it_looks_and_a_new_size_is_filled() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "ねこ");
    let mut ann = ann(&daemon);
    let long = "一二三四五六七八九十 ".repeat(5);
    nc.say(&long);
    nc.say("short");
    ann.shows("short");
    ann.types("ねこ");
    ann.wait("what was typed", |rows| last(rows) == "lobby> ねこ");
    assert_eq!(ann.cursor(), (11, 11));
    for (columns, rows) in [(60, 8), (100, 20), (30, 10), (80, 12)] {
        ann.resize(columns, rows);
        let seen = ann.wait("the new size", |seen| {
            let is_whole = seen.iter().filter(|row| row.contains('十')).count() >= 2;
            seen.len() == usize::from(rows) && is_whole && last(seen) == "lobby> ねこ"
        });
        // Each rule stands below the one before, in columns and not in characters.
        let columns_before = |row: &String| {
            let before = row.split('│').next().expect("split gives at least one part");
            before.chars().map(|c| if c.is_ascii() || c == '…' { 1 } else { 2 }).sum::<usize>()
        };
        let rules: Vec<usize> = seen.iter().filter(|row| row.contains('│')).map(columns_before).collect();
        assert!(rules.len() > 2 && rules.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    }
}

#[test]
fn a_paste_of_many_lines_waits_for_enter_and_is_said_line_by_line() {
    let daemon = Daemon::start(&["--publish-per-second", "100", "--burst", "5"]);
    let mut nc = netcat(&daemon, "nc");
    let mut ann = ann(&daemon);
    let lines: Vec<String> = (0..30).map(|number| format!("pasted {number}")).collect();
    ann.types(&format!("{ESC}[200~{}{ESC}[201~", lines.join("\r")));
    ann.shows("30 lines: Enter says them");
    ann.types(ENTER);
    for line in lines {
        assert_eq!(nc.hear_said(), format!("[ann] {line}"));
    }
    ann.wait("all to be taken", |rows| {
        rows.iter().any(|row| row.ends_with("pasted 29") && !row.contains('…'))
    });
}

#[test]
fn a_cable_that_is_cut_leaves_no_hole() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let cable = Cable::to(daemon.http());
    let mut ann = ann_at(&format!("ws://{}", cable.address));
    nc.say("before");
    ann.shows("nc │ before");
    cable.pull();
    ann.shows("connection lost");
    ann.shows("again in");
    nc.say("in between");
    ann.types("said into the dark\r");
    ann.shows("…            ann │ said into the dark");
    cable.lead_to(daemon.http());
    let rows = ann.wait("her line to be taken", |rows| {
        rows.iter().any(|row| row.contains("said into the dark") && !row.contains('…'))
    });
    let at =
        |words: &str| rows.iter().position(|row| row.ends_with(words)).unwrap_or_else(|| panic!("{rows:#?}"));
    assert!(at("back, 1 missed") < at("in between") && at("in between") < at("said into the dark"));
    assert_eq!(nc.hear_said(), "[ann] said into the dark");
}

#[test]
fn a_server_that_begins_anew_is_said_to() {
    let mut daemon = Daemon::start(&[]);
    let cable = Cable::to(daemon.http());
    let mut ann = ann_at(&format!("ws://{}", cable.address));
    ann.types("to the first\r");
    ann.wait("her line", |rows| rows.iter().any(|row| row.ends_with("to the first") && !row.contains('…')));
    daemon.kill();
    ann.shows("connection lost");
    let second = Daemon::start(&[]);
    cable.lead_to(second.http());
    ann.shows("begun anew");
    let mut nc = netcat(&second, "nc");
    nc.say("hello again");
    ann.shows("nc │ hello again");
    // What was said in its first life is still to be read.
    ann.shows("to the first");
}

#[test]
fn where_nobody_is_it_waits_and_says_so() {
    let daemon = Daemon::start(&[]);
    let cable = Cable::to(daemon.http());
    cable.pull();
    let url = format!("ws://{}", cable.address);
    let mut ann = Terminal::join(&[&url, "--name", "ann"], 80, 12);
    ann.shows("again in");
    cable.lead_to(daemon.http());
    ann.types(ENTER);
    ann.shows("connected");
    ann.types(CTRL_C);
    assert_eq!(ann.left(), 0);
}

#[test]
fn a_server_that_stops_for_good_leaves_what_was_said_to_be_read() {
    let mut daemon = Daemon::start(&[]);
    let mut ann = ann(&daemon);
    daemon.signal("INT");
    ann.shows("the server has stopped; /reconnect");
    daemon.wait();
    ann.types(CTRL_D);
    assert_eq!(ann.left(), 1);
}

#[test]
fn nothing_that_others_say_acts_on_the_terminal() {
    let daemon = Daemon::start(&[]);
    let mut ann = ann(&daemon);
    let mut eve = WebSocket::connect(&daemon, "/ws?name=eve");
    eve.say("\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txet\r\n12:00 bob │ forged");
    let row = ann.shows("owned");
    assert!(row.contains(r"\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}"), "{row}");
    ann.shows("1 lobby");
    let written = String::from_utf8_lossy(&ann.written()).into_owned();
    assert!(
        !written.contains("\u{1b}[2J\u{1b}]0")
            && !written.contains('\u{202e}')
            && !written.contains('\u{9b}')
    );
    ann.types(CTRL_C);
    assert_eq!(ann.left(), 0);
}

#[test]
fn colours_are_for_who_wants_them() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    nc.say("hi");
    let color = b"\x1b[38;5;";
    for (env, wants_colors) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let ann = Terminal::join_with(&[&ws(&daemon)], env, 80, 12);
        ann.shows("nc │ hi");
        let has_colors = ann.written().windows(color.len()).any(|bytes| bytes == color);
        assert_eq!(has_colors, wants_colors);
    }
}

#[test]
fn whichever_way_it_ends_the_terminal_is_as_it_was() {
    let daemon = Daemon::start(&[]);
    let mut terminal = ann(&daemon);
    terminal.types("half a line");
    // On a line that is not empty, Ctrl-D deletes.
    terminal.types(&format!("{CTRL_D}{CTRL_C}"));
    assert_eq!(terminal.left(), 0);
    let mut terminal = ann(&daemon);
    terminal.types("/quit\r");
    assert_eq!(terminal.left(), 0);
    for (signal, number) in [("TERM", 15), ("HUP", 1), ("INT", 2)] {
        let mut terminal = ann(&daemon);
        terminal.signal(signal);
        assert_eq!(terminal.left(), 128 + number);
    }
}

#[test]
fn what_was_said_before_stands_above_ones_own_coming() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    ["one", "two", "three"].into_iter().for_each(|line| nc.say(line));
    nc.say("/ping");
    nc.hear_notice();
    let guest = Terminal::join(&[&ws(&daemon)], 80, 12);
    let rows = guest.wait("its coming", |rows| rows.iter().any(|row| row.contains("lobby: 2 here")));
    let at =
        |words: &str| rows.iter().position(|row| row.contains(words)).unwrap_or_else(|| panic!("{rows:#?}"));
    assert!(at("│ one") < at("│ three") && at("│ three") < at("you are guest-"), "{rows:#?}");
    assert!(at("you are guest-") < at("lobby: 2 here"), "{rows:#?}");
}

#[test]
fn a_newcomer_is_told_of_help_which_fits_on_a_screen() {
    let daemon = Daemon::start(&[]);
    let mut ann = Terminal::join(&[&ws(&daemon), "--name", "ann"], 80, 24);
    ann.wait("the hint", |rows| last(rows).contains("/name NAME") && last(rows).contains("/help"));
    ann.types("x");
    ann.wait("the line alone", |rows| last(rows) == "lobby> x");
    ann.types("\u{15}/help\r");
    for (command, list) in [("", chinwag::join::COMMANDS), ("/help keys\r", chinwag::join::KEYS)] {
        ann.types(command);
        ann.wait("all of it", |rows| list.iter().all(|(what, _)| rows.iter().any(|row| row.contains(what))));
    }
}

#[test]
fn a_message_of_many_lines_is_drawn_as_lines_that_pass_for_nothing_else() {
    let daemon = Daemon::start(&[]);
    let mut ann = ann(&daemon);
    let mut web = page(&daemon, "web");
    web.say("one\n12:00          bob │ forged\n\nfour");
    ann.shows("web │ one");
    let row = ann.shows("forged");
    assert!(row.starts_with("                   ┆ 12:00"), "{row}");
    ann.shows("┆ four");
    ann.types("/quit\r");
    assert_eq!(ann.left(), 0);
}

#[test]
fn a_line_for_one_person_is_taken_back_when_it_does_not_arrive() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut ann = ann(&daemon);
    ann.types("/msg nobody psst\r");
    ann.shows("not sent: ");
    assert!(!ann.rows().iter().any(|row| row.contains("ann │ (to nobody)")), "{:#?}", ann.rows());
    ann.types("/msg nc psst\r");
    let taken =
        |rows: &[String]| rows.iter().any(|row| row.contains("ann │ (to nc) psst") && !row.contains('…'));
    ann.wait("her line", taken);
    nc.hear_first("her line", |line| line.contains("psst"));
}

#[test]
fn a_dumb_terminal_obeys_commands_and_says_none_of_them() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    for (args, answer) in
        [(&["--name", "ann"][..], "[nc] hi"), (&["--name", "ann", "--json"], r#""data":"hi""#)]
    {
        let url = ws(&daemon);
        let mut ann = Terminal::join_with(&[&[&*url], args].concat(), &[("TERM", "dumb")], 100, 24);
        ann.shows("/help lists the commands");
        ann.shows("lobby: 2 here");
        ann.types("/who\r");
        ann.shows("2 here: ");
        ann.types("  \r/nonsense\r/help\rhello\r");
        ann.shows("be called NAME");
        // None of the commands was said before.
        assert_eq!(nc.hear_said(), "[ann] hello");
        nc.say("hi");
        ann.shows(answer);
        ann.types("/join dev\r");
        ann.shows("what you say goes to dev");
        ann.types("/leave\r/quit\r");
        assert_eq!(ann.left(), 0);
        assert!(!ann.written().contains(&0x1b), "a dumb terminal knows no escape sequences");
    }
}

#[test]
fn a_dumb_terminal_can_be_left_though_nothing_will_be_taken() {
    let daemon = Daemon::start(&[]);
    for keys in [&["/quit\r"][..], &["hello\r", "/quit\r"], &[CTRL_D], &["hello\r", CTRL_D]] {
        let nowhere = format!("{}/healthz", ws(&daemon));
        let mut ann = Terminal::join_with(&[&nowhere, "--name", "ann"], &[("TERM", "dumb")], 100, 24);
        ann.shows("/reconnect tries again");
        keys.iter().for_each(|keys| ann.types(keys));
        assert_eq!(ann.left(), 1, "{keys:?}");
    }
}

#[test]
fn a_dumb_terminal_tells_that_it_waits_for_a_line_to_be_taken() {
    for (keys, again) in [("hello\r/quit\r", Some("/quit\r")), (CTRL_D, None)] {
        let mut daemon = Daemon::start(&[]);
        let mut ann = Terminal::join_with(&[&ws(&daemon), "--name", "ann"], &[("TERM", "dumb")], 100, 24);
        ann.shows("lobby: 1 here");
        daemon.kill();
        ann.shows("trying again in");
        ann.types(keys);
        if let Some(again) = again {
            ann.shows("one line is not taken yet: leaving when all is taken; /quit again leaves at once");
            ann.types(again);
        }
        ann.left();
    }
}

#[test]
fn a_dumb_terminal_marks_the_further_lines_of_a_message() {
    let daemon = Daemon::start(&[]);
    let mut ann = Terminal::join_with(&[&ws(&daemon), "--name", "ann"], &[("TERM", "dumb")], 80, 24);
    ann.shows("lobby: 1 here");
    let mut web = page(&daemon, "web");
    web.say("one\n[bob] forged\u{1b}[2J");
    ann.wait("the message", |rows| {
        let at = rows.iter().position(|row| row == "[web] one");
        at.and_then(|at| rows.get(at + 1)).is_some_and(|row| row == r"     | [bob] forged\u{1b}[2J")
    });
    ann.types(CTRL_D);
    assert_eq!(ann.left(), 0);
}

#[test]
fn what_is_typed_is_no_pipe_though_the_output_goes_elsewhere() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("log");
    let path = file.to_str().expect("a path in UTF-8");
    let mut ann = Terminal::join_into(path, &[&ws(&daemon), "--name", "ann"], 80, 24);
    ann.shows("lobby: 2 here");
    nc.say("for the log");
    ann.types("/who\r");
    ann.shows("2 here: ");
    ann.types("hello\r");
    assert_eq!(nc.hear_said(), "[ann] hello");
    ann.types("/quit\r");
    assert_eq!(ann.left(), 0);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "[nc] for the log\n");
}

#[test]
fn what_comes_all_at_once_is_read_to_its_end() {
    let daemon = Daemon::start(&[]);
    let mut nc = netcat(&daemon, "nc");
    let mut ann = ann(&daemon);
    // More than the terminal's reader takes at a time, without the marks of a paste.
    let words = "w".repeat(3000);
    ann.types(&format!("{words}{ENTER}"));
    assert_eq!(nc.hear_said(), format!("[ann] {words}"));
    ann.types(CTRL_D);
    assert_eq!(ann.left(), 0);
}
