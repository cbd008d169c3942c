// What the JavaScript scripts here share: their arguments, where their tools
// are, their time-outs, one line of output per check.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

// Long, since a machine that builds something else at the same time is slow; no check waits for one that passes.
export const EVENT_TIMEOUT_MS = 20_000;
const OVERALL_TIMEOUT_MS = 180_000;

const repository = join(dirname(fileURLToPath(import.meta.url)), "../../..");
/** Where the npm packages are. */
export const nodeDir = process.env.CHINWAG_E2E_NODE_DIR || join(repository, "target/e2e-tools/node");

/** The npm package of this name, from where ./scripts/test has installed it. */
export function tool(name) {
  try {
    return createRequire(join(nodeDir, "package.json"))(name);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    die(`the npm package '${name}' is missing from ${nodeDir}: run ./scripts/test, which installs it`);
  }
}

export function die(why) {
  console.error(why);
  process.exit(2);
}

/** --http HOST:PORT [--line HOST:PORT] [--only WORDS] and what else a script takes. */
export function commandLine(usage, options = {}) {
  const shared = { http: { type: "string" }, line: { type: "string" }, tls: { type: "string" }, only: { type: "string" } };
  try {
    const { values, positionals } = parseArgs({ options: { ...shared, ...options }, allowPositionals: true });
    if (!values.http) throw new Error("--http is missing");
    return { ...values, positionals };
  } catch (error) {
    die(`${error.message}\nusage: ${usage}`);
  }
}

/** A name or room that no other check and no other run uses. */
export function unique(stem) {
  return `${stem}-${randomBytes(3).toString("hex")}`;
}

/**
 * Whether a notice tells of this name: "ann, bob joined, eve left", or, for a crowd, "12 joined, 3 left, 40 here". Of a new
 * name it says "bob is now robert".
 */
export function isPresence(notice, { joined, left }) {
  const told = { joined: [], left: [] };
  let names = [];
  for (const part of notice.split(", ")) {
    const [, who, what] = /^(.+) (joined|left)$/.exec(part) ?? [];
    if (what) [told[what], names] = [[...names, who], []];
    else if (!part.includes(" is now ") && !/^\d+ (renamed|here)$/.test(part)) names.push(part);
  }
  const tells = (names, name) => !name || names.includes(name) || (names.length === 1 && /^\d+$/.test(names[0]));
  return names.length === 0 && tells(told.joined, joined) && tells(told.left, left);
}

/** Waits for an event, and says which one it was that did not come. */
export async function soon(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${EVENT_TIMEOUT_MS / 1000} s for ${what}`)), EVENT_TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs every check, says how each went, exits with 1 if one failed. */
export async function run(checks, { only } = {}, cleanUp = async () => {}) {
  const titled = checks.map((check) => [check.name.replace(/[A-Z]|\d{2,}/g, (part) => ` ${part.toLowerCase()}`), check]);
  const chosen = titled.filter(([name]) => !only || name.includes(only));
  const overall = setTimeout(() => {
    console.log(`FAILED the whole run was given ${OVERALL_TIMEOUT_MS / 1000} s`);
    process.exit(1);
  }, OVERALL_TIMEOUT_MS);
  let failed = 0;
  for (const [name, check] of chosen) {
    const started = performance.now();
    try {
      await check();
      console.log(`ok ${name} (${(performance.now() - started).toFixed(0)} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}: ${error.stack ?? error}`);
    }
  }
  await cleanUp();
  clearTimeout(overall);
  console.log(`${chosen.length - failed} of ${chosen.length} checks passed`);
  process.exit(failed || chosen.length === 0 ? 1 : 0);
}
