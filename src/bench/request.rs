//! The request of each connection's handshake: the target, the header fields and the subprotocols, with values of its own.

use super::plan::{Plan, Server};
use super::speech::Speech;
use super::template::{Template, Values};
use std::hash::{BuildHasher, RandomState};

/// What handshakes hold beside the URL. The values of header fields are templates, and so is the URL's target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Names and values of header fields.
    pub headers: Vec<(String, String)>,
    /// Offered in this order.
    pub subprotocols: Vec<String>,
    /// One for all connections, or one for each.
    pub tokens: Vec<String>,
}

impl Handshake {
    /// Whether that field is sent, beside those of every handshake.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    /// The token of a connection; empty where there are none.
    pub fn token(&self, connection: u32) -> &str {
        match &*self.tokens {
            [] => "",
            [token] => token,
            tokens => tokens.get(connection as usize).map_or("", String::as_str),
        }
    }
}

/// What one connection asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path and the query.
    pub target: String,
    /// The `Host` field.
    pub authority: String,
    /// Further fields.
    pub headers: Vec<(String, String)>,
}

/// What is the same in all requests to a server.
#[derive(Debug)]
struct AtServer {
    authority: Template,
    target: Template,
    /// From the user and the password of its URL.
    authorization: Option<String>,
}

/// Makes the requests of a run.
#[derive(Debug)]
pub struct Requests {
    /// By server.
    servers: Vec<AtServer>,
    headers: Vec<(String, Template)>,
    handshake: Handshake,
    random: RandomState,
}

impl Requests {
    /// Those of a plan.
    pub fn new(plan: &Plan) -> Requests {
        let handshake = plan.handshake.clone();
        let (hosts, headers): (Vec<_>, Vec<_>) =
            handshake.headers.iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
        let at_server = |Server { url, .. }: &Server| AtServer {
            authority: Template::parse(
                &hosts.first().map_or_else(|| url.authority(), |(_, host)| host.clone()),
            ),
            target: Template::parse(&url.target()),
            authorization: url.authorization().map(str::to_owned),
        };
        Requests {
            servers: plan.servers.iter().map(at_server).collect(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.clone(), Template::parse(value)))
                .collect(),
            handshake,
            random: RandomState::new(),
        }
    }

    /// The subprotocols that are offered.
    pub fn subprotocols<'a>(&'a self, speech: &Speech) -> Vec<&'a str> {
        let spoken = speech.subprotocols().iter().copied();
        spoken.chain(self.handshake.subprotocols.iter().map(String::as_str)).collect()
    }

    /// What that connection asks for in attempt number `attempt` of the run.
    pub fn make(&self, connection: u32, attempt: u64, speech: &Speech) -> Request {
        let token = self.handshake.token(connection);
        let random = self.random.hash_one((connection, attempt));
        let room = speech.home(connection);
        let values = Values { connection, room: &room, sequence: attempt, random, token, saved: &[] };
        let in_url = percent_encode(token);
        let server = &self.servers[connection as usize % self.servers.len()];
        let target = server.target.filled(&Values { token: &in_url, ..values });
        let given = self.headers.iter().map(|(name, value)| (name.clone(), value.filled(&values)));
        let of_url = server.authorization.iter().map(|value| ("Authorization".to_owned(), value.clone()));
        Request {
            target: speech.target(connection, &target).into_owned(),
            authority: server.authority.filled(&values),
            headers: given.chain(of_url).collect(),
        }
    }
}

/// A text as a part of a URL: all but its unreserved letters in percent codes (RFC 3986, section 2.3).
pub fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::tests::plan;

    #[test]
    fn each_connection_asks_for_something_of_its_own() {
        let mut plan = plan();
        plan.servers = "ws://h:1/{room}?i={i}&t={token}&n={seq}".parse().expect("a URL");
        plan.rooms = 2;
        plan.handshake = Handshake {
            headers: vec![("X-User".into(), "u{i}:{token}".into()), ("host".into(), "v{i}.example".into())],
            subprotocols: vec!["a".into(), "b".into()],
            tokens: vec!["x+y".into(), "z".into(), "w".into()],
        };
        let speech = Speech::new(&plan, false);
        let requests = Requests::new(&plan);
        assert_eq!(
            requests.make(0, 5, &speech),
            Request {
                target: "/bench-0?i=0&t=x%2By&n=5".into(),
                authority: "v0.example".into(),
                headers: vec![("X-User".into(), "u0:x+y".into())],
            }
        );
        assert_eq!(requests.make(1, 6, &speech).target, "/bench-1?i=1&t=z&n=6");
        assert_eq!(requests.subprotocols(&speech), ["a", "b"]);
    }

    #[test]
    fn each_server_is_asked_under_its_own_name_path_and_password() {
        let mut plan = plan();
        let url = |text: &str| text.parse().expect("a URL");
        plan.servers = super::super::plan::Servers::new(url("ws://a:1/x"), [url("ws://ann:x@b:2/y/{i}")]);
        let speech = Speech::new(&plan, false);
        let requests = Requests::new(&plan);
        let made: Vec<Request> = (0..4).map(|connection| requests.make(connection, 0, &speech)).collect();
        let told: Vec<(&str, &str, usize)> =
            made.iter().map(|made| (&*made.authority, &*made.target, made.headers.len())).collect();
        assert_eq!(told, [("a:1", "/x", 0), ("b:2", "/y/1", 1), ("a:1", "/x", 0), ("b:2", "/y/3", 1)]);
    }

    #[test]
    fn random_values_differ_from_attempt_to_attempt() {
        let mut plan = plan();
        plan.servers = "ws://h/{random}".parse().expect("a URL");
        let (requests, speech) = (Requests::new(&plan), Speech::new(&plan, false));
        let targets: Vec<String> = (0..3).map(|attempt| requests.make(0, attempt, &speech).target).collect();
        assert!(targets.iter().all(|target| target.len() == 17), "{targets:?}");
        assert!(targets[0] != targets[1] && targets[1] != targets[2], "{targets:?}");
    }
}
