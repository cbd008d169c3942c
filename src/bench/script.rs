//! A server's own protocol, as a script tells it: the steps of a login, answers to the server, and heartbeats.
//!
//! ```text
//!   handshake ──▶ step 1 ──▶ step 2 ──▶ ... ──▶ ready ──▶ messages with {payload}
//!                 send, expect, save           heartbeats from here on
//!                 answers all the while
//! ```
//!
//! This file holds the script and decides which message matches; `login.rs` follows the script on a connection, and
//! `config/bench/script.rs` reads it from TOML.

use super::template::Template;
use regex_lite::Regex;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

/// How a server is spoken to.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The file it was read from.
    pub file: String,
    /// The names of the saved variables.
    pub variables: Vec<String>,
    /// What happens before a connection is ready, in this order.
    pub steps: Vec<Step>,
    /// What is sent when the server says something that wants an answer.
    pub answers: Vec<Answer>,
    /// What is sent at intervals once the connection is ready.
    pub heartbeats: Vec<Heartbeat>,
}

/// One step of a login: first it sends, then it waits for a message.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name in errors; it may be empty.
    pub name: String,
    /// The text to send.
    pub send: Option<Template>,
    /// The message to wait for. Messages that do not match are skipped.
    pub expect: Option<Pattern>,
    /// A message that ends the login at once.
    pub fail_on: Option<Pattern>,
    /// Values to keep from the message that matched.
    pub save: Vec<Save>,
    /// How long to wait for that message.
    pub timeout: Duration,
}

/// An answer to the server, whenever a message matches.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The message to answer.
    pub when: Pattern,
    /// Values to keep from that message.
    pub save: Vec<Save>,
    /// The text to send.
    pub send: Template,
}

/// A text that is sent at intervals.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The interval.
    pub every: Duration,
    /// The text to send.
    pub send: Template,
}

/// A value to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The variable's place in [`Script::variables`].
    pub variable: usize,
    /// Where the value is in the message.
    pub source: Source,
}

/// Where a value is in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// At this JSON pointer (RFC 6901).
    Pointer(String),
    /// In the group of this name of the pattern's regular expression.
    Group(String),
}

/// What a message must be. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// The whole text.
    pub equals: Option<String>,
    /// How the text begins.
    pub starts_with: Option<String>,
    /// A part of the text.
    pub contains: Option<String>,
    /// A regular expression that matches somewhere in the text.
    pub regex: Option<Regex>,
    /// JSON pointers, and the values that must be there.
    pub json: Vec<(String, Value)>,
}

/// A message, whose JSON is read at most once.
#[derive(Debug)]
pub struct Message<'m> {
    text: &'m str,
    json: OnceCell<Option<Value>>,
}

impl<'m> Message<'m> {
    /// The messages of a frame. Some servers put several JSON values into one frame, one a line: each is a message then.
    pub fn split(text: &'m str) -> impl Iterator<Item = Message<'m>> {
        let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
        let has_lines = text.contains('\n')
            && !is_json(text)
            && text.lines().all(|line| line.trim().is_empty() || is_json(line));
        let lines =
            text.lines().filter(|line| !line.trim().is_empty()).take(if has_lines { usize::MAX } else { 0 });
        lines.chain((!has_lines).then_some(text)).map(Message::new)
    }

    fn new(text: &'m str) -> Message<'m> {
        Message { text, json: OnceCell::new() }
    }

    /// All of it.
    pub fn text(&self) -> &'m str {
        self.text
    }

    /// Its JSON: the whole text or, where the text begins with something else, all from the first `{` or `[` on.
    fn json(&self) -> Option<&Value> {
        let read = || {
            let whole = serde_json::from_str(self.text).ok();
            whole.or_else(|| serde_json::from_str(&self.text[self.text.find(['{', '['])?..]).ok())
        };
        self.json.get_or_init(read).as_ref()
    }

    /// The value at a JSON pointer.
    fn at(&self, pointer: &str) -> Option<&Value> {
        self.json()?.pointer(pointer)
    }
}

impl Pattern {
    /// Whether a message is so.
    pub fn matches(&self, message: &Message<'_>) -> bool {
        let Pattern { equals, starts_with, contains, regex, json } = self;
        let text = message.text;
        equals.as_ref().is_none_or(|whole| text == whole)
            && starts_with.as_ref().is_none_or(|start| text.starts_with(&**start))
            && contains.as_ref().is_none_or(|part| text.contains(&**part))
            && regex.as_ref().is_none_or(|regex| regex.is_match(text))
            && json
                .iter()
                .all(|(pointer, value)| message.at(pointer).is_some_and(|found| is_same(found, value)))
    }

    /// The text of a value in a message that matched, if it is there.
    pub fn find(&self, source: &Source, message: &Message<'_>) -> Option<String> {
        match source {
            Source::Pointer(pointer) => message.at(pointer).map(|value| match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            }),
            Source::Group(name) => {
                let captures = self.regex.as_ref()?.captures(message.text)?;
                captures.name(name).map(|group| group.as_str().to_owned())
            }
        }
    }
}

