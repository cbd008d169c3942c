//! The grammar of `Sec-WebSocket-Extensions`. RFC 6455, sections 4.3 and 9.1.
//!
//! ```text
//!   foo                        an extension
//!   foo; bar                   and a parameter
//!   foo; bar=1; baz="2", mux   and their values, and a second extension
//! ```
//!
//! A list that is malformed anywhere is to be refused as a whole, by those too who use nothing in it.

use std::borrow::Cow;

use crate::proto::http;

/// One extension, with its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Extension<'h> {
    /// What it is called.
    pub name: &'h str,
    /// What follows the name. Sound.
    parameters: &'h str,
}

impl<'h> Extension<'h> {
    /// The parameters, in order: their names, and their values where they have one.
    pub fn parameters(&self) -> impl Iterator<Item = (&'h str, Option<Cow<'h, str>>)> + use<'h> {
        let mut scanner = Scanner { rest: self.parameters };
        std::iter::from_fn(move || if scanner.take(b';') { scanner.take_parameter() } else { None })
    }
}

/// Whether it is a list of extensions, one at least. It may have empty members, which do not count (RFC 9110,
/// 5.6.1).
pub(super) fn is_list(value: &str) -> bool {
    let mut list = list(value);
    let count = list.by_ref().count();
    list.is_sound && count > 0
}

/// The extensions of a list, in order, as far as it is sound.
pub(super) fn list(value: &str) -> List<'_> {
    List { scanner: Scanner { rest: value }, is_sound: true }
}

/// What is left of a list.
pub(super) struct List<'h> {
    scanner: Scanner<'h>,
    is_sound: bool,
}

impl<'h> Iterator for List<'h> {
    type Item = Extension<'h>;

    fn next(&mut self) -> Option<Extension<'h>> {
        while self.scanner.take(b',') {}
        self.scanner.peek()?;
        let extension = self.scanner.take_extension();
        // Behind it the list ends or goes on.
        self.is_sound = extension.is_some() && matches!(self.scanner.peek(), None | Some(b','));
        if !self.is_sound {
            self.scanner.rest = "";
        }
        extension.filter(|_| self.is_sound)
    }
}

struct Scanner<'h> {
    rest: &'h str,
}

impl<'h> Scanner<'h> {
    /// The next byte that is not a space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn take_extension(&mut self) -> Option<Extension<'h>> {
        let name = self.take_token()?;
        let behind_name = self.rest;
        while self.take(b';') {
            self.take_parameter()?;
        }
        Some(Extension { name, parameters: &behind_name[..behind_name.len() - self.rest.len()] })
    }

    fn take_parameter(&mut self) -> Option<(&'h str, Option<Cow<'h, str>>)> {
        let name = self.take_token()?;
        let value = if self.take(b'=') { Some(self.take_value()?) } else { None };
        Some((name, value))
    }

    fn take_token(&mut self) -> Option<&'h str> {
        self.peek();
        let len = self.rest.bytes().take_while(|byte| http::is_token_byte(*byte)).count();
        let (token, rest) = self.rest.split_at(len);
        self.rest = rest;
        (len > 0).then_some(token)
    }

    /// A token, or one in quotes: "the value after quoted-string unescaping MUST conform to the 'token'
    /// ABNF".
    fn take_value(&mut self) -> Option<Cow<'h, str>> {
        if !self.take(b'"') {
            return self.take_token().map(Cow::Borrowed);
        }
        let (quoted, is_escaped) = self.take_quoted()?;
        let value = if is_escaped { Cow::Owned(quoted.replace('\\', "")) } else { Cow::Borrowed(quoted) };
        http::is_token(value.as_bytes()).then_some(value)
    }

    /// Up to the closing quote, and whether a backslash is in it. No token has one: each makes the byte behind it a plain
    /// one, and goes.
    fn take_quoted(&mut self) -> Option<(&'h str, bool)> {
        let mut is_escaped = false;
        let mut bytes = self.rest.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    is_escaped = true;
                    // Not what is in no token anyway, and would not be seen when the backslashes are gone.
                    bytes.next().filter(|(_, byte)| http::is_token_byte(*byte))?;
                }
                b'"' => {
                    let quoted = &self.rest[..at];
                    self.rest = &self.rest[at + 1..];
                    return Some((quoted, is_escaped));
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{is_list, list};

    #[test]
    fn examples_of_the_rfc() {
        for value in [
            "foo",
            "bar; baz=2",
            "foo, bar; baz=2",
            "deflate-stream",
            "mux; max-channels=4; flow-control, deflate-stream",
            "private-extension",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=\"10\"",
        ] {
            assert!(is_list(value), "{value}");
        }
    }

    #[test]
    fn spaces_and_empty_members_do_not_matter() {
        for value in [" a ;\tb = \"c\" ,b", ",a", "a,", "a,,b", "a;b=\"\\c\\d\""] {
            assert!(is_list(value), "{value}");
        }
    }

    #[test]
    fn everything_else_is_malformed() {
        for value in [
            "",
            " ",
            ",",
            ";",
            "a;",
            "a b",
            "a;;b",
            "a;b=",
            "a;=b",
            "a=b",
            "a;b=c=d",
            "a;b=\"",
            "a;b=\"c",
            "a;b=\"\"",
            "a;b=\"c d\"",
            "a;b=\"c\"d",
            "a;b=\"\\\"\"",
            "a;b=\"c\\",
            "(",
            "a;b=@",
            "\"a\"",
            "\u{FFFD}",
        ] {
            assert!(!is_list(value), "{value}");
        }
    }

    #[test]
    fn extensions_have_names_and_parameters() {
        let mut extensions = list("foo,, bar ;baz = 2;mux; x=\"1\\0\" ,end");
        let shown = |extension: super::Extension<'_>| {
            let parameters = extension.parameters().map(|(name, value)| format!(" {name}:{value:?}"));
            extension.name.to_owned() + &parameters.collect::<String>()
        };
        assert_eq!(extensions.next().map(shown), Some("foo".to_owned()));
        assert_eq!(
            extensions.next().map(shown),
            Some("bar baz:Some(\"2\") mux:None x:Some(\"10\")".to_owned())
        );
        assert_eq!(extensions.next().map(shown), Some("end".to_owned()));
        assert!(extensions.next().is_none() && extensions.is_sound);
        // What comes before a fault is no better for it.
        let mut spoilt = list("a; b=(, c");
        assert!(spoilt.next().is_none() && spoilt.next().is_none() && !spoilt.is_sound);
    }
}
