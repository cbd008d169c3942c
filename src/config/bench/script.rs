//! The file of `--script`: TOML, as [`Script`] has it, and what it sets beside that.
//!
//! The table is read by hand rather than derived, so that each error has its place in the file and says what to write.

use super::expanded;
use crate::bench::script::{Answer, Heartbeat, Pattern, Save, Script, Source, Step};
use crate::bench::template::{PAYLOAD, Template, is_variable};
use crate::config::{Kind, Value as Setting};
use crate::time::Millis;
use regex_lite::Regex;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest script that is read.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;
/// How long a step waits for its message, if it does not say so.
const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT_MS_MAX: u64 = 10 * 60_000;
const EVERY_MS_MIN: u64 = 100;
const EVERY_MS_MAX: u64 = 24 * 3_600_000;
/// How deep the tables of an expected JSON value lie in one another.
const JSON_DEPTH_MAX: usize = 32;

const TOP_KEYS: &[&str] = &[
    "path",
    "subprotocol",
    "header",
    "self-echo",
    "join-template",
    "send-template",
    "step",
    "answer",
    "heartbeat",
];
const STEP_KEYS: &[&str] = &["name", "send", "expect", "fail-on", "save", "timeout"];
const ANSWER_KEYS: &[&str] = &["when", "save", "send"];
const HEARTBEAT_KEYS: &[&str] = &["every", "send"];
const PATTERN_KEYS: &[&str] = &["equals", "starts-with", "contains", "regex", "json"];

/// What a file says. The flags of the same names come before it.
#[derive(Clone, Debug, Default)]
pub(super) struct ScriptFile {
    /// The path and the query of a URL that has none.
    pub path: Option<String>,
    /// Subprotocols to offer.
    pub subprotocols: Vec<String>,
    /// Header fields, as `--header` has them.
    pub headers: Vec<String>,
    /// Whether a sender receives its own messages.
    pub self_echo: bool,
    /// See `--join-template`.
    pub join: Option<String>,
    /// See `--send-template`.
    pub send: Option<String>,
    /// All else.
    pub script: Script,
    /// The texts that the script sends, in which `{token}` may stand.
    pub texts: Vec<String>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<ScriptFile, String> {
    let mut text = String::new();
    let len = File::open(path)
        .and_then(|file| file.take(SCRIPT_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot read the script {}: {error}", path.display()))?;
    if len as u64 > SCRIPT_BYTES_MAX {
        return Err(format!("the script {} is longer than {SCRIPT_BYTES_MAX} bytes", path.display()));
    }
    parse(&text, &path.display().to_string())
}

/// Where something is wrong, and what to write instead.
#[derive(Debug)]
struct Fault {
    span: Range<usize>,
    words: String,
}

type Result2<T> = Result<T, Fault>;

fn fault<T>(span: Range<usize>, words: impl Into<String>) -> Result2<T> {
    Err(Fault { span, words: words.into() })
}

fn parse(text: &str, file: &str) -> Result<ScriptFile, String> {
    let read = || -> Result2<ScriptFile> {
        let table = DeTable::parse(text).map_err(|error| Fault {
            span: error.span().unwrap_or(0..0),
            words: format!("this is not TOML: {}", error.message().trim().replace('\n', ", ")),
        })?;
        read_table(&Table { table: table.get_ref(), name: "the script", span: 0..0 })
    };
    let mut script = read().map_err(|Fault { span, words }| {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("{file}:{line}:{column}: {words}")
    })?;
    script.script.file = file.to_owned();
    Ok(script)
}

/// A table, and what it is called in an error.
#[derive(Clone)]
struct Table<'t> {
    table: &'t DeTable<'t>,
    name: &'static str,
    span: Range<usize>,
}

impl<'t> Table<'t> {
    /// Refuses keys that are not known.
    fn check(self, keys: &[&str]) -> Result2<Table<'t>> {
        for key in self.table.keys() {
            let word = &**key.get_ref();
            if keys.contains(&word) {
                continue;
            }
            let name = self.name;
            let hint = match word {
                _ if name != "the script" && TOP_KEYS.contains(&word) => {
                    "it belongs above the first table in double brackets".to_owned()
                }
                "pointer" | "at" => "write json = { \"/pointer\" = \"value\" }".to_owned(),
                _ => match keys.iter().find(|known| is_close(known, word)) {
                    Some(known) => format!("did you mean {known}?"),
                    None => format!("the keys are {}", keys.join(", ")),
                },
            };
            return fault(key.span(), format!("{name} has no key '{word}': {hint}"));
        }
        Ok(self)
    }

    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    fn text(&self, key: &str) -> Result2<Option<(&'t str, Range<usize>)>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => fault(value.span(), format!("{key} must be a text in quotes, as in {key} = \"...\"")),
        }
    }

