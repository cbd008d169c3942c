//! How it looks.
//!
//! ```text
//!      1 lobby   2 dev 3   3 ops                                      ann      rooms, with what is unread
//!     12:01          bob │ morning
//!     12:01          cyn │ a long line goes on below,
//!                        │ under itself                                      one row or more for each entry
//!     12:02              │ eve joined
//!       …            ann │ on its way                                        pale until it is taken
//!      lobby · 12 here                                           connected      what one has to know
//!     lobby> hello|                                                             what is being typed
//! ```

use super::app::App;
use super::paint::{BAR, BOLD, DIM, PLAIN, Row, Style, WARNING, fit, head, span, width};
use super::words;
use crate::client::{Session, Status};
use crate::time::Millis;
use crossterm::style::Color;
use unicode_width::UnicodeWidthStr;

/// The bar of rooms, the status, and the line that is being typed.
pub const ROWS_AROUND: usize = 3;

/// Stands where something is to be typed, until something has been.
const HINT: &str = "say something; /name NAME changes your name, /help lists the rest";

const BAR_BOLD: Style = Style { is_bold: true, ..BAR };
const BAR_MENTION: Style = Style { is_bold: true, color: Some(Color::Yellow), ..BAR };

/// What the screen is to show.
#[derive(Debug, PartialEq, Eq)]
pub struct Face {
    /// As many as the screen has, from the top.
    pub rows: Vec<Row>,
    /// Where the cursor stands: column and row.
    pub cursor: (usize, usize),
    /// When it is to be drawn anew though nothing happens: what it counts down has changed.
    pub until: Millis,
}

impl Face {
    /// How things look now.
    pub fn of(app: &App, session: &Session, now: Millis) -> Face {
        let (columns, height) = app.size;
        let body_rows = app.body_rows();
        let view = app.rooms.get(app.current);
        let log = view.map_or(&app.outside, |view| &view.log);
        let (mut body, below) = log.view(columns, body_rows, &app.name, &*app.clock);
        let mut rows: Vec<Row> = Vec::new();
        if body_rows > 0 {
            rows.push(tabs(app, columns));
            // What there is stands at the bottom, where the next comes.
            rows.extend(std::iter::repeat_n(Row::new(), body_rows - body.len()));
            rows.append(&mut body);
            rows.push(status(app, session, now, columns, below));
        }
        rows.resize(height.saturating_sub(1), Row::new());
        let prompt = view.map_or_else(|| "> ".to_owned(), |view| format!("{}> ", view.name));
        let prompt = if prompt.width() * 3 > columns { "> ".to_owned() } else { prompt };
        let (line, column) = app.editor.view(columns.saturating_sub(prompt.width()));
        let cursor = (prompt.width() + column, height.saturating_sub(1));
        let hint = if app.is_fresh && app.editor.text().is_empty() { HINT } else { "" };
        let (hint, _) = head(hint, columns.saturating_sub(cursor.0));
        rows.push(vec![span(prompt, BOLD), span(line, PLAIN), span(hint, DIM)]);
        Face { rows, cursor, until: until(app, session, now) }
    }
}

/// The next full second of what is counted down.
fn until(app: &App, session: &Session, now: Millis) -> Millis {
    let ends = match session.status() {
        Status::Waiting { until } => until,
        _ if app.slowed_until > now => app.slowed_until,
        _ => return Millis::NEVER,
    };
    let left = (ends - now).0;
    now + Millis(if left.is_multiple_of(1000) { 1000 } else { left % 1000 })
}

