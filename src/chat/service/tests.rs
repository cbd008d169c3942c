//! The chat as a service: connections come, speak and go, and each is sent what it should be.

use super::*;
use crate::chat::{Rate, Slow};
use crate::service::fake::{FakeContext, with_request};

const NC: ConnId = ConnId { index: 0, generation: 5 };
const BROWSER: ConnId = ConnId { index: 1, generation: 6 };
const MINUTES_5: u64 = 300_000;

fn chat_with(settings: Settings) -> (Chat, FakeContext) {
    (Chat::new(settings, Seed::new([1; 32])), FakeContext::default())
}

fn chat() -> (Chat, FakeContext) {
    chat_with(Settings::default())
}

fn open_by(
    chat: &mut Chat,
    cx: &mut FakeContext,
    conn: ConnId,
    target: &str,
    subprotocol: Option<&'static str>,
) {
    with_request(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), |request| {
        chat.on_open(cx, conn, Opening::WebSocket { request: request.head, subprotocol });
    });
}

fn open_web_socket(chat: &mut Chat, cx: &mut FakeContext, conn: ConnId) {
    open_by(chat, cx, conn, "/ws", None);
}

fn say(chat: &mut Chat, cx: &mut FakeContext, conn: ConnId, line: &str) {
    chat.on_message(cx, conn, Message::Text(line));
}

/// One at `nc`, one at a browser, and both have read everything.
fn both() -> (Chat, FakeContext) {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    say(&mut chat, &mut cx, NC, "/ping");
    open_web_socket(&mut chat, &mut cx, BROWSER);
    cx.take(NC);
    cx.take(BROWSER);
    (chat, cx)
}

fn end(chat: &mut Chat, cx: &mut FakeContext, conn: ConnId) {
    chat.on_close(cx, conn, Ending { code: 1006, word: "reset" });
}

#[test]
fn lines_and_web_sockets_meet_in_one_room() {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    say(&mut chat, &mut cx, NC, "anybody here?");
    let welcome = "* welcome to chinwag, guest-1. /help lists the commands";
    assert_eq!(cx.take_texts(NC), [welcome, "* lobby: 1 here"]);
    open_web_socket(&mut chat, &mut cx, BROWSER);
    assert_eq!(cx.take_texts(NC), ["* guest-2 joined"]);
    let welcome = "* welcome to chinwag, guest-2. /help lists the commands";
    assert_eq!(cx.take_texts(BROWSER), [welcome, "* lobby: 2 here"]);

    say(&mut chat, &mut cx, NC, "hi");
    say(&mut chat, &mut cx, BROWSER, "two\nlines");
    assert_eq!(cx.take_texts(BROWSER), ["[guest-1] hi"]);
    assert_eq!(cx.take_texts(NC), [r"[guest-2] two\nlines"]);
    say(&mut chat, &mut cx, NC, "/who");
    assert_eq!(cx.take_texts(NC), ["* lobby: 2 here: guest-1, guest-2"]);
}

#[test]
fn the_first_subprotocol_that_is_known_is_chosen() {
    let (mut chat, mut cx) = chat();
    let mut choose = |offer: &str| {
        with_request(&format!("GET /ws HTTP/1.1\r\nHost: a\r\n{offer}\r\n"), |request| {
            match chat.on_upgrade(&mut cx, request) {
                Upgrade::Accept { subprotocol } => subprotocol,
                Upgrade::Refuse(response) => panic!("{response:?}"),
            }
        })
    };
    assert_eq!(choose("Sec-WebSocket-Protocol: mqtt, chat\r\n"), Some("chat"));
    assert_eq!(choose("Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: chat\r\n"), Some("chat"));
    assert_eq!(choose("Sec-WebSocket-Protocol: mqtt, chatter\r\n"), None);
    assert_eq!(choose(""), None);
}

#[test]
fn bytes_are_no_chat() {
    let (mut chat, mut cx) = both();
    chat.on_message(&mut cx, BROWSER, Message::Binary(b"hi"));
    assert_eq!(cx.closed[&BROWSER].0, 1003);
    assert!(cx.take(NC).is_empty());
}

