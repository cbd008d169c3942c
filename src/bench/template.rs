//! Texts with values in braces: URLs, header fields and messages in which each connection says something of its own.
//!
//! ```text
//!   /rooms/{room}?user=bot-{i}     Bearer {token}     {"id":{seq},"text":"{payload}"}
//! ```
//!
//! Only the names below are replaced, so JSON's own braces stay as they are.

use std::io::Write;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Connection,
    Room,
    Sequence,
    Random,
    Token,
    Payload,
    /// A variable that a script saves, by its place among them.
    Variable(usize),
}

impl Name {
    const ALL: [(&'static str, Name); 6] = [
        ("{i}", Name::Connection),
        ("{room}", Name::Room),
        ("{seq}", Name::Sequence),
        ("{random}", Name::Random),
        ("{token}", Name::Token),
        (PAYLOAD, Name::Payload),
    ];
}

/// The place of the payload in a message.
pub const PAYLOAD: &str = "{payload}";

/// What stands for the names in one text.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// `{i}`: the number of the connection, from 0.
    pub connection: u32,
    /// `{room}`: its room.
    pub room: &'a str,
    /// `{seq}`: the number of the message among those of the connection or, in a handshake, of the attempt to connect among
    /// those of the run; both from 0.
    pub sequence: u64,
    /// `{random}`: 16 hexadecimal digits.
    pub random: u64,
    /// `{token}`: the token of the connection.
    pub token: &'a str,
    /// The values that a script has saved on this connection. One that is missing is empty.
    pub saved: &'a [String],
}

/// A text with values to be filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads a text. Nothing is refused: a brace that begins no known name stands for itself.
    pub fn parse(text: &str) -> Template {
        Template::parse_with(text, &[])
    }

    /// Reads a text in which the variables of a script may stand, too.
    pub fn parse_with(text: &str, variables: &[String]) -> Template {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let name = Name::ALL.iter().find_map(|(word, name)| Some((*name, rest.strip_prefix(*word)?)));
            let variable = || {
                let (word, after) = rest.strip_prefix('{')?.split_once('}')?;
                let place = variables.iter().position(|variable| variable == word)?;
                Some((Name::Variable(place), after))
            };
            let Some((name, after)) = name.or_else(variable) else {
                plain.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Value(name));
            rest = after;
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Template(pieces)
    }

    /// The places of the variables that stand in it.
    pub fn variables(&self) -> impl Iterator<Item = usize> {
        let place =
            |piece: &Piece| if let Piece::Value(Name::Variable(place)) = piece { Some(*place) } else { None };
        self.0.iter().filter_map(place)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the text with its values. `payload` appends what stands for `{payload}`.
    pub fn fill(&self, values: &Values<'_>, out: &mut Vec<u8>, mut payload: impl FnMut(&mut Vec<u8>)) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Value(Name::Room) => out.extend_from_slice(values.room.as_bytes()),
                Piece::Value(Name::Token) => out.extend_from_slice(values.token.as_bytes()),
                Piece::Value(Name::Payload) => payload(out),
                Piece::Value(Name::Variable(place)) => {
                    out.extend_from_slice(values.saved.get(*place).map_or(b"", String::as_bytes));
                }
                // Writing to a Vec does not fail.
                Piece::Value(Name::Connection) => drop(write!(out, "{}", values.connection)),
                Piece::Value(Name::Sequence) => drop(write!(out, "{}", values.sequence)),
                Piece::Value(Name::Random) => drop(write!(out, "{:016x}", values.random)),
            }
        }
    }

    /// The text with its values, without a payload: `{payload}` stands for itself.
    pub fn filled(&self, values: &Values<'_>) -> String {
        let mut out = Vec::new();
        self.fill(values, &mut out, |out| out.extend_from_slice(PAYLOAD.as_bytes()));
        String::from_utf8(out).expect("texts and values are UTF-8")
    }
}

/// Whether a variable may have that name: a letter or `_`, then letters, digits and `_`, and none of the other values'.
pub fn is_variable(name: &str) -> bool {
    let is_taken = Name::ALL.iter().any(|(word, _)| word.trim_matches(['{', '}']) == name);
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    !is_taken && name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// Replaces each `{env:NAME}` by that variable of the environment, as `variable` has it.
pub fn with_environment(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{env:") {
        let (name, after) = after
            .split_once('}')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("'{text}' has an {{env: without a name and a }}: write {{env:NAME}}"))?;
        let value = variable(name).ok_or_else(|| {
            format!(
                "the environment has no variable {name}, which {{env:{name}}} stands for: export {name} first"
            )
        })?;
        out.push_str(before);
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> =
        Values { connection: 7, room: "dev", sequence: 3, random: 0xBEEF, token: "t0k", saved: &[] };

    #[test]
    fn known_names_are_replaced_and_other_braces_stay() {
        for (text, filled) in [
            ("", ""),
            ("{i}{i}", "77"),
            (r#"{"room":"{room}","n":{seq}}"#, r#"{"room":"dev","n":3}"#),
            ("{random}", "000000000000beef"),
            ("Bearer {token}", "Bearer t0k"),
            ("{I} {rooms} {{i}} {", "{I} {rooms} {7} {"),
            ("é{i}é", "é7é"),
            ("{payload}", "{payload}"),
        ] {
            assert_eq!(Template::parse(text).filled(&VALUES), filled, "{text}");
        }
        let mut out = Vec::new();
        Template::parse("{i}:{payload}/{payload}").fill(&VALUES, &mut out, |out| out.push(b'p'));
        assert_eq!(out, b"7:p/p");
    }

    #[test]
    fn saved_variables_are_replaced_and_unknown_names_are_not() {
        let variables = ["sid".to_owned(), "i2".to_owned()];
        let template = Template::parse_with(r#"{"sid":"{sid}","q":"{ {user} {i2} }"}"#, &variables);
        assert_eq!(template.variables().collect::<Vec<_>>(), [0, 1]);
        let values = Values { saved: &["x".to_owned(), "y".to_owned()], ..VALUES };
        assert_eq!(template.filled(&values), r#"{"sid":"x","q":"{ {user} y }"}"#);
        assert_eq!(template.filled(&VALUES), r#"{"sid":"","q":"{ {user}  }"}"#);
        let allowed = ["sid", "_a1", "i", "payload", "1a", "a-b", "", "env:A"].map(is_variable);
        assert_eq!(allowed, [true, true, false, false, false, false, false, false]);
    }

    #[test]
    fn variables_of_the_environment_are_put_in_or_missed_by_name() {
        let variable = |name: &str| (name == "T").then(|| "{i}".to_owned());
        assert_eq!(with_environment("a{env:T}b{env:T}", variable), Ok("a{i}b{i}".into()));
        assert_eq!(with_environment("{env", variable), Ok("{env".into()));
        for (text, words) in
            [("{env:U}", "no variable U"), ("{env:}", "without a name"), ("{env:T", "without a name")]
        {
            let error = with_environment(text, variable).expect_err(words);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
