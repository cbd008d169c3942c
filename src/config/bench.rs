//! The settings of `chinwag bench`.
//!
//! What a setting is when nobody says anything may depend on the scenario: an echo is measured with one message of each
//! connection under way, a fan-out at a hundred messages a second.

mod handshake;
mod ignored;
mod script;

use super::{Kind, Listen, Setting, Value, path, texts, values};
use crate::bench::plan::{Arrival, Dialect, Load, Plan, Scenario, Servers, Templates};
use crate::bench::search::{Condition, Vary};
use crate::bench::seat::{least_connections, measured};
use crate::bench::stamp::{Form, SHORT_SENDERS_MAX, STAMP_LEN};
use crate::bench::template::{PAYLOAD, with_environment};
use crate::bench::threshold::Threshold;
use crate::client::{Scheme, Url};
use crate::time::Millis;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const WS: &str = "ws://127.0.0.1:2021";
const LINES: &str = "tcp://127.0.0.1:2020";
const ECHO_PATH: &str = "/echo";
const CHAT_PATH: &str = "/ws";

const SCENARIOS: &[&str] = &["echo", "fanout", "connect", "idle", "churn", "storm", "slow", "hop"];
const DIALECTS: &[&str] = &["chinwag", "chinwag-text", "lines", "raw", "template"];
const EVEN: &str = "even";
const POISSON: &str = "poisson";

const CONNECTIONS: usize = 100;
const RATE: f64 = 100.0;
const DURATION: Duration = Duration::from_secs(10);
/// How long a run takes at the most that the number of its messages ends.
const COUNTED_DURATION_MAX: Duration = Duration::from_secs(3600);
const WARMUP: Duration = Duration::from_secs(1);
/// A receiver keeps four bytes for each sender of its room.
const LEDGERS_BYTES_MAX: usize = 2 << 30;
/// The longest name of a room that our server takes.
const ROOM_BYTES_MAX: usize = 64;
const DAY_MS: u64 = 24 * 3_600_000;

const fn row(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { name, short: None, kind, default, repeats: false, help }
}

