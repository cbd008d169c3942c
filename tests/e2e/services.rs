//! Echo and add, the two services that are not the chat; and add once more, over bare TCP and UDP.

use crate::harness::websocket::fragment;
use crate::harness::{Daemon, Heard, PATIENCE, WebSocket};
use chinwag::proto::ws::{Opcode, encoder};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};

/// The longest message that echo takes.
const ECHO_BYTES_MAX: usize = 16 << 20;

#[test]
fn echo_gives_back_what_it_gets_as_what_it_was() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for text in ["hello", "", "grüß dich, 世界 🙂", "two\nlines\0and a zero"] {
        echo.send_text(text);
        assert_eq!(echo.text(), text);
    }
    let all: Vec<u8> = (0..=255).collect();
    for bytes in [&all[..], b"", b"text that was sent as bytes"] {
        echo.send(Opcode::Binary, bytes);
        assert_eq!(echo.next(), Heard::Binary(bytes.to_vec()));
    }
    echo.close();
}

#[test]
fn every_form_of_a_length_comes_back_in_its_shortest() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for len in [125, 126, 127, 65_535, 65_536, 65_537] {
        let payload = vec![b'x'; len];
        echo.send(Opcode::Binary, &payload);
        let header_len = match len {
            0..126 => 2,
            126..65_536 => 4,
            _ => 10,
        };
        let mut expected = Vec::new();
        encoder::frame(&mut expected, Opcode::Binary, &payload, None);
        assert_eq!(expected.len(), header_len + len);
        assert!(echo.socket.receive_exactly(expected.len()) == expected, "{len} bytes");
    }
}

#[test]
fn a_message_in_fragments_comes_back_whole_and_pings_between_them_are_answered() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send_fragment(false, Opcode::Text, "in three ");
    echo.send(Opcode::Ping, "still there?");
    // 5.5.2: "as soon as is practical", so before the message is whole.
    assert_eq!(echo.next(), Heard::Pong(b"still there?".to_vec()));
    // A character may be cut by a fragment.
    echo.send_fragment(false, Opcode::Continuation, b"st\xC3");
    echo.send(Opcode::Pong, "nobody asked");
    echo.send_fragment(true, Opcode::Continuation, b"\xBCcken");
    assert_eq!(echo.text(), "in three stücken");

    let mut bytes = fragment(false, Opcode::Binary, "");
    for n in 0..10_000_u32 {
        bytes.extend(fragment(false, Opcode::Continuation, [n as u8]));
    }
    bytes.extend(fragment(true, Opcode::Continuation, ""));
    echo.socket.send(bytes);
    assert_eq!(echo.next(), Heard::Binary((0..10_000_u32).map(|n| n as u8).collect()));
}

#[test]
fn pongs_hold_what_the_pings_held_in_their_order() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    for n in 0..20_u8 {
        echo.send(Opcode::Ping, vec![n; usize::from(n) * 6]);
    }
    echo.send(Opcode::Ping, [0xFF; 125]);
    for n in 0..20_u8 {
        assert_eq!(echo.next(), Heard::Pong(vec![n; usize::from(n) * 6]));
    }
    assert_eq!(echo.next(), Heard::Pong(vec![0xFF; 125]));
}

#[test]
fn a_message_of_exactly_the_cap_passes_and_one_byte_more_does_not() {
    let daemon = Daemon::start(&[]);
    let mut largest: Vec<u8> = (0..ECHO_BYTES_MAX).map(|n| (n / 3) as u8).collect();
    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send(Opcode::Binary, &largest);
    assert!(echo.next() == Heard::Binary(largest.clone()), "16 MiB come back as they were");
    echo.close();

    largest.push(0);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    // Judged by its header: not a byte of the payload has to be sent.
    let mut header = vec![0x82, 0xFF];
    header.extend((largest.len() as u64).to_be_bytes());
    header.extend([0; 4]);
    echo.socket.send(header);
    echo.closed_with(1009, false);

    let mut echo = WebSocket::connect(&daemon, "/echo");
    echo.send_fragment(false, Opcode::Binary, &largest[..ECHO_BYTES_MAX]);
    echo.send_fragment(true, Opcode::Continuation, [0]);
    echo.closed_with(1009, false);
}

#[test]
fn many_messages_in_one_write_come_back_in_their_order() {
    let daemon = Daemon::start(&[]);
    let mut echo = WebSocket::connect(&daemon, "/echo");
    let mut bytes = Vec::new();
    for n in 0..2000 {
        encoder::frame(&mut bytes, Opcode::Text, format!("message {n}").as_bytes(), Some([1, 2, 3, 4]));
    }
    echo.socket.send(bytes);
    for n in 0..2000 {
        assert_eq!(echo.text(), format!("message {n}"));
    }
}

