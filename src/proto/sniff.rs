//! Which protocol a connection to the line port speaks, by the first bytes that its peer sends.
//!
//! ```text
//!   ef bb bf  \r \n  \n  GET /ws HTTP/1.1 \r \n
//!   [blank: skipped   ]  [first line           ]
//!                        [head]                     at most HEAD_MAX bytes: what the table below looks at
//! ```
//!
//! The line port takes text from anybody, and a client of another protocol is not anybody: a web page can have a browser
//! send it a request with a body of the page's choosing, and the first line of others is a password. So a first line that
//! begins as another protocol does is refused, before anything of it is said. Only the first is looked at: later ones
//! have been preceded by what no such client sends.
//!
//! What a person could write is told from it by exact case and shape: `PASS ` is refused and `Pass the salt` is not. The
//! methods of HTTP that a browser sends by itself are refused whatever follows, since what follows may be long.

/// How many bytes of the first line the table needs at most.
pub const HEAD_MAX: usize = 32;

/// A protocol that is not spoken on the line port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Web pages, and whoever probes ports for them.
    Http,
    /// RTSP.
    Rtsp,
    /// SIP.
    Sip,
    /// ICAP, and Icecast's.
    Icap,
    /// HAProxy's PROXY protocol, version 1 or 2.
    Proxy,
    /// TLS.
    Tls,
    /// SSH.
    Ssh,
    /// SMTP.
    Smtp,
    /// IRC.
    Irc,
    /// The commands that IRC, FTP and POP3 have in common: a name, or a password.
    Login,
    /// Redis.
    Redis,
    /// STOMP.
    Stomp,
    /// RFB, which VNC speaks.
    Rfb,
    /// rsync.
    Rsync,
    /// XML, as XMPP and SOAP have it.
    Xml,
    /// Anything that is not text: it has a byte that no text begins with.
    Binary,
}

impl Protocol {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Rtsp => "RTSP",
            Protocol::Sip => "SIP",
            Protocol::Icap => "ICAP",
            Protocol::Proxy => "the PROXY protocol",
            Protocol::Tls => "TLS",
            Protocol::Ssh => "SSH",
            Protocol::Smtp => "SMTP",
            Protocol::Irc => "IRC",
            Protocol::Login => "IRC, FTP or POP3",
            Protocol::Redis => "Redis",
            Protocol::Stomp => "STOMP",
            Protocol::Rfb => "RFB (VNC)",
            Protocol::Rsync => "rsync",
            Protocol::Xml => "XML",
            Protocol::Binary => "a binary protocol",
        }
    }
}

/// What the bytes of the first line tell so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// More of them are needed.
    Undecided,
    /// No row of the table fits.
    Lines,
    /// One does.
    Foreign(Protocol),
}

/// How first lines begin that are refused. `#` stands for one or more digits, `$` for CR or LF, and `_` for a space, CR
/// or LF; all other bytes for themselves.
pub const BEGINNINGS: &[(&[u8], Protocol)] = &[
    (b"GET ", Protocol::Http),
    (b"HEAD ", Protocol::Http),
    (b"POST ", Protocol::Http),
    (b"PUT ", Protocol::Http),
    (b"DELETE ", Protocol::Http),
    (b"CONNECT ", Protocol::Http),
    (b"OPTIONS ", Protocol::Http),
    (b"TRACE ", Protocol::Http),
    (b"PATCH ", Protocol::Http),
    // RFC 9113, 3.4: how HTTP/2 begins.
    (b"PRI * ", Protocol::Http),
    (b"PROXY TCP4 ", Protocol::Proxy),
    (b"PROXY TCP6 ", Protocol::Proxy),
    (b"PROXY UNKNOWN_", Protocol::Proxy),
    // Version 2, 2.2: the signature is CR LF CR LF NUL CR LF QUIT LF, and the line ends before NUL are skipped.
    (b"\0\r", Protocol::Proxy),
    // RFC 8446, 5.1: a record of a handshake.
    (b"\x16", Protocol::Tls),
    // RFC 4253, 4.2.
    (b"SSH-", Protocol::Ssh),
    (b"EHLO_", Protocol::Smtp),
    (b"HELO_", Protocol::Smtp),
    (b"LHLO_", Protocol::Smtp),
    (b"CAP LS_", Protocol::Irc),
    (b"CAP REQ ", Protocol::Irc),
    (b"CAP END_", Protocol::Irc),
    (b"NICK ", Protocol::Irc),
    (b"PASS ", Protocol::Login),
    (b"USER ", Protocol::Login),
    (b"*#$", Protocol::Redis),
    (b"AUTH ", Protocol::Redis),
    (b"CONNECT$", Protocol::Stomp),
    (b"STOMP$", Protocol::Stomp),
    (b"RFB 0", Protocol::Rfb),
    (b"@RSYNCD:", Protocol::Rsync),
    (b"<?xml", Protocol::Xml),
    (b"<stream:stream", Protocol::Xml),
];