/// The table.
pub const SETTINGS: &[Setting] = &[
    row("connections", Kind::Count(1, 1 << 24), "", "How many connections; 100 without it").or('c'),
    row(
        "senders",
        Kind::Count(1, 1 << 24),
        "",
        "How many of them send; 1 without it, and all of them in an echo",
    ),
    row("self-echo", Kind::Switch, "", "A sender is sent its own messages too"),
    row("room", Kind::Room, "", "The room; one of this run's own without it"),
    row(
        "rooms",
        Kind::Count(1, 1 << 24),
        "",
        "How many rooms, named ROOM-0, ROOM-1 and so on; with more rooms than connections each is in several; 1 without it, and as many as connections in a hop",
    ),
    row("header", Kind::Text, "", "Adds a field to each request, as in 'X-User: u{i}'").or('H').repeated(),
    row("subprotocol", Kind::Text, "", "Offers a subprotocol, in the dialects raw and template").repeated(),
    row("origin", Kind::Text, "", "The Origin field of each request, as a browser sends it"),
    row("token", Kind::Text, "", "A token for all connections, sent as Authorization: Bearer, or where {token} stands"),
    row("tokens", Kind::Path, "", "A file with such a token for each connection, one a line"),
    row(
        "deflate",
        Kind::Switch,
        "",
        "Offers to deflate messages; where the server agrees, ours of 128 bytes and more are",
    ),
    row(
        "dialect",
        Kind::Choice(DIALECTS),
        "",
        "How messages are wrapped; raw for echo, chinwag for the others, lines for tcp:",
    ),
    row(
        "join-template",
        Kind::Text,
        "",
        "In the dialect template: what each connection says first, with values in braces",
    ),
    row(
        "send-template",
        Kind::Text,
        "",
        "In the dialect template: a message, with {payload} and other values in braces",
    ),
    row(
        "script",
        Kind::Path,
        "",
        "A TOML file with the server's protocol: the steps of a login, answers, heartbeats, templates; implies the dialect template",
    ),
    row(
        "rate",
        Kind::Count(1, 100_000_000),
        "",
        "An open loop: so many messages a second in all, whatever the server does; 100 without it, but for an echo or a hop",
    ).or('r'),
    row("arrival", Kind::Choice(&[EVEN, POISSON]), EVEN, "How the open loop's messages are spread over time"),
    row(
        "window",
        Kind::Count(1, 1_000_000),
        "",
        "A closed loop: so many messages of each sender are under way; 1 without it, in an echo or a hop",
    ),
    row(
        "size",
        Kind::Sizes(1, 1 << 20),
        "64",
        "The length of a payload, or a range as in 64-4k; at least 40, but 16 in the dialect raw, and 12 there with --binary",
    ).or('s'),
    row("binary", Kind::Switch, "", "Sends messages in binary frames, in the dialects raw and template"),
    row(
        "messages",
        Kind::Count(1, 1 << 40),
        "",
        "Ends the run after so many messages in all; no warm-up then, and --duration is the longest",
    )
    .or('n'),
    row("duration", Kind::Duration(10, DAY_MS), "10s", "For how long it is measured").or('d'),
    row("warmup", Kind::Duration(0, DAY_MS), "", "For how long messages are sent before that; 1s without it"),
    row("ramp", Kind::Duration(0, DAY_MS), "0s", "Over how long the connections are made; in connect, over how long those in flight are started"),
    row("in-flight", Kind::Count(1, 1 << 20), "100", "How many connections may be under way at a time"),
    row(
        "drain",
        Kind::Duration(0, DAY_MS),
        "5s",
        "How long the last messages are waited for, when nothing comes any more",
    ),
    row(
        "churn-rate",
        Kind::Count(1, 1_000_000),
        "50",
        "In churn: so many connections a second go and come back",
    ),
    row("slow-percent", Kind::Count(0, 100), "10", "In slow: so many of a hundred readers are slow"),
    row("slow-read", Kind::Bytes(0, 1 << 30), "0", "In slow: so many bytes a second they read; 0 for none"),
    row("find", Kind::Condition, "", "Searches for the highest rate for which this holds, as in p99<50ms"),
    row("find-connections", Kind::Switch, "", "The search is for the number of connections"),
    row("find-max", Kind::Count(1, 100_000_000), "", "The search goes no higher"),
    row(
        "repeat",
        Kind::Count(1, 1000),
        "1",
        "So many runs: medians are reported, and how far they lie apart",
    ),
    row("threads", Kind::Count(1, 64), "1", "How many loops make the load"),
    Setting {
        name: "bind", short: None,
        kind: Kind::Ip,
        default: "",
        repeats: true,
        help: "A source address, taken in turn with the others; the loopback has as many as it takes",
    },
    row("seed", Kind::Count(0, i64::MAX as u64), "1", "What sizes, moments and choices follow from"),
    row(
        "server-pid",
        Kind::Count(1, 1 << 30),
        "",
        "The server's process: its processor time and memory are reported; those of several are added up",
    )
    .repeated(),
    row(
        "cluster",
        Kind::Switch,
        "",
        "The servers of several URLs share their rooms; without it, a message is expected on its own server only",
    ),
    row(
        "ca",
        Kind::Path,
        "",
        "Trusts the authorities of this PEM file rather than the system's, for wss:// and tls://",
    ),
    row("insecure", Kind::Switch, "", "Trusts whoever answers, whatever its certificate"),
    row("strict", Kind::Switch, "", "Exit code 4 when the client was the limit"),
    row("fail-if", Kind::Text, "", "Exit code 5 when this holds for a figure of the JSON report, as in p99>50ms")
        .repeated(),
    row("json", Kind::Path, "", "Writes the report there as JSON; - for the standard output"),
    row(
        "tui",
        Kind::Switch,
        "",
        "Shows the run on the terminal while it goes on: latency over time, rates, errors, who is the limit",
    ),
    row(
        "jsonl",
        Kind::Path,
        "",
        "Writes a line of JSON there for each second while the run goes on; - for the standard output",
    ),
    row(
        "prometheus",
        Kind::Listen,
        "",
        "Serves metrics at http://ADDR/metrics while it runs, as in localhost:9100; port 0 lets the system choose",
    ),
    row("hgrm", Kind::Path, "", "Writes the latencies there, for HdrHistogram's plotter"),
    row("csv", Kind::Path, "", "Writes the seconds there"),
    row("svg", Kind::Path, "", "Draws the latencies and the seconds there"),
];

