//! A handler that notes what it is told, and does what the test wants next; and the loop that drives it.

use chinwag::net::{Address, Dial, Handler, KeepAlive, ListenerId, Peer, Reactor, Sockets, UdpId};
use chinwag::time::Millis;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What the handler knows of one connection.
#[derive(Default)]
pub struct Connection {
    pub bytes: Vec<u8>,
    /// How many of them came at a time.
    pub reads: Vec<usize>,
    pub has_ended: bool,
    /// And nothing showed that the peer meant it.
    pub is_truncated: bool,
    pub reset: Option<io::ErrorKind>,
    /// The same in words.
    pub why: String,
    /// What is to be written.
    pub to_write: Vec<u8>,
    pub writes: usize,
    pub is_blocked: bool,
    pub to_shut: bool,
    pub to_close: bool,
}

#[derive(Default)]
pub struct Recorder {
    pub connections: Vec<Option<Connection>>,
    pub peers: Vec<Peer>,
    pub accepted_keys: Vec<usize>,
    /// How many came in each turn in which somebody did.
    pub accepted: Vec<usize>,
    accepted_in_turn: usize,
    pub datagrams: Vec<(UdpId, SocketAddr, Vec<u8>)>,
    /// Each comes back to its sender.
    pub echoes_datagrams: bool,
    pub mails: Vec<u32>,
    /// Bytes are not wanted.
    pub is_deaf: bool,
    /// Keys whose bytes are wanted again.
    pub resumed: Vec<usize>,
    /// What those are told who are not let in.
    pub turns_away: Option<&'static [u8]>,
    pub refusal: &'static [u8],
    pub is_full_up: bool,
    pub to_dial: Vec<Dial>,
    /// What became of those: the key of each that stands, and the error of each that could not even begin.
    pub connected: Vec<usize>,
    pub not_dialled: Vec<io::ErrorKind>,
    pub has_more_work: bool,
    pub deadline: Option<Millis>,
    pub timers_at: Vec<Millis>,
    /// Where nothing has come for so long that nothing will.
    gives_up_at: Millis,
}

impl Recorder {
    pub fn connection(&mut self, key: usize) -> &mut Connection {
        self.connections[key].as_mut().expect("it has not been closed")
    }

    fn insert(&mut self) -> usize {
        let free = self.connections.iter().position(Option::is_none);
        let key = free.unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.connections[key] = Some(Connection::default());
        key
    }

    pub fn count(&self) -> usize {
        self.connections.iter().flatten().count()
    }
}

impl Handler for Recorder {
    type Mail = u32;

    fn handle_mail(&mut self, _: Millis, mail: u32) {
        self.mails.push(mail);
    }

    fn handle_accepted(&mut self, _: Millis, _: ListenerId, peer: Peer) -> Result<usize, &[u8]> {
        if let Some(refusal) = self.turns_away {
            return Err(refusal);
        }
        self.accepted_in_turn += 1;
        self.peers.push(peer);
        let key = self.insert();
        self.accepted_keys.push(key);
        Ok(key)
    }

    fn handle_connected(&mut self, _: Millis, key: usize) {
        assert!(self.connection(key).reset.is_none(), "what is broken does not stand");
        self.connected.push(key);
    }

    fn refusal(&self, _: ListenerId) -> &[u8] {
        self.refusal
    }

    fn handle_bytes(&mut self, _: Millis, key: usize, bytes: &mut [u8]) {
        let connection = self.connection(key);
        assert!(!connection.has_ended && connection.reset.is_none(), "nothing comes behind the end");
        connection.reads.push(bytes.len());
        connection.bytes.extend_from_slice(bytes);
        // They are the handler's to change.
        bytes.fill(0xFF);
    }

    fn handle_eof(&mut self, _: Millis, key: usize) {
        let connection = self.connection(key);
        assert!(!connection.has_ended && connection.reset.is_none(), "it ends once");
        connection.has_ended = true;
    }

    fn handle_truncated(&mut self, now: Millis, key: usize) {
        self.handle_eof(now, key);
        self.connection(key).is_truncated = true;
    }

    fn handle_reset(&mut self, _: Millis, key: usize, error: io::Error) {
        let connection = self.connection(key);
        assert!(connection.reset.is_none(), "it breaks once");
        connection.reset = Some(error.kind());
        connection.why = error.to_string();
    }

    fn handle_writable(&mut self, _: Millis, key: usize) {
        self.connection(key).is_blocked = false;
    }

    fn handle_datagram(&mut self, _: Millis, socket: UdpId, from: SocketAddr, bytes: &mut [u8]) {
        self.datagrams.push((socket, from, bytes.to_vec()));
    }

    fn wants_bytes(&self, _: usize) -> bool {
        !self.is_deaf
    }

    fn handle_timers(&mut self, now: Millis) {
        self.timers_at.push(now);
    }

