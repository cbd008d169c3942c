// A page of another origin imports the module. That is for everybody; to connect is for those who are let in. Our own page is
// of another origin too, as the server sees it, where a proxy names itself as the host.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

import { unique } from "../common.mjs";
import { axe, faults } from "./access.mjs";
import { aLostConnection, args, enter, fits, goTo, line, open, picture, ready, state, type, until } from "./pages.mjs";

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

/** A proxy that passes requests on with these fields instead of their own, and leaves WebSockets to `upgrade`. */
async function proxy(fields, upgrade) {
  const [host, port] = args.http.split(":");
  const server = http.createServer((request, response) => {
    const there = http.request({ host, port, method: request.method, path: request.url, headers: { ...request.headers, ...fields } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(there);
  });
  server.on("upgrade", upgrade);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, host: `127.0.0.1:${server.address().port}` };
}

/** As a proxy passes a handshake on, but for the Host. */
function passOn(request, client) {
  const [host, port] = args.http.split(":");
  const server = net.connect(port, host);
  const fields = Object.entries({ ...request.headers, host: args.http }).map(([name, value]) => `${name}: ${value}\r\n`);
  server.write(`GET ${request.url} HTTP/1.1\r\n${fields.join("")}\r\n`);
  server.pipe(client).pipe(server);
  for (const socket of [client, server]) socket.on("error", () => {});
}

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

      async function ourOwnPageBehindAProxyThatChangesTheHostSaysWhyItIsRefused() {
        const { server, host } = await proxy({ host: args.http }, passOn);
        const page = await open("/", { host, expected: aLostConnection, refused: [403], reducedMotion: "reduce" });
        await state(page, "closed");
        assert.equal(await page.textContent("#trouble"), "The server does not let this page in.");
        const why = await page.textContent("#retry");
        assert.ok(why.startsWith("Pages of the origin ") && why.includes(`--allow-origin http://${host} `), why);
        assert.equal(await page.textContent("#again"), "Try again");
        await page.evaluate(axe);
        for (const [width, colorScheme] of [[1000, "light"], [1000, "dark"], [320, "light"], [320, "dark"]]) {
          await page.setViewportSize({ width, height: 640 });
          await page.emulateMedia({ colorScheme });
          await picture(page, `refused-${colorScheme}-${width}`);
          await faults(page, `refused, ${colorScheme}, ${width} wide`);
        }
        await page.setViewportSize({ width: 1000, height: 640 });
        await page.goto(`http://${host}/echo`);
        await until(page, "the reason", (host) => document.getElementById("status").textContent.includes(`--allow-origin http://${host} `), host);
        await page.evaluate(axe);
        for (const width of [1000, 320]) {
          await page.setViewportSize({ width, height: 640 });
          await picture(page, `refused-echo-${width}`);
          await fits(page);
          await faults(page, `refused echo, ${width} wide`);
        }
        await page.context().close();
        server.close();
      },

      async function behindAProxyThatPassesNoWebSocketItSaysThat() {
        const { server, host } = await proxy({}, (_, socket) => socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
        const page = await open("/", { host, expected: aLostConnection, refused: [426] });
        await until(page, "the reason", () => document.getElementById("retry").textContent.includes("a proxy on the way may not pass Upgrade on. Next try in "));
        assert.equal(await page.getAttribute("html", "data-state"), "waiting");
        await page.context().close();
        server.close();
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
