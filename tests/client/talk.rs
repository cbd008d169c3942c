//! What a session says, and when, to a server that says what the test wants: line by line.

use chinwag::client::{Masks, News, SUBPROTOCOL, Session, Settings, Status, Told};
use chinwag::proto::http::{Head, HeaderSlots};
use chinwag::proto::ws::handshake::{Offer, response};
use chinwag::proto::ws::{Opcode, encoder};
use chinwag::time::Millis;

const WELCOME: &str = r#"{"type":"welcome","name":"ann","secret":"Xq3","ping_ms":25000,"limits":{"message_bytes":10,"publish_per_second":10,"history":100}}"#;
const JOINED: &str = r#"{"type":"joined","room":"dev","epoch":"k","seq":2,"from":3,"count":0,"members":1}"#;

fn settings(url: &str) -> Settings {
    Settings {
        url: url.parse().expect("a URL"),
        name: Some("ann".into()),
        token: None,
        is_patient: false,
        keeps_objects: false,
    }
}

/// A session over lines, and a server's words.
struct Talk {
    session: Session,
    now: Millis,
}

impl Talk {
    fn begin(settings: Settings) -> Talk {
        let mut talk = Talk { session: Session::new(settings, Masks::from_seed(1)), now: Millis(5000) };
        talk.connect();
        talk
    }

