//! Where the daemon listens: names are resolved, listeners opened, and the log says where to connect.

use crate::config::{Listen, Place, Serve};
use crate::net::tls::Identity;
use crate::net::{Address, is_family_absent};
use crate::server::{Server, ServiceId};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

/// What is spoken at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Http,
    /// Of this service.
    Lines(ServiceId),
    Metrics,
}

impl Purpose {
    fn flag(self) -> &'static str {
        match self {
            Purpose::Http => "--listen",
            Purpose::Lines(_) => "--line-listen",
            Purpose::Metrics => "--prometheus",
        }
    }
}

/// A listener that is open.
#[derive(Debug)]
pub struct Listening {
    purpose: Purpose,
    address: Address,
    is_tls: bool,
    /// It hears every address of the host, over IPv4 as well as IPv6.
    hears_both: bool,
}

/// Opens all listeners. Lines are the service `lines`'. An error says of each listener that cannot be opened why, in one line.
pub fn open(
    server: &mut Server,
    config: &Serve,
    lines: ServiceId,
    identity: Option<&Identity>,
) -> Result<Vec<Listening>, String> {
    let mut opening = Opening { server, identity, opened: Vec::new(), failures: Vec::new() };
    let listeners = [(Purpose::Http, &config.listen), (Purpose::Lines(lines), &config.line_listen)];
    for (purpose, listens) in listeners {
        listens.iter().for_each(|listen| opening.open(purpose, listen));
    }
    opening.finish()
}

/// Opens the listener of the load client's metrics, which has no TLS.
pub fn open_metrics(server: &mut Server, listen: &Listen) -> Result<Vec<Listening>, String> {
    let mut opening = Opening { server, identity: None, opened: Vec::new(), failures: Vec::new() };
    opening.open(Purpose::Metrics, listen);
    opening.finish()
}

struct Opening<'s> {
    server: &'s mut Server,
    identity: Option<&'s Identity>,
    opened: Vec<Listening>,
    failures: Vec<String>,
}

impl Opening<'_> {
    fn finish(self) -> Result<Vec<Listening>, String> {
        match self.failures.is_empty() {
            true => Ok(self.opened),
            false => Err(self.failures.join("; ")),
        }
    }

    fn open(&mut self, purpose: Purpose, listen: &Listen) {
        let before = self.opened.len();
        let mut absent = Vec::new();
        match resolve(&listen.place) {
            Ok(addresses) => {
                for any in &addresses {
                    let address = self.with_port_of(before, any);
                    let bound = match self.bind(purpose, &address, listen.is_tls) {
                        // The system's choice for one address may be taken at another.
                        Err(error) if error.kind() == io::ErrorKind::AddrInUse && address != *any => {
                            self.bind(purpose, any, listen.is_tls)
                        }
                        bound => bound,
                    };
                    match bound {
                        Ok(()) => {}
                        // Names often have an address of a family that the host has switched off.
                        Err(error) if addresses.len() > 1 && is_family_absent(&error) => {
                            absent.push((address, error))
                        }
                        Err(error) => self.fail(purpose, listen, &address, &error),
                    }
                }
            }
            Err(error) => {
                self.failures.push(format!("cannot listen on {listen} ({}): {error}", purpose.flag()))
            }
        }
        let is_heard = self.opened.len() > before;
        for (address, error) in absent {
            match is_heard {
                true => log::warn!("not listening on {address}, an address of {listen}: {error}"),
                false => self.fail(purpose, listen, &address, &error),
            }
        }
    }

    /// The address, with the port that the system has chosen for another address of the same name.
    fn with_port_of(&self, first: usize, address: &Address) -> Address {
        match (address, self.opened.get(first).map(|listening| &listening.address)) {
            (Address::Tcp(address), Some(Address::Tcp(other))) if address.port() == 0 => {
                Address::Tcp(SocketAddr::new(address.ip(), other.port()))
            }
            _ => address.clone(),
        }
    }

    fn bind(&mut self, purpose: Purpose, address: &Address, is_tls: bool) -> io::Result<()> {
        let identity = self.identity.filter(|_| is_tls);
        let local = match (purpose, identity) {
            (Purpose::Http | Purpose::Metrics, None) => self.server.listen(address),
            (Purpose::Http | Purpose::Metrics, Some(identity)) => self.server.listen_tls(address, identity),
            (Purpose::Lines(lines), None) => self.server.listen_lines(address, lines),
            (Purpose::Lines(lines), Some(identity)) => self.server.listen_lines_tls(address, lines, identity),
        };
        let (is_everywhere, address) = (matches!(address, Address::Everywhere(_)), local?);
        let hears_both = is_everywhere && matches!(address, Address::Tcp(SocketAddr::V6(_)));
        self.opened.push(Listening { purpose, address, is_tls, hears_both });
        Ok(())
    }

    fn fail(&mut self, purpose: Purpose, listen: &Listen, address: &Address, error: &io::Error) {
        let own = self.opened.iter().find(|listening| listening.overlaps(address));
        let why = match (error.kind(), address) {
            (io::ErrorKind::AddrInUse, _) if own.is_some() => {
                let flag = own.map_or("", |own| own.purpose.flag());
                format!(
                    "{flag} of this daemon has that address already; give each listener an address of its own"
                )
            }
            (io::ErrorKind::AddrInUse, Address::Unix(path)) if !is_socket(path) => {
                "the path exists and is not a socket; remove it, or choose another path".to_owned()
            }
            (io::ErrorKind::AddrInUse, Address::Unix(_)) => {
                "another program listens there; choose another path".to_owned()
            }
            (io::ErrorKind::AddrInUse, _) => {
                let is_lines = matches!(purpose, Purpose::Lines(_));
                let off = if is_lines { ", or --line-listen off" } else { "" };
                format!("another program listens there, perhaps another chinwag; choose another port{off}")
            }
            (io::ErrorKind::PermissionDenied, Address::Tcp(_) | Address::Everywhere(_)) => {
                format!("{error}; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE")
            }
            _ => error.to_string(),
        };
        let named = match &listen.place {
            Place::Name(..) => format!("{listen}, which is {address},"),
            Place::Address(_) => listen.to_string(),
        };
        self.failures.push(format!("cannot listen on {named} ({}): {why}", purpose.flag()));
    }
}

