//! The command: it reads flags, wires the parts together, and runs them.

mod bench;
mod certificate;
mod join;
mod listeners;
mod pages;
mod random;
mod scrape;
mod serve;
mod signals;
mod trust;
mod tui;

use crate::config::{self, with_flags};
use clap::Command;
use clap::error::ErrorKind;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code for flags that make no sense.
const USAGE: u8 = 2;

/// Writes a line to the standard error. A reader that has gone does not change how the command ends.
fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The whole command line.
pub fn command() -> Command {
    let serve = Command::new("serve")
        .about("Run the chat daemon")
        .long_about(
            "Run the chat daemon: a chat page, WebSocket and HTTP on one port, lines for netcat on another.\n\
             Rooms live in memory and go with the process.",
        )
        .after_help(
            "Examples:\n  \
             chinwag serve\n  \
             chinwag serve --listen :80 --line-listen off\n  \
             chinwag serve --listen unix:/run/chinwag.sock --allow-origin https://example.org\n  \
             chinwag serve --listen tls://0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem\n\n\
             Then open http://127.0.0.1:2021/ in a browser, or: nc 127.0.0.1 2020",
        );
    let join = Command::new("join")
        .about("Talk in the chat, on a terminal or in a pipe")
        .long_about(
            "Talk in the chat. On a terminal: a screen with rooms, history and an input line; /help tells the rest.\n\
             Where standard input or output is no terminal: lines in are published, messages come out as lines,\n\
             notices go to standard error. It exits with 0 when every line has been taken.",
        )
        .after_help(
            "Examples:\n  \
             chinwag join\n  \
             chinwag join ws://chat.example.org --room dev --room ops --name ann\n  \
             chinwag join wss://chat.example.org --ca ca.pem\n  \
             make 2>&1 | chinwag join --room builds --name ci\n  \
             chinwag join --json | jq .data\n  \
             chinwag join --history 20 < /dev/null",
        );
    Command::new("chinwag")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A chat daemon: browser, JSON program, websocat and netcat in the same rooms")
        .after_help(
            "Examples:\n  chinwag serve\n  chinwag join\n  chinwag bench fanout\n  chinwag serve --help",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_flags(serve, config::SERVE_SETTINGS))
        .subcommand(with_flags(config::with_url(join), config::JOIN_SETTINGS))
        .subcommand(with_flags(config::with_bench_url(bench::command()), config::BENCH_SETTINGS))
}

/// Runs what the process's arguments ask for.
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return answer(&error, std::env::args().nth(1).as_deref()),
    };
    match matches.subcommand() {
        Some(("serve", matches)) => match config::Serve::from_matches(matches) {
            Ok(config) => serve::run(&config),
            Err(why) => {
                complain(format_args!("error: {why}; chinwag serve --help shows what there is"));
                ExitCode::from(USAGE)
            }
        },
        Some(("join", matches)) => join::run(config::Join::from_matches(matches)),
        Some(("bench", matches)) => bench::main(matches),
        _ => ExitCode::from(USAGE),
    }
}

/// Help and version go out as they are; an error is one line, which names the page that helps.
fn answer(error: &clap::Error, first: Option<&str>) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            let text = error.render().to_string();
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let mut message = lines.next().unwrap_or("error: bad arguments").to_owned();
            if message.ends_with(':')
                && let Some(what) = lines.next()
            {
                message = format!("{message} {what}");
            }
            let tip = lines
                .find(|line| line.starts_with("tip:"))
                .map(|tip| format!(" ({tip})"))
                .unwrap_or_default();
            let commands = command();
            let help = match first.filter(|first| commands.find_subcommand(first).is_some()) {
                Some(first) => format!("chinwag {first} --help"),
                None => "chinwag --help".to_owned(),
            };
            complain(format_args!("{message}{tip}; {help} shows what there is"));
            ExitCode::from(USAGE)
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
