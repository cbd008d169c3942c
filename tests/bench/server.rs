//! A server that does what it is told, also what no server should.
//!
//! It speaks WebSocket with the project's own codec, a thread for each connection that reads and one that writes, and keeps
//! count of what it did wrong.

use chinwag::proto::Input;
use chinwag::proto::http::{Head, HeaderSlots};
use chinwag::proto::ws::handshake::{Offer, response};
use chinwag::proto::ws::{Connection, Event, Opcode, Role, encoder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What becomes of one message to one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent.
    Sound,
    /// It is not.
    Lost,
    /// It is sent twice.
    Doubled,
    /// It is sent behind the next one.
    Late,
    /// A byte of it is another, so many before its end.
    Spoiled(usize),
    /// It is sent after so long.
    After(Duration),
    /// It is sent, and to somebody who is not in that room as well.
    Astray,
    /// It is sent under the name of another room.
    Mislabelled,
    /// The connection is closed with this code instead.
    Closed(u16),
}

/// What decides about it: by the receiver's number, and the message's number for that receiver.
type Script = dyn Fn(usize, usize) -> Fate + Send + Sync;

/// What it answers to one who wants to leave a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// That it has left.
    Sound,
    /// Nothing.
    Silence,
    /// That it has left, twice.
    Twice,
    /// That it has left another room.
    OtherRoom,
    /// That it may not.
    Refusal,
}

/// What it does with a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// It answers the handshake.
    Open,
    /// It answers with this HTTP status instead.
    Status(u16),
    /// It never answers.
    Silent,
    /// It answers something else than HTTP.
    Babbling,
    /// It answers, and closes with this code at once.
    Closing(u16),
    /// It answers, and says something that nobody has asked for.
    Greeting,
}

/// What ends all connections, as if the server's process were killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It never does.
    Never,
    /// It has taken so many messages, or requests to leave a room; with `true`, connections are accepted again at once.
    AfterMessages(usize, bool),
    /// It has accepted so many connections, and this time has passed since the last of them.
    AfterConnections(usize, Duration),
}

/// To whom it sends what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Back.
    Echo,
    /// To all others.
    Broadcast,
    /// To all others, as our own chat does it in JSON: with acknowledgements and positions.
    Json,
}

/// How a server behaves.
pub struct Behaviour {
    /// To whom it sends what it gets.
    pub manner: Manner,
    /// What it does wrong.
    pub script: Box<Script>,
    /// What it does with the first connection, the second, and so on.
    pub door: fn(usize) -> Door,
    /// When it dies.
    pub death: Death,
    /// The connections on which it answers no Ping: the first, the second, and so on.
    pub silent: fn(usize) -> bool,
    /// In JSON: it refuses these messages.
    pub limits: fn(usize) -> bool,
    /// Having taken so many messages, it does nothing for so long.
    pub stall: Option<(usize, Duration)>,
    /// It says `resumed: true` and keeps so many messages to itself.
    pub hides: u64,
    /// What it answers to the first who leaves, the second, and so on.
    pub replies: fn(u64) -> Reply,
}

impl Behaviour {
    /// A server as it should be.
    pub fn sound(manner: Manner) -> Behaviour {
        Behaviour {
            manner,
            script: Box::new(|_, _| Fate::Sound),
            door: |_| Door::Open,
            death: Death::Never,
            silent: |_| false,
            limits: |_| false,
            stall: None,
            hides: 0,
            replies: |_| Reply::Sound,
        }
    }

    /// One that follows a script.
    pub fn scripted(
        manner: Manner,
        script: impl Fn(usize, usize) -> Fate + Send + Sync + 'static,
    ) -> Behaviour {
        Behaviour { script: Box::new(script), ..Behaviour::sound(manner) }
    }
}

