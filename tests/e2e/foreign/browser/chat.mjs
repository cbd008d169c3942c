// Two pages and a netcat in one room, and what they do to each other.

import assert from "node:assert/strict";

import { isPresence, unique } from "../common.mjs";
import {
  Netcat, atTheEnd, call, enter, fits, frame, goTo, isCalled, isIn, line, lines, picture, state, title, type, until,
} from "./pages.mjs";

export async function chat() {
  const annName = unique("ann");
  const bobName = `<b>${unique("bob")}</b>`; // a name may be any words, so also these
  const nellName = unique("nell");
  const room = unique("den"); // after the lobby: whoever else is on this server is not in the way
  const checks = [];

  const ann = await enter({ expected: (text) => text.includes("requires 'TrustedHTML' assignment") });
  let bob;
  let nell;

  checks.push(async function aPageWelcomesAndListens() {
    assert.match(await ann.textContent("#me"), /^guest-\d+$/);
    assert.equal(await ann.textContent("#room"), "lobby");
    assert.match(await ann.textContent("#here"), /^\d+ here$/);
    assert.equal(await ann.textContent("#status"), "connected");
    assert.equal(await ann.isVisible("#banner"), false);
    assert.equal(await ann.evaluate(() => document.activeElement.id), "line");
  });

  checks.push(async function everyoneIsToldWhoComes() {
    bob = await enter();
    const guest = await bob.textContent("#me");
    const told = (page, joined) =>
      line(page, { kind: "notice", text: (text) => isPresence(text.replace(/[\u2068\u2069]/g, ""), { joined }) }, `"${joined} joined"`);
    await told(ann, guest);
    await call(ann, annName);
    await goTo(ann, room);
    await call(bob, bobName);
    await goTo(bob, room);
    nell = await Netcat.enter(nellName, room);
    for (const name of [bobName, nellName]) {
      await until(ann, `${name} among the members`, (name) => document.getElementById("names").innerText.includes(name), name);
    }
    assert.equal(await ann.textContent("#here"), "3 here");
    await type(ann, `/name ${annName}2`);
    await until(ann, "the new name among the members", (name) => document.querySelector("#names .you")?.parentElement.innerText.startsWith(name), `${annName}2`);
    const notice = `\u2068${annName}\u2069 is now \u2068${annName}2\u2069`;
    await line(bob, { kind: "notice", text: (text) => text.endsWith(notice) }, notice);
    await call(ann, annName);
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
    assert.deepEqual([hers[0].kind, hers[0].own, hers[0].name, hers[0].fate], ["message", true, annName, undefined]);
    const others = (await lines(ann)).filter(({ kind, name }) => kind === "message" && name !== annName);
    assert.ok(others.length > 0 && others.every(({ own }) => !own));
    assert.match(hers[0].time, /^\d\d:\d\d$/);
  });

  checks.push(async function aNameHasTheSameColourEverywhere() {
    const hueOf = async (page, name) => (await line(page, { name })).hue;
    for (const name of [annName, bobName, nellName]) assert.equal(await hueOf(ann, name), await hueOf(bob, name));
  });

  checks.push(async function markupStaysText() {
    const attack = '<img src="/x" onerror="document.title=`taken`"><script>document.title="taken"</script>';
    nell.type(attack);
    for (const page of [ann, bob]) {
      await line(page, { kind: "message", name: nellName, text: attack });
      assert.equal(await page.locator(":is(#log, #names, #rooms) :is(img, script, b)").count(), 0);
      assert.equal(await page.title(), `${room} · chinwag`);
    }
    await type(ann, attack);
    await line(bob, { kind: "message", name: annName, text: attack });
    await line(ann, { kind: "message", own: true, text: attack });
    assert.equal(await ann.locator("#log :is(img, script, b)").count(), 0);
  });

  checks.push(async function whatIsAddedAsMarkupIsRefused() {
    // The page's policy takes no string for markup, whoever makes the mistake.
    const thrown = await ann.evaluate(() => {
      try {
        document.createElement("div").innerHTML = "<b>";
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(thrown, "TypeError");
  });

  checks.push(async function addressesAreLinksAndNothingElseIs() {
    nell.type("see https://example.org/a?b=c#d, (http://example.org) and javascript:alert(1) or data:text/html,x");
    nell.type("https://bank.example@evil.example/ https:// ftp://example.org file:///etc/passwd");
    nell.type("that was it");
    await line(ann, { text: "that was it" });
    const links = await ann.$$eval("#log a", (links) => links.map(({ href, rel, target, textContent }) => [textContent, href, rel, target]));
    const safe = ["noopener noreferrer nofollow ugc", "_blank"];
    assert.deepEqual(links, [
      ["https://example.org/a?b=c#d", "https://example.org/a?b=c#d", ...safe],
      ["http://example.org", "http://example.org/", ...safe],
    ]);
  });

  checks.push(async function hugeThingsStayWithinTheirBounds() {
    nell.type("w".repeat(4096));
    nell.type("\u0301".repeat(500) + "zalgo"); // marks that pile up above a letter
    nell.type("ﷺ".repeat(300)); // the widest of all characters
    nell.type("مرحبا <- from right to left");
    const name = `${unique("w")}${"W".repeat(23)}`;
    nell.type(`/name ${name}`);
    nell.type("who is this?");
    await line(ann, { name, text: "who is this?" });
    for (const width of [1000, 320]) {
      await ann.setViewportSize({ width, height: 700 });
      await fits(ann);
      await until(ann, "nothing is wider than the log", () => document.getElementById("log").scrollWidth <= document.getElementById("log").clientWidth);
    }
    await ann.setViewportSize({ width: 1000, height: 700 });
    const folded = ann.locator(".folded");
    assert.equal(await folded.count(), 1);
    assert.ok((await folded.boundingBox()).height < 300);
    await ann.locator(".unfold").click();
    assert.equal(await ann.locator(".folded").count(), 0);
    nell.type(`/name ${nellName}`);
    nell.type("it is nell");
    await line(ann, { name: nellName, text: "it is nell" });
  });

  checks.push(async function commandsAndSlashes() {
    await type(ann, "/who");
    await line(ann, { kind: "notice", text: (text) => text.startsWith("3 here: ") && text.includes(bobName) }, "the answer to /who");
    await type(ann, "//etc is a path");
    await line(ann, { kind: "message", own: true, text: "/etc is a path" });
    await line(bob, { kind: "message", own: false, text: "/etc is a path" });
    await type(ann, "/dance");
    await line(ann, { kind: "notice", text: "There is no command /dance. /help shows those there are." });
    await type(ann, `/msg ${nellName} psst`);
    await nell.read((said) => said === `[${annName} -> you] psst`, "the word to nell alone");
    await line(ann, { kind: "direct", own: true, text: "psst" });
    nell.type(`/msg ${annName} what?`);
    await line(ann, { kind: "direct", own: false, name: nellName, text: "what?" });
    await type(ann, "/ping");
    await line(ann, { kind: "notice", text: (text) => /^An answer takes \d+ ms\.$/.test(text) });
    await ann.press("#line", "ArrowUp");
    await ann.press("#line", "ArrowUp");
    assert.equal(await ann.inputValue("#line"), `/msg ${nellName} psst`);
    await ann.press("#line", "ArrowDown");
    await ann.press("#line", "ArrowDown");
    assert.equal(await ann.inputValue("#line"), "");
  });

  checks.push(async function aMessageMayHaveSeveralLines() {
    await ann.fill("#line", "one");
    await ann.press("#line", "Shift+Enter");
    await ann.keyboard.type("two");
    await ann.press("#line", "Enter");
    await line(bob, { kind: "message", text: "one\ntwo" });
    await nell.read((said) => said === `[${annName}] one\\ntwo`, "both lines in one at netcat");
  });

  checks.push(async function severalRoomsAtOnceAndWhatIsUnreadInThem() {
    const second = unique("attic");
    await goTo(ann, second);
    assert.equal(await ann.textContent("#here"), "1 here");
    assert.deepEqual(await lines(ann).then((all) => all.filter(({ kind }) => kind === "message")), []);
    nell.type("where is ann?");
    await title(ann, `(1) ${second} · chinwag`);
    nell.type("ann?");
    await title(ann, `(2) ${second} · chinwag`);
    const badge = `[data-room="${room}"] .count`;
    await until(ann, "the count at the room", (badge) => document.querySelector(badge).textContent === "2", badge);
    await ann.click(`[data-room="${room}"]`);
    await title(ann, `${room} · chinwag`);
    await line(ann, { name: nellName, text: "ann?" });
    await ann.press("#line", "Alt+ArrowDown");
    await isIn(ann, second);
    await type(ann, "/leave");
    await isIn(ann, room);
    assert.equal(await ann.locator(`[data-room="${second}"]`).count(), 0);
  });

  checks.push(async function thePageFollowsOnlyFromTheEnd() {
    await ann.setViewportSize({ width: 800, height: 360 });
    await until(ann, "the end stays in sight when the window shrinks", atTheEnd);
    nell.type("the end moves");
    await line(ann, { text: "the end moves" });
    await until(ann, "the end is followed", atTheEnd);
    await ann.$eval("#log", (log) => (log.scrollTop = 0));
    await frame(ann);
    const top = await ann.$eval("#log", (log) => log.scrollTop);
    nell.type("not in sight");
    await line(ann, { text: "not in sight" });
    assert.equal(await ann.$eval("#log", (log) => log.scrollTop), top);
    assert.equal(await ann.textContent("#newer"), "1 new line");
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
    await until(ann, "bob left", (name) => !document.getElementById("names").innerText.includes(name), bobName);
    assert.equal(await bob.textContent("#trouble"), "You have left.");
    assert.equal(sockets, 0);
    nell.type("bob has left");
    await line(ann, { text: "bob has left" });
    await bob.click("#again");
    await state(bob, "open");
    await isCalled(bob, bobName);
    await isIn(bob, room);
    await line(bob, { text: "bob has left" });
    assert.equal(sockets, 1);
  });

  checks.push(async function aLoadedAnewPageIsStillTheSamePerson() {
    nell.type("before the reload");
    await line(bob, { text: "before the reload" });
    const before = (await lines(bob)).filter(({ kind }) => kind === "message").map(({ text }) => text);
    await bob.reload();
    await state(bob, "open");
    await isCalled(bob, bobName);
    await isIn(bob, room);
    await line(bob, { text: "before the reload" });
    await until(bob, "what was there before", (count) => document.querySelectorAll("#log .message").length >= count, before.length);
    assert.deepEqual((await lines(bob)).filter(({ kind }) => kind === "message").map(({ text }) => text), before);
    assert.equal((await lines(bob)).filter(({ kind }) => kind === "gap").length, 0);
    nell.type("after the reload");
    await line(bob, { text: "after the reload" });
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
    await ann.click("[popovertarget=side]");
    await picture(ann, "chat-phone-rooms");
    await ann.click('[data-room="lobby"]');
    await isIn(ann, "lobby");
    assert.equal(await ann.isVisible("#side"), false);
    await ann.click("#people");
    assert.equal(await ann.isVisible("#names"), true);
    await ann.keyboard.press("Escape");
    await until(ann, "the members are away again", () => !document.getElementById("members").matches(":popover-open"));
  });

  return { checks, cleanUp: () => nell.end() };
}
