//! Compression over the crate `zlib-rs`. RFC 7692, section 7.2; RFC 1951.
//!
//! ```text
//!   Deflaters   9 10 11 12 13 14 15      a state for each window in use: 250 to 380 KB each
//!   Inflater    one                      47 KB, reads every window
//! ```
//!
//! Each message is deflated from nothing, so a state is only a workplace: one serves every connection of a loop, and one
//! result serves all connections with the same window. A message that is no longer than a window cannot point back farther
//! than that, whatever the window: so short ones, which is nearly all of a chat's, are deflated once for all windows.

use super::{CONTEXT_BYTES, TAIL, WindowBits};
use crate::proto::ws::Error;
use std::fmt;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// How much is inflated before it is looked at.
const CHUNK_BYTES: usize = 8 * 1024;
/// Why 2: docs/decisions/0010-deflate.md.
const LEVEL: i32 = 2;
/// How much of the workplace for deflated bytes is kept between two messages.
const SPARE_BYTES_MAX: usize = 64 * 1024;

/// The tail, and a byte that is left where it is if the tail ends a block: `InflateFlush::Block` stops there. The library
/// does not otherwise tell where it stands.
const TAIL_AND_MORE: [u8; TAIL.len() + 1] = [TAIL[0], TAIL[1], TAIL[2], TAIL[3], 0];

/// Inflates messages one after the other, and has no state until the first.
#[derive(Default)]
pub struct Inflater {
    state: Option<Box<Inflate>>,
}

impl Inflater {
    /// Inflates the payload of one message, and gives what it says to `take`, a chunk at a time, until that has had enough.
    /// With `keeps_context` the message may point back into the last one.
    ///
    /// A message ends with an empty block without compression, whose last four bytes it leaves out (7.2.1, 7.2.2). Also
    /// accepted are one that leaves them on, and one that ends with a block that says it is the last (7.2.3.4). After an
    /// error the inflater is of use only for a message without context.
    pub fn inflate(
        &mut self,
        keeps_context: bool,
        deflated: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // We need not know the window: the largest reads them all.
        let new = || Box::new(Inflate::new(false, WindowBits::LARGEST.get()));
        let state = self.state.get_or_insert_with(new);
        if !keeps_context {
            state.reset(false);
        }
        // 7.2.3.6 has one byte for an empty message. Some senders make none.
        if deflated.is_empty() {
            return Ok(());
        }
        let left_on = deflated.strip_suffix(&TAIL);
        let mut rest = left_on.unwrap_or(deflated);
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            let Step { status, taken, made } = step(state, rest, &mut chunk, InflateFlush::SyncFlush)?;
            take(&chunk[..made])?;
            rest = &rest[taken..];
            let has_ended = status == Status::StreamEnd;
            if has_ended {
                // What follows a block that says it is the last begins anew (7.2.3.4).
                state.reset(false);
                if rest.is_empty() && left_on.is_none() {
                    return Ok(());
                }
            }
            let has_more = made == chunk.len() && !has_ended;
            if !has_more && (rest.is_empty() || taken == 0) {
                break;
            }
        }
        // Inside a block, the tail may make no sense either.
        let tail = step(state, &TAIL_AND_MORE, &mut chunk, InflateFlush::Block);
        let Step { taken, made, .. } = tail.map_err(|_| Error::DeflateTruncated)?;
        let is_block_end = taken == TAIL.len();
        // A block that has swallowed the tail as its data was cut, unless its sender left the tail there.
        let is_tail = made == 0 || left_on.is_some();
        if !is_block_end || !is_tail {
            return Err(Error::DeflateTruncated);
        }
        take(&chunk[..made])?;
        if step(state, &[], &mut chunk, InflateFlush::SyncFlush)?.status == Status::StreamEnd {
            state.reset(false);
        }
        Ok(())
    }

    /// How many bytes of memory it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        if self.state.is_some() { CONTEXT_BYTES } else { 0 }
    }
}

/// What one call of the library came to, in bytes.
struct Step {
    status: Status,
    taken: usize,
    made: usize,
}

fn step(state: &mut Inflate, input: &[u8], out: &mut [u8], flush: InflateFlush) -> Result<Step, Error> {
    let (taken_before, made_before) = (state.total_in(), state.total_out());
    let status = state.decompress(input, out, flush).map_err(|_| Error::NotDeflate)?;
    let taken = (state.total_in() - taken_before) as usize;
    let made = (state.total_out() - made_before) as usize;
    Ok(Step { status, taken, made })
}

