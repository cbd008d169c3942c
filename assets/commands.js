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
  if (NOT_NEEDED[command]) return { wrong: NOT_NEEDED[command] };
  if (!COMMANDS.some(([usage]) => usage.split(" ")[0] === `/${command}`)) {
    return { wrong: `There is no command /${word}. /help shows those there are.` };
  }
  if ((command === "name" || command === "join") && argument === "") return { command, argument };
  if (command === "join") return { command, argument: argument.split(/\s/)[0].replace(/^#/, "") };
  if (command === "msg") {
    const [, quoted, bare, text] = /^(?:"([^"]+)"|(\S+))\s+(.+)$/s.exec(argument) ?? [];
    if (!text) return { wrong: "Write /msg NAME TEXT." };
    return { command, to: quoted ?? bare, argument: text };
  }
  return { command, argument };
}
