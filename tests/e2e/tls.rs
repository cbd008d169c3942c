//! TLS as others speak it: curl, OpenSSL, Python; certificates that are bad, and that change.

use crate::certificate::{Certificate, NAME};
use crate::foreign::{python, run};
use crate::harness::daemon::chinwag;
use crate::harness::member::{netcat, page};
use crate::harness::{Daemon, Member, Socket};
use crate::join::Joiner;
use rcgen::{KeyPair, SerialNumber};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use x509_cert::der::Decode;

const TLS: [&str; 4] = ["--listen", "tls://127.0.0.1:0", "--line-listen", "tls://127.0.0.1:0"];
const BOTH: [&str; 4] = ["--listen", "127.0.0.1:0", "--line-listen", "127.0.0.1:0"];

impl Certificate {
    /// Writes another, with that number.
    fn issue_number(&self, number: u8) {
        self.issue(|params| params.serial_number = Some(SerialNumber::from(vec![number])));
    }

    /// Flags of a daemon that shows it, behind these.
    pub fn flags(&self, flags: &[&str]) -> Vec<String> {
        let own =
            ["--tls-cert".to_owned(), self.path("cert.pem"), "--tls-key".to_owned(), self.path("key.pem")];
        flags.iter().map(|&flag| flag.to_owned()).chain(own).collect()
    }

    fn start(&self, flags: &[&str]) -> Daemon {
        let flags = self.flags(flags);
        Daemon::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The number of the certificate that the daemon shows, and a connection to it.
    fn shown(&self, daemon: &Daemon) -> (u8, ClientConnection, TcpStream) {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(NAME).expect("a name");
        let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut socket = TcpStream::connect(tls_http(daemon)).expect("somebody listens");
        let mut stream = Stream::new(&mut tls, &mut socket);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is read");
        let mut response = [0; 15];
        stream.read_exact(&mut response).expect("it is answered");
        assert_eq!(&response, b"HTTP/1.1 200 OK");
        let shown = tls.peer_certificates().and_then(|chain| chain.first()).expect("it shows one");
        let parsed = x509_cert::Certificate::from_der(shown).expect("a certificate");
        let serial = parsed.tbs_certificate().serial_number().as_bytes()[0];
        (serial, tls, socket)
    }
}

fn tls_http(daemon: &Daemon) -> String {
    daemon.listens_tls(false).next().expect("a listener").to_string()
}

fn tls_line(daemon: &Daemon) -> String {
    daemon.listens_tls(true).next().expect("a listener").to_string()
}

/// Somebody with `openssl s_client` at the line port.
fn openssl(certificate: &Certificate, daemon: &Daemon, version: &str) -> Joiner {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", NAME, version]);
    command.args(["-CAfile", &certificate.path("ca.pem"), "-connect", &tls_line(daemon)]);
    Joiner::run(command)
}

#[test]
fn curl_is_served_by_https() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&TLS);
    for version in ["--tlsv1.3", "--tls-max=1.2"] {
        let version: Vec<&str> = version.split('=').collect();
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert", &certificate.path("ca.pem")])
            .args(version)
            .args(["--write-out", " %{http_version}", &format!("https://{}/healthz", tls_http(&daemon))])
            .output()
            .expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text, "ok\n 1.1", "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn plain_http_at_the_port_with_tls_is_told_so_in_plain_http() {
    let certificate = Certificate::new();
    let mut daemon = certificate.start(&TLS);
    let url = format!("http://{}/", tls_http(&daemon));
    for args in [&["--request", "POST", "--data", "hello"][..], &["--head"], &["--http1.0"]] {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--include", &url])
            .args(args)
            .output()
            .expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        let is_told = text.contains("this port speaks TLS: connect with https:// or wss://\n");
        assert!(is_told || args == ["--head"], "{text}");
    }
    // However slowly it comes, and however much: no reset overtakes the answer.
    let mut slow = Socket::connect(daemon.listens_tls(false).next().expect("a listener"));
    slow.send("G");
    let mut answer = Vec::new();
    slow.receive(&mut answer);
    for _ in 0..16 {
        slow.send([b'x'; 64 * 1024]);
    }
    answer.extend(slow.receive_to_end());
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", answer.escape_ascii());
    // Lines are told in a line.
    let mut line = Socket::connect(daemon.listens_tls(true).next().expect("a listener"));
    line.send("hello\n");
    let told = line.receive_to_end();
    assert_eq!(told, b"* this port speaks TLS: connect with tls://, as in chinwag join tls://HOST:PORT\n");
    assert_eq!(daemon.logged_times(&["WARN", "without TLS on a port with TLS"], 2), 2, "each kind once");
    daemon.signal("INT");
    assert_eq!(daemon.wait().code, Some(0));
    let stats = daemon.logged(&["stopped"]);
    assert!(stats.contains(" plain_on_tls=5 ") && stats.contains(" tls_failed=5 "), "{stats}");
}

