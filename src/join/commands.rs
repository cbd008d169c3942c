//! What can be typed at a terminal, besides what is said. Most of it is what people type at netcat, read by the same parser.

use crate::wire::{self, Data, Event, text};

/// What a line asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    Say(&'a str),
    Join { room: &'a str, history: Option<u64> },
    Leave(Option<&'a str>),
    Name(&'a str),
    Who,
    Rooms,
    Message { to: &'a str, text: &'a str },
    Ping,
    Reconnect,
    Help,
    HelpKeys,
    Quit,
}

/// What can be typed, and what it does.
pub const COMMANDS: &[(&str, &str)] = &[
    ("/join ROOM N", "go into ROOM too; N: show its last N"),
    ("/leave ROOM", "go out of ROOM, or of this one"),
    ("/name NAME", "be called NAME"),
    ("/who", "tell who is here"),
    ("/rooms", "tell which rooms there are"),
    ("/msg NAME TEXT", "tell NAME alone; \"NAME\" if it has spaces"),
    ("/ping", "tell how far away the server is"),
    ("/reconnect", "try again now"),
    ("/help", "list the commands"),
    ("/help keys", "list the keys"),
    ("/quit", "leave"),
    ("//TEXT", "say a line that begins with a slash"),
];

/// The keys, and what they do.
pub const KEYS: &[(&str, &str)] = &[
    ("PgUp PgDn", "scroll, also to what was said long ago"),
    ("Esc", "scroll to the end"),
    ("Alt+1 to Alt+9", "show the first room, the second, ..."),
    ("Ctrl+N Ctrl+P", "show the next room, the one before"),
    ("Tab", "complete a name or command, or another"),
    ("Up Down", "what you have typed before"),
    ("Ctrl+A Ctrl+E", "to the start of the line, to its end"),
    ("Alt+B Alt+F", "a word back, a word forth"),
    ("Ctrl+W Ctrl+U", "cut a word back, all that is back"),
    ("Alt+D Ctrl+K", "cut a word forth, all that is forth"),
    ("Ctrl+Y", "put back what was cut"),
    ("Enter", "say it; nothing: try again now"),
    ("Ctrl+L Ctrl+Z", "draw anew; rest in the background"),
    ("Ctrl+C Ctrl+D", "leave; leave, on an empty line"),
];

/// What the commands begin with.
pub fn words() -> impl Iterator<Item = &'static str> {
    let words = COMMANDS.iter().map(|(usage, _)| usage.split(' ').next().unwrap_or(usage));
    let mut last = "";
    words.filter(move |word| *word != "//TEXT" && std::mem::replace(&mut last, *word) != *word)
}

/// What a line asks, or what is wrong with it.
pub fn parse(line: &str) -> Result<Command<'_>, String> {
    let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
    match (word, argument.trim()) {
        ("/leave", "") => return Ok(Command::Leave(None)),
        ("/leave", room) => return Ok(Command::Leave(Some(room))),
        ("/help", "keys") => return Ok(Command::HelpKeys),
        ("/reconnect", "") => return Ok(Command::Reconnect),
        // Without a name it would be an odd one.
        ("/join", "") => return Err("/join ROOM".to_owned()),
        _ => {}
    }
    match text::parse(line) {
        Ok(wire::Command::Publish { data: Data::Text(text), .. }) => Ok(Command::Say(text)),
        Ok(wire::Command::Join { room, history, .. }) => {
            let history = u64::try_from(history).ok().filter(|history| *history > 0);
            Ok(Command::Join { room: room.as_str(), history })
        }
        Ok(wire::Command::Rename(name)) => Ok(Command::Name(name.as_str())),
        Ok(wire::Command::Members { .. }) => Ok(Command::Who),
        Ok(wire::Command::Rooms { .. }) => Ok(Command::Rooms),
        Ok(wire::Command::Direct { to, data: Data::Text(text) }) => Ok(Command::Message { to, text }),
        Ok(wire::Command::Ping) => Ok(Command::Ping),
        Ok(wire::Command::Help) => Ok(Command::Help),
        Ok(wire::Command::Quit) => Ok(Command::Quit),
        // What netcat needs to be told, and a screen shows by itself.
        Ok(_) => Err(format!("{word} is for netcat; /help tells what there is here")),
        Err(refusal) => {
            let mut out = Vec::new();
            text::render(&Event::Refused(refusal), false, &mut out);
            Err(String::from_utf8_lossy(&out).trim().trim_start_matches("* ").to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_list_is_understood() {
        for (usage, _) in COMMANDS {
            let line = usage.replace(" N ", " ").replace("TEXT", "text").replace(" N", " 5");
            assert!(parse(&line).is_ok(), "{line}: {:?}", parse(&line));
        }
        assert_eq!(parse("/join dev 5"), Ok(Command::Join { room: "dev", history: Some(5) }));
        assert_eq!(parse("//shrug"), Ok(Command::Say("/shrug")));
        assert_eq!(parse("hi /who"), Ok(Command::Say("hi /who")));
        assert_eq!(parse("/msg \"bob b\" hi"), Ok(Command::Message { to: "bob b", text: "hi" }));
        assert_eq!(parse("/leave"), Ok(Command::Leave(None)));
        assert_eq!((parse("/help"), parse("/help keys")), (Ok(Command::Help), Ok(Command::HelpKeys)));
        assert_eq!(words().filter(|word| *word == "/help").count(), 1);
    }

    #[test]
    fn what_is_not_understood_is_told_in_one_line() {
        for line in ["/nonsense", "/join", "/join a b", "/name  ", "/msg bob", "/history 5", "/seq on"] {
            let why = parse(line).expect_err(line);
            assert!(!why.is_empty() && !why.contains('\n'), "{line}: {why}");
        }
    }
}
