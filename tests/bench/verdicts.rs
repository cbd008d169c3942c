//! What is said of a server that fails, in each way and each scenario: the first line, the exit code, the JSON.

use crate::server::{Behaviour, Death, Door, Fate, Manner, Server};
use crate::{outcome, plan, try_run};
use chinwag::bench::outcome::Outcome;
use chinwag::bench::plan::{Arrival, Dialect, Load, Plan, Scenario};
use chinwag::bench::report::{About, Found, Report};
use chinwag::bench::verdict::Verdict;
use serde_json::Value;
use std::time::Duration;

/// What is told of a run.
struct Told {
    first: String,
    verdict: Verdict,
    json: Value,
    outcome: Outcome,
}

#[track_caller]
fn told(behaviour: Behaviour, change: impl FnOnce(&mut Plan)) -> Told {
    let server = Server::start(behaviour);
    let mut plan = plan(&server);
    change(&mut plan);
    let outcome = outcome(&plan);
    let found = Found::Runs(vec![outcome.clone()]);
    let report = Report { plan, about: About::now(), found };
    let summary = report.summary();
    let json: Value = serde_json::from_str(&report.json()).expect("it is JSON");
    assert_eq!(json["verdict"]["kind"], summary.verdict.name(), "{json}");
    assert_eq!(json["verdict"]["sound"], summary.verdict == Verdict::Sound, "{json}");
    let first = summary.findings[0].text.clone();
    assert_eq!(json["verdict"]["text"][0], first.as_str());
    Told { first, verdict: summary.verdict, json, outcome }
}

impl Told {
    #[track_caller]
    fn fell_short(&self, of_what: &str) -> &Told {
        assert_eq!((self.verdict, self.verdict.exit_code(false)), (Verdict::FellShort, 3), "{}", self.first);
        let rest = self.first.strip_prefix("the load was not what was asked for: ");
        assert!(rest.is_some_and(|rest| rest.contains(of_what)), "{of_what}: {}", self.first);
        self
    }

    #[track_caller]
    fn sound(&self) -> &Told {
        // On a busy machine the client may be late, and says so first.
        let words = match self.verdict {
            Verdict::ClientsLimit => "~ the client was the limit: ",
            _ => "all accounted for: ",
        };
        assert!(self.verdict.exit_code(false) == 0 && self.first.starts_with(words), "{}", self.first);
        self
    }

    #[track_caller]
    fn number(&self, key: &str) -> u64 {
        self.json[key].as_u64().unwrap_or_else(|| panic!("{key} of {}", self.json))
    }

    /// How long it took from the first lost connection to the end of the run.
    fn lingered(&self) -> Duration {
        let ending = self.outcome.ending;
        ending.deserted_after.expect("it was ended").saturating_sub(ending.first_lost_after)
    }
}

/// So long that a run which waits for its end would be noticed.
const LONG: Duration = Duration::from_secs(600);

/// Each scenario that lasts, and how a server talks that it is for.
fn lasting() -> Vec<(Scenario, Manner, Dialect)> {
    let raw = |scenario, manner| (scenario, manner, Dialect::Raw);
    let json = |scenario| (scenario, Manner::Json, Dialect::Chinwag);
    vec![
        raw(Scenario::Echo, Manner::Echo),
        raw(Scenario::Fanout, Manner::Broadcast),
        raw(Scenario::Idle, Manner::Broadcast),
        raw(Scenario::Churn, Manner::Broadcast),
        raw(Scenario::Slow, Manner::Broadcast),
        json(Scenario::Fanout),
        json(Scenario::Idle),
        json(Scenario::Churn),
        json(Scenario::Slow),
        json(Scenario::Storm),
        json(Scenario::Hop),
        (Scenario::Fanout, Manner::Broadcast, Dialect::Template),
    ]
}

fn play(plan: &mut Plan, (scenario, _, dialect): (Scenario, Manner, Dialect)) {
    (plan.scenario, plan.dialect) = (scenario, dialect);
    plan.templates.send = "<{payload}>".into();
    plan.senders = match scenario {
        Scenario::Echo => plan.connections,
        Scenario::Idle | Scenario::Hop => 0,
        _ => 1,
    };
    plan.rooms = if scenario == Scenario::Hop { 5 } else { 1 };
    plan.slow_percent = 40;
}