/// Whether two values are the same; 1 and 1.0 are.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pattern { equals, starts_with, contains, regex, json } = self;
        let quoted = |verb: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{verb} '{}'", text.escape_debug()))
        };
        let conditions = [
            quoted("equals", equals),
            quoted("starts with", starts_with),
            quoted("contains", contains),
            regex.as_ref().map(|regex| format!("matches the regex '{}'", regex.as_str())),
        ];
        let json = json.iter().map(|(pointer, value)| format!("has {value} at the JSON pointer '{pointer}'"));
        let words: Vec<String> = conditions.into_iter().flatten().chain(json).collect();
        write!(f, "a message that {}", words.join(" and "))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Pointer(pointer) => write!(f, "value at the JSON pointer '{pointer}'"),
            Source::Group(name) => write!(f, "text for the regex's group '{name}'"),
        }
    }
}

impl Script {
    /// What a step is called in an error: its number from 1, and its name.
    pub fn step_name(&self, index: usize) -> String {
        match self.steps.get(index).map(|step| &*step.name) {
            None | Some("") => format!("step {}", index + 1),
            Some(name) => format!("step {} ({name})", index + 1),
        }
    }

    /// Whether connections have to be looked at from time to time.
    pub fn has_times(&self) -> bool {
        !self.steps.is_empty() || !self.heartbeats.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pattern(json: &[(&str, Value)]) -> Pattern {
        let json = json.iter().map(|(pointer, value)| ((*pointer).to_owned(), value.clone())).collect();
        Pattern { json, ..Pattern::default() }
    }

    #[test]
    fn a_pattern_matches_when_all_its_conditions_hold() {
        let some = |text: &str| Some(text.to_owned());
        let regex = |text| Some(Regex::new(text).expect("a regex"));
        for (pattern, yes, no) in [
            (Pattern { equals: some("2"), ..Pattern::default() }, "2", "22"),
            (Pattern { starts_with: some("0{"), ..Pattern::default() }, r#"0{"sid":"x"}"#, "40{"),
            (Pattern { contains: some("é"), ..Pattern::default() }, "café!", "cafe"),
            (Pattern { regex: regex("^4[0-9]+$"), ..Pattern::default() }, "42", "42["),
            (pattern(&[("/id", json!(1))]), r#"{"id":1.0}"#, r#"{"id":"1"}"#),
            (pattern(&[("/id", json!(1)), ("/a/0", json!(true))]), r#"{"id":1,"a":[true]}"#, r#"{"id":1}"#),
            (pattern(&[("/1", json!("b"))]), r#"42["a","b"]"#, r#"42["a"]"#),
            (pattern(&[("", json!({}))]), "{}", r#"{"id":1}"#),
            (
                Pattern { contains: some("x"), ..pattern(&[("/sid", json!("x"))]) },
                r#"40{"sid":"x"}"#,
                r#"40{"sid":"y","x":1}"#,
            ),
            (pattern(&[("/id", json!(null))]), r#"{"id":null}"#, "{"),
        ] {
            assert!(pattern.matches(&Message::new(yes)), "{pattern}: {yes}");
            assert!(!pattern.matches(&Message::new(no)), "{pattern}: {no}");
        }
    }

    #[test]
    fn values_are_found_as_texts() {
        let message = Message::new(r#"0{"sid":"a\"b","n":25,"o":{"p":[1]}}"#);
        let found = |pointer: &str| Pattern::default().find(&Source::Pointer(pointer.into()), &message);
        assert_eq!(found("/sid").as_deref(), Some("a\"b"));
        assert_eq!(found("/n").as_deref(), Some("25"));
        assert_eq!(found("/o").as_deref(), Some(r#"{"p":[1]}"#));
        assert_eq!(found("/o/q"), None);
        let regex = Regex::new("nick=(?<nick>[a-z]+)(?<rest>;.*)?").expect("a regex");
        let pattern = Pattern { regex: Some(regex), ..Pattern::default() };
        let group = |name: &str| pattern.find(&Source::Group(name.into()), &Message::new("nick=ann"));
        assert_eq!((group("nick").as_deref(), group("rest")), (Some("ann"), None));
    }

    #[test]
    fn lines_of_json_are_messages_of_their_own() {
        let split =
            |text: &'static str| Message::split(text).map(|message| message.text()).collect::<Vec<_>>();
        assert_eq!(split("{\"id\":1}\n{\"id\":2}\n"), ["{\"id\":1}", "{\"id\":2}"]);
        for whole in ["", "2", "{\n\"id\":1\n}", "CONNECTED\nversion:1.2\n\n\0", "{}\n42[]"] {
            assert_eq!(split(whole), [whole]);
        }
    }
}
