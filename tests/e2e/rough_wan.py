#!/usr/bin/python3
"""HQ and two sites behind a broker that loses what it is given, beside one that
means harm, and with a site that is revoked while nobody reaches it.

Method: as in sites.py, real daemons and real brokers. What the far broker does
is configured, or done to it; what comes of it is what all three hold at the
end, and what the readings at each site come to.
"""

import contextlib
import pathlib
import re
import statistics
import threading
import time

import paho.mqtt.client as paho

import cut_off
import depot_harness as h
import link
import sites as bed
import wire

h.TESTS.clear()  # those of sites.py and link.py run there

ROUNDS = 4
LONE = (5, 1, "0" * 16)  # the feed of sh-02


class TightBroker(h.Broker):
    """Keeps ten messages for whoever is slow, and sends two at a time."""

    def __init__(self, scratch):
        super().__init__(scratch)
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        for name, value in (("max_inflight_messages", 2),
                            ("max_queued_messages", 10)):
            text, count = re.subn(rf"{name} \d+", f"{name} {value}", text)
            h.same(count, 1, name)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)


class Double:
    """Somebody else who says that he is a site's link: each of the two that
    comes ends the other's connection. It comes when it is told to."""

    def __init__(self, broker, site):
        self.broker = broker
        self.name = f"depot-link-{h.ORG}-{site}-far"
        self.comes = 0

    def come(self):
        client = paho.Client(self.name, protocol=paho.MQTTv5)
        up = threading.Event()
        client.on_connect = lambda *_: up.set()
        client.connect("127.0.0.1", self.broker.port, 60)
        client.loop_start()
        assert up.wait(h.LIMIT), "the broker does not answer"
        self.comes += 1
        client.loop_stop()
        client.disconnect()


def stock(sites, expected):
    for site, units in zip(sites, expected):
        h.same(site.on_hand().get("TEA", 0), units, f"tea at {site.site}")


@h.test
def a_broker_that_keeps_ten_messages_and_dies_again_and_again(scratch):
    """I17. It is killed in the middle of what the sites say to each other, and
    comes back empty; a stranger takes a link's name meanwhile."""
    far = TightBroker(scratch).start()
    _, sites = bed.begin(scratch, far)
    double = Double(far, "hz-01")
    for number in range(ROUNDS):
        for site in sites:
            bed.scan(scratch, site, 150, f"r{number}")
        for _ in range(3):
            double.come()
        far.kill()
        bed.scan(scratch, sites[1], 20, f"k{number}")
        far.start()
    feeds = bed.agree_on(sites, ROUNDS * 150)
    bed.holds(feeds, {1, 3, 4, 5})
    bed.adds_up(sites)
    stock(sites, (ROUNDS * 300, ROUNDS * 340, ROUNDS * 300))
    print(f"{ROUNDS} kills, {double.comes} strangers, "
          f"{sum(feed[1] for feed in feeds.values())} deltas")
    h.same(double.comes, 3 * ROUNDS)


# ---- revoked ----

