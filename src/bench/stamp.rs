//! What every payload carries, so that each delivery can be accounted for, whatever wraps it.
//!
//! ```text
//!   cwbkdnae aaaaabaaaaaaaaak ffhgaonnadlkcfbm quzy1803...
//!   |        |                |           |    padding: from a pool that sender and receiver share
//!   |        |                |           check: 16 bits over the three before it
//!   |        |                intended moment: 48 bits of nanoseconds since the run began
//!   |        sender: 24 bits, sequence: 40 bits
//!   mark: cwb and the run, 20 bits
//! ```
//!
//! Four bits a letter, `a` to `p`: it passes through JSON, through lines and through whatever else escapes or trims, and
//! eight letters are read with three shifts. How long a payload is, and what it is padded with, follow from its sender and
//! sequence, so that nothing of it need be carried: the padding is compared as it is, and a single wrong bit is found.

use memchr::memmem::Finder;

/// The length of a stamp: no payload is shorter.
pub const STAMP_LEN: usize = 40;

const MARK_LEN: usize = 8;
const MARK: &[u8; 3] = b"cwb";
const RUN_BITS: u32 = 20;
const MOMENT_BITS: u32 = 48;
const SEQUENCE_BITS: u32 = 40;

/// How many places there are in the pool where a padding may begin.
const STARTS: usize = 4096;
/// What paddings are made of: none of the stamp's letters, so that no mark is found in them.
const PADDING: &[u8; 16] = b"qrstuvwxyz012345";

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Who has sent it.
    pub sender: u32,
    /// The sender's first message is 0.
    pub sequence: u64,
    /// When it was to be sent.
    pub intended: u64,
}

/// What was found in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A payload as it was sent.
    Sound(Stamp),
    /// One that is known by its stamp, and is otherwise not as it was sent.
    Spoiled(Stamp),
    /// One whose stamp cannot be read.
    Unreadable,
    /// No payload of this run.
    Nothing,
}

/// Writes payloads, and finds them again.
#[derive(Clone, Debug)]
pub struct Stamps {
    mark: [u8; MARK_LEN],
    finder: Finder<'static>,
    size: (usize, usize),
    pool: Box<[u8]>,
    /// How far from the end the last one began: the next is likely to begin there too.
    from_end: usize,
}

impl Stamps {
    /// The stamps of a run, in payloads of these sizes.
    pub fn new(run: u32, size: (usize, usize)) -> Stamps {
        let mut mark = [0; MARK_LEN];
        mark[..MARK.len()].copy_from_slice(MARK);
        let letters = letters(u64::from(run % (1 << RUN_BITS)));
        mark[MARK.len()..].copy_from_slice(&letters[letters.len() - (MARK_LEN - MARK.len())..]);
        let letter = |at: usize| PADDING[(mix(at as u64) % PADDING.len() as u64) as usize];
        let pool = (0..STARTS + size.1).map(letter).collect();
        Stamps { mark, finder: Finder::new(&mark).into_owned(), size, pool, from_end: 0 }
    }

    /// How long the payload of a message is.
    pub fn payload_len(&self, sender: u32, sequence: u64) -> usize {
        let (least, most) = self.size;
        match least == most {
            true => least,
            false => least + (identity(sender, sequence) % (most - least + 1) as u64) as usize,
        }
    }

    fn padding(&self, sender: u32, sequence: u64) -> &[u8] {
        let start = (identity(sender, sequence) >> 32) as usize % STARTS;
        &self.pool[start..start + self.payload_len(sender, sequence) - STAMP_LEN]
    }

    /// Adds the payload of a message.
    pub fn write(&self, stamp: Stamp, out: &mut Vec<u8>) {
        let what = word(stamp);
        let when = stamp.intended % (1 << MOMENT_BITS);
        out.extend_from_slice(&self.mark);
        out.extend_from_slice(&letters(what));
        out.extend_from_slice(&letters(when << 16 | u64::from(check(what, when))));
        out.extend_from_slice(self.padding(stamp.sender, stamp.sequence));
    }

    /// Looks for a payload in a message.
    #[inline]
    pub fn find(&mut self, message: &[u8]) -> Found {
        match self.payload(message) {
            Some(payload) => self.read(payload),
            None => Found::Nothing,
        }
    }

