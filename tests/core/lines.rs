//! The line port: lines in, lines out.

use crate::server::{BEGIN, Server, text, told};
use chinwag::server::Limits;
use chinwag::time::Millis;

#[test]
fn a_line_is_a_message_and_a_message_a_line() {
    let mut server = Server::new();
    let ann = server.accept_line();
    assert_eq!(server.notes(ann), ["open"], "at once, as she may well listen first");
    server.hears(ann, "grüß\r\ndich\n\n".as_bytes());
    assert_eq!(server.says(ann), "grüß\ndich\n\n".as_bytes());
}

#[test]
fn lines_may_be_cut_anywhere() {
    let bytes = "one\r\nzwölf\nthree\n".as_bytes();
    for cut in 1..bytes.len() {
        let mut server = Server::new();
        let ann = server.accept_line();
        server.hears(ann, &bytes[..cut]);
        server.hears(ann, &bytes[cut..]);
        assert_eq!(server.says(ann), "one\nzwölf\nthree\n".as_bytes(), "cut at {cut}");
    }
}

#[test]
fn a_line_of_the_limit_is_taken_and_a_longer_one_is_skipped_to_its_end() {
    let len_max = Limits::default().line_bytes_max;
    let mut server = Server::new();
    let ann = server.accept_line();
    let line = "x".repeat(len_max);
    server.hears(ann, format!("{line}\n{line}x and more\nok\n").as_bytes());
    assert_eq!(server.says(ann), format!("{line}\nok\n").into_bytes());
    assert_eq!(server.notes(ann), ["open", &line, "TooLong { first: 120 }", "ok"]);
    // Known before its end has come, and told once.
    server.hears(ann, &vec![b'y'; len_max + 1]);
    server.hears(ann, &vec![b'y'; 3 * len_max]);
    assert_eq!(server.notes(ann)[4..], ["TooLong { first: 121 }"]);
}

#[test]
fn a_line_that_is_not_utf8_is_no_message() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"\xFF\nok\n");
    assert_eq!(server.says(ann), b"ok\n");
    assert_eq!(server.notes(ann), ["open", "NotUtf8 { first: 255 }", "ok"]);
}

#[test]
fn the_first_byte_of_a_line_is_known_before_its_end() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"ring 1000\n{\"half\":");
    server.at(BEGIN + Millis(2000));
    assert_eq!(server.notes(ann)[2..], ["ring amid a line that begins with {"]);
    server.hears(ann, b"1}\nring 1000\n");
    server.at(BEGIN + Millis(4000));
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("ring"), "between two lines there is none");
}

#[test]
fn a_room_is_the_same_for_lines_and_frames() {
    let mut server = Server::new();
    let (ann, bob) = (server.accept_line(), server.upgrade());
    server.hears(ann, b"join 1\n");
    server.hears(bob, &text("join 1"));
    server.hears(ann, b"say 1 from ann\n");
    server.hears(bob, &text("say 1 from bob"));
    assert_eq!(server.says(ann), b"from bob\n");
    assert_eq!(server.tells(bob), [told("from ann")]);
}

#[test]
fn a_line_connection_is_not_sent_bytes() {
    let mut server = Server::new();
    let ann = server.accept_line();
    let bob = server.upgrade();
    server.hears(bob, &text("first give 3"));
    assert_eq!(server.says(ann), b"xxx\n");
}

/// What is said to a peer whose bytes come in these pieces; nothing reaches the service.
#[track_caller]
fn refused(pieces: &[&[u8]]) -> String {
    let mut server = Server::new();
    let ann = server.accept_line();
    for piece in pieces {
        server.sends(ann, piece);
        server.turn();
    }
    let said = String::from_utf8(server.says(ann)).expect("it is text");
    assert!(server.has_fin(ann), "it ends");
    assert_eq!(server.notes(ann), ["open", "closed 1006 wrong-protocol"], "its lines are not served");
    said
}

#[test]
fn what_other_protocols_say_is_no_line() {
    let not_http = "* this port speaks lines of text, not HTTP\n";
    for request in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /x HTTP/1.0\nclose 4000\n",
        b"get /x HTTP/1.1\r\n\r\nclose 4000\n",
        b"LOVE /x HTTP/1.1\r\n\r\nclose 4000\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(refused(&[request]), not_http, "{}", request.escape_ascii());
        for cut in 1..request.len() {
            assert_eq!(
                refused(&[&request[..cut], &request[cut..]]),
                not_http,
                "{} cut at {cut}",
                request.escape_ascii()
            );
        }
    }
    for (bytes, name) in [
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], "SSH"),
        (b"EHLO a\r\n", "SMTP"),
        (b"CAP LS 302\r\nNICK ann\r\n", "IRC"),
        (b"PASS hunter2\r\n", "IRC, FTP or POP3"),
        (b"*1\r\n$4\r\nPING\r\n", "Redis"),
        (b"\x16\x03\x01\x02\0\x01\0\xff\n\n", "TLS"),
    ] {
        assert_eq!(refused(&[bytes]), format!("* this port speaks lines of text, not {name}\n"));
    }
}

