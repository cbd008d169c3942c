//! The exact picture, for a fixed series of seconds and at several sizes.

use super::super::sample;
use super::*;
use crate::bench::live::Series;
use crate::bench::outcome::{Times, times};
use crate::bench::plan::{Plan, Scenario};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// What a terminal of that size shows.
fn shown(board: &Board, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| board.draw(frame.area(), frame.buffer_mut())).expect("it draws");
    let cells = terminal.backend().buffer().content();
    let row = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
    cells.chunks(usize::from(width).max(1)).map(|cells| row(cells).trim_end().to_owned()).collect()
}

/// Second `at` of a run in which the server stalls in the seventh second.
fn second(board: &mut Board, plan: &Plan, at: u64) {
    let phase = match at {
        0 => Phase::Connecting,
        1 => Phase::Warmup,
        _ => Phase::Measured,
    };
    let latency: Times = match at {
        0 => times(),
        7 => {
            sample::times_of(&[(160_000, 20_000), (3_000_000, 4000), (90_000_000, 9000), (900_000_000, 9000)])
        }
        _ => sample::times_of(&[(120_000, 60_000), (300_000, 30_000), (800_000, 900), (4_000_000, 1)]),
    };
    sample::with_moment(plan, |moment| {
        let is_sending = at > 0;
        let second = Second {
            at,
            phase,
            sends: if is_sending { 400 } else { 0 },
            deliveries: latency.len(),
            ..moment.second
        };
        let elapsed = Duration::from_secs(at + 1);
        let is_well = at != 7;
        let limits = if is_well { Vec::new() } else { moment.limits.clone() };
        let client_share = if is_well { 0.43 } else { moment.client_share };
        let so_far = Totals { intended: 400 * at, sends: 400 * at, ..moment.so_far };
        let moment =
            Moment { second, elapsed, latency: &latency, limits, client_share, so_far, ..moment.clone() };
        board.second(&moment);
    });
}

/// After so many seconds.
fn board(plan: &Plan, seconds: u64) -> Board {
    let mut board = Board::new(false);
    board.begin(&Begin { plan, number: 2, series: Series::Runs(5) });
    (0..seconds).for_each(|at| second(&mut board, plan, at));
    board
}

#[test]
fn several_runs_at_the_size_of_a_usual_terminal() {
    let plan = sample::plan();
    let mut several = board(&plan, 12);
    several.end(&sample::fanout());
    assert_eq!(
        shown(&several, 80, 24),
        [
            "chinwag bench fanout   ws://127.0.0.1:2021/ws                         run 2 of 5",
            "measured    ━━━━━━━━━━━━━─────────────────────────── 20 s left",
            "last second 400/s sent  90.9k/s delivered  p50 123 µs  p99 1.20 ms  max 2.30 ms",
            "messages    4,400 intended   4,390 sent   10 refused",
            "connections 998 of 1,000 open   2 lost   1 failed",
            "errors      12 errors: rate_limited 10, closed: 1012 2",
            "limit       none: server at 44 % of a core, client at 43 %",
            "run 2 of 5  all accounted for: 12,387,600 deliveries of 12,400 messages, each on",
            "    500 ms │       ▓",
            "    200 ms │",
            "    100 ms │",
            "     50 ms │       ▓",
            "     20 ms │",
            "     10 ms │",
            "      5 ms │",
            "      2 ms │ ░░░░░░▓░░░░",
            "      1 ms │",
            "    500 µs │ ▒▒▒▒▒▒ ▒▒▒▒",
            "    200 µs │ ██████ ████",
            "    100 µs │ ███████████",
            "              └measured                                                     0:12",
            "      sent │ ███████████",
            " delivered │ ██████▃████",
            "q or Ctrl-C ends the run and prints its report",
        ]
    );
}

#[test]
fn a_stall_and_a_client_that_is_the_limit() {
    let plan = sample::plan();
    assert_eq!(
        shown(&board(&plan, 8), 60, 18),
        [
            "chinwag bench fanout   ws://127.0.0.1:2021/ws     run 2 of 5",
            "measured    ━━━━━━━─────────────────────────── 24 s left",
            "last second 400/s sent  42.0k/s delivered  p50 123 µs  p99 1",
            "messages    2,800 intended   2,790 sent   10 refused",
            "connections 998 of 1,000 open   2 lost   1 failed",
            "errors      12 errors: rate_limited 10, closed: 1012 2",
            "limit       the client: its busiest thread was at work for 9",
            "           │",
            "      10 s │",
            "       1 s │",
            "    100 ms │       ▓",
            "     10 ms │       ▓",
            "      1 ms │ ░░░░░░▒",
            "    100 µs │ ██████▓",
            "              └measured                                 0:08",
            "      sent │ ███████",
            " delivered │ ██████▃",
            "q or Ctrl-C ends the run and prints its report",
        ]
    );
}

