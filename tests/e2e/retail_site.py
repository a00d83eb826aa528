"""The warehouse of the retail year: a box that knows its articles, the people
who work there, and what is looked at when they have gone home."""

import depot_harness as h
import retail_oracle

# Readings of one device that may wait for an answer. Below the window of
# known numbers, so that all of them can be sent again.
AHEAD = 800
# Readings that a device remembers beyond their answer.
KEPT = 200
UNKNOWN_ITEM = 4  # enum word


def box_of(scratch, port, year, map_mib, **more):
    return h.Box(scratch, port, seeding=year.seeding(), map_mib=map_mib, **more)


class Worker(h.Device):
    """A device with its part of the readings. It remembers what has no answer
    yet, and little more."""

    def __init__(self, scratch, broker, name):
        super().__init__(scratch, broker, name, boot=retail_oracle.BOOT,
                         window=300)
        self.kept = 1  # the lowest number in sent

    def scan_soon(self, **fields):
        """Sends one reading, as soon as not too many wait."""
        while True:
            self.wait(lambda: self.missed or not self.is_full(),
                      f"answers for {self.name} (upto {self.upto} of "
                      f"{self.next_seq - 1})")
            self.again_missed()
            if not self.is_full():
                break
        while self.kept < self.oldest - KEPT:
            del self.sent[self.kept]
            self.kept += 1
        return self.scan(**fields)

    def is_full(self):
        """Whether the next reading has to wait for an answer."""
        return self.waiting() >= AHEAD

    def insist(self):
        """Sends again whatever has no answer; returns how much that was."""
        seqs = self.unacked()
        self.again(seqs)
        return len(seqs)


def people(scratch, broker):
    return {name: Worker(scratch, broker, name)
            for name in retail_oracle.DEVICES}


def readings(workers, year):
    """Sends the year's readings; yields (worker, seq) after each."""
    for part in (year.opening(), year.days()):
        for device, fields in part:
            yield workers[device], workers[device].scan_soon(**fields)
        workers["dock-1"].settle()  # before anybody picks from it


def settle(workers, year):
    """Waits for the last answer. Nothing but what is no article was left
    unbooked, and each of those was told."""
    told = 0
    for worker in workers.values():
        worker.settle()
        with worker.changed:
            codes = {seq: {one["code"] for one in answers}
                     for seq, answers in worker.excepted.items()}
        h.same({seq: said for seq, said in codes.items()
                if not said <= {"unknown_item", "duplicate"}}, {},
               f"what {worker.name} was told")
        told += sum("unknown_item" in said for said in codes.values())
    h.same(told, year.parked, "told to be parked")


def check_topics(scratch, broker, year):
    """A late dashboard sees what the oracle says, article by article."""
    late = h.Client(scratch, broker, "dashboard",
                    subscribe=[h.PREFIX + "/stock/+"])
    expected = year.on_hand()
    seen = {}
    state = {"at": 0}

    def is_seen():
        for one in late.messages[state["at"]:]:
            seen[one.json()["item"]] = one.json()["on_hand"]
        state["at"] = len(late.messages)
        return seen == expected

    try:
        late.wait(is_seen, "the oracle's stock on the topics")
    except h.Late:
        h.same(seen, expected, "the stock topics")
        raise


def check_book(box, year):
    """The oracle's balances, unit by unit, inside and outside; nothing was
    found or lost, nothing unexplained, nothing booked twice."""
    book = {(row["item"], row["place"], row.get("condition", "")):
            row["quantity"] for row in box.tool("balances")
            if row["quantity"] != 0}
    expected = year.balances()
    for cell in sorted(book.keys() | expected.keys()):
        h.same(book.get(cell, 0), expected.get(cell, 0), f"units of {cell}")
    result = box.audit(found=0)
    h.same((result["movements"], result["lost"], result["items"]),
           (year.movements, 0, len(year.articles)), "movements, lost, items")
    return result


def check_parked(box, year):
    """Nothing was parked but the lines whose code is no article."""
    parked = box.parked()
    h.same({entry["code"] for entry in parked} <= {UNKNOWN_ITEM}, True,
           "why readings are parked")
    h.same(len(parked), year.parked, "parked")