#[test]
fn a_page_that_posts_more_than_a_line_holds_says_nothing() {
    let len_max = Limits::default().line_bytes_max;
    for method in ["POST", "PUT", "post", "LOVE"] {
        for len in [len_max - 100, len_max, len_max + 1, 70_000, 300_000] {
            let head = format!("{method} /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(len));
            let request = head + "/name mallory\r\nclose 4000\nhello from a page\n";
            let said = refused(&[request.as_bytes()]);
            assert_eq!(said, "* this port speaks lines of text, not HTTP\n", "{method} {len}");
        }
    }
}

#[test]
fn both_versions_of_the_proxy_protocol_are_told_which_flag_will_read_them() {
    let v1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 50000 2020\r\nhi\n";
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xc3\x50\x07\xe4hi\n";
    for bytes in [&v1[..], v2] {
        for cut in 0..bytes.len() {
            let said = refused(&[&bytes[..cut], &bytes[cut..]]);
            assert!(said.contains("the PROXY protocol") && said.contains("--proxy-protocol"), "{said}");
            assert!(said.lines().count() == 1 && !said.contains("203.0.113.7"), "{said}");
        }
    }
}

#[test]
fn who_has_said_something_else_before_speaks_of_other_protocols() {
    let mut server = Server::new();
    let ann = server.accept_line();
    let lines = b"look:\nGET / HTTP/1.1\nPASS hunter2\n";
    server.hears(ann, lines);
    assert_eq!(server.says(ann), lines);
}

#[test]
fn blanks_and_byte_order_marks_before_the_first_line_are_skipped() {
    for blank in ["\n", " ", "\r\n\r\n\t", "\u{feff}", "\u{feff}\r\n\u{feff}  ", "\u{2003}\u{3000}\u{85}"] {
        for line in ["{\"type\":\"hello\"}", "hi"] {
            let bytes = format!("{blank}{line}\n");
            for cut in 0..=bytes.len() {
                let mut server = Server::new();
                let ann = server.accept_line();
                server.hears(ann, &bytes.as_bytes()[..cut]);
                server.hears(ann, &bytes.as_bytes()[cut..]);
                assert_eq!(server.notes(ann), ["open", line], "{bytes:?} cut at {cut}");
            }
        }
    }
    // Any number of them, and no memory for them.
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, "\u{feff}\u{3000}\n".repeat(50_000).as_bytes());
    server.hears(ann, b"hi\n");
    assert_eq!(server.notes(ann), ["open", "hi"]);
}

#[test]
fn telnet_commands_are_no_part_of_a_line_and_every_option_is_refused() {
    let bytes = b"\xff\xfb\x1f\xff\xfb\x20\xff\xfd\x01{\"a\":\xff\xf11}\r\n\xff\xfa\x18\0x\n\xff\xf0hi\r\0";
    let answers = b"\xff\xfe\x1f\xff\xfe\x20\xff\xfc\x01{\"a\":1}\nhi\n";
    for cut in 1..bytes.len() {
        let mut server = Server::new();
        let ann = server.accept_line();
        server.hears(ann, &bytes[..cut]);
        let mut said = server.says(ann);
        server.hears(ann, &bytes[cut..]);
        said.extend(server.says(ann));
        assert_eq!(said.escape_ascii().to_string(), answers.escape_ascii().to_string(), "cut at {cut}");
        assert_eq!(server.notes(ann), ["open", "{\"a\":1}", "hi"], "cut at {cut}");
    }
}

#[test]
fn telnet_before_a_request_does_not_hide_it() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.hears(ann, b"\xff\xfb\x1f\r\nGE\xff\xf1T / HTTP/1.1\r\n\r\nclose 4000\n");
    assert_eq!(server.says(ann), b"\xff\xfe\x1f* this port speaks lines of text, not HTTP\n");
    assert_eq!(server.notes(ann), ["open", "closed 1006 wrong-protocol"]);
}

#[test]
fn who_is_not_read_for_a_while_has_its_telnet_commands_taken_out_once() {
    let mut server = Server::new();
    let ann = server.accept_line();
    server.set_capacity(ann, 0);
    let len = 300_000;
    // IAC IAC is the byte 255, which no line has; taken out twice, it would begin a command.
    server.hears(ann, format!("give {len}\n").as_bytes());
    server.sends(ann, b"\xff\xff\xfb\x01\n\xff\xf1ok\n");
    server.settle();
    let said = server.says(ann);
    assert!(said.len() == len + 1 + 3 && said.ends_with(b"\nok\n"));
    assert_eq!(server.notes(ann)[2..], ["drain", "NotUtf8 { first: 255 }", "ok"]);
}

#[test]
fn who_offers_options_for_ever_is_refused_a_bounded_number_of_times() {
    let mut server = Server::new();
    let ann = server.accept_line();
    for _ in 0..100 {
        server.hears(ann, &b"\xff\xfb\x01".repeat(1000));
    }
    assert_eq!(server.says(ann).len(), 3 * 512);
    server.hears(ann, b"hi\n");
    assert_eq!(server.says(ann), b"hi\n");
}
