#!/usr/bin/python3
"""Who speaks in whose name at the broker between the sites: with the rights that
the guide gives each account, and at a broker that lets everybody do anything.

Method: HQ and two sites over a real mosquitto. With the access list of
docs/broker.md, taken from there, all sites agree, a box joins without an account,
and a member's own account brings nothing to others in another's name, nor does a
stranger's. Without any, somebody records all frames and says them again in
everybody's name, clears and forges what is retained, asks in a site's name and
refuses in HQ's, all at once: nothing of it is believed, and what is scanned
meanwhile comes to be everywhere.
"""

import os
import random
import re
import subprocess

import depot_harness as h
import join_bed as j
import sites as s

h.TESTS.clear()  # those of the files above

SYNC = f"depot/v1/{h.ORG}/sync/"
PLANES = ("head/{0}", "live/{0}", "alarm/{0}", "req/hq/{0}",
          "rep/hq/{0}/00000001")
PASSWORD = "right horse"
GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../docs/broker.md")


def rights():
    """The block of docs/broker.md, for the sites of this test."""
    with open(GUIDE, encoding="utf-8") as file:
        text = file.read()
    block = re.search(r"## The hub between sites.*?```\n(.*?)```", text,
                      re.S).group(1)
    site = re.search(r"user hz-07\n(?:topic .*\n)+", block).group(0)
    assert "pattern write" in block and "user hq" in block, block
    return block.replace("acme", h.ORG) + "".join(
        "\n" + site.replace("hz-07", name).replace("acme", h.ORG)
        for name in ("hz-01", "sh-02"))


class Hub(h.Broker):
    """With the guide's access list, and an account for each site."""

    def __init__(self, scratch, names):
        h.need("mosquitto_passwd")
        super().__init__(scratch)
        self.file = scratch.write("hub.password", PASSWORD + "\n")
        os.chmod(self.file, 0o600)
        passwords = scratch.file("hub.passwords")
        for name in names:
            subprocess.run(
                ["mosquitto_passwd", "-b",
                 *(() if os.path.exists(passwords) else ("-c",)), passwords,
                 name, PASSWORD], check=True, capture_output=True)
        os.chmod(passwords, 0o644)
        access = scratch.write("hub.acl", rights())
        os.chmod(access, 0o644)
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(f"password_file {passwords}\nacl_file {access}\n")


def begin(scratch, far, has_accounts):
    """As in sites.py; HQ also hears who wants to join."""
    sites = [s.Site(scratch, name, far.port) for name in s.NAMES]
    hq = sites[0]
    hq.directives["link far.joining"] = "yes"
    for site in sites:
        if has_accounts:
            site.directives["link far.user"] = site.site
            site.directives["link far.password_file"] = far.file
        site.write_config()
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    for site in sites[1:]:
        s.join(hq, site)
    for site in sites:
        site.start()
    return sites


