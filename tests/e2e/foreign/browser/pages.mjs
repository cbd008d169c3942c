// Pages in Chromium, watched: what they log as an error, and whom they ask. And what one does with them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { EVENT_TIMEOUT_MS, commandLine, die, soon, tool } from "../common.mjs";

export const USAGE = "browser.mjs SCENARIO --http HOST:PORT [--line HOST:PORT] [--screenshot DIR] [--only WORDS]";
export const args = commandLine(USAGE, { screenshot: { type: "string" } });

const { chromium } = tool("playwright-core");
export const browser = await chromium
  .launch({
    executablePath: process.env.CHINWAG_E2E_CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Whatever else may want to call out finds no name and no address.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ${args.http.slice(0, args.http.lastIndexOf(":"))}`,
    ],
  })
  .catch((error) => die(`chromium does not start (run ./scripts/test, which installs it): ${error.message}`));

/** What no page may do: log an error, ask another host. */
export const complaints = [];

/** Chromium itself writes a line about every connection that fails; it cannot be told not to. */
export const aLostConnection = (text) =>
  /^WebSocket connection to 'ws:\/\/[0-9.:]+\/(ws|echo)' failed/.test(text) || /^Failed to load resource: net::ERR_/.test(text);

/** Watches a page. `host` is who serves it; `others` are hosts that it may ask besides, `refused` statuses that it may get. */
export function watch(page, { host = args.http, others = [], refused = [], expected = () => false } = {}) {
  page.setDefaultTimeout(EVENT_TIMEOUT_MS);
  page.on("console", (message) => {
    const isRefusal = refused.some((status) => message.text().startsWith(`Failed to load resource: the server responded with a status of ${status} `));
    if (["error", "warning"].includes(message.type()) && !isRefusal && !expected(message.text())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.stack}`));
  const visit = (url) => {
    if (!["data:", "about:"].includes(url.protocol) && ![host, ...others].includes(url.host)) complaints.push(`a request to another host: ${url}`);
  };
  page.on("request", (request) => visit(new URL(request.url())));
  page.on("response", (response) => {
    if (response.status() >= 400 && !refused.includes(response.status())) complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on("websocket", (socket) => visit(new URL(socket.url())));
  return page;
}

/** A page of its own profile, watched. */
export async function open(path, { scheme = "http", host = args.http, others, refused, expected, prepare = async () => {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  const page = watch(await context.newPage(), { host, others, refused, expected });
  await prepare(page);
  await page.goto(`${scheme}://${host}${path}`);
  return page;
}

/** Waits until `predicate` holds in the page. */
export async function until(page, what, predicate, argument) {
  try {
    await page.waitForFunction(predicate, argument);
  } catch (error) {
    const shown = await page.evaluate(() => document.body.innerText.slice(-600)).catch(() => "nothing");
    throw new Error(`${what} did not happen: ${error.message.split("\n")[0]}\nThe page shows:\n${shown}`);
  }
}

export const state = (page, wanted) =>
  until(page, `the state "${wanted}"`, (state) => document.documentElement.dataset.state === state, wanted);

/** The lines of the conversation, as they stand in the document. */
export const lines = (page) =>
  page.$$eval("#log .line", (elements) =>
    elements.map((element) => ({
      kind: ["message", "notice", "direct", "gap"].find((kind) => element.classList.contains(kind)),
      own: element.classList.contains("own"),
      fate: ["waiting", "refused"].find((fate) => element.classList.contains(fate)),
      head: element.classList.contains("head"),
      day: element.querySelector(".day")?.textContent,
      name: element.querySelector(".name")?.textContent,
      hue: element.querySelector(".who")?.style.getPropertyValue("--hue"),
      text: element.querySelector(".text").firstChild?.textContent ?? "",
      why: element.querySelector(".why")?.textContent,
      time: element.querySelector("time")?.textContent,
    })),
  );

/** In the page: what changes with every line that is added or changed, or whether it has. */
const newestLines = (before) => {
  const all = [...document.querySelectorAll("#log .line")];
  const now = `${all.length} ${all.slice(-3).map((line) => line.className + line.textContent).join()}`;
  return before === undefined ? now : now !== before;
};

/** Waits for a line with these properties; each may be a function. */
export async function line(page, wanted, what = JSON.stringify(wanted)) {
  const matches = (found) =>
    Object.entries(wanted).every(([key, value]) => (typeof value === "function" ? value(found[key]) : found[key] === value));
  const look = async () => {
    for (;;) {
      const before = await page.evaluate(newestLines);
      const found = (await lines(page)).find(matches);
      if (found) return found;
      await until(page, `the line ${what}`, newestLines, before);
    }
  };
  return soon(look(), `the line ${what}`);
}

/** What has been said in the room, in order. */
export const said = async (page) => (await lines(page)).filter(({ kind }) => kind === "message").map(({ text }) => text);

export async function type(page, text) {
  await page.fill("#line", text);
  await page.press("#line", "Enter");
}

/** A page that is in the lobby. */
export async function enter(options) {
  const page = await open("/", options);
  await state(page, "open");
  await page.waitForSelector("#me:not([hidden])");
  await until(page, "the lobby", () => / here$/.test(document.getElementById("here").textContent));
  return page;
}

export const isCalled = (page, name) =>
  until(page, `the name ${name}`, (name) => document.getElementById("me").textContent === name, name);

export async function call(page, name) {
  await type(page, `/name ${name}`);
  await isCalled(page, name);
}

export const isIn = (page, room) =>
  until(
    page,
    `the room ${room}`,
    (room) => document.getElementById("room").textContent === room && document.getElementById("here").textContent !== "",
    room,
  );

export async function goTo(page, room) {
  await type(page, `/join ${room}`);
  await isIn(page, room);
}

export const title = (page, wanted) => until(page, `the title ${wanted}`, (wanted) => document.title === wanted, wanted);

/** In the page: whether the newest line is in sight, with more lines than there is room for. */
export const atTheEnd = () => {
  const log = document.getElementById("log");
  return log.scrollHeight > log.clientHeight && log.scrollHeight - log.clientHeight - log.scrollTop <= 1;
};

/** Waits until the page has drawn what it knows. */
export const frame = (page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))));

