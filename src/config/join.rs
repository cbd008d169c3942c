//! The settings of `chinwag join`.
//!
//! What an address says in its query, `?room=dev&name=ann`, is the same as the flags; where both say something, the flags
//! do.

use super::{Kind, Setting, Value, path, texts, values};
use crate::client::Url;
use clap::{Arg, ArgMatches, Command};
use std::path::PathBuf;

/// Where a server is that nobody has moved.
pub const URL: &str = "ws://127.0.0.1:2021/ws";
const ROOM: &str = "lobby";
/// Where the chat is on a server whose address says nothing else.
const PATH: &str = "/ws";

/// The table.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "room",
        short: None,
        kind: Kind::Room,
        default: "",
        repeats: true,
        help: "Which room to go into; lobby without it; what is typed goes to the first",
    },
    Setting {
        name: "name",
        short: None,
        kind: Kind::Name,
        default: "",
        repeats: false,
        help: "What to be called; without it, what the server says",
    },
    Setting {
        name: "token",
        short: None,
        kind: Kind::Text,
        default: "",
        repeats: false,
        help: "Proof of who you are; has no effect yet, since no server checks it",
    },
    Setting {
        name: "history",
        short: None,
        kind: Kind::Count(0, 1_000_000),
        default: "",
        repeats: false,
        help: "How many earlier messages to show on coming in; without it 50 on a terminal and none in a pipe",
    },
    Setting {
        name: "json",
        short: None,
        kind: Kind::Switch,
        default: "",
        repeats: false,
        help: "Print what the server says as it says it, one JSON object on each line",
    },
    Setting {
        name: "ca",
        short: None,
        kind: Kind::Path,
        default: "",
        repeats: false,
        help: "Trusts the authorities of this PEM file rather than the system's, for wss:// and tls://",
    },
    Setting {
        name: "insecure",
        short: None,
        kind: Kind::Switch,
        default: "",
        repeats: false,
        help: "Trusts whoever answers, whatever its certificate",
    },
];

/// What `chinwag join` runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Where the server is.
    pub url: Url,
    /// One at least.
    pub rooms: Vec<String>,
    /// What to be called.
    pub name: Option<String>,
    /// Whatever proves who one is.
    pub token: Option<String>,
    /// How many earlier messages to show.
    pub history: Option<u64>,
    /// Whether to print objects.
    pub json: bool,
    /// Whose certificates to trust, if not those that the system does.
    pub ca: Option<PathBuf>,
    /// Whether to trust anybody.
    pub is_insecure: bool,
}

/// Adds the address, which has no flag.
pub fn with_url(command: Command) -> Command {
    let help = "Where the server is: ws://HOST:PORT/PATH for WebSocket, tcp://HOST:PORT for lines; wss:// and tls:// for the same under TLS";
    command.arg(Arg::new("URL").help(help).default_value(URL).value_parser(|text: &str| parse_url(text)))
}

/// An address with what it says in its query, checked as the flags are.
fn parse_url(text: &str) -> Result<(Url, Queried), String> {
    let mut url: Url = text.parse().map_err(|error: crate::client::UrlError| error.to_string())?;
    url = url.or_path(PATH);
    let queried = Queried {
        rooms: checked(Kind::Room, url.take_params("room"))?,
        name: checked(Kind::Name, url.take_params("name"))?.into_iter().next(),
        token: url.take_params("token").into_iter().next(),
    };
    Ok((url, queried))
}

/// What the query of an address says.
#[derive(Clone, Debug)]
struct Queried {
    rooms: Vec<String>,
    name: Option<String>,
    token: Option<String>,
}

fn checked(kind: Kind, values: Vec<String>) -> Result<Vec<String>, String> {
    values.iter().try_for_each(|value| kind.parse(value).map(drop))?;
    Ok(values)
}

impl Join {
    /// Reads what the flags of [`SETTINGS`] and the address gave.
    pub fn from_matches(matches: &ArgMatches) -> Join {
        let (url, queried) = matches.get_one::<(Url, Queried)>("URL").expect("it has a default").clone();
        let mut rooms = texts(matches, "room");
        if rooms.is_empty() {
            rooms = queried.rooms;
        }
        if rooms.is_empty() {
            rooms.push(ROOM.to_owned());
        }
        let mut seen = Vec::new();
        rooms.retain(|room| {
            !seen.contains(room) && {
                seen.push(room.clone());
                true
            }
        });
        let history = values(matches, "history").next();
        Join {
            url,
            rooms,
            name: texts(matches, "name").pop().or(queried.name),
            token: texts(matches, "token").pop().or(queried.token),
            history: if let Some(Value::Count(count)) = history { u64::try_from(*count).ok() } else { None },
            json: matches.get_flag("json"),
            ca: path(matches, "ca"),
            is_insecure: matches.get_flag("insecure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::with_flags;

    fn join(args: &[&str]) -> Result<Join, clap::Error> {
        let command = with_flags(with_url(Command::new("join")), SETTINGS);
        command.try_get_matches_from([&["join"], args].concat()).map(|matches| Join::from_matches(&matches))
    }

    #[test]
    fn without_a_flag_it_is_the_lobby_of_this_host() {
        let join = join(&[]).expect("no flag is needed");
        assert_eq!(
            (join.url.to_string(), join.rooms, join.name),
            (URL.to_owned(), vec!["lobby".to_owned()], None)
        );
        assert_eq!((join.token, join.history, join.json), (None, None, false));
    }

    #[test]
    fn flags_and_the_query_say_the_same_and_flags_say_it_last() {
        let one = join(&["ws://chat:80?room=dev&room=ops&name=Zo%C3%AB&token=t&x=1"]).expect("it is sound");
        assert_eq!(one.url.to_string(), "ws://chat/ws?x=1");
        assert_eq!(
            (&one.rooms[..], one.name.as_deref(), one.token.as_deref()),
            (&["dev".to_owned(), "ops".to_owned()][..], Some("Zoë"), Some("t"))
        );
        let other = join(&[
            "ws://chat?room=dev&name=zoe",
            "--room",
            "a",
            "--room",
            "b",
            "--room",
            "a",
            "--name",
            "ann",
            "--history",
            "3",
            "--json",
        ]);
        let other = other.expect("it is sound");
        assert_eq!((other.rooms, other.name.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("ann")));
        assert_eq!((other.history, other.json), (Some(3), true));
        let root = join(&["ws://chat/?room=dev"]).expect("it is sound");
        assert_eq!((root.url.to_string(), root.rooms), ("ws://chat/".to_owned(), vec!["dev".to_owned()]));
        let tcp = join(&["tcp://chat"]).expect("it is sound");
        assert_eq!(tcp.url.to_string(), "tcp://chat:2020");
    }

    #[test]
    fn what_the_server_would_refuse_is_refused_here() {
        for args in [
            &["http://chat"][..],
            &["ws://chat?room=a%20b"],
            &["ws://chat?name=%1b"],
            &["--room", "#dev"],
            &["--name", ""],
            &["--history", "some"],
            &["--json=yes"],
            &["ws://a", "ws://b"],
        ] {
            assert!(join(args).is_err(), "{args:?}");
        }
    }
}
