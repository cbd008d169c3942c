// The chat protocol over one WebSocket, for pages and programs. docs/javascript.md explains its use.
//
//     connecting --welcome--> open --lost--> waiting --timer, connect(), "online"--> connecting
//                              |
//                              +--close(), or the server says not to come back--> closed --connect()--> connecting
//
// It comes back by itself: under its name, into its rooms, after the last message that it has given out. What was
// published and not answered is looked for in what it missed, and sent again under its key if it is not there. So
// everything is told once, or `gap` tells that it cannot be.
//
// Of a room, `seq` is the last message that was given out; until `caughtUpAt` has come, nothing is published there.

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
const KEY_WINDOW_MS = 5 * 60_000; // the server knows a key for so long at least
const PENDING_MAX = 1000;
const JOINS_MAX = 8; // at once
const SEEN_MAX = 500; // messages with keys, for each room

/** Close codes after which coming back makes no sense, or is for a person to decide. */
const FINAL_CODES = new Set([1000, 1002, 1003, 1007, 1009, 4001, 4003, 4004, 4005]);

/** Something was not done. */
export class ChatError extends Error {
  /**
   * @param {string} code - one of the protocol's error codes; or `lost`: the connection ended before the answer; or
   *   `unknown`: nobody can tell any more whether it was published
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
 *     state     {state, code, reason, retryAt}     connecting, open, waiting or closed
 *     name      {name, wanted?, error?}            what one is called now, and why not as wanted
 *     joined    {room, epoch, seq, from, count, members, resumed?}
 *     left      {room, error?}                     one is not in that room any more, and will not be by itself
 *     message   a Message                          in the order of its room, each once; not those of `publish`
 *     settled   {room, key, data, seq, at}         something published has its place; in that place
 *     refused   {room, key, data, error}           something published will not be
 *     gap       {room, epoch, from, to, reason}    these messages will not come
 *     presence  {room, members, joined?, left?}
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
  #heardAt = 0;
  #pingMs = PING_MS;
  #timers = {};
  #busyUntil = 0; // when as much may be published at once as ever
  #keys = { prefix: random(), count: 0 };

  /**
   * @param {object} [options]
   * @param {string | URL} [options.url] - the chat's endpoint; `/ws` where this module comes from, if not told
   * @param {string} [options.name] - what to be called; a guest, if not told
   * @param {string} [options.token] - for a server that wants to know who one is
   * @param {Snapshot} [options.resume] - who to be again, and where
   * @param {typeof WebSocket} [options.WebSocket] - for programs that have none, such as older versions of Node
   */
  constructor({ url, name = "", token, resume, WebSocket = globalThis.WebSocket } = {}) {
    super();
    this.#url = new URL(url ?? "/ws", import.meta.url);
    this.#url.protocol = this.#url.protocol.replace(/^http/, "ws");
    this.#WebSocket = WebSocket;
    this.#token = token;
    this.#wanted.name = name;
    if (resume) {
      Object.assign(this.#wanted, { name: resume.name, secret: resume.secret });
      for (const { room, epoch, seq } of resume.rooms) this.#rooms.set(room, newRoom({ room, epoch, seq }));
      for (const pending of resume.pending) this.#pending.set(pending.key, newPending(pending));
    }
    globalThis.addEventListener?.("online", () => this.#lookNow());
    globalThis.document?.addEventListener("visibilitychange", () => {
      // A hidden page's timers are slowed down; whoever looks again should not wait for them.
      if (document.visibilityState === "visible") this.#lookNow();
    });
  }

  /** Connects; or, while waiting, tries at once. */
  connect() {
    if (this.state === "connecting" || this.state === "open") return;
    this.#stopTimers();
    const socket = new this.#WebSocket(this.#url.href, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#bye = null;
    this.#heardAt = Date.now();
    // A network that swallows packets would keep us "connecting" for minutes.
    this.#timers.open = setTimeout(() => this.#drop(), OPEN_TIMEOUT_MS);
    socket.onopen = () => this.#hello(this.#wanted.name, this.#wanted.secret);
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onerror = () => {}; // `onclose` follows
    socket.onclose = ({ code }) => this.#lost(code);
    this.#become("connecting");
  }

  /** Leaves for good. */
  close() {
    this.#socket?.close(1000);
    if (this.state !== "closed") this.#lost(1000);
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
   * @returns {Promise<{room: string, epoch: string, seq: number, members: number}>} where the room stands
   */
  join(room, { history = 0, catchUp = history } = {}) {
    const known = this.#rooms.get(room);
    if (known) Object.assign(known, { history, catchUp });
    else this.#rooms.set(room, newRoom({ room, history, catchUp }));
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
   * @param {unknown} data - anything that JSON has
   * @param {object} [options]
   * @param {string} [options.key] - what it is known by until then; see `newKey`
   * @returns {Promise<{room: string, key: string, seq: number, at: number}>} its place
   */
  publish(room, data, { key = this.newKey() } = {}) {
    const pending = newPending({ room, key, data, at: Date.now(), sentAs: "", sentAt: 0 });
    const done = new Promise((resolve, reject) => Object.assign(pending, { resolve, reject }));
    const it = this.#rooms.get(room);
    if (this.#pending.has(key)) {
      pending.reject(new ChatError("bad_request", "this key is waiting for its answer"));
      return done;
    }
    this.#pending.set(key, pending);
    if (!it) this.#refuse(pending, new ChatError("not_joined", "join the room first"));
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
  direct(to, data) {
    return this.#ask({ type: "direct", to, data });
  }

  /** Asks for a sign of life. @returns {Promise<{at: number}>} */
  ping() {
    return this.#ask({ type: "ping" });
  }

  // Asking. -----------------------------------------------------------------------------

  #ask(request) {
    if (this.state !== "open") return Promise.reject(new ChatError("lost", "there is no connection"));
    return new Promise((resolve, reject) => this.#send(request, { resolve, reject }));
  }

  #send(request, { resolve, reject }) {
    this.#id += 1;
    this.#requests.set(this.#id, { resolve, reject });
    this.#socket.send(JSON.stringify({ ...request, id: this.#id }));
  }

  #hello(name, secret) {
    this.#send(
      { type: "hello", name: name || undefined, secret: (name && secret) || undefined, token: this.#token },
      {
        resolve: (welcome) => this.#welcome(welcome, name),
        reject: (error) => {
          if (!name || error.code === "lost") return;
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
          if (error.code === "lost" || this.#rooms.get(it.room) !== it) return;
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
    this.#tell("left", { room: it.room, error });
    this.#tell("change", {});
  }

  // Hearing. ------------------------------------------------------------------------------

  #hear(said) {
    this.#heardAt = Date.now();
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
      const isKnown = pending.sentAs === this.name && Date.now() - pending.sentAt < KEY_WINDOW_MS;
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
      const json = JSON.stringify(pending.data) ?? "null";
      const bytes = new TextEncoder().encode(json).length - (typeof pending.data === "string" ? 2 : 0);
      if (bytes > this.limits.message_bytes) {
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
    const now = Date.now();
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
    const { room, key, data } = pending;
    Object.assign(pending, { isReady: false, sentAs: this.name, sentAt: Date.now() });
    this.#send(
      { type: "publish", room, key, data },
      {
        resolve: (ok) => {
          const it = this.#rooms.get(room);
          // The answer to a repeat has the old number, and no place of its own.
          if (it && !ok.duplicate) this.#reach(it, ok.seq);
          if (this.#pending.get(key) === pending) this.#settle(pending, ok);
        },
        reject: (error) => {
          if (error.code === "lost" || this.#pending.get(key) !== pending) return;
          if (error.code !== "rate_limited") return this.#refuse(pending, error);
          const { interval, capacity } = this.#pace();
          this.#busyUntil = Date.now() + error.retryMs + capacity - interval;
          pending.isReady = true;
          this.#pump();
        },
      },
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
    const silentMs = Date.now() - this.#heardAt;
    if (silentMs >= this.#pingMs) this.#probe();
    else this.#timers.ping = setTimeout(() => this.#lookAfter(), this.#pingMs - silentMs);
  }

  #probe() {
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.pong);
    this.#timers.pong = setTimeout(() => this.#drop(), PONG_TIMEOUT_MS);
    this.ping().then(
      () => {
        clearTimeout(this.#timers.pong);
        this.#timers.ping = setTimeout(() => this.#lookAfter(), this.#pingMs);
      },
      () => {},
    );
  }

  /** Gives up on a connection that does not answer, without waiting for its closing handshake. */
  #drop() {
    this.#socket.close();
    this.#lost(1006);
  }

  #lost(code) {
    const bye = this.#bye;
    this.#stopTimers();
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = null;
    for (const it of this.#rooms.values()) Object.assign(it, { isJoined: false, isAsked: false, isCaughtUp: false });
    for (const pending of this.#pending.values()) pending.isReady = false;
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    const error = new ChatError("lost", "the connection was lost");
    requests.forEach(({ reject }) => reject(error));
    if (FINAL_CODES.has(code) || bye?.reconnect === false) {
      this.#become("closed", { code, reason: bye?.reason });
      return;
    }
    // Full jitter: thousands who lost the same server come back spread out, not in step. The server's own are drawn for each.
    const delayMs = bye?.retry_ms ?? Math.random() * Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timers.retry = setTimeout(() => this.connect(), delayMs);
    this.#become("waiting", { code, reason: bye?.reason, retryAt: Date.now() + delayMs });
  }

  #stopTimers() {
    Object.values(this.#timers).forEach(clearTimeout);
    this.#timers = {};
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

function newPending(pending) {
  return { ...pending, isReady: false, resolve: () => {}, reject: () => {} };
}

/** Names that only the server gives. */
function isGuest(name) {
  return /^guest-\d+$/i.test(name);
}

function random() {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36).padStart(2, "0")).join("");
}
