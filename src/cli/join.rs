//! `chinwag join`: a session, the loop that it runs on, and whoever uses it: a screen, or a pipe.

use crate::client::{Dialler, Mail, Masks, Session, Settings};
use crate::config::Join;
use crate::join::{Input, Pipe, read_lines};
use crate::net::Reactor;
use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;

/// Runs the client until its user leaves.
pub fn run(config: Join) -> ExitCode {
    match run_pipe(config) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn session(config: &Join, is_patient: bool) -> Session {
    let Join { url, name, token, json, .. } = config.clone();
    Session::new(Settings { url, name, token, is_patient, keeps_objects: json }, Masks::default())
}

fn run_pipe(config: Join) -> io::Result<bool> {
    let mut reactor: Reactor<Mail<Input>> = Reactor::new()?;
    let mut session = session(&config, false);
    for room in &config.rooms {
        session.join(reactor.now(), room, config.history.unwrap_or(0));
    }
    let out = BufWriter::new(io::stdout());
    let (pipe, credits) = Pipe::new(config.rooms, config.json, io::stdout().is_terminal(), out, io::stderr());
    let post = reactor.post();
    std::thread::Builder::new()
        .name("input".into())
        .spawn(move || read_lines(&mut io::stdin().lock(), &post, &credits))?;
    let mut dialler = Dialler::new(session, pipe, reactor.post());
    reactor.run(&mut dialler)?;
    Ok(dialler.into_user().has_succeeded())
}
