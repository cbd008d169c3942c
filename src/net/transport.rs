//! A connected stream socket, whatever it runs over, and the options that every one of them gets.

use super::Dial;
use super::listener::{Address, KeepAlive};
use super::tls::{Encrypted, Scratch};
use crate::time::Millis;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;

/// How many unsent bytes the kernel keeps for a connection before it says that it is full. Without this bound a reader
/// that never reads hides some 3 MB in the kernel, where no limit of ours sees them.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// How long sent bytes may stay unacknowledged before the kernel gives the connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(35);
/// Silence after which the kernel asks whether a line connection's peer is still there, and how often it asks again.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(25);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 2;

/// Sets what a connection wants of its socket: on a listener once for all that it will accept (Linux copies these on
/// accept), or on one that dials.
pub fn prepare_tcp(socket: SockRef<'_>, keep_alive: KeepAlive) -> io::Result<()> {
    // A chat is many small messages, and we gather those of a turn ourselves: Nagle would only hold the last one back.
    socket.set_tcp_nodelay(true)?;
    // Urgent data is data: otherwise a read stops before it, short, and does not mean that the socket is empty.
    socket.set_out_of_band_inline(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    if keep_alive == KeepAlive::ByKernel {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(KEEPALIVE_IDLE)
                .with_interval(KEEPALIVE_INTERVAL)
                .with_retries(KEEPALIVE_RETRIES),
        )?;
    }
    Ok(())
}

/// The number of that error, for which the standard library has no stable name.
const EINPROGRESS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 115 } else { 36 };

/// Flags of `send` that the standard library does not name: more will follow; no signal if the peer is gone.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MSG_MORE: i32 = 0x8000;
#[cfg(any(target_os = "linux", target_os = "android"))]
const MSG_NOSIGNAL: i32 = 0x4000;

/// A stream socket, non-blocking.
#[derive(Debug)]
pub enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// One of those, under TLS.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "there is no value to make it of"))]
    Tls(Box<Encrypted>),
}

/// What a read has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The peer sends nothing more.
    End,
    /// The same under TLS, but without the peer's close_notify: it may be cut short (RFC 8446, 6.1).
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS can tell"))]
    Cut,
    /// So many bytes, and whether they were all there was.
    Bytes { len: usize, is_drained: bool },
}

