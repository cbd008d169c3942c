//! What each connection asks for, as a server reads it, and what is told of a server that says no.

use crate::{plan_at, try_run};
use chinwag::bench::Plan;
use chinwag::bench::plan::Scenario;
use chinwag::bench::request::Handshake;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A server that reads requests, answers each with this, and closes.
fn refuse_with(answer: &'static str) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one").to_string();
    let (tell, requests) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(len) if len > 0 => request.extend_from_slice(&buffer[..len]),
                    _ => break,
                }
            }
            // What follows a bar is sent a tenth of a second later.
            let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
            for (at, part) in answer.split('|').enumerate() {
                if at > 0 {
                    let _ = stream.read(&mut buffer);
                }
                let _ = stream.write_all(part.as_bytes());
            }
            if tell.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

fn echo(address: &str, path: &str, connections: usize) -> Plan {
    let plan = plan_at(&format!("ws://{address}{path}"));
    Plan { scenario: Scenario::Echo, connections, senders: connections, ..plan }
}

#[test]
fn a_refusal_is_told_with_its_target_or_the_first_line_of_its_body() {
    for (answer, words) in [
        (
            "HTTP/1.1 302 Found\r\nLocation: https://b.example/login\r\nContent-Length: 0\r\n\r\n",
            "HTTP 302, a redirect to https://b.example/login (redirects are not followed: give that address)",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nno token\r\n0\r\n\r\n",
            "HTTP 401: no token (a login is wanted",
        ),
        (
            "HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\n\r\ntoo many\nof you",
            "HTTP 429, come back in 3 s: too many",
        ),
        ("HTTP/1.1 200 OK\r\n\r\n<!doctype html>\n<title>A page</title>", "HTTP 200: A page"),
        ("HTTP/1.1 403 No\r\n\r\n|not to|day", "HTTP 403: not today"),
        ("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n|not |today", "HTTP 403: not today"),
        ("HTTP/1.1 500 Oh\r\n\r\n\x1b[2Jx", "HTTP 500: \\u{1b}[2Jx"),
    ] {
        let (address, _requests) = refuse_with(answer);
        let failure = try_run(&echo(&address, "/", 2)).expect_err(words).to_string();
        assert!(failure.contains(words), "{failure}");
    }
}

#[test]
fn each_connection_sends_its_own_target_fields_and_token() {
    let (address, requests) = refuse_with("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let handshake = Handshake {
        headers: vec![
            ("X-User".into(), "u{i}".into()),
            ("Authorization".into(), "Bearer {token}".into()),
            ("Origin".into(), "https://a.example".into()),
        ],
        subprotocols: vec!["v2.example".into(), "v1.example".into()],
        tokens: vec!["a".into(), "b".into(), "c".into()],
    };
    let plan = Plan { handshake, ..echo(&address, "/c/{i}?room={room}", 3) };
    try_run(&plan).expect_err("nobody gets in");
    let requests: BTreeSet<String> = requests.iter().take(3).collect();
    for (request, i) in requests.iter().zip(0..) {
        assert!(
            request.starts_with(&format!("GET /c/{i}?room=bench HTTP/1.1\r\nHost: {address}\r\n")),
            "{request}"
        );
        for field in [
            format!("X-User: u{i}"),
            format!("Authorization: Bearer {}", ["a", "b", "c"][i]),
            "Origin: https://a.example".to_owned(),
            "Sec-WebSocket-Protocol: v2.example, v1.example".to_owned(),
        ] {
            assert!(request.contains(&format!("\r\n{field}\r\n")), "{field}: {request}");
        }
    }
    assert_eq!(requests.len(), 3);
}
