//! How often what has happened: of what never happens, nothing is proved.

use std::collections::BTreeMap;

/// What must have happened in one schedule or another: of what never happens, nothing is proved.
pub const INTERESTING: &[&str] = &[
    "welcomed",
    "programs at the line port",
    "a begun line shows the dialect",
    "programs that were late",
    "observers",
    "observers announced",
    "observers who were never there",
    "blank lines",
    "joined",
    "resumed",
    "not resumed: epoch",
    "not resumed: ahead",
    "not resumed: trimmed",
    "history with a join",
    "published",
    "duplicates",
    "stamped while the calendar was behind",
    "repeats over another connection",
    "same key, other data",
    "trimmed",
    "gaps: catch-up",
    "gaps: latest",
    "answers behind a gap",
    "lagged",
    "replayed what was asked for",
    "replayed in slices",
    "pages",
    "members listed",
    "rooms listed",
    "presence by name",
    "presence by number",
    "presence by rename",
    "presence made good",
    "presence put off",
    "direct",
    "busy",
    "renamed",
    "taken over",
    "guests come back",
    "name taken",
    "too big",
    "not joined",
    "too many rooms",
    "a room is full",
    "full",
    "an empty room makes place",
    "rate limited",
    "closed: service",
    "closed: too slow for the room",
    "closed: nobody knows what it lacks",
    "closed: rate abuse",
    "closed: replaced",
    "closed: too-slow",
    "closed: pong-timeout",
    "closed: peer-eof",
    "closed: reset",
    "rooms that had another life",
    "said goodbye",
];

/// How often what has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    pub fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// That it has happened, however often.
    pub fn note(&mut self, what: &'static str) {
        self.0.insert(what, 1);
    }

    pub fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub fn add(&mut self, other: &Counts) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }
}
