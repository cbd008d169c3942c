//! What a setting may be, and how it is written.

use crate::bench::search::Condition;
use crate::net::Address;
use crate::server::{AllowedHosts, AllowedOrigins};
use crate::time::Millis;
use crate::wire::{Name, RoomName};
use log::LevelFilter;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The type and range of a setting.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An address to listen on, with `tls://` before it or not.
    Listen,
    /// The same, or `off`.
    ListenOrOff,
    /// The path of a file.
    Path,
    /// A host without its port, or `*`.
    Host,
    /// An Origin, or `*`.
    Origin,
    /// How much to log.
    Level,
    /// A length of time with its unit, from and to so many milliseconds.
    Duration(u64, u64),
    /// The same, or `off`.
    DurationOrOff(u64, u64),
    /// A length of time as a plain number of milliseconds, from and to.
    MillisNumber(u64, u64),
    /// A number of bytes, with an optional unit, from and to.
    Bytes(u64, u64),
    /// A number of things, from and to.
    Count(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of a room.
    Room,
    /// The name of a member.
    Name,
    /// Whatever is written.
    Text,
    /// Given or not; it has no value.
    Switch,
    /// A number of bytes, or a range of them as in `64-4k`, from and to.
    Sizes(u64, u64),
    /// An IP address.
    Ip,
    /// What a latency must stay below, as in `p99<50ms`.
    Condition,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// See [`Kind::Listen`].
    Listen(Listen),
    /// See [`Kind::Path`].
    Path(PathBuf),
    /// Not at all.
    Off,
    /// See [`Kind::Host`].
    Host(String),
    /// See [`Kind::Origin`].
    Origin(String),
    /// See [`Kind::Level`].
    Level(LevelFilter),
    /// See [`Kind::Duration`] and [`Kind::MillisNumber`].
    Duration(Millis),
    /// See [`Kind::Bytes`].
    Bytes(usize),
    /// See [`Kind::Count`].
    Count(usize),
    /// See [`Kind::Choice`].
    Choice(&'static str),
    /// See [`Kind::Room`], [`Kind::Name`] and [`Kind::Text`].
    Text(String),
    /// See [`Kind::Sizes`].
    Sizes(usize, usize),
    /// See [`Kind::Ip`].
    Ip(IpAddr),
    /// See [`Kind::Condition`].
    Condition(Condition),
}

/// Where to listen: an address, or a name that is yet to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address.
    Address(Address),
    /// A name and a port: `localhost:2021`.
    Name(String, u16),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        text.parse().map(Place::Address).or_else(|error| match text.rsplit_once(':') {
            Some((name, port)) if is_host_name(name) => {
                port.parse().map(|port| Place::Name(name.to_owned(), port)).map_err(|_| error)
            }
            _ => Err(error),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Address(address) => address.fmt(f),
            Place::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// Whether it may be the name of a host. What ends in a number is meant as an address.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && !last.starts_with(|c: char| c.is_ascii_digit())
}

/// Where to listen, and whether TLS is spoken there: `0.0.0.0:80`, `tls://0.0.0.0:443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where.
    pub place: Place,
    /// Whether under TLS.
    pub is_tls: bool,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        let (place, is_tls) = match text.strip_prefix("tls://") {
            Some(place) => (place, true),
            None => (text, false),
        };
        Ok(Listen { place: place.parse()?, is_tls })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_tls { "tls://" } else { "" }, self.place)
    }
}

