"""What is measured beside one another: the servers, how they are installed, and the rows of the table."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from measure import TARGET, chinwag, say

HERE = Path(__file__).resolve().parent
TOOLS = TARGET / "peers"

# Name: what the load is, the scenario with its flags, and the unit of work.
ROWS = {
    "saturated-10": ("room of 1,000, 10 senders, saturated", "fanout --connections 1000 --senders 10 --window 16", "delivery"),
    "saturated-1": ("room of 1,000, 1 sender, window 160", "fanout --connections 1000 --senders 1 --window 160", "delivery"),
    "saturated-64": ("room of 1,000, 1 sender, window 64", "fanout --connections 1000 --senders 1 --window 64", "delivery"),
    "room-1000": ("room of 1,000, 50,000 deliveries/s", "fanout --connections 1000 --senders 10 --rate 50", "delivery"),
    "room-10000": ("room of 10,000, 100,000 deliveries/s", "fanout --connections 10000 --senders 10 --rate 10", "delivery"),
    "echo-16": ("echo, 100 connections, 16 outstanding", "echo --connections 100 --window 16", "delivery"),
    "echo-1": ("echo, 100 connections, 1 outstanding", "echo --connections 100 --window 1", "delivery"),
    "connect": ("handshakes, 256 in flight", "connect --in-flight 256", "handshake"),
    "idle": ("18,000 idle connections", "idle --connections 18000 --in-flight 256", "connection"),
}


SERVERS = {
    "chinwag": chinwag,
    "floor": lambda: [rust("floor")],
    "bun": lambda: [node_modules() / ".bin" / "bun", HERE / "js" / "bun.js"],
    "ws": lambda: ["node", TOOLS / "js" / "ws.js"],
    "sockudo": lambda: [rust("sockudo")],
    "fastwebsockets": lambda: [rust("fastwebsockets")],
    "tokio-websockets": lambda: [rust("tokio-websockets")],
    "tungstenite": lambda: [rust("tungstenite")],
}
RUST = {"floor", "sockudo", "fastwebsockets", "tokio-websockets", "tungstenite"}

OURS = ("/ws", "--dialect", "chinwag-text")
THEIRS = ("/room", "--dialect", "raw")
ECHO = ("/echo", "--dialect", "raw")


def rust(name):
    return TOOLS / "rust" / "release" / name


def node_modules():
    return TOOLS / "js" / "node_modules"


def play(name, row):
    """What the load client is told for a row with this server: the scenario, then the path and the flags."""
    scenario, *flags = ROWS[row][1].split()
    where = ECHO if scenario == "echo" else OURS if name == "chinwag" else THEIRS
    return scenario, *where, *flags


def install(servers, has_to_build=True):
    if has_to_build and RUST & set(servers):
        say("building the Rust servers")
        environment = {**os.environ, "CARGO_TARGET_DIR": str(TOOLS / "rust")}
        subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=HERE / "rust", env=environment, check=True)
    if {"bun", "ws"} & set(servers):
        if shutil.which("npm") is None:
            sys.exit("error: npm is missing, which installs bun and ws: apt install npm, or leave them out with --servers")
        folder = TOOLS / "js"
        folder.mkdir(parents=True, exist_ok=True)
        for file in (HERE / "js").iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        if not (node_modules() / ".package-lock.json").exists():
            say("installing bun and ws")
            subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
            # Newer npms run no scripts of packages by themselves; this one fetches the program.
            subprocess.run(["node", "install.js"], cwd=node_modules() / "bun", check=True, stdout=subprocess.DEVNULL)
