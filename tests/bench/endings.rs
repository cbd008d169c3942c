//! Connections that do not come about, and connections that end.

use crate::server::{Behaviour, Door, Fate, Manner, Server};
use crate::{outcome, plan, try_run};
use chinwag::bench::plan::{Load, Scenario};
use std::net::TcpListener;

#[test]
fn refusals_are_counted_by_their_status_and_the_others_go_on() {
    let mut behaviour = Behaviour::sound(Manner::Echo);
    behaviour.door = |number| if number % 2 == 1 { Door::Status(503) } else { Door::Open };
    let server = Server::start(behaviour);
    let mut plan = plan(&server);
    (plan.scenario, plan.senders, plan.load) = (Scenario::Echo, 4, Load::Closed { window: 1 });
    let outcome = outcome(&plan);
    assert_eq!((outcome.connecting.dialled, outcome.connecting.ready), (4, 2));
    let kind = &outcome.errors.kinds["handshake: HTTP 503"];
    assert_eq!((kind.count, outcome.errors.total()), (2, 2));
    assert!(!kind.example.is_empty());
    assert_eq!(outcome.audit.unaccounted(), 0, "{:?}", outcome.audit);
}

#[test]
fn a_server_that_takes_nobody_is_one_line() {
    let mut behaviour = Behaviour::sound(Manner::Echo);
    behaviour.door = |_| Door::Status(503);
    let server = Server::start(behaviour);
    let failure = try_run(&plan(&server)).expect_err("nobody got in").to_string();
    assert!(failure.contains("HTTP 503") && !failure.contains('\n'), "{failure}");
}

#[test]
fn where_nobody_listens_it_is_one_line() {
    let server = Server::start(Behaviour::sound(Manner::Echo));
    let mut plan = plan(&server);
    // A port that nobody else is given while this socket holds it, and where nobody listens any more.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    socket2::SockRef::from(&nobody).shutdown(std::net::Shutdown::Both).expect("it listens no more");
    plan.servers = format!("ws://{}/", nobody.local_addr().expect("it has one")).parse().expect("a URL");
    for (scenario, senders) in [(Scenario::Fanout, 1), (Scenario::Connect, 0)] {
        (plan.scenario, plan.senders) = (scenario, senders);
        let failure = try_run(&plan).expect_err("nobody is there").to_string();
        assert!(failure.contains("refused") && !failure.contains('\n'), "{failure}");
    }
}

#[test]
fn what_goes_with_a_closed_connection_is_no_loss() {
    let script = |receiver, number| match (receiver, number) {
        (2, 40) => Fate::Closed(4108),
        _ => Fate::Sound,
    };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let outcome = outcome(&plan(&server));
    let audit = outcome.audit;
    // Receiver 2 may be the sender, to whom nothing is sent; then nothing is closed.
    let closed = server.did("Closed");
    assert_eq!(outcome.errors.kinds.get("closed: 4108").map_or(0, |kind| kind.count), closed);
    assert_eq!((audit.cut_off, audit.unaccounted()), (closed * 60, 0), "{audit:?}");
    assert_eq!(audit.delivered + audit.cut_off, 300);
}

#[test]
fn connections_are_made_as_fast_as_they_are_taken() {
    let server = Server::start(Behaviour::sound(Manner::Echo));
    let mut plan = plan(&server);
    (plan.scenario, plan.senders) = (Scenario::Connect, 0);
    let outcome = outcome(&plan);
    assert!(outcome.connecting.ready > 4 && outcome.errors.total() == 0, "{:?}", outcome.errors);
    assert_eq!(outcome.connecting.ready, outcome.connecting.handshake.len());
}
