//! Listening sockets, and what happens when the process has no descriptor left to accept with.
//!
//! `accept` at the descriptor limit fails with `EMFILE` and leaves the connection in the backlog, so a loop that asks
//! again at once spins, and one that waits for an event waits for ever. So each listener holds one descriptor in reserve: it is given up to accept the next peer and tell it why it cannot stay. Then the listener rests: the peers
//! behind it wait in the backlog, where they cost nothing and may still get in when somebody leaves.

use super::peer::Peer;
use super::tls::ServerEnd;
use super::transport::{Transport, prepare_tcp};
use crate::time::Millis;
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How long a listener rests after it had to turn somebody away.
pub(super) const REST: Millis = Millis(100);
/// How many peers are turned away for each time that it is said aloud: at ten a second, a line in ten seconds.
const REFUSALS_PER_WARNING: u64 = 100;
/// How many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// The number of a listener, in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub usize);

/// Where to listen, or what to dial: an IP address with its port, or the path of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `127.0.0.1:2021`, `[::1]:2021`; port 0 lets the system choose. `[::]:2021` is IPv6 alone.
    Tcp(SocketAddr),
    /// `:2021` or `*:2021`: every address of this host, over IPv4 and IPv6.
    Everywhere(u16),
    /// `unix:/run/chinwag.sock`
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("a Unix socket wants a path: unix:/run/chinwag.sock".into()),
                path => Ok(Address::Unix(PathBuf::from(path))),
            };
        }
        let everywhere =
            text.strip_prefix('*').unwrap_or(text).strip_prefix(':').and_then(|port| port.parse().ok());
        if let Some(port) = everywhere {
            return Ok(Address::Everywhere(port));
        }
        text.parse().map(Address::Tcp).map_err(|_| {
            format!(
                "invalid address '{text}': expected HOST:PORT, such as 127.0.0.1:2021, [::1]:2021 or :2021, or \
                 unix:/run/chinwag.sock"
            )
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Everywhere(port) => write!(f, ":{port}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug)]
enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// Who finds out that the peer of an idle connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// The protocol does, by asking.
    ByProtocol,
    /// The protocol cannot ask: the kernel does, and gives up a peer that has acknowledged nothing for 35 s.
    ByKernel,
}

/// One listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    acceptor: Acceptor,
    /// What its peers speak TLS with, if they do.
    tls: Option<ServerEnd>,
    pub reserve: Reserve,
    /// Not asked before this moment.
    rests_until: Millis,
}

impl Listener {
    pub fn bind(address: &Address, keep_alive: KeepAlive, tls: Option<ServerEnd>) -> io::Result<Listener> {
        let acceptor = match address {
            Address::Tcp(address) => Acceptor::Tcp(bind_tcp(*address, true, keep_alive)?),
            Address::Everywhere(port) => Acceptor::Tcp(bind_everywhere(*port, keep_alive)?),
            Address::Unix(path) => {
                remove_stale_socket(path)?;
                Acceptor::Unix(UnixListener::bind(path)?, SocketFile::of(path))
            }
        };
        Ok(Listener { acceptor, tls, reserve: Reserve::new(), rests_until: Millis(0) })
    }

    /// Where it listens, with the port that the system chose.
    pub fn local_address(&self) -> io::Result<Address> {
        match &self.acceptor {
            Acceptor::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Acceptor::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
        }
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.acceptor {
            Acceptor::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Acceptor::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub fn accept(&self) -> io::Result<(Transport, Peer)> {
        let (transport, peer) = match &self.acceptor {
            Acceptor::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                (Transport::Tcp(stream), Peer::from(address))
            }
            Acceptor::Unix(listener, _) => (Transport::Unix(listener.accept()?.0), Peer::Unix),
        };
        let transport = match &self.tls {
            None => transport,
            Some(end) => end.accept(transport),
        };
        Ok((transport, peer))
    }

    /// Accepts one peer in the reserve's place and tells it why it cannot stay.
    pub fn refuse(&mut self, refusal: &[u8]) {
        self.reserve.restore();
        self.reserve.held = None;
        if let Ok((mut transport, peer)) = self.accept() {
            self.reserve.say_why(&peer);
            say_no(&mut transport, refusal);
            self.reserve.refused = Some(transport);
        }
    }

    pub fn rest(&mut self, now: Millis) {
        self.rests_until = now + REST;
    }

    /// Ends a rest that is over. Returns whether there was one.
    pub fn end_rest(&mut self) -> bool {
        std::mem::take(&mut self.rests_until) != Millis(0)
    }

    pub fn rests_until(&self) -> Millis {
        self.rests_until
    }
}

/// The file that stands for a Unix socket, and which it was: it goes with the listener, unless it is another by then.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    fn of(path: &Path) -> SocketFile {
        SocketFile { path: path.to_owned(), identity: identity(path) }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // Nobody is left to tell.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// One socket hears both families; where the system has no IPv6, one of IPv4.
fn bind_everywhere(port: u16, keep_alive: KeepAlive) -> io::Result<TcpListener> {
    match bind_tcp((Ipv6Addr::UNSPECIFIED, port).into(), false, keep_alive) {
        Err(error) if is_family_absent(&error) => {
            bind_tcp((Ipv4Addr::UNSPECIFIED, port).into(), true, keep_alive)
        }
        bound => bound,
    }
}

/// Whether an error of listening says that the host has no such address, or none of its family.
pub fn is_family_absent(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 97 } else { 47 };
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn bind_tcp(address: SocketAddr, is_one_family: bool, keep_alive: KeepAlive) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // So that a restart need not wait for the old connections' TIME_WAIT to pass.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    prepare_tcp(SockRef::from(&socket), keep_alive)?;
    if address.is_ipv6() {
        // `[::]` is IPv6 and nothing else: so it can stand beside `0.0.0.0` on the same port, whatever the system's habit.
        socket.set_only_v6(is_one_family)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A Unix socket outlives a process that was killed. Nobody answers on such a leftover, and it may go.
fn remove_stale_socket(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && is_stale(path)? { std::fs::remove_file(path) } else { Ok(()) }
}

fn is_stale(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A live one whose backlog is full would have us wait.
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

/// The descriptor in reserve.
#[derive(Debug)]
pub(super) struct Reserve {
    held: Option<File>,
    /// The peer that was last turned away. Closing at once would reset the connection if its request is still on the
    /// way, and take the answer from under it; so it stays, half-closed, in the reserve's place while the listener rests.
    refused: Option<Transport>,
    /// How many were turned away.
    refusals: u64,
}

impl Reserve {
    pub fn new() -> Reserve {
        Reserve { held: open_descriptor(), refused: None, refusals: 0 }
    }

    /// Logs that a peer is turned away: the first in a while loudly, since there may be very many.
    fn say_why(&mut self, peer: &Peer) {
        let level = if self.refusals.is_multiple_of(REFUSALS_PER_WARNING) {
            log::Level::Warn
        } else {
            log::Level::Debug
        };
        log::log!(level, "no descriptor left: {peer} is turned away");
        self.refusals += 1;
    }

    /// The rest is over: whoever was turned away has had its answer.
    pub fn restore(&mut self) {
        if let Some(mut transport) = self.refused.take() {
            drop_input(&mut transport);
        }
        if self.held.is_none() {
            self.held = open_descriptor();
        }
    }
}

/// Tells a peer why it cannot stay. Best effort: it is not let in whether or not it hears.
pub(super) fn say_no(transport: &mut Transport, refusal: &[u8]) {
    let _ = transport.refuse(refusal);
    let _ = transport.shutdown_write();
    drop_input(transport);
}

/// Reads what has come, bounded: a socket closed with unread bytes is reset, and a reset overtakes our answer.
fn drop_input(transport: &mut Transport) {
    let mut buffer = [0; 16 * 1024];
    let _ = transport.receive(&mut buffer);
}

fn open_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether an error of `accept` is of the connection that was to be accepted, and says nothing of the next (accept(2)).
pub(super) fn is_of_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable,
    };
    const EPROTO: i32 = 71;
    let kinds =
        [ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(EPROTO)
}

/// Whether an error of `accept` says that descriptors or kernel memory ran out, rather than that one peer went away.
pub(super) fn is_exhaustion(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = 105;
    const ENOMEM: i32 = 12;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE | ENOBUFS | ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_alike() {
        for text in ["127.0.0.1:2021", "[::1]:0", ":2021", "unix:/tmp/a b"] {
            assert_eq!(text.parse::<Address>().expect("an address").to_string(), text);
        }
        assert_eq!("*:2021".parse(), Ok(Address::Everywhere(2021)));
        for text in ["", "2021", "localhost:2021", "unix:", ":", "*", "*:", "**:1", ":65536"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_leftover_unix_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bind"));
        let address = Address::Unix(path.clone());
        let live = Listener::bind(&address, KeepAlive::ByProtocol, None).expect("the leftover is replaced");
        assert_eq!(
            Listener::bind(&address, KeepAlive::ByProtocol, None).expect_err("it is in use").kind(),
            io::ErrorKind::AddrInUse
        );
        drop(live);
        assert!(!path.exists(), "the socket file goes with its listener");
    }
    /// What they are worth when a cable is pulled is in `tests/e2e/half_open.rs`.
    #[cfg(target_os = "linux")]
    #[test]
    fn connections_inherit_what_bounds_them_and_what_finds_a_dead_peer() {
        use std::time::Duration;
        for (keep_alive, is_asked) in [(KeepAlive::ByProtocol, false), (KeepAlive::ByKernel, true)] {
            let any = "127.0.0.1:0".parse().expect("an address");
            let listener = Listener::bind(&any, keep_alive, None).expect("bind");
            let Ok(Address::Tcp(address)) = listener.local_address() else { panic!("it is TCP") };
            let _peer = std::net::TcpStream::connect(address).expect("connect");
            let Ok((Transport::Tcp(stream), _)) = listener.accept() else {
                panic!("who has connected waits")
            };
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().expect("an option"));
            assert_eq!(socket.tcp_notsent_lowat().expect("an option"), 128 * 1024);
            assert_eq!(socket.keepalive().expect("an option"), is_asked);
            // What it was sent goes unanswered for 35 s, or it is silent for 25 and does not answer twice.
            let user_timeout = socket.tcp_user_timeout().expect("an option");
            assert_eq!(user_timeout, is_asked.then_some(Duration::from_secs(35)));
            if is_asked {
                assert_eq!(socket.tcp_keepalive_time().expect("an option"), Duration::from_secs(25));
                assert_eq!(socket.tcp_keepalive_interval().expect("an option"), Duration::from_secs(5));
                assert_eq!(socket.tcp_keepalive_retries().expect("an option"), 2);
            }
        }
    }
}
