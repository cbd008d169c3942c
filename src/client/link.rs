//! One dialled connection, as bytes and what they mean: the handshake, then frames or lines. RFC 6455, section 4.1.
//!
//! ```text
//!   WebSocket   Upgrading --101--> Open --Close, a broken rule--> Ended
//!                   |-- another status, no HTTP --------------------^
//!                   '-- another status ----> Refused --its reason----'    where the owner waits for that
//!   lines       Lines
//! ```
//!
//! Messages may be deflated in both directions (RFC 7692), where that was offered and the server agreed.
//!
//! A link does no I/O. What it has to say gathers in its [`Outgoing`], from which the owner writes; what the peer says is
//! told to a closure, which may answer at once. Pings are answered here.

use crate::proto::http::{HEAD_BYTES_MAX, HeaderSlots, ResponseHead};
use crate::proto::ws::deflate::{Deflaters, Inflater, Parameters, WindowBits};
use crate::proto::ws::handshake::{Request, ResponseError, check_response};
use crate::proto::ws::{self, Opcode, Role, close, encoder};
use crate::proto::{Input, http, line, tls};
use std::borrow::Cow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How an answer begins in HTTP, on the line port, and under TLS (RFC 8446, 5.1: an alert).
const HTTP: &str = "HTTP/1.";
const NOTICE: u8 = b'*';
const TLS_ALERT: u8 = 21;

/// How much of a refusal's body is told.
const REASON_BYTES_MAX: usize = 300;
/// How much of it is looked at.
const REFUSAL_BYTES_MAX: usize = 4096;

/// While so much waits to be written, only the newest Ping is answered (RFC 6455, 5.5.3).
const PONGS_BYTES_MAX: usize = 16 * 1024;
/// What is shorter than this is sent as it is: it would hardly become shorter.
const DEFLATE_BYTES_MIN: usize = 128;

/// Masking keys and nonces that nobody can foresee (RFC 6455, section 5.3): a counter under a keyed hash, whose key the
/// system has drawn.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    key: Key,
    drawn: u64,
}

#[derive(Clone, Debug)]
enum Key {
    BySystem(RandomState),
    BySeed(u64),
}

impl Default for Key {
    fn default() -> Key {
        Key::BySystem(RandomState::new())
    }
}

impl Masks {
    /// Those that follow from a seed: a simulation's, whose runs can be had again.
    pub fn from_seed(seed: u64) -> Masks {
        Masks { key: Key::BySeed(seed), drawn: 0 }
    }

    /// Others, for another connection.
    pub fn branch(&mut self) -> Masks {
        match self.key {
            Key::BySystem(_) => Masks::default(),
            Key::BySeed(_) => Masks::from_seed(self.draw()),
        }
    }

    /// The next random number.
    pub fn draw(&mut self) -> u64 {
        self.drawn += 1;
        match &self.key {
            Key::BySystem(keyed) => keyed.hash_one(self.drawn),
            Key::BySeed(seed) => BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, self.drawn)),
        }
    }

    fn masking_key(&mut self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.draw().to_be_bytes();
        [a, b, c, d]
    }

    fn nonce(&mut self) -> [u8; 16] {
        (u128::from(self.draw()) << 64 | u128::from(self.draw())).to_be_bytes()
    }
}

/// What inflates and deflates the messages of a link, or of many that share it: no message builds on the one before.
#[derive(Clone, Debug, Default)]
pub struct Compression(Arc<Coders>);

#[derive(Debug, Default)]
struct Coders {
    inflater: Mutex<Inflater>,
    deflaters: Mutex<Deflaters>,
}

impl Compression {
    fn inflater(&self) -> MutexGuard<'_, Inflater> {
        self.0.inflater.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deflaters(&self) -> MutexGuard<'_, Deflaters> {
        self.0.deflaters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of a WebSocket server.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    /// The server's host, and its port where that is not the scheme's own.
    pub authority: &'a str,
    /// The path, and the query where there is one.
    pub target: &'a str,
    /// Those that we speak, the preferred first.
    pub subprotocols: &'a [&'a str],
    /// Further header fields, such as `Origin`.
    pub headers: &'a [(&'a str, &'a str)],
}

