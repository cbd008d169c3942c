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
    /// How many came.
    pub joined_len: usize,
    /// How many left.
    pub left_len: usize,
}

impl Presence {
    /// Parses `* ann, bob joined, cyn left` and `* 312 joined, 4 left, 8123 here`.
    pub fn parse(line: &str) -> Option<Presence> {
        let mut rest = line.strip_prefix("* ")?;
        let mut presence = Presence::default();
        if let Some((counts, here)) = rest.rsplit_once(", ")
            && here.strip_suffix(" here").is_some_and(|count| count.parse::<usize>().is_ok())
        {
            rest = counts;
            let mut parts = counts.split(", ");
            let mut take = |what| {
                let mut ahead = parts.clone();
                let count = ahead.next()?.strip_suffix(what)?.parse().ok()?;
                parts = ahead;
                Some(count)
            };
            (presence.joined_len, presence.left_len) =
                (take(" joined").unwrap_or(0), take(" left").unwrap_or(0));
            return (parts.next().is_none() && !rest.is_empty()).then_some(presence);
        }
        let names = |list: &str| list.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let (joined, left) = match rest.split_once(" joined") {
            Some((joined, "")) => (Some(joined), None),
            Some((joined, left)) => (Some(joined), Some(left.strip_prefix(", ")?)),
            None => (None, Some(rest)),
        };
        presence.joined = joined.map(names).unwrap_or_default();
        presence.left = match left {
            Some(left) => names(left.strip_suffix(" left")?),
            None => Vec::new(),
        };
        (presence.joined_len, presence.left_len) = (presence.joined.len(), presence.left.len());
        Some(presence)
    }
}
