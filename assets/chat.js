// The chat page. What is told by chinwag.js becomes lines; what is typed becomes requests.
//
//     chinwag.js    the protocol               lines.js   the lines of a room, a window on its history
//     commands.js   what can be typed          log.js     the lines in the document, and how they scroll
//     composer.js   the field                  line.js    one of them
//     banner.js     the connection, in words   side.js    rooms and members
//     session.js    what is kept, and by whom  own.js     which messages are one's own
//     dialogs.js    rooms, names and help
//
// A reload goes on where it was: name, secret, positions, drafts and what was not yet answered are kept in the session's
// storage. A copy of the tab is somebody else. Whoever comes another day still has the name.

import { sentence, showState } from "./banner.js";
import { Chat, messageBytes } from "./chinwag.js";
import { isRoom, parse } from "./commands.js";
import { Composer } from "./composer.js";
import { Dialogs } from "./dialogs.js";
import { hue, make, shown } from "./line.js";
import { LINES_MAX, Lines, isolated, missing } from "./lines.js";
import { Log } from "./log.js";
import { Own } from "./own.js";
import { claim, inTab, onDevice } from "./session.js";
import { short, showMembers, showRooms } from "./side.js";

const HISTORY_LINES = 100; // to begin with
const PAGE_LINES = 200; // of more, each time
const NAMES_MAX = 200; // asked for; of more only the number is told
const NAMES_AGE_MS = 10_000; // where names are not told, they are asked for again after so long
const PRESENCE_MEMBERS_MAX = 50; // in larger rooms nobody wants to read who comes and goes
const FIRST_ROOM = "lobby";
const UNDO_MS = 10_000; // to think again after leaving a room

const $ = (id) => document.getElementById(id);
const input = $("line");

// What is kept. ---------------------------------------------------------------------------

const before = inTab.read("chinwag");
const isCopy = !(await claim());
const deviceName = onDevice.read("chinwag-name");
// A copy has the rooms of the original, and nothing by which it could be taken for it.
const chat = isCopy ? new Chat() : new Chat({ name: deviceName ?? "", resume: before?.snapshot });
const own = new Own(isCopy ? null : inTab.read("chinwag-own"));

let isKeepDue = false;

function remember() {
  inTab.keep("chinwag", { snapshot: chat.snapshot(), active });
  inTab.keep("chinwag-own", own);
}

/** Once, however much has changed at once. */
function rememberSoon() {
  if (!isKeepDue) queueMicrotask(() => ((isKeepDue = false), remember()));
  isKeepDue = true;
}

// Rooms. ------------------------------------------------------------------------------------

/** What the page has of each room that one is in. Under the name of none: what is shown when there is no room. */
const places = new Map();
let active = "";

const nowhere = newPlace("");

function newPlace(room) {
  return { room, lines: new Lines(), unread: 0, names: new Set(), count: 0, namesAt: -Infinity, knownUntil: 0, isAsking: false };
}

const here = () => places.get(active) ?? nowhere;

/** What is to be told in the room once one is in it. */
const greetings = [];

/** Goes into a room, or to it. */
function enter(room) {
  if (!places.has(room)) {
    places.set(room, newPlace(room));
    join(room);
    for (const entry of waiting(room)) places.get(room).lines.wait(entry);
  }
  show(room);
}

async function join(room, since) {
  try {
    await chat.join(room, { history: HISTORY_LINES, catchUp: LINES_MAX, since });
  } catch (error) {
    // `left` tells why a room is closed to us. What was never asked for, since the connection has ended, is told here.
    if (places.has(room) && !chat.rooms.some((it) => it.room === room)) forget(room, error);
  }
}

/** The room is not there any more, and something else is shown in its place. Returns which one it was. */
function forget(room, error) {
  const rooms = [...places.keys()];
  const at = rooms.indexOf(room);
  places.delete(room);
  if (room === active) show(rooms[at + 1] ?? rooms[at - 1] ?? "");
  if (error) notice(`${room}: ${sentence(error.message)}`);
  render();
  return at;
}

function show(room) {
  active = room;
  const place = here();
  place.unread = 0;
  view.show(place.lines);
  composer.show(room);
  askNames(place);
  render();
  remember();
  // The address of the page is that of the room, for whoever wants to pass it on.
  history.replaceState(null, "", room ? `#${room}` : location.pathname);
}

