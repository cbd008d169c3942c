//! Requests and responses: nothing in them panics, an end is found byte by byte as at once, and what a server
//! of ours takes, a client of ours can have asked, and gets an answer it takes.

use chinwag::proto::http::{self, Head, HeaderSlots, ResponseHead, body, head_end};
use chinwag::proto::ws::deflate::{Parameters, Said};
use chinwag::proto::ws::handshake::{self, Offer, check_response};

pub fn check(bytes: &[u8]) {
    check_end(bytes);
    check_request(bytes);
    check_answer(bytes);
}

fn check_end(bytes: &[u8]) {
    let at_once = head_end(bytes, 0);
    let by_byte = (0..bytes.len()).map(|len| head_end(&bytes[..=len], len)).find(|found| *found != Ok(None));
    assert_eq!(by_byte.unwrap_or(Ok(None)), at_once);
}

fn check_request(bytes: &[u8]) {
    let mut slots = HeaderSlots::new();
    let (head, len) = match Head::parse(bytes, &mut slots) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => return assert!(bytes.len() < http::HEAD_BYTES_MAX),
        Err(error) => return error.response().encode(&mut Vec::new(), false, false),
    };
    assert!(len <= bytes.len() && len <= http::HEAD_BYTES_MAX);
    assert_eq!(head_end(bytes, 0), Ok(Some(len)));
    assert!(head.target().contains(head.path()) || head.path() == "/");
    assert!(head.query().is_none_or(|query| head.target().ends_with(query)));
    let _ = (head.query_param("room"), head.keep_alive(), head.expects_continue(), body::length(&head, 1000));

    match Offer::parse(&head) {
        Err(error) => error.response().encode(&mut Vec::new(), false, false),
        Ok(offer) => {
            assert!(handshake::is_upgrade(&head));
            let chosen = offer.subprotocols().last();
            let deflate = offer.deflate(head.target().len() % 2 == 0);
            let mut response = Vec::new();
            handshake::response(&mut response, offer.accept(), chosen, deflate);
            let mut slots = HeaderSlots::new();
            let answer = ResponseHead::parse(&response, &mut slots).expect("ours is valid");
            let (answer, len) = answer.expect("and whole");
            assert_eq!((answer.status(), len), (101, response.len()));
            assert_eq!(answer.fields().get("sec-websocket-protocol"), chosen);
            let extensions = deflate.map(|agreed| agreed.encode(Said::Answered));
            assert_eq!(answer.fields().get("sec-websocket-extensions"), extensions.as_deref());
            assert!(deflate.is_none_or(|agreed| agreed.server_no_context_takeover));
        }
    }
}

fn check_answer(bytes: &[u8]) {
    let mut slots = HeaderSlots::new();
    if let Ok(Some((head, len))) = ResponseHead::parse(bytes, &mut slots) {
        assert!(len <= bytes.len());
        if let Ok(answer) = check_response(&head, *b"the sample nonce", &["chat"], Some(Parameters::OFFER)) {
            assert!(head.status() == 101 && answer.subprotocol.is_none_or(|chosen| chosen == "chat"));
            assert!(answer.deflate.is_none_or(|agreed| agreed.server_no_context_takeover));
        }
    }
}
