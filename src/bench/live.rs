//! What is known of a run while it goes on: once a second the threads' parts become a [`Moment`], and each [`Watch`] is
//! told of it.
//!
//! ```text
//!     thread 0 ── Part ──┐
//!     thread 1 ── Part ──┼──▶ Log ── Moment ──▶ Watches ──┬──▶ progress, or the screen of --tui
//!     thread 2 ── Part ──┘                                ├──▶ --jsonl
//!                                                         └──▶ --prometheus
//! ```
//!
//! All of this happens on the thread that waits for the run, once a second. The threads that make the load only hand over
//! what they counted.

use super::cost::{self, Usage};
use super::ear::Lately;
use super::outcome::{ClientLimit, Errors, Outcome, Phase, Second, Times, times};
use super::plan::Plan;
use super::run::limits;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that is told how a run goes.
pub trait Watch {
    /// A run begins.
    fn begin(&mut self, _run: &Begin<'_>) {}

    /// A second has passed. An error says why this watch ends here: it is told nothing more, and the run goes on.
    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String>;

    /// Called some fifty times a second, for a watch that has a user.
    fn glance(&mut self) {}

    /// Another watch has ended, for this reason.
    fn warn(&mut self, _why: &str) {}

    /// A run is over. `None` if it found out nothing. An error is one as of [`Watch::second`].
    fn end(&mut self, _outcome: Option<&Outcome>) -> Result<(), String> {
        Ok(())
    }
}

/// Several watches, which are told in their order.
#[derive(Default)]
pub struct Watches(Vec<Box<dyn Watch>>);

impl Watches {
    /// Adds one.
    pub fn add(&mut self, watch: impl Watch + 'static) {
        self.0.push(Box::new(watch));
    }

    /// Tells all of them. Those that end are taken out, and the others are told why.
    fn tell(&mut self, mut tell: impl FnMut(&mut dyn Watch) -> Result<(), String>) {
        let mut ended = Vec::new();
        self.0.retain_mut(|watch| tell(&mut **watch).map_err(|why| ended.push(why)).is_ok());
        ended.iter().for_each(|why| self.warn(why));
    }
}

impl Watch for Watches {
    fn begin(&mut self, run: &Begin<'_>) {
        self.0.iter_mut().for_each(|watch| watch.begin(run));
    }

    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        self.tell(|watch| watch.second(moment));
        Ok(())
    }

    fn glance(&mut self) {
        self.0.iter_mut().for_each(|watch| watch.glance());
    }

    fn warn(&mut self, why: &str) {
        self.0.iter_mut().for_each(|watch| watch.warn(why));
    }

    fn end(&mut self, outcome: Option<&Outcome>) -> Result<(), String> {
        self.tell(|watch| watch.end(outcome));
        Ok(())
    }
}

/// A run that begins.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'p> {
    /// What it plays.
    pub plan: &'p Plan,
    /// Which run of the series it is, from 1.
    pub number: usize,
    /// What it is one of.
    pub series: Series,
}

/// Runs that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// So many runs of the same plan.
    Runs(usize),
    /// The tries of a search. How many there will be is not known.
    Search,
}

impl Begin<'_> {
    /// `run 2 of 5` or `try 3`; empty for a run that is the only one.
    pub fn label(&self) -> String {
        match self.series {
            Series::Runs(0..=1) => String::new(),
            Series::Runs(all) => format!("run {} of {all}", self.number),
            Series::Search => format!("try {}", self.number),
        }
    }
}

