#!/usr/bin/env python3
"""The PyPI package `websockets` by wss, with Python's own TLS, which is OpenSSL.

    tls_client.py --http 127.0.0.1:2021 --tls 127.0.0.1:2443 --ca ca.pem
"""

import json
import ssl

# First, since it says what to do when websockets is missing.
from common import arguments, equal, run, soon, unique

from websockets.asyncio.client import connect

JSON = "chinwag.v1.json"


def context(args, **options):
    trusted = ssl.create_default_context(cafile=args.ca)
    trusted.set_alpn_protocols(["http/1.1"])
    for name, value in options.items():
        setattr(trusted, name, value)
    return trusted


async def dial(args, tls, path="/ws", **options):
    host, port = args.tls.rsplit(":", 1)
    uri = f"wss://chat.example.org:{port}{path}"
    return await connect(uri, host=host, ssl=tls, proxy=None, open_timeout=20, close_timeout=10, **options)


async def each_version_speaks(args):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        tls = context(args, minimum_version=version, maximum_version=version)
        async with await dial(args, tls, "/echo") as socket:
            spoken = socket.transport.get_extra_info("ssl_object")
            equal((spoken.version(), spoken.selected_alpn_protocol()), (name, "http/1.1"))
            await socket.send("x" * 100_000)
            equal(await soon(socket.recv(), "the echo"), "x" * 100_000)


async def large_messages_come_back(args):
    async with await dial(args, context(args), "/echo", max_size=None) as socket:
        payload = bytes(range(256)) * 16 * 1024
        await socket.send(payload)
        assert await soon(socket.recv(), "the echo") == payload


async def with_and_without_tls_it_is_one_room(args):
    room = unique("room")
    ann = await dial(args, context(args), f"/ws?room={room}&name={unique('ann')}", subprotocols=[JSON])
    bob = await connect(f"ws://{args.http}/ws?room={room}&name={unique('bob')}", subprotocols=[JSON], proxy=None)

    async def hear(socket):
        while (event := json.loads(await soon(socket.recv(), "a message")))["type"] != "message":
            pass
        return event["data"]

    for speaker, listener, words in ((ann, bob, "by wss"), (bob, ann, "by ws")):
        await speaker.send(json.dumps({"type": "publish", "id": 1, "room": room, "data": words}))
        equal(await hear(listener), words)
    for socket in (ann, bob):
        await socket.close()
        equal(socket.close_code, 1000)


async def who_is_not_trusted_is_not_spoken_to(args):
    try:
        await dial(args, ssl.create_default_context())
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("a certificate of nobody was believed")


if __name__ == "__main__":
    checks = [value for name, value in list(globals().items()) if name.startswith(("each_", "large_", "with_", "who_"))]
    run(checks, arguments(__doc__))
