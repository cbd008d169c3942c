//! Who has which name, and which names look like one that is taken.
//!
//! A member is found by its nickname ([`folded`]). A newcomer's name is also compared with all others by its [`look`]: so
//! the table is one of looks, and the few members of one look are told apart by their names. An entry is a slot of 8
//! bytes in an [`Index`], whichever way it is looked for:
//!
//! ```text
//!     name           is found under the hash of
//!     ann            ann                        its look, which is that of all its cases
//!     René           rené
//!     Νίκος          nίkos and vίkos            its look, and its nickname's: capital and small nu look different
//!     torn, tom      torn                       names of ASCII letters may share a look
//! ```
//!
//! Thousands of names could be made to share a look: `l1`, `1l`, `ll` and so on. In an index they would be one long run of
//! slots. So the index has one entry for each hash, and further ones stand in an ordered set.
//!
//! A look that has a letter beyond ASCII in one of its names belongs to one member alone. The look of a nickname may belong
//! to thousands: `ΝΝ`, `Νv` and `vΝ` look different, and as nicknames (`νν`, `νv`, `vν`) all look like `vv`. So it is
//! hashed in another way where it is not the name's own look, and a search for a look passes none of them.

use super::index::{Index, hash};
use crate::wire::name::{NAME_CHARS_MAX, folded, look};
use std::collections::BTreeSet;

/// All names. The names themselves stand in the members, and are asked for by number.
#[derive(Debug)]
pub(super) struct Names {
    seed: u64,
    len: usize,
    /// At most one for each hash.
    first: Index,
    /// The others: the hash, the nickname's hash, and the member.
    others: BTreeSet<(u32, u32, u32)>,
}

/// The end of what is hashed for the look of a nickname that is not its name's own: no name has it.
const OF_NICKNAME: char = '\n';

impl Names {
    /// No names. They will be hashed with this seed.
    pub fn new(seed: u64) -> Names {
        Names { seed, len: 0, first: Index::default(), others: BTreeSet::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds a name. That nobody has it is for the caller to know.
    pub fn insert(&mut self, name: &str, id: u32) {
        self.len += 1;
        for key in self.keys(name) {
            match self.first.find(key, |_| true) {
                None => self.first.insert(key, id),
                Some(_) => drop(self.others.insert((key, self.hash_nickname(name), id))),
            }
        }
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str, id: u32) {
        self.len -= 1;
        for key in self.keys(name) {
            match self.first.find(key, |it| it == id) {
                Some(_) => self.first.remove(key, id),
                None => drop(self.others.remove(&(key, self.hash_nickname(name), id))),
            }
        }
    }

    /// Who has this name, in whatever spelling that makes the same nickname.
    pub fn find<'a>(&self, name: &str, name_of: impl Fn(u32) -> &'a str) -> Option<u32> {
        // Whoever is sought may be a word of many thousand characters, which would take long to compare.
        if name.chars().nth(NAME_CHARS_MAX).is_some() {
            return None;
        }
        let is_it = |id: &u32| folded(name_of(*id)).eq(folded(name));
        let nickname_look = nickname_look(name);
        let find = |key: u32| {
            self.first.find(key, |id| is_it(&id)).or_else(|| {
                // Nearly always there is none, and the other hash is not needed.
                let others = (!self.others.is_empty()).then(|| {
                    let nickname = self.hash_nickname(name);
                    self.others.range((key, nickname, 0)..=(key, nickname, u32::MAX))
                });
                others.into_iter().flatten().map(|&(_, _, id)| id).find(is_it)
            })
        };
        // The look of the name that is searched for says nothing of the one that is found.
        find(self.hash_look(&nickname_look)).or_else(|| find(self.hash_look_of_nickname(&nickname_look)))
    }

    /// Whether the name looks like that of somebody else than `own`, and one of the two has a letter beyond ASCII.
    pub fn resembles<'a>(&self, name: &str, own: Option<u32>, name_of: impl Fn(u32) -> &'a str) -> bool {
        let name_look = look(name);
        let key = self.hash_look(&name_look);
        let others = self.others.range((key, 0, 0)..=(key, u32::MAX, u32::MAX)).map(|&(_, _, id)| id);
        let ids = self.first.find(key, |_| true).into_iter().chain(others);
        let mut alike =
            ids.filter(|&id| Some(id) != own).map(name_of).filter(|other| look(other) == name_look);
        // If the first is of ASCII letters, so are all others of this look.
        alike.next().is_some_and(|other| !(name.is_ascii() && other.is_ascii()))
    }

