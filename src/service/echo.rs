//! Echo: what is sent comes back as it was, text as text and bytes as bytes.
//!
//! RFC 6455 itself is best met here: whatever size, fragmentation and interleaving a peer can think of, the answer is
//! known beforehand. A browser that asks for the same path without an upgrade gets a page on which to try it.

use super::{ConnId, Context, Message, Request, Service};
use crate::proto::http::{Page, Response};

/// The service.
#[derive(Debug)]
pub struct Echo {
    page: Page,
}

impl Echo {
    /// With the page that a plain GET is shown.
    pub fn new(page: impl Into<Page>) -> Echo {
        Echo { page: page.into() }
    }
}

impl Service for Echo {
    fn methods(&self) -> &'static [&'static str] {
        &["GET", "HEAD"]
    }

    fn on_request(&mut self, _cx: &mut dyn Context, request: &Request<'_>) -> Response {
        match request.head.method() {
            "GET" | "HEAD" => self.page.answer(request.head),
            _ => Response::method_not_allowed(self.methods()),
        }
    }

    fn on_message(&mut self, cx: &mut dyn Context, conn: ConnId, message: Message<'_>) {
        cx.send(conn, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fake::{FakeContext, Sent, with_request};

    const PEER: ConnId = ConnId { index: 3, generation: 7 };

    #[test]
    fn text_comes_back_as_text_and_bytes_as_bytes() {
        let (mut echo, mut cx) = (Echo::new(Response::html("")), FakeContext::default());
        echo.on_message(&mut cx, PEER, Message::Text("grüß dich"));
        echo.on_message(&mut cx, PEER, Message::Binary(&[0, 0xff]));
        echo.on_message(&mut cx, PEER, Message::Text(""));
        let expected = [Sent::Text("grüß dich".into()), Sent::Binary(vec![0, 0xff]), Sent::Text("".into())];
        assert_eq!(cx.take(PEER), expected);
    }

    #[test]
    fn a_plain_get_is_shown_the_page() {
        let page =
            Response::html("<h1>echo</h1>").with_header("Content-Security-Policy", "default-src 'none'");
        let (mut echo, mut cx) = (Echo::new(page.clone()), FakeContext::default());
        let mut ask = |head| with_request(head, |request| echo.on_request(&mut cx, request));
        assert_eq!(ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"), page);
        assert_eq!(ask("HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n"), page, "whose body the server leaves out");
        assert_eq!(ask("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 405);
    }
}
