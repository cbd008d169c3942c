//! The chat as a [`Service`]: what the server tells it becomes commands, and effects become what the context does.
//!
//! ```text
//!     conn      ⇄  member      the connection's slot; its generation is kept here
//!     topic     ⇄  room        one number made of the room's two
//!     class     ⇄  dialect     how whoever reads a topic wants it written
//!     message   ─▶ Command     wire::text::parse
//!     Event     ─▶ message     wire::text::render
//! ```
//!
//! Whether somebody sits at a browser or at `nc` makes three differences, all of them here: a line connection is told why
//! it is closed by a notice, as there is no Close frame to hold it; it may be idle for so long only, as it cannot be asked
//! whether it is there; and it can send lines that are none.

use super::{Effects, Hub, LOBBY, MemberId, RoomId, Settings};
use crate::proto::ws::close as ws_close;
use crate::service::{
    BadLine, Class, ConnId, Context, Ending, Message, Opening, Replay, Request, Service, Topic, Upgrade,
    close,
};
use crate::time::Millis;
use crate::wire::{Command, Event, Goodbye, Refusal, RoomName, text};
use std::ops::Range;

/// The dialect for people.
const TEXT: Class = Class(0);
/// The subprotocols that we speak; none at all is also text.
const SUBPROTOCOLS: [&str; 1] = ["chat"];

/// For how many members memory is kept.
const EXCEPT_KEPT: usize = 64;

/// The chat, to be mounted on a server.
#[derive(Debug)]
pub struct Chat {
    hub: Hub,
    line_idle_timeout: Option<Millis>,
    /// By the connection's slot.
    links: Vec<Link>,
    /// What is being written to one member; kept for its memory.
    rendered: Vec<u8>,
    /// Who is not to be told what is being published; likewise.
    except: Vec<ConnId>,
    /// What the context was last told about waking.
    wake_at: Option<Millis>,
}

/// What a connection is, apart from the member that it brings. Kept small: there is one for each.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    generation: u32,
    is_line: bool,
}

/// The hub's effects on the server.
struct ServerEffects<'a> {
    cx: &'a mut dyn Context,
    links: &'a [Link],
    rendered: &'a mut Vec<u8>,
    except: &'a mut Vec<ConnId>,
}

impl Chat {
    /// A chat with nobody in it. Who knows `seed` can choose names that are slow to look up: let it be random.
    pub fn new(settings: Settings, seed: u64) -> Chat {
        Chat {
            line_idle_timeout: settings.line_idle_timeout,
            hub: Hub::new(settings, seed),
            links: Vec::new(),
            rendered: Vec::new(),
            except: Vec::new(),
            wake_at: None,
        }
    }

