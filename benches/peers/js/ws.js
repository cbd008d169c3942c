// The npm package ws on node, as its README has it: a loop over the clients.

import { WebSocket, WebSocketServer } from "ws";

const [host, port] = (process.argv[2] ?? "127.0.0.1:0").split(":");
const server = new WebSocketServer({ host, port: Number(port) });
server.on("listening", () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
});
server.on("connection", (ws, request) => {
  const isEcho = request.url === "/echo";
  ws.isMember = !isEcho;
  ws.on("error", () => {});
  ws.on("message", (data, isBinary) => {
    if (isEcho) return ws.send(data, { binary: isBinary });
    for (const client of server.clients) {
      if (client !== ws && client.isMember && client.readyState === WebSocket.OPEN) {
        client.send(data, { binary: isBinary });
      }
    }
  });
});