/// Where everybody is, if nobody joins.
const ONLY_ROOM: &str = "";

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Those who are in a room.
    members: BTreeMap<usize, Member>,
    accepted: usize,
    seats_max: usize,
    messages: usize,
    /// By room.
    positions: BTreeMap<String, u64>,
    left: u64,
    /// All connections, and where it listens, to end them.
    streams: Vec<TcpStream>,
    listener: Option<TcpListener>,
    /// How often it did what.
    done: BTreeMap<String, u64>,
}

struct Member {
    out: Sender<(Instant, Vec<u8>)>,
    rooms: BTreeSet<String>,
    heard: usize,
    /// What is to be sent behind the next.
    held: Option<Vec<u8>>,
}

impl Server {
    /// Starts it, on a port that the system chooses. It runs as long as the test does.
    pub fn start(behaviour: Behaviour) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let state = Arc::new(Mutex::new(State::default()));
        lock(&state).listener = Some(listener.try_clone().expect("a descriptor"));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let behaviour = Arc::new(behaviour);
            for stream in listener.incoming() {
                let (state, behaviour) = (Arc::clone(&shared), Arc::clone(&behaviour));
                let Ok(stream) = stream else { return };
                // A peer that has gone ends the conversation, and no more than that.
                std::thread::spawn(move || talk(stream, &state, &behaviour));
            }
        });
        Server { address, state }
    }

    /// How many seats were taken in all rooms at the most.
    pub fn seats_max(&self) -> usize {
        lock(&self.state).seats_max
    }

    /// How often it did this to somebody.
    pub fn did(&self, what: &str) -> u64 {
        lock(&self.state).done.get(what).copied().unwrap_or(0)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn talk(mut stream: TcpStream, state: &Arc<Mutex<State>>, behaviour: &Behaviour) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let request = request(&mut stream)?;
    let number = {
        let mut state = lock(state);
        state.accepted += 1;
        state.streams.push(stream.try_clone().ok()?);
        state.accepted - 1
    };
    if let Death::AfterConnections(count, pause) = behaviour.death
        && number + 1 == count
    {
        let state = Arc::clone(state);
        std::thread::spawn(move || {
            std::thread::sleep(pause);
            die(&mut lock(&state), false);
        });
    }
    let door = (behaviour.door)(number);
    match door {
        Door::Status(status) => {
            let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
            return stream.write_all(answer.as_bytes()).ok();
        }
        Door::Silent => {
            // Until the client gives up.
            let _ = stream.read(&mut [0; 16]);
            return None;
        }
        Door::Babbling => return stream.write_all(b"220 mail.example ESMTP\r\n\r\n").ok(),
        Door::Open | Door::Closing(_) | Door::Greeting => {}
    }
    let mut slots = HeaderSlots::new();
    let (head, _) = Head::parse(&request, &mut slots).ok()??;
    let mut answer = Vec::new();
    let subprotocol = (behaviour.manner == Manner::Json).then_some("chinwag.v1.json");
    response(&mut answer, Offer::parse(&head).ok()?.accept(), subprotocol, None);
    let (out, queue) = channel();
    out.send((Instant::now(), answer)).ok()?;
    match door {
        Door::Closing(code) => out.send((Instant::now(), close(code))).ok()?,
        Door::Greeting => out.send((Instant::now(), text("welcome"))).ok()?,
        _ => {}
    }
    let sink = stream.try_clone().ok()?;
    std::thread::spawn(move || write_all(sink, queue));
    if behaviour.manner != Manner::Json {
        join(&mut lock(state), number, ONLY_ROOM, &out);
    }
    let mut ws = Connection::new(Role::Server, 1 << 20);
    let mut buffer = [0; 4096];
    loop {
        let len = stream.read(&mut buffer).ok().filter(|len| *len > 0);
        let Some(len) = len else {
            lock(state).members.remove(&number);
            return None;
        };
        let mut input = Input::new(&mut buffer[..len]);
        while let Some(event) = ws.poll_event(&mut input).ok()? {
            match event {
                Event::Text(text) => take(text, number, &out, state, behaviour),
                Event::Binary(bytes) => {
                    publish((Opcode::Binary, bytes), ONLY_ROOM, number, &mut lock(state), behaviour);
                }
                Event::Ping(payload) if !(behaviour.silent)(number) => {
                    let mut pong = Vec::new();
                    encoder::frame(&mut pong, Opcode::Pong, payload, None);
                    out.send((Instant::now(), pong)).ok()?;
                }
                Event::Close(_) => {
                    lock(state).members.remove(&number);
                    out.send((Instant::now(), close(1000))).ok()?;
                    return None;
                }
                _ => {}
            }
        }
    }
}

