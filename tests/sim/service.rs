//! The service under which the server is simulated: topics whose entries are numbered, so that a peer can tell by the
//! numbers alone whether it was told everything, once, in order.
//!
//! ```text
//!     join T      joined T HEAD                       what follows begins behind HEAD
//!     since T     joined T SEQ anew                   what follows begins behind SEQ, some way back
//!     say T pad   ok T SEQ, in the place of          m T SEQ pad   which the others read
//!     who T       at T HEAD                           behind everything up to HEAD
//!     leave T     left T HEAD                         likewise
//!                 gap T N                             the next N are not coming
//!     quit        bye                                 and nothing behind it
//! ```

use chinwag::service::{
    BadLine, Class, ConnId, Context, Ending, Message, Missing, Opening, Replay, Service, Shutdown, Topic,
};
use chinwag::time::Millis;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the service knows, for the world to look at.
#[derive(Default)]
pub struct Books {
    pub open: BTreeMap<ConnId, Class>,
    pub opened: u64,
    pub closed: u64,
    pub heads: [u64; TOPICS],
    /// What was said: the entry's number, the message's, and its padding.
    history: [Vec<(u64, u64, String)>; TOPICS],
    pub replays: u64,
    pub gaps: u64,
    pub drains: u64,
    pub wakes: u64,
    /// How often the calendar was asked.
    pub stamps: u64,
}

/// More than one write can keep apart.
pub const TOPICS: usize = 6;

pub struct Numbers {
    pub books: Rc<RefCell<Books>>,
}

impl Numbers {
    fn class(&self, conn: ConnId) -> Class {
        *self.books.borrow().open.get(&conn).expect("only an open connection is heard of")
    }

    fn text(cx: &mut dyn Context, conn: ConnId, text: &str) {
        cx.send(conn, Message::Text(text));
    }
}

