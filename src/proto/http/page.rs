//! Pages: what is the same for everybody who may see it, in several codings, with validators. RFC 9110, sections 8.4, 8.8,
//! 12.5.3 and 13.1.2.
//!
//! ```text
//!   GET /chat.js                          200, ETag: "k3v...", Vary: Accept-Encoding
//!   Accept-Encoding: gzip, br;q=0.9       200, ETag: "Qz0...", Content-Encoding: gzip
//!   If-None-Match: "k3v...", W/"Qz0..."   304, no body: it is the one that the client has
//! ```
//!
//! Each coding is a representation of its own, so each has its own strong ETag: a proxy that joins parts of two would make
//! nonsense of them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha1::{Digest, Sha1};

use super::{Head, Response};

/// How much of a hash makes an ETag: 96 bits, so that two versions of a page never share one.
const ETAG_HASH_BYTES: usize = 12;
/// The quality of what is acceptable without being asked for: less than anything that is.
const UNASKED: u16 = 1;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What all representations have in common.
    common: Response,
    /// The first as it is, the others coded; the later, the better liked. None where the response is all there is.
    representations: Vec<Representation>,
}

/// A page in one coding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Representation {
    /// Its name, as in `Content-Encoding`.
    coding: &'static str,
    etag: String,
    body: &'static [u8],
}

const IDENTITY: &str = "identity";

impl From<Response> for Page {
    /// A page that is this response, whatever is asked.
    fn from(response: Response) -> Self {
        Self { common: response, representations: Vec::new() }
    }
}

impl Page {
    /// A page of this type that clients may keep, and ask about.
    pub fn new(content_type: &'static str, body: &'static [u8]) -> Self {
        let common = Response { content_type: content_type.into(), ..Response::new(200) };
        let page =
            Self { common: common.with_header("Vary", "Accept-Encoding"), representations: Vec::new() };
        page.with_coding(IDENTITY, body)
    }

    /// The same in one more coding, which clients get rather than those before it, if they take both equally.
    pub fn with_coding(mut self, coding: &'static str, body: &'static [u8]) -> Self {
        let hash = Sha1::digest(body);
        let etag = format!("\"{}\"", STANDARD_NO_PAD.encode(&hash[..ETAG_HASH_BYTES]));
        self.representations.push(Representation { coding, etag, body });
        self
    }

    /// The same with one more header field.
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.common = self.common.with_header(name, value);
        self
    }

    /// The answer to a GET or a HEAD.
    pub fn answer(&self, head: &Head<'_>) -> Response {
        if self.representations.is_empty() {
            return self.common.clone();
        }
        let quality = |representation: &&Representation| quality(head, representation.coding);
        let best = self.representations.iter().max_by_key(quality);
        let Some(best) = best.filter(|best| quality(best) > 0) else {
            return Response::text(
                406,
                "this page is not available in an encoding that Accept-Encoding allows\n",
            )
            .with_header("Vary", "Accept-Encoding");
        };
        let response = self.common.clone().with_header("ETag", best.etag.clone());
        if is_known(head, &best.etag) {
            // RFC 9110, 15.4.5: with the fields that the 200 would have had, but for those about the content.
            return Response { status: 304, content_type: "".into(), ..response };
        }
        let response = Response { body: Cow::Borrowed(best.body), ..response };
        match best.coding {
            IDENTITY => response,
            coding => response.with_header("Content-Encoding", coding),
        }
    }
}

