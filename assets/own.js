// Which messages one has said oneself.
//
// Not by name: a name can be changed, and can be somebody else's before and afterwards. A message's place is its own for
// ever, and the server gives each place once. What was said in another tab or on another day is not among these; there the
// name has to do, as long as the tab has had no other.

const PLACES_MAX = 1000; // in all rooms; the oldest go

export class Own {
  #name; // empty before the first, null after a second
  #places; // each [room, epoch, seq], oldest first
  #known = new Set();

  /** @param {{name: string | null, places: [string, string, number][]} | null} before - as `JSON.parse` of an earlier one gives it */
  constructor(before) {
    this.#name = before ? before.name : "";
    this.#places = before?.places ?? [];
    for (const place of this.#places) this.#known.add(place.join(" "));
  }

  /** One has this name now. */
  called(name) {
    if (this.#name === "") this.#name = name;
    else if (name !== this.#name) this.#name = null;
  }

  /** Something has been said. */
  add(room, epoch, seq) {
    const place = [room, epoch, seq];
    this.#places.push(place);
    this.#known.add(place.join(" "));
    if (this.#places.length > PLACES_MAX) this.#known.delete(this.#places.shift().join(" "));
  }

  /** Whether a message is one's own, while one is called `name`. */
  has(room, epoch, message, name) {
    return this.#known.has(`${room} ${epoch} ${message.seq}`) || (message.name === name && name === this.#name);
  }

  toJSON() {
    return { name: this.#name, places: this.#places };
  }
}
