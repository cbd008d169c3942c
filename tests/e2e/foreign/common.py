"""What the Python scripts here share: their arguments, their time-outs, one line of output per check."""

import argparse
import asyncio
import os
import re
import secrets
import shutil
import sys
import time
import traceback

try:
    import websockets  # noqa: F401
except ImportError:
    sys.exit("the PyPI package 'websockets' is missing: run ./scripts/test, which installs it, or use its Python")

# Long, since a machine that builds something else at the same time is slow; no check waits for one that passes.
EVENT_TIMEOUT_S = 20
OVERALL_TIMEOUT_S = 180


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--http", required=True, metavar="HOST:PORT", help="where the server speaks HTTP and WebSocket")
    parser.add_argument("--line", metavar="HOST:PORT", help="where it speaks lines over TCP")
    parser.add_argument("--tls", metavar="HOST:PORT", help="where it speaks HTTP and WebSocket under TLS")
    parser.add_argument("--ca", metavar="FILE", help="whose certificates to trust there")
    parser.add_argument("--deflate", action="store_true", help="it compresses for whoever offers to")
    parser.add_argument("--only", metavar="WORDS", help="run only the checks whose name holds these words")
    return parser.parse_args()


def unique(stem):
    """A name or room that no other check and no other run uses."""
    return f"{stem}-{secrets.token_hex(3)}"


def netcat():
    path = os.environ.get("CHINWAG_E2E_NC") or shutil.which("nc.openbsd") or shutil.which("nc")
    if path is None:
        sys.exit("nc is missing: run ./scripts/test, which installs Debian's netcat-openbsd")
    return path


def is_presence(line, joined=None, left=None):
    """Whether a notice tells of this name: '* ann, bob joined, eve left', or, for a crowd, '* 12 joined, 3 left, 40 here'.
    Of a new name it says '* bob is now robert'."""
    told, names = {"joined": [], "left": []}, []
    for part in line[2:].split(", "):
        who, _, what = part.rpartition(" ")
        if what in told:
            told[what], names = [*names, who], []
        elif " is now " not in part and not re.fullmatch(r"\d+ (renamed|here)", part):
            names.append(part)
    if not line.startswith("* ") or names:
        return False
    asked = ((joined, told["joined"]), (left, told["left"]))
    return all(name is None or name in names or [it.isdigit() for it in names] == [True] for name, names in asked)


def equal(got, want, what="got"):
    if got != want:
        raise AssertionError(f"{what} {brief(got)}, expected {brief(want)}")


def brief(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:140]}...{text[-140:]} ({len(value)} long)"


async def soon(awaitable, what):
    """Waits for an event, and says which one it was that did not come."""
    try:
        return await asyncio.wait_for(awaitable, EVENT_TIMEOUT_S)
    except asyncio.TimeoutError:
        raise AssertionError(f"waited {EVENT_TIMEOUT_S} s for {what}") from None


def run(checks, args):
    """Runs every check, says how each went, exits with 1 if one failed."""
    titled = [(check.__name__.replace("_", " "), check) for check in checks]
    checks = [(name, check) for name, check in titled if args.only is None or args.only in name]
    failed = asyncio.run(_run(checks, args))
    print(f"{len(checks) - failed} of {len(checks)} checks passed", flush=True)
    sys.exit(1 if failed or not checks else 0)


async def _run(checks, args):
    failed = 0
    deadline = time.monotonic() + OVERALL_TIMEOUT_S
    for name, check in checks:
        started = time.monotonic()
        try:
            await asyncio.wait_for(check(args), max(0.1, deadline - started))
        except asyncio.TimeoutError:
            failed += 1
            print(f"FAILED {name}: the whole run was given {OVERALL_TIMEOUT_S} s", flush=True)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this check's failure
            failed += 1
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"ok {name} ({(time.monotonic() - started) * 1000:.0f} ms)", flush=True)
    return failed
