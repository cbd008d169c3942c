//! The settings: one table, from which flags, their checks and their help are made.
//!
//! A row says what a setting is called, what it may be, and what it is when nobody says anything. Whatever reads settings,
//! be it the command line or the help, reads the table.

mod bench;
mod join;
mod serve;
mod value;

use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;

pub use bench::{Bench, SETTINGS as BENCH_SETTINGS, with_url as with_bench_url};
pub use join::{Join, SETTINGS as JOIN_SETTINGS, URL, with_url};
pub use serve::{SETTINGS as SERVE_SETTINGS, Serve};
pub use value::{Kind, Listen, Place, Value};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The flag, without its dashes.
    pub name: &'static str,
    /// The flag as one letter, if it is used often.
    pub short: Option<char>,
    /// What it may be.
    pub kind: Kind,
    /// What it is when it is not given; empty for nothing.
    pub default: &'static str,
    /// Whether it may be given more than once.
    pub repeats: bool,
    /// One sentence.
    pub help: &'static str,
}

impl Setting {
    /// The same, also known by one letter.
    const fn or(mut self, short: char) -> Setting {
        self.short = Some(short);
        self
    }

    /// The same, and it may be given more than once.
    const fn repeated(mut self) -> Setting {
        self.repeats = true;
        self
    }
}

/// Adds a flag for each row to a command.
pub fn with_flags(command: Command, settings: &'static [Setting]) -> Command {
    settings.iter().fold(command, |command, setting| {
        let kind = setting.kind;
        let arg = Arg::new(setting.name).long(setting.name).short(setting.short).help(setting.help);
        if matches!(kind, Kind::Switch) {
            return command.arg(arg.action(ArgAction::SetTrue));
        }
        let arg = arg
            .value_name(kind.value_name())
            .action(if setting.repeats { ArgAction::Append } else { ArgAction::Set })
            .value_parser(move |text: &str| kind.parse(text));
        command.arg(if setting.default.is_empty() { arg } else { arg.default_value(setting.default) })
    })
}

/// The path that was given, if one was.
fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    values(matches, name)
        .find_map(|value| if let Value::Path(path) = value { Some(path.clone()) } else { None })
}

/// The values of a setting: those that were given, or else its default.
fn values<'m>(matches: &'m ArgMatches, name: &str) -> impl Iterator<Item = &'m Value> {
    matches.get_many::<Value>(name).into_iter().flatten()
}

/// The texts of a setting: those that were given, or else its default.
fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
    values(matches, name).filter_map(text).collect()
}

/// The value of a setting that has one.
fn value<'m>(matches: &'m ArgMatches, name: &str) -> &'m Value {
    matches.get_one::<Value>(name).expect("a setting that does not repeat has a default")
}
