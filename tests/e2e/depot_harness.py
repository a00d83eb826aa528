"""What end-to-end tests stand on: a broker, a box (depotd on a store of its
own), and devices, all in a temporary folder.

Nothing sleeps: whoever waits, waits for a message, a line of a log, the end of
a process or a notification, up to a limit. What is started is known by its
pid, is marked in its environment, dies with the test, and is looked for at
the end. Tests import this alone: programs and folders are in
harness_process.py, clients in harness_client.py.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
import uuid

# Also for the tests, which take all from here.
from harness_client import Client, Device
from harness_process import (BUILD, DATA, LIBC, LIMIT, ORG, PREFIX, SITE, Late,
                             Program, Scratch, Skip, left_running, need,
                             port_free, same, seed)

MOSQUITTO = "/usr/sbin/mosquitto"

MOVEMENTS = ("", "receive", "putaway", "move", "pick", "pack", "ship",
             "return", "transfer_out", "transfer_in", "count_adjust", "found",
             "scrap", "hold", "release", "transform", "reverse")


def until(what, look):
    """Waits for what no message and no log tells: what other processes have
    written. Returns what @look gave at last; Late if that is nothing. @what may
    be a function that tells when it is late."""
    end = time.monotonic() + LIMIT
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(what() if callable(what) else what)
        time.sleep(0.2)  # between two looks; nothing has happened by then


# ---- the broker ----

class Broker:
    """mosquitto on a free loopback port, with the settings depot asks for."""

    def __init__(self, scratch, port=None):
        need("mosquitto")
        self.port = port or port_free()
        self.config = scratch.write(f"mosquitto-{self.port}.conf", (
            f"listener {self.port} 127.0.0.1\n"
            "allow_anonymous true\n"
            "persistence false\n"
            "user root\n"
            "max_inflight_messages 1000\n"
            "max_queued_messages 100000\n"
            "max_packet_size 65536\n"
            "set_tcp_nodelay true\n"
            "log_dest stderr\n"))
        self.program = None
        scratch.callback(self.stop)

    def start(self):
        self.program = Program([MOSQUITTO, "-c", self.config])
        self.program.wait_line(" running")
        return self

    def stop(self):
        """Ends it however it stands; SIGKILL also ends a stopped process."""
        if self.program is not None and self.program.is_running():
            self.program.kill()

    kill = stop

    def signal(self, number):
        self.program.signal(number)


# ---- the box ----

class Notifications:
    """What a service tells systemd (sd_notify), in systemd's place. It is
    always read: a full socket would hold the service up."""

    def __init__(self, scratch):
        self.path = scratch.file(f"notify-{uuid.uuid4().hex[:8]}")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.states = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            text = self.socket.recv(4096).decode()
            if text == "":
                return
            with self.changed:
                self.states += text.split("\n")
                self.changed.notify_all()

    def wait(self, condition, program, limit):
        """Waits until @condition(states); Late when @program ends before."""
        end = time.monotonic() + limit
        with self.changed:
            while not condition(self.states):
                if not program.is_running():
                    raise Late(f"it ended with {program.wait()}")
                left = end - time.monotonic()
                if left <= 0:
                    raise Late("in time")
                # An end is not told here: look for it now and then.
                self.changed.wait(min(left, .1))

    def close(self):
        with contextlib.suppress(OSError):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", self.path)
        self.reader.join(LIMIT)
        self.socket.close()


class Box:
    """depotd on a store of its own, beside an external broker."""

    def __init__(self, scratch, broker_port, *, seeding=(), map_mib=64,
                 store=None, runtime=None, site=SITE, net="", **directives):
        self.scratch = scratch
        self.site = site
        self.net = net  # of the network that is there already, as hex
        # Boxes of other sites have their files beside those of SITE's.
        self.mark = "" if site == SITE else site + "-"
        self.store = store or scratch.file(self.mark + "store")
        self.runtime = runtime or scratch.file(self.mark + "run")
        self.program = None
        self.notify = None
        self.environment = {}  # what depotd gets besides
        self.prefix = ()  # a program that becomes depotd
        self.directives = {
            "site.org": ORG, "site.site": site,
            "store.path": self.store, "store.map_size": f"{map_mib} MiB",
            "runtime.dir": self.runtime,
            "broker.mode": "external",
            "broker.uri": f"tcp://127.0.0.1:{broker_port}",
            "http.port": "0",
        }
        self.directives.update({name.replace("__", "."): str(value)
                                for name, value in directives.items()})
        self.config = scratch.file(self.mark + "depot.conf")
        self.write_config()
        if seeding is not None:
            self.found(seeding, map_mib)
        self.is_spoiled = False  # a test that damages its store says so
        scratch.boxes.append(self)
        scratch.callback(self.end)

    def write_config(self):
        sections = {}
        for name, value in self.directives.items():
            section, _, directive = name.partition(".")
            sections.setdefault(section, []).append(f"{directive} = {value}")
        with open(self.config, "w", encoding="utf-8") as file:
            for section, lines in sections.items():
                file.write(f"[{section}]\n" + "\n".join(lines) + "\n")

    def found(self, seeding, map_mib):
        """Founds the store from @seeding, lines of tests/e2e/tool_seed.c."""
        lines = [("site", ORG, self.site, self.net), ("account", "boss", 2),
                 *seeding]
        text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
        tool("init", self.store, self.scratch.write(self.mark + "seed.tsv", text),
             str(map_mib))

    # -- running --

    def start(self, limit=LIMIT):
        """Starts depotd and waits until it listens at the broker. READY
        comes before that: it waits for no broker."""
        self.spawn()
        self.wait_ready(limit)
        self.wait_up(limit)
        return self

    def wait_up(self, limit=LIMIT, after=0):
        """Waits for the (next) connection to the broker."""
        return self.program.wait_line(" broker_up: ", limit, after)

    def spawn(self):
        """Starts depotd and waits for nothing."""
        if self.notify is not None:
            self.notify.close()
        self.notify = Notifications(self.scratch)
        self.program = Program(
            [*self.prefix, os.path.join(BUILD, "gateway/depotd"), "--config",
             self.config],
            {"NOTIFY_SOCKET": self.notify.path, **self.environment})
        return self.program

    def wait_ready(self, limit=LIMIT):
        self.wait_state("READY=1", limit)

    def wait_state(self, state, limit=LIMIT, prefix=False):
        """Waits for a notification of the line @state, or one that begins
        with it."""
        def has(states):
            return any(one == state or prefix and one.startswith(state)
                       for one in states)
        try:
            self.notify.wait(has, self.program, limit)
        except Late as late:
            raise Late(f"depotd never said {state}, {late}:\n"
                       + self.program.text()) from None

    def stop(self):
        """SIGTERM: it must end in order."""
        self.program.signal(signal.SIGTERM)
        code = self.program.wait()
        if code != 0:
            raise AssertionError(f"depotd ended with {code}:\n"
                                 + self.program.text())

    def kill(self):
        """kill -9."""
        return self.program.kill()

    def signal(self, number):
        self.program.signal(number)

    def end(self):
        if self.program is not None and self.program.is_running():
            self.program.kill()
        if self.notify is not None:
            self.notify.close()

    def metric(self, name):
        """A figure of /metrics; the box needs an http__port."""
        port = self.directives["http.port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                    timeout=LIMIT) as page:
            for line in page.read().decode().split("\n"):
                if line.startswith(name + " "):
                    return int(float(line.rpartition(" ")[2]))
        raise AssertionError(f"no metric {name}")

    # -- looking into the store; also while depotd runs --

    def tool(self, verb):
        return [decode(line) for line in tool(verb, self.store).splitlines()]

    def head(self):
        return self.tool("head")[0]

    def journal(self, first=1):
        """The entries, from number @first of epoch 1 on."""
        return [decode(line) for line in tool(
            "journal-from", self.store, first).splitlines()]

    def movements(self, first=1):
        """Entries of kind movement; "movement" is its word."""
        found = [entry for entry in self.journal(first)
                 if entry["kind"] == "movement"]
        for entry in found:
            entry["movement"] = MOVEMENTS[entry["movement"]]
        return found

    def parked(self):
        return self.tool("parked")

    def balances(self):
        """{(item, place, lot, condition): units}, without what is outside."""
        return {(row["item"], row["place"], row.get("lot", ""),
                 row["condition"]): row["quantity"]
                for row in self.tool("balances") if "condition" in row}

    def on_hand(self):
        """{item: units} over all bins."""
        units = {}
        for (item, _, _, _), quantity in self.balances().items():
            units[item] = units.get(item, 0) + quantity
        return units

    def judge(self):
        """After every test: its books are right, whatever it did."""
        if not self.is_spoiled and os.path.isdir(self.store):
            self.audit()

    def audit(self, found=None):
        """depotd stops, and nothing is unexplained."""
        if self.program is not None and self.program.is_running():
            self.stop()
        result = decode(tool("audit", self.store))
        same(result["unexplained"], 0, "unexplained")
        same(result["findings"], 0, "findings")
        if found is not None:
            same(result["found"], found, "found")
        return result


def tool(*arguments, codes=(0,)):
    """Runs e2e_tool; returns what it printed."""
    done = subprocess.run([os.path.join(BUILD, "tests/e2e/e2e_tool"),
                           *map(str, arguments)], capture_output=True,
                          check=False, timeout=600)
    if done.returncode not in codes:
        raise AssertionError(f"e2e_tool {' '.join(map(str, arguments))}: "
                             f"exit {done.returncode}: "
                             + done.stderr.decode(errors="replace"))
    return done.stdout.decode("ascii")


def decode(line):
    """A line of e2e_tool: bytes beyond ASCII stand there as Latin-1."""
    def text(value):
        if isinstance(value, str):
            return value.encode("latin-1").decode("utf-8", "replace")
        return value

    values = json.loads(line)
    if "\\u" not in line:
        return values
    return {key: text(value) for key, value in values.items()}


def booked_once(box, device, seqs, each=1, movements=None):
    """Every one of @seqs of @device is in the journal exactly once, with
    @each movements, and no other more than once."""
    times = {}
    for entry in movements or box.movements():
        if (entry.get("actor"), entry.get("boot")) == (device.name,
                                                        device.boot):
            times[entry["seq"]] = times.get(entry["seq"], 0) + 1
    missing = sorted(set(seqs) - set(times))
    twice = sorted(seq for seq, count in times.items() if count != each)
    same((missing, twice), ([], []),
         f"readings of {device.name}, missing and booked twice")
    return len(times)


# ---- running the tests of a file ----

TESTS = []


def test(function):
    """Marks a test; its name is a sentence, its docstring the method."""
    TESTS.append(function)
    return function


def logs_print():
    """The ends of the daemons' logs, after a failure."""
    for program in Program.started:
        if "depotd" not in program.arguments[0]:
            continue
        print(f"-- depotd {program.pid}: {program.process.poll()}")
        print("\n".join(program.text().split("\n")[-60:]))


