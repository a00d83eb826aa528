#!/usr/bin/python3
"""kill -9 of HQ, of a site, of a link and of the broker between them, at random
moments while they speak to each other.

Method: HQ and two sites as in sites.py. In each round people scan at all three,
and one to three of the processes, drawn by the seed, are killed at moments that
are drawn too; they come again, as systemd would start them. After the last kill
of a round every reading that was acknowledged is in its journal. Every few
rounds, and at the end, all three must agree (what was said twice counted once:
I5; what was ACKed was still there: I6, or the others would hold what its owner
lacks), and the network's audit is clean.

usage: network_kill.py [ROUNDS [TEST]]   (6)

At the end it says, line by line, "total NAME: NUMBER".
"""

import os
import pathlib
import random
import signal
import sys

import depot_harness as h
import sites as bed

h.TESTS.clear()  # those of sites.py run there

ROUNDS = 6
AGREE_EACH = 10
PAUSE_S = 1.5  # the longest from one kill to the next
VICTIMS = ("hq", "hz-01", "sh-02", "link", "broker")


def link_kill(draw, sites):
    """One site's link, if any runs: depotd starts it again."""
    pids = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes()
            if b"depot-link" in words and any(
                    site.config.encode() in words for site in sites):
                pids.append(int(path.name))
        except OSError:
            continue  # it has ended
    if pids:
        os.kill(draw.choice(sorted(pids)), signal.SIGKILL)
    return len(pids) > 0


class Campaign:
    def __init__(self, scratch, draw):
        self.draw, self.scratch = draw, scratch
        self.far, self.sites = bed.begin(scratch)
        self.kills = dict.fromkeys(VICTIMS, 0)
        self.units = [0] * len(self.sites)
        self.agreed = self.readings = 0

    def kill(self):
        victim = self.draw.choice(VICTIMS)
        if victim == "broker":
            self.far.kill()
            self.far.start()
        elif victim == "link":
            if not link_kill(self.draw, self.sites):
                return
        else:
            site = self.sites[VICTIMS.index(victim)]
            site.kill()
            site.start()
        self.kills[victim] += 1

    def round(self, number):
        guns = [h.Device(self.scratch, site.broker, "gun", boot=f"r{number}",
                         prefix=f"depot/v1/{h.ORG}/{site.site}")
                for site in self.sites]
        for _ in range(self.draw.randint(1, 3)):
            for index, gun in enumerate(guns):
                for _ in range(self.draw.randint(1, 40)):
                    gun.scan(op="receive", code="TEA", qty=2, bin="A-01")
                    self.units[index] += 2
                    self.readings += 1
            self.far.program.live(self.draw.uniform(0, PAUSE_S))
            self.kill()
        for gun in guns:
            settle(gun)
            gun.close()

    def agree(self):
        feeds = bed.agree_on(self.sites, 1)
        bed.holds(feeds, {1, 3, 4, 5})
        bed.adds_up(self.sites)
        for site, units in zip(self.sites, self.units):
            h.same(site.on_hand().get("TEA", 0), units, f"at {site.site}")
        self.agreed += 1


def settle(gun):
    """As a scanner does: what has no answer for a while is sent again."""
    for _ in range(int(h.LIMIT / 5)):
        try:
            gun.settle(5)
            return
        except h.Late:
            gun.again(gun.unacked())
    gun.settle()


@h.test
def whoever_is_killed_all_agree_on_what_was_acknowledged(scratch):
    draw = random.Random(h.seed())
    campaign = Campaign(scratch, draw)
    for number in range(1, ROUNDS + 1):
        campaign.round(number)
        if number % AGREE_EACH == 0:
            campaign.agree()
    campaign.agree()
    for victim, count in campaign.kills.items():
        print(f"total kills of {victim}: {count}")
    print(f"total rounds: {ROUNDS}")
    print(f"total readings: {campaign.readings}")
    print(f"total times that all agreed: {campaign.agreed}")
    print("total lost: 0\ntotal doubles: 0\ntotal unexplained: 0", flush=True)
    assert sum(campaign.kills.values()) > 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ROUNDS = int(sys.argv.pop(1))
    h.main()