#[test]
fn quitting_is_said_on_a_line_and_in_the_close_frame() {
    let (mut chat, mut cx) = both();
    say(&mut chat, &mut cx, BROWSER, "/quit");
    assert_eq!(cx.closed[&BROWSER], (1000, "goodbye".to_owned()));
    assert!(cx.take(BROWSER).is_empty());
    say(&mut chat, &mut cx, NC, "/quit");
    assert_eq!(cx.closed[&NC].0, 1000);
    assert_eq!(cx.take_texts(NC), ["* goodbye"]);
}

#[test]
fn five_minutes_without_a_line_end_a_line_connection() {
    let (mut chat, mut cx) = both();
    assert_eq!(cx.deadlines.get(&BROWSER), None, "a WebSocket is asked by pings");
    cx.now = Millis(MINUTES_5 - 1);
    assert!(!cx.poll_deadline(NC));
    say(&mut chat, &mut cx, NC, "/who");
    cx.now = Millis(2 * MINUTES_5 - 2);
    assert!(!cx.poll_deadline(NC));
    // Any line counts, and so does one that is none.
    chat.on_bad_line(&mut cx, NC, BadLine::NotUtf8 { first: 0xFF });
    assert_eq!(cx.take_texts(NC).pop().as_deref(), Some("* not UTF-8: that line was skipped"));
    cx.now = Millis(3 * MINUTES_5 - 2);
    assert!(cx.poll_deadline(NC));
    chat.on_deadline(&mut cx, NC);
    assert_eq!(cx.take_texts(NC), ["* nothing said for 300 s: goodbye"]);
    assert_eq!(cx.closed[&NC], (4109, "idle".to_owned()));
    assert!(cx.closed.len() == 1);
}

#[test]
fn the_idle_rule_can_be_switched_off() {
    let (mut chat, mut cx) = chat_with(Settings { line_idle_timeout: None, ..Settings::default() });
    chat.on_open(&mut cx, NC, Opening::Line);
    say(&mut chat, &mut cx, NC, "hi");
    assert!(cx.deadlines.is_empty());
}

#[test]
fn a_bad_line_is_answered_and_the_connection_stays() {
    let (mut chat, mut cx) = both();
    chat.on_bad_line(&mut cx, NC, BadLine::TooLong { first: b'x' });
    assert_eq!(cx.take_texts(NC), ["* too long: that line was skipped"]);
    say(&mut chat, &mut cx, NC, "shorter, then");
    assert_eq!(cx.take_texts(BROWSER), ["[guest-1] shorter, then"]);
    assert!(cx.closed.is_empty());
}

#[test]
fn who_is_gone_is_told_as_gone_and_its_slot_is_somebody_elses() {
    let (mut chat, mut cx) = both();
    cx.now = Millis(5000);
    end(&mut chat, &mut cx, BROWSER);
    assert_eq!(cx.take_texts(NC), ["* guest-2 left"]);
    cx.now = Millis(10_000);
    let next = ConnId { generation: 9, ..BROWSER };
    open_web_socket(&mut chat, &mut cx, next);
    assert_eq!(cx.take_texts(NC), ["* guest-3 joined"]);
    say(&mut chat, &mut cx, NC, "hi");
    assert_eq!(cx.take_texts(next).pop().as_deref(), Some("[guest-1] hi"));
    assert!(cx.take(BROWSER).is_empty(), "the one before is not meant any more");
}

#[test]
fn the_server_is_asked_once_to_wake_the_chat_and_only_if_there_is_something_to_tell() {
    let (mut chat, mut cx) = both();
    assert_eq!((cx.wake_at, cx.wakes_set), (None, 0));
    for index in 2..100 {
        open_web_socket(&mut chat, &mut cx, ConnId { index, generation: 1 });
    }
    assert_eq!((cx.wake_at, cx.wakes_set), (Some(Millis(1000)), 1));
    cx.now = Millis(1000);
    cx.wake_at = None; // As it is when it has come.
    chat.on_wake(&mut cx);
    assert_eq!(cx.take_texts(NC), ["* 98 joined, 100 here"]);
    assert_eq!(cx.wake_at, None);
}