impl Service for Numbers {
    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, opening: Opening<'_>) {
        let class = match opening {
            Opening::WebSocket { .. } => Class((conn.generation % 2) as u8),
            Opening::Line => Class(0),
        };
        let mut books = self.books.borrow_mut();
        books.opened += 1;
        assert!(books.open.insert(conn, class).is_none(), "opened twice");
        Self::text(cx, conn, "welcome");
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let class = self.class(conn);
        let Message::Text(text) = message else { return cx.send(conn, message) };
        let mut words = text.splitn(3, ' ');
        let command = words.next().unwrap_or_default();
        let topic: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0) % TOPICS;
        let name = Topic(topic as u64);
        match command {
            "join" => {
                cx.subscribe(conn, name, class);
                let head = self.books.borrow().heads[topic];
                cx.send_after(conn, name, Message::Text(&format!("joined {topic} {head}")));
            }
            // With up to seven of the newest messages, which follow at once.
            "since" => {
                cx.unsubscribe(conn, name);
                cx.subscribe(conn, name, class);
                let books = self.books.borrow();
                let newest = &books.history[topic];
                let newest = &newest[newest.len() - newest.len().min(7)..];
                let base = books.heads[topic] - newest.len() as u64;
                cx.send(conn, Message::Text(&format!("joined {topic} {base} anew")));
                if let [(first, ..), ..] = newest {
                    let (last, ..) = newest.last().expect("there is a first");
                    cx.replay(conn, name, *first..*last + 1);
                }
            }
            "leave" => {
                cx.unsubscribe(conn, name);
                let head = self.books.borrow().heads[topic];
                Self::text(cx, conn, &format!("left {topic} {head}"));
            }
            "say" => {
                let pad = words.next().unwrap_or_default();
                let seq = {
                    let mut books = self.books.borrow_mut();
                    books.heads[topic] += 1;
                    books.stamps += 1;
                    assert_eq!(cx.unix_ms(), cx.unix_ms(), "one moment for a whole turn");
                    books.heads[topic]
                };
                let ack = format!("ok {topic} {seq}");
                let entry = cx.publish(name, &mut |class, out| render(class, topic, seq, pad, out), &[conn]);
                self.books.borrow_mut().history[topic].push((entry, seq, pad.to_owned()));
                cx.send_after(conn, name, Message::Text(&ack));
            }
            "who" => {
                let head = self.books.borrow().heads[topic];
                cx.send_after(conn, name, Message::Text(&format!("at {topic} {head}")));
            }
            "hush" => {
                cx.publish(name, &mut |_, out| out.extend_from_slice(b"h"), &[conn]);
            }
            "quit" => {
                cx.farewell(conn, Message::Text("bye"));
                cx.close(conn, 4000, "as you wish");
            }
            "soon" => {
                let at = cx.now() + Millis(50);
                cx.deadline(conn, Some(at));
                cx.wake_at(Some(at));
            }
            _ => cx.send(conn, message),
        }
    }

    fn on_bad_line(&mut self, cx: &mut dyn Context, conn: ConnId, _: BadLine) {
        self.class(conn);
        Self::text(cx, conn, "bad line");
    }

    fn on_replay(
        &mut self,
        _: &mut dyn Context,
        conn: ConnId,
        Missing { topic, entries: missing, .. }: Missing,
        replay: &mut Replay,
    ) -> u64 {
        let class = self.class(conn);
        let mut books = self.books.borrow_mut();
        books.replays += 1;
        assert!(missing.start < missing.end, "what is asked for is something");
        let topic = topic.0 as usize;
        let history = &books.history[topic];
        let lacks = &history[history.partition_point(|&(entry, _, _)| entry < missing.start)..];
        let lacks = &lacks[..lacks.partition_point(|&(entry, _, _)| entry < missing.end)];
        // A number that follows from the schedule, as everything here must.
        let whim = (missing.start + missing.end) as usize;
        if whim.is_multiple_of(5) {
            let count = lacks.len();
            replay.push(|out| out.extend_from_slice(format!("gap {topic} {count}").as_bytes()));
            books.gaps += 1;
            return missing.end;
        }
        let slice = &lacks[..lacks.len().min(1 + whim % 7)];
        for (_, seq, pad) in slice {
            replay.push(|out| render(class, topic, *seq, pad, out));
        }
        lacks.get(slice.len()).map_or(missing.end, |&(entry, _, _)| entry)
    }

    fn on_drain(&mut self, _: &mut dyn Context, conn: ConnId) {
        self.class(conn);
        self.books.borrow_mut().drains += 1;
    }

    fn on_shutdown(&mut self, cx: &mut dyn Context, _: Shutdown) {
        for &conn in self.books.borrow().open.keys() {
            cx.farewell(conn, Message::Text("bye"));
        }
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        self.class(conn);
        Self::text(cx, conn, "ring");
    }

    fn on_wake(&mut self, _: &mut dyn Context) {
        self.books.borrow_mut().wakes += 1;
    }

    fn on_close(&mut self, cx: &mut dyn Context, conn: ConnId, _: Ending) {
        // Nothing that is said to it from now on goes anywhere, least of all to whoever has its slot next.
        Self::text(cx, conn, "too late");
        let mut books = self.books.borrow_mut();
        books.closed += 1;
        assert!(books.open.remove(&conn).is_some(), "closed twice, or without having been opened");
    }

    fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        let books = self.books.borrow();
        for (name, value) in [
            ("replays_told", books.replays),
            ("gaps", books.gaps),
            ("drains", books.drains),
            ("wakes", books.wakes),
            ("stamps", books.stamps),
        ] {
            report(name, value);
        }
    }
}

fn render(class: Class, topic: usize, seq: u64, pad: &str, out: &mut Vec<u8>) {
    let letter = if class == Class(0) { 'm' } else { 'M' };
    out.extend_from_slice(format!("{letter} {topic} {seq} {pad}").as_bytes());
}
