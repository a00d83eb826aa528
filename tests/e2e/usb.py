#!/usr/bin/python3
"""HQ and two sites that have no link at all: what one says to another goes on a
USB stick.

Method: three real depotd, each with a broker of its own and no [link]. They
join by files, work, trade stock by a transfer, and agree byte for byte in the
end, with the network's audit clean at each. Bundles are taken twice and in any
order, cut at many places, changed, of a foreign network; a box is killed (-9)
while it takes one.
"""

import os
import random
import shutil
import subprocess
import time

import depot_harness as h
import sites as s

h.TESTS.clear()  # those of sites.py

ITEMS = 8000


class Apart(s.Site):
    """A box that no link leaves."""

    def __init__(self, scratch, name, **places):
        super().__init__(scratch, name, 1, **places)
        self.directives = {key: value for key, value in self.directives.items()
                           if not key.startswith("link ")}
        self.write_config()

    def try_depot(self, *arguments):
        """(exit code, document) of a command that may refuse."""
        done = subprocess.run(
            [s.DEPOT, "--config", self.config, "--json", *arguments],
            capture_output=True, text=True, check=False)
        if not done.stdout:
            raise AssertionError(f"depot {arguments} at {self.site}: "
                                 f"{done.returncode} {done.stderr}")
        return done.returncode, h.decode(done.stdout.splitlines()[-1])


def begin(scratch):
    sites = [Apart(scratch, name) for name in s.NAMES]
    hq = sites[0]
    hq.depot("init", "--yes", "--account", "boss")
    hq.seed()
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    for site in sites[1:]:
        s.join(hq, site)
    for site in sites:
        site.start()
    return sites


def carry(scratch, sender, receiver, since=True):
    """One stick, there. What its export and import said."""
    stick = scratch.file(f"{sender.site}-{receiver.site}.bundle")
    options = ("--since", receiver.site) if since else ()
    out = sender.depot("export", stick, *options)
    h.same(out["unsealed"], 0, f"left behind at {sender.site}")
    return out, receiver.depot("import", stick)


def around(scratch, sites):
    """HQ's stick goes to each site and comes back, then again."""
    hq = sites[0]
    for site in sites[1:]:
        carry(scratch, hq, site)
        carry(scratch, site, hq)
    for site in sites[1:]:
        carry(scratch, hq, site)


@h.test
def three_boxes_without_a_link_work_trade_and_agree(scratch):
    sites = begin(scratch)
    _, sender, addressee = sites
    # A box that has just joined knows nobody but itself.
    code, why = sender.try_depot("export", scratch.file("x"), "--since", "hq")
    h.same((code, why["error"]["code"]), (5, "unknown_site"), "not heard yet")
    for site in sites:
        s.scan(scratch, site, 10, "b1")
    around(scratch, sites)
    name = sender.depot("transfer", "create", "--to", "5")["transfer"]
    sender.depot("book", "transfer_out", "TEA", "--qty", "6", "--bin", "A-01",
                 "--ref", name)
    sender.depot("transfer", "ship", name)
    around(scratch, sites)
    h.same(addressee.depot("stock", "TEA")["in_transit_in"], 6, "on its way")
    addressee.depot("book", "transfer_in", "TEA", "--qty", "6", "--ref", name)
    addressee.depot("transfer", "close", name)
    around(scratch, sites)
    sender.depot("transfer", "close", name)
    # Nobody books on: the last round is said by boxes that are off.
    for site in sites:
        site.stop()
    around(scratch, sites)
    s.holds(s.agree_now(sites), {1, 3, 4, 5})
    s.adds_up(sites)
    for site in sites:
        h.same([one["state"] for one in site.depot(
            "transfer", "list", "--all")["transfers"]], ["closed"], site.site)
    # Both ways were acknowledged by stick: nothing is left to be carried.
    for one in sites[1:]:
        carry(scratch, one, sites[0])
        out, taken = carry(scratch, sites[0], one)
        h.same((out["deltas"], taken["taken"]), (0, 0), f"{one.site} has all")
        assert out["bytes"] < 1024


