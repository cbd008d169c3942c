// A cable between clients and the server that can be cut, while both ends live on.
//
// It is a TCP proxy. When it is cut the clients' side is reset, and the server's side stays open and silent, as when a
// router dies: the server does not know, and holds the name. What was on its way is lost, in either direction.

import { once } from "node:events";
import net from "node:net";

export class Cable {
  #pairs = new Set();
  #dead = new Set();
  #deaf = { up: false, down: false };

  /** Listens at a port of its own, in front of HOST:PORT. */
  static async to(address, host = "127.0.0.1") {
    const cable = new Cable();
    const [, serverHost, serverPort] = /^\[?(.*?)\]?:(\d+)$/.exec(address);
    cable.server = net.createServer((client) => cable.#join(client, net.connect(Number(serverPort), serverHost)));
    cable.server.listen(0, host);
    await once(cable.server, "listening");
    cable.address = `${host}:${cable.server.address().port}`;
    return cable;
  }

  #join(client, server) {
    if (this.isOut) return void client.resetAndDestroy();
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on("data", (data) => this.#deaf.up || server.write(data));
    server.on("data", (data) => this.#deaf.down || client.write(data));
    const end = () => {
      this.#pairs.delete(pair);
      this.#dead.delete(server);
      client.destroy();
      server.destroy();
    };
    client.on("error", () => {});
    server.on("error", () => {});
    client.on("close", () => this.#pairs.has(pair) && end());
    server.on("close", end);
  }

  /** From now on nothing passes in this direction: `up` to the server, `down` from it. */
  swallow(direction) {
    this.#deaf[direction] = true;
  }

  /** Cuts what is connected; nobody gets through until `mend`. */
  cut() {
    this.isOut = true;
    for (const pair of this.#pairs) {
      this.#pairs.delete(pair);
      this.#dead.add(pair.server);
      pair.server.removeAllListeners("data");
      pair.server.pause();
      pair.client.resetAndDestroy();
    }
    this.#deaf = { up: false, down: false };
  }

  mend() {
    this.isOut = false;
  }

  close() {
    this.server.close();
    for (const { client, server } of this.#pairs) client.destroy(), server.destroy();
    for (const server of this.#dead) server.destroy();
  }
}
