#!/usr/bin/python3
"""A warehouse's first day, the way its people go: with `depot` and nothing
else of ours; its broker its own, with passwords; a foreign scanner.

The book is read at the end by a tool that is not `depot`."""

import contextlib
import json
import os
import subprocess

import depot_harness as h

DEPOT = os.path.join(h.BUILD, "gateway/depot")
STOCK = h.PREFIX + "/stock/MUG"


class Site(h.Box):
    """A box without anything in it; `depot` does the rest. Its clients are
    those that `depot` gave a password: a name, a connection."""

    def __init__(self, scratch):
        h.need("mosquitto")
        self.port = h.port_free()
        os.mkdir(scratch.file("run"))
        super().__init__(scratch, 0, seeding=None, **{
            "broker__mode": "managed", "broker__uri": "",
            "broker__start": "child", "broker__port": self.port})

    def end(self):
        """Ends in order if it can: its broker ends with it."""
        if self.program is not None and self.program.is_running():
            with contextlib.suppress(AssertionError, h.Late):
                self.stop()
        super().end()

    def depot(self, *words, code=0):
        """Runs `depot --json`; returns its documents (itself, if it is one
        only)."""
        done = subprocess.run(
            [DEPOT, "--config", self.config, "--json", "--yes", *words],
            capture_output=True, check=False, text=True, timeout=h.LIMIT,
            stdin=subprocess.DEVNULL)
        h.same(done.returncode, code, f"exit of depot {' '.join(words)}: "
               f"{done.stdout}{done.stderr}")
        documents = [json.loads(line) for line in
                     (done.stdout or done.stderr).splitlines()]
        return documents[0] if len(documents) == 1 else documents


def commission(scratch):
    site = Site(scratch)
    site.depot("init", "--org", h.ORG, "--site", h.SITE, "--path", site.store,
               "--map-size", "64MiB")
    scratch.write("bad.csv", "item,name_en,unit\nGOOD,Good,each\n,No name,each"
                  "\nODD,Odd,bushel\n")
    bad = site.depot("item", "import", scratch.file("bad.csv"), code=1)
    h.same([one["line"] for one in bad["faults"]], [3, 4], "lines with faults")
    site.depot("stock", "GOOD", code=5)  # nothing is half imported
    items = "item;name_en;name_zh;tracking\r\nMUG;White mug;\u767d\u676f;\r\n" \
        "MILK;Milk;\u725b\u5976;lot\r\n"
    with open(scratch.file("items.csv"), "wb") as file:
        file.write(items.encode("gb18030"))
    h.same(site.depot("item", "import", scratch.file("items.csv"))["added"], 2)
    scratch.write("codes.csv", "code\titem\tpack\n4006381333931\tMUG\t1\n"
                  "09521234567899\tMILK\t1\n")
    h.same(site.depot("code", "import", scratch.file("codes.csv"))["added"], 2)
    scratch.write("bins.csv", "\ufeffbin\nA-01\nA-02\n")
    h.same(site.depot("bin", "import", scratch.file("bins.csv"))["added"], 2)
    device = site.depot("device", "add", "dock-1", "--kind", "scanner")
    return site, (device["user"], device["password"])


def wall(scratch, site):
    """A dashboard; devices may not read the stock."""
    login = site.depot("broker", "add", "wall-1", "--role", "dashboard")
    return h.Client(scratch, site, "wall-1", subscribe=[STOCK],
                    user=("wall-1", login["password"]))


def wait_units(dashboard, units):
    dashboard.wait_message(STOCK, lambda one: one.json()["on_hand"] == units)


def on_hand(site, item):
    return site.depot("stock", item)["on_hand"]


