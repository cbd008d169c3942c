"""What the measuring scripts share: a server on one core, load clients on the other, and what they report."""

import contextlib
import json
import os
import re
import resource
import signal
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
# How long clients may take to get into their rooms.
SETTLE_S = 60


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare(has_to_build=True):
    """Two cores, enough descriptors, and chinwag as users get it."""
    if (os.cpu_count() or 1) < 2:
        sys.exit("error: it takes two cores, one for the server and one for the client")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, DESCRIPTORS), hard))
    if has_to_build:
        say("building chinwag")
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    elif not CHINWAG.exists():
        sys.exit(f"error: there is no {CHINWAG}")


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    linux = re.match(r"\d+\.\d+", os.uname().release).group()
    return f"{model.group(1) if model else os.uname().machine}, {os.cpu_count()} cores, Linux {linux}, commit {commit}"


def chinwag(*flags):
    """The command that serves, without limits on how much anybody may say and ask."""
    quiet = ["--listen", "127.0.0.1:0", "--line-listen", "off", "--log", "warn"]
    return [CHINWAG, "serve", *quiet, "--publish-per-second", "0", "--requests-per-second", "0", *flags]


class Server:
    """A server on the first core, for as long as the `with` block."""

    def __init__(self, command):
        self.command = list(map(str, command))

    def __enter__(self):
        # What we do ourselves meanwhile is not to be in its way.
        os.sched_setaffinity(0, {int(CLIENT_CORE)})
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

    def ticks(self):
        """Its processor time so far, for itself and in the kernel; proc(5) has the fields."""
        _, behind_name = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)
        fields = behind_name.split()
        return int(fields[11]), int(fields[12])


class Load:
    """A run of the load client on the second core. It says once a second on its standard error how it is."""

    def __init__(self, server, scenario, path, *flags, is_urgent=False):
        self.server, self.folder = server, tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "report.json"
        command = ["taskset", "-c", CLIENT_CORE, *(URGENT if is_urgent else ())]
        command += [CHINWAG, "bench", scenario, f"ws://{server.address}{path}", *flags]
        command += ["--server-pid", server.process.pid, "--json", self.file]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(list(map(str, command)), **quiet)
        self.last_line = ""
        self.ticks = []

    def phases(self):
        """The phase of each second. In the steady ones the server's processor time is noted."""
        for line in self.process.stderr:
            self.last_line = line.strip()
            phase = found.group(1) if (found := re.match(r"\d+ s, ([a-z-]+):", line)) else ""
            if phase in ("warm-up", "measured"):
                self.ticks.append(self.server.ticks())
            yield phase

    def settle(self):
        """Returns when all are in their rooms and the load is on."""
        until = time.monotonic() + SETTLE_S
        for phase in self.phases():
            if phase in ("warm-up", "measured"):
                return
            if time.monotonic() > until:
                break
        raise RuntimeError(f"the clients do not get into their rooms: {self.last_line}")

    def report(self):
        """The report of the whole run, or, as a text, what went wrong."""
        for _ in self.phases():
            pass
        self.process.wait()
        with self.folder:
            if not self.file.exists() or not self.file.stat().st_size:
                return self.last_line or f"it ended with {self.process.returncode}"
            report = json.loads(self.file.read_text())
        if len(self.ticks) > 1 and "server" in report:
            user, system = (last - first for first, last in zip(self.ticks[0], self.ticks[-1]))
            report["server"]["user_share"] = user / (user + system) if user + system else None
        return report

    def end(self):
        """Ends the run early. Returns the report of what there was by now."""
        self.process.send_signal(signal.SIGINT)
        return self.report()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.folder.cleanup()


def load(server, scenario, path, *flags, is_urgent=False):
    """One run of the load client. Returns its report, or, as a text, what went wrong."""
    return Load(server, scenario, path, *flags, is_urgent=is_urgent).report()


@contextlib.contextmanager
def beside(server, scenario, path, *flags):
    """Other clients that are there for as long as the `with` block, all in their rooms when it begins."""
    others = Load(server, scenario, path, *flags, "--duration", "1h")
    try:
        others.settle()
        yield others
    finally:
        others.kill()


def urgent():
    """What puts a client before the others of its core, and before us; nothing where that is not allowed."""
    command = ["chrt", "-f", str(os.sched_getparam(0).sched_priority + 5)]
    with contextlib.suppress(OSError):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


URGENT = urgent()


def median(reports, *keys):
    """The median of what stands in the reports under these keys, one within the other."""

    def find(report):
        for key in keys:
            report = report[key]
        return report

    return statistics.median(map(find, reports))


def marks(reports):
    """`!` where something was lost, doubled or refused, `~` where the client was the limit."""
    wrong = ("lost", "duplicated", "reordered", "corrupted", "refused")
    audits = [report.get("audit") or {} for report in reports]
    audits += [audit["hops"] for audit in audits if audit.get("hops")]
    is_wrong = any(audit.get(what) for audit in audits for what in wrong)
    is_limited = any((report.get("client") or {}).get("limited") for report in reports)
    return ("!" if is_wrong else "") + ("~" if is_limited else "")


def short(number):
    for bound, digits in ((10, 3), (100, 1)):
        if number < bound:
            return f"{number:.{digits}f}"
    return f"{number:,.0f}"
