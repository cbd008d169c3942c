//! TLS beneath the handler: it is told of the same bytes and ends as without.

use crate::certificate::{Certificate, NAME};
use crate::recorder::{ANY_PORT, Loop, PATIENCE};
use chinwag::net::tls::{Identity, Protocol, Trust};
use chinwag::net::{Address, Dial, HandshakeLimits, KeepAlive};
use chinwag::time::Millis;
use rcgen::date_time_ymd;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

impl Certificate {
    fn identity(&self) -> Identity {
        Identity::load(self.path("cert.pem").as_ref(), self.path("key.pem").as_ref()).expect("a pair")
    }

    fn trust(&self) -> Trust {
        Trust::file(self.path("ca.pem").as_ref()).expect("an authority")
    }

    /// A client's half that is not ours.
    fn client(&self) -> ClientConnection {
        ClientConnection::new(self.client_config(&[]), NAME.try_into().expect("a name")).expect("a client")
    }

    fn client_config(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

fn on_tls_tcp(identity: &Identity) -> (Loop, SocketAddr) {
    let mut turning = Loop::new();
    let address = listen(&mut turning, identity);
    (turning, address)
}

fn listen(turning: &mut Loop, identity: &Identity) -> SocketAddr {
    let any = Address::Tcp(ANY_PORT);
    let listening = turning.reactor.listen_tls(&any, KeepAlive::ByProtocol, identity, Protocol::Http);
    let (_, Address::Tcp(address)) = listening.expect("a port is free") else { unreachable!("it is one") };
    address
}

/// A loop that speaks TLS on a Unix socket, where bytes are with the other side as soon as they are written.
fn on_tls_unix(identity: &Identity) -> (Loop, TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let mut turning = Loop::new();
    let address = Address::Unix(path.clone());
    turning
        .reactor
        .listen_tls(&address, KeepAlive::ByProtocol, identity, Protocol::Http)
        .expect("the path is free");
    (turning, folder, path)
}

fn dial(to: SocketAddr, trust: &Trust, name: &str) -> Dial {
    let tls = trust.end(name, Protocol::Http).expect("a name");
    Dial { to: Address::Tcp(to), from: None, keep_alive: KeepAlive::ByProtocol, tls: Some(tls) }
}

/// Turns until one of them sleeps: nothing keeps the loop awake.
#[track_caller]
fn comes_to_rest(turning: &mut Loop) {
    assert!((0..100).any(|_| !turning.sleeps_less_than(Millis(50))), "it goes on and on");
}

/// Both ends of a dialled connection: ours that dialled, and ours that accepted.
fn both_ends(turning: &mut Loop, dial: Dial) -> (usize, usize) {
    let before = turning.recorder.connected.len();
    turning.recorder.to_dial.push(dial);
    turning.until("both ends", |recorder| recorder.connected.len() == before + 2);
    let accepted = turning.recorder.accepted_keys.last().copied().expect("one was accepted");
    let dialled =
        *turning.recorder.connected[before..].iter().find(|&&key| key != accepted).expect("two ends");
    (dialled, accepted)
}

/// A client on a Unix socket, one step at a time.
struct Client {
    tls: ClientConnection,
    socket: UnixStream,
    heard: Vec<u8>,
    has_ended: bool,
}

impl Client {
    fn connect(path: &PathBuf, tls: ClientConnection) -> Client {
        let socket = UnixStream::connect(path).expect("somebody listens");
        socket.set_nonblocking(true).expect("it can be");
        Client { tls, socket, heard: Vec::new(), has_ended: false }
    }

    /// What it has to send.
    fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).expect("memory takes it");
        }
        bytes
    }

    /// Sends what there is, and hears what has come.
    fn step(&mut self) -> Result<(), rustls::Error> {
        let bytes = self.outgoing();
        // Who has been cut off has nobody to send to.
        let _ = self.socket.write_all(&bytes);
        self.hear()
    }

    fn hear(&mut self) -> Result<(), rustls::Error> {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(len) = self.socket.read(&mut buffer) {
            self.has_ended |= len == 0;
            let mut bytes = &buffer[..len];
            while !bytes.is_empty() {
                self.tls.read_tls(&mut bytes).expect("memory can be read");
                self.tls.process_new_packets()?;
                // At a clean end there is nothing to be read either.
                let _ = self.tls.reader().read_to_end(&mut self.heard);
            }
            if len == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Steps until the handshake is through.
    #[track_caller]
    fn shake(&mut self, turning: &mut Loop) {
        let connected = turning.recorder.connected.len();
        while turning.recorder.connected.len() == connected || self.tls.is_handshaking() {
            self.step().expect("the handshake is sound");
            turning.sleeps_less_than(Millis(5));
        }
    }
}

#[test]
fn both_ends_speak_and_end_as_without_tls() {
    let files = Certificate::new();
    let (mut turning, address) = on_tls_tcp(&files.identity());
    let (ours, theirs) = both_ends(&mut turning, dial(address, &files.trust(), NAME));
    turning.says_both_ways(ours, theirs);
    // Each end ends by itself, and the other can still speak.
    turning.recorder.connection(ours).to_shut = true;
    turning.until("an end", |recorder| recorder.connections[theirs].as_ref().is_some_and(|it| it.has_ended));
    assert!(!turning.recorder.connection(ours).has_ended);
    turning.recorder.connection(theirs).to_write = b"goodbye".to_vec();
    turning.recorder.connection(theirs).to_shut = true;
    turning.until("the other", |recorder| recorder.connections[ours].as_ref().is_some_and(|it| it.has_ended));
    assert_eq!(turning.recorder.connection(ours).bytes, b"welcomegoodbye");
    turning.settle();
    assert_eq!(turning.recorder.connected.len(), 2, "each is told of once");
    assert_eq!(turning.reactor.tls_metrics().handshakes, 2);
}

#[test]
fn what_the_client_sends_may_be_cut_at_every_byte() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = Client::connect(&path, files.client());
    turning.until("a client", |recorder| recorder.count() == 1);
    client.tls.writer().write_all(b"hello, byte by byte").expect("there is room");
    let mut has_closed = false;
    while !turning.recorder.connection(0).has_ended {
        for byte in client.outgoing() {
            client.socket.write_all(&[byte]).expect("somebody listens");
            turning.sleeps_less_than(Millis(1));
        }
        turning.sleeps_less_than(Millis(1));
        client.hear().expect("the server's half is sound");
        if !client.tls.is_handshaking() && !std::mem::replace(&mut has_closed, true) {
            client.tls.send_close_notify();
        }
    }
    assert_eq!(turning.recorder.connection(0).bytes, b"hello, byte by byte");
    assert_eq!(turning.recorder.connected, [0]);
}

