//! Masking: the payload XOR a key of four bytes, repeated. RFC 6455, section 5.3.
//!
//! ```text
//!   payload  48 65 6c 6c 6f     "Hello"
//!   key      37 fa 21 3d 37 ..
//!            --------------
//!   masked   7f 9f 4d 51 58     byte i is XORed with key[i % 4]; doing it twice undoes it
//! ```
//!
//! The key is no secret: it travels right before what it masks. It is there so that a script in a browser
//! cannot choose the bytes on the wire, and so cannot make a proxy take a payload for an HTTP request (10.3).
//!
//! [`apply_plain`] is the rule as the RFC writes it. [`apply`] says the same of four bytes at a time, in a
//! form that the compiler turns into vector instructions: no `unsafe`, no alignment to mind, no width chosen
//! by hand.

/// XORs `payload` with `key`, in place: masks what is plain, unmasks what is masked.
///
/// The payload begins in phase with the key; a later part of a payload needs the key [rotated](rotate).
pub fn apply(payload: &mut [u8], key: [u8; 4]) {
    let (words, tail) = payload.as_chunks_mut::<4>();
    let word_key = u32::from_ne_bytes(key);
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// The same, byte by byte: what [`apply`] means, and what it is tested and measured against.
pub fn apply_plain(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// The key in the phase that it has after `len` bytes of payload.
///
/// A frame may be cut anywhere by a read. Only `len % 4` matters.
pub fn rotate(mut key: [u8; 4], len: usize) -> [u8; 4] {
    key.rotate_left(len % 4);
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn example_of_the_rfc() {
        let mut payload = *b"Hello";
        apply(&mut payload, KEY);
        assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        apply(&mut payload, KEY);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn fast_is_plain_at_every_length_and_alignment() {
        let bytes: Vec<u8> = (0..=255).cycle().take(400).collect();
        for start in 0..32 {
            for end in start..bytes.len() {
                let (mut fast, mut plain) = (bytes.clone(), bytes.clone());
                apply(&mut fast[start..end], KEY);
                apply_plain(&mut plain[start..end], KEY);
                assert_eq!(fast, plain, "{start}..{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_rotated_key_keeps_the_phase(
            payload in prop::collection::vec(any::<u8>(), 0..300),
            key: [u8; 4],
            cuts in prop::collection::vec(0..300_usize, 0..6),
        ) {
            let (mut whole, mut pieces) = (payload.clone(), payload);
            apply(&mut whole, key);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(pieces.len())).collect();
            cuts.sort();
            cuts.push(pieces.len());
            let (mut start, mut phase) = (0, key);
            for end in cuts {
                apply(&mut pieces[start..end], phase);
                phase = rotate(phase, end - start);
                start = end;
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