#[test]
fn a_server_that_is_killed_ends_the_run_and_is_no_success() {
    for case in lasting() {
        let (scenario, manner, _) = case;
        let death = Death::AfterConnections(4, Duration::from_millis(400));
        let told = told(Behaviour { death, ..Behaviour::sound(manner) }, |plan| {
            play(plan, case);
            (plan.duration, plan.drain, plan.churn_rate) = (LONG, LONG, 0.1);
        });
        told.fell_short("4 of ").fell_short("connections were lost");
        assert_eq!(told.number("connections_lost"), 4, "{case:?}");
        assert!(told.lingered() < Duration::from_secs(5), "{case:?}: {:?}", told.lingered());
        // 600 s at 200 a second were intended, and less than one second of that was sent.
        let intended = if scenario == Scenario::Idle { 0 } else { 120_000 };
        assert_eq!(told.number("intended"), intended, "{case:?}");
        assert!(told.number("sent") < 20_000, "{case:?}");
        assert_eq!(told.outcome.audit.unaccounted(), 0, "{case:?}: {:?}", told.outcome.audit);
    }
}

#[test]
fn a_server_that_dies_of_a_message_has_lost_all_connections_and_not_the_messages() {
    let death = Death::AfterMessages(47, false);
    let told = told(Behaviour { death, ..Behaviour::sound(Manner::Broadcast) }, |_| {});
    told.fell_short("4 of 4 connections were lost after ").fell_short("of 100 messages were sent");
    assert_eq!((told.number("intended"), told.number("refused")), (100, 0));
    assert!((47..100).contains(&told.number("sent")), "{}", told.json);
    let audit = told.outcome.audit;
    assert_eq!((audit.delivered, audit.lost), (46 * 3, 0), "{audit:?}");
}

#[test]
fn a_server_that_restarts_has_lost_its_connections_also_where_they_come_back() {
    for scenario in [Scenario::Fanout, Scenario::Churn, Scenario::Storm] {
        let death = Death::AfterMessages(60, true);
        let told = told(Behaviour { death, ..Behaviour::sound(Manner::Json) }, |plan| {
            play(plan, (scenario, Manner::Json, Dialect::Chinwag));
            plan.duration = Duration::from_secs(3);
        });
        told.fell_short(" lost");
        assert!(told.number("connections_lost") >= 1, "{scenario}: {}", told.json);
    }
}

#[test]
fn a_closed_loop_whose_server_is_killed_is_no_success() {
    for (scenario, manner) in [(Scenario::Echo, Manner::Echo), (Scenario::Fanout, Manner::Broadcast)] {
        let death = Death::AfterMessages(50, false);
        let told = told(Behaviour { death, ..Behaviour::sound(manner) }, |plan| {
            play(plan, (scenario, manner, Dialect::Raw));
            (plan.load, plan.duration, plan.drain) = (Load::Closed { window: 1 }, LONG, LONG);
        });
        told.fell_short("4 of 4 connections were lost");
        assert_eq!(told.number("intended"), told.number("sent"), "a window intends what it sends");
    }
}

#[test]
fn who_is_closed_at_once_was_no_success() {
    for (scenario, manner) in [
        (Scenario::Echo, Manner::Echo),
        (Scenario::Fanout, Manner::Broadcast),
        (Scenario::Idle, Manner::Echo),
    ] {
        let told = told(Behaviour { door: |_| Door::Closing(1008), ..Behaviour::sound(manner) }, |plan| {
            play(plan, (scenario, manner, Dialect::Raw));
            (plan.duration, plan.drain) = (LONG, LONG);
        });
        told.fell_short("4 of 4 connections were lost");
        assert_eq!(told.number("connections_lost"), 4, "{scenario}");
        assert_eq!(told.json["errors"]["closed: 1008"]["count"], 4, "{scenario}: {}", told.json);
    }
}

#[test]
fn one_connection_that_is_closed_spoils_the_run() {
    let script = |_, number| if number == 30 { Fate::Closed(4108) } else { Fate::Sound };
    let told = told(Behaviour::scripted(Manner::Echo, script), |plan| {
        (plan.scenario, plan.senders, plan.connections) = (Scenario::Echo, 1, 1);
    });
    told.fell_short("1 of 1 connection was lost after ");
}

