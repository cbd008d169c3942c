//! The command line: flags, addresses, signals, exit codes.

use crate::harness::daemon::chinwag;
use crate::harness::member::page;
use crate::harness::{Daemon, Heard, Http, Line, Member, Socket, WebSocket};
use chinwag::net::Address;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command};
use std::time::Duration;

/// Runs it to its end. Returns its exit code, its output, and its errors.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = chinwag().args(args).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_and_version_are_output_and_no_error() {
    for args in
        [&["--help"][..], &["-h"], &["help"], &["serve", "--help"], &["help", "serve"], &["join", "--help"]]
    {
        let (code, out, err) = run(args);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains("serve") || args.contains(&"join"), "{args:?}: {out}");
        assert!(out.contains("Examples:"), "{args:?}: {out}");
    }
    let help = run(&["serve", "--help"]).1;
    for flag in [
        "--listen",
        "--line-listen",
        "--allow-origin",
        "--log",
        "--drain-ms",
        "127.0.0.1:2021",
        "127.0.0.1:2020",
    ] {
        assert!(help.contains(flag), "{flag} is not in the help");
    }
    for args in [["--version"], ["-V"]] {
        let version = format!("chinwag {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(run(&args), (Some(0), version, String::new()));
    }
}

#[test]
fn a_mistake_on_the_command_line_is_one_line_and_exit_code_2() {
    assert_eq!(run(&[]).0, Some(2));
    for args in [
        &["server"][..],
        &["--loud"],
        &["serve", "--loud"],
        &["serve", "now"],
        &["serve", "--listen"],
        &["serve", "--listen", "2021"],
        &["serve", "--listen", "localhost"],
        &["serve", "--listen", "127.0.0.1:99999"],
        &["serve", "--listen", "unix:"],
        &["serve", "--line-listen", "on"],
        &["serve", "--listen", ":"],
        &["serve", "--listen", "*"],
        &["serve", "--listen", "::1:2021"],
        &["serve", "--listen", "127.0.0.256:2021"],
        &["serve", "--listen", "http://localhost:2021"],
        &["serve", "--allow-host", "https://chat.example.org"],
        &["serve", "--allow-host", "chat.example.org:443"],
        &["serve", "--allow-origin", "example.org"],
        &["serve", "--log", "loud"],
        &["serve", "--idle-timeout", "5"],
        &["serve", "--idle-timeout", "-1s"],
        &["serve", "--idle-timeout", "1 fortnight"],
        &["serve", "--drain-ms", "5s"],
        &["serve", "--write-queue-bytes", "1"],
        &["join", "http://127.0.0.1/"],
        &["join", "ws://127.0.0.1/?room=a%20b"],
        &["join", "--room", "#dev"],
        &["join", "--name", " "],
        &["join", "--history", "all"],
    ] {
        let (code, out, err) = run(args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.starts_with("error: ") && err.ends_with('\n'), "{args:?}: {err:?}");
        assert_eq!(err.lines().count(), 1, "{args:?}: {err:?}");
    }
}

#[test]
fn what_cannot_be_listened_on_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("it has one").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let unix = folder.path().join("socket");
    let _taken = UnixListener::bind(&unix).expect("a socket");
    let unix = format!("unix:{}", unix.display());
    let nowhere = format!("unix:{}", folder.path().join("no/such/folder").display());
    for (flag, address, hint) in [
        ("--listen", taken.as_str(), "choose another port"),
        ("--line-listen", &taken, "choose another port"),
        ("--listen", &unix, "choose another path"),
        ("--listen", &nowhere, "No such file"),
        // Not an address of this host: it is kept for documentation (RFC 5737).
        ("--listen", "192.0.2.1:0", "assign"),
    ] {
        let other = if flag == "--listen" { "--line-listen" } else { "--listen" };
        let (code, _, err) = run(&["serve", flag, address, other, "127.0.0.1:0", "--log", "warn"]);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.starts_with("error: ") && err.contains(address) && err.ends_with('\n'), "{err:?}");
        assert_eq!(err.lines().count(), 1, "{err:?}");
        assert!(err.contains(hint), "{err:?}");
    }
}

