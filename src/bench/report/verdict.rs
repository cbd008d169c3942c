//! The first lines of every report: whether all messages are accounted for, and whose figures these are.
//!
//! What is worse comes first. That the client was the limit is worse than errors that it has lived through, since then no
//! figure says what it seems to say.

use super::figures;
use super::units::{count, duration, share, things};
use crate::bench::outcome::{Audit, ClientLimit, HopAudit, Outcome};

/// What to think of a run, or of several.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is to be said, the worst first.
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
    /// Something happened that must not happen.
    Bad,
}

impl Verdict {
    /// Of these runs together.
    pub fn of(runs: &[&Outcome]) -> Verdict {
        let mut findings = vec![accounting(runs)];
        findings.extend(limits(runs));
        findings.extend(connections(runs));
        let errors = figures::errors(runs).total();
        if errors > 0 {
            findings
                .push(Finding::new(Weight::Notable, things(errors, "error", "errors") + ", listed below"));
        }
        if runs.iter().any(|run| run.is_interrupted) {
            findings.push(Finding::new(Weight::Notable, "interrupted: this is what was seen until then"));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
        Verdict { findings }
    }

    /// The worst of it.
    pub fn weight(&self) -> Weight {
        self.findings.first().map_or(Weight::Good, |finding| finding.weight)
    }

    /// Whether the client was the limit: then the figures are at best the server's.
    pub fn is_clients(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Doubtful)
    }
}

impl Finding {
    fn new(weight: Weight, text: impl Into<String>) -> Finding {
        Finding { weight, text: text.into() }
    }
}

fn accounting(runs: &[&Outcome]) -> Finding {
    let audit = figures::audit(runs);
    if audit.unaccounted() > 0 {
        let text = format!(
            "NOT all accounted for: of {}, {}",
            match audit.hops {
                Some(hops) => things(hops.asked, "change of rooms", "changes of rooms"),
                None => things(audit.expected, "delivery", "deliveries"),
            },
            faults(&audit)
        );
        return Finding::new(Weight::Bad, text);
    }
    if let Some(hops) = audit.hops {
        return Finding::new(Weight::Good, changes(&hops));
    }
    if audit.sent == 0 {
        let ready = runs.iter().map(|run| run.connecting.ready).sum();
        let text =
            format!("all accounted for: {}, and no messages", things(ready, "connection", "connections"));
        return Finding::new(Weight::Good, text);
    }
    let messages = things(audit.sent, "message", "messages");
    let (weight, mut text) = match audit.delivered {
        0 => (Weight::Bad, format!("nothing was delivered of {messages}")),
        some => {
            let deliveries = things(some, "delivery", "deliveries");
            let whole = format!("{deliveries} of {messages}, each once, in order and whole");
            (Weight::Good, format!("all accounted for: {whole}"))
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
    Finding::new(weight, text)
}

/// What became of those who went from room to room.
fn changes(hops: &HopAudit) -> String {
    let mut text =
        format!("all accounted for: {} of rooms, each answered", things(hops.asked, "change", "changes"));
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

fn reason(limit: &ClientLimit) -> String {
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

fn connections(runs: &[&Outcome]) -> Option<Finding> {
    let sum = |what: fn(&Outcome) -> u64| runs.iter().map(|run| what(run)).sum::<u64>();
    let (ready, dialled) = (sum(|run| run.connecting.ready), sum(|run| run.connecting.dialled));
    let storm = |what: fn(&crate::bench::outcome::Storm) -> u64| {
        runs.iter().filter_map(|run| run.storm.as_ref().map(what)).sum::<u64>()
    };
    let (back, cut) = (storm(|storm| storm.back), storm(|storm| storm.cut));
    if back < cut {
        let text = format!("{} of {} came back", count(back), things(cut, "connection", "connections"));
        return Some(Finding::new(Weight::Notable, text));
    }
    (ready < dialled).then(|| {
        let text =
            format!("{} of {} became ready", count(ready), things(dialled, "connection", "connections"));
        Finding::new(Weight::Notable, text)
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::bench::outcome::{ChinwagAudit, Storm};

    fn texts(run: &Outcome) -> Vec<String> {
        Verdict::of(&[run]).findings.into_iter().map(|finding| finding.text).collect()
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
            let verdict = Verdict::of(&[&run]);
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
        run.connecting.ready -= 1;
        run.errors.add("reset", || "by peer".into(), "");
        assert_eq!(
            texts(&run),
            [
                "~ the client was the limit: 25 % of its reads found more than a buffer full",
                "999 of 1,000 connections became ready",
                "1 error, listed below",
                "interrupted: this is what was seen until then",
                "all accounted for: 12,387,600 deliveries of 12,400 messages, each once, in order and whole",
            ]
        );
        assert!(Verdict::of(&[&run]).is_clients());
    }

    #[test]
    fn who_did_not_come_back_is_missed() {
        let mut run = sample::fanout();
        run.storm = Some(Storm { cut: 1000, back: 998, back_after: run.latency.clone() });
        assert_eq!(texts(&run)[0], "998 of 1,000 connections came back");
    }

    #[test]
    fn one_bad_run_of_several_makes_the_verdict() {
        let verdict = Verdict::of(&[&sample::fanout(), &sample::broken(), &sample::fanout()]);
        assert_eq!(verdict.weight(), Weight::Bad);
        assert!(verdict.is_clients());
        assert_eq!(Verdict::of(&[&sample::fanout()]).weight(), Weight::Good);
    }
}
