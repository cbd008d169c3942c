// The field in which one types: it grows with what is in it, tells when it is too much, and the arrows bring back what was
// said. Each room has its own: what was begun in one is never one Enter away from the people of another.

const RECALL_MAX = 100; // lines of each room
const NEAR_PART = 0.9; // of what is allowed: from there on the rest is shown

/** What a room has of it. */
function blank(text = "") {
  return { text, lines: [], at: 0, draft: "" };
}

export class Composer {
  #form;
  #input;
  #counter;
  #on;
  #rooms = new Map();
  #here = blank();

  /**
   * @param {HTMLFormElement} form
   * @param {HTMLTextAreaElement} input
   * @param {HTMLElement} counter
   * @param {{say: (line: string) => void, size: (line: string) => {bytes: number, max: number} | null,
   *   typed: () => void, speak: (words: string) => void}} on - what the page does: takes a line; tells how much of what is
   *   allowed a line is, if there is a bound; keeps the drafts; says something to who cannot see
   * @param {Record<string, string>} drafts - by room
   */
  constructor(form, input, counter, on, drafts) {
    this.#form = form;
    this.#input = input;
    this.#counter = counter;
    this.#on = on;
    for (const [room, text] of Object.entries(drafts)) this.#rooms.set(room, blank(text));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    input.addEventListener("input", () => this.#changed());
    input.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The field is this room's now. */
  show(room) {
    if (!this.#rooms.has(room)) this.#rooms.set(room, blank());
    this.#here = this.#rooms.get(room);
    this.#write(this.#here.text);
  }

  /** Takes away what a room has of it, for `giveBack`. */
  take(room) {
    const taken = this.#rooms.get(room);
    this.#rooms.delete(room);
    this.#on.typed();
    return taken;
  }

  giveBack(room, taken) {
    this.#rooms.set(room, taken ?? blank());
    this.#on.typed();
  }

  /** What is typed and not sent, by room. */
  get drafts() {
    return Object.fromEntries([...this.#rooms].filter(([, { text }]) => text !== "").map(([room, { text }]) => [room, text]));
  }

  /** Puts words there, if there are none, for somebody to go on with. */
  begin(words) {
    if (this.#input.value === "") this.#write(words);
    this.#input.focus();
  }

  /** Puts back what could not be sent from a room, above what has been typed there since. */
  restore(words, room) {
    const there = this.#rooms.get(room);
    if (!there) return; // it was left meanwhile
    there.text = there.text === "" ? words : `${words}\n${there.text}`;
    if (there !== this.#here) return this.#on.typed();
    this.#write(there.text);
    this.#input.focus();
  }

  /** What is allowed may have changed. */
  count() {
    const { size, isOver } = this.#measure();
    const isNear = size !== null && size.bytes > size.max * NEAR_PART;
    const number = (count) => (count === 1 ? "1 byte" : `${count.toLocaleString("en")} bytes`);
    const text = isOver ? `${number(size.bytes - size.max)} too long` : isNear ? `${number(size.max - size.bytes)} left` : "";
    // Each key changes the number; only that it has become too much is said.
    if (isOver && !this.#form.classList.contains("too-long")) this.#on.speak(`This is ${text}.`);
    this.#form.classList.toggle("too-long", isOver);
    this.#input.setAttribute("aria-invalid", String(isOver));
    this.#counter.hidden = text === "";
    this.#counter.textContent = text;
  }

  #measure() {
    const size = this.#on.size(this.#input.value);
    return { size, isOver: size !== null && size.bytes > size.max };
  }

  #write(text) {
    this.#input.value = text;
    this.#input.setSelectionRange(text.length, text.length);
    this.#changed();
  }

  #changed() {
    this.#here.text = this.#input.value;
    // As high as its text; the style sheet has a bound.
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight + this.#input.offsetHeight - this.#input.clientHeight}px`;
    this.count();
    this.#on.typed();
  }

  #submit() {
    const here = this.#here;
    const line = this.#input.value;
    this.#input.focus();
    if (line.trim() === "") return;
    if (this.#measure().isOver) return this.#on.speak(`Not sent: this is ${this.#counter.textContent}.`);
    if (here.lines.at(-1) !== line) here.lines.push(line);
    if (here.lines.length > RECALL_MAX) here.lines.shift();
    here.at = here.lines.length;
    this.#write("");
    this.#on.say(line);
  }

  /** Walks one's own lines; past the newest stands what was being typed. */
  #walk(step) {
    const here = this.#here;
    const at = here.at + step;
    if (at < 0 || at > here.lines.length) return;
    if (here.at === here.lines.length) here.draft = this.#input.value;
    here.at = at;
    this.#write(at === here.lines.length ? here.draft : here.lines[at]);
  }

  #key(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return; // such as an arrow among candidates
    const { key, shiftKey } = event;
    const { lines, at } = this.#here;
    const { value } = this.#input;
    const isRecalled = at < lines.length && value === lines[at];
    if (key === "Enter" && !shiftKey) this.#form.requestSubmit();
    else if (key === "ArrowUp" && !shiftKey && (value === "" || isRecalled)) this.#walk(-1);
    else if (key === "ArrowDown" && !shiftKey && isRecalled) this.#walk(1);
    else return;
    event.preventDefault();
  }
}
