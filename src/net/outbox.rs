//! What one connection has yet to be sent: frames of its own, and marks that say where they stand in a shared log.
//!
//! A room's messages do not pass through here: each member reads them from the room's log, at a cursor of its own. The
//! outbox holds what is one connection's alone. To keep the two in order, it is a queue of
//!
//! ```text
//!     Own(len)             the next `len` bytes are a frame: send it
//!     Through(log, entry)  first send what the log holds before `entry`
//!     Skip(log, entry)     go on behind `entry` without sending what lies between: it is one's own
//! ```
//!
//! So a publisher's stream is `Through(42) Skip(43) Own(ok)`: everybody else's messages before 42, the acknowledgement in
//! the place of its own, and whatever follows. An empty outbox means that the connection follows its logs.
//!
//! Ahead of the queue stands the *urgent* lane, whose frames go out at the next frame boundary: pongs, and the rest of
//! a log's frame that the peer has begun to receive. That rest is copied here when a write ends in the middle of it,
//! which keeps every cursor at a frame boundary for good: the log may then forget that frame whenever it likes.

use std::collections::VecDeque;

/// A place in a log: its entries are numbered from 0 and never again.
pub type Entry = u64;

/// One step of the queue. Logs are named by their slot in a table that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A frame of this many bytes.
    Own(usize),
    /// What the log holds before the entry.
    Through(u32, Entry),
    /// Nothing, up to the entry.
    Skip(u32, Entry),
}

/// Which frame the peer has a part of, and how many bytes of it are missing. There is never more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Nothing,
    /// The first of the urgent lane.
    Urgent(usize),
    /// One that has left `items`, but whose rest is still at the front of `own`.
    Own(usize),
}

/// A connection's private write buffer.
#[derive(Debug)]
pub struct Outbox {
    items: VecDeque<Item>,
    /// The bytes of the `Own` items, end to end.
    own: VecDeque<u8>,
    urgent: VecDeque<u8>,
    begun: Begun,
}

impl Default for Outbox {
    fn default() -> Self {
        Outbox {
            items: VecDeque::new(),
            own: VecDeque::new(),
            urgent: VecDeque::new(),
            begun: Begun::Nothing,
        }
    }
}

