//! One run, from the first connection to the outcome: threads are started, watched, and their findings put together.

use super::clock::{Alarm, Clock};
use super::cost::{self, Usage};
use super::crew::Crew;
use super::ear::{Ear, Lately, Tallies};
use super::flight::Flights;
use super::live::{Log, Part, Watch};
use super::outcome::{
    ClientCost, ClientLimit, Connecting, Ending, Errors, Outcome, Phase, Second, ServerCost, ServerCounts,
    Spread, Storm, record, times,
};
use super::plan::{Load, Plan, Scenario};
use super::seat::{Eviction, Person};
use super::seating::Seating;
use super::settle::settle;
use super::shared::{Shared, Times};
use super::speech::Speech;
use super::stamp::{Form, Stamps, mix};
use crate::client::Url;
use crate::net::{Post, Reactor};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the threads are looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How long one address of several is tried.
const TRY: Duration = Duration::from_secs(5);
/// How long a server is given to free what its last connections took, before its memory is read.
const SETTLING: Duration = Duration::from_millis(300);
/// A thread that is at work for so much of its time is the limit.
const CPU_SHARE_MAX: f64 = 0.9;
/// Sends that are later than this, and by a tenth of the latency, are.
const LATE_MAX: u64 = 1_000_000;
/// Reads of which so many find a full buffer, with a thread so busy, are.
const FULL_READS_MAX: f64 = 0.5;
const CPU_SHARE_OF_FULL_READS: f64 = 0.7;

/// Why there is nothing to report, in one line.
#[derive(Debug)]
pub struct Failure {
    why: String,
    /// What was counted, if the run was begun and no connection became ready.
    pub outcome: Option<Box<Outcome>>,
}

