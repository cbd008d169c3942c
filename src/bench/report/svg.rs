//! `--svg`: the same as a picture.
//!
//! ```text
//!     what was played, and the verdict
//!     latency by percentile          the axis is logarithmic: each nine is as wide as the one before, so that the
//!                                    slowest message of a million is as easy to see as the median
//!     latency, second by second      both axes as usual for the eye: time, and powers of ten
//!     deliveries, second by second   or connections, where nothing is delivered
//!     when, and on what
//! ```
//!
//! In the first panel the latency is linear, as in HdrHistogram's own plots: what a tail costs is its height.

use super::Report;
use super::about::VERSION;
use super::figures::us;
use super::units::{count, duration, duration_unit, rate, things};
use super::verdict::{Summary, Weight};
use super::work::Work;
use crate::bench::outcome::{Outcome, Phase, Second, Times};
use crate::bench::plan::Load;
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::ops::Range;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const WIDTH: u32 = 1200;
/// Without the lines of the verdict, which are so high.
const HEAD: u32 = 76;
const LINE: u32 = 20;
const PERCENTILES: u32 = 420;
const LATENCY: u32 = 250;
const RATE: u32 = 210;
const FOOT: u32 = 34;
const MARGIN: i32 = 32;

const INK: RGBColor = RGBColor(31, 41, 55);
const SOFT: RGBColor = RGBColor(107, 114, 128);
const GRID: RGBColor = RGBColor(229, 231, 235);
const SHADE: RGBColor = RGBColor(236, 238, 242);
const BLUE: RGBColor = RGBColor(37, 99, 235);
const ORANGE: RGBColor = RGBColor(217, 119, 6);
const RED: RGBColor = RGBColor(220, 38, 38);
const GREEN: RGBColor = RGBColor(4, 120, 87);

const NS_PER_US: u64 = 1000;

/// The side of the square that shows a colour.
const SWATCH: i32 = 12;

const FONT: &str = "Inter, Helvetica, Arial, sans-serif";
/// The backend divides the sizes of fonts by this.
const POINTS: f64 = 1.24;
/// The longest text that fits in a line of the head, at its size.
const LINE_CHARS_MAX: usize = 150;

/// The quantiles whose latencies are written at the curve.
const MARKED: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];
/// Steps of the curve in each half of the way to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 20;

/// The picture.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    draw(&mut text, report).expect("a string takes everything");
    text
}

fn draw(text: &mut String, report: &Report) -> Drawn {
    let runs = report.runs();
    let is_busy = runs.iter().flat_map(|run| &run.seconds).any(|second| second.deliveries > 0);
    let latency_height = if is_busy { LATENCY } else { 0 };
    let summary = Summary::of(&runs);
    let said: Vec<(Weight, &str)> = match runs[..] {
        [] => vec![(Weight::Bad, "the condition held at no load that was tried")],
        _ => summary.findings.iter().map(|finding| (finding.weight, finding.text.as_str())).collect(),
    };
    let head_height = HEAD + LINE * said.len() as u32;
    let height = head_height + PERCENTILES + latency_height + RATE + FOOT;
    let root = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(head_height);
    let (percentiles, rest) = rest.split_vertically(PERCENTILES);
    let (latency, rest) = rest.split_vertically(latency_height);
    let (amount, foot) = rest.split_vertically(RATE);
    head(&top, report, &runs, &said)?;
    by_percentile(&percentiles, &runs)?;
    let time = Time::of(&runs);
    if is_busy {
        latency_over_time(&latency, &runs, &time)?;
    }
    amount_over_time(&amount, &runs, &time, is_busy)?;
    let machine = &report.about.machine;
    let made = format!(
        "chinwag {VERSION}, {}, {} ({} {}, {})",
        report.about.started_at(),
        machine.cpu,
        machine.cores,
        if machine.cores == 1 { "core" } else { "cores" },
        machine.kernel
    );
    write(&foot, &cut(&made), (MARGIN, 8), 12.0, &SOFT, HPos::Left)?;
    root.present()?;
    Ok(())
}