/// What a run has come to by the end of a second.
#[derive(Clone, Debug)]
pub struct Moment<'l> {
    /// What the run plays.
    pub plan: &'l Plan,
    /// What happened in the second.
    pub second: Second,
    /// The time since the run began.
    pub elapsed: Duration,
    /// The part of it that the second covers: the last one of a run is shorter.
    pub span: Duration,
    /// The latencies of the deliveries in the second.
    pub latency: &'l Times,
    /// What was counted since the run began.
    pub so_far: Totals,
    /// Errors since the run began, by kind.
    pub errors: &'l Errors,
    /// The share of the second that the busiest thread of the client was at work, from 0 to 1.
    pub client_share: f64,
    /// Why the second's figures are the client's rather than the server's, if they are.
    pub limits: Vec<ClientLimit>,
    /// The server's process, where it was named and can be read.
    pub server: Option<ServerShare>,
}

/// What the server's process took in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerShare {
    /// Its processor time, as a share of the second: 1 is a whole core.
    pub cpu: f64,
    /// Its resident memory, in bytes.
    pub memory_bytes: u64,
}

/// What was counted since the run began, warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages, or changes of rooms, that were due by then in an open loop; those that were sent in a closed one.
    pub intended: u64,
    /// Messages sent, or changes of rooms asked for; refused ones too.
    pub sends: u64,
    /// Deliveries, or joins.
    pub deliveries: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Messages, or changes of rooms, that the server refused.
    pub refused: u64,
    /// Errors.
    pub errors: u64,
    /// Connections that became ready.
    pub ready: u64,
    /// Attempts to connect that failed.
    pub failed: u64,
    /// Ready connections that ended, although neither the plan nor the user had ended them.
    pub lost: u64,
    /// Reads while it was measured.
    pub reads: u64,
    /// Those of them that left the socket unemptied.
    pub full_reads: u64,
}

impl Totals {
    /// Those of another thread, or of another run, too.
    pub fn merge(&mut self, other: &Totals) {
        for (sum, more) in [
            (&mut self.intended, other.intended),
            (&mut self.sends, other.sends),
            (&mut self.deliveries, other.deliveries),
            (&mut self.bytes_received, other.bytes_received),
            (&mut self.refused, other.refused),
            (&mut self.errors, other.errors),
            (&mut self.ready, other.ready),
            (&mut self.failed, other.failed),
            (&mut self.lost, other.lost),
            (&mut self.reads, other.reads),
            (&mut self.full_reads, other.full_reads),
        ] {
            *sum += more;
        }
    }
}

/// What one thread has seen of a second.
#[derive(Debug)]
pub struct Part {
    /// Which thread.
    pub thread: usize,
    /// Which second.
    pub at: u64,
    /// When it ended, in nanoseconds since the run began.
    pub ended_at: u64,
    /// What was going on at its end.
    pub phase: Phase,
    /// Connections that were ready at its end.
    pub open: u64,
    /// The share of the second that the thread was at work, from 0 to 1.
    pub share: f64,
    /// What was counted in it.
    pub lately: Lately,
    /// What was counted until then.
    pub totals: Totals,
    /// Errors until then, by kind.
    pub errors: Errors,
}

/// The seconds of a run, put together from the threads' parts.
pub struct Log<'p> {
    plan: &'p Plan,
    parts: BTreeMap<u64, Vec<Part>>,
    threads: Vec<Told>,
    before: Totals,
    elapsed: u64,
    server: Option<Usage>,
    /// The seconds that are whole.
    pub seconds: Vec<Second>,
}

/// The latest that a thread has told.
#[derive(Clone, Default)]
struct Told {
    /// Its seconds below this one are whole.
    next: u64,
    totals: Totals,
    errors: Errors,
}

