//! `--tui`: a live view of a run. What is on it, as a picture for `ratatui`; the terminal itself is the command's affair.
//!
//! ```text
//!     lines      what is played, how far it is, counts, errors, who is the limit      clipped where the screen is low
//!     plots      latency over time, rates over time                                   left out where it is very low
//!     footer     how to end it
//! ```
//!
//! The plots show the whole run, so a column is a second at first and several later: see `history.rs`.

mod heat;
mod history;

use super::course::Course;
use super::csv::word;
use super::figures::us;
use super::progress::work_of;
use super::units::{count, duration, rate, share, things};
use super::verdict::{self, Summary, Weight};
use super::work::Work;
use crate::bench::live::{Begin, Moment, ServerShare, Totals};
use crate::bench::outcome::{Errors, Outcome, Phase, Second};
use history::{Column, History};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Sparkline, Widget};
use std::time::Duration;

/// The width of what stands to the left of a plot.
const GUTTER: u16 = 12;
/// The width of the words that begin a line.
const LABEL: usize = 12;
const BAR_WIDTH_MAX: usize = 40;
/// What stands on the right of the bar: `23:59:59 left`, and a space.
const LEFT_WIDTH: usize = 14;
/// The least height of the heat map, with the line below it.
const MAP_ROWS_MIN: u16 = 4;
/// From this height on there are sparklines beside it.
const PLOT_ROWS_MIN: u16 = 6;
/// A server that takes so much of a core is likely to be the limit.
const SERVER_SHARE_MAX: f64 = 0.9;

const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

/// What is seen of the runs.
#[derive(Debug)]
pub struct Board {
    has_colour: bool,
    title: String,
    label: String,
    work: Option<&'static Work>,
    course: Course,
    history: History,
    latest: Option<Latest>,
    /// The run that ended last, and what is to be thought of it.
    verdict: Option<(String, Weight, String)>,
    warning: Option<String>,
    is_ending: bool,
}

/// What the last second was like.
#[derive(Debug)]
struct Latest {
    second: Second,
    elapsed: Duration,
    span: f64,
    so_far: Totals,
    errors: Errors,
    client_share: f64,
    limits: Vec<String>,
    server: Option<ServerShare>,
}

impl Board {
    /// Nothing has begun yet.
    pub fn new(has_colour: bool) -> Board {
        Board {
            has_colour,
            title: String::new(),
            label: String::new(),
            work: None,
            course: Course::default(),
            history: History::default(),
            latest: None,
            verdict: None,
            warning: None,
            is_ending: false,
        }
    }

    /// A run begins.
    pub fn begin(&mut self, run: &Begin<'_>) {
        self.title = format!("chinwag bench {}   {}", run.plan.scenario, run.plan.servers);
        self.label = run.label();
        self.work = work_of(run.plan);
        self.course = Course::of(run.plan);
        (self.history, self.latest) = (History::default(), None);
    }

    /// A second has passed.
    pub fn second(&mut self, moment: &Moment<'_>) {
        self.course.note(&moment.second);
        self.history.push(moment);
        self.latest = Some(Latest {
            second: moment.second,
            elapsed: moment.elapsed,
            span: moment.span.as_secs_f64(),
            so_far: moment.so_far,
            errors: moment.errors.clone(),
            client_share: moment.client_share,
            limits: moment.limits.iter().map(verdict::reason).collect(),
            server: moment.server,
        });
    }

    /// A run is over.
    pub fn end(&mut self, outcome: &Outcome) {
        let summary = Summary::of(&[outcome]);
        let label = if self.label.is_empty() { "verdict".to_owned() } else { self.label.clone() };
        let first = summary.findings.first().map(|finding| finding.text.clone()).unwrap_or_default();
        self.verdict = Some((label, summary.weight(), first));
    }

    /// Something is wrong, though not with the run.
    pub fn warn(&mut self, why: &str) {
        self.warning = Some(why.to_owned());
    }

    /// The user has ended it.
    pub fn note_ending(&mut self) {
        self.is_ending = true;
    }

