//! The examples that are servers, run as a reader would run them.
//!
//! `cargo test` builds the examples too; to run this file alone, `cargo build --examples` comes first.

#![cfg(feature = "json")]

// Cargo builds an example as a program or as a test, not both. The program is what is run below; its tests run here.
#[path = "../examples/add_tcp.rs"]
#[allow(dead_code, reason = "the program around the service is run as a process")]
mod add_tcp;
#[path = "support/go.rs"]
mod go;

use go::go;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// How long the answer of a server on this machine may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An example, which lies beside this test.
fn example(name: &str) -> Command {
    let mut path: PathBuf = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    assert!(path.exists(), "{} is not built: cargo build --examples", path.display());
    Command::new(path)
}

struct Server {
    name: &'static str,
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(name: &'static str) -> Server {
        let mut command = example(name);
        let mut process = command
            .args(["serve", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example is built");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let address = line.trim_end().strip_prefix("listening on ").expect("it says where it listens");
        let address = address.parse().expect("an address");
        Server { name, process, address }
    }

    fn call(&self, a: &str, b: &str) -> (String, Option<i32>) {
        let Output { stdout, status, .. } =
            example(self.name).args(["call", a, b, &self.address.to_string()]).output().expect("it runs");
        (String::from_utf8(stdout).expect("text"), status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it was started");
    }
}

#[test]
fn both_add_and_say_what_is_wrong() {
    for name in ["add_tcp", "add_udp"] {
        let server = Server::start(name);
        assert_eq!(server.call("7", "4"), ("{\"sum\":11}\n".to_owned(), Some(0)), "{name}");
        assert_eq!(server.call("-7", "4"), ("{\"sum\":-3}\n".to_owned(), Some(0)), "{name}");
        let (answer, code) = server.call("7", "\"4\"");
        assert!(answer.starts_with("{\"error\":") && code == Some(1), "{name}: {answer}");
    }
}

/// Reads until it has read this.
fn read_until(stream: &mut TcpStream, expected: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(expected) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}, and no {expected:?}: {read:?}"));
        read.push(byte[0]);
    }
}

#[test]
fn the_chat_is_one_service_among_others() {
    let mut program = example("embed_chat")
        .args(["127.0.0.1:0", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example is built");
    let stdout = program.stdout.take().expect("it is piped");
    let lines: Vec<String> =
        BufReader::new(stdout).lines().take(2).map(|line| line.expect("it says where it listens")).collect();
    let [http, line]: [SocketAddr; 2] = [("listening on ", &lines[0]), ("lines on ", &lines[1])]
        .map(|(start, line)| line.strip_prefix(start).expect("in this order").parse().expect("an address"));
    // It is killed at the end, whatever happens before.
    let _server = Server { name: "embed_chat", process: program, address: http };

    let mut nc = TcpStream::connect(line).expect("it listens");
    nc.set_read_timeout(Some(PATIENCE)).expect("a socket");
    nc.write_all(b"/name ann\n").expect("it reads");
    read_until(&mut nc, "* you are ann\n");
    for (path, sent, answer) in
        [("/chat?name=bob", "/who", "* lobby: 2 here: ann, bob"), ("/shout", "hey", "HEY")]
    {
        let (mut socket, _) = tungstenite::connect(format!("ws://{http}{path}")).expect("it upgrades");
        if let tungstenite::stream::MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        }
        socket.send(sent.into()).expect("it reads");
        while socket.read().expect("it answers").into_text().expect("text") != answer {}
    }
    read_until(&mut nc, "* bob joined\n");
}

#[test]
fn wrong_arguments_are_told_the_right_ones() {
    for name in ["add_tcp", "add_udp"] {
        for arguments in [&[][..], &["call", "7"], &["dance"]] {
            let output = example(name).args(arguments).output().expect("it runs");
            assert_eq!(output.status.code(), Some(2), "{name}");
            assert!(String::from_utf8_lossy(&output.stderr).starts_with(&format!("usage: {name} ")));
        }
        let output = example(name).args(["serve", "here"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: "));
    }
}

#[test]
fn a_stream_may_be_cut_anywhere_and_hold_many_requests() {
    let server = Server::start("add_tcp");
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    for byte in b"{\"a\":1,\"b\":2}\r\n" {
        stream.write_all(&[*byte]).expect("it reads");
    }
    let long = "x".repeat(5000);
    write!(stream, "hello\n{{\"a\":3,\"b\":4}}\n{long}\n{{\"a\":5,\"b\":6}}{{\"A\":7,\n\"B\":8}}7{{\"a\":1")
        .expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("a socket");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("it answers and closes");
    let expected = [
        "{\"sum\":3}",
        "{\"error\":\"this is not a JSON object\"}",
        "{\"sum\":7}",
        "{\"error\":\"a request has at most 1024 bytes\"}",
        "{\"sum\":11}",
        "{\"sum\":15}",
        "{\"error\":\"this is not a JSON object\"}",
        "{\"error\":\"the stream ended within a request\"}",
    ];
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
}

/// Runs a program to its end, with this on its standard input. Returns what it prints.
fn printed(command: &mut Command, input: &str) -> String {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: run ./scripts/test, which installs what these tests need")
    });
    process.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn go_calls_both_with_capital_keys_and_no_line_end() {
    let server = Server::start("add_tcp");
    let mut call = go("add_tcp.go");
    assert_eq!(printed(call.args([&server.address.to_string(), "7", "4"]), ""), "11\n11\n");
    let server = Server::start("add_udp");
    let mut call = go("add_udp.go");
    assert_eq!(printed(call.args([&server.address.to_string(), "-7", "4"]), ""), "-3\n");
}

#[test]
fn python_calls_with_no_line_end() {
    const CALL: &str = r#"
import json, socket, sys
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port)), timeout=20) as s:
    s.sendall(json.dumps({"a": 7, "b": 4}).encode())
    print(json.loads(s.recv(1024))["sum"])
    s.sendall(b'{"a":1,"b":2}{"a":3,')
    print(json.loads(s.recv(1024))["sum"])
    s.sendall(b'"b":4}')
    print(json.loads(s.recv(1024))["sum"])
"#;
    let server = Server::start("add_tcp");
    let python = std::env::var_os("CHINWAG_E2E_PYTHON").unwrap_or_else(|| "python3".into());
    let mut call = Command::new(python);
    assert_eq!(printed(call.args(["-c", CALL, &server.address.to_string()]), ""), "11\n3\n7\n");
}

