//! What a run is to do: who sends what to whom, how fast, and for how long.

use super::request::Handshake;
use super::script::Script;
use crate::client::{Scheme, Url, UrlError};
use crate::net::tls::ClientEnd;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Every connection sends, and expects its own messages back.
    Echo,
    /// Some send, and everybody else in the room receives.
    Fanout,
    /// Connections are made and closed again, as fast as a bound on those under way lets them.
    Connect,
    /// Connections are made and held.
    Idle,
    /// Connections come and go while a fan-out runs.
    Churn,
    /// All are cut at once, and come back.
    Storm,
    /// Some read at a trickle or not at all while the others are measured.
    Slow,
    /// All go from room to room.
    Hop,
}

impl Scenario {
    /// All of them, with their names.
    pub const NAMED: [(&'static str, Scenario); 8] = [
        ("echo", Scenario::Echo),
        ("fanout", Scenario::Fanout),
        ("connect", Scenario::Connect),
        ("idle", Scenario::Idle),
        ("churn", Scenario::Churn),
        ("storm", Scenario::Storm),
        ("slow", Scenario::Slow),
        ("hop", Scenario::Hop),
    ];
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMED, self))
    }
}

/// How the payloads are wrapped, and what else is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The chat's JSON: acknowledgements, positions, resuming.
    Chinwag,
    /// The chat's text mode.
    ChinwagText,
    /// The chat's text mode over TCP.
    Lines,
    /// The payload is the message.
    Raw,
    /// Whatever the templates say.
    Template,
}

impl Dialect {
    /// All of them, with their names.
    pub const NAMED: [(&'static str, Dialect); 5] = [
        ("chinwag", Dialect::Chinwag),
        ("chinwag-text", Dialect::ChinwagText),
        ("lines", Dialect::Lines),
        ("raw", Dialect::Raw),
        ("template", Dialect::Template),
    ];
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMED, self))
    }
}

fn name_of<T: PartialEq>(named: &[(&'static str, T)], wanted: &T) -> &'static str {
    named.iter().find(|(_, it)| it == wanted).map_or("", |(name, _)| name)
}

/// When messages are sent, or changes of rooms are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// At moments that are fixed beforehand, whatever the server does.
    Open {
        /// Messages a second, of all senders together.
        rate: f64,
        /// How those moments are spread.
        arrival: Arrival,
    },
    /// So many messages of each sender are under way at a time.
    Closed {
        /// How many.
        window: u32,
    },
}

/// How the moments of an open loop are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// One as far from the next as from the one before.
    Even,
    /// As if by chance: a Poisson process.
    Poisson,
}

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is played.
    pub scenario: Scenario,
    /// Where.
    pub servers: Servers,
    /// Whether several servers are one cluster, so that a room of that name on each is the same room.
    pub is_cluster: bool,
    /// What the handshakes hold beside the URL.
    pub handshake: Handshake,
    /// What connections are called in [`Dialect::Chinwag`], a template; as the server likes, if nothing.
    pub name: Option<String>,
    /// How the payloads are wrapped.
    pub dialect: Dialect,
    /// What is sent on joining, and for each message, in [`Dialect::Template`].
    pub templates: Templates,
    /// How many connections.
    pub connections: usize,
    /// How many of them send.
    pub senders: usize,
    /// Whether a sender is told its own messages.
    pub self_echo: bool,
    /// The room, or what the names of several begin with.
    pub room: String,
    /// How many rooms on each server, or in the cluster; who sits where is said in [`super::seating`].
    pub rooms: usize,
    /// Whether to offer that messages are deflated.
    pub deflate: bool,
    /// Whether messages are sent in binary frames, rather than as text.
    pub is_binary: bool,
    /// When messages are sent.
    pub load: Load,
    /// The least and the greatest length of a payload, in bytes.
    pub size: (usize, usize),
    /// How many messages, or changes of rooms, there are in all, after which the run ends; any number, if nothing.
    pub messages: Option<u64>,
    /// For how long it is measured, at the most where `messages` ends it.
    pub duration: Duration,
    /// For how long messages are sent before that.
    pub warmup: Duration,
    /// Over how long the connections are made; zero for as fast as `in_flight` lets them.
    pub ramp: Duration,
    /// How many connections may be under way between dialling and being ready.
    pub in_flight: usize,
    /// How long what is under way at the end is waited for.
    pub drain: Duration,
    /// What the sizes, the moments and the choices follow from.
    pub seed: u64,
    /// Our addresses, taken in turn.
    pub bind: Vec<IpAddr>,
    /// How many loops make the load.
    pub threads: usize,
    /// The servers' processes, where they run on this host.
    pub server_pids: Vec<u32>,
    /// Comings and goings a second in [`Scenario::Churn`].
    pub churn_rate: f64,
    /// How many of a hundred readers are slow in [`Scenario::Slow`].
    pub slow_percent: u32,
    /// How many bytes a second each of those reads; none at all where it is zero.
    pub slow_bytes_per_second: usize,
}

