//! One connection under TLS: records in, bytes out, and back.
//!
//! ```text
//!   Unbegun --first bytes, or a turn to begin--> Shaking --Finished--> Open --close_notify--> Ended
//!      '--first byte of a text--> Plain
//! ```
//!
//! **What a short write means.** A record is sealed before the kernel says how much of it it takes, and cannot be sealed
//! again. So when it takes a part, the rest is kept, and the handler is told of one byte less than there is: it knows that
//! it is blocked, offers that byte again when it can write, and it is skipped then, since it has been sealed already.
//! Nothing may go before a byte of a frame that has begun, so it is the same byte; should a handler have dropped it and
//! offer another, that one is sent.
//!
//! **An end without close_notify.** RFC 8446, section 6.1: who gets one cannot know that it has all. All that is spoken
//! here, HTTP, WebSocket and lines, marks the end of each unit itself, and drops one that has not come whole. So an end of
//! the stream is an end, with or without the alert; in a handshake it is an error. The handler is told which of the two it
//! was, since a last line without its line end counts only if the peer has meant to end there.

use super::identity::ServerEnd;
use super::trust::ClientEnd;
use super::words::describe;
use crate::net::READ_BUFFER_LEN;
use crate::net::transport::{Received, Transport};
use crate::time::Millis;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{CommonState, HandshakeKind};
use std::fmt;
use std::io::{self, IoSlice};

/// What one record holds at most (RFC 8446, section 5.1), and what one write seals before the kernel is asked.
const RECORD_BYTES_MAX: usize = 16 * 1024;
/// What is kept of a record or of a handshake message that has not come whole. The longest record is a little longer
/// than what it holds; a chain of certificates comes in a message of its own.
const INCOMPLETE_BYTES_MAX: usize = 32 * 1024;

/// More than a sealed alert is long, and than anything that rustls might send before it.
const ALERT_BYTES_MAX: usize = 256;
/// RFC 8446, section 6: a fatal `internal_error`, as a record. To who cannot be let in before a word has been spoken.
const REFUSAL: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// Memory that the connections of a loop work in, one after the other. It is there when the first of them is.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Received, and unsealed in place.
    received: Vec<u8>,
    /// Slices put together, where there is more than one.
    gathered: Vec<u8>,
    /// Sealed, to be written.
    sealed: Vec<u8>,
}

/// A connection under TLS.
#[derive(Debug)]
pub struct Encrypted {
    under: Transport,
    session: Session,
    /// Ciphertext of what has not come whole.
    incomplete: Vec<u8>,
    /// Ciphertext that the kernel has not taken.
    unsent: Vec<u8>,
    /// A byte that is sealed, and that the handler was told is not taken.
    sealed_ahead: Option<u8>,
    /// What is told when all that came before it has been.
    failure: Option<io::Error>,
    is_shaking: bool,
    shakes_until: Millis,
    /// The peer has sent close_notify.
    has_ended: bool,
    /// FIN follows when all is sent.
    is_fin_due: bool,
}

enum Session {
    ToAccept(ServerEnd),
    ToDial(ClientEnd),
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
    /// The peer that was accepted does not speak TLS: bytes pass as they are, so that it can be told.
    Plain,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Session::ToAccept(_) => "ToAccept",
            Session::ToDial(_) => "ToDial",
            Session::Server(_) => "Server",
            Session::Client(_) => "Client",
            Session::Plain => "Plain",
        })
    }
}

/// What follows a step of rustls.
enum Step {
    Again,
    /// Nothing, until more has come or is to be sent.
    Rest,
    PeerClosed,
    Failed(rustls::Error),
}

impl Encrypted {
    /// What a peer has connected to.
    pub fn accepted(under: Transport, end: ServerEnd) -> Encrypted {
        Encrypted::new(under, Session::ToAccept(end))
    }

    /// What we have dialled.
    pub fn dialled(under: Transport, end: ClientEnd) -> Encrypted {
        Encrypted::new(under, Session::ToDial(end))
    }

    fn new(under: Transport, session: Session) -> Encrypted {
        Encrypted {
            under,
            session,
            incomplete: Vec::new(),
            unsent: Vec::new(),
            sealed_ahead: None,
            failure: None,
            is_shaking: true,
            shakes_until: Millis::NEVER,
            has_ended: false,
            is_fin_due: false,
        }
    }