/// The versions that end a request line.
const VERSIONS: &[(&[u8], Protocol)] = &[
    (b"HTTP/", Protocol::Http),
    (b"RTSP/", Protocol::Rtsp),
    (b"SIP/", Protocol::Sip),
    (b"ICAP/", Protocol::Icap),
    (b"ICE/", Protocol::Icap),
];

/// How many bytes at the front of `head` say nothing: white space, and a byte order mark or another space without a
/// width. Such a character that has not come whole is not counted yet.
pub fn blank_len(head: &[u8]) -> usize {
    let len = match head.first() {
        Some(..0x80) => 1,
        Some(..0xE0) => 2,
        _ => 3,
    };
    let first = head.get(..len).and_then(|bytes| str::from_utf8(bytes).ok()).and_then(|it| it.chars().next());
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}');
    if first.is_some_and(is_blank) { len } else { 0 }
}

/// What the first line is by how it begins. `head` is its first [`HEAD_MAX`] bytes, or as many as have come, up to and
/// with its LF.
pub fn by_beginning(head: &[u8]) -> Guess {
    let mut is_undecided = head.len() < HEAD_MAX && !head.contains(&b'\n');
    for (beginning, protocol) in BEGINNINGS {
        match fits(beginning, head) {
            Some(true) => return Guess::Foreign(*protocol),
            Some(false) => {}
            None => return Guess::Undecided,
        }
    }
    let first = head.first().copied().unwrap_or_default();
    if head.contains(&0) || !head.is_empty() && is_binary(first) {
        return Guess::Foreign(Protocol::Binary);
    }
    is_undecided |= head.is_empty();
    if is_undecided { Guess::Undecided } else { Guess::Lines }
}

/// Whether the first line is a request, by its shape: a token, a target and, at its end, a version.
pub fn by_request_line(line: &[u8]) -> Option<Protocol> {
    if !begins_request(line) {
        return None;
    }
    let (name, [major, b'.', minor]) = line.trim_ascii_end().split_last_chunk()? else { return None };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return None;
    }
    let ends = |version: &[u8]| {
        name.strip_suffix(version).is_some_and(|before| matches!(before.last(), Some(b' ' | b'\t')))
    };
    VERSIONS.iter().find(|(version, _)| ends(version)).map(|&(_, protocol)| protocol)
}

/// Whether the first line may be that of a request, as far as its beginning tells: RFC 9110, 5.6.2 has the token, and
/// RFC 9112, 3.2 the forms of a target. For a line that is too long to have its end looked at.
pub fn begins_request(line: &[u8]) -> bool {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let token_len = line.iter().take_while(|byte| is_token_byte(**byte)).count();
    let Some(rest) = line.get(token_len..).filter(|rest| token_len > 0 && rest.first().is_some_and(is_space))
    else {
        return false;
    };
    let target = rest.trim_ascii_start();
    // A scheme, or a host before its port.
    let name_len = target.iter().take_while(|byte| is_token_byte(**byte) || **byte == b'[').count();
    matches!(target.first(), Some(b'/' | b'*')) || name_len > 0 && target.get(name_len) == Some(&b':')
}

/// Whether `bytes` begin as a row of the table says. `None`: they may, when more have come.
fn fits(beginning: &[u8], bytes: &[u8]) -> Option<bool> {
    let mut bytes = bytes.iter().copied().peekable();
    for &wanted in beginning {
        let byte = bytes.next()?;
        let fits = match wanted {
            b'#' => byte.is_ascii_digit(),
            b'$' => matches!(byte, b'\r' | b'\n'),
            b'_' => matches!(byte, b' ' | b'\r' | b'\n'),
            wanted => byte == wanted,
        };
        if !fits {
            return Some(false);
        }
        while wanted == b'#' && bytes.next_if(u8::is_ascii_digit).is_some() {}
    }
    Some(true)
}