/** The room above or below; with `unread`, the next one that has something new. */
function step(by, unread) {
  const rooms = [...places.keys()];
  const at = rooms.indexOf(active);
  for (let n = 1; n <= rooms.length; n += 1) {
    const room = rooms[(at + by * n + rooms.length * n) % rooms.length];
    if (!unread || places.get(room).unread > 0) return show(room);
  }
}

async function askNames(place) {
  if (place.isAsking || !chat.rooms.some(({ room, isJoined }) => room === place.room && isJoined)) return;
  place.isAsking = true;
  try {
    const { names, count } = await chat.members(place.room, { limit: NAMES_MAX });
    Object.assign(place, { names: new Set(names), count, namesAt: performance.now() });
    if (place === here()) render();
    // This answer stands behind what was said before one came.
    greetings.splice(0).forEach((text) => notice(text, place));
  } catch {
    // The next thing that is told of the room asks again.
  }
  place.isAsking = false;
}

// What there is to see. ------------------------------------------------------------------------

const view = new Log($("log"), {
  fetch: fetchPage,
  speak,
  seen: ({ unseen }) => {
    $("newer").hidden = unseen === 0 && !view.isFarUp;
    const count = unseen === 1 ? "1 new line" : `${unseen.toLocaleString("en")} new lines`;
    $("newer").textContent = unseen === 0 ? "To the newest line" : count;
  },
});

let isRenderDue = false;
let drawn = ""; // the room that was drawn last

/** Everything but the lines, at most once a frame. */
function render() {
  if (isRenderDue) return;
  isRenderDue = true;
  requestAnimationFrame(() => {
    isRenderDue = false;
    const place = here();
    $("room").textContent = place.room || "No room";
    $("room").classList.toggle("none", place.room === "");
    $("here").textContent = place.count > 0 ? `${place.count.toLocaleString("en")} here` : "";
    $("log").setAttribute("aria-label", place.room ? `Conversation in ${place.room}` : "Conversation");
    input.placeholder = place.room ? `Message ${place.room}` : "Join a room to say something";
    $("me").hidden = chat.name === "";
    $("me").replaceChildren(make("bdi", "", chat.name));
    $("me").setAttribute("aria-label", `You are ${chat.name}. Choose another name`);
    $("me").title = "Choose another name";
    $("me").style.setProperty("--hue", hue(chat.name));
    showRooms([...places.values()], active);
    if (active !== drawn) place.row?.scrollIntoView({ block: "nearest" });
    drawn = active;
    showMembers(place, chat.name);
    renderUnread();
  });
}

/** Also where no frames come, since the title is for those who look at something else. */
function renderUnread() {
  const count = [...places.values()].reduce((sum, { unread }) => sum + unread, 0);
  document.title = `${count > 0 ? `(${short(count)}) ` : ""}${active ? `${active} · ` : ""}chinwag`;
  const elsewhere = count - here().unread;
  $("elsewhere").hidden = elsewhere === 0;
  $("elsewhere").textContent = short(elsewhere);
}

function speak(words) {
  $("spoken").textContent = words;
}

function notice(text, place = here()) {
  place.lines.add({ kind: "notice", text, at: new Date() });
  view.changed(place.lines);
}

// Pages of history. -------------------------------------------------------------------------------

async function fetchPage(lines, which) {
  const place = [...places.values()].find((it) => it.lines === lines);
  if (!place || !chat.rooms.some(({ room, isJoined }) => room === place.room && isJoined)) return;
  if (lines.isFetching) {
    // The way back is not forgotten; more at a side is asked for again by itself.
    if (which === "newest") lines.isEndWanted = true;
    return;
  }
  lines.isFetching = true;
  const { olderThan, newerThan } = lines;
  const asked = { older: { before: olderThan }, newer: { after: newerThan }, newest: {} }[which];
  let page = null;
  try {
    page = await chat.history(place.room, { ...asked, limit: PAGE_LINES });
  } catch (error) {
    // If the connection was lost, coming back to the room asks again.
    if (error.retryMs) setTimeout(() => view.changed(lines), error.retryMs);
  }
  lines.isFetching = false;
  if (!page) return;
  const entries = page.messages.map((message) => entryOf(message, page.epoch));
  // What has changed in the meantime is asked for anew.
  const isSame = page.epoch === lines.epoch && olderThan === lines.olderThan && newerThan === lines.newerThan;
  if (isSame && which === "older") lines.prepend(entries, page.more);
  if (isSame && which === "newer") lines.append(entries, page.more, waiting(place.room));
  if (which === "newest") lines.replace(entries, page.more, waiting(place.room));
  if (lines.isEndWanted) fetchPage(lines, "newest");
  lines.isEndWanted = false;
  view.changed(lines);
}