#[test]
fn close_notify_is_an_end_and_nothing_behind_it_is_heard() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = Client::connect(&path, files.client());
    client.shake(&mut turning);
    client.tls.writer().write_all(b"hello").expect("there is room");
    client.tls.send_close_notify();
    let mut bytes = client.outgoing();
    bytes.extend_from_slice(&b"this is no record".repeat(2000));
    client.socket.write_all(&bytes).expect("somebody listens");
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    assert!(!turning.recorder.connection(0).is_truncated);
    // Ours goes out too, ahead of FIN.
    turning.recorder.connection(0).to_shut = true;
    turning.settle();
    client.hear().expect("it is sound");
    assert!(client.has_ended, "FIN has come");
    let state = client.tls.process_new_packets().expect("it is sound");
    assert!(state.peer_has_closed(), "and close_notify before it");
}

#[test]
fn an_end_without_close_notify_is_an_end() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = Client::connect(&path, files.client());
    client.shake(&mut turning);
    client.tls.writer().write_all(b"hello").expect("there is room");
    client.step().expect("it is sound");
    drop(client);
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    assert!(turning.recorder.connection(0).is_truncated, "it may have been cut off");
}

#[test]
fn an_end_in_a_handshake_is_an_error() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = Client::connect(&path, files.client());
    client.step().expect("it is sound");
    drop(client);
    turning.until_of_first("the error", |it| it.reset.is_some());
    assert!(turning.recorder.connected.is_empty());
    assert_eq!(turning.reactor.tls_metrics().failed, 1);
}

#[test]
fn a_record_that_was_changed_on_the_way_ends_the_connection_behind_what_came_before() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = Client::connect(&path, files.client());
    client.shake(&mut turning);
    client.step().expect("it is sound");
    client.tls.writer().write_all(b"hello").expect("there is room");
    let mut bytes = client.outgoing();
    client.tls.writer().write_all(b"welcome").expect("there is room");
    bytes.extend(client.outgoing());
    *bytes.last_mut().expect("there is one") ^= 1;
    client.socket.write_all(&bytes).expect("somebody listens");
    turning.until_of_first("the error", |it| it.reset.is_some());
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    let heard = client.hear();
    assert!(
        matches!(heard, Err(rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac))),
        "{heard:?}"
    );
}

