"""What end-to-end tests stand on: a broker, a box (depotd on a store of its
own), and devices, all in a temporary folder.

Nothing sleeps: whoever waits, waits for a message, a line of a log, the end of
a process or a notification, up to a limit. What is started is known by its
pid, is marked in its environment, dies with the test, and is looked for at
the end.
"""

import contextlib
import ctypes
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
import uuid

import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

import schema_check

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("DEPOT_BUILD", os.path.join(HERE, "../../build/dev"))
DATA = os.environ.get("DEPOT_DATA", os.path.join(HERE, "../../../shared/data"))
MOSQUITTO = "/usr/sbin/mosquitto"
ORG, SITE = "acme", "hz-01"
PREFIX = f"depot/v1/{ORG}/{SITE}"

# Bounds a hang and expects nothing: a test may run under a sanitizer on a busy
# machine.
LIMIT = float(os.environ.get("DEPOT_E2E_LIMIT", "300"))

MOVEMENTS = ("", "receive", "putaway", "move", "pick", "pack", "ship",
             "return", "transfer_out", "transfer_in", "count_adjust", "found",
             "scrap", "hold", "release", "transform", "reverse")

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


# ---- clients ----

class Message:
    def __init__(self, raw):
        self.topic = raw.topic
        self.payload = raw.payload
        self.is_retained = bool(raw.retain)
        self.qos = raw.qos
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.payload)


CONTRACT = schema_check.Contract()
# Of one client's messages, so many are held to the contract one by one, and
# of those beyond one in a hundred.
CHECKED_MAX = 1500


class Client:
    """A foreign MQTT client. Keeps all it hears; at its end each message of
    depot's own topics is held to the published contract, unless others
    publish there too: @checked is then false."""

    def __init__(self, scratch, broker, name, *, version=5, subscribe=(),
                 window=100, will=None, clean=True, user=None, limit=LIMIT,
                 checked=True):
        protocol = paho.MQTTv5 if version == 5 else paho.MQTTv311
        options = {} if version == 5 else {"clean_session": clean}
        self.changed = threading.Condition()
        self.messages = []
        self.pubacked = 0
        self.in_flight = {}  # message id -> what the caller calls it
        self.early = set()   # ids of PUBACKs that came before the name
        self.taken = set()   # names of what the broker PUBACKed
        self.connects = 0
        self.is_checked = checked
        self.is_up = False
        self.subscribed = set()
        self.topics = list(subscribe)
        self.paho = paho.Client(name, protocol=protocol, **options)
        self.paho.max_inflight_messages_set(window)
        self.paho.max_queued_messages_set(0)
        self.paho.reconnect_delay_set(1, 1)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_message = self._on_message
        self.paho.on_publish = self._on_publish
        self.paho.on_subscribe = self._on_subscribe
        if will is not None:
            self.paho.will_set(*will)
        if user is not None:
            self.paho.username_pw_set(*user)
        more = {}
        if version == 5:
            more["clean_start"] = clean
            if not clean:
                more["properties"] = Properties(PacketTypes.CONNECT)
                more["properties"].SessionExpiryInterval = 3600
        self.paho.connect("127.0.0.1", broker.port, 60, **more)
        self.paho.loop_start()
        scratch.callback(self.close)
        self.wait(lambda: self.is_up and len(self.subscribed) >= len(
            self.topics), "the connection", limit)

    def _on_connect(self, client, _data, _flags, code, _properties=None):
        if code != 0:
            return  # refused; it tries again
        with self.changed:
            self.subscribed.clear()
        for topic in self.topics:
            client.subscribe(topic, 1)
        with self.changed:
            self.is_up = True
            self.connects += 1
            self.changed.notify_all()

    def _on_disconnect(self, _client, _data, _code, _properties=None):
        with self.changed:
            self.is_up = False
            self.changed.notify_all()

    def _on_subscribe(self, _client, _data, mid, _codes, _properties=None):
        with self.changed:
            self.subscribed.add(mid)
            self.changed.notify_all()

    def _on_message(self, _client, _data, raw):
        message = Message(raw)
        with self.changed:
            self.messages.append(message)
            self.heard(message)
            self.changed.notify_all()

    def _on_publish(self, _client, _data, mid):
        with self.changed:
            self.pubacked += 1
            if mid in self.in_flight:
                self.taken.add(self.in_flight.pop(mid))
            else:
                self.early.add(mid)
            self.changed.notify_all()

    def heard(self, message):
        """For those who make more of it; called with the lock held."""

    def publish(self, topic, payload, name=None, *, retain=False, qos=1):
        """Publishes; @name is in taken once the broker has PUBACKed it. No
        lock is held here: the library holds its own when it calls back."""
        if isinstance(payload, dict):
            payload = json.dumps(payload, ensure_ascii=False)
        mid = self.paho.publish(topic, payload, qos, retain).mid
        with self.changed:
            if mid in self.early:
                self.early.remove(mid)
                self.taken.add(name)
            else:
                self.in_flight[mid] = name

    def wait(self, condition, what, limit=LIMIT):
        """Waits until @condition() holds; returns what it returned."""
        end = time.monotonic() + limit
        with self.changed:
            while True:
                result = condition()
                if result:
                    return result
                left = end - time.monotonic()
                if left <= 0:
                    raise Late(f"{what} did not come in {limit:g} s; the last "
                               "heard: " + "; ".join(
                                   f"{one.topic} {one.payload[:300]!r}"
                                   for one in self.messages[-5:]))
                self.changed.wait(left)

    def wait_message(self, topic, condition=lambda message: True, *,
                     after=0, limit=LIMIT):
        """The first message on @topic, from index @after on, of which
        @condition holds."""
        state = {"at": after}

        def look():
            while state["at"] < len(self.messages):
                message = self.messages[state["at"]]
                state["at"] += 1
                if message.topic == topic and condition(message):
                    return message
            return None
        return self.wait(look, f"a message on {topic}", limit)

    def last(self, topic):
        """The last payload heard on @topic; None if there was none."""
        with self.changed:
            for message in reversed(self.messages):
                if message.topic == topic:
                    return message
        return None

    def mark(self):
        with self.changed:
            return len(self.messages)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()
        if self.is_checked:
            self.is_checked = False
            self.check()

    def check(self):
        """Holds what was heard to the contract."""
        with self.changed:
            heard = list(self.messages)
        said = [one for one in heard if not one.topic.startswith(
            tuple(f"{PREFIX}/{inlet}/" for inlet in schema_check.INPUTS))
                and one.topic != PREFIX + "/marker"]
        for index, message in enumerate(said):
            if index < CHECKED_MAX or index % 100 == 0:
                CONTRACT.check(message.topic, message.payload)


