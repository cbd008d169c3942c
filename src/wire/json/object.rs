//! An object that is being written, field by field.
//!
//! ```text
//!     Object::begin("pong", id, out).number("at", at).end()        {"type":"pong","id":7,"at":1795000000000}
//! ```

use super::super::{Data, RequestId};
use super::string;
use std::io::Write;

/// An object that is being written. Names are ours and need no escape.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// With no field yet.
    pub fn new(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    /// One that is sent: what it is, and which request it answers, come first.
    pub fn begin(kind: &str, id: Option<RequestId>, out: &'a mut Vec<u8>) -> Object<'a> {
        let mut object = Object::new(out);
        object.text("type", kind);
        match id {
            None => {}
            Some(RequestId::Unsigned(id)) => {
                object.number("id", id);
            }
            Some(RequestId::Signed(id)) => object.name("id").write(format_args!("{id}")),
            // As Rust shows a float to programmers it is also a number of JSON.
            Some(RequestId::Float(id)) => object.name("id").write(format_args!("{id:?}")),
        }
        object
    }

    pub fn end(&mut self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) -> &mut Self {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    fn write(&mut self, args: std::fmt::Arguments<'_>) {
        self.out.write_fmt(args).expect("a Vec takes all");
    }

    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        append_string(self.name(name).out, text);
        self
    }

    /// No field where there is no text.
    pub fn text_if(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// A text that is made on the spot, of nothing that needs an escape.
    pub fn shown(&mut self, name: &str, text: std::fmt::Arguments<'_>) -> &mut Self {
        self.name(name).write(format_args!("\"{text}\""));
        self
    }

    pub fn number(&mut self, name: &str, number: u64) -> &mut Self {
        append_number(self.name(name).out, number);
        self
    }

    pub fn count(&mut self, name: &str, count: usize) -> &mut Self {
        self.number(name, count as u64)
    }

    pub fn flag(&mut self, name: &str, flag: bool) -> &mut Self {
        self.name(name).out.extend_from_slice(if flag { b"true" } else { b"false" });
        self
    }

    /// JSON is copied as it came, but in one line: some readers take each line for an object. Line ends are white space
    /// wherever they stand in it, since no string holds one that is not escaped.
    pub fn data(&mut self, name: &str, data: Data<'_>) -> &mut Self {
        let out = &mut self.name(name).out;
        match data {
            Data::Text(text) => append_string(out, text),
            Data::Json(json) => {
                let start = out.len();
                out.extend_from_slice(json.as_bytes());
                let line_ends = out[start..].iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r'));
                line_ends.for_each(|byte| *byte = b' ');
            }
        }
        self
    }

    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        let mut object = Object::new(self.name(name).out);
        fill(&mut object);
        object.end();
        self
    }

    pub fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        append: impl Fn(T, &mut Vec<u8>),
    ) -> &mut Self {
        let out = &mut *self.name(name).out;
        out.push(b'[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            append(item, out);
        }
        out.push(b']');
        self
    }

    pub fn texts<'t>(&mut self, name: &str, texts: impl IntoIterator<Item = &'t str>) -> &mut Self {
        self.array(name, texts, |text, out| append_string(out, text))
    }
}

fn append_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    string::append_escaped(out, text);
    out.push(b'"');
}

/// Without the formatting machinery, which costs more than the rest of a short message.
fn append_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20]; // of 2^64 - 1
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_one_line_however_it_was_sent() {
        let mut out = Vec::new();
        Object::new(&mut out).data("data", Data::Json("{\r\n  \"a\\nb\":\n[1,\t2] }")).end();
        assert_eq!(str::from_utf8(&out), Ok("{\"data\":{    \"a\\nb\": [1,\t2] }}"));
    }

    #[test]
    fn numbers_have_their_digits() {
        for number in [0, 9, 10, 99, 100, 1795000000123, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            append_number(&mut out, number);
            assert_eq!(str::from_utf8(&out).unwrap(), number.to_string());
        }
    }
}
