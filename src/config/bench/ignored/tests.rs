//! Every flag in every scenario: it changes something there, or is refused.

use crate::config::bench::{Bench, SCENARIOS, SETTINGS, with_url};
use crate::config::with_flags;
use clap::Command;

fn refusal(args: &[&str]) -> Option<String> {
    let command = with_flags(with_url(Command::new("bench")), SETTINGS);
    let matches = command.try_get_matches_from([&["bench"], args].concat()).expect("flags");
    Bench::from_matches(&matches).err()
}

const NOTHING: &[&str] = &[];
const SILENT: &[&str] = &["connect", "idle"];
const WITHOUT_MESSAGES: &[&str] = &["connect", "idle", "hop"];
/// The scenarios whose dialect is raw if nothing else is said.
const RAW: &[&str] = &["echo", "connect"];

/// A flag with a value, and the scenarios in which it is refused since it would change nothing.
const FLAGS: &[(&[&str], &[&str])] = &[
    (&["--connections=50"], &["connect"]),
    (&["--senders=2"], &["echo", "connect", "idle", "hop"]),
    (&["--self-echo"], &["echo", "connect", "idle", "hop"]),
    (&["--room=a"], RAW),
    (&["--rooms=2"], NOTHING),
    (&["--header=X: y"], NOTHING),
    (&["--subprotocol=a", "--dialect=raw"], NOTHING),
    (&["--origin=a"], NOTHING),
    (&["--token=a"], NOTHING),
    (&["--tokens=/dev/null"], NOTHING),
    (&["--deflate"], NOTHING),
    (&["--binary", "--dialect=raw"], WITHOUT_MESSAGES),
    (&["--dialect=raw"], NOTHING),
    (&["--join-template=a", "--dialect=template", "--send-template={payload}"], SILENT),
    (&["--send-template={payload}", "--dialect=template"], SILENT),
    (&["--script=/dev/null"], NOTHING),
    (&["--rate=5"], SILENT),
    (&["--arrival=poisson"], &["echo", "connect", "idle", "hop"]),
    (&["--arrival=poisson", "--rate=5"], SILENT),
    (&["--window=2"], SILENT),
    (&["--size=64"], WITHOUT_MESSAGES),
    (&["--messages=5"], &["connect", "idle", "storm"]),
    (&["--duration=1s"], NOTHING),
    (&["--warmup=1s"], &["connect"]),
    (&["--ramp=1s"], NOTHING),
    (&["--in-flight=2"], NOTHING),
    (&["--drain=1s"], SILENT),
    (&["--churn-rate=2"], &["echo", "fanout", "connect", "idle", "storm", "slow", "hop"]),
    (&["--slow-percent=5"], &["echo", "fanout", "connect", "idle", "churn", "storm", "hop"]),
    (&["--slow-read=5"], &["echo", "fanout", "connect", "idle", "churn", "storm", "hop"]),
    (&["--find=p99<1s", "--rate=5"], SILENT),
    (&["--find-connections", "--find=p99<1s", "--rate=5"], SILENT),
    (&["--find-max=9", "--find=p99<1s", "--rate=5"], SILENT),
    (&["--find-max=9"], SCENARIOS),
    (&["--repeat=2"], NOTHING),
    (&["--threads=2"], NOTHING),
    (&["--bind=127.0.0.2"], NOTHING),
    (&["--seed=2"], NOTHING),
    (&["--server-pid=1"], NOTHING),
    (&["--cluster", "ws://a", "ws://b"], &["echo", "connect", "idle"]),
    (&["--ca=a"], NOTHING),
    (&["--insecure"], NOTHING),
    (&["--ca=a", "--insecure"], SCENARIOS),
    (&["--strict"], NOTHING),
    (&["--fail-if=p99>1s"], NOTHING),
    (&["--json=a"], NOTHING),
    (&["--tui"], NOTHING),
    (&["--jsonl=a"], NOTHING),
    (&["--prometheus=127.0.0.1:0"], NOTHING),
    (&["--hgrm=a"], NOTHING),
    (&["--csv=a"], NOTHING),
    (&["--svg=a"], NOTHING),
];

#[test]
fn each_flag_is_refused_in_the_scenarios_that_it_changes_nothing_in() {
    for (flags, refused_in) in FLAGS {
        for scenario in SCENARIOS {
            let why = refusal(&[&[*scenario], *flags].concat());
            let says_so = why.as_deref().is_some_and(|why| why.contains(" changes nothing "));
            assert_eq!(says_so, refused_in.contains(scenario), "{scenario} {flags:?}: {why:?}");
        }
    }
}

#[test]
fn no_flag_is_left_out() {
    for setting in SETTINGS {
        let flag = format!("--{}", setting.name);
        let is_there = FLAGS.iter().any(|(flags, _)| flags[0].split('=').next() == Some(&*flag));
        assert!(is_there, "{flag}: in which scenarios does it change nothing?");
    }
}

#[test]
fn a_room_that_stands_somewhere_is_one() {
    for args in [
        &["echo", "--room=a", "ws://h/{room}"][..],
        &["echo", "--room=a", "-H", "X-Room: {room}"],
        &["fanout", "--dialect=template", "--send-template={room}{payload}", "--rooms=2"],
        &["fanout", "--room=a", "tcp://h"],
    ] {
        assert_eq!(refusal(args), None, "{args:?}");
    }
    for args in [
        &["echo", "--room=a", "ws://h/"][..],
        &["fanout", "--dialect=template", "--send-template={payload}", "--rooms=2"],
        &["slow", "--slow-percent=0", "--slow-read=5"],
        &["idle", "--dialect=template", "--send-template={payload}"],
    ] {
        let why = refusal(args).unwrap_or_default();
        assert!(why.contains("changes nothing"), "{args:?}: {why}");
    }
}