#[test]
fn websockets_of_python_by_wss() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&[&BOTH[..], &TLS[..], &["--allow-host", NAME]].concat());
    let args = ["--tls", &tls_http(&daemon), "--ca", &certificate.path("ca.pem")].map(str::to_owned);
    run(python("tls_client.py", &args.each_ref().map(String::as_str), &daemon));
}

#[test]
fn everybody_is_in_one_room_with_tls_and_without() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&[&BOTH[..], &TLS[..]].concat());
    let (mut nc, mut web) = (netcat(&daemon, "nc"), page(&daemon, "web"));
    let ca = certificate.path("ca.pem");
    let wss = Joiner::start(&[&format!("wss://{}", tls_http(&daemon)), "--ca", &ca, "--name", "wss"]);
    wss.notes("lobby: 3 here");
    let tls = Joiner::start(&[&format!("tls://{}", tls_line(&daemon)), "--insecure", "--name", "tls"]);
    tls.notes("lobby: 4 here");
    let mut others = Vec::new();
    for (version, name) in [("-tls1_2", "old"), ("-tls1_3", "new")] {
        let mut other = openssl(&certificate, &daemon, version);
        other.say(&format!("/name {name}"));
        other.prints(&format!("* you are {name}"));
        others.push(other);
    }
    nc.say("from netcat");
    web.hear_first("netcat", |line| line == "[nc] from netcat");
    for member in others.iter().chain([&wss, &tls]) {
        member.prints("[nc] from netcat");
    }
    let mut talking = [wss, tls].into_iter().chain(others).collect::<Vec<_>>();
    for (member, name) in talking.iter_mut().zip(["wss", "tls", "old", "new"]) {
        member.say(&format!("{name} speaks"));
        assert_eq!(nc.hear_said(), format!("[{name}] {name} speaks"));
        assert_eq!(web.hear_said(), format!("[{name}] {name} speaks"));
    }
    for mut other in talking.drain(2..) {
        other.say("/quit");
        let (status, out, _) = other.ends();
        assert!(status.success() && out.last().is_some_and(|line| line == "* goodbye"), "{out:?}");
    }
}

#[test]
fn our_own_clients_say_why_they_do_not_trust() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&TLS);
    let url = format!("wss://{}", tls_http(&daemon));
    let (status, _, notices) = Joiner::start(&[&url, "--ca", &Certificate::new().path("ca.pem")]).end();
    assert_eq!(status.code(), Some(1));
    assert!(notices.iter().any(|line| line.contains("an issuer that is not trusted here")), "{notices:?}");
    for (args, hint) in [
        (&[&*url, "--ca", "/nowhere.pem"][..], "/nowhere.pem"),
        (&["ws://127.0.0.1:1", "--insecure"][..], "wss://"),
    ] {
        let (status, _, notices) = Joiner::start(args).end();
        assert!(!status.success() && notices.iter().any(|line| line.contains(hint)), "{notices:?}");
    }
}

/// The commands of the page, for a host that has an address.
fn self_signed_recipe() -> Vec<String> {
    let page = include_str!("../../docs/tls.md");
    let (_, recipe) = page.split_once("```sh\nopenssl req").expect("the recipe");
    let (recipe, _) = recipe.split_once("\n```").expect("it ends");
    let recipe = format!("openssl req{recipe}").replace("\\\n", " ").replace("chat.example.org", "localhost");
    recipe.lines().map(str::to_owned).collect()
}

#[test]
fn the_self_signed_recipe_of_the_page_is_trusted_and_without_its_constraint_it_is_told_what_to_add() {
    let recipe = self_signed_recipe();
    let [openssl, join] = &recipe[..] else { panic!("two commands: {recipe:?}") };
    let folder = tempfile::tempdir().expect("a folder");
    let constraint = "-addext basicConstraints=critical,CA:FALSE";
    for (openssl, is_trusted) in [(openssl.clone(), true), (openssl.replace(constraint, ""), false)] {
        assert_eq!(openssl.contains(constraint), is_trusted, "{openssl}");
        let made = Command::new("sh").args(["-c", &openssl]).current_dir(folder.path()).output();
        let made = made.expect("a shell");
        assert!(made.status.success(), "{openssl}: {}", String::from_utf8_lossy(&made.stderr));
        let path = |name: &str| folder.path().join(name).to_str().expect("a path in UTF-8").to_owned();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let daemon = Daemon::start(&[&TLS[..], &["--tls-cert", &cert, "--tls-key", &key]].concat());
        let port = tls_http(&daemon).rsplit(':').next().expect("a port").to_owned();
        let url = format!("wss://localhost:{port}");
        let arguments =
            join.strip_prefix("chinwag join ").expect("it joins").replace("wss://localhost", &url);
        let arguments = arguments.replace("cert.pem", &cert);
        let (status, _, notices) = Joiner::start(&arguments.split(' ').collect::<Vec<_>>()).end();
        assert_eq!(status.success(), is_trusted, "{notices:?}");
        if !is_trusted {
            let why = notices.last().expect("it says why");
            assert!(
                why.contains("that of an authority") && why.contains("basicConstraints=CA:FALSE"),
                "{why}"
            );
        }
    }
}

