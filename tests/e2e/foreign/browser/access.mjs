// For everybody: what axe-core finds, keys, what is read out, colours, and motion.

import assert from "node:assert/strict";

import { tool, unique } from "../common.mjs";
import { Netcat, call, enter, goTo, line, lines, state, type, until } from "./pages.mjs";

export const axe = tool("axe-core").source;

/** What axe-core finds wrong with the page as it is now. */
export async function faults(page, what) {
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], what);
  assert.ok(found.passes.length > 10, "it has looked");
}

export async function access() {
  const room = unique("den");
  const ann = await enter({ reducedMotion: "reduce", expected: (text) => text.includes("TrustedHTML") });
  await call(ann, unique("ann"));
  const nell = await Netcat.enter(unique("nell"), room);
  await goTo(ann, room);
  nell.type("morning, see https://example.org");
  await line(ann, { name: (name) => name?.startsWith("nell") });
  await type(ann, "good morning");
  await type(ann, "/who");
  nell.type("many\u2028lines of words ".repeat(150));
  await line(ann, { text: (text) => text.startsWith("many") });
  await ann.evaluate(axe);

  const everywhere = async (what) => {
    for (const colorScheme of ["light", "dark"]) {
      await ann.emulateMedia({ colorScheme });
      for (const [width, height] of [
        [1200, 800],
        [900, 700],
        [360, 740],
      ]) {
        await ann.setViewportSize({ width, height });
        await faults(ann, `${what}, ${colorScheme}, ${width} wide`);
      }
    }
    await ann.setViewportSize({ width: 1200, height: 800 });
    await ann.emulateMedia({ colorScheme: "light" });
  };

  return {
    checks: [
      async function axeFindsNoFaultInTheConversation() {
        await everywhere("the conversation");
      },

      async function norInWhatIsTooLongAndWhatWasLeft() {
        const left = unique("left");
        await goTo(ann, left);
        await type(ann, "/leave");
        await ann.waitForSelector("#gone:not([hidden])");
        await ann.hover("#gone"); // it stays as long as somebody may press it
        await ann.fill("#line", "x".repeat(4096));
        await everywhere("what is nearly too long");
        await ann.fill("#line", "x".repeat(4097));
        await everywhere("what is too long");
        await ann.fill("#line", "");
        await ann.mouse.move(0, 0);
      },

      async function norInTheDialogs() {
        for (const [open, dialog] of [
          ["#go", "#going"],
          ["#me", "#naming"],
          ["#help", "#helping"],
        ]) {
          await ann.click(open);
          await ann.waitForSelector(`${dialog}[open]`);
          await everywhere(dialog);
          await ann.keyboard.press("Escape");
          await ann.waitForSelector(`${dialog}[open]`, { state: "detached" });
        }
      },

      async function norInWhatSlidesInOnAPhone() {
        for (const colorScheme of ["light", "dark"]) {
          await ann.emulateMedia({ colorScheme });
          await ann.setViewportSize({ width: 360, height: 740 });
          for (const [open, side] of [
            ["[popovertarget=side]", "#side"],
            ["#people", "#members"],
          ]) {
            await ann.click(open);
            await ann.waitForSelector(`${side}:popover-open`);
            await faults(ann, `${side}, ${colorScheme}`);
            await ann.keyboard.press("Escape");
            await ann.waitForSelector(`${side}:popover-open`, { state: "detached" });
          }
        }
        await ann.setViewportSize({ width: 1200, height: 800 });
        await ann.emulateMedia({ colorScheme: "light" });
      },

      async function norWithoutAConnection() {
        await type(ann, "/quit");
        await state(ann, "closed");
        await type(ann, "not sent");
        await line(ann, { text: "not sent", fate: "refused" });
        await everywhere("without a connection");
        await ann.click("#again");
        await state(ann, "open");
      },

      async function aKeyboardIsEnough() {
        await ann.setViewportSize({ width: 1200, height: 800 });
        await ann.focus("#line");
        await ann.keyboard.press("Control+K");
        await ann.waitForSelector("#going[open]");
        const other = unique("attic");
        await ann.keyboard.type(other);
        await ann.keyboard.press("Enter");
        await until(ann, "the room", (room) => document.getElementById("room").textContent === room, other);
        assert.equal(await ann.evaluate(() => document.activeElement.id), "line");
        await ann.keyboard.press("Alt+ArrowUp");
        await until(ann, "the room above", (room) => document.getElementById("room").textContent === room, room);
        // From the first place on: rooms, the conversation, the field, people.
        await ann.focus(".room");
        const visited = ["room"];
        for (let n = 0; n < 20; n += 1) {
          await ann.keyboard.press("Tab");
          const id = await ann.evaluate(() => {
            const { activeElement: it } = document;
            if (it === document.body) return "";
            return it.id || it.className.split(" ")[0];
          });
          if (id && visited.at(-1) !== id) visited.push(id);
        }
        const order = ["room", "go", "help", "log", "me", "line", "person"].map((id) => visited.indexOf(id));
        assert.ok(order.every((at, n) => at >= 0 && (n === 0 || at > order[n - 1])), visited.join(" "));
        // Whoever starts to type, types into the line.
        await ann.focus("#log");
        await ann.keyboard.type("typed");
        assert.equal(await ann.inputValue("#line"), "typed");
        await ann.fill("#line", "");
      },

      async function theLogIsReadOutPolitelyAndAFloodIsCounted() {
        const live = (wanted) =>
          until(ann, `aria-live ${wanted}`, (wanted) => document.getElementById("log").getAttribute("aria-live") === wanted, wanted);
        assert.equal(await ann.getAttribute("#log", "role"), "log");
        await live("polite");
        nell.type("one at a time is read out");
        await line(ann, { text: "one at a time is read out" });
        assert.equal(await ann.getAttribute("#log", "aria-live"), "polite");
        for (let n = 1; n <= 20; n += 1) nell.type(`flood ${n}`);
        await line(ann, { text: "flood 20" });
        await live("off");
        await until(ann, "the count is said", () => /^\d+ new lines\.$/.test(document.getElementById("spoken").textContent));
        await live("polite");
      },

      async function whoWantsNoMotionHasNone() {
        await ann.evaluate(() => (document.documentElement.dataset.state = "connecting"));
        const moving = await ann.$$eval("*", (all) => all.filter((it) => getComputedStyle(it).animationName !== "none").length);
        assert.equal(moving, 0);
        assert.ok((await lines(ann)).length > 0);
      },
    ],
    cleanUp: () => nell.end(),
  };
}