/// What the peer has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'e> {
    /// The server has agreed to speak WebSocket, and this subprotocol, if any.
    Open {
        /// One of those that were offered.
        subprotocol: Option<&'e str>,
        /// Whether messages may be deflated, as was offered.
        is_deflated: bool,
    },
    /// A text message, or a line without its end.
    Text(&'e str),
    /// A binary message.
    Binary(&'e [u8]),
    /// An answer to a ping.
    Pong(&'e [u8]),
    /// There will be nothing more.
    Ended(End<'e>),
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<'e> {
    /// The server does not speak WebSocket here, or not with us: the status of its answer, and in how many seconds it
    /// wants to be asked again.
    Refused {
        /// The HTTP status.
        status: u16,
        /// From the `Retry-After` field.
        retry_after_secs: Option<u64>,
        /// The first line of the answer's body, or a page's title, as much of it as has come; it may be empty.
        reason: &'e str,
        /// Where to ask instead, from the `Location` field of a redirect.
        location: Option<&'e str>,
    },
    /// The port is for something else.
    OtherProtocol(Spoken),
    /// What came is no answer to our handshake.
    BadHandshake(ResponseError),
    /// What came is not HTTP.
    NotHttp(http::Error),
    /// The server has closed: 1005 where it gave no code.
    Closed {
        /// The code (RFC 6455, section 7.4).
        code: u16,
        /// For humans; it may be empty.
        reason: &'e str,
    },
    /// The server broke the protocol.
    Broken(ws::Error),
    /// A line was longer than the limit, or not UTF-8.
    BadLine,
}

/// What a server speaks, as its first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP, and perhaps WebSocket.
    Http,
    /// Lines of the chat.
    Lines,
    /// TLS: it has answered with an alert.
    Tls,
}

/// One dialled connection.
#[derive(Debug)]
pub struct Link {
    state: State,
    out: Outgoing,
    /// What was offered to deflate messages with.
    compression: Option<Compression>,
}

#[derive(Debug)]
enum State {
    Upgrading(Box<Upgrading>),
    /// The answer is no, and the first line of its body is still to come.
    Refused(Box<Refusal>),
    Open(ws::Connection),
    Lines {
        decoder: line::Decoder,
        /// Whether nothing has come yet.
        is_first: bool,
    },
    Ended,
}

#[derive(Debug)]
struct Upgrading {
    key: [u8; 16],
    subprotocols: Vec<String>,
    head: Vec<u8>,
    message_bytes_max: usize,
    waits_for_reason: bool,
}

/// What is to be written.
#[derive(Debug)]
pub struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
    /// `None` where lines are spoken.
    masks: Option<Masks>,
    deflation: Option<Deflation>,
    is_closing: bool,
    /// The newest Ping that is to be answered once less waits.
    unanswered: Option<Box<[u8]>>,
}

/// How messages are deflated, where that was agreed on.
#[derive(Debug)]
struct Deflation {
    window: WindowBits,
    compression: Compression,
}

impl Outgoing {
    fn new(masks: Option<Masks>) -> Outgoing {
        Outgoing {
            bytes: Vec::new(),
            written: 0,
            masks,
            deflation: None,
            is_closing: false,
            unanswered: None,
        }
    }

    /// Adds a text message, or a line, which `text` must then be.
    pub fn text(&mut self, text: &str) {
        match self.masks {
            Some(_) => self.message(Opcode::Text, text.as_bytes()),
            None => {
                debug_assert!(!text.contains('\n'), "a line holds no line end");
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes.push(b'\n');
            }
        }
    }

    /// Adds a binary message. Lines have none.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.message(Opcode::Binary, bytes);
    }

    /// Asks whether the peer is there. Lines cannot.
    pub fn ping(&mut self, payload: &[u8]) {
        self.frame(Opcode::Ping, payload);
    }

    /// Says that nothing more will be sent. Lines have no word for it.
    pub fn close(&mut self, code: u16, reason: &str) {
        self.frame(Opcode::Close, &encoder::close_payload(code, reason));
        self.is_closing = true;
    }

    /// Answers a Ping, also behind our own Close: 5.5.2 ends that with the peer's.
    fn pong(&mut self, payload: &[u8]) {
        if self.unwritten().len() >= PONGS_BYTES_MAX {
            self.unanswered = Some(payload.into());
        } else {
            self.push_frame(Opcode::Pong, payload);
        }
    }

    /// The last word, on the peer's Close or on a rule that it broke.
    fn end(&mut self, code: u16) {
        self.unanswered = None;
        self.close(code, "");
    }

    /// Deflated where that was agreed on, and makes it shorter.
    fn message(&mut self, opcode: Opcode, payload: &[u8]) {
        if payload.len() >= DEFLATE_BYTES_MIN
            && !self.is_closing
            && let (Some(masks), Some(deflation)) = (&mut self.masks, &self.deflation)
            && let Some(deflated) = deflation.compression.deflaters().deflate(deflation.window, payload)
        {
            return encoder::deflated(&mut self.bytes, true, opcode, deflated, Some(masks.masking_key()));
        }
        self.frame(opcode, payload);
    }

    /// 5.5.1: nothing follows a Close frame, but for Pongs.
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        if !self.is_closing {
            self.push_frame(opcode, payload);
        }
    }

    fn push_frame(&mut self, opcode: Opcode, payload: &[u8]) {
        if let Some(masks) = &mut self.masks {
            encoder::frame(&mut self.bytes, opcode, payload, Some(masks.masking_key()));
        }
    }

    /// What is to be written next.
    pub fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// The first `len` bytes of that have been written.
    pub fn note_written(&mut self, len: usize) {
        self.written += len;
        debug_assert!(self.written <= self.bytes.len(), "no more than there was");
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
        if self.unwritten().len() < PONGS_BYTES_MAX
            && let Some(payload) = self.unanswered.take()
        {
            self.push_frame(Opcode::Pong, &payload);
        }
    }
}