#[test]
fn a_port_that_speaks_something_else_is_named_at_once() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&[&BOTH[..], &TLS[..]].concat());
    let (http, line) = (daemon.http().to_string(), daemon.line().to_string());
    let (https, lines) = (tls_http(&daemon), tls_line(&daemon));
    for (url, why) in [
        (format!("tcp://{http}"), format!("that port speaks HTTP: try ws://{http}")),
        (format!("ws://{line}"), format!("that port speaks lines: try tcp://{line}")),
        (format!("tls://{https}"), format!("that port speaks HTTP: try wss://{https}")),
        (format!("wss://{lines}"), format!("that port speaks lines: try tls://{lines}")),
        (format!("ws://{https}"), "TLS".to_owned()),
        (format!("tcp://{lines}"), "TLS".to_owned()),
        (format!("wss://{http}"), "TLS".to_owned()),
        (format!("tls://{line}"), "TLS".to_owned()),
    ] {
        let is_tls = url.starts_with("wss") || url.starts_with("tls");
        let args = if is_tls { vec![&*url, "--insecure"] } else { vec![&*url] };
        let (status, out, notices) = Joiner::start(&args).end();
        assert_eq!((status.code(), out.len(), notices.len()), (Some(1), 0, 1), "{url}: {notices:?}");
        let start = "error: cannot join ";
        assert!(notices[0].starts_with(start) && notices[0].contains(&why), "{url}: {notices:?}");
    }
}

#[test]
fn the_load_client_accounts_for_all_by_wss() {
    let certificate = Certificate::new();
    let daemon = certificate.start(&[&TLS[..], &["--publish-per-second", "0"]].concat());
    let mut command = chinwag();
    command.args([
        "bench",
        "fanout",
        &format!("wss://{}/ws", tls_http(&daemon)),
        "--ca",
        &certificate.path("ca.pem"),
    ]);
    command.args(["--connections", "20", "--duration", "300ms", "--warmup", "100ms"]);
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_bad_certificate_at_the_start_is_one_line_and_exit_code_1() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    certificate.write("empty.pem", "");
    certificate.write("text.pem", "no certificate");
    certificate.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let (good, key) = (certificate.path("cert.pem"), certificate.path("key.pem"));
    for (first, second, hint) in [
        (&*certificate.path("nowhere.pem"), &*key, "nowhere.pem: No such file"),
        (&certificate.path("empty.pem"), &key, "empty.pem holds no certificate"),
        (&certificate.path("text.pem"), &key, "text.pem holds no certificate"),
        (&certificate.path("broken.pem"), &key, "broken.pem makes no sense"),
        (&key, &key, "key.pem holds no certificate"),
        (&good, &good, "cert.pem holds no private key"),
        (&good, &other.path("key.pem"), "does not belong to the certificate"),
    ] {
        let mut command = chinwag();
        command.args(["serve", "--line-listen", "off", "--listen", "tls://127.0.0.1:0", "--log", "warn"]);
        let output = command.args(["--tls-cert", first, "--tls-key", second]).output().expect("it runs");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), err.lines().count()), (Some(1), 1), "{err}");
        assert!(err.contains(hint) && err.starts_with("error: "), "{err}");
    }
}

#[test]
fn a_certificate_is_read_again_and_nobody_leaves_for_it() {
    let certificate = Certificate::new();
    let mut daemon = certificate.start(&[&TLS[..], &["--line-listen", "127.0.0.1:0"]].concat());
    let mut member = openssl(&certificate, &daemon, "-tls1_3");
    member.say("/name ann");
    member.prints("* you are ann");
    assert_eq!(certificate.shown(&daemon).0, 1);
    // When it is asked to.
    certificate.issue_number(2);
    daemon.signal("HUP");
    daemon.logged_times(&["the certificate in use is valid until"], 2);
    assert_eq!(certificate.shown(&daemon).0, 2);
    // By itself, when the files change.
    certificate.issue_number(3);
    daemon.logged_times(&["the certificate in use is valid until"], 3);
    assert_eq!(certificate.shown(&daemon).0, 3);
    // What is of no use is not used.
    let good = std::fs::read_to_string(certificate.path("key.pem")).expect("it is there");
    certificate.write("key.pem", &KeyPair::generate().expect("a key").serialize_pem());
    daemon.logged(&["ERROR", "the certificate stays the one in use", "does not belong to"]);
    let (serial, mut tls, mut socket) = certificate.shown(&daemon);
    assert_eq!(serial, 3);
    certificate.write("key.pem", &good);
    daemon.logged_times(&["the certificate in use is valid until"], 4);
    // Whoever was there is still.
    let mut nc = netcat(&daemon, "nc");
    nc.say("still here?");
    member.prints("[nc] still here?");
    daemon.signal("INT");
    let mut stream = Stream::new(&mut tls, &mut socket);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("close_notify comes before FIN");
    assert_eq!(daemon.wait().code, Some(0));
    let stats = daemon.logged(&["stopped"]);
    assert!(stats.contains(" cert_not_after=") && stats.contains(" tls_handshakes=5 "), "{stats}");
}
