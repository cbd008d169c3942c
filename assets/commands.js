// What can be typed behind a slash. Those of text mode, as far as they make sense on a page.

/** Usage and purpose of each, for people. */
export const COMMANDS = [
  ["/name NAME", "be called NAME"],
  ["/join ROOM", "go into ROOM, and make it if there is none"],
  ["/leave", "leave this room"],
  ["/msg NAME TEXT", 'say TEXT to NAME alone; "NAME" if it has spaces'],
  ["/who", "tell who is here"],
  ["/rooms", "tell which rooms there are"],
  ["/ping", "tell how long an answer takes"],
  ["/help", "show this"],
  ["/quit", "end the connection"],
  ["//TEXT", "say a line that begins with a slash"],
];

const ROOM = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a room can be called so. */
export function isRoom(room) {
  return ROOM.test(room);
}

// Those of text mode that the page does by itself.
const NOT_NEEDED = {
  history: "Scroll up: what was said before comes by itself.",
  resume: "There is no need: what you missed comes by itself.",
  echo: "There is no need: you see your own lines.",
  seq: "There is no need: the page keeps count of the messages.",
};

/**
 * What somebody has typed.
 * @param {string} line
 * @returns {{say: string} | {command: string, argument: string, to?: string} | {wrong: string}}
 */
export function parse(line) {
  if (line.startsWith("//")) return { say: line.slice(1) };
  if (!line.startsWith("/")) return { say: line };
  const [, word, argument] = /^\/(\S*)\s*(.*?)\s*$/s.exec(line);
  const command = word.toLowerCase();
  if (Object.hasOwn(NOT_NEEDED, command)) return { wrong: NOT_NEEDED[command] };
  if (!COMMANDS.some(([usage]) => usage.split(" ")[0] === `/${command}`)) {
    return { wrong: `There is no command /${word}. /help shows those there are.` };
  }
  if ((command === "name" || command === "join") && argument === "") return { command, argument };
  if (command === "join") {
    const room = argument.replace(/^#/, "");
    return isRoom(room) ? { command, argument: room } : { wrong: `\u2068${argument}\u2069 ${whyNoRoom(room)}` };
  }
  if (command === "msg") {
    const [, quoted, bare, text] = /^(?:"([^"]+)"|(\S+))\s+(.+)$/s.exec(argument) ?? [];
    if (!text) return { wrong: "Write /msg NAME TEXT." };
    return { command, to: quoted ?? bare, argument: text };
  }
  return { command, argument };
}

function whyNoRoom(room) {
  if (room.length > 64) return `has ${room.length} characters. A room's name has 64 at most.`;
  const [odd] = room.match(/[^A-Za-z0-9._-]/u) ?? [];
  const character = odd?.trim() === "" ? "a space" : `\u2068${odd}\u2069`;
  const why = odd === undefined ? "is no name" : `cannot be a room's name, because of ${character}`;
  return `${why}. A room's name is made of the letters A to Z, digits, dots, dashes and underscores.`;
}