impl Outbox {
    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.own.is_empty() && self.urgent.is_empty()
    }

    /// How many bytes it keeps for the peer. A mark counts as well: it is memory that a peer can make us hold.
    pub fn queued_bytes(&self) -> usize {
        self.own.len() + self.urgent.len() + self.items.len() * size_of::<Item>()
    }

    /// Whether its buffers have grown so large that they should not be kept for the next connection.
    pub fn is_large(&self, bytes_max: usize) -> bool {
        self.own.capacity() + self.urgent.capacity() + self.items.capacity() * size_of::<Item>() > bytes_max
    }

    /// Queues one frame, given in two parts.
    pub fn push_frame(&mut self, header: &[u8], payload: &[u8]) {
        let len = header.len() + payload.len();
        self.own.reserve(len);
        self.own.extend(header);
        self.own.extend(payload);
        self.items.push_back(Item::Own(len));
    }

    /// Makes one frame of all that is queued, so that nothing urgent overtakes any of it. For a connection that changes
    /// its protocol: its last response is not to be interrupted by a frame.
    pub fn seal(&mut self) {
        debug_assert!(self.urgent.is_empty() && self.items.iter().all(|item| matches!(item, Item::Own(_))));
        self.items.clear();
        self.begun = if self.own.is_empty() { Begun::Nothing } else { Begun::Own(self.own.len()) };
    }

    /// Queues a mark.
    pub fn push_mark(&mut self, mark: Item) {
        debug_assert!(!matches!(mark, Item::Own(_)), "a frame comes with its bytes");
        self.items.push_back(mark);
    }

    /// Queues a frame for the next frame boundary.
    pub fn push_urgent(&mut self, frame: &[u8]) {
        self.urgent.extend(frame);
    }

    /// Drops the urgent frames that have not begun. Returns whether there were any.
    pub fn drop_urgent(&mut self) -> bool {
        let len = self.urgent.len();
        self.urgent.truncate(if let Begun::Urgent(rest) = self.begun { rest } else { 0 });
        self.urgent.len() < len
    }

    /// Drops everything that has not begun: what remains ends at a frame boundary.
    pub fn drop_unbegun(&mut self) {
        self.drop_urgent();
        self.items.clear();
        self.own.truncate(self.begun_own());
    }

    /// The rest of a log's frame whose beginning the peer has been sent: nothing, if that was all of it.
    pub fn begin_with(&mut self, rest: impl Iterator<Item = u8>) {
        debug_assert!(
            self.urgent.is_empty() && self.begun == Begun::Nothing,
            "a frame begins where another has ended"
        );
        self.urgent.extend(rest);
        if !self.urgent.is_empty() {
            self.begun = Begun::Urgent(self.urgent.len());
        }
    }

    /// The bytes that go before the queue's items, in order: the rest of a frame that has begun, then the urgent ones.
    pub fn head_slices(&self) -> [&[u8]; 4] {
        let [begun_first, begun_second] = range(&self.own, 0, self.begun_own());
        let (first, second) = self.urgent.as_slices();
        [begun_first, begun_second, first, second]
    }

    /// How many bytes at the front of `own` belong to a frame that has begun.
    fn begun_own(&self) -> usize {
        if let Begun::Own(rest) = self.begun { rest } else { 0 }
    }

    /// Takes away `written` of the bytes in [`Outbox::head_slices`]. Returns how many of `written` lie behind them.
    pub fn settle_head(&mut self, mut written: usize) -> usize {
        if let Begun::Own(rest) = self.begun {
            let taken = rest.min(written);
            self.own.drain(..taken);
            self.begun = if taken < rest { Begun::Own(rest - taken) } else { Begun::Nothing };
            written -= taken;
            if taken < rest {
                return 0;
            }
        }
        while written > 0 && !self.urgent.is_empty() {
            let len = match self.begun {
                Begun::Urgent(rest) => rest,
                Begun::Nothing | Begun::Own(_) => control_frame_len(&self.urgent),
            };
            let taken = len.min(written);
            self.urgent.drain(..taken);
            self.begun = if taken < len { Begun::Urgent(len - taken) } else { Begun::Nothing };
            written -= taken;
        }
        written
    }

    /// The queue's items in order.
    pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.items.iter().copied()
    }

    /// The first item.
    pub fn front(&self) -> Option<Item> {
        self.items.front().copied()
    }

    /// Bytes of the `Own` items: `len` of them behind the first `offset`, in at most two slices.
    pub fn own_slices(&self, offset: usize, len: usize) -> [&[u8]; 2] {
        range(&self.own, self.begun_own() + offset, len)
    }

    /// Takes away the first item, of whose bytes, if it is an `Own`, the peer has been sent `written`.
    pub fn settle_front(&mut self, written: usize) {
        if let Some(Item::Own(len)) = self.items.pop_front() {
            debug_assert!(self.begun == Begun::Nothing, "a frame begins where another has ended");
            self.own.drain(..written);
            if written < len {
                self.begun = Begun::Own(len - written);
            }
        }
    }

    /// Replaces the marks of `log`: `Through` by the frames it stands for, which `resolve` appends to the outbox it is
    /// given, `Skip` by nothing. The connection can leave the log then, and loses nothing.
    pub fn resolve_marks(&mut self, log: u32, mut resolve: impl FnMut(&mut Outbox, Item)) {
        if !self.items.iter().any(|item| matches!(item, Item::Through(l, _) | Item::Skip(l, _) if *l == log))
        {
            return;
        }
        let begun = self.begun_own();
        let items = std::mem::take(&mut self.items);
        let mut own = std::mem::take(&mut self.own);
        self.own.extend(own.drain(..begun));
        for item in items {
            match item {
                Item::Own(len) => {
                    self.own.extend(own.drain(..len));
                    self.items.push_back(item);
                }
                Item::Through(l, _) | Item::Skip(l, _) if l == log => resolve(self, item),
                Item::Through(..) | Item::Skip(..) => self.items.push_back(item),
            }
        }
    }

    /// Panics where the outbox contradicts itself. For tests.
    pub fn validate(&self) {
        let items: usize =
            self.items.iter().map(|item| if let Item::Own(len) = item { *len } else { 0 }).sum();
        assert_eq!(items + self.begun_own(), self.own.len(), "the frames and their bytes");
        if let Begun::Urgent(rest) = self.begun {
            assert!(rest > 0 && rest <= self.urgent.len(), "the urgent frame that has begun");
        }
    }
}

