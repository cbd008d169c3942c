// The chat protocol over one WebSocket, for pages and programs. docs/javascript.md explains its use.
//
//     connecting --welcome--> open --lost--> waiting --timer, connect(), "online"--> connecting
//                              |
//                              +--close(), or the server says not to come back--> closed --connect()--> connecting
//
//     connecting --the server refuses the page: 401, 403 or 421 over HTTP--> closed
//
// It comes back by itself: under its name, into its rooms, after the last message that it has given out. What was
// published and not answered is looked for in what it missed, and sent again under its key if it is not there. So
// everything is told once, or `gap` tells that it cannot be.
//
// Of a room, `seq` is the last message that was given out; until `caughtUpAt` has come, nothing is published there.
//
// Waits are measured with `performance.now()`, since the calendar may be set at any time. That clock may stand still while
// the machine sleeps, so where a wait must not be taken for a shorter one, the longer of both is used: see `elapsedMs`.

/**
 * A message of a room.
 * @typedef {object} Message
 * @property {string} room
 * @property {number} seq - its number; each message of a room has one more than the one before
 * @property {string} name - who said it
 * @property {number} at - when, in milliseconds since 1970
 * @property {unknown} data - what; a string is plain talk
 * @property {string} [key] - what it was published under
 */

/**
 * Where a room stands.
 * @typedef {object} Room
 * @property {string} room
 * @property {string} epoch - which life of the room's numbers this is; empty before the first `joined`
 * @property {number} seq - the last message that was given out
 * @property {number} members - how many are there
 * @property {boolean} isJoined - whether one is in it now
 */

/**
 * Something published that has no answer yet.
 * @typedef {object} Pending
 * @property {string} room
 * @property {string} key
 * @property {unknown} data
 * @property {number} at - when `publish` was called
 * @property {string} sentAs - the name it was last sent under; empty if it never was
 * @property {number} sentAt - when
 */

/**
 * What is needed to come back later as the same one: `new Chat({ resume: JSON.parse(JSON.stringify(snapshot)) })`.
 * @typedef {object} Snapshot
 * @property {string} name
 * @property {string} secret
 * @property {{room: string, epoch: string, seq: number}[]} rooms
 * @property {Pending[]} pending
 */

const SUBPROTOCOL = "chinwag.v1.json";

const OPEN_TIMEOUT_MS = 10_000; // from the first packet to the welcome
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30_000;
const STABLE_MS = 10_000; // open for so long: the next loss starts from RETRY_FIRST_MS again
const PING_MS = 25_000; // until the welcome tells another
const PONG_TIMEOUT_MS = 10_000;
const ANSWER_MS = 5000; // a request without an answer for so long has the connection probed
const KEY_WINDOW_MS = 5 * 60_000; // the server knows a key for so long at least
const PENDING_MAX = 1000;
const JOINS_MAX = 8; // at once
const SEEN_MAX = 500; // messages with keys, for each room

/** What a server or a proxy answers over HTTP to a page that it does not let in; it will not by itself. */
const REFUSALS = new Set([401, 403, 421]);
const REASON_CHARS_MAX = 500; // of such an answer's body
const ASK_AFTER = 5; // handshakes that fail in a row, after one that did not: most likely the server is away for a while

/** Close codes after which coming back makes no sense, or is for a person to decide. */
const FINAL_CODES = new Set([1000, 1002, 1003, 1007, 1009, 4001, 4003, 4004, 4005]);

/** Something was not done. */
export class ChatError extends Error {
  /**
   * @param {string} code - one of the protocol's error codes; or `lost`: the connection ended before the answer;
   *   `closed`: it was ended for good; `refused`: the server does not let this page in; `unknown`: nobody can tell any more
   *   whether it was published
   * @param {string} reason
   * @param {number} [retryMs] - when trying again may help
   */
  constructor(code, reason, retryMs) {
    super(reason);
    this.name = "ChatError";
    this.code = code;
    this.retryMs = retryMs;
  }
}