#[test]
fn who_does_not_speak_tls_is_told_by_an_alert() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let mut client = UnixStream::connect(&path).expect("somebody listens");
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("somebody listens");
    turning.until_of_first("the error", |it| it.reset.is_some());
    assert!(turning.recorder.connection(0).why.contains("does not speak TLS"));
    let mut alert = [0; 7];
    client.read_exact(&mut alert).expect("an alert");
    assert_eq!(alert[..2], [21, 3], "{alert:?}");
}

#[test]
fn the_protocol_is_agreed_on() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let client = |alpn: &[&[u8]]| {
        let config = files.client_config(alpn);
        ClientConnection::new(config, NAME.try_into().expect("a name")).expect("a client")
    };
    let mut both = Client::connect(&path, client(&[b"h2", b"http/1.1"]));
    both.shake(&mut turning);
    assert_eq!(both.tls.alpn_protocol(), Some(&b"http/1.1"[..]));
    // RFC 7301, 3.2: where there is none in common the handshake fails.
    let mut other = Client::connect(&path, client(&[b"h2"]));
    other.step().expect("a hello is");
    turning.until("the error", |recorder| {
        recorder.connections.get(1).is_some_and(|it| it.as_ref().is_some_and(|it| it.reset.is_some()))
    });
    let heard = other.hear();
    assert!(
        matches!(heard, Err(rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol))),
        "{heard:?}"
    );
}

#[test]
fn a_session_is_resumed_by_either_version_also_under_another_certificate() {
    let files = Certificate::new();
    let identity = files.identity();
    let (mut turning, _folder, path) = on_tls_unix(&identity);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        roots.add(files.issuer.der().clone()).expect("an authority");
        let config = ClientConfig::builder_with_protocol_versions(&[version]);
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let name = NAME.try_into().expect("a name");
            let mut client =
                Client::connect(&path, ClientConnection::new(Arc::clone(&config), name).expect("a client"));
            client.shake(&mut turning);
            turning.settle();
            // The ticket comes behind the handshake.
            client.step().expect("it is sound");
            assert_eq!(client.tls.protocol_version(), Some(version.version));
            kinds.push(client.tls.handshake_kind());
            files.issue(|_| {});
            identity.reload().expect("a pair");
        }
        assert_ne!(kinds[0], Some(HandshakeKind::Resumed), "{version:?}");
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "{version:?}");
    }
    assert_eq!(turning.reactor.tls_metrics().resumed, 2);
}

#[test]
fn who_dials_again_resumes() {
    let files = Certificate::new();
    let (mut turning, address) = on_tls_tcp(&files.identity());
    let trust = files.trust();
    for resumed in [0, 2] {
        let (ours, theirs) = both_ends(&mut turning, dial(address, &trust, NAME));
        turning.recorder.connection(theirs).to_write = b"behind the ticket".to_vec();
        turning.until("a word", |recorder| {
            recorder.connections[ours].as_ref().is_some_and(|it| !it.bytes.is_empty())
        });
        assert_eq!(turning.reactor.tls_metrics().resumed, resumed, "counted at both ends");
    }
}

#[track_caller]
fn refused(files: &Certificate, trust: &Trust, name: &str) -> String {
    let (mut turning, address) = on_tls_tcp(&files.identity());
    turning.recorder.to_dial.push(dial(address, trust, name));
    turning.until_of_first("a refusal", |it| it.reset.is_some());
    assert!(turning.recorder.connected.is_empty(), "neither end is through");
    std::mem::take(&mut turning.recorder.connection(0).why)
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_refused_with_the_reason() {
    let files = Certificate::new();
    let other = Certificate::new();
    assert!(refused(&files, &other.trust(), NAME).contains("from an issuer that is not trusted"));
    assert!(refused(&files, &files.trust(), "other.example.org").contains("is not for other.example.org"));
    files.issue(|params| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    assert!(refused(&files, &files.trust(), NAME).contains("has expired"));
    files.issue(|params| {
        params.not_before = date_time_ymd(2900, 1, 1);
        params.not_after = date_time_ymd(2901, 1, 1);
    });
    assert!(refused(&files, &files.trust(), NAME).contains("not valid yet"));
    // Who trusts anybody has looked at none of that.
    let (mut turning, address) = on_tls_tcp(&files.identity());
    both_ends(&mut turning, dial(address, &Trust::anybody(), "whatever.example.org"));
}

#[test]
fn who_dials_what_does_not_speak_tls_is_told() {
    let files = Certificate::new();
    let (mut turning, address) = Loop::on_tcp();
    turning.recorder.to_dial.push(dial(address, &files.trust(), NAME));
    turning.until("a peer", |recorder| recorder.accepted_keys.len() == 1);
    let accepted = turning.recorder.accepted_keys[0];
    turning.recorder.connection(accepted).to_write = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    turning.until("an error", |recorder| {
        recorder.connections[1 - accepted].as_ref().is_some_and(|it| it.reset.is_some())
    });
    assert!(turning.recorder.connection(1 - accepted).why.contains("does not speak TLS"));
}

fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 7 * 31 + i % 7) as u8).collect()
}

