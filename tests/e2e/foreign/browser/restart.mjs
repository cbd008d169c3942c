// The server is killed, and starts again at the same address: nothing that it knew is there.

import assert from "node:assert/strict";

import { unique } from "../common.mjs";
import { aLostConnection, call, enter, goTo, isCalled, isIn, line, lines, picture, ready, said, state, type, until } from "./pages.mjs";

export async function restart() {
  const names = [unique("ann"), unique("bob")];
  const rooms = [unique("den"), unique("attic")];
  let pages;

  return {
    checks: [
      async function pagesSayThatTheServerIsGone() {
        pages = [];
        for (const name of names) {
          const page = await enter({ expected: aLostConnection });
          await call(page, name);
          for (const room of rooms) await goTo(page, room);
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
      },

      async function theyComeBackToTheirNamesAndRoomsByThemselves() {
        const [ann, bob] = pages;
        // It may be sent to nobody yet, and is shown.
        await type(ann, "in between");
        await line(ann, { text: "in between", own: true, fate: "waiting" });
        await ready("start");
        for (const [at, page] of pages.entries()) {
          await state(page, "open");
          await isCalled(page, names[at]);
          await isIn(page, rooms[1]);
          assert.equal(await page.isVisible("#banner"), false);
          await line(page, { kind: "gap", text: (text) => text.startsWith("The room began anew") });
        }
        await line(ann, { text: "in between", own: true, fate: undefined });
        await line(bob, { text: "in between", name: names[0] });
        await type(ann, "after");
        await line(bob, { kind: "message", own: false, name: names[0], text: "after" });
        await type(bob, "indeed");
        await line(ann, { kind: "message", own: false, name: names[1], text: "indeed" });
      },

      async function nothingIsShownTwiceAndNothingIsMissing() {
        for (const page of pages) {
          assert.deepEqual(await said(page), ["before", "in between", "after", "indeed"]);
          assert.equal((await lines(page)).filter(({ kind }) => kind === "gap").length, 1);
        }
        const [ann, bob] = pages;
        await ann.click(`[data-room="${rooms[0]}"]`);
        await isIn(ann, rooms[0]);
        await bob.click(`[data-room="${rooms[0]}"]`);
        await type(bob, "here too");
        await line(ann, { text: "here too" });
        assert.deepEqual(await said(ann), ["here too"]);
      },
    ],
  };
}
