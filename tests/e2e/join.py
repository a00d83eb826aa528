#!/usr/bin/python3
"""A bare box becomes a site over a link: by the code alone.

Method: HQ is a real depotd with a real depot-link to a broker in between; the
new box has nothing but the code, a folder for its store, and the wish to be
told where its own broker is. What people do wrong, what a broker loses, what a
crash cuts short and who else comes with the code is done to it; each is told in
its own words, and the box works all the while. The sheet is followed as it is
printed, and the time that takes is said.
"""

import json
import os
import re
import subprocess
import time

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
        done = subprocess.run([DEPOT, "--config", self.config, "--json",
                               "--yes", *words], capture_output=True,
                              text=True, check=False)
        h.same(done.returncode, expect,
               f"depot {words}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def join(self, *words, expect=0):
        if not os.path.exists(self.config):
            words += ("--path", self.store, "--map-size", "64 MiB",
                      "--account", "boss")
        return self.run("join", *words, expect=expect)

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


class Network:
    """HQ, its link, and the broker in between."""

    def __init__(self, scratch, is_started=True):
        self.scratch = scratch
        self.far = h.Broker(scratch).start()
        self.hq = s.Site(scratch, "hq", self.far.port)
        self.hq.directives["link far.joining"] = "yes"
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
        return self.hq.depot("peers")["joining"]

    def until(self, is_so, what):
        end = time.monotonic() + h.LIMIT
        while not is_so():
            if time.monotonic() > end:
                raise h.Late(what() if callable(what) else what)
            self.hq.program.live(0.2)


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
    network.until(lambda: all(
        any(row["site"] >= 3 and row["number"] == box.head()["pos"]
            for row in s.network("feeds", network.hq.store))
        for box in boxes), lambda: "not all is sealed: "
        f"{s.network('feeds', network.hq.store)} of "
        f"{[box.head() for box in boxes]}")
    feeds = s.agree([network.hq, *boxes])
    for feed, (state, _, _, _, void) in feeds.items():
        h.same((state, void), ("contiguous", 0), f"feed {feed}")
    return feeds


@h.test
def a_code_is_all_that_a_bare_box_needs(scratch):
    network = Network(scratch)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    said = bare.join(code)
    h.same((said["stage"], said["org"], said["name"], said["site"],
            said["epoch"]), ("joined", h.ORG, "hz-07", 4, 2))
    # Nothing of the secret stays, nor of a root key that no one needs.
    h.same(sorted(os.listdir(scratch.file("a"))),
           ["depot.conf", "store", "store-keys"])
    h.same(sorted(os.listdir(bare.store + "-keys")),
           ["epoch-1.key", "epoch-2.key"])
    box = bare.operate()
    box.seed()
    box.start()
    scan(scratch, box, 5, "b1")
    feeds = agree(network, box)
    h.same({site for site, _, _ in feeds}, {1, 3, 4})
    h.same({(site, epoch) for site, epoch, _ in feeds if site == 4}, {(4, 2)})
    h.same(network.hq.depot("audit", "--network")["unexplained"], 0)
    counts = network.asks()
    h.same((counts["welcomed"], counts["refused"], counts["denied"],
            counts["strangers"]), (1, 0, 0, 0))
    h.same(counts["invitations"][0]["invitation"], 1)
    # Whoever comes next is told so, and the box itself, too.
    h.same(bare.join(code, expect=6)["error"]["code"], "conflict")
    other = Bare(scratch, "b")
    refused = other.join(code, expect=6)
    h.same(refused["error"]["code"], "join_refused")
    h.same("used by another box" in refused["error"]["text_en"], True)
    h.same(os.path.exists(other.store), False, "a store of nobody's")


@h.test
def a_box_books_before_hq_has_answered_and_what_it_booked_comes_along(scratch):
    network = Network(scratch, is_started=False)
    code = network.invite("hz-07")["code"]
    bare = Bare(scratch, "a")
    said = bare.join(code, *FAST, expect=3)
    h.same(said["stage"], "asking")
    h.same("no HQ answered" in said["waiting"], True, said["waiting"])
    box = bare.operate()
    box.seed()
    box.start()
    h.same((box.org, box.site), ("joining", "new-1"))
    scan(scratch, box, 7, "b1")
    h.same(on_hand(box), 14)
    network.hq.start()
    box.again()
    h.same((box.org, box.site), (h.ORG, "hz-07"))
    scan(scratch, box, 3, "b2")
    h.same(on_hand(box), 20)
    feeds = agree(network, box)
    h.same({(site, epoch) for site, epoch, _ in feeds if site == 4}, {(4, 2)})
    h.same(network.hq.depot("audit", "--network")["unexplained"], 0)
    h.same(box.depot("audit")["verdict"], "clean")


if __name__ == "__main__":
    h.main()