function entryOf(message, epoch) {
  const { room, name, data, seq, at } = message;
  return { kind: "message", name, text: shown(data), own: own.has(room, epoch, message, chat.name), seq, epoch, at: new Date(at) };
}

/** One's own lines in a room that have no answer yet. */
function waiting(room) {
  const entry = ({ key, data, at }) => ({ kind: "message", name: chat.name, text: shown(data), own: true, key, at: new Date(at) });
  return chat.pending.filter((pending) => pending.room === room).map(entry);
}

// What is told. -----------------------------------------------------------------------------------

const on = (type, handle) =>
  chat.addEventListener(type, ({ detail }) => {
    const place = places.get(detail.room);
    if (detail.room !== undefined && !place) return;
    handle(detail, place);
    if (place) view.changed(place.lines);
  });

on("state", (state) => {
  showState(state, speak);
  // Without a connection all of them wait, and the banner says so.
  if (state.state !== "open") for (const { lines } of places.values()) lines.unnote(), view.changed(lines);
});

const isFirstVisit = deviceName === null;
let oldName = "";

on("name", ({ name, wanted, error }) => {
  if (wanted) return greetings.push(`${isolated(wanted)}: ${sentence(error.message)} You are a guest until you choose another name.`);
  const isGuest = /^guest-\d+$/.test(name);
  const isNew = isFirstVisit && oldName === "";
  if (isCopy && oldName === "") greetings.push(`This tab is a copy of another, so here you are ${name}. Press your name below to choose another.`);
  else if (isNew) greetings.push(`You are ${name}. Press your name below to choose another.`);
  if (isNew || !isGuest) onDevice.keep("chinwag-name", isGuest ? "" : name);
  own.called(name);
  composer.count();
  // Nobody is told of their own coming and going.
  for (const { names } of places.values()) if (names.delete(oldName)) names.add(name);
  oldName = name;
  render();
});

on("joined", ({ epoch, seq, from, members, resumed }, place) => {
  place.lines.begin(epoch, from);
  place.count = members;
  // Who comes for the first time has missed nothing.
  place.knownUntil = resumed === undefined ? seq : 0;
  if (place === here()) askNames(place);
  render();
});

on("left", ({ room, epoch, seq, error }, place) => {
  const at = forget(room, error);
  const typed = composer.take(room);
  if (!error) offerUndo({ place, at, typed, since: epoch ? { epoch, seq } : undefined });
});

on("message", (message, place) => {
  const entry = entryOf(message, place.lines.epoch);
  place.lines.add(entry);
  if (!entry.own && message.seq > place.knownUntil && (place !== here() || document.hidden)) {
    place.unread += 1;
    renderUnread();
    render();
  }
});

on("settled", ({ room, key, seq, at }, { lines }) => {
  own.add(room, lines.epoch, seq);
  lines.settle(key, { seq, epoch: lines.epoch, at: new Date(at), note: undefined });
});

on("unanswered", ({ key }, { lines }) => lines.note(key, "No answer yet. The connection is being checked."));

on("refused", ({ key, data, error }, { lines }) => {
  const why = `${error.code === "unknown" ? "Perhaps not sent" : "Not sent"}: ${sentence(error.message)}`;
  // What is too long stays so, however often it is sent.
  const changes = { fate: "refused", why, remedy: error.code === "too_big" ? "edit" : "again", note: undefined };
  speak(why);
  if (lines.refuse(key, changes)) return;
  lines.add({ kind: "message", name: chat.name, text: shown(data), own: true, at: new Date(), ...changes });
});