/// The request's bytes. A client waits for the answer, so nothing comes behind them.
fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let len = stream.read(&mut buffer).ok().filter(|len| *len > 0)?;
        request.extend_from_slice(&buffer[..len]);
    }
    Some(request)
}

/// Writes each at its time. An end of the queue ends the connection.
fn write_all(mut sink: TcpStream, queue: Receiver<(Instant, Vec<u8>)>) {
    for (due, bytes) in queue {
        // It is the server that takes its time here; the test waits for what comes of it.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if sink.write_all(&bytes).is_err() {
            return;
        }
        if bytes.first() == Some(&0x88) {
            let _ = sink.shutdown(Shutdown::Write);
            return;
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::frame(&mut out, Opcode::Text, text.as_bytes(), None);
    out
}

fn close(code: u16) -> Vec<u8> {
    let mut out = Vec::new();
    encoder::frame(&mut out, Opcode::Close, &encoder::close_payload(code, ""), None);
    out
}

fn join(state: &mut State, number: usize, room: &str, out: &Sender<(Instant, Vec<u8>)>) {
    let newcomer = || Member { out: out.clone(), rooms: BTreeSet::new(), heard: 0, held: None };
    state.members.entry(number).or_insert_with(newcomer).rooms.insert(room.to_owned());
    let seats = state.members.values().map(|member| member.rooms.len()).sum();
    state.seats_max = state.seats_max.max(seats);
}

fn take(
    words: &str,
    number: usize,
    out: &Sender<(Instant, Vec<u8>)>,
    state: &Mutex<State>,
    behaviour: &Behaviour,
) {
    let mut state = lock(state);
    if behaviour.manner != Manner::Json {
        return publish((Opcode::Text, words.as_bytes()), ONLY_ROOM, number, &mut state, behaviour);
    }
    let request: Value = serde_json::from_str(words).expect("a program sends JSON");
    let answer = |value: Value| out.send((Instant::now(), text(&value.to_string())));
    let room = request["room"].as_str().unwrap_or_default();
    match request["type"].as_str() {
        Some("hello") => drop(answer(
            json!({"type": "welcome", "id": request["id"], "name": format!("guest-{number}"), "secret": "s"}),
        )),
        Some("join") => {
            let since = request.get("since");
            let position = state.positions.entry(room.to_owned()).or_default();
            if since.is_some() {
                *position += behaviour.hides;
            }
            // A life's name is the room's: so that one cannot be taken for another's.
            let mut joined =
                json!({"type": "joined", "id": request["id"], "room": room, "epoch": room, "seq": *position});
            if let Some(since) = since {
                joined["resumed"] = json!(since["epoch"] == room);
            }
            let _ = answer(joined);
            join(&mut state, number, room, out);
        }
        Some("leave") => {
            note_message(&mut state, behaviour);
            let State { members, left, done, .. } = &mut *state;
            *left += 1;
            let reply = (behaviour.replies)(*left - 1);
            *done.entry(format!("{reply:?}")).or_default() += 1;
            if let Some(member) = members.get_mut(&number) {
                member.rooms.remove(room);
            }
            let ok = |room: &str| drop(answer(json!({"type": "ok", "id": request["id"], "room": room})));
            match reply {
                Reply::Sound => ok(room),
                Reply::Silence => {}
                Reply::Twice => {
                    ok(room);
                    ok(room);
                }
                Reply::OtherRoom => ok("elsewhere"),
                Reply::Refusal => {
                    drop(answer(json!({"type": "error", "id": request["id"], "code": "rate_limited"})));
                }
            }
        }
        Some("publish") if (behaviour.limits)(state.messages) => {
            note_message(&mut state, behaviour);
            *state.done.entry("Limited".to_owned()).or_default() += 1;
            drop(answer(json!({"type": "error", "id": request["id"], "code": "rate_limited"})));
        }
        Some("publish") => {
            let position = state.positions.entry(room.to_owned()).or_default();
            *position += 1;
            let position = *position;
            let _ =
                answer(json!({"type": "ok", "id": request["id"], "room": room, "seq": position, "at": 1}));
            let data = request["data"].as_str().expect("a payload").to_owned();
            let message = format!(
                r#"{{"type":"message","room":"{room}","seq":{position},"name":"ann","at":1,"data":"{data}"}}"#
            );
            publish((Opcode::Text, message.as_bytes()), room, number, &mut state, behaviour);
        }
        _ => {}
    }
}

/// Counts a message, and dies if it was the last one.
fn note_message(state: &mut State, behaviour: &Behaviour) {
    state.messages += 1;
    if let Death::AfterMessages(count, comes_back) = behaviour.death
        && state.messages == count
    {
        die(state, comes_back);
    }
}

/// Ends everything without a word, as the kernel does for a process that was killed.
fn die(state: &mut State, comes_back: bool) {
    state.members.clear();
    for stream in state.streams.drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
    if let Some(listener) = state.listener.take().filter(|_| !comes_back) {
        let _ = socket2::SockRef::from(&listener).shutdown(Shutdown::Both);
    }
}

fn publish(message: (Opcode, &[u8]), room: &str, from: usize, state: &mut State, behaviour: &Behaviour) {
    let (opcode, words) = message;
    let framed = || {
        let mut out = Vec::new();
        encoder::frame(&mut out, opcode, words, None);
        out
    };
    note_message(state, behaviour);
    let State { members, positions, done, messages, .. } = state;
    let stranger =
        members.values().find(|member| !member.rooms.contains(room)).map(|member| member.out.clone());
    let other_room = positions.keys().find(|name| *name != room);
    if let Some((after, pause)) = behaviour.stall
        && *messages == after
    {
        std::thread::sleep(pause);
    }
    let mut gone = Vec::new();
    for (&number, member) in members.iter_mut() {
        if (number == from) != (behaviour.manner == Manner::Echo) || !member.rooms.contains(room) {
            continue;
        }
        let heard = member.heard;
        member.heard += 1;
        let fate = (behaviour.script)(number, heard);
        let word = format!("{fate:?}");
        *done.entry(word.split('(').next().unwrap_or_default().to_owned()).or_default() += 1;
        let now = Instant::now();
        let send = |at: Instant, frame: Vec<u8>| drop(member.out.send((at, frame)));
        let held = member.held.take();
        match fate {
            Fate::Sound => send(now, framed()),
            Fate::Lost => {}
            Fate::Doubled => {
                send(now, framed());
                send(now, framed());
            }
            Fate::Late => member.held = Some(framed()),
            Fate::Spoiled(at) => {
                let mut frame = framed();
                let at = frame.len() - at;
                // Another letter, so that it stays text.
                frame[at] ^= 1;
                send(now, frame);
            }
            Fate::Astray => {
                send(now, framed());
                let stranger = stranger.as_ref().expect("somebody is in another room");
                drop(stranger.send((now, framed())));
            }
            Fate::Mislabelled => {
                let other = other_room.expect("there is another room");
                send(
                    now,
                    text(
                        &String::from_utf8_lossy(words).replace(&format!("{room:?}"), &format!("{other:?}")),
                    ),
                );
            }
            Fate::After(pause) => send(now + pause, framed()),
            Fate::Closed(code) => {
                send(now, close(code));
                gone.push(number);
            }
        }
        if let Some(held) = held {
            drop(member.out.send((now, held)));
        }
    }
    for number in gone {
        members.remove(&number);
    }
}
