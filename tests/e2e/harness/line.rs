//! Somebody with `nc`.

use super::socket::shown;
use super::{Daemon, Member, Socket};

/// A connection to the line port.
#[derive(Debug)]
pub struct Line {
    /// The connection itself.
    pub socket: Socket,
    unread: Vec<u8>,
}

impl Line {
    /// Connects.
    pub fn connect(daemon: &Daemon) -> Line {
        Line::over(Socket::connect(daemon.line()))
    }

    /// Speaks lines over a connection.
    pub fn over(socket: Socket) -> Line {
        Line { socket, unread: Vec::new() }
    }

    /// Waits for a line; `None` at the end of the stream. It ends with LF alone, and nothing hidden is in it.
    #[track_caller]
    pub fn next(&mut self) -> Option<String> {
        let end = loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                break end;
            }
            if self.socket.receive(&mut self.unread) == 0 {
                assert!(self.unread.is_empty(), "the stream ends inside a line: {}", shown(&self.unread));
                return None;
            }
        };
        let mut line: Vec<u8> = self.unread.drain(..=end).collect();
        line.pop();
        let line = String::from_utf8(line).expect("lines are UTF-8");
        assert!(!line.contains(|char: char| char.is_control()), "something hidden in {line:?}");
        Some(line)
    }

    /// Reads so many bytes and no more, whether or not a line ends there.
    #[track_caller]
    pub fn sip(&mut self, len: usize) {
        let bytes = self.socket.receive_exactly(len);
        self.unread.extend(bytes);
    }

    /// Waits for this end: a last notice, and then nothing.
    #[track_caller]
    pub fn ended_with(&mut self, notice: &str) {
        assert_eq!(self.hear_notice(), notice);
        assert_eq!(self.next(), None);
    }
}

impl Member for Line {
    fn say(&mut self, line: &str) {
        self.socket.send(format!("{line}\n"));
    }

    fn hear(&mut self) -> Option<String> {
        self.next()
    }
}
