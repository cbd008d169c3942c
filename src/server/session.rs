//! Step 5 of the turn: the bytes of a connection become requests, messages and lines, and reach their service.

use super::close_reason::CloseReason;
use super::connection::{Codec, Intake, Phase, Wire};
use super::core::Core;
use super::router::{Route, ServiceId};
use super::warnings::quoted;
use crate::proto::http::{self, Head, HeaderSlots, Response, body};
use crate::proto::ws::deflate::Parameters;
use crate::proto::ws::{self, close, handshake};
use crate::proto::{Input, tls};
use crate::service::{Message, Opening, Request, Upgrade};
use crate::time::Millis;

/// What can be asked of a page, besides its OPTIONS.
const PAGE_METHODS: &[&str] = &["GET", "HEAD"];

/// What became of the bytes of one request.
enum Requested {
    /// It has not come whole.
    Incomplete,
    /// It took so many bytes and has been answered.
    Answered(usize),
    /// It took so many bytes, and what follows are frames.
    Upgraded(usize, ServiceId, Option<Parameters>),
}

impl Core {
    /// Handles what has come, in order, until it is all handled, or until so much waits to be sent to the peer that it is
    /// not to be asked for more; then the rest is kept.
    pub(super) fn process(&mut self, now: Millis, index: u32, input: &mut Input<'_>) {
        // The codec is at work here, not in the slab, so that services can be called while an event borrows from it.
        let mut codec = std::mem::take(&mut self.state.conn(index).codec);
        self.state.speaking = Some(index);
        while self.is_served(index) && !input.is_empty() {
            match &mut codec {
                Codec::Http => match self.process_http(now, index, input) {
                    Some(upgraded) => codec = upgraded,
                    None => break,
                },
                Codec::WebSocket(connection) => {
                    self.process_frames(now, index, connection, input);
                    break;
                }
                Codec::Line(lines) => {
                    self.process_lines(now, index, lines, input);
                    break;
                }
            }
        }
        self.state.speaking = None;
        self.state.conn(index).codec = codec;
    }

    /// Handles bytes that lie in the loop's read buffer. What is left of them is kept, if there is any use for it.
    pub(super) fn process_bytes(&mut self, now: Millis, index: u32, bytes: &mut [u8]) {
        if let Some(mut unread) = self.state.conn(index).unread.take() {
            unread.extend_from_slice(bytes);
            return self.process_unread(now, index, unread);
        }
        let mut input = Input::new(bytes);
        self.process(now, index, &mut input);
        let conn = self.state.conn(index);
        if conn.is_heard() && !input.is_empty() {
            conn.unread = Some(Box::new(input.remaining().to_vec()));
        }
    }

    /// The same with bytes that had been kept.
    #[allow(clippy::box_collection, reason = "as the connection keeps them")]
    pub(super) fn process_unread(&mut self, now: Millis, index: u32, mut unread: Box<Vec<u8>>) {
        let mut input = Input::new(&mut unread);
        self.process(now, index, &mut input);
        let left = input.len();
        let conn = self.state.conn(index);
        if conn.is_heard() && left > 0 {
            unread.drain(..unread.len() - left);
            conn.unread = Some(unread);
        }
    }

    /// Whether the next event of a connection is to be handled. A closing one is: its peer's Close may be the next.
    pub(super) fn is_served(&mut self, index: u32) -> bool {
        let conn = self.state.conn(index);
        match conn.phase {
            Phase::Open | Phase::Closing => conn.intake == Intake::Open,
            Phase::Flushing | Phase::Draining | Phase::Gone => false,
        }
    }

    fn process_frames(&mut self, now: Millis, index: u32, ws: &mut ws::Connection, input: &mut Input<'_>) {
        let service = self.state.conn(index).service.expect("a connection is upgraded for a service");
        while self.is_served(index) {
            let is_open = self.state.conn(index).phase == Phase::Open;
            match ws.poll_event_with(input, &mut self.state.deflation.inflater) {
                Ok(None) => break,
                // 5.5.2: until the peer's Close has come, also behind our own, which forbids data and no more (5.5.1).
                Ok(Some(ws::Event::Ping(payload))) => self.state.pong(index, payload),
                // We have sent our Close: what the peer still says is not served.
                Ok(Some(ws::Event::Close(_))) if !is_open => self.state.finish(now, index),
                Ok(Some(_)) if !is_open => {}
                Ok(Some(ws::Event::Text(text))) => {
                    self.handle_message(now, index, service, Message::Text(text))
                }
                Ok(Some(ws::Event::Binary(bytes))) => {
                    self.handle_message(now, index, service, Message::Binary(bytes))
                }
                Ok(Some(ws::Event::Pong(_))) => {}
                Ok(Some(ws::Event::Close(frame))) => {
                    let code = frame.map_or(close::NO_STATUS_RECEIVED, |frame| frame.code);
                    self.state.close(now, index, CloseReason::PeerClosed(code));
                }
                Err(_) if !is_open => self.state.finish(now, index),
                Err(error) => {
                    self.state.close(now, index, CloseReason::Protocol(error));
                }
            }
        }
        ws.release();
    }

