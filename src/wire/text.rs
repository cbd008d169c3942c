//! The dialect for people: one line in, one line out.
//!
//! ```text
//!     in    hi there              a message to the room
//!           /join dev             a command
//!           //join is a command   a message that begins with one slash
//!
//!     out   [ann] hi there        somebody said it
//!           * bob joined          a notice
//! ```
//!
//! Whatever somebody else chose is shown by [`visible`], so a line that is sent is one line, and what it begins with is
//! ours. In front of a message stands a name in brackets; a bracket in that name is shown as `\u{5d}`, or `[ann] no` said
//! by `bob] yes [x` would begin with what bob never said.
//!
//! Line ends are no part of a line here. On the line port they have been taken off; over a WebSocket there should be
//! none, but the tools that send each typed line as a message send its end along, so one at the very end is dropped.

use super::name::{Name, RoomName};
use super::{Changes, Command, Event, Goodbye, Refusal, visible};
use std::io::{self, Write};

/// What `/help` tells: how a command is written, and what it does.
pub const HELP: [(&str, &str); 6] = [
    ("/name NAME", "be called NAME"),
    ("/join ROOM", "go to ROOM, and leave this one"),
    ("/who", "tell who is here"),
    ("/help", "tell this"),
    ("/quit", "end the connection"),
    ("//TEXT", "say a line that begins with a slash"),
];

/// How many changes of presence are told by name; above it they are counted.
const NAMED_CHANGES_MAX: usize = 5;
/// How much of an unknown command is shown to who wrote it.
const UNKNOWN_CHARS_MAX: usize = 32;

/// What a line asks.
pub fn parse(line: &str) -> Result<Command<'_>, Refusal<'_>> {
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    let Some(command) = line.strip_prefix('/') else { return Ok(Command::Say(line)) };
    if command.starts_with('/') {
        return Ok(Command::Say(command));
    }
    let (word, argument) = command.split_once(' ').unwrap_or((command, ""));
    let argument = argument.trim_matches(' ');
    match word {
        "name" => Name::new(argument).map(Command::Rename).map_err(Refusal::BadName),
        "join" => RoomName::new(argument).map(Command::Join).map_err(Refusal::BadRoomName),
        "who" => Ok(Command::Who),
        "help" => Ok(Command::Help),
        "quit" => Ok(Command::Quit),
        unknown => Err(Refusal::UnknownCommand(unknown)),
    }
}

/// Appends the line that tells of `event`, without a line end.
pub fn render(event: &Event<'_>, out: &mut Vec<u8>) {
    render_event(event, out).expect("a Vec takes all");
}

fn render_event(event: &Event<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    match *event {
        Event::Message { name, text } => {
            render_message(name, text, out);
            Ok(())
        }
        Event::Welcome { name } => write!(out, "* welcome to chinwag, {name}. /help lists the commands"),
        Event::Renamed { name } => write!(out, "* you are {name}"),
        Event::Joined { room, members } => write!(out, "* {room}: {members} here"),
        Event::Presence { room, changes, members } => render_presence(room, changes, members, out),
        Event::Members { room, members, names } => {
            write!(out, "* {room}: {members} here: ")?;
            render_list(names, out);
            match members.saturating_sub(names.len()) {
                0 => Ok(()),
                more => write!(out, " and {more} more"),
            }
        }
        Event::Help { usage, purpose } => write!(out, "* {usage:<12}{purpose}"),
        Event::Missed { entries: 1 } => write!(out, "* missed 1 message (slow)"),
        Event::Missed { entries } => write!(out, "* missed {entries} messages (slow)"),
        Event::Refused(refusal) => render_refusal(refusal, out),
        Event::Goodbye(Goodbye::Quit) => write!(out, "* goodbye"),
        Event::Goodbye(Goodbye::Idle { secs }) => write!(out, "* nothing said for {secs} s: goodbye"),
    }
}