    /// Lets the hub act.
    fn act(&mut self, cx: &mut dyn Context, act: impl FnOnce(&mut Hub, Millis, &mut ServerEffects<'_>)) {
        let now = cx.now();
        let Chat { links, rendered, except, .. } = self;
        let mut effects = ServerEffects { cx, links, rendered, except };
        act(&mut self.hub, now, &mut effects);
        let wake_at = self.hub.next_wake();
        if wake_at != self.wake_at {
            self.wake_at = wake_at;
            cx.wake_at(wake_at);
        }
    }

    /// A line connection has shown that somebody is there.
    fn put_off_idle(&self, cx: &mut dyn Context, conn: ConnId) {
        let is_line = self.links.get(conn.index as usize).is_some_and(|link| link.is_line);
        if let Some(timeout) = self.line_idle_timeout.filter(|_| is_line) {
            let at = cx.now() + timeout;
            cx.deadline(conn, Some(at));
        }
    }
}

impl Service for Chat {
    fn on_upgrade(&mut self, _cx: &mut dyn Context, request: &Request<'_>) -> Upgrade {
        // RFC 6455, 4.2.2: the first that the client offers and we know; none goes back where there is none.
        let mut offered = request.head.fields().list("sec-websocket-protocol");
        let known = |offered: &str| SUBPROTOCOLS.into_iter().find(|&ours| ours == offered);
        Upgrade::Accept { subprotocol: offered.find_map(known) }
    }

    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, opening: Opening<'_>) {
        let index = conn.index as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, Link::default());
        }
        let is_line = matches!(opening, Opening::Line);
        self.links[index] = Link { generation: conn.generation, is_line };
        self.put_off_idle(cx, conn);
        let lobby = RoomName::new(LOBBY).expect("a constant that tests have seen");
        self.act(cx, |hub, now, effects| {
            hub.enter(member(conn), effects);
            hub.handle(now, member(conn), Command::Join(lobby), effects);
        });
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let Message::Text(line) = message else {
            return cx.close(conn, ws_close::UNSUPPORTED_DATA, "this chat takes text");
        };
        self.put_off_idle(cx, conn);
        self.act(cx, |hub, now, effects| match text::parse(line) {
            Ok(command) => hub.handle(now, member(conn), command, effects),
            Err(refusal) => effects.tell(member(conn), &Event::Refused(refusal)),
        });
    }

    fn on_bad_line(&mut self, cx: &mut dyn Context, conn: ConnId, error: BadLine) {
        let refusal = match error {
            BadLine::TooLong => Refusal::LineTooLong,
            BadLine::NotUtf8 => Refusal::NotUtf8,
        };
        self.put_off_idle(cx, conn);
        self.act(cx, |_, _, effects| effects.tell(member(conn), &Event::Refused(refusal)));
    }

    fn on_replay(
        &mut self,
        _cx: &mut dyn Context,
        _conn: ConnId,
        _topic: Topic,
        missing: Range<u64>,
        replay: &mut Replay,
    ) -> u64 {
        let entries = missing.end - missing.start;
        replay.push(|out| render(TEXT, &Event::Missed { entries }, out));
        missing.end
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        let secs = self.line_idle_timeout.map_or(0, |timeout| timeout.0 / 1000);
        self.act(cx, |_, _, effects| effects.close(member(conn), Goodbye::Idle { secs }));
    }

    fn on_wake(&mut self, cx: &mut dyn Context) {
        self.wake_at = None;
        self.act(cx, |hub, now, effects| hub.wake(now, effects));
    }

    fn on_close(&mut self, cx: &mut dyn Context, conn: ConnId, _ending: Ending) {
        self.act(cx, |hub, now, effects| hub.leave(now, member(conn), effects));
    }

    fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        self.hub.stats(report);
    }
}

impl ServerEffects<'_> {
    fn conn(&self, member: MemberId) -> ConnId {
        conn(self.links, member)
    }

    /// Hands what `event` says to `send`.
    fn send(&mut self, event: &Event<'_>, send: impl FnOnce(&mut dyn Context, Message<'_>)) {
        self.rendered.clear();
        render(TEXT, event, self.rendered);
        let text = str::from_utf8(self.rendered).expect("text is rendered as UTF-8");
        send(self.cx, Message::Text(text));
    }
}

impl Effects for ServerEffects<'_> {
    fn tell(&mut self, member: MemberId, event: &Event<'_>) {
        let conn = self.conn(member);
        self.send(event, |cx, message| cx.send(conn, message));
    }

    fn answer(&mut self, member: MemberId, room: RoomId, event: &Event<'_>) {
        let conn = self.conn(member);
        self.send(event, |cx, message| cx.send_after(conn, topic(room), message));
    }

    fn publish(&mut self, room: RoomId, event: &Event<'_>, except: &[MemberId]) {
        self.except.extend(except.iter().map(|&member| conn(self.links, member)));
        self.cx.publish(topic(room), &mut |class, out| render(class, event, out), self.except);
        // A crowd that came in one second is no measure for the rest of the day.
        self.except.clear();
        self.except.shrink_to(EXCEPT_KEPT);
    }

    fn follow(&mut self, member: MemberId, room: RoomId) {
        self.cx.subscribe(self.conn(member), topic(room), TEXT);
    }

    fn unfollow(&mut self, member: MemberId, room: RoomId) {
        self.cx.unsubscribe(self.conn(member), topic(room));
    }

    fn close(&mut self, member: MemberId, goodbye: Goodbye) {
        let conn = self.conn(member);
        if self.links[member.0 as usize].is_line {
            self.tell(member, &Event::Goodbye(goodbye));
        }
        match goodbye {
            Goodbye::Quit => self.cx.close(conn, ws_close::NORMAL, "goodbye"),
            Goodbye::Idle { .. } => self.cx.close(conn, close::IDLE, "idle"),
        }
    }
}

fn render(class: Class, event: &Event<'_>, out: &mut Vec<u8>) {
    match class {
        TEXT => text::render(event, out),
        Class(_) => unreachable!("nobody is subscribed with any other"),
    }
}

