//! `chinwag join`: a session, the loop that it runs on, and its user: a screen, a terminal without one, or a pipe.

use super::{complain, trust};
use crate::client::{Dialler, Mail, Masks, Session, Settings, User};
use crate::config::Join;
use crate::join::{Here, Pipe, Plain, Terminal, TerminalInput, give_back, read_events, read_lines};
use crate::net::{Post, Reactor};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::env;
use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

/// How many earlier messages a screen shows on coming in.
const HISTORY: u64 = 50;

/// Runs the client until its user leaves.
pub fn run(config: Join) -> ExitCode {
    // What is typed at a terminal may be a command, wherever the answers go. Only what comes from elsewhere is said as it is.
    let result = match io::stdin().is_terminal() {
        false => run_pipe(config),
        true if config.json || !io::stdout().is_terminal() || is_dumb() => run_plain(&config),
        true => run_terminal(&config),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A terminal that can show lines, and nothing else.
pub fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// See <https://no-color.org>.
fn wants_colors() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A session that wants to be in its rooms.
fn session<M: Send + 'static>(
    config: &Join,
    reactor: &Reactor<M>,
    is_patient: bool,
    history: u64,
) -> Session {
    let Join { url, name, token, json, rooms, .. } = config.clone();
    let settings = Settings { url, name, token, is_patient, keeps_objects: json };
    let mut session = Session::new(settings, Masks::default());
    rooms.iter().for_each(|room| session.join(reactor.now(), room, history));
    session
}

/// Until its user is done.
fn drive<U: User>(
    config: &Join,
    mut reactor: Reactor<Mail<U::Mail>>,
    session: Session,
    user: U,
) -> io::Result<U> {
    let tls =
        trust::end_for(&config.url, config.ca.as_deref(), config.is_insecure).map_err(io::Error::other)?;
    let mut dialler = Dialler::new(session, user, reactor.post()).with_tls(tls);
    reactor.run(&mut dialler)?;
    Ok(dialler.into_user())
}

/// A flag without an effect says so until it has one.
const NO_TOKEN: &str = "--token has no effect yet: no server checks it";

fn warn_of_token(config: &Join) {
    if config.token.is_some() {
        complain(format_args!("* {NO_TOKEN}"));
    }
}

fn run_pipe(config: Join) -> io::Result<ExitCode> {
    warn_of_token(&config);
    let reactor = Reactor::new()?;
    let session = session(&config, &reactor, false, config.history.unwrap_or(0));
    let out = BufWriter::new(io::stdout());
    let (pipe, credits) =
        Pipe::new(config.rooms.clone(), config.json, io::stdout().is_terminal(), out, io::stderr());
    let post = reactor.post();
    let read = move || read_lines(&mut io::stdin().lock(), &post, &credits);
    std::thread::Builder::new().name("input".into()).spawn(read)?;
    let pipe = drive(&config, reactor, session, pipe)?;
    Ok(if pipe.has_succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_plain(config: &Join) -> io::Result<ExitCode> {
    warn_of_token(config);
    let reactor = Reactor::new()?;
    let history = config.history.unwrap_or(HISTORY);
    let session = session(config, &reactor, true, history);
    let begin = (&config.rooms[..], config.url.to_string(), history);
    let clock = Box::new(Here::system());
    let (plain, credits) = Plain::new(begin, config.json, clock, io::stdout(), io::stderr());
    let post = reactor.post();
    let read = move || read_lines(&mut io::stdin().lock(), &post, &credits);
    std::thread::Builder::new().name("input".into()).spawn(read)?;
    let plain = drive(config, reactor, session, plain)?;
    Ok(if plain.has_been_ended() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_terminal(config: &Join) -> io::Result<ExitCode> {
    let reactor = Reactor::new()?;
    let history = config.history.unwrap_or(HISTORY);
    let session = session(config, &reactor, true, history);
    end_on_signals(reactor.post())?;
    let mut terminal = Terminal::new(&config.rooms, config.url.to_string(), history, wants_colors())?;
    if config.token.is_some() {
        terminal.tell(NO_TOKEN);
    }
    let post = reactor.post();
    std::thread::Builder::new().name("input".into()).spawn(move || read_events(&post))?;
    let terminal = drive(config, reactor, session, terminal)?;
    let ended = terminal.has_been_ended();
    Ok(match terminal.signal() {
        // As the shell counts it: 128 and the signal.
        Some(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        None if ended => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    })
}

/// The first signal ends it as its user would; the second on the spot.
fn end_on_signals(post: Post<Mail<TerminalInput>>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            if std::mem::replace(&mut is_ending, true)
                || post.send(Mail::User(TerminalInput::Signal(signal))).is_err()
            {
                give_back();
                std::process::exit(128 + signal);
            }
        }
    })?;
    Ok(())
}