impl Failure {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> Failure {
        Failure { why: why.into(), outcome: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Makes that run. It ends early when `stop` is set, and reports what there is.
pub fn run(plan: &Plan, watch: &mut dyn Watch, stop: &AtomicBool) -> Result<Outcome, Failure> {
    let to: Arc<[SocketAddr]> =
        plan.servers.iter().map(|server| address(&server.url)).collect::<Result<_, _>>()?;
    let plan = Arc::new(plan.clone());
    let before = server_usage(&plan)?;
    let clock = Clock::start();
    let shared = Arc::new(Shared::new(&plan, clock));
    let (parts, seconds) = mpsc::channel();
    let number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    // So that two runs in one room know their own messages.
    let run = (mix(plan.seed ^ number ^ u64::from(std::process::id())) >> 32) as u32;
    let reactors: Vec<Reactor<()>> = (0..plan.threads)
        .map(|_| Reactor::new())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::new(format!("cannot start the loop: {error}")))?;
    let posts: Arc<[Post<()>]> = reactors.iter().map(Reactor::post).collect();
    let mut threads = Vec::new();
    for (thread, mut reactor) in reactors.into_iter().enumerate() {
        let (plan, shared, parts, to) =
            (Arc::clone(&plan), Arc::clone(&shared), parts.clone(), Arc::clone(&to));
        let posts = Arc::clone(&posts);
        let work = move || -> io::Result<Crew> {
            let alarm = Alarm::new(&reactor)?;
            let mut crew = Crew::new(ear(plan, shared, thread, run), to, alarm, parts, posts);
            reactor.run(&mut crew)?;
            Ok(crew)
        };
        let named = thread::Builder::new().name(format!("load-{thread}"));
        threads.push(
            named.spawn(work).map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?,
        );
    }
    drop(parts);
    let mut log = Log::new(&plan);
    let mut server = before.map(|before| Server { before, ..Server::default() });
    watch_threads(&plan, &shared, &seconds, &threads, &mut log, &mut server, watch, stop);
    let crews: Vec<Crew> = threads.into_iter().map(join).collect::<Result<_, _>>()?;
    if let Some(server) = &mut server {
        thread::sleep(SETTLING);
        server.after = cost::usage_of(&plan.server_pids);
    }
    outcome(&plan, &shared, crews, log.seconds, server)
}

fn join(thread: JoinHandle<io::Result<Crew>>) -> Result<Crew, Failure> {
    match thread.join() {
        Ok(crew) => crew.map_err(|error| Failure::new(format!("the loop failed: {error}"))),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Where to connect to. Of several addresses, such as those of `localhost`, the first at which somebody listens.
fn address(url: &Url) -> Result<SocketAddr, Failure> {
    let addresses =
        url.resolve().map_err(|error| Failure::new(format!("cannot connect to {url}: {error}")))?;
    match &*addresses {
        [] => Err(Failure::new(format!("cannot connect to {url}: it has no address"))),
        [address] => Ok(*address),
        several => {
            let found = several.iter().find(|address| TcpStream::connect_timeout(address, TRY).is_ok());
            Ok(*found.unwrap_or(&several[0]))
        }
    }
}

fn ear(plan: Arc<Plan>, shared: Arc<Shared>, thread: usize, run: u32) -> Ear {
    let has_flights = matches!(plan.scenario, Scenario::Fanout | Scenario::Churn | Scenario::Slow);
    let seating = Seating::of(&plan);
    Ear {
        speech: Speech::new(&plan, plan.scenario == Scenario::Storm),
        stamps: Stamps::new(run, plan.size, Form::of(plan.size.0, plan.is_binary)),
        flights: has_flights.then(|| Flights::new(plan.senders)),
        audiences: vec![0; seating.loud_rooms() as usize],
        times: shared.times(),
        is_measuring: false,
        is_closing: false,
        tallies: Tallies::default(),
        lately: Lately::default(),
        errors: Errors::default(),
        servers: ServerCounts::before(&plan),
        connecting: connecting(),
        back_after: times(),
        first_dial_at: u64::MAX,
        settled_at: 0,
        under_way: 0,
        open: 0,
        epochs: vec![String::new(); (seating.rooms() as usize).min(plan.connections)],
        seating,
        credits: Vec::new(),
        to_wake: 0,
        awake: Vec::new(),
        ended: Vec::new(),
        thread,
        plan,
        shared,
    }
}

fn connecting() -> Connecting {
    Connecting {
        dialled: 0,
        ready: 0,
        at_start: 0,
        failed: 0,
        open_max: 0,
        took: Duration::ZERO,
        connect: times(),
        handshake: times(),
        ready_after: times(),
    }
}

/// What the server's process has taken at the moments that matter.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    before: Usage,
    at_start: Option<Usage>,
    at_end: Option<Usage>,
    after: Option<Usage>,
}

fn server_usage(plan: &Plan) -> Result<Option<Usage>, Failure> {
    if let Some(pid) = plan.server_pids.iter().find(|pid| cost::usage(**pid).is_none()) {
        let why = format!("cannot read /proc/{pid}/stat: is {pid} the server's process, on this host?");
        return Err(Failure::new(why));
    }
    Ok(cost::usage_of(&plan.server_pids))
}

#[expect(clippy::too_many_arguments, reason = "it is the middle of one function")]
fn watch_threads(
    plan: &Plan,
    shared: &Shared,
    seconds: &Receiver<Part>,
    threads: &[JoinHandle<io::Result<Crew>>],
    log: &mut Log<'_>,
    server: &mut Option<Server>,
    watch: &mut dyn Watch,
    stop: &AtomicBool,
) {
    loop {
        let has_ended = match seconds.recv_timeout(GLANCE) {
            Ok(part) => {
                log.add(part, watch);
                false
            }
            Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => threads.iter().all(JoinHandle::is_finished),
        };
        watch.glance();
        let now = shared.clock.now();
        if stop.load(Ordering::Relaxed) && !shared.is_stopped() {
            shared.stop(now);
        }
        if let Some(server) = server.as_mut() {
            let times = shared.times();
            if now >= times.measured_from && server.at_start.is_none() {
                server.at_start = cost::usage_of(&plan.server_pids);
            }
            if now >= times.ends_at && server.at_end.is_none() {
                server.at_end = cost::usage_of(&plan.server_pids);
            }
        }
        if has_ended {
            return log.finish(watch);
        }
    }
}

fn outcome(
    plan: &Plan,
    shared: &Shared,
    mut crews: Vec<Crew>,
    seconds: Vec<Second>,
    server: Option<Server>,
) -> Result<Outcome, Failure> {
    let times_of_run = shared.times();
    let now = shared.clock.now();
    let (mut latency, mut lateness, mut spread, mut back_after) = (times(), times(), times(), times());
    let (mut tallies, mut errors, mut connecting) = (Tallies::default(), Errors::default(), connecting());
    let (mut cut, mut lost, mut silent, mut never_sent) = (0, 0, 0, 0);
    let mut servers = ServerCounts::before(plan);
    let (mut first_dial_at, mut settled_at) = (u64::MAX, 0);
    for crew in &mut crews {
        latency.add(&crew.latency).expect("it grows as it has to");
        lateness.add(&crew.lateness).expect("it grows as it has to");
        never_sent += note_unsent(crew, &times_of_run, now, &mut latency);
        let ear = &mut crew.ear;
        if let Some(flights) = &ear.flights {
            spread.add(&flights.spread).expect("it grows as it has to");
        }
        back_after.add(&ear.back_after).expect("it grows as it has to");
        cut += crew.cut;
        lost += crew.lost;
        silent += crew.silent;
        first_dial_at = first_dial_at.min(ear.first_dial_at);
        settled_at = settled_at.max(ear.settled_at);
        tallies.merge(&ear.tallies);
        errors.merge(std::mem::take(&mut ear.errors));
        servers.iter_mut().zip(&ear.servers).for_each(|(server, more)| server.merge(more));
        connecting.merge(&ear.connecting);
    }
    let since = |at: u64| Duration::from_nanos(at.saturating_sub(first_dial_at));
    // Where connecting is measured, it does not end before the run does.
    (connecting.at_start, connecting.took) = match plan.scenario {
        Scenario::Connect => (connecting.ready, Duration::from_nanos(times_of_run.measured())),
        _ => (connecting.at_start, since(settled_at)),
    };
    let has_failed = connecting.ready == 0 && (shared.is_hopeless() || !shared.is_stopped());
    let people: Vec<_> = crews.iter().flat_map(|crew| crew.seats.iter().map(|seat| &seat.person)).collect();
    for person in &people {
        let Some(server) = servers.get_mut(plan.servers.number_of(person.id)) else { break };
        let sent = person.sender.as_ref().map_or(0, |sender| u64::from(sender.sent));
        let asked = person.hopper.as_ref().map_or(0, |hopper| hopper.asked);
        server.sent += sent + asked;
    }
    let mut evicted = 0;
    let are_others_lost = lost > 0;
    for person in &people {
        match person.kept.as_deref().and_then(|kept| kept.eviction) {
            None => {}
            // Where connections end that are not slow, the server does not mean these either.
            Some(Eviction::Dropped) if are_others_lost => {
                lost += 1;
                if let Some(server) = servers.get_mut(plan.servers.number_of(person.id)) {
                    server.lost += 1;
                }
            }
            Some(_) => evicted += 1,
        }
    }
    let has_positions = crews.iter().any(|crew| crew.ear.speech.has_positions());
    let audit = settle(plan, &shared.sent(), &people, &tallies, has_positions);
    let is_several = crews.iter().any(|crew| crew.ear.flights.is_some());
    let intended: Vec<u64> = crews.iter().filter_map(Crew::intended).collect();
    let mut client = client_cost(&crews, lateness, &tallies);
    client.limits = limits(plan, client.busiest_thread, client.full_reads, &client.lateness, &latency);
    let outcome = Outcome {
        plan: plan.clone(),
        is_interrupted: shared.is_stopped() && !shared.is_hopeless(),
        measured: Duration::from_nanos(times_of_run.measured()),
        intended: (!intended.is_empty())
            .then(|| intended.iter().sum::<u64>().min(plan.messages.unwrap_or(u64::MAX))),
        sends: tallies.measured_sends,
        deliveries: tallies.measured_deliveries,
        bytes_sent: tallies.measured_bytes_sent,
        bytes_received: tallies.measured_bytes_received,
        latency,
        never_sent,
        spread: is_several.then_some(Spread { times: spread, is_by_thread: plan.threads > 1 }),
        connecting,
        ending: Ending {
            lost,
            silent,
            evicted,
            first_lost_after: shared.first_lost_at().filter(|_| lost > 0).map_or(Duration::ZERO, since),
            deserted_after: shared.deserted_at().map(since),
        },
        audit,
        errors,
        servers,
        server: server.and_then(|server| server.cost(&seconds)),
        seconds,
        client,
        storm: (plan.scenario == Scenario::Storm).then(|| Storm { cut, back: back_after.len(), back_after }),
    };
    match has_failed {
        true => {
            let why = no_connection(plan, &outcome.errors);
            Err(Failure { why, outcome: Some(Box::new(outcome)) })
        }
        false => Ok(outcome),
    }
}

/// Messages that were not sent to the end have waited at least so long: leaving them out would be kind. Returns how many
/// latencies that are.
fn note_unsent(crew: &mut Crew, run: &Times, now: u64, latency: &mut super::outcome::Times) -> u64 {
    let mut noted = 0;
    for seat in &crew.seats {
        let Person { id, home, hopper, backlog, has_stayed, .. } = &seat.person;
        let is_its_own = hopper.is_some() || crew.ear.plan.scenario == Scenario::Echo;
        let receivers = crew.ear.seating.members(*home) - u32::from(!crew.ear.plan.self_echo);
        let outcomes = if is_its_own { 1 } else { receivers };
        for &intended in backlog {
            let why = match has_stayed {
                true => "the server read no more from that connection",
                false => "the sender's connection was gone",
            };
            crew.ear.note_error(*id, "not sent", || why.to_owned(), "");
            if run.is_measured(intended) {
                for _ in 0..outcomes {
                    record(latency, now.saturating_sub(intended));
                    noted += 1;
                }
            }
        }
    }
    noted
}

/// One line that says why no connection became ready.
pub fn no_connection(plan: &Plan, errors: &Errors) -> String {
    let most = errors.kinds.values().max_by_key(|kind| kind.count);
    let why = most.map_or("no connection became ready".to_owned(), |kind| match kind.hint {
        "" => kind.example.clone(),
        hint => format!("{} ({hint})", kind.example),
    });
    format!("cannot connect to {}: {why}", plan.servers)
}

fn client_cost(crews: &[Crew], lateness: super::outcome::Times, tallies: &Tallies) -> ClientCost {
    let share = |crew: &Crew| {
        let wall = crew.cost.wall.as_secs_f64();
        if wall > 0.0 { crew.cost.cpu.as_secs_f64() / wall } else { 0.0 }
    };
    ClientCost {
        cpu: crews.iter().map(|crew| crew.cost.cpu).sum(),
        busiest_thread: crews.iter().map(share).fold(0.0, f64::max),
        lateness,
        full_reads: if tallies.reads > 0 { tallies.full_reads as f64 / tallies.reads as f64 } else { 0.0 },
        memory_max_bytes: cost::memory_max_bytes().unwrap_or(0),
        limits: Vec::new(),
    }
}

/// In what the client was the limit rather than the server: of a run or of a second, `busiest_thread` and `full_reads` are
/// shares from 0 to 1.
pub(super) fn limits(
    plan: &Plan,
    busiest_thread: f64,
    full_reads: f64,
    lateness: &super::outcome::Times,
    latency: &super::outcome::Times,
) -> Vec<ClientLimit> {
    let mut limits = Vec::new();
    if busiest_thread > CPU_SHARE_MAX {
        limits.push(ClientLimit::Cpu(busiest_thread));
    }
    let late = lateness.value_at_quantile(0.99);
    let is_open = matches!(plan.load, Load::Open { .. });
    if is_open && late > LATE_MAX && late > latency.value_at_quantile(0.99) / 10 {
        limits.push(ClientLimit::Late(late));
    }
    if full_reads > FULL_READS_MAX && busiest_thread > CPU_SHARE_OF_FULL_READS {
        limits.push(ClientLimit::ReceiveQueues(full_reads));
    }
    limits
}

impl Server {
    fn cost(&self, seconds: &[Second]) -> Option<ServerCost> {
        let (at_start, at_end) = (self.at_start?, self.at_end?);
        let loaded = seconds.iter().rev().find(|second| second.phase <= Phase::Measured);
        Some(ServerCost {
            cpu: at_end.cpu.saturating_sub(at_start.cpu),
            memory_before_bytes: self.before.memory_bytes,
            memory_loaded_bytes: at_end.memory_bytes,
            memory_after_bytes: self.after.map_or(0, |after| after.memory_bytes),
            connections: loaded.map_or(0, |second| second.open),
        })
    }
}

impl Connecting {
    fn merge(&mut self, other: &Connecting) {
        self.dialled += other.dialled;
        self.ready += other.ready;
        self.at_start += other.at_start;
        self.failed += other.failed;
        // Not all threads need have had theirs at the same time, but for what connects and stays they have.
        self.open_max += other.open_max;
        for (times, more) in [
            (&mut self.connect, &other.connect),
            (&mut self.handshake, &other.handshake),
            (&mut self.ready_after, &other.ready_after),
        ] {
            times.add(more).expect("it grows as it has to");
        }
    }
}

#[cfg(test)]
#[allow(missing_docs, reason = "these are tests")]
pub mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;

    /// An outcome of a plan in which nothing happened, for as long as it was to.
    pub fn outcome(plan: &Plan) -> Outcome {
        let mut connecting = connecting();
        connecting.ready = plan.connections as u64;
        Outcome {
            plan: plan.clone(),
            is_interrupted: false,
            measured: plan.duration,
            intended: None,
            sends: 0,
            deliveries: 0,
            bytes_sent: 0,
            bytes_received: 0,
            latency: times(),
            never_sent: 0,
            spread: None,
            connecting,
            ending: Ending::default(),
            audit: super::super::outcome::Audit::default(),
            errors: Errors::default(),
            servers: Vec::new(),
            seconds: Vec::new(),
            client: client_cost(&[], times(), &Tallies::default()),
            server: None,
            storm: None,
        }
    }

    fn limits_of(busiest: f64, full_reads: f64, late: u64, latency: u64) -> Vec<ClientLimit> {
        let (mut lateness, mut latencies) = (times(), times());
        record(&mut lateness, late);
        record(&mut latencies, latency);
        limits(&plan(), busiest, full_reads, &lateness, &latencies)
    }

    #[test]
    fn a_client_that_was_the_limit_says_so() {
        assert_eq!(limits_of(0.5, 0.0, 10_000, 100_000), []);
        assert_eq!(limits_of(0.95, 0.0, 0, 0), [ClientLimit::Cpu(0.95)]);
        assert!(matches!(limits_of(0.5, 0.0, 2_000_000, 3_000_000)[..], [ClientLimit::Late(_)]));
        assert_eq!(limits_of(0.5, 0.0, 2_000_000, 900_000_000), [], "it makes no difference");
        assert_eq!(limits_of(0.8, 0.6, 0, 0), [ClientLimit::ReceiveQueues(0.6)]);
    }
}