@h.test
def a_box_that_was_set_back_has_its_book_again_by_stick(scratch):
    """Its disk and its guard go back together: only the stick can tell."""
    hq, one, _ = begin(scratch)
    s.scan(scratch, one, 5, "b1")
    carry(scratch, hq, one)
    carry(scratch, one, hq)
    one.stop()
    image = scratch.file("image")
    shutil.copytree(one.store, image)
    shutil.copy(one.store + "-guard", image + "-guard")
    one.start()
    s.scan(scratch, one, 10, "b2")
    carry(scratch, one, hq)
    one.stop()
    shutil.rmtree(one.runtime)
    shutil.rmtree(one.store)
    shutil.copytree(image, one.store)
    shutil.copy(image + "-guard", one.store + "-guard")
    one.start()
    h.same(one.depot("stock", "TEA")["on_hand"], 10, "set back")
    stick = scratch.file("back.bundle")
    hq.depot("export", stick)
    _, told = one.try_depot("import", stick)
    h.same(told["set_back"], True, "what the stick shows")
    one.program.wait_line(" succession: ")
    h.same(one.depot("stock", "TEA")["on_hand"], 30, "what it had lost")
    s.scan(scratch, one, 1, "b3")
    # The daemon says how it is once a second.
    h.until("the new life by stick", lambda: one.try_depot(
        "export", stick)[0] == 0)
    hq.depot("import", stick)
    hq.depot("hq", "succeed", one.site, "--reason", "disk went back")
    carry(scratch, hq, one)
    h.until("HQ's word at the box",
            lambda: not one.depot("peers")["provisional"])
    is_clean_at(hq)
    is_clean_at(one)


@h.test
def a_box_in_a_burnt_ones_place_has_its_book_by_stick(scratch):
    """No box has a link. People work before a stick with the old book comes,
    and what they do beyond the book is not there twice when it has come."""
    hq, old, other = begin(scratch)
    carry(scratch, hq, old)
    carry(scratch, hq, other)
    s.scan(scratch, old, 10, "b1")
    leaving = old.depot("transfer", "create", "--to", "5")["transfer"]
    old.depot("book", "transfer_out", "TEA", "--qty", "6", "--bin", "A-01",
              "--ref", leaving)
    carry(scratch, old, hq, since=False)
    drawer = scratch.file("drawer.bundle")
    s.scan(scratch, old, 3, "b2")
    old.depot("export", drawer)  # a stick that nobody has read
    old.kill()
    for burnt in (old.store, old.store + "-keys", old.runtime):
        shutil.rmtree(burnt)
    os.unlink(old.store + "-guard")
    path = scratch.file("again.join")
    ask = scratch.file("again-ask.txt")
    hq.depot("hq", "invite", "--site", old.site, "--replace", "--bundle", path)
    box = Apart(scratch, old.site)
    box.depot("join", path, "--ask", ask, "--account", "boss")
    box.seed()
    box.start()
    # Of the 14 that stand there it knows nothing.
    box.depot("book", "pick", "TEA", "--qty", "4", "--bin", "A-01")
    s.scan(scratch, box, 1, "c1")
    h.same(box.depot("stock", "TEA")["on_hand"], 6, "4 picked, 2 received")
    number = box.depot("transfer", "create", "--to", "5")["transfer"]
    assert int(number.split("-")[2]) > 1000000, (number, leaving)
    h.same(hq.depot("hq", "admit", ask)["name"], old.site, "admitted")
    carry(scratch, hq, box, since=False)
    h.until("the old book", lambda: box.depot("stock", "TEA")["on_hand"] == 16)
    h.same(sorted(one["transfer"] for one in
                  box.depot("transfer", "list")["transfers"]),
           sorted([leaving, number]), "both boxes' transfers")
    # Weeks later somebody finds the old box's last stick, and reads it twice.
    for _ in range(2):
        box.depot("import", drawer)
        h.until("what lay in the drawer",
                lambda: box.depot("stock", "TEA")["on_hand"] == 22)
    h.same(box.depot("audit")["verdict"], "clean", "the box's own audit")
    box.stop()
    box.start()
    h.same(box.depot("stock", "TEA")["on_hand"], 22, "after a start")
    carry(scratch, box, hq, since=False)
    carry(scratch, hq, other, since=False)
    for site in (hq, box, other):
        is_clean_at(site)