#[test]
fn a_reader_who_pauses_gets_every_byte_once() {
    const LEN: usize = 3 << 20;
    let files = Certificate::new();
    let (mut turning, address) = on_tls_tcp(&files.identity());
    let config = files.client_config(&[]);
    let (go, wait) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut socket = TcpStream::connect(address).expect("somebody listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("it can be");
        let mut tls = ClientConnection::new(config, NAME.try_into().expect("a name")).expect("a client");
        tls.complete_io(&mut socket).expect("the handshake is sound");
        wait.recv().expect("it is told");
        let mut stream = rustls::Stream::new(&mut tls, &mut socket);
        let mut bytes = vec![0; LEN];
        stream.read_exact(&mut bytes).expect("it is all sent");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("a clean end");
        assert!(rest.is_empty());
        bytes
    });
    turning.until("a client", |recorder| recorder.connected.len() == 1);
    turning.recorder.connection(0).to_write = numbered(LEN);
    turning.recorder.connection(0).to_shut = true;
    turning.until_of_first("the kernel to be full", |it| it.is_blocked && !it.to_write.is_empty());
    go.send(()).expect("it waits");
    turning.until_of_first("the last byte", |it| it.to_write.is_empty() && !it.to_shut);
    assert!(reader.join().expect("all came") == numbered(LEN));
}

#[test]
fn everything_arrives_in_order() {
    const LEN: usize = 3 << 20;
    let files = Certificate::new();
    let (mut turning, address) = on_tls_tcp(&files.identity());
    let (ours, theirs) = both_ends(&mut turning, dial(address, &files.trust(), NAME));
    turning.recorder.connection(ours).to_write = numbered(LEN);
    turning.recorder.connection(ours).to_shut = true;
    turning.until("the end", |recorder| recorder.connections[theirs].as_ref().is_some_and(|it| it.has_ended));
    assert!(turning.recorder.connection(theirs).bytes == numbered(LEN));
}

#[test]
fn bytes_that_are_not_wanted_wait_and_a_handshake_does_not() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    turning.recorder.is_deaf = true;
    let mut client = Client::connect(&path, files.client());
    client.shake(&mut turning);
    turning.settle();
    client.tls.writer().write_all(b"hello").expect("there is room");
    client.tls.send_close_notify();
    client.step().expect("it is sound");
    turning.settle();
    assert!(turning.recorder.connection(0).bytes.is_empty() && !turning.recorder.connection(0).has_ended);
    turning.recorder.is_deaf = false;
    turning.recorder.resumed.push(0);
    turning.until_of_first("the end", |it| it.has_ended);
    assert_eq!(turning.recorder.connection(0).bytes, b"hello");
    comes_to_rest(&mut turning);
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    turning.reactor.limit_handshakes(HandshakeLimits { timeout: Millis(200), ..HandshakeLimits::default() });
    let mut through = Client::connect(&path, files.client());
    through.shake(&mut turning);
    let _silent = UnixStream::connect(&path).expect("somebody listens");
    let mut half = Client::connect(&path, files.client());
    half.step().expect("it is sound");
    let began = turning.reactor.now();
    turning.until("both to be given up", |recorder| {
        let is_late = |key: usize| {
            let connection = recorder.connections.get(key).and_then(Option::as_ref);
            connection.is_some_and(|it| it.reset == Some(io::ErrorKind::TimedOut))
        };
        is_late(1) && is_late(2)
    });
    assert!(turning.reactor.now() - began >= Millis(190));
    assert_eq!(turning.reactor.tls_metrics().timed_out, 2);
    assert!(turning.recorder.connection(0).reset.is_none(), "who is through is through");
    comes_to_rest(&mut turning);
}

