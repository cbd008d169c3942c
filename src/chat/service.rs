//! The chat as a [`Service`]: what the server tells it becomes commands. What the hub then wants done is
//! [delivered](super::delivery).
//!
//! The dialect of a WebSocket is its subprotocol. A line connection shows its dialect by the first byte of its first line,
//! whenever that comes:
//!
//! ```text
//!     line connection ── first byte `{` ──────────────────────────────────────▶ JSON
//!            │                                                                   ▲
//!            ├── any other first byte ───────────────▶ text: a member of the lobby
//!            │                                           ▲                       │ first byte `{`
//!            └── 1 s ──▶ observer: welcomed, ── 5 s ─────┘                       │
//!                        and reads the lobby ────────────────────────────────────┘
//! ```
//!
//! A silent connection is not known to anybody until it has stayed for 5 s, since most of them are health checks.
//!
//! The byte counts also when the line never becomes a message, or comes late: a program's hello holds a secret, and as a
//! person's words it would be read by the whole lobby.
//!
//! Whether somebody sits at a browser or at `nc` makes two more differences: a line connection is told why it is closed in
//! its own dialect, as there is no Close frame to hold it, and it can send lines that are none.

use super::delivery::{JSON, Link, NO_LINK, Scratch, ServerEffects, TEXT, member, render_replayed, room};
use super::pressure::SLICE_BYTES;
use super::{Effects, Hub, LOBBY, Mode, Seed, Settings};
use crate::proto::http::Head;
use crate::proto::ws::close as ws_close;
use crate::service::{
    BadLine, Cause, Class, ConnId, Context, Ending, Message, Missing, Opening, Replay, Request, Service,
    Shutdown, Upgrade,
};
use crate::time::Millis;
use crate::wire::{Command, Goodbye, Name, Refusal, RoomName, json, text};
use std::ops::Range;

const JSON_SUBPROTOCOL: &str = "chinwag.v1.json";
/// The subprotocols that we speak; none at all is also text.
const SUBPROTOCOLS: [&str; 2] = [JSON_SUBPROTOCOL, "chat"];

/// How long a line connection may say nothing before it is welcomed in text.
const FIRST_LINE_TIMEOUT: Millis = Millis(1000);
/// How long it then observes before it is announced.
const OBSERVE_TIMEOUT: Millis = Millis(4000);
/// When to come back after a restart: at once, or within so many milliseconds more, so that not all come together.
const COME_BACK_MS: Range<u64> = 1000..10_000;
/// The chat, to be mounted on a server.
#[derive(Debug)]
pub struct Chat {
    hub: Hub,
    line_idle_timeout: Option<Millis>,
    ws_idle_timeout: Option<Millis>,
    /// By the connection's slot.
    links: Vec<Link>,
    /// Kept for their memory.
    scratch: Scratch,
    /// What the context was last told about waking.
    wake_at: Option<Millis>,
}

impl Chat {
    /// A chat with nobody in it.
    pub fn new(settings: Settings, seed: Seed) -> Chat {
        Chat {
            line_idle_timeout: settings.line_idle_timeout,
            ws_idle_timeout: settings.ws_idle_timeout,
            hub: Hub::new(settings, seed),
            links: Vec::new(),
            scratch: Scratch::default(),
            wake_at: None,
        }
    }

