#!/usr/bin/env node
// The pages in a real browser: Debian's Chromium, headless.
//
//     browser.mjs SCENARIO --http 127.0.0.1:2021 --line 127.0.0.1:2020
//
//     chat        two pages and a netcat talk, and somebody means no good
//     page        the chat page alone, on a scripted socket and clock
//     writing     drafts, what is too long, rooms that are left, people who change their names; likewise
//     tab         tabs that are duplicated, closed and opened again
//     restart     the server is killed, and starts again at the same address
//     cut         the cable is cut, and the server does not know
//     scroll      ten thousand messages, and many at once
//     access      what axe-core finds, and what there is for keys and screen readers
//     elsewhere   a page of another origin
//     echo        the echo page
//     tls         a page by https, whose certificate is of an authority that nobody knows
//
// With --screenshot DIR some leave pictures of what they saw.
//
// None touches the server; who runs this does. It prints a line and then waits for a line on its standard input:
//
//     READY kill             kill the server, then answer
//     READY start [FLAGS]    start it again at the same address, then answer
//
// In every scenario the console must stay free of errors, and no request may go to another host.

import assert from "node:assert/strict";

import { die, run } from "./common.mjs";
import { USAGE, args, browser, complaints } from "./browser/pages.mjs";

const SCENARIOS = ["chat", "page", "writing", "tab", "restart", "cut", "scroll", "access", "elsewhere", "echo", "tls"];
const name = args.positionals[0];
if (!SCENARIOS.includes(name)) die(`usage: ${USAGE}\nSCENARIO is one of ${SCENARIOS.join(", ")}`);
const scenario = (await import(`./browser/${name}.mjs`))[name];
const { checks, cleanUp = () => {} } = await scenario().catch(async (error) => {
  await browser.close();
  console.log(`FAILED ${name}, before its first check: ${error.stack}`);
  process.exit(1);
});
checks.push(async function noErrorInTheConsoleAndNoRequestToAnotherHost() {
  assert.deepEqual(complaints, []);
});
await run(checks, args, async () => {
  cleanUp();
  await browser.close();
  process.stdin.destroy();
});
