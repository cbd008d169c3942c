//! The settings of `chinwag serve`.

use super::{Kind, Listen, Setting, Value, path, value, values};
use crate::chat::{self, Slow};
use crate::server::{AllowedHosts, AllowedOrigins, Limits};
use crate::time::Millis;
use clap::ArgMatches;
use log::LevelFilter;
use std::path::PathBuf;

/// What becomes of slow readers, as it is written.
const CATCH_UP: &str = "catch-up";
const LATEST: &str = "latest";
const DISCONNECT: &str = "disconnect";

/// How much longer than its `data` a message may be, as a whole: the rest of a JSON object.
const ENVELOPE_BYTES: usize = 4096;

/// The table.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        short: None,
        kind: Kind::Listen,
        default: "127.0.0.1:2021",
        repeats: true,
        help: "Where to listen for HTTP and WebSocket, as in localhost:2021; :2021 for every address of the host; unix:/path for a proxy on this host; tls:// before it for TLS; port 0 lets the system choose",
    },
    Setting {
        name: "line-listen",
        short: None,
        kind: Kind::ListenOrOff,
        default: "127.0.0.1:2020",
        repeats: true,
        help: "Where to listen for lines of text, as netcat speaks them; off for nowhere",
    },
    Setting {
        name: "tls-cert",
        short: None,
        kind: Kind::Path,
        default: "",
        repeats: false,
        help: "The certificate for listeners with tls://, in PEM, with those that lead to its authority; read again when it changes",
    },
    Setting {
        name: "tls-key",
        short: None,
        kind: Kind::Path,
        default: "",
        repeats: false,
        help: "Its private key, in PEM",
    },
    Setting {
        name: "allow-host",
        short: None,
        kind: Kind::Host,
        default: "",
        repeats: true,
        help: "Answers requests that name this host, as in chat.example.org; * for any. Without it, a listener on a loopback address answers for the local host alone, and others for every host",
    },
    Setting {
        name: "allow-origin",
        short: None,
        kind: Kind::Origin,
        default: "",
        repeats: true,
        help: "Lets pages of this origin connect too, as in https://example.org; * for all",
    },
    Setting {
        name: "log",
        short: None,
        kind: Kind::Level,
        default: "info",
        repeats: false,
        help: "How much to log: off, error, warn, info, debug or trace",
    },
    Setting {
        name: "connections",
        short: None,
        kind: Kind::Count(1, 1 << 30),
        default: "",
        repeats: false,
        help: "How many connections there may be; without it, as many as the descriptors allow",
    },
    Setting {
        name: "connections-per-address",
        short: None,
        kind: Kind::Count(0, 1 << 30),
        default: "0",
        repeats: false,
        help: "How many of them may come from one address, or from the /64 of an IPv6 address; 0 for any number",
    },
    Setting {
        name: "publish-per-second",
        short: None,
        kind: Kind::Count(0, 1_000_000),
        default: "10",
        repeats: false,
        help: "How many messages a second a member may publish in the long run; 0 for any number",
    },
    Setting {
        name: "burst",
        short: None,
        kind: Kind::Count(1, 1_000_000),
        default: "20",
        repeats: false,
        help: "How many of them at once",
    },
    Setting {
        name: "requests-per-second",
        short: None,
        kind: Kind::Count(0, 1_000_000),
        default: "50",
        repeats: false,
        help: "How many requests of other kinds, as to join, in the long run, and twice as many at once; 0 for any number",
    },
    Setting {
        name: "presence-per-second",
        short: None,
        kind: Kind::Count(0, 1_000_000),
        default: "5000",
        repeats: false,
        help: "Deliveries of join and leave notices a second, over all rooms; large rooms get theirs less often; 0 for any number",
    },
    Setting {
        name: "message-bytes",
        short: None,
        kind: Kind::Bytes(1, 1 << 20),
        default: "4k",
        repeats: false,
        help: "The longest message",
    },
    Setting {
        name: "rooms-per-connection",
        short: None,
        kind: Kind::Count(1, 1000),
        default: "32",
        repeats: false,
        help: "How many rooms a connection may be in",
    },
    Setting {
        name: "rooms-max",
        short: None,
        kind: Kind::Count(1, 1 << 30),
        default: "100000",
        repeats: false,
        help: "How many rooms there may be",
    },
    Setting {
        name: "members-max",
        short: None,
        kind: Kind::Count(1, 1 << 30),
        default: "100000",
        repeats: false,
        help: "How many members a room may have",
    },
    Setting {
        name: "history",
        short: None,
        kind: Kind::Count(0, 1_000_000),
        default: "100",
        repeats: false,
        help: "How many messages a room remembers",
    },
    Setting {
        name: "history-bytes",
        short: None,
        kind: Kind::Bytes(0, 1 << 30),
        default: "1m",
        repeats: false,
        help: "How many bytes of them",
    },
    Setting {
        name: "history-bytes-total",
        short: None,
        kind: Kind::Bytes(0, 1 << 40),
        default: "256m",
        repeats: false,
        help: "How many bytes all rooms remember together; those that have been quiet longest forget first",
    },
    Setting {
        name: "room-keep",
        short: None,
        kind: Kind::Duration(0, 7 * 24 * 3_600_000),
        default: "10m",
        repeats: false,
        help: "How long an empty room is kept, with what it remembers",
    },
    Setting {
        name: "slow",
        short: None,
        kind: Kind::Choice(&[CATCH_UP, LATEST, DISCONNECT]),
        default: "catch-up",
        repeats: false,
        help: "What becomes of members who read too slowly: they catch up from history, or jump to the latest message, or are disconnected",
    },
    Setting {
        name: "write-queue-bytes",
        short: None,
        kind: Kind::Bytes(4096, 1 << 30),
        default: "256k",
        repeats: false,
        help: "How much of what a room says is kept for members who read slowly",
    },
    Setting {
        name: "coalesce-ms",
        short: None,
        kind: Kind::MillisNumber(0, 1000),
        default: "0",
        repeats: false,
        help: "How long what a room says is held back, so that several messages share a write to each member; 0 for not at all",
    },
    Setting {
        name: "idle-timeout",
        short: None,
        kind: Kind::DurationOrOff(10, 7 * 24 * 3_600_000),
        default: "5m",
        repeats: false,
        help: "How long a member on the line port may say nothing before it is asked to leave; off for ever",
    },
    Setting {
        name: "ws-idle-timeout",
        short: None,
        kind: Kind::DurationOrOff(10, 7 * 24 * 3_600_000),
        default: "off",
        repeats: false,
        help: "The same for members who came by WebSocket, who are asked by pings whether they are there",
    },
    Setting {
        name: "deflate",
        short: None,
        kind: Kind::Switch,
        default: "",
        repeats: false,
        help: "Compresses WebSocket messages for those who offer it (RFC 7692); each once, however many read it",
    },
    Setting {
        name: "deflate-min-bytes",
        short: None,
        kind: Kind::Bytes(0, 1 << 30),
        default: "128",
        repeats: false,
        help: "The smallest message that is compressed",
    },
    Setting {
        name: "deflate-context-bytes",
        short: None,
        kind: Kind::Bytes(0, 1 << 40),
        default: "0",
        repeats: false,
        help: "How much memory may go to clients that compress with a view to what they have said before: 48 KiB each",
    },
    Setting {
        name: "drain-ms",
        short: None,
        kind: Kind::MillisNumber(0, 600_000),
        default: "5000",
        repeats: false,
        help: "How long a shutdown waits for peers to take their last bytes",
    },
];

