#!/usr/bin/env python3
"""The PyPI package `websockets` as a client of every WebSocket service.

It is the most careful reader of RFC 6455 in Python and knows nothing of ours,
so what passes here is the protocol and not our idea of it.

    websockets_client.py --http 127.0.0.1:2021
"""

import asyncio
import json
import random
import re
from contextlib import asynccontextmanager

# First, since it says what to do when websockets is missing.
from common import arguments, equal, is_presence, run, soon, unique

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ECHO_CAP = 16 * 1024 * 1024


@asynccontextmanager
async def dial(args, path, **options):
    # No proxy of the environment stands between us.
    options = {"proxy": None, "max_size": None, "open_timeout": 20, "close_timeout": 10, **options}
    socket = await connect(f"ws://{args.http}{path}", **options)
    try:
        yield socket
    finally:
        # After the server's Close frame the library ends by itself; told to close again, it can trip over its own end.
        if socket.protocol.close_rcvd is None:
            await socket.close()


async def read(socket, wanted, what):
    """The next message for which `wanted` is true; what is not for this check is passed over."""

    async def look():
        async for message in socket:
            if wanted(message):
                return message
        raise AssertionError(f"the connection ended before {what}")

    return await soon(look(), what)


async def welcomed(socket):
    """The name that a text-mode client was given, once it stands in the lobby."""
    first = await soon(socket.recv(), "the welcome")
    welcome = re.fullmatch(r"\* welcome to chinwag, (guest-\d+)\. /help lists the commands", first)
    assert welcome, f"the first line is {first!r}"
    second = await soon(socket.recv(), "the room and its count")
    assert re.fullmatch(r"\* lobby: \d+ here", second), f"the second line is {second!r}"
    return welcome[1]


async def enter(socket, room):
    """Welcomed, and then alone with this check in a room of its own."""
    name = await welcomed(socket)
    await socket.send(f"/join {room}")
    await read(socket, lambda line: re.fullmatch(rf"\* {re.escape(room)}: \d+ here", line), f"the count of {room}")
    return name


async def closed(socket):
    """Reads to the end; the Close frame that the server sent, or None."""

    async def drain():
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            # The library says so at the Close frame; the TCP connection ends a little later.
            await socket.wait_closed()
            return end.rcvd

    return await soon(drain(), "the end of the connection")


# Chat, in text mode. -----------------------------------------------------------


async def two_clients_talk_in_the_lobby(args):
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob:
        ann_name = await welcomed(ann)
        bob_name = await welcomed(bob)
        await read(ann, lambda line: is_presence(line, joined=bob_name), f"'* {bob_name} joined'")
        word = unique("hi")
        await bob.send(word)
        await read(ann, lambda line: line == f"[{bob_name}] {word}", "bob's message")
        # Nothing of bob's own comes back to him: the first of the two that he reads is ann's answer.
        answer = unique("hello")
        await ann.send(answer)
        heard = await read(bob, lambda line: word in line or answer in line, "ann's answer")
        equal(heard, f"[{ann_name}] {answer}", "bob heard")


async def with_and_without_compression_the_same_is_heard(args):
    # The library offers compression unless it is told not to.
    room = unique("room")
    plain = {"compression": None}
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob, dial(args, "/ws", **plain) as eve:
        for socket, compresses in ((ann, args.deflate), (bob, args.deflate), (eve, False)):
            equal(bool(socket.protocol.extensions), compresses, "compression agreed on:")
        name = await enter(ann, room)
        await enter(bob, room)
        await enter(eve, room)
        long = unique("tea") + " and coffee" * 80
        for sender in (ann, eve):
            await sender.send(long)
        for socket in (bob, eve):
            await read(socket, lambda line: line == f"[{name}] {long}", "ann's message")
        for socket in (ann, bob):
            await read(socket, lambda line: line.endswith(long) and name not in line, "eve's message")


async def who_leaves_is_told_as_left(args):
    room = unique("room")
    async with dial(args, "/ws") as ann:
        await enter(ann, room)
        async with dial(args, "/ws") as bob:
            bob_name = await enter(bob, room)
            await read(ann, lambda line: is_presence(line, joined=bob_name), f"'* {bob_name} joined'")
        await read(ann, lambda line: is_presence(line, left=bob_name), f"'* {bob_name} left'")


async def a_name_can_be_chosen(args):
    room, name = unique("room"), unique("ann")
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob:
        await enter(ann, room)
        await enter(bob, room)
        await ann.send(f"/name {name}")
        await read(ann, lambda line: line == f"* you are {name}", "'* you are ...'")
        await ann.send("it is me")
        await read(bob, lambda line: line == f"[{name}] it is me", "the message under the new name")
        # The same name in other letters is the same name.
        await bob.send(f"/name {name.upper()}")
        answer = await read(bob, lambda line: line.startswith("* ") and not is_presence(line), "the refusal")
        assert "you are" not in answer, f"a name in use was given twice: {answer!r}"