    fn flush(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        for key in self.resumed.drain(..) {
            sockets.resume(key);
        }
        for dial in std::mem::take(&mut self.to_dial) {
            let key = self.insert();
            if let Err(error) = sockets.dial(key, &dial) {
                self.connections[key] = None;
                self.not_dialled.push(error.kind());
            }
        }
        for (key, connection) in self.connections.iter_mut().enumerate() {
            let Some(connection) = connection else { continue };
            if !connection.to_write.is_empty() && !connection.is_blocked {
                // In two pieces, as a server has them.
                let (first, second) = connection.to_write.split_at(connection.to_write.len() / 3);
                connection.writes += 1;
                let written = sockets.write(key, &[IoSlice::new(first), IoSlice::new(second)]);
                let written = match written {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                    written => written.expect("the peer is there"),
                };
                connection.is_blocked = written < connection.to_write.len();
                connection.to_write.drain(..written);
            }
            if connection.to_write.is_empty() && std::mem::take(&mut connection.to_shut) {
                sockets.shutdown_write(key);
            }
        }
        if self.echoes_datagrams {
            for (socket, from, bytes) in self.datagrams.drain(..) {
                sockets.send_to(socket, from, &bytes).expect("there is room for a datagram");
            }
        }
    }

    fn reap(&mut self, _: Millis, sockets: &mut dyn Sockets) {
        for (key, slot) in self.connections.iter_mut().enumerate() {
            if slot.take_if(|connection| connection.to_close).is_some() {
                sockets.close(key);
            }
        }
        let accepted = std::mem::take(&mut self.accepted_in_turn);
        if accepted > 0 {
            self.accepted.push(accepted);
        }
    }

    fn has_work(&self) -> bool {
        let has_work = |connection: &Connection| {
            (!connection.to_write.is_empty() && !connection.is_blocked)
                || connection.to_shut
                || connection.to_close
        };
        self.has_more_work
            || !self.resumed.is_empty()
            || !self.to_dial.is_empty()
            || self.connections.iter().flatten().any(has_work)
    }

    fn next_deadline(&self) -> Millis {
        self.deadline.unwrap_or(Millis::NEVER).min(self.gives_up_at)
    }

    fn is_accepting(&self) -> bool {
        !self.is_full_up
    }
}

/// The loop, and the handler that it drives.
pub struct Loop {
    pub reactor: Reactor<u32>,
    pub recorder: Recorder,
}

impl Loop {
    pub fn new() -> Loop {
        Loop { reactor: Reactor::new().expect("descriptors for a loop"), recorder: Recorder::default() }
    }

    /// A loop that listens on a port of this host.
    pub fn on_tcp() -> (Loop, SocketAddr) {
        let mut turning = Loop::new();
        let listening = turning.reactor.listen(&Address::Tcp(ANY_PORT), KeepAlive::ByProtocol);
        let (_, Address::Tcp(address)) = listening.expect("a port is free") else {
            unreachable!("it is one")
        };
        (turning, address)
    }

    /// A loop that listens on a Unix socket, and a client that it has let in, as connection 0. Here a peer's bytes are with
    /// the other side as soon as they are written, and nothing else happens on the way.
    pub fn with_unix_client() -> (Loop, UnixStream) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut turning = Loop::on_unix(&folder.path().join("socket"));
        let client = UnixStream::connect(folder.path().join("socket")).expect("somebody listens");
        turning.until("a client", |recorder| recorder.count() == 1);
        // The socket can be written to, which the loop is told at once, and once.
        turning.settle();
        (turning, client)
    }

    /// Each end of a connection says something that the other hears.
    #[track_caller]
    pub fn says_both_ways(&mut self, ours: usize, theirs: usize) {
        self.recorder.connection(ours).to_write = b"hello".to_vec();
        self.recorder.connection(theirs).to_write = b"welcome".to_vec();
        self.until("words both ways", |recorder| {
            let has_heard = |key: usize, words: &[u8]| {
                recorder.connections[key].as_ref().is_some_and(|it| it.bytes == words)
            };
            has_heard(ours, b"welcome") && has_heard(theirs, b"hello")
        });
    }

    pub fn on_unix(path: &Path) -> Loop {
        let mut turning = Loop::new();
        let address = Address::Unix(path.to_owned());
        turning.reactor.listen(&address, KeepAlive::ByProtocol).expect("the path is free");
        turning
    }

    /// Turns until it is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Recorder) -> bool) {
        let gives_up_at = self.reactor.now() + Millis(PATIENCE.as_millis() as u64);
        while !is_so(&self.recorder) {
            assert!(self.reactor.now() < gives_up_at, "waited in vain for {what}");
            self.recorder.gives_up_at = gives_up_at;
            self.turn();
        }
    }

    /// The same, of the first connection.
    #[track_caller]
    pub fn until_of_first(&mut self, what: &str, is_so: impl Fn(&Connection) -> bool) {
        self.until(what, |recorder| {
            recorder.connections.first().and_then(Option::as_ref).is_some_and(&is_so)
        });
    }

    /// Turns until there is nothing to do for a moment.
    pub fn settle(&mut self) {
        while self.sleeps_less_than(Millis(20)) {}
    }

    /// Turns once. Whether that took less than so long, although nothing else was to wake the loop before.
    pub fn sleeps_less_than(&mut self, length: Millis) -> bool {
        let until = self.reactor.now() + length;
        self.recorder.gives_up_at = until;
        self.turn();
        self.reactor.now() < until
    }

    pub fn turn(&mut self) {
        self.reactor.turn(&mut self.recorder).expect("the poll works");
    }
}