#[test]
fn refused_handshakes_are_connections_and_messages_that_were_not() {
    type Doors = fn(usize) -> Door;
    let doors: [(Doors, &str); 3] = [
        (|number| if number % 2 == 1 { Door::Status(503) } else { Door::Open }, "handshake: HTTP 503"),
        (|number| if number % 2 == 1 { Door::Status(429) } else { Door::Open }, "handshake: HTTP 429"),
        (|number| if number % 2 == 1 { Door::Status(403) } else { Door::Open }, "handshake: HTTP 403"),
    ];
    for (door, kind) in doors {
        let told = told(Behaviour { door, ..Behaviour::sound(Manner::Echo) }, |plan| {
            play(plan, (Scenario::Echo, Manner::Echo, Dialect::Raw));
        });
        told.fell_short("2 of 4 connections became ready").fell_short("50 of 100 messages were sent");
        assert_eq!((told.number("connections_failed"), told.number("connections_lost")), (2, 0));
        assert_eq!(told.json["errors"][kind]["count"], 2, "{}", told.json);
    }
    let door = |number| if number == 3 { Door::Status(503) } else { Door::Open };
    let idle = told(Behaviour { door, ..Behaviour::sound(Manner::Echo) }, |plan| {
        play(plan, (Scenario::Idle, Manner::Echo, Dialect::Raw));
    });
    idle.fell_short("3 of 4 connections became ready");
}

#[test]
fn refused_messages_were_not_sent() {
    // 76 of 100, and 1 of 100.
    let refuses = |limits| Behaviour { limits, ..Behaviour::sound(Manner::Json) };
    let json = |plan: &mut Plan| play(plan, (Scenario::Fanout, Manner::Json, Dialect::Chinwag));
    let most = told(refuses(|number| number % 25 >= 6), json);
    most.fell_short("24 of 100 messages were sent (76 refused)");
    let numbers = ["intended", "sent", "refused", "connections_lost"].map(|key| most.number(key));
    assert_eq!(numbers, [100, 24, 76, 0]);
    let few = told(refuses(|number| number == 50), json);
    few.sound();
    assert_eq!((few.number("sent"), few.number("refused")), (99, 1));
    let all = told(refuses(|_| true), json);
    assert_eq!((all.verdict, all.verdict.exit_code(false)), (Verdict::NothingDelivered, 1), "{}", all.first);
    assert!(all.first.starts_with("nothing was delivered of 100 messages"), "{}", all.first);
    assert_eq!((all.number("sent"), all.number("refused")), (0, 100));
}

#[test]
fn a_refused_change_of_rooms_stops_a_connection() {
    let replies =
        |number| if number == 20 { crate::server::Reply::Refusal } else { crate::server::Reply::Sound };
    let told = told(Behaviour { replies, ..Behaviour::sound(Manner::Json) }, |plan| {
        play(plan, (Scenario::Hop, Manner::Json, Dialect::Chinwag));
        plan.load = Load::Closed { window: 1 };
    });
    told.fell_short("1 of 4 connections was refused a change of rooms and stopped");
    assert_eq!(told.number("refused"), 1);
}

#[test]
fn a_server_that_falls_silent_has_lost_what_it_was_sent() {
    // The connections stand; what is said to them goes nowhere.
    let script = |_, number| if number >= 30 { Fate::Lost } else { Fate::Sound };
    for (manner, dialect) in [(Manner::Broadcast, Dialect::Raw), (Manner::Json, Dialect::Chinwag)] {
        let told = told(Behaviour::scripted(manner, script), |plan| {
            play(plan, (Scenario::Fanout, manner, dialect));
            plan.drain = Duration::from_millis(300);
        });
        assert_eq!(
            (told.verdict, told.verdict.exit_code(false)),
            (Verdict::Unaccounted, 3),
            "{}",
            told.first
        );
        assert!(
            told.first.starts_with("NOT all accounted for: of 300 deliveries, 210 lost"),
            "{}",
            told.first
        );
    }
}

#[test]
fn a_server_that_reads_no_more_leaves_messages_unsent_and_the_table_says_how_many() {
    let told = told(Behaviour { stall: Some((5, LONG)), ..Behaviour::sound(Manner::Broadcast) }, |plan| {
        (plan.size, plan.load) = ((1 << 20, 1 << 20), Load::Open { rate: 40.0, arrival: Arrival::Even });
        plan.drain = Duration::from_millis(500);
    });
    assert_ne!(told.verdict.exit_code(false), 0, "{}", told.first);
    let never_sent = told.json["latency_us"]["never_sent"].as_u64().expect("a number");
    let unsent = told.json["errors"]["not sent"]["count"].as_u64().expect("a number");
    assert_eq!(never_sent, 3 * unsent, "{}", told.json);
    assert_eq!(told.number("sent") + unsent, told.number("intended"), "{}", told.json);
}

