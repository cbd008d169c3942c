//! Flags that would change nothing: they are refused, with the flag that is meant.

use crate::bench::plan::{Dialect, Scenario};
use crate::config::{Value, values};
use clap::ArgMatches;
use clap::parser::ValueSource;

/// A flag, in which runs it changes nothing, and why or what is meant.
type Rule = (&'static str, fn(Scenario, Dialect) -> bool, &'static str);

const RULES: &[Rule] = &[
    (
        "connections",
        |scenario, _| scenario == Scenario::Connect,
        "say --in-flight, how many are under way at a time",
    ),
    ("senders", |scenario, _| scenario == Scenario::Echo, "all connections send: say --connections"),
    ("senders", |scenario, _| scenario == Scenario::Hop, "all connections go round: say --connections"),
    ("senders", is_silent, "nothing is sent in it"),
    ("self-echo", |scenario, _| scenario == Scenario::Echo, "every message is expected back anyway"),
    ("self-echo", is_without_messages, "no message is sent in it"),
    (
        "rate",
        |scenario, _| scenario == Scenario::Connect,
        "say --in-flight, how many are under way at a time",
    ),
    ("rate", is_silent, "nothing is sent in it"),
    (
        "window",
        |scenario, _| scenario == Scenario::Connect,
        "say --in-flight, how many are under way at a time",
    ),
    ("window", is_silent, "nothing is sent in it"),
    ("arrival", is_silent, "nothing is sent in it"),
    ("size", is_without_messages, "no message is sent in it"),
    ("cluster", |scenario, _| scenario == Scenario::Echo, "the echo scenario has no rooms"),
    ("cluster", |scenario, _| scenario == Scenario::Connect, "no message is sent in it"),
    ("binary", is_without_messages, "no message is sent in it"),
    (
        "messages",
        |scenario, _| scenario == Scenario::Storm,
        "say --duration, after a quarter of which all are cut",
    ),
    ("messages", is_silent, "nothing is sent in it"),
    ("warmup", |scenario, _| scenario == Scenario::Connect, "connections are counted from the first on"),
    ("drain", is_silent, "nothing is sent in it"),
    ("churn-rate", |scenario, _| scenario != Scenario::Churn, "it is for churn"),
    ("slow-percent", |scenario, _| scenario != Scenario::Slow, "it is for slow"),
    ("slow-read", |scenario, _| scenario != Scenario::Slow, "it is for slow"),
    ("join-template", has_no_templates, "say --dialect template with it"),
    ("script", has_no_templates, "say --dialect template, or leave --dialect out"),
    ("send-template", has_no_templates, "say --dialect template with it"),
    ("send-template", is_silent, "nothing is sent in it, beside --join-template"),
];

fn is_silent(scenario: Scenario, _: Dialect) -> bool {
    matches!(scenario, Scenario::Connect | Scenario::Idle)
}

fn is_without_messages(scenario: Scenario, dialect: Dialect) -> bool {
    is_silent(scenario, dialect) || scenario == Scenario::Hop
}

fn has_no_templates(_: Scenario, dialect: Dialect) -> bool {
    dialect != Dialect::Template
}

/// Refuses a flag that was given and would change nothing.
pub(super) fn check(matches: &ArgMatches, scenario: Scenario, dialect: Dialect) -> Result<(), String> {
    let is_given = |flag: &str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    for (flag, is_ignored, why) in RULES {
        if is_given(flag) && is_ignored(scenario, dialect) {
            return Err(format!("--{flag} changes nothing in {scenario} with the dialect {dialect}: {why}"));
        }
    }
    if is_given("window") && is_given("arrival") {
        return Err("--arrival changes nothing with --window: a closed loop sends when it is answered".into());
    }
    if is_given("arrival") && !is_given("rate") && matches!(scenario, Scenario::Echo | Scenario::Hop) {
        return Err(format!("--arrival changes nothing in {scenario} without --rate: say how many a second"));
    }
    if is_given("slow-read") && values(matches, "slow-percent").any(|value| *value == Value::Count(0)) {
        return Err("--slow-read changes nothing with --slow-percent 0: no reader is slow".into());
    }
    if is_given("ca") && is_given("insecure") {
        return Err(
            "--ca changes nothing with --insecure, which trusts every certificate: use one of them".into()
        );
    }
    if is_given("find-max") && !is_given("find") {
        return Err("--find-max changes nothing without --find, as in --find 'p99<50ms'".into());
    }
    Ok(())
}

/// Refuses rooms that nothing names: `texts` are all in which `{room}` may stand.
pub(super) fn check_rooms<'t>(
    matches: &ArgMatches,
    dialect: Dialect,
    mut texts: impl Iterator<Item = &'t str>,
) -> Result<(), String> {
    let is_given = |flag: &&&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    // That the dialect raw has but one room is told elsewhere.
    let flags: &[&str] = if dialect == Dialect::Raw { &["room"] } else { &["room", "rooms"] };
    let flag = flags.iter().find(is_given);
    match (flag, dialect) {
        (Some(flag), Dialect::Raw | Dialect::Template) if !texts.any(|text| text.contains("{room}")) => {
            Err(format!(
                "--{flag} changes nothing in the dialect {dialect} without {{room}} in the URL, a header or a template"
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