    /// The hashes that a name is found under. Mostly there is one.
    fn keys(&self, name: &str) -> impl Iterator<Item = u32> + use<> {
        let (look, nickname_look) = (look(name), nickname_look(name));
        let second = (look != nickname_look).then(|| self.hash_look_of_nickname(&nickname_look));
        std::iter::once(self.hash_look(&look)).chain(second)
    }

    fn hash_look(&self, look: &str) -> u32 {
        hash(self.seed, look.chars())
    }

    fn hash_look_of_nickname(&self, look: &str) -> u32 {
        hash(self.seed, look.chars().chain([OF_NICKNAME]))
    }

    fn hash_nickname(&self, name: &str) -> u32 {
        hash(self.seed, folded(name))
    }
}

/// The look of a name's nickname. Names of ASCII letters look the same in all cases.
fn nickname_look(name: &str) -> String {
    if name.is_ascii() { look(name) } else { look(&folded(name).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Name;
    use proptest::prelude::*;

    /// Names with the members that have them, by number.
    struct Members {
        names: Names,
        taken: Vec<Option<String>>,
    }

    impl Members {
        fn new() -> Members {
            Members { names: Names::new(7), taken: Vec::new() }
        }

        fn find(&self, name: &str) -> Option<u32> {
            self.names.find(name, |id| self.taken[id as usize].as_deref().expect("it is here"))
        }

        fn resembles(&self, name: &str, own: Option<u32>) -> bool {
            self.names.resembles(name, own, |id| self.taken[id as usize].as_deref().expect("it is here"))
        }

        /// Whether it was free, and is taken now.
        fn take(&mut self, name: &str) -> bool {
            let is_free = self.find(name).is_none() && !self.resembles(name, None);
            if is_free {
                self.names.insert(name, self.taken.len() as u32);
                self.taken.push(Some(name.to_owned()));
            }
            is_free
        }

        fn leave(&mut self, id: usize) {
            if let Some(name) = self.taken[id].take() {
                self.names.remove(&name, id as u32);
            }
        }

        /// The same, by looking at each.
        fn is_free_plainly(&self, name: &str) -> bool {
            !self.taken.iter().flatten().any(|other| {
                folded(other).eq(folded(name))
                    || look(other) == look(name) && !(other.is_ascii() && name.is_ascii())
            })
        }
    }

    /// The first is there: whether the second is taken; and the other way round.
    fn taken(one: &str, other: &str) -> [bool; 2] {
        [(one, other), (other, one)].map(|(first, second)| {
            let mut members = Members::new();
            assert!(members.take(first), "{first}");
            let is_taken = !members.take(second);
            members.leave(0);
            assert!(!is_taken || members.take(second), "{second} is free when {first} has gone");
            is_taken
        })
    }

    #[test]
    fn a_name_that_cannot_be_told_from_another_is_taken_whichever_came_first() {
        for (one, other) in [
            ("ann", "ANN"),
            ("René", "rene\u{301}"),
            ("ＡＮＮ", "ann"),
            ("ann lee", "ann  lee"),
            ("ann lee", "Ann\u{a0}Lee"),
            ("ann lee", "ann\u{3000} lee"),
            ("paypal", "pаypаl"),
            ("paypal", "PАYPАL"),
            ("PayPal", "раураl"),
            ("ann", "ΑΝΝ"),
            ("ian", "IАN"),
            ("Bob", "ВОВ"),
            ("pаypal", "paypаl"),
            ("tom", "tоrn"),
            ("Νίκος", "ΝΊΚΟΣ"),
            ("Νίκος", "νίκος"),
            ("Наташа", "НАТАША"),
            ("Наташа", "Haташa"),
            ("admin", "аdmіn"),
            ("root", "r𝐨𝐨t"),
        ] {
            assert_eq!(taken(one, other), [true, true], "{one} and {other}");
        }
    }

    #[test]
    fn names_that_can_be_told_apart_are_two() {
        for (one, other) in [
            ("tom", "torn"),
            ("l", "1"),
            ("IO", "l0"),
            ("rn", "m"),
            ("rene", "René"),
            ("ねこ", "いぬ"),
            ("Νίκη", "Νίνη"),
            ("Иван", "Иваг"),
            ("jose", "josé"),
            ("👩\u{200d}🚀", "👩"),
        ] {
            assert_eq!(taken(one, other), [false, false], "{one} and {other}");
        }
    }

    #[test]
    fn what_is_longer_than_a_name_is_not_compared() {
        let mut members = Members::new();
        let name = "\u{fdfa}".repeat(NAME_CHARS_MAX);
        assert!(members.take(&name));
        assert_eq!(members.find(&name), Some(0));
        let nickname: String = folded(&name).collect();
        assert!(nickname.chars().count() > NAME_CHARS_MAX);
        assert_eq!(members.find(&nickname), None);
        assert_eq!(members.find(&"é".repeat(1 << 20)), None);
    }

    #[test]
    fn one_may_take_a_name_that_looks_like_ones_own() {
        let mut members = Members::new();
        assert!(members.take("tom"));
        assert!(members.resembles("tоm", None));
        assert!(!members.resembles("tоm", Some(0)));
        assert!(members.take("torn"));
        assert!(members.resembles("tоm", Some(0)), "torn is somebody else's");
    }

    #[test]
    fn thousands_of_names_of_one_look_are_found_in_a_few_steps() {
        let mut members = Members::new();
        let name = |n: u32| (0..12).map(|bit| if n >> bit & 1 == 0 { 'l' } else { '1' }).collect::<String>();
        for n in 0..4096 {
            assert!(members.take(&name(n)));
        }
        let looks = std::cell::Cell::new(0);
        let name_of = |id| {
            looks.set(looks.get() + 1);
            members.taken[id as usize].as_deref().unwrap()
        };
        for n in 0..4096 {
            assert_eq!(members.names.find(&name(n), name_of), Some(n));
            assert!(!members.names.resembles(&name(n), None, name_of));
            assert!(members.names.resembles("llllllllllІl", None, name_of));
        }
        assert!(looks.get() <= 4 * 4096, "{} looks", looks.get());
        (0..4096).for_each(|id| members.leave(id));
        assert_eq!((members.names.len(), members.names.first.len()), (0, 0));
        assert!(members.names.others.is_empty());
    }

    #[test]
    fn thousands_of_names_whose_nicknames_look_alike_are_not_looked_at() {
        let mut members = Members::new();
        let name = |n: u32| (0..12).map(|bit| if n >> bit & 1 == 0 { 'Ν' } else { 'v' }).collect::<String>();
        // The last is of `v` alone, which all the others look like as nicknames.
        for n in 0..4095 {
            assert!(members.take(&name(n)), "{}", name(n));
        }
        let looks = std::cell::Cell::new(0);
        let name_of = |id| {
            looks.set(looks.get() + 1);
            members.taken[id as usize].as_deref().unwrap()
        };
        assert!(!members.names.resembles(&name(4095), None, name_of));
        assert_eq!(members.names.find(&name(4095), name_of), None);
        for n in 0..4095 {
            assert_eq!(members.names.find(&name(n), name_of), Some(n));
            assert!(members.names.resembles(&name(n), None, name_of));
        }
        assert!(looks.get() <= 4 * 4096, "{} looks", looks.get());
        (0..4095).for_each(|id| members.leave(id));
        assert_eq!((members.names.len(), members.names.first.len()), (0, 0));
        assert!(members.names.others.is_empty());
    }

    proptest! {
        #[test]
        fn all_cases_of_ascii_letters_are_of_one_look(name in "[ -~]{1,12}") {
            prop_assert_eq!(look(&name), look(&name.to_ascii_lowercase()));
        }

        /// Few letters and many that look like them, so that names meet in every way.
        #[test]
        fn agrees_with_a_look_at_each(steps in prop::collection::vec((any::<bool>(), "[l1Iiо0oНнhνnΝV]{1,3}", 0..60_usize), 1..80)) {
            let mut members = Members::new();
            for (comes, name, id) in steps {
                match comes {
                    true if Name::new(&name).is_ok() => {
                        let is_free = members.is_free_plainly(&name);
                        prop_assert_eq!(members.take(&name), is_free, "{}", name);
                    }
                    _ if id < members.taken.len() => members.leave(id),
                    _ => {}
                }
                for (id, name) in members.taken.iter().enumerate() {
                    if let Some(name) = name {
                        prop_assert_eq!(members.find(name), Some(id as u32));
                    }
                }
            }
            prop_assert_eq!(members.names.len(), members.taken.iter().flatten().count());
        }
    }
}
