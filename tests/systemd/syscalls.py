#!/usr/bin/env python3
"""The broker makes no system call that its unit forbids. A filter that is too
tight would stop the box at its first start, where no test looks.

Method: mosquitto runs under strace with a plain, a WebSocket and a TLS listener,
is connected to, published to, reloaded and stopped; the names of its calls are
compared with the unit's SystemCallFilter=, whose groups systemd itself spells
out. A filter without @network-io must fail, so that the comparison is known
to see.
"""

import contextlib
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

TLS = pathlib.Path(__file__).resolve().parents[1] / "golden/tls"
# mosquitto leaves root when it is started as root; the unit starts it as depot.
AS_ROOT = {"setuid", "setgid", "setgroups"}


def group_of(name):
    """The system calls of systemd's group @name."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True, text=True, check=True).stdout
    calls = set()
    for word in re.findall(r"^ +([@\w-]+)$", said, re.M):
        calls |= group_of(word) if word.startswith("@") else {word}
    return calls


def allowed_by(unit):
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        named = set().union(*(group_of(w) if w.startswith("@") else {w}
                              for w in line.lstrip("~").split()))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def free_port():
    """One that was free a moment ago, below those that the kernel gives to
    clients."""
    while True:
        with socket.socket() as one, contextlib.suppress(OSError):
            port = random.SystemRandom().randrange(10000, 32000)
            one.bind(("127.0.0.1", port))
            return port


def connect(port, root):
    """A connection to @port: over TLS, if there is a @root for it."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=120)
    if root is None:
        return plain
    return ssl.create_default_context(cafile=root).wrap_socket(
        plain, server_hostname="localhost")


def publish(port, root=None):
    """CONNECT, PUBLISH (QoS 1) and DISCONNECT of MQTT 3.1.1, by hand."""
    with connect(port, root) as client:
        client.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")
        assert client.recv(4) == b"\x20\x02\x00\x00"
        client.sendall(b"\x32\x06\x00\x01t\x00\x01x")
        assert client.recv(4) == b"\x40\x02\x00\x01"
        client.sendall(b"\xe0\x00")


def calls_of(folder):
    """The names of all system calls of a broker's life."""
    ports = free_port(), free_port(), free_port()
    for name in ("server.crt", "server.key"):
        shutil.copy(TLS / name, folder)
        (folder / name).chmod(0o644)
    (folder / "broker.conf").write_text(
        f"listener {ports[0]} 127.0.0.1\nlistener {ports[1]} 127.0.0.1\n"
        f"protocol websockets\nlistener {ports[2]} 127.0.0.1\n"
        f"certfile {folder}/server.crt\nkeyfile {folder}/server.key\n"
        "allow_anonymous true\npersistence false\n"
        f"log_dest stderr\npid_file {folder}/broker.pid\n", "utf-8")
    with subprocess.Popen(
            ["strace", "-f", "-qq", "-o", folder / "trace",
             "/usr/sbin/mosquitto", "-c", folder / "broker.conf"],
            stderr=subprocess.PIPE, text=True) as broker:
        with contextlib.closing(broker.stderr):
            assert any(" running" in line for line in broker.stderr)
            pid = int((folder / "broker.pid").read_text("utf-8"))
            publish(ports[0])
            publish(ports[2], TLS / "ca.crt")
            subprocess.run(["kill", "-HUP", str(pid)], check=True)
            assert any("Reloading" in line for line in broker.stderr)
            subprocess.run(["kill", "-TERM", str(pid)], check=True)
            broker.stderr.read()
        broker.wait(120)
    return calls_in((folder / "trace").read_text("utf-8"))


def calls_in(trace):
    """The names of the system calls in what strace -f wrote."""
    return set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_]\w+)", trace, re.M))


def can_trace():
    return shutil.which("strace") is not None and subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "true"],
        check=False, capture_output=True).returncode == 0


def main():
    if not can_trace():
        print("SKIP: strace cannot trace here")
        return 77
    signal.alarm(250)
    unit = pathlib.Path(sys.argv[1]).read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        # Where mosquitto goes as its own user, if root starts it.
        pathlib.Path(folder).chmod(0o777)
        calls = calls_of(pathlib.Path(folder)) - AS_ROOT
    allowed = allowed_by(unit)
    print(f"{len(calls)} system calls made, {len(allowed)} allowed")
    assert calls - allowed == set(), calls - allowed
    assert {"execve", "socket", "epoll_wait"} <= calls, calls
    narrow = allowed_by(unit) - group_of("@network-io")
    assert "socket" in calls - narrow
    return 0


if __name__ == "__main__":
    sys.exit(main())