impl Transport {
    /// Begins to connect. The socket becomes writable when it is through, or has an error when it is not.
    pub fn dial(dial: &Dial) -> io::Result<Transport> {
        let transport = match &dial.to {
            Address::Tcp(to) => dial_tcp(*to, dial.from, dial.keep_alive).map(Transport::Tcp),
            Address::Unix(path) => UnixStream::connect(path).map(Transport::Unix),
            Address::Everywhere(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
        };
        Ok(match &dial.tls {
            None => transport?,
            Some(end) => end.dial(transport?),
        })
    }

    /// Whether a connection that was being dialled stands.
    pub fn is_connected(&self) -> bool {
        match self {
            Transport::Tcp(stream) => stream.peer_addr().is_ok(),
            Transport::Unix(stream) => stream.peer_addr().is_ok(),
            Transport::Tls(tls) => tls.under().is_connected(),
        }
    }

    /// Whether there is a TLS handshake to come through first.
    pub fn is_shaking(&self) -> bool {
        if let Transport::Tls(tls) = self { tls.is_shaking() } else { false }
    }

    /// Whether such a handshake is under way.
    pub fn has_begun_to_shake(&self) -> bool {
        if let Transport::Tls(tls) = self { tls.is_shaking() && tls.has_begun() } else { false }
    }

    /// When that handshake is given up, to be set.
    pub fn shakes_until(&mut self) -> Option<&mut Millis> {
        if let Transport::Tls(tls) = self
            && tls.is_shaking()
        {
            return Some(tls.shakes_until());
        }
        None
    }

    /// Whether the peer was to speak TLS, and does not.
    pub fn is_plain(&self) -> bool {
        if let Transport::Tls(tls) = self { tls.is_plain() } else { false }
    }

    /// Whether that handshake took up an earlier session.
    pub fn has_resumed(&self) -> bool {
        if let Transport::Tls(tls) = self { tls.has_resumed() } else { false }
    }

    /// Reads what the peer has said. A read that does not fill the buffer has emptied the socket.
    pub fn read(&mut self, buffer: &mut [u8], scratch: &mut Scratch) -> io::Result<Received> {
        if let Transport::Tls(tls) = self {
            return tls.read(buffer, scratch);
        }
        Ok(match self.receive(buffer)? {
            0 => Received::End,
            len => Received::Bytes { len, is_drained: len < buffer.len() },
        })
    }

    /// Writes the slices, in one system call where they are not long.
    pub fn write(&mut self, slices: &[IoSlice<'_>], scratch: &mut Scratch) -> io::Result<usize> {
        match (self, slices) {
            // `write` spares the kernel the copy of the slice list.
            (Transport::Tcp(stream), [slice]) => stream.write(slice),
            (Transport::Tcp(stream), slices) => stream.write_vectored(slices),
            (Transport::Unix(stream), slices) => stream.write_vectored(slices),
            (Transport::Tls(tls), slices) => tls.write(slices, scratch),
        }
    }

    /// The same, behind which FIN will follow: the kernel may wait for it with what does not fill a segment.
    pub fn write_last(&mut self, slices: &[IoSlice<'_>], scratch: &mut Scratch) -> io::Result<usize> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Transport::Tcp(stream) => {
                SockRef::from(&*stream).send_vectored_with_flags(slices, MSG_MORE | MSG_NOSIGNAL)
            }
            _ => self.write(slices, scratch),
        }
    }

    /// Takes bytes from the kernel, as they come.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.read(buffer),
            Transport::Unix(stream) => stream.read(buffer),
            Transport::Tls(tls) => tls.under_mut().receive(buffer),
        }
    }

    /// Hands bytes to the kernel, as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.write(bytes),
            Transport::Unix(stream) => stream.write(bytes),
            Transport::Tls(tls) => tls.under_mut().send(bytes),
        }
    }

    /// Hands over what the kernel would not take before. Returns whether it has now.
    pub fn flush(&mut self) -> io::Result<bool> {
        if let Transport::Tls(tls) = self { tls.flush() } else { Ok(true) }
    }

    /// Tells a peer that has just connected that it cannot stay; under TLS without the words, since there is no key yet
    /// to say them under.
    pub fn refuse(&mut self, refusal: &[u8]) -> io::Result<usize> {
        if let Transport::Tls(tls) = self { tls.refuse() } else { self.send(refusal) }
    }

    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Transport::Unix(stream) => stream.shutdown(Shutdown::Write),
            Transport::Tls(tls) => tls.shutdown_write(),
        }
    }

    /// Registered once, for both directions, and never again.
    pub fn register(&mut self, registry: &Registry, key: usize) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let interest = interest | Interest::PRIORITY;
        match self {
            Transport::Tcp(stream) => stream.register(registry, Token(key), interest),
            Transport::Unix(stream) => stream.register(registry, Token(key), interest),
            Transport::Tls(tls) => tls.under_mut().register(registry, key),
        }
    }

    /// The error that the kernel holds for this socket, taken out.
    pub fn take_error(&self) -> Option<io::Error> {
        match self {
            Transport::Tcp(stream) => stream.take_error(),
            Transport::Unix(stream) => stream.take_error(),
            Transport::Tls(tls) => return tls.under().take_error(),
        }
        .unwrap_or_else(Some)
    }
}

fn dial_tcp(to: SocketAddr, from: Option<IpAddr>, keep_alive: KeepAlive) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    prepare_tcp(SockRef::from(&socket), keep_alive)?;
    if let Some(from) = from {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&to.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// `connect` on a non-blocking socket says that it has only begun.
fn is_under_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EINPROGRESS)
}
