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
//!
//! A payload of less than 40 bytes has a short stamp of 96 bits, where the payload is the whole message: 16 letters of
//! base64, or 12 bytes in a binary message.
//!
//! ```text
//!   | sender 20 | sequence 31 | intended moment 29, microseconds | check 16 |
//! ```
//!
//! The moment is counted round, which takes 537 s: it is the latest such moment before the delivery. A short stamp has no
//! mark. The run is only in the check, so a stamp with a wrong bit cannot be told from a message of another client.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem::Finder;

/// The length of a stamp with its mark, in bytes.
pub const STAMP_LEN: usize = 40;
/// The length of a short stamp in a text message, in bytes.
pub const SHORT_TEXT_LEN: usize = 16;
/// The length of a short stamp in a binary message, in bytes: no payload is shorter.
pub const SHORT_BINARY_LEN: usize = 12;
/// Senders have numbers below this, if their stamps are short.
pub const SHORT_SENDERS_MAX: usize = 1 << SHORT_SENDER_BITS;

const SHORT_SENDER_BITS: u32 = 20;
const SHORT_SEQUENCE_BITS: u32 = 31;
const SHORT_MOMENT_BITS: u32 = 29;
/// The unit of the moment in a short stamp, in nanoseconds.
pub const SHORT_TICK: u64 = 1000;

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

/// What stamps look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With a mark, so that they are found wherever they stand in a message.
    Marked,
    /// Short, as text: the message begins with it.
    ShortText,
    /// Short, as bytes: the message begins with it.
    ShortBinary,
}

impl Form {
    /// That of payloads whose least length is this.
    pub fn of(least: usize, is_binary: bool) -> Form {
        match (least < STAMP_LEN, is_binary) {
            (false, _) => Form::Marked,
            (true, false) => Form::ShortText,
            (true, true) => Form::ShortBinary,
        }
    }

    /// The length of such a stamp, in bytes.
    pub fn stamp_len(self) -> usize {
        match self {
            Form::Marked => STAMP_LEN,
            Form::ShortText => SHORT_TEXT_LEN,
            Form::ShortBinary => SHORT_BINARY_LEN,
        }
    }
}

/// Writes payloads, and finds them again.
#[derive(Clone, Debug)]
pub struct Stamps {
    form: Form,
    run: u32,
    mark: [u8; MARK_LEN],
    finder: Finder<'static>,
    size: (usize, usize),
    pool: Box<[u8]>,
    /// How far from the end the last one began: the next is likely to begin there too.
    from_end: usize,
}

impl Stamps {
    /// The stamps of a run, in payloads of these sizes: the least and the greatest.
    pub fn new(run: u32, size: (usize, usize), form: Form) -> Stamps {
        let mut mark = [0; MARK_LEN];
        mark[..MARK.len()].copy_from_slice(MARK);
        let letters = letters(u64::from(run % (1 << RUN_BITS)));
        mark[MARK.len()..].copy_from_slice(&letters[letters.len() - (MARK_LEN - MARK.len())..]);
        let letter = |at: usize| PADDING[(mix(at as u64) % PADDING.len() as u64) as usize];
        let pool = (0..STARTS + size.1).map(letter).collect();
        Stamps { form, run, mark, finder: Finder::new(&mark).into_owned(), size, pool, from_end: 0 }
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
        &self.pool[start..start + self.payload_len(sender, sequence) - self.form.stamp_len()]
    }

    /// Adds the payload of a message.
    pub fn write(&self, stamp: Stamp, out: &mut Vec<u8>) {
        match self.form {
            Form::Marked => {
                let what = word(stamp);
                let when = stamp.intended % (1 << MOMENT_BITS);
                out.extend_from_slice(&self.mark);
                out.extend_from_slice(&letters(what));
                out.extend_from_slice(&letters(when << 16 | u64::from(check(what, when))));
            }
            Form::ShortText => {
                let mut text = [0; SHORT_TEXT_LEN];
                let len = URL_SAFE_NO_PAD.encode_slice(self.short(stamp), &mut text);
                debug_assert_eq!(len, Ok(SHORT_TEXT_LEN), "12 bytes are 16 letters");
                out.extend_from_slice(&text);
            }
            Form::ShortBinary => out.extend_from_slice(&self.short(stamp)),
        }
        out.extend_from_slice(self.padding(stamp.sender, stamp.sequence));
    }

