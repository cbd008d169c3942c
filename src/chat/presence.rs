//! Who came and went, told at most once a second; in large rooms less often, as [`pace`](super::pace) decides.
//!
//! A notice for each join is a notice to everybody in the room: when ten thousand people come back after a restart, a
//! hundred million of them. So a room hears of the first change at once, and of what follows a second later, together:
//!
//! ```text
//!     changes   +ann      +bob -ann +cyn -cyn                      +dan
//!     told      ann joined            │  bob joined, ann left      dan joined
//!     ──────────┼─────────────────────┼────────────────────────────┼─────────▶
//!               └ presence_interval ──┘ a second of silence,       at once
//!                                       and then no wake-up
//! ```
//!
//! What cancels out is not told: nobody there had seen cyn come.
//!
//! Nobody is told of their own coming, nor of earlier ones, since the answer to a join has counted them. Bob's first
//! notice therefore says `ann left` and nothing of bob. So those who came while changes were being gathered, and those who
//! changed their names, each are told what the gathered changes come to *for them*; all others share one notice. That is
//! one line for each join, once, however many people are in the room.
//!
//! Whoever asks who is in the room is told at once, and so may have seen the half of what cancels out: then the room is
//! told how many are here, and who wants to know the names asks again.
//!
//! Above `presence_changes_max` the names are dropped, and what remains are three numbers that the room has anyway: its
//! newcomers, its departed and its members. Then the newcomers share a notice too, which tells them the third one again.

use super::pace::{Pacer, Told};
use super::room::Room;
use super::{Effects, MemberId, RoomId};
use crate::time::Millis;
use crate::wire::{Changes, Event, Rename};

/// Up to where names are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many changes are kept by name until the next notice.
    pub changes_max: usize,
    /// How large a room may be in which names are told.
    pub names_max: usize,
}

/// What a room has not been told yet.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// What decides when the next notice may come.
    pub told: Told,
    gathered: Gathered,
    /// Somebody has seen who is here since something gathered.
    is_listed: bool,
}

#[derive(Debug)]
enum Gathered {
    /// In the order in which they happened. Empty: the room knows everything.
    Log(Vec<Entry>),
    /// Too many: the roster has their numbers.
    Crowd,
}

/// One name that came to the room or went from it.
#[derive(Debug)]
struct Entry {
    name: Box<str>,
    member: MemberId,
    kind: Kind,
    /// The entry before this one that has the same name.
    earlier: Option<usize>,
    /// Whether no later entry tells what became of the member: see [`origin`].
    is_end: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Joined,
    Left,
    /// The new name of somebody who was there before.
    RenamedTo,
    /// The old one.
    RenamedFrom,
}

/// What happened to a room. The roster has it already.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'a> {
    Joined { member: MemberId, name: &'a str },
    Left { member: MemberId, name: &'a str },
    Renamed { member: MemberId, old: &'a str, new: &'a str },
}

/// Somebody to whom only part of the changes is news: those from an entry on, without what it did itself.
struct Apart {
    member: MemberId,
    from: usize,
}

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered::Log(Vec::new())
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        matches!(self, Gathered::Log(log) if log.is_empty())
    }
}

impl Kind {
    fn is_here(self) -> bool {
        matches!(self, Kind::Joined | Kind::RenamedTo)
    }
}

impl Room {
    /// Tells the others of a change, at once or when [`Pacer::next`] says. Returns how many were told. A newcomer follows
    /// the room only after this call.
    pub fn tell(
        &mut self,
        now: Millis,
        pacer: &mut Pacer<RoomId>,
        bounds: Bounds,
        change: Change<'_>,
        effects: &mut dyn Effects,
    ) -> usize {
        let others = self.roster.len() - usize::from(!matches!(change, Change::Left { .. }));
        let is_first = self.presence.gathered.is_empty();
        if is_first && others == 0 {
            // The room has heard nothing, and hears the next change at once.
            self.roster.learn();
            return 0;
        }
        let told = &mut self.presence.told;
        told.last_at = now;
        if is_first {
            told.first_at = now;
            let ready_at = pacer.ready_at(*told, others);
            if ready_at > now {
                pacer.put_off(ready_at, self.id);
            } else if pacer.pay_at_once(now, others) {
                self.tell_at_once(bounds, change, effects);
                self.presence.told.told_at = Some(now);
                return others;
            } else {
                pacer.wait(now, self.id, self.roster.len());
            }
        }
        self.presence.gather(change, bounds.changes_max);
        0
    }

