#!/usr/bin/python3
"""HQ and two sites, each a box of its own with a broker of its own, and one
broker in between that only their links use.

Method: three real depotd, four real mosquittos, a depot-link a box. What is
scanned at a site has to come to be in everybody's feeds; the broker in between
is killed and comes back with nothing, a box is killed (-9) while it speaks, and
what was scanned meanwhile comes all the same. At the end all three hold the
same deltas and the same balances of every site.
"""

import os
import subprocess

import depot_harness as h

NETWORK = os.path.join(h.BUILD, "tests/e2e/e2e_network")
DEPOT = os.path.join(h.BUILD, "gateway/depot")
NAMES = ("hq", "hz-01", "sh-02")
SEEDING = ("item set TEA", "item set MUG", "code set TEA TEA", "bin set A-01",
           "device add gun --kind scanner")


def network(*arguments):
    done = subprocess.run([NETWORK, *arguments], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"e2e_network {arguments}: {done.stderr}")
    return [h.decode(line) for line in done.stdout.splitlines()]


class Site(h.Box):
    """A box of the network, its broker, and a scanner there."""

    def __init__(self, scratch, name, far_port, **more):
        self.broker = h.Broker(scratch).start()
        super().__init__(
            scratch, self.broker.port, seeding=None, site=name,
            broker__start="child", **more, **{
                "link far.uri": f"tcp://127.0.0.1:{far_port}"})

    def depot(self, *arguments):
        """The command line on this box; its document."""
        done = subprocess.run(
            [DEPOT, "--config", self.config, "--json", *arguments],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"depot {arguments} at {self.site}: "
                                 f"{done.stdout}{done.stderr}")
        return h.decode(done.stdout)

    def any_exit(self, *arguments):
        """As depot, of what may also say that somebody should look."""
        done = subprocess.run(
            [DEPOT, "--config", self.config, "--json", *arguments],
            capture_output=True, text=True, check=False)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        return h.decode(done.stdout)

    def text(self, *arguments):
        """What people read, of what may say that somebody should look."""
        done = subprocess.run([DEPOT, "--config", self.config, *arguments],
                              capture_output=True, text=True, check=False)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        return done.stdout

    def status(self):
        """The document of `depot status`, whether or not all is well."""
        return self.any_exit("status")

    def alerts(self, code):
        """Those of that code, by subject."""
        return {alert["subject"]: alert
                for alert in self.status()["problems"]
                if alert["code"] == code and "subject" in alert}

    def seed(self):
        for words in SEEDING:
            self.depot(*words.split())

    def feeds(self):
        """{(site, epoch, branch): (state, seq, hash, digest, void rows)}."""
        return {(feed["site"], feed["epoch"], feed["branch"]):
                (feed["state"], feed["seq"], feed["hash"], feed["digest"],
                 feed["void"])
                for feed in network("feeds", self.store)}


def agree(sites):
    """The feeds, once all hold the same."""
    def held():
        return [site.feeds() for site in sites]

    def same():
        first, *others = held()
        return all(one == first for one in others) and first

    return h.until(lambda: "the sites to agree:\n" + "\n".join(
        f"{site.site}: {feeds}" for site, feeds in zip(sites, held())), same)


def agree_now(sites):
    """The feeds, of which all hold the same already."""
    held = [site.feeds() for site in sites]
    for site, one in zip(sites[1:], held[1:]):
        h.same(one, held[0], f"held at {site.site}")
    return held[0]


def holds(feeds, numbers):
    """All journals are sealed to their ends, and nothing is void."""
    for (site, _, _), (state, seq, _, _, void) in feeds.items():
        h.same(state, "contiguous", f"feed {site}")
        h.same(void, 0, f"void rows of {site}")
        assert seq > 0
    h.same({site for site, _, _ in feeds}, numbers, "feeds")


def join(hq, site):
    """The site's box is bare; a stick goes there and comes back."""
    invitation = site.scratch.file(site.site + "-invitation.txt")
    ask = site.scratch.file(site.site + "-ask.txt")
    hq.depot("hq", "invite", "--site", site.site, "--out", invitation)
    site.depot("join", invitation, "--ask", ask, "--account", "boss")
    site.seed()
    h.same(hq.depot("hq", "admit", ask)["name"], site.site, "admitted")


def register(site):
    """The names of the network's sites, as far as they are known there."""
    return {one["name"] for one in site.depot("hq", "sites")["sites"]}