async def rooms_do_not_hear_each_other(args):
    here, there = unique("here"), unique("there")
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob, dial(args, "/ws") as cyn:
        ann_name = await enter(ann, here)
        await enter(bob, here)
        cyn_name = await enter(cyn, there)
        await ann.send("in the first room")
        await read(bob, lambda line: line == f"[{ann_name}] in the first room", "the message in ann's room")
        await bob.send(f"/join {there}")
        await read(bob, lambda line: line.startswith(f"* {there}: "), "the count of the other room")
        await bob.send("arrived")
        heard = await read(cyn, lambda line: line.startswith("["), "bob's message in the other room")
        assert heard.endswith("] arrived"), f"{cyn_name} heard {heard!r} from a room that it was not in"


async def two_slashes_send_one(args):
    room = unique("room")
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob:
        name = await enter(ann, room)
        await enter(bob, room)
        await ann.send("//usr/bin is a path")
        await read(bob, lambda line: line == f"[{name}] /usr/bin is a path", "the line with one slash")


async def control_characters_arrive_made_visible(args):
    room = unique("room")
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob:
        name = await enter(ann, room)
        await enter(bob, room)
        await ann.send("one\n[root] two\x1b[2J")
        heard = await read(bob, lambda line: line.startswith("["), "the message")
        equal(heard, rf"[{name}] one\n[root] two\u{{1b}}[2J", "bob heard")


async def a_message_in_fragments_is_one_chat_line(args):
    room = unique("room")
    async with dial(args, "/ws") as ann, dial(args, "/ws") as bob:
        name = await enter(ann, room)
        await enter(bob, room)
        await ann.send(["cut ", "in ", "", "four"])
        await read(bob, lambda line: line == f"[{name}] cut in four", "the line in one piece")


async def quit_closes_with_1000(args):
    async with dial(args, "/ws") as ann:
        await welcomed(ann)
        await ann.send("/quit")
        close = await closed(ann)
        assert close is not None, "the connection ended without a Close frame"
        equal(close.code, 1000, "the close code is")


async def a_binary_message_to_the_chat_closes_with_1003(args):
    async with dial(args, "/ws") as ann:
        await welcomed(ann)
        await ann.send(b"\x00\x01")
        close = await closed(ann)
        assert close is not None, "the connection ended without a Close frame"
        equal(close.code, 1003, "the close code is")


# Echo. ---------------------------------------------------------------------------


async def echo_gives_back_text_as_text_and_binary_as_binary(args):
    async with dial(args, "/echo") as socket:
        # Around each border of the three forms of the length.
        for size in (0, 1, 125, 126, 127, 65535, 65536, 65537):
            for message in ("x" * size, random.randbytes(size)):
                await socket.send(message)
                equal(await soon(socket.recv(), f"the echo of {size}"), message, f"for {size} bytes came")
        for message in ("κόσμε", "𝄞 and 🙂", "\u0000", "\ufeff"):
            await socket.send(message)
            equal(await soon(socket.recv(), "the echo"), message, "came")


async def echo_keeps_the_order_of_many_messages(args):
    async with dial(args, "/echo") as socket:
        sent = [f"{n} {'x' * (n % 300)}" for n in range(2000)]

        async def receive():
            return [await socket.recv() for _ in sent]

        reader = asyncio.create_task(receive())
        for message in sent:
            await socket.send(message)
        equal(await soon(reader, "all echoes"), sent, "the echoes are")


async def a_message_of_exactly_the_cap_is_echoed(args):
    message = random.randbytes(ECHO_CAP)
    async with dial(args, "/echo") as socket:
        await socket.send(message)
        back = await soon(socket.recv(), "16 MiB to come back")
        assert back == message, f"{len(back)} bytes came back, and not the same"


async def a_message_one_byte_over_the_cap_closes_with_1009(args):
    async with dial(args, "/echo") as socket:
        try:
            await socket.send(bytes(ECHO_CAP + 1))
        except ConnectionClosed:
            pass  # It was refused by its header, before we had sent it all.
        close = await closed(socket)
        assert close is not None, "the connection ended without a Close frame"
        equal(close.code, 1009, "the close code is")