impl Link {
    /// A link over WebSocket, its request to be written first.
    ///
    /// A message longer than `message_bytes_max` breaks it.
    pub fn upgrade(upgrade: &Upgrade<'_>, masks: Masks, message_bytes_max: usize) -> Link {
        Link::upgrade_with(upgrade, None, masks, message_bytes_max)
    }

    /// The same, with an offer to deflate messages by this.
    pub fn upgrade_with(
        upgrade: &Upgrade<'_>,
        compression: Option<Compression>,
        mut masks: Masks,
        message_bytes_max: usize,
    ) -> Link {
        let key = masks.nonce();
        let mut out = Outgoing::new(Some(masks));
        let Upgrade { authority, target, subprotocols, headers } = *upgrade;
        let deflate = compression.as_ref().map(|_| Parameters::OFFER);
        Request { host: authority, target, key, subprotocols, deflate, headers }.encode(&mut out.bytes);
        let subprotocols = subprotocols.iter().map(|&name| name.to_owned()).collect();
        let upgrading =
            Upgrading { key, subprotocols, head: Vec::new(), message_bytes_max, waits_for_reason: false };
        Link { state: State::Upgrading(Box::new(upgrading)), out, compression }
    }

    /// The same link, which tells a refusal only when the first line of its body is there. Its owner calls
    /// [`Link::receive_end`] when nothing more comes, and [`Link::wait_less`] at intervals, so that the wait is bounded.
    pub fn wait_for_reason(mut self) -> Link {
        if let State::Upgrading(upgrading) = &mut self.state {
            upgrading.waits_for_reason = true;
        }
        self
    }

