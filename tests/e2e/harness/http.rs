//! Raw HTTP: what is sent is what the test wrote, and what comes back is taken apart by eye.

use super::Socket;
use super::socket::shown;
use chinwag::net::Address;

/// A connection on which requests are made.
#[derive(Debug)]
pub struct Http {
    /// The connection itself.
    pub socket: Socket,
    unread: Vec<u8>,
}

/// A response, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header fields.
    pub fields: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Http {
    /// Connects.
    pub fn connect(to: &Address) -> Http {
        Http::over(Socket::connect(to))
    }

    /// Speaks HTTP over a connection.
    pub fn over(socket: Socket) -> Http {
        Http { socket, unread: Vec::new() }
    }

    /// One request, one response, on a connection of its own.
    #[track_caller]
    pub fn get(to: &Address, target: &str) -> Answer {
        let mut http = Http::connect(to);
        http.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        let answer = http.answer();
        http.end();
        answer
    }

    /// Sends bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.send(bytes);
    }

    /// Waits for a response.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.answer_to_head();
        let len: usize = match (answer.status, answer.field("content-length")) {
            (100..=199 | 204 | 304, _) => 0,
            (_, len) => len.and_then(|len| len.parse().ok()).expect("a response with a body has a length"),
        };
        while self.unread.len() < len {
            assert!(
                self.socket.receive(&mut self.unread) > 0,
                "the body ends early: {}",
                shown(&self.unread)
            );
        }
        answer.body = String::from_utf8(self.unread.drain(..len).collect()).expect("our bodies are text");
        answer
    }

    /// Waits for a response that has no body, whatever its length says.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert!(
                self.socket.receive(&mut self.unread) > 0,
                "the head ends early: {}",
                shown(&self.unread)
            );
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).expect("our heads are text");
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|status| status.get(..3)?.parse().ok());
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("a header field: {line:?}"));
            (name.to_owned(), value.to_owned())
        };
        Answer {
            status: status.unwrap_or_else(|| panic!("a status line: {head:?}")),
            fields: lines.map(field).collect(),
            body: String::new(),
        }
    }

    /// Waits for so many bytes of a body that is not looked at.
    #[track_caller]
    pub fn skip(&mut self, len: usize) {
        while self.unread.len() < len {
            assert!(self.socket.receive(&mut self.unread) > 0, "the body ends early");
        }
        self.unread.drain(..len);
    }

    /// Waits for the end of the stream, and that nothing comes before it.
    #[track_caller]
    pub fn end(&mut self) {
        let rest = self.socket.receive_to_end();
        assert!(self.unread.is_empty() && rest.is_empty(), "{} {}", shown(&self.unread), shown(&rest));
    }
}
