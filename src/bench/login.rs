//! A script, followed on a connection: the steps of its login, its answers, its heartbeats.
//!
//! A login that fails is an attempt to connect that failed, under an error of its own that names the step. Frames that a
//! step does not expect are skipped: a server may greet, ping and tell of others as it likes.

use super::ear::Ear;
use super::script::{Message, Pattern, Save, Script, Source, Step};
use super::seat::{Kept, Person, Stage};
use crate::client::Outgoing;
use std::fmt::Write;
use std::sync::Arc;

/// How much of a message is told in an error.
const TOLD_BYTES_MAX: usize = 200;
/// The longest value that is saved.
const SAVED_BYTES_MAX: usize = 64 * 1024;
/// While so much waits to be written, nothing is answered and no heartbeat is sent.
const UNWRITTEN_BYTES_MAX: usize = 64 * 1024;

/// How far a connection has come in its script, and what it has saved.
#[derive(Debug, Default)]
pub struct Login {
    /// The index of the step, which is the number of steps once all are done.
    step: usize,
    /// When the step began to wait, or when the last one was done.
    since: u64,
    /// By variable.
    saved: Vec<String>,
    /// Messages that the step has skipped, and the beginning of the last of them.
    skipped: u64,
    last: String,
    /// By heartbeat: how many were sent.
    beats: Vec<u64>,
}

impl Login {
    /// What came instead of what was expected.
    fn instead(&self) -> String {
        match self.skipped {
            0 => "no message came".to_owned(),
            1 => format!("only this message came: '{}'", self.last),
            count => format!("none of {count} messages was so, the last of them '{}'", self.last),
        }
    }
}

/// The beginning of a message, without control characters.
fn told(text: &str) -> String {
    let len = text.floor_char_boundary(TOLD_BYTES_MAX);
    let dots = if len < text.len() { "..." } else { "" };
    let escape = |letter: char| match letter.is_control() {
        true => letter.escape_debug().to_string(),
        false => letter.to_string(),
    };
    text[..len].chars().map(escape).collect::<String>() + dots
}

impl Ear {
    fn script(&self) -> Option<Arc<Script>> {
        self.plan.templates.script.clone()
    }

    /// Begins the script of a connection that is open. Returns whether it has steps, after which the connection joins.
    pub(super) fn log_in(&mut self, person: &mut Person, out: &mut Outgoing, at: u64) -> bool {
        let Some(script) = self.script() else { return false };
        person.kept().login = Some(Box::new(Login {
            since: at,
            saved: vec![String::new(); script.variables.len()],
            beats: vec![0; script.heartbeats.len()],
            ..Login::default()
        }));
        if !script.steps.is_empty() {
            self.proceed(&script, person, out, at);
        }
        !script.steps.is_empty()
    }

    /// Sends what there is to send, up to the next step that waits for a message.
    fn proceed(&mut self, script: &Script, person: &mut Person, out: &mut Outgoing, at: u64) {
        let id = person.id;
        let Some(login) = person.login_mut() else { return };
        (login.since, login.skipped) = (at, 0);
        login.last.clear();
        while let Some(step) = script.steps.get(login.step) {
            if let Some(send) = &step.send {
                out.text(&self.speech.fill(send, id, login.step as u64, &login.saved));
            }
            if step.expect.is_some() {
                return;
            }
            login.step += 1;
        }
        self.join_rooms(person, out, at);
    }

