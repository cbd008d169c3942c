//! Several servers: each has its share of the connections and its own rooms, unless they are one cluster.

use crate::server::{Behaviour, Death, Manner, Server};
use crate::{outcome, plan};
use chinwag::bench::outcome::Outcome;
use chinwag::bench::plan::{Dialect, Load, Plan, Scenario, Servers};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

fn at(addresses: &[SocketAddr]) -> Servers {
    let mut urls = addresses.iter().map(|address| format!("ws://{address}/").parse().expect("a URL"));
    Servers::new(urls.next().expect("one at least"), urls)
}

/// Twelve connections to these servers, of which the first ones send, one to each.
fn plan_at(servers: &[Server]) -> Plan {
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let count = servers.len();
    Plan { servers: at(&addresses), connections: 12, senders: count, in_flight: 12, ..plan(&servers[0]) }
}

fn sound(manner: Manner, count: usize) -> Vec<Server> {
    (0..count).map(|_| Server::start(Behaviour::sound(manner))).collect()
}

#[track_caller]
fn each(outcome: &Outcome, what: fn(&chinwag::bench::outcome::ServerCounts) -> u64) -> Vec<u64> {
    outcome.servers.iter().map(what).collect()
}

#[test]
fn each_server_is_owed_its_own_messages_only() {
    for (manner, dialect) in [(Manner::Broadcast, Dialect::Raw), (Manner::Json, Dialect::Chinwag)] {
        for threads in [1, 2, 3] {
            let servers = sound(manner, 3);
            let outcome = outcome(&Plan { dialect, threads, ..plan_at(&servers) });
            let audit = outcome.audit;
            assert_eq!(
                (audit.sent, audit.expected, audit.unaccounted()),
                (100, 300, 0),
                "{threads}: {audit:?}"
            );
            assert_eq!(outcome.errors.total(), 0, "{:?}", outcome.errors);
            assert_eq!(each(&outcome, |server| server.ready), [4; 3]);
            let sent = each(&outcome, |server| server.sent);
            assert_eq!(sent.iter().sum::<u64>(), 100);
            let delivered: Vec<u64> = sent.iter().map(|sent| 3 * sent).collect();
            assert_eq!(each(&outcome, |server| server.delivered), delivered);
            assert_eq!(each(&outcome, |server| server.latency.len()), delivered);
        }
    }
}

#[test]
fn an_echo_and_a_window_are_spread_too() {
    let servers = sound(Manner::Echo, 2);
    let echo = Plan { scenario: Scenario::Echo, senders: 12, threads: 2, ..plan_at(&servers) };
    let echoed = outcome(&Plan { load: Load::Closed { window: 2 }, ..echo });
    assert_eq!((echoed.audit.unaccounted(), each(&echoed, |server| server.ready)), (0, vec![6, 6]));
    assert_eq!(each(&echoed, |server| server.sent), each(&echoed, |server| server.delivered));
    let servers = sound(Manner::Json, 2);
    for threads in [1, 2] {
        let plan = Plan { dialect: Dialect::Chinwag, rooms: 2, senders: 4, threads, ..plan_at(&servers) };
        let outcome = outcome(&Plan { load: Load::Closed { window: 1 }, ..plan });
        let audit = outcome.audit;
        assert_eq!((audit.unaccounted(), audit.expected), (0, 2 * audit.sent), "{audit:?}");
    }
}

#[test]
fn rooms_of_one_name_are_one_room_in_a_cluster_alone() {
    // Two names of one server are a cluster as good as any.
    let server = Server::start(Behaviour::sound(Manner::Broadcast));
    let both = Plan { servers: at(&[server.address; 2]), connections: 6, senders: 2, ..plan(&server) };
    let cluster = outcome(&Plan { is_cluster: true, ..both.clone() });
    let audit = cluster.audit;
    assert_eq!((audit.sent, audit.expected, audit.unaccounted()), (100, 500, 0), "{audit:?}");
    let apart = outcome(&both);
    assert_eq!((apart.audit.delivered, apart.audit.lost, apart.audit.foreign), (200, 0, 300));
    let kind = &apart.errors.kinds["another server's message"];
    assert!(kind.count == 300 && kind.hint.contains("--cluster"), "{kind:?}");
}

