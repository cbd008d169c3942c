// The chat page: text mode over one WebSocket.
//
// The server says one line per text message. A line that starts with "* " is a
// notice, "[ann] hello" is ann speaking. It does not say our own lines back to
// us, so the page shows those itself when it sends them.
//
//   connecting --open--> open --lost--> waiting --timer, click, "online"--> connecting
//                          |
//                          +--/quit, or a code that says not to come back--> closed --click--> connecting
//
// Everything that came over the wire reaches the document as textContent, so a
// name or a message is never markup. Nothing is shown in colour alone.

// Bounds. ---------------------------------------------------------------------

const LINES_MAX = 2000; // kept in the document; the oldest go first
const RECALL_MAX = 100; // own lines that arrow-up brings back
const MESSAGE_BYTES_MAX = 64 * 1024; // the server closes with 1009 above it
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;
const STABLE_MS = 10_000; // open for so long: the next loss starts from RETRY_FIRST_MS again
const OPEN_TIMEOUT_MS = 10_000;
const PINNED_PX = 48; // this near to the end counts as being there
// After a silent loss the server holds our name until it has given up on the
// old connection: 25 s to its ping, 10 s for the answer that never comes.
const NAME_RETRY_MS = 40_000;

// What a close code means to a person. The first group ends it; after the
// others, and after codes that are not here, we come back by ourselves.
const FINAL = new Map([
  [1000, "You have left."],
  [4001, "Signing in failed."],
  [4003, "You were removed from this server."],
  [4004, "You are banned from this server."],
  [4005, "Another connection has taken your place."],
]);
const PASSING = new Map([
  [1001, "The server is stopping."],
  [1009, "That line was too long for the server."],
  [1012, "The server is restarting."],
  [1013, "The server is overloaded."],
  [4108, "This connection was too slow."],
  [4109, "This connection was idle for too long."],
  [4110, "Your sign-in has expired."],
  [4129, "That was too much at once."],
]);

const $ = (id) => document.getElementById(id);
const page = document.documentElement;
const log = $("log");
const input = $("line");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

// Who and where we are. ---------------------------------------------------------

const me = { name: "", room: "", here: null };
// What to ask for again after a reconnect, or when the page is loaded anew.
const wanted = remembered();
let asked = ""; // the name in the newest /name that has not been answered
let nameRetry = 0;

function remembered() {
  try {
    return { name: "", room: "", ...JSON.parse(sessionStorage.getItem("chinwag")) };
  } catch {
    return { name: "", room: "" };
  }
}

function remember() {
  try {
    sessionStorage.setItem("chinwag", JSON.stringify(wanted));
  } catch {
    // A browser that stores nothing still chats.
  }
}

function renderMe() {
  $("me").textContent = me.name;
  $("me").setAttribute("aria-label", `You are ${me.name}. Choose another name`);
  $("me").style.setProperty("--hue", hue(me.name));
  $("me").hidden = !me.name;
  $("room").textContent = me.room;
  $("room").setAttribute("aria-label", `Room ${me.room}. Go to another room`);
  $("room").hidden = !me.room;
  $("here").textContent = me.here === null ? "" : `${me.here.toLocaleString()} here`;
  document.title = me.room ? `${me.room} · chinwag` : "chinwag";
}

/** A name's hue in degrees, the same on every page: FNV-1a over its UTF-16 units. */
function hue(name) {
  let hash = 0x811c9dc5;
  for (const unit of name.toLowerCase()) hash = Math.imul(hash ^ unit.codePointAt(0), 0x01000193);
  return (hash >>> 0) % 360;
}

// Lines from the server. ----------------------------------------------------------

function takeLine(line) {
  const notice = /^\* (.*)$/s.exec(line);
  if (notice) {
    takeNotice(notice[1]);
    show({ kind: "notice", text: notice[1] });
    return;
  }
  const message = /^\[(.+?)\] (.*)$/s.exec(line);
  if (message) show({ kind: "message", name: message[1], text: message[2] });
  else show({ kind: "notice", text: line });
}

// Names stand inside notices, and a name may be any words: "you are bob" can be
// one. So each pattern is anchored at both ends, a welcome counts only as the
// first line of a connection, and a name counts as ours only if we asked for it.
function takeNotice(text) {
  if (connection.state === "open" && !connection.welcomed) {
    const welcome = /^welcome to chinwag, (.+)\. \/help lists the commands$/s.exec(text);
    if (welcome) {
      connection.welcomed = true;
      me.name = welcome[1];
      renderMe();
      returnToPlace();
      return;
    }
  }
  if (asked && text === `you are ${asked}`) {
    me.name = wanted.name = asked;
    asked = "";
    clearTimeout(nameRetry);
    remember();
    renderMe();
    return;
  }
  const place = /^([A-Za-z0-9._-]{1,64}): (\d+) here(?:, the last \d+ messages?)?$/.exec(text);
  if (place) {
    me.room = place[1];
    me.here = Number(place[2]);
    // The lobby that we are put into on arrival is not a choice; a /join is.
    if (connection.joining === me.room) {
      wanted.room = me.room;
      remember();
    }
    renderMe();
    return;
  }
  const counted = /^(?:\d+ joined|(?:\d+ joined, )?\d+ left), (\d+) here$/.exec(text);
  if (counted) {
    me.here = Number(counted[1]);
    renderMe();
    return;
  }
  const named = /^(?:(.+?) joined)?(?:, )?(?:(.+?) left)?$/s.exec(text);
  if (named && me.here !== null && (named[1] || named[2])) {
    const count = (names) => (names ? names.split(", ").length : 0);
    me.here = Math.max(1, me.here + count(named[1]) - count(named[2]));
    renderMe();
  }
}

