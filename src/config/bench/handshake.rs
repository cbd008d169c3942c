//! What the flags say of the handshakes: header fields, subprotocols, tokens.

use super::{Given, expanded};
use crate::bench::plan::Dialect;
use crate::bench::request::Handshake;
use crate::client::{Scheme, Url};
use crate::config::{path, texts};
use crate::proto::http::is_token;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest file of tokens that is read.
const TOKENS_BYTES_MAX: u64 = 64 << 20;
/// Fields that the handshake or the message's framing needs for itself, and the flag that is meant, if there is one.
const OWN_FIELDS: [(&str, &str); 9] = [
    ("connection", ""),
    ("upgrade", ""),
    ("sec-websocket-key", ""),
    ("sec-websocket-version", ""),
    ("sec-websocket-accept", ""),
    ("sec-websocket-protocol", ": say --subprotocol"),
    ("sec-websocket-extensions", ": say --deflate"),
    ("content-length", ""),
    ("transfer-encoding", ""),
];
const AUTHORIZATION: &str = "Authorization";

/// What a script says of the handshakes.
pub(super) struct FromScript<'a> {
    /// As `--header` has them, and each is left out where that flag names the same field.
    pub headers: &'a [String],
    /// Offered where no `--subprotocol` is given.
    pub subprotocols: &'a [String],
}

/// Reads them. `texts_with_token` are the other texts in which `{token}` may stand.
pub(super) fn handshake<'t>(
    given: &Given<'_>,
    urls: &[Url],
    dialect: Dialect,
    script: &FromScript<'_>,
    mut texts_with_token: impl Iterator<Item = &'t String>,
) -> Result<Handshake, String> {
    let mut headers =
        texts(given.0, "header").iter().map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
    for field in script.headers {
        let (name, value) = header(field)?;
        let is_set = |(given, _): &(String, String)| given.eq_ignore_ascii_case(&name);
        let is_origin = name.eq_ignore_ascii_case("origin") && given.text("origin").is_some();
        if !is_origin && !headers.iter().any(is_set) {
            headers.push((name, value));
        }
    }
    if let Some(origin) = given.text("origin") {
        headers.push(("Origin".into(), field_value("--origin", &expanded(&origin)?)?));
    }
    let mut subprotocols = texts(given.0, "subprotocol");
    if subprotocols.is_empty() {
        subprotocols = script.subprotocols.to_vec();
    }
    let tokens = tokens(given)?;
    let is_lines = urls.iter().any(|url| url.scheme() == Scheme::Tcp);
    if is_lines && !(headers.is_empty() && subprotocols.is_empty() && tokens.is_empty()) {
        return Err(
            "lines have no handshake: --header, --subprotocol, --origin and --token want a WebSocket".into(),
        );
    }
    check_subprotocols(&subprotocols, dialect)?;
    let uses_token = |text: &str| text.contains("{token}");
    let is_placed = headers.iter().any(|(_, value)| uses_token(value))
        || urls.iter().any(|url| uses_token(&url.target()))
        || texts_with_token.any(|text| uses_token(text));
    if is_placed && tokens.is_empty() {
        return Err("{token} stands for nothing: say --token or --tokens".into());
    }
    if !is_placed && !tokens.is_empty() {
        headers.push((AUTHORIZATION.into(), "Bearer {token}".into()));
    }
    for name in [AUTHORIZATION, "Origin", "Host"] {
        let in_url = name == AUTHORIZATION && urls.iter().any(|url| url.authorization().is_some());
        let given = headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name)).count();
        if given + usize::from(in_url) > 1 {
            return Err(format!(
                "{name} is given twice: --header, --origin, --token and a password in the URL each set one"
            ));
        }
    }
    Ok(Handshake { headers, subprotocols, tokens })
}

/// A header field as it is given: its name, and its value with what the environment has.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .map(|(name, value)| (name.trim_end(), value.trim()))
        .filter(|(name, _)| is_token(name.as_bytes()))
        .ok_or_else(|| format!("'{text}' is no header field: write 'Name: value'"))?;
    if let Some((_, hint)) = OWN_FIELDS.iter().find(|(own, _)| name.eq_ignore_ascii_case(own)) {
        return Err(format!("the handshake sets {name} itself{hint}"));
    }
    Ok((name.to_owned(), field_value(name, &expanded(value)?)?))
}

/// RFC 9110, section 5.5: a field's value holds no line end and no other control character.
fn field_value(name: &str, value: &str) -> Result<String, String> {
    match value.chars().any(|letter| letter.is_control() && letter != '\t') {
        true => Err(format!("the value of {name} has a control character, which no header field may hold")),
        false => Ok(value.trim().to_owned()),
    }
}

fn check_subprotocols(subprotocols: &[String], dialect: Dialect) -> Result<(), String> {
    if !subprotocols.is_empty() && matches!(dialect, Dialect::Chinwag | Dialect::ChinwagText) {
        return Err(format!(
            "the dialect {dialect} has its own subprotocol: --subprotocol is for raw and template"
        ));
    }
    for (at, name) in subprotocols.iter().enumerate() {
        if !is_token(name.as_bytes()) {
            return Err(format!("'{name}' is no subprotocol: a name has letters, digits and - . _ only"));
        }
        if subprotocols[..at].contains(name) {
            return Err(format!("the subprotocol {name} is offered twice"));
        }
    }
    Ok(())
}

fn tokens(given: &Given<'_>) -> Result<Vec<String>, String> {
    match (given.text("token"), path(given.0, "tokens")) {
        (Some(_), Some(_)) => {
            Err("--token is for all connections and --tokens for each: say one of them".into())
        }
        (Some(token), None) => Ok(vec![field_value("--token", &expanded(&token)?)?]),
        (None, Some(path)) => {
            let tokens = read_tokens(&path)?;
            match tokens.is_empty() {
                true => Err(format!("{} holds no token: write one a line", path.display())),
                false => Ok(tokens),
            }
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn read_tokens(path: &Path) -> Result<Vec<String>, String> {
    let mut text = String::new();
    let len = File::open(path)
        .and_then(|file| file.take(TOKENS_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot read the tokens in {}: {error}", path.display()))?;
    if len as u64 > TOKENS_BYTES_MAX {
        return Err(format!("{} is longer than {TOKENS_BYTES_MAX} bytes", path.display()));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| field_value("a token", line)).collect()
}

/// Whether there is a token for each of so many connections.
pub(super) fn check_tokens(handshake: &Handshake, connections: usize) -> Result<(), String> {
    match handshake.tokens.len() {
        0 | 1 => Ok(()),
        tokens if tokens >= connections => Ok(()),
        tokens => {
            Err(format!("--tokens has {tokens} for {connections} connections: each wants one of its own"))
        }
    }
}