#[test]
fn netcat_calls_with_and_without_line_ends() {
    let server = Server::start("add_tcp");
    let nc = std::env::var_os("CHINWAG_E2E_NC").unwrap_or_else(|| "nc".into());
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    for (input, answers) in [
        (r#"{"a":7,"b":4}"#, "{\"sum\":11}\n"),
        ("{\"a\":7,\"b\":4}\n", "{\"sum\":11}\n"),
        ("{\n  \"a\": 7,\n  \"b\": 4\n}\r\n{\"A\":1,\"B\":2}", "{\"sum\":11}\n{\"sum\":3}\n"),
        ("7", "{\"error\":\"this is not a JSON object\"}\n"),
        ("", ""),
    ] {
        let mut call = Command::new(&nc);
        assert_eq!(printed(call.args(["-N", &host, &port]), input), answers, "{input}");
    }
}

#[test]
fn an_object_is_answered_at_its_last_byte() {
    let server = Server::start("add_tcp");
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    for sum in ["11", "12"] {
        let (first, last) = (format!("{{\"A\":{sum},\"B\":"), "0}");
        stream.write_all(first.as_bytes()).expect("it reads");
        stream.write_all(last.as_bytes()).expect("it reads");
        read_until(&mut stream, &format!("{{\"sum\":{sum}}}\n"));
    }
}

#[test]
fn nobody_waits_for_the_answer_of_somebody_else() {
    let server = Server::start("add_tcp");
    let mut streams: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(server.address).expect("it listens")).collect();
    for (n, stream) in streams.iter_mut().enumerate().rev() {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        writeln!(stream, "{{\"a\":{n},\"b\":100}}").expect("it reads");
        read_until(stream, &format!("{{\"sum\":{}}}\n", n + 100));
    }
}

#[test]
fn one_who_sends_and_does_not_read_is_no_longer_read_and_hurts_nobody() {
    let server = Server::start("add_tcp");
    let mut greedy = TcpStream::connect(server.address).expect("it listens");
    greedy.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
    let requests = "{\"a\":1,\"b\":2}\n".repeat(5000);
    let mut sent = 0;
    // Until nothing has been taken for half a second.
    while let Ok(len) = greedy.write(&requests.as_bytes()[sent % 14..]) {
        sent += len;
        // Two kernels buffer something, and so does the server: far less than this.
        assert!(sent < 100_000_000, "somebody keeps all of it");
    }
    assert_eq!(server.call("7", "4").0, "{\"sum\":11}\n");
}

#[test]
fn many_callers_share_one_socket_and_each_gets_its_own_answer() {
    let server = Server::start("add_udp");
    let callers: Vec<UdpSocket> =
        (0..50).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a socket")).collect();
    for (i, caller) in callers.iter().enumerate() {
        caller.set_read_timeout(Some(PATIENCE)).expect("a socket");
        caller.send_to(format!("{{\"a\":{i},\"b\":1000}}").as_bytes(), server.address).expect("it is sent");
    }
    let mut answer = [0; 256];
    for (i, caller) in callers.iter().enumerate() {
        let (len, from) = caller.recv_from(&mut answer).expect("it answers");
        assert_eq!((&answer[..len], from), (format!("{{\"sum\":{}}}", i + 1000).as_bytes(), server.address));
    }
    let caller = &callers[0];
    for (request, expected) in [
        (&b""[..], "{\"error\":\"this is not a JSON object\"}"),
        (b"\xff\xfe", "{\"error\":\"this is not a JSON object\"}"),
        (&[b' '; 1025], "{\"error\":\"a request has at most 1024 bytes\"}"),
        (&[b'x'; 60_000], "{\"error\":\"a request has at most 1024 bytes\"}"),
    ] {
        caller.send_to(request, server.address).expect("it is sent");
        let len = caller.recv(&mut answer).expect("it answers");
        assert_eq!(str::from_utf8(&answer[..len]), Ok(expected));
    }
    caller.send_to(br#"{"a":1,"b":2}"#, server.address).expect("it is sent");
    let len = caller.recv(&mut answer).expect("it answers");
    assert_eq!(str::from_utf8(&answer[..len]), Ok(r#"{"sum":3}"#));
}
