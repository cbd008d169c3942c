//! A peer: it has bytes to send, checks what it reads, and has its habits.

use super::seeds::Random;
use super::service::TOPICS;
use chinwag::proto::Input;
use chinwag::proto::ws::deflate::Parameters;
use chinwag::proto::ws::{self, Opcode, Role, encoder};

/// What a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    WebSocket,
    Line,
    /// Requests, some of them broken, none of them upgraded.
    Http,
}

pub struct Peer {
    pub speech: Speech,
    pub key: usize,
    /// What it has said and its wire has not been given.
    pub to_send: Vec<u8>,
    /// Says FIN behind that.
    pub ends: bool,
    /// How many bytes it reads in a step.
    pub appetite: usize,
    /// The number of the last message of each topic that it follows.
    following: [Option<u64>; TOPICS],
    ws: ws::Connection,
    /// Bytes of the response's head, until it is whole; then of a line that is not.
    partial: Vec<u8>,
    is_upgraded: bool,
    pub has_read_close: bool,
    has_read_bye: bool,
    /// It has sent something that the server must end it for, or said that it ends.
    is_doomed: bool,
}

impl Peer {
    pub fn new(speech: Speech, key: usize, random: &mut Random) -> Peer {
        let mut peer = Peer {
            speech,
            key,
            to_send: Vec::new(),
            ends: false,
            appetite: [usize::MAX, usize::MAX, 4000, 200, 0][random.below(5)],
            following: Default::default(),
            ws: ws::Connection::new(Role::Client, 1 << 30),
            partial: Vec::new(),
            is_upgraded: false,
            has_read_close: false,
            has_read_bye: false,
            is_doomed: false,
        };
        if speech == Speech::WebSocket {
            peer.to_send.extend_from_slice(
                b"GET /numbers HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
            );
            if random.one_in(2) {
                peer.to_send.extend_from_slice(b"Sec-WebSocket-Extensions: permessage-deflate\r\n");
            }
            peer.to_send.extend_from_slice(b"\r\n");
        }
        peer
    }

    /// The topics that it follows, and how far it has read each.
    pub fn following(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.following.iter().enumerate().filter_map(|(topic, last)| last.map(|last| (topic, last)))
    }

    pub fn is_doomed(&self) -> bool {
        self.is_doomed
    }

    /// Thinks of something to say.
    pub fn think(&mut self, random: &mut Random) {
        if self.ends || self.is_doomed {
            return;
        }
        let topic = random.below(TOPICS);
        match (self.speech, random.below(40)) {
            (Speech::Http, 0) => self.doom(b"GET\r\n\r\n"),
            (Speech::Http, 1) => self.to_send.extend_from_slice(b"GET /page HTTP/1.1\r\nHo"),
            (Speech::Http, 2) => self.doom(b"GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            (Speech::Http, _) => self.to_send.extend_from_slice(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"),
            (_, 0) => self.ends = true,
            (_, 1) => self.say("quit"),
            (Speech::WebSocket, 2) => self.doom(&[0xFF; 3]),
            (Speech::WebSocket, 3) => {
                let mut frame = Vec::new();
                encoder::frame(&mut frame, Opcode::Close, &[0x03, 0xE8], Some([1, 2, 3, 4]));
                self.doom(&frame);
            }
            (Speech::WebSocket, 4..7) => {
                encoder::frame(&mut self.to_send, Opcode::Ping, b"ping", Some([9, 8, 7, 6]));
            }
            (Speech::Line, 2) => self.to_send.extend_from_slice(&[b'x'; 9000]),
            (Speech::Line, 3) => self.to_send.extend_from_slice(b"\xFF\n"),
            (_, 7) => self.say("soon"),
            (_, 8..12) => self.say(&format!("join {topic}")),
            (_, 12) => self.say(&format!("since {topic}")),
            (_, 13) => self.say(&format!("leave {topic}")),
            (_, 14..18) => self.say(&format!("who {topic}")),
            (_, 18) => self.say(&"echo".repeat(random.below(1000))),
            (_, 19) => self.say(&format!("hush {topic}")),
            _ => {
                let magnitude = random.below(11);
                self.say(&format!("say {topic} {}", "-".repeat(random.below(1 << magnitude))));
            }
        }
    }

    /// Sends what the server cannot but end the connection for.
    fn doom(&mut self, bytes: &[u8]) {
        self.to_send.extend_from_slice(bytes);
        self.is_doomed = true;
    }