    /// Looks for the first payload in `rest`, and moves `rest` behind it: a message may hold several.
    #[inline]
    pub fn find_next(&mut self, rest: &mut &[u8]) -> Found {
        // Where the last one was, unless another payload fits before it.
        let likely = rest.len().checked_sub(self.from_end).filter(|at| *at < self.size.0);
        let payload = match likely.map(|at| &rest[at..]).filter(|payload| payload.starts_with(&self.mark)) {
            Some(payload) => payload,
            None => match self.finder.find(rest) {
                Some(at) => &rest[at..],
                None => {
                    *rest = &[];
                    return Found::Nothing;
                }
            },
        };
        self.from_end = payload.len();
        let found = self.read(payload);
        let len = match found {
            Found::Sound(Stamp { sender, sequence, .. }) => self.payload_len(sender, sequence),
            Found::Spoiled(_) => STAMP_LEN,
            Found::Unreadable | Found::Nothing => MARK_LEN,
        };
        *rest = payload.get(len..).unwrap_or_default();
        found
    }

    /// What a payload says that begins with the mark.
    #[inline]
    fn read(&self, payload: &[u8]) -> Found {
        let Some((head, padding)) = payload.split_first_chunk::<STAMP_LEN>() else {
            return Found::Unreadable;
        };
        let (Some(what), Some(when)) = (number(&head[8..24]), number(&head[24..40])) else {
            return Found::Unreadable;
        };
        let intended = when >> 16;
        if (when & 0xFFFF) as u16 != check(what, intended) {
            return Found::Unreadable;
        }
        let sender = (what >> SEQUENCE_BITS) as u32;
        let stamp = Stamp { sender, sequence: what % (1 << SEQUENCE_BITS), intended };
        match padding.starts_with(self.padding(sender, stamp.sequence)) {
            true => Found::Sound(stamp),
            false => Found::Spoiled(stamp),
        }
    }

    /// The message from the mark on.
    #[inline]
    fn payload<'m>(&mut self, message: &'m [u8]) -> Option<&'m [u8]> {
        if let Some(at) = message.len().checked_sub(self.from_end)
            && message[at..].starts_with(&self.mark)
        {
            return Some(&message[at..]);
        }
        let at = self.finder.find(message)?;
        self.from_end = message.len() - at;
        Some(&message[at..])
    }
}

/// Sender and sequence as one number.
fn word(stamp: Stamp) -> u64 {
    (u64::from(stamp.sender) << SEQUENCE_BITS) | (stamp.sequence % (1 << SEQUENCE_BITS))
}

/// Something that looks random, and follows from who sends what.
fn identity(sender: u32, sequence: u64) -> u64 {
    mix(word(Stamp { sender, sequence, intended: 0 }))
}

fn check(what: u64, when: u64) -> u16 {
    (mix(what ^ when.rotate_left(20)) >> 48) as u16
}

/// Every bit of the result depends on every bit of the number (splitmix64).
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}

/// A number as sixteen letters, the highest four bits first.
fn letters(number: u64) -> [u8; 16] {
    std::array::from_fn(|at| b'a' + (number >> (60 - 4 * at) & 0xF) as u8)
}

