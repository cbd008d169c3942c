//! A line that somebody typed.
//!
//! People make mistakes that programs do not: two spaces, one at the end, an argument to a command that has none. What can
//! be meant by it is taken for that; the rest is answered with how the command is written.

use super::super::{Command, Data, Name, Page, Position, Refusal, RoomName};

/// Whether a line says nothing: white space alone, as the Return key sends it.
pub fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

/// Whether a program has written this for the other dialect. A hello holds a secret, and would be read by the whole room.
fn is_hello(line: &str) -> bool {
    // Also behind what is not seen.
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && !c.is_ascii_punctuation());
    line.starts_with('{') && line.contains(r#""type""#) && line.contains(r#""hello""#)
}

/// What a line asks.
pub fn parse(line: &str) -> Result<Command<'_>, Refusal<'_>> {
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if is_hello(line) {
        return Err(Refusal::BadRequest("this connection speaks text, so a hello in JSON is not said"));
    }
    let Some(command) = line.strip_prefix('/') else { return Ok(say(line)) };
    if command.starts_with('/') {
        return Ok(say(command));
    }
    let (word, argument) = command.split_once(' ').unwrap_or((command, ""));
    let argument = argument.trim_matches(' ');
    match word {
        "name" => Name::new(argument).map(Command::Rename).map_err(Refusal::BadName),
        "join" => join(argument),
        "who" => Ok(Command::Members { room: None, after: None, limit: None }),
        "history" => history(argument),
        "rooms" => Ok(Command::Rooms { after: None, limit: None }),
        "msg" => direct(argument),
        "ping" => Ok(Command::Ping),
        "echo" => switch(argument).map(Command::Echo).ok_or(Refusal::BadRequest("/echo on or /echo off")),
        "seq" => switch(argument).map(Command::ShowSeq).ok_or(Refusal::BadRequest("/seq on or /seq off")),
        "resume" => resume(argument),
        "help" => Ok(Command::Help),
        "quit" => Ok(Command::Quit),
        unknown => Err(Refusal::UnknownCommand(unknown)),
    }
}

fn say(text: &str) -> Command<'_> {
    Command::Publish { room: None, data: Data::Text(text), key: None }
}

/// `ROOM`, or `ROOM N`. No room has a space in its name, so anything else is a bad one.
fn join(argument: &str) -> Result<Command<'_>, Refusal<'_>> {
    let (room, history) = match argument.rsplit_once(' ') {
        Some((room, last)) => count(last).map_or((argument, 0), |n| (room.trim_end_matches(' '), n)),
        None => (argument, 0),
    };
    let room = RoomName::new(room).map_err(Refusal::BadRoomName)?;
    Ok(Command::Join { room, since: None, history })
}

fn history(argument: &str) -> Result<Command<'_>, Refusal<'_>> {
    let limit = match argument {
        "" => None,
        n => Some(count(n).ok_or(Refusal::BadRequest("/history N, where N is a number"))?),
    };
    Ok(Command::History { room: None, page: Page::Newest, limit })
}

/// `NAME TEXT`, or `"NAME" TEXT`, as a name may have spaces.
fn direct(argument: &str) -> Result<Command<'_>, Refusal<'_>> {
    let quoted = argument.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let quoted = quoted.filter(|(_, text)| text.is_empty() || text.starts_with(' '));
    let (to, text) = quoted.or_else(|| argument.split_once(' ')).unwrap_or_default();
    match (to, text.trim_start_matches(' ')) {
        ("", _) | (_, "") => Err(Refusal::BadRequest("/msg NAME TEXT")),
        (to, text) => Ok(Command::Direct { to, data: Data::Text(text) }),
    }
}

