//! The first lines of every report: the verdict in a sentence, whose figures these are, and what else is worth knowing.
//!
//! What the verdict is, is decided in [`crate::bench::verdict`]; here it is put into words. That the client was the limit
//! stands before a good verdict, since then no figure says what it seems to say.

use super::figures;
use super::units::{count, duration, share, things};
use crate::bench::outcome::{Audit, ClientLimit, HopAudit, Outcome, ServerCounts};
use crate::bench::run;
use crate::bench::seat::slow_readers;
use crate::bench::verdict::{Counts, Shortfall, Verdict, judge, shortfalls};
use std::time::Duration;

/// What to say about a run, or about several.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The verdict: of several runs, the worst.
    pub verdict: Verdict,
    /// The counts of all runs together.
    pub counts: Counts,
    /// The sentences. The first one is the verdict.
    pub findings: Vec<Finding>,
}

/// A sentence of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// In words.
    pub text: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// As it should be.
    Good,
    /// The figures stand, with something beside them.
    Notable,
    /// The figures are not what they seem to be.
    Doubtful,
    /// The run failed.
    Bad,
}

impl Summary {
    /// Of these runs together.
    pub fn of(runs: &[&Outcome]) -> Summary {
        let of_runs: Vec<Counts> = runs.iter().map(|run| Counts::of(run)).collect();
        let verdict = of_runs.iter().map(judge).max().unwrap_or(Verdict::Sound);
        let audit = figures::audit(runs);
        let accounting = accounting(verdict, &audit, runs);
        let (first, second) = match verdict {
            Verdict::Sound | Verdict::ClientsLimit => (limits(runs), accounting),
            Verdict::FellShort => (fell_short(&of_runs, runs), accounting),
            Verdict::NoConnection => (no_connection(runs), fell_short(&of_runs, runs)),
            Verdict::NothingDelivered | Verdict::Unaccounted => (accounting, fell_short(&of_runs, runs)),
        };
        let mut findings: Vec<Finding> = first.into_iter().chain(second).collect();
        if verdict > Verdict::ClientsLimit {
            findings.extend(limits(runs));
        }
        findings.extend(connections(&of_runs));
        findings.extend(figures::servers(runs).iter().filter_map(server));
        let errors = figures::errors(runs).total();
        if errors > 0 {
            findings
                .push(Finding::new(Weight::Notable, things(errors, "error", "errors") + ", listed below"));
        }
        if runs.iter().any(|run| run.is_interrupted) {
            findings.push(Finding::new(Weight::Notable, "interrupted: this is what was seen until then"));
        }
        Summary { verdict, counts: sum(&of_runs), findings }
    }

    /// The worst of it.
    pub fn weight(&self) -> Weight {
        self.findings.iter().map(|finding| finding.weight).max().unwrap_or(Weight::Good)
    }

    /// Whether the client was the limit: then the figures are at best the server's.
    pub fn is_clients(&self) -> bool {
        self.counts.is_clients
    }
}

fn sum<'c>(counts: impl IntoIterator<Item = &'c Counts>) -> Counts {
    counts.into_iter().fold(Counts::default(), |mut sum, more| {
        sum.add(more);
        sum
    })
}

/// In what the load was not what was asked for, in those runs in which it was not.
fn fell_short(of_runs: &[Counts], runs: &[&Outcome]) -> Option<Finding> {
    let short: Vec<&Counts> = of_runs.iter().filter(|counts| !shortfalls(counts).is_empty()).collect();
    let counts = match short[..] {
        [] => return None,
        [one] => *one,
        _ => sum(short.iter().copied()),
    };
    let mut parts = shortfalls(&counts);
    let is_about_messages = |part: &Shortfall| matches!(part, Shortfall::NotSent { .. });
    // How much of the load was made belongs to every such sentence.
    let Counts { sent, intended, refused, .. } = counts;
    if intended > 0 && !parts.iter().any(is_about_messages) {
        parts.push(Shortfall::NotSent { sent, intended, refused });
    }
    let is_hop = runs.iter().any(|run| run.audit.hops.is_some());
    let planned: Duration =
        runs.iter().map(|run| run.plan.warmup + run.plan.duration).max().unwrap_or_default();
    let words: Vec<String> = parts.iter().map(|part| shortfall(part, is_hop, planned)).collect();
    let of = match runs.len() {
        1 => String::new(),
        several => format!(" in {} of {several} runs", short.len()),
    };
    let text = format!("the load was not what was asked for{of}: {}", list(&words));
    Some(Finding::new(Weight::Bad, text))
}

