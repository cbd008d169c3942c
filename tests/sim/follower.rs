//! Somebody who follows topics: says this and that, and holds what it reads against what has been said.

use super::peer::{Peer, Way};
use super::seeds::Random;
use super::service::TOPICS;

const HANDSHAKE_OF_A_STRANGE_PAGE: &[u8] =
    b"GET /numbers HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.example\r\n\
    Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// A peer with its habits.
pub struct Follower {
    pub peer: Peer,
    /// The number of the last message of each topic that it follows.
    following: [Option<u64>; TOPICS],
    has_read_bye: bool,
    /// It has sent something that the server must end it for, or said that it ends.
    is_doomed: bool,
}

impl Follower {
    pub fn new(way: Way, key: usize, random: &mut Random) -> Follower {
        let appetite = [usize::MAX, usize::MAX, 4000, 200, 0][random.below(5)];
        let mut peer = match way {
            Way::WebSocket if random.one_in(2) => {
                Peer::by_web_socket(key, "/numbers", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            }
            Way::WebSocket => Peer::by_web_socket(key, "/numbers", ""),
            Way::Line => Peer::by_line(key),
            Way::Http => Peer::by_http(key),
        };
        peer.appetite = appetite;
        Follower { peer, following: Default::default(), has_read_bye: false, is_doomed: false }
    }

    /// A peer that speaks no TLS where it should, and is refused.
    pub fn without_tls(way: Way, key: usize, random: &mut Random) -> Follower {
        let mut follower = Follower::new(way, key, random);
        follower.is_doomed = true;
        follower
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
        if self.peer.ends || self.is_doomed {
            return;
        }
        let topic = random.below(TOPICS);
        match (self.peer.way, random.below(40)) {
            (Way::Http, 0) => self.doom(b"GET\r\n\r\n"),
            (Way::Http, 1) => self.peer.to_send.extend_from_slice(b"GET /page HTTP/1.1\r\nHo"),
            (Way::Http, 2) => self.doom(b"GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            (Way::Http, 3) => self.doom(b"GET /page HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            (Way::Http, 4) => self.doom(HANDSHAKE_OF_A_STRANGE_PAGE),
            // Refused as TLS where it comes first, and no request anywhere else.
            (Way::Http, 5) => self.doom(b"\x16\x03\x01\x02\0\r\n\r\n"),
            (Way::Http, _) => self.peer.to_send.extend_from_slice(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"),
            (_, 0) => self.peer.ends = true,
            (_, 1) => self.say("quit"),
            (Way::WebSocket, 2) => self.doom(&[0xFF; 3]),
            (Way::WebSocket, 3) => {
                self.peer.close();
                self.is_doomed = true;
            }
            (Way::WebSocket, 4..7) => self.peer.ping(),
            (Way::Line, 2) => self.peer.to_send.extend_from_slice(&[b'x'; 9000]),
            (Way::Line, 3) => self.peer.to_send.extend_from_slice(b"\xFF\n"),
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
        self.peer.to_send.extend_from_slice(bytes);
        self.is_doomed = true;
    }

    fn say(&mut self, text: &str) {
        self.is_doomed |= text == "quit";
        self.peer.say(text);
    }

    /// Answers the server's Close, as a peer should.
    pub fn answer_close(&mut self) {
        if !self.is_doomed {
            self.peer.answer_close();
            self.is_doomed = self.peer.has_sent_close;
        }
    }

    /// Reads what has come, and checks it.
    pub fn read(&mut self, bytes: &mut [u8]) {
        for text in self.peer.read(bytes) {
            self.check(&text);
        }
        // Who is closed by the service, or by the server's end, has been told so before.
        let is_farewell_due = self.peer.close_code.is_some_and(|code| [4000, 1001, 1012].contains(&code));
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
