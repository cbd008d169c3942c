//! The log of a topic, and the cursors with which its members read it: how a message reaches ten thousand sockets.
//!
//! The plain way is a queue for each member: a message to a room of 1,000 is pushed, counted, allocated and freed a
//! thousand times, and one slow member's queue holds its own copy of everything. Here a topic is a log of finished
//! frames, one for each encoding in use, and a member is a cursor into it:
//!
//! ```text
//!      first                                                       head
//!        ▼                                                           ▼
//!     ┌──────┬─────────┬──────┬──────┬───────────────┬──────┬──────┐      members:  ann  cursor ─▶ head (up to date)
//!     │  81  │   82    │  83  │  84  │      85       │  86  │  87  │                bob  cursor ─▶ 84
//!     └──────┴─────────┴──────┴──────┴───────────────┴──────┴──────┘                eve  cursor ─▶ 79 (lagging)
//! ```
//!
//! Publishing appends once. The flush goes round the members and writes each from its cursor to the head in one system
//! call: whatever has come in the meantime rides along, and nothing was pushed, counted, copied or allocated for it.
//! The more there is to do, the more messages share a write.
//!
//! A log holds at most so many bytes when the flush has been round; then its oldest entries go, whether or not everybody
//! has had them. A member whose
//! cursor stands before `first` is *lagging*: it costs nobody anything but its cursor, and when its turn comes the
//! service is asked for what the log has forgotten. When no other member is behind the head, the log is emptied and its
//! memory freed.
//!
//! Cursors are entry numbers, not byte offsets: so none can ever stand in the middle of a frame. The numbers are the
//! topic's, the same in each of its logs. A topic that everybody has left and somebody enters again goes on above all
//! numbers that were ever given out, so that a number names one entry for good, and a later one is a larger one.

use crate::net::outbox::{Entry, Item, Question, range};
use crate::proto::ws::deflate::WindowBits;
use crate::service::{Class, Topic};
use crate::time::Millis;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// How many times its bound a log may hold until everybody has been visited: what many say in one turn is more than its
/// bound at once, and a fast reader is not to lose it for that. Whoever speaks beyond the bound is not read until then.
const BURST_FACTOR: usize = 16;

/// How an entry is wrapped for the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Framing {
    /// A WebSocket text frame, unmasked.
    Frame,
    /// A line with its line feed.
    Line,
    /// The same as `Frame`, deflated for a window of this size if it is worth it.
    Deflated(WindowBits),
}

/// A topic of one service, in one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Encoding {
    /// The dialect, as the service names it.
    pub class: Class,
    /// The wrapping, which follows from how the member is connected and what was agreed on then.
    pub framing: Framing,
}

/// A topic's name among all services'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TopicKey {
    /// The service's number.
    pub service: u16,
    /// The service's own name for it.
    pub topic: Topic,
}

/// One reader of a log.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its slot in the slab of connections.
    pub conn: u32,
    /// How far beyond its cursor, counted from 1, the one entry is that it is not to be sent; 0 for none. In a crowd that
    /// comes all at once everybody has one, the notice of its own coming, and nobody has an outbox yet.
    skips: u32,
    /// The next entry that it is to be sent.
    pub cursor: Entry,
}

impl Member {
    /// Whether an entry is noted that it is not to be sent.
    pub fn skips(&self) -> bool {
        self.skips > 0
    }
}

/// The finished frames of one topic in one encoding, and who reads them.
#[derive(Debug)]
pub struct Log {
    /// Whose log this is.
    pub key: TopicKey,
    /// In which encoding.
    pub encoding: Encoding,
    /// The number of the oldest entry that is held.
    first: Entry,
    /// Where each held entry ends, as an offset that counts on and wraps; `base` is where the first begins.
    ends: VecDeque<u32>,
    base: u32,
    bytes: VecDeque<u8>,
    members: Vec<Member>,
    /// How many members have a cursor in `first..head`. The others are up to date or lagging.
    behind: usize,
    /// How many members have a cursor before `first`.
    lagging: usize,
    /// The flush's way round the members: the next to visit, and how many visits are left until all have been seen
    /// since the last entry came.
    round_at: usize,
    round_left: usize,
    /// It waits on the list of those held back, and nobody is visited before it is let go.
    is_held: bool,
    /// What came during a round that is not to be made longer.
    has_news: bool,
}

