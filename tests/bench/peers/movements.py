"""The movements that every peer carries: one JSON text each.

The retail year's are those that tests/e2e/retail.py books: opening receipts,
then picks, shipments, returns and scrap. The fields say what depot's entry
says: what moved, how much, from where to where, for which document, when (in
milliseconds), by whom. A device's own sequence number stays in the site.

The table knows the minute of an invoice. Here each of its lines is scanned, by
one worker who needs some seconds for each, first to pick them all and then to
ship them; the workers' scans mix as they come. Times that all were the same
would be sent for nothing.
"""

import itertools
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../../e2e"))  # behind our own

# How each kind of reading moves stock, "bin" being the one it names.
WAYS = {"receive": ("supplier:unknown", "bin"), "pick": ("bin", "PICKED"),
        "ship": ("PICKED", "customer"), "return": ("customer", "DOCK"),
        "scrap": ("bin", "scrap")}
SCAN_MS = (2000, 12000)
SEED = 1


class Missing(Exception):
    """This machine has no such data."""


def text_of(device, fields, at_ms):
    origin, target = (fields["bin"] if place == "bin" else place
                      for place in WAYS[fields["op"]])
    return json.dumps({
        "op": fields["op"], "item": fields["code"], "qty": fields["qty"],
        "from": origin, "to": target, "ref": fields.get("ref", ""),
        "at": at_ms, "by": device}, separators=(",", ":"))


def bookable(year, pack):
    """(device, fields) of what moves stock, articles by their own code."""
    articles = {case: sku for sku, case in year.case_of.items()}
    for device, fields in itertools.chain(year.opening(), year.days()):
        if fields["code"] in articles:
            fields["code"] = articles[fields["code"]]
            fields["qty"] *= pack
        if fields["code"] in year.bin_of:
            yield device, fields


def by_invoice(readings):
    """The picks of an invoice before its shipments."""
    for _, some in itertools.groupby(readings,
                                     lambda one: one[1].get("ref")):
        yield from sorted(some, key=lambda one: one[1]["op"] == "ship")


def scanned(readings, ms_of):
    """(ms, device, fields), in the order of time."""
    chance = random.Random(SEED)
    free = {}  # when each device is done with what it did
    scans = []
    for device, fields in readings:
        began = max(free.get(device, 0), ms_of(fields["at"]))
        free[device] = began + chance.randint(*SCAN_MS)
        scans.append((free[device], device, fields))
    return sorted(scans, key=lambda scan: scan[0])


def retail(count):
    """The first @count movements of the retail year."""
    import retail_oracle  # needs the tests' packages
    try:
        # Two movements a line of goods sold, and the receipts on top.
        lines = retail_oracle.read_lines(count // 2 + 2000)
    except retail_oracle.h.Skip as skip:
        raise Missing(str(skip)) from None
    year = retail_oracle.Year(lines)
    scans = scanned(by_invoice(bookable(year, retail_oracle.PACK)),
                    retail_oracle.ms_of)
    if len(scans) < count:
        raise ValueError(f"the table gives {len(scans)} movements of {count}")
    return [text_of(device, fields, at_ms)
            for at_ms, device, fields in scans[:count]]


def made(name, count):
    """@count movements, each of which tells by @name which it is."""
    return [text_of("worker-1", {
        "op": "pick", "code": "85123A", "qty": 1 + number % 7,
        "bin": f"A-{number % 40:02}", "ref": f"{name}-{number}"},
        1793606400000 + 8000 * number) for number in range(1, count + 1)]
