#!/usr/bin/python3
"""A part of the retail year (WORKLOADS) through a real broker.

Method: the first lines of the table as readings of four devices; the oracle
(retail_oracle.py) is worked out from the table alone. At the end the book and
the stock topics must be the oracle's, unit by unit, with nothing found.

usage: retail.py [TEST...] [LINES]   (30,000)
"""

import sys
import time

import depot_harness as h
import retail_oracle
import retail_site

LINES = 30000
BLOCK = retail_site.KEPT  # readings that are sent again together


def open_site(scratch, count):
    year = retail_oracle.Year(retail_oracle.read_lines(count))
    broker = h.Broker(scratch).start()
    box = retail_site.box_of(scratch, broker.port, year, 256).start()
    return year, broker, box, retail_site.people(scratch, broker)


def check(scratch, broker, box, year):
    retail_site.check_topics(scratch, broker, year)
    box.stop()
    retail_site.check_book(box, year)
    retail_site.check_parked(box, year)


def check_days(box, year):
    """Each day's shipments are booked on their day, however late the box
    hears of them."""
    shipped = {}
    for entry in box.movements():
        if entry["movement"] == "ship":
            day = entry["effective"] // 86400000
            shipped[day] = shipped.get(day, 0) + entry["quantity"]
    expected = {}
    for device, fields in year.days():
        if fields["op"] == "ship":
            day = retail_oracle.ms_of(fields["at"]) // 86400000
            expected[day] = expected.get(day, 0) + fields["qty"]
    h.same(shipped, expected, "units shipped by day")
    return len(expected)


@h.test
def through_the_broker_the_book_and_the_topics_are_the_oracles(scratch):
    year, broker, box, workers = open_site(scratch, LINES)
    began = time.monotonic()
    count = sum(1 for _ in retail_site.readings(workers, year))
    retail_site.settle(workers, year)
    print(f"{len(year.lines)} lines, {count} readings through the broker in "
          f"{time.monotonic() - began:.0f} s, {year.parked} parked")
    check(scratch, broker, box, year)
    days = check_days(box, year)
    print(f"{days} days")
    h.same(days > 1, True, "more than a day")


@h.test
def each_reading_sent_three_times_counts_once(scratch):
    """As by devices that hear no answer: block by block, whether or not the
    answer has come by then."""
    year, broker, box, workers = open_site(scratch, LINES // 5)
    again = 0
    for worker, seq in retail_site.readings(workers, year):
        if seq % BLOCK == 0:
            worker.again(2 * [*range(seq - BLOCK + 1, seq + 1)])
            again += 2 * BLOCK
    retail_site.settle(workers, year)
    print(f"{len(year.lines)} lines, {again} readings sent again")
    h.same(again > 0, True, "readings were sent again")
    check(scratch, broker, box, year)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[-1].isdigit():
        LINES = int(sys.argv.pop())
    h.main()
