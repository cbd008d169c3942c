// The conversation in the document: shows the lines of one room, and keeps what is read in its place.
//
// Lines change at any time; the document follows a few times a second at most, so a burst costs few layouts. A hidden
// page gets no frames and needs none: the lines are bounded by themselves. Whoever is at the end stays there. For everybody
// else the line at the top stays where it is, whatever comes above or goes below.

import { build, dress } from "./line.js";

const REST_MS = 80; // at least, between one change of the document and the next
const PINNED_PX = 48; // this near to the end counts as being there
const FILL_PX = 1200; // this near to a side, more is fetched
const FLOOD_LINES = 6; // within FLOOD_MS: more are counted out, not read out
const FLOOD_MS = 3000;

export class Log {
  #element;
  #lines = null;
  #isDue = false;
  #changedAt = 0; // as frames count time
  #followed = ""; // the element's shape when its scroll position was last looked after
  #newest = null; // the last line that was shown
  #flood = { count: 0, timer: 0 };
  #on;

  /**
   * @param {HTMLElement} element
   * @param {{fetch: (lines: Lines, which: "older" | "newer" | "newest") => void, seen: (lines: Lines) => void,
   *   speak: (words: string) => void}} on - what the page does: fetches a page of history; shows how much has not been
   *   seen; says something to who cannot see
   */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // A phone's keyboard, a banner, a turned screen.
    new ResizeObserver(() => this.#follow()).observe(element);
  }

  /** Shows these lines in place of others. */
  show(lines) {
    if (this.#lines) {
      this.#keepPlace();
      for (const entry of this.#lines.entries) entry.element = null;
    }
    this.#lines = lines;
    this.#newest = null;
    this.#element.replaceChildren();
    this.#sync();
  }

  /** The lines have changed. */
  changed(lines) {
    if (lines !== this.#lines || this.#isDue) return;
    this.#isDue = true;
    const follow = (now) => {
      if (now - this.#changedAt < REST_MS) return requestAnimationFrame(follow);
      this.#isDue = false;
      this.#changedAt = now;
      this.#keepPlace();
      this.#sync();
    };
    requestAnimationFrame(follow);
  }

  /** Goes to the newest line, and stays there. */
  toEnd() {
    this.#changedAt = 0; // somebody waits for it
    if (!this.#lines.isLive) return this.#on.fetch(this.#lines, "newest");
    this.#lines.isPinned = true;
    this.#follow();
  }

  /** Scrolls by parts of what is in sight. */
  page(pages) {
    this.#element.scrollBy(0, pages * this.#element.clientHeight);
  }

  // The document follows the lines. ------------------------------------------------------

  #keepPlace() {
    if (this.#lines.isPinned) return;
    const { children } = this.#element;
    const top = this.#element.getBoundingClientRect().top;
    // Lines stand in order, so the first one in sight is found by halving.
    let [low, high] = [0, children.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    while (children[low]?.entry?.isGone) low += 1;
    const line = children[low];
    if (line?.entry) this.#lines.anchor = { entry: line.entry, offset: line.getBoundingClientRect().top - top };
  }

  #sync() {
    const { entries } = this.#lines;
    for (const child of [...this.#element.children]) if (child.entry?.isGone) child.remove();
    let next = this.#element.querySelector(".line");
    let previous = null;
    let added = 0;
    let isOlderThere = false;
    let isBehindNewest = this.#newest === null || this.#newest.isGone;
    for (const entry of entries) {
      const isNew = !entry.element;
      if (isNew) {
        entry.element = build(entry);
        entry.element.entry = entry;
        entry.previous = undefined;
        if (isBehindNewest) added += 1;
        else isOlderThere = true;
      }
      if (entry.element === next) next = next.nextElementSibling;
      else this.#element.insertBefore(entry.element, next);
      if (entry.previous !== previous) dress(entry, previous);
      entry.previous = previous;
      previous = entry;
      if (entry === this.#newest) isBehindNewest = true;
    }
    if (this.#newest === null) this.#flood.count = 0; // of another room
    if (isOlderThere || this.#newest === null) this.#hush();
    else if (added > 0) this.#say(added);
    this.#newest = previous;
    this.#follow();
  }

  #follow() {
    const lines = this.#lines;
    if (!lines) return;
    const log = this.#element;
    if (lines.isPinned) {
      log.scrollTop = log.scrollHeight;
      lines.unseen = 0;
    } else if (lines.anchor?.entry.element?.isConnected) {
      const { entry, offset } = lines.anchor;
      log.scrollTop += entry.element.getBoundingClientRect().top - log.getBoundingClientRect().top - offset;
    }
    this.#followed = this.#shape();
    this.#on.seen(lines);
    this.#fill();
  }

  #shape() {
    const { clientWidth, clientHeight, scrollHeight } = this.#element;
    return `${clientWidth} ${clientHeight} ${scrollHeight}`;
  }

  #below() {
    const { scrollHeight, scrollTop, clientHeight } = this.#element;
    return scrollHeight - scrollTop - clientHeight;
  }

  #scrolled() {
    const lines = this.#lines;
    // A new shape moves what is in sight too; only a scroll within the old one is the reader's.
    if (!lines || this.#shape() !== this.#followed) return;
    const wasPinned = lines.isPinned;
    lines.isPinned = lines.isLive && this.#below() < PINNED_PX;
    if (lines.isPinned && !wasPinned) this.#follow();
    else if (!lines.isPinned) this.#keepPlace();
    this.#on.seen(lines);
    this.#fill();
  }

  /** Whether the reader is so far up that a way back is wanted. */
  get isFarUp() {
    return !this.#lines.isLive || this.#below() > 1.5 * this.#element.clientHeight;
  }

  #fill() {
    const lines = this.#lines;
    if (lines.isFetching || this.#element.clientHeight === 0) return;
    if (this.#element.scrollTop < FILL_PX && lines.olderThan !== null) this.#on.fetch(lines, "older");
    else if (this.#below() < FILL_PX && lines.newerThan !== null) this.#on.fetch(lines, "newer");
  }

  // What is read out. ---------------------------------------------------------------------

  #say(count) {
    const flood = this.#flood;
    flood.count += count;
    if (flood.count > FLOOD_LINES) {
      this.#hush();
    } else if (!flood.timer) flood.timer = setTimeout(() => this.#calm(), FLOOD_MS);
  }

  /** The log is not read out until it has been calm for a while. */
  #hush() {
    this.#element.setAttribute("aria-live", "off");
    clearTimeout(this.#flood.timer);
    this.#flood.timer = setTimeout(() => this.#calm(), FLOOD_MS);
  }

  #calm() {
    const { count } = this.#flood;
    if (count > FLOOD_LINES) this.#on.speak(`${count} new lines.`);
    this.#flood = { count: 0, timer: 0 };
    this.#element.setAttribute("aria-live", "polite");
  }
}