#[test]
fn half_an_hour_fits() {
    let plan = sample::plan();
    assert_eq!(
        shown(&board(&plan, 2000), 60, 22),
        [
            "chinwag bench fanout   ws://127.0.0.1:2021/ws     run 2 of 5",
            "measured    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 0 s left",
            "last second 400/s sent  90.9k/s delivered  p50 123 µs  p99 1",
            "messages    799,600 intended   799,590 sent   10 refused",
            "connections 998 of 1,000 open   2 lost   1 failed",
            "errors      12 errors: rate_limited 10, closed: 1012 2",
            "limit       none: server at 44 % of a core, client at 43 %",
            "           │",
            "           │",
            "           │",
            "           │",
            "           │",
            "      10 s │",
            "       1 s │",
            "    100 ms │▒",
            "     10 ms │▒",
            "      1 ms │▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░",
            "    100 µs │██████████████████████████████████████████████",
            "             └measured                                 33:20",
            "      sent │▇█████████████████████████████████████████████",
            " delivered │▇█████████████████████████████████████████████",
            "q or Ctrl-C ends the run and prints its report",
        ]
    );
}

#[test]
fn where_nothing_is_sent_there_are_connections() {
    let idle = Plan { scenario: Scenario::Idle, senders: 0, ..sample::plan() };
    assert_eq!(
        shown(&board(&idle, 8), 60, 9),
        [
            "chinwag bench idle   ws://127.0.0.1:2021/ws       run 2 of 5",
            "measured    ━━━━━━━─────────────────────────── 24 s left",
            "connections 998 of 1,000 open   2 lost   1 failed",
            "errors      12 errors: rate_limited 10, closed: 1012 2",
            "limit       the client: its busiest thread was at work for 9",
            "            ████████",
            "            ████████",
            "      open │████████",
            "q or Ctrl-C ends the run and prints its report",
        ]
    );
}

#[test]
fn before_the_first_second() {
    let plan = sample::plan();
    assert_eq!(
        shown(&board(&plan, 0), 60, 4),
        [
            "chinwag bench fanout   ws://127.0.0.1:2021/ws     run 2 of 5",
            "connecting: the first second has not passed yet",
            "",
            "q or Ctrl-C ends the run and prints its report",
        ]
    );
}

#[test]
fn what_does_not_fit_is_cut() {
    let plan = sample::plan();
    let mut several = board(&plan, 12);
    several.end(&sample::fanout());
    assert_eq!(
        shown(&several, 30, 4),
        [
            "chinwag bench fanout   ws://12",
            "measured    ━─── 20 s left",
            "last second 400/s sent  90.9k/",
            "messages    4,400 intended   4",
        ]
    );
}

#[test]
fn the_picture_in_the_docs_is_what_is_shown() {
    let picture = shown(&board(&sample::plan(), 12), 80, 16).join("\n");
    let docs = include_str!("../../../../docs/bench.md");
    assert!(docs.contains(&format!("```text\n{picture}\n```")), "{picture}");
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let plan = sample::plan();
    let colours = |has_colour| {
        let mut board = Board { has_colour, ..board(&plan, 8) };
        board.end(&sample::broken());
        let mut buf = Buffer::empty(Rect::new(0, 0, 80, 24));
        board.draw(buf.area, &mut buf);
        let mut colours: Vec<Color> = buf.content().iter().map(|cell| cell.fg).collect();
        colours.dedup();
        colours.retain(|colour| *colour != Color::Reset);
        colours
    };
    assert_eq!(colours(false), []);
    for colour in [Color::Cyan, Color::Red, Color::Blue] {
        assert!(colours(true).contains(&colour), "{colour}");
    }
}

#[test]
fn what_a_server_says_cannot_write_to_the_terminal() {
    let plan = sample::plan();
    let mut board = board(&plan, 3);
    let latest = board.latest.as_mut().expect("seconds have passed");
    latest.errors.add("\u{1b}[2J\u{7}code\n\u{9b}1m", String::new, "");
    let picture = shown(&board, 80, 24);
    let row = picture.iter().find(|row| row.contains("code")).expect("it is shown");
    assert!(!row.contains(char::is_control), "{row:?}");
}

#[test]
fn a_user_who_has_ended_it_is_told_what_is_waited_for() {
    let plan = sample::plan();
    let mut board = board(&plan, 3);
    board.note_ending();
    board.warn("the disk is full");
    let picture = shown(&board, 80, 24);
    assert!(picture.contains(&"warning     the disk is full".to_owned()), "{picture:#?}");
    let last = picture.last().expect("a row");
    assert!(last.starts_with("ending: "), "{last}");
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let plan = sample::plan();
    let mut boards = [board(&plan, 0), board(&plan, 1), board(&plan, 30)];
    for board in &mut boards {
        board.warn("the disk is full");
        board.end(&sample::broken());
        for width in [0, 1, 2, 11, 12, 13, 14, 25, 26, 27, 60, 1000] {
            for height in 0..30 {
                assert_eq!(shown(board, width, height).len(), usize::from(height * width.min(1)));
            }
        }
        shown(board, 300, 200);
    }
}
