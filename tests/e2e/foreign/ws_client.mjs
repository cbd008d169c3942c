#!/usr/bin/env node
// The npm package `ws` as a client of every WebSocket service.
//
// Most servers and tools on Node speak through it. It knows nothing of ours, so
// what passes here is the protocol and not our idea of it.
//
//     ws_client.mjs --http 127.0.0.1:2021

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";

import { commandLine, isPresence, run, soon, tool, unique } from "./common.mjs";

const WebSocket = tool("ws");
const args = commandLine("ws_client.mjs --http HOST:PORT [--only WORDS]");

const ECHO_CAP = 16 * 1024 * 1024;

/** A client that keeps what has come until somebody reads it. */
class Client {
  #arrived = [];
  #reader = null;

  constructor(path, { protocols = [], ...options } = {}) {
    this.socket = new WebSocket(`ws://${args.http}${path}`, protocols, options);
    // Whoever waits for the opening or the end learns of an error there.
    this.socket.on("error", (error) => (this.error = error));
    this.socket.on("message", (data, binary) => {
      this.#arrived.push(binary ? data : data.toString("utf8"));
      this.#reader?.();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#reader?.();
      });
    });
  }

  static async open(path, options) {
    const client = new Client(path, options);
    await soon(once(client.socket, "open"), `the handshake of ${path}`);
    return client;
  }

  send(...what) {
    this.socket.send(...what);
  }

  /** The next message for which `wanted` is true; what is not for this check is passed over. */
  async read(what, wanted = () => true) {
    const look = async () => {
      for (;;) {
        while (this.#arrived.length > 0) {
          const message = this.#arrived.shift();
          if (wanted(message)) return message;
        }
        if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`the connection ended before ${what}`);
        await new Promise((resolve) => (this.#reader = resolve));
      }
    };
    return soon(look(), what);
  }

  /** Everything that had come and was not read. */
  rest() {
    return this.#arrived.splice(0);
  }

  async welcomed() {
    const first = await this.read("the welcome");
    assert.match(first, /^\* welcome to chinwag, guest-\d+\. \/help lists the commands$/);
    assert.match(await this.read("the room and its count"), /^\* lobby: \d+ here$/);
    return /guest-\d+/.exec(first)[0];
  }

  /** Welcomed, and then alone with this check in a room of its own. */
  async enter(room) {
    const name = await this.welcomed();
    this.send(`/join ${room}`);
    await this.read(`the count of ${room}`, (line) => line.startsWith(`* ${room}: `) && / \d+ here$/.test(line));
    return name;
  }

  async close(code, reason) {
    this.socket.close(code, reason);
    return soon(this.closed, "the closing handshake");
  }
}

/** Opens, lets the check use them, closes them all, whatever happened. */
async function clients(paths, use) {
  const open = [];
  try {
    for (const [path, options] of paths) open.push(await Client.open(path, options));
    return await use(...open);
  } finally {
    for (const client of open) client.socket.terminate();
  }
}

const CHAT = ["/ws"];
const ECHO = ["/echo"];
const ADD = ["/add"];