impl Log {
    fn new(key: TopicKey, encoding: Encoding, first: Entry) -> Log {
        Log {
            key,
            encoding,
            first,
            ends: VecDeque::new(),
            base: 0,
            bytes: VecDeque::new(),
            members: Vec::new(),
            behind: 0,
            lagging: 0,
            round_at: 0,
            round_left: 0,
            is_held: false,
            has_news: false,
        }
    }

    /// The number that the next entry will have.
    pub fn head(&self) -> Entry {
        self.first + self.ends.len() as Entry
    }

    /// The oldest entry that is held.
    pub fn first(&self) -> Entry {
        self.first
    }

    /// How many bytes it holds.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Its readers.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Where an entry that is held, or the head, begins: an offset into `bytes`.
    fn offset(&self, entry: Entry) -> usize {
        match (entry - self.first) as usize {
            0 => 0,
            index => self.ends[index - 1].wrapping_sub(self.base) as usize,
        }
    }

    /// The frames from one held entry to another, end to end in at most two slices.
    pub fn slices(&self, from: Entry, to: Entry) -> [&[u8]; 2] {
        let start = self.offset(from);
        range(&self.bytes, start, self.offset(to) - start)
    }

    /// Where a reader stands that began at `from` and took `written` bytes: the first entry of which it has nothing, and
    /// the rest of the one before it, which is empty when the last byte taken was the end of a frame.
    pub fn advance(&self, from: Entry, written: usize) -> (Entry, impl Iterator<Item = u8> + '_) {
        let reached = self.offset(from) + written;
        let index = self.ends.partition_point(|&end| (end.wrapping_sub(self.base) as usize) < reached);
        let entry = if reached == 0 { self.first } else { self.first + index as Entry + 1 };
        let rest = self.offset(entry) - reached;
        (entry, self.bytes.range(reached..reached + rest).copied())
    }

    /// What stands in a member's outbox for entries that it lacks and the log has forgotten.
    pub fn question(&self, missing: Range<Entry>) -> Item {
        Item::Ask(Question { topic: self.key.topic.0, missing, has_lagged: true })
    }

    /// Appends one entry, finished. Everybody who is not lagging is behind now.
    fn append(&mut self, header: &[u8], payload: &[u8], trailer: &[u8], bytes_max: usize) {
        self.bytes.extend(header);
        self.bytes.extend(payload);
        self.bytes.extend(trailer);
        self.ends.push_back(self.base.wrapping_add(self.bytes.len() as u32));
        self.behind = self.members.len() - self.lagging;
        if self.bytes.len() > bytes_max.saturating_mul(BURST_FACTOR) {
            self.trim(bytes_max);
        }
        // When everybody lags, nobody waits for it.
        self.free_if_read();
    }

    /// Forgets the oldest entries, more of them than need be, so that looking for those who lag is rarely done.
    fn trim(&mut self, bytes_max: usize) {
        let first_before = self.first;
        let len_wanted = bytes_max - bytes_max / 4;
        // The newest entry stays, however large: otherwise nobody would ever be sent it.
        while self.bytes.len() > len_wanted && self.ends.len() > 1 {
            let end = self.ends.pop_front().expect("more than one entry is held");
            self.bytes.drain(..end.wrapping_sub(self.base) as usize);
            self.base = end;
            self.first += 1;
        }
        let fell_out = |member: &&Member| (first_before..self.first).contains(&member.cursor);
        let fallen = self.members.iter().filter(fell_out).count();
        self.lagging += fallen;
        self.behind -= fallen;
    }

