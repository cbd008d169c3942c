// A page by https, in the room of one by http and of a netcat.

import assert from "node:assert/strict";

import { Netcat, args, call, enter, line, said, type } from "./pages.mjs";

export async function tls() {
  const sockets = [];
  const ann = await enter({
    scheme: "https",
    host: args.tls,
    ignoreHTTPSErrors: true,
    prepare: async (page) => page.on("websocket", (socket) => sockets.push(socket.url())),
  });
  const bob = await enter();
  const nell = await Netcat.enter("nell", "lobby");
  await call(ann, "ann");
  await call(bob, "bob");

  return {
    checks: [
      async function thePageDialsByWss() {
        assert.deepEqual(sockets, [`wss://${args.tls}/ws`]);
      },

      async function allHearEachOther() {
        await type(ann, "by https");
        await line(bob, { name: "ann", text: "by https" });
        await nell.read((heard) => heard === "[ann] by https", "ann");
        nell.type("by nc");
        await line(ann, { name: "nell", text: "by nc" });
        await type(bob, "by http");
        await line(ann, { name: "bob", text: "by http" });
        assert.deepEqual(await said(ann), ["by https", "by nc", "by http"]);
      },
    ],
  };
}
