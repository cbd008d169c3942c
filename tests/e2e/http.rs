//! HTTP: pages, refusals, and the handshake that leads out of it.

use crate::harness::websocket::{KEY_TEXT, frame, request};
use crate::harness::{Daemon, Heard, Http, PATIENCE, Socket, WebSocket};
use chinwag::proto::ws::Opcode;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A handshake, with one line put in place of another.
fn handshake_but(line: &str, instead: &str) -> String {
    let sound = String::from_utf8(request("/echo", &[])).expect("a request is text");
    let changed = sound.replace(&format!("{line}\r\n"), instead);
    assert_ne!(changed, sound, "there is no {line:?} in a handshake");
    changed
}

#[test]
fn every_refusal_has_its_status_and_one_line_that_says_why() {
    let daemon = Daemon::start(&[]);
    let host = "Host: localhost\r\n";
    let too_long = "x".repeat(8 * 1024);
    let key = format!("Sec-WebSocket-Key: {KEY_TEXT}");
    let get = |fields: &str| format!("GET / HTTP/1.1\r\n{fields}\r\n");
    let requests = [
        (400, "hello\r\n\r\n".to_owned()),
        (400, "GET /\r\n\r\n".to_owned()),
        (400, get("")),
        (400, get("Host: a\r\nHost: b\r\n")),
        (400, get("Host: localhost\r\nno colon\r\n")),
        (400, get("Host: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
        (400, handshake_but("Host: localhost", "")),
        (400, handshake_but("Connection: Upgrade", "")),
        (400, handshake_but(&key, "")),
        (400, handshake_but(&key, "Sec-WebSocket-Key: c2hvcnQ=\r\n")),
        (400, handshake_but("GET /echo HTTP/1.1", "GET /echo HTTP/1.0\r\n")),
        (404, handshake_but("GET /echo HTTP/1.1", "GET /nowhere HTTP/1.1\r\n")),
        (411, format!("POST / HTTP/1.1\r\n{host}\r\n")),
        (413, format!("POST / HTTP/1.1\r\n{host}Content-Length: 1000000\r\n\r\n")),
        (414, format!("GET /{too_long} HTTP/1.1\r\n{host}\r\n")),
        (431, get(&format!("{host}{}", format!("A: {too_long}\r\n").repeat(4)))),
        (431, get(&format!("{host}{}", "A: b\r\n".repeat(100)))),
        (501, format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        (505, format!("GET / HTTP/2.0\r\n{host}\r\n")),
    ];
    for (status, request) in requests {
        let what = &request[..request.len().min(60)];
        let mut http = Http::connect(daemon.http());
        http.send(&request);
        let answer = http.answer();
        assert_eq!(answer.status, status, "{what:?}");
        assert!(answer.body.len() > 5 && answer.body.ends_with('\n'), "{what:?}: {:?}", answer.body);
        assert_eq!(answer.body.lines().count(), 1, "{what:?}: {:?}", answer.body);
        assert_eq!(answer.field("connection"), Some("close"), "{what:?}");
        http.end();
    }
}

#[test]
fn a_refusal_names_what_would_have_been_right() {
    let daemon = Daemon::start(&[]);
    let ask = |request: &str| {
        let mut http = Http::connect(daemon.http());
        http.send(request);
        http.answer()
    };
    // RFC 9110, 15.5.6: a 405 says what is allowed.
    let answer = ask("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((answer.status, answer.field("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let answer = ask(&handshake_but("GET /echo HTTP/1.1", "PUT /echo HTTP/1.1\r\n"));
    assert_eq!((answer.status, answer.field("allow")), (405, Some("GET")));
    // RFC 6455, 4.4: a 426 says which version is spoken.
    let answer = ask(&handshake_but("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8\r\n"));
    assert_eq!((answer.status, answer.field("sec-websocket-version")), (426, Some("13")));
    assert_eq!(answer.field("upgrade"), Some("websocket"));
    // RFC 9110, 15.5.22: and which protocol, where somebody comes without one.
    let answer = ask("GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((answer.status, answer.field("upgrade")), (426, Some("websocket")));
    assert_eq!(answer.body.lines().count(), 1);
}

#[test]
fn cookies_of_other_programs_lock_nobody_out() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    let head = |fields: String| format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    http.send(head(format!("Cookie: {}\r\n", "c".repeat(30_000))));
    assert_eq!(http.answer().status, 200);
    http.send(head("A: b\r\n".repeat(99)));
    assert_eq!(http.answer().status, 200);
}

#[test]
fn options_tell_what_can_be_asked() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    for (target, allow) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/chinwag.js", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/echo", "GET, HEAD, OPTIONS"),
        ("/ws", "GET, OPTIONS"),
        ("/ws/", "GET, OPTIONS"),
        ("/add", "GET, OPTIONS"),
        ("*", "GET, HEAD, OPTIONS"),
    ] {
        http.send(format!("OPTIONS {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let answer = http.answer();
        assert_eq!((answer.status, answer.field("allow")), (204, Some(allow)), "{target}");
        assert_eq!(answer.field("content-length"), None, "RFC 9110, 8.6");
    }
    http.send("OPTIONS /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(http.answer().status, 404);
}

#[test]
fn a_slash_at_the_end_and_a_handshake_at_the_root_find_their_way() {
    let daemon = Daemon::start(&[]);
    for path in ["/ws/", "/ws/?name=ann", "/echo/", "/add/"] {
        WebSocket::connect(&daemon, path);
    }
    assert_eq!(Http::get(daemon.http(), "/echo/").status, 200);
    for path in ["/", "/chinwag.js", "/nowhere", "/ws//"] {
        let mut http = Http::connect(daemon.http());
        http.send(request(path, &[]));
        let answer = http.answer();
        assert_eq!(answer.status, 404, "{path}");
        let expected =
            format!("there is no WebSocket endpoint at \"{path}\": connect to /ws, /echo or /add\n");
        assert_eq!(answer.body, expected);
    }
}

#[test]
fn tls_on_the_port_without_it_is_answered_with_an_alert_at_once() {
    let daemon = Daemon::start(&[]);
    for hello in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\x16"] {
        let mut socket = Socket::connect(daemon.http());
        socket.send(hello);
        assert_eq!(socket.receive_to_end(), b"\x15\x03\x01\x00\x02\x02\x46");
    }
    let address = daemon.http().to_string();
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output().expect("it is there");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let url = format!("https://{address}/");
    let told =
        run(Command::new("curl").args(["--silent", "--show-error", "--noproxy", "*", "--insecure", &url]));
    assert!(told.contains("alert protocol version"), "{told}");
    let told = run(Command::new("openssl").args(["s_client", "-connect", &address]));
    assert!(told.contains("alert protocol version"), "{told}");
    daemon.logged(&["WARN", "TLS on a port without it", "--listen tls://"]);
    daemon.logged_times(&["closed", "reason=tls-mismatch"], 4);
    assert_eq!(daemon.logged_times(&["WARN"], 1), 1, "four times, and told once");
}

#[test]
fn a_page_of_another_origin_may_not_connect() {
    let daemon = Daemon::start(&[]);
    let own = format!("http://{}", daemon.http());
    for (origin, accepted) in [
        (None, true),
        (Some(own.as_str()), true),
        (Some("https://test"), false),
        (Some("http://test"), false),
        (Some("null"), false),
        (Some("file://"), false),
        (Some(""), false),
    ] {
        let mut http = Http::connect(daemon.http());
        let host = daemon.http().to_string();
        let mut request = String::from_utf8(request("/ws", &[])).expect("text").replace("localhost", &host);
        if let Some(origin) = origin {
            request = request.replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
        }
        http.send(request);
        let answer = if accepted { http.answer_to_head() } else { http.answer() };
        assert_eq!(answer.status, if accepted { 101 } else { 403 }, "{origin:?}");
        if !accepted {
            assert_eq!(answer.body.lines().count(), 1);
            http.end();
        }
    }
}

#[test]
fn the_module_is_for_all_origins_and_the_pages_are_for_their_own() {
    let daemon = Daemon::start(&[]);
    let module = Http::get(daemon.http(), "/chinwag.js");
    assert_eq!(module.field("access-control-allow-origin"), Some("*"));
    assert_eq!(module.field("cross-origin-resource-policy"), Some("cross-origin"));
    // A page that may not connect can tell that from a server that is down.
    assert_eq!(Http::get(daemon.http(), "/healthz").field("access-control-allow-origin"), Some("*"));
    // A module of another type is not run.
    assert_eq!(module.field("content-type"), Some("text/javascript; charset=utf-8"));
    for path in ["/", "/chat.js", "/chat.css", "/page.css", "/echo"] {
        let page = Http::get(daemon.http(), path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.field("access-control-allow-origin"), None, "{path}");
        assert_eq!(page.field("cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}

#[test]
fn a_page_that_may_not_connect_is_told_why_over_http() {
    let daemon = Daemon::start(&[]);
    // A browser sends no Origin with a GET to where the page comes from, and always sends one with a POST.
    for (method, path, status) in [("GET", "/ws", 426), ("POST", "/ws", 426), ("POST", "/echo", 405)] {
        let ask = |origin: &str| {
            let mut http = Http::connect(daemon.http());
            http.send(format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n",
                daemon.http()
            ));
            http.answer()
        };
        let refusal = ask("https://elsewhere.example");
        assert_eq!(refusal.status, 403);
        assert!(refusal.body.contains("--allow-origin https://elsewhere.example"), "{}", refusal.body);
        assert_eq!(refusal.field("access-control-allow-origin"), Some("*"));
        assert_eq!(ask(&format!("http://{}", daemon.http())).status, status);
    }
}

#[test]
fn pages_are_compressed_for_those_who_take_that() {
    let daemon = Daemon::start(&[]);
    let asset = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)).expect("an asset")
    };
    for (path, name) in
        [("/", "chat.html"), ("/chinwag.js", "chinwag.js"), ("/page.css", "page.css"), ("/echo", "echo.html")]
    {
        let plain = asset(name);
        let url = format!("http://{}{path}", daemon.http());
        let mut lengths = Vec::new();
        for coding in ["identity", "gzip", "br"] {
            let output = Command::new("curl")
                .args(["--silent", "--show-error", "--noproxy", "*", "--compressed", "--dump-header", "-"])
                .args(["--header", &format!("Accept-Encoding: {coding}"), &url])
                .output()
                .expect("curl is there");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let end = output.stdout.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
            let (head, body) = output.stdout.split_at(end);
            assert!(body == plain, "{path} is unpacked to what it was");
            let head = str::from_utf8(head).expect("text").to_ascii_lowercase();
            let is_coded = head.contains(&format!("\r\ncontent-encoding: {coding}\r\n"));
            assert_eq!(is_coded, coding != "identity", "{head}");
            assert!(head.contains("\r\nvary: accept-encoding\r\n"), "{head}");
            let (_, length) = head.split_once("content-length: ").expect("a length");
            let (length, _) = length.split_once('\r').expect("a line");
            lengths.push(length.parse::<usize>().expect("a number"));
        }
        assert!(
            lengths[0] == plain.len() && lengths[1] < lengths[0] / 2 && lengths[2] < lengths[1],
            "{lengths:?}"
        );
    }
}

#[test]
fn a_page_that_a_browser_has_is_not_sent_again() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    for path in ["/", "/chat.css", "/chinwag.js", "/echo"] {
        let ask = |method: &str, fields: &str| {
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
        };
        http.send(ask("GET", ""));
        let page = http.answer();
        let tag = page.field("etag").expect("a tag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 10, "{tag} is strong");
        assert_eq!(page.field("cache-control"), Some("no-cache"));
        for method in ["GET", "HEAD"] {
            http.send(ask(method, &format!("If-None-Match: \"other\", W/{tag}\r\n")));
            let known = http.answer();
            assert_eq!((known.status, known.field("etag")), (304, Some(&*tag)), "{path}");
            assert_eq!((known.field("content-length"), known.field("content-type")), (None, None));
            assert_eq!(known.field("access-control-allow-origin"), page.field("access-control-allow-origin"));
            http.send(ask(method, &format!("Accept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n")));
            let packed = http.answer_to_head();
            assert_eq!((packed.status, packed.field("content-encoding")), (200, Some("gzip")), "{path}");
            if method == "GET" {
                let len = packed.field("content-length").expect("a length").parse().expect("a number");
                http.skip(len);
            }
        }
    }
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(http.answer().body, "ok\n", "nothing was left over");
    http.end();
}

#[test]
fn every_page_says_what_it_may_do() {
    let daemon = Daemon::start(&[]);
    for path in ["/", "/chat.js", "/chinwag.js", "/echo"] {
        let page = Http::get(daemon.http(), path);
        let policy = page.field("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "trusted-types 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.field("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[test]
fn the_same_origin_may_be_an_ipv6_address() {
    let daemon = Daemon::start(&["--listen", "[::1]:0"]);
    let host = daemon.http().to_string();
    let status = |origin: &str| {
        let mut http = Http::connect(daemon.http());
        let handshake = request("/ws", &[("Origin", origin)]);
        http.send(
            String::from_utf8(handshake).expect("text").replace("Host: localhost", &format!("Host: {host}")),
        );
        http.answer_to_head().status
    };
    assert_eq!(status(&format!("http://{host}")), 101);
    assert_eq!(status("http://[::1]"), 403, "another port is another origin");
}

#[test]
fn origins_can_be_allowed_by_name_or_all_at_once() {
    let status = |daemon: &Daemon, origin| {
        let mut http = Http::connect(daemon.http());
        http.send(request("/ws", &[("Origin", origin)]));
        http.answer_to_head().status
    };
    let daemon =
        Daemon::start(&["--allow-origin", "https://a.example", "--allow-origin", "http://b.example:8080"]);
    assert_eq!(status(&daemon, "https://a.example"), 101);
    assert_eq!(status(&daemon, "http://b.example:8080"), 101);
    assert_eq!(status(&daemon, "http://b.example"), 403);
    assert_eq!(status(&daemon, "http://a.example"), 403);
    assert_eq!(status(&daemon, "https://a.example.org"), 403);
    assert_eq!(status(&daemon, "null"), 403);

    let daemon = Daemon::start(&["--allow-origin", "*"]);
    assert_eq!(status(&daemon, "https://anywhere.example"), 101);
    assert_eq!(status(&daemon, "null"), 101);
}

#[test]
fn a_refusal_arrives_whole_though_its_reader_goes_on_writing() {
    let daemon = Daemon::start(&[]);
    let long_field = format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}", "a".repeat(33 * 1024));
    let foreign = request("/ws", &[("Origin", "https://elsewhere.example")]);
    let announced = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    for (status, head) in [
        (400, &b"\xFF\r\n\r\n"[..]),
        (403, &foreign),
        (413, announced.as_bytes()),
        (431, long_field.as_bytes()),
    ] {
        let mut http = Http::connect(daemon.http());
        http.send(head);
        // It reads nothing before it has written all. A socket closed under it would answer with RST, which would take
        // the response with it.
        for _ in 0..16 {
            http.send([b'x'; 64 * 1024]);
        }
        assert_eq!(http.answer().status, status);
        http.end();
    }
}

#[test]
fn a_request_that_drips_in_is_cut_after_five_seconds() {
    let daemon = Daemon::start(&[]);
    let began = Instant::now();
    let begin = |bytes| {
        let mut http = Http::connect(daemon.http());
        http.send(bytes);
        http
    };
    let mut body = begin("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nbody");
    let mut head = begin("GET / HTTP/1.1\r\nHost: ");
    let mut dripping = begin("GET / HTTP/1.1\r\nHost: ");
    // Every further byte puts nothing off: the clock started with the first.
    while dripping.socket.is_silent_for(Duration::from_millis(500)) {
        assert!(began.elapsed() < PATIENCE, "it is never cut");
        let _ = dripping.socket.try_send("x");
    }
    assert!(began.elapsed() >= Duration::from_millis(4900), "cut after {:?}", began.elapsed());
    for http in [&mut head, &mut body] {
        let answer = http.answer();
        assert_eq!((answer.status, answer.body.lines().count()), (408, 1));
        http.end();
    }
}

#[test]
fn a_connection_is_kept_for_further_requests() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    for _ in 0..3 {
        http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = http.answer();
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
        assert_eq!(answer.field("connection"), Some("keep-alive"));
    }
    // A refusal of the path is no reason to end it either.
    http.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(http.answer().status, 404);
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(http.answer().field("connection"), Some("close"));
    http.end();

    // HTTP/1.0 keeps it only for those who ask.
    let mut http = Http::connect(daemon.http());
    http.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(http.answer().status, 200);
    http.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(http.answer().status, 200);
    http.end();
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    let targets = [("/healthz", 200), ("/nowhere", 404), ("/ws", 426), ("/chat.css", 200)];
    let order: Vec<_> = targets.iter().cycle().take(100).collect();
    let requests: String =
        order.iter().map(|(target, _)| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).collect();
    http.send(requests);
    for (target, status) in order {
        assert_eq!(http.answer().status, *status, "{target}");
    }
    http.socket.finish();
    http.end();
}

#[test]
fn head_is_answered_with_the_length_and_without_the_body() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    http.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (get, head) = (http.answer(), http.answer_to_head());
    assert_eq!((get.status, &get.fields), (head.status, &head.fields));
    assert!(get.body.len() > 100);
    assert_eq!(http.answer().body, "ok\n");
}

#[test]
fn a_body_is_no_next_request() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    let body = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let len = body.len();
    http.send(format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n{body}"));
    http.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(http.answer().status, 405);
    assert_eq!(http.answer().status, 404);
}

#[test]
fn a_client_that_waits_for_leave_to_send_its_body_is_given_it() {
    let daemon = Daemon::start(&[]);
    let mut http = Http::connect(daemon.http());
    http.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(http.answer().status, 100);
    http.send("hello");
    assert_eq!(http.answer().status, 405);
}

#[test]
fn frames_behind_the_handshake_in_one_segment_are_not_lost() {
    let daemon = Daemon::start(&[]);
    let mut socket = Socket::connect(daemon.http());
    let mut bytes = request("/echo", &[]);
    bytes.extend(frame(Opcode::Text, "early"));
    bytes.extend(frame(Opcode::Ping, "bird"));
    let cut = bytes.len();
    bytes.extend(frame(Opcode::Text, "in two"));
    socket.send(&bytes[..cut + 4]);
    daemon.turn();
    socket.send(&bytes[cut + 4..]);
    let mut websocket = WebSocket::accepted(socket);
    // 5.5.2 lets the Pong come as soon as is practical, so it may overtake the message.
    let first_two = [websocket.next(), websocket.next()];
    assert!(first_two.contains(&Heard::Text("early".into())), "{first_two:?}");
    assert!(first_two.contains(&Heard::Pong(b"bird".to_vec())), "{first_two:?}");
    assert_eq!(websocket.text(), "in two");
}

#[test]
fn a_handshake_may_be_cut_at_every_byte() {
    let daemon = Daemon::start(&[]);
    let mut bytes = request("/echo", &[]);
    bytes.extend(frame(Opcode::Text, "whole"));
    for cut in 1..bytes.len() {
        let mut socket = Socket::connect(daemon.http());
        socket.send(&bytes[..cut]);
        daemon.turn();
        socket.send(&bytes[cut..]);
        assert_eq!(WebSocket::accepted(socket).text(), "whole", "cut after {cut} bytes");
    }
    let mut socket = Socket::connect(daemon.http());
    for byte in &bytes {
        socket.send([*byte]);
    }
    assert_eq!(WebSocket::accepted(socket).text(), "whole");
}

#[test]
fn a_subprotocol_is_chosen_from_those_offered() {
    let daemon = Daemon::start(&[]);
    for (offered, chosen) in [("chat", Some("chat")), ("soap, chat", Some("chat")), ("soap", None)] {
        let mut http = Http::connect(daemon.http());
        http.send(request("/ws", &[("Sec-WebSocket-Protocol", offered)]));
        let answer = http.answer_to_head();
        assert_eq!((answer.status, answer.field("sec-websocket-protocol")), (101, chosen), "{offered}");
        assert_eq!(answer.field("sec-websocket-extensions"), None);
        assert_eq!(answer.field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }
}

#[test]
fn the_pages_and_all_that_they_refer_to_are_served() {
    let daemon = Daemon::start(&[]);
    for (page, referred_to) in [("/", &["/chat.css", "/chat.js"][..]), ("/echo", &["/echo.js"])] {
        let answer = Http::get(daemon.http(), page);
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{page}"
        );
        let policy = answer.field("content-security-policy").expect("pages have a policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        let mut found = Vec::new();
        for attribute in ["src=\"", "href=\""] {
            let rests = answer.body.split(attribute).skip(1);
            found
                .extend(rests.filter_map(|rest| rest.split('"').next()).filter(|link| link.starts_with('/')));
        }
        for link in referred_to {
            assert!(found.contains(link), "{page} refers to {found:?}");
        }
        for link in found {
            let status = Http::get(daemon.http(), link).status;
            assert_eq!(status, 200, "{page} refers to {link}");
        }
    }
}