function returnToPlace() {
  if (wanted.room && wanted.room !== "lobby") command(`/join ${wanted.room}`);
  if (!wanted.name || wanted.name === me.name) return;
  command(`/name ${wanted.name}`);
  clearTimeout(nameRetry);
  nameRetry = setTimeout(() => {
    if (connection.state === "open" && wanted.name !== me.name) command(`/name ${wanted.name}`);
  }, NAME_RETRY_MS);
}

// The connection. -------------------------------------------------------------------

let connection = { state: "closed" };
let attempts = 0; // failed or short-lived connections in a row
let everOpen = false;

function become(next) {
  connection = next;
  page.dataset.state = next.state;
  renderConnection();
}

function connect() {
  if (connection.state === "waiting") {
    clearTimeout(connection.timer);
    clearInterval(connection.ticker);
  }
  const url = new URL("/ws", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  // A network that swallows packets would keep us "connecting" for minutes.
  const patience = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
  socket.onopen = () => {
    clearTimeout(patience);
    const stable = setTimeout(() => (attempts = 0), STABLE_MS);
    become({ state: "open", socket, stable, welcomed: false, joining: "", leaving: false });
    speak("Connected.");
    if (everOpen) show({ kind: "break", text: "connected again, the lines in between are missing" });
    everOpen = true;
  };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") takeLine(event.data);
  };
  socket.onclose = (event) => {
    clearTimeout(patience);
    lost(event, socket);
  };
  become({ state: "connecting" });
}

function lost(event, socket) {
  const wasOpen = connection.state === "open";
  const final = connection.leaving ? FINAL.get(1000) : FINAL.get(event.code);
  if (wasOpen) clearTimeout(connection.stable);
  // The browser's own queue is all we can see; what the network held is lost unseen.
  if (socket.bufferedAmount > 0) show({ kind: "notice", text: "your last lines may not have been sent" });
  me.here = null;
  asked = "";
  clearTimeout(nameRetry);
  renderMe();
  if (final) {
    become({ state: "closed", trouble: final });
    speak(final);
    return;
  }
  const trouble = PASSING.get(event.code) ?? (wasOpen ? "The connection was lost." : "The server cannot be reached.");
  // Full jitter: thousands who lost the same server come back spread out, not in step.
  const delay = Math.random() * Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempts);
  attempts += 1;
  const timer = setTimeout(connect, delay);
  const ticker = setInterval(renderConnection, 250);
  become({ state: "waiting", trouble, due: Date.now() + delay, timer, ticker });
  if (wasOpen) speak(`${trouble} Trying again by itself.`);
}

function tryNow() {
  if (connection.state === "waiting" || connection.state === "closed") connect();
}

function renderConnection() {
  const words = { connecting: "connecting", open: "connected", waiting: "not connected", closed: "closed" };
  const { state } = connection;
  if ($("status").textContent !== words[state]) $("status").textContent = words[state];
  $("banner").hidden = !(state === "waiting" || state === "closed");
  if ($("banner").hidden) return;
  $("trouble").textContent = navigator.onLine ? connection.trouble : "You are offline.";
  if (state === "waiting") {
    const seconds = Math.max(1, Math.ceil((connection.due - Date.now()) / 1000));
    $("retry").textContent = `Next try in ${seconds} s.`;
    $("again").textContent = "Try now";
  } else {
    $("retry").textContent = "";
    $("again").textContent = "Come back";
  }
}

function speak(words) {
  $("spoken").textContent = words;
}

// The conversation. -------------------------------------------------------------------

// Lines wait here for the next frame, so a burst costs one layout. A hidden page
// gets no frames, so the wait is bounded as the document is.
const arrived = [];
let last = { kind: "", name: "", own: false, at: null, element: null };
let pinned = true;
let followed = ""; // the log's shape when its scroll position was last looked after
let unseen = 0; // lines below what the reader looks at

function show(entry) {
  arrived.push({ own: false, at: new Date(), ...entry });
  if (arrived.length > LINES_MAX) arrived.shift();
  if (arrived.length === 1) requestAnimationFrame(showArrived);
}

function showArrived() {
  const batch = document.createDocumentFragment();
  for (const entry of arrived) {
    const midnight = last.at && last.at.toDateString() !== entry.at.toDateString();
    if (midnight) append(batch, { kind: "day", text: calendar.format(entry.at), own: false, at: entry.at });
    append(batch, entry);
    if (entry.own) pinned = true;
    if (!pinned) unseen += 1;
  }
  arrived.length = 0;
  log.append(batch);
  while (log.childElementCount > LINES_MAX) log.firstElementChild.remove();
  follow();
}