impl Kind {
    /// What stands for the value in the help.
    pub fn value_name(self) -> &'static str {
        match self {
            Kind::Listen | Kind::ListenOrOff => "ADDR",
            Kind::Path => "FILE",
            Kind::Host => "HOST",
            Kind::Origin => "ORIGIN",
            Kind::Level => "LEVEL",
            Kind::Duration(..) | Kind::DurationOrOff(..) => "DURATION",
            Kind::MillisNumber(..) => "MS",
            Kind::Bytes(..) => "BYTES",
            Kind::Count(..) => "N",
            Kind::Choice(_) => "WORD",
            Kind::Room => "ROOM",
            Kind::Name => "NAME",
            Kind::Text => "TEXT",
            Kind::Switch => "",
            Kind::Sizes(..) => "BYTES",
            Kind::Ip => "IP",
            Kind::Condition => "CONDITION",
        }
    }

    /// Reads a value, or says what is wrong and what would be right.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Kind::Listen => text.parse().map(Value::Listen),
            Kind::ListenOrOff if text == "off" => Ok(Value::Off),
            Kind::ListenOrOff => text.parse().map(Value::Listen).map_err(|error: String| error + ", or off"),
            Kind::Path if text.is_empty() => Err("a file has a name".into()),
            Kind::Path => Ok(Value::Path(PathBuf::from(text))),
            Kind::Host => AllowedHosts::default().allow(text).map(|()| Value::Host(text.to_owned())),
            Kind::Origin => AllowedOrigins::default().allow(text).map(|()| Value::Origin(text.to_owned())),
            Kind::Level => text
                .parse()
                .map(Value::Level)
                .map_err(|_| format!("'{text}' is no level: write off, error, warn, info, debug or trace")),
            Kind::Duration(least, most) => {
                let ms = parse_duration(text).ok_or_else(|| {
                    format!(
                        "'{text}' is no length of time: write a number and its unit, as in 250ms, 10s or 5m"
                    )
                })?;
                in_range(ms, least, most, show_duration).map(|ms| Value::Duration(Millis(ms)))
            }
            Kind::DurationOrOff(..) if text == "off" => Ok(Value::Off),
            Kind::DurationOrOff(least, most) => {
                Kind::Duration(least, most).parse(text).map_err(|error| error + ", or off")
            }
            Kind::MillisNumber(least, most) => {
                let ms = text.parse().map_err(|_| format!("'{text}' is no number of milliseconds"))?;
                in_range(ms, least, most, |ms| ms.to_string()).map(|ms| Value::Duration(Millis(ms)))
            }
            Kind::Bytes(least, most) => {
                let bytes = parse_bytes(text)
                    .ok_or_else(|| format!("'{text}' is no size: write bytes, as in 65536, 64k or 16m"))?;
                let bytes = in_range(bytes, least, most, |bytes| bytes.to_string())?;
                usize::try_from(bytes)
                    .map(Value::Bytes)
                    .map_err(|_| format!("{bytes} bytes are more than fit here"))
            }
            Kind::Count(least, most) => {
                let count =
                    text.parse().map_err(|_| format!("'{text}' is no number: write digits, as in 100"))?;
                let count = in_range(count, least, most, |count| count.to_string())?;
                usize::try_from(count)
                    .map(Value::Count)
                    .map_err(|_| format!("{count} is more than fits here"))
            }
            Kind::Choice(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Value::Choice(word)),
                None => Err(format!("'{text}' is none of {}", words.join(", "))),
            },
            Kind::Room => match RoomName::new(text) {
                Ok(name) => Ok(Value::Text(name.as_str().to_owned())),
                Err(why) => Err(format!("'{}' is no room: {why}", text.escape_debug())),
            },
            Kind::Name => match Name::new(text) {
                Ok(name) => Ok(Value::Text(name.as_str().to_owned())),
                Err(why) => Err(format!("'{}' is no name: {why}", text.escape_debug())),
            },
            Kind::Text => Ok(Value::Text(text.to_owned())),
            Kind::Switch => Err("it has no value".into()),
            Kind::Sizes(least, most) => {
                let (from, to) = text.split_once('-').unwrap_or((text, text));
                let size = |text| match Kind::Bytes(least, most).parse(text)? {
                    Value::Bytes(bytes) => Ok(bytes),
                    _ => Err(String::new()),
                };
                match (size(from)?, size(to)?) {
                    (from, to) if from <= to => Ok(Value::Sizes(from, to)),
                    _ => Err(format!("'{text}' is no range: the lesser size comes first, as in 64-4k")),
                }
            }
            Kind::Ip => {
                text.parse().map(Value::Ip).map_err(|_| format!("'{text}' is no IP address, as in 127.0.0.2"))
            }
            Kind::Condition => text.parse().map(Value::Condition),
        }
    }
}

fn in_range(number: u64, least: u64, most: u64, show: impl Fn(u64) -> String) -> Result<u64, String> {
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(format!("{} is out of range: from {} to {}", show(number), show(least), show(most))),
    }
}

/// Splits `250ms` into 250 and `ms`.
fn split_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

fn parse_duration(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(ms)
}