async def the_cap_holds_for_the_sum_of_the_fragments(args):
    async with dial(args, "/echo") as socket:
        try:
            await socket.send([bytes(ECHO_CAP // 2), bytes(ECHO_CAP // 2), b"1"])
        except ConnectionClosed:
            pass
        close = await closed(socket)
        assert close is not None, "the connection ended without a Close frame"
        equal(close.code, 1009, "the close code is")


async def pings_between_the_fragments_are_answered_before_the_message_ends(args):
    async with dial(args, "/echo") as socket:

        async def fragments():
            for part in (b"one ", b"two ", b"three"):
                yield part
                pong = await socket.ping(part)
                await soon(pong, "the Pong in the middle of a message")

        await socket.send(fragments())
        equal(await soon(socket.recv(), "the echo"), b"one two three", "came")


async def a_ping_is_answered_with_its_payload(args):
    async with dial(args, "/echo") as socket:
        for payload in (b"", b"a", random.randbytes(125)):
            await soon(await socket.ping(payload), f"the Pong with {len(payload)} bytes")


async def the_close_code_of_the_client_is_echoed(args):
    for code in (1000, 1001, 3000, 4999):
        async with dial(args, "/echo") as socket:
            await soon(socket.close(code, "enough"), "the closing handshake")
            close = socket.protocol.close_rcvd
            assert close is not None, f"no Close frame came in answer to {code}"
            equal(close.code, code, "the close code is")


async def what_was_sent_before_a_close_still_comes_back(args):
    # The queue is unbounded, since nobody reads while the closing handshake is waited for.
    async with dial(args, "/echo", max_queue=None) as socket:
        for n in range(100):
            await socket.send(str(n))
        await soon(socket.close(), "the closing handshake")
        got = [message async for message in socket]
        equal(got, [str(n) for n in range(100)], "came")


async def bad_utf8_closes_with_1007(args):
    async with dial(args, "/echo") as socket:
        await socket.send(b"fine \xff not", text=True)
        close = await closed(socket)
        assert close is not None, "the connection ended without a Close frame"
        equal(close.code, 1007, "the close code is")


# The handshake. --------------------------------------------------------------------


async def an_unknown_subprotocol_gets_none_in_return(args):
    for path in ("/ws", "/echo"):
        async with dial(args, path, subprotocols=["no-such-protocol"]) as socket:
            equal(socket.subprotocol, None, f"the subprotocol of {path} is")


async def refused(args, path, status, **options):
    try:
        async with dial(args, path, **options):
            pass
    except InvalidStatus as refusal:
        equal(refusal.response.status_code, status, "the status is")
        body = bytes(refusal.response.body).decode()
        assert body.strip() and "\n" not in body.strip(), f"the body is not one line that says why: {body!r}"
    else:
        raise AssertionError(f"{path} accepted what it should refuse with {status}")


async def another_origin_is_refused_with_403(args):
    port = args.http.rpartition(":")[2]
    for origin in ("http://evil.example", f"http://evil.example:{port}", "null"):
        for path in ("/ws", "/echo", "/add"):
            await refused(args, path, 403, origin=origin)


async def our_own_origin_and_no_origin_are_accepted(args):
    # A TLS proxy may stand before us, so the scheme is not compared.
    for origin in (f"http://{args.http}", f"https://{args.http}", None):
        async with dial(args, "/echo", origin=origin) as socket:
            await socket.send("let in")
            equal(await soon(socket.recv(), "the echo"), "let in")


async def an_unknown_path_is_refused_with_404(args):
    await refused(args, "/no-such-service", 404)


# Add. ---------------------------------------------------------------------------------


async def ask(socket, question):
    await socket.send(question if isinstance(question, str) else json.dumps(question))
    return json.loads(await soon(socket.recv(), f"the answer to {question!r}"))


async def add_adds(args):
    async with dial(args, "/add") as socket:
        equal(await ask(socket, {"a": 7, "b": 4}), {"sum": 11}, "the answer is")
        equal(await ask(socket, {"a": -5, "b": 5}), {"sum": 0}, "the answer is")
        equal(await ask(socket, {"b": 2**62, "a": 2**62 - 1}), {"sum": 2**63 - 1}, "the answer is")


async def add_survives_what_it_cannot_add(args):
    questions = ["", "{", "7", "[1,2]", {"a": 7}, {"b": 4}, {"a": "7", "b": 4}, {"a": None, "b": 4}, {"a": [], "b": {}}]
    questions += [{"a": 2**63 - 1, "b": 1}, {"a": -(2**63), "b": -1}]
    async with dial(args, "/add") as socket:
        for question in questions:
            answer = await ask(socket, question)
            equal(list(answer), ["error"], f"the fields of the answer to {question!r} are")
            assert isinstance(answer["error"], str) and answer["error"], f"the error says nothing: {answer!r}"
            equal(await ask(socket, {"a": 7, "b": 4}), {"sum": 11}, f"after {question!r} the answer is")


CHECKS = [
    two_clients_talk_in_the_lobby,
    with_and_without_compression_the_same_is_heard,
    who_leaves_is_told_as_left,
    a_name_can_be_chosen,
    rooms_do_not_hear_each_other,
    two_slashes_send_one,
    control_characters_arrive_made_visible,
    a_message_in_fragments_is_one_chat_line,
    quit_closes_with_1000,
    a_binary_message_to_the_chat_closes_with_1003,
    echo_gives_back_text_as_text_and_binary_as_binary,
    echo_keeps_the_order_of_many_messages,
    a_message_of_exactly_the_cap_is_echoed,
    a_message_one_byte_over_the_cap_closes_with_1009,
    the_cap_holds_for_the_sum_of_the_fragments,
    pings_between_the_fragments_are_answered_before_the_message_ends,
    a_ping_is_answered_with_its_payload,
    the_close_code_of_the_client_is_echoed,
    what_was_sent_before_a_close_still_comes_back,
    bad_utf8_closes_with_1007,
    an_unknown_subprotocol_gets_none_in_return,
    another_origin_is_refused_with_403,
    our_own_origin_and_no_origin_are_accepted,
    an_unknown_path_is_refused_with_404,
    add_adds,
    add_survives_what_it_cannot_add,
]

if __name__ == "__main__":
    run(CHECKS, arguments(__doc__.splitlines()[0]))