on("gap", ({ from, to, reason }, { lines }) => {
  const at = new Date();
  if (reason === "epoch" || reason === "ahead") {
    lines.end({ kind: "gap", text: "The room began anew. What was said here in between is lost", at });
  } else if (from <= to) lines.add(missing(from, to, at));
});

on("presence", ({ joined, left, renamed, members }, place) => {
  place.count = members;
  for (const name of left ?? []) place.names.delete(name);
  for (const name of joined ?? []) place.names.add(name);
  if (joined && members <= PRESENCE_MEMBERS_MAX) place.lines.presence({ joined, left, renamed }, new Date());
  if (place !== here()) return;
  const isOld = !joined && performance.now() - place.namesAt > NAMES_AGE_MS;
  if (isOld || place.names.size !== Math.min(members, NAMES_MAX)) askNames(place);
  render();
});

on("direct", ({ name, data, at }) => {
  const place = here();
  place.lines.add({ kind: "direct", name, to: chat.name, text: shown(data), at: new Date(at) });
  if (document.hidden) place.unread += 1;
  view.changed(place.lines);
  render();
});

on("change", rememberSoon);

// What is typed. ----------------------------------------------------------------------------------

function say(text, place = here()) {
  if (place.room === "") return notice("You are in no room. Join one to say something.");
  const key = chat.newKey();
  const entry = { kind: "message", name: chat.name, text, own: true, key, at: new Date() };
  place.lines.wait(entry);
  chat.publish(place.room, text, { key }).catch(() => {}); // `refused` tells
  if (chat.state === "waiting") chat.connect(); // nobody wants to wait with a line in hand
  toEnd();
}

function toEnd() {
  here().lines.isPinned = here().lines.isLive;
  view.changed(here().lines);
  view.toEnd();
}

const commands = {
  name: (name) => (name ? chat.rename(name).then(() => notice(`You are ${isolated(name)}.`)) : dialogs.open("naming")),
  join: (room) => (room ? enter(room) : dialogs.open("going")),
  leave: () => leave(active),
  help: () => dialogs.open("helping"),
  quit: () => chat.close(),
  msg: async (text, to, line) => {
    const room = active;
    await chat.direct(to, text).catch((error) => {
      composer.restore(line, room);
      throw error;
    });
    here().lines.add({ kind: "direct", name: chat.name, to, text, own: true, at: new Date() });
    toEnd();
  },
  who: async () => {
    const { names, count } = await chat.members(active, { limit: NAMES_MAX });
    const more = count > names.length ? ` and ${count - names.length} more` : "";
    notice(`${count} here: ${names.map(isolated).join(", ")}${more}`);
  },
  rooms: async () => {
    const { rooms, next } = await chat.list({ limit: 50 });
    notice(`${rooms.map(({ room, members }) => `${room} (${members})`).join(", ")}${next ? " and more" : ""}`);
  },
  ping: async () => {
    const started = performance.now();
    await chat.ping();
    notice(`An answer takes ${Math.max(1, Math.round(performance.now() - started))} ms.`);
  },
};

async function submit(line) {
  const said = parse(line);
  if (said.say !== undefined) return say(said.say);
  if (said.wrong) notice(said.wrong);
  try {
    await commands[said.command]?.(said.argument, said.to, line);
  } catch (error) {
    notice(sentence(error.message));
  }
}

/** How many bytes of a line would be sent as a message, and how many may be. */
function size(line) {
  const { say, command, argument } = parse(line);
  const text = say ?? (command === "msg" ? argument : undefined);
  return chat.limits && text !== undefined ? { bytes: messageBytes(text), max: chat.limits.message_bytes } : null;
}

const typed = () => inTab.keep("chinwag-drafts", composer.drafts);
const drafts = (!isCopy && inTab.read("chinwag-drafts")) || {};
const composer = new Composer($("composer"), input, $("left"), { say: submit, size, typed, speak }, drafts);

const dialogs = new Dialogs(chat, { isIn: (room) => places.has(room), enter, done: () => input.focus() });

// Leaving, and thinking again. ---------------------------------------------------------------------

let undo = null; // what was left last

async function leave(room) {
  await chat.leave(room).catch(() => {}); // whatever becomes of the request, the room is left
}