    /// The socket.
    pub fn under(&self) -> &Transport {
        &self.under
    }

    /// The socket, to be registered.
    pub fn under_mut(&mut self) -> &mut Transport {
        &mut self.under
    }

    /// Whether the handshake is not through.
    pub fn is_shaking(&self) -> bool {
        self.is_shaking
    }

    /// When the handshake is given up.
    pub fn shakes_until(&mut self) -> &mut Millis {
        &mut self.shakes_until
    }

    /// Whether a handshake has begun, that is, whether it costs memory.
    pub fn has_begun(&self) -> bool {
        !matches!(self.session, Session::ToAccept(_) | Session::ToDial(_) | Session::Plain)
    }

    /// Whether the peer was to speak TLS, and does not.
    pub fn is_plain(&self) -> bool {
        matches!(self.session, Session::Plain)
    }

    /// Whether the handshake was spared the greater part, as the two knew each other.
    pub fn has_resumed(&self) -> bool {
        self.common().is_some_and(|common| common.handshake_kind() == Some(HandshakeKind::Resumed))
    }

    fn common(&self) -> Option<&CommonState> {
        match &self.session {
            Session::ToAccept(_) | Session::ToDial(_) | Session::Plain => None,
            Session::Server(connection) => Some(connection),
            Session::Client(connection) => Some(connection),
        }
    }