    fn short(&self, stamp: Stamp) -> [u8; SHORT_BINARY_LEN] {
        let Stamp { sender, sequence, intended } = stamp;
        let field = |number: u64, bits: u32| u128::from(number % (1 << bits));
        let what = field(u64::from(sender), SHORT_SENDER_BITS) << SHORT_SEQUENCE_BITS
            | field(sequence, SHORT_SEQUENCE_BITS);
        let fields = what << SHORT_MOMENT_BITS | field(intended / SHORT_TICK, SHORT_MOMENT_BITS);
        let bytes = (fields << 16 | u128::from(self.short_check(fields))).to_be_bytes();
        let (_, stamp) = bytes.split_last_chunk().expect("96 of 128 bits");
        *stamp
    }

    fn short_check(&self, fields: u128) -> u16 {
        let (high, low) = ((fields >> 64) as u64, fields as u64);
        (mix(low ^ mix(high << 32 | u64::from(self.run))) >> 48) as u16
    }

    /// Reads a message that is a payload with a short stamp, and that came at this moment.
    fn find_short(&self, message: &[u8], at: u64) -> Found {
        let mut bytes = [0; size_of::<u128>()];
        let Some((head, padding)) = message.split_at_checked(self.form.stamp_len()) else {
            return Found::Nothing;
        };
        let stamp = &mut bytes[size_of::<u128>() - SHORT_BINARY_LEN..];
        match self.form {
            Form::ShortText => {
                if URL_SAFE_NO_PAD.decode_slice(head, stamp).is_err() {
                    return Found::Nothing;
                }
            }
            Form::ShortBinary | Form::Marked => stamp.copy_from_slice(head),
        }
        let word = u128::from_be_bytes(bytes);
        let fields = word >> 16;
        if word as u16 != self.short_check(fields) {
            return Found::Nothing;
        }
        let field = |shift: u32, bits: u32| (fields >> shift) as u64 % (1 << bits);
        let behind = (at / SHORT_TICK).wrapping_sub(field(0, SHORT_MOMENT_BITS)) % (1 << SHORT_MOMENT_BITS);
        let stamp = Stamp {
            sender: field(SHORT_MOMENT_BITS + SHORT_SEQUENCE_BITS, SHORT_SENDER_BITS) as u32,
            sequence: field(SHORT_MOMENT_BITS, SHORT_SEQUENCE_BITS),
            intended: (at / SHORT_TICK).saturating_sub(behind) * SHORT_TICK,
        };
        match padding == self.padding(stamp.sender, stamp.sequence) {
            true => Found::Sound(stamp),
            false => Found::Spoiled(stamp),
        }
    }

    /// Looks for a payload in a message that came at this moment.
    #[inline]
    pub fn find(&mut self, message: &[u8], at: u64) -> Found {
        if self.form != Form::Marked {
            return self.find_short(message, at);
        }
        match self.payload(message) {
            Some(payload) => self.read(payload),
            None => Found::Nothing,
        }
    }

