//! One connection's other end, as the simulations have it: bytes that are to be sent, and messages that have been read.

#![allow(dead_code, reason = "each simulation uses its part")]

use super::network::Wire;
use chinwag::proto::Input;
use chinwag::proto::ws::deflate::Parameters;
use chinwag::proto::ws::{self, Opcode, Role, encoder};

/// How it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    WebSocket,
    Line,
    /// What comes back is not read: requests, none of them an upgrade.
    Http,
}

pub struct Peer {
    pub way: Way,
    /// What the server calls its socket.
    pub key: usize,
    /// What it has said and its wire has not been given.
    pub to_send: Vec<u8>,
    /// Says FIN behind that.
    pub ends: bool,
    /// How many bytes it reads in a step.
    pub appetite: usize,
    ws: ws::Connection,
    /// What has been read and is not whole: the head of a response, or a line.
    partial: Vec<u8>,
    is_upgraded: bool,
    /// How many Pings have had no answer; one Pong may answer several.
    pings: usize,
    pub has_read_close: bool,
    /// The code in it.
    pub close_code: Option<u16>,
    pub has_sent_close: bool,
}

impl Peer {
    /// Comes by a WebSocket, with further fields in its request, each with its line end.
    pub fn by_web_socket(key: usize, target: &str, fields: &str) -> Peer {
        let mut peer = Peer::new(Way::WebSocket, key);
        peer.to_send = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{fields}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .into_bytes();
        peer
    }

    /// Comes by the line port.
    pub fn by_line(key: usize) -> Peer {
        Peer::new(Way::Line, key)
    }

    /// Has requests.
    pub fn by_http(key: usize) -> Peer {
        Peer::new(Way::Http, key)
    }

    fn new(way: Way, key: usize) -> Peer {
        Peer {
            way,
            key,
            to_send: Vec::new(),
            ends: false,
            appetite: usize::MAX,
            ws: ws::Connection::new(Role::Client, 1 << 30),
            partial: Vec::new(),
            is_upgraded: false,
            pings: 0,
            has_read_close: false,
            close_code: None,
            has_sent_close: false,
        }
    }

    /// Whether something can be said to the server by it.
    pub fn is_open(&self) -> bool {
        !self.ends && !self.has_sent_close && !self.has_read_close
    }

    pub fn say(&mut self, text: &str) {
        match self.way {
            Way::WebSocket => {
                encoder::frame(&mut self.to_send, Opcode::Text, text.as_bytes(), Some([5, 0, 255, 7]));
            }
            Way::Line | Way::Http => {
                self.to_send.extend_from_slice(text.as_bytes());
                self.to_send.push(b'\n');
            }
        }
    }

    pub fn ping(&mut self) {
        encoder::frame(&mut self.to_send, Opcode::Ping, b"ping", Some([9, 8, 7, 6]));
        self.pings += 1;
    }

    /// What it has said is on its way.
    pub fn post(&mut self, wire: &mut Wire) {
        wire.send(&std::mem::take(&mut self.to_send));
        wire.ends |= self.ends;
    }

    /// Sends something that is no line.
    pub fn mumble(&mut self) {
        if self.way == Way::Line {
            self.to_send.extend_from_slice(b"\xFE\xFF\n");
        }
    }

    /// Closes as one should.
    pub fn close(&mut self) {
        match self.way {
            Way::Line | Way::Http => self.ends = true,
            Way::WebSocket if !self.has_sent_close => {
                encoder::frame(&mut self.to_send, Opcode::Close, &[0x03, 0xE8], Some([1, 2, 3, 4]));
                self.has_sent_close = true;
            }
            Way::WebSocket => {}
        }
    }

    /// Answers the server's Close.
    pub fn answer_close(&mut self) {
        if self.has_read_close && !self.ends {
            self.close();
        }
    }

    /// Reads what has come. Returns the messages in it.
    pub fn read(&mut self, bytes: &mut [u8]) -> Vec<String> {
        match self.way {
            Way::Http => Vec::new(),
            Way::Line => self.read_lines(bytes),
            Way::WebSocket if self.is_upgraded => self.read_frames(bytes),
            Way::WebSocket => {
                self.partial.extend_from_slice(bytes);
                let Some(end) = self.partial.windows(4).position(|window| window == b"\r\n\r\n") else {
                    return Vec::new();
                };
                let mut rest = self.partial.split_off(end + 4);
                let head = String::from_utf8(std::mem::take(&mut self.partial)).expect("a response in ASCII");
                assert!(head.starts_with("HTTP/1.1 101 ") || head.starts_with("HTTP/1.1 408 "), "{head}");
                self.is_upgraded = head.starts_with("HTTP/1.1 101 ");
                if head.contains("permessage-deflate") {
                    self.ws = ws::Connection::new(Role::Client, 1 << 30).deflated(&Parameters::OFFER);
                }
                if self.is_upgraded { self.read_frames(&mut rest) } else { Vec::new() }
            }
        }
    }

    fn read_lines(&mut self, bytes: &[u8]) -> Vec<String> {
        self.partial.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let mut line: Vec<u8> = self.partial.drain(..=end).collect();
            line.pop();
            lines.push(String::from_utf8(line).expect("the server sends UTF-8"));
        }
        lines
    }

    fn read_frames(&mut self, bytes: &mut [u8]) -> Vec<String> {
        let mut input = Input::new(bytes);
        let mut texts = Vec::new();
        while let Some(event) = self.ws.poll_event(&mut input).expect("the server sends sound frames") {
            match event {
                ws::Event::Text(text) => texts.push(text.to_owned()),
                ws::Event::Ping(payload) => {
                    encoder::frame(&mut self.to_send, Opcode::Pong, payload, Some([3; 4]));
                }
                ws::Event::Pong(_) => self.pings = self.pings.checked_sub(1).expect("it has asked"),
                ws::Event::Close(close) => {
                    self.has_read_close = true;
                    self.close_code = close.map(|close| close.code);
                }
                ws::Event::Binary(_) => panic!("the services say text"),
            }
        }
        texts
    }
}
