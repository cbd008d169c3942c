//! 4.3: the grammar of the header fields.

use chinwag::proto::http::{Head, HeaderSlots};
use chinwag::proto::ws::handshake::{Error, Offer};

/// What the server says to a request with this field added.
fn judged(field: &str) -> Option<Error> {
    let request = format!(
        "GET /chat HTTP/1.1\r\n\
         Host: server.example.com\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         {field}\r\n\
         \r\n"
    );
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(request.as_bytes(), &mut slots).expect("valid").expect("whole");
    Offer::parse(&head).err()
}

#[test]
fn a_client_lists_subprotocols_as_one_token_or_more() {
    for list in ["chat", "chat,superchat", " chat , superchat ", "chat,,superchat", "v2.chat.example.com"] {
        assert_eq!(judged(&format!("Sec-WebSocket-Protocol: {list}")), None, "{list:?}");
    }
    for list in ["", ",", "super chat", "chat/2", "chat;v=2", "\"chat\"", "ch\u{E4}t"] {
        assert_eq!(judged(&format!("Sec-WebSocket-Protocol: {list}")), Some(Error::Subprotocol), "{list:?}");
    }
}

#[test]
fn extensions_are_tokens_with_parameters() {
    for list in ["foo", "foo, bar; baz=2", "mux; max-channels=4; flow-control, deflate-stream"] {
        assert_eq!(judged(&format!("Sec-WebSocket-Extensions: {list}")), None, "{list:?}");
    }
    for list in ["", ",", "foo bar", "foo;", "foo=bar", "foo; bar=", "foo; bar=\"baz"] {
        assert_eq!(judged(&format!("Sec-WebSocket-Extensions: {list}")), Some(Error::Extensions), "{list:?}");
    }
}

#[test]
fn the_value_of_a_quoted_string_is_a_token_after_unescaping() {
    assert_eq!(judged("Sec-WebSocket-Extensions: foo; bar=\"b\\az\""), None);
    assert_eq!(judged("Sec-WebSocket-Extensions: foo; bar=\"b az\""), Some(Error::Extensions));
    assert_eq!(judged("Sec-WebSocket-Extensions: foo; bar=\"b\\\"az\""), Some(Error::Extensions));
    assert_eq!(judged("Sec-WebSocket-Extensions: foo; bar=\"\""), Some(Error::Extensions));
}