#[test]
fn those_who_are_too_many_wait_unread_until_there_is_a_place() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    turning.reactor.limit_handshakes(HandshakeLimits { at_once_max: 2, ..HandshakeLimits::default() });
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(&path, files.client())).collect();
    for client in &mut clients {
        client.step().expect("it is sound");
    }
    turning.settle();
    comes_to_rest(&mut turning);
    let is_answered = |client: &mut Client| {
        client.hear().expect("it is sound");
        !client.tls.wants_read() || client.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    };
    let answered: Vec<bool> = clients.iter_mut().map(is_answered).collect();
    assert_eq!(answered, [true, true, false, false]);
    // One comes through, and one goes away: two places.
    clients[0].shake(&mut turning);
    drop(clients.remove(1));
    turning.until("the end of one", |recorder| {
        recorder.connections[1].as_ref().is_some_and(|it| it.reset.is_some())
    });
    turning.recorder.connection(1).to_close = true;
    turning.settle();
    assert!(is_answered(&mut clients[1]) && is_answered(&mut clients[2]));
}

/// What delays a message is the length of a turn. So this counts turns: however many handshakes wait, what a plain member
/// says is heard in the turn in which it has come, and none of them takes more steps than a turn may.
#[test]
fn a_storm_of_handshakes_delays_nobody_by_more_than_a_turn() {
    const STORM: usize = 1000;
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    let folder = tempfile::tempdir().expect("a folder");
    let plain = Address::Unix(folder.path().join("plain"));
    turning.reactor.listen(&plain, KeepAlive::ByProtocol).expect("the path is free");
    let mut member = UnixStream::connect(folder.path().join("plain")).expect("somebody listens");
    turning.until("the member", |recorder| recorder.count() == 1);
    turning.settle();
    // A hello that was heard is worth a signature each time.
    let mut tls = files.client();
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("memory takes it");
    let storm: Vec<UnixStream> = (0..STORM)
        .map(|_| {
            let mut socket = UnixStream::connect(&path).expect("somebody listens");
            socket.write_all(&hello).expect("there is room");
            socket.set_nonblocking(true).expect("it can be");
            turning.turn();
            socket
        })
        .collect();
    let answered = || {
        let has_answer = |socket: &&UnixStream| {
            let mut byte = [std::mem::MaybeUninit::uninit()];
            socket2::SockRef::from(*socket).peek(&mut byte).is_ok_and(|len| len > 0)
        };
        storm.iter().filter(has_answer).count()
    };
    let (mut turns, mut before) = (0, answered());
    while before < STORM {
        member.write_all(b"!").expect("somebody listens");
        turns += 1;
        turning.turn();
        assert_eq!(turning.recorder.connection(0).bytes.len(), turns, "heard in the turn in which it came");
        let after = answered();
        assert!(after - before <= 16, "{} steps in one turn", after - before);
        before = after;
    }
    assert!(turning.recorder.connected.is_empty(), "none of them goes on");
}

#[test]
fn who_is_turned_away_is_told_by_an_alert_since_there_is_no_key_to_say_it_under() {
    let files = Certificate::new();
    let (mut turning, _folder, path) = on_tls_unix(&files.identity());
    turning.recorder.turns_away = Some(b"* full\n");
    let mut client = Client::connect(&path, files.client());
    client.step().expect("a hello is");
    turning.settle();
    let heard = client.hear();
    let is_told = matches!(heard, Err(rustls::Error::AlertReceived(rustls::AlertDescription::InternalError)));
    assert!(is_told, "{heard:?}");
}

#[test]
fn a_pair_that_is_of_no_use_does_not_replace_the_one_in_use() {
    let (files, other) = (Certificate::new(), Certificate::new());
    let identity = files.identity();
    let (before, stamp) = (identity.not_after_unix_s(), identity.stamp());
    files.issue(|params| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    assert!(identity.reload().expect_err("it is too old").to_string().contains("has expired"));
    std::fs::copy(other.path("cert.pem"), files.path("cert.pem")).expect("they are files");
    assert!(identity.reload().expect_err("they are of two").to_string().contains("does not belong to"));
    std::fs::remove_file(files.path("key.pem")).expect("it is a file");
    assert!(identity.reload().expect_err("there is none").to_string().contains("cannot read"));
    assert_eq!(identity.not_after_unix_s(), before);
    assert_ne!(identity.stamp(), stamp, "the files have changed");
    files.issue(|params| params.not_after = date_time_ymd(2999, 1, 1));
    identity.reload().expect("a pair");
    assert_eq!(identity.not_after_unix_s(), 32_472_144_000);
}
