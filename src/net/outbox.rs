//! What one connection has yet to be sent: frames of its own, and marks that say where they stand in a shared log.
//!
//! A room's messages do not pass through here: each member reads them from the room's log, at a cursor of its own. The
//! outbox holds what is one connection's alone. To keep the two in order, it is a queue of
//!
//! ```text
//!     Own(len)               the next `len` bytes are a frame: send it
//!     Through(log, entry)    first send what the log holds before `entry`
//!     Skip(log, entry)       go on at `entry` without sending what lies before: it is one's own
//!     Ask(question)          entries that no log holds: whoever knows them is asked, a slice at a time
//! ```
//!
//! So a publisher's stream is `Through(42) Skip(43) Own(ok)`: everybody else's messages before 42, the acknowledgement in
//! the place of its own, and whatever follows. An empty outbox means that the connection follows its logs.
//!
//! Ahead of the queue stand two lanes. The *urgent* lane goes out at the next frame boundary: pongs, and the rest of a
//! log's frame that the peer has begun to receive. That rest is copied here when a write ends in the middle of it, which
//! keeps every cursor at a frame boundary for good: the log may then forget that frame whenever it likes. The *replayed*
//! lane holds the answer to the `Ask` at the front of the queue.

use std::collections::VecDeque;
use std::ops::Range;

/// A place in a topic: its entries are numbered, and no number is used twice.
pub type Entry = u64;

/// One step of the queue. Logs are named by their slot in a table that is not ours, topics by a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A frame of this many bytes.
    Own(usize),
    /// What the log holds before the entry.
    Through(u32, Entry),
    /// Nothing, up to the entry.
    Skip(u32, Entry),
    /// Entries that no log holds.
    Ask(Question),
}

/// Entries of a topic that whoever remembers them is to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The topic, by its number.
    pub topic: u64,
    /// What is missing of it.
    pub missing: Range<Entry>,
    /// Whether the log forgot them before they were sent; otherwise they were wanted from the start.
    pub has_lagged: bool,
}

impl Item {
    /// How many of the outbox's own bytes it stands for.
    fn own_len(&self) -> usize {
        if let Item::Own(len) = self { *len } else { 0 }
    }
}

/// Frames in order.
#[derive(Debug, Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// The length of each, but of one that has begun.
    lens: VecDeque<u32>,
}

/// Where the frame lies of which the peer has a part, and how many bytes of it are missing. There is never more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Nothing,
    Urgent(usize),
    Replayed(usize),
    Own(usize),
}

/// A connection's private write buffer.
#[derive(Debug)]
pub struct Outbox {
    urgent: Lane,
    replayed: Lane,
    items: VecDeque<Item>,
    /// The bytes of the `Own` items, end to end, behind those of one that has begun and is no item any more.
    own: VecDeque<u8>,
    begun: Begun,
}

impl Lane {
    fn push(&mut self, header: &[u8], payload: &[u8]) {
        let len = header.len() + payload.len();
        self.bytes.reserve(len);
        self.bytes.extend(header);
        self.bytes.extend(payload);
        self.lens.push_back(u32::try_from(len).expect("a frame is shorter than that"));
    }

    /// Takes `written` bytes off the front, of which the first `begun` belong to a frame that has begun. Returns how many
    /// of `written` lie behind this lane, and how many bytes are missing of the frame that has begun now.
    fn settle(&mut self, mut begun: usize, mut written: usize) -> (usize, usize) {
        loop {
            let taken = begun.min(written);
            self.bytes.drain(..taken);
            begun -= taken;
            written -= taken;
            if begun > 0 || written == 0 {
                return (written, begun);
            }
            match self.lens.pop_front() {
                Some(len) => begun = len as usize,
                None => return (written, 0),
            }
        }
    }

    /// Drops the frames behind one that has begun. Returns whether there were any.
    fn drop_unbegun(&mut self, begun: usize) -> bool {
        self.bytes.truncate(begun);
        let had_any = !self.lens.is_empty();
        self.lens.clear();
        had_any
    }