/// What `chinwag serve` runs with.
#[derive(Clone, Debug)]
pub struct Serve {
    /// For HTTP and WebSocket.
    pub listen: Vec<Listen>,
    /// For lines.
    pub line_listen: Vec<Listen>,
    /// The files of the certificate and of its key, where TLS is spoken.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Besides the local host.
    pub hosts: AllowedHosts,
    /// Besides the same origin.
    pub origins: AllowedOrigins,
    /// How much to log.
    pub log: LevelFilter,
    /// The server's bounds.
    pub limits: Limits,
    /// The chat.
    pub chat: chat::Settings,
    /// Whether WebSocket messages are compressed, to the chat and to the echo.
    pub deflate: bool,
    /// The largest WebSocket message to the chat as a whole.
    pub chat_message_bytes_max: usize,
}

impl Serve {
    /// Reads what the flags of [`SETTINGS`] gave. An error says which of them do not go together.
    pub fn from_matches(matches: &ArgMatches) -> Result<Serve, String> {
        let addresses = |name| -> Vec<Listen> {
            let address = |value: &Value| {
                if let Value::Listen(listen) = value { Some(listen.clone()) } else { None }
            };
            values(matches, name).filter_map(address).collect()
        };
        let mut origins = AllowedOrigins::default();
        for value in values(matches, "allow-origin") {
            if let Value::Origin(origin) = value {
                origins.allow(origin).expect("the flag's check has let it pass");
            }
        }
        let mut hosts = AllowedHosts::default();
        for value in values(matches, "allow-host") {
            if let Value::Host(host) = value {
                hosts.allow(host).expect("the flag's check has let it pass");
            }
        }
        let timeout = |name| if let Value::Duration(ms) = value(matches, name) { Some(*ms) } else { None };
        let duration = |name| timeout(name).unwrap_or(Millis::NEVER);
        let bytes = |name| if let Value::Bytes(bytes) = value(matches, name) { *bytes } else { usize::MAX };
        let count_if_given = |name| match values(matches, name).next() {
            Some(Value::Count(count)) => Some(*count),
            _ => None,
        };
        let count = |name| count_if_given(name).unwrap_or(usize::MAX);
        let rate = |name| u32::try_from(count(name)).unwrap_or(u32::MAX);
        let defaults = Limits::default();
        let message_bytes_max = bytes("message-bytes");
        // Room for a message that is a little too long: it is answered, and its connection stays.
        let whole_bytes_max = defaults.line_bytes_max.max(2 * message_bytes_max + ENVELOPE_BYTES);
        let (listen, line_listen) = (addresses("listen"), addresses("line-listen"));
        let tls_listener = listen.iter().chain(&line_listen).find(|listen: &&Listen| listen.is_tls);
        let tls = match (path(matches, "tls-cert"), path(matches, "tls-key"), tls_listener) {
            (Some(certificate), Some(key), Some(_)) => Some((certificate, key)),
            (None, None, None) => None,
            (None, None, Some(listen)) => return Err(format!("{listen} wants --tls-cert and --tls-key")),
            (Some(_), Some(_), None) => {
                return Err("--tls-cert is for a listener with TLS, as in --listen tls://0.0.0.0:443".into());
            }
            (Some(_), None, _) => return Err("--tls-cert wants --tls-key beside it".into()),
            (None, Some(_), _) => return Err("--tls-key wants --tls-cert beside it".into()),
        };
        Ok(Serve {
            listen,
            line_listen,
            tls,
            hosts,
            origins,
            log: if let Value::Level(level) = value(matches, "log") { *level } else { LevelFilter::Info },
            limits: Limits {
                drain_timeout: duration("drain-ms"),
                coalesce: duration("coalesce-ms"),
                write_queue_bytes_max: bytes("write-queue-bytes"),
                line_bytes_max: whole_bytes_max,
                deflate_bytes_min: bytes("deflate-min-bytes"),
                deflate_context_bytes_max: bytes("deflate-context-bytes"),
                connections_max: count_if_given("connections"),
                connections_per_address_max: count_if_given("connections-per-address")
                    .filter(|&most| most > 0),
                ..defaults
            },
            chat: chat::Settings {
                message_bytes_max,
                publish: chat::Rate { per_second: rate("publish-per-second"), burst: rate("burst") },
                command: chat::Rate {
                    per_second: rate("requests-per-second"),
                    burst: rate("requests-per-second").saturating_mul(2).max(1),
                },
                presence_per_second: rate("presence-per-second"),
                rooms_per_member_max: count("rooms-per-connection"),
                rooms_max: count("rooms-max"),
                members_max: count("members-max"),
                history_messages_max: count("history"),
                history_bytes_max: bytes("history-bytes"),
                history_bytes_total_max: bytes("history-bytes-total"),
                room_keep: duration("room-keep"),
                slow: match value(matches, "slow") {
                    Value::Choice(LATEST) => Slow::Latest,
                    Value::Choice(DISCONNECT) => Slow::Disconnect,
                    _ => Slow::CatchUp,
                },
                line_idle_timeout: timeout("idle-timeout"),
                ws_idle_timeout: timeout("ws-idle-timeout"),
                ping_interval: defaults.ping_interval,
                ..chat::Settings::default()
            },
            deflate: matches.get_flag("deflate"),
            chat_message_bytes_max: whole_bytes_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::with_flags;
    use clap::Command;

    fn serve(args: &[&str]) -> Result<Serve, clap::Error> {
        let command = with_flags(Command::new("serve"), SETTINGS);
        let matches = command.try_get_matches_from([&["serve"], args].concat())?;
        Serve::from_matches(&matches)
            .map_err(|why| clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, why))
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            setting.kind.parse(setting.default).expect(setting.name);
        }
    }

    #[test]
    fn the_defaults_are_the_limits_own() {
        let config = serve(&[]).expect("no flag is needed");
        let limits = Limits::default();
        assert_eq!(config.listen, ["127.0.0.1:2021".parse().expect("an address")]);
        assert_eq!(config.line_listen, ["127.0.0.1:2020".parse().expect("an address")]);
        assert_eq!(config.limits, limits);
        assert_eq!(config.chat, chat::Settings::default());
        assert_eq!(config.chat_message_bytes_max, 64 * 1024);
    }

    #[test]
    fn every_flag_of_the_chat_sets_what_it_names() {
        let config = serve(&[
            "--publish-per-second=0",
            "--burst=7",
            "--requests-per-second=8",
            "--presence-per-second=9",
            "--message-bytes=100k",
            "--rooms-per-connection=3",
            "--rooms-max=4",
            "--members-max=5",
            "--history=6",
            "--history-bytes=7k",
            "--history-bytes-total=8k",
            "--room-keep=9s",
            "--slow=disconnect",
            "--idle-timeout=off",
            "--ws-idle-timeout=1m",
        ])
        .expect("flags");
        let expected = chat::Settings {
            message_bytes_max: 100 << 10,
            publish: chat::Rate { per_second: 0, burst: 7 },
            command: chat::Rate { per_second: 8, burst: 16 },
            presence_per_second: 9,
            rooms_per_member_max: 3,
            rooms_max: 4,
            members_max: 5,
            history_messages_max: 6,
            history_bytes_max: 7 << 10,
            history_bytes_total_max: 8 << 10,
            room_keep: Millis::from_secs(9),
            slow: Slow::Disconnect,
            line_idle_timeout: None,
            ws_idle_timeout: Some(Millis::from_secs(60)),
            ..chat::Settings::default()
        };
        assert_eq!(config.chat, expected);
        // Whole messages and lines may be as long as such a message needs.
        assert_eq!(config.chat_message_bytes_max, (204 << 10));
        assert_eq!(config.limits.line_bytes_max, 204 << 10);
        assert_eq!(serve(&["--slow=latest"]).expect("flags").chat.slow, Slow::Latest);
        assert!(serve(&["--slow=never"]).is_err());
    }

    #[test]
    fn deflate_is_a_switch_with_two_bounds() {
        let of = |args: &[&str]| {
            let config = serve(args).expect("flags");
            (config.deflate, config.limits.deflate_bytes_min, config.limits.deflate_context_bytes_max)
        };
        assert_eq!(of(&[]), (false, 128, 0));
        assert_eq!(of(&["--deflate", "--burst=3"]), (true, 128, 0));
        assert_eq!(of(&["--deflate", "--deflate-min-bytes=1k"]), (true, 1024, 0));
        assert_eq!(of(&["--deflate-context-bytes=1m"]), (false, 128, 1 << 20));
        assert!(serve(&["--deflate=on"]).is_err());
    }

    #[test]
    fn connections_are_bounded_by_what_is_given() {
        let limits = |args: &[&str]| serve(args).expect("flags").limits;
        let of = |limits: Limits| (limits.connections_max, limits.connections_per_address_max);
        assert_eq!(of(limits(&[])), (None, None));
        assert_eq!(of(limits(&["--connections=9", "--connections-per-address=2"])), (Some(9), Some(2)));
        assert_eq!(of(limits(&["--connections-per-address=0"])), (None, None));
        assert!(serve(&["--connections=0"]).is_err());
    }

    #[test]
    fn tls_wants_a_certificate_with_its_key_and_somebody_to_show_it_to() {
        let tls = |args: &[&str]| serve(args).map(|serve| serve.tls);
        let (certificate, key) = ("--tls-cert=a", "--tls-key=b");
        assert_eq!(tls(&[]).expect("flags"), None);
        for listener in ["--listen=tls://[::1]:1", "--line-listen=tls://[::1]:1"] {
            let pair = tls(&[listener, certificate, key]).expect("flags");
            assert_eq!(pair, Some(("a".into(), "b".into())));
            for (args, hint) in [
                ([listener, listener], "--tls-cert and --tls-key"),
                ([listener, certificate], "--tls-key"),
                ([listener, key], "--tls-cert"),
                ([certificate, key], "tls://"),
            ] {
                let error = tls(&args).expect_err(hint).to_string();
                assert!(error.contains(hint), "{error}");
            }
        }
    }

    #[test]
    fn listeners_repeat_and_lines_can_be_off() {
        let config = serve(&["--listen", "[::1]:1", "--listen", "unix:/tmp/s", "--line-listen", "off"])
            .expect("flags");
        assert_eq!((config.listen.len(), config.line_listen.len()), (2, 0));
    }
}
