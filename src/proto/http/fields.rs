//! Header fields: looked up by name, read as lists. RFC 9110, section 5.
//!
//! ```text
//!   Connection: keep-alive, Upgrade      one field, two members
//!   Connection: keep-alive               two fields of one name,
//!   connection:Upgrade                   and the same two members
//! ```
//!
//! A value is given as text. Where its bytes are not UTF-8 it reads as U+FFFD: such a field is there, so that
//! a rule about how many there may be still holds, but it is equal to no token and to no number.

/// The header fields of a request or a response, in the order in which they came.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'h> {
    fields: &'h [httparse::Header<'h>],
}

impl<'h> Fields<'h> {
    pub(super) fn new(fields: &'h [httparse::Header<'h>]) -> Self {
        Self { fields }
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'h str, &'h str)> + use<'h> {
        self.fields.iter().map(|field| (field.name, text(field.value)))
    }

    /// The values of all fields of this name, which is compared without regard to case.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h str> + use<'h, 'n> {
        let named = self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| text(field.value))
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&'h str> {
        self.all(name).next()
    }

    /// The members of a list (5.6.1) that may be spread over several fields. Empty ones are left out.
    pub fn list<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h str> + use<'h, 'n> {
        self.all(name).flat_map(|value| value.split(',')).map(trim).filter(|member| !member.is_empty())
    }

    /// Whether such a list has this member, case aside.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|member| member.eq_ignore_ascii_case(token))
    }
}

fn text(value: &[u8]) -> &str {
    str::from_utf8(value).unwrap_or("\u{FFFD}")
}

/// Without the optional whitespace (5.6.3) around it, which is less than Unicode's.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Whether it is a token (5.6.2): what methods, the names of fields, and most words in them are made of.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// Whether a token may hold this byte.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Appends a line of a head. A control character in it would begin a line of its own, and becomes a space.
pub(crate) fn push_line(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend(part.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn field(name: &'static str, value: &'static [u8]) -> httparse::Header<'static> {
        httparse::Header { name, value }
    }

    const FIELDS: [httparse::Header<'static>; 5] = [
        field("Connection", b"keep-alive ,\t, Upgrade"),
        field("Cookie", b"\xFF"),
        field("connection", b"x"),
        field("Host", b"a"),
        field("X-Empty", b""),
    ];

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let fields = Fields::new(&FIELDS);
        assert_eq!(fields.get("HOST"), Some("a"));
        assert_eq!(fields.get("hos"), None);
        assert_eq!(fields.all("Connection").count(), 2);
        assert_eq!(fields.get("x-empty"), Some(""));
    }

    #[test]
    fn a_list_is_spread_over_fields_and_commas() {
        let fields = Fields::new(&FIELDS);
        assert!(fields.list("connection").eq(["keep-alive", "Upgrade", "x"]));
        assert!(fields.has_token("connection", "upgrade") && fields.has_token("connection", "X"));
        assert!(!fields.has_token("connection", "grade") && !fields.has_token("connection", ""));
        assert_eq!(fields.list("x-empty").count(), 0);
    }

    #[test]
    fn all_256_bytes_in_a_token() {
        let separators = b"()<>@,;:\\\"/[]?={} \t";
        for byte in 0..=0xFF {
            let expected = (0x21..=0x7E).contains(&byte) && !separators.contains(&byte);
            assert_eq!(is_token(&[b'a', byte]), expected, "{byte:#04x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_value_cannot_begin_a_line_of_its_own() {
        let mut out = Vec::new();
        push_line(&mut out, &["Location: ", "/a\r\nSet-Cookie: b\0"]);
        assert_eq!(out, b"Location: /a  Set-Cookie: b \r\n");
    }

    #[test]
    fn a_value_that_is_not_text_is_there_but_means_nothing() {
        assert_eq!(Fields::new(&FIELDS).get("cookie"), Some("\u{FFFD}"));
    }
}