    /// The peer has ended the connection: a refusal is told as far as it has come.
    pub fn receive_end(&mut self, mut tell: impl FnMut(&mut Outgoing, Event<'_>)) {
        if let State::Refused(refusal) = &self.state {
            refusal.tell(&mut self.out, &mut tell);
            self.state = State::Ended;
        }
    }

    /// The second call ends the wait for the reason of a refusal.
    pub fn wait_less(&mut self, tell: impl FnMut(&mut Outgoing, Event<'_>)) {
        if let State::Refused(refusal) = &mut self.state
            && std::mem::replace(&mut refusal.is_late, true)
        {
            self.receive_end(tell);
        }
    }

    /// A link that speaks lines, of at most `line_bytes_max` bytes each. It is open at once.
    pub fn lines(line_bytes_max: usize) -> Link {
        let state = State::Lines { decoder: line::Decoder::new(line_bytes_max), is_first: true };
        Link { state, out: Outgoing::new(None), compression: None }
    }

    /// What is to be written.
    pub fn out(&mut self) -> &mut Outgoing {
        &mut self.out
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_) | State::Lines { .. }) && !self.out.is_closing
    }

    /// Whether nothing more will be heard.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes in what has come, and tells what it says, each with the way to answer.
    pub fn receive(&mut self, bytes: &mut [u8], mut tell: impl FnMut(&mut Outgoing, Event<'_>)) {
        let mut input = Input::new(bytes);
        if let State::Upgrading(upgrading) = &mut self.state {
            self.state =
                match upgrading.receive(&mut input, self.compression.as_ref(), &mut self.out, &mut tell) {
                    Some(state) => state,
                    None => return,
                };
        }
        let has_ended = match &mut self.state {
            State::Open(ws) => {
                let inflater = self.compression.as_ref().map(Compression::inflater);
                receive_messages(ws, inflater, &mut input, &mut self.out, &mut tell)
            }
            State::Lines { decoder, is_first } => {
                receive_lines(decoder, is_first, &mut input, &mut self.out, &mut tell)
            }
            State::Refused(refusal) => {
                let is_whole = refusal.receive(&mut input);
                if is_whole {
                    refusal.tell(&mut self.out, &mut tell);
                }
                is_whole
            }
            State::Upgrading(_) | State::Ended => false,
        };
        if has_ended {
            self.state = State::Ended;
        }
    }
}

impl Upgrading {
    /// What the link is once the answer is there.
    fn receive(
        &mut self,
        input: &mut Input<'_>,
        compression: Option<&Compression>,
        out: &mut Outgoing,
        tell: &mut dyn FnMut(&mut Outgoing, Event<'_>),
    ) -> Option<State> {
        let before = self.head.len();
        // What follows the head belongs to what comes after it: it is put back by taking only the head's part.
        let room = HEAD_BYTES_MAX + 4 - before;
        self.head.extend_from_slice(&input.remaining()[..input.len().min(room)]);
        // A head is read when it is whole. What is none may never be.
        if let Some(end) = other_than_http(&self.head) {
            tell(out, Event::Ended(end));
            return Some(State::Ended);
        }
        let mut slots = HeaderSlots::new();
        let (head, len) = match ResponseHead::parse(&self.head, &mut slots) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => {
                input.take_all();
                return None;
            }
            Err(error) => {
                tell(out, Event::Ended(End::NotHttp(error)));
                return Some(State::Ended);
            }
        };
        input.take(len - before);
        let subprotocols: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let offer = compression.map(|_| Parameters::OFFER);
        match check_response(&head, self.key, &subprotocols, offer) {
            Ok(answer) => {
                let mut ws = ws::Connection::new(Role::Client, self.message_bytes_max);
                if let (Some(agreed), Some(compression)) = (&answer.deflate, compression) {
                    ws = ws.deflated(agreed);
                    let deflation = |window| Deflation { window, compression: compression.clone() };
                    out.deflation = agreed.window(Role::Client).map(deflation);
                }
                let is_deflated = answer.deflate.is_some();
                tell(out, Event::Open { subprotocol: answer.subprotocol, is_deflated });
                Some(State::Open(ws))
            }
            Err(ResponseError::Status(status)) => {
                let retry_after_secs = head.fields().get("retry-after").and_then(|secs| secs.parse().ok());
                let is_chunked = head.fields().has_token("transfer-encoding", "chunked");
                let location = head.fields().get("location").filter(|_| (300..400).contains(&status));
                let mut refusal = Refusal {
                    status,
                    retry_after_secs,
                    location: location.map(str::to_owned),
                    is_chunked,
                    len: head.fields().get("content-length").and_then(|len| len.parse().ok()),
                    body: Vec::new(),
                    is_late: false,
                };
                let is_whole = refusal.receive(input);
                // RFC 9112, section 6.3: 204 and 304 have no body.
                let has_body = location.is_none() && !matches!(status, 204 | 304);
                if self.waits_for_reason && has_body && !is_whole {
                    return Some(State::Refused(Box::new(refusal)));
                }
                refusal.tell(out, tell);
                Some(State::Ended)
            }
            Err(error) => {
                tell(out, Event::Ended(End::BadHandshake(error)));
                Some(State::Ended)
            }
        }
    }
}

/// What these first bytes are, if they are not those of an answer in HTTP.
fn other_than_http(bytes: &[u8]) -> Option<End<'static>> {
    match bytes {
        [TLS_ALERT, ..] => Some(End::OtherProtocol(Spoken::Tls)),
        // Whether lines are spoken there under TLS is told a little later.
        _ if bytes.starts_with(tls::NOTICE.as_bytes()) => Some(End::OtherProtocol(Spoken::Tls)),
        _ if tls::NOTICE.as_bytes().starts_with(bytes) => None,
        [NOTICE, ..] => Some(End::OtherProtocol(Spoken::Lines)),
        _ if bytes.iter().zip(HTTP.as_bytes()).all(|(byte, expected)| byte == expected) => None,
        _ => Some(End::NotHttp(http::Error::Version)),
    }
}