    /// Receives, and unseals into `plain`, the loop's read buffer, which is as long as what is received at a time. In a handshake it does what is
    /// to be done, and sends what is to be sent.
    pub fn read(&mut self, plain: &mut [u8], scratch: &mut Scratch) -> io::Result<Received> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.has_ended {
            return if self.is_shaking { Err(left_early()) } else { Ok(Received::End) };
        }
        let speaks_first = matches!(self.session, Session::ToDial(_));
        scratch.received.resize(READ_BUFFER_LEN, 0);
        let kept = self.incomplete.len();
        scratch.received[..kept].copy_from_slice(&self.incomplete);
        let received = match self.under.receive(&mut scratch.received[kept..]) {
            Ok(0) if self.is_shaking => return Err(left_early()),
            Ok(0) => return Ok(Received::Cut),
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && speaks_first => 0,
            Err(error) => return Err(error),
        };
        if matches!(self.session, Session::ToAccept(_))
            && scratch.received.first().copied().is_some_and(is_text)
        {
            (self.session, self.is_shaking) = (Session::Plain, false);
        }
        if self.is_plain() {
            plain[..received].copy_from_slice(&scratch.received[..received]);
            return Ok(Received::Bytes { len: received, is_drained: received < READ_BUFFER_LEN });
        }
        self.begin()?;
        let is_drained = kept + received < READ_BUFFER_LEN;
        let records = &mut scratch.received[..kept + received];
        let (mut len, mut used) = (0, 0);
        let driven = self.drive(records, &mut used, &mut |record| {
            plain[len..len + record.len()].copy_from_slice(record);
            len += record.len();
        });
        match driven {
            Ok(()) => {
                self.incomplete.clear();
                // 6.1: what comes behind close_notify is ignored.
                if !self.has_ended {
                    self.incomplete.extend_from_slice(&records[used..]);
                }
                self.incomplete.shrink_to_fit();
                if self.incomplete.len() > INCOMPLETE_BYTES_MAX {
                    self.failure = Some(io::Error::new(io::ErrorKind::InvalidData, "a TLS message too long"));
                }
            }
            Err(error) => {
                self.take_alert();
                self.failure = Some(io::Error::new(io::ErrorKind::InvalidData, describe(&error)));
            }
        }
        if let Err(error) = self.flush() {
            self.failure.get_or_insert(error);
        }
        if self.is_shaking && self.failure.is_none() {
            self.is_shaking = self.common().is_none_or(CommonState::is_handshaking);
        }
        if len == 0
            && let Some(failure) = self.failure.take()
        {
            return Err(failure);
        }
        Ok(Received::Bytes { len, is_drained: is_drained && !self.has_ended && self.failure.is_none() })
    }

    fn begin(&mut self) -> io::Result<()> {
        let begun = match &self.session {
            Session::ToAccept(end) => end.begin().map(Session::Server),
            Session::ToDial(end) => end.begin().map(Session::Client),
            Session::Server(_) | Session::Client(_) | Session::Plain => return Ok(()),
        };
        self.session = begun.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(())
    }

    /// Goes on until rustls has nothing more to do. It is done with the first `used` bytes of `records`.
    fn drive(
        &mut self,
        records: &mut [u8],
        used: &mut usize,
        tell: &mut dyn FnMut(&[u8]),
    ) -> Result<(), rustls::Error> {
        loop {
            let incoming = &mut records[*used..];
            let (discarded, step) = match &mut self.session {
                Session::ToAccept(_) | Session::ToDial(_) | Session::Plain => return Ok(()),
                Session::Server(connection) => {
                    take_step(connection.process_tls_records(incoming), &mut self.unsent, tell)
                }
                Session::Client(connection) => {
                    take_step(connection.process_tls_records(incoming), &mut self.unsent, tell)
                }
            };
            *used += discarded;
            match step {
                Step::Again => {}
                Step::Rest => return Ok(()),
                Step::PeerClosed => self.has_ended = true,
                Step::Failed(error) => return Err(error),
            }
        }
    }

    /// The same with nothing new. What has not come whole is shown again: rustls keeps places in it.
    fn drive_on(&mut self) -> Result<(), rustls::Error> {
        let mut records = std::mem::take(&mut self.incomplete);
        let mut used = 0;
        let driven = self.drive(&mut records, &mut used, &mut |_| {});
        records.drain(..used);
        self.incomplete = records;
        driven
    }

    /// After a failure the alert that tells the peer is left, and nothing else is to be asked of rustls.
    fn take_alert(&mut self) {
        while self.common().is_some_and(CommonState::wants_write) {
            let _ = match &mut self.session {
                Session::ToAccept(_) | Session::ToDial(_) | Session::Plain => return,
                Session::Server(connection) => {
                    take_step(connection.process_tls_records(&mut []), &mut self.unsent, &mut |_| {})
                }
                Session::Client(connection) => {
                    take_step(connection.process_tls_records(&mut []), &mut self.unsent, &mut |_| {})
                }
            };
        }
    }

    /// Seals and writes, a record at a time, as long as the kernel takes all of it.
    pub fn write(&mut self, slices: &[IoSlice<'_>], scratch: &mut Scratch) -> io::Result<usize> {
        if self.is_shaking || !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.is_plain() {
            return self.under.write(slices, scratch);
        }
        let first = slices.iter().find_map(|slice| slice.first()).copied();
        let mut taken = usize::from(first.is_some() && self.sealed_ahead.take() == first);
        let Scratch { gathered, sealed, .. } = scratch;
        loop {
            let record = gather(slices, taken, gathered);
            let Some(&last) = record.last() else { return Ok(taken) };
            let len = match self.seal(record, sealed) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => return Ok(taken),
                len => len?,
            };
            let written = match self.under.send(&sealed[..len]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                written => written?,
            };
            taken += record.len();
            if written < len {
                self.unsent.extend_from_slice(&sealed[written..len]);
                self.sealed_ahead = Some(last);
                return Ok(taken - 1);
            }
        }
    }

    /// Makes a record of the bytes. Returns its length.
    fn seal(&mut self, bytes: &[u8], sealed: &mut Vec<u8>) -> io::Result<usize> {
        for _ in 0..2 {
            let records = &mut self.incomplete;
            let len = match &mut self.session {
                Session::ToAccept(_) | Session::ToDial(_) | Session::Plain => None,
                Session::Server(connection) => seal(connection.process_tls_records(records), bytes, sealed),
                Session::Client(connection) => seal(connection.process_tls_records(records), bytes, sealed),
            };
            if let Some(len) = len {
                return len;
            }
            // Something of rustls' own goes first.
            self.drive_on().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if !self.flush()? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        Err(io::ErrorKind::BrokenPipe.into())
    }

    /// Sends what the kernel has not taken. Returns whether it has now.
    pub fn flush(&mut self) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            match self.under.send(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.unsent = Vec::new();
        if std::mem::take(&mut self.is_fin_due) {
            self.under.shutdown_write()?;
        }
        Ok(true)
    }

    /// 6.1: close_notify, then FIN.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        if !self.is_shaking {
            match &mut self.session {
                Session::ToAccept(_) | Session::ToDial(_) | Session::Plain => {}
                Session::Server(connection) => {
                    close_notify(connection.process_tls_records(&mut self.incomplete), &mut self.unsent);
                }
                Session::Client(connection) => {
                    close_notify(connection.process_tls_records(&mut self.incomplete), &mut self.unsent);
                }
            }
        }
        self.is_fin_due = true;
        self.flush().map(drop)
    }

    /// Turns a peer away with whom no word has been spoken.
    pub fn refuse(&mut self) -> io::Result<usize> {
        self.under.send(&REFUSAL)
    }
}

