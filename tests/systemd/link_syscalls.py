#!/usr/bin/env python3
"""depot-link makes no call that its unit forbids.

Method: its life under strace, as depotd_syscalls.py does it for depotd: a far
broker over TLS that goes and comes, both ways of a message, SIGTERM; in
depotd's place e2e_link_double. A filter without @network-io must fail, so that
the comparison is known to see. And what it gives up by itself when it has
connected, it has given up: the filter of seccomp(2) is there.
"""

import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading

import depotd_syscalls
import syscalls

LIMIT = 240
AGAIN = 75


class Double:
    """depotd's side of the socket."""

    def __init__(self, program, folder):
        self.lines = queue.Queue()
        self.process = subprocess.Popen(
            [program, folder / "link.sock"], stdin=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.put(line)

    def wait(self, begin):
        while not self.lines.get(timeout=LIMIT).startswith(begin):
            pass

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def broker_of(folder):
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c",
                           folder / "broker.conf"],
                          stderr=subprocess.DEVNULL) as broker:
        try:
            yield broker
        finally:
            broker.terminate()


def configure(folder):
    port = syscalls.free_port()
    for name in ("server.crt", "server.key"):
        (folder / name).write_bytes((syscalls.TLS / name).read_bytes())
        (folder / name).chmod(0o644)
    (folder / "broker.conf").write_text(
        f"listener {port} 127.0.0.1\ncertfile {folder}/server.crt\n"
        f"keyfile {folder}/server.key\nallow_anonymous true\n"
        "persistence false\nlog_dest none\n", "utf-8")
    config = folder / "depot.conf"
    config.write_text(
        f"[site]\norg = acme\nsite = hz-01\n[runtime]\ndir = {folder}\n"
        f"[link hq]\nuri = ssl://localhost:{port}\n"
        f"ca_file = {syscalls.TLS}/ca.crt\n", "utf-8")
    return config


def is_confined(strace):
    """Whether strace's only child has a filter."""
    path = f"/proc/{strace}/task/{strace}/children"
    child = pathlib.Path(path).read_text("ascii").split()[0]
    status = pathlib.Path(f"/proc/{child}/status").read_text("ascii")
    return "\nSeccomp:\t2\n" in status, int(child)


@contextlib.contextmanager
def link_of(build, folder, config, number):
    """depot-link under strace."""
    with subprocess.Popen(
            ["strace", "-f", "-qq", "-o", folder / f"{number}.trace",
             build / "gateway/depot-link", "hq", "--config", config],
            stderr=subprocess.DEVNULL) as link:
        try:
            yield link
        finally:
            link.kill()


def live(build, folder):
    """Two lives: the first ends with its broker, the second by SIGTERM."""
    config = configure(folder)
    double = Double(build / "tests/e2e/e2e_link_double", folder)
    try:
        double.wait("listening")
        with link_of(build, folder, config, 1) as link:
            with broker_of(folder):
                double.wait("up hq")
                double.say("publish hq head/hz-01 5 1 1")
                double.wait("message hq head/hz-01")
            double.wait("down hq")
            # A connection that breaks at once ends the process.
            assert link.wait(LIMIT) == AGAIN
        with link_of(build, folder, config, 2) as link, broker_of(folder):
            double.wait("up hq")
            confined, pid = is_confined(link.pid)
            os.kill(pid, signal.SIGTERM)
            assert link.wait(LIMIT) == 0
    finally:
        double.process.kill()
        double.process.wait()
        double.process.stdin.close()
    return confined


def main():
    if not syscalls.can_trace():
        print("SKIP: strace cannot trace here")
        return 77
    signal.alarm(800)
    unit = pathlib.Path(sys.argv[1]).read_text("utf-8")
    build = pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as path:
        pathlib.Path(path).chmod(0o755)  # mosquitto leaves root
        confined = live(build, pathlib.Path(path))
        trace = "".join(one.read_text("utf-8") for one in
                        pathlib.Path(path).glob("*.trace"))
    calls = depotd_syscalls.check("depot-link", trace, unit)
    assert {"socket", "connect", "epoll_wait", "prctl"} <= calls
    cache = (build / "CMakeCache.txt").read_text("utf-8")
    assert confined or "DEPOT_PROFILE:STRING=asan" in cache \
        or "DEPOT_PROFILE:STRING=tsan" in cache
    narrow = syscalls.allowed_by(unit) - syscalls.group_of("@network-io")
    assert "socket" in calls - narrow
    return 0


if __name__ == "__main__":
    sys.exit(main())