def know_each_other(sites):
    """Waits until what HQ, the first of them, has said of the sites has come
    to all of them: until then a name that it gave is unknown elsewhere."""
    told = register(sites[0])
    assert {site.site for site in sites} <= told, told
    for site in sites[1:]:
        h.until(lambda site=site: f"{site.site} knows {register(site)} of "
                f"{told}", lambda site=site: register(site) == told)


def begin(scratch, far=None, **last):
    """HQ and two sites, as people commission them, and the broker in between.
    HQ's daemon runs when the second one joins. Each knows all others. @last is
    what the last one's box is given besides."""
    far = far or h.Broker(scratch).start()
    sites = [Site(scratch, name, far.port, **(last if name == NAMES[-1]
                                              else {})) for name in NAMES]
    hq = sites[0]
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    join(hq, sites[1])
    hq.start()
    sites[1].start()
    join(hq, sites[2])
    sites[2].start()
    know_each_other(sites)
    return far, sites


def scan(scratch, site, count, boot):
    """So many boxes of tea are received at @site, and acknowledged."""
    gun = h.Device(scratch, site.broker, "gun", boot=boot,
                   prefix=f"depot/v1/{h.ORG}/{site.site}")
    for _ in range(count):
        gun.scan(op="receive", code="TEA", qty=2, bin="A-01")
    gun.settle()
    gun.close()


def adds_up(sites, feeds=4):
    """The network's audit is clean at each of them, beside its daemon. HQ has a
    feed more once it has said something of items."""
    for site in sites:
        done = subprocess.run(
            [os.path.join(h.BUILD, "gateway/depot"), "--config", site.config,
             "--json", "audit", "--network"], capture_output=True, text=True,
            check=False)
        h.same(done.returncode, 0, f"audit at {site.site}: {done.stderr}")
        result = h.decode(done.stdout)
        h.same(result["unexplained"], 0, "unexplained")
        h.same(result["findings"], 0, "findings")
        h.same(result["feeds"], feeds, "feeds")
        assert result["movements"] > 0


def peers_are_told(sites):
    """Each says that its link is up, and has heard heads of both others, who
    lack nothing that it knows of."""
    names = {site.site for site in sites}
    for site in sites:
        def told_all(site=site):
            told = site.depot("peers")
            peers = {peer["peer"]: peer for peer in told["peers"]}
            return set(peers) == names - {site.site} and all(
                peer["backlog_deltas"] == 0 and peer.get("seq", 0) > 0
                and not peer["stale"] for peer in peers.values()) and told

        told = h.until(lambda at=site: f"{at.site}: {at.depot('peers')}",
                       told_all)
        h.same([(link["link"], link["up"]) for link in told["links"]],
               [("far", True)], f"links of {site.site}")
        h.same({peer["site"] for peer in told["peers"]} | {told["site"]},
               {3, 4, 5}, "numbers")


@h.test
def what_one_site_scans_all_of_them_hold(scratch):
    _, sites = begin(scratch)
    for site in sites:
        scan(scratch, site, 20, "b1")
    feeds = agree_on(sites, 20)
    holds(feeds, {1, 3, 4, 5})
    peers_are_told(sites)
    adds_up(sites)


def agree_on(sites, count):
    """Waits until every site's scans are in everybody's feeds."""
    def ends():
        heads = {3 + i: site.head()["pos"] for i, site in enumerate(sites)}
        sealed = {row["site"]: row["number"] for site in sites
                  for row in network("feeds", site.store)}
        return heads, sealed

    def is_sealed():
        heads, sealed = ends()
        return all(sealed.get(number) == head and head >= count
                   for number, head in heads.items())

    h.until(lambda: "all to be sealed: {1} of {0}".format(*ends()), is_sealed)
    # What all agree on is asked after that, or it may be of before.
    return agree(sites)


@h.test
def a_broker_that_loses_everything_and_a_box_that_dies_lose_nothing(scratch):
    far, sites = begin(scratch)
    scan(scratch, sites[1], 5, "b1")
    agree(sites)
    far.stop()
    for site in sites[1:]:
        scan(scratch, site, 30, "b2")
    sites[2].kill()
    far.start()
    sites[2].start()
    scan(scratch, sites[2], 3, "b3")
    feeds = agree_on(sites, 5)
    holds(feeds, {1, 3, 4, 5})
    adds_up(sites)


if __name__ == "__main__":
    h.main()
