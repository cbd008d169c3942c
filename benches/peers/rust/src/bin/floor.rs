//! The floor: no chat, no limits, no liveness, hardly a WebSocket. A message's payload is unmasked and framed, and each
//! member is written to in one `write`, of all that one round of reading has brought. Whoever is to be faster than this
//! has to write less often, or wait.
//!
//! A peer that does not read loses what its socket does not take: that is what a floor leaves out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use sha1::{Digest, Sha1};
use slab::Slab;
use std::io::{self, Read, Write};

const LISTENER: Token = Token(usize::MAX);
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

struct Conn {
    stream: TcpStream,
    /// What has come and is not whole: the request, or a frame.
    rest: Vec<u8>,
    is_open: bool,
    is_echo: bool,
    out: Vec<u8>,
}

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(peers::address())?;
    peers::announce(listener.local_addr()?);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut conns: Slab<Conn> = Slab::new();
    let mut buffer = vec![0; 64 * 1024];
    // What the room has said in this round: who, and the frame.
    let mut said: Vec<(usize, usize)> = Vec::new();
    let mut room: Vec<u8> = Vec::new();
    let mut own: Vec<u8> = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let entry = conns.vacant_entry();
                    poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE)?;
                    entry.insert(Conn { stream, rest: Vec::new(), is_open: false, is_echo: false, out: Vec::new() });
                }
                continue;
            }
            let key = event.token().0;
            let Some(conn) = conns.get_mut(key) else { continue };
            let mut is_over = loop {
                match conn.stream.read(&mut buffer) {
                    Ok(0) => break true,
                    Ok(len) => {
                        conn.rest.extend_from_slice(&buffer[..len]);
                        if len < buffer.len() {
                            break false;
                        }
                    }
                    Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
                }
            };
            if !conn.is_open {
                upgrade(conn);
            }
            let mut taken = 0;
            while conn.is_open
                && let Some((payload_at, len)) = frame(&conn.rest[taken..])
            {
                // 5.5.1: a Close is answered by one, and is nothing for the room.
                if conn.rest[taken] & 0x0F == 8 {
                    let _ = conn.stream.write(&[0x88, 0]);
                    is_over = true;
                    break;
                }
                let payload_at = taken + payload_at;
                unmask(&mut conn.rest, payload_at, len);
                let payload = &conn.rest[payload_at..payload_at + len];
                if conn.is_echo {
                    push_frame(&mut conn.out, payload);
                } else {
                    push_frame(&mut room, payload);
                    said.push((key, room.len()));
                }
                taken = payload_at + len;
            }
            conn.rest.drain(..taken);
            if is_over {
                conns.remove(key);
            } else if !conn.out.is_empty() {
                let _ = conn.stream.write(&conn.out);
                conn.out.clear();
            }
        }
        if !said.is_empty() {
            for (key, conn) in conns.iter_mut().filter(|(_, conn)| conn.is_open) {
                let bytes = if said.iter().any(|(who, _)| *who == key) {
                    but_own(&room, &said, key, &mut own);
                    &own
                } else {
                    &room
                };
                let _ = conn.stream.write(bytes);
            }
            said.clear();
            room.clear();
        }
    }
}

/// The room's bytes without those that `key` has said.
fn but_own(room: &[u8], said: &[(usize, usize)], key: usize, own: &mut Vec<u8>) {
    own.clear();
    let mut start = 0;
    for &(who, end) in said {
        if who != key {
            own.extend_from_slice(&room[start..end]);
        }
        start = end;
    }
}

fn upgrade(conn: &mut Conn) {
    let Some(end) = conn.rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return };
    let head = String::from_utf8_lossy(&conn.rest[..end]).into_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let mut sha = Sha1::new();
    sha.update(key.unwrap_or_default());
    sha.update(GUID);
    let accept = STANDARD.encode(sha.finalize());
    let _ = write!(
        conn.stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    conn.is_echo = head.starts_with("GET /echo");
    conn.is_open = true;
    conn.rest.drain(..end + 4);
}

/// Where the payload of the first frame is, and how long; `None` while the frame is not whole. Masked, and below 64 KiB.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (len, at) = match *bytes.get(1)? & 127 {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 8),
        len => (usize::from(len), 6),
    };
    (bytes.len() >= at + len).then_some((at, len))
}

fn unmask(bytes: &mut [u8], at: usize, len: usize) {
    let (head, payload) = bytes.split_at_mut(at);
    let key: [u8; 4] = head[at - 4..].try_into().expect("four bytes");
    payload[..len].iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

fn push_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    if payload.len() < 126 {
        out.push(payload.len() as u8);
    } else {
        out.push(126);
        out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(payload);
}
