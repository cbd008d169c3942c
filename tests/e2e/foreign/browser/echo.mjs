// The echo page.

import assert from "node:assert/strict";

import { fits, open, picture, state, until } from "./pages.mjs";

export async function echo() {
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