impl Plan {
    /// How many connections do something when their time has come: those that send, or go from room to room.
    pub fn actors(&self) -> usize {
        match self.scenario {
            Scenario::Hop => self.connections,
            _ => self.senders,
        }
    }

    /// How many servers there are whose rooms are not the others': one for a cluster.
    pub fn separate_servers(&self) -> usize {
        match self.scenario {
            // Nobody hears anybody else, so there are no rooms.
            Scenario::Echo => 1,
            _ if self.is_cluster => 1,
            _ => self.servers.count(),
        }
    }
}

/// A server that is put under load.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its address.
    pub url: Url,
    /// What it takes to speak TLS there, if that is spoken.
    pub tls: Option<ClientEnd>,
}

/// The servers of a run, one at least: connection number `i` goes to server number `i`, counted round.
#[derive(Clone, Debug)]
pub struct Servers(Vec<Server>);

impl Servers {
    /// Those at `first` and at the others, in this order.
    pub fn new(first: Url, others: impl IntoIterator<Item = Url>) -> Servers {
        let all = std::iter::once(first).chain(others);
        Servers(all.map(|url| Server { url, tls: None }).collect())
    }

    /// All of them, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Server> {
        self.0.iter()
    }

    /// The same.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Server> {
        self.0.iter_mut()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The number of the server to which a connection goes.
    pub fn number_of(&self, connection: u32) -> usize {
        connection as usize % self.0.len()
    }

    /// The server to which a connection goes.
    pub fn of(&self, connection: u32) -> &Server {
        &self.0[self.number_of(connection)]
    }

    /// What is spoken there: the same by all of them.
    pub fn scheme(&self) -> Scheme {
        self.of(0).url.scheme()
    }
}

/// One server's.
impl FromStr for Servers {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Servers, UrlError> {
        text.parse().map(|url| Servers::new(url, []))
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 3;
        for (at, server) in self.0.iter().take(SHOWN_MAX).enumerate() {
            write!(f, "{}{}", if at > 0 { ", " } else { "" }, server.url)?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Messages to other chat servers: texts for [`super::template`].
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// Sent once by each connection; empty for nothing.
    pub join: String,
    /// Sent for each message.
    pub send: String,
    /// The login and what else the protocol wants, where a script says it.
    pub script: Option<Arc<Script>>,
}

#[cfg(test)]
#[allow(missing_docs, reason = "it is a test's")]
pub mod tests {
    use super::*;

    /// A small plan, to be changed.
    pub fn plan() -> Plan {
        Plan {
            scenario: Scenario::Fanout,
            servers: "ws://127.0.0.1:2021/ws".parse().expect("a URL"),
            is_cluster: false,
            handshake: Handshake::default(),
            name: None,
            dialect: Dialect::Raw,
            templates: Templates::default(),
            connections: 3,
            senders: 1,
            self_echo: false,
            room: "bench".into(),
            rooms: 1,
            deflate: false,
            is_binary: false,
            load: Load::Open { rate: 100.0, arrival: Arrival::Even },
            size: (64, 64),
            messages: None,
            duration: Duration::from_secs(1),
            warmup: Duration::ZERO,
            ramp: Duration::ZERO,
            in_flight: 10,
            drain: Duration::from_secs(1),
            seed: 1,
            bind: Vec::new(),
            threads: 1,
            server_pids: Vec::new(),
            churn_rate: 10.0,
            slow_percent: 10,
            slow_bytes_per_second: 0,
        }
    }

    #[test]
    fn names_are_unique_and_shown() {
        assert_eq!(
            (Scenario::Storm.to_string(), Dialect::ChinwagText.to_string()),
            ("storm".into(), "chinwag-text".into())
        );
    }
}
