//! The settings: one table, from which flags, their checks and their help are made.
//!
//! A row says what a setting is called, what it may be, and what it is when nobody says anything. Whatever reads settings,
//! be it the command line or the help, reads the table.

mod serve;
mod value;

use clap::{Arg, ArgAction, ArgMatches, Command};

pub use serve::{SETTINGS as SERVE_SETTINGS, Serve};
pub use value::{Kind, Value};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The flag, without its dashes.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when it is not given; empty for nothing.
    pub default: &'static str,
    /// Whether it may be given more than once.
    pub repeats: bool,
    /// One sentence.
    pub help: &'static str,
}

/// Adds a flag for each row to a command.
pub fn with_flags(command: Command, settings: &'static [Setting]) -> Command {
    settings.iter().fold(command, |command, setting| {
        let kind = setting.kind;
        let arg = Arg::new(setting.name)
            .long(setting.name)
            .value_name(kind.value_name())
            .help(setting.help)
            .action(if setting.repeats { ArgAction::Append } else { ArgAction::Set })
            .value_parser(move |text: &str| kind.parse(text));
        let arg = match kind {
            // With its value, if it has one, behind an equals sign: what follows it without one is something else.
            Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value(value::ON),
            _ => arg,
        };
        command.arg(if setting.default.is_empty() { arg } else { arg.default_value(setting.default) })
    })
}

/// The values of a setting: those that were given, or else its default.
fn values<'m>(matches: &'m ArgMatches, name: &str) -> impl Iterator<Item = &'m Value> {
    matches.get_many::<Value>(name).into_iter().flatten()
}

/// The value of a setting that has one.
fn value<'m>(matches: &'m ArgMatches, name: &str) -> &'m Value {
    matches.get_one::<Value>(name).expect("a setting that does not repeat has a default")
}
