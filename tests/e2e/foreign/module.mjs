#!/usr/bin/env node
// The module /chinwag.js in Node, as the server gives it out, on the npm package `ws`: against the real server, through a
// cable that is cut, and against a server that says exactly what the check wants.
//
//     module.mjs --http 127.0.0.1:2021
//
// The checks with `restart` in their names print READY and wait for an answer, as browser.mjs does.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { Cable } from "./cable.mjs";
import { commandLine, nodeDir, run, soon, tool, unique } from "./common.mjs";

const WebSocket = tool("ws");
const args = commandLine("module.mjs --http HOST:PORT [--only WORDS]");

// Node 18 has these, and does not show them.
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, { detail }) {
    super(type);
    this.detail = detail;
  }
};

const source = await (await fetch(`http://${args.http}/chinwag.js`)).text();
const module = `data:text/javascript,${encodeURIComponent(source)}`;
const { Chat, ChatError } = await import(module);
// No delay before a try: these checks are about what comes after it. The delays themselves are seen on the page.
Math.random = () => 0;

const EVENTS = ["state", "name", "joined", "left", "message", "settled", "refused", "unanswered", "gap", "presence", "direct"];

/** A chat that notes everything it is told, and lets a check wait for it. */
class Ear {
  heard = [];
  #waiting = null;

  constructor(options = {}) {
    this.chat = new Chat({ url: `ws://${args.http}/ws`, WebSocket, ...options });
    for (const type of EVENTS) {
      this.chat.addEventListener(type, ({ detail }) => {
        this.heard.push({ type, ...detail });
        this.#waiting?.();
      });
    }
  }

  async wait(what, wanted) {
    const look = async () => {
      for (;;) {
        const found = this.heard.find(wanted);
        if (found) return found;
        await new Promise((resolve) => (this.#waiting = resolve));
      }
    };
    return soon(look(), `${what}; heard ${JSON.stringify(this.heard.slice(-8))}`);
  }

  open() {
    this.chat.connect();
    return this.wait("the connection", ({ type, state }) => type === "state" && state === "open");
  }

  /** Until the state is this one, after it has been another. */
  state(wanted) {
    this.heard = this.heard.filter(({ type }) => type !== "state");
    return this.wait(`the state ${wanted}`, ({ type, state }) => type === "state" && state === wanted);
  }

  message(data) {
    return this.wait(`the message ${data}`, (it) => it.type === "message" && it.data === data);
  }

  /** What has been said to it, in order, by itself and by others. */
  said(room) {
    return this.heard.filter((it) => it.type === "message" && it.room === room).map(({ data }) => data);
  }
}

const open = [];

async function member(options) {
  const ear = new Ear(options);
  open.push(ear);
  await ear.open();
  return ear;
}

/** Runs a check with members that are gone afterwards. */
async function among(use) {
  try {
    await use();
  } finally {
    for (const { chat } of open.splice(0)) chat.close();
  }
}

/** A server that is told what to say: `answer` gets each request and the socket, and returns objects to send. */
async function scripted(answer) {
  const server = new WebSocket.Server({ port: 0, host: "127.0.0.1", handleProtocols: () => "chinwag.v1.json" });
  await once(server, "listening");
  const sockets = [];
  const heard = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => {
      const request = JSON.parse(data);
      heard.push(request);
      for (const reply of answer(request, sockets.length) ?? []) socket.send(JSON.stringify(reply));
    });
  });
  const close = () => {
    sockets.forEach((socket) => socket.terminate());
    server.close();
  };
  return { url: `ws://127.0.0.1:${server.address().port}/ws`, sockets, heard, close };
}

const LIMITS = { message_bytes: 4096, publish_per_second: 10, burst: 20, rooms: 32, history: 100 };
const welcome = ({ id, name = "guest-1" }, more) => {
  return { type: "welcome", id, version: 1, connection: "c1", name, secret: "s", ack: "memory", ping_ms: 25000, limits: LIMITS, ...more };
};
const joined = ({ id, room }, more) => ({ type: "joined", id, room, epoch: "e", seq: 0, from: 1, count: 0, members: 1, ...more });

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ready(what) {
  console.log(`READY ${what}`);
  const { done } = await answers.next();
  if (done) throw new Error(`standard input ended at "READY ${what}"`);
}

