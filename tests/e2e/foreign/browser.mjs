#!/usr/bin/env node
// The pages in a real browser: Debian's Chromium, headless.
//
//     browser.mjs chat      --http 127.0.0.1:2021 --line 127.0.0.1:2020   two pages and a netcat talk
//     browser.mjs echo      --http 127.0.0.1:2021                         the echo page
//     browser.mjs page      --http 127.0.0.1:2021                         the chat page alone, on a scripted socket and clock
//     browser.mjs reconnect --http 127.0.0.1:2021                         the server goes away and comes back
//
// With --screenshot DIR each leaves pictures of what it saw.
//
// `reconnect` does not touch the server; who runs it does. It prints a line and
// then waits for a line on its standard input:
//
//     READY kill     kill the server, then answer
//     READY start    start it again on the same port, then answer
//
// In every scenario the console must stay free of errors, and no request may go
// to another host.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { EVENT_TIMEOUT_MS, commandLine, die, isPresence, run, soon, tool, unique } from "./common.mjs";

const USAGE = "browser.mjs chat|echo|page|reconnect --http HOST:PORT [--line HOST:PORT] [--screenshot DIR] [--only WORDS]";
const args = commandLine(USAGE, { screenshot: { type: "string" } });
const scenario = args.positionals[0];
const origin = `http://${args.http}`;

const { chromium } = tool("playwright-core");
const browser = await chromium
  .launch({
    executablePath: process.env.CHINWAG_E2E_CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Whatever else may want to call out finds no name and no address.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${args.http.slice(0, args.http.lastIndexOf(":"))}`,
    ],
  })
  .catch((error) => die(`chromium does not start (run ./scripts/test, which installs it): ${error.message}`));

// Pages. ------------------------------------------------------------------------

const complaints = [];

/** A page of its own profile, watched: what it logs as an error and whom it asks. */
async function open(path, { expected = () => false, prepare = async () => {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(EVENT_TIMEOUT_MS);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !expected(message.text())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error}`));
  const visit = (url) => {
    if (url.protocol !== "data:" && url.host !== args.http) complaints.push(`a request to another host: ${url}`);
  };
  page.on("request", (request) => visit(new URL(request.url())));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on("websocket", (socket) => visit(new URL(socket.url())));
  await prepare(page);
  await page.goto(origin + path);
  return page;
}

/** Waits until `predicate` holds in the page. */
async function until(page, what, predicate, argument) {
  try {
    await page.waitForFunction(predicate, argument);
  } catch (error) {
    const shown = await page.evaluate(() => document.body.innerText.slice(-600)).catch(() => "nothing");
    throw new Error(`${what} did not happen: ${error.message.split("\n")[0]}\nThe page shows:\n${shown}`);
  }
}

const state = (page, wanted) =>
  until(page, `the state "${wanted}"`, (state) => document.documentElement.dataset.state === state, wanted);

/** The lines of the conversation, as they stand in the document. */
const lines = (page) =>
  page.$$eval("#log .line", (elements) =>
    elements.map((element) => ({
      kind: ["message", "notice", "command", "day", "break"].find((kind) => element.classList.contains(kind)),
      own: element.classList.contains("own"),
      name: element.querySelector(".name")?.textContent,
      hue: element.querySelector(".who")?.style.getPropertyValue("--hue"),
      text: element.querySelector(".text").textContent,
      time: element.querySelector("time")?.textContent,
    })),
  );

/** In the page: what changes with every line that is added (the count alone does not, once the oldest go), or whether it has. */
const newestLine = (before) => {
  const all = document.querySelectorAll("#log .line");
  const now = `${all.length} ${all[all.length - 1]?.textContent}`;
  return before === undefined ? now : now !== before;
};

/** Waits for a line with these properties; `text` may be a function. */
async function line(page, wanted, what = JSON.stringify(wanted)) {
  const matches = (found) =>
    Object.entries(wanted).every(([key, value]) => (typeof value === "function" ? value(found[key]) : found[key] === value));
  const look = async () => {
    for (;;) {
      const before = await page.evaluate(newestLine);
      const found = (await lines(page)).find(matches);
      if (found) return found;
      await until(page, `the line ${what}`, newestLine, before);
    }
  };
  return soon(look(), `the line ${what}`);
}

