//! The grammar of `Sec-WebSocket-Extensions`. RFC 6455, sections 4.3 and 9.1.
//!
//! ```text
//!   foo                        an extension
//!   foo; bar                   and a parameter
//!   foo; bar=1; baz="2", mux   and their values, and a second extension
//! ```
//!
//! We use none, but a malformed list is to be refused all the same.

use crate::proto::http;

/// Whether it is a list of extensions, one at least. It may have empty members, which do not count (RFC 9110,
/// 5.6.1).
pub(super) fn is_list(value: &str) -> bool {
    let mut scanner = Scanner { rest: value.as_bytes() };
    let mut count = 0;
    loop {
        if !matches!(scanner.peek(), None | Some(b',')) {
            if !scanner.take_extension() {
                return false;
            }
            count += 1;
        }
        match scanner.peek() {
            None => return count > 0,
            Some(_) if scanner.take(b',') => {}
            Some(_) => return false,
        }
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// The next byte that is not a space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn take_extension(&mut self) -> bool {
        let mut is_valid = self.take_token();
        while is_valid && self.take(b';') {
            is_valid = self.take_token() && (!self.take(b'=') || self.take_value());
        }
        is_valid
    }

    fn take_token(&mut self) -> bool {
        self.peek();
        let len = self.rest.iter().take_while(|byte| http::is_token_byte(**byte)).count();
        self.rest = &self.rest[len..];
        len > 0
    }

    /// A token, or one in quotes: "the value after quoted-string unescaping MUST conform to the 'token'
    /// ABNF".
    fn take_value(&mut self) -> bool {
        if !self.take(b'"') {
            return self.take_token();
        }
        let mut len = 0;
        loop {
            let (byte, rest) = match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return len > 0;
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (byte, rest),
                [] => return false,
            };
            if !http::is_token_byte(*byte) {
                return false;
            }
            self.rest = rest;
            len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_list;

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
}
