//! The audit, when all is over: what became of every message.
//!
//! What a receiver has not got is looked up one by one: it was refused, or announced not to come, or it went with the
//! receiver's connection, or nothing accounts for it. That it was acknowledged makes it worse.

use super::ear::Tallies;
use super::ledger::Missing;
use super::outcome::{Audit, HopAudit};
use super::plan::{Plan, Scenario};
use super::seat::{Person, REFUSED, Role, Sender, UNANSWERED};
use std::collections::{HashMap, HashSet};

/// What became of the messages of a run: `sent` by each sender, and received by these people.
pub fn settle(
    plan: &Plan,
    sent: &[u32],
    people: &[&Person],
    tallies: &Tallies,
    has_positions: bool,
) -> Audit {
    // A scenario in which nobody sends looks at connections. Whatever a server says there is its own affair.
    if plan.actors() == 0 {
        return Audit { memory_bytes: memory_bytes(people), ..Audit::default() };
    }
    let mut speakers: Vec<Option<&Person>> = vec![None; sent.len()];
    for person in people.iter().filter(|person| person.sender.is_some()) {
        speakers[person.voice as usize] = Some(person);
    }
    let mut books = Books { lost: vec![0; sent.len()], ..Books::default() };
    for person in people {
        books.settle_person(plan, sent, person, &speakers, has_positions);
    }
    if !has_positions {
        books.forgive_refused(plan, people, &speakers);
    }
    let lost: u64 = books.lost.iter().sum();
    let mut audit = Audit {
        sent: sent.iter().map(|sent| u64::from(*sent)).sum(),
        expected: tallies.delivered + lost + books.announced + books.cut_off,
        delivered: tallies.delivered,
        lost,
        doubled: tallies.doubled,
        reordered: tallies.reordered,
        corrupted: tallies.corrupted,
        foreign: tallies.foreign,
        announced: books.announced,
        cut_off: books.cut_off,
        gaps: tallies.gaps,
        refused: tallies.refused,
        chinwag: None,
        hops: (plan.scenario == Scenario::Hop).then(|| hops(people, tallies)),
        memory_bytes: memory_bytes(people),
    };
    if has_positions {
        let mut chinwag = tallies.chinwag;
        chinwag.acked_not_delivered = books.acked_not_delivered.len() as u64;
        for person in people.iter().filter(|person| person.has_stayed) {
            let answers = person.sender.iter().flat_map(|sender| &sender.answers);
            chinwag.unanswered += answers.filter(|answer| **answer == UNANSWERED).count() as u64;
            let was_promised = person.kept.as_ref().and_then(|kept| kept.resumes_until);
            chinwag.resumed_untrue +=
                u64::from(was_promised.is_some_and(|until| until >= person.next_position));
        }
        audit.chinwag = Some(chinwag);
    }
    audit
}

#[derive(Default)]
struct Books {
    /// By sender.
    lost: Vec<u64>,
    announced: u64,
    cut_off: u64,
    acked_not_delivered: HashSet<(u32, u32)>,
}

impl Books {
    fn settle_person(
        &mut self,
        plan: &Plan,
        sent: &[u32],
        person: &Person,
        speakers: &[Option<&Person>],
        has_positions: bool,
    ) {
        self.cut_off += person.ledger.cut_off();
        let kept = person.kept.as_deref();
        let gaps = kept.map_or(&[][..], |kept| &kept.gaps);
        // What came and could not be read is corrupted, and no more than that.
        let mut unreadable = kept.map_or(0, |kept| kept.unreadable);
        // Without positions all that is known of a gap is how long it was.
        let announced: u64 = gaps.iter().map(|(from, to)| to.saturating_sub(*from) + 1).sum();
        let mut announced = if has_positions { 0 } else { announced };
        person.ledger.missing(sent, person.has_stayed, |why, sender, range| {
            if person.is_own(sender, plan) {
                return;
            }
            let speaker = speakers[sender as usize];
            // What a sender said last may have gone with its own connection.
            let is_cut_off = why == Missing::CutOff
                || why == Missing::Tail && speaker.is_some_and(|speaker| !speaker.has_stayed);
            let answers = sender_of(speaker).map_or(&[][..], |sender| &*sender.answers);
            for sequence in range {
                let answer = answers.get(sequence as usize).copied().unwrap_or(UNANSWERED);
                let is_taken = answer != UNANSWERED && answer != REFUSED;
                if has_positions && !is_taken {
                    continue;
                }
                if has_positions && is_in(gaps, answer) {
                    self.announced += 1;
                } else if is_cut_off {
                    self.cut_off += 1;
                } else if announced > 0 {
                    announced -= 1;
                    self.announced += 1;
                } else if unreadable > 0 {
                    unreadable -= 1;
                } else {
                    self.lost[sender as usize] += 1;
                    if is_taken {
                        self.acked_not_delivered.insert((sender, sequence));
                    }
                }
            }
        });
    }

    /// A message that was refused by a notice, nobody has got. The notice does not say which it was.
    fn forgive_refused(&mut self, plan: &Plan, people: &[&Person], speakers: &[Option<&Person>]) {
        let mut receivers: HashMap<u32, u64> = HashMap::new();
        for person in people.iter().filter(|person| person.role != Role::Visitor) {
            *receivers.entry(person.home).or_default() += 1;
        }
        for (lost, speaker) in self.lost.iter_mut().zip(speakers) {
            let refused = sender_of(*speaker).map_or(0, |sender| u64::from(sender.refused));
            let receivers = speaker.and_then(|speaker| receivers.get(&speaker.home)).copied().unwrap_or(0);
            let receivers = if plan.self_echo { receivers } else { receivers.saturating_sub(1) };
            *lost = lost.saturating_sub(refused * receivers);
        }
    }
}

