"""Boxes that join a network over a link: HQ, its link, the broker in between,
and a box out of its package."""

import json
import os
import re
import socket
import subprocess

import depot_harness as h
import sites as s

h.TESTS.clear()  # those of sites.py

DEPOT = os.path.join(h.BUILD, "gateway/depot")
FAST = ("--wait", "2")


class Bare:
    """A box out of its package: no configuration, no store, no name."""

    def __init__(self, scratch, name):
        self.scratch = scratch
        self.name = name
        self.config = scratch.file(name + "/depot.conf")
        self.store = scratch.file(name + "/store")
        os.makedirs(os.path.dirname(self.config))
        self.box = None

    def run(self, *words, expect=0):
        return self.documents(*words, expect=expect)[-1]

    def documents(self, *words, expect=0, environment=None):
        done = subprocess.run([DEPOT, "--config", self.config, "--json",
                               "--yes", *words], capture_output=True,
                              text=True, check=False, env=environment)
        h.same(done.returncode, expect,
               f"depot {words}: {done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def systemctl(self, *failing):
        """An environment whose systemctl only keeps what it was asked, and
        where that is. It fails where its words begin as @failing do. Where it
        would start depotd it says where the box's things are."""
        folder = self.scratch.file(self.name + "/bin")
        runtime = self.scratch.file(self.name + "/run")
        kept = self.scratch.file(self.name + "/systemctl")
        os.makedirs(folder)
        os.makedirs(runtime)
        fails = " ".join(f'"{words}"*) exit 1;;' for words in failing)
        path = os.path.join(folder, "systemctl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
echo "$@" >>'{kept}'
case "$*" in
{fails}
"is-active --quiet depotd") exit 3;;
"enable --now depotd")
	mkdir -p '{self.config}.d'
	printf '[runtime]\\ndir = {runtime}\\n' >'{self.config}.d/50-test.conf';;
esac
""")
        os.chmod(path, 0o755)
        return {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}, kept

    def join(self, *words, expect=0):
        if not os.path.exists(self.config):
            words += ("--path", self.store, "--map-size", "64 MiB",
                      "--account", "boss")
        return self.run("join", *words, expect=expect)

    def join_until(self, *words, says):
        """Asks for two seconds each time, which may be too short for a link
        to begin, until @says is what it waits for."""
        said = {}

        def asks():
            said.update(self.join(*words, *FAST, expect=3))
            return says in said["waiting"]
        h.until(lambda: f"{says!r} is not said: {said}", asks)
        return said

    def operate(self, far=None):
        """Its own broker, as a package brings one, and its daemon."""
        if self.box is None:
            self.box = Joined(self.scratch, self)
        return self.box


class Joined(s.Site):
    """A box whose configuration `depot join` has written."""

    def __init__(self, scratch, bare):
        self.bare = bare
        super().__init__(scratch, "new-" + bare.name, 1)
        self.config = bare.config
        self.store = bare.store
        self.names()

    def write_config(self):
        """Only what the package or its people bring: where things are."""
        folder = self.bare.config + ".d"
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "50-test.conf"), "w",
                  encoding="utf-8") as file:
            file.write(f"[runtime]\ndir = {self.runtime}\n[broker]\n"
                       f"mode = external\nstart = child\n"
                       f"uri = tcp://127.0.0.1:{self.broker.port}\n"
                       f"[http]\nport = 0\n")

    def names(self):
        done = subprocess.run(
            [os.path.join(h.BUILD, "gateway/depotd"), "--config", self.config,
             "--print-config"], capture_output=True, text=True, check=True)
        self.org = re.search(r"^org = (\S+)", done.stdout, re.M).group(1)
        self.site = re.search(r"^site = (\S+)", done.stdout, re.M).group(1)
        return self.org, self.site

    def again(self):
        """It ended in order to start as a site; systemd would start it."""
        h.same(self.program.wait(), 75, "the end")
        self.names()
        return self.start()


TLS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "../golden/tls")


class TlsBroker(h.Broker):
    """One in between that speaks TLS only, with a certificate for "localhost"
    (tests/golden/tls)."""

    def __init__(self, scratch):
        super().__init__(scratch)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(f"certfile {TLS}/server.crt\n"
                       f"keyfile {TLS}/server.key\n")
        self.uri = f"ssl://localhost:{self.port}"


class Network:
    """HQ, its link, and the broker in between."""

    def __init__(self, scratch, is_started=True, far=None):
        self.scratch = scratch
        self.far = (far or h.Broker(scratch)).start()
        self.hq = s.Site(scratch, "hq", self.far.port)
        self.hq.directives["link far.joining"] = "yes"
        if far is not None:
            self.hq.directives["link far.uri"] = far.uri
            self.hq.directives["link far.ca_file"] = f"{TLS}/ca.crt"
        self.hq.write_config()
        self.hq.depot("init", "--yes", "--account", "boss")
        self.hq.seed()
        self.hq.depot("hq", "init", "--root-key", scratch.file("root.txt"))
        if is_started:
            self.hq.start()

    def invite(self, name, *more):
        return self.hq.depot("hq", "invite", "--site", name, "--host",
                             f"127.0.0.1:{self.far.port}", *more)

    def asks(self):
        """As of the last second; nothing is counted before the first."""
        return self.hq.depot("peers").get("joining") or {
            "asked": 0, "welcomed": 0, "refused": 0, "denied": 0,
            "strangers": 0, "invitations": []}


def scan(scratch, box, count, boot):
    gun = h.Device(scratch, box.broker, "gun", boot=boot,
                   prefix=f"depot/v1/{box.org}/{box.site}")
    for _ in range(count):
        gun.scan(op="receive", code="TEA", qty=2, bin="A-01")
    gun.settle()
    gun.close()


def on_hand(box):
    return box.depot("stock", "TEA")["on_hand"]


def agree(network, *boxes):
    """All journals are sealed to their ends, and all hold the same."""
    s.agree([network.hq, *boxes])
    h.until(lambda: "not all is sealed: "
            f"{s.network('feeds', network.hq.store)} of "
            f"{[box.head() for box in boxes]}", lambda: all(
        any(row["site"] >= 3 and row["number"] == box.head()["pos"]
            for row in s.network("feeds", network.hq.store))
        for box in boxes))
    feeds = s.agree([network.hq, *boxes])
    for feed, (state, _, _, _, void) in feeds.items():
        h.same((state, void), ("contiguous", 0), f"feed {feed}")
    return feeds


def states(network):
    """{(site, epoch): state} of the feeds at HQ."""
    return {(row["site"], row["epoch"]): row["state"]
            for row in s.network("feeds", network.hq.store)}


def asks_at(store, place):
    """Whether the box asks there: what it begins with is in its file."""
    with open(store + "-join", "rb") as file:
        return b"tcp://" + place in file.read()


def control(box, command, arguments):
    """What the page asks the daemon."""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(h.LIMIT)
        end.connect(os.path.join(box.runtime, "control.sock"))
        line = {"cmd": command, "args": arguments, "account": "boss"}
        end.sendall(json.dumps(line).encode() + b"\n")
        with end.makefile() as file:
            return json.loads(file.readline())