@h.test
def a_site_that_was_revoked_while_cut_off_is_believed_up_to_then(scratch):
    """A quarter of an hour passes there at once, after which it has sealed what
    nobody will believe."""
    far = h.Broker(scratch).start()
    cable = wire.Wire(scratch, far.port)
    sites = [bed.Site(scratch, name, port) for name, port in zip(
        bed.NAMES, (far.port, far.port, cable.port))]
    hq, other, lone = sites
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    for site in (other, lone):
        bed.join(hq, site)
    days = cut_off.Days(scratch, lone)
    days.begin(int(time.time() * 1000), True)
    for site in sites:
        site.start()
        bed.scan(scratch, site, 10, "b1")
    before = bed.agree_on(sites, 10)

    cable.unplug()
    bed.scan(scratch, lone, 25, "b2")  # nobody hears of it
    days.pass_by()
    h.until("its seals", lambda: lone.feeds()[LONE][1] > before[LONE][1])
    said = hq.depot("hq", "revoke", "sh-02", "--reason", "stolen", "--yes")
    h.same((said["verdict"], said["seq"]), ("revoked", before[LONE][1]))
    bed.scan(scratch, other, 7, "b2")
    h.until("the word at the other site", lambda: other.feeds()[LONE][0]
          == hq.feeds()[LONE][0] == "fenced")

    cable.plug()
    h.until("HQ's word at the site itself",
          lambda: lone.feeds()[(1, 1, "0" * 16)]
          == hq.feeds()[(1, 1, "0" * 16)])
    bed.scan(scratch, lone, 2, "b3")  # people book there all the same
    bed.scan(scratch, hq, 3, "b3")
    h.until("what HQ and the other site say", lambda: all(
        hq.feeds()[(number, 1, "0" * 16)]
        == other.feeds()[(number, 1, "0" * 16)]
        and hq.feeds()[(number, 1, "0" * 16)][1]
        > before[(number, 1, "0" * 16)][1] for number in (3, 4)))
    for site in (hq, other):
        h.same(site.feeds()[LONE][1:4], before[LONE][1:4],
               f"the revoked feed at {site.site}")
        h.same(site.feeds()[LONE][0], "fenced", f"its state at {site.site}")
    states = {one["name"]: one["state"]
              for one in hq.depot("hq", "sites")["sites"]}
    h.same(states, {"hq": "contiguous", "hz-01": "contiguous",
                    "sh-02": "fenced"}, "hq sites")
    # It knows where it stands itself.
    h.same(lone.feeds()[LONE][0], "fenced", "its own feed, there")
    bed.adds_up([hq, other])
    stock(sites, (26, 34, 74))


# ---- hostile, beside a whole depotd ----

CONDUCTS = (link.send_huge, link.send_bad_topics, link.send_retained,
            link.stall)


def ack_times(gun, count):
    """How long each of @count readings waited for its ack, in ms."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        gun.ask(op="receive", code="TEA", qty=1, bin="A-01")
        times.append((time.monotonic() - began) * 1000)
    return times


def p99(times):
    return statistics.quantiles(times, n=100)[98]


@h.test
def scanners_are_answered_beside_a_broker_that_means_harm(scratch):
    """A whole depotd with a link to a good broker and one to a bad one, which
    changes its conduct. The same readings are answered before it comes and
    beside it; the two are told as a ratio, and bounded generously."""
    good = h.Broker(scratch).start()
    states = {"conduct": None}

    def conduct(client):
        if states["conduct"] is None:
            with contextlib.suppress(OSError):
                while client.recv(4096):
                    pass
        else:
            states["conduct"](client)

    hostile = link.Hostile(scratch, conduct)
    site = bed.Site(scratch, "hq", good.port)
    site.directives["link bad.uri"] = f"tcp://127.0.0.1:{hostile.port}"
    site.directives["link bad.keepalive_s"] = 10
    site.write_config()
    site.depot("init", "--yes", "--account", "boss")
    site.seed()
    site.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    site.start()
    site.program.wait_line("link bad reaches its broker")
    gun = h.Device(scratch, site.broker, "gun", boot="b1",
                   prefix=f"depot/v1/{h.ORG}/hq")
    ack_times(gun, 50)  # whatever is done once
    quiet = ack_times(gun, 400)
    beside = []
    for one in CONDUCTS:
        states["conduct"] = one
        served = hostile.served
        for client in hostile.clients:
            with contextlib.suppress(OSError):
                client.shutdown(2)
        h.until(f"{one.__name__} has been met",
              lambda served=served: hostile.served > served)
        beside += ack_times(gun, 100)
    peak = link_memory(site)
    print(f"p99 of acks {p99(quiet):.1f} ms quiet, {p99(beside):.1f} ms "
          f"beside {len(CONDUCTS)} conducts, ratio "
          f"{p99(beside) / p99(quiet):.2f}; a link now: {peak} KiB")
    h.same(site.on_hand()["TEA"], 850, "booked")
    assert max(beside) < 10000, max(beside)
    if not link.is_sanitized():
        assert all(size < link.MEMORY_MAX_KIB for size in peak), peak
    gun.close()


def link_memory(site):
    """VmHWM of each link's process of @site that runs, in KiB."""
    sizes = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes()
            if b"depot-link" in words and site.config.encode() in words:
                text = (path / "status").read_text("ascii")
                if "VmHWM" in text:
                    sizes.append(int(text.split("VmHWM:")[1].split()[0]))
    assert sizes
    return sizes


if __name__ == "__main__":
    h.main()