fn head(area: &Area<'_>, report: &Report, runs: &[&Outcome], said: &[(Weight, &str)]) -> Drawn {
    let plan = report.played();
    let title = format!(
        "{}, {} dialect, {} connections",
        plan.scenario,
        plan.dialect,
        count(plan.connections as u64)
    );
    let senders = things(plan.senders as u64, "sender", "senders");
    let load = match plan.load {
        _ if plan.senders == 0 => String::new(),
        Load::Open { rate: wanted, .. } => format!(", {} by {senders}", rate(wanted)),
        Load::Closed { window } => format!(", {window} under way of each of {senders}"),
    };
    let repeats = if runs.len() > 1 { format!(", {} runs", runs.len()) } else { String::new() };
    let style = font(22.0, &INK).pos(Pos::new(HPos::Left, VPos::Top));
    let bold = TextStyle { font: style.font.clone().style(FontStyle::Bold), ..style };
    area.draw_text(&title, &bold, (MARGIN, 18))?;
    write(area, &cut(&format!("{}{load}{repeats}", plan.servers)), (MARGIN, 48), 14.0, &SOFT, HPos::Left)?;
    for (line, (weight, text)) in (0_i32..).zip(said) {
        let colour = match weight {
            Weight::Good => &GREEN,
            Weight::Notable | Weight::Doubtful => &ORANGE,
            Weight::Bad => &RED,
        };
        write(area, &cut(text), (MARGIN, 70 + line * LINE as i32), 14.0, colour, HPos::Left)?;
    }
    Ok(())
}

/// Latency by percentile.
fn by_percentile(area: &Area<'_>, runs: &[&Outcome]) -> Drawn {
    let curves = curves(runs);
    let names: Vec<(&str, RGBColor)> = curves.iter().map(|curve| (curve.name, curve.colour)).collect();
    title(area, "Latency by percentile", &names)?;
    let shown: Vec<(&Times, RGBColor)> = curves
        .iter()
        .flat_map(|curve| runs.iter().filter_map(|run| Some(((curve.times)(run)?, curve.colour))))
        .filter(|(times, _)| !times.is_empty())
        .collect();
    let Some(slowest) = shown.iter().map(|(times, _)| us(times.max())).reduce(f64::max) else {
        return nothing(area, PERCENTILES, "nothing was measured");
    };
    let nines = shown.iter().map(|(times, _)| end_of(times)).fold(2.0, f64::max);
    let (factor, unit) = duration_unit(slowest);
    let rows = steps(slowest * 1.12, 5.0);
    let columns: Vec<f64> = [nines_of(0.5)].into_iter().chain((0..=nines as u32).map(f64::from)).collect();
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN - 12)
        .margin_right(MARGIN)
        .margin_top(44)
        .x_label_area_size(46)
        .y_label_area_size(78)
        .build_cartesian_2d(
            Axis { range: 0.0..nines + 0.08, labelled: columns },
            Axis { range: 0.0..slowest * 1.12, labelled: rows },
        )?;
    mesh(&mut chart, "percentile (logarithmic)", &format!("latency ({unit})"), &percentile, &|y| {
        without_zeros(&format!("{:.3}", y / factor))
    })?;
    for (times, colour) in shown.iter().rev() {
        draw_curve(&mut chart, times, *colour)?;
    }
    if let ([_], Some((times, colour))) = (runs, shown.first()) {
        mark(&mut chart, times, *colour)?;
    }
    Ok(())
}

/// A curve of each run.
struct Curve {
    name: &'static str,
    colour: RGBColor,
    times: fn(&Outcome) -> Option<&Times>,
}

