//! The chat as the server knows it, and beside it the model, which hears the same.

use super::expected::Dialect;
use super::model::Model;
use chinwag::chat::Chat;
use chinwag::chat::Slow;
use chinwag::service::{
    BadLine, Cause, ConnId, Context, Ending, Message, Missing, Opening, Replay, Request, Service, Shutdown,
    Upgrade,
};
use chinwag::wire::Refusal;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;

pub struct Witness {
    pub chat: Chat,
    pub model: Rc<RefCell<Model>>,
}

impl Service for Witness {
    fn on_upgrade(&mut self, cx: &mut dyn Context, request: &Request<'_>) -> Upgrade {
        self.chat.on_upgrade(cx, request)
    }

    fn on_open(&mut self, cx: &mut dyn Context, conn: ConnId, opening: Opening<'_>) {
        let mut model = self.model.borrow_mut();
        model.open(conn, matches!(opening, Opening::Line));
        if let Opening::WebSocket { request, subprotocol } = opening {
            let dialect = if subprotocol == Some("chinwag.v1.json") { Dialect::Json } else { Dialect::Text };
            let [name, room] = ["name", "room"].map(|param| request.query_param(param));
            model.enter_by_query(cx.now(), conn, dialect, name.as_deref(), room.as_deref());
        }
        self.chat.on_open(cx, conn, opening);
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        self.model.borrow_mut().unix_ms = cx.unix_ms();
        let Message::Text(said) = message else { panic!("nobody sends bytes") };
        self.model.borrow().trace(cx.now(), conn, format_args!("> {said}"));
        self.model.borrow_mut().hear(cx.now(), conn, said, &|reader| cx.is_crowded(reader));
        self.chat.on_message(cx, conn, message);
    }

    fn on_bad_line(&mut self, cx: &mut dyn Context, conn: ConnId, error: BadLine) {
        let (refusal, first) = match error {
            BadLine::TooLong { first } => (Refusal::LineTooLong, first),
            BadLine::NotUtf8 { first } => (Refusal::NotUtf8, first),
        };
        self.model.borrow_mut().hear_bad_line(cx.now(), conn, first, refusal);
        self.chat.on_bad_line(cx, conn, error);
    }

    fn on_replay(
        &mut self,
        cx: &mut dyn Context,
        conn: ConnId,
        missing: Missing,
        replay: &mut Replay,
    ) -> u64 {
        let (end, cause) = (missing.entries.end, missing.cause);
        let reached = self.chat.on_replay(cx, conn, missing, replay);
        let mut model = self.model.borrow_mut();
        assert!(!model.conns[&conn].is_gone, "nobody who is gone is sent anything");
        model.counts.count(match cause {
            Cause::Lagged => "lagged",
            Cause::Requested => "replayed what was asked for",
        });
        if reached < end {
            model.counts.count("replayed in slices");
        }
        let texts = || replay.texts().map(|text| str::from_utf8(text).expect("a replay is text"));
        let crowds = texts().filter(|text| is_crowd(text)).count();
        (0..crowds).for_each(|_| model.counts.count("presence made good"));
        if model.conns[&conn].dialect == Some(Dialect::Json) {
            check_replay(&model, cause, texts());
        }
        reached
    }

    fn on_deadline(&mut self, cx: &mut dyn Context, conn: ConnId) {
        let mut model = self.model.borrow_mut();
        let it = &model.conns[&conn];
        let (has_dialect, observes) = (it.dialect.is_some(), it.observes.is_some());
        if it.is_silent && (!has_dialect || observes) {
            if cx.begun_line(conn) == Some(b'{') {
                model.counts.count("a begun line shows the dialect");
                model.hear_first_byte(cx.now(), conn, Some(b'{'));
            } else if observes {
                model.announce(cx.now(), conn);
            } else {
                model.observe(cx.now(), conn);
            }
        }
        self.chat.on_deadline(cx, conn);
    }

    fn on_shutdown(&mut self, cx: &mut dyn Context, shutdown: Shutdown) {
        self.chat.on_shutdown(cx, shutdown);
    }

    fn on_wake(&mut self, cx: &mut dyn Context) {
        self.model.borrow_mut().wake(cx.now());
        self.chat.on_wake(cx);
    }

    fn on_close(&mut self, cx: &mut dyn Context, conn: ConnId, ending: Ending) {
        self.model.borrow().trace(cx.now(), conn, format_args!("closed: {ending:?}"));
        let mut model = self.model.borrow_mut();
        let what = match (ending.word, ending.code) {
            ("service", 4005) => "closed: replaced",
            ("service", 4108) if model.settings.slow == Slow::Disconnect => "closed: too slow for the room",
            ("service", 4108) => {
                let is_excused = !model.is_exact || model.lacks_forgotten_room(conn);
                assert!(is_excused, "closed, and it is known what it lacks");
                "closed: nobody knows what it lacks"
            }
            ("service", _) => "closed: service",
            ("too-slow", _) => "closed: too-slow",
            ("pong-timeout", _) => "closed: pong-timeout",
            ("peer-eof", _) => "closed: peer-eof",
            ("reset", _) => "closed: reset",
            _ => "closed: otherwise",
        };
        model.counts.count(what);
        if model.conns[&conn].observes.is_some() {
            model.counts.count("observers who were never there");
        }
        model.close(cx.now(), conn);
        self.chat.on_close(cx, conn, ending);
    }

    fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        self.chat.stats(report);
    }
}

/// Whether this tells how many are in a room, and not who.
fn is_crowd(text: &str) -> bool {
    text.starts_with(r#"{"type":"presence","#) || text.starts_with("* ") && text.ends_with(" here")
}

/// What is given up is forgotten at this moment, and who jumps is given one message.
fn check_replay<'a>(model: &Model, cause: Cause, texts: impl Iterator<Item = &'a str>) {
    let jumps = model.settings.slow == Slow::Latest && cause == Cause::Lagged;
    let mut messages = 0;
    for text in texts {
        let object: Value = serde_json::from_str(text).expect("a sound object");
        let room = object["room"].as_str().expect("a room");
        match object["type"].as_str() {
            Some("message") => messages += 1,
            Some("gap") if model.is_exact && !jumps => {
                let oldest = model.oldest(model.life(room));
                assert!(object["to"].as_u64() < Some(oldest), "the oldest is {oldest}: {text}");
            }
            _ => {}
        }
    }
    assert!(messages <= 1 || !jumps, "{messages} messages for one who is to jump");
}
