//! Flags of `chinwag bench`: how they become a plan, and which are refused.

use super::*;
use crate::config::with_flags;

fn bench(args: &[&str]) -> Result<Bench, String> {
    let command = with_flags(with_url(Command::new("bench")), SETTINGS);
    let matches =
        command.try_get_matches_from([&["bench"], args].concat()).map_err(|error| error.to_string())?;
    Bench::from_matches(&matches)
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
        setting.kind.parse(setting.default).expect(setting.name);
    }
    assert_eq!(SCENARIOS.to_vec(), Scenario::NAMED.map(|(name, _)| name));
    assert_eq!(DIALECTS.to_vec(), Dialect::NAMED.map(|(name, _)| name));
}

#[test]
fn each_scenario_has_what_it_needs_without_a_flag() {
    let plans: Vec<String> = SCENARIOS
        .iter()
        .map(|scenario| {
            let plan = bench(&[scenario]).expect(scenario).plan;
            format!("{scenario} {} {} {} {:?}", plan.servers, plan.dialect, plan.senders, plan.warmup)
        })
        .collect();
    assert_eq!(
        plans,
        [
            "echo ws://127.0.0.1:2021/echo raw 100 1s",
            "fanout ws://127.0.0.1:2021/ws chinwag 1 1s",
            "connect ws://127.0.0.1:2021/echo raw 0 0ns",
            "idle ws://127.0.0.1:2021/ws chinwag 0 0ns",
            "churn ws://127.0.0.1:2021/ws chinwag 1 1s",
            "storm ws://127.0.0.1:2021/ws chinwag 1 1s",
            "slow ws://127.0.0.1:2021/ws chinwag 1 1s",
            "hop ws://127.0.0.1:2021/ws chinwag 0 1s",
        ]
    );
    for scenario in ["echo", "hop"] {
        assert_eq!(bench(&[scenario]).expect("sound").plan.load, Load::Closed { window: 1 });
    }
    let rooms = |args: &[&str]| bench(args).expect("sound").plan.rooms;
    assert_eq!([rooms(&["fanout"]), rooms(&["hop"]), rooms(&["hop", "--rooms=7"])], [1, 100, 7]);
    let even = Load::Open { rate: 100.0, arrival: Arrival::Even };
    assert_eq!(bench(&["fanout"]).expect("sound").plan.load, even);
}

#[test]
fn the_dialect_and_the_path_follow_from_the_address() {
    let of = |args: &[&str]| {
        let plan = bench(args).expect("sound").plan;
        (plan.dialect.to_string(), plan.servers.to_string())
    };
    assert_eq!(of(&["fanout", "tcp://h:1"]), ("lines".into(), "tcp://h:1".into()));
    assert_eq!(of(&["fanout", "ws://h"]), ("chinwag".into(), "ws://h/ws".into()));
    assert_eq!(of(&["echo", "ws://h"]), ("raw".into(), "ws://h/".into()));
    assert_eq!(of(&["fanout", "ws://h/chat", "--dialect=raw"]), ("raw".into(), "ws://h/chat".into()));
    assert_eq!(of(&["fanout", "--dialect", "lines"]), ("lines".into(), "tcp://127.0.0.1:2020".into()));
}

#[test]
fn flags_set_what_they_name() {
    let bench = bench(&[
        "slow",
        "--connections=50",
        "--senders=3",
        "--self-echo",
        "--room=dev",
        "--rooms=4",
        "--deflate",
        "--rate=7",
        "--arrival=poisson",
        "--size=64-4k",
        "--duration=3s",
        "--warmup=0s",
        "--ramp=2s",
        "--in-flight=9",
        "--drain=1s",
        "--slow-percent=20",
        "--slow-read=1k",
        "--find=p99<5ms",
        "--find-max=500",
        "--threads=2",
        "--bind=127.0.0.2",
        "--bind=127.0.0.3",
        "--seed=8",
        "--server-pid=1",
        "--strict",
        "--json=-",
    ])
    .expect("sound");
    let plan = bench.plan;
    assert_eq!((plan.connections, plan.senders, plan.self_echo, &*plan.room), (50, 3, true, "dev"));
    assert_eq!((plan.rooms, plan.deflate), (4, true));
    assert_eq!(plan.load, Load::Open { rate: 7.0, arrival: Arrival::Poisson });
    assert_eq!((plan.size, plan.duration.as_secs(), plan.warmup.as_secs()), ((64, 4096), 3, 0));
    assert_eq!((plan.ramp.as_secs(), plan.in_flight, plan.drain.as_secs()), (2, 9, 1));
    assert_eq!((plan.slow_percent, plan.slow_bytes_per_second), (20, 1024));
    assert_eq!((plan.threads, plan.bind.len(), plan.seed, plan.server_pids), (2, 2, 8, vec![1]));
    let (vary, condition, most) = bench.find.expect("it is given");
    assert_eq!((vary, &*condition.to_string(), most), (Vary::Rate, "p99<5ms", 500.0));
    assert_eq!((bench.repeat, bench.is_strict, bench.json), (1, true, Some("-".into())));
}