await run(
  [
    // Chat, in text mode.

    async function twoClientsTalkInTheLobby() {
      await clients([CHAT, CHAT], async (ann, bob) => {
        const annName = await ann.welcomed();
        const bobName = await bob.welcomed();
        await ann.read(`"${bobName} joined"`, (line) => isPresence(line.slice(2), { joined: bobName }));
        const word = unique("hi");
        const answer = unique("hello");
        bob.send(word);
        await ann.read("bob's message", (line) => line === `[${bobName}] ${word}`);
        ann.send(answer);
        // Nothing of bob's own comes back to him: the first of the two that he reads is ann's answer.
        const heard = await bob.read("ann's answer", (line) => line.includes(word) || line.includes(answer));
        assert.equal(heard, `[${annName}] ${answer}`);
      });
    },

    async function whoLeavesIsToldAsLeft() {
      const room = unique("room");
      await clients([CHAT, CHAT], async (ann, bob) => {
        await ann.enter(room);
        const bobName = await bob.enter(room);
        await ann.read(`"${bobName} joined"`, (line) => isPresence(line.slice(2), { joined: bobName }));
        await bob.close(1000);
        await ann.read(`"${bobName} left"`, (line) => isPresence(line.slice(2), { left: bobName }));
      });
    },

    async function aNameCanBeChosen() {
      const room = unique("room");
      const name = unique("ann");
      await clients([CHAT, CHAT], async (ann, bob) => {
        await ann.enter(room);
        await bob.enter(room);
        ann.send(`/name ${name}`);
        await ann.read('"you are ..."', (line) => line === `* you are ${name}`);
        await bob.read('"... is now ..."', (line) => line.endsWith(` is now ${name}`));
        ann.send("it is me");
        await bob.read("the message under the new name", (line) => line === `[${name}] it is me`);
      });
    },

    async function aBurstArrivesWholeAndInOrder() {
      const room = unique("room");
      await clients([CHAT, CHAT], async (ann, bob) => {
        const name = await ann.enter(room);
        await bob.enter(room);
        const lines = Array.from({ length: 15 }, (_, n) => `line ${n} ${"x".repeat(n * 20)}`);
        for (const line of lines) ann.send(line);
        for (const line of lines) {
          assert.equal(await bob.read(line, (heard) => heard.startsWith("[")), `[${name}] ${line}`);
        }
      });
    },

    async function quitClosesWith1000() {
      await clients([CHAT], async (ann) => {
        await ann.welcomed();
        ann.send("/quit");
        assert.equal((await soon(ann.closed, "the end")).code, 1000);
      });
    },

    async function aBinaryMessageToTheChatClosesWith1003() {
      await clients([CHAT], async (ann) => {
        await ann.welcomed();
        ann.send(Buffer.from([0, 1]));
        assert.equal((await soon(ann.closed, "the end")).code, 1003);
      });
    },

    // Echo.

    async function echoGivesBackTextAsTextAndBinaryAsBinary() {
      await clients([ECHO], async (client) => {
        // Around each border of the three forms of the length.
        for (const size of [0, 1, 125, 126, 127, 65535, 65536, 65537]) {
          for (const message of ["x".repeat(size), randomBytes(size)]) {
            client.send(message);
            assert.deepEqual(await client.read(`the echo of ${size} bytes`), message);
          }
        }
        for (const message of ["κόσμε", "𝄞 and 🙂", "\u0000", "\ufeff"]) {
          client.send(message);
          assert.equal(await client.read("the echo"), message);
        }
      });
    },

    async function aMessageOfExactlyTheCapIsEchoed() {
      await clients([ECHO], async (client) => {
        const message = randomBytes(ECHO_CAP);
        client.send(message);
        const back = await client.read("16 MiB to come back");
        assert.ok(message.equals(back), `${back.length} bytes came back, and not the same`);
      });
    },

    async function aMessageOneByteOverTheCapClosesWith1009() {
      await clients([ECHO], async (client) => {
        client.send(Buffer.alloc(ECHO_CAP + 1), () => {}); // it may be refused by its header, before all is sent
        assert.equal((await soon(client.closed, "the end")).code, 1009);
      });
    },

    async function fragmentsWithAPingBetweenAreOneMessage() {
      await clients([ECHO], async (client) => {
        const { socket } = client;
        client.send("Wör", { fin: false });
        client.send("", { fin: false });
        const pong = once(socket, "pong");
        socket.ping("in the middle");
        const [payload] = await soon(pong, "the Pong in the middle of a message");
        assert.equal(payload.toString(), "in the middle");
        assert.deepEqual(client.rest(), [], "the echo came before the message had ended");
        client.send("ter", { fin: true });
        assert.equal(await client.read("the echo"), "Wörter");
      });
    },

    async function pingsAreAnsweredWithTheirPayload() {
      await clients([ECHO], async ({ socket }) => {
        for (const payload of [Buffer.alloc(0), Buffer.from("a"), randomBytes(125)]) {
          const pong = once(socket, "pong");
          socket.ping(payload);
          assert.deepEqual((await soon(pong, `the Pong with ${payload.length} bytes`))[0], payload);
        }
      });
    },

    async function theCloseCodeOfTheClientIsEchoed() {
      for (const code of [1000, 1001, 3000, 4999]) {
        await clients([ECHO], async (client) => {
          assert.equal((await client.close(code, "enough")).code, code);
        });
      }
      await clients([ECHO], async (client) => {
        // A Close frame without a code has a Close frame without a code for an answer.
        assert.equal((await client.close()).code, 1005);
      });
    },

    async function badUtf8ClosesWith1007() {
      await clients([ECHO], async (client) => {
        client.send(Buffer.from([0x66, 0xff]), { binary: false });
        assert.equal((await soon(client.closed, "the end")).code, 1007);
      });
    },

    // The handshake.

    async function anUnknownSubprotocolGetsNoneInReturn() {
      // `ws` gives up when none of its offers is taken, and says that none was.
      const { socket } = new Client("/echo", { protocols: ["no-such-protocol"] });
      const [error] = await soon(once(socket, "error"), "the handshake to fail");
      assert.equal(error.message, "Server sent no subprotocol");
    },

    async function anotherOriginIsRefusedWith403() {
      for (const path of ["/ws", "/echo", "/add"]) {
        for (const origin of ["http://evil.example", "null"]) {
          const { socket } = new Client(path, { origin });
          const [, response] = await soon(once(socket, "unexpected-response"), "the refusal");
          assert.equal(response.statusCode, 403, `${path} with Origin: ${origin}`);
          socket.terminate();
        }
      }
    },

    async function ourOwnOriginIsAccepted() {
      await clients([["/echo", { origin: `http://${args.http}` }]], async (client) => {
        client.send("let in");
        assert.equal(await client.read("the echo"), "let in");
      });
    },

    // Add.

    async function addAddsAndSurvivesWhatItCannotAdd() {
      await clients([ADD], async (client) => {
        const ask = async (question) => {
          client.send(question);
          return JSON.parse(await client.read(`the answer to ${question}`));
        };
        for (const question of ["{", '{"a":7}', '{"a":"7","b":4}', '{"a":9223372036854775807,"b":1}']) {
          const answer = await ask(question);
          assert.deepEqual(Object.keys(answer), ["error"], `the answer to ${question}`);
          assert.equal(typeof answer.error, "string");
          assert.deepEqual(await ask('{"a":7,"b":4}'), { sum: 11 });
        }
      });
    },
  ],
  args,
);