@h.test
def a_first_day_from_init_to_backup(scratch):
    site, secret = commission(scratch)
    site.start()
    gun = h.Device(scratch, site, "dock-1", user=secret)
    dashboard = wall(scratch, site)

    h.same(site.depot("stock", "MUG")["name_zh"], "\u767d\u676f")

    # Goods come in; one code nobody knows.
    h.same(gun.ask(op="receive", code="4006381333931", qty=20, bin="A-01"),
           None)
    h.same(gun.ask(op="receive", qty=5, bin="A-01",
                   code="(01)09521234567899(10)L1(17)291231"), None)
    h.same(gun.ask(op="receive", code="24006381333935", qty=2,
                   bin="A-02")["code"], "unknown_item")
    wait_units(dashboard, 20)
    h.same(on_hand(site, "MUG"), 20)
    h.same(site.depot("status")["parked"], 1)

    # It gets its name: two cases of twelve were received, at their time.
    parked, = site.depot("parked", "list")["parked"]
    site.depot("parked", "name", str(parked["number"]), "MUG", "--pack", "12")
    wait_units(dashboard, 44)
    h.same(on_hand(site, "MUG"), 44)
    h.same(site.depot("parked", "list")["parked"], [])

    # People and the scanner work on.
    site.depot("move", "MUG", "24", "--from", "A-02", "--to", "A-01")
    h.same(gun.ask(op="pick", code="MUG", qty=4, bin="A-01", ref="SO-1"), None)
    h.same(gun.ask(op="undo"), None)
    h.same(gun.ask(op="pick", code="MUG", qty=3, bin="A-01", ref="SO-2"), None)
    h.same(gun.ask(op="ship", code="MUG", qty=3, ref="SO-2"), None)
    site.depot("count", "MUG", "40", "--bin", "A-01")
    h.same(on_hand(site, "MUG"), 40)
    wait_units(dashboard, 40)

    # What was counted has a trace, down to the device.
    traced = site.depot("trace", "MUG")
    h.same(any(one.get("actor") == "dock-1" for one in traced["movements"]),
           True, f"dock-1 in {traced['movements'][:2]}")

    h.same(site.depot("audit")["unexplained"], 0)
    site.depot("backup", scratch.file("backup"))
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    # Its rights are gone at once; the broker takes what it sends and drops it.
    site.depot("device", "revoke", "dock-1")
    gun.scan(op="receive", code="MUG", bin="A-01")
    gun.wait(lambda: not gun.in_flight, "the broker's PUBACK")
    site.stop()
    h.same(site.balances(), {("MUG", "A-01", "", "good"): 41,
                             ("MILK", "A-01", "L1", "good"): 5})
    site.audit(found=0)


@h.test
def what_a_day_left_can_be_judged_rebuilt_and_brought_back(scratch):
    site, secret = commission(scratch)
    site.start()
    gun = h.Device(scratch, site, "dock-1", user=secret)
    for _ in range(100):
        gun.scan(op="receive", code="4006381333931", bin="A-01")
    gun.settle()
    site.depot("backup", scratch.file("backup"))
    site.depot("verify", scratch.file("backup"))
    site.stop()
    before = h.tool("balances", site.store)
    site.depot("verify")
    site.depot("rebuild")
    h.same(h.tool("balances", site.store), before, "the book after a rebuild")
    site.audit(found=0)

    # The store is lost; the keys are not. It goes on in another epoch.
    os.rename(site.store, scratch.file("lost"))
    site.depot("restore", scratch.file("backup"))
    h.same(h.tool("balances", site.store), before, "the book after a restore")
    h.same(site.head()["epoch"], 2)
    site.start()
    gun.wait(lambda: gun.is_up and len(gun.subscribed) == len(gun.topics),
             "the scanner's return")
    # What was booked before the backup is known in the new epoch too.
    gun.again([1])
    gun.wait(lambda: 1 in gun.excepted, "the answer")
    h.same(gun.excepted[1][0]["result"], "duplicate")
    h.same(gun.ask(op="receive", code="MUG", bin="A-01"), None)
    wait_units(wall(scratch, site), 101)
    site.stop()
    h.same(site.on_hand(), {"MUG": 101})
    site.audit(found=0)


if __name__ == "__main__":
    h.main()