/// What `chinwag bench` runs with.
#[derive(Clone, Debug)]
pub struct Bench {
    /// One run.
    pub plan: Plan,
    /// How many of them.
    pub repeat: usize,
    /// What is searched for: what is varied, under which condition, up to where.
    pub find: Option<(Vary, Condition, f64)>,
    /// Figures of the report that are failures.
    pub fail_if: Vec<Threshold>,
    /// Whether a client that was the limit is a failure.
    pub is_strict: bool,
    /// Where the report is written, besides.
    pub json: Option<PathBuf>,
    /// Whether the terminal shows all of it while it runs.
    pub has_tui: bool,
    /// Where the seconds are written while it runs.
    pub jsonl: Option<PathBuf>,
    /// Where metrics are served while it runs.
    pub prometheus: Option<Listen>,
    /// The same.
    pub hgrm: Option<PathBuf>,
    /// The same.
    pub csv: Option<PathBuf>,
    /// The same.
    pub svg: Option<PathBuf>,
    /// Whose certificates to trust, if not those that the system does.
    pub ca: Option<PathBuf>,
    /// Whether to trust anybody.
    pub is_insecure: bool,
}

/// Adds the scenario and the address, which have no flags.
pub fn with_url(command: Command) -> Command {
    let scenario = Arg::new("SCENARIO")
        .help("What is played: echo, fanout, connect, idle, churn, storm, slow or hop")
        .required(true)
        .value_parser(|text: &str| Kind::Choice(SCENARIOS).parse(text));
    let url = Arg::new("URL")
        .help("Where the server is: ws://HOST:PORT/PATH, or tcp://HOST:PORT for lines; wss:// and tls:// under TLS; our own on this host without it. Of several URLs each gets the same share of the connections. In the dialects of the chat, ?room= and ?name= are the room and the name")
        .action(ArgAction::Append)
        .value_parser(|text: &str| Url::from_page(&expanded(text)?).map_err(|error| error.to_string()));
    command.arg(scenario).arg(url)
}

/// What was given, read by kind.
struct Given<'m>(&'m ArgMatches);

impl Given<'_> {
    fn count(&self, name: &str) -> Option<usize> {
        values(self.0, name)
            .find_map(|value| if let Value::Count(count) = value { Some(*count) } else { None })
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        values(self.0, name).find_map(|value| match value {
            Value::Duration(Millis(ms)) => Some(Duration::from_millis(*ms)),
            _ => None,
        })
    }

    fn word(&self, name: &str) -> Option<&'static str> {
        values(self.0, name)
            .find_map(|value| if let Value::Choice(word) = value { Some(*word) } else { None })
    }

    fn text(&self, name: &str) -> Option<String> {
        texts(self.0, name).pop()
    }
}

