//! The server: it joins the loop, the protocols and the services.
//!
//! [`Server`] is what a program holds: it listens, and runs its services until it is told to stop. The front page of this
//! crate has an echo server, whole.
//!
//! Inside, [`Core`] is all of it but the sockets.

mod calendar;
mod close_reason;
mod connection;
mod context;
mod core;
mod deflation;
mod door;
mod flush;
mod host;
mod limits;
mod lines;
mod origin;
mod refusal;
mod router;
mod session;
mod state;
mod topic;
mod warnings;

use crate::metrics::TlsMetrics;
#[cfg(feature = "tls")]
use crate::net::tls::{Identity, Protocol};
use crate::net::{Address, Handler, KeepAlive, ListenerId, Post, Reactor};
use crate::proto::http::Page;
use crate::service::Service;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

pub use self::core::Core;
pub use crate::service::Shutdown;
pub use close_reason::CloseReason;
pub use host::AllowedHosts;
pub use limits::Limits;
pub use origin::AllowedOrigins;
pub use router::{Route, ServiceId};

/// A server on a loop of its own.
pub struct Server {
    reactor: Reactor<Shutdown>,
    core: Core,
}

impl Server {
    /// A server with nothing on it. Fails when the system has no descriptors left for it.
    pub fn new(limits: Limits) -> io::Result<Server> {
        let mut server = Server { reactor: Reactor::new()?, core: Core::new(limits) };
        server.core.set_calendar(unix_ms);
        Ok(server)
    }

    /// Adds a service that takes WebSocket messages of up to `message_bytes_max`; a longer one is closed with 1009.
    pub fn mount(&mut self, service: impl Service + 'static, message_bytes_max: usize) -> ServiceId {
        self.core.mount(service, message_bytes_max)
    }

    /// Lets the WebSocket connections of a service deflate their messages, if their peers offer to (RFC 7692). Without the
    /// feature `deflate` that changes nothing.
    pub fn deflate(&mut self, service: ServiceId) {
        self.core.deflate(service);
    }

    /// Leads a path to a service: WebSocket connections, and requests.
    pub fn serve(&mut self, path: &str, service: ServiceId) {
        self.core.route(path, Route::Service(service));
    }

    /// Leads a path to a page.
    pub fn page(&mut self, path: &str, page: impl Into<Page>) {
        self.core.route(path, Route::Page(page.into()));
    }

    /// Lets pages from other origins connect.
    pub fn allow_origins(&mut self, origins: AllowedOrigins) {
        self.core.allow_origins(origins);
    }

    /// Answers for these hosts besides the local one, and refuses all others with 421, on every TCP listener. Without any, a
    /// listener on a loopback address answers for the local host alone, and the others answer for every host.
    pub fn allow_hosts(&mut self, hosts: AllowedHosts) {
        self.core.allow_hosts(hosts);
    }

    /// Listens for HTTP and WebSocket. Returns where it really listens.
    pub fn listen(&mut self, address: &Address) -> io::Result<Address> {
        let (listener, local) = self.reactor.listen(address, KeepAlive::ByProtocol)?;
        self.guard(listener, &local);
        Ok(local)
    }

    /// No web page but a local one has any business with a loopback address.
    fn guard(&mut self, listener: ListenerId, local: &Address) {
        if let Address::Tcp(address) = local
            && address.ip().to_canonical().is_loopback()
        {
            self.core.answer_for_the_local_host(listener);
        }
    }

    /// Listens for lines, which are one service's. Returns where it really listens.
    pub fn listen_lines(&mut self, address: &Address, service: ServiceId) -> io::Result<Address> {
        let (listener, local) = self.reactor.listen(address, KeepAlive::ByKernel)?;
        self.core.speak_lines(listener, service);
        Ok(local)
    }

    /// The same as [`Server::listen`], with TLS.
    #[cfg(feature = "tls")]
    pub fn listen_tls(&mut self, address: &Address, identity: &Identity) -> io::Result<Address> {
        let (listener, local) =
            self.reactor.listen_tls(address, KeepAlive::ByProtocol, identity, Protocol::Http)?;
        self.core.await_handshakes(listener);
        self.guard(listener, &local);
        Ok(local)
    }

    /// The same as [`Server::listen_lines`], with TLS.
    #[cfg(feature = "tls")]
    pub fn listen_lines_tls(
        &mut self,
        address: &Address,
        service: ServiceId,
        identity: &Identity,
    ) -> io::Result<Address> {
        let (listener, local) =
            self.reactor.listen_tls(address, KeepAlive::ByKernel, identity, Protocol::Lines)?;
        self.core.await_handshakes(listener);
        self.core.speak_lines(listener, service);
        Ok(local)
    }

    /// What has come of TLS handshakes.
    pub fn tls_metrics(&self) -> &TlsMetrics {
        self.reactor.tls_metrics()
    }

    /// What stops the server, from any thread.
    pub fn stopper(&self) -> Post<Shutdown> {
        self.reactor.post()
    }

    /// Runs until it is stopped and everybody has been told.
    pub fn run(&mut self) -> io::Result<()> {
        self.reactor.run(&mut self.core)
    }

    /// One turn of the loop, which sleeps until there is something to do: for a program that has something of its own to do
    /// in between.
    pub fn turn(&mut self) -> io::Result<()> {
        self.reactor.turn(&mut self.core)
    }

    /// Whether it was stopped, and everybody has been told.
    pub fn is_done(&self) -> bool {
        Handler::is_done(&self.core)
    }

    /// What it has counted.
    pub fn stats(&self, report: &mut dyn FnMut(&'static str, u64)) {
        self.core.stats(report);
    }
}

/// What the system's calendar says, in milliseconds since 1970. One that is before that is wrong anyway.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