fn sender_of(speaker: Option<&Person>) -> Option<&Sender> {
    speaker.and_then(|speaker| speaker.sender.as_deref())
}

/// What became of the changes of rooms.
fn hops(people: &[&Person], tallies: &Tallies) -> HopAudit {
    let mut hops = tallies.hops;
    for person in people {
        let Some(hopper) = &person.hopper else { continue };
        hops.asked += hopper.asked;
        hops.stuck += u64::from(hopper.is_stuck);
        match person.has_stayed {
            true => hops.unanswered += hopper.unanswered(),
            false => hops.cut_off += hopper.unanswered(),
        }
    }
    hops
}

/// Whether a position lies in one of the gaps, which ascend.
fn is_in(gaps: &[(u64, u64)], position: u64) -> bool {
    let behind = gaps.partition_point(|(from, _)| *from <= position);
    gaps[..behind].last().is_some_and(|(_, to)| position <= *to)
}

fn memory_bytes(people: &[&Person]) -> u64 {
    let of = |person: &&Person| {
        let answers = person.sender.as_ref().map_or(0, |sender| sender.answers.capacity() * size_of::<u64>());
        person.ledger.memory_bytes() + answers
    };
    people.iter().map(of).sum::<usize>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;
    use crate::bench::seat::Seat;

    /// Three people of whom the first sends four messages, with these answers.
    fn people(answers: &[u64]) -> Vec<Person> {
        let mut people: Vec<Person> = (0..3).map(|id| Seat::new(id, &plan()).person).collect();
        people.iter_mut().for_each(|person| person.has_stayed = true);
        people[0].sender.as_mut().expect("it sends").answers = answers.to_vec();
        people
    }

    fn audit(people: &[Person], tallies: Tallies, has_positions: bool) -> Audit {
        settle(&plan(), &[4], &people.iter().collect::<Vec<_>>(), &tallies, has_positions)
    }

    fn hears(person: &mut Person, sequences: &[u32]) {
        for sequence in sequences {
            person.ledger.note(0, *sequence);
        }
    }

    #[test]
    fn a_sender_does_not_wait_for_its_own_messages() {
        let mut people = people(&[]);
        hears(&mut people[1], &[0, 1, 2, 3]);
        hears(&mut people[2], &[0, 1, 2, 3]);
        let audit = audit(&people, Tallies { delivered: 8, ..Tallies::default() }, false);
        assert_eq!((audit.sent, audit.expected, audit.lost, audit.unaccounted()), (4, 8, 0, 0));
    }

    #[test]
    fn what_is_missing_was_lost_announced_refused_or_cut_off() {
        let mut people = people(&[11, 12, REFUSED, 13]);
        hears(&mut people[1], &[0]);
        people[1].kept().gaps = vec![(12, 12)];
        people[2].has_stayed = false;
        hears(&mut people[2], &[1]);
        let audit = audit(&people, Tallies { delivered: 2, ..Tallies::default() }, true);
        // 11 was skipped by the last, and 13 by the second. The last one's tail went with it.
        assert_eq!((audit.lost, audit.announced, audit.cut_off), (2, 1, 1));
        let chinwag = audit.chinwag.expect("it has positions");
        assert_eq!((chinwag.acked_not_delivered, chinwag.unanswered), (2, 0));
        assert_eq!(audit.expected, 6);
    }

    #[test]
    fn a_resume_that_promised_more_than_came_was_untrue() {
        let mut people = people(&[11, 12, 13, UNANSWERED]);
        hears(&mut people[1], &[0, 1, 2]);
        hears(&mut people[2], &[0, 1, 2]);
        people[1].next_position = 14;
        people[1].kept().resumes_until = Some(13);
        people[2].next_position = 14;
        people[2].kept().resumes_until = Some(14);
        let chinwag = audit(&people, Tallies::default(), true).chinwag.expect("it has positions");
        assert_eq!((chinwag.resumed_untrue, chinwag.unanswered), (1, 1));
    }

    #[test]
    fn notices_account_for_what_they_tell_of() {
        let mut people = people(&[]);
        hears(&mut people[1], &[0, 3]);
        hears(&mut people[2], &[0, 1]);
        people[0].sender.as_mut().expect("it sends").refused = 1;
        people[2].kept().gaps = vec![(7, 7)];
        let audit = audit(&people, Tallies { delivered: 4, refused: 1, ..Tallies::default() }, false);
        // Two of the second are missing and one of the last, after the gap; one message of these each was refused.
        assert_eq!((audit.announced, audit.lost), (1, 1));
    }

    #[test]
    fn what_could_not_be_read_is_not_lost() {
        let mut people = people(&[]);
        hears(&mut people[1], &[0, 1, 3]);
        hears(&mut people[2], &[0, 1, 2, 3]);
        people[1].kept().unreadable = 1;
        let audit = audit(&people, Tallies { delivered: 8, corrupted: 1, ..Tallies::default() }, false);
        assert_eq!((audit.lost, audit.corrupted, audit.unaccounted()), (0, 1, 1));
    }
}