impl Bench {
    /// Reads what the flags of [`SETTINGS`] gave. An error says in one line what does not go together.
    pub fn from_matches(matches: &ArgMatches) -> Result<Bench, String> {
        let given = Given(matches);
        let named = given.word("SCENARIO").unwrap_or_default();
        let (_, scenario) = *Scenario::NAMED
            .iter()
            .find(|(name, _)| *name == named)
            .ok_or_else(|| format!("'{named}' is no scenario"))?;
        let given_urls: Vec<Url> = matches.get_many("URL").into_iter().flatten().cloned().collect();
        let dialect = dialect(&given, scenario, given_urls.first());
        ignored::check(matches, scenario, dialect)?;
        let file = path(matches, "script").map(|path| script::read(&path)).transpose()?;
        let has_script = file.is_some();
        let file = file.unwrap_or_default();
        let mut urls = urls_of(given_urls, scenario, dialect, file.path.as_deref())?;
        if let Some(url) = urls.iter().find(|url| has_script && url.scheme() == Scheme::Tcp) {
            return Err(format!("--script needs a WebSocket, as at ws://HOST:PORT, not {url}"));
        }
        let connections = given.count("connections").unwrap_or(CONNECTIONS);
        let in_flight = given.count("in-flight").unwrap_or(1);
        let templates = Templates {
            join: given
                .text("join-template")
                .map(|text| expanded(&text))
                .transpose()?
                .or(file.join)
                .unwrap_or_default(),
            send: given
                .text("send-template")
                .map(|text| expanded(&text))
                .transpose()?
                .or(file.send)
                .unwrap_or_default(),
            script: has_script.then(|| Arc::new(file.script)),
        };
        let from_script = handshake::FromScript { headers: &file.headers, subprotocols: &file.subprotocols };
        let sent = [&templates.join, &templates.send].into_iter().chain(&file.texts);
        let handshake = handshake::handshake(&given, &urls, dialect, &from_script, sent)?;
        let targets: Vec<String> = urls.iter().map(|url| url.target().into_owned()).collect();
        let sent = [&templates.join, &templates.send].into_iter().chain(&file.texts).chain(&targets);
        let places = sent.chain(handshake.headers.iter().map(|(_, value)| value)).map(String::as_str);
        ignored::check_rooms(matches, dialect, places)?;
        let queried = queried(&mut urls, dialect, connections)?;
        let is_cluster = matches.get_flag("cluster");
        let server_count = urls.len();
        let mut urls = urls.into_iter();
        let first = urls.next().ok_or("a URL is missing")?;
        let messages = given.count("messages").map(|count| count as u64);
        let load = load(&given, scenario)?;
        let is_given = |flag| matches.value_source(flag) == Some(ValueSource::CommandLine);
        let duration = match (messages, load) {
            (Some(_), _) if is_given("duration") => given.duration("duration"),
            // By chance they may take longer than on average.
            (Some(messages), Load::Open { rate, .. }) => {
                Some(COUNTED_DURATION_MAX.max(Duration::from_secs_f64(2.0 * messages as f64 / rate)))
            }
            (Some(_), Load::Closed { .. }) => Some(COUNTED_DURATION_MAX),
            (None, _) => given.duration("duration"),
        };
        let has_messages = messages.is_none() && !matches!(scenario, Scenario::Connect | Scenario::Idle);
        let plan = Plan {
            scenario,
            handshake,
            name: queried.name,
            servers: Servers::new(first, urls),
            is_cluster,
            dialect,
            templates,
            connections: if scenario == Scenario::Connect { in_flight } else { connections },
            senders: match scenario {
                Scenario::Connect | Scenario::Idle | Scenario::Hop => 0,
                Scenario::Echo => connections,
                _ if is_cluster => given.count("senders").unwrap_or(1),
                _ => given.count("senders").unwrap_or(server_count),
            },
            self_echo: matches.get_flag("self-echo") || file.self_echo && scenario != Scenario::Echo,
            room: given
                .text("room")
                .or(queried.room)
                .unwrap_or_else(|| format!("bench-{}", std::process::id())),
            rooms: given.count("rooms").unwrap_or(if scenario == Scenario::Hop { connections } else { 1 }),
            deflate: matches.get_flag("deflate"),
            is_binary: matches.get_flag("binary"),
            load,
            messages,
            size: values(matches, "size")
                .find_map(
                    |value| if let Value::Sizes(least, most) = value { Some((*least, *most)) } else { None },
                )
                .unwrap_or((STAMP_LEN, STAMP_LEN)),
            duration: duration.unwrap_or(DURATION),
            warmup: given.duration("warmup").unwrap_or(if has_messages { WARMUP } else { Duration::ZERO }),
            ramp: given.duration("ramp").unwrap_or_default(),
            in_flight,
            drain: given.duration("drain").unwrap_or_default(),
            seed: given.count("seed").unwrap_or(1) as u64,
            bind: values(matches, "bind")
                .filter_map(|value| if let Value::Ip(ip) = value { Some(*ip) } else { None })
                .collect(),
            threads: given.count("threads").unwrap_or(1),
            server_pids: values(matches, "server-pid")
                .filter_map(
                    |value| if let Value::Count(pid) = value { u32::try_from(*pid).ok() } else { None },
                )
                .collect(),
            churn_rate: given.count("churn-rate").unwrap_or(1) as f64,
            slow_percent: given
                .count("slow-percent")
                .and_then(|share| u32::try_from(share).ok())
                .unwrap_or(0),
            slow_bytes_per_second: values(matches, "slow-read")
                .find_map(|value| if let Value::Bytes(bytes) = value { Some(*bytes) } else { None })
                .unwrap_or(0),
        };
        check(&plan)?;
        handshake::check_tokens(&plan.handshake, plan.connections)?;
        let find = find(&given, &plan)?;
        let repeat = given.count("repeat").unwrap_or(1);
        if find.is_some() && plan.messages.is_some() {
            return Err("--find and --messages do not go together: a search makes runs of --duration".into());
        }
        if find.is_some() && repeat > 1 {
            return Err("--find and --repeat do not go together: a search makes its own runs".into());
        }
        Ok(Bench {
            plan,
            repeat,
            find,
            fail_if: texts(matches, "fail-if").iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            is_strict: matches.get_flag("strict"),
            json: path(matches, "json"),
            has_tui: matches.get_flag("tui"),
            jsonl: path(matches, "jsonl"),
            prometheus: prometheus(matches)?,
            hgrm: path(matches, "hgrm"),
            csv: path(matches, "csv"),
            svg: path(matches, "svg"),
            ca: path(matches, "ca"),
            is_insecure: matches.get_flag("insecure"),
        })
    }
}