    fn tell_at_once(&mut self, bounds: Bounds, change: Change<'_>, effects: &mut dyn Effects) {
        let (joined, left, renamed) = match change {
            Change::Joined { name, .. } => (Some(name), None, None),
            Change::Left { name, .. } => (None, Some(name), None),
            Change::Renamed { old, new, .. } => (None, None, Some(Rename { from: old, to: new })),
        };
        let except = match &change {
            Change::Renamed { member, .. } => std::slice::from_ref(member),
            Change::Joined { .. } | Change::Left { .. } => &[],
        };
        self.roster.learn();
        let (joined, left, renamed) = (joined.as_slice(), left.as_slice(), renamed.as_slice());
        let changes = Changes::Named { joined, left, renamed };
        effects.notify(self.id, &self.presence_event(bounds, changes), except);
    }

    /// Tells what has gathered. Returns how many were told anything.
    pub fn tell_gathered(&mut self, now: Millis, bounds: Bounds, effects: &mut dyn Effects) -> usize {
        let is_listed = std::mem::take(&mut self.presence.is_listed);
        let told = match std::mem::take(&mut self.presence.gathered) {
            // What cancels out is news to whoever has seen the half of it.
            Gathered::Log(log) if is_listed && log.iter().any(|entry| entry.earlier.is_some()) => {
                self.tell_crowd(bounds, effects)
            }
            Gathered::Log(log) => self.tell_log(&log, bounds, effects),
            Gathered::Crowd => self.tell_crowd(bounds, effects),
        };
        self.roster.learn();
        if told > 0 {
            self.presence.told.told_at = Some(now);
        }
        told
    }

    /// Returns how many were told anything.
    fn tell_log(&self, log: &[Entry], bounds: Bounds, effects: &mut dyn Effects) -> usize {
        let apart = apart(log);
        let outcome = Outcome::of(log, None);
        let changes = outcome.changes();
        let mut told = 0;
        if !changes.is_empty() && self.roster.known() > 0 {
            let except: Vec<MemberId> = apart.iter().map(|reader| reader.member).collect();
            effects.notify(self.id, &self.presence_event(bounds, changes), &except);
            told = self.roster.len() - except.len();
        }
        for reader in &apart {
            let outcome = Outcome::of(log, Some(reader));
            let changes = outcome.changes();
            if !changes.is_empty() {
                effects.answer(reader.member, self.id, None, &self.presence_event(bounds, changes));
                told += 1;
            }
        }
        told
    }

    /// Tells numbers even if they are zero: names that nobody was told may have changed. The newcomers share a notice too,
    /// as there may be ten thousand of them.
    fn tell_crowd(&self, bounds: Bounds, effects: &mut dyn Effects) -> usize {
        let newcomers: Vec<MemberId> = self.roster.newcomers().collect();
        let others: Vec<MemberId> = self.roster.known_members().collect();
        let changes = Changes::Counted { joined: newcomers.len(), left: self.roster.departed(), renamed: 0 };
        let here = Changes::Counted { joined: 0, left: 0, renamed: 0 };
        for (readers, changes, except) in [(&others, changes, &newcomers), (&newcomers, here, &others)] {
            if !readers.is_empty() {
                effects.notify(self.id, &self.presence_event(bounds, changes), except);
            }
        }
        self.roster.len()
    }

    fn presence_event<'a>(&'a self, bounds: Bounds, changes: Changes<'a>) -> Event<'a> {
        let changes = if self.roster.len() > bounds.names_max { changes.counted() } else { changes };
        Event::Presence { room: &self.name, changes, members: self.roster.len() }
    }
}

impl Presence {
    /// Somebody is told who is here.
    pub fn note_listed(&mut self) {
        self.is_listed = !self.gathered.is_empty();
    }

