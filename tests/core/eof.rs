//! The end of a peer's stream ends reading, and nothing else: what came before it is served, and what waits goes out.

use crate::server::{BEGIN, Peer, Server, UPGRADE, close, closed, ping, text, told};
use crate::support::{Heard, client_hears};
use chinwag::proto::ws::encoder;
use chinwag::time::Millis;

/// More than the server lets wait for a peer that does not read.
fn many_texts() -> (Vec<u8>, Vec<Heard>) {
    let texts: Vec<String> = (0..300).map(|n| format!("{n} {}", "x".repeat(1000))).collect();
    (texts.iter().flat_map(|it| text(it)).collect(), texts.iter().map(|it| told(it)).collect())
}

/// Reads everything, a few kilobytes a turn, until the server has closed.
fn read_to_the_end(server: &mut Server, peer: Peer) -> Vec<u8> {
    server.set_capacity(peer, 5000);
    let mut said = Vec::new();
    for _ in 0..10_000 {
        said.extend(server.takes(peer, usize::MAX));
        if server.is_closed(peer) && server.waits_for(peer) == 0 {
            return said;
        }
        server.turn();
    }
    panic!("it does not end");
}

#[test]
fn what_came_before_the_end_is_served_and_goes_out() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.sends(ann, &[text("one"), text("two")].concat());
    server.hears_fin(ann);
    assert_eq!(server.tells(ann), [told("one"), told("two")], "and no Close, as she said none");
    assert!(server.is_closed(ann), "there is nothing to wait for");
    assert_eq!(server.notes(ann), ["open", "one", "two", "closed 1006 peer-eof"]);
}

#[test]
fn what_came_before_the_end_is_served_though_reading_was_paused() {
    let (bytes, expected) = many_texts();
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.hears(ann, &bytes);
    assert!(server.unread(ann) > 0, "she is not read any more");
    server.hears_fin(ann);
    assert!(!server.is_closed(ann));
    assert_eq!(client_hears(&read_to_the_end(&mut server, ann)), expected);
}

#[test]
fn nothing_is_lost_whichever_turn_the_end_comes_in() {
    // All of it fits into one read, so that the end is the next thing that there is to read, at any time.
    let bytes: Vec<u8> = (0..10).flat_map(|n| text(&format!("give {}", 20_000 + n))).collect();
    for turns in 0..40 {
        let mut server = Server::new();
        let ann = server.upgrade();
        server.set_capacity(ann, 30_000);
        server.sends(ann, &bytes);
        let mut said = Vec::new();
        for _ in 0..turns {
            server.turn();
            said.extend(server.takes(ann, usize::MAX));
        }
        server.ends(ann);
        said.extend(read_to_the_end(&mut server, ann));
        let lens = client_hears(&said).into_iter().map(|heard| match heard {
            Heard::Text(text) => text.len(),
            other => panic!("{other} was not asked for"),
        });
        assert_eq!(lens.collect::<Vec<_>>(), (20_000..20_010).collect::<Vec<_>>(), "FIN after {turns} turns");
    }
}

#[test]
fn every_pipelined_request_before_the_end_is_answered() {
    let request = |n: usize| {
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", if n.is_multiple_of(2) { "page" } else { "none" })
    };
    let requests: String = (0..2000).map(request).collect();
    for capacity in [0, 700, usize::MAX] {
        let mut server = Server::new();
        let ann = server.accept();
        server.set_capacity(ann, capacity);
        server.sends(ann, requests.as_bytes());
        server.hears_fin(ann);
        let said = String::from_utf8(read_to_the_end(&mut server, ann)).expect("answers are text");
        let statuses: Vec<&str> = said.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses.len(), 2000);
        assert!(statuses.chunks(2).all(|pair| pair == ["200", "404"]), "in order");
    }
}

#[test]
fn every_line_before_the_end_is_served() {
    let lines: Vec<String> = (0..5000).map(|n| format!("line {n} {}\n", "x".repeat(50))).collect();
    let mut server = Server::new();
    let ann = server.accept_line();
    server.set_capacity(ann, 0);
    server.sends(ann, lines.concat().as_bytes());
    server.hears_fin(ann);
    assert_eq!(read_to_the_end(&mut server, ann), lines.concat().as_bytes());
}

