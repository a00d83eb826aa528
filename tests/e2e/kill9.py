#!/usr/bin/python3
"""kill -9 of depotd at random moments under load.

Three kinds of senders go on all the time:
  holder    numbers its readings and sends again what was not acknowledged
  thrower   numbers its readings and sends each once: the broker's PUBACK is
            all that it waits for
  nameless  sends readings without a number, each once

After each kill, before the restart, the store must hold every reading that
was acknowledged until then: an ack means that it survives a power cut, so
the ring is no excuse. At the end every reading that the broker PUBACKed is
there exactly once: in the journal, or parked unread if depotd died on it
twice.

usage: kill9.py [ROUNDS]   (100; beyond, a new box and new senders for each
100, so that neither the store nor what has to be remembered grows)

At the end it says, line by line, "total NAME: NUMBER".
"""

import json
import random
import sys
import threading
import time

import depot_harness as h

ROUNDS = 100
ROUNDS_EACH = 100
AUDIT_EACH = 10  # rounds
TOTALS = ("kills", "of them during a start", "readings", "readings PUBACKed",
          "acknowledged before a kill and found after it", "found once",
          "lost", "doubles", "parked because depotd died on them twice",
          "journal entries", "audits, all of them clean", "unexplained")
SEEDING = [("device", "holder", 1, ""), ("device", "thrower", 1, ""),
           ("device", "nameless", 1, ""), ("bin", "A-01"), ("item", "MUG", 0),
           ("item", "CUP", 0), ("code", "04006381333931", "MUG", 1)]
IN_FLIGHT = 150
AHEAD = 2500  # readings that may wait for a depotd that is away
DIED_TWICE = 7  # enum word


class Load:
    """The senders, each in a thread of its own."""

    def __init__(self, scratch, broker):
        self.is_over = threading.Event()
        self.holder = h.Device(scratch, broker, "holder")
        self.thrower = h.Device(scratch, broker, "thrower")
        self.nameless = h.Device(scratch, broker, "nameless", subscribe=[
            h.PREFIX + "/stock/CUP"])
        self.nameless_sent = 0
        self.threads = [threading.Thread(target=self.run, args=pair,
                                         daemon=True)
                        for pair in ((self.holder, self.hold),
                                     (self.thrower, self.throw),
                                     (self.nameless, self.drop))]
        for thread in self.threads:
            thread.start()
        scratch.callback(self.stop)

    def run(self, device, send):
        while not self.is_over.is_set():
            with device.changed:
                is_free = device.changed.wait_for(
                    lambda: len(device.in_flight) < IN_FLIGHT, .1)
            if is_free:
                send()

    def hold(self):
        device = self.holder
        with device.changed:
            is_free = device.changed.wait_for(
                lambda: device.waiting() < 500, .1)
        device.again_missed()
        if is_free:
            device.scan(op="receive", code="4006381333931", bin="A-01")

    def is_ahead(self):
        return self.thrower.next_seq - self.thrower.upto > AHEAD

    def throw(self):
        device = self.thrower
        with device.changed:
            is_free = device.changed.wait_for(
                lambda: not self.is_ahead(), .1)
        if is_free:
            device.scan(op="receive", code="MUG", qty=2)

    def drop(self):
        device = self.nameless
        with device.changed:
            is_free = device.changed.wait_for(
                lambda: self.nameless_sent < self.thrower.next_seq, .02)
        if not is_free:
            return
        self.nameless_sent += 1
        self.nameless.publish(self.nameless.topic, {
            "v": 1, "op": "receive", "code": "CUP", "bin": "A-01"},
            self.nameless_sent)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


class Book:
    """What the journal holds, read on from where it was read before."""

    def __init__(self, box):
        self.box = box
        self.next = 1
        self.times = {}

    def read(self):
        # Line by line: as a list, the whole of it would fill the memory.
        for line in h.tool("journal-from", self.box.store,
                           self.next).splitlines():
            entry = h.decode(line)
            self.next = entry["pos"] + 1
            if entry["kind"] == "movement":
                name = (entry.get("actor"), entry.get("seq"))
                self.times[name] = self.times.get(name, 0) + 1

    def lacks(self, device, seqs):
        return [seq for seq in seqs
                if self.times.get((device.name, seq), 0) == 0]


def acked(device):
    with device.changed:
        return range(1, device.upto + 1)


def check_end(box, load, book, totals):
    """Everything PUBACKed is there exactly once."""
    died = {}
    for entry in box.parked():
        h.same(entry["code"], DIED_TWICE, f"why {entry} is parked")
        died[entry["payload"]] = died.get(entry["payload"], 0) + 1
    lost, doubles = [], []
    for device in (load.holder, load.thrower):
        sent = range(1, device.next_seq)
        unread = {seq for seq in sent if json.dumps(
            device.sent[seq], ensure_ascii=False) in died}
        lost += [(device.name, seq) for seq in book.lacks(device, sent)
                 if seq not in unread]
        doubles += [(device.name, seq) for seq in sent
                    if book.times.get((device.name, seq), 0) > 1]
        totals["found once"] += sum(
            book.times.get((device.name, seq), 0) == 1 for seq in sent)
        totals["readings"] += len(sent)
        totals["readings PUBACKed"] += len(device.taken)
    nameless = box.on_hand()["CUP"] + sum(
        count for payload, count in died.items() if "CUP" in payload)
    totals["found once"] += min(nameless, load.nameless_sent)
    totals["readings"] += load.nameless_sent
    totals["readings PUBACKed"] += len(load.nameless.taken)
    totals["parked because depotd died on them twice"] += sum(died.values())
    totals["lost"] += len(lost) + max(0, load.nameless_sent - nameless)
    totals["doubles"] += len(doubles) + max(0, nameless - load.nameless_sent)
    h.same(lost, [], "PUBACKed readings that are missing")
    h.same(doubles, [], "readings booked twice")
    h.same(nameless, load.nameless_sent, "readings without a number")
    h.same(totals["readings PUBACKed"], totals["readings"], "PUBACKed")


