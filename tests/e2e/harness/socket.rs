//! One connection: blocking, with a deadline on every wait, and strict about how it ends.

use super::PATIENCE;
use chinwag::net::Address;
use socket2::{Domain, SockAddr, SockRef, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

/// Already connected.
const EISCONN: i32 = 106;

/// A connection over TCP or a Unix socket.
#[derive(Debug)]
pub struct Socket {
    socket: socket2::Socket,
}

impl Socket {
    /// Connects.
    pub fn connect(to: &Address) -> Socket {
        Socket::connect_with(to, |_| {})
    }

    /// Connects from one of this host's addresses.
    pub fn connect_from(from: IpAddr, to: &Address) -> Socket {
        Socket::connect_with(to, |socket| {
            socket.bind(&SocketAddr::new(from, 0).into()).expect("every 127.x.y.z is this host")
        })
    }

    /// Connects once `prepare` has been at the socket.
    pub fn connect_with(to: &Address, prepare: impl FnOnce(&socket2::Socket)) -> Socket {
        let (domain, address) = match to {
            Address::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
            Address::Unix(path) => (Domain::UNIX, SockAddr::unix(path).expect("a short path")),
            Address::Everywhere(_) => panic!("nobody connects to everywhere"),
        };
        let socket = socket2::Socket::new(domain, Type::STREAM, None).expect("a descriptor for a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        prepare(&socket);
        // A wait with a timeout does not go on by itself when the process was stopped in the middle of it.
        while let Err(error) = socket.connect(&address) {
            match error.kind() {
                ErrorKind::Interrupted => {}
                // It went on without us.
                _ if error.raw_os_error() == Some(EISCONN) => break,
                _ => panic!("connect to {to}: {error}"),
            }
        }
        if let Address::Tcp(_) = to {
            // A test that cuts its bytes in pieces means it.
            socket.set_tcp_nodelay(true).expect("no delay");
        }
        Socket { socket }
    }

    /// The socket's options.
    pub fn options(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    /// Sends all of it.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// The same, where the peer may have gone.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// Waits for bytes and appends them to `out`. Returns how many; 0 is the end of the stream.
    #[track_caller]
    pub fn receive(&mut self, out: &mut Vec<u8>) -> usize {
        match self.try_receive(out) {
            Ok(count) => count,
            Err(error) if is_timeout(&error) => panic!("nothing came for {PATIENCE:?}, after {}", shown(out)),
            Err(error) => panic!("the connection broke: {error}, after {}", shown(out)),
        }
    }

    /// The same, where the connection may break.
    pub fn try_receive(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let count = loop {
            match self.socket.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        out.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    /// Waits for exactly so many bytes.
    #[track_caller]
    pub fn receive_exactly(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.socket.read_exact(&mut bytes).unwrap_or_else(|error| panic!("wanted {len} bytes: {error}"));
        bytes
    }

    /// Waits for the end of the stream. Returns what came before it. A reset is no end.
    #[track_caller]
    pub fn receive_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.receive(&mut bytes) > 0 {}
        bytes
    }

    /// The same connection once more, for another thread.
    pub fn another_end(&self) -> Socket {
        Socket { socket: self.socket.try_clone().expect("a descriptor for it") }
    }

    /// Whether neither bytes nor an end come for so long. What comes is lost.
    pub fn is_silent_for(&mut self, duration: Duration) -> bool {
        self.socket.set_read_timeout(Some(duration)).expect("a read timeout");
        let silent = self.try_receive(&mut Vec::new()).is_err_and(|error| is_timeout(&error));
        self.socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        silent
    }

    /// Sends FIN: nothing more follows.
    pub fn finish(&mut self) {
        self.socket.shutdown(Shutdown::Write).expect("the connection is there");
    }

    /// Breaks the connection: the peer gets an RST, and nothing of it stays in the kernel.
    pub fn reset(self) {
        self.reset_when_dropped();
    }

    /// The same, at its end.
    pub fn reset_when_dropped(&self) {
        self.socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The end of what has come, for a message.
pub fn shown(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(200);
    format!("{} bytes, \"...{}\"", bytes.len(), bytes[start..].escape_ascii())
}