#[test]
fn add_adds_and_a_wrong_request_costs_no_more_than_its_answer() {
    let daemon = Daemon::start(&[]);
    let mut add = WebSocket::connect(&daemon, "/add");
    let mut ask = |request: &str| {
        add.send_text(request);
        add.text()
    };
    assert_eq!(ask(r#"{"a":7,"b":4}"#), r#"{"sum":11}"#);
    assert_eq!(ask(r#"{"a":-9223372036854775808,"b":9223372036854775807}"#), r#"{"sum":-1}"#);
    for wrong in [
        "",
        "hello",
        "{",
        "[7,4]",
        "{}",
        r#"{"a":7}"#,
        r#"{"a":7,"b":"4"}"#,
        r#"{"a":7,"b":null}"#,
        r#"{"a":7,"b":0.5}"#,
        r#"{"a":9223372036854775807,"b":1}"#,
        r#"{"a":9223372036854775808,"b":0}"#,
    ] {
        let answer = ask(wrong);
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("answers are JSON");
        let error = answer.get("error").and_then(|error| error.as_str());
        assert!(error.is_some_and(|error| !error.is_empty()), "{wrong}: {answer}");
        assert_eq!(ask(r#"{"a":1,"b":2}"#), r#"{"sum":3}"#, "after {wrong}");
    }
    add.close();
}

#[test]
fn add_over_tcp_answers_a_line_with_a_line() {
    let example = Example::serve("add_tcp");
    assert_eq!(example.call("7", "4"), (true, "{\"sum\":11}\n".into()));
    assert_eq!(example.call("-7", "4"), (true, "{\"sum\":-3}\n".into()));
    let (is_sum, answer) = example.call("7", "four");
    assert!(!is_sum && answer.starts_with(r#"{"error":"#), "{answer}");

    // Several requests in one write, one of them in two, a wrong one and a long one among them; all of them answered
    // before the end that follows them is.
    let mut stream = TcpStream::connect(example.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\r\nhello\n{\"a\":5,").expect("sent");
    stream
        .write_all(format!("\"b\":6}}\n{}\n{{\"a\":7,\"b\":8}}\n", "x".repeat(5000)).as_bytes())
        .expect("sent");
    stream.shutdown(Shutdown::Write).expect("still connected");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("answers, and the end");
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), 6, "{answers:?}");
    for (answer, expected) in answers.iter().zip(["3", "7", "", "11", "", "15"]) {
        match expected {
            "" => assert!(answer.starts_with(r#"{"error":"#), "{answer}"),
            sum => assert_eq!(*answer, format!(r#"{{"sum":{sum}}}"#)),
        }
    }

    // Nobody waits for somebody else's answer.
    let mut streams: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(example.address).expect("it listens")).collect();
    for (n, stream) in streams.iter_mut().enumerate().rev() {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(format!("{{\"a\":{n},\"b\":100}}\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("an answer");
        assert_eq!(answer, format!("{{\"sum\":{}}}\n", n + 100));
    }
}

#[test]
fn add_over_udp_answers_each_caller_with_its_own_sum() {
    let example = Example::serve("add_udp");
    assert_eq!(example.call("7", "4"), (true, "{\"sum\":11}\n".into()));

    let callers: Vec<UdpSocket> =
        (0..20).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a socket")).collect();
    for (n, caller) in callers.iter().enumerate() {
        caller.connect(example.address).expect("an address");
        caller.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        caller.send(format!("{{\"a\":{n},\"b\":100}}").as_bytes()).expect("sent");
    }
    let answer = |caller: &UdpSocket| {
        let mut bytes = [0; 1024];
        let len = caller.recv(&mut bytes).expect("an answer");
        String::from_utf8(bytes[..len].to_vec()).expect("answers are text")
    };
    for (n, caller) in callers.iter().enumerate().rev() {
        assert_eq!(answer(caller), format!(r#"{{"sum":{}}}"#, n + 100));
    }
    for wrong in [&b"hello"[..], b"", b"\xFF\xFE", b"{\"a\":1}", &[b' '; 1025], &[b'x'; 60_000]] {
        callers[0].send(wrong).expect("sent");
        let answer = answer(&callers[0]);
        assert!(answer.starts_with(r#"{"error":"#), "{answer}");
    }
    callers[0].send(br#"{"a":1,"b":2}"#).expect("sent");
    assert_eq!(answer(&callers[0]), r#"{"sum":3}"#);
}

/// An example, running.
struct Example {
    name: &'static str,
    child: Child,
    address: SocketAddr,
}

impl Example {
    /// Its executable, near this one's.
    fn command(name: &str) -> Command {
        let own = std::env::current_exe().expect("this test has an executable");
        let profile = own.ancestors().nth(2).expect("target/PROFILE/deps/THIS");
        let path = profile.join("examples").join(name);
        assert!(
            path.exists(),
            "{} is missing: build the examples with the same profile, or run ./scripts/test, which does",
            path.display()
        );
        Command::new(path)
    }

    /// Starts its server on a port that the system chooses.
    fn serve(name: &'static str) -> Example {
        let mut child = Example::command(name)
            .args(["serve", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line of text");
        let address = line.strip_prefix("listening on ").and_then(|address| address.trim_end().parse().ok());
        let address = address.unwrap_or_else(|| panic!("it says where it listens: {line:?}"));
        Example { name, child, address }
    }

    /// Runs its client. Returns whether that was content, and what it printed.
    fn call(&self, a: &str, b: &str) -> (bool, String) {
        let output = Example::command(self.name)
            .args(["call", a, b, &self.address.to_string()])
            .output()
            .expect("it starts");
        (output.status.success(), String::from_utf8(output.stdout).expect("it prints text"))
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