/// The addresses of a place. A name is looked up here and never again.
fn resolve(place: &Place) -> io::Result<Vec<Address>> {
    let (name, port) = match place {
        Place::Address(address) => return Ok(vec![address.clone()]),
        Place::Name(name, port) => (name, *port),
    };
    let mut addresses: Vec<SocketAddr> = (name.as_str(), port).to_socket_addrs()?.collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.len() > 1 {
        let ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        log::warn!("{name} has several addresses; the daemon listens on all of them: {}", ips.join(", "));
    }
    Ok(addresses.into_iter().map(Address::Tcp).collect())
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

impl Listening {
    /// Programs wait for this line, whatever is logged: it says where to connect when the system chose the port.
    pub fn announce(&self) {
        let purpose = match self.purpose {
            Purpose::Http => "for HTTP and WebSocket",
            Purpose::Lines(_) => "for lines",
            Purpose::Metrics => "for Prometheus",
        };
        let scheme = if self.is_tls { "tls://" } else { "" };
        // Nobody listens to stderr: then there is nobody to tell.
        let _ = writeln!(io::stderr(), "listening on {scheme}{} {purpose}{}", self.address, self.hint());
    }

    /// Which families it hears, where that is a question, and how to connect from this host.
    fn hint(&self) -> String {
        let Address::Tcp(mut address) = self.address else { return String::new() };
        let families = match (self.hears_both, address.ip() == Ipv6Addr::UNSPECIFIED) {
            (true, _) => ", IPv4 and IPv6",
            (false, true) => ", IPv6 alone",
            (false, false) => "",
        };
        if address.ip().is_unspecified() {
            let is_v4 = address.is_ipv4() || self.hears_both;
            address.set_ip(if is_v4 { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        let example = match (self.purpose, self.is_tls) {
            (Purpose::Metrics, _) => format!("http://{address}/metrics"),
            (Purpose::Lines(_), false) => format!("nc {} {}", address.ip(), address.port()),
            (Purpose::Lines(_), true) => format!("openssl s_client -connect {address}"),
            (Purpose::Http, false) => format!("http://{address}/"),
            (Purpose::Http, true) => format!("https://{address}/"),
        };
        format!("{families} ({example})")
    }

    /// Whether this listener is in the way of another at `address`.
    fn overlaps(&self, address: &Address) -> bool {
        match (&self.address, address) {
            (Address::Unix(own), Address::Unix(other)) => {
                own == other
                    || own.canonicalize().is_ok_and(|own| other.canonicalize().is_ok_and(|it| it == own))
            }
            (Address::Tcp(own), Address::Everywhere(port)) => own.port() == *port,
            (Address::Tcp(own), Address::Tcp(other)) => {
                let is_of_one_family = self.hears_both || own.is_ipv4() == other.is_ipv4();
                let is_wild = own.ip().is_unspecified() || other.ip().is_unspecified();
                own.port() == other.port() && (own.ip() == other.ip() || (is_of_one_family && is_wild))
            }
            _ => false,
        }
    }
}