/**
 * One member of a chat. It tells of what happens by events, each a `CustomEvent` with a `detail`:
 *
 *     state     {state, code, reason, retryAt, retryMs, status}     connecting, open, waiting or closed
 *     name      {name, wanted?, error?}            what one is called now, and why not as wanted
 *     joined    {room, epoch, seq, from, count, members, resumed?}
 *     left      {room, epoch, seq, error?}         one is not in that room any more, and will not be by itself
 *     message   a Message                          in the order of its room, each once; not those of `publish`
 *     settled   {room, key, data, seq, at}         something published has its place; in that place
 *     refused   {room, key, data, error}           something published will not be
 *     unanswered {room, key, data}                 something published has had no answer for 5 s; the connection is probed
 *     gap       {room, epoch, from, to, reason}    these messages will not come
 *     presence  {room, members, joined?, left?, renamed?}    renamed is [{from, to}]; both names are in left and joined, too
 *     direct    {name, at, data}
 *     change    {}                                 the snapshot has changed by more than a position
 */
export class Chat extends EventTarget {
  /** @type {"connecting" | "open" | "waiting" | "closed"} */
  state = "closed";
  /** What one is called; empty before the first welcome. */
  name = "";
  /**
   * What the server allows; null before the welcome.
   * @type {{message_bytes: number, publish_per_second: number, burst: number, rooms: number, history: number} | null}
   */
  limits = null;

