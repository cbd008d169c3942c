// A page of another origin imports the module. That is for everybody; to connect is for those who are let in.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";

import { unique } from "../common.mjs";
import { aLostConnection, args, enter, goTo, line, open, ready, type, until } from "./pages.mjs";

const PAGE = (room, name) => `<!doctype html>
<title>elsewhere</title>
<link rel="icon" href="data:,">
<p id="state"></p><p id="said"></p>
<script type="module">
  import { Chat } from "http://${args.http}/chinwag.js";
  const chat = new Chat({ name: "${name}" });
  chat.addEventListener("state", ({ detail }) => (document.getElementById("state").textContent = detail.state));
  chat.addEventListener("message", ({ detail }) => {
    document.getElementById("said").textContent = detail.data;
    chat.publish("${room}", "heard: " + detail.data);
  });
  chat.join("${room}", { history: 10 }).catch(({ code, message }) => {
    document.getElementById("said").textContent = code + ": " + message;
  });
  chat.connect();
</script>`;

export async function elsewhere() {
  const room = unique("den");
  const name = unique("page");
  const server = http.createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(PAGE(room, name));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${server.address().port}`;
  const visit = () => open("/", { host, others: [args.http], expected: aLostConnection, refused: [403] });

  return {
    checks: [
      async function itMayImportTheModuleAndMayNotConnect() {
        const page = await visit();
        await until(page, "it is turned away", () => document.getElementById("state").textContent === "closed");
        const said = await page.textContent("#said");
        assert.match(said, new RegExp(`^refused: .*--allow-origin http://${host.replaceAll(".", "\\.")} `));
        await page.context().close();
      },

      async function whereItIsLetInItTalks() {
        await ready("kill");
        await ready(`start --allow-origin http://${host}`);
        const ann = await enter();
        await goTo(ann, room);
        await type(ann, "anybody elsewhere?");
        const page = await visit();
        await until(page, "ann's line", () => document.getElementById("said").textContent === "anybody elsewhere?");
        await line(ann, { name, text: "heard: anybody elsewhere?" });
      },
    ],
    cleanUp: () => server.close(),
  };
}
