//! The ground floor: bytes become events here. No sockets, clocks, threads, randomness or logs.
//!
//! ```text
//!   read buffer of the loop                       what the floors above are told
//!   +--------+---------------------------+
//!   | taken  |        remaining          |  -->   ws::Event    Text, Binary, Ping, Pong, Close
//!   +--------+---------------------------+        line::Event  Line, TooLong, NotUtf8
//!            ^ Input                              http::Head   method, target, header fields
//! ```
//!
//! On the line port two more stand before the lines: `telnet` takes its commands out, and `sniff` knows by the first bytes
//! whom the port is not for.
//!
//! The three protocols share one manner. The caller owns the buffer and shows it as an [`Input`]; the decoder
//! takes bytes off its front and says what they mean, borrowed from that buffer wherever a message lies in it
//! whole. Only what a read has cut in two is copied, and only until its other half arrives. Whatever a peer
//! sends leads to a value: an event, an error with its RFC section, or "not yet".

pub mod http;
pub mod line;
pub mod sniff;
pub mod telnet;
pub mod tls;
pub mod ws;

use std::mem;

/// The unconsumed bytes of a read buffer.
///
/// It is mutable because a WebSocket server unmasks payloads where they lie. What is taken off lives as long
/// as the buffer itself, not merely as long as the borrow of the `Input`: an event can be held while the next
/// bytes are looked at.
#[derive(Debug)]
pub struct Input<'b> {
    bytes: &'b mut [u8],
}

impl<'b> Input<'b> {
    /// All of `bytes`, nothing taken yet.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes }
    }

    /// Whether everything has been taken.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes have not been taken.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that have not been taken, to look at.
    pub fn remaining(&self) -> &[u8] {
        self.bytes
    }

    /// Takes the next `len` bytes, or all that there are if they are fewer.
    pub fn take(&mut self, len: usize) -> &'b mut [u8] {
        let bytes = mem::take(&mut self.bytes);
        let (taken, rest) = bytes.split_at_mut(len.min(bytes.len()));
        self.bytes = rest;
        taken
    }

    /// Takes the next byte.
    pub fn take_byte(&mut self) -> Option<u8> {
        self.take(1).first().copied()
    }

    /// Takes everything.
    pub fn take_all(&mut self) -> &'b mut [u8] {
        mem::take(&mut self.bytes)
    }
}

/// What to reserve on top of `len`, so that `additional` bytes fit into what will never hold more than
/// `len_max`.
///
/// Memory follows what has arrived, never what was announced. It doubles, as a `Vec` does, so that a million
/// tiny parts are not a million copies, but it stops at the most that it can come to.
fn growth(len: usize, capacity: usize, additional: usize, len_max: usize) -> usize {
    let needed = len + additional;
    if needed <= capacity { additional } else { needed.max(capacity.saturating_mul(2).min(len_max)) - len }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_from_the_front_and_never_more_than_there_is() {
        let mut buffer = *b"abcdef";
        let mut input = Input::new(&mut buffer);
        let first = input.take(2);
        assert_eq!(input.remaining(), b"cdef");
        assert_eq!(input.take_byte(), Some(b'c'));
        assert_eq!(input.take(100), b"def");
        assert!(input.is_empty());
        assert_eq!(input.take_byte(), None);
        assert_eq!(input.take_all(), b"");
        assert_eq!(first, b"ab", "a piece outlives the borrow that took it");
    }
}