/// The curves that tell most about these runs: of their messages or, where there are none, of their connections.
fn curves(runs: &[&Outcome]) -> Vec<Curve> {
    let curve = |name, colour, times| Curve { name, colour, times };
    let of_messages = [
        curve(Work::of_all(runs).of_one, BLUE, |run| Some(&run.latency)),
        curve("from its first to its last receiver", ORANGE, |run| Some(&run.spread.as_ref()?.times)),
        curve("of coming back", GREEN, |run| Some(&run.storm.as_ref()?.back_after)),
    ];
    let of_connections = [
        curve("until ready", BLUE, |run| Some(&run.connecting.ready_after)),
        curve("of the handshake", ORANGE, |run| Some(&run.connecting.handshake)),
        curve("of the TCP connection", GREEN, |run| Some(&run.connecting.connect)),
    ];
    let has =
        |curve: &Curve| runs.iter().any(|run| (curve.times)(run).is_some_and(|times| !times.is_empty()));
    match has(&of_messages[0]) {
        true => of_messages.into_iter().filter(has).collect(),
        false => of_connections.into_iter().filter(has).collect(),
    }
}

/// The latencies at some percentiles, written above the curve: to the left of its point it is lower.
fn mark(chart: &mut Chart<'_, '_>, times: &Times, colour: RGBColor) -> Drawn {
    let end = end_of(times);
    // What is too near to the end would be written over by it.
    let marked = MARKED.iter().filter(|quantile| nines_of(**quantile) < end - 0.4);
    let mut points: Vec<(f64, f64)> =
        marked.map(|quantile| (nines_of(*quantile), us(times.value_at_quantile(*quantile)))).collect();
    points.push((end, us(times.max())));
    for point in points {
        let text = duration(point.1);
        // So that no other curve runs through the text.
        let left = -8 - text.chars().count() as i32 * 8;
        let paper = Rectangle::new([(left, -21), (-4, -5)], WHITE.mix(0.85).filled());
        let style = font(13.0, &INK).pos(Pos::new(HPos::Right, VPos::Bottom));
        let dot = Circle::new((0, 0), 4, colour.filled());
        chart.draw_series([EmptyElement::at(point) + paper + dot + Text::new(text, (-6, -7), style)])?;
    }
    Ok(())
}

fn draw_curve(chart: &mut Chart<'_, '_>, times: &Times, colour: RGBColor) -> Drawn {
    let end = end_of(times);
    let points = times
        .iter_quantiles(TICKS_PER_HALF_DISTANCE)
        .map(|step| (nines_of(step.quantile_iterated_to()).min(end), us(step.value_iterated_to())));
    chart.draw_series(LineSeries::new(points, colour.stroke_width(3)))?;
    Ok(())
}

/// A number of a second.
type OfSecond = fn(&Second) -> u64;

