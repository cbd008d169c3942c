// An echo server that stalls: it does nothing at all for `stall` milliseconds, as while it collects garbage or waits for a
// disk. The first stall begins `phase` milliseconds after the first connection, and one follows every `period`. After
// `life` milliseconds, if that is given, the server is killed. On SIGTERM it prints how many messages it received, and in
// how many seconds.

import { WebSocketServer } from "ws";

const [phase, period, stall, life] = process.argv.slice(2).map(Number);
const sleeper = new Int32Array(new SharedArrayBuffer(4));
let messages = 0;
let first = 0;
let last = 0;
let isStarted = false;

// Against the clock, since what `setInterval` counts is delayed by the stalls.
function stallAt(moment) {
  setTimeout(() => {
    Atomics.wait(sleeper, 0, 0, stall);
    stallAt(moment + period);
  }, moment - performance.now());
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
server.on("connection", (ws) => {
  if (!isStarted) {
    isStarted = true;
    if (stall) stallAt(performance.now() + phase);
    if (life) setTimeout(() => process.kill(process.pid, "SIGKILL"), life);
  }
  ws.on("error", () => {});
  ws.on("message", (data, isBinary) => {
    last = performance.now();
    first ||= last;
    messages += 1;
    ws.send(data, { binary: isBinary });
  });
});
process.on("SIGTERM", () => {
  console.log(`messages ${messages} ${(last - first) / 1000}`);
  process.exit();
});