    fn needed(&self, key: &str, example: &str) -> Result2<(&'t str, Range<usize>)> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => fault(self.span.clone(), format!("{} needs {key}, as in {example}", self.name)),
        }
    }

    fn duration(&self, key: &str, least: u64, most: u64) -> Result2<Option<Duration>> {
        let Some((text, span)) = self.text(key)? else { return Ok(None) };
        match Kind::Duration(least, most).parse(text) {
            Ok(Setting::Duration(Millis(ms))) => Ok(Some(Duration::from_millis(ms))),
            Ok(_) => Ok(None),
            Err(error) => fault(span, format!("{key}: {error}")),
        }
    }

    /// The tables of an array, which is written `[[key]]`.
    fn tables(&self, key: &str, name: &'static str) -> Result2<Vec<Table<'t>>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = |span| fault(span, format!("{key} must be a table in double brackets: write [[{key}]]"));
        let Some(array) = value.get_ref().as_array() else { return wrong(value.span()) };
        let mut tables = Vec::new();
        for value in array.iter() {
            let Some(table) = value.get_ref().as_table() else { return wrong(value.span()) };
            tables.push(Table { table, name, span: value.span() });
        }
        Ok(tables)
    }

    fn texts(&self, key: &str, example: &str) -> Result2<Vec<String>> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = |span| fault(span, format!("{key} must be texts in brackets, as in {key} = [{example}]"));
        let Some(array) = value.get_ref().as_array() else { return wrong(value.span()) };
        let mut texts = Vec::new();
        for value in array.iter() {
            match value.get_ref().as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => return wrong(value.span()),
            }
        }
        Ok(texts)
    }
}

/// A text that is sent, before the variables are known.
type Sent = (String, Range<usize>);

fn read_table(top: &Table<'_>) -> Result2<ScriptFile> {
    let top = top.clone().check(TOP_KEYS)?;
    let mut file = ScriptFile {
        path: top.text("path")?.map(|(text, span)| path_of(text, span)).transpose()?,
        subprotocols: top.texts("subprotocol", "\"v1.example\"")?,
        headers: top.texts("header", "\"X-User: u{i}\"")?,
        self_echo: switch(&top, "self-echo")?,
        ..ScriptFile::default()
    };
    let mut variables = Variables::default();
    let mut steps = Vec::new();
    for table in top.tables("step", "[[step]]")? {
        steps.push(step(table, &mut variables)?);
    }
    let mut answers = Vec::new();
    for table in top.tables("answer", "[[answer]]")? {
        let table = table.check(ANSWER_KEYS)?;
        let Some(when) = table.get("when") else {
            return fault(
                table.span,
                "[[answer]] needs when, the message to answer, as in when = { equals = \"ping\" }",
            );
        };
        let when = pattern(when, "when")?;
        let save = saves(&table, &when, &mut variables)?;
        variables.give(&save);
        answers.push((when, save, table.needed("send", "send = \"pong\"")?));
    }
    let names = &variables.names;
    for (step, sent, known) in steps {
        let send = sent.map(|sent| file.sent(&sent, names)).transpose()?;
        if let Some((send, (_, span))) = &send
            && let Some(place) =
                send.variables().find(|place| !known.contains(place) && !variables.is_given(*place))
        {
            let words = format!("{{{}}} is not known yet: a later step saves it", names[place]);
            return fault(span.clone(), words);
        }
        file.script.steps.push(Step { send: send.map(|(send, _)| send), ..step });
    }
    for (when, save, (text, span)) in answers {
        let (send, _) = file.sent(&(text.to_owned(), span), names)?;
        file.script.answers.push(Answer { when, save, send });
    }
    for table in top.tables("heartbeat", "[[heartbeat]]")? {
        let table = table.check(HEARTBEAT_KEYS)?;
        let (text, span) = table.needed("send", "send = \"ping\"")?;
        let Some(every) = table.duration("every", EVERY_MS_MIN, EVERY_MS_MAX)? else {
            return fault(table.span, "[[heartbeat]] needs every, as in every = \"30s\"");
        };
        let (send, _) = file.sent(&(text.to_owned(), span), names)?;
        file.script.heartbeats.push(Heartbeat { every, send });
    }
    if let Some((text, span)) = top.text("join-template")? {
        file.join = Some(environment(text, span)?);
    }
    if let Some((text, span)) = top.text("send-template")? {
        if !text.contains(PAYLOAD) {
            return fault(span, "send-template needs {payload}, by which each message is found again");
        }
        file.send = Some(environment(text, span)?);
    }
    file.script.variables = variables.names;
    Ok(file)
}

