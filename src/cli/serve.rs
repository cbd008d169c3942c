//! `chinwag serve`: the one place that knows that one of the services is the chat, and what it is plugged to.

use super::certificate::{Certificate, Kept};
use super::listeners::{self, Listening};
use super::{complain, pages, random, signals};
use crate::chat::Chat;
use crate::config::Serve;
use crate::server::Server;
use crate::service::add::Add;
use crate::service::echo::Echo;
use log::LevelFilter;
use std::fmt;
use std::io;
use std::process::ExitCode;

const ECHO_MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Descriptors that no connection can have: the standard streams, the poll, signals, and files that are open for a moment.
const DESCRIPTORS_OF_OURS: u64 = 16;
/// A listener is one, and holds one in reserve.
const DESCRIPTORS_PER_LISTENER: u64 = 2;
const ADD_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Why the daemon cannot run, in one line.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs the daemon until a signal ends it.
pub fn run(config: &Serve) -> ExitCode {
    start_log(config.log);
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(format_args!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(config: &Serve) -> Result<(), Failure> {
    let failure = |what: &'static str| move |error: io::Error| Failure(format!("{what}: {error}"));
    // A connection is a descriptor, and the soft limit is often 1,024 where the hard one is many times that.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX);
    if let Ok(limit) = descriptors {
        check_connections(config, limit)?;
    }
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

    let certificate = match &config.tls {
        Some((certificate, key)) => {
            Some(Certificate::load(certificate, key).map_err(|error| Failure(format!("no TLS: {error}")))?)
        }
        None => None,
    };
    let identity = certificate.as_ref().map(Certificate::identity);
    let listening = listeners::open(&mut server, config, chat, identity).map_err(Failure)?;
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
    listening.iter().for_each(Listening::announce);
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

/// Refuses a bound on connections that descriptors run out before.
fn check_connections(config: &Serve, descriptors: u64) -> Result<(), Failure> {
    let listeners = config.listen.len() + config.line_listen.len();
    let own = DESCRIPTORS_OF_OURS + DESCRIPTORS_PER_LISTENER * listeners as u64;
    let room = descriptors.saturating_sub(own);
    match config.limits.connections_max {
        Some(connections) if connections as u64 > room => Err(Failure(format!(
            "--connections {connections} is more than the limit of {descriptors} descriptors allows: choose {room} or \
             fewer, or raise the limit (ulimit -n, LimitNOFILE=)"
        ))),
        _ => Ok(()),
    }
}

fn start_log(level: LevelFilter) {
    env_logger::Builder::new().filter_level(level).format_timestamp_millis().format_target(false).init();
}