    /// Looks for the first payload in `rest`, and moves `rest` behind it: a message may hold several.
    #[inline]
    pub fn find_next(&mut self, rest: &mut &[u8], at: u64) -> Found {
        if self.form != Form::Marked {
            return self.find_short(std::mem::take(rest), at);
        }
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

    const AT: u64 = 9_000_000_000_000;
    const SHORT: [(Form, usize); 2] =
        [(Form::ShortText, SHORT_TEXT_LEN), (Form::ShortBinary, SHORT_BINARY_LEN)];
    const STAMP: Stamp = Stamp { sender: 10, sequence: 77, intended: 1_234_567_890 };

    fn payload(stamps: &Stamps, stamp: Stamp) -> Vec<u8> {
        let mut out = Vec::new();
        stamps.write(stamp, &mut out);
        out
    }

    #[test]
    fn a_payload_is_found_whatever_wraps_it() {
        let mut stamps = Stamps::new(7, (64, 64), Form::Marked);
        let payload = payload(&stamps, STAMP);
        assert_eq!(payload.len(), 64);
        for (before, after) in [("", ""), ("[bob] ", ""), ("{\"data\":\"", "\"}"), ("cwb cwbaaaa ", " x")] {
            let message = [before.as_bytes(), &payload, after.as_bytes()].concat();
            for _ in 0..2 {
                assert_eq!(stamps.find(&message, AT), Found::Sound(STAMP), "{before}");
            }
        }
        assert_eq!(stamps.find(b"* cyn joined", AT), Found::Nothing);
        assert_eq!(stamps.find(b"", AT), Found::Nothing);
    }

    #[test]
    fn every_payload_of_a_message_is_found() {
        let mut stamps = Stamps::new(7, (40, 90), Form::Marked);
        let theirs = payload(&Stamps::new(8, (40, 90), Form::Marked), STAMP);
        let several: Vec<Stamp> = (0..20).map(|sequence| Stamp { sequence, ..STAMP }).collect();
        for joint in ["", "\n", r#"","b":""#, r#"\"}","{\"a\":\""#, "cwb", "\u{1e}"] {
            let payloads: Vec<Vec<u8>> = several.iter().map(|stamp| payload(&stamps, *stamp)).collect();
            let message = [&theirs, &*payloads.join(joint.as_bytes()), joint.as_bytes(), b"cwb"].concat();
            let mut rest = &*message;
            for stamp in &several {
                assert_eq!(stamps.find_next(&mut rest, AT), Found::Sound(*stamp), "{joint}");
            }
            assert_eq!((stamps.find_next(&mut rest, AT), rest), (Found::Nothing, &b""[..]), "{joint}");
        }
    }

    #[test]
    fn a_payload_behind_a_bad_one_is_found() {
        let mut stamps = Stamps::new(7, (64, 64), Form::Marked);
        let sound = payload(&stamps, STAMP);
        let mut spoiled = sound.clone();
        spoiled[50] ^= 1;
        let message = [&spoiled, &sound[..20], &*sound, &sound[..STAMP_LEN + 2]].concat();
        let mut rest = &*message;
        let found: Vec<Found> = std::iter::from_fn(|| {
            Some(stamps.find_next(&mut rest, AT)).filter(|found| *found != Found::Nothing)
        })
        .collect();
        assert_eq!(
            found,
            [Found::Spoiled(STAMP), Found::Unreadable, Found::Sound(STAMP), Found::Spoiled(STAMP)]
        );
    }

    #[test]
    fn one_of_another_run_is_none_of_ours() {
        let theirs = payload(&Stamps::new(8, (64, 64), Form::Marked), STAMP);
        assert_eq!(Stamps::new(7, (64, 64), Form::Marked).find(&theirs, AT), Found::Nothing);
    }

    #[test]
    fn every_wrong_byte_is_found() {
        let mut stamps = Stamps::new(7, (100, 100), Form::Marked);
        let payload = payload(&stamps, STAMP);
        for at in 0..payload.len() {
            for bit in 0..8 {
                let mut spoiled = payload.clone();
                spoiled[at] ^= 1 << bit;
                let found = stamps.find(&spoiled, AT);
                let expected = match at {
                    0..MARK_LEN => Found::Nothing,
                    MARK_LEN..STAMP_LEN => Found::Unreadable,
                    _ => Found::Spoiled(STAMP),
                };
                assert_eq!(found, expected, "byte {at}, bit {bit}");
            }
        }
        for len in MARK_LEN..payload.len() {
            assert!(!matches!(stamps.find(&payload[..len], AT), Found::Sound(_)), "cut to {len}");
        }
    }

    #[test]
    fn sizes_are_spread_over_their_range() {
        let stamps = Stamps::new(7, (40, 49), Form::Marked);
        let mut count = [0; 10];
        for sequence in 0..10_000 {
            let len = payload(&stamps, Stamp { sequence, ..STAMP }).len();
            assert_eq!(len, stamps.payload_len(STAMP.sender, sequence));
            count[len - 40] += 1;
        }
        assert!(count.iter().all(|count| (800..1200).contains(count)), "{count:?}");
    }

    #[test]
    fn a_short_stamp_says_the_same_to_the_microsecond() {
        for (form, len) in SHORT {
            for (most, sequence) in [(len, 77), (len + 9, 78)] {
                let mut stamps = Stamps::new(7, (len, most), form);
                let sent = Stamp { sequence, ..STAMP };
                let payload = payload(&stamps, sent);
                assert_eq!(payload.len(), stamps.payload_len(10, sequence));
                assert!(form == Form::ShortBinary || payload.iter().all(u8::is_ascii_graphic));
                // From the same microsecond to the last moment before it is counted round.
                let round = SHORT_TICK << SHORT_MOMENT_BITS;
                for at in [sent.intended, sent.intended + 12_345, sent.intended + round - SHORT_TICK] {
                    let found = Stamp { intended: sent.intended / SHORT_TICK * SHORT_TICK, ..sent };
                    assert_eq!(stamps.find(&payload, at), Found::Sound(found), "{form:?} {at}");
                }
            }
        }
    }

    #[test]
    fn a_short_stamp_with_a_wrong_bit_is_none_and_so_is_that_of_another_run() {
        for (form, len) in SHORT {
            let mut stamps = Stamps::new(7, (len + 4, len + 4), form);
            let payload = payload(&stamps, STAMP);
            for at in 0..payload.len() {
                for bit in 0..8 {
                    let mut spoiled = payload.clone();
                    spoiled[at] ^= 1 << bit;
                    let found = stamps.find(&spoiled, AT);
                    match at < len {
                        true => assert_eq!(found, Found::Nothing, "{form:?}: byte {at}, bit {bit}"),
                        false => {
                            assert!(matches!(found, Found::Spoiled(_)), "{form:?}: byte {at}, bit {bit}")
                        }
                    }
                }
            }
            let other = Stamps::new(8, (len + 4, len + 4), form).find(&payload, AT);
            assert_eq!(other, Found::Nothing);
            for cut in 0..payload.len() {
                assert!(!matches!(stamps.find(&payload[..cut], AT), Found::Sound(_)), "cut to {cut}");
            }
            let longer = [&payload[..], b"x"].concat();
            assert!(matches!(stamps.find(&longer, AT), Found::Spoiled(_)));
        }
    }

    proptest! {
        #[test]
        fn any_message_may_be_looked_at(message in prop::collection::vec(any::<u8>(), 0..40), at in any::<u64>()) {
            for (form, len) in SHORT {
                Stamps::new(1, (len, len), form).find(&message, at);
            }
        }

        #[test]
        fn what_is_written_short_is_read(
            sender in 0..1u32 << 20, sequence in 0..1u64 << 31, ticks in 0..1u64 << 40, late in 0..1u64 << 29,
            more in 0..30usize,
        ) {
            for (form, len) in SHORT {
                let mut stamps = Stamps::new(1, (len, len + more), form);
                let stamp = Stamp { sender, sequence, intended: ticks * SHORT_TICK };
                let at = stamp.intended + late * SHORT_TICK;
                prop_assert_eq!(stamps.find(&payload(&stamps, stamp), at), Found::Sound(stamp));
            }
        }

        #[test]
        fn what_is_written_is_read(
            sender in 0..1u32 << 24, sequence in 0..1u64 << 40, intended in 0..1u64 << 48, most in 40..300usize,
        ) {
            let mut stamps = Stamps::new(1, (40, most), Form::Marked);
            let stamp = Stamp { sender, sequence, intended };
            prop_assert_eq!(stamps.find(&payload(&stamps, stamp), AT), Found::Sound(stamp));
        }
    }
}