fn prometheus(matches: &ArgMatches) -> Result<Option<Listen>, String> {
    let listen = values(matches, "prometheus")
        .find_map(|value| if let Value::Listen(listen) = value { Some(listen.clone()) } else { None });
    match listen {
        Some(listen) if listen.is_tls => {
            Err(format!("--prometheus has no TLS: write {}, without tls://", listen.place))
        }
        listen => Ok(listen),
    }
}

fn dialect(given: &Given<'_>, scenario: Scenario, url: Option<&Url>) -> Dialect {
    let named = given.word("dialect").unwrap_or_default();
    match Dialect::NAMED.iter().find(|(name, _)| *name == named) {
        Some((_, dialect)) => *dialect,
        None if path(given.0, "script").is_some() => Dialect::Template,
        None if matches!(scenario, Scenario::Echo | Scenario::Connect) => Dialect::Raw,
        None if url.is_some_and(|url| url.scheme() == Scheme::Tcp) => Dialect::Lines,
        None => Dialect::Chinwag,
    }
}

/// The URLs that were given, or our own server's, with the paths that they do not name.
fn urls_of(
    given: Vec<Url>,
    scenario: Scenario,
    dialect: Dialect,
    path: Option<&str>,
) -> Result<Vec<Url>, String> {
    let Some(first) = given.first() else { return Ok(vec![url_of(None, scenario, dialect, path)?]) };
    if let Some(other) = given.iter().find(|url| url.scheme() != first.scheme()) {
        return Err(format!(
            "{first} and {other} have different protocols: all URLs of a run are ws:// and wss://, or tcp:// and tls://"
        ));
    }
    given.into_iter().map(|url| url_of(Some(url), scenario, dialect, path)).collect()
}

fn url_of(
    given: Option<Url>,
    scenario: Scenario,
    dialect: Dialect,
    path: Option<&str>,
) -> Result<Url, String> {
    let ours = if dialect == Dialect::Lines { LINES } else { WS };
    let is_ours = given.is_none();
    let url = given.map_or_else(|| ours.parse(), Ok).map_err(|error| error.to_string())?;
    let path = match dialect {
        _ if let Some(path) = path => path,
        Dialect::Chinwag | Dialect::ChinwagText => CHAT_PATH,
        Dialect::Raw if is_ours && matches!(scenario, Scenario::Echo | Scenario::Connect) => ECHO_PATH,
        _ if is_ours => CHAT_PATH,
        _ => "/",
    };
    let fits = match dialect {
        Dialect::Chinwag | Dialect::ChinwagText => url.scheme() == Scheme::Ws,
        Dialect::Lines => url.scheme() == Scheme::Tcp,
        Dialect::Raw | Dialect::Template => true,
    };
    match fits {
        true => Ok(url.or_path(path)),
        false => Err(format!(
            "the dialect {dialect} is not spoken at {url}: lines are for tcp:, the others for ws:"
        )),
    }
}

/// A text with what the environment has for `{env:NAME}`.
fn expanded(text: &str) -> Result<String, String> {
    with_environment(text, |name| std::env::var(name).ok())
}

/// What the query of a chat's URL says.
#[derive(Default)]
struct Queried {
    room: Option<String>,
    /// A template, in which each of several connections has a name of its own.
    name: Option<String>,
}

/// Takes the room and the name out of the query, as a browser's or a member's URL has them.
fn queried(urls: &mut [Url], dialect: Dialect, connections: usize) -> Result<Queried, String> {
    if !matches!(dialect, Dialect::Chinwag | Dialect::ChinwagText) {
        return Ok(Queried::default());
    }
    let [mut rooms, mut names] = ["room", "name"].map(|name| {
        let mut values: Vec<Vec<String>> = urls.iter_mut().map(|url| url.take_params(name)).collect();
        // Several URLs may all say the same.
        values.dedup();
        values.concat()
    });
    let room = match (rooms.pop(), rooms.is_empty()) {
        (_, false) => {
            return Err("the URL names several rooms: name one, and say how many with --rooms".into());
        }
        (room, true) => room,
    };
    if names.len() > 1 {
        return Err("the URL has several names: give one, in which {i} is the connection's number".into());
    }
    if let Some(room) = &room {
        Kind::Room.parse(room)?;
    }
    let mut name = names.pop();
    if let Some(name) = &mut name {
        if connections > 1 && !name.contains("{i}") && !name.contains("{random}") {
            name.push_str("-{i}");
        }
        let longest =
            name.replace("{i}", &(connections - 1).to_string()).replace("{random}", &"f".repeat(16));
        Kind::Name.parse(&longest)?;
    }
    Ok(Queried { room, name })
}