@h.test
def with_the_guides_rights_nobody_speaks_in_anothers_name(scratch):
    far = Hub(scratch, ("hq", "hz-01", "sh-02")).start()
    sites = begin(scratch, far, True)
    for site in sites:
        s.scan(scratch, site, 5, "b1")
    feeds = s.agree_on(sites, 5)
    s.holds(feeds, {1, 3, 4, 5})
    # A box that has nothing but the code.
    code = sites[0].depot("hq", "invite", "--site", "hz-07", "--host",
                          f"127.0.0.1:{far.port}")["code"]
    h.same(j.Bare(scratch, "a").join(code)["stage"], "joined")

    # Two spies hear what comes to HQ and to a site.
    heard = [h.Client(scratch, far, f"spy-{name}", checked=False,
                      user=(name, PASSWORD), subscribe=[
                          SYNC + "head/+", SYNC + "live/+", SYNC + "alarm/+",
                          SYNC + f"req/{name}/+", SYNC + f"rep/{name}/+/+"])
             for name in ("hq", "sh-02")]
    member = h.Client(scratch, far, "member", checked=False,
                      user=("hz-01", PASSWORD), subscribe=[
                          SYNC + "req/hq/+", SYNC + "rep/+/+/+",
                          "depot/v1/_/sync/join/+/ask", "#"])
    stranger = h.Client(scratch, far, "stranger", checked=False,
                        subscribe=[SYNC + "#", "depot/v1/_/sync/join/+/ask"])
    mark = b"MARK"
    tried = 0
    for client, names in ((member, ("hq", "sh-02")),
                          (stranger, ("hq", "hz-01", "sh-02"))):
        for name in names:
            for plane in (*PLANES, "req/sh-02/{0}", "rep/sh-02/{0}/00000002"):
                for retain in (False, True):
                    client.publish(SYNC + plane.format(name), mark,
                                   retain=retain)
                    tried += 1
        for topic in (f"depot/v1/{h.ORG}/network/stock/TEA",
                      f"depot/v1/{h.ORG}/sh-02/status",
                      f"depot/v1/{h.ORG}/sh-02/scan/gun",
                      "depot/v1/_/sync/join/1/answer", SYNC + "head",
                      SYNC + "head/hq/x", SYNC + "other"):
            client.publish(topic, mark, retain=True)
            tried += 1
    # What it may say in its own name comes behind all that, so all was judged.
    member.publish(SYNC + "req/hq/hz-01", b"END-hq")
    member.publish(SYNC + "req/sh-02/hz-01", b"END-sh-02")
    for client, name in zip(heard, ("hq", "sh-02")):
        client.wait(lambda client=client, name=name: any(
            one.payload == b"END-" + name.encode()
            for one in client.messages), "the member's own word")
        h.same([one.topic for one in client.messages if one.payload == mark],
               [], "in another's name")
    print(f"{tried} in another's name")
    h.same({one.topic for one in member.messages
            if "/req/hq/" in one.topic or "/join/" in one.topic}, set(),
           "what is not for a member's ears")
    h.same([one.topic for one in stranger.messages
            if SYNC in one.topic], [], "nor for a stranger's")
    for client in (*heard, member, stranger):
        client.close()
    for site in sites:
        s.scan(scratch, site, 3, "b2")
    s.holds(s.agree_on(sites, 8), {1, 3, 4, 5})


def refuse_base():
    """A REFUSE of session 0 that wants all of an ACK."""
    return bytes([1 << 6 | 9]) + b"\0\0\0\0" + bytes([5, 0])


def malice(rng, stranger):
    """Everything that was heard, again, in everybody's name and place."""
    frames = [one.payload for one in list(stranger.messages) if one.payload]
    for _ in range(400):
        payload = rng.choice(frames)
        if rng.random() < .5:
            at = rng.randrange(len(payload))
            payload = payload[:at] + bytes(
                [payload[at] ^ 1 << rng.randrange(8)]) + payload[at + 1:]
        to, name = rng.sample(s.NAMES, 2)
        topic = rng.choice((
            f"head/{name}", f"live/{name}", f"alarm/{name}",
            f"req/{to}/{name}", f"rep/{to}/{name}/{rng.randrange(9):08x}"))
        stranger.publish(SYNC + topic, payload, retain=rng.random() < .3)
        stranger.publish(SYNC + f"rep/{to}/{name}/00000000", refuse_base())
    for name in s.NAMES:
        stranger.publish(SYNC + f"head/{name}", b"", retain=True)
        stranger.publish(SYNC + f"alarm/{name}", os.urandom(200), retain=True)


@h.test
def at_a_broker_without_rights_nothing_that_others_say_in_ones_name_is_believed(
        scratch):
    rng = random.Random(h.seed())
    far = h.Broker(scratch).start()
    stranger = h.Client(scratch, far, "stranger", checked=False,
                        subscribe=[SYNC + "#"])
    sites = begin(scratch, far, False)
    for site in sites:
        s.scan(scratch, site, 5, "b1")
    s.agree_on(sites, 5)
    for turn in range(4):
        malice(rng, stranger)
        for site in sites:
            s.scan(scratch, site, 4, f"c{turn}")
    stranger.close()
    feeds = s.agree_on(sites, 21)
    # No feed of another's making, no branch, nothing void, nothing forked.
    s.holds(feeds, {1, 3, 4, 5})
    h.same({branch for _, _, branch in feeds}, {"0" * 16}, "branches")
    for site in sites:
        h.same(site.depot("fork", "list")["forks"], [], "forks")
        h.same(site.depot("stock", "TEA")["on_hand"], 42, site.site)
        h.same(site.alerts("site_ended"), {}, site.site)
    s.adds_up(sites)
    s.peers_are_told(sites)


if __name__ == "__main__":
    h.main()