impl ScriptFile {
    /// Makes a template of a text that is sent.
    fn sent(&mut self, (text, span): &Sent, variables: &[String]) -> Result2<(Template, Sent)> {
        if text.contains(PAYLOAD) {
            return fault(span.clone(), "{payload} stands in send-template only: no message is counted here");
        }
        let text = environment(text, span.clone())?;
        let template = Template::parse_with(&text, variables);
        self.texts.push(text.clone());
        Ok((template, (text, span.clone())))
    }
}

fn environment(text: &str, span: Range<usize>) -> Result2<String> {
    expanded(text).or_else(|words| fault(span, words))
}

fn path_of(text: &str, span: Range<usize>) -> Result2<String> {
    let is_path =
        text.starts_with('/') && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#');
    match is_path {
        true => environment(text, span),
        false => fault(span, "path must begin with / and hold no space, as in path = \"/socket?vsn=2.0.0\""),
    }
}

fn switch(table: &Table<'_>, key: &str) -> Result2<bool> {
    let Some(value) = table.get(key) else { return Ok(false) };
    match value.get_ref().as_bool() {
        Some(is_on) => Ok(is_on),
        None => fault(value.span(), format!("{key} must be true or false, without quotes")),
    }
}

/// The variables of a script.
#[derive(Default)]
struct Variables {
    names: Vec<String>,
    /// Those that an answer saves, at any time.
    given: Vec<usize>,
    /// Those that the steps so far have saved.
    known: Vec<usize>,
}

impl Variables {
    fn place(&mut self, name: &str, span: Range<usize>) -> Result2<usize> {
        if !is_variable(name) {
            return fault(
                span,
                format!(
                    "'{name}' cannot be a variable: use letters, digits and _, and none of i, room, seq, random, token, payload"
                ),
            );
        }
        let place = self.names.iter().position(|known| known == name);
        Ok(place.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }))
    }

    fn give(&mut self, saves: &[Save]) {
        self.given.extend(saves.iter().map(|save| save.variable));
    }

    fn is_given(&self, place: usize) -> bool {
        self.given.contains(&place)
    }
}

/// A step without what it sends, that, and the variables that are known before it.
fn step(table: Table<'_>, variables: &mut Variables) -> Result2<(Step, Option<Sent>, Vec<usize>)> {
    let table = table.check(STEP_KEYS)?;
    let known = variables.known.clone();
    let expect = table.get("expect").map(|value| pattern(value, "expect")).transpose()?;
    let fail_on = table.get("fail-on").map(|value| pattern(value, "fail-on")).transpose()?;
    let send = table.text("send")?.map(|(text, span)| (text.to_owned(), span));
    let timeout = table.duration("timeout", 1, TIMEOUT_MS_MAX)?;
    let save = match &expect {
        Some(expect) => saves(&table, expect, variables)?,
        None => {
            for key in ["save", "fail-on", "timeout"] {
                if let Some(value) = table.get(key) {
                    return fault(
                        value.span(),
                        format!(
                            "{key} needs a message to wait for: add expect, as in expect = {{ contains = \"ok\" }}"
                        ),
                    );
                }
            }
            if send.is_none() {
                return fault(table.span, "[[step]] needs send or expect, or both");
            }
            Vec::new()
        }
    };
    variables.known.extend(save.iter().map(|save| save.variable));
    let name = table.text("name")?.map_or(String::new(), |(text, _)| text.to_owned());
    let step = Step { name, send: None, expect, fail_on, save, timeout: timeout.unwrap_or(TIMEOUT) };
    Ok((step, send, known))
}

