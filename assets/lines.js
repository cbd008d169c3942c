// The lines of one room that the page has: a window on the room's history, which is mostly its end.
//
//     history   ... 41 42 43 44 45 46 47 48 ...            what the server remembers
//     live               [ 43 44 45 46 47 48 ] w w         new lines come at the end, the oldest go; w waits for its answer
//     not live    [ 41 42 43 44 45 46 ]        48 49       the reader has gone up; what is new is only counted
//
// It holds at most LINES_MAX, whatever is said and however far somebody scrolls. What leaves it at the one side or the
// other is fetched again when it is looked for.

/** @typedef {import("./line.js").Entry} Entry */

export const LINES_MAX = 2000;

const NAMES_SHOWN_MAX = 5; // of those who come or go
const LATER_MAX = 100;

export class Lines {
  /** @type {Entry[]} oldest first; those that wait for their answers stand last */
  entries = [];
  /** Whether the last line is the newest there is. */
  isLive = true;
  /** Whether the reader is at the end, and is to stay there. */
  isPinned = true;
  /** How many messages have come that the reader has not had in sight. */
  unseen = 0;
  /** Whether a page of history is on its way. */
  isFetching = false;
  /** Whether the newest page is to be fetched once that one is here. */
  isEndWanted = false;
  /** What the reader has at the top, and how far below the edge, while not pinned. */
  anchor = null;
  /** The room's life that is now. */
  epoch = "";

  #hasOlder = false;
  #waiting = 0;
  #later = []; // what no history has, and came while the end was not here
  #from = 1; // the first message that came, or is to come

  /** One is in the room now: `from` is the first message that comes. */
  begin(epoch, from) {
    this.epoch = epoch;
    if (this.entries.some(({ seq }) => seq !== undefined)) return;
    this.#from = from;
    this.#hasOlder = from > 1;
  }

  /** The room's life has ended, and with it what could be fetched. */
  end(entry) {
    if (this.isLive) return this.add(entry);
    this.entries.push(entry);
    this.#trimStart();
  }