export async function picture(page, name) {
  if (!args.screenshot) return;
  mkdirSync(args.screenshot, { recursive: true });
  await page.screenshot({ path: join(args.screenshot, `${name}.png`) });
}

export async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`);
}

/** Somebody at the line port. */
export class Netcat {
  constructor() {
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(args.line) ?? die(`--line ${args.line} is no HOST:PORT`);
    this.process = spawn(process.env.CHINWAG_E2E_NC || "nc", [host, port], { stdio: ["pipe", "pipe", "inherit"] });
    this.process.on("error", (error) => die(`nc does not start (run ./scripts/test, which installs it): ${error.message}`));
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  /** One who has this name, and is in this room. */
  static async enter(name, room) {
    const netcat = new Netcat();
    netcat.type(`/name ${name}`);
    await netcat.read((said) => said === `* you are ${name}`, "netcat's name");
    netcat.type(`/join ${room}`);
    await netcat.read((said) => said.startsWith(`* ${room}: `), "the room");
    return netcat;
  }

  type(text) {
    this.process.stdin.write(`${text}\n`);
  }

  read(wanted, what) {
    const look = async () => {
      for (;;) {
        const { value, done } = await this.lines.next();
        if (done) throw new Error(`nc ended before ${what}`);
        if (wanted(value)) return value;
      }
    };
    return soon(look(), what);
  }

  end() {
    this.process.kill();
  }
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks whoever runs this to do something with the server, and waits until it is done. */
export async function ready(what) {
  console.log(`READY ${what}`);
  const { done } = await answers.next();
  if (done) throw new Error(`standard input ended at "READY ${what}"`);
}
