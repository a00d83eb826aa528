#!/usr/bin/python3
"""Runs every command of docs/first-afternoon.md, in order, in one shell, and
compares what it prints with what the document says.

usage: first_afternoon.py DOCUMENT FOLDER   (FOLDER holds depotd and depot)

An example that stands in the document and does not work fails here. In what is
expected, the character … stands for anything; the rest must appear in order.
"""

import contextlib
import os
import pathlib
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL_TIMEOUT_S = 600


def steps(document):
    """[(commands, expected or None)] in the document's order."""
    found = []
    for kind, body in FENCE.findall(document):
        if kind == "sh":
            found.append([body, None])
        else:
            found[-1][1] = body.strip()
    return found


def free_port():
    """One that was free a moment ago, below those that the kernel gives to
    clients."""
    while True:
        with socket.socket() as one, contextlib.suppress(OSError):
            port = random.SystemRandom().randrange(10000, 32000)
            one.bind(("127.0.0.1", port))
            return port


def script(found, mark):
    """One shell for all steps, with a mark behind each one's output."""
    lines = ["set -e"]
    for number, (commands, _) in enumerate(found):
        lines += [commands.rstrip(), f"echo {mark} {number}"]
    return "\n".join(lines) + "\n"


def matches(expected, printed):
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.search(pattern, printed, re.DOTALL) is not None


def children_end(folder):
    """The broker is a child of depotd's: ends what a failure left behind."""
    for status in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_bytes().decode(errors="replace")
            lives_in = os.readlink(status.parent / "cwd")
            if str(folder) in words or lives_in == str(folder):
                os.kill(int(status.parent.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def run(found, folder, binaries):
    mark = "mark-" + secrets.token_hex(8)
    environment = dict(
        os.environ,
        PATH=f"{binaries}:/usr/sbin:{os.environ['PATH']}",
        PORT=str(free_port()),
        LC_ALL="C.UTF-8",
    )
    with open(folder / "printed", "w+", encoding="utf-8") as printed:
        shell = subprocess.Popen(
            ["bash", "-c", script(found, mark)],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=printed, stderr=subprocess.STDOUT,
        )
        try:
            shell.wait(SHELL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            shell.kill()
        printed.seek(0)
        return re.split(rf"{mark} \d+\n", printed.read())


def main():
    document = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    binaries = pathlib.Path(sys.argv[2]).resolve()
    found = steps(document)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="depot-afternoon-") as name:
        folder = pathlib.Path(name)
        try:
            parts = run(found, folder, binaries)
        finally:
            children_end(folder)
        log = folder / "depotd.log"
        daemon = log.read_text(errors="replace") if log.exists() else ""
    for number, (commands, expected) in enumerate(found):
        printed = parts[number] if number < len(parts) else ""
        ended = number < len(parts) - 1
        if not ended or (expected and not matches(expected, printed)):
            wrong += 1
            print(f"--- step {number + 1}{'' if ended else ' (did not end)'}:"
                  f"\n{commands}\nprinted:\n{printed}\nexpected:\n{expected}")
            if not ended:
                break
    if wrong:
        print("depotd said:\n" + daemon)
    print(f"{len(found)} steps, {wrong} wrong")
    assert len(found) >= 8, "the document has lost its examples"
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