#[test]
fn short_payloads_are_for_messages_that_are_nothing_else() {
    for args in [
        &["echo", "--size=16"][..],
        &["echo", "--size=16", "tcp://h"],
        &["echo", "--size=12", "--binary"],
        &["fanout", "--dialect=raw", "--size=12-4k", "--binary"],
        &["fanout", "--dialect=template", "--send-template={payload}", "--size=40", "--binary"],
    ] {
        let plan = bench(args).expect("sound").plan;
        assert_eq!(plan.is_binary, args.contains(&"--binary"), "{args:?}");
    }
}

#[test]
fn several_servers_have_rooms_and_senders_of_their_own_unless_they_are_a_cluster() {
    let of = |args: &[&str]| {
        let plan = bench(args).expect("sound").plan;
        (plan.servers.to_string(), plan.senders, plan.separate_servers())
    };
    let urls = "ws://a/ws, wss://b/x, ws://c/ws".to_owned();
    assert_eq!(of(&["fanout", "a", "wss://b/x", "c", "-c9"]), (urls.clone(), 3, 3));
    assert_eq!(of(&["fanout", "-c9", "a", "wss://b/x", "c", "--cluster"]), (urls, 1, 1));
    assert_eq!(of(&["echo", "a", "b"]), ("ws://a/, ws://b/".into(), 100, 1));
    let four = of(&["idle", "a", "b", "c", "d"]).0;
    assert_eq!(four, "ws://a/ws, ws://b/ws, ws://c/ws and 1 more");
    let named = bench(&["idle", "a?room=x&name=y", "b?room=x&name=y"]).expect("sound").plan;
    assert_eq!((&*named.room, named.name.as_deref()), ("x", Some("y-{i}")));
    let pids = bench(&["echo", "a", "b", "--server-pid=1", "--server-pid=2"]).expect("sound").plan;
    assert_eq!(pids.server_pids, [1, 2]);
}

#[test]
fn handshakes_hold_what_flags_and_the_address_say() {
    let plan = bench(&[
        "echo",
        "http://ann:x@h:1/?room=a",
        "-H",
        "X-User: u{i}",
        "--header=Host:v.example",
        "--origin=https://h",
        "--subprotocol=b",
        "--subprotocol=a",
        "-c2",
        "-d1s",
        "-r5",
        "-s50",
    ])
    .expect("sound")
    .plan;
    assert_eq!((plan.connections, plan.duration.as_secs(), plan.size), (2, 1, (50, 50)));
    assert_eq!(plan.load, Load::Open { rate: 5.0, arrival: Arrival::Even });
    assert_eq!(plan.servers.to_string(), "ws://h:1/?room=a", "what it means is the server's affair");
    let fields: Vec<String> =
        plan.handshake.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(fields, ["X-User: u{i}", "Host: v.example", "Origin: https://h"]);
    assert_eq!(plan.servers.of(0).url.authorization(), Some("Basic YW5uOng="));
    assert_eq!(plan.handshake.subprotocols, ["b", "a"]);
    let token = |args: &[&str]| {
        let handshake = bench(&[&["echo", "--token=t"][..], args].concat()).expect("sound").plan.handshake;
        (handshake.headers.len(), handshake.tokens)
    };
    assert_eq!(token(&["h"]), (1, vec!["t".to_owned()]), "as a bearer");
    assert_eq!(token(&["h/?t={token}"]), (0, vec!["t".to_owned()]), "where it is wanted");
}

