//! Servers with a protocol of their own: logins that fail, values that are saved, several payloads in one frame.

use crate::{outcome, plan_at, try_run};
use chinwag::bench::outcome::Outcome;
use chinwag::bench::plan::{Arrival, Dialect, Load, Plan, Scenario, Templates};
use chinwag::bench::script::{Answer, Heartbeat, Pattern, Save, Script, Source, Step};
use chinwag::bench::template::Template;
use chinwag::bench::verdict::{Counts, Verdict, judge};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<TcpStream>;

/// A server that does this with its first connection, its second, and so on.
fn serve(talk: impl Fn(usize, &mut Socket) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("ws://{}/", listener.local_addr().expect("it has one"));
    std::thread::spawn(move || {
        let talk = Arc::new(talk);
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || {
                if let Ok(mut socket) = tungstenite::accept(stream) {
                    talk(number, &mut socket);
                    // Until the client closes.
                    while socket.read().is_ok() {}
                }
            });
        }
    });
    url
}

/// The next text, or nothing at the end.
fn hear(socket: &mut Socket) -> Option<String> {
    loop {
        match socket.read().ok()? {
            Message::Text(text) => return Some(text.to_string()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn say(socket: &mut Socket, text: &str) {
    // A client that has gone ends the conversation with the next read.
    let _ = socket.send(Message::text(text.to_owned()));
}

fn contains(text: &str) -> Option<Pattern> {
    Some(Pattern { contains: Some(text.to_owned()), ..Pattern::default() })
}

fn step(send: &str, expect: &str) -> Step {
    Step {
        name: String::new(),
        send: Some(Template::parse(send)),
        expect: contains(expect),
        fail_on: None,
        save: Vec::new(),
        timeout: Duration::from_secs(10),
    }
}

/// Each of four connections expects its own messages back, 50 in all.
fn echo(url: &str, script: Script, send: &str) -> Plan {
    Plan {
        scenario: Scenario::Echo,
        senders: 4,
        dialect: Dialect::Template,
        templates: Templates { join: String::new(), send: send.to_owned(), script: Some(Arc::new(script)) },
        load: Load::Open { rate: 100.0, arrival: Arrival::Even },
        ..plan_at(url)
    }
}

fn script(steps: Vec<Step>) -> Script {
    Script { steps, ..Script::default() }
}

fn error<'o>(outcome: &'o Outcome, kind: &str) -> (u64, &'o str) {
    outcome.errors.kinds.get(kind).map_or((0, ""), |kind| (kind.count, &kind.example))
}

#[test]
fn a_login_that_fails_is_a_connection_that_failed() {
    let url = serve(|number, socket| {
        while let Some(text) = hear(socket) {
            match &*text {
                "hello" if number % 2 == 0 => say(socket, "no: \u{1b}[2J \"full\""),
                "hello" => say(socket, "yes"),
                text => say(socket, text),
            }
        }
    });
    let login = Step { fail_on: contains("no:"), name: "greet".into(), ..step("hello", "yes") };
    let outcome = outcome(&echo(&url, script(vec![login]), "{payload}"));
    assert_eq!((outcome.connecting.ready, outcome.connecting.failed), (2, 2));
    assert_eq!(judge(&Counts::of(&outcome)), Verdict::FellShort);
    let told = "step 1 (greet) expected a message that contains 'yes', and got a message that contains 'no:': \
                'no: \\u{1b}[2J \"full\"'";
    assert_eq!(error(&outcome, "script: step 1 (greet)"), (2, told));
}

#[test]
fn a_step_has_its_own_time_and_an_end_before_it_names_it() {
    let url = serve(|_, socket| {
        hear(socket);
        say(socket, &"é".repeat(300));
        say(socket, "b");
    });
    let hasty = Step { timeout: Duration::from_millis(100), ..step("hello", "yes") };
    let why =
        try_run(&echo(&url, script(vec![hasty]), "{payload}")).expect_err("nobody is ready").to_string();
    let told = "step 1 expected a message that contains 'yes' within 0.1 s: none of 2 messages was so, the last of them 'b'";
    assert!(why.contains(told), "{why}");
    let url = serve(|_, socket| {
        hear(socket);
        say(socket, &"é".repeat(300));
        let _ = socket.close(None);
    });
    let why =
        try_run(&echo(&url, script(vec![step("hello", "yes")]), "{payload}")).expect_err("nobody is ready");
    let why = why.to_string();
    assert!(why.contains("step 1 expected a message that contains 'yes', but the server closed"), "{why}");
}

#[test]
fn what_is_saved_stands_in_later_texts_and_too_long_a_value_does_not() {
    let saving = |bytes: usize| {
        let url = serve(move |number, socket| {
            hear(socket);
            say(socket, &format!(r#"0{{"sid":"s{number}{}"}}"#, "x".repeat(bytes)));
            let mut sid = String::new();
            while let Some(text) = hear(socket) {
                // Each message bears what this connection was given.
                match (text.split_once(' '), sid.is_empty()) {
                    (Some(("in", own)), true) => {
                        sid = own.to_owned();
                        assert_eq!(sid, format!("s{number}{}", "x".repeat(bytes)));
                        say(socket, "joined");
                    }
                    (Some((own, _)), false) if own == sid => say(socket, &text),
                    (other, _) => panic!("{other:?}"),
                }
            }
        });
        let mut first = step("hello", "0{");
        first.save = vec![Save { variable: 0, source: Source::Pointer("/sid".into()) }];
        let variables = vec!["sid".to_owned()];
        let second = Step { send: Some(Template::parse_with("in {sid}", &variables)), ..step("", "joined") };
        let script = Script { variables, ..script(vec![first, second]) };
        try_run(&echo(&url, script, "{sid} {payload}")).map_err(|failure| failure.to_string())
    };
    let outcome = saving(0).expect("all log in");
    assert_eq!((outcome.audit.sent, outcome.audit.delivered, outcome.audit.unaccounted()), (50, 50, 0));
    saving(64 * 1024 - 2).expect("as long as it may be");
    let why = saving(64 * 1024 - 1).expect_err("a byte longer");
    assert!(why.contains("found more than 65536 bytes to save as {sid} in the message"), "{why}");
}

#[test]
fn several_payloads_of_a_frame_are_each_found() {
    // The chat of gorilla/websocket joins with newlines what waits for a client.
    let batching = || {
        serve(|_, socket| {
            let mut waiting = Vec::new();
            while let Some(text) = hear(socket) {
                waiting.push(text);
                if waiting.len() == 5 {
                    say(socket, &std::mem::take(&mut waiting).join("\n"));
                }
            }
        })
    };
    let window = Load::Closed { window: 5 };
    for dialect in [Dialect::Raw, Dialect::Template] {
        let plan =
            Plan { dialect, load: window, ..echo(&batching(), script(vec![]), r#"{"a":"{payload}"}"#) };
        let audit = outcome(&plan).audit;
        assert!(audit.sent >= 100, "{dialect}: {audit:?}");
        assert_eq!(audit.unaccounted(), 0, "{dialect}: {audit:?}");
    }
}

#[test]
fn a_payload_that_a_message_repeats_counts_once_unless_it_is_the_message() {
    let twice = || {
        serve(|_, socket| {
            while let Some(text) = hear(socket) {
                say(socket, &format!("{text}{text}"));
            }
        })
    };
    let plan = echo(&twice(), script(vec![]), "<b>{payload}</b>");
    let audit = outcome(&plan).audit;
    assert_eq!((audit.delivered, audit.doubled), (50, 0), "{audit:?}");
    let audit = outcome(&Plan { dialect: Dialect::Raw, ..plan }).audit;
    assert_eq!((audit.delivered, audit.doubled), (50, 50), "{audit:?}");
}

#[test]
fn pings_are_answered_and_heartbeats_sent_while_messages_go_on() {
    let (beats, pongs) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&beats), Arc::clone(&pongs));
    let url = serve(move |_, socket| {
        while let Some(text) = hear(socket) {
            match text.split_once(' ') {
                Some(("beat", number)) => {
                    counts.0.fetch_add(1, Ordering::Relaxed);
                    say(socket, &format!("ping p{number}"));
                }
                Some(("pong", _)) => drop(counts.1.fetch_add(1, Ordering::Relaxed)),
                _ => say(socket, &text),
            }
        }
    });
    let variables = vec!["nonce".to_owned()];
    let regex = regex_lite::Regex::new("^ping (?<nonce>p[0-9]+)$").expect("a regex");
    let answer = Answer {
        when: Pattern { regex: Some(regex), ..Pattern::default() },
        save: vec![Save { variable: 0, source: Source::Group("nonce".into()) }],
        send: Template::parse_with("pong {nonce}", &variables),
    };
    let heartbeat = Heartbeat { every: Duration::from_millis(100), send: Template::parse("beat {seq}") };
    let script =
        Script { variables, answers: vec![answer], heartbeats: vec![heartbeat], ..Script::default() };
    let outcome = outcome(&echo(&url, script, "{payload}"));
    assert_eq!((outcome.audit.delivered, outcome.audit.unaccounted()), (50, 0));
    // Four connections, half a second.
    assert!(beats.load(Ordering::Relaxed) >= 12, "{beats:?}");
    assert!(pongs.load(Ordering::Relaxed) >= 8, "{pongs:?}");
}

#[test]
fn a_server_that_pings_and_does_not_read_is_not_answered_without_end() {
    let url = serve(|_, socket| {
        hear(socket);
        for _ in 0..20_000 {
            say(socket, "ping");
        }
        say(socket, "yes");
        while let Some(text) = hear(socket) {
            if text.len() < 1000 {
                say(socket, &text);
            }
        }
    });
    let answer = Answer {
        when: contains("ping").expect("a pattern"),
        save: Vec::new(),
        send: Template::parse(&"x".repeat(2000)),
    };
    let script = Script { answers: vec![answer], ..script(vec![step("hello", "yes")]) };
    let outcome = outcome(&Plan { connections: 1, senders: 1, ..echo(&url, script, "{payload}") });
    let (count, told) = error(&outcome, "script: an answer was not sent");
    assert!(
        count > 0 && told == "the server does not read the answers that the script sends",
        "{count} {told}"
    );
    assert_eq!(outcome.audit.delivered, outcome.audit.sent);
}