/// ` 1 lobby   2 dev 3      ann `: the room in view stands out, and what is unread in the others.
fn tabs(app: &App, columns: usize) -> Row {
    let tab = |(at, view): (usize, &super::app::View)| -> Row {
        let name = format!(" {} {} ", at + 1, view.name);
        match (at == app.current, view.unread) {
            (true, _) => vec![span(name, BOLD)],
            (false, 0) => vec![span(name, BAR)],
            (false, unread) => {
                let style = if view.is_mentioned { BAR_MENTION } else { BAR_BOLD };
                vec![span(name, BAR), span(format!("{unread} "), style)]
            }
        }
    };
    let own_name = if app.name.is_empty() { String::new() } else { format!(" {} ", words::shown(&app.name)) };
    let room = columns.saturating_sub(own_name.width());
    let tabs: Vec<Row> = app.rooms.iter().enumerate().map(tab).collect();
    // As many of those in front of the one in view are left out as it takes to see it.
    let columns_from = |first: usize| {
        tabs[first..].iter().take(app.current + 1 - first).map(|tab| width(tab)).sum::<usize>()
    };
    let first = (0..app.current).find(|first| columns_from(*first) <= room).unwrap_or(app.current);
    let mut row = fit(tabs.get(first..).unwrap_or_default().concat(), room, BAR);
    row.push(span(own_name, BAR));
    fit(row, columns, BAR)
}