function append(batch, entry) {
  const { kind, name, text, own, at } = entry;
  // One speaker within one minute makes one group: the name and the time stand at its head.
  const sameMinute = Math.floor(last.at / 60_000) === Math.floor(at / 60_000);
  const goesOn = kind === "message" && last.kind === kind && last.name === name && last.own === own && sameMinute;
  const element = make("div", `line ${kind}`);
  if (kind === "message") {
    element.classList.toggle("head", !goesOn);
    element.classList.toggle("own", own);
    element.classList.add("tail");
    if (goesOn) last.element.classList.remove("tail");
    // A line that goes on still names its speaker to a screen reader.
    const who = make("span", goesOn ? "who unseen" : "who");
    who.style.setProperty("--hue", hue(name));
    who.append(make("bdi", "name", name));
    if (own) who.append(make("span", "unseen", " (you)"));
    element.append(who);
  }
  element.classList.toggle("timed", kind === "message" ? !goesOn : !sameMinute);
  element.append(make("span", "text", text));
  if (kind !== "day" && kind !== "break") {
    const time = make("time", "", clock.format(at));
    time.dateTime = at.toISOString();
    time.title = at.toLocaleString();
    element.append(time);
  }
  batch.append(element);
  last = { kind, name, own, at, element };
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function shape() {
  return `${log.clientWidth} ${log.clientHeight} ${log.scrollHeight}`;
}

function follow() {
  followed = shape();
  if (pinned) {
    log.scrollTop = log.scrollHeight;
    unseen = 0;
  }
  $("newer").hidden = unseen === 0;
  $("newer").textContent = unseen === 1 ? "1 new line" : `${unseen} new lines`;
}

// The composer. ---------------------------------------------------------------------------

const recall = { lines: [], at: 0, draft: "" };

function command(line) {
  const [, word, argument] = /^\/(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
  if (word === "name") asked = argument;
  if (word === "join") connection.joining = argument.split(/\s/)[0];
  if (word === "quit") connection.leaving = true;
  connection.socket.send(line);
}

function submit() {
  const line = input.value;
  if (line.trim() === "") return;
  if (connection.state !== "open") {
    speak("Not connected. Your line is kept.");
    tryNow();
    return;
  }
  if (new TextEncoder().encode(line).length > MESSAGE_BYTES_MAX) {
    show({ kind: "notice", text: `that line is longer than ${MESSAGE_BYTES_MAX} bytes; it was not sent` });
    return;
  }
  if (line.startsWith("/") && !line.startsWith("//")) {
    if (/^\/name\s/.test(line)) clearTimeout(nameRetry);
    show({ kind: "command", text: line, own: true });
    command(line);
  } else {
    show({ kind: "message", name: me.name, text: line.replace(/^\/\//, "/"), own: true });
    connection.socket.send(line);
  }
  if (recall.lines.at(-1) !== line) recall.lines.push(line);
  if (recall.lines.length > RECALL_MAX) recall.lines.shift();
  recall.at = recall.lines.length;
  input.value = "";
}

/** Walks the own lines; past the newest stands what was being typed. */
function walk(step) {
  const at = recall.at + step;
  if (at < 0 || at > recall.lines.length) return;
  if (recall.at === recall.lines.length) recall.draft = input.value;
  recall.at = at;
  input.value = at === recall.lines.length ? recall.draft : recall.lines[at];
  input.setSelectionRange(input.value.length, input.value.length);
}

function begin(words) {
  if (input.value === "") input.value = words;
  input.focus();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
  input.focus();
});

input.addEventListener("keydown", (event) => {
  if (event.isComposing) return; // the arrows choose a candidate then
  const pages = { PageUp: -0.9, PageDown: 0.9 }[event.key];
  if (event.key === "ArrowUp") walk(-1);
  else if (event.key === "ArrowDown") walk(1);
  else if (pages) log.scrollBy(0, pages * log.clientHeight);
  else return;
  event.preventDefault();
});

// Whoever starts to type, wherever the focus is, types into the line.
document.addEventListener("keydown", (event) => {
  const plain = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && event.target !== input) input.focus();
});

log.addEventListener("scroll", () => {
  // A new shape moves what is in sight too; only a scroll within the old one is the reader's.
  if (shape() === followed) pinned = log.scrollHeight - log.scrollTop - log.clientHeight < PINNED_PX;
  if (pinned) follow();
});
new ResizeObserver(follow).observe(log); // a phone's keyboard, a banner, a turned screen

$("newer").addEventListener("click", () => {
  pinned = true;
  follow();
  input.focus();
});
$("me").addEventListener("click", () => begin("/name "));
$("room").addEventListener("click", () => begin("/join "));
$("again").addEventListener("click", () => {
  tryNow();
  input.focus();
});

addEventListener("online", () => connection.state === "waiting" && tryNow());
addEventListener("offline", renderConnection);
document.addEventListener("visibilitychange", () => {
  // A hidden page's timers are slowed down; whoever looks again should not wait for them.
  if (document.visibilityState === "visible" && connection.state === "waiting") tryNow();
});

connect();