/// The length of the control frame that `bytes` begin with, as a server sends it: two bytes of header, no mask, and a
/// payload of at most 125 (RFC 6455, 5.5).
fn control_frame_len(bytes: &VecDeque<u8>) -> usize {
    bytes.get(1).map_or(bytes.len(), |&len| 2 + usize::from(len))
}

/// `len` bytes of a ring behind the first `offset`, in at most two slices.
pub fn range(ring: &VecDeque<u8>, offset: usize, len: usize) -> [&[u8]; 2] {
    let (first, second) = ring.as_slices();
    let end = offset + len;
    let in_first = |index: usize| index.min(first.len());
    let in_second = |index: usize| index.saturating_sub(first.len());
    [&first[in_first(offset)..in_first(end)], &second[in_second(offset)..in_second(end)]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pong(payload: &[u8]) -> Vec<u8> {
        [&[0x8A, payload.len() as u8], payload].concat()
    }

    /// Takes up to `room` bytes out, as a connection that follows no log would.
    fn write(outbox: &mut Outbox, room: usize) -> Vec<u8> {
        let head: Vec<u8> = outbox.head_slices().concat();
        let mut sent = head[..head.len().min(room)].to_vec();
        assert_eq!(outbox.settle_head(sent.len()), 0);
        while let Some(Item::Own(len)) = outbox.front()
            && sent.len() < room
        {
            let taken = len.min(room - sent.len());
            sent.extend(outbox.own_slices(0, taken).concat());
            outbox.settle_front(taken);
        }
        outbox.validate();
        sent
    }

    #[test]
    fn an_urgent_frame_waits_for_the_next_frame_boundary() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"he", b"llo");
        outbox.push_frame(b"", b"world");
        assert_eq!(write(&mut outbox, 2), b"he");
        outbox.push_urgent(&pong(b"!"));
        assert_eq!(write(&mut outbox, 100), b"llo\x8A\x01!world");
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_has_begun_survives_when_the_rest_is_dropped() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"hello");
        outbox.push_frame(b"", b"world");
        assert_eq!(write(&mut outbox, 2), b"he");
        outbox.push_urgent(&pong(b"!"));
        outbox.drop_unbegun();
        assert_eq!(write(&mut outbox, 100), b"llo");

        outbox.push_urgent(&pong(b"1"));
        outbox.push_urgent(&pong(b"2"));
        assert_eq!(write(&mut outbox, 1), b"\x8A");
        outbox.drop_urgent();
        assert_eq!(write(&mut outbox, 100), b"\x011");
    }

    #[test]
    fn nothing_overtakes_what_is_sealed() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"a response, ");
        outbox.push_frame(b"", b"an upgrade, ");
        outbox.seal();
        outbox.push_frame(b"", b"a frame");
        outbox.push_urgent(&pong(b"!"));
        assert_eq!(write(&mut outbox, 100), b"a response, an upgrade, \x8A\x01!a frame");
    }

    #[test]
    fn marks_of_one_log_are_resolved_in_place() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"first ");
        outbox.push_mark(Item::Through(7, 3));
        outbox.push_frame(b"", b"ok ");
        outbox.push_mark(Item::Skip(7, 4));
        outbox.push_mark(Item::Through(8, 1));
        write(&mut outbox, 2);
        outbox.resolve_marks(7, |outbox, mark| {
            if let Item::Through(_, 3) = mark {
                outbox.push_frame(b"", b"before ");
            }
        });
        outbox.validate();
        assert_eq!(write(&mut outbox, 100), b"rst before ok ");
        assert_eq!(outbox.front(), Some(Item::Through(8, 1)));
    }

    proptest! {
        #[test]
        fn frames_come_out_whole_whatever_the_cuts(
            lens in prop::collection::vec(0..40usize, 0..20),
            rooms in prop::collection::vec(1..25usize, 1..60),
        ) {
            let mut outbox = Outbox::default();
            let mut pushed = Vec::new();
            for (index, len) in lens.into_iter().enumerate() {
                let frame = vec![index as u8; len];
                outbox.push_frame(&frame[..len / 2], &frame[len / 2..]);
                pushed.extend(frame);
            }
            let mut sent = Vec::new();
            for room in rooms {
                sent.extend(write(&mut outbox, room));
            }
            sent.extend(write(&mut outbox, usize::MAX));
            prop_assert_eq!(sent, pushed);
        }
    }
}
