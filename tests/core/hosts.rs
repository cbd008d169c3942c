//! Which hosts are answered for, and what is said to those who ask for others: DNS rebinding.

use crate::server::{HOST, HTTP, LOCAL, Server, UPGRADE};
use chinwag::net::ListenerId;
use chinwag::server::{AllowedHosts, AllowedOrigins};

fn hosts(hosts: &[&str]) -> AllowedHosts {
    let mut allowed = AllowedHosts::default();
    hosts.iter().for_each(|host| allowed.allow(host).expect("a host"));
    allowed
}

/// The answer of this listener to a request.
fn answer(server: &mut Server, listener: ListenerId, request: &str) -> String {
    let peer = server.knock(listener, HOST).expect("nobody is turned away");
    server.hears(peer, request.as_bytes());
    String::from_utf8(server.says(peer)).expect("an answer is text")
}

/// The status of that answer.
fn status(server: &mut Server, listener: ListenerId, request: &str) -> String {
    let answer = answer(server, listener, request);
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or_default().to_owned()
}

fn page(host: &str) -> String {
    format!("GET /page HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn handshake(host: &str, origin: &str) -> String {
    UPGRADE.replace("chat.example", host).replacen("\r\n", &format!("\r\nOrigin: {origin}\r\n"), 1)
}

#[test]
fn a_rebound_name_is_refused_for_pages_and_for_sockets() {
    let mut server = Server::new();
    let evil = "evil.example:2021";
    for request in [
        page(evil),
        page(evil).replace("GET", "HEAD"),
        page(evil).replace("/page", "/none"),
        page(evil).replace("GET /page", "OPTIONS *"),
        handshake(evil, "http://evil.example:2021"),
        page("localhost").replace("/page", "http://evil.example/page"),
    ] {
        assert_eq!(status(&mut server, LOCAL, &request), "421", "{request}");
    }
    assert_eq!(server.core.metrics().hosts_refused, 6);
    assert_eq!(server.core.metrics().upgrades, 0);
    let said = answer(&mut server, LOCAL, &handshake(evil, "http://evil.example:2021"));
    for part in [
        "HTTP/1.1 421 Misdirected Request\r\n",
        "Connection: close\r\n",
        "\"evil.example:2021\"",
        "\"http://evil.example:2021\"",
        "--allow-host evil.example ",
        "--allow-host '*'",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn the_local_host_is_answered_for_under_all_its_names() {
    let mut server = Server::new();
    for host in ["localhost:2021", "LOCALHOST.", "127.0.0.1:2021", "[::1]:2021", "chat.localhost:2021"] {
        assert_eq!(status(&mut server, LOCAL, &page(host)), "200", "{host}");
        let origin = format!("http://{host}");
        assert_eq!(status(&mut server, LOCAL, &handshake(host, &origin)), "101", "{host}");
    }
    // RFC 9112, 3.2.2: of a whole URI the host counts, and the field does not.
    let whole = page("evil.example").replace("/page", "http://localhost:2021/page");
    assert_eq!(status(&mut server, LOCAL, &whole), "200");
    // No browser speaks HTTP/1.0.
    assert_eq!(status(&mut server, LOCAL, "GET /page HTTP/1.0\r\n\r\n"), "200");
    assert_eq!(status(&mut server, LOCAL, "GET /page HTTP/1.0\r\nHost: evil.example\r\n\r\n"), "421");
}

#[test]
fn what_is_no_host_is_a_bad_request_as_everywhere() {
    let mut server = Server::new();
    for request in [
        "GET /page HTTP/1.1\r\n\r\n".to_owned(),
        page("localhost\r\nHost: localhost"),
        page("localhost\r\nHost: evil.example"),
        page("user@localhost"),
        page("local host"),
        page("localhost").replace("/page", "http://user@localhost/page"),
        page("localhost").replace("/page", "http://evil.example@localhost/page"),
        page("localhost").replace("/page", "http://evil.example\\@localhost/page"),
    ] {
        assert_eq!(status(&mut server, LOCAL, &request), "400", "{request}");
    }
    for host in ["", ":2021", "localhost:x", "[::1"] {
        assert_eq!(status(&mut server, LOCAL, &page(host)), "421", "{host:?}");
    }
}

#[test]
fn other_listeners_answer_for_every_host_until_hosts_are_given() {
    let mut server = Server::new();
    assert_eq!(status(&mut server, HTTP, &page("evil.example")), "200");
    server.core.allow_hosts(hosts(&["chat.example", "10.0.0.1"]));
    for listener in [HTTP, LOCAL] {
        for host in ["chat.example", "CHAT.example.:8080", "10.0.0.1:2021", "localhost", "127.0.0.1:2021"] {
            assert_eq!(status(&mut server, listener, &page(host)), "200", "{host}");
        }
        for host in ["evil.example", "example", "a.chat.example", "10.0.0.2"] {
            assert_eq!(status(&mut server, listener, &page(host)), "421", "{host}");
        }
    }
    server.core.allow_hosts(hosts(&["*"]));
    for listener in [HTTP, LOCAL] {
        assert_eq!(status(&mut server, listener, &page("evil.example")), "200");
    }
}

#[test]
fn an_allowed_origin_names_its_host() {
    let mut server = Server::new();
    let mut origins = AllowedOrigins::default();
    origins.allow("https://chat.example:8443").expect("an origin");
    server.core.allow_origins(origins.clone());
    assert_eq!(status(&mut server, LOCAL, &page("chat.example")), "200");
    assert_eq!(status(&mut server, LOCAL, &page("other.example")), "421");
    assert_eq!(status(&mut server, HTTP, &page("other.example")), "200", "where nothing is checked");
    origins.allow("*").expect("all");
    server.core.allow_origins(origins);
    assert_eq!(status(&mut server, LOCAL, &page("other.example")), "200");
}

#[test]
fn a_page_that_may_not_connect_is_told_both_values_and_the_flag() {
    let mut server = Server::new();
    let said = answer(&mut server, HTTP, &handshake("chat.example:80", "https://app.example"));
    for part in [
        "HTTP/1.1 403 ",
        "\"https://app.example\"",
        "\"chat.example:80\"",
        "--allow-origin https://app.example ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let said = answer(&mut server, HTTP, &handshake("chat.example", "null"));
    assert!(said.contains("\"null\"") && said.contains("--allow-origin ORIGIN "), "{said}");
    assert_eq!(server.core.metrics().origins_refused, 2);
}

#[test]
fn a_peers_values_are_shown_so_that_they_do_nothing() {
    let mut server = Server::new();
    let said = answer(&mut server, HTTP, &handshake("chat.example", "http://a\"<b>\u{202E}$(reboot)\tx"));
    let (_, body) = said.split_once("\r\n\r\n").expect("a body");
    assert!(body.contains(r#"\"<b>\u{202e}$(reboot)\tx""#), "{body}");
    assert!(!body.contains("--allow-origin http"), "{body}");
    assert!(body.trim_end().bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{body}");
    let said = answer(&mut server, LOCAL, &page(&format!("{}.example", "x".repeat(5000))));
    assert!(said.contains("421") && said.len() < 600, "{said}");
}