    pub(super) fn handle_message(&mut self, now: Millis, index: u32, service: u16, message: Message<'_>) {
        self.state.metrics.messages_in += 1;
        let conn = self.state.conn(index);
        conn.messages_in = conn.messages_in.saturating_add(1);
        let id = conn.id(index);
        self.with_service(now, service, |service, cx| service.on_message(cx, id, message));
    }

    /// Handles one request. Returns the codec for what follows it, or `None` when the rest has yet to come.
    fn process_http(&mut self, now: Millis, index: u32, input: &mut Input<'_>) -> Option<Codec> {
        let requested = self.handle_request(now, index, input.remaining());
        let limits = &self.state.limits;
        let (head_deadline, keep_alive_deadline) =
            (now + limits.head_timeout, now + limits.keep_alive_timeout);
        let conn = self.state.conn(index);
        match requested {
            Requested::Incomplete => {
                // The clock of a request starts with its first byte, and does not start again with the next.
                if !std::mem::replace(&mut conn.is_mid_request, true) {
                    conn.deadline = head_deadline;
                    self.state.touch_timer(index);
                }
                None
            }
            Requested::Answered(len) => {
                input.take(len);
                conn.is_mid_request = false;
                conn.is_continued = false;
                conn.head_searched = 0;
                if conn.phase == Phase::Open {
                    conn.deadline = keep_alive_deadline;
                    self.state.touch_timer(index);
                }
                Some(Codec::Http)
            }
            Requested::Upgraded(len, ServiceId(service), deflate) => {
                input.take(len);
                let message_bytes_max = self.mounts[usize::from(service)].message_bytes_max;
                let connection = ws::Connection::new(ws::Role::Server, message_bytes_max);
                Some(Codec::WebSocket(match deflate {
                    Some(agreed) => connection.deflated(&agreed),
                    None => connection,
                }))
            }
        }
    }

