"""What each end-to-end test stands on: programs that die with it, a folder that
goes with it, and bounds on what it waits for. Tests take it from
depot_harness.py.
"""

import contextlib
import ctypes
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("DEPOT_BUILD", os.path.join(HERE, "../../build/dev"))
DATA = os.environ.get("DEPOT_DATA", os.path.join(HERE, "../../../shared/data"))
ORG, SITE = "acme", "hz-01"
PREFIX = f"depot/v1/{ORG}/{SITE}"

# Bounds a hang and expects nothing: a test may run under a sanitizer on a busy
# machine.
LIMIT = float(os.environ.get("DEPOT_E2E_LIMIT", "300"))

MARK = f"DEPOT_E2E_RUN={uuid.uuid4()}"


class Skip(Exception):
    """This machine lacks what the test needs."""


class Late(Exception):
    """What was waited for did not come."""


def need(*programs):
    """Skips the test unless all @programs are installed."""
    for program in programs:
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
            raise Skip(f"there is no {program} here")


def seed():
    """The run's seed, printed: DEPOT_SEED replays it."""
    number = int(os.environ.get("DEPOT_SEED") or random.SystemRandom()
                 .randrange(1 << 32))
    print(f"seed {number}", flush=True)
    return number


def port_free():
    """A port that was free a moment ago: mosquitto takes no port 0. Below
    those that the kernel gives to clients, one of which could have it before
    the broker has, or while the broker is dead."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise Skip("there is no free port")


def same(actual, expected, what="value"):
    """Fails with both sides named."""
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, expected {expected!r}")


# ---- processes ----

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A started program: its standard error line by line, and its end."""

    started = []  # of the test under way: their logs tell why it failed

    def __init__(self, arguments, environment=None, stdin=subprocess.DEVNULL):
        env = dict(os.environ)
        env.pop("NOTIFY_SOCKET", None)
        env.update(environment or {})
        name, _, value = MARK.partition("=")
        env[name] = value
        self.arguments = arguments
        self.lines = []
        self.changed = threading.Condition()
        self.is_read = False
        self.process = subprocess.Popen(
            arguments, stdin=stdin, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env=env, preexec_fn=_die_with_parent)
        self.pid = self.process.pid
        Program.started.append(self)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.is_read = True
            self.changed.notify_all()

    def text(self):
        with self.changed:
            return "\n".join(self.lines)

    def is_running(self):
        return self.process.poll() is None

    def wait_line(self, part, limit=LIMIT, after=0):
        """The index of the first line from @after that holds @part."""
        end = time.monotonic() + limit
        at = after
        with self.changed:
            while True:
                while at < len(self.lines):
                    if part in self.lines[at]:
                        return at
                    at += 1
                left = end - time.monotonic()
                if self.is_read or left <= 0:
                    raise Late(f"no {part!r} in the log of "
                               f"{self.arguments[0]}:\n"
                               + "\n".join(self.lines[-40:]))
                self.changed.wait(left)

    def count(self, part):
        with self.changed:
            return sum(part in line for line in self.lines)

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def wait(self, limit=LIMIT):
        """Waits for the end; returns the exit code, or minus the signal."""
        if self.process.returncode is None:
            handle = os.pidfd_open(self.pid)
            try:
                ended, _, _ = select.select([handle], [], [], limit)
            finally:
                os.close(handle)
            if not ended:
                raise Late(f"{self.arguments[0]} has not ended:\n"
                           + self.text())
        code = self.process.wait()
        self.reader.join(limit)
        return code

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def live(self, seconds):
        """Lets @seconds of its life pass. Only for faults at a moment drawn
        by chance: nothing is expected to have happened by then."""
        with contextlib.suppress(Late):
            self.wait(seconds)


def left_running():
    """Pids of what this run started and did not end."""
    mark = MARK.encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        if int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass  # gone, or not ours
    return found


class Scratch(contextlib.ExitStack):
    """A temporary folder; closes what is entered into it, then goes."""

    def __init__(self):
        super().__init__()
        self.boxes = []
        self.path = tempfile.mkdtemp(prefix="depot-e2e-")
        self.callback(shutil.rmtree, self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.file(name)
