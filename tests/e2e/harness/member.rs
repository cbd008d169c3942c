//! Somebody in a room, whichever way they came.

use super::{Daemon, Line, WebSocket};

/// A member in text mode.
pub trait Member {
    /// Sends a line.
    fn say(&mut self, line: &str);

    /// Waits for the next line; `None` at the end.
    fn hear(&mut self) -> Option<String>;

    /// Waits for the first line that `wanted` says yes to, and passes over the others.
    #[track_caller]
    fn hear_first(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String
    where
        Self: Sized,
    {
        let mut passed = Vec::new();
        loop {
            match self.hear() {
                Some(line) if wanted(&line) => return line,
                Some(line) => passed.push(line),
                None => panic!("the end came before {what}, after {passed:?}"),
            }
        }
    }

    /// Waits for what somebody says, and passes over notices.
    #[track_caller]
    fn hear_said(&mut self) -> String
    where
        Self: Sized,
    {
        self.hear_first("a message", |line| line.starts_with('['))
    }

    /// Waits for a notice other than of who comes and goes.
    #[track_caller]
    fn hear_notice(&mut self) -> String
    where
        Self: Sized,
    {
        self.hear_first("a notice", |line| line.starts_with("* ") && Presence::parse(line).is_none())
    }

    /// Waits for the welcome and the lobby's count. Returns the name that was given.
    #[track_caller]
    fn welcomed(&mut self) -> String
    where
        Self: Sized,
    {
        let welcome = self.hear().expect("a welcome");
        let name = welcome.strip_prefix("* welcome to chinwag, ");
        let name = name.and_then(|rest| rest.strip_suffix(". /help lists the commands"));
        let name = name.unwrap_or_else(|| panic!("a welcome: {welcome:?}")).to_owned();
        assert!(
            name.strip_prefix("guest-").is_some_and(|number| number.parse::<u64>().is_ok()),
            "{welcome:?}"
        );
        let lobby = self.hear().expect("the lobby's count");
        assert!(lobby.starts_with("* lobby: ") && lobby.ends_with(" here"), "{lobby:?}");
        name
    }

    /// Takes a name.
    #[track_caller]
    fn rename(&mut self, name: &str)
    where
        Self: Sized,
    {
        self.say(&format!("/name {name}"));
        assert_eq!(self.hear_notice(), format!("* you are {name}"));
    }
}

/// A WebSocket member that has been welcomed and goes by `name`.
#[track_caller]
pub fn page(daemon: &Daemon, name: &str) -> WebSocket {
    let mut page = WebSocket::connect(daemon, "/ws");
    page.welcomed();
    page.rename(name);
    page
}

/// A member on the line port that has been welcomed and goes by `name`.
#[track_caller]
pub fn netcat(daemon: &Daemon, name: &str) -> Line {
    let mut line = Line::connect(daemon);
    // Who says nothing is taken for a person only after a second.
    line.say(&format!("/name {name}"));
    line.welcomed();
    assert_eq!(line.hear_notice(), format!("* you are {name}"));
    line
}

/// A notice of who came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Who came, where they are named.
    pub joined: Vec<String>,
    /// Who left, where they are named.
    pub left: Vec<String>,
    /// Who is called otherwise, and how.
    pub renamed: Vec<(String, String)>,
    /// How many came.
    pub joined_len: usize,
    /// How many left.
    pub left_len: usize,
}

impl Presence {
    /// Parses `* ann, bob joined, cyn left`, `* bob is now robert` and `* 312 joined, 4 left, 8123 here`.
    pub fn parse(line: &str) -> Option<Presence> {
        let rest = line.strip_prefix("* ")?;
        let is_here =
            |part: &str| part.strip_suffix(" here").is_some_and(|count| count.parse::<usize>().is_ok());
        let counts = rest.rsplit_once(", ").filter(|(_, last)| is_here(last)).map(|(counts, _)| counts);
        let mut presence = Presence::default();
        let mut names = Vec::new();
        for part in counts.unwrap_or(rest).split(", ") {
            if let Some((from, to)) = part.split_once(" is now ") {
                presence.renamed.push((from.to_owned(), to.to_owned()));
            } else if let Some((who, what @ ("joined" | "left" | "renamed"))) = part.rsplit_once(' ') {
                names.push(who.to_owned());
                let count = if counts.is_some() { who.parse().ok()? } else { names.len() };
                match what {
                    "joined" => (presence.joined, presence.joined_len) = (std::mem::take(&mut names), count),
                    "left" => (presence.left, presence.left_len) = (std::mem::take(&mut names), count),
                    _ => names.clear(),
                }
            } else {
                names.push(part.to_owned());
            }
        }
        names.is_empty().then_some(presence)
    }
}
