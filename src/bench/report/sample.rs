//! Outcomes made by hand: what the tests of every format render.

use super::about::{About, Machine};
use super::{Found, Report};
use crate::bench::live::{Moment, ServerShare, Totals};
use crate::bench::outcome::*;
use crate::bench::plan::*;
use crate::bench::request::Handshake;
use std::time::{Duration, SystemTime};

pub const CONNECTIONS: u64 = 1000;
pub const SENDS: u64 = 12_000;
pub const SECONDS: u64 = 30;

/// A fan-out of which everything arrived.
pub fn fanout() -> Outcome {
    let deliveries = SENDS * (CONNECTIONS - 1);
    let ready = times_of(&[(400_000, 900), (2_000_000, 100)]);
    Outcome {
        plan: plan(),
        is_interrupted: false,
        measured: Duration::from_secs(SECONDS),
        intended: Some(SENDS + 400),
        sends: SENDS,
        deliveries,
        bytes_sent: SENDS * 134,
        bytes_received: deliveries * 142,
        latency: latency(),
        never_sent: 0,
        spread: Some(Spread {
            times: times_of(&[(800_000, 11_000), (3_000_000, 1000)]),
            is_by_thread: false,
        }),
        connecting: Connecting {
            dialled: CONNECTIONS,
            ready: CONNECTIONS,
            at_start: CONNECTIONS,
            failed: 0,
            open_max: CONNECTIONS,
            took: Duration::from_millis(80),
            connect: times_of(&[(60_000, 1000)]),
            handshake: times_of(&[(150_000, 1000)]),
            ready_after: ready,
        },
        ending: Ending::default(),
        audit: Audit {
            sent: SENDS + 400,
            expected: (SENDS + 400) * (CONNECTIONS - 1),
            delivered: (SENDS + 400) * (CONNECTIONS - 1),
            chinwag: Some(ChinwagAudit { acked: SENDS + 400, ..ChinwagAudit::default() }),
            memory_bytes: 4 << 20,
            ..Audit::default()
        },
        errors: Errors::default(),
        servers: Vec::new(),
        seconds: (0..SECONDS + 2).map(second).collect(),
        client: ClientCost {
            cpu: Duration::from_millis(10_190),
            busiest_thread: 0.43,
            lateness: times_of(&[(20_000, SENDS - 3), (1_500_000, 3)]),
            full_reads: 0.0,
            memory_max_bytes: 34 << 20,
            limits: Vec::new(),
        },
        server: Some(ServerCost {
            cpu: Duration::from_millis(13_187),
            memory_before_bytes: 12 << 20,
            memory_loaded_bytes: 34 << 20,
            memory_after_bytes: 14 << 20,
            connections: CONNECTIONS,
        }),
        storm: None,
    }
}

/// The same, measured for so long.
pub fn lasting(secs: u64) -> Outcome {
    Outcome { measured: Duration::from_secs(secs), ..fanout() }
}

/// Three servers, the second of which is dead.
pub fn three_servers() -> Outcome {
    let url = |text: &str| text.parse().expect("a URL");
    let others = [url("ws://b:2021/ws"), url("ws://c:2021/ws")];
    let mut run = fanout();
    run.plan.servers = Servers::new(url("ws://a:2021/ws"), others);
    run.servers = ServerCounts::before(&run.plan);
    for server in &mut run.servers {
        (server.ready, server.sent, server.delivered) = (server.connections, 4000, 4000);
        server.latency = times_of(&[(100_000, 4000)]);
    }
    let dead = &mut run.servers[1];
    (dead.failed, dead.errors) = (333, 333);
    (dead.ready, dead.sent, dead.delivered, dead.latency) = (0, 0, 0, times());
    (run.connecting.ready, run.connecting.failed) = (667, 333);
    run
}

/// Connections that were made and held, without a message.
pub fn idle() -> Outcome {
    Outcome {
        plan: Plan { scenario: Scenario::Idle, senders: 0, ..plan() },
        intended: Some(0),
        sends: 0,
        deliveries: 0,
        latency: times(),
        spread: None,
        audit: Audit::default(),
        client: ClientCost { lateness: times(), ..fanout().client },
        seconds: (0..SECONDS + 2).map(|at| Second { sends: 0, deliveries: 0, ..second(at) }).collect(),
        ..fanout()
    }
}

/// People who went from room to room, one of whom was refused something.
pub fn hop() -> Outcome {
    let asked = 60_000;
    let hops =
        HopAudit { asked: 62_000, left: 62_000, joined: 61_999, refused: 1, stuck: 1, ..HopAudit::default() };
    Outcome {
        plan: Plan {
            scenario: Scenario::Hop,
            senders: 0,
            rooms: 50,
            load: Load::Closed { window: 2 },
            ..plan()
        },
        intended: None,
        sends: asked,
        deliveries: asked,
        bytes_sent: asked * 60,
        bytes_received: asked * 60,
        spread: None,
        audit: Audit { hops: Some(hops), ..Audit::default() },
        ..fanout()
    }
}