#[test]
fn a_listener_that_clashes_is_told_with_what() {
    let first = Daemon::start(&[]);
    let (http, line) = (first.http().to_string(), first.line().to_string());
    let port = |address: &str| address.rsplit_once(':').expect("a port").1.to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "text").expect("a file in our folder");
    let file = format!("unix:{}", file.display());
    let folder_itself = format!("unix:{}", folder.path().display());
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let same = format!("unix:{}", folder.path().join(".").join("socket").display());
    let everywhere = format!(":{}", port(&http));
    let other = "127.0.0.1:0";
    let another = "another program listens there, perhaps another chinwag; choose another port";
    let lines_too = format!("{another}, or --line-listen off");
    let own = "of this daemon has that address already";
    let free = {
        let listener = TcpListener::bind("127.0.0.44:0").expect("a port");
        listener.local_addr().expect("it has one").to_string()
    };
    let wild = format!("0.0.0.0:{}", port(&free));
    for (args, hints) in [
        // A second daemon: by its first listener, by its second, by both.
        (["--listen", &http, "--line-listen", other], vec![http.as_str(), "(--listen)", another]),
        (["--listen", other, "--line-listen", &line], vec![&line, "(--line-listen)", &lines_too]),
        (["--listen", &http, "--line-listen", &line], vec![&http, "(--listen)", &line, &lines_too]),
        (["--listen", &everywhere, "--line-listen", "off"], vec![&everywhere, another]),
        // One that is in its own way.
        (["--listen", &free, "--listen", &free], vec![&free, "--listen ", own]),
        (["--listen", &free, "--line-listen", &free], vec![&free, "(--line-listen): --listen ", own]),
        (["--listen", &wild, "--line-listen", &free], vec![&free, "(--line-listen): --listen ", own]),
        (["--listen", &socket, "--line-listen", &socket], vec![&socket, own]),
        (["--listen", &socket, "--line-listen", &same], vec!["(--line-listen): --listen ", own]),
        // Something else is there.
        (["--listen", &file, "--line-listen", "off"], vec![&file, "is not a socket", "choose another path"]),
        (["--listen", &folder_itself, "--line-listen", "off"], vec![&folder_itself, "is not a socket"]),
        (
            ["--listen", "no-such-host.invalid:0", "--line-listen", "off"],
            vec!["no-such-host.invalid:0 (--listen)"],
        ),
    ] {
        // The default port may be somebody else's.
        let no_lines: &[&str] = if args.contains(&"--line-listen") { &[] } else { &["--line-listen", "off"] };
        let (code, _, err) = run(&[&["serve", "--log", "warn"][..], &args, no_lines].concat());
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{args:?}: {err}");
        assert!(err.starts_with("error: cannot listen on "), "{args:?}: {err}");
        for hint in hints {
            assert!(err.contains(hint), "{hint:?} is not in {err}");
        }
        assert!(!err.contains("another program") || !err.contains(own), "{err}");
    }
    assert!(
        std::fs::exists(file.trim_start_matches("unix:")).expect("it can be told"),
        "what is not ours stays"
    );
    first.turn();
}