async function type(page, text) {
  await page.fill("#line", text);
  await page.press("#line", "Enter");
}

async function enter(options) {
  const page = await open("/", options);
  await state(page, "open");
  await page.waitForSelector("#me:not([hidden])");
  await page.waitForSelector("#room:not([hidden])");
  return page;
}

async function call(page, name) {
  await type(page, `/name ${name}`);
  await until(page, `the name ${name}`, (name) => document.getElementById("me").textContent === name, name);
}

/** In the page: whether the newest line is in sight, with more lines than there is room for. */
const atTheEnd = () => {
  const log = document.getElementById("log");
  return log.scrollHeight > log.clientHeight && log.scrollHeight - log.clientHeight - log.scrollTop <= 1;
};

async function picture(page, name) {
  if (!args.screenshot) return;
  mkdirSync(args.screenshot, { recursive: true });
  await page.screenshot({ path: join(args.screenshot, `${name}.png`) });
}

async function goTo(page, room) {
  await type(page, `/join ${room}`);
  await until(page, `the room ${room}`, (room) => document.getElementById("room").textContent === room, room);
}

async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`);
}

// Netcat. -------------------------------------------------------------------------

class Netcat {
  constructor() {
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(args.line) ?? die(`--line ${args.line} is no HOST:PORT`);
    this.process = spawn(process.env.CHINWAG_E2E_NC || "nc", [host, port], { stdio: ["pipe", "pipe", "inherit"] });
    this.process.on("error", (error) => die(`nc does not start (run ./scripts/test, which installs it): ${error.message}`));
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  type(text) {
    this.process.stdin.write(`${text}\n`);
  }

  read(wanted, what) {
    const look = async () => {
      for (;;) {
        const { value, done } = await this.lines.next();
        if (done) throw new Error(`nc ended before ${what}`);
        if (wanted(value)) return value;
      }
    };
    return soon(look(), what);
  }

  end() {
    this.process.kill();
  }
}

// Scenarios. ------------------------------------------------------------------------

async function chat() {
  if (!args.line) die("the scenario chat needs --line");
  const annName = unique("ann");
  const bobName = `<b>${unique("bob")}</b>`; // a name may be any words, so also these
  const nellName = unique("nell");
  const room = unique("den"); // after the lobby: whoever else is on this server is not in the way
  const checks = [];

  const ann = await enter();
  const nell = new Netcat();
  let bob;

  checks.push(async function aPageWelcomesAndListens() {
    assert.match(await ann.textContent("#me"), /^guest-\d+$/);
    assert.equal(await ann.textContent("#room"), "lobby");
    assert.match(await ann.textContent("#here"), /^\d+ here$/);
    assert.equal(await ann.textContent("#status"), "connected");
    assert.equal(await ann.isVisible("#banner"), false);
    assert.equal(await ann.evaluate(() => document.activeElement.id), "line");
    await line(ann, { kind: "notice", text: (text) => text.startsWith("welcome to chinwag, guest-") });
  });

  checks.push(async function everyoneIsToldWhoComes() {
    bob = await enter();
    const guest = await bob.textContent("#me");
    await line(ann, { kind: "notice", text: (text) => isPresence(text, { joined: guest }) }, `"${guest} joined"`);
    await call(ann, annName);
    await goTo(ann, room);
    await call(bob, bobName);
    await goTo(bob, room);
    await nell.read((said) => said.startsWith("* lobby: "), "the lobby");
    nell.type(`/name ${nellName}`);
    await nell.read((said) => said === `* you are ${nellName}`, "netcat's name");
    nell.type(`/join ${room}`);
    await nell.read((said) => said.startsWith(`* ${room}: `), "the room");
    for (const name of [bobName, nellName]) {
      await line(ann, { kind: "notice", text: (text) => isPresence(text, { joined: name }) }, `"${name} joined"`);
    }
  });

  checks.push(async function twoPagesAndANetcatTalk() {
    await type(ann, "good morning");
    await line(bob, { kind: "message", own: false, name: annName, text: "good morning" });
    await nell.read((said) => said === `[${annName}] good morning`, "ann's line at netcat");
    nell.type("morning, from a terminal");
    await line(ann, { kind: "message", own: false, name: nellName, text: "morning, from a terminal" });
    await line(bob, { kind: "message", own: false, name: nellName, text: "morning, from a terminal" });
    await type(bob, "hello, both");
    await line(ann, { kind: "message", own: false, name: bobName, text: "hello, both" });
    await nell.read((said) => said === `[${bobName}] hello, both`, "bob's line at netcat");
  });

  checks.push(async function ownLinesAreMarkedAndShownOnce() {
    // Bob's answer came after ann's line on the same wire, so an echo of hers would be here by now.
    const hers = (await lines(ann)).filter(({ text }) => text === "good morning");
    assert.equal(hers.length, 1);
    assert.deepEqual([hers[0].kind, hers[0].own, hers[0].name], ["message", true, annName]);
    const others = (await lines(ann)).filter(({ kind, name }) => kind === "message" && name !== annName);
    assert.ok(others.length > 0 && others.every(({ own }) => !own));
    assert.match(hers[0].time, /^\d\d:\d\d$/);
  });

  checks.push(async function aNameHasTheSameColourEverywhere() {
    const hueOf = async (page, name) => (await lines(page)).find((line) => line.name === name).hue;
    for (const name of [annName, bobName, nellName]) assert.equal(await hueOf(ann, name), await hueOf(bob, name));
  });

  checks.push(async function markupStaysText() {
    const attack = '<img src="/x" onerror="document.title=`taken`"><script>document.title="taken"</script>';
    nell.type(attack);
    for (const page of [ann, bob]) {
      await line(page, { kind: "message", name: nellName, text: attack });
      assert.equal(await page.locator("#log :is(img, script, b)").count(), 0);
      assert.equal(await page.title(), `${room} · chinwag`);
    }
    await type(ann, attack);
    await line(bob, { kind: "message", name: annName, text: attack });
    await line(ann, { kind: "message", own: true, text: attack });
    assert.equal(await ann.locator("#log :is(img, script, b)").count(), 0);
  });

  checks.push(async function commandsAndSlashes() {
    await type(ann, "/who");
    await line(ann, { kind: "command", text: "/who" });
    await line(ann, { kind: "notice", text: (text) => text.includes(bobName) && !/joined|left/.test(text) }, "the answer to /who");
    await type(ann, "//etc is a path");
    await line(ann, { kind: "message", own: true, text: "/etc is a path" });
    await line(bob, { kind: "message", own: false, text: "/etc is a path" });
    await ann.press("#line", "ArrowUp");
    assert.equal(await ann.inputValue("#line"), "//etc is a path");
    await ann.press("#line", "ArrowUp");
    assert.equal(await ann.inputValue("#line"), "/who");
    await ann.press("#line", "ArrowDown");
    await ann.press("#line", "ArrowDown");
    assert.equal(await ann.inputValue("#line"), "");
  });

  checks.push(async function thePageFollowsOnlyFromTheEnd() {
    await ann.setViewportSize({ width: 800, height: 360 });
    await until(ann, "the end stays in sight when the window shrinks", atTheEnd);
    nell.type("the end moves");
    await line(ann, { text: "the end moves" });
    await until(ann, "the end is followed", atTheEnd);
    await ann.$eval("#log", (log) => (log.scrollTop = 0));
    await ann.waitForFunction(() => new Promise((done) => requestAnimationFrame(() => done(true))));
    nell.type("not in sight");
    await line(ann, { text: "not in sight" });
    assert.equal(await ann.$eval("#log", (log) => log.scrollTop), 0);
    assert.equal((await ann.textContent("#newer")).trim(), "1 new line");
    await ann.click("#newer");
    await until(ann, "the end is in sight again", atTheEnd);
    assert.equal(await ann.isVisible("#newer"), false);
    await ann.setViewportSize({ width: 1000, height: 700 });
  });

  checks.push(async function whoQuitsIsGoneUntilItComesBack() {
    let sockets = 0;
    bob.on("websocket", () => (sockets += 1));
    await type(bob, "/quit");
    await state(bob, "closed");
    await line(ann, { kind: "notice", text: (text) => isPresence(text, { left: bobName }) }, "bob left");
    assert.equal(await bob.textContent("#trouble"), "You have left.");
    assert.equal(sockets, 0);
    await bob.click("#again");
    await state(bob, "open");
    await until(bob, "the name is taken back", (name) => document.getElementById("me").textContent === name, bobName);
    await until(bob, "the room is gone back to", (room) => document.getElementById("room").textContent === room, room);
    assert.equal(sockets, 1);
  });

  checks.push(async function aLoadedAnewPageIsStillTheSamePerson() {
    await bob.reload();
    await state(bob, "open");
    await until(bob, "the name is taken back", (name) => document.getElementById("me").textContent === name, bobName);
  });

  checks.push(async function itFitsAPhoneAndTheDark() {
    await picture(ann, "chat-light");
    assert.ok(await ann.$eval("#room", (room) => room.scrollWidth <= room.clientWidth), "the room's name is cut off");
    await ann.emulateMedia({ colorScheme: "dark" });
    await picture(ann, "chat-dark");
    for (const width of [390, 320]) {
      await ann.setViewportSize({ width, height: 780 });
      await fits(ann);
      await until(ann, "the end stays in sight on a phone", atTheEnd);
    }
    await ann.emulateMedia({ colorScheme: "light" });
    await picture(ann, "chat-phone");
  });

  return { checks, cleanUp: () => nell.end() };
}

async function echo() {
  const page = await open("/echo");
  // The page draws a row for each message, newest first, and says there what it counted.
  const newest = async (payload) => {
    await until(
      page,
      `the echo of ${payload} bytes`,
      (payload) => {
        const row = document.querySelector("#exchanges > :first-child");
        return row && row.dataset.payload === payload && row.dataset.back;
      },
      String(payload),
    );
    const row = page.locator("#exchanges > :first-child");
    return { ...(await row.evaluate((element) => ({ ...element.dataset }))), shown: await row.innerText() };
  };
  const sendText = async (text) => {
    await page.locator("label", { has: page.locator("#as-text") }).click();
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };
  const sendBinary = async (size) => {
    await page.locator("label", { has: page.locator("#binary") }).click();
    await page.fill("#size", String(size));
    await page.press("#size", "Enter");
  };

  return {
    checks: [
      async function aTypedLineComesBack() {
        await state(page, "open");
        assert.equal(await page.textContent("#status"), "connected");
        await sendText("héllo");
        const row = await newest(6);
        assert.equal(row.kind, "text");
        assert.equal(row.back, "same");
        assert.equal(row.sent, "12"); // 2 header, 4 masking key, 6 payload
        assert.equal(row.received, "8");
        assert.ok(Number(row.ms) >= 0);
        assert.match(row.shown, /81 86[\s\S]*héllo[\s\S]*81 06[\s\S]*héllo/);
        assert.match(row.shown, /2 \+ 4 \+ 6 = 12 B[\s\S]*2 \+ 6 = 8 B/);
        assert.match(row.shown, /\d ms/);
      },

      async function markupStaysText() {
        const attack = '<img src="/x" onerror="document.title=1">';
        await sendText(attack);
        assert.match((await newest(attack.length)).shown, /<img src/);
        assert.equal(await page.locator("img").count(), 0);
      },

      async function everyFormOfTheLengthComesBackAsBinary() {
        for (const [size, header] of [
          [0, 2],
          [125, 2],
          [126, 4],
          [65535, 4],
          [65536, 10],
        ]) {
          await sendBinary(size);
          const row = await newest(size);
          assert.equal(row.kind, "binary");
          assert.equal(row.back, "same");
          assert.equal(Number(row.sent), header + 4 + size);
          assert.equal(Number(row.received), header + size);
        }
        assert.match((await newest(65536)).shown, /82 ff 00 00 00 00 00 01 00 00/);
        assert.match((await newest(65536)).shown, /82 7f 00 00 00 00 00 01 00 00/);
      },

      async function anEmptyTextComesBack() {
        await sendText("");
        assert.equal((await newest(0)).kind, "text");
      },

      async function itFitsAPhoneAndTheDark() {
        await sendText("The quick brown fox jumps over the lazy dog");
        await newest(43);
        await picture(page, "echo-light");
        await page.emulateMedia({ colorScheme: "dark" });
        await picture(page, "echo-dark");
        await page.setViewportSize({ width: 360, height: 780 });
        await fits(page);
        await picture(page, "echo-phone");
        await page.setViewportSize({ width: 1000, height: 700 });
      },

      async function sixteenMebibytesPassAndOneByteMoreDoesNot() {
        await sendBinary(16 * 1024 * 1024);
        assert.equal((await newest(16 * 1024 * 1024)).back, "same");
        await sendBinary(16 * 1024 * 1024 + 1);
        const row = await newest(16 * 1024 * 1024 + 1);
        assert.equal(row.back, "never");
        assert.match(row.shown, /closed with 1009/);
        await state(page, "closed");
        assert.equal(await page.textContent("#status"), "closed with 1009");
        await page.click("#again");
        await state(page, "open");
        await sendText("here again");
        assert.equal((await newest(10)).back, "same");
      },
    ],
  };
}

/** The chat page against a server that says exactly what the check wants, on a clock that only the check moves. */
async function page() {
  const scripted = async (prepare = async () => {}) => {
    const server = { sockets: [], heard: [], refuse: false };
    const chat = await open("/", {
      prepare: async (page) => {
        // Frames stay the browser's own, so that what arrives is drawn while the clock stands still.
        await page.addInitScript(() => (window.realFrame = requestAnimationFrame.bind(window)));
        await page.clock.install({ time: "2026-03-01T20:00:00" });
        await page.addInitScript(() => (window.requestAnimationFrame = window.realFrame));
        // Full jitter takes a random part of the ceiling; here it is always all of it.
        await page.addInitScript(() => (Math.random = () => 1));
        await page.routeWebSocket(`ws://${args.http}/ws`, (socket) => {
          server.sockets.push(socket);
          server.heard.push([]);
          if (server.refuse) return void socket.close({ code: 1013 });
          const guest = `guest-${server.sockets.length}`;
          socket.send(`* welcome to chinwag, ${guest}. /help lists the commands`);
          socket.send("* lobby: 1 here");
          socket.onMessage((said) => {
            server.heard.at(-1).push(said);
            const [, command, value] = /^\/(name|join) (.+)$/.exec(said) ?? [];
            if (command === "name") socket.send(value === "taken" ? "* that name is taken" : `* you are ${value}`);
            if (command === "join") socket.send(`* ${value}: 1 here`);
          });
        });
        await prepare(page);
      },
    });
    await state(chat, "open");
    await line(chat, { text: "lobby: 1 here" });
    await chat.clock.pauseAt("2026-03-01T21:00:00");
    return { chat, server, say: (text) => server.sockets.at(-1).send(text) };
  };
  const nextTry = (chat) => chat.textContent("#retry");

  return {
    checks: [
      async function theDelaysGrowToHalfAMinuteAndStartAgainAfterAStableConnection() {
        const { chat, server } = await scripted();
        server.refuse = true;
        await server.sockets.at(-1).close({ code: 1012 });
        await state(chat, "waiting");
        assert.equal(await chat.textContent("#trouble"), "The server is restarting.");
        for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
          // A refused try is over before the next delay is said, so this cannot be the one before.
          await state(chat, "waiting");
          assert.equal(await nextTry(chat), `Next try in ${seconds} s.`);
          await chat.clock.runFor(seconds * 1000 - 100);
          await state(chat, "waiting");
          assert.equal(await nextTry(chat), "Next try in 1 s.");
          await chat.clock.runFor(100);
        }
        await state(chat, "waiting");
        assert.equal(server.sockets.length, 1 + 7);
        server.refuse = false;
        await chat.clock.runFor(30_000);
        await state(chat, "open");
        // It did not hold for long, so the delay goes on from where it was.
        await server.sockets.at(-1).close({ code: 1012 });
        await state(chat, "waiting");
        assert.equal(await nextTry(chat), "Next try in 30 s.");
        await chat.click("#again");
        await state(chat, "open");
        await chat.clock.runFor(10_000);
        await server.sockets.at(-1).close({ code: 1012 });
        await state(chat, "waiting");
        assert.equal(await nextTry(chat), "Next try in 1 s.");
        await chat.context().close();
      },

      async function aClickTheOnlineEventAndEnterTryAtOnce() {
        const { chat, server } = await scripted();
        for (const act of [
          () => chat.click("#again"),
          () => chat.evaluate(() => dispatchEvent(new Event("online"))),
          () => type(chat, "kept"),
        ]) {
          await server.sockets.at(-1).close({ code: 1012 });
          await state(chat, "waiting");
          await act();
          await state(chat, "open");
        }
        assert.equal(await chat.inputValue("#line"), "kept", "what cannot be sent stays in the field");
        await chat.context().close();
      },

      async function nameAndRoomAreAskedForAgain() {
        const { chat, server } = await scripted();
        await call(chat, "ann");
        await goTo(chat, "den");
        await server.sockets.at(-1).close({ code: 1001 });
        await state(chat, "waiting");
        await chat.click("#again");
        await state(chat, "open");
        await until(chat, "the name is back", () => document.getElementById("me").textContent === "ann");
        await until(chat, "the room is back", () => document.getElementById("room").textContent === "den");
        assert.deepEqual(server.heard.at(-1).sort(), ["/join den", "/name ann"]);
        await chat.context().close();
      },

      async function someCodesSayNotToComeBack() {
        for (const code of [1000, 4001, 4003, 4004, 4005]) {
          const { chat, server } = await scripted();
          await server.sockets.at(-1).close({ code });
          await state(chat, "closed");
          await chat.clock.runFor(120_000);
          await chat.evaluate(() => dispatchEvent(new Event("online")));
          assert.equal(server.sockets.length, 1, `it came back after ${code}`);
          assert.equal(await chat.isVisible("#banner"), true);
          await chat.click("#again");
          await state(chat, "open");
          await chat.context().close();
        }
      },

      async function aNameThatIsANoticeDeceivesNobody() {
        const { chat, server, say } = await scripted();
        // Names may be any words, and they stand inside notices.
        say("* welcome to chinwag, mallory. /help lists the commands");
        say("* you are mallory");
        say("* you are mallory joined");
        say("* den: 3 here joined");
        say("[bob] * you are mallory");
        await line(chat, { kind: "message", name: "bob", text: "* you are mallory" });
        assert.equal(await chat.textContent("#me"), "guest-1");
        assert.equal(await chat.textContent("#room"), "lobby");
        await type(chat, "/name taken");
        await line(chat, { kind: "notice", text: "that name is taken" });
        assert.equal(await chat.textContent("#me"), "guest-1");
        assert.deepEqual(server.heard, [["/name taken"]]);
        await chat.context().close();
      },

      async function theCountFollowsTheNotices() {
        const { chat, say } = await scripted();
        for (const [notice, here] of [
          ["* bob joined", 2],
          ["* cyn, dan joined, bob left", 3],
          ["* dan left", 2],
          ["* 312 joined, 4 left, 8123 here", "8,123"],
          ["* 8120 left, 3 here", 3],
        ]) {
          say(notice);
          await line(chat, { kind: "notice", text: notice.slice(2) });
          assert.equal(await chat.textContent("#here"), `${here} here`);
        }
        await chat.context().close();
      },

      async function onlyTheNewestTwoThousandLinesAreKept() {
        const { chat, say } = await scripted();
        for (let n = 1; n <= 2100; n += 1) say(`[bob] line ${n}`);
        await line(chat, { text: "line 2100" });
        const all = await lines(chat);
        assert.equal(all.length, 2000);
        assert.equal(all[0].text, "line 101");
        await chat.context().close();
      },

      async function midnightAndTheMinutesAreShown() {
        const { chat, say } = await scripted();
        say("[bob] one");
        await line(chat, { text: "one" });
        say("[bob] two");
        await line(chat, { text: "two" });
        await chat.clock.runFor(61_000);
        say("[bob] three");
        await line(chat, { text: "three" });
        const heads = await chat.$$eval(".message.head", (heads) => heads.map((head) => head.querySelector(".text").textContent));
        assert.deepEqual(heads, ["one", "three"]);
        await chat.clock.fastForward("03:00:00");
        say("[bob] tomorrow");
        await line(chat, { text: "tomorrow" });
        assert.equal((await lines(chat)).filter(({ kind }) => kind === "day").length, 1);
        await chat.context().close();
      },
    ],
  };
}