/// What a table saves from a message: by its key `save`, and by the named groups of its regex.
fn saves(table: &Table<'_>, pattern: &Pattern, variables: &mut Variables) -> Result2<Vec<Save>> {
    let mut saves = Vec::new();
    for group in pattern.regex.iter().flat_map(|regex| regex.capture_names()).flatten() {
        let variable = variables.place(group, table.span.clone())?;
        saves.push(Save { variable, source: Source::Group(group.to_owned()) });
    }
    let Some(value) = table.get("save") else { return Ok(saves) };
    let example = "save = { name = \"/pointer\" }";
    let Some(fields) = value.get_ref().as_table() else {
        return fault(value.span(), format!("save must be a table of variables: write {example}"));
    };
    for (name, value) in fields {
        let Some(text) = value.get_ref().as_str() else {
            return fault(value.span(), format!("a JSON pointer must be a text in quotes: write {example}"));
        };
        let source = Source::Pointer(pointer(text, value.span())?);
        saves.push(Save { variable: variables.place(name.get_ref(), name.span())?, source });
    }
    Ok(saves)
}

/// RFC 6901, section 3.
fn pointer(text: &str, span: Range<usize>) -> Result2<String> {
    match text.is_empty() || text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => {
            fault(span, format!("'{text}' is not a JSON pointer: write \"/{}\"", text.replace('.', "/")))
        }
    }
}

/// A pattern; a text alone must be contained.
fn pattern(value: &Spanned<DeValue<'_>>, key: &'static str) -> Result2<Pattern> {
    let table = match value.get_ref() {
        DeValue::String(text) => {
            return match text.is_empty() {
                true => fault(
                    value.span(),
                    format!("{key} is empty: write {key} = {{ starts-with = \"\" }} for any message"),
                ),
                false => Ok(Pattern { contains: Some(text.clone().into_owned()), ..Pattern::default() }),
            };
        }
        DeValue::Table(table) => Table { table, name: key, span: value.span() }.check(PATTERN_KEYS)?,
        _ => {
            let words = format!("{key} must be a text or a table: write {key} = {{ contains = \"ok\" }}");
            return fault(value.span(), words);
        }
    };
    if table.table.is_empty() {
        return fault(table.span, format!("{key} is empty: write one of {}", PATTERN_KEYS.join(", ")));
    }
    let text = |key: &str| Ok(table.text(key)?.map(|(text, _)| text.to_owned()));
    let regex = match table.text("regex")? {
        None => None,
        Some((text, span)) => Some(
            Regex::new(text)
                .or_else(|error| fault(span, format!("this is not a regular expression: {error}")))?,
        ),
    };
    let mut json_values = Vec::new();
    if let Some(value) = table.get("json") {
        let Some(fields) = value.get_ref().as_table() else {
            return fault(
                value.span(),
                "json must be a table of JSON pointers: write json = { \"/type\" = \"ack\" }",
            );
        };
        for (name, value) in fields {
            json_values.push((pointer(name.get_ref(), name.span())?, json(value, 0)?));
        }
    }
    Ok(Pattern {
        equals: text("equals")?,
        starts_with: text("starts-with")?,
        contains: text("contains")?,
        regex,
        json: json_values,
    })
}

