//! Addition over UDP: a server on chinwag's loop, and a client.
//!
//! ```text
//!     cargo run --example add_udp -- serve
//!     cargo run --example add_udp -- call 7 4          {"sum":11}
//!     echo '{"a":7,"b":4}' | nc -u -w1 127.0.0.1 5656
//! ```
//!
//! UDP brings datagrams: each whole, or not at all, twice or out of order if the network likes. So a request needs no end,
//! and there are no connections: one socket serves everybody, and what the server knows of a caller is where a datagram
//! came from. It keeps nothing from one request to the next. Whoever gets no answer asks again, which is harmless because
//! adding twice gives the same sum.
//!
//! That address is what the datagram says, and nobody has checked it. A server whose answers are much longer than its
//! requests can be made to flood a stranger. Here no answer has more than a hundred bytes, whatever is asked.

#[path = "add/command.rs"]
mod command;

use chinwag::net::{Handler, ListenerId, Peer, Reactor, Sockets, UdpId};
use chinwag::service::add;
use chinwag::time::Millis;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

/// The longest request. More than any network carries in one piece could only be a mistake.
const REQUEST_BYTES_MAX: usize = 1024;
/// How often a client asks, and how long it waits each time.
const ATTEMPTS: usize = 3;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    command::run("add_udp", serve, call)
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, format!("'{address}' is no address"));
    address.to_socket_addrs()?.next().ok_or_else(no_address)
}

// The server. ---------------------------------------------------------------------------------------------------------

fn serve(address: &str) -> io::Result<()> {
    let mut reactor = Reactor::new()?;
    let (_, local) = reactor.bind_udp(resolve(address)?)?;
    println!("listening on {local}");
    reactor.run(&mut Server::default())
}

/// The answers of this turn of the loop, and to whom they go. A turn brings a bounded number of datagrams, so this is
/// bounded too.
#[derive(Default)]
struct Server {
    answers: Vec<(UdpId, SocketAddr, String)>,
}

impl Handler for Server {
    type Mail = ();

    fn handle_datagram(&mut self, _now: Millis, socket: UdpId, from: SocketAddr, bytes: &mut [u8]) {
        // An answer is not answered: two servers, or one that is shown its own address, would never end.
        if bytes.starts_with(b"{\"sum\"") || bytes.starts_with(b"{\"error\"") {
            return;
        }
        let answer = match bytes.len() {
            0..=REQUEST_BYTES_MAX => add::answer(bytes),
            _ => format!(r#"{{"error":"a request has at most {REQUEST_BYTES_MAX} bytes"}}"#),
        };
        self.answers.push((socket, from, answer));
    }

    fn flush(&mut self, _now: Millis, sockets: &mut dyn Sockets) {
        for (socket, to, answer) in self.answers.drain(..) {
            // An answer that cannot be sent is lost like one that the network drops: whoever misses it asks again.
            let _ = sockets.send_to(socket, to, answer.as_bytes());
        }
    }

    // There is no listener, so nobody connects.

    fn handle_accepted(&mut self, _now: Millis, _listener: ListenerId, _peer: Peer) -> Result<usize, &[u8]> {
        Err(b"")
    }

    fn handle_bytes(&mut self, _now: Millis, _key: usize, _bytes: &mut [u8]) {}

    fn handle_eof(&mut self, _now: Millis, _key: usize) {}

    fn handle_reset(&mut self, _now: Millis, _key: usize, _error: io::Error) {}

    fn handle_writable(&mut self, _now: Millis, _key: usize) {}
}

// The client. ---------------------------------------------------------------------------------------------------------

fn call(request: &str, address: &str) -> io::Result<String> {
    let server = resolve(address)?;
    // Any port of ours, in the server's family. `connect` sends nothing: it makes the kernel drop what others send us.
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    for _ in 0..ATTEMPTS {
        socket.send(request.as_bytes())?;
        let mut answer = [0; 256];
        match socket.recv(&mut answer) {
            Ok(len) => return Ok(String::from_utf8_lossy(&answer[..len]).into_owned()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer from {server}")))
}
