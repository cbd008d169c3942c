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
mod tests {
    use super::*;
    use crate::chat::stage::{Stage, play, play_with};
    use crate::chat::{Hub, Mode, Record, RoomId, Seed, Settings};
    use crate::wire::{Command, Goodbye, Message, RequestId, RoomName};
    use std::ops::Range;

    #[test]
    fn the_first_change_is_told_at_once_and_the_others_together() {
        play(
            "
            here ann
            + 2
            2< * welcome to chinwag, guest-2. /help lists the commands
            2< * lobby: 2 here
            ann< * guest-2 joined
            @ 300
            + 3
            3< * welcome to chinwag, guest-3. /help lists the commands
            3< * lobby: 3 here
            @ 600
            - 2
            @ 999
            @ 1000
            ann< * guest-3 joined, guest-2 left
            3< * guest-2 left
            @ 1999
            - 3
            @ 2000
            ann< * guest-3 left
            @ 5000
            ",
        );
    }

    #[test]
    fn after_a_second_of_silence_a_change_is_told_at_once() {
        play(
            "
            here ann bob cyn
            - cyn
            ann< * cyn left
            bob< * cyn left
            @ 1000
            - bob
            ann< * bob left
            ",
        );
    }

    #[test]
    fn what_cancels_out_is_not_told() {
        play(
            "
            here ann bob
            bob> /join dev
            bob< * dev: 1 here
            ann< * bob left
            @ 100
            bob> /join lobby
            bob< * lobby: 2 here
            @ 200
            bob> /join dev
            bob< * dev: 1 here
            @ 5000
            ",
        );
        // A name is what counts, not the connection that has it.
        play(
            "
            here ann bob cyn
            cyn> /join dev
            cyn< * dev: 1 here
            ann< * cyn left
            bob< * cyn left
            - bob
            + 4
            4< * welcome to chinwag, guest-4. /help lists the commands
            4< * lobby: 2 here
            4> /name bob
            4< * you are bob
            @ 1000
            @ 2000
            ",
        );
    }

    #[test]
    fn a_newcomer_is_told_of_those_after_it_and_not_of_itself() {
        play(
            "
            here ann bob cyn dan
            ann> /join dev
            ann< * dev: 1 here
            bob< * ann left
            cyn< * ann left
            dan< * ann left
            bob> /join dev
            bob< * dev: 2 here
            ann< * bob joined
            cyn> /join dev
            cyn< * dev: 3 here
            dan> /join dev
            dan< * dev: 4 here
            @ 1000
            ann< * cyn, dan joined
            bob< * cyn, dan joined
            cyn< * dan joined
            ",
        );
    }

    #[test]
    fn a_newcomer_who_saw_somebody_pass_through_is_told_that_it_left() {
        play(
            "
            here ann bob
            + 3
            3< * welcome to chinwag, guest-3. /help lists the commands
            3< * lobby: 3 here
            ann< * guest-3 joined
            bob< * guest-3 joined
            + 4
            4< * welcome to chinwag, guest-4. /help lists the commands
            4< * lobby: 4 here
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 5 here
            - 4
            @ 1000
            ann< * guest-5 joined
            bob< * guest-5 joined
            3< * guest-5 joined
            5< * guest-4 left
            ",
        );
    }

    #[test]
    fn a_new_name_is_told_to_the_others() {
        play(
            "
            here ann bob
            bob> /name rob
            bob< * you are rob
            ann< * bob is now rob
            @ 100
            bob> /name robert
            bob< * you are robert
            @ 200
            ann> /name anna
            ann< * you are anna
            @ 1000
            ann< * rob is now robert
            bob< * ann is now anna
            @ 2000
            bob> /name bob
            bob< * you are bob
            ann< * robert is now bob
            bob> /name rob
            bob< * you are rob
            bob> /name bob
            bob< * you are bob
            @ 4000
            ",
        );
    }

    /// Plays `commands` in the second after a first change, in a room of ann, bob and cyn; then `told` is read.
    #[track_caller]
    fn play_gathered(commands: &str, told: &str) {
        let before = "
            here ann bob cyn dan
            - dan
            ann< * dan left
            bob< * dan left
            cyn< * dan left
            ";
        play(&format!("{before}\n{commands}\n@ 1000\n{told}\n@ 5000"));
    }

    #[test]
    fn a_chain_of_new_names_is_told_from_its_first_to_its_last() {
        play_gathered(
            "
            bob> /name rob
            bob< * you are rob
            bob> /name robert
            bob< * you are robert
            ",
            "
            ann< * bob is now robert
            cyn< * bob is now robert
            ",
        );
    }

