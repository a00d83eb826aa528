#!/usr/bin/python3
"""The whole retail year (WORKLOADS), 541,909 lines of a real shop, at full
speed into the engine, on real stores.

Method: retail_oracle.py works out from the table alone what must be where at
the end; after each run the book must be that, unit by unit, and the audit
clean with nothing found. The capture is a file of readings as they arrived.
Three runs of their own; a run to which each batch is delivered three times, as
by devices that hear no answer; and one to which all of it comes two more times
in later years, when the numbers are long forgotten.

usage: retail_year.py [TEST...] [LINES]   (all)
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import depot_harness as h
import retail_oracle
import retail_site

LINES = None
# All of them, and those whose code is no article.
TABLE = (541909, 2995)
WINDOW = 1024  # of numbers that are known (LEDGER)


class Capture:
    """The readings of the year in a file, and their oracle."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.year = retail_oracle.Year(retail_oracle.read_lines(LINES))
        if LINES is None:
            h.same((len(self.year.lines), self.year.parked), TABLE,
                   "the table")
        self.path = scratch.file("capture")
        self.count = self.year.write_capture(self.path)
        print(f"{len(self.year.lines)} lines, {len(self.year.articles)} "
              f"articles, {self.count} readings, {self.year.movements} "
              f"movements, {self.year.parked} parked", flush=True)

    def box(self, name, map_mib=512):
        return retail_site.box_of(self.scratch, 1, self.year, map_mib,
                                  store=self.scratch.file(name))

    def feed(self, box, batch=1000, times=1, path=None):
        """Runs the capture into the store; returns the engine's counters."""
        done = subprocess.run(
            [os.path.join(h.BUILD, "tests/e2e/e2e_retail"), box.store,
             path or self.path, str(batch), str(times)],
            capture_output=True, check=False, text=True)
        h.same(done.returncode, 0, done.stderr)
        print(done.stdout, end="", flush=True)
        return json.loads(done.stdout)

    def expect(self, counters, times=1):
        """@counters are those of all readings, delivered @times times."""
        booked = self.count - self.year.parked
        h.same(counters, {
            "readings": times * self.count, "booked": booked,
            "duplicates": (times - 1) * booked, "seq_reused": 0,
            "refused": 0, "parked": times * self.year.parked,
            "commits": counters["commits"]}, "counters")


def end_of_journal(box):
    """Number and content of the last entries: their stamps and positions tell
    of all before them."""
    head = box.head()["pos"]
    text = h.tool("journal-from", box.store, max(2, head - 20000))
    return head, hashlib.sha256(text.encode()).hexdigest()


@h.test
def the_same_capture_three_times_gives_the_same_book_three_times(scratch):
    """Three stores; commits of another size each time."""
    capture = Capture(scratch)
    books = []
    for batch in (1000, 999, 256):
        box = capture.box(f"store-{batch}")
        capture.expect(capture.feed(box, batch))
        retail_site.check_book(box, capture.year)
        retail_site.check_parked(box, capture.year)
        books.append((h.tool("balances", box.store), *end_of_journal(box)))
        shutil.rmtree(box.store)
    h.same([one == books[0] for one in books], [True] * 3,
           "the same bytes in balances and journal")


@h.test
def the_same_capture_three_times_into_one_store_counts_once(scratch):
    """First each batch three times before the next. Then the whole of it two
    more times, in the years after: but for the last ones of each device, its
    numbers are known to be used, and no longer by what. Such readings are
    kept for a person, as many as there is room for, and move nothing."""
    capture = Capture(scratch)
    box = capture.box("store", map_mib=2048)
    capture.expect(capture.feed(box, times=3), times=3)
    retail_site.check_book(box, capture.year)
    retail_site.check_parked(box, capture.year)
    book = h.tool("balances", box.store)

    years = scratch.file("years")
    h.same(capture.year.write_capture(years, passes=3), capture.count)
    with open(years, encoding="utf-8") as file, \
            open(scratch.file("later"), "w", encoding="utf-8") as later:
        for index, line in enumerate(file):
            if index >= capture.count:
                later.write(line)
    counters = capture.feed(box, path=scratch.file("later"))
    h.same((counters["readings"], counters["booked"], counters["refused"]),
           (2 * capture.count, 0, 0), "readings, booked, refused")
    h.same(counters["seq_reused"] >= 2 * (
        capture.count - WINDOW * len(retail_oracle.DEVICES)), True,
        "seq_reused")
    h.same(h.tool("balances", box.store) == book, True, "the same bytes")
    retail_site.check_book(box, capture.year)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[-1].isdigit():
        LINES = int(sys.argv.pop())
    h.main()