  /** Something new was said. */
  add(entry) {
    if (!this.isPinned && entry.name !== undefined) this.unseen += 1;
    // What is being read stays; the end is fetched when the reader comes back to it.
    if (!this.isPinned && this.entries.length >= LINES_MAX) this.#leaveEnd();
    if (!this.isLive) {
      if (entry.seq === undefined && entry.kind !== "gap") this.#later.push(entry);
      if (this.#later.length > LATER_MAX) this.#later.shift();
      return;
    }
    this.entries.splice(this.entries.length - this.#waiting, 0, entry);
    this.#trimStart();
  }

  /** One's own line that has no answer yet. */
  wait(entry) {
    if (!this.isLive) return;
    this.entries.push({ ...entry, fate: "waiting" });
    this.#waiting += 1;
    this.#trimStart();
  }

  /** It has its place, which is behind all that has been said until now. */
  settle(key, changes) {
    this.#place(key, { ...changes, fate: undefined });
  }

  /** It will not be said. Returns whether it was there. */
  refuse(key, changes) {
    return this.#place(key, { fate: "refused", ...changes });
  }

  /** It waits for longer than it should; or, without a note, as one does. */
  note(key, note) {
    const at = this.entries.findIndex((entry) => entry.key === key && entry.fate === "waiting" && entry.note !== note);
    if (at < 0) return;
    const [old] = this.#drop(at, 1);
    this.entries.splice(at, 0, { ...old, note, element: null, isGone: false });
  }

  /** Takes the notes from all that waits. */
  unnote() {
    for (const { key, note } of [...this.entries]) if (note) this.note(key, undefined);
  }

  /** Takes a line out. */
  remove(entry) {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.#drop(at, 1);
  }

  /** Somebody came or went. What follows on such a notice joins it, so that nobody fills the room by coming and going. */
  presence(presence, at) {
    if (!this.isLive) return;
    const last = this.entries[this.entries.length - this.#waiting - 1];
    const changes = last?.changes ?? new Changes();
    changes.add(presence);
    if (last?.changes) this.remove(last);
    const { text } = changes;
    if (text) this.add({ kind: "notice", text, at, changes });
  }

  /** Before which message to ask for more; null if there are none to be had. */
  get olderThan() {
    if (!this.#hasOlder) return null;
    const first = this.entries.find(({ seq }) => seq !== undefined);
    if (!first) return this.#from;
    // What was said in an earlier life of the room is not to be had any more.
    return first.epoch === this.epoch ? first.seq : null;
  }

  /** After which message to ask for more; null if the end is here. */
  get newerThan() {
    if (this.isLive) return null;
    const last = this.entries.findLast(({ seq }) => seq !== undefined);
    return last?.epoch === this.epoch ? last.seq : 0;
  }

  /** A page of what was said before. */
  prepend(entries, hasMore) {
    this.#hasOlder = hasMore;
    this.entries.unshift(...entries);
    const excess = this.entries.length - LINES_MAX;
    if (excess <= 0) return;
    this.#leaveEnd();
    const over = this.entries.length - LINES_MAX;
    if (over > 0) this.#drop(LINES_MAX, over);
  }

  /** A page of what was said after. Where there is no more, the end is here again, with what waits there. */
  append(entries, hasMore, waiting) {
    if (this.isLive) return;
    const after = this.newerThan;
    const lost = entries.length > 0 && entries[0].seq > after + 1;
    if (lost) this.entries.push(missing(after + 1, entries[0].seq - 1, entries[0].at));
    this.entries.push(...entries);
    this.#trimStart();
    if (!hasMore) this.#reachEnd(waiting);
  }

  /** The newest page, in place of what there was. */
  replace(entries, hasMore, waiting) {
    this.#drop(0, this.entries.length);
    this.#waiting = 0;
    this.#hasOlder = hasMore;
    this.entries.push(...entries);
    this.#reachEnd(waiting);
    this.isPinned = true;
  }

  #reachEnd(waiting) {
    this.isLive = true;
    this.entries.push(...this.#later.splice(0));
    waiting.forEach((entry) => this.wait(entry));
  }

  #leaveEnd() {
    this.isLive = this.isPinned = false;
    this.#drop(this.entries.length - this.#waiting, this.#waiting);
    this.#waiting = 0;
  }

  #trimStart() {
    const excess = this.entries.length - LINES_MAX;
    if (excess <= 0) return;
    this.#hasOlder = true;
    this.#drop(0, excess);
    this.#waiting = Math.min(this.#waiting, this.entries.length);
  }

  #place(key, changes) {
    const from = this.entries.findIndex((entry) => entry.key === key && entry.fate === "waiting");
    if (from < 0) return false;
    const [old] = this.#drop(from, 1);
    this.#waiting -= 1;
    const entry = { ...old, ...changes, element: null, isGone: false };
    this.entries.splice(this.entries.length - this.#waiting, 0, entry);
    return true;
  }

  #drop(from, count) {
    const dropped = this.entries.splice(from, count);
    for (const entry of dropped) entry.isGone = true;
    return dropped;
  }
}

/** Who came and went, and who is called otherwise, since the notice began. What cancels out is not told. */
class Changes {
  #joined = new Set();
  #left = new Set();
  #renamed = new Map(); // the name now, and the one that the room knows

  add({ joined, left, renamed = [] }) {
    const from = new Set(renamed.map((it) => it.from));
    const to = new Set(renamed.map((it) => it.to));
    for (const name of left) if (!from.has(name)) this.#leave(name);
    for (const it of renamed) this.#rename(it);
    for (const name of joined) if (!to.has(name) && !this.#left.delete(name)) this.#joined.add(name);
  }

  #leave(name) {
    if (this.#joined.delete(name)) return;
    this.#left.add(this.#renamed.get(name) ?? name);
    this.#renamed.delete(name);
  }

  #rename({ from, to }) {
    if (this.#joined.delete(from)) return void this.#joined.add(to);
    const known = this.#renamed.get(from) ?? from;
    this.#renamed.delete(from);
    if (known !== to) this.#renamed.set(to, known);
  }

  get text() {
    const some = (all, did) => {
      const shown = all.slice(0, NAMES_SHOWN_MAX);
      const more = all.length - shown.length;
      return all.length === 0 ? [] : [`${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}${did}`];
    };
    const names = (set) => [...set].map(isolated);
    const renamed = [...this.#renamed].map(([to, from]) => `${isolated(from)} is now ${isolated(to)}`);
    return [...some(names(this.#joined), " joined"), ...some(names(this.#left), " left"), ...some(renamed, "")].join(", ");
  }
}

/** Where messages are missing. */
export function missing(from, to, at) {
  const text = from === to ? "One message is missing here" : `${(to - from + 1).toLocaleString("en")} messages are missing here`;
  return { kind: "gap", text, at };
}

/** A name inside a sentence: its direction of writing is its own affair. */
export function isolated(name) {
  return `\u2068${name}\u2069`;
}