#[test]
fn connecting_fails_when_more_than_one_attempt_in_a_hundred_does() {
    let connect = |door| {
        told(Behaviour { door, ..Behaviour::sound(Manner::Echo) }, |plan| {
            (plan.scenario, plan.senders) = (Scenario::Connect, 0);
        })
    };
    let told = connect(|number| if number % 10 == 9 { Door::Status(503) } else { Door::Open });
    told.fell_short(" connections became ready");
    assert!(told.number("connections_failed") >= 1);
    let told = connect(|_| Door::Open);
    told.sound();
    assert_eq!(told.number("connections_failed"), 0);
}

#[test]
fn connecting_ends_when_the_server_is_killed() {
    let death = Death::AfterConnections(200, Duration::ZERO);
    let told = told(Behaviour { death, ..Behaviour::sound(Manner::Echo) }, |plan| {
        (plan.scenario, plan.senders, plan.duration, plan.drain) = (Scenario::Connect, 0, LONG, LONG);
    });
    assert_eq!((told.verdict, told.verdict.exit_code(false)), (Verdict::FellShort, 3), "{}", told.first);
    assert!(told.first.contains("no connection was left after "), "{}", told.first);
}

#[test]
fn connections_that_answer_no_ping_were_no_success() {
    for case in lasting() {
        // A churn replaces one of its first four connections at once: the fifth is the one that stays for certain.
        let silent: fn(usize) -> bool =
            if case.0 == Scenario::Churn { |number| number == 4 } else { |number| number == 2 };
        let told = told(Behaviour { silent, ..Behaviour::sound(case.1) }, |plan| {
            play(plan, case);
            plan.churn_rate = 0.001;
        });
        // Over others of these four something may have come after the Ping.
        let silent = told.number("connections_silent");
        match case.0 {
            Scenario::Storm => assert_eq!(silent, 0, "it is another connection by then"),
            _ => {
                assert_eq!((silent, told.number("connections_lost")), (1, 0), "{case:?}: {}", told.json);
                told.fell_short("1 of 4 connections did not answer a Ping");
                assert_eq!(told.json["errors"]["silent"]["count"], 1, "{}", told.json);
            }
        }
    }
}

#[test]
fn a_slow_reader_that_is_thrown_out_was_not_lost() {
    // Accepted one after another, the slow one is the last.
    let slow = |fate: fn() -> Fate| {
        let script = move |receiver, number| if (receiver, number) == (3, 30) { fate() } else { Fate::Sound };
        told(Behaviour::scripted(Manner::Broadcast, script), |plan| {
            play(plan, (Scenario::Slow, Manner::Broadcast, Dialect::Raw));
            plan.in_flight = 1;
        })
    };
    for fate in [|| Fate::Closed(4108), || Fate::Closed(1008), || Fate::Closed(1001)] {
        let told = slow(fate);
        let counts = ["connections_evicted", "connections_lost"].map(|key| told.number(key));
        assert_eq!(counts, [1, 0], "{}", told.json);
        told.sound();
        assert!(
            told.json["verdict"].to_string().contains("; 1 of 1 slow reader was evicted"),
            "{}",
            told.json
        );
    }
    assert_eq!(slow(|| Fate::Sound).number("connections_evicted"), 0);
}

#[test]
fn a_run_ends_when_all_that_is_missing_was_refused() {
    for threads in [1, 2] {
        // The last of the hundred messages is refused, and nothing follows that could show it.
        let started = std::time::Instant::now();
        let told =
            told(Behaviour { limits: |number| number >= 99, ..Behaviour::sound(Manner::Json) }, |plan| {
                play(plan, (Scenario::Fanout, Manner::Json, Dialect::Chinwag));
                (plan.drain, plan.threads) = (LONG, threads);
            });
        told.sound();
        assert_eq!(told.number("refused"), 1);
        assert!(started.elapsed() < LONG / 2);
    }
}