/// Latency, second by second.
fn latency_over_time(area: &Area<'_>, runs: &[&Outcome], time: &Time) -> Drawn {
    let lines: [(RGBColor, OfSecond); 3] =
        [(RED, |second| second.max), (ORANGE, |second| second.p99), (BLUE, |second| second.p50)];
    title(area, "Latency in each second", &[("p50", BLUE), ("p99", ORANGE), ("greatest", RED)])?;
    let busy = || runs.iter().flat_map(|run| &run.seconds).filter(|second| second.deliveries > 0);
    // Nobody measures in less than microseconds; and zero has no logarithm.
    let lowest = busy().map(|second| second.p50).min().unwrap_or_default().max(NS_PER_US);
    let highest = busy().map(|second| second.max).max().unwrap_or_default().max(NS_PER_US);
    let (low, high) = (us(lowest).log10().floor(), us(highest).log10().ceil());
    let high = high.max(low + 1.0);
    let decades: Vec<f64> = (low as i32..=high as i32).map(f64::from).collect();
    let mut chart = over_time(area, time, low..high, decades)?;
    mesh(&mut chart, "", "latency (logarithmic)", &seconds, &|y| power_of_ten(*y))?;
    shade(&mut chart, time, low..high)?;
    for (colour, what) in lines {
        for run in runs {
            let with = run.seconds.iter().filter(|second| second.deliveries > 0);
            let points = with.map(|second| (second.at as f64, us(what(second).max(NS_PER_US)).log10()));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// Deliveries, second by second; or connections, if there are none.
fn amount_over_time(area: &Area<'_>, runs: &[&Outcome], time: &Time, is_busy: bool) -> Drawn {
    let seconds_of = || runs.iter().flat_map(|run| &run.seconds);
    let work = Work::of_all(runs);
    let (name, unit, what): (_, _, OfSecond) = match is_busy {
        true => {
            (work.title() + " in each second", format!("{}/s", work.outcomes), |second| second.deliveries)
        }
        false => ("Open connections".into(), "connections".into(), |second| second.open),
    };
    title(area, &name, &[("not measured", SHADE)])?;
    let most = seconds_of().map(what).max().unwrap_or(0);
    if most == 0 {
        return nothing(area, RATE, "no seconds were counted");
    }
    let most = most as f64 * 1.1;
    let mut chart = over_time(area, time, 0.0..most, steps(most, 4.0))?;
    let show = |y: &f64| without_zeros(&rate(*y)).replace("/s", "");
    mesh(&mut chart, "time (s)", &unit, &seconds, &show)?;
    shade(&mut chart, time, 0.0..most)?;
    for run in runs {
        let points = run.seconds.iter().map(|second| (second.at as f64, what(second) as f64));
        let area = AreaSeries::new(points, 0.0, BLUE.mix(0.12));
        chart.draw_series(area.border_style(BLUE.stroke_width(2)))?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// A linear axis with labels where we want them.
struct Axis {
    range: Range<f64>,
    labelled: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // The finer lines between them are not drawn.
        if hint.weight().allow_light_points() { Vec::new() } else { self.labelled.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// What the time axes have in common.
struct Time {
    last: f64,
    /// The seconds that are not measured, as ranges, of the first run.
    unmeasured: Vec<(f64, f64)>,
}

impl Time {
    fn of(runs: &[&Outcome]) -> Time {
        let last = runs.iter().filter_map(|run| run.seconds.last()).map(|second| second.at).max();
        let first = runs.first().map_or(&[][..], |run| &run.seconds);
        let unmeasured = first
            .iter()
            .filter(|second| second.phase != Phase::Measured)
            .map(|second| (second.at as f64 - 0.5, second.at as f64 + 0.5));
        Time { last: last.unwrap_or(0).max(1) as f64, unmeasured: unmeasured.collect() }
    }
}

fn over_time<'a, 'b>(
    area: &'a Area<'b>,
    time: &Time,
    rows: Range<f64>,
    labelled_rows: Vec<f64>,
) -> Result<Chart<'a, 'b>, Box<dyn Error>> {
    Ok(ChartBuilder::on(area)
        .margin_left(MARGIN - 12)
        .margin_right(MARGIN)
        .margin_top(44)
        .x_label_area_size(40)
        .y_label_area_size(78)
        .build_cartesian_2d(
            Axis { range: 0.0..time.last, labelled: steps(time.last, 8.0) },
            Axis { range: rows, labelled: labelled_rows },
        )?)
}

/// Greys what is not measured.
fn shade(chart: &mut Chart<'_, '_>, time: &Time, rows: Range<f64>) -> Drawn {
    let bands = time.unmeasured.iter().map(|(from, to)| {
        Rectangle::new([(from.max(0.0), rows.start), (to.min(time.last), rows.end)], SHADE.filled())
    });
    chart.draw_series(bands)?;
    Ok(())
}

fn mesh(
    chart: &mut Chart<'_, '_>,
    x_name: &str,
    y_name: &str,
    x_label: &dyn Fn(&f64) -> String,
    y_label: &dyn Fn(&f64) -> String,
) -> Drawn {
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(font(13.0, &INK))
        .axis_desc_style(font(13.0, &SOFT))
        .x_desc(x_name)
        .y_desc(y_name)
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .draw()?;
    Ok(())
}

/// The title of a panel, and at the right what its colours are.
fn title(area: &Area<'_>, text: &str, colours: &[(&str, RGBColor)]) -> Drawn {
    let style = font(15.0, &INK).pos(Pos::new(HPos::Left, VPos::Top));
    let bold = TextStyle { font: style.font.clone().style(FontStyle::Bold), ..style };
    area.draw_text(text, &bold, (MARGIN, 14))?;
    // Texts are about so wide in any of the fonts; too wide rather than too narrow.
    let width = |name: &str| SWATCH + 8 + name.chars().count() as i32 * 7 + 20;
    let mut left = WIDTH as i32 - MARGIN - colours.iter().map(|(name, _)| width(name)).sum::<i32>();
    for (name, colour) in colours {
        area.draw(&Rectangle::new([(left, 17), (left + SWATCH, 17 + SWATCH)], colour.filled()))?;
        write(area, name, (left + SWATCH + 8, 16), 13.0, &SOFT, HPos::Left)?;
        left += width(name);
    }
    Ok(())
}

/// What stands where a chart has nothing to show.
fn nothing(area: &Area<'_>, height: u32, text: &str) -> Drawn {
    write(area, text, (WIDTH as i32 / 2, height as i32 / 2), 14.0, &SOFT, HPos::Center)
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), size: f64, colour: &RGBColor, anchor: HPos) -> Drawn {
    area.draw_text(text, &font(size, colour).pos(Pos::new(anchor, VPos::Top)), at)?;
    Ok(())
}

fn font(size: f64, colour: &RGBColor) -> TextStyle<'static> {
    (FONT, size * POINTS).into_font().color(colour)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE_CHARS_MAX) {
        Some((at, _)) => text[..at].to_owned() + "…",
        None => text.to_owned(),
    }
}

/// How many nines a quantile has: 0.9 is 1, 0.99 is 2.
fn nines_of(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// Where the greatest of them stands: beside the quantile that all the others make.
fn end_of(times: &Times) -> f64 {
    (times.len() as f64).log10()
}

fn percentile(nines: &f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    let decimals = (nines.round() as usize).saturating_sub(2);
    format!("{percent:.decimals$} %")
}

fn seconds(second: &f64) -> String {
    format!("{second}")
}

fn power_of_ten(log_us: f64) -> String {
    without_zeros(&duration(10_f64.powf(log_us)))
}

/// Labels of axes are round numbers: `1 ms` and `1.5k`, not `1.00 ms` and `1.50k`.
fn without_zeros(text: &str) -> String {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = &text[number.len()..];
    let short =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{short}{unit}")
}

/// From zero to `most` in about `number` steps of 1, 2 or 5 times a power of ten.
fn steps(most: f64, number: f64) -> Vec<f64> {
    let rough = most / number;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough);
    let step = step.unwrap_or(most);
    (0..).map(|at| f64::from(at) * step).take_while(|at| *at <= most).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Found;
    use super::super::sample::{self, times_of};
    use super::*;
    use crate::bench::outcome::Search;

    /// The texts of a picture, which must be XML for that.
    fn texts(picture: &str) -> Vec<String> {
        let picture = roxmltree::Document::parse(picture).expect("it is XML");
        assert_eq!(picture.root_element().tag_name().name(), "svg");
        let texts = picture.descendants().filter(|node| node.has_tag_name("text"));
        texts.filter_map(|text| text.text()).map(|text| text.trim().to_owned()).collect()
    }

    fn has_all(texts: &[String], wanted: &[&str]) {
        for text in wanted {
            assert!(texts.iter().any(|shown| shown == text), "{text} is missing: {texts:#?}");
        }
    }

    #[test]
    fn the_picture_says_what_was_played_and_what_its_axes_are() {
        let texts = texts(&render(&sample::report(vec![sample::fanout()])));
        has_all(
            &texts,
            &[
                "fanout, chinwag dialect, 1,000 connections",
                "ws://127.0.0.1:2021/ws, 400/s by 10 senders",
                "all accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole",
                "Latency by percentile",
                "percentile (logarithmic)",
                "latency (ms)",
                "Latency in each second",
                "Deliveries in each second",
                "time (s)",
                "deliveries/s",
            ],
        );
        has_all(&texts, &["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]);
        has_all(&texts, &["of a message", "from its first to its last receiver", "p50", "p99", "greatest"]);
        has_all(&texts, &["120 µs", "300 µs", "800 µs", "1.20 ms", "4.00 ms", "8.10 ms"]);
        has_all(&texts, &["100 µs", "1 ms", "10 ms", "100 ms", "200k", "400k"]);
        let made = texts.last().expect("a text");
        assert!(made.ends_with(", 2026-11-18T11:06:40Z, A Processor (2 cores, Linux 6.8.0)"), "{made}");
    }

    #[test]
    fn there_is_a_curve_for_each_run_and_each_thing() {
        let lines = |runs| {
            let picture = render(&sample::report(runs));
            let picture = roxmltree::Document::parse(&picture).expect("it is XML");
            let lines = picture.descendants().filter(|node| node.has_tag_name("polyline"));
            // Those of the axes are as faint as the grid.
            lines.filter(|line| line.attribute("stroke") != Some("#E5E7EB")).count()
        };
        // Latency and spread; p50, p99 and the greatest; deliveries.
        assert_eq!(lines(vec![sample::fanout()]), 2 + 3 + 1);
        assert_eq!(lines(vec![sample::fanout(), sample::fanout(), sample::fanout()]), 3 * (2 + 3 + 1));
        // Three of the connections, and how many were open.
        assert_eq!(lines(vec![sample::idle()]), 3 + 1);
    }

    #[test]
    fn where_there_are_no_messages_it_shows_the_connections() {
        let texts = texts(&render(&sample::report(vec![sample::idle()])));
        has_all(
            &texts,
            &["until ready", "of the handshake", "of the TCP connection", "Open connections", "1k"],
        );
        assert!(!texts.iter().any(|text| text == "Latency in each second"), "{texts:#?}");
    }

    #[test]
    fn a_picture_of_nothing_is_a_picture() {
        let mut empty = sample::idle();
        empty.connecting.ready_after = times_of(&[]);
        empty.connecting.handshake = times_of(&[]);
        empty.connecting.connect = times_of(&[]);
        empty.seconds.clear();
        has_all(
            &texts(&render(&sample::report(vec![empty]))),
            &["nothing was measured", "no seconds were counted"],
        );
        let found = Found::Search(Box::new(Search { best: None, ..sample::search() }));
        has_all(
            &texts(&render(&Report { found, ..sample::report(vec![]) })),
            &["the condition held at no load that was tried"],
        );
    }

    #[test]
    fn what_others_have_chosen_does_not_break_it() {
        let mut report = sample::report(vec![sample::fanout()]);
        report.about.machine.cpu = "&<>\"'".repeat(100);
        let texts = texts(&render(&report));
        let made = texts.last().expect("a text");
        assert!(made.contains("&<>\"'") && made.ends_with('…'), "{made}");
        assert!(texts.iter().all(|text| text.chars().count() <= LINE_CHARS_MAX + 1), "{texts:#?}");
    }

    #[test]
    fn steps_are_round_and_about_as_many_as_asked() {
        assert_eq!(steps(8.1, 5.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(steps(31.0, 8.0), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(steps(0.05, 5.0).len(), 6);
        assert_eq!(steps(1.0, 8.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
    }

    #[test]
    fn labels_of_axes_are_short() {
        assert_eq!(
            ["1.00 ms", "1.50k", "100 µs", "10.0", "400k"].map(without_zeros),
            ["1 ms", "1.5k", "100 µs", "10", "400k"]
        );
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0, 4.0].map(|nines| percentile(&nines)),
            ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert_eq!(percentile(&nines_of(0.5)), "50 %");
    }
}