async function reconnect() {
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const ready = async (what) => {
    console.log(`READY ${what}`);
    const { done } = await answers.next();
    if (done) throw new Error(`standard input ended at "READY ${what}"`);
  };
  // Chromium itself writes a line about every connection that fails; it cannot be told not to.
  const expected = (text) => text.startsWith(`WebSocket connection to 'ws://${args.http}/ws' failed`);
  const names = [unique("ann"), unique("bob")];
  const room = unique("den");

  return {
    checks: [
      async function pagesComeBackToTheirNamesAndRoomByThemselves() {
        const pages = [];
        for (const name of names) {
          const page = await enter({ expected });
          await call(page, name);
          await goTo(page, room);
          pages.push(page);
        }
        const [ann, bob] = pages;
        await type(ann, "before");
        await line(bob, { kind: "message", name: names[0], text: "before" });

        await ready("kill");
        for (const page of pages) {
          await until(page, "the loss is seen", () => document.documentElement.dataset.state !== "open");
          await page.waitForSelector("#banner:not([hidden])");
        }
        await until(ann, "it says when it tries again", () => /^Next try in \d+ s\.$/.test(document.getElementById("retry").textContent));
        await picture(ann, "chat-lost");
        await ready("start");

        for (const [at, page] of pages.entries()) {
          await state(page, "open");
          await until(page, "the name is back", (name) => document.getElementById("me").textContent === name, names[at]);
          await until(page, "the room is back", (room) => document.getElementById("room").textContent === room, room);
          assert.equal(await page.isVisible("#banner"), false);
          await line(page, { kind: "break" });
        }
        await type(ann, "after");
        await line(bob, { kind: "message", own: false, name: names[0], text: "after" });
        await type(bob, "indeed");
        await line(ann, { kind: "message", own: false, name: names[1], text: "indeed" });
        // Nothing that was there before is there twice now.
        for (const page of pages) assert.equal((await lines(page)).filter(({ text }) => text === "before").length, 1);
      },
    ],
    cleanUp: () => process.stdin.destroy(),
  };
}

// The run. -----------------------------------------------------------------------------

const scenarios = { chat, echo, page, reconnect };
if (!Object.hasOwn(scenarios, scenario)) die(`usage: ${USAGE}`);
const { checks, cleanUp = () => {} } = await scenarios[scenario]().catch(async (error) => {
  await browser.close();
  console.log(`FAILED ${scenario}, before its first check: ${error.stack}`);
  process.exit(1);
});
checks.push(async function noErrorInTheConsoleAndNoRequestToAnotherHost() {
  assert.deepEqual(complaints, []);
});
await run(checks, args, async () => {
  cleanUp();
  await browser.close();
});
