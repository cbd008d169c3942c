#!/usr/bin/env python3
"""Real netcat (OpenBSD's) on the line port, in one room with a WebSocket client.

    netcat.py --http 127.0.0.1:2021 --line 127.0.0.1:2020
"""

import asyncio
import re
import sys

# First, since it says what to do when websockets is missing.
from common import arguments, equal, is_presence, netcat, run, soon, unique

from websockets.asyncio.client import connect


class Netcat:
    """One running `nc`: what is typed goes to its input, what it prints are lines."""

    def __init__(self, args, *flags):
        host, _, port = args.line.rpartition(":")
        self.command = [netcat(), *flags, host.strip("[]"), port]

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*self.command, stdin=pipe, stdout=pipe, stderr=pipe)
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def type(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        await self.process.stdin.drain()

    async def read(self, wanted, what):
        """The next line for which `wanted` is true; what is not for this check is passed over."""

        async def look():
            while raw := await self.process.stdout.readline():
                line = raw.decode()
                assert line.endswith("\n") and "\r" not in line, f"not a line that ends in LF alone: {line!r}"
                if wanted(line[:-1]):
                    return line[:-1]
            raise AssertionError(f"nc ended before {what}; it said {(await self.process.stderr.read()).decode()!r}")

        return await soon(look(), what)

    async def enter(self, room):
        name = await self.welcomed()
        await self.type(f"/join {room}")
        await self.read(lambda line: re.fullmatch(rf"\* {re.escape(room)}: \d+ here", line), f"the count of {room}")
        return name

    async def welcomed(self):
        first = await self.read(lambda line: True, "the welcome")
        welcome = re.fullmatch(r"\* welcome to chinwag, (guest-\d+)\. /help lists the commands", first)
        assert welcome, f"the first line is {first!r}"
        second = await self.read(lambda line: True, "the room and its count")
        assert re.fullmatch(r"\* lobby: \d+ here", second), f"the second line is {second!r}"
        return welcome[1]

    async def ended(self):
        """nc goes once its input is closed and the server has closed the connection; not before."""
        self.process.stdin.close()
        rest = await soon(self.process.stdout.read(), "the server to close the connection")
        await soon(self.process.wait(), "nc to end")
        equal(self.process.returncode, 0, "nc's exit code is")
        return rest.decode()


class Page:
    """A WebSocket client in text mode, as the chat page is one."""

    def __init__(self, args):
        self.dialled = connect(f"ws://{args.http}/ws", proxy=None, open_timeout=20, close_timeout=10)

    async def __aenter__(self):
        self.socket = await self.dialled.__aenter__()
        return self

    async def __aexit__(self, *what):
        await self.dialled.__aexit__(*what)

    async def type(self, line):
        await self.socket.send(line)

    async def read(self, wanted, what):
        async def look():
            async for line in self.socket:
                assert "\n" not in line and "\r" not in line, f"a message with a line end: {line!r}"
                if wanted(line):
                    return line
            raise AssertionError(f"the connection ended before {what}")

        return await soon(look(), what)

    enter = Netcat.enter
    welcomed = Netcat.welcomed


async def netcat_sits_in_the_lobby_with_a_websocket_client(args):
    async with Page(args) as page, Netcat(args) as nc:
        page_name = await page.welcomed()
        nc_name = await nc.welcomed()
        await page.read(lambda line: is_presence(line, joined=nc_name), f"'* {nc_name} joined'")
        word, answer = unique("morning"), unique("hello")
        await nc.type(word)
        await page.read(lambda line: line == f"[{nc_name}] {word}", "netcat's message")
        # Nothing of nc's own comes back to it: the first of the two that it reads is the answer.
        await page.type(answer)
        heard = await nc.read(lambda line: word in line or answer in line, "the page's answer")
        equal(heard, f"[{page_name}] {answer}", "nc heard")


async def lines_may_end_in_lf_or_crlf(args):
    room = unique("room")
    async with Page(args) as page, Netcat(args) as lf, Netcat(args, "-C") as crlf:
        await page.enter(room)
        lf_name = await lf.enter(room)
        crlf_name = await crlf.enter(room)
        await crlf.type("with CRLF")
        await page.read(lambda line: line == f"[{crlf_name}] with CRLF", "the CRLF line at the page")
        await lf.read(lambda line: line == f"[{crlf_name}] with CRLF", "the CRLF line at the other nc")
        await lf.type("with LF")
        await page.read(lambda line: line == f"[{lf_name}] with LF", "the LF line at the page")
        await crlf.read(lambda line: line == f"[{lf_name}] with LF", "the LF line at the other nc")


async def many_lines_in_one_write_arrive_in_order(args):
    room = unique("room")
    async with Page(args) as page, Netcat(args) as nc:
        await page.enter(room)
        name = await nc.enter(room)
        lines = [f"line {n}" for n in range(15)]
        await nc.type(*lines)
        for line in lines:
            heard = await page.read(lambda line: line.startswith("["), line)
            equal(heard, f"[{name}] {line}", "the page heard")


async def letters_of_any_script_pass(args):
    room = unique("room")
    async with Page(args) as page, Netcat(args) as nc:
        page_name = await page.enter(room)
        nc_name = await nc.enter(room)
        for words in ("Łukasz się śmieje", "صباح الخير", "おはよう 🙂"):
            await nc.type(words)
            await page.read(lambda line: line == f"[{nc_name}] {words}", words)
            await page.type(words)
            await nc.read(lambda line: line == f"[{page_name}] {words}", words)


async def joining_and_leaving_are_told_both_ways(args):
    room = unique("room")
    async with Netcat(args) as nc:
        await nc.enter(room)
        async with Page(args) as page:
            page_name = await page.enter(room)
            await nc.read(lambda line: is_presence(line, joined=page_name), f"'* {page_name} joined'")
        await nc.read(lambda line: is_presence(line, left=page_name), f"'* {page_name} left'")
    async with Page(args) as page:
        await page.enter(room)
        async with Netcat(args) as nc:
            nc_name = await nc.enter(room)
            await page.read(lambda line: is_presence(line, joined=nc_name), f"'* {nc_name} joined'")
        await page.read(lambda line: is_presence(line, left=nc_name), f"'* {nc_name} left'")


async def a_name_chosen_in_netcat_is_the_one_that_others_see(args):
    room, name = unique("room"), unique("nell")
    async with Page(args) as page, Netcat(args) as nc:
        await page.enter(room)
        await nc.enter(room)
        await nc.type(f"/name {name}")
        await nc.read(lambda line: line == f"* you are {name}", "'* you are ...'")
        await nc.type("it is me")
        await page.read(lambda line: line == f"[{name}] it is me", "the message under the new name")


async def nobody_can_forge_a_second_line(args):
    room = unique("room")
    async with Page(args) as page, Netcat(args) as nc:
        page_name = await page.enter(room)
        await nc.enter(room)
        await page.type("one\n[root] two\x1b[31m")
        heard = await nc.read(lambda line: line.startswith("["), "the message")
        equal(heard, rf"[{page_name}] one\n[root] two\u{{1b}}[31m", "nc heard")


async def quit_ends_the_connection(args):
    room = unique("room")
    async with Page(args) as page, Netcat(args) as nc:
        await page.enter(room)
        name = await nc.enter(room)
        # A join and a leave that have both not been told yet cancel out.
        await page.read(lambda line: is_presence(line, joined=name), f"'* {name} joined'")
        await nc.type("last words", "/quit")
        await page.read(lambda line: line == f"[{name}] last words", "the last words")
        await page.read(lambda line: is_presence(line, left=name), f"'* {name} left'")
        await nc.ended()


async def what_was_piped_in_is_served_before_the_end(args):
    """printf ... | nc -N: nc sends all, then closes its side at once."""
    room = unique("room")
    async with Page(args) as page, Netcat(args, "-N") as nc:
        await page.enter(room)
        await nc.type(f"/join {room}", "/who", "piped in")
        rest = await nc.ended()
        assert f"* {room}: " in rest, f"no answer to /join in {rest!r}"
        heard = await page.read(lambda line: line.startswith("["), "the piped line")
        assert heard.endswith("] piped in"), f"the page heard {heard!r}"


CHECKS = [
    netcat_sits_in_the_lobby_with_a_websocket_client,
    lines_may_end_in_lf_or_crlf,
    many_lines_in_one_write_arrive_in_order,
    letters_of_any_script_pass,
    joining_and_leaving_are_told_both_ways,
    a_name_chosen_in_netcat_is_the_one_that_others_see,
    nobody_can_forge_a_second_line,
    quit_ends_the_connection,
    what_was_piped_in_is_served_before_the_end,
]

if __name__ == "__main__":
    args = arguments(__doc__.splitlines()[0])
    if args.line is None:
        sys.exit("netcat.py needs --line")
    run(CHECKS, args)
