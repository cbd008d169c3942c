// Ten thousand messages, scrolled through, and many at once: the document stays small, and lacks nothing.

import assert from "node:assert/strict";

import { unique } from "../common.mjs";
import { Netcat, atTheEnd, enter, frame, goTo, line, said, until } from "./pages.mjs";

const MESSAGES = 10_000;
const LINES_MAX = 2000;
const BURST = 3000;

export async function scroll() {
  const room = unique("den");
  const nell = await Netcat.enter(unique("nell"), room);
  for (let n = 1; n <= MESSAGES; n += 1) nell.type(`line ${n}`);
  nell.type("/ping");
  await nell.read((said) => said === "* pong", "all to be said");
  const page = await enter();

  /** In the page: the numbers of the first and the last line, and whether those between are all there. */
  const shown = () => {
    const numbers = [...document.querySelectorAll("#log .message .text")].map((text) => Number(text.textContent.slice("line ".length)));
    const isWhole = numbers.every((number, at) => at === 0 || number === numbers[at - 1] + 1);
    return { first: numbers[0], last: numbers.at(-1), count: numbers.length, isWhole };
  };

  const whole = async () => {
    const now = await page.evaluate(shown);
    assert.ok(now.isWhole && now.count <= LINES_MAX, JSON.stringify(now));
    return now;
  };

  const edge = (side) => page.evaluate(shown).then((now) => now[side]);

  /** Scrolls to one end of what is there, and waits for more. */
  const step = async (side) => {
    const before = await edge(side);
    await page.$eval("#log", (log, side) => (log.scrollTop = side === "first" ? 0 : log.scrollHeight), side);
    await until(
      page,
      `more than ${before} at the ${side}`,
      ([side, before]) => {
        const all = document.querySelectorAll("#log .message .text");
        return Number((side === "first" ? all[0] : all[all.length - 1]).textContent.slice("line ".length)) !== before;
      },
      [side, before],
    );
    await whole();
  };

  /** Until that line is at that end; returns how often. */
  const scrollTo = async (side, number) => {
    let steps = 0;
    for (; (await edge(side)) !== number; steps += 1) await step(side);
    return steps;
  };

  return {
    checks: [
      async function itBeginsAtTheEnd() {
        await goTo(page, room);
        await line(page, { text: `line ${MESSAGES}` });
        await until(page, "the end is in sight", atTheEnd);
        assert.ok((await whole()).count < LINES_MAX, "not all of it is fetched at once");
      },

      async function tenThousandMessagesAreScrolledUpToTheFirst() {
        assert.ok((await scrollTo("first", 1)) > 30);
        assert.equal((await whole()).count, LINES_MAX);
      },

      async function whatIsReadStaysWhereItIs() {
        await page.$eval("#log", (log) => (log.scrollTop = 900));
        await frame(page);
        const top = await page.$eval("#log", (log) => log.scrollTop);
        nell.type("line 10001");
        await until(page, "the count of what is new", () => document.getElementById("newer").textContent === "1 new line");
        assert.equal(await page.$eval("#log", (log) => log.scrollTop), top);
        assert.equal((await whole()).last, LINES_MAX);
      },

      async function andDownAgainToTheLast() {
        assert.ok((await scrollTo("last", MESSAGES + 1)) > 30);
        await page.$eval("#log", (log) => (log.scrollTop = log.scrollHeight));
        await until(page, "the end is in sight", atTheEnd);
        nell.type("line 10002");
        await line(page, { text: "line 10002" });
        await until(page, "the end is followed", atTheEnd);
        await whole();
      },

      async function thereIsAShortWayBack() {
        while ((await whole()).last > MESSAGES - LINES_MAX) await step("first");
        // What is in no history must not get lost meanwhile.
        nell.type(`/msg ${await page.textContent("#me")} are you there?`);
        await until(page, "the word is counted", () => document.getElementById("newer").textContent === "1 new line");
        assert.equal((await whole()).last < MESSAGES, true);
        // Also while a page of history is on its way.
        await page.evaluate(async () => {
          document.getElementById("log").scrollTop = 0;
          await new Promise(requestAnimationFrame);
          document.getElementById("newer").click();
        });
        await line(page, { text: "line 10002" });
        await line(page, { kind: "direct", text: "are you there?" });
        await until(page, "the end is in sight", atTheEnd);
        await whole();
      },

      async function aBurstIsFollowedAndNothingIsLeftOut() {
        for (let n = 1; n <= BURST; n += 1) nell.type(`line ${MESSAGES + 2 + n}`);
        const last = MESSAGES + 2 + BURST;
        await line(page, { text: `line ${last}` });
        const now = await whole();
        assert.deepEqual([now.last, now.count], [last, LINES_MAX]);
        await until(page, "the end is in sight", atTheEnd);
      },

      async function whoReadsAboveKeepsTheirPlaceHoweverMuchIsSaid() {
        const place = () =>
          page.$$eval("#log .line", (all) => {
            const edge = document.getElementById("log").getBoundingClientRect().top;
            const first = all.find((line) => line.getBoundingClientRect().bottom > edge);
            return `${first.querySelector(".text").textContent} at ${Math.round(first.getBoundingClientRect().top)}`;
          });
        await page.$eval("#log", (log) => (log.scrollTop = 9000));
        await frame(page);
        const before = await place();
        const last = MESSAGES + 2 + BURST;
        for (let n = 1; n <= BURST; n += 1) nell.type(`line ${last + n}`);
        await until(page, "the count of what is new", () => document.getElementById("newer").textContent === "3,000 new lines");
        assert.equal(await place(), before);
        assert.equal((await whole()).last, last, "the document stays as it is");
        await page.click("#newer");
        await line(page, { text: `line ${last + BURST}` });
        await until(page, "the end is in sight", atTheEnd);
      },

      async function whatTheDocumentHasLetGoOfComesBack() {
        while ((await edge("first")) > MESSAGES) await step("first");
      },
    ],
    cleanUp: () => nell.end(),
  };
}
