//! A service that does what its peers say, and notes what the server tells it.
//!
//! ```text
//!     close CODE      closes with this code and "bye"
//!     give LEN        answers with a text of this length
//!     ring MS         wants `on_deadline` so much later, and says "ring" then
//!     ring always     wants it at once, and at once again each time that it comes
//!     ring never      does not want it after all
//!     wake MS         wants `on_wake` so much later
//!     join TOPIC      subscribes; `leave TOPIC` ends that
//!     say TOPIC TEXT  publishes to the others; `all TOPIC TEXT` to its sender too
//!     after TOPIC TEXT  says that behind what the topic has said
//!     replay TOPIC FROM-TO   wants these entries again, and says which they are
//!     farewell TEXT   says that last, whoever closes; `farewell TEXT` again says something else
//!     first COMMAND   does it as if the very first connection of any puppet had said it
//!     anything else   comes back
//! ```

use chinwag::proto::http::Response;
use chinwag::service::{
    BadLine, Cause, Class, ConnId, Context, Ending, Message, Missing, Opening, Replay, Request, Service,
    Shutdown, Topic, Upgrade,
};
use chinwag::time::Millis;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// What the services were told, in order, and of whom, if of anybody.
pub type Notes = Rc<RefCell<Vec<(Option<ConnId>, String)>>>;

/// Above this many calls for one thing, a server has lost its way.
const RINGS_MAX: usize = 1000;

#[derive(Default)]
pub struct Puppet {
    notes: Notes,
    rings_always: bool,
    rings: usize,
}

impl Puppet {
    pub fn new(notes: &Notes) -> Puppet {
        Puppet { notes: Rc::clone(notes), ..Puppet::default() }
    }

    fn note(&self, conn: ConnId, note: impl Into<String>) {
        self.notes.borrow_mut().push((Some(conn), note.into()));
    }

    fn note_of_nobody(&self, note: impl Into<String>) {
        self.notes.borrow_mut().push((None, note.into()));
    }

    fn obey(&mut self, cx: &mut dyn Context, conn: ConnId, command: &str) {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let (word, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let number = || word.parse::<u64>().unwrap_or_else(|_| panic!("{command:?} wants a number"));
        match verb {
            "close" => cx.close(conn, number() as u16, "bye"),
            "give" => cx.send(conn, Message::Text(&"x".repeat(number() as usize))),
            "ring" => {
                self.rings_always = word == "always";
                let after = match word {
                    "always" => Some(0),
                    "never" => None,
                    _ => Some(number()),
                };
                let at = after.map(|after| cx.now() + Millis(after));
                cx.deadline(conn, at);
            }
            "wake" => {
                let at = cx.now() + Millis(number());
                cx.wake_at(Some(at));
            }
            "join" => cx.subscribe(conn, Topic(number()), Class(0)),
            "leave" => cx.unsubscribe(conn, Topic(number())),
            "say" => {
                cx.publish(Topic(number()), &mut |_, out| out.extend_from_slice(text.as_bytes()), &[conn]);
            }
            "all" => {
                cx.publish(Topic(number()), &mut |_, out| out.extend_from_slice(text.as_bytes()), &[]);
            }
            "after" => cx.send_after(conn, Topic(number()), Message::Text(text)),
            "replay" => {
                let (from, to) = text.split_once('-').expect("from where to where");
                let entry = |text: &str| text.parse().expect("an entry's number");
                cx.replay(conn, Topic(number()), entry(from)..entry(to));
            }
            "farewell" => cx.farewell(conn, Message::Text(rest)),
            "first" => {
                let first = self.notes.borrow().iter().find_map(|(conn, _)| *conn);
                self.obey(cx, first.expect("somebody has come"), rest);
            }
            _ => cx.send(conn, Message::Text(command)),
        }
    }
}

impl Service for Puppet {
    fn on_upgrade(&mut self, _: &mut dyn Context, request: &Request<'_>) -> Upgrade {
        let offers = |wanted| {
            request.head.header("sec-websocket-protocol").is_some_and(|offered| offered.contains(wanted))
        };
        match request.head.path() {
            "/never" => Upgrade::Refuse(Response::text(409, "not here\n")),
            "/stubborn" => Upgrade::Accept { subprotocol: Some("puppet") },
            _ => Upgrade::Accept { subprotocol: offers("puppet").then_some("puppet") },
        }
    }

    fn on_request(&mut self, _: &mut dyn Context, request: &Request<'_>) -> Response {
        let head = request.head;
        let body = format!("{} {} {}\n", head.method(), head.path(), request.body.len());
        Response::text(200, body)
    }

    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, opening: Opening<'_>) {
        self.note(conn, "open");
        if let Opening::WebSocket { request, .. } = opening
            && request.path() == "/greeted"
        {
            cx.send(conn, Message::Text("hello"));
        }
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        match message {
            Message::Text(text) => {
                self.note(conn, text);
                self.obey(cx, conn, text);
            }
            Message::Binary(bytes) => {
                self.note(conn, format!("{} bytes", bytes.len()));
                cx.send(conn, message);
            }
        }
    }

    fn on_bad_line(&mut self, _: &mut dyn Context, conn: ConnId, error: BadLine) {
        self.note(conn, format!("{error:?}"));
    }

    fn on_replay(&mut self, _: &mut dyn Context, conn: ConnId, missing: Missing, replay: &mut Replay) -> u64 {
        let Range { start, end } = missing.entries;
        self.note(conn, format!("{:?}", missing.cause));
        match missing.cause {
            Cause::Lagged => {
                replay.push(|out| out.extend_from_slice(format!("missed {}", end - start).as_bytes()));
                end
            }
            // One at a time.
            Cause::Requested => {
                replay.push(|out| out.extend_from_slice(format!("entry {start}").as_bytes()));
                start + 1
            }
        }
    }

    fn on_drain(&mut self, _: &mut dyn Context, conn: ConnId) {
        self.note(conn, "drain");
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        match cx.begun_line(conn) {
            None => self.note(conn, "ring"),
            Some(first) => self.note(conn, format!("ring amid a line that begins with {}", first as char)),
        }
        self.rings += 1;
        assert!(self.rings < RINGS_MAX, "the turn does not end");
        if self.rings_always {
            let now = cx.now();
            cx.deadline(conn, Some(now));
        } else {
            cx.send(conn, Message::Text("ring"));
        }
    }

    fn on_wake(&mut self, cx: &mut dyn Context) {
        self.note_of_nobody(format!("wake {}", cx.now().0));
    }

    fn on_shutdown(&mut self, _: &mut dyn Context, shutdown: Shutdown) {
        self.note_of_nobody(format!("{shutdown:?}"));
    }

    fn on_close(&mut self, cx: &mut dyn Context, conn: ConnId, ending: Ending) {
        self.note(conn, format!("closed {} {}", ending.code, ending.word));
        // Goes nowhere, least of all to whoever has the slot next.
        cx.send(conn, Message::Text("too late"));
    }
}