def check_killed(box, load, book, totals):
    """Everything acknowledged is in the store. Returns how much that is."""
    sure = [(device, acked(device)) for device in (load.holder, load.thrower)]
    book.read()
    lost = [(device.name, seq) for device, seqs in sure
            for seq in book.lacks(device, seqs)]
    totals["lost"] += len(lost)
    h.same(lost, [], f"kill {totals['kills']}: acknowledged readings that "
           "are not in the store")
    return sum(len(seqs) for _, seqs in sure)


def audit(box, totals):
    result = box.audit(found=0)
    totals["audits, all of them clean"] += 1
    totals["unexplained"] += result["unexplained"]
    return result


def settle(box, load):
    """Until every reading has been PUBACKed and booked."""
    load.stop()
    for device in (load.holder, load.thrower, load.nameless):
        device.wait(lambda one=device: not one.in_flight, "every PUBACK")
    load.holder.again(load.holder.unacked())
    load.holder.settle()
    # Behind all that it sent. Whose answers it missed it does not care.
    load.thrower.ask(op="receive", code="MUG")
    load.thrower.wait(lambda: load.thrower.upto == load.thrower.next_seq - 1,
                      "all that was thrown")
    load.nameless.wait(lambda: any(
        one.topic.endswith("/stock/CUP")
        and one.json()["on_hand"] >= load.nameless_sent - box_parked(box)
        for one in load.nameless.messages[-50:]), "the last of the nameless")


def run(scratch, rounds, draw, totals):
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, map_mib=1024,
                store__map_size="1024 MiB").start()
    load = Load(scratch, broker)
    book = Book(box)
    checked = 0
    for number in range(rounds):
        is_early = draw.random() < .15
        if is_early:
            # In the middle of its start.
            box.program.live(draw.uniform(0, .06))
            totals["of them during a start"] += 1
        else:
            box.wait_up()
            load.holder.again(load.holder.unacked())
            box.program.live(draw.uniform(0, .4))
        h.same(box.program.is_running(), True, "depotd is running")
        box.kill()
        totals["kills"] += 1
        checked = check_killed(box, load, book, totals)
        if number % AUDIT_EACH == 0:
            audit(box, totals)
        box.spawn()
    h.same(checked > 0, True, "acknowledged readings were checked")
    totals["acknowledged before a kill and found after it"] += checked
    box.wait_up()
    settle(box, load)
    box.stop()
    # Read anew: what one kill left may be gone after another.
    book = Book(box)
    book.read()
    check_end(box, load, book, totals)
    totals["journal entries"] += audit(box, totals)["entries"]


def box_parked(box):
    return sum("CUP" in entry["payload"] for entry in box.parked())


@h.test
def kills_in_the_middle_of_a_long_queue_count_nothing_twice(scratch):
    """While it has a queue, mosquitto 2.0.11 has thousands of messages on
    their way at once, and forgets PUBACKs that it has not read when the
    connection breaks: they come again in numbers beyond all windows."""
    draw = random.Random(h.seed())
    broker = h.Broker(scratch).start()
    box = h.Box(scratch, broker.port, seeding=SEEDING, map_mib=256).start()
    thrower = h.Device(scratch, broker, "thrower")
    nameless = h.Device(scratch, broker, "nameless",
                        subscribe=[h.PREFIX + "/stock/CUP"])
    box.kill()
    queue = 15000
    for number in range(queue):
        thrower.scan(op="receive", code="MUG", qty=2)
        nameless.publish(nameless.topic, {"v": 1, "op": "receive",
                                          "code": "CUP"}, number)
    for device in (thrower, nameless):
        device.wait(lambda one=device: len(one.taken) == queue, "the PUBACKs")
    kills = middle = units = 0
    while units < 3 * queue and kills < 40:
        box.spawn()
        box.wait_ready()
        # Longer lives, where in a short one nothing comes to pass.
        box.program.live(draw.uniform(0, .08 * (1 + kills / 4)))
        box.kill()
        kills += 1
        units = sum(box.on_hand().values())
        middle += 0 < units < 3 * queue
    h.same(middle > 0, True, "depotd was killed in the middle")
    box.start()
    nameless.wait_message(h.PREFIX + "/stock/CUP",
                          lambda one: one.json()["on_hand"] >= queue)
    thrower.ask(op="receive", code="MUG", qty=2)
    box.stop()
    h.same(box.on_hand(), {"MUG": 2 * queue + 2, "CUP": queue})
    h.same(h.booked_once(box, thrower, range(1, queue + 2)), queue + 1)
    h.same(box.parked(), [], "parked")
    print(f"{2 * queue} readings, {kills} kills, {middle} in the middle")
    box.audit(found=0)


@h.test
def nothing_acknowledged_is_lost_and_nothing_counts_twice(scratch):
    draw = random.Random(h.seed())
    totals = dict.fromkeys(TOTALS, 0)
    began = time.monotonic()
    try:
        for first in range(0, ROUNDS, ROUNDS_EACH):
            with h.Scratch() as part:
                run(part, min(ROUNDS_EACH, ROUNDS - first), draw, totals)
            print(f"{totals['kills']} kills, {totals['readings']} readings, "
                  f"{time.monotonic() - began:.0f} s", flush=True)
    finally:
        for name, number in totals.items():
            print(f"total {name}: {number}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    h.main()