#[test]
fn what_was_missed_is_replayed_as_its_reader_reads() {
    let (mut chat, mut cx) = both();
    for line in ["one", "two\u{1b}", "three"] {
        say(&mut chat, &mut cx, BROWSER, line);
    }
    let &(topic, _, _) = cx.subscriptions.first().unwrap();
    let mut replay = Replay::default();
    let entries = 1..4; // Behind the notice of who came.
    let missing = Missing { topic, entries, cause: Cause::Lagged };
    assert_eq!(chat.on_replay(&mut cx, NC, missing, &mut replay), 4);
    let texts: Vec<&str> = replay.texts().map(|text| str::from_utf8(text).unwrap()).collect();
    assert_eq!(texts, ["[guest-2] one", r"[guest-2] two\u{1b}", "[guest-2] three"]);
}

/// What everybody is told first, over whichever dialect.
fn welcome(json: &str) -> bool {
    json.starts_with(r#"{"type":"welcome",""#)
}

#[test]
fn the_first_line_shows_the_dialect() {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    assert!(cx.take(NC).is_empty(), "nobody knows yet how to speak to it");
    say(&mut chat, &mut cx, NC, r#"{"type":"join","id":1,"room":"lobby"}"#);
    let told = cx.take_texts(NC);
    assert!(welcome(&told[0]) && told[1].starts_with(r#"{"type":"joined","id":1,"#), "{told:?}");
    // From then on it is a program, whatever it sends.
    say(&mut chat, &mut cx, NC, "hi");
    assert!(cx.take_texts(NC)[0].starts_with(r#"{"type":"error","code":"bad_request","#));
    chat.on_bad_line(&mut cx, NC, BadLine::TooLong { first: b'x' });
    assert!(cx.take_texts(NC)[0].starts_with(r#"{"type":"error","code":"too_big","#));

    // Broken JSON is JSON.
    let other = ConnId { index: 2, generation: 1 };
    chat.on_open(&mut cx, other, Opening::Line);
    say(&mut chat, &mut cx, other, "{hi");
    assert!(cx.take_texts(other)[0].starts_with(r#"{"type":"error","code":"bad_request","#));
}

#[test]
fn who_listens_for_a_second_is_welcomed_and_after_five_is_a_member() {
    let (mut chat, mut cx) = chat();
    open_web_socket(&mut chat, &mut cx, BROWSER);
    cx.take(BROWSER);
    chat.on_open(&mut cx, NC, Opening::Line);
    cx.now = Millis(999);
    assert!(!cx.poll_deadline(NC));
    cx.now = Millis(1000);
    assert!(cx.poll_deadline(NC));
    chat.on_deadline(&mut cx, NC);
    let welcome = "* welcome to chinwag, guest-2. /help lists the commands";
    assert_eq!(cx.take_texts(NC), [welcome, "* lobby: 2 here"]);
    say(&mut chat, &mut cx, BROWSER, "hi");
    assert_eq!(cx.take_texts(NC), ["[guest-1] hi"], "it may read");
    say(&mut chat, &mut cx, BROWSER, "/who");
    assert_eq!(cx.take_texts(BROWSER), ["* lobby: 1 here: guest-1"], "and is not counted");
    cx.now = Millis(4999);
    assert!(!cx.poll_deadline(NC));
    cx.now = Millis(5000);
    assert!(cx.poll_deadline(NC));
    chat.on_deadline(&mut cx, NC);
    assert_eq!(cx.take_texts(BROWSER), ["* guest-2 joined"]);
    assert!(cx.take(NC).is_empty());
    assert_eq!(cx.deadlines[&NC], Millis(1000 + MINUTES_5), "and may be idle from the first second on");
}

#[test]
fn who_listens_and_goes_was_never_there() {
    let (mut chat, mut cx) = chat();
    open_web_socket(&mut chat, &mut cx, BROWSER);
    cx.take(BROWSER);
    for (at, probe) in (2..40).enumerate() {
        let probe = ConnId { index: probe, generation: 1 };
        chat.on_open(&mut cx, probe, Opening::Line);
        cx.now = cx.now + Millis(1000);
        if cx.poll_deadline(probe) && at % 2 == 0 {
            chat.on_deadline(&mut cx, probe);
        }
        end(&mut chat, &mut cx, probe);
    }
    cx.now = cx.now + Millis(10_000);
    assert_eq!((cx.take(BROWSER), cx.wake_at), (Vec::new(), None));
}

#[test]
fn a_hello_that_comes_late_is_a_programs_and_nobody_reads_its_secret() {
    for seconds in [0, 1, 5, 60] {
        let (mut chat, mut cx) = chat();
        open_web_socket(&mut chat, &mut cx, BROWSER);
        cx.take(BROWSER);
        chat.on_open(&mut cx, NC, Opening::Line);
        for second in 1..=seconds {
            cx.now = Millis(1000 * second);
            if cx.poll_deadline(NC) {
                chat.on_deadline(&mut cx, NC);
            }
        }
        cx.take(NC);
        say(&mut chat, &mut cx, NC, r#"{"type":"hello","name":"bot","secret":"s"}"#);
        assert!(welcome(&cx.take_texts(NC)[0]), "after {seconds} s");
        say(&mut chat, &mut cx, NC, r#"{"type":"join","room":"dev"}"#);
        cx.now = cx.now + Millis(2000);
        chat.on_wake(&mut cx);
        let read = cx.take_texts(BROWSER);
        assert!(read.iter().all(|line| !line.contains("hello") && !line.contains("bot")), "{read:?}");
    }
}

#[test]
fn a_hello_in_text_is_not_said() {
    let (mut chat, mut cx) = both();
    for conn in [NC, BROWSER] {
        say(&mut chat, &mut cx, conn, r#" {"type":"hello","name":"bot","secret":"s"}"#);
    }
    for conn in [NC, BROWSER] {
        let told = cx.take_texts(conn);
        assert!(told.len() == 1 && told[0].starts_with("* bad request: "), "{told:?}");
    }
}

#[test]
fn the_return_key_says_nothing() {
    let (mut chat, mut cx) = both();
    for conn in [NC, BROWSER] {
        for blank in ["", " ", "\t \u{a0}", "\n"] {
            say(&mut chat, &mut cx, conn, blank);
        }
    }
    assert!(cx.take(NC).is_empty() && cx.take(BROWSER).is_empty());
    // But somebody is there, if it has said something before.
    cx.now = Millis(MINUTES_5 - 1);
    say(&mut chat, &mut cx, NC, "");
    assert_eq!(cx.deadlines[&NC], Millis(2 * MINUTES_5 - 1));
    let silent = ConnId { index: 2, generation: 1 };
    chat.on_open(&mut cx, silent, Opening::Line);
    let deadline = cx.deadlines[&silent];
    say(&mut chat, &mut cx, silent, "");
    assert!(cx.take(silent).is_empty() && cx.deadlines[&silent] == deadline);
}

#[test]
fn an_idle_rule_of_less_than_five_seconds_holds_for_those_who_only_listen() {
    let timeout = Some(Millis(2000));
    let (mut chat, mut cx) = chat_with(Settings { line_idle_timeout: timeout, ..Settings::default() });
    chat.on_open(&mut cx, NC, Opening::Line);
    for at in [1000, 3000] {
        cx.now = Millis(at);
        assert!(cx.poll_deadline(NC));
        chat.on_deadline(&mut cx, NC);
    }
    assert_eq!(cx.closed[&NC], (4109, "idle".to_owned()));
}

#[test]
fn a_line_that_is_none_is_a_persons() {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    chat.on_bad_line(&mut cx, NC, BadLine::NotUtf8 { first: 0xFF });
    assert_eq!(cx.take_texts(NC).pop().as_deref(), Some("* not UTF-8: that line was skipped"));
}

#[test]
fn a_hello_that_is_too_long_or_not_utf8_does_not_have_the_next_ones_secret_read_by_the_lobby() {
    for (error, code) in
        [(BadLine::TooLong { first: b'{' }, "too_big"), (BadLine::NotUtf8 { first: b'{' }, "bad_request")]
    {
        let (mut chat, mut cx) = chat();
        open_web_socket(&mut chat, &mut cx, BROWSER);
        cx.take(BROWSER);
        chat.on_open(&mut cx, NC, Opening::Line);
        chat.on_bad_line(&mut cx, NC, error);
        let told = cx.take_texts(NC);
        assert!(told.len() == 1 && told[0].contains(&format!(r#""code":"{code}""#)), "{told:?}");
        assert_eq!(cx.deadlines[&NC], Millis(MINUTES_5), "it is idle from now on");
        say(&mut chat, &mut cx, NC, r#"{"type":"hello","name":"bot","secret":"s"}"#);
        assert!(welcome(&cx.take_texts(NC)[0]));
        assert!(cx.take(BROWSER).is_empty(), "nothing was said in the lobby");
    }
}

#[test]
fn a_hello_that_takes_more_than_a_second_does_not_have_its_secret_read_by_the_lobby() {
    let (mut chat, mut cx) = chat();
    open_web_socket(&mut chat, &mut cx, BROWSER);
    cx.take(BROWSER);
    chat.on_open(&mut cx, NC, Opening::Line);
    cx.begun_lines.insert(NC, b'{');
    cx.now = Millis(1000);
    assert!(cx.poll_deadline(NC));
    chat.on_deadline(&mut cx, NC);
    assert!(cx.take(NC).is_empty(), "a program is welcomed when it has said something");
    assert_eq!(cx.deadlines[&NC], Millis(1000 + MINUTES_5));
    say(&mut chat, &mut cx, NC, r#"{"type":"hello","name":"bot","secret":"s"}"#);
    assert!(welcome(&cx.take_texts(NC)[0]));
    assert!(cx.take(BROWSER).is_empty(), "nothing was said in the lobby");
}

#[test]
fn who_has_shown_no_dialect_yet_is_told_why_it_ends() {
    let (mut chat, mut cx) = chat();
    let bot = ConnId { index: 2, generation: 3 };
    chat.on_open(&mut cx, NC, Opening::Line);
    chat.on_open(&mut cx, bot, Opening::Line);
    cx.begun_lines.insert(bot, b'{');
    chat.on_shutdown(&mut cx, Shutdown::Stop);
    assert_eq!(cx.take_texts(NC), ["* the server stops: goodbye"]);
    assert_eq!(cx.take_texts(bot), [r#"{"type":"bye","reason":"stop","reconnect":false}"#]);
    end(&mut chat, &mut cx, NC);
    end(&mut chat, &mut cx, bot);
}

#[test]
fn who_leaves_before_it_has_shown_anything_was_never_there() {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    end(&mut chat, &mut cx, NC);
    chat.stats(&mut |name, value| assert!(name != "chat_members" || value == 0));
}

#[test]
fn a_query_is_a_hello_and_a_join_at_once() {
    let texts = |target, subprotocol| {
        let (mut chat, mut cx) = chat();
        open_by(&mut chat, &mut cx, BROWSER, target, subprotocol);
        cx.take_texts(BROWSER)
    };
    let told = texts("/ws?room=dev&name=Zo%C3%AB", None);
    assert_eq!(told, ["* welcome to chinwag, Zoë. /help lists the commands", "* dev: 1 here"]);
    let told = texts("/ws?name=ann", None);
    assert_eq!(told, ["* welcome to chinwag, ann. /help lists the commands", "* lobby: 1 here"]);
    let told = texts("/ws?room=dev", None);
    assert_eq!(told, ["* welcome to chinwag, guest-1. /help lists the commands", "* dev: 1 here"]);
    // What is refused is told, and one goes on as a guest, in the lobby.
    let told = texts("/ws?room=no/room&name=+ann", None);
    assert_eq!(
        told,
        [
            "* bad name: a name does not begin or end with a space",
            "* welcome to chinwag, guest-1. /help lists the commands",
            "* bad room: a room has 1 to 64 of A-Z a-z 0-9 . _ -",
            "* lobby: 1 here"
        ]
    );

    let json = |target| texts(target, Some(JSON_SUBPROTOCOL));
    let told = json("/ws?room=dev&name=ann");
    assert!(
        told[0].starts_with(r#"{"type":"welcome","version":1,"connection":"c1","name":"ann""#),
        "{told:?}"
    );
    assert!(told[1].starts_with(r#"{"type":"joined","room":"dev","#) && told.len() == 2, "{told:?}");
    assert!(json("/ws").is_empty(), "a program is welcomed when it says hello");
    let told = json("/ws?room=dev");
    assert!(told[0].contains(r#""name":"guest-1""#) && told[1].contains(r#""room":"dev""#), "{told:?}");
    let told = json("/ws?name=ann");
    assert!(told[0].contains(r#""name":"ann""#) && told.len() == 1, "{told:?}");
    let told = json("/ws?room=&name=guest-7");
    assert!(told[0].contains(r#""code":"name_taken""#) && !told[0].contains(r#""id""#), "{told:?}");
    assert!(told[1].contains(r#""code":"bad_room""#) && told.len() == 2, "it may still say hello: {told:?}");
    let told = json("/ws?room=");
    assert!(told[0].contains(r#""code":"bad_room""#) && told.len() == 1, "{told:?}");
    let told = json("/ws?name=guest-7");
    assert!(told[0].contains(r#""code":"name_taken""#) && told.len() == 1, "{told:?}");
    let told = json("/ws?room=dev&name=guest-7");
    assert!(told[0].contains(r#""code":"name_taken""#) && welcome(&told[1]), "{told:?}");
    assert!(told[2].contains(r#""type":"joined","room":"dev""#), "{told:?}");
    let told = json("/ws?room=&name=ann");
    assert!(welcome(&told[0]) && told[1].contains(r#""code":"bad_room""#), "{told:?}");
}

#[test]
fn programs_and_people_read_the_same_room() {
    let (mut chat, mut cx) = both();
    let bot = ConnId { index: 2, generation: 3 };
    open_by(&mut chat, &mut cx, bot, "/ws?room=lobby", Some(JSON_SUBPROTOCOL));
    cx.take(bot);
    cx.take(NC);
    cx.take(BROWSER);
    say(&mut chat, &mut cx, bot, r#"{"type":"publish","id":7,"room":"lobby","data":"a\tb"}"#);
    let ok = r#"{"type":"ok","id":7,"room":"lobby","seq":1,"at":1795000000000}"#;
    assert_eq!(cx.take_texts(bot), [ok]);
    assert_eq!(cx.take_texts(NC), ["[guest-3] a\tb"]);
    say(&mut chat, &mut cx, NC, "/seq on");
    cx.take(NC);
    say(&mut chat, &mut cx, BROWSER, "hi");
    assert_eq!(cx.take_texts(NC), ["#2 [guest-2] hi"]);
    let hi = r#"{"type":"message","room":"lobby","seq":2,"name":"guest-2","at":1795000000000,"data":"hi"}"#;
    assert_eq!(cx.take_texts(bot), [hi]);
}

#[test]
fn a_page_of_history_is_a_message_for_each_line() {
    let (mut chat, mut cx) = both();
    say(&mut chat, &mut cx, NC, "one");
    say(&mut chat, &mut cx, NC, "two");
    cx.take(BROWSER);
    say(&mut chat, &mut cx, BROWSER, "/history");
    let page = ["* lobby: 2 earlier messages", "[guest-1] one", "[guest-1] two"];
    assert_eq!(cx.take_texts(BROWSER), page);
}

#[test]
fn a_long_hole_is_filled_a_slice_at_a_time() {
    let unlimited = Rate { per_second: 0, burst: 1 };
    let (mut chat, mut cx) = chat_with(Settings { publish: unlimited, ..Settings::default() });
    open_by(&mut chat, &mut cx, BROWSER, "/ws?room=dev", Some(JSON_SUBPROTOCOL));
    for _ in 0..100 {
        let data = "x".repeat(1000);
        say(&mut chat, &mut cx, BROWSER, &format!(r#"{{"type":"publish","room":"dev","data":"{data}"}}"#));
    }
    let bot = ConnId { index: 2, generation: 3 };
    open_by(&mut chat, &mut cx, bot, "/ws", Some(JSON_SUBPROTOCOL));
    say(&mut chat, &mut cx, bot, r#"{"type":"join","room":"dev","history":100}"#);
    let (conn, topic, mut entries) = cx.questions.pop().expect("what is asked for");
    assert_eq!(conn, bot);
    // Behind the welcome and the answer.
    let with_the_answer = cx.take_texts(bot).len() - 2;
    let (mut slices, mut messages, mut replay) = (1, with_the_answer, Replay::default());
    while entries.start < entries.end {
        replay.clear();
        let missing = Missing { topic, entries: entries.clone(), cause: Cause::Requested };
        entries.start = chat.on_replay(&mut cx, bot, missing, &mut replay);
        assert!(replay.len_bytes() < SLICE_BYTES + 1200, "{} bytes", replay.len_bytes());
        slices += 1;
        messages += replay.texts().count();
    }
    assert_eq!((slices, messages), (7, 100));
}

#[test]
fn what_a_join_was_promised_is_not_driven_out_by_what_is_said_right_behind_it() {
    let unlimited = Rate { per_second: 0, burst: 1 };
    let settings = Settings { history_messages_max: 10, publish: unlimited, ..Settings::default() };
    let (mut chat, mut cx) = chat_with(settings);
    open_by(&mut chat, &mut cx, BROWSER, "/ws?room=dev", Some(JSON_SUBPROTOCOL));
    let publish = |number: u32| format!(r#"{{"type":"publish","room":"dev","data":{number}}}"#);
    (1..=10).for_each(|number| say(&mut chat, &mut cx, BROWSER, &publish(number)));
    let bot = ConnId { index: 2, generation: 3 };
    open_by(&mut chat, &mut cx, bot, "/ws", Some(JSON_SUBPROTOCOL));
    for crowded in [false, true] {
        if crowded {
            cx.crowded.insert(bot);
        }
        say(&mut chat, &mut cx, bot, r#"{"type":"join","room":"dev","history":10}"#);
        (11..=30).for_each(|number| say(&mut chat, &mut cx, bot, &publish(number)));
        let told = cx.take_texts(bot);
        let replayed = told.iter().filter(|text| text.starts_with(r#"{"type":"message""#)).count();
        assert_eq!(replayed, if crowded { 0 } else { 10 }, "{told:?}");
        assert_eq!(cx.questions.len(), usize::from(crowded), "who has enough to read is sent it as it reads");
        say(&mut chat, &mut cx, bot, r#"{"type":"leave","room":"dev"}"#);
        cx.take(bot);
    }
}

#[test]
fn what_is_replayed_has_numbers_if_they_were_on_when_it_was_asked_for() {
    let (mut chat, mut cx) = both();
    say(&mut chat, &mut cx, BROWSER, "one");
    cx.take(NC);
    for line in ["/seq on", "/join lobby 1", "/seq off"] {
        say(&mut chat, &mut cx, NC, line);
    }
    assert!(cx.take_texts(NC).contains(&"#1 [guest-2] one".to_owned()));
}

#[test]
fn a_room_that_does_not_wait_closes_who_lags() {
    let (mut chat, mut cx) = chat_with(Settings { slow: Slow::Disconnect, ..Settings::default() });
    open_web_socket(&mut chat, &mut cx, BROWSER);
    let &(topic, _, _) = cx.subscriptions.first().unwrap();
    let mut replay = Replay::default();
    let missing = Missing { topic, entries: 0..1, cause: Cause::Lagged };
    assert_eq!(chat.on_replay(&mut cx, BROWSER, missing, &mut replay), 1);
    assert_eq!(cx.closed[&BROWSER], (4108, "too slow".to_owned()));
    assert_eq!(replay.texts().count(), 0);
}

#[test]
fn a_name_that_is_taken_over_is_closed_with_4005() {
    let hello = |told: String| {
        let (_, rest) = told.split_once(r#""secret":""#).expect("a welcome");
        let (secret, _) = rest.split_once('"').expect("a string");
        format!(r#"{{"type":"hello","name":"ann","secret":"{secret}"}}"#)
    };
    let (mut chat, mut cx) = chat();
    open_by(&mut chat, &mut cx, BROWSER, "/ws?name=ann", Some(JSON_SUBPROTOCOL));
    let of_browser = hello(cx.take_texts(BROWSER).remove(0));
    chat.on_open(&mut cx, NC, Opening::Line);
    say(&mut chat, &mut cx, NC, &of_browser);
    assert_eq!(cx.closed[&BROWSER], (4005, "replaced".to_owned()));
    assert!(cx.take(BROWSER).is_empty(), "the Close frame says it");
    assert_eq!(hello(cx.take_texts(NC).remove(0)), of_browser, "who has not read this is not locked out");
    end(&mut chat, &mut cx, BROWSER);

    let next = ConnId { generation: 9, ..BROWSER };
    open_by(&mut chat, &mut cx, next, "/ws", Some(JSON_SUBPROTOCOL));
    say(&mut chat, &mut cx, next, &of_browser);
    assert_eq!(cx.closed[&NC].0, 4005);
    assert_eq!(cx.take_texts(NC), [r#"{"type":"bye","reason":"replaced","reconnect":false}"#]);
}

#[test]
fn who_is_about_to_be_disconnected_is_told_when_to_come_back() {
    let (mut chat, mut cx) = both();
    let bot = ConnId { index: 2, generation: 3 };
    open_by(&mut chat, &mut cx, bot, "/ws?room=lobby", Some(JSON_SUBPROTOCOL));
    cx.take(bot);
    cx.take(NC);
    chat.on_shutdown(&mut cx, Shutdown::Restart);
    let bye = cx.take_texts(bot).remove(0);
    let retry_ms =
        bye.strip_prefix(r#"{"type":"bye","reason":"restart","reconnect":true,"retry_ms":"#).unwrap();
    let retry_ms: u64 = retry_ms.strip_suffix('}').unwrap().parse().unwrap();
    assert!(COME_BACK_MS.contains(&retry_ms));
    assert!(cx.take_texts(NC)[0].starts_with("* restarting, come back in "));
    chat.on_shutdown(&mut cx, Shutdown::Stop);
    assert_eq!(cx.take_texts(bot), [r#"{"type":"bye","reason":"stop","reconnect":false}"#]);
    assert_eq!(cx.take_texts(NC), ["* the server stops: goodbye"]);
}

#[test]
fn the_idle_rule_can_be_switched_on_for_web_sockets() {
    let timeout = Some(Millis(MINUTES_5));
    let (mut chat, mut cx) = chat_with(Settings { ws_idle_timeout: timeout, ..Settings::default() });
    open_by(&mut chat, &mut cx, BROWSER, "/ws", Some(JSON_SUBPROTOCOL));
    cx.now = Millis(1000);
    say(&mut chat, &mut cx, BROWSER, r#"{"type":"ping"}"#);
    cx.now = Millis(MINUTES_5 + 999);
    assert!(!cx.poll_deadline(BROWSER));
    cx.now = Millis(MINUTES_5 + 1000);
    assert!(cx.poll_deadline(BROWSER));
    cx.take(BROWSER);
    chat.on_deadline(&mut cx, BROWSER);
    assert_eq!(cx.closed[&BROWSER], (4109, "idle".to_owned()));
    assert!(cx.take(BROWSER).is_empty(), "the Close frame says it");
}

#[test]
fn a_program_on_the_line_port_reads_why_it_ends() {
    let (mut chat, mut cx) = chat();
    chat.on_open(&mut cx, NC, Opening::Line);
    say(&mut chat, &mut cx, NC, r#"{"type":"ping"}"#);
    cx.take(NC);
    cx.now = Millis(MINUTES_5);
    assert!(cx.poll_deadline(NC));
    chat.on_deadline(&mut cx, NC);
    assert_eq!(cx.take_texts(NC), [r#"{"type":"bye","reason":"idle","reconnect":true,"retry_ms":1000}"#]);
}