/// The deflaters of a loop, one for each window in use. A window has none until somebody wants it.
#[derive(Default)]
pub struct Deflaters {
    /// From the largest window to the smallest.
    states: [Option<Box<Deflate>>; 7],
    out: Vec<u8>,
    /// How much of that the last message came to.
    len: Option<usize>,
}

impl Deflaters {
    /// Deflates the payload of a message, so that it can be read with this window. `None` where it would not be shorter
    /// than it is; then it is to go as it is.
    pub fn deflate(&mut self, window: WindowBits, payload: &[u8]) -> Option<&[u8]> {
        self.len = None;
        let window = window.widest_for(payload.len());
        let index = usize::from(WindowBits::LARGEST.get() - window.get());
        let state = self.states.get_mut(index)?;
        let state = state.get_or_insert_with(|| Box::new(Deflate::new(LEVEL, false, window.get())));
        state.reset();
        // As much as is worth having, and the tail.
        let len_max = payload.len() + TAIL.len();
        if self.out.len() > SPARE_BYTES_MAX && len_max <= SPARE_BYTES_MAX {
            self.out = Vec::new();
        }
        if self.out.len() < len_max {
            self.out.resize(len_max, 0);
        }
        let room = &mut self.out[..len_max];
        state.compress(payload, room, DeflateFlush::SyncFlush).ok()?;
        let len = usize::try_from(state.total_out()).ok()?;
        if len == room.len() {
            return None;
        }
        // 7.2.1: the flush has ended it with an empty block, whose last four bytes are left out.
        self.len = self.out[..len].strip_suffix(&TAIL).map(<[u8]>::len);
        self.last()
    }

    /// What the last call has made.
    pub fn last(&self) -> Option<&[u8]> {
        self.len.map(|len| &self.out[..len])
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("is_used", &self.state.is_some()).finish()
    }
}

