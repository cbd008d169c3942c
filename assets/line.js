// One line of the conversation, as it stands in the document.
//
// Everything that came over the wire becomes text nodes, so a name or a message is never markup. Names stand in <bdi>, and
// each text is a block of its own, so that characters that turn the direction of writing end where they began.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

const LONG_CHARS = 2000; // what is longer is folded
const LONG_LINES = 24;

/**
 * An entry of the conversation.
 * @typedef {object} Entry
 * @property {"message" | "direct" | "notice" | "gap"} kind
 * @property {string} text
 * @property {Date} at
 * @property {string} [name] - who said it
 * @property {string} [to] - to whom alone
 * @property {boolean} [own]
 * @property {string} [epoch]
 * @property {number} [seq]
 * @property {string} [key] - of one's own: what it was published under
 * @property {"waiting" | "refused"} [fate] - of one's own: if it is not said yet, or will not be
 * @property {string} [why] - it is refused
 * @property {"again" | "edit"} [remedy] - of what is refused: what may help
 * @property {string} [note] - of what waits: why it waits for so long
 * @property {object} [changes] - who came and went, where it is about that
 * @property {boolean} [isGone] - it is to leave the document
 * @property {HTMLElement} [element] - while it is in the document
 * @property {Entry | null} [previous] - the one above it there
 */

/** A name's hue in degrees, the same on every page. */
export function hue(name) {
  // FNV-1a over its characters. Names that differ in the last one differ in few bits then, and guest-1 and guest-3 by four
  // degrees; so what comes out is mixed, by the function lowbias32.
  let hash = 0x811c9dc5;
  for (const char of name.toLowerCase()) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) % 360;
}

/** What people see of a message's data. */
export function shown(data) {
  return typeof data === "string" ? data : JSON.stringify(data);
}

export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Makes the element of an entry. What depends on the entry above it, `dress` adds. */
export function build(entry) {
  const { kind, name, to, text, own, at, fate, note } = entry;
  const element = make("div", `line ${kind}`);
  if (name !== undefined) {
    const who = make("span", "who");
    who.style.setProperty("--hue", hue(name));
    who.title = name;
    who.append(make("bdi", "name", name));
    if (own) who.append(make("span", "unseen", " (you)"));
    if (to !== undefined) who.append(make("span", "to", " to "), make("bdi", "name", to));
    element.append(who);
  }
  const words = make("div", "text");
  words.append(...linked(text));
  element.append(words);
  if (text.length > LONG_CHARS || text.split("\n").length > LONG_LINES) fold(words);
  if (kind !== "gap") {
    const time = make("time", "", fate === "waiting" ? "…" : clock.format(at));
    time.dateTime = at.toISOString();
    time.title = fate === "waiting" ? "not sent yet" : at.toLocaleString();
    element.append(time);
  }
  element.classList.toggle("own", Boolean(own));
  // Who has typed a line knows it, and comings and goings are not worth being read out.
  if (own || entry.changes) element.setAttribute("aria-live", "off");
  if (fate) element.classList.add(fate);
  if (fate === "waiting") words.append(make("span", "unseen", " (not sent yet)"));
  if (note) element.append(make("p", "why", note));
  if (fate === "refused") {
    const why = make("p", "why", `${entry.why} `);
    for (const [act, label] of [entry.remedy === "edit" ? ["edit", "Edit"] : ["again", "Try again"], ["drop", "Remove"]]) {
      const button = make("button", "quiet", label);
      button.type = "button";
      button.dataset.act = act;
      why.append(button);
    }
    element.append(why);
  }
  return element;
}

/** Sets what an entry owes to the one above it: the name and the minute are said once, and so is the day. */
export function dress(entry, previous) {
  const { element, kind, name, own, at, fate } = entry;
  const sameDay = previous?.at.toDateString() === at.toDateString();
  const sameMinute = sameDay && Math.floor(previous.at / 60_000) === Math.floor(at / 60_000);
  const goesOn = kind === "message" && sameMinute && previous.kind === kind && previous.name === name && previous.own === own;
  element.classList.toggle("head", !goesOn);
  // A line that goes on still names its speaker to a screen reader.
  element.querySelector(".who")?.classList.toggle("unseen", goesOn);
  element.classList.toggle("timed", !goesOn || !sameMinute || Boolean(fate));
  element.querySelector(".day")?.remove();
  if (!sameDay) element.prepend(make("p", "day", calendar.format(at)));
}

function fold(words) {
  words.classList.add("folded");
  const more = make("button", "quiet unfold", "Show all of it");
  more.type = "button";
  more.dataset.act = "unfold";
  words.append(more);
}

/** A text with its addresses as links: only whole http and https ones, and as they are written. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"\p{Cc}\p{Cf}]+/giu)) {
    // What ends a sentence does not end an address, nor does a bracket that opened before it.
    let address = match[0].replace(/[.,;:!?'*_~]+$/, "");
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    const url = URL.canParse?.(address) ? new URL(address) : null;
    // `https://bank.example@evil.example` is an address that lies.
    if (!url?.hostname || url.username || url.password) continue;
    const link = make("a", "", address);
    link.href = url.href;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow ugc";
    parts.push(text.slice(end, match.index), link);
    end = match.index + address.length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}