    #[test]
    fn who_is_renamed_and_leaves_has_left_under_the_name_that_was_known() {
        play_gathered(
            "
            bob> /name rob
            bob< * you are rob
            - bob
            ",
            "
            ann< * bob left
            cyn< * bob left
            ",
        );
    }

    #[test]
    fn who_joins_and_is_renamed_has_joined_under_the_last_name() {
        play_gathered(
            "
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 4 here
            5> /name eve
            5< * you are eve
            bob> /name robert
            bob< * you are robert
            ",
            "
            ann< * bob is now robert, eve joined
            cyn< * bob is now robert, eve joined
            bob< * eve joined
            5< * bob is now robert
            ",
        );
    }

    #[test]
    fn a_newcomer_is_told_of_a_new_name_from_the_one_that_it_found() {
        play_gathered(
            "
            bob> /name rob
            bob< * you are rob
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 4 here
            bob> /name robert
            bob< * you are robert
            ",
            "
            ann< * bob is now robert, guest-5 joined
            cyn< * bob is now robert, guest-5 joined
            bob< * guest-5 joined
            5< * rob is now robert
            ",
        );
    }

    #[test]
    fn two_who_swap_their_names_are_told_as_renamed() {
        play_gathered(
            "
            ann> /name x
            ann< * you are x
            bob> /name ann
            bob< * you are ann
            ann> /name bob
            ann< * you are bob
            ",
            "
            cyn< * bob is now ann, ann is now bob
            bob< * ann is now bob
            ann< * bob is now ann
            ",
        );
    }

    #[test]
    fn a_name_that_was_given_up_is_told_of_its_next_holder() {
        play_gathered(
            "
            bob> /name robert
            bob< * you are robert
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 4 here
            5> /name bob
            5< * you are bob
            ",
            "
            ann< * bob is now robert, bob joined
            cyn< * bob is now robert, bob joined
            bob< * bob joined
            ",
        );
        // Whose name it was has left.
        play_gathered(
            "
            - bob
            cyn> /name bob
            cyn< * you are bob
            ",
            "
            ann< * bob left, cyn is now bob
            cyn< * bob left
            ",
        );
    }

    #[test]
    fn a_name_that_is_taken_back_by_another_connection_is_still_the_same_member() {
        let mut names = Vec::new();
        push(&mut names, Kind::Left, MemberId(1), "bob");
        push(&mut names, Kind::Joined, MemberId(7), "bob");
        push(&mut names, Kind::RenamedFrom, MemberId(7), "bob");
        push(&mut names, Kind::RenamedTo, MemberId(7), "robert");
        // A connection's number is used again: this is somebody else.
        push(&mut names, Kind::Joined, MemberId(1), "dan");
        let told = Outcome::of(&names, None);
        assert_eq!(told.changes().names_added().collect::<Vec<_>>(), ["dan", "robert"]);
        assert_eq!(told.changes().names_removed().collect::<Vec<_>>(), ["bob"]);
        assert_eq!(told.renamed, [Rename { from: "bob", to: "robert" }]);
        assert_eq!((told.joined, told.left), (vec!["dan"], vec![]));
    }

    #[test]
    fn who_is_alone_costs_the_room_no_silence() {
        play(
            "
            + 1
            1< * welcome to chinwag, guest-1. /help lists the commands
            1< * lobby: 1 here
            1> /name ann
            1< * you are ann
            + 2
            2< * welcome to chinwag, guest-2. /help lists the commands
            2< * lobby: 2 here
            1< * guest-2 joined
            ",
        );
    }

    #[test]
    fn above_five_changes_are_counted() {
        play(
            "
            here ann a b c d e f
            ann> /join dev
            ann< * dev: 1 here
            a< * ann left
            b< * ann left
            c< * ann left
            d< * ann left
            e< * ann left
            f< * ann left
            - a
            - b
            - c
            - d
            - e
            @ 1000
            f< * a, b, c, d, e left
            @ 2000
            ann> /join lobby
            ann< * lobby: 2 here
            f< * ann joined
            here a b c d e g
            - a
            b< * a left
            c< * a left
            d< * a left
            e< * a left
            f< * a left
            g< * a left
            ann< * a left
            - b
            - c
            - d
            - e
            - f
            - g
            @ 1000
            ann< * 6 left, 1 here
            ",
        );
    }

