//! What is seen while a run goes on.
//!
//! On a terminal it is two lines that are drawn anew each second and are gone in the end:
//!
//! ```text
//!     measured    ━━━━━━━━━━━━━━━━━━━━━━━━━─────────────── 12 s left   run 2 of 2
//!     400/s sent   400k/s delivered   p50 120 µs   p99 1.20 ms   1,000 open   no errors
//! ```
//!
//! Anywhere else it is a plain line a second, so that a log of it can be read. It goes to the standard error, where it is
//! in nobody's way.

use super::course::Course;
use super::csv::word;
use super::figures::us;
use super::units::{count, duration, rate, things};
use super::work::Work;
use crate::bench::live::{Begin, Moment, Watch};
use crate::bench::outcome::{Outcome, Phase, Second};
use crate::bench::plan::Plan;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::env;
use std::io::{self, IsTerminal, Stderr, Write};

const STRONG: Style = Style::new().bold();
const BAR: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();

const BAR_WIDTH: usize = 40;

/// Lines that are cut rather than wrapped where the terminal is narrow: two lines must stay two to be drawn over.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";
/// To the start of the line above, and everything from there taken away.
const UP_AND_CLEAR: &str = "\r\x1b[1A\x1b[J";

/// How it may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Lines can be drawn over.
    pub is_terminal: bool,
    /// Colours are wanted.
    pub has_colour: bool,
}

/// What is seen while a run goes on.
#[derive(Debug)]
pub struct Progress<W: Write = Stderr> {
    out: W,
    look: Look,
    course: Course,
    work: Option<&'static Work>,
    /// Which run it is, where there are several.
    label: String,
    errors: u64,
    is_drawn: bool,
}

/// What those are called who do something, if anybody does.
pub fn work_of(plan: &Plan) -> Option<&'static Work> {
    (plan.actors() > 0).then(|| Work::of(plan))
}

impl Progress {
    /// On the standard error, as it suits that. With `has_lines`, another watch writes lines to the standard output: on a
    /// terminal they would be among those that are drawn over.
    pub fn on_stderr(plan: &Plan, has_lines: bool) -> Progress {
        let stderr = io::stderr();
        let is_shared = has_lines && io::stdout().is_terminal();
        let is_terminal =
            !is_shared && stderr.is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        let has_colour = is_terminal && AutoStream::choice(&stderr) != ColorChoice::Never;
        Progress::new(stderr, Look { is_terminal, has_colour }, plan)
    }
}

impl<W: Write> Progress<W> {
    /// Where it is told to.
    pub fn new(out: W, look: Look, plan: &Plan) -> Progress<W> {
        Progress {
            out,
            look,
            course: Course::of(plan),
            work: work_of(plan),
            label: String::new(),
            errors: 0,
            is_drawn: false,
        }
    }