    /// Lets the hub act.
    fn act(&mut self, cx: &mut dyn Context, act: impl FnOnce(&mut Hub, Millis, &mut ServerEffects<'_>)) {
        let now = cx.now();
        let mut effects = ServerEffects { cx, links: &mut self.links, scratch: &mut self.scratch };
        act(&mut self.hub, now, &mut effects);
        let wake_at = self.hub.next_wake();
        if wake_at != self.wake_at {
            self.wake_at = wake_at;
            cx.wake_at(wake_at);
        }
    }

    fn class(&self, conn: ConnId) -> Option<Class> {
        self.links.get(conn.index as usize)?.class
    }

    /// The connection has shown that somebody is there.
    fn put_off_idle(&self, cx: &mut dyn Context, conn: ConnId) {
        let Some(link) = self.links.get(conn.index as usize) else { return };
        let timeout = if link.is_line { self.line_idle_timeout } else { self.ws_idle_timeout };
        // Also when there is none: a line connection has had another deadline before its first line.
        let at = timeout.map(|timeout| cx.now() + timeout);
        cx.deadline(conn, at);
    }

    /// Somebody is here, and this is how they speak.
    fn enter(&mut self, conn: ConnId, class: Class) {
        self.links[conn.index as usize].class = Some(class);
        self.hub.enter(member(conn), if class == JSON { Mode::Json } else { Mode::Text });
    }

    /// The first line of a line connection has come, or has begun; this is its first byte.
    fn hear_first_byte(&mut self, cx: &mut dyn Context, conn: ConnId, first: Option<u8>) {
        let id = member(conn);
        self.links[conn.index as usize].is_silent = false;
        match (first, self.class(conn)) {
            (_, Some(JSON)) => {}
            (Some(b'{'), None) => self.enter(conn, JSON),
            (Some(b'{'), Some(_)) => {
                // It was welcomed as a person, since it took so long.
                self.act(cx, |hub, now, effects| hub.leave(now, id, effects));
                self.enter(conn, JSON);
            }
            (_, None) => {
                self.enter(conn, TEXT);
                self.act(cx, |hub, now, effects| {
                    hub.greet(id, effects);
                    hub.handle(now, id, None, join(lobby()), effects);
                });
            }
            (_, Some(_)) => self.act(cx, |hub, now, effects| hub.announce(now, id, lobby(), effects)),
        }
    }

    /// A silent line connection is welcomed, and reads the lobby unseen.
    fn observe(&mut self, cx: &mut dyn Context, conn: ConnId) {
        self.enter(conn, TEXT);
        self.act(cx, |hub, now, effects| hub.observe(now, member(conn), lobby(), effects));
        if !self.hub.is_observing(member(conn)) {
            return self.put_off_idle(cx, conn);
        }
        let stays = self.line_idle_timeout.map_or(OBSERVE_TIMEOUT, |timeout| timeout.min(OBSERVE_TIMEOUT));
        let at = cx.now() + stays;
        cx.deadline(conn, Some(at));
    }

    /// A line connection has said nothing for as long as it may.
    fn handle_silence(&mut self, cx: &mut dyn Context, conn: ConnId) {
        let id = member(conn);
        let has_class = self.class(conn).is_some();
        let is_observing = self.hub.is_observing(id);
        match (cx.begun_line(conn), self.line_idle_timeout) {
            (Some(b'{'), _) if is_observing || !has_class => {
                self.hear_first_byte(cx, conn, Some(b'{'));
                self.put_off_idle(cx, conn);
            }
            _ if !has_class => self.observe(cx, conn),
            (_, Some(timeout)) if !is_observing || timeout <= OBSERVE_TIMEOUT => self.close_idle(cx, conn),
            (_, timeout) => {
                self.act(cx, |hub, now, effects| hub.announce(now, id, lobby(), effects));
                // It has been idle all the while.
                let at = timeout.map(|timeout| cx.now() + (timeout - OBSERVE_TIMEOUT));
                cx.deadline(conn, at);
            }
        }
    }

    fn close_idle(&mut self, cx: &mut dyn Context, conn: ConnId) {
        let is_line = self.links[conn.index as usize].is_line;
        let timeout = if is_line { self.line_idle_timeout } else { self.ws_idle_timeout };
        let secs = timeout.map_or(0, |timeout| timeout.0 / 1000);
        self.act(cx, |_, _, effects| effects.close(member(conn), Goodbye::Idle { secs }));
    }

    /// What the query of a WebSocket's request asks: a hello and a join at once. A value that is refused is as none.
    fn enter_by_query(&mut self, cx: &mut dyn Context, conn: ConnId, head: &Head<'_>) {
        let id = member(conn);
        let is_text = self.class(conn) != Some(JSON);
        let (name, token) = (head.query_param("name"), head.query_param("token"));
        let room = head.query_param("room");
        self.act(cx, |hub, now, effects| {
            if name.is_some() || token.is_some() {
                match name.as_deref().map(Name::new).transpose() {
                    Ok(name) => {
                        let hello =
                            Command::Hello { name, secret: None, token: token.as_deref(), echo: false };
                        hub.handle(now, id, None, hello, effects);
                    }
                    Err(bad) => hub.handle_nonsense(now, id, None, Refusal::BadName(bad), effects),
                }
            }
            let room = room.as_deref().map(RoomName::new).transpose();
            if is_text || matches!(room, Ok(Some(_))) {
                hub.greet(id, effects);
            }
            match room {
                Ok(Some(room)) => hub.handle(now, id, None, join(room), effects),
                Ok(None) if is_text => hub.handle(now, id, None, join(lobby()), effects),
                Ok(None) => {}
                Err(bad) => {
                    hub.handle_nonsense(now, id, None, Refusal::BadRoomName(bad), effects);
                    if is_text {
                        hub.handle(now, id, None, join(lobby()), effects);
                    }
                }
            }
        });
    }

    fn handle(&mut self, cx: &mut dyn Context, conn: ConnId, said: &str) {
        let id = member(conn);
        if self.class(conn) != Some(JSON) {
            return self.act(cx, |hub, now, effects| match text::parse(said) {
                Ok(command) => hub.handle(now, id, None, command, effects),
                Err(refusal) => hub.handle_nonsense(now, id, None, refusal, effects),
            });
        }
        let mut unescaped = std::mem::take(&mut self.scratch.unescaped);
        self.act(cx, |hub, now, effects| match json::parse(said, &mut unescaped) {
            Ok((request, command)) => hub.handle(now, id, request, command, effects),
            Err((request, refusal)) => hub.handle_nonsense(now, id, request, refusal, effects),
        });
        self.scratch.unescaped = unescaped;
    }
}

fn lobby() -> RoomName<'static> {
    RoomName::new(LOBBY).expect("a constant that tests have seen")
}