#[test]
fn connections_in_flight_grow_over_the_ramp() {
    let ready = |ramp: u64| {
        let told = told(Behaviour::sound(Manner::Echo), |plan| {
            (plan.scenario, plan.senders, plan.connections, plan.in_flight) = (Scenario::Connect, 0, 8, 8);
            (plan.ramp, plan.duration) = (Duration::from_secs(ramp), Duration::from_secs(1));
        });
        told.sound();
        (told.outcome.connecting.open_max, told.outcome.connecting.ready)
    };
    // A hundredth of the ramp has passed when it ends: one connection after the other.
    let (open_max, count) = ready(100);
    assert!(open_max <= 1 && count > 8, "{open_max} of {count}");
    assert!(ready(0).1 > 8);
}

#[test]
fn a_storm_from_which_not_all_come_back_is_no_success() {
    let door = |number| if number == 6 { Door::Silent } else { Door::Open };
    let told = told(Behaviour { door, ..Behaviour::sound(Manner::Json) }, |plan| {
        play(plan, (Scenario::Storm, Manner::Json, Dialect::Chinwag));
        (plan.duration, plan.drain) = (Duration::from_secs(2), Duration::from_secs(1));
    });
    // What was said while others were away is lost as well: this server does not keep it.
    assert_eq!(told.verdict.exit_code(false), 3, "{}", told.first);
    assert!(told.json["verdict"].to_string().contains("3 of 4 connections came back"), "{}", told.json);
    assert_eq!(told.number("connections_lost"), 0, "those that the plan cuts are not lost");
}

#[test]
fn a_handshake_that_is_never_answered_is_told_in_the_protocols_words() {
    let door = |number| if number == 3 { Door::Silent } else { Door::Open };
    let told = told(Behaviour { door, ..Behaviour::sound(Manner::Broadcast) }, |_| {});
    told.fell_short("3 of 4 connections became ready");
    let example = told.json["errors"]["not ready"]["example"].as_str().expect("text").to_owned();
    assert_eq!(example, "the WebSocket handshake was not answered within 10 s");
    let server = Server::start(Behaviour { door: |_| Door::Silent, ..Behaviour::sound(Manner::Broadcast) });
    let failure = try_run(&plan(&server)).expect_err("nobody gets in").to_string();
    assert!(failure.contains("the WebSocket handshake was not answered within 10 s"), "{failure}");
}

#[test]
fn what_is_no_http_is_told_in_plain_words() {
    let server = Server::start(Behaviour { door: |_| Door::Babbling, ..Behaviour::sound(Manner::Echo) });
    let failure = try_run(&plan(&server)).expect_err("nobody gets in").to_string();
    assert!(failure.contains("the answer is not HTTP: "), "{failure}");
}

#[test]
fn what_a_scenario_does_not_look_at_is_not_judged() {
    for scenario in [Scenario::Connect, Scenario::Idle, Scenario::Fanout, Scenario::Churn] {
        let told =
            told(Behaviour { door: |_| Door::Greeting, ..Behaviour::sound(Manner::Broadcast) }, |plan| {
                play(plan, (scenario, Manner::Broadcast, Dialect::Raw));
                (plan.senders, plan.churn_rate) =
                    (usize::from(plan.senders > 0 && scenario != Scenario::Connect), 50.0);
            });
        told.sound();
        assert_eq!(told.json["audit"]["foreign"], 0, "{scenario}");
    }
}

#[test]
fn an_echo_at_a_server_that_broadcasts_is_told_so_and_of_no_room() {
    let told = told(Behaviour::sound(Manner::Broadcast), |plan| {
        play(plan, (Scenario::Echo, Manner::Broadcast, Dialect::Raw));
    });
    assert_eq!((told.verdict, told.verdict.exit_code(false)), (Verdict::Unaccounted, 3), "{}", told.first);
    let errors = told.json["errors"].to_string();
    assert!(errors.contains("the message of another connection") && !errors.contains("room"), "{errors}");
}

#[test]
fn connecting_takes_as_long_as_the_last_handshake_and_not_as_a_tick() {
    let told = told(Behaviour::sound(Manner::Echo), |plan| {
        play(plan, (Scenario::Idle, Manner::Echo, Dialect::Raw));
        plan.connections = 2;
    });
    let connecting = &told.outcome.connecting;
    // Both were dialled at once, within a tenth of the loop's tick.
    let last = Duration::from_nanos(connecting.ready_after.max());
    assert!(
        connecting.took < last + Duration::from_millis(5),
        "{:?}, the last one {last:?}",
        connecting.took
    );
}