const checks = [
  async function whatIsPublishedIsHeardAndHasItsPlace() {
    const room = unique("den");
    const [ann, bob] = [await member({ name: unique("ann") }), await member({ name: unique("bob") })];
    await ann.chat.join(room);
    await bob.chat.join(room);
    const { seq, key } = await ann.chat.publish(room, "hi");
    assert.equal(seq, 1);
    const heard = await bob.message("hi");
    assert.deepEqual([heard.name, heard.seq, heard.key], [ann.chat.name, 1, key]);
    assert.equal((await bob.chat.publish(room, { build: 7 })).seq, 2);
    assert.deepEqual((await ann.wait("the object", ({ type, seq }) => type === "message" && seq === 2)).data, { build: 7 });
    const { epoch } = ann.heard.find(({ type }) => type === "joined");
    assert.deepEqual(ann.chat.rooms, [{ room, epoch, seq: 2, members: 2, isJoined: true }]);
    assert.deepEqual(ann.said(room).length, 1, "one's own do not come back");
  },

  async function allTheRequests() {
    const room = unique("den");
    const [ann, bob] = [await member(), await member()];
    await ann.chat.join(room);
    await bob.chat.join(room);
    for (const data of ["one", "two", "three"]) await ann.chat.publish(room, data);
    const { messages, more } = await ann.chat.history(room, { before: 3, limit: 1 });
    assert.deepEqual([messages.map(({ data }) => data), more], [["two"], true]);
    assert.deepEqual((await ann.chat.history(room, { after: 1 })).messages.map(({ data }) => data), ["two", "three"]);
    const name = unique("cyn");
    const oldName = bob.chat.name;
    await bob.chat.rename(name);
    const presence = await ann.wait("the new name", ({ type, renamed }) => type === "presence" && renamed);
    assert.deepEqual(presence.renamed.at(-1), { from: oldName, to: name });
    assert.equal(bob.chat.name, name);
    assert.deepEqual((await ann.chat.members(room)).names.sort(), [ann.chat.name, name].sort());
    assert.ok((await ann.chat.list()).rooms.some((it) => it.room === room && it.members === 2));
    await ann.chat.direct(name, "psst");
    assert.equal((await bob.wait("the word", ({ type }) => type === "direct")).data, "psst");
    assert.ok((await ann.chat.ping()).at > 0);
    await ann.chat.leave(room);
    assert.deepEqual(ann.chat.rooms, []);
    await assert.rejects(ann.chat.publish(room, "?"), { code: "not_joined" });
    await assert.rejects(ann.chat.join("no room"), { code: "bad_room" });
    await assert.rejects(ann.chat.direct(unique("nobody"), "?"), { code: "no_such_name" });
    await assert.rejects(ann.chat.rename(" "), ChatError);
    await ann.chat.join(room, { history: 2 });
    await ann.message("three");
    assert.deepEqual(ann.said(room), ["two", "three"]);
  },

  async function aCutIsMendedWithoutHolesOrRepeats() {
    const cable = await Cable.to(args.http);
    const room = unique("den");
    const name = unique("ann");
    const bob = await member({ name: unique("bob") });
    const ann = await member({ name, url: `ws://${cable.address}/ws` });
    await bob.chat.join(room);
    await ann.chat.join(room);
    await bob.chat.publish(room, "before");
    await ann.message("before");
    cable.cut();
    await ann.state("waiting");
    await bob.chat.publish(room, "meanwhile");
    const queued = ann.chat.publish(room, "from the tunnel");
    cable.mend();
    await ann.state("open");
    assert.equal(ann.chat.name, name, "the server did not know that the connection was dead");
    await queued;
    await bob.message("from the tunnel");
    assert.deepEqual(ann.said(room), ["before", "meanwhile"]);
    assert.equal(ann.heard.filter(({ type }) => type === "gap").length, 0);
    assert.deepEqual(ann.heard.filter(({ type }) => type === "joined").map(({ resumed }) => resumed), [undefined, true]);
    cable.close();
  },

  async function anAnswerThatIsLostIsFoundInWhatWasMissed() {
    const cable = await Cable.to(args.http);
    const room = unique("den");
    const bob = await member({ name: unique("bob") });
    const ann = await member({ name: unique("ann"), url: `ws://${cable.address}/ws` });
    await bob.chat.join(room);
    await ann.chat.join(room);
    cable.swallow("down");
    const published = ann.chat.publish(room, "did you get this?");
    await bob.message("did you get this?");
    cable.cut();
    cable.mend();
    const { seq } = await published;
    assert.equal(seq, 1);
    assert.equal((await bob.chat.publish(room, "yes")).seq, 2, "it was published once");
    await ann.message("yes");
    assert.deepEqual(ann.said(room), ["yes"]);
    assert.deepEqual(bob.said(room), ["did you get this?"]);
    cable.close();
  },

  async function aRequestThatIsLostIsSentAgain() {
    const cable = await Cable.to(args.http);
    const room = unique("den");
    const bob = await member({ name: unique("bob") });
    const ann = await member({ name: unique("ann"), url: `ws://${cable.address}/ws` });
    await bob.chat.join(room);
    await ann.chat.join(room);
    cable.swallow("up");
    const published = Promise.all(["one", "two", "three"].map((data) => ann.chat.publish(room, data)));
    cable.cut();
    cable.mend();
    assert.deepEqual((await published).map(({ seq }) => seq), [1, 2, 3]);
    await bob.message("three");
    assert.deepEqual(bob.said(room), ["one", "two", "three"]);
    cable.close();
  },

  async function aSnapshotIsTheSamePersonLater() {
    const room = unique("den");
    const name = unique("ann");
    const bob = await member({ name: unique("bob") });
    const ann = await member({ name });
    await bob.chat.join(room);
    await ann.chat.join(room);
    await bob.chat.publish(room, "one");
    await ann.message("one");
    const snapshot = JSON.parse(JSON.stringify(ann.chat.snapshot()));
    snapshot.pending.push({ room, key: "a-1", data: "unsent", at: 1, sentAs: "", sentAt: 0 });
    await bob.chat.publish(room, "two");
    // The first has not even gone: the second takes its name, and the first is told not to come back.
    const second = await member({ resume: snapshot });
    assert.equal(second.chat.name, name);
    const closed = await ann.wait("its end", ({ type, state }) => type === "state" && state === "closed");
    assert.equal(closed.code, 4005);
    await bob.message("unsent");
    assert.deepEqual(second.said(room), ["two"]);
    assert.equal(second.chat.pending.length, 0);
  },

  async function aTakenNameMakesAGuest() {
    const name = unique("ann");
    await member({ name });
    const other = await member({ name });
    assert.match(other.chat.name, /^guest-\d+$/);
    const told = await other.wait("why", ({ type, wanted }) => type === "name" && wanted === name);
    assert.equal(told.error.code, "name_taken");
  },

  async function whatIsTooBigIsNotSentAndWhatIsRefusedIsTold() {
    const room = unique("den");
    const ann = await member();
    await ann.chat.join(room);
    await ann.chat.publish(room, "x".repeat(4096));
    await assert.rejects(ann.chat.publish(room, "x".repeat(4097)), { code: "too_big" });
    await assert.rejects(ann.chat.publish(room, "é".repeat(2049)), { code: "too_big" });
    await ann.chat.publish(room, "one", { key: "mine" });
    await assert.rejects(ann.chat.publish(room, "two", { key: "mine" }), { code: "bad_request" });
    const [first, second] = await Promise.allSettled([1, 1].map((data) => ann.chat.publish(room, data, { key: "twice" })));
    assert.equal(first.status, "fulfilled");
    assert.equal(second.reason.code, "bad_request");
    const refused = ann.heard.filter(({ type }) => type === "refused");
    assert.deepEqual(refused.map(({ error }) => error.code), ["too_big", "too_big", "bad_request"]);
  },

  async function aFloodIsPacedAndStaysInOrder() {
    const room = unique("den");
    const ann = await member();
    await ann.chat.join(room);
    const places = await Promise.all(Array.from({ length: 30 }, (_, n) => ann.chat.publish(room, n)));
    assert.deepEqual(places.map(({ seq }) => seq), Array.from({ length: 30 }, (_, n) => n + 1));
  },

  async function whatHistoryHasForgottenIsAGap() {
    const cable = await Cable.to(args.http);
    const room = unique("den");
    const bob = await member();
    const ann = await member({ url: `ws://${cable.address}/ws` });
    await bob.chat.join(room);
    await ann.chat.join(room, { history: 1, catchUp: 2 });
    cable.cut();
    await ann.state("waiting");
    for (let n = 1; n <= 8; n += 1) await bob.chat.publish(room, n); // its history is of five
    cable.mend();
    const gap = await ann.wait("the gap", ({ type }) => type === "gap");
    assert.deepEqual([gap.from, gap.to, gap.reason], [1, 6, "trimmed"]);
    await ann.message(8);
    assert.deepEqual(ann.said(room), [7, 8]);
    cable.close();
  },

  async function afterARestartNothingIsToldTwice() {
    const room = unique("den");
    const [ann, bob] = [await member({ name: unique("ann") }), await member({ name: unique("bob") })];
    const names = [ann.chat.name, bob.chat.name];
    await ann.chat.join(room, { history: 10 });
    await bob.chat.join(room, { history: 10 });
    await ann.chat.publish(room, "first life", { key: "k-1" });
    await bob.message("first life");
    await ready("kill");
    await Promise.all([ann.state("waiting"), bob.state("waiting")]);
    // As if its answer had been lost: bob has it, and ann does not know.
    ann.chat.publish(room, "first life", { key: "k-1" });
    const later = ann.chat.publish(room, "second life");
    await ready("start");
    await later;
    await bob.message("second life");
    assert.deepEqual([ann.chat.name, bob.chat.name], names);
    assert.deepEqual(bob.said(room), ["first life", "second life"]);
    for (const ear of [ann, bob]) assert.equal(ear.heard.find(({ type }) => type === "gap").reason, "epoch");
  },

  async function hundredsOfRoomsAreComeBackTo() {
    const cable = await Cable.to(args.http);
    const ann = await member({ url: `ws://${cable.address}/ws` });
    const rooms = Array.from({ length: 200 }, () => unique("den"));
    await Promise.all(rooms.map((room) => ann.chat.join(room)));
    cable.cut();
    await ann.state("waiting");
    assert.ok(ann.chat.rooms.every(({ isJoined }) => !isJoined));
    cable.mend();
    await ann.state("open");
    await Promise.all(rooms.map((room) => ann.chat.join(room)));
    assert.equal(ann.chat.rooms.length, rooms.length);
    assert.equal(ann.heard.filter(({ type }) => type === "left").length, 0);
    cable.close();
  },

  async function theExampleInTheDocumentationRuns() {
    const text = readFileSync(new URL("../../../docs/javascript.md", import.meta.url), "utf8");
    const [, example] = /```js\n(.*?)```/s.exec(text);
    globalThis.WebSocket ??= WebSocket; // which older versions of Node have not
    const printed = [];
    const there = example
      .replace('"https://chat.example/chinwag.js"', JSON.stringify(module))
      .replace("new Chat({", `new Chat({ url: "http://${args.http}/ws",`)
      .replaceAll("console.log", "globalThis.printed.push");
    globalThis.printed = printed;
    const bob = await member();
    await bob.chat.join("lobby");
    await import(`data:text/javascript,${encodeURIComponent(there)}\nexport { chat };`).then(({ chat }) => open.push({ chat }));
    await bob.message("good morning");
    assert.match(printed.join(), /^that was message \d+$/);
    // And it tells of every event that there is.
    const told = [...source.matchAll(/#tell\("(\w+)"/g)].map(([, type]) => type);
    assert.ok(told.length > 10);
    for (const type of told) assert.ok(text.includes(`| \`${type}\` | `), type);
  },

  async function theRecipeForNodeRunsInAProgramOfItsOwn() {
    const text = readFileSync(new URL("../../../docs/javascript.md", import.meta.url), "utf8");
    const [, program] = /## In Node.*?```js\n(.*?)```/s.exec(text);
    const folder = mkdtempSync(join(tmpdir(), "chinwag-node-"));
    try {
      writeFileSync(join(folder, "chinwag.mjs"), source);
      writeFileSync(join(folder, "program.mjs"), program.replace("https://chat.example/", `http://${args.http}/`));
      symlinkSync(join(nodeDir, "node_modules"), join(folder, "node_modules"));
      const bob = await member();
      await bob.chat.join("lobby");
      const { stdout } = await soon(promisify(execFile)(process.execPath, ["program.mjs"], { cwd: folder }), "its end");
      assert.match(stdout, /^that was message \d+\n$/);
      await bob.message("good morning from Node");
      // Without a WebSocket it says what to do, and ends.
      writeFileSync(join(folder, "without.mjs"), 'delete globalThis.WebSocket;\nconst { Chat } = await import("./chinwag.mjs");\nnew Chat({ url: "ws://127.0.0.1:1/ws" });\n');
      await assert.rejects(promisify(execFile)(process.execPath, ["without.mjs"], { cwd: folder }), /pass one, .* new Chat\(\{ WebSocket \}\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },

  async function whatHasNoJsonRejectsAloneAndTheRestIsPublished() {
    const room = unique("den");
    const [ann, bob] = [await member({ name: unique("ann") }), await member({ name: unique("bob") })];
    await ann.chat.join(room);
    await bob.chat.join(room);
    const circle = {};
    circle.self = circle;
    const thrower = { toJSON: () => { throw new Error("not today"); } };
    const vanisher = { toJSON: () => undefined };
    const bad = [{ id: 1n }, circle, undefined, () => {}, Symbol("s"), thrower, vanisher];
    const all = bad.flatMap((data, n) => [ann.chat.publish(room, data), ann.chat.publish(room, n)]);
    const settled = await Promise.allSettled(all);
    const rejected = settled.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
    assert.deepEqual(rejected.map((error) => [error instanceof ChatError, error.code]), bad.map(() => [true, "bad_request"]));
    assert.match(rejected[0].message, /BigInt/);
    assert.match(rejected[5].message, /not today/);
    await bob.message(bad.length - 1);
    assert.deepEqual(bob.said(room), bad.map((_, n) => n));
    assert.deepEqual(ann.chat.pending, []);
    // The same where it is not to be published.
    await assert.rejects(ann.chat.direct(bob.chat.name, 1n), { code: "bad_request" });
    await assert.rejects(ann.chat.rename(1n), { code: "bad_request" });
    await assert.rejects(ann.chat.join(unique("den"), { history: 1n }), { code: "bad_request" });
    await assert.rejects(ann.chat.publish(room, "?", { key: 1n }), { code: "bad_request" });
    assert.equal((await ann.chat.publish(room, "still here")).seq, bad.length + 1);
  },

  async function whatIsPublishedIsWhatWasGivenThen() {
    const room = unique("den");
    const [ann, bob] = [await member(), await member()];
    await ann.chat.join(room);
    await bob.chat.join(room);
    const build = { number: 1 };
    const published = ann.chat.publish(room, build);
    build.number = 2;
    await published;
    const { data } = await bob.wait("the object", ({ type }) => type === "message");
    assert.deepEqual(data, { number: 1 });
    assert.deepEqual(ann.heard.find(({ type }) => type === "settled").data, { number: 1 });
  },

  async function aRoomThatWasLeftIsComeBackToWhereItStood() {
    const room = unique("den");
    const [ann, bob] = [await member(), await member()];
    await ann.chat.join(room);
    await bob.chat.join(room);
    await bob.chat.publish(room, "one");
    await ann.message("one");
    await ann.chat.leave(room);
    const { epoch, seq } = ann.heard.find(({ type }) => type === "left");
    await bob.chat.publish(room, "two");
    await ann.chat.join(room, { since: { epoch, seq } });
    await ann.message("two");
    assert.deepEqual(ann.said(room), ["one", "two"]);
    assert.equal(ann.heard.filter(({ type }) => type === "gap").length, 0);
  },

  async function anHoursStepBackOfTheClockStopsNothing() {
    const room = unique("den");
    const ann = await member();
    await ann.chat.join(room);
    const { now } = Date;
    try {
      // The burst is used up before the step, so that what follows waits.
      await Promise.all(Array.from({ length: 20 }, (_, n) => ann.chat.publish(room, n)));
      Date.now = () => now() - 3_600_000;
      const rest = Promise.all(Array.from({ length: 5 }, (_, n) => ann.chat.publish(room, 20 + n)));
      assert.deepEqual((await soon(rest, "their places")).map(({ seq }) => seq), [21, 22, 23, 24, 25]);
    } finally {
      Date.now = now;
    }
    // Nor does it stop what asks a silent connection for a word; neither does a steady clock that stood still in a suspend.
    for (const step of [() => (Date.now = () => now() - 3_600_000), () => (performance.now = () => 0)]) {
      const steady = performance.now;
      const server = await scripted((request) => (request.type === "hello" ? [welcome(request, { ping_ms: 60 })] : []));
      try {
        const bob = await member({ url: server.url });
        step();
        await soon(once(server.sockets[0], "message"), "a ping");
        assert.equal(server.heard.at(-1).type, "ping");
        bob.chat.close();
      } finally {
        Date.now = now;
        performance.now = steady;
        server.close();
      }
    }
  },

  async function whatIsAskedOfAClosedChatIsRejected() {
    const server = await scripted((request) => (request.type === "hello" ? [welcome(request)] : request.room === "den" ? [joined(request)] : []));
    const ann = await member({ url: server.url });
    await ann.chat.join("den");
    server.heard.length = 0;
    const open = [
      ann.chat.publish("den", "in flight").catch((error) => error),
      ann.chat.join("attic").catch((error) => error),
      ann.chat.history("den").catch((error) => error),
    ];
    ann.chat.close();
    const later = [
      ann.chat.publish("den", "later").catch((error) => error),
      ann.chat.join("cellar").catch((error) => error),
      ann.chat.rename("bob").catch((error) => error),
      ann.chat.members("den").catch((error) => error),
    ];
    for (const error of await soon(Promise.all([...open, ...later]), "all of them")) assert.equal(error?.code, "closed");
    assert.deepEqual(ann.chat.pending, [], "and nothing is sent by coming back");
    // To come back is to be in those rooms again that were asked for before.
    ann.heard = [];
    await ann.open();
    await ann.wait("the room", ({ type, room }) => type === "joined" && room === "den");
    assert.deepEqual(ann.chat.rooms.map(({ room }) => room), ["den", "attic"]);
    assert.equal(server.heard.filter(({ type }) => type === "publish").length, 1);
    server.close();
    // Also when it was never opened.
    const { chat } = new Ear({ url: server.url });
    const early = chat.join("den").catch((error) => error);
    chat.close();
    assert.equal((await soon(early, "the join")).code, "closed");
  },

  async function aServerThatEndsItForGoodLetsNobodyWait() {
    const server = await scripted((request) => (request.type === "hello" ? [welcome(request)] : request.type === "join" && request.room === "den" ? [joined(request)] : []));
    const ann = await member({ url: server.url });
    await ann.chat.join("den");
    const waiting = [ann.chat.publish("den", "?"), ann.chat.join("attic")].map((it) => it.catch((error) => error));
    await soon(once(server.sockets[0], "message"), "the requests");
    server.sockets[0].close(4003, "kicked");
    for (const error of await soon(Promise.all(waiting), "both")) assert.deepEqual([error.code, /kicked/.test(error.message)], ["closed", true]);
    server.close();
  },

  async function closeTakesItsListenersAway() {
    const listening = new Map();
    const target = {
      addEventListener: (type, handle) => listening.set(handle, type),
      removeEventListener: (type, handle) => listening.delete(handle),
    };
    const before = { add: globalThis.addEventListener, remove: globalThis.removeEventListener };
    Object.assign(globalThis, target, { document: { ...target, visibilityState: "visible" } });
    try {
      const ann = await member();
      assert.deepEqual([...listening.values()].sort(), ["online", "pageshow", "visibilitychange"]);
      ann.chat.close();
      assert.equal(listening.size, 0);
      ann.heard = [];
      await ann.open();
      assert.equal(listening.size, 3);
      ann.chat.close();
      assert.equal(listening.size, 0);
    } finally {
      delete globalThis.document;
      Object.assign(globalThis, { addEventListener: before.add, removeEventListener: before.remove });
    }
  },

  async function aProgramWithoutAWebSocketOrAnAddressIsToldWhatIsMissing() {
    assert.throws(() => new Chat({ url: "ws://127.0.0.1:1/ws", WebSocket: null }), { name: "TypeError", message: /new Chat\(\{ WebSocket \}\)/ });
    // This module comes from no server, so there is none to take for granted.
    for (const url of [undefined, "/ws", "file:///ws", "nowhere"]) {
      assert.throws(() => new Chat({ url, WebSocket }), { name: "TypeError", message: /new Chat\(\{ url: / }, url);
    }
    for (const url of ["https://chat.example/ws", "http://chat.example", "ws://chat.example/ws", new URL("wss://chat.example/ws")]) new Chat({ url, WebSocket });
  },

  async function fromARefusedOriginAJoinIsRejectedWithTheReason() {
    class Foreign extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { origin: "https://elsewhere.example" });
      }
    }
    const ann = new Ear({ WebSocket: Foreign });
    const joins = ["den", "attic"].map((room) => ann.chat.join(room).catch((error) => error));
    const published = ann.chat.publish("den", "?").catch((error) => error);
    ann.chat.connect();
    for (const error of await soon(Promise.all([...joins, published]), "the rejections")) {
      assert.equal(error.code, "refused");
      assert.match(error.message, /403/);
    }
    const { state, status } = ann.heard.findLast(({ type }) => type === "state");
    assert.deepEqual([state, status], ["closed", 403]);
  },

  async function whatAServerAnswersOverHttpSaysWhyASocketCannotBeOpened() {
    for (const [status, body, state, told] of [
      [403, "not from there\n", "closed", /^not from there$/],
      [421, "not for that host\n", "closed", /^not for that host$/],
      [401, "", "closed", /401/],
      [426, "", "waiting", /Upgrade/],
    ]) {
      const server = createServer((_, response) => response.writeHead(status, { "Content-Type": "text/plain" }).end(body));
      server.on("upgrade", (_, socket) => socket.destroy());
      await once(server.listen(0, "127.0.0.1"), "listening");
      const ann = new Ear({ url: `http://127.0.0.1:${server.address().port}/ws` });
      ann.chat.connect();
      const seen = await ann.wait("the reason", (it) => it.type === "state" && it.status === status);
      assert.equal(seen.state, state);
      assert.match(seen.reason, told);
      ann.chat.close();
      server.close();
      server.closeAllConnections();
    }
  },

  // Against a script.

  async function theServerSaysWhenToComeBackAndWhenNotTo() {
    for (const [code, bye, comesBack] of [
      [1012, { reason: "restart", reconnect: true, retry_ms: 1 }, true],
      [1001, { reason: "stop", reconnect: false }, false],
      [1001, null, true],
      [1011, null, true],
      [1013, null, true],
      [4108, null, true],
      [4109, null, true],
      [4129, null, true],
      [1000, null, false],
      [1009, null, false],
      [4001, null, false],
      [4003, null, false],
      [4004, null, false],
      [4005, null, false],
    ]) {
      const server = await scripted((request) => (request.type === "hello" ? [welcome(request)] : []));
      const ann = await member({ url: server.url });
      if (bye) server.sockets[0].send(JSON.stringify({ type: "bye", ...bye }));
      server.sockets[0].close(code);
      const state = await ann.wait("the end", ({ type, state }) => type === "state" && /waiting|closed/.test(state));
      assert.equal(state.state, comesBack ? "waiting" : "closed", `after ${code}`);
      assert.equal(state.code, code);
      if (comesBack) await ann.state("open");
      if (!comesBack) assert.equal(server.sockets.length, 1);
      ann.chat.close();
      server.close();
    }
  },

  async function aRateLimitIsWaitedOutAndNothingIsLost() {
    let refusals = 0;
    let seq = 0;
    const server = await scripted((request) => {
      if (request.type === "hello") return [welcome(request)];
      if (request.type === "join") return [joined(request)];
      if (refusals++ === 0) return [{ type: "error", id: request.id, code: "rate_limited", retry_ms: 5, reason: "slow down" }];
      return [{ type: "ok", id: request.id, room: request.room, seq: ++seq, at: 1 }];
    });
    const ann = await member({ url: server.url });
    await ann.chat.join("den");
    assert.equal((await ann.chat.publish("den", "one")).seq, 1);
    const keys = server.heard.filter(({ type }) => type === "publish").map(({ key }) => key);
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    server.close();
  },

  async function whatNobodyCanTellIsNotSentAgain() {
    // Its answer was lost, the name too, and so is the history in which it could be looked for.
    const server = await scripted((request, connection) => {
      if (request.type === "hello" && connection === 2 && request.name) {
        return [{ type: "error", id: request.id, code: "name_taken", reason: "taken" }];
      }
      if (request.type === "hello") return [welcome(request)];
      if (request.type === "join" && connection === 1) return [joined(request, { seq: 4, from: 5 })];
      if (request.type === "join") return [joined(request, { seq: 90, from: 91, resumed: false, reason: "trimmed", oldest: 50 })];
    });
    const ann = await member({ url: server.url, name: "ann" });
    await ann.chat.join("den");
    const published = ann.chat.publish("den", "?");
    await soon(once(server.sockets[0], "message"), "the message");
    server.sockets[0].terminate();
    await assert.rejects(published, { code: "unknown" });
    assert.equal(server.heard.filter(({ type }) => type === "publish").length, 1);
    const gap = ann.heard.find(({ type }) => type === "gap");
    assert.deepEqual([gap.from, gap.to], [5, 90]);
    server.close();
  },

  async function aPublishWithoutAnAnswerHasTheConnectionProbed() {
    const { setTimeout } = globalThis;
    const server = await scripted((request) => {
      if (request.type === "hello") return [welcome(request)];
      if (request.type === "join") return [joined(request)];
      if (request.type === "ping") return [{ type: "pong", id: request.id, at: 1 }];
    });
    // Five seconds are a twentieth of one here.
    globalThis.setTimeout = (act, ms, ...more) => setTimeout(act, ms / 100, ...more);
    const { now } = performance;
    performance.now = () => now.call(performance) * 100;
    try {
      const ann = await member({ url: server.url });
      await ann.chat.join("den");
      ann.chat.publish("den", "hello?").catch(() => {});
      const told = await ann.wait("the doubt", ({ type }) => type === "unanswered");
      assert.deepEqual([told.room, told.data], ["den", "hello?"]);
      for (const count of [1, 2]) {
        while (server.heard.filter(({ type }) => type === "ping").length < count) await soon(once(server.sockets[0], "message"), "a ping");
      }
      assert.equal(ann.heard.filter(({ type }) => type === "unanswered").length, 1, "it is told once");
      assert.equal(ann.chat.state, "open", "a server that has a word is not given up");
      const publish = server.heard.find(({ type }) => type === "publish");
      server.sockets[0].send(JSON.stringify({ type: "ok", id: publish.id, room: "den", seq: 1, at: 1 }));
      await ann.wait("its place", ({ type }) => type === "settled");
    } finally {
      globalThis.setTimeout = setTimeout;
      performance.now = now;
      server.close();
    }
  },

  async function aHoleThatNobodyExplainsIsToldToo() {
    const server = await scripted((request) => {
      if (request.type === "hello") return [welcome(request)];
      const message = { type: "message", room: request.room, name: "bob", at: 1 };
      return [joined(request), { ...message, seq: 1, data: "a" }, { ...message, seq: 4, data: "b" }, { ...message, seq: 4, data: "b" }];
    });
    const ann = await member({ url: server.url });
    await ann.chat.join("den");
    await ann.message("b");
    const told = ann.heard.filter(({ type }) => type === "message" || type === "gap");
    assert.deepEqual(told.map(({ data, from, to }) => data ?? [from, to]), ["a", [2, 3], "b"]);
    server.close();
  },
];

await run(
  checks.map((check) => {
    const wrapped = () => among(check);
    Object.defineProperty(wrapped, "name", { value: check.name });
    return wrapped;
  }),
  args,
  () => process.stdin.destroy(),
);
