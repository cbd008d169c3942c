//! An event, as a person reads it.
//!
//! Whatever somebody else chose goes through [`shown`] or [`visible`], so a line that is sent is one line, it
//! begins with what is ours, and what is ours in it can be told from what is theirs.
//!
//! An event is one line, but for a page of history, which has a line for each message after the one that says how many
//! they are. Between two lines there is a line feed, which no line holds.
//!
//! Some events are no line at all: whoever says something sees on the own screen that it was said.

use super::super::{
    Changes, Data, Event, GapReason, Goodbye, Message, Position, Refusal, Resumed, json, visible,
};
use super::shown::{self, Place, append_changes, append_names};
use std::io::{self, Write};

/// The most names in a notice of presence, where a rename has two. Above it the changes are counted.
const NAMES_TOLD_MAX: usize = 5;
/// How much of what somebody wrote is shown to them when it meant nothing.
const QUOTED_CHARS_MAX: usize = 32;

/// Appends the line that tells of `event`, without a line end; or nothing. With `show_seq`, messages bear their numbers,
/// and whoever comes into a room is told where in its numbering they are.
pub fn render(event: &Event<'_>, show_seq: bool, out: &mut Vec<u8>) {
    render_event(event, show_seq, out).expect("a Vec takes all");
}

fn render_event(event: &Event<'_>, show_seq: bool, out: &mut Vec<u8>) -> io::Result<()> {
    match *event {
        Event::Message(message) => render_message(&message, show_seq, out),
        Event::Published { .. } | Event::Done { .. } => Ok(()),
        Event::Presence { room, changes, members } => render_presence(room, changes, members, out),
        Event::Welcome { name, .. } => {
            render_about("* welcome to chinwag, ", name, out);
            write!(out, ". /help lists the commands")
        }
        Event::Renamed { name } => {
            render_about("* you are ", name, out);
            Ok(())
        }
        Event::Joined { room, epoch, seq, count, resumed, members, .. } => match resumed {
            Resumed::NotAsked => {
                write!(out, "* {room}: {members} here")?;
                if show_seq {
                    render_position(Position { epoch, seq }, out)?;
                }
                match count {
                    0 => Ok(()),
                    1 => write!(out, ", the last message"),
                    _ => write!(out, ", the last {count} messages"),
                }
            }
            Resumed::Yes => write!(out, "* resumed, {count} missed"),
            Resumed::Epoch { oldest } => write!(out, "* cannot resume (epoch), the oldest is {oldest}"),
            Resumed::Ahead { oldest } => write!(out, "* cannot resume (ahead), the oldest is {oldest}"),
            Resumed::Trimmed { oldest } => write!(out, "* cannot resume (trimmed), the oldest is {oldest}"),
        },
        Event::History { room, messages, .. } => render_history(room, messages, show_seq, out),
        Event::Gap { from, to, reason, .. } => {
            let reason = match reason {
                GapReason::Slow => "slow",
            };
            match from == to {
                true => write!(out, "* missed {from} ({reason})"),
                false => write!(out, "* missed {from} to {to} ({reason})"),
            }
        }
        Event::Members { room, members, names: [], .. } => write!(out, "* {room}: {members} here"),
        Event::Members { room, members, names, .. } => {
            write!(out, "* {room}: {members} here: ")?;
            append_names(out, names);
            match members.saturating_sub(names.len()) {
                0 => Ok(()),
                more => write!(out, " and {more} more"),
            }
        }
        Event::Rooms { rooms, next } => render_rooms(rooms, next.is_some(), out),
        Event::Direct { from, data, .. } => {
            render_said(from, " -> you", data, out);
            Ok(())
        }
        Event::Pong { .. } => write!(out, "* pong"),
        Event::EchoIs(is_on) => write!(out, "* echo is {}", on_or_off(is_on)),
        Event::ShowSeqIs { is_on, at } => {
            write!(out, "* seq is {}", on_or_off(is_on))?;
            at.filter(|_| is_on).map_or(Ok(()), |at| render_position(at, out))
        }
        Event::Help { usage, purpose } => write!(out, "* {usage:<16}{purpose}"),
        Event::Refused(refusal) => render_refusal(refusal, out),
        Event::Goodbye(goodbye) => render_goodbye(goodbye, out),
    }
}