/// The one event that there are many of: no formatting machinery, and one reservation.
fn render_message(name: &str, text: &str, out: &mut Vec<u8>) {
    out.reserve(name.len() + text.len() + "[] ".len());
    out.push(b'[');
    for (i, piece) in name.split(']').enumerate() {
        if i > 0 {
            out.extend_from_slice(br"\u{5d}");
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(b"] ");
    visible::append(out, text);
}

fn render_presence(room: &str, changes: Changes<'_>, members: usize, out: &mut Vec<u8>) -> io::Result<()> {
    match changes {
        Changes::Named { joined, left } if joined.len() + left.len() <= NAMED_CHANGES_MAX => {
            out.extend_from_slice(b"* ");
            if !joined.is_empty() {
                render_list(joined, out);
                out.extend_from_slice(b" joined");
            }
            if !joined.is_empty() && !left.is_empty() {
                out.extend_from_slice(b", ");
            }
            if !left.is_empty() {
                render_list(left, out);
                out.extend_from_slice(b" left");
            }
            Ok(())
        }
        Changes::Named { joined, left } => {
            let counted = Changes::Counted { joined: joined.len(), left: left.len() };
            render_presence(room, counted, members, out)
        }
        Changes::Counted { joined: 0, left: 0 } => write!(out, "* {room}: {members} here"),
        Changes::Counted { joined, left: 0 } => write!(out, "* {joined} joined, {members} here"),
        Changes::Counted { joined: 0, left } => write!(out, "* {left} left, {members} here"),
        Changes::Counted { joined, left } => write!(out, "* {joined} joined, {left} left, {members} here"),
    }
}

fn render_list(names: &[&str], out: &mut Vec<u8>) {
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(name.as_bytes());
    }
}

fn render_refusal(refusal: Refusal<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    match refusal {
        Refusal::UnknownCommand(word) => {
            let end = word.char_indices().nth(UNKNOWN_CHARS_MAX).map_or(word.len(), |(end, _)| end);
            out.extend_from_slice(b"* unknown command: /");
            visible::append(out, &word[..end]);
            write!(out, ". /help lists the commands")
        }
        Refusal::BadName(why) => write!(out, "* bad name: {why}"),
        Refusal::NameTaken(name) => write!(out, "* name taken: {}", name.as_str()),
        Refusal::BadRoomName(why) => write!(out, "* bad room: {why}"),
        Refusal::NotJoined => write!(out, "* you are in no room: /join ROOM"),
        Refusal::MessageTooBig { bytes_max } => {
            write!(out, "* too big: a message has at most {bytes_max} bytes")
        }
        Refusal::LineTooLong => write!(out, "* too long: that line was skipped"),
        Refusal::NotUtf8 => write!(out, "* not UTF-8: that line was skipped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{BadName, BadRoomName};
    use proptest::prelude::*;

    fn rendered(event: Event<'_>) -> String {
        let mut out = Vec::new();
        render(&event, &mut out);
        String::from_utf8(out).expect("text stays text")
    }

    #[test]
    fn what_does_not_begin_with_a_slash_is_said() {
        for said in ["hi", "", " /name x", "hi / there", "* eve left", "[bob] hi"] {
            assert_eq!(parse(said), Ok(Command::Say(said)));
        }
        assert_eq!(parse("//shrug"), Ok(Command::Say("/shrug")));
        assert_eq!(parse("///"), Ok(Command::Say("//")));
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(parse("/name ann"), Ok(Command::Rename(Name::new("ann").unwrap())));
        assert_eq!(parse("/name  ann lee "), Ok(Command::Rename(Name::new("ann lee").unwrap())));
        assert_eq!(parse("/join dev"), Ok(Command::Join(RoomName::new("dev").unwrap())));
        assert_eq!(parse("/who"), Ok(Command::Who));
        assert_eq!(parse("/who is it"), Ok(Command::Who));
        assert_eq!(parse("/help"), Ok(Command::Help));
        assert_eq!(parse("/quit"), Ok(Command::Quit));
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        assert_eq!(parse("/name"), Err(Refusal::BadName(BadName::Length)));
        assert_eq!(parse("/name a\tb"), Err(Refusal::BadName(BadName::Hidden)));
        assert_eq!(parse("/join"), Err(Refusal::BadRoomName(BadRoomName)));
        assert_eq!(parse("/join the moon"), Err(Refusal::BadRoomName(BadRoomName)));
        for unknown in ["", "names", "Name", "nаme", "who\tis"] {
            assert_eq!(parse(&format!("/{unknown}")), Err(Refusal::UnknownCommand(unknown)));
        }
    }

    #[test]
    fn one_line_end_at_the_end_is_no_part_of_the_line() {
        assert_eq!(parse("hi\n"), Ok(Command::Say("hi")));
        assert_eq!(parse("hi\r\n"), Ok(Command::Say("hi")));
        assert_eq!(parse("/who\r\n"), Ok(Command::Who));
        assert_eq!(parse("hi\n\n"), Ok(Command::Say("hi\n")));
        assert_eq!(parse("hi\r"), Ok(Command::Say("hi\r")));
        assert_eq!(parse("\n"), Ok(Command::Say("")));
    }

    #[test]
    fn help_lists_exactly_the_commands_that_there_are() {
        for (usage, _) in HELP {
            assert!(!matches!(parse(usage), Err(Refusal::UnknownCommand(_))), "{usage}");
        }
        let words = ["name", "join", "who", "help", "quit"];
        assert!(
            words.iter().all(|word| HELP
                .iter()
                .any(|(usage, _)| usage.split(' ').next() == Some(&format!("/{word}"))))
        );
        assert_eq!(
            rendered(Event::Help { usage: "/who", purpose: "tell who is here" }),
            "* /who        tell who is here"
        );
    }

    #[test]
    fn every_event_has_its_line() {
        let ann = Name::new("ann").unwrap();
        let cases = [
            (Event::Welcome { name: "guest-81" }, "* welcome to chinwag, guest-81. /help lists the commands"),
            (Event::Renamed { name: "ann" }, "* you are ann"),
            (Event::Joined { room: "dev", members: 3 }, "* dev: 3 here"),
            (Event::Message { name: "bob", text: "morning" }, "[bob] morning"),
            (Event::Members { room: "dev", members: 2, names: &["ann", "bob"] }, "* dev: 2 here: ann, bob"),
            (
                Event::Members { room: "dev", members: 9, names: &["ann", "bob"] },
                "* dev: 9 here: ann, bob and 7 more",
            ),
            (Event::Missed { entries: 1 }, "* missed 1 message (slow)"),
            (Event::Missed { entries: 12 }, "* missed 12 messages (slow)"),
            (Event::Refused(Refusal::UnknownCommand("x")), "* unknown command: /x. /help lists the commands"),
            (Event::Refused(Refusal::BadName(BadName::Length)), "* bad name: a name has 1 to 32 characters"),
            (Event::Refused(Refusal::NameTaken(ann)), "* name taken: ann"),
            (
                Event::Refused(Refusal::BadRoomName(BadRoomName)),
                "* bad room: a room has 1 to 64 of A-Z a-z 0-9 . _ -",
            ),
            (Event::Refused(Refusal::NotJoined), "* you are in no room: /join ROOM"),
            (
                Event::Refused(Refusal::MessageTooBig { bytes_max: 4096 }),
                "* too big: a message has at most 4096 bytes",
            ),
            (Event::Refused(Refusal::LineTooLong), "* too long: that line was skipped"),
            (Event::Refused(Refusal::NotUtf8), "* not UTF-8: that line was skipped"),
            (Event::Goodbye(Goodbye::Quit), "* goodbye"),
            (Event::Goodbye(Goodbye::Idle { secs: 300 }), "* nothing said for 300 s: goodbye"),
        ];
        for (event, line) in cases {
            assert_eq!(rendered(event), line);
        }
    }

    #[test]
    fn presence_is_told_by_name_up_to_five_and_counted_above() {
        let presence = |joined: &[&str], left: &[&str]| {
            rendered(Event::Presence { room: "lobby", changes: Changes::Named { joined, left }, members: 12 })
        };
        assert_eq!(presence(&["cyn"], &[]), "* cyn joined");
        assert_eq!(presence(&["a", "b"], &[]), "* a, b joined");
        assert_eq!(presence(&[], &["eve"]), "* eve left");
        assert_eq!(presence(&["a"], &["b"]), "* a joined, b left");
        assert_eq!(presence(&["a", "b", "c"], &["d", "e"]), "* a, b, c joined, d, e left");
        assert_eq!(presence(&["a", "b", "c"], &["d", "e", "f"]), "* 3 joined, 3 left, 12 here");

        let counted = |joined, left| {
            rendered(Event::Presence {
                room: "lobby",
                changes: Changes::Counted { joined, left },
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
        assert_eq!(
            rendered(Event::Message { name: "ann", text }),
            r"[ann] hi\n* eve left\r\n[bob] me too\u{2028}\u{85}\u{1b}[2J"
        );
        let unknown = Refusal::UnknownCommand("x\n* eve left");
        assert_eq!(
            rendered(Event::Refused(unknown)),
            r"* unknown command: /x\n* eve left. /help lists the commands"
        );
    }

    #[test]
    fn nobody_speaks_as_somebody_else() {
        assert_eq!(rendered(Event::Message { name: "bob] yes [x", text: "no" }), r"[bob\u{5d} yes [x] no");
    }

    #[test]
    fn an_unknown_command_is_shown_up_to_its_32nd_character() {
        let line = rendered(Event::Refused(Refusal::UnknownCommand(&"é".repeat(4000))));
        assert_eq!(line, format!("* unknown command: /{}. /help lists the commands", "é".repeat(32)));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_shows_as_one_line(line in "/{0,2}\\PC{0,10}[\u{0}-\u{2fff}]{0,40}") {
            let shown = match parse(&line) {
                Ok(Command::Say(text)) => rendered(Event::Message { name: "ann", text }),
                Ok(_) => return Ok(()),
                Err(refusal) => rendered(Event::Refused(refusal)),
            };
            prop_assert!(!shown.chars().any(visible::is_hidden));
            prop_assert!(shown.starts_with("[ann] ") || shown.starts_with("* "));
        }

        #[test]
        fn a_line_is_said_unchanged_when_its_slash_is_doubled(text in "[^/\\pC]\\PC{0,40}") {
            let (doubled, single) = (format!("//{text}"), format!("/{text}"));
            prop_assert_eq!(parse(&doubled), Ok(Command::Say(&single)));
            prop_assert_eq!(parse(&text), Ok(Command::Say(&text)));
        }
    }
}
