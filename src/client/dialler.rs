//! A session on a loop: names are looked up, addresses tried in turn, bytes moved.
//!
//! ```text
//!   session wants connection n ──▶ a thread looks the name up ──mail──▶ the first address is dialled
//!                                                                        │        ╲ refused, or too slow: the next
//!   session: connected ◀─────────────────────────────────────────────────┘
//! ```
//!
//! The loop never waits: looking a name up can take as long as it likes, so that is done on a thread of its own, one at a
//! time. What the session tells goes to a [`User`], who may ask it for more.

use super::{News, Session};
use crate::net::tls::ClientEnd;
use crate::net::{Address, Dial, Handler, KeepAlive, ListenerId, Peer, Post, Sockets};
use crate::time::Millis;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

/// How long one address may take, where there are others.
const ADDRESS_TIMEOUT: Millis = Millis::from_secs(5);

/// A loop whose inbox is full is asked so often whether there is room, with so much time in between.
const MAIL_TRIES_MAX: u32 = 1000;
const MAIL_PAUSE: Duration = Duration::from_millis(10);

/// Whom a session's events are for.
pub trait User {
    /// What other threads tell it.
    type Mail: Send + 'static;

    /// Something has happened.
    fn handle_news(&mut self, now: Millis, session: &mut Session, news: News);

    /// Another thread has something to say.
    fn handle_mail(&mut self, now: Millis, session: &mut Session, mail: Self::Mail);

    /// Everything that this turn brought has been told.
    fn handle_wake(&mut self, _now: Millis, _session: &mut Session) {}

    /// When to be woken though nothing happens.
    fn next_deadline(&self) -> Millis {
        Millis::NEVER
    }

    /// Whether it wants nothing more.
    fn is_done(&self) -> bool;
}

/// What other threads tell a [`Dialler`].
#[derive(Debug)]
pub enum Mail<M> {
    /// The addresses of the server.
    Resolved(io::Result<Vec<SocketAddr>>),
    /// For the user.
    User(M),
}

/// A session and its user on a loop.
#[derive(Debug)]
pub struct Dialler<U: User> {
    session: Session,
    user: U,
    post: Post<Mail<U::Mail>>,
    /// Which of the session's connections is being made or stands.
    number: Option<u64>,
    stage: Stage,
    /// Addresses that have not been tried.
    addresses: VecDeque<SocketAddr>,
    is_looking_up: bool,
    /// The key of the socket, which differs from that of the one before: that may still be spoken of.
    key: usize,
    /// There is a socket, that is to be closed.
    is_to_close: bool,
    tls: Option<ClientEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is no socket.
    Idle,
    /// The next address is to be dialled.
    ToDial,
    Dialling {
        until: Millis,
    },
    Connected,
}

impl<U: User> Dialler<U> {
    /// Nothing is dialled before the loop turns.
    pub fn new(session: Session, user: U, post: Post<Mail<U::Mail>>) -> Dialler<U> {
        Dialler {
            session,
            user,
            post,
            number: None,
            stage: Stage::Idle,
            addresses: VecDeque::new(),
            is_looking_up: false,
            key: 0,
            is_to_close: false,
            tls: None,
        }
    }

    /// Speaks TLS with whatever it dials.
    pub fn with_tls(self, tls: Option<ClientEnd>) -> Dialler<U> {
        Dialler { tls, ..self }
    }

    /// The user, when all is over.
    pub fn into_user(self) -> U {
        self.user
    }

    /// Tells the user all that has happened, and what follows from that.
    fn tell(&mut self, now: Millis) {
        while let Some(news) = self.session.poll_event() {
            self.user.handle_news(now, &mut self.session, news);
        }
    }

    /// Makes the connection that the session wants, and gives up the one that it does not want any more.
    fn follow_session(&mut self, now: Millis) {
        let wanted = self.session.connection();
        if wanted == self.number {
            return;
        }
        self.number = wanted;
        self.drop_socket();
        self.addresses.clear();
        if wanted.is_some() && !self.is_looking_up {
            self.look_up(now);
        }
    }

    fn drop_socket(&mut self) {
        self.is_to_close |= matches!(self.stage, Stage::Dialling { .. } | Stage::Connected);
        self.stage = Stage::Idle;
    }

    fn look_up(&mut self, now: Millis) {
        let (url, post) = (self.session.url().clone(), self.post.clone());
        let resolve = move || {
            let mut mail = Mail::Resolved(url.resolve());
            // The loop takes its mail every turn, unless it is gone.
            for _ in 0..MAIL_TRIES_MAX {
                match post.send(mail) {
                    Ok(()) => return,
                    Err(unsent) => mail = unsent,
                }
                std::thread::sleep(MAIL_PAUSE);
            }
        };
        match std::thread::Builder::new().name("names".into()).spawn(resolve) {
            Ok(_) => self.is_looking_up = true,
            Err(error) => self.session.handle_lost(now, &plain(&error)),
        }
    }