/// What there are many of goes without the formatting machinery, but for the number that few want to see.
fn render_message(message: &Message<'_>, show_seq: bool, out: &mut Vec<u8>) -> io::Result<()> {
    if show_seq {
        write!(out, "#{} ", message.seq)?;
    }
    render_said(message.name, "", message.data, out);
    Ok(())
}

fn render_said(name: &str, to: &str, data: Data<'_>, out: &mut Vec<u8>) {
    out.reserve(name.len() + to.len() + data.len_bytes() + "[] ".len());
    out.push(b'[');
    shown::append_name(out, name, Place::Brackets);
    out.extend_from_slice(to.as_bytes());
    out.extend_from_slice(b"] ");
    shown::append_data(out, data);
}

fn render_position(Position { epoch, seq }: Position<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, ", at {epoch}:{seq}")
}

fn render_history(room: &str, messages: &[&[u8]], show_seq: bool, out: &mut Vec<u8>) -> io::Result<()> {
    match messages.len() {
        1 => write!(out, "* {room}: 1 earlier message")?,
        count => write!(out, "* {room}: {count} earlier messages")?,
    }
    for json in messages {
        let mut memory = Vec::new();
        let message = json::parse_message(json, &mut memory).expect("a room keeps what was rendered");
        out.push(b'\n');
        render_message(&message, show_seq, out)?;
    }
    Ok(())
}

fn render_presence(room: &str, changes: Changes<'_>, members: usize, out: &mut Vec<u8>) -> io::Result<()> {
    match changes {
        Changes::Named { joined: [], left: [], renamed: [] } => write!(out, "* {room}: {members} here"),
        Changes::Named { joined, left, renamed }
            if joined.len() + left.len() + 2 * renamed.len() <= NAMES_TOLD_MAX =>
        {
            out.extend_from_slice(b"* ");
            append_changes(out, joined, left, renamed);
            Ok(())
        }
        Changes::Named { .. } => render_presence(room, changes.counted(), members, out),
        Changes::Counted { joined: 0, left: 0, renamed: 0 } => write!(out, "* {room}: {members} here"),
        Changes::Counted { joined, left, renamed } => {
            out.extend_from_slice(b"* ");
            let counts = [(joined, "joined"), (left, "left"), (renamed, "renamed")];
            for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
                write!(out, "{count} {what}, ")?;
            }
            write!(out, "{members} here")
        }
    }
}

fn render_about(notice: &str, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(notice.as_bytes());
    shown::append_name(out, name, Place::Notice);
}

fn render_rooms(rooms: &[(&str, usize)], has_more: bool, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "* rooms:")?;
    if rooms.is_empty() {
        return write!(out, " none");
    }
    for (i, (room, members)) in rooms.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(out, "{comma} {room} ({members})")?;
    }
    match has_more {
        true => write!(out, " and more"),
        false => Ok(()),
    }
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn render_refusal(refusal: Refusal<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    match refusal {
        Refusal::UnknownCommand(word) => {
            out.extend_from_slice(b"* unknown command: /");
            visible::append(out, quoted(word));
            write!(out, ". /help lists the commands")
        }
        Refusal::BadRequest(why) => write!(out, "* bad request: {why}"),
        Refusal::BadName(why) => write!(out, "* bad name: {why}"),
        Refusal::NameTaken(name) => {
            render_about("* name taken: ", name.as_str(), out);
            Ok(())
        }
        Refusal::NameAlike(name) => {
            render_about("* name taken: somebody else has a name that looks like ", name.as_str(), out);
            Ok(())
        }
        Refusal::NoSuchName(name) => {
            render_about("* no such name: ", quoted(name), out);
            Ok(())
        }
        Refusal::BadRoomName(why) => write!(out, "* bad room: {why}"),
        Refusal::NotJoined => write!(out, "* you are in no room: /join ROOM"),
        Refusal::AlreadyJoined => write!(out, "* you are in that room"),
        Refusal::TooManyRooms { rooms_max } => write!(out, "* too many rooms: you may be in {rooms_max}"),
        Refusal::Full => write!(out, "* full: there is no place left"),
        Refusal::MessageTooBig { bytes_max } => {
            write!(out, "* too big: a message has at most {bytes_max} bytes")
        }
        Refusal::LineTooLong => write!(out, "* too long: that line was skipped"),
        Refusal::NotUtf8 => write!(out, "* not UTF-8: that line was skipped"),
        Refusal::Busy { retry_ms } => {
            write!(out, "* busy: too much waits for them already, try again in ")?;
            render_seconds(retry_ms, out)
        }
        Refusal::RateLimited { retry_ms } => {
            write!(out, "* slow down: ")?;
            render_seconds(retry_ms, out)
        }
    }
}