fn status(app: &App, session: &Session, now: Millis, columns: usize, below: usize) -> Row {
    let seconds = |until: Millis| (until - now).0.div_ceil(1000);
    let (state, style) = match (session.status(), &app.trouble) {
        (Status::Waiting { until }, trouble) => {
            let why = trouble.as_deref().unwrap_or("no connection");
            (format!("{why} · again in {} s ", seconds(until)), WARNING)
        }
        (Status::Connecting, _) => (format!("connecting to {} ", app.url), DIM),
        (Status::Ended, Some(why)) => (format!("{why} · /reconnect or Ctrl-D "), WARNING),
        (Status::Ended, None) => (String::new(), DIM),
        (Status::Online, _) if app.slowed_until > now => {
            (format!("slow down: {} s ", seconds(app.slowed_until)), WARNING)
        }
        (Status::Online, _) => ("connected ".to_owned(), DIM),
    };
    let typed_lines = app.editor.text().matches('\n').count() + 1;
    let (here, here_style) = match app.rooms.get(app.current) {
        _ if typed_lines > 1 => {
            (format!(" {typed_lines} lines: Enter says them, Ctrl-U drops them"), WARNING)
        }
        Some(_) if below > 0 => (format!(" {below} more below, Esc shows the end"), WARNING),
        Some(view) => (format!(" {} · {}", view.name, words::members(view.members)), DIM),
        None => (" in no room: /join ROOM".to_owned(), DIM),
    };
    let gap = columns.saturating_sub(here.width() + state.width());
    fit(vec![span(here, here_style), span(" ".repeat(gap.max(1)), PLAIN), span(state, style)], columns, PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Masks, News, Resumption, Settings, Told};
    use crate::join::commands::{COMMANDS, KEYS};
    use crate::join::log::Clock;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    struct Plain;

    impl Clock for Plain {
        fn time(&self, unix_ms: u64) -> String {
            format!("12:{unix_ms:02}")
        }
        fn day(&self, _: u64) -> String {
            "Friday, 20 November".to_owned()
        }
    }

    const NOW: Millis = Millis(1000);

    struct Desk {
        app: App,
        session: Session,
    }

    impl Desk {
        fn new(rooms: &[&str], columns: usize, rows: usize) -> Desk {
            let url: crate::client::Url = "tcp://chat".parse().expect("a URL");
            let settings = Settings {
                url,
                name: Some("ann".into()),
                token: None,
                is_patient: true,
                keeps_objects: false,
            };
            let mut session = Session::new(settings, Masks::from_seed(1));
            let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
            rooms.iter().for_each(|room| session.join(NOW, room, 0));
            let mut app = App::new(&rooms, "tcp://chat:2020".into(), 50, Box::new(Plain));
            app.resize(columns, rows);
            let mut desk = Desk { app, session };
            desk.session.handle_timers(NOW);
            desk.session.handle_connected(NOW);
            desk.hears(r#"{"type":"welcome","name":"ann","secret":"s"}"#);
            for room in rooms {
                desk.hears(&format!(
                    r#"{{"type":"joined","room":"{room}","epoch":"k","seq":0,"from":1,"count":0,"members":3}}"#
                ));
            }
            desk
        }

        fn hears(&mut self, line: &str) {
            self.session.handle_bytes(NOW, &mut format!("{line}\n").into_bytes());
            self.learn();
        }

        fn learn(&mut self) {
            while let Some(news) = self.session.poll_event() {
                self.app.handle_news(NOW, 1, &mut self.session, news);
            }
        }

        fn message(&mut self, room: &str, seq: u64, name: &str, text: &str) {
            let told = Told {
                room: room.into(),
                seq,
                name: name.into(),
                at: seq,
                data: format!("{text:?}"),
                own: None,
            };
            self.app.handle_news(NOW, 1, &mut self.session, News::Message(told));
        }

        fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
            self.app.handle_key(NOW, 1, &mut self.session, KeyEvent::new(code, modifiers));
            self.learn();
        }

        fn types(&mut self, text: &str) {
            text.chars().for_each(|c| self.key(KeyCode::Char(c), KeyModifiers::NONE));
        }

        fn enter(&mut self, text: &str) {
            self.types(text);
            self.key(KeyCode::Enter, KeyModifiers::NONE);
        }

        fn face(&self) -> Vec<String> {
            let face = Face::of(&self.app, &self.session, NOW);
            assert_eq!(face.rows.len(), self.app.size.1);
            assert!(face.rows.iter().all(|row| width(row) <= self.app.size.0), "{:?}", face.rows);
            let text = |row: &Row| {
                row.iter().map(|span| span.text.as_str()).collect::<String>().trim_end().to_owned()
            };
            face.rows.iter().map(text).collect()
        }
    }

    #[test]
    fn a_room_with_a_few_words_in_it() {
        let mut desk = Desk::new(&["lobby", "dev"], 60, 9);
        desk.message("lobby", 1, "bob", "morning");
        desk.message("lobby", 2, "cyn", "a line that is too long for one row of this screen");
        desk.message("dev", 1, "bob", "hi, Ann");
        desk.types("hel");
        assert_eq!(
            desk.face(),
            [
                " 1 lobby  2 dev 1                                       ann",
                "",
                "                     Friday, 20 November",
                "12:01              │ lobby: 3 here",
                "12:01          bob │ morning",
                "12:02          cyn │ a line that is too long for one row of",
                "                   │ this screen",
                " lobby · 3 here                                   connected",
                "lobby> hel",
            ]
        );
        assert!(desk.app.rooms[1].is_mentioned);
        desk.key(KeyCode::Char('2'), KeyModifiers::ALT);
        assert_eq!(desk.face()[0], " 1 lobby  2 dev                                         ann");
        assert_eq!(Face::of(&desk.app, &desk.session, NOW).cursor, (8, 8));
    }

    #[test]
    fn the_picture_in_the_docs_is_what_is_drawn() {
        let mut desk = Desk::new(&["lobby", "dev"], 80, 12);
        desk.message("lobby", 1, "bob", "good morning");
        let long = "does anybody know why the build is red? it was green yesterday evening when I left";
        desk.message("lobby", 2, "bob", long);
        desk.enter("hello all");
        let published = News::Published { id: 0, room: "lobby".into(), seq: 3, at: 3 };
        desk.app.handle_news(NOW, 3, &mut desk.session, published);
        let joined = vec!["cyn".to_owned()];
        let presence =
            News::Presence { room: "lobby".into(), joined, left: vec![], renamed: vec![], members: 4 };
        desk.app.handle_news(NOW, 3, &mut desk.session, presence);
        desk.message("lobby", 4, "cyn", "ann: hi, look at dev");
        desk.message("dev", 1, "cyn", "here");
        desk.enter("on my way");
        desk.types("typing something");
        let docs = include_str!("../../docs/join.md");
        let (_, picture) = docs.split_once("```text\n").expect("a picture");
        let (picture, _) = picture.split_once("\n```").expect("it ends");
        assert_eq!(picture.lines().collect::<Vec<_>>(), desk.face());
    }

    #[test]
    fn what_one_says_is_there_at_once_and_stays_when_it_is_taken() {
        let mut desk = Desk::new(&["dev"], 60, 6);
        desk.enter("hello");
        assert_eq!(desk.face()[3], "  …            ann │ hello");
        desk.message("dev", 1, "bob", "first");
        assert_eq!(desk.face()[2..4], ["12:01          bob │ first", "  …            ann │ hello"]);
        desk.app.handle_news(
            NOW,
            1,
            &mut desk.session,
            News::Published { id: 0, room: "dev".into(), seq: 2, at: 9 },
        );
        assert_eq!(desk.face()[3], "12:09          ann │ hello");
    }

    #[test]
    fn each_list_of_help_fits_on_a_screen_of_24_rows() {
        for (command, list) in [("/help", COMMANDS), ("/help keys", KEYS)] {
            let mut desk = Desk::new(&["dev"], 80, 24);
            desk.enter(command);
            let face = desk.face();
            for (what, does) in list {
                assert!(
                    face.iter().any(|row| row.contains(what) && row.ends_with(does)),
                    "{what}: {face:#?}"
                );
            }
        }
    }

    #[test]
    fn a_line_for_one_person_is_pending_until_it_has_arrived_or_not() {
        let mut desk = Desk::new(&["dev"], 60, 8);
        desk.enter("/msg bob psst");
        desk.enter("/msg eve psst");
        assert_eq!(
            desk.face()[4..6],
            ["  …            ann │ (to bob) psst", "  …            ann │ (to eve) psst"]
        );
        let requests = String::from_utf8(desk.session.unwritten().to_vec()).expect("text");
        let id_of = |to: &str| -> u64 {
            let line = requests.lines().find(|line| line.contains(to)).expect("it was asked");
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["id"].as_u64().expect("a number")
        };
        let (bob, eve) = (id_of("bob"), id_of("eve"));
        desk.hears(&format!(
            r#"{{"type":"error","id":{eve},"code":"no_such_name","reason":"nobody is eve"}}"#
        ));
        desk.hears(&format!(r#"{{"type":"ok","id":{bob}}}"#));
        assert_eq!(
            desk.face()[4..6],
            [
                "12:01              │ not sent: nobody is eve: (to eve) psst",
                "12:01          ann │ (to bob) psst"
            ]
        );
        desk.enter("/msg bob again");
        desk.session.handle_lost(NOW, "the cable");
        desk.learn();
        assert!(desk.app.rooms[0].log.pending.is_empty());
        assert!(
            desk.face().iter().any(|row| row.contains("not sent: the connection was lost")),
            "{:#?}",
            desk.face()
        );
    }

    #[test]
    fn what_is_told_where_there_is_no_room_is_seen() {
        let mut desk = Desk::new(&["dev"], 80, 20);
        desk.app.handle_news(NOW, 1, &mut desk.session, News::Left { room: "dev".into() });
        desk.enter("/help");
        assert!(desk.face().iter().any(|row| row.contains("be called NAME")), "{:#?}", desk.face());
    }

    #[test]
    fn what_can_be_typed_is_hinted_at_until_something_was() {
        let mut desk = Desk::new(&["dev"], 80, 6);
        assert_eq!(desk.face()[5], format!("dev> {HINT}"));
        assert_eq!(Face::of(&desk.app, &desk.session, NOW).cursor, (5, 5));
        desk.types("x");
        assert_eq!(desk.face()[5], "dev> x");
        desk.enter("");
        assert_eq!(desk.face()[5], "dev>");
    }

    #[test]
    fn a_lost_connection_is_seen_and_counted_down() {
        let mut desk = Desk::new(&["dev"], 70, 6);
        desk.session.handle_lost(NOW, "the cable\u{1b}");
        desk.learn();
        assert_eq!(desk.face()[3], r"12:01              │ connection lost: the cable\u{1b}");
        assert!(desk.face()[4].ends_with(r"the cable\u{1b} · again in 1 s"), "{:?}", desk.face());
        let face = Face::of(&desk.app, &desk.session, NOW);
        assert!(face.until > NOW && face.until <= NOW + Millis(1000));
        // Enter on an empty line tries now.
        desk.enter("");
        assert!(desk.face()[4].ends_with("connecting to tcp://chat:2020"), "{:?}", desk.face());
        let joined =
            News::Joined { room: "dev".into(), resumption: Resumption::Anew, replay: (1, 0), members: 1 };
        desk.app.handle_news(NOW, 1, &mut desk.session, joined);
        assert!(desk.face()[2].contains("begun anew"), "{:?}", desk.face());
    }

    #[test]
    fn rooms_come_and_go() {
        let mut desk = Desk::new(&["dev"], 60, 6);
        desk.enter("/join ops");
        desk.hears(r#"{"type":"joined","room":"ops","epoch":"k","seq":0,"from":1,"count":0,"members":1}"#);
        assert_eq!(
            (desk.face()[0].trim_end_matches("ann").trim(), &desk.face()[5][..]),
            ("1 dev  2 ops", "ops>")
        );
        desk.key(KeyCode::Char('n'), KeyModifiers::CONTROL);
        assert_eq!(desk.face()[5], "dev>");
        desk.enter("/nonsense");
        assert!(desk.face()[2].contains("nonsense"), "{:?}", desk.face());
        for room in ["dev", "ops"] {
            desk.app.handle_news(NOW, 1, &mut desk.session, News::Left { room: room.into() });
        }
        assert_eq!((&desk.face()[4][..24], &desk.face()[5][..]), (" in no room: /join ROOM ", ">"));
        desk.enter("into nowhere");
        desk.key(KeyCode::PageUp, KeyModifiers::NONE);
        desk.key(KeyCode::Char('n'), KeyModifiers::CONTROL);
    }

    #[test]
    fn a_paste_is_shown_as_lines_and_said_line_by_line() {
        let mut desk = Desk::new(&["dev"], 60, 8);
        desk.app.handle_paste("one\r\n/quit\n\nthree\n");
        assert_eq!(desk.face()[7], "dev> one↵/quit↵↵three↵");
        assert!(desk.face()[6].starts_with(" 5 lines: Enter says them"), "{:?}", desk.face());
        desk.key(KeyCode::Enter, KeyModifiers::NONE);
        let said: Vec<&str> = desk.app.rooms[0].log.pending.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(said, ["one", "/quit", "three"]);
    }

    #[test]
    fn names_are_completed_one_after_the_other() {
        let mut desk = Desk::new(&["dev"], 60, 6);
        let joined = ["Bob", "bo", "ann", "cyn"].map(str::to_owned).to_vec();
        let news = News::Presence { room: "dev".into(), joined, left: vec![], renamed: vec![], members: 4 };
        desk.app.handle_news(NOW, 1, &mut desk.session, news);
        desk.types("b");
        let mut seen = Vec::new();
        for _ in 0..3 {
            desk.key(KeyCode::Tab, KeyModifiers::NONE);
            seen.push(desk.app.editor.text().to_owned());
        }
        assert_eq!(seen, ["Bob: ", "bo: ", "Bob: "]);
        desk.types("and c");
        desk.key(KeyCode::Tab, KeyModifiers::NONE);
        assert_eq!(desk.app.editor.text(), "Bob: and cyn ");
        desk.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
        desk.types("/he");
        desk.key(KeyCode::Tab, KeyModifiers::NONE);
        assert_eq!(desk.app.editor.text(), "/help ");
    }

    #[test]
    fn no_screen_is_too_small() {
        for columns in 0..25 {
            for rows in 1..8 {
                let mut desk = Desk::new(&["lobby", "dev", "a-room-with-a-long-name"], columns, rows);
                desk.message("lobby", 1, "somebody", "ねこ 👩\u{200d}🚀 and more");
                desk.types("ねこねこねこ");
                desk.key(KeyCode::Char('3'), KeyModifiers::ALT);
                let face = Face::of(&desk.app, &desk.session, NOW);
                assert_eq!((face.rows.len(), face.cursor.1), (rows, rows - 1));
                assert!(face.cursor.0 < columns.max(4), "{:?} of {columns}", face.cursor);
            }
        }
    }
}