def run_one(function):
    name = function.__name__
    Program.started.clear()
    print(f"[ RUN      ] {name}", flush=True)
    began = time.monotonic()
    verdict = "OK"
    try:
        with Scratch() as scratch:
            function(scratch)
            for box in scratch.boxes:
                box.judge()
    except Skip as skip:
        print(f"SKIP: {skip}")
        verdict = "SKIPPED"
    except Exception:  # a test may fail in any way
        traceback.print_exc(file=sys.stdout)
        logs_print()
        verdict = "FAILED"
    left = left_running()
    if left:
        print(f"still running: {left}")
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        verdict = "FAILED"
    if verdict == "SKIPPED":
        print(f"[  SKIPPED ] {name}")
    else:
        print(f"[ {verdict:>8} ] {name} ({time.monotonic() - began:.1f} s)",
              flush=True)
    return verdict


def main():
    """Runs the tests of the file, or those that are named."""
    names = sys.argv[1:]
    chosen = [one for one in TESTS if not names or one.__name__ in names]
    verdicts = [run_one(one) for one in chosen]
    print(f"{verdicts.count('OK')} ok, {verdicts.count('FAILED')} failed, "
          f"{verdicts.count('SKIPPED')} skipped")
    if not verdicts or "FAILED" in verdicts:
        sys.exit(1)
    sys.exit(77 if set(verdicts) == {"SKIPPED"} else 0)
