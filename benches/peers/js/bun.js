// Bun, whose server is uWebSockets inside, as its documentation has it: topics, and publish. With TLS where TLS_FOLDER
// says where cert.pem and key.pem are.

const folder = process.env.TLS_FOLDER;
const tls = folder && { cert: Bun.file(`${folder}/cert.pem`), key: Bun.file(`${folder}/key.pem`) };
const [hostname, port] = (process.argv[2] ?? "127.0.0.1:0").split(":");
const server = Bun.serve({
  hostname,
  port: Number(port),
  tls: tls || undefined,
  fetch(request, server) {
    const isEcho = new URL(request.url).pathname === "/echo";
    if (server.upgrade(request, { data: { isEcho } })) return;
    return new Response("WebSocket only", { status: 426 });
  },
  websocket: {
    open(ws) {
      if (!ws.data.isEcho) ws.subscribe("room");
    },
    message(ws, message) {
      if (ws.data.isEcho) ws.send(message);
      else ws.publish("room", message);
    },
  },
});
console.log(`listening on ${server.hostname}:${server.port}`);