/// Why no connection became ready, in the first run in which none did.
fn no_connection(runs: &[&Outcome]) -> Option<Finding> {
    let run = runs.iter().find(|run| judge(&Counts::of(run)) == Verdict::NoConnection)?;
    Some(Finding::new(Weight::Bad, run::no_connection(&run.plan, &run.errors)))
}

/// `one`, `one, and two`, `one, two, and three`.
fn list(words: &[String]) -> String {
    match words {
        [] => "no run reached it".into(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}

fn shortfall(shortfall: &Shortfall, is_hop: bool, planned: Duration) -> String {
    let secs = |time: Duration| duration(time.as_secs_f64() * 1e6);
    let was = |number: u64| if number == 1 { "was" } else { "were" };
    match *shortfall {
        Shortfall::Lost { lost, ready, after } => {
            let first = if lost > 1 && lost != ready { ", the first" } else { "" };
            let connections = things(ready, "connection", "connections");
            format!("{} of {connections} {} lost{first} after {}", count(lost), was(lost), secs(after))
        }
        Shortfall::Silent { silent, connections } => format!(
            "{} of {} did not answer a Ping",
            count(silent),
            things(connections, "connection", "connections")
        ),
        Shortfall::Deserted { after } => {
            format!(
                "no connection was left after {}, of {} that were to be loaded",
                secs(after),
                secs(planned)
            )
        }
        Shortfall::NotReady { failed, attempts } => not_ready(failed, attempts),
        Shortfall::NotBack { back, cut } => {
            let connections = things(cut, "connection", "connections");
            format!("{} of {connections} came back", count(back))
        }
        Shortfall::Stuck { stuck, connections } => format!(
            "{} of {} {} refused a change of rooms and stopped",
            count(stuck),
            things(connections, "connection", "connections"),
            was(stuck)
        ),
        Shortfall::NotSent { sent, intended, refused } => {
            let whole = match is_hop {
                true => things(intended, "change of rooms", "changes of rooms"),
                false => things(intended, "message", "messages"),
            };
            let verb = if is_hop { "made" } else { "sent" };
            let refusals = if refused > 0 { format!(" ({} refused)", count(refused)) } else { String::new() };
            format!("{} of {whole} {} {verb}{refusals}", count(sent), was(sent))
        }
    }
}

impl Finding {
    fn new(weight: Weight, text: impl Into<String>) -> Finding {
        Finding { weight, text: text.into() }
    }
}

/// What became of the messages.
fn accounting(verdict: Verdict, audit: &Audit, runs: &[&Outcome]) -> Option<Finding> {
    let (weight, whole) = match verdict {
        Verdict::Sound | Verdict::ClientsLimit => (Weight::Good, "all accounted for"),
        _ => (Weight::Notable, "the rest is accounted for"),
    };
    if audit.unaccounted() > 0 {
        let text = format!(
            "NOT all accounted for: of {}, {}",
            match audit.hops {
                Some(hops) => things(hops.asked, "change of rooms", "changes of rooms"),
                None => things(audit.expected, "delivery", "deliveries"),
            },
            faults(audit)
        );
        return Some(Finding::new(Weight::Bad, text));
    }
    if let Some(hops) = audit.hops {
        return Some(Finding::new(weight, format!("{whole}: {}", changes(&hops))));
    }
    if audit.sent == 0 {
        let ready = runs.iter().map(|run| run.connecting.ready).sum();
        let text = format!("{whole}: {}, and no messages", things(ready, "connection", "connections"));
        return (weight == Weight::Good).then(|| Finding::new(weight, text));
    }
    let messages = things(audit.sent, "message", "messages");
    let (weight, mut text) = match audit.delivered {
        0 => (Weight::Bad, format!("nothing was delivered of {messages}")),
        some => {
            let deliveries = things(some, "delivery", "deliveries");
            (weight, format!("{whole}: {deliveries} of {messages}, each once, in order and whole"))
        }
    };
    if audit.announced > 0 {
        text += &format!(
            "; {} more did not come, as the server had announced",
            things(audit.announced, "delivery", "deliveries")
        );
    }
    if audit.cut_off > 0 {
        text += &format!(
            "; {} more went with connections that ended",
            things(audit.cut_off, "delivery", "deliveries")
        );
    }
    if audit.refused > 0 {
        text += &format!("; {} refused", things(audit.refused, "message", "messages"));
    }
    let evicted: u64 = runs.iter().map(|run| run.ending.evicted).sum();
    if evicted > 0 {
        let slow: u64 = runs.iter().map(|run| slow_readers(&run.plan) as u64).sum();
        let was = if evicted == 1 { "was" } else { "were" };
        text += &format!(
            "; {} of {} {was} evicted by the server",
            count(evicted),
            things(slow, "slow reader", "slow readers")
        );
    }
    Some(Finding::new(weight, text))
}

/// What became of those who went from room to room.
fn changes(hops: &HopAudit) -> String {
    let mut text = format!("{} of rooms, each answered", things(hops.asked, "change", "changes"));
    if hops.refused > 0 {
        text += &format!("; {} refused", things(hops.refused, "request", "requests"));
    }
    if hops.cut_off > 0 {
        text += &format!("; {} went with connections that ended", things(hops.cut_off, "answer", "answers"));
    }
    text
}

/// What there is in it that must not be.
fn faults(audit: &Audit) -> String {
    let (chinwag, hops) = (audit.chinwag.unwrap_or_default(), audit.hops.unwrap_or_default());
    let faults = [
        (audit.lost, "lost"),
        (audit.doubled, "duplicated"),
        (audit.reordered, "reordered"),
        (audit.corrupted, "corrupted"),
        (audit.foreign, "not asked for"),
        (chinwag.unanswered, "sent and never answered"),
        (chinwag.position_breaks, "with a position that does not follow"),
        (chinwag.resumed_untrue, "resumed with less than was missed"),
        (hops.unanswered, "left without an answer"),
        (hops.unasked, "answered and not asked for"),
    ];
    let shown: Vec<String> = faults
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect();
    shown.join(", ")
}

fn limits(runs: &[&Outcome]) -> Option<Finding> {
    let reasons = reasons(runs);
    let text = || format!("~ the client was the limit: {}", reasons.join("; "));
    (!reasons.is_empty()).then(|| Finding::new(Weight::Doubtful, text()))
}

/// In what the client was the limit, each said once.
pub fn reasons(runs: &[&Outcome]) -> Vec<String> {
    let mut reasons = Vec::new();
    for limit in runs.iter().flat_map(|run| &run.client.limits) {
        let reason = reason(limit);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// In what the client was the limit, in words.
pub fn reason(limit: &ClientLimit) -> String {
    match limit {
        ClientLimit::Cpu(part) => format!("its busiest thread was at work for {} of the time", share(*part)),
        ClientLimit::Late(ns) => {
            format!("one in a hundred sends was {} late", duration(figures::us(*ns)))
        }
        ClientLimit::ReceiveQueues(part) => {
            format!("{} of its reads found more than a buffer full", share(*part))
        }
    }
}

/// Failed attempts that were too few to matter.
fn connections(of_runs: &[Counts]) -> Option<Finding> {
    let is_told = of_runs
        .iter()
        .any(|counts| shortfalls(counts).iter().any(|part| matches!(part, Shortfall::NotReady { .. })));
    let Counts { ready, failed, .. } = sum(of_runs);
    (failed > 0 && !is_told).then(|| Finding::new(Weight::Notable, not_ready(failed, ready + failed)))
}

/// One of several servers that was not as it should be.
fn server(counts: &ServerCounts) -> Option<Finding> {
    let ServerCounts { url, ready, failed, lost, silent, sent, delivered, .. } = counts;
    let is_dead = *sent > 0 && *delivered == 0;
    let parts = [
        (*failed > 0).then(|| not_ready(*failed, ready + failed)),
        (*lost > 0).then(|| things(*lost, "connection was lost", "connections were lost")),
        (*silent > 0)
            .then(|| format!("{} did not answer a Ping", things(*silent, "connection", "connections"))),
        is_dead.then(|| format!("nothing was delivered of {}", things(*sent, "message", "messages"))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| Finding::new(Weight::Notable, format!("{url}: {}", list(&parts))))
}

fn not_ready(failed: u64, attempts: u64) -> String {
    let ready = attempts.saturating_sub(failed);
    format!("{} of {} became ready", count(ready), things(attempts, "connection", "connections"))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::bench::outcome::{ChinwagAudit, Ending, Storm};

    fn texts(run: &Outcome) -> Vec<String> {
        Summary::of(&[run]).findings.into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn each_fault_is_named() {
        type Fault = fn(&mut Audit);
        let faults: [(Fault, &str); 8] = [
            (|audit| audit.lost = 2, "2 lost"),
            (|audit| audit.doubled = 2, "2 duplicated"),
            (|audit| audit.reordered = 2, "2 reordered"),
            (|audit| audit.corrupted = 2, "2 corrupted"),
            (|audit| audit.foreign = 2, "2 not asked for"),
            (|audit| of_chinwag(audit).unanswered = 2, "2 sent and never answered"),
            (|audit| of_chinwag(audit).position_breaks = 2, "2 with a position that does not follow"),
            (|audit| of_chinwag(audit).resumed_untrue = 2, "2 resumed with less than was missed"),
        ];
        for (break_it, words) in faults {
            let mut run = sample::fanout();
            break_it(&mut run.audit);
            let verdict = Summary::of(&[&run]);
            assert_eq!(verdict.weight(), Weight::Bad, "{words}");
            let text = &verdict.findings[0].text;
            assert_eq!(*text, format!("NOT all accounted for: of 12,387,600 deliveries, {words}"));
        }
    }

    #[test]
    fn changes_of_rooms_have_an_answer_each() {
        assert_eq!(
            texts(&sample::hop())[0],
            "all accounted for: 62,000 changes of rooms, each answered; 1 request refused"
        );
        let mut run = sample::hop();
        let hops = run.audit.hops.as_mut().expect("it has some");
        (hops.unanswered, hops.unasked) = (2, 3);
        let words = "2 left without an answer, 3 answered and not asked for";
        assert_eq!(texts(&run)[0], format!("NOT all accounted for: of 62,000 changes of rooms, {words}"));
    }

    fn of_chinwag(audit: &mut Audit) -> &mut ChinwagAudit {
        audit.chinwag.as_mut().expect("the sample has it")
    }

    #[test]
    fn what_was_announced_or_refused_is_accounted_for() {
        let mut run = sample::fanout();
        (run.audit.announced, run.audit.cut_off, run.audit.refused) = (1000, 12, 1);
        run.audit.delivered -= 1012;
        assert_eq!(
            texts(&run),
            [
                "all accounted for: 12,386,588 deliveries of 12,400 messages, each once, in order and whole; 1,000 \
              deliveries more did not come, as the server had announced; 12 deliveries more went with connections \
              that ended; 1 message refused"
            ]
        );
    }

    #[test]
    fn the_worst_comes_first() {
        let mut run = sample::fanout();
        run.is_interrupted = true;
        run.client.limits = vec![ClientLimit::ReceiveQueues(0.25)];
        (run.connecting.ready, run.connecting.failed) = (999, 1);
        run.errors.add("reset", || "by peer".into(), "");
        assert_eq!(
            texts(&run),
            [
                "~ the client was the limit: 25 % of its reads found more than a buffer full",
                "all accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole",
                "999 of 1,000 connections became ready",
                "1 error, listed below",
                "interrupted: this is what was seen until then",
            ]
        );
        assert!(Summary::of(&[&run]).is_clients());
    }

    #[test]
    fn who_did_not_come_back_is_missed() {
        let mut run = sample::fanout();
        run.storm = Some(Storm { cut: 1000, back: 998, back_after: run.latency.clone() });
        assert_eq!(
            texts(&run)[0],
            "the load was not what was asked for: 998 of 1,000 connections came back, and 12,400 of 12,400 messages \
             were sent"
        );
    }

    #[test]
    fn a_load_that_was_not_made_is_the_first_sentence() {
        let short = |change: fn(&mut Outcome)| {
            let mut run = sample::fanout();
            change(&mut run);
            let summary = Summary::of(&[&run]);
            assert_eq!((summary.verdict, summary.weight()), (Verdict::FellShort, Weight::Bad));
            let first = &summary.findings[0].text;
            first.strip_prefix("the load was not what was asked for: ").expect("it begins so").to_owned()
        };
        let sent = "12,400 of 12,400 messages were sent";
        assert_eq!(
            short(|run| {
                run.ending =
                    Ending { lost: 1000, first_lost_after: Duration::from_millis(1500), ..Ending::default() };
                run.audit.sent = 1470;
            }),
            "1,000 of 1,000 connections were lost after 1.50 s, and 1,470 of 12,400 messages were sent"
        );
        assert_eq!(
            short(|run| {
                run.ending =
                    Ending { lost: 2, first_lost_after: Duration::from_millis(250), ..Ending::default() };
            }),
            format!("2 of 1,000 connections were lost, the first after 250 ms, and {sent}")
        );
        assert_eq!(
            short(|run| run.audit.refused = 4190),
            "8,210 of 12,400 messages were sent (4,190 refused)"
        );
        assert_eq!(
            short(|run| (run.connecting.ready, run.connecting.failed) = (900, 100)),
            format!("900 of 1,000 connections became ready, and {sent}")
        );
        assert_eq!(
            short(|run| run.ending.deserted_after = Some(Duration::from_secs(3))),
            format!("no connection was left after 3.00 s, of 31.0 s that were to be loaded, and {sent}")
        );
    }

    #[test]
    fn a_run_that_fell_short_does_not_claim_that_all_is_accounted_for() {
        let mut run = sample::fanout();
        run.ending.lost = 1;
        assert_eq!(
            texts(&run)[1],
            "the rest is accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole"
        );
        let summary = Summary::of(&[&sample::fanout(), &run]);
        assert!(
            summary.findings[0]
                .text
                .starts_with("the load was not what was asked for in 1 of 2 runs: 1 of 1,000")
        );
    }

    #[test]
    fn a_dead_server_of_several_is_named() {
        let told = texts(&sample::three_servers());
        assert_eq!(told[2], "ws://b:2021/ws: 0 of 333 connections became ready", "{told:?}");
        let mut run = sample::three_servers();
        (run.servers[2].lost, run.servers[2].delivered) = (2, 0);
        let told = texts(&run);
        assert_eq!(
            told[3], "ws://c:2021/ws: 2 connections were lost, and nothing was delivered of 4,000 messages",
            "{told:?}"
        );
    }

    #[test]
    fn one_bad_run_of_several_makes_the_verdict() {
        let verdict = Summary::of(&[&sample::fanout(), &sample::broken(), &sample::fanout()]);
        assert_eq!(verdict.weight(), Weight::Bad);
        assert!(verdict.is_clients());
        assert_eq!(Summary::of(&[&sample::fanout()]).weight(), Weight::Good);
    }
}