fn load(given: &Given<'_>, scenario: Scenario) -> Result<Load, String> {
    let arrival = if given.word("arrival") == Some(POISSON) { Arrival::Poisson } else { Arrival::Even };
    let window = |window: usize| Load::Closed { window: u32::try_from(window).unwrap_or(u32::MAX) };
    match (given.count("rate"), given.count("window")) {
        (Some(_), Some(_)) => {
            Err("--rate and --window do not go together: it is an open loop or a closed one".into())
        }
        (Some(rate), None) => Ok(Load::Open { rate: rate as f64, arrival }),
        (None, Some(_)) if scenario == Scenario::Storm => {
            Err("storm has an open loop: --rate, not --window".into())
        }
        (None, Some(under_way)) => Ok(window(under_way)),
        (None, None) if matches!(scenario, Scenario::Echo | Scenario::Hop) => Ok(window(1)),
        (None, None) => Ok(Load::Open { rate: RATE, arrival }),
    }
}

/// What does not go together.
fn check(plan: &Plan) -> Result<(), String> {
    let Plan { scenario, dialect, connections, senders, rooms, threads, .. } = *plan;
    let speaks = senders > 0 && scenario != Scenario::Echo;
    let (servers, separate_servers) = (plan.servers.count(), plan.separate_servers());
    let all_rooms = rooms.saturating_mul(separate_servers);
    let (loud_rooms, senders_heard) = (all_rooms.min(senders), senders.div_ceil(all_rooms));
    let is_chat = matches!(dialect, Dialect::Chinwag | Dialect::ChinwagText | Dialect::Lines);
    let wrong = if let Some(wrong) = wrong_payload(plan) {
        wrong
    } else if scenario == Scenario::Echo && is_chat {
        format!(
            "a chat does not send back what it gets, so {dialect} has no echo: play fanout, or --dialect raw"
        )
    } else if dialect == Dialect::Template && senders > 0 && !plan.templates.send.contains(PAYLOAD) {
        "the dialect template needs --send-template, or send-template in the --script, with {payload} in it"
            .to_owned()
    } else if senders > connections {
        format!("{senders} senders are more than {connections} connections")
    } else if servers > connections {
        let flag = if scenario == Scenario::Connect { "--in-flight" } else { "--connections" };
        format!("{servers} URLs need at least {servers} connections, one for each: {flag} is {connections}")
    } else if plan.is_cluster && servers == 1 {
        "--cluster changes nothing with a single URL: give the URL of each of its servers".to_owned()
    } else if plan.is_cluster && scenario == Scenario::Idle && rooms == 1 {
        "--cluster changes nothing in idle with a single room: no message is sent in it".to_owned()
    } else if speaks && senders < separate_servers {
        format!(
            "{senders} of {connections} connections send, and {servers} servers need at least one sender each: use \
             --senders {servers}, or --cluster if the servers share their rooms"
        )
    } else if all_rooms > connections && !connections.is_multiple_of(separate_servers) {
        format!(
            "{all_rooms} rooms on {servers} servers are more than {connections} connections: each connection is in several \
             rooms then, and the number of connections must be a multiple of {servers}"
        )
    } else if threads > connections {
        format!("{threads} threads are more than {connections} connections")
    } else if scenario == Scenario::Hop && dialect != Dialect::Chinwag {
        format!("hop is for the dialect chinwag, in which each request has its answer, not for {dialect}")
    } else if scenario == Scenario::Hop && rooms < 2 {
        "who is to hop wants two --rooms at least".to_owned()
    } else if plan.deflate && plan.servers.scheme() == Scheme::Tcp {
        "lines are not deflated: --deflate wants a WebSocket".to_owned()
    } else if rooms > 1 && (scenario == Scenario::Echo || dialect == Dialect::Raw) {
        format!("{scenario} has no --rooms in the dialect {dialect}: --dialect chinwag has them")
    } else if all_rooms > connections && dialect != Dialect::Chinwag && scenario != Scenario::Echo {
        format!(
            "{all_rooms} rooms are more than {connections} connections, and in the dialect {dialect} each is in one: only chinwag joins several"
        )
    } else if plan.room.len() + rooms_suffix_len(rooms) > ROOM_BYTES_MAX {
        format!(
            "the name of a room is {ROOM_BYTES_MAX} letters at most: a shorter --room, since --rooms adds their numbers"
        )
    } else if speaks && !plan.self_echo && measured(plan) < loud_rooms + all_rooms {
        let enough = least_connections(plan)
            .map_or(String::new(), |least| format!("at least {least} --connections, "));
        let (where_to, fewer) = if all_rooms > 1 { (" in its room", "fewer --rooms, ") } else { ("", "") };
        format!(
            "each sender needs another connection to receive its messages{where_to} all the while: {enough}{fewer}or --self-echo"
        )
    } else if speaks && connections.saturating_mul(senders_heard) > LEDGERS_BYTES_MAX / 4 {
        let rooms = if dialect == Dialect::Raw { "" } else { ", or more --rooms" };
        let gib = (connections as f64 * senders_heard as f64 * 4.0) / f64::from(1 << 30);
        format!(
            "{connections} connections that account for {senders_heard} senders each would take {gib:.1} GiB of memory: use fewer --senders{rooms}"
        )
    } else {
        return Ok(());
    };
    Err(wrong)
}