    fn gather(&mut self, change: Change<'_>, changes_max: usize) {
        let Gathered::Log(log) = &mut self.gathered else { return };
        match change {
            Change::Joined { member, name } => push(log, Kind::Joined, member, name),
            Change::Left { member, name } => push(log, Kind::Left, member, name),
            Change::Renamed { member, old, new } => {
                push(log, Kind::RenamedFrom, member, old);
                push(log, Kind::RenamedTo, member, new);
            }
        }
        if log.len() > changes_max {
            self.gathered = Gathered::Crowd;
        }
    }
}

fn push(log: &mut Vec<Entry>, kind: Kind, member: MemberId, name: &str) {
    let earlier = log.iter().rposition(|entry| *entry.name == *name);
    if let Some(earlier) = earlier.map(|earlier| &mut log[earlier]) {
        // If a member takes the name of one that left by a rename, nothing more is told of the one that left.
        earlier.is_end &= earlier.kind == Kind::Left && kind != Kind::Joined;
    }
    let is_end = kind != Kind::RenamedFrom;
    log.push(Entry { name: name.into(), member, kind, earlier, is_end });
}

/// Those who came, or changed their names, and are still here: their names are the last thing that was said of them.
fn apart(log: &[Entry]) -> Vec<Apart> {
    let is_here = |(_, entry): &(usize, &Entry)| entry.is_end && entry.kind.is_here();
    let apart = |(at, entry): (usize, &Entry)| {
        // Somebody who has changed names since coming came further up.
        let came = |other: &Entry| other.member == entry.member && other.kind == Kind::Joined;
        let from = log[..=at].iter().rposition(came).unwrap_or(0);
        Apart { member: entry.member, from }
    };
    log.iter().enumerate().filter(is_here).map(apart).collect()
}

/// What the changes come to for one reader, or for all that share a notice.
#[derive(Default)]
struct Outcome<'a> {
    joined: Vec<&'a str>,
    left: Vec<&'a str>,
    renamed: Vec<Rename<'a>>,
}

impl<'a> Outcome<'a> {
    fn of(log: &'a [Entry], reader: Option<&Apart>) -> Outcome<'a> {
        let from = reader.map_or(0, |reader| reader.from);
        let mut outcome = Outcome::default();
        let mut may_cancel = false;
        for (at, end) in log.iter().enumerate().skip(from).filter(|(_, entry)| entry.is_end) {
            if reader.is_some_and(|reader| reader.member == end.member) {
                continue;
            }
            match (origin(log, from, at), end.kind.is_here()) {
                (Some(old), true) if *old != *end.name => {
                    outcome.renamed.push(Rename { from: old, to: &end.name });
                }
                (None, true) => {
                    may_cancel |= end.earlier.is_some();
                    outcome.joined.push(&end.name);
                }
                (Some(old), false) => outcome.left.push(old),
                (Some(_), true) | (None, false) => {}
            }
        }
        if may_cancel {
            // A name is what counts, not the connection that has it.
            let Outcome { joined, left, .. } = &mut outcome;
            joined.retain(|name| match left.iter().position(|other| other == name) {
                Some(at) => {
                    left.remove(at);
                    false
                }
                None => true,
            });
        }
        outcome
    }

    fn changes(&self) -> Changes<'_> {
        Changes::Named { joined: &self.joined, left: &self.left, renamed: &self.renamed }
    }
}

/// The name before entry `from` of the member whom entry `at` tells of, if it was there. Its story is followed backwards:
///
/// ```text
///     RenamedTo ──▶ RenamedFrom        the entry before it, of the same member
///     RenamedFrom, Left ──▶ RenamedTo or Joined of the same name; if none, that is the name that it had
///     Joined ──▶ Left of the same name: it has come back, perhaps by another connection; if none, it is new
/// ```
fn origin(log: &[Entry], from: usize, mut at: usize) -> Option<&str> {
    loop {
        let entry = &log[at];
        let earlier = entry.earlier.filter(|&earlier| earlier >= from);
        at = match (entry.kind, earlier) {
            (Kind::RenamedTo, _) => at - 1,
            (Kind::RenamedFrom | Kind::Left, Some(earlier)) => earlier,
            (Kind::RenamedFrom | Kind::Left, None) => return Some(&entry.name),
            (Kind::Joined, Some(earlier)) if log[earlier].kind == Kind::Left => earlier,
            (Kind::Joined, _) => return None,
        };
    }
}

#[cfg(test)]
mod tests;
