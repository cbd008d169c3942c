// The state of the connection, in words, and how long it is to the next try.

const TICK_MS = 250;

// What a close code means to a person.
const TROUBLE = new Map([
  [1000, "You have left."],
  [1001, "The server has stopped."],
  [1012, "The server is restarting."],
  [1013, "The server is overloaded."],
  [4001, "Signing in failed."],
  [4003, "You were removed from this server."],
  [4004, "You are banned from this server."],
  [4005, "You are here from somewhere else now."],
  [4108, "This connection was too slow."],
  [4109, "This connection was idle for too long."],
  [4110, "Your sign-in has expired."],
  [4129, "That was too much at once."],
]);
const WORDS = { connecting: "connecting", open: "connected", waiting: "not connected", closed: "closed" };

const $ = (id) => document.getElementById(id);

/** What a server says, as a sentence. */
export const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

let wasOpen = false;
let now = { state: "connecting" };
let ticker = 0;

/** Shows it. `speak` tells it to who cannot see. */
export function showState(next, speak) {
  const before = now;
  // A countdown is by the clock that cannot be set.
  now = { ...next, dueAt: performance.now() + (next.retryMs ?? 0) };
  clearInterval(ticker);
  if (next.state === "waiting") ticker = setInterval(render, TICK_MS);
  render();
  // What goes on and on is said once.
  if (next.state === "open") speak(wasOpen ? "Connected again." : "Connected.");
  if (next.state === "waiting" && before.state === "open") speak(`${trouble()} Trying again by itself.`);
  if (next.state === "closed") speak(isRefused() ? `${trouble()} ${sentence(next.reason)}` : trouble());
  wasOpen ||= next.state === "open";
}

function trouble() {
  if (!navigator.onLine && now.state === "waiting") return "You are offline.";
  if (isRefused()) return "The server does not let this page in.";
  if (now.state === "closed" && !TROUBLE.has(now.code)) return `The server has ended this, with code ${now.code}.`;
  return TROUBLE.get(now.code) ?? (wasOpen ? "The connection was lost." : "The server cannot be reached.");
}

/** Whether the server has said over HTTP that it does not want us. */
function isRefused() {
  return now.state === "closed" && now.status !== undefined;
}

function render() {
  const { state } = now;
  document.documentElement.dataset.state = state;
  if ($("status").textContent !== WORDS[state]) $("status").textContent = WORDS[state];
  $("banner").hidden = !(state === "waiting" || state === "closed");
  if ($("banner").hidden) return;
  $("trouble").textContent = trouble();
  $("again").textContent = isRefused() ? "Try again" : state === "closed" ? "Come back" : "Try now";
  const seconds = Math.max(1, Math.ceil((now.dueAt - performance.now()) / 1000));
  const why = now.status === undefined ? "" : sentence(now.reason);
  $("retry").textContent = [why, state === "closed" ? "" : `Next try in ${seconds} s.`].filter(Boolean).join(" ");
}

addEventListener("offline", render);