/// Whether a text may begin with this byte. A record begins with its content type, 20 to 24 (RFC 8446, 5.1).
fn is_text(byte: u8) -> bool {
    // ASCII, and the first bytes of characters in UTF-8.
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0xC2..=0xF4)
}

fn left_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the peer left during the TLS handshake")
}

/// Does what a step of rustls asks for. Returns how many bytes of what had come are done with, and what is next.
fn take_step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    unsent: &mut Vec<u8>,
    tell: &mut dyn FnMut(&[u8]),
) -> (usize, Step) {
    let UnbufferedStatus { mut discard, state, .. } = status;
    let step = match state {
        Err(error) => Step::Failed(error),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                None => break Step::Again,
                Some(Err(error)) => break Step::Failed(error),
                Some(Ok(record)) => {
                    discard += record.discard;
                    tell(record.payload);
                }
            }
        },
        Ok(ConnectionState::EncodeTlsData(data)) => {
            encode(data, unsent);
            Step::Again
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            // It is ours to send from now on.
            data.done();
            Step::Again
        }
        Ok(ConnectionState::PeerClosed) => Step::PeerClosed,
        Ok(
            ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_) | ConnectionState::Closed,
        ) => Step::Rest,
        // Early data is off, and there is nothing else today.
        Ok(_) => Step::Rest,
    };
    (discard, step)
}

fn encode<Data>(mut data: EncodeTlsData<'_, Data>, unsent: &mut Vec<u8>) {
    let start = unsent.len();
    loop {
        match data.encode(&mut unsent[start..]) {
            Ok(len) => return unsent.truncate(start + len),
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                unsent.resize(start + required_size, 0);
            }
            Err(EncodeError::AlreadyEncoded) => return unsent.truncate(start),
        }
    }
}

/// Seals `bytes` into `sealed`, which grows to hold them. `None` if something else is to be done first.
fn seal<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    bytes: &[u8],
    sealed: &mut Vec<u8>,
) -> Option<io::Result<usize>> {
    let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state else { return None };
    debug_assert_eq!(status.discard, 0, "what had come was handled when it came");
    loop {
        match traffic.encrypt(bytes, sealed) {
            Ok(len) => return Some(Ok(len)),
            Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
                sealed.resize(required_size, 0);
            }
            Err(error) => return Some(Err(io::Error::other(error.to_string()))),
        }
    }
}

/// Says that we send nothing more, behind what is unsent. A connection that cannot say it has failed before.
fn close_notify<Data>(status: UnbufferedStatus<'_, '_, Data>, unsent: &mut Vec<u8>) {
    if let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state {
        let mut alert = [0; ALERT_BYTES_MAX];
        if let Ok(len) = traffic.queue_close_notify(&mut alert) {
            unsent.extend_from_slice(&alert[..len]);
        }
    }
}

/// The next bytes of the slices, behind the first `skipped`, as many as a record holds. They are copied only where they
/// do not lie together.
fn gather<'a>(slices: &'a [IoSlice<'_>], mut skipped: usize, gathered: &'a mut Vec<u8>) -> &'a [u8] {
    let mut pieces = slices.iter().filter_map(|slice| {
        let rest = slice.get(skipped..).unwrap_or_default();
        skipped -= slice.len() - rest.len();
        (!rest.is_empty()).then_some(rest)
    });
    let Some(first) = pieces.next() else { return &[] };
    let mut next = pieces.next();
    if first.len() >= RECORD_BYTES_MAX || next.is_none() {
        return &first[..first.len().min(RECORD_BYTES_MAX)];
    }
    gathered.clear();
    gathered.extend_from_slice(first);
    while let Some(piece) = next
        && gathered.len() < RECORD_BYTES_MAX
    {
        gathered.extend_from_slice(&piece[..piece.len().min(RECORD_BYTES_MAX - gathered.len())]);
        next = pieces.next();
    }
    gathered
}