/// A refusal whose body is being received.
#[derive(Debug)]
struct Refusal {
    status: u16,
    retry_after_secs: Option<u64>,
    location: Option<String>,
    is_chunked: bool,
    /// How long the body is, if the head says so.
    len: Option<usize>,
    /// The beginning of the body as it came, with the headers of its chunks.
    body: Vec<u8>,
    /// Whether it has been waited for.
    is_late: bool,
}

impl Refusal {
    /// Takes in more of the body. Returns whether its first line is there, or nothing more of it will be looked at.
    fn receive(&mut self, input: &mut Input<'_>) -> bool {
        let room = REFUSAL_BYTES_MAX - self.body.len();
        self.body.extend_from_slice(&input.remaining()[..input.len().min(room)]);
        input.take_all();
        let (text, is_last) = self.text();
        let is_over = is_last || self.len.is_some_and(|len| self.body.len() >= len);
        is_over || self.body.len() >= REFUSAL_BYTES_MAX || has_first_line(&text)
    }

    /// The body without the headers of its chunks, and whether the last chunk has come.
    fn text(&self) -> (Cow<'_, [u8]>, bool) {
        if !self.is_chunked {
            return (Cow::Borrowed(&self.body), false);
        }
        let (text, is_last) = unchunked(&self.body);
        (Cow::Owned(text), is_last)
    }

    /// Tells it, as far as it has come.
    fn tell(&self, out: &mut Outgoing, tell: &mut dyn FnMut(&mut Outgoing, Event<'_>)) {
        let Refusal { status, retry_after_secs, ref location, .. } = *self;
        let (text, _) = self.text();
        let (reason, location) = (first_line(&text), location.as_deref());
        tell(out, Event::Ended(End::Refused { status, retry_after_secs, reason, location }));
    }
}

/// What is in the chunks of a body that have come so far, and whether the last of them has (RFC 9112, section 7.1).
fn unchunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (head, rest) = bytes.split_at(end + 1);
        let digits = head.split(|byte| !byte.is_ascii_hexdigit()).next().unwrap_or_default();
        let len = str::from_utf8(digits).ok().and_then(|len| usize::from_str_radix(len, 16).ok());
        let Some(len @ 1..) = len else { return (text, true) };
        text.extend(rest.iter().take(len));
        // A line end follows each chunk.
        bytes = rest.get(len.saturating_add(2)..).unwrap_or_default();
    }
    (text, false)
}

