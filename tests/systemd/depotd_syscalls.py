#!/usr/bin/env python3
"""depotd makes no call that its unit forbids, and `depot` none either, so that
a timer's unit (a backup at night) may carry the same lines.

Method: a day of depotd in small under strace, as systemd would start it: told
by the notify socket and the watchdog, beside a broker that is a unit of its
own, reloaded, its broker restarted, asked by every way in, stopped. The names
of its calls are compared with SystemCallFilter=, the families of its sockets
with RestrictAddressFamilies=, its mappings with MemoryDenyWriteExecute=. A
filter without @network-io must fail, so that the comparison is known to see.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

import syscalls

# What is called and forbidden, and why that is well.
FORBIDDEN = {
    # The kernel is asked whether the clock is synchronised. Refused, depotd
    # looks for the mark of systemd-timesyncd; for other time services the
    # operating guide has a drop-in.
    "clock_adjtime",
    # What root writes is given to the folder's owner; the unit is not root.
    "fchown",
}
# glibc looks for the machine's addresses when it resolves one; that it is
# refused, it takes for "not known".
FORBIDDEN_FAMILIES = {"AF_NETLINK"}
LIMIT = 240


class Depotd:
    """depotd under strace, and what it says."""

    def __init__(self, program, folder, config):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        self.told = []
        self.told_at = 0
        self.lines = []
        self.heard = threading.Condition()
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"),
                       "WATCHDOG_USEC": "2000000"}
        environment.pop("JOURNAL_STREAM", None)
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", folder / "depotd.trace", program,
             "--config", config], env=environment, text=True,
            stderr=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_notes, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line)
                self.heard.notify_all()

    def _read_notes(self):
        """Always, as systemd does: a full socket would hold depotd up."""
        while True:
            data, rest, _, _ = socket.recv_fds(self.notify, 4096, 0)
            del rest
            with self.heard:
                self.told.append(data)
                self.heard.notify_all()

    def wait_line(self, part, after=0):
        with self.heard:
            if not self.heard.wait_for(
                    lambda: any(part in line for line in self.lines[after:]),
                    LIMIT):
                raise AssertionError(f"no {part!r} in: {self.lines}")
            return len(self.lines)

    def wait_told(self, part):
        """What systemd hears, behind what was waited for before."""
        def is_told():
            while self.told_at < len(self.told):
                self.told_at += 1
                if part in self.told[self.told_at - 1]:
                    return True
            return False
        with self.heard:
            if not self.heard.wait_for(is_told, LIMIT):
                raise AssertionError(f"no {part!r} in: {self.told}")

    def pid(self):
        """Of depotd: strace's only child."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return int(pathlib.Path(path).read_text("ascii").split()[0])


@contextlib.contextmanager
def broker_of(folder):
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c",
                           folder / "run/broker.conf"],
                          stderr=subprocess.DEVNULL) as broker:
        try:
            yield broker
        finally:
            broker.terminate()


class Commands:
    """`depot` under strace, one trace for all."""

    def __init__(self, program, folder, config):
        self.program = program
        self.folder = folder
        self.config = config
        self.count = 0

    def run(self, *arguments, text="", codes=(0,)):
        self.count += 1
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o",
             self.folder / f"depot-{self.count}.trace", self.program,
             "--config", self.config, *arguments], input=text, text=True,
            capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode in codes, (arguments, done)
        return done.stdout


def ask_everything(depot, folder):
    depot.run("item", "import", "-", text="item,name_en\nMUG,Mug\nTEA,Tea\n")
    depot.run("code", "import", "-", text="code,item\n4006381333931,MUG\n")
    depot.run("bin", "import", "-", text="bin\nA-01\nA-02\n")
    depot.run("device", "add", "dock-1", "--kind", "scanner")
    depot.run("account", "add", "ann", "--role", "operator")
    depot.run("broker", "add", "wall-1")
    depot.run("scan", "--device", "dock-1",
              text="DEPOT.OP.RECEIVE\nDEPOT.BIN.A-01\n4006381333931\n")
    depot.run("book", "receive", "MUG", "--qty", "5", "--bin", "A-01")
    depot.run("move", "MUG", "2", "--from", "A-01", "--to", "A-02")
    depot.run("count", "MUG", "2", "--bin", "A-02")
    for words in ("stock", "stock MUG", "journal", "trace MUG", "tasks",
                  "parked list", "status", "alerts", "config check",
                  "config print", "decode ]C1010400638133393110L1", "audit",
                  "top --frames 1"):
        depot.run(*words.split(), codes=(0, 3))
    depot.run("backup", str(folder / "copy"))
    depot.run("verify", str(folder / "copy"))