    #[test]
    fn a_crowd_is_only_counted_and_newcomers_are_told_the_number_again() {
        let settings = Settings { presence_changes_max: 2, ..Settings::default() };
        play_with(
            settings,
            "
            here ann bob
            bob> /join dev
            bob< * dev: 1 here
            ann< * bob left
            + 3
            3< * welcome to chinwag, guest-3. /help lists the commands
            3< * lobby: 2 here
            + 4
            4< * welcome to chinwag, guest-4. /help lists the commands
            4< * lobby: 3 here
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 4 here
            - 3
            @ 1000
            ann< * 2 joined, 3 here
            4< * lobby: 3 here
            5< * lobby: 3 here
            ",
        );
    }

    #[test]
    fn a_room_is_not_told_when_one_before_it_would_have_been() {
        play(
            "
            here ann bob
            - bob
            ann< * bob left
            @ 100
            + 3
            3< * welcome to chinwag, guest-3. /help lists the commands
            3< * lobby: 2 here
            @ 200
            - 3
            - ann
            + 4
            4< * welcome to chinwag, guest-4. /help lists the commands
            4< * lobby: 1 here
            @ 300
            + 5
            5< * welcome to chinwag, guest-5. /help lists the commands
            5< * lobby: 2 here
            4< * guest-5 joined
            @ 400
            - 5
            @ 1299
            @ 1300
            4< * guest-5 left
            ",
        );
    }

    #[test]
    fn without_changes_nobody_is_woken() {
        let mut stage = Stage::new(Settings::default());
        stage.connect("ann");
        stage.connect("bob");
        assert_eq!(stage.hub.next_wake(), None, "the first change was told at once");
        stage.connect("cyn");
        assert_eq!(stage.hub.next_wake(), Some(Millis(1000)));
        stage.advance(Millis(1000));
        assert_eq!(stage.hub.next_wake(), None);
    }

    /// Counts calls.
    #[derive(Default)]
    struct Meter {
        calls: u64,
        notices: u64,
    }

    impl Effects for Meter {
        fn unix_ms(&self) -> u64 {
            0
        }

        fn tell(&mut self, _: MemberId, _: Option<RequestId>, _: &Event<'_>) {
            self.calls += 1;
        }
        fn answer(&mut self, _: MemberId, _: RoomId, _: Option<RequestId>, _: &Event<'_>) {
            self.calls += 1;
        }
        fn say(&mut self, _: RoomId, _: &Message<'_>, _: &[u8], _: &[MemberId]) -> u64 {
            unreachable!("nobody says anything")
        }
        fn notify(&mut self, _: RoomId, _: &Event<'_>, _: &[MemberId]) {
            self.calls += 1;
            self.notices += 1;
        }
        fn follow(&mut self, _: MemberId, _: RoomId) {
            self.calls += 1;
        }
        fn unfollow(&mut self, _: MemberId, _: RoomId) {
            self.calls += 1;
        }
        fn recall(&mut self, _: MemberId, _: RoomId, _: &Record) {
            unreachable!("nothing has been said")
        }
        fn replay(&mut self, _: MemberId, _: RoomId, _: Range<u64>) {
            unreachable!("nothing has been said")
        }
        fn show_seq(&mut self, _: MemberId, _: bool) {}
        fn close(&mut self, _: MemberId, _: Goodbye) {}
    }

    #[test]
    fn ten_thousand_who_come_within_three_seconds_cost_each_the_same() {
        let settings = Settings { presence_per_second: 0, ..Settings::default() };
        let (mut hub, mut meter) = (Hub::new(settings, Seed::new([3; 32])), Meter::default());
        let join = Command::Join { room: RoomName::new("lobby").unwrap(), since: None, history: 0 };
        let at = |ms| Millis(ms);
        for number in 0..10_000 {
            let now = at(u64::from(number) * 3 / 10);
            if hub.next_wake().is_some_and(|at| at <= now) {
                hub.wake(now, &mut meter);
            }
            hub.enter(MemberId(number), Mode::Text);
            hub.greet(MemberId(number), &mut meter);
            hub.handle(now, MemberId(number), None, join, &mut meter);
        }
        hub.wake(at(5000), &mut meter);
        assert_eq!(
            meter.notices,
            1 + 2 * 3,
            "one at once, and two each second, of which everybody reads one"
        );
        assert!(meter.calls <= 3 * 10_000 + meter.notices, "{} calls: three for each who comes", meter.calls);
    }
}