/// Whether the client has this already (13.1.2). Tags are compared weakly; one with a comma in it is none of ours.
fn is_known(head: &Head<'_>, etag: &str) -> bool {
    let mut tags = head.fields().list("if-none-match");
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// How much a client likes a coding (12.5.3), in two thousandths; 0 where it does not take it.
fn quality(head: &Head<'_>, coding: &str) -> u16 {
    let mut of_any = None;
    for member in head.fields().list("accept-encoding") {
        let (name, parameters) = member.split_once(';').unwrap_or((member, ""));
        let name = name.trim_ascii();
        // RFC 9110, 8.4.1.3: "x-gzip" is the same as "gzip".
        let is_it =
            name.eq_ignore_ascii_case(coding) || (coding == "gzip" && name.eq_ignore_ascii_case("x-gzip"));
        if is_it {
            return 2 * weight(parameters);
        }
        if name == "*" {
            of_any.get_or_insert(2 * weight(parameters));
        }
    }
    of_any.unwrap_or(if coding == IDENTITY { UNASKED } else { 0 })
}

/// A weight (12.4.2) in thousandths. What is no weight is not taken for consent.
fn weight(parameters: &str) -> u16 {
    let parameters = parameters.trim_ascii();
    if parameters.is_empty() {
        return 1000;
    }
    let Some((name, value)) = parameters.split_once('=') else { return 0 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_fraction = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !name.eq_ignore_ascii_case("q") || !is_fraction {
        return 0;
    }
    let thousandths = format!("{fraction:0<3}").parse().unwrap_or(0);
    match (whole, thousandths) {
        ("0", thousandths) => thousandths,
        ("1", 0) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::HeaderSlots;

    fn page() -> Page {
        Page::new("text/css", b"plain").with_coding("gzip", b"zip").with_coding("br", b"br")
    }

    fn ask(page: &Page, fields: &str) -> Response {
        let bytes = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let mut slots = HeaderSlots::new();
        let (head, _) = Head::parse(bytes.as_bytes(), &mut slots).expect("valid").expect("whole");
        page.answer(&head)
    }

    fn field<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
        response.headers.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }

    #[test]
    fn the_best_liked_coding_is_chosen() {
        for (accept, expected) in [
            (None, "plain"),
            (Some(""), "plain"),
            (Some("gzip, deflate, br, zstd"), "br"),
            (Some("gzip"), "zip"),
            (Some("x-GZIP"), "zip"),
            (Some("gzip;q=0.001"), "zip"),
            (Some("gzip;q=1.0, br;q=0.9"), "zip"),
            (Some("gzip; q=0.5 , br ; Q=0.500"), "br"),
            (Some("gzip;q=0"), "plain"),
            (Some("gzip;q=0.000, br;q=0"), "plain"),
            (Some("gzip;q=0.5, identity"), "plain"),
            (Some("gzip;q=0.5, identity;q=0.4"), "zip"),
            (Some("*"), "br"),
            (Some("br;q=0, *"), "zip"),
            (Some("*;q=0.1, identity;q=0.2"), "plain"),
            (Some("identity;q=0, gzip"), "zip"),
            (Some("*;q=0, gzip"), "zip"),
            (Some("deflate, zstd"), "plain"),
            // What is no weight is no consent.
            (Some("gzip;q=2, br;q=1.001"), "plain"),
            (Some("gzip;q=yes, br;level=9"), "plain"),
            (Some("gzip;q=0.1234, br;q=-1, gzip;q"), "plain"),
        ] {
            let fields = accept.map_or(String::new(), |accept| format!("Accept-Encoding: {accept}\r\n"));
            let response = ask(&page(), &fields);
            assert_eq!((response.status, &*response.body), (200, expected.as_bytes()), "{accept:?}");
            let coding = match expected {
                "plain" => None,
                "zip" => Some("gzip"),
                other => Some(other),
            };
            assert_eq!(field(&response, "Content-Encoding"), coding, "{accept:?}");
            assert_eq!(field(&response, "Vary"), Some("Accept-Encoding"));
        }
        assert_eq!(&*ask(&page(), "Accept-Encoding: deflate\r\naccept-encoding: gzip\r\n").body, b"zip");
    }

    #[test]
    fn where_nothing_is_acceptable_that_is_said() {
        for accept in ["*;q=0", "identity;q=0", "identity;q=0, deflate", "gzip;q=0, *;q=0"] {
            let response = ask(&page(), &format!("Accept-Encoding: {accept}\r\n"));
            assert_eq!(response.status, 406, "{accept}");
        }
    }

    #[test]
    fn each_representation_has_a_strong_tag_of_its_own() {
        let tags = ["identity", "gzip", "br"].map(|coding| {
            let response = ask(&page(), &format!("Accept-Encoding: {coding}\r\n"));
            field(&response, "ETag").expect("a tag").to_owned()
        });
        assert!(tags.iter().all(|tag| tag.len() == 18 && tag.starts_with('"') && tag.ends_with('"')));
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        let other = ask(&Page::new("text/css", b"other"), "");
        assert_ne!(field(&other, "ETag"), Some(&*tags[0]), "another version");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let page = page().with_header("Cache-Control", "no-cache");
        let (plain, zip) = (ask(&page, ""), ask(&page, "Accept-Encoding: gzip\r\n"));
        let tag = field(&plain, "ETag").expect("a tag");
        let zip_tag = field(&zip, "ETag").expect("a tag");
        for (known, is_known) in [
            (tag.to_owned(), true),
            (format!("W/{tag}"), true),
            (format!("\"a,b\" , W/\"x\",{tag}"), true),
            ("*".to_owned(), true),
            (format!("\"x\"\r\nIf-None-Match: {tag}"), true),
            (zip_tag.to_owned(), false),
            (tag.trim_matches('"').to_owned(), false),
            (format!("w/{tag}"), false),
            ("\"*\"".to_owned(), false),
            (String::new(), false),
        ] {
            let response = ask(&page, &format!("If-None-Match: {known}\r\n"));
            assert_eq!(response.status, if is_known { 304 } else { 200 }, "{known}");
            assert_eq!(field(&response, "ETag"), Some(tag), "{known}");
            assert_eq!(field(&response, "Cache-Control"), Some("no-cache"));
            assert_eq!(field(&response, "Vary"), Some("Accept-Encoding"));
            assert_eq!(response.body.is_empty() && response.content_type.is_empty(), is_known, "{known}");
        }
        let known = ask(&page, &format!("Accept-Encoding: gzip\r\nIf-None-Match: {zip_tag}\r\n"));
        assert_eq!((known.status, field(&known, "Content-Encoding")), (304, None));
    }

    #[test]
    fn a_response_that_is_a_page_is_the_same_whatever_is_asked() {
        let page = Page::from(Response::text(200, "ok\n"));
        assert_eq!(ask(&page, "Accept-Encoding: *;q=0\r\nIf-None-Match: *\r\n"), Response::text(200, "ok\n"));
    }
}