impl fmt::Debug for Deflaters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflaters").field("used", &self.states.iter().flatten().count()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inflate(inflater: &mut Inflater, keeps_context: bool, deflated: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        inflater.inflate(keeps_context, deflated, |chunk| {
            out.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(out)
    }

    fn bits(bits: u8) -> WindowBits {
        WindowBits::new(bits).expect("8 to 15")
    }

    /// 7.2.3.1: the payload that the RFC shows.
    const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

    #[test]
    fn a_message_compressed_using_one_compressed_deflate_block() {
        assert_eq!(inflate(&mut Inflater::default(), false, HELLO).as_deref(), Ok(&b"Hello"[..]));
        // Ours is the same, but that it is not worth it.
        let mut state = Deflate::new(LEVEL, false, 15);
        let mut out = [0; 32];
        state.compress(b"Hello", &mut out, DeflateFlush::SyncFlush).expect("it fits");
        assert_eq!(out[..state.total_out() as usize].strip_suffix(&TAIL), Some(HELLO));
        assert_eq!(Deflaters::default().deflate(bits(15), b"Hello"), None);
    }

    #[test]
    fn sharing_an_lz77_sliding_window() {
        let mut inflater = Inflater::default();
        assert_eq!(inflate(&mut inflater, true, HELLO).as_deref(), Ok(&b"Hello"[..]));
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflate(&mut inflater, true, &again).as_deref(), Ok(&b"Hello"[..]));
        // Without a context there is nothing to point back to.
        assert_eq!(inflate(&mut inflater, false, &again), Err(Error::NotDeflate));
    }

    #[test]
    fn using_a_deflate_block_with_no_compression() {
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(inflate(&mut Inflater::default(), false, &stored).as_deref(), Ok(&b"Hello"[..]));
    }

    #[test]
    fn using_a_deflate_block_with_bfinal_set_to_1() {
        let mut inflater = Inflater::default();
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        for keeps_context in [false, true, true] {
            assert_eq!(inflate(&mut inflater, keeps_context, &last).as_deref(), Ok(&b"Hello"[..]));
            // Nor does the message after one that ends with that block suffer, though the 0x00 behind it is missing.
            assert_eq!(inflate(&mut inflater, keeps_context, &last[..7]).as_deref(), Ok(&b"Hello"[..]));
        }
        let twice = [&last[..7], HELLO].concat();
        assert_eq!(inflate(&mut inflater, false, &twice).as_deref(), Ok(&b"HelloHello"[..]));
    }

    #[test]
    fn two_deflate_blocks_in_one_message() {
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflate(&mut Inflater::default(), false, &two).as_deref(), Ok(&b"Hello"[..]));
    }

    #[test]
    fn an_empty_message() {
        assert_eq!(inflate(&mut Inflater::default(), false, &[0x00]).as_deref(), Ok(&b""[..]));
        assert_eq!(inflate(&mut Inflater::default(), false, &[]).as_deref(), Ok(&b""[..]));
        assert_eq!(Deflaters::default().deflate(bits(9), b""), None);
    }

    #[test]
    fn a_last_block_that_fills_a_chunk_to_its_end_is_the_last() {
        let mut state = Deflate::new(9, false, 15);
        let (payload, mut out) = (vec![7; CHUNK_BYTES], [0; 100]);
        state.compress(&payload, &mut out, DeflateFlush::Finish).expect("it fits");
        let mut inflater = Inflater::default();
        for _ in 0..2 {
            let heard = inflate(&mut inflater, true, &out[..state.total_out() as usize]);
            assert_eq!(heard.as_ref(), Ok(&payload));
        }
    }

    #[test]
    fn what_was_not_deflated_is_said_to_be_so() {
        // A block of a type that there is not; a stored block whose lengths disagree.
        for bytes in [&[0xff, 0xff][..], &[0x00, 0x05, 0x00, 0x05, 0x00]] {
            assert_eq!(inflate(&mut Inflater::default(), false, bytes), Err(Error::NotDeflate));
        }
    }

    #[test]
    fn a_message_that_ends_inside_a_block_is_truncated() {
        for keeps_context in [false, true] {
            for cut in 1..HELLO.len() {
                let heard = inflate(&mut Inflater::default(), keeps_context, &HELLO[..cut]);
                assert_eq!(heard, Err(Error::DeflateTruncated), "{cut}");
            }
        }
        // Blocks that the tail completes: as four bytes of data, as the end of a last block, and of its lengths.
        let completed =
            [&[0x00, 0x09, 0x00, 0xf6, 0xff, 1, 2, 3, 4, 5][..], &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07]];
        for bytes in completed {
            let mut inflater = Inflater::default();
            assert_eq!(inflate(&mut inflater, false, bytes), Err(Error::DeflateTruncated), "{bytes:x?}");
            assert_eq!(inflate(&mut inflater, false, HELLO).as_deref(), Ok(&b"Hello"[..]));
        }
    }

    #[test]
    fn a_tail_that_was_left_on_does_not_spoil_the_next_message() {
        let mut inflater = Inflater::default();
        for _ in 0..3 {
            let whole = [HELLO, &TAIL].concat();
            assert_eq!(inflate(&mut inflater, true, &whole).as_deref(), Ok(&b"Hello"[..]));
            assert_eq!(
                inflate(&mut inflater, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]).as_deref(),
                Ok(&b"Hello"[..])
            );
        }
        // The empty block may say that it is the last, with its tail or without.
        for end in [&[0x01][..], &[0x01, 0x00, 0x00, 0xff, 0xff]] {
            let last = [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff], end].concat();
            assert_eq!(inflate(&mut inflater, true, &last).as_deref(), Ok(&b"Hello"[..]));
            assert_eq!(inflate(&mut inflater, true, HELLO).as_deref(), Ok(&b"Hello"[..]));
        }
        // Data that ends like a tail, in a stored block that says it is the last.
        let stored = [0x01, 0x04, 0x00, 0xfb, 0xff, 0x00, 0x00, 0xff, 0xff];
        assert_eq!(inflate(&mut inflater, true, &stored).as_deref(), Ok(&TAIL[..]));
        assert_eq!(inflate(&mut inflater, true, HELLO).as_deref(), Ok(&b"Hello"[..]));
        // Nothing at all, between two messages of one context.
        assert_eq!(inflate(&mut inflater, true, &[]).as_deref(), Ok(&b""[..]));
        assert_eq!(
            inflate(&mut inflater, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]).as_deref(),
            Ok(&b"Hello"[..])
        );
    }

    #[test]
    fn a_bomb_is_inflated_no_further_than_somebody_takes_it() {
        let mut state = Deflate::new(1, false, 15);
        let (zeros, mut out) = (vec![0; 64 << 20], vec![0; 1 << 20]);
        state.compress(&zeros, &mut out, DeflateFlush::SyncFlush).expect("it fits");
        let len = state.total_out() as usize;
        let mut inflater = Inflater::default();
        let mut seen = 0;
        let result = inflater.inflate(false, &out[..len], |chunk| {
            seen += chunk.len();
            if seen > 64 * 1024 { Err(Error::MessageTooBig) } else { Ok(()) }
        });
        assert_eq!(result, Err(Error::MessageTooBig));
        assert!(seen <= 64 * 1024 + CHUNK_BYTES, "{len} bytes would have been 64 MiB: {seen} were made");
        assert_eq!(inflater.heap_bytes(), CONTEXT_BYTES);
    }

    /// Text that repeats itself, near and far.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let word =
            prop::sample::select(vec!["lobby", "message", "{\"a\":", "tea", "\u{1F375}", "0123456789"]);
        let noise = prop::collection::vec(any::<u8>(), 0..20);
        let part = prop_oneof![4 => word.prop_map(|word| word.as_bytes().to_vec()), 1 => noise];
        prop::collection::vec(part, 0..2000).prop_map(|parts| parts.concat())
    }

    /// Whether a message is a whole number of blocks: then a last one fits behind it, and nothing else has been said.
    fn ends_a_block(message: &[u8]) -> bool {
        const LAST: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];
        let mut said = vec![0; 1 << 20];
        let mut state = Inflate::new(false, 15);
        state.decompress(message, &mut said, InflateFlush::SyncFlush).expect("it was deflated");
        let said_before = state.total_out();
        let tail = if message.ends_with(&TAIL) { &[][..] } else { &TAIL };
        let end = [tail, &LAST].concat();
        let is_end = |status| matches!(status, Ok(Status::StreamEnd));
        is_end(state.decompress(&end, &mut said, InflateFlush::SyncFlush))
            && state.total_in() as usize == message.len() + end.len()
            && state.total_out() == said_before
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_deflated_for_a_window_is_read_with_it(payload in text(), window in 9..=15_u8) {
            let mut deflaters = Deflaters::default();
            for _ in 0..2 {
                let Some(deflated) = deflaters.deflate(bits(window), &payload) else { continue };
                prop_assert!(deflated.len() < payload.len());
                // The end that keeps no more than it said.
                let mut narrow = Inflate::new(false, window);
                let mut out = vec![0; payload.len() + 1];
                let bytes = [deflated, &TAIL].concat();
                let status = narrow.decompress(&bytes, &mut out, InflateFlush::SyncFlush);
                prop_assert!(status.is_ok());
                prop_assert_eq!(&out[..narrow.total_out() as usize], &payload[..]);
                prop_assert_eq!(inflate(&mut Inflater::default(), false, deflated), Ok(payload.clone()));
            }
        }

        #[test]
        fn every_cut_of_a_message_is_truncated_unless_a_block_ends_there(
            payload in text(),
            level in 0..=9_i32,
        ) {
            let mut state = Deflate::new(level, false, 15);
            let mut out = vec![0; payload.len() + 1000];
            prop_assert!(state.compress(&payload, &mut out, DeflateFlush::SyncFlush).is_ok());
            out.truncate(state.total_out() as usize);
            let len = out.len();
            for cut in (1..=len).filter(|cut| len < 300 || cut % 37 == 0 || len - cut < 10) {
                let expected = if ends_a_block(&out[..cut]) { Ok(()) } else { Err(Error::DeflateTruncated) };
                let heard = inflate(&mut Inflater::default(), false, &out[..cut]).map(|_| ());
                prop_assert_eq!(heard, expected, "{} of {}", cut, len);
            }
        }

        #[test]
        fn no_distance_is_beyond_the_window(len in 1000..6000_usize, window in 9..=12_u8) {
            // The same beginning again, farther back than the window: of no use.
            let mut payload: Vec<u8> = (0..len).map(|at| (at * at / 7 % 251) as u8).collect();
            payload.extend_from_within(..);
            let mut deflaters = Deflaters::default();
            if let Some(deflated) = deflaters.deflate(bits(window), &payload) {
                let deflated = deflated.to_vec();
                // An inflater that is fed byte by byte has nothing but its window to point back into.
                let mut narrow = Inflate::new(false, window);
                let (mut out, mut heard) = ([0; 300], Vec::new());
                for byte in deflated.iter().chain(&TAIL) {
                    loop {
                        let before = narrow.total_out();
                        let status = narrow.decompress(&[*byte], &mut out, InflateFlush::SyncFlush);
                        prop_assert!(status.is_ok());
                        let made = (narrow.total_out() - before) as usize;
                        heard.extend_from_slice(&out[..made]);
                        if made < out.len() {
                            break;
                        }
                    }
                }
                prop_assert_eq!(heard, payload);
            }
        }
    }
}
