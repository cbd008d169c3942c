//! Addition over TCP: a server on chinwag's loop, and a client.
//!
//! ```text
//!     cargo run --example add_tcp -- serve
//!     cargo run --example add_tcp -- call 7 4          {"sum":11}
//!     printf '{"a":7,"b":4}{"a":1,"b":2}' | nc -N 127.0.0.1 5656
//! ```
//!
//! TCP brings a stream of bytes, in order, cut wherever the network likes. So a request needs an end that can be found.
//! Here a request is a JSON object, which says itself where it ends; no line end is needed behind it, and none does harm.
//! (A number does not say where it ends: `add/values.rs` has more on that.) An answer is an object too, and a line.
//!
//! All that a stream asks of a server is in this file: gather what has been cut, answer several requests that come at
//! once, bound a request that does not end, keep what a slow reader does not take yet, stop reading from a client that
//! only sends, and hang up on one that only listens.
//!
//! The loop tells the server what happened (`handle_*`), and the server writes when it is asked to (`flush`). It never
//! waits, so one thread serves them all.

#[path = "add/command.rs"]
mod command;
#[path = "add/values.rs"]
mod values;

use chinwag::net::wheel::Wheel;
use chinwag::net::{Address, Handler, KeepAlive, ListenerId, Peer, Reactor, Sockets};
use chinwag::service::add;
use chinwag::time::Millis;
use slab::Slab;
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;
use values::{Value, Values};

/// How long a peer may ask nothing.
const READ_TIMEOUT: Millis = Millis::from_secs(30);
/// The longest request.
const REQUEST_BYTES_MAX: usize = 1024;
/// How much may wait for a peer that does not read before its requests are no longer read either.
const UNSENT_BYTES_HIGH: usize = 16 * 1024;

fn main() -> ExitCode {
    command::run("add_tcp", serve, call)
}

// The server. ---------------------------------------------------------------------------------------------------------

fn serve(address: &str) -> io::Result<()> {
    let address: Address =
        address.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut reactor = Reactor::new()?;
    let (_, local) = reactor.listen(&address, KeepAlive::ByKernel)?;
    println!("listening on {local}");
    reactor.run(&mut Server::default())
}

#[derive(Default)]
struct Server {
    conns: Slab<Conn>,
    /// When each has been silent for too long.
    deadlines: Wheel,
    /// Those that have something to be written, or are to be closed.
    pending: Vec<usize>,
}

struct Conn {
    /// Holds the beginning of a request whose end has not come.
    values: Values,
    /// Answers that the kernel has not taken.
    unsent: Vec<u8>,
    /// How the connection goes on once they are out.
    then: Then,
    /// Whether it stands on the list of those that are pending.
    is_pending: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Read,
    Close,
    /// It is broken: nothing can be sent any more.
    Drop,
}

impl Server {
    fn arm(&mut self, key: usize) {
        if !std::mem::replace(&mut self.conns[key].is_pending, true) {
            self.pending.push(key);
        }
    }

    fn end(&mut self, key: usize, then: Then) {
        self.conns[key].then = then;
        self.arm(key);
    }

    fn put_off_deadline(&mut self, now: Millis, key: usize) {
        self.deadlines.arm(key as u32, now + READ_TIMEOUT);
    }