fn conn(links: &[Link], member: MemberId) -> ConnId {
    let link = links.get(member.0 as usize).expect("a member comes by a connection");
    ConnId { index: member.0, generation: link.generation }
}

fn member(conn: ConnId) -> MemberId {
    MemberId(conn.index)
}

fn topic(room: RoomId) -> Topic {
    Topic(u64::from(room.serial) << 32 | u64::from(room.index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fake::{FakeContext, with_request};

    const NC: ConnId = ConnId { index: 0, generation: 5 };
    const BROWSER: ConnId = ConnId { index: 1, generation: 6 };
    const MINUTES_5: u64 = 300_000;

    fn chat() -> (Chat, FakeContext) {
        (Chat::new(Settings::default(), 1), FakeContext::default())
    }

    fn open_web_socket(chat: &mut Chat, cx: &mut FakeContext, conn: ConnId) {
        with_request("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", |request| {
            chat.on_open(cx, conn, Opening::WebSocket { request: request.head, subprotocol: None });
        });
    }

    /// One at `nc`, one at a browser, and both have read everything.
    fn both() -> (Chat, FakeContext) {
        let (mut chat, mut cx) = chat();
        chat.on_open(&mut cx, NC, Opening::Line);
        open_web_socket(&mut chat, &mut cx, BROWSER);
        cx.take(NC);
        cx.take(BROWSER);
        (chat, cx)
    }

    fn end(chat: &mut Chat, cx: &mut FakeContext, conn: ConnId) {
        chat.on_close(cx, conn, Ending { code: 1006, word: "reset" });
    }

    #[test]
    fn lines_and_web_sockets_meet_in_one_room() {
        let (mut chat, mut cx) = chat();
        chat.on_open(&mut cx, NC, Opening::Line);
        let welcome = "* welcome to chinwag, guest-1. /help lists the commands";
        assert_eq!(cx.take_texts(NC), [welcome, "* lobby: 1 here"]);
        open_web_socket(&mut chat, &mut cx, BROWSER);
        assert_eq!(cx.take_texts(NC), ["* guest-2 joined"]);
        let welcome = "* welcome to chinwag, guest-2. /help lists the commands";
        assert_eq!(cx.take_texts(BROWSER), [welcome, "* lobby: 2 here"]);

        chat.on_message(&mut cx, NC, Message::Text("hi"));
        chat.on_message(&mut cx, BROWSER, Message::Text("two\nlines"));
        assert_eq!(cx.take_texts(BROWSER), ["[guest-1] hi"]);
        assert_eq!(cx.take_texts(NC), [r"[guest-2] two\nlines"]);
        chat.on_message(&mut cx, NC, Message::Text("/who"));
        assert_eq!(cx.take_texts(NC), ["* lobby: 2 here: guest-1, guest-2"]);
    }

    #[test]
    fn the_first_subprotocol_that_is_known_is_chosen() {
        let (mut chat, mut cx) = chat();
        let mut choose = |offer: &str| {
            with_request(&format!("GET /ws HTTP/1.1\r\nHost: a\r\n{offer}\r\n"), |request| {
                match chat.on_upgrade(&mut cx, request) {
                    Upgrade::Accept { subprotocol } => subprotocol,
                    Upgrade::Refuse(response) => panic!("{response:?}"),
                }
            })
        };
        assert_eq!(choose("Sec-WebSocket-Protocol: mqtt, chat\r\n"), Some("chat"));
        assert_eq!(choose("Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: chat\r\n"), Some("chat"));
        assert_eq!(choose("Sec-WebSocket-Protocol: mqtt, chatter\r\n"), None);
        assert_eq!(choose(""), None);
    }

    #[test]
    fn bytes_are_no_chat() {
        let (mut chat, mut cx) = both();
        chat.on_message(&mut cx, BROWSER, Message::Binary(b"hi"));
        assert_eq!(cx.closed[&BROWSER].0, 1003);
        assert!(cx.take(NC).is_empty());
    }

    #[test]
    fn quitting_is_said_on_a_line_and_in_the_close_frame() {
        let (mut chat, mut cx) = both();
        chat.on_message(&mut cx, BROWSER, Message::Text("/quit"));
        assert_eq!(cx.closed[&BROWSER], (1000, "goodbye".to_owned()));
        assert!(cx.take(BROWSER).is_empty());
        chat.on_message(&mut cx, NC, Message::Text("/quit"));
        assert_eq!(cx.closed[&NC].0, 1000);
        assert_eq!(cx.take_texts(NC), ["* goodbye"]);
    }

    #[test]
    fn five_minutes_without_a_line_end_a_line_connection() {
        let (mut chat, mut cx) = both();
        assert_eq!(cx.deadlines.get(&BROWSER), None, "a WebSocket is asked by pings");
        cx.now = Millis(MINUTES_5 - 1);
        assert!(!cx.poll_deadline(NC));
        chat.on_message(&mut cx, NC, Message::Text("/who"));
        cx.now = Millis(2 * MINUTES_5 - 2);
        assert!(!cx.poll_deadline(NC));
        // Any line counts, and so does one that is none.
        chat.on_bad_line(&mut cx, NC, BadLine::NotUtf8);
        assert_eq!(cx.take_texts(NC).pop().as_deref(), Some("* not UTF-8: that line was skipped"));
        cx.now = Millis(3 * MINUTES_5 - 2);
        assert!(cx.poll_deadline(NC));
        chat.on_deadline(&mut cx, NC);
        assert_eq!(cx.take_texts(NC), ["* nothing said for 300 s: goodbye"]);
        assert_eq!(cx.closed[&NC], (4109, "idle".to_owned()));
        assert!(cx.closed.len() == 1);
    }

    #[test]
    fn the_idle_rule_can_be_switched_off() {
        let mut chat = Chat::new(Settings { line_idle_timeout: None, ..Settings::default() }, 1);
        let mut cx = FakeContext::default();
        chat.on_open(&mut cx, NC, Opening::Line);
        chat.on_message(&mut cx, NC, Message::Text("hi"));
        assert!(cx.deadlines.is_empty());
    }

    #[test]
    fn a_bad_line_is_answered_and_the_connection_stays() {
        let (mut chat, mut cx) = both();
        chat.on_bad_line(&mut cx, NC, BadLine::TooLong);
        assert_eq!(cx.take_texts(NC), ["* too long: that line was skipped"]);
        chat.on_message(&mut cx, NC, Message::Text("shorter, then"));
        assert_eq!(cx.take_texts(BROWSER), ["[guest-1] shorter, then"]);
        assert!(cx.closed.is_empty());
    }

    #[test]
    fn who_is_gone_is_told_as_gone_and_its_slot_is_somebody_elses() {
        let (mut chat, mut cx) = both();
        cx.now = Millis(5000);
        end(&mut chat, &mut cx, BROWSER);
        assert_eq!(cx.take_texts(NC), ["* guest-2 left"]);
        cx.now = Millis(10_000);
        let next = ConnId { generation: 9, ..BROWSER };
        open_web_socket(&mut chat, &mut cx, next);
        assert_eq!(cx.take_texts(NC), ["* guest-3 joined"]);
        chat.on_message(&mut cx, NC, Message::Text("hi"));
        assert_eq!(cx.take_texts(next).pop().as_deref(), Some("[guest-1] hi"));
        assert!(cx.take(BROWSER).is_empty(), "the one before is not meant any more");
    }

    #[test]
    fn the_server_is_asked_once_to_wake_the_chat_and_only_if_there_is_something_to_tell() {
        let (mut chat, mut cx) = both();
        assert_eq!((cx.wake_at, cx.wakes_set), (None, 0));
        for index in 2..100 {
            open_web_socket(&mut chat, &mut cx, ConnId { index, generation: 1 });
        }
        assert_eq!((cx.wake_at, cx.wakes_set), (Some(Millis(1000)), 1));
        cx.now = Millis(1000);
        cx.wake_at = None; // As it is when it has come.
        chat.on_wake(&mut cx);
        assert_eq!(cx.take_texts(NC), ["* 98 joined, 100 here"]);
        assert_eq!(cx.wake_at, None);
    }

    #[test]
    fn what_was_missed_is_said() {
        let (mut chat, mut cx) = both();
        let &(topic, _, _) = cx.subscriptions.first().unwrap();
        let mut replay = Replay::default();
        assert_eq!(chat.on_replay(&mut cx, NC, topic, 3..15, &mut replay), 15);
        assert!(replay.texts().eq(["* missed 12 messages (slow)".as_bytes()]));
    }
}