    /// Draws all of it.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let lines = self.lines(area.width.into());
        for (y, line) in (area.top()..area.bottom()).zip(&lines) {
            buf.set_line(area.x, y, line, area.width);
        }
        if area.height > 0 {
            self.draw_right(&self.label, Rect { height: 1, ..area }, buf);
        }
        let lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let Some(rest @ 1..) = area.height.checked_sub(lines) else { return };
        let footer = match self.is_ending {
            true => "ending: waiting for messages that are under way; Ctrl-C again ends the process",
            false => "q or Ctrl-C ends the run and prints its report",
        };
        buf.set_line(area.x, area.bottom() - 1, &Line::styled(footer, FAINT), area.width);
        self.draw_plots(Rect { y: area.y + lines, height: rest - 1, ..area }, buf);
    }

    fn draw_right(&self, text: &str, row: Rect, buf: &mut Buffer) {
        let line = Line::styled(text, FAINT);
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
        // Beside what is there, and not over it.
        if self.title.chars().count() + usize::from(width) + 3 <= usize::from(row.width) {
            buf.set_line(row.right() - width, row.y, &line, width);
        }
    }

    fn lines(&self, width: usize) -> Vec<Line<'_>> {
        let mut lines = vec![Line::styled(&*self.title, STRONG)];
        let Some(latest) = &self.latest else {
            lines.push(Line::raw("connecting: the first second has not passed yet"));
            return lines;
        };
        lines.push(self.progress(latest, width));
        if let Some(work) = self.work {
            lines.push(rates(latest, work));
            lines.push(self.messages(latest));
        }
        lines.push(self.connections(latest));
        lines.push(self.errors(latest));
        lines.push(self.limit(latest));
        if let Some((label, weight, text)) = &self.verdict {
            let style = match weight {
                Weight::Good | Weight::Notable => self.coloured(Color::Green),
                Weight::Doubtful => self.coloured(Color::Yellow),
                Weight::Bad => self.coloured(Color::Red),
            };
            lines.push(labelled(label, vec![Span::styled(&**text, style)]));
        }
        if let Some(warning) = &self.warning {
            lines.push(labelled("warning", vec![Span::styled(&**warning, self.bad(true))]));
        }
        lines
    }

    fn progress(&self, latest: &Latest, width: usize) -> Line<'_> {
        let bar_width = width.saturating_sub(LABEL + LEFT_WIDTH).min(BAR_WIDTH_MAX);
        let filled = (self.course.done(&latest.second) * bar_width as f64).round() as usize;
        let left = self.course.left(&latest.second).unwrap_or_default();
        Line::from(vec![
            Span::styled(format!("{:<LABEL$}", word(latest.second.phase)), STRONG),
            Span::styled("━".repeat(filled), self.coloured(Color::Cyan)),
            Span::styled("─".repeat(bar_width - filled), FAINT),
            Span::raw(format!(" {left}")),
        ])
    }

    fn messages(&self, latest: &Latest) -> Line<'_> {
        let Totals { intended, sends, refused, .. } = latest.so_far;
        let sent = format!("{} intended   {} sent   ", count(intended), count(sends.saturating_sub(refused)));
        let refused = Span::styled(format!("{} refused", count(refused)), self.bad(refused > 0));
        labelled("messages", vec![Span::raw(sent), refused])
    }

    fn connections(&self, latest: &Latest) -> Line<'_> {
        let Totals { failed, lost, .. } = latest.so_far;
        let open = format!("{} of {} open   ", count(latest.second.open), count(self.course.connections));
        labelled(
            "connections",
            vec![
                Span::raw(open),
                Span::styled(format!("{} lost", count(lost)), self.bad(lost > 0)),
                Span::raw("   "),
                Span::styled(format!("{} failed", count(failed)), self.bad(failed > 0)),
            ],
        )
    }

    /// The most frequent kinds first.
    fn errors(&self, latest: &Latest) -> Line<'_> {
        if latest.errors.kinds.is_empty() {
            return labelled("errors", vec![Span::raw("none")]);
        }
        let mut kinds: Vec<(&String, u64)> =
            latest.errors.kinds.iter().map(|(kind, error)| (kind, error.count)).collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let kinds: Vec<String> =
            kinds.iter().map(|(kind, number)| format!("{kind} {}", count(*number))).collect();
        let total = Span::styled(things(latest.so_far.errors, "error", "errors"), self.bad(true));
        labelled("errors", vec![total, Span::raw(format!(": {}", kinds.join(", ")))])
    }

    /// Who is the limit, as far as that can be told from one second.
    fn limit(&self, latest: &Latest) -> Line<'_> {
        let client = share(latest.client_share);
        let spans = match (&latest.limits[..], latest.server) {
            ([], None) => vec![Span::raw(format!("client at {client}; --server-pid shows the server"))],
            ([], Some(server)) if server.cpu >= SERVER_SHARE_MAX => {
                let text =
                    format!("perhaps the server, at {} of a core; client at {client}", share(server.cpu));
                vec![Span::styled(text, self.coloured(Color::Yellow))]
            }
            ([], Some(server)) => {
                vec![Span::raw(format!(
                    "none: server at {} of a core, client at {client}",
                    share(server.cpu)
                ))]
            }
            (reasons, _) => {
                vec![Span::styled(format!("the client: {}", reasons.join("; ")), self.bad(true))]
            }
        };
        labelled("limit", spans)
    }

    /// Latency and rates, over time.
    fn draw_plots(&self, area: Rect, buf: &mut Buffer) {
        let Some(width @ 1..) = area.width.checked_sub(GUTTER) else { return };
        let columns = self.history.fitted(width.into());
        let (Some(latest), false) = (&self.latest, columns.is_empty()) else { return };
        let Some(work) = self.work else {
            let open = columns.iter().map(|column| column.open).collect();
            return self.spark("open", open, area, buf);
        };
        let sparks = if area.height >= PLOT_ROWS_MIN { 2 } else { 0 };
        let map = Rect { height: area.height - sparks, ..area };
        if map.height < MAP_ROWS_MIN {
            return;
        }
        let gutter = Rect { width: GUTTER, height: map.height - 1, ..map };
        let plot = Rect { x: map.x + GUTTER, width, height: map.height - 1, ..map };
        if !heat::draw(&columns, gutter, plot, self.has_colour, buf) {
            let text = Line::styled("no deliveries yet", FAINT);
            buf.set_line(plot.x, plot.y + plot.height / 2, &text, plot.width);
        }
        let axis = Rect { y: plot.bottom(), height: 1, ..plot };
        draw_axis(&columns, latest.elapsed, axis, buf);
        if sparks > 0 {
            let row = |nth: u16| Rect { y: map.bottom() + nth, height: 1, ..area };
            let rates =
                |of: fn(&Column) -> u64| columns.iter().map(|column| column.rate(of(column))).collect();
            self.spark(work.asked, rates(|column| column.sends), row(0), buf);
            self.spark(work.done, rates(|column| column.deliveries), row(1), buf);
        }
    }

    fn spark(&self, name: &str, values: Vec<u64>, area: Rect, buf: &mut Buffer) {
        let Some(plot) =
            (area.height > 0).then(|| Rect { x: area.x + GUTTER, width: area.width - GUTTER, ..area })
        else {
            return;
        };
        let width = usize::from(GUTTER) - 2;
        buf.set_stringn(area.x, area.bottom() - 1, format!("{name:>width$} │"), GUTTER.into(), FAINT);
        Sparkline::default().data(values).style(self.coloured(Color::Cyan)).render(plot, buf);
    }

    fn coloured(&self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn bad(&self, is_bad: bool) -> Style {
        if is_bad { self.coloured(Color::Red).add_modifier(Modifier::BOLD) } else { Style::new() }
    }
}

