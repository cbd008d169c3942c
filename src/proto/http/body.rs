//! How long the body of a request is. RFC 9112, section 6.
//!
//! Of the three ways to say it we take one, `Content-Length`. A body whose end two parsers see in different
//! places is how requests are smuggled past a proxy, so whatever is ambiguous is refused.

use super::{Error, Head};

/// The length of the body that follows `head`, at most `len_max`.
pub fn length(head: &Head<'_>, len_max: usize) -> Result<usize, Error> {
    let mut lengths = head.headers("content-length").flat_map(|value| value.split(',')).map(str::trim_ascii);
    let length = lengths.next();
    match (length, head.headers("transfer-encoding").next()) {
        // 6.3: "ought to be handled as an error".
        (Some(_), Some(_)) => return Err(Error::TwoLengths),
        (None, Some(_)) => return Err(Error::TransferEncoding),
        (None, None) if matches!(head.method(), "POST" | "PUT" | "PATCH") => {
            return Err(Error::LengthRequired);
        }
        (None, None) => return Ok(0),
        (Some(_), None) => {}
    }
    // 6.3: the same number several times over may be taken for one.
    let digits =
        length.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.filter(|digits| lengths.all(|other| other == *digits)).ok_or(Error::ContentLength)?;
    // All digits: it can only be too big for its type, and is too big for us then.
    match digits.parse() {
        Ok(len) if len <= len_max => Ok(len),
        _ => Err(Error::BodyTooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::HeaderSlots;

    fn length_of(method: &str, fields: &str) -> Result<usize, Error> {
        let bytes = format!("{method} / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(bytes.as_bytes(), &mut slots).unwrap().unwrap();
        length(&head, 100)
    }

    #[test]
    fn every_way_to_say_it() {
        let cases = [
            ("GET", "", Ok(0)),
            ("DELETE", "", Ok(0)),
            ("POST", "", Err(Error::LengthRequired)),
            ("PUT", "", Err(Error::LengthRequired)),
            ("PATCH", "", Err(Error::LengthRequired)),
            ("POST", "Content-Length: 0\r\n", Ok(0)),
            ("POST", "Content-Length: 100\r\n", Ok(100)),
            ("POST", "Content-Length: 101\r\n", Err(Error::BodyTooLong)),
            ("POST", "Content-Length: 99999999999999999999999999\r\n", Err(Error::BodyTooLong)),
            ("POST", "Content-Length: 007\r\n", Ok(7)),
            ("POST", "Content-Length: 7\r\nContent-Length: 7\r\n", Ok(7)),
            ("POST", "Content-Length: 7, 7\r\n", Ok(7)),
            ("POST", "Content-Length: 7\r\nContent-Length: 8\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: 7, 8\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: 7,\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length:\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: +7\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: -7\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: 0x7\r\n", Err(Error::ContentLength)),
            ("POST", "Content-Length: \u{FF17}\r\n", Err(Error::ContentLength)),
            ("POST", "Transfer-Encoding: chunked\r\n", Err(Error::TransferEncoding)),
            ("GET", "Transfer-Encoding: identity\r\n", Err(Error::TransferEncoding)),
            ("POST", "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", Err(Error::TwoLengths)),
        ];
        for (method, fields, expected) in cases {
            assert_eq!(length_of(method, fields), expected, "{method} {fields:?}");
        }
    }
}
