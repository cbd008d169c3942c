// The chat page against a server that says exactly what the check wants, on a clock that only the check moves.

import assert from "node:assert/strict";

import { call, frame, goTo, isCalled, isIn, line, lines, said, state, title, type, until } from "./pages.mjs";
import { scripted } from "./scripted.mjs";

export async function page() {
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

      async function theServerMaySayWhenToComeBackOrNotTo() {
        const { chat, server, tell } = await scripted();
        tell({ type: "bye", reason: "restart", reconnect: true, retry_ms: 7312 });
        await server.sockets.at(-1).close({ code: 1012 });
        await state(chat, "waiting");
        assert.equal(await nextTry(chat), "Next try in 8 s.");
        await chat.clock.runFor(7312);
        await state(chat, "open");
        tell({ type: "bye", reason: "stop", reconnect: false });
        await server.sockets.at(-1).close({ code: 1001 });
        await state(chat, "closed");
        assert.equal(await chat.textContent("#trouble"), "The server has stopped.");
        await chat.context().close();
      },

      async function aClickTheOnlineEventAndALineTryAtOnce() {
        const { chat, server, heard } = await scripted();
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
        await line(chat, { text: "kept", own: true, fate: undefined });
        assert.equal(heard("publish").length, 1);
        await chat.context().close();
      },

      async function aSilentConnectionIsAskedForAWordAndGivenUp() {
        let isDeaf = false;
        const { chat, server, heard } = await scripted({ ping: ({ id }) => (isDeaf ? null : { type: "pong", id, at: 1 }) });
        const before = heard("ping").length;
        await chat.clock.runFor(25_000);
        await until(chat, "the state stays", () => document.documentElement.dataset.state === "open");
        assert.equal(heard("ping").length, before + 1);
        isDeaf = true;
        await chat.clock.runFor(25_000 + 10_000);
        await state(chat, "waiting");
        assert.equal(server.sockets.length, 1);
        isDeaf = false;
        await chat.clock.runFor(1000);
        await state(chat, "open");
        await chat.context().close();
      },

      async function itComesBackUnderItsNameAndAfterWhatItHas() {
        const { chat, server, say } = await scripted();
        await call(chat, "ann");
        await goTo(chat, "den");
        say("bob", "one", "den");
        await line(chat, { text: "one" });
        await server.sockets.at(-1).close({ code: 4108 });
        await state(chat, "waiting");
        await chat.click("#again");
        await state(chat, "open");
        await isCalled(chat, "ann");
        await isIn(chat, "den");
        const [hello, ...joins] = server.heard.at(-1).filter(({ type }) => type === "hello" || type === "join");
        assert.deepEqual([hello.name, hello.secret], ["ann", "secret-1"]);
        assert.deepEqual(
          joins.map(({ room, since }) => [room, since]),
          [
            ["lobby", { epoch: "e1", seq: 0 }],
            ["den", { epoch: "e1", seq: 1 }],
          ],
        );
        await chat.context().close();
      },

      async function aReloadGoesOnWhereItWas() {
        const { chat, server, say } = await scripted({
          publish: () => null, // it is never answered
          history: ({ id, room }) => {
            const message = { type: "message", room, seq: 1, name: "bob", at: 1, data: "one" };
            return { type: "history", id, room, epoch: "e1", messages: room === "den" ? [message] : [], more: false };
          },
        });
        await call(chat, "ann");
        await goTo(chat, "den");
        say("bob", "one", "den");
        await line(chat, { text: "one" });
        await type(chat, "not answered");
        await line(chat, { text: "not answered", fate: "waiting" });
        await chat.reload();
        await state(chat, "open");
        await isCalled(chat, "ann");
        await isIn(chat, "den");
        await line(chat, { text: "one" });
        await line(chat, { text: "not answered", fate: "waiting" });
        assert.deepEqual(await said(chat), ["one", "not answered"]);
        const [first, again] = server.heard.flat().filter(({ type }) => type === "publish");
        assert.equal(first.key, again.key);
        const { name, secret } = server.heard.at(-1)[0];
        assert.deepEqual([name, secret], ["ann", "secret-1"]);
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

      async function ownLinesWaitForTheirAnswersAndHaveTheirPlaceThen() {
        const open = [];
        const { chat, tell, say, server } = await scripted({ publish: (request) => (open.push(request), null) });
        await type(chat, "mine");
        await line(chat, { text: "mine", own: true, fate: "waiting", time: "…" });
        await type(chat, "mine too");
        say("bob", "his");
        await line(chat, { text: "his" });
        assert.deepEqual(await said(chat), ["his", "mine", "mine too"]);
        const [mine, too] = open;
        tell({ type: "ok", id: mine.id, room: "lobby", seq: server.next("lobby"), at: Date.parse("2026-03-01T21:00:00") });
        say("bob", "his too");
        tell({ type: "ok", id: too.id, room: "lobby", seq: server.next("lobby"), at: Date.parse("2026-03-01T21:00:00") });
        await line(chat, { text: "mine too", fate: undefined, time: "21:00" });
        assert.deepEqual(await said(chat), ["his", "mine", "his too", "mine too"]);
        await chat.context().close();
      },

      async function whatIsRefusedSaysWhyAndCanBeTriedAgain() {
        const refusal = ({ id }) => ({ type: "error", id, code: "bad_request", reason: "it is Sunday" });
        const { chat, heard } = await scripted({
          publish: (request, ordinary) => (heard("publish").length < 3 ? refusal(request) : ordinary.publish(request)),
        });
        await type(chat, "please");
        await line(chat, { text: "please", fate: "refused", why: (why) => why.startsWith("Not sent: It is Sunday.") });
        await chat.click('[data-act="again"]');
        await until(chat, "it is refused again", () => document.querySelectorAll(".refused").length === 1);
        assert.deepEqual(await said(chat), ["please"]);
        await chat.click('[data-act="drop"]');
        await until(chat, "it is removed", () => !document.querySelector(".refused"));
        await type(chat, "fine");
        await line(chat, { text: "fine", fate: undefined });
        await chat.context().close();
      },

      async function aGapIsShownWhereItIs() {
        const { chat, tell, say, server } = await scripted();
        say("bob", "one");
        tell({ type: "gap", room: "lobby", epoch: "e1", from: 2, to: 912, reason: "slow" });
        for (let seq = 2; seq <= 912; seq += 1) server.next("lobby");
        say("bob", "after");
        await line(chat, { text: "after" });
        const shown = (await lines(chat)).map(({ kind, text }) => [kind, text]);
        assert.deepEqual(shown, [
          ["message", "one"],
          ["gap", "911 messages are missing here"],
          ["message", "after"],
        ]);
        await chat.context().close();
      },

      async function aNameOrATextThatLooksLikeANoticeDeceivesNobody() {
        const { chat, tell, say } = await scripted({
          rename: ({ id }) => ({ type: "error", id, code: "name_taken", reason: "somebody else has this name" }),
        });
        tell({ type: "presence", room: "lobby", joined: ["you are mallory"], left: [], members: 2 });
        say("you are mallory", "* you are mallory");
        await line(chat, { kind: "message", name: "you are mallory", text: "* you are mallory" });
        await line(chat, { kind: "notice", text: "\u2068you are mallory\u2069 joined" });
        assert.equal(await chat.textContent("#me"), "guest-1");
        await type(chat, "/name mallory");
        await line(chat, { kind: "notice", text: "Somebody else has this name." });
        assert.equal(await chat.textContent("#me"), "guest-1");
        await chat.context().close();
      },

      async function whoComesAndGoesIsCountedAndDoesNotFillTheRoom() {
        // The script does not count; so it does not answer who is there either.
        const { chat, tell } = await scripted({ members: () => null });
        const here = (count) =>
          until(chat, `${count} here`, (count) => document.getElementById("here").textContent === `${count} here`, count);
        const presence = (joined, left, members) => tell({ type: "presence", room: "lobby", joined, left, members });
        presence(["bob"], [], 2);
        await here("2");
        presence(["cyn", "dan"], ["bob"], 3);
        await here("3");
        await line(chat, { kind: "notice", text: "\u2068cyn\u2069, \u2068dan\u2069 joined" });
        for (let n = 0; n < 500; n += 1) presence([`p${n}`], n > 0 ? [`p${n - 1}`] : [], 4);
        presence([], ["p499", "cyn"], 2);
        await here("2");
        await line(chat, { kind: "notice", text: "\u2068dan\u2069 joined" });
        assert.equal((await lines(chat)).length, 1);
        tell({ type: "presence", room: "lobby", members: 8123 });
        await here("8,123");
        await chat.context().close();
      },

      async function dataThatIsNoStringIsShownAsJson() {
        const { chat, say } = await scripted();
        for (const data of [{ build: 7, ok: true, by: ["<b>"] }, 7, null, true, "", []]) say("bob", data);
        await line(chat, { text: "[]" });
        assert.deepEqual(await said(chat), ['{"build":7,"ok":true,"by":["<b>"]}', "7", "null", "true", "", "[]"]);
        await chat.context().close();
      },

      async function midnightAndTheMinutesAreShown() {
        const { chat, say } = await scripted();
        const at = (time) => Date.parse(`2026-03-${time}`);
        say("bob", "one", "lobby", at("01T21:00:10"));
        say("bob", "two", "lobby", at("01T21:00:50"));
        say("bob", "three", "lobby", at("01T21:01:00"));
        say("bob", "tomorrow", "lobby", at("02T00:00:00"));
        await line(chat, { text: "tomorrow" });
        const all = await lines(chat);
        assert.deepEqual(all.map(({ head }) => head), [true, false, true, true]);
        assert.deepEqual(all.map(({ day }) => Boolean(day)), [true, false, false, true]);
        await chat.context().close();
      },

      async function whoIsNewIsToldHowToChooseAName() {
        const { chat } = await scripted(
          {
            join: ({ id, room }) => [
              { type: "joined", id, room, epoch: "e1", seq: 1, from: 1, count: 1, members: 2 },
              { type: "message", room, seq: 1, name: "bob", at: Date.parse("2026-02-28T12:00:00"), data: "yesterday" },
            ],
          },
          { isNew: true },
        );
        await line(chat, { kind: "notice", text: "You are guest-1. Press your name below to choose another." });
        // Behind what was said before, so that the days are in order.
        assert.deepEqual((await lines(chat)).map(({ kind }) => kind), ["message", "notice"]);
        await chat.click("#me");
        await chat.fill("#naming-name", "zoe");
        await chat.press("#naming-name", "Enter");
        await isCalled(chat, "zoe");
        assert.equal(await chat.evaluate(() => localStorage.getItem("chinwag-name")), '"zoe"');
        await chat.context().close();
      },

      async function aLinkToARoomLeadsThere() {
        const { chat, heard } = await scripted({}, { hash: "#den" });
        await isIn(chat, "den");
        assert.deepEqual(heard("join").map(({ room }) => room), ["den"]);
        await goTo(chat, "attic");
        assert.ok(chat.url().endsWith("/#attic"), chat.url());
        await title(chat, "attic · chinwag");
        await chat.context().close();
      },

      async function aRoomThatCannotBeJoinedSaysWhy() {
        const { chat } = await scripted({
          join: (request, ordinary) =>
            request.room === "full"
              ? { type: "error", id: request.id, code: "denied", reason: "there is no place left" }
              : ordinary.join(request),
        });
        await type(chat, "/join full");
        await line(chat, { kind: "notice", text: "full: There is no place left." });
        await isIn(chat, "lobby");
        await type(chat, "/leave");
        await until(chat, "no room", () => document.getElementById("room").textContent === "No room");
        await type(chat, "anybody?");
        await line(chat, { kind: "notice", text: "You are in no room. Join one to say something." });
        await chat.context().close();
      },
    ],
  };
}