    /// Moves a member's cursor on.
    pub fn set_cursor(&mut self, slot: u32, cursor: Entry) {
        let (first, head) = (self.first, self.head());
        let member = &mut self.members[slot as usize];
        debug_assert_eq!(member.skips, 0, "what is to be skipped has gone to the outbox first");
        debug_assert!(
            (member.cursor..=head).contains(&cursor),
            "a cursor goes forward, and not beyond the head"
        );
        let former = std::mem::replace(&mut member.cursor, cursor);
        self.lagging -= usize::from(former < first);
        self.lagging += usize::from(cursor < first);
        self.behind -= usize::from((first..head).contains(&former));
        self.behind += usize::from((first..head).contains(&cursor));
        self.free_if_read();
    }

    /// Notes that a member is not to be sent the newest entry, without spending memory on it. Returns whether that could
    /// be done.
    pub fn skip_newest(&mut self, slot: u32) -> bool {
        let head = self.head();
        let member = &mut self.members[slot as usize];
        if member.skips != 0 {
            return false;
        }
        match u32::try_from(head - member.cursor) {
            Ok(1) => self.set_cursor(slot, head),
            Ok(skips) => member.skips = skips,
            Err(_) => return false,
        }
        true
    }

    /// The entry that was noted to be skipped, which the caller now sees to.
    pub fn take_skipped(&mut self, slot: u32) -> Option<Entry> {
        let member = &mut self.members[slot as usize];
        let skips = std::mem::take(&mut member.skips);
        (skips > 0).then(|| member.cursor + Entry::from(skips) - 1)
    }

    /// Frees what everybody has had.
    fn free_if_read(&mut self) {
        if self.behind == 0 && !self.ends.is_empty() {
            self.first = self.head();
            self.base = 0;
            (self.ends, self.bytes) = Default::default();
        }
    }

    fn add(&mut self, conn: u32) -> u32 {
        // It is on the way of a round that is open, and must not take another's visit.
        self.round_left += usize::from(self.is_round_open());
        self.members.push(Member { conn, skips: 0, cursor: self.head() });
        u32::try_from(self.members.len() - 1).expect("there are fewer connections than that")
    }

    /// Takes a member out. The last member takes its slot; returns who that is.
    fn remove(&mut self, slot: u32) -> Option<Member> {
        let member = self.members.swap_remove(slot as usize);
        if member.cursor < self.first {
            self.lagging -= 1;
        } else if member.cursor < self.head() {
            self.behind -= 1;
            self.free_if_read();
        }
        // Whoever moved may have moved from before the flush to behind it.
        self.round_left = if self.round_left > 0 { self.members.len() } else { 0 };
        self.members.get(slot as usize).copied()
    }

    /// The next member on the flush's way round, until all have been visited since the last entry came.
    fn next_on_round(&mut self) -> Option<Member> {
        self.round_left = self.round_left.checked_sub(1)?;
        if self.round_at >= self.members.len() {
            self.round_at = 0;
        }
        let member = self.members.get(self.round_at).copied();
        self.round_at += 1;
        member
    }

    /// Everybody is to be visited.
    fn open_round(&mut self) {
        self.round_left = self.members.len();
        (self.is_held, self.has_news) = (false, false);
    }

    /// Whether the flush has yet to visit somebody.
    fn is_round_open(&self) -> bool {
        self.round_left > 0
    }

    /// Panics where the log contradicts itself. For tests.
    pub fn validate(&self, bytes_max: usize) {
        let head = self.head();
        let count =
            |wanted: fn(&Log, Entry) -> bool| self.members.iter().filter(|m| wanted(self, m.cursor)).count();
        assert!(self.members.iter().all(|member| member.cursor <= head), "a cursor beyond the head");
        assert_eq!(self.behind, count(|log, cursor| cursor >= log.first && cursor < log.head()), "behind");
        assert_eq!(self.lagging, count(|log, cursor| cursor < log.first), "lagging");
        assert_eq!(self.offset(head), self.bytes.len(), "the entries and their bytes");
        let bytes_max = if self.is_round_open() { bytes_max * BURST_FACTOR } else { bytes_max };
        assert!(self.bytes.len() <= bytes_max || self.ends.len() == 1, "over the bound");
        assert!(self.behind > 0 || self.bytes.is_empty(), "held for nobody");
    }
}

