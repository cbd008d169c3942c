//! What is counted, and when.

use crate::server::{HOST, HTTP, Server, UPGRADE, UPGRADED, close, ping, text};
use chinwag::server::Limits;
use chinwag::time::Millis;
use std::collections::BTreeMap;

/// The counts as they were when they were last looked at.
struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn of(server: &Server) -> Counts {
        let mut counts = BTreeMap::new();
        server.core.stats(&mut |name, value| {
            counts.insert(name, value);
        });
        Counts(counts)
    }

    /// Holds that these have grown since, by so much, and nothing else.
    #[track_caller]
    fn grow(&mut self, server: &Server, expected: &[(&'static str, u64)]) {
        let now = Counts::of(server);
        let grown = |(&name, &value): (&&'static str, &u64)| (name, value.saturating_sub(self.0[name]));
        let grown: Vec<_> = now.0.iter().map(grown).filter(|(_, by)| *by > 0).collect();
        assert_eq!(grown, expected);
        *self = now;
    }
}

#[test]
fn everything_is_counted_where_it_happens() {
    let mut server = Server::with(Limits { connections_max: Some(2), ..Limits::default() });
    let mut counts = Counts::of(&server);
    assert!(counts.0.values().all(|count| *count == 0));

    let ann = server.accept();
    counts.grow(&server, &[("accepted", 1), ("connections", 1)]);

    server.hears(ann, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    let len = server.says(ann).len() as u64;
    counts.grow(&server, &[("bytes_in", 31), ("bytes_out", len), ("requests", 1), ("writes", 1)]);

    server.hears(ann, UPGRADE.as_bytes());
    server.says(ann);
    let (request, response) = (UPGRADE.len() as u64, UPGRADED.len() as u64);
    counts.grow(&server, &[("bytes_in", request), ("bytes_out", response), ("upgrades", 1), ("writes", 1)]);

    server.hears(ann, &[text("hi"), text("there")].concat());
    server.says(ann);
    counts.grow(&server, &[("bytes_in", 19), ("bytes_out", 11), ("messages_in", 2), ("writes", 1)]);

    server.hears(ann, &ping(b"!"));
    server.says(ann);
    counts.grow(&server, &[("bytes_in", 7), ("bytes_out", 3), ("pings_in", 1), ("writes", 1)]);

    server.hears(ann, &text("all 1 words to nobody"));
    counts.grow(&server, &[("bytes_in", 27), ("messages_in", 1), ("published", 1)]);

    server.at(server.now + Millis(25_008));
    server.says(ann);
    counts.grow(&server, &[("bytes_out", 2), ("pings", 1), ("writes", 1)]);

    // From here on she reads nothing but a byte.
    server.set_capacity(ann, 1);
    server.hears(ann, &text("slow"));
    let short = [("bytes_in", 10), ("bytes_out", 1), ("messages_in", 1), ("writes", 1), ("writes_short", 1)];
    counts.grow(&server, &short);

    server.hears(ann, &[text("give 20000"), ping(b"1"), ping(b"2")].concat());
    counts.grow(&server, &[("bytes_in", 30), ("messages_in", 1), ("pings_in", 2), ("pongs_replaced", 1)]);

    server.hears(ann, &text("give 50000"));
    counts.grow(&server, &[("bytes_in", 16), ("messages_in", 1), ("paused", 1)]);

    server.accept_line();
    counts.grow(&server, &[("accepted", 1), ("connections", 1)]);
    assert!(server.knock(HTTP, HOST).is_err());
    counts.grow(&server, &[("turned_away", 1)]);

    server.set_capacity(ann, usize::MAX);
    server.says(ann);
    counts = Counts::of(&server);
    server.hears(ann, &close(b""));
    server.hears_fin(ann);
    counts.grow(&server, &[("bytes_in", 6), ("bytes_out", 2), ("closed", 1), ("writes", 1)]);
    assert_eq!(counts.0["connections"], 1);
}