/// The number that sixteen letters are.
#[inline]
fn number(letters: &[u8]) -> Option<u64> {
    let half = |letters: &[u8]| {
        let letters = u64::from_be_bytes(*letters.first_chunk()?);
        let bits = letters.wrapping_sub(0x6161_6161_6161_6161);
        if bits & 0xF0F0_F0F0_F0F0_F0F0 != 0 {
            return None;
        }
        let bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
        let bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
        Some((bits | bits >> 16) & 0xFFFF_FFFF)
    };
    Some(half(&letters[..8])? << 32 | half(&letters[8..])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAMP: Stamp = Stamp { sender: 10, sequence: 77, intended: 1_234_567_890 };

    fn payload(stamps: &Stamps, stamp: Stamp) -> Vec<u8> {
        let mut out = Vec::new();
        stamps.write(stamp, &mut out);
        out
    }

    #[test]
    fn a_payload_is_found_whatever_wraps_it() {
        let mut stamps = Stamps::new(7, (64, 64));
        let payload = payload(&stamps, STAMP);
        assert_eq!(payload.len(), 64);
        for (before, after) in [("", ""), ("[bob] ", ""), ("{\"data\":\"", "\"}"), ("cwb cwbaaaa ", " x")] {
            let message = [before.as_bytes(), &payload, after.as_bytes()].concat();
            for _ in 0..2 {
                assert_eq!(stamps.find(&message), Found::Sound(STAMP), "{before}");
            }
        }
        assert_eq!(stamps.find(b"* cyn joined"), Found::Nothing);
        assert_eq!(stamps.find(b""), Found::Nothing);
    }

    #[test]
    fn every_payload_of_a_message_is_found() {
        let mut stamps = Stamps::new(7, (40, 90));
        let theirs = payload(&Stamps::new(8, (40, 90)), STAMP);
        let several: Vec<Stamp> = (0..20).map(|sequence| Stamp { sequence, ..STAMP }).collect();
        for joint in ["", "\n", r#"","b":""#, r#"\"}","{\"a\":\""#, "cwb", "\u{1e}"] {
            let payloads: Vec<Vec<u8>> = several.iter().map(|stamp| payload(&stamps, *stamp)).collect();
            let message = [&theirs, &*payloads.join(joint.as_bytes()), joint.as_bytes(), b"cwb"].concat();
            let mut rest = &*message;
            for stamp in &several {
                assert_eq!(stamps.find_next(&mut rest), Found::Sound(*stamp), "{joint}");
            }
            assert_eq!((stamps.find_next(&mut rest), rest), (Found::Nothing, &b""[..]), "{joint}");
        }
    }

    #[test]
    fn a_payload_behind_a_bad_one_is_found() {
        let mut stamps = Stamps::new(7, (64, 64));
        let sound = payload(&stamps, STAMP);
        let mut spoiled = sound.clone();
        spoiled[50] ^= 1;
        let message = [&spoiled, &sound[..20], &*sound, &sound[..STAMP_LEN + 2]].concat();
        let mut rest = &*message;
        let found: Vec<Found> =
            std::iter::from_fn(|| Some(stamps.find_next(&mut rest)).filter(|found| *found != Found::Nothing))
                .collect();
        assert_eq!(
            found,
            [Found::Spoiled(STAMP), Found::Unreadable, Found::Sound(STAMP), Found::Spoiled(STAMP)]
        );
    }

    #[test]
    fn one_of_another_run_is_none_of_ours() {
        let theirs = payload(&Stamps::new(8, (64, 64)), STAMP);
        assert_eq!(Stamps::new(7, (64, 64)).find(&theirs), Found::Nothing);
    }

    #[test]
    fn every_wrong_byte_is_found() {
        let mut stamps = Stamps::new(7, (100, 100));
        let payload = payload(&stamps, STAMP);
        for at in 0..payload.len() {
            for bit in 0..8 {
                let mut spoiled = payload.clone();
                spoiled[at] ^= 1 << bit;
                let found = stamps.find(&spoiled);
                let expected = match at {
                    0..MARK_LEN => Found::Nothing,
                    MARK_LEN..STAMP_LEN => Found::Unreadable,
                    _ => Found::Spoiled(STAMP),
                };
                assert_eq!(found, expected, "byte {at}, bit {bit}");
            }
        }
        for len in MARK_LEN..payload.len() {
            assert!(!matches!(stamps.find(&payload[..len]), Found::Sound(_)), "cut to {len}");
        }
    }

    #[test]
    fn sizes_are_spread_over_their_range() {
        let stamps = Stamps::new(7, (40, 49));
        let mut count = [0; 10];
        for sequence in 0..10_000 {
            let len = payload(&stamps, Stamp { sequence, ..STAMP }).len();
            assert_eq!(len, stamps.payload_len(STAMP.sender, sequence));
            count[len - 40] += 1;
        }
        assert!(count.iter().all(|count| (800..1200).contains(count)), "{count:?}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sender in 0..1u32 << 24, sequence in 0..1u64 << 40, intended in 0..1u64 << 48, most in 40..300usize,
        ) {
            let mut stamps = Stamps::new(1, (40, most));
            let stamp = Stamp { sender, sequence, intended };
            prop_assert_eq!(stamps.find(&payload(&stamps, stamp)), Found::Sound(stamp));
        }
    }
}