/// A topic that has members.
#[derive(Debug)]
struct Entries {
    /// The number of its next entry.
    next: Entry,
    /// Its logs by encoding, in order; none without members.
    logs: Vec<(Encoding, u32)>,
}

/// Every topic's logs.
#[derive(Debug, Default)]
pub struct Topics {
    logs: Slab<Log>,
    by_topic: HashMap<TopicKey, Entries>,
    /// Above every number that an entry has had.
    unused: Entry,
    /// Logs with an open round, in the order in which the flush attends to them.
    dirty: VecDeque<u32>,
    /// How long a log is held back after its first new entry, so that others can share the write with it.
    coalesce: Millis,
    /// Logs that are held back, and until when. One that went in the meantime may still stand here.
    held: VecDeque<(Millis, u32)>,
}

impl Topics {
    /// None. Logs will be held back for so long.
    pub fn new(coalesce: Millis) -> Topics {
        Topics { coalesce, ..Topics::default() }
    }

    /// Adds a member to a topic, up to date. Returns its log and its slot there.
    pub fn subscribe(&mut self, key: TopicKey, encoding: Encoding, conn: u32) -> (u32, u32) {
        let topic = self.by_topic.entry(key).or_insert(Entries { next: self.unused, logs: Vec::new() });
        let log = match topic.logs.binary_search_by_key(&encoding, |&(encoding, _)| encoding) {
            Ok(at) => topic.logs[at].1,
            Err(at) => {
                let log = self.logs.insert(Log::new(key, encoding, topic.next));
                let log = u32::try_from(log).expect("there are fewer logs than that");
                topic.logs.insert(at, (encoding, log));
                log
            }
        };
        (log, self.log_mut(log).add(conn))
    }

    /// Takes a member out of a log, and the log away with its last. Returns the connection that has the slot now.
    pub fn unsubscribe(&mut self, log: u32, slot: u32) -> Option<u32> {
        let was_open = self.log(log).is_round_open();
        let moved = self.log_mut(log).remove(slot);
        if self.log(log).members.is_empty() {
            let key = self.logs.remove(log as usize).key;
            if was_open {
                self.dirty.retain(|&dirty| dirty != log);
            }
            if let Some(topic) = self.by_topic.get_mut(&key) {
                topic.logs.retain(|&(_, other)| other != log);
                if topic.logs.is_empty() {
                    self.by_topic.remove(&key);
                }
            }
        }
        moved.map(|member| member.conn)
    }

    /// Numbers the next entry of a topic. It is to be appended to each of the topic's logs.
    pub fn number(&mut self, key: TopicKey) -> Entry {
        let next = self.by_topic.get_mut(&key).map_or(&mut self.unused, |topic| &mut topic.next);
        let entry = *next;
        *next += 1;
        self.unused = self.unused.max(entry + 1);
        entry
    }

    /// The logs of a topic.
    pub fn logs_of(&self, key: TopicKey) -> &[(Encoding, u32)] {
        self.by_topic.get(&key).map_or(&[], |topic| topic.logs.as_slice())
    }

    /// Appends an entry to one log, and marks it for the flush; or for later, while more can be held back with it.
    pub fn append(
        &mut self,
        now: Millis,
        log: u32,
        [header, payload, trailer]: [&[u8]; 3],
        bytes_max: usize,
    ) {
        let coalesce = self.coalesce;
        let entry = self.log_mut(log);
        let was_open = entry.is_round_open();
        entry.append(header, payload, trailer, bytes_max);
        if coalesce == Millis(0) || entry.len_bytes() > bytes_max {
            entry.open_round();
            if !was_open {
                self.dirty.push_back(log);
            }
        } else if was_open {
            entry.has_news = true;
        } else {
            self.hold(now, log);
        }
    }