fn show_duration(ms: u64) -> String {
    match ms {
        ms if ms % 3_600_000 == 0 && ms > 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 && ms > 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let kind = Kind::Duration(10, 600_000);
        for (text, ms) in [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("10ms", 10), ("10m", 600_000)] {
            assert_eq!(kind.parse(text), Ok(Value::Duration(Millis(ms))), "{text}");
        }
        for text in
            ["", "10", "s", "1.5s", "-1s", "9ms", "601s", "99999999999999999999s", "18446744073709551615m"]
        {
            assert!(kind.parse(text).is_err(), "{text}");
        }
        assert_eq!(kind.parse("1h"), Err("1h is out of range: from 10ms to 10m".into()));
    }

    #[test]
    fn sizes_may_have_units() {
        let kind = Kind::Bytes(1, 1 << 30);
        for (text, bytes) in [("65536", 65536), ("64k", 65536), ("1M", 1 << 20)] {
            assert_eq!(kind.parse(text), Ok(Value::Bytes(bytes)), "{text}");
        }
        assert!(kind.parse("0").is_err() && kind.parse("2g").is_err() && kind.parse("1x").is_err());
    }

    #[test]
    fn a_listener_may_speak_tls() {
        for (text, is_tls) in [("[::1]:1", false), ("tls://0.0.0.0:443", true), ("tls://unix:/run/s", true)] {
            let listen: Listen = text.parse().expect(text);
            assert_eq!((listen.is_tls, listen.to_string()), (is_tls, text.to_owned()));
        }
        assert!("https://0.0.0.0:443".parse::<Listen>().is_err());
    }

    #[test]
    fn a_listener_has_an_address_or_a_name_or_hears_everything() {
        let place = |text: &str| text.parse::<Listen>().map(|listen| listen.place);
        assert_eq!(place(":2021"), Ok(Place::Address(Address::Everywhere(2021))));
        assert_eq!(place("tls://*:443"), Ok(Place::Address(Address::Everywhere(443))));
        for (text, name, port) in
            [("localhost:2021", "localhost", 2021), ("tls://chat.Example-1.org.:0", "chat.Example-1.org.", 0)]
        {
            assert_eq!(place(text), Ok(Place::Name(name.to_owned(), port)));
        }
        let too_long = format!("{}:1", "a".repeat(254));
        for text in [
            "localhost",
            "2021",
            ":",
            "*",
            "*:",
            ":65536",
            "localhost:",
            "localhost:-1",
            "127.0.0.256:1",
            "127.1:1",
            "::1:2021",
            "a..b:1",
            ".a:1",
            "a b:1",
            "a/b:1",
            "http://a:1",
            "[localhost]:1",
            "*.a:1",
            &too_long,
        ] {
            let error = place(text).expect_err(text);
            assert!(error.contains("expected HOST:PORT, such as 127.0.0.1:2021"), "{error}");
        }
    }

    #[test]
    fn counts_are_digits_and_words_are_of_a_list() {
        let kind = Kind::Count(1, 1000);
        assert_eq!(kind.parse("1000"), Ok(Value::Count(1000)));
        assert_eq!(kind.parse("0"), Err("0 is out of range: from 1 to 1000".into()));
        assert!(kind.parse("1001").is_err() && kind.parse("-1").is_err() && kind.parse("1k").is_err());
        let kind = Kind::Choice(&["yes", "no"]);
        assert_eq!(kind.parse("no"), Ok(Value::Choice("no")));
        assert_eq!(kind.parse("No"), Err("'No' is none of yes, no".into()));
    }

    #[test]
    fn what_can_be_off_is_off_or_a_length_of_time() {
        let kind = Kind::DurationOrOff(10, 600_000);
        assert_eq!(kind.parse("off"), Ok(Value::Off));
        assert_eq!(kind.parse("1m"), Ok(Value::Duration(Millis(60_000))));
        assert!(kind.parse("1h").is_err() && kind.parse("on").is_err());
    }

    #[test]
    fn a_bad_value_is_told_what_a_good_one_is() {
        for (kind, text, hint) in [
            (Kind::Listen, "2021", "127.0.0.1:2021"),
            (Kind::Listen, "tls://2021", "127.0.0.1:2021"),
            (Kind::ListenOrOff, "on", "or off"),
            (Kind::Path, "", "a name"),
            (Kind::Host, "https://chat.example.org", "without a port, such as chat.example.org"),
            (Kind::Host, "chat.example.org:443", "without a port"),
            (Kind::Origin, "example.org", "https://example.org"),
            (Kind::Level, "loud", "debug"),
            (Kind::Duration(0, 1), "5", "5m"),
            (Kind::DurationOrOff(0, 1), "5", "or off"),
            (Kind::Bytes(0, 1), "five", "64k"),
            (Kind::Count(0, 1), "five", "100"),
            (Kind::Choice(&["a", "b"]), "c", "a, b"),
            (Kind::Room, "a b", "A-Z"),
            (Kind::Name, " ann", "space"),
            (Kind::Name, "a\nb", "control"),
            (Kind::Sizes(40, 100), "39", "from 40 to 100"),
            (Kind::Sizes(40, 100), "90-80", "lesser"),
            (Kind::Ip, "localhost", "127.0.0.2"),
            (Kind::Condition, "fast", "p99<50ms"),
        ] {
            let error = kind.parse(text).expect_err(text);
            assert!(error.contains(hint) && !error.contains('\n'), "{error}");
        }
    }
}
