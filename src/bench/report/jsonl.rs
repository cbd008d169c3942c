//! `--jsonl`: a line of JSON for each second, written while the run goes on.
//!
//! ```text
//!     {"run":1,"runs":1,"second":3,"elapsed_s":4.0,"span_s":1.0,"phase":"measured", ...
//!      "intended":1500,"sent":1500,"refused":0,"delivered":148500, ...         since the run began
//!      "sends_per_second":500.0,"latency_us":{"p50":121.0, ...}, ...           of this second
//! ```
//!
//! Each line is written and flushed by a thread of its own. A pipe whose reader has stopped blocks that thread, and not the
//! one that ends the run when the user asks for it.

use super::csv::word;
use super::files::FileError;
use super::{figures, verdict};
use crate::bench::live::{Begin, Moment, Series, Totals, Watch};
use crate::bench::outcome::{Outcome, Times};
use crate::bench::plan::{Load, Plan};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// How many lines may wait for a reader: more than a minute of them.
const PENDING_LINES_MAX: usize = 64;
/// How long the last lines are waited for when a run is over.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The lines of one or several runs.
#[derive(Debug)]
pub struct Lines {
    name: String,
    pending: SyncSender<Pending>,
    /// Why the thread that writes has ended.
    error: Arc<OnceLock<io::Error>>,
    run: Run,
}

#[derive(Debug)]
enum Pending {
    Line(String),
    /// To be answered when all lines before it are written.
    Flush(SyncSender<()>),
}

/// What all lines of a run say.
#[derive(Clone, Copy, Debug, Serialize)]
struct Run {
    /// From 1.
    run: usize,
    /// How many runs there will be; `null` in a search.
    runs: Option<usize>,
}

impl Lines {
    /// Opens a file, or with `-` the standard output. A file that exists is emptied.
    pub fn open(path: &Path) -> Result<Lines, FileError> {
        let failed = |error| FileError::new(path, error);
        let out: Box<dyn Write + Send> = match path == "-" {
            true => Box::new(io::stdout()),
            false => Box::new(File::create(path).map_err(failed)?),
        };
        let name = if path == "-" { "standard output".to_owned() } else { path.display().to_string() };
        Lines::to(out, name).map_err(failed)
    }

    fn to(mut out: Box<dyn Write + Send>, name: String) -> io::Result<Lines> {
        let (pending, lines) = sync_channel(PENDING_LINES_MAX);
        let error = Arc::new(OnceLock::new());
        let ended = Arc::clone(&error);
        thread::Builder::new().name("jsonl".into()).spawn(move || {
            if let Err(error) = write(&mut out, &lines) {
                // Before the channel closes: whoever finds it closed reads why.
                let _ = ended.set(error);
            }
        })?;
        Ok(Lines { name, pending, error, run: Run { run: 1, runs: Some(1) } })
    }

    fn send(&mut self, pending: Pending) -> Result<(), String> {
        self.pending.try_send(pending).map_err(|error| match error {
            TrySendError::Full(_) => self.stalled(),
            TrySendError::Disconnected(_) => self.ended(),
        })
    }

    fn ended(&self) -> String {
        match self.error.get() {
            Some(error) => format!("cannot write {}: {error}; --jsonl ends here", self.name),
            None => format!("cannot write {}; --jsonl ends here", self.name),
        }
    }

    fn stalled(&self) -> String {
        format!("the reader of {} has stopped reading; --jsonl ends here", self.name)
    }
}

/// Writes until there is nothing more to write.
fn write(out: &mut dyn Write, lines: &Receiver<Pending>) -> io::Result<()> {
    for pending in lines {
        match pending {
            Pending::Line(line) => {
                out.write_all(line.as_bytes())?;
                out.flush()?;
            }
            Pending::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
    Ok(())
}

impl Watch for Lines {
    fn begin(&mut self, run: &Begin<'_>) {
        let runs = if let Series::Runs(runs) = run.series { Some(runs) } else { None };
        self.run = Run { run: run.number, runs };
    }

    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        let line = Line::of(self.run, moment);
        let line = serde_json::to_string(&line).expect("all keys are strings") + "\n";
        self.send(Pending::Line(line))
    }

    fn end(&mut self, _: Option<&Outcome>) -> Result<(), String> {
        let (done, is_done) = sync_channel(1);
        self.send(Pending::Flush(done))?;
        is_done.recv_timeout(FLUSH_TIMEOUT).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.stalled(),
            RecvTimeoutError::Disconnected => self.ended(),
        })
    }
}

