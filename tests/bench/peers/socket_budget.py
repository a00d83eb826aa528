#!/usr/bin/python3
"""The wire budget at the socket (docs/performance.md): catch-up, one urgent
movement, nothing new, a little new on one feed and on each of 50.

usage: socket_budget.py DEPOT_PEER

Method: movements of the retail year; what depotd runs, over a mosquitto; the
bytes of the reader's connection pass a proxy, both ways, from the first to the
last, and are told apart by MQTT's packets. All of it has to arrive. Then the
same over TLS, of which only the sum is seen. A slow machine says more heads,
and asks again: of three times the one that was shortest counts.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import movements  # noqa: E402  (stand beside this file)
import mqtt_packets  # noqa: E402
import sync_cost  # noqa: E402
from mqtt_packets import HEADS, NEWS, SESSION, SETUP  # noqa: E402
from program import Peer  # noqa: E402

BULK = 20000
FEEDS = 50
HISTORY = 200
TRIES = 3
SEGMENT = 52  # IPv4 and TCP with time stamps


class Site:
    """A writer with FEEDS feeds, and a reader that has them."""

    def __init__(self, command, folder, texts, keeps):
        self.pair = sync_cost.Pair(Peer("depot", command), folder, FEEDS,
                                   keeps)
        self.keeps = keeps
        self.rest = iter(texts)

    def __enter__(self):
        self.pair.__enter__()
        for feed in range(FEEDS):
            self.append(feed, HISTORY)
        self.pair.pull()
        return self

    def __exit__(self, *reason):
        if reason[0] is None:
            self.pair.check()
        self.pair.__exit__(*reason)

    def append(self, feed, count):
        self.pair.append(feed, [next(self.rest) for _ in range(count)])

    def figures(self, run):
        """What passes while @run does, which returns the counts."""
        self.pair.proxy.settle()
        if self.keeps:
            self.pair.proxy.kept()
        segments = self.pair.proxy.segments()
        counts = run()
        parts = mqtt_packets.parts(self.pair.proxy.kept()) \
            if self.keeps else {}
        return {"all": counts.bytes, **parts,
                "tcp": SEGMENT * (self.pair.proxy.segments() - segments)}

    def pull(self, feeds=(), count=0):
        for feed in feeds:
            self.append(feed, count)
        return self.figures(lambda: self.pair.pull()[0])

    def news(self):
        """One movement, while the reader stays connected."""
        with self.pair.reader("--follow") as (reader, _):
            def run():
                before = self.pair.proxy.counts()
                self.append(1, 1)
                assert reader.read(sync_cost.LIMIT).get("news")
                return self.pair.proxy.settle() - before
            return self.figures(run)


def least(run, key):
    return min((run() for _ in range(TRIES)), key=lambda found: found[key])


def measure(command, folder, texts, keeps=True):
    """What is new on one feed depends on what it is: of three feeds it is the
    mean, as it is of one movement."""
    key = SESSION if keeps else "all"
    with Site(command, folder, texts, keeps) as site:
        found = {"in sync": least(site.pull, key)}
        news = [site.news() for _ in range(TRIES)]
        one = [site.pull([feed], 10) for feed in (2, 3, 4)]
        for name, several in (("one urgent", news), ("10 new on one", one)):
            found[name] = {part: sum(each[part] for each in several) / TRIES
                           for part in several[0]}
        found["10 new on each"] = least(
            lambda: site.pull(range(FEEDS), 10), key)
    return found


def show(title, found):
    print(title)
    for name, parts in found.items():
        print(f"  {name}: " + ", ".join(
            f"{part} {size:,.0f}" for part, size in parts.items()))


# ---- gates ----

# What the budget bounds: for one urgent movement and for being in sync the
# frames, for the others also what MQTT makes of them. What connecting takes,
# and the heads of a start, stand beside it: (part, most bytes).
GATES = {
    "in sync": [("payload", 120), (SESSION, 180), (SETUP, 250), (HEADS, 900)],
    "one urgent": [("payload", 130), (NEWS, 180)],
    "10 new on one": [(SESSION, 600), (SETUP, 250), (HEADS, 900)],
    "10 new on each": [(SESSION, 15000), (SETUP, 250), (HEADS, 900)],
}
# All that passes, with a handshake and client's certificate in each but the
# one urgent movement.
TLS_GATES = {"in sync": 5600, "one urgent": 250, "10 new on one": 6100,
             "10 new on each": 20000}


def within(name, part, size, most):
    assert most / 4 < size <= most, f"{name}: {part} {size}, budget {most}"


def plain(command, folder, texts):
    found = measure([command], os.path.join(folder, "plain"), texts)
    show("bytes:", found)
    for name, gates in GATES.items():
        for part, most in gates:
            within(name, part, found[name][part], most)


def certificates(folder):
    """Of a CA, a server that is "localhost", and a client: P-256."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True,
                       capture_output=True, timeout=60)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-subj", "/CN=ca", "-days", "30",
            "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "client"):
        with open(os.path.join(folder, "names"), "w",
                  encoding="utf-8") as file:
            file.write("subjectAltName=DNS:localhost\n")
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt",
                "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names",
                "-days", "30", "-out", f"{name}.crt")
        os.chmod(os.path.join(folder, f"{name}.key"), 0o600)


def over_tls(command, folder, texts):
    keys = os.path.join(folder, "keys")
    os.mkdir(keys)
    certificates(keys)
    found = measure([command, "--tls", keys], os.path.join(folder, "tls"),
                    texts, keeps=False)
    show("over TLS:", found)
    for name, most in TLS_GATES.items():
        within(name, "all", found[name]["all"], most)


def bulk(command, folder, texts):
    figures = sync_cost.bulk(Peer("depot", [command]),
                             os.path.join(folder, "bulk"), texts)
    print(f"catch-up: {figures}")
    within("catch-up", "a movement", figures["bytes_a_movement"], 12)
    assert figures["connections"] == 1, figures


def main():
    if not os.path.exists("/usr/sbin/mosquitto"):
        print("SKIP: there is no mosquitto here")
        return 77
    few = FEEDS * (HISTORY + TRIES * 10) + TRIES * 11
    try:
        texts = movements.retail(BULK)
    except movements.Missing as missing:
        print(f"SKIP: {missing}")
        return 77
    folder = tempfile.mkdtemp(prefix="depot-peers-")
    try:
        bulk(sys.argv[1], folder, texts)
        # From the end: the year begins with receipts that are all alike.
        plain(sys.argv[1], folder, texts[-few:])
        if shutil.which("openssl") is None:
            print("SKIP: there is no openssl here")
            return 77
        over_tls(sys.argv[1], folder, texts[-few:])
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