#[test]
fn everywhere_is_both_families_and_the_other_is_told_to_be_alone() {
    let reaches = |address: &str, port: u16| TcpStream::connect((address, port)).is_ok();
    let port = |address: &Address| match address {
        Address::Tcp(address) => address.port(),
        other => panic!("{other} is no port"),
    };
    for everywhere in [":0", "*:0"] {
        let daemon = Daemon::start(&["--listen", everywhere, "--line-listen", everywhere]);
        for (address, purpose) in [(daemon.http(), "for HTTP and WebSocket"), (daemon.line(), "for lines")] {
            let port = port(address);
            let line = daemon.logged(&["listening on", purpose]);
            assert!(
                line.starts_with(&format!("listening on [::]:{port} {purpose}, IPv4 and IPv6 (")),
                "{line}"
            );
            assert!(line.contains("127.0.0.1"), "{line}");
            assert!(reaches("127.0.0.1", port) && reaches("::1", port));
        }
        daemon.turn();
    }
    let daemon = Daemon::start(&["--listen", "[::]:0"]);
    let port = port(daemon.http());
    let line = daemon.logged(&["listening on [::]"]);
    assert!(line.ends_with(&format!("for HTTP and WebSocket, IPv6 alone (http://[::1]:{port}/)")), "{line}");
    assert!(reaches("::1", port) && !reaches("127.0.0.47", port));
}

#[test]
fn a_name_is_looked_up_at_the_start_and_all_its_addresses_are_listened_on() {
    let daemon = Daemon::start(&["--listen", "localhost:0"]);
    let Address::Tcp(address) = daemon.http() else { panic!("a port") };
    assert!(address.ip().is_loopback(), "{address}");
    // It is the local host's, so it answers for no other.
    let mut http = Http::connect(daemon.http());
    http.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(http.answer().status, 421);

    let folder = tempfile::tempdir().expect("a folder");
    let hosts = folder.path().join("hosts");
    // The last is nobody's (RFC 3849), as that of a family which is switched off is.
    std::fs::write(&hosts, "127.0.0.45 many\n127.0.0.46 many\n::1 many\n2001:db8::1 many\n").expect("a file");
    let daemon = Daemon::start_with_hosts(&hosts, &["--listen", "many:0", "--line-listen", "off"]);
    daemon.logged(&["WARN", "many has several addresses", "127.0.0.45, 127.0.0.46, ", "::1"]);
    daemon.logged(&["WARN", "not listening on [2001:db8::1]", "many:0"]);
    daemon.logged_times(&["listening on ", "for HTTP and WebSocket"], 3);
    let Address::Tcp(first) = daemon.http() else { panic!("a port") };
    for address in ["127.0.0.45", "127.0.0.46", "::1"] {
        let address = std::net::SocketAddr::new(address.parse().expect("an address"), first.port());
        daemon.logged(&[&format!("listening on {address} ")]);
        assert_eq!(Http::get(&Address::Tcp(address), "/healthz").status, 200);
    }
}

#[test]
fn more_connections_than_descriptors_are_refused_at_the_start() {
    let start = |limit: &str, connections: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -n {limit}; exec \"$0\" \"$@\"")).arg(chinwag().get_program());
        shell.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--line-listen",
            "off",
            "--connections",
            connections,
        ]);
        let output = shell.output().expect("a shell");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for connections in ["1000", "100", "83"] {
        let (code, err) = start("100", connections);
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{err}");
        let expected =
            format!("error: --connections {connections} is more than the limit of 100 descriptors allows");
        assert!(err.starts_with(&expected) && err.contains("choose 82 or fewer"), "{err}");
    }
    Daemon::start_with_descriptors(100, &["--line-listen", "off", "--connections", "82"]).turn();
}

#[test]
fn a_unix_socket_takes_handshakes_and_goes_with_the_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let flag = format!("unix:{}", path.display());
    let mut daemon = Daemon::start(&["--listen", &flag]);
    assert_eq!(daemon.http(), &Address::Unix(path.clone()));
    let mut ann = page(&daemon, "ann");
    let mut bob = Line::connect(&daemon);
    let name = bob.welcomed();
    ann.say("hello");
    assert_eq!(bob.hear_said(), "[ann] hello");
    bob.say("hello");
    assert_eq!(ann.hear_said(), format!("[{name}] hello"));
    ann.close();
    assert_eq!(Http::get(daemon.http(), "/healthz").body, "ok\n");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code, Some(0));
    assert!(!path.exists(), "the socket's file is left over");
}