#[test]
fn a_dead_server_of_three_is_found() {
    let servers = sound(Manner::Broadcast, 2);
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    socket2::SockRef::from(&nobody).shutdown(std::net::Shutdown::Both).expect("it listens no more");
    let dead = nobody.local_addr().expect("it has one");
    let servers = at(&[servers[0].address, dead, servers[1].address]);
    let outcome =
        outcome(&Plan { servers, senders: 3, connections: 12, ..plan_at(&sound(Manner::Broadcast, 1)) });
    assert_eq!(each(&outcome, |server| server.failed), [0, 4, 0]);
    assert_eq!(each(&outcome, |server| server.errors)[..1], [0]);
    let refused = &outcome.errors.kinds["refused"];
    assert!(refused.count == 4 && refused.example.starts_with(&format!("ws://{dead}/: ")), "{refused:?}");
}

#[test]
fn a_server_that_dies_takes_its_own_connections_along() {
    let healthy = Server::start(Behaviour::sound(Manner::Broadcast));
    let death = Death::AfterMessages(10, false);
    let mortal = Server::start(Behaviour { death, ..Behaviour::sound(Manner::Broadcast) });
    let outcome = outcome(&plan_at(&[healthy, mortal]));
    assert_eq!(each(&outcome, |server| server.lost), [0, 6]);
    assert_eq!((outcome.ending.lost, outcome.ending.deserted_after), (6, None));
    assert_eq!(each(&outcome, |server| server.delivered), [250, 45]);
    assert_eq!(outcome.audit.unaccounted(), 0, "{:?}", outcome.audit);
}

#[test]
fn connections_come_back_to_their_own_server() {
    let servers = sound(Manner::Json, 2);
    // A room's numbers on one server mean nothing on the other.
    let plan = Plan { dialect: Dialect::Chinwag, rooms: 2, ..plan_at(&servers) };
    let storm = Plan { scenario: Scenario::Storm, duration: Duration::from_secs(2), ..plan.clone() };
    let audit = outcome(&storm).audit;
    let chinwag = audit.chinwag.expect("it has positions");
    assert_eq!((chinwag.resumes, chinwag.resumed), (12, 12), "{audit:?}");
    let churn = Plan { scenario: Scenario::Churn, churn_rate: 50.0, ..plan };
    let churned = outcome(&churn);
    assert!(churned.connecting.ready > 20, "{:?}", churned.connecting);
    assert_eq!(churned.audit.unaccounted(), 0, "{:?}", churned.audit);
}

#[test]
fn hoppers_and_idle_connections_are_in_the_rooms_of_their_server() {
    let servers = sound(Manner::Json, 2);
    let plan = Plan { dialect: Dialect::Chinwag, senders: 0, rooms: 5, ..plan_at(&servers) };
    let hopped = outcome(&Plan { scenario: Scenario::Hop, ..plan.clone() });
    let hops = hopped.audit.hops.expect("somebody hops");
    assert_eq!(
        (hops.asked, hops.left, hops.joined, hopped.audit.unaccounted()),
        (100, 100, 100, 0),
        "{hops:?}"
    );
    assert_eq!(each(&hopped, |server| server.delivered).iter().sum::<u64>(), 100);
    let servers = sound(Manner::Json, 2);
    let many = Plan { scenario: Scenario::Idle, rooms: 11, connections: 4, ..plan };
    let idle = outcome(&Plan { servers: at(&[servers[0].address, servers[1].address]), ..many });
    assert_eq!(idle.connecting.ready, 4);
    assert_eq!([servers[0].seats_max(), servers[1].seats_max()], [11, 11]);
}