class Device(Client):
    """A device with sequence numbers, which understands depot's acks: `upto`
    and the exceptions. What it has not seen acknowledged it can send again."""

    def __init__(self, scratch, broker, name, *, boot="b1", first=1,
                 prefix=PREFIX, **more):
        self.name = name
        self.boot = boot
        self.first = first
        self.begin = None    # of what was ever spoken of
        self.upto = 0
        self.gaps = set()    # numbers below upto whose ack has been missed,
        self.missed = []     # and those of them that were not sent again yet
        self.oldest = first  # below it everything is answered
        self.high = 0        # the highest taken; above upto with holes
        self.excepted = {}   # seq -> [exception, ...]
        self.talks = []      # acks of unnamed readings and of sessions
        self.sent = {}       # seq -> payload
        self.next_seq = first
        self.topic = f"{prefix}/scan/{name}"
        self.ack_topic = f"{prefix}/ack/{name}"
        more.setdefault("subscribe", [])
        more["subscribe"] = [self.ack_topic, *more["subscribe"]]
        super().__init__(scratch, broker, f"device-{name}", **more)

    def heard(self, message):
        if message.topic != self.ack_topic:
            return
        ack = message.json()
        if ack["boot"] == self.boot and ack["upto"] is not None:
            self.spoken(int(ack["from"]), int(ack["upto"]))
            self.high = max(self.high, int(ack.get("high", 0)))
        for exception in ack["except"]:
            if "seq" not in exception:
                continue
            for seq in range(int(exception["seq"]), int(
                    exception.get("seq_last", exception["seq"])) + 1):
                self.excepted.setdefault(seq, []).append(exception)
        if ack["upto"] is None or "session" in ack:
            self.talks.append(ack)

    def spoken(self, begin, upto):
        """An ack speaks of the numbers from @begin to @upto."""
        if self.begin is None:
            self.begin, self.upto = begin, begin - 1
        gap = range(self.upto + 1, begin)
        self.gaps.update(gap)
        self.missed += gap
        if self.gaps:
            self.gaps.difference_update(range(begin, upto + 1))
        self.begin = min(self.begin, begin)
        self.upto = max(self.upto, upto)

    def scan(self, **fields):
        """Sends a reading under the next number; returns the number."""
        seq = self.next_seq
        self.next_seq += 1
        payload = {"v": 1, "boot": self.boot, "seq": seq, **fields}
        self.sent[seq] = payload
        self.publish(self.topic, payload, seq)
        return seq

    def again(self, seqs):
        """Sends readings again, as they were."""
        for seq in seqs:
            self.publish(self.topic, self.sent[seq], seq)

    def is_acked(self, seq):
        return (self.begin is not None and self.begin <= seq <= self.upto
                and seq not in self.gaps or seq in self.excepted)

    def waiting(self):
        """How far the oldest reading without an answer lies behind the next
        one: who keeps this below the window of the numbers that depot
        remembers is never told that one is too old."""
        while self.oldest < self.next_seq and self.is_acked(self.oldest):
            self.oldest += 1
        return self.next_seq - self.oldest

    def again_missed(self):
        """Sends again what lies in gaps that have been found since."""
        with self.changed:
            seqs = [seq for seq in self.missed
                    if seq in self.sent and not self.is_acked(seq)]
            self.missed.clear()
        self.again(seqs)
        return len(seqs)

    def is_refused_full(self, seq):
        return any(exception["code"] == "store_full"
                   for exception in self.excepted.get(seq, ()))

    def unacked(self):
        with self.changed:
            return [seq for seq in self.sent if not self.is_acked(seq)]

    def is_settled(self):
        """Whether every reading sent is acknowledged."""
        return self.waiting() == 0

    def settle(self, limit=LIMIT):
        """Waits until every reading sent is acknowledged. What lies in a gap
        is sent again."""
        while True:
            self.wait(lambda: self.missed or self.is_settled(),
                      f"{self.name}'s acknowledgements (upto {self.upto} of "
                      f"{self.next_seq - 1})", limit)
            if self.again_missed() == 0 and self.is_settled():
                return

    def ask(self, **fields):
        """Sends one reading and waits for its acknowledgement; returns its
        exception, or None if it was booked (perhaps with holes below)."""
        seq = self.scan(**fields)
        self.wait(lambda: self.is_acked(seq) or self.high == seq,
                  f"the answer to {fields}")
        return self.excepted.get(seq, [None])[-1]

    def bare(self, text):
        """Sends a bare code and waits for the session's answer."""
        before = len(self.talks)
        self.publish(self.topic, text)
        self.wait(lambda: len(self.talks) > before,
                  f"the answer to {text!r}")
        return self.talks[before]


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
