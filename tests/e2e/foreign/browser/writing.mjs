// What is typed: whose it is, how much it may be, what becomes of it. On a scripted server and clock, as page.mjs.

import assert from "node:assert/strict";

import { goTo, isIn, line, lines, picture, said, state, type, until } from "./pages.mjs";
import { scripted } from "./scripted.mjs";

const counter = (page, wanted) => until(page, `the counter "${wanted}"`, (wanted) => document.getElementById("left").textContent === wanted, wanted);

export async function writing() {
  return {
    checks: [
      async function aDraftStaysInItsRoomAndSurvivesAReload() {
        const { chat, heard } = await scripted();
        await goTo(chat, "den");
        await chat.fill("#line", "for the den");
        await chat.press("#line", "Alt+ArrowUp");
        await isIn(chat, "lobby");
        assert.equal(await chat.inputValue("#line"), "", "one Enter from the wrong people");
        await chat.fill("#line", "for the lobby");
        // What is brought back by an arrow is the room's too.
        await chat.press("#line", "Alt+ArrowDown");
        await isIn(chat, "den");
        assert.equal(await chat.inputValue("#line"), "for the den");
        await chat.reload();
        await state(chat, "open");
        await isIn(chat, "den");
        assert.equal(await chat.inputValue("#line"), "for the den");
        await chat.press("#line", "Enter");
        await line(chat, { text: "for the den", fate: undefined });
        await chat.click('[data-room="lobby"]');
        assert.equal(await chat.inputValue("#line"), "for the lobby");
        await chat.fill("#line", "");
        await chat.press("#line", "ArrowUp");
        assert.equal(await chat.inputValue("#line"), "");
        assert.deepEqual(heard("publish").map(({ room, data }) => [room, data]), [["den", "for the den"]]);
        await chat.reload();
        await state(chat, "open");
        assert.equal(await chat.inputValue("#line"), "", "what was sent is no draft");
        await chat.context().close();
      },

      async function theBytesThatAreLeftAreCountedAndNoMoreAreSent() {
        const { chat, heard } = await scripted();
        const visible = () => chat.isVisible("#left");
        await chat.fill("#line", "x".repeat(3000));
        assert.equal(await visible(), false, "nobody wants to know that early");
        await chat.fill("#line", "x".repeat(4090));
        await counter(chat, "6 bytes left");
        // A byte is no character, and a quote is two bytes of JSON.
        await chat.fill("#line", "é".repeat(2047));
        await counter(chat, "2 bytes left");
        await chat.fill("#line", `${"x".repeat(4094)}"`);
        await counter(chat, "0 bytes left");
        await picture(chat, "writing-near");
        for (const [text, words] of [
          ["x".repeat(4097), "1 byte too long"],
          ["é".repeat(2049), "2 bytes too long"],
          [`//${"x".repeat(4096)}`, "1 byte too long"],
          [`/msg bob ${"x".repeat(4097)}`, "1 byte too long"],
        ]) {
          await chat.fill("#line", text);
          await counter(chat, words);
          assert.equal(await chat.getAttribute("#line", "aria-invalid"), "true");
          await chat.press("#line", "Enter");
          await chat.click(".send");
          assert.equal(await chat.inputValue("#line"), text, "it stays in the field");
          assert.equal(await chat.textContent("#spoken"), `Not sent: this is ${words}.`);
        }
        await picture(chat, "writing-over");
        assert.deepEqual(await lines(chat), []);
        for (const text of ["x".repeat(4096), `//${"x".repeat(4095)}`, "é".repeat(2048)]) {
          await chat.fill("#line", text);
          await counter(chat, "0 bytes left");
          await chat.press("#line", "Enter");
          assert.equal(await visible(), false);
        }
        await until(chat, "all to be said", () => document.querySelectorAll(".message:not(.waiting)").length === 3);
        assert.equal(heard("publish").length, 3);
        assert.equal(heard("direct").length, 0);
        await chat.context().close();
      },

      async function whatTheServerFindsTooLongCanBeEdited() {
        const { chat } = await scripted({ publish: ({ id }) => ({ type: "error", id, code: "too_big", reason: "the message is longer than 3 bytes" }) });
        await type(chat, "four");
        await line(chat, { text: "four", fate: "refused" });
        assert.equal(await chat.locator('[data-act="again"]').count(), 0, "it would be too long again");
        await chat.fill("#line", "five");
        await chat.click('[data-act="edit"]');
        assert.equal(await chat.inputValue("#line"), "four\nfive");
        await until(chat, "the line is gone", () => !document.querySelector(".refused"));
        await chat.context().close();
      },

      async function aWordThatReachesNobodyComesBackIntoTheField() {
        const { chat } = await scripted({ direct: ({ id }) => ({ type: "error", id, code: "no_such_name", reason: "nobody has this name" }) });
        await type(chat, "/msg bbo psst");
        await line(chat, { kind: "notice", text: "Nobody has this name." });
        assert.equal(await chat.inputValue("#line"), "/msg bbo psst");
        await chat.context().close();
      },

      async function alsoIfAnotherRoomIsShownByThen() {
        let id = 0;
        const { chat, tell } = await scripted({ direct: (request) => ((id = request.id), null) });
        await goTo(chat, "den");
        await type(chat, "/msg bbo psst");
        await chat.click('[data-room="lobby"]');
        tell({ type: "error", id, code: "no_such_name", reason: "nobody has this name" });
        await line(chat, { kind: "notice", text: "Nobody has this name." });
        assert.equal(await chat.inputValue("#line"), "");
        await chat.click('[data-room="den"]');
        assert.equal(await chat.inputValue("#line"), "/msg bbo psst");
        await chat.context().close();
      },

      async function aLineWithoutAnAnswerSaysSoAndTheConnectionIsProbed() {
        let isDeaf = false;
        const { chat, server, heard } = await scripted({ publish: () => null, ping: ({ id }) => (isDeaf ? null : { type: "pong", id, at: 1 }) });
        isDeaf = true;
        const pings = heard("ping").length;
        await type(chat, "is this on?");
        await line(chat, { text: "is this on?", fate: "waiting", why: undefined });
        await chat.clock.runFor(4900);
        assert.equal(heard("ping").length, pings);
        await chat.clock.runFor(200);
        await line(chat, { text: "is this on?", fate: "waiting", why: "No answer yet. The connection is being checked." });
        assert.equal(heard("ping").length, pings + 1);
        await picture(chat, "writing-unanswered");
        await chat.clock.runFor(10_000);
        await state(chat, "waiting");
        await line(chat, { text: "is this on?", fate: "waiting", why: undefined });
        assert.equal(server.sockets.length, 1);
        await chat.context().close();
      },

      async function aNameThatNoRoomCanHaveIsExplained() {
        const { chat, heard } = await scripted();
        const made = "A room's name is made of the letters A to Z, digits, dots, dashes and underscores.";
        for (const [name, why] of [
          ["bad room!", `\u2068bad room!\u2069 cannot be a room's name, because of a space. ${made}`],
          ["bad!", `\u2068bad!\u2069 cannot be a room's name, because of \u2068!\u2069. ${made}`],
          ["café", `\u2068café\u2069 cannot be a room's name, because of \u2068é\u2069. ${made}`],
          ["#", `\u2068#\u2069 is no name. ${made}`],
          ["x".repeat(65), `\u2068${"x".repeat(65)}\u2069 has 65 characters. A room's name has 64 at most.`],
        ]) {
          await type(chat, `/join ${name}`);
          await line(chat, { kind: "notice", text: why });
        }
        assert.deepEqual(heard("join").map(({ room }) => room), ["lobby"]);
        await type(chat, "/join #den");
        await isIn(chat, "den");
        await type(chat, "/constructor");
        await line(chat, { kind: "notice", text: "There is no command /constructor. /help shows those there are." });
        await chat.context().close();
      },

      async function leavingARoomCanBeUndone() {
        const { chat, heard, say } = await scripted();
        await goTo(chat, "den");
        await goTo(chat, "attic");
        await chat.click('[data-room="den"]');
        say("bob", "one", "den");
        await line(chat, { text: "one" });
        await chat.fill("#line", "half a");
        await chat.hover('[data-room="den"]');
        await chat.click('[data-leave="den"]');
        await isIn(chat, "attic");
        assert.deepEqual(heard("leave").map(({ room }) => room), ["den"]);
        assert.equal(await chat.innerText("#gone p"), "You left den.");
        assert.equal(await chat.textContent("#spoken"), "You left den. There is a button to undo this.");
        await picture(chat, "writing-undo");
        await chat.click("#undo");
        await isIn(chat, "den");
        assert.equal(await chat.isVisible("#gone"), false);
        assert.deepEqual(await chat.$$eval("#rooms .room", (all) => all.map(({ dataset }) => dataset.room)), ["lobby", "den", "attic"]);
        assert.equal(await chat.inputValue("#line"), "half a");
        assert.deepEqual(await said(chat), ["one"]);
        const { since } = heard("join").at(-1);
        assert.deepEqual(since, { epoch: "e1", seq: 1 }, "what was said meanwhile is asked for");
        // It is not offered for ever, and also for the command.
        await type(chat, "/leave");
        await isIn(chat, "attic");
        assert.equal(await chat.isVisible("#gone"), true);
        await chat.mouse.move(0, 0);
        await chat.clock.runFor(10_000);
        await until(chat, "the offer is withdrawn", () => document.getElementById("gone").hidden);
        await chat.context().close();
      },

      async function aRenameIsOneNoticeAndSoAreSeveral() {
        const { chat, tell } = await scripted({ members: () => null });
        const rename = (from, to, more = {}) =>
          tell({ type: "presence", room: "lobby", joined: [to], left: [from], renamed: [{ from, to }], members: 2, ...more });
        const notice = (text) => line(chat, { kind: "notice", text: (shown) => shown.replace(/[\u2068\u2069]/g, "") === text }, text);
        const names = (...wanted) =>
          until(chat, `the names ${wanted}`, (wanted) => [...document.querySelectorAll("#names .word")].map((it) => it.textContent).join() === wanted, wanted.join());
        tell({ type: "presence", room: "lobby", joined: ["bob"], left: [], members: 2 });
        await notice("bob joined");
        // Nobody has seen bob under the name in between.
        rename("bob", "rob");
        await notice("rob joined");
        tell({ type: "message", room: "lobby", seq: 1, name: "rob", at: Date.now(), data: "hi" });
        await line(chat, { text: "hi" });
        rename("rob", "robert");
        await notice("rob is now robert");
        rename("robert", "bert", { joined: ["bert", "cyn"], members: 3 });
        await notice("cyn joined, rob is now bert");
        await names("bert", "cyn");
        rename("bert", "rob");
        await notice("cyn joined");
        rename("rob", "robert");
        tell({ type: "presence", room: "lobby", joined: [], left: ["robert", "cyn"], members: 1 });
        await notice("rob left");
        await names();
        assert.equal((await lines(chat)).filter(({ kind }) => kind === "notice").length, 2);
        await chat.context().close();
      },

      async function theClockMayBeSetWhileOneWaits() {
        const { chat, server } = await scripted();
        tellRestart(server);
        await state(chat, "waiting");
        assert.equal(await chat.textContent("#retry"), "Next try in 10 s.");
        await chat.clock.setSystemTime("2026-03-01T20:00:00");
        await chat.clock.runFor(1000);
        await until(chat, "the countdown goes on", () => document.getElementById("retry").textContent === "Next try in 9 s.");
        await chat.clock.runFor(9000);
        await state(chat, "open");
        await chat.context().close();
      },

      async function whoQuitHasItsLinesRefusedAndCanSendThemLater() {
        const { chat, heard } = await scripted();
        await type(chat, "/quit");
        await state(chat, "closed");
        await type(chat, "too late");
        await line(chat, { text: "too late", fate: "refused", why: (why) => why.startsWith("Not sent: The connection was closed.") });
        await type(chat, "/join den");
        await line(chat, { kind: "notice", text: "den: The connection was closed." });
        await isIn(chat, "lobby");
        await chat.click("#again");
        await state(chat, "open");
        await chat.click('[data-act="again"]');
        await line(chat, { text: "too late", fate: undefined });
        assert.equal(heard("publish").length, 1);
        await chat.context().close();
      },

      async function guestsDifferInColourAndEveryColourCanBeRead() {
        const { chat, say } = await scripted();
        const names = Array.from({ length: 8 }, (_, n) => `guest-${n + 1}`);
        for (const name of names) say(name, `by ${name}`);
        await line(chat, { text: "by guest-8" });
        const hues = (await lines(chat)).map(({ hue }) => Number(hue));
        const apart = (a, b) => Math.min(Math.abs(a - b), 360 - Math.abs(a - b));
        const odd = [0, 2, 4, 6].map((at) => hues[at]);
        for (const [n, a] of odd.entries()) for (const b of odd.slice(0, n)) assert.ok(apart(a, b) >= 25, odd.join(" "));
        assert.equal(new Set(hues).size, names.length);
        for (const colorScheme of ["light", "dark"]) {
          await chat.emulateMedia({ colorScheme });
          const worst = await chat.evaluate(worstContrast);
          assert.ok(worst.ratio >= 4.5, `${colorScheme}: ${JSON.stringify(worst)}`);
        }
        await chat.context().close();
      },
    ],
  };
}

function tellRestart(server) {
  server.sockets.at(-1).send(JSON.stringify({ type: "bye", reason: "restart", reconnect: true, retry_ms: 10_000 }));
  server.sockets.at(-1).close({ code: 1012 });
}

/** In the page: of all hues that a name can have, the one that is hardest to read on what it stands on. */
function worstContrast() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((it) => (it / 255 <= 0.04045 ? it / 255 / 12.92 : ((it / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = { ratio: 21 };
  for (const surface of ["--paper", "--side"]) {
    const there = luminance(get(surface));
    for (let hue = 0; hue < 360; hue += 1) {
      const here = luminance(`oklch(${get("--name-lightness")} ${get("--name-chroma")} ${hue})`);
      const ratio = (Math.max(here, there) + 0.05) / (Math.min(here, there) + 0.05);
      if (ratio < worst.ratio) worst = { ratio, hue, surface };
    }
  }
  return worst;
}