/// Control characters with which no line of a person begins: neither white space, nor what keys send (BS, ESC).
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x01..=0x07 | 0x0E..=0x1A | 0x1C..=0x1F)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guess of each beginning of a line, byte by byte, in short: when it is decided, and how.
    #[track_caller]
    fn decided(line: &[u8]) -> (usize, Guess) {
        for len in 0..=line.len().min(HEAD_MAX) {
            let guess = by_beginning(&line[..len]);
            if guess != Guess::Undecided {
                // What is decided stays so.
                for more in len..=line.len().min(HEAD_MAX) {
                    assert_eq!(by_beginning(&line[..more]), guess, "{more} bytes of {}", line.escape_ascii());
                }
                return (len, guess);
            }
        }
        (line.len(), Guess::Undecided)
    }

    #[test]
    fn what_other_protocols_begin_with_is_refused_at_its_last_byte() {
        let cases: &[(&[u8], usize, Protocol)] = &[
            (b"GET / HTTP/1.1\r\n", 4, Protocol::Http),
            (b"POST /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5, Protocol::Http),
            (b"OPTIONS * HTTP/1.1\r\n", 8, Protocol::Http),
            (b"CONNECT example.org:443 HTTP/1.1\r\n", 8, Protocol::Http),
            (b"GET well soon\n", 4, Protocol::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 6, Protocol::Http),
            (b"PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n", 11, Protocol::Proxy),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", 11, Protocol::Proxy),
            (b"PROXY UNKNOWN\r\n", 14, Protocol::Proxy),
            (b"\0\r\nQUIT\n\x21\x11\0\x0c", 2, Protocol::Proxy),
            (b"\x16\x03\x01\x02\0\x01", 1, Protocol::Tls),
            (b"SSH-2.0-OpenSSH_9.2\r\n", 4, Protocol::Ssh),
            (b"EHLO mail.example.org\r\n", 5, Protocol::Smtp),
            (b"EHLO\r\n", 5, Protocol::Smtp),
            (b"HELO x\r\n", 5, Protocol::Smtp),
            (b"CAP LS 302\r\n", 7, Protocol::Irc),
            (b"CAP LS\r\n", 7, Protocol::Irc),
            (b"NICK ann\r\n", 5, Protocol::Irc),
            (b"PASS hunter2\r\n", 5, Protocol::Login),
            (b"USER ann 0 * :Ann\r\n", 5, Protocol::Login),
            (b"*1\r\n$4\r\nPING\r\n", 3, Protocol::Redis),
            (b"*12\r\n", 4, Protocol::Redis),
            (b"*1\n", 3, Protocol::Redis),
            (b"AUTH hunter2\r\n", 5, Protocol::Redis),
            (b"CONNECT\nlogin:ann\n", 8, Protocol::Stomp),
            (b"STOMP\r\n", 6, Protocol::Stomp),
            (b"RFB 003.008\n", 5, Protocol::Rfb),
            (b"@RSYNCD: 31.0\n", 8, Protocol::Rsync),
            (b"<?xml version='1.0'?>", 5, Protocol::Xml),
            // PostgreSQL, SMB, MQTT, AMQP, MongoDB, RDP, SOCKS 5, BitTorrent.
            (b"\0\0\0\x08\x04\xd2\x16\x2f", 2, Protocol::Binary),
            (b"\0\0\0\x85\xffSMBr", 2, Protocol::Binary),
            (b"\x10\x0e\0\x04MQTT", 1, Protocol::Binary),
            (b"AMQP\0\0\x09\x01", 5, Protocol::Binary),
            (b":\0\0\0\x01\0\0\0", 2, Protocol::Binary),
            (b"\x03\0\0\x13", 1, Protocol::Binary),
            (b"\x05\x01\0", 1, Protocol::Binary),
            (b"\x13BitTorrent protocol", 1, Protocol::Binary),
        ];
        for &(line, len, protocol) in cases {
            assert_eq!(decided(line), (len, Guess::Foreign(protocol)), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn what_people_and_programs_begin_with_is_not() {
        for line in [
            "hi\n",
            "Pass the salt\n",
            "pass the salt\n",
            "PASS\n",
            "PASSING by\n",
            "Get well soon\n",
            "get well soon\n",
            "GET\n",
            "GETTING there\n",
            "USER\n",
            "User error\n",
            "Nick is here\n",
            "HELOL\n",
            "Hello\n",
            "Proxy TCP4 is what I meant\n",
            "PROXY settings, anybody?\n",
            "CAP LSD\n",
            "*1 point\n",
            "* 1\n",
            "**bold**\n",
            "* waves\n",
            "SSH is down\n",
            "STOMP on it\n",
            "CONNECTED\n",
            "<3\n",
            "{\"type\":\"hello\"}\n",
            "/name ann\n",
            "\u{1b}[A\n",
            "gr\u{fc}\u{df} dich\n",
            "a line that is longer than what the table looks at\n",
        ] {
            assert_eq!(decided(line.as_bytes()).1, Guess::Lines, "{line}");
        }
        assert_eq!(decided(b"").1, Guess::Undecided);
        assert_eq!(decided(b"PASS").1, Guess::Undecided);
    }

    #[test]
    fn every_byte_but_these_may_begin_a_line() {
        for first in 0..=255_u8 {
            let is_control = first < 0x20 && !b"\t\n\x0b\x0c\r\x08\x1b".contains(&first);
            let is_foreign = matches!(by_beginning(&[first, b'x', b'\n']), Guess::Foreign(_));
            assert_eq!(is_foreign, is_control, "{first:#04x}");
        }
    }

    #[test]
    fn no_row_of_the_table_needs_more_than_is_looked_at() {
        for (beginning, _) in BEGINNINGS {
            assert!(beginning.len() < HEAD_MAX, "{}", beginning.escape_ascii());
        }
    }

    fn by_line(line: &str) -> Option<Protocol> {
        by_request_line(line.as_bytes())
    }

    #[test]
    fn a_request_of_any_method_is_known_by_its_version() {
        let long = format!("get /{} HTTP/1.1\r", "a".repeat(70_000));
        let long_method = format!("{} / HTTP/1.1\r", "A".repeat(1000));
        for (line, protocol) in [
            ("get / HTTP/1.1\r", Protocol::Http),
            ("Post /x HTTP/1.0", Protocol::Http),
            ("M-SEARCH * HTTP/1.1\r", Protocol::Http),
            ("x!#$%&'*+-.^_`|~y http://a/ HTTP/1.1", Protocol::Http),
            ("PROPFIND  /x   HTTP/1.1  \r", Protocol::Http),
            ("PROPFIND\t/x\tHTTP/1.1", Protocol::Http),
            ("get /a path with spaces HTTP/1.1", Protocol::Http),
            (&long, Protocol::Http),
            (&long_method, Protocol::Http),
            ("x [::1]:2020 HTTP/1.1", Protocol::Http),
            ("DESCRIBE rtsp://a/b RTSP/1.0", Protocol::Rtsp),
            ("INVITE sip:bob@example.org SIP/2.0", Protocol::Sip),
            ("REQMOD icap://a/b ICAP/1.0", Protocol::Icap),
            ("SOURCE /radio ICE/1.0", Protocol::Icap),
        ] {
            assert_eq!(by_line(line), Some(protocol), "{}", &line[..line.len().min(60)]);
        }
        for line in [
            "",
            "HTTP/1.1",
            "I like HTTP/2",
            "we have moved to HTTP/1.1",
            "do you mean HTTP/1.1",
            "look: GET / HTTP/1.1",
            "look {\"a\":1} HTTP/1.1",
            "look :-) HTTP/1.1",
            "see /etc/hosts",
            "see /etc/hosts for HTTP/1.1 hosts",
            "see /etc/hosts xHTTP/1.1",
            "see /etc/hosts HTTP/1",
            "see /etc/hosts HTTP/a.b",
            "/get / HTTP/1.1",
            "{\"a\": \"/ HTTP/1.1",
        ] {
            assert_eq!(by_line(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_without_an_end_may_be_a_request_by_its_target() {
        for head in ["get /aaaaaaaaaaaaaaaaaaaaaaaaaaa", "x *", "Foo http://a", "a b:80"] {
            assert!(begins_request(head.as_bytes()), "{head}");
        }
        for head in ["", "x", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "get well soon", "{ /", "/get /", "a "] {
            assert!(!begins_request(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn white_space_and_byte_order_marks_are_blank() {
        for blank in [
            "\t", "\n", "\r", " ", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{1680}", "\u{2003}", "\u{2028}",
            "\u{3000}", "\u{feff}", "\u{200b}", "\u{2060}",
        ] {
            let line = format!("{blank}x");
            assert_eq!(blank_len(line.as_bytes()), blank.len(), "{}", blank.escape_unicode());
            assert_eq!(blank_len(&line.as_bytes()[..blank.len()]), blank.len());
            for len in 0..blank.len() {
                assert_eq!(blank_len(&line.as_bytes()[..len]), 0, "not whole");
                assert_eq!(by_beginning(&line.as_bytes()[..len]), Guess::Undecided, "not whole");
            }
        }
        for line in ["", "x", "{", "\0", "\u{e9}", "\u{200e}x", "\u{1f600}"] {
            assert_eq!(blank_len(line.as_bytes()), 0, "{}", line.escape_unicode());
        }
        for bytes in [&b"\xff"[..], b"\xef\xbb", b"\xef\xbb\xff", b"\xc2"] {
            assert_eq!(blank_len(bytes), 0);
        }
    }
}