    /// Welcomed, and in `dev`.
    fn inside() -> Talk {
        let mut talk = Talk::begin(settings("tcp://chat"));
        talk.session.join(talk.now, "dev", 7);
        talk.asks(&[r#""hello","name":"ann""#]);
        talk.says(WELCOME);
        talk.asks(&[r#""join","room":"dev","history":7"#]);
        talk.says(JOINED);
        talk.told();
        talk
    }

    fn connect(&mut self) {
        self.session.handle_timers(self.now);
        assert!(self.session.connection().is_some());
        self.session.handle_connected(self.now);
    }

    fn says(&mut self, line: &str) {
        self.session.handle_bytes(self.now, &mut format!("{line}\n").into_bytes());
    }

    fn asked(&mut self) -> Vec<String> {
        let bytes = self.session.unwritten().to_vec();
        self.session.note_written(bytes.len());
        String::from_utf8(bytes).expect("lines").lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn asks(&mut self, parts: &[&str]) -> Vec<String> {
        let asked = self.asked();
        assert_eq!(asked.len(), parts.len(), "{asked:?}");
        for (line, part) in asked.iter().zip(parts) {
            assert!(line.starts_with(&format!("{{\"type\":{part}")), "{line} has not {part}");
        }
        asked
    }

    fn told(&mut self) -> Vec<News> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn at(&mut self, ms: u64) {
        self.now = Millis(ms);
        self.session.handle_timers(self.now);
    }

    fn message(&mut self, seq: u64) {
        let message =
            format!(r#"{{"type":"message","room":"dev","seq":{seq},"name":"bob","at":1,"data":{seq}}}"#);
        self.says(&message);
    }
}

fn seqs(events: &[News]) -> Vec<(u64, u64)> {
    let of = |event: &News| match event {
        News::Message(told) => Some((told.seq, told.seq)),
        News::Gap { from, to, .. } => Some((*from, *to)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn what_was_told_is_not_told_again_and_a_hole_is_told() {
    let mut talk = Talk::inside();
    [3, 4, 3, 4, 7].into_iter().for_each(|seq| talk.message(seq));
    assert_eq!(seqs(&talk.told()), [(3, 3), (4, 4), (5, 6), (7, 7)]);
    talk.says(r#"{"type":"gap","room":"dev","epoch":"k","from":8,"to":20,"reason":"slow"}"#);
    talk.message(20);
    talk.message(21);
    assert_eq!(seqs(&talk.told()), [(8, 20), (21, 21)]);
}

#[test]
fn a_room_that_is_full_is_told_and_not_waited_for_in_silence() {
    let mut talk = Talk::inside();
    talk.session.join(talk.now, "full", 0);
    talk.asks(&[r#""join","room":"full""#]);
    talk.says(r#"{"type":"error","id":3,"code":"denied","retry_ms":5000,"reason":"no place"}"#);
    let told = talk.told();
    let is_full =
        |news: &News| matches!(news, News::NotJoined { room, why } if room == "full" && why.code == "denied");
    assert!(told.iter().any(is_full), "{told:?}");
    talk.at(11_000);
    assert!(talk.asked().is_empty());
}

#[test]
fn what_is_refused_for_now_is_sent_again_and_nothing_overtakes_it() {
    let mut talk = Talk::inside();
    for text in ["one", "two"] {
        talk.session.publish(talk.now, "dev", text);
    }
    let first = talk.asks(&[r#""publish","room":"dev""#]);
    talk.says(r#"{"type":"error","id":3,"code":"rate_limited","retry_ms":1500,"reason":"too much"}"#);
    assert_eq!(talk.told(), [News::Slowed { wait: Millis(1500) }]);
    assert_eq!((talk.asked().len(), talk.session.next_deadline()), (0, Millis(6500)));
    talk.at(6499);
    assert!(talk.asked().is_empty());
    talk.at(6500);
    let again = talk.asks(&[r#""publish","room":"dev""#]);
    // The same words under the same key.
    assert_eq!(first[0].split(",\"id\"").next(), again[0].split(",\"id\"").next());
    talk.says(r#"{"type":"ok","id":4,"room":"dev","seq":3,"at":9}"#);
    assert_eq!(talk.told(), [News::Published { id: 0, room: "dev".into(), seq: 3, at: 9 }]);
    talk.asks(&[r#""publish","room":"dev""#]);
    talk.says(r#"{"type":"error","id":5,"code":"denied","reason":"no"}"#);
    assert!(matches!(&talk.told()[..], [News::NotPublished { id: 1, why, .. }] if why.code == "denied"));
    assert!(talk.session.is_settled());
}

#[test]
fn what_would_end_the_connection_is_not_sent() {
    let mut talk = Talk::inside();
    talk.session.publish(talk.now, "dev", "ten bytes!");
    talk.session.publish(talk.now, "dev", "ten bytes!!");
    talk.session.publish(talk.now, "dev", "short");
    talk.asks(&[r#""publish","room":"dev""#]);
    talk.says(r#"{"type":"ok","id":3,"room":"dev","seq":3,"at":9}"#);
    assert!(matches!(&talk.told()[1..], [News::NotPublished { id: 1, why, .. }] if why.code == "too_big"));
    talk.asks(&[r#""publish","room":"dev""#]);
    assert_eq!(talk.session.publish(talk.now, "nowhere", "hi"), None);
}

#[test]
fn who_comes_back_brings_the_secret_and_its_place_and_sends_only_what_has_not_arrived() {
    let mut talk = Talk::inside();
    talk.message(3);
    for text in ["one", "two"] {
        talk.session.publish(talk.now, "dev", text);
    }
    let sent = talk.asks(&[r#""publish","room":"dev""#]);
    let (_, key) = sent[0].split_once("\"key\":\"").expect("it has a key");
    talk.session.handle_lost(talk.now, "cut");
    talk.at(9000);
    talk.connect();
    talk.asks(&[r#""hello","name":"ann","secret":"Xq3""#]);
    talk.says(WELCOME);
    talk.asks(&[r#""join","room":"dev","since":{"epoch":"k","seq":3},"history":100"#]);
    talk.says(
        r#"{"type":"joined","room":"dev","epoch":"k","seq":5,"resumed":true,"from":4,"count":2,"members":1}"#,
    );
    talk.message(4);
    assert!(talk.asked().is_empty(), "not before all has been told");
    talk.told();
    let ours = format!(
        r#"{{"type":"message","room":"dev","seq":5,"name":"ann","key":"{}","at":1,"data":"one"}}"#,
        &key[..16]
    );
    talk.says(&ours);
    assert!(matches!(&talk.told()[..], [News::Message(Told { own: Some(0), .. }), News::CaughtUp { .. }]));
    let rest = talk.asks(&[r#""publish","room":"dev""#]);
    assert!(rest[0].contains("two"), "{rest:?}");
}

#[test]
fn a_name_that_others_have_leaves_us_a_guest() {
    let mut talk = Talk::begin(settings("tcp://chat"));
    talk.asks(&[r#""hello","name":"ann""#]);
    talk.says(r#"{"type":"error","id":1,"code":"name_taken","reason":"somebody else has this name"}"#);
    assert!(matches!(&talk.told()[..], [News::Refused { what: "name", .. }]));
    talk.asks(&[r#""hello","id":2"#]);
    talk.says(r#"{"type":"welcome","id":2,"name":"guest-4","secret":"s"}"#);
    assert!(matches!(&talk.told()[..], [News::Welcome { name, is_new: true, .. }] if name == "guest-4"));
    // Who has to prove something is no guest.
    let mut talk = Talk::begin(settings("tcp://chat"));
    talk.says(r#"{"type":"error","id":1,"code":"auth_required","reason":"no token"}"#);
    assert_eq!(talk.told(), [News::Ended { why: Some("no token".into()) }]);
}

#[test]
fn what_no_server_says_is_told_and_the_connection_goes_on() {
    let mut talk = Talk::inside();
    for line in ["hi", "{", r#"{"type":"weather"}"#, r#"{"type":"message","room":"dev"}"#, "", "[1]"] {
        talk.says(line);
        assert!(matches!(&talk.told()[..], [News::Strange { .. }]), "{line}");
    }
    for line in [
        r#"{"type":"message","room":"other","seq":1,"name":"b","at":1,"data":1}"#,
        r#"{"type":"ok","id":77}"#,
    ] {
        talk.says(line);
        assert_eq!(talk.told(), [], "{line}");
    }
    assert_eq!(talk.session.status(), Status::Online);
}

#[test]
fn a_server_that_says_nothing_is_asked_and_then_given_up() {
    let mut talk = Talk::inside();
    assert_eq!(talk.session.next_deadline(), Millis(30_000));
    talk.at(30_000);
    talk.asks(&[r#""ping","id":3"#]);
    talk.at(39_999);
    talk.says(r#"{"type":"pong","id":3,"at":1}"#);
    talk.at(40_000);
    assert_eq!((talk.told().len(), talk.session.next_deadline()), (0, Millis(55_000)));
    talk.at(55_000);
    talk.asks(&[r#""ping","id":4"#]);
    talk.at(65_000);
    assert!(matches!(&talk.told()[..], [News::Lost { why, .. }] if why.contains("silent")));
    assert_eq!(talk.session.connection(), None);
}

#[test]
fn who_is_told_when_to_come_back_comes_then_and_who_is_told_not_to_does_not() {
    let mut talk = Talk::inside();
    talk.says(r#"{"type":"bye","reason":"restart","reconnect":true,"retry_ms":7312}"#);
    talk.session.handle_lost(talk.now, "the end");
    assert_eq!(talk.told(), [News::Lost { why: "the server restarts".into(), until: Millis(12_312) }]);
    talk.at(12_311);
    assert_eq!(talk.session.connection(), None);
    talk.at(12_312);
    assert_eq!(talk.session.connection(), Some(2));

    let mut talk = Talk::inside();
    talk.says(r#"{"type":"bye","reason":"stop","reconnect":false}"#);
    talk.session.handle_lost(talk.now, "the end");
    assert_eq!(talk.told(), [News::Ended { why: Some("the server has stopped".into()) }]);
    assert_eq!(talk.session.next_deadline(), Millis::NEVER);
    // Unless its user says so.
    talk.session.dial_now(talk.now);
    assert_eq!(talk.session.connection(), Some(2));
}

#[test]
fn where_nobody_ever_was_only_the_patient_try_again() {
    let lost = |is_patient| {
        let mut talk = Talk::begin(Settings { is_patient, ..settings("tcp://chat") });
        talk.session.handle_lost(talk.now, "refused");
        talk.told()
    };
    assert_eq!(lost(false), [News::Ended { why: Some("refused".into()) }]);
    assert!(matches!(&lost(true)[..], [News::Lost { .. }]));
    let mut talk = Talk::begin(Settings { is_patient: true, ..settings("tcp://chat") });
    talk.at(25_000);
    assert!(matches!(&talk.told()[..], [News::Lost { why, .. }] if why.contains("not answer")));
}

#[test]
fn who_leaves_a_room_takes_back_what_was_not_sent() {
    let mut talk = Talk::inside();
    for text in ["one", "two"] {
        talk.session.publish(talk.now, "dev", text);
    }
    talk.asks(&[r#""publish","room":"dev""#]);
    talk.session.leave(talk.now, "dev");
    talk.asks(&[r#""leave","room":"dev""#]);
    assert!(matches!(&talk.told()[..], [News::NotPublished { id: 1, .. }]));
    talk.says(r#"{"type":"ok","id":3,"room":"dev","seq":3,"at":9}"#);
    talk.says(r#"{"type":"ok","id":4,"room":"dev"}"#);
    assert!(matches!(&talk.told()[..], [News::Published { id: 0, .. }, News::Left { .. }]));
    assert_eq!(talk.session.rooms().count(), 0);
}

#[test]
fn who_quits_is_gone_when_all_is_written() {
    let mut talk = Talk::inside();
    talk.session.quit(talk.now);
    assert_eq!(talk.told(), [News::Ended { why: None }]);
    let mut talk = Talk::inside();
    talk.session.ping(talk.now);
    talk.session.quit(talk.now);
    assert_eq!((talk.told(), talk.session.connection()), (vec![], Some(1)));
    talk.asked();
    assert_eq!((talk.told(), talk.session.connection()), (vec![News::Ended { why: None }], None));
}

#[test]
fn objects_are_shown_as_they_came_but_for_the_secret() {
    let mut talk = Talk::begin(Settings { keeps_objects: true, ..settings("tcp://chat") });
    talk.session.join(talk.now, "dev", 0);
    talk.says(WELCOME);
    talk.says(JOINED);
    talk.message(3);
    talk.message(3);
    let object = |event: News| if let News::Object(text) = event { Some(text) } else { None };
    let objects: Vec<String> = talk.told().into_iter().filter_map(object).collect();
    assert_eq!(objects.len(), 3);
    assert!(objects[0].contains("\"welcome\"") && !objects[0].contains("Xq3"), "{}", objects[0]);
    assert_eq!(objects[1], JOINED);
}

/// A session over WebSocket after the server's answer to its handshake, and what it is told after that.
fn upgraded(subprotocol: Option<&str>, rest: &[u8]) -> Vec<News> {
    let mut session = Session::new(settings("ws://chat/ws"), Masks::from_seed(1));
    session.handle_timers(Millis(1));
    session.handle_connected(Millis(1));
    let request = session.unwritten().to_vec();
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(&request, &mut slots).expect("a request").expect("a whole one");
    let mut answer = Vec::new();
    response(&mut answer, Offer::parse(&head).expect("an offer").accept(), subprotocol, None);
    answer.extend_from_slice(rest);
    session.handle_bytes(Millis(2), &mut answer);
    std::iter::from_fn(|| session.poll_event()).collect()
}

fn frames(said: &[&str], code: u16) -> Vec<u8> {
    let mut out = Vec::new();
    said.iter().for_each(|text| encoder::frame(&mut out, Opcode::Text, text.as_bytes(), None));
    encoder::frame(&mut out, Opcode::Close, &encoder::close_payload(code, ""), None);
    out
}

#[test]
fn some_codes_are_for_good_and_others_are_not() {
    for (code, is_for_good) in [
        (1000, false),
        (1001, false),
        (1011, false),
        (1012, false),
        (4001, true),
        (4003, true),
        (4004, true),
        (4005, true),
        (4108, false),
        (4109, false),
        (4129, false),
    ] {
        let told = upgraded(Some(SUBPROTOCOL), &frames(&[WELCOME], code));
        match &told[1..] {
            [News::Ended { why: Some(_) }] => assert!(is_for_good, "{code}"),
            [News::Lost { .. }] => assert!(!is_for_good, "{code}"),
            told => panic!("{code}: {told:?}"),
        }
    }
}

#[test]
fn a_server_of_another_kind_is_left_alone() {
    for subprotocol in [None, Some("chat")] {
        let told = upgraded(subprotocol, b"");
        assert!(matches!(&told[..], [News::Ended { why: Some(_) }]), "{told:?}");
    }
    for (url, answer, why) in [
        ("ws://chat/ws", &b"* this port speaks lines"[..], "that port speaks lines: try tcp://chat:80"),
        ("wss://chat/ws", b"* w", "that port speaks lines: try tls://chat:443"),
        ("ws://chat/ws", b"\x15\x03\x01", "that port speaks TLS: try wss://chat:80/ws"),
        ("tcp://chat", b"\x15\x03\x01", "that port speaks TLS: try tls://chat:2020"),
        ("tcp://chat", b"HTTP/1.0 400\r\n", "that port speaks HTTP: try ws://chat:2020"),
        ("ws://chat/ws", b"SSH-2.0", "it does not speak HTTP"),
        (
            "ws://chat/ws",
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n",
            "it answers with HTTP status 403: no!",
        ),
    ] {
        let mut session = Session::new(settings(url), Masks::from_seed(1));
        session.handle_timers(Millis(1));
        session.handle_connected(Millis(1));
        session.handle_bytes(Millis(2), &mut answer.to_vec());
        let news = session.poll_event();
        assert!(matches!(&news, Some(News::Ended { why: Some(told) }) if told.starts_with(why)), "{news:?}");
    }
}

#[test]
fn who_says_close_waits_for_the_answer_but_not_for_ever() {
    let begin = || {
        let mut session = Session::new(settings("ws://chat/ws"), Masks::from_seed(1));
        session.handle_timers(Millis(1));
        session.handle_connected(Millis(1));
        let request = session.unwritten().to_vec();
        session.note_written(request.len());
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(&request, &mut slots).expect("a request").expect("a whole one");
        let mut answer = Vec::new();
        response(&mut answer, Offer::parse(&head).expect("an offer").accept(), Some(SUBPROTOCOL), None);
        encoder::frame(&mut answer, Opcode::Text, WELCOME.as_bytes(), None);
        session.handle_bytes(Millis(2), &mut answer);
        session.quit(Millis(10));
        while session.poll_event().is_some() {}
        session
    };
    let mut answered = begin();
    assert_eq!(answered.connection(), Some(1));
    answered.handle_bytes(Millis(11), &mut frames(&[], 1000));
    assert_eq!((answered.poll_event(), answered.connection()), (Some(News::Ended { why: None }), None));
    let mut ignored = begin();
    assert_eq!(ignored.next_deadline(), Millis(2010));
    ignored.handle_timers(Millis(2010));
    assert_eq!(ignored.poll_event(), Some(News::Ended { why: None }));
}