impl<'p> Log<'p> {
    /// Of a run of that plan, which has not begun.
    pub fn new(plan: &'p Plan) -> Log<'p> {
        Log {
            plan,
            parts: BTreeMap::new(),
            threads: vec![Told::default(); plan.threads],
            before: Totals::default(),
            elapsed: 0,
            server: cost::usage_of(&plan.server_pids),
            seconds: Vec::new(),
        }
    }

    /// A thread has told a second. One that was held up leaves out seconds.
    pub fn add(&mut self, part: Part, watch: &mut dyn Watch) {
        self.threads[part.thread].next = part.at + 1;
        self.parts.entry(part.at).or_default().push(part);
        let whole = self.threads.iter().map(|told| told.next).min().unwrap_or(0);
        while let Some(first) = self.parts.first_entry().filter(|first| *first.key() < whole) {
            let parts = first.remove();
            self.tell(parts, watch);
        }
    }

    /// No thread tells any more: what is there is all there will be.
    pub fn finish(&mut self, watch: &mut dyn Watch) {
        while let Some((_, parts)) = self.parts.pop_first() {
            self.tell(parts, watch);
        }
    }

    fn tell(&mut self, parts: Vec<Part>, watch: &mut dyn Watch) {
        let (mut second, latency, lateness) = put_together(&parts);
        let elapsed = parts.iter().map(|part| part.ended_at).max().unwrap_or(0).max(self.elapsed);
        let span = Duration::from_nanos(elapsed - self.elapsed);
        self.elapsed = elapsed;
        let client_share = parts.iter().map(|part| part.share).fold(0.0, f64::max);
        for part in parts {
            let told = &mut self.threads[part.thread];
            (told.totals, told.errors) = (part.totals, part.errors);
        }
        let mut so_far = Totals::default();
        self.threads.iter().for_each(|told| so_far.merge(&told.totals));
        let before = std::mem::replace(&mut self.before, so_far);
        second.errors = so_far.errors - before.errors;
        let reads = so_far.reads - before.reads;
        let full_reads = so_far.full_reads - before.full_reads;
        let full_reads = if reads > 0 { full_reads as f64 / reads as f64 } else { 0.0 };
        let moment = Moment {
            plan: self.plan,
            second,
            elapsed: Duration::from_nanos(elapsed),
            span,
            latency: &latency,
            so_far,
            errors: &self.errors(),
            client_share,
            limits: limits(self.plan, client_share, full_reads, &lateness, &latency),
            server: self.server_share(span),
        };
        // Watches end one by one, and none of them ends the run.
        let _ = watch.second(&moment);
        self.seconds.push(second);
    }

    fn errors(&self) -> Errors {
        let mut errors = Errors::default();
        self.threads.iter().for_each(|told| errors.merge(told.errors.clone()));
        errors
    }

    fn server_share(&mut self, span: Duration) -> Option<ServerShare> {
        let usage = cost::usage_of(&self.plan.server_pids)?;
        let before = self.server.replace(usage)?;
        let cpu = usage.cpu.saturating_sub(before.cpu).as_secs_f64();
        let cpu = if span.is_zero() { 0.0 } else { cpu / span.as_secs_f64() };
        Some(ServerShare { cpu, memory_bytes: usage.memory_bytes })
    }
}

/// The second of all threads, its latencies, and how late its messages were sent.
fn put_together(parts: &[Part]) -> (Second, Times, Times) {
    let (mut latency, mut lateness) = (times(), times());
    let mut second = Second::default();
    for part in parts {
        latency.add(&part.lately.measured).expect("it grows as it has to");
        latency.add(&part.lately.others).expect("it grows as it has to");
        lateness.add(&part.lately.lateness).expect("it grows as it has to");
        second.at = part.at;
        second.phase = second.phase.max(part.phase);
        second.open += part.open;
        second.sends += part.lately.sends;
        second.deliveries += part.lately.deliveries;
        second.bytes_received += part.lately.bytes_received;
    }
    if !latency.is_empty() {
        second.p50 = latency.value_at_quantile(0.5);
        second.p99 = latency.value_at_quantile(0.99);
        second.max = latency.max();
    }
    (second, latency, lateness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::outcome::record;
    use crate::bench::plan::tests::plan;

    fn part(thread: usize, at: u64, sends: u64) -> Part {
        let mut lately = Lately { sends, deliveries: 2 * sends, ..Lately::default() };
        record(&mut lately.measured, 1000 * sends);
        Part {
            thread,
            at,
            ended_at: (at + 1) * 1_000_000_000,
            phase: Phase::Measured,
            open: 3 + thread as u64,
            share: 0.2 + thread as f64 / 10.0,
            lately,
            totals: Totals { sends: sends * (at + 1), errors: at, ..Totals::default() },
            errors: Errors::default(),
        }
    }

    #[derive(Default)]
    struct Seen(Vec<(u64, u64, u64, Totals)>);

    impl Watch for Seen {
        fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
            let Second { at, sends, errors, .. } = moment.second;
            self.0.push((at, sends, errors, moment.so_far));
            Ok(())
        }
    }

    #[test]
    fn seconds_are_put_together_from_all_threads() {
        let plan = Plan { threads: 2, ..plan() };
        let (mut log, mut seen) = (Log::new(&plan), Seen::default());
        log.add(part(0, 7, 10), &mut seen);
        assert!(seen.0.is_empty());
        log.add(part(1, 7, 20), &mut seen);
        let totals = Totals { sends: 240, errors: 14, ..Totals::default() };
        assert_eq!(seen.0, [(7, 30, 14, totals)]);
        let [second] = log.seconds[..] else { panic!("one second") };
        assert_eq!((second.deliveries, second.open, second.phase), (60, 7, Phase::Measured));
        assert!(second.p50 >= 10_000 && second.max >= 20_000);
    }

    #[test]
    fn a_thread_that_was_held_up_holds_up_no_second_for_good() {
        let plan = Plan { threads: 2, ..plan() };
        let (mut log, mut seen) = (Log::new(&plan), Seen::default());
        for at in 0..3 {
            log.add(part(0, at, 10), &mut seen);
        }
        log.add(part(1, 0, 10), &mut seen);
        assert_eq!(seen.0.len(), 1);
        log.add(part(1, 2, 10), &mut seen);
        let told = |seen: &Seen| seen.0.iter().map(|(at, sends, ..)| (*at, *sends)).collect::<Vec<_>>();
        assert_eq!(told(&seen), [(0, 20), (1, 10), (2, 20)]);
        // It has told second 2 with what it counted until then, so nothing is missing in the end.
        assert_eq!(seen.0.last().map(|(.., totals)| totals.sends), Some(60));
        log.add(part(0, 3, 10), &mut seen);
        assert_eq!(seen.0.len(), 3);
        log.finish(&mut seen);
        assert_eq!(told(&seen).last(), Some(&(3, 10)));
    }

    #[test]
    fn a_watch_that_ends_is_told_nothing_more_and_the_others_are_told_why() {
        use std::cell::RefCell;
        use std::rc::Rc;
        struct Ends;
        impl Watch for Ends {
            fn second(&mut self, _: &Moment<'_>) -> Result<(), String> {
                Err("no space left".into())
            }
        }
        struct Hears(Rc<RefCell<Vec<String>>>);
        impl Watch for Hears {
            fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
                self.0.borrow_mut().push(moment.second.at.to_string());
                Ok(())
            }
            fn warn(&mut self, why: &str) {
                self.0.borrow_mut().push(why.to_owned());
            }
        }
        let heard = Rc::new(RefCell::new(Vec::new()));
        let mut watches = Watches::default();
        watches.add(Ends);
        watches.add(Hears(Rc::clone(&heard)));
        let plan = plan();
        let mut log = Log::new(&plan);
        log.add(part(0, 0, 1), &mut watches);
        log.add(part(0, 1, 1), &mut watches);
        assert_eq!(*heard.borrow(), ["0", "no space left", "1"]);
    }

    #[test]
    fn a_run_of_several_says_which_it_is() {
        let plan = plan();
        let label = |number, series| Begin { plan: &plan, number, series }.label();
        assert_eq!(
            [label(1, Series::Runs(1)), label(2, Series::Runs(5)), label(3, Series::Search)],
            ["", "run 2 of 5", "try 3"]
        );
    }
}