    /// This address will not do.
    fn fail(&mut self, now: Millis, why: &str) {
        self.drop_socket();
        match self.addresses.is_empty() {
            true => self.session.handle_lost(now, why),
            false => self.stage = Stage::ToDial,
        }
    }

    fn write(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        while !self.session.unwritten().is_empty() {
            match sockets.write(self.key, &[IoSlice::new(self.session.unwritten())]) {
                Ok(len) => self.session.note_written(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.session.handle_lost(now, &plain(&error)),
            }
        }
    }
}

/// An error in words, without its number.
fn plain(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.find(" (os error ") {
        text.truncate(at);
    }
    text
}

impl<U: User> Handler for Dialler<U> {
    type Mail = Mail<U::Mail>;

    fn handle_mail(&mut self, now: Millis, mail: Mail<U::Mail>) {
        match mail {
            Mail::User(mail) => self.user.handle_mail(now, &mut self.session, mail),
            Mail::Resolved(found) => {
                self.is_looking_up = false;
                if self.number.is_none() || self.stage != Stage::Idle {
                    return;
                }
                match found {
                    Ok(addresses) if !addresses.is_empty() => {
                        self.addresses = addresses.into();
                        self.stage = Stage::ToDial;
                    }
                    Ok(_) => self.session.handle_lost(now, "the name has no address"),
                    Err(error) => self.session.handle_lost(now, &plain(&error)),
                }
            }
        }
    }

    fn handle_accepted(&mut self, _: Millis, _: ListenerId, _: Peer) -> Result<usize, &[u8]> {
        Err(b"")
    }

    fn handle_connected(&mut self, now: Millis, key: usize) {
        if key == self.key && matches!(self.stage, Stage::Dialling { .. }) {
            self.stage = Stage::Connected;
            self.session.handle_connected(now);
        }
    }

    fn handle_bytes(&mut self, now: Millis, key: usize, bytes: &mut [u8]) {
        if key == self.key && self.stage == Stage::Connected {
            self.session.handle_bytes(now, bytes);
        }
    }

    fn handle_eof(&mut self, now: Millis, key: usize) {
        if key == self.key && self.stage == Stage::Connected {
            self.session.handle_lost(now, "the server has ended the connection");
        }
    }

    fn handle_reset(&mut self, now: Millis, key: usize, error: io::Error) {
        match self.stage {
            _ if key != self.key => {}
            Stage::Dialling { .. } => self.fail(now, &plain(&error)),
            Stage::Connected => self.session.handle_lost(now, &plain(&error)),
            Stage::Idle | Stage::ToDial => {}
        }
    }

    fn handle_writable(&mut self, _: Millis, _: usize) {}

    fn handle_timers(&mut self, now: Millis) {
        self.session.handle_timers(now);
        if let Stage::Dialling { until } = self.stage
            && until <= now
            && !self.addresses.is_empty()
        {
            self.fail(now, "no answer");
        }
    }

    fn handle_wake(&mut self, now: Millis) {
        self.tell(now);
        self.user.handle_wake(now, &mut self.session);
        self.tell(now);
    }

    fn flush(&mut self, now: Millis, sockets: &mut dyn Sockets) {
        if self.stage == Stage::Connected {
            self.write(now, sockets);
        }
        self.follow_session(now);
        if std::mem::take(&mut self.is_to_close) {
            sockets.close(self.key);
            self.key ^= 1;
        }
        while self.stage == Stage::ToDial {
            let Some(address) = self.addresses.pop_front() else { break };
            self.stage = Stage::Dialling { until: now + ADDRESS_TIMEOUT };
            let dial = Dial {
                to: Address::Tcp(address),
                from: None,
                keep_alive: KeepAlive::ByProtocol,
                tls: self.tls.clone(),
            };
            if let Err(error) = sockets.dial(self.key, &dial) {
                // There is no socket to close.
                self.stage = Stage::Idle;
                self.fail(now, &plain(&error));
            }
        }
    }

    fn has_work(&self) -> bool {
        self.session.has_events() || self.session.connection() != self.number || self.stage == Stage::ToDial
    }

    fn next_deadline(&self) -> Millis {
        let address = match self.stage {
            Stage::Dialling { until } if !self.addresses.is_empty() => until,
            _ => Millis::NEVER,
        };
        self.session.next_deadline().min(self.user.next_deadline()).min(address)
    }

    fn is_done(&self) -> bool {
        self.user.is_done() && self.number.is_none()
    }
}