    fn say(&mut self, text: &str) {
        self.is_doomed |= text == "quit";
        match self.speech {
            Speech::WebSocket => {
                encoder::frame(&mut self.to_send, Opcode::Text, text.as_bytes(), Some([5, 0, 255, 7]))
            }
            Speech::Line | Speech::Http => {
                self.to_send.extend_from_slice(text.as_bytes());
                self.to_send.push(b'\n');
            }
        }
    }

    /// Answers the server's Close, as a peer should.
    pub fn answer_close(&mut self) {
        if self.has_read_close && !self.is_doomed && !self.ends {
            encoder::frame(&mut self.to_send, Opcode::Close, &[], Some([0; 4]));
            self.is_doomed = true;
        }
    }

    /// Reads what has come, and checks it.
    pub fn read(&mut self, bytes: &mut [u8]) {
        match self.speech {
            Speech::Http => {}
            Speech::Line => self.read_lines(bytes),
            Speech::WebSocket if self.is_upgraded => self.read_frames(bytes),
            Speech::WebSocket => {
                self.partial.extend_from_slice(bytes);
                if let Some(end) = self.partial.windows(4).position(|window| window == b"\r\n\r\n") {
                    let mut rest = self.partial.split_off(end + 4);
                    let head =
                        String::from_utf8(std::mem::take(&mut self.partial)).expect("a response in ASCII");
                    assert!(head.starts_with("HTTP/1.1 101 ") || head.starts_with("HTTP/1.1 408 "), "{head}");
                    self.is_upgraded = head.starts_with("HTTP/1.1 101 ");
                    if self.is_upgraded {
                        if head.contains("permessage-deflate") {
                            let ws = ws::Connection::new(Role::Client, 1 << 30);
                            self.ws = ws.deflated(&Parameters::OFFER);
                        }
                        self.read_frames(&mut rest);
                    }
                }
            }
        }
    }

    fn read_lines(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            self.check(std::str::from_utf8(&line[..end]).expect("the server sends UTF-8"));
        }
    }

    fn read_frames(&mut self, bytes: &mut [u8]) {
        let mut input = Input::new(bytes);
        let (mut texts, mut is_farewell_due) = (Vec::new(), false);
        while let Some(event) = self.ws.poll_event(&mut input).expect("the server sends sound frames") {
            match event {
                ws::Event::Text(text) => texts.push(text.to_owned()),
                ws::Event::Ping(payload) => {
                    encoder::frame(&mut self.to_send, Opcode::Pong, payload, Some([3; 4]))
                }
                ws::Event::Close(close) => {
                    self.has_read_close = true;
                    // Who is closed by the service, or by the server's end, has been told so before.
                    is_farewell_due |= close.is_some_and(|close| [4000, 1001, 1012].contains(&close.code));
                }
                ws::Event::Binary(_) | ws::Event::Pong(_) => {}
            }
        }
        for text in texts {
            self.check(&text);
        }
        assert!(!is_farewell_due || self.has_read_bye, "closed without its last word");
    }

    /// Holds one message of the server against what has been said before.
    fn check(&mut self, text: &str) {
        assert!(!self.has_read_bye, "behind the last word: {text}");
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        let topic = || number(1) as usize;
        match words[0] {
            // It may have been in before: then everything up to here has come.
            "joined" if words.len() == 4 => self.following[topic()] = Some(number(2)),
            "joined" => {
                let last = self.following[topic()].replace(number(2));
                assert!(last.is_none_or(|last| last == number(2)), "after {last:?}: {text}");
            }
            "left" => {
                let last = self.following[topic()].take();
                assert!(last.is_none_or(|last| last == number(2)), "after {last:?}: {text}");
            }
            "m" | "M" => {
                let last =
                    self.following[topic()].as_mut().expect("nothing comes before a join or after a leave");
                *last += 1;
                assert_eq!(*last, number(2), "a hole or a double: {text}");
            }
            // In the place of its own message.
            "ok" => {
                if let Some(last) = &mut self.following[topic()] {
                    *last += 1;
                    assert_eq!(*last, number(2), "an answer out of its place: {text}");
                }
            }
            "at" => {
                let last = self.following[topic()];
                assert!(last.is_none_or(|last| last == number(2)), "after {last:?}: {text}");
            }
            "gap" => {
                let last = self.following[topic()].as_mut().expect("only a member has a gap");
                *last += number(2);
            }
            "bye" => self.has_read_bye = true,
            _ => {}
        }
    }
}
