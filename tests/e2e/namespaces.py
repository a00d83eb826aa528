#!/usr/bin/python3
"""HQ and three sites, each in a network namespace of its own, with a cable to a
switch; the broker between them is at the switch.

Method: the test runs itself in a user and a network namespace, which need no
root and leave nothing behind. Each box, its own broker and its scanner live in
one more, joined by a veth to a bridge. Cables are pulled (ip link set down), so
that nobody hears of an end; then three of ten packets are lost in each
direction at the switch (nftables; where it is missing that part is skipped and
says so).
"""

import ctypes
import os
import subprocess
import sys

import depot_harness as h
import sites as bed

h.TESTS.clear()  # those of sites.py run there

INSIDE = "DEPOT_E2E_NAMESPACE"
CLONE_NEWNET = 0x40000000
NAMES = (*bed.NAMES, "gz-03")
SWITCH = "10.77.0.1"
LOSS = """table inet rough {
	chain in { type filter hook input priority 0;
		iifname "br0" numgen random mod 10 < 3 drop; }
	chain out { type filter hook output priority 0;
		oifname "br0" numgen random mod 10 < 3 drop; }
}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Namespace:
    """Whatever is done in a `with` of it happens in there: sockets made,
    threads and programs started."""

    def __init__(self, scratch, number):
        self.cable = f"cable{number}"
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        assert h.LIBC.unshare(CLONE_NEWNET) == 0, ctypes.get_errno()
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        ip("link", "set", "lo", "up")
        self.enter(home)
        ip("link", "add", "name", self.cable, "type", "veth", "peer", "name",
           "eth0", "netns", f"/proc/{os.getpid()}/fd/{self.fd}")
        ip("link", "set", self.cable, "master", "br0", "up")
        with self:
            ip("address", "add", f"10.77.0.{10 + number}/24", "dev", "eth0")
            ip("link", "set", "eth0", "up")
        os.close(home)
        scratch.callback(os.close, self.fd)

    @staticmethod
    def enter(fd):
        assert h.LIBC.setns(fd, CLONE_NEWNET) == 0, ctypes.get_errno()

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.enter(self.fd)

    def __exit__(self, *_):
        self.enter(self.home)
        os.close(self.home)

    def pull(self):
        ip("link", "set", self.cable, "down")

    def plug(self):
        ip("link", "set", self.cable, "up")


class SwitchBroker(h.Broker):
    """At the switch, where every cable leads."""

    def __init__(self, scratch):
        super().__init__(scratch)
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace("127.0.0.1", SWITCH))


def begin(scratch):
    h.need("ip", "mosquitto")
    if INSIDE not in os.environ:
        raise h.Skip("no user and network namespaces here")
    ip("link", "set", "lo", "up")
    ip("link", "add", "name", "br0", "type", "bridge")
    ip("address", "add", f"{SWITCH}/24", "dev", "br0")
    ip("link", "set", "br0", "up")
    far = SwitchBroker(scratch).start()
    places = [Namespace(scratch, number) for number in range(len(NAMES))]
    sites = []
    for name, place in zip(NAMES, places):
        with place:
            sites.append(bed.Site(scratch, name, far.port))
        sites[-1].directives["link far.uri"] = f"tcp://{SWITCH}:{far.port}"
        sites[-1].directives["link far.keepalive_s"] = 10
        sites[-1].write_config()
    hq = sites[0]
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    for site in sites[1:]:
        bed.join(hq, site)
    for site, place in zip(sites, places):
        with place:
            site.start()
    return sites, places


def scan_all(scratch, sites, places, count, boot):
    for site, place in zip(sites, places):
        with place:
            bed.scan(scratch, site, count, boot)


def lose_packets():
    """Why packets cannot be lost here; None: three of ten are lost now."""
    try:
        done = subprocess.run(["nft", "-f", "-"], input=LOSS, text=True,
                              capture_output=True, check=False)
    except FileNotFoundError:
        return "there is no nft here"
    return done.stderr.strip() if done.returncode != 0 else None


@h.test
def four_boxes_on_cables_that_are_pulled_and_that_lose_packets_agree(scratch):
    sites, places = begin(scratch)
    scan_all(scratch, sites, places, 20, "b1")
    bed.agree_on(sites, 20)
    for place in places[2:]:
        place.pull()
    scan_all(scratch, sites, places, 30, "b2")
    for place in places[2:]:
        place.plug()
    bed.agree_on(sites, 50)
    why_not = lose_packets()
    if why_not is not None:
        print(f"SKIP: no packets are lost: {why_not}")
    scan_all(scratch, sites, places, 40, "b3")
    feeds = bed.agree_on(sites, 90)
    bed.holds(feeds, {1, 3, 4, 5, 6})
    bed.adds_up(sites, 5)
    for site in sites:
        h.same(site.on_hand()["TEA"], 180, f"tea at {site.site}")


def main():
    probe = subprocess.run(["unshare", "-rn", "true"], check=False,
                           capture_output=True)
    if INSIDE not in os.environ and probe.returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])
    h.main()


if __name__ == "__main__":
    main()
