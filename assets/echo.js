// The echo page: sends a message, shows the frame it went out in, the frame it
// came back in, and how long that took.
//
//   client to server   | header 2, 4 or 10 | masking key 4 | payload |    RFC 6455, 5.2
//   server to client   | header 2, 4 or 10 | payload |
//
// A script never sees frames, only messages; the header bytes here are worked
// out from the length, as the browser does it.

const EXCHANGES_MAX = 100; // kept in the document; the oldest go first
const PREVIEW_BYTES = 64; // of a payload, in its row
const RANDOM_BYTES_MAX = 65536; // what one call of getRandomValues may fill
const MASKING_KEY_LEN = 4;

const $ = (id) => document.getElementById(id);
const page = document.documentElement;
const encoder = new TextEncoder();

let socket;
// The service answers in order, so the oldest exchange here is the next to come back.
const awaited = [];

// The connection. ---------------------------------------------------------------

function connect() {
  const url = new URL("/echo", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  become("connecting", "connecting");
  let wasOpen = false;
  socket.onopen = () => {
    wasOpen = true;
    become("open", "connected");
    $("deflated").hidden = !socket.extensions.includes("permessage-deflate");
  };
  socket.onmessage = (event) => came(event.data, performance.now());
  socket.onclose = (event) => {
    become("closed", event.code === 1006 ? "closed without a Close frame" : `closed with ${event.code}`);
    for (const exchange of awaited.splice(0)) fail(exchange, event);
    if (!wasOpen) askWhy();
  };
}

/** No script is told why a handshake failed. Over HTTP the server says it, to a POST, which always bears an Origin. */
async function askWhy() {
  const asked = socket;
  const response = await fetch(socket.url.replace(/^ws/, "http"), { method: "POST", cache: "no-store" }).catch(() => null);
  const why = [403, 421].includes(response?.status) ? await response.text() : "";
  if (why && socket === asked) become("closed", `refused: ${why.trim()}`);
}

function become(state, words) {
  page.dataset.state = state;
  $("status").textContent = words;
  $("again").hidden = state !== "closed";
}

// Frames. -------------------------------------------------------------------------

/** The first bytes of a frame that carries a whole message of `payloadLen` bytes. */
function header(binary, payloadLen, masked) {
  const first = 0x80 | (binary ? 0x2 : 0x1); // FIN and the opcode
  const mask = masked ? 0x80 : 0;
  if (payloadLen <= 125) return Uint8Array.of(first, mask | payloadLen);
  const long = payloadLen > 0xffff;
  const bytes = new Uint8Array(long ? 10 : 4);
  bytes.set([first, mask | (long ? 127 : 126)]);
  if (long) new DataView(bytes.buffer).setBigUint64(2, BigInt(payloadLen));
  else new DataView(bytes.buffer).setUint16(2, payloadLen);
  return bytes;
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function randomBytes(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += RANDOM_BYTES_MAX) crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
  return bytes;
}

function same(sent, back) {
  if (typeof sent === "string" || typeof back === "string") return sent === back;
  const bytes = new Uint8Array(back);
  return sent.length === bytes.length && sent.every((byte, at) => byte === bytes[at]);
}

// Exchanges. ------------------------------------------------------------------------

function send(message) {
  const binary = typeof message !== "string";
  const payload = binary ? message : encoder.encode(message);
  const element = make("li", "exchange");
  const exchange = { message, binary, element, took: make("span", "took", "…"), back: make("div", "frame") };
  const summary = make("p", "summary");
  summary.append(
    make("span", "kind", binary ? "binary" : "text"),
    make("span", "", bytes(payload.length)),
    exchange.took,
  );
  exchange.back.append(make("span", "way", "back"), make("span", "awaited", "on its way"));
  element.append(summary, frame("sent", binary, payload, true), exchange.back);
  element.dataset.kind = binary ? "binary" : "text";
  element.dataset.payload = payload.length;
  element.dataset.sent = header(binary, payload.length, true).length + MASKING_KEY_LEN + payload.length;
  $("exchanges").prepend(element);
  if ($("exchanges").childElementCount > EXCHANGES_MAX) $("exchanges").lastElementChild.remove();
  awaited.push(exchange);
  // Taken last, so that drawing the row is not counted as travel.
  exchange.started = performance.now();
  socket.send(message);
}

function came(message, now) {
  const exchange = awaited.shift();
  if (!exchange) return;
  const { element, took } = exchange;
  const binary = typeof message !== "string";
  const payload = binary ? new Uint8Array(message) : encoder.encode(message);
  const ms = now - exchange.started;
  const unchanged = binary === exchange.binary && same(exchange.message, message);
  const verdict = unchanged ? "unchanged" : "changed on the way";
  // Browsers round their clocks to a tenth of a millisecond.
  took.textContent = ms < 0.1 ? "under 0.1 ms" : `${ms.toFixed(1)} ms`;
  took.title = "from send() to the message event";
  took.before(make("span", "", verdict));
  $("spoken").textContent = `${bytes(payload.length)} came back ${verdict}, in ${took.textContent}`;
  element.classList.toggle("failed", !unchanged);
  exchange.back.replaceWith(frame("back", binary, payload, false));
  element.dataset.received = header(binary, payload.length, false).length + payload.length;
  element.dataset.back = unchanged ? "same" : "changed";
  element.dataset.ms = ms;
}

function fail(exchange, event) {
  exchange.element.classList.add("failed");
  exchange.element.dataset.back = "never";
  exchange.took.textContent = "";
  const why = event.code === 1009 ? ": the message is over the server's cap" : "";
  const words = `never came, the connection closed with ${event.code}${why}`;
  exchange.back.lastElementChild.textContent = words;
  $("spoken").textContent = words;
}

/** One frame as a row: which way, its fields, the sum of their lengths. */
function frame(way, binary, payload, masked) {
  const row = make("div", "frame");
  const head = header(binary, payload.length, masked);
  const fields = make("div", "bytes");
  fields.append(make("span", "header", hex(head)));
  fields.firstElementChild.title = `header, ${bytes(head.length)}`;
  if (masked) {
    fields.append(make("span", "key", "key"));
    fields.lastElementChild.title = `masking key, ${bytes(MASKING_KEY_LEN)}`;
  }
  if (payload.length > 0) {
    const start = payload.subarray(0, PREVIEW_BYTES);
    const more = payload.length > PREVIEW_BYTES ? "…" : "";
    fields.append(make("span", "payload", (binary ? hex(start) : new TextDecoder().decode(start)) + more));
    fields.lastElementChild.title = `payload, ${bytes(payload.length)}`;
  }
  const parts = [head.length, ...(masked ? [MASKING_KEY_LEN] : []), payload.length];
  const total = parts.reduce((sum, part) => sum + part, 0);
  row.append(make("span", "way", way), fields, make("span", "sum", `${parts.map(count).join(" + ")} = ${count(total)} B`));
  return row;
}

function count(number) {
  return number.toLocaleString("en");
}

function bytes(number) {
  return number === 1 ? "1 byte" : `${count(number)} bytes`;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// The form. -------------------------------------------------------------------------

function chooseKind() {
  const binary = $("binary").checked;
  $("text-fields").hidden = binary;
  $("binary-fields").hidden = !binary;
  // A hidden field must not hold up the form with its own checks.
  $("size").disabled = !binary;
}

$("sender").addEventListener("change", chooseKind);
$("sender").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) {
    if (socket.readyState === WebSocket.CLOSED) connect();
    return;
  }
  if ($("binary").checked) send(randomBytes($("size").valueAsNumber));
  else {
    send($("text").value);
    $("text").value = "";
  }
});
$("presets").addEventListener("click", (event) => {
  if (!event.target.value) return;
  $("size").value = event.target.value;
  $("sender").requestSubmit();
});
$("again").addEventListener("click", connect);

chooseKind();
connect();