/// A value of TOML as one of JSON.
fn json(value: &Spanned<DeValue<'_>>, depth: usize) -> Result2<Value> {
    if depth > JSON_DEPTH_MAX {
        return fault(value.span(), format!("the value is more than {JSON_DEPTH_MAX} tables deep"));
    }
    let no_number = || fault(value.span(), "JSON has no such number");
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => integer.into(),
            Err(_) => return no_number(),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>().ok().filter(|float| float.is_finite()) {
            Some(float) => float.into(),
            None => return no_number(),
        },
        DeValue::Boolean(is_true) => (*is_true).into(),
        DeValue::Array(array) => {
            array.iter().map(|value| json(value, depth + 1)).collect::<Result2<Vec<Value>>>()?.into()
        }
        DeValue::Table(table) => {
            let field = |(name, value): (&Spanned<_>, _)| {
                Ok((String::from(AsRef::<str>::as_ref(name.get_ref())), json(value, depth + 1)?))
            };
            table.iter().map(field).collect::<Result2<Map<String, Value>>>()?.into()
        }
        DeValue::Datetime(_) => return fault(value.span(), "JSON has no dates: write a text in quotes"),
    })
}

/// Whether two keys differ in a letter or two: `-` for `_`, a letter too many, two that are exchanged.
fn is_close(known: &str, given: &str) -> bool {
    let given = given.replace('_', "-").to_lowercase();
    let mut before: Vec<usize> = (0..=given.len()).collect();
    for (at, letter) in known.bytes().enumerate() {
        let mut row = vec![at + 1];
        for (other, given) in given.bytes().enumerate() {
            let change = before[other] + usize::from(letter != given);
            row.push(change.min(before[other + 1] + 1).min(row[other] + 1));
        }
        before = row;
    }
    before.last().is_some_and(|distance| *distance <= 2 && *distance < known.len() / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::script::Message;

    fn read(text: &str) -> ScriptFile {
        parse(text, "x.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_script_has_steps_answers_heartbeats_and_templates() {
        let file = read(
            r#"
            path = "/ws?v=2"
            subprotocol = ["a", "b"]
            header = ["X-User: u{i}"]
            self-echo = true
            join-template = "join {room} {sid}"
            send-template = "{payload} {sid}"
            [[step]]
            name = "open"
            expect = { starts-with = "0", json = { "/ok" = true, "/n" = [1, 2.5, "x", {}] } }
            save = { sid = "/sid" }
            fail-on = "error"
            timeout = "500ms"
            [[step]]
            send = "40 {sid} {nick}"
            [[answer]]
            when = { regex = "^nick (?<nick>[a-z]+)$" }
            send = "nick {nick}"
            [[heartbeat]]
            every = "30s"
            send = "beat {seq}"
            "#,
        );
        assert_eq!((file.path.as_deref(), file.self_echo), (Some("/ws?v=2"), true));
        assert_eq!(
            (file.subprotocols, file.headers),
            (vec!["a".into(), "b".into()], vec!["X-User: u{i}".into()])
        );
        assert_eq!(file.join.as_deref(), Some("join {room} {sid}"));
        assert_eq!(file.send.as_deref(), Some("{payload} {sid}"));
        assert_eq!(file.texts, ["40 {sid} {nick}", "nick {nick}", "beat {seq}"]);
        let Script { variables, steps, answers, heartbeats, .. } = file.script;
        assert_eq!(variables, ["sid", "nick"]);
        assert_eq!(
            (&*steps[0].name, steps[0].timeout, steps[1].timeout),
            ("open", Duration::from_millis(500), TIMEOUT)
        );
        assert_eq!(steps[0].save, [Save { variable: 0, source: Source::Pointer("/sid".into()) }]);
        assert_eq!(answers[0].save, [Save { variable: 1, source: Source::Group("nick".into()) }]);
        assert_eq!(heartbeats[0].every, Duration::from_secs(30));
        let is_expected = |step: &Step, text: &'static str| {
            let message = Message::split(text).next().expect("one");
            step.expect.as_ref().expect("it waits").matches(&message)
        };
        assert!(is_expected(&steps[0], r#"0{"ok":true,"n":[1,2.5,"x",{}]}"#));
        assert!(!is_expected(&steps[0], r#"0{"ok":true,"n":[1,2.5,"x",{"y":1}]}"#));
    }

    #[test]
    fn errors_have_a_place_and_say_what_to_write() {
        let step = |lines: &str| format!("[[step]]\n{lines}");
        for (text, words) in [
            ("x = ".to_owned(), "x.toml:1:5: this is not TOML"),
            (
                "sendtemplate = 'x'".into(),
                "x.toml:1:1: the script has no key 'sendtemplate': did you mean send-template?",
            ),
            ("zebra = 1".into(), "the keys are path, subprotocol"),
            (
                step("send = 'x'\nself-echo = true"),
                "x.toml:3:1: [[step]] has no key 'self-echo': it belongs above",
            ),
            (
                step("send = 'x'\nexpct = 'y'"),
                "x.toml:3:1: [[step]] has no key 'expct': did you mean expect?",
            ),
            (step("expect = { pointer = '/a', equals = 'b' }"), "write json = { \"/pointer\" = \"value\" }"),
            (step("expect = { starts_with = 'b' }"), "did you mean starts-with?"),
            (
                step("expect = { json = { 'a.b' = 1 } }"),
                "x.toml:2:21: 'a.b' is not a JSON pointer: write \"/a/b\"",
            ),
            (step("expect = { json = '/a' }"), "json must be a table of JSON pointers"),
            (step("expect = { regex = '(' }"), "x.toml:2:20: this is not a regular expression"),
            (step("expect = {}"), "expect is empty"),
            (step("expect = ''"), "expect is empty"),
            (step("expect = 3"), "x.toml:2:10: expect must be a text or a table"),
            (step("expect = { json = { '/a' = 2026-12-01 } }"), "JSON has no dates"),
            (step("expect = { json = { '/a' = inf } }"), "no such number"),
            (step("expect = { contains = 3 }"), "contains must be a text in quotes"),
            (step(""), "x.toml:1:1: [[step]] needs send or expect"),
            (step("send = 'x'\nsave = { a = '/b' }"), "x.toml:3:8: save needs a message to wait for"),
            (step("send = 'x'\ntimeout = '1s'"), "timeout needs a message to wait for"),
            (step("expect = 'x'\ntimeout = '1h'"), "timeout: "),
            (step("expect = 'x'\ntimeout = 5"), "timeout must be a text in quotes"),
            (step("expect = 'x'\nsave = { room = '/b' }"), "x.toml:3:10: 'room' cannot be a variable"),
            (step("expect = 'x'\nsave = { a = 'b' }"), "write \"/b\""),
            (step("expect = 'x'\nsave = { a = 1 }"), "a JSON pointer must be a text"),
            (step("expect = 'x'\nsave = 'a'"), "save must be a table"),
            (
                step("send = '{a}'\n[[step]]\nexpect = 'x'\nsave = { a = '/b' }"),
                "x.toml:2:8: {a} is not known yet",
            ),
            (step("send = '{payload}'"), "{payload} stands in send-template only"),
            (step("send = '{env:CHINWAG_NO_SUCH}'"), "x.toml:2:8: the environment has no variable"),
            ("step = 1".into(), "write [[step]]"),
            ("[step]\nsend = 'x'".into(), "write [[step]]"),
            ("[[answer]]\nsend = 'x'".into(), "[[answer]] needs when"),
            ("[[answer]]\nwhen = 'x'".into(), "[[answer]] needs send"),
            ("[[heartbeat]]\nsend = 'x'".into(), "[[heartbeat]] needs every"),
            ("[[heartbeat]]\nevery = '1ms'\nsend = 'x'".into(), "every: "),
            ("send-template = 'x'".into(), "x.toml:1:17: send-template needs {payload}"),
            ("path = 'x'".into(), "path must begin with /"),
            ("self-echo = 'yes'".into(), "self-echo must be true or false"),
            ("subprotocol = 'x'".into(), "subprotocol = [\"v1.example\"]"),
        ] {
            let error = parse(&text, "x.toml").map(|_| ()).expect_err(words);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn every_example_is_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bench");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let file = super::read(&path).unwrap_or_else(|error| panic!("{error}"));
            assert!(file.send.is_some() && !file.script.steps.is_empty(), "{}", path.display());
            count += 1;
        }
        assert!(count >= 4, "{count}");
    }
}
