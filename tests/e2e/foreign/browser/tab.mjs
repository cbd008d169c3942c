// Tabs that are duplicated, loaded anew, frozen, closed and opened again: one person stays one, and a copy becomes another.

import assert from "node:assert/strict";

import { unique } from "../common.mjs";
import { args, call, enter, goTo, isCalled, isIn, line, lines, state, type, until, watch } from "./pages.mjs";

const URL = `http://${args.http}/`;

/** In the page: what a browser copies when it duplicates the tab, or brings back when it opens it again. */
const storage = () => ({ ...sessionStorage });

/** A tab beside this one that has what is in `kept`. */
async function tab(page, kept) {
  const other = watch(await page.context().newPage());
  await other.addInitScript((kept) => {
    if (location.protocol === "http:" && sessionStorage.length === 0) Object.assign(sessionStorage, kept);
  }, kept);
  await other.goto(URL);
  await state(other, "open");
  return other;
}

/** A copy as the browser itself makes it: a page that another opens has a copy of its storage. */
async function duplicate(page, url = URL) {
  const [copy] = await Promise.all([page.waitForEvent("popup"), page.evaluate((url) => void window.open(url), url)]);
  return watch(copy);
}

const rooms = (page) => page.$$eval("#rooms .room", (all) => all.map(({ dataset }) => dataset.room));

/** Somebody with a name in two rooms. Requests of its tabs are noted; those to publish get no further while it is mute. */
async function member(prepare = async () => {}) {
  const [name, room] = [unique("ann"), unique("den")];
  const heard = [];
  const flags = { isMute: false };
  const page = await enter({
    prepare: async (page) => {
      await prepare(page);
      await page.context().routeWebSocket(/\/ws$/, (socket) => {
        const server = socket.connectToServer();
        socket.onMessage((text) => {
          const request = JSON.parse(text);
          heard.push(request);
          if (!flags.isMute || request.type !== "publish") server.send(text);
        });
      });
    },
  });
  await call(page, name);
  await goTo(page, room);
  return { page, name, room, heard, flags, hellos: () => heard.filter(({ type }) => type === "hello") };
}

/** The copy is a guest in the same rooms, the original is who it was, and they hear each other. */
async function areTwo(ann, copy) {
  await state(copy, "open");
  await until(copy, "a guest's name", () => /^guest-\d+$/.test(document.getElementById("me").textContent));
  await isIn(copy, ann.room);
  assert.deepEqual(await rooms(copy), ["lobby", ann.room]);
  await line(copy, { kind: "notice", text: (text) => text.startsWith("This tab is a copy of another, so here you are guest-") });
  const { name, secret } = ann.hellos().at(-1);
  assert.deepEqual([name, secret], [undefined, undefined], "it asks for nothing that is the original's");
  const words = unique("words");
  await type(copy, words);
  await line(ann.page, { text: words, name: await copy.textContent("#me"), own: false });
  assert.equal(await ann.page.textContent("#me"), ann.name);
  assert.equal(await ann.page.textContent("#status"), "connected");
}

export async function tabs() {
  return {
    checks: [
      async function theOriginalStaysAndTheCopyIsSomebodyElseInTheSameRooms() {
        const ann = await member();
        const copy = await duplicate(ann.page);
        await areTwo(ann, copy);
        // Both are who they are for good.
        for (const [page, name] of [[copy, await copy.textContent("#me")], [ann.page, ann.name], [ann.page, ann.name]]) {
          await page.reload();
          await state(page, "open");
          await isCalled(page, name);
          await isIn(page, ann.room);
        }
        // The name of the day stays the one that was chosen.
        assert.equal(await copy.evaluate(() => localStorage.getItem("chinwag-name")), JSON.stringify(ann.name));
        await ann.page.context().close();
      },

      async function whatTheOriginalHasNotSentYetIsSentByItAlone() {
        const ann = await member();
        ann.flags.isMute = true;
        await type(ann.page, "said once");
        await line(ann.page, { text: "said once", fate: "waiting" });
        await ann.page.fill("#line", "a draft");
        const copy = await duplicate(ann.page);
        await state(copy, "open");
        await isIn(copy, ann.room);
        ann.flags.isMute = false;
        await areTwo(ann, copy);
        assert.equal(await copy.inputValue("#line"), "");
        assert.equal((await lines(copy)).some(({ text }) => text === "said once"), false);
        assert.equal(ann.heard.filter(({ data }) => data === "said once").length, 1);
        await ann.page.context().close();
      },

      async function theOriginalOfACopyMayBeFrozen() {
        const ann = await member();
        const copy = await duplicate(ann.page, "about:blank");
        const devtools = await ann.page.context().newCDPSession(ann.page);
        await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
        await copy.goto(URL);
        await until(copy, "a guest's name", () => /^guest-\d+$/.test(document.getElementById("me").textContent));
        await devtools.send("Page.setWebLifecycleState", { state: "active" });
        await areTwo(ann, copy);
        await ann.page.context().close();
      },

      async function aTabThatIsOpenedAgainKeepsTheName() {
        const ann = await member();
        const kept = await ann.page.evaluate(storage);
        await ann.page.close({ runBeforeUnload: false });
        const again = await tab(await ann.page.context().newPage(), { ...kept });
        await isCalled(again, ann.name);
        await isIn(again, ann.room);
        await again.context().close();
      },

      async function ofACopyAndAReopenedOriginalTheFirstToBeLoadedGoesOn() {
        const ann = await member();
        const kept = await ann.page.evaluate(storage);
        const context = ann.page.context();
        await ann.page.close();
        const blank = await context.newPage();
        // A duplicate in the background that is loaded only now, and the original from the list of closed tabs.
        const copy = await tab(blank, kept);
        await isCalled(copy, ann.name);
        const reopened = await tab(blank, kept);
        await areTwo({ ...ann, page: copy }, reopened);
        await context.close();
      },

      async function thePageOnAHostWithoutLocksKnowsItsCopiesToo() {
        const ann = await member((page) =>
          page.context().addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined })),
        );
        const copy = await duplicate(ann.page);
        await areTwo(ann, copy);
        await ann.page.reload();
        await state(ann.page, "open");
        await isCalled(ann.page, ann.name);
        await ann.page.context().close();
      },

      async function whoHasRenamedAndReloadedStillOwnsItsEarlierLines() {
        const ann = await member();
        await type(ann.page, "under the old name");
        await line(ann.page, { text: "under the old name", fate: undefined });
        const name = unique("anna");
        await call(ann.page, name);
        await type(ann.page, "under the new one");
        await line(ann.page, { text: "under the new one", fate: undefined });
        // Somebody else has the old name now.
        const bob = await enter();
        await call(bob, ann.name);
        await goTo(bob, ann.room);
        await type(bob, "not hers");
        await line(ann.page, { text: "not hers" });
        await ann.page.reload();
        await state(ann.page, "open");
        await isCalled(ann.page, name);
        await line(ann.page, { text: "not hers" });
        const said = (await lines(ann.page)).filter(({ kind }) => kind === "message").map(({ text, own }) => [text, own]);
        assert.deepEqual(said, [["under the old name", true], ["under the new one", true], ["not hers", false]]);
        // Nor is it hers once she has the old name back.
        await call(bob, unique("bob"));
        await call(ann.page, ann.name);
        await ann.page.reload();
        await state(ann.page, "open");
        await line(ann.page, { text: "under the new one", own: true });
        await line(ann.page, { text: "not hers", own: false });
        await ann.page.context().close();
        await bob.context().close();
      },
    ],
  };
}

export { tabs as tab };