#[test]
fn flags_come_before_what_a_script_says() {
    let phoenix = "--script=examples/bench/phoenix.toml";
    let of = |args: &[&str]| bench(&[&["fanout", phoenix][..], args].concat()).expect("sound").plan;
    let plan = of(&["h:1"]);
    assert_eq!(plan.servers.to_string(), "ws://h:1/socket/websocket?vsn=2.0.0");
    assert_eq!((plan.dialect, plan.self_echo), (Dialect::Template, true));
    assert!(plan.templates.send.contains("new_msg"), "{}", plan.templates.send);
    assert_eq!(of(&[]).servers.to_string(), "ws://127.0.0.1:2021/socket/websocket?vsn=2.0.0");
    let plan = of(&["h:1/x", "--send-template=a{payload}", "--join-template=b"]);
    assert_eq!((plan.servers.to_string(), &*plan.templates.send), ("ws://h:1/x".into(), "a{payload}"));
    let graphql = |args: &[&str]| {
        let args = [&["fanout", "--script=examples/bench/graphql-ws.toml"][..], args].concat();
        bench(&args).expect("sound").plan.handshake.subprotocols
    };
    assert_eq!(graphql(&[]), ["graphql-transport-ws"]);
    assert_eq!(graphql(&["--subprotocol=x"]), ["x"]);
    let plan = bench(&["echo", phoenix, "-c2"]).expect("sound").plan;
    assert!(!plan.self_echo, "an echo expects its own messages anyway");
}

#[test]
fn the_query_of_a_chat_is_the_room_and_the_name() {
    let of = |args: &[&str]| {
        let plan = bench(args).expect("sound").plan;
        (plan.servers.to_string(), plan.room, plan.name.unwrap_or_default())
    };
    let url = "h?room=dev&name=bot&x=1";
    assert_eq!(of(&["fanout", url]), ("ws://h/ws?x=1".into(), "dev".into(), "bot-{i}".into()));
    let text = of(&["fanout", url, "--dialect=chinwag-text", "--room=ops"]);
    assert_eq!(text, ("ws://h/ws?x=1".into(), "ops".into(), "bot-{i}".into()));
    assert_eq!(of(&["idle", "h?name=b{random}"]).2, "b{random}");
    assert_eq!(of(&["idle", "-c1", "h?name=bot"]).2, "bot");
}

