//! Latency over time as a heat map: a column is a moment, a row is a range of latencies, and the shade says how many
//! deliveries were in it.
//!
//! ```text
//!       10 ms │          ░
//!        5 ms │          ▒
//!        2 ms │░░░░░░░░░░▓░░░░
//!        1 ms │▓▓▓▓▓▓▓▓▓▓░▓▓▓▓
//! ```
//!
//! Both scales are logarithmic: one late delivery among a hundred thousand has to be seen.

use super::history::Column;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

/// The lower bounds of the buckets of a decade.
const BOUNDS: [u64; 6] = [10, 15, 20, 30, 50, 70];
const DECADES: usize = 8;
/// From a microsecond to a hundred seconds. What is below or above is in the first or the last.
pub const BUCKETS: usize = BOUNDS.len() * DECADES;

/// How many buckets a row may have. With each of these, the rows begin at numbers that are read easily.
const PER_ROW: [usize; 5] = [1, 2, 6, 12, BUCKETS];

/// From few to many, each up to this power of the greatest count. The highest powers are close together: most of what there
/// is lies among them.
const SHADES: [(f64, &str, Option<Color>); 4] = [
    (0.5, "░", Some(Color::Blue)),
    (0.75, "▒", Some(Color::Blue)),
    (0.9, "▓", Some(Color::Cyan)),
    (1.0, "█", None),
];

/// The lower bound of a bucket, in tenths of a microsecond.
fn bound(bucket: usize) -> u64 {
    let decade = u32::try_from(bucket / BOUNDS.len()).unwrap_or(0);
    BOUNDS[bucket % BOUNDS.len()] * 10u64.pow(decade)
}

/// The bucket of a latency in nanoseconds.
pub fn bucket(ns: u64) -> usize {
    let below = (0..BUCKETS).take_while(|bucket| bound(*bucket) <= ns / 100).count();
    below.saturating_sub(1)
}

/// `1.5 ms`.
fn label(bucket: usize) -> String {
    let tenths_us = bound(bucket);
    let (unit, name) = match tenths_us {
        0..10_000 => (10, "µs"),
        10_000..10_000_000 => (10_000, "ms"),
        _ => (10_000_000, "s"),
    };
    format!("{} {name}", tenths_us as f64 / unit as f64)
}

/// Which latencies the rows stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    /// The first bucket of the lowest row.
    first: usize,
    per_row: usize,
}

impl Scale {
    /// The finest scale on which so many rows show all latencies; `None` if there are none.
    fn fit(columns: &[Column], rows: usize) -> Option<Scale> {
        let is_used = |bucket: &usize| columns.iter().any(|column| column.latencies[*bucket] > 0);
        let low = (0..BUCKETS).find(is_used)?;
        let high = (0..BUCKETS).rfind(is_used)?;
        PER_ROW.into_iter().find_map(|per_row| {
            let first = low / per_row * per_row;
            ((high - first) / per_row < rows).then_some(Scale { first, per_row })
        })
    }

    /// How many deliveries of a column are in a row, counted from below.
    fn count(&self, column: &Column, row: usize) -> u64 {
        let from = self.first + row * self.per_row;
        column.latencies.iter().skip(from).take(self.per_row).sum()
    }

    /// The lower bound of a row, if it is on the scale.
    fn label(&self, row: usize) -> Option<String> {
        let bucket = self.first + row * self.per_row;
        (bucket < BUCKETS).then(|| label(bucket))
    }
}

/// Draws the columns into `area`, and the bounds of the rows into `gutter` on its left. Returns whether there was anything.
pub fn draw(columns: &[Column], gutter: Rect, area: Rect, has_colour: bool, buf: &mut Buffer) -> bool {
    let rows = usize::from(area.height);
    let Some(scale) = Scale::fit(columns, rows) else { return false };
    let counts = |row| columns.iter().map(move |column| scale.count(column, row));
    let most = (0..rows).flat_map(counts).max().unwrap_or(0);
    for (row, y) in (area.top()..area.bottom()).rev().enumerate() {
        let label = scale.label(row).unwrap_or_default();
        let width = usize::from(gutter.width).saturating_sub(2);
        buf.set_stringn(gutter.x, y, format!("{label:>width$} │"), gutter.width.into(), Style::new().dim());
        for (x, count) in (area.left()..area.right()).zip(counts(row)) {
            if let Some((shade, colour)) = shade(count, most) {
                let style =
                    colour.filter(|_| has_colour).map_or(Style::new(), |colour| Style::new().fg(colour));
                buf.set_stringn(x, y, shade, 1, style);
            }
        }
    }
    true
}

/// The shade of a count, if it is any.
fn shade(count: u64, most: u64) -> Option<(&'static str, Option<Color>)> {
    if count == 0 {
        return None;
    }
    let power = (count as f64).ln_1p() / (most as f64).ln_1p();
    let shade = SHADES.iter().find(|(up_to, ..)| power <= *up_to).or(SHADES.last());
    shade.map(|(_, shade, colour)| (*shade, *colour))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_from_its_bound_on() {
        assert_eq!([0, 999, 1000, 1499, 1500].map(bucket), [0, 0, 0, 0, 1]);
        assert_eq!([9_999, 10_000, 1_000_000].map(bucket), [5, 6, 18]);
        assert_eq!([99_000_000_000, 100_000_000_000, u64::MAX].map(bucket), [BUCKETS - 1; 3]);
        for number in 1..BUCKETS {
            assert_eq!((bucket(bound(number) * 100), bucket(bound(number) * 100 - 1)), (number, number - 1));
        }
    }

    #[test]
    fn bounds_are_read_easily() {
        assert_eq!(
            [0, 1, 6, 17, 18, 19, 35, 36, 47].map(label).join(" "),
            "1 µs 1.5 µs 10 µs 700 µs 1 ms 1.5 ms 700 ms 1 s 70 s"
        );
    }

    #[test]
    fn the_scale_is_the_finest_that_fits_and_begins_at_round_numbers() {
        let column = |used: &[usize]| {
            let mut latencies = [0; BUCKETS];
            used.iter().for_each(|bucket| latencies[*bucket] = 1);
            vec![Column::with(latencies)]
        };
        let fit =
            |used: &[usize], rows| Scale::fit(&column(used), rows).map(|scale| (scale.first, scale.per_row));
        assert_eq!(fit(&[], 10), None);
        assert_eq!(fit(&[13], 1), Some((13, 1)));
        assert_eq!(fit(&[13, 22], 10), Some((13, 1)));
        assert_eq!(fit(&[13, 23], 10), Some((12, 2)), "100 µs, 200 µs, 500 µs, 1 ms, ...");
        assert_eq!(fit(&[13, 23], 2), Some((12, 6)));
        assert_eq!(fit(&[0, BUCKETS - 1], 8), Some((0, 6)));
        assert_eq!(fit(&[0, BUCKETS - 1], 1), Some((0, BUCKETS)));
        assert_eq!(fit(&[0], 0), None);
    }

    #[test]
    fn one_among_many_is_seen() {
        let shades = [0, 1, 300, 1000, 100_000].map(|count| shade(count, 100_000).map(|(shade, _)| shade));
        assert_eq!(shades, [None, Some("░"), Some("░"), Some("▒"), Some("█")]);
        assert_eq!(shade(1, 1).map(|(shade, _)| shade), Some("█"));
    }
}