#[test]
fn the_socket_of_a_daemon_that_was_killed_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let flag = format!("unix:{}", path.display());
    let mut daemon = Daemon::start(&["--listen", &flag]);
    daemon.kill();
    assert!(path.exists(), "nobody was there to remove it");
    Daemon::start(&["--listen", &flag]).turn();
}

#[test]
fn it_listens_wherever_it_is_told_to_and_nowhere_else() {
    let daemon = Daemon::start(&["--line-listen", "off"]);
    assert_eq!((daemon.listens(false).count(), daemon.listens(true).count()), (1, 0));
    daemon.turn();

    let folder = tempfile::tempdir().expect("a folder");
    let path = format!("unix:{}", folder.path().join("lines").display());
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "[::1]:0",
        "--line-listen",
        "[::1]:0",
        "--line-listen",
        &path,
    ];
    let daemon = Daemon::start(&flags);
    assert_eq!((daemon.listens(false).count(), daemon.listens(true).count()), (2, 2));
    let mut pages: Vec<WebSocket> =
        daemon.listens(false).map(|address| WebSocket::connect_to(address, "/ws")).collect();
    let lines = daemon.listens(true).map(|address| Line::over(Socket::connect(address)));
    let mut lines: Vec<Line> = lines.collect();
    pages.iter_mut().for_each(|page| drop(page.welcomed()));
    lines.iter_mut().for_each(|line| drop(line.welcomed()));
    pages[0].say("to everybody");
    assert_eq!(pages[1].hear_said(), "[guest-1] to everybody");
    for line in &mut lines {
        assert_eq!(line.hear_said(), "[guest-1] to everybody");
    }
}

#[test]
fn a_restarted_daemon_gets_its_port_back_at_once() {
    // An address of its own, since whoever asks for any port at 127.0.0.1 might be given this one in between.
    let mut daemon = Daemon::start(&["--listen", "127.0.0.42:0"]);
    let address = daemon.http().to_string();
    // The server closes first, so the connection's TIME_WAIT stands at its port.
    let mut websocket = WebSocket::connect(&daemon, "/echo");
    websocket.send_close(1000);
    websocket.closed_with(1000, false);
    drop(websocket);
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code, Some(0));
    Daemon::start(&["--listen", &address]).turn();
}

#[test]
fn a_signal_is_told_to_everybody_and_then_it_ends() {
    for (signal, code) in [("INT", 1001), ("TERM", 1012)] {
        let mut daemon = Daemon::start(&["--listen", "127.0.0.43:0"]);
        let mut chatting = WebSocket::connect(&daemon, "/ws");
        chatting.welcomed();
        let mut echo = WebSocket::connect(&daemon, "/echo");
        let mut add = WebSocket::connect(&daemon, "/add");
        let mut line = Line::connect(&daemon);
        line.welcomed();
        let mut http = Http::connect(daemon.http());
        http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(http.answer().status, 200);
        daemon.signal(signal);
        echo.closed_with(code, true);
        add.closed_with(code, true);
        http.end();
        while line.next().is_some() {}
        let close = loop {
            match chatting.next() {
                Heard::Text(_) => {}
                other => break other,
            }
        };
        assert_eq!(close, Heard::Close(Some(code)), "SIG{signal}");
        // Until the last of them has answered, it is there; but it lets nobody in.
        let Address::Tcp(address) = daemon.http() else { panic!("a port") };
        assert!(TcpStream::connect(address).is_err());
        chatting.send_close(code);
        assert_eq!(chatting.next(), Heard::End);
        // Each of them closes its own side too; whoever drains waits for that.
        drop((chatting, echo, add, line, http));
        let exit = daemon.wait();
        assert_eq!(exit.code, Some(0), "SIG{signal}");
    }
}

