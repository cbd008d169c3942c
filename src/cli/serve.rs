//! `chinwag serve`: the one place that knows that one of the services is the chat, and what it is plugged to.

use super::certificate::{Certificate, Kept};
use super::{pages, random, signals};
use crate::chat::Chat;
use crate::config::{Listen, Serve};
use crate::net::Address;
use crate::server::Server;
use crate::service::add::Add;
use crate::service::echo::Echo;
use log::LevelFilter;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

const ECHO_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const ADD_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Why the daemon cannot run.
#[derive(Debug)]
struct Failure {
    what: String,
    error: io::Error,
    hint: &'static str,
}

impl Failure {
    /// Why nobody can be listened to at `address`.
    fn to_listen(listen: &Listen, error: io::Error) -> Failure {
        let hint = match (error.kind(), &listen.address) {
            (io::ErrorKind::AddrInUse, Address::Tcp(_)) => {
                "; another program listens there, choose another port"
            }
            (io::ErrorKind::AddrInUse, Address::Unix(_)) => {
                "; another program listens there, choose another path"
            }
            (io::ErrorKind::PermissionDenied, Address::Tcp(_)) => {
                "; ports below 1024 want the right to bind them"
            }
            _ => "",
        };
        Failure { what: format!("cannot listen on {listen}"), error, hint }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.what, self.error, self.hint)
    }
}

/// Runs the daemon until a signal ends it.
pub fn run(config: &Serve) -> ExitCode {
    start_log(config.log);
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Serve) -> Result<(), Failure> {
    let failure = |what: &str| {
        let what = what.to_owned();
        move |error| Failure { what, error, hint: "" }
    };
    // A connection is a descriptor, and the soft limit is often 1,024 where the hard one is many times that.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX);
    let mut server = Server::new(config.limits.clone()).map_err(failure("cannot start the loop"))?;
    server.allow_hosts(config.hosts.clone());
    server.allow_origins(config.origins.clone());

    let seed = random::seed().map_err(failure("cannot read the system's randomness"))?;
    let chat = server.mount(Chat::new(config.chat.clone(), seed), config.chat_message_bytes_max);
    let echo = server.mount(Echo::new(pages::echo()), ECHO_MESSAGE_BYTES_MAX);
    let add = server.mount(Add, ADD_MESSAGE_BYTES_MAX);
    if config.deflate {
        server.deflate(chat);
        server.deflate(echo);
    }
    server.serve("/ws", chat);
    server.serve("/echo", echo);
    server.serve("/add", add);
    pages::serve(&mut server);

    let certificate =
        match &config.tls {
            Some((certificate, key)) => Some(Certificate::load(certificate, key).map_err(|error| {
                Failure { what: "no TLS".into(), error: io::Error::other(error), hint: "" }
            })?),
            None => None,
        };
    let mut listening = Vec::new();
    for listen in &config.listen {
        let local = match (listen.is_tls, &certificate) {
            (true, Some(certificate)) => server.listen_tls(&listen.address, certificate.identity()),
            _ => server.listen(&listen.address),
        };
        let local = local.map_err(|error| Failure::to_listen(listen, error))?;
        listening.push((Listen { address: local, ..listen.clone() }, "for HTTP and WebSocket"));
    }
    for listen in &config.line_listen {
        let local = match (listen.is_tls, &certificate) {
            (true, Some(certificate)) => {
                server.listen_lines_tls(&listen.address, chat, certificate.identity())
            }
            _ => server.listen_lines(&listen.address, chat),
        };
        let local = local.map_err(|error| Failure::to_listen(listen, error))?;
        listening.push((Listen { address: local, ..listen.clone() }, "for lines"));
    }
    let certificate = match certificate {
        Some(certificate) => Some(certificate.keep().map_err(failure("cannot watch the certificate"))?),
        None => None,
    };
    let asked = signals::heed(server.stopper(), certificate.clone());
    let asked = asked.map_err(failure("cannot listen for signals"))?;
    match descriptors {
        Ok(limit) => log::info!("up to {limit} descriptors"),
        Err(error) => log::warn!("cannot raise the descriptor limit: {error}"),
    }
    for (listen, purpose) in &listening {
        announce(listen, purpose);
    }
    while !server.is_done() {
        server.turn().map_err(failure("the loop failed"))?;
        if asked.take() {
            log::info!("counters{}", counters(&server, certificate.as_ref()));
        }
    }
    log::info!("stopped{}", counters(&server, certificate.as_ref()));
    Ok(())
}

/// Everything that is counted, each with its name.
fn counters(server: &Server, certificate: Option<&Kept>) -> String {
    let mut stats = String::new();
    let mut add = |name: &'static str, value: u64| stats.push_str(&format!(" {name}={value}"));
    server.stats(&mut add);
    if let Some(certificate) = certificate {
        server.tls_metrics().each(&mut add);
        add("cert_not_after", certificate.not_after_unix_s());
    }
    stats
}

/// Programs wait for this line, whatever is logged: it says where to connect when the system chose the port.
fn announce(listen: &Listen, purpose: &str) {
    let hint = match (&listen.address, purpose, listen.is_tls) {
        (Address::Tcp(address), "for lines", false) => format!(" (nc {} {})", address.ip(), address.port()),
        (Address::Tcp(address), "for lines", true) => format!(" (openssl s_client -connect {address})"),
        (Address::Tcp(address), _, false) => format!(" (http://{address}/)"),
        (Address::Tcp(address), _, true) => format!(" (https://{address}/)"),
        (Address::Unix(_), ..) => String::new(),
    };
    // Nobody listens to stderr: then there is nobody to tell.
    let _ = writeln!(io::stderr(), "listening on {listen} {purpose}{hint}");
}

fn start_log(level: LevelFilter) {
    env_logger::Builder::new().filter_level(level).format_timestamp_millis().format_target(false).init();
}
