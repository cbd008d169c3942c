//! What is told while a run goes on adds up to what is reported after it.

use crate::server::{Behaviour, Death, Fate, Manner, Server};
use crate::{plan, plan_at};
use chinwag::bench::Outcome;
use chinwag::bench::live::{Moment, Totals, Watch};
use chinwag::bench::plan::{Dialect, Plan};
use chinwag::bench::run::run;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[derive(Default)]
struct Seen {
    totals: Vec<Totals>,
    latencies: u64,
    elapsed: Vec<Duration>,
    covered: Duration,
    kinds: Vec<String>,
    glances: usize,
}

impl Watch for Seen {
    fn second(&mut self, moment: &Moment<'_>) -> Result<(), String> {
        self.totals.push(moment.so_far);
        self.latencies += moment.latency.len();
        self.elapsed.push(moment.elapsed);
        self.covered += moment.span;
        self.kinds = moment.errors.kinds.keys().cloned().collect();
        Ok(())
    }

    fn glance(&mut self) {
        self.glances += 1;
    }
}

#[track_caller]
fn watched(plan: &Plan) -> (Seen, Outcome) {
    let mut seen = Seen::default();
    let outcome = run(plan, &mut seen, &AtomicBool::new(false)).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(seen.elapsed.is_sorted() && Some(&seen.covered) == seen.elapsed.last(), "{:?}", seen.elapsed);
    assert!(!seen.totals.is_empty() && seen.glances > 0);
    (seen, outcome)
}

#[test]
fn the_last_moment_has_the_counts_of_the_report() {
    for threads in [1, 2] {
        let server = Server::start(Behaviour::sound(Manner::Broadcast));
        let plan = Plan { threads, duration: Duration::from_millis(1200), ..plan(&server) };
        let (seen, outcome) = watched(&plan);
        let last = seen.totals.last().expect("seconds have passed");
        let audit = &outcome.audit;
        assert_eq!((last.sends, last.deliveries), (audit.sent, audit.delivered));
        assert_eq!(Some(last.intended), outcome.intended);
        assert_eq!(seen.latencies, audit.delivered);
        assert_eq!((last.ready, last.failed, last.lost), (outcome.connecting.ready, 0, 0));
        assert_eq!((last.errors, &*seen.kinds), (0, &[][..]));
        assert!(seen.totals.len() >= 2 && seen.totals.iter().map(|totals| totals.sends).is_sorted());
    }
}

#[test]
fn lost_connections_and_errors_are_told_with_their_kinds() {
    let mut behaviour = Behaviour::sound(Manner::Broadcast);
    behaviour.script = Box::new(|receiver, message| match (receiver, message) {
        (2, 20) => Fate::Closed(4321),
        _ => Fate::Sound,
    });
    let server = Server::start(behaviour);
    let plan = Plan { duration: Duration::from_millis(1200), ..plan(&server) };
    let (seen, outcome) = watched(&plan);
    let last = seen.totals.last().expect("seconds have passed");
    assert_eq!((last.lost, outcome.ending.lost), (1, 1));
    assert_eq!((last.errors, &*seen.kinds), (outcome.errors.total(), &["closed: 4321".to_owned()][..]));
}

#[test]
fn refused_messages_are_told_and_so_is_a_server_that_dies() {
    let behaviour = Behaviour {
        limits: |message| message % 2 == 1,
        death: Death::AfterMessages(150, false),
        ..Behaviour::sound(Manner::Json)
    };
    let server = Server::start(behaviour);
    let plan = Plan {
        dialect: Dialect::Chinwag,
        duration: Duration::from_secs(5),
        ..plan_at(&format!("ws://{}/", server.address))
    };
    let (seen, outcome) = watched(&plan);
    let last = seen.totals.last().expect("seconds have passed");
    assert!(last.refused > 0);
    assert_eq!((last.refused, last.lost), (outcome.audit.refused, outcome.ending.lost));
}
