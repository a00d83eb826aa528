"""The retail year (uci-online-retail.csv.xz) as readings, and what must come
of them, worked out here from the table alone: nothing of depot is asked.

Each line of the table is an order line: picked and shipped. A cancellation (an
invoice that begins with C) is a return; a negative line without a customer is
goods thrown away; a line whose code is no article (postage, fees ...) cannot
be booked and is parked. On the first day as many cases are received of each
article as the rest of the table needs."""

import csv
import datetime
import itertools
import json
import lzma
import os
import re

import depot_harness as h

FILE = os.path.join(h.DATA, "uci-online-retail.csv.xz")
PACK = 12
BINS = 40
WORKERS = ("worker-1", "worker-2", "worker-3")
DEVICES = ("dock-1", *WORKERS)
BOOT = "y1"
GOODS = re.compile(r"\d{5}")
YEAR_MS = 400 * 86400000  # more than the table's


def gtin_of_case(number):
    """A GTIN-14 of our own for the case of article @number."""
    digits = f"12000000{number:05}"
    total = sum(int(digit) * (3 if index % 2 == 0 else 1)
                for index, digit in enumerate(digits))
    return digits + str(-total % 10)


def ms_of(at):
    """A time of the table, in milliseconds since 1970."""
    return int(datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))
               .timestamp() * 1000)


def read_lines(count=None):
    """(invoice, sku, quantity, at) of each line of the table."""
    if not os.path.exists(FILE):
        raise h.Skip(f"there is no {FILE}")
    lines = []
    with lzma.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in itertools.islice(csv.DictReader(file), count):
            invoice, quantity = row["invoice"], int(row["quantity"])
            # What the rules above stand on.
            is_back = invoice.startswith("C")
            assert quantity < 0 if is_back else quantity > 0 or (
                quantity < 0 and row["customer"] == ""), row
            lines.append((invoice, row["sku"], quantity,
                          row["datetime"].replace(" ", "T") + ":00Z"))
    return lines


class Year:
    """The readings, in the order in which they happen, and the oracle."""

    def __init__(self, lines):
        self.lines = lines
        self.articles = sorted({sku for _, sku, _, _ in lines
                                if GOODS.match(sku)})
        self.bin_of = {sku: f"A-{index % BINS:02}"
                       for index, sku in enumerate(self.articles)}
        self.case_of = {sku: gtin_of_case(index)
                        for index, sku in enumerate(self.articles)}
        self.out = dict.fromkeys(self.articles, 0)
        self.back = dict.fromkeys(self.articles, 0)
        self.thrown = dict.fromkeys(self.articles, 0)
        self.parked = self.movements = 0
        for invoice, sku, quantity, _ in lines:
            if not GOODS.match(sku):
                self.parked += 1
            elif invoice.startswith("C"):
                self.back[sku] -= quantity
                self.movements += 1
            elif quantity < 0:
                self.out[sku] -= quantity
                self.thrown[sku] -= quantity
                self.movements += 1
            else:
                self.out[sku] += quantity
                self.movements += 2
        self.cases = {sku: -(-units // PACK)
                      for sku, units in self.out.items() if units > 0}
        self.movements += len(self.cases)
        # Each makes a movement or is parked.
        self.readings = self.movements + self.parked

    def seeding(self):
        return [*[("device", device, 1, "") for device in DEVICES],
                *[("bin", f"A-{number:02}") for number in range(BINS)],
                *[("item", sku, 0) for sku in self.articles],
                *[("code", case, sku, PACK)
                  for sku, case in self.case_of.items()]]

    def opening(self):
        """(device, fields) of the first day's receipts."""
        for sku, cases in self.cases.items():
            yield "dock-1", {"op": "receive", "code": self.case_of[sku],
                             "qty": cases, "bin": self.bin_of[sku],
                             "at": "2010-11-30T06:00:00Z"}

    def days(self):
        """(device, fields) of all the rest. An invoice is one worker's, so
        that what was picked is shipped after it."""
        for invoice, sku, quantity, at in self.lines:
            device = WORKERS[int(invoice.strip("CA")) % len(WORKERS)]
            fields = {"code": sku, "qty": abs(quantity), "ref": invoice,
                      "at": at}
            place = {"bin": self.bin_of.get(sku, "A-00")}
            if invoice.startswith("C"):
                yield device, {"op": "return", **fields}
            elif quantity < 0:
                yield device, {"op": "scrap", "reason": "written off",
                               **fields, **place}
            else:
                yield device, {"op": "pick", **fields, **place}
                if GOODS.match(sku):
                    yield device, {"op": "ship", **fields}

    def balances(self):
        """What must be where at the end, in the box and outside of it: all
        that was ever moved sums up to nothing."""
        book = {}
        for sku in self.articles:
            came = self.cases.get(sku, 0) * PACK
            sold = self.out[sku] - self.thrown[sku]
            cells = {
                (self.bin_of[sku], "good"): came - self.out[sku],
                ("DOCK", "quarantine"): self.back[sku],
                ("supplier:unknown", ""): -came,
                ("customer", ""): sold - self.back[sku],
                ("scrap", ""): self.thrown[sku],
            }
            assert sum(cells.values()) == 0, sku
            book.update({(sku, *cell): units for cell, units in cells.items()
                         if units != 0})
        return book

    def on_hand(self):
        """{article: units in the house}, also of those that are used up."""
        return {sku: self.cases.get(sku, 0) * PACK - self.out[sku]
                + self.back[sku] for sku in self.articles}

    def write_capture(self, path, passes=1):
        """The readings as lines "milliseconds, topic, payload", all of them
        @passes times, years apart; returns how many there are of each."""
        count = 0
        with open(path, "w", encoding="utf-8") as file:
            for number in range(passes):
                later = number * YEAR_MS
                numbers = dict.fromkeys(DEVICES, 0)
                count = 0
                for part in (self.opening(), self.days()):
                    for device, fields in part:
                        numbers[device] += 1
                        count += 1
                        payload = json.dumps({"v": 1, "boot": BOOT,
                                              "seq": numbers[device],
                                              **fields})
                        file.write(f"{ms_of(fields['at']) + later}\t"
                                   f"{h.PREFIX}/scan/{device}\t{payload}\n")
        return count
