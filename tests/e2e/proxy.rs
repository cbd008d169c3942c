//! Behind nginx and HAProxy, as `docs/behind-a-proxy.md` sets them up: the configurations are taken from that page, and get
//! other addresses and no TLS.
//!
//! Tested is that pages, upgrades, origins, long messages and Closes pass. Whether the time-outs are long enough is not: it
//! would take minutes to see.

use crate::harness::daemon::Log;
use crate::harness::http::Answer;
use crate::harness::websocket::{KEY, request};
use crate::harness::{Daemon, Heard, Http, Line, Member, Socket, WebSocket};
use chinwag::net::Address;
use chinwag::proto::ws::{Opcode, handshake};
use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// Where to listen at a port that the system chooses.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The fenced block of the page that has these words behind its fence.
fn block(info: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/behind-a-proxy.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (_, rest) = page.split_once(&format!("\n```{info}\n")).unwrap_or_else(|| panic!("no block {info:?}"));
    rest.split_once("\n```\n").expect("the fence is closed").0.to_owned()
}

/// Puts one thing, which is there once, in place of another.
#[track_caller]
fn put(instead: &str, old: &str, new: &str) -> String {
    assert_eq!(instead.matches(old).count(), 1, "{old:?} is once in\n{instead}");
    instead.replace(old, new)
}

/// A running proxy.
#[derive(Debug)]
struct Proxy {
    child: Child,
    log: Arc<Log>,
    address: Address,
    /// Its configuration, and what it writes.
    _folder: TempDir,
    /// Keeps its port from being given to others.
    _port: Option<socket2::Socket>,
}

impl Proxy {
    /// nginx before a daemon that listens at `to`.
    #[track_caller]
    fn nginx(to: &Address) -> Proxy {
        // nginx opens its port itself. The system has chosen it for this socket, which never listens; nobody but who asks
        // for a shared port, as the configuration does, is given it too.
        let port = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let port = port.expect("a descriptor for a socket");
        port.set_reuse_port(true).expect("a shared port");
        port.bind(&ANY_PORT.into()).expect("there is a free port");
        let address = port.local_addr().ok().and_then(|address| address.as_socket()).expect("it is bound");

        let pass = "        proxy_pass http://127.0.0.1:2021;";
        let mut site = put(&block("nginx"), "listen 443 ssl;", &format!("listen {address} reuseport;"));
        site = match to {
            Address::Unix(path) => {
                let path = path.to_str().expect("a path in UTF-8");
                put(&site, pass, &put(&block("nginx unix"), "/run/chinwag/http.sock", path))
            }
            to => put(&site, pass, &format!("proxy_pass http://{to};")),
        };
        let site: Vec<&str> = site.lines().filter(|line| !line.trim_start().starts_with("ssl_")).collect();
        let site = site.join("\n");
        let folder = tempfile::tempdir().expect("a folder");
        // What Debian's nginx.conf says otherwise, for a process that is not the system's.
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("{what}_temp_path {what};\n"))
            .collect();
        let main = format!(
            "daemon off;\nmaster_process off;\npid pid;\nerror_log stderr notice;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{site}\n}}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), main).expect("a file in our folder");
        let mut command = Command::new(program("CHINWAG_E2E_NGINX", "nginx"));
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]).stdin(Stdio::null());
        let proxy = Proxy::start(command, Address::Tcp(address), folder, Some(port));
        // It says so when its ports are open.
        proxy.log.wait("nginx to listen", |lines| {
            lines.iter().any(|line| line.contains("event method")).then_some(())
        });
        proxy
    }

    /// HAProxy, as a block of the page sets it up, with `bind` and `to` in place of the page's.
    #[track_caller]
    fn haproxy(info: &str, bind: &str, server: &str, to: &Address) -> Proxy {
        Proxy::haproxy_with(&block(info), bind, server, to)
    }

    /// The same, with this configuration.
    #[track_caller]
    fn haproxy_with(config: &str, bind: &str, server: &str, to: &Address) -> Proxy {
        // HAProxy takes a socket that is open already: its standard input. Who connects before it runs waits in the queue.
        let listener = TcpListener::bind(ANY_PORT).expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let config = put(config, bind, "bind fd@0\n");
        let config = put(&config, server, &format!("server chinwag {to} check inter 100ms\n"));
        // What it finds out by its checks is logged.
        let config =
            put(&config, "timeout connect 5s\n", "timeout connect 5s\n    option log-health-checks\n");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, config + "\n").expect("a file in our folder");
        let mut command = Command::new(program("CHINWAG_E2E_HAPROXY", "haproxy"));
        command.arg("-db").arg("-f").arg(path).stdin(Stdio::from(OwnedFd::from(listener)));
        Proxy::start(command, Address::Tcp(address), folder, None)
    }

    /// Waits until a health check has come out like this.
    #[track_caller]
    fn finds_healthy(&self, outcome: &str) {
        self.log.wait("a health check", |lines| {
            let finds = |line: &String| line.contains("succeeded") && line.contains(outcome);
            lines.iter().any(finds).then_some(())
        });
    }

    #[track_caller]
    fn start(
        mut command: Command,
        address: Address,
        folder: TempDir,
        port: Option<socket2::Socket>,
    ) -> Proxy {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{:?}: {error}: run ./scripts/test, which installs what these tests need",
                command.get_program()
            )
        });
        let log = Log::of(child.stderr.take().expect("stderr is piped"));
        Proxy { child, log, address, _folder: folder, _port: port }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // One process each, so nothing of it stays.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the proxy's log ---\n{}", self.log.lines().lines.join("\n"));
        }
    }
}

