#!/usr/bin/env node
// A broadcast server that speaks the protocol of a well-known one, for the scripts of `chinwag bench`.
//
// `socketio` and `graphql-ws` are the npm packages of these names. `centrifugo` and `phoenix` are stand-ins: they answer
// as the protocols' documents say, close a client that is silent, and put several messages into one frame where the real
// server may.
//
//     protocols.mjs socketio|graphql-ws|centrifugo|phoenix
//
// It prints its port, and ends when its standard input does.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import { die, tool } from "./common.mjs";

/** A client has so long to answer a ping, or to send a heartbeat. */
const SILENCE_MS = 600;
const PING_MS = 200;

function socketio(server) {
  const { Server } = tool("socket.io");
  const io = new Server(server, { transports: ["websocket"], pingInterval: PING_MS, pingTimeout: SILENCE_MS });
  io.on("connection", (socket) => socket.on("message", (text) => io.emit("message", text)));
}

function graphqlWs(server) {
  const { buildSchema } = tool("graphql");
  const { useServer } = tool("graphql-ws/use/ws");
  const rooms = new Map();
  const listeners = (room) => rooms.get(room) ?? rooms.set(room, new Set()).get(room);

  async function* heardIn(room) {
    const queue = [];
    let wake = () => {};
    const hear = (text) => {
      queue.push(text);
      wake();
    };
    listeners(room).add(hear);
    try {
      for (;;) {
        while (queue.length) yield { said: queue.shift() };
        await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      listeners(room).delete(hear);
    }
  }

  const schema = buildSchema(`
    type Query { hello: String }
    type Mutation { say(room: String!, text: String!): Boolean }
    type Subscription { said(room: String!): String! }
  `);
  const roots = {
    mutation: {
      say: ({ room, text }) => {
        for (const hear of listeners(room)) hear(text);
        return true;
      },
    },
    subscription: { said: ({ room }) => heardIn(room) },
  };
  const wss = new (tool("ws").WebSocketServer)({ server, path: "/graphql" });
  useServer({ schema, roots }, wss);
}

/** Ends a client that has not called the function this returns for a while. */
function watchdog(socket, code, reason) {
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.close(code, reason), SILENCE_MS);
  };
  socket.on("close", () => clearTimeout(timer));
  alive();
  return alive;
}

// https://centrifugal.dev/docs/transports/client_protocol: JSON values, one a line, several in a frame.
function centrifugo(server) {
  const wss = new (tool("ws").WebSocketServer)({ server, path: "/connection/websocket" });
  const channels = new Map();
  wss.on("connection", (socket) => {
    const alive = watchdog(socket, 3012, "no pong");
    const pings = setInterval(() => reply("{}"), PING_MS);
    socket.on("close", () => {
      clearInterval(pings);
      for (const members of channels.values()) members.delete(reply);
    });
    let waiting = [];
    const reply = (value) => {
      if (waiting.push(typeof value === "string" ? value : JSON.stringify(value)) === 1) {
        setImmediate(() => {
          socket.send(waiting.join("\n"));
          waiting = [];
        });
      }
    };
    let client = "";
    const take = (command) => {
      const { id, connect, subscribe, publish } = command;
      if (Object.keys(command).length === 0) return alive();
      if (connect) {
        client = randomUUID();
        return reply({ id, connect: { client, version: "6.0.0", ping: 25, pong: true } });
      }
      if (!client) return socket.close(3003, "unauthorized");
      if (subscribe) {
        if (!channels.has(subscribe.channel)) channels.set(subscribe.channel, new Set());
        channels.get(subscribe.channel).add(reply);
        return reply({ id, subscribe: { epoch: "x" } });
      }
      if (publish && channels.get(publish.channel)?.has(reply)) {
        const { channel, data } = publish;
        for (const member of channels.get(channel)) member({ push: { channel, pub: { data } } });
        return reply({ id, publish: {} });
      }
      return reply({ id, error: { code: 108, message: "method not found" } });
    };
    socket.on("message", (data) => {
      for (const line of data.toString().split("\n")) take(JSON.parse(line));
    });
  });
}

// https://hexdocs.pm/phoenix/writing_a_channels_client.html: [join_ref, ref, topic, event, payload].
function phoenix(server) {
  const wss = new (tool("ws").WebSocketServer)({ server });
  const topics = new Map();
  wss.on("connection", (socket, request) => {
    if (request.url !== "/socket/websocket?vsn=2.0.0") return socket.close(1008, "wrong path");
    const alive = watchdog(socket, 1000, "heartbeat timeout");
    const joined = new Map();
    socket.on("close", () => joined.forEach((send, topic) => topics.get(topic).delete(send)));
    socket.on("message", (data) => {
      const [joinRef, ref, topic, event, payload] = JSON.parse(data.toString());
      const reply = (status, response) =>
        socket.send(JSON.stringify([joinRef, ref, topic, "phx_reply", { status, response }]));
      if (topic === "phoenix" && event === "heartbeat") {
        alive();
        return reply("ok", {});
      }
      if (event === "phx_join" && topic.startsWith("room:")) {
        const send = (event, payload) => socket.send(JSON.stringify([joinRef, null, topic, event, payload]));
        if (!topics.has(topic)) topics.set(topic, new Set());
        topics.get(topic).add(send);
        joined.set(topic, send);
        reply("ok", {});
        return send("presence_state", {});
      }
      if (event === "phx_join" || !joined.has(topic)) return reply("error", { reason: "unmatched topic" });
      for (const send of topics.get(topic)) send(event, payload);
    });
  });
}

const kinds = { socketio, "graphql-ws": graphqlWs, centrifugo, phoenix };
const kind = kinds[process.argv[2]] ?? die(`usage: protocols.mjs ${Object.keys(kinds).join("|")}`);
const server = createServer((_, response) => response.writeHead(404).end());
kind(server);
server.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(server.address().port);
process.stdin.on("end", () => process.exit(0)).resume();