  #url;
  #WebSocket;
  #token;
  #wanted = { name: "", secret: "" };
  #rooms = new Map(); // those to be in
  #pending = new Map(); // by key, in order
  #requests = new Map(); // by id, of this connection
  #socket = null;
  #id = 0;
  #attempts = 0; // failed or short-lived connections in a row
  #bye = null;
  #heard = moment();
  #pingMs = PING_MS;
  #timers = {};
  #busyUntil = 0; // when as much may be published at once as ever
  #keys = { prefix: random(), count: 0 };
  #ended = null; // why nothing is asked any more, until `connect` is called
  #failures = 0; // handshakes in a row; from ASK_AFTER below zero, once there was one that did not fail
  #attempt = null; // stops the question why a socket could not be opened
  #status = 0; // what the handshake was answered with instead of 101, where that is told
  #listeners = [
    [globalThis, "online", () => this.#lookNow()],
    [globalThis, "pageshow", ({ persisted }) => persisted && this.#lookNow()],
    // A hidden page's timers are slowed down; whoever looks again should not wait for them.
    [globalThis.document, "visibilitychange", () => document.visibilityState === "visible" && this.#lookNow()],
  ];

  /**
   * @param {object} [options]
   * @param {string | URL} [options.url] - the chat's endpoint; `/ws` where this module comes from, if not told
   * @param {string} [options.name] - what to be called; a guest, if not told
   * @param {string} [options.token] - for a server that wants to know who one is
   * @param {Snapshot} [options.resume] - who to be again, and where
   * @param {typeof WebSocket} [options.WebSocket] - for programs that have none, such as those for Node before version 22
   */
  constructor({ url, name = "", token, resume, WebSocket = globalThis.WebSocket } = {}) {
    super();
    if (typeof WebSocket !== "function") {
      throw new TypeError("there is no WebSocket here: pass one, such as that of the npm package ws, as new Chat({ WebSocket })");
    }
    toJson({ name, token }); // or it would fail with each connection
    this.#url = endpoint(url);
    this.#WebSocket = WebSocket;
    this.#token = token;
    this.#wanted.name = name;
    if (resume) {
      Object.assign(this.#wanted, { name: resume.name, secret: resume.secret });
      for (const { room, epoch, seq } of resume.rooms) this.#rooms.set(room, newRoom({ room, epoch, seq }));
      for (const pending of resume.pending) this.#pending.set(pending.key, newPending({ ...pending, data: pending.data ?? null }));
    }
  }

  /** Connects; or, while waiting, tries at once. */
  connect() {
    if (this.state === "connecting" || this.state === "open") return;
    this.#stopWaiting();
    const socket = new this.#WebSocket(this.#url.href, [SUBPROTOCOL]);
    this.#ended = null;
    for (const [target, type, handle] of this.#listeners) target?.addEventListener?.(type, handle);
    this.#socket = socket;
    this.#bye = null;
    this.#heard = moment();
    this.#status = 0;
    // A network that swallows packets would keep us "connecting" for minutes.
    this.#timers.open = setTimeout(() => this.#drop(), OPEN_TIMEOUT_MS);
    this.#failures += 1; // unless it opens
    socket.onopen = () => {
      this.#failures = -ASK_AFTER;
      this.#hello(this.#wanted.name, this.#wanted.secret);
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    // `onclose` follows. A browser does not tell a script what the handshake was answered with; the npm package ws does.
    socket.onerror = ({ message }) => (this.#status = Number(/^Unexpected server response: (\d{3})$/.exec(message)?.[1] ?? 0));
    socket.onclose = ({ code, reason }) => {
      const retryMs = this.#lost(code, reason);
      // Without a Close frame, and without a handshake: there is nobody, or nobody for this page.
      if (code === 1006 && this.#failures >= 0) this.#askWhy(code, performance.now() + retryMs);
    };
    this.#become("connecting");
  }

  /** Leaves for good: what has no answer yet, and whatever is asked later, fails with `closed`. */
  close() {
    this.#socket?.close(1000);
    this.#end(new ChatError("closed", "the connection was closed"), { code: 1000 });
  }

  /** What to give to a later `new Chat({ resume })`. @returns {Snapshot} */
  snapshot() {
    const rooms = [...this.#rooms.values()].map(({ room, epoch, seq }) => ({ room, epoch, seq }));
    const pending = [...this.#pending.values()].map(({ room, key, data, at, sentAs, sentAt }) => {
      return { room, key, data, at, sentAs, sentAt };
    });
    return { ...this.#wanted, rooms, pending };
  }

  /** The rooms that one is in, or will be once there is a connection. @returns {Room[]} */
  get rooms() {
    return [...this.#rooms.values()].map(({ room, epoch, seq, members, isJoined }) => ({ room, epoch, seq, members, isJoined }));
  }

  /** What has been published and is not answered, oldest first. @returns {Pending[]} */
  get pending() {
    return this.snapshot().pending;
  }

  /**
   * Goes into a room, and comes back to it after each loss of the connection.
   * @param {string} room
   * @param {object} [options]
   * @param {number} [options.history] - how many earlier messages to begin with
   * @param {number} [options.catchUp] - how many to ask for when what was missed cannot all be had; `history`, if not told
   * @param {{epoch: string, seq: number}} [options.since] - where one stood in a room that was left, to go on behind it
   * @returns {Promise<{room: string, epoch: string, seq: number, members: number}>} where the room stands
   */
  async join(room, { history = 0, catchUp = history, since } = {}) {
    if (this.#ended) throw this.#ended;
    toJson({ room, history, catchUp, since }); // or it would fail each time that it is sent
    const known = this.#rooms.get(room);
    if (known) Object.assign(known, { history, catchUp });
    else this.#rooms.set(room, newRoom({ room, epoch: since?.epoch, seq: since?.seq, history, catchUp }));
    if (!known) this.#tell("change", {});
    return new Promise((resolve, reject) => {
      const it = this.#rooms.get(room);
      if (it.isJoined) return resolve({ room, epoch: it.epoch, seq: it.seq, members: it.members });
      it.waiting.push({ resolve, reject });
      this.#joinNext();
    });
  }

  /**
   * Leaves a room.
   * @param {string} room
   */
  async leave(room) {
    const it = this.#rooms.get(room);
    if (!it) return;
    this.#forgetRoom(it);
    if (it.isAsked && this.state === "open") await this.#ask({ type: "leave", room });
  }

  /**
   * Publishes something, once, whatever becomes of the connection in the meantime.
   * @param {string} room - one that has been joined
   * @param {unknown} data - anything that JSON has; it is published as it is now, also if it changes afterwards
   * @param {object} [options]
   * @param {string} [options.key] - what it is known by until then; see `newKey`
   * @returns {Promise<{room: string, key: string, seq: number, at: number}>} its place
   */
  async publish(room, data, { key = this.newKey() } = {}) {
    if (typeof key !== "string") throw new ChatError("bad_request", "a key is a string");
    const pending = newPending({ room, key, data, at: Date.now(), sentAs: "", sentAt: 0 });
    const done = new Promise((resolve, reject) => Object.assign(pending, { resolve, reject }));
    const it = this.#rooms.get(room);
    if (this.#pending.has(key)) throw new ChatError("bad_request", "this key is waiting for its answer");
    this.#pending.set(key, pending);
    if (this.#ended) this.#refuse(pending, this.#ended);
    else if (!it) this.#refuse(pending, new ChatError("not_joined", "join the room first"));
    else if (this.#pending.size > PENDING_MAX) this.#refuse(pending, new ChatError("busy", "too much waits already"));
    else {
      pending.isReady = it.isCaughtUp;
      this.#tell("change", {});
      this.#pump();
    }
    return done;
  }

  /** A key that nobody else draws. */
  newKey() {
    this.#keys.count += 1;
    return `${this.#keys.prefix}-${this.#keys.count}`;
  }

  /**
   * Takes another name, now or with the next connection.
   * @param {string} name
   */
  async rename(name) {
    if (this.#ended) throw this.#ended;
    toJson({ name });
    if (this.state === "open") await this.#ask({ type: "rename", name });
    this.#wanted.name = name;
    this.#tell("change", {});
    if (this.state === "open") this.#called(name);
  }

  /**
   * A page of a room's messages, in order: the newest; or those `before` a number, or `after` one.
   * @param {string} room
   * @param {{before?: number, after?: number, limit?: number}} [which]
   * @returns {Promise<{epoch: string, messages: Message[], more: boolean}>}
   */
  history(room, { before, after, limit } = {}) {
    return this.#ask({ type: "history", room, before, after, limit });
  }

  /**
   * Who is in a room.
   * @param {string} room
   * @param {{after?: string, limit?: number}} [which] - `after` is the `next` of the page before
   * @returns {Promise<{count: number, names: string[], next?: string}>}
   */
  members(room, { after, limit } = {}) {
    return this.#ask({ type: "members", room, after, limit });
  }

  /**
   * Which rooms have somebody in them.
   * @param {{after?: string, limit?: number}} [which]
   * @returns {Promise<{rooms: {room: string, members: number}[], next?: string}>}
   */
  list({ after, limit } = {}) {
    return this.#ask({ type: "rooms", after, limit });
  }

  /**
   * Says something to one person, who must be there; it is not kept.
   * @param {string} to - their name
   * @param {unknown} data
   */
  async direct(to, data) {
    return this.#ask({ type: "direct", to }, toJson(data));
  }

  /** Asks for a sign of life. @returns {Promise<{at: number}>} */
  ping() {
    return this.#ask({ type: "ping" });
  }

  // Asking. -----------------------------------------------------------------------------

  #ask(request, data) {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.state !== "open") return Promise.reject(new ChatError("lost", "there is no connection"));
    return new Promise((resolve, reject) => this.#send(request, { resolve, reject }, data));
  }

  /**
   * Sends a request; `data` is JSON already. It is written before it is noted, so that a request without a JSON form
   * leaves nothing behind. `late` is called if there is no answer for a while.
   */
  #send(request, { resolve, reject, late = () => {} }, data) {
    const json = toJson({ ...request, id: this.#id + 1 });
    this.#id += 1;
    this.#requests.set(this.#id, { resolve, reject, late, sentAt: performance.now() });
    this.#socket.send(data === undefined ? json : `${json.slice(0, -1)},"data":${data}}`);
    this.#timers.answer ??= setTimeout(() => this.#lookForAnswers(), ANSWER_MS);
  }

  /** A network that has begun to swallow packets shows first in an answer that does not come. */
  #lookForAnswers() {
    const now = performance.now();
    const isLate = ({ sentAt }) => now - sentAt >= ANSWER_MS - 1; // clocks are rounded
    const requests = [...this.#requests.values()];
    const next = requests.find((request) => !isLate(request));
    const late = requests.filter(isLate);
    for (const request of late) {
      request.late();
      request.late = () => {};
    }
    const nextMs = next ? next.sentAt + ANSWER_MS - now : ANSWER_MS;
    this.#timers.answer = requests.length > 0 ? setTimeout(() => this.#lookForAnswers(), nextMs) : undefined;
    if (late.length > 0 && this.state === "open") this.#probe();
  }

  #hello(name, secret) {
    this.#send(
      { type: "hello", name: name || undefined, secret: (name && secret) || undefined, token: this.#token },
      {
        resolve: (welcome) => this.#welcome(welcome, name),
        reject: (error) => {
          if (!name || isEnd(error)) return;
          // Without a name one is a guest; that is better than nobody.
          this.#hello("", "");
          if (!isGuest(name)) this.#tell("name", { name: "", wanted: name, error });
        },
      },
    );
  }

  #welcome({ name, secret, ping_ms: pingMs, limits }, asked) {
    const wanted = this.#wanted.name;
    this.#wanted = { name: asked || isGuest(wanted) ? name : wanted || name, secret };
    this.limits = limits;
    this.#pingMs = pingMs;
    this.#busyUntil = 0;
    clearTimeout(this.#timers.open);
    this.#timers.stable = setTimeout(() => (this.#attempts = 0), STABLE_MS);
    this.#timers.ping = setTimeout(() => this.#lookAfter(), pingMs);
    this.#called(name);
    if (this.#wanted.name !== name) {
      // Our own dead connection may have the name. The server gives up on it after a ping and the time for its answer.
      const retry = () => this.rename(this.#wanted.name).catch(() => {});
      this.#timers.name = setTimeout(retry, pingMs + 1.5 * PONG_TIMEOUT_MS);
    }
    this.#become("open");
    this.#tell("change", {});
    this.#joinNext();
  }

  #called(name) {
    clearTimeout(this.#timers.name);
    this.name = name;
    this.#tell("name", { name });
  }

  /** Goes into those rooms that one is not in yet, a few at a time: a thousand at once would be taken for abuse. */
  #joinNext() {
    if (this.state !== "open" || this.#timers.join) return;
    const rooms = [...this.#rooms.values()];
    const places = JOINS_MAX - rooms.filter(({ isAsked, isJoined }) => isAsked && !isJoined).length;
    rooms.filter(({ isAsked }) => !isAsked).slice(0, Math.max(0, places)).forEach((it) => this.#sendJoin(it));
  }

  #sendJoin(it) {
    const since = it.epoch ? { epoch: it.epoch, seq: it.seq } : undefined;
    const history = since ? it.catchUp : it.history;
    it.isAsked = true;
    this.#send(
      { type: "join", room: it.room, since, history: history || undefined },
      {
        resolve: (joined) => this.#joined(it, joined),
        reject: (error) => {
          if (isEnd(error) || this.#rooms.get(it.room) !== it) return;
          // A room without a place may stay so for long: whether to wait is for a person to say.
          if (error.retryMs === undefined || error.code === "denied") this.#forgetRoom(it, error);
          else {
            it.isAsked = false;
            this.#timers.join ??= setTimeout(() => {
              this.#timers.join = undefined;
              this.#joinNext();
            }, error.retryMs * JOINS_MAX);
          }
          this.#joinNext();
        },
      },
    );
  }

  #joined(it, joined) {
    if (this.#rooms.get(it.room) !== it) return;
    const { epoch, seq, from, count, members, resumed, reason } = joined;
    const before = { epoch: it.epoch, seq: it.seq };
    if (it.epoch && it.epoch !== epoch) {
      // What was told in the room's life before, and is published anew since its answer was lost, was told.
      it.told = new Set(it.seen);
      it.seen.clear();
    }
    Object.assign(it, { epoch, seq: from - 1, members, isJoined: true, caughtUpAt: from - 1 + count });
    it.hasLooked = Boolean(before.epoch) && reason !== "trimmed";
    this.#tell("joined", joined);
    if (resumed === false) {
      const missed = reason === "trimmed" ? before.seq + 1 : 1;
      this.#tell("gap", { room: it.room, epoch, from: missed, to: from - 1, reason });
    }
    it.waiting.splice(0).forEach(({ resolve }) => resolve(joined));
    this.#tell("change", {});
    this.#catchUp(it);
    this.#joinNext();
  }

  #forgetRoom(it, error) {
    this.#rooms.delete(it.room);
    const left = error ?? new ChatError("not_joined", "the room was left");
    for (const pending of this.#pending.values()) if (pending.room === it.room) this.#refuse(pending, left);
    it.waiting.splice(0).forEach(({ reject }) => reject(left));
    this.#tell("left", { room: it.room, epoch: it.epoch, seq: it.seq, error });
    this.#tell("change", {});
  }

  // Hearing. ------------------------------------------------------------------------------

  #hear(said) {
    this.#heard = moment();
    const request = this.#requests.get(said.id);
    if (request) {
      this.#requests.delete(said.id);
      if (said.type === "error") request.reject(new ChatError(said.code, said.reason, said.retry_ms));
      else request.resolve(said);
      return;
    }
    if (said.type === "direct") return this.#tell("direct", said);
    if (said.type === "bye") return void (this.#bye = said);
    const it = this.#rooms.get(said.room);
    if (!it?.isJoined) return;
    if (said.type === "message") this.#message(it, said);
    if (said.type === "presence") {
      it.members = said.members;
      this.#tell("presence", said);
    }
    if (said.type === "gap") {
      it.seq = said.to;
      it.hasLooked &&= it.isCaughtUp;
      this.#tell("gap", said);
      this.#catchUp(it);
    }
  }

  #message(it, message) {
    const { seq, name, key } = message;
    if (seq <= it.seq) return;
    this.#reach(it, seq);
    const pending = this.#pending.get(key);
    // It arrived before the connection was lost, and only its answer did not.
    const own = pending?.room === it.room && pending.sentAs === name;
    if (own) this.#settle(pending, message);
    else {
      const mark = key && `${key} ${name}`;
      if (mark) it.seen.add(mark);
      if (it.seen.size > SEEN_MAX) it.seen.delete(it.seen.values().next().value);
      if (!it.told.has(mark)) this.#tell("message", message);
    }
    this.#catchUp(it);
  }

  /** A number of the room's stream has come. The server leaves none out; if one is, that is not silent either. */
  #reach(it, seq) {
    if (seq > it.seq + 1) this.#tell("gap", { room: it.room, epoch: it.epoch, from: it.seq + 1, to: seq - 1, reason: "unexplained" });
    it.seq = Math.max(it.seq, seq);
  }

  // Publishing. -----------------------------------------------------------------------------

  /** Once all is there that was missed, it is known what must be sent again. */
  #catchUp(it) {
    if (it.isCaughtUp || it.seq < it.caughtUpAt) return;
    it.isCaughtUp = true;
    for (const pending of this.#pending.values()) {
      if (pending.room !== it.room) continue;
      // In another life of the room, or where all that was said since was seen, it is not there.
      const isNot = pending.sentAs === "" || it.hasLooked;
      const isKnown = pending.sentAs === this.name && isKeyKnown(pending);
      if (isNot || isKnown) pending.isReady = true;
      else this.#refuse(pending, new ChatError("unknown", "it may or may not have been published"));
    }
    this.#pump();
  }

  /** Sends what is ready, in order, and as fast as the server takes it. */
  #pump() {
    clearTimeout(this.#timers.pump);
    if (this.state !== "open") return;
    for (const pending of this.#pending.values()) {
      if (!pending.isReady) continue;
      if (pending.bytes > this.limits.message_bytes) {
        this.#refuse(pending, new ChatError("too_big", `a message has at most ${this.limits.message_bytes} bytes`));
        continue;
      }
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#timers.pump = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#sendPending(pending);
    }
  }

  /** Takes leave to publish one message, or tells how long there is none. As src/chat/rate.rs counts it. */
  #waitMs() {
    if (this.limits.publish_per_second === 0) return 0;
    const now = performance.now();
    const { interval, capacity } = this.#pace();
    const freeAt = Math.max(this.#busyUntil, now) + interval - capacity;
    if (freeAt > now) return Math.ceil(freeAt - now);
    this.#busyUntil = freeAt + capacity;
    return 0;
  }

  /** In milliseconds. Two fewer at once than allowed: a network may hold some back and bring them together. */
  #pace() {
    const { publish_per_second: rate, burst } = this.limits;
    const interval = 1000 / rate;
    return { interval, capacity: interval * Math.max(1, burst - 2) };
  }

  #sendPending(pending) {
    const { room, key, data, json } = pending;
    const sent = moment();
    Object.assign(pending, { isReady: false, sentAs: this.name, sentAt: sent.at, sent });
    this.#send(
      { type: "publish", room, key },
      {
        late: () => this.#pending.get(key) === pending && this.#tell("unanswered", { room, key, data }),
        resolve: (ok) => {
          const it = this.#rooms.get(room);
          // The answer to a repeat has the old number, and no place of its own.
          if (it && !ok.duplicate) this.#reach(it, ok.seq);
          if (this.#pending.get(key) === pending) this.#settle(pending, ok);
        },
        reject: (error) => {
          if (isEnd(error) || this.#pending.get(key) !== pending) return;
          if (error.code !== "rate_limited") return this.#refuse(pending, error);
          const { interval, capacity } = this.#pace();
          this.#busyUntil = performance.now() + error.retryMs + capacity - interval;
          pending.isReady = true;
          this.#pump();
        },
      },
      json,
    );
    this.#tell("change", {});
  }

  #settle(pending, { seq, at }) {
    const { room, key, data } = pending;
    this.#pending.delete(key);
    this.#tell("settled", { room, key, data, seq, at });
    this.#tell("change", {});
    pending.resolve({ room, key, seq, at });
  }

  #refuse(pending, error) {
    const { room, key, data } = pending;
    this.#pending.delete(key);
    this.#tell("refused", { room, key, data, error });
    this.#tell("change", {});
    pending.reject(error);
  }

  // The connection. ---------------------------------------------------------------------------

  /** Something has changed that the connection may not know of: the network, or whether somebody looks. */
  #lookNow() {
    if (this.state === "waiting") this.connect();
    else if (this.state === "open") this.#probe();
  }

  /** The server's Pings are not for us to see. When it is silent we ask it for a word, or would not learn of its loss. */
  #lookAfter() {
    const silentMs = elapsedMs(this.#heard);
    if (silentMs >= this.#pingMs) this.#probe();
    else this.#timers.ping = setTimeout(() => this.#lookAfter(), this.#pingMs - silentMs);
  }

  /** Asks for a word, and gives up on a connection that has none in time. One such question at a time. */
  #probe() {
    if (this.#timers.pong) return;
    clearTimeout(this.#timers.ping);
    this.#timers.pong = setTimeout(() => this.#drop(), PONG_TIMEOUT_MS);
    const isAlive = () => {
      clearTimeout(this.#timers.pong);
      this.#timers.pong = undefined;
      this.#timers.ping = setTimeout(() => this.#lookAfter(), this.#pingMs);
    };
    // To be told that this is too much is a word too.
    this.ping().then(isAlive, (error) => isEnd(error) || isAlive());
  }

  /** Gives up on a connection that does not answer, without waiting for its closing handshake. */
  #drop() {
    this.#socket.close();
    this.#lost(1006);
  }

  /** Returns in how many milliseconds it is tried again. */
  #lost(code, said = "") {
    const bye = this.#bye;
    const reason = bye?.reason ?? (said || undefined);
    if (FINAL_CODES.has(code) || bye?.reconnect === false) {
      this.#end(new ChatError("closed", `the server ended the connection with ${code}${reason ? `: ${reason}` : ""}`), { code, reason });
      return;
    }
    this.#leaveSocket(new ChatError("lost", "the connection was lost"));
    // Full jitter: thousands who lost the same server come back spread out, not in step. The server's own are drawn for each.
    const retryMs = bye?.retry_ms ?? Math.random() * Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timers.retry = setTimeout(() => this.connect(), retryMs);
    this.#become("waiting", { code, reason, retryAt: Date.now() + retryMs, retryMs });
    return retryMs;
  }

  /** There is no connection now; what was asked on it fails with this. */
  #leaveSocket(error) {
    this.#stopWaiting();
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    for (const it of this.#rooms.values()) Object.assign(it, { isJoined: false, isAsked: false, isCaughtUp: false });
    for (const pending of this.#pending.values()) pending.isReady = false;
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    requests.forEach(({ reject }) => reject(error));
  }

  /** It is over until `connect` is called: nobody waits for what will not come. The rooms are remembered for that. */
  #end(error, detail) {
    this.#ended = error;
    this.#leaveSocket(error);
    for (const [target, type, handle] of this.#listeners) target?.removeEventListener?.(type, handle);
    if (this.state !== "closed") this.#become("closed", detail);
    for (const pending of [...this.#pending.values()]) this.#refuse(pending, error);
    for (const it of this.#rooms.values()) it.waiting.splice(0).forEach(({ reject }) => reject(error));
  }

  /**
   * A socket could not be opened at all, and no script is told why. Over HTTP the server says it: the same address answers a
   * page that it refuses with the reason, and others with 426. With a POST the browser always says which page it is.
   */
  async #askWhy(code, retryAt) {
    if (this.state !== "waiting" || !globalThis.fetch) return;
    const url = new URL(this.#url);
    url.protocol = url.protocol.replace(/^ws/, "http");
    const attempt = (this.#attempt = new AbortController());
    this.#timers.why = setTimeout(() => attempt.abort(), OPEN_TIMEOUT_MS);
    let status = this.#status;
    let reason = "";
    try {
      const response = await fetch(url, { method: "POST", cache: "no-store", signal: attempt.signal });
      const isText = response.headers.get("Content-Type")?.startsWith("text/plain");
      const body = isText ? (await response.text()).trim().slice(0, REASON_CHARS_MAX) : "";
      // What the handshake itself was answered with says more than what somebody else is told.
      if (!status || status === response.status) [status, reason] = [response.status, body];
    } catch {
      // There is nobody, or nobody who talks to this page.
    }
    if (this.#attempt !== attempt) return;
    if (REFUSALS.has(status)) {
      const why = reason || `the server refuses this connection, with status ${status}`;
      this.#end(new ChatError("refused", why), { code, status, reason: why });
    } else if (status === 426 && this.#failures !== 1) {
      // Once may be chance, where the server has just come back.
      const retryMs = Math.max(0, retryAt - performance.now());
      const why = "the server answers, but no WebSocket gets through: a proxy on the way may not pass Upgrade on";
      this.#become("waiting", { code, status, reason: why, retryAt: Date.now() + retryMs, retryMs });
    }
  }

  #stopWaiting() {
    Object.values(this.#timers).forEach(clearTimeout);
    this.#timers = {};
    this.#attempt?.abort();
    this.#attempt = null;
  }

  #become(state, detail = {}) {
    this.state = state;
    this.#tell("state", { state, ...detail });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function newRoom({ room, epoch = "", seq = 0, history = 0, catchUp = history }) {
  const now = { members: 0, isAsked: false, isJoined: false, isCaughtUp: false, hasLooked: false, caughtUpAt: 0 };
  return { room, epoch, seq, history, catchUp, ...now, waiting: [], seen: new Set(), told: new Set() };
}

/** It has its JSON from the beginning: what is sent is what was given, and what has no JSON is refused before it waits. */
function newPending(pending) {
  const json = toJson(pending.data);
  const data = typeof pending.data === "string" ? pending.data : JSON.parse(json);
  return { ...pending, data, json, bytes: bytesOf(data, json), isReady: false, resolve: () => {}, reject: () => {} };
}

/** As JSON. Some values have none, such as a BigInt, a function, or an object that is a part of itself. */
function toJson(value) {
  let json;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new ChatError("bad_request", `this cannot be written as JSON: ${error?.message}`);
  }
  if (json === undefined) throw new ChatError("bad_request", `there is no JSON for a value of type ${typeof value}`);
  return json;
}

/** How many bytes a message of this data has, as `limits.message_bytes` counts them: as JSON in UTF-8, without a string's quotes. */
export function messageBytes(data) {
  return bytesOf(data, toJson(data));
}

function bytesOf(data, json) {
  return new TextEncoder().encode(json).length - (typeof data === "string" ? 2 : 0);
}

/** Where the chat is: `/ws` of the server that this module comes from, if not told otherwise. */
function endpoint(url) {
  try {
    const address = new URL(url ?? "/ws", import.meta.url);
    address.protocol = address.protocol.replace(/^http/, "ws");
    if (/^wss?:$/.test(address.protocol)) return address;
  } catch {
    // It is no address at all, or a relative one in a module that comes from no server.
  }
  throw new TypeError('there is no address of a chat: pass it, such as new Chat({ url: "https://chat.example/ws" })');
}

/** A moment, on both clocks: the steady one, and the calendar. */
function moment() {
  return { tick: performance.now(), at: Date.now() };
}

/** How long ago a moment was. A clock that stood still, or was set back, shows too little: the longer of both is right. */
function elapsedMs({ tick, at }) {
  return Math.max(performance.now() - tick, Date.now() - at);
}

/** Whether the server still knows the key. Of a program before this one, only the calendar tells when it sent it. */
function isKeyKnown({ sent, sentAt }) {
  const ageMs = sent ? elapsedMs(sent) : Date.now() - sentAt;
  return ageMs >= 0 && ageMs < KEY_WINDOW_MS;
}

/** Whether a request failed with its connection. */
function isEnd({ code }) {
  return code === "lost" || code === "closed" || code === "refused";
}

/** Names that only the server gives. */
function isGuest(name) {
  return /^guest-\d+$/i.test(name);
}

function random() {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36).padStart(2, "0")).join("");
}