@h.test
def bundles_come_twice_and_in_any_order_and_change_nothing_more(scratch):
    rng = random.Random(h.seed())
    hq, one, other = begin(scratch)
    carry(scratch, hq, one)
    carry(scratch, hq, other)
    files = []
    for number in range(5):
        s.scan(scratch, one, 3, f"b{number}")
        files.append(scratch.file(f"{number}.bundle"))
        one.depot("export", files[-1], "--since", "hq")
        back = scratch.file(f"back-{number}.bundle")
        hq.depot("import", files[-1])
        hq.depot("export", back, "--since", one.site)
        one.depot("import", back)
    # The last alone lies beyond a gap, which is named.
    code, told = other.try_depot("import", files[-1])
    h.same((code, told["taken"]), (3, 0), "beyond a gap")
    gap = [feed for feed in told["feeds"] if feed["site"] == 4][0]
    h.same(gap["missing_from"], 1, "what is missing")
    rng.shuffle(files)
    told = other.depot("import", *files)
    assert told["taken"] >= 5
    h.same(told["feeds"][0].get("missing_from"), None, "nothing is missing")
    before = other.feeds()
    rng.shuffle(files)
    h.same(other.depot("import", *files, *files)["taken"], 0, "again")
    ours = (4, 1, "0" * 16)
    h.same(other.feeds()[ours], before[ours], "the feed")
    h.same(hq.feeds()[ours], before[ours], "the feed at HQ")


def is_clean_at(site):
    done = subprocess.run(
        [s.DEPOT, "--config", site.config, "--json", "audit", "--network"],
        capture_output=True, text=True, check=False)
    told = h.decode(done.stdout)
    h.same((done.returncode, told["unexplained"], told["findings"]),
           (0, 0, 0), f"audit at {site.site}")


def items(scratch, site):
    """A catalogue: many entries at once."""
    table = scratch.write("items.csv", "item,name_en\n" + "".join(
        f"SKU-{number:06},thing {number}\n" for number in range(ITEMS)))
    site.depot("item", "import", table)


@h.test
def a_bare_box_books_hqs_goods_before_hq_has_heard_of_it(scratch):
    hq = Apart(scratch, "hq")
    hq.depot("init", "--yes", "--account", "boss")
    hq.depot("hq", "init", "--root-key", scratch.file("root-key.txt"))
    hq.start()
    items(scratch, hq)
    hq.depot("code", "set", "TEA", f"SKU-{ITEMS - 1:06}")
    bare = Apart(scratch, "hz-01")
    path = scratch.file("hz-01.join")
    ask = scratch.file("hz-01-ask.txt")
    hq.depot("hq", "invite", "--site", "hz-01", "--bundle", path)
    bare.depot("join", path, "--ask", ask, "--account", "boss")
    bare.depot("bin", "set", "A-01")
    bare.depot("device", "add", "gun", "--kind", "scanner")
    bare.start()
    s.scan(scratch, bare, 10, "b1")
    h.same(bare.depot("stock", f"SKU-{ITEMS - 1:06}")["on_hand"], 20,
           "booked by HQ's code")
    h.same(hq.depot("hq", "admit", ask)["name"], "hz-01", "admitted")
    around(scratch, [hq, bare])
    for site in (hq, bare):
        site.stop()
    around(scratch, [hq, bare])
    s.holds(s.agree_now([hq, bare]), {1, 2, 3, 4})
    is_clean_at(hq)
    is_clean_at(bare)


