#!/usr/bin/python3
"""What HQ publishes of all sites: totals, a row for each site, and how old that
is.

Method: HQ and two sites as in sites.py, and a foreign client at HQ's broker. The
totals have to become the sum of what was scanned at both; then one site's link
is cut while its box and the other site go on.
"""

import signal
import threading

import depot_harness as h
import sites as bed

h.TESTS.clear()  # those of sites.py run there

NETWORK = f"depot/v1/{h.ORG}/network"
TEA = NETWORK + "/stock/TEA"
# Long enough for a box that goes on to be heard in between, and no longer.
FRESH_S = 30


def has(**expected):
    """A condition: the message says all of that."""
    def holds(message):
        if not message.payload:
            return False
        value = message.json()
        return all(value[key] == what for key, what in expected.items())
    return holds


def says(name, **expected):
    """A condition: the row of site @name says all of that."""
    def holds(message):
        rows = message.json()["rows"] if message.payload else []
        return any(row["name"] == name and all(
            row[key] == what for key, what in expected.items())
            for row in rows)
    return holds


def lists(field, expected):
    """A condition: @field of each site's row, and of no other's."""
    def holds(message):
        rows = message.json()["rows"] if message.payload else []
        return {row["name"]: row[field] for row in rows} == expected
    return holds


def relink(site, port):
    """The box goes on with its link at @port."""
    site.stop()
    site.directives["link far.uri"] = f"tcp://127.0.0.1:{port}"
    site.write_config()
    site.start()


class Working:
    """A site at which somebody scans once a second."""

    def __init__(self, scratch, site):
        self.scratch, self.site = scratch, site
        self.end = threading.Event()
        self.count = 0
        self.thread = threading.Thread(target=self.work)

    def work(self):
        gun = h.Device(self.scratch, self.site.broker, "gun", boot="w",
                       prefix=f"depot/v1/{h.ORG}/{self.site.site}")
        while not self.end.wait(1):
            gun.scan(op="receive", code="TEA", qty=1, bin="A-01")
            self.count += 1
        gun.settle()
        gun.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


def watch(scratch, hq):
    hq.directives["publish.fresh_for_s"] = FRESH_S
    hq.directives["publish.status_interval"] = "1 s"
    hq.write_config()
    hq.signal(signal.SIGHUP)
    return h.Client(scratch, hq.broker, "wall", subscribe=[NETWORK + "/#"])


@h.test
def hq_publishes_the_sum_of_all_sites_and_who_is_silent(scratch):
    far, (hq, first, second) = bed.begin(scratch)
    wall = watch(scratch, hq)
    bed.scan(scratch, hq, 1, "b1")
    bed.scan(scratch, first, 20, "b1")
    bed.scan(scratch, second, 30, "b1")
    wall.wait_message(TEA, has(on_hand=102, good=102, sites=3, pages=1))
    # No order between a page and the sum: each is told by itself.
    wall.wait_message(TEA + "/0", lists(
        "on_hand", {"hq": 2, "hz-01": 40, "sh-02": 60}))
    wall.wait_message(TEA + "/0", says("sh-02", on_hand=60, stale=False))
    wall.wait_message(NETWORK + "/status", has(
        sites=3, covered=3, stale=0, forked=0, fresh_for_s=FRESH_S))

    relink(second, h.port_free())
    bed.scan(scratch, second, 5, "b2")  # nobody hears of it
    after = wall.mark()
    with Working(scratch, first) as working:
        wall.wait_message(TEA + "/0", says("sh-02", on_hand=60, stale=True),
                          after=after)
        silent = wall.wait_message(
            NETWORK + "/status", has(covered=3, stale=1), after=after)
        page = wall.wait_message(TEA + "/0", lists(
            "stale", {"hq": False, "hz-01": False, "sh-02": True}),
            after=after).json()
    assert silent.json()["oldest_as_of"] is None \
        or silent.json()["oldest_as_of"] <= page["rows"][2]["as_of"]

    relink(second, far.port)
    total = 102 + 10 + working.count
    assert working.count > 0
    wall.wait_message(TEA, has(on_hand=total), after=after)
    wall.wait_message(TEA + "/0", says("sh-02", on_hand=70, stale=False),
                      after=after)
    bed.agree((hq, first, second))
    # What was retained is what a dashboard that comes now sees.
    late = h.Client(scratch, hq.broker, "late", subscribe=[NETWORK + "/#"])
    late.wait_message(TEA, has(on_hand=total))
    assert late.last(TEA).is_retained
    # A site publishes nothing of others.
    lone = h.Client(scratch, first.broker, "lone",
                    subscribe=[NETWORK + "/#", "marker"], checked=False)
    lone.publish("marker", "here")
    lone.wait_message("marker")
    h.same(len(lone.messages), 1, "messages of the network at a site")


ROOT = f"depot/v1/{h.ORG}"
CHECKS = """check,question,name_en,name_zh,kind,times,grace_min,answer
cold-1,,Freezer,冷库,cold_chain,08:00 20:00,30,
cold-1,1,Door closed?,门已关？,,,,yes
"""


def gone(message):
    return not message.payload


@h.test
def a_sites_own_topics_are_at_hqs_broker_too(scratch):
    _, (hq, first, second) = bed.begin(scratch)
    hq.stop()
    hq.directives["publish.sites"] = "stock"
    hq.directives["publish.fresh_for_s"] = FRESH_S
    hq.directives["publish.status_interval"] = "1 s"
    hq.write_config()
    hq.start()
    wall = h.Client(scratch, hq.broker, "wall", subscribe=[
        f"{ROOT}/{name}/#" for name in ("hz-01", "sh-02")])
    bed.scan(scratch, first, 10, "b1")
    stock = wall.wait_message(f"{ROOT}/hz-01/stock/TEA", has(
        on_hand=20, good=20, via="feed", available=None)).json()
    assert stock["epoch"] == 1 and stock["pos"] > 0
    wall.wait_message(f"{ROOT}/hz-01/status", has(
        state="ready", via="feed", stale=False, feed="contiguous"))
    first.depot("check", "import", scratch.write("checks.csv", CHECKS))
    first.any_exit("check", "do", "cold-1", "no")
    alert = f"{ROOT}/hz-01/alert/check_failed-cold-1"
    told = wall.wait_message(alert, has(via="feed", code="check_failed"))
    h.same(told.json()["severity"], "critical")

    def followup():
        return next((message for message in wall.messages
                     if message.topic.startswith(f"{ROOT}/hz-01/task/")
                     and message.payload
                     and message.json()["reason"] == "check_failed"), None)
    wall.wait(followup, "the task to check again")
    h.same(followup().json()["text_en"][:21], "Check Freezer (cold-1")
    listed = hq.any_exit("check", "list", "--network")["checks"]
    h.same([(row["name"], row["check"], row["last"]["in_order"],
             row["failed"]) for row in listed],
           [("hz-01", "cold-1", False, True)])

    # While HQ's box is off it is put right; its broker keeps what was said.
    hq.stop()
    first.depot("check", "do", "cold-1", "yes")
    after = wall.mark()
    hq.start()
    wall.wait_message(alert, gone, after=after)
    wall.wait_message(followup().topic, gone, after=after)
    sites = {row["name"]: row for row in hq.depot("hq", "sites")["sites"]}
    h.same(sites["hz-01"]["stale"], False)


if __name__ == "__main__":
    h.main()