/// What `./scripts/test` has found; or else where Debian puts it, which need not be on the PATH; or what is on the PATH.
fn program(variable: &str, name: &str) -> OsString {
    let debians = Path::new("/usr/sbin").join(name);
    let found = env::var_os(variable).or_else(|| debians.exists().then(|| debians.into_os_string()));
    found.unwrap_or_else(|| name.into())
}

/// The name under which the page has browsers come to the proxy.
const NAME: &str = "chat.example";

/// The daemon as the page starts it, with these flags besides.
#[track_caller]
fn daemon(flags: &[&str]) -> Daemon {
    let line = block("sh serve");
    let allowing = line.strip_prefix("chinwag serve ").expect("the daemon is started");
    assert_eq!(allowing, format!("--allow-host {NAME}"));
    Daemon::start(&allowing.split(' ').chain(flags.iter().copied()).collect::<Vec<_>>())
}

/// The host and port that a browser names at the proxy.
fn host(proxy: &Proxy) -> String {
    let Address::Tcp(address) = &proxy.address else { panic!("a proxy listens at a port") };
    format!("{NAME}:{}", address.port())
}

/// One request to the proxy, as a browser sends it.
#[track_caller]
fn get(proxy: &Proxy, target: &str) -> Answer {
    let mut http = Http::connect(&proxy.address);
    http.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host(proxy)));
    let answer = http.answer();
    http.end();
    answer
}

/// Asks for `target` at the proxy, as a page does that `origin` has served.
fn ask(proxy: &Proxy, target: &str, origin: &str) -> Socket {
    let mut bytes = Vec::new();
    let headers = [("Origin", origin)];
    let host = &host(proxy);
    handshake::Request { host, target, key: KEY, subprotocols: &[], deflate: None, headers: &headers }
        .encode(&mut bytes);
    let mut socket = Socket::connect(&proxy.address);
    socket.send(bytes);
    socket
}

/// A page through the proxy, in the chat.
fn page(proxy: &Proxy, name: &str) -> WebSocket {
    // The browser speaks TLS to the proxy, so its page's origin is https.
    let mut page = WebSocket::accepted(ask(proxy, "/ws", &format!("https://{}", host(proxy))));
    page.welcomed();
    page.rename(name);
    page
}