#[test]
fn what_does_not_go_together_is_told_in_one_line() {
    for (args, words) in [
        (&["nothing"][..], "none of"),
        (&["echo", "--dialect=chinwag"], "no echo"),
        (&["fanout", "--dialect=lines", "ws://h"], "not spoken"),
        (&["fanout", "--dialect=template"], "{payload}"),
        (&["fanout", "--senders=101"], "101 senders"),
        (&["fanout", "--connections=1"], "needs another connection"),
        (&["fanout", "--rate=1", "--window=1"], "do not go together"),
        (&["storm", "--window=1"], "open loop"),
        (&["fanout", "--connections=100000", "--senders=100000"], "GiB"),
        (&["echo", "--rooms=2"], "no --rooms"),
        (&["hop", "--dialect=lines"], "for the dialect chinwag"),
        (&["hop", "--rooms=1"], "two --rooms"),
        (&["idle", "--dialect=raw", "--rooms=2"], "no --rooms"),
        (&["idle", "--dialect=chinwag-text", "--rooms=101"], "only chinwag joins several"),
        (&["fanout", "--rooms=100"], "needs another connection"),
        (&["fanout", "--rooms=60", "--senders=41"], "101 --connections"),
        (&["fanout", "--rooms=101"], "needs another connection"),
        (&["slow", "--slow-percent=100"], "needs another connection"),
        (&["churn", "--rooms=50", "--senders=20"], "119 --connections"),
        (&["idle", "--deflate", "tcp://h"], "not deflated"),
        (
            &["idle", "--rooms=11", "--room=a23456789012345678901234567890123456789012345678901234567890ab"],
            "64 letters",
        ),
        (&["fanout", "--size=39"], "at least 40 for text messages of the dialect chinwag"),
        (&["echo", "--size=15"], "at least 16 for text messages of the dialect raw"),
        (&["echo", "--size=12-64"], "at least 16"),
        (&["echo", "--size=11", "--binary"], "at least 12 for binary messages"),
        (
            &["fanout", "--dialect=template", "--send-template={payload}", "--size=39", "--binary"],
            "at least 40",
        ),
        (&["echo", "--size=16", "-c1048577"], "do not fit"),
        (&["fanout", "--binary"], "the dialect chinwag are text"),
        (&["fanout", "--binary", "tcp://h"], "lines are text"),
        (&["fanout", "--binary", "--dialect=raw", "tcp://h"], "lines are text"),
        (&["connect", "--binary"], "no message is sent"),
        (&["fanout", "--find=fast"], "p99<50ms"),
        (&["fanout", "--find-connections"], "wants --find"),
        (&["fanout", "--find=p99<1ms", "--repeat=2"], "its own runs"),
        (&["idle", "--find=p99<1ms"], "nothing to find"),
        (&["fanout", "--window=1", "--find=p99<1ms"], "open loop"),
        (&["fanout", "--connections=2", "--threads=3"], "3 threads"),
        (&["connect", "--connections=2"], "--in-flight"),
        (&["connect", "--rate=2"], "--in-flight"),
        (&["connect", "--warmup=1s"], "changes nothing in connect"),
        (&["echo", "--senders=20"], "say --connections"),
        (&["echo", "--self-echo"], "expected back anyway"),
        (&["idle", "--window=2"], "nothing is sent"),
        (&["idle", "--drain=2s"], "nothing is sent"),
        (&["hop", "--size=64"], "no message is sent"),
        (&["fanout", "--churn-rate=2"], "it is for churn"),
        (&["churn", "--slow-read=2"], "it is for slow"),
        (&["fanout", "--send-template={payload}"], "--dialect template"),
        (&["fanout", "--window=1", "--arrival=even"], "closed loop"),
        (&["fanout", "--find-max=2"], "without --find"),
        (&["connect", "-n", "5"], "changes nothing"),
        (&["echo", "--fail-if=p99"], "p99>50ms"),
        (&["storm", "-n", "5"], "say --duration"),
        (&["fanout", "-n5", "--find=p99<1ms"], "do not go together"),
        (&["echo", "-H", "X"], "'Name: value'"),
        (&["echo", "-H", "X Y: z"], "'Name: value'"),
        (&["echo", "-H", "X: a\r\nY: b"], "control character"),
        (&["echo", "-H", "Upgrade: h2c"], "sets Upgrade itself"),
        (&["echo", "-H", "sec-websocket-protocol: a"], "--subprotocol"),
        (&["echo", "-H", "X: {env:CHINWAG_NO_SUCH}"], "no variable CHINWAG_NO_SUCH"),
        (&["echo", "--subprotocol=a b"], "no subprotocol"),
        (&["echo", "--subprotocol=a", "--subprotocol=a"], "twice"),
        (&["fanout", "--subprotocol=a"], "its own subprotocol"),
        (&["fanout", "tcp://h", "-H", "X: y"], "no handshake"),
        (&["echo", "--token=a", "ws://b@h"], "Authorization is given twice"),
        (&["echo", "--origin=a", "-H", "origin: b"], "Origin is given twice"),
        (&["echo", "--token=a", "--tokens=b"], "one of them"),
        (&["echo", "--tokens=/nowhere/at/all"], "cannot read the tokens"),
        (&["echo", "h/?{token}"], "stands for nothing"),
        (&["fanout", "--script=/nowhere/at/all"], "cannot read the script"),
        (&["fanout", "--script=examples/bench/phoenix.toml", "--dialect=raw"], "leave --dialect out"),
        (&["fanout", "tcp://h", "--script=examples/bench/phoenix.toml"], "needs a WebSocket"),
        (&["fanout", "h?room=a&room=b"], "several rooms"),
        (&["fanout", "h?room=a", "h?room=b"], "several rooms"),
        (&["fanout", "h?name=a", "h?name=b"], "several names"),
        (&["fanout", "ws://h", "tcp://h"], "different protocols"),
        (&["echo", "-c2", "a", "b", "c"], "3 URLs need at least 3 connections"),
        (&["connect", "--in-flight=1", "a", "b"], "--in-flight is 1"),
        (&["echo", "--cluster", "a"], "--cluster changes nothing"),
        (&["echo", "--cluster", "a", "b"], "the echo scenario has no rooms"),
        (&["fanout", "--senders=1", "a", "b"], "at least one sender each"),
        (&["idle", "-c9", "--rooms=8", "a", "b"], "a multiple of 2"),
        (&["fanout", "-c3", "a", "b"], "at least 4 --connections"),
        (&["fanout", "h?room=a%20b"], "no room"),
        (&["fanout", "h?name=01234567890123456789012345678901"], "no name"),
    ] {
        let error = bench(args).expect_err(words);
        assert!(error.contains(words), "{args:?}: {error}");
    }
}