/// One of which not everything arrived, and of which the client was the limit.
pub fn broken() -> Outcome {
    let good = fanout();
    let mut errors = Errors::default();
    for _ in 0..12 {
        errors.add("refused", || "Connection refused (os error 111)".into(), "is the server running?");
    }
    errors.add("closed: 1012", || "restart".into(), "");
    Outcome {
        audit: Audit {
            delivered: good.audit.expected - 3,
            lost: 3,
            doubled: 1,
            chinwag: Some(ChinwagAudit { acked: SENDS + 399, unanswered: 1, ..Default::default() }),
            ..good.audit
        },
        errors,
        client: ClientCost {
            busiest_thread: 0.97,
            limits: vec![ClientLimit::Cpu(0.97), ClientLimit::Late(12_000_000)],
            ..good.client
        },
        ..good
    }
}

/// A search that found something.
pub fn search() -> Search {
    let tried = |load: f64, seen: &str, holds: bool| Try { load, seen: seen.into(), holds };
    Search {
        condition: "p99<5ms".into(),
        unit: "messages a second",
        tries: vec![
            tried(400.0, "p99 2.05 ms", true),
            tried(800.0, "p99 31.2 ms", false),
            tried(600.0, "p99 4.81 ms", true),
        ],
        best: Some(fanout()),
    }
}

pub fn about() -> About {
    About {
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000),
        machine: Machine { cores: 2, kernel: "Linux 6.8.0".into(), cpu: "A Processor".into() },
    }
}

/// A report of these runs.
pub fn report(runs: Vec<Outcome>) -> Report {
    Report { plan: plan(), about: about(), found: Found::Runs(runs) }
}

pub fn plan() -> Plan {
    Plan {
        handshake: Handshake::default(),
        messages: None,
        name: None,
        scenario: Scenario::Fanout,
        servers: "ws://127.0.0.1:2021/ws".parse().expect("a URL"),
        is_cluster: false,
        dialect: Dialect::Chinwag,
        templates: Templates::default(),
        connections: 1000,
        senders: 10,
        self_echo: false,
        room: "bench".into(),
        rooms: 1,
        deflate: false,
        is_binary: false,
        load: Load::Open { rate: 400.0, arrival: Arrival::Even },
        size: (64, 64),
        duration: Duration::from_secs(SECONDS),
        warmup: Duration::from_secs(1),
        ramp: Duration::ZERO,
        in_flight: 100,
        drain: Duration::from_secs(5),
        seed: 7,
        bind: Vec::new(),
        threads: 1,
        server_pids: vec![4711],
        churn_rate: 0.0,
        slow_percent: 0,
        slow_bytes_per_second: 0,
    }
}

/// The fourth second of a run in which two connections were lost and some messages were refused.
pub fn with_moment<T>(plan: &Plan, look: impl FnOnce(&Moment<'_>) -> T) -> T {
    let mut errors = Errors::default();
    for (kind, count) in [("closed: 1012", 2), ("rate_limited", 10)] {
        (0..count).for_each(|_| errors.add(kind, || "the server did not take it".into(), ""));
    }
    look(&Moment {
        plan,
        second: Second { open: CONNECTIONS - 2, errors: 2, ..second(3) },
        elapsed: Duration::from_secs(4),
        span: Duration::from_secs(1),
        latency: &latency(),
        so_far: Totals {
            intended: 1300,
            sends: 1200,
            deliveries: 1_198_800,
            bytes_received: 170_379_600,
            refused: 10,
            errors: 12,
            ready: CONNECTIONS,
            failed: 1,
            lost: 2,
            reads: 900,
            full_reads: 9,
        },
        errors: &errors,
        client_share: 0.97,
        limits: vec![ClientLimit::Cpu(0.97)],
        server: Some(ServerShare { cpu: 0.44, memory_bytes: 34 << 20 }),
    })
}

/// A histogram of so many of each, in nanoseconds.
pub fn times_of(counts: &[(u64, u64)]) -> Times {
    let mut times = times();
    for (ns, count) in counts {
        times.record_n(*ns, *count).expect("it grows");
    }
    times
}

/// Of a hundred thousand: most of them fast, few of them slow.
fn latency() -> Times {
    times_of(&[
        (120_000, 60_000),
        (300_000, 30_000),
        (800_000, 9000),
        (1_200_000, 900),
        (4_000_000, 90),
        (8_100_000, 10),
    ])
}

fn second(at: u64) -> Second {
    let phase = match at {
        0 => Phase::Connecting,
        1 => Phase::Warmup,
        _ => Phase::Measured,
    };
    let is_sending = at > 0;
    // A second in which the server stalls.
    let slow = if at == 17 { 40 } else { 1 };
    Second {
        at,
        phase,
        open: CONNECTIONS,
        sends: if is_sending { 400 } else { 0 },
        deliveries: if is_sending { 399_600 - at * 100 } else { 0 },
        bytes_received: if is_sending { 56_743_200 } else { 150_000 },
        errors: 0,
        p50: if is_sending { 120_000 + at * 1000 } else { 0 },
        p99: if is_sending { 1_200_000 * slow } else { 0 },
        max: if is_sending { 2_000_000 * slow + 100_000 * (at % 5) } else { 0 },
    }
}