function offerUndo(it) {
  clearTimeout(undo?.timer);
  undo = it;
  $("gone-room").textContent = it.place.room;
  $("gone").hidden = false;
  speak(`You left ${it.place.room}. There is a button to undo this.`);
  const expire = () => {
    // Whoever is about to press it still can.
    if ($("gone").matches(":hover, :focus-within")) it.timer = setTimeout(expire, UNDO_MS);
    else withdrawUndo();
  };
  it.timer = setTimeout(expire, UNDO_MS);
}

function withdrawUndo() {
  clearTimeout(undo?.timer);
  undo = null;
  $("gone").hidden = true;
}

/** Goes back to where the room stood in the list, and to what was shown and typed there; what was missed comes by itself. */
function undoLeaving() {
  const { place, at, typed, since } = undo;
  withdrawUndo();
  input.focus();
  if (places.has(place.room)) return show(place.room);
  const all = [...places];
  all.splice(at, 0, [place.room, place]);
  places.clear();
  for (const [room, it] of all) places.set(room, it);
  composer.giveBack(place.room, typed);
  join(place.room, since);
  show(place.room);
}

// Keys and clicks. -----------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const { key, altKey, ctrlKey, metaKey, shiftKey, target } = event;
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  const arrow = { ArrowUp: -1, ArrowDown: 1 }[key];
  const pages = { PageUp: -0.9, PageDown: 0.9 }[key];
  if (altKey && arrow) step(arrow, shiftKey);
  else if ((ctrlKey || metaKey) && key.toLowerCase() === "k") dialogs.open("going");
  else if (pages) view.page(pages);
  else if (key === "Escape" && !document.querySelector(":popover-open")) {
    toEnd();
    input.focus();
  } else {
    // Whoever starts to type, wherever the focus is, types into the line.
    const isTyping = key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
    if (isTyping && target !== input) input.focus();
    return;
  }
  event.preventDefault();
});

$("rooms").addEventListener("click", ({ target }) => {
  const close = target.closest(".leave");
  const room = target.closest(".room");
  if (close) {
    leave(close.dataset.leave);
    $("side").hidePopover(); // the offer to undo it stands behind
    if (matchMedia("(hover: hover)").matches) input.focus();
  }
  if (!room) return;
  show(room.dataset.room);
  $("side").hidePopover();
  if (matchMedia("(hover: hover)").matches) input.focus();
});
$("names").addEventListener("click", ({ target }) => {
  const name = target.closest(".person")?.dataset.name;
  if (!name) return;
  $("members").hidePopover();
  if (name === chat.name) dialogs.open("naming");
  else composer.begin(name.includes(" ") ? `/msg "${name}" ` : `/msg ${name} `);
});
$("log").addEventListener("click", ({ target }) => {
  const { act } = target.dataset;
  const { entry } = target.closest(".line") ?? {};
  if (act === "unfold") {
    target.parentElement.classList.remove("folded");
    target.remove();
  } else if (act) {
    here().lines.remove(entry);
    if (act === "again") say(entry.text);
    if (act === "edit") composer.restore(entry.text, active);
    input.focus();
  }
  if (act) view.changed(here().lines);
});
$("go").addEventListener("click", () => dialogs.open("going"));
$("help").addEventListener("click", () => dialogs.open("helping"));
$("me").addEventListener("click", () => dialogs.open("naming"));
$("newer").addEventListener("click", () => {
  toEnd();
  input.focus();
});
$("again").addEventListener("click", () => {
  chat.connect();
  input.focus();
});
$("undo").addEventListener("click", undoLeaving);
// What slides in on a narrow screen is a column on a wide one.
matchMedia("(min-width: 64rem)").addEventListener("change", () => [$("side"), $("members")].forEach((it) => it.hidePopover()));

addEventListener("pagehide", remember);
addEventListener("hashchange", () => isRoom(location.hash.slice(1)) && enter(location.hash.slice(1)));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return remember();
  here().unread = 0;
  render();
});

// The beginning. ---------------------------------------------------------------------------------------

const linkedRoom = location.hash.slice(1);
for (const { room } of isCopy ? (before?.snapshot.rooms ?? []) : chat.rooms) enter(room);
if (isRoom(linkedRoom)) enter(linkedRoom);
else if (places.has(before?.active)) show(before.active);
else if (places.size === 0) enter(FIRST_ROOM);
chat.connect();
