//! The seconds of a run as columns, oldest first: a run of any length fits on any screen.
//!
//! At first a column is a second. When there are too many, each two become one, so memory is bounded and the whole run stays
//! in view:
//!
//! ```text
//!     seconds    0 1 2 3 4 5 6 7 8 9
//!     columns    [0 1][2 3][4 5][6 7][8 9]
//! ```

use super::heat::{BUCKETS, bucket};
use crate::bench::live::Moment;
use crate::bench::outcome::{Phase, Second};

/// How many columns are kept: more than a screen is wide.
pub const COLUMNS_MAX: usize = 512;

/// One second, or several.
#[derive(Clone, Debug)]
pub struct Column {
    /// How many seconds it has.
    seconds: usize,
    /// How long they took, in seconds.
    pub span: f64,
    /// The phase in which it began.
    pub phase: Phase,
    /// Messages sent, or changes of rooms asked for.
    pub sends: u64,
    /// Deliveries, or joins.
    pub deliveries: u64,
    /// Connections that were ready at its end.
    pub open: u64,
    /// Deliveries by latency: see [`bucket`].
    pub latencies: [u64; BUCKETS],
}

impl Column {
    fn of(moment: &Moment<'_>) -> Column {
        let Second { phase, sends, deliveries, open, .. } = moment.second;
        let mut latencies = [0; BUCKETS];
        for value in moment.latency.iter_recorded() {
            latencies[bucket(value.value_iterated_to())] += value.count_since_last_iteration();
        }
        Column { seconds: 1, span: moment.span.as_secs_f64(), phase, sends, deliveries, open, latencies }
    }

    /// A measured second that has these latencies.
    #[cfg(test)]
    pub fn with(latencies: [u64; BUCKETS]) -> Column {
        let deliveries = latencies.iter().sum();
        Column { seconds: 1, span: 1.0, phase: Phase::Measured, sends: 0, deliveries, open: 0, latencies }
    }

    /// Takes in the column after this one.
    fn extend(&mut self, next: &Column) {
        self.seconds += next.seconds;
        self.span += next.span;
        self.sends += next.sends;
        self.deliveries += next.deliveries;
        self.open = next.open;
        for (sum, more) in self.latencies.iter_mut().zip(next.latencies) {
            *sum += more;
        }
    }

    /// So many a second.
    pub fn rate(&self, count: u64) -> u64 {
        if self.span > 0.0 { (count as f64 / self.span).round() as u64 } else { 0 }
    }
}

/// All seconds of a run.
#[derive(Debug)]
pub struct History {
    columns: Vec<Column>,
    /// How many seconds a column has; the last one may have fewer.
    seconds_each: usize,
}

impl Default for History {
    fn default() -> History {
        History { columns: Vec::new(), seconds_each: 1 }
    }
}

impl History {
    /// A second has passed.
    pub fn push(&mut self, moment: &Moment<'_>) {
        let column = Column::of(moment);
        match self.columns.last_mut() {
            Some(last) if last.seconds < self.seconds_each => last.extend(&column),
            _ => self.columns.push(column),
        }
        if self.columns.len() > COLUMNS_MAX {
            self.columns = joined(&self.columns, 2);
            self.seconds_each *= 2;
        }
    }

    /// All of it in so many columns at most.
    pub fn fitted(&self, columns: usize) -> Vec<Column> {
        joined(&self.columns, self.columns.len().div_ceil(columns.max(1)).max(1))
    }
}

/// Each so many become one.
fn joined(columns: &[Column], each: usize) -> Vec<Column> {
    let join = |chunk: &[Column]| {
        let (first, rest) = chunk.split_first()?;
        let mut column = first.clone();
        rest.iter().for_each(|next| column.extend(next));
        Some(column)
    };
    columns.chunks(each).filter_map(join).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    fn after(seconds: usize) -> History {
        let (mut history, plan) = (History::default(), sample::plan());
        (0..seconds).for_each(|_| sample::with_moment(&plan, |moment| history.push(moment)));
        history
    }

    #[test]
    fn nothing_is_lost_when_columns_are_joined() {
        for seconds in [0, 1, COLUMNS_MAX, COLUMNS_MAX + 1, 3 * COLUMNS_MAX + 1, 5000] {
            let history = after(seconds);
            assert!(history.columns.len() <= COLUMNS_MAX, "{seconds}");
            for width in [1, 7, 80, 1000] {
                let columns = history.fitted(width);
                assert!(columns.len() <= width);
                let sum = |what: fn(&Column) -> u64| columns.iter().map(what).sum::<u64>();
                assert_eq!(sum(|column| column.sends), 400 * seconds as u64, "{seconds} in {width}");
                assert_eq!(sum(|column| column.latencies.iter().sum()), 100_000 * seconds as u64);
                // The last column may be short, and has its rate all the same.
                assert!(columns.iter().all(|column| column.rate(column.sends) == 400));
            }
        }
    }

    #[test]
    fn no_width_is_no_panic() {
        assert_eq!(after(3).fitted(0).len(), 1);
    }
}