/// Payloads that the dialect has no place for.
fn wrong_payload(plan: &Plan) -> Option<String> {
    let Plan { dialect, is_binary, senders, size: (least, _), .. } = *plan;
    if is_binary && plan.servers.scheme() == Scheme::Tcp {
        return Some("lines are text: --binary needs a WebSocket server, at ws:// or wss://".to_owned());
    }
    if is_binary && !matches!(dialect, Dialect::Raw | Dialect::Template) {
        return Some(format!(
            "messages of the dialect {dialect} are text: --binary is for --dialect raw and template"
        ));
    }
    let form = if dialect == Dialect::Raw { Form::of(least, is_binary) } else { Form::Marked };
    if senders == 0 || form == Form::Marked && least >= form.stamp_len() {
        return None;
    }
    if least < form.stamp_len() {
        let kind = if is_binary { "binary" } else { "text" };
        return Some(format!(
            "a payload of {least} bytes cannot hold its sender, its number and its moment: --size is at least {} for {kind} \
             messages of the dialect {dialect}",
            form.stamp_len()
        ));
    }
    (senders > SHORT_SENDERS_MAX).then(|| {
        format!(
            "{senders} senders do not fit into payloads of {least} bytes: use --size {STAMP_LEN} or more, or at most \
             {SHORT_SENDERS_MAX} senders"
        )
    })
}

/// How much longer the names of several rooms are than what they begin with.
fn rooms_suffix_len(rooms: usize) -> usize {
    if rooms > 1 { format!("-{}", rooms - 1).len() } else { 0 }
}

fn find(given: &Given<'_>, plan: &Plan) -> Result<Option<(Vary, Condition, f64)>, String> {
    let condition = values(given.0, "find").find_map(|value| {
        if let Value::Condition(condition) = value { Some(condition.clone()) } else { None }
    });
    let by_connections = given.0.get_flag("find-connections");
    let Some(condition) = condition else {
        return match by_connections {
            true => Err("--find-connections wants --find, as in --find 'p99<50ms'".into()),
            false => Ok(None),
        };
    };
    let is_open = matches!(plan.load, Load::Open { .. });
    let vary = if by_connections { Vary::Connections } else { Vary::Rate };
    if plan.actors() == 0 {
        return Err(format!("{} sends nothing, so there is nothing to find", plan.scenario));
    }
    if vary == Vary::Rate && !is_open {
        return Err("--find varies the rate of an open loop: say --rate, or --find-connections".into());
    }
    let most = given.count("find-max").map_or(if by_connections { 1e6 } else { 1e8 }, |most| most as f64);
    let tokens = plan.handshake.tokens.len();
    let most = if by_connections && tokens > 1 { most.min(tokens as f64) } else { most };
    Ok(Some((vary, condition, most)))
}

#[cfg(test)]
mod tests;
