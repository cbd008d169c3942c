//! A context for tests: it notes what a service does, and sends everything at once.

use super::{Class, ConnId, Context, Message, Request, Topic};
use crate::proto::http::{Head, HeaderSlots};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What the calendar says when the clock is 0.
pub const UNIX_MS_AT_ZERO: u64 = 1_795_000_000_000;

/// A server without sockets.
#[derive(Debug, Default)]
pub struct FakeContext {
    /// The time of the turn.
    pub now: Millis,
    /// When the service wants to be woken.
    pub wake_at: Option<Millis>,
    /// How often it has said so.
    pub wakes_set: usize,
    /// The connections' deadlines.
    pub deadlines: BTreeMap<ConnId, Millis>,
    /// Those that were closed.
    pub closed: BTreeMap<ConnId, (u16, String)>,
    /// Who is subscribed to what.
    pub subscriptions: BTreeSet<(Topic, ConnId, Class)>,
    /// For whom too much waits.
    pub crowded: BTreeSet<ConnId>,
    /// Whose lines have begun and not ended, and with which byte.
    pub begun_lines: BTreeMap<ConnId, u8>,
    /// Which earlier entries are to be sent to whom.
    pub questions: Vec<(ConnId, Topic, Range<u64>)>,
    published: u64,
    sent: BTreeMap<ConnId, Vec<Sent>>,
}

/// A message that a connection was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl FakeContext {
    /// What a connection was sent since this was last asked.
    pub fn take(&mut self, conn: ConnId) -> Vec<Sent> {
        self.sent.remove(&conn).unwrap_or_default()
    }

    /// The same, all of it text.
    pub fn take_texts(&mut self, conn: ConnId) -> Vec<String> {
        let text = |sent| match sent {
            Sent::Text(text) => text,
            Sent::Binary(bytes) => panic!("{bytes:?} is not text"),
        };
        self.take(conn).into_iter().map(text).collect()
    }

    /// The connection's deadline, if it has come; it is not set any more.
    pub fn poll_deadline(&mut self, conn: ConnId) -> bool {
        let is_due = self.deadlines.get(&conn).is_some_and(|&at| at <= self.now);
        if is_due {
            self.deadlines.remove(&conn);
        }
        is_due
    }
}

impl Context for FakeContext {
    fn now(&self) -> Millis {
        self.now
    }

    fn unix_ms(&self) -> u64 {
        UNIX_MS_AT_ZERO + self.now.0
    }

    fn send(&mut self, conn: ConnId, message: Message<'_>) {
        if !self.closed.contains_key(&conn) {
            self.sent.entry(conn).or_default().push(match message {
                Message::Text(text) => Sent::Text(text.to_owned()),
                Message::Binary(bytes) => Sent::Binary(bytes.to_owned()),
            });
        }
    }

    fn send_after(&mut self, conn: ConnId, _topic: Topic, message: Message<'_>) {
        self.send(conn, message);
    }

    fn is_crowded(&self, conn: ConnId) -> bool {
        self.crowded.contains(&conn)
    }

    fn farewell(&mut self, conn: ConnId, message: Message<'_>) {
        // Nothing is lost here, and nothing comes late.
        self.send(conn, message);
    }

    fn close(&mut self, conn: ConnId, code: u16, reason: &str) {
        self.closed.entry(conn).or_insert((code, reason.to_owned()));
        self.subscriptions.retain(|&(_, subscriber, _)| subscriber != conn);
    }

    fn deadline(&mut self, conn: ConnId, at: Option<Millis>) {
        match at {
            Some(at) => self.deadlines.insert(conn, at),
            None => self.deadlines.remove(&conn),
        };
    }

    fn begun_line(&self, conn: ConnId) -> Option<u8> {
        self.begun_lines.get(&conn).copied()
    }

    fn wake_at(&mut self, at: Option<Millis>) {
        self.wake_at = at;
        self.wakes_set += 1;
    }

    fn subscribe(&mut self, conn: ConnId, topic: Topic, class: Class) {
        self.subscriptions.insert((topic, conn, class));
    }

    fn unsubscribe(&mut self, conn: ConnId, topic: Topic) {
        self.subscriptions.retain(|&(its, subscriber, _)| (its, subscriber) != (topic, conn));
    }

    fn replay(&mut self, conn: ConnId, topic: Topic, entries: Range<u64>) {
        self.questions.push((conn, topic, entries));
    }

    fn publish(
        &mut self,
        topic: Topic,
        render: &mut dyn FnMut(Class, &mut Vec<u8>),
        except: &[ConnId],
    ) -> u64 {
        for (_, conn, class) in self.subscriptions.clone().into_iter().filter(|&(its, _, _)| its == topic) {
            if !except.contains(&conn) {
                let mut text = Vec::new();
                render(class, &mut text);
                self.send(conn, Message::Text(std::str::from_utf8(&text).expect("a topic says text")));
            }
        }
        self.published += 1;
        self.published - 1
    }
}

/// Lends the request that these bytes are.
pub fn with_request<T>(head: &str, f: impl FnOnce(&Request<'_>) -> T) -> T {
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(head.as_bytes(), &mut slots).expect("a sound head").expect("a whole head");
    f(&Request { head: &head, body: b"" })
}
