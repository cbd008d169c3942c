// The cable is cut, and the server does not know: it holds the name, and all that was said is there to be had.

import assert from "node:assert/strict";

import { Cable } from "../cable.mjs";
import { unique } from "../common.mjs";
import { Netcat, aLostConnection, args, call, enter, goTo, isCalled, isIn, line, lines, picture, said, state, type } from "./pages.mjs";

export async function cut() {
  const cable = await Cable.to(args.http);
  const names = [unique("ann"), unique("bob"), unique("nell")];
  const room = unique("den");
  const ann = await enter({ host: cable.address, expected: aLostConnection });
  const bob = await enter();
  await call(ann, names[0]);
  await call(bob, names[1]);
  await goTo(ann, room);
  await goTo(bob, room);
  const nell = await Netcat.enter(names[2], room);

  const comeBack = async () => {
    cable.mend();
    // It may have come back by itself just now.
    await ann.$eval("#again", (button) => button.click());
    await state(ann, "open");
    await isCalled(ann, names[0]);
    await isIn(ann, room);
  };

  return {
    checks: [
      async function whatWasMissedIsFilledIn() {
        await type(ann, "one");
        await line(bob, { text: "one" });
        await type(bob, "two");
        await line(ann, { text: "two" });
        cable.cut();
        await state(ann, "waiting");
        await type(bob, "three");
        nell.type("four");
        await line(bob, { text: "four" });
        await type(bob, "five");
        await line(bob, { text: "five", fate: undefined });
        await picture(ann, "chat-cut");
        await comeBack();
        await line(ann, { text: "five" });
        for (const page of [ann, bob]) assert.deepEqual(await said(page), ["one", "two", "three", "four", "five"]);
        assert.equal((await lines(ann)).filter(({ kind }) => kind === "gap").length, 0);
      },

      async function whatIsTypedWithoutAConnectionIsSentLater() {
        cable.cut();
        await state(ann, "waiting");
        await type(ann, "six");
        await line(ann, { text: "six", fate: "waiting" });
        await comeBack();
        await line(bob, { text: "six", name: names[0] });
        await line(ann, { text: "six", fate: undefined });
      },

      async function aLineWhoseAnswerIsLostIsSaidOnce() {
        cable.swallow("down");
        await type(ann, "seven");
        await line(bob, { text: "seven", name: names[0] });
        await line(ann, { text: "seven", fate: "waiting" });
        cable.cut();
        await state(ann, "waiting");
        await type(bob, "eight");
        await line(bob, { text: "eight", fate: undefined });
        await comeBack();
        await line(ann, { text: "eight" });
        await line(ann, { text: "seven", fate: undefined });
        const all = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
        for (const page of [ann, bob]) assert.deepEqual(await said(page), all);
      },

      async function aLineThatIsLostOnTheWayIsSaidOnceToo() {
        cable.swallow("up");
        await type(ann, "nine");
        await line(ann, { text: "nine", fate: "waiting" });
        cable.cut();
        await state(ann, "waiting");
        await comeBack();
        await line(bob, { text: "nine", name: names[0] });
        await line(ann, { text: "nine", fate: undefined });
        assert.equal((await said(bob)).filter((text) => text === "nine").length, 1);
      },

      async function aPageThatIsLeftInTheTunnelLosesNothingEither() {
        cable.swallow("down");
        await type(ann, "ten");
        await line(bob, { text: "ten" });
        await ann.goto("about:blank");
        cable.cut();
        cable.mend();
        await ann.goto(`http://${cable.address}/#${room}`);
        await state(ann, "open");
        await isCalled(ann, names[0]);
        await line(ann, { text: "ten", fate: undefined });
        await line(ann, { text: "one" });
        for (const page of [ann, bob]) {
          assert.deepEqual(await said(page), ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]);
        }
      },

      async function whatIsForgottenMeanwhileIsShownAsAGap() {
        cable.cut();
        await state(ann, "waiting");
        // The server remembers a hundred.
        for (let n = 1; n <= 150; n += 1) nell.type(`flood ${n}`);
        await line(bob, { text: "flood 150" });
        await comeBack();
        await line(ann, { text: "flood 150" });
        const shown = (await lines(ann)).filter(({ kind }) => kind === "message" || kind === "gap").map(({ text }) => text);
        const rest = Array.from({ length: 100 }, (_, n) => `flood ${n + 51}`);
        assert.deepEqual(shown.slice(shown.indexOf("ten")), ["ten", "50 messages are missing here", ...rest]);
      },
    ],
    cleanUp: () => {
      cable.close();
      nell.end();
    },
  };
}