    /// Writes what the kernel takes. Returns whether the connection goes on.
    fn write(&mut self, key: usize, sockets: &mut dyn Sockets) -> bool {
        let conn = &mut self.conns[key];
        if !conn.unsent.is_empty() && conn.then != Then::Drop {
            match sockets.write(key, &[IoSlice::new(&conn.unsent)]) {
                Ok(written) => drop(conn.unsent.drain(..written)),
                // `handle_writable` will follow.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        match conn.then {
            Then::Read => true,
            Then::Close => !conn.unsent.is_empty(),
            Then::Drop => false,
        }
    }
}

fn append_answer(unsent: &mut Vec<u8>, value: Value<'_>) {
    let answer = match value {
        Value::Whole(request) => add::answer(request),
        Value::TooLong => format!(r#"{{"error":"a request has at most {REQUEST_BYTES_MAX} bytes"}}"#),
        Value::Unfinished => r#"{"error":"the stream ended within a request"}"#.to_owned(),
    };
    unsent.extend_from_slice(answer.as_bytes());
    unsent.push(b'\n');
}

impl Handler for Server {
    type Mail = ();

    fn handle_accepted(&mut self, now: Millis, _listener: ListenerId, _peer: Peer) -> Result<usize, &[u8]> {
        let conn = Conn {
            values: Values::new(REQUEST_BYTES_MAX),
            unsent: Vec::new(),
            then: Then::Read,
            is_pending: false,
        };
        let key = self.conns.insert(conn);
        self.put_off_deadline(now, key);
        Ok(key)
    }

    fn handle_bytes(&mut self, now: Millis, key: usize, bytes: &mut [u8]) {
        let Conn { values, unsent, .. } = &mut self.conns[key];
        let before = unsent.len();
        // None, one or many requests may lie in what one read brought.
        values.receive(bytes, |value| append_answer(unsent, value));
        // A byte now and then puts nothing off: only an answer does.
        if unsent.len() > before {
            self.put_off_deadline(now, key);
            self.arm(key);
        }
    }

    /// The peer will ask nothing more. It may still read: a pipe that requests come from ends so.
    fn handle_eof(&mut self, _now: Millis, key: usize) {
        let Conn { values, unsent, .. } = &mut self.conns[key];
        values.finish(|value| append_answer(unsent, value));
        self.end(key, Then::Close);
    }

    fn handle_reset(&mut self, _now: Millis, key: usize, _error: io::Error) {
        self.end(key, Then::Drop);
    }

    fn handle_writable(&mut self, _now: Millis, key: usize) {
        self.arm(key);
    }

    /// The bytes of a peer that does not read its answers stay in the kernel, which then slows that peer down.
    fn wants_bytes(&self, key: usize) -> bool {
        let conn = &self.conns[key];
        conn.then == Then::Read && conn.unsent.len() < UNSENT_BYTES_HIGH
    }

    fn handle_timers(&mut self, now: Millis) {
        while let Some(key) = self.deadlines.poll_expired(now) {
            let key = key as usize;
            let conn = &mut self.conns[key];
            if conn.then == Then::Read && conn.unsent.is_empty() {
                conn.unsent.extend_from_slice(b"{\"error\":\"no request for 30 s\"}\n");
                self.end(key, Then::Close);
                self.put_off_deadline(now, key);
            } else {
                // It has had its time to read its answers.
                self.end(key, Then::Drop);
            }
        }
    }

    fn next_deadline(&self) -> Millis {
        self.deadlines.next_deadline().unwrap_or(Millis::NEVER)
    }

    fn flush(&mut self, _now: Millis, sockets: &mut dyn Sockets) {
        for key in std::mem::take(&mut self.pending) {
            self.conns[key].is_pending = false;
            if !self.write(key, sockets) {
                self.conns.remove(key);
                self.deadlines.disarm(key as u32);
                sockets.close(key);
            } else if self.wants_bytes(key) {
                sockets.resume(key);
            }
        }
    }
}

// The client. ---------------------------------------------------------------------------------------------------------

/// One question and one answer: whoever waits for nothing else may wait in `read`, and needs no loop.
fn call(request: &str, address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up without an answer"));
    }
    Ok(answer.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sockets that take so many bytes each time. The loop is not needed to see what a handler does, and neither is the
    /// time that it takes.
    struct Fake {
        takes: usize,
        taken: String,
        is_closed: bool,
    }

    impl Sockets for Fake {
        fn write(&mut self, _key: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let len = slices[0].len().min(self.takes);
            self.taken.push_str(std::str::from_utf8(&slices[0][..len]).expect("text"));
            if len > 0 { Ok(len) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }
        fn shutdown_write(&mut self, _key: usize) {}
        fn resume(&mut self, _key: usize) {}
        fn close(&mut self, _key: usize) {
            self.is_closed = true;
        }
        fn send_to(&mut self, _: chinwag::net::UdpId, _: std::net::SocketAddr, _: &[u8]) -> io::Result<()> {
            unreachable!("this is TCP")
        }
    }

    fn connected() -> (Server, Fake, usize) {
        let mut server = Server::default();
        let peer = Peer::V4(std::net::Ipv4Addr::LOCALHOST, 1);
        let key = server.handle_accepted(Millis(0), ListenerId(0), peer).expect("there is room");
        (server, Fake { takes: usize::MAX, taken: String::new(), is_closed: false }, key)
    }

    #[test]
    fn thirty_seconds_without_a_request_end_the_connection() {
        let (mut server, mut sockets, key) = connected();
        let ask =
            |server: &mut Server, at, bytes: &[u8]| server.handle_bytes(Millis(at), key, &mut bytes.to_vec());
        ask(&mut server, 20_000, b"{\"a\":7,\"b\":4}\n");
        ask(&mut server, 40_000, b"{\"half a request puts\": \"nothing off");
        server.handle_timers(Millis(49_000));
        server.flush(Millis(49_000), &mut sockets);
        assert_eq!((&*sockets.taken, sockets.is_closed), ("{\"sum\":11}\n", false));
        server.handle_timers(Millis(50_100));
        server.flush(Millis(50_100), &mut sockets);
        assert!(sockets.taken.ends_with("{\"error\":\"no request for 30 s\"}\n") && sockets.is_closed);
        assert!(server.conns.is_empty() && server.next_deadline() == Millis::NEVER);
    }

    #[test]
    fn answers_wait_for_a_slow_reader_and_not_for_ever() {
        let (mut server, mut sockets, key) = connected();
        sockets.takes = 5;
        server.handle_bytes(Millis(0), key, &mut b"{\"a\":7,\"b\":4}\n".to_vec());
        server.handle_eof(Millis(0), key);
        server.flush(Millis(0), &mut sockets);
        assert_eq!((&*sockets.taken, sockets.is_closed), ("{\"sum", false));
        server.handle_writable(Millis(0), key);
        sockets.takes = 0;
        server.flush(Millis(0), &mut sockets);
        assert!(!sockets.is_closed);
        server.handle_timers(Millis(30_100));
        server.flush(Millis(30_100), &mut sockets);
        assert!(sockets.is_closed && server.conns.is_empty());
    }

    #[test]
    fn who_does_not_read_is_not_read() {
        let (mut server, mut sockets, key) = connected();
        sockets.takes = 0;
        let mut requests = b"{\"a\":7,\"b\":4}\n".repeat(UNSENT_BYTES_HIGH / 10);
        server.handle_bytes(Millis(0), key, &mut requests);
        server.flush(Millis(0), &mut sockets);
        assert!(!server.wants_bytes(key));
        sockets.takes = usize::MAX;
        server.handle_writable(Millis(0), key);
        server.flush(Millis(0), &mut sockets);
        assert!(server.wants_bytes(key));
    }
}