    fn hold(&mut self, now: Millis, log: u32) {
        let until = now + self.coalesce;
        if !std::mem::replace(&mut self.log_mut(log).is_held, true) {
            self.held.push_back((until, log));
        }
    }

    /// Marks those for the flush that have been held back for long enough.
    pub fn let_go(&mut self, now: Millis) {
        while let Some(&(until, log)) = self.held.front()
            && until <= now
        {
            self.held.pop_front();
            if let Some(source) = self.logs.get_mut(log as usize)
                && source.is_held
            {
                source.open_round();
                self.dirty.push_back(log);
            }
        }
    }

    /// When the next of them is due.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.held.front().map(|&(until, _)| until)
    }

    /// A log that has members.
    pub fn log(&self, log: u32) -> &Log {
        self.logs.get(log as usize).expect("a log lives as long as it has members")
    }

    /// The same, to change it.
    pub fn log_mut(&mut self, log: u32) -> &mut Log {
        self.logs.get_mut(log as usize).expect("a log lives as long as it has members")
    }

    /// The log that the flush attends to next.
    pub fn pop_dirty(&mut self) -> Option<u32> {
        self.dirty.pop_front()
    }

    /// The next member on the way round a log, and whether it is behind. `None` when all have been visited, or when the
    /// log went with its last member.
    pub fn next_on_round(&mut self, log: u32) -> Option<(u32, bool)> {
        let log = self.logs.get_mut(log as usize)?;
        let member = log.next_on_round()?;
        Some((member.conn, member.cursor < log.head()))
    }

    /// Puts a log back whose round is still open. Of one that everybody has been visited for, it forgets what is too much:
    /// whoever still lacks that reads more slowly than the room speaks.
    pub fn push_dirty(&mut self, now: Millis, log: u32, bytes_max: usize) {
        let Some(source) = self.logs.get_mut(log as usize) else { return };
        if source.is_round_open() {
            return self.dirty.push_back(log);
        }
        if source.len_bytes() > bytes_max {
            source.trim(bytes_max);
            source.free_if_read();
        }
        if std::mem::take(&mut source.has_news) {
            self.hold(now, log);
        }
    }

    /// Whether a log holds more than it is to, and has members who have yet to be visited.
    pub fn is_crowded(&self, log: u32, bytes_max: usize) -> bool {
        self.logs.get(log as usize).is_some_and(|log| log.is_round_open() && log.len_bytes() > bytes_max)
    }

    /// Whether the flush has members of this log to visit, now or when it is let go.
    pub fn is_seen_to(&self, log: u32) -> bool {
        let log = self.log(log);
        log.is_round_open() || log.is_held
    }

    /// Whether the flush has somebody to visit.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Bytes held by all logs together.
    pub fn len_bytes(&self) -> usize {
        self.logs.iter().map(|(_, log)| log.len_bytes()).sum()
    }

    /// Whether there is no topic.
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.by_topic.is_empty() && self.dirty.is_empty()
    }

    /// Panics where the topics contradict themselves. For tests.
    pub fn validate(&self, bytes_max: usize) {
        for (index, log) in &self.logs {
            log.validate(bytes_max);
            let listed = self.dirty.iter().filter(|&&dirty| dirty as usize == index).count();
            assert_eq!(listed, usize::from(log.is_round_open()), "an open round is on the list, once");
            let is_held = self.held.iter().any(|&(_, held)| held as usize == index);
            assert!(is_held || !log.is_held, "what is held back is on the list of it");
            assert!(!log.is_held || !log.is_round_open(), "held back, and yet to be visited");
            assert!(self.logs_of(log.key).contains(&(log.encoding, index as u32)), "a log that nobody finds");
            assert_eq!(log.head(), self.by_topic[&log.key].next, "the same numbers in each log");
        }
    }
}