#[derive(Serialize)]
struct Line<'m> {
    #[serde(flatten)]
    run: Run,
    second: u64,
    elapsed_s: f64,
    span_s: f64,
    phase: &'static str,
    /// How many the plan asks for.
    connections: usize,
    /// Messages a second that the plan asks for; `null` in a closed loop.
    rate: Option<f64>,
    intended: u64,
    sent: u64,
    refused: u64,
    delivered: u64,
    errors: u64,
    errors_by_kind: BTreeMap<&'m str, u64>,
    connections_open: u64,
    connections_ready: u64,
    connections_lost: u64,
    connections_failed: u64,
    sends_per_second: f64,
    deliveries_per_second: f64,
    bytes_per_second: f64,
    latency_us: Latency,
    client: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Server>,
}

/// In microseconds; `null` where nothing was delivered.
#[derive(Serialize)]
struct Latency {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
    mean: Option<f64>,
    count: u64,
}

#[derive(Serialize)]
struct Client {
    cpu_share: f64,
    limited: bool,
    limits: Vec<String>,
}

#[derive(Serialize)]
struct Server {
    cpu_share: f64,
    rss_bytes: u64,
}

impl<'m> Line<'m> {
    fn of(run: Run, moment: &'m Moment<'m>) -> Line<'m> {
        let Moment { second, so_far, plan, .. } = moment;
        let Totals { intended, sends, deliveries, refused, errors, ready, failed, lost, .. } = *so_far;
        let Plan { connections, load, .. } = *plan;
        let span = moment.span.as_secs_f64();
        let rate = |count: u64| if span > 0.0 { rounded(count as f64 / span) } else { 0.0 };
        Line {
            run,
            second: second.at,
            elapsed_s: rounded(moment.elapsed.as_secs_f64()),
            span_s: rounded(span),
            phase: word(second.phase),
            connections: *connections,
            rate: if let Load::Open { rate, .. } = load { Some(*rate) } else { None },
            intended,
            sent: sends.saturating_sub(refused),
            refused,
            delivered: deliveries,
            errors,
            errors_by_kind: moment.errors.kinds.iter().map(|(kind, error)| (&**kind, error.count)).collect(),
            connections_open: second.open,
            connections_ready: ready,
            connections_lost: lost,
            connections_failed: failed,
            sends_per_second: rate(second.sends),
            deliveries_per_second: rate(second.deliveries),
            bytes_per_second: rate(second.bytes_received),
            latency_us: Latency::of(moment.latency),
            client: Client {
                cpu_share: rounded(moment.client_share),
                limited: !moment.limits.is_empty(),
                limits: moment.limits.iter().map(verdict::reason).collect(),
            },
            server: moment
                .server
                .map(|server| Server { cpu_share: rounded(server.cpu), rss_bytes: server.memory_bytes }),
        }
    }
}

impl Latency {
    fn of(times: &Times) -> Latency {
        let some = |us: f64| (!times.is_empty()).then(|| rounded(us));
        let at = |quantile| some(figures::us(times.value_at_quantile(quantile)));
        Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: some(figures::us(times.max())),
            mean: some(times.mean() / 1e3),
            count: times.len(),
        }
    }
}

