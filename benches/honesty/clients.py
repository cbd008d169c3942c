"""The load clients: how each is run, and what its own report says."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from measure import CHINWAG, CLIENT_CORE, TARGET, say

HERE = Path(__file__).resolve().parent
TOOLS = TARGET / "honesty"
JS = TOOLS / "js"
PYTHON = TOOLS / "python"
# What a client may take beyond the load itself, to start and to give up.
PATIENCE_S = 60
PAYLOAD = "x" * 64
LOCUST = ("locust==2.47.0", "websocket-client==1.9.2")


@dataclass(frozen=True)
class Load:
    connections: int
    rate: int  # messages a second of each
    seconds: int

    @property
    def interval_ms(self):
        return 1000 // self.rate

    @property
    def messages(self):
        return self.connections * self.rate * self.seconds


@dataclass(frozen=True)
class Run:
    """What a client left behind: its exit code, what it printed, and a folder with its files."""

    code: int | None  # none where it had to be ended
    out: str
    folder: Path


def run(command, folder, load, environment=None):
    """Runs a client on its core. One that does not end is ended, with the processes that it started."""
    command = ["taskset", "-c", CLIENT_CORE, *map(str, command)]
    with open(folder / "out", "w+") as out:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(load.seconds + PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        out.seek(0)
        return Run(code, out.read(), folder)


def line(pattern, run):
    """The last line that matches, as a verdict."""
    found = re.findall(pattern, run.out, re.M)
    return found[-1].strip() if found else "none"


def chinwag(address, load, folder):
    rate = load.connections * load.rate
    flags = ["--dialect", "raw", "--connections", load.connections, "--rate", rate, "--duration", f"{load.seconds}s"]
    files = ["--warmup", "0s", "--json", folder / "report.json", "--hgrm", folder / "report.hgrm"]
    return run([CHINWAG, "bench", "echo", f"ws://{address}/", *flags, *files], folder, load)


def of_chinwag(run):
    report = json.loads((run.folder / "report.json").read_text())
    named = {"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}
    points = [[percent, report["latency_us"][name] / 1000] for name, percent in named.items()]
    for row in (run.folder / "report.hgrm").read_text().splitlines():
        if found := re.match(r"\s*([\d.]+)\s+([\d.]+)\s+\d+", row):
            points.append([float(found[2]) * 100, float(found[1])])
    return {
        "sent": report["sent"],
        "points": sorted(points),
        "max": report["latency_us"]["max"] / 1000,
        "failed": report["audit"]["lost"] + report["connections_lost"],
        "verdict": next(text for text in run.out.splitlines() if "accounted for" in text or "the load was not" in text),
    }


def settings(address, load):
    values = {"TARGET": f"ws://{address}/", "CONNECTIONS": load.connections, "SECONDS": load.seconds, "INTERVAL_MS": load.interval_ms}
    return {name: str(value) for name, value in values.items()}


def artillery(address, load, folder):
    command = ["node", JS / "node_modules" / ".bin" / "artillery", "run", "--output", folder / "report.json", JS / "artillery.yml"]
    environment = {**settings(address, load), "ARTILLERY_DISABLE_TELEMETRY": "true"}
    return run(command, folder, load, environment)


def of_artillery(run):
    report = json.loads((run.folder / "report.json").read_text())["aggregate"]
    counters, times = report["counters"], report["summaries"].get("message_ms", {})
    names = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9}
    return {
        "sent": counters.get("websocket.messages_sent", 0),
        "points": [[percent, times[name]] for name, percent in names.items() if name in times],
        "max": times.get("max"),
        "failed": sum(count for name, count in counters.items() if name.startswith("errors.")),
        "verdict": line(r"^All VUs finished.*", run),
    }


def locust(address, load, folder):
    users = ["--users", load.connections, "--spawn-rate", load.connections, "--run-time", f"{load.seconds}s"]
    files = ["--json-file", folder / "report"]
    command = [PYTHON / "bin" / "locust", "--locustfile", HERE / "locustfile.py", "--headless", "--only-summary", *users, *files]
    return run(command, folder, load, settings(address, load))


def of_locust(run):
    (report,) = json.loads((run.folder / "report.json").read_text())
    # It keeps times with two digits, and its percentiles are of those.
    points, seen = [], 0
    for time, count in sorted((float(time), count) for time, count in report["response_times"].items()):
        points.append([100 * (seen + 1) / report["num_requests"], time])
        seen += count
        points.append([100 * seen / report["num_requests"], time])
    return {
        "sent": report["num_requests"],
        "points": points,
        "max": report["max_response_time"],
        "failed": report["num_failures"],
        "verdict": line(r"Shutting down \(exit code \d+\)", run),
    }


def tsung(address, load, folder):
    values = {
        "port": address.split(":")[1],
        "connections": load.connections,
        "seconds": load.seconds,
        "messages": load.rate * load.seconds,
        "payload": PAYLOAD,
        "interval_s": load.interval_ms / 1000,
    }
    plan = (HERE / "tsung.xml").read_text()
    (folder / "plan.xml").write_text(re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), plan))
    # Erlang's port mapper would stay behind; this one is of this run alone.
    port = str(20_000 + os.getpid() % 10_000)
    environment = {"ERL_EPMD_PORT": port, "HOME": str(folder)}
    mapper = subprocess.Popen(["epmd", "-port", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return run(["tsung", "-f", folder / "plan.xml", "-l", folder, "-n", "start"], folder, load, environment)
    finally:
        mapper.kill()
        mapper.wait()


def of_tsung(run):
    """Each dump has, of the ten seconds before it, the count and the mean; then the greatest so far."""
    (log,) = run.folder.glob("*/tsung.log")
    sent, most, failed = 0, None, 0
    for row in log.read_text().splitlines():
        if found := re.match(r"stats: tr_message (\d+) [\d.e-]+ [\d.e-]+ ([\d.]+)", row):
            sent, most = sent + int(found[1]), float(found[2])
        elif found := re.match(r"stats: error\S* (\d+)", row):
            failed += int(found[1])
    return {"sent": sent, "points": [], "max": most, "failed": failed, "verdict": "none"}


CLIENTS = {
    "chinwag bench": (chinwag, of_chinwag),
    "artillery": (artillery, of_artillery),
    "locust": (locust, of_locust),
    "tsung": (tsung, of_tsung),
}


def install(clients):
    """Returns those of the clients that can be had, and says which cannot, and why."""
    if shutil.which("npm") is None:
        sys.exit("error: npm is missing, which installs the server's library and artillery: apt install npm")
    JS.mkdir(parents=True, exist_ok=True)
    for name in (".npmrc", "package.json", "server.js", "artillery.yml", "artillery.js"):
        shutil.copy(HERE / name, JS)
    if not (JS / "node_modules" / ".package-lock.json").exists():
        say("installing artillery and ws")
        subprocess.run(["npm", "install", "--silent"], cwd=JS, check=True)
    if "locust" in clients and not (PYTHON / "ready").exists():
        say("installing locust")
        venv.create(PYTHON, with_pip=True, clear=True)
        subprocess.run([PYTHON / "bin" / "python", "-m", "pip", "install", "--quiet", *LOCUST], check=True)
        (PYTHON / "ready").touch()
    if "tsung" in clients and shutil.which("tsung") is None:
        say("tsung is missing, and left out: apt install tsung")
        clients = [client for client in clients if client != "tsung"]
    return clients