    /// The step that the connection waits in.
    fn waiting<'s>(&self, script: &'s Script, person: &Person) -> Option<(usize, &'s Step)> {
        let index = person.login().filter(|_| person.stage == Stage::Joining && !person.is_ending)?.step;
        Some((index, script.steps.get(index)?))
    }

    /// Whether the connection is still in a step, which has a timeout of its own.
    pub(super) fn is_in_script(&self, person: &Person) -> bool {
        self.plan.templates.script.as_ref().is_some_and(|script| self.waiting(script, person).is_some())
    }

    /// What the connection waits for, for an error about its end.
    pub(super) fn waits_for(&self, person: &Person) -> Option<String> {
        let script = self.plan.templates.script.as_ref()?;
        let (index, step) = self.waiting(script, person)?;
        let expected = step.expect.as_ref()?;
        Some(format!("{} expected {expected}", script.step_name(index)))
    }

    /// Takes in a frame that is no message of ours, or that came before the connection was ready.
    #[cold]
    pub(super) fn hear_script(&mut self, person: &mut Person, out: &mut Outgoing, text: &str, at: u64) {
        let Some(script) = self.script() else { return };
        for message in Message::split(text) {
            let is_answered = self.answer(&script, person, out, &message);
            if let Some((_, step)) = self.waiting(&script, person) {
                let is_taken = self.take_step(&script, step, person, out, &message, at);
                if !is_taken
                    && !is_answered
                    && let Some(login) = person.login_mut()
                {
                    login.skipped += 1;
                    login.last = told(message.text());
                }
            }
        }
    }

    /// Answers a message. Returns whether it wanted an answer.
    fn answer(
        &mut self,
        script: &Script,
        person: &mut Person,
        out: &mut Outgoing,
        message: &Message<'_>,
    ) -> bool {
        let id = person.id;
        let Some(login) = person.login_mut() else { return false };
        let mut is_answered = false;
        for answer in script.answers.iter().filter(|answer| answer.when.matches(message)) {
            is_answered = true;
            let is_saved = save(&answer.save, &answer.when, message, &mut login.saved);
            let told_why = || match &is_saved {
                Err(why) => format!("{}: '{}'", why.words(script), told(message.text())),
                Ok(()) => "the server does not read the answers that the script sends".to_owned(),
            };
            if is_saved.is_err() || out.unwritten().len() >= UNWRITTEN_BYTES_MAX {
                self.note_error(id, "script: an answer was not sent", told_why, "");
            } else {
                out.text(&self.speech.fill(&answer.send, id, login.step as u64, &login.saved));
            }
        }
        is_answered
    }

    /// Shows a message to the step that waits. Returns whether the step is over, done or failed.
    fn take_step(
        &mut self,
        script: &Script,
        step: &Step,
        person: &mut Person,
        out: &mut Outgoing,
        message: &Message<'_>,
        at: u64,
    ) -> bool {
        let (Some(login), Some(expected)) = (person.login_mut(), &step.expect) else { return false };
        let came = || format!("'{}'", told(message.text()));
        if let Some(wrong) = step.fail_on.as_ref().filter(|wrong| wrong.matches(message)) {
            self.fail(script, person, &format!("expected {expected}, and got {wrong}: {}", came()));
        } else if !expected.matches(message) {
            return false;
        } else if let Err(why) = save(&step.save, expected, message, &mut login.saved) {
            self.fail(script, person, &format!("{}: {}", why.words(script), came()));
        } else {
            login.step += 1;
            self.proceed(script, person, out, at);
        }
        true
    }

    /// Ends a login, which is counted with the attempts to connect that failed.
    fn fail(&mut self, script: &Script, person: &mut Person, why: &str) {
        let name = script.step_name(person.login().map_or(0, |login| login.step));
        self.note_error(person.id, &format!("script: {name}"), || format!("{name} {why}"), "");
        self.note_end(person);
    }

    /// Ends the logins that take too long, and sends the heartbeats that are due.
    pub(super) fn keep_time(&mut self, person: &mut Person, out: &mut Outgoing, now: u64) {
        let Some(script) = self.script() else { return };
        if let Some((_, step)) = self.waiting(&script, person) {
            let (Some(login), Some(expected)) = (person.login(), &step.expect) else { return };
            if u128::from(now.saturating_sub(login.since)) < step.timeout.as_nanos() {
                return;
            }
            let seconds = step.timeout.as_secs_f64();
            let mut why = String::new();
            // Writing to a String does not fail.
            let _ = write!(why, "expected {expected} within {seconds} s: {}", login.instead());
            return self.fail(&script, person, &why);
        }
        if person.stage != Stage::Ready {
            return;
        }
        let id = person.id;
        let Some(login) = person.login_mut() else { return };
        let waited = u128::from(now.saturating_sub(login.since));
        for (heartbeat, sent) in script.heartbeats.iter().zip(&mut login.beats) {
            if waited < heartbeat.every.as_nanos() * u128::from(*sent + 1) {
                continue;
            }
            if out.unwritten().len() < UNWRITTEN_BYTES_MAX {
                out.text(&self.speech.fill(&heartbeat.send, id, *sent, &login.saved));
            }
            *sent += 1;
        }
    }
}

/// Why a value was not saved.
struct NotSaved<'s> {
    save: &'s Save,
    is_too_long: bool,
}

impl NotSaved<'_> {
    fn words(&self, script: &Script) -> String {
        let Save { variable, source } = self.save;
        let name = script.variables.get(*variable).map_or("", String::as_str);
        match self.is_too_long {
            true => format!("found more than {SAVED_BYTES_MAX} bytes to save as {{{name}}} in the message"),
            false => format!("found no {source} to save as {{{name}}} in the message"),
        }
    }
}

/// Keeps the values of a message that matched the pattern.
fn save<'s>(
    saves: &'s [Save],
    pattern: &Pattern,
    message: &Message<'_>,
    saved: &mut [String],
) -> Result<(), NotSaved<'s>> {
    for save in saves {
        match pattern.find(&save.source, message) {
            Some(value) if value.len() > SAVED_BYTES_MAX => {
                return Err(NotSaved { save, is_too_long: true });
            }
            Some(value) => {
                if let Some(place) = saved.get_mut(save.variable) {
                    *place = value;
                }
            }
            // A group may be optional.
            None if matches!(save.source, Source::Group(_)) => {}
            None => return Err(NotSaved { save, is_too_long: false }),
        }
    }
    Ok(())
}

/// The values that the script has saved on a connection.
pub fn saved(kept: Option<&Kept>) -> &[String] {
    kept.and_then(|kept| kept.login.as_deref()).map_or(&[], |login| &login.saved)
}

impl Person {
    fn login(&self) -> Option<&Login> {
        self.kept.as_deref()?.login.as_deref()
    }

    fn login_mut(&mut self) -> Option<&mut Login> {
        self.kept.as_deref_mut()?.login.as_deref_mut()
    }
}