    fn handle_request(&mut self, now: Millis, index: u32, bytes: &[u8]) -> Requested {
        if self.state.conn(index).messages_in == 0 && tls::is_hello(bytes) {
            self.refuse_tls(now, index);
            return Requested::Answered(bytes.len());
        }
        // What was searched for the end of the head before is not searched again.
        let searched = self.state.conn(index).head_searched as usize;
        if searched > 0
            && let Ok(None) = http::head_end(bytes, searched)
        {
            return self.wait_for_head(index, bytes.len());
        }
        let mut slots = HeaderSlots::new();
        let (head, head_len) = match Head::parse(bytes, &mut slots) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return self.wait_for_head(index, bytes.len()),
            Err(error) => return self.refuse(now, index, bytes.len(), false, &error.response()),
        };
        let is_head = head.method() == "HEAD";
        if let Err(response) = self.check_host(now, index, &head) {
            return self.refuse(now, index, bytes.len(), is_head, &response);
        }
        if handshake::is_upgrade(&head) {
            return match self.upgrade(now, index, &head) {
                Ok((service, deflate)) => Requested::Upgraded(head_len, service, deflate),
                Err(response) => self.refuse(now, index, bytes.len(), is_head, &response),
            };
        }
        let body_len = match body::length(&head, self.state.limits.body_bytes_max) {
            Ok(len) => len,
            Err(error) => return self.refuse(now, index, bytes.len(), is_head, &error.response()),
        };
        self.state.conn(index).head_searched = 0;
        let Some(body) = bytes.get(head_len..head_len + body_len) else {
            // RFC 9110, 10.1.1: the client waits for word that its body is wanted.
            if head.expects_continue() && !std::mem::replace(&mut self.state.conn(index).is_continued, true) {
                self.state.push_bytes(index, http::CONTINUE);
            }
            return Requested::Incomplete;
        };
        let response = self.response_to(now, &Request { head: &head, body });
        self.respond(now, index, &response, is_head, head.keep_alive());
        Requested::Answered(head_len + body_len)
    }

    fn wait_for_head(&mut self, index: u32, searched: usize) -> Requested {
        self.state.conn(index).head_searched = u32::try_from(searched).expect("a head is shorter than that");
        Requested::Incomplete
    }

    fn response_to(&mut self, now: Millis, request: &Request<'_>) -> Response {
        let method = request.head.method();
        // RFC 9110, 9.3.7: about the server as a whole.
        if method == "OPTIONS" && request.head.target() == "*" {
            return Response::options(PAGE_METHODS);
        }
        match self.router.find(request.head.path()) {
            None => Response::text(404, "there is nothing at this path\n"),
            Some(Route::Page(page)) => match method {
                "GET" | "HEAD" => page.answer(request.head),
                "OPTIONS" => Response::options(PAGE_METHODS),
                _ => Response::method_not_allowed(PAGE_METHODS),
            },
            Some(&Route::Service(ServiceId(service))) => {
                let response = self.with_service(now, service, |service, cx| match method {
                    "OPTIONS" => Response::options(service.methods()),
                    _ => service.on_request(cx, request),
                });
                match response.status {
                    405 | 426 => self.explain_refusal(now, request.head).unwrap_or(response),
                    _ => response,
                }
            }
        }
    }

    /// Makes a WebSocket connection of an HTTP one (RFC 6455, 4.2). The response to a handshake that fails says why.
    fn upgrade(
        &mut self,
        now: Millis,
        index: u32,
        head: &Head<'_>,
    ) -> Result<(ServiceId, Option<Parameters>), Response> {
        let Some(&Route::Service(id)) = self.router.find(head.path()) else {
            let (path, endpoints) = (quoted(head.path()), self.router.endpoints());
            let text = format!("there is no WebSocket endpoint at {path}: connect to {endpoints}\n");
            return Err(Response::text(404, text));
        };
        let offer = handshake::Offer::parse(head).map_err(|error| error.response())?;
        // What follows the head are frames; a body would be taken for them.
        if body::length(head, 0) != Ok(0) {
            return Err(Response::text(400, "a handshake has no body\n"));
        }
        self.check_origin(now, head)?;
        let request = Request { head, body: &[] };
        let subprotocol = match self.with_service(now, id.0, |service, cx| service.on_upgrade(cx, &request)) {
            // 4.2.2: only what the client has offered.
            Upgrade::Accept { subprotocol: Some(chosen) } if !offer.subprotocols().any(|it| it == chosen) => {
                log::error!("a service chooses the subprotocol {chosen}, which was not offered");
                None
            }
            Upgrade::Accept { subprotocol } => subprotocol,
            Upgrade::Refuse(response) => return Err(response),
        };
        let deflate = match self.mounts[usize::from(id.0)].deflates {
            true => self.state.agree_on_deflate(index, &offer),
            false => None,
        };
        let mut response = Vec::new();
        handshake::response(&mut response, offer.accept(), subprotocol, deflate);
        self.state.push_bytes(index, &response);
        self.state.outbox(index).seal();
        self.state.metrics.upgrades += 1;
        self.state.conn(index).wire = Wire::WebSocket;
        self.announce(now, index, id.0, Opening::WebSocket { request: head, subprotocol });
        self.state.touch_timer(index);
        Ok((id, deflate))
    }

    /// Answers for the last time: whatever else has come is dropped.
    fn refuse(
        &mut self,
        now: Millis,
        index: u32,
        len: usize,
        head_only: bool,
        response: &Response,
    ) -> Requested {
        self.respond(now, index, response, head_only, false);
        Requested::Answered(len)
    }

    fn respond(&mut self, now: Millis, index: u32, response: &Response, head_only: bool, keep_alive: bool) {
        self.state.metrics.requests += 1;
        let conn = self.state.conn(index);
        conn.messages_in = conn.messages_in.saturating_add(1);
        let mut bytes = Vec::new();
        response.encode(&mut bytes, head_only, keep_alive);
        self.state.push_bytes(index, &bytes);
        if !keep_alive {
            self.state.close(now, index, CloseReason::Answered(response.status));
        }
    }

    /// A request did not come, or not whole (RFC 9110, 15.5.9).
    pub(super) fn handle_http_timeout(&mut self, now: Millis, index: u32) {
        let conn = self.state.conn(index);
        let reason = match (conn.is_mid_request, conn.messages_in) {
            (true, _) => {
                let mut bytes = Vec::new();
                Response::text(408, "the request did not arrive in time\n").encode(&mut bytes, false, false);
                self.state.push_bytes(index, &bytes);
                CloseReason::HeadTimeout
            }
            (false, 0) => CloseReason::FirstByteTimeout,
            (false, _) => CloseReason::KeepAliveTimeout,
        };
        self.state.close(now, index, reason);
    }
}