/// To three decimals.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, PoisonError};

    /// A file that shows each write when it is flushed, and fails at some point.
    struct Tail {
        written: String,
        shown: Sender<String>,
        lines_left: usize,
    }

    impl Write for Tail {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.push_str(str::from_utf8(bytes).expect("UTF-8"));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            let Some(left) = self.lines_left.checked_sub(1) else {
                return Err(io::ErrorKind::StorageFull.into());
            };
            self.lines_left = left;
            let _ = self.shown.send(std::mem::take(&mut self.written));
            Ok(())
        }
    }

    fn lines(lines_left: usize) -> (Lines, Receiver<String>) {
        let (shown, flushed) = channel();
        let tail = Tail { written: String::new(), shown, lines_left };
        (Lines::to(Box::new(tail), "the file".into()).expect("a thread"), flushed)
    }

    #[test]
    fn a_line_says_what_a_second_had_and_what_came_together_until_then() {
        let (mut lines, flushed) = lines(usize::MAX);
        let plan = sample::plan();
        lines.begin(&Begin { plan: &plan, number: 2, series: Series::Runs(3) });
        sample::with_moment(&plan, |moment| lines.second(moment)).expect("it writes");
        assert_eq!(
            flushed.recv().expect("a line"),
            concat!(
                r#"{"run":2,"runs":3,"second":3,"elapsed_s":4.0,"span_s":1.0,"phase":"measured","connections":1000,"#,
                r#""rate":400.0,"intended":1300,"sent":1190,"refused":10,"delivered":1198800,"errors":12,"#,
                r#""errors_by_kind":{"closed: 1012":2,"rate_limited":10},"connections_open":998,"#,
                r#""connections_ready":1000,"connections_lost":2,"connections_failed":1,"sends_per_second":400.0,"#,
                r#""deliveries_per_second":399300.0,"bytes_per_second":56743200.0,"latency_us":{"p50":120.063,"#,
                r#""p90":300.031,"p99":800.255,"p999":1200.127,"max":8101.887,"mean":249.198,"count":100000},"#,
                r#""client":{"cpu_share":0.97,"limited":true,"#,
                r#""limits":["its busiest thread was at work for 97 % of the time"]},"#,
                r#""server":{"cpu_share":0.44,"rss_bytes":35651584}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn where_nothing_was_delivered_there_is_no_latency_and_a_search_has_no_last_run() {
        let plan = Plan { load: Load::Closed { window: 1 }, ..sample::plan() };
        let run = Begin { plan: &plan, number: 4, series: Series::Search };
        let (mut lines, flushed) = lines(usize::MAX);
        lines.begin(&run);
        sample::with_moment(&plan, |moment| {
            let empty = crate::bench::outcome::times();
            lines.second(&Moment { latency: &empty, server: None, limits: Vec::new(), ..*moment })
        })
        .expect("it writes");
        let line: serde_json::Value =
            serde_json::from_str(&flushed.recv().expect("a line")).expect("it is JSON");
        assert_eq!((&line["run"], &line["runs"], &line["rate"]), (&4.into(), &().into(), &().into()));
        assert_eq!((&line["latency_us"]["p99"], &line["latency_us"]["count"]), (&().into(), &0.into()));
        assert_eq!((line.get("server"), &line["client"]["limited"]), (None, &false.into()));
    }

    #[test]
    fn a_full_disk_ends_the_lines_and_says_so_once() {
        let (mut lines, flushed) = lines(2);
        let plan = sample::plan();
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(sample::with_moment(&plan, |moment| lines.second(moment)));
        }
        let end = lines.end(None).expect_err("the third was not written");
        assert_eq!(end, "cannot write the file: no storage space; --jsonl ends here");
        assert_eq!(flushed.iter().count(), 2);
        let after = sample::with_moment(&plan, |moment| lines.second(moment));
        assert_eq!(after, Err(end));
    }

    #[test]
    fn a_reader_that_stops_reading_ends_the_lines_and_not_the_run() {
        /// Writes nothing as long as somebody else has the lock.
        struct Blocked(Arc<Mutex<()>>);
        impl Write for Blocked {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _lock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Lines::to(Box::new(Blocked(Arc::clone(&lock))), "the pipe".into()).expect("a thread");
        let plan = sample::plan();
        let why = (0..PENDING_LINES_MAX + 2)
            .find_map(|_| sample::with_moment(&plan, |moment| lines.second(moment)).err());
        assert_eq!(
            why.as_deref(),
            Some("the reader of the pipe has stopped reading; --jsonl ends here"),
            "its queue is full"
        );
        drop(held);
    }
}