#[test]
fn what_has_not_come_whole_is_dropped() {
    let mut head = Server::new();
    let ann = head.accept();
    head.sends(ann, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /page HTTP/1.1\r\nHost:");
    head.hears_fin(ann);
    let said = String::from_utf8(head.says(ann)).expect("an answer is text");
    assert_eq!(said.matches("HTTP/1.1 200 ").count(), 1);
    assert!(head.is_closed(ann) && !said.contains(" 408 "));

    for cut in 1..text("half").len() {
        let mut frame = Server::new();
        let ann = frame.upgrade();
        frame.sends(ann, &[&text("whole")[..], &text("half")[..cut]].concat());
        frame.hears_fin(ann);
        assert_eq!(frame.tells(ann), [told("whole")]);
        assert_eq!(frame.notes(ann), ["open", "whole", "closed 1006 peer-eof"]);
    }
}

#[test]
fn a_last_line_without_its_end_is_a_line_when_the_stream_ends() {
    for (bytes, notes) in [
        (&b"whole\nhalf"[..], vec!["open", "whole", "half", "closed 1006 peer-eof"]),
        (b"whole\nhalf\r", vec!["open", "whole", "half", "closed 1006 peer-eof"]),
        (b"whole\n", vec!["open", "whole", "closed 1006 peer-eof"]),
        (b"whole\nhal\xC3", vec!["open", "whole", "NotUtf8 { first: 104 }", "closed 1006 peer-eof"]),
        (b"half", vec!["open", "half", "closed 1006 peer-eof"]),
        (b"{\"half\":1}", vec!["open", "{\"half\":1}", "closed 1006 peer-eof"]),
        (b"close 4000", vec!["open", "close 4000", "closed 4000 service"]),
        (b"\n \n", vec!["open", "closed 1006 peer-eof"]),
        // Whole, but for its line end.
        (b"PASS hunter2", vec!["open", "closed 1006 wrong-protocol"]),
        (b"EHLO", vec!["open", "closed 1006 wrong-protocol"]),
    ] {
        let mut line = Server::new();
        let ann = line.accept_line();
        line.sends(ann, bytes);
        line.hears_fin(ann);
        assert_eq!(line.notes(ann), notes, "{}", bytes.escape_ascii());
        line.says(ann);
        assert!(line.is_closed(ann));
    }
    // It waits for what is before it.
    let mut line = Server::new();
    let ann = line.accept_line();
    line.set_capacity(ann, 0);
    line.sends(ann, [&b"give 300000\n"[..], b"half"].concat().as_slice());
    line.hears_fin(ann);
    assert!(!line.is_closed(ann));
    let said = read_to_the_end(&mut line, ann);
    assert!(said.len() == 300_006 && said.ends_with(b"\nhalf\n"));
}

#[test]
fn a_last_line_without_its_end_is_none_when_the_connection_breaks_or_is_cut_off() {
    let mut server = Server::new();
    let [ann, bob, cyn] = [(); 3].map(|()| server.accept_line());
    for peer in [ann, bob, cyn] {
        server.hears(peer, b"whole\nhalf");
    }
    server.hears_reset(ann);
    assert_eq!(server.notes(ann), ["open", "whole", "closed 1006 reset"]);
    server.hears_truncation(bob);
    assert_eq!(server.notes(bob), ["open", "whole", "closed 1006 peer-eof"]);
    server.hears_of_its_end(chinwag::server::Shutdown::Stop);
    server.hears_fin(cyn);
    assert_eq!(server.notes(cyn), ["open", "whole", "closed 1001 stopping"]);
}

#[test]
fn a_close_before_the_end_is_answered() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.sends(ann, &[text("hi"), close(b"")].concat());
    server.hears_fin(ann);
    assert_eq!(server.tells(ann), [told("hi"), Heard::Close(None)]);
    assert!(server.is_closed(ann));
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 1005 peer-closed"));
}

#[test]
fn a_close_that_was_not_read_for_a_while_is_still_answered() {
    let (bytes, mut expected) = many_texts();
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 0);
    server.sends(ann, &[bytes, close(&encoder::close_payload(1000, ""))].concat());
    server.hears_fin(ann);
    expected.push(closed(1000, ""));
    assert_eq!(client_hears(&read_to_the_end(&mut server, ann)), expected);
    assert_eq!(server.notes(ann).last().map(String::as_str), Some("closed 1000 peer-closed"));
}

#[test]
fn nothing_but_an_end_is_no_request() {
    for bytes in [&b""[..], b"\r\n"] {
        let mut server = Server::new();
        let ann = server.accept();
        server.sends(ann, bytes);
        server.hears_fin(ann);
        assert_eq!((server.says(ann), server.is_closed(ann)), (vec![], true));
    }
}

#[test]
fn an_upgrade_before_the_end_is_one() {
    let mut server = Server::new();
    let ann = server.accept();
    let frames = [text("hi"), ping(b"!")].concat();
    server.sends(ann, &[UPGRADE.as_bytes(), &frames].concat());
    server.hears_fin(ann);
    let said = server.says(ann);
    let head_len = said.windows(4).position(|window| window == b"\r\n\r\n").expect("a response") + 4;
    assert!(client_hears(&said[head_len..]).contains(&told("hi")));
    assert!(server.is_closed(ann));
}

#[test]
fn a_room_hears_what_was_said_before_the_end() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    server.sends(ann, &text("say 1 farewell"));
    server.hears_fin(ann);
    assert_eq!(server.tells(bob), [told("farewell")]);
}

#[test]
fn who_has_ended_and_reads_nothing_is_not_waited_for_long() {
    let mut server = Server::new();
    let ann = server.upgrade();
    server.set_capacity(ann, 3);
    server.sends(ann, &text("hi"));
    server.hears_fin(ann);
    assert!(!server.is_closed(ann));
    server.happens_at(BEGIN + Millis::from_secs(5), |server| server.is_closed(ann));
}

#[test]
fn a_member_that_ends_gets_what_its_room_said_before() {
    let mut server = Server::new();
    let (ann, bob) = (server.upgrade(), server.upgrade());
    server.hears(bob, &text("join 1"));
    server.set_capacity(bob, 4);
    server.hears(ann, &[text("say 1 one"), text("say 1 two")].concat());
    server.hears_fin(bob);
    server.hears(ann, &text("say 1 three"));
    let heard = client_hears(&read_to_the_end(&mut server, bob));
    assert_eq!(heard, [told("one"), told("two")], "and nothing that came later");
}