    fn capacity(&self) -> usize {
        self.bytes.capacity() + self.lens.capacity() * size_of::<u32>()
    }

    fn validate(&self, begun: usize) {
        let lens: usize = self.lens.iter().map(|&len| len as usize).sum();
        assert_eq!(lens + begun, self.bytes.len(), "the frames and their bytes");
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Outbox {
            urgent: Lane::default(),
            replayed: Lane::default(),
            items: VecDeque::new(),
            own: VecDeque::new(),
            begun: Begun::Nothing,
        }
    }
}

impl Outbox {
    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.has_no_head() && self.own.is_empty()
    }

    /// Whether nothing goes before the items: the first of them is what the peer is to have next.
    pub fn has_no_head(&self) -> bool {
        self.begun == Begun::Nothing && self.urgent.bytes.is_empty() && self.replayed.bytes.is_empty()
    }

    /// How many bytes it keeps for the peer. A mark counts as well: it is memory that a peer can make us hold.
    pub fn queued_bytes(&self) -> usize {
        let frames = self.own.len() + self.urgent.bytes.len() + self.replayed.bytes.len();
        frames + self.items.len() * size_of::<Item>()
    }

    /// How much memory its buffers have come to, full or not.
    pub fn capacity_bytes(&self) -> usize {
        let lanes = self.urgent.capacity() + self.replayed.capacity();
        self.own.capacity() + lanes + self.items.capacity() * size_of::<Item>()
    }

    /// Queues one frame, given in two parts.
    pub fn push_frame(&mut self, header: &[u8], payload: &[u8]) {
        let len = header.len() + payload.len();
        self.own.reserve(len);
        self.own.extend(header);
        self.own.extend(payload);
        self.items.push_back(Item::Own(len));
    }

    /// Queues a mark.
    pub fn push_mark(&mut self, mark: Item) {
        debug_assert!(!matches!(mark, Item::Own(_)), "a frame comes with its bytes");
        self.items.push_back(mark);
    }

    /// Puts a mark before all others.
    pub fn push_front_mark(&mut self, mark: Item) {
        debug_assert!(!matches!(mark, Item::Own(_)), "a frame comes with its bytes");
        self.items.push_front(mark);
    }

    /// Makes one frame of all that is queued, so that nothing urgent overtakes any of it. For a connection that changes
    /// its protocol: its last response is not to be interrupted by a frame.
    pub fn seal(&mut self) {
        debug_assert!(
            self.items.iter().all(|item| matches!(item, Item::Own(_))),
            "no marks before the upgrade"
        );
        debug_assert!(self.urgent.bytes.is_empty() && self.replayed.bytes.is_empty(), "nor control frames");
        self.items.clear();
        self.begun = if self.own.is_empty() { Begun::Nothing } else { Begun::Own(self.own.len()) };
    }

    /// Queues a frame for the next frame boundary.
    pub fn push_urgent(&mut self, header: &[u8], payload: &[u8]) {
        self.urgent.push(header, payload);
    }

    /// Queues a frame as part of the answer to the first item, which is an `Ask`.
    pub fn push_replayed(&mut self, header: &[u8], payload: &[u8]) {
        debug_assert!(matches!(self.front(), Some(Item::Ask(..))), "there is no answer without a question");
        self.replayed.push(header, payload);
    }

    /// Drops the urgent frames that have not begun. Returns whether there were any.
    pub fn drop_urgent(&mut self) -> bool {
        self.urgent.drop_unbegun(if let Begun::Urgent(rest) = self.begun { rest } else { 0 })
    }

    /// Drops everything that has not begun: what remains ends at a frame boundary.
    pub fn drop_unbegun(&mut self) {
        self.drop_urgent();
        self.replayed.drop_unbegun(if let Begun::Replayed(rest) = self.begun { rest } else { 0 });
        self.items.clear();
        self.own.truncate(self.begun_own());
    }

    /// Drops the first item of that kind and everything behind it. Returns whether there was one.
    pub fn cut_at(&mut self, is_wanted: impl FnMut(&Item) -> bool) -> bool {
        let Some(at) = self.items.iter().position(is_wanted) else { return false };
        self.items.truncate(at);
        let kept: usize =
            self.items.iter().map(|item| if let Item::Own(len) = item { *len } else { 0 }).sum();
        self.own.truncate(self.begun_own() + kept);
        true
    }

    /// The rest of a log's frame whose beginning the peer has been sent: nothing, if that was all of it.
    pub fn begin_with(&mut self, rest: impl Iterator<Item = u8>) {
        debug_assert!(self.has_no_head(), "a frame begins where another has ended");
        self.urgent.bytes.extend(rest);
        if !self.urgent.bytes.is_empty() {
            self.begun = Begun::Urgent(self.urgent.bytes.len());
        }
    }

    /// The bytes that go before the queue's items, in order: the rest of a frame that has begun, the urgent ones, the
    /// replayed ones.
    pub fn head_slices(&self) -> [&[u8]; 6] {
        let begun_replayed = if let Begun::Replayed(rest) = self.begun { rest } else { 0 };
        let [begun_first, begun_second] = match begun_replayed {
            0 => range(&self.own, 0, self.begun_own()),
            rest => range(&self.replayed.bytes, 0, rest),
        };
        let (urgent_first, urgent_second) = self.urgent.bytes.as_slices();
        let replayed_len = self.replayed.bytes.len() - begun_replayed;
        let [replayed_first, replayed_second] = range(&self.replayed.bytes, begun_replayed, replayed_len);
        [begun_first, begun_second, urgent_first, urgent_second, replayed_first, replayed_second]
    }

    /// How many bytes at the front of `own` belong to a frame that has begun.
    fn begun_own(&self) -> usize {
        if let Begun::Own(rest) = self.begun { rest } else { 0 }
    }

    /// Takes away `written` of the bytes in [`Outbox::head_slices`]. Returns how many of `written` lie behind them.
    pub fn settle_head(&mut self, mut written: usize) -> usize {
        let mut begun_urgent = 0;
        match self.begun {
            Begun::Nothing => {}
            Begun::Urgent(rest) => begun_urgent = rest,
            Begun::Own(rest) | Begun::Replayed(rest) => {
                let taken = rest.min(written);
                match self.begun {
                    Begun::Own(_) => drop(self.own.drain(..taken)),
                    _ => drop(self.replayed.bytes.drain(..taken)),
                }
                if taken < rest {
                    match &mut self.begun {
                        Begun::Own(rest) | Begun::Replayed(rest) => *rest -= taken,
                        Begun::Nothing | Begun::Urgent(_) => {}
                    }
                    return 0;
                }
                written -= taken;
            }
        }
        self.begun = Begun::Nothing;
        let (written, rest) = self.urgent.settle(begun_urgent, written);
        if rest > 0 {
            self.begun = Begun::Urgent(rest);
            return 0;
        }
        let (written, rest) = self.replayed.settle(0, written);
        if rest > 0 {
            self.begun = Begun::Replayed(rest);
        }
        written
    }

    /// The queue's items in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> + '_ {
        self.items.iter()
    }

    /// The first item.
    pub fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    /// The first item, to change it.
    pub fn front_mut(&mut self) -> Option<&mut Item> {
        self.items.front_mut()
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

    /// Replaces the marks of `log` by what `resolve` queues in their place in the outbox that it is given. The connection
    /// can leave the log then, and loses nothing.
    pub fn resolve_marks(&mut self, log: u32, mut resolve: impl FnMut(&mut Outbox, Item)) {
        let is_of_log = |item: &Item| matches!(item, Item::Through(l, _) | Item::Skip(l, _) if *l == log);
        let Some(at) = self.items.iter().position(is_of_log) else { return };
        // What stands before the first mark stays where it is.
        let kept: usize = self.items.range(..at).map(Item::own_len).sum();
        let items = self.items.split_off(at);
        let mut own = self.own.split_off(self.begun_own() + kept);
        for item in items {
            match item {
                Item::Own(len) => {
                    self.own.extend(own.drain(..len));
                    self.items.push_back(item);
                }
                item if is_of_log(&item) => resolve(self, item),
                item => self.items.push_back(item),
            }
        }
    }

    /// Panics where the outbox contradicts itself. For tests.
    pub fn validate(&self) {
        let items: usize =
            self.items.iter().map(|item| if let Item::Own(len) = item { *len } else { 0 }).sum();
        assert_eq!(items + self.begun_own(), self.own.len(), "the frames and their bytes");
        self.urgent.validate(if let Begun::Urgent(rest) = self.begun { rest } else { 0 });
        self.replayed.validate(if let Begun::Replayed(rest) = self.begun { rest } else { 0 });
        let (Begun::Urgent(rest) | Begun::Replayed(rest) | Begun::Own(rest)) = self.begun else { return };
        assert!(rest > 0, "a frame that has begun has not ended");
    }
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

    /// Takes up to `room` bytes out, as a connection that follows no log would.
    fn write(outbox: &mut Outbox, room: usize) -> Vec<u8> {
        let head: Vec<u8> = outbox.head_slices().concat();
        let mut sent = head[..head.len().min(room)].to_vec();
        assert_eq!(outbox.settle_head(sent.len()), 0);
        while let Some(&Item::Own(len)) = outbox.front()
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
        outbox.push_urgent(b"\x8A\x01", b"!");
        assert_eq!(write(&mut outbox, 100), b"llo\x8A\x01!world");
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_has_begun_survives_when_the_rest_is_dropped() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"hello");
        outbox.push_frame(b"", b"world");
        assert_eq!(write(&mut outbox, 2), b"he");
        outbox.push_urgent(b"\x8A\x01", b"!");
        outbox.drop_unbegun();
        assert_eq!(write(&mut outbox, 100), b"llo");

        outbox.push_urgent(b"\x8A\x01", b"1");
        outbox.push_urgent(b"\x8A\x01", b"2");
        assert_eq!(write(&mut outbox, 1), b"\x8A");
        outbox.drop_urgent();
        assert_eq!(write(&mut outbox, 100), b"\x011");
    }

    #[test]
    fn an_answer_stands_before_what_was_queued_behind_the_question() {
        let mut outbox = Outbox::default();
        outbox.push_mark(Item::Ask(Question { topic: 1, missing: 5..9, has_lagged: true }));
        outbox.push_frame(b"", b" behind");
        assert_eq!(write(&mut outbox, 100), b"", "the question holds up what stands behind it");
        outbox.push_replayed(b"5", b"6");
        outbox.push_replayed(b"7", b"8");
        assert_eq!(write(&mut outbox, 1), b"5");
        outbox.push_urgent(b"\x8A\x01", b"!");
        assert_eq!(write(&mut outbox, 4), b"6\x8A\x01!");
        assert!(!outbox.has_no_head());
        assert_eq!(write(&mut outbox, 100), b"78");
        assert!(outbox.has_no_head());
        outbox.settle_front(0);
        assert_eq!(write(&mut outbox, 100), b" behind");
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_is_cut_off_ends_at_a_frame_boundary() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"first");
        outbox.push_frame(b"", b"second");
        outbox.push_mark(Item::Ask(Question { topic: 1, missing: 5..9, has_lagged: true }));
        outbox.push_frame(b"", b"third");
        assert_eq!(write(&mut outbox, 2), b"fi");
        assert!(outbox.cut_at(|item| matches!(item, Item::Ask(..))));
        outbox.validate();
        outbox.push_frame(b"", b"!");
        assert_eq!(write(&mut outbox, 100), b"rstsecond!");
        assert!(outbox.is_empty());
    }

    #[test]
    fn nothing_overtakes_what_is_sealed() {
        let mut outbox = Outbox::default();
        outbox.push_frame(b"", b"a response, ");
        outbox.push_frame(b"", b"an upgrade, ");
        outbox.seal();
        outbox.push_frame(b"", b"a frame");
        outbox.push_urgent(b"\x8A\x01", b"!");
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
        assert_eq!(outbox.front(), Some(&Item::Through(8, 1)));
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