fn join(room: RoomName<'_>) -> Command<'_> {
    Command::Join { room, since: None, history: 0 }
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
            self.links.resize(index + 1, NO_LINK);
        }
        let is_line = matches!(opening, Opening::Line);
        self.links[index] = Link { generation: conn.generation, is_line, is_silent: is_line, class: None };
        match opening {
            Opening::Line => {
                let at = cx.now() + FIRST_LINE_TIMEOUT;
                cx.deadline(conn, Some(at));
            }
            Opening::WebSocket { request, subprotocol } => {
                self.enter(conn, if subprotocol == Some(JSON_SUBPROTOCOL) { JSON } else { TEXT });
                self.put_off_idle(cx, conn);
                self.enter_by_query(cx, conn, request);
            }
        }
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        let Message::Text(said) = message else {
            return cx.close(conn, ws_close::UNSUPPORTED_DATA, "this chat takes text");
        };
        let is_silent = self.links[conn.index as usize].is_silent;
        // The Return key says nothing. Only whoever has said something before is known to be there by it.
        if self.class(conn) != Some(JSON) && text::is_blank(said) {
            if !is_silent {
                self.put_off_idle(cx, conn);
            }
            return;
        }
        if is_silent {
            self.hear_first_byte(cx, conn, said.trim_start().bytes().next());
        }
        self.put_off_idle(cx, conn);
        self.handle(cx, conn, said);
    }

    fn on_bad_line(&mut self, cx: &mut dyn Context, conn: ConnId, error: BadLine) {
        let (refusal, first) = match error {
            BadLine::TooLong { first } => (Refusal::LineTooLong, first),
            BadLine::NotUtf8 { first } => (Refusal::NotUtf8, first),
        };
        match (self.links[conn.index as usize].is_silent, first) {
            (true, b'{') => self.hear_first_byte(cx, conn, Some(b'{')),
            // It has not said anything yet.
            (true, _) if self.class(conn).is_none() => self.observe(cx, conn),
            _ => {}
        }
        if !self.hub.is_observing(member(conn)) {
            self.put_off_idle(cx, conn);
        }
        self.act(cx, |hub, now, effects| hub.handle_nonsense(now, member(conn), None, refusal, effects));
    }

    fn on_replay(
        &mut self,
        cx: &mut dyn Context,
        conn: ConnId,
        Missing { topic, entries, cause }: Missing,
        replay: &mut Replay,
    ) -> u64 {
        let class = self.class(conn).unwrap_or(TEXT);
        let unescaped = &mut self.scratch.unescaped;
        let end = entries.end;
        let reached =
            self.hub.replay(room(topic), entries, cause == Cause::Lagged, |room, epoch, replayed| {
                replay.push(|out| render_replayed(class, room, epoch, replayed, unescaped, out));
                replay.len_bytes() < SLICE_BYTES
            });
        reached.unwrap_or_else(|| {
            self.act(cx, |_, _, effects| effects.close(member(conn), Goodbye::TooSlow));
            end
        })
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        match self.links[conn.index as usize].is_silent {
            true => self.handle_silence(cx, conn),
            false => self.close_idle(cx, conn),
        }
    }

    fn on_shutdown(&mut self, cx: &mut dyn Context, shutdown: Shutdown) {
        // Whoever has shown no dialect yet is told too, and is not welcomed for it.
        for index in 0..self.links.len() {
            let Link { generation, is_line, class, .. } = self.links[index];
            if is_line && class.is_none() {
                let conn = ConnId { index: index as u32, generation };
                self.enter(conn, if cx.begun_line(conn) == Some(b'{') { JSON } else { TEXT });
            }
        }
        let goodbye = |random: u64| match shutdown {
            Shutdown::Stop => Goodbye::Stopping,
            Shutdown::Restart => {
                let spread = COME_BACK_MS.end - COME_BACK_MS.start;
                Goodbye::Restarting { retry_ms: COME_BACK_MS.start + random % spread }
            }
        };
        self.act(cx, |hub, _, effects| hub.shut_down(goodbye, effects));
    }

    fn on_wake(&mut self, cx: &mut dyn Context) {
        self.wake_at = None;
        self.act(cx, |hub, now, effects| hub.wake(now, effects));
    }

    fn on_close(&mut self, cx: &mut dyn Context, conn: ConnId, _ending: Ending) {
        self.act(cx, |hub, now, effects| hub.leave(now, member(conn), effects));
        self.links[conn.index as usize] = NO_LINK;
    }

    fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        self.hub.stats(report);
    }
}

#[cfg(test)]
mod tests;
