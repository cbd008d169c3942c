//! The settings of `chinwag serve`.

use super::{Kind, Setting, Value, value, values};
use crate::net::Address;
use crate::server::{AllowedOrigins, Limits};
use crate::time::Millis;
use clap::ArgMatches;
use log::LevelFilter;

/// The table.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        kind: Kind::Address,
        default: "127.0.0.1:2021",
        repeats: true,
        is_live: false,
        help: "Where to listen for HTTP and WebSocket; unix:/path for a proxy on this host; port 0 lets the system choose",
    },
    Setting {
        name: "line-listen",
        kind: Kind::AddressOrOff,
        default: "127.0.0.1:2020",
        repeats: true,
        is_live: false,
        help: "Where to listen for lines of text, as netcat speaks them; off for nowhere",
    },
    Setting {
        name: "allow-origin",
        kind: Kind::Origin,
        default: "",
        repeats: true,
        is_live: true,
        help: "Lets pages of this origin connect too, as in https://example.org; * for all",
    },
    Setting {
        name: "log",
        kind: Kind::Level,
        default: "info",
        repeats: false,
        is_live: true,
        help: "How much to log: off, error, warn, info, debug or trace",
    },
    Setting {
        name: "idle-timeout",
        kind: Kind::Duration(10, 7 * 24 * 3_600_000),
        default: "5m",
        repeats: false,
        is_live: true,
        help: "How long a member on the line port may say nothing before it is asked to leave",
    },
    Setting {
        name: "write-queue-bytes",
        kind: Kind::Bytes(4096, 1 << 30),
        default: "256k",
        repeats: false,
        is_live: false,
        help: "How much of what a room says is kept for members who read slowly",
    },
    Setting {
        name: "drain-ms",
        kind: Kind::MillisNumber(0, 600_000),
        default: "5000",
        repeats: false,
        is_live: true,
        help: "How long a shutdown waits for peers to take their last bytes",
    },
];

/// What `chinwag serve` runs with.
#[derive(Clone, Debug)]
pub struct Serve {
    /// For HTTP and WebSocket.
    pub listen: Vec<Address>,
    /// For lines.
    pub line_listen: Vec<Address>,
    /// Besides the same origin.
    pub origins: AllowedOrigins,
    /// How much to log.
    pub log: LevelFilter,
    /// The server's bounds.
    pub limits: Limits,
    /// The chat's idle rule on the line port.
    pub idle_timeout: Millis,
}

impl Serve {
    /// Reads what the flags of [`SETTINGS`] gave.
    pub fn from_matches(matches: &ArgMatches) -> Serve {
        let addresses = |name| {
            let address = |value: &Value| {
                if let Value::Address(address) = value { Some(address.clone()) } else { None }
            };
            values(matches, name).filter_map(address).collect()
        };
        let mut origins = AllowedOrigins::default();
        for value in values(matches, "allow-origin") {
            if let Value::Origin(origin) = value {
                origins.allow(origin).expect("the flag's check has let it pass");
            }
        }
        let duration =
            |name| if let Value::Duration(ms) = value(matches, name) { *ms } else { Millis::NEVER };
        let bytes = |name| if let Value::Bytes(bytes) = value(matches, name) { *bytes } else { usize::MAX };
        Serve {
            listen: addresses("listen"),
            line_listen: addresses("line-listen"),
            origins,
            log: if let Value::Level(level) = value(matches, "log") { *level } else { LevelFilter::Info },
            limits: Limits {
                drain_timeout: duration("drain-ms"),
                write_queue_bytes_max: bytes("write-queue-bytes"),
                ..Limits::default()
            },
            idle_timeout: duration("idle-timeout"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::with_flags;
    use clap::Command;

    fn serve(args: &[&str]) -> Result<Serve, clap::Error> {
        let command = with_flags(Command::new("serve"), SETTINGS);
        command.try_get_matches_from([&["serve"], args].concat()).map(|matches| Serve::from_matches(&matches))
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
        assert_eq!(config.limits.drain_timeout, limits.drain_timeout);
        assert_eq!(config.limits.write_queue_bytes_max, limits.write_queue_bytes_max);
        assert_eq!(config.idle_timeout, Millis::from_secs(300));
    }

    #[test]
    fn listeners_repeat_and_lines_can_be_off() {
        let config = serve(&["--listen", "[::1]:1", "--listen", "unix:/tmp/s", "--line-listen", "off"])
            .expect("flags");
        assert_eq!((config.listen.len(), config.line_listen.len()), (2, 0));
    }
}
