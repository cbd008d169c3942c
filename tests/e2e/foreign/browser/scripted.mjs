// A server that says exactly what the check wants, in place of the real one.

import { args, isIn, open, state } from "./pages.mjs";

const LIMITS = { message_bytes: 4096, publish_per_second: 10, burst: 20, rooms: 32, history: 100 };

/** A server with a room of nobody in it. What a check wants otherwise it gives as `answers`, by the type of the request. */
function script(server, answers) {
  const rooms = new Map();
  const ordinary = {
    hello: ({ id, name }) => ({
      ...{ type: "welcome", id, version: 1, connection: `c${server.sockets.length}`, name: name ?? `guest-${server.sockets.length}` },
      ...{ secret: `secret-${server.sockets.length}`, ack: "memory", ping_ms: 25_000, limits: LIMITS },
    }),
    join: ({ id, room, since }) => {
      const seq = rooms.get(room) ?? 0;
      rooms.set(room, seq);
      const resumed = since ? { resumed: true } : {};
      return { type: "joined", id, room, epoch: "e1", seq, from: seq + 1, count: 0, members: 1, ...resumed };
    },
    leave: ({ id, room }) => ({ type: "ok", id, room }),
    publish: ({ id, room }) => {
      rooms.set(room, rooms.get(room) + 1);
      return { type: "ok", id, room, seq: rooms.get(room), at: Date.parse("2026-03-01T21:00:00") };
    },
    members: ({ id, room }) => ({ type: "members", id, room, count: 1, names: ["ann"] }),
    history: ({ id, room }) => ({ type: "history", id, room, epoch: "e1", messages: [], more: false }),
    rename: ({ id }) => ({ type: "ok", id }),
    rooms: ({ id }) => ({ type: "rooms", id, rooms: [...rooms.keys()].map((room) => ({ room, members: 1 })) }),
    ping: ({ id }) => ({ type: "pong", id, at: 1 }),
  };
  server.next = (room) => {
    rooms.set(room, (rooms.get(room) ?? 0) + 1);
    return rooms.get(room);
  };
  return (request) => [(answers[request.type] ?? ordinary[request.type])(request, ordinary)].flat();
}

/**
 * A page on a server that says what the check wants, and on a clock that only the check moves. `more` is what `open` takes,
 * `prepare` is done before the page is loaded.
 */
export async function scripted(answers = {}, { hash = "", isNew = false, prepare = async () => {}, ...more } = {}) {
  const server = { sockets: [], heard: [], refuse: false };
  const answer = script(server, answers);
  const chat = await open(`/${hash}`, {
    ...more,
    prepare: async (page) => {
      await prepare(page);
      // Frames stay the browser's own, so that what arrives is drawn while the clock stands still.
      await page.addInitScript(() => (window.realFrame = requestAnimationFrame.bind(window)));
      await page.clock.install({ time: "2026-03-01T20:00:00" });
      await page.addInitScript(() => (window.requestAnimationFrame = window.realFrame));
      // Full jitter takes a random part of the ceiling; here it is always all of it.
      await page.addInitScript(() => (Math.random = () => 1));
      // Somebody who has been here before, and has chosen no name.
      if (!isNew) await page.addInitScript(() => localStorage.setItem("chinwag-name", '""'));
      await page.routeWebSocket(`ws://${args.http}/ws`, (socket) => {
        server.sockets.push(socket);
        server.heard.push([]);
        if (server.refuse) return void socket.close({ code: 1013 });
        socket.onMessage((text) => {
          const request = JSON.parse(text);
          server.heard.at(-1).push(request);
          for (const reply of answer(request)) if (reply) socket.send(JSON.stringify(reply));
        });
      });
    },
  });
  const tell = (object) => server.sockets.at(-1).send(JSON.stringify(object));
  const say = (name, data, room = "lobby", at = Date.parse("2026-03-01T21:00:00")) =>
    tell({ type: "message", room, seq: server.next(room), name, at, data });
  await state(chat, "open");
  if (!hash) await isIn(chat, "lobby");
  await chat.clock.pauseAt("2026-03-01T21:00:00");
  return { chat, server, tell, say, heard: (type) => server.heard.flat().filter((request) => request.type === type) };
}