/// All that must pass.
#[track_caller]
fn passes(daemon: &Daemon, proxy: &Proxy) {
    let front = &proxy.address;

    let answer = get(proxy, "/");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("</html>"), "a page: {:?}", answer.body);
    assert_eq!(get(proxy, "/healthz").body, "ok\n");
    assert_eq!(get(proxy, "/nowhere").status, 404);

    // Two through the proxy and one beside it.
    let mut ann = page(proxy, "ann");
    let mut bob = page(proxy, "bob");
    let mut cyn = Line::connect(daemon);
    cyn.welcomed();
    ann.say("is anybody there?");
    assert_eq!(bob.hear_said(), "[ann] is anybody there?");
    assert_eq!(cyn.hear_said(), "[ann] is anybody there?");
    bob.say("yes");
    assert_eq!(ann.hear_said(), "[bob] yes");

    // Pages from elsewhere, also from another port of the same host, are told no, and why.
    for origin in ["https://evil.example", "https://chat.example", "null"] {
        let mut http = Http::over(ask(proxy, "/ws", origin));
        let answer = http.answer();
        assert_eq!(answer.status, 403, "{origin}");
        let names = [format!("\"{origin}\""), format!("\"{}\"", host(proxy)), "--allow-origin".into()];
        assert!(names.iter().all(|name| answer.body.contains(name)), "{}", answer.body);
    }

    // More than a proxy's buffer, in both directions; and control frames pass.
    let mut echo = WebSocket::connect_to(front, "/echo");
    let long: Vec<u8> = (0..64 * 1024).map(|n: u32| (n % 251) as u8).collect();
    echo.send(Opcode::Binary, &long);
    assert_eq!(echo.next(), Heard::Binary(long));
    echo.send(Opcode::Ping, "are you there?");
    assert_eq!(echo.next(), Heard::Pong(b"are you there?".to_vec()));
    echo.close();

    // The peer's codes, and ours.
    for code in [1000, 1001, 3000, 4999] {
        let mut echo = WebSocket::connect_to(front, "/echo");
        echo.send_close(code);
        echo.closed_with(code, false);
    }
    let mut echo = WebSocket::connect_to(front, "/echo");
    echo.socket.send(b"\x81\x02hi");
    echo.closed_with(1002, false);
    bob.say("/quit");
    bob.closed_with(1000, true);
    ann.hear_first("of bob", |line| line.contains("bob left"));
}

/// The daemon restarts, and pages behind the proxy are told.
#[track_caller]
fn says_goodbye(mut daemon: Daemon, proxy: &Proxy) {
    // Not ann: that one has just been dropped, and the proxy may not have said so yet.
    let mut dan = page(proxy, "dan");
    daemon.signal("TERM");
    dan.hear_first("the restart", |line| line.starts_with("* restarting"));
    dan.closed_with(1012, true);
    assert_eq!(daemon.wait().code, Some(0));
}

#[test]
fn nginx_passes_everything_on() {
    let daemon = daemon(&[]);
    let proxy = Proxy::nginx(daemon.http());
    passes(&daemon, &proxy);
    // Who comes through it has its address.
    daemon.logged(&["closed", "peer=127.0.0.1:", "code=4999"]);
    says_goodbye(daemon, &proxy);
    assert_eq!(Http::get(&proxy.address, "/healthz").status, 502);
}

#[test]
fn nginx_passes_everything_on_to_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("unix:{}", folder.path().join("http.sock").display());
    // Behind a Unix socket every host is answered for.
    let daemon = Daemon::start(&["--listen", &listen, "--connections-per-address", "1"]);
    let proxy = Proxy::nginx(daemon.http());
    // Several are there at once: nobody has an address by which to count them.
    passes(&daemon, &proxy);
    daemon.logged(&["closed", "peer=unix", "code=4999"]);
    says_goodbye(daemon, &proxy);
}

