//! What `chinwag bench` shows and writes: live while it runs, a table at the end, and files for other programs.
//!
//! ```text
//!     Moment, Moment, ──┬───▶ progress.rs    for people: a line or two that are drawn anew
//!                       ├───▶ tui/           for people: a picture of the whole run
//!                       ├───▶ jsonl.rs       for programs, while it runs
//!                       └───▶ prometheus.rs  for monitoring, while it runs
//!
//!     Outcome, Outcome ─┬───▶ table.rs       for people      (verdict.rs, units.rs, work.rs)
//!                       ├───▶ json.rs        for programs    (options.rs)
//!                       ├───▶ hgrm.rs        for HdrHistogram's plotter
//!                       ├───▶ csv.rs         for spreadsheets
//!                       └───▶ svg.rs         for whoever looks
//! ```
//!
//! What a figure is, is decided once, in `figures.rs`. Files are opened before the run, so that one that cannot be written
//! costs no run: see [`Files`].

mod about;
mod course;
mod csv;
mod figures;
mod files;
mod hgrm;
mod json;
mod jsonl;
mod options;
mod progress;
mod prometheus;
mod svg;
mod table;
mod tui;
mod units;
mod verdict;
mod work;

#[cfg(test)]
mod sample;

use super::outcome::{Outcome, Search};
use super::plan::Plan;
use anstream::AutoStream;
use std::io::{self, Write};

pub use about::{About, Machine};
pub use files::{FileError, Files, Paths};
pub use jsonl::Lines;
pub use progress::Progress;
pub use prometheus::{CONTENT_TYPE as EXPOSITION_CONTENT_TYPE, Exposition, Page as ExpositionPage};
pub use tui::Board;
pub use verdict::{Finding, Summary, Weight};

/// What there is to report.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub plan: Plan,
    /// When and where.
    pub about: About,
    /// What was found.
    pub found: Found,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// One run, or several of the same plan.
    Runs(Vec<Outcome>),
    /// The highest load under which something holds.
    Search(Box<Search>),
}

impl Report {
    /// Shows it to a person: on the standard output or, where that is taken, on the standard error. Colours are for
    /// terminals, and for those who have not set `NO_COLOR`.
    pub fn print(&self, is_stdout_taken: bool) -> io::Result<()> {
        let table = table::render(self);
        let printed = match is_stdout_taken {
            false => AutoStream::auto(io::stdout()).write_all(table.as_bytes()),
            true => AutoStream::auto(io::stderr()).write_all(table.as_bytes()),
        };
        match printed {
            // Whoever reads no further has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            printed => printed,
        }
    }

    /// The same for programs: one object of JSON, with an end of line.
    pub fn json(&self) -> String {
        json::render(self)
    }

    /// The JSON report, as a value.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(&json::render(self)).expect("a report is JSON")
    }

    /// What to think of it.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.runs())
    }

    /// The runs that the figures are about: of a search, the best one.
    pub fn runs(&self) -> Vec<&Outcome> {
        match &self.found {
            Found::Runs(runs) => runs.iter().collect(),
            Found::Search(search) => search.best.iter().collect(),
        }
    }

    /// What was played: of a search, with the load that was found.
    fn played(&self) -> &Plan {
        self.runs().first().map_or(&self.plan, |run| &run.plan)
    }
}

/// The highest load under which the condition held.
fn best_load(search: &Search) -> Option<f64> {
    search.tries.iter().filter(|tried| tried.holds).map(|tried| tried.load).reduce(f64::max)
}