fn labelled<'a>(label: &str, mut spans: Vec<Span<'a>>) -> Line<'a> {
    spans.insert(0, Span::styled(format!("{label:<LABEL$}"), FAINT));
    Line::from(spans)
}

/// What the last second was like.
fn rates<'a>(latest: &Latest, work: &Work) -> Line<'a> {
    let Second { sends, deliveries, p50, p99, max, .. } = latest.second;
    let each = |count: u64| rate(if latest.span > 0.0 { count as f64 / latest.span } else { 0.0 });
    let mut text = format!("{} {}  {} {}", each(sends), work.asked, each(deliveries), work.done);
    if deliveries > 0 {
        let [p50, p99, max] = [p50, p99, max].map(|ns| duration(us(ns)));
        text += &format!("  p50 {p50}  p99 {p99}  max {max}");
    }
    labelled("last second", vec![Span::raw(text)])
}

/// Below the heat map: where each phase begins, and how long the run has gone on.
fn draw_axis(columns: &[Column], elapsed: Duration, axis: Rect, buf: &mut Buffer) {
    let mut free = vec![true; axis.width.into()];
    let mut put = |at: usize, text: &str| {
        let cells = at..at + text.chars().count();
        let Some(taken) = free.get_mut(cells).filter(|cells| cells.iter().all(|is_free| *is_free)) else {
            return;
        };
        taken.fill(false);
        let x = axis.x.saturating_add(u16::try_from(at).unwrap_or(u16::MAX));
        buf.set_stringn(x, axis.y, text, text.len(), FAINT);
    };
    let secs = elapsed.as_secs();
    let time = format!(" {}:{:02}", secs / 60, secs % 60);
    put(usize::from(axis.width).saturating_sub(time.chars().count()), &time);
    // Where there is no room for all of them, what is measured is what matters.
    for phase in [Phase::Measured, Phase::Draining, Phase::Warmup, Phase::Connecting] {
        if let Some(at) = columns.iter().position(|column| column.phase == phase) {
            put(at, &format!("└{}", word(phase)));
        }
    }
}

#[cfg(test)]
mod tests;