fn resume(argument: &str) -> Result<Command<'_>, Refusal<'_>> {
    let position = argument.rsplit_once(':').and_then(|(epoch, seq)| {
        let is_whole = !epoch.is_empty() && is_digits(seq);
        // A number beyond 64 bits has not been reached, whichever it is.
        is_whole.then(|| Position { epoch, seq: seq.parse().unwrap_or(u64::MAX) })
    });
    position.map(Command::Resume).ok_or(Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43"))
}

fn switch(argument: &str) -> Option<bool> {
    match argument {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// How many. What is beyond any memory is as good as the most that fits.
fn count(argument: &str) -> Option<usize> {
    is_digits(argument).then(|| argument.parse().unwrap_or(usize::MAX))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::HELP;
    use super::*;
    use crate::wire::{BadName, BadRoomName};
    use proptest::prelude::*;

    fn joins(room: &str, history: usize) -> Result<Command<'_>, Refusal<'_>> {
        Ok(Command::Join { room: RoomName::new(room).unwrap(), since: None, history })
    }

    fn shows(limit: Option<usize>) -> Result<Command<'static>, Refusal<'static>> {
        Ok(Command::History { room: None, page: Page::Newest, limit })
    }

    fn tells<'a>(to: &'a str, text: &'a str) -> Result<Command<'a>, Refusal<'a>> {
        Ok(Command::Direct { to, data: Data::Text(text) })
    }

    fn resumes(epoch: &str, seq: u64) -> Result<Command<'_>, Refusal<'_>> {
        Ok(Command::Resume(Position { epoch, seq }))
    }

    #[test]
    fn what_does_not_begin_with_a_slash_is_said() {
        for said in ["hi", "", " /name x", "hi / there", "* eve left", "[bob] hi"] {
            assert_eq!(parse(said), Ok(say(said)));
        }
        assert_eq!(parse("//shrug"), Ok(say("/shrug")));
        assert_eq!(parse("///"), Ok(say("//")));
    }

    #[test]
    fn a_hello_of_the_other_dialect_is_not_said() {
        for line in [
            r#"{"type":"hello","name":"bot","secret":"s"}"#,
            r#" {"secret": "s", "type" : "hello"}"#,
            "\u{200e}{\"type\":\"hello\"",
        ] {
            assert!(matches!(parse(line), Err(Refusal::BadRequest(_))), "{line}");
        }
        for line in [r#"say {"type":"hello"}"#, r#"{"type":"ping"}"#, r#"{"hello": 1}"#, "{ is what I said"] {
            assert_eq!(parse(line), Ok(say(line)));
        }
    }

    #[test]
    fn white_space_alone_is_blank() {
        for blank in ["", " ", "\t", "\r", "\n\n", "\u{a0}\u{3000}\u{feff}"] {
            assert!(is_blank(blank), "{}", blank.escape_unicode());
        }
        assert!(!is_blank("x") && !is_blank(" / ") && !is_blank("\u{1b}"));
    }

    #[test]
    fn commands_and_their_arguments() {
        let who = Ok(Command::Members { room: None, after: None, limit: None });
        let cases = [
            ("/name ann", Ok(Command::Rename(Name::new("ann").unwrap()))),
            ("/name  ann lee ", Ok(Command::Rename(Name::new("ann lee").unwrap()))),
            ("/join dev", joins("dev", 0)),
            ("/join dev 5", joins("dev", 5)),
            ("/join  dev   5 ", joins("dev", 5)),
            ("/join 5", joins("5", 0)),
            ("/join 5 5", joins("5", 5)),
            ("/join dev 99999999999999999999999", joins("dev", usize::MAX)),
            ("/who", who),
            ("/who is it", who),
            ("/history", shows(None)),
            ("/history 20", shows(Some(20))),
            ("/history 0", shows(Some(0))),
            ("/rooms", Ok(Command::Rooms { after: None, limit: None })),
            ("/msg bob hi", tells("bob", "hi")),
            ("/msg bob  hi  there ", tells("bob", "hi  there")),
            ("/msg \"ann lee\" hi", tells("ann lee", "hi")),
            ("/msg \"ann lee\" \"quoted\" hi", tells("ann lee", "\"quoted\" hi")),
            ("/msg \"ann\"lee hi", tells("\"ann\"lee", "hi")),
            ("/msg \"ann hi", tells("\"ann", "hi")),
            ("/ping", Ok(Command::Ping)),
            ("/echo on", Ok(Command::Echo(true))),
            ("/echo off", Ok(Command::Echo(false))),
            ("/seq on", Ok(Command::ShowSeq(true))),
            ("/seq off", Ok(Command::ShowSeq(false))),
            ("/resume k3f9:43", resumes("k3f9", 43)),
            ("/resume k3f9:0", resumes("k3f9", 0)),
            ("/resume k3f9:99999999999999999999999", resumes("k3f9", u64::MAX)),
            ("/help", Ok(Command::Help)),
            ("/quit", Ok(Command::Quit)),
        ];
        for (line, command) in cases {
            assert_eq!(parse(line), command, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        let cases = [
            ("/name", Refusal::BadName(BadName::Length)),
            ("/name a\tb", Refusal::BadName(BadName::Hidden)),
            ("/join", Refusal::BadRoomName(BadRoomName)),
            ("/join the moon", Refusal::BadRoomName(BadRoomName)),
            ("/join the moon 5", Refusal::BadRoomName(BadRoomName)),
            ("/join dev -5", Refusal::BadRoomName(BadRoomName)),
            ("/history all", Refusal::BadRequest("/history N, where N is a number")),
            ("/history +5", Refusal::BadRequest("/history N, where N is a number")),
            ("/msg", Refusal::BadRequest("/msg NAME TEXT")),
            ("/msg bob", Refusal::BadRequest("/msg NAME TEXT")),
            ("/msg \"ann lee\"", Refusal::BadRequest("/msg NAME TEXT")),
            ("/msg \"\" hi", Refusal::BadRequest("/msg NAME TEXT")),
            ("/echo", Refusal::BadRequest("/echo on or /echo off")),
            ("/echo ON", Refusal::BadRequest("/echo on or /echo off")),
            ("/seq 5", Refusal::BadRequest("/seq on or /seq off")),
            ("/resume", Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43")),
            ("/resume 43", Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43")),
            ("/resume :43", Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43")),
            ("/resume k3f9:", Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43")),
            ("/resume k3f9:4.3", Refusal::BadRequest("/resume EPOCH:SEQ, as in /resume k3f9:43")),
        ];
        for (line, refusal) in cases {
            assert_eq!(parse(line), Err(refusal), "{line}");
        }
        for unknown in ["", "names", "Name", "nаme", "who\tis"] {
            assert_eq!(parse(&format!("/{unknown}")), Err(Refusal::UnknownCommand(unknown)));
        }
    }

    #[test]
    fn one_line_end_at_the_end_is_no_part_of_the_line() {
        assert_eq!(parse("hi\n"), Ok(say("hi")));
        assert_eq!(parse("hi\r\n"), Ok(say("hi")));
        assert_eq!(parse("/ping\r\n"), Ok(Command::Ping));
        assert_eq!(parse("hi\n\n"), Ok(say("hi\n")));
        assert_eq!(parse("hi\r"), Ok(say("hi\r")));
        assert_eq!(parse("\n"), Ok(say("")));
    }

    #[test]
    fn help_lists_exactly_the_commands_that_there_are() {
        for (usage, _) in HELP {
            assert!(!matches!(parse(usage), Err(Refusal::UnknownCommand(_))), "{usage}");
        }
        let words = [
            "/name", "/join", "/who", "/history", "/rooms", "/msg", "/ping", "/echo", "/seq", "/resume",
            "/help", "/quit", "//TEXT",
        ];
        assert_eq!(HELP.map(|(usage, _)| usage.split(' ').next().unwrap()), words);
    }

    proptest! {
        #[test]
        fn a_line_is_said_unchanged_when_its_slash_is_doubled(text in "[^/\\pC]\\PC{0,40}") {
            let (doubled, single) = (format!("//{text}"), format!("/{text}"));
            prop_assert_eq!(parse(&doubled), Ok(say(&single)));
            prop_assert_eq!(parse(&text), Ok(say(&text)));
        }

        #[test]
        fn nothing_that_is_typed_is_too_strange(line in "/{0,2}(name|join|msg|history|seq|resume)?[ :\"\\PC\u{0}-\u{2fff}]{0,40}") {
            let _ = parse(&line);
        }
    }
}