def pair_phone(depot, port):
    """A browser comes, is paired, and asks how the box is."""
    site = f"https://127.0.0.1:{port}"
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    code = re.search(r"#pair=(\w+)", depot.run(
        "page", "pair", "--account", "boss")).group(1)
    request = urllib.request.Request(
        site + "/api/pair", json.dumps({"code": code}).encode(),
        {"Origin": site, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=context) as answer:
        badge = answer.headers["Set-Cookie"].split(";")[0]
    state = urllib.request.Request(site + "/api/state", None,
                                   {"Cookie": badge})
    with urllib.request.urlopen(state, context=context) as answer:
        assert json.load(answer)["account"] == "boss"


def live(programs, folder):
    """One life of a box; leaves the traces behind."""
    mqtt, http = syscalls.free_port(), syscalls.free_port()
    page = syscalls.free_port()
    config = folder / "depot.conf"
    (folder / "run").mkdir()
    config.write_text(
        f"[site]\norg = acme\nsite = hz-01\n[store]\npath = {folder}/store\n"
        f"map_size = 64 MiB\n[runtime]\ndir = {folder}/run\n"
        f"[broker]\nport = {mqtt}\n[http]\nport = {http}\n"
        f"[page]\nenabled = yes\naddress = 127.0.0.1\nport = {page}\n",
        "utf-8")
    depot = Commands(programs["depot"], folder, config)
    depot.run("init", "--yes", "--account", "boss")
    depotd = Depotd(programs["depotd"], folder, config)
    try:
        depotd.wait_line("ready: ")
        depotd.wait_told(b"READY=1")
        with broker_of(folder):
            depotd.wait_line("broker_up: ")
            ask_everything(depot, folder)
            urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics").read()
            depotd.wait_line("page_ready: ")
            pair_phone(depot, page)
            seen = len(depotd.lines)
        seen = depotd.wait_line("broker_down: ", seen)
        with broker_of(folder):
            depotd.wait_line("broker_up: ", seen)
            os.kill(depotd.pid(), signal.SIGHUP)
            depotd.wait_line("reloaded: ", seen)
            depotd.wait_told(b"WATCHDOG=1")
            os.kill(depotd.pid(), signal.SIGTERM)
            depotd.wait_told(b"STOPPING=1")
            assert depotd.process.wait(LIMIT) == 0
    finally:
        if depotd.process.poll() is None:
            os.kill(depotd.pid(), signal.SIGKILL)
            depotd.process.wait()
    return depot.count


def check(what, trace, unit):
    """Holds the calls of @trace to @unit. Returns the names."""
    calls = syscalls.calls_in(trace)
    families = set(re.findall(r"\bsocket(?:pair)?\((\w+)", trace))
    allowed = set(re.search(r"^RestrictAddressFamilies=(.*)$", unit,
                            re.M).group(1).split())
    executable = re.findall(r"^.*\bmmap\([^)]*PROT_WRITE\|PROT_EXEC.*$|"
                            r"^.*\bmprotect\([^)]*PROT_EXEC.*$", trace, re.M)
    print(f"{what}: {len(calls)} system calls made, sockets of "
          f"{', '.join(sorted(families))}")
    surplus = calls - syscalls.allowed_by(unit) - FORBIDDEN
    assert surplus == set(), (what, surplus)
    assert families - allowed - FORBIDDEN_FAMILIES == set(), (what, families)
    assert not executable, (what, executable)
    return calls


def drop_in_check(unit, guide):
    """The drop-in that the operating guide has for chrony does what it says:
    no more and no less than the call that the unit forbids."""
    found = re.search(r"^    \[Service\]\n((?:    .+\n)+)", guide, re.M)
    lines = re.sub(r"^    ", "", found.group(1), flags=re.M)
    more = syscalls.allowed_by(unit + "\n" + lines)
    assert more - syscalls.allowed_by(unit) == {"clock_adjtime"}, lines
    # It would forbid the call by itself.
    assert "ProtectClock=yes" in unit and "ProtectClock=no" in lines, lines


def main():
    if not syscalls.can_trace():
        print("SKIP: strace cannot trace here")
        return 77
    unit = pathlib.Path(sys.argv[1]).read_text("utf-8")
    programs = {name: os.path.join(sys.argv[2], name)
                for name in ("depotd", "depot")}
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        count = live(programs, folder)
        depotd = check("depotd", (folder / "depotd.trace").read_text("utf-8"),
                       unit)
        check(f"depot, {count} times", "".join(
            one.read_text("utf-8") for one in folder.glob("depot-*.trace")),
              unit)
    assert {"fdatasync", "socket", "epoll_wait", "clock_adjtime"} <= depotd
    for guide in sys.argv[3:]:
        drop_in_check(unit, pathlib.Path(guide).read_text("utf-8"))
    assert len(sys.argv) == 5
    narrow = syscalls.allowed_by(unit) - syscalls.group_of("@network-io")
    assert "socket" in depotd - narrow
    return 0


if __name__ == "__main__":
    sys.exit(main())