#[test]
fn what_has_been_said_is_delivered_before_the_end() {
    let mut daemon = Daemon::start(&[]);
    let mut ann = page(&daemon, "ann");
    let mut bob = Line::connect(&daemon);
    bob.welcomed();
    let large = "x".repeat(4000);
    for _ in 0..20 {
        ann.say(&large);
    }
    daemon.turn();
    daemon.signal("INT");
    for _ in 0..20 {
        assert_eq!(bob.hear_said(), format!("[ann] {large}"));
    }
    drop((ann, bob));
    assert_eq!(daemon.wait().code, Some(0));
}

/// A member that is told to go and neither answers nor ends its side.
fn stuck(daemon: &Daemon) -> WebSocket {
    let mut stuck = WebSocket::connect(daemon, "/echo");
    stuck.send_text("I am here");
    assert_eq!(stuck.text(), "I am here");
    stuck
}

#[test]
fn a_stuck_peer_is_waited_for_no_longer_than_the_drain_lasts() {
    let mut daemon = Daemon::start(&["--drain-ms", "200"]);
    let mut stuck = stuck(&daemon);
    daemon.signal("TERM");
    assert_eq!(stuck.next(), Heard::Close(Some(1012)));
    let exit = daemon.wait();
    assert_eq!(exit.code, Some(0));
    // Without the bound it were the five seconds that a peer has to answer a Close.
    assert!(exit.took < Duration::from_millis(3500), "{exit:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("INT", "INT", 130), ("TERM", "INT", 130)] {
        let mut daemon = Daemon::start(&["--drain-ms", "60000"]);
        let mut stuck = stuck(&daemon);
        daemon.signal(first);
        assert!(matches!(stuck.next(), Heard::Close(_)), "the first has been heard");
        daemon.signal(second);
        // As the shell counts it: 128 and the signal. Had it waited for the stuck peer, it would be 0.
        assert_eq!(daemon.wait().code, Some(code));
    }
}

/// Killed at the end of its test, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whoever_started_it_may_stop_listening_to_it() {
    let mut command = chinwag();
    command.args(["serve", "--listen", "127.0.0.1:0", "--line-listen", "off", "--log", "debug"]);
    let mut child = Killed(command.spawn().expect("it starts"));
    let mut stderr = BufReader::new(child.0.stderr.take().expect("it is piped"));
    let address = loop {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).expect("text") > 0, "it ended");
        if let Some(rest) = line.strip_prefix("listening on ") {
            break rest.split(' ').next().and_then(|address| address.parse().ok()).expect("an address");
        }
    };
    // Its log goes into a pipe that nobody reads: to write there is an error from now on, and a signal.
    drop(stderr);
    for _ in 0..3 {
        assert_eq!(Http::get(&address, "/healthz").status, 200);
    }
    assert!(child.0.try_wait().expect("it is our child").is_none(), "it ended");
}

#[test]
fn a_reader_that_has_gone_changes_nothing_about_how_a_command_ends() {
    let closed = || std::io::pipe().expect("a pipe").1;
    for (args, code) in [
        (&["bench", "echo", "ws://127.0.0.1:1/"][..], 1),
        (&["bench", "nothing"], 2),
        (&["bench", "echo", "--window=1", "--rate=1"], 2),
        (&["serve", "--listen", "192.0.2.1:1"], 1),
        (&["serve", "--slow"], 2),
        (&["join", "--nothing"], 2),
        (&["join", "ws://127.0.0.1:1/"], 1),
        (&["--help"], 0),
        (&["bench", "--help"], 0),
    ] {
        let status = chinwag().args(args).stdout(closed()).stderr(closed()).status().expect("it starts");
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
    let daemon = Daemon::start(&[]);
    let url = format!("http://{}/echo", daemon.http());
    for json in [&[][..], &["--json", "-"]] {
        let mut bench = chinwag();
        bench.args(["bench", "echo", &url, "-d", "1100ms", "--warmup", "0s", "-c", "2"]).args(json);
        let status = bench.stdout(closed()).stderr(closed()).status().expect("it starts");
        assert_eq!(status.code(), Some(0), "{json:?}");
    }
}
