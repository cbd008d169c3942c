"""What the measuring scripts share: a server on one core, the load client on the other, and its report."""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
CHINWAG = TARGET / "release" / "chinwag"

SERVER_CORE, CLIENT_CORE = "0", "1"
DESCRIPTORS = 20_000
PATIENCE_S = 20


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare():
    """Two cores, enough descriptors, and chinwag as users get it."""
    if (os.cpu_count() or 1) < 2:
        sys.exit("error: it takes two cores, one for the server and one for the client")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, DESCRIPTORS), hard))
    say("building chinwag")
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return f"{model.group(1) if model else os.uname().machine}, {os.cpu_count()} cores, Linux {os.uname().release}, commit {commit}"


def chinwag(*flags):
    """The command that serves, without limits on how much anybody may say."""
    quiet = ["--listen", "127.0.0.1:0", "--line-listen", "off", "--log", "warn"]
    return [CHINWAG, "serve", *quiet, "--publish-per-second", "0", *flags]


class Server:
    """A server on the first core, for as long as the `with` block."""

    def __init__(self, command):
        self.command = list(map(str, command))

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *self.command], stdout=self.log, stderr=subprocess.STDOUT)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process.poll() is None:
            self.log.seek(0)
            if found := re.search(r"127\.0\.0\.1:[1-9]\d*", self.log.read()):
                self.address = found.group()
                return self
            time.sleep(0.02)
        self.log.seek(0)
        raise RuntimeError(f"{self.command[0]} does not listen: {self.log.read()}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def load(server, scenario, path, *flags):
    """One run of the load client. Returns its report, or, as a text, what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        command = ["taskset", "-c", CLIENT_CORE, CHINWAG, "bench", scenario, f"ws://{server.address}{path}", *flags]
        command += ["--server-pid", server.process.pid, "--json", file]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if not file.exists() or not file.stat().st_size:
            return (done.stderr or done.stdout).strip().splitlines()[-1]
        return json.loads(file.read_text())


def median(reports, *keys):
    """The median of what stands in the reports under these keys, one within the other."""

    def find(report):
        for key in keys:
            report = report[key]
        return report

    return statistics.median(map(find, reports))


def marks(reports):
    """`!` where something was lost or doubled, `~` where the client was the limit."""
    audits = [report.get("audit") or {} for report in reports]
    is_wrong = any(audit.get(what) for audit in audits for what in ("lost", "duplicated", "reordered", "corrupted"))
    is_limited = any((report.get("client") or {}).get("limited") for report in reports)
    return ("!" if is_wrong else "") + ("~" if is_limited else "")


def short(number):
    for bound, digits in ((10, 3), (100, 1)):
        if number < bound:
            return f"{number:.{digits}f}"
    return f"{number:,.0f}"