@h.test
def a_box_that_dies_while_it_takes_a_bundle_takes_the_rest_next_time(scratch):
    hq, one, _ = begin(scratch)
    items(scratch, hq)
    stick = scratch.file("big.bundle")
    out = hq.depot("export", stick)
    assert out["packs"] >= 4, out
    deaths = 0
    for wanted in range(out["packs"]):
        running = subprocess.Popen(
            [s.DEPOT, "--config", one.config, "--json", "import", stick],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        end = time.monotonic() + h.LIMIT
        while sum(feed[1] for feed in one.feeds().values()) <= wanted \
                and running.poll() is None and time.monotonic() < end:
            pass  # it is looked at again: nothing tells of a commit
        one.kill()
        deaths += 1
        running.communicate()
        one.start()
    told = one.depot("import", stick)
    print(f"killed {deaths} times, the last import took {told['taken']}")
    assert deaths >= 4
    hq.stop()
    carry(scratch, hq, one, since=False)
    held, mine = hq.feeds(), one.feeds()
    for feed in ((1, 1, "0" * 16), (3, 1, "0" * 16)):
        h.same(mine[feed], held[feed], f"feed {feed} as HQ has it")
    h.same(one.depot("import", stick)["taken"], 0, "again")
    is_clean_at(one)


@h.test
def a_scanner_is_answered_while_a_bundle_is_taken(scratch):
    hq, one, _ = begin(scratch)
    items(scratch, hq)
    stick = scratch.file("big.bundle")
    hq.depot("export", stick)
    gun = h.Device(scratch, one.broker, "gun", boot="b1",
                   prefix=f"depot/v1/{h.ORG}/{one.site}")
    running = subprocess.Popen(
        [s.DEPOT, "--config", one.config, "--json", "import", stick],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    waits = []
    while running.poll() is None or len(waits) < 5:
        begun = time.monotonic()
        gun.scan(op="receive", code="TEA", qty=1, bin="A-01")
        gun.settle()
        waits.append(time.monotonic() - begun)
    told = h.decode(running.communicate()[0].decode())
    gun.close()
    waits.sort()
    print(f"{len(waits)} scans while {sum(f['rows'] for f in told['feeds'])} "
          f"rows came in: median {waits[len(waits) // 2] * 1000:.0f} ms, "
          f"longest {waits[-1] * 1000:.0f} ms")
    h.same(sum(entry["movement"] == "receive" for entry in one.movements()),
           len(waits), "booked")


@h.test
def a_bundle_cut_or_changed_anywhere_is_good_up_to_there(scratch):
    rng = random.Random(h.seed())
    hq, one, _ = begin(scratch)
    carry(scratch, hq, one)
    s.scan(scratch, one, 10, "b1")
    stick = scratch.file("whole.bundle")
    one.depot("export", stick)
    with open(stick, "rb") as file:
        whole = file.read()
    looked = 0
    for cut in sorted(rng.sample(range(1, len(whole)), 12)):
        for spoiled in (whole[:cut],
                        whole[:cut] + bytes([whole[cut] ^ 0x20])
                        + whole[cut + 1:]):
            bad = scratch.file("bad.bundle")
            with open(bad, "wb") as file:
                file.write(spoiled)
            code, told = hq.try_depot("import", bad)
            if "error" in told:
                h.same((code, told["error"]["code"]), (1, "bad_file"), "cut")
            else:
                h.same((code, told["files"][0]["whole"]), (3, False), "cut")
                assert "after" in told["files"][0]["fault"]
            looked += 1
    h.same(looked, 24, "spoiled bundles")
    hq.depot("import", stick)
    ours = (4, 1, "0" * 16)
    h.same(hq.feeds()[ours][1:4], one.feeds()[ours][1:4], "whole at HQ")


@h.test
def what_is_not_this_networks_is_refused_by_name(scratch):
    hq, one, other = begin(scratch)
    carry(scratch, hq, one)
    carry(scratch, hq, other)
    # Of another network.
    stranger = Apart(scratch, "sh-09")
    stranger.depot("init", "--yes", "--account", "boss")
    stranger.seed()
    stranger.depot("hq", "init", "--root-key", scratch.file("other-root.txt"))
    stranger.start()
    s.scan(scratch, stranger, 3, "b1")
    stick = scratch.file("stranger.bundle")
    stranger.depot("export", stick)
    code, told = hq.try_depot("import", stick)
    h.same((code, told["error"]["code"]), (1, "foreign_net"), "foreign")
    # Of a site that HQ revoked: what it says from then on.
    s.scan(scratch, one, 3, "b1")
    carry(scratch, one, hq)
    hq.depot("--yes", "hq", "revoke", one.site, "--reason", "box stolen")
    s.scan(scratch, one, 3, "b2")
    one.depot("export", stick, "--since", "hq")
    code, told = hq.try_depot("import", stick)
    h.same((code, told["refusals"]), (3, 1), "revoked")
    refused = told["refused"][0]
    h.same((refused["site"], refused["epoch"], refused["reason"]),
           (4, 1, "fenced"), "named")
    h.same(refused["seq"], hq.feeds()[(4, 1, "0" * 16)][1] + 1, "seq")
    # Of a site that nobody here has heard of: control is left out.
    one.depot("export", stick)
    bare = Apart(scratch, "sz-03")
    s.join(hq, bare)
    bare.start()
    only = scratch.file("only.bundle")
    hq.depot("export", only, "--feeds", "hz-01")
    code, told = bare.try_depot("import", only)
    h.same((code, told["taken"], told["refused"][0]["reason"]),
           (3, 0, "stranger"), "unknown")


if __name__ == "__main__":
    h.main()
