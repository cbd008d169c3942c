//! A WebSocket client for tests: our own codec in the client's role, and raw bytes wherever a rule is to be broken.

use super::socket::shown;
use super::{Daemon, Member, Socket};
use chinwag::net::Address;
use chinwag::proto::Input;
use chinwag::proto::http::{HeaderSlots, ResponseHead};
use chinwag::proto::ws::{Connection, Event, Opcode, Role, close, encoder, handshake};
use std::collections::VecDeque;

/// The handshake's key. Nothing here depends on its being drawn at random.
pub const KEY: [u8; 16] = *b"the sample nonce";
/// The same on the wire.
pub const KEY_TEXT: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code, or none.
    Close(Option<u16>),
    /// The end of the stream.
    End,
}

/// A connection after its handshake.
#[derive(Debug)]
pub struct WebSocket {
    /// The connection itself.
    pub socket: Socket,
    codec: Connection,
    heard: VecDeque<Heard>,
    frames: u32,
}

/// The bytes of a handshake that the server accepts.
pub fn request(target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    handshake::Request { host: "localhost", target, key: KEY, subprotocols: &[], deflate: None, headers }
        .encode(&mut out);
    out
}

/// The bytes of one frame of a client's.
pub fn frame(opcode: Opcode, payload: impl AsRef<[u8]>) -> Vec<u8> {
    fragment(true, opcode, payload)
}

/// The bytes of one frame of a client's that is part of a message.
pub fn fragment(fin: bool, opcode: Opcode, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::fragment(&mut out, fin, opcode, payload.as_ref(), Some([0x37, 0xFA, 0x21, 0x3D]));
    out
}

impl WebSocket {
    /// Connects to a path of the daemon.
    #[track_caller]
    pub fn connect(daemon: &Daemon, target: &str) -> WebSocket {
        WebSocket::connect_to(daemon.http(), target)
    }

    /// The same, at an address.
    #[track_caller]
    pub fn connect_to(address: &Address, target: &str) -> WebSocket {
        let mut socket = Socket::connect(address);
        socket.send(request(target, &[]));
        WebSocket::accepted(socket)
    }

    /// Waits for the answer to a handshake that has been sent.
    #[track_caller]
    pub fn accepted(socket: Socket) -> WebSocket {
        WebSocket::accepted_after(Vec::new(), socket)
    }

    /// The same, when its first bytes have been read.
    #[track_caller]
    pub fn accepted_after(mut bytes: Vec<u8>, mut socket: Socket) -> WebSocket {
        let head_len = loop {
            let mut slots = HeaderSlots::new();
            if let Some((head, len)) = ResponseHead::parse(&bytes, &mut slots).expect("a sound response") {
                handshake::check_response(&head, KEY, &[], None)
                    .unwrap_or_else(|error| panic!("{error}: {}", shown(&bytes)));
                break len;
            }
            assert!(socket.receive(&mut bytes) > 0, "no handshake: {}", shown(&bytes));
        };
        bytes.drain(..head_len);
        let codec = Connection::new(Role::Client, 1 << 30);
        let mut websocket = WebSocket { socket, codec, heard: VecDeque::new(), frames: 0 };
        websocket.take_in(&mut bytes);
        websocket
    }

    /// Sends one frame, masked with a key of its own.
    #[track_caller]
    pub fn send(&mut self, opcode: Opcode, payload: impl AsRef<[u8]>) {
        self.send_fragment(true, opcode, payload);
    }

    /// Sends one frame of a message.
    #[track_caller]
    pub fn send_fragment(&mut self, fin: bool, opcode: Opcode, payload: impl AsRef<[u8]>) {
        self.frames = self.frames.wrapping_add(0x9E37_79B9);
        let mut out = Vec::new();
        encoder::fragment(&mut out, fin, opcode, payload.as_ref(), Some(self.frames.to_be_bytes()));
        self.socket.send(out);
    }

    /// Sends a text message.
    #[track_caller]
    pub fn send_text(&mut self, text: &str) {
        self.send(Opcode::Text, text);
    }

    /// Sends a Close frame with this code.
    #[track_caller]
    pub fn send_close(&mut self, code: u16) {
        self.send(Opcode::Close, &*encoder::close_payload(code, ""));
    }

    /// Waits for whatever the server says next. Nothing is answered by itself, not even a Ping.
    #[track_caller]
    pub fn next(&mut self) -> Heard {
        while self.heard.is_empty() {
            let mut bytes = Vec::new();
            if self.socket.receive(&mut bytes) == 0 {
                return Heard::End;
            }
            self.take_in(&mut bytes);
        }
        self.heard.pop_front().expect("it is not empty")
    }

    /// Waits for a text message, and nothing else.
    #[track_caller]
    pub fn text(&mut self) -> String {
        match self.next() {
            Heard::Text(text) => text,
            other => panic!("expected a text message, heard {other:?}"),
        }
    }

    /// Waits for this Close, and then for the end, though this side has not closed. Answers it in between if `answer`.
    #[track_caller]
    pub fn closed_with(&mut self, code: u16, answer: bool) {
        assert_eq!(self.next(), Heard::Close((code != close::NO_STATUS_RECEIVED).then_some(code)));
        if answer {
            self.send_close(code);
        }
        assert_eq!(self.next(), Heard::End);
    }

    /// Closes as one should: Close, the server's Close, the end.
    #[track_caller]
    pub fn close(mut self) {
        self.send_close(close::NORMAL);
        loop {
            match self.next() {
                Heard::Close(code) => break assert_eq!(code, Some(close::NORMAL)),
                Heard::End => panic!("the stream ended without a Close"),
                _ => {}
            }
        }
        assert_eq!(self.next(), Heard::End);
    }

    #[track_caller]
    fn take_in(&mut self, bytes: &mut [u8]) {
        let mut input = Input::new(bytes);
        while let Some(event) = self.codec.poll_event(&mut input).expect("the server keeps the rules") {
            self.heard.push_back(match event {
                Event::Text(text) => Heard::Text(text.to_owned()),
                Event::Binary(bytes) => Heard::Binary(bytes.to_owned()),
                Event::Ping(payload) => Heard::Ping(payload.to_owned()),
                Event::Pong(payload) => Heard::Pong(payload.to_owned()),
                Event::Close(close) => Heard::Close(close.map(|close| close.code)),
            });
        }
    }
}

impl Member for WebSocket {
    fn say(&mut self, line: &str) {
        self.send_text(line);
    }

    fn hear(&mut self) -> Option<String> {
        loop {
            match self.next() {
                Heard::Text(text) => return Some(text),
                Heard::Ping(payload) => self.send(Opcode::Pong, payload),
                Heard::Close(_) | Heard::End => return None,
                other => panic!("the chat speaks text, not {other:?}"),
            }
        }
    }
}