/// Rounded up: who comes back when told to should not be early.
fn render_seconds(ms: u64, out: &mut Vec<u8>) -> io::Result<()> {
    match ms.div_ceil(100) {
        tenths if tenths % 10 == 0 => write!(out, "{} s", tenths / 10),
        tenths => write!(out, "{}.{} s", tenths / 10, tenths % 10),
    }
}

/// The beginning of what somebody wrote.
fn quoted(word: &str) -> &str {
    let end = word.char_indices().nth(QUOTED_CHARS_MAX).map_or(word.len(), |(end, _)| end);
    &word[..end]
}

fn render_goodbye(goodbye: Goodbye, out: &mut Vec<u8>) -> io::Result<()> {
    match goodbye {
        Goodbye::Quit => write!(out, "* goodbye"),
        Goodbye::Idle { secs } => write!(out, "* nothing said for {secs} s: goodbye"),
        Goodbye::Replaced => write!(out, "* your name was taken back by another connection: goodbye"),
        Goodbye::RateAbuse => write!(out, "* far too much, and no end of it: goodbye"),
        Goodbye::TooSlow => write!(out, "* too slow for this room: goodbye"),
        Goodbye::Stopping => write!(out, "* the server stops: goodbye"),
        Goodbye::Restarting { retry_ms } => {
            write!(out, "* restarting, come back in {} s", (retry_ms.saturating_add(500) / 1000).max(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::any_material;
    use crate::wire::{BadName, BadRoomName, LimitsTold, Name, Rename, text};
    use proptest::prelude::*;

    fn rendered(event: Event<'_>) -> String {
        with_seq(event, false)
    }

    fn with_seq(event: Event<'_>, show_seq: bool) -> String {
        let mut out = Vec::new();
        render(&event, show_seq, &mut out);
        String::from_utf8(out).expect("text stays text")
    }

    fn message<'a>(name: &'a str, data: Data<'a>) -> Message<'a> {
        Message { room: "lobby", seq: 43, name, key: None, at: 1795000000001, data }
    }

    fn said(name: &str, data: Data<'_>) -> String {
        rendered(Event::Message(message(name, data)))
    }

    const LIMITS: LimitsTold =
        LimitsTold { message_bytes: 4096, publish_per_second: 10, burst: 20, rooms: 32, history: 100 };

    #[test]
    fn every_event_has_its_line() {
        let ann = Name::new("ann").unwrap();
        let refused = Event::Refused;
        let cases = [
            (
                Event::Welcome {
                    connection: "c81f",
                    name: "guest-81",
                    secret: "Xq3",
                    ping_ms: 25000,
                    limits: LIMITS,
                },
                "* welcome to chinwag, guest-81. /help lists the commands",
            ),
            (Event::Renamed { name: "ann" }, "* you are ann"),
            (Event::Message(message("bob", Data::Text("morning"))), "[bob] morning"),
            (
                Event::Gap { room: "lobby", epoch: "k3f9", from: 58, to: 912, reason: GapReason::Slow },
                "* missed 58 to 912 (slow)",
            ),
            (
                Event::Gap { room: "lobby", epoch: "k3f9", from: 58, to: 58, reason: GapReason::Slow },
                "* missed 58 (slow)",
            ),
            (
                Event::Members { room: "dev", members: 2, names: &["ann", "bob"], next: None },
                "* dev: 2 here: ann, bob",
            ),
            (
                Event::Members { room: "dev", members: 9, names: &["ann", "bob"], next: Some("bob") },
                "* dev: 9 here: ann, bob and 7 more",
            ),
            (Event::Members { room: "dev", members: 9, names: &[], next: None }, "* dev: 9 here"),
            (Event::Rooms { rooms: &[], next: None }, "* rooms: none"),
            (
                Event::Rooms { rooms: &[("dev", 3), ("lobby", 12)], next: None },
                "* rooms: dev (3), lobby (12)",
            ),
            (Event::Rooms { rooms: &[("dev", 3)], next: Some("dev") }, "* rooms: dev (3) and more"),
            (Event::Direct { from: "bob", to: "ann", at: 1, data: Data::Json(r#""hi""#) }, "[bob -> you] hi"),
            (Event::Pong { at: 1 }, "* pong"),
            (Event::EchoIs(true), "* echo is on"),
            (Event::EchoIs(false), "* echo is off"),
            (Event::ShowSeqIs { is_on: true, at: None }, "* seq is on"),
            (
                Event::ShowSeqIs { is_on: true, at: Some(Position { epoch: "k3f9", seq: 41 }) },
                "* seq is on, at k3f9:41",
            ),
            (
                Event::ShowSeqIs { is_on: false, at: Some(Position { epoch: "k3f9", seq: 41 }) },
                "* seq is off",
            ),
            (
                Event::Help { usage: "/who", purpose: "tell who is here" },
                "* /who            tell who is here",
            ),
            (refused(Refusal::UnknownCommand("x")), "* unknown command: /x. /help lists the commands"),
            (refused(Refusal::BadRequest("/msg NAME TEXT")), "* bad request: /msg NAME TEXT"),
            (refused(Refusal::BadName(BadName::Length)), "* bad name: a name has 1 to 32 characters"),
            (refused(Refusal::NameTaken(ann)), "* name taken: ann"),
            (refused(Refusal::NameAlike(ann)), "* name taken: somebody else has a name that looks like ann"),
            (refused(Refusal::NoSuchName("bob")), "* no such name: bob"),
            (
                refused(Refusal::BadRoomName(BadRoomName)),
                "* bad room: a room has 1 to 64 of A-Z a-z 0-9 . _ -",
            ),
            (refused(Refusal::NotJoined), "* you are in no room: /join ROOM"),
            (refused(Refusal::AlreadyJoined), "* you are in that room"),
            (refused(Refusal::TooManyRooms { rooms_max: 32 }), "* too many rooms: you may be in 32"),
            (refused(Refusal::Full), "* full: there is no place left"),
            (
                refused(Refusal::MessageTooBig { bytes_max: 4096 }),
                "* too big: a message has at most 4096 bytes",
            ),
            (refused(Refusal::LineTooLong), "* too long: that line was skipped"),
            (refused(Refusal::NotUtf8), "* not UTF-8: that line was skipped"),
            (
                refused(Refusal::Busy { retry_ms: 1000 }),
                "* busy: too much waits for them already, try again in 1 s",
            ),
            (refused(Refusal::RateLimited { retry_ms: 1500 }), "* slow down: 1.5 s"),
            (refused(Refusal::RateLimited { retry_ms: 1401 }), "* slow down: 1.5 s"),
            (refused(Refusal::RateLimited { retry_ms: 2000 }), "* slow down: 2 s"),
            (refused(Refusal::RateLimited { retry_ms: 1 }), "* slow down: 0.1 s"),
            (Event::Goodbye(Goodbye::Quit), "* goodbye"),
            (Event::Goodbye(Goodbye::Idle { secs: 300 }), "* nothing said for 300 s: goodbye"),
            (Event::Goodbye(Goodbye::Replaced), "* your name was taken back by another connection: goodbye"),
            (Event::Goodbye(Goodbye::RateAbuse), "* far too much, and no end of it: goodbye"),
            (Event::Goodbye(Goodbye::TooSlow), "* too slow for this room: goodbye"),
            (Event::Goodbye(Goodbye::Stopping), "* the server stops: goodbye"),
            (Event::Goodbye(Goodbye::Restarting { retry_ms: 7312 }), "* restarting, come back in 7 s"),
            (Event::Goodbye(Goodbye::Restarting { retry_ms: 12 }), "* restarting, come back in 1 s"),
        ];
        for (event, line) in cases {
            assert_eq!(rendered(event), line);
        }
    }

    #[test]
    fn what_one_said_oneself_is_no_line() {
        assert_eq!(rendered(Event::Published { room: "dev", seq: 1, at: 1, is_duplicate: false }), "");
        assert_eq!(rendered(Event::Done { room: None }), "");
    }

    #[test]
    fn who_comes_into_a_room_is_told_what_follows() {
        let joined = |count, resumed, show_seq| {
            let event =
                Event::Joined { room: "dev", epoch: "k3f9", seq: 41, from: 42, count, resumed, members: 3 };
            with_seq(event, show_seq)
        };
        assert_eq!(joined(0, Resumed::NotAsked, false), "* dev: 3 here");
        assert_eq!(joined(1, Resumed::NotAsked, false), "* dev: 3 here, the last message");
        assert_eq!(joined(5, Resumed::NotAsked, false), "* dev: 3 here, the last 5 messages");
        assert_eq!(joined(0, Resumed::NotAsked, true), "* dev: 3 here, at k3f9:41");
        assert_eq!(joined(5, Resumed::NotAsked, true), "* dev: 3 here, at k3f9:41, the last 5 messages");
        for show_seq in [false, true] {
            assert_eq!(joined(4, Resumed::Yes, show_seq), "* resumed, 4 missed");
            assert_eq!(
                joined(0, Resumed::Trimmed { oldest: 300 }, show_seq),
                "* cannot resume (trimmed), the oldest is 300"
            );
            assert_eq!(
                joined(0, Resumed::Epoch { oldest: 1 }, show_seq),
                "* cannot resume (epoch), the oldest is 1"
            );
            assert_eq!(
                joined(0, Resumed::Ahead { oldest: 7 }, show_seq),
                "* cannot resume (ahead), the oldest is 7"
            );
        }
    }

    #[test]
    fn numbers_are_shown_to_whom_they_are_wanted_by() {
        let event = Event::Message(message("bob", Data::Text("yes")));
        assert_eq!(with_seq(event, true), "#43 [bob] yes");
        let direct = Event::Direct { from: "bob", to: "ann", at: 1, data: Data::Text("yes") };
        assert_eq!(with_seq(direct, true), "[bob -> you] yes", "it has none");
    }

    #[test]
    fn a_page_of_history_is_a_line_for_each_message() {
        let keep = |name, data| {
            let mut kept = Vec::new();
            json::render_message(&message(name, data), &mut kept);
            kept
        };
        let (one, other) = (keep("bob", Data::Text("two\nlines")), keep("\"\\", Data::Json("[1, 2]")));
        let page = |messages: &[&[u8]], show_seq| {
            with_seq(Event::History { room: "dev", epoch: "k3f9", messages, has_more: true }, show_seq)
        };
        assert_eq!(page(&[], false), "* dev: 0 earlier messages");
        assert_eq!(page(&[&one], true), "* dev: 1 earlier message\n#43 [bob] two\\nlines");
        assert_eq!(
            page(&[&one, &other], false),
            "* dev: 2 earlier messages\n[bob] two\\nlines\n[\"\\] [1,2]"
        );
    }

    #[test]
    fn presence_is_told_by_name_up_to_five_and_counted_above() {
        let notice = |joined: &[&str], left: &[&str], renamed: &[Rename<'_>]| {
            let changes = Changes::Named { joined, left, renamed };
            rendered(Event::Presence { room: "lobby", changes, members: 12 })
        };
        let presence = |joined: &[&str], left: &[&str]| notice(joined, left, &[]);
        assert_eq!(presence(&["cyn"], &[]), "* cyn joined");
        assert_eq!(presence(&["a", "b"], &[]), "* a, b joined");
        assert_eq!(presence(&[], &["eve"]), "* eve left");
        assert_eq!(presence(&["a"], &["b"]), "* a joined, b left");
        assert_eq!(presence(&["a", "b", "c"], &["d", "e"]), "* a, b, c joined, d, e left");
        assert_eq!(presence(&["a", "b", "c"], &["d", "e", "f"]), "* 3 joined, 3 left, 12 here");
        assert_eq!(presence(&[], &[]), "* lobby: 12 here");

        let bob = Rename { from: "bob", to: "robert" };
        let ann = Rename { from: "ann", to: "bob" };
        assert_eq!(notice(&[], &[], &[bob]), "* bob is now robert");
        assert_eq!(notice(&["cyn"], &["eve"], &[bob]), "* eve left, bob is now robert, cyn joined");
        assert_eq!(notice(&["cyn"], &[], &[bob, ann]), "* bob is now robert, ann is now bob, cyn joined");
        assert_eq!(notice(&["cyn"], &["eve"], &[bob, ann]), "* 1 joined, 1 left, 2 renamed, 12 here");
        assert_eq!(notice(&[], &[], &[bob, ann, bob]), "* 3 renamed, 12 here");

        let counted = |joined, left| {
            rendered(Event::Presence {
                room: "lobby",
                changes: Changes::Counted { joined, left, renamed: 0 },
                members: 8123,
            })
        };
        assert_eq!(counted(312, 4), "* 312 joined, 4 left, 8123 here");
        assert_eq!(counted(312, 0), "* 312 joined, 8123 here");
        assert_eq!(counted(0, 4), "* 4 left, 8123 here");
        assert_eq!(counted(0, 0), "* lobby: 8123 here");
    }

    #[test]
    fn nobody_forges_a_second_line() {
        let text = "hi\n* eve left\r\n[bob] me too\u{2028}\u{85}\u{1b}[2J";
        let shown = r"[ann] hi\n* eve left\r\n[bob] me too\u{2028}\u{85}\u{1b}[2J";
        assert_eq!(said("ann", Data::Text(text)), shown);
        assert_eq!(said("ann", Data::Json(&serde_json::to_string(text).unwrap())), shown);
        let unknown = Refusal::UnknownCommand("x\n* eve left");
        assert_eq!(
            rendered(Event::Refused(unknown)),
            r"* unknown command: /x\n* eve left. /help lists the commands"
        );
        let nobody = Refusal::NoSuchName("x\n* eve left");
        assert_eq!(rendered(Event::Refused(nobody)), r"* no such name: x\n* eve\u{20}left");
    }

    #[test]
    fn what_one_wrote_is_shown_up_to_its_32nd_character() {
        let long = "é".repeat(4000);
        let line = rendered(Event::Refused(Refusal::UnknownCommand(&long)));
        assert_eq!(line, format!("* unknown command: /{}. /help lists the commands", "é".repeat(32)));
        let line = rendered(Event::Refused(Refusal::NoSuchName(&long)));
        assert_eq!(line, format!("* no such name: {}", "é".repeat(32)));
    }

    proptest! {
        #[test]
        fn no_event_shows_more_than_its_lines(material in any_material(), show_seq: bool) {
            let mut result = Ok(());
            material.each_event(&mut |event| {
                let shown = with_seq(*event, show_seq);
                let lines_max = match event {
                    Event::History { messages, .. } => messages.len() + 1,
                    _ => 1,
                };
                let mut lines = shown.split('\n');
                let is_fine = shown.is_empty()
                    || lines.clone().count() == lines_max
                        && lines.all(|line| !line.chars().any(visible::is_hidden) && line.starts_with(['*', '[', '#']));
                if !is_fine && result.is_ok() {
                    result = Err(TestCaseError::fail(format!("{event:?} shows as {shown:?}")));
                }
            });
            result?;
        }

        #[test]
        fn whatever_is_typed_shows_as_one_line(line in "/{0,2}(msg a )?\\PC{0,10}[\u{0}-\u{2fff}]{0,40}") {
            let shown = match text::parse(&line) {
                Ok(crate::wire::Command::Publish { data, .. } | crate::wire::Command::Direct { data, .. }) => {
                    said("ann", data)
                }
                Ok(_) => return Ok(()),
                Err(refusal) => rendered(Event::Refused(refusal)),
            };
            prop_assert!(!shown.chars().any(visible::is_hidden));
            prop_assert!(shown.starts_with("[ann] ") || shown.starts_with("* "));
        }
    }
}
