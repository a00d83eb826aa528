#!/usr/bin/python3
"""A box burns; another one takes its site's place and has its book.

Method: HQ and two sites with real daemons and brokers. One site's box is gone
with its disk and its keys; `depot hq invite --replace`, a bare box, and nothing
else. In the end the new box's own book, and what the feeds at HQ, at the other
site and at the box add up to, are the same bin by bin, and are what was really
there; the network's audit is clean at each.
"""

import shutil

import depot_harness as h
import join_bed as j
import sites as s

h.TESTS.clear()  # those of the beds


class Bed:
    """HQ, a neighbour, and the site whose box will burn."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.network = j.Network(scratch)
        self.hq = self.network.hq
        self.neighbour = self.joined("hz-01")
        self.old = self.joined("hz-07")

    def joined(self, name, *more):
        bare = j.Bare(self.scratch, name + "".join(more))
        bare.join(self.network.invite(name, *more)["code"])
        box = bare.operate()
        if not more:
            box.seed()
        return box.start()

    def agree_on_old(self):
        """All that the old box booked is sealed, and everybody holds it."""
        h.until("the old box's book everywhere", lambda: any(
            row["site"] == 5 and row["number"] == self.old.head()["pos"]
            for row in s.network("feeds", self.hq.store)))
        return s.agree([self.hq, self.neighbour, self.old])

    def burn(self):
        self.old.kill()
        for part in ("", "-keys"):
            shutil.rmtree(self.old.store + part)
        return self

    def replaced(self):
        return self.joined("hz-07", "--replace")


def cells(box, site):
    """{(item, bin, condition): units} of a site, by the feeds that @box holds.
    """
    held = {}
    for row in s.network("cells", box.store):
        if row["site"] == site:
            key = (row["item"], row["bin"], row["condition"])
            held[key] = held.get(key, 0) + row["units"]
    return {key: units for key, units in held.items() if units != 0}


def book(box):
    """The same by the box's own book, by item."""
    held = {row["item"]: row["on_hand"] for row in box.depot("stock")["items"]}
    return {item: held.get(item, 0) for item in ("TEA", "MUG", "JAR")}


def totals(held):
    """By item, without what is packed for somebody."""
    sums = {"TEA": 0, "MUG": 0, "JAR": 0}
    for (item, _, _), units in held.items():
        sums[item] += units
    return sums


def has_ended(bed, box):
    """HQ has ended the old life, and all hold the same."""
    sites = [bed.hq, bed.neighbour, box]
    h.until("the end of the old life", lambda: [
        feed[0] for (site, epoch, _), feed in bed.hq.feeds().items()
        if (site, epoch) == (5, 2)] == ["fenced"])
    h.until("the new life's book everywhere", lambda: any(
        row["site"] == 5 and row["epoch"] == 3 and
        row["number"] == box.head()["pos"]
        for row in s.network("feeds", bed.hq.store)))
    return s.agree(sites)


def same_everywhere(bed, box, expected):
    h.same(book(box), expected, "the box's own book")
    sites = [bed.hq, bed.neighbour, box]
    for site in sites:
        h.same(totals(cells(site, 5)), expected, f"as {site.site} has it")
        told = site.depot("audit", "--network")
        h.same((told["unexplained"], told["findings"]), (0, 0),
               f"audit at {site.site}")
    h.same(box.depot("audit")["verdict"], "clean", "the box's own audit")


@h.test
def a_box_in_a_burnt_ones_place_has_its_book(scratch):
    bed = Bed(scratch)
    old = bed.old
    old.depot("item", "set", "JAR")
    old.depot("bin", "set", "B-02")
    j.scan(scratch, old, 20, "a1")
    old.depot("book", "receive", "JAR", "--qty", "9", "--bin", "B-02")
    old.depot("book", "pick", "TEA", "--qty", "4", "--bin", "A-01")
    # A transfer on its way to the site, and one from it.
    bed.neighbour.depot("book", "receive", "MUG", "--qty", "8", "--bin",
                        "A-01")
    coming = bed.neighbour.depot("transfer", "create", "--to",
                                 "hz-07")["transfer"]
    bed.neighbour.depot("book", "transfer_out", "MUG", "--qty", "5", "--bin",
                        "A-01", "--ref", coming)
    bed.neighbour.depot("transfer", "ship", coming)
    h.until("the other site at the old box", lambda: any(
        one["transfer"] == coming for one in
        old.depot("transfer", "list")["transfers"]))
    old.depot("book", "transfer_in", "MUG", "--qty", "2", "--ref", coming)
    leaving = old.depot("transfer", "create", "--to", "hz-01")["transfer"]
    old.depot("book", "transfer_out", "TEA", "--qty", "6", "--bin", "A-01",
              "--ref", leaving)
    old.depot("transfer", "ship", leaving)
    bed.agree_on_old()
    before = book(old)
    box = bed.burn().replaced()
    h.until(lambda: f"the old book: {book(box)} is not {before}",
            lambda: book(box) == before)
    h.same([task["reason"] for task in box.depot("tasks")["tasks"]],
           ["medium_lost"], "what is to be counted")
    h.same(box.depot("stock", "MUG")["in_transit_in"], 3, "on its way")
    # The rest of the transfer comes to the new box; the other one went on.
    box.depot("book", "transfer_in", "MUG", "--qty", "3", "--ref", coming)
    box.depot("transfer", "close", coming)
    h.until("the old box's transfer", lambda: any(
        one["transfer"] == leaving for one in
        bed.neighbour.depot("transfer", "list")["transfers"]))
    bed.neighbour.depot("book", "transfer_in", "TEA", "--qty", "6", "--ref",
                        leaving)
    bed.neighbour.depot("transfer", "close", leaving)
    box.program.wait_line(" taken_over: ")
    has_ended(bed, box)
    same_everywhere(bed, box, {**before, "MUG": before["MUG"] + 3})
    for site in (bed.hq, bed.neighbour, box):
        for name in (coming, leaving):
            one = site.depot("transfer", "show", name)["items"][0]
            h.same(one["verdict"], "balanced", f"{name} at {site.site}")
    # A second start looks at nothing again.
    box.stop()
    box.start()
    same_everywhere(bed, box, {**before, "MUG": before["MUG"] + 3})


@h.test
def a_box_that_works_before_the_old_book_is_there_has_all_in_the_end(scratch):
    bed = Bed(scratch)
    j.scan(scratch, bed.old, 10, "a1")
    bed.agree_on_old()
    bed.burn()
    bare = j.Bare(scratch, "new")
    bare.join(bed.network.invite("hz-07", "--replace")["code"])
    box = bare.operate()
    box.seed()
    bed.network.far.stop()
    box.start()
    j.scan(scratch, box, 3, "b1")
    h.same(book(box)["TEA"], 6, "before")
    bed.network.far.start()
    h.until("the old book", lambda: book(box)["TEA"] == 26)
    j.scan(scratch, box, 2, "b2")
    has_ended(bed, box)
    same_everywhere(bed, box, {"TEA": 30, "MUG": 0, "JAR": 0})


if __name__ == "__main__":
    h.main()