    /// Draws a second.
    fn draw(&mut self, second: &Second) {
        self.course.note(second);
        self.errors += second.errors;
        let text = match self.look.is_terminal {
            true => self.block(second),
            false => self.line(second),
        };
        self.is_drawn = self.look.is_terminal;
        // Nobody looks, or it cannot be shown: the run goes on.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    /// Takes away what was drawn.
    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = self.out.write_all(UP_AND_CLEAR.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    fn block(&self, second: &Second) -> String {
        let clear = if self.is_drawn { UP_AND_CLEAR } else { "" };
        let phase = format!("{:<12}", word(second.phase));
        let filled = (self.course.done(second) * BAR_WIDTH as f64).round() as usize;
        let bar = self.styled(BAR, &"━".repeat(filled));
        let rest = self.styled(FAINT, &"─".repeat(BAR_WIDTH - filled));
        let left = self.course.left(second).map_or_else(String::new, |left| format!(" {left}"));
        let label = if self.label.is_empty() { String::new() } else { format!("   {}", self.label) };
        let figures = self.figures(second).join("   ");
        format!(
            "{NO_WRAP}{clear}{}{bar}{rest}{left}{}\n{figures}{WRAP}",
            self.styled(STRONG, &phase),
            self.styled(FAINT, &label),
        )
    }

    fn line(&self, second: &Second) -> String {
        let label = if self.label.is_empty() { String::new() } else { format!("{}, ", self.label) };
        let mut parts = self.figures(second);
        parts.extend(self.course.left(second));
        format!("{label}{} s, {}: {}\n", second.at + 1, word(second.phase), parts.join(", "))
    }

    fn figures(&self, second: &Second) -> Vec<String> {
        let mut figures = Vec::new();
        if let Some(work) = self.work.filter(|_| second.phase != Phase::Connecting) {
            figures.push(format!("{} {}", rate(second.sends as f64), work.asked));
            figures.push(format!("{} {}", rate(second.deliveries as f64), work.done));
        }
        if second.deliveries > 0 {
            figures.push(format!("p50 {}", duration(us(second.p50))));
            figures.push(format!("p99 {}", duration(us(second.p99))));
        }
        figures.push(match second.phase {
            Phase::Connecting => format!("{} of {} open", count(second.open), count(self.course.connections)),
            _ => format!("{} open", count(second.open)),
        });
        figures.push(match self.errors {
            0 => "no errors".into(),
            errors => self.styled(BAD, &things(errors, "error", "errors")),
        });
        figures
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.look.has_colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

impl<W: Write> Watch for Progress<W> {
    fn begin(&mut self, run: &Begin<'_>) {
        (self.course, self.work) = (Course::of(run.plan), work_of(run.plan));
        (self.label, self.errors) = (run.label(), 0);
    }

    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        // Of a run that ends before it has a connection, the end says why.
        let is_none = moment.second.phase == Phase::Draining && moment.so_far.ready == 0;
        if !is_none {
            self.draw(&moment.second);
        }
        Ok(())
    }

    fn warn(&mut self, why: &str) {
        self.clear();
        let _ = writeln!(self.out, "warning: {why}");
    }

    fn end(&mut self, _: Option<&Outcome>) -> Result<(), String> {
        self.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::bench::live::Series;
    use std::sync::LazyLock;

    const PLAIN: Look = Look { is_terminal: false, has_colour: false };
    const TERMINAL: Look = Look { is_terminal: true, has_colour: false };
    const COLOUR: Look = Look { is_terminal: true, has_colour: true };

    /// What a look makes of these seconds, and of the end.
    fn shown(look: Look, runs: usize, seconds: &[Second]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, look, &sample::plan());
        progress.begin(&run(runs));
        seconds.iter().for_each(|second| progress.draw(second));
        progress.end(None).expect("it goes on");
        String::from_utf8(out).expect("UTF-8")
    }

    /// The last of so many runs.
    fn run(runs: usize) -> Begin<'static> {
        static PLAN: LazyLock<Plan> = LazyLock::new(sample::plan);
        Begin { plan: &PLAN, number: runs, series: Series::Runs(runs) }
    }

    fn seconds() -> Vec<Second> {
        sample::fanout().seconds
    }

    #[test]
    fn elsewhere_than_on_a_terminal_it_is_a_plain_line_a_second() {
        let all = seconds();
        assert_eq!(
            shown(PLAIN, 1, &[all[0], all[1], all[2], all[19]]),
            "1 s, connecting: 1,000 of 1,000 open, no errors\n\
             2 s, warm-up: 400/s sent, 400k/s delivered, p50 121 µs, p99 1.20 ms, 1,000 open, no errors, 30 s left\n\
             3 s, measured: 400/s sent, 399k/s delivered, p50 122 µs, p99 1.20 ms, 1,000 open, no errors, 29 s left\n\
             20 s, measured: 400/s sent, 398k/s delivered, p50 139 µs, p99 1.20 ms, 1,000 open, no errors, 12 s left\n"
        );
    }

    #[test]
    fn on_a_terminal_two_lines_are_drawn_anew_and_gone_in_the_end() {
        let text = shown(TERMINAL, 2, &seconds()[1..20]);
        assert_eq!(text.matches(UP_AND_CLEAR).count(), 19, "once for each but the first, and at the end");
        assert!(text.ends_with(UP_AND_CLEAR));
        let last = text.rsplit(NO_WRAP).next().expect("a block");
        let block = last.trim_start_matches(UP_AND_CLEAR).trim_end_matches(UP_AND_CLEAR);
        let (bar, rest) = ("━".repeat(24), "─".repeat(16));
        assert_eq!(
            block,
            format!(
                "measured    {bar}{rest} 12 s left   run 2 of 2\n\
                 400/s sent   398k/s delivered   p50 139 µs   p99 1.20 ms   1,000 open   no errors{WRAP}"
            )
        );
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        let styles = |look| {
            let text = shown(look, 2, &seconds()[..3]);
            let text = [NO_WRAP, WRAP, UP_AND_CLEAR].iter().fold(text, |text, code| text.replace(code, ""));
            text.contains('\x1b')
        };
        assert_eq!([PLAIN, TERMINAL, COLOUR].map(styles), [false, false, true]);
    }

    #[test]
    fn errors_add_up_and_begin_anew_with_the_next_run() {
        let failing = Second { errors: 3, ..seconds()[2] };
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, PLAIN, &sample::plan());
        progress.draw(&failing);
        progress.draw(&failing);
        progress.begin(&run(2));
        progress.draw(&seconds()[2]);
        let text = String::from_utf8(out).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("3 errors") && lines[1].contains("6 errors"), "{text}");
        assert!(lines[2].starts_with("run 2 of 2, 3 s") && lines[2].contains("no errors"), "{text}");
    }

    #[test]
    fn a_warning_stands_above_what_is_drawn_anew() {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, TERMINAL, &sample::plan());
        progress.draw(&seconds()[2]);
        progress.warn("the disk is full");
        progress.draw(&seconds()[3]);
        let text = String::from_utf8(out).expect("UTF-8");
        let (_, after) = text.split_once(UP_AND_CLEAR).expect("the block is taken away");
        assert!(after.starts_with(&format!("warning: the disk is full\n{NO_WRAP}measured")), "{after:?}");
    }

    #[test]
    fn where_nobody_sends_there_are_only_connections() {
        let plan = sample::idle().plan;
        let progress = Progress::new(Vec::new(), PLAIN, &plan);
        let second = sample::idle().seconds[5];
        assert_eq!(progress.line(&second), "6 s, measured: 1,000 open, no errors, 24 s left\n");
    }
}