#[test]
fn haproxy_passes_everything_on() {
    let daemon = daemon(&[]);
    let bind = "bind :443 ssl crt /etc/haproxy/chat.example.pem\n";
    let proxy = Proxy::haproxy("haproxy", bind, "server chinwag 127.0.0.1:2021 check", daemon.http());
    proxy.finds_healthy("Layer7 check passed, code: 204");
    passes(&daemon, &proxy);
    daemon.logged(&["closed", "peer=127.0.0.1:", "code=4999"]);
    says_goodbye(daemon, &proxy);
    assert_eq!(Http::get(&proxy.address, "/healthz").status, 503);
}

#[test]
fn a_host_that_the_daemon_was_not_told_of_is_refused_with_the_flag_that_tells_it() {
    let daemon = Daemon::start(&[]);
    let proxy = Proxy::nginx(daemon.http());
    for target in ["/", "/healthz", "/nowhere"] {
        let answer = get(&proxy, target);
        assert_eq!(answer.status, 421, "{target}");
        assert!(answer.body.contains("start it with --allow-host chat.example "), "{}", answer.body);
        assert!(answer.body.contains("--allow-host '*'"), "{}", answer.body);
    }
    let origin = format!("https://{}", host(&proxy));
    let answer = Http::over(ask(&proxy, "/ws", &origin)).answer();
    assert_eq!(answer.status, 421);
    assert!(answer.body.contains(&origin) && answer.body.contains(&host(&proxy)), "{}", answer.body);
    // The first of each kind is logged; the others say nothing new.
    daemon.logged(&["WARN", &host(&proxy), "--allow-host chat.example "]);
    daemon.logged(&["WARN", &host(&proxy), &origin, "--allow-host chat.example "]);
    assert_eq!(daemon.logged_times(&["WARN", "refused"], 2), 2);
    // The origin of a page that may connect names its host, too.
    drop(proxy);
    let daemon = Daemon::start(&["--allow-origin", "https://chat.example"]);
    assert_eq!(get(&Proxy::nginx(daemon.http()), "/healthz").status, 200);
}

#[test]
fn haproxy_can_ask_for_the_health_by_name() {
    let daemon = daemon(&[]);
    let bind = "bind :443 ssl crt /etc/haproxy/chat.example.pem\n";
    for check in [
        "option httpchk GET /healthz",
        "option httpchk\n    http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host localhost",
    ] {
        let config = put(&block("haproxy"), "option httpchk", check);
        let proxy = Proxy::haproxy_with(&config, bind, "server chinwag 127.0.0.1:2021 check", daemon.http());
        proxy.finds_healthy("Layer7 check passed, code: 200");
    }
}

#[test]
fn haproxy_passes_lines_on() {
    let daemon = Daemon::start(&[]);
    let proxy =
        Proxy::haproxy("haproxy lines", "bind :2020\n", "server chinwag 127.0.0.1:2020 check", daemon.line());
    proxy.finds_healthy("Layer4 check passed");
    let mut ann = Line::over(Socket::connect(&proxy.address));
    let mut bob = Line::over(Socket::connect(&proxy.address));
    ann.welcomed();
    bob.welcomed();
    ann.rename("ann");
    ann.say("hello");
    assert_eq!(bob.hear_said(), "[ann] hello");
    ann.say("/quit");
    ann.ended_with("* goodbye");
    bob.socket.finish();
    daemon.logged(&["closed", "reason=peer-eof"]);
}

#[test]
fn a_cap_per_address_counts_the_proxy() {
    let daemon = Daemon::start(&["--connections-per-address", "1"]);
    let proxy = Proxy::nginx(daemon.http());
    let _one = WebSocket::connect_to(&proxy.address, "/echo");
    // Somebody else, from elsewhere.
    let mut other = Socket::connect_from(Ipv4Addr::new(127, 0, 0, 2).into(), &proxy.address);
    other.send(request("/echo", &[]));
    assert_eq!(Http::over(other).answer().status, 503);
}