/// As much of a body as is text.
fn text_of(body: &[u8]) -> &str {
    match str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// Whether what [`first_line`] takes is whole.
fn has_first_line(body: &[u8]) -> bool {
    let text = text_of(body).trim_start();
    if text.starts_with('<') { text.contains("</title>") } else { text.contains('\n') }
}

/// The first line of a body, or the title of a page; nothing if that is no text.
fn first_line(body: &[u8]) -> &str {
    let text = text_of(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // A page is no sentence, but it may have a title.
    let title = || text.split_once("<title>")?.1.split(['<', '\n']).next();
    let reason = if line.starts_with('<') { title().unwrap_or_default().trim() } else { line };
    &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)]
}

/// Returns whether that was the end.
fn receive_messages(
    ws: &mut ws::Connection,
    mut inflater: Option<MutexGuard<'_, Inflater>>,
    input: &mut Input<'_>,
    out: &mut Outgoing,
    tell: &mut impl FnMut(&mut Outgoing, Event<'_>),
) -> bool {
    loop {
        let heard = match &mut inflater {
            Some(inflater) => ws.poll_event_with(input, inflater),
            None => ws.poll_event(input),
        };
        match heard {
            Ok(None) => return false,
            Ok(Some(ws::Event::Text(text))) => tell(out, Event::Text(text)),
            Ok(Some(ws::Event::Binary(bytes))) => tell(out, Event::Binary(bytes)),
            Ok(Some(ws::Event::Ping(payload))) => out.pong(payload),
            Ok(Some(ws::Event::Pong(payload))) => tell(out, Event::Pong(payload)),
            Ok(Some(ws::Event::Close(frame))) => {
                // 5.5.1: a Close is answered with a Close, unless ours was the first.
                let (code, reason) =
                    frame.map_or((close::NO_STATUS_RECEIVED, ""), |frame| (frame.code, frame.reason));
                out.end(frame.map_or(close::NORMAL, |frame| frame.code));
                tell(out, Event::Ended(End::Closed { code, reason }));
                return true;
            }
            Err(error) => {
                out.end(error.close_code());
                tell(out, Event::Ended(End::Broken(error)));
                return true;
            }
        }
    }
}

/// Returns whether that was the end.
fn receive_lines(
    lines: &mut line::Decoder,
    is_first: &mut bool,
    input: &mut Input<'_>,
    out: &mut Outgoing,
    tell: &mut impl FnMut(&mut Outgoing, Event<'_>),
) -> bool {
    // An alert has no line end to wait for, and no line begins with its first byte.
    if *is_first && input.remaining().first() == Some(&TLS_ALERT) {
        tell(out, Event::Ended(End::OtherProtocol(Spoken::Tls)));
        return true;
    }
    while let Some(event) = lines.poll_event(input) {
        match event {
            line::Event::Line(line) if *is_first && line.starts_with(HTTP) => {
                tell(out, Event::Ended(End::OtherProtocol(Spoken::Http)));
                return true;
            }
            line::Event::Line(line) if *is_first && line.starts_with(tls::NOTICE) => {
                tell(out, Event::Ended(End::OtherProtocol(Spoken::Tls)));
                return true;
            }
            line::Event::Line(line) => tell(out, Event::Text(line)),
            line::Event::TooLong { .. } | line::Event::NotUtf8 { .. } => {
                tell(out, Event::Ended(End::BadLine));
                return true;
            }
        }
        *is_first = false;
    }
    false
}

#[cfg(test)]
mod tests;
